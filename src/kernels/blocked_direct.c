/* kernels/blocked_direct.c: convolutions of blocked arrays as they are defined, by register tiles.
 *
 * Forward and back to the input are both made of *sweeps*: along either axis, position q of the result sees through tap t
 * the element first + q*stride + t*step of what is read. Forward is one sweep. On the way back with strides sh, sw the
 * elements of dx fall into sh*sw classes by their residues; y + pad_top = oy*sh + ky*dh can only be solved for taps of
 * one residue too, and so each class is a sweep over dy without stride, with its own taps and weights; nothing is
 * multiplied with inserted zeros.
 *
 * Weights are packed per sweep and group of 32 filters in the order in which the tile reads them. A sweep is cut into
 * tasks by its size: ranges of tiles (14 positions of a row) whose input stays in the second cache, times ranges of
 * filters. Rows with taps to the left or right of the plane are read from a copy with zeros there, made by each thread
 * for its task; taps above or below are left out of the sum.
 *
 * The first layer reads plain planes: a row of taps takes the place of sixteen channels. Back to those few planes,
 * sums run across lanes instead (xk_isa.dots). */
#include <omp.h>
#include <string.h>

#include "kernels/blocked_private.h"

enum {
  BAND = 1 << 18,        /* bytes of input that a task goes over again and again */
  CHUNK = 512,           /* products per sum and pass over a task's tiles: 64 KB of weights; sums of sums round less */
  LARGE = 1 << 19,       /* bytes of weights that come from far away */
  PARTS = 32,            /* tasks that keep a few threads busy */
  PARTS_MIN = 8,         /* and as few as will do */
  TASK_WORK = 1 << 19    /* multiply-adds worth a task */
};

/* ---- sweeps ---------------------------------------------------------------------------------------------------- */
typedef struct axis {
  int64_t in, count, first, stride, taps, step;
  int64_t to, to_stride;      /* position q is element to + q*to_stride of the result */
  int64_t kernel, kernel_next; /* tap t is number kernel + t*kernel_next of the kernel */
  int64_t packed_before;      /* taps of the classes before this one */
} axis;

typedef struct sweep {
  axis v, u;             /* down and across */
  int64_t to_w, to_hw;   /* width and size of the result's planes */
  int64_t from, to;      /* blocks of channels and of filters in a group; a plain plane counts as a block */
  int64_t pixel;         /* floats from neighbour to neighbour: 16, or 1 for plain planes */
} sweep;

static axis axis_forward(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad) {
  return (axis){.in = in, .count = out, .first = -pad, .stride = stride, .taps = kernel, .step = dilation,
                .to_stride = 1, .kernel_next = 1};
}

static int64_t common_divisor(int64_t a, int64_t b) { return b == 0 ? a : common_divisor(b, a % b); }

/* Taps one residue apart reach the same class; taps every so many of them: */
static int64_t residues(int64_t kernel, int64_t stride, int64_t dilation) {
  return xk__max(1, xk__min(kernel, stride / common_divisor(dilation, stride)));
}

/* The class of elements r, r + stride, ... of an axis with 'in' elements. Taps in descending order walk upwards in dy. */
static axis axis_backward(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad,
                          int64_t r) {
  int64_t every = stride / common_divisor(dilation, stride), residue = 0;
  axis a = {.in = out, .count = r < in ? xk__ceil_div(in - r, stride) : 0, .stride = 1, .step = every * dilation / stride,
            .to = r, .to_stride = stride, .kernel_next = -every};
  while (residue < xk__min(every, kernel) && (r + pad - residue * dilation) % stride != 0) {
    a.packed_before += (kernel - 1 - residue) / every + 1;
    residue++;
  }
  if (residue == xk__min(every, kernel)) return a; /* no tap reaches these */
  a.taps = (kernel - 1 - residue) / every + 1;
  a.kernel = residue + (a.taps - 1) * every;
  a.first = (r + pad - a.kernel * dilation) / stride;
  return a;
}

