/* kernels/blocked_depthwise.c: convolutions with one channel and one filter per group on blocked arrays (MobileNet). 16
 * channels are a vector, and there is nothing to sum over but the taps: outputs that see the same taps are computed
 * together by isa/depthwise.c, straight from the input, and no slower than memory delivers it.
 *
 * Forward, output o sees input o*stride - pad + tap*dilation. Back, position i was seen by output
 * (i + pad - tap*dilation) / stride where that divides: positions are taken in 'stride' phases, and in one phase, position
 * phase + r*stride was seen by r + (phase + pad - tap*dilation) / stride. Both are: r sees at + r*step. */
#include "kernels/blocked_private.h"

enum { BAND = 1 << 13 /* products of vectors in a task, about */ };

/* One axis of a convolution in one direction. */
typedef struct axis {
  int64_t in, out, taps, stride, pad, dilation;
  int64_t phases; /* 1, or stride on the way back */
  bool backward;
} axis;

/* One tap: positions r in [lo, hi) of a phase see at + r*step. */
typedef struct reach {
  int64_t lo, hi, at;
} reach;

static axis axis_of(int64_t in, int64_t out, int64_t taps, int64_t stride, int64_t pad, int64_t dilation,
                    bool backward) {
  return (axis){.in = backward ? out : in, .out = backward ? in : out, .taps = taps, .stride = stride, .pad = pad,
                .dilation = dilation, .phases = backward ? stride : 1, .backward = backward};
}

static int64_t step_of(const axis *a) { return a->backward ? 1 : a->stride; }

/* Positions of a phase. */
static int64_t positions_of(const axis *a, int64_t phase) {
  return phase < a->out ? xk__ceil_div(a->out - phase, a->phases) : 0;
}

static void reaches_of(const axis *a, int64_t phase, reach *r) {
  int64_t count = positions_of(a, phase), step = step_of(a);
  for (int64_t t = 0; t < a->taps; t++) {
    int64_t at = a->backward ? phase + a->pad - t * a->dilation : t * a->dilation - a->pad;
    bool seen = !a->backward || at % a->stride == 0;
    if (a->backward) at /= a->stride;
    r[t] = (reach){.lo = at >= 0 ? 0 : xk__ceil_div(-at, step), .at = at};
    r[t].hi = seen && at < a->in ? xk__min(count, (a->in - 1 - at) / step + 1) : 0;
  }
}

/* The first position after 'from' that sees other taps, or end. */
static int64_t run_end(const axis *a, const reach *r, int64_t from, int64_t end) {
  for (int64_t t = 0; t < a->taps; t++) {
    if (r[t].lo >= r[t].hi || r[t].hi <= from) continue;
    end = xk__min(end, r[t].lo > from ? r[t].lo : r[t].hi);
  }
  return end;
}

static bool sees(const reach *r, int64_t at) { return at >= r->lo && at < r->hi; }

/* One block of channels in one direction. */
typedef struct plane {
  const axis *v, *u; /* down, across */
  const float *x, *w;
  xk_finish finish; /* of its own places */
  float *y;
} plane;

/* A rectangle of outputs that see the same taps: rows [r, r + rows), columns [q, q + columns) of their phases. */
static void convolve_rectangle(const plane *p, const reach *down, const reach *across, int64_t phase_y, int64_t phase_x,
                               int64_t r, int64_t rows, int64_t q, int64_t columns) {
  const xk_finish *f = &p->finish;
  xk_taps taps = {.x_step = step_of(p->u) * XK_LANES, .y_step = p->u->phases * XK_LANES, .lo = f->lo, .hi = f->hi,
                  .rule = f->rule};
  int64_t x_line = step_of(p->v) * p->u->in * XK_LANES, y_line = p->v->phases * p->u->out * XK_LANES;
  int64_t place = (r * y_line + phase_y * p->u->out * XK_LANES) + (q * p->u->phases + phase_x) * XK_LANES;
  for (int64_t ty = 0; ty < p->v->taps; ty++)
    for (int64_t tx = 0; tx < p->u->taps && sees(down + ty, r); tx++) {
      if (!sees(across + tx, q)) continue;
      int64_t row = down[ty].at + r * step_of(p->v), column = across[tx].at + q * step_of(p->u);
      taps.x[taps.count] = p->x + (row * p->u->in + column) * XK_LANES;
      taps.w[taps.count++] = p->w + (ty * p->u->taps + tx) * XK_LANES;
    }
  bool upright = rows > columns; /* a border: the longer side is the line */
  taps.x_line = upright ? taps.x_step : x_line;
  taps.y_line = upright ? taps.y_step : y_line;
  if (upright) taps.x_step = x_line, taps.y_step = y_line;
  if (f->gate != NULL) taps.gate = f->gate + place;
  xk_isa_now()->depthwise(&taps, upright ? columns : rows, upright ? rows : columns, f->bias,
                          f->add != NULL ? f->add + place : NULL, p->y + place);
}

