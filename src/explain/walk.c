/* explain/walk.c: see walk.h. */
#include "explain/walk.h"

#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

/* ---- what depends on the input ------------------------------------------------------------------------------------ */
static bool has_gradient(const xai_node *node, int i) { return (xai_op_grad(xai_op_get(node->op), i) & XAI_NO_GRAD) == 0; }

bool xai_walk_carries(const xai_walk *w, int node, int i) {
  const xai_node *n = &w->graph->nodes[node];
  return n->in[i] >= 0 && w->carries[n->in[i]] && has_gradient(n, i);
}

int xai_walk_only(const xai_walk *w, int node) {
  int only = -1;
  for (int i = 0; i < w->graph->nodes[node].n_in; i++) {
    if (!xai_walk_carries(w, node, i)) continue;
    if (only >= 0) return -1;
    only = i;
  }
  return only;
}

/* What is known without running does not depend on the input's elements. */
static void find_carriers(xai_walk *w) {
  const xai_graph *g = w->graph;
  for (int i = 0; i < g->n_inputs; i++) {
    const xai_view *v = &w->run->facts.views[g->inputs[i]];
    w->carries[g->inputs[i]] = v->dtype == XAI_F32 && v->data == NULL;
  }
  for (int n = 0; n < g->n_nodes; n++) {
    bool any = false;
    for (int i = 0; i < g->nodes[n].n_in; i++) any = any || xai_walk_carries(w, n, i);
    for (int i = 0; i < g->nodes[n].n_out; i++) {
      int v = g->nodes[n].out[i];
      if (v >= 0 && w->run->values[v].seen.dtype == XAI_F32) w->carries[v] = any && w->run->facts.views[v].data == NULL;
    }
  }
}

/* ---- opening and closing ------------------------------------------------------------------------------------------ */
static xai_status take_seeds(xai_probe *p, xai_walk *w, xai_err *err) {
  int seeds[XAI_TARGET_TERMS], n = xai_target_layers(p->net, &p->target, seeds);
  XAI_TRY(xai_run_plan_backward(p->run, seeds, n, NULL, 0, err));
  xai_target_seed(p->run, &p->target);
  for (int i = 0; i < n; i++) {
    const xai_view *seed = xai_run_seed(p->run, seeds[i]);
    int v = xai_net__layer_value(p->net, seeds[i]);
    if (w->signal[v] != NULL) continue; /* two names of one layer */
    w->signal[v] = xai_alloc(xai_view_bytes(seed));
    if (w->signal[v] == NULL) return xai_fail_memory(err, xai_view_bytes(seed));
    memcpy(w->signal[v], seed->data, xai_view_bytes(seed));
  }
  return XAI_OK;
}

xai_status xai_walk_open(xai_probe *p, xai_walk *w, xai_err *err) {
  const xai_graph *g = p->run->graph;
  *w = (xai_walk){.run = p->run, .graph = g};
  int most = 1;
  for (int n = 0; n < g->n_nodes; n++) most = g->nodes[n].n_in > most ? g->nodes[n].n_in : most;
  w->carries = xai_calloc((size_t)g->n_values, sizeof *w->carries);
  w->signal = xai_calloc((size_t)g->n_values, sizeof *w->signal);
  w->in = xai_calloc((size_t)most, sizeof *w->in);
  w->din = xai_calloc((size_t)most, sizeof *w->din);
  if (w->carries == NULL || w->signal == NULL || w->in == NULL || w->din == NULL)
    return xai_fail_memory(err, (size_t)(g->n_values + most) * sizeof *w->in);
  find_carriers(w);
  return take_seeds(p, w, err);
}

static void drop_din(xai_walk *w) {
  for (int i = 0; i < w->call.n_in; i++) {
    xai_free(w->din[i].data);
    w->din[i].data = NULL;
  }
}

void xai_walk_close(xai_walk *w) {
  if (w->din != NULL) drop_din(w);
  for (int v = 0; w->signal != NULL && v < w->graph->n_values; v++) xai_free(w->signal[v]);
  xai_free(w->carries);
  xai_free(w->signal);
  xai_free(w->in);
  xai_free(w->din);
  xai_free(w->call.work);
  *w = (xai_walk){0};
}

