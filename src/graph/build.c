/* graph/build.c: the builder of build.h. Names are looked up in an open-addressing table, so that a
 * hundred thousand nodes are read in linear time. */
#include "graph/build.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/str.h"
#include "graph/net.h"

enum { MOST_NODES = 100000, MOST_NAME = 4096 };

struct xai_builder {
  xai_graph *g;
  int room_values, room_nodes, room_inputs, room_outputs;
  int *table; /* value id + 1 by hash of its name, 0 = free; size is a power of two */
  size_t table_size;
};

xai_status xai_builder_new(xai_builder **out, xai_err *err) {
  xai_builder *b = xai_calloc(1, sizeof *b);
  if (b != NULL) b->g = xai_calloc(1, sizeof *b->g);
  if (b == NULL || b->g == NULL) {
    xai_free(b);
    return xai_fail_memory(err, sizeof *b);
  }
  atomic_init(&b->g->refs, 1);
  *out = b;
  return XAI_OK;
}

void xai_builder_free(xai_builder *b) {
  if (b == NULL) return;
  xai_graph__release(b->g);
  xai_free(b->table);
  xai_free(b);
}

/* ---- names ---------------------------------------------------------------------------------------------- */
/* Where 'name' is in the table, or the free place where it belongs. */
static size_t place(const xai_builder *b, const char *name) {
  size_t i = (size_t)xai_str_hash(name) & (b->table_size - 1);
  while (b->table[i] != 0 && strcmp(b->g->values[b->table[i] - 1].name, name) != 0) i = (i + 1) & (b->table_size - 1);
  return i;
}

static int value_id(const xai_builder *b, const char *name) {
  return b->table_size == 0 ? -1 : b->table[place(b, name)] - 1;
}

static xai_status rehash(xai_builder *b, xai_err *err) {
  size_t size = b->table_size == 0 ? 256 : b->table_size * 2;
  int *table = xai_calloc(size, sizeof *table);
  if (table == NULL) return xai_fail_memory(err, size * sizeof *table);
  xai_free(b->table);
  b->table = table;
  b->table_size = size;
  for (int v = 0; v < b->g->n_values; v++) b->table[place(b, b->g->values[v].name)] = v + 1;
  return XAI_OK;
}

static xai_status new_value(xai_builder *b, const char *name, int *id, xai_err *err) {
  xai_graph *g = b->g;
  if (strlen(name) > MOST_NAME) return xai_fail(err, XAI_EFORMAT, "a name of %zu bytes (at most %d)", strlen(name), MOST_NAME);
  if (value_id(b, name) >= 0) return xai_fail(err, XAI_EFORMAT, "value '%s' is defined twice", name);
  XAI_TRY(xai_grow((void **)&g->values, g->n_values, &b->room_values, sizeof *g->values, err));
  if ((size_t)g->n_values * 2 >= b->table_size) XAI_TRY(rehash(b, err));
  xai_value *v = &g->values[g->n_values];
  *v = (xai_value){.node = -1, .shape = {.rank = -1}};
  v->name = xai_strdup(name);
  if (v->name == NULL) return xai_fail_memory(err, strlen(name));
  b->table[place(b, name)] = g->n_values + 1;
  *id = g->n_values++;
  return XAI_OK;
}

bool xai_builder_find(const xai_builder *b, const char *name, xai_tensor **constant) {
  int id = value_id(b, name);
  if (id >= 0 && constant != NULL) *constant = b->g->values[id].constant;
  return id >= 0;
}

/* ---- parts -------------------------------------------------------------------------------------------------- */
xai_status xai_builder_input(xai_builder *b, const char *name, xai_dtype dtype, xai_shape shape, xai_err *err) {
  int id;
  XAI_TRY(xai_grow((void **)&b->g->inputs, b->g->n_inputs, &b->room_inputs, sizeof(int), err));
  XAI_TRY(new_value(b, name, &id, err));
  b->g->values[id].dtype = dtype;
  b->g->values[id].shape = shape;
  b->g->inputs[b->g->n_inputs++] = id;
  return XAI_OK;
}

