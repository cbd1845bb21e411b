/* Lines of text: what cairo may be given, and cutting and wrapping to a width. Widths come from the system's typeface,
 * so the tests state laws and not numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cairo.h>
#include <string.h>

#include "viz/text.h"

#define BAD "\xef\xbf\xbd"      /* U+FFFD */
#define ELLIPSIS "\xe2\x80\xa6" /* U+2026 */

static int open_pen(void **state) {
  cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 64, 64);
  *state = cairo_create(surface);
  cairo_surface_destroy(surface);
  return 0;
}

static int close_pen(void **state) {
  cairo_status_t status = cairo_status(*state);
  cairo_destroy(*state);
  return status == CAIRO_STATUS_SUCCESS ? 0 : -1;
}

static void assert_cleaned(const char *raw, const char *expected) {
  char text[XAI_TEXT_MAX];
  xai_text_clean(raw, SIZE_MAX, text);
  assert_string_equal(text, expected);
}

static void good_utf8_stays_as_it_is(void **state) {
  (void)state;
  assert_cleaned("", "");
  assert_cleaned("\xce\xbb = 0.5 \xc3\x97 caf\xc3\xa9", "\xce\xbb = 0.5 \xc3\x97 caf\xc3\xa9");
  assert_cleaned("\xe2\x88\x82S/\xe2\x88\x82x", "\xe2\x88\x82S/\xe2\x88\x82x");
  assert_cleaned("\xf0\x9f\x90\x95", "\xf0\x9f\x90\x95"); /* U+1F415, a dog */
  assert_cleaned("\xf4\x8f\xbf\xbd", "\xf4\x8f\xbf\xbd"); /* U+10FFFD */
}

static void whatever_is_not_utf8_is_replaced_byte_by_byte(void **state) {
  (void)state;
  assert_cleaned("a\xff z", "a" BAD " z");
  assert_cleaned("caf\xe9", "caf" BAD); /* Latin-1 */
  assert_cleaned("\x80", BAD);          /* a continuation alone */
  assert_cleaned("\xc3", BAD);          /* cut short by the end */
  assert_cleaned("\xe2\x88", BAD BAD);
  assert_cleaned("\xc3(", BAD "(");
  assert_cleaned("\xc0\xaf", BAD BAD); /* overlong / */
  assert_cleaned("\xe0\x80\xaf", BAD BAD BAD);
  assert_cleaned("\xed\xa0\x80", BAD BAD BAD);                 /* a surrogate */
  assert_cleaned("\xf4\x90\x80\x80", BAD BAD BAD BAD);         /* U+110000 */
  assert_cleaned("\xf8\x88\x80\x80\x80", BAD BAD BAD BAD BAD); /* five bytes */
  assert_cleaned("\xef\xbf\xbf", BAD BAD BAD);                 /* U+FFFF is no character */
}

static void control_characters_become_spaces(void **state) {
  (void)state;
  assert_cleaned("a\tb\nc\x7f\x1b[31m", "a b c  [31m");
}

static void text_stops_at_the_given_length_and_at_the_room_there_is(void **state) {
  (void)state;
  char text[XAI_TEXT_MAX], longest[1000];
  xai_text_clean("first\nsecond", 5, text);
  assert_string_equal(text, "first");
  for (int i = 0; i < 998; i += 2) memcpy(longest + i, "\xce\xbb", 2);
  longest[998] = '\0';
  xai_text_clean(longest, SIZE_MAX, text);
  assert_int_equal(strlen(text), 254); /* 127 whole letters; half of one more would fit */
  assert_memory_equal(text, longest, 254);
}

static void cairo_draws_whatever_was_cleaned(void **state) {
  for (int a = 0; a < 256; a++)
    for (int b = 0; b < 256; b++) {
      char raw[] = {(char)a, (char)b, (char)0xbf, (char)0xbe, 'x', '\0'}, text[XAI_TEXT_MAX];
      xai_text_clean(raw, SIZE_MAX, text);
      xai_text_width(*state, text, 10, false);
      assert_int_equal(cairo_status(*state), CAIRO_STATUS_SUCCESS);
    }
}

static void widths_grow_with_text_and_size(void **state) {
  assert_true(xai_text_width(*state, "", 20, false) == 0);
  double one = xai_text_width(*state, "conv", 20, false);
  assert_true(one > 20 && one < 80);
  assert_true(xai_text_width(*state, "conv5", 20, false) > one);
  assert_true(xai_text_width(*state, "conv", 40, false) > 1.8 * one);
}

static void text_that_fits_is_not_cut(void **state) {
  char text[XAI_TEXT_MAX] = "bull mastiff";
  xai_text_cut(*state, text, 20, false, xai_text_width(*state, text, 20, false));
  assert_string_equal(text, "bull mastiff");
}

