/* graph/ops_shape.c: the same elements under another shape, and shapes as data.
 *
 * Reshape, Flatten, Squeeze, Unsqueeze, Identity and Dropout keep every element in place: their forward copies only
 * when input and output are different memory. Shape, ConstantOfShape and Cast serve the arithmetic on shapes that
 * exporters leave in a graph. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "graph/op_check.h"

/* A row whose output 0 has the elements of input 0; further inputs say how. */
#define ALIAS_ROW(id, text, least, most, outputs, more_flags, read, specs, infer_)                                     \
  const xai_op_def xai_op_def_##id = {                                                                                 \
      .name = text, .min_in = least, .max_in = most, .max_out = outputs, .flags = XAI_OP_ALIAS | (more_flags),         \
      .grad = {0, XAI_NO_GRAD, XAI_NO_GRAD}, .hands_on = XAI_READS(0), .decides = read, .attrs = specs, .infer = infer_,                         \
      .forward = xai_op__copy_forward, .backward = xai_op__copy_backward,                                              \
  };

/* ---- Reshape ------------------------------------------------------------------------------------------- */

static const xai_attr_spec reshape_attrs[] = {XAI_ATTR(INT, "allowzero", reshape.allowzero, 0), {0}};

/* The wanted shape with 0 (copy) resolved; *open becomes the axis of a -1. */
static xai_status read_target(const xai_call *c, xai_shape *out, int *open, xai_err *err) {
  const xai_shape *x = &c->in[0].shape;
  xai_ints list;
  XAI_TRY(xai_op__ints(c, 1, "shape", &list, err));
  if (list.n > XAI_MAX_RANK)
    return xai_fail(err, XAI_EUNSUPPORTED, "shape has %d axes (at most %d)", list.n, XAI_MAX_RANK);
  xai_shape s = {.rank = list.n};
  for (int d = 0; d < list.n; d++) {
    int64_t n = list.v[d];
    if (n < -1) return xai_fail(err, XAI_EARG, "shape has the size %" PRId64, n);
    if (n == -1 && *open >= 0) return xai_fail(err, XAI_EARG, "shape has more than one -1");
    if (n == -1) *open = d;
    if (n == 0 && c->attrs->reshape.allowzero == 0) {
      if (d >= x->rank)
        return xai_fail(err, XAI_ESHAPE, "shape copies axis %d, which the input %s does not have", d, TEXT(x));
      n = x->dims[d];
    }
    s.dims[d] = n;
  }
  *out = s;
  return XAI_OK;
}

static xai_status reshape_infer(xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[0].shape;
  xai_shape s;
  int open = -1;
  XAI_TRY(read_target(c, &s, &open, err));
  xai_shape known = s;
  if (open >= 0) known.dims[open] = 1;
  int64_t have = xai_shape_size(x), rest;
  bool fits = xai_shape_count(&known, &rest);
  if (fits && open >= 0) {
    fits = rest > 0 && have % rest == 0;
    if (fits) s.dims[open] = have / rest;
  } else if (fits) {
    fits = rest == have;
  }
  if (!fits) return xai_fail(err, XAI_ESHAPE, "cannot reshape %s to %s", TEXT(x), TEXT(&s));
  c->out[0].dtype = c->in[0].dtype;
  c->out[0].shape = s;
  return XAI_OK;
}
ALIAS_ROW(RESHAPE, "Reshape", 2, 2, 1, 0, XAI_READS(1), reshape_attrs, reshape_infer)

/* ---- Flatten --------------------------------------------------------------------------------------------- */

static const xai_attr_spec flatten_attrs[] = {XAI_ATTR(INT, "axis", axis.axis, 1), {0}};

