/* graph/op_check.c: see op_check.h. */
#include "graph/op_check.h"

#include <string.h>

const char *const xai_op__auto_pads[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", NULL};

xai_status xai_op__need_float(const xai_call *c, int i, xai_err *err) {
  const xai_view *v = &c->in[i];
  if (v->dtype != XAI_F32)
    return xai_fail(err, XAI_EUNSUPPORTED, "input %d is %s (expected float32)", i, xai_dtype_name(v->dtype));
  if (xai_shape_size(&v->shape) == 0)
    return xai_fail(err, XAI_ESHAPE, "input %d has no elements (%s)", i, TEXT(&v->shape));
  return XAI_OK;
}

xai_status xai_op__need_number(const xai_call *c, int i, xai_err *err) {
  switch (c->in[i].dtype) {
    case XAI_I64:
    case XAI_I32:
    case XAI_U8: return XAI_OK;
    case XAI_BOOL: return xai_fail(err, XAI_EUNSUPPORTED, "input %d is bool (expected numbers)", i);
    case XAI_F32: break;
  }
  return xai_op__need_float(c, i, err);
}

xai_status xai_op__need_same(const xai_call *c, int i, int j, xai_err *err) {
  if (c->in[i].dtype == c->in[j].dtype) return XAI_OK;
  return xai_fail(err, XAI_EARG, "element types differ (%s and %s)", xai_dtype_name(c->in[i].dtype),
                  xai_dtype_name(c->in[j].dtype));
}

int64_t xai_op__int(const xai_view *v, int64_t i) {
  return v->dtype == XAI_I64 ? ((const int64_t *)v->data)[i] : ((const int32_t *)v->data)[i];
}

float xai_op__scalar(const xai_call *c, int i, float absent) {
  return xai_call_has(c, i) ? *(const float *)c->in[i].data : absent;
}

xai_status xai_op__ints(const xai_call *c, int i, const char *what, xai_ints *out, xai_err *err) {
  const xai_view *v = &c->in[i];
  if (v->dtype != XAI_I64 && v->dtype != XAI_I32)
    return xai_fail(err, XAI_EARG, "%s: expected integers, got %s", what, xai_dtype_name(v->dtype));
  if (v->shape.rank > 1 || xai_shape_size(&v->shape) > XAI_INTS_MAX)
    return xai_fail(err, XAI_ESHAPE, "%s: expected a list of at most %d integers, got %s", what, XAI_INTS_MAX,
                    TEXT(&v->shape));
  xai_ints list = {.n = (int)xai_shape_size(&v->shape)};
  if (v->data == NULL && list.n > 0)
    return xai_fail(err, XAI_EUNSUPPORTED, "%s: depends on the input's elements (expected known numbers)", what);
  for (int k = 0; k < list.n; k++) list.v[k] = xai_op__int(v, k);
  *out = list;
  return XAI_OK;
}

xai_status xai_op__axis_set(const xai_ints *axes, int rank, bool set[XAI_MAX_RANK], xai_err *err) {
  memset(set, 0, XAI_MAX_RANK * sizeof *set);
  for (int k = 0; k < axes->n; k++) {
    int axis;
    XAI_TRY(xai_shape_axis(axes->v[k], rank, &axis, err));
    if (set[axis]) return xai_fail(err, XAI_EARG, "axis %d is given twice", axis);
    set[axis] = true;
  }
  return XAI_OK;
}

void xai_op__strides(const xai_shape *s, int64_t stride[XAI_MAX_RANK]) {
  int64_t step = 1;
  for (int d = s->rank - 1; d >= 0; d--) {
    stride[d] = step;
    step *= s->dims[d];
  }
}

void xai_op__repeat_strides(const xai_shape *s, const xai_shape *out, int64_t stride[XAI_MAX_RANK]) {
  int64_t own[XAI_MAX_RANK];
  xai_op__strides(s, own);
  for (int d = 0; d < out->rank; d++) {
    int at = d - (out->rank - s->rank);
    stride[d] = at < 0 || s->dims[at] == 1 ? 0 : own[at];
  }
}

xk_broadcast xai_op__broadcast(const xai_shape *a, const xai_shape *b, const xai_shape *out) {
  xk_broadcast s = {.rank = out->rank};
  for (int d = 0; d < out->rank; d++) s.dims[d] = out->dims[d];
  xai_op__repeat_strides(a, out, s.stride_a);
  xai_op__repeat_strides(b, out, s.stride_b);
  if (s.rank == 0) s.dims[s.rank++] = 1;
  return s;
}

void xai_op__unrepeat(const xai_shape *s, const xai_shape *out, double scale, const float *dout, float *din) {
  int64_t stride[XAI_MAX_RANK];
  bool keep[XAI_MAX_RANK];
  xai_op__repeat_strides(s, out, stride);
  for (int d = 0; d < out->rank; d++) keep[d] = stride[d] != 0;
  xk_reduce_sum(out->rank, out->dims, keep, scale, dout, din);
}

xk_axis xai_op__axis(const xai_shape *s, int64_t axis) {
  int at = (int)(axis < 0 ? axis + s->rank : axis);
  return (xk_axis){xai_shape_span(s, 0, at), s->dims[at], xai_shape_span(s, at + 1, s->rank)};
}

void xai_op__same(xai_call *c) {
  c->out[0].dtype = c->in[0].dtype;
  c->out[0].shape = c->in[0].shape;
}

void xai_op__copy_forward(const xai_call *c) {
  if (c->out[0].data != c->in[0].data) memcpy(c->out[0].data, c->in[0].data, xai_view_bytes(&c->in[0]));
}

void xai_op__copy_backward(const xai_call *c) {
  if (xai_op__idle(c) || c->din[0].data == c->dout[0].data) return;
  memcpy(c->din[0].data, c->dout[0].data, xai_view_bytes(&c->in[0]));
}

bool xai_op__idle(const xai_call *c) {
  bool arrives = c->dout[0].data != NULL && c->out[0].dtype == XAI_F32, wanted = false;
  for (int i = 0; i < c->n_in; i++) {
    if (c->din[i].data == NULL) continue;
    bool adds = c->adds != NULL && c->adds[i];
    bool passes = arrives && c->in[i].dtype == XAI_F32;
    if (passes) wanted = true;
    else if (!adds) memset(c->din[i].data, 0, xai_view_bytes(&c->in[i]));
  }
  return !wanted;
}

/* ---- sliding windows ------------------------------------------------------------------------------------ */

/* Kernels, strides, dilations and pads beyond this are damage, not networks; below it nothing here can overflow. */
enum { WINDOW_MAX = 1 << 24 };

xai_status xai_op__entry(const xai_ints *list, const char *name, int at, int expected, int64_t lowest, int64_t absent,
                         int64_t *out, xai_err *err) {
  if (list->n != 0 && list->n != expected)
    return xai_fail(err, XAI_EARG, "%s has %d entries (expected %d)", name, list->n, expected);
  int64_t value = list->n == 0 ? absent : list->v[at];
  if (value < lowest || value > WINDOW_MAX)
    return xai_fail(err, XAI_EARG, "%s %" PRId64 " is out of range (expected %" PRId64 " to %d)", name, value, lowest,
                    WINDOW_MAX);
  *out = value;
  return XAI_OK;
}

/* Axis 'd' of 'axes', n elements long. */
static xai_status window(const xai_window_attrs *a, int d, int axes, int64_t n, xai_window *out, xai_err *err) {
  xai_window w = {0};
  XAI_TRY(xai_op__entry(a->kernel, "kernel_shape", d, axes, 1, 0, &w.kernel, err));
  XAI_TRY(xai_op__entry(a->strides, "strides", d, axes, 1, 1, &w.stride, err));
  XAI_TRY(xai_op__entry(a->dilations, "dilations", d, axes, 1, 1, &w.dilation, err));
  int64_t extent = (w.kernel - 1) * w.dilation + 1;

  switch (a->auto_pad) {
    case XAI_PAD_NOTSET:
      XAI_TRY(xai_op__entry(a->pads, "pads", d, 2 * axes, 0, 0, &w.before, err));
      XAI_TRY(xai_op__entry(a->pads, "pads", d + axes, 2 * axes, 0, 0, &w.after, err));
      break;
    case XAI_PAD_SAME_UPPER: /* out = ceil(n / stride); an odd element of padding goes after ... */
    case XAI_PAD_SAME_LOWER: { /* ... or before the input */
      int64_t total = ((n + w.stride - 1) / w.stride - 1) * w.stride + extent - n;
      if (total < 0) total = 0;
      w.before = a->auto_pad == XAI_PAD_SAME_UPPER ? total / 2 : total - total / 2;
      w.after = total - w.before;
      break;
    }
    case XAI_PAD_VALID: break;
    default: return xai_fail(err, XAI_EARG, "auto_pad %" PRId64 " is no choice", a->auto_pad);
  }

  int64_t padded = n + w.before + w.after;
  if (extent > padded)
    return xai_fail(err, XAI_ESHAPE, "a window of %" PRId64 " does not fit into %" PRId64 " padded to %" PRId64, extent,
                    n, padded);
  w.out = (padded - extent) / w.stride + 1;
  /* ceil_mode: one more window, cut off by the end, unless it would start in the padding there */
  bool rest = (padded - extent) % w.stride != 0;
  if (a->ceil_mode != 0 && a->auto_pad == XAI_PAD_NOTSET && rest && w.out * w.stride < n + w.before) w.out++;
  *out = w;
  return XAI_OK;
}

xai_status xai_op__windows(const xai_window_attrs *a, const xai_shape *in, xai_window win[XAI_AXES], xai_err *err) {
  int axes = in->rank - 2;
  if (axes < 1 || axes > XAI_AXES)
    return xai_fail(err, XAI_EUNSUPPORTED, "input %s has %d axes (expected 3 to 5)", TEXT(in), in->rank);
  if (a->kernel->n == 0) return xai_fail(err, XAI_EARG, "kernel_shape is missing");
  for (int d = 0; d < XAI_AXES - axes; d++) win[d] = (xai_window){.kernel = 1, .stride = 1, .dilation = 1, .out = 1};
  for (int d = 0; d < axes; d++) XAI_TRY(window(a, d, axes, in->dims[2 + d], &win[XAI_AXES - axes + d], err));
  return XAI_OK;
}

void xai_op__extents(const xai_shape *s, int64_t extent[XAI_AXES]) {
  int missing = XAI_AXES - (s->rank - 2);
  for (int d = 0; d < XAI_AXES; d++) extent[d] = d < missing ? 1 : s->dims[2 + d - missing];
}

xk_volume xai_op__volume(const xai_shape *in, const xai_window win[XAI_AXES]) {
  xk_volume v;
  xai_op__extents(in, v.in);
  for (int d = 0; d < XAI_AXES; d++) {
    v.out[d] = win[d].out;
    v.kernel[d] = win[d].kernel;
    v.stride[d] = win[d].stride;
    v.dilation[d] = win[d].dilation;
    v.before[d] = win[d].before;
    v.after[d] = win[d].after;
  }
  return v;
}

bool xai_op__window_misses(const xai_window *w, int64_t n) {
  if ((w->out - 1) * w->stride - w->before >= n) return true;
  for (int64_t o = 0; o < w->out && o * w->stride < w->before; o++) {
    int64_t short_of = w->before - o * w->stride; /* the window starts so far before the input */
    int64_t tap = (short_of + w->dilation - 1) / w->dilation;
    if (tap >= w->kernel || tap * w->dilation - short_of >= n) return true;
  }
  return false;
}

xai_shape xai_op__window_shape(const xai_shape *in, int64_t channels, const xai_window win[XAI_AXES]) {
  xai_shape s = {.rank = in->rank, .dims = {in->dims[0], channels}};
  for (int d = 2; d < s.rank; d++) s.dims[d] = win[XAI_AXES - s.rank + d].out;
  return s;
}
