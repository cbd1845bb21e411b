/* graph/ops_unary.c: functions of one number: the rows to the table in kernels/unary.def.
 *
 * Backward rules. Elu, Celu, Selu and ThresholdedRelu are rectifiers: monotone, and made to stand where a Relu would
 * stand. Under 'guided' they pass their own derivative where the signal and the input are positive, under 'deconv' the
 * positive signal. All others pass their derivative whatever the rule: Gelu, Mish, HardSwish and Swish fall before they
 * rise, so that a negative input does not mean a silent unit; Softplus and HardSigmoid are also what gates are made of.
 * Ceil, Floor, Round and Sign are constant between their steps: no gradient passes. */
#include "graph/op_check.h"

static int64_t count(const xai_call *c) { return xai_shape_size(&c->in[0].shape); }

static xai_status float_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, 0, err));
  xai_op__same(c);
  return XAI_OK;
}

/* Abs, Neg and Sign also count in integers. */
static xai_status number_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_number(c, 0, err));
  xai_op__same(c);
  return XAI_OK;
}

static void forward(const xai_call *c, xk_unary op) {
  const xai_attrs_pair *p = &c->attrs->pair;
  if (c->in[0].dtype == XAI_F32)
    xk_unary_forward(op, (float)p->a, (float)p->b, count(c), c->in[0].data, c->out[0].data);
  else
    xk_unary_forward_int(op, xai_dtype_size(c->in[0].dtype), count(c), c->in[0].data, c->out[0].data);
}

static void backward(const xai_call *c, xk_unary op, xk_relu_rule rule) {
  const xai_attrs_pair *p = &c->attrs->pair;
  if (xai_op__idle(c)) return;
  xk_unary_backward(op, (float)p->a, (float)p->b, rule, count(c), c->in[0].data, c->dout[0].data, c->din[0].data);
}

/* ---- shapes of rows ------------------------------------------------------------------------------------- */
#define ROW(id, text, more_flags, gradient, specs, infer_, backward_)                                                  \
  static void forward_##id(const xai_call *c) { forward(c, XK_##id); }                                                 \
  const xai_op_def xai_op_def_##id = {                                                                                 \
      .name = text, .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_ELEMENTWISE | (more_flags),                \
      .grad = {gradient}, .attrs = specs, .infer = infer_, .forward = forward_##id, .backward = backward_,             \
  };
