/* Reductions and moments over every set of axes, against loops with coordinates; laws; threads. */
#include <math.h>

#include "ktest.h"

enum { RANK = 4, N = 2 * 3 * 4 * 5 };
static const int64_t dims[RANK] = {2, 3, 4, 5};

/* Which group element i belongs to: its coordinates along the kept dims. */
static int64_t group_of(const bool *keep, int64_t i) {
  int64_t at = 0, step = 1;
  for (int d = RANK - 1; d >= 0; i /= dims[d], d--)
    if (keep[d]) {
      at += i % dims[d] * step;
      step *= dims[d];
    }
  return at;
}

static int64_t groups_of(const bool *keep) {
  int64_t n = 1;
  for (int d = 0; d < RANK; d++)
    if (keep[d]) n *= dims[d];
  return n;
}

/* The definition, in double. 'members' are the group's elements. */
static double defined(xk_reduction op, int64_t n, const double *members) {
  double sum = 0, product = 1, l1 = 0, square = 0, exps = 0, most = -INFINITY, least = INFINITY;
  for (int64_t i = 0; i < n; i++) {
    sum += members[i];
    product *= members[i];
    l1 += fabs(members[i]);
    square += members[i] * members[i];
    exps += exp(members[i]);
    most = fmax(most, members[i]);
    least = fmin(least, members[i]);
  }
  const double results[] = {[XK_SUM] = sum, [XK_MEAN] = sum / (double)n, [XK_PRODUCT] = product, [XK_LARGEST] = most,
                            [XK_SMALLEST] = least, [XK_L1] = l1, [XK_L2] = sqrt(square), [XK_SUM_SQUARE] = square,
                            [XK_LOG_SUM] = log(sum), [XK_LOG_SUM_EXP] = log(exps)};
  return results[op];
}

static void every_reduction_over_every_set_of_axes_equals_its_definition(void **state) {
  (void)state;
  float *x = reals(N, 1), *y = floats(N);
  for (int64_t i = 0; i < N; i++) x[i] += 1.5f; /* positive, for the logarithm */
  for (int mask = 0; mask < 1 << RANK; mask++) {
    bool keep[RANK];
    for (int d = 0; d < RANK; d++) keep[d] = mask >> d & 1;
    int64_t groups = groups_of(keep);
    for (int op = XK_SUM; op <= XK_LOG_SUM_EXP; op++) {
      xk_reduce_forward((xk_reduction)op, RANK, dims, keep, x, y);
      for (int64_t g = 0; g < groups; g++) {
        double members[N];
        int64_t n = 0;
        for (int64_t i = 0; i < N; i++)
          if (group_of(keep, i) == g) members[n++] = x[i];
        double want = defined((xk_reduction)op, n, members);
        assert_true(fabs(y[g] - want) <= 1e-5 * fabs(want));
      }
    }
  }
  free(x);
  free(y);
}

static void integer_reductions_equal_those_of_the_same_numbers_as_floats(void **state) {
  (void)state;
  static const xk_reduction ops[] = {XK_SUM, XK_LARGEST, XK_SMALLEST, XK_L1, XK_SUM_SQUARE};
  float *x = integers(N, 1), *y = floats(N);
  int32_t narrow[N], got32[N];
  int64_t wide[N], got64[N];
  for (int64_t i = 0; i < N; i++) wide[i] = narrow[i] = (int32_t)x[i];
  for (int mask = 0; mask < 1 << RANK; mask++) {
    bool keep[RANK];
    for (int d = 0; d < RANK; d++) keep[d] = mask >> d & 1;
    for (size_t k = 0; k < sizeof ops / sizeof *ops; k++) {
      xk_reduce_forward(ops[k], RANK, dims, keep, x, y);
      xk_reduce_forward_int(ops[k], 4, RANK, dims, keep, narrow, got32);
      xk_reduce_forward_int(ops[k], 8, RANK, dims, keep, wide, got64);
      for (int64_t g = 0; g < groups_of(keep); g++) assert_true(got32[g] == (int32_t)y[g] && got64[g] == got32[g]);
    }
  }
  free(x);
  free(y);
}