/* Positions of all rows in one row, where neither taps nor strides tell them apart. */
static void flatten(sweep *s) {
  axis *v = &s->v, *u = &s->u;
  bool plain = v->taps == 1 && u->taps == 1 && v->stride == 1 && u->stride == 1 && v->to_stride == 1 && u->to_stride == 1;
  if (!plain || v->first != 0 || u->first != 0 || v->in != v->count || u->in != u->count) return;
  u->in = u->count = s->to_w = s->to_hw;
  v->in = v->count = 1;
}

static sweep sweep_forward(const xk_conv2d *p) {
  bool plain = xk_bconv_plain_input(p);
  sweep s = {.v = axis_forward(p->h, p->oh, p->kh, p->sh, p->dh, p->pad_top),
             .u = axis_forward(p->w, p->ow, p->kw, p->sw, p->dw, p->pad_left),
             .to_w = p->ow,
             .to_hw = p->oh * p->ow,
             .from = plain ? p->c : xk_blocks(p->c / p->groups),
             .to = xk_blocks(p->m / p->groups),
             .pixel = plain ? 1 : XK_LANES};
  flatten(&s);
  return s;
}

static sweep sweep_backward(const xk_conv2d *p, int64_t class) {
  sweep s = {.v = axis_backward(p->h, p->oh, p->kh, p->sh, p->dh, p->pad_top, class / p->sw),
             .u = axis_backward(p->w, p->ow, p->kw, p->sw, p->dw, p->pad_left, class % p->sw),
             .to_w = p->w,
             .to_hw = p->h * p->w,
             .from = xk_blocks(p->m / p->groups),
             .to = xk_bconv_plain_input(p) ? p->c : xk_blocks(p->c / p->groups),
             .pixel = XK_LANES};
  flatten(&s);
  return s;
}

static int64_t sweeps_of(const xk_conv2d *p, bool backward) { return backward ? p->sh * p->sw : 1; }

static sweep sweep_of(const xk_conv2d *p, bool backward, int64_t class) {
  return backward ? sweep_backward(p, class) : sweep_forward(p);
}

static int64_t taps_of(const sweep *s) { return s->v.taps * s->u.taps; }
/* Numbers multiplied and added for one element of the result */
static int64_t depth_of(const sweep *s) { return s->from * s->pixel * taps_of(s); }

/* Taps [lo, hi) through which position q sees the array. */
typedef struct range {
  int64_t lo, hi;
} range;

static range taps_inside(const axis *a, int64_t q) {
  int64_t at = a->first + q * a->stride, last = a->in - 1 - at;
  range r = {.lo = at < 0 ? xk__min(a->taps, xk__ceil_div(-at, a->step)) : 0};
  r.hi = last < 0 ? r.lo : xk__max(r.lo, xk__min(a->taps, last / a->step + 1));
  return r;
}

/* Does a position see something outside? */
static bool sticks_out(const axis *a) {
  return a->taps > 0 && (a->first < 0 || a->first + (a->count - 1) * a->stride + (a->taps - 1) * a->step >= a->in);
}

/* ---- weights ---------------------------------------------------------------------------------------------------- */
/* Floats in front of a class' weights; per tap they are one matrix of channels by filters, with all groups. */
static int64_t packed_before(const xk_conv2d *p, const sweep *s, int64_t per_tap) {
  return (s->v.packed_before * p->kw + s->v.taps * s->u.packed_before) * per_tap;
}

static bool backward_is_plain(const xk_conv2d *p, bool backward) { return backward && xk_bconv_plain_input(p); }

/* Floats of weights per tap and group: filters in lanes, or for sums across lanes one row of lanes per plane. */
static int64_t matrix_of(const sweep *s, bool across) {
  return s->from * s->pixel * s->to * (across ? 1 : XK_LANES);
}

/* The weight between channel i and filter j of a group of a sweep, both of which may be empty lanes. */
static float weight_at(const xk_conv2d *p, bool backward, const float *w, const float *scale, int64_t g, int64_t i,
                       int64_t j, int64_t tap) {
  int64_t cg = p->c / p->groups, mg = p->m / p->groups, c = backward ? j : i, m = backward ? i : j;
  if (c >= cg || m >= mg) return 0;
  m += g * mg;
  float v = w[(m * cg + c) * p->kh * p->kw + tap];
  return scale != NULL ? v * scale[m] : v;
}

