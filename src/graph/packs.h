/* graph/packs.h: what kernels on blocked arrays want in place of a network's constants, made once.
 *
 * Packed weights, and the scales and shifts that batch normalizations come to, are kept beside the graph, for all its
 * views, threads and plans; those that involve constants which a view has replaced are kept beside the view and its
 * copies. They are ordinary tensors: they count as memory, and whoever uses one has a reference. */
#ifndef GRAPH_PACKS_H
#define GRAPH_PACKS_H

#include "kernels/blocked.h"
#include "tensor/tensor.h"

typedef struct xai_packs xai_packs;

xai_status xai_packs_new(xai_packs **out, xai_err *err);
xai_packs *xai_packs_retain(xai_packs *p);
void xai_packs_release(xai_packs *p); /* NULL is fine */
/* Puts an empty stock in the place of *p if that is NULL or somebody else has it, too. */
xai_status xai_packs_own(xai_packs **p, xai_err *err);

/* Constants that are made into one. Of a batch normalization after a convolution (or of one alone, weights NULL),
 *   y = (x - mean) gain / sqrt(variance + epsilon) + offset  =  x scale + shift;
 * a convolution with filters scaled so and the bias  bias scale + shift  is both in one. */
typedef struct xai_pack_source {
  xai_tensor *weights, *bias;                   /* of the convolution; NULL: none */
  xai_tensor *gain, *offset, *mean, *variance;  /* of the normalization; all NULL: none */
  double epsilon;
} xai_pack_source;

typedef enum xai_pack_kind {
  XAI_PACK_FORTH, /* the convolution's weights, scaled, for the way forward ... */
  XAI_PACK_BACK,  /* ... and for the way back to its input */
  XAI_PACK_SHIFT, /* bias scale + shift; as the one below per channel, whole blocks with zeros at the end */
  XAI_PACK_SCALE,
  XAI_PACK_MAP    /* 'weights', which are no weights here but 1 x c x h x w, blocked */
} xai_pack_kind;

/* 'conv' for FORTH and BACK, else NULL. *out is a new reference. May take long the first time: XAI_ESTOP. */
xai_status xai_packs_get(xai_packs *p, xai_pack_kind kind, const xai_pack_source *source, const xk_conv2d *conv,
                         xai_tensor **out, xai_err *err);

#endif