xai_status xai_builder_constant(xai_builder *b, const char *name, xai_tensor *t, xai_err *err) {
  int id;
  XAI_TRY(new_value(b, name, &id, err));
  b->g->values[id].constant = xai_tensor_retain(t);
  return XAI_OK;
}

static const char *value_name(const void *ctx, size_t i) { return ((const xai_graph *)ctx)->values[i].name; }

static xai_status known_value(const xai_builder *b, const char *name, int *id, xai_err *err) {
  *id = value_id(b, name);
  if (*id >= 0) return XAI_OK;
  char hint[XAI_ERR_MAX];
  xai_str_suggest(hint, sizeof hint, xai_str_nearest(name, (size_t)b->g->n_values, value_name, b->g));
  return xai_fail(err, XAI_ENOTFOUND, "value '%s' is used before it is defined%s", name, hint);
}

static bool empty(const char *name) { return name == NULL || name[0] == '\0'; }

static xai_status check_counts(const xai_op_def *def, int n_in, int n_out, const char *const *outputs, xai_err *err) {
  if (n_in < def->min_in || (def->max_in >= 0 && n_in > def->max_in)) {
    if (def->max_in == def->min_in)
      return xai_fail(err, XAI_EFORMAT, "wrong number of inputs for %s (expected %d, got %d)", def->name, def->min_in, n_in);
    return xai_fail(err, XAI_EFORMAT, "wrong number of inputs for %s (expected %d to %d, got %d)", def->name, def->min_in,
                    def->max_in < 0 ? 9999 : def->max_in, n_in);
  }
  if (n_out < 1 || n_out > def->max_out || empty(outputs[0]))
    return xai_fail(err, XAI_EFORMAT, "wrong number of outputs for %s (expected %s%d, got %d)", def->name,
                    def->max_out > 1 ? "1 to " : "", def->max_out, n_out);
  return XAI_OK;
}

xai_status xai_builder_node(xai_builder *b, const char *name, xai_op op, const xai_attrs *attrs, int n_in,
                            const char *const *inputs, int n_out, const char *const *outputs, xai_err *err) {
  xai_graph *g = b->g;
  const xai_op_def *def = xai_op_get(op);
  while (n_in > def->min_in && empty(inputs[n_in - 1])) n_in--; /* trailing omitted inputs */
  while (n_out > 1 && empty(outputs[n_out - 1])) n_out--;
  XAI_TRY(check_counts(def, n_in, n_out, outputs, err));
  if (g->n_nodes >= MOST_NODES) return xai_fail(err, XAI_EFORMAT, "more than %d nodes", MOST_NODES);
  XAI_TRY(xai_grow((void **)&g->nodes, g->n_nodes, &b->room_nodes, sizeof *g->nodes, err));
  int index = g->n_nodes++; /* from here on the graph owns what hangs on the node */
  xai_node node = {.op = op, .n_in = n_in, .n_out = n_out};
  node.name = xai_strdup(empty(name) ? outputs[0] : name);
  node.in = xai_alloc((size_t)n_in * sizeof(int));
  node.out = xai_alloc((size_t)n_out * sizeof(int));
  if (attrs != NULL) node.attrs = *attrs;
  else xai_attrs_default(op, &node.attrs);
  g->nodes[index] = node;
  if (node.name == NULL || node.in == NULL || node.out == NULL) return xai_fail_memory(err, sizeof node);
  for (int i = 0; i < n_in; i++) {
    if (empty(inputs[i])) node.in[i] = -1;
    else XAI_TRY(known_value(b, inputs[i], &node.in[i], err));
    if (i < def->min_in && node.in[i] < 0)
      return xai_fail(err, XAI_EFORMAT, "input %d of %s may not be left out", i + 1, def->name);
  }
  for (int i = 0; i < n_out; i++) {
    node.out[i] = -1;
    if (empty(outputs[i])) continue;
    XAI_TRY(new_value(b, outputs[i], &node.out[i], err));
    g->values[node.out[i]].node = index;
  }
  return XAI_OK;
}

