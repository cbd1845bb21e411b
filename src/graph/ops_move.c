/* graph/ops_move.c: elements to other places: Concat, Transpose, Slice, Gather, Pad; of any type. */
#include <string.h>

#include "graph/op_check.h"

/* ---- Concat ------------------------------------------------------------------------------------------ */

static const xai_attr_spec concat_attrs[] = {XAI_ATTR(INT, "axis", axis.axis, 1), {0}};

static xai_status concat_infer(xai_call *c, xai_err *err) {
  xai_shape y = c->in[0].shape;
  int axis;
  XAI_TRY(xai_shape_axis(c->attrs->axis.axis, y.rank, &axis, err));
  for (int i = 1; i < c->n_in; i++) {
    const xai_shape *s = &c->in[i].shape;
    if (c->in[i].dtype != c->in[0].dtype)
      return xai_fail(err, XAI_EARG, "input %d is %s, input 0 is %s", i, xai_dtype_name(c->in[i].dtype),
                      xai_dtype_name(c->in[0].dtype));
    bool fits = s->rank == y.rank;
    for (int d = 0; fits && d < s->rank; d++) fits = d == axis || s->dims[d] == y.dims[d];
    if (!fits)
      return xai_fail(err, XAI_ESHAPE, "input %d (%s) does not fit input 0 (%s) along axis %d", i, TEXT(s),
                      TEXT(&c->in[0].shape), axis);
    y.dims[axis] += s->dims[axis];
  }
  c->out[0].dtype = c->in[0].dtype;
  c->out[0].shape = y;
  return XAI_OK;
}

/* Between 'whole', the concatenation, and 'part', input i of it, whose rows begin 'at' bytes into the whole's. */
typedef struct concat_part {
  size_t row, whole_row, at; /* bytes of the part's and the whole's row: everything from the axis on */
  int64_t rows;
} concat_part;

static concat_part concat_geometry(const xai_call *c, int i, size_t at) {
  int axis = 0;
  const xai_shape *y = &c->out[0].shape, *x = &c->in[i].shape;
  xai_shape_axis(c->attrs->axis.axis, y->rank, &axis, NULL); /* infer has seen it succeed */
  size_t size = xai_dtype_size(c->out[0].dtype);
  return (concat_part){.row = (size_t)xai_shape_span(x, axis, x->rank) * size,
                       .whole_row = (size_t)xai_shape_span(y, axis, y->rank) * size,
                       .at = at,
                       .rows = xai_shape_span(y, 0, axis)};
}

/* An operand that stands in its place already stays there. */
static void concat_forward(const xai_call *c) {
  char *y = c->out[0].data;
  size_t at = 0;
  for (int i = 0; i < c->n_in; i++) {
    concat_part p = concat_geometry(c, i, at);
    const char *x = c->in[i].data;
    for (int64_t r = 0; r < p.rows && p.row > 0 && x != y + p.at; r++)
      memcpy(y + (size_t)r * p.whole_row + p.at, x + (size_t)r * p.row, p.row);
    at += p.row;
  }
}

static void concat_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  const char *dy = c->dout[0].data;
  size_t at = 0;
  for (int i = 0; i < c->n_in; i++) {
    concat_part p = concat_geometry(c, i, at);
    char *dx = c->din[i].data;
    bool adds = c->adds != NULL && c->adds[i];
    for (int64_t r = 0; r < p.rows && p.row > 0 && dx != NULL && dx != dy + p.at; r++) {
      const char *from = dy + (size_t)r * p.whole_row + p.at;
      if (adds) xk_accumulate((int64_t)(p.row / sizeof(float)), (const float *)from, (float *)dx + (size_t)r * p.row / sizeof(float));
      else memcpy(dx + (size_t)r * p.row, from, p.row);
    }
    at += p.row;
  }
}

const xai_op_def xai_op_def_CONCAT = {
    .name = "Concat", .min_in = 1, .max_in = -1, .max_out = 1, .flags = XAI_OP_ADDS, .grad = {0},
    .attrs = concat_attrs, .infer = concat_infer, .forward = concat_forward, .backward = concat_backward,
};

/* ---- Transpose ---------------------------------------------------------------------------------------- */

static const xai_attr_spec transpose_attrs[] = {XAI_ATTR(INTS, "perm", transpose.perm, 0), {0}};

