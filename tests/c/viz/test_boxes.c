/* Boxes around regions of maps that are drawn out here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "viz/viz.h"

static void assert_box(const xai_box *b, int x, int y, int w, int h, double score) {
  assert_int_equal(b->x, x);
  assert_int_equal(b->y, y);
  assert_int_equal(b->w, w);
  assert_int_equal(b->h, h);
  assert_true(b->score == score);
}

/* Above 0.5 * 8 = 4, strictly: the 4 is out. Areas 3 (joined by a corner), 2 and 1. */
static const float three[5 * 6] = {
    8, 0, 0, 0, 0, 5, /**/
    0, 7, 5, 0, 0, 0, /**/
    0, 4, 0, 0, 0, 0, /**/
    0, 0, 0, 0, 6, 0, /**/
    0, 0, 0, 0, 6, 0,
};

static void regions_come_largest_first_with_their_best_value(void **state) {
  (void)state;
  xai_box box[4];
  int n = -1;
  assert_int_equal(xai_boxes(three, 5, 6, 0.5, 4, box, &n, NULL), XAI_OK);
  assert_int_equal(n, 3);
  assert_box(&box[0], 0, 0, 3, 2, 8);
  assert_box(&box[1], 4, 3, 1, 2, 6);
  assert_box(&box[2], 5, 0, 1, 1, 5);
}

static void only_as_many_as_there_is_room_for_are_written(void **state) {
  (void)state;
  xai_box box[2] = {{0}, {-1, -1, -1, -1, -1}};
  int n = -1;
  assert_int_equal(xai_boxes(three, 5, 6, 0.5, 1, box, &n, NULL), XAI_OK);
  assert_int_equal(n, 3);
  assert_box(&box[0], 0, 0, 3, 2, 8);
  assert_box(&box[1], -1, -1, -1, -1, -1);
  assert_int_equal(xai_boxes(three, 5, 6, 0.5, 0, NULL, &n, NULL), XAI_OK);
  assert_int_equal(n, 3);
}

/* A cross of diagonals is one region with 8 neighbours; with 4 it would be five. */
static void corners_connect(void **state) {
  (void)state;
  const float v[] = {1, 0, 1, 0, 1, 0, 1, 0, 1};
  xai_box box;
  int n = 0;
  assert_int_equal(xai_boxes(v, 3, 3, 0.2, 1, &box, &n, NULL), XAI_OK);
  assert_int_equal(n, 1);
  assert_box(&box, 0, 0, 3, 3, 1);
}

/* The ends of a row do not touch the beginning of the next one. */
static void rows_do_not_wrap_around(void **state) {
  (void)state;
  const float v[] = {0, 0, 0, 2, /**/ 1, 0, 0, 0};
  xai_box box[2];
  int n = 0;
  assert_int_equal(xai_boxes(v, 2, 4, 0.2, 2, box, &n, NULL), XAI_OK);
  assert_int_equal(n, 2);
  assert_box(&box[0], 3, 0, 1, 1, 2); /* equal areas: the first in reading order */
  assert_box(&box[1], 0, 1, 1, 1, 1);
}

static void a_map_without_positive_values_has_no_regions(void **state) {
  (void)state;
  const float zero[4] = {0}, below[] = {-1, -2, NAN, -INFINITY};
  int n = -1;
  assert_int_equal(xai_boxes(zero, 2, 2, 0, 0, NULL, &n, NULL), XAI_OK);
  assert_int_equal(n, 0);
  n = -1;
  assert_int_equal(xai_boxes(below, 2, 2, 0.2, 0, NULL, &n, NULL), XAI_OK);
  assert_int_equal(n, 0);
}

static void nan_and_infinities_belong_to_no_region(void **state) {
  (void)state;
  const float v[] = {3, NAN, 2, INFINITY, 1};
  xai_box box[3];
  int n = 0;
  assert_int_equal(xai_boxes(v, 1, 5, 0.1, 3, box, &n, NULL), XAI_OK);
  assert_int_equal(n, 3);
  assert_box(&box[0], 0, 0, 1, 1, 3);
  assert_box(&box[1], 2, 0, 1, 1, 2);
  assert_box(&box[2], 4, 0, 1, 1, 1);
}

