/* Folders: what is in them, in an order that does not depend on the disk. */
#include "scratch.h"

#include "base/folder.h"

static void names_are_sorted_by_their_bytes_and_hidden_ones_left_out(void **state) {
  (void)state;
  const char *names[] = {"b.png", "B.png", "10", "9", ".hidden", "a"};
  char path[64];
  snprintf(path, sizeof path, "%s", scratch("inside"));
  assert_int_equal(mkdir(path, 0777), 0);
  for (int i = 0; i < 6; i++) {
    char file[128];
    snprintf(file, sizeof file, "%s/%s", path, names[i]);
    if (i == 5)
      assert_int_equal(mkdir(file, 0777), 0);
    else
      put_file(file, "12345", (size_t)i);
  }
  char link_name[128];
  snprintf(link_name, sizeof link_name, "%s/nowhere", path);
  assert_int_equal(symlink("gone", link_name), 0);

  xai_folder f = {0};
  xai_err err = {""};
  if (xai_folder_read(path, &f, &err) != XAI_OK) fail_msg("%s", err.text);
  static const struct {
    const char *name;
    bool folder;
    int size;
  } want[] = {{"10", false, 2}, {"9", false, 3}, {"B.png", false, 1}, {"a", true, 0}, {"b.png", false, 0}};
  assert_int_equal(f.n, 5);
  for (int i = 0; i < f.n; i++) {
    assert_string_equal(f.entries[i].name, want[i].name);
    assert_int_equal(f.entries[i].folder, want[i].folder);
    assert_int_equal(f.entries[i].size, want[i].size);
  }
  xai_folder_free(&f);

  unlink(link_name);
  for (int i = 0; i < 6; i++) {
    char file[128];
    snprintf(file, sizeof file, "%s/%s", path, names[i]);
    remove(file);
  }
  assert_int_equal(rmdir(path), 0);
}

static void what_is_no_folder_is_told(void **state) {
  (void)state;
  xai_folder f = {0};
  xai_err err;
  assert_int_equal(xai_folder_read(scratch("none"), &f, &err), XAI_ENOTFOUND);
  assert_non_null(strstr(err.text, "/none: no such folder"));
  put_text(scratch("file"), "x");
  assert_int_equal(xai_folder_read(scratch("file"), &f, &err), XAI_ENOTFOUND);
  assert_non_null(strstr(err.text, "Not a directory"));
  assert_int_equal(f.n, 0);
}

static xai_status attempt_to_read(const char *path, xai_err *err) {
  xai_folder f = {0};
  xai_status st = xai_folder_read(path, &f, err);
  if (st != XAI_OK) assert_null(f.entries);
  xai_folder_free(&f);
  return st;
}

static void memory_may_fail_at_every_entry(void **state) {
  (void)state;
  char name[16];
  for (int i = 0; i < 40; i++) {
    snprintf(name, sizeof name, "file%d", i);
    put_text(scratch(name), "");
  }
  each_allocation_fails(attempt_to_read, scratch_folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_sorted_by_their_bytes_and_hidden_ones_left_out),
      cmocka_unit_test(what_is_no_folder_is_told),
      cmocka_unit_test(memory_may_fail_at_every_entry),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
