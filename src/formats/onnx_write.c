/* formats/onnx_write.c: a network to an ONNX file that ONNX Runtime and we ourselves read.
 *
 * Nodes, values and constants keep their names. Constants become initializers with raw_data, the view's replaced
 * weights in place of the graph's; free dims of the input get the names N, C, H and W. Preprocessing and labels
 * travel in metadata_props (net_meta.h). Hooks and backward rules are no part of a file.
 *
 * The operator table speaks the newest operator set. The file asks for set 13 unless some node needs a newer one:
 * what came later are operators, attributes (which are then written out only when they are not the default) and, of
 * reductions, the axes as an input, which become the attribute again where they are constant.
 *
 * Weights are not copied: the message is laid out around them in a buffer with gaps, and written in pieces. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/str.h"
#include "formats/formats.h"
#include "formats/net_meta.h"
#include "formats/proto_put.h"
#include "graph/net.h"

enum { OPSET = 13, IR_VERSION = 7 };
static const size_t most_bytes = INT32_MAX; /* protobuf's own limit */

/* field numbers; see onnx_model.c */
enum { MODEL_IR_VERSION = 1, MODEL_PRODUCER, MODEL_GRAPH = 7, MODEL_OPSET, MODEL_METADATA = 14 };
enum { GRAPH_NODE = 1, GRAPH_NAME, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT };
enum { NODE_INPUT = 1, NODE_OUTPUT, NODE_NAME, NODE_OP, NODE_ATTRIBUTE };
enum { ATTR_NAME = 1, ATTR_F, ATTR_I, ATTR_S, ATTR_T, ATTR_INTS = 8, ATTR_TYPE = 20 };
enum { TYPE_FLOAT = 1, TYPE_INT, TYPE_STRING, TYPE_TENSOR, TYPE_INTS = 7 };
enum { TENSOR_DIMS = 1, TENSOR_TYPE, TENSOR_NAME = 8, TENSOR_RAW };

/* The elements of a tensor, which belong before byte 'at' of the buffer. */
typedef struct gap {
  size_t at;
  const xai_tensor *elements;
} gap;

typedef struct sheet {
  const xai_net *net;
  const xai_graph *g;
  bool *read;    /* per value: some node in the file reads it */
  xai_buf graph; /* the GraphProto without the elements of its initializers */
  gap *gaps;
  int n_gaps;
  size_t weights; /* bytes in the gaps */
} sheet;

static int64_t onnx_type(xai_dtype dtype) {
  static const unsigned char types[] = {[XAI_F32] = 1, [XAI_I64] = 7, [XAI_I32] = 6, [XAI_U8] = 2, [XAI_BOOL] = 9};
  return types[dtype];
}

/* ---- which form of an operator ------------------------------------------------------------------- */
static bool is_reduction(xai_op op) {
  switch (op) { /* ReduceSum takes axes as an input since 13 */
    case XAI_OP_REDUCE_L1:
    case XAI_OP_REDUCE_L2:
    case XAI_OP_REDUCE_LOG_SUM:
    case XAI_OP_REDUCE_LOG_SUM_EXP:
    case XAI_OP_REDUCE_MAX:
    case XAI_OP_REDUCE_MEAN:
    case XAI_OP_REDUCE_MIN:
    case XAI_OP_REDUCE_PROD:
    case XAI_OP_REDUCE_SUM_SQUARE: return true;
    default: return false;
  }
}

/* The constant axes of a reduction, which can stand in an attribute; NULL when they cannot. */
static const xai_view *constant_axes(const sheet *s, const xai_node *n) {
  if (!is_reduction(n->op) || n->n_in < 2 || n->in[1] < 0 || n->attrs.reduce.noop_with_empty_axes != 0) return NULL;
  const xai_tensor *axes = xai_net__constant(s->net, n->in[1]);
  return axes != NULL ? xai_tensor_view(axes) : NULL;
}

static bool all_ones(const xai_ints *list) {
  for (int i = 0; i < list->n; i++)
    if (list->v[i] != 1) return false;
  return true;
}

