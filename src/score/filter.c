/* score/filter.c: has a filter learnt something that the eye can name? Smooth filters are edges and blobs of colour,
 * the others still carry the noise that they began with; of the smooth ones some prefer a direction.
 *
 * Both measures are of all channels together, each without its mean. */
#include <math.h>

#include "base/alloc.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include "score/score.h"

static double mean_of(const float *w, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += w[i];
  return sum / (double)n;
}

/* v = w without the mean of each channel; the sum of v^2. Rounding leaves a little of what was flat. */
static double centre(const float *w, int64_t c, int64_t plane, double *v) {
  double square = 0;
  for (int64_t k = 0; k < c; k++) {
    double mean = mean_of(w + k * plane, plane);
    for (int64_t i = k * plane; i < (k + 1) * plane; i++) {
      v[i] = w[i] - mean;
      square += v[i] * v[i];
    }
  }
  return square;
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

/* cos and sin of 2 pi i / n, i = 0 .. n - 1. */
typedef struct circle {
  int64_t n;
  double *cosine, *sine;
} circle;

/* |F(u, v)|^2 of the filter in a square of n x n, all channels together. */
static double power_at(const double *f, int64_t c, int64_t h, int64_t w, const circle *at, int64_t u, int64_t v) {
  double power = 0;
  for (int64_t k = 0; k < c; k++) {
    double re = 0, im = 0;
    for (int64_t y = 0; y < h; y++)
      for (int64_t x = 0; x < w; x++) {
        int64_t i = (u * x + v * y) % at->n;
        if (i < 0) i += at->n;
        re += f[(k * h + y) * w + x] * at->cosine[i];
        im += f[(k * h + y) * w + x] * at->sine[i];
      }
    power += re * re + im * im;
  }
  return power;
}

/* |sum P e^(2 i theta)| / sum P over the frequencies of the half plane (the other half is the same) below n / 2 along
 * each axis, but for those nearer to 0 than 1.5 in 16, which every blob has. */
static double direction(const double *f, int64_t c, int64_t h, int64_t w, const circle *at) {
  int64_t most = (at->n - 1) / 2;
  double re = 0, im = 0, total = 0;
  for (int64_t u = 0; u <= most; u++)
    for (int64_t v = u == 0 ? 1 : -most; v <= most; v++) {
      double square = (double)(u * u + v * v);
      if (sqrt(square) * 16 < 1.5 * (double)at->n) continue;
      double power = power_at(f, c, h, w, at, u, v);
      re += power * (double)(u * u - v * v) / square; /* cos 2 theta */
      im += power * (double)(2 * u * v) / square;     /* sin 2 theta */
      total += power;
    }
  return total > 0 ? sqrt(re * re + im * im) / total : 0;
}

xai_status xai_score_filter(const float *w, int64_t c, int64_t kh, int64_t kw, double *smooth, double *oriented,
                            xai_err *err) {
  int64_t taps = c * kh * kw, longer = kh > kw ? kh : kw, n = longer > 16 ? longer : 16;
  size_t bytes = (size_t)(taps + 2 * n) * sizeof(double);
  double *v = xai_alloc(bytes);
  if (v == NULL) return xai_fail_memory(err, bytes);
  const circle at = {n, v + taps, v + taps + n};
  for (int64_t i = 0; i < n; i++) {
    at.cosine[i] = cos(2 * acos(-1) * (double)i / (double)n);
    at.sine[i] = sin(2 * acos(-1) * (double)i / (double)n);
  }
  double variance = centre(w, c, kh * kw, v) / (double)taps;
  bool flat = !(variance * (double)taps > 1e-12 * xk_sum_square(taps, w));
  *smooth = flat ? 0 : neighbours(v, c, kh, kw, variance);
  *oriented = flat ? 0 : direction(v, c, kh, kw, &at);
  xai_free(v);
  return xai_stop_requested() ? xai_fail_stop(err) : XAI_OK;
}
