/* graph/pick.c: a network of which one layer has only some channels; see xai_net__pick in net.h.
 *
 * From the layer back to the convolution or product that makes its channels, each by a row of weights, nothing may mix
 * channels, and nobody else may read: then the other rows need not be there. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "graph/net.h"

enum { X, W, B }; /* inputs of Conv and Gemm */

typedef struct picking {
  const xai_net *net;
  const xai_graph *g;
  xai_facts facts;
  bool *needed; /* per node: the layer is made of it */
  const int64_t *channels;
  int n;
} picking;

static const xai_shape *shape(const picking *p, int v) { return &p->facts.views[v].shape; }

static bool are_constant(const picking *p, const xai_node *node, int from) {
  for (int i = from; i < node->n_in; i++)
    if (xai_node__has_input(node, i) && xai_net__constant(p->net, node->in[i]) == NULL) return false;
  return true;
}

/* 1 x C or 1 x C x 1 x 1 */
static bool is_list(const xai_shape *s) {
  return s->rank >= 2 && s->dims[0] == 1 && xai_shape_span(s, 1, s->rank) == s->dims[1];
}

/* Every channel of the result is made of the same channel of input 0 and of numbers that all channels share. */
static bool keeps_channels(const picking *p, const xai_node *node) {
  switch (node->op) {
    case XAI_OP_AVERAGE_POOL:
    case XAI_OP_GLOBAL_AVERAGE_POOL:
    case XAI_OP_GLOBAL_MAX_POOL:
    case XAI_OP_MAX_POOL: return true;
    case XAI_OP_FLATTEN:
    case XAI_OP_RESHAPE:
    case XAI_OP_SQUEEZE: return is_list(shape(p, node->in[0])) && is_list(shape(p, node->out[0]));
    default: return (xai_op_get(node->op)->flags & XAI_OP_ELEMENTWISE) != 0 && are_constant(p, node, 1);
  }
}

/* A layer whose channels are each made by a row of its weights. */
static bool makes_channels(const picking *p, const xai_node *node) {
  if (!xai_node__has_input(node, W) || !are_constant(p, node, W)) return false;
  if (node->op == XAI_OP_CONV) return node->attrs.conv.group == 1;
  if (node->op != XAI_OP_GEMM) return false;
  const xai_shape *b = xai_node__has_input(node, B) ? shape(p, node->in[B]) : NULL;
  return b == NULL || (xai_shape_size(b) == shape(p, node->out[0])->dims[1] && b->dims[b->rank - 1] == xai_shape_size(b));
}

static int readers(const picking *p, int v) {
  int count = 0;
  for (int n = 0; n < p->g->n_nodes; n++)
    for (int i = 0; p->needed[n] && i < p->g->nodes[n].n_in; i++) count += p->g->nodes[n].in[i] == v;
  return count;
}

/* The node that makes the channels of value 'last', or -1. */
static int find_maker(const picking *p, int last) {
  if (!is_list(shape(p, last))) return -1;
  for (int v = last;;) {
    int n = p->g->values[v].node;
    if (n < 0 || readers(p, v) != (v != last) || p->g->nodes[n].n_out != 1) return -1;
    if (makes_channels(p, &p->g->nodes[n])) return n;
    if (!keeps_channels(p, &p->g->nodes[n])) return -1;
    v = p->g->nodes[n].in[0];
  }
}

/* Of the lines along an axis those that are wanted. */
static xai_status pick_lines(const picking *p, const xai_view *from, int axis, xai_tensor **out, xai_err *err) {
  xai_shape s = from->shape;
  int64_t count = s.dims[axis], rows = xai_shape_span(&s, 0, axis), columns = xai_shape_span(&s, axis + 1, s.rank);
  s.dims[axis] = p->n;
  XAI_TRY(xai_tensor_new_raw(XAI_F32, s, out, err));
  float *to = xai_tensor_floats(*out);
  for (int64_t r = 0; r < rows; r++)
    for (int k = 0; k < p->n; k++, to += columns)
      memcpy(to, (const float *)from->data + (r * count + p->channels[k]) * columns, (size_t)columns * sizeof *to);
  return XAI_OK;
}

