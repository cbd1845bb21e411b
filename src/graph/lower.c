/* graph/lower.c: makes the lowered graph of a request; see lower.h.
 *
 * First every node is told whether it becomes part of another one, its host: a convolution whose weights are packed in
 * advance takes in a batch normalization, then an addition, then a rectifier; one that is trained, and a batch
 * normalization alone, take in a rectifier; as long as nobody else reads the value between and nobody looks at it. Then
 * nodes are put down in their order, a host where the last of its parts stood, so that everything is there that it
 * reads. */
#include "graph/lower.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "graph/op_check.h"
#include "graph/packs.h"

enum { X, W, B };                           /* inputs of a convolution */
enum { GAIN = 1, OFFSET, MEAN, VARIANCE };  /* of a batch normalization */
enum { LO = 1, HI };                        /* of Clip */

enum { LOOKED_AT = 1, ON_THE_PATH = 2 }; /* how a value is observed */

typedef enum host_kind {
  NONE,
  PACKED,   /* a convolution whose weights do not change, */
  TRAINED,  /* and one whose weights may */
  SCALED,   /* a batch normalization with stored statistics, */
  STORED,   /* one with statistics that somebody writes between passes, */
  LEARNING  /* and with those of the batch */
} host_kind;

typedef struct fusion {
  int host;            /* the node that this one is part of; itself: a host; -1: stands alone */
  host_kind kind;      /* of a host */
  int norm, add, gate; /* parts of a host, -1: none */
  int tail;            /* the last of them, or the host */
} fusion;

typedef struct lowering {
  const xai_net *net;
  const xai_graph *from;
  const xai_facts *facts;
  const bool *set, *need;  /* nodes that run; values whose gradient is needed */
  unsigned char *observed; /* per value */
  int *reads;              /* per value: how many times it is read */
  fusion *fusions;         /* per node */
  int *plain, *blocked;    /* per value: the lowered value in this form, -1: not there (yet) */
  xai_graph *to;
  int room_values, room_nodes;
} lowering;

/* ---- questions ------------------------------------------------------------------------------------------------ */
static const xai_view *fact(const lowering *l, int v) { return &l->facts->views[v]; }

static bool known(const lowering *l, int v) { return fact(l, v)->data != NULL; }

/* A batch of pictures of float32 that are not empty: what can be blocked. */
static bool is_picture(const lowering *l, int v) {
  const xai_view *x = fact(l, v);
  return x->dtype == XAI_F32 && x->shape.rank == 4 && xai_shape_size(&x->shape) > 0;
}

/* It would be blocked before any pass, and no gradient would come to it. */
static bool is_wanted_constant(const lowering *l, int v) { return known(l, v) && (l->observed[v] & ON_THE_PATH) != 0; }

static int64_t channels(const lowering *l, int v) { return fact(l, v)->shape.dims[1]; }

/* Input i of a node is a float32 constant. */
static bool is_constant(const lowering *l, const xai_node *node, int i) {
  const xai_tensor *t = xai_node__has_input(node, i) ? xai_net__constant(l->net, node->in[i]) : NULL;
  return t != NULL && xai_tensor_view(t)->dtype == XAI_F32;
}

/* And nobody wants its gradient. */
static bool is_given(const lowering *l, const xai_node *node, int i) {
  return is_constant(l, node, i) && (l->observed[node->in[i]] & ON_THE_PATH) == 0;
}

/* And what is made of it stays right: nobody writes into it. */
static bool is_fixed(const lowering *l, const xai_node *node, int i) {
  if (!is_given(l, node, i)) return false;
  return !l->net->trains || l->net->replaced == NULL || l->net->replaced[node->in[i]] == NULL;
}

static bool has_one_output(const xai_node *node) {
  for (int i = 1; i < node->n_out; i++)
    if (node->out[i] >= 0) return false;
  return true;
}

static xk_conv2d conv_of(const lowering *l, const xai_node *node) {
  xk_conv2d p = {0};
  xai_view in[] = {*fact(l, node->in[X]), *fact(l, node->in[W])};
  xai_call call = {.attrs = &node->attrs, .n_in = 2, .in = in};
  xai_op__conv2d(&call, &p);
  return p;
}

