/* graph/training.c: the form of a network that is trained; see xai_net__training and xai_net__settle in net.h.
 *
 * Trained is a copy of the graph in which BatchNormalization and Dropout have become their rows for training. Everything
 * else is the network's own: the weights are taken back by replacing constants of the network, so the form needs no way
 * back. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "graph/net.h"

enum { MEAN = 3, VARIANCE = 4 }; /* inputs of BatchNormalization; its outputs 1 and 2 are what they become */

static bool learns_statistics(const xai_net *net, int n, const bool *frozen) {
  const xai_node *node = &net->graph->nodes[n];
  if (node->op != XAI_OP_BATCH_NORM || frozen[n]) return false;
  return xai_net__constant(net, node->in[MEAN]) != NULL && xai_net__constant(net, node->in[VARIANCE]) != NULL;
}

static xai_status copy_text(const char *text, char **out, xai_err *err) {
  if (text == NULL) return XAI_OK;
  *out = xai_strdup(text);
  return *out != NULL ? XAI_OK : xai_fail_memory(err, strlen(text));
}

static xai_status copy_ints(const int *from, int n, int room, int **out, xai_err *err) {
  *out = xai_alloc(((size_t)room + 1) * sizeof(int));
  if (*out == NULL) return xai_fail_memory(err, (size_t)room * sizeof(int));
  if (n > 0) memcpy(*out, from, (size_t)n * sizeof(int));
  return XAI_OK;
}

static xai_status copy_values(const xai_net *net, xai_graph *to, xai_err *err) {
  for (int v = 0; v < net->graph->n_values; v++) {
    xai_tensor *constant = xai_net__constant(net, v);
    xai_value *copy = &to->values[to->n_values++];
    *copy = net->graph->values[v];
    copy->name = NULL;
    copy->constant = constant != NULL ? xai_tensor_retain(constant) : NULL;
    XAI_TRY(copy_text(net->graph->values[v].name, &copy->name, err));
  }
  return XAI_OK;
}

static xai_status copy_nodes(const xai_graph *from, xai_graph *to, xai_err *err) {
  for (int n = 0; n < from->n_nodes; n++) {
    const xai_node *node = &from->nodes[n];
    xai_node *copy = &to->nodes[to->n_nodes++];
    *copy = *node;
    copy->name = NULL;
    copy->in = copy->out = NULL;
    XAI_TRY(copy_text(node->name, &copy->name, err));
    XAI_TRY(copy_ints(node->in, node->n_in, node->n_in, &copy->in, err));
    XAI_TRY(copy_ints(node->out, node->n_out, XAI_MAX_OUTPUTS, &copy->out, err));
  }
  return XAI_OK;
}

xai_status xai_net__copy_graph(const xai_net *net, int more, xai_graph **out, xai_err *err) {
  const xai_graph *g = net->graph;
  xai_status st = XAI_OK;
  xai_graph *copy = xai_calloc(1, sizeof *copy);
  if (copy == NULL) return xai_fail_memory(err, sizeof *copy);
  atomic_init(&copy->refs, 1);
  copy->logits = g->logits;
  copy->multilabel = g->multilabel;
  copy->values = xai_calloc((size_t)(g->n_values + more) + 1, sizeof *copy->values);
  copy->nodes = xai_calloc((size_t)g->n_nodes + 1, sizeof *copy->nodes);
  copy->shapes = xai_calloc((size_t)g->n_nodes + 1, sizeof *copy->shapes);
  if (copy->values == NULL || copy->nodes == NULL || copy->shapes == NULL) {
    st = xai_fail_memory(err, (size_t)(g->n_values + more) * sizeof *copy->values);
    goto done;
  }
  memcpy(copy->shapes, g->shapes, (size_t)g->n_nodes * sizeof *g->shapes);
  XAI_GOTO(copy_text(g->path, &copy->path, err));
  XAI_GOTO(copy_ints(g->inputs, g->n_inputs, g->n_inputs + 1, &copy->inputs, err));
  copy->n_inputs = g->n_inputs;
  XAI_GOTO(copy_ints(g->outputs, g->n_outputs, g->n_outputs + more, &copy->outputs, err));
  copy->n_outputs = g->n_outputs;
  XAI_GOTO(copy_values(net, copy, err));
  XAI_GOTO(copy_nodes(g, copy, err));
  *out = copy;
  copy = NULL;
done:
  xai_graph__release(copy);
  return st;
}

/* Output 'out' of a batch normalisation becomes a value and an output of the graph. */
static xai_status add_statistic(xai_graph *g, int n, int out, xai_err *err) {
  static const char *const what[] = {"", "next_mean", "next_variance"};
  xai_node *node = &g->nodes[n];
  size_t room = strlen(node->name) + 32;
  char *name = xai_alloc(room);
  if (name == NULL) return xai_fail_memory(err, room);
  snprintf(name, room, "%s/%s", node->name, what[out]);
  g->values[g->n_values] = (xai_value){.name = name, .node = n, .shape = {.rank = -1}};
  node->out[out] = g->n_values;
  g->outputs[g->n_outputs++] = g->n_values++;
  return XAI_OK;
}

static xai_status train_node(const xai_net *net, xai_graph *g, int n, const bool *frozen, xai_err *err) {
  xai_node *node = &g->nodes[n];
  if (node->op == XAI_OP_DROPOUT && !frozen[n]) {
    node->op = XAI_OP_DROPOUT_TRAINING;
    if (node->attrs.dropout.seed == 0) node->attrs.dropout.seed = n + 1;
  } else if (learns_statistics(net, n, frozen)) {
    node->op = XAI_OP_BATCH_NORM_TRAINING;
    node->attrs.norm.training_mode = 1;
    node->n_out = 3;
    for (int out = 1; out < node->n_out; out++) XAI_TRY(add_statistic(g, n, out, err));
  }
  return XAI_OK;
}

xai_status xai_net__training(const xai_net *net, const bool *frozen, xai_net **out, xai_err *err) {
  int more = 0;
  xai_status st = XAI_OK;
  xai_graph *g = NULL;
  for (int n = 0; n < net->graph->n_nodes; n++) more += learns_statistics(net, n, frozen) ? 2 : 0;
  XAI_TRY(xai_net__copy_graph(net, more, &g, err));
  for (int n = 0; n < g->n_nodes; n++) XAI_GOTO(train_node(net, g, n, frozen, err));
  st = xai_net__new(g, out, err); /* it has the graph, also on failure */
  if (st == XAI_OK) (*out)->trains = true;
  g = NULL;
done:
  xai_graph__release(g);
  return st;
}

xai_status xai_net__settle(const xai_net *net, xai_net **out, xai_err *err) {
  xai_graph *g = NULL;
  xai_net *settled = NULL;
  XAI_TRY(xai_net__copy_graph(net, 0, &g, err));
  XAI_TRY(xai_net__new(g, &settled, err)); /* it has the graph, also on failure */
  settled->preprocess = net->preprocess;
  if (net->labels != NULL) atomic_fetch_add(&net->labels->refs, 1);
  settled->labels = net->labels;
  *out = settled;
  return XAI_OK;
}