/* Output axis d is input axis from[d]; without 'perm' the axes are reversed. */
static xai_status find_permutation(const xai_call *c, int from[XAI_MAX_RANK], xai_err *err) {
  const xai_ints *perm = &c->attrs->transpose.perm;
  int rank = c->in[0].shape.rank;
  bool seen[XAI_MAX_RANK] = {false};
  if (perm->n != 0 && perm->n != rank)
    return xai_fail(err, XAI_EARG, "perm has %d entries for the %d axes of %s", perm->n, rank, TEXT(&c->in[0].shape));
  for (int d = 0; d < rank; d++) {
    int64_t axis = perm->n == 0 ? rank - 1 - d : perm->v[d];
    if (axis < 0 || axis >= rank || seen[axis])
      return xai_fail(err, XAI_EARG, "perm is not a permutation of 0 to %d", rank - 1);
    seen[axis] = true;
    from[d] = (int)axis;
  }
  return XAI_OK;
}

static xai_status transpose_infer(xai_call *c, xai_err *err) {
  int from[XAI_MAX_RANK];
  XAI_TRY(find_permutation(c, from, err));
  xai_shape y = {.rank = c->in[0].shape.rank};
  for (int d = 0; d < y.rank; d++) y.dims[d] = c->in[0].shape.dims[from[d]];
  c->out[0].dtype = c->in[0].dtype;
  c->out[0].shape = y;
  return XAI_OK;
}

static void transpose_forward(const xai_call *c) {
  int from[XAI_MAX_RANK] = {0};
  int64_t own[XAI_MAX_RANK], stride[XAI_MAX_RANK];
  const xai_shape *y = &c->out[0].shape;
  find_permutation(c, from, NULL); /* infer has seen it succeed */
  xai_op__strides(&c->in[0].shape, own);
  for (int d = 0; d < y->rank; d++) stride[d] = own[from[d]];
  xk_gather_strided(xai_dtype_size(c->in[0].dtype), y->rank, y->dims, stride, 0, c->in[0].data, c->out[0].data);
}

static void transpose_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  int from[XAI_MAX_RANK] = {0};
  int64_t own[XAI_MAX_RANK], stride[XAI_MAX_RANK];
  const xai_shape *x = &c->in[0].shape;
  find_permutation(c, from, NULL);
  xai_op__strides(&c->out[0].shape, own);
  for (int d = 0; d < x->rank; d++) stride[from[d]] = own[d];
  xk_gather_strided(sizeof(float), x->rank, x->dims, stride, 0, c->dout[0].data, c->din[0].data);
}

const xai_op_def xai_op_def_TRANSPOSE = {
    .name = "Transpose", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {0},
    .attrs = transpose_attrs, .infer = transpose_infer, .forward = transpose_forward, .backward = transpose_backward,
};

/* ---- Slice ----------------------------------------------------------------------------------------------- */

enum { STARTS = 1, ENDS, AXES, STEPS };

typedef struct slice {
  xai_shape shape; /* of the result */
  int64_t stride[XAI_MAX_RANK], base;
  int64_t first[XAI_MAX_RANK], step[XAI_MAX_RANK]; /* in elements along the axis */
} slice;

static int64_t clamp(int64_t x, int64_t lo, int64_t hi) { return x < lo ? lo : x > hi ? hi : x; }

/* From 'start' to before 'end' on an axis of n elements; both may be anything. First element and count. */
static void slice_axis(int64_t n, int64_t start, int64_t end, int64_t step, int64_t *first, int64_t *count) {
  if (start < 0) start += n;
  if (end < 0) end += n;
  if (step > 0) {
    start = clamp(start, 0, n);
    end = clamp(end, 0, n);
    *count = end > start ? (end - start - 1) / step + 1 : 0;
  } else {
    start = clamp(start, -1, n - 1);
    end = clamp(end, -1, n - 1);
    *count = start > end ? (start - end - 1) / -step + 1 : 0;
  }
  *first = start;
}

