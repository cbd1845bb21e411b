/* kernels/blocked_winograd.c: convolutions 3x3 without stride on blocked arrays, by fast products of short polynomials
 * (Winograd 1980; Lavin, Gray 2016). A tile of m x m outputs takes (m+2)^2 multiplications per pair of channels in place of
 * 9 m^2: a quarter of them for F(4x4, 3x3), 1/2.25 for F(2x2, 3x3).
 *
 *   y = A' [ sum over channels of (G w G') * (B' x B) ] A        * element by element, at each of (m+2)^2 points
 *
 * dx is y of the turned weights and 2 - pad; dw = G' [ sum over tiles of (A dy A') * (B' x B) ] G. Weights are transformed in double when they are packed; the transforms of x
 * and y are in isa/winograd.c. The points of F(4x4) lie closer to 1 than the usual 0, 1, -1, 2, -2, which halves the error:
 * about 1e-6 of an output for 256 channels, where F(2x2) and direct sums have 3e-7.
 *
 * A block of tiles goes through three phases: its input is spread over the points, at each point multiplied with a group of
 * 32 filters, and the products are collected. Either each thread takes blocks and goes through all groups of filters, or
 * all threads share a block and take groups. Tiles are summed one by one: their company does not change their bits.
 * Not here: maps so small that the transformed weights, four times as large, take longer to come
 * from memory than a direct convolution takes to compute. */
#include <omp.h>

#include "kernels/blocked_private.h"

enum { TAPS = 3, OUT = 4, SIDE = OUT + 2, WIDTH = XK_TILE_FILTERS };

/* ---- what is to be done: either direction, as a convolution forward ------------------------------------------------- */
typedef struct job {
  int64_t n, c, h, w, m, oh, ow, top, left;
  int64_t out, points;                 /* tiles of out x out outputs, (out + 2)^2 points */
  int64_t across, per_image, tiles;    /* tiles in a row, in an image, in all of them */
  int64_t k, filters, groups;          /* channels and filters with those that fill up the lanes; groups of WIDTH filters */
  int64_t block;                       /* tiles that are worked on at a time, */
  bool shared;                         /* by all threads together or by one */
  int64_t spread_point, product_point; /* floats from one point to the next */
} job;

/* Floats from one point to the next: not a multiple of 4096 bytes, since all points of a tile are touched in turn. */
static int64_t point_of(int64_t floats) { return floats + XK_LANES; }

/* Tiles of an image. */
static int64_t tiles_of(const job *j, int64_t out) { return xk__ceil_div(j->oh, out) * xk__ceil_div(j->ow, out); }

/* What is to be paid per channel and filter, in multiplications: those of each tile and a fifth more for the transforms, and
 * reading the weights, which at batch 1 come from memory while other layers' fill the cache. Milliseconds measured that
 * way on two threads, 116 GFLOP/s each:
 *   28x28 128->128: F(4x4) 0.53, F(2x2) 0.66, direct 1.15      13x13 384->256: 1.01, 1.16, 1.80
 *   14x14 256->256:        0.63,        0.70,        1.10        7x7 512->512: 1.26, 0.89, 1.23
 *   14x14 512->512:        2.52,        2.64,        4.85        7x7 192->384: 0.32, 0.35, 0.39
 * and with weights in the cache, one thread, GFLOP/s of the direct count:
 *   56x56   64->64: F(4x4)  385, F(2x2)  225, direct  115      14x14 256->256:  270,  231,  112 */
enum { READ = 8 /* multiplications in the time of reading one weight */ };
static double direct_cost(const job *j) { return TAPS * TAPS * (double)(j->oh * j->ow + READ); }
static double cost(const job *j, int64_t out) {
  int64_t side = out + TAPS - 1;
  return (double)(side * side) * (1.2 * (double)tiles_of(j, out) + READ);
}

/* Blocks small enough for the transformed input and the products of a group to stay in the second cache, in a number
 * that keeps two or four threads busy. The few tiles of a late layer would all have to be one block, and weights that do
 * not fit the third cache should not be read again for every block: then threads share a block. Measured, the speed
 * hardly depends on all this. */
