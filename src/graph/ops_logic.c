/* graph/ops_logic.c: comparisons and truth values, and Where, which chooses by them; the bits of integers. */
#include <math.h>

#include "graph/op_check.h"

enum { A, B };

static xai_status need_bool(const xai_call *c, int i, xai_err *err) {
  if (c->in[i].dtype == XAI_BOOL) return XAI_OK;
  return xai_fail(err, XAI_EUNSUPPORTED, "input %d is %s (expected bool)", i, xai_dtype_name(c->in[i].dtype));
}

/* ---- of two operands, of any type ----------------------------------------------------------------------- */
static xai_status compare_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_same(c, A, B, err));
  XAI_TRY(xai_shape_broadcast(&c->in[A].shape, &c->in[B].shape, &c->out[0].shape, err));
  c->out[0].dtype = XAI_BOOL;
  return XAI_OK;
}

static xai_status logic_infer(xai_call *c, xai_err *err) {
  for (int i = A; i <= B; i++) XAI_TRY(need_bool(c, i, err));
  return compare_infer(c, err);
}

static void compare_forward(const xai_call *c, xk_comparison op) {
  xk_broadcast s = xai_op__broadcast(&c->in[A].shape, &c->in[B].shape, &c->out[0].shape);
  if (c->in[A].dtype == XAI_F32)
    xk_compare_forward(op, &s, c->in[A].data, c->in[B].data, c->out[0].data);
  else
    xk_compare_forward_int(op, xai_dtype_size(c->in[A].dtype), &s, c->in[A].data, c->in[B].data, c->out[0].data);
}

#define COMPARISON(id, text, infer_)                                                                                   \
  static void forward_##id(const xai_call *c) { compare_forward(c, XK_##id); }                                         \
  const xai_op_def xai_op_def_##id = {                                                                                 \
      .name = text, .min_in = 2, .max_in = 2, .max_out = 1, .grad = {XAI_NO_GRAD, XAI_NO_GRAD},                        \
      .infer = infer_, .forward = forward_##id,                                                                        \
  };
COMPARISON(EQUAL, "Equal", compare_infer)
COMPARISON(GREATER, "Greater", compare_infer)
COMPARISON(GREATER_EQUAL, "GreaterOrEqual", compare_infer)
COMPARISON(LESS, "Less", compare_infer)
COMPARISON(LESS_EQUAL, "LessOrEqual", compare_infer)
COMPARISON(AND, "And", logic_infer)
COMPARISON(OR, "Or", logic_infer)
COMPARISON(XOR, "Xor", logic_infer)

/* ---- of one operand ---------------------------------------------------------------------------------------- */
static int64_t count(const xai_call *c) { return xai_shape_size(&c->in[0].shape); }

static xai_status not_infer(xai_call *c, xai_err *err) {
  XAI_TRY(need_bool(c, 0, err));
  xai_op__same(c);
  return XAI_OK;
}

static void not_forward(const xai_call *c) {
  const uint8_t *x = c->in[0].data;
  uint8_t *y = c->out[0].data;
  for (int64_t i = 0; i < count(c); i++) y[i] = x[i] == 0;
}

static xai_status is_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, 0, err));
  c->out[0].dtype = XAI_BOOL;
  c->out[0].shape = c->in[0].shape;
  return XAI_OK;
}

static void is_nan_forward(const xai_call *c) {
  const float *x = c->in[0].data;
  uint8_t *y = c->out[0].data;
  for (int64_t i = 0; i < count(c); i++) y[i] = isnan(x[i]) != 0;
}

static const xai_attr_spec is_inf_attrs[] = {
    XAI_ATTR(INT, "detect_negative", isinf.detect_negative, 1),
    XAI_ATTR(INT, "detect_positive", isinf.detect_positive, 1),
    {0},
};

static void is_inf_forward(const xai_call *c) {
  const xai_attrs_isinf *detect = &c->attrs->isinf;
  const float *x = c->in[0].data;
  uint8_t *y = c->out[0].data;
  for (int64_t i = 0; i < count(c); i++)
    y[i] = isinf(x[i]) && (x[i] > 0 ? detect->detect_positive : detect->detect_negative) != 0;
}

#define TEST(id, text, specs, infer_, forward_)                                                                        \
  const xai_op_def xai_op_def_##id = {                                                                                 \
      .name = text, .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_ELEMENTWISE, .grad = {XAI_NO_GRAD},        \
      .attrs = specs, .infer = infer_, .forward = forward_,                                                            \
  };
TEST(NOT, "Not", NULL, not_infer, not_forward)
TEST(IS_NAN, "IsNaN", NULL, is_infer, is_nan_forward)
TEST(IS_INF, "IsInf", is_inf_attrs, is_infer, is_inf_forward)

/* ---- bits: of int64, int32 and uint8; other integers have been widened to these ---------------------------------- */
static xai_status need_integer(const xai_call *c, int i, xai_err *err) {
  xai_dtype dtype = c->in[i].dtype;
  if (dtype == XAI_I64 || dtype == XAI_I32 || dtype == XAI_U8) return XAI_OK;
  return xai_fail(err, XAI_EUNSUPPORTED, "input %d is %s (expected integers)", i, xai_dtype_name(dtype));
}

static xai_status bits_infer(xai_call *c, xai_err *err) {
  for (int i = A; i <= B; i++) XAI_TRY(need_integer(c, i, err));
  XAI_TRY(compare_infer(c, err));
  c->out[0].dtype = c->in[A].dtype;
  return XAI_OK;
}

