/* kernels/pool.c: maximum, average and p-norm over windows, maximum and average over whole planes.
 * One task per plane or group of planes; windows are clipped to the input. */
#include <math.h>
#include <string.h>

#include "kernels/window.h"

/* ---- maximum --------------------------------------------------------------------------------------- */
/* y = the larger of y and x, NaN being larger than numbers; neighbours in x are 'step' apart */
XK_CLONES static void raise_rows(int64_t rows, int64_t n, const float *x, int64_t x_row, int64_t step,
                                 float *restrict y, int64_t y_row) {
  for (int64_t r = 0; r < rows; r++, x += x_row, y += y_row) {
    if (step == 1)
      for (int64_t i = 0; i < n; i++) y[i] = x[i] > y[i] || x[i] != x[i] ? x[i] : y[i];
    else
      for (int64_t i = 0; i < n; i++) y[i] = x[i * step] > y[i] || x[i * step] != x[i * step] ? x[i * step] : y[i];
  }
}

/* A window that holds nothing but padding gives -infinity. */
static void maxpool_plane(const xk_pool2d *p, const float *x, float *y) {
  for (int64_t i = 0; i < p->oh * p->ow; i++) y[i] = -INFINITY;
  for (int64_t ky = 0; ky < p->kh; ky++)
    for (int64_t kx = 0; kx < p->kw && !xai_stop_requested(); kx++) {
      xk__sight v = xk__sight_of(p->h, p->oh, p->sh, p->pad_top, ky * p->dh);
      xk__sight u = xk__sight_of(p->w, p->ow, p->sw, p->pad_left, kx * p->dw);
      raise_rows(v.count, u.count, x + v.in * p->w + u.in, p->sh * p->w, p->sw, y + v.out * p->ow + u.out, p->ow);
    }
}

void xk_maxpool_forward(const xk_pool2d *p, const float *x, float *y) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->planes * p->h * p->w > XK__CHUNK)
  for (int64_t i = 0; i < p->planes; i++)
    if (!xai_stop_requested()) maxpool_plane(p, x + i * p->h * p->w, y + i * p->oh * p->ow);
}

/* Index of the first maximum of a window, -1 when it holds nothing but padding. */
static int64_t winner(const xk_pool2d *p, const float *x, int64_t oy, int64_t ox) {
  xk__span rows = xk__window_rows(p, oy), columns = xk__window_columns(p, ox);
  if (rows.first == rows.end || columns.first == columns.end) return -1;
  int64_t win = (rows.start + rows.first * p->dh) * p->w + columns.start + columns.first * p->dw;
  for (int64_t ky = rows.first; ky < rows.end; ky++)
    for (int64_t kx = columns.first; kx < columns.end; kx++) {
      int64_t at = (rows.start + ky * p->dh) * p->w + columns.start + kx * p->dw;
      if (xk__displaces(x[at], x[win])) win = at;
    }
  return win;
}

/* So many windows side by side are looked at together, over so many elements of an input row. */
enum { ABREAST = 64, LANES = 16, ROW = 512 };

static int64_t windows_abreast(const xk_pool2d *p) {
  int64_t n = (ROW - 1 - (p->kw - 1) * p->dw) / p->sw + 1;
  return n < LANES || p->h * p->w > INT32_MAX ? 0 : xk__min(ABREAST, n / LANES * LANES);
}

/* One tap of the windows: where it displaces the best so far, its place is noted. No branches: data decide at random. */
static inline void challenge(int64_t n, const float *row, int64_t step, int32_t at, float *restrict best,
                             int32_t *restrict win) {
  for (int64_t i = 0; i < n; i++) {
    bool better = xk__displaces(row[i * step], best[i]);
    best[i] = better ? row[i * step] : best[i];
    win[i] = better ? at + (int32_t)(i * step) : win[i];
  }
}

/* Winners of output positions (oy, first .. first + n), n a multiple of LANES; those that do not exist see padding. Rows
 * are copied to where padding can stand beside them as -infinity. -1: nothing is larger than that. */
