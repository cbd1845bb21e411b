/* kernels/softmax.c: e^x / sum e^x along one axis, and its logarithm, the maximum subtracted first so that nothing
 * overflows.
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

/* dx = y * (dy - sum of y dy) */
static void backward_block(int64_t len, int64_t inner, int64_t count, const float *y, const float *dy, float *dx) {
  double sum[BLOCK] = {0};
  for (int64_t j = 0; j < len; j++)
    for (int64_t i = 0; i < count; i++) sum[i] += (double)y[j * inner + i] * dy[j * inner + i];
  for (int64_t j = 0; j < len; j++)
    for (int64_t i = 0; i < count; i++) dx[j * inner + i] = (float)(y[j * inner + i] * (dy[j * inner + i] - sum[i]));
}

/* ---- the logarithm ------------------------------------------------------------------------------- */
/* y = x - top - log sum e^(x - top) */
static void log_forward_block(int64_t len, int64_t inner, int64_t count, const float *x, float *y) {
  float top[BLOCK];
  double sum[BLOCK] = {0};
  for (int64_t i = 0; i < count; i++) top[i] = -INFINITY;
  for (int64_t j = 0; j < len; j++)
    for (int64_t i = 0; i < count; i++) top[i] = x[j * inner + i] > top[i] ? x[j * inner + i] : top[i];
  for (int64_t j = 0; j < len; j++)
    for (int64_t i = 0; i < count; i++) sum[i] += expf(x[j * inner + i] - top[i]);
  for (int64_t i = 0; i < count; i++) sum[i] = log(sum[i]);
  for (int64_t j = 0; j < len; j++)
    for (int64_t i = 0; i < count; i++) y[j * inner + i] = (float)((double)x[j * inner + i] - top[i] - sum[i]);
}

/* dx = dy - e^y * sum of dy */
static void log_backward_block(int64_t len, int64_t inner, int64_t count, const float *y, const float *dy, float *dx) {
  double sum[BLOCK] = {0};
  for (int64_t j = 0; j < len; j++)
    for (int64_t i = 0; i < count; i++) sum[i] += dy[j * inner + i];
  for (int64_t j = 0; j < len; j++)
    for (int64_t i = 0; i < count; i++)
      dx[j * inner + i] = (float)(dy[j * inner + i] - expf(y[j * inner + i]) * sum[i]);
}

/* ---- all blocks ------------------------------------------------------------------------------------ */
/* Runs the statement for each block of a function with the parameters outer, len and inner, on all threads. */
#define EACH_BLOCK(count, at, ...)                                                                                     \
  do {                                                                                                                 \
    int64_t blocks = xk__ceil_div(inner, BLOCK);                                                                       \
    _Pragma("omp parallel for schedule(static) num_threads(xk_threads()) if (outer * len * inner > XK__CHUNK)")        \
    for (int64_t t = 0; t < outer * blocks; t++) {                                                                     \
      if (xai_stop_requested()) continue;                                                                              \
      int64_t first = t % blocks * BLOCK, at = t / blocks * len * inner + first;                                       \
      int64_t count = xk__min(BLOCK, inner - first);                                                                   \
      __VA_ARGS__;                                                                                                     \
    }                                                                                                                  \
  } while (0)

void xk_softmax_forward(int64_t outer, int64_t len, int64_t inner, const float *x, float *y) {
  EACH_BLOCK(count, at, forward_block(len, inner, count, x + at, y + at));
}

void xk_softmax_backward(int64_t outer, int64_t len, int64_t inner, const float *y, const float *dy, float *dx) {
  EACH_BLOCK(count, at, backward_block(len, inner, count, y + at, dy + at, dx + at));
}

void xk_log_softmax_forward(int64_t outer, int64_t len, int64_t inner, const float *x, float *y) {
  EACH_BLOCK(count, at, log_forward_block(len, inner, count, x + at, y + at));
}

void xk_log_softmax_backward(int64_t outer, int64_t len, int64_t inner, const float *y, const float *dy, float *dx) {
  EACH_BLOCK(count, at, log_backward_block(len, inner, count, y + at, dy + at, dx + at));
}
