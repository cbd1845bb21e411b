/* Integrated gradients: the gradient along the straight way from a baseline x' to the picture.
 *
 *   R_i = (x_i - x'_i) * integral over t in [0,1] of  d S / d x_i (x' + t (x - x'))  dt,     sum of R = S(x) - S(x')
 *
 * Sundararajan, Taly, Yan 2017, "Axiomatic attribution for deep networks", eq. 1, and completeness (proposition 1). The
 * integral is a weighted sum over 'steps' places: Gauss-Legendre by default, exact for polynomials of degree
 * 2 steps - 1; or Riemann sums (middle, left, right) and the trapezoidal rule.
 * Baselines: zero (the mean colour of the data set for the usual preprocessing), black, white, the picture's mean per
 * channel, the picture blurred, or one's own. Values: C x H x W, signed, in score points. extras: 'baseline'. numbers:
 * 'difference' S(x) - S(x'), and 'delta', by how much the values' sum misses it: the error of the sum over places. */
#include <math.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/status.h"
#include "explain/baseline.h"
#include "explain/samples.h"
#include "tensor/tensor.h"

/* ---- places on the way ------------------------------------------------------------------------------------ */
/* The Legendre polynomial of degree n and its derivative at z, |z| < 1:
 * k P_k = (2k-1) z P_(k-1) - (k-1) P_(k-2),   (z^2 - 1) P_n' = n (z P_n - P_(n-1)). */
static double legendre(int64_t n, double z, double *slope) {
  double p = 1, before = 0;
  for (int64_t k = 1; k <= n; k++) {
    double next = ((double)(2 * k - 1) * z * p - (double)(k - 1) * before) / (double)k;
    before = p;
    p = next;
  }
  *slope = (double)n * (z * p - before) / (z * z - 1);
  return p;
}

/* Zeros of P_n by Newton's method from Chebyshev's approximation, weights 2 / ((1 - z^2) P_n'(z)^2); moved from [-1, 1]
 * to [0, 1]. */
static void gauss(int64_t n, double *t, double *weight) {
  for (int64_t i = 0; i < n; i++) {
    double z = cos(3.14159265358979323846 * ((double)(n - 1 - i) + 0.75) / ((double)n + 0.5)), slope, step = 1;
    for (int round = 0; round < 100 && fabs(step) > 1e-15; round++) {
      step = legendre(n, z, &slope) / slope;
      z -= step;
    }
    (void)legendre(n, z, &slope);
    t[i] = (1 + z) / 2;
    weight[i] = 1 / ((1 - z * z) * slope * slope);
  }
}

static void lay_path(xai_path_rule rule, int64_t n, double *t, double *weight) {
  if (rule == XAI_RULE_GAUSS) {
    gauss(n, t, weight);
    return;
  }
  double count = (double)n;
  for (int64_t i = 0; i < n; i++) {
    double k = (double)i;
    weight[i] = 1 / count;
    if (rule == XAI_RULE_LEFT) t[i] = k / count;
    if (rule == XAI_RULE_RIGHT) t[i] = (k + 1) / count;
    if (rule == XAI_RULE_MIDDLE || n == 1) t[i] = (k + 0.5) / count;
    if (rule == XAI_RULE_TRAPEZOID && n > 1) {
      t[i] = k / (count - 1);
      weight[i] = (i == 0 || i == n - 1 ? 0.5 : 1) / (count - 1);
    }
  }
}

/* ---- the sum ------------------------------------------------------------------------------------------------ */
typedef struct path {
  const float *x, *baseline;
  int64_t size;        /* elements of x */
  double *t, *weight;  /* per place */
  double *sum;         /* of weighted gradients, per element */
  int64_t taken;
} path;

static void make(void *payload, int64_t i, float *x) {
  const path *p = payload;
  for (int64_t k = 0; k < p->size; k++) x[k] = (float)(p->baseline[k] + p->t[i] * ((double)p->x[k] - p->baseline[k]));
}

static void take(void *payload, const float *gradient) {
  path *p = payload;
  double weight = p->weight[p->taken++];
  for (int64_t k = 0; k < p->size; k++) p->sum[k] += weight * gradient[k];
}

/* The values, and what they miss of the difference between the scores. */
static xai_status results(const path *p, const xai_integrated_gradients_opts *o, double difference, xai_explanation *e,
                          xai_err *err) {
  double sum = 0;
  for (int64_t k = 0; k < p->size; k++) {
    double value = p->sum[k] * (o->multiply ? (double)p->x[k] - p->baseline[k] : 1);
    xai_tensor_floats(e->values)[k] = (float)value;
    sum += value;
  }
  e->is_signed = o->multiply;
  e->reduce = o->multiply ? XAI_REDUCE_SUM : XAI_REDUCE_MAX_ABS;
  e->unit = o->multiply ? "score points" : "score per unit of input";
  XAI_TRY(xai_explanation_number(e, "difference", difference, err));
  if (!o->multiply) return XAI_OK;
  if (fabs(sum - difference) > 0.01 * fabs(difference))
    snprintf(e->remark, sizeof e->remark, "the values sum to %.4g, the score rises by %.4g from the baseline: take more steps", sum,
             difference);
  return xai_explanation_number(e, "delta", sum - difference, err);
}

