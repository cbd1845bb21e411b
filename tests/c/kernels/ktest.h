/* ktest.h: what the kernel tests share. Arrays of small integers make float sums exact whatever their order,
 * so that a kernel can be compared with a naive loop for equality. */
#ifndef KTEST_H
#define KTEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "kernels/kernels.h"

static inline float *floats(int64_t n) {
  float *x = malloc((size_t)(n > 0 ? n : 1) * sizeof *x);
  assert_non_null(x);
  for (int64_t i = 0; i < n; i++) x[i] = 12345; /* kernels write, they do not add */
  return x;
}

/* Integers in -4..4 */
static inline float *integers(int64_t n, uint64_t stream) {
  float *x = floats(n);
  uint64_t base = xai_rng_stream(1, stream);
  for (int64_t i = 0; i < n; i++) x[i] = (float)((int64_t)(xai_rng_u64(base, (uint64_t)i) % 9) - 4);
  return x;
}

/* Uniform in (-1, 1) */
static inline float *reals(int64_t n, uint64_t stream) {
  float *x = floats(n);
  uint64_t base = xai_rng_stream(2, stream);
  for (int64_t i = 0; i < n; i++) x[i] = (float)(2 * xai_rng_uniform(base, (uint64_t)i) - 1);
  return x;
}

static inline double inner_product(int64_t n, const float *a, const float *b) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)a[i] * b[i];
  return sum;
}

static inline void assert_equal(int64_t n, const float *got, const float *want) {
  for (int64_t i = 0; i < n; i++)
    if (!(got[i] == want[i])) fail_msg("element %d: %.9g, expected %.9g", (int)i, (double)got[i], (double)want[i]);
}

static inline void assert_close(int64_t n, const float *got, const float *want, double tolerance) {
  for (int64_t i = 0; i < n; i++) {
    double error = (double)got[i] - want[i];
    if (!(error <= tolerance && -error <= tolerance))
      fail_msg("element %d: %.9g, expected %.9g", (int)i, (double)got[i], (double)want[i]);
  }
}

/* Runs the work with 1, 2, 3 and 4 threads and demands the same bits of its n outputs. */
typedef void (*threaded_work)(const void *problem, float *out);
static inline void assert_same_bits_for_any_threads(threaded_work work, const void *problem, int64_t n) {
  int before = xk_threads();
  float *one = floats(n), *more = floats(n);
  xk_threads_set(1);
  work(problem, one);
  for (int threads = 2; threads <= 4; threads++) {
    xk_threads_set(threads);
    work(problem, more);
    assert_memory_equal(one, more, (size_t)n * sizeof(float));
  }
  xk_threads_set(before);
  free(one);
  free(more);
}

#endif
