/* kernels/eigen.c: eigenvectors of symmetric matrices, by LAPACK's divide and conquer, which comes with OpenBLAS.
 * For matrices of a thousand rows at most: it runs on one thread. */
#include "kernels/private.h"

/* Fortran: everything by address, matrices by columns, integers as OpenBLAS has them. */
void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
             const int *lwork, int *iwork, const int *liwork, int *info, size_t jobz_length, size_t uplo_length);

static int64_t doubles(int64_t n) { return 1 + 6 * n + 2 * n * n; }
static int64_t integers(int64_t n) { return 3 + 5 * n; }

size_t xk_eigen_workspace(int64_t n) {
  return (size_t)doubles(n) * sizeof(double) + (size_t)integers(n) * sizeof(int);
}

/* LAPACK sorts the other way round and puts eigenvectors in columns of a matrix by columns, which are rows of ours. */
bool xk_eigen(int64_t n, double *a, double *w, void *work) {
  if (n <= 0) return true;
  double *space = work;
  int size = (int)n, lwork = (int)doubles(n), liwork = (int)integers(n), info = 0;
  (void)xk_threads(); /* OpenBLAS knows by now that it has one */
  dsyevd_("V", "L", &size, a, &size, w, space, &lwork, (int *)(space + lwork), &liwork, &info, 1, 1);
  for (int64_t i = 0, k = n - 1; i < k; i++, k--) {
    double held = w[i];
    w[i] = w[k];
    w[k] = held;
    for (int64_t j = 0; j < n; j++) {
      held = a[i * n + j];
      a[i * n + j] = a[k * n + j];
      a[k * n + j] = held;
    }
  }
  return info == 0;
}
