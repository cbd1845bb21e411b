/* Filters: smooth or noise, with a direction or without one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "score/score.h"

enum { SIDE = 16 };
#define PI 3.14159265358979323846

static xai_score_looks measure(const float *w, int64_t c, int64_t h, int64_t width) {
  xai_score_looks m = {NAN, NAN, NAN, NAN};
  xai_err err = {""};
  assert_int_equal(xai_score_filter(w, c, h, width, &m, &err), XAI_OK);
  return m;
}

static void assert_near(double got, double want) {
  if (!(fabs(got - want) < 1e-6)) fail_msg("expected %.9g, got %.9g", want, got);
}

/* Adds a grating of u cycles across and v cycles down. */
static void add_grating(float w[SIDE * SIDE], double amplitude, int u, int v) {
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++) w[y * SIDE + x] += (float)(amplitude * cos(2 * PI * (u * x + v * y) / SIDE));
}

/* cos(pi x / 4), x = 0 .. 15: 1 s 0 -s -1 -s 0 s twice, s = sqrt(1/2); its square has the mean 1/2. All the way round the
 * products of neighbours sum up to 16 cos(pi/4) / 2 = 8 s; without the last with the first, s * 1, there are 15 of sum 7 s.
 * Beside one another: (7 s / 15) / (1/2) = 14 s / 15; below one another they are equal: 1. */
static void a_grating_is_smooth_and_has_a_direction(void **state) {
  (void)state;
  float w[SIDE * SIDE] = {0};
  add_grating(w, 1, 2, 0);
  xai_score_looks m = measure(w, 1, SIDE, SIDE);
  assert_near(m.smooth, (14 * sqrt(0.5) / 15 + 1) / 2);
  assert_near(m.oriented, 1);
  float down[SIDE * SIDE] = {0}, slanting[SIDE * SIDE] = {0};
  add_grating(down, 0.3, 0, 2);
  add_grating(slanting, 7, 3, -2);
  assert_near(measure(down, 1, SIDE, SIDE).smooth, m.smooth);
  assert_near(measure(down, 1, SIDE, SIDE).oriented, 1);
  assert_near(measure(slanting, 1, SIDE, SIDE).oriented, 1);
}

/* Power is the square of the amplitude. At right angles 3 and 1 leave (3 - 1) / (3 + 1), equal ones nothing; at 45 degrees
 * the doubled angles are at right angles: sqrt(1 + 1) / 2. */
static void directions_add_up_as_doubled_angles(void **state) {
  (void)state;
  float w[SIDE * SIDE] = {0}, even[SIDE * SIDE] = {0}, half[SIDE * SIDE] = {0};
  add_grating(w, sqrt(3), 3, 0);
  add_grating(w, 1, 0, 4);
  assert_near(measure(w, 1, SIDE, SIDE).oriented, 0.5);
  add_grating(even, 1, 3, 0);
  add_grating(even, 1, 0, 3);
  assert_near(measure(even, 1, SIDE, SIDE).oriented, 0);
  add_grating(half, 1, 3, 0);
  add_grating(half, 1, 2, 2);
  assert_near(measure(half, 1, SIDE, SIDE).oriented, sqrt(2) / 2);
}

/* A quarter turn changes nothing, but turns every e^(2 i theta) into its opposite: the sum is 0. */
static void a_blob_is_smooth_and_has_no_direction(void **state) {
  (void)state;
  float w[81];
  for (int y = -4; y <= 4; y++)
    for (int x = -4; x <= 4; x++) w[(y + 4) * 9 + x + 4] = (float)exp(-(x * x + y * y) / 4.0);
  xai_score_looks m = measure(w, 1, 9, 9);
  assert_true(m.smooth > 0.7);
  assert_near(m.oriented, 0);
}

/* Of n = 243 independent numbers the correlation has a deviation of about 1/sqrt(2 n) = 0.05. */
static void noise_is_neither_smooth_nor_directed(void **state) {
  (void)state;
  float w[3 * 81];
  for (uint64_t k = 0; k < 50; k++) {
    for (uint64_t i = 0; i < 3 * 81; i++) w[i] = (float)xai_rng_normal(xai_rng_stream(1, k), i);
    xai_score_looks m = measure(w, 3, 9, 9);
    assert_true(fabs(m.smooth) < 0.25);
    assert_true(m.oriented < 0.4);
  }
}

