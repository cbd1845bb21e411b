/* Along one axis: extremes, running sums, division by a norm; by hand, by laws, for any number of threads. */
#include <math.h>

#include "ktest.h"

/* 2 x 3 x 2: the lines are 1 5 5, 4 0 0; 7 7 7, -1 -3 -2 */
static const xk_axis axis = {2, 3, 2};
static const float lines[] = {1, 4, 5, 0, 5, 0, 7, -1, 7, -3, 7, -2};

static void positions_of_extremes_are_the_first_or_the_last(void **state) {
  (void)state;
  static const int64_t want[2][2][4] = {{{0, 1, 0, 1}, {0, 2, 2, 1}}, {{1, 0, 0, 0}, {2, 0, 2, 0}}};
  int32_t whole[12];
  for (int i = 0; i < 12; i++) whole[i] = (int32_t)lines[i];
  for (int largest = 0; largest < 2; largest++)
    for (int last = 0; last < 2; last++) {
      int64_t y[4], z[4];
      xk_arg_extreme(&axis, largest, last, lines, y);
      xk_arg_extreme_int(&axis, largest, last, 4, whole, z);
      assert_memory_equal(y, want[largest][last], sizeof y);
      assert_memory_equal(z, want[largest][last], sizeof z);
    }
}

static void nan_is_the_extreme_of_either_kind(void **state) {
  (void)state;
  const xk_axis one = {1, 4, 1};
  const float x[] = {1, NAN, 9, NAN};
  int64_t y;
  xk_arg_extreme(&one, true, false, x, &y);
  assert_true(y == 1);
  xk_arg_extreme(&one, false, false, x, &y);
  assert_true(y == 1);
}

static void hardmax_marks_the_first_largest(void **state) {
  (void)state;
  float y[12];
  xk_hardmax_forward(&axis, lines, y);
  assert_equal(12, y, (const float[]){0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0});
}

static void running_sums_from_either_end(void **state) {
  (void)state;
  float y[12];
  uint8_t bytes[] = {200, 100, 7}, sums[3];
  const xk_axis one = {1, 3, 1};
  xk_cumsum(&axis, false, false, lines, y);
  assert_equal(12, y, (const float[]){1, 4, 6, 4, 11, 4, 7, -1, 14, -4, 21, -6});
  xk_cumsum(&axis, true, true, lines, y);
  assert_equal(12, y, (const float[]){10, 0, 5, 0, 0, 0, 14, -5, 7, -2, 0, 0});
  xk_cumsum_int(&one, false, false, 1, bytes, sums);
  assert_true(sums[0] == 200 && sums[1] == 44 && sums[2] == 51); /* 300 - 256 */
}

static void normalized_lines_have_norm_1_and_gradients_across_them(void **state) {
  (void)state;
  const xk_axis a = {3, 5, 4};
  enum { N = 3 * 5 * 4 };
  float *x = reals(N, 1), *dy = reals(N, 2), *y = floats(N), *dx = floats(N);
  for (int p = 1; p <= 2; p++) {
    xk_lp_normalize_forward(&a, p, x, y);
    xk_lp_normalize_backward(&a, p, x, dy, dx);
    for (int64_t i = 0; i < a.outer * a.inner; i++) {
      double norm = 0, along = 0;
      for (int64_t j = 0; j < a.len; j++) {
        int64_t at = i / a.inner * a.len * a.inner + j * a.inner + i % a.inner;
        norm += pow(fabs(y[at]), p);
        along += (double)x[at] * dx[at]; /* scaling x changes nothing */
      }
      assert_true(fabs(norm - 1) < 1e-5 && fabs(along) < 1e-5);
    }
  }
  free(x);
  free(dy);
  free(y);
  free(dx);
}

static const xk_axis large = {3, 400, 50};
enum { LARGE = 3 * 400 * 50 };

static void run_all(const void *x, float *out) {
  xk_cumsum(&large, false, true, x, out);
  xk_lp_normalize_backward(&large, 2, x, x, out + LARGE);
  xk_hardmax_forward(&large, x, out + 2 * LARGE);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  float *x = reals(LARGE, 3);
  assert_same_bits_for_any_threads(run_all, x, 3 * LARGE);
  free(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(positions_of_extremes_are_the_first_or_the_last),
      cmocka_unit_test(nan_is_the_extreme_of_either_kind),
      cmocka_unit_test(hardmax_marks_the_first_largest),
      cmocka_unit_test(running_sums_from_either_end),
      cmocka_unit_test(normalized_lines_have_norm_1_and_gradients_across_them),
      cmocka_unit_test(bits_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
