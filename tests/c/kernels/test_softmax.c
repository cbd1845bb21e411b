/* Softmax and its logarithm: by hand, its laws, large arguments, the gradient. */
#include <math.h>

#include "ktest.h"

static void logarithms_give_simple_fractions(void **state) {
  (void)state;
  /* softmax(ln 1, ln 2, ln 5) = 1/8 2/8 5/8, also 1000 higher up; and along a middle axis */
  const float x[] = {0, 0.693147181f, 1.60943791f}, want[] = {0.125f, 0.25f, 0.625f};
  const float high[] = {1000, 1000.69314718f, 1001.60943791f};
  const float columns[] = {0, 1.60943791f, 0.693147181f, 0.693147181f, 1.60943791f, 0};
  const float want_columns[] = {0.125f, 0.625f, 0.25f, 0.25f, 0.625f, 0.125f};
  float y[6];
  xk_softmax_forward(1, 3, 1, x, y);
  assert_close(3, y, want, 1e-7);
  xk_softmax_forward(1, 3, 1, high, y);
  assert_close(3, y, want, 1e-4); /* 1000.69 is rounded to 2^-14 */
  xk_softmax_forward(1, 3, 2, columns, y);
  assert_close(6, y, want_columns, 1e-7);
}

static void probabilities_sum_to_one_and_ignore_a_shift(void **state) {
  (void)state;
  enum { OUTER = 3, LEN = 50, INNER = 70, N = OUTER * LEN * INNER };
  float *x = integers(N, 1), *y = floats(N), *shifted = floats(N);
  xk_softmax_forward(OUTER, LEN, INNER, x, y);
  for (int64_t o = 0; o < OUTER; o++)
    for (int64_t i = 0; i < INNER; i++) {
      double sum = 0;
      for (int64_t j = 0; j < LEN; j++) sum += y[(o * LEN + j) * INNER + i];
      assert_true(fabs(sum - 1) < 1e-6);
    }
  for (int64_t i = 0; i < N; i++) x[i] += 64; /* integers: the shift is exact, so the bits are the same */
  xk_softmax_forward(OUTER, LEN, INNER, x, shifted);
  assert_equal(N, shifted, y);
  free(x);
  free(y);
  free(shifted);
}

static void gradient_matches_hand_calculation(void **state) {
  (void)state;
  /* y = 1/4 3/4, dy = 4 8: sum y dy = 1 + 6 = 7; dx = 1/4*(4-7), 3/4*(8-7) */
  const float y[] = {0.25f, 0.75f}, dy[] = {4, 8}, want[] = {-0.75f, 0.75f};
  float dx[2];
  xk_softmax_backward(1, 2, 1, y, dy, dx);
  assert_equal(2, dx, want);
  /* two columns at once: the second is the first with dy + 1, which changes nothing */
  const float y2[] = {0.25f, 0.25f, 0.75f, 0.75f}, dy2[] = {4, 5, 8, 9}, want2[] = {-0.75f, -0.75f, 0.75f, 0.75f};
  float dx2[4];
  xk_softmax_backward(1, 2, 2, y2, dy2, dx2);
  assert_equal(4, dx2, want2);
}

static void its_logarithm_keeps_what_the_fractions_lose(void **state) {
  (void)state;
  /* ln 1/8, ln 2/8, ln 5/8 along a middle axis; and a fraction of e^-1000 */
  const float x[] = {0, 0, 0.693147181f, -1000, 1.60943791f, -INFINITY}, dy[] = {1, 0, 2, 0, 3, 0};
  float y[6], dx[6];
  xk_log_softmax_forward(1, 3, 2, x, y);
  assert_close(5, y, (const float[]){-2.07944154f, 0, -1.38629436f, -1000, -0.470003629f}, 1e-6);
  assert_true(y[5] == -INFINITY);
  /* dx = dy - softmax * 6: 1 - 6/8, 2 - 12/8, 3 - 30/8 */
  xk_log_softmax_backward(1, 3, 2, y, dy, dx);
  assert_close(6, dx, (const float[]){0.25f, 0, 0.5f, 0, -0.75f, 0}, 1e-6);
}

static void run_all(const void *x_, float *out) {
  const float *x = x_;
  xk_softmax_forward(7, 30, 200, x, out);
  xk_softmax_backward(7, 30, 200, out, x, out + 42000);
  xk_log_softmax_forward(7, 30, 200, x, out + 84000);
  xk_log_softmax_backward(7, 30, 200, out + 84000, x, out + 126000);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  float *x = reals(42000, 1);
  assert_same_bits_for_any_threads(run_all, x, 168000);
  free(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(logarithms_give_simple_fractions),
      cmocka_unit_test(probabilities_sum_to_one_and_ignore_a_shift),
      cmocka_unit_test(gradient_matches_hand_calculation),
      cmocka_unit_test(its_logarithm_keeps_what_the_fractions_lose),
      cmocka_unit_test(bits_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