xai_status xai_builder_infer(xai_builder *b, xai_shape *shape, xai_err *err) {
  xai_graph *g = b->g;
  if (g->n_nodes == 0) return xai_fail(err, XAI_EARG, "there is no node yet");
  const xai_node *node = &g->nodes[g->n_nodes - 1];
  xai_status st = XAI_OK;
  xai_view out[XAI_MAX_OUTPUTS] = {{0}};
  xai_view *in = xai_calloc((size_t)node->n_in + 1, sizeof *in);
  if (in == NULL) return xai_fail_memory(err, sizeof *in);
  for (int i = 0; i < node->n_in; i++) {
    const xai_value *v = node->in[i] < 0 ? NULL : &g->values[node->in[i]];
    if (v == NULL) in[i].shape.rank = -1;
    else if (v->constant != NULL) in[i] = *xai_tensor_view(v->constant);
    else in[i] = (xai_view){.dtype = v->dtype, .shape = v->shape};
    if (in[i].shape.rank > 0 && in[i].shape.dims[0] < 0) in[i].shape.dims[0] = 1;
  }
  xai_call call = {.attrs = &node->attrs, .n_in = node->n_in, .n_out = node->n_out, .in = in, .out = out};
  XAI_GOTO(xai_op_infer(node->op, &call, err));
  for (int i = 0; i < node->n_out; i++) {
    if (node->out[i] < 0) continue;
    g->values[node->out[i]].dtype = out[i].dtype;
    g->values[node->out[i]].shape = out[i].shape;
  }
  *shape = out[0].shape;
done:
  xai_free(in);
  return st;
}

int xai_builder_size(const xai_builder *b) { return b->g->n_nodes; }

xai_status xai_builder_output(xai_builder *b, const char *name, xai_err *err) {
  int id;
  XAI_TRY(known_value(b, name, &id, err));
  XAI_TRY(xai_grow((void **)&b->g->outputs, b->g->n_outputs, &b->room_outputs, sizeof(int), err));
  b->g->outputs[b->g->n_outputs++] = id;
  return XAI_OK;
}

/* ---- pictures with their channels last ------------------------------------------------------------------------------- */
/* Three colours, or one in a square. Only where there are convolutions: elsewhere four axes may be anything. */
static bool is_channels_last(const xai_graph *g) {
  if (g->n_inputs != 1) return false;
  const xai_value *x = &g->values[g->inputs[0]];
  const int64_t *dims = x->shape.dims;
  if (x->dtype != XAI_F32 || x->shape.rank != 4 || dims[1] == 1 || dims[1] == 3) return false;
  if (dims[3] != 3 && !(dims[3] == 1 && dims[1] == dims[2])) return false;
  for (int n = 0; n < g->n_nodes; n++)
    if (g->nodes[n].op == XAI_OP_CONV) return true;
  return false;
}

static bool brings_channels_first(const xai_node *node) {
  const xai_ints *perm = &node->attrs.transpose.perm;
  return node->op == XAI_OP_TRANSPOSE && perm->n == 4 && perm->v[0] == 0 && perm->v[1] == 3 && perm->v[2] == 1 && perm->v[3] == 2;
}

static void move_to_front(xai_graph *g, int node) {
  xai_node moved = g->nodes[node];
  memmove(g->nodes + 1, g->nodes, (size_t)node * sizeof *g->nodes);
  g->nodes[0] = moved;
  for (int v = 0; v < g->n_values; v++)
    if (g->values[v].node >= 0 && g->values[v].node <= node) g->values[v].node = g->values[v].node == node ? 0 : g->values[v].node + 1;
}