static void share_out(job *j) {
  const int64_t near = 160 * 1024, shared = 2 << 20; /* floats of a block */
  int64_t weights = j->points * j->k * j->filters, small = j->tiles < 4 * XK_TILE;
  int64_t most = xk__max(XK_TILE, near / (j->points * (j->k + WIDTH)));
  j->shared = j->groups > 1 && weights > (small ? 1 << 18 : 1 << 22);
  if (j->shared) most = xk__max(4 * XK_TILE, shared / (j->points * j->k));
  int64_t blocks = xk__ceil_div(j->tiles, most);
  if (!j->shared) blocks = blocks >= 4 ? xk__round_up(blocks, 4) : xk__min(4, xk__max(blocks, j->tiles / (XK_TILE / 2)));
  j->block = xk__max(1, xk__ceil_div(j->tiles, xk__max(1, blocks)));
}

static job job_of(const xk_conv2d *p, bool backward) {
  job j = {.n = p->n, .c = p->c, .h = p->h, .w = p->w, .m = p->m, .oh = p->oh, .ow = p->ow, .top = p->pad_top,
           .left = p->pad_left};
  if (backward)
    j = (job){.n = p->n, .c = p->m, .h = p->oh, .w = p->ow, .m = p->c, .oh = p->h, .ow = p->w,
              .top = TAPS - 1 - p->pad_top, .left = TAPS - 1 - p->pad_left};
  j.out = cost(&j, OUT) <= cost(&j, OUT / 2) ? OUT : OUT / 2;
  j.points = (j.out + TAPS - 1) * (j.out + TAPS - 1);
  j.across = xk__ceil_div(j.ow, j.out);
  j.per_image = tiles_of(&j, j.out);
  j.tiles = j.n * j.per_image;
  j.k = xk_blocks(j.c) * XK_LANES;
  j.filters = xk_blocks(j.m) * XK_LANES;
  j.groups = xk__ceil_div(j.filters, WIDTH);
  share_out(&j);
  j.spread_point = point_of(j.block * j.k);
  j.product_point = point_of(j.block * WIDTH);
  return j;
}

/* Floats that all threads share, and that each has. */
static int64_t shared_floats(const job *j) { return j->shared ? j->points * j->spread_point : 0; }
static int64_t thread_floats(const job *j) {
  return j->points * (j->product_point + (j->shared ? 0 : j->spread_point));
}

/* ---- weights: groups x points x k x WIDTH (or 16, the last group) ----------------------------------------------------- */
/* The squares of the points of isa/winograd.c, and what Lagrange multiplies by at each pair of points. */
#define P (0.625 * 0.625)
#define Q (1.5 * 1.5)
#define AT_P (1 / (2 * P * (P - Q)))
#define AT_Q (1 / (2 * Q * (Q - P)))

/* 16 filters together: element i of a kernel is v[i * 16 ..]. G v */
static inline void weigh_line(int64_t out, const double *v, int64_t step, double *to, int64_t to_step) {
  const double *w = v + step * XK_LANES, *x = w + step * XK_LANES;
  double *to1 = to + to_step * XK_LANES, *to2 = to1 + to_step * XK_LANES, *to3 = to2 + to_step * XK_LANES;
  double *to4 = to3 + to_step * XK_LANES, *to5 = to4 + to_step * XK_LANES;
  if (out == OUT)
    for (int l = 0; l < XK_LANES; l++) {
      double even = (v[l] + P * x[l]) * AT_P, odd = 0.625 * w[l] * AT_P;
      double even2 = (v[l] + Q * x[l]) * AT_Q, odd2 = 1.5 * w[l] * AT_Q;
      to[l] = v[l] * (1 / (P * Q));
      to1[l] = even + odd;
      to2[l] = even - odd;
      to3[l] = even2 + odd2;
      to4[l] = even2 - odd2;
      to5[l] = x[l];
    }
  else
    for (int l = 0; l < XK_LANES; l++) {
      double even = (v[l] + x[l]) / 2, odd = w[l] / 2;
      to[l] = v[l];
      to1[l] = even + odd;
      to2[l] = even - odd;
      to3[l] = x[l];
    }
}

