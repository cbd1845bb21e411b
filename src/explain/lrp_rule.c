/* explain/lrp_rule.c: see lrp_rule.h.
 *
 * Every rule is a sum over groups, each of which shares the relevance out in proportion to its own summands:
 *
 *   R_j = sum over groups  c * sum over terms  a'_j * sum over k of w'_jk * R_k / z_k,     z_k = b'_k + sum of a'_j w'_jk
 *
 * a', w' and b' are parts of inputs, weights and biases: the table below. The sums over j and k are the layer's own
 * operator and its adjoint with a' and w' in place of a and w: any linear operator will do. */
#include "explain/lrp_rule.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

/* ---- rules -------------------------------------------------------------------------------------------------------- */
enum of_input { A, A_POSITIVE, A_NEGATIVE, A_ONE, A_LOW, A_HIGH };
enum of_weight { W, W_POSITIVE, W_NEGATIVE, W_GAMMA, W_ONE, W_SQUARE };
enum of_bias { B_NONE, B, B_POSITIVE, B_NEGATIVE, B_GAMMA };

typedef struct term {
  enum of_input a;
  enum of_weight w;
  float sign;
} term;

enum { TERMS = 3, GROUPS = 2 };
typedef struct group {
  enum of_bias b;
  bool guarded; /* its sum may be near zero where its summands are not: epsilon is added */
  term terms[TERMS]; /* sign 0: none */
} group;

/* The second group is there in alphabeta alone, whose groups count alpha and -beta; they have sums of one sign. */
static const group rules[][GROUPS] = {
    [XAI_LRP_ZERO] = {{B, false, {{A, W, 1}}}},
    [XAI_LRP_EPSILON] = {{B, true, {{A, W, 1}}}},
    [XAI_LRP_GAMMA] = {{B_GAMMA, true, {{A, W_GAMMA, 1}}}},
    [XAI_LRP_ZPLUS] = {{B_POSITIVE, false, {{A_POSITIVE, W_POSITIVE, 1}, {A_NEGATIVE, W_NEGATIVE, 1}}}},
    [XAI_LRP_ALPHABETA] = {{B_POSITIVE, false, {{A_POSITIVE, W_POSITIVE, 1}, {A_NEGATIVE, W_NEGATIVE, 1}}},
                           {B_NEGATIVE, false, {{A_POSITIVE, W_NEGATIVE, 1}, {A_NEGATIVE, W_POSITIVE, 1}}}},
    [XAI_LRP_ZB] = {{B_NONE, true, {{A, W, 1}, {A_LOW, W_POSITIVE, -1}, {A_HIGH, W_NEGATIVE, -1}}}},
    [XAI_LRP_FLAT] = {{B_NONE, false, {{A_ONE, W_ONE, 1}}}},
    [XAI_LRP_W2] = {{B_NONE, false, {{A_ONE, W_SQUARE, 1}}}},
};

/* ---- which layers are linear, and what becomes part of them ------------------------------------------------------- */
static bool is_convolution(const xai_node *node) { return node->op == XAI_OP_CONV || node->op == XAI_OP_CONV_TRANSPOSE; }

bool xai_lrp__is_linear(const xai_walk *w, int n) {
  const xai_node *node = &w->graph->nodes[n];
  bool product = node->op == XAI_OP_MATMUL && w->run->values[node->in[1]].seen.shape.rank == 2;
  bool dense = (node->op == XAI_OP_GEMM && node->attrs.gemm.trans_a == 0) || product;
  return (is_convolution(node) || dense) && xai_walk_only(w, n) == 0;
}

static const xai_view *seen(const xai_walk *w, int value) { return &w->run->values[value].seen; }

/* The axis of a layer's result along which its filters stand. */
static int channel_axis(const xai_walk *w, int layer) {
  const xai_node *node = &w->graph->nodes[layer];
  return is_convolution(node) ? 1 : seen(w, node->out[0])->shape.rank - 1;
}

