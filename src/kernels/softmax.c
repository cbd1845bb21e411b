/* kernels/softmax.c: e^x / sum e^x along one axis, the maximum subtracted first so that nothing overflows.
 * A task handles BLOCK neighbours along the inner axis, so that memory is read in order. */
#include <math.h>

#include "kernels/private.h"

enum { BLOCK = 64 };

/* x and y point at the first element of the first of 'count' columns. */
static void forward_block(int64_t len, int64_t inner, int64_t count, const float *x, float *y) {
  float top[BLOCK];
  double sum[BLOCK] = {0};
  for (int64_t i = 0; i < count; i++) top[i] = -INFINITY;
  for (int64_t j = 0; j < len; j++)
    for (int64_t i = 0; i < count; i++) top[i] = x[j * inner + i] > top[i] ? x[j * inner + i] : top[i];
  for (int64_t j = 0; j < len; j++)
    for (int64_t i = 0; i < count; i++) sum[i] += y[j * inner + i] = expf(x[j * inner + i] - top[i]);
  for (int64_t j = 0; j < len; j++)
    for (int64_t i = 0; i < count; i++) y[j * inner + i] = (float)(y[j * inner + i] / sum[i]);
}

void xk_softmax_forward(int64_t outer, int64_t len, int64_t inner, const float *x, float *y) {
  int64_t blocks = xk__ceil_div(inner, BLOCK);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (outer * len * inner > XK__CHUNK)
  for (int64_t t = 0; t < outer * blocks; t++) {
    if (xai_stop_requested()) continue;
    int64_t first = t % blocks * BLOCK, at = t / blocks * len * inner + first;
    forward_block(len, inner, xk__min(BLOCK, inner - first), x + at, y + at);
  }
}

/* dx = y * (dy - sum of y dy) */
static void backward_block(int64_t len, int64_t inner, int64_t count, const float *y, const float *dy, float *dx) {
  double sum[BLOCK] = {0};
  for (int64_t j = 0; j < len; j++)
    for (int64_t i = 0; i < count; i++) sum[i] += (double)y[j * inner + i] * dy[j * inner + i];
  for (int64_t j = 0; j < len; j++)
    for (int64_t i = 0; i < count; i++) dx[j * inner + i] = (float)(y[j * inner + i] * (dy[j * inner + i] - sum[i]));
}

void xk_softmax_backward(int64_t outer, int64_t len, int64_t inner, const float *y, const float *dy, float *dx) {
  int64_t blocks = xk__ceil_div(inner, BLOCK);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (outer * len * inner > XK__CHUNK)
  for (int64_t t = 0; t < outer * blocks; t++) {
    if (xai_stop_requested()) continue;
    int64_t first = t % blocks * BLOCK, at = t / blocks * len * inner + first;
    backward_block(len, inner, xk__min(BLOCK, inner - first), y + at, dy + at, dx + at);
  }
}
