/* XGrad-CAM: Grad-CAM with gradients averaged where the map is active.
 *
 *   w[k] = sum over (i,j) of A[k,i,j] / (sum of A[k] + eps) * g[k,i,j],  g = d S / d A                 eq. 8
 *   map  = relu( sum over k of w[k] * A[k] )
 *
 * Fu, Hu, Dong, Guo, Gao, Li 2020, "Axiom-based Grad-CAM: Towards Accurate Visualization and Explanation of CNNs". The
 * map before its ReLU sums to sum of g * A (HiResCAM's sum), which for a piecewise linear network without biases is the score.
 * A map whose sum is 0 gets the weight 0. Values: h x w. extras: 'raw' before the ReLU, 'weights' w. Cost: that of
 * Grad-CAM. */
#include "base/status.h"
#include "explain/channels.h"
#include "tensor/tensor.h"

static void mean_where_active(const xai_channels *c, double eps, float *w) {
  for (int64_t k = 0; k < c->n; k++) {
    double sum = 0, active = eps;
    for (int64_t i = k * c->plane; i < (k + 1) * c->plane; i++) {
      sum += (double)c->a[i] * c->g[i];
      active += c->a[i];
    }
    w[k] = active != 0 ? (float)(sum / active) : 0;
  }
}

xai_status xai_xgradcam(xai_net *net, const xai_view *x, const xai_xgradcam_opts *opts, xai_explanation **out, xai_err *err) {
  xai_channels c = {0};
  xai_tensor *raw = NULL, *weights = NULL;
  xai_status st;
  XAI_GOTO(xai_channels_open(net, x, &opts->common, true, &c, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.n), &weights, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.h, c.w), &raw, err));
  mean_where_active(&c, opts->eps, xai_tensor_floats(weights));
  xai_channels_weigh(c.n, c.plane, xai_tensor_floats(weights), c.a, xai_tensor_floats(raw));
  XAI_GOTO(xai_channels_explain(&c, "xgradcam", "score points", opts->relu, &raw, &weights, out, err));
done:
  xai_tensor_free(raw);
  xai_tensor_free(weights);
  xai_channels_close(&c);
  return st;
}

static const xai_opt_spec options[] = {
    {"relu", XAI_OPT_BOOL, offsetof(xai_xgradcam_opts, relu), 1, 0, 1, NULL, "keep only what speaks for the target", 0},
    {"eps", XAI_OPT_NUMBER, offsetof(xai_xgradcam_opts, eps), 0, 0, 1e30, NULL, "added to the sum of a map", 0},
    {.name = NULL},
};

XAI_METHOD_RUN(xgradcam)
const xai_method xai_method_xgradcam = {
    .name = "xgradcam",
    .summary = "Grad-CAM with gradients averaged where each map is active",
    .paper = "Fu et al. 2020",
    .uses_layer = true,
    .opts_size = sizeof(xai_xgradcam_opts),
    .opts = options,
    .run = run,
};
