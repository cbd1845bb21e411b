/* base/rng.h: a counter-based generator. Value i of stream (seed, stream) is a pure function of
 * the three numbers, so noise does not depend on batch, order or thread. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

/* splitmix64's finalizer: 64 well-mixed bits. */
static inline uint64_t xai_rng_mix(uint64_t z) {
  z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
  return z ^ z >> 31;
}

/* The start of a stream; element i is then xai_rng_u64(base, i). */
static inline uint64_t xai_rng_stream(uint64_t seed, uint64_t stream) {
  return xai_rng_mix(xai_rng_mix(seed + UINT64_C(0x9E3779B97F4A7C15)) ^ (stream * UINT64_C(0xD1342543DE82EF95) + 1));
}
static inline uint64_t xai_rng_u64(uint64_t base, uint64_t i) {
  return xai_rng_mix(base + (i + 1) * UINT64_C(0x9E3779B97F4A7C15));
}
double xai_rng_uniform(uint64_t base, uint64_t i); /* in (0,1) */
double xai_rng_normal(uint64_t base, uint64_t i);  /* N(0,1), Box-Muller on elements 2i and 2i+1 */

/* The process-wide seed that --seed sets; 0 at start. */
void xai_seed_set(uint64_t seed);
uint64_t xai_seed(void);

#endif
