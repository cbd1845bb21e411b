/* graph/ops_axis.c: what works along one axis: Softmax and its kin, ArgMax, CumSum, LpNormalization. */
#include "graph/op_check.h"

static xai_status check_axis(const xai_call *c, int64_t axis, xai_err *err) {
  int at;
  return xai_shape_axis(axis, c->in[0].shape.rank, &at, err);
}

/* ---- Softmax, LogSoftmax, Hardmax ------------------------------------------------------------------------ */
static const xai_attr_spec softmax_attrs[] = {XAI_ATTR(INT, "axis", axis.axis, -1), {0}};

static xai_status softmax_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, 0, err));
  XAI_TRY(check_axis(c, c->attrs->axis.axis, err));
  xai_op__same(c);
  return XAI_OK;
}

static xk_axis softmax_axis(const xai_call *c) { return xai_op__axis(&c->in[0].shape, c->attrs->axis.axis); }

static void softmax_forward(const xai_call *c) {
  xk_axis a = softmax_axis(c);
  xk_softmax_forward(a.outer, a.len, a.inner, c->in[0].data, c->out[0].data);
}

static void softmax_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_axis a = softmax_axis(c);
  xk_softmax_backward(a.outer, a.len, a.inner, c->out[0].data, c->dout[0].data, c->din[0].data);
}

static void log_softmax_forward(const xai_call *c) {
  xk_axis a = softmax_axis(c);
  xk_log_softmax_forward(a.outer, a.len, a.inner, c->in[0].data, c->out[0].data);
}

static void log_softmax_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_axis a = softmax_axis(c);
  xk_log_softmax_backward(a.outer, a.len, a.inner, c->out[0].data, c->dout[0].data, c->din[0].data);
}

static void hardmax_forward(const xai_call *c) {
  xk_axis a = softmax_axis(c);
  xk_hardmax_forward(&a, c->in[0].data, c->out[0].data);
}

const xai_op_def xai_op_def_SOFTMAX = {
    .name = "Softmax", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {XAI_READS_OUT},
    .attrs = softmax_attrs, .infer = softmax_infer, .forward = softmax_forward, .backward = softmax_backward,
};
const xai_op_def xai_op_def_LOG_SOFTMAX = {
    .name = "LogSoftmax", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {XAI_READS_OUT},
    .attrs = softmax_attrs, .infer = softmax_infer, .forward = log_softmax_forward, .backward = log_softmax_backward,
};
const xai_op_def xai_op_def_HARDMAX = {
    .name = "Hardmax", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {XAI_NO_GRAD},
    .attrs = softmax_attrs, .infer = softmax_infer, .forward = hardmax_forward,
};

/* ---- ArgMax, ArgMin ----------------------------------------------------------------------------------------- */
static const xai_attr_spec arg_attrs[] = {
    XAI_ATTR(INT, "axis", arg.axis, 0),
    XAI_ATTR(INT, "keepdims", arg.keepdims, 1),
    XAI_ATTR(INT, "select_last_index", arg.select_last_index, 0),
    {0},
};

static xai_status arg_infer(xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[0].shape;
  int axis;
  XAI_TRY(xai_op__need_number(c, 0, err));
  XAI_TRY(xai_shape_axis(c->attrs->arg.axis, x->rank, &axis, err));
  if (x->dims[axis] == 0) return xai_fail(err, XAI_ESHAPE, "axis %d of %s has no elements", axis, TEXT(x));
  xai_shape y = {0};
  for (int d = 0; d < x->rank; d++) {
    if (d != axis) y.dims[y.rank++] = x->dims[d];
    else if (c->attrs->arg.keepdims != 0) y.dims[y.rank++] = 1;
  }
  c->out[0].dtype = XAI_I64;
  c->out[0].shape = y;
  return XAI_OK;
}

static void arg_forward(const xai_call *c, bool largest) {
  const xai_view *x = &c->in[0];
  bool last = c->attrs->arg.select_last_index != 0;
  xk_axis a = xai_op__axis(&x->shape, c->attrs->arg.axis);
  if (x->dtype == XAI_F32) xk_arg_extreme(&a, largest, last, x->data, c->out[0].data);
  else xk_arg_extreme_int(&a, largest, last, xai_dtype_size(x->dtype), x->data, c->out[0].data);
}

