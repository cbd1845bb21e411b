/* formats/onnx_model.c: ModelProto, GraphProto, ValueInfoProto, NodeProto and AttributeProto (onnx.proto,
 * package onnx, proto2 and proto3 alike). TensorProto is in onnx_tensor.c.
 *
 * Only fields that are read have a rule; all others (documentation, training_info, functions,
 * quantization, the body of If and Loop beyond its nesting) are skipped as bytes. */
#include "formats/onnx_model.h"

#include <string.h>

#include "base/alloc.h"
#include "base/status.h"

/* ---- the messages -------------------------------------------------------------------------------- */
enum { MODEL, GRAPH, NODE, ATTRIBUTE, TENSOR, VALUE, TYPE, TENSOR_TYPE, SHAPE, DIM, OPSET, PAIR };

static const xai_proto_rule model_rules[] = {{1, XAI_PROTO_INT, "ir_version", 0},
                                             {2, XAI_PROTO_BYTES, "producer_name", 0},
                                             {3, XAI_PROTO_BYTES, "producer_version", 0},
                                             {7, XAI_PROTO_ONE, "graph", GRAPH},
                                             {8, XAI_PROTO_MANY, "opset_import", OPSET},
                                             {14, XAI_PROTO_MANY, "metadata_props", PAIR},
                                             {0}};
static const xai_proto_rule graph_rules[] = {{1, XAI_PROTO_MANY, "node", NODE},
                                             {5, XAI_PROTO_MANY, "initializer", TENSOR},
                                             {11, XAI_PROTO_MANY, "input", VALUE},
                                             {12, XAI_PROTO_MANY, "output", VALUE},
                                             {15, XAI_PROTO_BYTES, "sparse_initializer", 0},
                                             {0}};
static const xai_proto_rule node_rules[] = {{1, XAI_PROTO_BYTES, "input", 0},
                                            {2, XAI_PROTO_BYTES, "output", 0},
                                            {3, XAI_PROTO_BYTES, "name", 0},
                                            {4, XAI_PROTO_BYTES, "op_type", 0},
                                            {5, XAI_PROTO_MANY, "attribute", ATTRIBUTE},
                                            {7, XAI_PROTO_BYTES, "domain", 0},
                                            {0}};
static const xai_proto_rule attribute_rules[] = {
    {1, XAI_PROTO_BYTES, "name", 0},       {2, XAI_PROTO_FLOAT, "f", 0},    {3, XAI_PROTO_INT, "i", 0},
    {4, XAI_PROTO_BYTES, "s", 0},          {5, XAI_PROTO_ONE, "t", TENSOR}, {6, XAI_PROTO_ONE, "g", GRAPH},
    {7, XAI_PROTO_FLOATS, "floats", 0},    {8, XAI_PROTO_INTS, "ints", 0},  {9, XAI_PROTO_BYTES, "strings", 0},
    {11, XAI_PROTO_MANY, "graphs", GRAPH}, {20, XAI_PROTO_INT, "type", 0},  {0}};
static const xai_proto_rule tensor_rules[] = {
    {1, XAI_PROTO_INTS, "dims", 0},          {2, XAI_PROTO_INT, "data_type", 0},
    {3, XAI_PROTO_BYTES, "segment", 0},      {4, XAI_PROTO_FLOATS, "float_data", 0},
    {5, XAI_PROTO_INTS, "int32_data", 0},    {6, XAI_PROTO_BYTES, "string_data", 0},
    {7, XAI_PROTO_INTS, "int64_data", 0},    {8, XAI_PROTO_BYTES, "name", 0},
    {9, XAI_PROTO_BYTES, "raw_data", 0},     {10, XAI_PROTO_DOUBLES, "double_data", 0},
    {11, XAI_PROTO_INTS, "uint64_data", 0},  {13, XAI_PROTO_MANY, "external_data", PAIR},
    {14, XAI_PROTO_INT, "data_location", 0}, {0}};
static const xai_proto_rule value_rules[] = {{1, XAI_PROTO_BYTES, "name", 0}, {2, XAI_PROTO_ONE, "type", TYPE}, {0}};
static const xai_proto_rule type_rules[] = {{1, XAI_PROTO_ONE, "tensor_type", TENSOR_TYPE}, {0}};
static const xai_proto_rule tensor_type_rules[] = {
    {1, XAI_PROTO_INT, "elem_type", 0}, {2, XAI_PROTO_ONE, "shape", SHAPE}, {0}};
static const xai_proto_rule shape_rules[] = {{1, XAI_PROTO_MANY, "dim", DIM}, {0}};
static const xai_proto_rule dim_rules[] = {
    {1, XAI_PROTO_INT, "dim_value", 0}, {2, XAI_PROTO_BYTES, "dim_param", 0}, {0}};
