/* graph/ops_blocked.c: the inner rows: what lower.c makes of convolutions, batch normalizations and pools, and the ways
 * into the blocked form and out of it (kernels/blocked.h).
 *
 * A blocked value is a float32 array n x blocks x h x w x 16. Elementwise rows, arithmetic on arrays of one form and
 * Concat work on it as they are. The rows with Clip at the end of their name end with y = min(max(.., lo), hi), and
 * gradients pass this by the call's rule. Weights are packed: they have no gradients (ops_blocked_training.c has those
 * that do). */
#include <string.h>

#include "graph/op_blocked.h"

/* ---- in and out -------------------------------------------------------------------------------------------- */
static xai_status block_infer(xai_call *c, xai_err *err) {
  const int64_t *d = c->in[0].shape.dims;
  XAI_TRY(xai_op__need_float(c, 0, err));
  if (c->in[0].shape.rank != 4)
    return xai_fail(err, XAI_ESHAPE, "input %s is no batch of pictures", TEXT(&c->in[0].shape));
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = XAI_SHAPE(d[0], xk_blocks(d[1]), d[2], d[3], XK_LANES);
  return XAI_OK;
}

static void block_forward(const xai_call *c) {
  const xai_shape *s = &c->in[0].shape;
  xk_block(s->dims[0], s->dims[1], blocked_plane(s), c->in[0].data, c->out[0].data);
}

static void block_backward(const xai_call *c) {
  const xai_shape *s = &c->in[0].shape;
  if (!xai_op__idle(c)) xk_unblock(s->dims[0], s->dims[1], blocked_plane(s), c->dout[0].data, c->din[0].data);
}

static const xai_attr_spec unblock_attrs[] = {XAI_ATTR(INT, "channels", blocked.channels, 0), {0}};

static xai_status unblock_infer(xai_call *c, xai_err *err) {
  const int64_t *d = c->in[0].shape.dims, channels = c->attrs->blocked.channels;
  XAI_TRY(blocked_need(c, 0, err));
  if (channels < 0 || xk_blocks(channels) != d[1])
    return xai_fail(err, XAI_EARG, "channels: %" PRId64 " are not those of %s", channels, TEXT(&c->in[0].shape));
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = XAI_SHAPE(d[0], channels, d[2], d[3]);
  return XAI_OK;
}

static void unblock_forward(const xai_call *c) {
  const xai_shape *s = &c->out[0].shape;
  xk_unblock(s->dims[0], s->dims[1], blocked_plane(s), c->in[0].data, c->out[0].data);
}

static void unblock_backward(const xai_call *c) {
  const xai_shape *s = &c->out[0].shape;
  if (!xai_op__idle(c)) xk_block(s->dims[0], s->dims[1], blocked_plane(s), c->dout[0].data, c->din[0].data);
}

const xai_op_def xai_op_def_BLOCK = {
    .name = "Block", .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_INNER, .grad = {0},
    .infer = block_infer, .forward = block_forward, .backward = block_backward,
};
const xai_op_def xai_op_def_UNBLOCK = {
    .name = "Unblock", .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_INNER, .grad = {0},
    .attrs = unblock_attrs, .infer = unblock_infer, .forward = unblock_forward, .backward = unblock_backward,
};

/* ---- convolution --------------------------------------------------------------------------------------------- */
/* x; what is added to the sum; weights packed for the way forward, and for the way back (where there is one); shift, and
 * scale where the input is plain, per filter. Of these x and FORTH must be there. */
enum { X, ADD, FORTH, BACK, SHIFT, SCALE };

static const xai_attr_spec conv_attrs[] = {BLOCKED_CONV_SIZES, BLOCKED_BOUNDS, {0}};

static xai_status check_list(const xai_call *c, int i, size_t size, xai_err *err) {
  xai_shape want = XAI_SHAPE((int64_t)size);
  return xai_call_has(c, i) ? blocked_need_shape(c, i, &want, err) : XAI_OK;
}

