/* kernels/affine.c: a picture seen through a window that is moved, turned and enlarged: bilinear between its pixels.
 * Carried out as a whole also when somebody asks to stop. */
#include <string.h>

#include "kernels/private.h"

/* The four pixels around a place, at -1 where there is none, and their weights. */
typedef struct taps {
  int64_t at[4];
  double weight[4];
} taps;

static int64_t inside(const xk_affine *p, int64_t i, int64_t n) {
  if (i >= 0 && i < n) return i;
  return p->wrap ? (i % n + n) % n : -1;
}

static taps find_taps(const xk_affine *p, int64_t i, int64_t j) {
  double row = p->row[0] * (double)i + p->row[1] * (double)j + p->row[2];
  double col = p->col[0] * (double)i + p->col[1] * (double)j + p->col[2];
  double above = floor(row), left = floor(col), down = row - above, right = col - left;
  taps t = {.weight = {(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right}};
  for (int k = 0; k < 4; k++) {
    int64_t y = inside(p, (int64_t)above + k / 2, p->h), x = inside(p, (int64_t)left + k % 2, p->w);
    t.at[k] = y >= 0 && x >= 0 ? y * p->w + x : -1;
  }
  return t;
}

void xk_affine_forward(const xk_affine *p, const float *x, const float *outside, float *y) {
  int64_t plane = p->h * p->w, seen = p->oh * p->ow;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (seen > XK__CHUNK)
  for (int64_t i = 0; i < p->oh; i++)
    for (int64_t j = 0; j < p->ow; j++) {
      taps t = find_taps(p, i, j);
      for (int64_t c = 0; c < p->c; c++) {
        double sum = 0;
        for (int k = 0; k < 4; k++)
          if (t.weight[k] != 0) sum += t.weight[k] * (t.at[k] >= 0 ? x[c * plane + t.at[k]] : outside[c]);
        y[c * seen + i * p->ow + j] = (float)sum;
      }
    }
}

void xk_affine_backward(const xk_affine *p, const float *dy, float *dx) {
  int64_t plane = p->h * p->w, seen = p->oh * p->ow;
  memset(dx, 0, (size_t)(p->c * plane) * sizeof *dx);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (seen > XK__CHUNK)
  for (int64_t c = 0; c < p->c; c++)
    for (int64_t i = 0; i < seen; i++) {
      taps t = find_taps(p, i / p->ow, i % p->ow);
      for (int k = 0; k < 4; k++)
        if (t.at[k] >= 0) dx[c * plane + t.at[k]] += (float)(t.weight[k] * dy[c * seen + i]);
    }
}
