/* kernels/conv2d.c: convolution as matrix products on tiles of the patch matrix.
 *
 * Per image and group, with W the filters (mg x k, k = cg*kh*kw) and X the patch matrix (k x oh*ow):
 *   y = W X + b,    dX = W^T dy,    dW = sum over images of dy X^T.
 * X is never stored whole: every task makes the tile it needs in its thread's scratch. How a problem
 * is cut into tasks depends on the sizes of one image, neither on the number of threads nor on the
 * batch, so an image's result is the same bits wherever it is computed.
 * Not here: groups of one channel (depthwise.c); blocked arrays, on which it is faster (blocked.h). */
#include <omp.h>
#include <string.h>

#include "kernels/private.h"

enum {
  SCRATCH = 1 << 19, /* floats of patch matrix per thread: 2 MB */
  TILE_STEP = 16,    /* tiles are multiples of a vector */
  TILE_MIN = 48,     /* narrower products lose more in packing than a second core gives back */
  TILE_MAX = 4096,   /* with ROWS_MAX and FILTERS_MAX: bounds the work between two looks at the stop flag */
  ROWS_MIN = 96,     /* of the patch matrix, in a task of a gradient */
  ROWS_MAX = 512,
  FILTERS_MIN = 32,
  FILTERS_MAX = 1024,
  PARTS = 4 /* tasks per image that keep a small batch busy */
};

typedef struct sizes {
  int64_t cg, mg, taps, k, cols; /* channels and filters per group, kh*kw, rows and columns of X */
  bool direct;                   /* 1x1, stride 1, no padding: x is X */
} sizes;

static sizes sizes_of(const xk_conv2d *p) {
  sizes s = {.cg = p->c / p->groups, .mg = p->m / p->groups, .taps = p->kh * p->kw, .cols = p->oh * p->ow};
  s.k = s.cg * s.taps;
  s.direct = s.taps == 1 && p->sh == 1 && p->sw == 1 && p->pad_top == 0 && p->pad_left == 0;
  s.direct = s.direct && p->oh == p->h && p->ow == p->w;
  return s;
}

static bool is_depthwise(const xk_conv2d *p) { return p->groups > 1 && p->c == p->groups; }

static bool is_empty(const xk_conv2d *p) { return p->n == 0 || p->m == 0 || p->oh == 0 || p->ow == 0; }

/* Columns per tile such that 'rows' of them fit the scratch. */
static int64_t tile_columns(int64_t rows, int64_t cols) {
  int64_t tile = xk__max(TILE_STEP, xk__min(TILE_MAX, SCRATCH / xk__max(1, rows)) / TILE_STEP * TILE_STEP);
  int64_t tiles = xk__ceil_div(cols, tile);
  return xk__min(cols, xk__round_up(xk__ceil_div(cols, tiles), TILE_STEP)); /* all about the same width */
}

/* Pieces of at least 'min' that 'length' is halved into until 'parts' reaches PARTS. */
static int64_t halve_until_enough(int64_t pieces, int64_t length, int64_t min, int64_t parts) {
  while (parts * pieces < PARTS && length / (pieces * 2) >= min) pieces *= 2;
  return pieces;
}

/* Filters per task, where everything else has been cut into 'parts' already. */
static int64_t filter_block(const sizes *s, int64_t parts) {
  int64_t blocks = halve_until_enough(xk__ceil_div(s->mg, FILTERS_MAX), s->mg, FILTERS_MIN, parts);
  return xk__ceil_div(s->mg, blocks);
}

/* NULL where there is none. */
static float *thread_scratch(void *work, int64_t floats) {
  return floats > 0 ? (float *)work + omp_get_thread_num() * floats : NULL;
}

/* ---- forward --------------------------------------------------------------------------------------- */
/* One image and group is cut into tiles of columns, and if these are few, into blocks of filters. */
typedef struct forward_cut {
  int64_t tile, tiles, m_block, m_blocks, scratch;
} forward_cut;

