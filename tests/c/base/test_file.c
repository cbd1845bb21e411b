/* Whole files in, whole files out; what is no file is refused, and what fails leaves nothing behind. */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/file.h"

static xai_status map_and_release(const char *path, xai_err *err) {
  xai_file *f = NULL;
  xai_status st = xai_file_map(path, 1000, &f, err);
  if (st != XAI_OK) assert_null(f);
  xai_file_release(f);
  return st;
}

static xai_status write_new(const char *path, xai_err *err) {
  xai_status st = xai_file_write(path, "new", 3, err);
  size_t n;
  unsigned char *now = get_file(path, &n);
  assert_int_equal(n, 3);
  assert_memory_equal(now, st == XAI_OK ? "new" : "old", 3);
  free(now);
  put_text(path, "old");
  assert_int_equal(scratch_count(), 1);
  return st;
}

static void the_bytes_written_are_the_bytes_read(void **state) {
  (void)state;
  const char *path = scratch("bytes");
  xai_err err;
  xai_file *f;
  assert_int_equal(xai_file_write(path, "a\0b", 3, &err), XAI_OK);
  assert_int_equal(xai_file_map(path, 3, &f, &err), XAI_OK);
  assert_int_equal(xai_file_size(f), 3);
  assert_memory_equal(xai_file_data(f), "a\0b", 3);
  assert_string_equal(xai_file_path(f), path);
  xai_file_retain(f);
  xai_file_release(f);
  assert_int_equal(xai_file_data(f)[0], 'a'); /* one reference is left */
  xai_file_release(f);
  remove(path);
}

static void an_empty_file_maps_to_nothing(void **state) {
  (void)state;
  const char *path = scratch("empty");
  xai_err err;
  xai_file *f;
  assert_int_equal(xai_file_write(path, NULL, 0, &err), XAI_OK);
  assert_int_equal(xai_file_map(path, 0, &f, &err), XAI_OK);
  assert_int_equal(xai_file_size(f), 0);
  assert_non_null(xai_file_data(f));
  xai_file_release(f);
  remove(path);
}

static void a_missing_file_is_named_with_its_neighbour(void **state) {
  (void)state;
  xai_err err;
  put_text(scratch("squeezenet.onnx"), "x");
  assert_int_equal(map_and_release(scratch("squeesenet.onnx"), &err), XAI_ENOTFOUND);
  assert_non_null(strstr(err.text, "no such file; did you mean 'squeezenet.onnx'?"));
  assert_int_equal(map_and_release(scratch("nothing-like-it"), &err), XAI_ENOTFOUND);
  assert_null(strstr(err.text, "did you mean"));
  assert_int_equal(map_and_release("no/such/folder/x", &err), XAI_ENOTFOUND);
  assert_string_equal(err.text, "no/such/folder/x: no such file");
  remove(scratch("squeezenet.onnx"));
}

static void what_is_no_regular_file_is_refused(void **state) {
  (void)state;
  xai_err err;
  assert_int_equal(map_and_release(scratch_folder, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "a directory, expected a file"));
  assert_int_equal(map_and_release("/dev/null", &err), XAI_EARG);
  const char *fifo = scratch("fifo");
  assert_int_equal(mkfifo(fifo, 0600), 0);
  assert_int_equal(map_and_release(fifo, &err), XAI_EARG); /* and does not wait for a writer */
  assert_int_equal(xai_file_write(fifo, "x", 1, &err), XAI_EARG);
  assert_int_equal(xai_file_write(scratch_folder, "x", 1, &err), XAI_EARG);
  assert_int_equal(xai_file_write("/dev/null", "x", 1, &err), XAI_EARG);
  struct stat info;
  assert_int_equal(stat("/dev/null", &info), 0);
  assert_true(S_ISCHR(info.st_mode));
  remove(fifo);
}

static void a_file_over_the_limit_is_refused(void **state) {
  (void)state;
  xai_err err;
  xai_file *f = NULL;
  put_text(scratch("big"), "12345");
  assert_int_equal(xai_file_map(scratch("big"), 4, &f, &err), XAI_EFORMAT);
  assert_null(f);
  assert_non_null(strstr(err.text, "over the limit"));
  remove(scratch("big"));
}

static void a_new_file_gets_the_mode_of_the_umask(void **state) {
  (void)state;
  xai_err err;
  struct stat info;
  mode_t old = umask(027);
  assert_int_equal(xai_file_write(scratch("mode"), "x", 1, &err), XAI_OK);
  umask(old);
  assert_int_equal(stat(scratch("mode"), &info), 0);
  assert_int_equal(info.st_mode & 0777, 0640);
  remove(scratch("mode"));
}

static void a_symbolic_link_stays_one(void **state) {
  (void)state;
  xai_err err;
  struct stat info;
  put_text(scratch("target"), "old");
  assert_int_equal(symlink("target", scratch("link")), 0);
  assert_int_equal(xai_file_write(scratch("link"), "new", 3, &err), XAI_OK);
  assert_int_equal(lstat(scratch("link"), &info), 0);
  assert_true(S_ISLNK(info.st_mode));
  size_t n;
  unsigned char *bytes = get_file(scratch("target"), &n);
  assert_memory_equal(bytes, "new", 3);
  free(bytes);
  remove(scratch("link"));
  remove(scratch("target"));
}

