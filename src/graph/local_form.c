/* graph/local_form.c: see local_form.h. First every node is told how it deals with windows, which gives the slots; then
 * a clean pass keeps the maps that patches are cut from; then the derived network is built. */
#include "graph/local_form.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "graph/build.h"
#include "graph/op_check.h"

enum { X, W }; /* inputs of Conv and Gemm */
enum { MOST_SLOTS = 1500, LARGE = 1 << 22 /* weights */ };
enum { NAME = 64 };

typedef enum how { ABSENT, WHOLE, POINT, SLIDE } how;

typedef struct step {
  how how;
  int reads;      /* POINT, SLIDE: the slot that windowed inputs are brought to */
  double outside; /* SLIDE: what stands beyond the border */
} step;

typedef struct deriving {
  xai_net *net;
  const xai_graph *g;
  const xai_local *l;
  xai_facts facts;
  xai_slots slots;
  step *steps;   /* per node */
  int *slot;     /* per value: of its window; -1: whole, or it does not depend on the input */
  int *whole;    /* per windowed value: the slot of its map; -1: nobody asks for it */
  bool *depends; /* per value: on the input */
  bool *clean;   /* per value: patches are cut from its map */
  xai_tensor **maps; /* per value: the clean map */
  bool any;      /* some operator slides over windows */
  int cut;       /* the first node of the tail */
  xai_builder *b;
} deriving;

/* ---- what a node does with windows ---------------------------------------------------------------------------- */
static const xai_shape *shape(const deriving *d, int v) { return &d->facts.views[v].shape; }

static bool is_windowed(const deriving *d, int v) { return v >= 0 && d->slot[v] >= 0; }

/* One float32 map, to which a window can belong. */
static bool is_map(const deriving *d, int v) {
  const xai_view *x = &d->facts.views[v];
  return x->dtype == XAI_F32 && x->shape.rank == 4 && x->shape.dims[0] == 1 && xai_shape_size(&x->shape) > 0;
}

/* Input i is left out or does not depend on the network's input. */
static bool is_fixed(const deriving *d, const xai_node *node, int i) {
  return !xai_node__has_input(node, i) || !d->depends[node->in[i]];
}

static bool are_fixed(const deriving *d, const xai_node *node, int from) {
  for (int i = from; i < node->n_in; i++)
    if (!is_fixed(d, node, i)) return false;
  return true;
}

/* Numbers that are the same for every place of a map. */
static bool is_even(const deriving *d, int v) {
  const xai_shape *s = shape(d, v);
  for (int k = s->rank - 2; k < s->rank; k++)
    if (k >= 0 && s->dims[k] != 1) return false;
  return s->rank >= 0 && s->rank <= 4;
}

static bool same_extent(const deriving *d, int u, int v) {
  const xai_shape *p = shape(d, u), *q = shape(d, v);
  return p->dims[2] == q->dims[2] && p->dims[3] == q->dims[3];
}

/* Arithmetic between maps of one extent and numbers that are the same everywhere. */
static bool is_arithmetic(const deriving *d, const xai_node *node) {
  switch (node->op) {
    case XAI_OP_ADD:
    case XAI_OP_DIV:
    case XAI_OP_MAX:
    case XAI_OP_MEAN:
    case XAI_OP_MIN:
    case XAI_OP_MUL:
    case XAI_OP_POW:
    case XAI_OP_PRELU:
    case XAI_OP_SUB:
    case XAI_OP_SUM: break;
    default: return false;
  }
  for (int i = 0; i < node->n_in; i++) {
    int v = node->in[i];
    if (is_windowed(d, v) ? !same_extent(d, v, node->out[0]) : d->depends[v] || !is_even(d, v)) return false;
  }
  return true;
}

static bool is_stack_of_channels(const deriving *d, const xai_node *node) {
  int64_t axis = node->attrs.axis.axis;
  if (node->op != XAI_OP_CONCAT || (axis != 1 && axis != -3)) return false;
  for (int i = 0; i < node->n_in; i++)
    if (!is_windowed(d, node->in[i])) return false;
  return true;
}

/* Slice along channels. */
static bool is_share_of_channels(const deriving *d, const xai_node *node) {
  enum { AXES = 3 };
  if (node->op != XAI_OP_SLICE || !xai_node__has_input(node, AXES) || !are_fixed(d, node, 1)) return false;
  const xai_view *axes = &d->facts.views[node->in[AXES]];
  for (int64_t i = 0; axes->data != NULL && i < xai_shape_size(&axes->shape); i++) {
    int64_t axis = xai_op__int(axes, i);
    if (axis != 1 && axis != -3) return false;
  }
  return axes->data != NULL;
}