/* One group of filters of a sweep: from x taps x pixel x width; across lanes: from x taps x width x pixel. */
static void pack_filters(const xk_conv2d *p, bool backward, const sweep *s, int64_t g, int64_t filter, int64_t width,
                         const float *w, const float *scale, float *packed) {
  bool across = backward_is_plain(p, backward);
  for (int64_t b = 0; b < s->from; b++)
    for (int64_t t = 0; t < taps_of(s); t++) {
      int64_t ky = s->v.kernel + t / s->u.taps * s->v.kernel_next, kx = s->u.kernel + t % s->u.taps * s->u.kernel_next;
      for (int64_t i = 0; i < s->pixel; i++)
        for (int64_t j = 0; j < width; j++) {
          float v = weight_at(p, backward, w, scale, g, b * s->pixel + i, filter + j, ky * p->kw + kx);
          packed[across ? j * s->pixel + i : i * width + j] = v;
        }
      packed += s->pixel * width;
    }
}

static void pack_sweep(const xk_conv2d *p, bool backward, const sweep *s, const float *w, const float *scale,
                       float *packed) {
  bool across = backward_is_plain(p, backward);
  int64_t filters = s->to * (across ? 1 : XK_LANES), most = across ? filters : XK_TILE_FILTERS;
  int64_t parts = xk__ceil_div(filters, most), per_tap = matrix_of(s, across), taps = taps_of(s);
  packed += packed_before(p, s, per_tap * p->groups);
#pragma omp parallel for schedule(static) num_threads(xk_threads())
  for (int64_t task = 0; task < p->groups * parts; task++) {
    int64_t g = task / parts, filter = task % parts * most, width = xk__min(most, filters - filter);
    pack_filters(p, backward, s, g, filter, width, w, scale,
                 packed + (g * per_tap + filter * s->from * s->pixel) * taps);
  }
}

/* Forward has one form, backward one for each way to sort taps by residues. */
int xk__bdirect_form(const xk_conv2d *p, bool backward) {
  int64_t down = residues(p->kh, p->sh, p->dh), across = residues(p->kw, p->sw, p->dw);
  int64_t form = backward ? 1 + (down - 1) * p->kw + across - 1 : 0;
  return (int)((p->groups * (1 + p->kh * p->kw) + form) % (INT32_MAX / 4));
}

size_t xk__bdirect_packed(const xk_conv2d *p, bool backward) {
  sweep s = sweep_of(p, backward, 0);
  return (size_t)(p->groups * p->kh * p->kw * matrix_of(&s, backward_is_plain(p, backward)));
}

void xk__bdirect_pack(const xk_conv2d *p, bool backward, const float *w, const float *scale, float *packed) {
  for (int64_t class = 0; class < sweeps_of(p, backward); class++) {
    sweep s = sweep_of(p, backward, class);
    if (taps_of(&s) > 0) pack_sweep(p, backward, &s, w, scale, packed);
  }
}

/* ---- tasks -------------------------------------------------------------------------------------------------------- */
/* A sweep's tiles in row-major order, in bands of whole units; filters in shares of groups of 32. */
typedef struct cut {
  int64_t per_row, tiles;        /* tiles of a row, of all rows */
  int64_t band, bands;           /* tiles of a band */
  int64_t share, shares, groups; /* groups of 32 filters */
  int64_t rows, row, left;       /* the copy: rows and pixels of a row; pixels in front of the plane */
  size_t scratch;                /* floats of the copy; 0: none is needed */
  bool fetch;                    /* weights do not stay in the second cache, and few tiles share the waiting for them */
} cut;

