/* kernels/pad.c: constant, reflecting and repeating borders around an array of any rank, and their adjoint. */
#include <string.h>

#include "kernels/kernels.h"

/* The problem with the element strides of the small (x) and the padded (y) array. */
typedef struct walk {
  const xk_pad *p;
  float value;
  int64_t stride_x[8], stride_y[8], out[8];
} walk;

static int64_t positive(int64_t n) { return n > 0 ? n : 0; }

static walk prepare(const xk_pad *p, float value) {
  walk w = {.p = p, .value = value};
  int64_t step_x = 1, step_y = 1;
  for (int d = p->rank - 1; d >= 0; d--) {
    w.stride_x[d] = step_x;
    w.stride_y[d] = step_y;
    w.out[d] = p->dims[d] + p->before[d] + p->after[d];
    step_x *= p->dims[d];
    step_y *= w.out[d];
  }
  return w;
}

/* The position on axis d of x that position o of y shows; -1 for the constant. */
static int64_t source(const xk_pad *p, int d, int64_t o) {
  int64_t cut = positive(-p->before[d]), left = p->dims[d] - cut - positive(-p->after[d]);
  int64_t i = o - positive(p->before[d]);
  if (i < 0 || i >= left) {
    if (p->mode == XK_PAD_CONSTANT) return -1;
    if (p->mode == XK_PAD_REFLECT) i = i < 0 ? -i : 2 * (left - 1) - i;
    else i = i < 0 ? 0 : left - 1;
  }
  return i + cut;
}

/* x: the part of the input below the axes already walked, NULL in the constant's region */
static void forward_axis(const walk *w, int d, const float *x, float *y) {
  if (d == w->p->rank) {
    *y = x != NULL ? *x : w->value;
    return;
  }
  for (int64_t o = 0; o < w->out[d]; o++) {
    int64_t i = source(w->p, d, o);
    forward_axis(w, d + 1, x != NULL && i >= 0 ? x + i * w->stride_x[d] : NULL, y + o * w->stride_y[d]);
  }
}

static void backward_axis(const walk *w, int d, const float *dy, float *dx) {
  if (d == w->p->rank) {
    *dx += *dy;
    return;
  }
  for (int64_t o = 0; o < w->out[d]; o++) {
    int64_t i = source(w->p, d, o);
    if (i >= 0) backward_axis(w, d + 1, dy + o * w->stride_y[d], dx + i * w->stride_x[d]);
  }
}

void xk_pad_forward(const xk_pad *p, float value, const float *x, float *y) {
  walk w = prepare(p, value);
  forward_axis(&w, 0, x, y);
}

void xk_pad_backward(const xk_pad *p, const float *dy, float *dx) {
  walk w = prepare(p, 0);
  int64_t count = p->rank == 0 ? 1 : w.stride_x[0] * p->dims[0];
  memset(dx, 0, (size_t)count * sizeof *dx);
  backward_axis(&w, 0, dy, dx);
}