static bool has_choice(const xai_node *n, const char *attribute, const char *choice) {
  const xai_attr_spec *spec = xai_attr_find(n->op, attribute);
  return strcmp(spec->choices[*(const int64_t *)(const void *)((const char *)&n->attrs + spec->offset)], choice) == 0;
}

/* The sizes of Split's parts are given; else they are as many equal ones as it says. */
static bool has_sizes(const xai_node *n) { return xai_node__has_input(n, 1); }

/* How many parts Split makes, also those that nobody reads. */
static int64_t parts_of(const sheet *s, const xai_node *n) {
  const xai_tensor *sizes = has_sizes(n) ? xai_net__constant(s->net, n->in[1]) : NULL;
  if (sizes != NULL) return (int64_t)xai_tensor_count(sizes);
  return n->attrs.split.num_outputs > n->n_out ? n->attrs.split.num_outputs : n->n_out;
}

/* GroupNormalization had a scale per group before 21. */
static bool scales_groups(const sheet *s, const xai_node *n) {
  const xai_tensor *scale = xai_net__constant(s->net, n->in[1]);
  return scale != NULL && (int64_t)xai_tensor_count(scale) == n->attrs.moments.num_groups;
}

/* The set that has the operator in the form that we write. */
static int64_t opset_of(const sheet *s, const xai_node *n) {
  static const unsigned char since[XAI_OP_COUNT] = {
      [XAI_OP_BATCH_NORM_TRAINING] = 14, [XAI_OP_BITWISE_AND] = 18, [XAI_OP_BITWISE_NOT] = 18,
      [XAI_OP_BITWISE_OR] = 18, [XAI_OP_BITWISE_XOR] = 18, [XAI_OP_CAST_LIKE] = 15, [XAI_OP_GELU] = 20,
      [XAI_OP_GROUP_NORMALIZATION] = 21, [XAI_OP_HARD_SWISH] = 14, [XAI_OP_LAYER_NORMALIZATION] = 17,
      [XAI_OP_MISH] = 18, [XAI_OP_RMS_NORMALIZATION] = 23, [XAI_OP_ROI_ALIGN] = 16, [XAI_OP_SWISH] = 24,
      [XAI_OP_TRILU] = 14,
  };
  const xai_attrs *a = &n->attrs;
  int64_t set = since[n->op] > OPSET ? since[n->op] : OPSET;
  if (is_reduction(n->op)) {
    if (a->reduce.noop_with_empty_axes != 0) return 18;
    return n->n_in < 2 || n->in[1] < 0 || constant_axes(s, n) != NULL ? set : 18;
  }
  switch (n->op) {
    case XAI_OP_AVERAGE_POOL: return all_ones(&a->pool.dilations) ? set : 19;
    case XAI_OP_GRID_SAMPLE: return a->sample.mode >= 3 ? 16 : 20; /* bilinear and bicubic are the older words */
    case XAI_OP_GROUP_NORMALIZATION: return scales_groups(s, n) ? 18 : set;
    case XAI_OP_LP_POOL: return all_ones(&a->pool.dilations) && a->pool.ceil_mode == 0 ? set : 18;
    case XAI_OP_PAD: return a->pad.mode == XK_PAD_WRAP ? 19 : xai_node__has_input(n, 3) ? 18 : set;
    case XAI_OP_RESHAPE: return a->reshape.allowzero != 0 ? 14 : set;
    case XAI_OP_RESIZE:
      if (has_choice(n, "coordinate_transformation_mode", "half_pixel_symmetric")) return 19;
      return a->resize.antialias != 0 || a->resize.axes.n > 0 || a->resize.policy != 0 ? 18 : set;
    case XAI_OP_SCATTER_ELEMENTS:
    case XAI_OP_SCATTER_ND: return a->index.reduction == 0 ? set : a->index.reduction <= 2 ? 16 : 18;
    case XAI_OP_SHAPE: return a->range.start != 0 || a->range.end != XAI_MAX_RANK ? 15 : set;
    case XAI_OP_SPLIT: return has_sizes(n) ? set : 18;
    default: return set;
  }
}

