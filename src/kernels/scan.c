/* kernels/scan.c: what walks along one axis: positions of extremes, running sums, division by a norm.
 * One task per line of 'len' elements, which lie 'inner' apart. */
#include <math.h>
#include <string.h>

#include "kernels/private.h"

/* Runs the statement for line i, whose elements are begin, begin + inner, ..., on all threads. */
#define EACH_LINE(axis, i, begin, ...)                                                                                 \
  do {                                                                                                                 \
    int64_t inner = (axis)->inner, len = (axis)->len, lines = (axis)->outer * inner;                                   \
    _Pragma("omp parallel for schedule(static) num_threads(xk_threads()) if (lines * len > XK__CHUNK)")                \
    for (int64_t i = 0; i < lines; i++) {                                                                              \
      if (xai_stop_requested()) continue;                                                                              \
      int64_t begin = i / inner * len * inner + i % inner;                                                             \
      __VA_ARGS__;                                                                                                     \
    }                                                                                                                  \
  } while (0)

/* ---- extremes ------------------------------------------------------------------------------------------ */
static int64_t find_extreme(const xk_axis *a, bool largest, bool last, const float *x) {
  int64_t win = 0;
  for (int64_t j = 1; j < a->len; j++) {
    float v = x[j * a->inner], best = x[win * a->inner];
    if ((largest ? xk__displaces(v, best) : xk__displaces(-v, -best)) || (last && v == best)) win = j;
  }
  return win;
}

static int64_t find_extreme_int(const xk_axis *a, bool largest, bool last, size_t size, const void *x, int64_t begin) {
  int64_t win = 0;
  for (int64_t j = 1; j < a->len; j++) {
    int64_t v = xk__load(size, x, begin + j * a->inner), best = xk__load(size, x, begin + win * a->inner);
    if ((largest ? v > best : v < best) || (last && v == best)) win = j;
  }
  return win;
}

void xk_arg_extreme(const xk_axis *a, bool largest, bool last, const float *x, int64_t *y) {
  EACH_LINE(a, i, begin, y[i] = find_extreme(a, largest, last, x + begin));
}

void xk_arg_extreme_int(const xk_axis *a, bool largest, bool last, size_t size, const void *x, int64_t *y) {
  EACH_LINE(a, i, begin, y[i] = find_extreme_int(a, largest, last, size, x, begin));
}

void xk_hardmax_forward(const xk_axis *a, const float *x, float *y) {
  memset(y, 0, (size_t)(a->outer * a->len * a->inner) * sizeof *y);
  EACH_LINE(a, i, begin, y[begin + find_extreme(a, true, false, x + begin) * a->inner] = 1);
}

/* ---- running sums --------------------------------------------------------------------------------------- */
/* The j-th element on the way: from either end. */
static int64_t on_the_way(const xk_axis *a, bool reverse, int64_t begin, int64_t j) {
  return begin + (reverse ? a->len - 1 - j : j) * a->inner;
}

static void add_up(const xk_axis *a, bool exclusive, bool reverse, int64_t begin, const float *x, float *y) {
  double sum = 0;
  for (int64_t j = 0; j < a->len; j++) {
    int64_t at = on_the_way(a, reverse, begin, j);
    double next = sum + x[at];
    y[at] = (float)(exclusive ? sum : next);
    sum = next;
  }
}

static void add_up_int(const xk_axis *a, bool exclusive, bool reverse, int64_t begin, size_t size, const void *x,
                       void *y) {
  uint64_t sum = 0;
  for (int64_t j = 0; j < a->len; j++) {
    int64_t at = on_the_way(a, reverse, begin, j);
    uint64_t next = sum + (uint64_t)xk__load(size, x, at);
    xk__store(size, y, at, xk__wrap(exclusive ? sum : next));
    sum = next;
  }
}

void xk_cumsum(const xk_axis *a, bool exclusive, bool reverse, const float *x, float *y) {
  EACH_LINE(a, i, begin, add_up(a, exclusive, reverse, begin, x, y));
}

void xk_cumsum_int(const xk_axis *a, bool exclusive, bool reverse, size_t size, const void *x, void *y) {
  EACH_LINE(a, i, begin, add_up_int(a, exclusive, reverse, begin, size, x, y));
}

/* ---- division by a norm ------------------------------------------------------------------------------------ */
static double norm_of(const xk_axis *a, int p, const float *x) {
  double sum = 0;
  for (int64_t j = 0; j < a->len; j++) {
    double v = x[j * a->inner];
    sum += p == 1 ? fabs(v) : v * v;
  }
  return p == 1 ? sum : sqrt(sum);
}

static void divide_line(const xk_axis *a, int p, const float *x, float *y) {
  double norm = norm_of(a, p, x);
  for (int64_t j = 0; j < a->len; j++) y[j * a->inner] = norm == 0 ? 0 : (float)(x[j * a->inner] / norm);
}

/* With s = sum y dy:  dx = (dy - s sign x)/norm for p = 1,  (dy - s y)/norm for p = 2;  0 in a line of zeros. */
static void divide_line_backward(const xk_axis *a, int p, const float *x, const float *dy, float *dx) {
  double norm = norm_of(a, p, x), sum = 0;
  for (int64_t j = 0; j < a->len && norm != 0; j++) sum += x[j * a->inner] / norm * dy[j * a->inner];
  for (int64_t j = 0; j < a->len; j++) {
    double v = x[j * a->inner], dnorm = p == 1 ? (v > 0) - (v < 0) : v / norm;
    dx[j * a->inner] = norm == 0 ? 0 : (float)((dy[j * a->inner] - sum * dnorm) / norm);
  }
}

void xk_lp_normalize_forward(const xk_axis *a, int p, const float *x, float *y) {
  EACH_LINE(a, i, begin, divide_line(a, p, x + begin, y + begin));
}

void xk_lp_normalize_backward(const xk_axis *a, int p, const float *x, const float *dy, float *dx) {
  EACH_LINE(a, i, begin, divide_line_backward(a, p, x + begin, dy + begin, dx + begin));
}
