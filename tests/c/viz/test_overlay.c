/* Heat maps and overlays, worked by hand in the grey map, whose colour is the value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "viz/viz.h"

static const xai_cmap *grey(void) {
  const xai_cmap *m = NULL;
  assert_int_equal(xai_cmap_find("grey", &m, NULL), XAI_OK);
  return m;
}

static xai_image *flat(int w, int h, uint8_t level) {
  xai_image *img = NULL;
  assert_int_equal(xai_image_new(w, h, &img, NULL), XAI_OK);
  memset(img->rgb, level, (size_t)w * (size_t)h * 3);
  return img;
}

static void assert_levels(const xai_image *img, const uint8_t *level) {
  for (int i = 0; i < img->width * img->height; i++)
    for (int k = 0; k < 3; k++) assert_int_equal(img->rgb[3 * i + k], level[i]);
}

/* Scale -1..3: -1 is 0, 1 is the middle, 128 of 255, 3 and above are 255, NaN is mid grey. */
static void heat_colours_each_value_on_the_given_scale(void **state) {
  (void)state;
  float v[] = {-1, 1, 3, 100, -100, NAN};
  xai_image *out = NULL;
  assert_int_equal(xai_heat(v, 2, 3, grey(), (xai_scale){-1, 3}, &out, NULL), XAI_OK);
  assert_int_equal(out->width, 3);
  assert_int_equal(out->height, 2);
  assert_levels(out, (const uint8_t[]){0, 128, 255, 255, 0, 128});
  xai_image_free(out);
}

/* 0 1 on four pixels: centres at (i + 1/2) * 2/4 - 1/2 = -1/4, 1/4, 3/4, 5/4, so 0 1/4 3/4 1. In grey: 0, 64 (63.75),
 * 191 (191.25), 255. Half of that and half of 100: 50, 82, 145.5, 177.5, halves up. */
static void overlay_mixes_the_upsampled_map_with_the_picture(void **state) {
  (void)state;
  float v[] = {0, 1};
  xai_image *img = flat(4, 1, 100), *out = NULL;
  assert_int_equal(xai_overlay(img, v, 1, 2, grey(), (xai_scale){0, 1}, 0.5, &out, NULL), XAI_OK);
  assert_levels(out, (const uint8_t[]){50, 82, 146, 178});
  xai_image_free(out);
  xai_image_free(img);
}

static void share_0_is_the_picture_and_share_1_the_heat_map(void **state) {
  (void)state;
  float v[] = {0, 1, 2, 3};
  xai_image *img = flat(2, 2, 77), *out = NULL;
  assert_int_equal(xai_overlay(img, v, 2, 2, grey(), (xai_scale){0, 3}, 0, &out, NULL), XAI_OK);
  assert_levels(out, (const uint8_t[]){77, 77, 77, 77});
  xai_image_free(out);
  assert_int_equal(xai_overlay(img, v, 2, 2, grey(), (xai_scale){0, 3}, 1, &out, NULL), XAI_OK);
  assert_levels(out, (const uint8_t[]){0, 85, 170, 255});
  xai_image_free(out);
  xai_image_free(img);
}

/* Brightness is not stretched: 0.6 * 200 stays 120 though nothing in the result is brighter. */
static void an_overlay_is_not_rescaled(void **state) {
  (void)state;
  float v[] = {0};
  xai_image *img = flat(2, 1, 200), *out = NULL;
  assert_int_equal(xai_overlay(img, v, 1, 1, grey(), (xai_scale){0, 1}, 0.4, &out, NULL), XAI_OK);
  assert_levels(out, (const uint8_t[]){120, 120});
  xai_image_free(out);
  xai_image_free(img);
}

/* With 4 for white: 128 + 127 * v / 4. -4: 1, -2: 64.5 up to 65, 0: 128, 2: 191.5 up to 192, 4: 255. */
static void signed_pictures_are_grey_at_zero(void **state) {
  (void)state;
  float v[] = {-4, -2, 0, 2, 4, NAN};
  xai_image *out = NULL;
  assert_int_equal(xai_signed_picture(v, 1, 1, 6, false, 4, &out, NULL), XAI_OK);
  assert_levels(out, (const uint8_t[]){1, 65, 128, 192, 255, 128});
  xai_image_free(out);
  float zero[3] = {0};
  assert_int_equal(xai_signed_picture(zero, 3, 1, 1, true, 1, &out, NULL), XAI_OK);
  assert_levels(out, (const uint8_t[]){128});
  xai_image_free(out);
}

/* With 2 for white 8 and -2 are at the ends, 1 is 191.5. */
static void channels_keep_their_order_or_are_turned_round(void **state) {
  (void)state;
  float v[] = {8, 0, 1, 1, -2, 2}; /* two pixels: first channel 8 0, second 1 1, third -2 2 */
  const uint8_t rgb[] = {255, 192, 1, 128, 192, 255}, bgr[] = {1, 192, 255, 255, 192, 128};
  xai_image *out = NULL;
  assert_int_equal(xai_signed_picture(v, 3, 1, 2, false, 2, &out, NULL), XAI_OK);
  assert_memory_equal(out->rgb, rgb, 6);
  xai_image_free(out);
  assert_int_equal(xai_signed_picture(v, 3, 1, 2, true, 2, &out, NULL), XAI_OK);
  assert_memory_equal(out->rgb, bgr, 6);
  xai_image_free(out);
}

