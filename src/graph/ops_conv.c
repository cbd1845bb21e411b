/* graph/ops_conv.c: Conv in one and two dimensions, with groups, strides, dilation and padding.
 * A one-dimensional convolution is a two-dimensional one over images of height 1. */
#include "graph/op_check.h"

enum { X, W, B }; /* inputs: batch x c [x h] x w, m x c/group [x kh] x kw, m */

static const xai_attr_spec conv_attrs[] = {
    {.name = "auto_pad", .kind = XAI_ATTR_CHOICE, .offset = offsetof(xai_attrs, conv.auto_pad),
     .choices = xai_op__auto_pads},
    XAI_ATTR(INTS, "dilations", conv.dilations, 0),
    XAI_ATTR(INT, "group", conv.group, 1),
    XAI_ATTR(INTS, "kernel_shape", conv.kernel_shape, 0),
    XAI_ATTR(INTS, "pads", conv.pads, 0),
    XAI_ATTR(INTS, "strides", conv.strides, 0),
    {0},
};

static xai_status check_channels(const xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[X].shape, *w = &c->in[W].shape;
  int64_t groups = c->attrs->conv.group;
  if (w->rank != x->rank)
    return xai_fail(err, XAI_ESHAPE, "weights %s and input %s differ in their number of axes", TEXT(w), TEXT(x));
  if (groups < 1) return xai_fail(err, XAI_EARG, "group %" PRId64 " (expected 1 or more)", groups);
  if (w->dims[0] % groups != 0)
    return xai_fail(err, XAI_ESHAPE, "%" PRId64 " output channels do not divide into %" PRId64 " groups", w->dims[0],
                    groups);
  if (x->dims[1] % groups != 0 || x->dims[1] / groups != w->dims[1])
    return xai_fail(err, XAI_ESHAPE, "%" PRId64 " input channels do not match weights %s in %" PRId64 " group%s",
                    x->dims[1], TEXT(w), groups, groups == 1 ? "" : "s");
  const xai_shape *b = &c->in[B].shape;
  if (xai_call_has(c, B) && (b->rank != 1 || b->dims[0] != w->dims[0]))
    return xai_fail(err, XAI_ESHAPE, "bias %s does not match %" PRId64 " output channels", TEXT(b), w->dims[0]);
  return XAI_OK;
}

static xai_status find_windows(const xai_call *c, xai_window win[2], xai_err *err) {
  const xai_attrs_conv *a = &c->attrs->conv;
  const xai_shape *w = &c->in[W].shape;
  xai_ints kernel = {.n = w->rank - 2};
  for (int d = 0; d < kernel.n; d++) kernel.v[d] = w->dims[2 + d];
  xai_window_attrs attrs = {a->auto_pad, 0, &kernel, &a->strides, &a->pads, &a->dilations};
  return xai_op__windows(&attrs, &c->in[X].shape, win, err);
}

static xai_status conv_infer(xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[X].shape, *w = &c->in[W].shape;
  for (int i = 0; i < c->n_in; i++)
    if (xai_call_has(c, i)) XAI_TRY(xai_op__need_float(c, i, err));
  if (x->rank != 3 && x->rank != 4)
    return xai_fail(err, XAI_EUNSUPPORTED, "input %s has %d axes (expected 3 or 4)", TEXT(x), x->rank);
  XAI_TRY(check_channels(c, err));

  const xai_ints *declared = &c->attrs->conv.kernel_shape;
  bool differs = declared->n != 0 && declared->n != w->rank - 2;
  for (int d = 0; !differs && d < declared->n; d++) differs = declared->v[d] != w->dims[2 + d];
  if (differs) return xai_fail(err, XAI_ESHAPE, "kernel_shape does not match weights %s", TEXT(w));

  xai_window win[2];
  XAI_TRY(find_windows(c, win, err));
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = xai_op__window_shape(x, w->dims[0], win);
  return XAI_OK;
}

static xk_conv2d problem(const xai_call *c) {
  const xai_shape *x = &c->in[X].shape;
  xai_window win[2];
  find_windows(c, win, NULL); /* infer has seen it succeed */
  const xai_window *v = &win[0], *h = &win[1];
  return (xk_conv2d){
      .n = x->dims[0], .c = x->dims[1], .h = x->rank == 3 ? 1 : x->dims[2], .w = x->dims[x->rank - 1],
      .m = c->in[W].shape.dims[0], .oh = v->out, .ow = h->out, .groups = c->attrs->conv.group,
      .kh = v->kernel, .kw = h->kernel, .sh = v->stride, .sw = h->stride, .dh = v->dilation, .dw = h->dilation,
      .pad_top = v->before, .pad_left = h->before};
}

static size_t conv_workspace(const xai_call *c) {
  xk_conv2d p = problem(c);
  return xk_conv2d_workspace(&p);
}

static void conv_forward(const xai_call *c) {
  xk_conv2d p = problem(c);
  const float *b = xai_call_has(c, B) ? c->in[B].data : NULL;
  xk_conv2d_forward(&p, c->in[X].data, c->in[W].data, b, c->out[0].data, c->work);
}

static void conv_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_conv2d p = problem(c);
  const float *dy = c->dout[0].data;
  float *dx = xai_op__din(c, X), *dw = xai_op__din(c, W), *db = xai_op__din(c, B);
  if (dx != NULL) xk_conv2d_backward_input(&p, c->in[W].data, dy, dx, c->work);
  if (dw != NULL) xk_conv2d_backward_weight(&p, c->in[X].data, dy, dw, c->work);
  if (db != NULL) xk_channel_sum(p.n, p.m, p.oh * p.ow, dy, db);
}

const xai_op_def xai_op_def_CONV = {
    .name = "Conv", .min_in = 2, .max_in = 3, .max_out = 1,
    .grad = {XAI_READS(W), XAI_READS(X), 0},
    .attrs = conv_attrs, .infer = conv_infer, .workspace = conv_workspace,
    .forward = conv_forward, .backward = conv_backward,
};