static xai_status flatten_infer(xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[0].shape;
  int64_t axis = c->attrs->axis.axis;
  if (axis < -x->rank || axis > x->rank) /* the rank itself is allowed: everything goes into the rows */
    return xai_fail(err, XAI_ESHAPE, "axis %" PRId64 " out of range for rank %d", axis, x->rank);
  int at = (int)(axis < 0 ? axis + x->rank : axis);
  c->out[0].dtype = c->in[0].dtype;
  c->out[0].shape = XAI_SHAPE(xai_shape_span(x, 0, at), xai_shape_span(x, at, x->rank));
  return XAI_OK;
}
ALIAS_ROW(FLATTEN, "Flatten", 1, 1, 1, 0, 0, flatten_attrs, flatten_infer)

/* ---- Squeeze, Unsqueeze ------------------------------------------------------------------------------------ */

static xai_status squeeze_infer(xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[0].shape;
  bool drop[XAI_MAX_RANK];
  if (xai_call_has(c, 1)) {
    xai_ints axes;
    XAI_TRY(xai_op__ints(c, 1, "axes", &axes, err));
    XAI_TRY(xai_op__axis_set(&axes, x->rank, drop, err));
  } else {
    for (int d = 0; d < x->rank; d++) drop[d] = x->dims[d] == 1;
  }
  xai_shape s = {0};
  for (int d = 0; d < x->rank; d++) {
    if (!drop[d]) s.dims[s.rank++] = x->dims[d];
    else if (x->dims[d] != 1)
      return xai_fail(err, XAI_ESHAPE, "axis %d of %s has more or less than 1 element", d, TEXT(x));
  }
  c->out[0].dtype = c->in[0].dtype;
  c->out[0].shape = s;
  return XAI_OK;
}
ALIAS_ROW(SQUEEZE, "Squeeze", 1, 2, 1, 0, XAI_READS(1), NULL, squeeze_infer)

static xai_status unsqueeze_infer(xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[0].shape;
  xai_ints axes;
  bool insert[XAI_MAX_RANK];
  XAI_TRY(xai_op__ints(c, 1, "axes", &axes, err));
  xai_shape s = {.rank = x->rank + axes.n};
  if (s.rank > XAI_MAX_RANK)
    return xai_fail(err, XAI_EUNSUPPORTED, "the result has %d axes (at most %d)", s.rank, XAI_MAX_RANK);
  XAI_TRY(xai_op__axis_set(&axes, s.rank, insert, err)); /* axes count in the result */
  for (int d = 0, from = 0; d < s.rank; d++) s.dims[d] = insert[d] ? 1 : x->dims[from++];
  c->out[0].dtype = c->in[0].dtype;
  c->out[0].shape = s;
  return XAI_OK;
}
ALIAS_ROW(UNSQUEEZE, "Unsqueeze", 2, 2, 1, 0, XAI_READS(1), NULL, unsqueeze_infer)

/* ---- Identity, Dropout ----------------------------------------------------------------------------------------- */

static xai_status identity_infer(xai_call *c, xai_err *err) {
  (void)err;
  xai_op__same(c);
  return XAI_OK;
}
ALIAS_ROW(IDENTITY, "Identity", 1, 1, 1, XAI_OP_ELEMENTWISE, 0, NULL, identity_infer)

/* Nothing is dropped, whatever ratio and training_mode say: what drops is DROPOUT_TRAINING. */
static xai_status dropout_infer(xai_call *c, xai_err *err) {
  if (c->n_out > 1) return xai_fail(err, XAI_EUNSUPPORTED, "the output 'mask' is not supported");
  xai_op__same(c);
  return XAI_OK;
}
static const xai_attr_spec dropout_attrs[] = {XAI_ATTR(INT, "seed", dropout.seed, 0), {0}};
ALIAS_ROW(DROPOUT, "Dropout", 1, 3, 2, XAI_OP_ELEMENTWISE, 0, dropout_attrs, dropout_infer)

/* Each element is 0 with probability 'ratio' (input 1), else divided by 1 - ratio; output 1 tells which stayed. */
enum { DROPOUT_RATIO = 1 };

