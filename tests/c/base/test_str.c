/* Nearest names, bounded appending, UTF-8. */
#include "scratch.h"

#include <limits.h>

#include "base/str.h"

static void the_distance_is_levenshtein_without_case(void **state) {
  (void)state;
  assert_int_equal(xai_str_distance("kitten", "sitting"), 3); /* k-s, e-i, +g */
  assert_int_equal(xai_str_distance("sitting", "kitten"), 3);
  assert_int_equal(xai_str_distance("", "abc"), 3);
  assert_int_equal(xai_str_distance("Conv1", "conv1"), 0);
  char far[200];
  memset(far, 'x', 199);
  far[199] = '\0';
  assert_int_equal(xai_str_distance(far, "x"), INT_MAX);
}

static const char *nearest(const char *name, const char *const *list, size_t n) {
  return xai_str_nearest(name, n, xai_str_in_array, list);
}

static void a_plausible_slip_is_recognised_and_nothing_else(void **state) {
  (void)state;
  const char *const names[] = {"saliency", "gradcam", "guided", "relu5_4"};
  assert_string_equal(nearest("gradcm", names, 4), "gradcam");
  assert_string_equal(nearest("GRADCAM", names, 4), "gradcam");
  assert_string_equal(nearest("saleincy", names, 4), "saliency");
  assert_string_equal(nearest("relu5", names, 4), "relu5_4");
  assert_string_equal(nearest("lien", names, 4), "saliency"); /* a part of it */
  assert_null(nearest("occlusion", names, 4));
  assert_null(nearest("x", names, 4));
  assert_null(nearest("gradcam", names, 0));
}

static void a_short_name_is_no_slip_of_another(void **state) {
  (void)state;
  const char *const names[] = {"xy", "z"};
  assert_null(nearest("ab", names, 2));
  assert_null(nearest("a", names, 2));
  assert_string_equal(nearest("xz", names, 2), "xy");
}

static void a_suggestion_is_text_or_nothing(void **state) {
  (void)state;
  char text[40];
  assert_string_equal(xai_str_suggest(text, sizeof text, "conv1"), "; did you mean 'conv1'?");
  assert_string_equal(xai_str_suggest(text, sizeof text, NULL), "");
}

static void appending_never_leaves_the_buffer(void **state) {
  (void)state;
  char text[8] = "";
  size_t used = 0;
  xai_str_append(text, sizeof text, &used, "%s", "abc");
  xai_str_append(text, sizeof text, &used, "%d", 12);
  assert_string_equal(text, "abc12");
  xai_str_append(text, sizeof text, &used, "%s", "defghijk");
  assert_string_equal(text, "abc12de");
  assert_int_equal(used, 7);
  xai_str_append(text, sizeof text, &used, "x");
  assert_string_equal(text, "abc12de");
}

static void utf8_is_judged_by_the_standards_table(void **state) {
  (void)state;
  static const char *const good[] = {
      "", "abc", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x90\x88", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF", "\xC2\x80"};
  /* a lone tail byte, overlong forms of '/', a surrogate, beyond U+10FFFF, never valid, cut */
  static const char *const bad[] = {"\x80",         "\xC0\xAF",         "\xE0\x80\xAF", "\xF0\x80\x80\xAF",
                                    "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF",         "a\xC3",
                                    "\xE2\x82",     "\xF0\x9F\x90",     "\xC3z"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(xai_str_utf8(good[i], strlen(good[i])));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(xai_str_utf8(bad[i], strlen(bad[i])));
}

static void prefixes_and_equality(void **state) {
  (void)state;
  assert_true(xai_str_starts("conv1", "conv") && xai_str_starts("x", ""));
  assert_false(xai_str_starts("con", "conv"));
  assert_true(xai_str_equal_nocase(".PNG", ".png"));
  assert_false(xai_str_equal_nocase(".pn", ".png") || xai_str_equal_nocase(".png", ".pn"));
}

static void the_hash_is_fnv_1a(void **state) {
  (void)state;
  /* the published values of "", "a" and "foobar" */
  assert_true(xai_str_hash("") == UINT64_C(0xcbf29ce484222325));
  assert_true(xai_str_hash("a") == UINT64_C(0xaf63dc4c8601ec8c));
  assert_true(xai_str_hash("foobar") == UINT64_C(0x85944171f73967e8));
  assert_true(xai_str_hash_more(xai_str_hash("foo"), "bar", 3) == UINT64_C(0x85944171f73967e8));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_hash_is_fnv_1a),
      cmocka_unit_test(the_distance_is_levenshtein_without_case),
      cmocka_unit_test(a_plausible_slip_is_recognised_and_nothing_else),
      cmocka_unit_test(a_short_name_is_no_slip_of_another),
      cmocka_unit_test(a_suggestion_is_text_or_nothing),
      cmocka_unit_test(appending_never_leaves_the_buffer),
      cmocka_unit_test(utf8_is_judged_by_the_standards_table),
      cmocka_unit_test(prefixes_and_equality),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
