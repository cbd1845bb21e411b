#include "scratch.h"

#include <math.h>

#include "base/rng.h"
#include "embed/embed.h"
#include "kernels/kernels.h"

enum { D = 19 };

/* Whole numbers from -2 to 2, many of them equal: distances are exact, and there are ties and points that coincide. */
static void fill(int64_t n, uint64_t seed, float *x) {
  for (int64_t i = 0; i < n * D; i++) x[i] = (float)((int)(xai_rng_u64(seed, (uint64_t)i) % 5) - 2);
  for (int64_t j = 0; j < D; j++) x[3 * D + j] = x[5 * D + j]; /* the same twice */
  for (int64_t j = 0; j < D; j++) x[7 * D + j] = 0;            /* and one without direction */
}

static double distance(const float *a, const float *b, xai_metric metric) {
  double d2 = 0, ab = 0, aa = 0, bb = 0;
  for (int j = 0; j < D; j++) {
    d2 += ((double)a[j] - b[j]) * ((double)a[j] - b[j]);
    ab += (double)a[j] * b[j];
    aa += (double)a[j] * a[j];
    bb += (double)b[j] * b[j];
  }
  if (metric == XAI_METRIC_EUCLIDEAN) return sqrt(d2);
  return aa * bb > 0 ? 1 - ab / sqrt(aa * bb) : 1;
}

/* The plain double loop: k times the nearest that is left. Cosines of equal points may differ in the last digit, so that
 * positions are compared by what they are worth. */
static void agree(int64_t n, const float *x, int64_t m, const float *q, const int64_t *own, bool all, int64_t k,
                  xai_metric metric) {
  int64_t *index = malloc((size_t)(m * k) * sizeof *index);
  float *found = malloc((size_t)(m * k) * sizeof *found);
  char *taken = malloc((size_t)n);
  xai_queries queries = {.n = m, .x = all ? NULL : q, .own = own};
  assert_int_equal(xai_neighbours(n, D, x, &queries, k, metric, index, found, NULL), XAI_OK);
  for (int64_t i = 0; i < m; i++) {
    memset(taken, 0, (size_t)n);
    if (own != NULL || all) taken[all ? i : own[i]] = 1;
    for (int64_t r = 0; r < k; r++) {
      double best = INFINITY;
      int64_t at = -1;
      for (int64_t j = 0; j < n; j++)
        if (!taken[j] && distance(q + i * D, x + j * D, metric) < best - (metric == XAI_METRIC_COSINE ? 1e-12 : 0)) {
          best = distance(q + i * D, x + j * D, metric);
          at = j;
        }
      if (metric == XAI_METRIC_EUCLIDEAN) assert_int_equal(index[i * k + r], at);
      assert_true(!taken[index[i * k + r]]);
      assert_true(fabs(distance(q + i * D, x + index[i * k + r] * D, metric) - best) < 1e-12);
      assert_true(fabs(found[i * k + r] - best) <= 1e-6 * (1 + best));
      taken[index[i * k + r]] = 1;
    }
  }
  free(index);
  free(found);
  free(taken);
}

static void they_are_those_of_a_plain_double_loop(void **state) {
  (void)state;
  enum { N = 1300, M = 40 }; /* more than one block */
  float *x = malloc(N * D * sizeof *x), *q = malloc(M * D * sizeof *q);
  int64_t own[M];
  fill(N, 1, x);
  fill(M, 2, q);
  for (int metric = 0; metric < 2; metric++) {
    agree(N, x, N, x, NULL, true, 7, (xai_metric)metric);
    agree(N, x, M, q, NULL, false, 5, (xai_metric)metric);
    for (int i = 0; i < M; i++) {
      own[i] = 31 * i;
      memcpy(q + i * D, x + own[i] * D, D * sizeof *q);
    }
    agree(N, x, M, q, own, false, 3, (xai_metric)metric);
  }
  agree(20, x, 20, x, NULL, true, 19, XAI_METRIC_EUCLIDEAN); /* all that there are */
  free(x);
  free(q);
}

/* Where every point is the same, products tell nothing: the first ones win. */
static void equal_points_come_in_the_order_of_positions(void **state) {
  (void)state;
  float x[100 * D];
  int64_t index[300];
  float found[300];
  for (int i = 0; i < 100 * D; i++) x[i] = 0.1f;
  assert_int_equal(xai_neighbours(100, D, x, &(xai_queries){0}, 3, XAI_METRIC_EUCLIDEAN, index, found, NULL), XAI_OK);
  for (int64_t i = 0; i < 100; i++)
    for (int64_t r = 0; r < 3; r++) {
      assert_int_equal(index[i * 3 + r], r + (i <= r));
      assert_true(found[i * 3 + r] == 0);
    }
}

