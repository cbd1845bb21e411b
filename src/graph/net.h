/* graph/net.h: the network as the engine sees it.
 *
 * An xai_graph is immutable and shared by a network and all its views. An xai_net is a graph plus
 * what one view adds: hooks, a backward rule, replaced weights, labels, preprocessing. */
#ifndef GRAPH_NET_H
#define GRAPH_NET_H

#include <pthread.h>
#include <stdatomic.h>

#include "graph/op.h"
#include "graph/packs.h"
#include "tensor/tensor.h"
#include "xai/net.h"

/* One array that flows through the graph: an input, a constant, or an output of a node. */
typedef struct xai_value {
  char *name;
  int node;             /* the node that makes it; -1 for inputs and constants */
  xai_tensor *constant; /* NULL unless constant */
  xai_dtype dtype;      /* inputs: as declared; others: only for xai_builder_infer */
  xai_shape shape;      /* the same; free dims -1 */
  bool decides;         /* shapes further on depend on its elements */
} xai_value;

/* Nodes stand in an order in which they can run; node i is layer i. */
typedef struct xai_node {
  char *name;
  xai_op op;
  xai_attrs attrs;
  int n_in, n_out;
  int *in;  /* value ids, -1: omitted */
  int *out; /* value ids, -1: not used; out[0] is always there */
} xai_node;

typedef struct xai_graph {
  atomic_int refs;
  char *path;
  xai_value *values;
  xai_node *nodes;
  int *inputs, *outputs;
  int n_values, n_nodes, n_inputs, n_outputs;
  int logits;       /* the value with the class scores before a final Softmax or Sigmoid */
  bool multilabel;  /* it was a Sigmoid */
  xai_shape *shapes; /* per layer at batch 1 and the declared size; rank -1: unknown */
  xai_packs *packs; /* made of its constants; NULL: no network runs it */
} xai_graph;

typedef struct xai_labels {
  atomic_int refs;
  int n;
  char *names[];
} xai_labels;

enum { XAI_IDLE_RUNS = 4 };

struct xai_net {
  atomic_int refs;
  xai_graph *graph;
  xai_hook *hooks, *grad_hooks;
  int n_hooks, n_grad_hooks;
  xai_tensor **replaced; /* per value, NULL where the graph's own constant stands; NULL: none at all */
  xai_packs *packs;      /* made of these; shared by copies with the same */
  bool trains;           /* somebody writes into its constants between passes: nothing is made of them in advance */
  xai_relu relu;
  xai_labels *labels;
  xai_preprocess preprocess;
  pthread_mutex_t lock;          /* guards idle */
  xai_run *idle[XAI_IDLE_RUNS];  /* finished runs with plan and memory, for the next pass of the same kind */
};

/* A net over 'g' with nothing added; takes over the caller's reference on g, also on failure. */
xai_status xai_net__new(xai_graph *g, xai_net **out, xai_err *err);
/* A view of 'net' that carries all it carries. */
xai_status xai_net__copy(xai_net *net, xai_net **out, xai_err *err);
void xai_graph__release(xai_graph *g);
/* Marks in needed[node] the nodes that value v is made of; none for -1. */
void xai_graph__mark_needed(const xai_graph *g, int v, bool *needed);
/* Input i is there: not beyond the last one, and not left out. */
static inline bool xai_node__has_input(const xai_node *node, int i) { return i < node->n_in && node->in[i] >= 0; }
/* Frees a finished run of the stock (run.c). */
void xai_run__destroy(xai_run *run);
/* What is random in the passes of this run from now on is drawn from this stream. */
void xai_run__set_stream(xai_run *run, uint64_t stream);
/* The form of a network that is trained (training.c): batch normalisation uses the statistics of the batch, dropout
 * drops; layers with frozen[layer] stay as they are, and so do layers that train in the file already. Layers and their
 * inputs have the same numbers. New outputs stand behind those that were there: the next running mean and variance of
 * every batch normalisation that learns, in the order of layers. Hooks and rules are left out; constants are shared. */
xai_status xai_net__training(const xai_net *net, const bool *frozen, xai_net **out, xai_err *err);
/* A network of its own with the weights of this view, its preprocessing and labels, without hooks and rules (training.c).
 * Constants are shared. */
xai_status xai_net__settle(const xai_net *net, xai_net **out, xai_err *err);
/* How many pictures of batch x to pass at a time for the activation of a layer (portions.c): all of them where a picture's
 * result might depend on the others. */
