/* kernels/resample.c: one axis of an array read at other places: every result is a weighted sum of a few elements.
 * Resizing along several axes is one such step after another. Where to read, with which weights, the caller says. */
#include <string.h>

#include "kernels/private.h"

/* y[k] += w x[k] */
static void add_row(int64_t n, float w, const float *x, float *y) {
  for (int64_t k = 0; k < n; k++) y[k] += w * x[k];
}

void xk_resample_forward(const xk_resample *p, const float *x, float *y) {
  int64_t work = p->outer * p->n_out * p->taps * p->inner;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (work > XK__CHUNK)
  for (int64_t o = 0; o < p->outer; o++) {
    const float *from = x + o * p->n_in * p->inner;
    float *to = y + o * p->n_out * p->inner;
    if (xai_stop_requested()) continue;
    memset(to, 0, (size_t)(p->n_out * p->inner) * sizeof *to);
    for (int64_t i = 0; i < p->n_out * p->taps; i++)
      add_row(p->inner, p->weight[i], from + p->from[i] * p->inner, to + i / p->taps * p->inner);
  }
}

void xk_resample_backward(const xk_resample *p, const float *dy, float *dx) {
  int64_t work = p->outer * p->n_out * p->taps * p->inner;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (work > XK__CHUNK)
  for (int64_t o = 0; o < p->outer; o++) {
    const float *from = dy + o * p->n_out * p->inner;
    float *to = dx + o * p->n_in * p->inner;
    if (xai_stop_requested()) continue;
    memset(to, 0, (size_t)(p->n_in * p->inner) * sizeof *to);
    for (int64_t i = 0; i < p->n_out * p->taps; i++)
      add_row(p->inner, p->weight[i], from + i / p->taps * p->inner, to + p->from[i] * p->inner);
  }
}

void xk_resample_nearest(const xk_resample *p, size_t size, const void *x, void *y) {
  size_t row = (size_t)p->inner * size;
  for (int64_t o = 0; o < p->outer && !xai_stop_requested(); o++) {
    const char *from = (const char *)x + (size_t)(o * p->n_in) * row;
    char *to = (char *)y + (size_t)(o * p->n_out) * row;
    for (int64_t i = 0; i < p->n_out; i++) memcpy(to + (size_t)i * row, from + (size_t)p->from[i] * row, row);
  }
}
