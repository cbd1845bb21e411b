/* formats/caffe_layers.c: one Caffe layer to nodes of the network. What each is made of:
 *
 *   Convolution, ReLU, Sigmoid, TanH, LRN, Softmax, Dropout, Concat    the operator of that name
 *   Pooling       MaxPool or AveragePool with ceil_mode and padding counted, or the global one. A last window that
 *                 begins beyond the input, for which a stride must be above the kernel's size, is left out
 *   InnerProduct  Flatten and Gemm
 *   BatchNorm     BatchNormalization with scale 1 and bias 0; its blobs are sums, the third the weight to divide by
 *   Scale         BatchNormalization with mean 0, variance 1 and epsilon 0: scale * x + bias for each channel
 *   Eltwise       Add, Sub or Mul, one after another, with Mul by a coefficient other than 1
 *   Split         nothing: its tops are its bottom */
#include "formats/caffe_layers.h"

#include "base/status.h"

/* ---- weights ------------------------------------------------------------------------------------- */
/* Blob number 'index' of this layer in the weights. */
static xai_status take_blob(const xai_caffe_job *j, int index, const char *what, xai_tensor **out, xai_err *err) {
  const xai_caffe_loader *ld = j->ld;
  int number = xai_span_map_find(&ld->weight_layers, j->l->name);
  if (number < 0) return xai_fail(err, XAI_ENOTFOUND, "%s has no weights for it", xai_file_path(ld->weights));
  const xai_caffe_layer *l = &ld->weight_list[number];
  if (index >= l->n_blobs || index >= XAI_CAFFE_BLOBS)
    return xai_fail(err, XAI_EFORMAT, "%s: it has %d blobs there, no %s", xai_file_path(ld->weights), l->n_blobs, what);
  xai_status st = xai_caffe__blob(ld->weights, ld->seen, l->blobs[index], out, err);
  return xai_err_prefix(err, st, "%s: %s: ", xai_file_path(ld->weights), what);
}

/* Takes over the reference on t. */
static xai_status add_constant(const xai_caffe_job *j, const char *what, xai_tensor *t, const char **name,
                               xai_err *err) {
  xai_status st = xai_caffe__fresh_name(j->ld, j->name, what, name, err);
  if (st == XAI_OK) st = xai_builder_constant(j->ld->builder, *name, t, err);
  xai_tensor_free(t);
  return st;
}

/* A blob under another shape of as many elements. */
static xai_status add_shaped(const xai_caffe_job *j, const char *what, xai_tensor *t, xai_shape shape,
                             const char **name, xai_err *err) {
  xai_tensor *view = NULL;
  xai_status st = xai_tensor_reshape(t, shape, &view, err);
  xai_tensor_free(t);
  return st == XAI_OK ? add_constant(j, what, view, name, err) : st;
}

/* A blob that is a list of numbers, whatever its shape says. */
static xai_status add_list(const xai_caffe_job *j, int index, const char *what, const char **name, xai_err *err) {
  xai_tensor *t;
  XAI_TRY(take_blob(j, index, what, &t, err));
  return add_shaped(j, what, t, XAI_SHAPE((int64_t)xai_tensor_count(t)), name, err);
}

/* n times the same number. */
static xai_status add_filled(const xai_caffe_job *j, const char *what, int64_t n, float value, const char **name,
                             xai_err *err) {
  xai_tensor *t;
  XAI_TRY(xai_tensor_new(XAI_F32, XAI_SHAPE(n), &t, err));
  for (int64_t i = 0; i < n; i++) xai_tensor_floats(t)[i] = value;
  return add_constant(j, what, t, name, err);
}

/* ---- nodes --------------------------------------------------------------------------------------- */
/* The node that makes the layer's top. */
static xai_status add_last(xai_caffe_job *j, xai_op op, const xai_attrs *attrs, int n_in, const char *const *in,
                           xai_err *err) {
  return xai_builder_node(j->ld->builder, j->name, op, attrs, n_in, in, 1, &j->out, err);
}

