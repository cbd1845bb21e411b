/* graph/ops_conv.c: Conv and ConvTranspose in one to three dimensions, with groups, strides, dilation and padding.
 *
 * A one-dimensional convolution is a two-dimensional one over images of height 1; three dimensions have plain kernels
 * of their own. ConvTranspose is the adjoint of the convolution that has the same weights: what is that one's gradient
 * to the input is the forward direction here, and the other way round. */
#include "graph/op_check.h"

enum { X, W, B }; /* inputs: batch x c [[x d] x h] x w, m x c/group [[x kd] x kh] x kw, m */

/* ---- Conv ---------------------------------------------------------------------------------------------- */

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

static xai_status check_rank(const xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[X].shape, *w = &c->in[W].shape;
  for (int i = 0; i < c->n_in; i++)
    if (xai_call_has(c, i)) XAI_TRY(xai_op__need_float(c, i, err));
  if (x->rank < 3 || x->rank > 2 + XAI_AXES)
    return xai_fail(err, XAI_EUNSUPPORTED, "input %s has %d axes (expected 3 to 5)", TEXT(x), x->rank);
  if (w->rank != x->rank)
    return xai_fail(err, XAI_ESHAPE, "weights %s and input %s differ in their number of axes", TEXT(w), TEXT(x));
  if (c->attrs->conv.group < 1)
    return xai_fail(err, XAI_EARG, "group %" PRId64 " (expected 1 or more)", c->attrs->conv.group);
  const xai_ints *declared = &c->attrs->conv.kernel_shape;
  bool differs = declared->n != 0 && declared->n != w->rank - 2;
  for (int d = 0; !differs && d < declared->n; d++) differs = declared->v[d] != w->dims[2 + d];
  if (differs) return xai_fail(err, XAI_ESHAPE, "kernel_shape does not match weights %s", TEXT(w));
  return XAI_OK;
}

static xai_status check_bias(const xai_call *c, int64_t channels, xai_err *err) {
  const xai_shape *b = &c->in[B].shape;
  if (xai_call_has(c, B) && (b->rank != 1 || b->dims[0] != channels))
    return xai_fail(err, XAI_ESHAPE, "bias %s does not match %" PRId64 " output channels", TEXT(b), channels);
  return XAI_OK;
}

static xai_status check_channels(const xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[X].shape, *w = &c->in[W].shape;
  int64_t groups = c->attrs->conv.group;
  if (w->dims[0] % groups != 0)
    return xai_fail(err, XAI_ESHAPE, "%" PRId64 " output channels do not divide into %" PRId64 " groups", w->dims[0],
                    groups);
  if (x->dims[1] % groups != 0 || x->dims[1] / groups != w->dims[1])
    return xai_fail(err, XAI_ESHAPE, "%" PRId64 " input channels do not match weights %s in %" PRId64 " group%s",
                    x->dims[1], TEXT(w), groups, groups == 1 ? "" : "s");
  return check_bias(c, w->dims[0], err);
}

static xai_ints kernel_of(const xai_shape *w) {
  xai_ints kernel = {.n = w->rank - 2};
  for (int d = 0; d < kernel.n; d++) kernel.v[d] = w->dims[2 + d];
  return kernel;
}

static xai_status find_windows(const xai_call *c, xai_window win[XAI_AXES], xai_err *err) {
  const xai_attrs_conv *a = &c->attrs->conv;
  xai_ints kernel = kernel_of(&c->in[W].shape);
  xai_window_attrs attrs = {a->auto_pad, 0, &kernel, &a->strides, &a->pads, &a->dilations};
  return xai_op__windows(&attrs, &c->in[X].shape, win, err);
}

static xai_status conv_infer(xai_call *c, xai_err *err) {
  xai_window win[XAI_AXES];
  XAI_TRY(check_rank(c, err));
  XAI_TRY(check_channels(c, err));
  XAI_TRY(find_windows(c, win, err));
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = xai_op__window_shape(&c->in[X].shape, c->in[W].shape.dims[0], win);
  return XAI_OK;
}

