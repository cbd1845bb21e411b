/* graph/plan.h: what a pass does, step by step, and where everything lies while it does.
 *
 * Time is counted in steps: forward steps 0 .. F-1, then step F in which seeds are put in, then backward
 * steps F+1 .. F+B. Every array that a pass needs is a buffer with the first and the last step at which it is
 * alive; buffers whose lives do not overlap share memory in one arena. What the request does not
 * reach is neither computed nor stored. */
#ifndef GRAPH_PLAN_H
#define GRAPH_PLAN_H

#include "graph/net.h"

enum { XAI_FOREVER = 1 << 30 };

typedef struct plan_buffer {
  size_t bytes, offset;
  int first, last;
  int whole;    /* the buffer that this one is a part of, -1: none */
  size_t shift; /* where, in bytes */
} plan_buffer;

typedef struct plan_place {
  int buffer;
  size_t shift;
} plan_place;

/* Where a value lies. 'own' is what its node writes, 'seen' what others read: they differ only when a
 * forward hook may replace it. Buffer -1: not stored in the arena (a constant, or not needed). */
typedef struct plan_value {
  xai_view own, seen, grad;
  int own_buffer, seen_buffer, grad_buffer;
  int home;     /* the value in whose array this one lies, ... */
  size_t shift; /* ... so many bytes behind its beginning; -1: it has its own */
  bool is_seed, is_wanted;
  bool is_joined; /* its gradient is added to those of its maker's inputs, part by part: the maker has nothing to do */
  bool is_gated;  /* its gradient has passed the rectifier of its maker when it is complete */
  struct plan_din *last; /* the latest part of its gradient, if a rectifier can be passed there, ... */
  int last_step;         /* ... and when that comes */
} plan_value;

/* How one input's gradient is delivered by a backward step. */
typedef struct plan_din {
  enum { DIN_NONE, DIN_WRITE, DIN_ADD } how; /* ADD: into 'temporary', then added to what is there */
  int temporary; /* -1: the operator adds */
  xai_gate gate;
} plan_din;

typedef struct plan_step {
  int node;
  plan_din *din; /* backward only: one per input of the node, inside xai_run.dins */
} plan_step;

/* The lists of an xai_request, copied. */
typedef struct plan_request {
  xai_view *inputs; /* one per input of the graph; data: the elements if shapes depend on them, in the same block */
  int n_inputs;
  int n_keep, n_seeds, n_wants;
  int *keep, *seeds, *wants; /* value ids */
  bool keep_all, keep_outputs, weights;
  bool lower; /* the pass may use another graph, see lower.h */
  int threads; /* workspaces are sized for this many */
} plan_request;

struct xai_run {
  xai_net *net;         /* a reference while open, borrowed while idle */
  plan_request request;
  xai_graph *graph;     /* what runs: the network's graph, or ... */
  xai_graph *lowered;   /* ... one made for this run; else NULL */
  int *place;           /* per value of the network's graph: the one that it is in 'graph', -1 none; NULL: itself */
  xai_facts facts;      /* of 'graph', and so are all value ids and nodes below */
  plan_value *values;   /* per value */
  plan_step *forward, *backward;
  plan_din *dins;
  int n_forward, n_backward;
  plan_buffer *buffers;
  int n_buffers, room_buffers;
  int first_backward_buffer; /* buffers from here on lie in the second arena when the backward part was planned later */
  char *arena, *late_arena;
  size_t arena_bytes, late_bytes, work_bytes;
  xai_view *scratch_in, *scratch_din; /* room for the views of one node's inputs */
  bool *scratch_adds;
  xai_gate *scratch_gates;
  xk_relu_rule rule;
  uint64_t stream;
  bool ran;
  bool no_way_back; /* the last attempt to plan one failed: what is seen is sound, seeds and gradients are not */
};

/* Plans forward and backward; the arena is allocated. */
xai_status xai_plan__make(xai_run *run, xai_err *err);
/* Throws the backward part away and plans it again for other seeds and wants; needs keep_all. */
xai_status xai_plan__again(xai_run *run, const int *seeds, int n_seeds, const int *wants, int n_wants, xai_err *err);

/* Where a buffer lies. */
void *xai_plan__address(const xai_run *run, int buffer);

/* The hook of a value of the network in this list, or NULL. */
const xai_hook *xai_plan__hook(const xai_net *net, const xai_hook *hooks, int n, int value);

/* ---- memory (arena.c) ------------------------------------------------------------------------------------- */
/* A new buffer for the elements of a view, alive in step 'first'. */
xai_status xai_arena__add(xai_run *run, const xai_view *v, int first, int *id, xai_err *err);
/* One inside of another. */
xai_status xai_arena__part(xai_run *run, const xai_view *v, plan_place at, int first, int *id, xai_err *err);
/* The buffer that holds this one, and where. */
plan_place xai_arena__at(const xai_run *run, int buffer);
/* Buffer -1: nothing happens. */
void xai_arena__live(xai_run *run, int buffer, int step);
/* Offsets for buffers [from, n): the largest first, each at the lowest place where it overlaps no buffer that is alive at
 * the same time. *total is the arena's size. */
xai_status xai_arena__place(xai_run *run, int from, size_t *total, xai_err *err);

/* The most bytes that are alive in one step: no arena can be smaller. */
size_t xai_arena__most_alive(const xai_run *run);

/* ---- arrays inside of others, rectifiers on the way (share.c) ----------------------------------------------- */
/* Finds the homes of values of the forward pass. */
void xai_plan__find_homes(xai_run *run, const bool *set);
/* true when the gradient of input i may be a part of that of the node's output, which nobody reads any more. */
bool xai_plan__hands_on(const xai_run *run, const xai_node *node, int i, plan_place *out);
/* true when the gradient of v may be added to where those of its maker's inputs stand. */
bool xai_plan__joins(const xai_run *run, int v, plan_place *out);
/* The gradient of the node's output is complete: it passes the rectifier of the node, or of the parts that a Concat joins,
 * in the step that completed it, if it can. */
void xai_plan__gate_output(xai_run *run, const xai_node *node);
/* Of the gradients of which that of v consists, the latest parts come by way of v. */
void xai_plan__change_parts(xai_run *run, int v);
/* true when a hook of the view sees value v of the graph that runs, or its gradient. */
bool xai_plan__is_hooked(const xai_run *run, int v);
bool xai_plan__is_grad_hooked(const xai_run *run, int v);

/* Where value v of the network is in the graph that runs; -1: nowhere. */
static inline int xai_plan__at(const int *place, int v) { return place == NULL || v < 0 ? v : place[v]; }
/* The value of the graph that runs that a layer number means, or -1. */
static inline int xai_plan__value(const xai_run *run, int layer) {
  return xai_plan__at(run->place, xai_net__layer_value(run->net, layer));
}

/* (*out)[v]: value v of g lies on a differentiable path from a wanted value to a seed. set: the nodes that run; the
 * request is in values of the network, place as in xai_run. */
xai_status xai_plan__need(const xai_graph *g, const xai_facts *facts, const bool *set, const plan_request *r,
                          const int *place, bool **out, xai_err *err);

#endif
