/* base/rng.c: see rng.h. */
#include "base/rng.h"

#include <math.h>

static uint64_t process_seed;

void xai_seed_set(uint64_t seed) { process_seed = seed; }
uint64_t xai_seed(void) { return process_seed; }

/* 52 bits and a half: with 53 the largest value would round to 1. */
double xai_rng_uniform(uint64_t base, uint64_t i) { return ((double)(xai_rng_u64(base, i) >> 12) + 0.5) * 0x1p-52; }

double xai_rng_normal(uint64_t base, uint64_t i) {
  double u = xai_rng_uniform(base, 2 * i), v = xai_rng_uniform(base, 2 * i + 1);
  return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}