static void a_missing_folder_is_an_error_and_is_not_made(void **state) {
  (void)state;
  xai_err err;
  assert_int_equal(xai_file_write(scratch("none/file"), "x", 1, &err), XAI_EIO);
  assert_non_null(strstr(err.text, "cannot write here: No such file or directory"));
  assert_int_equal(scratch_count(), 0);
}

static void a_full_disk_leaves_the_old_file(void **state) {
  (void)state;
  static char large[100000];
  const char *path = scratch("full");
  xai_err err;
  put_text(path, "old");
  /* A limit on file sizes stands in for the full disk; the signal that goes with it is ignored. */
  struct rlimit before, small;
  getrlimit(RLIMIT_FSIZE, &before);
  small = before;
  small.rlim_cur = 50000;
  void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  xai_status st = xai_file_write(path, large, sizeof large, &err);
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  assert_int_equal(st, XAI_EIO);
  assert_int_equal(scratch_count(), 1);
  size_t n;
  unsigned char *bytes = get_file(path, &n);
  assert_int_equal(n, 3);
  free(bytes);
  remove(path);
}

static void a_file_in_pieces_is_there_at_once_or_not_at_all(void **state) {
  (void)state;
  const char *path = scratch("pieces");
  xai_err err;
  xai_writer *w = NULL;
  put_text(path, "old");
  for (int commit = 0; commit <= 1; commit++) {
    assert_int_equal(xai_writer_open(path, &w, &err), XAI_OK);
    xai_writer_add(w, "a\0", 2);
    xai_writer_add(w, NULL, 0);
    xai_writer_add(w, "bc", 2);
    size_t n;
    unsigned char *bytes = get_file(path, &n);
    assert_int_equal(n, 3); /* "old" */
    free(bytes);
    if (commit) assert_int_equal(xai_writer_commit(w, &err), XAI_OK);
    else xai_writer_discard(w);
    assert_int_equal(scratch_count(), 1);
    bytes = get_file(path, &n);
    assert_int_equal(n, commit ? 4 : 3);
    assert_memory_equal(bytes, commit ? "a\0bc" : "old", n);
    free(bytes);
  }
  xai_writer_discard(NULL);
  remove(path);
}

/* ---- files that another file names ------------------------------------------------------------------------ */
static xai_status map_beside(const char *name, xai_err *err) {
  xai_file *f = NULL;
  xai_status st = xai_file_map_beside(scratch("model"), name, &f, err);
  assert_true((st == XAI_OK) == (f != NULL));
  xai_file_release(f);
  return st;
}

static void a_file_beside_another_is_found_also_in_folders(void **state) {
  (void)state;
  xai_err err;
  xai_file *f = NULL;
  put_text(scratch("data"), "12345");
  assert_int_equal(mkdir(scratch("inner"), 0777), 0);
  put_text(scratch("inner/data"), "123");
  assert_int_equal(xai_file_map_beside(scratch("model"), "data", &f, &err), XAI_OK);
  assert_int_equal(xai_file_size(f), 5);
  assert_string_equal(xai_file_path(f), scratch("data"));
  xai_file_release(f);
  assert_int_equal(map_beside("inner/data", &err), XAI_OK);
  assert_int_equal(map_beside("inner", &err), XAI_EARG);
  assert_int_equal(map_beside("inner/date", &err), XAI_ENOTFOUND);
  assert_non_null(strstr(err.text, "did you mean 'data'?"));
  remove(scratch("inner/data"));
  remove(scratch("inner"));
  remove(scratch("data"));
}

static void no_name_leads_out_of_the_folder(void **state) {
  (void)state;
  static const char *const names[] = {"",     ".",  "..",  "../model", "a/../model", "a/..", "/etc/passwd",
                                      "a//b", "a/", "./a", "a\\b"};
  xai_err err;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    assert_int_equal(map_beside(names[i], &err), XAI_EFORMAT);
    assert_non_null(strstr(err.text, "expected a relative path without '..'"));
  }
}

static void links_are_not_followed_on_the_way(void **state) {
  (void)state;
  xai_err err;
  put_text(scratch("data"), "1");
  assert_int_equal(mkdir(scratch("inner"), 0777), 0);
  put_text(scratch("inner/data"), "1");
  assert_int_equal(symlink("data", scratch("soft")), 0);
  assert_int_equal(symlink("inner", scratch("folder")), 0);
  assert_int_equal(map_beside("soft", &err), XAI_EFORMAT);
  assert_int_equal(map_beside("folder/data", &err), XAI_EFORMAT);
  assert_int_equal(link(scratch("data"), scratch("hard")), 0);
  assert_int_equal(map_beside("data", &err), XAI_EFORMAT);
  assert_int_equal(map_beside("inner/data", &err), XAI_OK);
  /* the same, part by part */
  int here = open(scratch_folder, O_RDONLY | O_DIRECTORY), fd = xai_file__walk(here, "inner/data");
  assert_true(here >= 0 && fd >= 0);
  close(fd);
  assert_int_equal(xai_file__walk(here, "soft"), -1);
  assert_int_equal(errno, ELOOP);
  assert_int_equal(xai_file__walk(here, "folder/data"), -1);
  assert_true(errno == ENOTDIR || errno == ELOOP);
  assert_int_equal(xai_file__walk(here, "none/data"), -1);
  assert_int_equal(errno, ENOENT);
  close(here);
  remove(scratch("soft"));
  remove(scratch("folder"));
  remove(scratch("hard"));
  remove(scratch("inner/data"));
  remove(scratch("inner"));
  remove(scratch("data"));
}