static void nan_is_the_largest_and_the_smallest(void **state) {
  (void)state;
  const int64_t n[] = {3};
  const bool keep[] = {false};
  const float x[] = {1, NAN, 3};
  float y;
  xk_reduce_forward(XK_LARGEST, 1, n, keep, x, &y);
  assert_true(isnan(y));
  xk_reduce_forward(XK_SMALLEST, 1, n, keep, x, &y);
  assert_true(isnan(y));
}

static void empty_sums_are_zero_and_empty_products_one(void **state) {
  (void)state;
  const int64_t n[] = {2, 0};
  const bool keep[] = {true, false};
  float x[1], y[2];
  int64_t z[2];
  xk_reduce_forward(XK_SUM, 2, n, keep, x, y);
  assert_equal(2, y, (const float[]){0, 0});
  xk_reduce_forward(XK_PRODUCT, 2, n, keep, x, y);
  assert_equal(2, y, (const float[]){1, 1});
  xk_reduce_forward_int(XK_PRODUCT, 8, 2, n, keep, x, z);
  assert_true(z[0] == 1 && z[1] == 1);
}

/* ---- moments --------------------------------------------------------------------------------------- */
static void normalized_groups_have_mean_0_and_variance_1_and_their_own_statistics(void **state) {
  (void)state;
  float *x = reals(N, 2), *y = floats(N), *mean = floats(N), *rate = floats(N);
  for (int mask = 0; mask < (1 << RANK) - 1; mask++) { /* but for groups of one element */
    bool keep[RANK];
    for (int d = 0; d < RANK; d++) keep[d] = mask >> d & 1;
    xk_moments_forward(RANK, dims, keep, true, 0, x, y, mean, rate);
    for (int64_t g = 0; g < groups_of(keep); g++) {
      double sum = 0, square = 0;
      int64_t n = 0;
      for (int64_t i = 0; i < N; i++)
        if (group_of(keep, i) == g) {
          sum += y[i];
          square += (double)y[i] * y[i];
          n++;
          assert_float_equal(y[i] / rate[g] + mean[g], x[i], 1e-5); /* back to x */
        }
      assert_true(fabs(sum) < 1e-4 && fabs(square / (double)n - 1) < 1e-4);
    }
  }
  free(x);
  free(y);
  free(mean);
  free(rate);
}

static void constant_groups_become_0_even_with_no_epsilon(void **state) {
  (void)state;
  const int64_t n[] = {3};
  const bool keep[] = {false};
  const float x[] = {0.1f, 0.1f, 0.1f}, dy[] = {1, 2, 3};
  float y[3];
  xk_moments_forward(1, n, keep, true, 0, x, y, NULL, NULL);
  assert_equal(3, y, (const float[]){0, 0, 0});
  xk_moments_backward(1, n, keep, true, 0, x, dy, NULL, NULL, y);
  assert_equal(3, y, (const float[]){0, 0, 0});
}

/* ---- threads ------------------------------------------------------------------------------------------ */
static const int64_t large[] = {3, 40, 30, 20};
enum { LARGE = 3 * 40 * 30 * 20 };

static void run_all(const void *x, float *out) {
  const bool inner[] = {true, true, false, false}, outer[] = {false, true, true, false};
  xk_reduce_forward(XK_LOG_SUM_EXP, RANK, large, inner, x, out);
  xk_reduce_backward(XK_LOG_SUM_EXP, RANK, large, inner, x, out, out, out + LARGE);
  xk_reduce_forward(XK_L2, RANK, large, outer, x, out + 2 * LARGE);
  xk_moments_forward(RANK, large, outer, true, 0.1f, x, out + 3 * LARGE, NULL, NULL);
  xk_moments_backward(RANK, large, inner, true, 0.1f, x, x, NULL, NULL, out + 4 * LARGE);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  float *x = reals(LARGE, 3);
  assert_same_bits_for_any_threads(run_all, x, 5 * LARGE);
  free(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_reduction_over_every_set_of_axes_equals_its_definition),
      cmocka_unit_test(integer_reductions_equal_those_of_the_same_numbers_as_floats),
      cmocka_unit_test(nan_is_the_largest_and_the_smallest),
      cmocka_unit_test(empty_sums_are_zero_and_empty_products_one),
      cmocka_unit_test(normalized_groups_have_mean_0_and_variance_1_and_their_own_statistics),
      cmocka_unit_test(constant_groups_become_0_even_with_no_epsilon),
      cmocka_unit_test(bits_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
