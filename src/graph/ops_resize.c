/* graph/ops_resize.c: Resize: nearest, linear and cubic interpolation along any axes, as ONNX defines it.
 *
 * Along one axis of n elements, result i is read at the coordinate u(i), which the coordinate transformation gives from
 * the scale s = result size / n. Interpolation takes a few taps around u, with weights of the distance; places beyond
 * the ends take the element at the end. Interpolating along several axes is separable, so the axes are done one after
 * another, each by a table of places and weights (kernels/resample.c). The gradient runs the same tables backwards.
 *
 * The cubic weights are those of Keys 1981, "Cubic convolution interpolation for digital image processing", eq. 4-5,
 * with the coefficient a. With 'antialias' the weights are stretched by 1/s when the axis shrinks. */
#include <math.h>
#include <string.h>

#include "graph/op_check.h"

enum { X, ROI, SCALES, SIZES };
enum { NEAREST, LINEAR, CUBIC };
enum { HALF_PIXEL, PYTORCH_HALF_PIXEL, ALIGN_CORNERS, ASYMMETRIC, TF_HALF_PIXEL, CROP_AND_RESIZE, SYMMETRIC };
enum { ROUND_DOWN, ROUND_UP, FLOOR, CEIL }; /* the first two round to the nearest and differ in halves */
enum { STRETCH, NOT_LARGER, NOT_SMALLER };

static const char *const modes[] = {"nearest", "linear", "cubic", NULL};
static const char *const transformations[] = {
    "half_pixel",           "pytorch_half_pixel", "align_corners",        "asymmetric",
    "tf_half_pixel_for_nn", "tf_crop_and_resize", "half_pixel_symmetric", NULL};
static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil", NULL};
static const char *const policies[] = {"stretch", "not_larger", "not_smaller", NULL};

#define CHOICE(text, field, list)                                                                                      \
  { .name = text, .kind = XAI_ATTR_CHOICE, .offset = offsetof(xai_attrs, field), .choices = list }

static const xai_attr_spec resize_attrs[] = {
    XAI_ATTR(INT, "antialias", resize.antialias, 0),
    XAI_ATTR(INTS, "axes", resize.axes, 0),
    CHOICE("coordinate_transformation_mode", resize.transformation, transformations),
    XAI_ATTR(FLOAT, "cubic_coeff_a", resize.cubic_coeff_a, -0.75),
    XAI_ATTR(INT, "exclude_outside", resize.exclude_outside, 0),
    XAI_ATTR(FLOAT, "extrapolation_value", resize.extrapolation_value, 0),
    CHOICE("keep_aspect_ratio_policy", resize.policy, policies),
    CHOICE("mode", resize.mode, modes),
    CHOICE("nearest_mode", resize.rounding, roundings),
    {0},
};

/* ---- sizes ------------------------------------------------------------------------------------------------ */

/* The axes that scales, sizes and roi speak of, in their order. */
static xai_status named_axes(const xai_call *c, xai_ints *out, xai_err *err) {
  xai_ints axes = c->attrs->resize.axes;
  bool seen[XAI_MAX_RANK];
  int rank = c->in[X].shape.rank;
  for (int d = 0; axes.n == 0 && d < rank; d++) out->v[d] = d;
  out->n = axes.n == 0 ? rank : axes.n;
  if (axes.n == 0) return XAI_OK;
  XAI_TRY(xai_op__axis_set(&axes, rank, seen, err));
  for (int k = 0; k < axes.n; k++) out->v[k] = axes.v[k] < 0 ? axes.v[k] + rank : axes.v[k];
  return XAI_OK;
}

/* An empty list counts as left out: exporters write one where nothing may be left out. */
static bool given(const xai_call *c, int i) { return xai_call_has(c, i) && xai_shape_size(&c->in[i].shape) > 0; }

