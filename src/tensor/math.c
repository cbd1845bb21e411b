/* tensor/math.c: see math.h. */
#include "tensor/math.h"

#include <math.h>

#include "base/status.h"

static double element(xai_operand o, int64_t i) { return o.view != NULL ? xai_view_get(o.view, i) : o.number; }

xai_status xai_math_binary(xai_binary op, xai_operand a, xai_operand b, xai_tensor **out, xai_err *err) {
  char ta[XAI_SHAPE_TEXT], tb[XAI_SHAPE_TEXT];
  if (a.view != NULL && b.view != NULL && !xai_shape_equal(&a.view->shape, &b.view->shape))
    return xai_fail(err, XAI_ESHAPE, "shapes %s and %s differ", xai_shape_text(&a.view->shape, ta),
                    xai_shape_text(&b.view->shape, tb));
  xai_tensor *t = NULL;
  XAI_TRY(xai_tensor_new_raw(XAI_F32, a.view != NULL ? a.view->shape : b.view->shape, &t, err));
  float *y = xai_tensor_floats(t);
  int64_t n = (int64_t)xai_tensor_count(t);
  switch (op) {
    case XAI_BINARY_ADD:
      for (int64_t i = 0; i < n; i++) y[i] = (float)(element(a, i) + element(b, i));
      break;
    case XAI_BINARY_SUB:
      for (int64_t i = 0; i < n; i++) y[i] = (float)(element(a, i) - element(b, i));
      break;
    case XAI_BINARY_MUL:
      for (int64_t i = 0; i < n; i++) y[i] = (float)(element(a, i) * element(b, i));
      break;
    case XAI_BINARY_DIV:
      for (int64_t i = 0; i < n; i++) y[i] = (float)(element(a, i) / element(b, i));
      break;
  }
  *out = t;
  return XAI_OK;
}

xai_status xai_math_abs(const xai_view *t, xai_tensor **out, xai_err *err) {
  XAI_TRY(xai_tensor_new_raw(XAI_F32, t->shape, out, err));
  float *y = xai_tensor_floats(*out);
  for (int64_t i = 0, n = xai_shape_size(&t->shape); i < n; i++) y[i] = (float)fabs(xai_view_get(t, i));
  return XAI_OK;
}

xai_status xai_math_clamp(const xai_view *t, double lo, double hi, xai_tensor **out, xai_err *err) {
  XAI_TRY(xai_tensor_new_raw(XAI_F32, t->shape, out, err));
  float *y = xai_tensor_floats(*out);
  for (int64_t i = 0, n = xai_shape_size(&t->shape); i < n; i++) {
    double v = xai_view_get(t, i);
    y[i] = (float)(v < lo ? lo : v > hi ? hi : v);
  }
  return XAI_OK;
}

/* value toward zero, within [lo, hi]; the bounds are exact doubles */
static double whole(double value, double lo, double hi) {
  if (isnan(value)) return 0;
  value = trunc(value);
  return value < lo ? lo : value > hi ? hi : value;
}

void xai_math_put(const xai_view *t, int64_t i, double value) {
  switch (t->dtype) {
    case XAI_F32: ((float *)t->data)[i] = (float)value; break;
    case XAI_I64: /* 2^63 itself is no int64 */
      ((int64_t *)t->data)[i] = value >= 0x1p63 ? INT64_MAX : (int64_t)whole(value, -0x1p63, 0x1p63);
      break;
    case XAI_I32: ((int32_t *)t->data)[i] = (int32_t)whole(value, INT32_MIN, INT32_MAX); break;
    case XAI_U8: ((uint8_t *)t->data)[i] = (uint8_t)whole(value, 0, UINT8_MAX); break;
    case XAI_BOOL: ((uint8_t *)t->data)[i] = value != 0; break;
  }
}

xai_status xai_math_convert(const xai_view *t, xai_dtype dtype, xai_tensor **out, xai_err *err) {
  if (t->dtype == dtype) return xai_tensor_copy(t, out, err);
  XAI_TRY(xai_tensor_new_raw(dtype, t->shape, out, err));
  for (int64_t i = 0, n = xai_shape_size(&t->shape); i < n; i++)
    xai_math_put(xai_tensor_view(*out), i, xai_view_get(t, i));
  return XAI_OK;
}

xai_status xai_math_sum_axis(const xai_view *t, int axis, double factor, xai_tensor **out, xai_err *err) {
  xai_shape shape = {.rank = t->shape.rank - 1};
  for (int i = 0; i < shape.rank; i++) shape.dims[i] = t->shape.dims[i < axis ? i : i + 1];
  XAI_TRY(xai_tensor_new_raw(XAI_F32, shape, out, err));
  float *y = xai_tensor_floats(*out);
  int64_t outer = xai_shape_span(&t->shape, 0, axis), extent = t->shape.dims[axis],
          inner = xai_shape_span(&t->shape, axis + 1, t->shape.rank);
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < inner; i++) {
      double sum = 0;
      for (int64_t k = 0; k < extent; k++) sum += xai_view_get(t, (o * extent + k) * inner + i);
      y[o * inner + i] = (float)(sum * factor);
    }
  return XAI_OK;
}

double xai_math_sum(const xai_view *t) {
  double sum = 0;
  for (int64_t i = 0, n = xai_shape_size(&t->shape); i < n; i++) sum += xai_view_get(t, i);
  return sum;
}

double xai_math_norm(const xai_view *t) {
  double sum = 0;
  for (int64_t i = 0, n = xai_shape_size(&t->shape); i < n; i++) {
    double v = xai_view_get(t, i);
    sum += v * v;
  }
  return sqrt(sum);
}

int64_t xai_math_extreme(const xai_view *t, int sign) {
  int64_t best = -1;
  double top = 0;
  for (int64_t i = 0, n = xai_shape_size(&t->shape); i < n; i++) {
    double v = sign * xai_view_get(t, i);
    if (isnan(v) || (best >= 0 && v <= top)) continue;
    best = i;
    top = v;
  }
  return best;
}