static forward_cut cut_forward(const xk_conv2d *p, const sizes *s) {
  int64_t enough = xk__max(1, xk__min(PARTS, s->cols / TILE_MIN));
  int64_t widest = xk__round_up(xk__ceil_div(s->cols, enough), TILE_STEP);
  forward_cut cut = {.tile = xk__min(tile_columns(s->k, s->cols), widest)};
  cut.tiles = xk__ceil_div(s->cols, cut.tile);
  cut.m_block = filter_block(s, p->groups * cut.tiles);
  cut.m_blocks = xk__ceil_div(s->mg, cut.m_block);
  cut.scratch = s->direct ? 0 : xk__round_up(s->k * cut.tile, TILE_STEP);
  return cut;
}

static void fill_bias(int64_t rows, int64_t count, const float *b, float *y, int64_t ldy) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < count; j++) y[i * ldy + j] = b[i];
}

void xk_conv2d_forward(const xk_conv2d *p, const float *x, const float *w, const float *b, float *y, void *work) {
  if (is_empty(p)) return;
  if (is_depthwise(p)) {
    xk__depthwise_forward(p, x, w, b, y);
    return;
  }
  sizes s = sizes_of(p);
  forward_cut cut = cut_forward(p, &s);
  int64_t per_group = cut.tiles * cut.m_blocks, tasks = p->n * p->groups * per_group;
#pragma omp parallel for schedule(dynamic) num_threads(xk_threads()) if (tasks > 1)
  for (int64_t t = 0; t < tasks; t++) {
    if (xai_stop_requested()) continue;
    int64_t ng = t / per_group, g = ng % p->groups; /* ng counts images and groups together, as x and y do */
    int64_t first = t % per_group / cut.m_blocks * cut.tile, count = xk__min(cut.tile, s.cols - first);
    int64_t m0 = t % cut.m_blocks * cut.m_block, filters = xk__min(cut.m_block, s.mg - m0);
    const float *group = x + ng * s.cg * p->h * p->w, *patches = group + first;
    float *tile = y + (ng * s.mg + m0) * s.cols + first;
    if (!s.direct) {
      float *col = thread_scratch(work, cut.scratch);
      xk__im2col(p, s.cg, group, first, count, col);
      patches = col;
    }
    if (b != NULL) fill_bias(filters, count, b + g * s.mg + m0, tile, s.cols);
    xk_gemm(false, false, filters, count, s.k, 1, w + (g * s.mg + m0) * s.k, s.k, patches, s.direct ? s.cols : count,
            b != NULL ? 1 : 0, tile, s.cols);
  }
}

/* ---- gradients: what both have in common ------------------------------------------------------------- */
/* A group's channels in blocks, so that a block's patch rows are neither too few nor too many. */
static int64_t channel_block(const sizes *s, int64_t parts) {
  int64_t blocks = xk__min(s->cg, xk__ceil_div(s->k, ROWS_MAX));
  while (parts * blocks < PARTS && s->k / (blocks * 2) >= ROWS_MIN && blocks * 2 <= s->cg) blocks *= 2;
  return xk__ceil_div(s->cg, blocks);
}

/* ---- gradient to the input ------------------------------------------------------------------------------ */
/* A task owns a block of channels and a band of input rows. It goes through the output rows that saw the band. */
typedef struct input_cut {
  int64_t c_block, c_blocks, band, bands, tile, scratch;
} input_cut;

static input_cut cut_input(const xk_conv2d *p, const sizes *s) {
  input_cut cut = {.c_block = channel_block(s, p->groups)};
  cut.c_blocks = xk__ceil_div(s->cg, cut.c_block);
  /* a band much higher than the kernel, because output rows at its edges are visited from both sides */
  int64_t reach = (p->kh - 1) * p->dh + 1, lowest = s->direct ? 1 : 4 * reach;
  cut.band = xk__ceil_div(p->h, halve_until_enough(1, p->h, lowest, p->groups * cut.c_blocks));
  cut.bands = xk__ceil_div(p->h, cut.band);
  cut.tile = tile_columns(cut.c_block * s->taps, s->cols);
  cut.scratch = s->direct ? 0 : xk__round_up(cut.c_block * s->taps * cut.tile, TILE_STEP);
  return cut;
}

/* Output rows [*lo, *hi) that see any of the input rows [y0, y1). */
static void rows_that_see(const xk_conv2d *p, int64_t y0, int64_t y1, int64_t *lo, int64_t *hi) {
  int64_t reach = (p->kh - 1) * p->dh, above = y0 + p->pad_top - reach;
  *lo = above <= 0 ? 0 : xk__min(p->oh, xk__ceil_div(above, p->sh));
  *hi = xk__max(*lo, xk__min(p->oh, (y1 - 1 + p->pad_top) / p->sh + 1));
}

