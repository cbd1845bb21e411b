/* explain/paint.h: pictures made of other numbers than their pixels: of waves, in colours that natural pictures have,
 * within the range of bytes. A step along the gradient by these numbers changes a picture in another way. */
#ifndef EXPLAIN_PAINT_H
#define EXPLAIN_PAINT_H

#include "explain/canvas.h"

typedef struct xai_paint {
  xai_medium kind;
  bool colours, sigmoid;
  double stretch;
  int64_t c, h, w, size, waves; /* waves: h x (w/2 + 1), of one channel */
  int64_t n;         /* numbers */
  float *p, *g;      /* the numbers, and the gradient by them */
  /* what the last picture was made from */
  float *spectrum;   /* c x waves x 2 */
  float *falls;      /* c x waves: what the spectrum is multiplied with, or its magnitude */
  float *raw;        /* C x H x W, of standard deviation about 1: before the colours */
  float *value;      /* C x H x W in 0..1, before it is stretched */
  double raw_deviation, phase_deviation; /* of PHASES */
  double lo, hi;     /* of value */
  void *work;
  size_t work_bytes;
  xai_tensor *floats; /* holds them all */
} xai_paint;

/* Does the picture consist of anything else than its pixels in grey levels? */
bool xai_paint__needed(const xai_ascent_opts *o);
/* The numbers of a first picture for v. Closed by xai_paint__close, also after a failure. */
xai_status xai_paint__open(xai_paint *p, const xai_ascent_opts *o, const xai_canvas *v, xai_err *err);
void xai_paint__close(xai_paint *p);

/* v->z becomes the picture. */
void xai_paint__show(xai_paint *p, xai_canvas *v);
/* p->g becomes the gradient by the numbers, from v->g; of the picture that was shown last. */
void xai_paint__take(xai_paint *p, const xai_canvas *v);

#endif
