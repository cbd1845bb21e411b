/* Colour maps: their ends, and laws of lightness. Lightness is worked out here from the colours, by the forward
 * formulas of sRGB and CIE L*; the maps were made with the inverse ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "viz/viz.h"

static const xai_cmap *map(const char *name) {
  const xai_cmap *m = NULL;
  xai_err err;
  assert_int_equal(xai_cmap_find(name, &m, &err), XAI_OK);
  assert_string_equal(xai_cmap_name(m), name);
  return m;
}

static double linear(uint8_t code) {
  double v = code / 255.0;
  return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double lightness(const xai_cmap *m, double t) {
  uint8_t c[3];
  xai_cmap_rgb(m, t, c);
  double y = 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
  return y > 216.0 / 24389 ? 116 * cbrt(y) - 16 : 24389.0 / 27 * y;
}

static void assert_colour(const xai_cmap *m, double t, int r, int g, int b) {
  uint8_t c[3];
  xai_cmap_rgb(m, t, c);
  assert_int_equal(c[0], r);
  assert_int_equal(c[1], g);
  assert_int_equal(c[2], b);
}

static void sequential_maps_grow_lighter_in_even_steps(void **state) {
  (void)state;
  const char *names[] = {"inferno", "viridis", "grey"};
  for (int k = 0; k < 3; k++) {
    const xai_cmap *m = map(names[k]);
    assert_false(xai_cmap_diverging(m));
    double least = INFINITY, most = 0;
    for (int i = 0; i < 32; i++) {
      double step = lightness(m, (i + 1) / 32.0) - lightness(m, i / 32.0);
      least = fmin(least, step);
      most = fmax(most, step);
    }
    assert_true(least > 0);
    assert_true(most < 2 * least);
  }
}

static void inferno_goes_from_nearly_black_to_nearly_white(void **state) {
  (void)state;
  assert_true(lightness(map("inferno"), 0) < 3);
  assert_true(lightness(map("inferno"), 1) > 95);
}

/* 255 t rounded, also at 0.5: 127.5 becomes 128. */
static void grey_is_the_value_itself(void **state) {
  (void)state;
  assert_colour(map("grey"), 0, 0, 0, 0);
  assert_colour(map("grey"), 0.25, 64, 64, 64);
  assert_colour(map("grey"), 0.5, 128, 128, 128);
  assert_colour(map("grey"), 1, 255, 255, 255);
}

/* Red is 1.5 - |4t - 3|, green 1.5 - |4t - 2|, blue 1.5 - |4t - 1|, clipped: at 0 blue is 0.5, at 1/2 the two others
 * are. */
static void jet_goes_from_dark_blue_to_dark_red(void **state) {
  (void)state;
  assert_colour(map("jet"), 0, 0, 0, 128);
  assert_colour(map("jet"), 0.125, 0, 0, 255);
  assert_colour(map("jet"), 0.375, 0, 255, 255);
  assert_colour(map("jet"), 0.5, 128, 255, 128);
  assert_colour(map("jet"), 1, 128, 0, 0);
}

static void diverging_is_white_in_the_middle_blue_below_and_red_above(void **state) {
  (void)state;
  const xai_cmap *m = map("diverging");
  assert_true(xai_cmap_diverging(m));
  assert_colour(m, 0.5, 255, 255, 255);
  for (int i = 1; i <= 8; i++) {
    uint8_t below[3], above[3];
    xai_cmap_rgb(m, 0.5 - i / 16.0, below);
    xai_cmap_rgb(m, 0.5 + i / 16.0, above);
    assert_true(below[2] > below[1] && below[1] > below[0]);
    assert_true(above[0] > above[1] && above[0] > above[2]);
  }
}

static void diverging_is_equally_dark_on_both_sides(void **state) {
  (void)state;
  const xai_cmap *m = map("diverging");
  for (int i = 0; i <= 128; i++) assert_true(fabs(lightness(m, i / 256.0) - lightness(m, 1 - i / 256.0)) <= 1);
  for (int i = 0; i < 32; i++) assert_true(lightness(m, (i + 1) / 64.0) > lightness(m, i / 64.0));
  assert_true(lightness(m, 0) < 30);
}

