/* graph/ops_binary.c: arithmetic on several arrays with NumPy broadcasting.
 *
 * All but Sum, Mean and PRelu also count in int64, int32 and uint8, for the computation of shapes: division goes toward
 * zero, x/0 is 0, what does not fit wraps around. */
#include <math.h>
#include <string.h>

#include "graph/op_check.h"
#include "tensor/math.h"

enum { A, B };

static xk_broadcast broadcast(const xai_call *c) {
  return xai_op__broadcast(&c->in[A].shape, &c->in[B].shape, &c->out[0].shape);
}

/* ---- two operands ------------------------------------------------------------------------------------ */
static xai_status binary_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_same(c, A, B, err));
  for (int i = A; i <= B; i++) XAI_TRY(xai_op__need_number(c, i, err));
  XAI_TRY(xai_shape_broadcast(&c->in[A].shape, &c->in[B].shape, &c->out[0].shape, err));
  c->out[0].dtype = c->in[A].dtype;
  return XAI_OK;
}

static void binary_forward(const xai_call *c, xk_binary op) {
  xk_broadcast s = broadcast(c);
  if (c->in[A].dtype == XAI_F32)
    xk_binary_forward(op, &s, c->in[A].data, c->in[B].data, c->out[0].data);
  else
    xk_binary_forward_int(op, xai_dtype_size(c->in[A].dtype), &s, c->in[A].data, c->in[B].data, c->out[0].data);
}

static void binary_backward(const xai_call *c, xk_binary op) {
  if (xai_op__idle(c)) return;
  xk_broadcast s = broadcast(c);
  const float *a = c->in[A].data, *b = c->in[B].data, *dy = c->dout[0].data;
  float *da = xai_op__din(c, A), *db = xai_op__din(c, B);
  if (da != NULL && da != dy) xk_binary_backward_a(op, &s, a, b, dy, xai_shape_size(&c->in[A].shape), da);
  if (db != NULL && db != dy) xk_binary_backward_b(op, &s, a, b, dy, xai_shape_size(&c->in[B].shape), db);
}

#define BINARY(id, text, reads_a, reads_b, gradient_that_stays)                                                                             \
  static void forward_##id(const xai_call *c) { binary_forward(c, XK_##id); }                                          \
  static void backward_##id(const xai_call *c) { binary_backward(c, XK_##id); }                                        \
  const xai_op_def xai_op_def_##id = {                                                                                 \
      .name = text, .min_in = 2, .max_in = 2, .max_out = 1, .grad = {reads_a, reads_b},                                \
      .hands_on = gradient_that_stays, .infer = binary_infer, .forward = forward_##id, .backward = backward_##id,                                       \
  };
BINARY(ADD, "Add", 0, 0, XAI_READS(A) | XAI_READS(B))
BINARY(SUB, "Sub", 0, 0, XAI_READS(A))
BINARY(MUL, "Mul", XAI_READS(B), XAI_READS(A), 0)
BINARY(DIV, "Div", XAI_READS(B), XAI_READS(A) | XAI_READS(B), 0)

/* ---- Mod: the attribute chooses the sign ------------------------------------------------------------- */
static const xai_attr_spec mod_attrs[] = {XAI_ATTR(INT, "fmod", mod.fmod, 0), {0}};

static xk_binary mod_of(const xai_call *c) { return c->attrs->mod.fmod != 0 ? XK_FMOD : XK_MOD; }
static void mod_forward(const xai_call *c) { binary_forward(c, mod_of(c)); }
static void mod_backward(const xai_call *c) { binary_backward(c, mod_of(c)); }

const xai_op_def xai_op_def_MOD = {
    .name = "Mod", .min_in = 2, .max_in = 2, .max_out = 1, .grad = {0, XAI_READS(A) | XAI_READS(B)},
    .attrs = mod_attrs, .infer = binary_infer, .forward = mod_forward, .backward = mod_backward,
};

/* ---- Pow: the operands may be of different types; the result has the type of the base ---------------- */
static xai_status pow_infer(xai_call *c, xai_err *err) {
  for (int i = A; i <= B; i++) XAI_TRY(xai_op__need_number(c, i, err));
  XAI_TRY(xai_shape_broadcast(&c->in[A].shape, &c->in[B].shape, &c->out[0].shape, err));
  c->out[0].dtype = c->in[A].dtype;
  return XAI_OK;
}

/* Integer exponents of a float32 base are converted. */
static bool converts(const xai_call *c) { return c->in[A].dtype == XAI_F32 && c->in[B].dtype != XAI_F32; }

static size_t pow_workspace(const xai_call *c) {
  return converts(c) ? (size_t)xai_shape_size(&c->in[B].shape) * sizeof(float) : 0;
}

