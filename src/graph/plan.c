/* graph/plan.c: which nodes run, which gradients are taken, and how long every array is needed; see plan.h. */
#include "graph/plan.h"

#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "graph/lower.h"

const xai_hook *xai_plan__hook(const xai_net *net, const xai_hook *hooks, int n, int value) {
  for (int i = n; i-- > 0;) /* the newest first */
    if (xai_net__layer_value(net, hooks[i].layer) == value) return &hooks[i];
  return NULL;
}

static bool sees(const xai_run *run, const xai_hook *hooks, int n, int v) {
  for (int i = 0; i < n; i++)
    if (xai_plan__value(run, hooks[i].layer) == v) return true;
  return false;
}

bool xai_plan__is_hooked(const xai_run *run, int v) { return sees(run, run->net->hooks, run->net->n_hooks, v); }

bool xai_plan__is_grad_hooked(const xai_run *run, int v) {
  return sees(run, run->net->grad_hooks, run->net->n_grad_hooks, v);
}

/* ---- memory ------------------------------------------------------------------------------------------------ */
void *xai_plan__address(const xai_run *run, int buffer) {
  char *base = buffer >= run->first_backward_buffer && run->late_arena != NULL ? run->late_arena : run->arena;
  return base + run->buffers[buffer].offset;
}

static void resolve(xai_run *run) {
  for (int v = 0; v < run->graph->n_values; v++) {
    plan_value *p = &run->values[v];
    if (p->own_buffer >= 0) p->own.data = xai_plan__address(run, p->own_buffer);
    if (p->seen_buffer >= 0) p->seen.data = xai_plan__address(run, p->seen_buffer);
    if (p->grad_buffer >= 0) p->grad.data = xai_plan__address(run, p->grad_buffer);
  }
}

/* ---- forward ------------------------------------------------------------------------------------------------ */
static void mark(bool *set, const xai_graph *g, int value) {
  if (value >= 0 && g->values[value].node >= 0) set[g->values[value].node] = true;
}

/* Closes the set of nodes under "what do they read?", stopping at values known without running. */
static void close_backwards(const xai_graph *g, const xai_facts *facts, bool *set) {
  for (int n = g->n_nodes; n-- > 0;)
    for (int i = 0; set[n] && i < g->nodes[n].n_in; i++) {
      int v = g->nodes[n].in[i];
      if (v >= 0 && (facts == NULL || facts->views[v].data == NULL)) mark(set, g, v);
    }
}

/* place as in xai_run */
static void mark_request(const xai_net *net, const plan_request *r, const xai_graph *g, const int *place, bool *set) {
  const xai_graph *own = net->graph;
  for (int i = 0; i < r->n_keep; i++) mark(set, g, xai_plan__at(place, r->keep[i]));
  for (int i = 0; i < r->n_seeds; i++) mark(set, g, xai_plan__at(place, r->seeds[i]));
  for (int i = 0; (r->keep_all || r->keep_outputs) && i < own->n_outputs; i++)
    mark(set, g, xai_plan__at(place, own->outputs[i]));
}

/* The nodes of run->graph that must run, and the facts about it. */
static xai_status find_set(xai_run *run, bool **out, xai_err *err) {
  const xai_graph *g = run->graph;
  xai_net lowered = {.graph = run->lowered}; /* its constants are its own; only read */
  xai_status st = XAI_OK;
  bool *set = xai_calloc((size_t)g->n_nodes + 1, sizeof *set);
  if (set == NULL) return xai_fail_memory(err, (size_t)g->n_nodes);
  mark_request(run->net, &run->request, g, run->place, set);
  close_backwards(g, NULL, set);
  XAI_GOTO(xai_facts_make(run->lowered != NULL ? &lowered : run->net, run->request.inputs, set, &run->facts, err));
  memset(set, 0, (size_t)g->n_nodes);
  mark_request(run->net, &run->request, g, run->place, set);
  for (int n = 0; n < g->n_nodes; n++)
    if (set[n] && run->facts.views[g->nodes[n].out[0]].data != NULL) set[n] = false;
  close_backwards(g, &run->facts, set);
  *out = set;
  set = NULL;
done:
  xai_free(set);
  return st;
}

/* The graph that runs, its facts and its set. */
static xai_status choose_graph(xai_run *run, bool **out, xai_err *err) {
  run->graph = run->net->graph;
  XAI_TRY(find_set(run, out, err));
  if (!run->request.lower) return XAI_OK;
  XAI_TRY(xai_lower(run->net, &run->facts, &run->request, *out, &run->lowered, &run->place, err));
  if (run->lowered == NULL) return XAI_OK;
  run->graph = run->lowered;
  xai_facts_free(&run->facts);
  xai_free(*out);
  *out = NULL;
  return find_set(run, out, err);
}

