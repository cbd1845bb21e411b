/* kernels/blocked.h: kernels on channel-blocked arrays, and the convolutions that need them to be fast.
 *
 * A blocked array of c channels is n x ceil(c/16) x h x w x 16: sixteen channels of one pixel stand together, as one
 * vector. Lanes beyond c are zero, in every array that goes in and in every one that comes out.
 *
 * The same contract as kernels.h: nothing fails, sizes are right, the bits of an image's results depend neither on the
 * number of threads nor on the other images of the batch; loops look at xai_stop_requested(). Which instructions are
 * used is decided when the program starts (isa.h). */
#ifndef KERNELS_BLOCKED_H
#define KERNELS_BLOCKED_H

#include "kernels/kernels.h"

enum { XK_LANES = 16 };
static inline int64_t xk_blocks(int64_t c) { return (c + XK_LANES - 1) / XK_LANES; }

/* n x c x hw to blocked, and back. */
void xk_block(int64_t n, int64_t c, int64_t hw, const float *x, float *y);
void xk_unblock(int64_t n, int64_t c, int64_t hw, const float *x, float *y);

/* ---- convolution --------------------------------------------------------------------------------------- */
/* What happens to a sum before it is written: y = min(max(sum * scale + bias + add, lo), hi), or where there is a gate,
 * y = what the gradient sum * scale + bias + add becomes behind the rectifier that made the gate, as at xk_gate. */
typedef struct xk_finish {
  const float *scale; /* 16 * xk_blocks(m); NULL: 1. Only where the input is plain */
  const float *bias;  /* 16 * xk_blocks(m), zeros beyond m; NULL: none */
  const float *add;  /* of y's form, may be y; NULL: none */
  float lo, hi;      /* -INFINITY and INFINITY: as it is; 0 and INFINITY: a rectifier */
  const float *gate; /* of y's form; NULL: none */
  xk_relu_rule rule; /* of the gate */
} xk_finish;

/* true when there are blocked kernels for it: one group; one channel and one filter per group (depthwise); or groups
 * whose channels and filters are multiples of 16. */
bool xk_bconv_fits(const xk_conv2d *p);
/* true when x (and dx) is plain n x c x h x w: too few channels to fill a vector (the first layer). y is blocked. */
bool xk_bconv_plain_input(const xk_conv2d *p);

/* Which algorithm, and so how weights are packed: a number for each form of packing; equal numbers and equal weights
 * make equal packings. It depends on everything in p but n. */
int xk_bconv_form(const xk_conv2d *p, bool backward);
/* Floats of packed weights, for the way forward or back to the input. */
size_t xk_bconv_packed(const xk_conv2d *p, bool backward);
/* w: m x c/groups x kh x kw, filter i times scale[i] (NULL: 1). Products are rounded once. */
void xk_bconv_pack(const xk_conv2d *p, bool backward, const float *w, const float *scale, float *packed);

/* Bytes of scratch for each direction. */
size_t xk_bconv_workspace(const xk_conv2d *p, bool backward);
void xk_bconv_forward(const xk_conv2d *p, const float *x, const float *packed, const xk_finish *finish, float *y,
                      void *work);
/* dx = the transposed convolution of dy; packed for the way back. finish: without scale and bias; NULL: as it is, which it
 * must be where the input is plain. */
void xk_bconv_backward_input(const xk_conv2d *p, const float *packed, const float *dy, const xk_finish *finish, float *dx,
                             void *work);
/* dw (m x c/groups x kh x kw, not packed) of x and dy, summed over the batch: its bits depend on how many images there
 * are. */
size_t xk_bconv_weight_workspace(const xk_conv2d *p);
void xk_bconv_backward_weight(const xk_conv2d *p, const float *x, const float *dy, float *dw, void *work);
/* sum[c] of x over images and pixels */
size_t xk_bchannel_sum_workspace(int64_t n, int64_t c);
void xk_bchannel_sum(int64_t n, int64_t c, int64_t hw, const float *x, float *sum, void *work);

/* ---- what stands between convolutions ---------------------------------------------------------------------- */
/* The gradient behind y = min(max(sum, lo), hi): dx = dy where lo < y < hi (a hi of INFINITY bounds nothing), else 0;
 * and by the rule, GUIDED keeps of these the positive ones, DECONV keeps the positive ones of all. n elements; dx may be
 * dy. */
void xk_gate(int64_t n, xk_relu_rule rule, float lo, float hi, const float *y, const float *dy, float *dx);
/* y = min(max(x * scale + shift, lo), hi), per channel: batch normalization that follows no convolution.
 * scale and shift have 16 * xk_blocks(c) elements, zeros beyond c, and lo <= 0 <= hi, so that zeros stay zeros there.
 * The gradient to x is dy (gated) times scale. */
void xk_bscale(int64_t n, int64_t blocks, int64_t hw, const float *x, const float *scale, const float *shift, float lo,
               float hi, float *y);

/* Batch normalization with the statistics of x itself, as in kernels.h; lo <= 0 <= hi where c is no multiple of 16. scale,
 * bias, mean, var and their gradients have c elements. The gradients are those before the clamp; dx may be dy, and those
 * that are not wanted are NULL. */
size_t xk_bnorm_workspace(int64_t n, int64_t c);
void xk_bnorm_learn_forward(int64_t n, int64_t c, int64_t hw, float eps, const float *x, const float *scale,
                            const float *bias, float lo, float hi, float *mean, float *var, float *y, void *work);
void xk_bnorm_learn_backward(int64_t n, int64_t c, int64_t hw, float eps, const float *x, const float *scale,
                             const float *dy, float *dx, float *dscale, float *dbias, void *work);

/* Pools: p->planes = n * blocks; each plane is h x w x 16. Definitions as in kernels.h; maxpool's gradient goes to the
 * first of equals, as there. Every window of a maximum sees the input: one of padding only would be -infinity, also
 * beyond c. Gradients are finished (NULL: as they are) with a gate, or by adding to dx itself. */
void xk_bmaxpool_forward(const xk_pool2d *p, const float *x, float *y);
void xk_bmaxpool_backward(const xk_pool2d *p, const float *x, const float *dy, const xk_finish *finish, float *dx);
void xk_bavgpool_forward(const xk_pool2d *p, const float *x, float *y);
void xk_bavgpool_backward(const xk_pool2d *p, const float *dy, const xk_finish *finish, float *dx);
void xk_bglobal_avg_forward(int64_t planes, int64_t hw, const float *x, float *y);
void xk_bglobal_avg_backward(int64_t planes, int64_t hw, const float *dy, const xk_finish *finish, float *dx);

#endif
