/* CAM: the share of every place in the score of a class, in a network that ends in a global average.
 *
 *   S_c = sum over k of w[c,k] * mean of A[k] + b[c]             the network's end
 *   M_c(i,j) = sum over k of w[c,k] * A[k,i,j]                   eq. 2: S_c = mean of M_c + b[c]
 *
 * Zhou, Khosla, Lapedriza, Oliva, Torralba 2016, "Learning Deep Features for Discriminative Localization". A: what goes
 * into the average; w: the linear layer after it. Where the average of the class maps is the score already (Network in
 * Network, SqueezeNet) w is 1 at the class: M_c is its class map, as it goes into the average. There is no ReLU.
 *
 * Between average and scores there may be anything affine; what stands there is looked at, and w is the gradient of the
 * score at the average, which for an affine end is its weights exactly: whatever their layout, and for sums and
 * differences of classes as well. Z times Grad-CAM before its ReLU at A is the same map (Z places).
 * Values: h x w of A, signed. extras: 'weights' w, 'maps' A. Cost: one forward pass, one backward pass of the end. */
#include "base/clock.h"
#include "base/status.h"
#include "explain/channels.h"
#include "explain/probe.h"
#include "graph/net.h"
#include "tensor/tensor.h"

static const char *const advice =
    "gradcam takes any network; the zoo's alexnet_gap, vgg16_gap and googlenet_gap have such an end";

/* The one input of a node that is no constant; -1: none, or several. */
static int only_variable(const xai_net *net, const xai_node *node) {
  int found = -1;
  for (int i = 0; i < node->n_in; i++) {
    if (node->in[i] < 0 || xai_net__constant(net, node->in[i]) != NULL) continue;
    if (found >= 0) return -1;
    found = node->in[i];
  }
  return found;
}

static bool one_place(const xai_shape *s) { return s->rank >= 2 && xai_shape_span(s, 2, s->rank) == 1; }

/* The value that an affine node makes its output of; -1 when the node is not affine in one value. */
static int affine_input(const xai_net *net, const xai_facts *f, const xai_node *node) {
  switch (node->op) {
    case XAI_OP_FLATTEN:
    case XAI_OP_RESHAPE:
    case XAI_OP_SQUEEZE:
    case XAI_OP_UNSQUEEZE:
    case XAI_OP_IDENTITY:
    case XAI_OP_DROPOUT: return node->in[0]; /* a Reshape may compute where to */
    case XAI_OP_GEMM:
    case XAI_OP_MATMUL:
    case XAI_OP_BATCH_NORM:
    case XAI_OP_ADD:
    case XAI_OP_SUB:
    case XAI_OP_MUL: return only_variable(net, node);
    case XAI_OP_DIV: return only_variable(net, node) == node->in[0] ? node->in[0] : -1;
    case XAI_OP_CONV: return one_place(&f->views[node->in[0]].shape) ? only_variable(net, node) : -1;
    default: return -1;
  }
}

/* Is every element of the output the mean of all places of one map? */
static bool is_global_average(const xai_facts *f, const xai_node *node) {
  const xai_shape *in = &f->views[node->in[0]].shape, *out = &f->views[node->out[0]].shape;
  if (in->rank != 4 || in->dims[2] * in->dims[3] < 2) return false;
  if (xai_shape_size(out) != in->dims[0] * in->dims[1]) return false;
  const xai_attrs_pool *p = &node->attrs.pool;
  bool whole = true;
  switch (node->op) {
    case XAI_OP_GLOBAL_AVERAGE_POOL: return true;
    case XAI_OP_REDUCE_MEAN: /* over the places: the batch and the channels are left as they were */
      return out->rank >= 2 && out->dims[0] == in->dims[0] && out->dims[1] == in->dims[1];
    case XAI_OP_AVERAGE_POOL:
      for (int i = 0; i < p->pads.n; i++) whole = whole && p->pads.v[i] == 0;
      whole = whole && p->kernel_shape.n == 2;
      return whole && p->kernel_shape.v[0] == in->dims[2] && p->kernel_shape.v[1] == in->dims[3];
    default: return false;
  }
}

