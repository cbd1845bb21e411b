#include "scratch.h"

#include <math.h>

#include "base/rng.h"
#include "kernels/kernels.h"

/* (2 1; 1 2): eigenvalues 3 and 1, along (1, 1) and (1, -1) */
static void a_matrix_of_four_by_hand(void **state) {
  (void)state;
  double a[4] = {2, 1, 1, 2}, w[2];
  void *work = malloc(xk_eigen_workspace(2));
  assert_true(xk_eigen(2, a, w, work));
  assert_true(fabs(w[0] - 3) < 1e-14 && fabs(w[1] - 1) < 1e-14);
  assert_true(fabs(a[0] - a[1]) < 1e-14 && fabs(a[2] + a[3]) < 1e-14);
  for (int i = 0; i < 4; i++) assert_true(fabs(fabs(a[i]) - sqrt(0.5)) < 1e-14);
  free(work);
}

/* A v = w v, largest first, for the inner products of random columns; and both ways to ask for them agree. */
static void eigenvectors_are_only_stretched(void **state) {
  (void)state;
  enum { N = 131, K = 257 };
  double *x = malloc(K * N * sizeof *x), *turned = malloc(K * N * sizeof *x), *g = malloc(N * N * sizeof *g);
  double *v = malloc(N * N * sizeof *v), w[N];
  void *work = malloc(xk_eigen_workspace(N));
  for (int l = 0; l < K; l++)
    for (int i = 0; i < N; i++) x[l * N + i] = turned[i * K + l] = xai_rng_normal(1, (uint64_t)(l * N + i));
  xk_gram(false, N, K, x, g);
  xk_gram(true, N, K, turned, v);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      double sum = 0;
      for (int l = 0; l < K; l++) sum += x[l * N + i] * x[l * N + j];
      assert_true(fabs(g[i * N + j] - sum) < 1e-10 && fabs(v[i * N + j] - sum) < 1e-10);
    }
  assert_true(xk_eigen(N, v, w, work));
  for (int k = 0; k < N; k++) {
    if (k > 0) assert_true(w[k] <= w[k - 1]);
    for (int i = 0; i < N; i++) {
      double sum = 0;
      for (int j = 0; j < N; j++) sum += g[i * N + j] * v[k * N + j];
      assert_true(fabs(sum - w[k] * v[k * N + i]) < 1e-9);
    }
  }
  free(x);
  free(turned);
  free(g);
  free(v);
  free(work);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_matrix_of_four_by_hand),
      cmocka_unit_test(eigenvectors_are_only_stretched),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
