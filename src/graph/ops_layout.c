/* graph/ops_layout.c: the elements of an array cut up, repeated or told apart anew: Split, DepthToSpace, SpaceToDepth,
 * Expand, Tile; of any type. */
#include <string.h>

#include "graph/op_check.h"

/* ---- Split --------------------------------------------------------------------------------------------- */

enum { SPLIT = 1 };

static const xai_attr_spec split_attrs[] = {
    XAI_ATTR(INT, "axis", split.axis, 0),
    XAI_ATTR(INT, "num_outputs", split.num_outputs, 0),
    {0},
};

static xai_status listed_parts(const xai_call *c, int64_t n, int64_t size[XAI_MAX_OUTPUTS], xai_err *err) {
  const xai_view *v = &c->in[SPLIT];
  int64_t count = xai_shape_size(&v->shape), sum = 0;
  if ((v->dtype != XAI_I64 && v->dtype != XAI_I32) || v->shape.rank != 1 || count < c->n_out)
    return xai_fail(err, XAI_ESHAPE, "split: expected %d integers, got %s %s", c->n_out, xai_dtype_name(v->dtype),
                    TEXT(&v->shape));
  if (v->data == NULL)
    return xai_fail(err, XAI_EUNSUPPORTED, "split: depends on the input's elements (expected known numbers)");
  for (int64_t i = 0; i < count; i++) {
    int64_t part = xai_op__int(v, i);
    if (part < 0 || part > n - sum)
      return xai_fail(err, XAI_ESHAPE, "split: part %" PRId64 " of %" PRId64 " elements does not fit into %" PRId64,
                      i, part, n);
    sum += part;
    if (i < XAI_MAX_OUTPUTS) size[i] = part;
  }
  if (sum != n) return xai_fail(err, XAI_ESHAPE, "split: the parts make %" PRId64 " elements of %" PRId64, sum, n);
  return XAI_OK;
}

/* Sizes of the parts along the axis. Without a list they are equal, but for the last one, which may be smaller. Outputs
 * that nobody reads may be missing at the end, so their number says nothing when num_outputs does. */
static xai_status find_parts(const xai_call *c, int *axis, int64_t size[XAI_MAX_OUTPUTS], xai_err *err) {
  const xai_shape *x = &c->in[0].shape;
  int64_t parts = c->attrs->split.num_outputs == 0 ? c->n_out : c->attrs->split.num_outputs;
  XAI_TRY(xai_shape_axis(c->attrs->split.axis, x->rank, axis, err));
  int64_t n = x->dims[*axis];
  if (xai_call_has(c, SPLIT)) return listed_parts(c, n, size, err);
  if (parts < c->n_out)
    return xai_fail(err, XAI_EARG, "num_outputs %" PRId64 " is out of range (expected %d or more)", parts, c->n_out);
  int64_t each = n / parts + (n % parts != 0);
  for (int i = 0; i < c->n_out; i++) {
    int64_t before = i * each;
    size[i] = before >= n ? 0 : n - before < each ? n - before : each;
  }
  return XAI_OK;
}

static xai_status split_infer(xai_call *c, xai_err *err) {
  int axis;
  int64_t size[XAI_MAX_OUTPUTS];
  XAI_TRY(find_parts(c, &axis, size, err));
  for (int i = 0; i < c->n_out; i++) {
    c->out[i].dtype = c->in[0].dtype;
    c->out[i].shape = c->in[0].shape;
    c->out[i].shape.dims[axis] = size[i];
  }
  return XAI_OK;
}

/* Rows of the whole and of one part, which begins 'at' bytes into each of the whole's. */
typedef struct split_rows {
  int64_t count;
  size_t whole, part, at;
} split_rows;

static split_rows split_geometry(const xai_call *c, const int64_t *size, int axis, int i) {
  const xai_shape *x = &c->in[0].shape;
  size_t inner = (size_t)xai_shape_span(x, axis + 1, x->rank) * xai_dtype_size(c->in[0].dtype);
  split_rows r = {.count = xai_shape_span(x, 0, axis), .whole = (size_t)x->dims[axis] * inner,
                  .part = (size_t)size[i] * inner};
  for (int k = 0; k < i; k++) r.at += (size_t)size[k] * inner;
  return r;
}

