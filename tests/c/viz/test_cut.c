/* Rectangles of a picture, inside, across its border and beyond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "viz/viz.h"

/* 3 x 2 pixels 1 to 6 in all colours */
static xai_image *six(void) {
  xai_image *img = NULL;
  xai_err err;
  assert_int_equal(xai_image_new(3, 2, &img, &err), XAI_OK);
  for (int i = 0; i < 18; i++) img->rgb[i] = (uint8_t)(i / 3 + 1);
  return img;
}

static int grey(const xai_image *img, int x, int y) {
  const uint8_t *p = img->rgb + (y * img->width + x) * 3;
  assert_int_equal(p[0], p[1]);
  assert_int_equal(p[0], p[2]);
  return p[0];
}

static void what_is_inside_is_copied(void **state) {
  (void)state;
  xai_image *img = six(), *cut = NULL;
  xai_err err;
  assert_int_equal(xai_cut(img, 1, 0, 2, 2, &cut, &err), XAI_OK);
  assert_int_equal(grey(cut, 0, 0), 2);
  assert_int_equal(grey(cut, 1, 1), 6);
  xai_image_free(cut);
  xai_image_free(img);
}

/* 4 x 3 from column -1, row -1: the picture's pixels 1 2 3 and 4 5 6 stand at column 1, rows 1 and 2; elsewhere stripes,
 * two light and two dark along each row */
static void what_stands_over_the_border_is_striped(void **state) {
  (void)state;
  xai_image *img = six(), *cut = NULL;
  xai_err err;
  assert_int_equal(xai_cut(img, -1, -1, 4, 3, &cut, &err), XAI_OK);
  assert_int_equal(cut->width, 4);
  assert_int_equal(cut->height, 3);
  const int want[3][4] = {{214, 214, 168, 168}, {214, 1, 2, 3}, {168, 4, 5, 6}};
  for (int y = 0; y < 3; y++)
    for (int x = 0; x < 4; x++) assert_int_equal(grey(cut, x, y), want[y][x]);
  xai_image_free(cut);
  assert_int_equal(xai_cut(img, 100, -100, 1, 1, &cut, &err), XAI_OK);
  assert_int_equal(grey(cut, 0, 0), 214);
  xai_image_free(cut);
  xai_image_free(img);
}

static void sizes_beyond_the_limits_and_a_lack_of_memory_are_told(void **state) {
  (void)state;
  xai_image *img = six(), *cut = NULL;
  xai_err err;
  assert_int_equal(xai_cut(img, 0, 0, 0, 2, &cut, &err), XAI_EARG);
  xai_mem_fail_after(0, false);
  assert_int_equal(xai_cut(img, 0, 0, 2, 2, &cut, &err), XAI_ENOMEM);
  xai_mem_fail_after(-1, false);
  assert_null(cut);
  xai_image_free(img);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_inside_is_copied),
      cmocka_unit_test(what_stands_over_the_border_is_striped),
      cmocka_unit_test(sizes_beyond_the_limits_and_a_lack_of_memory_are_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
