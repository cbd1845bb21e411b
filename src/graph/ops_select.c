/* graph/ops_select.c: some elements of an array, or all in another order: TopK, Compress, Trilu, ReverseSequence. */
#include <math.h>
#include <string.h>

#include "graph/op_check.h"

/* ---- TopK ------------------------------------------------------------------------------------------------ */

/* Of equal elements the one with the lower index comes first; NaN counts as larger than numbers. The results are always
 * sorted, whether the attribute asks for it or not. */
static const xai_attr_spec top_attrs[] = {
    XAI_ATTR(INT, "axis", top.axis, -1),
    XAI_ATTR(INT, "largest", top.largest, 1),
    XAI_ATTR(INT, "sorted", top.sorted, 1),
    {0},
};

static xai_status top_infer(xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[0].shape;
  xai_ints k;
  int axis;
  XAI_TRY(xai_shape_axis(c->attrs->top.axis, x->rank, &axis, err));
  XAI_TRY(xai_op__ints(c, 1, "k", &k, err));
  if (k.n != 1 || k.v[0] < 0 || k.v[0] > x->dims[axis])
    return xai_fail(err, XAI_ESHAPE, "k: expected one number up to the %" PRId64 " elements of axis %d", x->dims[axis],
                    axis);
  for (int i = 0; i < c->n_out; i++) {
    c->out[i].dtype = i == 0 ? c->in[0].dtype : XAI_I64;
    c->out[i].shape = *x;
    c->out[i].shape.dims[axis] = k.v[0];
  }
  return XAI_OK;
}

/* One row along the axis: element j is at first + j * step; the k best are found in a heap of their numbers. */
typedef struct top_row {
  const xai_view *x;
  bool largest;
  int64_t first, step, n, k;
  int64_t *heap; /* the last in order on top */
} top_row;

/* true when element i stands before element j in the order */
static bool before(const top_row *r, int64_t i, int64_t j) {
  int64_t a = r->first + i * r->step, b = r->first + j * r->step;
  if (r->x->dtype == XAI_I64) {
    int64_t p = ((const int64_t *)r->x->data)[a], q = ((const int64_t *)r->x->data)[b];
    return p == q ? i < j : r->largest ? p > q : p < q;
  }
  double p = xai_view_get(r->x, a), q = xai_view_get(r->x, b);
  bool above = p > q || (isnan(p) && !isnan(q)), below = p < q || (isnan(q) && !isnan(p));
  return above == below ? i < j : r->largest ? above : below;
}

static void sink(const top_row *r, int64_t at, int64_t size) {
  for (int64_t child; (child = 2 * at + 1) < size; at = child) {
    if (child + 1 < size && before(r, r->heap[child], r->heap[child + 1])) child++;
    if (!before(r, r->heap[at], r->heap[child])) return;
    int64_t other = r->heap[at];
    r->heap[at] = r->heap[child];
    r->heap[child] = other;
  }
}

/* Afterwards heap[0 .. k-1] are the best, in order. */
static void find_top(const top_row *r) {
  for (int64_t i = 0; i < r->k; i++) r->heap[i] = i;
  for (int64_t i = r->k / 2; i-- > 0;) sink(r, i, r->k);
  for (int64_t i = r->k; i < r->n; i++) {
    if (!before(r, i, r->heap[0])) continue;
    r->heap[0] = i;
    sink(r, 0, r->k);
  }
  for (int64_t size = r->k; size-- > 1;) {
    int64_t last = r->heap[0];
    r->heap[0] = r->heap[size];
    r->heap[size] = last;
    sink(r, 0, size);
  }
}

/* The row at position 'inner' of slice 'outer'; *to is where its results start, which are also 'step' apart. */
static top_row row_of(const xai_call *c, int64_t outer, int64_t inner, int64_t *to) {
  const xai_shape *x = &c->in[0].shape;
  int axis = 0;
  xai_shape_axis(c->attrs->top.axis, x->rank, &axis, NULL); /* infer has seen it succeed */
  int64_t step = xai_shape_span(x, axis + 1, x->rank), k = c->out[0].shape.dims[axis];
  *to = outer * k * step + inner;
  return (top_row){.x = &c->in[0], .largest = c->attrs->top.largest != 0, .first = outer * x->dims[axis] * step + inner,
                   .step = step, .n = x->dims[axis], .k = k, .heap = c->work};
}

