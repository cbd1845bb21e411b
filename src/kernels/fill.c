/* kernels/fill.c: arrays of numbers that follow from a seed: element i depends on seed and i only. */
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

void xk_add_noise(uint64_t base, double sigma, int64_t n, const float *x, float *y) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n > XK__CHUNK)
  for (int64_t at = 0; at < n; at += XK__CHUNK) { /* even, so no pair is cut */
    int64_t end = xk__min(n, at + XK__CHUNK);
    for (int64_t i = at; i < end && !xai_stop_requested(); i += 2) {
      double u = xai_rng_uniform(base, (uint64_t)i), v = 6.283185307179586 * xai_rng_uniform(base, (uint64_t)i + 1);
      double length = sigma * sqrt(-2 * log(u));
      y[i] = (float)(x[i] + length * cos(v));
      if (i + 1 < end) y[i + 1] = (float)(x[i + 1] + length * sin(v));
    }
  }
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
