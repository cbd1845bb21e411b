/* Scales, from values small enough to sort by eye. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "viz/viz.h"

#define COUNT(v) ((int64_t)(sizeof(v) / sizeof *(v)))

static void assert_scale(xai_scale s, double lo, double hi) {
  assert_true(fabs(s.lo - lo) <= 1e-6 * fabs(lo));
  assert_true(fabs(s.hi - hi) <= 1e-6 * fabs(hi));
}

static void values_above_zero_are_scaled_from_zero(void **state) {
  (void)state;
  float v[] = {2, 5, 3};
  assert_scale(xai_scale_of(v, COUNT(v), false, 1), 0, 5);
}

static void a_sequential_scale_reaches_down_to_negative_values(void **state) {
  (void)state;
  float v[] = {2, -1, 3}, below[] = {-4, -2};
  assert_scale(xai_scale_of(v, COUNT(v), false, 1), -1, 3);
  assert_scale(xai_scale_of(below, COUNT(below), false, 1), -4, -2);
}

static void a_diverging_scale_is_symmetric(void **state) {
  (void)state;
  float v[] = {2, -7, 3};
  assert_scale(xai_scale_of(v, COUNT(v), true, 1), -7, 7);
}

/* |v| sorted is 1 2 3 10; the quantile 0.5 lies at position 0.5 * 3 = 1.5, half-way from 2 to 3;
 * 0.9 at 2.7: 3 + 0.7 * 7 = 7.9. */
static void a_quantile_of_the_magnitudes_takes_the_place_of_the_maximum(void **state) {
  (void)state;
  float v[] = {-3, 1, 10, 2};
  assert_scale(xai_scale_of(v, COUNT(v), true, 0.5), -2.5, 2.5);
  assert_scale(xai_scale_of(v, COUNT(v), true, 0.9), -7.9, 7.9);
  assert_scale(xai_scale_of(v, COUNT(v), false, 0.9), -3, 7.9);
  assert_scale(xai_scale_of(v, COUNT(v), false, 0.5), -2.5, 2.5);
}

/* 0 .. 100 in a shuffled order (37 is prime to 101), signs alternating: the 0.99 quantile is 99. */
static void one_per_cent_is_clipped_at_the_quantile_099(void **state) {
  (void)state;
  float v[101];
  for (int i = 0; i < 101; i++) v[i] = (float)(i * 37 % 101 * (i % 2 == 0 ? 1 : -1));
  assert_scale(xai_scale_of(v, COUNT(v), true, 0.99), -99, 99);
  assert_scale(xai_scale_of(v, COUNT(v), true, 0.25), -25, 25);
}

static void numbers_of_all_sizes_are_ordered(void **state) {
  (void)state;
  float v[] = {1e30f, 1e-40f, -1e-3f, 7, -1e10f};
  assert_scale(xai_scale_of(v, COUNT(v), true, 0.5), -7, 7);
  assert_scale(xai_scale_of(v, COUNT(v), true, 0.75), -1e10, 1e10);
}

static void nothing_but_zeros_gives_the_unit_scale(void **state) {
  (void)state;
  float v[] = {0, -0.0f, 0};
  assert_scale(xai_scale_of(v, COUNT(v), false, 1), 0, 1);
  assert_scale(xai_scale_of(v, COUNT(v), true, 0.9), -1, 1);
  assert_scale(xai_scale_of(NULL, 0, true, 1), -1, 1);
}

static void nan_and_infinities_are_left_out(void **state) {
  (void)state;
  float v[] = {NAN, 4, INFINITY, -2, -INFINITY}, none[] = {NAN, INFINITY};
  assert_scale(xai_scale_of(v, COUNT(v), true, 1), -4, 4);
  assert_scale(xai_scale_of(v, COUNT(v), false, 1), -2, 4);
  assert_scale(xai_scale_of(v, COUNT(v), true, 0.5), -3, 3);
  assert_scale(xai_scale_of(none, COUNT(none), false, 0.5), 0, 1);
}

static void a_map_of_mostly_zeros_keeps_its_maximum(void **state) {
  (void)state;
  float v[1000] = {0};
  v[17] = 3;
  assert_scale(xai_scale_of(v, COUNT(v), false, 0.99), 0, 3);
}

static void the_ends_are_never_equal(void **state) {
  (void)state;
  float v[] = {-3, -3}, w[] = {-1, -1, -1, -9};
  assert_scale(xai_scale_of(v, COUNT(v), false, 1), -3, 0);
  assert_scale(xai_scale_of(w, COUNT(w), false, 0.5), -1, 0);
}

static void a_quantile_out_of_range_means_the_maximum(void **state) {
  (void)state;
  float v[] = {1, 2, 3};
  assert_scale(xai_scale_of(v, COUNT(v), false, NAN), 0, 3);
  assert_scale(xai_scale_of(v, COUNT(v), false, -1), 0, 3);
  assert_scale(xai_scale_of(v, COUNT(v), false, 7), 0, 3);
}

/* |v| sorted is 1 2 3 4 10, in all 20: 0.98 of it is 19.6, which takes the 10; 0.5 is 10 = 1 + 2 + 3 + 4, which 4 reaches;
 * 0.45 is 9: 6 up to 3, so 4 again; 0.3 is 6, which 3 reaches. */
static void a_share_of_the_mass_is_reached_by_the_smallest_magnitudes(void **state) {
  (void)state;
  float v[] = {-3, 1, 10, 2, -4};
  assert_scale(xai_scale_of_mass(v, COUNT(v), true, 0.98), -10, 10);
  assert_scale(xai_scale_of_mass(v, COUNT(v), true, 0.5), -4, 4);
  assert_scale(xai_scale_of_mass(v, COUNT(v), true, 0.45), -4, 4);
  assert_scale(xai_scale_of_mass(v, COUNT(v), false, 0.3), -3, 3);
  assert_scale(xai_scale_of_mass(v, COUNT(v), true, 1), -10, 10);
}

/* 1 to 100 sum up to 5050; 98 % are 4949, and 1 to 98 sum up to 4851, 1 to 99 to 4950. NaN and infinity do not count. */
static void the_mass_of_a_hundred_numbers(void **state) {
  (void)state;
  float v[102];
  for (int i = 0; i < 100; i++) v[i] = (float)(i * 37 % 100 + 1);
  v[100] = NAN;
  v[101] = INFINITY;
  assert_scale(xai_scale_of_mass(v, COUNT(v), false, 0.98), 0, 99);
  float zero[3] = {0};
  assert_scale(xai_scale_of_mass(zero, 3, false, 0.98), 0, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_share_of_the_mass_is_reached_by_the_smallest_magnitudes),
      cmocka_unit_test(the_mass_of_a_hundred_numbers),
      cmocka_unit_test(values_above_zero_are_scaled_from_zero),
      cmocka_unit_test(a_sequential_scale_reaches_down_to_negative_values),
      cmocka_unit_test(a_diverging_scale_is_symmetric),
      cmocka_unit_test(a_quantile_of_the_magnitudes_takes_the_place_of_the_maximum),
      cmocka_unit_test(one_per_cent_is_clipped_at_the_quantile_099),
      cmocka_unit_test(numbers_of_all_sizes_are_ordered),
      cmocka_unit_test(nothing_but_zeros_gives_the_unit_scale),
      cmocka_unit_test(nan_and_infinities_are_left_out),
      cmocka_unit_test(a_map_of_mostly_zeros_keeps_its_maximum),
      cmocka_unit_test(the_ends_are_never_equal),
      cmocka_unit_test(a_quantile_out_of_range_means_the_maximum),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
