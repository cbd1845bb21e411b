/* Grad-CAM: where in 'layer' did the evidence for the target come from?
 *
 *   w[k] = mean over (i,j) of d S / d A[k,i,j]           A: activations of 'layer'            eq. 1
 *   map  = relu( sum over k of w[k] * A[k] )                                                  eq. 2
 *   counterfactual: w[k] = mean of - d S / d A[k,i,j]                                         section 3.3
 *
 * Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization".
 * S is the logit, so that classes do not compete. Values: h x w of the layer, not normalised. extras: 'raw' before the
 * ReLU, 'weights' w. Cost: one forward pass, one backward pass down to 'layer'. */
#include "base/clock.h"
#include "base/status.h"
#include "explain/channels.h"
#include "explain/probe.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

/* w[k] = sign * mean of g[k]; raw = sum of w[k] A[k]. Sums in double. */
static void weigh(const xai_view *a, const xai_view *g, float sign, float *w, float *raw) {
  int64_t channels = a->shape.dims[1], plane = a->shape.dims[2] * a->shape.dims[3];
  const float *gv = g->data;
  for (int64_t k = 0; k < channels; k++) {
    double sum = 0;
    for (int64_t i = 0; i < plane; i++) sum += gv[k * plane + i];
    w[k] = (float)(sign * sum / (double)plane);
  }
  xai_channels_weigh(channels, plane, w, a->data, raw);
}

xai_status xai_gradcam(xai_net *net, const xai_view *x, const xai_gradcam_opts *opts, xai_explanation **out, xai_err *err) {
  xai_probe p = {0};
  xai_explanation *e = NULL;
  xai_tensor *raw = NULL, *weights = NULL;
  const xai_view *a, *g;
  xai_status st;
  int layer;
  XAI_GOTO(xai_probe_layer(net, x, &opts->common, &layer, err));
  XAI_GOTO(xai_probe_run(net, x, &opts->common, &layer, 1, &layer, 1, XAI_RELU_PLAIN, &p, err));
  a = xai_run_value(p.run, layer);
  XAI_GOTO(xai_probe_grad(&p, layer, &g, err));
  XAI_GOTO(xai_probe_explain(&p, "gradcam", layer, &e, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(a->shape.dims[1]), &weights, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(a->shape.dims[2], a->shape.dims[3]), &raw, err));
  weigh(a, g, opts->counterfactual ? -1 : 1, xai_tensor_floats(weights), xai_tensor_floats(raw));
  XAI_GOTO(xai_tensor_copy(xai_tensor_view(raw), &e->values, err));
  if (opts->relu) xk_relu_forward((int64_t)xai_tensor_count(raw), xai_tensor_floats(raw), xai_tensor_floats(e->values));
  e->is_signed = !opts->relu;
  e->unit = "score points";
  XAI_GOTO(xai_explanation_extra(e, "raw", &raw, err));
  XAI_GOTO(xai_explanation_extra(e, "weights", &weights, err));
  e->seconds = xai_clock() - p.started;
  *out = e;
  e = NULL;
done:
  xai_tensor_free(raw);
  xai_tensor_free(weights);
  xai_explanation_free(e);
  xai_probe_close(&p);
  return st;
}

static const xai_opt_spec options[] = {
    {"relu", XAI_OPT_BOOL, offsetof(xai_gradcam_opts, relu), 1, 0, 1, NULL, "keep only what speaks for the target", 0},
    {"counterfactual", XAI_OPT_BOOL, offsetof(xai_gradcam_opts, counterfactual), 0, 0, 1, NULL,
     "negated gradients: what speaks against the target", 0},
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
