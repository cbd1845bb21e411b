/* FEM: what is rare in each map of a layer, weighed by the map's strength. It needs no gradient and no class.
 *
 *   w[k] = mean of A[k]        map = sum over k of w[k] * [A[k] > mean + 2 deviations of A[k]] * A[k]
 *
 * Fuad, Martin, Giot, Bourqui, Benois-Pineau, Zemmari 2020, "Features Understanding in 3D CNNs for Actions Recognition in
 * Video". 'binary' puts 1 in place of the values that are kept. Values: h x w. extras: 'weights' w. Cost: one forward
 * pass. */
#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/status.h"
#include "explain/channels.h"
#include "tensor/tensor.h"

/* Adds a map's share; its weight. */
static double add_rare(const float *a, int64_t plane, const xai_fem_opts *o, double *sum) {
  double mean = 0, spread = 0;
  for (int64_t i = 0; i < plane; i++) mean += a[i];
  mean /= (double)plane;
  for (int64_t i = 0; i < plane; i++) spread += (a[i] - mean) * (a[i] - mean);
  double bound = mean + o->sigmas * sqrt(spread / (double)plane);
  for (int64_t i = 0; i < plane; i++)
    if (a[i] > bound) sum[i] += mean * (o->binary ? 1 : a[i]);
  return mean;
}

xai_status xai_fem(xai_net *net, const xai_view *x, const xai_fem_opts *opts, xai_explanation **out, xai_err *err) {
  xai_channels c = {0};
  xai_explanation *e = NULL;
  xai_tensor *weights = NULL;
  double *sum = NULL;
  xai_status st;
  XAI_GOTO(xai_channels_open(net, x, &opts->common, false, &c, err));
  XAI_GOTO(xai_probe_explain(&c.probe, "fem", c.layer, &e, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.n), &weights, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.h, c.w), &e->values, err));
  sum = xai_calloc((size_t)c.plane, sizeof *sum);
  if (sum == NULL) {
    st = xai_fail_memory(err, (size_t)c.plane * sizeof *sum);
    goto done;
  }
  for (int64_t k = 0; k < c.n; k++)
    xai_tensor_floats(weights)[k] = (float)add_rare(c.a + k * c.plane, c.plane, opts, sum);
  for (int64_t i = 0; i < c.plane; i++) xai_tensor_floats(e->values)[i] = (float)sum[i];
  XAI_GOTO(xai_explanation_extra(e, "weights", &weights, err));
  e->seconds = xai_clock() - c.probe.started;
  *out = e;
  e = NULL;
done:
  xai_free(sum);
  xai_tensor_free(weights);
  xai_explanation_free(e);
  xai_channels_close(&c);
  return st;
}

static const xai_opt_spec options[] = {
    {"sigmas", XAI_OPT_NUMBER, offsetof(xai_fem_opts, sigmas), 2, -1e6, 1e6, NULL,
     "deviations above its map's mean from which a value is rare", 0},
    {"binary", XAI_OPT_BOOL, offsetof(xai_fem_opts, binary), 0, 0, 1, NULL, "1 in place of the values that are kept", 0},
    {.name = NULL},
};

XAI_METHOD_RUN(fem)
const xai_method xai_method_fem = {
    .name = "fem",
    .summary = "what is rare in each map of a layer, weighed by the map's mean; of no class",
    .paper = "Fuad et al. 2020",
    .uses_layer = true,
    .opts_size = sizeof(xai_fem_opts),
    .opts = options,
    .run = run,
};