/* ---- one node ----------------------------------------------------------------------------------------------------- */
/* The node's views, and room to work in. */
static xai_status begin(xai_walk *w, int n, xai_err *err) {
  const xai_node *node = &w->graph->nodes[n];
  const xai_op_def *def = xai_op_get(node->op);
  w->node = n;
  for (int i = 0; i < node->n_in; i++) {
    w->in[i] = node->in[i] >= 0 ? w->run->values[node->in[i]].seen : (xai_view){.shape.rank = -1};
    w->din[i] = (xai_view){XAI_F32, w->in[i].shape, NULL};
  }
  for (int i = 0; i < node->n_out; i++) {
    int v = node->out[i];
    w->out[i] = v >= 0 ? w->run->values[v].own : (xai_view){.shape.rank = -1};
    w->dout[i] = (xai_view){XAI_F32, w->out[i].shape, v >= 0 ? w->signal[v] : NULL};
  }
  void *work = w->call.work;
  w->call = (xai_call){.attrs = &node->attrs, .n_in = node->n_in, .n_out = node->n_out, .in = w->in, .out = w->out,
                       .dout = w->dout, .din = w->din, .rule = XK_RELU_PLAIN, .stream = w->run->stream, .work = work};
  size_t bytes = def->workspace != NULL ? def->workspace(&w->call) : 0;
  if (bytes <= w->work_bytes) return XAI_OK;
  xai_free(work);
  w->work_bytes = 0;
  w->call.work = xai_alloc(bytes);
  if (w->call.work == NULL) return xai_fail_memory(err, bytes);
  w->work_bytes = bytes;
  return XAI_OK;
}

/* What the visit has made, to the values before. */
static void give(xai_walk *w) {
  const xai_node *node = xai_walk_node(w);
  for (int i = 0; i < node->n_in; i++) {
    if (w->din[i].data == NULL) continue;
    float **to = &w->signal[node->in[i]];
    if (*to == NULL) {
      *to = w->din[i].data;
      w->din[i].data = NULL;
    } else {
      xk_accumulate(xai_walk_size(&w->din[i]), w->din[i].data, *to);
    }
  }
  drop_din(w);
}

static bool is_reached(const xai_walk *w, int n) {
  const xai_node *node = &w->graph->nodes[n];
  bool signal = false, carries = false;
  for (int i = 0; i < node->n_out; i++) signal = signal || (node->out[i] >= 0 && w->signal[node->out[i]] != NULL);
  for (int i = 0; signal && i < node->n_in; i++) carries = carries || xai_walk_carries(w, n, i);
  return carries;
}

static void forget_outputs(xai_walk *w, int n) {
  const xai_node *node = &w->graph->nodes[n];
  for (int i = 0; i < node->n_out; i++) {
    if (node->out[i] < 0) continue;
    xai_free(w->signal[node->out[i]]);
    w->signal[node->out[i]] = NULL;
  }
}

xai_status xai_walk_back(xai_walk *w, const xai_probe *p, int layer, xai_visit_fn visit, void *payload,
                         const float **out, xai_err *err) {
  layer = xai_net_resolve(p->net, layer);
  for (int n = w->graph->n_nodes; --n > layer;) {
    if (!is_reached(w, n)) continue;
    XAI_TRY(begin(w, n, err));
    xai_status st = visit(payload, w, err);
    if (st != XAI_OK) return xai_err_prefix(err, st, "layer '%s': ", xai_net_layer(p->net, n).name);
    give(w);
    forget_outputs(w, n);
    if (xai_stop_requested()) return xai_fail_stop(err);
  }
  *out = w->signal[xai_net__layer_value(p->net, layer)];
  if (*out != NULL) return XAI_OK;
  char target[96];
  xai_target_text(p->net, &p->target, target, sizeof target);
  return xai_fail(err, XAI_EARG, "layer '%s' does not feed the target %s",
                  layer < 0 ? xai_net_input_name(p->net) : xai_net_layer(p->net, layer).name, target);
}

/* ---- for visits --------------------------------------------------------------------------------------------------- */
xai_status xai_walk_make(xai_walk *w, int i, xai_err *err) {
  xai_view *v = &w->din[i];
  v->data = xai_alloc(xai_view_bytes(v));
  return v->data != NULL ? XAI_OK : xai_fail_memory(err, xai_view_bytes(v));
}

xai_status xai_walk_adjoint(xai_walk *w, xai_err *err) {
  for (int i = 0; i < w->call.n_in; i++)
    if (xai_walk_carries(w, w->node, i)) XAI_TRY(xai_walk_make(w, i, err));
  xai_op_get(xai_walk_node(w)->op)->backward(&w->call);
  return XAI_OK;
}

xai_status xai_walk_pass(xai_walk *w, int i, xai_err *err) {
  XAI_TRY(xai_walk_make(w, i, err));
  memcpy(w->din[i].data, w->dout[0].data, xai_view_bytes(&w->din[i]));
  return XAI_OK;
}

xai_shape xai_walk_shape(const xai_view *v) {
  xai_shape s = xai_shape_of(v->shape.rank - 1, v->shape.dims + 1);
  return s.rank == 2 || s.rank == 3 ? s : XAI_SHAPE(xai_shape_size(&s), 1, 1);
}