static xai_status by_scales(const xai_call *c, const xai_ints *axes, double *scale, xai_shape *y, xai_err *err) {
  const xai_view *v = &c->in[SCALES];
  if (v->dtype != XAI_F32 || v->shape.rank != 1 || v->shape.dims[0] != axes->n)
    return xai_fail(err, XAI_ESHAPE, "scales: expected %d floats, got %s %s", axes->n, xai_dtype_name(v->dtype),
                    TEXT(&v->shape));
  if (v->data == NULL)
    return xai_fail(err, XAI_EUNSUPPORTED, "scales: depends on the input's elements (expected known numbers)");
  for (int k = 0; k < axes->n; k++) {
    int64_t n = c->in[X].shape.dims[axes->v[k]];
    float s = ((const float *)v->data)[k];
    if (!(s > 0) || s * (float)n > (float)XAI_MAX_ELEMENTS)
      return xai_fail(err, XAI_EARG, "scale %g is out of range for the %" PRId64 " elements of axis %d", (double)s, n,
                      (int)axes->v[k]);
    scale[axes->v[k]] = (double)s;
    y->dims[axes->v[k]] = (int64_t)floor((double)(s * (float)n));
  }
  return XAI_OK;
}

static xai_status by_sizes(const xai_call *c, const xai_ints *axes, double *scale, xai_shape *y, xai_err *err) {
  xai_ints sizes;
  double common = 0;
  int64_t policy = c->attrs->resize.policy;
  XAI_TRY(xai_op__ints(c, SIZES, "sizes", &sizes, err));
  if (sizes.n != axes->n) return xai_fail(err, XAI_ESHAPE, "sizes: expected %d numbers, got %d", axes->n, sizes.n);
  for (int k = 0; k < axes->n; k++) {
    if (sizes.v[k] < 1 || sizes.v[k] > XAI_MAX_ELEMENTS)
      return xai_fail(err, XAI_EARG, "size %" PRId64 " of axis %d is out of range", sizes.v[k], (int)axes->v[k]);
    double s = (double)sizes.v[k] / (double)c->in[X].shape.dims[axes->v[k]];
    scale[axes->v[k]] = s;
    y->dims[axes->v[k]] = sizes.v[k];
    if (k == 0 || (policy == NOT_LARGER ? s < common : s > common)) common = s;
  }
  for (int k = 0; k < axes->n && policy != STRETCH; k++) {
    scale[axes->v[k]] = common;
    y->dims[axes->v[k]] = (int64_t)floor(common * (double)c->in[X].shape.dims[axes->v[k]] + 0.5);
  }
  return XAI_OK;
}

static xai_status find_sizes(const xai_call *c, double scale[XAI_MAX_RANK], xai_shape *out, xai_err *err) {
  xai_ints axes;
  xai_shape y = c->in[X].shape;
  XAI_TRY(named_axes(c, &axes, err));
  for (int d = 0; d < y.rank; d++) scale[d] = 1;
  if (given(c, SIZES)) XAI_TRY(by_sizes(c, &axes, scale, &y, err));
  else if (given(c, SCALES)) XAI_TRY(by_scales(c, &axes, scale, &y, err));
  else return xai_fail(err, XAI_EARG, "neither scales nor sizes are given");
  *out = y;
  return XAI_OK;
}

static xai_status resize_infer(xai_call *c, xai_err *err) {
  const xai_attrs_resize *a = &c->attrs->resize;
  double scale[XAI_MAX_RANK];
  xai_ints axes;
  if (xai_shape_size(&c->in[X].shape) == 0)
    return xai_fail(err, XAI_ESHAPE, "input 0 has no elements (%s)", TEXT(&c->in[X].shape));
  if (a->mode != NEAREST || a->transformation == CROP_AND_RESIZE) XAI_TRY(xai_op__need_float(c, X, err));
  XAI_TRY(find_sizes(c, scale, &c->out[0].shape, err));
  XAI_TRY(named_axes(c, &axes, err));
  if (a->transformation == CROP_AND_RESIZE &&
      (!given(c, ROI) || c->in[ROI].dtype != XAI_F32 || xai_shape_size(&c->in[ROI].shape) != 2 * axes.n))
    return xai_fail(err, XAI_ESHAPE, "roi: expected %d floats", 2 * axes.n);
  c->out[0].dtype = c->in[X].dtype;
  return XAI_OK;
}

