/* graph/ops_make.c: new arrays out of numbers: Size, Range, EyeLike, OneHot, NonZero. None has a gradient. */
#include <math.h>
#include <string.h>

#include "graph/op_check.h"
#include "tensor/math.h"

/* ---- Size ------------------------------------------------------------------------------------------------ */

static xai_status size_infer(xai_call *c, xai_err *err) {
  (void)err;
  c->out[0].dtype = XAI_I64;
  c->out[0].shape = (xai_shape){.rank = 0};
  return XAI_OK;
}

static void size_forward(const xai_call *c) { *(int64_t *)c->out[0].data = xai_shape_size(&c->in[0].shape); }

const xai_op_def xai_op_def_SIZE = {
    .name = "Size", .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_SHAPE_ONLY, .grad = {XAI_NO_GRAD},
    .infer = size_infer, .forward = size_forward,
};

/* ---- Range: start, start + delta, ... up to but without limit ------------------------------------------------ */

enum { START, LIMIT, DELTA };

static xai_status integer_count(const xai_call *c, int64_t *count, xai_err *err) {
  int64_t span, delta = xai_op__int(&c->in[DELTA], 0);
  if (delta == 0) return xai_fail(err, XAI_EARG, "delta is 0");
  if (delta == INT64_MIN ||
      __builtin_sub_overflow(xai_op__int(&c->in[LIMIT], 0), xai_op__int(&c->in[START], 0), &span) || span == INT64_MIN)
    return xai_fail(err, XAI_EARG, "start, limit and delta are out of range");
  if (delta < 0) delta = -delta, span = -span;
  *count = span <= 0 ? 0 : (span - 1) / delta + 1;
  return XAI_OK;
}

static xai_status float_count(const xai_call *c, int64_t *count, xai_err *err) {
  double start = xai_view_get(&c->in[START], 0), limit = xai_view_get(&c->in[LIMIT], 0),
         delta = xai_view_get(&c->in[DELTA], 0);
  double n = ceil((limit - start) / delta);
  if (!(fabs(n) <= (double)XAI_MAX_ELEMENTS))
    return xai_fail(err, XAI_EARG, "no range goes from %g to %g in steps of %g", start, limit, delta);
  *count = n > 0 ? (int64_t)n : 0;
  return XAI_OK;
}

static xai_status range_infer(xai_call *c, xai_err *err) {
  static const char *const names[] = {"start", "limit", "delta"};
  xai_dtype dtype = c->in[START].dtype;
  int64_t n;
  for (int i = START; i <= DELTA; i++) {
    if (c->in[i].dtype != dtype || xai_shape_size(&c->in[i].shape) != 1)
      return xai_fail(err, XAI_ESHAPE, "%s: expected one %s, got %s %s", names[i], xai_dtype_name(dtype),
                      xai_dtype_name(c->in[i].dtype), TEXT(&c->in[i].shape));
    if (c->in[i].data == NULL)
      return xai_fail(err, XAI_EUNSUPPORTED, "%s: depends on the input's elements (expected known numbers)", names[i]);
  }
  if (dtype == XAI_F32) XAI_TRY(float_count(c, &n, err));
  else if (dtype == XAI_I64 || dtype == XAI_I32) XAI_TRY(integer_count(c, &n, err));
  else return xai_fail(err, XAI_EUNSUPPORTED, "ranges of %s are not supported", xai_dtype_name(dtype));
  c->out[0].dtype = dtype;
  c->out[0].shape = XAI_SHAPE(n);
  return XAI_OK;
}

static void range_forward(const xai_call *c) {
  const xai_view *y = &c->out[0];
  for (int64_t i = 0; i < y->shape.dims[0]; i++) { /* integers cannot overflow: every element lies before the limit */
    if (y->dtype == XAI_I64)
      ((int64_t *)y->data)[i] = xai_op__int(&c->in[START], 0) + i * xai_op__int(&c->in[DELTA], 0);
    else
      xai_math_put(y, i, xai_view_get(&c->in[START], 0) + (double)i * xai_view_get(&c->in[DELTA], 0));
  }
}

const xai_op_def xai_op_def_RANGE = {
    .name = "Range", .min_in = 3, .max_in = 3, .max_out = 1, .grad = {XAI_NO_GRAD, XAI_NO_GRAD, XAI_NO_GRAD},
    .decides = XAI_READS(START) | XAI_READS(LIMIT) | XAI_READS(DELTA), .infer = range_infer, .forward = range_forward,
};

/* ---- EyeLike: ones on a diagonal ------------------------------------------------------------------------------ */

static const xai_attr_spec eye_attrs[] = {
    XAI_ATTR(INT, "dtype", eye.dtype, -1), /* an xai_dtype; absent: the input's */
    XAI_ATTR(INT, "k", eye.k, 0),
    {0},
};

static xai_status eye_infer(xai_call *c, xai_err *err) {
  int64_t dtype = c->attrs->eye.dtype < 0 ? (int64_t)c->in[0].dtype : c->attrs->eye.dtype;
  if (c->in[0].shape.rank != 2) return xai_fail(err, XAI_ESHAPE, "expected a matrix, got %s", TEXT(&c->in[0].shape));
  if (dtype > XAI_BOOL) return xai_fail(err, XAI_EUNSUPPORTED, "element type %" PRId64 " is not supported", dtype);
  c->out[0].dtype = (xai_dtype)dtype;
  c->out[0].shape = c->in[0].shape;
  return XAI_OK;
}

