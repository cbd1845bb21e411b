/* explain/canvas.h: a picture in the making, for the methods that look for one.
 *
 * It is kept in grey levels about the data set's mean colour, z = byte - mean: the units of the papers' constants, for
 * which a network's own x = unit * z, unit = scale / std per channel, is of no concern. */
#ifndef EXPLAIN_CANVAS_H
#define EXPLAIN_CANVAS_H

#include "explain/method.h"

typedef struct xai_canvas {
  xai_shape shape; /* 1 x C x H x W: what the network takes */
  int64_t c, h, w, size; /* of the picture, which may be larger */
  const xai_preprocess *preprocess;
  float *z;       /* the picture, zeros at first */
  float *x;       /* what the network gets */
  float *g;       /* a gradient by z */
  float *spare;   /* for whoever needs a picture's room for a moment */
  float *grey;    /* C numbers: what byte 127.5 is in z */
  xai_tensor *floats; /* holds them */
} xai_canvas;

/* A canvas for a network that takes inputs of x's shape: of that size, or with 'shorter' > 0 its shorter side has so many
 * pixels. Closed by xai_canvas__close, also after a failure. */
xai_status xai_canvas__open(const xai_net *net, const xai_view *x, int64_t shorter, xai_canvas *v, xai_err *err);
void xai_canvas__close(xai_canvas *v);

/* The first picture: zeros, noise of deviation sigma in grey levels, or 'picture' (of the canvas' shape, network units). */
xai_status xai_canvas__start(xai_canvas *v, xai_start how, const xai_view *picture, double sigma, int64_t seed, xai_err *err);

/* to = unit * from, C planes of so many pixels; both may be the same. */
void xai_canvas__scale(const xai_canvas *v, int64_t plane, const float *from, float *to);
/* For a picture of the network's size: x = unit * z, moved by so many pixels down and to the right; what leaves at one side
 * comes back at the other. */
void xai_canvas__show(xai_canvas *v, int64_t down, int64_t right);
/* g = unit * dx, moved back. */
void xai_canvas__take(xai_canvas *v, const float *dx, int64_t down, int64_t right);
/* Keeps every byte within 0 and 255. */
void xai_canvas__clip(xai_canvas *v);
/* z becomes its blur by a Gaussian of that deviation; beyond the border nothing counts. XAI_ESTOP leaves z as it was. */
xai_status xai_canvas__blur(xai_canvas *v, double sigma, xai_err *err);
/* The picture in network units, C x H x W. */
xai_status xai_canvas__values(xai_canvas *v, xai_tensor **out, xai_err *err);

#endif
