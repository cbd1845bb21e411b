/* The picture as a container: limits, cutting, resizing by hand-worked numbers. */
#include "scratch.h"

#include "xai/image.h"

static void a_new_picture_is_black_and_within_the_limits(void **state) {
  (void)state;
  xai_err err;
  xai_image *img = NULL;
  assert_int_equal(xai_image_new(3, 2, &img, &err), XAI_OK);
  for (int i = 0; i < 18; i++) assert_int_equal(img->rgb[i], 0);
  xai_image_free(img);
  xai_image_free(NULL);
  img = NULL;
  static const int bad[][2] = {{0, 1}, {1, 0}, {-1, 5}, {16385, 1}, {1, 16385}, {8001, 8000}, {INT32_MAX, INT32_MAX}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(xai_image_new(bad[i][0], bad[i][1], &img, &err), XAI_EARG);
    assert_non_null(strstr(err.text, "expected sides of 1 to 16384 and at most 64 million pixels"));
    assert_null(img);
  }
  assert_int_equal(xai_image_new(16384, 1, &img, &err), XAI_OK);
  xai_image_free(img);
}

/* Pixel (x, y) of a 5x4 picture has red = 10y + x. */
static xai_image *numbered(void) {
  xai_image *img;
  xai_err err;
  assert_int_equal(xai_image_new(5, 4, &img, &err), XAI_OK);
  for (int i = 0; i < 20; i++) img->rgb[3 * i] = (uint8_t)(10 * (i / 5) + i % 5);
  return img;
}

static void a_part_starts_where_it_was_asked(void **state) {
  (void)state;
  xai_err err;
  xai_image *img = numbered(), *part;
  assert_int_equal(xai_image_crop(img, 2, 1, 3, 2, &part, &err), XAI_OK);
  static const int want[] = {12, 13, 14, 22, 23, 24};
  assert_int_equal(part->width, 3);
  assert_int_equal(part->height, 2);
  for (int i = 0; i < 6; i++) assert_int_equal(part->rgb[3 * i], want[i]);
  xai_image_free(part);
  assert_int_equal(xai_image_crop(img, 0, 0, 5, 4, &part, &err), XAI_OK);
  assert_memory_equal(part->rgb, img->rgb, 60);
  xai_image_free(part);
  xai_image_free(img);
}

static void a_part_outside_is_refused(void **state) {
  (void)state;
  static const int bad[][4] = {{-1, 0, 2, 2}, {0, -1, 2, 2}, {4, 0, 2, 1},         {0, 3, 1, 2},        {0, 0, 6, 1},
                               {0, 0, 0, 1},  {0, 0, 1, -1}, {INT32_MAX, 0, 2, 1}, {1, 1, INT32_MAX, 1}};
  xai_err err;
  xai_image *img = numbered(), *part = NULL;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(xai_image_crop(img, bad[i][0], bad[i][1], bad[i][2], bad[i][3], &part, &err), XAI_EARG);
    assert_non_null(strstr(err.text, "does not lie inside the 5x4 picture"));
    assert_null(part);
  }
  xai_image_free(img);
}

static void resizing_to_the_same_size_changes_nothing(void **state) {
  (void)state;
  xai_err err;
  xai_image *img = numbered(), *same;
  assert_int_equal(xai_image_resize(img, 5, 4, &same, &err), XAI_OK);
  assert_memory_equal(same->rgb, img->rgb, 60);
  xai_image_free(same);
  assert_int_equal(xai_image_resize(img, 0, 4, &same, &err), XAI_EARG);
  xai_image_free(img);
}

/* Halving four pixels: the triangle has support 2 around the centres 1 and 3 of the pixels' centres 0.5 1.5 2.5 3.5;
 * weights 1 - |d|/2: for the first 0.75 0.75 0.25 (sum 1.75). Red 0 70 140 210: (0 + 52.5 + 35)/1.75 = 50; by symmetry
 * 160. */
static void halving_follows_the_triangle(void **state) {
  (void)state;
  xai_err err;
  xai_image *img, *half;
  assert_int_equal(xai_image_new(4, 1, &img, &err), XAI_OK);
  for (int i = 0; i < 4; i++) img->rgb[3 * i] = (uint8_t)(70 * i);
  assert_int_equal(xai_image_resize(img, 2, 1, &half, &err), XAI_OK);
  assert_int_equal(half->rgb[0], 50);
  assert_int_equal(half->rgb[3], 160);
  xai_image_free(half);
  xai_image_free(img);
}

static xai_status everything(const char *path, xai_err *err) {
  (void)path;
  xai_image *img = NULL, *part = NULL, *small = NULL;
  xai_status st = xai_image_new(6, 6, &img, err);
  if (st == XAI_OK) st = xai_image_crop(img, 1, 1, 4, 4, &part, err);
  if (st == XAI_OK) st = xai_image_resize(part, 2, 3, &small, err);
  if (st != XAI_OK) assert_null(small);
  xai_image_free(img);
  xai_image_free(part);
  xai_image_free(small);
  return st;
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  each_allocation_fails(everything, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_picture_is_black_and_within_the_limits),
      cmocka_unit_test(a_part_starts_where_it_was_asked),
      cmocka_unit_test(a_part_outside_is_refused),
      cmocka_unit_test(resizing_to_the_same_size_changes_nothing),
      cmocka_unit_test(halving_follows_the_triangle),
      cmocka_unit_test(every_failing_allocation_is_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
