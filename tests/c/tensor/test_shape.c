/* Shapes: products that do not overflow, text, broadcasting, axes. */
#include "scratch.h"

#include "tensor/shape.h"

static int64_t count_of(xai_shape s) {
  int64_t n;
  return xai_shape_count(&s, &n) ? n : -1;
}

static void the_count_is_the_product_or_refused(void **state) {
  (void)state;
  assert_int_equal(count_of((xai_shape){0}), 1);
  assert_int_equal(count_of(XAI_SHAPE(2, 3, 4)), 24);
  assert_int_equal(count_of(XAI_SHAPE(2, 0, 4)), 0);
  assert_int_equal(count_of(XAI_SHAPE(-1)), -1);
  assert_int_equal(count_of(XAI_SHAPE(0, -1)), -1);
  assert_true(count_of(XAI_SHAPE(INT64_C(1) << 33)) == INT64_C(1) << 33);
  assert_int_equal(count_of(XAI_SHAPE((INT64_C(1) << 33) + 1)), -1);
  assert_int_equal(count_of(XAI_SHAPE(INT64_MAX, INT64_MAX)), -1);
  assert_int_equal(count_of(XAI_SHAPE(INT64_C(1) << 32, INT64_C(1) << 32)), -1); /* 2^64 would wrap to 0 */
  assert_int_equal(count_of((xai_shape){.rank = 9}), -1);
  assert_int_equal(count_of((xai_shape){.rank = -1}), -1);
}

static void a_span_is_a_partial_product(void **state) {
  (void)state;
  xai_shape s = XAI_SHAPE(2, 3, 5, 7);
  assert_int_equal(xai_shape_span(&s, 1, 3), 15);
  assert_int_equal(xai_shape_span(&s, 2, 2), 1);
  assert_int_equal(xai_shape_size(&s), 210);
}

static const char *text_of(xai_shape s) {
  static char text[XAI_SHAPE_TEXT];
  assert_ptr_equal(xai_shape_text(&s, text), text);
  return text;
}

static void the_text_is_what_users_read(void **state) {
  (void)state;
  assert_string_equal(text_of((xai_shape){0}), "scalar");
  assert_string_equal(text_of(XAI_SHAPE(1, 3, 224, 224)), "1x3x224x224");
  assert_string_equal(text_of(XAI_SHAPE(-1, 3)), "?x3");
  assert_string_equal(text_of((xai_shape){.rank = 9}), "rank 9");
  xai_shape wide = {.rank = XAI_MAX_RANK};
  for (int i = 0; i < XAI_MAX_RANK; i++) wide.dims[i] = INT64_MAX;
  assert_int_equal(strlen(text_of(wide)), XAI_MAX_RANK * 19 + XAI_MAX_RANK - 1);
}

static void equality_looks_at_rank_and_dims(void **state) {
  (void)state;
  xai_shape a = XAI_SHAPE(2, 3), b = XAI_SHAPE(2, 3), c = XAI_SHAPE(2, 3, 1), d = XAI_SHAPE(3, 2);
  b.dims[5] = 99; /* beyond the rank: means nothing */
  assert_true(xai_shape_equal(&a, &b));
  assert_false(xai_shape_equal(&a, &c) || xai_shape_equal(&a, &d));
}

static void broadcasting_follows_numpy(void **state) {
  (void)state;
  xai_err err;
  xai_shape out, scalar = {0}, a = XAI_SHAPE(8, 1, 6, 1), b = XAI_SHAPE(7, 1, 5), want = XAI_SHAPE(8, 7, 6, 5);
  assert_int_equal(xai_shape_broadcast(&a, &b, &out, &err), XAI_OK);
  assert_true(xai_shape_equal(&out, &want));
  assert_int_equal(xai_shape_broadcast(&scalar, &b, &out, &err), XAI_OK);
  assert_true(xai_shape_equal(&out, &b));
  xai_shape none = XAI_SHAPE(0), one = XAI_SHAPE(1), two = XAI_SHAPE(2);
  assert_int_equal(xai_shape_broadcast(&none, &one, &out, &err), XAI_OK);
  assert_true(xai_shape_equal(&out, &none));
  out = want;
  assert_int_equal(xai_shape_broadcast(&none, &two, &out, &err), XAI_ESHAPE);
  assert_string_equal(err.text, "shapes 0 and 2 do not broadcast");
  assert_true(xai_shape_equal(&out, &want));
  assert_int_equal(xai_shape_broadcast(&a, &a, &a, &err), XAI_OK); /* into an operand */
}

static void negative_axes_count_from_the_end(void **state) {
  (void)state;
  xai_err err;
  int axis = 7;
  assert_int_equal(xai_shape_axis(-1, 4, &axis, &err), XAI_OK);
  assert_int_equal(axis, 3);
  assert_int_equal(xai_shape_axis(0, 4, &axis, &err), XAI_OK);
  assert_int_equal(axis, 0);
  assert_int_equal(xai_shape_axis(-4, 4, &axis, &err), XAI_OK);
  assert_int_equal(xai_shape_axis(4, 4, &axis, &err), XAI_ESHAPE);
  assert_int_equal(xai_shape_axis(-5, 4, &axis, &err), XAI_ESHAPE);
  assert_int_equal(xai_shape_axis(0, 0, &axis, &err), XAI_ESHAPE);
  assert_int_equal(xai_shape_axis(INT64_MIN, 4, &axis, &err), XAI_ESHAPE);
  assert_int_equal(axis, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_count_is_the_product_or_refused), cmocka_unit_test(a_span_is_a_partial_product),
      cmocka_unit_test(the_text_is_what_users_read),         cmocka_unit_test(equality_looks_at_rank_and_dims),
      cmocka_unit_test(broadcasting_follows_numpy),          cmocka_unit_test(negative_axes_count_from_the_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
