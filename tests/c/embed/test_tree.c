#include "scratch.h"

#include <math.h>

#include "base/rng.h"
#include "embed/embed.h"

enum { N = 700 };

static void fill(float *x, float *y) {
  for (int i = 0; i < N; i++) { /* two clusters of different size, and points that coincide */
    x[i] = (float)xai_rng_normal(1, (uint64_t)i) * (i % 2 ? 0.01f : 5) + (i % 2 ? 20 : 0);
    y[i] = i % 10 == 3 ? 1 : (float)xai_rng_normal(2, (uint64_t)i) * (i % 2 ? 0.01f : 5);
  }
  for (int i = 0; i < 60; i++) {
    x[i] = 3;
    y[i] = 4;
  }
}

typedef struct seen {
  xai_tree_sources s;
  float room[3][N];
} seen;

/* Every point in one group, every group sees all points; returns the largest error of 1 / (1 + d^2), summed over sources,
 * relative to the true sum. */
static double look_around(double theta, int64_t *sources) {
  static float x[N], y[N];
  static seen v;
  static int found[N];
  xai_tree *t = NULL;
  double worst = 0;
  fill(x, y);
  memset(found, 0, sizeof found);
  v.s = (xai_tree_sources){v.room[0], v.room[1], v.room[2]};
  assert_int_equal(xai_tree_new(N, &t, NULL), XAI_OK);
  xai_tree_build(t, x, y);
  *sources = 0;
  for (int64_t g = 0; g < xai_tree_groups(t); g++) {
    int64_t at[XAI_TREE_GROUP];
    float tx[XAI_TREE_GROUP], ty[XAI_TREE_GROUP];
    double points = 0;
    int64_t n = xai_tree_look(t, g, theta, &v.s, at, tx, ty);
    *sources += n;
    for (int64_t j = 0; j < n; j++) points += v.s.w[j];
    assert_true(points == N);
    for (int l = 0; l < XAI_TREE_GROUP; l++) {
      if (at[l] < 0) continue;
      found[at[l]]++;
      assert_true(tx[l] == x[at[l]] && ty[l] == y[at[l]]);
      double sum = 0, want = 0;
      for (int64_t j = 0; j < n; j++) sum += v.s.w[j] / (1 + pow(tx[l] - v.s.x[j], 2) + pow(ty[l] - v.s.y[j], 2));
      for (int j = 0; j < N; j++) want += 1 / (1 + pow(tx[l] - x[j], 2) + pow(ty[l] - y[j], 2));
      worst = fmax(worst, fabs(sum / want - 1));
    }
  }
  for (int i = 0; i < N; i++) assert_int_equal(found[i], 1);
  xai_tree_free(t);
  return worst;
}

static void at_theta_0_everything_is_seen_as_it_is(void **state) {
  (void)state;
  int64_t sources;
  assert_true(look_around(0, &sources) < 1e-6);
  assert_int_equal(sources, (int64_t)N * ((N + XAI_TREE_GROUP - 1) / XAI_TREE_GROUP));
}

static void a_larger_theta_sees_fewer_things_less_exactly(void **state) {
  (void)state;
  int64_t some, few;
  double good = look_around(0.3, &some), fair = look_around(0.8, &few);
  assert_true(good < 0.01 && fair < 0.05);
  assert_true(few < some && some < (int64_t)N * N / XAI_TREE_GROUP);
}

static void points_that_all_coincide_are_one_leaf(void **state) {
  (void)state;
  float x[20] = {0}, y[20] = {0}, room[3][20];
  xai_tree_sources s = {room[0], room[1], room[2]};
  int64_t at[XAI_TREE_GROUP];
  float tx[XAI_TREE_GROUP], ty[XAI_TREE_GROUP];
  xai_tree *t = NULL;
  assert_int_equal(xai_tree_new(20, &t, NULL), XAI_OK);
  xai_tree_build(t, x, y);
  assert_int_equal(xai_tree_groups(t), 2);
  assert_int_equal(xai_tree_look(t, 1, 0.5, &s, at, tx, ty), 20);
  assert_int_equal(at[3], 19);
  assert_int_equal(at[4], -1);
  xai_tree_free(t);
}

static xai_status try(const char *path, xai_err *err) {
  (void)path;
  xai_tree *t = NULL;
  xai_status st = xai_tree_new(5, &t, err);
  if (st != XAI_OK) assert_null(t);
  xai_tree_free(t);
  return st;
}

static void memory_that_is_short_is_an_error(void **state) {
  (void)state;
  each_allocation_fails(try, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(at_theta_0_everything_is_seen_as_it_is),
      cmocka_unit_test(a_larger_theta_sees_fewer_things_less_exactly),
      cmocka_unit_test(points_that_all_coincide_are_one_leaf),
      cmocka_unit_test(memory_that_is_short_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
