/* formats/caffe_model.c: see caffe_model.h. Only fields that are read have a rule; all others are skipped. */
#include "formats/caffe_model.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/str.h"
#include "formats/formats.h"

/* ---- the messages -------------------------------------------------------------------------------- */
enum {
  NET,
  LAYER,
  FORMER_LAYER,
  OLDEST_LAYER,
  BLOB,
  SHAPE,
  STATE_RULE,
  BATCH_NORM,
  CONCAT,
  CONVOLUTION,
  DROPOUT,
  ELTWISE,
  FLATTEN,
  INNER_PRODUCT,
  INPUT,
  LRN,
  MEMORY_DATA,
  POOLING,
  RELU,
  SCALE,
  SOFTMAX,
  TRANSFORM
};

#define ROW(number, kind, name)                                                                                        \
  { number, XAI_PROTO_##kind, name, 0 }
#define ONE(number, name, message)                                                                                     \
  { number, XAI_PROTO_ONE, name, message }
#define MANY(number, name, message)                                                                                    \
  { number, XAI_PROTO_MANY, name, message }

static const xai_proto_rule net_rules[] = {ROW(1, BYTES, "name"),
                                           MANY(2, "layers", FORMER_LAYER),
                                           ROW(3, BYTES, "input"),
                                           ROW(4, INTS, "input_dim"),
                                           MANY(8, "input_shape", SHAPE),
                                           MANY(100, "layer", LAYER),
                                           {0}};
static const xai_proto_rule layer_rules[] = {ROW(1, BYTES, "name"),
                                             ROW(2, BYTES, "type"),
                                             ROW(3, BYTES, "bottom"),
                                             ROW(4, BYTES, "top"),
                                             MANY(7, "blobs", BLOB),
                                             MANY(8, "include", STATE_RULE),
                                             MANY(9, "exclude", STATE_RULE),
                                             ONE(100, "transform_param", TRANSFORM),
                                             ONE(104, "concat_param", CONCAT),
                                             ONE(106, "convolution_param", CONVOLUTION),
                                             ONE(108, "dropout_param", DROPOUT),
                                             ONE(110, "eltwise_param", ELTWISE),
                                             ONE(117, "inner_product_param", INNER_PRODUCT),
                                             ONE(118, "lrn_param", LRN),
                                             ONE(119, "memory_data_param", MEMORY_DATA),
                                             ONE(121, "pooling_param", POOLING),
                                             ONE(123, "relu_param", RELU),
                                             ONE(125, "softmax_param", SOFTMAX),
                                             ONE(135, "flatten_param", FLATTEN),
                                             ONE(139, "batch_norm_param", BATCH_NORM),
                                             ONE(142, "scale_param", SCALE),
                                             ONE(143, "input_param", INPUT),
                                             {0}};
static const xai_proto_rule former_rules[] = {ONE(1, "layer", OLDEST_LAYER),
                                              ROW(2, BYTES, "bottom"),
                                              ROW(3, BYTES, "top"),
                                              ROW(4, BYTES, "name"),
                                              ROW(5, INT, "type"),
                                              MANY(6, "blobs", BLOB),
                                              ONE(9, "concat_param", CONCAT),
                                              ONE(10, "convolution_param", CONVOLUTION),
                                              ONE(12, "dropout_param", DROPOUT),
                                              ONE(17, "inner_product_param", INNER_PRODUCT),
                                              ONE(18, "lrn_param", LRN),
                                              ONE(19, "pooling_param", POOLING),
                                              ONE(22, "memory_data_param", MEMORY_DATA),
                                              ONE(24, "eltwise_param", ELTWISE),
                                              ONE(30, "relu_param", RELU),
                                              MANY(32, "include", STATE_RULE),
                                              MANY(33, "exclude", STATE_RULE),
                                              ONE(36, "transform_param", TRANSFORM),
                                              ONE(39, "softmax_param", SOFTMAX),
                                              {0}};
static const xai_proto_rule oldest_rules[] = {{0}};
static const xai_proto_rule blob_rules[] = {
    ROW(1, INT, "num"),     ROW(2, INT, "channels"), ROW(3, INT, "height"),          ROW(4, INT, "width"),
    ROW(5, FLOATS, "data"), ONE(7, "shape", SHAPE),  ROW(8, DOUBLES, "double_data"), {0}};
static const xai_proto_rule shape_rules[] = {ROW(1, INTS, "dim"), {0}};
static const xai_proto_rule state_rules[] = {ROW(1, INT, "phase"),       ROW(2, INT, "min_level"),
                                             ROW(3, INT, "max_level"),   ROW(4, BYTES, "stage"),
                                             ROW(5, BYTES, "not_stage"), {0}};
static const xai_proto_rule batch_norm_rules[] = {ROW(1, INT, "use_global_stats"), ROW(3, FLOAT, "eps"), {0}};
static const xai_proto_rule concat_rules[] = {ROW(1, INT, "concat_dim"), ROW(2, INT, "axis"), {0}};
static const xai_proto_rule convolution_rules[] = {
    ROW(1, INT, "num_output"),   ROW(2, INT, "bias_term"),  ROW(3, INTS, "pad"),
    ROW(4, INTS, "kernel_size"), ROW(5, INT, "group"),      ROW(6, INTS, "stride"),
    ROW(9, INT, "pad_h"),        ROW(10, INT, "pad_w"),     ROW(11, INT, "kernel_h"),
    ROW(12, INT, "kernel_w"),    ROW(13, INT, "stride_h"),  ROW(14, INT, "stride_w"),
    ROW(16, INT, "axis"),        ROW(18, INTS, "dilation"), {0}};
static const xai_proto_rule dropout_rules[] = {ROW(1, FLOAT, "dropout_ratio"), {0}};
static const xai_proto_rule eltwise_rules[] = {ROW(1, INT, "operation"), ROW(2, FLOATS, "coeff"), {0}};
static const xai_proto_rule flatten_rules[] = {ROW(1, INT, "axis"), ROW(2, INT, "end_axis"), {0}};
static const xai_proto_rule inner_product_rules[] = {
    ROW(1, INT, "num_output"), ROW(2, INT, "bias_term"), ROW(5, INT, "axis"), ROW(6, INT, "transpose"), {0}};
static const xai_proto_rule input_rules[] = {MANY(1, "shape", SHAPE), {0}};
static const xai_proto_rule lrn_rules[] = {ROW(1, INT, "local_size"),  ROW(2, FLOAT, "alpha"), ROW(3, FLOAT, "beta"),
                                           ROW(4, INT, "norm_region"), ROW(5, FLOAT, "k"),     {0}};
static const xai_proto_rule memory_data_rules[] = {
    ROW(1, INT, "batch_size"), ROW(2, INT, "channels"), ROW(3, INT, "height"), ROW(4, INT, "width"), {0}};
static const xai_proto_rule pooling_rules[] = {ROW(1, INT, "pool"),
                                               ROW(2, INT, "kernel_size"),
                                               ROW(3, INT, "stride"),
                                               ROW(4, INT, "pad"),
                                               ROW(5, INT, "kernel_h"),
                                               ROW(6, INT, "kernel_w"),
                                               ROW(7, INT, "stride_h"),
                                               ROW(8, INT, "stride_w"),
                                               ROW(9, INT, "pad_h"),
                                               ROW(10, INT, "pad_w"),
                                               ROW(12, INT, "global_pooling"),
                                               ROW(13, INT, "round_mode"),
                                               {0}};
static const xai_proto_rule relu_rules[] = {ROW(1, FLOAT, "negative_slope"), {0}};
static const xai_proto_rule scale_rules[] = {
    ROW(1, INT, "axis"), ROW(2, INT, "num_axes"), ROW(4, INT, "bias_term"), {0}};
static const xai_proto_rule softmax_rules[] = {ROW(2, INT, "axis"), {0}};
static const xai_proto_rule transform_rules[] = {ROW(3, INT, "crop_size"), {0}};

static const xai_proto_message messages[] = {
    [NET] = {"network", net_rules},
    [LAYER] = {"layer", layer_rules},
    [FORMER_LAYER] = {"layer", former_rules},
    [OLDEST_LAYER] = {"layer", oldest_rules},
    [BLOB] = {"blob", blob_rules},
    [SHAPE] = {"shape", shape_rules},
    [STATE_RULE] = {"rule", state_rules},
    [BATCH_NORM] = {"batch_norm_param", batch_norm_rules},
    [CONCAT] = {"concat_param", concat_rules},
    [CONVOLUTION] = {"convolution_param", convolution_rules},
    [DROPOUT] = {"dropout_param", dropout_rules},
    [ELTWISE] = {"eltwise_param", eltwise_rules},
    [FLATTEN] = {"flatten_param", flatten_rules},
    [INNER_PRODUCT] = {"inner_product_param", inner_product_rules},
    [INPUT] = {"input_param", input_rules},
    [LRN] = {"lrn_param", lrn_rules},
    [MEMORY_DATA] = {"memory_data_param", memory_data_rules},
    [POOLING] = {"pooling_param", pooling_rules},
    [RELU] = {"relu_param", relu_rules},
    [SCALE] = {"scale_param", scale_rules},
    [SOFTMAX] = {"softmax_param", softmax_rules},
    [TRANSFORM] = {"transform_param", transform_rules},
};

/* ---- enumerations, for texts --------------------------------------------------------------------- */
static const char *const former_types[] = {"NONE",
                                           "ACCURACY",
                                           "BNLL",
                                           "CONCAT",
                                           "CONVOLUTION",
                                           "DATA",
                                           "DROPOUT",
                                           "EUCLIDEAN_LOSS",
                                           "FLATTEN",
                                           "HDF5_DATA",
                                           "HDF5_OUTPUT",
                                           "IM2COL",
                                           "IMAGE_DATA",
                                           "INFOGAIN_LOSS",
                                           "INNER_PRODUCT",
                                           "LRN",
                                           "MULTINOMIAL_LOGISTIC_LOSS",
                                           "POOLING",
                                           "RELU",
                                           "SIGMOID",
                                           "SOFTMAX",
                                           "SOFTMAX_LOSS",
                                           "SPLIT",
                                           "TANH",
                                           "WINDOW_DATA",
                                           "ELTWISE",
                                           "POWER",
                                           "SIGMOID_CROSS_ENTROPY_LOSS",
                                           "HINGE_LOSS",
                                           "MEMORY_DATA",
                                           "ARGMAX",
                                           "THRESHOLD",
                                           "DUMMY_DATA",
                                           "SLICE",
                                           "MVN",
                                           "ABSVAL",
                                           "SILENCE",
                                           "CONTRASTIVE_LOSS",
                                           "EXP",
                                           "DECONVOLUTION",
                                           NULL};
static const char *const phases[] = {"TRAIN", "TEST", NULL};
static const char *const pools[] = {"MAX", "AVE", "STOCHASTIC", NULL};
static const char *const roundings[] = {"CEIL", "FLOOR", NULL};
static const char *const operations[] = {"PROD", "SUM", "MAX", NULL};
static const char *const regions[] = {"ACROSS_CHANNELS", "WITHIN_CHANNEL", NULL};
static const xai_proto_enum enums[] = {
    {FORMER_LAYER, 5, former_types}, {STATE_RULE, 1, phases}, {POOLING, 1, pools}, {POOLING, 13, roundings},
    {ELTWISE, 1, operations},        {LRN, 4, regions},       {-1, 0, NULL},
};

xai_status xai_caffe__check(xai_proto_span file, xai_err *err) { return xai_proto__check(file, messages, NET, err); }

xai_status xai_caffe__from_text(xai_proto_span text, xai_buf *out, xai_err *err) {
  XAI_TRY(xai_proto__from_text(text, messages, NET, enums, out, err));
  return xai_caffe__check((xai_proto_span){out->data, out->size}, err); /* bounds the number of messages */
}

/* ---- layers -------------------------------------------------------------------------------------- */
static const struct {
  const char *type;
  int former; /* value of V1LayerParameter's type; -1: it has none */
  xai_caffe_kind kind;
} kinds[] = {
    {"BatchNorm", -1, XAI_CAFFE_BATCH_NORM},
    {"Concat", 3, XAI_CAFFE_CONCAT},
    {"Convolution", 4, XAI_CAFFE_CONVOLUTION},
    {"Data", 5, XAI_CAFFE_DATA},
    {"Dropout", 6, XAI_CAFFE_DROPOUT},
    {"Eltwise", 25, XAI_CAFFE_ELTWISE},
    {"Flatten", 8, XAI_CAFFE_FLATTEN},
    {"ImageData", 12, XAI_CAFFE_DATA},
    {"InnerProduct", 14, XAI_CAFFE_INNER_PRODUCT},
    {"Input", -1, XAI_CAFFE_INPUT_LAYER},
    {"LRN", 15, XAI_CAFFE_LRN},
    {"MemoryData", 29, XAI_CAFFE_MEMORY_DATA},
    {"Pooling", 17, XAI_CAFFE_POOLING},
    {"ReLU", 18, XAI_CAFFE_RELU},
    {"Scale", -1, XAI_CAFFE_SCALE},
    {"Sigmoid", 19, XAI_CAFFE_SIGMOID},
    {"Softmax", 20, XAI_CAFFE_SOFTMAX},
    {"Split", 22, XAI_CAFFE_SPLIT},
    {"TanH", 23, XAI_CAFFE_TANH},
    {"Accuracy", 1, XAI_CAFFE_TRAINING},
    {"ContrastiveLoss", 37, XAI_CAFFE_TRAINING},
    {"EuclideanLoss", 7, XAI_CAFFE_TRAINING},
    {"HingeLoss", 28, XAI_CAFFE_TRAINING},
    {"InfogainLoss", 13, XAI_CAFFE_TRAINING},
    {"MultinomialLogisticLoss", 16, XAI_CAFFE_TRAINING},
    {"SigmoidCrossEntropyLoss", 27, XAI_CAFFE_TRAINING},
    {"Silence", 36, XAI_CAFFE_TRAINING},
    {"SoftmaxWithLoss", 21, XAI_CAFFE_TRAINING},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

void xai_caffe__kinds(char *text, size_t size) {
  size_t used = 0;
  for (int i = 0; i < N_KINDS; i++)
    if (kinds[i].kind != XAI_CAFFE_TRAINING)
      xai_str_append(text, size, &used, "%s%s", i > 0 ? ", " : "", kinds[i].type);
}

static const struct {
  uint32_t present, former; /* field numbers; 0: it has none */
} param_fields[] = {
    [XAI_CAFFE_P_BATCH_NORM] = {139, 0},  [XAI_CAFFE_P_CONCAT] = {104, 9}, [XAI_CAFFE_P_CONVOLUTION] = {106, 10},
    [XAI_CAFFE_P_DROPOUT] = {108, 12},    [XAI_CAFFE_P_ELTWISE] = {110, 24}, [XAI_CAFFE_P_FLATTEN] = {135, 0},
    [XAI_CAFFE_P_INNER_PRODUCT] = {117, 17}, [XAI_CAFFE_P_INPUT] = {143, 0}, [XAI_CAFFE_P_LRN] = {118, 18},
    [XAI_CAFFE_P_MEMORY_DATA] = {119, 22}, [XAI_CAFFE_P_POOLING] = {121, 19}, [XAI_CAFFE_P_RELU] = {123, 30},
    [XAI_CAFFE_P_SCALE] = {142, 0},       [XAI_CAFFE_P_SOFTMAX] = {125, 39}, [XAI_CAFFE_P_TRANSFORM] = {100, 36},
};

/* The state in which a network is asked: phase TEST, level 0, stage "deploy". */
static bool rule_is_met(xai_proto_span rule) {
  for (xai_proto_field f; xai_proto__next(&rule, &f);) {
    if (f.number == 1 && f.bits != 1) return false;
    if (f.number == 2 && (int64_t)f.bits > 0) return false;
    if (f.number == 3 && (int64_t)f.bits < 0) return false;
    if (f.number == 4 && !xai_proto__equal(f.bytes, "deploy")) return false;
    if (f.number == 5 && xai_proto__equal(f.bytes, "deploy")) return false;
  }
  return true;
}

static void read_field(xai_caffe_layer *l, const xai_proto_field *f, bool *has_include, bool *included,
                       bool *excluded) {
  uint32_t number = f->number;
  if (number == (l->former ? 4 : 1)) l->name = f->bytes;
  if (number == 2 && !l->former) l->type = f->bytes;
  if (number == (l->former ? 2 : 3)) l->n_bottoms++;
  if (number == (l->former ? 3 : 4)) l->n_tops++;
  if (number == (l->former ? 6 : 7)) {
    if (l->n_blobs < XAI_CAFFE_BLOBS) l->blobs[l->n_blobs] = f->bytes;
    l->n_blobs++;
  }
  if (number == (l->former ? 32 : 8)) {
    *has_include = true;
    *included = *included || rule_is_met(f->bytes);
  }
  if (number == (l->former ? 33 : 9)) *excluded = *excluded || rule_is_met(f->bytes);
  for (int p = 0; p < XAI_CAFFE_PARAMS; p++)
    if (number == (l->former ? param_fields[p].former : param_fields[p].present)) l->param[p] = f->bytes;
}

static xai_proto_span span_of(const char *text) { return (xai_proto_span){(const unsigned char *)text, strlen(text)}; }

static void find_kind(xai_caffe_layer *l) {
  enum { TYPES = sizeof former_types / sizeof *former_types - 1 };
  int64_t former = l->former ? xai_caffe__int(l->message, 5, 0) : 0;
  l->kind = XAI_CAFFE_UNKNOWN;
  if (former < 0 || former >= TYPES) former = 0;
  if (l->former) l->type = span_of(former_types[former]);
  for (int i = 0; i < N_KINDS; i++)
    if (l->former ? former == kinds[i].former : xai_proto__equal(l->type, kinds[i].type)) l->kind = kinds[i].kind;
}

bool xai_caffe__next_layer(xai_proto_span *rest, xai_caffe_layer *out) {
  xai_proto_field f;
  do {
    if (!xai_proto__next(rest, &f)) return false;
  } while (f.number != 2 && f.number != 100);
  xai_caffe_layer l = {.message = f.bytes, .former = f.number == 2};
  bool has_include = false, included = false, excluded = false;
  xai_proto_span fields = l.message;
  while (xai_proto__next(&fields, &f)) read_field(&l, &f, &has_include, &included, &excluded);
  l.is_tested = (!has_include || included) && !excluded;
  find_kind(&l);
  *out = l;
  return true;
}

xai_status xai_caffe__check_layer(const xai_caffe_layer *l, xai_err *err) {
  if (l->former && xai_caffe__has(l->message, 1))
    return xai_fail(err, XAI_EUNSUPPORTED,
                    "layers of the oldest form (V0) are not supported; Caffe's tool "
                    "upgrade_net_proto_text renews the file");
  if (l->name.n == 0) return xai_fail(err, XAI_EFORMAT, "a layer without a name");
  return XAI_OK;
}

static bool next_name(xai_proto_span *rest, uint32_t field, xai_proto_span *name) {
  xai_proto_field f;
  if (!xai_proto__next_of(rest, field, &f)) return false;
  *name = f.bytes;
  return true;
}

bool xai_caffe__next_bottom(const xai_caffe_layer *l, xai_proto_span *rest, xai_proto_span *name) {
  return next_name(rest, l->former ? 2 : 3, name);
}

bool xai_caffe__next_top(const xai_caffe_layer *l, xai_proto_span *rest, xai_proto_span *name) {
  return next_name(rest, l->former ? 3 : 4, name);
}

/* ---- parameters ---------------------------------------------------------------------------------- */
int64_t xai_caffe__int(xai_proto_span param, uint32_t field, int64_t absent) {
  for (xai_proto_field f; xai_proto__next_of(&param, field, &f);) absent = (int64_t)f.bits;
  return absent;
}

float xai_caffe__float(xai_proto_span param, uint32_t field, float absent) {
  for (xai_proto_field f; xai_proto__next_of(&param, field, &f);) absent = xai_proto__float(f.bits);
  return absent;
}

bool xai_caffe__has(xai_proto_span param, uint32_t field) {
  xai_proto_field f;
  return xai_proto__next_of(&param, field, &f);
}

xai_status xai_caffe__pair(xai_proto_span param, const xai_caffe_pair *p, int64_t out[2], xai_err *err) {
  out[0] = out[1] = p->absent;
  if (p->height != 0 && (xai_caffe__has(param, p->height) || xai_caffe__has(param, p->width))) {
    out[0] = xai_caffe__int(param, p->height, p->absent);
    out[1] = xai_caffe__int(param, p->width, p->absent);
  } else {
    xai_proto_numbers list = xai_proto__numbers(param, p->list, 0);
    int n = 0;
    for (uint64_t bits; xai_proto__number(&list, &bits); n++) {
      if (n == 2) return xai_fail(err, XAI_EFORMAT, "%s has more than two numbers", p->name);
      out[n] = (int64_t)bits;
    }
    if (n == 1) out[1] = out[0];
  }
  for (int i = 0; i < 2; i++)
    if (out[i] < p->least || out[i] > INT32_MAX)
      return xai_fail(err, XAI_EFORMAT, "%s %" PRId64 " is out of range (expected %" PRId64 " or more)", p->name,
                      out[i], p->least);
  return XAI_OK;
}

/* ---- blobs --------------------------------------------------------------------------------------- */
xai_status xai_caffe__shape(xai_proto_span message, xai_shape *out, xai_err *err) {
  xai_proto_numbers dims = xai_proto__numbers(message, 1, 0);
  xai_shape s = {.rank = 0};
  for (uint64_t bits; xai_proto__number(&dims, &bits);) {
    if (s.rank == XAI_MAX_RANK) return xai_fail(err, XAI_EUNSUPPORTED, "more than %d dims", XAI_MAX_RANK);
    if ((int64_t)bits < 1 || (int64_t)bits > INT32_MAX)
      return xai_fail(err, XAI_EFORMAT, "a dim of size %" PRId64, (int64_t)bits);
    s.dims[s.rank++] = (int64_t)bits;
  }
  *out = s;
  return XAI_OK;
}

/* Formerly four numbers, now a list. */
static xai_status blob_shape(xai_proto_span message, xai_shape *out, xai_err *err) {
  xai_proto_span rest = message;
  xai_proto_field f;
  if (xai_proto__next_of(&rest, 7, &f)) return xai_caffe__shape(f.bytes, out, err);
  xai_shape s = {.rank = 4};
  for (int d = 0; d < 4; d++) {
    s.dims[d] = xai_caffe__int(message, (uint32_t)d + 1, 0);
    if (s.dims[d] < 1 || s.dims[d] > INT32_MAX)
      return xai_fail(err, XAI_EFORMAT, "a blob with a dim of size %" PRId64, s.dims[d]);
  }
  *out = s;
  return XAI_OK;
}

/* The list's numbers, which came one by one or in several pieces, widened or not, as floats. */
static xai_status gather(xai_proto_span message, uint32_t field, xai_shape shape, xai_tensor **out, xai_err *err) {
  xai_proto_numbers list = xai_proto__numbers(message, field, field == 5 ? 4 : 8);
  xai_tensor *t;
  XAI_TRY(xai_tensor_new_raw(XAI_F32, shape, &t, err));
  float *to = xai_tensor_floats(t);
  for (uint64_t bits; xai_proto__number(&list, &bits); to++) {
    double wide;
    memcpy(&wide, &bits, sizeof wide);
    *to = field == 5 ? xai_proto__float(bits) : (float)wide;
  }
  *out = t;
  return XAI_OK;
}

xai_status xai_caffe__blob(xai_file *file, const xai_inspection *seen, xai_proto_span message, xai_tensor **out,
                           xai_err *err) {
  xai_shape shape;
  int64_t count, have = 0;
  XAI_TRY(blob_shape(message, &shape, err));
  uint32_t field = xai_caffe__has(message, 5) ? 5 : 8;
  size_t size = field == 5 ? 4 : 8;
  xai_proto_span rest = message;
  for (xai_proto_field f; xai_proto__next_of(&rest, field, &f);)
    have += f.wire == XAI_WIRE_BYTES ? (int64_t)(f.bytes.n / size) : 1;
  if (!xai_shape_count(&shape, &count) || have != count) {
    char text[XAI_SHAPE_TEXT];
    return xai_fail(err, XAI_EFORMAT, "%" PRId64 " elements do not make a blob of %s", have,
                    xai_shape_text(&shape, text));
  }
  if (xai_inspection__hollow(seen, XAI_F32, count)) return xai_tensor_new(XAI_F32, shape, out, err);
  xai_proto_field first; /* from here on count is bounded by the size of the file */
  rest = message;
  bool packed = xai_proto__next_of(&rest, field, &first) && first.wire == XAI_WIRE_BYTES;
  if (!packed || first.bytes.n != (size_t)count * size) return gather(message, field, shape, out, err);
  return xai_stored_tensor(field == 5 ? XAI_STORED_F32 : XAI_STORED_F64, shape, file, first.bytes.at, out, err);
}

xai_status xai_caffe__blob_file(xai_file *file, xai_tensor **out, xai_err *err) {
  xai_proto_span all = {xai_file_data(file), xai_file_size(file)};
  XAI_TRY(xai_proto__check(all, messages, BLOB, err));
  return xai_caffe__blob(file, NULL, all, out, err);
}
