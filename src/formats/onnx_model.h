/* formats/onnx_model.h: the messages of an ONNX file as views into it. Strings and payloads stay in the
 * file; only names that must become C strings are copied, one node at a time. */
#ifndef FORMATS_ONNX_MODEL_H
#define FORMATS_ONNX_MODEL_H

#include "formats/inspect.h"
#include "formats/proto_wire.h"
#include "tensor/tensor.h"

/* What makes sense in a network and no more; protects memory (100 bytes of file can become a kilobyte). */
enum { XAI_ONNX_NODES = 100000, XAI_ONNX_INITIALIZERS = 100000, XAI_ONNX_ATTRS = 32 };

/* Field numbers that readers walk along with xai_proto__next_of. */
enum { XAI_GRAPH_NODE = 1, XAI_GRAPH_INITIALIZER = 5, XAI_GRAPH_INPUT = 11, XAI_GRAPH_OUTPUT = 12 };
enum { XAI_ATTR_FLOATS_FIELD = 7, XAI_ATTR_INTS_FIELD = 8 };

typedef struct xai_onnx_model {
  int64_t ir_version, opset;
  xai_proto_span graph, all, producer, version; /* the last two: the program that wrote it */
  bool has_functions;
} xai_onnx_model;

/* Checks the whole file (xai_proto__check), the number of nodes and initializers, and the versions. */
xai_status xai_onnx__model(xai_proto_span file, xai_onnx_model *out, xai_err *err);

/* The text that the model's metadata_props have under this key, the last one if there are several; false if none. */
bool xai_onnx__meta(const xai_onnx_model *m, const char *key, xai_proto_span *out);

/* A graph input or output. dims: -1 where the size is free. */
typedef struct xai_onnx_value {
  xai_proto_span name;
  xai_dtype dtype;
  xai_shape shape;
} xai_onnx_value;
/* Fails with XAI_EUNSUPPORTED when it is not a tensor of a numeric type with a shape of at most XAI_MAX_RANK dims. */
xai_status xai_onnx__value(xai_proto_span message, xai_onnx_value *out, xai_err *err);
/* The name alone. */
xai_proto_span xai_onnx__value_name(xai_proto_span message);

/* ---- element types ------------------------------------------------------------------------------- */
/* ONNX' numbers for element types become ours: floats of any width float32; signed and unsigned integers that
 * fit int32, the others int64. *name is ONNX' word for it, for messages. Fails with XAI_EUNSUPPORTED. */
xai_status xai_onnx__dtype(int64_t type, xai_dtype *out, xai_err *err);

/* A TensorProto's name, or an empty span. */
xai_proto_span xai_onnx__tensor_name(xai_proto_span message);
/* Is the file one well-formed TensorProto? */
xai_status xai_onnx__check_tensor(xai_proto_span file, xai_err *err);
/* Where tensors come from: the model's file, and the one beside it that was read last. */
typedef struct xai_onnx_source {
  xai_file *file;
  xai_file *beside;
  xai_proto_span location; /* of 'beside', as the model's file spells it */
  xai_inspection *seen; /* NULL: the file is loaded */
} xai_onnx_source;
/* Elements of a TensorProto. float32, int32, int64 and uint8 lie in the mapped file wherever they can; others are
 * converted once. Memory is bounded by 8 times the payload. Fails with XAI_EFORMAT when the payload does not have
 * exactly the elements that dims promise, with XAI_EUNSUPPORTED for types that are not numbers. External data are
 * mapped from a file beside the model's (xai_file_map_beside). Weights are zeros in an inspection. source NULL: the bytes are no file's, and there is none
 * beside. */
xai_status xai_onnx__tensor(xai_onnx_source *source, xai_proto_span message, xai_tensor **out, xai_err *err);

/* ---- nodes --------------------------------------------------------------------------------------- */
typedef enum xai_onnx_type { /* AttributeProto.type */
  XAI_ONNX_T_NONE, XAI_ONNX_T_FLOAT, XAI_ONNX_T_INT, XAI_ONNX_T_STRING, XAI_ONNX_T_TENSOR, XAI_ONNX_T_GRAPH,
  XAI_ONNX_T_FLOATS, XAI_ONNX_T_INTS, XAI_ONNX_T_STRINGS, XAI_ONNX_T_OTHER
} xai_onnx_type;

typedef struct xai_onnx_attr {
  xai_proto_span name;
  xai_onnx_type type;
  float f;
  int64_t i;
  xai_proto_span s, t, g; /* string; tensor message; graph message */
  xai_proto_span all;  /* the attribute itself, for its lists */
  bool used;          /* someone has understood it; what nobody has is an error */
} xai_onnx_attr;

/* A node's inputs may be lengthened up to this by forms that pass attributes as inputs. */
enum { XAI_ONNX_INPUTS_MIN = 6 };

typedef struct xai_onnx_node {
  const char *name;  /* "" if it has none */
  const char *label; /* the name, or the first output: what added values are called after */
  const char *op;
  xai_proto_span domain, first_output;
  int n_in, n_out, n_attrs;
  const char **in, **out; /* "" = left out; at least XAI_ONNX_INPUTS_MIN places in 'in', those beyond n_in "" */
  xai_onnx_attr attrs[XAI_ONNX_ATTRS];
  void *memory;
} xai_onnx_node;

/* Fails with XAI_EFORMAT for a name with a NUL inside, an attribute twice or too many of them. Always free it. */
xai_status xai_onnx__node(xai_proto_span message, xai_onnx_node *out, xai_err *err);
void xai_onnx__node_free(xai_onnx_node *n);
/* A NodeProto's name, or its first output if it has none. */
xai_proto_span xai_onnx__node_label(xai_proto_span message);
/* The attribute of this name, or NULL. */
xai_onnx_attr *xai_onnx__attr(xai_onnx_node *n, const char *name);
const char *xai_onnx__type_name(xai_onnx_type type); /* "an int", "a list of floats", ... */

#endif
