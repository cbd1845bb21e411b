/* explain/baseline.c: see baseline.h. */
#include "explain/baseline.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include "tensor/math.h"
#include "tensor/tensor.h"

const char *const xai_baseline__names[] = {"zero", "black", "white", "mean", "blur", NULL};

static xai_status blur(const xai_view *x, double sigma, float *out, xai_err *err) {
  int64_t c = x->shape.dims[1], h = x->shape.dims[2], w = x->shape.dims[3], shorter = h < w ? h : w;
  if (sigma == 0) sigma = (double)shorter / 20;
  int64_t size = 2 * (int64_t)ceil(3 * sigma) + 1;
  void *work = xai_alloc(xk_blur_workspace(h, w, size));
  if (work == NULL) return xai_fail_memory(err, xk_blur_workspace(h, w, size));
  xk_blur(c, h, w, x->data, size, sigma, out, work);
  xai_free(work);
  return xai_stop_requested() ? xai_fail_stop(err) : XAI_OK;
}

static double mean_of(const float *v, int64_t n) {
  return xai_math_sum(&(xai_view){XAI_F32, XAI_SHAPE(n), (void *)(uintptr_t)v}) / (double)n;
}

float xai_baseline__byte(const xai_preprocess *p, int64_t k, float byte) {
  int64_t i = k < 3 ? k : 2;
  return (byte * p->scale - p->mean[i]) / p->std[i];
}

static xai_status own_baseline(const xai_view *own, const xai_view *x, float *out, xai_err *err) {
  if (own->dtype != XAI_F32 || xai_shape_size(&own->shape) != xai_shape_size(&x->shape)) {
    char want[XAI_SHAPE_TEXT], got[XAI_SHAPE_TEXT];
    return xai_fail(err, XAI_ESHAPE, "baseline: expected float32 %s as the picture, got %s %s", xai_shape_text(&x->shape, want),
                    xai_dtype_name(own->dtype), xai_shape_text(&own->shape, got));
  }
  memcpy(out, own->data, xai_view_bytes(own));
  return XAI_OK;
}

static xai_status fill(const xai_net *net, const xai_view *x, const xai_baseline_source *from, float *out, xai_err *err) {
  const xai_preprocess *p = xai_net_preprocess(net);
  int64_t plane = x->shape.dims[2] * x->shape.dims[3];
  if (from->own != NULL) return own_baseline(from->own, x, out, err);
  if (from->kind == XAI_BASELINE_BLUR) return blur(x, from->blur, out, err);
  for (int64_t k = 0; k < x->shape.dims[1]; k++) {
    float value = 0;
    if (from->kind == XAI_BASELINE_BLACK) value = xai_baseline__byte(p, k, 0);
    if (from->kind == XAI_BASELINE_WHITE) value = xai_baseline__byte(p, k, 255);
    if (from->kind == XAI_BASELINE_MEAN) value = (float)mean_of((const float *)x->data + k * plane, plane);
    for (int64_t i = 0; i < plane; i++) out[k * plane + i] = value;
  }
  return XAI_OK;
}

xai_status xai_baseline__make(const xai_net *net, const xai_view *x, const xai_baseline_source *from, xai_tensor **out,
                              xai_err *err) {
  xai_tensor *t = NULL;
  XAI_TRY(xai_tensor_new_raw(XAI_F32, xai_shape_of(3, x->shape.dims + 1), &t, err));
  xai_status st = fill(net, x, from, xai_tensor_floats(t), err);
  if (st == XAI_OK) *out = t;
  else xai_tensor_free(t);
  return st;
}