/* Every second pixel of every second row: as many regions as there can be. Then a map that is one region. */
static void the_most_regions_and_the_largest_region_fit(void **state) {
  (void)state;
  enum { SIDE = 301 };
  float *v = calloc(SIDE * SIDE, sizeof *v);
  for (int y = 0; y < SIDE; y += 2)
    for (int x = 0; x < SIDE; x += 2) v[y * SIDE + x] = 1;
  int n = 0;
  xai_box box;
  assert_int_equal(xai_boxes(v, SIDE, SIDE, 0.2, 0, NULL, &n, NULL), XAI_OK);
  assert_int_equal(n, 151 * 151);
  for (int i = 0; i < SIDE * SIDE; i++) v[i] = 1;
  assert_int_equal(xai_boxes(v, SIDE, SIDE, 0.2, 1, &box, &n, NULL), XAI_OK);
  assert_int_equal(n, 1);
  assert_box(&box, 0, 0, SIDE, SIDE, 1);
  free(v);
}

static void senseless_arguments_are_refused(void **state) {
  (void)state;
  int n = -1;
  xai_err err;
  assert_int_equal(xai_boxes(three, 0, 6, 0.2, 0, NULL, &n, &err), XAI_ESHAPE);
  assert_int_equal(xai_boxes(three, 5, 6, -0.1, 0, NULL, &n, &err), XAI_EARG);
  assert_int_equal(xai_boxes(three, 5, 6, NAN, 0, NULL, &n, &err), XAI_EARG);
  assert_int_equal(xai_boxes(three, 5, 6, 20, 0, NULL, &n, &err), XAI_EARG);
  assert_string_equal(err.text, "boxes: threshold is a part of the maximum (expected 0 to 1, got 20)");
  assert_int_equal(n, -1);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  size_t live = xai_mem_live();
  int n = -1;
  for (int k = 0; n < 0; k++) {
    xai_mem_fail_after(k, false);
    xai_status st = xai_boxes(three, 5, 6, 0.5, 0, NULL, &n, NULL);
    xai_mem_fail_after(-1, false);
    assert_int_equal(st, n < 0 ? XAI_ENOMEM : XAI_OK);
    assert_int_equal(xai_mem_live(), live);
  }
}

/* The picture as letters: '#' where it has the colour of the box. */
static void assert_drawn(const xai_image *img, const char *expected) {
  for (int i = 0; i < img->width * img->height; i++) {
    assert_int_equal(img->rgb[3 * i], expected[i] == '#' ? 10 : 0);
    assert_int_equal(img->rgb[3 * i + 2], expected[i] == '#' ? 30 : 0);
  }
}

static void draw(int w, int h, xai_box box, int thick, const char *expected) {
  xai_image *img = NULL;
  assert_int_equal(xai_image_new(w, h, &img, NULL), XAI_OK);
  xai_draw_box(img, &box, thick, (const uint8_t[]){10, 20, 30});
  assert_drawn(img, expected);
  xai_image_free(img);
}

static void outlines_lie_inside_the_box_and_are_clipped_to_the_picture(void **state) {
  (void)state;
  draw(6, 5, (xai_box){1, 1, 4, 3, 0}, 1,
       "......"
       ".####."
       ".#..#."
       ".####."
       "......");
  draw(6, 5, (xai_box){0, 0, 6, 5, 0}, 2,
       "######"
       "######"
       "##..##"
       "######"
       "######");
  draw(4, 3, (xai_box){-2, -1, 4, 3, 0}, 1,
       ".#.."
       "##.."
       "....");
  draw(4, 2, (xai_box){1, 0, 2, 2, 0}, 1000000,
       ".##."
       ".##.");
  draw(2, 2, (xai_box){INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, 0}, 3, "....");
  draw(2, 2, (xai_box){INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX, 0}, INT32_MAX, "....");
  draw(2, 2, (xai_box){0, 0, 2, 2, 0}, 0, "....");
  draw(2, 2, (xai_box){0, 0, 0, -2, 0}, 1, "....");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(regions_come_largest_first_with_their_best_value),
      cmocka_unit_test(only_as_many_as_there_is_room_for_are_written),
      cmocka_unit_test(corners_connect),
      cmocka_unit_test(rows_do_not_wrap_around),
      cmocka_unit_test(a_map_without_positive_values_has_no_regions),
      cmocka_unit_test(nan_and_infinities_belong_to_no_region),
      cmocka_unit_test(the_most_regions_and_the_largest_region_fit),
      cmocka_unit_test(senseless_arguments_are_refused),
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(outlines_lie_inside_the_box_and_are_clipped_to_the_picture),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
