/* graph/ops_blocked_training.c: inner rows for what is trained: convolutions of blocked arrays whose weights have
 * gradients, and batch normalization that learns its statistics, or whose parameters are written between passes. Weights
 * are plain, since they change from pass to pass; they are packed where they are used. As in ops_blocked.c, rows with Clip
 * at the end of their name end with a rectifier. */
#include <string.h>

#include "base/alloc.h"
#include "graph/op_blocked.h"

static size_t whole_lines(size_t bytes) { return (bytes + XAI_ALIGN - 1) / XAI_ALIGN * XAI_ALIGN; }
static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* Memory from a workspace, whose beginning moves on. */
static void *take(char **work, size_t bytes) {
  void *p = *work;
  *work += whole_lines(bytes);
  return p;
}

/* ---- convolution ------------------------------------------------------------------------------------------------ */
enum { X, W, B };

static const xai_attr_spec conv_attrs[] = {BLOCKED_CONV_SIZES, BLOCKED_BOUNDS, {0}};

static xai_status conv_infer(xai_call *c, xai_err *err) {
  XAI_TRY(xai_op__need_float(c, X, err));
  XAI_TRY(blocked_conv_shapes(c, err));
  xk_conv2d p = blocked_problem(c);
  xai_shape w = XAI_SHAPE(p.m, p.c / p.groups, p.kh, p.kw), b = XAI_SHAPE(p.m);
  XAI_TRY(blocked_need_shape(c, W, &w, err));
  return xai_call_has(c, B) ? blocked_need_shape(c, B, &b, err) : XAI_OK;
}

static size_t packed_bytes(const xk_conv2d *p, bool back) {
  return xk_bconv_packed(p, back) * sizeof(float);
}

static size_t bias_bytes(const xk_conv2d *p) { return (size_t)(xk_blocks(p->m) * XK_LANES) * sizeof(float); }

/* Forward: packed weights, the bias in whole blocks. Back: the gated gradient, and then one after the other the sums for
 * the bias, those for the weights, and the way to the input with packed weights. */
static size_t conv_workspace(const xai_call *c) {
  xk_conv2d p = blocked_problem(c);
  size_t forth = whole_lines(packed_bytes(&p, false)) + whole_lines(bias_bytes(&p)) + xk_bconv_workspace(&p, false);
  size_t back = whole_lines(packed_bytes(&p, true)) + blocked_conv_input_bytes(c, &p);
  back = larger(back, larger(xk_bconv_weight_workspace(&p), xk_bchannel_sum_workspace(p.n, p.m)));
  return larger(forth, whole_lines(xai_view_bytes(&c->out[0])) + back);
}

static void conv_forward(const xai_call *c) {
  xk_conv2d p = blocked_problem(c);
  char *work = c->work;
  float *packed = take(&work, packed_bytes(&p, false)), *bias = take(&work, bias_bytes(&p));
  xk_finish finish = {.lo = blocked_lo(c), .hi = blocked_hi(c)};
  if (xai_call_has(c, B)) {
    xk_block(1, p.m, 1, c->in[B].data, bias);
    finish.bias = bias;
  }
  xk_bconv_pack(&p, false, c->in[W].data, NULL, packed);
  xk_bconv_forward(&p, c->in[X].data, packed, &finish, c->out[0].data, work);
}

/* All gradients, from that of the sums. */
static void gradients(const xai_call *c, const float *dy, char *work) {
  xk_conv2d p = blocked_problem(c);
  float *dw = xai_op__din(c, W), *db = xai_op__din(c, B);
  if (db != NULL) xk_bchannel_sum(p.n, p.m, p.oh * p.ow, dy, db, work);
  if (dw != NULL) xk_bconv_backward_weight(&p, c->in[X].data, dy, dw, work);
  if (c->din[X].data == NULL) return;
  float *packed = take(&work, packed_bytes(&p, true));
  xk_bconv_pack(&p, true, c->in[W].data, NULL, packed);
  blocked_conv_input(c, &p, packed, dy, work);
}

static void conv_backward(const xai_call *c) {
  if (!xai_op__idle(c)) gradients(c, c->dout[0].data, c->work);
}

static void conv_clip_backward(const xai_call *c) {
  char *work = c->work;
  if (c->gated) {
    conv_backward(c);
    return;
  }
  if (xai_op__idle(c)) return;
  float *dy = take(&work, xai_view_bytes(&c->out[0]));
  blocked_gate(c, dy);
  gradients(c, dy, work);
}

