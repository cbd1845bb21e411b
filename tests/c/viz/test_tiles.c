/* Filters and maps side by side: pixels that can be worked out in the head. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/alloc.h"
#include "viz/viz.h"

static xai_image *tiles(const float *v, int n, int c, int h, int w, xai_tiles_opts opts, xai_scale *scale) {
  xai_image *out = NULL;
  xai_err err = {""};
  if (xai_tiles(v, n, c, h, w, &opts, &out, scale, &err) != XAI_OK) fail_msg("%s", err.text);
  return out;
}

static int red(const xai_image *img, int x, int y) { return img->rgb[3 * (y * img->width + x)]; }

/* Three maps of 1 x 2 in two columns with a white pixel between: 5 x 3. Each from 0 to its maximum: 2 of 4 is 128. */
static void maps_stand_row_by_row_each_on_its_own_scale(void **state) {
  (void)state;
  const float v[] = {0, 4, 2, 4, 8, 0};
  xai_scale scale;
  xai_image *img = tiles(v, 3, 1, 1, 2, (xai_tiles_opts){.columns = 2, .gap = 1}, &scale);
  assert_int_equal(img->width, 5);
  assert_int_equal(img->height, 3);
  const int want[3][5] = {{0, 255, 255, 128, 255}, {255, 255, 255, 255, 255}, {255, 0, 255, 255, 255}};
  for (int y = 0; y < 3; y++)
    for (int x = 0; x < 5; x++) assert_int_equal(red(img, x, y), want[y][x]);
  assert_true(scale.lo == 0 && scale.hi == 8);
  xai_image_free(img);
}

/* On one scale up to 8, 4 is 128 and 2 is 64. */
static void one_scale_for_all_keeps_them_comparable(void **state) {
  (void)state;
  const float v[] = {0, 4, 2, 4, 8, 0};
  xai_scale scale;
  xai_image *img = tiles(v, 3, 1, 1, 2, (xai_tiles_opts){.columns = 3, .alike = 3}, &scale);
  const int want[] = {0, 128, 64, 128, 255, 0};
  for (int x = 0; x < 6; x++) assert_int_equal(red(img, x, 0), want[x]);
  xai_image_free(img);
}

/* Rows of two: 4 is the most of the first row, 8 of the second; 2 of 8 is 64. The last row has one tile. */
static void tiles_of_a_row_may_share_a_scale(void **state) {
  (void)state;
  const float v[] = {4, 2, 8, 2, 1};
  xai_scale scale;
  xai_image *img = tiles(v, 5, 1, 1, 1, (xai_tiles_opts){.columns = 2, .alike = 2}, &scale);
  const int want[] = {255, 128, 255, 64, 255};
  for (int i = 0; i < 5; i++) assert_int_equal(red(img, i % 2, i / 2), want[i]);
  xai_image_free(img);
}

static void gaps_may_have_a_colour(void **state) {
  (void)state;
  const float v[] = {1, 1, 1};
  const uint8_t blue[] = {10, 20, 200};
  xai_scale scale;
  xai_image *img = tiles(v, 3, 1, 1, 1, (xai_tiles_opts){.columns = 2, .gap = 1, .between = blue}, &scale);
  const bool tile[3][3] = {{true, false, true}, {false, false, false}, {true, false, false}}; /* no fourth one */
  for (int y = 0; y < 3; y++)
    for (int x = 0; x < 3; x++) assert_int_equal(img->rgb[3 * (y * 3 + x)], tile[y][x] ? 255 : 10);
  assert_int_equal(img->rgb[5], 200);
  xai_image_free(img);
}

/* Nine threes get both diagonals; a map with a single 1 among zeros stays as it is. */
static void a_tile_of_one_value_is_crossed_out(void **state) {
  (void)state;
  const float v[] = {3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0};
  xai_scale scale;
  xai_image *img = tiles(v, 2, 1, 3, 3, (xai_tiles_opts){.columns = 2, .cross = true}, &scale);
  const bool crossed[3][3] = {{true, false, true}, {false, true, false}, {true, false, true}};
  for (int y = 0; y < 3; y++)
    for (int x = 0; x < 3; x++) {
      const uint8_t *p = img->rgb + 3 * (y * 6 + x);
      assert_int_equal(p[0] == 230 && p[1] == 159 && p[2] == 0, crossed[y][x]);
      assert_int_equal(red(img, 3 + x, y), x == 1 && y == 0 ? 255 : 0);
    }
  xai_image_free(img);
  img = tiles(v, 1, 1, 3, 3, (xai_tiles_opts){0}, &scale); /* not asked for */
  assert_int_equal(img->rgb[0], img->rgb[3]);
  xai_image_free(img);
}