/* Does it hold one number for each channel along this axis of y, or one for all? Dims are counted from the last. */
static bool is_per_channel(const xai_view *c, const xai_shape *y, int axis) {
  int dim = c->shape.rank - (y->rank - axis);
  if (c->dtype != XAI_F32 || c->data == NULL || c->shape.rank > y->rank) return false;
  if (xai_walk_size(c) == 1) return true;
  return dim >= 0 && xai_walk_size(c) == y->dims[axis] && c->shape.dims[dim] == y->dims[axis];
}

/* y = factor x + summand per channel, with x the input that carries? */
static bool is_scaling(const xai_walk *w, int n, const xai_shape *y, int axis) {
  const xai_node *node = &w->graph->nodes[n];
  int data = xai_walk_only(w, n);
  if (node->op == XAI_OP_BATCH_NORM) return data == 0 && axis == 1 && seen(w, node->in[1])->shape.rank == 1;
  bool either = node->op == XAI_OP_ADD || node->op == XAI_OP_MUL, first = node->op == XAI_OP_SUB || node->op == XAI_OP_DIV;
  if (!(either && data >= 0) && !(first && data == 0)) return false;
  return is_per_channel(seen(w, node->in[1 - data]), y, axis);
}

static int readers(const xai_graph *g, int value) {
  int n = 0;
  for (int k = 0; k < g->n_nodes; k++)
    for (int i = 0; i < g->nodes[k].n_in; i++) n += g->nodes[k].in[i] == value;
  return n;
}

void xai_lrp__fold(const xai_walk *w, int *into) {
  const xai_graph *g = w->graph;
  for (int n = 0; n < g->n_nodes; n++) {
    into[n] = -1;
    int data = xai_walk_only(w, n), v = data >= 0 ? g->nodes[n].in[data] : -1, maker = v >= 0 ? g->values[v].node : -1;
    if (maker < 0 || w->signal[v] != NULL || seen(w, v)->data == NULL) continue;
    if (w->run->values[v].own.data != seen(w, v)->data) continue; /* a hook stands between */
    int layer = xai_lrp__is_linear(w, maker) ? maker : into[maker];
    if (layer < 0 || !xai_shape_equal(&seen(w, v)->shape, &w->run->values[g->nodes[n].out[0]].own.shape)) continue;
    if (is_scaling(w, n, &seen(w, v)->shape, channel_axis(w, layer)) && readers(g, v) == 1) into[n] = layer;
  }
}

/* ---- the layer as the rules see it -------------------------------------------------------------------------------- */
typedef struct linear {
  xai_attrs attrs;
  xai_call call;    /* the layer's operator without bias */
  xai_view in[2], din[2], out, dout;
  int64_t n_a, n_w, n_z;
  int64_t channels, inner; /* of the result: elements of one channel that stand together */
  const float *a, *w;
  float *b;          /* per channel; NULL: none */
  const float *z;    /* what the layer gave, bias included, with all that became part of it; NULL: to be computed */
  bool has_negative; /* among its inputs */
  void *block;       /* of weights and biases */
} linear;

static double number(const xai_view *v, int64_t k) {
  return ((const float *)v->data)[xai_walk_size(v) == 1 ? 0 : k];
}

/* What node n, of which is_scaling is true, does to channel k of a result s x + t. */
static void scale(const xai_walk *w, int n, int64_t k, double *s, double *t) {
  const xai_node *node = &w->graph->nodes[n];
  double factor = 1, summand = 0;
  if (node->op == XAI_OP_BATCH_NORM) {
    const xai_view *v[5];
    for (int i = 1; i < 5; i++) v[i] = seen(w, node->in[i]);
    factor = number(v[1], k) / sqrt(number(v[4], k) + node->attrs.norm.epsilon);
    summand = number(v[2], k) - number(v[3], k) * factor;
  } else {
    double c = number(seen(w, node->in[1 - xai_walk_only(w, n)]), k);
    if (node->op == XAI_OP_ADD) summand = c;
    if (node->op == XAI_OP_SUB) summand = -c;
    if (node->op == XAI_OP_MUL) factor = c;
    if (node->op == XAI_OP_DIV) factor = 1 / c;
  }
  *s *= factor;
  *t = *t * factor + summand;
}

