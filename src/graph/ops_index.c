/* graph/ops_index.c: blocks of elements of any type, found by indices: GatherElements, GatherND, ScatterElements,
 * ScatterND.
 *
 * The indices are a list of pointers into the data, each to a block: one element for the ...Elements, which go along
 * one axis and keep their place along the others; everything behind the indexed axes for the ...ND. Gathering reads the
 * blocks one after another, scattering writes them. Indices count from the end when negative; those that are known when
 * shapes are inferred must be in range, others are brought into range. Scattering replaces the element that is there,
 * adds to it, multiplies it, or keeps the smaller or larger one. */
#include <string.h>

#include "graph/op_check.h"

enum { DATA, INDICES, UPDATES };
enum { REPLACE, ADD, MULTIPLY, SMALLER, LARGER };
static const char *const reductions[] = {"none", "add", "mul", "min", "max", NULL};

static const xai_attr_spec gather_elements_attrs[] = {XAI_ATTR(INT, "axis", index.axis, 0), {0}};
static const xai_attr_spec gather_nd_attrs[] = {XAI_ATTR(INT, "batch_dims", index.batch_dims, 0), {0}};
#define REDUCTION                                                                                                      \
  {.name = "reduction", .kind = XAI_ATTR_CHOICE, .offset = offsetof(xai_attrs, index.reduction), .choices = reductions}
static const xai_attr_spec scatter_elements_attrs[] = {XAI_ATTR(INT, "axis", index.axis, 0), REDUCTION, {0}};
static const xai_attr_spec scatter_nd_attrs[] = {REDUCTION, {0}};

static xai_status check_integers(const xai_call *c, xai_err *err) {
  const xai_view *v = &c->in[INDICES];
  if (v->dtype == XAI_I64 || v->dtype == XAI_I32) return XAI_OK;
  return xai_fail(err, XAI_EARG, "indices: expected integers, got %s", xai_dtype_name(v->dtype));
}

/* Index number k on an axis of n elements. */
static xai_status check_index(const xai_call *c, int64_t k, int64_t n, xai_err *err) {
  int64_t at = xai_op__int(&c->in[INDICES], k);
  if (at >= -n && at < n) return XAI_OK;
  return xai_fail(err, XAI_ESHAPE, "index %" PRId64 " is out of range for %" PRId64 " elements", at, n);
}

static int64_t index_at(const xai_call *c, int64_t k, int64_t n) {
  int64_t at = xai_op__int(&c->in[INDICES], k);
  at = at < -n ? -n : at >= n ? n - 1 : at;
  return at < 0 ? at + n : at;
}

/* ---- where the pointers point ---------------------------------------------------------------------------- */

/* 'count' pointers, each to a block of so many elements. */
typedef struct pointers {
  int64_t count, block;
  int64_t (*offset)(const xai_call *c, int64_t k); /* of block k, in elements */
} pointers;

/* ...Elements: position k of the indices, with the index in place of its own along the axis. */
static int64_t element_offset(const xai_call *c, int64_t k) {
  const xai_shape *x = &c->in[DATA].shape, *s = &c->in[INDICES].shape;
  int axis = 0;
  int64_t rest = k, offset = 0, step = 1;
  xai_shape_axis(c->attrs->index.axis, x->rank, &axis, NULL); /* infer has seen it succeed */
  for (int d = x->rank - 1; d >= 0; d--) {
    int64_t at = d == axis ? index_at(c, k, x->dims[d]) : rest % s->dims[d];
    rest /= s->dims[d];
    offset += at * step;
    step *= x->dims[d];
  }
  return offset;
}

static pointers element_pointers(const xai_call *c) {
  return (pointers){xai_shape_size(&c->in[INDICES].shape), 1, element_offset};
}

static xai_status check_elements(const xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[DATA].shape, *s = &c->in[INDICES].shape;
  int axis;
  XAI_TRY(check_integers(c, err));
  XAI_TRY(xai_shape_axis(c->attrs->index.axis, x->rank, &axis, err));
  bool fits = s->rank == x->rank;
  for (int d = 0; fits && d < x->rank; d++) fits = d == axis || s->dims[d] <= x->dims[d];
  if (!fits) return xai_fail(err, XAI_ESHAPE, "indices %s do not fit %s along axis %d", TEXT(s), TEXT(x), axis);
  int64_t n = xai_shape_size(s);
  if (n > 0 && x->dims[axis] == 0) return xai_fail(err, XAI_ESHAPE, "axis %d of %s has no elements", axis, TEXT(x));
  for (int64_t k = 0; c->in[INDICES].data != NULL && k < n; k++) XAI_TRY(check_index(c, k, x->dims[axis], err));
  return XAI_OK;
}