static bool is_per_channel(const deriving *d, const xai_node *node) {
  if (node->op != XAI_OP_BATCH_NORM || node->attrs.norm.training_mode != 0) return false;
  return are_fixed(d, node, 1) && shape(d, node->in[1])->rank == 1;
}

static bool is_small_conv(const deriving *d, const xai_node *node, const xai_window win[XAI_AXES]) {
  const xai_shape *x = shape(d, node->in[X]);
  for (int k = 0; k < 2; k++) {
    const xai_window *w = &win[XAI_AXES - 2 + k];
    if (w->kernel != 1 || w->stride != 1 || w->before != 0 || w->out != x->dims[2 + k]) return false;
  }
  return true;
}

/* A place of the result depends on the same place of the inputs only. */
static bool is_point(const deriving *d, const xai_node *node) {
  if ((xai_op_get(node->op)->flags & XAI_OP_ELEMENTWISE) != 0 || node->op == XAI_OP_LRN)
    return is_windowed(d, node->in[0]) && are_fixed(d, node, 1);
  return is_per_channel(d, node) || is_arithmetic(d, node) || is_stack_of_channels(d, node) ||
         is_share_of_channels(d, node);
}

/* The windows of a sliding operator over maps; false for another node. */
static bool find_windows(const deriving *d, const xai_node *node, xai_window win[XAI_AXES]) {
  const xai_attrs_conv *c = &node->attrs.conv;
  const xai_attrs_pool *p = &node->attrs.pool;
  xai_ints kernel = {.n = 2};
  xai_window_attrs attrs = {p->auto_pad, p->ceil_mode, &p->kernel_shape, &p->strides, &p->pads, &p->dilations};
  switch (node->op) {
    case XAI_OP_CONV:
      if (!are_fixed(d, node, W)) return false;
      for (int k = 0; k < 2; k++) kernel.v[k] = shape(d, node->in[W])->dims[2 + k];
      attrs = (xai_window_attrs){c->auto_pad, 0, &kernel, &c->strides, &c->pads, &c->dilations};
      break;
    case XAI_OP_AVERAGE_POOL:
    case XAI_OP_LP_POOL:
    case XAI_OP_MAX_POOL: break;
    default: return false;
  }
  return xai_op__windows(&attrs, shape(d, node->in[X]), win, NULL) == XAI_OK;
}

/* An average has one divisor everywhere: its windows keep to the map, or to the padding where that counts. */
static bool has_one_divisor(const deriving *d, const xai_node *node, const xai_window win[XAI_AXES]) {
  for (int k = 0; k < 2; k++) {
    const xai_window *w = &win[XAI_AXES - 2 + k];
    int64_t n = shape(d, node->in[X])->dims[2 + k], end = (w->out - 1) * w->stride + (w->kernel - 1) * w->dilation + 1;
    bool inside = w->before == 0 && end <= n;
    if (!inside && (node->attrs.pool.count_include_pad == 0 || end > n + w->before + w->after)) return false;
  }
  return true;
}

/* ---- slots ------------------------------------------------------------------------------------------------------- */
static xai_status ask_whole(deriving *d, int v, xai_err *err) {
  const xai_shape *s = shape(d, v);
  return xai_slots_add(&d->slots, &(xai_slot){.kind = XAI_SLOT_WHOLE, .a = -1, .b = -1, .map = {s->dims[2], s->dims[3]}},
                       &d->whole[v], err);
}

static xai_status slide_slots(deriving *d, int n, const xai_window win[XAI_AXES], xai_err *err) {
  const xai_node *node = &d->g->nodes[n];
  const xai_shape *x = shape(d, node->in[X]);
  step *s = &d->steps[n];
  xai_slot out = {.kind = XAI_SLOT_SLIDE, .a = d->slot[node->in[X]], .b = -1}, reach = {.kind = XAI_SLOT_REACH, .b = -1};
  for (int k = 0; k < 2; k++) {
    const xai_window *w = &win[XAI_AXES - 2 + k];
    out.along[k] = reach.along[k] = (xai_slide){(w->kernel - 1) * w->dilation + 1, w->stride, w->before, w->out};
    out.map[k] = w->out;
    reach.map[k] = x->dims[2 + k];
  }
  XAI_TRY(xai_slots_add(&d->slots, &out, &reach.a, err));
  XAI_TRY(xai_slots_add(&d->slots, &reach, &s->reads, err));
  d->slot[node->out[0]] = reach.a;
  s->how = SLIDE;
  s->outside = node->op == XAI_OP_MAX_POOL ? -INFINITY : 0;
  d->any = true;
  return XAI_OK;
}

