/* kernels/window.h: the windows of pools, clipped to the input. */
#ifndef KERNELS_WINDOW_H
#define KERNELS_WINDOW_H

#include "kernels/private.h"

/* The window of one output position along one axis: taps [first, end) lie inside the input. */
typedef struct xk__span {
  int64_t start, first, end; /* input coordinate of tap 0; may be negative */
} xk__span;

static inline xk__span xk__window(int64_t o, int64_t stride, int64_t pad, int64_t kernel, int64_t dilation,
                                  int64_t size) {
  xk__span s = {.start = o * stride - pad, .end = kernel};
  if (s.start < 0) s.first = xk__min(kernel, xk__ceil_div(-s.start, dilation));
  if (s.start + (kernel - 1) * dilation >= size)
    s.end = s.start >= size ? 0 : xk__min(kernel, xk__ceil_div(size - s.start, dilation));
  if (s.end < s.first) s.end = s.first;
  return s;
}

static inline xk__span xk__window_rows(const xk_pool2d *p, int64_t oy) {
  return xk__window(oy, p->sh, p->pad_top, p->kh, p->dh, p->h);
}
static inline xk__span xk__window_columns(const xk_pool2d *p, int64_t ox) {
  return xk__window(ox, p->sw, p->pad_left, p->kw, p->dw, p->w);
}

/* How many taps of a window count in an average: those inside the input, or inside the padded input. */
static inline int64_t xk__counted(xk__span s, int64_t kernel, int64_t dilation, int64_t size, int64_t pad_after,
                                  bool include_pad) {
  if (!include_pad) return s.end - s.first;
  return xk__min(kernel, xk__ceil_div(xk__max(0, size + pad_after - s.start), dilation));
}

/* 1 / number of counted elements; 0 for a window without any, so that its average and gradient are 0 */
static inline double xk__share(const xk_pool2d *p, xk__span rows, xk__span columns) {
  int64_t n = xk__counted(rows, p->kh, p->dh, p->h, p->pad_bottom, p->count_include_pad) *
              xk__counted(columns, p->kw, p->dw, p->w, p->pad_right, p->count_include_pad);
  return n > 0 ? 1.0 / (double)n : 0;
}

#endif
