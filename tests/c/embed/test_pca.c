#include "scratch.h"

#include <math.h>

#include "base/rng.h"
#include "embed/embed.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

static xai_pca fit(int64_t n, int64_t d, const float *x, int64_t dims, xai_pca_solver solver) {
  xai_pca p = {0};
  xai_err err = {"?"};
  if (xai_pca_fit(n, d, x, &(xai_pca_opts){.dims = dims, .solver = solver, .seed = 3}, &p, &err) != XAI_OK)
    fail_msg("%s", err.text);
  return p;
}

static void near_to(const xai_tensor *got, const float *want, int n, double tolerance) {
  const float *v = xai_tensor_view(got)->data;
  for (int i = 0; i < n; i++)
    if (!(fabs(v[i] - want[i]) <= tolerance)) fail_msg("element %d: %g, expected %g", i, v[i], want[i]);
}

/* Points (3, 1) + a (3, 4) / 5 + b (-4, 3) / 5 with (a, b) = (5, 0), (-5, 0), (0, 1), (0, -1): variances 50 / 3 and 2 / 3,
 * shares 50 / 52 and 2 / 52; (-4, 3) / 5 is turned, since its largest loading is negative. */
static void four_points_by_hand(void **state) {
  (void)state;
  const float x[8] = {6, 5, 0, -3, 2.2f, 1.6f, 3.8f, 0.4f};
  xai_pca p = fit(4, 2, x, 2, XAI_PCA_AUTO);
  assert_int_equal(p.solver, XAI_PCA_EXACT);
  near_to(p.mean, (float[]){3, 1}, 2, 1e-6);
  near_to(p.components, (float[]){0.6f, 0.8f, 0.8f, -0.6f}, 4, 1e-6);
  near_to(p.variance, (float[]){50 / 3.0f, 2 / 3.0f}, 2, 1e-5);
  near_to(p.ratio, (float[]){50 / 52.0f, 2 / 52.0f}, 2, 1e-6);
  near_to(p.values, (float[]){5, 0, -5, 0, 0, -1, 0, 1}, 8, 1e-5);
  float y[2];
  assert_int_equal(xai_pca_project(&p, 1, (const float[]){3.6f, 1.8f}, y, NULL), XAI_OK); /* the mean and (3, 4) / 5 */
  assert_true(fabs(y[0] - 1) < 1e-5 && fabs(y[1]) < 1e-5);
  xai_pca_clear(&p);
}

/* Fewer points than numbers: the same from the other matrix. (2, 0, 0, 0), (0, 2, 0, 0), (0, 0, 0, 0) lie in a plane around
 * (2/3, 2/3): along (1, -1) / sqrt 2 at sqrt 2, - sqrt 2 and 0, variance 2; along (1, 1) / sqrt 2 at 1, 1 and -2 times sqrt(2) / 3,
 * variance (2 + 2 + 8) / 9 / 2 = 2 / 3. */
static void fewer_points_than_numbers(void **state) {
  (void)state;
  const float x[12] = {2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0}, h = (float)sqrt(0.5);
  xai_pca p = fit(3, 4, x, 2, XAI_PCA_EXACT);
  near_to(p.variance, (float[]){2, 2 / 3.0f}, 2, 1e-6);
  near_to(p.components, (float[]){h, -h, 0, 0, h, h, 0, 0}, 8, 1e-6);
  near_to(p.values, (float[]){2 * h, 2 * h / 3, -2 * h, 2 * h / 3, 0, -4 * h / 3}, 6, 1e-6);
  xai_pca_clear(&p);
}

static void what_does_not_vary_has_components_of_no_variance(void **state) {
  (void)state;
  const float x[12] = {1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3};
  xai_pca p = fit(4, 3, x, 2, XAI_PCA_AUTO);
  near_to(p.variance, (float[]){0, 0}, 2, 0);
  near_to(p.ratio, (float[]){0, 0}, 2, 0);
  near_to(p.values, (float[8]){0}, 8, 0);
  xai_pca_clear(&p);
}

/* 300 points of 200 numbers, whose deviations fall by a fifth from direction to direction. */
enum { N = 300, D = 200, DIMS = 12 };
static float *falling(void) {
  float *x = calloc(N * D, sizeof *x);
  for (int i = 0; i < N; i++)
    for (int k = 0; k < 40; k++) {
      double a = pow(0.8, k) * xai_rng_normal(k + 10, (uint64_t)i);
      for (int j = 0; j < D; j++) x[i * D + j] += (float)(a * xai_rng_normal(k + 100, (uint64_t)j) / sqrt(D));
    }
  return x;
}

static void the_randomised_solver_agrees_with_the_exact_one(void **state) {
  (void)state;
  float *x = falling();
  xai_pca a = fit(N, D, x, DIMS, XAI_PCA_EXACT), b = fit(N, D, x, DIMS, XAI_PCA_RANDOMISED);
  const float *va = xai_tensor_floats(a.variance), *vb = xai_tensor_floats(b.variance);
  for (int k = 0; k < DIMS; k++) assert_true(fabs(vb[k] / va[k] - 1) < 1e-4);
  near_to(b.components, xai_tensor_floats(a.components), DIMS * D, 2e-3);
  xai_pca_clear(&a);
  xai_pca_clear(&b);
  free(x);
}

