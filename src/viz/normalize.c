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

/* The least finite |v| such that those up to it sum up to at least 'share' of all. As above, with sums in place of counts. */
static double magnitude_of_mass(const float *v, int64_t n, double share) {
  uint32_t prefix = 0, mask = 0;
  double left = 0;
  for (int64_t i = 0; i < n; i++)
    if (isfinite(v[i])) left += fabs((double)v[i]);
  left *= share;
  for (int shift = 24; shift >= 0; shift -= 8) {
    double sum[256] = {0};
    uint32_t byte = 0, last = 0;
    for (int64_t i = 0; i < n; i++)
      if (isfinite(v[i]) && (magnitude_bits(v[i]) & mask) == prefix)
        sum[magnitude_bits(v[i]) >> shift & 255] += fabs((double)v[i]);
    for (uint32_t k = 0; k < 256; k++)
      if (sum[k] > 0) last = k;
    for (; byte < last && left > sum[byte]; byte++) left -= sum[byte]; /* rounding must not lead beyond the last one */
    prefix |= byte << shift;
    mask |= 255u << shift;
  }
  float found;
  memcpy(&found, &prefix, sizeof found);
  return found;
}

typedef struct range {
  double min, max;
  int64_t finite;
} range;

static range range_of(const float *v, int64_t n) {
  range r = {0};
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(v[i])) continue;
    if (r.finite == 0 || v[i] < r.min) r.min = v[i];
    if (r.finite == 0 || v[i] > r.max) r.max = v[i];
    r.finite++;
  }
  return r;
}

static double largest(range r) { return fmax(fabs(r.min), fabs(r.max)); }

static xai_scale scale_up_to(range r, double most, bool diverging) {
  if (most == 0) return diverging ? (xai_scale){-1, 1} : (xai_scale){0, 1};
  double min = r.min, max = r.max;
  if (diverging) return (xai_scale){-most, most};
  if (min >= 0) return (xai_scale){0, most};
  double lo = fmax(min, -most), hi = fmin(max, most);
  return (xai_scale){lo, lo < hi ? hi : 0};
}

xai_scale xai_scale_of(const float *v, int64_t n, bool diverging, double quantile) {
  range r = range_of(v, n);
  double most = largest(r);
  if (most > 0 && quantile > 0 && quantile < 1) {
    double q = magnitude_quantile(v, n, r.finite, quantile);
    if (q > 0) most = q; /* mostly zeros: the few values that are not still have to be seen */
  }
  return scale_up_to(r, most, diverging);
}

xai_scale xai_scale_of_mass(const float *v, int64_t n, bool diverging, double mass) {
  range r = range_of(v, n);
  double most = largest(r);
  if (most > 0 && mass > 0 && mass < 1) most = magnitude_of_mass(v, n, mass);
  return scale_up_to(r, most, diverging);
}
