/* kernels/blocked_pool.c: maximum and average over windows and over whole planes, sixteen channels at a time.
 * Forward, a task is a row of results. Backward, it is a plane: windows overlap, and their gradients are added in
 * row-major order as in pool.c, so the bits are the same; and it passes a gate while it is still in the cache. */
#include <math.h>
#include <string.h>

#include "kernels/blocked_private.h"
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

/* Rows of dx are zeroed (where nothing is to be added to) just before the first window reaches them: they are still in the
 * cache when it adds. Of an average, x is NULL. */
typedef void (*backward_row)(const xk_pool2d *p, int64_t oy, const float *x, const float *dy, float *dx);
static void backward_plane(const xk_pool2d *p, backward_row row, const float *x, const float *dy, bool add, float *dx) {
  int64_t zeroed = add ? p->h : 0, width = p->w * XK_LANES;
  for (int64_t oy = 0; oy <= p->oh && !xai_stop_requested(); oy++) {
    int64_t reach = oy == p->oh ? p->h : xk__min(p->h, oy * p->sh - p->pad_top + (p->kh - 1) * p->dh + 1);
    if (reach > zeroed) memset(dx + zeroed * width, 0, (size_t)((reach - zeroed) * width) * sizeof(float));
    zeroed = xk__max(zeroed, reach);
    if (oy < p->oh) row(p, oy, x, dy + oy * p->ow * XK_LANES, dx);
  }
}

static bool adds(const xk_finish *f) { return f != NULL && f->add != NULL; }

/* n elements of dx, from 'at' on, are complete. */
static void pass_gate(const xk_finish *f, int64_t at, int64_t n, float *dx) {
  if (f != NULL && f->gate != NULL) xk__gate(n, f->rule, f->lo, f->hi, f->gate + at, dx + at, dx + at);
}

static void each_plane(const xk_pool2d *p, backward_row row, const float *x, const float *dy, const xk_finish *finish,
                       float *dx) {
  int64_t in = p->h * p->w * XK_LANES, out = p->oh * p->ow * XK_LANES;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (worth_threads(p))
  for (int64_t i = 0; i < p->planes; i++) {
    backward_plane(p, row, x == NULL ? NULL : x + i * in, dy + i * out, adds(finish), dx + i * in);
    pass_gate(finish, i * in, in, dx);
  }
}

/* ---- maximum --------------------------------------------------------------------------------------------- */
/* A NaN is larger than numbers. */
static inline float larger(float best, float v) { return ((v > best) | (v != v)) ? v : best; }

XK_CLONES static void maxpool_row(const xk_pool2d *p, int64_t oy, const float *x, float *y) {
  xk__span rows = xk__window_rows(p, oy);
  for (int64_t ox = 0; ox < p->ow; ox++) {
    xk__span columns = xk__window_columns(p, ox);
    float best[XK_LANES];
    XK__EACH_LANE(l) best[l] = -INFINITY;
    for (int64_t ky = rows.first; ky < rows.end; ky++)
      for (int64_t kx = columns.first; kx < columns.end; kx++) {
        const float *v = x + tap_at(p, rows, ky, columns, kx);
        XK__EACH_LANE(l) best[l] = larger(best[l], v[l]);
      }
    XK__EACH_LANE(l) y[ox * XK_LANES + l] = best[l];
  }
}

/* A window of rows x columns taps, which lie 'down' and 'right' apart. A lane is open until the first tap that is its
 * maximum, or NaN, takes the gradient. */
static inline void maxpool_backward_window(int64_t rows, int64_t columns, int64_t down, int64_t right, const float *x,
                                           const float *dy, float *dx) {
  float best[XK_LANES];
  int32_t open[XK_LANES];
  XK__EACH_LANE(l) best[l] = -INFINITY, open[l] = 1;
  for (int64_t ky = 0; ky < rows; ky++)
    for (int64_t kx = 0; kx < columns; kx++) {
      const float *v = x + ky * down + kx * right;
      XK__EACH_LANE(l) best[l] = larger(best[l], v[l]);
    }
  for (int64_t ky = 0; ky < rows; ky++)
    for (int64_t kx = 0; kx < columns; kx++) {
      const float *v = x + ky * down + kx * right;
      float *d = dx + ky * down + kx * right;
      XK__EACH_LANE(l) {
        int32_t takes = ((v[l] == best[l]) | (v[l] != v[l])) & open[l];
        float g = dy[l];
        d[l] += takes ? g : 0;
        open[l] ^= takes;
      }
    }
}

