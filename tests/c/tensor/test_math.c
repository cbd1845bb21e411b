/* tensor/math.c against numbers worked by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/math.h"

static void near(double got, double want, double tolerance) {
  if (!(fabs(got - want) <= tolerance)) fail_msg("expected %.17g, got %.17g", want, got);
}

static xai_tensor *of(xai_shape shape, const float *values) {
  xai_tensor *t = NULL;
  xai_err err;
  assert_int_equal(xai_tensor_new(XAI_F32, shape, &t, &err), XAI_OK);
  memcpy(xai_tensor_floats(t), values, xai_tensor_bytes(t));
  return t;
}

static void expect(xai_tensor *t, const double *want) { /* and frees */
  for (size_t i = 0; i < xai_tensor_count(t); i++) near(xai_view_get(xai_tensor_view(t), (int64_t)i), want[i], 0);
  xai_tensor_free(t);
}

static void binary_operations_take_tensors_and_numbers_on_either_side(void **state) {
  (void)state;
  xai_err err;
  xai_tensor *t = of(XAI_SHAPE(2), (float[]){4, 8}), *u = of(XAI_SHAPE(2), (float[]){1, 2}), *y = NULL;
  xai_operand a = {xai_tensor_view(t), 0}, b = {xai_tensor_view(u), 0}, two = {NULL, 2};
  assert_int_equal(xai_math_binary(XAI_BINARY_ADD, a, b, &y, &err), XAI_OK);
  expect(y, (double[]){5, 10});
  assert_int_equal(xai_math_binary(XAI_BINARY_SUB, two, b, &y, &err), XAI_OK);
  expect(y, (double[]){1, 0});
  assert_int_equal(xai_math_binary(XAI_BINARY_MUL, a, two, &y, &err), XAI_OK);
  expect(y, (double[]){8, 16});
  assert_int_equal(xai_math_binary(XAI_BINARY_DIV, a, b, &y, &err), XAI_OK);
  expect(y, (double[]){4, 4});
  xai_tensor_free(t);
  xai_tensor_free(u);
}

static void shapes_that_differ_are_refused_and_nothing_is_written(void **state) {
  (void)state;
  xai_err err;
  xai_tensor *t = of(XAI_SHAPE(2), (float[]){1, 2}), *u = of(XAI_SHAPE(1, 2), (float[]){1, 2}), *y = NULL;
  assert_int_equal(xai_math_binary(XAI_BINARY_ADD, (xai_operand){xai_tensor_view(t), 0},
                                   (xai_operand){xai_tensor_view(u), 0}, &y, &err),
                   XAI_ESHAPE);
  assert_string_equal(err.text, "shapes 2 and 1x2 differ");
  assert_null(y);
  xai_tensor_free(t);
  xai_tensor_free(u);
}

static void each_result_is_the_float_result(void **state) {
  (void)state;
  /* 1/3 in double rounds to the same float as the float division */
  xai_err err;
  xai_tensor *t = of(XAI_SHAPE(1), (float[]){1}), *y = NULL;
  assert_int_equal(
      xai_math_binary(XAI_BINARY_DIV, (xai_operand){xai_tensor_view(t), 0}, (xai_operand){NULL, 3}, &y, &err), XAI_OK);
  expect(y, (double[]){1.0f / 3.0f});
  xai_tensor_free(t);
}

static void abs_and_clamp_keep_nan(void **state) {
  (void)state;
  xai_err err;
  xai_tensor *t = of(XAI_SHAPE(3), (float[]){-2, 5, NAN}), *y = NULL;
  assert_int_equal(xai_math_clamp(xai_tensor_view(t), -1, 4, &y, &err), XAI_OK);
  assert_true(isnan(xai_tensor_floats(y)[2]));
  near(xai_tensor_floats(y)[0], -1, 0);
  near(xai_tensor_floats(y)[1], 4, 0);
  xai_tensor_free(y);
  assert_int_equal(xai_math_abs(xai_tensor_view(t), &y, &err), XAI_OK);
  near(xai_tensor_floats(y)[0], 2, 0);
  assert_true(isnan(xai_tensor_floats(y)[2]));
  xai_tensor_free(y);
  xai_tensor_free(t);
}