static xai_status conv_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, X, err));
  XAI_TRY(blocked_conv_shapes(c, err));
  xk_conv2d p = blocked_problem(c);
  size_t filters = (size_t)(xk_blocks(p.m) * XK_LANES);
  if (!xai_call_has(c, FORTH) || (xai_call_has(c, SCALE) && !xk_bconv_plain_input(&p)))
    return xai_fail(err, XAI_EARG, "no blocked convolution");
  XAI_TRY(check_list(c, FORTH, xk_bconv_packed(&p, false), err));
  XAI_TRY(check_list(c, BACK, xk_bconv_packed(&p, true), err));
  XAI_TRY(check_list(c, SHIFT, filters, err));
  XAI_TRY(check_list(c, SCALE, filters, err));
  return xai_call_has(c, ADD) ? blocked_need_shape(c, ADD, &c->out[0].shape, err) : XAI_OK;
}

/* On the way back the gated gradient lies before the kernel's own scratch. */
static size_t conv_workspace(const xai_call *c) {
  xk_conv2d p = blocked_problem(c);
  size_t forth = xk_bconv_workspace(&p, false);
  size_t back = xai_call_has(c, BACK) ? blocked_conv_input_bytes(c, &p) + xai_view_bytes(&c->out[0]) : 0;
  return forth > back ? forth : back;
}

static const float *given(const xai_call *c, int i) { return xai_call_has(c, i) ? c->in[i].data : NULL; }

static void conv_forward(const xai_call *c) {
  xk_conv2d p = blocked_problem(c);
  xk_finish finish = {.scale = given(c, SCALE), .bias = given(c, SHIFT), .add = given(c, ADD), .lo = blocked_lo(c),
                      .hi = blocked_hi(c)};
  xk_bconv_forward(&p, c->in[X].data, c->in[FORTH].data, &finish, c->out[0].data, c->work);
}

static void input_backward(const xai_call *c, const float *dy, void *work) {
  xk_conv2d p = blocked_problem(c);
  if (c->din[X].data != NULL) blocked_conv_input(c, &p, c->in[BACK].data, dy, work);
}

static void conv_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  float *added = xai_op__din(c, ADD);
  if (added != NULL && added != c->dout[0].data) memcpy(added, c->dout[0].data, xai_view_bytes(&c->out[0]));
  input_backward(c, c->dout[0].data, c->work);
}

/* What is added gets the gated gradient, the convolution's gradient is made of it. */
static void conv_clip_backward(const xai_call *c) {
  if (c->gated) {
    conv_backward(c);
    return;
  }
  if (xai_op__idle(c)) return;
  float *added = xai_op__din(c, ADD), *dy = added != NULL ? added : c->work;
  blocked_gate(c, dy);
  input_backward(c, dy, (char *)c->work + xai_view_bytes(&c->out[0]));
}

const xai_op_def xai_op_def_BLOCKED_CONV = {
    .name = "BlockedConv", .min_in = 1, .max_in = 6, .max_out = 1, .flags = XAI_OP_INNER | XAI_OP_MIXES,
    .grad = {XAI_READS(BACK), 0, XAI_NO_GRAD, XAI_NO_GRAD, XAI_NO_GRAD}, .hands_on = XAI_READS(ADD), .finishes = XAI_READS(X),
    .attrs = conv_attrs, .infer = conv_infer, .workspace = conv_workspace, .forward = conv_forward,
    .backward = conv_backward,
};
const xai_op_def xai_op_def_BLOCKED_CONV_CLIP = {
    .name = "BlockedConvClip", .min_in = 1, .max_in = 6, .max_out = 1,
    .flags = XAI_OP_INNER | XAI_OP_MIXES | XAI_OP_RECTIFIER | XAI_OP_GATED,
    .grad = {XAI_READS(BACK) | XAI_READS_OUT, XAI_READS_OUT, XAI_NO_GRAD, XAI_NO_GRAD, XAI_NO_GRAD},
    .hands_on = XAI_READS(ADD), .finishes = XAI_READS(X),
    .attrs = conv_attrs, .infer = conv_infer, .workspace = conv_workspace, .forward = conv_forward,
    .backward = conv_clip_backward,
};

