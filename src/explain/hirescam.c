/* HiResCAM: gradient times activation at every place, so that the map shows what the network really computed.
 *
 *   map(i,j) = sum over k of g[k,i,j] * A[k,i,j],  g = d S / d A
 *
 * Draelos, Carin 2020, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural networks". In a
 * network that ends in one linear layer it sums to the score without its bias, which Grad-CAM's map does not unless a
 * global average stands before that layer: there both are the same, CAM / Z. The ReLU is the drawing's; relu = false leaves it out.
 * Values: h x w. extras: 'raw' before the ReLU. Cost: that of Grad-CAM. */
#include "base/status.h"
#include "explain/channels.h"
#include "tensor/tensor.h"

static void weigh(const xai_channels *c, float *map) {
  for (int64_t i = 0; i < c->plane; i++) {
    double sum = 0;
    for (int64_t k = i; k < c->n * c->plane; k += c->plane) sum += (double)c->g[k] * c->a[k];
    map[i] = (float)sum;
  }
}

xai_status xai_hirescam(xai_net *net, const xai_view *x, const xai_hirescam_opts *opts, xai_explanation **out, xai_err *err) {
  xai_channels c = {0};
  xai_tensor *raw = NULL, *weights = NULL;
  xai_status st;
  XAI_GOTO(xai_channels_open(net, x, &opts->common, true, &c, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.h, c.w), &raw, err));
  weigh(&c, xai_tensor_floats(raw));
  XAI_GOTO(xai_channels_explain(&c, "hirescam", "score points", opts->relu, &raw, &weights, out, err));
done:
  xai_tensor_free(raw);
  xai_channels_close(&c);
  return st;
}

static const xai_opt_spec options[] = {
    {"relu", XAI_OPT_BOOL, offsetof(xai_hirescam_opts, relu), 1, 0, 1, NULL, "keep only what speaks for the target", 0},
    {.name = NULL},
};

XAI_METHOD_RUN(hirescam)
const xai_method xai_method_hirescam = {
    .name = "hirescam",
    .summary = "gradient times activation at every place of a layer, summed over its maps",
    .paper = "Draelos, Carin 2020",
    .uses_layer = true,
    .opts_size = sizeof(xai_hirescam_opts),
    .opts = options,
    .run = run,
};
