/* graph/run.c: carries out a plan: forward, hooks, seeds, backward. No allocation in a steady loop. */
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "graph/plan.h"

/* ---- opening and closing ------------------------------------------------------------------------------- */
void xai_run__destroy(xai_run *run) {
  if (run == NULL) return;
  xai_facts_free(&run->facts);
  xai_free(run->request.keep);
  xai_free(run->request.seeds);
  xai_free(run->values);
  xai_free(run->forward);
  xai_free(run->backward);
  xai_free(run->dins);
  xai_free(run->buffers);
  xai_free(run->scratch_in);
  xai_free(run->scratch_din);
  xai_free(run->arena);
  xai_free(run->late_arena);
  xai_free(run);
}

/* Layers to value ids; XAI_EARG for a layer that does not exist. */
static xai_status to_values(const xai_net *net, const int *layers, int n, int *values, xai_err *err) {
  for (int i = 0; i < n; i++) {
    values[i] = xai_net__layer_value(net, layers[i]);
    if (values[i] < 0)
      return xai_fail(err, XAI_EARG, "no layer number %d (the network has %d)", layers[i], net->graph->n_nodes);
  }
  return XAI_OK;
}

/* keep in one block, seeds and wants in another (which xai_plan__again replaces). */
static xai_status copy_request(const xai_net *net, const xai_shape *x, const xai_request *r, plan_request *out, xai_err *err) {
  *out = (plan_request){.x = *x, .keep_all = r->keep_all, .weights = r->weights, .threads = xk_threads()};
  out->keep = xai_alloc((size_t)(r->n_keep + 1) * sizeof(int));
  out->seeds = xai_alloc((size_t)(r->n_seeds + r->n_wants + 1) * sizeof(int));
  if (out->keep == NULL || out->seeds == NULL) return xai_fail_memory(err, 64);
  out->wants = out->seeds + r->n_seeds;
  out->n_keep = r->n_keep;
  out->n_seeds = r->n_seeds;
  out->n_wants = r->n_wants;
  XAI_TRY(to_values(net, r->keep, r->n_keep, out->keep, err));
  XAI_TRY(to_values(net, r->seeds, r->n_seeds, out->seeds, err));
  return to_values(net, r->wants, r->n_wants, out->wants, err);
}

static bool same_list(const int *a, int na, const int *b, int nb) {
  return na == nb && memcmp(a, b, (size_t)na * sizeof *a) == 0;
}

static bool same_request(const plan_request *a, const plan_request *b) {
  if (!xai_shape_equal(&a->x, &b->x) || a->keep_all != b->keep_all || a->weights != b->weights || a->threads != b->threads)
    return false;
  if (!same_list(a->keep, a->n_keep, b->keep, b->n_keep)) return false;
  return same_list(a->seeds, a->n_seeds, b->seeds, b->n_seeds) && same_list(a->wants, a->n_wants, b->wants, b->n_wants);
}

static xai_run *take_idle(xai_net *net, const plan_request *r) {
  xai_run *found = NULL;
  pthread_mutex_lock(&net->lock);
  for (int i = 0; i < XAI_IDLE_RUNS && found == NULL; i++)
    if (net->idle[i] != NULL && same_request(&net->idle[i]->request, r)) {
      found = net->idle[i];
      net->idle[i] = NULL;
    }
  pthread_mutex_unlock(&net->lock);
  return found;
}

xai_status xai_run_open(xai_net *net, const xai_shape *x, const xai_request *request, xai_run **out, xai_err *err) {
  xai_status st = XAI_OK;
  xai_run *run = xai_calloc(1, sizeof *run);
  if (run == NULL) return xai_fail_memory(err, sizeof *run);
  run->net = net;
  XAI_GOTO(copy_request(net, x, request, &run->request, err));
  xai_run *idle = take_idle(net, &run->request);
  if (idle != NULL) {
    xai_run__destroy(run);
    run = idle;
  } else {
    XAI_GOTO(xai_plan__make(run, err));
  }
  run->net = xai_net_retain(net);
  run->rule = (xk_relu_rule)net->relu;
  run->ran = false;
  *out = run;
  return XAI_OK;
done:
  xai_run__destroy(run);
  return st;
}

void xai_run_close(xai_run *run) {
  if (run == NULL) return;
  xai_net *net = run->net;
  xai_run *oldest = run;
  if (run->late_arena == NULL) { /* one whose backward part was replanned is rarely of use again */
    pthread_mutex_lock(&net->lock);
    oldest = net->idle[XAI_IDLE_RUNS - 1];
    memmove(&net->idle[1], &net->idle[0], (XAI_IDLE_RUNS - 1) * sizeof net->idle[0]);
    net->idle[0] = run;
    pthread_mutex_unlock(&net->lock);
  }
  xai_run__destroy(oldest);
  xai_net_free(net);
}

