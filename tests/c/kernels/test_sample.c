/* Sums of products, values at places and regions of a map: the same bits for any number of threads, and what goes
 * forward goes backward: <dy, f(x)> = <f'(dy), x> for what is linear in x. Values by hand: tests/c/graph/test_ops.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "kernels/kernels.h"

enum { C = 4, H = 20, W = 30, POINTS = 2500, REGIONS = 40, CELLS = 49, N = 2 };

static float x[N * C * H * W], grid[N * POINTS * 2], rois[REGIONS * 4], dy[2 * N * C * POINTS], y[2][2 * N * C * POINTS];
static int64_t image[REGIONS];

static float number(uint64_t stream, int64_t i) {
  return (float)(2 * xai_rng_uniform(xai_rng_stream(5, stream), (uint64_t)i) - 1);
}

static int fill(void **state) {
  (void)state;
  for (int64_t i = 0; i < N * C * H * W; i++) x[i] = number(1, i);
  for (int64_t i = 0; i < N * POINTS * 2; i++) grid[i] = 1.2f * number(2, i);
  for (int64_t i = 0; i < 2 * N * C * POINTS; i++) dy[i] = number(3, i);
  for (int64_t i = 0; i < REGIONS * 4; i++) rois[i] = 15 + 12 * number(4, i);
  for (int64_t i = 0; i < REGIONS; i++) image[i] = i % N;
  return 0;
}

static double dot(int64_t n, const float *a, const float *b) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

static const xk_sample places = {.mode = XK_SAMPLE_CUBIC, .padding = XK_SAMPLE_REFLECTION, .axes = 2, .n = N, .c = C,
                                 .in = {1, H, W}, .points = POINTS};
static const xk_region regions = {.n = N, .c = C, .h = H, .w = W, .count = REGIONS, .oh = 7, .ow = 7, .scale = 0.8,
                                  .half_pixel = true};
/* x seen as W x H C N and dy as W x 80: y[i][j] = sum over W of x[k][i] dy[k][j] */
static const xk_einsum product = {.factors = 2, .kept = 2, .rank = 3, .dims = {H * C, 80, W},
                                  .stride = {{1, 0, H * C}, {0, 1, 80}, {80, 1, 0}}};

/* Kernel number 'which' into 'to'; the number of elements, 0 when there is none of that number. */
static int64_t run(int which, float *to) {
  const float *factors[] = {x, dy};
  switch (which) {
    case 0: xk_sample_forward(&places, x, grid, to); return N * C * POINTS;
    case 1: xk_sample_backward_x(&places, grid, dy, to); return N * C * H * W;
    case 2: xk_sample_backward_grid(&places, x, grid, dy, to); return N * POINTS * 2;
    case 3: xk_roi_align_forward(&regions, x, rois, image, to); return REGIONS * C * CELLS;
    case 4: xk_roi_align_backward(&regions, x, rois, image, dy, to); return N * C * H * W;
    case 5: xk_einsum_sum(&product, factors, to); return H * C * 80;
    default: return 0;
  }
}

static void any_number_of_threads_gives_the_same_bits(void **state) {
  (void)state;
  for (int which = 0;; which++) {
    xk_threads_set(1);
    int64_t n = run(which, y[0]);
    if (n == 0) break;
    for (int threads = 2; threads <= 5; threads++) {
      xk_threads_set(threads);
      run(which, y[1]);
      assert_memory_equal(y[0], y[1], (size_t)n * sizeof(float));
    }
  }
}

static void what_is_linear_has_its_adjoint_as_gradient(void **state) {
  (void)state;
  for (int which = 0; which <= 3; which += 3) {
    int64_t n = run(which, y[0]), n_x = run(which + 1, y[1]);
    double there = dot(n, y[0], dy), back = dot(n_x, y[1], x);
    assert_true(there != 0);
    assert_float_equal(there / back, 1, 1e-4);
  }
}

static void a_sum_of_products_is_a_product_of_matrices(void **state) {
  (void)state;
  run(5, y[0]);
  xk_gemm_parallel(true, false, H * C, 80, W, 1, x, H * C, dy, 80, 0, y[1], 80);
  for (int i = 0; i < H * C * 80; i++) assert_float_equal(y[0][i], y[1][i], 1e-4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
      cmocka_unit_test(what_is_linear_has_its_adjoint_as_gradient),
      cmocka_unit_test(a_sum_of_products_is_a_product_of_matrices),
  };
  return cmocka_run_group_tests(tests, fill, NULL);
}
