/* kernels/winograd.c: convolutions 3x3 without stride by fast products of short polynomials (Winograd 1980; Lavin, Gray
 * 2016), F(4x4, 3x3): a tile of 4x4 outputs takes 36 multiplications per pair of channels in place of 144.
 *
 *   y = A' [ (G w G') * (B' x B) ] A,      dw = G' [ (A dy A') * (B' x B) ] G,       * element by element,
 *
 * and dx is y of the weights turned around. At each of the 36 points, products summed over channels (for dw: tiles) are
 * a matrix product. Constants up to 8 cost about one decimal digit: for training, where gradients are noisy anyway, and
 * never for what is explained. The batch is worked on in slices, cut by the sizes alone; each point is one task. */
#include <string.h>

#include "kernels/private.h"

enum { IN = 6, OUT = 4, TAPS = 3, POINTS = IN * IN, BLOCK = 64 /* tiles */, PLANE = 4096, SLICE = 1 << 20 /* floats */ };

/* ---- transforms of one block of tiles, first along columns, then along rows -------------------------------------- */
/* Rows of BLOCK numbers or less, one per element of a tile, 'step' apart; n tiles. */
#define EACH_TILE(...) for (int64_t t = 0; t < n; t++) { __VA_ARGS__ }
#define V(k) from[(k) * step + t]
#define TO(k) to[(k) * to_step + t]

/* B' v, six to six */
static inline void pass_b(int64_t n, const float *restrict from, int64_t step, float *restrict to, int64_t to_step) {
  EACH_TILE(float even = V(4) - V(2), odd = 2 * (V(3) - V(1)), even2 = V(4) - 4 * V(2), odd2 = V(3) - 4 * V(1);
            TO(0) = 4 * V(0) - 5 * V(2) + V(4); TO(1) = even2 + odd2; TO(2) = even2 - odd2; TO(3) = even + odd;
            TO(4) = even - odd; TO(5) = 4 * V(1) - 5 * V(3) + V(5);)
}

/* A' v, six to four */
static inline void pass_a(int64_t n, const float *restrict from, int64_t step, float *restrict to, int64_t to_step) {
  EACH_TILE(float sum = V(1) + V(2), odd = V(1) - V(2), sum2 = V(3) + V(4), odd2 = V(3) - V(4);
            TO(0) = V(0) + sum + sum2; TO(1) = odd + 2 * odd2; TO(2) = sum + 4 * sum2; TO(3) = odd + 8 * odd2 + V(5);)
}

/* A v, four to six */
static inline void pass_a_back(int64_t n, const float *restrict from, int64_t step, float *restrict to,
                               int64_t to_step) {
  EACH_TILE(float even = V(0) + V(2), odd = V(1) + V(3), even2 = V(0) + 4 * V(2), odd2 = 2 * V(1) + 8 * V(3);
            TO(0) = V(0); TO(1) = even + odd; TO(2) = even - odd; TO(3) = even2 + odd2; TO(4) = even2 - odd2;
            TO(5) = V(3);)
}

/* G v, three to six */
static inline void pass_g(int64_t n, const float *restrict from, int64_t step, float *restrict to, int64_t to_step) {
  EACH_TILE(float even = (V(0) + V(2)) / 6, odd = V(1) / 6, even2 = (V(0) + 4 * V(2)) / 24, odd2 = V(1) / 12;
            TO(0) = V(0) / 4; TO(1) = -(even + odd); TO(2) = odd - even; TO(3) = even2 + odd2; TO(4) = even2 - odd2;
            TO(5) = V(2);)
}

/* G' v, six to three */
static inline void pass_g_back(int64_t n, const float *restrict from, int64_t step, float *restrict to,
                               int64_t to_step) {
  EACH_TILE(float sum = V(1) + V(2), odd = V(1) - V(2), sum2 = V(3) + V(4), odd2 = V(3) - V(4);
            TO(0) = V(0) / 4 - sum / 6 + sum2 / 24; TO(1) = odd2 / 12 - odd / 6; TO(2) = (sum2 - sum) / 6 + V(5);)
}

