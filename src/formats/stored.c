/* formats/stored.c: elements as files store them to tensors: mapped where file and memory agree, else widened. */
#include <string.h>

#include "formats/formats.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "file mappings are used as they are: little-endian hosts only");

static const struct {
  unsigned char size;
  xai_dtype becomes;
  bool same; /* the same bytes in memory */
} kinds[] = {
    [XAI_STORED_F16] = {2, XAI_F32, false},   [XAI_STORED_BF16] = {2, XAI_F32, false},
    [XAI_STORED_F32] = {4, XAI_F32, true},    [XAI_STORED_F64] = {8, XAI_F32, false},
    [XAI_STORED_I8] = {1, XAI_I32, false},    [XAI_STORED_I16] = {2, XAI_I32, false},
    [XAI_STORED_I32] = {4, XAI_I32, true},    [XAI_STORED_I64] = {8, XAI_I64, true},
    [XAI_STORED_U8] = {1, XAI_U8, true},      [XAI_STORED_U16] = {2, XAI_I32, false},
    [XAI_STORED_U32] = {4, XAI_I64, false},   [XAI_STORED_U64] = {8, XAI_I64, false},
    [XAI_STORED_BOOL] = {1, XAI_BOOL, false},
};

size_t xai_stored_size(xai_stored s) { return kinds[s].size; }

/* Element i; the bytes may lie at any address. */
#define LOAD(type, value)                                                                                              \
  type value;                                                                                                          \
  memcpy(&value, at + (size_t)i * sizeof value, sizeof value)

static xai_status widen(xai_stored s, const unsigned char *at, int64_t n, void *to, xai_err *err) {
  float *f32 = to;
  int32_t *i32 = to;
  int64_t *i64 = to;
  uint8_t *boolean = to;
  switch (s) {
    case XAI_STORED_F16: xai_widen_f16(at, (size_t)n, f32); break;
    case XAI_STORED_BF16: xai_widen_bf16(at, (size_t)n, f32); break;
    case XAI_STORED_F64:
      for (int64_t i = 0; i < n; i++) {
        LOAD(double, v);
        f32[i] = (float)v;
      }
      break;
    case XAI_STORED_I8:
      for (int64_t i = 0; i < n; i++) {
        LOAD(int8_t, v);
        i32[i] = v;
      }
      break;
    case XAI_STORED_I16:
      for (int64_t i = 0; i < n; i++) {
        LOAD(int16_t, v);
        i32[i] = v;
      }
      break;
    case XAI_STORED_U16:
      for (int64_t i = 0; i < n; i++) {
        LOAD(uint16_t, v);
        i32[i] = v;
      }
      break;
    case XAI_STORED_U32:
      for (int64_t i = 0; i < n; i++) {
        LOAD(uint32_t, v);
        i64[i] = v;
      }
      break;
    case XAI_STORED_U64:
      for (int64_t i = 0; i < n; i++) {
        LOAD(uint64_t, v);
        if (v > INT64_MAX) return xai_fail(err, XAI_EUNSUPPORTED, "a uint64 element is beyond the range of int64");
        i64[i] = (int64_t)v;
      }
      break;
    case XAI_STORED_BOOL: /* any other byte counts as true, and is made 1 */
      for (int64_t i = 0; i < n; i++) boolean[i] = at[i] != 0;
      break;
    default: /* the same bytes */
      if (n > 0) memcpy(to, at, (size_t)n * kinds[s].size);
  }
  return XAI_OK;
}

xai_status xai_stored_tensor(xai_stored s, xai_shape shape, xai_file *file, const unsigned char *at, xai_tensor **out,
                             xai_err *err) {
  if (kinds[s].same && file != NULL) return xai_tensor_map(kinds[s].becomes, shape, file, at, out, err);
  xai_tensor *t;
  XAI_TRY(xai_tensor_new_raw(kinds[s].becomes, shape, &t, err));
  xai_status st = widen(s, at, xai_shape_size(&shape), xai_tensor_view(t)->data, err);
  if (st == XAI_OK)
    *out = t;
  else
    xai_tensor_free(t);
  return st;
}