/* Input i of the copy's maker becomes a constant of its own, with the wanted lines of what it was. */
static xai_status pick_input(const picking *p, xai_graph *g, xai_node *node, int i, xai_err *err) {
  const xai_view *from = xai_tensor_view(xai_net__constant(p->net, node->in[i]));
  bool columns = i == W && node->op == XAI_OP_GEMM && node->attrs.gemm.trans_b == 0;
  xai_tensor *t = NULL;
  size_t room = strlen(node->name) + 32;
  char *name = xai_alloc(room);
  if (name == NULL) return xai_fail_memory(err, room);
  snprintf(name, room, "%s/picked%d", node->name, i);
  xai_status st = pick_lines(p, from, i == B ? from->shape.rank - 1 : columns ? 1 : 0, &t, err);
  if (st != XAI_OK) {
    xai_free(name);
    return st;
  }
  node->in[i] = g->n_values++;
  g->values[node->in[i]] = (xai_value){.name = name, .node = -1, .constant = t, .dtype = XAI_F32, .shape = xai_tensor_view(t)->shape};
  return XAI_OK;
}

/* From the maker to the value 'last'; shapes that were given for all channels are left to be found. */
static xai_status pick_nodes(const picking *p, xai_graph *g, int maker, int last, xai_err *err) {
  for (int v = last;;) {
    int n = g->values[v].node;
    xai_node *node = &g->nodes[n];
    if (n == maker) break;
    if (node->op == XAI_OP_RESHAPE || node->op == XAI_OP_SQUEEZE) {
      node->op = XAI_OP_FLATTEN;
      xai_attrs_default(node->op, &node->attrs);
      node->n_in = 1;
    }
    v = node->in[0];
  }
  for (int i = W; i <= B; i++)
    if (xai_node__has_input(&g->nodes[maker], i)) XAI_TRY(pick_input(p, g, &g->nodes[maker], i, err));
  return XAI_OK;
}

static xai_status look(picking *p, int last, const xai_shape *x, xai_err *err) {
  const xai_graph *g = p->g;
  xai_view inputs[1];
  p->needed = xai_calloc((size_t)g->n_nodes + 1, sizeof *p->needed);
  if (p->needed == NULL) return xai_fail_memory(err, (size_t)g->n_nodes);
  xai_graph__mark_needed(g, last, p->needed);
  XAI_TRY(xai_net__one_input(p->net, x, inputs, err));
  return xai_facts_make(p->net, inputs, p->needed, &p->facts, err);
}

xai_status xai_net__pick(xai_net *net, const xai_shape *x, int layer, const int64_t *channels, int n, xai_net **out,
                         xai_err *err) {
  picking p = {.net = net, .g = net->graph, .channels = channels, .n = n};
  int last = xai_net__layer_value(net, layer), maker;
  xai_graph *g = NULL;
  xai_net *picked = NULL;
  xai_status st = XAI_OK;
  if (last < 0 || p.g->n_inputs != 1 || net->trains || net->n_hooks > 0 || net->n_grad_hooks > 0) return XAI_OK;
  XAI_GOTO(look(&p, last, x, err));
  maker = find_maker(&p, last);
  if (maker < 0) goto done;
  XAI_GOTO(xai_net__copy_graph(net, 2, &g, err));
  XAI_GOTO(pick_nodes(&p, g, maker, last, err));
  st = xai_net__new(g, &picked, err); /* it has the graph, also on failure */
  g = NULL;
  if (st != XAI_OK) goto done;
  picked->relu = net->relu;
  XAI_GOTO(xai_net__share_packs(net, picked, err));
  *out = picked;
  picked = NULL;
done:
  xai_graph__release(g);
  xai_net_free(picked);
  xai_facts_free(&p.facts);
  xai_free(p.needed);
  return st;
}