static void bits_forward(const xai_call *c, xk_binary op) {
  xk_broadcast s = xai_op__broadcast(&c->in[A].shape, &c->in[B].shape, &c->out[0].shape);
  xk_binary_forward_int(op, xai_dtype_size(c->in[A].dtype), &s, c->in[A].data, c->in[B].data, c->out[0].data);
}

#define BITS(id, text)                                                                                                 \
  static void forward_bits_##id(const xai_call *c) { bits_forward(c, XK_BIT_##id); }                                   \
  const xai_op_def xai_op_def_BITWISE_##id = {                                                                         \
      .name = text, .min_in = 2, .max_in = 2, .max_out = 1, .grad = {XAI_NO_GRAD, XAI_NO_GRAD},                        \
      .infer = bits_infer, .forward = forward_bits_##id,                                                               \
  };
BITS(AND, "BitwiseAnd")
BITS(OR, "BitwiseOr")
BITS(XOR, "BitwiseXor")

enum { LEFT, RIGHT };
static const char *const directions[] = {"LEFT", "RIGHT", NULL};
static const xai_attr_spec shift_attrs[] = {
    {.name = "direction", .kind = XAI_ATTR_CHOICE, .offset = offsetof(xai_attrs, shift.direction), .fallback = -1,
     .choices = directions}, /* required */
    {0},
};

static xai_status shift_infer(xai_call *c, xai_err *err) {
  int64_t direction = c->attrs->shift.direction;
  if (direction != LEFT && direction != RIGHT) return xai_fail(err, XAI_EARG, "direction is missing (LEFT or RIGHT)");
  return bits_infer(c, err);
}

static void shift_forward(const xai_call *c) {
  bits_forward(c, c->attrs->shift.direction == LEFT ? XK_SHIFT_LEFT : XK_SHIFT_RIGHT);
}

const xai_op_def xai_op_def_BIT_SHIFT = {
    .name = "BitShift", .min_in = 2, .max_in = 2, .max_out = 1, .grad = {XAI_NO_GRAD, XAI_NO_GRAD},
    .attrs = shift_attrs, .infer = shift_infer, .forward = shift_forward,
};

static xai_status bitwise_not_infer(xai_call *c, xai_err *err) {
  XAI_TRY(need_integer(c, 0, err));
  xai_op__same(c);
  return XAI_OK;
}

static void bitwise_not_forward(const xai_call *c) {
  const uint8_t *x = c->in[0].data;
  uint8_t *y = c->out[0].data;
  for (size_t i = 0; i < xai_view_bytes(&c->in[0]); i++) y[i] = (uint8_t)~x[i];
}
TEST(BITWISE_NOT, "BitwiseNot", NULL, bitwise_not_infer, bitwise_not_forward)

/* ---- Where: y = condition ? x : other, elements of any type ------------------------------------------------------ */
enum { CONDITION, X, OTHER };

static xai_status where_infer(xai_call *c, xai_err *err) {
  xai_shape y;
  XAI_TRY(need_bool(c, CONDITION, err));
  XAI_TRY(xai_op__need_same(c, X, OTHER, err));
  XAI_TRY(xai_shape_broadcast(&c->in[X].shape, &c->in[OTHER].shape, &y, err));
  XAI_TRY(xai_shape_broadcast(&c->in[CONDITION].shape, &y, &y, err));
  c->out[0].dtype = c->in[X].dtype;
  c->out[0].shape = y;
  return XAI_OK;
}

static void where_forward(const xai_call *c) {
  const xai_shape *y = &c->out[0].shape;
  int64_t stride[XAI_MAX_RANK] = {0};
  xk_broadcast s = xai_op__broadcast(&c->in[X].shape, &c->in[OTHER].shape, y);
  xai_op__repeat_strides(&c->in[CONDITION].shape, y, stride);
  xk_where_forward(xai_dtype_size(c->out[0].dtype), &s, stride, c->in[CONDITION].data, c->in[X].data,
                   c->in[OTHER].data, c->out[0].data);
}

static size_t where_workspace(const xai_call *c) {
  return (size_t)xai_shape_size(&c->out[0].shape) * (sizeof(float) + 1);
}

/* Each side gets the gradient of the elements that came from it. */
static void where_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  const xai_shape *y = &c->out[0].shape;
  int64_t n = xai_shape_size(y), stride[XAI_MAX_RANK] = {0};
  float *part = c->work;
  uint8_t *condition = (uint8_t *)(part + n);
  xai_op__repeat_strides(&c->in[CONDITION].shape, y, stride);
  xk_gather_strided(1, y->rank, y->dims, stride, 0, c->in[CONDITION].data, condition);
  for (int i = X; i <= OTHER; i++) {
    if (c->din[i].data == NULL) continue;
    xk_mask(n, condition, i == X, c->dout[0].data, part);
    xai_op__unrepeat(&c->in[i].shape, y, 1, part, c->din[i].data);
  }
}

const xai_op_def xai_op_def_WHERE = {
    .name = "Where", .min_in = 3, .max_in = 3, .max_out = 1,
    .grad = {XAI_NO_GRAD, XAI_READS(CONDITION), XAI_READS(CONDITION)},
    .infer = where_infer, .workspace = where_workspace, .forward = where_forward, .backward = where_backward,
};