/* One before it. *out may be one of the inputs' places. */
static xai_status add_helper(xai_caffe_job *j, const char *what, xai_op op, const xai_attrs *attrs, int n_in,
                             const char *const *in, const char **out, xai_err *err) {
  const char *name;
  XAI_TRY(xai_caffe__fresh_name(j->ld, j->name, what, &name, err));
  XAI_TRY(xai_builder_node(j->ld->builder, name, op, attrs, n_in, in, 1, &name, err));
  *out = name;
  return XAI_OK;
}

static xai_status need_inputs(const xai_caffe_job *j, int least, int most, xai_err *err) {
  if (j->n_in >= least && j->n_in <= most) return XAI_OK;
  return xai_fail(err, XAI_EUNSUPPORTED, "%d bottoms (expected %d%s)", j->n_in, least, most > least ? " or more" : "");
}

static xai_status fail_unsupported(const char *what, xai_err *err) {
  return xai_fail(err, XAI_EUNSUPPORTED, "%s is not supported", what);
}

static void put_pair(xai_ints *list, const int64_t v[2]) {
  list->n = 2;
  list->v[0] = v[0];
  list->v[1] = v[1];
}

/* As many before as after. */
static void put_pads(xai_ints *list, const int64_t v[2]) {
  list->n = 4;
  for (int d = 0; d < 4; d++) list->v[d] = v[d % 2];
}

static xai_status add_convolution(xai_caffe_job *j, xai_err *err) {
  static const xai_caffe_pair pads = {"pad", 3, 9, 10, 0, 0}, kernels = {"kernel_size", 4, 11, 12, 0, 1},
                              strides = {"stride", 6, 13, 14, 1, 1}, dilations = {"dilation", 18, 0, 0, 1, 1};
  xai_proto_span p = j->l->param[XAI_CAFFE_P_CONVOLUTION];
  int64_t pad[2], kernel[2], stride[2], dilation[2], outputs = xai_caffe__int(p, 1, 0);
  xai_attrs attrs;
  xai_tensor *w;
  const char *in[3] = {j->in[0], NULL, NULL};
  XAI_TRY(need_inputs(j, 1, 1, err));
  if (xai_caffe__int(p, 16, 1) != 1) return fail_unsupported("an axis other than 1", err);
  XAI_TRY(xai_caffe__pair(p, &kernels, kernel, err));
  XAI_TRY(xai_caffe__pair(p, &pads, pad, err));
  XAI_TRY(xai_caffe__pair(p, &strides, stride, err));
  XAI_TRY(xai_caffe__pair(p, &dilations, dilation, err));
  xai_attrs_default(XAI_OP_CONV, &attrs);
  attrs.conv.group = xai_caffe__int(p, 5, 1);
  put_pair(&attrs.conv.kernel_shape, kernel);
  put_pair(&attrs.conv.strides, stride);
  put_pair(&attrs.conv.dilations, dilation);
  put_pads(&attrs.conv.pads, pad);
  XAI_TRY(take_blob(j, 0, "weight", &w, err));
  xai_shape s = xai_tensor_view(w)->shape;
  if (s.rank != 4 || s.dims[0] != outputs) {
    char text[XAI_SHAPE_TEXT];
    xai_tensor_free(w);
    return xai_fail(err, XAI_ESHAPE, "weights %s do not match num_output %lld", xai_shape_text(&s, text),
                    (long long)outputs);
  }
  XAI_TRY(add_constant(j, "weight", w, &in[1], err));
  if (xai_caffe__int(p, 2, 1) != 0) XAI_TRY(add_list(j, 1, "bias", &in[2], err));
  return add_last(j, XAI_OP_CONV, &attrs, 3, in, err);
}

