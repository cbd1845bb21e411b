/* explain/step.h: how far to go along a gradient. */
#ifndef EXPLAIN_STEP_H
#define EXPLAIN_STEP_H

#include "explain/method.h"

/* What a gradient is multiplied with for one step; for the rules up to PROGRESS. */
double xai_step__rate(xai_step_rule rule, double lr, double progress, int64_t n, const float *g);

typedef struct xai_stepper {
  xai_step_rule rule;
  double lr, progress, momentum;
  double keep;   /* of the mean square, in ADAM, NADAM and RMSPROP */
  int64_t n, done;
  float *by;     /* the last step */
  float *mean, *square; /* of the gradients; mean: with momentum the sum of steps */
  double product; /* of NADAM's shares so far */
  xai_tensor *floats; /* holds the three */
} xai_stepper;

/* For n numbers. Closed by xai_stepper__close, also after a failure. */
xai_status xai_stepper__open(xai_stepper *s, int64_t n, const xai_ascent_opts *o, xai_err *err);
void xai_stepper__close(xai_stepper *s);

/* s->by becomes the next step up. */
void xai_stepper__next(xai_stepper *s, const float *g);

#endif
