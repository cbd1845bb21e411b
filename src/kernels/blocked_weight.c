/* kernels/blocked_weight.c: gradients of blocked convolutions to their weights, as they are defined: for each filter,
 * channel and tap, the sum of dy x over the batch and all positions that see the input through the tap.
 *
 * It is the register tile with its parts changed: sixteen filters of dy are the row of weights, what is summed over are
 * positions, and "positions" are channels of x, or, where x is plain, taps that lie side by side. A plain plane is read
 * from a copy with its padding. The batch is cut into slices with sums of their own, which are added in order; a task is
 * a slice of a block of filters and a block of channels (or a plain plane), whose arrays stay in the caches from tap to
 * tap. Not here: 3x3 without stride (blocked_winograd.c); groups of one channel, which are lanes
 * (blocked_depthwise.c). */
#include <omp.h>
#include <string.h>

#include "kernels/blocked_private.h"

enum {
  SLICES = 8,
  SLICED = 1 << 18, /* floats of dw; a larger one has tasks enough */
  HALF = XK_LANES / 2
};

typedef struct job {
  const xk_conv2d *p;
  bool plain;
  int64_t taps, lanes;       /* lanes: channels that a task sums for: 16 or, of plain planes, 1 */
  int64_t filters, channels; /* blocks of filters, of all groups; tasks per block of filters */
  int64_t part, whole;       /* floats of sums of a task, of a slice */
  int64_t slice, slices;     /* images of a slice */
  int64_t rows, row, copy;   /* of the copy of a plane */
} job;

static job job_of(const xk_conv2d *p) {
  job j = {.p = p, .plain = xk_bconv_plain_input(p), .taps = p->kh * p->kw, .filters = xk_blocks(p->m)};
  j.lanes = j.plain ? 1 : XK_LANES;
  j.channels = j.plain ? p->c : xk_blocks(p->c / p->groups);
  j.part = j.taps * j.lanes * XK_LANES;
  j.whole = j.filters * j.channels * j.part;
  j.slice = j.whole > SLICED ? p->n : xk__ceil_div(p->n, SLICES);
  j.slices = xk__ceil_div(p->n, j.slice);
  j.rows = (p->oh - 1) * p->sh + (p->kh - 1) * p->dh + 1;
  j.row = (p->ow - 1) * p->sw + (p->kw - 1) * p->dw + 1;
  j.copy = j.plain ? xk__round_up(j.rows * j.row, XK_LANES) : 0;
  return j;
}

/* Sums of 'count' numbers of x that lie 'a_step' apart with all filters, over rows x columns positions. */
static xk_tile tile_of(int64_t a_step, int64_t rows, int64_t x_row, int64_t columns, int64_t x_column, int64_t y_row) {
  return (xk_tile){.count = {1, rows, columns}, .a_next = {0, x_row, x_column}, .w_next = {0, y_row, XK_LANES}, .lanes = 1,
                   .width = XK_LANES, .a_step = a_step, .a_half = XK_TILE_HALF * a_step, .y_step = XK_LANES,
                   .y_half = XK_TILE_HALF * XK_LANES, .lo = -INFINITY, .hi = INFINITY};
}

/* ---- blocked x ------------------------------------------------------------------------------------------------------ */
/* One image; sums: taps x 16 channels x 16 filters */
static void add_block(const xk_conv2d *p, const float *x, const float *dy, float *sums) {
  for (int64_t tap = 0; tap < p->kh * p->kw; tap++) {
    xk__sight v = xk__sight_of(p->h, p->oh, p->sh, p->pad_top, tap / p->kw * p->dh);
    xk__sight u = xk__sight_of(p->w, p->ow, p->sw, p->pad_left, tap % p->kw * p->dw);
    if (v.count == 0 || u.count == 0) continue;
    xk_tile t = tile_of(1, v.count, p->sh * p->w * XK_LANES, u.count, p->sw * XK_LANES, p->ow * XK_LANES);
    const float *from = x + (v.in * p->w + u.in) * XK_LANES, *seen = dy + (v.out * p->ow + u.out) * XK_LANES;
    for (int64_t channel = 0; channel < XK_LANES; channel += HALF) {
      float *sum = sums + (tap * XK_LANES + channel) * XK_LANES;
      xk_isa_now()->tile(&t, HALF, from + channel, seen, NULL, sum, sum);
    }
  }
}