static void split_forward(const xai_call *c) {
  int axis = 0;
  int64_t size[XAI_MAX_OUTPUTS];
  find_parts(c, &axis, size, NULL); /* infer has seen it succeed */
  for (int i = 0; i < c->n_out; i++) {
    split_rows r = split_geometry(c, size, axis, i);
    const char *x = c->in[0].data;
    char *y = c->out[i].data;
    for (int64_t k = 0; y != NULL && r.part > 0 && k < r.count; k++)
      memcpy(y + (size_t)k * r.part, x + (size_t)k * r.whole + r.at, r.part);
  }
}

static void split_backward(const xai_call *c) {
  int axis = 0;
  int64_t size[XAI_MAX_OUTPUTS];
  char *dx = c->din[0].data;
  if (dx == NULL) return;
  memset(dx, 0, xai_view_bytes(&c->in[0])); /* parts without a gradient, or that nobody reads */
  find_parts(c, &axis, size, NULL);
  for (int i = 0; i < c->n_out; i++) {
    split_rows r = split_geometry(c, size, axis, i);
    const char *dy = c->dout[i].data;
    for (int64_t k = 0; dy != NULL && r.part > 0 && k < r.count; k++)
      memcpy(dx + (size_t)k * r.whole + r.at, dy + (size_t)k * r.part, r.part);
  }
}

const xai_op_def xai_op_def_SPLIT = {
    .name = "Split", .min_in = 1, .max_in = 2, .max_out = XAI_MAX_OUTPUTS, .grad = {XAI_READS(SPLIT), XAI_NO_GRAD},
    .decides = XAI_READS(SPLIT), .attrs = split_attrs, .infer = split_infer, .forward = split_forward,
    .backward = split_backward,
};

/* ---- along strides ---------------------------------------------------------------------------------------- */

/* The result's axes, each with its step in the input; 0 where elements repeat. Axes of size 1 are left out. */
typedef struct layout {
  int rank;
  int64_t dims[XAI_MAX_RANK], stride[XAI_MAX_RANK];
} layout;

/* false when there are more axes than kernels can take */
static bool push(layout *l, int64_t dim, int64_t stride) {
  if (dim == 1) return true;
  if (l->rank == XAI_MAX_RANK) return false;
  l->dims[l->rank] = dim;
  l->stride[l->rank++] = stride;
  return true;
}

static void layout_forward(const xai_call *c, const layout *l) {
  xk_gather_strided(xai_dtype_size(c->in[0].dtype), l->rank, l->dims, l->stride, 0, c->in[0].data, c->out[0].data);
}

/* When no element repeats. */
static void moved_backward(const xai_call *c, const layout *l) {
  memset(c->din[0].data, 0, xai_view_bytes(&c->in[0]));
  xk_scatter_strided_accumulate(l->rank, l->dims, l->stride, 0, c->dout[0].data, c->din[0].data);
}

/* When every element keeps its place among the others and only repeats: the sum over the repetitions. */
static void repeated_backward(const xai_call *c, const layout *l) {
  layout some = *l;
  bool keep[XAI_MAX_RANK];
  if (some.rank == 0) some = (layout){.rank = 1, .dims = {1}, .stride = {1}};
  for (int d = 0; d < some.rank; d++) keep[d] = some.stride[d] != 0;
  xk_reduce_sum(some.rank, some.dims, keep, 1, c->dout[0].data, c->din[0].data);
}

/* ---- DepthToSpace, SpaceToDepth ------------------------------------------------------------------------------- */

enum { DCR, CRD };
static const char *const block_modes[] = {"DCR", "CRD", NULL};

static const xai_attr_spec depth_attrs[] = {
    XAI_ATTR(INT, "blocksize", block.blocksize, 0),
    {.name = "mode", .kind = XAI_ATTR_CHOICE, .offset = offsetof(xai_attrs, block.mode), .choices = block_modes},
    {0},
};
static const xai_attr_spec space_attrs[] = {XAI_ATTR(INT, "blocksize", block.blocksize, 0), {0}};

