/* explain/prior.c: see prior.h. */
#include "explain/prior.h"

#include <math.h>
#include <stddef.h>

/* x^power; the usual powers cost no call. */
static double raise(double x, double power) {
  if (power == 1) return x;
  if (power == 2) return x * x;
  if (power == 5) return x * x * (x * x) * x;
  return pow(x, power);
}

double xai_prior__power(int64_t n, const float *z, double alpha, double weight, float *g) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    double size = fabs((double)z[i]), slope = alpha == 1 ? 1 : raise(size, alpha - 1);
    sum += size * slope;
    if (g != NULL) g[i] += (float)(weight * alpha * (z[i] > 0 ? slope : z[i] < 0 ? -slope : 0));
  }
  return sum;
}

double xai_prior__variation(int64_t planes, int64_t h, int64_t w, const float *z, double beta, bool edges, double weight,
                            float *g) {
  double sum = 0;
  for (int64_t p = 0; p < planes; p++)
    for (int64_t i = 0; i < h; i++)
      for (int64_t j = 0; j < w; j++) {
        bool last_row = i == h - 1, last_col = j == w - 1;
        if (!edges && (last_row || last_col)) continue;
        int64_t at = (p * h + i) * w + j, right = last_col ? at : at + 1, below = last_row ? at : at + w;
        double across = (double)z[right] - z[at], down = (double)z[below] - z[at], square = across * across + down * down;
        double v = beta == 2 ? square : pow(square, beta / 2);
        sum += v;
        if (g == NULL) continue;
        double factor = weight * beta * (beta == 2 ? 1 : pow(fmax(v, 1e-5), 1 - 2 / beta)); /* square^(beta/2 - 1) */
        g[right] += (float)(factor * across);
        g[below] += (float)(factor * down);
        g[at] -= (float)(factor * (across + down));
      }
  return sum;
}
