/* explain/glimpse.h: how the network is shown a picture in the making: moved, turned, enlarged, mirrored at random, so
 * that what comes out does not depend on where a pixel happens to be. */
#ifndef EXPLAIN_GLIMPSE_H
#define EXPLAIN_GLIMPSE_H

#include "explain/canvas.h"
#include "kernels/kernels.h"

typedef struct xai_glimpse {
  bool whole;          /* only moved, by whole pixels, and of the network's size */
  int64_t down, right; /* then */
  xk_affine window;    /* else */
} xai_glimpse;

/* Whether the options leave something to be seen. */
xai_status xai_glimpse__check(const xai_ascent_opts *o, const xai_canvas *v, xai_err *err);

/* View 'view' of step 'step', counted from 0: a function of the options' seed and of these. */
xai_glimpse xai_glimpse__draw(const xai_ascent_opts *o, const xai_canvas *v, int64_t step, int64_t view);
/* The whole picture as it is. */
xai_glimpse xai_glimpse__plain(const xai_canvas *v);

/* v->x becomes what is seen. */
void xai_glimpse__show(const xai_glimpse *g, xai_canvas *v);
/* v->g becomes the gradient by z of what has gradient dx by v->x. */
void xai_glimpse__take(const xai_glimpse *g, xai_canvas *v, const float *dx);

#endif
