/* formats/onnx_tensor.c: TensorProto to tensor.
 *
 * The elements are either raw_data, little-endian and row-major, or in one of the typed lists: float32 in
 * float_data; int32 and everything smaller, and the bit patterns of float16 and bfloat16, one per item of
 * int32_data; int64 in int64_data, float64 in double_data, uint32 and uint64 in uint64_data. A packed list of
 * floats or doubles is the same bytes as raw_data and is read as such; any other list is first written out as
 * such. Files where several of them are filled mean different weights to different programs and are refused.
 *
 * With data_location 1 the elements are raw bytes in a file beside the model's: external_data is a list of pairs of
 * strings, "location" (a relative path), "offset" and "length" (decimal; 0 and as many as needed), "checksum" (not
 * checked). */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "formats/formats.h"
#include "formats/onnx_model.h"

/* field numbers */
enum { FLOAT_DATA = 4, INT32_DATA, STRING_DATA, INT64_DATA, RAW_DATA = 9, DOUBLE_DATA, UINT64_DATA };
/* values of data_type */
enum { F32 = 1, U8, I8, U16, I16, I32, I64, STRING, BOOL, F16, F64, U32, U64, C64, C128, BF16, TYPES };

typedef struct element_type {
  const char *name;
  uint32_t field; /* its typed list; 0: the type is not supported */
  xai_stored stored;
  xai_dtype becomes;
  int64_t least, most; /* items of the typed list that the type can hold; both 0: any, they are bit patterns */
} element_type;

static const element_type types[TYPES] = {
    [F32] = {"float32", FLOAT_DATA, XAI_STORED_F32, XAI_F32, 0, 0},
    [U8] = {"uint8", INT32_DATA, XAI_STORED_U8, XAI_U8, 0, UINT8_MAX},
    [I8] = {"int8", INT32_DATA, XAI_STORED_I8, XAI_I32, INT8_MIN, INT8_MAX},
    [U16] = {"uint16", INT32_DATA, XAI_STORED_U16, XAI_I32, 0, UINT16_MAX},
    [I16] = {"int16", INT32_DATA, XAI_STORED_I16, XAI_I32, INT16_MIN, INT16_MAX},
    [I32] = {"int32", INT32_DATA, XAI_STORED_I32, XAI_I32, INT32_MIN, INT32_MAX},
    [I64] = {"int64", INT64_DATA, XAI_STORED_I64, XAI_I64, 0, 0},
    [STRING] = {.name = "string"},
    [BOOL] = {"bool", INT32_DATA, XAI_STORED_BOOL, XAI_BOOL, 0, 1},
    [F16] = {"float16", INT32_DATA, XAI_STORED_F16, XAI_F32, 0, UINT16_MAX},
    [F64] = {"float64", DOUBLE_DATA, XAI_STORED_F64, XAI_F32, 0, 0},
    [U32] = {"uint32", UINT64_DATA, XAI_STORED_U32, XAI_I64, 0, UINT32_MAX},
    [U64] = {"uint64", UINT64_DATA, XAI_STORED_U64, XAI_I64, 0, 0},
    [C64] = {.name = "complex64"},
    [C128] = {.name = "complex128"},
    [BF16] = {"bfloat16", INT32_DATA, XAI_STORED_BF16, XAI_F32, 0, UINT16_MAX},
};

xai_status xai_onnx__dtype(int64_t type, xai_dtype *out, xai_err *err) {
  if (type <= 0 || type >= TYPES)
    return xai_fail(err, XAI_EUNSUPPORTED, "elements of type number %" PRId64 " are not supported", type);
  if (types[type].field == 0)
    return xai_fail(err, XAI_EUNSUPPORTED, "elements of type %s are not supported", types[type].name);
  *out = types[type].becomes;
  return XAI_OK;
}

