/* explain/samples.h: the gradient of one score at many inputs: what methods share that average over them. */
#ifndef EXPLAIN_SAMPLES_H
#define EXPLAIN_SAMPLES_H

#include "explain/probe.h"

typedef struct xai_samples {
  int64_t n;     /* inputs of the shape of the probe's */
  int64_t batch; /* of them per pass; 0: chosen */
  void (*make)(void *payload, int64_t i, float *x);
  void (*take)(void *payload, const float *gradient); /* of inputs 0, 1, ... in this order */
  void *payload;
} xai_samples;

/* d target / d x at every sample, for the probe's network and target under the network's own backward rule. What is
 * taken does not depend on the batch. XAI_EARG when the input does not feed the target. */
xai_status xai_samples__run(const xai_probe *p, const xai_samples *s, xai_err *err);

#endif