xai_status xai_builder_channels_first(xai_builder *b, xai_err *err) {
  xai_graph *g = b->g;
  if (!is_channels_last(g)) return XAI_OK;
  int x = g->inputs[0], made = g->n_nodes;
  const char *name = g->values[x].name;
  size_t room = strlen(name) + sizeof "/channels_last";
  char *last = xai_alloc(room);
  if (last == NULL) return xai_fail_memory(err, room);
  snprintf(last, room, "%s/channels_last", name);
  xai_attrs attrs;
  xai_attrs_default(XAI_OP_TRANSPOSE, &attrs);
  attrs.transpose.perm = (xai_ints){.n = 4, .v = {0, 2, 3, 1}};
  xai_status st = xai_builder_node(b, NULL, XAI_OP_TRANSPOSE, &attrs, 1, &name, 1, (const char *const *)&last, err);
  xai_free(last);
  XAI_TRY(st);
  for (xai_node *node = g->nodes; node < g->nodes + made; node++) {
    if (node->in[0] == x && brings_channels_first(node)) {
      node->op = XAI_OP_IDENTITY;
      xai_attrs_default(node->op, &node->attrs);
      continue;
    }
    for (int i = 0; i < node->n_in; i++)
      if (node->in[i] == x) node->in[i] = g->nodes[made].out[0];
  }
  move_to_front(g, made);
  xai_shape *s = &g->values[x].shape;
  *s = XAI_SHAPE(s->dims[0], s->dims[3], s->dims[1], s->dims[2]);
  return XAI_OK;
}

/* ---- freezing -------------------------------------------------------------------------------------------------- */
/* Marks the nodes that some output needs. */
static xai_status find_needed(const xai_graph *g, bool **out, xai_err *err) {
  bool *needed = xai_calloc((size_t)g->n_nodes + 1, sizeof *needed);
  if (needed == NULL) return xai_fail_memory(err, (size_t)g->n_nodes);
  for (int i = 0; i < g->n_outputs; i++) xai_graph__mark_needed(g, g->outputs[i], needed);
  *out = needed;
  return XAI_OK;
}

/* Takes nodes out whose 'stay' is false; their outputs become orphans or, when folded, constants. */
static void drop_nodes(xai_graph *g, const bool *stay) {
  int kept = 0;
  for (int n = 0; n < g->n_nodes; n++) {
    xai_node node = g->nodes[n];
    if (stay[n]) {
      for (int i = 0; i < node.n_out; i++)
        if (node.out[i] >= 0) g->values[node.out[i]].node = kept;
      g->nodes[kept++] = node;
      continue;
    }
    for (int i = 0; i < node.n_out; i++)
      if (node.out[i] >= 0) g->values[node.out[i]].node = -1;
    xai_free(node.name);
    xai_free(node.in);
    xai_free(node.out);
  }
  for (int n = kept; n < g->n_nodes; n++) g->nodes[n] = (xai_node){0};
  g->n_nodes = kept;
}

/* A node declares outputs that nobody may read (the mask of Dropout in old files): take them off its end. */
static void trim_outputs(xai_graph *g, bool *used) {
  for (int n = 0; n < g->n_nodes; n++)
    for (int i = 0; i < g->nodes[n].n_in; i++)
      if (g->nodes[n].in[i] >= 0) used[g->nodes[n].in[i]] = true;
  for (int i = 0; i < g->n_outputs; i++) used[g->outputs[i]] = true;
  for (int n = 0; n < g->n_nodes; n++) {
    xai_node *node = &g->nodes[n];
    while (node->n_out > 1 && (node->out[node->n_out - 1] < 0 || !used[node->out[node->n_out - 1]])) {
      if (node->out[node->n_out - 1] >= 0) g->values[node->out[node->n_out - 1]].node = -1;
      node->n_out--;
    }
  }
}

/* What computing with constants may make in all, in elements: a few kilobytes must not become a network of gigabytes.
 * Weights that are converted or turned, in several steps, are a few times what the file holds. */
enum { FOLDED_AT_LEAST = 1 << 26, FOLDED_TIMES = 8 };

static int64_t folding_room(const xai_graph *g) {
  int64_t given = 0;
  for (int v = 0; v < g->n_values; v++)
    if (g->values[v].constant != NULL) given += (int64_t)xai_tensor_count(g->values[v].constant);
  return FOLDED_AT_LEAST + FOLDED_TIMES * given;
}

