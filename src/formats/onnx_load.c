/* formats/onnx_load.c: an ONNX file to a network: initializers become constants, inputs that are not initializers
 * the network's inputs, nodes its layers under the names that the file gives them.
 *
 * The same reader inspects a file (inspect.h): it then notes what it cannot do and goes on.
 *
 * All bytes are untrusted. The whole file is checked first (proto_wire.c); names, counts and element counts are
 * bounded before anything is allocated for them; what the values mean is checked by the builder and by shape
 * inference. Not read: loops, functions, operators of other domains. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "formats/formats.h"
#include "formats/load.h"
#include "formats/net_meta.h"
#include "formats/onnx_ops.h"

/* What the file is, when it is something else. */
static xai_status fail_format(xai_proto_span file, xai_status st, xai_err *err) {
  if (st != XAI_EFORMAT) return st;
  xai_format format = xai_format_sniff(file.at, file.n);
  if (format == XAI_FORMAT_ONNX) return st;
  if (format == XAI_FORMAT_UNKNOWN) return xai_err_prefix(err, st, "not an ONNX model, or damaged: ");
  return xai_fail(err, st, "%s, expected an ONNX model", xai_format_name(format));
}

static xai_status add_initializer(xai_onnx_reader *r, xai_proto_span message, xai_err *err) {
  char *name = NULL;
  xai_tensor *t = NULL;
  xai_status st;
  xai_proto_span text = xai_onnx__tensor_name(message);
  if (text.n == 0) return xai_fail(err, XAI_EFORMAT, "an initializer without a name");
  XAI_GOTO(xai_proto__text(text, &name, err));
  st = xai_onnx__tensor(&r->source, message, &t, err);
  if (st == XAI_OK) st = xai_builder_constant(r->builder, name, t, err);
  if (st == XAI_OK) goto done;
  XAI_GOTO(xai_inspection__problem(r->source.seen, name, "", st, err));
  st = xai_inspection__stand_in(r->builder, name, err);
done:
  xai_tensor_free(t);
  xai_free(name);
  return xai_err_prefix(err, st, "initializer '%.*s': ", XAI_SPAN(text));
}

/* Files of IR 3 and older list the initializers among the inputs; newer ones may, to say that they can be replaced. */
static xai_status add_input(xai_onnx_reader *r, xai_proto_span message, xai_err *err) {
  char *name = NULL;
  xai_onnx_value v;
  xai_tensor *constant = NULL;
  xai_status st;
  xai_proto_span text = xai_onnx__value_name(message);
  if (text.n == 0) return xai_fail(err, XAI_EFORMAT, "an input without a name");
  XAI_GOTO(xai_proto__text(text, &name, err));
  if (xai_builder_find(r->builder, name, &constant) && constant != NULL) goto done;
  st = xai_onnx__value(message, &v, err);
  if (st == XAI_OK) st = xai_builder_input(r->builder, name, v.dtype, v.shape, err);
  if (st == XAI_OK) goto done;
  XAI_GOTO(xai_inspection__problem(r->source.seen, name, "", st, err));
  st = xai_inspection__stand_in(r->builder, name, err);
done:
  xai_free(name);
  return xai_err_prefix(err, st, "input '%.*s': ", XAI_SPAN(text));
}

/* An inspection goes on behind a node that cannot be added. */
static xai_status pass_over(xai_onnx_reader *r, const xai_onnx_node *n, xai_status st, xai_err *err) {
  XAI_TRY(xai_inspection__problem(r->source.seen, n->label, n->op, st, err));
  for (int i = 0; i < n->n_out; i++) XAI_TRY(xai_inspection__stand_in(r->builder, n->out[i], err));
  return XAI_OK;
}

/* Once something is missing, no condition can be decided; that is no problem of its own. */
static bool undecided(const xai_onnx_reader *r, const xai_onnx_node *n) {
  return r->source.seen != NULL && r->source.seen->n_problems > 0 && strcmp(n->op, "If") == 0;
}

static xai_status add_node(xai_onnx_reader *r, xai_proto_span message, xai_err *err) {
  xai_onnx_node n;
  xai_status st;
  XAI_GOTO(xai_onnx__node(message, &n, err));
  XAI_GOTO(xai_inspection__op(r->source.seen, n.op, err));
  bool skipped = undecided(r, &n);
  if (!skipped) st = xai_onnx__add(r, &n, err);
  if (skipped || st != XAI_OK) st = pass_over(r, &n, st, err);
done:
  xai_onnx__node_free(&n);
  xai_proto_span label = xai_onnx__node_label(message);
  return xai_err_prefix(err, st, "node '%.*s': ", XAI_SPAN(label));
}

