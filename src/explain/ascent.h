/* explain/ascent.h: gradient ascent on a score, for xai.class_image, xai.neuron_image and xai.feature_image. */
#ifndef EXPLAIN_ASCENT_H
#define EXPLAIN_ASCENT_H

#include "explain/probe.h"

xai_status xai_ascent__explain(const char *method, xai_net *net, const xai_view *x, const xai_ascent_opts *opts,
                               xai_explanation **out, xai_err *err);

/* The options of all three; a row's own defaults() chooses the preset that they begin with. */
extern const xai_opt_spec xai_ascent__options[];
void xai_ascent__preset(void *opts);

#endif