/* *left: it is not done, but left to the run. */
static xai_status fold_node(xai_graph *g, const xai_node *node, int64_t *room, bool *left, xai_err *err) {
  xai_status st = XAI_OK;
  xai_tensor *made[XAI_MAX_OUTPUTS] = {0};
  xai_view out[XAI_MAX_OUTPUTS] = {{0}};
  xai_view *in = xai_calloc((size_t)node->n_in + 1, sizeof *in);
  if (in == NULL) return xai_fail_memory(err, sizeof *in);
  for (int i = 0; i < node->n_in; i++)
    if (node->in[i] < 0) in[i].shape.rank = -1;
    else in[i] = *xai_tensor_view(g->values[node->in[i]].constant);
  xai_call call = {.attrs = &node->attrs, .n_in = node->n_in, .n_out = node->n_out, .in = in, .out = out};
  XAI_GOTO(xai_op_infer(node->op, &call, err));
  *left = xai_call__is_long(node->op, &call);
  if (*left) goto done;
  for (int i = 0; i < node->n_out; i++) {
    int64_t size = xai_shape_size(&out[i].shape);
    if (size > *room) {
      st = xai_fail(err, XAI_EFORMAT, "constants would grow out of proportion (another %lld elements)",
                    (long long)size);
      goto done;
    }
    *room -= size;
  }
  XAI_GOTO(xai_call__compute(node->op, &call, made, err));
  for (int i = 0; i < node->n_out; i++) {
    if (node->out[i] >= 0) g->values[node->out[i]].constant = made[i];
    else xai_tensor_free(made[i]);
  }
done:
  xai_free(in);
  return xai_err_prefix(err, st, "layer '%s': ", node->name);
}

/* Computes nodes that depend on constants only and makes their outputs constants. */
static xai_status fold(xai_graph *g, bool *needed, xai_err *err) {
  int64_t room = folding_room(g);
  for (int n = 0; n < g->n_nodes; n++) {
    const xai_node *node = &g->nodes[n];
    bool constant = needed[n];
    for (int i = 0; constant && i < node->n_in; i++)
      constant = node->in[i] < 0 || g->values[node->in[i]].constant != NULL;
    if (!constant) continue;
    XAI_TRY(fold_node(g, node, &room, &needed[n], err));
  }
  return XAI_OK;
}

/* Constants that no node reads any more and that are no output. */
static void drop_constants(xai_graph *g, bool *used) {
  memset(used, 0, (size_t)g->n_values);
  for (int n = 0; n < g->n_nodes; n++)
    for (int i = 0; i < g->nodes[n].n_in; i++)
      if (g->nodes[n].in[i] >= 0) used[g->nodes[n].in[i]] = true;
  for (int i = 0; i < g->n_outputs; i++) used[g->outputs[i]] = true;
  for (int v = 0; v < g->n_values; v++)
    if (!used[v]) {
      xai_tensor_free(g->values[v].constant);
      g->values[v].constant = NULL;
    }
}

/* Values on whose elements shapes depend: those that say so in the operator's row, and what they are computed from. */
static void find_deciding(xai_graph *g) {
  for (int n = g->n_nodes; n-- > 0;) { /* whoever reads a value comes after who makes it */
    const xai_node *node = &g->nodes[n];
    const xai_op_def *def = xai_op_get(node->op);
    bool all = false;
    for (int i = 0; i < node->n_out && (def->flags & XAI_OP_SHAPE_ONLY) == 0; i++)
      all = all || (node->out[i] >= 0 && g->values[node->out[i]].decides);
    for (int i = 0; i < node->n_in; i++)
      if (node->in[i] >= 0 && (all || (i < 30 && (def->decides & XAI_READS(i)) != 0)))
        g->values[node->in[i]].decides = true;
  }
}