static cut cut_of(const sweep *s) {
  const axis *v = &s->v, *u = &s->u;
  cut k = {.per_row = xk__ceil_div(u->count, XK_TILE), .groups = xk__ceil_div(s->to, XK_TILE_FILTERS / XK_LANES)};
  k.tiles = v->count * k.per_row;
  if (k.tiles == 0) return k;
  int64_t unit = v->count == 1 ? 1 : k.per_row, units = k.tiles / unit; /* rows, or tiles of the only one */
  int64_t input = v->in * u->in * s->from * s->pixel, weights = depth_of(s) * s->to * XK_LANES;
  int64_t work = v->count * u->count * weights, parts = xk__max(1, xk__min(PARTS, work / TASK_WORK));
  int64_t bands = xk__min(units, xk__ceil_div(input * (int64_t)sizeof(float), BAND)), shares;
  if (weights > input) { /* read weights as few times as possible */
    shares = xk__min(k.groups, xk__ceil_div(parts, bands));
    bands = xk__max(bands, xk__min(units, xk__ceil_div(xk__min(parts, PARTS_MIN), shares)));
  } else {
    bands = xk__max(bands, xk__min(units, parts));
    shares = xk__min(k.groups, xk__ceil_div(parts, bands));
  }
  k.band = xk__ceil_div(units, bands) * unit;
  k.bands = xk__ceil_div(k.tiles, k.band);
  k.share = xk__ceil_div(k.groups, shares);
  k.shares = xk__ceil_div(k.groups, k.share);
  k.fetch = s->pixel == XK_LANES && weights * (int64_t)sizeof(float) > LARGE && k.band <= XK_TILE_FILTERS;
  if (v->taps > 0 && sticks_out(u)) {
    int64_t end = xk__max(u->in, u->first + (u->count - 1) * u->stride + (u->taps - 1) * u->step + 1);
    k.left = xk__max(0, -u->first);
    k.row = k.left + end;
    k.rows = xk__min(v->in, (xk__ceil_div(k.band, k.per_row) - 1) * v->stride + (v->taps - 1) * v->step + 1);
    k.scratch = (size_t)xk__round_up(s->from * k.rows * k.row * s->pixel, XK_LANES);
  }
  return k;
}

/* Where a task reads: element (0, 0) of the first block, and the distances of blocks and rows. */
typedef struct source {
  const float *a;
  int64_t block, row;
} source;

/* Rows [first, end) that the rows [r0, r1) of a sweep see, which stay inside. */
static range rows_seen(const axis *v, int64_t r0, int64_t r1) {
  range r = {.lo = v->first + r0 * v->stride, .hi = v->first + (r1 - 1) * v->stride + (v->taps - 1) * v->step + 1};
  r.lo = xk__min(xk__max(r.lo, 0), v->in);
  r.hi = xk__max(r.lo, xk__min(r.hi, v->in));
  return r;
}

/* The rows that a band sees, with zeros at both ends. */
static source copy_band(const sweep *s, const cut *k, const float *x, int64_t r0, int64_t r1, float *copy) {
  range rows = rows_seen(&s->v, r0, r1);
  size_t left = (size_t)(k->left * s->pixel), middle = (size_t)(s->u.in * s->pixel),
         right = (size_t)(k->row * s->pixel) - left - middle;
  source from = {.row = k->row * s->pixel, .block = k->rows * k->row * s->pixel};
  for (int64_t b = 0; b < s->from; b++)
    for (int64_t y = rows.lo; y < rows.hi; y++) {
      float *row = copy + b * from.block + (y - rows.lo) * from.row;
      memset(row, 0, left * sizeof(float));
      memcpy(row + left, x + (b * s->v.in + y) * (int64_t)middle, middle * sizeof(float));
      memset(row + left + middle, 0, right * sizeof(float));
    }
  from.a = copy + (int64_t)left - rows.lo * from.row;
  return from;
}

/* The tile of a sweep: channels [b0, b1), all taps. The longest loop is the innermost. */
static xk_tile tile_of(const sweep *s, const source *from, int64_t channels, int64_t width) {
  const axis *v = &s->v, *u = &s->u;
  xk_tile t = {.lanes = s->pixel, .width = width, .lo = -INFINITY, .hi = INFINITY};
  int64_t tap = s->pixel * width;
  bool joined = s->pixel == 1 && u->step == 1, single = taps_of(s) == 1;
  t.count[0] = channels;
  t.a_next[0] = from->block;
  t.w_next[0] = taps_of(s) * tap;
  t.count[1] = v->taps;
  t.a_next[1] = v->step * from->row;
  t.w_next[1] = u->taps * tap;
  t.count[2] = joined ? 1 : u->taps;
  t.a_next[2] = u->step * s->pixel;
  t.w_next[2] = tap;
  if (joined) t.lanes = u->taps;
  if (single) {
    t.count[0] = 1;
    t.count[2] = channels;
    t.a_next[2] = from->block;
    t.w_next[2] = tap;
  }
  t.a_step = u->stride * s->pixel;
  t.y_step = u->to_stride * XK_LANES;
  t.y_block = s->to_hw * XK_LANES;
  return t;
}