/* size x size rows of BLOCK to 6x6 rows 'apart', and back. */
XK_CLONES static void transform_input(int64_t n, const float *v, float *to, int64_t apart) {
  float half[POINTS * BLOCK];
  for (int j = 0; j < IN; j++) pass_b(n, v + j * BLOCK, IN * BLOCK, half + j * BLOCK, IN * BLOCK);
  for (int i = 0; i < IN; i++) pass_b(n, half + i * IN * BLOCK, BLOCK, to + i * IN * apart, apart);
}

XK_CLONES static void transform_gradient(int64_t n, const float *v, float *to, int64_t apart) {
  float half[IN * OUT * BLOCK];
  for (int j = 0; j < OUT; j++) pass_a_back(n, v + j * BLOCK, OUT * BLOCK, half + j * BLOCK, OUT * BLOCK);
  for (int i = 0; i < IN; i++) pass_a_back(n, half + i * OUT * BLOCK, BLOCK, to + i * IN * apart, apart);
}

XK_CLONES static void transform_output(int64_t n, const float *from, int64_t apart, float *v) {
  float half[OUT * IN * BLOCK];
  for (int j = 0; j < IN; j++) pass_a(n, from + j * apart, IN * apart, half + j * BLOCK, IN * BLOCK);
  for (int i = 0; i < OUT; i++) pass_a(n, half + i * IN * BLOCK, BLOCK, v + i * OUT * BLOCK, BLOCK);
}

XK_CLONES static void transform_kernel(int64_t n, const float *v, float *to, int64_t apart) {
  float half[IN * TAPS * BLOCK];
  for (int j = 0; j < TAPS; j++) pass_g(n, v + j * BLOCK, TAPS * BLOCK, half + j * BLOCK, TAPS * BLOCK);
  for (int i = 0; i < IN; i++) pass_g(n, half + i * TAPS * BLOCK, BLOCK, to + i * IN * apart, apart);
}

XK_CLONES static void transform_kernel_back(int64_t n, const float *from, int64_t apart, float *v) {
  float half[TAPS * IN * BLOCK];
  for (int j = 0; j < IN; j++) pass_g_back(n, from + j * apart, IN * apart, half + j * BLOCK, IN * BLOCK);
  for (int i = 0; i < TAPS; i++) pass_g_back(n, half + i * IN * BLOCK, BLOCK, v + i * TAPS * BLOCK, BLOCK);
}

/* ---- tiles of pictures ------------------------------------------------------------------------------------ */
/* Tiles of 'size' x 'size' elements, four apart, the first of which begins 'pad' outside of each plane h x w. */
typedef struct grid {
  int64_t h, w, channels, pad_top, pad_left, across, per_image;
  int size;
} grid;

/* Where a tile begins. */
typedef struct corner {
  int64_t image, y, x;
} corner;

/* Of tile t, counted over images. */
static corner corner_of(const grid *g, int64_t t) {
  int64_t at = t % g->per_image;
  return (corner){t / g->per_image, at / g->across * OUT - g->pad_top, at % g->across * OUT - g->pad_left};
}

static inline void next_corner(const grid *g, corner *c) {
  c->x += OUT;
  if (c->x + g->pad_left < g->across * OUT) return;
  c->x = -g->pad_left;
  c->y += OUT;
  if (c->y + g->pad_top < g->per_image / g->across * OUT) return;
  c->y = -g->pad_top;
  c->image++;
}

/* A plane with zeros around it, as far as its tiles reach. */
static void pad_plane(const grid *g, int64_t rows, int64_t columns, const float *plane, float *padded) {
  memset(padded, 0, (size_t)(rows * columns) * sizeof(float));
  for (int64_t i = 0; i < xk__min(g->h, rows - g->pad_top); i++)
    memcpy(padded + (i + g->pad_top) * columns + g->pad_left, plane + i * g->w,
           (size_t)xk__min(g->w, columns - g->pad_left) * sizeof(float));
}

