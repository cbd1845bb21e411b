/* Tensors: zeros, copies, shared elements, mapped files, and no leak when memory runs out. */
#include "scratch.h"

#include "tensor/tensor.h"

static void a_new_tensor_is_zero_in_every_type(void **state) {
  (void)state;
  static const size_t sizes[] = {4, 8, 4, 1, 1};
  xai_err err;
  for (int dtype = XAI_F32; dtype <= XAI_BOOL; dtype++) {
    xai_tensor *t;
    assert_int_equal(xai_tensor_new((xai_dtype)dtype, XAI_SHAPE(3, 5), &t, &err), XAI_OK);
    assert_int_equal(xai_dtype_size((xai_dtype)dtype), sizes[dtype]);
    assert_int_equal(xai_tensor_count(t), 15);
    assert_int_equal(xai_tensor_bytes(t), 15 * sizes[dtype]);
    for (int i = 0; i < 15; i++) assert_true(xai_view_get(xai_tensor_view(t), i) == 0);
    xai_tensor_free(t);
  }
}

static void impossible_shapes_are_refused(void **state) {
  (void)state;
  xai_err err;
  xai_tensor *t = NULL;
  assert_int_equal(xai_tensor_new(XAI_F32, XAI_SHAPE(2, -1), &t, &err), XAI_ESHAPE);
  assert_string_equal(err.text, "no tensor can have the shape 2x?");
  assert_int_equal(xai_tensor_new(XAI_F32, XAI_SHAPE(1 << 20, 1 << 20), &t, &err), XAI_ESHAPE);
  assert_int_equal(xai_tensor_new(XAI_F32, (xai_shape){.rank = 9}, &t, &err), XAI_ESHAPE);
  assert_string_equal(err.text, "no tensor can have the shape rank 9");
  assert_null(t);
}

static void scalars_and_empty_tensors_exist(void **state) {
  (void)state;
  xai_err err;
  xai_tensor *t, *u;
  assert_int_equal(xai_tensor_new(XAI_I64, (xai_shape){0}, &t, &err), XAI_OK);
  assert_int_equal(xai_tensor_count(t), 1);
  xai_tensor_free(t);
  xai_view nothing = {XAI_F32, XAI_SHAPE(2, 0, 3), NULL};
  assert_int_equal(xai_tensor_copy(&nothing, &t, &err), XAI_OK);
  assert_int_equal(xai_tensor_count(t), 0);
  assert_int_equal(xai_tensor_reshape(t, XAI_SHAPE(0), &u, &err), XAI_OK);
  xai_tensor_free(t);
  xai_tensor_free(u);
  xai_tensor_free(NULL);
}

static void a_copy_has_elements_of_its_own(void **state) {
  (void)state;
  xai_err err;
  xai_tensor *t;
  float values[] = {1, 2, 3, 4};
  xai_view v = {XAI_F32, XAI_SHAPE(2, 2), values};
  assert_int_equal(xai_tensor_copy(&v, &t, &err), XAI_OK);
  values[0] = 9;
  assert_true(xai_tensor_floats(t)[0] == 1 && xai_tensor_floats(t)[3] == 4);
  assert_false(xai_tensor_shared(t));
  xai_tensor_free(t);
}

static void a_reshape_shares_elements_and_keeps_them_alive(void **state) {
  (void)state;
  xai_err err;
  xai_tensor *t, *u = NULL;
  assert_int_equal(xai_tensor_new(XAI_F32, XAI_SHAPE(2, 6), &t, &err), XAI_OK);
  assert_int_equal(xai_tensor_reshape(t, XAI_SHAPE(5), &u, &err), XAI_ESHAPE);
  assert_string_equal(err.text, "cannot reshape 2x6 to 5");
  assert_int_equal(xai_tensor_reshape(t, (xai_shape){.rank = 9}, &u, &err), XAI_ESHAPE);
  assert_null(u);
  assert_int_equal(xai_tensor_reshape(t, XAI_SHAPE(3, 4), &u, &err), XAI_OK);
  xai_tensor_floats(t)[7] = 5;
  assert_true(xai_tensor_shared(t) && xai_tensor_shared(u));
  xai_tensor_free(t);
  assert_true(xai_tensor_floats(u)[7] == 5);
  assert_false(xai_tensor_shared(u));
  xai_tensor_retain(u);
  assert_true(xai_tensor_shared(u));
  xai_tensor_free(u);
  xai_tensor_free(u);
}

