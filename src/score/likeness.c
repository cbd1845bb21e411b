/* score/likeness.c: how alike are two maps? */
#include <math.h>

#include "base/alloc.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include "score/score.h"

/* ---- Spearman ------------------------------------------------------------------------------------------------ */

/* rank[i] from 1 for the largest; equal values have the mean of their places. */
static xai_status rank_values(const float *v, int64_t n, int64_t *order, double *rank, xai_err *err) {
  XAI_TRY(xai_score_order(v, n, order, err));
  for (int64_t from = 0, to; from < n; from = to) {
    for (to = from + 1; to < n && v[order[to]] == v[order[from]];) to++;
    for (int64_t i = from; i < to; i++) rank[order[i]] = 0.5 * (double)(from + 1 + to);
  }
  return XAI_OK;
}

/* Pearson's correlation of ranks, whose mean is (n + 1) / 2 in both. */
static double correlate(const double *a, const double *b, int64_t n) {
  double ab = 0, aa = 0, bb = 0, mean = 0.5 * (double)(n + 1);
  for (int64_t i = 0; i < n; i++) {
    ab += (a[i] - mean) * (b[i] - mean);
    aa += (a[i] - mean) * (a[i] - mean);
    bb += (b[i] - mean) * (b[i] - mean);
  }
  return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0; /* so written it is exactly 1 for equal ranks */
}

xai_status xai_score_spearman(const float *a, const float *b, int64_t n, double *out, xai_err *err) {
  int64_t *order = xai_alloc((size_t)n * sizeof *order);
  double *ranks = xai_alloc((size_t)n * 2 * sizeof *ranks);
  xai_status st = XAI_OK;
  if (order == NULL || ranks == NULL) {
    st = xai_fail_memory(err, (size_t)n * (sizeof *order + 2 * sizeof *ranks));
    goto done;
  }
  XAI_GOTO(rank_values(a, n, order, ranks, err));
  XAI_GOTO(rank_values(b, n, order, ranks + n, err));
  *out = correlate(ranks, ranks + n, n);
done:
  xai_free(order);
  xai_free(ranks);
  return st;
}

/* ---- structural similarity -------------------------------------------------------------------------------------- */

enum { WINDOW = 11 };
static const double deviation = 1.5, c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;

/* To 0..1; zeros when all are equal. */
static void stretch(const float *v, int64_t n, float *out) {
  float lo = v[0], hi = v[0];
  for (int64_t i = 1; i < n; i++) {
    lo = v[i] < lo ? v[i] : lo;
    hi = v[i] > hi ? v[i] : hi;
  }
  for (int64_t i = 0; i < n; i++) out[i] = hi > lo ? (v[i] - lo) / (hi - lo) : 0;
}

/* The formula at one place, from the local means of a, b, a^2, b^2, a b. */
static double likeness(double ma, double mb, double aa, double bb, double ab) {
  double va = aa - ma * ma, vb = bb - mb * mb, cov = ab - ma * mb;
  return (2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
}

xai_status xai_score_ssim(const float *a, const float *b, int64_t h, int64_t w, double *out, xai_err *err) {
  enum { A, B, AA, BB, AB, PLANES };
  int64_t n = h * w, shorter = h < w ? h : w;
  int64_t size = shorter < WINDOW ? (shorter - 1) / 2 * 2 + 1 : WINDOW, margin = size / 2;
  float *v = xai_alloc((size_t)n * 2 * PLANES * sizeof *v);
  void *work = xai_alloc(xk_blur_workspace(h, w, size));
  xai_status st = XAI_OK;
  if (v == NULL || work == NULL) {
    st = xai_fail_memory(err, (size_t)n * 2 * PLANES * sizeof *v + xk_blur_workspace(h, w, size));
    goto done;
  }
  stretch(a, n, v + A * n);
  stretch(b, n, v + B * n);
  for (int64_t i = 0; i < n; i++) {
    v[AA * n + i] = v[A * n + i] * v[A * n + i];
    v[BB * n + i] = v[B * n + i] * v[B * n + i];
    v[AB * n + i] = v[A * n + i] * v[B * n + i];
  }
  float *m = v + PLANES * n;
  xk_blur(PLANES, h, w, v, size, deviation, m, work);
  if (xai_stop_requested()) { /* the kernel may have left early */
    st = xai_fail_stop(err);
    goto done;
  }
  double sum = 0;
  for (int64_t y = margin; y < h - margin; y++)
    for (int64_t i = y * w + margin; i < y * w + w - margin; i++)
      sum += likeness(m[A * n + i], m[B * n + i], m[AA * n + i], m[BB * n + i], m[AB * n + i]);
  *out = sum / (double)((h - 2 * margin) * (w - 2 * margin));
done:
  xai_free(v);
  xai_free(work);
  return st;
}
