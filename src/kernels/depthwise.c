/* kernels/depthwise.c: convolutions whose groups have one input channel (MobileNet's depthwise layers).
 * There is no sum over channels to make a matrix product of, so each plane is convolved directly: for every
 * tap, one multiply-add over all positions that see the input through it. A group may have several filters. */
#include <string.h>

#include "kernels/private.h"

/* The output positions that see the input through one tap, and what they see. */
typedef struct patch {
  int64_t rows, columns;
  int64_t x, x_row, x_step; /* first element, distances of rows and of neighbours in the input plane */
  int64_t y, y_row;         /* the same in the output plane, where neighbours are adjacent */
} patch;

static patch patch_of(const xk_conv2d *p, int64_t ky, int64_t kx) {
  xk__sight v = xk__sight_of(p->h, p->oh, p->sh, p->pad_top, ky * p->dh);
  xk__sight u = xk__sight_of(p->w, p->ow, p->sw, p->pad_left, kx * p->dw);
  return (patch){.rows = v.count,
                 .columns = u.count,
                 .x = v.in * p->w + u.in,
                 .x_row = p->sh * p->w,
                 .x_step = p->sw,
                 .y = v.out * p->ow + u.out,
                 .y_row = p->ow};
}

/* y += a * x over a patch */
XK_CLONES static void add_scaled(const patch *t, float a, const float *x, float *restrict y) {
  int64_t n = t->columns, step = t->x_step;
  x += t->x;
  y += t->y;
  for (int64_t r = 0; r < t->rows; r++, x += t->x_row, y += t->y_row) {
    if (step == 1)
      for (int64_t i = 0; i < n; i++) y[i] += a * x[i];
    else
      for (int64_t i = 0; i < n; i++) y[i] += a * x[i * step];
  }
}

/* x += a * y over a patch */
XK_CLONES static void scatter_scaled(const patch *t, float a, const float *y, float *restrict x) {
  int64_t n = t->columns, step = t->x_step;
  x += t->x;
  y += t->y;
  for (int64_t r = 0; r < t->rows; r++, x += t->x_row, y += t->y_row) {
    if (step == 1)
      for (int64_t i = 0; i < n; i++) x[i] += a * y[i];
    else
      for (int64_t i = 0; i < n; i++) x[i * step] += a * y[i];
  }
}

/* sum of x * y over a patch, in LANES interleaved sums */
enum { LANES = 8 };
XK_CLONES static double dot(const patch *t, const float *x, const float *y) {
  double lane[LANES] = {0}, sum = 0;
  int64_t n = t->columns, step = t->x_step;
  x += t->x;
  y += t->y;
  for (int64_t r = 0; r < t->rows; r++, x += t->x_row, y += t->y_row) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
      for (int j = 0; j < LANES; j++) lane[j] += (double)x[(i + j) * step] * y[i + j];
    for (; i < n; i++) sum += (double)x[i * step] * y[i];
  }
  for (int j = 0; j < LANES; j++) sum += lane[j];
  return sum;
}

static void forward_plane(const xk_conv2d *p, const float *x, const float *w, float bias, float *y) {
  for (int64_t i = 0; i < p->oh * p->ow; i++) y[i] = bias;
  for (int64_t ky = 0; ky < p->kh; ky++)
    for (int64_t kx = 0; kx < p->kw; kx++) {
      patch t = patch_of(p, ky, kx);
      add_scaled(&t, w[ky * p->kw + kx], x, y);
    }
}

void xk__depthwise_forward(const xk_conv2d *p, const float *x, const float *w, const float *b, float *y) {
  int64_t filters = p->m / p->c, tasks = p->n * p->m;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (tasks > 1)
  for (int64_t t = 0; t < tasks; t++) {
    if (xai_stop_requested()) continue;
    int64_t m = t % p->m;
    forward_plane(p, x + t / filters * p->h * p->w, w + m * p->kh * p->kw, b != NULL ? b[m] : 0, y + t * p->oh * p->ow);
  }
}

/* dx += what one filter sends back */
static void backward_plane(const xk_conv2d *p, const float *w, const float *dy, float *dx) {
  for (int64_t ky = 0; ky < p->kh; ky++)
    for (int64_t kx = 0; kx < p->kw; kx++) {
      patch t = patch_of(p, ky, kx);
      scatter_scaled(&t, w[ky * p->kw + kx], dy, dx);
    }
}

void xk__depthwise_backward_input(const xk_conv2d *p, const float *w, const float *dy, float *dx) {
  int64_t filters = p->m / p->c, tasks = p->n * p->c, plane = p->h * p->w;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (tasks > 1)
  for (int64_t t = 0; t < tasks; t++) {
    memset(dx + t * plane, 0, (size_t)plane * sizeof(float));
    for (int64_t f = 0; f < filters && !xai_stop_requested(); f++)
      backward_plane(p, w + (t % p->c * filters + f) * p->kh * p->kw, dy + (t * filters + f) * p->oh * p->ow,
                     dx + t * plane);
  }
}

void xk__depthwise_backward_weight(const xk_conv2d *p, const float *x, const float *dy, float *dw) {
  int64_t filters = p->m / p->c, taps = p->kh * p->kw, tasks = p->m * taps;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (tasks > 1)
  for (int64_t t = 0; t < tasks; t++) {
    int64_t m = t / taps, tap = t % taps;
    patch seen = patch_of(p, tap / p->kw, tap % p->kw);
    double sum = 0;
    for (int64_t i = 0; i < p->n && !xai_stop_requested(); i++)
      sum += dot(&seen, x + (i * p->c + m / filters) * p->h * p->w, dy + (i * p->m + m) * p->oh * p->ow);
    dw[t] = (float)sum;
  }
}