static void every_type_reads_as_a_number(void **state) {
  (void)state;
  float f = -1.5F;
  int64_t l = -7;
  int32_t i = -8;
  uint8_t u = 200;
  xai_shape one = {0};
  assert_true(xai_view_get(&(xai_view){XAI_F32, one, &f}, 0) == -1.5);
  assert_true(xai_view_get(&(xai_view){XAI_I64, one, &l}, 0) == -7);
  assert_true(xai_view_get(&(xai_view){XAI_I32, one, &i}, 0) == -8);
  assert_true(xai_view_get(&(xai_view){XAI_U8, one, &u}, 0) == 200);
  assert_true(xai_view_get(&(xai_view){XAI_BOOL, one, &u}, 0) == 200);
}

/* A file of the floats 1 2 3 behind one byte: aligned bytes are used where they lie, others copied. */
static void a_mapped_tensor_keeps_its_file_alive(void **state) {
  (void)state;
  xai_err err;
  xai_file *f;
  xai_tensor *t;
  const char *path = scratch("floats");
  float values[] = {1, 2, 3};
  unsigned char bytes[16] = {0};
  size_t before = xai_mem_live();
  for (size_t shift = 0; shift <= 4; shift += 1) {
    memcpy(bytes + shift, values, sizeof values);
    put_file(path, bytes, sizeof bytes);
    assert_int_equal(xai_file_map(path, 100, &f, &err), XAI_OK);
    const unsigned char *at = xai_file_data(f) + shift;
    assert_int_equal(xai_tensor_map(XAI_F32, XAI_SHAPE(3), f, at, &t, &err), XAI_OK);
    xai_file_release(f);
    assert_int_equal((const unsigned char *)xai_tensor_view(t)->data == at, shift % 4 == 0);
    assert_int_equal(xai_tensor_shared(t), shift % 4 == 0);
    for (int i = 0; i < 3; i++) assert_true(xai_tensor_floats(t)[i] == values[i]);
    xai_tensor_free(t);
    assert_int_equal(xai_mem_live(), before);
  }
}

static xai_status make_all(const char *path, xai_err *err) {
  xai_tensor *t = NULL, *u = NULL, *m = NULL;
  xai_file *f = NULL;
  xai_status st = xai_tensor_new(XAI_F32, XAI_SHAPE(4), &t, err);
  if (st == XAI_OK) st = xai_tensor_reshape(t, XAI_SHAPE(2, 2), &u, err);
  if (st == XAI_OK) st = xai_file_map(path, 100, &f, err);
  if (st == XAI_OK) st = xai_tensor_map(XAI_F32, XAI_SHAPE(3), f, xai_file_data(f), &m, err);
  if (st != XAI_OK) assert_null(m);
  xai_tensor_free(t);
  xai_tensor_free(u);
  xai_tensor_free(m);
  xai_file_release(f);
  return st;
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  each_allocation_fails(make_all, scratch("floats"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_tensor_is_zero_in_every_type),
      cmocka_unit_test(impossible_shapes_are_refused),
      cmocka_unit_test(scalars_and_empty_tensors_exist),
      cmocka_unit_test(a_copy_has_elements_of_its_own),
      cmocka_unit_test(a_reshape_shares_elements_and_keeps_them_alive),
      cmocka_unit_test(every_type_reads_as_a_number),
      cmocka_unit_test(a_mapped_tensor_keeps_its_file_alive),
      cmocka_unit_test(every_failing_allocation_is_survived),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
