/* explain/walk.h: the way back through a network, node by node, with numbers that need not be gradients: relevances
 * (lrp.c) and multipliers (deeplift.c). The walker knows the order, what depends on the input and where arrays lie; what
 * happens at a node is the method's business.
 *
 * A signal is an array in the shape of a value. It starts at the target, arrives at a value from all nodes that read it,
 * summed, and is taken further by the node that made the value. */
#ifndef EXPLAIN_WALK_H
#define EXPLAIN_WALK_H

#include "explain/probe.h"
#include "graph/plan.h"

typedef struct xai_walk {
  const xai_run *run; /* kept everything */
  const xai_graph *graph;
  bool *carries;  /* per value: depends on the input, by way of gradients */
  float **signal; /* per value: what has arrived so far, NULL: nothing */
  /* of the node that is visited, in the order of its inputs and outputs */
  int node;
  xai_call call; /* 'dout' are the signals (data NULL: nothing); 'din' are to be made, as xai_walk_make and _adjoint do */
  xai_view *in, *din;
  xai_view out[XAI_MAX_OUTPUTS], dout[XAI_MAX_OUTPUTS];
  size_t work_bytes;
} xai_walk;

/* What a method does at a node: makes din of the inputs that carry. Messages get the layer's name in front. */
typedef xai_status (*xai_visit_fn)(void *payload, xai_walk *w, xai_err *err);

/* Begins with the target's weights as signals: 1 at a class. p is of xai_probe_keep. To be closed also after a failure. */
xai_status xai_walk_open(xai_probe *p, xai_walk *w, xai_err *err);
void xai_walk_close(xai_walk *w);

/* Visits the nodes behind 'layer' that a signal reaches, from the last to the first, and gives what they make to those
 * before them. Then the signal of the layer (XAI_LAYER_INPUT, too) is complete; *out is valid until close.
 * XAI_EARG when nothing arrives there. */
xai_status xai_walk_back(xai_walk *w, const xai_probe *p, int layer, xai_visit_fn visit, void *payload,
                         const float **out, xai_err *err);

/* true when input i of the node depends on the network's input. */
bool xai_walk_carries(const xai_walk *w, int node, int i);
/* The only input of the node that does; -1: none or several. */
int xai_walk_only(const xai_walk *w, int node);

/* Makes din[i], with elements that do not matter. */
xai_status xai_walk_make(xai_walk *w, int i, xai_err *err);
/* Makes din of all inputs that carry: the row's gradients for call.dout. */
xai_status xai_walk_adjoint(xai_walk *w, xai_err *err);
/* Makes din[i] a copy of the signal at output 0; both have as many elements. */
xai_status xai_walk_pass(xai_walk *w, int i, xai_err *err);

/* The shape of a layer's values without the batch, as explanations have them: one without height and width is C x 1 x 1. */
xai_shape xai_walk_shape(const xai_view *v);

static inline int64_t xai_walk_size(const xai_view *v) { return xai_shape_size(&v->shape); }
static inline const xai_node *xai_walk_node(const xai_walk *w) { return &w->graph->nodes[w->node]; }

#endif
