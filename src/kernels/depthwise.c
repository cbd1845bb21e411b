/* kernels/depthwise.c: convolutions whose groups have one input channel (MobileNet's depthwise layers).
 * There is no sum over channels to make a matrix product of, so each plane is convolved directly:
 * for every tap, one multiply-add over a row. A group may have several filters ("multiplier"). */
#include <string.h>

#include "kernels/private.h"

/* y[i] += a * x[i*stride] */
XK_CLONES static void add_scaled(int64_t n, float a, const float *x, int64_t stride, float *restrict y) {
  if (stride == 1)
    for (int64_t i = 0; i < n; i++) y[i] += a * x[i];
  else
    for (int64_t i = 0; i < n; i++) y[i] += a * x[i * stride];
}

/* x[i*stride] += a * y[i] */
XK_CLONES static void scatter_scaled(int64_t n, float a, const float *y, float *restrict x, int64_t stride) {
  if (stride == 1)
    for (int64_t i = 0; i < n; i++) x[i] += a * y[i];
  else
    for (int64_t i = 0; i < n; i++) x[i * stride] += a * y[i];
}

/* sum of x[i*stride] * y[i] */
XK_CLONES static double dot(int64_t n, const float *x, int64_t stride, const float *y) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; i++) sum += (double)x[i * stride] * y[i];
  return sum;
}

/* What tap (ky, kx) connects: output columns [lo, hi) of row oy with input elements from 'at' on, step sw.
 * false when the tap sees only padding there. */
static bool tap_at(const xk_conv2d *p, int64_t oy, int64_t ky, int64_t kx, int64_t *lo, int64_t *hi, int64_t *at) {
  int64_t iy = oy * p->sh - p->pad_top + ky * p->dh;
  xk__tap_range(p->w, p->ow, p->sw, p->pad_left, kx * p->dw, lo, hi);
  *at = iy * p->w + *lo * p->sw - p->pad_left + kx * p->dw;
  return iy >= 0 && iy < p->h && *hi > *lo;
}

static void forward_plane(const xk_conv2d *p, const float *x, const float *w, float bias, float *y) {
  int64_t lo, hi, at;
  for (int64_t oy = 0; oy < p->oh; oy++, y += p->ow) {
    for (int64_t ox = 0; ox < p->ow; ox++) y[ox] = bias;
    for (int64_t ky = 0; ky < p->kh; ky++)
      for (int64_t kx = 0; kx < p->kw; kx++)
        if (tap_at(p, oy, ky, kx, &lo, &hi, &at)) add_scaled(hi - lo, w[ky * p->kw + kx], x + at, p->sw, y + lo);
  }
}

void xk__depthwise_forward(const xk_conv2d *p, const float *x, const float *w, const float *b, float *y) {
  int64_t filters = p->m / p->c, tasks = p->n * p->m;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (tasks > 1)
  for (int64_t t = 0; t < tasks; t++) {
    if (xai_stop_requested()) continue;
    int64_t m = t % p->m;
    forward_plane(p, x + t / filters * p->h * p->w, w + m * p->kh * p->kw, b != NULL ? b[m] : 0, y + t * p->oh * p->ow);
  }
}

/* dx += what one filter sends back */
static void backward_plane(const xk_conv2d *p, const float *w, const float *dy, float *dx) {
  int64_t lo, hi, at;
  for (int64_t oy = 0; oy < p->oh; oy++, dy += p->ow)
    for (int64_t ky = 0; ky < p->kh; ky++)
      for (int64_t kx = 0; kx < p->kw; kx++)
        if (tap_at(p, oy, ky, kx, &lo, &hi, &at)) scatter_scaled(hi - lo, w[ky * p->kw + kx], dy + lo, dx + at, p->sw);
}

void xk__depthwise_backward_input(const xk_conv2d *p, const float *w, const float *dy, float *dx) {
  int64_t filters = p->m / p->c, tasks = p->n * p->c, plane = p->h * p->w;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (tasks > 1)
  for (int64_t t = 0; t < tasks; t++) {
    memset(dx + t * plane, 0, (size_t)plane * sizeof(float));
    for (int64_t f = 0; f < filters && !xai_stop_requested(); f++)
      backward_plane(p, w + (t % p->c * filters + f) * p->kh * p->kw, dy + (t * filters + f) * p->oh * p->ow,
                     dx + t * plane);
  }
}

/* Sum over one image of what tap (ky, kx) saw times the gradient there. */
static double tap_gradient(const xk_conv2d *p, int64_t ky, int64_t kx, const float *x, const float *dy) {
  int64_t lo, hi, at;
  double sum = 0;
  for (int64_t oy = 0; oy < p->oh; oy++)
    if (tap_at(p, oy, ky, kx, &lo, &hi, &at)) sum += dot(hi - lo, x + at, p->sw, dy + oy * p->ow + lo);
  return sum;
}

void xk__depthwise_backward_weight(const xk_conv2d *p, const float *x, const float *dy, float *dw) {
  int64_t filters = p->m / p->c, taps = p->kh * p->kw, tasks = p->m * taps;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (tasks > 1)
  for (int64_t t = 0; t < tasks; t++) {
    int64_t m = t / taps, tap = t % taps;
    double sum = 0;
    for (int64_t i = 0; i < p->n && !xai_stop_requested(); i++)
      sum += tap_gradient(p, tap / p->kw, tap % p->kw, x + (i * p->c + m / filters) * p->h * p->w,
                          dy + (i * p->m + m) * p->oh * p->ow);
    dw[t] = (float)sum;
  }
}