/* Two rows of seven positions are one tile where the same taps see the input. */
static bool joins_next(const sweep *s, int64_t row, int64_t end) {
  if (s->u.count != XK_TILE_HALF || row + 1 >= end) return false;
  range a = taps_inside(&s->v, row), b = taps_inside(&s->v, row + 1);
  return a.lo == b.lo && a.hi == b.hi;
}

/* What a task makes of one group of filters: tiles [t0, t1), in passes over some of the channels each. */
typedef struct job {
  const sweep *s;
  const cut *k;
  source from;
  int64_t t0, t1;
} job;

/* While a chunk of large weights is used, all tiles together fetch the next, which follows in memory: all->ahead. */
static void sweep_tiles(const job *o, const xk_tile *all, const float *a, const float *w, const float *bias,
                        const float *add, float *y) {
  const axis *v = &o->s->v, *u = &o->s->u;
  xk_tile t = *all;
  for (int64_t at = o->t0; at < o->t1; at++) {
    int64_t row = at / o->k->per_row, i = at % o->k->per_row;
    int64_t q0 = i * u->count / o->k->per_row, q1 = (i + 1) * u->count / o->k->per_row, positions = q1 - q0;
    range taps = taps_inside(v, row);
    int64_t from = (v->first + row * v->stride + taps.lo * v->step) * o->from.row +
                   (u->first + q0 * u->stride) * o->s->pixel;
    int64_t to = ((v->to + row * v->to_stride) * o->s->to_w + u->to + q0 * u->to_stride) * XK_LANES;
    t.count[1] = taps.hi - taps.lo;
    t.a_half = XK_TILE_HALF * t.a_step;
    t.y_half = XK_TILE_HALF * t.y_step;
    t.lines = all->lines;
    if (t.lines > 0) t.ahead = all->ahead + (all->ahead - w) / (o->t1 - o->t0) * (at - o->t0);
    if (joins_next(o->s, row, o->t1)) {
      t.a_half = v->stride * o->from.row;
      t.y_half = v->to_stride * o->s->to_w * XK_LANES;
      positions *= 2;
      t.lines *= 2;
      at++;
    }
    if (u->taps == 0 || t.count[1] == 0) from = 0, t.count[0] = 0;
    else t.count[0] = all->count[0];
    if (all->gate != NULL) t.gate = all->gate + to;
    xk_isa_now()->tile(&t, positions, a + from, w + taps.lo * all->w_next[1], bias, add != NULL ? add + to : NULL,
                       y + to);
  }
}

/* 'width' filters of a group; w, y and what 'finish' points to are theirs. 'more': others follow. */
static void sweep_filters(const job *o, int64_t width, bool more, const float *w, const xk_finish *finish, float *y) {
  const sweep *s = o->s;
  int64_t chunks = xk__max(1, xk__min(s->from, xk__ceil_div(depth_of(s), CHUNK)));
  if (finish->scale != NULL) chunks = 1; /* what is scaled is the whole sum */
  for (int64_t i = 0; i < chunks; i++) {
    int64_t b0 = i * s->from / chunks, b1 = (i + 1) * s->from / chunks;
    xk_tile t = tile_of(s, &o->from, b1 - b0, width);
    t.ahead = w + b1 * taps_of(s) * s->pixel * width;
    if (o->k->fetch && (more || i < chunks - 1)) t.lines = xk__ceil_div(width, o->t1 - o->t0);
    t.scale = finish->scale;
    if (i == chunks - 1) {
      t.lo = finish->lo;
      t.hi = finish->hi;
      t.gate = finish->gate;
      t.rule = finish->rule;
    }
    sweep_tiles(o, &t, o->from.a + b0 * o->from.block, w + b0 * taps_of(s) * s->pixel * width, i == 0 ? finish->bias : NULL,
                i == 0 ? finish->add : y, y);
  }
}

