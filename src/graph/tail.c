/* graph/tail.c: what lies behind a layer, as a network of its own; see xai_net__tail in net.h.
 *
 * The layer's node becomes an Identity that reads a new input, so that layers keep their numbers. What stood before it
 * reaches nothing, unless there is a way around the layer, and then it is computed from the first input as ever. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "graph/net.h"

/* Does anything read a result of the node other than its first? */
static bool more_is_read(const xai_graph *g, const xai_node *node) {
  for (int k = 1; k < node->n_out; k++) {
    for (int i = 0; node->out[k] >= 0 && i < g->n_outputs; i++)
      if (g->outputs[i] == node->out[k]) return true;
    for (int n = 0; node->out[k] >= 0 && n < g->n_nodes; n++)
      for (int i = 0; i < g->nodes[n].n_in; i++)
        if (g->nodes[n].in[i] == node->out[k]) return true;
  }
  return false;
}

/* A new value, the last input of the graph. */
static xai_status add_input(xai_graph *g, const char *name, xai_shape shape, int *value, xai_err *err) {
  size_t room = strlen(name) + 32;
  char *text = xai_alloc(room);
  if (text == NULL) return xai_fail_memory(err, room);
  snprintf(text, room, "%s/given", name);
  for (int d = 0; d < shape.rank; d++) shape.dims[d] = -1;
  *value = g->n_values++;
  g->values[*value] = (xai_value){.name = text, .node = -1, .dtype = XAI_F32, .shape = shape};
  g->inputs[g->n_inputs++] = *value;
  return XAI_OK;
}

static xai_status cut(xai_graph *g, int layer, xai_err *err) {
  xai_node *node = &g->nodes[layer];
  int value;
  if (more_is_read(g, node))
    return xai_fail(err, XAI_EUNSUPPORTED, "layer '%s' (%s) has several results, and only the first could be given", node->name,
                    xai_op_get(node->op)->name);
  XAI_TRY(add_input(g, node->name, g->shapes[layer], &value, err));
  node->op = XAI_OP_IDENTITY;
  xai_attrs_default(XAI_OP_IDENTITY, &node->attrs);
  node->n_in = node->n_out = 1;
  node->in[0] = value;
  return XAI_OK;
}

/* The view's forward hooks on 'tail', without those of the layer. */
static xai_status carry_hooks(const xai_net *net, int layer, xai_net *tail, xai_net **out, xai_err *err) {
  xai_hook *hooks = xai_alloc(((size_t)net->n_hooks + 1) * sizeof *hooks);
  if (hooks == NULL) return xai_fail_memory(err, (size_t)net->n_hooks * sizeof *hooks);
  xai_view_opts opts = {.hooks = hooks};
  for (int i = 0; i < net->n_hooks; i++)
    if (xai_net_resolve(net, net->hooks[i].layer) != layer) hooks[opts.n_hooks++] = net->hooks[i];
  xai_status st = xai_net_with(tail, &opts, out, NULL, err);
  xai_free(hooks);
  return st;
}

xai_status xai_net__tail(xai_net *net, int layer, xai_net **out, xai_err *err) {
  xai_graph *g = NULL;
  xai_net *tail = NULL;
  xai_status st;
  XAI_GOTO(xai_net__copy_graph(net, 1, &g, err));
  XAI_GOTO(cut(g, layer, err));
  st = xai_net__new(g, &tail, err); /* it has the graph, also on failure */
  g = NULL;
  if (st != XAI_OK) goto done;
  XAI_GOTO(carry_hooks(net, layer, tail, out, err));
done:
  xai_graph__release(g);
  xai_net_free(tail);
  return st;
}
