/* explain/prior.h: what keeps a picture natural: penalties and their gradients. Mahendran, Vedaldi 2015, section 2.1. */
#ifndef EXPLAIN_PRIOR_H
#define EXPLAIN_PRIOR_H

#include <stdbool.h>
#include <stdint.h>

/* Sum of |z|^alpha, alpha >= 1; g += weight * its gradient. g may be NULL. */
double xai_prior__power(int64_t n, const float *z, double alpha, double weight, float *g);

/* Total variation: sum of ((z[i,j+1] - z[i,j])^2 + (z[i+1,j] - z[i,j])^2)^(beta/2) per plane. In the last row and column
 * one of the differences is missing; with 'edges' it counts as 0, without they are left out. g += weight * its gradient;
 * for beta < 2 a summand below 1e-5 counts there as 1e-5, since its own gradient would grow without bounds. */
double xai_prior__variation(int64_t planes, int64_t h, int64_t w, const float *z, double beta, bool edges, double weight,
                            float *g);

#endif