/* Inputs that the file's form of the operator has. Dropout's third one would switch it to training. */
static int inputs_of(const sheet *s, const xai_node *n) {
  if (constant_axes(s, n) != NULL) return 1;
  return n->op == XAI_OP_DROPOUT && n->n_in > 2 ? 2 : n->n_in;
}

/* ---- attributes ---------------------------------------------------------------------------------- */
static xai_buf attr_head(const char *name, int type) {
  xai_buf a = {0};
  xai_proto__put_text(&a, ATTR_NAME, name);
  xai_proto__put_int(&a, ATTR_TYPE, type);
  return a;
}

static void put_int_attr(xai_buf *node, const char *name, int64_t v) {
  xai_buf a = attr_head(name, TYPE_INT);
  xai_proto__put_int(&a, ATTR_I, v);
  xai_proto__put_message(node, NODE_ATTRIBUTE, &a);
}

static void put_float_attr(xai_buf *node, const char *name, double v) {
  xai_buf a = attr_head(name, TYPE_FLOAT);
  xai_proto__put_float(&a, ATTR_F, (float)v);
  xai_proto__put_message(node, NODE_ATTRIBUTE, &a);
}

static void put_text_attr(xai_buf *node, const char *name, const char *v) {
  xai_buf a = attr_head(name, TYPE_STRING);
  xai_proto__put_text(&a, ATTR_S, v);
  xai_proto__put_message(node, NODE_ATTRIBUTE, &a);
}

static void put_ints_attr(xai_buf *node, const char *name, const xai_ints *list) {
  xai_buf a = attr_head(name, TYPE_INTS);
  for (int i = 0; i < list->n; i++) xai_proto__put_int(&a, ATTR_INTS, list->v[i]);
  xai_proto__put_message(node, NODE_ATTRIBUTE, &a);
}

/* A TensorProto up to its elements. */
static xai_buf tensor_head(const char *name, xai_dtype dtype, const xai_shape *shape) {
  xai_buf t = {0};
  for (int d = 0; d < shape->rank; d++) xai_proto__put_int(&t, TENSOR_DIMS, shape->dims[d]);
  xai_proto__put_int(&t, TENSOR_TYPE, onnx_type(dtype));
  if (name != NULL) xai_proto__put_text(&t, TENSOR_NAME, name);
  return t;
}

/* The number as an element of its type, little-endian as every host that we run on (stored.c). */
static void put_fill_attr(xai_buf *node, const xai_attrs_fill *fill) {
  xai_dtype dtype = (xai_dtype)fill->dtype;
  union {
    float f32;
    int64_t i64;
    int32_t i32;
    uint8_t u8;
  } element = {0};
  switch (dtype) {
    case XAI_F32: element.f32 = (float)fill->number; break;
    case XAI_I64: element.i64 = (int64_t)fill->number; break;
    case XAI_I32: element.i32 = (int32_t)fill->number; break;
    case XAI_U8:
    case XAI_BOOL: element.u8 = (uint8_t)fill->number; break;
  }
  xai_shape one = XAI_SHAPE(1);
  xai_buf a = attr_head("value", TYPE_TENSOR), t = tensor_head(NULL, dtype, &one);
  xai_proto__put_bytes(&t, TENSOR_RAW, &element, xai_dtype_size(dtype));
  xai_proto__put_message(&a, ATTR_T, &t);
  xai_proto__put_message(node, NODE_ATTRIBUTE, &a);
}

