/* Layer-wise relevance propagation: the score is shared out among the units of the layer before, these shares among those
 * of the one before that, down to the pixels.
 *
 *   R_j = sum over k of  a_j rho(w_jk) / (epsilon_k + sum over 0,j of a_j rho(w_jk))  R_k        0: the bias, with a_0 = 1
 *
 *   zero       rho(w) = w                                       epsilon    the same, epsilon sign(z_k) added below
 *   gamma      rho(w) = w + gamma w+, bias too                  alphabeta  alpha (positive part) - beta (negative part)
 *   zplus      alphabeta with alpha 1: excitation backprop      zb         a w - l w+ - h w-  for inputs in [l, h]
 *   flat, w2   a becomes 1 and w becomes 1, or w^2
 *
 * Bach et al. 2015, "On pixel-wise explanations ..."; Montavon et al. 2019, "Layer-wise relevance propagation: an
 * overview", whose names the rules have. Which rule holds where is said by a composite, for the first layer, convolutions and
 * dense layers; presets A and B are those of Alber et al. 2019. Around the linear layers, which lrp_rule.c knows:
 * activations, Dropout, reshapes and LRN pass relevance on; the largest of a pool takes all; averages and sums (residual
 * connections, normalizations that could not become part of a linear layer) share out in proportion with rule epsilon, a
 * gate (sigmoid times signal) takes nothing. Other operators are refused. With rule zero in ReLU networks without biases
 * R is input times gradient, and the sum is the same in every layer.
 * Values: C x H x W, or the layer's, signed, in score points. extras: 'sums', per layer, of what arrives there (NaN: nothing).
 * numbers: 'start', 'sum' of the values, and what of the rest 'biases' and 'epsilon' kept; epsilon's part has what a rule
 * of one sign finds no takers for. Cost: one forward pass, and as much as one to four backward passes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/status.h"
#include "explain/baseline.h"
#include "explain/lrp_rule.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

/* ---- which rule holds where --------------------------------------------------------------------------------------- */
typedef struct composite {
  xai_lrp_rule first, convolution, dense;
  double epsilon;
} composite;

#define EVERYWHERE(rule) {rule, rule, rule, 1e-6}
static const composite composites[] = {
    [XAI_LRP_EPSILON_PLUS] = {XAI_LRP_ZPLUS, XAI_LRP_ZPLUS, XAI_LRP_EPSILON, 1e-6},
    [XAI_LRP_EPSILON_PLUS_FLAT] = {XAI_LRP_FLAT, XAI_LRP_ZPLUS, XAI_LRP_EPSILON, 1e-6},
    [XAI_LRP_EPSILON_GAMMA_BOX] = {XAI_LRP_ZB, XAI_LRP_GAMMA, XAI_LRP_EPSILON, 1e-6},
    [XAI_LRP_EPSILON_ALPHA2_BETA1] = {XAI_LRP_ALPHABETA, XAI_LRP_ALPHABETA, XAI_LRP_EPSILON, 1e-6},
    [XAI_LRP_EPSILON_ALPHA2_BETA1_FLAT] = {XAI_LRP_FLAT, XAI_LRP_ALPHABETA, XAI_LRP_EPSILON, 1e-6},
    [XAI_LRP_PRESET_A] = {XAI_LRP_ZPLUS, XAI_LRP_ZPLUS, XAI_LRP_EPSILON, 0.1},
    [XAI_LRP_PRESET_B] = {XAI_LRP_ALPHABETA, XAI_LRP_ALPHABETA, XAI_LRP_EPSILON, 0.1},
    [XAI_LRP_ALL_ZERO] = EVERYWHERE(XAI_LRP_ZERO),
    [XAI_LRP_ALL_EPSILON] = EVERYWHERE(XAI_LRP_EPSILON),
    [XAI_LRP_ALL_GAMMA] = EVERYWHERE(XAI_LRP_GAMMA),
    [XAI_LRP_ALL_ZPLUS] = EVERYWHERE(XAI_LRP_ZPLUS),
    [XAI_LRP_ALL_ALPHABETA] = EVERYWHERE(XAI_LRP_ALPHABETA),
    [XAI_LRP_ALL_FLAT] = EVERYWHERE(XAI_LRP_FLAT),
    [XAI_LRP_ALL_W2] = EVERYWHERE(XAI_LRP_W2),
};

