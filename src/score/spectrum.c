/* score/spectrum.c: how much of each spatial frequency is in a filter? */
#include <math.h>

#include "base/alloc.h"
#include "base/status.h"
#include "score/filter.h"

typedef struct wave {
  double re, im;
} wave;

/* e^(-2 pi i k / n), k = 0 .. n - 1 */
static void fill_circle(wave *circle, int64_t n) {
  for (int64_t k = 0; k < n; k++) {
    double angle = 2 * acos(-1) * (double)k / (double)n;
    circle[k] = (wave){cos(angle), -sin(angle)};
  }
}

/* rows[y * n + u]: the transform of each row */
static void transform_rows(const double *f, int64_t h, int64_t w, int64_t n, const wave *circle, wave *rows) {
  for (int64_t y = 0; y < h; y++)
    for (int64_t u = 0; u < n; u++) {
      wave sum = {0, 0};
      for (int64_t x = 0, k = 0; x < w; x++, k = (k + u) % n) {
        sum.re += f[y * w + x] * circle[k].re;
        sum.im += f[y * w + x] * circle[k].im;
      }
      rows[y * n + u] = sum;
    }
}

/* Adds the squares of the columns' transforms. */
static void add_columns(const wave *rows, int64_t h, int64_t n, const wave *circle, double *power) {
  for (int64_t v = 0; v < n; v++)
    for (int64_t u = 0; u < n; u++) {
      wave sum = {0, 0};
      for (int64_t y = 0, k = 0; y < h; y++, k = (k + v) % n) {
        wave r = rows[y * n + u], e = circle[k];
        sum.re += r.re * e.re - r.im * e.im;
        sum.im += r.re * e.im + r.im * e.re;
      }
      power[v * n + u] += sum.re * sum.re + sum.im * sum.im;
    }
}

xai_status xai_score__power(const double *f, int64_t c, int64_t h, int64_t w, int64_t n, double *power, xai_err *err) {
  size_t bytes = (size_t)(n + h * n) * sizeof(wave);
  wave *circle = xai_alloc(bytes);
  if (circle == NULL) return xai_fail_memory(err, bytes);
  wave *rows = circle + n;
  fill_circle(circle, n);
  for (int64_t i = 0; i < n * n; i++) power[i] = 0;
  for (int64_t k = 0; k < c && !xai_stop_requested(); k++) {
    transform_rows(f + k * h * w, h, w, n, circle, rows);
    add_columns(rows, h, n, circle, power);
  }
  xai_free(circle);
  return xai_stop_requested() ? xai_fail_stop(err) : XAI_OK;
}

xai_status xai_score_spectrum(const float *w, int64_t c, int64_t kh, int64_t kw, int64_t n, float *out, xai_err *err) {
  int64_t taps = c * kh * kw;
  size_t bytes = (size_t)(taps + n * n) * sizeof(double);
  double *f = xai_alloc(bytes);
  if (f == NULL) return xai_fail_memory(err, bytes);
  double *power = f + taps;
  for (int64_t i = 0; i < taps; i++) f[i] = w[i];
  xai_status st = xai_score__power(f, c, kh, kw, n, power, err);
  for (int64_t y = 0; st == XAI_OK && y < n; y++)
    for (int64_t x = 0; x < n; x++) {
      int64_t v = (y + n - n / 2) % n, u = (x + n - n / 2) % n;
      out[y * n + x] = (float)sqrt(power[v * n + u]);
    }
  xai_free(f);
  return st;
}