/* Part 'band' of 'bands' of the rows. */
static void convolve_band(const plane *p, int64_t band, int64_t bands) {
  reach down[XK_TAPS], across[XK_TAPS];
  for (int64_t phase_y = 0; phase_y < p->v->phases; phase_y++) {
    int64_t rows = positions_of(p->v, phase_y), last = (band + 1) * rows / bands;
    reaches_of(p->v, phase_y, down);
    for (int64_t phase_x = 0; phase_x < p->u->phases; phase_x++) {
      int64_t columns = positions_of(p->u, phase_x);
      reaches_of(p->u, phase_x, across);
      for (int64_t r = band * rows / bands, below; r < last; r = below) {
        below = run_end(p->v, down, r, last);
        for (int64_t q = 0, right; q < columns; q = right) {
          right = run_end(p->u, across, q, columns);
          convolve_rectangle(p, down, across, phase_y, phase_x, r, below - r, q, right - q);
        }
      }
    }
  }
}

static void convolve(const xk_conv2d *p, bool backward, const float *x, const float *packed, const xk_finish *finish,
                     float *y) {
  axis v = axis_of(p->h, p->oh, p->kh, p->sh, p->pad_top, p->dh, backward);
  axis u = axis_of(p->w, p->ow, p->kw, p->sw, p->pad_left, p->dw, backward);
  int64_t blocks = xk_blocks(p->c), bands = xk__max(1, xk__min(v.out, p->oh * p->ow * p->kh * p->kw / BAND));
  int64_t tasks = p->n * blocks * bands;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (tasks > 1)
  for (int64_t task = 0; task < tasks; task++) {
    int64_t at = task / bands, block = at % blocks, to = at * v.out * u.out * XK_LANES;
    plane part = {.v = &v, .u = &u, .x = x + at * v.in * u.in * XK_LANES, .w = packed + block * p->kh * p->kw * XK_LANES,
                  .finish = xk__finish_at(finish, block * XK_LANES, to), .y = y + to};
    if (!xai_stop_requested()) convolve_band(&part, task % bands, bands);
  }
}

void xk__bdepth_forward(const xk_conv2d *p, const float *x, const float *packed, const xk_finish *finish, float *y,
                        void *work) {
  (void)work;
  convolve(p, false, x, packed, finish, y);
}

void xk__bdepth_backward_input(const xk_conv2d *p, const float *packed, const float *dy, const xk_finish *finish,
                               float *dx, void *work) {
  (void)work;
  convolve(p, true, dy, packed, finish, dx);
}

/* ---- packing: blocks x kh x kw x 16, for both directions -------------------------------------------------------------- */
bool xk__bdepth_fits(const xk_conv2d *p, bool backward) {
  (void)backward;
  return p->groups == p->c && p->m == p->c && p->c > 1 && p->kh <= XK_TAPS && p->kw <= XK_TAPS && p->kh * p->kw <= XK_TAPS;
}

int xk__bdepth_form(const xk_conv2d *p, bool backward) {
  (void)p;
  (void)backward;
  return 0;
}

