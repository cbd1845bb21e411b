/* kernels/isa/depthwise.c: depthwise convolutions (see xk_taps). Positions are independent sums, so that as many are kept
 * in registers as hide the time of a multiply-add; each number of x is loaded anew for every tap. */
#include "kernels/isa/lanes.h"

enum {
  LANES = 16,
  MOST = VF == 16 ? 14 : 8, /* positions at once, where their distance is a constant */
  STRIDED = 4               /* otherwise: more would not find registers for their addresses */
};

/* P and, unless it is 0, constant_step are constants where this is expanded. */
XK_INLINE void sum_positions(const int P, const int64_t constant_step, const xk_taps *s, int64_t x, int64_t y_at,
                             int64_t part, const float *bias, const float *add, float *y) {
  const int64_t step = constant_step != 0 ? constant_step : s->x_step;
  vf sum[MOST];
  XK_UNROLL for (int i = 0; i < P; i++) sum[i] = bias != NULL ? vf_load(bias + part) : (vf){0};
  for (int64_t t = 0; t < s->count; t++) {
    const vf w = vf_load(s->w[t] + part);
    const float *from = s->x[t] + x + part;
    XK_UNROLL for (int i = 0; i < P; i++) sum[i] += vf_load(from + i * step) * w;
  }
  const int64_t place = y_at + part, y_step = s->y_step;
  const float lo = s->lo, hi = s->hi, most = vf_most(hi), *gate = s->gate;
  const xk_relu_rule rule = s->rule;
  if (add != NULL) {
    XK_UNROLL for (int i = 0; i < P; i++) sum[i] += vf_load(add + place + i * y_step);
  }
  if (gate == NULL) {
    XK_UNROLL for (int i = 0; i < P; i++) vf_store(y + place + i * y_step, vf_clamp(sum[i], lo, hi));
    return;
  }
  XK_UNROLL for (int i = 0; i < P; i++) {
    const vf before = vf_load(gate + place + i * y_step);
    if (rule == XK_RELU_PLAIN) sum[i] = vf_gate(sum[i], before, XK_RELU_PLAIN, lo, most);
    else sum[i] = vf_gate(sum[i], before, rule, lo, most);
    vf_store(y + place + i * y_step, sum[i]);
  }
}

typedef void work(const xk_taps *s, int64_t x, int64_t y_at, int64_t part, const float *bias, const float *add, float *y);

#define POSITIONS(P)                                                                                                   \
  static void sum_##P(const xk_taps *s, int64_t x, int64_t y_at, int64_t part, const float *bias, const float *add,    \
                      float *y) {                                                                                      \
    if (s->x_step == LANES) sum_positions(P, LANES, s, x, y_at, part, bias, add, y);                                   \
    else if (s->x_step == 2 * LANES) sum_positions(P, 2 * LANES, s, x, y_at, part, bias, add, y);                      \
    else if (P <= STRIDED) sum_positions(P, 0, s, x, y_at, part, bias, add, y);                                        \
  }
POSITIONS(1) POSITIONS(2) POSITIONS(3) POSITIONS(4) POSITIONS(5) POSITIONS(6) POSITIONS(7) POSITIONS(8)
#if VF == 16
POSITIONS(9) POSITIONS(10) POSITIONS(11) POSITIONS(12) POSITIONS(13) POSITIONS(14)
static work *const sums[MOST] = {sum_1, sum_2, sum_3,  sum_4,  sum_5,  sum_6,  sum_7,
                                 sum_8, sum_9, sum_10, sum_11, sum_12, sum_13, sum_14};
#else
static work *const sums[MOST] = {sum_1, sum_2, sum_3, sum_4, sum_5, sum_6, sum_7, sum_8};
#endif

void XK_ISA(depthwise)(const xk_taps *s, int64_t lines, int64_t positions, const float *bias, const float *add,
                       float *y) {
  int64_t most = s->x_step == LANES || s->x_step == 2 * LANES ? MOST : STRIDED, parts = (positions + most - 1) / most;
  for (int64_t r = 0; r < lines; r++)
    for (int64_t p = 0; p < parts; p++) {
      int64_t from = p * positions / parts, to = (p + 1) * positions / parts;
      for (int64_t part = 0; part < LANES; part += VF)
        sums[to - from - 1](s, r * s->x_line + from * s->x_step, r * s->y_line + from * s->y_step, part, bias, add, y);
    }
}
