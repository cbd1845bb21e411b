/* scenes/dice.h: random numbers in the order in which they are asked for, and angles without libm.
 *
 * Sine and cosine are polynomials, so that they have the same last digit everywhere; this floor is compiled without
 * contraction of products and sums. An angle is a fraction of a turn in 32 bits and wraps by itself. */
#ifndef SCENES_DICE_H
#define SCENES_DICE_H

#include <stdbool.h>

#include "base/rng.h"

typedef struct xai_dice {
  uint64_t base, thrown;
} xai_dice;

/* Dice of their own for part k of what 'd' was made for. */
static inline xai_dice dice_of(uint64_t seed, uint64_t k) { return (xai_dice){xai_rng_stream(seed, k), 0}; }

static inline uint64_t dice_bits(xai_dice *d) { return xai_rng_u64(d->base, d->thrown++); }
static inline double dice_between(xai_dice *d, double lo, double hi) {
  return lo + (hi - lo) * ((double)(dice_bits(d) >> 11) * 0x1p-53);
}
static inline bool dice_chance(xai_dice *d, double p) { return dice_between(d, 0, 1) < p; }
/* 0 .. n-1, with a bias of n / 2^32 */
static inline int dice_int(xai_dice *d, int n) { return (int)((dice_bits(d) >> 32) * (uint64_t)n >> 32); }
static inline uint32_t dice_turn(xai_dice *d) { return (uint32_t)(dice_bits(d) >> 32); }

static inline uint32_t turn_of_degrees(double degrees) { return (uint32_t)(int64_t)(degrees * (0x1p32 / 360)); }

/* sin 2 pi t by its Taylor polynomial on a quarter of a turn; off by 4e-6 at most. */
static inline float turn_sin(uint32_t turn) {
  float t = (float)(int32_t)turn * 0x1p-32f;
  float a = t < 0 ? -t : t;
  a = a > 0.25f ? 0.5f - a : a;
  float q = a * a;
  float s = a * (6.2831853f + q * (-41.341702f + q * (81.605249f + q * (-76.705860f + q * 42.058694f))));
  return t < 0 ? -s : s;
}
static inline float turn_cos(uint32_t turn) { return turn_sin(turn + 0x40000000u); }

#endif
