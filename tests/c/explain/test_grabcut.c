/* GrabCut on pictures whose answer is known. The real one is in tests/lua/golden_synthesis.lua. */
#include "scratch.h"

#include <math.h>

#include "xai/explain.h"

enum { W = 24, H = 18 };

/* Greens with red and blue noise, and in the middle of them an L of oranges. */
static bool in_l(int x, int y) { return (x >= 6 && x < 10 && y >= 4 && y < 14) || (x >= 10 && x < 19 && y >= 10 && y < 14); }

static xai_image *two_colours(bool noisy) {
  xai_image *img = NULL;
  xai_err err;
  assert_int_equal(xai_image_new(W, H, &img, &err), XAI_OK);
  for (int i = 0; i < W * H; i++) {
    int n = noisy ? i * 37 % 23 : 0;
    const int orange[3] = {220 + n, 120 - n, 20 + n / 2}, green[3] = {30 + n, 130 + n, 60 - n / 2};
    for (int k = 0; k < 3; k++) img->rgb[3 * i + k] = (uint8_t)(in_l(i % W, i / W) ? orange[k] : green[k]);
  }
  return img;
}

static void is_the_l(const uint8_t *object) {
  for (int i = 0; i < W * H; i++)
    if (object[i] != in_l(i % W, i / W)) fail_msg("pixel %d, %d is %d", i % W, i / W, object[i]);
}

static void mark(uint8_t *codes, int x, int y, int w, int h, uint8_t code) {
  for (int j = y; j < y + h; j++) memset(codes + j * W + x, code, (size_t)w);
}

static void a_rectangle_finds_the_two_coloured_object(void **state) {
  (void)state;
  xai_grabcut_opts o;
  xai_grabcut_defaults(&o);
  for (int noisy = 0; noisy < 2; noisy++) {
    xai_image *img = two_colours(noisy);
    uint8_t codes[W * H] = {0}, object[W * H];
    xai_cut_box box;
    double energy;
    xai_err err;
    mark(codes, 4, 2, 17, 14, XAI_CUT_MAYBE_OBJECT);
    assert_int_equal(xai_grabcut(img, codes, &o, object, &box, &energy, &err), XAI_OK);
    is_the_l(object);
    assert_true(box.x == 6 && box.y == 4 && box.w == 13 && box.h == 10);
    xai_image_free(img);
  }
}

/* A seed of either side is enough; what is unknown teaches nobody and still falls to its colour. */
static void seeds_are_enough(void **state) {
  (void)state;
  xai_image *img = two_colours(true);
  xai_grabcut_opts o;
  uint8_t codes[W * H], object[W * H];
  xai_cut_box box;
  double energy;
  xai_err err;
  xai_grabcut_defaults(&o);
  o.iterations = 1;
  memset(codes, XAI_CUT_UNKNOWN, sizeof codes);
  mark(codes, 7, 5, 2, 8, XAI_CUT_OBJECT);
  mark(codes, 0, 0, W, 2, XAI_CUT_BACKGROUND);
  assert_int_equal(xai_grabcut(img, codes, &o, object, &box, &energy, &err), XAI_OK);
  is_the_l(object);
  xai_image_free(img);
}

/* Sure pixels stay where they are, whatever their colour. */
static void sure_pixels_are_not_moved(void **state) {
  (void)state;
  xai_image *img = two_colours(true);
  xai_grabcut_opts o;
  uint8_t codes[W * H] = {0}, object[W * H];
  xai_cut_box box;
  double energy;
  xai_err err;
  xai_grabcut_defaults(&o);
  mark(codes, 4, 2, 17, 14, XAI_CUT_MAYBE_OBJECT);
  codes[0] = XAI_CUT_OBJECT;           /* green */
  codes[5 * W + 7] = XAI_CUT_BACKGROUND; /* orange */
  assert_int_equal(xai_grabcut(img, codes, &o, object, &box, &energy, &err), XAI_OK);
  assert_int_equal(object[0], 1);
  assert_int_equal(object[5 * W + 7], 0);
  o.largest = true; /* without the lonely corner */
  assert_int_equal(xai_grabcut(img, codes, &o, object, &box, &energy, &err), XAI_OK);
  assert_int_equal(object[0], 0);
  assert_true(box.x == 6 && box.y == 4 && box.w == 13 && box.h == 10);
  xai_image_free(img);
}

static void sides_without_pixels_are_refused(void **state) {
  (void)state;
  xai_image *img = two_colours(false);
  xai_grabcut_opts o;
  uint8_t codes[W * H], object[W * H];
  xai_cut_box box;
  double energy;
  xai_err err;
  xai_grabcut_defaults(&o);
  memset(codes, XAI_CUT_MAYBE_OBJECT, sizeof codes);
  assert_int_equal(xai_grabcut(img, codes, &o, object, &box, &energy, &err), XAI_EARG);
  assert_string_equal(err.text, "no pixel of the background to learn from");
  memset(codes, XAI_CUT_UNKNOWN, sizeof codes);
  codes[3] = XAI_CUT_BACKGROUND;
  assert_int_equal(xai_grabcut(img, codes, &o, object, &box, &energy, &err), XAI_EARG);
  assert_string_equal(err.text, "no pixel of the object to learn from");
  codes[3] = 7;
  assert_int_equal(xai_grabcut(img, codes, &o, object, &box, &energy, &err), XAI_EARG);
  assert_string_equal(err.text, "mask: expected codes from 0 to 4, got 7");
  o.components = 17;
  assert_int_equal(xai_grabcut(img, codes, &o, object, &box, &energy, &err), XAI_EARG);
  xai_image_free(img);
}

