/* explain/backprop.h: the gradient of the score with respect to the input, under one of the three rules. */
#ifndef EXPLAIN_BACKPROP_H
#define EXPLAIN_BACKPROP_H

#include "explain/probe.h"

/* The explanation's values are the gradient, C x H x W. */
xai_status xai_backprop__explain(const char *method, xai_net *net, const xai_view *x, const xai_explain_opts *opts,
                                 xai_relu rule, xai_explanation **out, xai_err *err);

#endif