const xai_op_def xai_op_def_BLOCKED_CONV_TRAINING = {
    .name = "BlockedConvTraining", .min_in = 2, .max_in = 3, .max_out = 1, .flags = XAI_OP_INNER | XAI_OP_MIXES,
    .grad = {XAI_READS(W), XAI_READS(X), 0}, .finishes = XAI_READS(X),
    .attrs = conv_attrs, .infer = conv_infer, .workspace = conv_workspace, .forward = conv_forward,
    .backward = conv_backward,
};
const xai_op_def xai_op_def_BLOCKED_CONV_TRAINING_CLIP = {
    .name = "BlockedConvTrainingClip", .min_in = 2, .max_in = 3, .max_out = 1,
    .flags = XAI_OP_INNER | XAI_OP_MIXES | XAI_OP_RECTIFIER | XAI_OP_GATED,
    .grad = {XAI_READS(W) | XAI_READS_OUT, XAI_READS(X) | XAI_READS_OUT, XAI_READS_OUT}, .finishes = XAI_READS(X),
    .attrs = conv_attrs, .infer = conv_infer, .workspace = conv_workspace, .forward = conv_forward,
    .backward = conv_clip_backward,
};

/* ---- batch normalization -------------------------------------------------------------------------------------------- */
enum { SCALE = 1, BIAS, MEAN, VAR };

static const xai_attr_spec norm_attrs[] = {
    BLOCKED_BOUNDS,
    XAI_ATTR(FLOAT, "epsilon", blocked.epsilon, 1e-5),
    XAI_ATTR(FLOAT, "momentum", blocked.momentum, 0.9),
    {0},
};

static xai_status norm_infer(xai_call *c, xai_err *err) {
  XAI_TRY(blocked_need(c, X, err));
  for (int i = SCALE; i <= VAR; i++) XAI_TRY(blocked_need_shape(c, i, &c->in[SCALE].shape, err));
  if (c->in[SCALE].shape.rank != 1 || xk_blocks(c->in[SCALE].shape.dims[0]) != c->in[X].shape.dims[1])
    return xai_fail(err, XAI_ESHAPE, "scale %s does not match %s", TEXT(&c->in[SCALE].shape), TEXT(&c->in[X].shape));
  xai_op__same(c);
  for (int i = 1; i < c->n_out; i++) {
    c->out[i].dtype = XAI_F32;
    c->out[i].shape = c->in[MEAN].shape;
  }
  return XAI_OK;
}

static int64_t norm_channels(const xai_call *c) { return c->in[SCALE].shape.dims[0]; }

/* Forward: mean and variance of the batch. Back: the gated gradient, where nobody wants one to the input. */
static size_t norm_workspace(const xai_call *c) {
  size_t own = larger(2 * whole_lines(xai_view_bytes(&c->in[SCALE])), xai_view_bytes(&c->out[0]));
  return whole_lines(own) + xk_bnorm_workspace(c->in[X].shape.dims[0], norm_channels(c));
}

static void norm_forward(const xai_call *c) {
  const xai_shape *s = &c->in[X].shape;
  char *work = c->work;
  float *mean = take(&work, xai_view_bytes(&c->in[SCALE])), *var = take(&work, xai_view_bytes(&c->in[SCALE]));
  xk_bnorm_learn_forward(s->dims[0], norm_channels(c), blocked_plane(s), (float)c->attrs->blocked.epsilon, c->in[X].data,
                         c->in[SCALE].data, c->in[BIAS].data, blocked_lo(c), blocked_hi(c), mean, var, c->out[0].data,
                         work);
  xai_op__move_statistics(c, (float)c->attrs->blocked.momentum, mean, var);
}

static void norm_gradients(const xai_call *c, const float *dy, void *work) {
  const xai_shape *s = &c->in[X].shape;
  xk_bnorm_learn_backward(s->dims[0], norm_channels(c), blocked_plane(s), (float)c->attrs->blocked.epsilon,
                          c->in[X].data, c->in[SCALE].data, dy, xai_op__din(c, X), xai_op__din(c, SCALE),
                          xai_op__din(c, BIAS), work);
}

static void norm_backward(const xai_call *c) {
  if (!xai_op__idle(c)) norm_gradients(c, c->dout[0].data, c->work);
}

static void norm_clip_backward(const xai_call *c) {
  char *work = c->work;
  if (c->gated) {
    norm_backward(c);
    return;
  }
  if (xai_op__idle(c)) return;
  float *dx = xai_op__din(c, X), *dy = dx != NULL ? dx : take(&work, xai_view_bytes(&c->out[0]));
  blocked_gate(c, dy);
  norm_gradients(c, dy, work);
}

