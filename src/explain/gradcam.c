/* Grad-CAM: where in 'layer' did the evidence for the target come from?
 *
 *   w[k] = mean over (i,j) of d S / d A[k,i,j]           A: activations of 'layer'            eq. 1
 *   map  = relu( sum over k of w[k] * A[k] )                                                  eq. 2
 *   counterfactual: w[k] = mean of - d S / d A[k,i,j]                                         section 3.3
 *
 * Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization".
 * S is the logit, so that classes do not compete. 'guided' takes the mean of [A > 0] [g > 0] g instead, as some programs
 * do. Values: h x w of the layer, not normalised. extras: 'raw' before the ReLU, 'weights' w. The counterfactual map is
 * relu(-raw): both come from one backward pass. Cost: one forward pass, one backward pass down to 'layer'. */
#include "base/status.h"
#include "explain/channels.h"
#include "tensor/tensor.h"

static void mean_gradients(const xai_channels *c, const xai_gradcam_opts *o, float *w) {
  for (int64_t k = 0; k < c->n; k++) {
    double sum = 0;
    for (int64_t i = k * c->plane; i < (k + 1) * c->plane; i++)
      if (!o->guided || (c->a[i] > 0 && c->g[i] > 0)) sum += c->g[i];
    w[k] = (float)((o->counterfactual ? -sum : sum) / (double)c->plane);
  }
}

xai_status xai_gradcam(xai_net *net, const xai_view *x, const xai_gradcam_opts *opts, xai_explanation **out, xai_err *err) {
  xai_channels c = {0};
  xai_tensor *raw = NULL, *weights = NULL;
  xai_status st;
  XAI_GOTO(xai_channels_open(net, x, &opts->common, true, &c, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.n), &weights, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.h, c.w), &raw, err));
  mean_gradients(&c, opts, xai_tensor_floats(weights));
  xai_channels_weigh(c.n, c.plane, xai_tensor_floats(weights), c.a, xai_tensor_floats(raw));
  XAI_GOTO(xai_channels_explain(&c, "gradcam", "score points", opts->relu, &raw, &weights, out, err));
done:
  xai_tensor_free(raw);
  xai_tensor_free(weights);
  xai_channels_close(&c);
  return st;
}

static const xai_opt_spec options[] = {
    {"relu", XAI_OPT_BOOL, offsetof(xai_gradcam_opts, relu), 1, 0, 1, NULL, "keep only what speaks for the target", 0},
    {"counterfactual", XAI_OPT_BOOL, offsetof(xai_gradcam_opts, counterfactual), 0, 0, 1, NULL,
     "negated gradients: what speaks against the target", 0},
    {"guided", XAI_OPT_BOOL, offsetof(xai_gradcam_opts, guided), 0, 0, 1, NULL,
     "only gradients that are positive, at activations that are", 0},
    {.name = NULL},
};

XAI_METHOD_RUN(gradcam)
const xai_method xai_method_gradcam = {
    .name = "gradcam",
    .summary = "where in a layer the evidence for a class came from",
    .paper = "Selvaraju et al. 2017",
    .uses_layer = true,
    .opts_size = sizeof(xai_gradcam_opts),
    .opts = options,
    .run = run,
};