/* Formerly the matrix lay in a blob of four dims. */
static xai_status add_matrix(xai_caffe_job *j, bool transposed, int64_t outputs, const char **name, xai_err *err) {
  xai_tensor *w;
  XAI_TRY(take_blob(j, 0, "weight", &w, err));
  xai_shape s = xai_tensor_view(w)->shape;
  if (s.rank == 4 && s.dims[0] == 1 && s.dims[1] == 1) s = XAI_SHAPE(s.dims[2], s.dims[3]);
  if (s.rank != 2 || s.dims[transposed ? 1 : 0] != outputs) {
    char text[XAI_SHAPE_TEXT];
    xai_tensor_free(w);
    return xai_fail(err, XAI_ESHAPE, "weights %s do not match num_output %lld", xai_shape_text(&s, text),
                    (long long)outputs);
  }
  return add_shaped(j, "weight", w, s, name, err);
}

static xai_status add_inner_product(xai_caffe_job *j, xai_err *err) {
  xai_proto_span p = j->l->param[XAI_CAFFE_P_INNER_PRODUCT];
  bool transposed = xai_caffe__int(p, 6, 0) != 0;
  xai_attrs attrs;
  const char *in[3] = {j->in[0], NULL, NULL};
  XAI_TRY(need_inputs(j, 1, 1, err));
  if (xai_caffe__int(p, 5, 1) != 1) return fail_unsupported("an axis other than 1", err);
  if (!j->matrix) XAI_TRY(add_helper(j, "flatten", XAI_OP_FLATTEN, NULL, 1, j->in, &in[0], err));
  XAI_TRY(add_matrix(j, transposed, xai_caffe__int(p, 1, 0), &in[1], err));
  if (xai_caffe__int(p, 2, 1) != 0) XAI_TRY(add_list(j, 1, "bias", &in[2], err));
  xai_attrs_default(XAI_OP_GEMM, &attrs);
  attrs.gemm.trans_b = !transposed;
  j->makes_matrix = true;
  return add_last(j, XAI_OP_GEMM, &attrs, 3, in, err);
}

static xai_status add_pooling(xai_caffe_job *j, xai_err *err) {
  static const xai_caffe_pair pads = {"pad", 4, 9, 10, 0, 0}, kernels = {"kernel_size", 2, 5, 6, 0, 1},
                              strides = {"stride", 3, 7, 8, 1, 1};
  xai_proto_span p = j->l->param[XAI_CAFFE_P_POOLING];
  int64_t pad[2], kernel[2], stride[2], how = xai_caffe__int(p, 1, 0);
  xai_attrs attrs;
  XAI_TRY(need_inputs(j, 1, 1, err));
  if (how != 0 && how != 1) return fail_unsupported("stochastic pooling", err);
  if (xai_caffe__int(p, 12, 0) != 0)
    return add_last(j, how == 0 ? XAI_OP_GLOBAL_MAX_POOL : XAI_OP_GLOBAL_AVERAGE_POOL, NULL, 1, j->in, err);
  XAI_TRY(xai_caffe__pair(p, &kernels, kernel, err));
  XAI_TRY(xai_caffe__pair(p, &pads, pad, err));
  XAI_TRY(xai_caffe__pair(p, &strides, stride, err));
  xai_op op = how == 0 ? XAI_OP_MAX_POOL : XAI_OP_AVERAGE_POOL;
  xai_attrs_default(op, &attrs);
  attrs.pool.ceil_mode = xai_caffe__int(p, 13, 0) == 0;
  attrs.pool.count_include_pad = how == 1;
  put_pair(&attrs.pool.kernel_shape, kernel);
  put_pair(&attrs.pool.strides, stride);
  put_pads(&attrs.pool.pads, pad);
  return add_last(j, op, &attrs, 1, j->in, err);
}

