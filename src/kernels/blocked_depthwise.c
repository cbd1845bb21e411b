/* kernels/blocked_depthwise.c: convolutions with one channel and one filter per group on blocked arrays (MobileNet). 16
 * channels are a vector, and there is nothing to sum over but the taps: outputs that see the same taps are computed
 * together by isa/depthwise.c, straight from the input, and no slower than memory delivers it.
 *
 * Forward, output o sees input o*stride - pad + tap*dilation. Back, position i was seen by output
 * (i + pad - tap*dilation) / stride where that divides: positions are taken in 'stride' phases, and in one phase, position
 * phase + r*stride was seen by r + (phase + pad - tap*dilation) / stride. Both are: r sees at + r*step. */
#include "kernels/blocked_private.h"

enum { BANDS_OF = 1 << 13 /* vectors of taps in a task, about */ };

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

/* A row of outputs: x and w begin where row and column 0 and tap 0 are. */
static void convolve_row(const axis *v, const axis *u, const reach *down, const reach *across, int64_t r, int64_t phase,
                         const float *x, const float *w, xk_taps *taps, const float *bias, const float *add, float *y) {
  int64_t count = positions_of(u, phase), next;
  for (int64_t q = 0; q < count; q = next) {
    next = count;
    taps->count = 0;
    for (int64_t tx = 0; tx < u->taps; tx++)
      if (across[tx].lo < across[tx].hi && across[tx].hi > q)
        next = xk__min(next, across[tx].lo > q ? across[tx].lo : across[tx].hi);
    for (int64_t ty = 0; ty < v->taps; ty++)
      for (int64_t tx = 0; r >= down[ty].lo && r < down[ty].hi && tx < u->taps; tx++) {
        if (q < across[tx].lo || q >= across[tx].hi) continue;
        int64_t row = down[ty].at + r * step_of(v), column = across[tx].at + q * step_of(u);
        taps->x[taps->count] = x + (row * u->in + column) * XK_LANES;
        taps->w[taps->count++] = w + (ty * u->taps + tx) * XK_LANES;
      }
    int64_t place = (phase + q * u->phases) * XK_LANES;
    xk_isa_now()->depthwise(taps, next - q, bias, add != NULL ? add + place : NULL, y + place);
  }
}

/* Part 'band' of 'bands' of the rows of one block of channels. */
static void convolve_band(const axis *v, const axis *u, int64_t band, int64_t bands, const float *x, const float *w,
                          const float *bias, const float *add, float lo, float hi, float *y) {
  reach down[XK_TAPS], across[XK_TAPS];
  xk_taps taps = {.x_step = step_of(u) * XK_LANES, .y_step = u->phases * XK_LANES, .lo = lo, .hi = hi};
  for (int64_t phase_y = 0; phase_y < v->phases; phase_y++) {
    int64_t rows = positions_of(v, phase_y);
    reaches_of(v, phase_y, down);
    for (int64_t phase_x = 0; phase_x < u->phases; phase_x++) {
      reaches_of(u, phase_x, across);
      for (int64_t r = band * rows / bands; r < (band + 1) * rows / bands; r++) {
        int64_t row = (phase_y + r * v->phases) * u->out * XK_LANES;
        convolve_row(v, u, down, across, r, phase_x, x, w, &taps, bias, add != NULL ? add + row : NULL, y + row);
      }
    }
  }
}

static void convolve(const xk_conv2d *p, bool backward, const float *x, const float *packed, const xk_finish *finish,
                     float *y) {
  axis v = axis_of(p->h, p->oh, p->kh, p->sh, p->pad_top, p->dh, backward);
  axis u = axis_of(p->w, p->ow, p->kw, p->sw, p->pad_left, p->dw, backward);
  int64_t blocks = xk_blocks(p->c), bands = xk__max(1, xk__min(v.out, p->oh * p->ow * p->kh * p->kw / BANDS_OF));
  int64_t tasks = p->n * blocks * bands;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (tasks > 1)
  for (int64_t task = 0; task < tasks; task++) {
    int64_t plane = task / bands, block = plane % blocks, from = plane * v.out * u.out * XK_LANES;
    if (xai_stop_requested()) continue;
    convolve_band(&v, &u, task % bands, bands, x + plane * v.in * u.in * XK_LANES,
                  packed + block * p->kh * p->kw * XK_LANES,
                  finish->bias != NULL ? finish->bias + block * XK_LANES : NULL,
                  finish->add != NULL ? finish->add + from : NULL, finish->lo, finish->hi, y + from);
  }
}

void xk__bdepth_forward(const xk_conv2d *p, const float *x, const float *packed, const xk_finish *finish, float *y,
                        void *work) {
  (void)work;
  convolve(p, false, x, packed, finish, y);
}

void xk__bdepth_backward_input(const xk_conv2d *p, const float *packed, const float *dy, float *dx, void *work) {
  const xk_finish plain = {.lo = -INFINITY, .hi = INFINITY};
  (void)work;
  convolve(p, true, dy, packed, &plain, dx);
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
