/* formats/proto_text.c: see proto_text.h. Lists of messages, and the names of extensions, are not supported. */
#include "formats/proto_text.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "formats/proto_put.h"

/* ---- tokens -------------------------------------------------------------------------------------- */
typedef enum token_kind { END, WORD, STRING, MARK } token_kind;

typedef struct token {
  token_kind kind;
  xai_proto_span text; /* of a STRING: between the quotes, escapes as they are */
  char mark;           /* MARK */
} token;

/* A message that is being read: into 'bytes', or over it when nobody wants it. */
typedef struct frame {
  const xai_proto_message *message; /* NULL: skipped */
  const xai_proto_rule *rule;       /* of the field that it is; NULL: skipped, or the root */
  xai_buf bytes;
  uint64_t seen; /* bit n: the message of rule n has occurred */
  char close;
} frame;

typedef struct reader {
  const unsigned char *at, *end;
  size_t line;
  token now;
  const xai_proto_message *messages;
  const xai_proto_enum *enums;
  frame stack[XAI_PROTO_DEPTH];
  int depth;
} reader;

static xai_status fail(const reader *r, xai_err *err, const char *what, xai_proto_span about) {
  return xai_fail(err, XAI_EFORMAT, "line %zu: %s '%.*s'", r->line, what, XAI_SPAN(about));
}

static bool in_word(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '+' || c == '-';
}

static void skip_blanks(reader *r) {
  for (bool comment = false; r->at < r->end; r->at++) {
    unsigned char c = *r->at;
    if (c == '#') comment = true;
    if (c == '\n') {
      comment = false;
      r->line++;
    } else if (!comment && c != ' ' && c != '\t' && c != '\r' && c != '\f' && c != '\v') {
      return;
    }
  }
}

static xai_status next_string(reader *r, xai_err *err) {
  unsigned char quote = *r->at++;
  const unsigned char *start = r->at;
  while (r->at < r->end && *r->at != quote && *r->at != '\n') r->at += *r->at == '\\' && r->end - r->at > 1 ? 2 : 1;
  r->now = (token){STRING, {start, (size_t)(r->at - start)}, 0};
  if (r->at >= r->end || *r->at != quote) return fail(r, err, "a string without an end:", r->now.text);
  r->at++;
  return XAI_OK;
}

static xai_status next(reader *r, xai_err *err) {
  skip_blanks(r);
  const unsigned char *start = r->at;
  r->now = (token){.kind = END};
  if (r->at == r->end) return XAI_OK;
  if (*r->at == '"' || *r->at == '\'') return next_string(r, err);
  while (r->at < r->end && in_word(*r->at)) r->at++;
  if (r->at > start) {
    r->now = (token){WORD, {start, (size_t)(r->at - start)}, 0};
    return XAI_OK;
  }
  r->now = (token){MARK, {start, 1}, (char)*r->at++};
  if (strchr("{}<>[]:,;", r->now.mark) == NULL || r->now.mark == '\0')
    return fail(r, err, "not a protobuf text at", r->now.text);
  return XAI_OK;
}

static bool at_mark(const reader *r, char mark) { return r->now.kind == MARK && r->now.mark == mark; }

/* ---- values -------------------------------------------------------------------------------------- */
static bool octal(unsigned char c) { return c >= '0' && c <= '7'; }

static int hex(unsigned char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Appends the bytes that the text between quotes means. */
static void unescape(xai_proto_span s, xai_buf *b) {
  static const char letters[] = "abfnrtv", codes[] = "\a\b\f\n\r\t\v";
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = s.at[i];
    if (c == '\\' && i + 1 < s.n) {
      c = s.at[++i];
      const char *letter = c != '\0' ? strchr(letters, c) : NULL;
      if (letter != NULL) {
        c = (unsigned char)codes[letter - letters];
      } else if (octal(c)) {
        int value = c - '0';
        for (int k = 0; k < 2 && i + 1 < s.n && octal(s.at[i + 1]); k++) value = value * 8 + s.at[++i] - '0';
        c = (unsigned char)value;
      } else if (c == 'x' && i + 1 < s.n && hex(s.at[i + 1]) >= 0) {
        int value = 0;
        for (int k = 0; k < 2 && i + 1 < s.n && hex(s.at[i + 1]) >= 0; k++) value = value * 16 + hex(s.at[++i]);
        c = (unsigned char)value;
      }
    }
    xai_buf_add(b, &c, 1);
  }
}