xai_status xai_net__portion(xai_net *net, const xai_view *x, int layer, int64_t *out, xai_err *err);
/* What lies behind a layer (tail.c): the same network with one more input, the activation of the layer, which is not
 * computed any more. Layers have the same numbers; hooks stay but for those of the layer itself, whose work the
 * activation shows already; the backward rule is left out. XAI_EUNSUPPORTED for a layer with several results. */
xai_status xai_net__tail(xai_net *net, int layer, xai_net **out, xai_err *err);
/* What makes of a layer only some channels (pick.c), 'n' elements along the axes behind the batch in any order: class ids, if it
 * is the logits. Layers have the same numbers; those behind this one make no sense any more. x is the shape of a picture. *out
 * stays NULL where the others cannot be left out: the layer is no list of channels, or is computed from them by something
 * that mixes them, and in networks with hooks. */
xai_status xai_net__pick(xai_net *net, const xai_shape *x, int layer, const int64_t *channels, int n, xai_net **out, xai_err *err);
/* For a new network 'to' with constants of 'from': what was and will be packed of those stays with the graph of 'from'. Its
 * others, and those which the view 'from' has replaced, count as replaced: what is packed of them goes with 'to'. */
xai_status xai_net__share_packs(const xai_net *from, xai_net *to, xai_err *err);
/* A graph of one's own, as this view sees it, with room for 'more' values, all of which may be outputs, and for one
 * more input (training.c). Constants are shared. */
xai_status xai_net__copy_graph(const xai_net *net, int more, xai_graph **out, xai_err *err);
/* Another tensor of the same type and shape for a constant of a network that nobody else has and that has not run yet:
 * plans know where constants lie. */
xai_status xai_net__replace(xai_net *net, int value, xai_tensor *t, xai_err *err);
/* The file that the network came from, for messages; copied. */
xai_status xai_net__set_path(xai_net *net, const char *path, xai_err *err);

/* The constant behind a value in this view, or NULL. */
static inline xai_tensor *xai_net__constant(const xai_net *net, int value) {
  if (net->replaced != NULL && net->replaced[value] != NULL) return net->replaced[value];
  return net->graph->values[value].constant;
}
/* The same if it is one of the network's weights (statistics of normalisations among them): a number without dims, such
 * as the bound of a Clip or the ratio of a Dropout, is a part of a formula. */
static inline xai_tensor *xai_net__weight(const xai_net *net, int value) {
  xai_tensor *t = xai_net__constant(net, value);
  return t != NULL && xai_tensor_view(t)->dtype == XAI_F32 && xai_tensor_view(t)->shape.rank > 0 ? t : NULL;
}

/* 'plane' pixels as 1 or 3 channels of an input, x = (byte * scale - mean) / std; one channel: of the luminance. */
void xai_preprocess__apply(const xai_preprocess *p, int channels, int64_t plane, const uint8_t *rgb, float *x);

/* The value that a layer number means (also INPUT, LOGITS, OUTPUT). */
int xai_net__layer_value(const xai_net *net, int layer);

/* Computes a call whose inputs are all known (or irrelevant) and whose shapes are inferred; the outputs are new
 * tensors, NULL on failure. */
xai_status xai_call__compute(xai_op op, xai_call *call, xai_tensor *made[XAI_MAX_OUTPUTS], xai_err *err);
/* Of a call whose shapes are inferred: may it be too much work to be done before anyone asks for it? Judged by an upper
 * bound, the number of elements read times that of elements written, for operators with XAI_OP_MIXES. */
bool xai_call__is_long(xai_op op, const xai_call *call);

/* ---- what is known about every value for one input shape (infer.c) -------------------------------- */
typedef struct xai_facts {
  xai_view *views;     /* per value; rank -1: not computed; data set only when known without running */
  xai_tensor **known;  /* per value: computed here, owned */
  int n;
} xai_facts;

/* Infers the shapes of all values that the nodes marked in 'needed' make (NULL: all nodes) from type and shape of each
 * input of the graph; an input whose data is set counts as known (borrowed, to be kept as long as the facts). A node
 * whose inputs are all known, or that looks at shapes only, is computed at once: shape arithmetic costs nothing later.
 * Messages name the node. *out starts zeroed. */
xai_status xai_facts_make(const xai_net *net, const xai_view *inputs, const bool *needed, xai_facts *out, xai_err *err);
/* XAI_EARG where a layer's activation is not of float32: a class number, say, which has no gradient and is no score. */
xai_status xai_net__check_floats(const xai_net *net, int layer, const xai_view *a, xai_err *err);
/* The input of a network that has one, with a shape, as xai_facts_make wants it. XAI_EARG if it has more or none. */
xai_status xai_net__one_input(const xai_net *net, const xai_shape *x, xai_view *out, xai_err *err);
void xai_facts_free(xai_facts *f);

#endif
