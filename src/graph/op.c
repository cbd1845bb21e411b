/* graph/op.c: the table of operators and how to look things up in it. */
#include "graph/op.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"
#include "graph/op_check.h"

static const xai_op_def *const defs[] = {
#define XAI_OP(id, name) &xai_op_def_##id,
#include "graph/ops.def"
#undef XAI_OP
};
static_assert(sizeof defs / sizeof *defs == XAI_OP_COUNT, "one row per operator");

const xai_op_def *xai_op_get(xai_op op) { return defs[op]; }

enum { NAMED = XAI_OP_BLOCK }; /* rows that ONNX has; the inner ones follow */

bool xai_op_find(const char *name, xai_op *op) {
  for (int i = 0; i < NAMED; i++)
    if (strcmp(defs[i]->name, name) == 0) {
      *op = (xai_op)i;
      return true;
    }
  return false;
}

static const char *name_at(const void *ctx, size_t i) {
  (void)ctx;
  return defs[i]->name;
}

const char *xai_op_nearest(const char *name) { return xai_str_nearest(name, NAMED, name_at, NULL); }

unsigned xai_op_grad(const xai_op_def *def, int input) {
  return def->grad[input < XAI_GRAD_INPUTS ? input : XAI_GRAD_INPUTS - 1];
}

void xai_attrs_default(xai_op op, xai_attrs *attrs) {
  memset(attrs, 0, sizeof *attrs);
  const xai_attr_spec *spec = defs[op]->attrs;
  for (; spec != NULL && spec->name != NULL; spec++) {
    void *field = (char *)attrs + spec->offset;
    switch (spec->kind) {
      case XAI_ATTR_FLOAT: *(double *)field = spec->fallback; break;
      case XAI_ATTR_INT:
      case XAI_ATTR_CHOICE: *(int64_t *)field = (int64_t)spec->fallback; break;
      case XAI_ATTR_INTS:
      case XAI_ATTR_TEXT: break;
    }
  }
}

const xai_attr_spec *xai_attr_find(xai_op op, const char *name) {
  const xai_attr_spec *spec = defs[op]->attrs;
  for (; spec != NULL && spec->name != NULL; spec++)
    if (strcmp(spec->name, name) == 0) return spec;
  return NULL;
}

/* ---- inference -------------------------------------------------------------------------------------- */

static xai_status check_counts(const xai_op_def *def, const xai_call *c, xai_err *err) {
  if (c->n_in < def->min_in || (def->max_in >= 0 && c->n_in > def->max_in)) {
    if (def->max_in < 0)
      return xai_fail(err, XAI_EARG, "%d inputs (expected at least %d)", c->n_in, def->min_in);
    if (def->min_in == def->max_in)
      return xai_fail(err, XAI_EARG, "%d inputs (expected %d)", c->n_in, def->min_in);
    return xai_fail(err, XAI_EARG, "%d inputs (expected %d to %d)", c->n_in, def->min_in, def->max_in);
  }
  if (c->n_out < 1 || c->n_out > def->max_out)
    return xai_fail(err, XAI_EARG, "%d outputs (expected %s%d)", c->n_out, def->max_out > 1 ? "1 to " : "", def->max_out);
  return XAI_OK;
}

static xai_status check_inputs(const xai_op_def *def, const xai_call *c, xai_err *err) {
  for (int i = 0; i < c->n_in; i++) {
    int64_t count;
    const xai_shape *s = &c->in[i].shape;
    bool optional = i >= def->min_in && def->max_in >= 0;
    if (s->rank < 0 && optional) continue;
    if (s->rank < 0) return xai_fail(err, XAI_EARG, "input %d is missing", i);
    if (s->rank > XAI_MAX_RANK || !xai_shape_count(s, &count))
      return xai_fail(err, XAI_ESHAPE, "input %d: no tensor can have the shape %s", i, TEXT(s));
  }
  return XAI_OK;
}

static xai_status check_outputs(const xai_call *c, xai_err *err) {
  for (int i = 0; i < c->n_out; i++) {
    int64_t count;
    if (!xai_shape_count(&c->out[i].shape, &count))
      return xai_fail(err, XAI_ESHAPE, "the result %s has too many elements (limit %" PRId64 ")",
                      TEXT(&c->out[i].shape), XAI_MAX_ELEMENTS);
  }
  return XAI_OK;
}

xai_status xai_op_infer(xai_op op, xai_call *call, xai_err *err) {
  const xai_op_def *def = defs[op];
  xai_status st;
  XAI_GOTO(check_counts(def, call, err));
  XAI_GOTO(check_inputs(def, call, err));
  XAI_GOTO(def->infer(call, err));
  XAI_GOTO(check_outputs(call, err));
done:
  return xai_err_prefix(err, st, "%s: ", def->name);
}