/* Goes from the scores down to the average: its layer, and the layer that it averages. */
static xai_status walk(const xai_net *net, const xai_facts *f, int *pool, int *maps, xai_err *err) {
  const xai_graph *g = net->graph;
  int value = g->logits;
  while (value >= 0 && g->values[value].node >= 0) {
    int n = g->values[value].node;
    const xai_node *node = &g->nodes[n];
    if (is_global_average(f, node)) {
      const xai_value *averaged = &g->values[node->in[0]];
      if (averaged->node < 0 || g->nodes[averaged->node].out[0] != node->in[0]) break;
      *pool = n;
      *maps = averaged->node;
      return XAI_OK;
    }
    value = affine_input(net, f, node);
    if (value < 0)
      return xai_fail(err, XAI_EUNSUPPORTED,
                      "expected a global average and one linear layer before the scores, but '%s' (%s) stands there; "
                      "%s",
                      node->name, xai_op_get(node->op)->name, advice);
  }
  return xai_fail(err, XAI_EUNSUPPORTED, "no global average of feature maps before the scores; %s", advice);
}

static xai_status find_head(const xai_net *net, const xai_view *x, int *pool, int *maps, xai_err *err) {
  xai_facts f = {0};
  xai_view input;
  XAI_TRY(xai_net__one_input(net, &x->shape, &input, err));
  XAI_TRY(xai_facts_make(net, &input, NULL, &f, err));
  xai_status st = walk(net, &f, pool, maps, err);
  xai_facts_free(&f);
  return st;
}

/* The map is that of scores: a unit further down has no weights behind the average. */
static xai_status check_target(const xai_net *net, const xai_target *t, xai_err *err) {
  int layers[XAI_TARGET_TERMS];
  int n = xai_target_layers(net, t, layers);
  if (n == 1 && layers[0] == xai_net_resolve(net, XAI_LAYER_LOGITS)) return XAI_OK;
  return xai_fail(err, XAI_EARG, "target: expected classes, got a unit of a layer");
}

xai_status xai_cam(xai_net *net, const xai_view *x, const xai_cam_opts *opts, xai_explanation **out, xai_err *err) {
  xai_probe p = {0};
  xai_explanation *e = NULL;
  xai_tensor *weights = NULL, *maps = NULL;
  const xai_view *a, *g;
  xai_status st;
  int pool, layer;
  XAI_GOTO(check_target(net, &opts->common.target, err));
  XAI_GOTO(find_head(net, x, &pool, &layer, err));
  XAI_GOTO(xai_probe_run(net, x, &opts->common, &layer, 1, &pool, 1, XAI_RELU_PLAIN, &p, err));
  a = xai_run_value(p.run, layer);
  XAI_GOTO(xai_probe_grad(&p, pool, &g, err));
  XAI_GOTO(xai_probe_explain(&p, "cam", layer, &e, err));
  int64_t channels = a->shape.dims[1], h = a->shape.dims[2], w = a->shape.dims[3];
  XAI_GOTO(xai_tensor_copy(&(xai_view){XAI_F32, XAI_SHAPE(channels), g->data}, &weights, err));
  XAI_GOTO(xai_tensor_copy(&(xai_view){XAI_F32, XAI_SHAPE(channels, h, w), a->data}, &maps, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(h, w), &e->values, err));
  xai_channels_weigh(channels, h * w, g->data, a->data, xai_tensor_floats(e->values));
  e->is_signed = true;
  e->unit = "score points";
  XAI_GOTO(xai_explanation_extra(e, "weights", &weights, err));
  XAI_GOTO(xai_explanation_extra(e, "maps", &maps, err));
  e->seconds = xai_clock() - p.started;
  *out = e;
  e = NULL;
done:
  xai_tensor_free(weights);
  xai_tensor_free(maps);
  xai_explanation_free(e);
  xai_probe_close(&p);
  return st;
}

XAI_METHOD_RUN(cam)
const xai_method xai_method_cam = {
    .name = "cam",
    .summary = "each place's share in a class score, in a network that ends in a global average",
    .paper = "Zhou et al. 2016",
    .opts_size = sizeof(xai_cam_opts),
    .opts = xai_no_options,
    .run = run,
};