typedef struct lrp {
  const xai_lrp_opts *opts;
  const composite *composite;
  xai_lrp_numbers numbers;
  double epsilon; /* of sums that are no linear layers; 0 with rule zero everywhere */
  int *into;      /* per node: the linear layer that it has become part of; -1: none */
  float *bounds;  /* low and high per channel */
  float *sums;    /* per layer */
  double biases, kept; /* what stayed on the way in biases, and in them and elsewhere */
} lrp;

/* Does the value hold the input's elements? */
static bool is_input(const xai_graph *g, int v) {
  int n = g->values[v].node;
  while (n >= 0 && (xai_op_get(g->nodes[n].op)->flags & XAI_OP_ALIAS) != 0) {
    v = g->nodes[n].in[0];
    n = g->values[v].node;
  }
  return n < 0;
}

static xai_status rule_of(const lrp *l, const xai_walk *w, xai_lrp_rule *rule, xai_err *err) {
  const xai_node *node = xai_walk_node(w);
  bool first = is_input(w->graph, node->in[0]);
  bool dense = node->op == XAI_OP_GEMM || node->op == XAI_OP_MATMUL;
  *rule = first ? l->composite->first : dense ? l->composite->dense : l->composite->convolution;
  for (int i = 0; i < l->opts->rules.n; i++)
    if (l->opts->rules.list[i].layer == w->node) *rule = (xai_lrp_rule)l->opts->rules.list[i].choice;
  if (*rule == XAI_LRP_ZB && !first)
    return xai_fail(err, XAI_EARG, "rule zb needs the range of the inputs, which is known only where they are the picture");
  return XAI_OK;
}

/* Layers that are named in 'rules' must have one. */
static xai_status check_rules(const lrp *l, const xai_net *net, const xai_walk *w, xai_err *err) {
  for (int i = 0; i < l->opts->rules.n; i++) {
    int layer = l->opts->rules.list[i].layer;
    if (layer >= 0 && xai_lrp__is_linear(w, layer)) continue;
    const char *name = layer >= 0 ? xai_net_layer(net, layer).name : xai_net_input_name(net);
    return xai_fail(err, XAI_EARG, "rules: layer '%s' (%s) has no weights to share by; rules are for Conv, ConvTranspose, Gemm and "
                                   "MatMul with constant weights", name, layer >= 0 ? xai_net_layer(net, layer).op : "the input");
  }
  return XAI_OK;
}

/* ---- layers without weights --------------------------------------------------------------------------------------- */
static xai_status refuse(const xai_walk *w, const char *why, xai_err *err) {
  return xai_fail(err, XAI_EUNSUPPORTED, "no rule for %s: %s", xai_op_get(xai_walk_node(w)->op)->name, why);
}

/* In proportion to what each input adds to the result:  R_i = a_i * adjoint_i( R / (y + epsilon sign y) ). */
static xai_status share(const lrp *l, xai_walk *w, xai_err *err) {
  xai_view *signal = &w->dout[0];
  int64_t n = xai_walk_size(signal);
  const float *y = w->out[0].data, *relevance = signal->data;
  float *s = xai_alloc((size_t)n * sizeof *s);
  if (s == NULL) return xai_fail_memory(err, (size_t)n * sizeof *s);
  for (int64_t i = 0; i < n; i++) {
    double below = y[i] >= 0 ? y[i] + l->epsilon : y[i] - l->epsilon;
    s[i] = below != 0 ? (float)(relevance[i] / below) : 0;
  }
  signal->data = s;
  xai_status st = xai_walk_adjoint(w, err);
  signal->data = (void *)(uintptr_t)relevance;
  xai_free(s);
  if (st != XAI_OK) return st;
  for (int i = 0; i < w->call.n_in; i++) {
    float *r = w->din[i].data;
    for (int64_t k = 0; r != NULL && k < xai_walk_size(&w->din[i]); k++) r[k] *= ((const float *)w->in[i].data)[k];
  }
  return XAI_OK;
}