/* Attributes that the file's form of the operator does not have, or that stand there in another way. */
static bool left_out(const xai_node *n, const char *name) {
  switch (n->op) {
    case XAI_OP_AVERAGE_POOL:
      if (strcmp(name, "dilations") == 0) return all_ones(&n->attrs.pool.dilations);
      return strcmp(name, "storage_order") == 0 ||
             (strcmp(name, "pads") == 0 && n->attrs.pool.auto_pad != XAI_PAD_NOTSET);
    case XAI_OP_MAX_POOL:
      return strcmp(name, "count_include_pad") == 0 ||
             (strcmp(name, "pads") == 0 && n->attrs.pool.auto_pad != XAI_PAD_NOTSET);
    case XAI_OP_CONV: return strcmp(name, "pads") == 0 && n->attrs.conv.auto_pad != XAI_PAD_NOTSET;
    case XAI_OP_SPLIT: return strcmp(name, "num_outputs") == 0; /* see put_special */
    case XAI_OP_EYE_LIKE: return strcmp(name, "dtype") == 0;
    case XAI_OP_CAST:
    case XAI_OP_CONSTANT_OF_SHAPE: return true;
    default: return false;
  }
}

/* Operator sets give these no default. */
static bool required(xai_op op) { return op == XAI_OP_CONCAT || op == XAI_OP_LRN; }

static void put_attrs(xai_buf *node, const xai_node *n) {
  for (const xai_attr_spec *spec = xai_op_get(n->op)->attrs; spec != NULL && spec->name != NULL; spec++) {
    const void *field = (const char *)&n->attrs + spec->offset;
    if (left_out(n, spec->name)) continue;
    switch (spec->kind) {
      case XAI_ATTR_INT:
        if (*(const int64_t *)field != (int64_t)spec->fallback || required(n->op))
          put_int_attr(node, spec->name, *(const int64_t *)field);
        break;
      case XAI_ATTR_FLOAT:
        if (*(const double *)field != spec->fallback) put_float_attr(node, spec->name, *(const double *)field);
        break;
      case XAI_ATTR_INTS:
        if (((const xai_ints *)field)->n > 0) put_ints_attr(node, spec->name, field);
        break;
      case XAI_ATTR_CHOICE:
        if (*(const int64_t *)field != (int64_t)spec->fallback)
          put_text_attr(node, spec->name, spec->choices[*(const int64_t *)field]);
        break;
      case XAI_ATTR_TEXT:
        if (*(const char *)field != '\0') put_text_attr(node, spec->name, field);
        break;
    }
  }
}

/* What ONNX expresses in another way than the operator table. */
static xai_status put_special(xai_buf *node, const sheet *s, const xai_node *n, xai_err *err) {
  const xai_view *axes = constant_axes(s, n);
  xai_ints list = {0};
  if (n->op == XAI_OP_CAST) put_int_attr(node, "to", onnx_type((xai_dtype)n->attrs.cast.to));
  if (n->op == XAI_OP_SPLIT && !has_sizes(n)) put_int_attr(node, "num_outputs", parts_of(s, n));
  if (n->op == XAI_OP_EYE_LIKE && n->attrs.eye.dtype >= 0)
    put_int_attr(node, "dtype", onnx_type((xai_dtype)n->attrs.eye.dtype));
  if (n->op == XAI_OP_CONSTANT_OF_SHAPE) put_fill_attr(node, &n->attrs.fill);
  if (axes == NULL) return XAI_OK;
  if (xai_shape_size(&axes->shape) > XAI_INTS_MAX) /* inference has not seen a network whose sizes are open */
    return xai_fail(err, XAI_EARG, "layer '%s': more than %d axes", n->name, XAI_INTS_MAX);
  for (int64_t i = 0; i < xai_shape_size(&axes->shape); i++) list.v[list.n++] = (int64_t)xai_view_get(axes, i);
  if (list.n > 0) put_ints_attr(node, "axes", &list); /* without axes: over all of them, as with an empty list */
  return XAI_OK;
}

/* ---- nodes and initializers ---------------------------------------------------------------------- */
static const char *value_name(const sheet *s, int value) { return value < 0 ? "" : s->g->values[value].name; }