static xai_status dropout_training_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, 0, err));
  if (xai_call_has(c, DROPOUT_RATIO)) {
    XAI_TRY(xai_op__need_float(c, DROPOUT_RATIO, err));
    const xai_view *ratio = &c->in[DROPOUT_RATIO];
    if (xai_shape_size(&ratio->shape) != 1)
      return xai_fail(err, XAI_ESHAPE, "ratio: expected one number, got %s", TEXT(&ratio->shape));
    if (ratio->data != NULL && !(xai_view_get(ratio, 0) >= 0 && xai_view_get(ratio, 0) < 1))
      return xai_fail(err, XAI_EARG, "ratio: expected 0 or more and less than 1, got %g", xai_view_get(ratio, 0));
  }
  xai_op__same(c);
  if (c->n_out > 1) c->out[1] = (xai_view){.dtype = XAI_BOOL, .shape = c->in[0].shape};
  return XAI_OK;
}

static void drop(const xai_call *c, const float *x, float *y, uint8_t *stayed) {
  uint64_t base = xai_rng_stream(c->stream, (uint64_t)c->attrs->dropout.seed);
  xk_dropout(base, xai_op__scalar(c, DROPOUT_RATIO, 0.5f), xai_shape_size(&c->in[0].shape), x, y, stayed);
}

static void dropout_training_forward(const xai_call *c) {
  drop(c, c->in[0].data, c->out[0].data, c->n_out > 1 ? c->out[1].data : NULL);
}

static void dropout_training_backward(const xai_call *c) {
  if (!xai_op__idle(c)) drop(c, c->dout[0].data, c->din[0].data, NULL);
}

const xai_op_def xai_op_def_DROPOUT_TRAINING = {
    .name = "Dropout", .min_in = 1, .max_in = 3, .max_out = 2,
    .grad = {XAI_READS(DROPOUT_RATIO), XAI_NO_GRAD, XAI_NO_GRAD}, .attrs = dropout_attrs,
    .infer = dropout_training_infer, .forward = dropout_training_forward, .backward = dropout_training_backward,
};

/* ---- Shape --------------------------------------------------------------------------------------------------- */

static const xai_attr_spec shape_attrs[] = {
    XAI_ATTR(INT, "end", range.end, XAI_MAX_RANK), /* beyond the last axis: all of them */
    XAI_ATTR(INT, "start", range.start, 0),
    {0},
};

static int clamp_axis(int64_t axis, int rank) {
  if (axis >= rank) return rank;
  if (axis < -rank) return 0;
  return (int)(axis < 0 ? axis + rank : axis);
}

static xai_status shape_infer(xai_call *c, xai_err *err) {
  (void)err;
  int rank = c->in[0].shape.rank;
  int start = clamp_axis(c->attrs->range.start, rank), end = clamp_axis(c->attrs->range.end, rank);
  c->out[0].dtype = XAI_I64;
  c->out[0].shape = XAI_SHAPE(end > start ? end - start : 0);
  return XAI_OK;
}

static void shape_forward(const xai_call *c) {
  const xai_shape *x = &c->in[0].shape;
  int start = clamp_axis(c->attrs->range.start, x->rank);
  memcpy(c->out[0].data, x->dims + start, xai_view_bytes(&c->out[0]));
}

const xai_op_def xai_op_def_SHAPE = {
    .name = "Shape", .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_SHAPE_ONLY, .grad = {XAI_NO_GRAD},
    .attrs = shape_attrs, .infer = shape_infer, .forward = shape_forward,
};

/* ---- Cast and ConstantOfShape -------------------------------------------------------------------------------- */

static int64_t clamp_number(double x, int64_t lo, int64_t hi) {
  if (isnan(x)) return 0;
  if (x <= (double)lo) return lo;
  return x >= (double)hi ? hi : (int64_t)x;
}