static size_t workspace_of(xai_run *run, int n) {
  const xai_node *node = &run->graph->nodes[n];
  const xai_op_def *def = xai_op_get(node->op);
  if (def->workspace == NULL) return 0;
  xai_view out[XAI_MAX_OUTPUTS] = {{0}};
  for (int i = 0; i < node->n_in; i++)
    if (node->in[i] >= 0) run->scratch_in[i] = run->facts.views[node->in[i]];
    else run->scratch_in[i].shape.rank = -1;
  for (int i = 0; i < node->n_out; i++)
    if (node->out[i] >= 0) out[i] = run->facts.views[node->out[i]];
  xai_call call = {.attrs = &node->attrs, .n_in = node->n_in, .n_out = node->n_out, .in = run->scratch_in, .out = out};
  return def->workspace(&call);
}

/* What others see of a value: the value itself, or what a forward hook makes of a copy. */
static xai_status place_hooked(xai_run *run, int v, int step, xai_err *err) {
  plan_value *p = &run->values[v];
  p->seen = p->own;
  p->seen_buffer = p->own_buffer;
  if (!xai_plan__is_hooked(run, v)) return XAI_OK;
  xai_arena__live(run, p->own_buffer, step);
  return xai_arena__add(run, &p->seen, step, &p->seen_buffer, err);
}

/* The array of a value, alive from the step on in which the first part of it is made. */
static xai_status place_whole(xai_run *run, int v, int step, xai_err *err) {
  plan_value *p = &run->values[v];
  if (p->own_buffer < 0) return xai_arena__add(run, &run->facts.views[v], step, &p->own_buffer, err);
  xai_arena__live(run, p->own_buffer, step);
  return XAI_OK;
}

static xai_status place_at_home(xai_run *run, int v, int step, xai_err *err) {
  plan_value *p = &run->values[v];
  XAI_TRY(place_whole(run, p->home, step, err));
  plan_place at = {run->values[p->home].own_buffer, p->shift};
  return xai_arena__part(run, &p->own, at, step, &p->own_buffer, err);
}

/* A value's place: its own buffer, a part of another's, or its input's when the operator only renames elements. */
static xai_status place_output(xai_run *run, int n, int i, int step, xai_err *err) {
  const xai_node *node = &run->graph->nodes[n];
  int v = node->out[i];
  if (v < 0) return XAI_OK;
  plan_value *p = &run->values[v];
  p->own = run->facts.views[v];
  if ((xai_op_get(node->op)->flags & XAI_OP_ALIAS) != 0 && i == 0) {
    const plan_value *source = &run->values[node->in[0]];
    p->own_buffer = source->seen_buffer;
    p->own.data = source->seen.data;
  } else {
    XAI_TRY(p->home >= 0 ? place_at_home(run, v, step, err) : place_whole(run, v, step, err));
  }
  return place_hooked(run, v, step, err);
}

static void keep(xai_run *run, int v) {
  if (v >= 0) xai_arena__live(run, run->values[v].seen_buffer, XAI_FOREVER);
}

static xai_status plan_forward(xai_run *run, const bool *set, xai_err *err) {
  const xai_graph *g = run->graph, *own = run->net->graph;
  const plan_request *r = &run->request;
  for (int v = 0; v < g->n_values; v++) {
    plan_value *p = &run->values[v];
    *p = (plan_value){.own_buffer = -1, .seen_buffer = -1, .grad_buffer = -1, .home = -1};
    if (run->facts.views[v].data != NULL) p->own = p->seen = run->facts.views[v];
  }
  for (int i = 0; i < g->n_inputs; i++) {
    plan_value *input = &run->values[g->inputs[i]];
    if (input->own.data != NULL) continue; /* the plan is for these very elements */
    input->own = input->seen = run->facts.views[g->inputs[i]];
    XAI_TRY(xai_arena__add(run, &input->own, 0, &input->own_buffer, err));
    XAI_TRY(place_hooked(run, g->inputs[i], 0, err));
  }

  xai_plan__find_homes(run, set);
  run->n_forward = 0;
  for (int n = 0; n < g->n_nodes; n++) {
    if (!set[n]) continue;
    int step = run->n_forward++;
    run->forward[step] = (plan_step){.node = n};
    for (int i = 0; i < g->nodes[n].n_in; i++)
      if (g->nodes[n].in[i] >= 0) xai_arena__live(run, run->values[g->nodes[n].in[i]].seen_buffer, step);
    for (int i = 0; i < g->nodes[n].n_out; i++) XAI_TRY(place_output(run, n, i, step, err));
    size_t bytes = workspace_of(run, n);
    if (bytes > run->work_bytes) run->work_bytes = bytes;
  }
  for (int i = 0; i < r->n_keep; i++) keep(run, xai_plan__at(run->place, r->keep[i]));
  for (int i = 0; r->keep_outputs && i < own->n_outputs; i++) keep(run, xai_plan__at(run->place, own->outputs[i]));
  for (int b = 0; r->keep_all && b < run->n_buffers; b++) run->buffers[b].last = XAI_FOREVER;
  return XAI_OK;
}