/* How many outputs a node must have, read or not: all parts of Split, the positions that TopK finds, new statistics. */
static int64_t least_outputs(const sheet *s, const xai_node *n) {
  switch (n->op) {
    case XAI_OP_BATCH_NORM_TRAINING: return 3;
    case XAI_OP_SPLIT: return parts_of(s, n);
    case XAI_OP_TOP_K: return 2;
    default: return 1;
  }
}

static void put_unread(xai_buf *node, const sheet *s, const xai_node *n) {
  char name[64];
  for (int64_t i = n->n_out, most = least_outputs(s, n); i < most; i++) {
    snprintf(name, sizeof name, "unread/%d/%d", (int)(n - s->g->nodes), (int)i);
    xai_proto__put_text(node, NODE_OUTPUT, name);
  }
}

static xai_status put_node(sheet *s, const xai_node *n, xai_err *err) {
  xai_buf node = {0};
  int n_in = inputs_of(s, n);
  while (n_in > 0 && n->in[n_in - 1] < 0) n_in--;
  for (int i = 0; i < n_in; i++) {
    xai_proto__put_text(&node, NODE_INPUT, value_name(s, n->in[i]));
    if (n->in[i] >= 0) s->read[n->in[i]] = true;
  }
  for (int i = 0; i < n->n_out; i++) xai_proto__put_text(&node, NODE_OUTPUT, value_name(s, n->out[i]));
  put_unread(&node, s, n);
  xai_proto__put_text(&node, NODE_NAME, n->name);
  xai_proto__put_text(&node, NODE_OP, xai_op_get(n->op)->name);
  put_attrs(&node, n);
  xai_status st = put_special(&node, s, n, err);
  xai_proto__put_message(&s->graph, GRAPH_NODE, &node);
  return st;
}

/* Everything but the elements, for which a gap is left at the tensor's end. */
static void put_initializer(sheet *s, const char *name, const xai_tensor *t) {
  const xai_view *v = xai_tensor_view(t);
  size_t n = xai_tensor_bytes(t);
  xai_buf head = tensor_head(name, v->dtype, &v->shape);
  xai_proto__put_head(&head, TENSOR_RAW, n);
  xai_proto__put_head(&s->graph, GRAPH_INITIALIZER, head.size + n);
  xai_buf_add(&s->graph, head.data, head.size);
  if (head.failed) s->graph.failed = true;
  xai_buf_free(&head);
  s->gaps[s->n_gaps++] = (gap){s->graph.size, t};
  s->weights += n;
}

/* ---- inputs and outputs -------------------------------------------------------------------------- */
/* names: of free dims by position, or NULL for "N" in front and none elsewhere. */
static void put_value(xai_buf *graph, unsigned field, const char *name, xai_dtype dtype, const xai_shape *shape,
                      const char *const *names) {
  static const char *const batch[] = {"N"};
  xai_buf value = {0}, type = {0}, tensor = {0}, dims = {0};
  for (int d = 0; d < shape->rank; d++) {
    xai_buf dim = {0};
    if (shape->dims[d] >= 0)
      xai_proto__put_int(&dim, 1, shape->dims[d]);
    else if (names != NULL || d == 0)
      xai_proto__put_text(&dim, 2, names != NULL ? names[d] : batch[d]);
    xai_proto__put_message(&dims, 1, &dim);
  }
  xai_proto__put_int(&tensor, 1, onnx_type(dtype));
  if (shape->rank >= 0) xai_proto__put_message(&tensor, 2, &dims);
  xai_buf_free(&dims);
  xai_proto__put_message(&type, 1, &tensor);
  xai_proto__put_text(&value, 1, name);
  xai_proto__put_message(&value, 2, &type);
  xai_proto__put_message(graph, field, &value);
}

static void put_untyped(xai_buf *graph, unsigned field, const char *name) {
  xai_buf value = {0};
  xai_proto__put_text(&value, 1, name);
  xai_proto__put_message(graph, field, &value);
}

/* What is known about all values with the free dims set to 'batch' and 'side'. Where that does not fit together,
 * nothing is. */
