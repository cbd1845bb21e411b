/* kernels/im2col.c: the patch matrix of a convolution, one tile of output positions at a time, and its adjoint.
 *
 * Row (ch, ky, kx) of the matrix holds, for each output position, the input element that this tap of the
 * kernel sees there. A tile covers parts of output rows; within one such part ("run") the elements of a
 * matrix row are equally spaced in one input row, with padding at either end. When output rows are as long as input
 * rows and nothing is strided, a whole matrix row is the input shifted, apart from the padded columns. */
#include <string.h>

#include "kernels/private.h"

/* One output row's share of a tile. */
typedef struct run {
  int64_t oy, ox, len;
} run;

static run run_at(const xk_conv2d *p, int64_t position, int64_t end) {
  run r = {.oy = position / p->ow, .ox = position % p->ow};
  r.len = xk__min(p->ow - r.ox, end - position);
  return r;
}

XK_CLONES static void pick(int64_t n, int64_t stride, const float *x, float *col) {
  if (stride == 1)
    memcpy(col, x, (size_t)n * sizeof(float));
  else if (stride == 2)
    for (int64_t i = 0; i < n; i++) col[i] = x[i * 2];
  else
    for (int64_t i = 0; i < n; i++) col[i] = x[i * stride];
}

XK_CLONES static void put_back(int64_t n, int64_t stride, const float *col, float *restrict x) {
  if (stride == 1)
    for (int64_t i = 0; i < n; i++) x[i] += col[i];
  else if (stride == 2)
    for (int64_t i = 0; i < n; i++) x[i * 2] += col[i];
  else
    for (int64_t i = 0; i < n; i++) x[i * stride] += col[i];
}

static void zero(int64_t n, float *col) { memset(col, 0, (size_t)n * sizeof(float)); }

/* ---- a shifted plane --------------------------------------------------------------------------------- */
static bool is_shift(const xk_conv2d *p) { return p->sh == 1 && p->sw == 1 && p->ow == p->w; }

/* Through one tap, output position i sees input element i + by, for i in [from, to) and not in a padded column. */
typedef struct shift {
  int64_t by, right, from, to;
} shift;

/* The part of positions [first, end) that sees input rows [y0, y1). */
static shift shift_of(const xk_conv2d *p, int64_t ky, int64_t kx, int64_t first, int64_t end, int64_t y0, int64_t y1) {
  int64_t down = ky * p->dh - p->pad_top, right = kx * p->dw - p->pad_left;
  shift s = {.by = down * p->w + right, .right = right};
  s.from = xk__max(first, (y0 - down) * p->w);
  s.to = xk__min(end, (y1 - down) * p->w);
  return s;
}

/* Zeros where positions [first, end) have a padded column. */
static void clear_columns(const xk_conv2d *p, int64_t right, int64_t first, int64_t end, float *col) {
  int64_t lo = right < 0 ? 0 : xk__max(0, p->w - right), hi = right < 0 ? xk__min(p->w, -right) : p->w;
  for (int64_t row = first / p->w * p->w; right != 0 && row < end; row += p->w)
    for (int64_t i = xk__max(first, row + lo); i < xk__min(end, row + hi); i++) col[i - first] = 0;
}

static void fill_shifted(const xk_conv2d *p, const float *x, int64_t ky, int64_t kx, int64_t first, int64_t end,
                         float *col) {
  shift s = shift_of(p, ky, kx, first, end, 0, p->h);
  s.from = xk__min(end, xk__max(s.from, -s.by)); /* what lies before and after the plane is a padded column */
  s.to = xk__max(s.from, xk__min(s.to, p->h * p->w - s.by));
  zero(s.from - first, col);
  if (s.to > s.from) memcpy(col + s.from - first, x + s.from + s.by, (size_t)(s.to - s.from) * sizeof(float));
  zero(end - s.to, col + s.to - first);
  clear_columns(p, s.right, first, end, col);
}