/* Number t of a sweep's tasks: which image and group (counted together, as in x and y), band, and share of the filters.
 * Shares are neighbours when they read the same copy, bands when they read the same weights. */
typedef struct place {
  int64_t image, group, band, share;
} place;

static place place_of(const cut *k, int64_t groups, int64_t t) {
  int64_t pieces = k->bands * k->shares, piece = t % pieces;
  place at = {.image = t / pieces, .group = t / pieces % groups};
  at.band = k->scratch > 0 ? piece / k->shares : piece % k->bands;
  at.share = k->scratch > 0 ? piece % k->shares : piece / k->bands;
  return at;
}

/* What one thread keeps from task to task: its copy, and of which band it is. */
typedef struct worker {
  float *copy;
  int64_t image, band; /* image -1: of none */
  source from;
} worker;

static void read_band(worker *me, const sweep *s, const cut *k, const place *at, const float *x) {
  x += at->image * s->from * s->v.in * s->u.in * s->pixel;
  if (k->scratch == 0) {
    me->from = (source){.a = x, .row = s->u.in * s->pixel, .block = s->v.in * s->u.in * s->pixel};
  } else if (me->image != at->image || me->band != at->band) {
    int64_t t0 = at->band * k->band, t1 = xk__min(k->tiles, t0 + k->band);
    me->from = copy_band(s, k, x, t0 / k->per_row, (t1 - 1) / k->per_row + 1, me->copy);
    me->image = at->image;
    me->band = at->band;
  }
}

static void sweep_task(const sweep *s, const cut *k, const place *at, worker *me, const float *x, const float *w,
                       const xk_finish *finish, float *y) {
  read_band(me, s, k, at, x);
  job o = {.s = s, .k = k, .from = me->from, .t0 = at->band * k->band};
  o.t1 = xk__min(k->tiles, o.t0 + k->band);
  int64_t end = xk__min(k->groups, (at->share + 1) * k->share);
  for (int64_t f = at->share * k->share; f < end; f++) {
    int64_t first = f * XK_TILE_FILTERS, filters = s->to * XK_LANES, width = xk__min(XK_TILE_FILTERS, filters - first);
    int64_t filter = at->group * filters + first, plane = (at->image * filters + first) * s->to_hw;
    xk_finish own = xk__finish_at(finish, filter, plane);
    sweep_filters(&o, width, f + 1 < end, w + filter * depth_of(s), &own, y + plane);
  }
}

/* Floats of the largest copy. */
static size_t scratch_of(const xk_conv2d *p, bool backward) {
  size_t most = 0;
  for (int64_t class = 0; class < sweeps_of(p, backward); class++) {
    sweep s = sweep_of(p, backward, class);
    cut k = cut_of(&s);
    if (k.scratch > most) most = k.scratch;
  }
  return most;
}

static int64_t tasks_of(const xk_conv2d *p, const cut *k) { return p->n * p->groups * k->bands * k->shares; }

static void convolve(const xk_conv2d *p, bool backward, const float *x, const float *packed, const xk_finish *finish,
                     float *y, float *work) {
  size_t scratch = scratch_of(p, backward);
  sweep first = sweep_of(p, backward, 0);
  cut first_cut = cut_of(&first);
  bool many = sweeps_of(p, backward) > 1 || tasks_of(p, &first_cut) > 1;
#pragma omp parallel num_threads(xk_threads()) if (many)
  for (int64_t class = 0; class < sweeps_of(p, backward); class++) {
    sweep s = sweep_of(p, backward, class);
    cut k = cut_of(&s);
    const float *w = packed + packed_before(p, &s, p->groups * matrix_of(&s, false));
    worker me = {.copy = work + (size_t)omp_get_thread_num() * scratch, .image = -1};
#pragma omp for schedule(dynamic) nowait
    for (int64_t t = 0; t < tasks_of(p, &k); t++) {
      if (xai_stop_requested()) continue;
      place at = place_of(&k, p->groups, t);
      sweep_task(&s, &k, &at, &me, x, w, finish, y);
    }
  }
}

