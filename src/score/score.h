/* score/score.h: how good is an explanation? The arithmetic over pixels; what is asked of a network, and the
 * definitions that people see, are in lua/xai/score. Knows nothing of networks.
 *
 * A map is h x w values, larger: more relevant. A region is h x w bytes, 0 outside. Pixels are told apart by their
 * position in row-major order, so that ties have one answer: the earlier pixel comes first. */
#ifndef SCORE_SCORE_H
#define SCORE_SCORE_H

#include "xai/tensor.h"

/* ---- order (order.c) ------------------------------------------------------------------------------------- */
/* order[i]: the pixel with the i-th largest value; equal values by position, NaN last. */
xai_status xai_score_order(const float *v, int64_t n, int64_t *order, xai_err *err);

/* ---- a map against a region (place.c) ---------------------------------------------------------------------- */
typedef struct xai_score_box {
  int64_t x, y, w, h; /* pixels; 0-based top left */
} xai_score_box;
/* Adds what of the box lies within h x w to the region. */
void xai_score_fill(uint8_t *region, int64_t h, int64_t w, const xai_score_box *box);
/* Does the map's largest value lie in the region, or nearer than 'tolerance' pixels to one of its pixels? false for
 * a map of NaN. Zhang et al. 2016. */
bool xai_score_hits(const float *v, const uint8_t *region, int64_t h, int64_t w, double tolerance);
/* sum of max(v, 0) inside / sum of max(v, 0); 0 when nothing is positive. Arras et al. 2022. */
double xai_score_mass(const float *v, const uint8_t *region, int64_t n);
/* Share of the K largest values that lie in the region of K pixels. Arras et al. 2022. XAI_EARG when K is 0. */
xai_status xai_score_rank(const float *v, const uint8_t *region, int64_t n, double *out, xai_err *err);
/* Gini index of |v|: 0 when all are equal, 1 - 1/n when one pixel has all. 0 for zeros. Hurley, Rickard 2009. */
xai_status xai_score_gini(const float *v, int64_t n, double *out, xai_err *err);

/* ---- two maps (likeness.c) --------------------------------------------------------------------------------- */
/* Spearman's correlation of ranks, equal values sharing the mean of theirs; 0 when one of the maps is constant. */
xai_status xai_score_spearman(const float *a, const float *b, int64_t n, double *out, xai_err *err);
/* Structural similarity of the maps, each scaled from its smallest and largest value to 0 and 1: mean of
 *   (2 ma mb + C1) (2 cov + C2) / ((ma^2 + mb^2 + C1) (va + vb + C2)),  C1 = 0.01^2, C2 = 0.03^2
 * over all places at which a Gaussian window (11x11, deviation 1.5; less in a smaller map) fits. Wang et al. 2004,
 * eq. 13. */
xai_status xai_score_ssim(const float *a, const float *b, int64_t h, int64_t w, double *out, xai_err *err);

/* ---- filters (filter.c, spectrum.c, gabor.c); a filter is c x kh x kw weights ---------------------------------- */
typedef struct xai_score_looks {
  double smooth;   /* correlation of neighbours: mean of those beside and those below one another; 0 for a flat filter */
  double oriented; /* length of the mean of e^(2 i theta) over the power spectrum, theta the frequency's direction, without
                      the lowest frequencies: 0 for none, 1 for a grating; 0 for a flat filter */
  double colour;   /* share of the sum of squares that is not grey (equal in all channels); 0 for one channel */
  double even;     /* share of the sum of squares that is the channels' means: 1 for a flat filter, 0 for zeros */
} xai_score_looks;
/* Fails with XAI_ENOMEM or XAI_ESTOP. */
xai_status xai_score_filter(const float *w, int64_t c, int64_t kh, int64_t kw, xai_score_looks *out, xai_err *err);

/* The amplitude of each frequency, of all channels together: the root of the sum of their squares; n x n, n at least kh
 * and kw. Frequency 0 is at row and column n / 2 (from 0), a step to the right is 1/n cycles per weight to the right, a step up
 * 1/n upwards. Fails with XAI_ENOMEM or XAI_ESTOP. */
xai_status xai_score_spectrum(const float *w, int64_t c, int64_t kh, int64_t kw, int64_t n, float *out, xai_err *err);

/* The Gabor function nearest to a filter: channel k is about offset_k + amplitude_k g(x, y),
 *
 *   g = exp(-a^2 / (2 along^2) - b^2 / (2 across^2)) cos(2 pi frequency a + phase)
 *   a = (x - x0) cos(theta) - (y - y0) sin(theta)      b = (x - x0) sin(theta) + (y - y0) cos(theta)
 *
 * with x to the right and y down in weights, 0 at the middle of the first: the wave runs along a. */
typedef struct xai_score_gabor_fit {
  double x, y;
  double theta;          /* 0 <= theta < pi, counterclockwise: 0 for upright stripes, pi / 2 for lying ones */
  double frequency;      /* cycles per weight, at most 0.5 */
  double phase;          /* -pi < phase <= pi, of the channel with the largest amplitude, which is positive */
  double along, across;  /* deviations of the envelope */
  double bandwidth;      /* octaves between the frequencies of half the amplitude; INFINITY when frequency 0 has more */
  double residual;       /* share of the filter's sum of squares, each channel without its mean, that is left; 1 for a
                            flat filter, of which the rest is 0 */
} xai_score_gabor_fit;
/* model (c x kh x kw, may be NULL): the fitted filter. kh and kw at least 2. Fails with XAI_ENOMEM or XAI_ESTOP. */
xai_status xai_score_gabor(const float *w, int64_t c, int64_t kh, int64_t kw, xai_score_gabor_fit *out, float *model,
                           xai_err *err);

/* ---- changed pictures (change.c); a picture is c x plane values ---------------------------------------------- */
/* x with the first 'count' pixels of the order taken from 'other'. */
void xai_score_mix(const float *x, const float *other, int64_t c, int64_t plane, const int64_t *order, int64_t count,
                   float *out);
/* x plus scale * N(0,1), or uniform in [-scale, scale]; element i is element i of the stream (base/rng.h). */
void xai_score_noise(const float *x, int64_t n, uint64_t stream, bool normal, double scale, float *out);
/* x times the map, scaled from its smallest and largest value to 0 and 1 (1 everywhere when it is constant); 0 but for
 * the first 'count' pixels of the order. */
void xai_score_weigh(const float *x, const float *map, int64_t c, int64_t plane, const int64_t *order, int64_t count,
                     float *out);
/* Sum of (x - moved) * phi; phi has c channels, or one that counts for each. */
double xai_score_dot(const float *x, const float *moved, int64_t c, int64_t plane, const float *phi, int64_t phi_c);

#endif
