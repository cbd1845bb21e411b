/* graph/ops_point.c: the activations that nearly every network has; others stand in ops_unary.c.
 *
 * The rectifiers (Relu, LeakyRelu, Clip) obey the call's backward rule; Sigmoid and Tanh have one gradient only. */
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
  if (xai_op__idle(c)) return;
  const float *y = c->out[0].data, *dy = c->dout[0].data;
  float *dx = c->din[0].data;
  int64_t parts = xai_op__parts(c, &c->in[0].shape), n = count(c) / parts;
  for (int64_t i = 0; i < parts; i++) xk_relu_backward(c->rule, n, y + i * n, dy + i * n, dx + i * n);
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
  XAI_TRY(xai_op__need_number(c, 0, err));
  for (int i = LO; i < c->n_in; i++)
    if (xai_call_has(c, i)) XAI_TRY(xai_op__need_same(c, 0, i, err));
  for (int i = LO; i <= HI; i++)
    if (xai_call_has(c, i) && xai_shape_size(&c->in[i].shape) != 1)
      return xai_fail(err, XAI_ESHAPE, "%s %s is not one number", i == LO ? "min" : "max", TEXT(&c->in[i].shape));
  xai_op__same(c);
  return XAI_OK;
}

/* Integers: the larger of input and min, then the smaller of that and max. */
static void clip_integers(const xai_call *c) {
  static const xk_binary keeps[] = {[LO] = XK_MAX, [HI] = XK_MIN};
  xk_broadcast s = {.rank = 1, .dims = {count(c)}, .stride_a = {1}};
  xai_op__copy_forward(c);
  for (int i = LO; i <= HI; i++)
    if (xai_call_has(c, i))
      xk_binary_forward_int(keeps[i], xai_dtype_size(c->in[0].dtype), &s, c->out[0].data, c->in[i].data,
                            c->out[0].data);
}

static void clip_forward(const xai_call *c) {
  if (c->in[0].dtype != XAI_F32) {
    clip_integers(c);
    return;
  }
  float lo = xai_op__scalar(c, LO, -INFINITY), hi = xai_op__scalar(c, HI, INFINITY);
  xk_clip_forward(lo, hi, count(c), c->in[0].data, c->out[0].data);
}

static void clip_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  float lo = xai_op__scalar(c, LO, -INFINITY), hi = xai_op__scalar(c, HI, INFINITY);
  const float *x = c->in[0].data, *dy = c->dout[0].data;
  float *dx = c->din[0].data;
  int64_t parts = xai_op__parts(c, &c->in[0].shape), n = count(c) / parts;
  for (int64_t i = 0; i < parts; i++) xk_clip_backward(c->rule, lo, hi, n, x + i * n, dy + i * n, dx + i * n);
}

const xai_op_def xai_op_def_CLIP = {
    .name = "Clip", .min_in = 1, .max_in = 3, .max_out = 1, .flags = XAI_OP_RECTIFIER | XAI_OP_ELEMENTWISE,
    .grad = {XAI_READS(0) | XAI_READS(LO) | XAI_READS(HI), XAI_NO_GRAD, XAI_NO_GRAD},
    .infer = clip_infer, .forward = clip_forward, .backward = clip_backward,
};