void xai_run_set_relu(xai_run *run, xai_relu relu) { run->rule = (xk_relu_rule)relu; }
size_t xai_run_bytes(const xai_run *run) { return run->arena_bytes + run->work_bytes + run->late_bytes; }

/* ---- one node --------------------------------------------------------------------------------------------- */
static void *workspace(const xai_run *run) { return run->arena + run->arena_bytes; }

/* The views of a node's inputs and outputs, for both directions. */
static xai_call call_of(const xai_run *run, int n, xai_view out[XAI_MAX_OUTPUTS]) {
  const xai_node *node = &run->net->graph->nodes[n];
  for (int i = 0; i < node->n_in; i++)
    if (node->in[i] >= 0) run->scratch_in[i] = run->values[node->in[i]].seen;
    else run->scratch_in[i] = (xai_view){.shape.rank = -1};
  for (int i = 0; i < node->n_out; i++) out[i] = node->out[i] >= 0 ? run->values[node->out[i]].own : (xai_view){.shape.rank = -1};
  return (xai_call){.attrs = &node->attrs, .n_in = node->n_in, .n_out = node->n_out, .in = run->scratch_in, .out = out,
                    .rule = run->rule, .work = workspace(run)};
}

static xai_status hook_forward(xai_run *run, int v, xai_err *err) {
  plan_value *p = &run->values[v];
  if (p->seen_buffer == p->own_buffer && p->seen.data == p->own.data) return XAI_OK;
  memcpy(p->seen.data, p->own.data, xai_view_bytes(&p->own));
  const xai_net *net = run->net;
  for (int i = 0; i < net->n_hooks; i++) { /* in the order in which they were added */
    if (xai_net__layer_value(net, net->hooks[i].layer) != v) continue;
    xai_view a = p->seen;
    XAI_TRY(net->hooks[i].fn(net->hooks[i].payload, net->hooks[i].layer, NULL, &a, err));
  }
  return XAI_OK;
}

static xai_status hook_backward(xai_run *run, int v, xai_err *err) {
  const xai_net *net = run->net;
  const plan_value *p = &run->values[v];
  for (int i = 0; p->grad_buffer >= 0 && i < net->n_grad_hooks; i++) {
    if (xai_net__layer_value(net, net->grad_hooks[i].layer) != v) continue;
    xai_view g = p->grad, a = p->seen;
    XAI_TRY(net->grad_hooks[i].fn(net->grad_hooks[i].payload, net->grad_hooks[i].layer, &g, &a, err));
  }
  return XAI_OK;
}

static xai_status forward_step(xai_run *run, int n, xai_err *err) {
  const xai_node *node = &run->net->graph->nodes[n];
  const xai_op_def *def = xai_op_get(node->op);
  xai_view out[XAI_MAX_OUTPUTS];
  xai_call call = call_of(run, n, out);
  if ((def->flags & XAI_OP_ALIAS) == 0) def->forward(&call);
  if (xai_stop_requested()) return xai_fail_stop(err);
  for (int i = 0; run->net->n_hooks > 0 && i < node->n_out; i++)
    if (node->out[i] >= 0) XAI_TRY(hook_forward(run, node->out[i], err));
  return XAI_OK;
}

static xai_status backward_step(xai_run *run, const plan_step *step, xai_err *err) {
  const xai_node *node = &run->net->graph->nodes[step->node];
  xai_view out[XAI_MAX_OUTPUTS], dout[XAI_MAX_OUTPUTS] = {{0}};
  for (int i = 0; i < node->n_out; i++) {
    if (node->out[i] < 0) continue;
    XAI_TRY(hook_backward(run, node->out[i], err));
    dout[i] = run->values[node->out[i]].grad;
  }
  xai_call call = call_of(run, step->node, out);
  call.dout = dout;
  call.din = run->scratch_din;
  for (int i = 0; i < node->n_in; i++) {
    run->scratch_din[i] = (xai_view){.dtype = XAI_F32, .shape = run->scratch_in[i].shape};
    if (step->din[i].how == DIN_WRITE) run->scratch_din[i].data = run->values[node->in[i]].grad.data;
    if (step->din[i].how == DIN_ADD) run->scratch_din[i].data = (run->late_arena != NULL ? run->late_arena : run->arena) + run->buffers[step->din[i].temporary].offset;
  }
  xai_op_get(node->op)->backward(&call);
  for (int i = 0; i < node->n_in; i++)
    if (step->din[i].how == DIN_ADD)
      xk_accumulate(xai_shape_size(&run->scratch_din[i].shape), run->scratch_din[i].data, run->values[node->in[i]].grad.data);
  return xai_stop_requested() ? xai_fail_stop(err) : XAI_OK;
}

