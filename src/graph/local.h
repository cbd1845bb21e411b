/* graph/local.h: many small changes of one input, and what a network makes of each.
 *
 * A change of a window of the input changes a window of every map behind it, larger by the reach of the operators
 * between; the rest is as in the clean pass. So of every map only that window is computed, from a patch that has the
 * changed window in the middle and clean elements around it, for many changes at a time. Where windows cover the map, or
 * an operator looks at all of it, whole maps go on as an ordinary batch. Nothing is approximated: the results are those of
 * whole passes but for rounding.
 *
 * The computation is an ordinary pass of a network that is derived from the given one (local_form.h), so whatever makes
 * passes fast makes these fast. Changes are taken in groups of neighbours, whose windows have one size; the groups
 * follow from the list of places alone, so the bits do not depend on the batch. A network with hooks is run on whole
 * inputs, since hooks see whole maps; the same is done where windows would save nothing. */
#ifndef GRAPH_LOCAL_H
#define GRAPH_LOCAL_H

#include "graph/slots.h"
#include "xai/net.h"

/* A rectangle of the input, C x h x w, that holds a window. */
typedef struct xai_patch {
  float *v;
  int64_t c, h, w, top, left;
} xai_patch;

typedef struct xai_local {
  const xai_view *x;      /* the clean input, 1 x C x H x W */
  const xai_place *places; /* n windows by their upper left corner, inside of the input; all ... */
  int64_t n;
  int64_t height, width;  /* ... of this size, but cut at the input's border */
  const int *layers;      /* whose activations are observed */
  int n_layers;
  const int64_t *channels; /* of the first layer, the only one then: elements along the axes behind the batch, e.g. class
                            * ids of the logits. NULL: all of every layer */
  int n_channels;
  int64_t batch;          /* most windows in one pass, 0: chosen; does not change the results */
  /* Change i: the patch shows the clean input; what lies in window i may be overwritten, all of it or what a mask says.
   * Outside of the window the patch must stay as it is. */
  void (*change)(void *payload, int64_t i, const xai_patch *patch);
  /* What came of change i: seen[k] is the activation of layers[k], 1 x ...; with 'channels' 1 x n_channels. Called once
   * for every i, in any order. */
  void (*observe)(void *payload, int64_t i, const xai_view *seen);
  void *payload;
} xai_local;

/* Fails as a pass does, and with XAI_ESTOP after xai_stop_request. */
xai_status xai_local_run(xai_net *net, const xai_local *l, xai_err *err);
/* The same with whole inputs: the definition, for tests and measurements. */
xai_status xai_local_run_whole(xai_net *net, const xai_local *l, xai_err *err);

#endif
