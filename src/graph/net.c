/* graph/net.c: lifetime of graphs and networks, and what can be asked of them. */
#include "graph/net.h"

#include <string.h>

#include "base/alloc.h"
#include "base/status.h"

/* ---- lifetime ---------------------------------------------------------------------------------------- */
void xai_graph__release(xai_graph *g) {
  if (g == NULL || atomic_fetch_sub(&g->refs, 1) > 1) return;
  for (int v = 0; v < g->n_values; v++) {
    xai_free(g->values[v].name);
    xai_tensor_free(g->values[v].constant);
  }
  for (int n = 0; n < g->n_nodes; n++) {
    xai_free(g->nodes[n].name);
    xai_free(g->nodes[n].in);
    xai_free(g->nodes[n].out);
  }
  xai_free(g->values);
  xai_free(g->nodes);
  xai_free(g->inputs);
  xai_free(g->outputs);
  xai_free(g->shapes);
  xai_free(g->path);
  xai_packs_release(g->packs);
  xai_free(g);
}

void xai_graph__mark_needed(const xai_graph *g, int v, bool *needed) {
  int last = v < 0 ? -1 : g->values[v].node;
  if (last < 0 || needed[last]) return;
  needed[last] = true;
  for (int n = last + 1; n-- > 0;)
    for (int i = 0; needed[n] && i < g->nodes[n].n_in; i++) {
      int u = g->nodes[n].in[i];
      if (u >= 0 && g->values[u].node >= 0) needed[g->values[u].node] = true;
    }
}

static void labels_release(xai_labels *labels) {
  if (labels != NULL && atomic_fetch_sub(&labels->refs, 1) == 1) xai_free(labels);
}

xai_status xai_net__new(xai_graph *g, xai_net **out, xai_err *err) {
  xai_status st = g->packs == NULL ? xai_packs_new(&g->packs, err) : XAI_OK;
  xai_net *net = st == XAI_OK ? xai_calloc(1, sizeof *net) : NULL;
  if (net == NULL) {
    xai_graph__release(g);
    return st != XAI_OK ? st : xai_fail_memory(err, sizeof *net);
  }
  atomic_init(&net->refs, 1);
  net->graph = g;
  pthread_mutex_init(&net->lock, NULL);
  (void)xai_preprocess_preset("none", &net->preprocess, NULL);
  *out = net;
  return XAI_OK;
}

static bool has_constant(const xai_net *net, const xai_tensor *t) {
  for (int v = 0; v < net->graph->n_values; v++)
    if (net->graph->values[v].constant == t) return net->replaced == NULL || net->replaced[v] == NULL;
  return false;
}

xai_status xai_net__share_packs(const xai_net *from, xai_net *to, xai_err *err) {
  xai_graph *g = to->graph;
  to->replaced = xai_calloc((size_t)g->n_values + 1, sizeof *to->replaced);
  if (to->replaced == NULL) return xai_fail_memory(err, (size_t)g->n_values * sizeof *to->replaced);
  for (int v = 0; v < g->n_values; v++) {
    xai_tensor *t = g->values[v].constant;
    if (t != NULL && !has_constant(from, t)) to->replaced[v] = xai_tensor_retain(t);
  }
  xai_packs_release(g->packs);
  g->packs = xai_packs_retain(from->graph->packs);
  return xai_packs_own(&to->packs, err);
}

static xai_status copy_array(void **to, const void *from, size_t bytes, xai_err *err) {
  if (bytes == 0) return XAI_OK;
  *to = xai_alloc(bytes);
  if (*to == NULL) return xai_fail_memory(err, bytes);
  memcpy(*to, from, bytes);
  return XAI_OK;
}

xai_status xai_net__copy(xai_net *net, xai_net **out, xai_err *err) {
  xai_net *copy = NULL;
  xai_status st;
  atomic_fetch_add(&net->graph->refs, 1);
  XAI_TRY(xai_net__new(net->graph, &copy, err));
  copy->relu = net->relu;
  copy->trains = net->trains;
  copy->preprocess = net->preprocess;
  if (net->labels != NULL) {
    atomic_fetch_add(&net->labels->refs, 1);
    copy->labels = net->labels;
  }
  XAI_GOTO(copy_array((void **)&copy->hooks, net->hooks, (size_t)net->n_hooks * sizeof *net->hooks, err));
  copy->n_hooks = net->n_hooks;
  XAI_GOTO(copy_array((void **)&copy->grad_hooks, net->grad_hooks, (size_t)net->n_grad_hooks * sizeof *net->grad_hooks, err));
  copy->n_grad_hooks = net->n_grad_hooks;
  if (net->replaced != NULL) {
    size_t n = (size_t)net->graph->n_values;
    XAI_GOTO(copy_array((void **)&copy->replaced, net->replaced, n * sizeof *net->replaced, err));
    for (size_t v = 0; v < n; v++)
      if (copy->replaced[v] != NULL) xai_tensor_retain(copy->replaced[v]);
    copy->packs = xai_packs_retain(net->packs);
  }
  *out = copy;
  return XAI_OK;
done:
  xai_net_free(copy);
  return st;
}

