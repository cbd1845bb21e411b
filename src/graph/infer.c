/* graph/infer.c: shapes of all values for given inputs; see xai_facts in net.h. */
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/str.h"
#include "graph/net.h"

/* Elements that planning computes, in all; what goes beyond is left to the run, so that a small file cannot make
 * planning expensive. Arithmetic with shapes themselves is always done. */
enum { PLANNED_ROOM = 1 << 24, SHAPE_SIZED = 64 };

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

bool xai_call__is_long(xai_op op, const xai_call *call) {
  const double most = (double)(INT64_C(1) << 36); /* products; at worst a minute */
  double read = 0, written = 0;
  if ((xai_op_get(op)->flags & XAI_OP_MIXES) == 0) return false;
  for (int i = 0; i < call->n_in; i++)
    if (xai_call_has(call, i)) read += (double)xai_shape_size(&call->in[i].shape);
  for (int i = 0; i < call->n_out; i++) written += (double)xai_shape_size(&call->out[i].shape);
  return read * written > most;
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
  if (xai_stop_requested()) st = xai_fail_stop(err); /* the kernel may have left early */
done:
  xai_free(work);
  for (int i = 0; st != XAI_OK && i < call->n_out; i++) {
    xai_tensor_free(made[i]);
    made[i] = NULL;
  }
  return st;
}

static xai_status infer_node(const xai_graph *g, int n, xai_facts *f, int64_t *room, xai_err *err) {
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
  bool small = !xai_call__is_long(node->op, &call);
  for (int i = 0; i < node->n_out; i++) {
    int64_t size = xai_shape_size(&out[i].shape);
    small = small && (size <= SHAPE_SIZED || size <= *room);
    out[i].data = NULL;
    if (node->out[i] >= 0) f->views[node->out[i]] = out[i];
  }
  if (small && ((def->flags & XAI_OP_SHAPE_ONLY) != 0 || all_inputs_known(&call))) {
    xai_tensor *made[XAI_MAX_OUTPUTS];
    XAI_GOTO(xai_call__compute(node->op, &call, made, err));
    for (int i = 0; i < node->n_out; i++) {
      int64_t size = xai_shape_size(&out[i].shape);
      if (size > SHAPE_SIZED) *room -= size;
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

/* ---- inputs ---------------------------------------------------------------------------------------------- */
xai_status xai_net__one_input(const xai_net *net, const xai_shape *x, xai_view *out, xai_err *err) {
  const xai_graph *g = net->graph;
  char names[200] = "";
  size_t used = 0;
  if (g->n_inputs == 0) return xai_fail(err, XAI_EARG, "the network has no input");
  for (int i = 0; i < g->n_inputs; i++)
    xai_str_append(names, sizeof names, &used, "%s'%s'", i > 0 ? ", " : "", g->values[g->inputs[i]].name);
  if (g->n_inputs > 1)
    return xai_fail(err, XAI_EARG, "one input was given to a network with %d (%s)", g->n_inputs, names);
  *out = (xai_view){.dtype = g->values[g->inputs[0]].dtype, .shape = *x};
  return XAI_OK;
}

static xai_status check_input(const xai_value *input, const xai_view *given, xai_err *err) {
  const xai_shape *want = &input->shape, *got = &given->shape;
  char a[XAI_SHAPE_TEXT], b[XAI_SHAPE_TEXT];
  int64_t count;
  if (given->dtype != input->dtype)
    return xai_fail(err, XAI_EARG, "input '%s': wrong element type (expected %s, got %s)", input->name,
                    xai_dtype_name(input->dtype), xai_dtype_name(given->dtype));
  bool fits = got->rank == want->rank && xai_shape_count(got, &count);
  /* Channels must agree; batch and image size may differ when the layers allow it. */
  if (fits && got->rank >= 2) fits = want->dims[1] < 0 || want->dims[1] == got->dims[1];
  if (fits) return XAI_OK;
  return xai_fail(err, XAI_ESHAPE, "input '%s': wrong shape (expected %s, got %s)", input->name,
                  xai_shape_text(want, a), xai_shape_text(got, b));
}

/* Layers did not fit together: if an input has another size than the file says (batch apart), that will be why. */
static void blame_input(const xai_graph *g, const xai_view *inputs, xai_err *err) {
  for (int i = 0; i < g->n_inputs; i++) {
    const xai_shape *declared = &g->values[g->inputs[i]].shape, *x = &inputs[i].shape;
    bool same = true;
    for (int d = 1; d < x->rank; d++) same = same && (declared->dims[d] < 0 || declared->dims[d] == x->dims[d]);
    char want[XAI_SHAPE_TEXT], got[XAI_SHAPE_TEXT];
    if (same) continue;
    xai_err_prefix(err, XAI_ESHAPE, "input %s does not fit (expected %s): ", xai_shape_text(x, got),
                   xai_shape_text(declared, want));
    return;
  }
}

xai_status xai_facts_make(const xai_net *net, const xai_view *inputs, const bool *needed, xai_facts *out,
                          xai_err *err) {
  const xai_graph *g = net->graph;
  xai_status st = XAI_OK;
  xai_facts f = {.n = g->n_values};
  int64_t room = PLANNED_ROOM;
  for (int i = 0; i < g->n_inputs; i++) XAI_TRY(check_input(&g->values[g->inputs[i]], &inputs[i], err));
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
  for (int i = 0; i < g->n_inputs; i++) f.views[g->inputs[i]] = inputs[i];
  for (int n = 0; n < g->n_nodes; n++) {
    if (needed != NULL && !needed[n]) continue;
    st = infer_node(g, n, &f, &room, err);
    if (st == XAI_ESHAPE) blame_input(g, inputs, err);
    if (st != XAI_OK) goto done;
  }
  *out = f;
  f = (xai_facts){0};
done:
  xai_facts_free(&f);
  return st;
}