static int64_t slices(const xai_call *c) {
  int axis = 0;
  xai_shape_axis(c->attrs->top.axis, c->in[0].shape.rank, &axis, NULL);
  return xai_shape_size(&c->out[0].shape) == 0 ? 0 : xai_shape_span(&c->in[0].shape, 0, axis);
}

static size_t top_workspace(const xai_call *c) {
  int64_t to;
  return (size_t)row_of(c, 0, 0, &to).k * sizeof(int64_t);
}

static void top_forward(const xai_call *c) {
  size_t size = xai_dtype_size(c->in[0].dtype);
  int64_t *where = c->n_out > 1 ? c->out[1].data : NULL, to, n = slices(c);
  for (int64_t outer = 0; outer < n && !xai_stop_requested(); outer++)
    for (int64_t inner = 0, step = 1; inner < step; inner++) {
      top_row r = row_of(c, outer, inner, &to);
      step = r.step;
      find_top(&r);
      for (int64_t j = 0; j < r.k; j++) {
        int64_t at = to + j * step;
        memcpy((char *)c->out[0].data + (size_t)at * size,
               (const char *)c->in[0].data + (size_t)(r.first + r.heap[j] * step) * size, size);
        if (where != NULL) where[at] = r.heap[j];
      }
    }
}

/* The places of the best are found again, as a max pooling finds its winners. */
static void top_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  const float *dy = c->dout[0].data;
  float *dx = c->din[0].data;
  int64_t to, n = slices(c);
  memset(dx, 0, xai_view_bytes(&c->in[0]));
  for (int64_t outer = 0; outer < n && !xai_stop_requested(); outer++)
    for (int64_t inner = 0, step = 1; inner < step; inner++) {
      top_row r = row_of(c, outer, inner, &to);
      step = r.step;
      find_top(&r);
      for (int64_t j = 0; j < r.k; j++) dx[r.first + r.heap[j] * step] = dy[to + j * step];
    }
}

const xai_op_def xai_op_def_TOP_K = {
    .name = "TopK", .min_in = 2, .max_in = 2, .max_out = 2, .grad = {XAI_READS(0) | XAI_READS(1), XAI_NO_GRAD},
    .decides = XAI_READS(1), .attrs = top_attrs, .infer = top_infer, .workspace = top_workspace,
    .forward = top_forward, .backward = top_backward,
};

/* ---- Compress: the slices along an axis for which a condition holds ------------------------------------------------ */

enum { ALL = XAI_MAX_RANK }; /* no axis: of the elements in a row */
static const xai_attr_spec compress_attrs[] = {XAI_ATTR(INT, "axis", axis.axis, ALL), {0}};

static xk_axis compressed_axis(const xai_call *c) {
  const xai_shape *x = &c->in[0].shape;
  return c->attrs->axis.axis == ALL ? (xk_axis){1, xai_shape_size(x), 1} : xai_op__axis(x, c->attrs->axis.axis);
}

static bool kept(const xai_call *c, int64_t j) {
  return j < xai_shape_size(&c->in[1].shape) && ((const uint8_t *)c->in[1].data)[j] != 0;
}

