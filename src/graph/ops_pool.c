/* graph/ops_pool.c: taking the maximum, the mean or a p-norm of windows and of whole planes; and the way back.
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
  const xai_shape *x = &c->in[0].shape;
  xai_window win[XAI_AXES];
  int64_t extent[XAI_AXES];
  XAI_TRY(find_windows(c, win, err));
  xai_op__extents(x, extent);
  for (int d = 0; d < XAI_AXES && !may_miss; d++)
    if (xai_op__window_misses(&win[d], extent[d]))
      return xai_fail(err, XAI_ESHAPE, "a window lies entirely in the padding");
  c->out[0].dtype = c->in[0].dtype;
  c->out[0].shape = xai_op__window_shape(x, x->dims[1], win);
  return XAI_OK;
}

/* Of integers, too. */
static xai_status max_pool_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_number(c, 0, err));
  XAI_TRY(pool_infer(c, false, err));
  if (c->n_out > 1) c->out[1] = (xai_view){.dtype = XAI_I64, .shape = c->out[0].shape};
  return XAI_OK;
}

/* Without the padding a window that misses the input would be 0/0. */
static xai_status average_pool_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, 0, err));
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
  bool integers = c->in[0].dtype != XAI_F32;
  if (over_volumes(c) || where != NULL || integers) {
    xk_pool3d p = volume_problem(c);
    size_t size = xai_dtype_size(c->in[0].dtype);
    if (integers) xk_maxpool3d_forward_int(&p, size, c->in[0].data, c->out[0].data, where);
    else xk_maxpool3d_forward(&p, c->in[0].data, c->out[0].data, where);
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
    .name = "MaxPool", .min_in = 1, .max_in = 1, .max_out = 2, .flags = XAI_OP_MIXES, .grad = {XAI_READS(0)},
    .attrs = pool_attrs, .infer = max_pool_infer, .forward = max_pool_forward, .backward = max_pool_backward,
};
const xai_op_def xai_op_def_AVERAGE_POOL = {
    .name = "AveragePool", .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_MIXES, .grad = {0},
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

/* ---- LpPool --------------------------------------------------------------------------------------- */
static const xai_attr_spec lp_pool_attrs[] = {
    {.name = "auto_pad", .kind = XAI_ATTR_CHOICE, .offset = offsetof(xai_attrs, pool.auto_pad),
     .choices = xai_op__auto_pads},
    XAI_ATTR(INT, "ceil_mode", pool.ceil_mode, 0),
    XAI_ATTR(INTS, "dilations", pool.dilations, 0),
    XAI_ATTR(INTS, "kernel_shape", pool.kernel_shape, 0),
    XAI_ATTR(INT, "p", pool.p, 2),
    XAI_ATTR(INTS, "pads", pool.pads, 0),
    XAI_ATTR(INTS, "strides", pool.strides, 0),
    {0},
};

static xai_status check_p(const xai_call *c, xai_err *err) {
  if (c->attrs->pool.p >= 1) return XAI_OK;
  return xai_fail(err, XAI_EARG, "p %" PRId64 " is out of range (expected 1 or more)", c->attrs->pool.p);
}

static xai_status lp_pool_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, 0, err));
  XAI_TRY(check_p(c, err));
  return pool_infer(c, true, err);
}

static void lp_pool_forward(const xai_call *c) {
  if (over_volumes(c)) {
    xk_pool3d s = volume_problem(c);
    xk_lppool3d_forward(&s, c->attrs->pool.p, c->in[0].data, c->out[0].data);
  } else {
    xk_pool2d s = problem(c);
    xk_lppool_forward(&s, c->attrs->pool.p, c->in[0].data, c->out[0].data);
  }
}

static void lp_pool_backward(const xai_call *c) {
  const float *x = c->in[0].data, *y = c->out[0].data;
  if (xai_op__idle(c)) return;
  if (over_volumes(c)) {
    xk_pool3d s = volume_problem(c);
    xk_lppool3d_backward(&s, c->attrs->pool.p, x, y, c->dout[0].data, c->din[0].data);
  } else {
    xk_pool2d s = problem(c);
    xk_lppool_backward(&s, c->attrs->pool.p, x, y, c->dout[0].data, c->din[0].data);
  }
}

const xai_op_def xai_op_def_LP_POOL = {
    .name = "LpPool", .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_MIXES, .grad = {XAI_READS(0) | XAI_READS_OUT},
    .attrs = lp_pool_attrs, .infer = lp_pool_infer, .forward = lp_pool_forward, .backward = lp_pool_backward,
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

/* One window over the whole plane, laid out as one row. */
static const xai_attr_spec global_lp_attrs[] = {XAI_ATTR(INT, "p", pool.p, 2), {0}};

static xk_pool2d whole_planes(const xai_call *c) {
  int64_t n = plane_size(c);
  return (xk_pool2d){
      .planes = planes(c), .h = 1, .w = n, .oh = 1, .ow = 1, .kh = 1, .kw = n, .sh = 1, .sw = 1, .dh = 1, .dw = 1};
}

static xai_status global_lp_infer(xai_call *c, xai_err *err) {
  XAI_TRY(check_p(c, err));
  return global_infer(c, err);
}

static void global_lp_forward(const xai_call *c) {
  xk_pool2d s = whole_planes(c);
  xk_lppool_forward(&s, c->attrs->pool.p, c->in[0].data, c->out[0].data);
}

static void global_lp_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_pool2d s = whole_planes(c);
  xk_lppool_backward(&s, c->attrs->pool.p, c->in[0].data, c->out[0].data, c->dout[0].data, c->din[0].data);
}

const xai_op_def xai_op_def_GLOBAL_LP_POOL = {
    .name = "GlobalLpPool", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {XAI_READS(0) | XAI_READS_OUT},
    .attrs = global_lp_attrs, .infer = global_lp_infer, .forward = global_lp_forward, .backward = global_lp_backward,
};