static void eye_forward(const xai_call *c) {
  int64_t rows = c->out[0].shape.dims[0], columns = c->out[0].shape.dims[1], k = c->attrs->eye.k;
  memset(c->out[0].data, 0, xai_view_bytes(&c->out[0]));
  for (int64_t i = 0; i < rows && k > -rows && k < columns; i++)
    if (i + k >= 0 && i + k < columns) xai_math_put(&c->out[0], i * columns + i + k, 1);
}

const xai_op_def xai_op_def_EYE_LIKE = {
    .name = "EyeLike", .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_SHAPE_ONLY, .grad = {XAI_NO_GRAD},
    .attrs = eye_attrs, .infer = eye_infer, .forward = eye_forward,
};

/* ---- OneHot ---------------------------------------------------------------------------------------------------- */

enum { HOT, DEPTH, VALUES }; /* values: off, on */

static const xai_attr_spec one_hot_attrs[] = {XAI_ATTR(INT, "axis", axis.axis, -1), {0}};

static xai_status one_hot_infer(xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[HOT].shape;
  const xai_view *depth = &c->in[DEPTH], *values = &c->in[VALUES];
  int axis;
  if (x->rank == XAI_MAX_RANK) return xai_fail(err, XAI_EUNSUPPORTED, "indices %s have too many axes", TEXT(x));
  XAI_TRY(xai_shape_axis(c->attrs->axis.axis, x->rank + 1, &axis, err));
  if (xai_shape_size(&depth->shape) != 1 || xai_shape_size(&values->shape) != 2)
    return xai_fail(err, XAI_ESHAPE, "depth %s and values %s (expected one and two numbers)", TEXT(&depth->shape),
                    TEXT(&values->shape));
  if (depth->data == NULL)
    return xai_fail(err, XAI_EUNSUPPORTED, "depth: depends on the input's elements (expected a known number)");
  double n = xai_view_get(depth, 0);
  if (!(n >= 1 && n <= (double)XAI_MAX_ELEMENTS)) return xai_fail(err, XAI_EARG, "depth %g is out of range", n);
  xai_shape y = {.rank = x->rank + 1};
  for (int d = 0; d < y.rank; d++) y.dims[d] = d == axis ? (int64_t)n : x->dims[d < axis ? d : d - 1];
  c->out[0].dtype = values->dtype;
  c->out[0].shape = y;
  return XAI_OK;
}

/* An index out of range has no place that is on. */
static void one_hot_forward(const xai_call *c) {
  const xai_shape *x = &c->in[HOT].shape, *y = &c->out[0].shape;
  int axis = 0;
  xai_shape_axis(c->attrs->axis.axis, y->rank, &axis, NULL); /* infer has seen it succeed */
  int64_t depth = y->dims[axis], inner = xai_shape_span(x, axis, x->rank), n = xai_shape_size(y);
  size_t size = xai_dtype_size(c->out[0].dtype);
  const char *values = c->in[VALUES].data;
  char *to = c->out[0].data;
  for (int64_t i = 0; i < n; i++) memcpy(to + (size_t)i * size, values, size);
  for (int64_t i = 0; i < xai_shape_size(x); i++) {
    double at = trunc(xai_view_get(&c->in[HOT], i));
    if (at < 0) at += (double)depth;
    if (!(at >= 0 && at < (double)depth)) continue;
    int64_t place = (i / inner * depth + (int64_t)at) * inner + i % inner;
    memcpy(to + (size_t)place * size, values + size, size);
  }
}

const xai_op_def xai_op_def_ONE_HOT = {
    .name = "OneHot", .min_in = 3, .max_in = 3, .max_out = 1, .grad = {XAI_NO_GRAD, XAI_NO_GRAD, XAI_NO_GRAD},
    .decides = XAI_READS(DEPTH), .attrs = one_hot_attrs, .infer = one_hot_infer, .forward = one_hot_forward,
};

/* ---- NonZero: the indices of what is not zero, one row per axis -------------------------------------------------- */

static xai_status non_zero_infer(xai_call *c, xai_err *err) {
  const xai_view *x = &c->in[0];
  int64_t count = 0, n = xai_shape_size(&x->shape);
  if (x->data == NULL && n > 0)
    return xai_fail(err, XAI_EUNSUPPORTED,
                    "the shape of its result depends on the input's elements (expected known numbers)");
  for (int64_t i = 0; i < n; i++) count += xai_view_get(x, i) != 0;
  c->out[0].dtype = XAI_I64;
  c->out[0].shape = XAI_SHAPE(x->shape.rank, count);
  return XAI_OK;
}

static void non_zero_forward(const xai_call *c) {
  const xai_shape *x = &c->in[0].shape;
  int64_t *to = c->out[0].data, count = c->out[0].shape.dims[1];
  for (int64_t i = 0, k = 0; k < count; i++) {
    if (xai_view_get(&c->in[0], i) == 0) continue;
    int64_t rest = i;
    for (int d = x->rank - 1; d >= 0; d--) {
      to[d * count + k] = rest % x->dims[d];
      rest /= x->dims[d];
    }
    k++;
  }
}

const xai_op_def xai_op_def_NON_ZERO = {
    .name = "NonZero", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {XAI_NO_GRAD}, .decides = XAI_READS(0),
    .infer = non_zero_infer, .forward = non_zero_forward,
};
