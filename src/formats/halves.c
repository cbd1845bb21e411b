/* formats/halves.c: 16-bit floats to 32-bit ones. Every half is a float32 exactly, so nothing is rounded. */
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

/* bfloat16 is the upper half of a float32. */
void xai_widen_bf16(const unsigned char *from, size_t n, float *to) {
  for (size_t i = 0; i < n; i++) to[i] = from_bits((uint32_t)from[2 * i] << 16 | (uint32_t)from[2 * i + 1] << 24);
}