/* dx[c0.., y0..y1) of one image and group; dx, dy and w point at the group. */
static void input_task(const xk_conv2d *p, const sizes *s, const input_cut *cut, int64_t c0, int64_t y0, const float *w,
                       const float *dy, float *dx, float *col) {
  int64_t channels = xk__min(cut->c_block, s->cg - c0), rows = channels * s->taps, y1 = xk__min(p->h, y0 + cut->band);
  int64_t lo, hi, plane = p->h * p->w;
  rows_that_see(p, y0, y1, &lo, &hi);
  dx += c0 * plane;
  if (!s->direct)
    for (int64_t ch = 0; ch < channels; ch++)
      memset(dx + ch * plane + y0 * p->w, 0, (size_t)((y1 - y0) * p->w) * sizeof(float));
  for (int64_t first = lo * p->ow; first < hi * p->ow; first += cut->tile) {
    if (xai_stop_requested()) return;
    int64_t count = xk__min(cut->tile, hi * p->ow - first);
    xk_gemm(true, false, rows, count, s->mg, 1, w + c0 * s->taps, s->k, dy + first, s->cols, 0,
            s->direct ? dx + first : col, s->direct ? s->cols : count);
    if (!s->direct) xk__col2im_accumulate(p, channels, col, first, count, y0, y1, dx);
  }
}

void xk_conv2d_backward_input(const xk_conv2d *p, const float *w, const float *dy, float *dx, void *work) {
  if (p->n == 0 || p->c == 0 || p->h == 0 || p->w == 0) return;
  if (is_empty(p)) {
    memset(dx, 0, (size_t)(p->n * p->c * p->h * p->w) * sizeof(float));
    return;
  }
  if (is_depthwise(p)) {
    xk__depthwise_backward_input(p, w, dy, dx);
    return;
  }
  sizes s = sizes_of(p);
  input_cut cut = cut_input(p, &s);
  int64_t per_group = cut.c_blocks * cut.bands, tasks = p->n * p->groups * per_group;
#pragma omp parallel for schedule(dynamic) num_threads(xk_threads()) if (tasks > 1)
  for (int64_t t = 0; t < tasks; t++) {
    int64_t ng = t / per_group, c0 = t % per_group / cut.bands * cut.c_block, y0 = t % cut.bands * cut.band;
    input_task(p, &s, &cut, c0, y0, w + ng % p->groups * s.mg * s.k, dy + ng * s.mg * s.cols,
               dx + ng * s.cg * p->h * p->w, thread_scratch(work, cut.scratch));
  }
}

/* ---- gradient to the weights -------------------------------------------------------------------------------- */
/* A task owns a block of filters and a block of channels of dw, and sums over the tiles of a slice of the batch in
 * order; each slice has a dw of its own, and these are added in order. Of a large dw there is only one. */
enum { SLICES = 8, SLICED = 1 << 18 /* floats of dw */ };

typedef struct weight_cut {
  int64_t slice, slices, c_block, c_blocks, m_block, m_blocks, tile, scratch;
} weight_cut;

static weight_cut cut_weight(const xk_conv2d *p, const sizes *s) {
  weight_cut cut = {.slice = p->m * s->k > SLICED ? p->n : xk__ceil_div(p->n, SLICES)};
  cut.slices = xk__ceil_div(p->n, cut.slice);
  cut.c_block = channel_block(s, p->groups * cut.slices);
  cut.c_blocks = xk__ceil_div(s->cg, cut.c_block);
  cut.m_block = filter_block(s, p->groups * cut.c_blocks * cut.slices);
  cut.m_blocks = xk__ceil_div(s->mg, cut.m_block);
  cut.tile = tile_columns(cut.c_block * s->taps, s->cols);
  cut.scratch = s->direct ? 0 : xk__round_up(cut.c_block * s->taps * cut.tile, TILE_STEP);
  return cut;
}

/* Floats of the slices' own dw: none when there is one slice. */
static int64_t slice_floats(const xk_conv2d *p, const sizes *s, const weight_cut *cut) {
  return cut->slices > 1 ? cut->slices * p->m * s->k : 0;
}