static void text_that_is_too_wide_ends_in_an_ellipsis_and_fits(void **state) {
  const char *whole = "\xce\xbb\xce\xbb\xce\xbb bull mastiff \xce\xbb\xce\xbb\xce\xbb";
  double full = xai_text_width(*state, whole, 20, true), dots = xai_text_width(*state, ELLIPSIS, 20, true);
  for (double width = dots + 1; width < full; width += 3) {
    char text[XAI_TEXT_MAX], again[XAI_TEXT_MAX];
    strcpy(text, whole);
    xai_text_cut(*state, text, 20, true, width);
    size_t kept = strlen(text) - strlen(ELLIPSIS);
    assert_string_equal(text + kept, ELLIPSIS);
    assert_memory_equal(text, whole, kept);
    assert_true(xai_text_width(*state, text, 20, true) <= width);
    xai_text_clean(text, SIZE_MAX, again);
    assert_string_equal(again, text); /* no letter was cut in two */
    assert_true(kept == 0 || text[kept - 1] != ' ');
  }
}

static void a_full_line_is_cut_too(void **state) {
  char text[XAI_TEXT_MAX];
  memset(text, 'w', XAI_TEXT_MAX - 1);
  text[XAI_TEXT_MAX - 1] = '\0';
  double full = xai_text_width(*state, text, 20, false);
  xai_text_cut(*state, text, 20, false, full - 1);
  assert_true(xai_text_width(*state, text, 20, false) <= full - 1);
  xai_text_cut(*state, text, 20, false, 0);
  assert_string_equal(text, ELLIPSIS);
}

/* The width is given in letters 'a'; lines are joined by a bar. */
static void assert_wrapped(xai_pen *pen, const char *whole, double letters, int most, const char *expected) {
  char lines[4][XAI_TEXT_MAX], joined[4 * XAI_TEXT_MAX] = "";
  int n = xai_text_wrap(pen, whole, 20, false, letters * xai_text_width(pen, "a", 20, false), most, lines);
  assert_true(n <= most);
  for (int i = 0; i < n; i++) {
    if (i > 0) strcat(joined, "|");
    strcat(joined, lines[i]);
  }
  assert_string_equal(joined, expected);
}

static void lines_break_where_they_must_and_come_out_even(void **state) {
  assert_wrapped(*state, "aaaa aaaa", 20, 3, "aaaa aaaa");
  assert_wrapped(*state, "aaaa aaaa aaaa aaaa", 16, 3, "aaaa aaaa|aaaa aaaa"); /* not 15 letters and 4 */
  assert_wrapped(*state, "aaaaaaaaaa a a a", 12, 3, "aaaaaaaaaa|a a a");
  assert_wrapped(*state, "aaaaaa/aaaa/aaaaa", 12, 2, "aaaaaa/|aaaa/aaaaa");
  assert_wrapped(*state, "aaaa aaaa aaaa", 5, 3, "aaaa|aaaa|aaaa");
}

static void what_cannot_be_broken_or_is_too_much_stays_whole(void **state) {
  assert_wrapped(*state, "aaaaaaaaaa", 3, 3, "aaaaaaaaaa");
  assert_wrapped(*state, "aaaa aaaa aaaa aaaa", 5, 2, "aaaa|aaaa aaaa aaaa");
  assert_wrapped(*state, "", 5, 3, "");
  assert_wrapped(*state, "x ", 1, 3, "x ");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_utf8_stays_as_it_is),
      cmocka_unit_test(whatever_is_not_utf8_is_replaced_byte_by_byte),
      cmocka_unit_test(control_characters_become_spaces),
      cmocka_unit_test(text_stops_at_the_given_length_and_at_the_room_there_is),
      cmocka_unit_test_setup_teardown(cairo_draws_whatever_was_cleaned, open_pen, close_pen),
      cmocka_unit_test_setup_teardown(widths_grow_with_text_and_size, open_pen, close_pen),
      cmocka_unit_test_setup_teardown(text_that_fits_is_not_cut, open_pen, close_pen),
      cmocka_unit_test_setup_teardown(text_that_is_too_wide_ends_in_an_ellipsis_and_fits, open_pen, close_pen),
      cmocka_unit_test_setup_teardown(a_full_line_is_cut_too, open_pen, close_pen),
      cmocka_unit_test_setup_teardown(lines_break_where_they_must_and_come_out_even, open_pen, close_pen),
      cmocka_unit_test_setup_teardown(what_cannot_be_broken_or_is_too_much_stays_whole, open_pen, close_pen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
