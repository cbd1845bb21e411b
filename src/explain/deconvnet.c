/* Deconvnet: the score traced back through the network as Zeiler's deconvolution does it.
 *
 *   R_below = max(R_above, 0)                              at every rectifier, whatever its input was
 *
 * Zeiler, Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 2. Convolutions pass by their
 * transpose, max-pooling by its switches (both are the derivative), LRN as identity. Values: C x H x W, signed. */
#include "explain/backprop.h"

xai_status xai_deconvnet(xai_net *net, const xai_view *x, const xai_backprop_opts *opts, xai_explanation **out, xai_err *err) {
  return xai_backprop__explain("deconvnet", net, x, &opts->common, XAI_RELU_DECONV, out, err);
}

XAI_METHOD_RUN(deconvnet)
const xai_method xai_method_deconvnet = {
    .name = "deconvnet",
    .summary = "score traced back with transposed filters, switches and a ReLU on the way back",
    .paper = "Zeiler, Fergus 2014",
    .uses_at = true,
    .opts_size = sizeof(xai_backprop_opts),
    .opts = xai_no_options,
    .run = run,
};
