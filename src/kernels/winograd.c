/* kernels/winograd.c: fast convolutions 3x3 of plain arrays, for training. The batch is taken in slices, brought into
 * blocks of sixteen channels, convolved by blocked_winograd.c and brought back; moving costs little beside multiplying.
 * Gradients to the weights are summed over slices, which are cut by the sizes and the batch alone. */
#include <string.h>

#include "kernels/blocked_private.h"

enum {
  TAPS = 9,
  FEWEST = 8,     /* channels, filters */
  SMALLEST = 4,   /* outputs across */
  SLICE = 1 << 22 /* floats in blocks */
};

bool xk__winograd_fits(const xk_conv2d *p) {
  bool shape = p->kh == 3 && p->kw == 3 && p->sh == 1 && p->sw == 1 && p->dh == 1 && p->dw == 1 && p->groups == 1;
  bool pads = p->pad_top >= 0 && p->pad_top <= 2 && p->pad_left >= 0 && p->pad_left <= 2;
  return shape && pads && p->c >= FEWEST && p->m >= FEWEST && p->n > 0 && p->oh >= SMALLEST && p->ow >= SMALLEST;
}

/* ---- slices -------------------------------------------------------------------------------------------------------- */
static int64_t blocked_floats(int64_t n, int64_t c, int64_t hw) { return n * xk_blocks(c) * XK_LANES * hw; }

/* All slices are about alike, and none is larger than the first. */
static xk_conv2d slice_of(const xk_conv2d *p) {
  xk_conv2d slice = *p;
  int64_t image = blocked_floats(1, p->c, p->h * p->w) + blocked_floats(1, p->m, p->oh * p->ow);
  int64_t images = xk__max(1, SLICE / image);
  slice.n = xk__ceil_div(p->n, xk__ceil_div(p->n, images));
  return slice;
}

/* The scratch memory: what blocked_winograd.c wants comes last. */
typedef struct scratch {
  float *x, *y;      /* a slice in blocks: of the input, of the output; or of their gradients */
  float *bias;       /* filled up with zeros */
  float *weights;    /* packed; or a slice's gradient */
  void *work;
  size_t bytes;      /* of all but the last */
} scratch;

static scratch scratch_of(const xk_conv2d *slice, void *work) {
  size_t x = (size_t)blocked_floats(slice->n, slice->c, slice->h * slice->w);
  size_t y = (size_t)blocked_floats(slice->n, slice->m, slice->oh * slice->ow);
  size_t bias = (size_t)blocked_floats(1, slice->m, 1);
  size_t forward = xk__bwino_packed(slice, false), backward = xk__bwino_packed(slice, true);
  size_t weights = forward > backward ? forward : backward; /* a gradient, 9 in place of 16 or 36 numbers, is smaller */
  scratch s = {.x = work, .bytes = (x + y + bias + weights) * sizeof(float)};
  if (work == NULL) return s;
  s.y = s.x + x;
  s.bias = s.y + y;
  s.weights = s.bias + bias;
  s.work = s.weights + weights;
  return s;
}

static size_t work_of(const xk_conv2d *p) {
  size_t forward = xk__bwino_workspace(p, false), backward = xk__bwino_workspace(p, true);
  size_t most = forward > backward ? forward : backward, weights = xk__bwino_weight_workspace(p);
  return weights > most ? weights : most;
}

size_t xk__winograd_workspace(const xk_conv2d *p) {
  xk_conv2d slice = slice_of(p), last = slice;
  last.n = p->n - (xk__ceil_div(p->n, slice.n) - 1) * slice.n;
  size_t most = work_of(&slice), other = work_of(&last); /* fewer images may be cut differently and need more */
  return scratch_of(&slice, NULL).bytes + (most > other ? most : other);
}

/* ---- convolutions ---------------------------------------------------------------------------------------------------- */
void xk__winograd_forward(const xk_conv2d *p, const float *x, const float *w, const float *b, float *y, void *work) {
  xk_conv2d slice = slice_of(p);
  scratch s = scratch_of(&slice, work);
  xk_finish finish = {.bias = b != NULL ? s.bias : NULL, .lo = -INFINITY, .hi = INFINITY};
  if (b != NULL) xk_block(1, p->m, 1, b, s.bias);
  xk__bwino_pack(p, false, w, NULL, s.weights);
  for (int64_t at = 0, most = slice.n; at < p->n; at += most) {
    slice.n = xk__min(most, p->n - at);
    xk_block(slice.n, p->c, p->h * p->w, x + at * p->c * p->h * p->w, s.x);
    xk__bwino_forward(&slice, s.x, s.weights, &finish, s.y, s.work);
    xk_unblock(slice.n, p->m, p->oh * p->ow, s.y, y + at * p->m * p->oh * p->ow);
  }
}

void xk__winograd_backward_input(const xk_conv2d *p, const float *w, const float *dy, float *dx, void *work) {
  xk_conv2d slice = slice_of(p);
  scratch s = scratch_of(&slice, work);
  xk__bwino_pack(p, true, w, NULL, s.weights);
  for (int64_t at = 0, most = slice.n; at < p->n; at += most) {
    slice.n = xk__min(most, p->n - at);
    xk_block(slice.n, p->m, p->oh * p->ow, dy + at * p->m * p->oh * p->ow, s.y);
    xk__bwino_backward_input(&slice, s.weights, s.y, s.x, s.work);
    xk_unblock(slice.n, p->c, p->h * p->w, s.x, dx + at * p->c * p->h * p->w);
  }
}

void xk__winograd_backward_weight(const xk_conv2d *p, const float *x, const float *dy, float *dw, void *work) {
  xk_conv2d slice = slice_of(p);
  scratch s = scratch_of(&slice, work);
  for (int64_t at = 0, most = slice.n; at < p->n && !xai_stop_requested(); at += most) {
    slice.n = xk__min(most, p->n - at);
    xk_block(slice.n, p->c, p->h * p->w, x + at * p->c * p->h * p->w, s.x);
    xk_block(slice.n, p->m, p->oh * p->ow, dy + at * p->m * p->oh * p->ow, s.y);
    xk__bwino_backward_weight(&slice, s.x, s.y, at == 0 ? dw : s.weights, s.work);
    if (at > 0) xk_accumulate(p->m * p->c * TAPS, s.weights, dw);
  }
}
