/* NumPy's archives of arrays: both kinds read, stored ones written. */
#include "scratch.h"

#include "formats/formats.h"
#include "zip_make.h"

/* "<u1" arrays (1, 2, 3) and, column by column, ((1, 3), (2, 4)); the floats 1 and 2. */
#define HEADER(n, text) "\x93NUMPY\1\0" n "\0" text
static const char bytes[] = HEADER("\x36", "{'descr':'|u1','fortran_order':False,'shape':(3,)}    ") "\1\2\3";
static const char square[] = HEADER("\x36", "{'descr':'|u1','fortran_order':True,'shape':(2,2)}    ") "\1\2\3\4";
static const char floats[] =
    HEADER("\x36", "{'descr':'<f4','fortran_order':False,'shape':(2,)}    ") "\0\0\x80\x3f\0\0\0\x40";
#define PART(name, array, deflated, wide)                                                                              \
  { name, array, sizeof array - 1, deflated, false, wide }

static xai_status read_and_free(const char *path, xai_err *err) {
  xai_archive a = {0};
  xai_status st = xai_archive_read(path, &a, err);
  if (st != XAI_OK) assert_true(a.n == 0 && a.entries == NULL);
  xai_archive_free(&a);
  return st;
}

static const char *put(const zip_part *parts, size_t n) {
  zip_file z = zip_build(parts, n, false, "");
  const char *path = scratch("a.npz");
  put_file(path, z.b.data, z.b.size);
  xai_buf_free(&z.b);
  return path;
}

static void refuse(const zip_part *parts, size_t n, xai_status want, const char *message) {
  xai_err err = {""};
  const char *path = put(parts, n);
  xai_status st = read_and_free(path, &err);
  if (st != want || strstr(err.text, message) == NULL || strncmp(err.text, path, strlen(path)) != 0)
    fail_msg("status %d, '%s', expected '%s'", (int)st, err.text, message);
}

static void stored_and_deflated_arrays_are_read(void **state) {
  (void)state;
  for (int deflated = 0; deflated <= 1; deflated++)
    for (int wide = 0; wide <= 1; wide++) {
      const zip_part parts[] = {PART("b.npy", bytes, deflated, wide), PART("folder/s.npy", square, deflated, wide),
                                PART(".f.npy", floats, deflated, wide)};
      xai_archive a = {0};
      xai_err err;
      if (xai_archive_read(put(parts, 3), &a, &err) != XAI_OK) fail_msg("%s", err.text);
      assert_int_equal(a.n, 3);
      assert_string_equal(a.entries[0].name, "b");
      assert_string_equal(a.entries[1].name, "folder/s");
      assert_string_equal(a.entries[2].name, ".f");
      assert_memory_equal(xai_tensor_view(a.entries[0].tensor)->data, "\1\2\3", 3);
      assert_memory_equal(xai_tensor_view(a.entries[1].tensor)->data, "\1\3\2\4", 4);
      assert_true(xai_view_get(xai_tensor_view(a.entries[2].tensor), 1) == 2);
      xai_archive_free(&a);
    }
}

static void an_empty_archive_has_no_arrays(void **state) {
  (void)state;
  xai_err err;
  assert_int_equal(read_and_free(put(NULL, 0), &err), XAI_OK);
}

static void members_that_are_no_arrays_are_refused(void **state) {
  (void)state;
  const zip_part text[] = {PART("a.npy", bytes, false, false), {"b.txt", "x", 1, false, false, false}};
  const zip_part nameless[] = {PART(".npy", bytes, false, false)},
                 broken[] = {{"a.npy", "hello", 5, true, false, false}};
  const zip_part cut[] = {{"a.npy", bytes, sizeof bytes - 2, false, false, false}};
  refuse(text, 2, XAI_EUNSUPPORTED, "member 'b.txt' is no array (expected a name that ends in .npy)");
  refuse(nameless, 1, XAI_EUNSUPPORTED, "member '.npy' is no array");
  refuse(broken, 1, XAI_EFORMAT, "member 'a.npy': not a NumPy array");
  refuse(cut, 1, XAI_EFORMAT, "member 'a.npy': 2 bytes of elements, but its shape and type need 3");
}

/* ---- writing ---------------------------------------------------------------------------------------- */

static void add(xai_archive *a, const char *name, xai_dtype dtype, xai_shape shape) {
  xai_tensor *t;
  xai_err err;
  assert_int_equal(xai_tensor_new(dtype, shape, &t, &err), XAI_OK);
  for (size_t i = 0; i < xai_tensor_bytes(t); i++) ((unsigned char *)xai_tensor_view(t)->data)[i] = i % 2;
  assert_int_equal(xai_archive_add(a, name, t, &err), XAI_OK);
  xai_tensor_free(t);
}