static xai_status add_relu(xai_caffe_job *j, xai_err *err) {
  float slope = xai_caffe__float(j->l->param[XAI_CAFFE_P_RELU], 1, 0);
  xai_attrs attrs = {.number = {slope}};
  XAI_TRY(need_inputs(j, 1, 1, err));
  if (slope == 0) return add_last(j, XAI_OP_RELU, NULL, 1, j->in, err);
  return add_last(j, XAI_OP_LEAKY_RELU, &attrs, 1, j->in, err);
}

static xai_status add_lrn(xai_caffe_job *j, xai_err *err) {
  xai_proto_span p = j->l->param[XAI_CAFFE_P_LRN];
  xai_attrs attrs = {.lrn = {.alpha = xai_caffe__float(p, 2, 1),
                             .beta = xai_caffe__float(p, 3, 0.75f),
                             .bias = xai_caffe__float(p, 5, 1),
                             .size = xai_caffe__int(p, 1, 5)}};
  XAI_TRY(need_inputs(j, 1, 1, err));
  if (xai_caffe__int(p, 4, 0) != 0) return fail_unsupported("normalisation within channels", err);
  return add_last(j, XAI_OP_LRN, &attrs, 1, j->in, err);
}

/* An operator of one input without attributes. */
static xai_status add_plain(xai_caffe_job *j, xai_op op, xai_err *err) {
  XAI_TRY(need_inputs(j, 1, 1, err));
  return add_last(j, op, NULL, 1, j->in, err);
}

/* The ratio only matters when the network is trained. */
static xai_status add_dropout(xai_caffe_job *j, xai_err *err) {
  xai_tensor *ratio = NULL;
  const char *in[2] = {j->in[0], NULL};
  float v = xai_caffe__float(j->l->param[XAI_CAFFE_P_DROPOUT], 1, 0.5f);
  XAI_TRY(need_inputs(j, 1, 1, err));
  XAI_TRY(xai_tensor_copy(&(xai_view){XAI_F32, {.rank = 0}, &v}, &ratio, err));
  XAI_TRY(add_constant(j, "ratio", ratio, &in[1], err));
  return add_last(j, XAI_OP_DROPOUT, NULL, 2, in, err);
}

static xai_status add_softmax(xai_caffe_job *j, xai_err *err) {
  xai_attrs attrs = {.axis = {xai_caffe__int(j->l->param[XAI_CAFFE_P_SOFTMAX], 2, 1)}};
  XAI_TRY(need_inputs(j, 1, 1, err));
  return add_last(j, XAI_OP_SOFTMAX, &attrs, 1, j->in, err);
}

static xai_status add_concat(xai_caffe_job *j, xai_err *err) {
  xai_proto_span p = j->l->param[XAI_CAFFE_P_CONCAT];
  xai_attrs attrs = {.axis = {xai_caffe__has(p, 1) ? xai_caffe__int(p, 1, 1) : xai_caffe__int(p, 2, 1)}};
  XAI_TRY(need_inputs(j, 1, XAI_CAFFE_BOTTOMS, err));
  return add_last(j, XAI_OP_CONCAT, &attrs, j->n_in, j->in, err);
}

static xai_status add_flatten(xai_caffe_job *j, xai_err *err) {
  xai_proto_span p = j->l->param[XAI_CAFFE_P_FLATTEN];
  if (xai_caffe__int(p, 1, 1) != 1 || xai_caffe__int(p, 2, -1) != -1)
    return fail_unsupported("an axis other than 1, or an end_axis other than -1,", err);
  j->makes_matrix = true;
  return add_plain(j, XAI_OP_FLATTEN, err);
}

/* mean and variance of all images = sums of the moving averages / their total weight; weight 0: both are 0 */
static xai_status add_statistic(xai_caffe_job *j, int index, const char *what, float factor, const char **name,
                                int64_t *n, xai_err *err) {
  xai_tensor *sum, *t;
  XAI_TRY(take_blob(j, index, what, &sum, err));
  *n = (int64_t)xai_tensor_count(sum);
  xai_status st = xai_tensor_new(XAI_F32, XAI_SHAPE(*n), &t, err);
  if (st == XAI_OK) {
    for (int64_t i = 0; i < *n; i++) xai_tensor_floats(t)[i] = xai_tensor_floats(sum)[i] * factor;
    st = add_constant(j, what, t, name, err);
  }
  xai_tensor_free(sum);
  return st;
}

