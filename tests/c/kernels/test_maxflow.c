/* Cuts of grids against all the cuts there are, and, where these are too many, against the flow: a cut that costs what
 * flows is the cheapest. */
#include "ktest.h"

#include <math.h>

#include "base/alloc.h"

enum { MOST = 4096 };

typedef struct grid {
  xk_cut cut;
  double as_object[MOST], as_background[MOST], edge[4][MOST];
  uint8_t object[MOST];
} grid;

static grid g;

/* Weights 0..most in steps of 1/4 (a step of 0: reals), a share of them 0. */
static void fill(int64_t h, int64_t w, uint64_t stream, double most, bool reals) {
  uint64_t base = xai_rng_stream(5, stream), k = 0;
  for (int64_t i = 0; i < h * w; i++) {
    double *to[6] = {&g.as_object[i], &g.as_background[i], &g.edge[0][i], &g.edge[1][i], &g.edge[2][i], &g.edge[3][i]};
    for (int j = 0; j < 6; j++) {
      double u = xai_rng_uniform(base, k++) * most;
      *to[j] = reals ? u : floor(4 * u) / 4;
      if (xai_rng_uniform(base, k++) < 0.2) *to[j] = 0;
    }
  }
  g.cut = (xk_cut){h, w, g.as_object, g.as_background, g.edge[0], g.edge[1], g.edge[2], g.edge[3]};
}

static double cost_of(const uint8_t *object) {
  static const int dx[4] = {1, 0, 1, -1}, dy[4] = {0, 1, 1, 1};
  double sum = 0;
  for (int64_t y = 0; y < g.cut.h; y++)
    for (int64_t x = 0; x < g.cut.w; x++) {
      int64_t i = y * g.cut.w + x;
      sum += object[i] ? g.as_object[i] : g.as_background[i];
      for (int d = 0; d < 4; d++) {
        int64_t nx = x + dx[d], ny = y + dy[d];
        if (nx >= 0 && nx < g.cut.w && ny < g.cut.h && object[ny * g.cut.w + nx] != object[i]) sum += g.edge[d][i];
      }
    }
  return sum;
}

static double solve(void) {
  void *work = malloc(xk_maxflow_workspace(g.cut.h, g.cut.w));
  assert_non_null(work);
  double flow = xk_maxflow(&g.cut, g.object, work);
  free(work);
  return flow;
}

/* The cheapest of 2^12 cuts; of equals the one with the fewest objects, which is unique. */
static void small_grids_get_the_cheapest_of_all_cuts(void **state) {
  (void)state;
  for (uint64_t k = 0; k < 60; k++) {
    fill(3, 4, k, k % 3 == 0 ? 1 : 4, false);
    double best = INFINITY;
    int fewest = 99, found = 0;
    for (int bits = 0; bits < 1 << 12; bits++) {
      uint8_t object[12];
      int count = 0;
      for (int i = 0; i < 12; i++) count += object[i] = (uint8_t)(bits >> i & 1);
      double cost = cost_of(object);
      if (cost < best || (cost == best && count < fewest)) best = cost, fewest = count;
    }
    assert_true(solve() == best); /* quarters add up exactly */
    assert_true(cost_of(g.object) == best);
    for (int i = 0; i < 12; i++) found += g.object[i];
    assert_int_equal(found, fewest);
  }
}

static void large_grids_cost_what_flows(void **state) {
  (void)state;
  static const int64_t sizes[][2] = {{1, 40}, {40, 1}, {17, 23}, {64, 64}};
  for (uint64_t k = 0; k < 40; k++) {
    fill(sizes[k % 4][0], sizes[k % 4][1], 100 + k, k % 5 + 0.5, true);
    double flow = solve(), cost = cost_of(g.object);
    assert_true(fabs(flow - cost) <= 1e-9 * cost);
  }
}

/* A chain: 5 speaks for the left end, 4 for the right one, and the weakest link of 3 1 2 is cut. */
static void a_chain_breaks_at_its_weakest_link(void **state) {
  (void)state;
  memset(&g, 0, sizeof g);
  g.cut = (xk_cut){1, 4, g.as_object, g.as_background, g.edge[0], g.edge[1], g.edge[2], g.edge[3]};
  g.as_background[0] = 5;
  g.as_object[3] = 4;
  memcpy(g.edge[0], (const double[]){3, 1, 2, 99}, 4 * sizeof(double));
  assert_true(solve() == 1);
  assert_memory_equal(g.object, ((const uint8_t[]){1, 1, 0, 0}), 4);
}

/* Costs may be negative, as logarithms of densities are: only their difference counts. */
static void what_both_sides_cost_moves_no_pixel(void **state) {
  (void)state;
  fill(17, 23, 7, 2, false);
  double before = solve();
  uint8_t object[17 * 23];
  memcpy(object, g.object, sizeof object);
  for (int i = 0; i < 17 * 23; i++) g.as_object[i] -= 8, g.as_background[i] -= 8;
  assert_true(solve() == before - 8 * 17 * 23);
  assert_memory_equal(object, g.object, sizeof object);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(small_grids_get_the_cheapest_of_all_cuts),
      cmocka_unit_test(large_grids_cost_what_flows),
      cmocka_unit_test(a_chain_breaks_at_its_weakest_link),
      cmocka_unit_test(what_both_sides_cost_moves_no_pixel),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