/* ---- y = x scale + shift per channel -------------------------------------------------------------------------- */
enum { GAIN = 1, OFFSET };

static const xai_attr_spec scale_attrs[] = {BLOCKED_BOUNDS, {0}};

static xai_status scale_infer(xai_call *c, xai_err *err) {
  XAI_TRY(blocked_need(c, X, err));
  xai_shape channels = XAI_SHAPE(c->in[X].shape.dims[1] * XK_LANES);
  for (int i = GAIN; i <= OFFSET; i++) XAI_TRY(blocked_need_shape(c, i, &channels, err));
  xai_op__same(c);
  return XAI_OK;
}

/* On the way back: a shift of zeros. */
static size_t scale_workspace(const xai_call *c) { return xai_view_bytes(&c->in[GAIN]); }

static void scale_forward(const xai_call *c) {
  const xai_shape *s = &c->in[X].shape;
  xk_bscale(s->dims[0], s->dims[1], blocked_plane(s), c->in[X].data, c->in[GAIN].data, c->in[OFFSET].data, blocked_lo(c),
            blocked_hi(c), c->out[0].data);
}

static void scaled(const xai_call *c, const float *dy, float *dx) {
  const xai_shape *s = &c->in[X].shape;
  memset(c->work, 0, xai_view_bytes(&c->in[GAIN]));
  xk_bscale(s->dims[0], s->dims[1], blocked_plane(s), dy, c->in[GAIN].data, c->work, -INFINITY, INFINITY, dx);
}

static void scale_backward(const xai_call *c) {
  if (!xai_op__idle(c)) scaled(c, c->dout[0].data, c->din[X].data);
}

static void scale_clip_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  if (!c->gated) blocked_gate(c, c->din[X].data);
  scaled(c, c->gated ? c->dout[0].data : c->din[X].data, c->din[X].data);
}

const xai_op_def xai_op_def_BLOCKED_SCALE = {
    .name = "BlockedScale", .min_in = 3, .max_in = 3, .max_out = 1, .flags = XAI_OP_INNER,
    .grad = {XAI_READS(GAIN), XAI_NO_GRAD, XAI_NO_GRAD},
    .attrs = scale_attrs, .infer = scale_infer, .workspace = scale_workspace, .forward = scale_forward,
    .backward = scale_backward,
};
const xai_op_def xai_op_def_BLOCKED_SCALE_CLIP = {
    .name = "BlockedScaleClip", .min_in = 3, .max_in = 3, .max_out = 1,
    .flags = XAI_OP_INNER | XAI_OP_RECTIFIER | XAI_OP_GATED,
    .grad = {XAI_READS(GAIN) | XAI_READS_OUT, XAI_NO_GRAD, XAI_NO_GRAD},
    .attrs = scale_attrs, .infer = scale_infer, .workspace = scale_workspace, .forward = scale_forward,
    .backward = scale_clip_backward,
};

/* ---- pools ------------------------------------------------------------------------------------------------------ */
static const xai_attr_spec pool_attrs[] = {
    {.name = "auto_pad", .kind = XAI_ATTR_CHOICE, .offset = offsetof(xai_attrs, pool.auto_pad),
     .choices = xai_op__auto_pads},
    XAI_ATTR(INT, "ceil_mode", pool.ceil_mode, 0),
    XAI_ATTR(INT, "count_include_pad", pool.count_include_pad, 0),
    XAI_ATTR(INTS, "dilations", pool.dilations, 0),
    XAI_ATTR(INTS, "kernel_shape", pool.kernel_shape, 0),
    XAI_ATTR(INTS, "pads", pool.pads, 0),
    XAI_ATTR(INTS, "strides", pool.strides, 0),
    {0},
};

static xai_status find_windows(const xai_call *c, xai_window win[XAI_AXES], xai_err *err) {
  const xai_attrs_pool *a = &c->attrs->pool;
  xai_window_attrs attrs = {a->auto_pad, a->ceil_mode, &a->kernel_shape, &a->strides, &a->pads, &a->dilations};
  xai_shape picture = xai_shape_of(4, c->in[0].shape.dims); /* without the lanes */
  return xai_op__windows(&attrs, &picture, win, err);
}