/* G' v */
static inline void unweigh_line(int64_t out, const double *v, int64_t step, double *to, int64_t to_step) {
  const double *v1 = v + step * XK_LANES, *v2 = v1 + step * XK_LANES, *v3 = v2 + step * XK_LANES;
  const double *v4 = v3 + step * XK_LANES, *v5 = v4 + step * XK_LANES;
  double *to1 = to + to_step * XK_LANES, *to2 = to1 + to_step * XK_LANES;
  if (out == OUT)
    for (int l = 0; l < XK_LANES; l++) {
      double sum = (v1[l] + v2[l]) * AT_P, odd = (v1[l] - v2[l]) * AT_P;
      double sum2 = (v3[l] + v4[l]) * AT_Q, odd2 = (v3[l] - v4[l]) * AT_Q;
      to[l] = v[l] * (1 / (P * Q)) + sum + sum2;
      to1[l] = 0.625 * odd + 1.5 * odd2;
      to2[l] = P * sum + Q * sum2 + v5[l];
    }
  else
    for (int l = 0; l < XK_LANES; l++) {
      double sum = (v1[l] + v2[l]) / 2, odd = (v1[l] - v2[l]) / 2;
      to[l] = v[l] + sum;
      to1[l] = odd;
      to2[l] = sum + v3[l];
    }
}

/* G w G', rounded */
XK_CLONES static void weigh(int64_t out, const double *w, float *to, int64_t apart) {
  int64_t side = out + TAPS - 1;
  double mid[SIDE * TAPS * XK_LANES], at[SIDE * SIDE * XK_LANES];
  for (int64_t i = 0; i < TAPS; i++) weigh_line(out, w + i * XK_LANES, TAPS, mid + i * XK_LANES, TAPS);
  for (int64_t i = 0; i < side; i++) weigh_line(out, mid + i * TAPS * XK_LANES, 1, at + i * side * XK_LANES, 1);
  for (int64_t i = 0; i < side * side; i++)
    for (int l = 0; l < XK_LANES; l++) to[i * apart + l] = (float)at[i * XK_LANES + l];
}

/* G' s G */
XK_CLONES static void unweigh(int64_t out, const float *sums, int64_t apart, double *to) {
  int64_t side = out + TAPS - 1;
  double at[SIDE * SIDE * XK_LANES], mid[TAPS * SIDE * XK_LANES];
  for (int64_t i = 0; i < side * side; i++)
    for (int l = 0; l < XK_LANES; l++) at[i * XK_LANES + l] = sums[i * apart + l];
  for (int64_t i = 0; i < side; i++) unweigh_line(out, at + i * XK_LANES, side, mid + i * XK_LANES, side);
  for (int64_t i = 0; i < TAPS; i++) unweigh_line(out, mid + i * side * XK_LANES, 1, to + i * TAPS * XK_LANES, 1);
}

/* Channel k of the convolution's input for 16 of its filters; zeros for those that do not exist. */
static void pack_channel(const job *j, bool turned, const float *w, const float *scale, int64_t first, int64_t k,
                         float *packed, int64_t apart) {
  double kernels[TAPS * TAPS * XK_LANES] = {0};
  for (int64_t f = first; f < xk__min(j->m, first + XK_LANES) && k < j->c; f++) {
    int64_t filter = turned ? k : f, channel = turned ? f : k, channels = turned ? j->m : j->c;
    const float *kernel = w + (filter * channels + channel) * TAPS * TAPS;
    double factor = scale != NULL ? scale[filter] : 1;
    for (int i = 0; i < TAPS * TAPS; i++)
      kernels[i * XK_LANES + f - first] = kernel[turned ? TAPS * TAPS - 1 - i : i] * factor;
  }
  weigh(j->out, kernels, packed, apart);
}

static int64_t width_of(const job *j, int64_t group) { return xk__min(WIDTH, j->filters - group * WIDTH); }

void xk__bwino_pack(const xk_conv2d *p, bool backward, const float *w, const float *scale, float *packed) {
  job j = job_of(p, backward);
#pragma omp parallel for schedule(static) num_threads(xk_threads())
  for (int64_t task = 0; task < j.groups * j.k; task++) {
    int64_t group = task / j.k, k = task % j.k, width = width_of(&j, group);
    float *to = packed + group * WIDTH * j.points * j.k + k * width;
    for (int64_t f = 0; f < width && !xai_stop_requested(); f += XK_LANES)
      pack_channel(&j, backward, w, scale, group * WIDTH + f, k, to + f, j.k * width);
  }
}

size_t xk__bwino_packed(const xk_conv2d *p, bool backward) {
  job j = job_of(p, backward);
  return (size_t)(j.points * j.k * j.filters);
}