static host_kind conv_kind(const lowering *l, const xai_node *node) {
  if (!is_constant(l, node, W) || (xai_node__has_input(node, B) && !is_constant(l, node, B))) return NONE;
  if (!is_picture(l, node->in[X]) || !is_picture(l, node->out[0])) return NONE;
  xk_conv2d p = conv_of(l, node);
  if (!xk_bconv_fits(&p)) return NONE;
  return is_fixed(l, node, W) && (!xai_node__has_input(node, B) || is_fixed(l, node, B)) ? PACKED : TRAINED;
}

/* Batch normalizations per channel; stored statistics must be known. */
static host_kind norm_kind(const lowering *l, const xai_node *node) {
  host_kind kind = SCALED;
  if (!is_picture(l, node->in[X]) || fact(l, node->in[GAIN])->shape.rank != 1) return NONE;
  if (node->op == XAI_OP_BATCH_NORM_TRAINING) return LEARNING;
  for (int i = GAIN; i <= VARIANCE; i++) {
    if (!is_given(l, node, i)) return NONE;
    if (!is_fixed(l, node, i)) kind = STORED;
  }
  return kind;
}

static host_kind kind_of(const lowering *l, const xai_node *node) {
  if (node->op == XAI_OP_CONV) return conv_kind(l, node);
  bool norm = node->op == XAI_OP_BATCH_NORM || node->op == XAI_OP_BATCH_NORM_TRAINING;
  return norm ? norm_kind(l, node) : NONE;
}

/* An input of Clip that is left out, or a number that is known. */
static bool bound(const lowering *l, const xai_node *node, int i, double absent, double *out) {
  *out = absent;
  if (!xai_node__has_input(node, i)) return true;
  if (!known(l, node->in[i])) return false;
  *out = xai_view_get(fact(l, node->in[i]), 0);
  return true;
}

/* The rectifiers y = min(max(x, lo), hi), and that lanes without a channel stay zero. */
static bool is_gate(const lowering *l, const xai_node *node, double *lo, double *hi) {
  if (node->op == XAI_OP_RELU) {
    *lo = 0;
    *hi = INFINITY;
    return true;
  }
  if (node->op != XAI_OP_CLIP) return false;
  if (!bound(l, node, LO, -INFINITY, lo) || !bound(l, node, HI, INFINITY, hi)) return false;
  return (*lo <= 0 && *hi >= 0) || channels(l, node->in[X]) % XK_LANES == 0;
}

/* The host whose last result is input i of this node, when nobody else sees that value; else -1. */
static int only_host(const lowering *l, const xai_node *node, int i) {
  int v = node->in[i], maker = l->from->values[v].node;
  if (maker < 0 || l->reads[v] != 1 || l->observed[v] != 0 || l->fusions[maker].host < 0) return -1;
  if (l->from->nodes[maker].out[0] != v) return -1;
  int host = l->fusions[maker].host;
  return l->fusions[host].tail == maker ? host : -1;
}

/* ---- who becomes part of whom ----------------------------------------------------------------------------------- */
static void join(lowering *l, int host, int n, int *part) {
  *part = n;
  l->fusions[n].host = host;
  l->fusions[host].tail = n;
}

static bool is_packed(const lowering *l, int host) { return host >= 0 && l->fusions[host].kind == PACKED; }

/* Of the two convolutions that an addition may become part of, the one that is put down last, as in the file. */
static void join_addition(lowering *l, int n) {
  const xai_node *node = &l->from->nodes[n];
  int best = -1;
  if (node->n_in != 2 || node->in[0] == node->in[1]) return;
  for (int i = 0; i < 2; i++) {
    const xai_shape *own = &fact(l, node->in[i])->shape, *other = &fact(l, node->in[1 - i])->shape;
    int host = only_host(l, node, i);
    if (!is_packed(l, host) || !is_picture(l, node->in[1 - i]) || !xai_shape_equal(own, other)) continue;
    if (is_wanted_constant(l, node->in[1 - i])) continue;
    const fusion *f = &l->fusions[host];
    if (f->add >= 0 || f->gate >= 0) continue;
    if (best < 0 || f->tail > l->fusions[best].tail) best = host;
  }
  if (best >= 0) join(l, best, n, &l->fusions[best].add);
}

