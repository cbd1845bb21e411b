/* train/loss.h: what is to become small, and its gradient. */
#ifndef TRAIN_LOSS_H
#define TRAIN_LOSS_H

#include "xai/train.h"

/* y: batch x classes (further axes of 1), or anything for XAI_LOSS_MSE. With p = softmax(y) and the targets t of a row,
 * smoothed to (1 - s) t + s / classes:
 *   cross-entropy   -1/N sum t log p,             dy = (p - t) / N for rows that sum to 1
 *   MSE             1/M sum (y - t)^2,            dy = 2 (y - t) / M
 * In double. dy may be NULL; out->norm is 0. Fails with XAI_ESHAPE or XAI_EARG for targets that do not fit. */
xai_status xai_loss__compute(xai_loss kind, double smoothing, const xai_view *y, const xai_view *target, float *dy,
                             xai_step *out, xai_err *err);

#endif
