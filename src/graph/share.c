/* graph/share.c: arrays that lie inside of others, so that nothing is copied; see plan.h.
 *
 * A Concat whose operands would stand one behind the other in its result (one picture, along the channels) needs not be
 * carried out when they are written there in the first place. The last of several is the one that they are written to: of
 * DenseNet's blocks, where every layer reads all that came before, one array remains, and what the layers read are its
 * beginnings. On the way back the operands' gradients are parts of the result's, and a later Concat of what begins the
 * same way adds its gradient there. Operators that hand a gradient on unchanged pass the array itself.
 *
 * Likewise a gradient that goes back through a rectifier passes it where its last part is written, if the operator there
 * knows how, and the array is not gone over once more. */
#include "base/alloc.h"
#include "graph/plan.h"

static const plan_value *value(const xai_run *run, int v) { return &run->values[v]; }
static size_t bytes_of(const xai_run *run, int v) { return xai_view_bytes(&run->facts.views[v]); }

/* A Concat with one row: its operands stand one behind the other. */
static bool is_stack(const xai_run *run, const xai_node *node) {
  int axis;
  const xai_shape *y = &run->facts.views[node->out[0]].shape;
  if (node->op != XAI_OP_CONCAT || xai_shape_axis(node->attrs.axis.axis, y->rank, &axis, NULL) != XAI_OK) return false;
  return xai_shape_span(y, 0, axis) == 1;
}

/* It is made by a step into an array of its own, which is free for others as soon as it is not read any more. */
static bool is_loose(const xai_run *run, const bool *set, int v) {
  const xai_graph *g = run->graph, *own = run->net->graph;
  const plan_request *r = &run->request;
  int maker = g->values[v].node;
  if (maker < 0 || !set[maker] || value(run, v)->home >= 0 || xai_plan__is_hooked(run, v)) return false;
  if ((xai_op_get(g->nodes[maker].op)->flags & XAI_OP_ALIAS) != 0 && v == g->nodes[maker].out[0]) return false;
  for (int i = 0; i < r->n_keep; i++)
    if (xai_plan__at(run->place, r->keep[i]) == v) return false;
  for (int i = 0; r->keep_outputs && i < own->n_outputs; i++)
    if (xai_plan__at(run->place, own->outputs[i]) == v) return false;
  return true;
}

/* Operands that are elsewhere one behind the other already: the result is there, too. */
static bool is_there(const xai_run *run, const xai_node *node) {
  const plan_value *first = value(run, node->in[0]);
  size_t at = first->shift;
  for (int i = 0; i < node->n_in; i++) {
    const plan_value *p = value(run, node->in[i]);
    if (p->home < 0 || p->home != first->home || p->shift != at) return false;
    at += bytes_of(run, node->in[i]);
  }
  return true;
}

void xai_plan__find_homes(xai_run *run, const bool *set) {
  const xai_graph *g = run->graph;
  for (int n = g->n_nodes; n-- > 0;) { /* the last one first: it is the largest */
    const xai_node *node = &g->nodes[n];
    if (!set[n] || !is_stack(run, node)) continue;
    int y = node->out[0];
    plan_value *whole = &run->values[y];
    if (is_there(run, node) && is_loose(run, set, y)) {
      whole->home = value(run, node->in[0])->home;
      whole->shift = value(run, node->in[0])->shift;
      continue;
    }
    size_t at = whole->home >= 0 ? whole->shift : 0;
    for (int i = 0; i < node->n_in; i++) {
      plan_value *p = &run->values[node->in[i]];
      if (at % XAI_ALIGN == 0 && is_loose(run, set, node->in[i])) {
        p->home = whole->home >= 0 ? whole->home : y;
        p->shift = at;
      }
      at += bytes_of(run, node->in[i]);
    }
  }
}

