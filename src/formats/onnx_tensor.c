/* formats/onnx_tensor.c: TensorProto to tensor.
 *
 * The elements are either raw_data, little-endian and row-major, or in one of the typed lists: float32 in
 * float_data; int32 and everything smaller, and the bit patterns of float16 and bfloat16, one per item of
 * int32_data; int64 in int64_data, float64 in double_data, uint32 and uint64 in uint64_data. A packed list of
 * floats or doubles is the same bytes as raw_data and is read as such. Files where several of them are filled
 * mean different weights to different programs and are refused. */
#include <inttypes.h>
#include <string.h>

#include "base/status.h"
#include "formats/formats.h"
#include "formats/onnx_model.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "weights are used where they lie in the file");

enum { FLOAT_DATA = 4, INT32_DATA = 5, STRING_DATA = 6, INT64_DATA = 7, RAW_DATA = 9, DOUBLE_DATA = 10, UINT64_DATA = 11 };
enum { F32 = 1, U8, I8, U16, I16, I32, I64, STRING, BOOL, F16, F64, U32, U64, C64, C128, BF16, TYPES };

typedef struct element_type {
  const char *name;
  xai_dtype as;
  unsigned char size;  /* bytes per element in raw_data; 0: not supported */
  unsigned char field; /* its typed list */
  int64_t least, most; /* integers: what the type can hold */
} element_type;

static const element_type types[TYPES] = {
    [F32] = {"float32", XAI_F32, 4, FLOAT_DATA, 0, 0},
    [U8] = {"uint8", XAI_U8, 1, INT32_DATA, 0, UINT8_MAX},
    [I8] = {"int8", XAI_I32, 1, INT32_DATA, INT8_MIN, INT8_MAX},
    [U16] = {"uint16", XAI_I32, 2, INT32_DATA, 0, UINT16_MAX},
    [I16] = {"int16", XAI_I32, 2, INT32_DATA, INT16_MIN, INT16_MAX},
    [I32] = {"int32", XAI_I32, 4, INT32_DATA, INT32_MIN, INT32_MAX},
    [I64] = {"int64", XAI_I64, 8, INT64_DATA, INT64_MIN, INT64_MAX},
    [STRING] = {"string", XAI_F32, 0, STRING_DATA, 0, 0},
    [BOOL] = {"bool", XAI_BOOL, 1, INT32_DATA, 0, UINT8_MAX},
    [F16] = {"float16", XAI_F32, 2, INT32_DATA, 0, UINT16_MAX},
    [F64] = {"float64", XAI_F32, 8, DOUBLE_DATA, 0, 0},
    [U32] = {"uint32", XAI_I64, 4, UINT64_DATA, 0, UINT32_MAX},
    [U64] = {"uint64", XAI_I64, 8, UINT64_DATA, 0, INT64_MAX},
    [C64] = {"complex64", XAI_F32, 0, FLOAT_DATA, 0, 0},
    [C128] = {"complex128", XAI_F32, 0, DOUBLE_DATA, 0, 0},
    [BF16] = {"bfloat16", XAI_F32, 2, INT32_DATA, 0, UINT16_MAX},
};

xai_status xai_onnx__dtype(int64_t type, xai_dtype *out, xai_err *err) {
  if (type <= 0 || type >= TYPES || types[type].name == NULL)
    return xai_fail(err, XAI_EUNSUPPORTED, "element type %" PRId64 " is not supported", type);
  if (types[type].size == 0) return xai_fail(err, XAI_EUNSUPPORTED, "elements of type %s are not supported", types[type].name);
  *out = types[type].as;
  return XAI_OK;
}

/* ---- the message --------------------------------------------------------------------------------------------- */
typedef struct proto {
  xai_shape shape;
  int64_t type;
  xai_onnx_span all, raw;
  uint32_t payload; /* field with elements; 0: none */
} proto;

xai_onnx_span xai_onnx__tensor_name(xai_onnx_span message) {
  xai_onnx_span name = {0};
  for (xai_onnx_field f; xai_onnx__next_of(&message, 8, &f);) name = f.bytes;
  return name;
}