static const float *exponents(const xai_call *c) {
  if (!converts(c)) return c->in[B].data;
  float *b = c->work;
  for (int64_t i = 0; i < xai_shape_size(&c->in[B].shape); i++) b[i] = (float)xai_view_get(&c->in[B], i);
  return b;
}

/* Element offset of an operand for element i of the result */
static int64_t operand_at(const xk_broadcast *s, const int64_t *stride, int64_t i) {
  int64_t at = 0;
  for (int d = s->rank - 1; d >= 0; i /= s->dims[d], d--) at += i % s->dims[d] * stride[d];
  return at;
}

/* Powers of integers are rare: they are computed in double, toward zero. */
static void pow_forward(const xai_call *c) {
  xk_broadcast s = broadcast(c);
  if (c->in[A].dtype == XAI_F32) {
    xk_binary_forward(XK_POW, &s, c->in[A].data, exponents(c), c->out[0].data);
    return;
  }
  for (int64_t i = 0; i < xai_shape_size(&c->out[0].shape); i++) {
    double a = xai_view_get(&c->in[A], operand_at(&s, s.stride_a, i));
    double b = xai_view_get(&c->in[B], operand_at(&s, s.stride_b, i));
    xai_math_put(&c->out[0], i, pow(a, b));
  }
}

static void pow_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_broadcast s = broadcast(c);
  const float *a = c->in[A].data, *b = exponents(c), *dy = c->dout[0].data;
  float *da = xai_op__din(c, A), *db = converts(c) ? NULL : xai_op__din(c, B);
  if (da != NULL) xk_binary_backward_a(XK_POW, &s, a, b, dy, xai_shape_size(&c->in[A].shape), da);
  if (db != NULL) xk_binary_backward_b(XK_POW, &s, a, b, dy, xai_shape_size(&c->in[B].shape), db);
}

const xai_op_def xai_op_def_POW = {
    .name = "Pow", .min_in = 2, .max_in = 2, .max_out = 1,
    .grad = {XAI_READS(A) | XAI_READS(B), XAI_READS(A) | XAI_READS(B)},
    .infer = pow_infer, .workspace = pow_workspace, .forward = pow_forward, .backward = pow_backward,
};

/* ---- PRelu ------------------------------------------------------------------------------------------- */
static xai_status prelu_infer(xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[A].shape, *slope = &c->in[B].shape;
  xai_shape y = *x;
  for (int i = A; i <= B; i++) XAI_TRY(xai_op__need_float(c, i, err));
  if (xai_shape_broadcast(x, slope, &y, NULL) != XAI_OK || !xai_shape_equal(&y, x))
    return xai_fail(err, XAI_ESHAPE, "slope %s does not broadcast to %s", TEXT(slope), TEXT(x));
  xai_op__same(c);
  return XAI_OK;
}

static void prelu_forward(const xai_call *c) { binary_forward(c, XK_PRELU); }

/* A rectifier like LeakyRelu; where a rule lets a signal pass, it does not look at the slope. */
static void prelu_backward(const xai_call *c) {
  if (c->rule == XK_RELU_PLAIN || c->rule == XK_RELU_REDIRECTED) {
    binary_backward(c, XK_PRELU);
    return;
  }
  if (xai_op__idle(c)) return;
  xk_broadcast s = broadcast(c);
  const float *x = c->in[A].data, *slope = c->in[B].data, *dy = c->dout[0].data;
  float *dx = xai_op__din(c, A), *dslope = xai_op__din(c, B);
  if (dx != NULL) xk_leaky_relu_backward(c->rule, 0, xai_shape_size(&c->in[A].shape), x, dy, dx);
  if (dslope != NULL) xk_binary_backward_b(XK_PRELU, &s, x, slope, dy, xai_shape_size(&c->in[B].shape), dslope);
}

const xai_op_def xai_op_def_PRELU = {
    .name = "PRelu", .min_in = 2, .max_in = 2, .max_out = 1, .flags = XAI_OP_RECTIFIER,
    .grad = {XAI_READS(A) | XAI_READS(B), XAI_READS(A)},
    .infer = prelu_infer, .forward = prelu_forward, .backward = prelu_backward,
};

/* ---- any number of operands -------------------------------------------------------------------------- */
static xai_status fold_infer(xai_call *c, xai_err *err) {
  xai_shape y = c->in[0].shape;
  for (int i = 0; i < c->n_in; i++) {
    XAI_TRY(xai_op__need_same(c, 0, i, err));
    XAI_TRY(xai_op__need_number(c, i, err));
    XAI_TRY(xai_shape_broadcast(&y, &c->in[i].shape, &y, err));
  }
  c->out[0].dtype = c->in[0].dtype;
  c->out[0].shape = y;
  return XAI_OK;
}

