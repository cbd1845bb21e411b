/* blocked_arrays.h: the definition of a channel-blocked array, for tests. */
#ifndef BLOCKED_ARRAYS_H
#define BLOCKED_ARRAYS_H

#include "kernels/blocked.h"
#include "ktest.h"

/* Where element (image, channel, pixel) of n x c x hw stands. */
static inline int64_t blocked_at(int64_t c, int64_t hw, int64_t image, int64_t channel, int64_t pixel) {
  return ((image * xk_blocks(c) + channel / XK_LANES) * hw + pixel) * XK_LANES + channel % XK_LANES;
}

static inline int64_t blocked_count(int64_t n, int64_t c, int64_t hw) { return n * xk_blocks(c) * hw * XK_LANES; }

static inline float *to_blocks(int64_t n, int64_t c, int64_t hw, const float *x) {
  float *y = floats(blocked_count(n, c, hw));
  for (int64_t i = 0; i < blocked_count(n, c, hw); i++) y[i] = 0;
  for (int64_t i = 0; i < n * c * hw; i++) y[blocked_at(c, hw, i / (c * hw), i / hw % c, i % hw)] = x[i];
  return y;
}

/* The blocked array holds exactly these numbers, and zeros beyond c. NaN equals NaN. */
static inline void assert_blocks(int64_t n, int64_t c, int64_t hw, const float *got, const float *plain) {
  float *want = to_blocks(n, c, hw, plain);
  for (int64_t i = 0; i < blocked_count(n, c, hw); i++)
    if (!(got[i] == want[i]) && !(got[i] != got[i] && want[i] != want[i]))
      fail_msg("element %d: %.9g, expected %.9g", (int)i, (double)got[i], (double)want[i]);
  free(want);
}

#endif
