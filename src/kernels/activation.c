/* kernels/activation.c: functions of one element, and how gradients pass them.
 * The rules for rectifiers: kernels.h, xk_relu_rule. NaN in gives NaN out, except where a
 * gradient is stopped: a comparison with NaN is false.
 * Conditions are joined by & and gradients loaded whatever they say: without branches the loops become vector code. */
#include <math.h>

#include "kernels/private.h"

void xk_relu_forward(int64_t n, const float *x, float *y) { XK__EACH(i, y[i] = x[i] < 0 ? 0 : x[i]) }

/* g where the condition holds, else 0 */
static inline float keep(bool condition, float g) { return condition ? g : 0; }

static void positive_part(int64_t n, const float *x, float *y) { XK__EACH(i, y[i] = keep(x[i] > 0, x[i])) }

void xk__redirect(int64_t n, float lo, float hi, const float *y, const float *dy, float *dx) {
  int passes = 0;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) reduction(| : passes) if (n > XK__CHUNK)
  for (int64_t i = 0; i < n; i++) passes |= (y[i] > lo) & (y[i] < hi) & (dy[i] != 0);
  bool none = passes == 0;
  XK__EACH(i, bool open = (y[i] > lo) & (y[i] < hi), inwards = y[i] > lo ? dy[i] < 0 : dy[i] > 0;
           dx[i] = keep(open | (none & inwards), dy[i]))
}

void xk_relu_backward(xk_relu_rule rule, int64_t n, const float *y, const float *dy, float *dx) {
  switch (rule) {
    case XK_RELU_PLAIN: XK__EACH(i, dx[i] = keep(y[i] > 0, dy[i])) break;
    case XK_RELU_GUIDED: XK__EACH(i, dx[i] = keep((y[i] > 0) & (dy[i] > 0), dy[i])) break;
    case XK_RELU_DECONV: positive_part(n, dy, dx); break;
    case XK_RELU_REDIRECTED: xk__redirect(n, 0, INFINITY, y, dy, dx); break;
  }
}

void xk_leaky_relu_forward(float slope, int64_t n, const float *x, float *y) {
  XK__EACH(i, y[i] = x[i] < 0 ? slope * x[i] : x[i])
}

void xk_leaky_relu_backward(xk_relu_rule rule, float slope, int64_t n, const float *x, const float *dy, float *dx) {
  switch (rule) {
    case XK_RELU_PLAIN:
    case XK_RELU_REDIRECTED: XK__EACH(i, dx[i] = (x[i] > 0 ? 1 : slope) * dy[i]) break;
    case XK_RELU_GUIDED: XK__EACH(i, dx[i] = keep((x[i] > 0) & (dy[i] > 0), dy[i])) break;
    case XK_RELU_DECONV: positive_part(n, dy, dx); break;
  }
}

void xk_clip_forward(float lo, float hi, int64_t n, const float *x, float *y) {
  XK__EACH(i, float v = x[i] < lo ? lo : x[i]; y[i] = v > hi ? hi : v)
}

void xk_clip_backward(xk_relu_rule rule, float lo, float hi, int64_t n, const float *x, const float *dy, float *dx) {
  switch (rule) {
    case XK_RELU_PLAIN: XK__EACH(i, dx[i] = keep((x[i] > lo) & (x[i] < hi), dy[i])) break;
    case XK_RELU_GUIDED: XK__EACH(i, dx[i] = keep((x[i] > lo) & (x[i] < hi) & (dy[i] > 0), dy[i])) break;
    case XK_RELU_DECONV: positive_part(n, dy, dx); break;
    case XK_RELU_REDIRECTED: xk__redirect(n, lo, hi, x, dy, dx); break;
  }
}

void xk_sigmoid_forward(int64_t n, const float *x, float *y) { XK__EACH(i, y[i] = xk__sigmoid(x[i])) }

void xk_sigmoid_backward(int64_t n, const float *y, const float *dy, float *dx) {
  XK__EACH(i, dx[i] = dy[i] * y[i] * (1 - y[i]))
}

void xk_tanh_forward(int64_t n, const float *x, float *y) { XK__EACH(i, y[i] = tanhf(x[i])) }

void xk_tanh_backward(int64_t n, const float *y, const float *dy, float *dx) {
  XK__EACH(i, dx[i] = dy[i] * (1 - y[i] * y[i]))
}

void xk_accumulate(int64_t n, const float *x, float *sum) { XK__EACH(i, sum[i] += x[i]) }

void xk_scale(int64_t n, float a, const float *x, float *y) { XK__EACH(i, y[i] = a * x[i]) }