static const xai_proto_rule opset_rules[] = {{1, XAI_PROTO_BYTES, "domain", 0}, {2, XAI_PROTO_INT, "version", 0}, {0}};
static const xai_proto_rule pair_rules[] = {{1, XAI_PROTO_BYTES, "key", 0}, {2, XAI_PROTO_BYTES, "value", 0}, {0}};

static const xai_proto_message messages[] = {
    [MODEL] = {"model", model_rules},    [GRAPH] = {"graph", graph_rules},
    [NODE] = {"node", node_rules},       [ATTRIBUTE] = {"attribute", attribute_rules},
    [TENSOR] = {"tensor", tensor_rules}, [VALUE] = {"value", value_rules},
    [TYPE] = {"type", type_rules},       [TENSOR_TYPE] = {"tensor type", tensor_type_rules},
    [SHAPE] = {"shape", shape_rules},    [DIM] = {"dim", dim_rules},
    [OPSET] = {"opset", opset_rules},    [PAIR] = {"pair", pair_rules},
};

xai_status xai_onnx__check_tensor(xai_proto_span file, xai_err *err) {
  return xai_proto__check(file, messages, TENSOR, err);
}

/* ---- model --------------------------------------------------------------------------------------- */
static xai_status add_opset(xai_proto_span message, int64_t *opset, xai_err *err) {
  xai_proto_span domain = {0};
  int64_t version = 0;
  for (xai_proto_field f; xai_proto__next(&message, &f);) {
    if (f.number == 1) domain = f.bytes;
    if (f.number == 2) version = (int64_t)f.bits;
  }
  /* An operator set of another domain may be imported and never used; a node that uses it is an error there. */
  if (domain.n != 0 && !xai_proto__equal(domain, "ai.onnx")) return XAI_OK;
  if (version < 1 || version > INT32_MAX)
    return xai_fail(err, XAI_EFORMAT, "operator set version %lld makes no sense", (long long)version);
  if (*opset != 0 && *opset != version)
    return xai_fail(err, XAI_EFORMAT, "two operator set versions, %lld and %lld", (long long)*opset,
                    (long long)version);
  *opset = version;
  return XAI_OK;
}

static xai_status check_graph(xai_proto_span graph, xai_err *err) {
  long nodes = 0, initializers = 0;
  for (xai_proto_field f; xai_proto__next(&graph, &f);) {
    nodes += f.number == XAI_GRAPH_NODE;
    initializers += f.number == XAI_GRAPH_INITIALIZER;
    if (f.number == 15) return xai_fail(err, XAI_EUNSUPPORTED, "sparse initializers are not supported");
  }
  if (nodes > XAI_ONNX_NODES)
    return xai_fail(err, XAI_EFORMAT, "%ld nodes are more than the limit of %d", nodes, XAI_ONNX_NODES);
  if (initializers > XAI_ONNX_INITIALIZERS)
    return xai_fail(err, XAI_EFORMAT, "%ld initializers are more than the limit of %d", initializers,
                    XAI_ONNX_INITIALIZERS);
  return XAI_OK;
}

xai_status xai_onnx__model(xai_proto_span file, xai_onnx_model *out, xai_err *err) {
  XAI_TRY(xai_proto__check(file, messages, MODEL, err));
  xai_onnx_model m = {.all = file};
  bool graph = false;
  for (xai_proto_field f; xai_proto__next(&file, &f);) {
    if (f.number == 1) m.ir_version = (int64_t)f.bits;
    if (f.number == 2) m.producer = f.bytes;
    if (f.number == 3) m.version = f.bytes;
    if (f.number == 7) m.graph = f.bytes, graph = true;
    if (f.number == 25) m.has_functions = true;
    if (f.number == 8) XAI_TRY(add_opset(f.bytes, &m.opset, err));
  }
  if (!graph) return xai_fail(err, XAI_EFORMAT, "not an ONNX model: it has no graph");
  if (m.opset == 0) {
    /* Only IR 1 and 2 know no opset_import; elsewhere the end of the file is missing. */
    if (m.ir_version >= 3) return xai_fail(err, XAI_EFORMAT, "truncated: no operator set is imported");
    m.opset = 1;
  }
  XAI_TRY(check_graph(m.graph, err));
  *out = m;
  return XAI_OK;
}

bool xai_onnx__meta(const xai_onnx_model *m, const char *key, xai_proto_span *out) {
  xai_proto_span rest = m->all;
  bool found = false;
  for (xai_proto_field pair; xai_proto__next_of(&rest, 14, &pair);) {
    xai_proto_span name = {0}, value = {0};
    for (xai_proto_field f; xai_proto__next(&pair.bytes, &f);) {
      if (f.number == 1) name = f.bytes;
      if (f.number == 2) value = f.bytes;
    }
    if (!xai_proto__equal(name, key)) continue;
    *out = value;
    found = true;
  }
  return found;
}