/* Levels 100 under the mask 1 0: a quarter of white on what it leaves out is 0.75 * 100 + 0.25 * 255 = 138.75. */
static void a_tint_covers_what_the_mask_leaves_out_or_what_it_has(void **state) {
  (void)state;
  const float mask[] = {1, 0};
  const uint8_t white[] = {255, 255, 255};
  xai_image *img = flat(4, 1, 100), *out = NULL;
  assert_int_equal(xai_tint(img, mask, 1, 2, false, white, 0.25, &out, NULL), XAI_OK);
  assert_levels(out, (const uint8_t[]){100, 100, 139, 139});
  xai_image_free(out);
  assert_int_equal(xai_tint(img, mask, 1, 2, true, white, 0.25, &out, NULL), XAI_OK);
  assert_levels(out, (const uint8_t[]){139, 139, 100, 100});
  xai_image_free(out);
  xai_image_free(img);
}

static void senseless_arguments_are_refused(void **state) {
  (void)state;
  float v[] = {1, 2};
  xai_image *img = flat(1, 1, 0), *out = NULL;
  xai_err err;
  assert_int_equal(xai_heat(v, 0, 2, grey(), (xai_scale){0, 1}, &out, &err), XAI_ESHAPE);
  assert_int_equal(xai_heat(v, 1, 2, grey(), (xai_scale){1, 1}, &out, &err), XAI_EARG);
  assert_string_equal(err.text, "heat: scale is empty (expected low < high, got 1 and 1)");
  assert_int_equal(xai_heat(v, 1, 2, grey(), (xai_scale){NAN, 1}, &out, &err), XAI_EARG);
  assert_int_equal(xai_heat(v, 1, 2, grey(), (xai_scale){0, INFINITY}, &out, &err), XAI_EARG);
  assert_int_equal(xai_overlay(img, v, 1, 2, grey(), (xai_scale){0, 1}, 1.5, &out, &err), XAI_EARG);
  assert_string_equal(err.text, "overlay: share of the map is out of range (expected 0 to 1, got 1.5)");
  assert_int_equal(xai_overlay(img, v, 1, 2, grey(), (xai_scale){0, 1}, NAN, &out, &err), XAI_EARG);
  assert_int_equal(xai_signed_picture(v, 2, 1, 1, false, 1, &out, &err), XAI_ESHAPE);
  assert_string_equal(err.text, "picture of signed values: expected 1 or 3 channels, got 2x1x1");
  assert_int_equal(xai_signed_picture(v, 1, 1, 1, false, 0, &out, &err), XAI_EARG);
  assert_int_equal(xai_tint(img, v, 0, 1, false, (const uint8_t[]){0, 0, 0}, 0.5, &out, &err), XAI_ESHAPE);
  assert_int_equal(xai_tint(img, v, 1, 2, false, (const uint8_t[]){0, 0, 0}, 2, &out, &err), XAI_EARG);
  assert_null(out);
  xai_image_free(img);
}

static void a_request_to_stop_ends_an_overlay(void **state) {
  (void)state;
  float v[] = {0, 1};
  xai_image *img = flat(4, 4, 0), *out = NULL;
  size_t live = xai_mem_live();
  xai_stop_request();
  assert_int_equal(xai_overlay(img, v, 1, 2, grey(), (xai_scale){0, 1}, 0.5, &out, NULL), XAI_ESTOP);
  xai_stop_clear();
  assert_null(out);
  assert_int_equal(xai_mem_live(), live);
  xai_image_free(img);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  float v[] = {0, 1, 2};
  xai_image *img = flat(3, 2, 9);
  size_t live = xai_mem_live();
  for (int k = 0;; k++) {
    xai_image *heat = NULL, *over = NULL, *sign = NULL;
    xai_mem_fail_after(k, false);
    bool ok = xai_heat(v, 1, 3, grey(), (xai_scale){0, 2}, &heat, NULL) == XAI_OK &&
              xai_overlay(img, v, 1, 3, grey(), (xai_scale){0, 2}, 0.5, &over, NULL) == XAI_OK &&
              xai_signed_picture(v, 3, 1, 1, false, 1, &sign, NULL) == XAI_OK;
    xai_mem_fail_after(-1, false);
    assert_int_equal(ok, sign != NULL);
    xai_image_free(heat);
    xai_image_free(over);
    xai_image_free(sign);
    assert_int_equal(xai_mem_live(), live);
    if (ok) break;
  }
  xai_image_free(img);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(heat_colours_each_value_on_the_given_scale),
      cmocka_unit_test(overlay_mixes_the_upsampled_map_with_the_picture),
      cmocka_unit_test(share_0_is_the_picture_and_share_1_the_heat_map),
      cmocka_unit_test(an_overlay_is_not_rescaled),
      cmocka_unit_test(signed_pictures_are_grey_at_zero),
      cmocka_unit_test(channels_keep_their_order_or_are_turned_round),
      cmocka_unit_test(a_tint_covers_what_the_mask_leaves_out_or_what_it_has),
      cmocka_unit_test(senseless_arguments_are_refused),
      cmocka_unit_test(a_request_to_stop_ends_an_overlay),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