static xai_status compress_infer(xai_call *c, xai_err *err) {
  const xai_view *condition = &c->in[1];
  const xai_shape *x = &c->in[0].shape;
  int64_t n = 0;
  int axis = 0;
  if (c->attrs->axis.axis != ALL) XAI_TRY(xai_shape_axis(c->attrs->axis.axis, x->rank, &axis, err));
  if (condition->dtype != XAI_BOOL || condition->shape.rank != 1)
    return xai_fail(err, XAI_EARG, "condition: expected a list of bool, got %s %s", xai_dtype_name(condition->dtype),
                    TEXT(&condition->shape));
  if (condition->data == NULL && condition->shape.dims[0] > 0)
    return xai_fail(err, XAI_EUNSUPPORTED,
                    "condition: depends on the input's elements (expected known truth values)");
  int64_t length = compressed_axis(c).len;
  if (condition->shape.dims[0] > length)
    return xai_fail(err, XAI_ESHAPE, "condition: %" PRId64 " truth values for %" PRId64 " slices",
                    condition->shape.dims[0], length);
  for (int64_t j = 0; j < length; j++) n += kept(c, j);
  c->out[0].dtype = c->in[0].dtype;
  c->out[0].shape = c->attrs->axis.axis == ALL ? XAI_SHAPE(n) : *x;
  c->out[0].shape.dims[axis] = n;
  return XAI_OK;
}

/* Between the input or its gradient and the slices that are kept, or theirs. */
static void compress(const xai_call *c, size_t size, char *all, char *some, bool back) {
  xk_axis a = compressed_axis(c);
  size_t block = (size_t)a.inner * size;
  for (int64_t i = 0; block > 0 && i < a.outer * a.len && !xai_stop_requested(); i++) {
    if (!kept(c, i % a.len)) continue;
    memcpy(back ? all + (size_t)i * block : some, back ? some : all + (size_t)i * block, block);
    some += block;
  }
}

static void compress_forward(const xai_call *c) {
  compress(c, xai_dtype_size(c->in[0].dtype), c->in[0].data, c->out[0].data, false);
}

static void compress_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  memset(c->din[0].data, 0, xai_view_bytes(&c->in[0]));
  compress(c, sizeof(float), c->din[0].data, c->dout[0].data, true);
}

const xai_op_def xai_op_def_COMPRESS = {
    .name = "Compress", .min_in = 2, .max_in = 2, .max_out = 1, .grad = {XAI_READS(1), XAI_NO_GRAD},
    .decides = XAI_READS(1), .attrs = compress_attrs, .infer = compress_infer, .forward = compress_forward,
    .backward = compress_backward,
};

/* ---- Trilu: the part of each matrix on one side of a diagonal, zeros elsewhere ---------------------------------- */

static const xai_attr_spec trilu_attrs[] = {XAI_ATTR(INT, "upper", trilu.upper, 1), {0}};

static xai_status trilu_infer(xai_call *c, xai_err *err) {
  const xai_view *k = &c->in[1];
  if (c->in[0].shape.rank < 2)
    return xai_fail(err, XAI_ESHAPE, "input %s has less than 2 axes", TEXT(&c->in[0].shape));
  if (xai_call_has(c, 1) && (k->dtype != XAI_I64 || xai_shape_size(&k->shape) != 1))
    return xai_fail(err, XAI_ESHAPE, "k: expected one int64, got %s %s", xai_dtype_name(k->dtype), TEXT(&k->shape));
  xai_op__same(c);
  return XAI_OK;
}

/* From 'from' to 'to', which may be arrays of the input's or of its gradient's elements. */
static void keep_side(const xai_call *c, size_t size, const char *from, char *to) {
  const xai_shape *x = &c->in[0].shape;
  int64_t rows = x->dims[x->rank - 2], columns = x->dims[x->rank - 1], all = xai_shape_span(x, 0, x->rank - 1);
  int64_t k = xai_call_has(c, 1) ? *(const int64_t *)c->in[1].data : 0;
  k = k < -rows ? -rows : k > columns ? columns : k;
  for (int64_t i = 0; i < all && columns > 0; i++, from += (size_t)columns * size, to += (size_t)columns * size) {
    int64_t at = i % rows + k + (c->attrs->trilu.upper != 0 ? 0 : 1); /* kept from here on, or up to here */
    at = at < 0 ? 0 : at > columns ? columns : at;
    int64_t first = c->attrs->trilu.upper != 0 ? at : 0, end = c->attrs->trilu.upper != 0 ? columns : at;
    memset(to, 0, (size_t)columns * size);
    memcpy(to + (size_t)first * size, from + (size_t)first * size, (size_t)(end - first) * size);
  }
}

