/* graph/ops_point.c: activations, and arithmetic on two arrays with NumPy broadcasting.
 *
 * The rectifiers (Relu, LeakyRelu, Clip) obey the call's backward rule; Sigmoid and Tanh have one gradient only.
 * Arithmetic also works on int64, for the computation of shapes: division truncates, x/0 is 0. */
#include <math.h>

#include "graph/op_check.h"

/* ---- activations ------------------------------------------------------------------------------------ */

static xai_status point_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, 0, err));
  xai_op__same(c);
  return XAI_OK;
}

static int64_t count(const xai_call *c) { return xai_shape_size(&c->in[0].shape); }

static void relu_forward(const xai_call *c) { xk_relu_forward(count(c), c->in[0].data, c->out[0].data); }

static void relu_backward(const xai_call *c) {
  if (!xai_op__idle(c)) xk_relu_backward(c->rule, count(c), c->out[0].data, c->dout[0].data, c->din[0].data);
}

static void leaky_relu_forward(const xai_call *c) {
  xk_leaky_relu_forward((float)c->attrs->number.number, count(c), c->in[0].data, c->out[0].data);
}

static void leaky_relu_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_leaky_relu_backward(c->rule, (float)c->attrs->number.number, count(c), c->in[0].data, c->dout[0].data,
                         c->din[0].data);
}

static void sigmoid_forward(const xai_call *c) { xk_sigmoid_forward(count(c), c->in[0].data, c->out[0].data); }

static void sigmoid_backward(const xai_call *c) {
  if (!xai_op__idle(c)) xk_sigmoid_backward(count(c), c->out[0].data, c->dout[0].data, c->din[0].data);
}

static void tanh_forward(const xai_call *c) { xk_tanh_forward(count(c), c->in[0].data, c->out[0].data); }

static void tanh_backward(const xai_call *c) {
  if (!xai_op__idle(c)) xk_tanh_backward(count(c), c->out[0].data, c->dout[0].data, c->din[0].data);
}

static const xai_attr_spec leaky_relu_attrs[] = {XAI_ATTR(FLOAT, "alpha", number.number, 0.01), {0}};

const xai_op_def xai_op_def_RELU = {
    .name = "Relu", .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_RECTIFIER | XAI_OP_ELEMENTWISE,
    .grad = {XAI_READS_OUT}, .infer = point_infer, .forward = relu_forward, .backward = relu_backward,
};
const xai_op_def xai_op_def_LEAKY_RELU = {
    .name = "LeakyRelu", .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_RECTIFIER | XAI_OP_ELEMENTWISE,
    .grad = {XAI_READS(0)}, .attrs = leaky_relu_attrs, .infer = point_infer, .forward = leaky_relu_forward,
    .backward = leaky_relu_backward,
};
const xai_op_def xai_op_def_SIGMOID = {
    .name = "Sigmoid", .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_ELEMENTWISE, .grad = {XAI_READS_OUT},
    .infer = point_infer, .forward = sigmoid_forward, .backward = sigmoid_backward,
};
const xai_op_def xai_op_def_TANH = {
    .name = "Tanh", .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_ELEMENTWISE, .grad = {XAI_READS_OUT},
    .infer = point_infer, .forward = tanh_forward, .backward = tanh_backward,
};

/* ---- Clip --------------------------------------------------------------------------------------------- */

enum { LO = 1, HI = 2 }; /* optional inputs */

static xai_status clip_infer(xai_call *c, xai_err *err) {
  for (int i = 0; i < c->n_in; i++)
    if (xai_call_has(c, i)) XAI_TRY(xai_op__need_float(c, i, err));
  for (int i = LO; i <= HI; i++)
    if (xai_call_has(c, i) && xai_shape_size(&c->in[i].shape) != 1)
      return xai_fail(err, XAI_ESHAPE, "%s %s is not one number", i == LO ? "min" : "max", TEXT(&c->in[i].shape));
  xai_op__same(c);
  return XAI_OK;
}

static void clip_forward(const xai_call *c) {
  float lo = xai_op__scalar(c, LO, -INFINITY), hi = xai_op__scalar(c, HI, INFINITY);
  xk_clip_forward(lo, hi, count(c), c->in[0].data, c->out[0].data);
}