/* ---- backward ----------------------------------------------------------------------------------------------- */
/* Input i of a node has a gradient that somebody wants. */
static bool passes(const xai_facts *facts, const bool *need, const xai_node *node, int i) {
  int v = node->in[i];
  return v >= 0 && need[v] && facts->views[v].dtype == XAI_F32 && xai_op_grad(xai_op_get(node->op), i) != XAI_NO_GRAD;
}

static bool passes_any(const xai_facts *facts, const bool *need, const xai_node *node) {
  bool any = false;
  for (int i = 0; i < node->n_in; i++) any = any || passes(facts, need, node, i);
  return any;
}

xai_status xai_plan__need(const xai_graph *g, const xai_facts *facts, const bool *set, const plan_request *r,
                          const int *place, bool **out, xai_err *err) {
  bool *need = xai_calloc((size_t)g->n_values + 1, sizeof *need), *reach = xai_calloc((size_t)g->n_values + 1, sizeof *reach);
  if (need == NULL || reach == NULL) {
    xai_free(need);
    xai_free(reach);
    return xai_fail_memory(err, (size_t)g->n_values);
  }
  for (int i = 0; i < r->n_wants; i++)
    if (xai_plan__at(place, r->wants[i]) >= 0) need[xai_plan__at(place, r->wants[i])] = true;
  for (int v = 0; r->weights && v < g->n_values; v++)
    if (g->values[v].constant != NULL) need[v] = true;
  for (int n = 0; n < g->n_nodes; n++) { /* descendants of what is wanted */
    const xai_node *node = &g->nodes[n];
    bool depends = set[n] && passes_any(facts, need, node);
    for (int i = 0; depends && i < node->n_out; i++)
      if (node->out[i] >= 0 && facts->views[node->out[i]].dtype == XAI_F32) need[node->out[i]] = true;
  }
  for (int i = 0; i < r->n_seeds; i++) reach[xai_plan__at(place, r->seeds[i])] = true;
  for (int n = g->n_nodes; n-- > 0;) { /* ancestors of the seeds */
    const xai_node *node = &g->nodes[n];
    bool leads = false;
    for (int i = 0; set[n] && i < node->n_out; i++) leads = leads || (node->out[i] >= 0 && reach[node->out[i]]);
    for (int i = 0; leads && i < node->n_in; i++)
      if (node->in[i] >= 0 && xai_op_grad(xai_op_get(node->op), i) != XAI_NO_GRAD) reach[node->in[i]] = true;
  }
  for (int v = 0; v < g->n_values; v++) need[v] = need[v] && reach[v];
  xai_free(reach);
  *out = need;
  return XAI_OK;
}

static void reads(xai_run *run, int n, unsigned mask, int step) {
  const xai_node *node = &run->graph->nodes[n];
  for (int j = 0; j < node->n_in && j < 30; j++)
    if ((mask & XAI_READS(j)) != 0 && node->in[j] >= 0) xai_arena__live(run, run->values[node->in[j]].seen_buffer, step);
  if ((mask & XAI_READS_OUT) != 0) xai_arena__live(run, run->values[node->out[0]].own_buffer, step);
}

static bool finishes(const xai_op_def *def, int i) { return i < 30 && (def->finishes & XAI_READS(i)) != 0; }

/* Added to what is there: by the operator, or by way of a temporary array. */
static xai_status plan_addition(xai_run *run, const xai_op_def *def, int i, const plan_value *p, int step, plan_din *din,
                                xai_err *err) {
  din->how = DIN_ADD;
  bool adds = (def->flags & XAI_OP_ADDS) != 0 || finishes(def, i);
  return adds ? XAI_OK : xai_arena__add(run, &p->grad, step, &din->temporary, err);
}