static inline void cut_whole(int size, const float *tile, int64_t w, float *v) {
  for (int i = 0; i < size; i++)
    for (int j = 0; j < size; j++) v[(i * size + j) * BLOCK] = tile[i * w + j];
}

static void cut_at_border(const grid *g, int size, corner c, const float *tile, float *v) {
  for (int64_t i = 0; i < size; i++)
    for (int64_t j = 0; j < size; j++) {
      bool there = c.y + i >= 0 && c.y + i < g->h && c.x + j >= 0 && c.x + j < g->w;
      v[(i * size + j) * BLOCK] = there ? tile[i * g->w + j] : 0;
    }
}

/* Elements of n tiles from 'first' on of one channel; outside of the plane there are zeros. Most tiles of a small plane
 * are at its border: it is copied to where zeros stand around it. */
static inline void cut_tiles(const grid *g, int size, const float *x, int64_t channel, int64_t first, int64_t n,
                             float *v) {
  float padded[PLANE];
  int64_t rows = g->per_image / g->across * OUT + size - OUT, columns = g->across * OUT + size - OUT, held = -1;
  bool small = rows * columns <= PLANE;
  corner c = corner_of(g, first);
  for (int64_t t = 0; t < n; t++, next_corner(g, &c)) {
    const float *plane = x + (c.image * g->channels + channel) * g->h * g->w, *tile = plane + c.y * g->w + c.x;
    if (small && held != c.image) pad_plane(g, rows, columns, plane, padded);
    held = c.image;
    if (small) cut_whole(size, padded + (c.y + g->pad_top) * columns + c.x + g->pad_left, columns, v + t);
    else if (c.y >= 0 && c.x >= 0 && c.y + size <= g->h && c.x + size <= g->w) cut_whole(size, tile, g->w, v + t);
    else cut_at_border(g, size, c, tile, v + t);
  }
}

static void paste_tiles(const grid *g, const float *v, int64_t channel, int64_t first, int64_t n, float bias, float *y) {
  corner c = corner_of(g, first);
  for (int64_t t = 0; t < n; t++, next_corner(g, &c)) {
    float *tile = y + (c.image * g->channels + channel) * g->h * g->w + c.y * g->w + c.x;
    int64_t rows = xk__min(OUT, g->h - c.y), columns = xk__min(OUT, g->w - c.x);
    for (int64_t i = 0; i < rows; i++)
      for (int64_t j = 0; j < columns; j++) tile[i * g->w + j] = v[(i * OUT + j) * BLOCK + t] + bias;
  }
}

/* Floats from one point's matrix of rows x columns to the next one's: a little more than the matrix, because multiples of
 * 4096 bytes would all fall on the same places of the cache. */
static int64_t point_of(int64_t rows, int64_t columns) { return xk__round_up(rows * columns, 16) + 16; }

/* ---- arrays of points: POINTS x rows x tiles ------------------------------------------------------------------ */
/* Tiles [first, first + n) of all channels. */
static void spread(const grid *g, const float *x, int64_t first, int64_t n, float *out) {
  int64_t blocks = xk__ceil_div(n, BLOCK);
#pragma omp parallel for schedule(static) num_threads(xk_threads())
  for (int64_t task = 0; task < g->channels * blocks; task++) {
    float v[POINTS * BLOCK];
    int64_t channel = task / blocks, at = task % blocks * BLOCK, count = xk__min(BLOCK, n - at);
    if (xai_stop_requested()) continue;
    float *to = out + channel * n + at;
    if (g->size == IN) {
      cut_tiles(g, IN, x, channel, first + at, count, v);
      transform_input(count, v, to, point_of(g->channels, n));
    } else {
      cut_tiles(g, OUT, x, channel, first + at, count, v);
      transform_gradient(count, v, to, point_of(g->channels, n));
    }
  }
}