/* ---- inputs and outputs -------------------------------------------------------------------------- */
xai_proto_span xai_onnx__value_name(xai_proto_span message) {
  xai_proto_span name = {0};
  for (xai_proto_field f; xai_proto__next_of(&message, 1, &f);) name = f.bytes;
  return name;
}

/* -1 and 0 are what some exporters write for "any size" instead of leaving dim_value out. */
static xai_status add_dim(xai_proto_span dim, xai_shape *shape, xai_err *err) {
  int64_t size = -1;
  for (xai_proto_field f; xai_proto__next_of(&dim, 1, &f);) size = (int64_t)f.bits;
  if (size < -1) return xai_fail(err, XAI_EFORMAT, "a dim of size %lld", (long long)size);
  if (shape->rank == XAI_MAX_RANK) return xai_fail(err, XAI_EUNSUPPORTED, "more than %d dims", XAI_MAX_RANK);
  shape->dims[shape->rank++] = size == 0 ? -1 : size;
  return XAI_OK;
}

static xai_status read_tensor_type(xai_proto_span type, xai_onnx_value *v, xai_err *err) {
  int64_t element = 0;
  v->shape.rank = -1;
  for (xai_proto_field f; xai_proto__next(&type, &f);) {
    if (f.number == 1) element = (int64_t)f.bits;
    if (f.number != 2) continue;
    v->shape.rank = 0;
    for (xai_proto_field dim; xai_proto__next_of(&f.bytes, 1, &dim);) XAI_TRY(add_dim(dim.bytes, &v->shape, err));
  }
  if (v->shape.rank < 0)
    return xai_fail(err, XAI_EUNSUPPORTED, "its shape is not given (expected dims, if only named ones)");
  return xai_onnx__dtype(element, &v->dtype, err);
}

xai_status xai_onnx__value(xai_proto_span message, xai_onnx_value *out, xai_err *err) {
  xai_onnx_value v = {.name = xai_onnx__value_name(message)};
  xai_proto_field type, tensor;
  if (!xai_proto__next_of(&message, 2, &type)) return xai_fail(err, XAI_EFORMAT, "its type is not given");
  if (!xai_proto__next_of(&type.bytes, 1, &tensor))
    return xai_fail(err, XAI_EUNSUPPORTED, "not a tensor (sequences, maps and optionals are not supported)");
  XAI_TRY(read_tensor_type(tensor.bytes, &v, err));
  *out = v;
  return XAI_OK;
}

/* ---- nodes --------------------------------------------------------------------------------------- */
/* Very old files leave the type out: it is that of the field that is there. */
static xai_onnx_type type_of_field(uint32_t number) {
  switch (number) {
    case 2: return XAI_ONNX_T_FLOAT;
    case 3: return XAI_ONNX_T_INT;
    case 4: return XAI_ONNX_T_STRING;
    case 5: return XAI_ONNX_T_TENSOR;
    case 6: return XAI_ONNX_T_GRAPH;
    case XAI_ATTR_FLOATS_FIELD: return XAI_ONNX_T_FLOATS;
    case XAI_ATTR_INTS_FIELD: return XAI_ONNX_T_INTS;
    case 9: return XAI_ONNX_T_STRINGS;
    default: return XAI_ONNX_T_NONE;
  }
}

static xai_onnx_attr read_attr(xai_proto_span message) {
  xai_onnx_attr a = {.all = message};
  xai_onnx_type present = XAI_ONNX_T_NONE;
  uint64_t type = 0;
  for (xai_proto_field f; xai_proto__next(&message, &f);) {
    if (type_of_field(f.number) != XAI_ONNX_T_NONE) present = type_of_field(f.number);
    switch (f.number) {
      case 1: a.name = f.bytes; break;
      case 2: a.f = xai_proto__float(f.bits); break;
      case 3: a.i = (int64_t)f.bits; break;
      case 4: a.s = f.bytes; break;
      case 5: a.t = f.bytes; break;
      case 6: a.g = f.bytes; break;
      case 20: type = f.bits; break;
      default: break;
    }
  }
  a.type = type == 0 ? present : type < XAI_ONNX_T_OTHER ? (xai_onnx_type)type : XAI_ONNX_T_OTHER;
  return a;
}

