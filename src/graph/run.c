/* graph/run.c: carries out a plan: forward, hooks, seeds, backward. No allocation in a steady loop. */
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "graph/plan.h"

static atomic_bool reference;

void xai_engine_reference(bool on) { atomic_store(&reference, on); }
bool xai_engine_is_reference(void) { return atomic_load(&reference); }

/* ---- opening and closing ------------------------------------------------------------------------------- */
void xai_run__destroy(xai_run *run) {
  if (run == NULL) return;
  xai_facts_free(&run->facts);
  xai_free(run->request.inputs);
  xai_free(run->request.keep);
  xai_free(run->request.seeds);
  xai_free(run->values);
  xai_free(run->forward);
  xai_free(run->backward);
  xai_free(run->dins);
  xai_free(run->buffers);
  xai_free(run->scratch_in);
  xai_free(run->scratch_din);
  xai_free(run->scratch_adds);
  xai_free(run->scratch_gates);
  xai_free(run->arena);
  xai_free(run->late_arena);
  xai_free(run->place);
  xai_graph__release(run->lowered);
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

/* Constants to value ids; XAI_EARG for an input that is none. */
static xai_status params_to_values(const xai_net *net, const xai_param *params, int n, int *values, xai_err *err) {
  for (int i = 0; i < n; i++) {
    if (xai_net_weight(net, params[i].layer, params[i].input) == NULL)
      return xai_fail(err, XAI_EARG, "layer number %d has no constant at input %d", params[i].layer, params[i].input);
    values[i] = net->graph->nodes[params[i].layer].in[params[i].input];
  }
  return XAI_OK;
}

/* More elements than shapes can depend on in earnest; plans of such inputs are not made for one set of elements. */
enum { MOST_DECIDING = 4096 };

/* true when a pass is planned for the very elements of input i. A hook may change them, then it cannot be. */
static bool is_planned_for(const xai_net *net, int i, const xai_view *x) {
  int v = net->graph->inputs[i];
  int64_t count;
  return net->graph->values[v].decides && x->data != NULL && xai_shape_count(&x->shape, &count) &&
         count <= MOST_DECIDING && xai_plan__hook(net, net->hooks, net->n_hooks, v) == NULL;
}

static xai_status copy_inputs(const xai_net *net, const xai_view *x, int n, plan_request *out, xai_err *err) {
  size_t bytes = ((size_t)n + 1) * sizeof *x;
  for (int i = 0; i < n; i++)
    if (is_planned_for(net, i, &x[i])) bytes += xai_view_bytes(&x[i]) + XAI_ALIGN;
  out->inputs = xai_alloc(bytes);
  if (out->inputs == NULL) return xai_fail_memory(err, bytes);
  out->n_inputs = n;
  char *at = (char *)(out->inputs + n);
  for (int i = 0; i < n; i++) {
    out->inputs[i] = x[i];
    out->inputs[i].data = NULL;
    if (!is_planned_for(net, i, &x[i])) continue;
    at += (XAI_ALIGN - (uintptr_t)at % XAI_ALIGN) % XAI_ALIGN;
    out->inputs[i].data = memcpy(at, x[i].data, xai_view_bytes(&x[i]));
    at += xai_view_bytes(&x[i]);
  }
  return XAI_OK;
}

/* Inputs in one block, keep in another, seeds and wants in a third (which xai_plan__again replaces). */
static xai_status copy_request(const xai_net *net, const xai_view *x, int n, const xai_request *r, plan_request *out,
                               xai_err *err) {
  bool plain = xai_engine_is_reference();
  *out = (plan_request){.keep_all = r->keep_all, .keep_outputs = r->keep_outputs, .weights = r->weights,
                        .threads = xk_threads()};
  out->lower = !plain && !r->keep_all && !r->weights;
  XAI_TRY(copy_inputs(net, x, n, out, err));
  out->keep = xai_alloc((size_t)(r->n_keep + 1) * sizeof(int));
  out->seeds = xai_alloc((size_t)(r->n_seeds + r->n_wants + r->n_params + 1) * sizeof(int));
  if (out->keep == NULL || out->seeds == NULL) return xai_fail_memory(err, 64);
  out->wants = out->seeds + r->n_seeds;
  out->n_keep = r->n_keep;
  out->n_seeds = r->n_seeds;
  out->n_wants = r->n_wants + r->n_params;
  XAI_TRY(to_values(net, r->keep, r->n_keep, out->keep, err));
  XAI_TRY(to_values(net, r->seeds, r->n_seeds, out->seeds, err));
  XAI_TRY(to_values(net, r->wants, r->n_wants, out->wants, err));
  return params_to_values(net, r->params, r->n_params, out->wants + r->n_wants, err);
}

static bool same_list(const int *a, int na, const int *b, int nb) {
  return na == nb && memcmp(a, b, (size_t)na * sizeof *a) == 0;
}

static bool same_view(const xai_view *a, const xai_view *b) {
  if (a->dtype != b->dtype || !xai_shape_equal(&a->shape, &b->shape)) return false;
  if (a->data == NULL || b->data == NULL) return a->data == b->data;
  return memcmp(a->data, b->data, xai_view_bytes(a)) == 0;
}

static bool same_request(const plan_request *a, const plan_request *b) {
  if (a->keep_all != b->keep_all || a->keep_outputs != b->keep_outputs || a->weights != b->weights ||
      a->lower != b->lower || a->threads != b->threads)
    return false;
  for (int i = 0; i < a->n_inputs; i++)
    if (!same_view(&a->inputs[i], &b->inputs[i])) return false;
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

static xai_status check_number(const xai_net *net, int n, xai_err *err) {
  int want = net->graph->n_inputs;
  return n == want ? XAI_OK : xai_fail(err, XAI_EARG, "wrong number of inputs (expected %d, got %d)", want, n);
}

xai_status xai_run_open_all(xai_net *net, const xai_view *inputs, int n_inputs, const xai_request *request,
                            xai_run **out, xai_err *err) {
  xai_status st = XAI_OK;
  XAI_TRY(check_number(net, n_inputs, err));
  xai_run *run = xai_calloc(1, sizeof *run);
  if (run == NULL) return xai_fail_memory(err, sizeof *run);
  run->net = net;
  XAI_GOTO(copy_request(net, inputs, n_inputs, request, &run->request, err));
  xai_run *idle = take_idle(net, &run->request);
  if (idle != NULL) {
    xai_run__destroy(run);
    run = idle;
  } else {
    XAI_GOTO(xai_plan__make(run, err));
  }
  run->net = xai_net_retain(net);
  run->rule = (xk_relu_rule)net->relu;
  run->stream = 0;
  run->ran = false;
  *out = run;
  return XAI_OK;
done:
  xai_run__destroy(run);
  return st;
}

xai_status xai_run_open(xai_net *net, const xai_shape *x, const xai_request *request, xai_run **out, xai_err *err) {
  xai_view input;
  XAI_TRY(xai_net__one_input(net, x, &input, err));
  return xai_run_open_all(net, &input, 1, request, out, err);
}

void xai_run_close(xai_run *run) {
  if (run == NULL) return;
  xai_net *net = run->net;
  xai_run *oldest = run;
  if (run->late_arena == NULL && !run->no_way_back) { /* one whose backward part was replanned is rarely of use again */
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
void xai_run__set_stream(xai_run *run, uint64_t stream) { run->stream = stream; }
size_t xai_run_bytes(const xai_run *run) { return run->arena_bytes + run->work_bytes + run->late_bytes; }

/* ---- one node --------------------------------------------------------------------------------------------- */
static void *workspace(const xai_run *run) { return run->arena + run->arena_bytes; }

/* The views of a node's inputs and outputs, for both directions. */
static xai_call call_of(const xai_run *run, int n, xai_view out[XAI_MAX_OUTPUTS]) {
  const xai_node *node = &run->graph->nodes[n];
  for (int i = 0; i < node->n_in; i++)
    if (node->in[i] >= 0) run->scratch_in[i] = run->values[node->in[i]].seen;
    else run->scratch_in[i] = (xai_view){.shape.rank = -1};
  for (int i = 0; i < node->n_out; i++) out[i] = node->out[i] >= 0 ? run->values[node->out[i]].own : (xai_view){.shape.rank = -1};
  return (xai_call){.attrs = &node->attrs, .n_in = node->n_in, .n_out = node->n_out, .in = run->scratch_in, .out = out,
                    .rule = run->rule, .stream = run->stream, .work = workspace(run)};
}

static xai_status hook_forward(xai_run *run, int v, xai_err *err) {
  plan_value *p = &run->values[v];
  if (p->seen_buffer == p->own_buffer && p->seen.data == p->own.data) return XAI_OK;
  memcpy(p->seen.data, p->own.data, xai_view_bytes(&p->own));
  const xai_net *net = run->net;
  for (int i = 0; i < net->n_hooks; i++) { /* in the order in which they were added */
    if (xai_plan__value(run, net->hooks[i].layer) != v) continue;
    xai_view a = p->seen;
    XAI_TRY(net->hooks[i].fn(net->hooks[i].payload, net->hooks[i].layer, NULL, &a, err));
  }
  return XAI_OK;
}

static xai_status hook_backward(xai_run *run, int v, xai_err *err) {
  const xai_net *net = run->net;
  const plan_value *p = &run->values[v];
  for (int i = 0; p->grad_buffer >= 0 && i < net->n_grad_hooks; i++) {
    if (xai_plan__value(run, net->grad_hooks[i].layer) != v) continue;
    xai_view g = p->grad, a = p->seen;
    XAI_TRY(net->grad_hooks[i].fn(net->grad_hooks[i].payload, net->grad_hooks[i].layer, &g, &a, err));
  }
  return XAI_OK;
}

static xai_status forward_step(xai_run *run, int n, xai_err *err) {
  const xai_node *node = &run->graph->nodes[n];
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
  const xai_node *node = &run->graph->nodes[step->node];
  xai_view out[XAI_MAX_OUTPUTS], dout[XAI_MAX_OUTPUTS] = {{0}};
  for (int i = 0; i < node->n_out; i++) {
    if (node->out[i] < 0) continue;
    XAI_TRY(hook_backward(run, node->out[i], err));
    dout[i] = run->values[node->out[i]].grad;
  }
  xai_call call = call_of(run, step->node, out);
  call.dout = dout;
  call.din = run->scratch_din;
  call.adds = run->scratch_adds;
  call.gates = run->scratch_gates;
  bool early = run->rule != XK_RELU_REDIRECTED; /* which looks at all elements together, when they are complete */
  call.gated = early && node->out[0] >= 0 && run->values[node->out[0]].is_gated;
  for (int i = 0; i < node->n_in; i++) {
    const plan_din *din = &step->din[i];
    run->scratch_din[i] = (xai_view){.dtype = XAI_F32, .shape = run->scratch_in[i].shape};
    run->scratch_adds[i] = din->how == DIN_ADD && din->temporary < 0;
    run->scratch_gates[i] = early ? din->gate : (xai_gate){0};
    if (din->how != DIN_NONE)
      run->scratch_din[i].data = din->temporary >= 0 ? xai_plan__address(run, din->temporary) : run->values[node->in[i]].grad.data;
  }
  xai_op_get(node->op)->backward(&call);
  for (int i = 0; i < node->n_in; i++)
    if (step->din[i].temporary >= 0)
      xk_accumulate(xai_shape_size(&run->scratch_din[i].shape), run->scratch_din[i].data, run->values[node->in[i]].grad.data);
  return xai_stop_requested() ? xai_fail_stop(err) : XAI_OK;
}

/* ---- passes ------------------------------------------------------------------------------------------------ */
static xai_status take_input(xai_run *run, int i, const xai_view *x, xai_err *err) {
  int v = run->graph->inputs[i];
  const xai_view *want = &run->request.inputs[i];
  const char *name = run->graph->values[v].name;
  char a[XAI_SHAPE_TEXT], b[XAI_SHAPE_TEXT];
  if (x->dtype != want->dtype || !xai_shape_equal(&x->shape, &want->shape))
    return xai_fail(err, XAI_ESHAPE, "input '%s': expected %s of shape %s, got %s of shape %s", name,
                    xai_dtype_name(want->dtype), xai_shape_text(&want->shape, a), xai_dtype_name(x->dtype),
                    xai_shape_text(&x->shape, b));
  if (xai_view_bytes(x) == 0) return XAI_OK;
  if (want->data != NULL && memcmp(want->data, x->data, xai_view_bytes(x)) != 0)
    return xai_fail(err, XAI_EARG, "input '%s': shapes depend on its elements, and the pass was planned for others",
                    name);
  if (want->data == NULL) memcpy(run->values[v].own.data, x->data, xai_view_bytes(x));
  return run->net->n_hooks > 0 ? hook_forward(run, v, err) : XAI_OK;
}

static void clear_seeds(xai_run *run) {
  if (run->no_way_back) return;
  for (int v = 0; v < run->graph->n_values; v++)
    if (run->values[v].is_seed) memset(run->values[v].grad.data, 0, xai_view_bytes(&run->values[v].grad));
}

xai_status xai_run_forward_all(xai_run *run, const xai_view *inputs, int n_inputs, xai_err *err) {
  run->ran = false;
  XAI_TRY(check_number(run->net, n_inputs, err));
  if (xk_threads() > run->request.threads) return xai_fail(err, XAI_EARG, "the number of threads was raised during a pass");
  for (int i = 0; i < n_inputs; i++) XAI_TRY(take_input(run, i, &inputs[i], err));
  for (int s = 0; s < run->n_forward; s++) XAI_TRY(forward_step(run, run->forward[s].node, err));
  clear_seeds(run);
  run->ran = true;
  return XAI_OK;
}

xai_status xai_run_forward(xai_run *run, const xai_view *x, xai_err *err) {
  return xai_run_forward_all(run, x, 1, err);
}

xai_status xai_run_backward(xai_run *run, xai_err *err) {
  if (!run->ran) return xai_fail(err, XAI_EARG, "backward: no forward pass came before");
  if (run->no_way_back) return xai_fail(err, XAI_EARG, "backward: no way back is planned");
  const xai_net *net = run->net;
  /* Buffers of forward values are reused on the way back: a second backward needs a new forward pass,
   * unless everything was kept. */
  run->ran = run->request.keep_all;
  for (int s = 0; s < run->n_backward; s++) XAI_TRY(backward_step(run, &run->backward[s], err));
  for (int i = 0; i < net->n_grad_hooks; i++) {
    int v = xai_plan__value(run, net->grad_hooks[i].layer);
    bool done = v < 0;
    for (int s = 0; s < run->n_backward && !done; s++) done = run->backward[s].node == run->graph->values[v].node;
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
  run->no_way_back = st != XAI_OK;
  clear_seeds(run);
  return st;
}

/* ---- results --------------------------------------------------------------------------------------------------- */
static const xai_view *kept(const xai_run *run, int v) {
  if (v < 0 || run->values[v].seen.data == NULL) return NULL;
  int buffer = run->values[v].seen_buffer;
  return buffer < 0 || run->buffers[buffer].last == XAI_FOREVER ? &run->values[v].seen : NULL;
}

const xai_view *xai_run_value(const xai_run *run, int layer) { return kept(run, xai_plan__value(run, layer)); }

const xai_view *xai_run_output(const xai_run *run, int i) {
  const xai_graph *g = run->net->graph;
  return i < 0 || i >= g->n_outputs ? NULL : kept(run, xai_plan__at(run->place, g->outputs[i]));
}

xai_view *xai_run_seed(xai_run *run, int layer) {
  int v = xai_plan__value(run, layer);
  return v >= 0 && run->values[v].is_seed ? &run->values[v].grad : NULL;
}

static const xai_view *gradient(const xai_run *run, int v) {
  return v >= 0 && run->values[v].is_wanted && run->values[v].grad_buffer >= 0 ? &run->values[v].grad : NULL;
}

const xai_view *xai_run_grad(const xai_run *run, int layer) { return gradient(run, xai_plan__value(run, layer)); }

const xai_view *xai_run_weight_grad(const xai_run *run, int layer, int input) {
  const xai_graph *g = run->net->graph;
  if (layer < 0 || layer >= g->n_nodes) return NULL;
  const xai_node *node = &g->nodes[layer];
  if (input < 0 || input >= node->n_in) return NULL;
  return gradient(run, xai_plan__at(run->place, node->in[input]));
}
