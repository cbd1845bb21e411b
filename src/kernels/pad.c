/* kernels/pad.c: constant, reflecting, repeating and periodic borders around an array of any rank, and their adjoint. */
#include <string.h>

#include "kernels/kernels.h"

/* The problem with the element strides of the small (x) and the padded (y) array. */
typedef struct walk {
  const xk_pad *p;
  size_t size;
  const void *value;
  int64_t stride_x[8], stride_y[8], out[8];
} walk;

static int64_t positive(int64_t n) { return n > 0 ? n : 0; }

static walk prepare(const xk_pad *p, size_t size, const void *value) {
  walk w = {.p = p, .size = size, .value = value};
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

/* What negative pads leave of axis d: 'left' elements from 'cut' on. */
static void kept(const xk_pad *p, int d, int64_t *cut, int64_t *left) {
  *cut = positive(-p->before[d]);
  *left = p->dims[d] - *cut - positive(-p->after[d]);
}

/* The position on axis d of x that position o of y shows; -1 for the constant. */
static int64_t source(const xk_pad *p, int d, int64_t o) {
  int64_t cut, left, i = o - positive(p->before[d]);
  kept(p, d, &cut, &left);
  if (i < 0 || i >= left) {
    if (p->mode == XK_PAD_CONSTANT) return -1;
    if (p->mode == XK_PAD_REFLECT) i = i < 0 ? -i : 2 * (left - 1) - i;
    else if (p->mode == XK_PAD_WRAP) i = (i % left + left) % left;
    else i = i < 0 ? 0 : left - 1;
  }
  return i + cut;
}

/* The last axis; what is not border is one block. x NULL: all of it is the constant. */
static void forward_row(const walk *w, const char *x, char *y) {
  int d = w->p->rank - 1;
  int64_t cut, left, first = positive(w->p->before[d]);
  kept(w->p, d, &cut, &left);
  for (int64_t o = 0; o < w->out[d]; o++) {
    if (x != NULL && o == first && left > 0) {
      memcpy(y + (size_t)o * w->size, x + (size_t)cut * w->size, (size_t)left * w->size);
      o += left - 1;
      continue;
    }
    int64_t i = x == NULL ? -1 : source(w->p, d, o);
    memcpy(y + (size_t)o * w->size, i < 0 ? w->value : x + (size_t)i * w->size, w->size);
  }
}

/* x, y: the parts below the axes already walked */
static void forward_axis(const walk *w, int d, const char *x, char *y) {
  if (d == w->p->rank - 1) {
    forward_row(w, x, y);
    return;
  }
  for (int64_t o = 0; o < w->out[d]; o++) {
    int64_t i = x == NULL ? -1 : source(w->p, d, o);
    forward_axis(w, d + 1, i < 0 ? NULL : x + (size_t)(i * w->stride_x[d]) * w->size,
                 y + (size_t)(o * w->stride_y[d]) * w->size);
  }
}

static void backward_axis(const walk *w, int d, const float *dy, float *dx) {
  for (int64_t o = 0; o < w->out[d]; o++) {
    int64_t i = source(w->p, d, o);
    if (i < 0) continue;
    if (d == w->p->rank - 1) dx[i] += dy[o];
    else backward_axis(w, d + 1, dy + o * w->stride_y[d], dx + i * w->stride_x[d]);
  }
}

void xk_pad_forward(const xk_pad *p, size_t size, const void *value, const void *x, void *y) {
  walk w = prepare(p, size, value);
  forward_axis(&w, 0, x, y);
}

void xk_pad_backward(const xk_pad *p, const float *dy, float *dx) {
  walk w = prepare(p, sizeof *dx, NULL);
  memset(dx, 0, (size_t)(w.stride_x[0] * p->dims[0]) * sizeof *dx);
  backward_axis(&w, 0, dy, dx);
}
