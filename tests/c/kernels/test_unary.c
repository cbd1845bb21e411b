/* Functions of one number and selection by a condition: corners, far arguments, rules, threads. What the functions are
 * is checked in tests/c/graph, by hand and against central differences. */
#include <math.h>

#include "ktest.h"

static float value(xk_unary op, float a, float b, float x) {
  float y;
  xk_unary_forward(op, a, b, 1, &x, &y);
  return y;
}

static float slope(xk_unary op, float a, float b, float x) {
  const float one = 1;
  float dx;
  xk_unary_backward(op, a, b, XK_RELU_PLAIN, 1, &x, &one, &dx);
  return dx;
}

static void far_arguments_give_limits_and_no_nan(void **state) {
  (void)state;
  static const struct {
    xk_unary op;
    float y_low, y_high, slope_low, slope_high; /* at -1e4 and 1e4 */
  } limits[] = {
      {XK_CELU, -1, 1e4f, 0, 1},    {XK_ELU, -1, 1e4f, 0, 1},           {XK_ERF, -1, 1, 0, 0},
      {XK_GELU, 0, 1e4f, 0, 1},     {XK_GELU_TANH, 0, 1e4f, 0, 1},      {XK_HARD_SWISH, 0, 1e4f, 0, 1},
      {XK_MISH, 0, 1e4f, 0, 1},     {XK_SOFTPLUS, 0, 1e4f, 0, 1},       {XK_EXP, 0, INFINITY, 0, INFINITY},
      {XK_ABS, 1e4f, 1e4f, -1, 1},  {XK_THRESHOLDED_RELU, 0, 1e4f, 0, 1},
  };
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    xk_unary op = limits[i].op;
    assert_true(value(op, 1, 1, -1e4f) == limits[i].y_low);
    assert_true(value(op, 1, 1, 1e4f) == limits[i].y_high);
    assert_true(slope(op, 1, 1, -1e4f) == limits[i].slope_low);
    assert_true(slope(op, 1, 1, 1e4f) == limits[i].slope_high);
  }
}

static void nan_stays_nan(void **state) {
  (void)state;
  static const xk_unary all[] = {
#define XK_UNARY(id, value, slope) XK_##id,
#include "kernels/unary.def"
#undef XK_UNARY
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) assert_true(isnan(value(all[i], 0.5f, 0.5f, NAN)));
}

static void small_tails_keep_their_digits(void **state) {
  (void)state;
  assert_float_equal(value(XK_GELU, 0, 0, -5) / -1.4332579e-6f, 1, 1e-4); /* 5 * 2.8665e-7, a normal table's tail */
  assert_float_equal(value(XK_ELU, 1, 0, -1e-6f) / -1e-6f, 1, 1e-5);       /* e^x - 1 would lose all digits */
  assert_float_equal(value(XK_SOFTPLUS, 0, 0, -20) / 2.0611536e-9f, 1, 1e-5); /* e^-20 */
}

static void guided_and_deconv_rules_match_the_papers(void **state) {
  (void)state;
  const float x[] = {2, 2, -2, -2}, dy[] = {3, -3, 3, -3}; /* x > 0: slope 5 */
  float dx[4];
  xk_unary_backward(XK_SELU, 1, 5, XK_RELU_GUIDED, 4, x, dy, dx);
  assert_equal(4, dx, (const float[]){15, 0, 0, 0});
  xk_unary_backward(XK_SELU, 1, 5, XK_RELU_DECONV, 4, x, dy, dx);
  assert_equal(4, dx, (const float[]){3, 0, 3, 0});
}

static void integers_wrap_around(void **state) {
  (void)state;
  const int32_t x[] = {INT32_MIN, -7, 0, 7};
  int32_t y[4];
  xk_unary_forward_int(XK_ABS, 4, 4, x, y);
  assert_true(y[0] == INT32_MIN && y[1] == 7 && y[2] == 0 && y[3] == 7);
  xk_unary_forward_int(XK_NEG, 4, 4, x, y);
  assert_true(y[0] == INT32_MIN && y[1] == 7 && y[2] == 0 && y[3] == -7);
  xk_unary_forward_int(XK_SIGN, 4, 4, x, y);
  assert_true(y[0] == -1 && y[1] == -1 && y[2] == 0 && y[3] == 1);
}

static void where_takes_elements_of_any_size_and_repeats_them(void **state) {
  (void)state;
  /* condition 2 x 1, a 1 x 3, b scalar */
  const xk_broadcast s = {.rank = 2, .dims = {2, 3}, .stride_a = {0, 1}};
  const int64_t stride[] = {1, 0}, wide[] = {1, 2, 3}, other[] = {9};
  const uint8_t cond[] = {0, 2}, bytes[] = {1, 2, 3}, byte[] = {9}; /* everything but 0 is true */
  int64_t y[6];
  uint8_t z[6];
  xk_where_forward(8, &s, stride, cond, wide, other, y);
  xk_where_forward(1, &s, stride, cond, bytes, byte, z);
  for (int i = 0; i < 6; i++) assert_true(y[i] == (i < 3 ? 9 : i - 2) && z[i] == y[i]);
}

static void masks_keep_one_side(void **state) {
  (void)state;
  const uint8_t cond[] = {0, 1, 7};
  float x[] = {1, NAN, 3};
  xk_mask(3, cond, false, x, x); /* in place; what is dropped may be NaN */
  assert_equal(3, x, (const float[]){1, 0, 0});
  xk_mask(3, cond, true, (const float[]){1, 2, 3}, x);
  assert_equal(3, x, (const float[]){0, 2, 3});
}

enum { N = 50001 };

static void run_all(const void *x, float *out) {
  xk_unary_forward(XK_MISH, 0, 0, N, x, out);
  xk_unary_backward(XK_GELU, 0, 0, XK_RELU_GUIDED, N, x, out, out + N);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  float *x = reals(N, 1);
  assert_same_bits_for_any_threads(run_all, x, 2 * N);
  free(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(far_arguments_give_limits_and_no_nan),
      cmocka_unit_test(nan_stays_nan),
      cmocka_unit_test(small_tails_keep_their_digits),
      cmocka_unit_test(guided_and_deconv_rules_match_the_papers),
      cmocka_unit_test(integers_wrap_around),
      cmocka_unit_test(where_takes_elements_of_any_size_and_repeats_them),
      cmocka_unit_test(masks_keep_one_side),
      cmocka_unit_test(bits_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