static xai_status sample(const xai_net *net, int64_t batch, int64_t side, xai_facts *out, xai_err *err) {
  const xai_graph *g = net->graph;
  xai_view *inputs = xai_calloc((size_t)g->n_inputs + 1, sizeof *inputs);
  if (inputs == NULL) return xai_fail_memory(err, (size_t)g->n_inputs * sizeof *inputs);
  for (int i = 0; i < g->n_inputs; i++) {
    inputs[i] = (xai_view){.dtype = g->values[g->inputs[i]].dtype, .shape = g->values[g->inputs[i]].shape};
    for (int d = 0; d < inputs[i].shape.rank; d++)
      if (inputs[i].shape.dims[d] < 0) inputs[i].shape.dims[d] = d == 0 ? batch : side;
  }
  xai_status st = xai_facts_make(net, inputs, NULL, out, err);
  xai_free(inputs);
  return st == XAI_ENOMEM ? st : XAI_OK;
}

/* A dim that stays the same when the free dims of the input change is fixed. */
static xai_shape common_shape(const xai_facts *a, const xai_facts *b, int value, bool batch_is_free) {
  if (a->views == NULL || b->views == NULL) return (xai_shape){.rank = -1};
  xai_shape s = a->views[value].shape;
  const xai_shape *other = &b->views[value].shape;
  if (other->rank != s.rank) return (xai_shape){.rank = -1};
  for (int d = 0; d < s.rank; d++)
    if (s.dims[d] != other->dims[d] || (d == 0 && batch_is_free)) s.dims[d] = -1;
  return s;
}

static xai_status put_outputs(sheet *s, xai_err *err) {
  const xai_graph *g = s->g;
  xai_facts a = {0}, b = {0};
  xai_shape x = xai_net_input_shape(s->net);
  xai_status st;
  XAI_GOTO(sample(s->net, 1, 224, &a, err));
  XAI_GOTO(sample(s->net, 2, 448, &b, err));
  for (int i = 0; i < g->n_outputs; i++) {
    int v = g->outputs[i];
    if (g->values[v].node < 0) continue; /* an input or a constant: nothing that the network makes */
    if (a.views == NULL) { /* the elements of some input decide: its type is found by those who know them */
      put_untyped(&s->graph, GRAPH_OUTPUT, g->values[v].name);
      continue;
    }
    xai_dtype dtype = a.views[v].dtype;
    xai_shape shape = common_shape(&a, &b, v, x.rank > 0 && x.dims[0] < 0);
    put_value(&s->graph, GRAPH_OUTPUT, g->values[v].name, dtype, &shape, NULL);
  }
done:
  xai_facts_free(&a);
  xai_facts_free(&b);
  return st;
}

/* ---- the model ----------------------------------------------------------------------------------- */
static xai_status check_name(const char *what, const char *name, xai_err *err) {
  if (xai_str_utf8(name, strlen(name))) return XAI_OK;
  return xai_fail(err, XAI_EARG, "the name of %s '%s' is not valid UTF-8", what, name);
}

static xai_status put_graph(sheet *s, int64_t *opset, xai_err *err) {
  static const char *const dims[XAI_MAX_RANK] = {"N", "C", "H", "W", "D4", "D5", "D6", "D7"};
  const xai_graph *g = s->g;
  *opset = OPSET;
  for (int n = 0; n < g->n_nodes; n++) {
    XAI_TRY(check_name("layer", g->nodes[n].name, err));
    XAI_TRY(put_node(s, &g->nodes[n], err));
    int64_t needs = opset_of(s, &g->nodes[n]);
    if (needs > *opset) *opset = needs;
  }
  xai_proto__put_text(&s->graph, GRAPH_NAME, "net");
  for (int v = 0; v < g->n_values; v++) {
    XAI_TRY(check_name("value", g->values[v].name, err));
    const xai_tensor *t = xai_net__constant(s->net, v);
    if (t != NULL && s->read[v]) put_initializer(s, g->values[v].name, t);
  }
  for (int i = 0; i < g->n_inputs; i++) {
    const xai_value *x = &g->values[g->inputs[i]];
    put_value(&s->graph, GRAPH_INPUT, x->name, x->dtype, &x->shape, dims);
  }
  return put_outputs(s, err);
}