static void find_fusion(lowering *l, int n, bool *any) {
  const xai_node *node = &l->from->nodes[n];
  host_kind kind = kind_of(l, node);
  double lo, hi;
  if (kind != NONE) {
    int host = kind == SCALED ? only_host(l, node, X) : -1;
    if (is_packed(l, host) && l->fusions[host].tail == host) {
      join(l, host, n, &l->fusions[host].norm);
      return;
    }
    l->fusions[n].host = n;
    l->fusions[n].kind = kind;
    *any = *any || kind == PACKED || kind == TRAINED;
  } else if (node->op == XAI_OP_ADD || node->op == XAI_OP_SUM) {
    join_addition(l, n);
  } else if (node->op == XAI_OP_RELU || node->op == XAI_OP_CLIP) {
    int host = only_host(l, node, X);
    if (host >= 0 && l->fusions[host].gate < 0 && is_gate(l, node, &lo, &hi)) join(l, host, n, &l->fusions[host].gate);
  }
}

/* ---- putting down ------------------------------------------------------------------------------------------------ */
/* A value without name; takes over the reference on 'constant', also on failure. */
static xai_status add_value(lowering *l, int node, xai_tensor *constant, int *id, xai_err *err) {
  xai_graph *g = l->to;
  xai_status st = xai_grow((void **)&g->values, g->n_values, &l->room_values, sizeof *g->values, err);
  if (st != XAI_OK) {
    xai_tensor_free(constant);
    return st;
  }
  g->values[g->n_values] = (xai_value){.node = node, .constant = constant, .shape = {.rank = -1}};
  *id = g->n_values++;
  return XAI_OK;
}

static xai_status copy_ints(const int *from, int n, int **out, xai_err *err) {
  *out = xai_alloc((size_t)(n + 1) * sizeof **out);
  if (*out == NULL) return xai_fail_memory(err, (size_t)n * sizeof **out);
  memcpy(*out, from, (size_t)n * sizeof **out);
  return XAI_OK;
}

/* A node called after node 'like' of the network; its outputs are new values where like_out has them (NULL: one). */
static xai_status add_node(lowering *l, int like, xai_op op, const xai_attrs *attrs, int n_in, const int *in, int n_out,
                           int *out, xai_err *err) {
  xai_graph *g = l->to;
  XAI_TRY(xai_grow((void **)&g->nodes, g->n_nodes, &l->room_nodes, sizeof *g->nodes, err));
  for (int i = 0; i < n_out; i++)
    if (out[i] >= 0) XAI_TRY(add_value(l, g->n_nodes, NULL, &out[i], err));
  xai_node *node = &g->nodes[g->n_nodes++]; /* from here on the graph frees what it has */
  *node = (xai_node){.op = op, .n_in = n_in, .n_out = n_out};
  if (attrs != NULL) node->attrs = *attrs;
  node->name = xai_strdup(like >= 0 ? l->from->nodes[like].name : "");
  if (node->name == NULL) return xai_fail_memory(err, 1);
  XAI_TRY(copy_ints(in, n_in, &node->in, err));
  return copy_ints(out, n_out, &node->out, err);
}

/* A row with one output. */
static xai_status add_row(lowering *l, int like, xai_op op, const xai_attrs *attrs, int n_in, const int *in, int *out,
                          xai_err *err) {
  *out = 0;
  return add_node(l, like, op, attrs, n_in, in, 1, out, err);
}

static int maker_of(const lowering *l, int v) { return l->from->values[v].node; }

static xai_status get_plain(lowering *l, int v, xai_err *err) {
  if (l->plain[v] >= 0) return XAI_OK;
  if (l->blocked[v] >= 0) {
    xai_attrs attrs = {.blocked.channels = channels(l, v)};
    return add_row(l, maker_of(l, v), XAI_OP_UNBLOCK, &attrs, 1, &l->blocked[v], &l->plain[v], err);
  }
  xai_tensor *t = xai_net__constant(l->net, v);
  if (t == NULL) t = l->facts->known[v];
  XAI_ASSERT(t != NULL, err);
  return add_value(l, -1, xai_tensor_retain(t), &l->plain[v], err);
}

static xai_status get_blocked(lowering *l, int v, xai_err *err) {
  if (l->blocked[v] >= 0) return XAI_OK;
  XAI_TRY(get_plain(l, v, err));
  return add_row(l, maker_of(l, v), XAI_OP_BLOCK, NULL, 1, &l->plain[v], &l->blocked[v], err);
}

/* Value v is now there as the blocked value 'id'. */
static xai_status set_blocked(lowering *l, int v, int id, xai_err *err) {
  l->blocked[v] = id;
  if (l->observed[v] == 0) return XAI_OK;
  XAI_TRY(get_plain(l, v, err));
  if ((l->observed[v] & ON_THE_PATH) != 0) l->blocked[v] = -1; /* whoever wants blocks makes them of the plain value */
  return XAI_OK;
}

