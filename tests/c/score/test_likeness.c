#include "scratch.h"

#include <math.h>

#include "score/score.h"

static void near(double got, double want) {
  if (!(fabs(got - want) <= 1e-6)) fail_msg("expected %.9g, got %.9g", want, got);
}

static double spearman(const float *a, const float *b, int64_t n) {
  double r = -9;
  assert_int_equal(xai_score_spearman(a, b, n, &r, NULL), XAI_OK);
  return r;
}

static void ranks_of_identical_maps_agree_and_of_reversed_ones_oppose(void **state) {
  (void)state;
  const float a[5] = {3, 1, 4, 1.5f, 9}, falling[5] = {-3, -1, -4, -1.5f, -9}, cubed[5] = {27, 1, 64, 3.375f, 729};
  near(spearman(a, a, 5), 1);
  near(spearman(a, falling, 5), -1);
  near(spearman(a, cubed, 5), 1); /* only the order counts */
}

/* a has ranks 4, 2.5, 2.5, 1 and b 4, 3, 2, 1: from their mean 2.5  (1.5 0 0 -1.5) and (1.5 .5 -.5 -1.5),
 * r = 4.5 / sqrt(4.5 * 5) */
static void equal_values_share_their_ranks(void **state) {
  (void)state;
  near(spearman((const float[]){1, 2, 2, 3}, (const float[]){1, 2, 3, 4}, 4), 4.5 / sqrt(22.5));
}

static void a_constant_map_is_like_nothing(void **state) {
  (void)state;
  near(spearman((const float[]){2, 2, 2}, (const float[]){1, 2, 3}, 3), 0);
  near(spearman((const float[]){2, 2, 2}, (const float[]){2, 2, 2}, 3), 0);
}

static double ssim(const float *a, const float *b, int64_t h, int64_t w) {
  double s = -9;
  assert_int_equal(xai_score_ssim(a, b, h, w, &s, NULL), XAI_OK);
  return s;
}

/* In a map of 2 x 2 the window is one pixel, so there is only the term of the means:
 * (1 + (C1 / (1 + C1)) * 2 + 1) / 4 */
static void structural_similarity_of_four_pixels(void **state) {
  (void)state;
  const double c1 = 1e-4;
  near(ssim((const float[]){0, 1, 0, 1}, (const float[]){0, 0, 1, 1}, 2, 2), (2 + 2 * c1 / (1 + c1)) / 4);
}

/* A point in 3 x 3 against its negative, one window of 3 x 3: q = the weight of its middle, ma = q, mb = 1 - q,
 * va = vb = q (1 - q), cov = -q (1 - q). */
static void structural_similarity_of_a_point_and_its_negative(void **state) {
  (void)state;
  const double c1 = 1e-4, c2 = 9e-4, middle = 1 / (1 + 2 * exp(-1 / 4.5)), q = middle * middle, v = q * (1 - q);
  near(ssim((const float[]){0, 0, 0, 0, 1, 0, 0, 0, 0}, (const float[]){5, 5, 5, 5, 3, 5, 5, 5, 5}, 3, 3),
       (2 * v + c1) * (c2 - 2 * v) / ((q * q + (1 - q) * (1 - q) + c1) * (2 * v + c2)));
}

static void identical_maps_have_one_whatever_their_scale_and_order_does_not_matter(void **state) {
  (void)state;
  float a[13 * 16], twice[13 * 16], b[13 * 16];
  for (int i = 0; i < 13 * 16; i++) {
    a[i] = (float)((i * 37) % 64);
    twice[i] = 2 * a[i] + 64;
    b[i] = (float)((i * 11) % 23);
  }
  assert_true(ssim(a, a, 13, 16) == 1);
  assert_true(ssim(a, twice, 13, 16) == 1);
  assert_true(ssim(a, b, 13, 16) == ssim(b, a, 13, 16));
  assert_true(ssim(a, b, 13, 16) < 0.9);
}

static const float three[3] = {1, 2, 4};
static xai_status try_spearman(const char *path, xai_err *err) {
  (void)path;
  double out;
  return xai_score_spearman(three, three, 3, &out, err);
}
static xai_status try_ssim(const char *path, xai_err *err) {
  (void)path;
  double out;
  return xai_score_ssim(three, three, 1, 3, &out, err);
}

static void memory_that_is_short_is_an_error(void **state) {
  (void)state;
  each_allocation_fails(try_spearman, NULL);
  each_allocation_fails(try_ssim, NULL);
}

static void an_interrupt_ends_it(void **state) {
  (void)state;
  double out;
  xai_stop_request();
  assert_int_equal(xai_score_ssim(three, three, 1, 3, &out, NULL), XAI_ESTOP);
  xai_stop_clear();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ranks_of_identical_maps_agree_and_of_reversed_ones_oppose),
      cmocka_unit_test(equal_values_share_their_ranks),
      cmocka_unit_test(a_constant_map_is_like_nothing),
      cmocka_unit_test(structural_similarity_of_four_pixels),
      cmocka_unit_test(structural_similarity_of_a_point_and_its_negative),
      cmocka_unit_test(identical_maps_have_one_whatever_their_scale_and_order_does_not_matter),
      cmocka_unit_test(memory_that_is_short_is_an_error),
      cmocka_unit_test(an_interrupt_ends_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