static xai_status point_slots(deriving *d, int n, xai_err *err) {
  const xai_node *node = &d->g->nodes[n];
  int slot = -1;
  for (int i = 0; i < node->n_in; i++) {
    if (!is_windowed(d, node->in[i])) continue;
    int own = d->slot[node->in[i]];
    if (slot < 0) slot = own;
    else XAI_TRY(xai_slots_unite(&d->slots, slot, own, &slot, err));
  }
  d->steps[n] = (step){.how = POINT, .reads = slot};
  d->slot[node->out[0]] = slot;
  return XAI_OK;
}

static bool can_do_windows(const deriving *d, const xai_node *node) {
  return node->n_out == 1 && is_map(d, node->out[0]) && d->slots.n < MOST_SLOTS &&
         (node->in[0] < 0 || !is_windowed(d, node->in[0]) || is_map(d, node->in[0]));
}

static xai_status decide(deriving *d, int n, xai_err *err) {
  const xai_node *node = &d->g->nodes[n];
  xai_window win[XAI_AXES];
  bool windowed = false, depends = false;
  for (int i = 0; i < node->n_in; i++) {
    windowed = windowed || is_windowed(d, node->in[i]);
    depends = depends || (node->in[i] >= 0 && d->depends[node->in[i]]);
  }
  for (int i = 0; i < node->n_out; i++)
    if (node->out[i] >= 0) d->depends[node->out[i]] = depends;
  d->steps[n].how = WHOLE;
  if (!windowed) return XAI_OK;
  if (can_do_windows(d, node)) {
    if (is_windowed(d, node->in[X]) && find_windows(d, node, win)) {
      if (node->op == XAI_OP_CONV && is_small_conv(d, node, win)) return point_slots(d, n, err);
      if (node->op != XAI_OP_AVERAGE_POOL || has_one_divisor(d, node, win)) return slide_slots(d, n, win, err);
    } else if (is_point(d, node)) {
      return point_slots(d, n, err);
    }
  }
  for (int i = 0; i < node->n_in; i++)
    if (is_windowed(d, node->in[i])) XAI_TRY(ask_whole(d, node->in[i], err));
  return XAI_OK;
}

/* The slot that a windowed input of a node is brought to. */
static int slot_read(const deriving *d, int n, int v) {
  return d->steps[n].how == WHOLE ? d->whole[v] : d->steps[n].reads;
}

static xai_status decide_all(deriving *d, xai_err *err) {
  int input = d->g->inputs[0];
  const xai_shape *x = shape(d, input);
  XAI_TRY(xai_slots_add(&d->slots, &(xai_slot){.kind = XAI_SLOT_INPUT, .a = -1, .b = -1, .map = {x->dims[2], x->dims[3]}},
                        &d->slot[input], err));
  d->depends[input] = true;
  for (int n = 0; n < d->g->n_nodes; n++)
    if (d->steps[n].how != ABSENT) XAI_TRY(decide(d, n, err));
  for (int k = 0; k < d->l->n_layers; k++) {
    int v = xai_net__layer_value(d->net, d->l->layers[k]);
    if (!is_windowed(d, v)) continue;
    XAI_TRY(ask_whole(d, v, err));
    d->clean[v] = true;
  }
  for (int n = 0; n < d->g->n_nodes; n++)
    for (int i = 0; d->steps[n].how != ABSENT && i < d->g->nodes[n].n_in; i++) {
      int v = d->g->nodes[n].in[i];
      if (is_windowed(d, v) && slot_read(d, n, v) != d->slot[v]) d->clean[v] = true;
    }
  return XAI_OK;
}

/* ---- the tail ------------------------------------------------------------------------------------------------------ */
/* Nodes from n on get to know of the network's input through input 0 of node n only. */
static bool separates(const deriving *d, int n) {
  const xai_graph *g = d->g;
  int door = g->nodes[n].in[0];
  for (int m = n; m < g->n_nodes; m++)
    for (int i = 0; d->steps[m].how != ABSENT && i < g->nodes[m].n_in; i++) {
      int v = g->nodes[m].in[i];
      if (v >= 0 && v != door && d->depends[v] && g->values[v].node < n) return false;
    }
  for (int k = 0; k < d->l->n_layers; k++)
    if (g->values[xai_net__layer_value(d->net, d->l->layers[k])].node < n) return false;
  return true;
}