/* ---- tables ------------------------------------------------------------------------------------------------ */

/* One axis: its sizes, its scale, and the part of it that a crop takes, as shares of the axis. */
typedef struct line {
  int axis;
  int64_t n_in, n_out, taps;
  double scale, start, end;
} line;

static double coordinate(const xai_attrs_resize *a, const line *l, int64_t i) {
  double x = (double)i, n = (double)l->n_in, s = l->scale, length = s * n;
  switch (a->transformation) {
    case ALIGN_CORNERS: return length == 1 ? 0 : x * (n - 1) / (length - 1);
    case ASYMMETRIC: return x / s;
    case TF_HALF_PIXEL: return (x + 0.5) / s;
    case CROP_AND_RESIZE:
      if (length == 1) return (l->start + l->end) / 2 * (n - 1);
      return l->start * (n - 1) + x * (l->end - l->start) * (n - 1) / (length - 1);
    case PYTORCH_HALF_PIXEL: return l->n_out == 1 ? 0 : (x + 0.5) / s - 0.5;
    case SYMMETRIC: return n / 2 * (1 - (double)l->n_out / length) + (x + 0.5) / s - 0.5;
    default: return (x + 0.5) / s - 0.5;
  }
}

static double cubic(double a, double x) {
  x = fabs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/* The weight of an element at this distance from the coordinate. */
static double weight(const xai_attrs_resize *a, double distance) {
  if (a->mode == CUBIC) return cubic(a->cubic_coeff_a, distance);
  distance = fabs(distance);
  return distance < 1 ? 1 - distance : 0;
}

static double squeeze(const xai_attrs_resize *a, const line *l) {
  return a->antialias != 0 && l->scale < 1 ? l->scale : 1;
}

/* How many elements left of floor(u) + 1 have a weight. */
static int64_t reach(const xai_attrs_resize *a, const line *l) {
  return (int64_t)ceil((a->mode == CUBIC ? 2 : 1) / squeeze(a, l));
}

static int64_t taps_of(const xai_attrs_resize *a, const line *l) { return a->mode == NEAREST ? 1 : 2 * reach(a, l); }

static int64_t nearest(const xai_attrs_resize *a, double u) {
  double low = floor(u), rest = u - low;
  switch (a->rounding) {
    case ROUND_DOWN: return (int64_t)low + (rest > 0.5);
    case ROUND_UP: return (int64_t)low + (rest >= 0.5);
    case CEIL: return (int64_t)ceil(u);
    default: return (int64_t)low;
  }
}

static int64_t clamp(int64_t i, int64_t n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }

static bool beyond(const xai_attrs_resize *a, const line *l, int64_t i) {
  double u = coordinate(a, l, i);
  return a->transformation == CROP_AND_RESIZE && !(u >= 0 && u <= (double)(l->n_in - 1));
}

/* Places and weights of result i; all weights 0 where a crop looks beyond the axis. */
static void fill_taps(const xai_attrs_resize *a, const line *l, int64_t i, int64_t *from, float *to) {
  double u = coordinate(a, l, i), sum = 0, s = squeeze(a, l);
  if (beyond(a, l, i)) {
    memset(from, 0, (size_t)l->taps * sizeof *from);
    memset(to, 0, (size_t)l->taps * sizeof *to);
    return;
  }
  if (a->mode == NEAREST) {
    from[0] = clamp(nearest(a, u), l->n_in);
    to[0] = 1;
    return;
  }
  int64_t first = (int64_t)floor(u) + 1 - reach(a, l);
  for (int round = 0; round < 2; round++) /* the weights' sum first, which is not 1 if some are left out */
    for (int64_t t = 0; t < l->taps; t++) {
      bool out = a->exclude_outside != 0 && (first + t < 0 || first + t >= l->n_in);
      double w = out ? 0 : weight(a, s * ((double)(first + t) - u));
      if (round == 0) sum += w;
      from[t] = clamp(first + t, l->n_in);
      to[t] = (float)(w / (sum != 0 ? sum : 1));
    }
}

/* The axes that change, in order. Those that keep their scale keep their elements. */
static int find_lines(const xai_call *c, line lines[XAI_MAX_RANK]) {
  const xai_attrs_resize *a = &c->attrs->resize;
  const xai_shape *x = &c->in[X].shape;
  double scale[XAI_MAX_RANK];
  xai_shape y = {0};
  xai_ints axes = {0};
  int n = 0;
  find_sizes(c, scale, &y, NULL); /* infer has seen it succeed */
  named_axes(c, &axes, NULL);
  for (int d = 0; d < x->rank; d++) {
    line l = {.axis = d, .n_in = x->dims[d], .n_out = y.dims[d], .scale = scale[d], .start = 0, .end = 1};
    const float *roi = a->transformation == CROP_AND_RESIZE ? c->in[ROI].data : NULL;
    for (int k = 0; roi != NULL && k < axes.n; k++)
      if (axes.v[k] == d) l.start = (double)roi[k], l.end = (double)roi[axes.n + k];
    l.taps = taps_of(a, &l);
    bool same = l.scale == 1 && l.n_in == l.n_out && l.start == 0 && l.end == 1 && a->transformation != TF_HALF_PIXEL;
    if (!same) lines[n++] = l;
  }
  return n;
}

/* Of interpolation: from the first to the last element with a weight that is not rounding alone. */
static void weighed_span(const xai_attrs_resize *a, const line *l, int64_t i, int64_t *first, int64_t *end) {
  double u = coordinate(a, l, i), s = squeeze(a, l);
  int64_t from = (int64_t)floor(u) + 1 - reach(a, l);
  *first = *end = from;
  for (int64_t t = from; t < from + l->taps; t++) {
    if (fabs(weight(a, s * ((double)t - u))) < 1e-9) continue;
    if (*first == *end) *first = t;
    *end = t + 1;
  }
}

double xai_op__resize_span(const xai_call *c, int axis, int64_t i, bool endless, int64_t *first, int64_t *end) {
  const xai_attrs_resize *a = &c->attrs->resize;
  line lines[XAI_MAX_RANK], *l = lines;
  int n = find_lines(c, lines);
  *first = i;
  *end = i + 1;
  while (l < lines + n && l->axis != axis) l++;
  if (l == lines + n) return 1;
  if (a->mode != NEAREST) weighed_span(a, l, i, first, end);
  else *first = nearest(a, coordinate(a, l, i)), *end = *first + 1;
  if (!endless) {
    *end = clamp(*end - 1, l->n_in) + 1;
    *first = clamp(*first, l->n_in);
    if (beyond(a, l, i)) *end = *first;
  }
  return l->scale;
}

/* ---- both directions --------------------------------------------------------------------------------------- */

/* Array number k, from the input (0) to the result, has the first k axes of 'lines' resized. */
static xai_shape between(const xai_call *c, const line *lines, int k) {
  xai_shape s = c->in[X].shape;
  for (int i = 0; i < k; i++) s.dims[lines[i].axis] = lines[i].n_out;
  return s;
}

/* Bytes, so that what follows begins aligned. */
static size_t room(int64_t n, size_t size) { return ((size_t)n * size + 63) / 64 * 64; }

static size_t largest_between(const xai_call *c, const line *lines, int n) {
  size_t most = 0;
  for (int k = 1; k < n; k++) {
    xai_shape s = between(c, lines, k);
    size_t bytes = room(xai_shape_size(&s), xai_dtype_size(c->in[X].dtype));
    if (bytes > most) most = bytes;
  }
  return most;
}

/* One table at a time, then two arrays between the axes. */
static size_t table_bytes(const line *lines, int n) {
  size_t most = 0;
  for (int k = 0; k < n; k++) {
    size_t bytes =
        room(lines[k].n_out * lines[k].taps, sizeof(int64_t)) + room(lines[k].n_out * lines[k].taps, sizeof(float));
    if (bytes > most) most = bytes;
  }
  return most;
}

/* Until a pass the roi may not be known; it has no influence on sizes. */
static size_t resize_workspace(const xai_call *c) {
  xai_attrs attrs = *c->attrs;
  xai_call without_roi = *c;
  without_roi.attrs = &attrs;
  line lines[XAI_MAX_RANK];
  if (c->attrs->resize.transformation == CROP_AND_RESIZE) attrs.resize.transformation = TF_HALF_PIXEL;
  int n = find_lines(&without_roi, lines);
  return table_bytes(lines, n) + 2 * largest_between(c, lines, n);
}

static xk_resample step(const xai_call *c, const line *lines, int k) {
  const line *l = &lines[k];
  xai_shape s = between(c, lines, k);
  int64_t *from = c->work;
  float *weights = (float *)(void *)((char *)c->work + room(l->n_out * l->taps, sizeof *from));
  for (int64_t i = 0; i < l->n_out; i++)
    fill_taps(&c->attrs->resize, l, i, from + i * l->taps, weights + i * l->taps);
  return (xk_resample){.outer = xai_shape_span(&s, 0, l->axis), .n_in = l->n_in, .n_out = l->n_out, .taps = l->taps,
                       .inner = xai_shape_span(&s, l->axis + 1, s.rank), .from = from, .weight = weights};
}

/* Array number k, which lies between others; k = 0 and k = n are not. */
static void *array_between(const xai_call *c, const line *lines, int n, int k) {
  return (char *)c->work + table_bytes(lines, n) + (k % 2 == 0 ? 0 : largest_between(c, lines, n));
}

/* Results for which some coordinate lies beyond its axis. */
static void extrapolate(const xai_call *c, const line *lines, int n) {
  const xai_attrs_resize *a = &c->attrs->resize;
  const xai_shape *y = &c->out[0].shape;
  float *to = c->out[0].data;
  for (int k = 0; k < n; k++) {
    int64_t inner = xai_shape_span(y, lines[k].axis + 1, y->rank), outer = xai_shape_span(y, 0, lines[k].axis);
    for (int64_t i = 0; i < lines[k].n_out; i++) {
      if (!beyond(a, &lines[k], i)) continue;
      for (int64_t o = 0; o < outer; o++)
        for (int64_t e = 0; e < inner; e++)
          to[(o * lines[k].n_out + i) * inner + e] = (float)a->extrapolation_value;
    }
  }
}

static void resize_forward(const xai_call *c) {
  line lines[XAI_MAX_RANK];
  int n = find_lines(c, lines);
  if (n == 0) xai_op__copy_forward(c);
  const void *from = c->in[X].data;
  for (int k = 0; k < n; k++) {
    void *to = k == n - 1 ? c->out[0].data : array_between(c, lines, n, k + 1);
    xk_resample p = step(c, lines, k);
    if (c->in[X].dtype == XAI_F32) xk_resample_forward(&p, from, to);
    else xk_resample_nearest(&p, xai_dtype_size(c->in[X].dtype), from, to);
    from = to;
  }
  if (c->attrs->resize.transformation == CROP_AND_RESIZE) extrapolate(c, lines, n);
}

static void resize_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  line lines[XAI_MAX_RANK];
  int n = find_lines(c, lines);
  if (n == 0) xai_op__copy_backward(c);
  const void *from = c->dout[0].data;
  for (int k = n - 1; k >= 0; k--) {
    void *to = k == 0 ? c->din[X].data : array_between(c, lines, n, k);
    xk_resample p = step(c, lines, k);
    xk_resample_backward(&p, from, to);
    from = to;
  }
}

const xai_op_def xai_op_def_RESIZE = {
    .name = "Resize", .min_in = 1, .max_in = 4, .max_out = 1, .flags = XAI_OP_MIXES,
    .grad = {XAI_READS(ROI) | XAI_READS(SCALES) | XAI_READS(SIZES), XAI_NO_GRAD, XAI_NO_GRAD, XAI_NO_GRAD},
    .decides = XAI_READS(SCALES) | XAI_READS(SIZES), .attrs = resize_attrs, .infer = resize_infer,
    .workspace = resize_workspace, .forward = resize_forward, .backward = resize_backward,
};
