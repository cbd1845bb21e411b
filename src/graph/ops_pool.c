/* graph/ops_pool.c: taking the maximum or the mean of windows, of whole planes, of axes.
 * One spatial axis is treated as an image of height 1; three have plain kernels, which also tell where maxima were. */
#include <string.h>

#include "graph/op_check.h"

static const xai_attr_spec pool_attrs[] = {
    {.name = "auto_pad", .kind = XAI_ATTR_CHOICE, .offset = offsetof(xai_attrs, pool.auto_pad),
     .choices = xai_op__auto_pads},
    XAI_ATTR(INT, "ceil_mode", pool.ceil_mode, 0),
    XAI_ATTR(INT, "count_include_pad", pool.count_include_pad, 0),
    XAI_ATTR(INTS, "dilations", pool.dilations, 0),
    XAI_ATTR(INTS, "kernel_shape", pool.kernel_shape, 0),
    XAI_ATTR(INTS, "pads", pool.pads, 0),
    XAI_ATTR(INT, "storage_order", pool.storage_order, 0), /* of MaxPool's indices */
    XAI_ATTR(INTS, "strides", pool.strides, 0),
    {0},
};

/* ---- windows -------------------------------------------------------------------------------------- */

static xai_status find_windows(const xai_call *c, xai_window win[XAI_AXES], xai_err *err) {
  const xai_attrs_pool *a = &c->attrs->pool;
  xai_window_attrs attrs = {a->auto_pad, a->ceil_mode, &a->kernel_shape, &a->strides, &a->pads, &a->dilations};
  return xai_op__windows(&attrs, &c->in[0].shape, win, err);
}

static xai_status pool_infer(xai_call *c, bool may_miss, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, 0, err));
  const xai_shape *x = &c->in[0].shape;
  xai_window win[XAI_AXES];
  int64_t extent[XAI_AXES];
  XAI_TRY(find_windows(c, win, err));
  xai_op__extents(x, extent);
  for (int d = 0; d < XAI_AXES && !may_miss; d++)
    if (xai_op__window_misses(&win[d], extent[d]))
      return xai_fail(err, XAI_ESHAPE, "a window lies entirely in the padding");
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = xai_op__window_shape(x, x->dims[1], win);
  return XAI_OK;
}

static xai_status max_pool_infer(xai_call *c, xai_err *err) {
  XAI_TRY(pool_infer(c, false, err));
  if (c->n_out > 1) c->out[1] = (xai_view){.dtype = XAI_I64, .shape = c->out[0].shape};
  return XAI_OK;
}

/* Without the padding a window that misses the input would be 0/0. */
static xai_status average_pool_infer(xai_call *c, xai_err *err) {
  return pool_infer(c, c->attrs->pool.count_include_pad != 0, err);
}

static xk_pool2d problem(const xai_call *c) {
  const xai_shape *x = &c->in[0].shape;
  xai_window win[XAI_AXES];
  find_windows(c, win, NULL); /* infer has seen it succeed */
  const xai_window *v = &win[1], *h = &win[2];
  return (xk_pool2d){
      .planes = x->dims[0] * x->dims[1], .h = x->rank == 3 ? 1 : x->dims[2], .w = x->dims[x->rank - 1],
      .oh = v->out, .ow = h->out, .kh = v->kernel, .kw = h->kernel, .sh = v->stride, .sw = h->stride,
      .dh = v->dilation, .dw = h->dilation, .pad_top = v->before, .pad_left = h->before,
      .pad_bottom = v->after, .pad_right = h->after, .count_include_pad = c->attrs->pool.count_include_pad != 0};
}

static bool over_volumes(const xai_call *c) { return c->in[0].shape.rank == 5; }

static xk_pool3d volume_problem(const xai_call *c) {
  const xai_shape *x = &c->in[0].shape;
  xai_window win[XAI_AXES];
  find_windows(c, win, NULL);
  return (xk_pool3d){.v = xai_op__volume(x, win), .planes = x->dims[0] * x->dims[1],
                     .count_include_pad = c->attrs->pool.count_include_pad != 0};
}

/* Row-major places to column-major ones: in each plane the first spatial axis runs fastest. */
static void to_column_major(const xk_volume *v, int64_t n, int64_t *where) {
  int64_t h = v->in[1], w = v->in[2], plane = v->in[0] * h * w;
  for (int64_t i = 0; i < n; i++) {
    int64_t at = where[i] % plane, x = at % w, y = at / w % h, z = at / w / h;
    where[i] += (x * h + y) * v->in[0] + z - at;
  }
}

