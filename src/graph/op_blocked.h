/* graph/op_blocked.h: what the rows on blocked arrays share. For ops_blocked.c and ops_blocked_training.c. */
#ifndef GRAPH_OP_BLOCKED_H
#define GRAPH_OP_BLOCKED_H

#include <math.h>

#include "graph/op_check.h"
#include "kernels/blocked.h"

/* ---- attributes: the problem of a convolution; the bounds of what ends with a rectifier ------------------------- */
#define BLOCKED_CONV_SIZES                                                                                             \
  XAI_ATTR(INT, "c", blocked.conv.c, 0), XAI_ATTR(INT, "h", blocked.conv.h, 0), XAI_ATTR(INT, "w", blocked.conv.w, 0), \
      XAI_ATTR(INT, "m", blocked.conv.m, 0), XAI_ATTR(INT, "oh", blocked.conv.oh, 0),                                  \
      XAI_ATTR(INT, "ow", blocked.conv.ow, 0), XAI_ATTR(INT, "groups", blocked.conv.groups, 1),                        \
      XAI_ATTR(INT, "kh", blocked.conv.kh, 1), XAI_ATTR(INT, "kw", blocked.conv.kw, 1),                                \
      XAI_ATTR(INT, "sh", blocked.conv.sh, 1), XAI_ATTR(INT, "sw", blocked.conv.sw, 1),                                \
      XAI_ATTR(INT, "dh", blocked.conv.dh, 1), XAI_ATTR(INT, "dw", blocked.conv.dw, 1),                                \
      XAI_ATTR(INT, "pad_top", blocked.conv.pad_top, 0), XAI_ATTR(INT, "pad_left", blocked.conv.pad_left, 0)
#define BLOCKED_BOUNDS XAI_ATTR(FLOAT, "lo", blocked.lo, -INFINITY), XAI_ATTR(FLOAT, "hi", blocked.hi, INFINITY)

/* ---- checks ------------------------------------------------------------------------------------------------------ */
static inline xai_status blocked_need_shape(const xai_call *c, int i, const xai_shape *want, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, i, err));
  if (xai_shape_equal(&c->in[i].shape, want)) return XAI_OK;
  return xai_fail(err, XAI_ESHAPE, "input %d is %s (expected %s)", i, TEXT(&c->in[i].shape), TEXT(want));
}

static inline xai_status blocked_need(const xai_call *c, int i, xai_err *err) {
  const xai_shape *x = &c->in[i].shape;
  XAI_TRY(xai_op__need_float(c, i, err));
  if (x->rank == 5 && x->dims[4] == XK_LANES) return XAI_OK;
  return xai_fail(err, XAI_ESHAPE, "input %d is %s (expected blocks of %d channels)", i, TEXT(x), XK_LANES);
}

/* ---- sizes ------------------------------------------------------------------------------------------------------- */
static inline int64_t blocked_count(const xai_view *v) { return xai_shape_size(&v->shape); }
static inline int64_t blocked_plane(const xai_shape *s) { return s->dims[2] * s->dims[3]; }

/* The convolution of input 0. */
static inline xk_conv2d blocked_problem(const xai_call *c) {
  xk_conv2d p = c->attrs->blocked.conv;
  p.n = c->in[0].shape.dims[0];
  return p;
}

/* Shapes of its input and output; output 0 gets the latter. */
static inline xai_status blocked_conv_shapes(xai_call *c, xai_err *err) {
  xk_conv2d p = blocked_problem(c);
  xai_shape x = XAI_SHAPE(p.n, xk_blocks(p.c), p.h, p.w, XK_LANES), plain = XAI_SHAPE(p.n, p.c, p.h, p.w);
  if (c->in[0].shape.rank <= 0 || !xk_bconv_fits(&p)) return xai_fail(err, XAI_EARG, "no blocked convolution");
  XAI_TRY(blocked_need_shape(c, 0, xk_bconv_plain_input(&p) ? &plain : &x, err));
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = XAI_SHAPE(p.n, xk_blocks(p.m), p.oh, p.ow, XK_LANES);
  return XAI_OK;
}

/* ---- rectifiers at the end ------------------------------------------------------------------------------------------ */
static inline float blocked_lo(const xai_call *c) { return (float)c->attrs->blocked.lo; }
static inline float blocked_hi(const xai_call *c) { return (float)c->attrs->blocked.hi; }

/* The gradient before the rectifier that made output 0. */
static inline void blocked_gate(const xai_call *c, float *dx) {
  const float *y = c->out[0].data, *dy = c->dout[0].data;
  int64_t parts = xai_op__parts(c, &c->out[0].shape), n = blocked_count(&c->out[0]) / parts;
  for (int64_t i = 0; i < parts; i++)
    xk_gate(n, c->rule, blocked_lo(c), blocked_hi(c), y + i * n, dy + i * n, dx + i * n);
}

/* What finishes the gradient to input i; its own array to be added to. */
static inline xk_finish blocked_finish(const xai_call *c, int i) {
  xk_finish f = {.lo = -INFINITY, .hi = INFINITY, .rule = c->rule};
  if (c->adds != NULL && c->adds[i]) f.add = c->din[i].data;
  if (c->gates != NULL && c->gates[i].there) {
    f.gate = c->in[i].data;
    f.lo = c->gates[i].lo;
    f.hi = c->gates[i].hi;
  }
  return f;
}

/* The gradient to input 0; where it is plain, it is added by way of the workspace. */
static inline void blocked_conv_input(const xai_call *c, const xk_conv2d *p, const float *packed, const float *dy,
                                      void *work) {
  xk_finish finish = blocked_finish(c, 0);
  float *dx = c->din[0].data;
  if (!xk_bconv_plain_input(p)) {
    xk_bconv_backward_input(p, packed, dy, &finish, dx, work);
    return;
  }
  xk_bconv_backward_input(p, packed, dy, NULL, finish.add != NULL ? work : dx, NULL);
  if (finish.add != NULL) xk_accumulate(blocked_count(&c->in[0]), work, dx);
}

/* Its workspace */
static inline size_t blocked_conv_input_bytes(const xai_call *c, const xk_conv2d *p) {
  return xk_bconv_plain_input(p) ? xai_view_bytes(&c->in[0]) : xk_bconv_workspace(p, true);
}

#endif