/* ---- the message --------------------------------------------------------------------------------- */
typedef struct proto {
  xai_shape shape;
  int64_t type;
  xai_proto_span all, raw;
  uint32_t payload; /* field with elements; 0: none */
  bool external;
} proto;

xai_proto_span xai_onnx__tensor_name(xai_proto_span message) {
  xai_proto_span name = {0};
  for (xai_proto_field f; xai_proto__next_of(&message, 8, &f);) name = f.bytes;
  return name;
}


static xai_status read_dims(xai_proto_span message, xai_shape *shape, xai_err *err) {
  xai_proto_numbers dims = xai_proto__numbers(message, 1, 0);
  shape->rank = 0;
  for (uint64_t bits; xai_proto__number(&dims, &bits);) {
    if (shape->rank == XAI_MAX_RANK) return xai_fail(err, XAI_EUNSUPPORTED, "more than %d dims", XAI_MAX_RANK);
    shape->dims[shape->rank++] = (int64_t)bits;
  }
  return XAI_OK;
}

/* An empty payload field does not count: it says nothing. */
static bool is_payload(const xai_proto_field *f) {
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

static xai_status read_proto(xai_proto_span message, proto *out, xai_err *err) {
  proto p = {.all = message};
  int raws = 0;
  XAI_TRY(read_dims(message, &p.shape, err));
  for (xai_proto_field f; xai_proto__next(&message, &f);) {
    if (f.number == 2) p.type = (int64_t)f.bits;
    if (f.number == 3) return xai_fail(err, XAI_EUNSUPPORTED, "a tensor in segments is not supported");
    if (f.number == 14) p.external = f.bits == 1;
    if (f.number == RAW_DATA) p.raw = f.bytes, raws++;
    if (!is_payload(&f)) continue;
    if (raws > 1 || (p.payload != 0 && p.payload != f.number))
      return xai_fail(err, XAI_EFORMAT, "its elements are given twice");
    p.payload = f.number;
  }
  if (p.external && p.payload != 0)
    return xai_fail(err, XAI_EFORMAT, "its elements are given twice, here and in another file");
  *out = p;
  return XAI_OK;
}

/* ---- elements ------------------------------------------------------------------------------------ */
/* The elements at 'at' in 'file', or zeros while a file is inspected. */
static xai_status take(const xai_onnx_source *source, const proto *p, const element_type *t, xai_file *file,
                       const unsigned char *at, xai_tensor **out, xai_err *err) {
  if (source != NULL && xai_inspection__hollow(source->seen, t->becomes, xai_shape_size(&p->shape)))
    return xai_tensor_new(t->becomes, p->shape, out, err);
  return xai_stored_tensor(t->stored, p->shape, file, at, out, err);
}

/* ---- elements in another file ---------------------------------------------------------------------- */
typedef struct place {
  xai_proto_span location;
  uint64_t offset, length; /* UINT64_MAX: not given */
} place;

static bool read_decimal(xai_proto_span s, uint64_t *out) {
  uint64_t n = 0;
  for (size_t i = 0; i < s.n; i++) {
    if (s.at[i] < '0' || s.at[i] > '9') return false;
    if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(s.at[i] - '0'), &n)) return false;
  }
  *out = n;
  return s.n > 0;
}

static xai_status read_pair(xai_proto_span pair, place *p, xai_err *err) {
  xai_proto_span key = {0}, value = {0};
  for (xai_proto_field f; xai_proto__next(&pair, &f);) {
    if (f.number == 1) key = f.bytes;
    if (f.number == 2) value = f.bytes;
  }
  uint64_t *number = xai_proto__equal(key, "offset") ? &p->offset : xai_proto__equal(key, "length") ? &p->length : NULL;
  bool location = xai_proto__equal(key, "location");
  if (!location && number == NULL && !xai_proto__equal(key, "checksum"))
    return xai_fail(err, XAI_EUNSUPPORTED, "external data with '%.*s' are not supported", XAI_SPAN(key));
  if ((location && p->location.n > 0) || (number != NULL && *number != UINT64_MAX))
    return xai_fail(err, XAI_EFORMAT, "external data give '%.*s' twice", XAI_SPAN(key));
  if (location) p->location = value;
  if (number != NULL && !read_decimal(value, number))
    return xai_fail(err, XAI_EFORMAT, "external data: %.*s '%.*s' is no number", XAI_SPAN(key), XAI_SPAN(value));
  return XAI_OK;
}