/* ...ND: the last axis of the indices holds the coordinates of one block, behind the batch axes that both share. */
static int coordinates(const xai_call *c) { return (int)c->in[INDICES].shape.dims[c->in[INDICES].shape.rank - 1]; }

static int64_t nd_offset(const xai_call *c, int64_t k) {
  const xai_shape *x = &c->in[DATA].shape, *s = &c->in[INDICES].shape;
  int batch = (int)c->attrs->index.batch_dims, q = coordinates(c);
  int64_t per_batch = xai_shape_span(s, batch, s->rank - 1), at = batch == 0 ? 0 : k / per_batch;
  for (int d = 0; d < q; d++) at = at * x->dims[batch + d] + index_at(c, k * q + d, x->dims[batch + d]);
  return at * xai_shape_span(x, batch + q, x->rank);
}

static pointers nd_pointers(const xai_call *c) {
  const xai_shape *x = &c->in[DATA].shape, *s = &c->in[INDICES].shape;
  int first = (int)c->attrs->index.batch_dims + coordinates(c);
  return (pointers){xai_shape_span(s, 0, s->rank - 1), xai_shape_span(x, first, x->rank), nd_offset};
}

/* *blocks becomes the shape of all blocks: the indices' axes but the last, then those of a block. */
static xai_status check_nd(const xai_call *c, xai_shape *blocks, xai_err *err) {
  const xai_shape *x = &c->in[DATA].shape, *s = &c->in[INDICES].shape;
  int64_t batch = c->attrs->index.batch_dims;
  XAI_TRY(check_integers(c, err));
  if (s->rank < 1 || x->rank < 1 || batch < 0 || batch >= s->rank || batch >= x->rank)
    return xai_fail(err, XAI_ESHAPE, "indices %s do not fit %s with %" PRId64 " batch dims", TEXT(s), TEXT(x), batch);
  int64_t q = s->dims[s->rank - 1];
  bool fits = q >= 1 && q <= x->rank - batch;
  for (int d = 0; fits && d < batch; d++) fits = s->dims[d] == x->dims[d];
  if (!fits)
    return xai_fail(err, XAI_ESHAPE, "indices %s do not fit %s with %" PRId64 " batch dims", TEXT(s), TEXT(x), batch);
  int first = (int)(batch + q);
  if (s->rank - 1 + x->rank - first > XAI_MAX_RANK)
    return xai_fail(err, XAI_EUNSUPPORTED, "the result has %d axes (at most %d)", s->rank - 1 + x->rank - first,
                    XAI_MAX_RANK);
  xai_shape y = {0};
  for (int d = 0; d < s->rank - 1; d++) y.dims[y.rank++] = s->dims[d];
  for (int d = first; d < x->rank; d++) y.dims[y.rank++] = x->dims[d];
  int64_t n = xai_shape_size(s);
  for (int64_t d = batch; n > 0 && d < first; d++)
    if (x->dims[d] == 0) return xai_fail(err, XAI_ESHAPE, "axis %d of %s has no elements", (int)d, TEXT(x));
  for (int64_t k = 0; c->in[INDICES].data != NULL && k < n; k++)
    XAI_TRY(check_index(c, k, x->dims[batch + k % q], err));
  *blocks = y;
  return XAI_OK;
}

/* ---- gathering ---------------------------------------------------------------------------------------------- */

static void gather(const xai_call *c, pointers p) {
  size_t size = xai_dtype_size(c->in[DATA].dtype), block = (size_t)p.block * size;
  const char *x = c->in[DATA].data;
  char *y = c->out[0].data;
  for (int64_t k = 0; block > 0 && k < p.count && !xai_stop_requested(); k++)
    memcpy(y + (size_t)k * block, x + (size_t)p.offset(c, k) * size, block);
}

static void gather_back(const xai_call *c, pointers p) {
  const float *dy = c->dout[0].data;
  float *dx = c->din[DATA].data;
  memset(dx, 0, xai_view_bytes(&c->in[DATA]));
  for (int64_t k = 0; k < p.count && !xai_stop_requested(); k++)
    xk_accumulate(p.block, dy + k * p.block, dx + p.offset(c, k));
}

static xai_status gather_elements_infer(xai_call *c, xai_err *err) {
  XAI_TRY(check_elements(c, err));
  c->out[0].dtype = c->in[DATA].dtype;
  c->out[0].shape = c->in[INDICES].shape;
  return XAI_OK;
}
static void gather_elements_forward(const xai_call *c) { gather(c, element_pointers(c)); }
static void gather_elements_backward(const xai_call *c) {
  if (!xai_op__idle(c)) gather_back(c, element_pointers(c));
}