XK_CLONES static void find_winners(const xk_pool2d *p, const float *x, xk__span rows, int64_t first, int64_t n,
                                   int32_t *win) {
  float best[ABREAST], row[ROW];
  int64_t length = (n - 1) * p->sw + (p->kw - 1) * p->dw + 1, left = first * p->sw - p->pad_left;
  int64_t from = xk__min(length, xk__max(0, -left)), to = xk__max(from, xk__min(length, p->w - left));
  for (int64_t i = 0; i < n; i++) best[i] = -INFINITY, win[i] = -1;
  for (int64_t i = 0; i < from; i++) row[i] = -INFINITY;
  for (int64_t i = to; i < length; i++) row[i] = -INFINITY;
  for (int64_t ky = rows.first; ky < rows.end; ky++) {
    int64_t at = (rows.start + ky * p->dh) * p->w + left;
    for (int64_t i = from; i < to; i++) row[i] = x[at + i];
    for (int64_t kx = 0; kx < p->kw; kx++, at += p->dw) {
      if (p->sw == 2) challenge(n, row + kx * p->dw, 2, (int32_t)at, best, win);
      else if (p->sw == 1) challenge(n, row + kx * p->dw, 1, (int32_t)at, best, win);
      else challenge(n, row + kx * p->dw, p->sw, (int32_t)at, best, win);
    }
  }
}

static void maxpool_backward_plane(const xk_pool2d *p, int64_t abreast, const float *x, const float *dy, float *dx) {
  int32_t win[ABREAST];
  memset(dx, 0, (size_t)(p->h * p->w) * sizeof(float));
  for (int64_t oy = 0; oy < p->oh && !xai_stop_requested(); oy++)
    for (int64_t first = 0, n; first < p->ow; first += n) {
      n = abreast > 0 ? xk__min(abreast, p->ow - first) : 1;
      win[0] = -1;
      if (abreast > 0) find_winners(p, x, xk__window_rows(p, oy), first, xk__round_up(n, LANES), win);
      for (int64_t i = 0; i < n; i++) {
        int64_t at = win[i] >= 0 ? win[i] : winner(p, x, oy, first + i);
        if (at >= 0) dx[at] += dy[oy * p->ow + first + i];
      }
    }
}

void xk_maxpool_backward(const xk_pool2d *p, const float *x, const float *dy, float *dx) {
  int64_t abreast = windows_abreast(p);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->planes * p->h * p->w > XK__CHUNK)
  for (int64_t i = 0; i < p->planes; i++)
    if (!xai_stop_requested())
      maxpool_backward_plane(p, abreast, x + i * p->h * p->w, dy + i * p->oh * p->ow, dx + i * p->h * p->w);
}

/* ---- average ------------------------------------------------------------------------------------------ */
static void avgpool_plane(const xk_pool2d *p, const float *x, float *y) {
  for (int64_t oy = 0; oy < p->oh && !xai_stop_requested(); oy++) {
    xk__span rows = xk__window_rows(p, oy);
    for (int64_t ox = 0; ox < p->ow; ox++) {
      xk__span columns = xk__window_columns(p, ox);
      double sum = 0;
      for (int64_t ky = rows.first; ky < rows.end; ky++)
        for (int64_t kx = columns.first; kx < columns.end; kx++)
          sum += x[(rows.start + ky * p->dh) * p->w + columns.start + kx * p->dw];
      y[oy * p->ow + ox] = (float)(sum * xk__share(p, rows, columns));
    }
  }
}

void xk_avgpool_forward(const xk_pool2d *p, const float *x, float *y) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->planes * p->h * p->w > XK__CHUNK)
  for (int64_t i = 0; i < p->planes; i++)
    if (!xai_stop_requested()) avgpool_plane(p, x + i * p->h * p->w, y + i * p->oh * p->ow);
}

static void avgpool_backward_plane(const xk_pool2d *p, const float *dy, float *dx) {
  memset(dx, 0, (size_t)(p->h * p->w) * sizeof(float));
  for (int64_t oy = 0; oy < p->oh && !xai_stop_requested(); oy++) {
    xk__span rows = xk__window_rows(p, oy);
    for (int64_t ox = 0; ox < p->ow; ox++) {
      xk__span columns = xk__window_columns(p, ox);
      float each = (float)(dy[oy * p->ow + ox] * xk__share(p, rows, columns));
      for (int64_t ky = rows.first; ky < rows.end; ky++)
        for (int64_t kx = columns.first; kx < columns.end; kx++)
          dx[(rows.start + ky * p->dh) * p->w + columns.start + kx * p->dw] += each;
    }
  }
}

void xk_avgpool_backward(const xk_pool2d *p, const float *dy, float *dx) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->planes * p->h * p->w > XK__CHUNK)
  for (int64_t i = 0; i < p->planes; i++)
    if (!xai_stop_requested()) avgpool_backward_plane(p, dy + i * p->oh * p->ow, dx + i * p->h * p->w);
}