/* The channel that element i of the weights makes. */
static int64_t channel_of(const xai_node *node, const xai_shape *w, int64_t channels, int64_t i) {
  int64_t all = xai_shape_size(w);
  if (node->op == XAI_OP_CONV || (node->op == XAI_OP_GEMM && node->attrs.gemm.trans_b != 0)) return i / (all / channels);
  if (node->op != XAI_OP_CONV_TRANSPOSE) return i % channels;
  int64_t per_group = w->dims[1], kernel = xai_shape_span(w, 2, w->rank); /* x's channels x y's channels/group x kernel */
  int64_t from = i / (per_group * kernel), in_group = w->dims[0] / node->attrs.conv.group;
  return from / in_group * per_group + i / kernel % per_group;
}

/* The last node that became part of the layer, or itself. */
static int last_part(const xai_walk *w, const int *into) {
  int last = w->node;
  for (int n = w->node + 1; n < w->graph->n_nodes; n++)
    if (into[n] == w->node) last = n;
  return last;
}

/* Biases and weights with alpha and beta of a Gemm and all that became part of the layer. */
static xai_status merge(const xai_walk *w, const int *into, bool bias, linear *l, xai_err *err) {
  const xai_node *node = xai_walk_node(w);
  const xai_view *b = xai_node__has_input(node, 2) ? &w->in[2] : NULL;
  bool gemm = node->op == XAI_OP_GEMM, adds = false;
  double alpha = gemm ? node->attrs.gemm.alpha : 1, beta = gemm ? node->attrs.gemm.beta : 1;
  int last = last_part(w, into);
  bool changes = alpha != 1 || last != w->node;
  if (b != NULL && !is_per_channel(b, &l->out.shape, channel_axis(w, w->node)) && xai_walk_size(b) != l->channels)
    return xai_fail(err, XAI_EUNSUPPORTED, "its bias differs from place to place");
  size_t bytes = (size_t)l->channels * (sizeof(double) + sizeof(float)) + (changes ? (size_t)l->n_w * sizeof(float) : 0);
  l->block = xai_alloc(bytes);
  if (l->block == NULL) return xai_fail_memory(err, bytes);
  double *factor = l->block;
  float *biases = (float *)(factor + l->channels), *weights = biases + l->channels;
  for (int64_t k = 0; k < l->channels; k++) {
    double s = alpha, t = b != NULL ? beta * number(b, k) : 0;
    for (int n = w->node + 1; n <= last; n++)
      if (into[n] == w->node) scale(w, n, k, &s, &t);
    factor[k] = s;
    biases[k] = (float)t;
    adds = adds || biases[k] != 0;
  }
  for (int64_t i = 0; changes && i < l->n_w; i++)
    weights[i] = (float)(l->w[i] * factor[channel_of(node, &w->in[1].shape, l->channels, i)]);
  if (changes) l->w = weights;
  if (adds && bias) l->b = biases;
  /* What the layer gave has the biases in it, whether they take part or not. */
  if (bias || !adds) l->z = w->run->values[w->graph->nodes[last].out[0]].own.data;
  return XAI_OK;
}

