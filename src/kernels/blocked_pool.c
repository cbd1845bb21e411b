/* kernels/blocked_pool.c: maximum and average over windows and over whole planes, sixteen channels at a time.
 * Forward, a task is a row of results. Backward, it is a plane: windows overlap, and their gradients are added in
 * row-major order as in pool.c, so the bits are the same. */
#include <math.h>
#include <string.h>

#include "kernels/lanes.h"
#include "kernels/window.h"

/* Offset of a window's tap in its plane. */
static inline int64_t tap_at(const xk_pool2d *p, xk__span rows, int64_t ky, xk__span columns, int64_t kx) {
  return ((rows.start + ky * p->dh) * p->w + columns.start + kx * p->dw) * XK_LANES;
}

static bool worth_threads(const xk_pool2d *p) { return p->planes * p->h * p->w * XK_LANES > XK__CHUNK; }

typedef void (*forward_row)(const xk_pool2d *p, int64_t oy, const float *x, float *y);
static void each_row(const xk_pool2d *p, forward_row row, const float *x, float *y) {
  int64_t in = p->h * p->w * XK_LANES, out = p->ow * XK_LANES;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (worth_threads(p))
  for (int64_t t = 0; t < p->planes * p->oh; t++)
    if (!xai_stop_requested()) row(p, t % p->oh, x + t / p->oh * in, y + t * out);
}

/* Rows of dx are zeroed just before the first window reaches them: they are still in the cache when it adds. Of an
 * average, x is NULL. */
typedef void (*backward_row)(const xk_pool2d *p, int64_t oy, const float *x, const float *dy, float *dx);
static void backward_plane(const xk_pool2d *p, backward_row row, const float *x, const float *dy, float *dx) {
  int64_t zeroed = 0, width = p->w * XK_LANES;
  for (int64_t oy = 0; oy <= p->oh && !xai_stop_requested(); oy++) {
    int64_t reach = oy == p->oh ? p->h : xk__min(p->h, oy * p->sh - p->pad_top + (p->kh - 1) * p->dh + 1);
    if (reach > zeroed) memset(dx + zeroed * width, 0, (size_t)((reach - zeroed) * width) * sizeof(float));
    zeroed = xk__max(zeroed, reach);
    if (oy < p->oh) row(p, oy, x, dy + oy * p->ow * XK_LANES, dx);
  }
}

static void each_plane(const xk_pool2d *p, backward_row row, const float *x, const float *dy, float *dx) {
  int64_t in = p->h * p->w * XK_LANES, out = p->oh * p->ow * XK_LANES;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (worth_threads(p))
  for (int64_t i = 0; i < p->planes; i++)
    backward_plane(p, row, x == NULL ? NULL : x + i * in, dy + i * out, dx + i * in);
}

/* ---- maximum --------------------------------------------------------------------------------------------- */
bool xk_bmaxpool_fits(const xk_pool2d *p) {
  bool seen = true;
  for (int64_t oy = 0; oy < p->oh; oy++) seen &= xk__window_rows(p, oy).end > xk__window_rows(p, oy).first;
  for (int64_t ox = 0; ox < p->ow; ox++) seen &= xk__window_columns(p, ox).end > xk__window_columns(p, ox).first;
  return seen;
}

XK_CLONES static void maxpool_row(const xk_pool2d *p, int64_t oy, const float *x, float *y) {
  xk__span rows = xk__window_rows(p, oy);
  for (int64_t ox = 0; ox < p->ow; ox++) {
    xk__span columns = xk__window_columns(p, ox);
    xk__lanes best = (xk__lanes){0} - INFINITY;
    for (int64_t ky = rows.first; ky < rows.end; ky++)
      for (int64_t kx = columns.first; kx < columns.end; kx++) {
        xk__lanes v = XK__LANES(x + tap_at(p, rows, ky, columns, kx));
        best = XK__PICK((v > best) | (v != v), v, best);
      }
    XK__LANES(y + ox * XK_LANES) = best;
  }
}