#define SMOOTH(id, text, specs, infer_)                                                                                \
  static void backward_##id(const xai_call *c) { backward(c, XK_##id, XK_RELU_PLAIN); }                                \
  ROW(id, text, 0, XAI_READS(0), specs, infer_, backward_##id)
#define RECTIFIER(id, text, specs)                                                                                     \
  static void backward_##id(const xai_call *c) { backward(c, XK_##id, c->rule); }                                      \
  ROW(id, text, XAI_OP_RECTIFIER, XAI_READS(0), specs, float_infer, backward_##id)
#define STEPS(id, text, infer_) ROW(id, text, 0, XAI_NO_GRAD, NULL, infer_, NULL)

/* ---- rows --------------------------------------------------------------------------------------------------- */
SMOOTH(ABS, "Abs", NULL, number_infer)
SMOOTH(ACOS, "Acos", NULL, float_infer)
SMOOTH(ACOSH, "Acosh", NULL, float_infer)
SMOOTH(ASIN, "Asin", NULL, float_infer)
SMOOTH(ASINH, "Asinh", NULL, float_infer)
SMOOTH(ATAN, "Atan", NULL, float_infer)
SMOOTH(ATANH, "Atanh", NULL, float_infer)
SMOOTH(COS, "Cos", NULL, float_infer)
SMOOTH(COSH, "Cosh", NULL, float_infer)
SMOOTH(ERF, "Erf", NULL, float_infer)
SMOOTH(EXP, "Exp", NULL, float_infer)
SMOOTH(HARD_SWISH, "HardSwish", NULL, float_infer)
SMOOTH(LOG, "Log", NULL, float_infer)
SMOOTH(MISH, "Mish", NULL, float_infer)
SMOOTH(NEG, "Neg", NULL, number_infer)
SMOOTH(RECIPROCAL, "Reciprocal", NULL, float_infer)
SMOOTH(SIN, "Sin", NULL, float_infer)
SMOOTH(SINH, "Sinh", NULL, float_infer)
SMOOTH(SOFTPLUS, "Softplus", NULL, float_infer)
SMOOTH(SOFTSIGN, "Softsign", NULL, float_infer)
SMOOTH(SQRT, "Sqrt", NULL, float_infer)
SMOOTH(TAN, "Tan", NULL, float_infer)

STEPS(CEIL, "Ceil", float_infer)
STEPS(FLOOR, "Floor", float_infer)
STEPS(ROUND, "Round", float_infer)
STEPS(SIGN, "Sign", number_infer)

static const xai_attr_spec alpha_attrs[] = {XAI_ATTR(FLOAT, "alpha", pair.a, 1), {0}};
static const xai_attr_spec hard_sigmoid_attrs[] = {
    XAI_ATTR(FLOAT, "alpha", pair.a, 0.2), XAI_ATTR(FLOAT, "beta", pair.b, 0.5), {0}};
static const xai_attr_spec selu_attrs[] = {XAI_ATTR(FLOAT, "alpha", pair.a, 1.67326319217681884765625),
                                           XAI_ATTR(FLOAT, "gamma", pair.b, 1.05070102214813232421875), {0}};
static const xai_attr_spec shrink_attrs[] = {
    XAI_ATTR(FLOAT, "bias", pair.b, 0), XAI_ATTR(FLOAT, "lambd", pair.a, 0.5), {0}};
SMOOTH(HARD_SIGMOID, "HardSigmoid", hard_sigmoid_attrs, float_infer)
SMOOTH(SHRINK, "Shrink", shrink_attrs, float_infer)
SMOOTH(SWISH, "Swish", alpha_attrs, float_infer)
RECTIFIER(CELU, "Celu", alpha_attrs)
RECTIFIER(ELU, "Elu", alpha_attrs)
RECTIFIER(SELU, "Selu", selu_attrs)
RECTIFIER(THRESHOLDED_RELU, "ThresholdedRelu", alpha_attrs)

/* ---- Gelu: the attribute chooses the function -------------------------------------------------------------- */
static const char *const approximations[] = {"none", "tanh", NULL};
static const xai_attr_spec gelu_attrs[] = {{.name = "approximate", .kind = XAI_ATTR_CHOICE,
                                            .offset = offsetof(xai_attrs, gelu.approximate),
                                            .choices = approximations},
                                           {0}};

static xk_unary gelu_of(const xai_call *c) { return c->attrs->gelu.approximate == 0 ? XK_GELU : XK_GELU_TANH; }

static xai_status gelu_infer(xai_call *c, xai_err *err) {
  int64_t which = c->attrs->gelu.approximate;
  if (which != 0 && which != 1) return xai_fail(err, XAI_EARG, "approximate %" PRId64 " is no choice", which);
  return float_infer(c, err);
}

static void gelu_forward(const xai_call *c) {
  xk_unary_forward(gelu_of(c), 0, 0, count(c), c->in[0].data, c->out[0].data);
}

static void gelu_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_unary_backward(gelu_of(c), 0, 0, XK_RELU_PLAIN, count(c), c->in[0].data, c->dout[0].data, c->din[0].data);
}

const xai_op_def xai_op_def_GELU = {
    .name = "Gelu", .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_ELEMENTWISE, .grad = {XAI_READS(0)},
    .attrs = gelu_attrs, .infer = gelu_infer, .forward = gelu_forward, .backward = gelu_backward,
};