/* 1e4 from the origin, 1e-3 apart: the square of the distance is a millionth of what rounding does to the products. */
static void near_points_far_away_are_told_apart(void **state) {
  (void)state;
  float x[64];
  int64_t index[64];
  float found[64];
  for (int i = 0; i < 64; i++) x[i] = i < 32 ? 1e4f + (float)(i * i) / 512 : -1e4f - (float)(i * i) / 512;
  assert_int_equal(xai_neighbours(64, 1, x, &(xai_queries){0}, 1, XAI_METRIC_EUCLIDEAN, index, found, NULL), XAI_OK);
  for (int i = 1; i < 31; i++) assert_int_equal(index[i], i - 1); /* squares come nearer downwards */
}

/* Squares of 1e25 and more are no floats, so nothing can be said from products: 0, 1, 4, 9, ... times 1e25. */
static void points_whose_squares_are_beyond_the_floats_are_measured(void **state) {
  (void)state;
  float x[64], found[64];
  int64_t index[64];
  for (int i = 0; i < 64; i++) x[i] = (float)(i * i) * 1e25f;
  assert_int_equal(xai_neighbours(64, 1, x, &(xai_queries){0}, 1, XAI_METRIC_EUCLIDEAN, index, found, NULL), XAI_OK);
  assert_int_equal(index[0], 1);
  for (int i = 1; i < 64; i++) {
    assert_int_equal(index[i], i - 1); /* (i + 1)^2 - i^2 > i^2 - (i - 1)^2 */
    assert_true(fabs(found[i] / ((2 * i - 1) * 1e25) - 1) < 1e-4);
  }
}

static void any_number_of_threads_gives_the_same(void **state) {
  (void)state;
  enum { N = 1100, K = 6 };
  float *x = malloc(N * D * sizeof *x), *found[2];
  int64_t *index[2];
  int threads = xk_threads();
  for (int64_t i = 0; i < N * D; i++) x[i] = (float)xai_rng_normal(5, (uint64_t)i);
  for (int r = 0; r < 2; r++) {
    index[r] = malloc(N * K * sizeof *index[r]);
    found[r] = malloc(N * K * sizeof *found[r]);
    xk_threads_set(r == 0 ? 1 : 3);
    assert_int_equal(xai_neighbours(N, D, x, &(xai_queries){0}, K, XAI_METRIC_COSINE, index[r], found[r], NULL), XAI_OK);
  }
  xk_threads_set(threads);
  assert_memory_equal(index[0], index[1], N * K * sizeof *index[0]);
  assert_memory_equal(found[0], found[1], N * K * sizeof *found[0]);
  for (int r = 0; r < 2; r++) {
    free(index[r]);
    free(found[r]);
  }
  free(x);
}

static void what_makes_no_sense_is_refused(void **state) {
  (void)state;
  float x[3 * D] = {0}, found[6];
  int64_t index[6];
  xai_err err;
  assert_int_equal(xai_neighbours(3, D, x, &(xai_queries){0}, 3, XAI_METRIC_EUCLIDEAN, index, found, &err), XAI_EARG);
  assert_string_equal(err.text, "k: expected 1 to 2 for 3 points, got 3");
  x[2 * D] = INFINITY;
  assert_int_equal(xai_neighbours(3, D, x, &(xai_queries){0}, 2, XAI_METRIC_EUCLIDEAN, index, found, &err), XAI_EARG);
  assert_string_equal(err.text, "x: row 3 holds a number that is not finite");
}

static xai_status try(const char *path, xai_err *err) {
  (void)path;
  float x[4 * D], q[D] = {0}, found[2];
  int64_t index[2];
  for (int i = 0; i < 4 * D; i++) x[i] = (float)i;
  return xai_neighbours(4, D, x, &(xai_queries){.n = 1, .x = q}, 2, XAI_METRIC_EUCLIDEAN, index, found, err);
}

static void memory_that_is_short_is_an_error(void **state) {
  (void)state;
  each_allocation_fails(try, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(they_are_those_of_a_plain_double_loop),
      cmocka_unit_test(equal_points_come_in_the_order_of_positions),
      cmocka_unit_test(near_points_far_away_are_told_apart),
      cmocka_unit_test(points_whose_squares_are_beyond_the_floats_are_measured),
      cmocka_unit_test(any_number_of_threads_gives_the_same),
      cmocka_unit_test(what_makes_no_sense_is_refused),
      cmocka_unit_test(memory_that_is_short_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