/* Deviations fall as 1 / sqrt(k), so that the first directions are hardly longer than those left out. */
static void near_eigenvalues_are_told_apart(void **state) {
  (void)state;
  enum { MANY = 600, WIDE = 400, FIRST = 20 };
  float *x = calloc(MANY * WIDE, sizeof *x);
  for (int i = 0; i < MANY * WIDE; i++) x[i] = (float)(xai_rng_normal(3, (uint64_t)i) / sqrt(1 + i % WIDE));
  xai_pca a = fit(MANY, WIDE, x, FIRST, XAI_PCA_EXACT), b = fit(MANY, WIDE, x, FIRST, XAI_PCA_RANDOMISED);
  const float *va = xai_tensor_floats(a.variance), *vb = xai_tensor_floats(b.variance);
  for (int k = 0; k < FIRST; k++) assert_true(fabs(vb[k] / va[k] - 1) < 3e-5);
  xai_pca_clear(&a);
  xai_pca_clear(&b);
  free(x);
}

/* Directions do not depend on the unit: numbers of 1e-15 have the components of numbers of 1. */
static void any_unit_has_the_same_components(void **state) {
  (void)state;
  float *x = falling();
  xai_pca a = fit(N, D, x, DIMS, XAI_PCA_RANDOMISED);
  for (int i = 0; i < N * D; i++) x[i] *= 0x1p-50f;
  xai_pca b = fit(N, D, x, DIMS, XAI_PCA_RANDOMISED);
  near_to(b.components, xai_tensor_floats(a.components), DIMS * D, 1e-5);
  xai_pca_clear(&a);
  xai_pca_clear(&b);
  free(x);
}

/* Components are orthonormal, values are uncorrelated, and their variances are those that are told. */
static void values_are_uncorrelated(void **state) {
  (void)state;
  float *x = falling();
  for (int solver = XAI_PCA_EXACT; solver <= XAI_PCA_RANDOMISED; solver++) {
    xai_pca p = fit(N, D, x, DIMS, (xai_pca_solver)solver);
    const float *v = xai_tensor_floats(p.components), *y = xai_tensor_floats(p.values), *w = xai_tensor_floats(p.variance);
    for (int a = 0; a < DIMS; a++)
      for (int b = 0; b <= a; b++) {
        double dot = 0, covariance = 0;
        for (int j = 0; j < D; j++) dot += (double)v[a * D + j] * v[b * D + j];
        for (int i = 0; i < N; i++) covariance += (double)y[i * DIMS + a] * y[i * DIMS + b] / (N - 1);
        assert_true(fabs(dot - (a == b)) < 1e-5);
        assert_true(fabs(covariance - (a == b ? w[a] : 0)) < 1e-4 * w[0]);
      }
    xai_pca_clear(&p);
  }
  free(x);
}

static void any_number_of_threads_gives_the_same(void **state) {
  (void)state;
  float *x = falling();
  int threads = xk_threads();
  for (int solver = XAI_PCA_EXACT; solver <= XAI_PCA_RANDOMISED; solver++) {
    xk_threads_set(1);
    xai_pca a = fit(N, D, x, DIMS, (xai_pca_solver)solver);
    xk_threads_set(3);
    xai_pca b = fit(N, D, x, DIMS, (xai_pca_solver)solver);
    assert_memory_equal(xai_tensor_floats(a.components), xai_tensor_floats(b.components), DIMS * D * sizeof(float));
    assert_memory_equal(xai_tensor_floats(a.values), xai_tensor_floats(b.values), N * DIMS * sizeof(float));
    xai_pca_clear(&a);
    xai_pca_clear(&b);
  }
  xk_threads_set(threads);
  free(x);
}

static void what_makes_no_sense_is_refused(void **state) {
  (void)state;
  float x[6] = {1, 2, 3, 4, 5, 7};
  xai_pca p;
  xai_err err;
  assert_int_equal(xai_pca_fit(3, 2, x, &(xai_pca_opts){.dims = 3}, &p, &err), XAI_EARG);
  assert_string_equal(err.text, "dims: expected 1 to 2 for 3 points of 2 numbers, got 3");
  x[3] = -INFINITY;
  assert_int_equal(xai_pca_fit(3, 2, x, &(xai_pca_opts){.dims = 1}, &p, &err), XAI_EARG);
  assert_string_equal(err.text, "x: row 2 holds a number that is not finite");
}

static xai_status try(const char *path, xai_err *err) {
  const float x[12] = {1, 2, 3, 9, 5, 6, 3, 3, 1, 0, 4, 2};
  xai_pca_opts o = {.dims = 2, .solver = path[0] == 'e' ? XAI_PCA_EXACT : XAI_PCA_RANDOMISED};
  xai_pca p;
  float y[2];
  xai_status st = xai_pca_fit(4, 3, x, &o, &p, err);
  if (st != XAI_OK) return st;
  st = xai_pca_project(&p, 1, x, y, err);
  xai_pca_clear(&p);
  return st;
}

static void memory_that_is_short_is_an_error(void **state) {
  (void)state;
  each_allocation_fails(try, "exact");
  each_allocation_fails(try, "randomised");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(four_points_by_hand),
      cmocka_unit_test(fewer_points_than_numbers),
      cmocka_unit_test(what_does_not_vary_has_components_of_no_variance),
      cmocka_unit_test(the_randomised_solver_agrees_with_the_exact_one),
      cmocka_unit_test(near_eigenvalues_are_told_apart),
      cmocka_unit_test(any_unit_has_the_same_components),
      cmocka_unit_test(values_are_uncorrelated),
      cmocka_unit_test(any_number_of_threads_gives_the_same),
      cmocka_unit_test(what_makes_no_sense_is_refused),
      cmocka_unit_test(memory_that_is_short_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