/* Strings side by side are one. Leaves the token behind them. */
static xai_status put_strings(reader *r, const xai_proto_rule *rule, xai_buf *b, xai_err *err) {
  xai_buf text = {0};
  xai_status st = XAI_OK;
  for (; r->now.kind == STRING && st == XAI_OK; st = next(r, err)) unescape(r->now.text, &text);
  xai_proto__put_message(b, rule->number, &text);
  return st;
}

enum { LONGEST_NUMBER = 63 };

static bool copy_word(xai_proto_span s, char out[LONGEST_NUMBER + 1]) {
  if (s.n > LONGEST_NUMBER) return false;
  memcpy(out, s.at, s.n);
  out[s.n] = '\0';
  return true;
}

static bool read_whole(xai_proto_span s, int64_t *out) {
  char text[LONGEST_NUMBER + 1], *end;
  if (!copy_word(s, text)) return false;
  errno = 0;
  *out = text[0] == '-' ? strtoll(text, &end, 0) : (int64_t)strtoull(text, &end, 0);
  return errno == 0 && end != text && *end == '\0';
}

/* The host's locale may want another decimal mark. */
static bool read_number(xai_proto_span s, double *out) {
  char text[LONGEST_NUMBER + 1], *end;
  if (!copy_word(s, text)) return false;
  char *point = strchr(text, '.');
  if (point != NULL) *point = localeconv()->decimal_point[0];
  *out = strtod(text, &end);
  if (end != text && (*end == 'f' || *end == 'F')) end++;
  return end != text && *end == '\0';
}

/* The value that the word has as one of the field's enumeration. */
static bool find_word(const reader *r, const xai_proto_rule *rule, xai_proto_span word, int64_t *out) {
  int message = (int)(r->stack[r->depth - 1].message - r->messages);
  for (const xai_proto_enum *e = r->enums; e->message >= 0; e++)
    for (int i = 0; e->message == message && e->number == rule->number && e->words[i] != NULL; i++)
      if (xai_proto__equal(word, e->words[i])) {
        *out = i;
        return true;
      }
  return false;
}

static xai_status put_whole(const reader *r, const xai_proto_rule *rule, xai_buf *b, xai_err *err) {
  int64_t value;
  xai_proto_span s = r->now.text;
  if (xai_proto__equal(s, "true"))
    value = 1;
  else if (xai_proto__equal(s, "false"))
    value = 0;
  else if (!find_word(r, rule, s, &value) && !read_whole(s, &value))
    return xai_fail(err, XAI_EFORMAT, "line %zu: '%.*s' is no value of %s", r->line, XAI_SPAN(s), rule->name);
  xai_proto__put_int(b, rule->number, value);
  return XAI_OK;
}

static xai_status put_number(const reader *r, const xai_proto_rule *rule, xai_buf *b, xai_err *err) {
  double value;
  if (!read_number(r->now.text, &value))
    return xai_fail(err, XAI_EFORMAT, "line %zu: '%.*s' is no value of %s", r->line, XAI_SPAN(r->now.text), rule->name);
  if (rule->kind == XAI_PROTO_DOUBLES)
    xai_proto__put_double(b, rule->number, value);
  else
    xai_proto__put_float(b, rule->number, (float)value);
  return XAI_OK;
}

/* A value that is no message, and the token behind it. rule NULL: it is skipped. */
static xai_status take_scalar(reader *r, const xai_proto_rule *rule, xai_err *err) {
  xai_buf *b = &r->stack[r->depth - 1].bytes;
  if (r->now.kind != WORD && r->now.kind != STRING) return fail(r, err, "expected a value, got", r->now.text);
  if (rule == NULL) {
    bool strings = r->now.kind == STRING;
    do XAI_TRY(next(r, err));
    while (strings && r->now.kind == STRING);
    return XAI_OK;
  }
  bool text = rule->kind == XAI_PROTO_BYTES;
  if (rule->kind == XAI_PROTO_ONE || rule->kind == XAI_PROTO_MANY)
    return xai_fail(err, XAI_EFORMAT, "line %zu: %s: expected '{', got '%.*s'", r->line, rule->name,
                    XAI_SPAN(r->now.text));
  if (text != (r->now.kind == STRING))
    return xai_fail(err, XAI_EFORMAT, "line %zu: %s: expected %s, got '%.*s'", r->line, rule->name,
                    text ? "a text in quotes" : "a value without quotes", XAI_SPAN(r->now.text));
  if (text) return put_strings(r, rule, b, err);
  bool whole = rule->kind == XAI_PROTO_INT || rule->kind == XAI_PROTO_INTS;
  XAI_TRY(whole ? put_whole(r, rule, b, err) : put_number(r, rule, b, err));
  return next(r, err);
}