static void max_pool_forward(const xai_call *c) {
  int64_t *where = c->n_out > 1 ? c->out[1].data : NULL;
  if (over_volumes(c) || where != NULL) {
    xk_pool3d p = volume_problem(c);
    xk_maxpool3d_forward(&p, c->in[0].data, c->out[0].data, where);
    if (where != NULL && c->attrs->pool.storage_order != 0)
      to_column_major(&p.v, xai_shape_size(&c->out[1].shape), where);
  } else {
    xk_pool2d p = problem(c);
    xk_maxpool_forward(&p, c->in[0].data, c->out[0].data);
  }
}

static void max_pool_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  if (over_volumes(c)) {
    xk_pool3d p = volume_problem(c);
    xk_maxpool3d_backward(&p, c->in[0].data, c->dout[0].data, c->din[0].data);
  } else {
    xk_pool2d p = problem(c);
    xk_maxpool_backward(&p, c->in[0].data, c->dout[0].data, c->din[0].data);
  }
}

static void average_pool_forward(const xai_call *c) {
  if (over_volumes(c)) {
    xk_pool3d p = volume_problem(c);
    xk_avgpool3d_forward(&p, c->in[0].data, c->out[0].data);
  } else {
    xk_pool2d p = problem(c);
    xk_avgpool_forward(&p, c->in[0].data, c->out[0].data);
  }
}

static void average_pool_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  if (over_volumes(c)) {
    xk_pool3d p = volume_problem(c);
    xk_avgpool3d_backward(&p, c->dout[0].data, c->din[0].data);
  } else {
    xk_pool2d p = problem(c);
    xk_avgpool_backward(&p, c->dout[0].data, c->din[0].data);
  }
}

const xai_op_def xai_op_def_MAX_POOL = {
    .name = "MaxPool", .min_in = 1, .max_in = 1, .max_out = 2, .grad = {XAI_READS(0)},
    .attrs = pool_attrs, .infer = max_pool_infer, .forward = max_pool_forward, .backward = max_pool_backward,
};
const xai_op_def xai_op_def_AVERAGE_POOL = {
    .name = "AveragePool", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {0},
    .attrs = pool_attrs, .infer = average_pool_infer, .forward = average_pool_forward,
    .backward = average_pool_backward,
};

/* ---- MaxUnpool -------------------------------------------------------------------------------------- */

enum { INDICES = 1, OUTPUT_SHAPE };

static const xai_attr_spec unpool_attrs[] = {
    XAI_ATTR(INTS, "kernel_shape", pool.kernel_shape, 0),
    XAI_ATTR(INTS, "pads", pool.pads, 0),
    XAI_ATTR(INTS, "strides", pool.strides, 0),
    {0},
};

/* What a MaxPool with these windows has seen: places count in this shape, also when a larger result is asked for. */
static xai_status pooled_shape(const xai_call *c, xai_shape *out, xai_err *err) {
  const xai_attrs_pool *a = &c->attrs->pool;
  xai_shape s = c->in[0].shape;
  int axes = s.rank - 2;
  for (int d = 0; d < axes; d++) {
    int64_t kernel, stride, before, after;
    XAI_TRY(xai_op__entry(&a->kernel_shape, "kernel_shape", d, axes, 1, 1, &kernel, err));
    XAI_TRY(xai_op__entry(&a->strides, "strides", d, axes, 1, 1, &stride, err));
    XAI_TRY(xai_op__entry(&a->pads, "pads", d, 2 * axes, 0, 0, &before, err));
    XAI_TRY(xai_op__entry(&a->pads, "pads", d + axes, 2 * axes, 0, 0, &after, err));
    if (s.dims[2 + d] > XAI_MAX_ELEMENTS / stride)
      return xai_fail(err, XAI_ESHAPE, "the result has too many elements along axis %d", d + 2);
    s.dims[2 + d] = (s.dims[2 + d] - 1) * stride + kernel - before - after;
    if (s.dims[2 + d] < 1) return xai_fail(err, XAI_ESHAPE, "pads leave nothing of axis %d", d + 2);
  }
  *out = s;
  return XAI_OK;
}