/* The taps of a window are numbered; each lane notes the number of its first maximum, and takes the gradient there. */
XK_CLONES static void maxpool_backward_row(const xk_pool2d *p, int64_t oy, const float *x, const float *dy, float *dx) {
  xk__span rows = xk__window_rows(p, oy);
  for (int64_t ox = 0; ox < p->ow; ox++) {
    xk__span columns = xk__window_columns(p, ox);
    xk__lanes best = (xk__lanes){0} - INFINITY, g = XK__LANES(dy + ox * XK_LANES);
    xk__mask winner = {0}, tap = {0};
    for (int64_t ky = rows.first; ky < rows.end; ky++)
      for (int64_t kx = columns.first; kx < columns.end; kx++, tap += 1) {
        xk__lanes v = XK__LANES(x + tap_at(p, rows, ky, columns, kx));
        xk__mask better = (v > best) | ((v != v) & (best == best));
        best = XK__PICK(better, v, best);
        winner = (better & tap) | (~better & winner);
      }
    tap = (xk__mask){0};
    for (int64_t ky = rows.first; ky < rows.end; ky++)
      for (int64_t kx = columns.first; kx < columns.end; kx++, tap += 1)
        XK__LANES(dx + tap_at(p, rows, ky, columns, kx)) += (xk__lanes)((winner == tap) & (xk__mask)g);
  }
}

void xk_bmaxpool_forward(const xk_pool2d *p, const float *x, float *y) { each_row(p, maxpool_row, x, y); }
void xk_bmaxpool_backward(const xk_pool2d *p, const float *x, const float *dy, float *dx) {
  each_plane(p, maxpool_backward_row, x, dy, dx);
}

/* ---- average --------------------------------------------------------------------------------------------- */
XK_CLONES static void avgpool_row(const xk_pool2d *p, int64_t oy, const float *x, float *y) {
  xk__span rows = xk__window_rows(p, oy);
  for (int64_t ox = 0; ox < p->ow; ox++) {
    xk__span columns = xk__window_columns(p, ox);
    xk__wide sum = {0};
    for (int64_t ky = rows.first; ky < rows.end; ky++)
      for (int64_t kx = columns.first; kx < columns.end; kx++)
        sum += __builtin_convertvector(XK__LANES(x + tap_at(p, rows, ky, columns, kx)), xk__wide);
    XK__LANES(y + ox * XK_LANES) = __builtin_convertvector(sum * xk__share(p, rows, columns), xk__lanes);
  }
}

XK_CLONES static void avgpool_backward_row(const xk_pool2d *p, int64_t oy, const float *x, const float *dy, float *dx) {
  (void)x;
  xk__span rows = xk__window_rows(p, oy);
  for (int64_t ox = 0; ox < p->ow; ox++) {
    xk__span columns = xk__window_columns(p, ox);
    xk__wide g = __builtin_convertvector(XK__LANES(dy + ox * XK_LANES), xk__wide);
    xk__lanes each = __builtin_convertvector(g * xk__share(p, rows, columns), xk__lanes);
    for (int64_t ky = rows.first; ky < rows.end; ky++)
      for (int64_t kx = columns.first; kx < columns.end; kx++)
        XK__LANES(dx + tap_at(p, rows, ky, columns, kx)) += each;
  }
}

void xk_bavgpool_forward(const xk_pool2d *p, const float *x, float *y) { each_row(p, avgpool_row, x, y); }
void xk_bavgpool_backward(const xk_pool2d *p, const float *dy, float *dx) {
  each_plane(p, avgpool_backward_row, NULL, dy, dx);
}

/* ---- average of a whole plane ------------------------------------------------------------------------------ */
XK_CLONES static void average_plane(int64_t hw, const float *x, float *y) {
  xk__wide sum = {0};
  for (int64_t i = 0; i < hw; i++) sum += __builtin_convertvector(XK__LANES(x + i * XK_LANES), xk__wide);
  XK__LANES(y) = __builtin_convertvector(sum / (double)hw, xk__lanes);
}

void xk_bglobal_avg_forward(int64_t planes, int64_t hw, const float *x, float *y) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (planes * hw * XK_LANES > XK__CHUNK)
  for (int64_t i = 0; i < planes; i++)
    if (!xai_stop_requested()) average_plane(hw, x + i * hw * XK_LANES, y + i * XK_LANES);
}

XK_CLONES static void spread_plane(int64_t hw, const float *dy, float *dx) {
  xk__lanes each = XK__LANES(dy) / (float)hw;
  for (int64_t i = 0; i < hw; i++) XK__LANES(dx + i * XK_LANES) = each;
}

void xk_bglobal_avg_backward(int64_t planes, int64_t hw, const float *dy, float *dx) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (planes * hw * XK_LANES > XK__CHUNK)
  for (int64_t i = 0; i < planes; i++)
    if (!xai_stop_requested()) spread_plane(hw, dy + i * XK_LANES, dx + i * hw * XK_LANES);
}