static xai_status fail_external(xai_onnx_span message, xai_err *err) {
  xai_onnx_span place = {0};
  for (xai_onnx_field pair; xai_onnx__next_of(&message, 13, &pair);) {
    xai_onnx_span key = {0}, value = {0};
    for (xai_onnx_field f; xai_onnx__next(&pair.bytes, &f);) {
      if (f.number == 1) key = f.bytes;
      if (f.number == 2) value = f.bytes;
    }
    if (xai_onnx__equal(key, "location")) place = value;
  }
  return xai_fail(err, XAI_EUNSUPPORTED, "its elements are in a separate file '%.*s', which is not supported", XAI_SPAN(place));
}

static xai_status read_dims(xai_onnx_span message, xai_shape *shape, xai_err *err) {
  xai_onnx_numbers dims = xai_onnx__numbers(message, 1, 0);
  shape->rank = 0;
  for (uint64_t bits; xai_onnx__number(&dims, &bits);) {
    if (shape->rank == XAI_MAX_RANK) return xai_fail(err, XAI_EUNSUPPORTED, "more than %d dims", XAI_MAX_RANK);
    shape->dims[shape->rank++] = (int64_t)bits;
  }
  return XAI_OK;
}

/* An empty payload field does not count: it says nothing. */
static bool is_payload(const xai_onnx_field *f) {
  switch (f->number) {
    case FLOAT_DATA:
    case INT32_DATA:
    case STRING_DATA:
    case INT64_DATA:
    case RAW_DATA:
    case DOUBLE_DATA:
    case UINT64_DATA: return f->wire != XAI_WIRE_BYTES || f->bytes.n > 0;
    default: return false;
  }
}

static xai_status read_proto(xai_onnx_span message, proto *out, xai_err *err) {
  proto p = {.all = message};
  int raws = 0;
  XAI_TRY(read_dims(message, &p.shape, err));
  for (xai_onnx_field f; xai_onnx__next(&message, &f);) {
    if (f.number == 2) p.type = (int64_t)f.bits;
    if (f.number == 3) return xai_fail(err, XAI_EUNSUPPORTED, "a tensor in segments is not supported");
    if (f.number == 14 && f.bits == 1) return fail_external(p.all, err);
    if (f.number == RAW_DATA) p.raw = f.bytes, raws++;
    if (!is_payload(&f)) continue;
    if (raws > 1 || (p.payload != 0 && p.payload != f.number))
      return xai_fail(err, XAI_EFORMAT, "its elements are given twice");
    p.payload = f.number;
  }
  *out = p;
  return XAI_OK;
}

/* A packed list of floats or doubles in one piece becomes raw bytes. */
static void unwrap_packed(proto *p) {
  if (p->payload != FLOAT_DATA && p->payload != DOUBLE_DATA) return;
  xai_onnx_span rest = p->all;
  xai_onnx_field first, second;
  if (!xai_onnx__next_of(&rest, p->payload, &first) || first.wire != XAI_WIRE_BYTES) return;
  if (xai_onnx__next_of(&rest, p->payload, &second)) return;
  p->raw = first.bytes;
  p->payload = RAW_DATA;
}

/* ---- elements ---------------------------------------------------------------------------------------------------- */
static xai_status check_payload(const proto *p, const element_type *t, int64_t count, xai_err *err) {
  char text[XAI_SHAPE_TEXT];
  if (p->payload == RAW_DATA || p->payload == 0) { /* count <= XAI_MAX_ELEMENTS: the product cannot overflow */
    if (p->raw.n == (uint64_t)count * t->size) return XAI_OK;
    return xai_fail(err, XAI_EFORMAT, "%zu bytes of data do not make %s elements of type %s (expected %" PRId64 " bytes)",
                    p->raw.n, xai_shape_text(&p->shape, text), t->name, count * t->size);
  }
  if (p->payload != t->field) return xai_fail(err, XAI_EFORMAT, "elements of type %s in the wrong field", t->name);
  int width = p->payload == FLOAT_DATA ? 4 : p->payload == DOUBLE_DATA ? 8 : 0;
  xai_onnx_numbers list = xai_onnx__numbers(p->all, p->payload, width);
  int64_t n = 0;
  for (uint64_t bits; xai_onnx__number(&list, &bits);) n++;
  if (n == count) return XAI_OK;
  return xai_fail(err, XAI_EFORMAT, "%" PRId64 " elements do not make a tensor of %s (expected %" PRId64 ")", n,
                  xai_shape_text(&p->shape, text), count);
}

