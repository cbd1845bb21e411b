/* kernels/gemm.c: matrix products, the only caller of OpenBLAS.
 *
 * OpenBLAS runs single-threaded on tiles; the tiles are cut from the sizes alone. A product of one
 * row or column (a fully connected layer at batch 1) is bound by reading the matrix once, which the
 * packing of sgemm would double, so it has its own loops. */
#include <cblas.h>

#include "kernels/isa.h"
#include "kernels/private.h"

/* ---- matrix times vector ---------------------------------------------------------------------- */
/* Rows that are read at a time: more of them keep the memory busier than a single one. */
enum { TOGETHER = 4, LANES = 32 };

/* y[r] = sum of x[i] * b[r][i] for 'rows' of b, a constant where this is expanded; in LANES interleaved sums. */
XK_INLINE void dots(const int rows, int64_t n, const float *x, const float *b, int64_t ldb, float *y) {
  float lane[TOGETHER][LANES] = {{0}};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int r = 0; r < rows; r++)
      for (int j = 0; j < LANES; j++) lane[r][j] += x[i + j] * b[r * ldb + i + j];
  for (int r = 0; r < rows; r++) {
    y[r] = 0;
    for (int j = 0; j < LANES; j++) y[r] += lane[r][j];
    for (int64_t k = i; k < n; k++) y[r] += x[k] * b[r * ldb + k];
  }
}

XK_CLONES static void one_dot(int64_t n, const float *x, const float *b, int64_t ldb, float *y) { dots(1, n, x, b, ldb, y); }
XK_CLONES static void more_dots(int64_t n, const float *x, const float *b, int64_t ldb, float *y) {
  dots(TOGETHER, n, x, b, ldb, y);
}

/* y[j*step] = alpha * sum_l x[l] * b[j][l] + beta * y[j*step]: rows of b are read in order. */
static void vector_times_rows(int64_t n, int64_t k, float alpha, const float *x, const float *b, int64_t ldb,
                              float beta, float *y, int64_t step) {
  float sums[TOGETHER];
  for (int64_t j = 0, rows; j < n; j += rows) {
    rows = n - j >= TOGETHER ? TOGETHER : 1;
    (rows > 1 ? more_dots : one_dot)(k, x, b + j * ldb, ldb, sums);
    for (int64_t r = 0; r < rows; r++) {
      float *to = y + (j + r) * step;
      *to = beta == 0 ? alpha * sums[r] : alpha * sums[r] + beta * *to;
    }
  }
}

/* y[j] = alpha * sum_l x[l] * b[l][j] + beta * y[j], at most COLUMNS of them: rows of b are read in order, TOGETHER at a
 * time. Those with x[l] = 0 are not read, whatever they hold: of a gradient behind a rectifier that is half of them, of
 * one class's all but one. Sums of ROWS rows are added to y, so that rounding does not grow with k. */
enum { COLUMNS = 4096, ROWS = 64 };
XK_CLONES static void vector_times_columns(int64_t n, int64_t k, float alpha, const float *x, const float *b, int64_t ldb,
                                           float beta, float *y) {
  float part[COLUMNS];
  for (int64_t j = 0; j < n; j++) y[j] = beta == 0 ? 0 : beta * y[j];
  for (int64_t from = 0; from < k; from += ROWS) {
    int64_t to = from + ROWS < k ? from + ROWS : k, row[ROWS], rows = 0, i = 0;
    for (int64_t l = from; l < to; l++)
      if (x[l] != 0) row[rows++] = l;
    if (rows == 0) continue;
    for (int64_t j = 0; j < n; j++) part[j] = 0;
    for (; i + TOGETHER <= rows; i += TOGETHER) {
      const int64_t *l = row + i;
      const float *b0 = b + l[0] * ldb, *b1 = b + l[1] * ldb, *b2 = b + l[2] * ldb, *b3 = b + l[3] * ldb;
      float x0 = x[l[0]], x1 = x[l[1]], x2 = x[l[2]], x3 = x[l[3]];
      for (int64_t j = 0; j < n; j++) part[j] += (x0 * b0[j] + x1 * b1[j]) + (x2 * b2[j] + x3 * b3[j]);
    }
    for (; i < rows; i++)
      for (int64_t j = 0; j < n; j++) part[j] += x[row[i]] * b[row[i] * ldb + j];
    for (int64_t j = 0; j < n; j++) y[j] += alpha * part[j];
  }
}