size_t xk__bdepth_packed(const xk_conv2d *p, bool backward) {
  (void)backward;
  return (size_t)(xk_blocks(p->c) * p->kh * p->kw * XK_LANES);
}

void xk__bdepth_pack(const xk_conv2d *p, bool backward, const float *w, const float *scale, float *packed) {
  int64_t taps = p->kh * p->kw;
  (void)backward;
  for (int64_t c = 0; c < xk_blocks(p->c) * XK_LANES; c++)
    for (int64_t t = 0; t < taps; t++)
      packed[(c / XK_LANES * taps + t) * XK_LANES + c % XK_LANES] =
          c < p->c ? w[c * taps + t] * (scale != NULL ? scale[c] : 1) : 0;
}

size_t xk__bdepth_workspace(const xk_conv2d *p, bool backward) {
  (void)p;
  (void)backward;
  return 0;
}

/* ---- gradient to the weights ------------------------------------------------------------------------------------------ */
/* sum += x dy, lane by lane, over the positions that see the input through one tap. */
XK_CLONES static void add_tap(const xk_conv2d *p, xk__sight v, xk__sight u, const float *x, const float *dy, float *sum) {
  float total[XK_LANES] = {0};
  for (int64_t r = 0; r < v.count; r++) {
    const float *a = x + ((v.in + r * p->sh) * p->w + u.in) * XK_LANES, *b = dy + ((v.out + r) * p->ow + u.out) * XK_LANES;
    for (int64_t i = 0; i < u.count; i++, a += p->sw * XK_LANES, b += XK_LANES)
      XK__EACH_LANE(l) total[l] += a[l] * b[l];
  }
  XK__EACH_LANE(l) sum[l] += total[l];
}

/* A task is a block of channels in a slice of the batch; slices have sums of their own, which are added in order. */
enum { SLICES = 8 };
static int64_t slice_of(const xk_conv2d *p) { return xk__ceil_div(p->n, SLICES); }

static void sum_task(const xk_conv2d *p, int64_t block, int64_t first, const float *x, const float *dy, float *sums) {
  int64_t blocks = xk_blocks(p->c), taps = p->kh * p->kw;
  for (int64_t i = 0; i < taps * XK_LANES; i++) sums[i] = 0;
  for (int64_t i = first; i < xk__min(p->n, first + slice_of(p)) && !xai_stop_requested(); i++)
    for (int64_t t = 0; t < taps; t++)
      add_tap(p, xk__sight_of(p->h, p->oh, p->sh, p->pad_top, t / p->kw * p->dh),
              xk__sight_of(p->w, p->ow, p->sw, p->pad_left, t % p->kw * p->dw),
              x + (i * blocks + block) * p->h * p->w * XK_LANES, dy + (i * blocks + block) * p->oh * p->ow * XK_LANES,
              sums + t * XK_LANES);
}

void xk__bdepth_backward_weight(const xk_conv2d *p, const float *x, const float *dy, float *dw, void *work) {
  int64_t blocks = xk_blocks(p->c), taps = p->kh * p->kw, slices = xk__ceil_div(p->n, slice_of(p));
  float *sums = work; /* slices x blocks x taps x 16 */
#pragma omp parallel for schedule(dynamic) num_threads(xk_threads())
  for (int64_t t = 0; t < slices * blocks; t++)
    if (!xai_stop_requested()) sum_task(p, t % blocks, t / blocks * slice_of(p), x, dy, sums + t * taps * XK_LANES);
  for (int64_t i = 0; i < p->c * taps; i++) {
    int64_t at = (i / taps / XK_LANES * taps + i % taps) * XK_LANES + i / taps % XK_LANES;
    dw[i] = 0;
    for (int64_t s = 0; s < slices; s++) dw[i] += sums[s * blocks * taps * XK_LANES + at];
  }
}

size_t xk__bdepth_weight_workspace(const xk_conv2d *p) {
  return (size_t)(xk__ceil_div(p->n, slice_of(p)) * xk_blocks(p->c) * p->kh * p->kw * XK_LANES) * sizeof(float);
}
