/* LayerCAM: Grad-CAM with a weight for every place in place of one for every map, for shallow layers as well.
 *
 *   map(i,j) = relu( sum over k of max(g[k,i,j], 0) * A[k,i,j] ),  g = d S / d A                       eq. 6, 7
 *
 * Jiang, Zhang, Hou, Cheng, Wei 2021, "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization".
 * 'gamma' > 0 scales the map of a shallow layer: tanh(gamma * map / maximum), gamma = 2 in the paper (eq. 9), which then
 * takes the maximum over layers. Values: h x w. extras: 'raw' before ReLU and scaling. Cost: that of Grad-CAM. */
#include <math.h>

#include "base/status.h"
#include "explain/channels.h"
#include "tensor/math.h"
#include "tensor/tensor.h"

static void weigh(const xai_channels *c, float *map) {
  for (int64_t i = 0; i < c->plane; i++) {
    double sum = 0;
    for (int64_t k = 0; k < c->n; k++) {
      double g = c->g[k * c->plane + i];
      if (g > 0) sum += g * c->a[k * c->plane + i];
    }
    map[i] = (float)sum;
  }
}

static void flatten(double gamma, xai_tensor *map) {
  float *v = xai_tensor_floats(map);
  int64_t peak = xai_math_extreme(xai_tensor_view(map), 1);
  double largest = peak < 0 ? 0 : v[peak];
  for (size_t i = 0; largest > 0 && i < xai_tensor_count(map); i++) v[i] = (float)tanh(gamma * v[i] / largest);
}

xai_status xai_layercam(xai_net *net, const xai_view *x, const xai_layercam_opts *opts, xai_explanation **out, xai_err *err) {
  xai_channels c = {0};
  xai_tensor *raw = NULL, *weights = NULL;
  xai_status st;
  XAI_GOTO(xai_channels_open(net, x, &opts->common, true, &c, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.h, c.w), &raw, err));
  weigh(&c, xai_tensor_floats(raw));
  const char *unit = opts->gamma > 0 ? "" : "score points";
  XAI_GOTO(xai_channels_explain(&c, "layercam", unit, opts->relu, &raw, &weights, out, err));
  if (opts->gamma > 0) flatten(opts->gamma, (*out)->values);
done:
  xai_tensor_free(raw);
  xai_channels_close(&c);
  return st;
}

static const xai_opt_spec options[] = {
    {"relu", XAI_OPT_BOOL, offsetof(xai_layercam_opts, relu), 1, 0, 1, NULL, "keep only what speaks for the target", 0},
    {"gamma", XAI_OPT_NUMBER, offsetof(xai_layercam_opts, gamma), 0, 0, 1e6, NULL,
     "for shallow layers: values become tanh(gamma * map / maximum), 2 in the paper; 0: they do not", 0},
    {.name = NULL},
};

XAI_METHOD_RUN(layercam)
const xai_method xai_method_layercam = {
    .name = "layercam",
    .summary = "Grad-CAM with a weight for every place, for shallow layers as well",
    .paper = "Jiang et al. 2021",
    .uses_layer = true,
    .opts_size = sizeof(xai_layercam_opts),
    .opts = options,
    .run = run,
};