void xk_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
             const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  if (m <= 0 || n <= 0) return;
  bool a_in_order = !trans_a || lda == 1, b_in_order = trans_b || ldb == 1; /* if m = 1, if n = 1: a plain vector */
  if (m == 1 && trans_b && a_in_order) {
    vector_times_rows(n, k, alpha, a, b, ldb, beta, c, 1);
    return;
  }
  if (n == 1 && !trans_a && b_in_order) {
    vector_times_rows(m, k, alpha, b, a, lda, beta, c, ldc);
    return;
  }
  if (m == 1 && a_in_order) {
    for (int64_t j = 0; j < n; j += COLUMNS)
      vector_times_columns(xk__min(COLUMNS, n - j), k, alpha, a, b + j, ldb, beta, c + j);
    return;
  }
  cblas_sgemm(CblasRowMajor, trans_a ? CblasTrans : CblasNoTrans, trans_b ? CblasTrans : CblasNoTrans, (blasint)m,
              (blasint)n, (blasint)k, alpha, a, (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}

/* ---- all threads --------------------------------------------------------------------------------- */
enum { TILE_MAX = 256, TILE_MIN = 32, PARTS = 8 };
static const int64_t tile_work = INT64_C(500000000); /* multiply-adds: about 10 ms, the patience of a stop request */

void xk_gemm_parallel(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                      int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  if (m <= 0 || n <= 0) return;
  int64_t tm = xk__min(m, TILE_MAX), tn = xk__min(n, TILE_MAX), parts = PARTS;
  if (m == 1 && !trans_b) { /* pieces of rows of b are read: the longer, the better */
    parts = 4;
    tn = xk__ceil_div(n, xk__round_up(xk__ceil_div(n, COLUMNS), parts));
  }
  /* Halve the longer side until there is enough to share out and no tile takes too long. */
  while ((xk__ceil_div(m, tm) * xk__ceil_div(n, tn) < parts || tm * tn > tile_work / xk__max(1, k)) &&
         xk__max(tm, tn) > TILE_MIN) {
    int64_t *longer = tm >= tn ? &tm : &tn;
    *longer = (*longer + 1) / 2;
  }
  int64_t rows = xk__ceil_div(m, tm), columns = xk__ceil_div(n, tn), tasks = rows * columns;
  bool small = m * n < 4096 && m * n * k < 32768;
#pragma omp parallel for schedule(dynamic) num_threads(xk_threads()) if (!small)
  for (int64_t t = 0; t < tasks; t++) {
    if (xai_stop_requested()) continue;
    int64_t i = t / columns * tm, j = t % columns * tn;
    xk_gemm(trans_a, trans_b, xk__min(tm, m - i), xk__min(tn, n - j), k, alpha, a + (trans_a ? i : i * lda), lda,
            b + (trans_b ? j * ldb : j), ldb, beta, c + i * ldc + j, ldc);
  }
}

/* ---- in double ----------------------------------------------------------------------------------- */
enum { GRAM_TILE = 96 };

/* Tiles on and below the diagonal, in strips of 'tile_work', whose results are also what stands above it. */
void xk_gram(bool rows, int64_t n, int64_t k, const double *a, double *g) {
  int64_t side = xk__ceil_div(n, GRAM_TILE), lda = rows ? k : n, strip = tile_work / (4 * GRAM_TILE * GRAM_TILE);
  (void)xk_threads(); /* OpenBLAS knows by now that it has one */
#pragma omp parallel for schedule(dynamic) num_threads(xk_threads())
  for (int64_t t = 0; t < side * side; t++) {
    int64_t i = t / side * GRAM_TILE, j = t % side * GRAM_TILE;
    if (j > i) continue;
    int64_t m = xk__min(GRAM_TILE, n - i), w = xk__min(GRAM_TILE, n - j);
    for (int64_t l = 0; l < k && !xai_stop_requested(); l += strip) {
      int64_t at = rows ? l : l * lda;
      cblas_dgemm(CblasRowMajor, rows ? CblasNoTrans : CblasTrans, rows ? CblasTrans : CblasNoTrans, (blasint)m,
                  (blasint)w, (blasint)xk__min(strip, k - l), 1, a + at + (rows ? i * lda : i), (blasint)lda,
                  a + at + (rows ? j * lda : j), (blasint)lda, l > 0, g + i * n + j, (blasint)n);
    }
    for (int64_t r = 0; r < m; r++)
      for (int64_t c = 0; c < w; c++) g[(j + c) * n + i + r] = g[(i + r) * n + j + c];
  }
}