static void collect(const grid *g, const float *in, int64_t first, int64_t n, const float *bias, float *y) {
  int64_t blocks = xk__ceil_div(n, BLOCK);
#pragma omp parallel for schedule(static) num_threads(xk_threads())
  for (int64_t task = 0; task < g->channels * blocks; task++) {
    float v[OUT * OUT * BLOCK];
    int64_t channel = task / blocks, at = task % blocks * BLOCK, count = xk__min(BLOCK, n - at);
    if (xai_stop_requested()) continue;
    transform_output(count, in + channel * n + at, point_of(g->channels, n), v);
    paste_tiles(g, v, channel, first + at, count, bias != NULL ? bias[channel] : 0, y);
  }
}

/* ---- weights ------------------------------------------------------------------------------------------------------- */
/* w: m x c x 3 x 3 to POINTS x m x c; turned: to POINTS x c x m, and each kernel upside down */
static void spread_weights(int64_t m, int64_t c, const float *w, bool turned, float *out) {
  int64_t rows = turned ? c : m, columns = turned ? m : c, blocks = xk__ceil_div(columns, BLOCK);
#pragma omp parallel for schedule(static) num_threads(xk_threads())
  for (int64_t task = 0; task < rows * blocks; task++) {
    float v[TAPS * TAPS * BLOCK];
    int64_t row = task / blocks, at = task % blocks * BLOCK, count = xk__min(BLOCK, columns - at);
    for (int64_t t = 0; t < count; t++) {
      const float *kernel = w + (turned ? (at + t) * c + row : row * c + at + t) * TAPS * TAPS;
      for (int k = 0; k < TAPS * TAPS; k++) v[k * BLOCK + t] = kernel[turned ? TAPS * TAPS - 1 - k : k];
    }
    transform_kernel(count, v, out + row * columns + at, point_of(m, c));
  }
}

static void collect_weights(int64_t count, const float *in, int64_t apart, float *dw) {
#pragma omp parallel for schedule(static) num_threads(xk_threads())
  for (int64_t at = 0; at < count; at += BLOCK) {
    float v[TAPS * TAPS * BLOCK];
    int64_t n = xk__min(BLOCK, count - at);
    transform_kernel_back(n, in + at, apart, v);
    for (int64_t t = 0; t < n; t++)
      for (int k = 0; k < TAPS * TAPS; k++) dw[(at + t) * TAPS * TAPS + k] = v[k * BLOCK + t];
  }
}

/* ---- convolutions ------------------------------------------------------------------------------------------------------ */
bool xk__winograd_fits(const xk_conv2d *p) {
  bool shape = p->kh == 3 && p->kw == 3 && p->sh == 1 && p->sw == 1 && p->dh == 1 && p->dw == 1 && p->groups == 1;
  bool pads = p->pad_top >= 0 && p->pad_top <= 2 && p->pad_left >= 0 && p->pad_left <= 2;
  return shape && pads && p->c >= 8 && p->m >= 8 && p->n > 0 && p->oh >= OUT && p->ow >= OUT;
}

static grid grid_of(int64_t h, int64_t w, int64_t channels, int size, int64_t pad_top, int64_t pad_left, int64_t out_h,
                    int64_t out_w) {
  grid g = {.h = h, .w = w, .channels = channels, .pad_top = pad_top, .pad_left = pad_left, .size = size};
  g.across = xk__ceil_div(out_w, OUT);
  g.per_image = g.across * xk__ceil_div(out_h, OUT);
  return g;
}

/* Tiles of a slice: whole images, all slices about alike. */
static int64_t slice_of(const xk_conv2d *p, int64_t per_image) {
  int64_t images = xk__max(1, SLICE / (POINTS * (p->c + p->m) * per_image));
  return xk__ceil_div(p->n, xk__ceil_div(p->n, xk__min(p->n, images))) * per_image;
}

