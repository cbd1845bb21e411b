/* Weighted sums along one axis: by hand, the other direction as the adjoint, bytes. */
#include "ktest.h"

/* 2 elements to 4: y = a, 3/4 a + 1/4 b, 1/4 a + 3/4 b, b */
static const int64_t from[8] = {0, 1, 0, 1, 0, 1, 0, 1};
static const float weight[8] = {1, 0, 0.75f, 0.25f, 0.25f, 0.75f, 0, 1};

static void two_elements_become_four(void **state) {
  (void)state;
  /* outer 2, inner 2: columns (4 8), (0 4), then (8 0), (0 0) */
  const float x[] = {4, 0, 8, 4, 8, 0, 0, 0}, want[] = {4, 0, 5, 1, 7, 3, 8, 4, 8, 0, 6, 0, 2, 0, 0, 0};
  xk_resample p = {.outer = 2, .n_in = 2, .n_out = 4, .inner = 2, .taps = 2, .from = from, .weight = weight};
  float y[16];
  xk_resample_forward(&p, x, y);
  assert_equal(16, y, want);
}

static void backward_is_the_adjoint_of_forward(void **state) {
  (void)state;
  xk_resample p = {.outer = 300, .n_in = 2, .n_out = 4, .inner = 30, .taps = 2, .from = from, .weight = weight};
  int64_t n = 300 * 2 * 30, m = 300 * 4 * 30;
  float *x = integers(n, 1), *dy = integers(m, 2), *y = floats(m), *dx = floats(n);
  xk_resample_forward(&p, x, y);
  xk_resample_backward(&p, dy, dx);
  assert_true(inner_product(m, y, dy) == inner_product(n, x, dx)); /* quarters of integers: exact */
  free(x), free(dy), free(y), free(dx);
}

static void nearest_copies_elements_of_any_size(void **state) {
  (void)state;
  const int64_t order[] = {2, 0, 0};
  const uint8_t x[] = {1, 2, 3, 4, 5, 6}, want[] = {5, 6, 1, 2, 1, 2};
  xk_resample p = {.outer = 1, .n_in = 3, .n_out = 3, .inner = 2, .taps = 1, .from = order};
  uint8_t y[6];
  xk_resample_nearest(&p, 1, x, y);
  assert_memory_equal(y, want, 6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_elements_become_four),
      cmocka_unit_test(backward_is_the_adjoint_of_forward),
      cmocka_unit_test(nearest_copies_elements_of_any_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