static xai_status map_data_beside(const char *path, xai_err *err) {
  (void)path;
  return map_beside("faults", err);
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  const char *path = scratch("faults");
  put_text(path, "old");
  each_allocation_fails(map_and_release, path);
  each_allocation_fails(write_new, path);
  each_allocation_fails(map_data_beside, path);
  remove(path);
}

/* Odd starts and lengths around the size of a piece (4 MiB) and of a page. */
static void bytes_are_copied_out_whole_whatever_their_place(void **state) {
  (void)state;
  enum { SIZE = 9 << 20 };
  unsigned char *bytes = malloc(SIZE), *copy = malloc(SIZE);
  for (size_t i = 0; i < SIZE; i++) bytes[i] = (unsigned char)(i * 31 + i / 4096);
  xai_err err;
  xai_file *f = NULL;
  assert_int_equal(xai_file_write(scratch("large"), bytes, SIZE, &err), XAI_OK);
  assert_int_equal(xai_file_map(scratch("large"), SIZE, &f, &err), XAI_OK);
  static const size_t from[] = {0, 1, 4095, 4096, 5000000}, length[] = {0, 1, 4097, (4 << 20) - 1, 4 << 20, (4 << 20) + 3};
  for (size_t i = 0; i < 5; i++)
    for (size_t k = 0; k < 6; k++) {
      memset(copy, 0, SIZE);
      xai_file_copy(f, xai_file_data(f) + from[i], length[k], copy);
      assert_memory_equal(copy, bytes + from[i], length[k]);
      assert_int_equal(copy[length[k]], 0);
    }
  assert_memory_equal(xai_file_data(f), bytes, SIZE); /* the mapping is as before */
  xai_file_release(f);
  remove(scratch("large"));
  free(bytes);
  free(copy);
}

static xai_status wrap_and_release(const char *path, xai_err *err) {
  xai_file *f = NULL;
  xai_status st = xai_file_wrap(path, "abc", 3, &f, err);
  if (st != XAI_OK) assert_null(f);
  xai_file_release(f);
  return st;
}

static void bytes_in_memory_are_a_file_of_that_name_and_stay_the_callers(void **state) {
  (void)state;
  enum { SIZE = 3 << 12 };
  unsigned char *bytes = malloc(SIZE), *copy = malloc(SIZE);
  memset(bytes, 'x', SIZE);
  xai_err err;
  xai_file *f;
  assert_int_equal(xai_file_wrap("nowhere.bin", bytes, SIZE, &f, &err), XAI_OK);
  assert_ptr_equal(xai_file_data(f), bytes);
  assert_int_equal(xai_file_size(f), SIZE);
  assert_string_equal(xai_file_path(f), "nowhere.bin");
  xai_file_copy(f, bytes, SIZE, copy);
  assert_memory_equal(copy, bytes, SIZE);
  assert_int_equal(bytes[SIZE / 2], 'x'); /* letting go of pages is for mappings */
  xai_file_release(f);
  bytes[0] = 'y';
  free(bytes);
  free(copy);
  assert_int_equal(xai_file_wrap("empty", NULL, 0, &f, &err), XAI_OK);
  assert_non_null(xai_file_data(f));
  xai_file_release(f);
  each_allocation_fails(wrap_and_release, "abc");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_in_memory_are_a_file_of_that_name_and_stay_the_callers),
      cmocka_unit_test(bytes_are_copied_out_whole_whatever_their_place),
      cmocka_unit_test(the_bytes_written_are_the_bytes_read),
      cmocka_unit_test(an_empty_file_maps_to_nothing),
      cmocka_unit_test(a_missing_file_is_named_with_its_neighbour),
      cmocka_unit_test(what_is_no_regular_file_is_refused),
      cmocka_unit_test(a_file_over_the_limit_is_refused),
      cmocka_unit_test(a_new_file_gets_the_mode_of_the_umask),
      cmocka_unit_test(a_symbolic_link_stays_one),
      cmocka_unit_test(a_missing_folder_is_an_error_and_is_not_made),
      cmocka_unit_test(a_full_disk_leaves_the_old_file),
      cmocka_unit_test(a_file_in_pieces_is_there_at_once_or_not_at_all),
      cmocka_unit_test(a_file_beside_another_is_found_also_in_folders),
      cmocka_unit_test(no_name_leads_out_of_the_folder),
      cmocka_unit_test(links_are_not_followed_on_the_way),
      cmocka_unit_test(every_failing_allocation_is_survived),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