static void put_pair(xai_buf *b, const char *key, xai_buf *value) {
  xai_buf pair = {0};
  xai_proto__put_text(&pair, 1, key);
  xai_proto__put_message(&pair, 2, value);
  xai_proto__put_message(b, MODEL_METADATA, &pair);
}

/* What stands behind the graph. "none" is what a network without any preprocessing has. */
static xai_status put_tail(xai_buf *tail, const xai_net *net, int64_t opset, xai_err *err) {
  xai_status st = XAI_OK;
  xai_buf set = {0}, text = {0};
  xai_proto__put_text(&set, 1, "");
  xai_proto__put_int(&set, 2, opset);
  xai_proto__put_message(tail, MODEL_OPSET, &set);
  if (strcmp(net->preprocess.name, "none") != 0) {
    xai_meta__put_preprocess(&text, &net->preprocess);
    put_pair(tail, XAI_META_PREPROCESS, &text);
  }
  if (net->labels != NULL) {
    st = xai_meta__put_labels(&text, net, err);
    put_pair(tail, XAI_META_LABELS, &text);
  }
  return st;
}

static xai_status write_pieces(const char *path, const xai_buf *head, const sheet *s, const xai_buf *tail,
                               xai_err *err) {
  xai_writer *w;
  size_t at = 0;
  XAI_TRY(xai_writer_open(path, &w, err));
  xai_writer_add(w, head->data, head->size);
  for (int i = 0; i < s->n_gaps; i++) {
    const gap *g = &s->gaps[i];
    if (xai_stop_requested()) {
      xai_writer_discard(w);
      return xai_fail_stop(err);
    }
    xai_writer_add(w, s->graph.data + at, g->at - at);
    xai_writer_add(w, xai_tensor_view(g->elements)->data, xai_tensor_bytes(g->elements));
    at = g->at;
  }
  xai_writer_add(w, s->graph.data + at, s->graph.size - at);
  xai_writer_add(w, tail->data, tail->size);
  return xai_writer_commit(w, err);
}

xai_status xai_onnx_write(const char *path, const xai_net *net, xai_err *err) {
  xai_status st;
  size_t n_values = (size_t)net->graph->n_values;
  sheet s = {.net = net, .g = net->graph};
  xai_buf head = {0}, tail = {0};
  int64_t opset;
  s.read = xai_calloc(n_values, sizeof *s.read);
  s.gaps = xai_calloc(n_values, sizeof *s.gaps);
  if (s.read == NULL || s.gaps == NULL) {
    st = xai_fail_memory(err, n_values * sizeof *s.gaps);
    goto done;
  }
  st = put_graph(&s, &opset, err);
  if (st == XAI_OK) st = put_tail(&tail, net, opset, err);
  if (st != XAI_OK) {
    xai_err_prefix(err, st, "%s: ", path);
    goto done;
  }
  xai_proto__put_int(&head, MODEL_IR_VERSION, IR_VERSION);
  xai_proto__put_text(&head, MODEL_PRODUCER, "xairun");
  xai_proto__put_head(&head, MODEL_GRAPH, s.graph.size + s.weights);
  size_t total = head.size + s.graph.size + s.weights + tail.size;
  if (head.failed || s.graph.failed || tail.failed)
    st = xai_fail_memory(err, total - s.weights);
  else if (total > most_bytes)
    st = xai_fail(err, XAI_EUNSUPPORTED, "%s: %.0f MB are more than an ONNX file holds (%.0f MB)", path,
                  (double)total / 1e6, (double)most_bytes / 1e6);
  else
    st = write_pieces(path, &head, &s, &tail, err);
done:
  xai_free(s.read);
  xai_free(s.gaps);
  xai_buf_free(&s.graph);
  xai_buf_free(&head);
  xai_buf_free(&tail);
  return st;
}