/* The gradient of input i, from a node whose outputs' gradients are complete. */
static xai_status plan_din_of(xai_run *run, const xai_node *node, int i, int step, plan_din *din, xai_err *err) {
  const xai_op_def *def = xai_op_get(node->op);
  plan_value *p = &run->values[node->in[i]];
  plan_place at;
  p->last = finishes(def, i) ? din : NULL;
  p->last_step = step;
  if (p->grad_buffer >= 0) return plan_addition(run, def, i, p, step, din, err);
  if (xai_plan__joins(run, node->in[i], &at)) {
    p->is_joined = true;
    xai_plan__change_parts(run, node->in[i]);
    XAI_TRY(xai_arena__part(run, &p->grad, at, step, &p->grad_buffer, err));
    return plan_addition(run, def, i, p, step, din, err);
  }
  din->how = DIN_WRITE;
  if (xai_plan__hands_on(run, node, i, &at)) return xai_arena__part(run, &p->grad, at, step, &p->grad_buffer, err);
  return xai_arena__add(run, &p->grad, step, &p->grad_buffer, err);
}

static xai_status plan_step_back(xai_run *run, const bool *need, int n, plan_din *din, int step, xai_err *err) {
  const xai_node *node = &run->graph->nodes[n];
  xai_plan__gate_output(run, node);
  for (int i = 0; i < node->n_out; i++)
    if (node->out[i] >= 0) xai_arena__live(run, run->values[node->out[i]].grad_buffer, step);
  for (int i = 0; i < node->n_in; i++) {
    din[i] = (plan_din){.how = DIN_NONE, .temporary = -1};
    if (!passes(&run->facts, need, node, i)) continue;
    reads(run, n, xai_op_grad(xai_op_get(node->op), i), step);
    XAI_TRY(plan_din_of(run, node, i, step, &din[i], err));
    xai_arena__live(run, run->values[node->in[i]].grad_buffer, step);
  }
  return XAI_OK;
}

/* A hook sees gradient and activation in the last step at the latest. */
static void show_hooks(xai_run *run, int last) {
  for (int i = 0; i < run->net->n_grad_hooks; i++) {
    int v = xai_plan__value(run, run->net->grad_hooks[i].layer);
    if (v < 0 || run->values[v].grad_buffer < 0) continue;
    xai_arena__live(run, run->values[v].grad_buffer, last);
    xai_arena__live(run, run->values[v].seen_buffer, last);
  }
}

static void mark_wanted(xai_run *run) {
  const plan_request *r = &run->request;
  for (int i = 0; i < r->n_wants; i++)
    if (xai_plan__at(run->place, r->wants[i]) >= 0) run->values[xai_plan__at(run->place, r->wants[i])].is_wanted = true;
  for (int v = 0; r->weights && v < run->graph->n_values; v++)
    if (run->graph->values[v].constant != NULL) run->values[v].is_wanted = true;
}

static xai_status plan_backward(xai_run *run, const bool *set, xai_err *err) {
  const xai_graph *g = run->graph;
  const plan_request *r = &run->request;
  xai_status st = XAI_OK;
  bool *need = NULL;
  run->n_backward = 0;
  run->first_backward_buffer = run->n_buffers;
  for (int v = 0; v < g->n_values; v++) {
    plan_value *p = &run->values[v];
    p->grad = (xai_view){.dtype = XAI_F32, .shape = run->facts.views[v].shape};
    p->grad_buffer = -1;
    p->is_seed = p->is_wanted = p->is_joined = p->is_gated = false;
    p->last = NULL;
  }
  if (r->n_seeds == 0) return XAI_OK;
  mark_wanted(run);
  XAI_GOTO(xai_plan__need(g, &run->facts, set, r, run->place, &need, err));
  int step = run->n_forward; /* the step in which seeds are put in */
  for (int i = 0; i < r->n_seeds; i++) {
    plan_value *p = &run->values[xai_plan__at(run->place, r->seeds[i])];
    if (p->is_seed) continue;
    p->is_seed = true;
    XAI_GOTO(xai_arena__add(run, &p->grad, step, &p->grad_buffer, err));
  }
  plan_din *din = run->dins;
  for (int s = run->n_forward; s-- > 0;) {
    const xai_node *node = &g->nodes[run->forward[s].node];
    bool has_gradient = false;
    for (int i = 0; i < node->n_out; i++)
      has_gradient = has_gradient || (node->out[i] >= 0 && run->values[node->out[i]].grad_buffer >= 0);
    if (!has_gradient || !passes_any(&run->facts, need, node) || run->values[node->out[0]].is_joined) continue;
    run->backward[run->n_backward++] = (plan_step){run->forward[s].node, din};
    XAI_GOTO(plan_step_back(run, need, run->forward[s].node, din, ++step, err));
    din += node->n_in;
  }
  for (int v = 0; v < g->n_values; v++)
    if (run->values[v].is_wanted) xai_arena__live(run, run->values[v].grad_buffer, XAI_FOREVER);
  show_hooks(run, step + 1);
done:
  xai_free(need);
  return st;
}

