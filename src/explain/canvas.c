/* explain/canvas.c: see canvas.h. */
#include "explain/canvas.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

/* Of the preprocessing's three channels the last stands for all further ones. */
static int64_t known(int64_t k) { return k < 3 ? k : 2; }
static float unit(const xai_canvas *v, int64_t k) { return v->preprocess->scale / v->preprocess->std[known(k)]; }
static float mean(const xai_canvas *v, int64_t k) { return v->preprocess->mean[known(k)] / v->preprocess->scale; }

xai_status xai_canvas__open(const xai_net *net, const xai_view *x, int64_t shorter, xai_canvas *v, xai_err *err) {
  int64_t seen = xai_shape_size(&x->shape);
  *v = (xai_canvas){.shape = x->shape, .c = x->shape.dims[1], .h = x->shape.dims[2], .w = x->shape.dims[3],
                    .preprocess = xai_net_preprocess(net)};
  if (shorter > 0) {
    int64_t least = v->h < v->w ? v->h : v->w;
    v->h = (v->h * shorter + least / 2) / least;
    v->w = (v->w * shorter + least / 2) / least;
  }
  v->size = v->c * v->h * v->w;
  XAI_TRY(xai_tensor_new(XAI_F32, XAI_SHAPE(3 * v->size + seen + v->c), &v->floats, err));
  v->z = xai_tensor_floats(v->floats);
  v->g = v->z + v->size;
  v->spare = v->g + v->size;
  v->x = v->spare + v->size;
  v->grey = v->x + seen;
  for (int64_t k = 0; k < v->c; k++) v->grey[k] = 127.5f - mean(v, k);
  return XAI_OK;
}

void xai_canvas__close(xai_canvas *v) {
  xai_tensor_free(v->floats);
  v->floats = NULL;
}

static xai_status from_picture(xai_canvas *v, const xai_view *picture, xai_err *err) {
  int64_t plane = v->h * v->w;
  if (picture->dtype != XAI_F32 || xai_shape_size(&picture->shape) != v->size) {
    char want[XAI_SHAPE_TEXT], got[XAI_SHAPE_TEXT];
    xai_shape shape = XAI_SHAPE(1, v->c, v->h, v->w);
    return xai_fail(err, XAI_ESHAPE, "init: expected float32 %s, got %s %s", xai_shape_text(&shape, want),
                    xai_dtype_name(picture->dtype), xai_shape_text(&picture->shape, got));
  }
  for (int64_t i = 0; i < v->size; i++) v->z[i] = ((const float *)picture->data)[i] / unit(v, i / plane);
  return XAI_OK;
}

xai_status xai_canvas__start(xai_canvas *v, xai_start how, const xai_view *picture, double sigma, int64_t seed, xai_err *err) {
  memset(v->z, 0, (size_t)v->size * sizeof *v->z);
  if (how == XAI_START_PICTURE) return from_picture(v, picture, err);
  if (how == XAI_START_NOISE) xk_add_noise(xai_rng_stream(seed < 0 ? xai_seed() : (uint64_t)seed, 0), sigma, v->size, v->z, v->z);
  return XAI_OK;
}

static int64_t wrap(int64_t i, int64_t n) { return (i % n + n) % n; }

void xai_canvas__scale(const xai_canvas *v, int64_t plane, const float *from, float *to) {
  for (int64_t i = 0; i < v->c * plane; i++) to[i] = unit(v, i / plane) * from[i];
}

void xai_canvas__show(xai_canvas *v, int64_t down, int64_t right) {
  for (int64_t k = 0; k < v->c; k++)
    for (int64_t i = 0; i < v->h; i++) {
      const float *from = v->z + (k * v->h + i) * v->w;
      float *to = v->x + (k * v->h + wrap(i + down, v->h)) * v->w, u = unit(v, k);
      for (int64_t j = 0, at = wrap(right, v->w); j < v->w; j++, at = at + 1 < v->w ? at + 1 : 0) to[at] = u * from[j];
    }
}

void xai_canvas__take(xai_canvas *v, const float *dx, int64_t down, int64_t right) {
  for (int64_t k = 0; k < v->c; k++)
    for (int64_t i = 0; i < v->h; i++) {
      const float *from = dx + (k * v->h + wrap(i + down, v->h)) * v->w;
      float *to = v->g + (k * v->h + i) * v->w, u = unit(v, k);
      for (int64_t j = 0, at = wrap(right, v->w); j < v->w; j++, at = at + 1 < v->w ? at + 1 : 0) to[j] = u * from[at];
    }
}

void xai_canvas__clip(xai_canvas *v) {
  int64_t plane = v->h * v->w;
  for (int64_t i = 0; i < v->size; i++) {
    float lo = -mean(v, i / plane), hi = 255 + lo;
    v->z[i] = v->z[i] < lo ? lo : v->z[i] > hi ? hi : v->z[i];
  }
}

/* The kernel takes what lies beyond the border as zero: its blur of ones says how much of a place's window was inside. */
xai_status xai_canvas__blur(xai_canvas *v, double sigma, xai_err *err) {
  int64_t plane = v->h * v->w, size = 2 * (int64_t)ceil(4 * sigma) + 1;
  void *work = xai_alloc(xk_blur_workspace(v->h, v->w, size));
  float *inside = xai_alloc((size_t)plane * 2 * sizeof *inside), *ones = inside != NULL ? inside + plane : NULL;
  xai_status st = XAI_OK;
  if (work == NULL || inside == NULL) {
    st = xai_fail_memory(err, xk_blur_workspace(v->h, v->w, size) + (size_t)plane * 2 * sizeof *inside);
    goto done;
  }
  for (int64_t i = 0; i < plane; i++) ones[i] = 1;
  xk_blur(1, v->h, v->w, ones, size, sigma, inside, work);
  xk_blur(v->c, v->h, v->w, v->z, size, sigma, v->spare, work);
  if (xai_stop_requested()) {
    st = xai_fail_stop(err);
    goto done;
  }
  for (int64_t i = 0; i < v->size; i++) v->z[i] = v->spare[i] / inside[i % plane];
done:
  xai_free(work);
  xai_free(inside);
  return st;
}

xai_status xai_canvas__values(xai_canvas *v, xai_tensor **out, xai_err *err) {
  XAI_TRY(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(v->c, v->h, v->w), out, err));
  xai_canvas__scale(v, v->h * v->w, v->z, xai_tensor_floats(*out));
  return XAI_OK;
}