static void conversion_clips_to_the_type_at_every_end(void **state) {
  (void)state;
  xai_err err;
  xai_tensor *t = of(XAI_SHAPE(6), (float[]){-INFINITY, INFINITY, NAN, -1.9f, 1.9f, 1e30f}), *y = NULL;
  assert_int_equal(xai_math_convert(xai_tensor_view(t), XAI_I64, &y, &err), XAI_OK);
  const int64_t *v = xai_tensor_view(y)->data;
  assert_true(v[0] == INT64_MIN && v[1] == INT64_MAX && v[2] == 0 && v[3] == -1 && v[4] == 1 && v[5] == INT64_MAX);
  xai_tensor_free(y);
  assert_int_equal(xai_math_convert(xai_tensor_view(t), XAI_I32, &y, &err), XAI_OK);
  expect(y, (double[]){INT32_MIN, INT32_MAX, 0, -1, 1, INT32_MAX});
  assert_int_equal(xai_math_convert(xai_tensor_view(t), XAI_U8, &y, &err), XAI_OK);
  expect(y, (double[]){0, 255, 0, 0, 1, 255});
  assert_int_equal(xai_math_convert(xai_tensor_view(t), XAI_BOOL, &y, &err), XAI_OK);
  expect(y, (double[]){1, 1, 1, 1, 1, 1});
  xai_tensor_free(t);
}

static void sums_run_over_one_axis_or_all(void **state) {
  (void)state;
  xai_err err;
  xai_tensor *t = of(XAI_SHAPE(2, 1, 3), (float[]){1, 2, 3, 4, 5, 6}), *y = NULL;
  const xai_view *v = xai_tensor_view(t);
  near(xai_math_sum(v), 21, 0);
  near(xai_math_norm(v), sqrt(91), 1e-15);
  assert_int_equal(xai_math_sum_axis(v, 0, 1, &y, &err), XAI_OK);
  assert_int_equal(xai_tensor_view(y)->shape.rank, 2);
  expect(y, (double[]){5, 7, 9});
  assert_int_equal(xai_math_sum_axis(v, 2, 0.5, &y, &err), XAI_OK);
  expect(y, (double[]){3, 7.5});
  xai_tensor_free(t);
}

static void the_first_extreme_wins_and_nan_is_passed_over(void **state) {
  (void)state;
  xai_tensor *t = of(XAI_SHAPE(5), (float[]){NAN, -3, 7, 7, -3});
  assert_int_equal(xai_math_extreme(xai_tensor_view(t), 1), 2);
  assert_int_equal(xai_math_extreme(xai_tensor_view(t), -1), 1);
  xai_tensor_free(t);
  t = of(XAI_SHAPE(1), (float[]){NAN});
  assert_int_equal(xai_math_extreme(xai_tensor_view(t), 1), -1);
  xai_tensor_free(t);
}

static void without_memory_nothing_is_written(void **state) {
  (void)state;
  xai_err err;
  xai_tensor *t = of(XAI_SHAPE(1, 2), (float[]){1, 2});
  const xai_view *v = xai_tensor_view(t);
  for (int k = 0; k < 3; k++) {
    xai_tensor *y = NULL;
    xai_status st[5];
    for (int i = 0; i < 5; i++) {
      xai_mem_fail_after(k, true);
      if (i == 0) st[i] = xai_math_abs(v, &y, &err);
      if (i == 1) st[i] = xai_math_clamp(v, 0, 1, &y, &err);
      if (i == 2) st[i] = xai_math_convert(v, XAI_U8, &y, &err);
      if (i == 3) st[i] = xai_math_sum_axis(v, 0, 1, &y, &err);
      if (i == 4) st[i] = xai_math_binary(XAI_BINARY_ADD, (xai_operand){v, 0}, (xai_operand){v, 0}, &y, &err);
      xai_mem_fail_after(-1, false);
      assert_int_equal(st[i], XAI_ENOMEM);
      assert_null(y);
    }
  }
  xai_tensor_free(t);
  assert_int_equal(xai_mem_live(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(binary_operations_take_tensors_and_numbers_on_either_side),
                                     cmocka_unit_test(shapes_that_differ_are_refused_and_nothing_is_written),
                                     cmocka_unit_test(each_result_is_the_float_result),
                                     cmocka_unit_test(abs_and_clamp_keep_nan),
                                     cmocka_unit_test(conversion_clips_to_the_type_at_every_end),
                                     cmocka_unit_test(sums_run_over_one_axis_or_all),
                                     cmocka_unit_test(the_first_extreme_wins_and_nan_is_passed_over),
                                     cmocka_unit_test(without_memory_nothing_is_written)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
