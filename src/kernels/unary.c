/* kernels/unary.c: y[i] = f(x[i]) for the functions of unary.def, and dx[i] = dy[i] f'(x[i]).
 * Relu, LeakyRelu, Clip, Sigmoid and Tanh, which nearly every network has, stand in activation.c. */
#include <math.h>

#include "kernels/private.h"

/* ---- the words of unary.def ------------------------------------------------------------------------- */
static const float half = (float)0.5;
static const float root_of_pi = (float)1.7724538509055160273;
static const float root_of_2 = (float)1.4142135623730950488;
static const float bend = (float)0.044715; /* GELU's approximation, Hendrycks and Gimpel 2016 */

static inline float sign(float x) { return x > 0 ? 1 : x < 0 ? -1 : x; } /* zero and NaN stay */
static inline float clamp01(float x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

/* log(1 + e^x), written so that nothing overflows */
static inline float softplus(float x) { return (x > 0 ? x : 0) + log1pf(expf(-fabsf(x))); }

/* d x tanh(softplus x) */
static inline float mish_slope(float x) {
  float t = tanhf(softplus(x));
  return t + x * (1 - t * t) * xk__sigmoid(x);
}

static inline float swish_slope(float a, float x) {
  float s = xk__sigmoid(a * x);
  return s + a * x * s * (1 - s);
}

/* Of the normal distribution: the share below x, and its density at x. */
static inline float below(float x) { return half * erfcf(-x / root_of_2); }
static inline float density(float x) { return expf(-half * x * x) / (root_of_2 * root_of_pi); }

/* x (1 + tanh u)/2 = x sigmoid(2u) with u = sqrt(2/pi) (x + bend x^3) is close to x below(x). */
static inline float bent(float x) { return root_of_2 / root_of_pi * (x + bend * x * x * x); }
static inline float gelu_tanh_slope(float x) {
  float s = xk__sigmoid(2 * bent(x)), du = root_of_2 / root_of_pi * (1 + 3 * bend * x * x);
  return s + x * 2 * s * (1 - s) * du;
}

/* ---- one task --------------------------------------------------------------------------------------- */
static void values(xk_unary op, float a, float b, int64_t n, const float *from, float *y) {
  switch (op) {
#define XK_UNARY(id, value, slope)                                                                                     \
  case XK_##id:                                                                                                        \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      const float x = from[i];                                                                                         \
      y[i] = value;                                                                                                    \
    }                                                                                                                  \
    break;
#include "kernels/unary.def"
#undef XK_UNARY
  }
}

static void slopes(xk_unary op, float a, float b, int64_t n, const float *from, float *y) {
  switch (op) {
#define XK_UNARY(id, value, slope)                                                                                     \
  case XK_##id:                                                                                                        \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      const float x = from[i];                                                                                         \
      (void)x;                                                                                                         \
      y[i] = slope;                                                                                                    \
    }                                                                                                                  \
    break;
#include "kernels/unary.def"
#undef XK_UNARY
  }
}

/* ---- all of it -------------------------------------------------------------------------------------- */
void xk_unary_forward(xk_unary op, float a, float b, int64_t n, const float *x, float *y) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n > XK__CHUNK)
  for (int64_t at = 0; at < n; at += XK__CHUNK)
    if (!xai_stop_requested()) values(op, a, b, xk__min(XK__CHUNK, n - at), x + at, y + at);
}

void xk_unary_backward(xk_unary op, float a, float b, xk_relu_rule rule, int64_t n, const float *x, const float *dy,
                       float *dx) {
  if (rule == XK_RELU_DECONV) {
    xk_relu_backward(rule, n, x, dy, dx);
    return;
  }
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n > XK__CHUNK)
  for (int64_t at = 0; at < n; at += XK__CHUNK) {
    if (xai_stop_requested()) continue;
    int64_t end = xk__min(n, at + XK__CHUNK);
    slopes(op, a, b, end - at, x + at, dx + at);
    for (int64_t i = at; i < end; i++) dx[i] *= dy[i];
    for (int64_t i = at; i < end && rule == XK_RELU_GUIDED; i++) dx[i] = x[i] > 0 && dy[i] > 0 ? dx[i] : 0;
  }
}

void xk_unary_forward_int(xk_unary op, size_t size, int64_t n, const void *x, void *y) {
  for (int64_t i = 0; i < n && !xai_stop_requested(); i++) {
    int64_t v = xk__load(size, x, i);
    xk__store(size, y, i, op == XK_SIGN ? (v > 0) - (v < 0) : op == XK_NEG || v < 0 ? xk__wrap(0 - (uint64_t)v) : v);
  }
}