/* ---- plain x -------------------------------------------------------------------------------------------------------- */
/* What the windows see of a plane, zeros where they see padding. */
static void copy_plane(const job *j, const float *x, float *copy) {
  const xk_conv2d *p = j->p;
  int64_t left = xk__min(p->pad_left, j->row), count = xk__max(0, xk__min(p->w, j->row - left));
  for (int64_t y = 0; y < j->rows; y++, copy += j->row) {
    int64_t from = y - p->pad_top;
    memset(copy, 0, (size_t)j->row * sizeof *copy);
    if (from >= 0 && from < p->h) memcpy(copy + left, x + from * p->w, (size_t)count * sizeof *copy);
  }
}

/* One image; sums: taps x 16 filters. Two rows of seven taps are one tile. */
static void add_plane(const job *j, const float *copy, const float *dy, float *sums) {
  const xk_conv2d *p = j->p;
  xk_tile t = tile_of(p->dw, p->oh, p->sh * j->row, p->ow, p->sw, p->ow * XK_LANES);
  bool pairs = p->kw == XK_TILE_HALF;
  int64_t parts = xk__ceil_div(p->kw, XK_TILE);
  if (pairs) t.a_half = p->dh * j->row;
  for (int64_t ky = 0, rows; ky < p->kh; ky += rows) {
    rows = pairs ? xk__min(2, p->kh - ky) : 1;
    for (int64_t i = 0; i < parts; i++) {
      int64_t first = i * p->kw / parts, count = (i + 1) * p->kw / parts - first;
      float *sum = sums + (ky * p->kw + first) * XK_LANES;
      xk_isa_now()->tile(&t, rows * count, copy + ky * p->dh * j->row + first * p->dw, dy, NULL, sum, sum);
    }
  }
}

/* ---- both ----------------------------------------------------------------------------------------------------------- */
static void sum_task(const job *j, int64_t slice, int64_t filter, int64_t channel, const float *x, const float *dy,
                     float *sums, float *copy) {
  const xk_conv2d *p = j->p;
  int64_t plane = p->h * p->w * j->lanes, planes = j->plain ? p->c : xk_blocks(p->c);
  int64_t group = p->groups > 1 ? filter * XK_LANES / (p->m / p->groups) : 0;
  memset(sums, 0, (size_t)j->part * sizeof *sums);
  for (int64_t i = slice * j->slice; i < xk__min(p->n, (slice + 1) * j->slice) && !xai_stop_requested(); i++) {
    const float *from = x + (i * planes + group * j->channels + channel) * plane;
    const float *seen = dy + (i * j->filters + filter) * p->oh * p->ow * XK_LANES;
    if (!j->plain) add_block(p, from, seen, sums);
    else copy_plane(j, from, copy), add_plane(j, copy, seen, sums);
  }
}

/* Adds the slices of one task's sums, and puts them in their places. */
static void settle(const job *j, int64_t filter, int64_t channel, const float *sums, float *dw) {
  int64_t cg = j->p->c / j->p->groups, first = channel * j->lanes;
  for (int64_t f = 0; f < xk__min(XK_LANES, j->p->m - filter * XK_LANES); f++)
    for (int64_t c = 0; c < xk__min(j->lanes, cg - first); c++)
      for (int64_t tap = 0; tap < j->taps; tap++) {
        const float *from = sums + (tap * j->lanes + c) * XK_LANES + f;
        float sum = *from;
        for (int64_t s = 1; s < j->slices; s++) sum += from[s * j->whole];
        dw[((filter * XK_LANES + f) * cg + first + c) * j->taps + tap] = sum;
      }
}

void xk__bdirect_backward_weight(const xk_conv2d *p, const float *x, const float *dy, float *dw, void *work) {
  job j = job_of(p);
  int64_t parts = j.filters * j.channels;
  float *sums = work, *copies = sums + j.slices * j.whole;
#pragma omp parallel num_threads(xk_threads())
  {
    float *copy = copies + omp_get_thread_num() * j.copy;
#pragma omp for schedule(dynamic)
    for (int64_t t = 0; t < j.slices * parts; t++)
      if (!xai_stop_requested())
        sum_task(&j, t / parts, t % parts / j.channels, t % j.channels, x, dy, sums + t * j.part, copy);
#pragma omp for schedule(static)
    for (int64_t t = 0; t < parts; t++)
      if (!xai_stop_requested()) settle(&j, t / j.channels, t % j.channels, sums + t * j.part, dw);
  }
}

size_t xk__bdirect_weight_workspace(const xk_conv2d *p) {
  job j = job_of(p);
  return (size_t)(j.slices * j.whole + j.copy * xk_threads()) * sizeof(float);
}