/* ---- both ----------------------------------------------------------------------------------------------------- */
static xai_status make_lists(xai_run *run, xai_err *err) {
  const xai_graph *g = run->graph;
  size_t n_in = 1, most = 1;
  for (int n = 0; n < g->n_nodes; n++) {
    n_in += (size_t)g->nodes[n].n_in;
    if ((size_t)g->nodes[n].n_in > most) most = (size_t)g->nodes[n].n_in;
  }
  size_t steps = (size_t)g->n_nodes + 1;
  run->values = xai_calloc((size_t)g->n_values, sizeof *run->values);
  run->forward = xai_calloc(steps, sizeof *run->forward);
  run->backward = xai_calloc(steps, sizeof *run->backward);
  run->dins = xai_calloc(n_in, sizeof *run->dins);
  run->scratch_in = xai_calloc(most, sizeof *run->scratch_in);
  run->scratch_din = xai_calloc(most, sizeof *run->scratch_din);
  run->scratch_adds = xai_calloc(most, sizeof *run->scratch_adds);
  run->scratch_gates = xai_calloc(most, sizeof *run->scratch_gates);
  if (run->values == NULL || run->forward == NULL || run->backward == NULL || run->dins == NULL ||
      run->scratch_in == NULL || run->scratch_din == NULL || run->scratch_adds == NULL ||
      run->scratch_gates == NULL)
    return xai_fail_memory(err, (size_t)g->n_values * sizeof *run->values);
  return XAI_OK;
}

xai_status xai_plan__make(xai_run *run, xai_err *err) {
  bool *set = NULL;
  xai_status st = XAI_OK;
  XAI_GOTO(choose_graph(run, &set, err));
  XAI_GOTO(make_lists(run, err));
  XAI_GOTO(plan_forward(run, set, err));
  XAI_GOTO(plan_backward(run, set, err));
  XAI_GOTO(xai_arena__place(run, 0, &run->arena_bytes, err));
  run->arena = xai_alloc(run->arena_bytes + run->work_bytes);
  if (run->arena != NULL) resolve(run);
  else st = xai_fail_memory(err, run->arena_bytes + run->work_bytes);
done:
  xai_free(set);
  return st;
}

/* The backward part of the arena, over activations that are there. */
static xai_status replan_backward(xai_run *run, xai_err *err) {
  bool *set = xai_calloc((size_t)run->graph->n_nodes + 1, sizeof *set);
  if (set == NULL) return xai_fail_memory(err, (size_t)run->graph->n_nodes);
  for (int s = 0; s < run->n_forward; s++) set[run->forward[s].node] = true;
  xai_status st = plan_backward(run, set, err);
  xai_free(set);
  if (st != XAI_OK) return st;
  return xai_arena__place(run, run->first_backward_buffer, &run->late_bytes, err);
}

xai_status xai_plan__again(xai_run *run, const int *seeds, int n_seeds, const int *wants, int n_wants, xai_err *err) {
  XAI_ASSERT(run->request.keep_all, err);
  plan_request *r = &run->request;
  int *lists = xai_alloc((size_t)(n_seeds + n_wants + 1) * sizeof *lists);
  if (lists == NULL) return xai_fail_memory(err, (size_t)(n_seeds + n_wants) * sizeof *lists);
  memcpy(lists, seeds, (size_t)n_seeds * sizeof *lists);
  memcpy(lists + n_seeds, wants, (size_t)n_wants * sizeof *lists);
  xai_free(r->seeds); /* 'wants' lies in the same block */
  r->seeds = lists;
  r->wants = lists + n_seeds;
  r->n_seeds = n_seeds;
  r->n_wants = n_wants;
  xai_free(run->late_arena);
  run->late_arena = NULL;
  run->n_buffers = run->first_backward_buffer;
  XAI_TRY(replan_backward(run, err));
  run->late_arena = xai_alloc(run->late_bytes);
  if (run->late_arena == NULL) return xai_fail_memory(err, run->late_bytes);
  resolve(run);
  return XAI_OK;
}
