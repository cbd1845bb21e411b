/* SmoothGrad: the gradient without its grain.
 *
 *   M = 1/n sum over i of G(x + e_i),   G = d S / d x,   e_i normal with deviation sigma
 *
 * Smilkov et al. 2017, "SmoothGrad: removing noise by adding noise", section 3.1; sigma is a share of max x - min x, 0.1
 * to 0.2 in the paper. statistic "squares" averages G^2 instead, "variance" gives VarGrad (Adebayo et al. 2018, "Local
 * explanation methods ..."): the variance of G over the samples, 1/n sum of (G - M)^2.
 * Sample i is noise of stream (seed, i): it does not depend on the batch or the number of threads, and more samples
 * begin with the same ones. Values: C x H x W; of the mean with its sign. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/status.h"
#include "explain/samples.h"
#include "kernels/kernels.h"
#include "tensor/math.h"
#include "tensor/tensor.h"

typedef struct moments {
  const float *x;
  int64_t size;    /* elements of x */
  uint64_t seed;
  double sigma;    /* in network units */
  bool squares;
  int64_t taken;
  double *mean;    /* of what was taken so far, and ... */
  double *spread;  /* ... the sum of squared distances from it */
} moments;

static void make(void *payload, int64_t i, float *x) {
  const moments *m = payload;
  xk_add_noise(xai_rng_stream(m->seed, (uint64_t)i), m->sigma, m->size, m->x, x);
}

/* Welford's recurrence: gradients that are all the same leave no spread at all. */
static void take(void *payload, const float *gradient) {
  moments *m = payload;
  double share = 1 / (double)++m->taken;
  for (int64_t i = 0; i < m->size; i++) {
    double g = gradient[i], value = m->squares ? g * g : g, before = value - m->mean[i];
    m->mean[i] += share * before;
    m->spread[i] += before * (value - m->mean[i]);
  }
}

static double range_of(const xai_view *x) {
  int64_t largest = xai_math_extreme(x, 1), smallest = xai_math_extreme(x, -1);
  return largest < 0 ? 0 : xai_view_get(x, largest) - xai_view_get(x, smallest);
}

static xai_status results(const moments *m, const xai_smoothgrad_opts *o, xai_explanation *e, xai_err *err) {
  bool variance = o->statistic == XAI_STATISTIC_VARIANCE;
  float *values = xai_tensor_floats(e->values);
  for (int64_t i = 0; i < m->size; i++) values[i] = (float)(variance ? m->spread[i] / (double)m->taken : m->mean[i]);
  e->reduce = XAI_REDUCE_MAX_ABS;
  e->unit = o->statistic == XAI_STATISTIC_MEAN ? "score per unit of input" : "squared score per squared unit of input";
  return xai_explanation_number(e, "noise", m->sigma, err);
}

xai_status xai_smoothgrad(xai_net *net, const xai_view *x, const xai_smoothgrad_opts *opts, xai_explanation **out,
                          xai_err *err) {
  xai_probe p = {0};
  xai_explanation *e = NULL;
  moments m = {0};
  xai_status st;
  XAI_GOTO(xai_probe_run(net, x, &opts->common, NULL, 0, NULL, 0, XAI_RELU_PLAIN, &p, err));
  XAI_GOTO(xai_probe_explain(&p, "smoothgrad", XAI_LAYER_NONE, &e, err));
  m = (moments){.x = x->data, .size = xai_shape_size(&x->shape), .squares = opts->statistic == XAI_STATISTIC_SQUARES,
                .seed = opts->seed < 0 ? xai_seed() : (uint64_t)opts->seed,
                .sigma = opts->absolute ? opts->sigma : opts->sigma * range_of(x)};
  m.mean = xai_calloc((size_t)m.size, sizeof *m.mean);
  m.spread = xai_calloc((size_t)m.size, sizeof *m.spread);
  if (m.mean == NULL || m.spread == NULL) {
    st = xai_fail_memory(err, (size_t)m.size * sizeof *m.mean);
    goto done;
  }
  xai_samples samples = {.n = opts->samples, .batch = opts->batch, .make = make, .take = take, .payload = &m};
  XAI_GOTO(xai_samples__run(&p, &samples, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, xai_shape_of(3, x->shape.dims + 1), &e->values, err));
  XAI_GOTO(results(&m, opts, e, err));
  e->seconds = xai_clock() - p.started;
  *out = e;
  e = NULL;
done:
  xai_free(m.mean);
  xai_free(m.spread);
  xai_explanation_free(e);
  xai_probe_close(&p);
  return st;
}

static const char *const statistics[] = {"mean", "squares", "variance", NULL};
static const xai_opt_spec options[] = {
    {.name = "samples", .kind = XAI_OPT_INT, .offset = offsetof(xai_smoothgrad_opts, samples), .fallback = 50, .lo = 1, .hi = 1e6,
     .help = "noisy copies of the picture"},
    {.name = "sigma", .kind = XAI_OPT_NUMBER, .offset = offsetof(xai_smoothgrad_opts, sigma), .fallback = 0.15, .lo = 0, .hi = 1e30,
     .help = "deviation of the noise, as a share of the input's range (largest minus smallest element)"},
    {.name = "absolute", .kind = XAI_OPT_BOOL, .offset = offsetof(xai_smoothgrad_opts, absolute), .help = "sigma is in network units"},
    {.name = "statistic", .kind = XAI_OPT_CHOICE, .offset = offsetof(xai_smoothgrad_opts, statistic), .choices = statistics,
     .help = "of the gradients: SmoothGrad's mean, the mean of their squares, or VarGrad's variance"},
    {.name = "seed", .kind = XAI_OPT_INT, .offset = offsetof(xai_smoothgrad_opts, seed), .fallback = -1, .lo = -1, .hi = 0x1p53,
     .help = "of the noise; -1: xai.seed()"},
    {.name = "batch", .kind = XAI_OPT_INT, .offset = offsetof(xai_smoothgrad_opts, batch), .hi = 4096,
     .help = "samples per pass, 0: chosen; does not change the result"},
    {.name = NULL},
};

XAI_METHOD_RUN(smoothgrad)
const xai_method xai_method_smoothgrad = {
    .name = "smoothgrad",
    .summary = "mean of the gradients at noisy copies of the picture; or their variance (VarGrad)",
    .paper = "Smilkov et al. 2017; Adebayo et al. 2018",
    .uses_at = true,
    .opts_size = sizeof(xai_smoothgrad_opts),
    .opts = options,
    .run = run,
};