/* ---- the three phases ---------------------------------------------------------------------------------------------------- */
/* The strip of tiles that begins with tile t, and where its first output is. */
static xk_strip strip_of(const job *j, int64_t t, int64_t most, int64_t *image, int64_t *row, int64_t *column) {
  int64_t in_image = t % j->per_image, at = in_image % j->across;
  *image = t / j->per_image;
  *row = in_image / j->across * j->out;
  *column = at * j->out;
  return (xk_strip){.out = j->out, .tiles = xk__min(xk__min(most, j->across - at), XK_STRIP)};
}

/* Block 'channels' of 16 channels of tiles [first, first + count): points x k / 16 x tiles x 16 */
static void spread(const job *j, const float *x, int64_t channels, int64_t first, int64_t count, float *to) {
  int64_t image, row, column, tiles;
  for (int64_t t = 0; t < count; t += tiles) {
    xk_strip s = strip_of(j, first + t, count - t, &image, &row, &column);
    const float *plane = x + (image * j->k + channels * XK_LANES) * j->h * j->w, *rows[SIDE];
    for (int64_t i = 0; i < j->out + TAPS - 1; i++) {
      int64_t y = row - j->top + i;
      rows[i] = y >= 0 && y < j->h ? plane + y * j->w * XK_LANES : NULL;
    }
    tiles = s.tiles;
    s.column = column - j->left;
    s.columns = j->w;
    s.apart = j->spread_point;
    s.step = XK_LANES;
    xk_isa_now()->winograd_spread(&s, rows, to + (channels * j->block + t) * XK_LANES);
  }
}

/* A group of filters: points x width / 16 x tiles x 16 */
static void multiply(const job *j, int64_t count, int64_t width, const float *spread_x, const float *weights,
                     float *products) {
  xk_tile tile = {.count = {1, 1, j->k / XK_LANES}, .a_next = {0, 0, j->block * XK_LANES},
                  .w_next = {0, 0, XK_LANES * width}, .lanes = XK_LANES, .width = width,
                  .a_step = XK_LANES, .a_half = XK_TILE_HALF * XK_LANES, .y_step = XK_LANES,
                  .y_half = XK_TILE_HALF * XK_LANES, .y_block = j->block * XK_LANES, .lo = -INFINITY, .hi = INFINITY};
  int64_t parts = xk__ceil_div(count, XK_TILE);
  for (int64_t point = 0; point < j->points; point++)
    for (int64_t part = 0; part < parts; part++) {
      int64_t from = part * count / parts, to = (part + 1) * count / parts;
      xk_isa_now()->tile(&tile, to - from, spread_x + point * j->spread_point + from * XK_LANES,
                         weights + point * j->k * width, NULL, NULL,
                         products + point * j->product_point + from * XK_LANES);
    }
}

static void collect(const job *j, int64_t group, int64_t first, int64_t count, const float *products,
                    const xk_finish *finish, float *y) {
  int64_t image, row, column, tiles;
  for (int64_t f = group * WIDTH; f < xk__min(j->filters, (group + 1) * WIDTH); f += XK_LANES, products += j->block * XK_LANES)
    for (int64_t t = 0; t < count; t += tiles) {
      xk_strip s = strip_of(j, first + t, count - t, &image, &row, &column);
      int64_t place = ((image * j->filters + f) * j->oh + row * XK_LANES) * j->ow;
      tiles = s.tiles;
      s.column = column;
      s.columns = j->ow;
      s.rows = xk__min(j->out, j->oh - row);
      s.apart = j->product_point;
      s.step = XK_LANES;
      s.lo = finish->lo;
      s.hi = finish->hi;
      s.gate = finish->gate != NULL ? finish->gate + place : NULL;
      s.rule = finish->rule;
      xk_isa_now()->winograd_collect(&s, products + t * XK_LANES, finish->bias != NULL ? finish->bias + f : NULL,
                                     finish->add != NULL ? finish->add + place : NULL, y + place);
    }
}

static void group_of_filters(const job *j, int64_t group, int64_t first, int64_t count, const float *packed,
                             const float *spread_x, const xk_finish *finish, float *products, float *y) {
  multiply(j, count, width_of(j, group), spread_x, packed + group * WIDTH * j->points * j->k, products);
  collect(j, group, first, count, products, finish, y);
}