size_t xk__winograd_workspace(const xk_conv2d *p) {
  int64_t forward = xk__ceil_div(p->oh, OUT) * xk__ceil_div(p->ow, OUT);
  int64_t backward = xk__ceil_div(p->h, OUT) * xk__ceil_div(p->w, OUT), most = xk__max(forward, backward);
  int64_t tiles = xk__max(slice_of(p, forward), slice_of(p, backward));
  tiles = xk__max(tiles, most);
  return (size_t)(POINTS * (point_of(p->m, p->c) + point_of(p->m, tiles) + point_of(p->c, tiles))) * sizeof(float);
}

/* to (rows) = sum over 'from' (k channels) of weights (POINTS x rows x k), for n images */
static void convolve(const grid *from, const grid *to, int64_t n, int64_t slice, const float *weights, const float *x,
                     const float *bias, float *y, float *work) {
  int64_t k = from->channels, rows = to->channels, tiles = n * from->per_image;
  float *spread_x = work, *products = work + POINTS * point_of(k, slice);
  for (int64_t first = 0; first < tiles; first += slice) {
    int64_t count = xk__min(slice, tiles - first);
    spread(from, x, first, count, spread_x);
#pragma omp parallel for schedule(dynamic) num_threads(xk_threads())
    for (int p = 0; p < POINTS; p++)
      if (!xai_stop_requested())
        xk_gemm(false, false, rows, count, k, 1, weights + p * point_of(rows, k), k,
                spread_x + p * point_of(k, count), count, 0, products + p * point_of(rows, count), count);
    collect(to, products, first, count, bias, y);
  }
}

void xk__winograd_forward(const xk_conv2d *p, const float *x, const float *w, const float *b, float *y, void *work) {
  grid from = grid_of(p->h, p->w, p->c, IN, p->pad_top, p->pad_left, p->oh, p->ow);
  grid to = grid_of(p->oh, p->ow, p->m, OUT, 0, 0, p->oh, p->ow);
  float *weights = work;
  spread_weights(p->m, p->c, w, false, weights);
  convolve(&from, &to, p->n, slice_of(p, from.per_image), weights, x, b, y, weights + POINTS * point_of(p->m, p->c));
}

void xk__winograd_backward_input(const xk_conv2d *p, const float *w, const float *dy, float *dx, void *work) {
  grid from = grid_of(p->oh, p->ow, p->m, IN, 2 - p->pad_top, 2 - p->pad_left, p->h, p->w);
  grid to = grid_of(p->h, p->w, p->c, OUT, 0, 0, p->h, p->w);
  float *weights = work;
  spread_weights(p->m, p->c, w, true, weights);
  convolve(&from, &to, p->n, slice_of(p, from.per_image), weights, dy, NULL, dx, weights + POINTS * point_of(p->m, p->c));
}

void xk__winograd_backward_weight(const xk_conv2d *p, const float *x, const float *dy, float *dw, void *work) {
  grid from = grid_of(p->h, p->w, p->c, IN, p->pad_top, p->pad_left, p->oh, p->ow);
  grid seen = grid_of(p->oh, p->ow, p->m, OUT, 0, 0, p->oh, p->ow);
  int64_t slice = slice_of(p, from.per_image), tiles = p->n * from.per_image;
  float *sums = work, *spread_x = sums + POINTS * point_of(p->m, p->c),
        *spread_dy = spread_x + POINTS * point_of(p->c, slice);
  for (int64_t first = 0; first < tiles; first += slice) {
    int64_t count = xk__min(slice, tiles - first);
    spread(&from, x, first, count, spread_x);
    spread(&seen, dy, first, count, spread_dy);
#pragma omp parallel for schedule(dynamic) num_threads(xk_threads())
    for (int q = 0; q < POINTS; q++)
      if (!xai_stop_requested())
        xk_gemm(false, true, p->m, p->c, count, 1, spread_dy + q * point_of(p->m, count), count,
                spread_x + q * point_of(p->c, count), count, first == 0 ? 0 : 1, sums + q * point_of(p->m, p->c), p->c);
  }
  collect_weights(p->m * p->c, sums, point_of(p->m, p->c), dw);
}