/* Of one colour there is nothing to tell apart; a side that dies out keeps its model. */
static void flat_pictures_are_survived(void **state) {
  (void)state;
  xai_image *img = two_colours(false);
  memset(img->rgb, 9, W * H * 3);
  xai_grabcut_opts o;
  uint8_t codes[W * H] = {0}, object[W * H];
  xai_cut_box box;
  double energy;
  xai_err err;
  xai_grabcut_defaults(&o);
  mark(codes, 4, 2, 17, 14, XAI_CUT_MAYBE_OBJECT);
  assert_int_equal(xai_grabcut(img, codes, &o, object, &box, &energy, &err), XAI_OK);
  for (int i = 0; i < W * H; i++) assert_int_equal(object[i], 0); /* nothing speaks for an object: the cheapest cut cuts nothing */
  assert_int_equal(box.w, 0);
  xai_image_free(img);
}

/* 0 1 .. 19: the quantile 0.9 is element 17 of the sorted 20 (0.9 * 19 = 17.1), 0.25 is element 4. */
static void seeds_are_the_tails_of_the_map(void **state) {
  (void)state;
  float map[21];
  uint8_t codes[21];
  xai_err err;
  for (int i = 0; i < 20; i++) map[i] = (float)(i * 7 % 20);
  map[20] = NAN;
  assert_int_equal(xai_grabcut_seeds(map, 21, 0.9, 0.25, true, codes, &err), XAI_OK);
  for (int i = 0; i < 20; i++)
    assert_int_equal(codes[i], map[i] > 17 ? XAI_CUT_OBJECT : map[i] <= 4 ? XAI_CUT_BACKGROUND : XAI_CUT_UNKNOWN);
  assert_int_equal(codes[20], XAI_CUT_UNKNOWN);
  assert_int_equal(xai_grabcut_seeds(map, 21, 0.9, 0.25, false, codes, &err), XAI_OK);
  for (int i = 0; i < 20; i++)
    assert_int_equal(codes[i], map[i] > 17 ? XAI_CUT_MAYBE_OBJECT : map[i] <= 4 ? XAI_CUT_MAYBE_BACKGROUND : XAI_CUT_UNKNOWN);
  for (int i = 0; i < 21; i++) map[i] = 3;
  assert_int_equal(xai_grabcut_seeds(map, 21, 0.9, 0.25, true, codes, &err), XAI_EARG);
  assert_string_equal(err.text, "saliency: nothing lies above the quantile 0.9 of the map (is it the same everywhere?)");
  assert_int_equal(xai_grabcut_seeds(map, 21, 1.5, 0.25, true, codes, &err), XAI_EARG);
  assert_string_equal(err.text, "saliency: quantiles lie between 0 and 1 (object 1.5, background 0.25)");
  assert_int_equal(xai_grabcut_seeds(map, 21, 0.9, NAN, true, codes, &err), XAI_EARG);
}

static xai_status attempt_cut(const char *path, xai_err *err) {
  (void)path;
  xai_grabcut_opts o;
  uint8_t codes[W * H] = {0}, object[W * H] = {0};
  float map[W * H];
  xai_cut_box box;
  double energy;
  uint8_t rgb[W * H * 3];
  xai_image img = {W, H, rgb};
  for (int i = 0; i < W * H * 3; i++) rgb[i] = (uint8_t)(i * 31);
  for (int i = 0; i < W * H; i++) map[i] = (float)i;
  xai_grabcut_defaults(&o);
  o.largest = true;
  xai_status st = xai_grabcut_seeds(map, W * H, 0.9, 0.3, true, codes, err);
  return st == XAI_OK ? xai_grabcut(&img, codes, &o, object, &box, &energy, err) : st;
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  each_allocation_fails(attempt_cut, NULL);
}

static void a_stop_ends_it(void **state) {
  (void)state;
  xai_err err;
  xai_stop_request();
  assert_int_equal(attempt_cut(NULL, &err), XAI_ESTOP);
  xai_stop_clear();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_rectangle_finds_the_two_coloured_object),
      cmocka_unit_test(seeds_are_enough),
      cmocka_unit_test(sure_pixels_are_not_moved),
      cmocka_unit_test(sides_without_pixels_are_refused),
      cmocka_unit_test(flat_pictures_are_survived),
      cmocka_unit_test(seeds_are_the_tails_of_the_map),
      cmocka_unit_test(any_allocation_may_fail),
      cmocka_unit_test(a_stop_ends_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
