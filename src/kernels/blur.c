/* kernels/blur.c: Gaussian blur, rows first, then columns; sums in double. */
#include "kernels/private.h"

size_t xk_blur_workspace(int64_t h, int64_t w, int64_t size) { return (size_t)(h * w + size) * sizeof(double); }

/* The weights of 'size' taps around the middle, summing to 1. */
static void gaussian(int64_t size, double sigma, double *weight) {
  double sum = 0;
  for (int64_t i = 0; i < size; i++) {
    double d = (double)(i - size / 2) / sigma;
    sum += weight[i] = exp(-0.5 * d * d);
  }
  for (int64_t i = 0; i < size; i++) weight[i] /= sum;
}

void xk_blur(int64_t planes, int64_t h, int64_t w, const float *x, int64_t size, double sigma, float *y, void *work) {
  double *weight = work, *rows = weight + size;
  int64_t radius = size / 2;
  gaussian(size, sigma, weight);
  for (int64_t p = 0; p < planes && !xai_stop_requested(); p++, x += h * w, y += h * w) {
    for (int64_t i = 0; i < h * w; i++) {
      int64_t at = i % w, from = xk__max(0, radius - at), to = xk__min(size, w - at + radius);
      double sum = 0;
      for (int64_t k = from; k < to; k++) sum += weight[k] * x[i + k - radius];
      rows[i] = sum;
    }
    for (int64_t i = 0; i < h * w; i++) {
      int64_t at = i / w, from = xk__max(0, radius - at), to = xk__min(size, h - at + radius);
      double sum = 0;
      for (int64_t k = from; k < to; k++) sum += weight[k] * rows[i + (k - radius) * w];
      y[i] = (float)sum;
    }
  }
}
