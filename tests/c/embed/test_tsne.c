#include "scratch.h"

#include <math.h>

#include "base/rng.h"
#include "embed/embed.h"
#include "kernels/kernels.h"

enum { N = 90, D = 4 };

/* Three clusters of thirty. */
static void fill(float *x) {
  for (int i = 0; i < N * D; i++) x[i] = (float)xai_rng_normal(1, (uint64_t)i) + (i / D % 3 == i % D ? 6 : 0);
}

static xai_tsne *begin(const xai_tsne_opts *o) {
  float x[N * D];
  xai_tsne *t = NULL;
  xai_err err = {"?"};
  fill(x);
  if (xai_tsne_new(N, D, x, o, &t, &err) != XAI_OK) fail_msg("%s", err.text);
  return t;
}

static xai_tsne_opts options(xai_tsne_method method) {
  xai_tsne_opts o = xai_tsne_defaults();
  o.method = method;
  o.perplexity = 10;
  return o;
}

static double kl_at(xai_tsne *t, const float *y) {
  double kl;
  xai_tsne_set(t, y);
  assert_int_equal(xai_tsne_kl(t, &kl, NULL), XAI_OK);
  return kl;
}

/* An entropy of ln(perplexity), to 1e-5, and p ~ exp(-beta d^2). */
static void bisection_finds_the_perplexity(void **state) {
  (void)state;
  double d2[60], p[60];
  for (int scale = -3; scale <= 3; scale++)
    for (int perplexity = 2; perplexity < 30; perplexity += 9) {
      double entropy = 0, sum = 0;
      for (int j = 0; j < 60; j++) d2[j] = pow(10, 3 * scale) * (1 + xai_rng_uniform(4, (uint64_t)j));
      double beta = xai_tsne__conditional(60, d2, perplexity, p);
      for (int j = 0; j < 60; j++) {
        sum += p[j];
        if (p[j] > 0) entropy -= p[j] * log(p[j]);
        if (p[0] > 1e-100 && p[j] > 1e-100) assert_true(fabs(log(p[j] / p[0]) + beta * (d2[j] - d2[0])) < 1e-9);
      }
      assert_true(fabs(sum - 1) < 1e-12);
      assert_true(fabs(entropy - log(perplexity)) < 1e-5);
    }
}

/* Where no bandwidth gives the perplexity: ten at the same distance have an entropy of ln 10, whatever beta is. */
static void equal_distances_share_alike(void **state) {
  (void)state;
  double d2[10], p[10];
  for (int j = 0; j < 10; j++) d2[j] = 3;
  xai_tsne__conditional(10, d2, 3, p);
  for (int j = 0; j < 10; j++) assert_true(fabs(p[j] - 0.1) < 1e-15);
}

/* Central differences of KL are 4 times the gradient. theta 0: the tree pushes exactly. */
static void the_gradient_is_a_quarter_of_the_slope_of_kl(void **state) {
  (void)state;
  for (int method = XAI_TSNE_EXACT; method <= XAI_TSNE_BARNES_HUT; method++) {
    xai_tsne_opts o = options((xai_tsne_method)method);
    o.theta = 0;
    xai_tsne *t = begin(&o);
    float y[2 * N], g[2 * N];
    for (int i = 0; i < 2 * N; i++) y[i] = (float)(2 * xai_rng_normal(7, (uint64_t)i));
    xai_tsne_set(t, y);
    assert_int_equal(xai_tsne_gradient(t, g, NULL), XAI_OK);
    double wrong = 0, all = 0;
    for (int i = 0; i < 2 * N; i++) {
      const float h = 1.0f / 64, here = y[i];
      y[i] = here + h;
      double up = kl_at(t, y), above = y[i];
      y[i] = here - h;
      double down = kl_at(t, y), slope = (up - down) / (above - y[i]);
      y[i] = here;
      wrong += pow(slope - 4 * g[i], 2);
      all += pow(slope, 2);
    }
    assert_true(sqrt(wrong / all) < 1e-3);
    xai_tsne_free(t);
  }
}

/* The tree's push at theta 0.5 beside all pairs'. */
static void the_tree_is_close_to_all_pairs(void **state) {
  (void)state;
  xai_tsne_opts o = options(XAI_TSNE_BARNES_HUT);
  float y[2 * N], g[2][2 * N];
  double wrong = 0, all = 0;
  for (int i = 0; i < 2 * N; i++) y[i] = (float)(10 * xai_rng_normal(7, (uint64_t)i));
  for (int r = 0; r < 2; r++) {
    o.theta = r * 0.5;
    xai_tsne *t = begin(&o);
    xai_tsne_set(t, y);
    assert_int_equal(xai_tsne_gradient(t, g[r], NULL), XAI_OK);
    xai_tsne_free(t);
  }
  for (int i = 0; i < 2 * N; i++) {
    wrong += pow(g[0][i] - g[1][i], 2);
    all += pow(g[0][i], 2);
  }
  assert_true(wrong > 0 && sqrt(wrong / all) < 0.02);
}

