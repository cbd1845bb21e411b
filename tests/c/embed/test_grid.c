#include "scratch.h"

#include "base/rng.h"
#include "embed/embed.h"

static double best_of_all(int n, int m, const double *cost, int row, unsigned taken) {
  double best = 1e300;
  if (row == n) return 0;
  for (int j = 0; j < m; j++)
    if (!(taken >> j & 1)) {
      double sum = cost[row * m + j] + best_of_all(n, m, cost, row + 1, taken | 1u << j);
      if (sum < best) best = sum;
    }
  return best;
}

static void no_other_assignment_costs_less(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 60; seed++) {
    int n = 1 + (int)(seed % 6), m = n + (int)(seed / 6 % 3);
    double cost[64], sum = 0;
    int64_t to[8];
    unsigned taken = 0;
    for (int i = 0; i < n * m; i++) { /* whole numbers: many ties, and some negative */
      cost[i] = (double)(xai_rng_u64(seed, (uint64_t)i) % 9) - 2;
    }
    assert_int_equal(xai_assign(n, m, cost, to, NULL), XAI_OK);
    for (int i = 0; i < n; i++) {
      assert_true(to[i] >= 0 && to[i] < m && !(taken >> to[i] & 1));
      taken |= 1u << to[i];
      sum += cost[i * m + to[i]];
    }
    assert_true(sum == best_of_all(n, m, cost, 0, 0));
  }
}

/* Points at the middles of cells of 3 x 4, in disorder: everyone gets the own cell. The corners span the grid, so that
 * the stretch to it is that of x from 0 to 4: 4/3 x, of y from 0 to 3: 3/2 y; the order of cells stays. */
static void points_on_a_grid_stay_where_they_are(void **state) {
  (void)state;
  const int order[12] = {7, 2, 11, 0, 5, 9, 1, 10, 3, 8, 6, 4};
  float y[24];
  int64_t cell[12];
  for (int i = 0; i < 12; i++) {
    y[2 * i] = (float)(order[i] % 4);
    y[2 * i + 1] = -(float)(order[i] / 4); /* the first row is the highest */
  }
  assert_int_equal(xai_grid(12, y, 3, 4, cell, NULL), XAI_OK);
  for (int i = 0; i < 12; i++) assert_int_equal(cell[i], order[i]);
}

static void equal_points_get_different_cells(void **state) {
  (void)state;
  const float y[8] = {1, 1, 1, 1, 1, 1, 1, 1};
  int64_t cell[4];
  int seen[4] = {0};
  assert_int_equal(xai_grid(4, y, 2, 2, cell, NULL), XAI_OK);
  for (int i = 0; i < 4; i++) assert_int_equal(seen[cell[i]]++, 0);
}

static void what_does_not_fit_is_refused(void **state) {
  (void)state;
  const float y[4] = {0, 0, 1, 1}, bad[4] = {0, 0, 1, 0.0f / 0.0f};
  int64_t cell[2];
  xai_err err;
  assert_int_equal(xai_grid(2, y, 1, 1, cell, &err), XAI_EARG);
  assert_string_equal(err.text, "1 x 1 cells do not hold 2 points");
  assert_int_equal(xai_grid(2, y, 50, 51, cell, &err), XAI_EARG);
  assert_string_equal(err.text, "expected at most 2500 cells, got 50 x 51");
  assert_int_equal(xai_grid(2, bad, 2, 2, cell, &err), XAI_EARG);
  assert_string_equal(err.text, "points: row 2 holds a number that is not finite");
}

static xai_status try(const char *path, xai_err *err) {
  (void)path;
  const float y[6] = {0, 0, 1, 1, 2, 0};
  int64_t cell[3];
  return xai_grid(3, y, 2, 2, cell, err);
}

static void memory_that_is_short_is_an_error(void **state) {
  (void)state;
  each_allocation_fails(try, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_other_assignment_costs_less),
      cmocka_unit_test(points_on_a_grid_stay_where_they_are),
      cmocka_unit_test(equal_points_get_different_cells),
      cmocka_unit_test(what_does_not_fit_is_refused),
      cmocka_unit_test(memory_that_is_short_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
