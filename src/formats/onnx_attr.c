/* formats/onnx_attr.c: a node's attributes into the operator's attribute block, driven by the rows of graph/op.h. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/str.h"
#include "formats/onnx_ops.h"

static xai_status fail_type(const xai_onnx_attr *a, xai_onnx_type expected, xai_err *err) {
  return xai_fail(err, XAI_EFORMAT, "attribute '%.*s': expected %s, got %s", XAI_SPAN(a->name),
                  xai_onnx__type_name(expected), xai_onnx__type_name(a->type));
}

xai_status xai_onnx__take(xai_onnx_node *n, const char *name, xai_onnx_type type, const xai_onnx_attr **out,
                          xai_err *err) {
  xai_onnx_attr *a = xai_onnx__attr(n, name);
  if (a != NULL && a->type != type) return fail_type(a, type, err);
  if (a != NULL) a->used = true;
  *out = a;
  return XAI_OK;
}

static xai_status read_ints(const xai_onnx_attr *a, xai_ints *out, xai_err *err) {
  xai_proto_numbers list = xai_proto__numbers(a->all, XAI_ATTR_INTS_FIELD, 0);
  out->n = 0;
  for (uint64_t bits; xai_proto__number(&list, &bits);) {
    if (out->n == XAI_INTS_MAX)
      return xai_fail(err, XAI_EFORMAT, "attribute '%.*s': more than %d numbers", XAI_SPAN(a->name), XAI_INTS_MAX);
    out->v[out->n++] = (int64_t)bits;
  }
  return XAI_OK;
}

static xai_status read_choice(const xai_onnx_attr *a, const char *const *choices, int64_t *out, xai_err *err) {
  char list[200] = "";
  size_t used = 0;
  for (int i = 0; choices[i] != NULL; i++) {
    if (xai_proto__equal(a->s, choices[i])) {
      *out = i;
      return XAI_OK;
    }
    xai_str_append(list, sizeof list, &used, "%s%s", i > 0 ? ", " : "", choices[i]);
  }
  return xai_fail(err, XAI_EUNSUPPORTED, "attribute '%.*s': '%.*s' is not supported (expected one of %s)",
                  XAI_SPAN(a->name), XAI_SPAN(a->s), list);
}

static xai_status read_text(const xai_onnx_attr *a, char *out, xai_err *err) {
  if (a->s.n >= XAI_TEXT_MAX)
    return xai_fail(err, XAI_EUNSUPPORTED, "attribute '%.*s' has %zu bytes (at most %d)", XAI_SPAN(a->name), a->s.n,
                    XAI_TEXT_MAX - 1);
  if (a->s.n > 0) memcpy(out, a->s.at, a->s.n);
  out[a->s.n] = '\0';
  return XAI_OK;
}

static xai_status read_attr(const xai_onnx_attr *a, const xai_attr_spec *spec, xai_attrs *attrs, xai_err *err) {
  static const xai_onnx_type types[] = {[XAI_ATTR_INT] = XAI_ONNX_T_INT,
                                        [XAI_ATTR_FLOAT] = XAI_ONNX_T_FLOAT,
                                        [XAI_ATTR_INTS] = XAI_ONNX_T_INTS,
                                        [XAI_ATTR_CHOICE] = XAI_ONNX_T_STRING,
                                        [XAI_ATTR_TEXT] = XAI_ONNX_T_STRING};
  void *field = (char *)attrs + spec->offset;
  if (a->type != types[spec->kind]) return fail_type(a, types[spec->kind], err);
  switch (spec->kind) {
    case XAI_ATTR_INT: *(int64_t *)field = a->i; break;
    case XAI_ATTR_FLOAT: *(double *)field = a->f; break;
    case XAI_ATTR_INTS: return read_ints(a, field, err);
    case XAI_ATTR_CHOICE: return read_choice(a, spec->choices, field, err);
    case XAI_ATTR_TEXT: return read_text(a, field, err);
  }
  return XAI_OK;
}

xai_status xai_onnx__attrs(xai_onnx_node *n, xai_op op, xai_attrs *attrs, xai_err *err) {
  for (const xai_attr_spec *spec = xai_op_get(op)->attrs; spec != NULL && spec->name != NULL; spec++) {
    xai_onnx_attr *a = xai_onnx__attr(n, spec->name);
    if (a == NULL || a->used) continue;
    XAI_TRY(read_attr(a, spec, attrs, err));
    a->used = true;
  }
  return XAI_OK;
}

/* Attributes of older forms, or for types that we widen anyway, that change nothing at inference. */
static bool harmless(xai_op op, xai_proto_span name) {
  static const struct {
    const char *name;
    int op; /* -1: any */
  } known[] = {
      {"consumed_inputs", -1},   {"is_test", XAI_OP_BATCH_NORM}, {"is_test", XAI_OP_DROPOUT},
      {"ratio", XAI_OP_DROPOUT}, {"broadcast", XAI_OP_GEMM},     {"round_mode", XAI_OP_CAST},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if ((known[i].op < 0 || known[i].op == (int)op) && xai_proto__equal(name, known[i].name)) return true;
  return false;
}

static const char *spec_name(const void *specs, size_t i) { return ((const xai_attr_spec *)specs)[i].name; }

xai_status xai_onnx__attrs_all_used(const xai_onnx_node *n, xai_op op, int64_t opset, xai_err *err) {
  for (int i = 0; i < n->n_attrs; i++) {
    const xai_onnx_attr *a = &n->attrs[i];
    if (a->used || harmless(op, a->name)) continue;
    const xai_attr_spec *specs = xai_op_get(op)->attrs;
    size_t count = 0;
    while (specs != NULL && specs[count].name != NULL) count++;
    char name[XAI_PROTO_TEXT + 1] = "", hint[XAI_PROTO_TEXT];
    size_t length = a->name.n < XAI_PROTO_TEXT ? a->name.n : XAI_PROTO_TEXT;
    if (length > 0) memcpy(name, a->name.at, length);
    xai_str_suggest(hint, sizeof hint, xai_str_nearest(name, count, spec_name, specs));
    return xai_fail(err, XAI_EUNSUPPORTED, "attribute '%s' of operator %s (opset %" PRId64 ") is not supported%s", name,
                    n->op, opset, hint);
  }
  return XAI_OK;
}

/* ---- attributes as tensors ----------------------------------------------------------------------- */
static xai_status list_tensor(const xai_onnx_attr *a, bool floats, xai_tensor **out, xai_err *err) {
  xai_proto_numbers list =
      xai_proto__numbers(a->all, floats ? XAI_ATTR_FLOATS_FIELD : XAI_ATTR_INTS_FIELD, floats ? 4 : 0);
  xai_proto_numbers again = list;
  int64_t n = 0, i = 0;
  for (uint64_t bits; xai_proto__number(&list, &bits);) n++;
  xai_tensor *t;
  XAI_TRY(xai_tensor_new(floats ? XAI_F32 : XAI_I64, XAI_SHAPE(n), &t, err));
  void *data = xai_tensor_view(t)->data;
  for (uint64_t bits; i < n && xai_proto__number(&again, &bits); i++) {
    if (floats) ((float *)data)[i] = xai_proto__float(bits);
    else ((int64_t *)data)[i] = (int64_t)bits;
  }
  *out = t;
  return XAI_OK;
}

xai_status xai_onnx__attr_tensor(xai_onnx_reader *r, const xai_onnx_attr *a, xai_tensor **out, xai_err *err) {
  xai_shape scalar = {.rank = 0};
  xai_view one = {.dtype = XAI_F32, .shape = scalar};
  float f = a->f;
  int64_t i = a->i;
  switch (a->type) {
    case XAI_ONNX_T_TENSOR: return xai_onnx__tensor(&r->source, a->t, out, err);
    case XAI_ONNX_T_FLOATS: return list_tensor(a, true, out, err);
    case XAI_ONNX_T_INTS: return list_tensor(a, false, out, err);
    case XAI_ONNX_T_FLOAT: one.data = &f; return xai_tensor_copy(&one, out, err);
    case XAI_ONNX_T_INT:
      one.dtype = XAI_I64;
      one.data = &i;
      return xai_tensor_copy(&one, out, err);
    default: break;
  }
  return xai_fail(err, XAI_EUNSUPPORTED, "attribute '%.*s': %s cannot become a tensor", XAI_SPAN(a->name),
                  xai_onnx__type_name(a->type));
}
