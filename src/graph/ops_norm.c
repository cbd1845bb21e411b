/* graph/ops_norm.c: BatchNormalization with its stored statistics and, for training, with those of the batch; LRN. */
#include <math.h>

#include "graph/op_check.h"

/* ---- BatchNormalization ---------------------------------------------------------------------------- */

enum { X, SCALE, BIAS, MEAN, VAR };

static const xai_attr_spec batch_norm_attrs[] = {
    XAI_ATTR(FLOAT, "epsilon", norm.epsilon, 1e-5),
    XAI_ATTR(FLOAT, "momentum", norm.momentum, 0.9),
    XAI_ATTR(INT, "training_mode", norm.training_mode, 0),
    {0},
};

static xai_status batch_norm_shapes(xai_call *c, xai_err *err) {
  static const char *const name[] = {"input", "scale", "bias", "mean", "variance"};
  if (!(c->attrs->norm.epsilon >= 0)) return xai_fail(err, XAI_EARG, "epsilon %g is negative", c->attrs->norm.epsilon);
  for (int i = X; i <= VAR; i++) XAI_TRY(xai_op__need_float(c, i, err));
  const xai_shape *x = &c->in[X].shape;
  if (x->rank < 2) return xai_fail(err, XAI_ESHAPE, "input %s has no channels", TEXT(x));
  xai_shape channels = XAI_SHAPE(x->dims[1]), elements = xai_shape_of(x->rank - 1, x->dims + 1);
  const xai_shape *want = c->in[SCALE].shape.rank == 1 ? &channels : &elements;
  for (int i = SCALE; i <= VAR; i++)
    if (!xai_shape_equal(&c->in[i].shape, want))
      return xai_fail(err, XAI_ESHAPE, "%s %s does not match %" PRId64 " channels", name[i], TEXT(&c->in[i].shape),
                      x->dims[1]);
  xai_op__same(c);
  return XAI_OK;
}

static xai_status batch_norm_infer(xai_call *c, xai_err *err) {
  if (c->attrs->norm.training_mode != 0) return xai_fail(err, XAI_EUNSUPPORTED, "training_mode is not supported");
  return batch_norm_shapes(c, err);
}

/* Statistics per element, which old files may have, are those of as many channels of one pixel. */
typedef struct planes {
  int64_t n, c, hw;
} planes;

static planes batch_norm_planes(const xai_call *c) {
  int64_t images = c->in[X].shape.dims[0], channels = xai_shape_size(&c->in[SCALE].shape);
  return (planes){images, channels, xai_shape_size(&c->in[X].shape) / (images * channels)};
}

static void batch_norm_forward(const xai_call *c) {
  planes p = batch_norm_planes(c);
  xk_batchnorm_forward(p.n, p.c, p.hw, (float)c->attrs->norm.epsilon, c->in[X].data, c->in[SCALE].data,
                       c->in[BIAS].data, c->in[MEAN].data, c->in[VAR].data, c->out[0].data);
}

/* With r = 1/sqrt(var + eps) and xhat = (x - mean) r, y = scale xhat + bias:
 *   dscale = sum dy xhat,  dbias = sum dy,  dmean = -scale r dbias,  dvar = -scale r^2 dscale / 2 */
static void batch_norm_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  planes p = batch_norm_planes(c);
  double eps = c->attrs->norm.epsilon;
  const float *dy = c->dout[0].data, *scale = c->in[SCALE].data, *var = c->in[VAR].data;
  float *dx = xai_op__din(c, X), *dscale = xai_op__din(c, SCALE), *dbias = xai_op__din(c, BIAS);
  float *dmean = xai_op__din(c, MEAN), *dvar = xai_op__din(c, VAR);

  if (dx != NULL) xk_batchnorm_backward_input(p.n, p.c, p.hw, (float)eps, scale, var, dy, dx);
  if (dscale != NULL)
    xk_batchnorm_backward_scale(p.n, p.c, p.hw, (float)eps, c->in[X].data, c->in[MEAN].data, var, dy, dscale);
  if (dbias != NULL) xk_channel_sum(p.n, p.c, p.hw, dy, dbias);
  if (dmean != NULL) {
    xk_channel_sum(p.n, p.c, p.hw, dy, dmean);
    for (int64_t k = 0; k < p.c; k++) dmean[k] = (float)(-dmean[k] * scale[k] / sqrt((double)var[k] + eps));
  }
  if (dvar != NULL) {
    xk_batchnorm_backward_scale(p.n, p.c, p.hw, (float)eps, c->in[X].data, c->in[MEAN].data, var, dy, dvar);
    for (int64_t k = 0; k < p.c; k++) dvar[k] = (float)(-0.5 * dvar[k] * scale[k] / ((double)var[k] + eps));
  }
}

const xai_op_def xai_op_def_BATCH_NORM = {
    .name = "BatchNormalization", .min_in = 5, .max_in = 5, .max_out = 1,
    .grad = {[X] = XAI_READS(SCALE) | XAI_READS(VAR),
             [SCALE] = XAI_READS(X) | XAI_READS(MEAN) | XAI_READS(VAR),
             [BIAS] = 0,
             [MEAN] = XAI_READS(SCALE) | XAI_READS(VAR),
             [VAR] = XAI_READS(X) | XAI_READS(SCALE) | XAI_READS(MEAN) | XAI_READS(VAR)},
    .attrs = batch_norm_attrs, .infer = batch_norm_infer, .forward = batch_norm_forward,
    .backward = batch_norm_backward,
};