static xai_status max_unpool_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, 0, err));
  const xai_shape *x = &c->in[0].shape;
  xai_shape s;
  xai_ints asked;
  if (x->rank < 3) return xai_fail(err, XAI_ESHAPE, "input %s has no spatial axes", TEXT(x));
  if (c->attrs->pool.kernel_shape.n == 0) return xai_fail(err, XAI_EARG, "kernel_shape is missing");
  if (c->in[INDICES].dtype != XAI_I64 || !xai_shape_equal(&c->in[INDICES].shape, x))
    return xai_fail(err, XAI_ESHAPE, "indices: expected int64 of shape %s, got %s of shape %s", TEXT(x),
                    xai_dtype_name(c->in[INDICES].dtype), TEXT(&c->in[INDICES].shape));
  XAI_TRY(pooled_shape(c, &s, err));
  if (xai_call_has(c, OUTPUT_SHAPE)) {
    XAI_TRY(xai_op__ints(c, OUTPUT_SHAPE, "output_shape", &asked, err));
    bool fits = asked.n == s.rank && asked.v[0] == s.dims[0] && asked.v[1] == s.dims[1];
    for (int d = 2; fits && d < s.rank; d++) fits = asked.v[d] >= s.dims[d];
    if (!fits) return xai_fail(err, XAI_ESHAPE, "output_shape does not hold %s", TEXT(&s));
    s = xai_shape_of(asked.n, asked.v);
  }
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = s;
  return XAI_OK;
}

/* Where element i of the input goes in the result; -1 for an index that points to nothing. */
static int64_t unpooled_place(const xai_call *c, const xai_shape *pooled, int64_t i) {
  int64_t at = ((const int64_t *)c->in[INDICES].data)[i], place = 0, step = 1;
  const xai_shape *y = &c->out[0].shape;
  if (at < 0 || at >= xai_shape_size(pooled)) return -1;
  for (int d = y->rank - 1; d >= 0; d--) {
    place += at % pooled->dims[d] * step;
    at /= pooled->dims[d];
    step *= y->dims[d];
  }
  return place;
}

static void max_unpool_forward(const xai_call *c) {
  xai_shape pooled = {0};
  const float *x = c->in[0].data;
  float *y = c->out[0].data;
  pooled_shape(c, &pooled, NULL); /* infer has seen it succeed */
  memset(y, 0, xai_view_bytes(&c->out[0]));
  for (int64_t i = 0; i < xai_shape_size(&c->in[0].shape); i++) {
    int64_t place = unpooled_place(c, &pooled, i);
    if (place >= 0) y[place] = x[i];
  }
}

/* Of two elements sent to one place, both get its gradient, although only the last one is seen there: a MaxPool's
 * overlapping windows name one maximum twice, with the same value. */
static void max_unpool_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xai_shape pooled = {0};
  const float *dy = c->dout[0].data;
  float *dx = c->din[0].data;
  pooled_shape(c, &pooled, NULL);
  for (int64_t i = 0; i < xai_shape_size(&c->in[0].shape); i++) {
    int64_t place = unpooled_place(c, &pooled, i);
    dx[i] = place >= 0 ? dy[place] : 0;
  }
}

const xai_op_def xai_op_def_MAX_UNPOOL = {
    .name = "MaxUnpool", .min_in = 2, .max_in = 3, .max_out = 1,
    .grad = {XAI_READS(INDICES), XAI_NO_GRAD, XAI_NO_GRAD}, .decides = XAI_READS(OUTPUT_SHAPE),
    .attrs = unpool_attrs, .infer = max_unpool_infer, .forward = max_unpool_forward, .backward = max_unpool_backward,
};

/* ---- whole planes ----------------------------------------------------------------------------------- */

static xai_status global_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, 0, err));
  xai_shape s = c->in[0].shape;
  if (s.rank < 3) return xai_fail(err, XAI_ESHAPE, "input %s has no spatial axes", TEXT(&s));
  for (int d = 2; d < s.rank; d++) s.dims[d] = 1;
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = s;
  return XAI_OK;
}

static int64_t planes(const xai_call *c) { return xai_shape_span(&c->in[0].shape, 0, 2); }
static int64_t plane_size(const xai_call *c) { return xai_shape_span(&c->in[0].shape, 2, c->in[0].shape.rank); }

static void global_average_forward(const xai_call *c) {
  xk_global_avg_forward(planes(c), plane_size(c), c->in[0].data, c->out[0].data);
}

static void global_average_backward(const xai_call *c) {
  if (!xai_op__idle(c)) xk_global_avg_backward(planes(c), plane_size(c), c->dout[0].data, c->din[0].data);
}