XK_CLONES static void maxpool_backward_row(const xk_pool2d *p, int64_t oy, const float *x, const float *dy, float *dx) {
  xk__span rows = xk__window_rows(p, oy);
  for (int64_t ox = 0; ox < p->ow; ox++) {
    xk__span columns = xk__window_columns(p, ox);
    int64_t at = tap_at(p, rows, rows.first, columns, columns.first);
    maxpool_backward_window(rows.end - rows.first, columns.end - columns.first, p->dh * p->w * XK_LANES,
                            p->dw * XK_LANES, x + at, dy + ox * XK_LANES, dx + at);
  }
}

void xk_bmaxpool_forward(const xk_pool2d *p, const float *x, float *y) { each_row(p, maxpool_row, x, y); }
void xk_bmaxpool_backward(const xk_pool2d *p, const float *x, const float *dy, const xk_finish *finish, float *dx) {
  each_plane(p, maxpool_backward_row, x, dy, finish, dx);
}

/* ---- average --------------------------------------------------------------------------------------------- */
XK_CLONES static void avgpool_row(const xk_pool2d *p, int64_t oy, const float *x, float *y) {
  xk__span rows = xk__window_rows(p, oy);
  for (int64_t ox = 0; ox < p->ow; ox++) {
    xk__span columns = xk__window_columns(p, ox);
    double sum[XK_LANES] = {0}, share = xk__share(p, rows, columns);
    for (int64_t ky = rows.first; ky < rows.end; ky++)
      for (int64_t kx = columns.first; kx < columns.end; kx++) {
        const float *v = x + tap_at(p, rows, ky, columns, kx);
        XK__EACH_LANE(l) sum[l] += v[l];
      }
    XK__EACH_LANE(l) y[ox * XK_LANES + l] = (float)(sum[l] * share);
  }
}

XK_CLONES static void avgpool_backward_row(const xk_pool2d *p, int64_t oy, const float *x, const float *dy, float *dx) {
  (void)x;
  xk__span rows = xk__window_rows(p, oy);
  for (int64_t ox = 0; ox < p->ow; ox++) {
    xk__span columns = xk__window_columns(p, ox);
    double share = xk__share(p, rows, columns);
    float each[XK_LANES];
    XK__EACH_LANE(l) each[l] = (float)(dy[ox * XK_LANES + l] * share);
    for (int64_t ky = rows.first; ky < rows.end; ky++)
      for (int64_t kx = columns.first; kx < columns.end; kx++) {
        float *d = dx + tap_at(p, rows, ky, columns, kx);
        XK__EACH_LANE(l) d[l] += each[l];
      }
  }
}

void xk_bavgpool_forward(const xk_pool2d *p, const float *x, float *y) { each_row(p, avgpool_row, x, y); }
void xk_bavgpool_backward(const xk_pool2d *p, const float *dy, const xk_finish *finish, float *dx) {
  each_plane(p, avgpool_backward_row, NULL, dy, finish, dx);
}

/* ---- average of a whole plane ------------------------------------------------------------------------------ */
XK_CLONES static void average_plane(int64_t hw, const float *x, float *y) {
  double sum[XK_LANES] = {0};
  for (int64_t i = 0; i < hw; i++) XK__EACH_LANE(l) sum[l] += x[i * XK_LANES + l];
  XK__EACH_LANE(l) y[l] = (float)(sum[l] / (double)hw);
}

void xk_bglobal_avg_forward(int64_t planes, int64_t hw, const float *x, float *y) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (planes * hw * XK_LANES > XK__CHUNK)
  for (int64_t i = 0; i < planes; i++)
    if (!xai_stop_requested()) average_plane(hw, x + i * hw * XK_LANES, y + i * XK_LANES);
}

XK_CLONES static void spread_plane(int64_t hw, const float *dy, bool add, float *dx) {
  float each[XK_LANES];
  XK__EACH_LANE(l) each[l] = dy[l] / (float)hw;
  if (!add) memset(dx, 0, (size_t)(hw * XK_LANES) * sizeof *dx);
  for (int64_t i = 0; i < hw; i++) XK__EACH_LANE(l) dx[i * XK_LANES + l] += each[l];
}

void xk_bglobal_avg_backward(int64_t planes, int64_t hw, const float *dy, const xk_finish *finish, float *dx) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (planes * hw * XK_LANES > XK__CHUNK)
  for (int64_t i = 0; i < planes; i++) {
    if (xai_stop_requested()) continue;
    spread_plane(hw, dy + i * XK_LANES, adds(finish), dx + i * hw * XK_LANES);
    pass_gate(finish, i * hw * XK_LANES, hw * XK_LANES, dx);
  }
}