/* Maps the file of this location, unless it is the one that was mapped last. */
static xai_status open_beside(xai_onnx_source *source, xai_proto_span location, xai_err *err) {
  char *name;
  bool same = source->beside != NULL && source->location.n == location.n;
  if (same && memcmp(source->location.at, location.at, location.n) == 0) return XAI_OK;
  XAI_TRY(xai_proto__text(location, &name, err));
  xai_file *file = NULL;
  xai_status st = xai_file_map_beside(xai_file_path(source->file), name, &file, err);
  xai_free(name);
  if (st != XAI_OK) return xai_err_prefix(err, st, "external data: ");
  xai_file_release(source->beside);
  source->beside = file;
  source->location = location;
  return XAI_OK;
}

static xai_status read_external(xai_onnx_source *source, const proto *p, const element_type *t, int64_t count,
                                xai_tensor **out, xai_err *err) {
  place where = {.offset = UINT64_MAX, .length = UINT64_MAX};
  xai_proto_span message = p->all;
  size_t bytes = (size_t)count * xai_stored_size(t->stored); /* count <= XAI_MAX_ELEMENTS: cannot overflow */
  for (xai_proto_field pair; xai_proto__next_of(&message, 13, &pair);) XAI_TRY(read_pair(pair.bytes, &where, err));
  if (where.location.n == 0) return xai_fail(err, XAI_EFORMAT, "external data without a location");
  if (source == NULL || source->file == NULL)
    return xai_fail(err, XAI_EUNSUPPORTED, "external data '%.*s' cannot be reached from here",
                    XAI_SPAN(where.location));
  if (where.length != UINT64_MAX && where.length != bytes)
    return xai_fail(err, XAI_EFORMAT, "external data of %llu bytes (expected %zu)", (unsigned long long)where.length,
                    bytes);
  if (where.offset == UINT64_MAX) where.offset = 0;
  XAI_TRY(open_beside(source, where.location, err));
  size_t size = xai_file_size(source->beside);
  if (where.offset > size || bytes > size - where.offset)
    return xai_fail(err, XAI_EFORMAT, "external data: %zu bytes from %llu on do not lie in the %zu bytes of '%.*s'",
                    bytes, (unsigned long long)where.offset, size, XAI_SPAN(where.location));
  return take(source, p, t, source->beside, xai_file_data(source->beside) + where.offset, out, err);
}

/* ---- elements in the message --------------------------------------------------------------------- */
static xai_proto_numbers typed_list(const proto *p) {
  return xai_proto__numbers(p->all, p->payload, p->payload == FLOAT_DATA ? 4 : p->payload == DOUBLE_DATA ? 8 : 0);
}

/* A packed list of floats or doubles in one piece becomes raw bytes where it lies. */
static void unwrap_packed(proto *p) {
  if (p->payload != FLOAT_DATA && p->payload != DOUBLE_DATA) return;
  xai_proto_span rest = p->all;
  xai_proto_field first, second;
  if (!xai_proto__next_of(&rest, p->payload, &first) || first.wire != XAI_WIRE_BYTES) return;
  if (xai_proto__next_of(&rest, p->payload, &second)) return;
  p->raw = first.bytes;
  p->payload = RAW_DATA;
}