static xai_status add_batch_norm(xai_caffe_job *j, xai_err *err) {
  xai_proto_span p = j->l->param[XAI_CAFFE_P_BATCH_NORM];
  xai_attrs attrs;
  xai_tensor *weight;
  int64_t n;
  const char *in[5] = {j->in[0]};
  XAI_TRY(need_inputs(j, 1, 1, err));
  if (xai_caffe__int(p, 1, 1) == 0) return fail_unsupported("use_global_stats: false", err);
  XAI_TRY(take_blob(j, 2, "weight of the averages", &weight, err));
  float total = xai_tensor_count(weight) > 0 ? xai_tensor_floats(weight)[0] : 0;
  xai_tensor_free(weight);
  float factor = total == 0 ? 0 : 1 / total;
  XAI_TRY(add_statistic(j, 0, "mean", factor, &in[3], &n, err));
  XAI_TRY(add_statistic(j, 1, "variance", factor, &in[4], &n, err));
  XAI_TRY(add_filled(j, "scale", n, 1, &in[1], err));
  XAI_TRY(add_filled(j, "bias", n, 0, &in[2], err));
  xai_attrs_default(XAI_OP_BATCH_NORM, &attrs);
  attrs.norm.epsilon = xai_caffe__float(p, 3, 1e-5f);
  return add_last(j, XAI_OP_BATCH_NORM, &attrs, 5, in, err);
}

static xai_status add_scale(xai_caffe_job *j, xai_err *err) {
  xai_proto_span p = j->l->param[XAI_CAFFE_P_SCALE];
  xai_attrs attrs;
  xai_tensor *scale;
  const char *in[5] = {j->in[0]};
  XAI_TRY(need_inputs(j, 1, 1, err));
  if (xai_caffe__int(p, 1, 1) != 1 || xai_caffe__int(p, 2, 1) != 1)
    return fail_unsupported("an axis other than 1, or more than one,", err);
  XAI_TRY(take_blob(j, 0, "scale", &scale, err));
  int64_t n = (int64_t)xai_tensor_count(scale);
  XAI_TRY(add_shaped(j, "scale", scale, XAI_SHAPE(n), &in[1], err));
  if (xai_caffe__int(p, 4, 0) != 0)
    XAI_TRY(add_list(j, 1, "bias", &in[2], err));
  else
    XAI_TRY(add_filled(j, "bias", n, 0, &in[2], err));
  XAI_TRY(add_filled(j, "mean", n, 0, &in[3], err));
  XAI_TRY(add_filled(j, "variance", n, 1, &in[4], err));
  xai_attrs_default(XAI_OP_BATCH_NORM, &attrs);
  attrs.norm.epsilon = 0;
  return add_last(j, XAI_OP_BATCH_NORM, &attrs, 5, in, err);
}

/* ---- Eltwise ------------------------------------------------------------------------------------- */
enum { PROD, SUM, LARGEST };

/* The coefficient of term i; they are all 1 when there are none. */
static float coefficient(xai_proto_span p, int i) {
  xai_proto_numbers list = xai_proto__numbers(p, 2, 4);
  uint64_t bits = 0;
  for (int k = 0; k <= i; k++)
    if (!xai_proto__number(&list, &bits)) return 1;
  return xai_proto__float(bits);
}

static int count_coefficients(xai_proto_span p) {
  xai_proto_numbers list = xai_proto__numbers(p, 2, 4);
  int n = 0;
  for (uint64_t bits; n <= XAI_CAFFE_BOTTOMS && xai_proto__number(&list, &bits);) n++;
  return n;
}

