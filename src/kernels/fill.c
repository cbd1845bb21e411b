/* kernels/fill.c: arrays of numbers that follow from a seed: element i depends on seed and i only. */
#include <string.h>

#include "base/rng.h"
#include "kernels/private.h"

/* Elements [from, to), in float arithmetic. A plain loop over 64-bit products, which newer instruction sets do several
 * at a time; the sum stands apart so that no compiler makes one rounding of the two. */
XK_CLONES
static void fill_part(uint64_t seed, int64_t from, int64_t to, float centre, float radius, float *y) {
  for (int64_t i = from; i < to; i++) {
    int32_t top = (int32_t)(xai_rng_u64(seed, (uint64_t)i) >> 40); /* 24 bits: exact as a float */
    y[i] = radius * ((float)top * 0x1p-23f - 1);
  }
  for (int64_t i = from; centre != 0 && i < to; i++) y[i] += centre;
}

void xk_fill_uniform(uint64_t seed, int64_t n, float centre, float radius, float *y) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n > XK__CHUNK)
  for (int64_t at = 0; at < n; at += XK__CHUNK)
    if (!xai_stop_requested()) fill_part(seed, at, xk__min(n, at + XK__CHUNK), centre, radius, y);
}

/* ---- normal noise --------------------------------------------------------------------------------------------- */
/* xai_rng_uniform without its conversion, which few instruction sets do several at a time: 52 bits behind a 1 before the
 * point, from which 1 - 2^-53 is taken. */
static inline double uniform(uint64_t base, uint64_t i) {
  uint64_t bits = xai_rng_u64(base, i) >> 12 | UINT64_C(0x3ff0000000000000);
  double one_to_two;
  memcpy(&one_to_two, &bits, sizeof bits);
  return one_to_two - 1 + 0x1p-53;
}

/* log u = e log 2 + log m, m in [1/sqrt 2, sqrt 2); log m = 2 artanh t, t = (m - 1) / (m + 1). To 2e-11. */
static inline double logarithm(double u) {
  uint64_t bits;
  memcpy(&bits, &u, sizeof bits);
  uint64_t up = (bits + UINT64_C(0x95f6198000000)) >> 52; /* exponent, one more where the mantissa is beyond sqrt 2 */
  bits -= (up - 1023) << 52;
  double m, e = (double)(int32_t)((int32_t)up - 1023);
  memcpy(&m, &bits, sizeof m);
  double t = (m - 1) / (m + 1), s = t * t;
  double series = 1 + s * (1. / 3 + s * (1. / 5 + s * (1. / 7 + s * (1. / 9 + s * (1. / 11)))));
  return e * 0.6931471805599453 + 2 * t * series;
}

/* Cosine and sine of v turns, v in (0, 1): of r = v - k / 4, at most 1/8, exchanged and negated by the quarter k. To 1e-12. */
static inline void turn(double v, double *cosine, double *sine) {
  int32_t k = (int32_t)(4 * v + 0.5);
  double r = 6.283185307179586 * (v - 0.25 * k), s = r * r;
  double a = r * (1 - s * (1. / 6 - s * (1. / 120 - s * (1. / 5040 - s * (1. / 362880 - s * (1. / 39916800))))));
  double b = 1 - s * (0.5 - s * (1. / 24 - s * (1. / 720 - s * (1. / 40320 - s * (1. / 3628800 - s * (1. / 479001600))))));
  double x = k & 1 ? a : b, y = k & 1 ? b : a;
  *cosine = (k + 1) & 2 ? -x : x;
  *sine = k & 2 ? -y : y;
}

/* Box, Muller 1958: elements 2i and 2i+1 of a stream of uniform numbers give two normal ones. [from, to) is even but
 * for the last element of all. */
XK_CLONES
static void noise_part(uint64_t base, double sigma, int64_t from, int64_t to, const float *x, float *y) {
  int64_t i = from;
  for (; i + 1 < to; i += 2) {
    double cosine, sine, length = sigma * sqrt(-2 * logarithm(uniform(base, (uint64_t)i)));
    turn(uniform(base, (uint64_t)i + 1), &cosine, &sine);
    y[i] = (float)(x[i] + length * cosine);
    y[i + 1] = (float)(x[i + 1] + length * sine);
  }
  if (i < to) {
    double cosine, sine, length = sigma * sqrt(-2 * logarithm(uniform(base, (uint64_t)i)));
    turn(uniform(base, (uint64_t)i + 1), &cosine, &sine);
    y[i] = (float)(x[i] + length * cosine);
  }
}

void xk_add_noise(uint64_t base, double sigma, int64_t n, const float *x, float *y) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n > XK__CHUNK)
  for (int64_t at = 0; at < n; at += XK__CHUNK) /* even, so no pair is cut */
    if (!xai_stop_requested()) noise_part(base, sigma, at, xk__min(n, at + XK__CHUNK), x, y);
}

/* A number below 2^24 ratio drops: 24 bits of the stream per element. */
XK_CLONES
static void drop_part(uint64_t base, uint64_t limit, float factor, int64_t from, int64_t to, const float *x, float *y) {
  for (int64_t i = from; i < to; i++) {
    uint64_t drawn = xai_rng_u64(base, (uint64_t)i) >> 40;
    y[i] = drawn < limit ? 0 : x[i] * factor;
  }
}

void xk_dropout(uint64_t base, float ratio, int64_t n, const float *x, float *y, uint8_t *stayed) {
  uint64_t limit = (uint64_t)(ratio * 0x1p24f);
  float factor = 1 / (1 - ratio);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n > XK__CHUNK)
  for (int64_t at = 0; at < n; at += XK__CHUNK) {
    int64_t end = xk__min(n, at + XK__CHUNK);
    if (xai_stop_requested()) continue;
    drop_part(base, limit, factor, at, end, x, y);
    for (int64_t i = at; stayed != NULL && i < end; i++) stayed[i] = xai_rng_u64(base, (uint64_t)i) >> 40 >= limit;
  }
}
