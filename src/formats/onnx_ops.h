/* formats/onnx_ops.h: from nodes of an ONNX file to nodes of a network. */
#ifndef FORMATS_ONNX_OPS_H
#define FORMATS_ONNX_OPS_H

#include "formats/onnx_model.h"
#include "graph/build.h"

/* What is known while the nodes of one file are added one after another. */
typedef struct xai_onnx_reader {
  xai_builder *builder;
  xai_onnx_source source;
  int64_t opset;
  bool has_functions; /* the file defines operators of its own */
  int depth;          /* of branches within branches */
  int64_t work;       /* nodes looked at by xai_onnx__compute */
  unsigned fresh; /* makes names of added values distinct */
  xai_op last_op; /* the node added last, and the name of its output in the file */
  xai_proto_span last_output;
} xai_onnx_reader;

/* Writes what the node says into *attrs (which holds the defaults), along the operator's attribute table, and marks it
 * used. Attributes without a row are left alone. Fails with XAI_EFORMAT for a value of the wrong type or an
 * unknown choice, which it names. */
xai_status xai_onnx__attrs(xai_onnx_node *n, xai_op op, xai_attrs *attrs, xai_err *err);
/* Fails with XAI_EUNSUPPORTED when an attribute is left that nobody has used and that is not known to be harmless. */
xai_status xai_onnx__attrs_all_used(const xai_onnx_node *n, xai_op op, int64_t opset, xai_err *err);

/* An attribute that the caller translates: *out is the attribute of that name and type, now used; NULL if absent.
 * Fails with XAI_EFORMAT when it has another type. */
xai_status xai_onnx__take(xai_onnx_node *n, const char *name, xai_onnx_type type, const xai_onnx_attr **out,
                          xai_err *err);
/* Its list of ints or floats as a tensor of one dimension; an int, float or tensor as what it is. */
xai_status xai_onnx__attr_tensor(xai_onnx_reader *r, const xai_onnx_attr *a, xai_tensor **out, xai_err *err);

/* Adds the node, in the newest form of its operator, to r->builder; a Constant becomes a constant. An older form may
 * become several nodes: the one that makes the file's value keeps the file's name, helpers are called
 * "<name>/<what>". Messages do not name the node. */
xai_status xai_onnx__add(xai_onnx_reader *r, xai_onnx_node *n, xai_err *err);

/* The elements of a value that are known now, a new tensor: xai_builder_compute. Fails when too much has been computed
 * already, since each time all nodes before are looked at. */
xai_status xai_onnx__compute(xai_onnx_reader *r, const char *name, xai_tensor **out, xai_err *err);

/* Adds initializers and nodes of a graph message, that of the file or of a branch (onnx_load.c). */
xai_status xai_onnx__body(xai_onnx_reader *r, xai_proto_span graph, xai_err *err);
/* An If whose condition is known now becomes the nodes of one of its branches; the other is not read (onnx_if.c). */
xai_status xai_onnx__add_if(xai_onnx_reader *r, xai_onnx_node *n, xai_err *err);

#endif