const xai_op_def xai_op_def_BLOCKED_NORM_TRAINING = {
    .name = "BlockedNormTraining", .min_in = 5, .max_in = 5, .max_out = 3, .flags = XAI_OP_INNER,
    .grad = {XAI_READS(X) | XAI_READS(SCALE), XAI_READS(X), XAI_READS(X), XAI_NO_GRAD, XAI_NO_GRAD},
    .attrs = norm_attrs, .infer = norm_infer, .workspace = norm_workspace, .forward = norm_forward,
    .backward = norm_backward,
};
const xai_op_def xai_op_def_BLOCKED_NORM_TRAINING_CLIP = {
    .name = "BlockedNormTrainingClip", .min_in = 5, .max_in = 5, .max_out = 3,
    .flags = XAI_OP_INNER | XAI_OP_RECTIFIER | XAI_OP_GATED,
    .grad = {XAI_READS(X) | XAI_READS(SCALE) | XAI_READS_OUT, XAI_READS(X) | XAI_READS_OUT,
             XAI_READS(X) | XAI_READS_OUT, XAI_NO_GRAD, XAI_NO_GRAD},
    .attrs = norm_attrs, .infer = norm_infer, .workspace = norm_workspace, .forward = norm_forward,
    .backward = norm_clip_backward,
};

/* ---- the same with stored statistics ---------------------------------------------------------------------------------- */
/* Numbers per channel in whole blocks. */
static size_t list_bytes(const xai_call *c) { return (size_t)(c->in[X].shape.dims[1] * XK_LANES) * sizeof(float); }
static size_t stored_workspace(const xai_call *c) { return 2 * whole_lines(list_bytes(c)); }

/* y = x scale + shift. Rounded as for packed weights: the shift is made of the rounded scale. */
static void find_scale(const xai_call *c, bool back, float **scale, float **shift) {
  const float *gain = c->in[SCALE].data, *offset = c->in[BIAS].data, *mean = c->in[MEAN].data, *var = c->in[VAR].data;
  char *work = c->work;
  *scale = memset(take(&work, list_bytes(c)), 0, list_bytes(c));
  *shift = memset(take(&work, list_bytes(c)), 0, list_bytes(c));
  for (int64_t k = 0; k < norm_channels(c); k++) {
    (*scale)[k] = (float)(gain[k] / sqrt((double)var[k] + c->attrs->blocked.epsilon));
    if (!back) (*shift)[k] = (float)(offset[k] - (double)mean[k] * (*scale)[k]);
  }
}

static void stored_forward(const xai_call *c) {
  const xai_shape *s = &c->in[X].shape;
  float *scale, *shift;
  find_scale(c, false, &scale, &shift);
  xk_bscale(s->dims[0], s->dims[1], blocked_plane(s), c->in[X].data, scale, shift, blocked_lo(c), blocked_hi(c),
            c->out[0].data);
}

static void stored_gradient(const xai_call *c, const float *dy) {
  const xai_shape *s = &c->in[X].shape;
  float *scale, *zeros;
  find_scale(c, true, &scale, &zeros);
  xk_bscale(s->dims[0], s->dims[1], blocked_plane(s), dy, scale, zeros, -INFINITY, INFINITY, c->din[X].data);
}

static void stored_backward(const xai_call *c) {
  if (!xai_op__idle(c)) stored_gradient(c, c->dout[0].data);
}

static void stored_clip_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  if (!c->gated) blocked_gate(c, c->din[X].data);
  stored_gradient(c, c->gated ? c->dout[0].data : c->din[X].data);
}

const xai_op_def xai_op_def_BLOCKED_NORM = {
    .name = "BlockedNorm", .min_in = 5, .max_in = 5, .max_out = 1, .flags = XAI_OP_INNER,
    .grad = {XAI_READS(SCALE) | XAI_READS(VAR), XAI_NO_GRAD, XAI_NO_GRAD, XAI_NO_GRAD, XAI_NO_GRAD},
    .attrs = norm_attrs, .infer = norm_infer, .workspace = stored_workspace, .forward = stored_forward,
    .backward = stored_backward,
};
const xai_op_def xai_op_def_BLOCKED_NORM_CLIP = {
    .name = "BlockedNormClip", .min_in = 5, .max_in = 5, .max_out = 1,
    .flags = XAI_OP_INNER | XAI_OP_RECTIFIER | XAI_OP_GATED,
    .grad = {XAI_READS(SCALE) | XAI_READS(VAR) | XAI_READS_OUT, XAI_NO_GRAD, XAI_NO_GRAD, XAI_NO_GRAD, XAI_NO_GRAD},
    .attrs = norm_attrs, .infer = norm_infer, .workspace = stored_workspace, .forward = stored_forward,
    .backward = stored_clip_backward,
};