const char *xai_onnx__type_name(xai_onnx_type type) {
  static const char *const names[] = {[XAI_ONNX_T_NONE] = "nothing",
                                      [XAI_ONNX_T_FLOAT] = "a float",
                                      [XAI_ONNX_T_INT] = "an int",
                                      [XAI_ONNX_T_STRING] = "a string",
                                      [XAI_ONNX_T_TENSOR] = "a tensor",
                                      [XAI_ONNX_T_GRAPH] = "a graph",
                                      [XAI_ONNX_T_FLOATS] = "a list of floats",
                                      [XAI_ONNX_T_INTS] = "a list of ints",
                                      [XAI_ONNX_T_STRINGS] = "a list of strings",
                                      [XAI_ONNX_T_OTHER] = "something else"};
  return names[type];
}

xai_onnx_attr *xai_onnx__attr(xai_onnx_node *n, const char *name) {
  for (int i = 0; i < n->n_attrs; i++)
    if (xai_proto__equal(n->attrs[i].name, name)) return &n->attrs[i];
  return NULL;
}

static xai_status add_attr(xai_onnx_node *n, xai_proto_span message, xai_err *err) {
  xai_onnx_attr a = read_attr(message);
  for (int i = 0; i < n->n_attrs; i++) {
    xai_proto_span other = n->attrs[i].name;
    if (other.n == a.name.n && (a.name.n == 0 || memcmp(other.at, a.name.at, a.name.n) == 0))
      return xai_fail(err, XAI_EFORMAT, "attribute '%.*s' occurs twice", XAI_SPAN(a.name));
  }
  if (n->n_attrs == XAI_ONNX_ATTRS) return xai_fail(err, XAI_EFORMAT, "more than %d attributes", XAI_ONNX_ATTRS);
  n->attrs[n->n_attrs++] = a;
  return XAI_OK;
}

xai_proto_span xai_onnx__node_label(xai_proto_span message) {
  xai_proto_span name = {0}, output = {0};
  for (xai_proto_field f; xai_proto__next(&message, &f);) {
    if (f.number == 3) name = f.bytes;
    if (f.number == 2 && output.n == 0) output = f.bytes;
  }
  return name.n > 0 ? name : output;
}

/* Copies a string to *at, with a NUL, and moves on. */
static const char *put_text(xai_proto_span s, char **at) {
  char *text = *at;
  if (s.n > 0) memcpy(text, s.at, s.n);
  text[s.n] = '\0';
  *at += s.n + 1;
  return text;
}

/* One block holds both arrays of names and all the text. First pass: how much; second: fill. */
xai_status xai_onnx__node(xai_proto_span message, xai_onnx_node *out, xai_err *err) {
  *out = (xai_onnx_node){.name = "", .label = "", .op = ""};
  xai_proto_span name = {0}, op = {0}, rest = message;
  size_t text = 0, n_in = 0, n_out = 0;
  for (xai_proto_field f; xai_proto__next(&rest, &f);) {
    switch (f.number) {
      case 1: n_in++; break;
      case 2:
        if (n_out++ == 0) out->first_output = f.bytes;
        break;
      case 3: name = f.bytes; continue;
      case 4: op = f.bytes; continue;
      case 5: XAI_TRY(add_attr(out, f.bytes, err)); continue;
      case 7: out->domain = f.bytes; continue;
      default: continue;
    }
    XAI_TRY(xai_proto__no_nul(f.bytes, err));
    text += f.bytes.n + 1;
  }
  XAI_TRY(xai_proto__no_nul(name, err));
  XAI_TRY(xai_proto__no_nul(op, err));
  size_t room = n_in < XAI_ONNX_INPUTS_MIN ? XAI_ONNX_INPUTS_MIN : n_in;
  if (n_in > XAI_PROTO_MESSAGES || n_out > XAI_PROTO_MESSAGES)
    return xai_fail(err, XAI_EFORMAT, "more than %d inputs or outputs", XAI_PROTO_MESSAGES);
  size_t bytes = (room + n_out) * sizeof(char *) + text + name.n + op.n + 2;
  out->memory = xai_alloc(bytes);
  if (out->memory == NULL) return xai_fail_memory(err, bytes);
  out->in = out->memory;
  out->out = out->in + room;
  char *at = (char *)(out->out + n_out);
  for (xai_proto_field f; xai_proto__next(&message, &f);) {
    if (f.number == 1 && out->n_in < (int)n_in) out->in[out->n_in++] = put_text(f.bytes, &at);
    if (f.number == 2 && out->n_out < (int)n_out) out->out[out->n_out++] = put_text(f.bytes, &at);
  }
  for (size_t i = (size_t)out->n_in; i < room; i++) out->in[i] = "";
  out->name = put_text(name, &at);
  out->op = put_text(op, &at);
  out->label = out->name[0] != '\0' || out->n_out == 0 ? out->name : out->out[0];
  return XAI_OK;
}

void xai_onnx__node_free(xai_onnx_node *n) {
  xai_free(n->memory);
  n->memory = NULL;
}
