/* viz/normalize.c: which values the two ends of a colour map stand for.
 *
 * Nothing is rescaled here: a scale is kept beside the map, drawn on its colour bar, and may be shared by several maps.
 */
#include <math.h>
#include <string.h>

#include "viz/viz.h"

/* The bits of |v|: for numbers that are not negative they are ordered like the numbers themselves. */
static uint32_t magnitude_bits(float v) {
  uint32_t bits;
  memcpy(&bits, &v, sizeof bits);
  return bits & 0x7fffffffu;
}

/* The k-th smallest (from 0) of the finite |v|: four rounds of counting, one byte of the bit pattern each. Needs no
 * memory, so it cannot fail. */
static double magnitude_at(const float *v, int64_t n, int64_t k) {
  uint32_t prefix = 0, mask = 0;
  for (int shift = 24; shift >= 0; shift -= 8) {
    int64_t count[256] = {0};
    for (int64_t i = 0; i < n; i++)
      if (isfinite(v[i]) && (magnitude_bits(v[i]) & mask) == prefix) count[magnitude_bits(v[i]) >> shift & 255]++;
    uint32_t byte = 0;
    while (k >= count[byte]) k -= count[byte++];
    prefix |= byte << shift;
    mask |= 255u << shift;
  }
  float found;
  memcpy(&found, &prefix, sizeof found);
  return found;
}

/* Linear between the two neighbouring order statistics: position quantile * (count - 1), as numpy does it. */
static double magnitude_quantile(const float *v, int64_t n, int64_t finite, double quantile) {
  double position = quantile * (double)(finite - 1);
  int64_t k = (int64_t)position;
  double below = magnitude_at(v, n, k), part = position - (double)k;
  return part > 0 ? below + part * (magnitude_at(v, n, k + 1) - below) : below;
}

xai_scale xai_scale_of(const float *v, int64_t n, bool diverging, double quantile) {
  double min = 0, max = 0;
  int64_t finite = 0;
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(v[i])) continue;
    if (finite == 0 || v[i] < min) min = v[i];
    if (finite == 0 || v[i] > max) max = v[i];
    finite++;
  }
  double most = fmax(fabs(min), fabs(max));
  if (most == 0) return diverging ? (xai_scale){-1, 1} : (xai_scale){0, 1};
  if (quantile > 0 && quantile < 1) {
    double q = magnitude_quantile(v, n, finite, quantile);
    if (q > 0) most = q; /* mostly zeros: the few values that are not still have to be seen */
  }
  if (diverging) return (xai_scale){-most, most};
  if (min >= 0) return (xai_scale){0, most};
  double lo = fmax(min, -most), hi = fmin(max, most);
  return (xai_scale){lo, lo < hi ? hi : 0};
}
