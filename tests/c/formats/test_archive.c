/* Archives: growing, choosing a reader by content and a writer by extension. */
#include "scratch.h"

#include "formats/formats.h"

static xai_tensor *scalar(float value) {
  xai_tensor *t;
  xai_err err;
  assert_int_equal(xai_tensor_copy(&(xai_view){XAI_F32, {0}, &value}, &t, &err), XAI_OK);
  return t;
}

static void a_hundred_entries_keep_their_order_and_tensors(void **state) {
  (void)state;
  xai_archive a = {0};
  xai_err err;
  size_t before = xai_mem_live();
  for (int i = 0; i < 100; i++) {
    char name[20];
    snprintf(name, sizeof name, "t%d", i);
    xai_tensor *t = scalar((float)i);
    assert_int_equal(xai_archive_add(&a, name, t, &err), XAI_OK);
    assert_int_equal(xai_archive_add_meta(&a, name, "v", &err), XAI_OK);
    xai_tensor_free(t); /* the archive has its own reference */
  }
  assert_int_equal(a.n, 100);
  assert_int_equal(a.n_meta, 100);
  for (int i = 0; i < 100; i++) assert_true(xai_tensor_floats(a.entries[i].tensor)[0] == (float)i);
  assert_string_equal(a.entries[77].name, "t77");
  assert_string_equal(a.meta[99].key, "t99");
  xai_archive_free(&a);
  assert_int_equal(a.n + a.n_meta, 0);
  xai_archive_free(&a);
  assert_int_equal(xai_mem_live(), before);
}

static void a_failed_addition_leaves_the_archive_as_it_was(void **state) {
  (void)state;
  xai_archive a = {0};
  xai_err err;
  xai_tensor *t = scalar(1);
  for (int i = 0; i < 20; i++)
    for (int k = 0; k < 4; k++) {
      size_t n = a.n, n_meta = a.n_meta;
      xai_mem_fail_after(k, false);
      xai_status first = xai_archive_add(&a, "x", t, &err);
      xai_mem_fail_after(k, false);
      xai_status second = xai_archive_add_meta(&a, "k", "v", &err);
      xai_mem_fail_after(-1, false);
      assert_int_equal(a.n, n + (first == XAI_OK));
      assert_int_equal(a.n_meta, n_meta + (second == XAI_OK));
      assert_true(first == XAI_OK || first == XAI_ENOMEM);
    }
  xai_archive_free(&a);
  xai_tensor_free(t);
}

static void the_reader_is_chosen_by_content(void **state) {
  (void)state;
  xai_archive a = {0}, b = {0};
  xai_err err;
  xai_tensor *t = scalar(3);
  assert_int_equal(xai_archive_add(&a, "x", t, &err), XAI_OK);
  assert_int_equal(xai_archive_write(scratch("a.npy"), &a, &err), XAI_OK);
  assert_int_equal(xai_archive_write(scratch("a.SafeTensors"), &a, &err), XAI_OK);
  assert_int_equal(rename(scratch("a.npy"), scratch("b.safetensors")), 0);
  assert_int_equal(xai_archive_read(scratch("b.safetensors"), &b, &err), XAI_OK);
  assert_string_equal(b.entries[0].name, "data");
  xai_archive_free(&b);
  assert_int_equal(xai_archive_read(scratch("a.SafeTensors"), &b, &err), XAI_OK);
  assert_string_equal(b.entries[0].name, "x");
  xai_archive_free(&b);
  xai_archive_free(&a);
  xai_tensor_free(t);
}

static void other_files_are_named(void **state) {
  (void)state;
  xai_archive a = {0};
  xai_err err;
  put_file(scratch("w.pth"), "%PDF-1.4", 8);
  assert_int_equal(xai_archive_read(scratch("w.pth"), &a, &err), XAI_EUNSUPPORTED);
  assert_non_null(strstr(err.text, "w.pth: a PDF document, expected .safetensors, .pth, .npz or .npy"));
  put_file(scratch("w.pth"), "", 0);
  assert_int_equal(xai_archive_read(scratch("w.pth"), &a, &err), XAI_EFORMAT);
  assert_non_null(strstr(err.text, "an empty file"));
  assert_int_equal(xai_archive_read(scratch("missing"), &a, &err), XAI_ENOTFOUND);
  assert_null(a.entries);
}

static void the_writer_is_chosen_by_extension(void **state) {
  (void)state;
  xai_archive a = {0};
  xai_err err;
  xai_tensor *t = scalar(3);
  assert_int_equal(xai_archive_write(scratch("x.npy"), &a, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "an .npy file holds exactly one tensor (got 0)"));
  assert_int_equal(xai_archive_add(&a, "x", t, &err), XAI_OK);
  assert_int_equal(xai_archive_write(scratch("x.h5"), &a, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "unknown extension (expected .safetensors, .npz or .npy)"));
  assert_int_equal(xai_archive_write("noextension", &a, &err), XAI_EARG);
  assert_int_equal(xai_archive_add_meta(&a, "k", "v", &err), XAI_OK);
  assert_int_equal(xai_archive_write(scratch("x.npy"), &a, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "holds no metadata"));
  assert_int_not_equal(access(scratch("x.npy"), F_OK), 0);
  xai_archive_free(&a);
  xai_tensor_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_hundred_entries_keep_their_order_and_tensors),
      cmocka_unit_test(a_failed_addition_leaves_the_archive_as_it_was),
      cmocka_unit_test(the_reader_is_chosen_by_content),
      cmocka_unit_test(other_files_are_named),
      cmocka_unit_test(the_writer_is_chosen_by_extension),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