static bool is_large_product(const deriving *d, int n) {
  const xai_node *node = &d->g->nodes[n];
  if (d->steps[n].how != WHOLE || (node->op != XAI_OP_GEMM && node->op != XAI_OP_MATMUL)) return false;
  const xai_tensor *weights = xai_net__constant(d->net, node->in[W]);
  return weights != NULL && xai_tensor_count(weights) >= LARGE && node->in[0] >= 0 && d->depends[node->in[0]] &&
         !is_windowed(d, node->in[0]) && shape(d, node->in[0])->dims[0] == 1;
}

static void find_cut(deriving *d) {
  for (d->cut = 0; d->cut < d->g->n_nodes; d->cut++)
    if (is_large_product(d, d->cut) && separates(d, d->cut)) return;
}

/* ---- the clean pass ---------------------------------------------------------------------------------------------- */
static xai_status keep_maps(deriving *d, const int *keep, int n, xai_err *err) {
  xai_run *run = NULL;
  xai_status st;
  XAI_GOTO(xai_run_open(d->net, &d->l->x->shape, &(xai_request){.keep = keep, .n_keep = n}, &run, err));
  XAI_GOTO(xai_run_forward(run, d->l->x, err));
  for (int k = 0; k < n; k++)
    XAI_GOTO(xai_tensor_copy(xai_run_value(run, keep[k]), &d->maps[xai_net__layer_value(d->net, keep[k])], err));
done:
  xai_run_close(run);
  return st;
}

static xai_status clean_pass(deriving *d, xai_err *err) {
  int *keep = xai_alloc(((size_t)d->g->n_nodes + 1) * sizeof *keep), n = 0, input = d->g->inputs[0];
  if (keep == NULL) return xai_fail_memory(err, (size_t)d->g->n_nodes * sizeof *keep);
  for (int k = 0; k < d->g->n_nodes; k++)
    if (d->clean[d->g->nodes[k].out[0]]) keep[n++] = k;
  xai_status st = n > 0 ? keep_maps(d, keep, n, err) : XAI_OK;
  if (st == XAI_OK && d->clean[input]) st = xai_tensor_copy(d->l->x, &d->maps[input], err);
  xai_free(keep);
  return st;
}

/* ---- building ------------------------------------------------------------------------------------------------------ */
static xai_status add_constant(deriving *d, int v, char name[NAME], xai_err *err) {
  snprintf(name, NAME, "v%d", v);
  if (xai_builder_find(d->b, name, NULL)) return XAI_OK;
  xai_tensor *t = xai_net__constant(d->net, v);
  return t != NULL ? xai_builder_constant(d->b, name, t, err) : XAI_OK; /* what a node makes is there, or its turn comes */
}

/* Value v, a window, as slot 'to'. */
static xai_status add_patch(deriving *d, int v, int to, double outside, char name[NAME], xai_err *err) {
  char window[NAME], clean[NAME];
  snprintf(name, NAME, "v%d@%d%s", v, to, outside == 0 ? "" : "!");
  if (xai_builder_find(d->b, name, NULL)) return XAI_OK;
  snprintf(window, NAME, "v%d", v);
  snprintf(clean, NAME, "v%d@#", v);
  if (!xai_builder_find(d->b, clean, NULL)) XAI_TRY(xai_builder_constant(d->b, clean, d->maps[v], err));
  xai_attrs attrs = {.patch = {.from = d->slot[v], .to = to, .outside = outside}};
  return xai_builder_node(d->b, NULL, XAI_OP_PATCH, &attrs, 4, (const char *[]){clean, window, "places", "sizes"}, 1,
                          (const char *[]){name}, err);
}

/* The name of value v as node n (or, n < 0, the one who observes) wants it. */
static xai_status name_input(deriving *d, int n, int v, char name[NAME], xai_err *err) {
  if (!is_windowed(d, v)) return add_constant(d, v, name, err);
  int to = n < 0 ? d->whole[v] : slot_read(d, n, v);
  if (to != d->slot[v]) return add_patch(d, v, to, n < 0 ? 0 : d->steps[n].outside, name, err);
  snprintf(name, NAME, "v%d", v);
  return XAI_OK;
}