static void trilu_forward(const xai_call *c) {
  keep_side(c, xai_dtype_size(c->in[0].dtype), c->in[0].data, c->out[0].data);
}

static void trilu_backward(const xai_call *c) {
  if (!xai_op__idle(c)) keep_side(c, sizeof(float), c->dout[0].data, c->din[0].data);
}

const xai_op_def xai_op_def_TRILU = {
    .name = "Trilu", .min_in = 1, .max_in = 2, .max_out = 1, .grad = {XAI_READS(1), XAI_NO_GRAD},
    .attrs = trilu_attrs, .infer = trilu_infer, .forward = trilu_forward, .backward = trilu_backward,
};

/* ---- ReverseSequence: the first elements of each sequence of a batch in reverse ---------------------------------- */

static const xai_attr_spec reverse_attrs[] = {
    XAI_ATTR(INT, "batch_axis", reverse.batch_axis, 1),
    XAI_ATTR(INT, "time_axis", reverse.time_axis, 0),
    {0},
};

static xai_status reverse_infer(xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[0].shape;
  const xai_view *lengths = &c->in[1];
  int64_t batch = c->attrs->reverse.batch_axis, time = c->attrs->reverse.time_axis;
  if (x->rank < 2) return xai_fail(err, XAI_ESHAPE, "input %s has less than 2 axes", TEXT(x));
  if (batch < 0 || batch > 1 || time != 1 - batch)
    return xai_fail(err, XAI_EARG, "batch_axis %" PRId64 " and time_axis %" PRId64 " (expected 0 and 1 or 1 and 0)",
                    batch, time);
  if (lengths->dtype != XAI_I64 || lengths->shape.rank != 1 || lengths->shape.dims[0] != x->dims[batch])
    return xai_fail(err, XAI_ESHAPE, "sequence_lens: expected %" PRId64 " int64, got %s %s", x->dims[batch],
                    xai_dtype_name(lengths->dtype), TEXT(&lengths->shape));
  for (int64_t i = 0; lengths->data != NULL && i < x->dims[batch]; i++) {
    int64_t n = xai_op__int(lengths, i);
    if (n < 0 || n > x->dims[time])
      return xai_fail(err, XAI_ESHAPE, "sequence_lens: %" PRId64 " is out of range for %" PRId64 " steps", n,
                      x->dims[time]);
  }
  xai_op__same(c);
  return XAI_OK;
}

/* Its own inverse, and its own adjoint. */
static void reverse(const xai_call *c, size_t size, const char *from, char *to) {
  const xai_shape *x = &c->in[0].shape;
  bool time_first = c->attrs->reverse.time_axis == 0;
  int64_t steps = x->dims[time_first ? 0 : 1], sequences = x->dims[time_first ? 1 : 0];
  size_t block = (size_t)xai_shape_span(x, 2, x->rank) * size;
  for (int64_t s = 0; block > 0 && s < sequences && !xai_stop_requested(); s++) {
    int64_t n = xai_op__int(&c->in[1], s);
    for (int64_t t = 0; t < steps; t++) {
      int64_t other = t < n && n <= steps ? n - 1 - t : t;
      size_t at = (size_t)(time_first ? t * sequences + s : s * steps + t) * block;
      size_t source = (size_t)(time_first ? other * sequences + s : s * steps + other) * block;
      memcpy(to + at, from + source, block);
    }
  }
}

static void reverse_forward(const xai_call *c) {
  reverse(c, xai_dtype_size(c->in[0].dtype), c->in[0].data, c->out[0].data);
}

static void reverse_backward(const xai_call *c) {
  if (!xai_op__idle(c)) reverse(c, sizeof(float), c->dout[0].data, c->din[0].data);
}

const xai_op_def xai_op_def_REVERSE_SEQUENCE = {
    .name = "ReverseSequence", .min_in = 2, .max_in = 2, .max_out = 1, .grad = {XAI_READS(1), XAI_NO_GRAD},
    .attrs = reverse_attrs, .infer = reverse_infer, .forward = reverse_forward, .backward = reverse_backward,
};
