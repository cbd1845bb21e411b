/* formats/proto_wire.c: see proto_wire.h. Why not a general protobuf library: those recurse without a limit,
 * build objects many times the size of the file, merge repeated singular messages in quadratic time, and
 * copy the weights. */
#include "formats/proto_wire.h"

#include <string.h>

#include "base/alloc.h"
#include "base/status.h"

typedef enum fault { FINE, CUT, LONG_VARINT, NUMBER_0, WIRE_TYPE, PAST_END } fault;

static fault take_varint(xai_proto_span *rest, uint64_t *value) {
  uint64_t v = 0;
  for (size_t i = 0; i < 10; i++) {
    if (i == rest->n) return CUT;
    unsigned char byte = rest->at[i];
    v |= (uint64_t)(byte & 0x7f) << (7 * i); /* of the tenth byte only one bit counts, as in every reader */
    if (byte < 0x80) {
      rest->at += i + 1;
      rest->n -= i + 1;
      *value = v;
      return FINE;
    }
  }
  return LONG_VARINT;
}

/* n little-endian bytes */
static fault take_fixed(xai_proto_span *rest, size_t n, uint64_t *value) {
  if (rest->n < n) return CUT;
  *value = 0;
  for (size_t i = n; i-- > 0;) *value = *value << 8 | rest->at[i];
  rest->at += n;
  rest->n -= n;
  return FINE;
}

static fault take_field(xai_proto_span *rest, xai_proto_field *f) {
  uint64_t tag;
  fault bad = take_varint(rest, &tag);
  if (bad != FINE) return bad;
  *f = (xai_proto_field){.number = (uint32_t)(tag >> 3), .wire = (xai_proto_wire)(tag & 7)};
  if (tag > UINT32_MAX || f->number == 0) return NUMBER_0;
  switch (f->wire) {
    case XAI_WIRE_VARINT: return take_varint(rest, &f->bits);
    case XAI_WIRE_64: return take_fixed(rest, 8, &f->bits);
    case XAI_WIRE_32: return take_fixed(rest, 4, &f->bits);
    case XAI_WIRE_BYTES: break;
    default: return WIRE_TYPE;
  }
  uint64_t n;
  bad = take_varint(rest, &n);
  if (bad != FINE) return bad;
  f->bits = n; /* for the message about PAST_END */
  if (n > rest->n) return PAST_END;
  f->bytes = (xai_proto_span){rest->at, (size_t)n};
  rest->at += n;
  rest->n -= (size_t)n;
  return FINE;
}

/* ---- the check ----------------------------------------------------------------------------------- */
/* One message that is being walked. */
typedef struct frame {
  xai_proto_span rest;
  const xai_proto_message *message;
  uint64_t seen; /* bit n: the message of rule n has occurred */
} frame;

static const xai_proto_rule *find_rule(const xai_proto_message *m, uint32_t number) {
  for (const xai_proto_rule *r = m->rules; r->number != 0; r++)
    if (r->number == number) return r;
  return NULL;
}

/* At the top of the file a missing end means that the file was cut; further in, that it is damaged. */
static xai_status fail_field(fault bad, const frame *at, const xai_proto_field *f, size_t offset, bool top,
                             xai_err *err) {
  const xai_proto_rule *rule = find_rule(at->message, f->number);
  const char *field = rule != NULL ? rule->name : "unknown", *message = at->message->name;
  unsigned long long bits = f->bits;
  switch (bad) {
    case CUT:
      if (top) return xai_fail(err, XAI_EFORMAT, "truncated: the file ends in the middle of a field");
      return xai_fail(err, XAI_EFORMAT, "damaged at byte %zu: a field of the %s is cut off", offset, message);
    case PAST_END:
      if (top) return xai_fail(err, XAI_EFORMAT, "truncated: %s field of %llu bytes runs past the end", field, bits);
      return xai_fail(err, XAI_EFORMAT, "damaged at byte %zu: %s field of %llu bytes runs past the end of the %s",
                      offset, field, bits, message);
    case LONG_VARINT:
      return xai_fail(err, XAI_EFORMAT, "damaged at byte %zu: a number of more than 10 bytes in the %s", offset,
                      message);
    case NUMBER_0:
      return xai_fail(err, XAI_EFORMAT, "damaged at byte %zu: a field of the %s has no valid number", offset, message);
    case WIRE_TYPE:
    case FINE: break;
  }
  return xai_fail(err, XAI_EFORMAT, "damaged at byte %zu: %s field of the %s has wire type %d", offset, field, message,
                  (int)f->wire);
}

static bool packed_is_sound(xai_proto_kind kind, xai_proto_span list) {
  if (kind == XAI_PROTO_FLOATS) return list.n % 4 == 0;
  if (kind == XAI_PROTO_DOUBLES) return list.n % 8 == 0;
  uint64_t ignored;
  while (list.n > 0)
    if (take_varint(&list, &ignored) != FINE) return false;
  return true;
}