static void clip_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  float lo = xai_op__scalar(c, LO, -INFINITY), hi = xai_op__scalar(c, HI, INFINITY);
  xk_clip_backward(c->rule, lo, hi, count(c), c->in[0].data, c->dout[0].data, c->din[0].data);
}

const xai_op_def xai_op_def_CLIP = {
    .name = "Clip", .min_in = 1, .max_in = 3, .max_out = 1, .flags = XAI_OP_RECTIFIER | XAI_OP_ELEMENTWISE,
    .grad = {XAI_READS(0) | XAI_READS(LO) | XAI_READS(HI), XAI_NO_GRAD, XAI_NO_GRAD},
    .infer = clip_infer, .forward = clip_forward, .backward = clip_backward,
};

/* ---- arithmetic ------------------------------------------------------------------------------------------ */

static xai_status binary_infer(xai_call *c, xai_err *err) {
  const xai_view *a = &c->in[0], *b = &c->in[1];
  if (a->dtype != b->dtype)
    return xai_fail(err, XAI_EARG, "element types differ (%s and %s)", xai_dtype_name(a->dtype),
                    xai_dtype_name(b->dtype));
  if (a->dtype != XAI_I64)
    for (int i = 0; i < 2; i++) XAI_TRY(xai_op__need_float(c, i, err));
  XAI_TRY(xai_shape_broadcast(&a->shape, &b->shape, &c->out[0].shape, err));
  c->out[0].dtype = a->dtype;
  return XAI_OK;
}

/* Strides of an operand along the output's axes: 0 where it repeats. */
static void repeat_strides(const xai_shape *s, const xai_shape *out, int64_t *stride) {
  int64_t own[XAI_MAX_RANK];
  xai_op__strides(s, own);
  for (int d = 0; d < out->rank; d++) {
    int at = d - (out->rank - s->rank);
    stride[d] = at < 0 || s->dims[at] == 1 ? 0 : own[at];
  }
}

static xk_broadcast broadcast(const xai_call *c) {
  const xai_shape *out = &c->out[0].shape;
  xk_broadcast s = {.rank = out->rank};
  for (int d = 0; d < out->rank; d++) s.dims[d] = out->dims[d];
  repeat_strides(&c->in[0].shape, out, s.stride_a);
  repeat_strides(&c->in[1].shape, out, s.stride_b);
  if (s.rank == 0) {
    s.rank = 1;
    s.dims[0] = 1;
  }
  return s;
}

static void binary_forward(const xai_call *c, xk_binary op) {
  xk_broadcast s = broadcast(c);
  if (c->in[0].dtype == XAI_I64)
    xk_binary_forward_i64(op, &s, c->in[0].data, c->in[1].data, c->out[0].data);
  else
    xk_binary_forward(op, &s, c->in[0].data, c->in[1].data, c->out[0].data);
}

static void binary_backward(const xai_call *c, xk_binary op) {
  if (xai_op__idle(c)) return;
  xk_broadcast s = broadcast(c);
  const float *a = c->in[0].data, *b = c->in[1].data, *dy = c->dout[0].data;
  float *da = xai_op__din(c, 0), *db = xai_op__din(c, 1);
  if (da != NULL) xk_binary_backward_a(op, &s, a, b, dy, xai_shape_size(&c->in[0].shape), da);
  if (db != NULL) xk_binary_backward_b(op, &s, a, b, dy, xai_shape_size(&c->in[1].shape), db);
}

#define BINARY(id, verb, text, reads_a, reads_b)                                                                       \
  static void verb##_forward(const xai_call *c) { binary_forward(c, XK_##id); }                                        \
  static void verb##_backward(const xai_call *c) { binary_backward(c, XK_##id); }                                      \
  const xai_op_def xai_op_def_##id = {                                                                                 \
      .name = text, .min_in = 2, .max_in = 2, .max_out = 1, .grad = {reads_a, reads_b},                                \
      .infer = binary_infer, .forward = verb##_forward, .backward = verb##_backward,                                   \
  };
BINARY(ADD, add, "Add", 0, 0)
BINARY(SUB, sub, "Sub", 0, 0)
BINARY(MUL, mul, "Mul", XAI_READS(1), XAI_READS(0))
BINARY(DIV, div, "Div", XAI_READS(1), XAI_READS(0) | XAI_READS(1))