/* The one input that carries gets all, if it has as many elements. */
static xai_status pass(xai_walk *w, xai_err *err) {
  int only = xai_walk_only(w, w->node);
  if (only < 0) return refuse(w, "more than one of its inputs depends on the picture", err);
  if (xai_walk_size(&w->din[only]) != xai_walk_size(&w->dout[0])) return refuse(w, "it repeats its input", err);
  return xai_walk_pass(w, only, err);
}

/* Sums with constants: these take their share as biases do. */
static xai_status add(lrp *l, xai_walk *w, xai_err *err) {
  int only = xai_walk_only(w, w->node);
  bool alone = only >= 0 && xai_walk_size(&w->din[only]) == xai_walk_size(&w->dout[0]);
  return alone && !l->opts->bias ? pass(w, err) : share(l, w, err);
}

static bool is_gate(const xai_graph *g, int v) {
  int n = v >= 0 ? g->values[v].node : -1;
  return n >= 0 && (g->nodes[n].op == XAI_OP_SIGMOID || g->nodes[n].op == XAI_OP_HARD_SIGMOID);
}

/* A product with a constant, or of a signal and a gate, which decides how much of it goes on and is not what goes on. */
static xai_status multiply(xai_walk *w, xai_err *err) {
  const xai_node *node = xai_walk_node(w);
  if (xai_walk_only(w, w->node) >= 0) return pass(w, err);
  bool first = is_gate(w->graph, node->in[0]), second = is_gate(w->graph, node->in[1]);
  if (node->op != XAI_OP_MUL || first == second)
    return refuse(w, "both its inputs depend on the picture, and not one of the two is a gate, the result of a sigmoid", err);
  int signal = first ? 1 : 0;
  if (xai_walk_size(&w->din[signal]) != xai_walk_size(&w->dout[0])) return refuse(w, "it repeats its input", err);
  return xai_walk_pass(w, signal, err);
}

static xai_status visit_node(lrp *l, xai_walk *w, xai_err *err) {
  const xai_node *node = xai_walk_node(w);
  xai_lrp_rule rule;
  if (l->into[w->node] >= 0) return pass(w, err);
  if (xai_lrp__is_linear(w, w->node)) {
    XAI_TRY(rule_of(l, w, &rule, err));
    return xai_lrp__apply(w, l->into, rule, &l->numbers, &l->biases, err);
  }
  switch (node->op) {
    case XAI_OP_RELU: case XAI_OP_LEAKY_RELU: case XAI_OP_PRELU: case XAI_OP_CLIP: case XAI_OP_THRESHOLDED_RELU:
    case XAI_OP_ELU: case XAI_OP_SELU: case XAI_OP_CELU: case XAI_OP_GELU: case XAI_OP_HARD_SWISH: case XAI_OP_SWISH:
    case XAI_OP_MISH: case XAI_OP_SOFTPLUS: case XAI_OP_SOFTSIGN: case XAI_OP_TANH: case XAI_OP_SIGMOID:
    case XAI_OP_HARD_SIGMOID: case XAI_OP_LRN: case XAI_OP_NEG: return pass(w, err);
    case XAI_OP_DROPOUT: case XAI_OP_IDENTITY: case XAI_OP_RESHAPE: case XAI_OP_FLATTEN: case XAI_OP_SQUEEZE:
    case XAI_OP_UNSQUEEZE: case XAI_OP_MAX_POOL: case XAI_OP_GLOBAL_MAX_POOL: case XAI_OP_CONCAT: case XAI_OP_TRANSPOSE:
    case XAI_OP_SLICE: case XAI_OP_SPLIT: case XAI_OP_GATHER: case XAI_OP_PAD: case XAI_OP_EXPAND: case XAI_OP_TILE:
    case XAI_OP_DEPTH_TO_SPACE: case XAI_OP_SPACE_TO_DEPTH: return xai_walk_adjoint(w, err);
    case XAI_OP_ADD: case XAI_OP_SUB: case XAI_OP_SUM: case XAI_OP_BATCH_NORM: return add(l, w, err);
    case XAI_OP_AVERAGE_POOL: case XAI_OP_GLOBAL_AVERAGE_POOL: case XAI_OP_MEAN: case XAI_OP_REDUCE_MEAN:
    case XAI_OP_REDUCE_SUM: case XAI_OP_RESIZE: return share(l, w, err);
    case XAI_OP_MUL: case XAI_OP_DIV: return multiply(w, err);
    case XAI_OP_CONV: case XAI_OP_CONV_TRANSPOSE: case XAI_OP_GEMM: case XAI_OP_MATMUL:
      return refuse(w, "its weights are no constants, or stand first", err);
    case XAI_OP_SOFTMAX: case XAI_OP_LOG_SOFTMAX: return refuse(w, "explain the scores before it, not the probabilities", err);
    case XAI_OP_INSTANCE_NORMALIZATION: case XAI_OP_LAYER_NORMALIZATION: case XAI_OP_GROUP_NORMALIZATION:
    case XAI_OP_RMS_NORMALIZATION: return refuse(w, "it divides by what it finds in the picture", err);
    default: return refuse(w, "LRP is defined for sums of weighted inputs, activations and pools", err);
  }
}