/* ---- sharing out ---------------------------------------------------------------------------------------------------------- */
/* Threads take blocks of tiles. */
static void convolve_blocks(const job *j, const float *x, const float *packed, const xk_finish *finish, float *y,
                            float *work) {
#pragma omp parallel for schedule(dynamic) num_threads(xk_threads())
  for (int64_t first = 0; first < j->tiles; first += j->block) {
    int64_t count = xk__min(j->block, j->tiles - first);
    float *products = work + omp_get_thread_num() * thread_floats(j), *spread_x = products + j->points * j->product_point;
    for (int64_t channels = 0; channels < j->k / XK_LANES && !xai_stop_requested(); channels++)
      spread(j, x, channels, first, count, spread_x);
    for (int64_t group = 0; group < j->groups && !xai_stop_requested(); group++)
      group_of_filters(j, group, first, count, packed, spread_x, finish, products, y);
  }
}

/* Threads take groups of filters. */
static void convolve_groups(const job *j, const float *x, const float *packed, const xk_finish *finish, float *y,
                            float *work) {
#pragma omp parallel num_threads(xk_threads())
  for (int64_t first = 0; first < j->tiles; first += j->block) {
    int64_t count = xk__min(j->block, j->tiles - first);
    float *products = work + shared_floats(j) + omp_get_thread_num() * thread_floats(j);
#pragma omp for schedule(static)
    for (int64_t channels = 0; channels < j->k / XK_LANES; channels++)
      if (!xai_stop_requested()) spread(j, x, channels, first, count, work);
#pragma omp for schedule(dynamic)
    for (int64_t group = 0; group < j->groups; group++)
      if (!xai_stop_requested()) group_of_filters(j, group, first, count, packed, work, finish, products, y);
  }
}

static void convolve(const job *j, const float *x, const float *packed, const xk_finish *finish, float *y, void *work) {
  if (j->tiles == 0) return;
  if (j->shared) convolve_groups(j, x, packed, finish, y, work);
  else convolve_blocks(j, x, packed, finish, y, work);
}

void xk__bwino_forward(const xk_conv2d *p, const float *x, const float *packed, const xk_finish *finish, float *y,
                       void *work) {
  job j = job_of(p, false);
  convolve(&j, x, packed, finish, y, work);
}

void xk__bwino_backward_input(const xk_conv2d *p, const float *packed, const float *dy, const xk_finish *finish, float *dx,
                              void *work) {
  job j = job_of(p, true);
  convolve(&j, dy, packed, finish, dx, work);
}

/* ---- gradient to the weights ---------------------------------------------------------------------------------------------- */
/* All threads share a block of tiles; its products with each other are added to the sums of the blocks before, which are
 * laid out as packed weights are. */
static job weights_job_of(const xk_conv2d *p) {
  const int64_t floats = 1 << 20, least = 32, most = 256;
  job j = job_of(p, false);
  j.block = xk__min(j.tiles, xk__max(least, xk__min(most, floats / (j.points * (j.k + j.filters)))));
  j.spread_point = point_of(j.block * j.k);
  j.product_point = point_of(j.block * j.filters);
  return j;
}

/* Filters f .. f+15 of the gradient's tiles: points x groups x tiles x WIDTH (or 16) */
static void spread_gradient(const job *j, const float *dy, int64_t f, int64_t first, int64_t count, float *to) {
  int64_t image, row, column, tiles, group = f / WIDTH, width = width_of(j, group);
  for (int64_t t = 0; t < count; t += tiles) {
    xk_strip s = strip_of(j, first + t, count - t, &image, &row, &column);
    const float *plane = dy + (image * j->filters + f) * j->oh * j->ow, *rows[OUT];
    for (int64_t i = 0; i < j->out; i++) rows[i] = row + i < j->oh ? plane + (row + i) * j->ow * XK_LANES : NULL;
    tiles = s.tiles;
    s.column = column;
    s.columns = j->ow;
    s.apart = j->product_point;
    s.step = width;
    xk_isa_now()->winograd_spread_gradient(&s, rows, to + group * WIDTH * j->block + t * width + f % WIDTH);
  }
}