static xai_status find_slice(const xai_call *c, slice *out, xai_err *err) {
  const xai_shape *x = &c->in[0].shape;
  xai_ints starts, ends, axes, steps;
  bool seen[XAI_MAX_RANK];
  XAI_TRY(xai_op__ints(c, STARTS, "starts", &starts, err));
  XAI_TRY(xai_op__ints(c, ENDS, "ends", &ends, err));
  axes.n = steps.n = starts.n;
  for (int k = 0; k < starts.n; k++) {
    axes.v[k] = k;
    steps.v[k] = 1;
  }
  if (xai_call_has(c, AXES)) XAI_TRY(xai_op__ints(c, AXES, "axes", &axes, err));
  if (xai_call_has(c, STEPS)) XAI_TRY(xai_op__ints(c, STEPS, "steps", &steps, err));
  if (ends.n != starts.n || axes.n != starts.n || steps.n != starts.n)
    return xai_fail(err, XAI_EARG, "starts, ends, axes and steps differ in length (%d, %d, %d, %d)", starts.n, ends.n,
                    axes.n, steps.n);
  XAI_TRY(xai_op__axis_set(&axes, x->rank, seen, err));

  slice s = {.shape = *x};
  int64_t own[XAI_MAX_RANK];
  xai_op__strides(x, own);
  memcpy(s.stride, own, sizeof own);
  for (int d = 0; d < x->rank; d++) s.step[d] = 1;
  for (int k = 0; k < starts.n; k++) {
    int axis = (int)(axes.v[k] < 0 ? axes.v[k] + x->rank : axes.v[k]);
    if (steps.v[k] == 0) return xai_fail(err, XAI_EARG, "step 0 along axis %d", axis);
    int64_t step = clamp(steps.v[k], -XAI_MAX_ELEMENTS - 1, XAI_MAX_ELEMENTS + 1); /* longer than any axis */
    int64_t first;
    slice_axis(x->dims[axis], starts.v[k], ends.v[k], step, &first, &s.shape.dims[axis]);
    if (s.shape.dims[axis] > 1) s.stride[axis] = own[axis] * step;
    if (s.shape.dims[axis] > 0) s.base += own[axis] * first;
    s.first[axis] = first;
    s.step[axis] = step;
  }
  *out = s;
  return XAI_OK;
}

static xai_status slice_infer(xai_call *c, xai_err *err) {
  slice s;
  XAI_TRY(find_slice(c, &s, err));
  c->out[0].dtype = c->in[0].dtype;
  c->out[0].shape = s.shape;
  return XAI_OK;
}

void xai_op__slice_lines(const xai_call *c, int64_t first[XAI_MAX_RANK], int64_t step[XAI_MAX_RANK]) {
  slice s = {.shape = {0}};
  find_slice(c, &s, NULL); /* infer has seen it succeed */
  memcpy(first, s.first, sizeof s.first);
  memcpy(step, s.step, sizeof s.step);
}

static void slice_forward(const xai_call *c) {
  slice s;
  find_slice(c, &s, NULL); /* infer has seen it succeed */
  xk_gather_strided(xai_dtype_size(c->in[0].dtype), s.shape.rank, s.shape.dims, s.stride, s.base, c->in[0].data,
                    c->out[0].data);
}

static void slice_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  slice s;
  find_slice(c, &s, NULL);
  memset(c->din[0].data, 0, xai_view_bytes(&c->in[0]));
  xk_scatter_strided_accumulate(s.shape.rank, s.shape.dims, s.stride, s.base, c->dout[0].data, c->din[0].data);
}

const xai_op_def xai_op_def_SLICE = {
    .name = "Slice", .min_in = 3, .max_in = 5, .max_out = 1,
    .grad = {XAI_READS(STARTS) | XAI_READS(ENDS) | XAI_READS(AXES) | XAI_READS(STEPS), XAI_NO_GRAD, XAI_NO_GRAD,
             XAI_NO_GRAD, XAI_NO_GRAD},
    .decides = XAI_READS(STARTS) | XAI_READS(ENDS) | XAI_READS(AXES) | XAI_READS(STEPS),
    .infer = slice_infer, .forward = slice_forward, .backward = slice_backward,
};

/* ---- Gather ------------------------------------------------------------------------------------------------ */

static const xai_attr_spec gather_attrs[] = {XAI_ATTR(INT, "axis", axis.axis, 0), {0}};

