/* explain/baseline.h: pictures that show nothing, from which methods measure. */
#ifndef EXPLAIN_BASELINE_H
#define EXPLAIN_BASELINE_H

#include "explain/method.h"

typedef struct xai_baseline_source {
  xai_baseline kind;
  const xai_view *own; /* of x's shape, in place of that; NULL: none */
  double blur;         /* sigma in pixels; 0: a twentieth of the shorter side */
} xai_baseline_source;

/* A new tensor C x H x W for x, 1 x C x H x W. Zero is the mean colour of the data set for the usual preprocessing. */
xai_status xai_baseline__make(const xai_net *net, const xai_view *x, const xai_baseline_source *from, xai_tensor **out,
                              xai_err *err);

/* Names in xai_baseline's order, NULL-terminated, and the help of an option with them. */
extern const char *const xai_baseline__names[];
#define XAI_BASELINE_HELP "zero in network units, black, white, the picture's mean colour, the blurred picture, or a tensor"

/* What a byte of every pixel becomes before channel k of the network. */
float xai_baseline__byte(const xai_preprocess *p, int64_t k, float byte);

#endif