static xai_status look(xai_walk *w, const int *into, bool bias, linear *l, xai_err *err) {
  int axis = channel_axis(w, w->node);
  l->attrs = *w->call.attrs;
  if (xai_walk_node(w)->op == XAI_OP_GEMM) l->attrs.gemm.alpha = 1; /* it is in the weights */
  l->out = w->out[0];
  l->dout = w->dout[0];
  memcpy(l->in, w->in, sizeof l->in);
  memcpy(l->din, w->din, sizeof l->din);
  l->call = w->call;
  l->call.attrs = &l->attrs;
  l->call.n_in = 2;
  l->call.in = l->in;
  l->call.din = l->din;
  l->call.out = &l->out;
  l->call.dout = &l->dout;
  l->a = w->in[0].data;
  l->w = w->in[1].data;
  l->n_a = xai_walk_size(&w->in[0]);
  l->n_w = xai_walk_size(&w->in[1]);
  l->n_z = xai_walk_size(&l->out);
  l->channels = l->out.shape.dims[axis];
  l->inner = xai_shape_span(&l->out.shape, axis + 1, l->out.shape.rank);
  for (int64_t i = 0; i < l->n_a && !l->has_negative; i++) l->has_negative = l->a[i] < 0;
  return merge(w, into, bias, l, err);
}

/* ---- parts -------------------------------------------------------------------------------------------------------- */
static const float *input_part(const linear *l, enum of_input which, const xai_lrp_numbers *numbers, float *to) {
  if (which == A) return l->a;
  const float *bounds = which == A_LOW ? numbers->low : numbers->high;
  for (int64_t i = 0; i < l->n_a; i++) {
    float a = l->a[i];
    switch (which) {
      case A: break;
      case A_POSITIVE: to[i] = a > 0 ? a : 0; break;
      case A_NEGATIVE: to[i] = a < 0 ? a : 0; break;
      case A_ONE: to[i] = 1; break;
      case A_LOW:
      case A_HIGH: to[i] = bounds[i / (l->n_a / numbers->channels)]; break;
    }
  }
  return to;
}

static float positive(float v) { return v > 0 ? v : 0; }
static float negative(float v) { return v < 0 ? v : 0; }

static const float *weight_part(const linear *l, enum of_weight which, float gamma, float *to) {
  if (which == W) return l->w;
  for (int64_t i = 0; i < l->n_w; i++) {
    float w = l->w[i];
    switch (which) {
      case W: break;
      case W_POSITIVE: to[i] = positive(w); break;
      case W_NEGATIVE: to[i] = negative(w); break;
      case W_GAMMA: to[i] = w + gamma * positive(w); break;
      case W_ONE: to[i] = 1; break;
      case W_SQUARE: to[i] = w * w; break;
    }
  }
  return to;
}

static float bias_part(const linear *l, enum of_bias which, float gamma, int64_t k) {
  if (l->b == NULL) return 0;
  float b = l->b[k];
  switch (which) {
    case B_NONE: return 0;
    case B: return b;
    case B_POSITIVE: return positive(b);
    case B_NEGATIVE: return negative(b);
    case B_GAMMA: return b + gamma * positive(b);
  }
  return 0;
}

/* ---- one group ---------------------------------------------------------------------------------------------------- */
typedef struct room {
  float *block, *a, *w, *z, *part, *g; /* inputs, weights, sums, one term's sums, one term's gradients */
} room;

static xai_status make_room(const linear *l, xai_lrp_rule rule, room *r, xai_err *err) {
  bool plain = rule == XAI_LRP_ZERO || rule == XAI_LRP_EPSILON; /* inputs and weights as they are */
  size_t n_a = ((size_t)l->n_a + 15) / 16 * 16, n_w = ((size_t)l->n_w + 15) / 16 * 16, n_z = ((size_t)l->n_z + 15) / 16 * 16;
  if (plain) n_w = 0;
  size_t bytes = (2 * n_a + n_w + 2 * n_z) * sizeof(float);
  r->block = xai_alloc(bytes);
  if (r->block == NULL) return xai_fail_memory(err, bytes);
  r->a = r->block;
  r->g = r->a + n_a;
  r->w = r->g + n_a;
  r->z = r->w + n_w;
  r->part = r->z + n_z;
  return XAI_OK;
}

/* Terms that are nothing: without negative inputs those of their negative part. */
static bool counts(const linear *l, const term *t) { return t->sign != 0 && (l->has_negative || t->a != A_NEGATIVE); }