xai_net *xai_net_retain(xai_net *net) {
  atomic_fetch_add(&net->refs, 1);
  return net;
}

void xai_net_free(xai_net *net) {
  if (net == NULL || atomic_fetch_sub(&net->refs, 1) > 1) return;
  for (int i = 0; i < XAI_IDLE_RUNS; i++) xai_run__destroy(net->idle[i]);
  for (int v = 0; net->replaced != NULL && v < net->graph->n_values; v++) xai_tensor_free(net->replaced[v]);
  xai_free(net->replaced);
  xai_packs_release(net->packs);
  xai_free(net->hooks);
  xai_free(net->grad_hooks);
  labels_release(net->labels);
  xai_graph__release(net->graph);
  pthread_mutex_destroy(&net->lock);
  xai_free(net);
}

/* ---- labels ---------------------------------------------------------------------------------------------- */
xai_status xai_net_set_labels(xai_net *net, const char *const *labels, int n, xai_net **out, xai_err *err) {
  int classes = xai_net_classes(net);
  if (labels != NULL && classes > 0 && n != classes)
    return xai_fail(err, XAI_ESHAPE, "labels: wrong number (expected %d, one per class, got %d)", classes, n);
  xai_net *copy = NULL;
  XAI_TRY(xai_net__copy(net, &copy, err));
  if (labels != NULL) {
    size_t bytes = sizeof(xai_labels) + (size_t)n * sizeof(char *);
    for (int i = 0; i < n; i++) bytes += strlen(labels[i]) + 1;
    xai_labels *block = xai_alloc(bytes);
    if (block == NULL) {
      xai_net_free(copy);
      return xai_fail_memory(err, bytes);
    }
    atomic_init(&block->refs, 1);
    block->n = n;
    char *at = (char *)&block->names[n];
    for (int i = 0; i < n; i++) {
      size_t length = strlen(labels[i]) + 1;
      block->names[i] = memcpy(at, labels[i], length);
      at += length;
    }
    labels_release(copy->labels);
    copy->labels = block;
  }
  *out = copy;
  return XAI_OK;
}

const char *xai_net_label(const xai_net *net, int id) {
  return net->labels != NULL && id >= 0 && id < net->labels->n ? net->labels->names[id] : NULL;
}

/* ---- questions ---------------------------------------------------------------------------------------------- */
int xai_net__layer_value(const xai_net *net, int layer) {
  const xai_graph *g = net->graph;
  if (layer == XAI_LAYER_LOGITS) return g->logits;
  if (layer == XAI_LAYER_OUTPUT) return g->outputs[0];
  if (layer == XAI_LAYER_INPUT) return g->n_inputs > 0 ? g->inputs[0] : -1;
  return layer >= 0 && layer < g->n_nodes ? g->nodes[layer].out[0] : -1;
}

int xai_net_resolve(const xai_net *net, int layer) {
  int value = xai_net__layer_value(net, layer);
  if (value < 0) return XAI_LAYER_NONE;
  if (net->graph->n_inputs > 0 && value == net->graph->inputs[0]) return XAI_LAYER_INPUT;
  int node = net->graph->values[value].node;
  return node < 0 ? XAI_LAYER_NONE : node; /* an output may be a constant or another input */
}

int xai_net_layer_count(const xai_net *net) { return net->graph->n_nodes; }

/* Elements of the constants that node n reads, each counted at its first reader. */
static int64_t params_of(const xai_graph *g, int n, bool *replaced, const xai_net *net) {
  int64_t sum = 0;
  for (int i = 0; i < g->nodes[n].n_in; i++) {
    int v = g->nodes[n].in[i];
    if (v < 0 || xai_net__weight(net, v) == NULL) continue;
    if (net->replaced != NULL && net->replaced[v] != NULL) *replaced = true;
    bool seen = false;
    for (int m = 0; m < n && !seen; m++)
      for (int j = 0; j < g->nodes[m].n_in && !seen; j++) seen = g->nodes[m].in[j] == v;
    if (!seen) sum += (int64_t)xai_tensor_count(g->values[v].constant);
  }
  return sum;
}