/* Element i of raw_data as it would stand in the typed list. */
static uint64_t raw_bits(const proto *p, const element_type *t, int64_t i) {
  const unsigned char *at = p->raw.at + i * t->size;
  uint64_t bits = 0;
  for (int k = t->size; k-- > 0;) bits = bits << 8 | at[k];
  int unused = 64 - 8 * t->size;
  return t->least < 0 ? (uint64_t)((int64_t)(bits << unused) >> unused) : bits;
}

/* Writes element i of 'v'; false when an integer is beyond what its type can hold. */
static bool put(const xai_view *v, int64_t i, int64_t type, uint64_t bits) {
  const element_type *t = &types[type];
  int64_t number = (int64_t)bits;
  unsigned char half[2] = {(unsigned char)bits, (unsigned char)(bits >> 8)};
  float f = 0;
  switch (type) {
    case F32: f = xai_onnx__float(bits); break;
    case F64: f = (float)xai_onnx__double(bits); break;
    case F16: xai_widen_f16(half, 1, &f); break;
    case BF16: xai_widen_bf16(half, 1, &f); break;
    case BOOL: number = number != 0; break;
    default: break;
  }
  switch (v->dtype) {
    case XAI_F32: ((float *)v->data)[i] = f; break;
    case XAI_I64: ((int64_t *)v->data)[i] = number; break;
    case XAI_I32: ((int32_t *)v->data)[i] = (int32_t)number; break;
    case XAI_U8:
    case XAI_BOOL: ((uint8_t *)v->data)[i] = (uint8_t)number; break;
  }
  return type == F32 || type == F64 || (number >= t->least && number <= t->most);
}

static xai_status convert(const proto *p, const element_type *t, const xai_view *v, int64_t count, xai_err *err) {
  bool raw = p->payload == RAW_DATA;
  if (raw && p->type == F16) xai_widen_f16(p->raw.at, (size_t)count, v->data);
  else if (raw && p->type == BF16) xai_widen_bf16(p->raw.at, (size_t)count, v->data);
  else {
    int width = p->payload == FLOAT_DATA ? 4 : p->payload == DOUBLE_DATA ? 8 : 0;
    xai_onnx_numbers list = xai_onnx__numbers(p->all, p->payload, width);
    for (int64_t i = 0; i < count; i++) {
      uint64_t bits = 0;
      if (raw) bits = raw_bits(p, t, i);
      else if (!xai_onnx__number(&list, &bits)) break;
      if (!put(v, i, p->type, bits))
        return xai_fail(err, XAI_EFORMAT, "element %" PRId64 " is out of range for %s", i, t->name);
    }
  }
  return XAI_OK;
}

xai_status xai_onnx__tensor(xai_file *file, xai_onnx_span message, xai_tensor **out, xai_err *err) {
  proto p;
  xai_dtype dtype;
  int64_t count;
  xai_tensor *made = NULL;
  XAI_TRY(read_proto(message, &p, err));
  XAI_TRY(xai_onnx__dtype(p.type, &dtype, err));
  const element_type *t = &types[p.type];
  if (!xai_shape_count(&p.shape, &count)) {
    char text[XAI_SHAPE_TEXT];
    return xai_fail(err, XAI_EFORMAT, "no tensor can have the shape %s", xai_shape_text(&p.shape, text));
  }
  if (p.payload == t->field) unwrap_packed(&p);
  XAI_TRY(check_payload(&p, t, count, err));
  bool as_it_lies = p.type == F32 || p.type == I32 || p.type == I64 || p.type == U8;
  if (p.payload == RAW_DATA && as_it_lies) return xai_tensor_map(dtype, p.shape, file, p.raw.at, out, err);
  XAI_TRY(xai_tensor_new(dtype, p.shape, &made, err));
  xai_status st = convert(&p, t, xai_tensor_view(made), count, err);
  if (st == XAI_OK) *out = made;
  else xai_tensor_free(made);
  return st;
}