static void arg_max_forward(const xai_call *c) { arg_forward(c, true); }
static void arg_min_forward(const xai_call *c) { arg_forward(c, false); }

const xai_op_def xai_op_def_ARG_MAX = {
    .name = "ArgMax", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {XAI_NO_GRAD},
    .attrs = arg_attrs, .infer = arg_infer, .forward = arg_max_forward,
};
const xai_op_def xai_op_def_ARG_MIN = {
    .name = "ArgMin", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {XAI_NO_GRAD},
    .attrs = arg_attrs, .infer = arg_infer, .forward = arg_min_forward,
};

/* ---- CumSum ---------------------------------------------------------------------------------------------------- */
static const xai_attr_spec cumsum_attrs[] = {
    XAI_ATTR(INT, "exclusive", cumsum.exclusive, 0),
    XAI_ATTR(INT, "reverse", cumsum.reverse, 0),
    {0},
};

static xai_status cumsum_infer(xai_call *c, xai_err *err) {
  xai_ints axis;
  XAI_TRY(xai_op__need_number(c, 0, err));
  XAI_TRY(xai_op__ints(c, 1, "axis", &axis, err));
  if (axis.n != 1) return xai_fail(err, XAI_EARG, "axis has %d numbers (expected 1)", axis.n);
  XAI_TRY(check_axis(c, axis.v[0], err));
  xai_op__same(c);
  return XAI_OK;
}

static xk_axis cumsum_axis(const xai_call *c) { return xai_op__axis(&c->in[0].shape, xai_op__int(&c->in[1], 0)); }

static void cumsum_forward(const xai_call *c) {
  const xai_view *x = &c->in[0];
  bool exclusive = c->attrs->cumsum.exclusive != 0, reverse = c->attrs->cumsum.reverse != 0;
  xk_axis a = cumsum_axis(c);
  if (x->dtype == XAI_F32) xk_cumsum(&a, exclusive, reverse, x->data, c->out[0].data);
  else xk_cumsum_int(&a, exclusive, reverse, xai_dtype_size(x->dtype), x->data, c->out[0].data);
}

/* An element is in the sums behind it: its gradient is the sum of theirs, taken from the other end. */
static void cumsum_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_axis a = cumsum_axis(c);
  xk_cumsum(&a, c->attrs->cumsum.exclusive != 0, c->attrs->cumsum.reverse == 0, c->dout[0].data, c->din[0].data);
}

const xai_op_def xai_op_def_CUM_SUM = {
    .name = "CumSum", .min_in = 2, .max_in = 2, .max_out = 1, .grad = {XAI_READS(1), XAI_NO_GRAD},
    .decides = XAI_READS(1), .attrs = cumsum_attrs, .infer = cumsum_infer, .forward = cumsum_forward,
    .backward = cumsum_backward,
};

/* ---- LpNormalization --------------------------------------------------------------------------------------------- */
static const xai_attr_spec lp_attrs[] = {XAI_ATTR(INT, "axis", lp.axis, -1), XAI_ATTR(INT, "p", lp.p, 2), {0}};

static xai_status lp_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, 0, err));
  XAI_TRY(check_axis(c, c->attrs->lp.axis, err));
  if (c->attrs->lp.p != 1 && c->attrs->lp.p != 2)
    return xai_fail(err, XAI_EARG, "p %" PRId64 " is not supported (expected 1 or 2)", c->attrs->lp.p);
  xai_op__same(c);
  return XAI_OK;
}

static void lp_forward(const xai_call *c) {
  xk_axis a = xai_op__axis(&c->in[0].shape, c->attrs->lp.axis);
  xk_lp_normalize_forward(&a, (int)c->attrs->lp.p, c->in[0].data, c->out[0].data);
}

static void lp_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_axis a = xai_op__axis(&c->in[0].shape, c->attrs->lp.axis);
  xk_lp_normalize_backward(&a, (int)c->attrs->lp.p, c->in[0].data, c->dout[0].data, c->din[0].data);
}

const xai_op_def xai_op_def_LP_NORMALIZATION = {
    .name = "LpNormalization", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {XAI_READS(0)},
    .attrs = lp_attrs, .infer = lp_infer, .forward = lp_forward, .backward = lp_backward,
};