/* No padding: the patch in front has it. */
static void strip_padding(xai_op op, xai_attrs *a) {
  xai_ints *pads = op == XAI_OP_CONV ? &a->conv.pads : &a->pool.pads;
  *pads = (xai_ints){0};
  if (op == XAI_OP_CONV) a->conv.auto_pad = XAI_PAD_NOTSET;
  else a->pool.auto_pad = XAI_PAD_NOTSET, a->pool.ceil_mode = 0;
}

static xai_status build_node(deriving *d, int n, xai_err *err) {
  const xai_node *node = &d->g->nodes[n];
  xai_status st = XAI_OK;
  size_t count = (size_t)(node->n_in + node->n_out);
  char(*names)[NAME] = xai_calloc(count, NAME);
  const char **in = xai_calloc(count, sizeof *in), **out = in != NULL ? in + node->n_in : NULL;
  xai_attrs attrs = node->attrs;
  if (names == NULL || in == NULL) {
    st = xai_fail_memory(err, count * NAME);
    goto done;
  }
  for (int i = 0; i < node->n_in; i++) {
    if (node->in[i] < 0) continue;
    XAI_GOTO(name_input(d, n, node->in[i], names[i], err));
    in[i] = names[i];
  }
  for (int i = 0; i < node->n_out; i++) {
    if (node->out[i] < 0) continue;
    snprintf(names[node->n_in + i], NAME, "v%d", node->out[i]);
    out[i] = names[node->n_in + i];
  }
  if (d->steps[n].how == SLIDE) strip_padding(node->op, &attrs);
  XAI_GOTO(xai_builder_node(d->b, node->name, node->op, &attrs, node->n_in, in, node->n_out, out, err));
done:
  xai_free(names);
  xai_free(in);
  return st;
}

/* Nodes [from, to) behind the inputs that the builder has. */
static xai_status build_part(deriving *d, int from, int to, bool ends, xai_net **out, xai_err *err) {
  char name[NAME];
  for (int n = from; n < to; n++)
    if (d->steps[n].how != ABSENT) XAI_TRY(build_node(d, n, err));
  if (!ends) {
    snprintf(name, NAME, "v%d", d->g->nodes[d->cut].in[0]);
    XAI_TRY(xai_builder_output(d->b, name, err));
  }
  for (int k = 0; ends && k < d->l->n_layers; k++) {
    XAI_TRY(name_input(d, -1, xai_net__layer_value(d->net, d->l->layers[k]), name, err));
    XAI_TRY(xai_builder_output(d->b, name, err));
  }
  XAI_TRY(xai_builder_freeze(d->b, out, err));
  xai_builder_free(d->b);
  d->b = NULL;
  return xai_net__share_packs(d->net, *out, err);
}

static xai_status build_head(deriving *d, xai_net **out, xai_err *err) {
  char name[NAME];
  int input = d->g->inputs[0];
  XAI_TRY(xai_builder_new(&d->b, err));
  snprintf(name, NAME, "v%d", input);
  XAI_TRY(xai_builder_input(d->b, name, XAI_F32, XAI_SHAPE(-1, shape(d, input)->dims[1], -1, -1), err));
  XAI_TRY(xai_builder_input(d->b, "places", XAI_I64, XAI_SHAPE(-1, d->slots.n, 2), err));
  XAI_TRY(xai_builder_input(d->b, "sizes", XAI_I64, XAI_SHAPE(d->slots.n, 2), err));
  return build_part(d, 0, d->cut, d->cut == d->g->n_nodes, out, err);
}

static xai_status build_tail(deriving *d, xai_net **out, xai_err *err) {
  char name[NAME];
  if (d->cut == d->g->n_nodes) return XAI_OK;
  int door = d->g->nodes[d->cut].in[0];
  xai_shape s = *shape(d, door);
  s.dims[0] = -1;
  XAI_TRY(xai_builder_new(&d->b, err));
  snprintf(name, NAME, "v%d", door);
  XAI_TRY(xai_builder_input(d->b, name, XAI_F32, s, err));
  return build_part(d, d->cut, d->g->n_nodes, true, out, err);
}