/* ---- rows that stay as they are --------------------------------------------------------------------------------- */
static xai_status put_plain(lowering *l, int n, xai_err *err) {
  const xai_node *node = &l->from->nodes[n];
  xai_status st = XAI_OK;
  int *in = xai_alloc((size_t)(node->n_in + 1) * sizeof *in), out[XAI_MAX_OUTPUTS];
  if (in == NULL) return xai_fail_memory(err, (size_t)node->n_in * sizeof *in);
  for (int i = 0; i < node->n_in; i++) {
    in[i] = -1;
    if (node->in[i] < 0) continue;
    XAI_GOTO(get_plain(l, node->in[i], err));
    in[i] = l->plain[node->in[i]];
  }
  for (int i = 0; i < node->n_out; i++) out[i] = node->out[i];
  XAI_GOTO(add_node(l, n, node->op, &node->attrs, node->n_in, in, node->n_out, out, err));
  for (int i = 0; i < node->n_out; i++)
    if (node->out[i] >= 0) l->plain[node->out[i]] = out[i];
done:
  xai_free(in);
  return st;
}

/* ---- hosts ------------------------------------------------------------------------------------------------------- */
static xai_tensor *constant_of(const lowering *l, const xai_node *node, int i, bool *replaced) {
  int v = node->in[i];
  if (l->net->replaced != NULL && l->net->replaced[v] != NULL) *replaced = true;
  return xai_net__constant(l->net, v);
}

/* conv, norm: nodes, -1: none */
static xai_pack_source source_of(const lowering *l, int conv, int norm, xai_packs **packs) {
  xai_pack_source s = {0};
  bool replaced = false;
  if (conv >= 0) {
    const xai_node *node = &l->from->nodes[conv];
    s.weights = constant_of(l, node, W, &replaced);
    if (xai_node__has_input(node, B)) s.bias = constant_of(l, node, B, &replaced);
  }
  if (norm >= 0) {
    const xai_node *node = &l->from->nodes[norm];
    s.gain = constant_of(l, node, GAIN, &replaced);
    s.offset = constant_of(l, node, OFFSET, &replaced);
    s.mean = constant_of(l, node, MEAN, &replaced);
    s.variance = constant_of(l, node, VARIANCE, &replaced);
    s.epsilon = node->attrs.norm.epsilon;
  }
  *packs = replaced ? l->net->packs : l->from->packs;
  return s;
}

static xai_status add_packed(lowering *l, xai_packs *packs, xai_pack_kind kind, const xai_pack_source *s,
                             const xk_conv2d *p, int *id, xai_err *err) {
  xai_tensor *t = NULL;
  XAI_TRY(xai_packs_get(packs, kind, s, p, &t, err));
  return add_value(l, -1, t, id, err);
}

static xai_attrs bounds_of(const lowering *l, const fusion *f) {
  xai_attrs attrs = {.blocked = {.lo = -INFINITY, .hi = INFINITY}};
  if (f->gate >= 0) is_gate(l, &l->from->nodes[f->gate], &attrs.blocked.lo, &attrs.blocked.hi);
  return attrs;
}

/* The operand of an addition that its host does not make. */
static int other_operand(const lowering *l, const fusion *f) {
  const xai_node *add = &l->from->nodes[f->add];
  int own = l->from->nodes[f->norm >= 0 ? f->norm : f->host].out[0];
  return add->in[add->in[0] == own ? 1 : 0];
}

static xai_status put_packed(lowering *l, const fusion *f, xai_err *err) {
  const xai_node *node = &l->from->nodes[f->host];
  xai_packs *packs;
  xai_pack_source s = source_of(l, f->host, f->norm, &packs);
  xai_attrs attrs = bounds_of(l, f);
  xk_conv2d p = attrs.blocked.conv = conv_of(l, node);
  xai_pack_source filters = s;
  int x = node->in[X], in[] = {-1, -1, -1, -1, -1, -1}, id;
  bool plain = xk_bconv_plain_input(&p);
  XAI_TRY(plain ? get_plain(l, x, err) : get_blocked(l, x, err));
  in[0] = plain ? l->plain[x] : l->blocked[x];
  if (f->add >= 0) {
    XAI_TRY(get_blocked(l, other_operand(l, f), err));
    in[1] = l->blocked[other_operand(l, f)];
  }
  if (plain) filters.gain = filters.variance = NULL; /* the sums are scaled */
  XAI_TRY(add_packed(l, packs, XAI_PACK_FORTH, &filters, &p, &in[2], err));
  if (l->need[x]) XAI_TRY(add_packed(l, packs, XAI_PACK_BACK, &s, &p, &in[3], err));
  if (s.bias != NULL || s.gain != NULL) XAI_TRY(add_packed(l, packs, XAI_PACK_SHIFT, &s, NULL, &in[4], err));
  if (plain && s.gain != NULL) XAI_TRY(add_packed(l, packs, XAI_PACK_SCALE, &s, NULL, &in[5], err));
  XAI_TRY(add_row(l, f->tail, f->gate >= 0 ? XAI_OP_BLOCKED_CONV_CLIP : XAI_OP_BLOCKED_CONV, &attrs, 6, in, &id, err));
  return set_blocked(l, l->from->nodes[f->tail].out[0], id, err);
}