/* Turned by 3-4-5 and moved, all distances stay. */
static void kl_does_not_change_when_the_map_is_moved_or_turned(void **state) {
  (void)state;
  xai_tsne_opts o = options(XAI_TSNE_EXACT);
  xai_tsne *t = begin(&o);
  float y[2 * N], turned[2 * N];
  for (int i = 0; i < 2 * N; i++) y[i] = (float)(4 * xai_rng_normal(7, (uint64_t)i));
  for (int i = 0; i < N; i++) {
    turned[2 * i] = 0.6f * y[2 * i] - 0.8f * y[2 * i + 1] + 3;
    turned[2 * i + 1] = 0.8f * y[2 * i] + 0.6f * y[2 * i + 1] - 5;
  }
  assert_true(fabs(kl_at(t, y) - kl_at(t, turned)) < 1e-5);
  xai_tsne_free(t);
}

/* Four points on a line at 0, 1, 3 and 6 with perplexity 1: each has its nearest neighbour as its only one, so that
 * P of the pairs (1,2), (2,3), (3,4) is 1/4, 1/8, 1/8 in each of the two orders. In a map where they are corners of a unit square in order, q is 1/2 for 8 ordered pairs and 1/3 for 4: Z = 16/3,
 *   KL = 2/4 ln(1/4 / (3/32)) + 4/8 ln(1/8 / (3/32)) = (ln(8/3) + ln(4/3)) / 2 */
static void kl_of_four_points_by_hand(void **state) {
  (void)state;
  const float x[4] = {0, 1, 3, 6}, y[8] = {0, 0, 1, 0, 1, 1, 0, 1};
  xai_tsne_opts o = xai_tsne_defaults();
  o.perplexity = 1;
  o.method = XAI_TSNE_EXACT;
  xai_tsne *t = NULL;
  assert_int_equal(xai_tsne_new(4, 1, x, &o, &t, NULL), XAI_OK);
  assert_true(fabs(kl_at(t, y) - (log(8.0 / 3) + log(4.0 / 3)) / 2) < 1e-3);
  xai_tsne_free(t);
}

static void any_number_of_threads_gives_the_same_map(void **state) {
  (void)state;
  int threads = xk_threads();
  for (int method = XAI_TSNE_EXACT; method <= XAI_TSNE_BARNES_HUT; method++) {
    float y[2][2 * N];
    for (int r = 0; r < 2; r++) {
      xk_threads_set(r == 0 ? 1 : 3);
      xai_tsne_opts o = options((xai_tsne_method)method);
      xai_tsne *t = begin(&o);
      assert_int_equal(xai_tsne_advance(t, 300, NULL), XAI_OK);
      xai_tsne_map(t, y[r]);
      xai_tsne_free(t);
    }
    assert_memory_equal(y[0], y[1], sizeof y[0]);
  }
  xk_threads_set(threads);
}

/* Interrupted, the map is that of the last whole iteration, from which it can go on to the same end. */
static void a_map_that_was_stopped_goes_on(void **state) {
  (void)state;
  float y[2][2 * N];
  for (int r = 0; r < 2; r++) {
    xai_tsne_opts o = options(XAI_TSNE_BARNES_HUT);
    o.iterations = 40;
    xai_tsne *t = begin(&o);
    if (r == 1) {
      xai_err err;
      assert_int_equal(xai_tsne_advance(t, 17, NULL), XAI_OK);
      xai_stop_request();
      assert_int_equal(xai_tsne_advance(t, 17, &err), XAI_ESTOP);
      xai_stop_clear();
      assert_int_equal(xai_tsne_done(t), 17);
    }
    assert_int_equal(xai_tsne_advance(t, 1000, NULL), XAI_OK);
    assert_int_equal(xai_tsne_done(t), 40);
    xai_tsne_map(t, y[r]);
    xai_tsne_free(t);
  }
  assert_memory_equal(y[0], y[1], sizeof y[0]);
}

/* After the descent: KL is small and every cluster lies together. New points go where their clusters are, whatever else is
 * placed with them. */