/* ---- back to a few plain planes -------------------------------------------------------------------------------------- */
/* Positions [q, q + count) of a row, which all see the taps 'across'. */
static void dots_of_run(const sweep *s, int64_t row, int64_t q, int64_t count, range across, const float *dy,
                        const float *w, float *dx) {
  const axis *v = &s->v, *u = &s->u;
  range down = taps_inside(v, row);
  int64_t tap = s->to * XK_LANES;
  xk_tile t = {.lanes = XK_LANES, .width = s->to, .a_step = XK_LANES, .y_step = u->to_stride, .y_block = s->to_hw};
  t.count[0] = s->from;
  t.a_next[0] = v->in * u->in * XK_LANES;
  t.w_next[0] = taps_of(s) * tap;
  t.count[1] = down.hi - down.lo;
  t.a_next[1] = v->step * u->in * XK_LANES;
  t.w_next[1] = u->taps * tap;
  t.count[2] = across.hi - across.lo;
  t.a_next[2] = u->step * XK_LANES;
  t.w_next[2] = tap;
  if (t.count[1] > 0 && t.count[2] > 0) {
    dy += ((v->first + row + down.lo * v->step) * u->in + u->first + q + across.lo * u->step) * XK_LANES;
    w += (down.lo * u->taps + across.lo) * tap;
  }
  xk_isa_now()->dots(&t, count, dy, w, dx + (v->to + row * v->to_stride) * s->to_w + u->to + q * u->to_stride);
}

/* A row: one by one where taps stick out, else as many positions as fit. */
static void dots_of_row(const sweep *s, int64_t row, const float *dy, const float *w, float *dx) {
  const axis *u = &s->u;
  for (int64_t q = 0, count; q < u->count; q += count) {
    range across = taps_inside(u, q);
    count = 1;
    if (across.lo == 0 && across.hi == u->taps) {
      int64_t inside = xk__min(u->count, u->taps == 0 ? u->count : u->in - u->first - (u->taps - 1) * u->step) - q;
      int64_t runs = xk__ceil_div(inside, XK_DOTS);
      count = xk__ceil_div(inside, runs);
    }
    dots_of_run(s, row, q, count, across, dy, w, dx);
  }
}

static void backward_to_planes(const xk_conv2d *p, const float *packed, const float *dy, float *dx) {
#pragma omp parallel num_threads(xk_threads())
  for (int64_t class = 0; class < sweeps_of(p, true); class++) {
    sweep s = sweep_backward(p, class);
    const float *w = packed + packed_before(p, &s, matrix_of(&s, true));
    int64_t per_row = xk__max(1, s.u.count * s.to * depth_of(&s)), rows = xk__max(1, TASK_WORK / per_row);
    int64_t bands = xk__ceil_div(s.v.count, rows);
#pragma omp for schedule(dynamic) nowait
    for (int64_t t = 0; t < p->n * bands; t++) {
      if (xai_stop_requested()) continue;
      int64_t image = t / bands, row = t % bands * rows, end = xk__min(s.v.count, row + rows);
      for (; row < end; row++)
        dots_of_row(&s, row, dy + image * s.from * s.v.in * s.u.in * XK_LANES, w, dx + image * s.to * s.to_hw);
    }
  }
}

/* ---- the four of blocked.h ---------------------------------------------------------------------------------------------- */
size_t xk__bdirect_workspace(const xk_conv2d *p, bool backward) {
  if (backward_is_plain(p, backward)) return 0;
  return scratch_of(p, backward) * sizeof(float) * (size_t)xk_threads();
}

void xk__bdirect_forward(const xk_conv2d *p, const float *x, const float *packed, const xk_finish *finish, float *y,
                         void *work) {
  convolve(p, false, x, packed, finish, y, work);
}

void xk__bdirect_backward_input(const xk_conv2d *p, const float *packed, const float *dy, const xk_finish *finish,
                                float *dx, void *work) {
  if (xk_bconv_plain_input(p)) backward_to_planes(p, packed, dy, dx);
  else convolve(p, true, dy, packed, finish, dx, work);
}
