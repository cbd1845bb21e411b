/* graph/view.c: views of a network: hooks, backward rule, replaced weights. */
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "graph/net.h"

static xai_status append_hooks(xai_hook **list, int *n, const xai_hook *more, int n_more, const xai_net *net, xai_err *err) {
  if (n_more == 0) return XAI_OK;
  xai_hook *all = xai_realloc(*list, (size_t)(*n + n_more) * sizeof *all);
  if (all == NULL) return xai_fail_memory(err, (size_t)(*n + n_more) * sizeof *all);
  *list = all;
  for (int i = 0; i < n_more; i++) {
    int value = xai_net__layer_value(net, more[i].layer);
    if (value < 0) return xai_fail(err, XAI_EARG, "no layer number %d (the network has %d)", more[i].layer, net->graph->n_nodes);
    all[*n] = more[i];
    all[(*n)++].layer = xai_net_resolve(net, more[i].layer);
  }
  return XAI_OK;
}

xai_status xai_net__replace(xai_net *net, int value, xai_tensor *t, xai_err *err) {
  size_t n = (size_t)net->graph->n_values;
  XAI_TRY(xai_packs_own(&net->packs, err));
  if (net->replaced == NULL) {
    net->replaced = xai_calloc(n, sizeof(xai_tensor *));
    if (net->replaced == NULL) return xai_fail_memory(err, n * sizeof(xai_tensor *));
  }
  xai_tensor_free(net->replaced[value]);
  net->replaced[value] = xai_tensor_retain(t);
  return XAI_OK;
}

static xai_status replace_weight(xai_net *net, const xai_weight *w, xai_err *err) {
  const xai_graph *g = net->graph;
  if (w->layer < 0 || w->layer >= g->n_nodes)
    return xai_fail(err, XAI_EARG, "no layer number %d (the network has %d)", w->layer, g->n_nodes);
  const xai_node *node = &g->nodes[w->layer];
  xai_tensor *now = xai_net_weight(net, w->layer, w->input);
  if (now == NULL)
    return xai_fail(err, XAI_ENOTFOUND, "layer '%s' (%s) has no weights at input %d", node->name, xai_op_get(node->op)->name,
                    w->input + 1);
  const xai_view *have = xai_tensor_view(now), *want = xai_tensor_view(w->tensor);
  if (have->dtype != want->dtype || !xai_shape_equal(&have->shape, &want->shape)) {
    char a[XAI_SHAPE_TEXT], b[XAI_SHAPE_TEXT];
    return xai_fail(err, XAI_ESHAPE, "weights of layer '%s': wrong shape (expected %s %s, got %s %s)", node->name,
                    xai_dtype_name(have->dtype), xai_shape_text(&have->shape, a), xai_dtype_name(want->dtype),
                    xai_shape_text(&want->shape, b));
  }
  return xai_net__replace(net, node->in[w->input], w->tensor, err);
}

static int count_rectifiers(const xai_graph *g) {
  int n = 0;
  for (int i = 0; i < g->n_nodes; i++) n += (xai_op_get(g->nodes[i].op)->flags & XAI_OP_RECTIFIER) != 0;
  return n;
}

xai_status xai_net_with(xai_net *net, const xai_view_opts *opts, xai_net **out, int *rectifiers, xai_err *err) {
  xai_status st = XAI_OK;
  int n = count_rectifiers(net->graph);
  if (opts->relu != XAI_RELU_PLAIN && n == 0)
    return xai_fail(err, XAI_EARG, "the rule '%s' applies to no layer: the network has no ReLU, LeakyRelu or Clip",
                    opts->relu == XAI_RELU_GUIDED ? "guided" : opts->relu == XAI_RELU_DECONV ? "deconv" : "redirected");
  xai_net *view = NULL;
  XAI_TRY(xai_net__copy(net, &view, err));
  XAI_GOTO(append_hooks(&view->hooks, &view->n_hooks, opts->hooks, opts->n_hooks, net, err));
  XAI_GOTO(append_hooks(&view->grad_hooks, &view->n_grad_hooks, opts->grad_hooks, opts->n_grad_hooks, net, err));
  for (int i = 0; i < opts->n_weights; i++) XAI_GOTO(replace_weight(view, &opts->weights[i], err));
  if (opts->relu != XAI_RELU_PLAIN) view->relu = opts->relu;
  if (rectifiers != NULL) *rectifiers = n;
  *out = view;
  view = NULL;
done:
  xai_net_free(view);
  return st;
}
