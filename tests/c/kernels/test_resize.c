/* Resizing: hand-worked weights, constants, identity, channels, threads. */
#include <math.h>

#include "ktest.h"

static void resize(int64_t channels, int64_t w, int64_t h, const uint8_t *x, int64_t ow, int64_t oh, uint8_t *y) {
  void *work = malloc(xk_resize_u8_workspace(channels, w, h, ow, oh));
  assert_non_null(work);
  xk_resize_u8(channels, w, h, x, ow, oh, y, work);
  free(work);
}

static void halving_weighs_neighbours_by_the_triangle(void **state) {
  (void)state;
  /* 4 -> 2 pixels: the triangle around 1 has radius 2; pixel centres .5 1.5 2.5 lie at distances .5 .5 1.5:
   * weights 3/4 3/4 1/4, normalised 3/7 3/7 1/7. The other output sees the mirror image.
   * x = 0 70 140 210: (3*70 + 140)/7 = 50 and (70 + 3*140 + 3*210)/7 = 160 */
  const uint8_t x[] = {0, 70, 140, 210};
  uint8_t y[2];
  resize(1, 4, 1, x, 2, 1, y);
  assert_true(y[0] == 50 && y[1] == 160);
  resize(1, 1, 4, x, 1, 2, y); /* the same down a column */
  assert_true(y[0] == 50 && y[1] == 160);
}

static void doubling_interpolates_between_centres(void **state) {
  (void)state;
  /* 2 -> 4 pixels: centres at .25 .75 1.25 1.75, inputs at .5 1.5: 0, 3/4 and 1/4, 1/4 and 3/4, 1 */
  const uint8_t x[] = {0, 200};
  uint8_t y[4];
  resize(1, 2, 1, x, 4, 1, y);
  assert_true(y[0] == 0 && y[1] == 50 && y[2] == 150 && y[3] == 200);
}

static void rounding_happens_between_the_passes(void **state) {
  (void)state;
  /* 2x2 -> 1x1, all weights 1/2:
   * rows (0 1) and (0 0) give round(1/2) = 1 and 0, then round(1/2) = 1; the mean of the four, 1/4, would give 0 */
  const uint8_t x[] = {0, 1, 0, 0};
  uint8_t y[1];
  resize(1, 2, 2, x, 1, 1, y);
  assert_true(y[0] == 1);
}

static void a_constant_picture_stays_constant(void **state) {
  (void)state;
  static const int64_t sizes[][4] = {
      {30, 20, 7, 9}, {7, 9, 30, 20}, {100, 3, 1, 50}, {1, 1, 13, 1}, {641, 480, 224, 224}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    const int64_t *s = sizes[i];
    uint8_t *x = malloc((size_t)(s[0] * s[1] * 3)), *y = malloc((size_t)(s[2] * s[3] * 3));
    for (int64_t j = 0; j < s[0] * s[1] * 3; j++) x[j] = (uint8_t)(j % 3 == 0 ? 255 : j % 3 == 1 ? 128 : 1);
    resize(3, s[0], s[1], x, s[2], s[3], y);
    for (int64_t j = 0; j < s[2] * s[3] * 3; j++) assert_int_equal(y[j], j % 3 == 0 ? 255 : j % 3 == 1 ? 128 : 1);
    free(x);
    free(y);
  }
}

static void the_same_size_is_a_copy(void **state) {
  (void)state;
  uint8_t x[3 * 11 * 7], y[3 * 11 * 7];
  for (size_t i = 0; i < sizeof x; i++) x[i] = (uint8_t)(i * 37);
  resize(3, 11, 7, x, 11, 7, y);
  assert_memory_equal(x, y, sizeof x);
}

static void channels_are_resized_on_their_own(void **state) {
  (void)state;
  enum { W = 13, H = 10, OW = 5, OH = 17 };
  uint8_t x[W * H * 3], plane[W * H], y[OW * OH * 3], want[OW * OH];
  for (size_t i = 0; i < sizeof x; i++) x[i] = (uint8_t)xai_rng_u64(5, i);
  resize(3, W, H, x, OW, OH, y);
  for (int ch = 0; ch < 3; ch++) {
    for (int i = 0; i < W * H; i++) plane[i] = x[i * 3 + ch];
    resize(1, W, H, plane, OW, OH, want);
    for (int i = 0; i < OW * OH; i++) assert_int_equal(y[i * 3 + ch], want[i]);
  }
}

static void bilinear_doubling_matches_hand_calculation(void **state) {
  (void)state;
  /* centres at -.25 .25 .75 1.25 of the input, clamped at 0 and at the last: weights of the second input 0 1/4 3/4 1 */
  const float x[] = {0, 4, 8, 16}; /* 2 x 2 */
  const float want[] = {0, 1, 3, 4, 2, 3.25f, 5.75f, 7, 6, 7.75f, 11.25f, 13, 8, 10, 14, 16};
  float y[16];
  xk_bilinear(1, 2, 2, x, 4, 4, y);
  assert_equal(16, y, want);
}

static void bilinear_keeps_constants_ramps_and_copies(void **state) {
  (void)state;
  float x[2 * 5 * 6], y[2 * 40 * 48];
  for (int i = 0; i < 60; i++) x[i] = i < 30 ? 0.1f : (float)(i % 6);
  xk_bilinear(2, 5, 6, x, 40, 48, y);
  for (int i = 0; i < 1920; i++) assert_true(y[i] == 0.1f);
  for (int i = 0; i < 1920; i++) { /* the ramp x = column, clamped at both ends */
    double u = (i % 48 + 0.5) / 8 - 0.5;
    assert_true(fabs(y[1920 + i] - (u < 0 ? 0 : u > 5 ? 5 : u)) < 1e-6);
  }
  xk_bilinear(2, 5, 6, x, 5, 6, y);
  assert_equal(60, y, x);
  xk_bilinear(1, 1, 1, x, 3, 3, y);
  for (int i = 0; i < 9; i++) assert_true(y[i] == 0.1f);
}

static void run_bilinear(const void *x, float *out) { xk_bilinear(3, 14, 14, x, 100, 100, out); }

static void run_resize(const void *x, float *out) {
  uint8_t *y = malloc(300 * 100 * 3);
  resize(3, 150, 170, x, 300, 100, y);
  for (int i = 0; i < 300 * 100 * 3; i++) out[i] = y[i];
  free(y);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  float *x = reals(3 * 14 * 14, 1);
  uint8_t *picture = malloc(150 * 170 * 3);
  for (int i = 0; i < 150 * 170 * 3; i++) picture[i] = (uint8_t)xai_rng_u64(6, (uint64_t)i);
  assert_same_bits_for_any_threads(run_bilinear, x, 30000);
  assert_same_bits_for_any_threads(run_resize, picture, 90000);
  free(x);
  free(picture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(halving_weighs_neighbours_by_the_triangle),
      cmocka_unit_test(doubling_interpolates_between_centres),
      cmocka_unit_test(rounding_happens_between_the_passes),
      cmocka_unit_test(a_constant_picture_stays_constant),
      cmocka_unit_test(the_same_size_is_a_copy),
      cmocka_unit_test(channels_are_resized_on_their_own),
      cmocka_unit_test(bilinear_doubling_matches_hand_calculation),
      cmocka_unit_test(bilinear_keeps_constants_ramps_and_copies),
      cmocka_unit_test(bits_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
