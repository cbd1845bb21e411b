/* formats/halves.c: 16-bit floats to 32-bit ones, which is exact, and float32 to float16, which rounds. */
#include <string.h>

#include "formats/formats.h"

static float from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* float16: 1 sign, 5 exponent (bias 15), 10 fraction. float32: 1, 8 (bias 127), 23. */
static float widen(uint32_t half) {
  uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 0x1F, fraction = half & 0x3FF;
  if (exponent == 0) { /* zero, or subnormal: fraction * 2^-24, which float32 has as a normal number */
    float size = (float)fraction * 0x1p-24F;
    return sign != 0 ? -size : size;
  }
  if (exponent == 0x1F) return from_bits(sign | 0x7F800000 | fraction << 13); /* infinity, NaN with its payload */
  return from_bits(sign | (exponent + 127 - 15) << 23 | fraction << 13);
}

void xai_widen_f16(const unsigned char *from, size_t n, float *to) {
  for (size_t i = 0; i < n; i++) to[i] = widen((uint32_t)from[2 * i] | (uint32_t)from[2 * i + 1] << 8);
}

static uint32_t to_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/* To the nearest, ties to even. A carry out of the fraction steps the exponent, which is what rounding up means; beyond
 * the largest half that makes infinity. Below 2^-14 halves are multiples of 2^-24, and so is the last place of a float32
 * between 0.5 and 1: adding 0.5 rounds there. */
static uint32_t narrow(float value) {
  uint32_t bits = to_bits(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000) return sign | 0x7E00; /* NaN */
  if (magnitude >= 0x47800000) return sign | 0x7C00; /* 2^16 and more */
  if (magnitude < 0x38800000) return sign | (to_bits(from_bits(magnitude) + 0.5F) - to_bits(0.5F));
  uint32_t half = (magnitude >> 13) - ((127 - 15) << 10), rest = magnitude & 0x1FFF;
  return sign | (half + (rest > 0x1000 || (rest == 0x1000 && (half & 1) != 0)));
}

void xai_narrow_f16(const float *from, size_t n, unsigned char *to) {
  for (size_t i = 0; i < n; i++) {
    uint32_t half = narrow(from[i]);
    to[2 * i] = (unsigned char)half;
    to[2 * i + 1] = (unsigned char)(half >> 8);
  }
}

/* bfloat16 is the upper half of a float32. */
void xai_widen_bf16(const unsigned char *from, size_t n, float *to) {
  for (size_t i = 0; i < n; i++) to[i] = from_bits((uint32_t)from[2 * i] << 16 | (uint32_t)from[2 * i + 1] << 24);
}