static double total(const xai_view *v) {
  double sum = 0;
  for (int64_t i = 0; v->data != NULL && i < xai_walk_size(v); i++) sum += ((const float *)v->data)[i];
  return sum;
}

static xai_status visit(void *payload, xai_walk *w, xai_err *err) {
  lrp *l = payload;
  double before = 0, after = 0, biases = l->biases;
  for (int i = 0; i < w->call.n_out; i++) before += total(&w->dout[i]);
  l->sums[w->node] = (float)total(&w->dout[0]);
  XAI_TRY(visit_node(l, w, err));
  for (int i = 0; i < w->call.n_in; i++) after += total(&w->din[i]);
  l->kept += before - after;
  /* Outside of linear layers only constants that are added keep more than rounding and epsilon. */
  bool adds = xai_walk_node(w)->op == XAI_OP_ADD || xai_walk_node(w)->op == XAI_OP_SUB || xai_walk_node(w)->op == XAI_OP_BATCH_NORM;
  if (adds && xai_walk_only(w, w->node) >= 0 && l->biases == biases) l->biases += before - after;
  return XAI_OK;
}

/* ---- beginning and end -------------------------------------------------------------------------------------------- */
/* Weights times activations: their sum is the score. */
static double start(const xai_walk *w, xai_lrp_start how) {
  double sum = 0;
  for (int v = 0; v < w->graph->n_values; v++) {
    float *signal = w->signal[v];
    const xai_view *a = &w->run->values[v].seen;
    for (int64_t i = 0; signal != NULL && i < xai_walk_size(a); i++) {
      if (how == XAI_LRP_SCORE) signal[i] *= ((const float *)a->data)[i];
      sum += signal[i];
    }
  }
  return sum;
}

