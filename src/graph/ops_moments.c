/* graph/ops_moments.c: Instance-, Group-, Layer-, RMS- and MeanVarianceNormalization: y = scale * z + bias with
 * z = (x - mean) / sqrt(variance + epsilon). They differ in the axes of the statistics and in what scale and bias stand
 * for; 'frame' says both. RMSNormalization takes the mean to be 0. */
#include <string.h>

#include "graph/op_check.h"

enum { X, SCALE, BIAS };
enum { Y, MEAN, RATE }; /* outputs of LayerNormalization; 1 / deviation is called InvStdDev */

/* x seen as 'dims'; statistics over the dims that are not kept; strides of scale and bias along the dims. */
typedef struct frame {
  int rank;
  int64_t dims[XAI_MAX_RANK], stride[XAI_MAX_RANK], stride_scale[XAI_MAX_RANK], stride_bias[XAI_MAX_RANK];
  bool keep[XAI_MAX_RANK], centred;
} frame;

static void push(frame *f, int64_t dim, bool keep, int64_t stride_scale, int64_t stride_bias) {
  f->dims[f->rank] = dim;
  f->keep[f->rank] = keep;
  f->stride_scale[f->rank] = stride_scale;
  f->stride_bias[f->rank] = stride_bias;
  f->rank++;
}

static frame finish(frame f) {
  xai_shape s = xai_shape_of(f.rank, f.dims);
  xai_op__strides(&s, f.stride);
  f.centred = true;
  return f;
}

/* ---- work -------------------------------------------------------------------------------------------- */
static float epsilon(const xai_call *c) { return (float)c->attrs->moments.epsilon; }

static xk_broadcast against(const frame *f, const int64_t *stride) {
  xk_broadcast s = {.rank = f->rank};
  for (int d = 0; d < f->rank; d++) {
    s.dims[d] = f->dims[d];
    s.stride_a[d] = f->stride[d];
    s.stride_b[d] = stride[d];
  }
  return s;
}

static void forward(const xai_call *c, const frame *f) {
  float *y = c->out[Y].data, *mean = c->n_out > MEAN ? c->out[MEAN].data : NULL,
        *rate = c->n_out > RATE ? c->out[RATE].data : NULL;
  xk_broadcast scale = against(f, f->stride_scale), bias = against(f, f->stride_bias);
  xk_moments_forward(f->rank, f->dims, f->keep, f->centred, epsilon(c), c->in[X].data, y, mean, rate);
  if (xai_call_has(c, SCALE)) xk_binary_forward(XK_MUL, &scale, y, c->in[SCALE].data, y);
  if (xai_call_has(c, BIAS)) xk_binary_forward(XK_ADD, &bias, y, c->in[BIAS].data, y);
}

static size_t workspace(const xai_call *c) { return xai_call_has(c, SCALE) ? xai_view_bytes(&c->in[X]) : 0; }

static const float *dout(const xai_call *c, int i) { return i < c->n_out ? c->dout[i].data : NULL; }

/* dbias = dy and dscale = z dy, both summed over the repetitions; dz = scale dy. */
static void backward(const xai_call *c, const frame *f) {
  const float *x = c->in[X].data, *dmean = dout(c, MEAN), *drate = dout(c, RATE);
  float *dx = xai_op__din(c, X), *work = c->work;
  if (xai_op__idle(c)) {
    if (dx == NULL || (dmean == NULL && drate == NULL)) return;
    memset(work, 0, xai_view_bytes(&c->in[X])); /* only the statistics are used */
    xk_moments_backward(f->rank, f->dims, f->keep, f->centred, epsilon(c), x, work, dmean, drate, dx);
    return;
  }
  const float *dy = c->dout[Y].data, *dz = dy;
  float *dscale = xai_op__din(c, SCALE), *dbias = xai_op__din(c, BIAS);
  xk_broadcast scale = against(f, f->stride_scale), bias = against(f, f->stride_bias);
  if (dbias != NULL)
    xk_binary_backward_b(XK_ADD, &bias, dy, c->in[BIAS].data, dy, xai_shape_size(&c->in[BIAS].shape), dbias);
  if (dscale != NULL) {
    xk_moments_forward(f->rank, f->dims, f->keep, f->centred, epsilon(c), x, work, NULL, NULL);
    xk_binary_backward_b(XK_MUL, &scale, work, c->in[SCALE].data, dy, xai_shape_size(&c->in[SCALE].shape), dscale);
  }
  if (dx == NULL) return;
  if (xai_call_has(c, SCALE)) {
    xk_binary_forward(XK_MUL, &scale, dy, c->in[SCALE].data, work);
    dz = work;
  }
  xk_moments_backward(f->rank, f->dims, f->keep, f->centred, epsilon(c), x, dz, dmean, drate, dx);
}

