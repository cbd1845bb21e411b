/* graph/ops_pool.c: taking the maximum, the mean or a p-norm of windows and of whole planes.
 * One spatial axis is treated as an image of height 1. MaxPool does not hand out indices. */
#include "graph/op_check.h"

static const xai_attr_spec pool_attrs[] = {
    {.name = "auto_pad", .kind = XAI_ATTR_CHOICE, .offset = offsetof(xai_attrs, pool.auto_pad),
     .choices = xai_op__auto_pads},
    XAI_ATTR(INT, "ceil_mode", pool.ceil_mode, 0),
    XAI_ATTR(INT, "count_include_pad", pool.count_include_pad, 0),
    XAI_ATTR(INTS, "dilations", pool.dilations, 0),
    XAI_ATTR(INTS, "kernel_shape", pool.kernel_shape, 0),
    XAI_ATTR(INTS, "pads", pool.pads, 0),
    XAI_ATTR(INT, "storage_order", pool.storage_order, 0), /* of MaxPool's indices */
    XAI_ATTR(INTS, "strides", pool.strides, 0),
    {0},
};

/* ---- windows -------------------------------------------------------------------------------------- */

static xai_status find_windows(const xai_call *c, xai_window win[2], xai_err *err) {
  const xai_attrs_pool *a = &c->attrs->pool;
  xai_window_attrs attrs = {a->auto_pad, a->ceil_mode, &a->kernel_shape, &a->strides, &a->pads, &a->dilations};
  return xai_op__windows(&attrs, &c->in[0].shape, win, err);
}

static xai_status pool_infer(xai_call *c, bool may_miss, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, 0, err));
  const xai_shape *x = &c->in[0].shape;
  xai_window win[2];
  XAI_TRY(find_windows(c, win, err));
  int64_t h = x->rank == 3 ? 1 : x->dims[2], w = x->dims[x->rank - 1];
  if (!may_miss && (xai_op__window_misses(&win[0], h) || xai_op__window_misses(&win[1], w)))
    return xai_fail(err, XAI_ESHAPE, "a window lies entirely in the padding");
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = xai_op__window_shape(x, x->dims[1], win);
  return XAI_OK;
}

static xai_status max_pool_infer(xai_call *c, xai_err *err) {
  if (c->n_out > 1) return xai_fail(err, XAI_EUNSUPPORTED, "the output 'Indices' is not supported");
  return pool_infer(c, false, err);
}

/* Without the padding a window that misses the input would be 0/0. */
static xai_status average_pool_infer(xai_call *c, xai_err *err) {
  return pool_infer(c, c->attrs->pool.count_include_pad != 0, err);
}

static xk_pool2d problem(const xai_call *c) {
  const xai_shape *x = &c->in[0].shape;
  xai_window win[2];
  find_windows(c, win, NULL); /* infer has seen it succeed */
  const xai_window *v = &win[0], *h = &win[1];
  return (xk_pool2d){
      .planes = x->dims[0] * x->dims[1], .h = x->rank == 3 ? 1 : x->dims[2], .w = x->dims[x->rank - 1],
      .oh = v->out, .ow = h->out, .kh = v->kernel, .kw = h->kernel, .sh = v->stride, .sw = h->stride,
      .dh = v->dilation, .dw = h->dilation, .pad_top = v->before, .pad_left = h->before,
      .pad_bottom = v->after, .pad_right = h->after, .count_include_pad = c->attrs->pool.count_include_pad != 0};
}

static void max_pool_forward(const xai_call *c) {
  xk_pool2d p = problem(c);
  xk_maxpool_forward(&p, c->in[0].data, c->out[0].data);
}

static void max_pool_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_pool2d p = problem(c);
  xk_maxpool_backward(&p, c->in[0].data, c->dout[0].data, c->din[0].data);
}

static void average_pool_forward(const xai_call *c) {
  xk_pool2d p = problem(c);
  xk_avgpool_forward(&p, c->in[0].data, c->out[0].data);
}

static void average_pool_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_pool2d p = problem(c);
  xk_avgpool_backward(&p, c->dout[0].data, c->din[0].data);
}

const xai_op_def xai_op_def_MAX_POOL = {
    .name = "MaxPool", .min_in = 1, .max_in = 1, .max_out = 2, .grad = {XAI_READS(0)},
    .attrs = pool_attrs, .infer = max_pool_infer, .forward = max_pool_forward, .backward = max_pool_backward,
};
const xai_op_def xai_op_def_AVERAGE_POOL = {
    .name = "AveragePool", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {0},
    .attrs = pool_attrs, .infer = average_pool_infer, .forward = average_pool_forward,
    .backward = average_pool_backward,
};