static xai_status add_output(xai_onnx_reader *r, xai_proto_span message, xai_err *err) {
  char *name;
  XAI_TRY(xai_proto__text(xai_onnx__value_name(message), &name, err));
  xai_status st = xai_builder_output(r->builder, name, err);
  xai_free(name);
  return xai_err_prefix(err, st, "output: ");
}

static xai_status add_all(xai_onnx_reader *r, xai_proto_span graph, uint32_t number,
                          xai_status (*add)(xai_onnx_reader *, xai_proto_span, xai_err *), xai_err *err) {
  for (xai_proto_field f; xai_proto__next_of(&graph, number, &f);) {
    if (xai_stop_requested()) return xai_fail_stop(err);
    XAI_TRY(add(r, f.bytes, err));
  }
  return XAI_OK;
}

static bool find_meta(const xai_onnx_model *m, const char *key, xai_json *out) {
  xai_proto_span s = {0};
  bool found = xai_onnx__meta(m, key, &s);
  out->at = s.n > 0 ? (const char *)s.at : "";
  out->end = out->at + s.n;
  return found;
}

/* Preprocessing and labels, where the file has ours. */
static xai_status add_meta(const xai_onnx_model *m, xai_net **net, xai_err *err) {
  xai_json text;
  if (find_meta(m, XAI_META_PREPROCESS, &text)) XAI_TRY(xai_meta__set_preprocess(net, text, err));
  if (find_meta(m, XAI_META_LABELS, &text)) XAI_TRY(xai_meta__set_labels(net, text, err));
  return XAI_OK;
}

static void describe(const xai_onnx_model *m, xai_inspection *out) {
  out->format = "ONNX";
  out->ir_version = m->ir_version;
  out->opset = m->opset;
  snprintf(out->producer, sizeof out->producer, "%.*s%s%.*s", XAI_SPAN(m->producer), m->version.n > 0 ? " " : "",
           XAI_SPAN(m->version));
}

xai_status xai_onnx__body(xai_onnx_reader *r, xai_proto_span graph, xai_err *err) {
  XAI_TRY(add_all(r, graph, XAI_GRAPH_INITIALIZER, add_initializer, err));
  return add_all(r, graph, XAI_GRAPH_NODE, add_node, err);
}

/* The whole file; with an inspection, *out is NULL when there is anything wrong with it. */
static xai_status load(xai_file *file, xai_inspection *seen, xai_net **out, xai_err *err) {
  xai_status st;
  xai_onnx_model m;
  xai_onnx_reader r = {.source = {.file = file, .seen = seen}, .last_op = XAI_OP_COUNT};
  xai_proto_span all = {xai_file_data(file), xai_file_size(file)};
  xai_net *net = NULL;
  if (all.n > XAI_LARGEST_MODEL) {
    st = xai_fail(err, XAI_EFORMAT, "file of %.1f MB is over the limit of %.1f MB", (double)all.n / 1e6,
                  (double)XAI_LARGEST_MODEL / 1e6);
    goto done;
  }
  st = xai_onnx__model(all, &m, err);
  if (st != XAI_OK) {
    st = fail_format(all, st, err);
    goto done;
  }
  if (seen != NULL) describe(&m, seen);
  r.opset = m.opset;
  r.has_functions = m.has_functions;
  XAI_GOTO(xai_builder_new(&r.builder, err));
  XAI_GOTO(add_all(&r, m.graph, XAI_GRAPH_INITIALIZER, add_initializer, err));
  XAI_GOTO(add_all(&r, m.graph, XAI_GRAPH_INPUT, add_input, err));
  XAI_GOTO(add_all(&r, m.graph, XAI_GRAPH_NODE, add_node, err));
  if (seen != NULL && seen->n_problems > 0) goto done;
  XAI_GOTO(xai_builder_channels_first(r.builder, err));
  st = add_all(&r, m.graph, XAI_GRAPH_OUTPUT, add_output, err);
  if (st == XAI_OK) st = xai_builder_freeze(r.builder, &net, err);
  if (st == XAI_OK) st = add_meta(&m, &net, err);
  XAI_GOTO(xai_inspection__problem(seen, "", "", st, err));
  if (seen == NULL || seen->n_problems == 0) {
    *out = net;
    net = NULL;
  }
done:
  xai_net_free(net);
  xai_builder_free(r.builder);
  xai_file_release(r.source.beside);
  return xai_err_prefix(err, st, "%s: ", xai_file_path(file));
}

xai_status xai_onnx_load(xai_file *file, xai_net **out, xai_err *err) { return load(file, NULL, out, err); }

xai_status xai_onnx__inspect(xai_file *file, xai_inspection *out, xai_err *err) {
  return load(file, out, &out->net, err);
}
