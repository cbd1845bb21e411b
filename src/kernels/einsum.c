/* kernels/einsum.c: Einstein's summation over any number of factors: plain nested loops, no products of matrices. Each
 * element of the result is summed in double by one thread. */
#include <string.h>

#include "kernels/private.h"

/* The next index over dims [first, end), the last one fastest, and with it the places in all arrays; after the last
 * index comes the first again. */
static void advance(const xk_einsum *p, int first, int end, int64_t *index, int64_t *at) {
  for (int d = end - 1; d >= first; d--) {
    bool more = ++index[d] < p->dims[d];
    int64_t steps = more ? 1 : 1 - p->dims[d];
    for (int k = 0; k <= p->factors; k++) at[k] += steps * p->stride[k][d];
    if (more) return;
    index[d] = 0;
  }
}

static int64_t count(const xk_einsum *p, int first, int end) {
  int64_t n = 1;
  for (int d = first; d < end; d++) n *= p->dims[d];
  return n;
}

/* The sum along the innermost dim, n elements long. */
static double sum_row(const xk_einsum *p, const float *const *x, const int64_t *at, int64_t n) {
  int d = p->rank - 1;
  double sum = 0;
  if (n == 1 || p->factors != 2) {
    for (int64_t i = 0; i < n; i++) {
      double product = 1;
      for (int k = 0; k < p->factors; k++) product *= x[k][at[k] + (n == 1 ? 0 : i * p->stride[k][d])];
      sum += product;
    }
    return sum;
  }
  const float *a = x[0] + at[0], *b = x[1] + at[1];
  for (int64_t i = 0; i < n; i++) sum += (double)a[i * p->stride[0][d]] * (double)b[i * p->stride[1][d]];
  return sum;
}

static double sum_all(const xk_einsum *p, const float *const *x, const int64_t *start) {
  int end = p->rank > p->kept ? p->rank - 1 : p->rank; /* of the dims around the innermost one, if there is one */
  int64_t index[XK_EINSUM_DIMS] = {0}, at[XK_EINSUM_FACTORS + 1], rows = count(p, p->kept, end);
  double sum = 0;
  memcpy(at, start, sizeof at);
  for (int64_t row = 0; row < rows; row++, advance(p, p->kept, end, index, at))
    sum += sum_row(p, x, at, count(p, end, p->rank));
  return sum;
}

void xk_einsum_sum(const xk_einsum *p, const float *const *x, float *y) {
  int64_t n = count(p, 0, p->kept), each = xk__rows_per_task(count(p, p->kept, p->rank)), tasks = xk__ceil_div(n, each);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (tasks > 1)
  for (int64_t t = 0; t < tasks; t++) {
    if (xai_stop_requested()) continue;
    int64_t index[XK_EINSUM_DIMS] = {0}, at[XK_EINSUM_FACTORS + 1] = {0}, rest = t * each;
    for (int d = p->kept - 1; d >= 0; rest /= p->dims[d], d--) {
      index[d] = rest % p->dims[d];
      for (int k = 0; k <= p->factors; k++) at[k] += index[d] * p->stride[k][d];
    }
    for (int64_t i = t * each; i < xk__min(n, (t + 1) * each); i++, advance(p, 0, p->kept, index, at))
      y[at[p->factors]] = (float)sum_all(p, x, at);
  }
}
