/* FullGrad: input times gradient together with what every bias of the network adds to the score.
 *
 *   S = sum of x * dS/dx + sum over layers and channels of b * dS/dz      z: what b is added to            eq. 2
 *   map = psi( x * dS/dx ) + sum over layers of psi( b * dS/dz )                                          eq. 4
 *   psi: |values| scaled over the layer from their smallest to 0, from their largest to 1; summed over channels; enlarged
 *
 * Srinivas, Fleuret 2019, "Full-Gradient Representation for Neural Network Visualization". Biases are those of
 * convolutions and of batch normalization (beta - gamma * mean / deviation) and what an Add adds to channels; those of
 * layers without height and width have no place in the map, as in the authors' program, but count in 'delta'.
 * Values: H x W. extras: 'input' and 'biases', the two summands. numbers: 'layers', whose biases are in the map; 'delta',
 * by how much the sum of all shares misses the score: 0 where the network is piecewise linear and its biases are of these
 * kinds (the 6 of a ReLU6 is not). Cost: one forward and one whole backward pass. */
#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/status.h"
#include "explain/probe.h"
#include "graph/net.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

/* ---- biases ------------------------------------------------------------------------------------------------------ */
static bool is_convolution(const xai_node *node) { return node->op == XAI_OP_CONV || node->op == XAI_OP_CONV_TRANSPOSE; }

/* The constant that the node adds to its channels, by the input that it is; -1: none. BatchNormalization: that of beta. */
static int bias_input(const xai_net *net, const xai_node *node) {
  bool third = is_convolution(node) || node->op == XAI_OP_GEMM || node->op == XAI_OP_BATCH_NORM;
  int at = third ? 2 : -1;
  for (int i = 0; node->op == XAI_OP_ADD && i < 2; i++)
    if (xai_net__constant(net, node->in[i]) != NULL) at = i;
  if (at < 0 || !xai_node__has_input(node, at)) return -1;
  for (int i = 1; node->op == XAI_OP_BATCH_NORM && i < 5; i++)
    if (xai_net__constant(net, node->in[i]) == NULL) return -1;
  return xai_net__constant(net, node->in[at]) != NULL ? at : -1;
}

/* Does it hold one number for each of 'channels', along dim 1 of a result of so many dims, or one for all? */
static bool is_per_channel(const xai_node *node, const xai_view *bias, int64_t channels, int rank) {
  const xai_shape *s = &bias->shape;
  if (bias->dtype != XAI_F32) return false;
  if (xai_shape_size(s) == 1) return true;
  int dim = s->rank - (rank - 1); /* numpy's broadcasting: dims are counted from the last */
  if (is_convolution(node) || node->op == XAI_OP_BATCH_NORM) dim = 0;
  return xai_shape_size(s) == channels && dim >= 0 && dim < s->rank && s->dims[dim] == channels;
}

static double number_of(const xai_net *net, const xai_node *node, int input, int64_t k) {
  const xai_tensor *t = xai_net__constant(net, node->in[input]);
  return ((const float *)xai_tensor_view(t)->data)[xai_tensor_count(t) == 1 ? 0 : k];
}

static double bias_of(const xai_net *net, const xai_node *node, int input, int64_t k) {
  double b = number_of(net, node, input, k);
  if (node->op == XAI_OP_GEMM) return node->attrs.gemm.beta * b;
  if (node->op != XAI_OP_BATCH_NORM) return b;
  double deviation = sqrt(number_of(net, node, 4, k) + node->attrs.norm.epsilon);
  return b - number_of(net, node, 1, k) * number_of(net, node, 3, k) / deviation;
}

/* ---- psi ---------------------------------------------------------------------------------------------------------- */
/* share: channels x h x w, is overwritten; sum += psi(share), H x W. 'small' has room for h x w, 'large' for H x W. */
static void add_psi(int64_t channels, int64_t h, int64_t w, float *share, int64_t height, int64_t width, float *small,
                    float *large, float *sum) {
  float lo = INFINITY, hi = 0;
  for (int64_t i = 0; i < channels * h * w; i++) {
    share[i] = fabsf(share[i]);
    lo = fminf(lo, share[i]);
    hi = fmaxf(hi, share[i]);
  }
  if (!(hi > lo)) return;
  for (int64_t i = 0; i < h * w; i++) {
    double total = 0;
    for (int64_t k = 0; k < channels; k++) total += (share[k * h * w + i] - lo) / (hi - lo);
    small[i] = (float)total;
  }
  xk_bilinear(1, h, w, small, height, width, large);
  xk_accumulate(height * width, large, sum);
}

/* ---- the sum ------------------------------------------------------------------------------------------------------ */
typedef struct sum {
  const xai_probe *p;
  int64_t height, width;
  float *input, *biases; /* height x width */
  double total;          /* of all shares */
  int layers;
} sum;

/* Room for the shares of 'channels' maps of h x w, for one map, and for one of the picture's size. */
static xai_status make_room(const sum *s, int64_t channels, int64_t plane, float **share, float **small, float **large,
                            xai_err *err) {
  size_t count = (size_t)((channels + 1) * plane + s->height * s->width);
  *share = xai_calloc(count, sizeof **share);
  if (*share == NULL) return xai_fail_memory(err, count * sizeof **share);
  *small = *share + channels * plane;
  *large = *small + plane;
  return XAI_OK;
}

