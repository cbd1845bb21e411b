/* graph/slots.h: which rectangle of every map follows from a window of the input.
 *
 * A slot is a rule that gives a rectangle for each window; slots are made of slots before them. Of the windows of a group
 * all rectangles of one slot get one size, the largest that any of them needs: smaller ones grow by elements that did not
 * change, and what would stand over the border of the map is moved inside. */
#ifndef GRAPH_SLOTS_H
#define GRAPH_SLOTS_H

#include "xai/status.h"

#include <stdint.h>

/* A sliding window operator along one axis: output o looks at 'extent' inputs from o * stride - before on. */
typedef struct xai_slide {
  int64_t extent, stride, before, out;
} xai_slide;

typedef enum xai_slot_kind {
  XAI_SLOT_INPUT, /* the window itself */
  XAI_SLOT_SLIDE, /* the outputs that look at slot a */
  XAI_SLOT_UNION, /* what holds slots a and b */
  XAI_SLOT_REACH, /* the inputs that the outputs in slot a look at: may stand over the border */
  XAI_SLOT_WHOLE  /* the map */
} xai_slot_kind;

typedef struct xai_slot {
  xai_slot_kind kind;
  int a, b;           /* -1: none */
  xai_slide along[2]; /* SLIDE, REACH: rows and columns */
  int64_t map[2];     /* height and width */
} xai_slot;

typedef struct xai_slots {
  xai_slot *v;
  int n, room;
} xai_slots;

/* Its number; the one that is there already if there is an equal one. */
xai_status xai_slots_add(xai_slots *s, const xai_slot *slot, int *id, xai_err *err);
/* A slot that holds both, which are on maps of one size: one of them where that is certain to hold the other. */
xai_status xai_slots_unite(xai_slots *s, int a, int b, int *id, xai_err *err);
void xai_slots_free(xai_slots *s);

/* Windows of one size by the row and column where they begin. */
typedef struct xai_place {
  int64_t top, left;
} xai_place;

/* sizes: slots x 2; at: n x slots x 2, rows before columns. Windows are cut at the border of the input. */
xai_status xai_slots_lay(const xai_slots *s, const xai_place *windows, int64_t n, int64_t height, int64_t width,
                         int64_t *sizes, int64_t *at, xai_err *err);

#endif