/* The convolution between two arrays: 'in' as its input, 'm' channels as its output. */
static xk_conv3d convolution(const xai_call *c, const xai_shape *in, int64_t m, const xai_window win[XAI_AXES]) {
  return (xk_conv3d){
      .v = xai_op__volume(in, win), .n = in->dims[0], .c = in->dims[1], .m = m, .groups = c->attrs->conv.group};
}

static xk_conv3d conv_problem(const xai_call *c) {
  xai_window win[XAI_AXES];
  find_windows(c, win, NULL); /* infer has seen it succeed */
  return convolution(c, &c->in[X].shape, c->in[W].shape.dims[0], win);
}

/* true when the convolution is over pictures, for which there are fast kernels */
static bool is_flat(const xk_conv3d *p, xk_conv2d *flat) {
  const xk_volume *v = &p->v;
  if (v->in[0] != 1 || v->out[0] != 1 || v->kernel[0] != 1) return false;
  *flat = (xk_conv2d){
      .n = p->n, .c = p->c, .h = v->in[1], .w = v->in[2], .m = p->m, .oh = v->out[1], .ow = v->out[2],
      .groups = p->groups, .kh = v->kernel[1], .kw = v->kernel[2], .sh = v->stride[1], .sw = v->stride[2],
      .dh = v->dilation[1], .dw = v->dilation[2], .pad_top = v->before[1], .pad_left = v->before[2]};
  return true;
}

bool xai_op__conv2d(const xai_call *c, xk_conv2d *p) {
  xk_conv3d whole = conv_problem(c);
  return is_flat(&whole, p);
}

static size_t workspace(const xk_conv3d *p) {
  xk_conv2d flat;
  return is_flat(p, &flat) ? xk_conv2d_workspace(&flat) : 0;
}

static void forward(const xai_call *c, const xk_conv3d *p, const float *x, const float *w, const float *b, float *y) {
  xk_conv2d flat;
  if (is_flat(p, &flat)) xk_conv2d_forward(&flat, x, w, b, y, c->work);
  else xk_conv3d_forward(p, x, w, b, y);
}

static void backward_input(const xai_call *c, const xk_conv3d *p, const float *w, const float *dy, float *dx) {
  xk_conv2d flat;
  if (is_flat(p, &flat)) xk_conv2d_backward_input(&flat, w, dy, dx, c->work);
  else xk_conv3d_backward_input(p, w, dy, dx);
}

static void backward_weight(const xai_call *c, const xk_conv3d *p, const float *x, const float *dy, float *dw) {
  xk_conv2d flat;
  if (is_flat(p, &flat)) xk_conv2d_backward_weight(&flat, x, dy, dw, c->work);
  else xk_conv3d_backward_weight(p, x, dy, dw);
}

static size_t conv_workspace(const xai_call *c) {
  xk_conv3d p = conv_problem(c);
  return workspace(&p);
}

static void conv_forward(const xai_call *c) {
  xk_conv3d p = conv_problem(c);
  const float *b = xai_call_has(c, B) ? c->in[B].data : NULL;
  forward(c, &p, c->in[X].data, c->in[W].data, b, c->out[0].data);
}

/* The bias was added to every position of its channel. */
static void bias_backward(const xai_call *c) {
  const xai_shape *y = &c->out[0].shape;
  float *db = xai_op__din(c, B);
  if (db != NULL) xk_channel_sum(y->dims[0], y->dims[1], xai_shape_span(y, 2, y->rank), c->dout[0].data, db);
}

static void conv_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_conv3d p = conv_problem(c);
  const float *dy = c->dout[0].data;
  float *dx = xai_op__din(c, X), *dw = xai_op__din(c, W);
  if (dx != NULL) backward_input(c, &p, c->in[W].data, dy, dx);
  if (dw != NULL) backward_weight(c, &p, c->in[X].data, dy, dw);
  bias_backward(c);
}