#define MOMENTS(id, text, least, most, outputs, specs, verb)                                                           \
  static void verb##_forward(const xai_call *c) {                                                                      \
    frame f = verb##_frame(c);                                                                                         \
    forward(c, &f);                                                                                                    \
  }                                                                                                                    \
  static void verb##_backward(const xai_call *c) {                                                                     \
    frame f = verb##_frame(c);                                                                                         \
    backward(c, &f);                                                                                                   \
  }                                                                                                                    \
  const xai_op_def xai_op_def_##id = {                                                                                 \
      .name = text, .min_in = least, .max_in = most, .max_out = outputs,                                               \
      .grad = {[X] = XAI_READS(X) | XAI_READS(SCALE), [SCALE] = XAI_READS(X), [BIAS] = 0},                             \
      .attrs = specs, .infer = verb##_infer, .workspace = workspace, .forward = verb##_forward,                        \
      .backward = verb##_backward,                                                                                     \
  };

/* ---- what they check --------------------------------------------------------------------------------- */
static xai_status check(const xai_call *c, int least_rank, xai_err *err) {
  for (int i = 0; i < c->n_in; i++)
    if (xai_call_has(c, i)) XAI_TRY(xai_op__need_float(c, i, err));
  if (c->in[X].shape.rank < least_rank)
    return xai_fail(err, XAI_ESHAPE, "input %s has less than %d axes", TEXT(&c->in[X].shape), least_rank);
  if (!(c->attrs->moments.epsilon >= 0))
    return xai_fail(err, XAI_EARG, "epsilon %g is negative", c->attrs->moments.epsilon);
  return XAI_OK;
}

/* Scale and bias are lists of one number per channel, or of 'groups' numbers. */
static xai_status check_lists(const xai_call *c, int64_t groups, xai_err *err) {
  int64_t channels = c->in[X].shape.dims[1];
  for (int i = SCALE; i <= BIAS; i++) {
    const xai_shape *s = &c->in[i].shape;
    if (s->rank != 1 || (s->dims[0] != channels && s->dims[0] != groups))
      return xai_fail(err, XAI_ESHAPE, "%s %s does not match %" PRId64 " channels", i == SCALE ? "scale" : "bias",
                      TEXT(s), channels);
  }
  return XAI_OK;
}

/* ---- InstanceNormalization: over the positions of each channel of each image ------------------------- */
static const xai_attr_spec instance_attrs[] = {XAI_ATTR(FLOAT, "epsilon", moments.epsilon, 1e-5), {0}};

static xai_status instance_infer(xai_call *c, xai_err *err) {
  XAI_TRY(check(c, 3, err));
  XAI_TRY(check_lists(c, -1, err));
  xai_op__same(c);
  return XAI_OK;
}

static frame instance_frame(const xai_call *c) {
  const xai_shape *x = &c->in[X].shape;
  frame f = {0};
  push(&f, x->dims[0], true, 0, 0);
  push(&f, x->dims[1], true, 1, 1);
  push(&f, xai_shape_span(x, 2, x->rank), false, 0, 0);
  return finish(f);
}
MOMENTS(INSTANCE_NORMALIZATION, "InstanceNormalization", 3, 3, 1, instance_attrs, instance)

/* ---- GroupNormalization: over the channels of a group ------------------------------------------------ */
static const xai_attr_spec group_attrs[] = {
    XAI_ATTR(FLOAT, "epsilon", moments.epsilon, 1e-5),
    XAI_ATTR(INT, "num_groups", moments.num_groups, 0), /* required */
    XAI_ATTR(INT, "stash_type", moments.stash_type, 1), /* a type to compute in */
    {0},
};

static xai_status group_infer(xai_call *c, xai_err *err) {
  int64_t groups = c->attrs->moments.num_groups;
  XAI_TRY(check(c, 2, err));
  if (groups < 1 || c->in[X].shape.dims[1] % groups != 0)
    return xai_fail(err, XAI_EARG, "num_groups %" PRId64 " does not divide %" PRId64 " channels", groups,
                    c->in[X].shape.dims[1]);
  XAI_TRY(check_lists(c, groups, err));
  xai_op__same(c);
  return XAI_OK;
}

/* In opset 18, scale and bias had one number per group; with one channel in a group it is the same. */
static frame group_frame(const xai_call *c) {
  const xai_shape *x = &c->in[X].shape;
  int64_t groups = c->attrs->moments.num_groups, channels = x->dims[1] / groups;
  bool scales = c->in[SCALE].shape.dims[0] != groups, shifts = c->in[BIAS].shape.dims[0] != groups;
  frame f = {0};
  push(&f, x->dims[0], true, 0, 0);
  push(&f, groups, true, scales ? channels : 1, shifts ? channels : 1);
  push(&f, channels, false, scales, shifts);
  push(&f, xai_shape_span(x, 2, x->rank), false, 0, 0);
  return finish(f);
}
MOMENTS(GROUP_NORMALIZATION, "GroupNormalization", 3, 3, 1, group_attrs, group)

