/* Activations as rows of features. */
#include "scratch.h"

#include "sets/rows.h"
#include "tensor/tensor.h"

static xai_view view(float *v, xai_shape shape) { return (xai_view){XAI_F32, shape, v}; }

static void expect(const xai_view *a, xai_pooling how, int64_t width, const float *want) {
  xai_tensor *t = NULL;
  xai_err err = {""};
  if (xai_rows_of(a, how, &t, &err) != XAI_OK) fail_msg("%s", err.text);
  const xai_view *v = xai_tensor_view(t);
  assert_int_equal(v->shape.rank, 2);
  assert_int_equal(v->shape.dims[0], a->shape.dims[0]);
  assert_int_equal(v->shape.dims[1], width);
  for (int64_t i = 0; i < a->shape.dims[0] * width; i++) assert_true(((float *)v->data)[i] == want[i]);
  xai_tensor_free(t);
}

/* Two pictures of two channels of 1 x 3: means (1+2+6)/3 = 3, (-3-3+0)/3 = -2; 0, and (4+4+4)/3 = 4. */
static void height_and_width_become_a_mean_a_maximum_or_columns(void **state) {
  (void)state;
  float v[] = {1, 2, 6, -3, -3, 0, 0, 0, 0, 4, 4, 4};
  xai_view a = view(v, XAI_SHAPE(2, 2, 1, 3));
  expect(&a, XAI_POOLING_MEAN, 2, (float[]){3, -2, 0, 4});
  expect(&a, XAI_POOLING_MAX, 2, (float[]){6, 0, 0, 4});
  expect(&a, XAI_POOLING_NONE, 6, v);
  xai_view flat = view(v, XAI_SHAPE(3, 4));
  expect(&flat, XAI_POOLING_MEAN, 4, v);
}

/* 2^24 + 1 + 1 is 2^24 in single precision; the mean of the three is (2^24 + 2) / 3 = 5592406. */
static void means_are_summed_in_double_precision(void **state) {
  (void)state;
  float v[] = {16777216, 1, 1};
  xai_view a = view(v, XAI_SHAPE(1, 1, 3));
  expect(&a, XAI_POOLING_MEAN, 1, (float[]){5592406});
}

static void what_has_no_rows_is_refused(void **state) {
  (void)state;
  float v[4] = {0};
  xai_view a = view(v, XAI_SHAPE(4)), b = {XAI_I32, XAI_SHAPE(2, 2), v};
  xai_tensor *t = NULL;
  xai_err err;
  assert_int_equal(xai_rows_of(&a, XAI_POOLING_MEAN, &t, &err), XAI_ESHAPE);
  assert_string_equal(err.text, "expected an activation N x C ... of float32, got 4 of float32");
  assert_int_equal(xai_rows_of(&b, XAI_POOLING_MEAN, &t, &err), XAI_ESHAPE);
  assert_null(t);
}

static void parts_go_one_below_the_other(void **state) {
  (void)state;
  float a[] = {1, 2}, b[] = {3, 4, 5, 6}, wide[] = {1, 2, 3};
  xai_tensor *t[4], *whole = NULL;
  xai_err err = {""};
  xai_view views[] = {view(a, XAI_SHAPE(0, 0)), view(a, XAI_SHAPE(1, 2)), view(b, XAI_SHAPE(2, 2)), view(wide, XAI_SHAPE(1, 3))};
  for (int i = 0; i < 4; i++) assert_int_equal(xai_tensor_copy(&views[i], &t[i], &err), XAI_OK);
  if (xai_rows_join(t, 3, &whole, &err) != XAI_OK) fail_msg("%s", err.text);
  const xai_view *v = xai_tensor_view(whole);
  assert_true(v->shape.rank == 2 && v->shape.dims[0] == 3 && v->shape.dims[1] == 2);
  for (int i = 0; i < 6; i++) assert_true(((float *)v->data)[i] == (float)(i + 1));
  xai_tensor_free(whole);
  whole = NULL;
  assert_int_equal(xai_rows_join(t, 4, &whole, &err), XAI_ESHAPE);
  assert_string_equal(err.text, "rows of 1x3 do not go below those of 1x2");
  assert_null(whole);
  for (int i = 0; i < 4; i++) xai_tensor_free(t[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(height_and_width_become_a_mean_a_maximum_or_columns),
      cmocka_unit_test(means_are_summed_in_double_precision),
      cmocka_unit_test(what_has_no_rows_is_refused),
      cmocka_unit_test(parts_go_one_below_the_other),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
