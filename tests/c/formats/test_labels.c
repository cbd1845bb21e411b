/* Class names from text files. */
#include "scratch.h"

#include "formats/formats.h"

static xai_status read_and_free(const char *path, xai_err *err) {
  char **labels = NULL;
  int n = -7;
  xai_status st = xai_labels_read(path, &labels, &n, err);
  if (st != XAI_OK) {
    assert_null(labels);
    assert_int_equal(n, -7);
  }
  xai_free(labels);
  return st;
}

static void expect_labels(const char *bytes, size_t size, int n, const char *const *want) {
  char **labels;
  int got;
  xai_err err;
  put_file(scratch("l.txt"), bytes, size);
  if (xai_labels_read(scratch("l.txt"), &labels, &got, &err) != XAI_OK) fail_msg("%s", err.text);
  assert_int_equal(got, n);
  for (int i = 0; i < n; i++) assert_string_equal(labels[i], want[i]);
  xai_free(labels);
}
#define LABELS(text, n, ...) expect_labels(text, sizeof(text) - 1, n, (const char *const[]){__VA_ARGS__})

static void one_label_per_line(void **state) {
  (void)state;
  LABELS("tench\ngoldfish\n", 2, "tench", "goldfish");
  LABELS("tench\ngoldfish", 2, "tench", "goldfish");
  LABELS("tench\r\ngold fish, carp\r\n", 2, "tench", "gold fish, carp");
  LABELS("a\n\nb\n\n\r\n\n", 3, "a", "", "b"); /* an empty line inside is class 1 */
  LABELS("\xEF\xBB\xBFtench\n", 1, "tench");
  LABELS("K\xC3\xA4tzchen\tx\n", 1, "K\xC3\xA4tzchen\tx");
  LABELS("K\xE4tzchen\n", 1, "K\xE4tzchen"); /* Latin-1 is taken as it is */
  LABELS("x", 1, "x");
}

static void expect_refused(const char *bytes, size_t size, const char *text) {
  xai_err err = {""};
  put_file(scratch("l.txt"), bytes, size);
  xai_status st = read_and_free(scratch("l.txt"), &err);
  if (st != XAI_EFORMAT || strstr(err.text, text) == NULL) fail_msg("status %d, '%s'", (int)st, err.text);
  assert_memory_equal(err.text, scratch_folder, strlen(scratch_folder));
}

static void what_is_no_list_of_labels_is_named(void **state) {
  (void)state;
  expect_refused("", 0, "an empty file, expected a text file with one label per line");
  expect_refused("\n\r\n\n", 4, "no labels in it");
  expect_refused("\x89PNG\r\n\x1a\n....", 12, "a PNG picture, expected a text file");
  expect_refused("tench\ngold\0fish\n", 16, "line 2 is not text");
  expect_refused("a\rb\n", 4, "line 1 is not text");
}

static void lines_and_their_number_are_limited(void **state) {
  (void)state;
  char line[1003];
  memset(line, 'x', sizeof line);
  line[1000] = '\n';
  put_file(scratch("l.txt"), line, 1001);
  xai_err err;
  assert_int_equal(read_and_free(scratch("l.txt"), &err), XAI_OK);
  line[1000] = 'x';
  line[1001] = '\n';
  expect_refused(line, 1002, "line 1 has 1001 bytes (at most 1000)");
  char *many = malloc(2000002);
  for (int i = 0; i < 1000001; i++) memcpy(many + 2 * i, "x\n", 2);
  expect_refused(many, 2000002, "more than 1000000 lines");
  put_file(scratch("l.txt"), many, 2000000);
  assert_int_equal(read_and_free(scratch("l.txt"), &err), XAI_OK);
  free(many);
}

static void every_wrong_byte_and_failing_allocation_is_survived(void **state) {
  (void)state;
  const char *text = "tench\r\ngoldfish\n";
  each_byte_fault_is_survived(read_and_free, scratch("fault.txt"), (const unsigned char *)text, strlen(text));
  put_text(scratch("l.txt"), text);
  each_allocation_fails(read_and_free, scratch("l.txt"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_label_per_line),
      cmocka_unit_test(what_is_no_list_of_labels_is_named),
      cmocka_unit_test(lines_and_their_number_are_limited),
      cmocka_unit_test(every_wrong_byte_and_failing_allocation_is_survived),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