static xai_status check_block(const xai_call *c, xai_err *err) {
  int64_t b = c->attrs->block.blocksize;
  if (c->in[0].shape.rank != 4)
    return xai_fail(err, XAI_ESHAPE, "input %s has %d axes (expected 4)", TEXT(&c->in[0].shape), c->in[0].shape.rank);
  if (b < 1 || b > INT32_MAX) return xai_fail(err, XAI_EARG, "blocksize %" PRId64 " is out of range", b);
  return XAI_OK;
}

static xai_status depth_infer(xai_call *c, xai_err *err) {
  XAI_TRY(check_block(c, err));
  const int64_t *x = c->in[0].shape.dims, b = c->attrs->block.blocksize;
  if (x[1] % (b * b) != 0)
    return xai_fail(err, XAI_ESHAPE, "%" PRId64 " channels do not make blocks of %" PRId64 "x%" PRId64, x[1], b, b);
  c->out[0].dtype = c->in[0].dtype;
  c->out[0].shape = XAI_SHAPE(x[0], x[1] / (b * b), x[2] * b, x[3] * b);
  return XAI_OK;
}

/* Row i and column j of a block come from channel (i b + j) C + k (depth first) or k b b + i b + j (columns first). */
static layout depth_layout(const xai_call *c) {
  const int64_t *x = c->in[0].shape.dims, b = c->attrs->block.blocksize, plane = x[2] * x[3], k = x[1] / (b * b);
  int64_t step = c->attrs->block.mode == DCR ? k * plane : plane,
          channel = c->attrs->block.mode == DCR ? plane : b * b * plane;
  layout l = {0};
  push(&l, x[0], x[1] * plane);
  push(&l, k, channel);
  push(&l, x[2], x[3]);
  push(&l, b, b * step);
  push(&l, x[3], 1);
  push(&l, b, step);
  return l;
}

static xai_status space_infer(xai_call *c, xai_err *err) {
  XAI_TRY(check_block(c, err));
  const int64_t *x = c->in[0].shape.dims, b = c->attrs->block.blocksize;
  if (x[2] % b != 0 || x[3] % b != 0)
    return xai_fail(err, XAI_ESHAPE, "%" PRId64 "x%" PRId64 " does not cut into blocks of %" PRId64 "x%" PRId64, x[2],
                    x[3], b, b);
  if (x[1] > XAI_MAX_ELEMENTS / b / b)
    return xai_fail(err, XAI_ESHAPE, "%" PRId64 " channels and blocks of %" PRId64 " are too many", x[1], b);
  c->out[0].dtype = c->in[0].dtype;
  c->out[0].shape = XAI_SHAPE(x[0], x[1] * b * b, x[2] / b, x[3] / b);
  return XAI_OK;
}

static layout space_layout(const xai_call *c) {
  const int64_t *x = c->in[0].shape.dims, b = c->attrs->block.blocksize, plane = x[2] * x[3];
  layout l = {0};
  push(&l, x[0], x[1] * plane);
  push(&l, b, x[3]);
  push(&l, b, 1);
  push(&l, x[1], plane);
  push(&l, x[2] / b, b * x[3]);
  push(&l, x[3] / b, b);
  return l;
}

static void depth_forward(const xai_call *c) {
  layout l = depth_layout(c);
  layout_forward(c, &l);
}

static void depth_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  layout l = depth_layout(c);
  moved_backward(c, &l);
}

static void space_forward(const xai_call *c) {
  layout l = space_layout(c);
  layout_forward(c, &l);
}

static void space_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  layout l = space_layout(c);
  moved_backward(c, &l);
}

const xai_op_def xai_op_def_DEPTH_TO_SPACE = {
    .name = "DepthToSpace", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {0}, .attrs = depth_attrs,
    .infer = depth_infer, .forward = depth_forward, .backward = depth_backward,
};
const xai_op_def xai_op_def_SPACE_TO_DEPTH = {
    .name = "SpaceToDepth", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {0}, .attrs = space_attrs,
    .infer = space_infer, .forward = space_forward, .backward = space_backward,
};

/* ---- Expand ---------------------------------------------------------------------------------------------------- */