xai_layer xai_net_layer(const xai_net *net, int layer) {
  const xai_graph *g = net->graph;
  xai_layer l = {.name = "", .op = "", .shape = {.rank = -1}};
  if (layer == XAI_LAYER_INPUT) {
    l.name = xai_net_input_name(net);
    l.op = "Input";
    l.shape = xai_net_input_shape(net);
  } else if (layer >= 0 && layer < g->n_nodes) {
    l.name = g->nodes[layer].name;
    l.op = xai_op_get(g->nodes[layer].op)->name;
    l.shape = g->shapes[layer];
    l.params = params_of(g, layer, &l.replaced, net);
  }
  return l;
}

int64_t xai_net_param_count(const xai_net *net) {
  int64_t sum = 0;
  for (int v = 0; v < net->graph->n_values; v++) {
    const xai_tensor *t = xai_net__weight(net, v);
    if (t != NULL) sum += (int64_t)xai_tensor_count(t);
  }
  return sum;
}

int xai_net_input_count(const xai_net *net) { return net->graph->n_inputs; }
int xai_net_output_count(const xai_net *net) { return net->graph->n_outputs; }

xai_input xai_net_input(const xai_net *net, int i) {
  const xai_graph *g = net->graph;
  if (i < 0 || i >= g->n_inputs) return (xai_input){.name = "", .shape = {.rank = -1}};
  const xai_value *v = &g->values[g->inputs[i]];
  return (xai_input){v->name, v->dtype, v->shape};
}

const char *xai_net_output_name(const xai_net *net, int i) {
  const xai_graph *g = net->graph;
  return i < 0 || i >= g->n_outputs ? "" : g->values[g->outputs[i]].name;
}

xai_shape xai_net_input_shape(const xai_net *net) { return xai_net_input(net, 0).shape; }
const char *xai_net_input_name(const xai_net *net) { return xai_net_input(net, 0).name; }
const char *xai_net_path(const xai_net *net) { return net->graph->path != NULL ? net->graph->path : ""; }

xai_status xai_net__set_path(xai_net *net, const char *path, xai_err *err) {
  char *copy = xai_strdup(path);
  if (copy == NULL) return xai_fail_memory(err, strlen(path));
  xai_free(net->graph->path);
  net->graph->path = copy;
  return XAI_OK;
}

const xai_preprocess *xai_net_preprocess(const xai_net *net) { return &net->preprocess; }

int xai_net_classes(const xai_net *net) {
  const xai_graph *g = net->graph;
  int node = g->values[g->logits].node;
  if (node < 0 || g->shapes[node].rank < 1) return 0;
  return (int)xai_shape_span(&g->shapes[node], 1, g->shapes[node].rank);
}

bool xai_net_is_multilabel(const xai_net *net) { return net->graph->multilabel; }

xai_tensor *xai_net_weight(const xai_net *net, int layer, int input) {
  if (layer < 0 || layer >= net->graph->n_nodes) return NULL;
  const xai_node *node = &net->graph->nodes[layer];
  if (input < 0 || !xai_node__has_input(node, input)) return NULL;
  return xai_net__constant(net, node->in[input]);
}

/* Only these change or combine features; the rest of the operators move, pool or flatten them. */
static bool makes_features(xai_op op) {
  switch (op) {
    case XAI_OP_CONV:
    case XAI_OP_BATCH_NORM:
    case XAI_OP_CONCAT:
    case XAI_OP_ADD:
    case XAI_OP_MUL:
    case XAI_OP_LRN:
    case XAI_OP_SIGMOID:
    case XAI_OP_TANH: return true;
    default: return (xai_op_get(op)->flags & XAI_OP_RECTIFIER) != 0;
  }
}

xai_status xai_net_default_layer(const xai_net *net, const xai_shape *x, int *layer, xai_err *err) {
  const xai_graph *g = net->graph;
  xai_facts f = {0};
  xai_view input;
  XAI_TRY(xai_net__one_input(net, x, &input, err));
  XAI_TRY(xai_facts_make(net, &input, NULL, &f, err));
  int found = XAI_LAYER_NONE, last = xai_net_resolve(net, XAI_LAYER_LOGITS);
  for (int n = last; n >= 0 && found < 0; n--) {
    const xai_shape *s = &f.views[g->nodes[n].out[0]].shape;
    if (s->rank == 4 && (s->dims[2] > 1 || s->dims[3] > 1) && makes_features(g->nodes[n].op)) found = n;
  }
  xai_facts_free(&f);
  if (found < 0) return xai_fail(err, XAI_ENOTFOUND, "no layer has height or width above 1; name one with 'layer'");
  *layer = found;
  return XAI_OK;
}

