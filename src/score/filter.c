/* score/filter.c: has a filter learnt something that the eye can name? Smooth filters are edges and blobs of colour,
 * the others still carry the noise that they began with; of the smooth ones some prefer a direction, some a colour.
 *
 * Smoothness and direction are of all channels together, each without its mean; colour is of the weights as they are, for
 * what a filter has of one colour everywhere is seen, too. */
#include <math.h>

#include "base/alloc.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include "score/filter.h"

static double mean_of(const float *w, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += w[i];
  return sum / (double)n;
}

double xai_score__centre(const float *w, int64_t c, int64_t plane, double *v) {
  double square = 0;
  for (int64_t k = 0; k < c; k++) {
    double mean = mean_of(w + k * plane, plane);
    for (int64_t i = k * plane; i < (k + 1) * plane; i++) {
      v[i] = w[i] - mean;
      square += v[i] * v[i];
    }
  }
  return square > 1e-12 * xk_sum_square(c * plane, w) ? square : 0;
}

/* Mean of v(x, y) v(x + 1, y), or of v(x, y) v(x, y + 1), over all pairs that there are; 0 when there is none. */
static double pair_mean(const double *v, int64_t c, int64_t h, int64_t w, bool down) {
  int64_t rows = down ? h - 1 : h, columns = down ? w : w - 1, step = down ? w : 1;
  double sum = 0;
  for (int64_t k = 0; k < c; k++)
    for (int64_t y = 0; y < rows; y++)
      for (int64_t x = 0; x < columns; x++) {
        const double *at = &v[(k * h + y) * w + x];
        sum += at[0] * at[step];
      }
  return rows * columns > 0 ? sum / (double)(c * rows * columns) : 0;
}

/* Mean over the axes that have neighbours of pair_mean / variance. */
static double neighbours(const double *v, int64_t c, int64_t h, int64_t w, double variance) {
  int axes = (w > 1) + (h > 1);
  double sum = pair_mean(v, c, h, w, false) + pair_mean(v, c, h, w, true);
  return axes > 0 ? sum / (axes * variance) : 0;
}

/* |sum P e^(2 i theta)| / sum P over the frequencies of the half plane (the other half is the same) below n / 2 along
 * each axis, but for those nearer to 0 than 1.5 in 16, which every blob has. */
static double direction(const double *power, int64_t n) {
  int64_t most = (n - 1) / 2;
  double re = 0, im = 0, total = 0;
  for (int64_t u = 0; u <= most; u++)
    for (int64_t v = u == 0 ? 1 : -most; v <= most; v++) {
      double square = (double)(u * u + v * v), p = power[(v + n) % n * n + u];
      if (sqrt(square) * 16 < 1.5 * (double)n) continue;
      re += p * (double)(u * u - v * v) / square; /* cos 2 theta */
      im += p * (double)(2 * u * v) / square;     /* sin 2 theta */
      total += p;
    }
  return total > 0 ? sqrt(re * re + im * im) / total : 0;
}

/* 1 - |grey part|^2 / |w|^2; the grey part has the mean of the channels in each of them. */
static double colour_of(const float *w, int64_t c, int64_t plane, double all) {
  double grey = 0;
  for (int64_t i = 0; i < plane; i++) {
    double sum = 0;
    for (int64_t k = 0; k < c; k++) sum += w[k * plane + i];
    grey += sum * sum / (double)c;
  }
  return c > 1 && all > 0 ? fmax(0, 1 - grey / all) : 0;
}

xai_status xai_score_filter(const float *w, int64_t c, int64_t kh, int64_t kw, xai_score_looks *out, xai_err *err) {
  int64_t taps = c * kh * kw, longer = kh > kw ? kh : kw, n = longer > 16 ? longer : 16;
  size_t bytes = (size_t)(taps + n * n) * sizeof(double);
  double *v = xai_alloc(bytes);
  if (v == NULL) return xai_fail_memory(err, bytes);
  double *power = v + taps, square = xai_score__centre(w, c, kh * kw, v), all = xk_sum_square(taps, w);
  xai_status st = xai_score__power(v, c, kh, kw, n, power, err);
  if (st == XAI_OK)
    *out = (xai_score_looks){.smooth = square > 0 ? neighbours(v, c, kh, kw, square / (double)taps) : 0,
                             .oriented = square > 0 ? direction(power, n) : 0,
                             .colour = colour_of(w, c, kh * kw, all),
                             .even = all > 0 ? fmax(0, 1 - square / all) : 0};
  xai_free(v);
  return st;
}
