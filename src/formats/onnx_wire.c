/* formats/onnx_wire.c: see onnx_wire.h. Why not a general protobuf library: those recurse without a limit,
 * build objects many times the size of the file, merge repeated singular messages in quadratic time, and
 * copy the weights. */
#include "formats/onnx_wire.h"

#include <string.h>

#include "base/status.h"

typedef enum fault { FINE, CUT, LONG_VARINT, NUMBER_0, WIRE_TYPE, PAST_END } fault;

static fault take_varint(xai_onnx_span *rest, uint64_t *value) {
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
static fault take_fixed(xai_onnx_span *rest, size_t n, uint64_t *value) {
  if (rest->n < n) return CUT;
  *value = 0;
  for (size_t i = n; i-- > 0;) *value = *value << 8 | rest->at[i];
  rest->at += n;
  rest->n -= n;
  return FINE;
}

static fault take_field(xai_onnx_span *rest, xai_onnx_field *f) {
  uint64_t tag;
  fault bad = take_varint(rest, &tag);
  if (bad != FINE) return bad;
  *f = (xai_onnx_field){.number = (uint32_t)(tag >> 3), .wire = (xai_onnx_wire)(tag & 7)};
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
  f->bytes = (xai_onnx_span){rest->at, (size_t)n};
  rest->at += n;
  rest->n -= (size_t)n;
  return FINE;
}

/* ---- the check ----------------------------------------------------------------------------------- */
/* One message that is being walked. */
typedef struct frame {
  xai_onnx_span rest;
  const xai_onnx_message *message;
  uint64_t seen; /* bit n: singular message n has occurred */
} frame;

static const xai_onnx_rule *find_rule(const xai_onnx_message *m, uint32_t number) {
  for (const xai_onnx_rule *r = m->rules; r->number != 0; r++)
    if (r->number == number) return r;
  return NULL;
}

/* At the top of the file a missing end means that the file was cut; further in, that it is damaged. */
static xai_status fail_field(fault bad, const frame *at, const xai_onnx_field *f, size_t offset, bool top,
                             xai_err *err) {
  const xai_onnx_rule *rule = find_rule(at->message, f->number);
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

static bool packed_is_sound(xai_onnx_kind kind, xai_onnx_span list) {
  if (kind == XAI_ONNX_FLOATS) return list.n % 4 == 0;
  if (kind == XAI_ONNX_DOUBLES) return list.n % 8 == 0;
  uint64_t ignored;
  while (list.n > 0)
    if (take_varint(&list, &ignored) != FINE) return false;
  return true;
}

static bool wire_fits(xai_onnx_kind kind, const xai_onnx_field *f) {
  switch (kind) {
    case XAI_ONNX_INT: return f->wire == XAI_WIRE_VARINT;
    case XAI_ONNX_FLOAT: return f->wire == XAI_WIRE_32;
    case XAI_ONNX_INTS: return f->wire == XAI_WIRE_VARINT || f->wire == XAI_WIRE_BYTES;
    case XAI_ONNX_FLOATS: return f->wire == XAI_WIRE_32 || f->wire == XAI_WIRE_BYTES;
    case XAI_ONNX_DOUBLES: return f->wire == XAI_WIRE_64 || f->wire == XAI_WIRE_BYTES;
    case XAI_ONNX_BYTES:
    case XAI_ONNX_ONE:
    case XAI_ONNX_MANY: break;
  }
  return f->wire == XAI_WIRE_BYTES;
}

xai_status xai_onnx__check(xai_onnx_span file, const xai_onnx_message *messages, xai_err *err) {
  frame stack[XAI_ONNX_DEPTH] = {{file, &messages[0], 0}};
  int depth = 1;
  long count = 1;
  while (depth > 0) {
    frame *top = &stack[depth - 1];
    if (top->rest.n == 0) {
      depth--;
      continue;
    }
    size_t offset = (size_t)(top->rest.at - file.at);
    xai_onnx_field f = {0};
    fault bad = take_field(&top->rest, &f);
    if (bad != FINE) return fail_field(bad, top, &f, offset, depth == 1, err);
    const xai_onnx_rule *rule = find_rule(top->message, f.number);
    if (rule == NULL) continue;
    if (!wire_fits(rule->kind, &f)) return fail_field(WIRE_TYPE, top, &f, offset, depth == 1, err);
    bool list = rule->kind == XAI_ONNX_INTS || rule->kind == XAI_ONNX_FLOATS || rule->kind == XAI_ONNX_DOUBLES;
    if (list && f.wire == XAI_WIRE_BYTES && !packed_is_sound(rule->kind, f.bytes))
      return xai_fail(err, XAI_EFORMAT, "damaged at byte %zu: the list %s of the %s ends inside a number", offset,
                      rule->name, top->message->name);
    if (rule->kind != XAI_ONNX_ONE && rule->kind != XAI_ONNX_MANY) continue;
    uint64_t bit = UINT64_C(1) << rule->number;
    if (rule->kind == XAI_ONNX_ONE && (top->seen & bit) != 0)
      return xai_fail(err, XAI_EFORMAT, "damaged at byte %zu: a second %s field in the %s", offset, rule->name,
                      top->message->name);
    top->seen |= bit;
    if (++count > XAI_ONNX_MESSAGES)
      return xai_fail(err, XAI_EFORMAT, "more than %d messages, no network has so many parts", XAI_ONNX_MESSAGES);
    if (depth == XAI_ONNX_DEPTH)
      return xai_fail(err, XAI_EFORMAT, "messages are nested more than %d deep", XAI_ONNX_DEPTH);
    stack[depth++] = (frame){f.bytes, &messages[rule->message], 0};
  }
  return XAI_OK;
}

/* ---- reading ------------------------------------------------------------------------------------- */
bool xai_onnx__next(xai_onnx_span *rest, xai_onnx_field *f) { return rest->n > 0 && take_field(rest, f) == FINE; }

bool xai_onnx__next_of(xai_onnx_span *rest, uint32_t number, xai_onnx_field *f) {
  while (xai_onnx__next(rest, f))
    if (f->number == number) return true;
  return false;
}

xai_onnx_numbers xai_onnx__numbers(xai_onnx_span message, uint32_t number, int width) {
  return (xai_onnx_numbers){.rest = message, .number = number, .width = width};
}

bool xai_onnx__number(xai_onnx_numbers *list, uint64_t *bits) {
  while (list->packed.n == 0) {
    xai_onnx_field f;
    if (!xai_onnx__next_of(&list->rest, list->number, &f)) return false;
    if (f.wire != XAI_WIRE_BYTES) {
      *bits = f.bits;
      return true;
    }
    list->packed = f.bytes;
  }
  if (list->width == 0) return take_varint(&list->packed, bits) == FINE;
  return take_fixed(&list->packed, (size_t)list->width, bits) == FINE;
}

float xai_onnx__float(uint64_t bits) {
  uint32_t low = (uint32_t)bits;
  float f;
  memcpy(&f, &low, sizeof f);
  return f;
}

bool xai_onnx__equal(xai_onnx_span s, const char *text) {
  return s.n == strlen(text) && (s.n == 0 || memcmp(s.at, text, s.n) == 0);
}