/* "[1, 2]" behind its bracket. */
static xai_status take_list(reader *r, const xai_proto_rule *rule, xai_err *err) {
  XAI_TRY(next(r, err));
  while (!at_mark(r, ']')) {
    XAI_TRY(take_scalar(r, rule, err));
    if (at_mark(r, ','))
      XAI_TRY(next(r, err));
    else if (!at_mark(r, ']'))
      return fail(r, err, "expected ',' or ']', got", r->now.text);
  }
  return next(r, err);
}

/* ---- messages ------------------------------------------------------------------------------------ */
static const xai_proto_rule *find_rule(const xai_proto_message *m, xai_proto_span name) {
  for (const xai_proto_rule *rule = m != NULL ? m->rules : NULL; rule != NULL && rule->number != 0; rule++)
    if (xai_proto__equal(name, rule->name)) return rule;
  return NULL;
}

static xai_status open_message(reader *r, const xai_proto_rule *rule, xai_err *err) {
  frame *top = &r->stack[r->depth - 1];
  if (rule != NULL) {
    uint64_t bit = UINT64_C(1) << (rule - top->message->rules);
    if (rule->kind != XAI_PROTO_ONE && rule->kind != XAI_PROTO_MANY)
      return xai_fail(err, XAI_EFORMAT, "line %zu: %s: expected a value, got '{'", r->line, rule->name);
    if (rule->kind == XAI_PROTO_ONE && (top->seen & bit) != 0)
      return xai_fail(err, XAI_EFORMAT, "line %zu: a second %s in the %s", r->line, rule->name, top->message->name);
    top->seen |= bit;
  }
  if (r->depth == XAI_PROTO_DEPTH)
    return xai_fail(err, XAI_EFORMAT, "line %zu: nested more than %d deep", r->line, XAI_PROTO_DEPTH);
  r->stack[r->depth++] = (frame){
      .message = rule != NULL ? &r->messages[rule->message] : NULL, .rule = rule, .close = at_mark(r, '{') ? '}' : '>'};
  return next(r, err);
}

static xai_status close_message(reader *r, xai_err *err) {
  frame *top = &r->stack[r->depth - 1];
  if (r->depth == 1 || r->now.mark != top->close) return fail(r, err, "nothing is open that ends with", r->now.text);
  r->depth--;
  if (top->rule != NULL) xai_proto__put_message(&r->stack[r->depth - 1].bytes, top->rule->number, &top->bytes);
  return next(r, err);
}

/* A field from its name on. */
static xai_status take_field(reader *r, xai_err *err) {
  xai_proto_span name = r->now.text;
  const xai_proto_rule *rule = find_rule(r->stack[r->depth - 1].message, name);
  XAI_TRY(next(r, err));
  bool colon = at_mark(r, ':');
  if (colon) XAI_TRY(next(r, err));
  if (at_mark(r, '{') || at_mark(r, '<')) return open_message(r, rule, err);
  if (!colon) return fail(r, err, "expected ':' or '{' after", name);
  return at_mark(r, '[') ? take_list(r, rule, err) : take_scalar(r, rule, err);
}

static xai_status take_all(reader *r, xai_err *err) {
  XAI_TRY(next(r, err));
  while (r->now.kind != END) {
    if (r->now.kind == WORD)
      XAI_TRY(take_field(r, err));
    else if (at_mark(r, '}') || at_mark(r, '>'))
      XAI_TRY(close_message(r, err));
    else if (at_mark(r, ',') || at_mark(r, ';'))
      XAI_TRY(next(r, err));
    else
      return fail(r, err, "expected the name of a field, got", r->now.text);
  }
  if (r->depth == 1) return XAI_OK;
  const xai_proto_rule *open = r->stack[r->depth - 1].rule;
  return xai_fail(err, XAI_EFORMAT, "line %zu: the text ends inside a message (%s)", r->line,
                  open != NULL ? open->name : "unknown");
}

xai_status xai_proto__from_text(xai_proto_span text, const xai_proto_message *messages, int root,
                                const xai_proto_enum *enums, xai_buf *out, xai_err *err) {
  reader r = {.at = text.at, .end = text.at + text.n, .line = 1, .messages = messages, .enums = enums, .depth = 1};
  r.stack[0].message = &messages[root];
  xai_status st = take_all(&r, err);
  if (st == XAI_OK && r.stack[0].bytes.failed) st = xai_fail_memory(err, r.stack[0].bytes.size);
  if (st == XAI_OK) {
    xai_buf_add(out, r.stack[0].bytes.data, r.stack[0].bytes.size);
    if (out->failed) st = xai_fail_memory(err, out->size);
  }
  for (int i = 0; i < r.depth; i++) xai_buf_free(&r.stack[i].bytes);
  return st;
}
