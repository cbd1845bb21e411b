#include "scratch.h"

#include <math.h>

#include "score/score.h"

static void near(double got, double want) {
  if (!(fabs(got - want) <= 1e-12)) fail_msg("expected %.15g, got %.15g", want, got);
}

static void boxes_are_cut_at_the_border(void **state) {
  (void)state;
  uint8_t region[6] = {0};
  xai_score_fill(region, 2, 3, &(xai_score_box){-1, 1, 2, 5});
  assert_memory_equal(region, ((const uint8_t[]){0, 0, 0, 1, 0, 0}), 6);
  xai_score_fill(region, 2, 3, &(xai_score_box){2, 0, 1, 1});
  assert_memory_equal(region, ((const uint8_t[]){0, 0, 1, 1, 0, 0}), 6);
  xai_score_fill(region, 2, 3, &(xai_score_box){3, 0, 4, 4});
  assert_memory_equal(region, ((const uint8_t[]){0, 0, 1, 1, 0, 0}), 6);
}

/* The largest value is in the middle of 3 x 3; the region's only pixel is a corner, sqrt(2) away. */
static void pointing_is_strict_about_the_distance(void **state) {
  (void)state;
  const float v[9] = {0, 1, 0, 1, 9, 1, 0, 1, 0};
  const uint8_t corner[9] = {1}, middle[9] = {0, 0, 0, 0, 1}, nothing[9] = {0};
  assert_true(xai_score_hits(v, middle, 3, 3, 0));
  assert_false(xai_score_hits(v, corner, 3, 3, 0));
  assert_false(xai_score_hits(v, corner, 3, 3, 1.41));
  assert_false(xai_score_hits(v, corner, 3, 3, sqrt(2)));
  assert_true(xai_score_hits(v, corner, 3, 3, 1.42));
  assert_true(xai_score_hits(v, corner, 3, 3, 1e300));
  assert_false(xai_score_hits(v, nothing, 3, 3, 1e300));
}

static void a_constant_map_points_at_its_first_pixel(void **state) {
  (void)state;
  const float v[4] = {2, 2, 2, 2}, nan[4] = {NAN, NAN, NAN, NAN}, late[4] = {NAN, 1, NAN, 3};
  const uint8_t first[4] = {1}, last[4] = {0, 0, 0, 1};
  assert_true(xai_score_hits(v, first, 2, 2, 0));
  assert_false(xai_score_hits(v, last, 2, 2, 0));
  assert_false(xai_score_hits(nan, first, 2, 2, 9));
  assert_true(xai_score_hits(late, last, 2, 2, 0));
}

/* positive: 1 + 4 + 3 = 8, inside 4; what is negative does not count, inside or outside */
static void mass_is_the_share_of_what_is_positive(void **state) {
  (void)state;
  near(xai_score_mass((const float[]){1, 4, -7, 3}, (const uint8_t[]){0, 1, 1, 0}, 4), 0.5);
  near(xai_score_mass((const float[]){-1, 0, NAN, -3}, (const uint8_t[]){1, 1, 1, 1}, 4), 0);
}

/* the three largest are 9, 5 and the first of the two 4: pixels 0, 3, 1; two of them lie inside */
static void rank_counts_the_largest_inside(void **state) {
  (void)state;
  double share = -1;
  const uint8_t region[5] = {1, 0, 1, 1, 0};
  assert_int_equal(xai_score_rank((const float[]){9, 4, 4, 5, 1}, region, 5, &share, NULL), XAI_OK);
  near(share, 2.0 / 3);
  xai_err err;
  assert_int_equal(xai_score_rank((const float[]){9, 4}, (const uint8_t[]){0, 0}, 2, &share, &err), XAI_EARG);
  assert_string_equal(err.text, "the region is empty");
}

static void a_map_that_is_the_mask_is_perfect(void **state) {
  (void)state;
  const uint8_t mask[6] = {0, 1, 1, 0, 1, 0};
  const float v[6] = {0, 1, 1, 0, 1, 0};
  double share = -1;
  assert_true(xai_score_hits(v, mask, 2, 3, 0));
  near(xai_score_mass(v, mask, 6), 1);
  assert_int_equal(xai_score_rank(v, mask, 6, &share, NULL), XAI_OK);
  near(share, 1);
}

static void gini_is(const float *v, int64_t n, double want) {
  double got = -1;
  assert_int_equal(xai_score_gini(v, n, &got, NULL), XAI_OK);
  near(got, want);
}

/* 1 2 3 4: sorted falling, sum of s(i) (i + 1/2) = 2 + 4.5 + 5 + 3.5 = 15; 1 - 2 * 15 / (10 * 4) */
static void the_gini_index_goes_from_flat_to_one_pixel(void **state) {
  (void)state;
  gini_is((const float[]){1, 2, 3, 4}, 4, 0.25);
  gini_is((const float[]){-2, 4, -1, 3}, 4, 0.25);
  gini_is((const float[]){5, -5, 5, 5}, 4, 0);
  gini_is((const float[]){0, 0, 7, 0}, 4, 0.75);
  gini_is((const float[]){0, 0}, 2, 0);
}

static xai_status try_rank(const char *path, xai_err *err) {
  (void)path;
  double out;
  return xai_score_rank((const float[]){1, 2, 3}, (const uint8_t[]){1, 0, 0}, 3, &out, err);
}
static xai_status try_gini(const char *path, xai_err *err) {
  (void)path;
  double out;
  return xai_score_gini((const float[]){1, 2, 3}, 3, &out, err);
}

static void memory_that_is_short_is_an_error(void **state) {
  (void)state;
  each_allocation_fails(try_rank, NULL);
  each_allocation_fails(try_gini, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(boxes_are_cut_at_the_border),
      cmocka_unit_test(pointing_is_strict_about_the_distance),
      cmocka_unit_test(a_constant_map_points_at_its_first_pixel),
      cmocka_unit_test(mass_is_the_share_of_what_is_positive),
      cmocka_unit_test(rank_counts_the_largest_inside),
      cmocka_unit_test(a_map_that_is_the_mask_is_perfect),
      cmocka_unit_test(the_gini_index_goes_from_flat_to_one_pixel),
      cmocka_unit_test(memory_that_is_short_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