static xai_status gather_nd_infer(xai_call *c, xai_err *err) {
  XAI_TRY(check_nd(c, &c->out[0].shape, err));
  c->out[0].dtype = c->in[DATA].dtype;
  return XAI_OK;
}
static void gather_nd_forward(const xai_call *c) { gather(c, nd_pointers(c)); }
static void gather_nd_backward(const xai_call *c) {
  if (!xai_op__idle(c)) gather_back(c, nd_pointers(c));
}

const xai_op_def xai_op_def_GATHER_ELEMENTS = {
    .name = "GatherElements", .min_in = 2, .max_in = 2, .max_out = 1, .grad = {XAI_READS(INDICES), XAI_NO_GRAD},
    .attrs = gather_elements_attrs, .infer = gather_elements_infer, .forward = gather_elements_forward,
    .backward = gather_elements_backward,
};
const xai_op_def xai_op_def_GATHER_ND = {
    .name = "GatherND", .min_in = 2, .max_in = 2, .max_out = 1, .grad = {XAI_READS(INDICES), XAI_NO_GRAD},
    .attrs = gather_nd_attrs, .infer = gather_nd_infer, .forward = gather_nd_forward, .backward = gather_nd_backward,
};

/* ---- scattering ------------------------------------------------------------------------------------------------ */

static xai_status check_updates(xai_call *c, const xai_shape *blocks, xai_err *err) {
  const xai_view *u = &c->in[UPDATES];
  xai_dtype dtype = c->in[DATA].dtype;
  if (u->dtype != dtype || !xai_shape_equal(&u->shape, blocks))
    return xai_fail(err, XAI_ESHAPE, "updates: expected %s of shape %s, got %s of shape %s", xai_dtype_name(dtype),
                    TEXT(blocks), xai_dtype_name(u->dtype), TEXT(&u->shape));
  if (c->attrs->index.reduction < REPLACE || c->attrs->index.reduction > LARGER)
    return xai_fail(err, XAI_EARG, "reduction %" PRId64 " is no choice", c->attrs->index.reduction);
  if (c->attrs->index.reduction != REPLACE && dtype == XAI_BOOL)
    return xai_fail(err, XAI_EUNSUPPORTED, "%s elements can only be replaced", xai_dtype_name(dtype));
  xai_op__same(c);
  return XAI_OK;
}

/* to = to op from, n elements; integers wrap around. */
static void combine(int64_t reduction, xai_dtype dtype, int64_t n, const void *from, void *to) {
  static const xk_binary ops[] = {[ADD] = XK_ADD, [MULTIPLY] = XK_MUL, [SMALLER] = XK_MIN, [LARGER] = XK_MAX};
  xk_broadcast s = {.rank = 1, .dims = {n}, .stride_a = {1}, .stride_b = {1}};
  if (dtype == XAI_F32) xk_binary_forward(ops[reduction], &s, to, from, to);
  else xk_binary_forward_int(ops[reduction], xai_dtype_size(dtype), &s, to, from, to);
}

static void scatter(const xai_call *c, pointers p) {
  xai_dtype dtype = c->in[DATA].dtype;
  size_t size = xai_dtype_size(dtype), block = (size_t)p.block * size;
  const char *u = c->in[UPDATES].data;
  char *y = c->out[0].data;
  xai_op__copy_forward(c);
  for (int64_t k = 0; block > 0 && k < p.count && !xai_stop_requested(); k++) {
    char *to = y + (size_t)p.offset(c, k) * size;
    if (c->attrs->index.reduction == REPLACE) memcpy(to, u + (size_t)k * block, block);
    else combine(c->attrs->index.reduction, dtype, p.block, u + (size_t)k * block, to);
  }
}

/* What is replaced has no influence: the data where something was written, and of several updates of one block all but
 * the last. What is added has all of it. */
static void replace_back(const xai_call *c, pointers p) {
  const float *dy = c->dout[0].data;
  float *dx = c->din[DATA].data, *du = c->din[UPDATES].data;
  unsigned char *taken = c->work;
  bool replace = c->attrs->index.reduction == REPLACE;
  if (dx != NULL) memcpy(dx, dy, xai_view_bytes(&c->in[DATA]));
  memset(taken, 0, (size_t)(xai_shape_size(&c->in[DATA].shape) / p.block));
  for (int64_t k = p.count - 1; k >= 0 && !xai_stop_requested(); k--) {
    int64_t at = p.offset(c, k);
    bool lost = replace && taken[at / p.block] != 0;
    taken[at / p.block] = 1;
    for (int64_t i = 0; du != NULL && i < p.block; i++) du[k * p.block + i] = lost ? 0 : dy[at + i];
    for (int64_t i = 0; dx != NULL && replace && i < p.block; i++) dx[at + i] = 0;
  }
}

/* An update's slope is the product of what was multiplied before it, the data first, and of what came after it: no
 * division, so that zeros do no harm. The walk there leaves the first product in du, the walk back finds the second. */
