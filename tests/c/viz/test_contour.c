/* Level lines of maps small enough to draw by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/alloc.h"
#include "viz/viz.h"

static xai_contour contour(const float *v, int h, int w, double level) {
  xai_contour c = {0};
  xai_err err = {""};
  if (xai_contour_make(v, h, w, level, &c, &err) != XAI_OK) fail_msg("%s", err.text);
  return c;
}

static bool passes(const xai_contour *c, double x, double y) {
  int n = c->n > 0 ? c->ends[c->n - 1] : 0;
  for (int i = 0; i < n; i++)
    if (fabs(c->points[2 * i] - x) < 1e-9 && fabs(c->points[2 * i + 1] - y) < 1e-9) return true;
  return false;
}

/* 4 in the middle of 3 x 3 zeros, level 1: three quarters of the way from the middle of the pixel, at 1.5, to the next:
 * the diamond through 1.5 +- 0.75. */
static void a_single_peak_has_a_diamond_around_it(void **state) {
  (void)state;
  const float v[] = {0, 0, 0, 0, 4, 0, 0, 0, 0};
  xai_contour c = contour(v, 3, 3, 1);
  assert_int_equal(c.n, 1);
  assert_int_equal(c.ends[0], 5);
  assert_true(passes(&c, 0.75, 1.5) && passes(&c, 2.25, 1.5) && passes(&c, 1.5, 0.75) && passes(&c, 1.5, 2.25));
  xai_contour_clear(&c);
}

static void every_line_is_closed(void **state) {
  (void)state;
  float v[12 * 9];
  uint32_t bits = 5;
  for (int round = 0; round < 50; round++) {
    for (int i = 0; i < 12 * 9; i++) {
      bits = bits * 1664525u + 1013904223u;
      v[i] = bits >> 28 == 0 ? NAN : (float)(bits >> 8 & 15);
    }
    xai_contour c = contour(v, 9, 12, 7.5);
    assert_true(c.n > 0);
    for (int i = 0, from = 0; i < c.n; from = c.ends[i++]) {
      int last = c.ends[i] - 1;
      assert_true(last - from >= 4); /* four sides and the first once more */
      assert_true(c.points[2 * from] == c.points[2 * last] && c.points[2 * from + 1] == c.points[2 * last + 1]);
      for (int k = from; k <= last; k++) {
        assert_true(c.points[2 * k] >= 0 && c.points[2 * k] <= 12);
        assert_true(c.points[2 * k + 1] >= 0 && c.points[2 * k + 1] <= 9);
      }
    }
    xai_contour_clear(&c);
  }
}

/* The border counts as below: a map that is above everywhere is enclosed by its edge. */
static void what_reaches_the_edge_ends_there(void **state) {
  (void)state;
  const float v[] = {2, 2, 2, 2};
  xai_contour c = contour(v, 2, 2, 1);
  assert_int_equal(c.n, 1);
  assert_true(passes(&c, 0, 0.5) && passes(&c, 2, 0.5) && passes(&c, 0.5, 0) && passes(&c, 1.5, 2));
  xai_contour_clear(&c);
}

static void a_level_above_everything_has_no_line(void **state) {
  (void)state;
  const float v[] = {1, 2, 3, NAN};
  xai_contour c = contour(v, 2, 2, 3);
  assert_int_equal(c.n, 0);
  xai_contour_clear(&c);
}

/* Two peaks across a corner: with 0 between them the mean 2 is below the level 2.5, and each has its own line; with 2 the
 * mean 3 joins them. */
static void the_mean_joins_what_touches_at_a_corner(void **state) {
  (void)state;
  const float apart[] = {4, 0, 0, 4}, joined[] = {4, 2, 2, 4};
  xai_contour c = contour(apart, 2, 2, 2.5);
  assert_int_equal(c.n, 2);
  xai_contour_clear(&c);
  c = contour(joined, 2, 2, 2.5);
  assert_int_equal(c.n, 1);
  xai_contour_clear(&c);
}

static void a_hole_has_a_line_of_its_own(void **state) {
  (void)state;
  const float v[] = {2, 2, 2, 2, 0, 2, 2, 2, 2};
  xai_contour c = contour(v, 3, 3, 1);
  assert_int_equal(c.n, 2);
  xai_contour_clear(&c);
}

static void senseless_arguments_are_refused_and_every_allocation_may_fail(void **state) {
  (void)state;
  const float v[] = {0, 0, 0, 0, 4, 0, 0, 0, 0};
  xai_contour c = {0};
  xai_err err;
  assert_int_equal(xai_contour_make(v, 0, 3, 1, &c, &err), XAI_ESHAPE);
  assert_int_equal(xai_contour_make(v, 3, 3, NAN, &c, &err), XAI_EARG);
  size_t live = xai_mem_live();
  xai_status st = XAI_ENOMEM;
  for (int k = 0; st != XAI_OK; k++) {
    xai_mem_fail_after(k, false);
    st = xai_contour_make(v, 3, 3, 1, &c, &err);
    xai_mem_fail_after(-1, false);
    assert_true(st == XAI_OK || st == XAI_ENOMEM);
    if (st != XAI_OK) assert_int_equal(xai_mem_live(), live);
  }
  xai_contour_clear(&c);
  assert_int_equal(xai_mem_live(), live);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_single_peak_has_a_diamond_around_it),
      cmocka_unit_test(every_line_is_closed),
      cmocka_unit_test(what_reaches_the_edge_ends_there),
      cmocka_unit_test(a_level_above_everything_has_no_line),
      cmocka_unit_test(the_mean_joins_what_touches_at_a_corner),
      cmocka_unit_test(a_hole_has_a_line_of_its_own),
      cmocka_unit_test(senseless_arguments_are_refused_and_every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
