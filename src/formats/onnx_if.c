/* formats/onnx_if.c: If, when its condition is known before anything runs.
 *
 * Exporters write an If where a shape decides, such as "squeeze this axis if it has one element". With the input's
 * shape declared, that is known at load: the nodes of the branch that is taken are added in place of the If, the other
 * branch is not even looked at. A condition that depends on elements of an input, on a free size or on the batch is
 * refused, as are branches nested too deeply and conditions that would take too long to decide. */
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "formats/onnx_ops.h"
#include "tensor/tensor.h"

enum { MOST_DEPTH = 16, MOST_WORK = 2000000 };

xai_status xai_onnx__compute(xai_onnx_reader *r, const char *name, xai_tensor **out, xai_err *err) {
  r->work += xai_builder_size(r->builder);
  if (r->work > MOST_WORK)
    return xai_fail(err, XAI_EUNSUPPORTED, "the file has too many values to compute while it is read");
  return xai_builder_compute(r->builder, name, out, err);
}

static xai_status read_condition(xai_onnx_reader *r, const char *name, bool *out, xai_err *err) {
  xai_tensor *t;
  xai_status st = xai_onnx__compute(r, name, &t, err);
  if (st != XAI_OK) return xai_err_prefix(err, st, "If: the condition must be known when the network is loaded: ");
  bool one = xai_tensor_count(t) == 1;
  if (one) *out = xai_view_get(xai_tensor_view(t), 0) != 0;
  xai_tensor_free(t);
  return one ? XAI_OK : xai_fail(err, XAI_EFORMAT, "If: the condition has more than one element");
}

/* The outputs of the branch under the names of those of the If. */
static xai_status add_outputs(xai_onnx_reader *r, xai_proto_span graph, const xai_onnx_node *n, xai_err *err) {
  int i = 0;
  for (xai_proto_field f; xai_proto__next_of(&graph, XAI_GRAPH_OUTPUT, &f); i++) {
    char *inner;
    if (i >= n->n_out || n->out[i][0] == '\0') continue;
    XAI_TRY(xai_proto__text(xai_onnx__value_name(f.bytes), &inner, err));
    const char *from = inner;
    xai_status st =
        xai_builder_node(r->builder, i == 0 ? n->name : NULL, XAI_OP_IDENTITY, NULL, 1, &from, 1, &n->out[i], err);
    xai_free(inner);
    if (st != XAI_OK) return st;
  }
  if (i != n->n_out) return xai_fail(err, XAI_EFORMAT, "If: a branch with %d outputs (expected %d)", i, n->n_out);
  return XAI_OK;
}

xai_status xai_onnx__add_if(xai_onnx_reader *r, xai_onnx_node *n, xai_err *err) {
  const xai_onnx_attr *branch[2]; /* by the value of the condition */
  bool condition;
  XAI_TRY(xai_onnx__take(n, "else_branch", XAI_ONNX_T_GRAPH, &branch[0], err));
  XAI_TRY(xai_onnx__take(n, "then_branch", XAI_ONNX_T_GRAPH, &branch[1], err));
  if (n->n_in != 1 || branch[0] == NULL || branch[1] == NULL)
    return xai_fail(err, XAI_EFORMAT, "an If has a condition and two branches");
  if (r->depth == MOST_DEPTH) return xai_fail(err, XAI_EUNSUPPORTED, "If: nested more than %d deep", MOST_DEPTH);
  XAI_TRY(read_condition(r, n->in[0], &condition, err));
  r->depth++;
  xai_status st = xai_onnx__body(r, branch[condition]->g, err);
  if (st == XAI_OK) st = add_outputs(r, branch[condition]->g, n, err);
  r->depth--;
  return st;
}