/* ---- LpPool --------------------------------------------------------------------------------------- */
static const xai_attr_spec lp_pool_attrs[] = {
    {.name = "auto_pad", .kind = XAI_ATTR_CHOICE, .offset = offsetof(xai_attrs, pool.auto_pad),
     .choices = xai_op__auto_pads},
    XAI_ATTR(INT, "ceil_mode", pool.ceil_mode, 0),
    XAI_ATTR(INTS, "dilations", pool.dilations, 0),
    XAI_ATTR(INTS, "kernel_shape", pool.kernel_shape, 0),
    XAI_ATTR(INT, "p", pool.p, 2),
    XAI_ATTR(INTS, "pads", pool.pads, 0),
    XAI_ATTR(INTS, "strides", pool.strides, 0),
    {0},
};

static xai_status check_p(const xai_call *c, xai_err *err) {
  if (c->attrs->pool.p >= 1) return XAI_OK;
  return xai_fail(err, XAI_EARG, "p %" PRId64 " is out of range (expected 1 or more)", c->attrs->pool.p);
}

static xai_status lp_pool_infer(xai_call *c, xai_err *err) {
  XAI_TRY(check_p(c, err));
  return pool_infer(c, true, err);
}

static void lp_pool_forward(const xai_call *c) {
  xk_pool2d s = problem(c);
  xk_lppool_forward(&s, c->attrs->pool.p, c->in[0].data, c->out[0].data);
}

static void lp_pool_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_pool2d s = problem(c);
  xk_lppool_backward(&s, c->attrs->pool.p, c->in[0].data, c->out[0].data, c->dout[0].data, c->din[0].data);
}

const xai_op_def xai_op_def_LP_POOL = {
    .name = "LpPool", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {XAI_READS(0) | XAI_READS_OUT},
    .attrs = lp_pool_attrs, .infer = lp_pool_infer, .forward = lp_pool_forward, .backward = lp_pool_backward,
};

/* ---- whole planes ----------------------------------------------------------------------------------- */

static xai_status global_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, 0, err));
  xai_shape s = c->in[0].shape;
  if (s.rank < 3) return xai_fail(err, XAI_ESHAPE, "input %s has no spatial axes", TEXT(&s));
  for (int d = 2; d < s.rank; d++) s.dims[d] = 1;
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = s;
  return XAI_OK;
}

static int64_t planes(const xai_call *c) { return xai_shape_span(&c->in[0].shape, 0, 2); }
static int64_t plane_size(const xai_call *c) { return xai_shape_span(&c->in[0].shape, 2, c->in[0].shape.rank); }

static void global_average_forward(const xai_call *c) {
  xk_global_avg_forward(planes(c), plane_size(c), c->in[0].data, c->out[0].data);
}

static void global_average_backward(const xai_call *c) {
  if (!xai_op__idle(c)) xk_global_avg_backward(planes(c), plane_size(c), c->dout[0].data, c->din[0].data);
}

static void global_max_forward(const xai_call *c) {
  xk_global_max_forward(planes(c), plane_size(c), c->in[0].data, c->out[0].data);
}

static void global_max_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_global_max_backward(planes(c), plane_size(c), c->in[0].data, c->dout[0].data, c->din[0].data);
}

const xai_op_def xai_op_def_GLOBAL_AVERAGE_POOL = {
    .name = "GlobalAveragePool", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {0},
    .infer = global_infer, .forward = global_average_forward, .backward = global_average_backward,
};
const xai_op_def xai_op_def_GLOBAL_MAX_POOL = {
    .name = "GlobalMaxPool", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {XAI_READS(0)},
    .infer = global_infer, .forward = global_max_forward, .backward = global_max_backward,
};

/* One window over the whole plane, laid out as one row. */
static const xai_attr_spec global_lp_attrs[] = {XAI_ATTR(INT, "p", pool.p, 2), {0}};

static xk_pool2d whole_planes(const xai_call *c) {
  int64_t n = plane_size(c);
  return (xk_pool2d){
      .planes = planes(c), .h = 1, .w = n, .oh = 1, .ow = 1, .kh = 1, .kw = n, .sh = 1, .sw = 1, .dh = 1, .dw = 1};
}

static xai_status global_lp_infer(xai_call *c, xai_err *err) {
  XAI_TRY(check_p(c, err));
  return global_infer(c, err);
}

static void global_lp_forward(const xai_call *c) {
  xk_pool2d s = whole_planes(c);
  xk_lppool_forward(&s, c->attrs->pool.p, c->in[0].data, c->out[0].data);
}

static void global_lp_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_pool2d s = whole_planes(c);
  xk_lppool_backward(&s, c->attrs->pool.p, c->in[0].data, c->out[0].data, c->dout[0].data, c->din[0].data);
}

const xai_op_def xai_op_def_GLOBAL_LP_POOL = {
    .name = "GlobalLpPool", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {XAI_READS(0) | XAI_READS_OUT},
    .attrs = global_lp_attrs, .infer = global_lp_infer, .forward = global_lp_forward, .backward = global_lp_backward,
};