/* ---- all of it --------------------------------------------------------------------------------------------------------- */
/* Elements of every array that a pass makes, per place of its window. */
static xai_status list_arrays(const deriving *d, xai_local_form *f, xai_err *err) {
  f->arrays = xai_calloc((size_t)d->g->n_nodes * 2 + 1, sizeof *f->arrays);
  if (f->arrays == NULL) return xai_fail_memory(err, (size_t)d->g->n_nodes * sizeof *f->arrays);
  for (int n = 0; n < d->g->n_nodes; n++) {
    const xai_node *node = &d->g->nodes[n];
    if (d->steps[n].how == ABSENT || d->facts.views[node->out[0]].data != NULL) continue;
    const xai_shape *y = shape(d, node->out[0]);
    bool windowed = is_windowed(d, node->out[0]);
    f->arrays[f->n_arrays++] = (struct xai_local_array){d->slot[node->out[0]], windowed ? y->dims[1] : xai_shape_size(y)};
    if (d->steps[n].how == SLIDE)
      f->arrays[f->n_arrays++] = (struct xai_local_array){d->steps[n].reads, shape(d, node->in[X])->dims[1]};
  }
  return XAI_OK;
}

/* Marks the nodes that the observed layers need, and finds all shapes. */
static xai_status look(deriving *d, xai_err *err) {
  const xai_graph *g = d->g;
  xai_view x;
  bool *needed = xai_calloc((size_t)g->n_nodes + 1, sizeof *needed);
  if (needed == NULL) return xai_fail_memory(err, (size_t)g->n_nodes);
  for (int k = 0; k < d->l->n_layers; k++) xai_graph__mark_needed(g, xai_net__layer_value(d->net, d->l->layers[k]), needed);
  for (int n = 0; n < g->n_nodes; n++) d->steps[n].how = needed[n] ? WHOLE : ABSENT;
  xai_status st = xai_net__one_input(d->net, &d->l->x->shape, &x, err);
  if (st == XAI_OK) st = xai_facts_make(d->net, &x, needed, &d->facts, err);
  xai_free(needed);
  return st;
}

static xai_status make_lists(deriving *d, xai_err *err) {
  size_t values = (size_t)d->g->n_values + 1, nodes = (size_t)d->g->n_nodes + 1;
  d->steps = xai_calloc(nodes, sizeof *d->steps);
  d->slot = xai_alloc(values * sizeof *d->slot);
  d->whole = xai_alloc(values * sizeof *d->whole);
  d->depends = xai_calloc(values, sizeof *d->depends);
  d->clean = xai_calloc(values, sizeof *d->clean);
  d->maps = xai_calloc(values, sizeof *d->maps);
  if (d->steps == NULL || d->slot == NULL || d->whole == NULL || d->depends == NULL || d->clean == NULL ||
      d->maps == NULL)
    return xai_fail_memory(err, values * sizeof *d->maps);
  for (size_t v = 0; v < values; v++) d->slot[v] = d->whole[v] = -1;
  return XAI_OK;
}

static void free_lists(deriving *d) {
  for (int v = 0; d->maps != NULL && v < d->g->n_values; v++) xai_tensor_free(d->maps[v]);
  xai_free(d->maps);
  xai_free(d->steps);
  xai_free(d->slot);
  xai_free(d->whole);
  xai_free(d->depends);
  xai_free(d->clean);
  xai_slots_free(&d->slots);
  xai_facts_free(&d->facts);
  xai_builder_free(d->b);
}

xai_status xai_local_form_make(xai_net *net, const xai_local *l, xai_local_form *out, xai_err *err) {
  deriving d = {.net = net, .g = net->graph, .l = l};
  xai_local_form f = {0};
  xai_status st;
  XAI_GOTO(make_lists(&d, err));
  XAI_GOTO(look(&d, err));
  XAI_GOTO(decide_all(&d, err));
  if (!d.any) goto done;
  find_cut(&d);
  XAI_GOTO(list_arrays(&d, &f, err));
  XAI_GOTO(clean_pass(&d, err));
  XAI_GOTO(build_head(&d, &f.net, err));
  XAI_GOTO(build_tail(&d, &f.tail, err));
  f.slots = d.slots;
  d.slots = (xai_slots){0};
done:
  free_lists(&d);
  if (st == XAI_OK) *out = f;
  else xai_local_form_free(&f);
  return st;
}

void xai_local_form_free(xai_local_form *f) {
  xai_net_free(f->net);
  xai_net_free(f->tail);
  xai_slots_free(&f->slots);
  xai_free(f->arrays);
  *f = (xai_local_form){0};
}