static void what_is_written_comes_back_without_a_copy(void **state) {
  (void)state;
  xai_archive a = {0}, b = {0};
  xai_err err;
  const char *names[] = {"a", "block/0.weight", "c", "d", "\xc3\xa4"};
  xai_shape shapes[] = {XAI_SHAPE(2, 3), XAI_SHAPE(5), {0}, XAI_SHAPE(0, 4), XAI_SHAPE(1, 2, 1, 2, 1, 2, 1, 2)};
  for (int i = 0; i < 5; i++) add(&a, names[i], (xai_dtype)i, shapes[i]);
  assert_int_equal(xai_archive_write(scratch("w.NPZ"), &a, &err), XAI_OK);
  assert_int_equal(xai_archive_read(scratch("w.NPZ"), &b, &err), XAI_OK);
  assert_int_equal(b.n, 5);
  for (size_t i = 0; i < 5; i++) {
    const xai_view *v = xai_tensor_view(a.entries[i].tensor), *w = xai_tensor_view(b.entries[i].tensor);
    assert_string_equal(b.entries[i].name, names[i]);
    assert_int_equal(v->dtype, w->dtype);
    assert_true(xai_shape_equal(&v->shape, &w->shape));
    assert_memory_equal(v->data, w->data, xai_view_bytes(v));
    assert_true(xai_tensor_shared(b.entries[i].tensor) == (v->dtype != XAI_BOOL)); /* in the mapping */
  }
  xai_archive_free(&a);
  xai_archive_free(&b);
}

static void what_the_format_cannot_hold_is_not_written(void **state) {
  (void)state;
  xai_archive a = {0};
  xai_err err;
  add(&a, "x", XAI_F32, XAI_SHAPE(1));
  assert_int_equal(xai_archive_add_meta(&a, "k", "v", &err), XAI_OK);
  assert_int_equal(xai_archive_write(scratch("n.npz"), &a, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "n.npz: an .npz file holds no metadata; use .safetensors"));
  a.n_meta = 0;
  add(&a, "x", XAI_F32, XAI_SHAPE(1));
  assert_int_equal(xai_archive_write(scratch("n.npz"), &a, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "n.npz: tensor 'x' is given twice"));
  a.entries[1].name[0] = '/';
  assert_int_equal(xai_archive_write(scratch("n.npz"), &a, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "n.npz: '/.npy' cannot be the name of a member"));
  assert_int_not_equal(access(scratch("n.npz"), F_OK), 0);
  a.n_meta = 1;
  xai_archive_free(&a);
}

/* A tensor over a file of 2.5 GiB that is one hole: nobody has to find the memory. */
static void more_than_two_gigabytes_are_refused_before_they_are_copied(void **state) {
  (void)state;
  const off_t size = (off_t)5 << 29;
  xai_archive a = {0};
  xai_file *file;
  xai_tensor *t;
  xai_err err;
  put_text(scratch("hole"), "");
  assert_int_equal(truncate(scratch("hole"), size), 0);
  assert_int_equal(xai_file_map(scratch("hole"), SIZE_MAX, &file, &err), XAI_OK);
  assert_int_equal(xai_tensor_map(XAI_U8, XAI_SHAPE(size), file, xai_file_data(file), &t, &err), XAI_OK);
  assert_int_equal(xai_archive_add(&a, "huge", t, &err), XAI_OK);
  assert_int_equal(xai_archive_write(scratch("n.npz"), &a, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "n.npz: more than 2 GiB"));
  xai_tensor_free(t);
  xai_archive_free(&a);
  xai_file_release(file);
}

/* ---- damage and faults ------------------------------------------------------------------------------ */

static void every_cut_and_every_wrong_byte_is_survived(void **state) {
  (void)state;
  const zip_part parts[] = {PART("b.npy", square, true, false), PART("f.npy", floats, false, true)};
  size_t n;
  unsigned char *file = get_file(put(parts, 2), &n);
  each_cut_is_refused(read_and_free, scratch("cut.npz"), file, n, n);
  each_byte_fault_is_survived(read_and_free, scratch("fault.npz"), file, n);
  free(file);
}

static xai_archive to_write;

static xai_status overwrite(const char *path, xai_err *err) {
  int files = scratch_count();
  put_text(path, "old");
  xai_status st = xai_archive_write(path, &to_write, err);
  size_t n;
  unsigned char *now = get_file(path, &n);
  assert_int_equal(n == 3, st != XAI_OK);
  free(now);
  assert_true(scratch_count() <= files + 1);
  return st;
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  const zip_part parts[] = {PART("b.npy", square, true, false), PART("f.npy", floats, false, true)};
  each_allocation_fails(read_and_free, put(parts, 2));
  add(&to_write, "a", XAI_F32, XAI_SHAPE(3));
  add(&to_write, "b", XAI_I64, XAI_SHAPE(200));
  each_allocation_fails(overwrite, scratch("w.npz"));
  xai_archive_free(&to_write);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stored_and_deflated_arrays_are_read),
      cmocka_unit_test(an_empty_archive_has_no_arrays),
      cmocka_unit_test(members_that_are_no_arrays_are_refused),
      cmocka_unit_test(what_is_written_comes_back_without_a_copy),
      cmocka_unit_test(what_the_format_cannot_hold_is_not_written),
      cmocka_unit_test(more_than_two_gigabytes_are_refused_before_they_are_copied),
      cmocka_unit_test(every_cut_and_every_wrong_byte_is_survived),
      cmocka_unit_test(every_failing_allocation_is_survived),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