static xai_status put_trained(lowering *l, const fusion *f, xai_err *err) {
  const xai_node *node = &l->from->nodes[f->host];
  xai_attrs attrs = bounds_of(l, f);
  xk_conv2d p = attrs.blocked.conv = conv_of(l, node);
  int x = node->in[X], in[] = {-1, -1, -1}, id;
  bool plain = xk_bconv_plain_input(&p);
  xai_op op = f->gate >= 0 ? XAI_OP_BLOCKED_CONV_TRAINING_CLIP : XAI_OP_BLOCKED_CONV_TRAINING;
  XAI_TRY(plain ? get_plain(l, x, err) : get_blocked(l, x, err));
  in[X] = plain ? l->plain[x] : l->blocked[x];
  for (int i = W; i <= B; i++) {
    if (!xai_node__has_input(node, i)) continue;
    XAI_TRY(get_plain(l, node->in[i], err));
    in[i] = l->plain[node->in[i]];
  }
  XAI_TRY(add_row(l, f->tail, op, &attrs, 3, in, &id, err));
  return set_blocked(l, l->from->nodes[f->tail].out[0], id, err);
}

/* Outputs 1 and 2 of one that learns are plain. */
static xai_status put_norm(lowering *l, const fusion *f, xai_err *err) {
  const xai_node *node = &l->from->nodes[f->host];
  xai_attrs attrs = bounds_of(l, f);
  int in[VARIANCE + 1] = {l->blocked[node->in[X]]}, out[XAI_MAX_OUTPUTS];
  xai_op op = f->gate >= 0 ? XAI_OP_BLOCKED_NORM_CLIP : XAI_OP_BLOCKED_NORM;
  if (f->kind == LEARNING) op = f->gate >= 0 ? XAI_OP_BLOCKED_NORM_TRAINING_CLIP : XAI_OP_BLOCKED_NORM_TRAINING;
  attrs.blocked.epsilon = node->attrs.norm.epsilon;
  attrs.blocked.momentum = node->attrs.norm.momentum;
  for (int i = GAIN; i <= VARIANCE; i++) {
    XAI_TRY(get_plain(l, node->in[i], err));
    in[i] = l->plain[node->in[i]];
  }
  for (int i = 0; i < node->n_out; i++) out[i] = node->out[i];
  XAI_TRY(add_node(l, f->tail, op, &attrs, VARIANCE + 1, in, node->n_out, out, err));
  for (int i = 1; i < node->n_out; i++)
    if (node->out[i] >= 0) l->plain[node->out[i]] = out[i];
  return set_blocked(l, l->from->nodes[f->tail].out[0], out[0], err);
}

static xai_status put_scale(lowering *l, const fusion *f, xai_err *err) {
  int x = l->from->nodes[f->host].in[X], in[3], id;
  xai_packs *packs;
  xai_pack_source s = source_of(l, -1, f->host, &packs);
  xai_attrs attrs = bounds_of(l, f);
  in[0] = l->blocked[x];
  XAI_TRY(add_packed(l, packs, XAI_PACK_SCALE, &s, NULL, &in[1], err));
  XAI_TRY(add_packed(l, packs, XAI_PACK_SHIFT, &s, NULL, &in[2], err));
  XAI_TRY(add_row(l, f->tail, f->gate >= 0 ? XAI_OP_BLOCKED_SCALE_CLIP : XAI_OP_BLOCKED_SCALE, &attrs, 3, in, &id, err));
  return set_blocked(l, l->from->nodes[f->tail].out[0], id, err);
}