static xai_status gather_infer(xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[0].shape;
  const xai_view *index = &c->in[1];
  int axis;
  if (index->dtype != XAI_I64 && index->dtype != XAI_I32)
    return xai_fail(err, XAI_EARG, "indices: expected integers, got %s", xai_dtype_name(index->dtype));
  XAI_TRY(xai_shape_axis(c->attrs->axis.axis, x->rank, &axis, err));
  xai_shape y = {.rank = x->rank - 1 + index->shape.rank};
  if (y.rank > XAI_MAX_RANK)
    return xai_fail(err, XAI_EUNSUPPORTED, "the result has %d axes (at most %d)", y.rank, XAI_MAX_RANK);

  int64_t n = x->dims[axis], count = xai_shape_size(&index->shape);
  if (n == 0 && count > 0) return xai_fail(err, XAI_ESHAPE, "axis %d of %s has no elements", axis, TEXT(x));
  for (int64_t i = 0; index->data != NULL && i < count; i++) {
    int64_t at = xai_op__int(index, i);
    if (at < -n || at >= n)
      return xai_fail(err, XAI_ESHAPE, "index %" PRId64 " is out of range for the %" PRId64 " elements of axis %d", at,
                      n, axis);
  }
  int d = 0;
  for (int k = 0; k < axis; k++) y.dims[d++] = x->dims[k];
  for (int k = 0; k < index->shape.rank; k++) y.dims[d++] = index->shape.dims[k];
  for (int k = axis + 1; k < x->rank; k++) y.dims[d++] = x->dims[k];
  c->out[0].dtype = c->in[0].dtype;
  c->out[0].shape = y;
  return XAI_OK;
}

/* The input as outer x n x inner; the output is outer x count x inner. */
typedef struct gathering {
  int64_t outer, n, inner, count;
} gathering;

static gathering gather_problem(const xai_call *c) {
  const xai_shape *x = &c->in[0].shape;
  int axis = 0;
  xai_shape_axis(c->attrs->axis.axis, x->rank, &axis, NULL); /* infer has seen it succeed */
  return (gathering){.outer = xai_shape_span(x, 0, axis), .n = x->dims[axis],
                     .inner = xai_shape_span(x, axis + 1, x->rank), .count = xai_shape_size(&c->in[1].shape)};
}

/* Element offset in the input of block k of outer row o. Indices that infer could not see are brought into range. */
static int64_t gather_from(const xai_call *c, const gathering *g, int64_t o, int64_t k) {
  int64_t at = clamp(xai_op__int(&c->in[1], k), -g->n, g->n - 1);
  return (o * g->n + (at < 0 ? at + g->n : at)) * g->inner;
}

static void gather_forward(const xai_call *c) {
  gathering g = gather_problem(c);
  size_t size = xai_dtype_size(c->in[0].dtype), block = (size_t)g.inner * size;
  const char *x = c->in[0].data;
  char *y = c->out[0].data;
  if (block == 0) return;
  for (int64_t o = 0; o < g.outer; o++)
    for (int64_t k = 0; k < g.count; k++, y += block) memcpy(y, x + (size_t)gather_from(c, &g, o, k) * size, block);
}

static void gather_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  gathering g = gather_problem(c);
  const float *dy = c->dout[0].data;
  float *dx = c->din[0].data;
  memset(dx, 0, xai_view_bytes(&c->in[0]));
  for (int64_t o = 0; o < g.outer; o++)
    for (int64_t k = 0; k < g.count; k++, dy += g.inner) xk_accumulate(g.inner, dy, dx + gather_from(c, &g, o, k));
}

const xai_op_def xai_op_def_GATHER = {
    .name = "Gather", .min_in = 2, .max_in = 2, .max_out = 1, .grad = {XAI_READS(1), XAI_NO_GRAD},
    .attrs = gather_attrs, .infer = gather_infer, .forward = gather_forward, .backward = gather_backward,
};

/* ---- Pad --------------------------------------------------------------------------------------------------- */

enum { PADS = 1, VALUE, PAD_AXES };

static const char *const pad_modes[] = {
    [XK_PAD_CONSTANT] = "constant", [XK_PAD_REFLECT] = "reflect", [XK_PAD_EDGE] = "edge", [XK_PAD_WRAP] = "wrap", NULL};
static const xai_attr_spec pad_attrs[] = {
    {.name = "mode", .kind = XAI_ATTR_CHOICE, .offset = offsetof(xai_attrs, pad.mode), .choices = pad_modes},
    {0},
};