static bool wire_fits(xai_proto_kind kind, const xai_proto_field *f) {
  switch (kind) {
    case XAI_PROTO_INT: return f->wire == XAI_WIRE_VARINT;
    case XAI_PROTO_FLOAT: return f->wire == XAI_WIRE_32;
    case XAI_PROTO_INTS: return f->wire == XAI_WIRE_VARINT || f->wire == XAI_WIRE_BYTES;
    case XAI_PROTO_FLOATS: return f->wire == XAI_WIRE_32 || f->wire == XAI_WIRE_BYTES;
    case XAI_PROTO_DOUBLES: return f->wire == XAI_WIRE_64 || f->wire == XAI_WIRE_BYTES;
    case XAI_PROTO_BYTES:
    case XAI_PROTO_ONE:
    case XAI_PROTO_MANY: break;
  }
  return f->wire == XAI_WIRE_BYTES;
}

xai_status xai_proto__check(xai_proto_span file, const xai_proto_message *messages, int root, xai_err *err) {
  frame stack[XAI_PROTO_DEPTH] = {{file, &messages[root], 0}};
  int depth = 1;
  long count = 1;
  while (depth > 0) {
    frame *top = &stack[depth - 1];
    if (top->rest.n == 0) {
      depth--;
      continue;
    }
    size_t offset = (size_t)(top->rest.at - file.at);
    xai_proto_field f = {0};
    fault bad = take_field(&top->rest, &f);
    if (bad != FINE) return fail_field(bad, top, &f, offset, depth == 1, err);
    const xai_proto_rule *rule = find_rule(top->message, f.number);
    if (rule == NULL) continue;
    if (!wire_fits(rule->kind, &f)) return fail_field(WIRE_TYPE, top, &f, offset, depth == 1, err);
    bool list = rule->kind == XAI_PROTO_INTS || rule->kind == XAI_PROTO_FLOATS || rule->kind == XAI_PROTO_DOUBLES;
    if (list && f.wire == XAI_WIRE_BYTES && !packed_is_sound(rule->kind, f.bytes))
      return xai_fail(err, XAI_EFORMAT, "damaged at byte %zu: the list %s of the %s ends inside a number", offset,
                      rule->name, top->message->name);
    if (rule->kind != XAI_PROTO_ONE && rule->kind != XAI_PROTO_MANY) continue;
    uint64_t bit = UINT64_C(1) << (rule - top->message->rules);
    if (rule->kind == XAI_PROTO_ONE && (top->seen & bit) != 0)
      return xai_fail(err, XAI_EFORMAT, "damaged at byte %zu: a second %s field in the %s", offset, rule->name,
                      top->message->name);
    top->seen |= bit;
    if (++count > XAI_PROTO_MESSAGES)
      return xai_fail(err, XAI_EFORMAT, "more than %d messages, no network has so many parts", XAI_PROTO_MESSAGES);
    if (depth == XAI_PROTO_DEPTH)
      return xai_fail(err, XAI_EFORMAT, "messages are nested more than %d deep", XAI_PROTO_DEPTH);
    stack[depth++] = (frame){f.bytes, &messages[rule->message], 0};
  }
  return XAI_OK;
}

/* ---- reading ------------------------------------------------------------------------------------- */
bool xai_proto__next(xai_proto_span *rest, xai_proto_field *f) { return rest->n > 0 && take_field(rest, f) == FINE; }

bool xai_proto__next_of(xai_proto_span *rest, uint32_t number, xai_proto_field *f) {
  while (xai_proto__next(rest, f))
    if (f->number == number) return true;
  return false;
}

xai_proto_numbers xai_proto__numbers(xai_proto_span message, uint32_t number, int width) {
  return (xai_proto_numbers){.rest = message, .number = number, .width = width};
}

bool xai_proto__number(xai_proto_numbers *list, uint64_t *bits) {
  while (list->packed.n == 0) {
    xai_proto_field f;
    if (!xai_proto__next_of(&list->rest, list->number, &f)) return false;
    if (f.wire != XAI_WIRE_BYTES) {
      *bits = f.bits;
      return true;
    }
    list->packed = f.bytes;
  }
  if (list->width == 0) return take_varint(&list->packed, bits) == FINE;
  return take_fixed(&list->packed, (size_t)list->width, bits) == FINE;
}

float xai_proto__float(uint64_t bits) {
  uint32_t low = (uint32_t)bits;
  float f;
  memcpy(&f, &low, sizeof f);
  return f;
}

bool xai_proto__equal(xai_proto_span s, const char *text) {
  return s.n == strlen(text) && (s.n == 0 || memcmp(s.at, text, s.n) == 0);
}

xai_status xai_proto__no_nul(xai_proto_span s, xai_err *err) {
  if (s.n == 0 || memchr(s.at, 0, s.n) == NULL) return XAI_OK;
  return xai_fail(err, XAI_EFORMAT, "the name '%.*s...' has a zero byte inside", XAI_SPAN(s));
}

xai_status xai_proto__text(xai_proto_span s, char **out, xai_err *err) {
  XAI_TRY(xai_proto__no_nul(s, err));
  char *text = xai_alloc(s.n + 1);
  if (text == NULL) return xai_fail_memory(err, s.n + 1);
  if (s.n > 0) memcpy(text, s.at, s.n);
  text[s.n] = '\0';
  *out = text;
  return XAI_OK;
}
