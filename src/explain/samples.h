/* explain/samples.h: one score, or its gradient, at many inputs: what methods share that ask about changed pictures. */
#ifndef EXPLAIN_SAMPLES_H
#define EXPLAIN_SAMPLES_H

#include "explain/probe.h"

typedef struct xai_samples {
  int64_t n;     /* inputs */
  int64_t batch; /* of them per pass; 0: chosen */
  void (*make)(void *payload, int64_t i, float *x);
  void (*take)(void *payload, const float *gradient); /* of inputs 0, 1, ... in this order */
  void (*score)(void *payload, int64_t i, double score); /* the same */
  void *payload;
} xai_samples;

/* Both are for the probe's network and target. What is taken does not depend on the batch. */

/* d target / d x at every sample, of the shape of the probe's x, under the network's own backward rule. XAI_EARG when the
 * input does not feed the target. */
xai_status xai_samples__run(const xai_probe *p, const xai_samples *s, xai_err *err);

/* The target's score, or the softmax probability, with every sample in place of the activation of 'layer' (LAYER_INPUT:
 * of the picture), which the probe has kept. Only what lies behind the layer is computed. */
xai_status xai_samples__score(const xai_probe *p, int layer, xai_score score, const xai_samples *s, xai_err *err);

/* The probe's own score of that kind; XAI_EARG for the probability of what are no classes. */
xai_status xai_samples__clean(const xai_probe *p, xai_score score, double *out, xai_err *err);

#endif