static xai_status prepare(lrp *l, const xai_probe *p, const xai_walk *w, xai_err *err) {
  const xai_lrp_opts *o = l->opts;
  int64_t channels = p->x->shape.dims[1];
  size_t nodes = (size_t)w->graph->n_nodes;
  l->composite = &composites[o->composite];
  l->into = xai_alloc(nodes * sizeof *l->into);
  l->bounds = xai_calloc(2 * (size_t)channels, sizeof *l->bounds);
  if (l->into == NULL || l->bounds == NULL) return xai_fail_memory(err, nodes * sizeof *l->into);
  if (o->fold) xai_lrp__fold(w, l->into);
  else memset(l->into, -1, nodes * sizeof *l->into);
  bool own = o->low != 0 || o->high != 0;
  if (own && !(o->low < o->high)) return xai_fail(err, XAI_EARG, "low, high: expected low < high, got %g and %g", o->low, o->high);
  for (int64_t k = 0; k < channels; k++) {
    l->bounds[k] = own ? (float)o->low : xai_baseline__byte(xai_net_preprocess(p->net), k, 0);
    l->bounds[channels + k] = own ? (float)o->high : xai_baseline__byte(xai_net_preprocess(p->net), k, 255);
  }
  double epsilon = o->epsilon > 0 ? o->epsilon : l->composite->epsilon;
  l->epsilon = o->composite == XAI_LRP_ALL_ZERO ? 0 : 1e-6;
  l->numbers = (xai_lrp_numbers){.epsilon = epsilon, .rms = o->rms, .gamma = o->gamma, .alpha = o->alpha, .bias = o->bias,
                                 .low = l->bounds, .high = l->bounds + channels, .channels = channels};
  return check_rules(l, p->net, w, err);
}

static xai_status finish(lrp *l, const xai_view *at, const float *relevance, double started, xai_explanation *e, xai_err *err) {
  XAI_TRY(xai_tensor_new_raw(XAI_F32, xai_walk_shape(at), &e->values, err));
  memcpy(xai_tensor_floats(e->values), relevance, xai_tensor_bytes(e->values));
  double sum = total(xai_tensor_view(e->values));
  if (fabs(l->kept) > 0.01 * fabs(started))
    snprintf(e->remark, sizeof e->remark, "of %.4g at the start biases keep %.4g, epsilon and layers without takers %.4g", started,
             l->biases, l->kept - l->biases);
  XAI_TRY(xai_explanation_number(e, "start", started, err));
  XAI_TRY(xai_explanation_number(e, "sum", sum, err));
  XAI_TRY(xai_explanation_number(e, "biases", l->biases, err));
  e->reduce = xai_tensor_view(e->values)->shape.rank == 3 ? XAI_REDUCE_SUM : XAI_REDUCE_NONE;
  e->is_signed = true;
  e->unit = "score points";
  return xai_explanation_number(e, "epsilon", l->kept - l->biases, err);
}

xai_status xai_lrp(xai_net *net, const xai_view *x, const xai_lrp_opts *opts, xai_explanation **out, xai_err *err) {
  xai_probe p = {0};
  xai_walk w = {0};
  lrp l = {.opts = opts};
  xai_explanation *e = NULL;
  xai_tensor *sums = NULL;
  const float *relevance;
  int layer = opts->common.layer == XAI_LAYER_NONE ? XAI_LAYER_INPUT : xai_net_resolve(net, opts->common.layer);
  xai_status st;
  XAI_GOTO(xai_probe_keep(net, x, &opts->common, &p, err));
  XAI_GOTO(xai_probe_explain(&p, "lrp", layer == XAI_LAYER_INPUT ? XAI_LAYER_NONE : layer, &e, err));
  XAI_GOTO(xai_walk_open(&p, &w, err));
  XAI_GOTO(prepare(&l, &p, &w, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(w.graph->n_nodes), &sums, err));
  l.sums = xai_tensor_floats(sums);
  for (int n = 0; n < w.graph->n_nodes; n++) l.sums[n] = NAN;
  double started = start(&w, opts->start);
  XAI_GOTO(xai_walk_back(&w, &p, layer, visit, &l, &relevance, err));
  const xai_view *at = xai_run_value(p.run, layer);
  if (layer >= 0) l.sums[layer] = (float)total(&(xai_view){XAI_F32, at->shape, (void *)(uintptr_t)relevance});
  XAI_GOTO(finish(&l, at, relevance, started, e, err));
  XAI_GOTO(xai_explanation_extra(e, "sums", &sums, err));
  e->seconds = xai_clock() - p.started;
  *out = e;
  e = NULL;
done:
  xai_free(l.into);
  xai_free(l.bounds);
  xai_walk_close(&w);
  xai_tensor_free(sums);
  xai_explanation_free(e);
  xai_probe_close(&p);
  return st;
}

