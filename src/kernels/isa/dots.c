/* kernels/isa/dots.c: sums of products across lanes, for convolutions back to a few plain planes.
 *
 * The other way round from tile.c: there a vector holds sixteen filters, here the sixteen channels that are summed over, so
 * that three planes need three sums per position and not sixteen. A vector's lanes are added at the end. */
#include "kernels/isa/lanes.h"

#if VF == 16
enum { MOST = XK_DOTS }; /* positions at once */
#else
enum { MOST = 4 };
#endif
enum { PLANES = 3 }; /* at once */

/* P and F are constants where this is expanded. */
XK_INLINE void sum_dots(const int P, const int F, const xk_tile *t, const float *from, const float *weights, float *y) {
  vf sum[XK_DOTS][PLANES];
  XK_UNROLL for (int i = 0; i < P; i++) {
    XK_UNROLL for (int f = 0; f < F; f++) sum[i][f] = (vf){0};
  }
  for (int64_t r = 0; r < t->count[0]; r++) {
    for (int64_t s = 0; s < t->count[1]; s++) {
      const float *a = from + r * t->a_next[0] + s * t->a_next[1], *w = weights + r * t->w_next[0] + s * t->w_next[1];
      for (int64_t u = 0; u < t->count[2]; u++, a += t->a_next[2], w += t->w_next[2]) {
        for (int l = 0; l < 16; l += VF) {
          vf row[PLANES];
          XK_UNROLL for (int f = 0; f < F; f++) row[f] = vf_load(w + f * 16 + l);
          XK_UNROLL for (int i = 0; i < P; i++) {
            vf v = vf_load(a + i * 16 + l);
            XK_UNROLL for (int f = 0; f < F; f++) sum[i][f] += v * row[f];
          }
        }
      }
    }
  }
  XK_UNROLL for (int i = 0; i < P; i++) {
    XK_UNROLL for (int f = 0; f < F; f++) y[i * t->y_step + f * t->y_block] = vf_sum(sum[i][f]);
  }
}

typedef void work(const xk_tile *t, const float *a, const float *w, float *y);

#define DOTS(P, F)                                                                                                     \
  static void dots_##P##_##F(const xk_tile *t, const float *a, const float *w, float *y) { sum_dots(P, F, t, a, w, y); }
#define DOTS_TO_4(F) DOTS(1, F) DOTS(2, F) DOTS(3, F) DOTS(4, F)
#define NAMES_TO_4(F) dots_1_##F, dots_2_##F, dots_3_##F, dots_4_##F
#if VF == 16
#define DOTS_TO_MOST(F) DOTS_TO_4(F) DOTS(5, F) DOTS(6, F) DOTS(7, F) DOTS(8, F)
#define NAMES_TO_MOST(F) NAMES_TO_4(F), dots_5_##F, dots_6_##F, dots_7_##F, dots_8_##F
#else
#define DOTS_TO_MOST(F) DOTS_TO_4(F)
#define NAMES_TO_MOST(F) NAMES_TO_4(F)
#endif
DOTS_TO_MOST(1) DOTS_TO_MOST(2) DOTS_TO_MOST(3)
static work *const works[PLANES][MOST] = {{NAMES_TO_MOST(1)}, {NAMES_TO_MOST(2)}, {NAMES_TO_MOST(3)}};

void XK_ISA(dots)(const xk_tile *t, int64_t positions, const float *a, const float *w, float *y) {
  for (int64_t i = 0; i < positions; i += MOST)
    for (int64_t f = 0; f < t->width; f += PLANES) {
      int64_t count = positions - i < MOST ? positions - i : MOST, planes = t->width - f < PLANES ? t->width - f : PLANES;
      works[planes - 1][count - 1](t, a + i * t->a_step, w + f * 16, y + i * t->y_step + f * t->y_block);
    }
}
