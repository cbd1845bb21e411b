/* Grad-CAM++: Grad-CAM in which a small region counts as much as a large one.
 *
 *   alpha[k,i,j] = g^2 / (2 g^2 + g^3 * sum of A[k]),  g = d S / d A[k,i,j];  0 where g = 0            eq. 19
 *   w[k] = sum over (i,j) of alpha[k,i,j] * max(g, 0)                                                 eq. 5
 *   map  = relu( sum over k of w[k] * A[k] )
 *
 * Chattopadhay, Sarkar, Howlader, Balasubramanian 2018, "Grad-CAM++: Generalized Gradient-based Visual Explanations for
 * Deep Convolutional Networks". The paper's score is exp(S): its factor multiplies every weight and is left out. Only
 * places with g > 0 count, so alpha = 1 / (2 + g * sum of A), at most 1/2 where activations are not negative; without a
 * ReLU before the layer the denominator may become 0 or less, which the remark says; alpha is 0 where it is 0.
 * 'eps' is added to 2 g^2 + g^3 * sum of A. 'normalise_alpha' divides a map's alpha by their sum, as the authors' program
 * does: then w[k] is a mean of the positive gradients.
 * Values: h x w, not normalised. extras: 'raw' before the ReLU, 'weights' w, 'alpha' K x h x w, 0 at places that do not
 * count. Cost: that of Grad-CAM. */
#include <stdio.h>

#include "base/status.h"
#include "explain/channels.h"
#include "tensor/tensor.h"

/* The alpha of one map; how many places that count have a denominator that is not positive. */
static int64_t lay_alpha(const float *g, double sum_a, int64_t plane, const xai_gradcampp_opts *o, float *alpha) {
  int64_t bad = 0;
  double total = 0;
  for (int64_t i = 0; i < plane; i++) {
    double v = g[i], share = o->eps > 0 ? v * v : 1, below = share * (2 + v * sum_a) + o->eps;
    alpha[i] = v > 0 && below != 0 ? (float)(share / below) : 0;
    bad += v > 0 && below <= 0;
    total += alpha[i];
  }
  for (int64_t i = 0; o->normalise_alpha && total != 0 && i < plane; i++) alpha[i] = (float)(alpha[i] / total);
  return bad;
}

/* Fills alpha and w; the number of places as above. */
static int64_t weigh(const xai_channels *c, const xai_gradcampp_opts *o, float *alpha, float *w) {
  int64_t bad = 0;
  for (int64_t k = 0; k < c->n; k++) {
    const float *a = c->a + k * c->plane, *g = c->g + k * c->plane;
    double sum_a = 0, sum = 0;
    for (int64_t i = 0; i < c->plane; i++) sum_a += a[i];
    bad += lay_alpha(g, sum_a, c->plane, o, alpha + k * c->plane);
    for (int64_t i = 0; i < c->plane; i++) sum += (double)alpha[k * c->plane + i] * g[i];
    w[k] = (float)sum;
  }
  return bad;
}

xai_status xai_gradcampp(xai_net *net, const xai_view *x, const xai_gradcampp_opts *opts, xai_explanation **out,
                         xai_err *err) {
  xai_channels c = {0};
  xai_explanation *e = NULL;
  xai_tensor *raw = NULL, *weights = NULL, *alpha = NULL;
  xai_status st;
  XAI_GOTO(xai_channels_open(net, x, &opts->common, true, &c, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.n), &weights, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.n, c.h, c.w), &alpha, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.h, c.w), &raw, err));
  int64_t bad = weigh(&c, opts, xai_tensor_floats(alpha), xai_tensor_floats(weights));
  xai_channels_weigh(c.n, c.plane, xai_tensor_floats(weights), c.a, xai_tensor_floats(raw));
  XAI_GOTO(xai_channels_explain(&c, "gradcampp", "", opts->relu, &raw, &weights, &e, err));
  XAI_GOTO(xai_explanation_extra(e, "alpha", &alpha, err));
  if (bad > 0)
    snprintf(e->remark, sizeof e->remark,
             "alpha's denominator is not positive at %lld of %lld places, since activations are negative: take a layer behind a "
             "ReLU",
             (long long)bad, (long long)(c.n * c.plane));
  *out = e;
  e = NULL;
done:
  xai_tensor_free(raw);
  xai_tensor_free(weights);
  xai_tensor_free(alpha);
  xai_explanation_free(e);
  xai_channels_close(&c);
  return st;
}

static const xai_opt_spec options[] = {
    {"relu", XAI_OPT_BOOL, offsetof(xai_gradcampp_opts, relu), 1, 0, 1, NULL, "keep only what speaks for the target", 0},
    {"eps", XAI_OPT_NUMBER, offsetof(xai_gradcampp_opts, eps), 0, 0, 1e30, NULL,
     "added to alpha's denominator 2 g^2 + g^3 sum A", 0},
    {"normalise_alpha", XAI_OPT_BOOL, offsetof(xai_gradcampp_opts, normalise_alpha), 0, 0, 1, NULL,
     "the alpha of a map sum to 1, as in the authors' program", 0},
    {.name = NULL},
};

XAI_METHOD_RUN(gradcampp)
const xai_method xai_method_gradcampp = {
    .name = "gradcampp",
    .summary = "Grad-CAM in which a small region counts as much as a large one: several instances of a class",
    .paper = "Chattopadhay et al. 2018",
    .uses_layer = true,
    .opts_size = sizeof(xai_gradcampp_opts),
    .opts = options,
    .run = run,
};