static const char *const rule_names[] = {"zero", "epsilon", "gamma", "zplus", "alphabeta", "zb", "flat", "w2", NULL};
static const char *const composite_names[] = {
    "epsilon_plus", "epsilon_plus_flat", "epsilon_gamma_box", "epsilon_alpha2_beta1", "epsilon_alpha2_beta1_flat", "preset_a",
    "preset_b", "zero", "epsilon", "gamma", "zplus", "alphabeta", "flat", "w2", NULL};
static const char *const starts[] = {"score", "one", NULL};
static const xai_opt_spec options[] = {
    {.name = "composite", .kind = XAI_OPT_CHOICE, .offset = offsetof(xai_lrp_opts, composite), .choices = composite_names,
     .help = "which rule holds in the first layer, in convolutions and in dense layers; the name of a rule: that one everywhere"},
    {.name = "rules", .kind = XAI_OPT_LAYERS, .offset = offsetof(xai_lrp_opts, rules), .choices = rule_names,
     .help = "rules of single layers in place of the composite's: { conv1 = \"zb\" }"},
    {.name = "epsilon", .kind = XAI_OPT_NUMBER, .offset = offsetof(xai_lrp_opts, epsilon), .lo = 0, .hi = 1e6,
     .help = "of rule epsilon, in units of the layer's results; 0: 1e-6, in the presets 0.1"},
    {.name = "rms", .kind = XAI_OPT_BOOL, .offset = offsetof(xai_lrp_opts, rms),
     .help = "epsilon is a share of the root mean square of the layer's results; 0.25 is usual"},
    {.name = "gamma", .kind = XAI_OPT_NUMBER, .offset = offsetof(xai_lrp_opts, gamma), .fallback = 0.25, .lo = 0, .hi = 1e6,
     .help = "by how much rule gamma favours positive weights"},
    {.name = "alpha", .kind = XAI_OPT_NUMBER, .offset = offsetof(xai_lrp_opts, alpha), .fallback = 2, .lo = 1, .hi = 1e6,
     .help = "of the positive part in rule alphabeta; that of the negative part is one less"},
    {.name = "bias", .kind = XAI_OPT_BOOL, .offset = offsetof(xai_lrp_opts, bias), .fallback = 1,
     .help = "biases take their share; else the inputs share what would be theirs"},
    {.name = "fold", .kind = XAI_OPT_BOOL, .offset = offsetof(xai_lrp_opts, fold), .fallback = 1,
     .help = "batch normalization and other constants behind a linear layer become part of it; else rule epsilon holds there"},
    {.name = "start", .kind = XAI_OPT_CHOICE, .offset = offsetof(xai_lrp_opts, start), .choices = starts,
     .help = "what is shared out: the target's score, or 1"},
    {.name = "low", .kind = XAI_OPT_NUMBER, .offset = offsetof(xai_lrp_opts, low), .lo = -1e6, .hi = 1e6,
     .help = "smallest input, of rule zb, in network units; 0 with high = 0: what the preprocessing makes of black"},
    {.name = "high", .kind = XAI_OPT_NUMBER, .offset = offsetof(xai_lrp_opts, high), .lo = -1e6, .hi = 1e6,
     .help = "largest input, of rule zb; 0 with low = 0: what the preprocessing makes of white"},
    {.name = NULL},
};

XAI_METHOD_RUN(lrp)
const xai_method xai_method_lrp = {
    .name = "lrp",
    .summary = "the score shared out from layer to layer, down to the pixels or to a layer of choice",
    .paper = "Bach et al. 2015; Montavon et al. 2019",
    .uses_layer = true,
    .uses_at = true,
    .opts_size = sizeof(xai_lrp_opts),
    .opts = options,
    .run = run,
};
