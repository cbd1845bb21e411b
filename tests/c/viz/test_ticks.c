/* Round numbers on axes, and how they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "viz/ticks.h"

static void assert_ticks(double lo, double hi, int n, const double *expected) {
  double ticks[XAI_TICKS];
  assert_int_equal(xai_ticks(lo, hi, ticks), n);
  for (int i = 0; i < n; i++) assert_true(fabs(ticks[i] - expected[i]) <= 1e-12 * (hi - lo));
}

static void ticks_are_round_and_few(void **state) {
  (void)state;
  assert_ticks(0, 1, 5, (const double[]){0, 0.25, 0.5, 0.75, 1});
  assert_ticks(0, 0.62, 4, (const double[]){0, 0.2, 0.4, 0.6});
  assert_ticks(-1, 1, 5, (const double[]){-1, -0.5, 0, 0.5, 1});
  assert_ticks(-1.8, 1.8, 3, (const double[]){-1, 0, 1});
  assert_ticks(0, 41, 5, (const double[]){0, 10, 20, 30, 40});
  assert_ticks(0, 1.9e-4, 4, (const double[]){0, 5e-5, 1e-4, 1.5e-4});
  assert_ticks(12.1, 12.4, 4, (const double[]){12.1, 12.2, 12.3, 12.4});
}

/* The law of the header, for axes of all sizes and offsets. */
static void there_are_always_three_to_five_of_them_inside(void **state) {
  (void)state;
  for (double length = 1e-30; length < 1e30; length *= 1.37)
    for (double offset = -7; offset < 7; offset += 0.173) {
      double lo = offset * length, hi = lo + length, ticks[XAI_TICKS];
      int n = xai_ticks(lo, hi, ticks);
      assert_in_range(n, 3, 5);
      assert_true(ticks[0] >= lo - 1e-6 * length && ticks[n - 1] <= hi + 1e-6 * length);
      double step = ticks[1] - ticks[0];
      for (int i = 2; i < n; i++) assert_true(fabs(ticks[i] - ticks[i - 1] - step) < 1e-6 * step);
      double digits = step / pow(10, floor(log10(step * 1.0001)));
      assert_true(fabs(digits - 1) < 1e-6 || fabs(digits - 2) < 1e-6 || fabs(digits - 2.5) < 1e-6 ||
                  fabs(digits - 5) < 1e-6);
    }
}

static void axes_beyond_all_sense_end_too(void **state) {
  (void)state;
  double ticks[XAI_TICKS];
  assert_in_range(xai_ticks(-8e307, 8e307, ticks), 3, 5);
  assert_in_range(xai_ticks(0, 5e-324, ticks), 0, 5);
  assert_in_range(xai_ticks(1e300, nextafter(1e300, INFINITY), ticks), 0, 5);
}

static void assert_number(double v, double largest, const char *expected) {
  char text[XAI_NUMBER_TEXT];
  xai_number_text(v, largest, text);
  assert_string_equal(text, expected);
}

#define MINUS "\xe2\x88\x92" /* U+2212 */

static void numbers_have_no_trailing_zeros(void **state) {
  (void)state;
  assert_number(0.62, 1, "0.62");
  assert_number(0.1 + 0.2, 1, "0.3");
  assert_number(3, 5, "3");
  assert_number(-2.5, 5, MINUS "2.5");
  assert_number(0, 5, "0");
  assert_number(25000, 50000, "25000");
}

static void small_and_large_axes_use_powers_of_ten(void **state) {
  (void)state;
  assert_number(1.5e-4, 2e-4, "1.5e" MINUS "4");
  assert_number(5e-5, 2e-4, "5e" MINUS "5");
  assert_number(-1e-12, 2e-12, MINUS "1e" MINUS "12");
  assert_number(0, 2e-4, "0");
  assert_number(2.5e5, 1e6, "2.5e5");
  assert_number(1e100, 1e100, "1e100");
}

static void one_axis_is_written_in_one_manner(void **state) {
  (void)state;
  assert_number(0.005, 0.02, "0.005");
  assert_number(0.005, 0.009, "5e" MINUS "3");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ticks_are_round_and_few),
      cmocka_unit_test(there_are_always_three_to_five_of_them_inside),
      cmocka_unit_test(axes_beyond_all_sense_end_too),
      cmocka_unit_test(numbers_have_no_trailing_zeros),
      cmocka_unit_test(small_and_large_axes_use_powers_of_ten),
      cmocka_unit_test(one_axis_is_written_in_one_manner),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
