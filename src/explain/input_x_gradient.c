/* Input times gradient: the first-order share of each input element in the score.
 *
 *   R(c,i,j) = x(c,i,j) * d S / d x(c,i,j)
 *
 * In a ReLU network without biases the shares sum to the score. Shrikumar et al. 2016 give it this name.
 * Values: C x H x W, signed, in score points. */
#include "base/status.h"
#include "explain/backprop.h"
#include "tensor/tensor.h"

xai_status xai_input_x_gradient(xai_net *net, const xai_view *x, const xai_backprop_opts *opts, xai_explanation **out,
                                xai_err *err) {
  xai_explanation *e = NULL;
  XAI_TRY(xai_backprop__explain("input_x_gradient", net, x, &opts->common, XAI_RELU_PLAIN, &e, err));
  float *g = xai_tensor_floats(e->values);
  for (size_t i = 0; i < xai_tensor_count(e->values); i++) g[i] *= ((const float *)x->data)[i];
  e->reduce = XAI_REDUCE_SUM;
  e->is_signed = true;
  e->unit = "score points";
  *out = e;
  return XAI_OK;
}

XAI_METHOD_RUN(input_x_gradient)
const xai_method xai_method_input_x_gradient = {
    .name = "input_x_gradient",
    .summary = "input times gradient of the score: each pixel's first-order share in it",
    .paper = "Shrikumar et al. 2016",
    .uses_at = true,
    .opts_size = sizeof(xai_backprop_opts),
    .opts = xai_no_options,
    .run = run,
};
