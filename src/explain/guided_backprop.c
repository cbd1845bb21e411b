/* Guided backpropagation: the gradient, except that nothing negative passes a ReLU on the way back.
 *
 *   R_below = [x > 0] * [R_above > 0] * R_above            at every rectifier
 *
 * Springenberg, Dosovitskiy, Brox, Riedmiller 2015, "Striving for Simplicity", section 3.4. Everything else in
 * the network passes its true derivative. Values: C x H x W, signed. */
#include "explain/backprop.h"

xai_status xai_guided_backprop(xai_net *net, const xai_view *x, const xai_backprop_opts *opts, xai_explanation **out, xai_err *err) {
  return xai_backprop__explain("guided_backprop", net, x, &opts->common, XAI_RELU_GUIDED, out, err);
}

XAI_METHOD_RUN(guided_backprop)
const xai_method xai_method_guided_backprop = {
    .name = "guided_backprop",
    .summary = "gradient of the score in which only positive signals pass each ReLU back",
    .paper = "Springenberg et al. 2015",
    .uses_at = true,
    .opts_size = sizeof(xai_backprop_opts),
    .opts = xai_no_options,
    .run = run,
};
