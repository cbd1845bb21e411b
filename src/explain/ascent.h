/* explain/ascent.h: gradient ascent on a score, for xai.class_image, xai.neuron_image and xai.feature_image. */
#ifndef EXPLAIN_ASCENT_H
#define EXPLAIN_ASCENT_H

#include "explain/probe.h"

xai_status xai_ascent__explain(const char *method, xai_net *net, const xai_view *x, const xai_ascent_opts *opts,
                               xai_explanation **out, xai_err *err);

/* The options of all three. */
extern const xai_opt_spec xai_ascent__options[];
void xai_ascent__preset(void *opts);
/* Where they begin: preset 'first', the program's seed, the centre of a map. */
void xai_ascent__defaults(xai_ascent_opts *o, xai_ascent_preset first);

/* The function and the row of a method that is an ascent: the three differ by what they begin with, and in what they say. */
#define XAI_ASCENT_METHOD(method, first, what, source)                                                                 \
  xai_status xai_##method(xai_net *net, const xai_view *x, const xai_ascent_opts *opts, xai_explanation **out,         \
                          xai_err *err) {                                                                              \
    return xai_ascent__explain(#method, net, x, opts, out, err);                                                       \
  }                                                                                                                    \
  static void defaults(void *opts) { xai_ascent__defaults(opts, first); }                                              \
  XAI_METHOD_RUN(method)                                                                                               \
  const xai_method xai_method_##method = {                                                                             \
      .name = #method,                                                                                                 \
      .summary = what,                                                                                                 \
      .paper = source,                                                                                                 \
      .uses_at = true,                                                                                                 \
      .makes_picture = true,                                                                                           \
      .opts_size = sizeof(xai_ascent_opts),                                                                            \
      .opts = xai_ascent__options,                                                                                     \
      .defaults = defaults,                                                                                            \
      .preset = xai_ascent__preset,                                                                                    \
      .run = run,                                                                                                      \
  };

#endif
