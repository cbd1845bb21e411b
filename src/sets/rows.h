/* sets/rows.h: activations as rows of features. */
#ifndef SETS_ROWS_H
#define SETS_ROWS_H

#include "xai/tensor.h"

/* What becomes of height and width: each channel's mean or maximum, or all places side by side. */
typedef enum xai_pooling { XAI_POOLING_MEAN, XAI_POOLING_MAX, XAI_POOLING_NONE } xai_pooling;

/* The activation (float32, N x C x ...) as N rows of C, or of all its elements. Sums are in double precision, place after
 * place. Fails with XAI_ESHAPE for what has no batch, or XAI_ENOMEM. */
xai_status xai_rows_of(const xai_view *activation, xai_pooling how, xai_tensor **out, xai_err *err);

/* Tensors of one type, whose rows have one shape, one below the other. */
xai_status xai_rows_join(xai_tensor *const *parts, int n, xai_tensor **out, xai_err *err);

#endif
