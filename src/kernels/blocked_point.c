/* kernels/blocked_point.c: what is done to each element of a blocked array by itself: the gradient's gate behind a
 * clamped sum, and a scale and shift per channel. */
#include <math.h>

#include "kernels/blocked_private.h"

/* ---- gate ---------------------------------------------------------------------------------------------- */
static inline float keep(bool condition, float g) { return condition ? g : 0; }

/* No number is >= NaN: a hi of NaN bounds nothing. The loops are free of dependences also where dx is dy. */
XK_CLONES static void gate(int64_t n, xk_relu_rule rule, float lo, float hi, const float *y, const float *dy,
                           float *dx) {
  switch (rule) {
    case XK_RELU_PLAIN:
#pragma omp simd
      for (int64_t i = 0; i < n; i++) dx[i] = keep((y[i] > lo) & !(y[i] >= hi), dy[i]);
      break;
    case XK_RELU_GUIDED:
#pragma omp simd
      for (int64_t i = 0; i < n; i++) dx[i] = keep((y[i] > lo) & !(y[i] >= hi) & (dy[i] > 0), dy[i]);
      break;
    case XK_RELU_DECONV:
#pragma omp simd
      for (int64_t i = 0; i < n; i++) dx[i] = keep(dy[i] > 0, dy[i]);
      break;
    case XK_RELU_REDIRECTED: break; /* looks at all elements together */
  }
}

void xk__gate(int64_t n, xk_relu_rule rule, float lo, float hi, const float *y, const float *dy, float *dx) {
  gate(n, rule, lo, hi == INFINITY ? NAN : hi, y, dy, dx);
}

void xk_gate(int64_t n, xk_relu_rule rule, float lo, float hi, const float *y, const float *dy, float *dx) {
  if (rule == XK_RELU_REDIRECTED) {
    xk__redirect(n, lo, hi, y, dy, dx);
    return;
  }
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n > XK__CHUNK)
  for (int64_t i = 0; i < n; i += XK__CHUNK)
    if (!xai_stop_requested()) xk__gate(xk__min(XK__CHUNK, n - i), rule, lo, hi, y + i, dy + i, dx + i);
}

/* ---- scale and shift ------------------------------------------------------------------------------------- */
XK_CLONES static void scale_pixels(int64_t count, const float *x, const float *scale, const float *shift, float lo,
                                   float hi, float *y) {
  float a[XK_LANES], b[XK_LANES];
  XK__EACH_LANE(l) a[l] = scale[l], b[l] = shift[l];
  for (int64_t i = 0; i < count * XK_LANES; i += XK_LANES)
    XK__EACH_LANE(l) {
      float v = x[i + l] * a[l] + b[l];
      v = v < lo ? lo : v;
      y[i + l] = v > hi ? hi : v;
    }
}

void xk_bscale(int64_t n, int64_t blocks, int64_t hw, const float *x, const float *scale, const float *shift, float lo,
               float hi, float *y) {
  enum { PIXELS = XK__CHUNK / XK_LANES };
  int64_t pieces = xk__ceil_div(hw, PIXELS);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n * blocks * hw > PIXELS)
  for (int64_t t = 0; t < n * blocks * pieces; t++) {
    if (xai_stop_requested()) continue;
    int64_t plane = t / pieces, from = t % pieces * PIXELS, at = (plane * hw + from) * XK_LANES;
    int64_t channel = plane % blocks * XK_LANES;
    scale_pixels(xk__min(PIXELS, hw - from), x + at, scale + channel, shift + channel, lo, hi, y + at);
  }
}