/* One filter of 1 x 1, channels -1 0 1: from black to white, 0 in the middle; in the other order for a BGR network. */
static void colour_filters_go_from_their_least_to_their_largest_weight(void **state) {
  (void)state;
  const float v[] = {-1, 0, 1};
  xai_scale scale;
  for (int bgr = 0; bgr < 2; bgr++) {
    xai_image *img = tiles(v, 1, 3, 1, 1, (xai_tiles_opts){.bgr = bgr}, &scale);
    assert_int_equal(img->rgb[0], bgr ? 255 : 0);
    assert_int_equal(img->rgb[1], 128);
    assert_int_equal(img->rgb[2], bgr ? 0 : 255);
    assert_true(scale.lo == -1 && scale.hi == 1);
    xai_image_free(img);
  }
}

static void tiles_without_a_number_of_columns_make_about_a_square(void **state) {
  (void)state;
  static const float v[64];
  xai_scale scale;
  xai_image *img = tiles(v, 64, 1, 1, 1, (xai_tiles_opts){0}, &scale);
  assert_int_equal(img->width, 8);
  assert_int_equal(img->height, 8);
  xai_image_free(img);
  img = tiles(v, 48, 1, 1, 1, (xai_tiles_opts){0}, &scale); /* 7 columns would leave a place empty, 8 do not */
  assert_int_equal(img->width, 8);
  assert_int_equal(img->height, 6);
  xai_image_free(img);
  img = tiles(v, 47, 1, 1, 1, (xai_tiles_opts){0}, &scale); /* no number from 7 to 10 divides 47 */
  assert_int_equal(img->width, 7);
  xai_image_free(img);
}

static void values_that_are_no_numbers_do_no_harm(void **state) {
  (void)state;
  const float v[] = {NAN, INFINITY, -INFINITY, NAN, NAN, NAN};
  xai_scale scale;
  xai_image *img = tiles(v, 2, 3, 1, 1, (xai_tiles_opts){0}, &scale);
  assert_int_equal(img->rgb[0], 128);
  assert_true(scale.lo < scale.hi);
  xai_image_free(img);
}

static void senseless_arguments_are_refused_and_every_allocation_may_fail(void **state) {
  (void)state;
  const float v[6] = {0};
  xai_image *out = NULL;
  xai_scale scale;
  xai_err err;
  xai_tiles_opts o = {0};
  assert_int_equal(xai_tiles(v, 0, 1, 1, 1, &o, &out, &scale, &err), XAI_ESHAPE);
  assert_int_equal(xai_tiles(v, 3, 2, 1, 1, &o, &out, &scale, &err), XAI_ESHAPE);
  assert_string_equal(err.text, "tiles: expected N maps of 1 or 3 channels, got 3x2x1x1");
  o.gap = -1;
  assert_int_equal(xai_tiles(v, 3, 1, 1, 1, &o, &out, &scale, &err), XAI_EARG);
  o = (xai_tiles_opts){.columns = 1, .gap = 10000};
  assert_int_equal(xai_tiles(v, 3, 1, 1, 1, &o, &out, &scale, &err), XAI_EARG);
  assert_null(out);
  o = (xai_tiles_opts){0};
  size_t live = xai_mem_live();
  for (int k = 0; out == NULL; k++) {
    xai_mem_fail_after(k, false);
    xai_status st = xai_tiles(v, 3, 1, 1, 2, &o, &out, &scale, &err);
    xai_mem_fail_after(-1, false);
    assert_int_equal(st, out == NULL ? XAI_ENOMEM : XAI_OK);
    if (out == NULL) assert_int_equal(xai_mem_live(), live);
  }
  xai_image_free(out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(maps_stand_row_by_row_each_on_its_own_scale),
      cmocka_unit_test(one_scale_for_all_keeps_them_comparable),
      cmocka_unit_test(tiles_of_a_row_may_share_a_scale),
      cmocka_unit_test(gaps_may_have_a_colour),
      cmocka_unit_test(a_tile_of_one_value_is_crossed_out),
      cmocka_unit_test(colour_filters_go_from_their_least_to_their_largest_weight),
      cmocka_unit_test(tiles_without_a_number_of_columns_make_about_a_square),
      cmocka_unit_test(values_that_are_no_numbers_do_no_harm),
      cmocka_unit_test(senseless_arguments_are_refused_and_every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
