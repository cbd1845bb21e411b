/* graph/ops_reduce.c: ReduceSum, ReduceMean and their like: one number of all elements along a set of axes.
 *
 * The axes are input 1. Sums, products and extremes also count in integers, for the computation of shapes; the product
 * of no elements is 1. */
#include "graph/op_check.h"

enum { X, AXES };

static const xai_attr_spec reduce_attrs[] = {
    XAI_ATTR(INT, "keepdims", reduce.keepdims, 1),
    XAI_ATTR(INT, "noop_with_empty_axes", reduce.noop_with_empty_axes, 0),
    {0},
};

/* drop[d]: axis d is reduced. No axes: over all of them, or over none if the attribute says so. */
static xai_status find_axes(const xai_call *c, bool drop[XAI_MAX_RANK], xai_err *err) {
  xai_ints axes = {0};
  if (xai_call_has(c, AXES)) XAI_TRY(xai_op__ints(c, AXES, "axes", &axes, err));
  XAI_TRY(xai_op__axis_set(&axes, c->in[X].shape.rank, drop, err));
  if (axes.n == 0 && c->attrs->reduce.noop_with_empty_axes == 0)
    for (int d = 0; d < c->in[X].shape.rank; d++) drop[d] = true;
  return XAI_OK;
}

static bool is_extreme(xk_reduction op) { return op == XK_LARGEST || op == XK_SMALLEST; }
static bool counts_integers(xk_reduction op) {
  return is_extreme(op) || op == XK_SUM || op == XK_PRODUCT || op == XK_L1 || op == XK_SUM_SQUARE;
}

static xai_status check_elements(const xai_call *c, xk_reduction op, xai_err *err) {
  const xai_view *x = &c->in[X];
  if (is_extreme(op) && xai_shape_size(&x->shape) == 0)
    return xai_fail(err, XAI_ESHAPE, "input 0 has no elements (%s)", TEXT(&x->shape));
  if (is_extreme(op) && x->dtype == XAI_BOOL) return XAI_OK;
  return counts_integers(op) ? xai_op__need_number(c, X, err) : xai_op__need_float(c, X, err);
}

static xai_status reduce_infer(xai_call *c, xk_reduction op, xai_err *err) {
  const xai_shape *x = &c->in[X].shape;
  bool drop[XAI_MAX_RANK];
  XAI_TRY(check_elements(c, op, err));
  XAI_TRY(find_axes(c, drop, err));
  xai_shape s = {0};
  for (int d = 0; d < x->rank; d++) {
    if (!drop[d]) s.dims[s.rank++] = x->dims[d];
    else if (c->attrs->reduce.keepdims != 0) s.dims[s.rank++] = 1;
  }
  c->out[0].dtype = c->in[X].dtype;
  c->out[0].shape = s;
  return XAI_OK;
}

static void find_keep(const xai_call *c, bool keep[XAI_MAX_RANK]) {
  bool drop[XAI_MAX_RANK];
  find_axes(c, drop, NULL); /* infer has seen it succeed */
  for (int d = 0; d < c->in[X].shape.rank; d++) keep[d] = !drop[d];
}

static void reduce_forward(const xai_call *c, xk_reduction op) {
  const xai_shape *x = &c->in[X].shape;
  bool keep[XAI_MAX_RANK];
  find_keep(c, keep);
  if (c->in[X].dtype == XAI_F32)
    xk_reduce_forward(op, x->rank, x->dims, keep, c->in[X].data, c->out[0].data);
  else
    xk_reduce_forward_int(op, xai_dtype_size(c->in[X].dtype), x->rank, x->dims, keep, c->in[X].data, c->out[0].data);
}

static void reduce_backward(const xai_call *c, xk_reduction op) {
  if (xai_op__idle(c)) return;
  const xai_shape *x = &c->in[X].shape;
  bool keep[XAI_MAX_RANK];
  find_keep(c, keep);
  xk_reduce_backward(op, x->rank, x->dims, keep, c->in[X].data, c->out[0].data, c->dout[0].data, c->din[X].data);
}

/* reads: besides the axes */
#define REDUCTION(id, text, kernel, reads)                                                                             \
  static xai_status infer_##id(xai_call *c, xai_err *err) { return reduce_infer(c, XK_##kernel, err); }                \
  static void forward_##id(const xai_call *c) { reduce_forward(c, XK_##kernel); }                                      \
  static void backward_##id(const xai_call *c) { reduce_backward(c, XK_##kernel); }                                    \
  const xai_op_def xai_op_def_##id = {                                                                                 \
      .name = text, .min_in = 1, .max_in = 2, .max_out = 1, .grad = {XAI_READS(AXES) | (reads), XAI_NO_GRAD},          \
      .decides = XAI_READS(AXES), .attrs = reduce_attrs, .infer = infer_##id, .forward = forward_##id,                 \
      .backward = backward_##id,                                                                                       \
  };
REDUCTION(REDUCE_L1, "ReduceL1", L1, XAI_READS(X))
REDUCTION(REDUCE_L2, "ReduceL2", L2, XAI_READS(X) | XAI_READS_OUT)
REDUCTION(REDUCE_LOG_SUM, "ReduceLogSum", LOG_SUM, XAI_READS_OUT)
REDUCTION(REDUCE_LOG_SUM_EXP, "ReduceLogSumExp", LOG_SUM_EXP, XAI_READS(X) | XAI_READS_OUT)
REDUCTION(REDUCE_MAX, "ReduceMax", LARGEST, XAI_READS(X) | XAI_READS_OUT)
REDUCTION(REDUCE_MEAN, "ReduceMean", MEAN, 0)
REDUCTION(REDUCE_MIN, "ReduceMin", SMALLEST, XAI_READS(X) | XAI_READS_OUT)
REDUCTION(REDUCE_PROD, "ReduceProd", PRODUCT, XAI_READS(X))
REDUCTION(REDUCE_SUM, "ReduceSum", SUM, 0)
REDUCTION(REDUCE_SUM_SQUARE, "ReduceSumSquare", SUM_SQUARE, XAI_READS(X))