static xai_status pool_infer(xai_call *c, xai_err *err) {
  xai_window win[XAI_AXES];
  XAI_TRY(blocked_need(c, 0, err));
  XAI_TRY(find_windows(c, win, err));
  const int64_t *d = c->in[0].shape.dims;
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = XAI_SHAPE(d[0], d[1], win[1].out, win[2].out, XK_LANES);
  return XAI_OK;
}

static xk_pool2d pool_problem(const xai_call *c) {
  const int64_t *d = c->in[0].shape.dims;
  xai_window win[XAI_AXES];
  find_windows(c, win, NULL); /* infer has seen it succeed */
  const xai_window *v = &win[1], *h = &win[2];
  return (xk_pool2d){.planes = d[0] * d[1], .h = d[2], .w = d[3], .oh = v->out, .ow = h->out,
                     .kh = v->kernel, .kw = h->kernel, .sh = v->stride, .sw = h->stride, .dh = v->dilation,
                     .dw = h->dilation, .pad_top = v->before, .pad_left = h->before, .pad_bottom = v->after,
                     .pad_right = h->after, .count_include_pad = c->attrs->pool.count_include_pad != 0};
}

static void max_pool_forward(const xai_call *c) {
  xk_pool2d p = pool_problem(c);
  xk_bmaxpool_forward(&p, c->in[0].data, c->out[0].data);
}

static void max_pool_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_pool2d p = pool_problem(c);
  xk_finish finish = blocked_finish(c, 0);
  xk_bmaxpool_backward(&p, c->in[0].data, c->dout[0].data, &finish, c->din[0].data);
}

static void average_pool_forward(const xai_call *c) {
  xk_pool2d p = pool_problem(c);
  xk_bavgpool_forward(&p, c->in[0].data, c->out[0].data);
}

static void average_pool_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_pool2d p = pool_problem(c);
  xk_finish finish = blocked_finish(c, 0);
  xk_bavgpool_backward(&p, c->dout[0].data, &finish, c->din[0].data);
}

static xai_status global_infer(xai_call *c, xai_err *err) {
  XAI_TRY(blocked_need(c, 0, err));
  const int64_t *d = c->in[0].shape.dims;
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = XAI_SHAPE(d[0], d[1], 1, 1, XK_LANES);
  return XAI_OK;
}

static void global_forward(const xai_call *c) {
  const xai_shape *s = &c->in[0].shape;
  xk_bglobal_avg_forward(s->dims[0] * s->dims[1], blocked_plane(s), c->in[0].data, c->out[0].data);
}

static void global_backward(const xai_call *c) {
  const xai_shape *s = &c->in[0].shape;
  if (xai_op__idle(c)) return;
  xk_finish finish = blocked_finish(c, 0);
  xk_bglobal_avg_backward(s->dims[0] * s->dims[1], blocked_plane(s), c->dout[0].data, &finish, c->din[0].data);
}

const xai_op_def xai_op_def_BLOCKED_MAX_POOL = {
    .name = "BlockedMaxPool", .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_INNER | XAI_OP_MIXES,
    .grad = {XAI_READS(0)}, .finishes = XAI_READS(0), .attrs = pool_attrs, .infer = pool_infer, .forward = max_pool_forward,
    .backward = max_pool_backward,
};
const xai_op_def xai_op_def_BLOCKED_AVERAGE_POOL = {
    .name = "BlockedAveragePool", .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_INNER | XAI_OP_MIXES,
    .grad = {0}, .finishes = XAI_READS(0), .attrs = pool_attrs, .infer = pool_infer, .forward = average_pool_forward,
    .backward = average_pool_backward,
};
const xai_op_def xai_op_def_BLOCKED_GLOBAL_AVERAGE_POOL = {
    .name = "BlockedGlobalAveragePool", .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_INNER, .grad = {0},
    .finishes = XAI_READS(0),
    .infer = global_infer, .forward = global_forward, .backward = global_backward,
};