/* A batch normalization alone is not worth blocking its input. */
static xai_status put_host(lowering *l, const fusion *f, xai_err *err) {
  if (f->kind == PACKED) return put_packed(l, f, err);
  if (f->kind == TRAINED) return put_trained(l, f, err);
  bool blocked = l->blocked[l->from->nodes[f->host].in[X]] >= 0;
  if (blocked) return f->kind == SCALED ? put_scale(l, f, err) : put_norm(l, f, err);
  XAI_TRY(put_plain(l, f->host, err));
  return f->gate >= 0 ? put_plain(l, f->gate, err) : XAI_OK;
}

/* ---- other rows on blocked values --------------------------------------------------------------------------------- */
/* f(0) = 0, and the slope there is finite: lanes without a channel stay zero, and so do their gradients. */
static bool keeps_zeros(const lowering *l, const xai_node *node) {
  double lo, hi;
  switch (node->op) {
    case XAI_OP_CELU:
    case XAI_OP_DROPOUT:
    case XAI_OP_ELU:
    case XAI_OP_GELU:
    case XAI_OP_HARD_SWISH:
    case XAI_OP_IDENTITY:
    case XAI_OP_LEAKY_RELU:
    case XAI_OP_MISH:
    case XAI_OP_MUL:
    case XAI_OP_RELU:
    case XAI_OP_SELU:
    case XAI_OP_SOFTSIGN:
    case XAI_OP_SWISH:
    case XAI_OP_TANH: return true;
    case XAI_OP_CLIP: return is_gate(l, node, &lo, &hi);
    default: return channels(l, node->out[0]) % XK_LANES == 0;
  }
}

/* Elements depend on those at the same place of the first input, and on numbers that are known. */
static bool is_elementwise(const lowering *l, const xai_node *node) {
  if ((xai_op_get(node->op)->flags & XAI_OP_ELEMENTWISE) == 0 || l->blocked[node->in[0]] < 0) return false;
  for (int i = 1; i < node->n_in; i++)
    if (node->in[i] >= 0 && !known(l, node->in[i])) return false;
  return keeps_zeros(l, node);
}

static bool is_number(const lowering *l, int v) {
  return known(l, v) && xai_shape_size(&fact(l, v)->shape) == 1 && fact(l, v)->shape.rank <= 4;
}

/* Arithmetic between blocked values of as many channels (one pixel or one picture may stand for all), and numbers. */
static bool is_arithmetic(const lowering *l, const xai_node *node) {
  bool zeros = true, any = false;
  switch (node->op) {
    case XAI_OP_ADD:
    case XAI_OP_MAX:
    case XAI_OP_MEAN:
    case XAI_OP_MIN:
    case XAI_OP_MUL:
    case XAI_OP_SUB:
    case XAI_OP_SUM: break;
    default: return false;
  }
  if (!is_picture(l, node->out[0])) return false;
  for (int i = 0; i < node->n_in; i++) {
    int v = node->in[i];
    if (is_wanted_constant(l, v)) return false;
    if (is_number(l, v)) zeros = false;
    else if (!is_picture(l, v) || channels(l, v) != channels(l, node->out[0])) return false;
    any = any || l->blocked[v] >= 0;
  }
  return any && (zeros || keeps_zeros(l, node));
}

/* Concat of channels: whole blocks but for the last one. */
static bool is_stack(const lowering *l, const xai_node *node) {
  bool any = false;
  int64_t axis = node->attrs.axis.axis;
  if (node->op != XAI_OP_CONCAT || (axis != 1 && axis != -3)) return false;
  for (int i = 0; i < node->n_in; i++) {
    int v = node->in[i];
    if (!is_picture(l, v) || is_wanted_constant(l, v)) return false;
    if (i + 1 < node->n_in && channels(l, v) % XK_LANES != 0) return false;
    any = any || l->blocked[v] >= 0;
  }
  return any;
}

/* The row's form for blocked values; XAI_OP_COUNT: it has none, or its input is not blocked. */
static xai_op blocked_form(const lowering *l, const xai_node *node) {
  if (!is_picture(l, node->out[0]) || !has_one_output(node)) return XAI_OP_COUNT;
  if (is_elementwise(l, node) || is_arithmetic(l, node) || is_stack(l, node)) return node->op;
  if (l->blocked[node->in[0]] < 0) return XAI_OP_COUNT;
  switch (node->op) {
    case XAI_OP_AVERAGE_POOL: return XAI_OP_BLOCKED_AVERAGE_POOL;
    case XAI_OP_GLOBAL_AVERAGE_POOL: return XAI_OP_BLOCKED_GLOBAL_AVERAGE_POOL;
    case XAI_OP_MAX_POOL: return XAI_OP_BLOCKED_MAX_POOL;
    default: return XAI_OP_COUNT;
  }
}