static void global_max_forward(const xai_call *c) {
  xk_global_max_forward(planes(c), plane_size(c), c->in[0].data, c->out[0].data);
}

static void global_max_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_global_max_backward(planes(c), plane_size(c), c->in[0].data, c->dout[0].data, c->din[0].data);
}

const xai_op_def xai_op_def_GLOBAL_AVERAGE_POOL = {
    .name = "GlobalAveragePool", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {0},
    .infer = global_infer, .forward = global_average_forward, .backward = global_average_backward,
};
const xai_op_def xai_op_def_GLOBAL_MAX_POOL = {
    .name = "GlobalMaxPool", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {XAI_READS(0)},
    .infer = global_infer, .forward = global_max_forward, .backward = global_max_backward,
};

/* ---- ReduceMean ---------------------------------------------------------------------------------------- */

static const xai_attr_spec reduce_attrs[] = {
    XAI_ATTR(INT, "keepdims", reduce.keepdims, 1),
    XAI_ATTR(INT, "noop_with_empty_axes", reduce.noop_with_empty_axes, 0),
    {0},
};

/* drop[d]: the mean goes over axis d. No axes: over all of them, or over none if the attribute says so. */
static xai_status find_axes(const xai_call *c, bool drop[XAI_MAX_RANK], xai_err *err) {
  xai_ints axes = {0};
  if (xai_call_has(c, 1)) XAI_TRY(xai_op__ints(c, 1, "axes", &axes, err));
  XAI_TRY(xai_op__axis_set(&axes, c->in[0].shape.rank, drop, err));
  if (axes.n == 0 && c->attrs->reduce.noop_with_empty_axes == 0)
    for (int d = 0; d < c->in[0].shape.rank; d++) drop[d] = true;
  return XAI_OK;
}

static xai_status reduce_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, 0, err));
  const xai_shape *x = &c->in[0].shape;
  bool drop[XAI_MAX_RANK];
  XAI_TRY(find_axes(c, drop, err));
  xai_shape s = {0};
  for (int d = 0; d < x->rank; d++) {
    if (!drop[d]) s.dims[s.rank++] = x->dims[d];
    else if (c->attrs->reduce.keepdims != 0) s.dims[s.rank++] = 1;
  }
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = s;
  return XAI_OK;
}

typedef struct reduction {
  int rank; /* of the input as kernels like it: at least 1 */
  int64_t dims[XAI_MAX_RANK];
  int64_t stride[XAI_MAX_RANK]; /* of the output along the input's axes: 0 where the mean is taken */
  int64_t count;                /* elements in one mean */
  bool keep[XAI_MAX_RANK];
} reduction;

static reduction reduce_problem(const xai_call *c) {
  const xai_shape *x = &c->in[0].shape;
  reduction r = {.rank = x->rank, .count = 1};
  bool drop[XAI_MAX_RANK];
  find_axes(c, drop, NULL); /* infer has seen it succeed */
  int64_t step = 1;
  for (int d = x->rank - 1; d >= 0; d--) {
    r.dims[d] = x->dims[d];
    r.keep[d] = !drop[d];
    r.stride[d] = drop[d] ? 0 : step;
    if (drop[d]) r.count *= x->dims[d];
    else step *= x->dims[d];
  }
  if (r.rank == 0) {
    r.rank = 1;
    r.dims[0] = 1;
    r.keep[0] = true;
  }
  return r;
}

static void reduce_forward(const xai_call *c) {
  reduction r = reduce_problem(c);
  xk_reduce_sum(r.rank, r.dims, r.keep, 1.0 / (double)r.count, c->in[0].data, c->out[0].data);
}

static void reduce_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  reduction r = reduce_problem(c);
  float *dx = c->din[0].data;
  xk_gather_strided(sizeof *dx, r.rank, r.dims, r.stride, 0, c->dout[0].data, dx);
  xk_scale(xai_shape_size(&c->in[0].shape), (float)(1.0 / (double)r.count), dx, dx);
}

const xai_op_def xai_op_def_REDUCE_MEAN = {
    .name = "ReduceMean", .min_in = 1, .max_in = 2, .max_out = 1, .grad = {XAI_READS(1), XAI_NO_GRAD},
    .decides = XAI_READS(1), .attrs = reduce_attrs, .infer = reduce_infer, .forward = reduce_forward, .backward = reduce_backward,
};