const xai_op_def xai_op_def_CONV = {
    .name = "Conv", .min_in = 2, .max_in = 3, .max_out = 1, .flags = XAI_OP_MIXES,
    .grad = {XAI_READS(W), XAI_READS(X), 0},
    .attrs = conv_attrs, .infer = conv_infer, .workspace = conv_workspace,
    .forward = conv_forward, .backward = conv_backward,
};

/* ---- ConvTranspose --------------------------------------------------------------------------------------- */

static const xai_attr_spec transpose_attrs[] = {
    {.name = "auto_pad", .kind = XAI_ATTR_CHOICE, .offset = offsetof(xai_attrs, conv.auto_pad),
     .choices = xai_op__auto_pads},
    XAI_ATTR(INTS, "dilations", conv.dilations, 0),
    XAI_ATTR(INT, "group", conv.group, 1),
    XAI_ATTR(INTS, "kernel_shape", conv.kernel_shape, 0),
    XAI_ATTR(INTS, "output_padding", conv.output_padding, 0),
    XAI_ATTR(INTS, "output_shape", conv.output_shape, 0),
    XAI_ATTR(INTS, "pads", conv.pads, 0),
    XAI_ATTR(INTS, "strides", conv.strides, 0),
    {0},
};

/* Weights are x's channels x y's channels/group [[x kd] x kh] x kw. */
static xai_status check_transposed_channels(const xai_call *c, int64_t *channels, xai_err *err) {
  const xai_shape *x = &c->in[X].shape, *w = &c->in[W].shape;
  int64_t groups = c->attrs->conv.group;
  if (x->dims[1] != w->dims[0] || x->dims[1] % groups != 0)
    return xai_fail(err, XAI_ESHAPE, "%" PRId64 " input channels do not match weights %s in %" PRId64 " group%s",
                    x->dims[1], TEXT(w), groups, groups == 1 ? "" : "s");
  if (__builtin_mul_overflow(w->dims[1], groups, channels) || *channels > XAI_MAX_ELEMENTS)
    return xai_fail(err, XAI_ESHAPE, "weights %s in %" PRId64 " groups are too many", TEXT(w), groups);
  return check_bias(c, *channels, err);
}

/* An axis of n elements. The convolution that this is the adjoint of has a window there, 'out' = n and the size that
 * comes out as its input:  size = stride (n - 1) + output_padding + extent - before - after.  When the size is asked
 * for, the padding follows from it; what no window reaches then is zero. */
static xai_status transposed_window(const xai_attrs_conv *a, int d, int axes, int64_t n, int64_t kernel,
                                    xai_window *win, int64_t *size, xai_err *err) {
  xai_window w = {.kernel = kernel, .out = n};
  int64_t extra, asked;
  XAI_TRY(xai_op__entry(&a->strides, "strides", d, axes, 1, 1, &w.stride, err));
  XAI_TRY(xai_op__entry(&a->dilations, "dilations", d, axes, 1, 1, &w.dilation, err));
  XAI_TRY(xai_op__entry(&a->output_padding, "output_padding", d, axes, 0, 0, &extra, err));
  XAI_TRY(xai_op__entry(&a->output_shape, "output_shape", d, axes, a->output_shape.n > 0, 0, &asked, err));
  if (kernel > XAI_MAX_ELEMENTS / w.dilation || n > XAI_MAX_ELEMENTS / w.stride)
    return xai_fail(err, XAI_ESHAPE, "the result has too many elements along axis %d", d + 2);
  int64_t whole = w.stride * (n - 1) + extra + (kernel - 1) * w.dilation + 1;
  bool same = a->auto_pad == XAI_PAD_SAME_UPPER || a->auto_pad == XAI_PAD_SAME_LOWER;
  if (asked == 0 && same) asked = n * w.stride;
  if (asked > 0) {
    int64_t total = whole > asked ? whole - asked : 0;
    w.before = a->auto_pad == XAI_PAD_SAME_UPPER ? total / 2 : total - total / 2;
    w.after = total - w.before;
  } else if (a->auto_pad == XAI_PAD_NOTSET) {
    XAI_TRY(xai_op__entry(&a->pads, "pads", d, 2 * axes, 0, 0, &w.before, err));
    XAI_TRY(xai_op__entry(&a->pads, "pads", d + axes, 2 * axes, 0, 0, &w.after, err));
    asked = whole - w.before - w.after;
  } else {
    asked = whole;
  }
  if (asked < 1) return xai_fail(err, XAI_ESHAPE, "pads leave nothing of axis %d", d + 2);
  *win = w;
  *size = asked;
  return XAI_OK;
}