static void add_shifted(const xk_conv2d *p, float *col, int64_t ky, int64_t kx, int64_t first, int64_t end, int64_t y0,
                        int64_t y1, float *x) {
  shift s = shift_of(p, ky, kx, first, end, y0, y1);
  clear_columns(p, s.right, first, end, col);
  s.from = xk__max(s.from, y0 * p->w - s.by); /* a padded column at the edge of the band reaches into the next one, */
  s.to = xk__min(s.to, y1 * p->w - s.by);     /* where even adding its zero would disturb another thread's sum */
  if (s.to > s.from) put_back(s.to - s.from, 1, col + s.from - first, x + s.from + s.by);
}

/* ---- any plane ---------------------------------------------------------------------------------------- */
/* One row of the matrix: tap (ky, kx) of plane x. */
static void fill_row(const xk_conv2d *p, const float *x, int64_t ky, int64_t kx, int64_t first, int64_t end,
                     float *col) {
  xk__sight see = xk__sight_of(p->w, p->ow, p->sw, p->pad_left, kx * p->dw);
  for (int64_t at = first; at < end;) {
    run r = run_at(p, at, end);
    int64_t iy = r.oy * p->sh - p->pad_top + ky * p->dh;
    /* positions [a, b) of the run see the input, those before and after it see padding */
    int64_t a = xk__min(xk__max(see.out - r.ox, 0), r.len), b = xk__max(a, xk__min(see.out + see.count - r.ox, r.len));
    if (iy < 0 || iy >= p->h) a = b = r.len;
    zero(a, col);
    if (b > a) pick(b - a, p->sw, x + iy * p->w + (r.ox + a) * p->sw - p->pad_left + kx * p->dw, col + a);
    zero(r.len - b, col + b);
    at += r.len;
    col += r.len;
  }
}

void xk__im2col(const xk_conv2d *p, int64_t channels, const float *x, int64_t first, int64_t count, float *col) {
  bool shifted = is_shift(p);
  for (int64_t ch = 0; ch < channels; ch++)
    for (int64_t ky = 0; ky < p->kh; ky++)
      for (int64_t kx = 0; kx < p->kw; kx++, col += count)
        if (shifted) fill_shifted(p, x + ch * p->h * p->w, ky, kx, first, first + count, col);
        else fill_row(p, x + ch * p->h * p->w, ky, kx, first, first + count, col);
}

/* Adds one row of the matrix back to where fill_row took it from. */
static void add_row(const xk_conv2d *p, const float *col, int64_t ky, int64_t kx, int64_t first, int64_t end,
                    int64_t y0, int64_t y1, float *x) {
  xk__sight see = xk__sight_of(p->w, p->ow, p->sw, p->pad_left, kx * p->dw);
  for (int64_t at = first; at < end;) {
    run r = run_at(p, at, end);
    int64_t iy = r.oy * p->sh - p->pad_top + ky * p->dh;
    int64_t a = xk__max(see.out - r.ox, 0), b = xk__min(see.out + see.count - r.ox, r.len);
    if (iy >= y0 && iy < y1 && b > a)
      put_back(b - a, p->sw, col + a, x + iy * p->w + (r.ox + a) * p->sw - p->pad_left + kx * p->dw);
    at += r.len;
    col += r.len;
  }
}

void xk__col2im_accumulate(const xk_conv2d *p, int64_t channels, float *col, int64_t first, int64_t count, int64_t y0,
                           int64_t y1, float *x) {
  bool shifted = is_shift(p);
  for (int64_t ch = 0; ch < channels; ch++)
    for (int64_t ky = 0; ky < p->kh; ky++)
      for (int64_t kx = 0; kx < p->kw; kx++, col += count)
        if (shifted) add_shifted(p, col, ky, kx, first, first + count, y0, y1, x + ch * p->h * p->w);
        else add_row(p, col, ky, kx, first, first + count, y0, y1, x + ch * p->h * p->w);
}
