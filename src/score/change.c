/* score/change.c: pictures with pixels taken away, put back, weighed or moved a little, to see what a network makes of
 * them. */
#include <string.h>

#include "base/rng.h"
#include "score/score.h"

void xai_score_mix(const float *x, const float *other, int64_t c, int64_t plane, const int64_t *order, int64_t count,
                   float *out) {
  memcpy(out, x, (size_t)(c * plane) * sizeof *out);
  for (int64_t k = 0; k < c; k++)
    for (int64_t i = 0; i < count; i++) out[k * plane + order[i]] = other[k * plane + order[i]];
}

void xai_score_noise(const float *x, int64_t n, uint64_t stream, bool normal, double scale, float *out) {
  for (int64_t i = 0; i < n; i++) {
    double z = normal ? xai_rng_normal(stream, (uint64_t)i) : 2 * xai_rng_uniform(stream, (uint64_t)i) - 1;
    out[i] = (float)(x[i] + scale * z);
  }
}

void xai_score_weigh(const float *x, const float *map, int64_t c, int64_t plane, const int64_t *order, int64_t count,
                     float *out) {
  float hi = map[order[0]], lo = map[order[plane - 1]];
  memset(out, 0, (size_t)(c * plane) * sizeof *out);
  for (int64_t i = 0; i < count; i++) {
    int64_t at = order[i];
    float share = hi > lo ? (map[at] - lo) / (hi - lo) : 1;
    for (int64_t k = 0; k < c; k++) out[k * plane + at] = share * x[k * plane + at];
  }
}

double xai_score_dot(const float *x, const float *moved, int64_t c, int64_t plane, const float *phi, int64_t phi_c) {
  double sum = 0;
  for (int64_t k = 0; k < c; k++) {
    const float *f = phi + (phi_c == 1 ? 0 : k * plane);
    for (int64_t i = 0; i < plane; i++) sum += ((double)x[k * plane + i] - moved[k * plane + i]) * f[i];
  }
  return sum;
}