/* In grey print the maps must still be told apart from a sheet of paper and from each other's steps: 16 steps of lightness
 * of at least 3 each, where one is just seen. jet is no such map: its lightness falls where it should rise. */
static void sixteen_steps_are_seen_in_grey_print_but_not_of_jet(void **state) {
  (void)state;
  const char *names[] = {"inferno", "viridis", "grey"};
  for (int k = 0; k < 3; k++)
    for (int i = 0; i < 16; i++)
      assert_true(lightness(map(names[k]), (i + 1) / 16.0) - lightness(map(names[k]), i / 16.0) >= 3);
  bool falls = false;
  for (int i = 0; i < 16; i++) falls = falls || lightness(map("jet"), (i + 1) / 16.0) < lightness(map("jet"), i / 16.0);
  assert_true(falls);
}

static void class_colours_differ_and_are_seen_on_white(void **state) {
  (void)state;
  for (int i = 0; i < XAI_CLASS_COLOURS; i++) {
    uint8_t a[3], b[3];
    xai_class_colour(i, a);
    assert_true(0.2126 * linear(a[0]) + 0.7152 * linear(a[1]) + 0.0722 * linear(a[2]) < 0.5); /* contrast to white */
    for (int k = 0; k < i; k++) {
      xai_class_colour(k, b);
      assert_true(abs(a[0] - b[0]) + abs(a[1] - b[1]) + abs(a[2] - b[2]) > 80);
    }
    xai_class_colour(i + XAI_CLASS_COLOURS, b);
    assert_memory_equal(a, b, 3);
  }
}

static void values_outside_are_clipped_and_nan_is_grey(void **state) {
  (void)state;
  const xai_cmap *m = map("jet");
  assert_colour(m, -7, 0, 0, 128);
  assert_colour(m, -INFINITY, 0, 0, 128);
  assert_colour(m, 1e30, 128, 0, 0);
  assert_colour(m, INFINITY, 128, 0, 0);
  assert_colour(m, NAN, 128, 128, 128);
}

static void the_table_holds_the_same_colours(void **state) {
  (void)state;
  const xai_cmap *m = map("inferno");
  uint8_t table[XAI_CMAP_COLOURS + 1][3], c[3];
  xai_cmap_table(m, table);
  for (double t = -0.1; t < 1.1; t += 0.001) {
    xai_cmap_rgb(m, t, c);
    assert_memory_equal(c, table[xai_cmap_index(t)], 3);
  }
  xai_cmap_rgb(m, NAN, c);
  assert_memory_equal(c, table[xai_cmap_index(NAN)], 3);
}

static void an_unknown_name_lists_the_maps(void **state) {
  (void)state;
  const xai_cmap *m = NULL;
  xai_err err;
  assert_int_equal(xai_cmap_find("infreno", &m, &err), XAI_ENOTFOUND);
  assert_null(m);
  assert_string_equal(err.text, "no colour map 'infreno' (colour maps: inferno, viridis, grey, jet, diverging); "
                                "did you mean 'inferno'?");
  assert_int_equal(xai_cmap_find("", &m, &err), XAI_ENOTFOUND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sequential_maps_grow_lighter_in_even_steps),
      cmocka_unit_test(inferno_goes_from_nearly_black_to_nearly_white),
      cmocka_unit_test(grey_is_the_value_itself),
      cmocka_unit_test(jet_goes_from_dark_blue_to_dark_red),
      cmocka_unit_test(diverging_is_white_in_the_middle_blue_below_and_red_above),
      cmocka_unit_test(diverging_is_equally_dark_on_both_sides),
      cmocka_unit_test(sixteen_steps_are_seen_in_grey_print_but_not_of_jet),
      cmocka_unit_test(class_colours_differ_and_are_seen_on_white),
      cmocka_unit_test(values_outside_are_clipped_and_nan_is_grey),
      cmocka_unit_test(the_table_holds_the_same_colours),
      cmocka_unit_test(an_unknown_name_lists_the_maps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