/* ---- gradients ---------------------------------------------------------------------------------------------------- */
bool xai_plan__hands_on(const xai_run *run, const xai_node *node, int i, plan_place *out) {
  const plan_value *y = value(run, node->out[0]);
  if (y->grad_buffer < 0 || y->is_seed || y->is_wanted) return false;
  *out = (plan_place){.buffer = y->grad_buffer};
  if (is_stack(run, node)) {
    for (int k = 0; k < i; k++) out->shift += bytes_of(run, node->in[k]);
    return out->shift % XAI_ALIGN == 0;
  }
  const xai_op_def *def = xai_op_get(node->op);
  if (i >= 30 || (def->hands_on & XAI_READS(i)) == 0 || bytes_of(run, node->in[i]) != bytes_of(run, node->out[0])) return false;
  if ((def->flags & XAI_OP_GATED) != 0 && !y->is_gated) return false;
  for (int k = 0; k < node->n_in; k++) /* one of several */
    if (k != i && node->in[k] >= 0) {
      int b = value(run, node->in[k])->grad_buffer;
      if (b >= 0 && xai_arena__at(run, b).buffer == xai_arena__at(run, y->grad_buffer).buffer) return false;
    }
  return true;
}

bool xai_plan__joins(const xai_run *run, int v, plan_place *out) {
  int maker = run->graph->values[v].node;
  const plan_value *p = value(run, v);
  if (maker < 0 || p->is_wanted || xai_plan__is_grad_hooked(run, v)) return false;
  const xai_node *node = &run->graph->nodes[maker];
  if (!is_stack(run, node)) return false;
  size_t before = 0;
  for (int i = 0; i < node->n_in; i++) {
    int b = value(run, node->in[i])->grad_buffer;
    if (b < 0) return false;
    plan_place at = xai_arena__at(run, b);
    if (i == 0) *out = at;
    if (at.buffer != out->buffer || at.shift != out->shift + before) return false;
    before += bytes_of(run, node->in[i]);
  }
  return true;
}

/* ---- rectifiers on the way back ------------------------------------------------------------------------------------- */
/* How many nodes that run read v; 2: more than one. */
static int readers(const xai_run *run, int v) {
  int count = 0;
  for (int s = 0; s < run->n_forward && count < 2; s++) {
    const xai_node *node = &run->graph->nodes[run->forward[s].node];
    for (int i = 0; i < node->n_in; i++) count += node->in[i] == v;
  }
  return count;
}

/* The rectifier that made v, or made all parts of v. */
static bool find_gate(const xai_run *run, int v, xai_gate *gate) {
  int maker = run->graph->values[v].node;
  const plan_value *p = value(run, v);
  if (maker < 0 || p->is_seed || p->is_wanted || xai_plan__is_hooked(run, v) || xai_plan__is_grad_hooked(run, v)) return false;
  const xai_node *node = &run->graph->nodes[maker];
  if ((xai_op_get(node->op)->flags & XAI_OP_GATED) != 0) {
    *gate = (xai_gate){true, (float)node->attrs.blocked.lo, (float)node->attrs.blocked.hi};
    return v == node->out[0];
  }
  for (int i = 0; node->op == XAI_OP_CONCAT && i < node->n_in; i++) {
    xai_gate other;
    int part = node->in[i], from = run->graph->values[part].node;
    if (from < 0 || run->graph->nodes[from].op == XAI_OP_CONCAT || !find_gate(run, part, &other)) return false;
    if (i > 0 && (other.lo != gate->lo || other.hi != gate->hi)) return false;
    *gate = other;
    if (readers(run, part) > 1) return false;
  }
  return node->op == XAI_OP_CONCAT;
}

void xai_plan__gate_output(xai_run *run, const xai_node *node) {
  xai_gate gate;
  int v = node->out[0];
  plan_value *p = &run->values[v];
  if (p->last == NULL || p->is_gated || !find_gate(run, v, &gate)) return;
  p->last->gate = gate;
  p->is_gated = true;
  for (int i = 0; node->op == XAI_OP_CONCAT && i < node->n_in; i++) run->values[node->in[i]].is_gated = true;
  xai_arena__live(run, p->seen_buffer, p->last_step);
}

void xai_plan__change_parts(xai_run *run, int v) {
  const xai_node *node = &run->graph->nodes[run->graph->values[v].node];
  for (int i = 0; i < node->n_in; i++) run->values[node->in[i]].last = NULL;
}