/* y = ((in0 op in1) op in2) ..., in place */
static void fold_forward(const xai_call *c, xk_binary op) {
  const xai_shape *out = &c->out[0].shape;
  size_t size = xai_dtype_size(c->out[0].dtype);
  int64_t stride[XAI_MAX_RANK];
  void *y = c->out[0].data;
  xai_op__repeat_strides(&c->in[0].shape, out, stride);
  xk_gather_strided(size, out->rank, out->dims, stride, 0, c->in[0].data, y);
  for (int i = 1; i < c->n_in; i++) {
    xk_broadcast s = xai_op__broadcast(out, &c->in[i].shape, out);
    if (c->out[0].dtype == XAI_F32) xk_binary_forward(op, &s, y, c->in[i].data, y);
    else xk_binary_forward_int(op, size, &s, y, c->in[i].data, y);
  }
}

/* Sum and Mean: what arrives, times 'share', goes to every operand. */
static xai_status sum_infer(xai_call *c, xai_err *err) {
  for (int i = 0; i < c->n_in; i++) XAI_TRY(xai_op__need_float(c, i, err));
  return fold_infer(c, err);
}

static void sum_forward(const xai_call *c) { fold_forward(c, XK_ADD); }

static void mean_forward(const xai_call *c) {
  fold_forward(c, XK_ADD);
  xk_scale(xai_shape_size(&c->out[0].shape), (float)(1.0 / c->n_in), c->out[0].data, c->out[0].data);
}

static void share_backward(const xai_call *c, double share) {
  if (xai_op__idle(c)) return;
  for (int i = 0; i < c->n_in; i++)
    if (c->din[i].data != NULL)
      xai_op__unrepeat(&c->in[i].shape, &c->out[0].shape, share, c->dout[0].data, c->din[i].data);
}

static void sum_backward(const xai_call *c) { share_backward(c, 1); }
static void mean_backward(const xai_call *c) { share_backward(c, 1.0 / c->n_in); }

const xai_op_def xai_op_def_SUM = {
    .name = "Sum", .min_in = 1, .max_in = -1, .max_out = 1, .grad = {0},
    .infer = sum_infer, .forward = sum_forward, .backward = sum_backward,
};
const xai_op_def xai_op_def_MEAN = {
    .name = "Mean", .min_in = 1, .max_in = -1, .max_out = 1, .grad = {0},
    .infer = sum_infer, .forward = mean_forward, .backward = mean_backward,
};

/* Max and Min: an element of the result sends its gradient to the first operand that equals it. */
enum { MOST_OPERANDS = 30 }; /* as many as XAI_READS can name */

#define EVERYTHING (~XAI_NO_GRAD)
#define READS_ALL {EVERYTHING, EVERYTHING, EVERYTHING, EVERYTHING, EVERYTHING} /* the operands and the result */

static xai_status extreme_infer(xai_call *c, xai_err *err) {
  if (c->n_in > MOST_OPERANDS)
    return xai_fail(err, XAI_EUNSUPPORTED, "%d inputs are not supported (at most %d)", c->n_in, MOST_OPERANDS);
  return fold_infer(c, err);
}

static size_t extreme_workspace(const xai_call *c) {
  return (size_t)xai_shape_size(&c->out[0].shape) * (sizeof(float) + 1);
}

static void equals_result(const xai_call *c, int i, uint8_t *equal) {
  const xai_shape *out = &c->out[0].shape;
  xk_broadcast s = xai_op__broadcast(out, &c->in[i].shape, out);
  xk_compare_forward(XK_EQUAL, &s, c->out[0].data, c->in[i].data, equal);
}

static void extreme_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  int64_t n = xai_shape_size(&c->out[0].shape);
  float *won = c->work;
  uint8_t *equal = (uint8_t *)(won + n);
  for (int i = 0; i < c->n_in; i++) {
    if (c->din[i].data == NULL) continue;
    memcpy(won, c->dout[0].data, xai_view_bytes(&c->out[0]));
    for (int j = 0; j <= i; j++) {
      equals_result(c, j, equal);
      xk_mask(n, equal, j == i, won, won);
    }
    xai_op__unrepeat(&c->in[i].shape, &c->out[0].shape, 1, won, c->din[i].data);
  }
}

static void max_forward(const xai_call *c) { fold_forward(c, XK_MAX); }
static void min_forward(const xai_call *c) { fold_forward(c, XK_MIN); }

const xai_op_def xai_op_def_MAX = {
    .name = "Max", .min_in = 1, .max_in = -1, .max_out = 1, .grad = READS_ALL,
    .infer = extreme_infer, .workspace = extreme_workspace, .forward = max_forward, .backward = extreme_backward,
};
const xai_op_def xai_op_def_MIN = {
    .name = "Min", .min_in = 1, .max_in = -1, .max_out = 1, .grad = READS_ALL,
    .infer = extreme_infer, .workspace = extreme_workspace, .forward = min_forward, .backward = extreme_backward,
};