static xai_status check_count(const proto *p, const element_type *t, int64_t count, xai_err *err) {
  char text[XAI_SHAPE_TEXT];
  size_t size = xai_stored_size(t->stored);
  if (p->payload == RAW_DATA || p->payload == 0) { /* count <= XAI_MAX_ELEMENTS: the product cannot overflow */
    if (p->raw.n == (uint64_t)count * size) return XAI_OK;
    return xai_fail(err, XAI_EFORMAT, "%zu bytes do not make a %s of %s (expected %llu)", p->raw.n,
                    xai_shape_text(&p->shape, text), t->name, (unsigned long long)count * size);
  }
  xai_proto_numbers list = typed_list(p);
  int64_t n = 0;
  for (uint64_t bits; xai_proto__number(&list, &bits);) n++;
  if (n == count) return XAI_OK;
  return xai_fail(err, XAI_EFORMAT, "%" PRId64 " elements do not make a %s of %s (expected %" PRId64 ")", n,
                  xai_shape_text(&p->shape, text), t->name, count);
}

/* The typed list as raw bytes, little-endian. */
static xai_status write_out(const proto *p, const element_type *t, int64_t count, unsigned char *bytes, xai_err *err) {
  size_t size = xai_stored_size(t->stored);
  xai_proto_numbers list = typed_list(p);
  uint64_t bits;
  for (int64_t i = 0; i < count && xai_proto__number(&list, &bits); i++) {
    int64_t item = (int64_t)bits;
    if ((t->least != 0 || t->most != 0) && (item < t->least || item > t->most))
      return xai_fail(err, XAI_EFORMAT, "element %" PRId64 " is out of range for %s", i, t->name);
    for (size_t k = 0; k < size; k++) bytes[(size_t)i * size + k] = (unsigned char)(bits >> 8 * k);
  }
  return XAI_OK;
}

xai_status xai_onnx__tensor(xai_onnx_source *source, xai_proto_span message, xai_tensor **out, xai_err *err) {
  proto p;
  xai_dtype becomes = XAI_F32;
  int64_t count;
  XAI_TRY(read_proto(message, &p, err));
  XAI_TRY(xai_onnx__dtype(p.type, &becomes, err));
  const element_type *t = &types[p.type];
  if (!xai_shape_count(&p.shape, &count)) {
    char text[XAI_SHAPE_TEXT];
    return xai_fail(err, XAI_EFORMAT, "no tensor can have the shape %s", xai_shape_text(&p.shape, text));
  }
  if (p.payload != 0 && p.payload != RAW_DATA && p.payload != t->field)
    return xai_fail(err, XAI_EFORMAT, "elements of type %s in the wrong field", t->name);
  if (p.external) return read_external(source, &p, t, count, out, err);
  unwrap_packed(&p);
  XAI_TRY(check_count(&p, t, count, err)); /* from here on count is bounded by the size of the file */
  if (count == 0) return xai_tensor_new(becomes, p.shape, out, err);
  if (p.payload == RAW_DATA)
    return take(source, &p, t, source != NULL ? source->file : NULL, p.raw.at, out, err);
  unsigned char *bytes = xai_calloc((size_t)count, xai_stored_size(t->stored));
  if (bytes == NULL) return xai_fail_memory(err, (size_t)count * xai_stored_size(t->stored));
  xai_status st = write_out(&p, t, count, bytes, err);
  if (st == XAI_OK) st = xai_stored_tensor(t->stored, p.shape, NULL, bytes, out, err);
  xai_free(bytes);
  return st;
}

xai_status xai_onnx_tensor_load(xai_file *file, xai_tensor **out, xai_err *err) {
  xai_proto_span all = {xai_file_data(file), xai_file_size(file)};
  xai_status st = xai_onnx__check_tensor(all, err);
  xai_onnx_source source = {.file = file};
  if (st == XAI_OK) st = xai_onnx__tensor(&source, all, out, err);
  xai_file_release(source.beside);
  return xai_err_prefix(err, st, "%s: ", xai_file_path(file));
}