static void multiply_back(const xai_call *c, pointers p) {
  const float *dy = c->dout[0].data, *u = c->in[UPDATES].data;
  float *dx = c->din[DATA].data, *du = c->din[UPDATES].data, *product = c->work;
  int64_t n = xai_shape_size(&c->in[DATA].shape);
  memcpy(product, c->in[DATA].data, xai_view_bytes(&c->in[DATA]));
  for (int64_t k = 0; du != NULL && k < p.count && !xai_stop_requested(); k++) {
    float *at = product + p.offset(c, k);
    memcpy(du + k * p.block, at, (size_t)p.block * sizeof *du);
    combine(MULTIPLY, XAI_F32, p.block, u + k * p.block, at);
  }
  for (int64_t i = 0; i < n; i++) product[i] = 1;
  for (int64_t k = p.count - 1; k >= 0 && !xai_stop_requested(); k--) {
    int64_t at = p.offset(c, k);
    for (int64_t i = 0; du != NULL && i < p.block; i++) du[k * p.block + i] *= product[at + i] * dy[at + i];
    combine(MULTIPLY, XAI_F32, p.block, u + k * p.block, product + at);
  }
  for (int64_t i = 0; dx != NULL && i < n; i++) dx[i] = dy[i] * product[i];
}

/* All of it goes to the first that has the winning value: the data before the updates. */
static void extreme_back(const xai_call *c, pointers p) {
  const float *dy = c->dout[0].data, *x = c->in[DATA].data, *u = c->in[UPDATES].data, *y = c->out[0].data;
  float *dx = c->din[DATA].data, *du = c->din[UPDATES].data;
  unsigned char *taken = c->work;
  for (int64_t i = 0; i < xai_shape_size(&c->in[DATA].shape); i++) {
    taken[i] = x[i] == y[i];
    if (dx != NULL) dx[i] = taken[i] ? dy[i] : 0;
  }
  for (int64_t k = 0; du != NULL && k < p.count && !xai_stop_requested(); k++) {
    int64_t at = p.offset(c, k);
    for (int64_t i = 0; i < p.block; i++) {
      bool wins = !taken[at + i] && u[k * p.block + i] == y[at + i];
      du[k * p.block + i] = wins ? dy[at + i] : 0;
      if (wins) taken[at + i] = 1;
    }
  }
}

static void scatter_back(const xai_call *c, pointers p) {
  if (p.block == 0) return;
  switch (c->attrs->index.reduction) {
    case MULTIPLY: multiply_back(c, p); break;
    case SMALLER:
    case LARGER: extreme_back(c, p); break;
    default: replace_back(c, p); break;
  }
}

static size_t scatter_workspace(const xai_call *c) {
  return (size_t)xai_shape_size(&c->in[DATA].shape) * sizeof(float);
}

/* The elements matter to products and extremes. */
#define SCATTER_READS (XAI_READS(DATA) | XAI_READS(INDICES) | XAI_READS(UPDATES) | XAI_READS_OUT)

static xai_status scatter_elements_infer(xai_call *c, xai_err *err) {
  XAI_TRY(check_elements(c, err));
  return check_updates(c, &c->in[INDICES].shape, err);
}
static void scatter_elements_forward(const xai_call *c) { scatter(c, element_pointers(c)); }
static void scatter_elements_backward(const xai_call *c) {
  if (!xai_op__idle(c)) scatter_back(c, element_pointers(c));
}

static xai_status scatter_nd_infer(xai_call *c, xai_err *err) {
  xai_shape blocks;
  XAI_TRY(check_nd(c, &blocks, err));
  return check_updates(c, &blocks, err);
}
static void scatter_nd_forward(const xai_call *c) { scatter(c, nd_pointers(c)); }
static void scatter_nd_backward(const xai_call *c) {
  if (!xai_op__idle(c)) scatter_back(c, nd_pointers(c));
}

const xai_op_def xai_op_def_SCATTER_ELEMENTS = {
    .name = "ScatterElements", .min_in = 3, .max_in = 3, .max_out = 1,
    .grad = {SCATTER_READS, XAI_NO_GRAD, SCATTER_READS}, .attrs = scatter_elements_attrs,
    .infer = scatter_elements_infer, .workspace = scatter_workspace, .forward = scatter_elements_forward,
    .backward = scatter_elements_backward,
};
const xai_op_def xai_op_def_SCATTER_ND = {
    .name = "ScatterND", .min_in = 3, .max_in = 3, .max_out = 1,
    .grad = {SCATTER_READS, XAI_NO_GRAD, SCATTER_READS}, .attrs = scatter_nd_attrs,
    .infer = scatter_nd_infer, .workspace = scatter_workspace, .forward = scatter_nd_forward,
    .backward = scatter_nd_backward,
};
