/* graph/local_form.h: the network that computes windows of another one's maps; see local.h.
 *
 * Its inputs are the changed windows of the input, 'places' (window x slot x 2) and 'sizes' (slot x 2): where the
 * rectangles lie and how large they are. In front of a sliding operator stands a Patch that gathers what its windows look
 * at, padding included; the operator itself has no padding left. In front of an addition or a Concat, Patches bring the
 * operands to one rectangle; in front of what cannot do with windows, to the whole map.
 * Large fully connected layers at the end are a network of their own, for more changes at a time than windows are good
 * for: reading the weights is most of their work. */
#ifndef GRAPH_LOCAL_FORM_H
#define GRAPH_LOCAL_FORM_H

#include "graph/local.h"
#include "graph/net.h"

typedef struct xai_local_form {
  xai_net *net;     /* NULL: windows would save nothing */
  xai_net *tail;    /* takes output 0 of 'net' and has the results; NULL: 'net' has them */
  xai_slots slots;  /* slot 0 is the window of the input */
  /* for each array of a pass: its slot (-1: whole) and elements per place (or in all) and change */
  struct xai_local_array {
    int slot;
    int64_t elements;
  } *arrays;
  int n_arrays;
} xai_local_form;

/* Makes one clean pass. */
xai_status xai_local_form_make(xai_net *net, const xai_local *l, xai_local_form *out, xai_err *err);
void xai_local_form_free(xai_local_form *f);

#endif