/* Both halves of one block: places and weights; elements. */
static xai_status make_room(path *p, int64_t steps, xai_err *err) {
  p->t = xai_calloc((size_t)(2 * steps + p->size), sizeof *p->t);
  if (p->t == NULL) return xai_fail_memory(err, (size_t)(2 * steps + p->size) * sizeof *p->t);
  p->weight = p->t + steps;
  p->sum = p->weight + steps;
  return XAI_OK;
}

xai_status xai_integrated_gradients(xai_net *net, const xai_view *x, const xai_integrated_gradients_opts *opts,
                                    xai_explanation **out, xai_err *err) {
  xai_probe p = {0};
  xai_explanation *e = NULL;
  xai_tensor *baseline = NULL;
  xai_baseline_source from = {opts->baseline, opts->own, opts->blur};
  path way = {.x = x->data, .size = xai_shape_size(&x->shape)};
  double low; /* the baseline's score */
  xai_status st;
  XAI_GOTO(xai_probe_run(net, x, &opts->common, NULL, 0, NULL, 0, XAI_RELU_PLAIN, &p, err));
  XAI_GOTO(xai_probe_explain(&p, "integrated_gradients", XAI_LAYER_NONE, &e, err));
  XAI_GOTO(xai_baseline__make(net, x, &from, &baseline, err));
  way.baseline = xai_tensor_floats(baseline);
  XAI_GOTO(make_room(&way, opts->steps, err));
  lay_path(opts->rule, opts->steps, way.t, way.weight);
  xai_samples samples = {.n = opts->steps, .batch = opts->batch, .make = make, .take = take, .payload = &way};
  XAI_GOTO(xai_samples__run(&p, &samples, err));
  XAI_GOTO(xai_probe_score_at(&p, &(xai_view){XAI_F32, x->shape, xai_tensor_floats(baseline)}, XAI_SCORE_LOGIT, &low, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, xai_shape_of(3, x->shape.dims + 1), &e->values, err));
  XAI_GOTO(results(&way, opts, p.score - low, e, err));
  XAI_GOTO(xai_explanation_extra(e, "baseline", &baseline, err));
  e->seconds = xai_clock() - p.started;
  *out = e;
  e = NULL;
done:
  xai_free(way.t);
  xai_tensor_free(baseline);
  xai_explanation_free(e);
  xai_probe_close(&p);
  return st;
}

static const char *const rules[] = {"gauss", "middle", "left", "right", "trapezoid", NULL};
static const xai_opt_spec options[] = {
    {.name = "steps", .kind = XAI_OPT_INT, .offset = offsetof(xai_integrated_gradients_opts, steps), .fallback = 50, .lo = 1, .hi = 1e5,
     .help = "places between baseline and picture at which the gradient is taken"},
    {.name = "rule", .kind = XAI_OPT_CHOICE, .offset = offsetof(xai_integrated_gradients_opts, rule), .choices = rules,
     .help = "how the integral becomes a sum: Gauss-Legendre, Riemann sums, trapezoidal rule"},
    {.name = "baseline", .kind = XAI_OPT_CHOICE, .offset = offsetof(xai_integrated_gradients_opts, baseline), .choices = xai_baseline__names,
     .tensor = offsetof(xai_integrated_gradients_opts, own),
     .help = "where the way begins: " XAI_BASELINE_HELP},
    {.name = "blur", .kind = XAI_OPT_NUMBER, .offset = offsetof(xai_integrated_gradients_opts, blur), .lo = 0, .hi = 1000,
     .help = "deviation of the blur in pixels; 0: a twentieth of the picture's shorter side"},
    {.name = "multiply", .kind = XAI_OPT_BOOL, .offset = offsetof(xai_integrated_gradients_opts, multiply), .fallback = 1,
     .help = "times picture minus baseline; else the mean gradient alone"},
    {.name = "batch", .kind = XAI_OPT_INT, .offset = offsetof(xai_integrated_gradients_opts, batch), .hi = 4096,
     .help = "gradients per pass, 0: chosen; does not change the result"},
    {.name = NULL},
};

XAI_METHOD_RUN(integrated_gradients)
const xai_method xai_method_integrated_gradients = {
    .name = "integrated_gradients",
    .summary = "each pixel's share in the score's rise on the way from a baseline to the picture",
    .paper = "Sundararajan, Taly, Yan 2017",
    .uses_at = true,
    .opts_size = sizeof(xai_integrated_gradients_opts),
    .opts = options,
    .run = run,
};