/* Toward zero; what does not fit becomes the nearest number that does, NaN 0. */
static void store(const xai_view *v, int64_t i, double x) {
  switch (v->dtype) {
    case XAI_F32: ((float *)v->data)[i] = (float)x; break;
    case XAI_I64: ((int64_t *)v->data)[i] = clamp_number(x, INT64_MIN, INT64_MAX); break;
    case XAI_I32: ((int32_t *)v->data)[i] = (int32_t)clamp_number(x, INT32_MIN, INT32_MAX); break;
    case XAI_U8: ((uint8_t *)v->data)[i] = (uint8_t)clamp_number(x, 0, UINT8_MAX); break;
    case XAI_BOOL: ((uint8_t *)v->data)[i] = x != 0; break;
  }
}

static bool is_dtype(int64_t number) { return number >= XAI_F32 && number <= XAI_BOOL; }

static const xai_attr_spec cast_attrs[] = {
    XAI_ATTR(INT, "saturate", cast.saturate, 1),
    XAI_ATTR(INT, "to", cast.to, XAI_F32),
    {0},
};

static xai_status cast_infer(xai_call *c, xai_err *err) {
  int64_t to = c->attrs->cast.to;
  if (!is_dtype(to)) return xai_fail(err, XAI_EUNSUPPORTED, "element type %" PRId64 " is not supported", to);
  c->out[0].dtype = (xai_dtype)to;
  c->out[0].shape = c->in[0].shape;
  return XAI_OK;
}

static void cast_forward(const xai_call *c) {
  if (c->out[0].dtype == c->in[0].dtype) {
    xai_op__copy_forward(c);
    return;
  }
  int64_t n = xai_shape_size(&c->in[0].shape);
  for (int64_t i = 0; i < n; i++) store(&c->out[0], i, xai_view_get(&c->in[0], i));
}

const xai_op_def xai_op_def_CAST = {
    .name = "Cast", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {0},
    .attrs = cast_attrs, .infer = cast_infer, .forward = cast_forward, .backward = xai_op__copy_backward,
};

/* To the type of the second input, whose elements do not matter. */
static xai_status cast_like_infer(xai_call *c, xai_err *err) {
  (void)err;
  c->out[0].dtype = c->in[1].dtype;
  c->out[0].shape = c->in[0].shape;
  return XAI_OK;
}

static const xai_attr_spec cast_like_attrs[] = {XAI_ATTR(INT, "saturate", cast.saturate, 1), {0}};

const xai_op_def xai_op_def_CAST_LIKE = {
    .name = "CastLike", .min_in = 2, .max_in = 2, .max_out = 1, .grad = {0, XAI_NO_GRAD},
    .attrs = cast_like_attrs, .infer = cast_like_infer, .forward = cast_forward, .backward = xai_op__copy_backward,
};

static const xai_attr_spec fill_attrs[] = {XAI_ATTR(FLOAT, "value", fill.number, 0), {0}};

static xai_status fill_infer(xai_call *c, xai_err *err) {
  xai_ints list;
  XAI_TRY(xai_op__ints(c, 0, "shape", &list, err));
  if (!is_dtype(c->attrs->fill.dtype))
    return xai_fail(err, XAI_EUNSUPPORTED, "element type %" PRId64 " is not supported", c->attrs->fill.dtype);
  if (list.n > XAI_MAX_RANK)
    return xai_fail(err, XAI_EUNSUPPORTED, "shape has %d axes (at most %d)", list.n, XAI_MAX_RANK);
  for (int d = 0; d < list.n; d++)
    if (list.v[d] < 0) return xai_fail(err, XAI_EARG, "shape has the size %" PRId64, list.v[d]);
  c->out[0].dtype = (xai_dtype)c->attrs->fill.dtype;
  c->out[0].shape = xai_shape_of(list.n, list.v);
  return XAI_OK;
}

static void fill_forward(const xai_call *c) {
  int64_t n = xai_shape_size(&c->out[0].shape);
  for (int64_t i = 0; i < n; i++) store(&c->out[0], i, c->attrs->fill.number);
}

const xai_op_def xai_op_def_CONSTANT_OF_SHAPE = {
    .name = "ConstantOfShape", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {XAI_NO_GRAD},
    .decides = XAI_READS(0), .attrs = fill_attrs, .infer = fill_infer, .forward = fill_forward,
};
