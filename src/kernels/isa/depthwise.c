/* kernels/isa/depthwise.c: a row of a depthwise convolution. Positions are independent sums, so that as many are kept in
 * registers as hide the time of a multiply-add; each number of x is loaded anew for every tap. */
#include "kernels/isa/lanes.h"

enum { LANES = 16, MOST = 8 /* positions at once */ };

/* P and, unless it is 0, step are constants where this is expanded. */
XK_INLINE void sum_positions(const int P, const int64_t constant_step, const xk_taps *s, int64_t from, int64_t part,
                             const float *bias, const float *add, float *y) {
  const int64_t step = constant_step != 0 ? constant_step : s->x_step;
  vf sum[MOST];
  XK_UNROLL for (int i = 0; i < P; i++) sum[i] = bias != NULL ? vf_load(bias + part) : (vf){0};
  for (int64_t t = 0; t < s->count; t++) {
    const vf w = vf_load(s->w[t] + part);
    const float *x = s->x[t] + from * step + part;
    XK_UNROLL for (int i = 0; i < P; i++) sum[i] += vf_load(x + i * step) * w;
  }
  XK_UNROLL for (int i = 0; i < P; i++) {
    int64_t place = (from + i) * s->y_step + part;
    if (add != NULL) sum[i] += vf_load(add + place);
    vf_store(y + place, vf_clamp(sum[i], s->lo, s->hi));
  }
}

#define POSITIONS(P)                                                                                                   \
  case P:                                                                                                              \
    if (s->x_step == LANES) sum_positions(P, LANES, s, from, part, bias, add, y);                                      \
    else sum_positions(P, 0, s, from, part, bias, add, y);                                                             \
    break;

void XK_ISA(depthwise)(const xk_taps *s, int64_t positions, const float *bias, const float *add, float *y) {
  for (int64_t from = 0, n; from < positions; from += n) {
    n = positions - from < MOST ? positions - from : MOST;
    for (int64_t part = 0; part < LANES; part += VF)
      switch (n) { POSITIONS(1) POSITIONS(2) POSITIONS(3) POSITIONS(4) POSITIONS(5) POSITIONS(6) POSITIONS(7) POSITIONS(8) }
  }
}
