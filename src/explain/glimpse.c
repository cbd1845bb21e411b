/* explain/glimpse.c: see glimpse.h.
 *
 * The network sees a window of the picture, brought to the network's size. Of a picture H high the window is
 *   H                    with pad 0: what leaves at one side comes back at the other
 *   H + 2 pad - 2 jitter with a border of 'pad' grey pixels, from which a random window is cut (Olah et al. 2017 cut twice)
 *   crop H               with crops, about a place drawn from a normal distribution (Fel et al. 2023)
 * high, over 1 + scale k/5, k = -5..5; it is turned by rotate k/10 degrees, k = -10..10 or one of five zeros more, about
 * its middle. One interpolation does it all. */
#include "explain/glimpse.h"

#include <math.h>

#include "base/rng.h"
#include "base/status.h"

enum { DOWN, RIGHT, SCALE, ANGLE, MIRROR, CENTRE }; /* draws; from CENTRE on normal ones, two numbers each */

static double window_size(const xai_ascent_opts *o, double size) {
  return o->pad > 0 ? size + 2 * ((double)o->pad - (double)o->jitter) : size;
}

xai_status xai_glimpse__check(const xai_ascent_opts *o, const xai_canvas *v, xai_err *err) {
  double shorter = (double)(v->h < v->w ? v->h : v->w);
  if (window_size(o, shorter) >= 1) return XAI_OK;
  return xai_fail(err, XAI_EARG,
                  "jitter: of %lld x %lld pixels nothing is left to be seen (expected at most %lld, half the shorter side and pad)",
                  (long long)v->h, (long long)v->w, (long long)((shorter - 1) / 2) + (long long)o->pad);
}

/* A window of dy x dx picture pixels per pixel seen, about (row, col), turned. */
static xai_glimpse window(const xai_canvas *v, double row, double col, double dy, double dx, double turn, bool mirror,
                          bool wrap) {
  double h = (double)v->shape.dims[2], w = (double)v->shape.dims[3], c = cos(turn), s = sin(turn);
  if (mirror) dx = -dx;
  xai_glimpse g = {.window = {.c = v->c, .h = v->h, .w = v->w, .wrap = wrap}};
  g.window.oh = v->shape.dims[2], g.window.ow = v->shape.dims[3];
  xk_affine *a = &g.window;
  a->row[0] = c * dy, a->row[1] = -s * dx;
  a->col[0] = s * dy, a->col[1] = c * dx;
  a->row[2] = row - a->row[0] * (h - 1) / 2 - a->row[1] * (w - 1) / 2;
  a->col[2] = col - a->col[0] * (h - 1) / 2 - a->col[1] * (w - 1) / 2;
  return g;
}

static bool same_size(const xai_canvas *v) { return v->h == v->shape.dims[2] && v->w == v->shape.dims[3]; }

xai_glimpse xai_glimpse__plain(const xai_canvas *v) {
  double h = (double)v->h, w = (double)v->w;
  if (same_size(v)) return (xai_glimpse){.whole = true};
  return window(v, (h - 1) / 2, (w - 1) / 2, h / (double)v->shape.dims[2], w / (double)v->shape.dims[3], 0, false, false);
}

/* The share of the picture that a crop shows: from step to step along a line, and about it. */
static double crop_share(const xai_ascent_opts *o, int64_t step, double normal) {
  double way = o->steps > 1 ? (double)step / (double)(o->steps - 1) : 0;
  double share = o->crop + (o->crop_end - o->crop) * way + 0.05 * normal;
  return share < 0.05 ? 0.05 : share > 1 ? 1 : share;
}

xai_glimpse xai_glimpse__draw(const xai_ascent_opts *o, const xai_canvas *v, int64_t step, int64_t view) {
  uint64_t seed = o->seed < 0 ? xai_seed() : (uint64_t)o->seed, places = 2 * (uint64_t)o->jitter + 1;
  uint64_t dice = xai_rng_stream(seed, (uint64_t)(step * o->views + view) + 1);
  int64_t down = (int64_t)(xai_rng_u64(dice, DOWN) % places) - o->jitter,
          right = (int64_t)(xai_rng_u64(dice, RIGHT) % places) - o->jitter;
  bool simple = o->pad == 0 && o->scale == 0 && o->rotate == 0 && !o->mirror && o->crop == 0;
  if (simple && same_size(v)) return (xai_glimpse){.whole = true, .down = down, .right = right};
  double h = (double)v->h, w = (double)v->w, row = (h - 1) / 2 - (double)down, col = (w - 1) / 2 - (double)right;
  double seen_h = window_size(o, h), seen_w = window_size(o, w);
  if (o->crop > 0) {
    double share = crop_share(o, step, xai_rng_normal(dice, CENTRE));
    seen_h = share * h, seen_w = share * w;
    row += 0.15 * h * xai_rng_normal(dice, CENTRE + 1);
    col += 0.15 * w * xai_rng_normal(dice, CENTRE + 2);
  }
  double larger = 1 + o->scale * ((double)(xai_rng_u64(dice, SCALE) % 11) - 5) / 5;
  int tenths = (int)(xai_rng_u64(dice, ANGLE) % 26);
  double turn = tenths < 21 ? o->rotate * (tenths - 10) / 10 * (3.14159265358979323846 / 180) : 0;
  bool mirror = o->mirror && xai_rng_u64(dice, MIRROR) % 2 != 0;
  double dy = seen_h / (double)v->shape.dims[2] / larger, dx = seen_w / (double)v->shape.dims[3] / larger;
  return window(v, row, col, dy, dx, turn, mirror, o->pad == 0 && o->crop == 0);
}

void xai_glimpse__show(const xai_glimpse *g, xai_canvas *v) {
  if (g->whole) {
    xai_canvas__show(v, g->down, g->right);
    return;
  }
  xk_affine_forward(&g->window, v->z, v->grey, v->x);
  xai_canvas__scale(v, v->shape.dims[2] * v->shape.dims[3], v->x, v->x);
}

void xai_glimpse__take(const xai_glimpse *g, xai_canvas *v, const float *dx) {
  if (g->whole) {
    xai_canvas__take(v, dx, g->down, g->right);
    return;
  }
  xk_affine_backward(&g->window, dx, v->g);
  xai_canvas__scale(v, v->h * v->w, v->g, v->g);
}