static void choose(linear *l, const term *t, const xai_lrp_numbers *numbers, const room *r) {
  l->in[0].data = (void *)(uintptr_t)input_part(l, t->a, numbers, r->a);
  l->in[1].data = (void *)(uintptr_t)weight_part(l, t->w, (float)numbers->gamma, r->w);
}

/* z, biases included. */
static void sum_up(linear *l, const xai_op_def *def, const group *g, const xai_lrp_numbers *numbers, const room *r) {
  bool known = g->terms[0].a == A && g->terms[0].w == W && g->terms[1].sign == 0 && l->z != NULL;
  if (known) {
    memcpy(r->z, l->z, (size_t)l->n_z * sizeof(float));
    return;
  }
  memset(r->z, 0, (size_t)l->n_z * sizeof(float));
  l->out.data = r->part;
  for (int k = 0; k < TERMS; k++) {
    if (!counts(l, &g->terms[k])) continue;
    choose(l, &g->terms[k], numbers, r);
    def->forward(&l->call);
    for (int64_t i = 0; i < l->n_z; i++) r->z[i] += g->terms[k].sign * r->part[i];
  }
  for (int64_t i = 0; i < l->n_z; i++) r->z[i] += bias_part(l, g->b, (float)numbers->gamma, i / l->inner % l->channels);
}

static double root_mean_square(const float *z, int64_t n) { return sqrt(xk_sum_square(n, z) / (double)n); }

/* s = share * R / (z + epsilon sign z) in place of z, 0 for 0 / 0; what biases take of it. */
static double divide(const linear *l, const group *g, double share, const float *relevance, const xai_lrp_numbers *numbers,
                     float *z) {
  double epsilon = g->guarded ? numbers->epsilon : 0, taken = 0;
  if (numbers->rms) epsilon *= root_mean_square(z, l->n_z);
  for (int64_t i = 0; i < l->n_z; i++) {
    double below = z[i] >= 0 ? z[i] + epsilon : z[i] - epsilon;
    z[i] = below != 0 ? (float)(share * relevance[i] / below) : 0;
    taken += (double)z[i] * bias_part(l, g->b, (float)numbers->gamma, i / l->inner % l->channels);
  }
  return taken;
}

static void spread(linear *l, const xai_op_def *def, const group *g, const xai_lrp_numbers *numbers, const room *r,
                   float *to) {
  l->dout.data = r->z;
  l->din[0].data = r->g;
  for (int k = 0; k < TERMS; k++) {
    if (!counts(l, &g->terms[k])) continue;
    choose(l, &g->terms[k], numbers, r);
    def->backward(&l->call);
    const float *a = l->in[0].data;
    for (int64_t i = 0; i < l->n_a; i++) to[i] += g->terms[k].sign * a[i] * r->g[i];
  }
}

xai_status xai_lrp__apply(xai_walk *w, const int *into, xai_lrp_rule rule, const xai_lrp_numbers *numbers, double *biases,
                          xai_err *err) {
  const xai_op_def *def = xai_op_get(xai_walk_node(w)->op);
  const double shares[GROUPS] = {rule == XAI_LRP_ALPHABETA ? numbers->alpha : 1, 1 - numbers->alpha};
  linear l = {0};
  room r = {0};
  xai_status st;
  XAI_GOTO(look(w, into, numbers->bias, &l, err));
  XAI_GOTO(make_room(&l, rule, &r, err));
  XAI_GOTO(xai_walk_make(w, 0, err));
  float *to = w->din[0].data;
  memset(to, 0, (size_t)l.n_a * sizeof *to);
  for (int k = 0; k < GROUPS && rules[rule][k].terms[0].sign != 0; k++) {
    const group *g = &rules[rule][k];
    if (shares[k] == 0) continue;
    sum_up(&l, def, g, numbers, &r);
    *biases += divide(&l, g, shares[k], w->dout[0].data, numbers, r.z);
    spread(&l, def, g, numbers, &r, to);
  }
done:
  xai_free(l.block);
  xai_free(r.block);
  return st;
}
