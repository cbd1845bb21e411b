/* Backgrounds: what distinguishes one kind from another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "scenes/compose.h"

enum { SIDE = 128 };
static uint8_t rgb[3 * SIDE * SIDE], owner[SIDE * SIDE];
static const uint8_t black_white[2][3] = {{0, 0, 0}, {255, 255, 255}};

static void paint(int w, int h, xai_backdrop kind, const uint8_t colours[2][3], uint64_t seed) {
  xai_canvas c = {w, h, rgb, owner};
  xai_dice d = dice_of(seed, 0);
  size_t room = xai_backdrop__scratch(w, h);
  float *scratch = xai_alloc(room * sizeof *scratch);
  assert_non_null(scratch);
  xai_backdrop__paint(&c, kind, colours, &d, scratch);
  xai_free(scratch);
}

static int at(int x, int y) { return rgb[3 * (y * SIDE + x)]; }

/* The allocation is as large as promised (the sanitizer watches), whatever the sides. */
static void every_kind_fills_pictures_of_all_sizes(void **state) {
  (void)state;
  const int sides[] = {16, 17, 31, 64, 97, 128};
  for (int kind = 0; kind <= XAI_BACKDROPS; kind++)
    for (int i = 0; i < 36; i++) {
      int w = sides[i / 6], h = sides[i % 6];
      memset(owner, 9, sizeof owner);
      paint(w, h, (xai_backdrop)kind, NULL, (uint64_t)i);
      for (int k = 0; k < w * h; k++) assert_int_equal(owner[k], 0);
    }
}

static void a_seed_gives_one_picture_and_another_seed_another(void **state) {
  (void)state;
  static uint8_t first[sizeof rgb];
  for (int kind = 0; kind <= XAI_BACKDROPS; kind++) {
    paint(SIDE, SIDE, (xai_backdrop)kind, NULL, 1);
    memcpy(first, rgb, sizeof rgb);
    paint(SIDE, SIDE, (xai_backdrop)kind, NULL, 2);
    assert_memory_not_equal(first, rgb, sizeof rgb);
    paint(SIDE, SIDE, (xai_backdrop)kind, NULL, 1);
    assert_memory_equal(first, rgb, sizeof rgb);
  }
}

/* A sinusoid between black and white: along a line it is symmetric about grey, and each value v is followed by one that
 * the wave's curvature tells: v(x - 1) + v(x + 1) = 2 cos(step) v(x), with the same step everywhere. */
static void a_grating_is_a_sinusoid(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 20; seed++) {
    paint(SIDE, SIDE, XAI_BACKDROP_GRATING, black_white, seed);
    double top = 0, below = 0;
    for (int y = 0; y < SIDE; y++)
      for (int x = 1; x + 1 < SIDE; x++) {
        double v = at(x, y) - 127.5;
        top += (at(x - 1, y) + at(x + 1, y) - 255) * v;
        below += 2 * v * v;
      }
    double cosine = top / below;
    assert_in_range(cosine * 1e6 + 1e6, 0, 2e6 + 100);
    for (int y = 0; y < SIDE; y++)
      for (int x = 1; x + 1 < SIDE; x++) {
        double expected = 2 * cosine * (at(x, y) - 127.5);
        assert_true(fabs(at(x - 1, y) + at(x + 1, y) - 255 - expected) < 3);
      }
  }
}

/* Nearly all pixels of stripes and checkers have one of the two colours; a grating has few of them. */
static void stripes_and_checkers_have_two_colours(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 20; seed++) {
    int pure[3] = {0};
    const xai_backdrop kinds[3] = {XAI_BACKDROP_STRIPES, XAI_BACKDROP_CHECKER, XAI_BACKDROP_GRATING};
    for (int k = 0; k < 3; k++) {
      paint(SIDE, SIDE, kinds[k], black_white, seed);
      for (int i = 0; i < SIDE * SIDE; i++) pure[k] += rgb[3 * i] <= 1 || rgb[3 * i] >= 254;
    }
    assert_true(pure[0] > 0.5 * SIDE * SIDE);
    assert_true(pure[1] > 0.35 * SIDE * SIDE);
    assert_true(pure[2] < 0.2 * SIDE * SIDE);
  }
}

/* Amplitude 1/f: the mean squared difference of pixels at distance s grows slowly with s (as log s); for white noise it
 * would not grow at all, for a ramp as s squared: 16 times from 8 to 32. */
static void noise_has_detail_at_every_scale(void **state) {
  (void)state;
  double at_distance[3] = {0};
  const int distance[3] = {2, 8, 32};
  for (uint64_t seed = 0; seed < 20; seed++) {
    paint(SIDE, SIDE, XAI_BACKDROP_NOISE, black_white, seed);
    for (int k = 0; k < 3; k++)
      for (int y = 0; y < SIDE; y++)
        for (int x = 0; x + distance[k] < SIDE; x++) {
          double v = at(x, y) - at(x + distance[k], y);
          at_distance[k] += v * v / (SIDE - distance[k]);
        }
  }
  assert_true(at_distance[1] > 1.3 * at_distance[0] && at_distance[1] < 6 * at_distance[0]);
  assert_true(at_distance[2] > 1.1 * at_distance[1] && at_distance[2] < 6 * at_distance[1]);
}

/* A plane: the second difference of what is linear is 0, up to rounding of each term. */
static void plain_ones_shade_linearly(void **state) {
  (void)state;
  const uint8_t inside[2][3] = {{80, 80, 80}, {170, 170, 170}}; /* not cut off at the corners: 125 +- 45 * sqrt 2 */
  for (uint64_t seed = 0; seed < 20; seed++) {
    paint(SIDE, SIDE, XAI_BACKDROP_PLAIN, inside, seed);
    for (int y = 0; y < SIDE; y++)
      for (int x = 10; x + 10 < SIDE; x++) assert_in_range(at(x - 10, y) + at(x + 10, y) - 2 * at(x, y) + 2, 0, 4);
  }
}

static void ramps_are_nearly_grey(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 20; seed++) {
    paint(SIDE, SIDE, XAI_BACKDROP_RAMP, NULL, seed);
    for (int i = 0; i < SIDE * SIDE; i++) {
      const uint8_t *p = rgb + 3 * i;
      assert_true(abs(p[0] - p[1]) <= 24 && abs(p[1] - p[2]) <= 24 && abs(p[0] - p[2]) <= 24);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_fills_pictures_of_all_sizes),
      cmocka_unit_test(a_seed_gives_one_picture_and_another_seed_another),
      cmocka_unit_test(a_grating_is_a_sinusoid),
      cmocka_unit_test(stripes_and_checkers_have_two_colours),
      cmocka_unit_test(noise_has_detail_at_every_scale),
      cmocka_unit_test(plain_ones_shade_linearly),
      cmocka_unit_test(ramps_are_nearly_grey),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