/* n images; x, dy, dw point at the group, within the first of them. */
static void weight_task(const xk_conv2d *p, const sizes *s, const weight_cut *cut, int64_t n, int64_t c0, int64_t m0,
                        const float *x, const float *dy, float *dw, float *col) {
  int64_t channels = xk__min(cut->c_block, s->cg - c0), rows = channels * s->taps;
  int64_t filters = xk__min(cut->m_block, s->mg - m0), plane = p->h * p->w;
  for (int64_t i = 0; i < n; i++) {
    const float *image = x + (i * p->c + c0) * plane, *seen = dy + (i * p->m + m0) * s->cols;
    for (int64_t first = 0; first < s->cols; first += cut->tile) {
      if (xai_stop_requested()) return;
      int64_t count = xk__min(cut->tile, s->cols - first);
      if (!s->direct) xk__im2col(p, channels, image, first, count, col);
      xk_gemm(false, true, filters, rows, count, 1, seen + first, s->cols, s->direct ? image + first : col,
              s->direct ? s->cols : count, i == 0 && first == 0 ? 0 : 1, dw + m0 * s->k + c0 * s->taps, s->k);
    }
  }
}

void xk_conv2d_backward_weight(const xk_conv2d *p, const float *x, const float *dy, float *dw, void *work) {
  sizes s = sizes_of(p);
  if (is_empty(p) || s.k == 0) {
    memset(dw, 0, (size_t)(p->m * s.k) * sizeof(float));
    return;
  }
  if (is_depthwise(p)) {
    xk__depthwise_backward_weight(p, x, dy, dw);
    return;
  }
  weight_cut cut = cut_weight(p, &s);
  int64_t per_group = cut.c_blocks * cut.m_blocks, per_slice = p->groups * per_group, tasks = cut.slices * per_slice;
  int64_t count = p->m * s.k, own = slice_floats(p, &s, &cut);
  float *sums = own > 0 ? work : dw, *scratch = (float *)work + xk__round_up(own, TILE_STEP);
#pragma omp parallel for schedule(dynamic) num_threads(xk_threads()) if (tasks > 1)
  for (int64_t t = 0; t < tasks; t++) {
    int64_t at = t / per_slice, first = at * cut.slice, g = t % per_slice / per_group;
    int64_t c0 = t % per_group / cut.m_blocks * cut.c_block, m0 = t % cut.m_blocks * cut.m_block;
    weight_task(p, &s, &cut, xk__min(cut.slice, p->n - first), c0, m0, x + (first * p->c + g * s.cg) * p->h * p->w,
                dy + (first * p->m + g * s.mg) * s.cols, sums + at * count + g * s.mg * s.k,
                thread_scratch(scratch, cut.scratch));
  }
  if (own == 0 || xai_stop_requested()) return;
  memcpy(dw, sums, (size_t)count * sizeof(float));
  for (int64_t at = 1; at < cut.slices; at++) xk_accumulate(count, sums + at * count, dw);
}

/* ---- scratch and bias ------------------------------------------------------------------------------------------ */
size_t xk_conv2d_workspace(const xk_conv2d *p) {
  if (is_empty(p) || is_depthwise(p)) return 0;
  sizes s = sizes_of(p);
  if (s.k == 0) return 0;
  int64_t floats = cut_forward(p, &s).scratch;
  floats = xk__max(floats, cut_input(p, &s).scratch);
  weight_cut cut = cut_weight(p, &s);
  floats = xk__max(floats, cut.scratch) * (int64_t)xk_threads();
  return (size_t)(floats + xk__round_up(slice_floats(p, &s, &cut), TILE_STEP)) * sizeof(float);
}

void xk_channel_sum(int64_t n, int64_t c, int64_t hw, const float *x, float *sum) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n * c * hw > XK__CHUNK)
  for (int64_t ch = 0; ch < c; ch++) {
    double total = 0;
    for (int64_t i = 0; i < n && !xai_stop_requested(); i++) total += xk__sum(hw, x + (i * c + ch) * hw);
    sum[ch] = (float)total;
  }
}

void xk_add_channel(int64_t n, int64_t c, int64_t hw, const float *b, float *y) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n * c * hw > XK__CHUNK)
  for (int64_t i = 0; i < n * c; i++)
    for (int64_t e = 0; e < hw; e++) y[i * hw + e] += b[i % c];
}
