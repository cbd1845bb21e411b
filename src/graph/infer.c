/* graph/infer.c: shapes of all values for one input shape; see xai_facts in net.h. */
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "graph/net.h"

/* Larger results are left to the run, so that a small file cannot make planning expensive. */
enum { FOLD_LIMIT = 1 << 24 };

void xai_facts_free(xai_facts *f) {
  for (int v = 0; f->known != NULL && v < f->n; v++) xai_tensor_free(f->known[v]);
  xai_free(f->known);
  xai_free(f->views);
  *f = (xai_facts){0};
}

static bool all_inputs_known(const xai_call *call) {
  for (int i = 0; i < call->n_in; i++)
    if (xai_call_has(call, i) && call->in[i].data == NULL) return false;
  return true;
}

xai_status xai_call__compute(xai_op op, xai_call *call, xai_tensor *made[XAI_MAX_OUTPUTS], xai_err *err) {
  const xai_op_def *def = xai_op_get(op);
  xai_status st = XAI_OK;
  void *work = NULL;
  for (int i = 0; i < XAI_MAX_OUTPUTS; i++) made[i] = NULL;
  for (int i = 0; i < call->n_out; i++) {
    XAI_GOTO(xai_tensor_new(call->out[i].dtype, call->out[i].shape, &made[i], err));
    call->out[i].data = xai_tensor_view(made[i])->data;
  }
  size_t bytes = def->workspace != NULL ? def->workspace(call) : 0;
  if (bytes > 0 && (work = xai_alloc(bytes)) == NULL) {
    st = xai_fail_memory(err, bytes);
    goto done;
  }
  call->work = work;
  def->forward(call);
done:
  xai_free(work);
  for (int i = 0; st != XAI_OK && i < call->n_out; i++) {
    xai_tensor_free(made[i]);
    made[i] = NULL;
  }
  return st;
}

static xai_status infer_node(const xai_graph *g, int n, xai_facts *f, xai_err *err) {
  const xai_node *node = &g->nodes[n];
  const xai_op_def *def = xai_op_get(node->op);
  xai_status st = XAI_OK;
  xai_view out[XAI_MAX_OUTPUTS] = {{0}};
  xai_view *in = xai_calloc((size_t)node->n_in + 1, sizeof *in);
  if (in == NULL) return xai_fail_memory(err, sizeof *in);
  for (int i = 0; i < node->n_in; i++) {
    if (node->in[i] >= 0) in[i] = f->views[node->in[i]];
    else in[i].shape.rank = -1;
  }
  xai_call call = {.attrs = &node->attrs, .n_in = node->n_in, .n_out = node->n_out, .in = in, .out = out};
  XAI_GOTO(xai_op_infer(node->op, &call, err));
  bool small = true;
  for (int i = 0; i < node->n_out; i++) {
    small = small && xai_shape_size(&out[i].shape) <= FOLD_LIMIT;
    out[i].data = NULL;
    if (node->out[i] >= 0) f->views[node->out[i]] = out[i];
  }
  if (small && ((def->flags & XAI_OP_SHAPE_ONLY) != 0 || all_inputs_known(&call))) {
    xai_tensor *made[XAI_MAX_OUTPUTS];
    XAI_GOTO(xai_call__compute(node->op, &call, made, err));
    for (int i = 0; i < node->n_out; i++) {
      if (node->out[i] < 0) continue;
      f->views[node->out[i]] = *xai_tensor_view(made[i]);
      f->known[node->out[i]] = made[i];
      made[i] = NULL;
    }
    for (int i = 0; i < node->n_out; i++) xai_tensor_free(made[i]);
  }
done:
  xai_free(in);
  if (st != XAI_OK) return xai_err_prefix(err, st, "layer '%s': ", node->name);
  return XAI_OK;
}

static xai_status check_input(const xai_graph *g, const xai_shape *x, xai_err *err) {
  if (g->n_inputs != 1)
    return xai_fail(err, XAI_EUNSUPPORTED, "the network has %d inputs; only networks with one can be run", g->n_inputs);
  const xai_value *input = &g->values[g->inputs[0]];
  int64_t count;
  bool fits = x->rank == input->shape.rank && xai_shape_count(x, &count) && count > 0;
  /* Channels must agree; batch and image size may differ when the layers allow it. */
  if (fits && x->rank >= 2) fits = input->shape.dims[1] < 0 || input->shape.dims[1] == x->dims[1];
  if (!fits) {
    char want[XAI_SHAPE_TEXT], got[XAI_SHAPE_TEXT];
    return xai_fail(err, XAI_ESHAPE, "input '%s': wrong shape (expected %s, got %s)", input->name,
                    xai_shape_text(&input->shape, want), xai_shape_text(x, got));
  }
  return XAI_OK;
}

xai_status xai_facts_make(const xai_net *net, const xai_shape *x, const bool *needed, xai_facts *out, xai_err *err) {
  const xai_graph *g = net->graph;
  XAI_TRY(check_input(g, x, err));
  xai_status st = XAI_OK;
  xai_facts f = {.n = g->n_values};
  f.views = xai_calloc((size_t)g->n_values, sizeof *f.views);
  f.known = xai_calloc((size_t)g->n_values, sizeof *f.known);
  if (f.views == NULL || f.known == NULL) {
    st = xai_fail_memory(err, (size_t)g->n_values * sizeof *f.views);
    goto done;
  }
  for (int v = 0; v < g->n_values; v++) {
    const xai_tensor *constant = xai_net__constant(net, v);
    if (constant != NULL) f.views[v] = *xai_tensor_view(constant);
    else f.views[v].shape.rank = -1;
  }
  f.views[g->inputs[0]] = (xai_view){.dtype = g->values[g->inputs[0]].dtype, .shape = *x};
  for (int n = 0; n < g->n_nodes; n++)
    if (needed == NULL || needed[n]) {
      st = infer_node(g, n, &f, err);
      const xai_shape *declared = &g->values[g->inputs[0]].shape;
      bool same = true;
      for (int i = 1; i < x->rank; i++) same = same && (declared->dims[i] < 0 || declared->dims[i] == x->dims[i]);
      if (st == XAI_ESHAPE && !same) {
        char want[XAI_SHAPE_TEXT], got[XAI_SHAPE_TEXT];
        xai_err_prefix(err, st, "input %s does not fit (expected %s): ", xai_shape_text(x, got), xai_shape_text(declared, want));
      }
      if (st != XAI_OK) goto done;
    }
  *out = f;
  f = (xai_facts){0};
done:
  xai_facts_free(&f);
  return st;
}