static xai_status find_transposed(const xai_call *c, xai_window win[XAI_AXES], xai_shape *y, xai_err *err) {
  const xai_shape *x = &c->in[X].shape, *w = &c->in[W].shape;
  xai_shape s = {.rank = x->rank, .dims = {x->dims[0], w->dims[1] * c->attrs->conv.group}};
  int axes = x->rank - 2;
  for (int d = 0; d < XAI_AXES - axes; d++) win[d] = (xai_window){.kernel = 1, .stride = 1, .dilation = 1, .out = 1};
  for (int d = 0; d < axes; d++)
    XAI_TRY(transposed_window(&c->attrs->conv, d, axes, x->dims[2 + d], w->dims[2 + d], &win[XAI_AXES - axes + d],
                              &s.dims[2 + d], err));
  *y = s;
  return XAI_OK;
}

static xai_status transpose_infer(xai_call *c, xai_err *err) {
  xai_window win[XAI_AXES];
  xai_shape y;
  int64_t channels;
  XAI_TRY(check_rank(c, err));
  XAI_TRY(check_transposed_channels(c, &channels, err));
  XAI_TRY(find_transposed(c, win, &y, err));
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = y;
  return XAI_OK;
}

void xai_op__transposed_windows(const xai_call *c, xai_window win[XAI_AXES]) {
  xai_shape y;
  find_transposed(c, win, &y, NULL); /* infer has seen it succeed */
}

/* The convolution from y to x. */
static xk_conv3d transpose_problem(const xai_call *c) {
  xai_window win[XAI_AXES];
  xai_shape y = {0};
  find_transposed(c, win, &y, NULL); /* infer has seen it succeed */
  return convolution(c, &y, c->in[X].shape.dims[1], win);
}

static size_t transpose_workspace(const xai_call *c) {
  xk_conv3d p = transpose_problem(c);
  return workspace(&p);
}

static void transpose_forward(const xai_call *c) {
  xk_conv3d p = transpose_problem(c);
  float *y = c->out[0].data;
  backward_input(c, &p, c->in[W].data, c->in[X].data, y);
  if (!xai_call_has(c, B)) return;
  const float *b = c->in[B].data;
  int64_t plane = xai_shape_span(&c->out[0].shape, 2, c->out[0].shape.rank);
  xk_add_channel(p.n, p.c, plane, b, y);
}

static void transpose_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_conv3d p = transpose_problem(c);
  const float *dy = c->dout[0].data;
  float *dx = xai_op__din(c, X), *dw = xai_op__din(c, W);
  if (dx != NULL) forward(c, &p, dy, c->in[W].data, NULL, dx);
  if (dw != NULL) backward_weight(c, &p, dy, c->in[X].data, dw);
  bias_backward(c);
}

const xai_op_def xai_op_def_CONV_TRANSPOSE = {
    .name = "ConvTranspose", .min_in = 2, .max_in = 3, .max_out = 1, .flags = XAI_OP_MIXES,
    .grad = {XAI_READS(W), XAI_READS(X), 0},
    .attrs = transpose_attrs, .infer = transpose_infer, .workspace = transpose_workspace,
    .forward = transpose_forward, .backward = transpose_backward,
};