/* The node that makes the one input of 'node' that is no constant; -1: the input, or several. */
static int only_maker(const xai_net *net, const xai_node *node) {
  int found = -1;
  for (int i = 0; i < node->n_in; i++) {
    if (node->in[i] < 0 || xai_net__constant(net, node->in[i]) != NULL) continue;
    if (found >= 0) return -1;
    found = node->in[i];
  }
  return found >= 0 ? net->graph->values[found].node : -1;
}

xai_status xai_net_feature_layer(const xai_net *net, int *layer, xai_err *err) {
  const xai_graph *g = net->graph;
  bool weighs = false;
  int n = g->values[g->logits].node;
  while (n >= 0) {
    xai_op op = g->nodes[n].op;
    if (weighs && op != XAI_OP_DROPOUT && op != XAI_OP_IDENTITY) break;
    weighs = weighs || op == XAI_OP_GEMM || op == XAI_OP_MATMUL || op == XAI_OP_CONV;
    n = only_maker(net, &g->nodes[n]);
  }
  if (n < 0) return xai_fail(err, XAI_ENOTFOUND, "no layer stands before a classifier here; name one with 'layer'");
  *layer = n;
  return XAI_OK;
}

xai_status xai_net__check_floats(const xai_net *net, int layer, const xai_view *a, xai_err *err) {
  if (a->dtype == XAI_F32) return XAI_OK;
  char text[XAI_SHAPE_TEXT];
  return xai_fail(err, XAI_EARG, "layer '%s' holds %s %s, expected float32", xai_net_layer(net, xai_net_resolve(net, layer)).name,
                  xai_dtype_name(a->dtype), xai_shape_text(&a->shape, text));
}

xai_status xai_net_layer_shape(const xai_net *net, int layer, const xai_shape *x, xai_shape *out, xai_err *err) {
  int value = xai_net__layer_value(net, layer);
  if (value < 0) return xai_fail(err, XAI_EARG, "no layer number %d (the network has %d)", layer, net->graph->n_nodes);
  xai_facts f = {0};
  xai_view input;
  XAI_TRY(xai_net__one_input(net, x, &input, err));
  XAI_TRY(xai_facts_make(net, &input, NULL, &f, err));
  *out = f.views[value].shape;
  xai_status st = xai_net__check_floats(net, layer, &f.views[value], err);
  xai_facts_free(&f);
  return st;
}

/* ---- identity ----------------------------------------------------------------------------------------- */
static uint64_t mix(uint64_t h, uint64_t word) {
  h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  return h ^ h >> 29;
}

static uint64_t mix_bytes(uint64_t h, const void *bytes, size_t n) {
  const unsigned char *p = bytes;
  uint64_t word;
  for (; n >= sizeof word; n -= sizeof word, p += sizeof word) {
    memcpy(&word, p, sizeof word);
    h = mix(h, word);
  }
  word = 0;
  if (n > 0) memcpy(&word, p, n);
  return mix(h, word + ((uint64_t)n << 56));
}

uint64_t xai_net_hash(const xai_net *net) {
  const xai_graph *g = net->graph;
  uint64_t h = mix(0, (uint64_t)g->n_nodes);
  for (int i = 0; i < g->n_nodes; i++) {
    const char *op = xai_op_get(g->nodes[i].op)->name;
    h = mix_bytes(h, op, strlen(op));
    for (int k = 0; k < g->nodes[i].n_in; k++) {
      const xai_tensor *t = g->nodes[i].in[k] >= 0 ? xai_net__constant(net, g->nodes[i].in[k]) : NULL;
      const xai_view *v = t != NULL ? xai_tensor_view(t) : NULL;
      h = mix(h, v != NULL ? (uint64_t)v->dtype + 1 : 0);
      if (v == NULL) continue;
      h = mix_bytes(h, v->shape.dims, (size_t)v->shape.rank * sizeof *v->shape.dims);
      h = mix_bytes(h, v->data, xai_view_bytes(v));
    }
  }
  return h;
}