/* Two nodes of one name would make "layer" ambiguous: later ones take their output's name. */
static xai_status distinct_names(xai_builder *b, xai_err *err) {
  xai_graph *g = b->g;
  size_t size = 64;
  while (size < (size_t)g->n_nodes * 2) size *= 2;
  int *table = xai_calloc(size, sizeof *table);
  if (table == NULL) return xai_fail_memory(err, size * sizeof *table);
  for (int n = 0; n < g->n_nodes; n++) {
    size_t i = (size_t)xai_str_hash(g->nodes[n].name) & (size - 1);
    while (table[i] != 0 && strcmp(g->nodes[table[i] - 1].name, g->nodes[n].name) != 0) i = (i + 1) & (size - 1);
    if (table[i] == 0) table[i] = n + 1;
    else {
      char *name = xai_strdup(g->values[g->nodes[n].out[0]].name);
      if (name == NULL) {
        xai_free(table);
        return xai_fail_memory(err, 64);
      }
      xai_free(g->nodes[n].name);
      g->nodes[n].name = name;
    }
  }
  xai_free(table);
  return XAI_OK;
}

/* The class scores: what a final Softmax, LogSoftmax or Sigmoid reads, or what a choice of the best is made from, looking
 * through operators that only rename or convert elements. */
static int find_logits(const xai_graph *g, bool *multilabel) {
  int scores = g->outputs[0];
  for (int v = scores;;) {
    int n = g->values[v].node;
    if (n < 0) return scores;
    const xai_node *node = &g->nodes[n];
    v = node->in[0];
    *multilabel = node->op == XAI_OP_SIGMOID;
    if (node->op == XAI_OP_SOFTMAX || node->op == XAI_OP_LOG_SOFTMAX || node->op == XAI_OP_SIGMOID) return v;
    if (node->op == XAI_OP_ARG_MAX || node->op == XAI_OP_TOP_K) scores = v;
    else if (node->op != XAI_OP_CAST && (xai_op_get(node->op)->flags & XAI_OP_ALIAS) == 0) return scores;
  }
}

/* Every input at this batch and the declared size; false when another dim is free, or shapes depend on elements. */
static bool declared_inputs(const xai_graph *g, int64_t batch, xai_view *inputs) {
  for (int i = 0; i < g->n_inputs; i++) {
    const xai_value *v = &g->values[g->inputs[i]];
    if (v->decides) return false;
    inputs[i] = (xai_view){.dtype = v->dtype, .shape = v->shape};
    if (v->shape.rank > 0 && v->shape.dims[0] < 0) inputs[i].shape.dims[0] = batch;
    for (int d = 0; d < v->shape.rank; d++)
      if (inputs[i].shape.dims[d] < 0) return false;
  }
  return true;
}

/* Shapes of all layers at batch 1 and the declared size; checks the whole graph when no other dim is free. */
static xai_status find_shapes(xai_net *net, xai_err *err) {
  xai_graph *g = net->graph;
  g->shapes = xai_calloc((size_t)g->n_nodes + 1, sizeof *g->shapes);
  if (g->shapes == NULL) return xai_fail_memory(err, (size_t)g->n_nodes * sizeof *g->shapes);
  for (int n = 0; n < g->n_nodes; n++) g->shapes[n].rank = -1;
  xai_view *inputs = xai_alloc(((size_t)g->n_inputs + 1) * sizeof *inputs);
  if (inputs == NULL) return xai_fail_memory(err, (size_t)g->n_inputs * sizeof *inputs);
  xai_facts f = {0};
  xai_status st = XAI_OK;
  if (declared_inputs(g, 1, inputs)) st = xai_facts_make(net, inputs, NULL, &f, err);
  for (int n = 0; n < g->n_nodes; n++)
    if (f.views != NULL) g->shapes[n] = f.views[g->nodes[n].out[0]].shape;
  xai_facts_free(&f);
  xai_free(inputs);
  return st;
}