/* ---- BatchNormalization that learns its statistics -------------------------------------------------------------- */
/* y = scale xhat + bias with mean and variance of the batch. The variance is that of the elements, divided by their
 * number. */

static xai_status batch_norm_training_infer(xai_call *c, xai_err *err) {
  XAI_TRY(batch_norm_shapes(c, err));
  if (xai_shape_size(&c->in[X].shape) == 0)
    return xai_fail(err, XAI_ESHAPE, "input %s has no elements to learn from", TEXT(&c->in[X].shape));
  for (int i = 1; i < c->n_out; i++) {
    c->out[i].dtype = XAI_F32;
    c->out[i].shape = c->in[MEAN].shape;
  }
  return XAI_OK;
}

/* mean and variance of the batch */
static size_t batch_norm_training_workspace(const xai_call *c) { return 2 * xai_view_bytes(&c->in[SCALE]); }

void xai_op__move_statistics(const xai_call *c, float momentum, const float *mean, const float *var) {
  for (int i = 1; i < c->n_out; i++) {
    const float *stored = c->in[MEAN + i - 1].data, *now = i == 1 ? mean : var;
    float *next = c->out[i].data;
    for (int64_t k = 0; next != NULL && k < xai_shape_size(&c->out[i].shape); k++)
      next[k] = momentum * stored[k] + (1 - momentum) * now[k];
  }
}

static void batch_norm_training_forward(const xai_call *c) {
  planes p = batch_norm_planes(c);
  float *mean = c->work, *var = mean + p.c;
  xk_batchnorm_learn_forward(p.n, p.c, p.hw, (float)c->attrs->norm.epsilon, c->in[X].data, c->in[SCALE].data,
                             c->in[BIAS].data, mean, var, c->out[0].data);
  xai_op__move_statistics(c, (float)c->attrs->norm.momentum, mean, var);
}

static void batch_norm_training_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  planes p = batch_norm_planes(c);
  xk_batchnorm_learn_backward(p.n, p.c, p.hw, (float)c->attrs->norm.epsilon, c->in[X].data, c->in[SCALE].data,
                              c->dout[0].data, xai_op__din(c, X), xai_op__din(c, SCALE), xai_op__din(c, BIAS));
}

const xai_op_def xai_op_def_BATCH_NORM_TRAINING = {
    .name = "BatchNormalization", .min_in = 5, .max_in = 5, .max_out = 3,
    .grad = {[X] = XAI_READS(X) | XAI_READS(SCALE), [SCALE] = XAI_READS(X), [BIAS] = XAI_READS(X),
             [MEAN] = XAI_NO_GRAD, [VAR] = XAI_NO_GRAD},
    .attrs = batch_norm_attrs, .infer = batch_norm_training_infer, .workspace = batch_norm_training_workspace,
    .forward = batch_norm_training_forward, .backward = batch_norm_training_backward,
};

/* ---- LRN --------------------------------------------------------------------------------------------- */

static const xai_attr_spec lrn_attrs[] = {
    XAI_ATTR(FLOAT, "alpha", lrn.alpha, 0.0001),
    XAI_ATTR(FLOAT, "beta", lrn.beta, 0.75),
    XAI_ATTR(FLOAT, "bias", lrn.bias, 1),
    XAI_ATTR(INT, "size", lrn.size, 0), /* required */
    {0},
};

static int64_t inner_size(const xai_call *c) { return xai_shape_span(&c->in[X].shape, 2, c->in[X].shape.rank); }

static xai_status lrn_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, 0, err));
  if (c->in[0].shape.rank < 2) return xai_fail(err, XAI_ESHAPE, "input %s has no channels", TEXT(&c->in[0].shape));
  if (c->attrs->lrn.size < 1 || c->attrs->lrn.size > INT32_MAX)
    return xai_fail(err, XAI_EARG, "size %" PRId64 " is out of range (expected 1 or more)", c->attrs->lrn.size);
  xai_op__same(c);
  return XAI_OK;
}

static size_t lrn_workspace(const xai_call *c) {
  return xk_lrn_backward_workspace(c->in[0].shape.dims[1], c->attrs->lrn.size);
}

static void lrn_forward(const xai_call *c) {
  const xai_attrs_lrn *a = &c->attrs->lrn;
  const int64_t *n = c->in[0].shape.dims;
  xk_lrn_forward(n[0], n[1], inner_size(c), a->size, (float)a->alpha, (float)a->beta, (float)a->bias, c->in[0].data,
                 c->out[0].data);
}

/* A deconvnet has no inverse of the normalisation: it lets the signal through. */
static void lrn_backward(const xai_call *c) {
  if (c->rule == XK_RELU_DECONV) {
    xai_op__copy_backward(c);
    return;
  }
  if (xai_op__idle(c)) return;
  const xai_attrs_lrn *a = &c->attrs->lrn;
  const int64_t *n = c->in[0].shape.dims;
  xk_lrn_backward(n[0], n[1], inner_size(c), a->size, (float)a->alpha, (float)a->beta, (float)a->bias, c->in[0].data,
                  c->dout[0].data, c->din[0].data, c->work);
}

const xai_op_def xai_op_def_LRN = {
    .name = "LRN", .min_in = 1, .max_in = 1, .max_out = 1, .flags = XAI_OP_MIXES, .grad = {XAI_READS(0)},
    .attrs = lrn_attrs, .infer = lrn_infer, .workspace = lrn_workspace, .forward = lrn_forward,
    .backward = lrn_backward,
};