static xai_status put_blocked(lowering *l, int n, xai_op op, xai_err *err) {
  const xai_node *node = &l->from->nodes[n];
  xai_status st = XAI_OK;
  int *in = xai_alloc((size_t)(node->n_in + 1) * sizeof *in), id;
  xai_attrs attrs = node->attrs;
  if (in == NULL) return xai_fail_memory(err, (size_t)node->n_in * sizeof *in);
  for (int i = 0; i < node->n_in; i++) {
    int v = node->in[i];
    in[i] = -1;
    if (v < 0) continue;
    bool number = is_number(l, v) || (i > 0 && (xai_op_get(op)->flags & XAI_OP_ELEMENTWISE) != 0);
    XAI_GOTO(number ? get_plain(l, v, err) : get_blocked(l, v, err));
    in[i] = number ? l->plain[v] : l->blocked[v];
  }
  if (op == XAI_OP_CONCAT) attrs.axis.axis = 1;
  XAI_GOTO(add_row(l, n, op, &attrs, node->n_in, in, &id, err));
  XAI_GOTO(set_blocked(l, node->out[0], id, err));
done:
  xai_free(in);
  return st;
}

/* ---- patches ----------------------------------------------------------------------------------------------------- */
enum { CLEAN, WINDOW, PLACES, SIZES }; /* inputs of Patch */

/* Lanes without a channel stay zero. */
static bool is_blocked_patch(const lowering *l, const xai_node *node) {
  if (node->op != XAI_OP_PATCH || l->blocked[node->in[WINDOW]] < 0 || !is_fixed(l, node, CLEAN)) return false;
  return node->attrs.patch.outside == 0 || channels(l, node->in[WINDOW]) % XK_LANES == 0;
}

static xai_status put_patch(lowering *l, int n, xai_err *err) {
  const xai_node *node = &l->from->nodes[n];
  bool replaced = false;
  xai_pack_source s = {.weights = constant_of(l, node, CLEAN, &replaced)};
  int in[SIZES + 1] = {[WINDOW] = l->blocked[node->in[WINDOW]]}, id;
  XAI_TRY(add_packed(l, replaced ? l->net->packs : l->from->packs, XAI_PACK_MAP, &s, NULL, &in[CLEAN], err));
  for (int i = PLACES; i <= SIZES; i++) {
    XAI_TRY(get_plain(l, node->in[i], err));
    in[i] = l->plain[node->in[i]];
  }
  XAI_TRY(add_row(l, n, XAI_OP_PATCH, &node->attrs, SIZES + 1, in, &id, err));
  return set_blocked(l, node->out[0], id, err);
}

static xai_status put_node(lowering *l, int n, xai_err *err) {
  const fusion *f = &l->fusions[n];
  if (f->host >= 0) {
    const fusion *host = &l->fusions[f->host];
    return host->tail == n ? put_host(l, host, err) : XAI_OK;
  }
  if (is_blocked_patch(l, &l->from->nodes[n])) return put_patch(l, n, err);
  xai_op op = blocked_form(l, &l->from->nodes[n]);
  return op == XAI_OP_COUNT ? put_plain(l, n, err) : put_blocked(l, n, op, err);
}

/* ---- all of it ----------------------------------------------------------------------------------------------------- */
static void observe(lowering *l, int v, int how) {
  if (v >= 0) l->observed[v] |= (unsigned char)how;
}

static void find_observed(lowering *l, const plan_request *r) {
  const xai_net *net = l->net;
  for (int i = 0; i < r->n_keep; i++) observe(l, r->keep[i], LOOKED_AT);
  for (int i = 0; r->keep_outputs && i < l->from->n_outputs; i++) observe(l, l->from->outputs[i], LOOKED_AT);
  for (int i = 0; i < r->n_seeds; i++) observe(l, r->seeds[i], ON_THE_PATH);
  for (int i = 0; i < r->n_wants; i++) observe(l, r->wants[i], ON_THE_PATH);
  for (int i = 0; i < net->n_hooks; i++) observe(l, xai_net__layer_value(net, net->hooks[i].layer), ON_THE_PATH);
  for (int i = 0; i < net->n_grad_hooks; i++)
    observe(l, xai_net__layer_value(net, net->grad_hooks[i].layer), ON_THE_PATH);
}