static xai_status add_input(sum *s, xai_err *err) {
  const xai_view *g, *x = s->p->x;
  float *share, *small, *large;
  int64_t channels = x->shape.dims[1], plane = s->height * s->width;
  XAI_TRY(xai_probe_grad(s->p, XAI_LAYER_INPUT, &g, err));
  XAI_TRY(make_room(s, channels, plane, &share, &small, &large, err));
  for (int64_t i = 0; i < channels * plane; i++) {
    double v = (double)((const float *)x->data)[i] * ((const float *)g->data)[i];
    s->total += v;
    share[i] = (float)v;
  }
  add_psi(channels, s->height, s->width, share, s->height, s->width, small, large, s->input);
  xai_free(share);
  return XAI_OK;
}

static xai_status add_layer(sum *s, int layer, xai_err *err) {
  const xai_net *net = s->p->net;
  const xai_node *node = &net->graph->nodes[layer];
  const xai_view *g = xai_run_grad(s->p->run, layer);
  float *share, *small, *large;
  if (g == NULL || g->shape.rank < 2) return XAI_OK; /* the target does not depend on it */
  int input = bias_input(net, node);
  int64_t channels = g->shape.dims[1], plane = xai_shape_span(&g->shape, 2, g->shape.rank);
  const xai_view *bias = xai_tensor_view(xai_net__constant(net, node->in[input]));
  if (!is_per_channel(node, bias, channels, g->shape.rank)) return XAI_OK;
  XAI_TRY(make_room(s, channels, plane, &share, &small, &large, err));
  for (int64_t k = 0; k < channels; k++) {
    double b = bias_of(net, node, input, k);
    for (int64_t i = k * plane; i < (k + 1) * plane; i++) {
      double v = b * ((const float *)g->data)[i];
      s->total += v;
      share[i] = (float)v;
    }
  }
  if (g->shape.rank == 4 && plane > 1) {
    add_psi(channels, g->shape.dims[2], g->shape.dims[3], share, s->height, s->width, small, large, s->biases);
    s->layers++;
  }
  xai_free(share);
  return XAI_OK;
}

/* Layers with biases, and the input as the last. */
static xai_status find_layers(const xai_net *net, int **wants, int *n, xai_err *err) {
  size_t room = (size_t)net->graph->n_nodes + 1;
  *n = 0;
  *wants = xai_calloc(room, sizeof **wants);
  if (*wants == NULL) return xai_fail_memory(err, room * sizeof **wants);
  for (int i = 0; i < net->graph->n_nodes; i++)
    if (bias_input(net, &net->graph->nodes[i]) >= 0) (*wants)[(*n)++] = i;
  (*wants)[(*n)++] = XAI_LAYER_INPUT;
  return XAI_OK;
}

xai_status xai_fullgrad(xai_net *net, const xai_view *x, const xai_fullgrad_opts *opts, xai_explanation **out,
                        xai_err *err) {
  xai_probe p = {0};
  xai_explanation *e = NULL;
  xai_tensor *input = NULL, *biases = NULL;
  int *wants = NULL, n;
  xai_status st;
  XAI_GOTO(find_layers(net, &wants, &n, err));
  XAI_GOTO(xai_probe_run(net, x, &opts->common, NULL, 0, wants, n, XAI_RELU_PLAIN, &p, err));
  XAI_GOTO(xai_probe_explain(&p, "fullgrad", XAI_LAYER_NONE, &e, err));
  sum s = {.p = &p, .height = x->shape.dims[2], .width = x->shape.dims[3]};
  XAI_GOTO(xai_tensor_new(XAI_F32, XAI_SHAPE(s.height, s.width), &input, err));
  XAI_GOTO(xai_tensor_new(XAI_F32, XAI_SHAPE(s.height, s.width), &biases, err));
  s.input = xai_tensor_floats(input);
  s.biases = xai_tensor_floats(biases);
  XAI_GOTO(add_input(&s, err));
  for (int i = 0; i < n - 1; i++) XAI_GOTO(add_layer(&s, wants[i], err));
  XAI_GOTO(xai_tensor_copy(xai_tensor_view(input), &e->values, err));
  xk_accumulate(s.height * s.width, s.biases, xai_tensor_floats(e->values));
  XAI_GOTO(xai_explanation_extra(e, "input", &input, err));
  XAI_GOTO(xai_explanation_extra(e, "biases", &biases, err));
  XAI_GOTO(xai_explanation_number(e, "layers", s.layers, err));
  XAI_GOTO(xai_explanation_number(e, "delta", s.total - p.score, err));
  e->seconds = xai_clock() - p.started;
  *out = e;
  e = NULL;
done:
  xai_free(wants);
  xai_tensor_free(input);
  xai_tensor_free(biases);
  xai_explanation_free(e);
  xai_probe_close(&p);
  return st;
}

XAI_METHOD_RUN(fullgrad)
const xai_method xai_method_fullgrad = {
    .name = "fullgrad",
    .summary = "input times gradient together with what every bias of the network adds to the score",
    .paper = "Srinivas, Fleuret 2019",
    .opts_size = sizeof(xai_fullgrad_opts),
    .opts = xai_no_options,
    .run = run,
};