/* in[i] times its coefficient */
static xai_status add_term(xai_caffe_job *j, int i, float c, const char **out, xai_err *err) {
  const char *in[2] = {j->in[i], NULL};
  *out = j->in[i];
  if (c == 1) return XAI_OK;
  XAI_TRY(add_filled(j, "coeff", 1, c, &in[1], err));
  return add_helper(j, "term", XAI_OP_MUL, NULL, 2, in, out, err);
}

static xai_status add_eltwise(xai_caffe_job *j, xai_err *err) {
  xai_proto_span p = j->l->param[XAI_CAFFE_P_ELTWISE];
  int64_t operation = xai_caffe__int(p, 1, SUM);
  const char *in[2];
  xai_op op;
  XAI_TRY(need_inputs(j, 2, XAI_CAFFE_BOTTOMS, err));
  if (operation == LARGEST && xai_op_find("Max", &op)) return add_last(j, op, NULL, j->n_in, j->in, err);
  if (operation != PROD && operation != SUM) return fail_unsupported("this operation", err);
  int coefficients = operation == SUM ? count_coefficients(p) : 0;
  if (coefficients != 0 && coefficients != j->n_in)
    return xai_fail(err, XAI_EFORMAT, "%d coefficients for %d bottoms", coefficients, j->n_in);
  XAI_TRY(add_term(j, 0, coefficients > 0 ? coefficient(p, 0) : 1, &in[0], err));
  for (int i = 1; i < j->n_in; i++) {
    float c = coefficients > 0 ? coefficient(p, i) : 1;
    op = operation == PROD ? XAI_OP_MUL : c == -1 ? XAI_OP_SUB : XAI_OP_ADD;
    XAI_TRY(add_term(j, i, c == -1 ? 1 : c, &in[1], err));
    if (i == j->n_in - 1) return add_last(j, op, NULL, 2, in, err);
    XAI_TRY(add_helper(j, "part", op, NULL, 2, in, &in[0], err));
  }
  return XAI_OK;
}

/* ---- any layer ----------------------------------------------------------------------------------- */
xai_status xai_caffe__fail_kind(const xai_caffe_layer *l, xai_err *err) {
  char list[300] = "";
  xai_caffe__kinds(list, sizeof list);
  return xai_fail(err, XAI_EUNSUPPORTED, "type '%.*s' is not supported; supported: %s", XAI_SPAN(l->type), list);
}

xai_status xai_caffe__translate(xai_caffe_job *j, xai_err *err) {
  j->makes_matrix = j->matrix; /* of all but those that say otherwise */
  switch (j->l->kind) {
    case XAI_CAFFE_BATCH_NORM: return add_batch_norm(j, err);
    case XAI_CAFFE_CONCAT: return add_concat(j, err);
    case XAI_CAFFE_CONVOLUTION: return add_convolution(j, err);
    case XAI_CAFFE_DROPOUT: return add_dropout(j, err);
    case XAI_CAFFE_ELTWISE: return add_eltwise(j, err);
    case XAI_CAFFE_FLATTEN: return add_flatten(j, err);
    case XAI_CAFFE_INNER_PRODUCT: return add_inner_product(j, err);
    case XAI_CAFFE_LRN: return add_lrn(j, err);
    case XAI_CAFFE_POOLING: return add_pooling(j, err);
    case XAI_CAFFE_RELU: return add_relu(j, err);
    case XAI_CAFFE_SCALE: return add_scale(j, err);
    case XAI_CAFFE_SIGMOID: return add_plain(j, XAI_OP_SIGMOID, err);
    case XAI_CAFFE_SOFTMAX: return add_softmax(j, err);
    case XAI_CAFFE_TANH: return add_plain(j, XAI_OP_TANH, err);
    default: return xai_caffe__fail_kind(j->l, err);
  }
}