/* What an axis of n elements can take: after negative pads have cut it to 'kept', positive ones are filled from it. */
static xai_status check_pads(int64_t mode, int axis, int64_t n, int64_t before, int64_t after, xai_err *err) {
  if (before < -n || after < -n || before > XAI_MAX_ELEMENTS || after > XAI_MAX_ELEMENTS)
    return xai_fail(err, XAI_EARG, "pads %" PRId64 " and %" PRId64 " along axis %d are out of range", before, after,
                    axis);
  int64_t kept = n + (before < 0 ? before : 0) + (after < 0 ? after : 0);
  int64_t most = before > after ? before : after;
  if (kept < 0)
    return xai_fail(err, XAI_ESHAPE,
                    "pads %" PRId64 " and %" PRId64 " cut more than the %" PRId64 " elements of axis %d", before, after,
                    n, axis);
  if (most > 0 && (mode == XK_PAD_REFLECT ? most >= kept : mode != XK_PAD_CONSTANT && kept == 0))
    return xai_fail(err, XAI_ESHAPE, "%" PRId64 " elements along axis %d are too few for %s padding by %" PRId64, kept,
                    axis, pad_modes[mode], most);
  return XAI_OK;
}

static xai_status find_pads(const xai_call *c, xk_pad *out, xai_err *err) {
  const xai_shape *x = &c->in[0].shape;
  int64_t mode = c->attrs->pad.mode;
  xai_ints pads, axes = {.n = x->rank};
  bool seen[XAI_MAX_RANK];
  if (mode < XK_PAD_CONSTANT || mode > XK_PAD_WRAP)
    return xai_fail(err, XAI_EARG, "mode %" PRId64 " is no choice", mode);
  for (int d = 0; d < x->rank; d++) axes.v[d] = d;
  XAI_TRY(xai_op__ints(c, PADS, "pads", &pads, err));
  if (xai_call_has(c, PAD_AXES)) XAI_TRY(xai_op__ints(c, PAD_AXES, "axes", &axes, err));
  XAI_TRY(xai_op__axis_set(&axes, x->rank, seen, err));
  if (pads.n != 2 * axes.n)
    return xai_fail(err, XAI_EARG, "pads has %d entries (expected %d)", pads.n, 2 * axes.n);

  xk_pad p = {.mode = (xk_pad_mode)mode, .rank = x->rank};
  memcpy(p.dims, x->dims, sizeof x->dims);
  if (p.rank == 0) p.dims[p.rank++] = 1;
  for (int k = 0; k < axes.n; k++) {
    int d = (int)(axes.v[k] < 0 ? axes.v[k] + x->rank : axes.v[k]);
    p.before[d] = pads.v[k];
    p.after[d] = pads.v[k + axes.n];
    XAI_TRY(check_pads(mode, d, p.dims[d], p.before[d], p.after[d], err));
  }
  *out = p;
  return XAI_OK;
}

void xai_op__pads(const xai_call *c, xk_pad *out) { find_pads(c, out, NULL); }

static xai_status pad_infer(xai_call *c, xai_err *err) {
  const xai_view *x = &c->in[0], *value = &c->in[VALUE];
  if (xai_call_has(c, VALUE) && (value->dtype != x->dtype || xai_shape_size(&value->shape) != 1))
    return xai_fail(err, XAI_EARG, "constant_value is %s %s (expected one %s)", xai_dtype_name(value->dtype),
                    TEXT(&value->shape), xai_dtype_name(x->dtype));
  xk_pad p;
  XAI_TRY(find_pads(c, &p, err));
  c->out[0].dtype = x->dtype;
  c->out[0].shape = x->shape;
  for (int d = 0; d < x->shape.rank; d++) c->out[0].shape.dims[d] += p.before[d] + p.after[d];
  return XAI_OK;
}

static void pad_forward(const xai_call *c) {
  xk_pad p;
  find_pads(c, &p, NULL); /* infer has seen it succeed */
  static const int64_t zero = 0; /* all types have zero bits for it */
  const void *value = xai_call_has(c, VALUE) ? c->in[VALUE].data : &zero;
  xk_pad_forward(&p, xai_dtype_size(c->in[0].dtype), value, c->in[0].data, c->out[0].data);
}

static void pad_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_pad p;
  find_pads(c, &p, NULL);
  xk_pad_backward(&p, c->dout[0].data, c->din[0].data);
}

const xai_op_def xai_op_def_PAD = {
    .name = "Pad", .min_in = 2, .max_in = 4, .max_out = 1,
    .grad = {XAI_READS(PADS) | XAI_READS(PAD_AXES), XAI_NO_GRAD, XAI_NO_GRAD, XAI_NO_GRAD},
    .decides = XAI_READS(PADS) | XAI_READS(PAD_AXES), .attrs = pad_attrs, .infer = pad_infer,
    .forward = pad_forward, .backward = pad_backward,
};