/* The register tile with channels as positions and tiles as what is summed over. */
static void add_products(const job *j, int64_t point, int64_t group, int64_t count, bool first, const float *spread_x,
                         const float *spread_dy, float *sums) {
  enum { HALF = XK_LANES / 2 };
  int64_t width = width_of(j, group);
  xk_tile tile = {.count = {1, 1, count}, .a_next = {0, 0, XK_LANES}, .w_next = {0, 0, width}, .lanes = 1, .width = width,
                  .a_step = 1, .a_half = XK_TILE_HALF, .y_step = width, .y_half = XK_TILE_HALF * width,
                  .y_block = XK_LANES, .lo = -INFINITY, .hi = INFINITY};
  for (int64_t k = 0; k < j->k; k += HALF) {
    float *sum = sums + group * WIDTH * j->points * j->k + (point * j->k + k) * width;
    xk_isa_now()->tile(&tile, HALF, spread_x + point * j->spread_point + k / XK_LANES * j->block * XK_LANES + k % XK_LANES,
                       spread_dy + point * j->product_point + group * WIDTH * j->block, NULL, first ? NULL : sum, sum);
  }
}

/* Channel k of 16 filters */
static void unpack_channel(const job *j, const float *sums, int64_t apart, int64_t first, int64_t k, float *dw) {
  double kernels[TAPS * TAPS * XK_LANES];
  unweigh(j->out, sums, apart, kernels);
  for (int64_t f = first; f < xk__min(j->m, first + XK_LANES); f++)
    for (int64_t i = 0; i < TAPS * TAPS; i++)
      dw[(f * j->c + k) * TAPS * TAPS + i] = (float)kernels[i * XK_LANES + f - first];
}

void xk__bwino_backward_weight(const xk_conv2d *p, const float *x, const float *dy, float *dw, void *work) {
  job j = weights_job_of(p);
  float *sums = work, *spread_x = sums + j.points * j.k * j.filters, *spread_dy = spread_x + j.points * j.spread_point;
  int64_t channels = j.k / XK_LANES, filters = j.filters / XK_LANES;
#pragma omp parallel num_threads(xk_threads())
  {
    for (int64_t first = 0; first < j.tiles; first += j.block) {
      int64_t count = xk__min(j.block, j.tiles - first);
#pragma omp for schedule(dynamic)
      for (int64_t i = 0; i < channels + filters; i++) {
        if (xai_stop_requested()) continue;
        if (i < channels) spread(&j, x, i, first, count, spread_x);
        else spread_gradient(&j, dy, (i - channels) * XK_LANES, first, count, spread_dy);
      }
#pragma omp for schedule(dynamic)
      for (int64_t i = 0; i < j.points * j.groups; i++)
        if (!xai_stop_requested())
          add_products(&j, i % j.points, i / j.points, count, first == 0, spread_x, spread_dy, sums);
    }
#pragma omp for schedule(static)
    for (int64_t i = 0; i < filters * j.c; i++) {
      int64_t f = i / j.c * XK_LANES, k = i % j.c, group = f / WIDTH, width = width_of(&j, group);
      if (!xai_stop_requested())
        unpack_channel(&j, sums + group * WIDTH * j.points * j.k + k * width + f % WIDTH, j.k * width, f, k, dw);
    }
  }
}

size_t xk__bwino_weight_workspace(const xk_conv2d *p) {
  job j = weights_job_of(p);
  return (size_t)(j.points * (j.k * j.filters + j.spread_point + j.product_point)) * sizeof(float);
}

static bool has_shape(const xk_conv2d *p) {
  bool shape = p->kh == 3 && p->kw == 3 && p->sh == 1 && p->sw == 1 && p->dh == 1 && p->dw == 1 && p->groups == 1;
  return shape && p->pad_top >= 0 && p->pad_top <= 2 && p->pad_left >= 0 && p->pad_left <= 2;
}

bool xk__bwino_weight_fits(const xk_conv2d *p) { return has_shape(p) && p->oh >= OUT && p->ow >= OUT; }

/* ---- when ------------------------------------------------------------------------------------------------------------------- */
bool xk__bwino_fits(const xk_conv2d *p, bool backward) {
  if (!has_shape(p)) return false;
  job j = job_of(p, backward);
  return cost(&j, j.out) < direct_cost(&j);
}

int xk__bwino_form(const xk_conv2d *p, bool backward) { return (int)(job_of(p, backward).out / OUT) + 2 * backward; }

size_t xk__bwino_workspace(const xk_conv2d *p, bool backward) {
  job j = job_of(p, backward);
  return (size_t)(shared_floats(&j) + thread_floats(&j) * xk_threads()) * sizeof(float);
}