static xai_status expand_infer(xai_call *c, xai_err *err) {
  xai_ints list;
  XAI_TRY(xai_op__ints(c, 1, "shape", &list, err));
  if (list.n > XAI_MAX_RANK)
    return xai_fail(err, XAI_EUNSUPPORTED, "shape has %d axes (at most %d)", list.n, XAI_MAX_RANK);
  for (int d = 0; d < list.n; d++)
    if (list.v[d] < 0) return xai_fail(err, XAI_EARG, "shape has the size %" PRId64, list.v[d]);
  xai_shape want = xai_shape_of(list.n, list.v);
  XAI_TRY(xai_shape_broadcast(&c->in[0].shape, &want, &c->out[0].shape, err));
  c->out[0].dtype = c->in[0].dtype;
  return XAI_OK;
}

static layout expand_layout(const xai_call *c) {
  const xai_shape *x = &c->in[0].shape, *y = &c->out[0].shape;
  int64_t own[XAI_MAX_RANK];
  layout l = {0};
  xai_op__strides(x, own);
  for (int d = 0; d < y->rank; d++) {
    int at = d - (y->rank - x->rank);
    push(&l, y->dims[d], at < 0 || x->dims[at] == 1 ? 0 : own[at]);
  }
  return l;
}

static void expand_forward(const xai_call *c) {
  layout l = expand_layout(c);
  layout_forward(c, &l);
}

static void expand_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  layout l = expand_layout(c);
  repeated_backward(c, &l);
}

const xai_op_def xai_op_def_EXPAND = {
    .name = "Expand", .min_in = 2, .max_in = 2, .max_out = 1, .grad = {0, XAI_NO_GRAD}, .decides = XAI_READS(1),
    .infer = expand_infer, .forward = expand_forward, .backward = expand_backward,
};

/* ---- Tile -------------------------------------------------------------------------------------------------------- */

/* Every axis twice: how often it is repeated, and itself. */
static xai_status tile_layout(const xai_call *c, layout *out, xai_err *err) {
  const xai_shape *x = &c->in[0].shape;
  int64_t own[XAI_MAX_RANK];
  xai_ints repeats;
  layout l = {0};
  XAI_TRY(xai_op__ints(c, 1, "repeats", &repeats, err));
  if (repeats.n != x->rank)
    return xai_fail(err, XAI_ESHAPE, "repeats: %d numbers for the %d axes of %s", repeats.n, x->rank, TEXT(x));
  xai_op__strides(x, own);
  for (int d = 0; d < x->rank; d++) {
    if (repeats.v[d] < 0 || repeats.v[d] > XAI_MAX_ELEMENTS)
      return xai_fail(err, XAI_EARG, "repeats: %" PRId64 " is out of range", repeats.v[d]);
    if (!push(&l, repeats.v[d], 0) || !push(&l, x->dims[d], own[d]))
      return xai_fail(err, XAI_EUNSUPPORTED, "repeats: too many axes of %s are repeated", TEXT(x));
  }
  *out = l;
  return XAI_OK;
}

static xai_status tile_infer(xai_call *c, xai_err *err) {
  layout l;
  xai_shape y = c->in[0].shape;
  XAI_TRY(tile_layout(c, &l, err));
  for (int d = 0; d < y.rank; d++)
    if (__builtin_mul_overflow(y.dims[d], xai_op__int(&c->in[1], d), &y.dims[d]))
      return xai_fail(err, XAI_ESHAPE, "axis %d would get too many elements", d);
  c->out[0].dtype = c->in[0].dtype;
  c->out[0].shape = y;
  return XAI_OK;
}

static void tile_forward(const xai_call *c) {
  layout l;
  if (tile_layout(c, &l, NULL) == XAI_OK) layout_forward(c, &l); /* infer has seen it succeed */
}

static void tile_backward(const xai_call *c) {
  layout l;
  if (!xai_op__idle(c) && tile_layout(c, &l, NULL) == XAI_OK) repeated_backward(c, &l);
}

const xai_op_def xai_op_def_TILE = {
    .name = "Tile", .min_in = 2, .max_in = 2, .max_out = 1, .grad = {XAI_READS(1), XAI_NO_GRAD},
    .decides = XAI_READS(1), .infer = tile_infer, .forward = tile_forward, .backward = tile_backward,
};
