/* explain/channels.h: what the methods of the CAM family share: the maps of one layer, their gradients, weighted sums. */
#ifndef EXPLAIN_CHANNELS_H
#define EXPLAIN_CHANNELS_H

#include "explain/probe.h"

typedef struct xai_channels {
  xai_probe probe;
  int layer;
  int64_t n, h, w, plane; /* channels; height, width and places of each */
  const float *a;         /* activations, n x h x w */
  const float *g;         /* d score / d a; NULL when not asked for */
} xai_channels;

/* A pass, the layer being opts->layer or the default one; with 'gradients' a backward pass down to it. Closed by
 * xai_channels_close, also after a failure, when *c was zeros before. */
xai_status xai_channels_open(xai_net *net, const xai_view *x, const xai_explain_opts *opts, bool gradients, xai_channels *c,
                             xai_err *err);
void xai_channels_close(xai_channels *c);

/* map = sum over k of w[k] a[k], for channels of 'plane' places each; summed in double. */
void xai_channels_weigh(int64_t channels, int64_t plane, const float *w, const float *a, float *map);

/* An explanation with the values raw (h x w), without what is negative when 'relu'. raw becomes an extra, and so do the
 * weights if there are any: both are taken over and become NULL, also on failure. */
xai_status xai_channels_explain(const xai_channels *c, const char *method, const char *unit, bool relu, xai_tensor **raw,
                                xai_tensor **weights, xai_explanation **out, xai_err *err);

#endif