/* ---- passes ------------------------------------------------------------------------------------------------ */
xai_status xai_run_forward(xai_run *run, const xai_view *x, xai_err *err) {
  const xai_graph *g = run->net->graph;
  const plan_value *input = &run->values[g->inputs[0]];
  run->ran = false;
  if (xk_threads() > run->request.threads) return xai_fail(err, XAI_EARG, "the number of threads was raised during a pass");
  if (x->dtype != input->own.dtype || !xai_shape_equal(&x->shape, &input->own.shape)) {
    char want[XAI_SHAPE_TEXT], got[XAI_SHAPE_TEXT];
    return xai_fail(err, XAI_ESHAPE, "input: expected %s of shape %s, got %s of shape %s", xai_dtype_name(input->own.dtype),
                    xai_shape_text(&input->own.shape, want), xai_dtype_name(x->dtype), xai_shape_text(&x->shape, got));
  }
  memcpy(input->own.data, x->data, xai_view_bytes(x));
  if (run->net->n_hooks > 0) XAI_TRY(hook_forward(run, g->inputs[0], err));
  for (int s = 0; s < run->n_forward; s++) XAI_TRY(forward_step(run, run->forward[s].node, err));
  for (int v = 0; v < g->n_values; v++)
    if (run->values[v].is_seed) memset(run->values[v].grad.data, 0, xai_view_bytes(&run->values[v].grad));
  run->ran = true;
  return XAI_OK;
}

xai_status xai_run_backward(xai_run *run, xai_err *err) {
  if (!run->ran) return xai_fail(err, XAI_EARG, "backward: no forward pass came before");
  const xai_net *net = run->net;
  /* Buffers of forward values are reused on the way back: a second backward needs a new forward pass,
   * unless everything was kept. */
  run->ran = run->request.keep_all;
  for (int s = 0; s < run->n_backward; s++) XAI_TRY(backward_step(run, &run->backward[s], err));
  for (int i = 0; i < net->n_grad_hooks; i++) {
    int v = xai_net__layer_value(net, net->grad_hooks[i].layer);
    bool done = false;
    for (int s = 0; s < run->n_backward && !done; s++) done = run->backward[s].node == net->graph->values[v].node;
    if (!done) XAI_TRY(hook_backward(run, v, err));
  }
  return XAI_OK;
}

xai_status xai_run_plan_backward(xai_run *run, const int *seeds, int n_seeds, const int *wants, int n_wants, xai_err *err) {
  if (!run->request.keep_all) return xai_fail(err, XAI_EARG, "backward: this pass did not keep all layers");
  int *values = xai_alloc((size_t)(n_seeds + n_wants + 1) * sizeof *values);
  if (values == NULL) return xai_fail_memory(err, 64);
  xai_status st = to_values(run->net, seeds, n_seeds, values, err);
  if (st == XAI_OK) st = to_values(run->net, wants, n_wants, values + n_seeds, err);
  if (st == XAI_OK) st = xai_plan__again(run, values, n_seeds, values + n_seeds, n_wants, err);
  xai_free(values);
  if (st != XAI_OK) {
    run->ran = false;
    return st;
  }
  for (int v = 0; v < run->net->graph->n_values; v++)
    if (run->values[v].is_seed) memset(run->values[v].grad.data, 0, xai_view_bytes(&run->values[v].grad));
  return XAI_OK;
}

/* ---- results --------------------------------------------------------------------------------------------------- */
const xai_view *xai_run_value(const xai_run *run, int layer) {
  int v = xai_net__layer_value(run->net, layer);
  if (v < 0 || run->values[v].seen.data == NULL) return NULL;
  int buffer = run->values[v].seen_buffer;
  return buffer < 0 || run->buffers[buffer].last == XAI_FOREVER ? &run->values[v].seen : NULL;
}

xai_view *xai_run_seed(xai_run *run, int layer) {
  int v = xai_net__layer_value(run->net, layer);
  return v >= 0 && run->values[v].is_seed ? &run->values[v].grad : NULL;
}

const xai_view *xai_run_grad(const xai_run *run, int layer) {
  int v = xai_net__layer_value(run->net, layer);
  return v >= 0 && run->values[v].is_wanted && run->values[v].grad_buffer >= 0 ? &run->values[v].grad : NULL;
}

const xai_view *xai_run_weight_grad(const xai_run *run, int layer, int input) {
  if (layer < 0 || layer >= run->net->graph->n_nodes) return NULL;
  const xai_node *node = &run->net->graph->nodes[layer];
  if (input < 0 || input >= node->n_in || node->in[input] < 0) return NULL;
  const plan_value *p = &run->values[node->in[input]];
  return p->is_wanted && p->grad_buffer >= 0 ? &p->grad : NULL;
}