static void clusters_are_found_and_new_points_join_theirs(void **state) {
  (void)state;
  xai_tsne_opts o = options(XAI_TSNE_AUTO);
  xai_tsne *t = begin(&o);
  float y[2 * N], z[3 * D] = {0}, together[6], alone[2];
  double kl, middle[3][2] = {{0}};
  assert_true(xai_tsne_is_exact(t));
  assert_int_equal(xai_tsne_advance(t, 1000, NULL), XAI_OK);
  assert_int_equal(xai_tsne_kl(t, &kl, NULL), XAI_OK);
  assert_true(kl > 0 && kl < 0.5);
  xai_tsne_map(t, y);
  for (int i = 0; i < 2 * N; i++) middle[i / 2 % 3][i % 2] += y[i] / (N / 3.0);
  for (int i = 0; i < 3; i++) z[i * D + i] = 6; /* a point in the middle of each */
  assert_int_equal(xai_tsne_place(t, 3, z, together, NULL), XAI_OK);
  for (int i = 0; i < 3; i++) {
    double own = hypot(together[2 * i] - middle[i][0], together[2 * i + 1] - middle[i][1]);
    for (int k = 0; k < 3; k++)
      if (k != i) assert_true(own < 0.5 * hypot(together[2 * i] - middle[k][0], together[2 * i + 1] - middle[k][1]));
    assert_int_equal(xai_tsne_place(t, 1, z + i * D, alone, NULL), XAI_OK);
    assert_memory_equal(alone, together + 2 * i, sizeof alone);
  }
  xai_tsne_free(t);
}

/* At a rate of 200 thirty points are thrown about to the end. */
static void the_rate_of_small_sets_is_small_enough(void **state) {
  (void)state;
  float x[N * D];
  double kl[2];
  fill(x);
  for (int r = 0; r < 2; r++) {
    xai_tsne_opts o = options(XAI_TSNE_EXACT);
    o.perplexity = 9;
    o.rate = r == 0 ? 0 : 1;
    xai_tsne *t = NULL;
    assert_int_equal(xai_tsne_new(30, D, x, &o, &t, NULL), XAI_OK);
    assert_int_equal(xai_tsne_advance(t, 1000, NULL), XAI_OK);
    assert_int_equal(xai_tsne_kl(t, &kl[r], NULL), XAI_OK);
    xai_tsne_free(t);
  }
  assert_true(kl[0] < 1.3 * kl[1]);
}

static void what_makes_no_sense_is_refused(void **state) {
  (void)state;
  float x[N * D];
  xai_tsne *t = NULL;
  xai_err err;
  fill(x);
  xai_tsne_opts o = xai_tsne_defaults();
  assert_int_equal(xai_tsne_new(N, D, x, &o, &t, &err), XAI_EARG);
  assert_string_equal(err.text, "perplexity: expected 1 to 29.67, a third of the other points, for 90 points; got 30");
  o = options(XAI_TSNE_EXACT);
  o.rate = 1e30;
  assert_int_equal(xai_tsne_new(N, D, x, &o, &t, NULL), XAI_OK);
  assert_int_equal(xai_tsne_advance(t, 100, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "a smaller rate than 1e+30 is needed"));
  xai_tsne_free(t);
}

static xai_status try(const char *path, xai_err *err) {
  xai_tsne_opts o = options(path[0] == 'e' ? XAI_TSNE_EXACT : XAI_TSNE_BARNES_HUT);
  float x[N * D], y[2];
  xai_tsne *t = NULL;
  fill(x);
  o.pca = 2;
  xai_status st = xai_tsne_new(N, D, x, &o, &t, err);
  if (st == XAI_OK) st = xai_tsne_place(t, 1, x, y, err);
  xai_tsne_free(t);
  return st;
}

static void memory_that_is_short_is_an_error(void **state) {
  (void)state;
  each_allocation_fails(try, "exact");
  each_allocation_fails(try, "tree");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bisection_finds_the_perplexity),
      cmocka_unit_test(equal_distances_share_alike),
      cmocka_unit_test(the_gradient_is_a_quarter_of_the_slope_of_kl),
      cmocka_unit_test(the_tree_is_close_to_all_pairs),
      cmocka_unit_test(kl_does_not_change_when_the_map_is_moved_or_turned),
      cmocka_unit_test(kl_of_four_points_by_hand),
      cmocka_unit_test(any_number_of_threads_gives_the_same_map),
      cmocka_unit_test(a_map_that_was_stopped_goes_on),
      cmocka_unit_test(clusters_are_found_and_new_points_join_theirs),
      cmocka_unit_test(the_rate_of_small_sets_is_small_enough),
      cmocka_unit_test(what_makes_no_sense_is_refused),
      cmocka_unit_test(memory_that_is_short_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