/* Value 'v' at one size of the batch. */
static xai_status compute_at(const xai_graph *g, int v, const bool *needed, int64_t batch, xai_view *inputs,
                             xai_tensor **out, xai_err *err) {
  xai_facts f = {0};
  xai_net bare = {.graph = (xai_graph *)(uintptr_t)g}; /* a network over what is there so far; only read */
  if (!declared_inputs(g, batch, inputs))
    return xai_fail(err, XAI_EUNSUPPORTED, "'%s' depends on a size that the file leaves open", g->values[v].name);
  XAI_TRY(xai_facts_make(&bare, inputs, needed, &f, err));
  xai_status st = XAI_OK;
  if (f.views[v].data != NULL) st = xai_tensor_copy(&f.views[v], out, err);
  else st = xai_fail(err, XAI_EUNSUPPORTED, "'%s' depends on the input's elements", g->values[v].name);
  xai_facts_free(&f);
  return st;
}

static bool same_elements(const xai_tensor *a, const xai_tensor *b) {
  const xai_view *x = xai_tensor_view(a), *y = xai_tensor_view(b);
  if (x->dtype != y->dtype || !xai_shape_equal(&x->shape, &y->shape)) return false;
  return memcmp(x->data, y->data, xai_view_bytes(x)) == 0;
}

xai_status xai_builder_compute(const xai_builder *b, const char *name, xai_tensor **out, xai_err *err) {
  static const int64_t batches[] = {1, 2, 7};
  const xai_graph *g = b->g;
  xai_tensor *first = NULL, *other = NULL;
  int v;
  XAI_TRY(known_value(b, name, &v, err));
  if (g->values[v].constant != NULL) {
    *out = xai_tensor_retain(g->values[v].constant);
    return XAI_OK;
  }
  xai_status st = XAI_OK;
  bool *needed = xai_calloc((size_t)g->n_nodes + 1, sizeof *needed);
  xai_view *inputs = xai_alloc(((size_t)g->n_inputs + 1) * sizeof *inputs);
  if (needed == NULL || inputs == NULL) {
    st = xai_fail_memory(err, (size_t)g->n_nodes);
    goto done;
  }
  xai_graph__mark_needed(g, v, needed);
  XAI_GOTO(compute_at(g, v, needed, batches[0], inputs, &first, err));
  for (size_t i = 1; i < sizeof batches / sizeof *batches; i++) {
    XAI_GOTO(compute_at(g, v, needed, batches[i], inputs, &other, err));
    bool same = same_elements(first, other);
    xai_tensor_free(other);
    if (same) continue;
    st = xai_fail(err, XAI_EUNSUPPORTED, "'%s' depends on the size of the batch", name);
    goto done;
  }
  *out = first;
  first = NULL;
done:
  xai_tensor_free(first);
  xai_free(needed);
  xai_free(inputs);
  return st;
}

xai_status xai_builder_freeze(xai_builder *b, xai_net **out, xai_err *err) {
  xai_graph *g = b->g;
  xai_status st = XAI_OK;
  bool *needed = NULL, *used = NULL;
  xai_net *net = NULL;
  if (g->n_outputs == 0) return xai_fail(err, XAI_EFORMAT, "the graph has no output");
  used = xai_calloc((size_t)g->n_values, sizeof *used);
  if (used == NULL) {
    st = xai_fail_memory(err, (size_t)g->n_values);
    goto done;
  }
  trim_outputs(g, used);
  XAI_GOTO(find_needed(g, &needed, err));
  XAI_GOTO(fold(g, needed, err));
  drop_nodes(g, needed);
  drop_constants(g, used);
  XAI_GOTO(distinct_names(b, err));
  find_deciding(g);
  g->logits = find_logits(g, &g->multilabel);
  if (g->values[g->logits].node < 0) g->logits = g->outputs[0], g->multilabel = false;
  atomic_fetch_add(&g->refs, 1);
  XAI_GOTO(xai_net__new(g, &net, err));
  XAI_GOTO(find_shapes(net, err));
  *out = net;
  net = NULL;
done:
  xai_net_free(net);
  xai_free(needed);
  xai_free(used);
  return st;
}