/* Neighbours 1 -1 0 0 0 ... of the two rows  1 -1 / -1 1  are opposite. */
static void small_filters_are_measured_along_the_axes_that_they_have(void **state) {
  (void)state;
  assert_near(measure((const float[]){1, -1, -1, 1}, 1, 2, 2).smooth, -1);
  assert_near(measure((const float[]){2, 0}, 1, 1, 2).smooth, -1); /* without the mean: 1 -1 */
  assert_near(measure((const float[]){2, 0}, 1, 2, 1).smooth, -1);
  assert_near(measure((const float[]){5, 3}, 2, 1, 1).smooth, 0); /* nothing but means */
}

static void neither_size_nor_a_constant_matters_and_channels_count_together(void **state) {
  (void)state;
  float w[2 * SIDE * SIDE] = {0}, flat[SIDE * SIDE];
  for (int i = 0; i < SIDE * SIDE; i++) flat[i] = 0.1f;
  assert_near(measure(flat, 1, SIDE, SIDE).smooth, 0);
  assert_near(measure(flat, 1, SIDE, SIDE).oriented, 0);
  add_grating(w, 1, 2, 0);
  add_grating(w + SIDE * SIDE, 1, 0, 2);
  for (int i = 0; i < SIDE * SIDE; i++) w[i] += 3;
  assert_near(measure(w, 2, SIDE, SIDE).smooth, (14 * sqrt(0.5) / 15 + 1) / 2);
  assert_near(measure(w, 2, SIDE, SIDE).oriented, 0);
}

/* Pixels of red, green, blue; grey is the mean of the three in each.
 * (1 0 0): 1 of energy, grey (1/3 1/3 1/3) has 1/3, so 2/3 is colour. (1 -1 0) has no grey. (2 2 2) is nothing but grey. All
 * together: energy 1 + 2 + 12 = 15, grey 1/3 + 0 + 12. */
static void colour_is_what_is_not_grey(void **state) {
  (void)state;
  assert_near(measure((const float[]){1, 0, 0}, 3, 1, 1).colour, 2.0 / 3);
  assert_near(measure((const float[]){1, -1, 0}, 3, 1, 1).colour, 1);
  assert_near(measure((const float[]){2, 2, 2}, 3, 1, 1).colour, 0);
  assert_near(measure((const float[]){1, 1, 2, 0, -1, 2, 0, 0, 2}, 3, 1, 3).colour, 1 - (12 + 1.0 / 3) / 15);
  assert_near(measure((const float[]){5, -3}, 1, 1, 2).colour, 0); /* one channel has no colour */
  assert_near(measure((const float[]){0, 0, 0}, 3, 1, 1).colour, 0);
}

/* 3 1 has the mean 2: 2 * 2^2 of 9 + 1. */
static void what_is_the_same_everywhere_is_even(void **state) {
  (void)state;
  assert_near(measure((const float[]){3, 1}, 1, 1, 2).even, 0.8);
  assert_near(measure((const float[]){3, -3}, 1, 1, 2).even, 0);
  assert_near(measure((const float[]){3, 3, -1, -1}, 2, 1, 2).even, 1); /* each channel on its own */
  assert_near(measure((const float[]){0, 0}, 1, 1, 2).even, 0);
}

static void short_memory_and_a_request_to_stop_are_errors(void **state) {
  (void)state;
  const float w[4] = {1, 2, 3, 5};
  xai_score_looks looks;
  xai_err err = {""};
  for (int k = 0; k < 2; k++) {
    xai_mem_fail_after(k, false);
    assert_int_equal(xai_score_filter(w, 1, 2, 2, &looks, &err), XAI_ENOMEM);
    xai_mem_fail_after(-1, false);
  }
  xai_stop_request();
  assert_int_equal(xai_score_filter(w, 1, 2, 2, &looks, &err), XAI_ESTOP);
  xai_stop_clear();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_grating_is_smooth_and_has_a_direction),
      cmocka_unit_test(directions_add_up_as_doubled_angles),
      cmocka_unit_test(a_blob_is_smooth_and_has_no_direction),
      cmocka_unit_test(noise_is_neither_smooth_nor_directed),
      cmocka_unit_test(small_filters_are_measured_along_the_axes_that_they_have),
      cmocka_unit_test(neither_size_nor_a_constant_matters_and_channels_count_together),
      cmocka_unit_test(colour_is_what_is_not_grey),
      cmocka_unit_test(what_is_the_same_everywhere_is_even),
      cmocka_unit_test(short_memory_and_a_request_to_stop_are_errors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
