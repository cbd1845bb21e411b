/* kernels/det.c: determinants by elimination with row exchanges, in double. */
#include <math.h>
#include <string.h>

#include "kernels/private.h"

/* Destroys m, n x n. */
static double eliminate(int64_t n, double *m) {
  double det = 1;
  for (int64_t j = 0; j < n; j++) {
    int64_t pivot = j;
    for (int64_t i = j + 1; i < n; i++)
      if (fabs(m[i * n + j]) > fabs(m[pivot * n + j])) pivot = i;
    if (m[pivot * n + j] == 0) return 0;
    for (int64_t k = j; k < n && pivot != j; k++) {
      double other = m[j * n + k];
      m[j * n + k] = m[pivot * n + k];
      m[pivot * n + k] = other;
    }
    det *= pivot == j ? m[j * n + j] : -m[j * n + j];
    for (int64_t i = j + 1; i < n; i++) {
      double factor = m[i * n + j] / m[j * n + j];
      for (int64_t k = j; k < n; k++) m[i * n + k] -= factor * m[j * n + k];
    }
  }
  return det;
}

/* The determinant without row r and column c; with r = c = n, of the whole matrix. */
static double minor_of(int64_t n, int64_t r, int64_t c, const float *x, double *m) {
  int64_t at = 0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++)
      if (i != r && j != c) m[at++] = x[i * n + j];
  return eliminate(r < n ? n - 1 : n, m);
}

size_t xk_det_workspace(int64_t n) { return (size_t)(n * n) * sizeof(double); }

void xk_det_forward(int64_t count, int64_t n, const float *x, float *y, void *work) {
  for (int64_t i = 0; i < count && !xai_stop_requested(); i++) y[i] = (float)minor_of(n, n, n, x + i * n * n, work);
}

/* d det / d x_rc = (-1)^(r+c) det of x without row r and column c: also where x has no inverse. */
void xk_det_backward(int64_t count, int64_t n, const float *x, const float *dy, float *dx, void *work) {
  for (int64_t i = 0; i < count * n * n && !xai_stop_requested(); i++) {
    int64_t matrix = i / (n * n), r = i / n % n, c = i % n;
    double cofactor = minor_of(n, r, c, x + matrix * n * n, work);
    dx[i] = (float)(dy[matrix] * ((r + c) % 2 == 0 ? cofactor : -cofactor));
  }
}