static void count_reads(lowering *l) {
  for (int n = 0; n < l->from->n_nodes; n++)
    for (int i = 0; l->set[n] && i < l->from->nodes[n].n_in; i++)
      if (l->from->nodes[n].in[i] >= 0) l->reads[l->from->nodes[n].in[i]]++;
}

static xai_status put_inputs(lowering *l, xai_err *err) {
  const xai_graph *from = l->from;
  l->to->inputs = xai_alloc((size_t)(from->n_inputs + 1) * sizeof *l->to->inputs);
  if (l->to->inputs == NULL) return xai_fail_memory(err, (size_t)from->n_inputs * sizeof *l->to->inputs);
  for (int i = 0; i < from->n_inputs; i++) {
    const xai_value *like = &from->values[from->inputs[i]];
    int *id = &l->plain[from->inputs[i]];
    XAI_TRY(add_value(l, -1, NULL, id, err));
    xai_value *input = &l->to->values[*id];
    input->dtype = like->dtype;
    input->shape = like->shape;
    input->decides = like->decides;
    input->name = xai_strdup(like->name);
    if (input->name == NULL) return xai_fail_memory(err, strlen(like->name));
    l->to->inputs[l->to->n_inputs++] = *id;
  }
  return XAI_OK;
}

static xai_status put_all(lowering *l, xai_err *err) {
  XAI_TRY(put_inputs(l, err));
  for (int n = 0; n < l->from->n_nodes; n++)
    if (l->set[n]) XAI_TRY(put_node(l, n, err));
  for (int v = 0; v < l->from->n_values; v++) /* what is looked at and known without running */
    if (l->observed[v] != 0 && known(l, v)) XAI_TRY(get_plain(l, v, err));
  return XAI_OK;
}

/* The lists of a lowering; one block each, so that a failure leaves nothing half made. */
static xai_status make_lists(lowering *l, xai_err *err) {
  size_t values = (size_t)l->from->n_values, nodes = (size_t)l->from->n_nodes;
  l->observed = xai_calloc(values + 1, sizeof *l->observed);
  l->reads = xai_calloc(values + 1, sizeof *l->reads);
  l->plain = xai_alloc((values + 1) * sizeof *l->plain);
  l->blocked = xai_alloc((values + 1) * sizeof *l->blocked);
  l->fusions = xai_alloc((nodes + 1) * sizeof *l->fusions);
  if (l->observed == NULL || l->reads == NULL || l->plain == NULL || l->blocked == NULL || l->fusions == NULL)
    return xai_fail_memory(err, values * sizeof *l->plain);
  for (size_t v = 0; v < values; v++) l->plain[v] = l->blocked[v] = -1;
  for (size_t n = 0; n < nodes; n++)
    l->fusions[n] = (fusion){.host = -1, .norm = -1, .add = -1, .gate = -1, .tail = (int)n};
  return XAI_OK;
}

xai_status xai_lower(const xai_net *net, const xai_facts *facts, const plan_request *request, const bool *set,
                     xai_graph **out, int **place, xai_err *err) {
  lowering l = {.net = net, .from = net->graph, .facts = facts, .set = set};
  xai_status st = XAI_OK;
  bool *need = NULL, any = false;
  XAI_GOTO(make_lists(&l, err));
  find_observed(&l, request);
  count_reads(&l);
  for (int n = 0; n < l.from->n_nodes; n++)
    if (set[n]) find_fusion(&l, n, &any);
  if (!any) goto done;
  XAI_GOTO(xai_plan__need(l.from, facts, set, request, NULL, &need, err));
  l.need = need;
  l.to = xai_calloc(1, sizeof *l.to);
  if (l.to == NULL) {
    st = xai_fail_memory(err, sizeof *l.to);
    goto done;
  }
  atomic_init(&l.to->refs, 1);
  l.to->logits = -1;
  XAI_GOTO(put_all(&l, err));
  *out = l.to;
  *place = l.plain;
  l.to = NULL;
  l.plain = NULL;
done:
  xai_graph__release(l.to);
  xai_free(need);
  xai_free(l.observed);
  xai_free(l.reads);
  xai_free(l.plain);
  xai_free(l.blocked);
  xai_free(l.fusions);
  return st;
}