/* ---- LayerNormalization: over everything from an axis on --------------------------------------------- */
static const xai_attr_spec layer_attrs[] = {
    XAI_ATTR(INT, "axis", moments.axis, -1),
    XAI_ATTR(FLOAT, "epsilon", moments.epsilon, 1e-5),
    XAI_ATTR(INT, "stash_type", moments.stash_type, 1),
    {0},
};

/* The statistics can be outputs, with gradients of their own. */
static xai_status layer_infer(xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[X].shape;
  int axis;
  XAI_TRY(check(c, 1, err));
  XAI_TRY(xai_shape_axis(c->attrs->moments.axis, x->rank, &axis, err));
  xai_shape part = xai_shape_of(x->rank - axis, x->dims + axis), both;
  for (int i = SCALE; i < c->n_in; i++) {
    const xai_shape *s = &c->in[i].shape;
    if (!xai_call_has(c, i)) continue;
    if (xai_shape_broadcast(s, &part, &both, NULL) != XAI_OK || !xai_shape_equal(&both, &part))
      return xai_fail(err, XAI_ESHAPE, "%s %s does not broadcast to %s", i == SCALE ? "scale" : "bias", TEXT(s),
                      TEXT(&part));
  }
  xai_op__same(c);
  for (int i = MEAN; i < c->n_out; i++) {
    c->out[i].dtype = XAI_F32;
    c->out[i].shape = *x;
    for (int d = axis; d < x->rank; d++) c->out[i].shape.dims[d] = 1;
  }
  return XAI_OK;
}

static frame layer_frame(const xai_call *c) {
  const xai_shape *x = &c->in[X].shape;
  int64_t axis = c->attrs->moments.axis, none[XAI_MAX_RANK] = {0}, scale[XAI_MAX_RANK], bias[XAI_MAX_RANK];
  const int64_t *with_bias = none;
  frame f = {0};
  if (axis < 0) axis += x->rank;
  xai_op__repeat_strides(&c->in[SCALE].shape, x, scale);
  if (xai_call_has(c, BIAS)) {
    xai_op__repeat_strides(&c->in[BIAS].shape, x, bias);
    with_bias = bias;
  }
  for (int d = 0; d < x->rank; d++) push(&f, x->dims[d], d < axis, scale[d], with_bias[d]);
  return finish(f);
}
MOMENTS(LAYER_NORMALIZATION, "LayerNormalization", 2, 3, 3, layer_attrs, layer)

/* ---- RMSNormalization: the same around 0 ------------------------------------------------------------------ */
static frame rms_frame(const xai_call *c) {
  frame f = layer_frame(c);
  f.centred = false;
  return f;
}
static xai_status rms_infer(xai_call *c, xai_err *err) { return layer_infer(c, err); }
MOMENTS(RMS_NORMALIZATION, "RMSNormalization", 2, 2, 1, layer_attrs, rms)

/* ---- MeanVarianceNormalization: over a list of axes, without scale and bias -------------------------- */
static const xai_attr_spec mvn_attrs[] = {XAI_ATTR(INTS, "axes", moments.axes, 0), {0}};

static xai_status mvn_axes(const xai_call *c, bool over[XAI_MAX_RANK], xai_err *err) {
  static const xai_ints usual = {.n = 3, .v = {0, 2, 3}};
  const xai_ints *axes = &c->attrs->moments.axes;
  return xai_op__axis_set(axes->n == 0 ? &usual : axes, c->in[X].shape.rank, over, err);
}

static xai_status mvn_infer(xai_call *c, xai_err *err) {
  bool over[XAI_MAX_RANK];
  XAI_TRY(check(c, 1, err));
  XAI_TRY(mvn_axes(c, over, err));
  xai_op__same(c);
  return XAI_OK;
}

/* The standard adds 1e-9 to the deviation, so that constant input gives 0; moments.c has that without it. */
static frame mvn_frame(const xai_call *c) {
  const xai_shape *x = &c->in[X].shape;
  bool over[XAI_MAX_RANK];
  frame f = {0};
  mvn_axes(c, over, NULL); /* infer has seen it succeed */
  for (int d = 0; d < x->rank; d++) push(&f, x->dims[d], !over[d], 0, 0);
  return finish(f);
}
MOMENTS(MEAN_VARIANCE_NORMALIZATION, "MeanVarianceNormalization", 1, 1, 1, mvn_attrs, mvn)
