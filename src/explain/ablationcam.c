/* Ablation-CAM: each map of a layer weighed by how much of the score is lost without it.
 *
 *   w[k] = (S - S[k]) / S,   S[k]: the score when map k is 0 everywhere                               eq. 3
 *   map  = relu( sum over k of w[k] * A[k] )                                                          eq. 4
 *
 * Desai, Ramaswamy 2020, "Ablation-CAM: Visual Explanations for Deep Convolutional Network via Gradient-free
 * Localization". 'fill' stands in place of the 0. When S is negative the division turns the signs of all weights, which
 * the remark says. Values: h x w. extras: 'raw' before the ReLU, 'weights' w, 'scores' S[k]. Cost: one forward pass, and
 * per channel one pass of what lies behind the layer. */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "explain/channels.h"
#include "explain/samples.h"
#include "tensor/tensor.h"

typedef struct ablation {
  const xai_channels *c;
  float fill, *scores;
} ablation;

static void make(void *payload, int64_t k, float *a) {
  const ablation *p = payload;
  int64_t plane = p->c->plane;
  memcpy(a, p->c->a, (size_t)(p->c->n * plane) * sizeof *a);
  for (int64_t i = k * plane; i < (k + 1) * plane; i++) a[i] = p->fill;
}

static void take(void *payload, int64_t k, double score) { ((const ablation *)payload)->scores[k] = (float)score; }

xai_status xai_ablationcam(xai_net *net, const xai_view *x, const xai_ablationcam_opts *opts, xai_explanation **out,
                           xai_err *err) {
  xai_channels c = {0};
  xai_explanation *e = NULL;
  xai_tensor *raw = NULL, *weights = NULL, *scores = NULL;
  double clean;
  xai_status st;
  XAI_GOTO(xai_channels_open(net, x, &opts->common, false, &c, err));
  XAI_GOTO(xai_samples__clean(&c.probe, opts->score, &clean, err));
  if (clean == 0) {
    st = xai_fail(err, XAI_EARG, "the score is 0, so that nothing is a share of it");
    goto done;
  }
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.n), &scores, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.n), &weights, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.h, c.w), &raw, err));
  ablation without = {&c, (float)opts->fill, xai_tensor_floats(scores)};
  xai_samples samples = {.n = c.n, .batch = opts->batch, .make = make, .score = take, .payload = &without};
  XAI_GOTO(xai_samples__score(&c.probe, c.layer, opts->score, &samples, err));
  for (int64_t k = 0; k < c.n; k++) xai_tensor_floats(weights)[k] = (float)((clean - without.scores[k]) / clean);
  xai_channels_weigh(c.n, c.plane, xai_tensor_floats(weights), c.a, xai_tensor_floats(raw));
  XAI_GOTO(xai_channels_explain(&c, "ablationcam", "activation", opts->relu, &raw, &weights, &e, err));
  XAI_GOTO(xai_explanation_extra(e, "scores", &scores, err));
  if (clean < 0)
    snprintf(e->remark, sizeof e->remark, "the score is negative (%.4g): weights are positive where a map lowers it further",
             clean);
  *out = e;
  e = NULL;
done:
  xai_tensor_free(raw);
  xai_tensor_free(weights);
  xai_tensor_free(scores);
  xai_explanation_free(e);
  xai_channels_close(&c);
  return st;
}

static const xai_opt_spec options[] = {
    {"relu", XAI_OPT_BOOL, offsetof(xai_ablationcam_opts, relu), 1, 0, 1, NULL, "keep only what speaks for the target", 0},
    {"score", XAI_OPT_CHOICE, offsetof(xai_ablationcam_opts, score), XAI_SCORE_LOGIT, 0, 1, xai_score_kinds,
     "what is lost: the logit or the probability", 0},
    {"fill", XAI_OPT_NUMBER, offsetof(xai_ablationcam_opts, fill), 0, -1e30, 1e30, NULL, "what a map is replaced by", 0},
    {"batch", XAI_OPT_INT, offsetof(xai_ablationcam_opts, batch), 0, 0, 4096, NULL,
     "channels per pass, 0: chosen; does not change the result", 0},
    {.name = NULL},
};

XAI_METHOD_RUN(ablationcam)
const xai_method xai_method_ablationcam = {
    .name = "ablationcam",
    .summary = "maps of a layer weighed by the share of the score that is lost without each; no gradients",
    .paper = "Desai, Ramaswamy 2020",
    .uses_layer = true,
    .opts_size = sizeof(xai_ablationcam_opts),
    .opts = options,
    .run = run,
};