/* ---- p-norm -------------------------------------------------------------------------------------------- */
static void lppool_plane(const xk_pool2d *s, int64_t p, const float *x, float *y) {
  for (int64_t oy = 0; oy < s->oh && !xai_stop_requested(); oy++) {
    xk__span rows = xk__window_rows(s, oy);
    for (int64_t ox = 0; ox < s->ow; ox++) {
      xk__span columns = xk__window_columns(s, ox);
      double sum = 0;
      for (int64_t ky = rows.first; ky < rows.end; ky++)
        for (int64_t kx = columns.first; kx < columns.end; kx++)
          sum += xk__power(fabs((double)x[(rows.start + ky * s->dh) * s->w + columns.start + kx * s->dw]), p);
      y[oy * s->ow + ox] = (float)xk__root(sum, p);
    }
  }
}

void xk_lppool_forward(const xk_pool2d *s, int64_t p, const float *x, float *y) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (s->planes * s->h * s->w > XK__CHUNK)
  for (int64_t i = 0; i < s->planes; i++)
    if (!xai_stop_requested()) lppool_plane(s, p, x + i * s->h * s->w, y + i * s->oh * s->ow);
}

/* dy/dx = sign x (|x| / y)^(p-1), and 0 in a window of zeros */
static void lppool_backward_plane(const xk_pool2d *s, int64_t p, const float *x, const float *y, const float *dy,
                                  float *dx) {
  memset(dx, 0, (size_t)(s->h * s->w) * sizeof(float));
  for (int64_t oy = 0; oy < s->oh && !xai_stop_requested(); oy++) {
    xk__span rows = xk__window_rows(s, oy);
    for (int64_t ox = 0; ox < s->ow; ox++) {
      xk__span columns = xk__window_columns(s, ox);
      double norm = y[oy * s->ow + ox], g = dy[oy * s->ow + ox];
      for (int64_t ky = rows.first; ky < rows.end && norm != 0; ky++)
        for (int64_t kx = columns.first; kx < columns.end; kx++) {
          int64_t at = (rows.start + ky * s->dh) * s->w + columns.start + kx * s->dw;
          double v = x[at], slope = xk__power(fabs(v) / norm, p - 1);
          dx[at] += (float)(v > 0 ? g * slope : v < 0 ? -g * slope : 0);
        }
    }
  }
}

void xk_lppool_backward(const xk_pool2d *s, int64_t p, const float *x, const float *y, const float *dy, float *dx) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (s->planes * s->h * s->w > XK__CHUNK)
  for (int64_t i = 0; i < s->planes; i++)
    if (!xai_stop_requested())
      lppool_backward_plane(s, p, x + i * s->h * s->w, y + i * s->oh * s->ow, dy + i * s->oh * s->ow,
                            dx + i * s->h * s->w);
}

/* ---- whole planes --------------------------------------------------------------------------------------- */
void xk_global_avg_forward(int64_t planes, int64_t hw, const float *x, float *y) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (planes * hw > XK__CHUNK)
  for (int64_t i = 0; i < planes; i++) {
    if (xai_stop_requested()) continue;
    y[i] = (float)(xk__sum(hw, x + i * hw) / (double)hw);
  }
}

void xk_global_avg_backward(int64_t planes, int64_t hw, const float *dy, float *dx) {
  int64_t n = planes * hw;
  XK__EACH(i, dx[i] = dy[i / hw] / (float)hw)
}

/* The first maximum of a plane. */
static int64_t argmax(int64_t n, const float *x) {
  int64_t win = 0;
  for (int64_t i = 1; i < n; i++)
    if (xk__displaces(x[i], x[win])) win = i;
  return win;
}

void xk_global_max_forward(int64_t planes, int64_t hw, const float *x, float *y) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (planes * hw > XK__CHUNK)
  for (int64_t i = 0; i < planes; i++)
    if (!xai_stop_requested()) y[i] = hw > 0 ? x[i * hw + argmax(hw, x + i * hw)] : -INFINITY;
}

void xk_global_max_backward(int64_t planes, int64_t hw, const float *x, const float *dy, float *dx) {
  if (hw == 0) return;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (planes * hw > XK__CHUNK)
  for (int64_t i = 0; i < planes; i++) {
    if (xai_stop_requested()) continue;
    memset(dx + i * hw, 0, (size_t)hw * sizeof(float));
    dx[i * hw + argmax(hw, x + i * hw)] = dy[i];
  }
}
