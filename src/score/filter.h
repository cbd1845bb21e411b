/* score/filter.h: what filter.c, spectrum.c and gabor.c share. A filter is c x h x w weights. */
#ifndef SCORE_FILTER_H
#define SCORE_FILTER_H

#include "score/score.h"

/* v = w without the mean of each channel; the sum of v^2, 0 when that is no more than what rounding leaves of a flat
 * filter. */
double xai_score__centre(const float *w, int64_t c, int64_t plane, double *v);

/* power[v * n + u] = sum over the channels of |sum over x and y of f(x, y) e^(-2 pi i (u x + v y) / n)|^2, u and v from 0
 * to n - 1, which must be at least w and h. Fails with XAI_ENOMEM or XAI_ESTOP. */
xai_status xai_score__power(const double *f, int64_t c, int64_t h, int64_t w, int64_t n, double *power /* n x n */,
                            xai_err *err);

#endif
