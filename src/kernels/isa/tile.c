/* kernels/isa/tile.c: the register tile of convolutions (see xk_tile).
 *
 * For each lane, a row of weights is loaded and every position's number is multiplied with all of it. With P positions
 * and J vectors of filters that is P*J multiply-adds for P + J loads, so P and J are made as large as the registers
 * allow: 14 x 2 of 32 registers, 6 x 2 of 16. */
#include "kernels/isa/lanes.h"

#if VF == 16
enum { MOST = XK_TILE }; /* positions at once */
#else
enum { MOST = 6 };
#endif
enum { COLUMNS = 2 }; /* vectors of filters at once, at most */

/* One piece of a tile: positions i < half from a, the others from b. */
typedef struct piece {
  const float *a, *b, *w, *scale, *bias, *add, *gate;
  float *y;
  int64_t width; /* from one row of weights to the next */
} piece;

/* P and J are constants where this is expanded. */
XK_INLINE void sum_piece(const int P, const int J, const xk_tile *t, const piece *p) {
  vf sum[XK_TILE][COLUMNS];
  const int64_t step = t->a_step, width = p->width, lanes = t->lanes;
  const int64_t y_step = t->y_step, y_half = t->y_half, y_block = t->y_block;
  const float *ahead = t->ahead, *add = p->add, *gate = p->gate;
#define PLACE (i / XK_TILE_HALF * y_half + i % XK_TILE_HALF * y_step + j * VF / 16 * y_block + j * VF % 16)
  XK_UNROLL for (int i = 0; i < P; i++) {
    XK_UNROLL for (int j = 0; j < J; j++) {
      sum[i][j] = (vf){0};
      if (add != NULL) __builtin_prefetch(add + PLACE); /* what the sums will meet at their end */
      if (gate != NULL) __builtin_prefetch(gate + PLACE);
    }
  }
  for (int64_t r = 0; r < t->count[0]; r++) {
    for (int64_t s = 0; s < t->count[1]; s++) {
      int64_t outer_a = r * t->a_next[0] + s * t->a_next[1], outer_w = r * t->w_next[0] + s * t->w_next[1];
      for (int64_t u = 0; u < t->count[2]; u++) {
        const float *a = p->a + outer_a + u * t->a_next[2], *b = p->b + outer_a + u * t->a_next[2];
        const float *w = p->w + outer_w + u * t->w_next[2];
        for (int64_t k = 0; k < t->lines; k++, ahead += 16) __builtin_prefetch(ahead, 0, 2);
        for (int64_t l = 0; l < lanes; l++, a++, b++, w += width) {
          vf row[COLUMNS];
          XK_UNROLL for (int j = 0; j < J; j++) row[j] = vf_load(w + j * VF);
          XK_UNROLL for (int i = 0; i < P; i++) {
            const float v = i < XK_TILE_HALF ? a[i * step] : b[(i - XK_TILE_HALF) * step];
            XK_UNROLL for (int j = 0; j < J; j++) sum[i][j] += v * row[j];
          }
        }
      }
    }
  }
  const float lo = t->lo, hi = t->hi;
  float *y = p->y;
  if (p->scale != NULL) {
    XK_UNROLL for (int j = 0; j < J; j++) {
      const vf scale = vf_load(p->scale + j * VF);
      XK_UNROLL for (int i = 0; i < P; i++) sum[i][j] *= scale;
    }
  }
  if (p->bias != NULL) {
    XK_UNROLL for (int j = 0; j < J; j++) {
      const vf bias = vf_load(p->bias + j * VF);
      XK_UNROLL for (int i = 0; i < P; i++) sum[i][j] += bias;
    }
  }
  if (add != NULL) {
    XK_UNROLL for (int i = 0; i < P; i++) {
      XK_UNROLL for (int j = 0; j < J; j++) sum[i][j] += vf_load(add + PLACE);
    }
  }
  if (gate != NULL) {
    const xk_relu_rule rule = t->rule;
    const float most = vf_most(hi);
    XK_UNROLL for (int i = 0; i < P; i++) {
      XK_UNROLL for (int j = 0; j < J; j++) {
        const vf before = vf_load(gate + PLACE);
        if (rule == XK_RELU_PLAIN) sum[i][j] = vf_gate(sum[i][j], before, XK_RELU_PLAIN, lo, most);
        else sum[i][j] = vf_gate(sum[i][j], before, rule, lo, most);
        vf_store(y + PLACE, sum[i][j]);
      }
    }
    return;
  }
  XK_UNROLL for (int i = 0; i < P; i++) {
    XK_UNROLL for (int j = 0; j < J; j++) vf_store(y + PLACE, vf_clamp(sum[i][j], lo, hi));
  }
#undef PLACE
}

typedef void work(const xk_tile *t, const piece *p);

#define PIECE(P, J)                                                                                                    \
  static void piece_##P##_##J(const xk_tile *t, const piece *p) { sum_piece(P, J, t, p); }
#define PIECES_TO_6(J) PIECE(1, J) PIECE(2, J) PIECE(3, J) PIECE(4, J) PIECE(5, J) PIECE(6, J)
#define PIECES_TO_14(J)                                                                                                \
  PIECE(7, J) PIECE(8, J) PIECE(9, J) PIECE(10, J) PIECE(11, J) PIECE(12, J) PIECE(13, J) PIECE(14, J)
#define NAMES_TO_6(J) piece_1_##J, piece_2_##J, piece_3_##J, piece_4_##J, piece_5_##J, piece_6_##J
#define NAMES_TO_14(J)                                                                                                 \
  piece_7_##J, piece_8_##J, piece_9_##J, piece_10_##J, piece_11_##J, piece_12_##J, piece_13_##J, piece_14_##J

#if VF == 16
PIECES_TO_6(1) PIECES_TO_14(1) PIECES_TO_6(2) PIECES_TO_14(2)
static work *const pieces[COLUMNS][MOST] = {{NAMES_TO_6(1), NAMES_TO_14(1)}, {NAMES_TO_6(2), NAMES_TO_14(2)}};

void XK_ISA(tile)(const xk_tile *t, int64_t positions, const float *a, const float *w, const float *bias,
                  const float *add, float *y) {
  piece p = {.a = a, .b = a + t->a_half, .w = w, .scale = t->scale, .bias = bias, .add = add, .gate = t->gate, .y = y,
             .width = t->width};
  pieces[t->width / VF - 1][positions - 1](t, &p);
}
#else
PIECES_TO_6(2)
static work *const pieces[MOST] = {NAMES_TO_6(2)};

/* A run of neighbours, in pieces of about the same size; all filters for one before the next. */
static void sum_run(const xk_tile *t, int64_t positions, const float *a, const float *w, const float *bias,
                    const float *add, const float *gate, float *y) {
  int64_t parts = (positions + MOST - 1) / MOST;
  for (int64_t part = 0; part < parts; part++) {
    int64_t from = part * positions / parts, to = (part + 1) * positions / parts;
    for (int64_t f = 0; f < t->width; f += COLUMNS * VF) {
      int64_t at = from * t->y_step + f / 16 * t->y_block + f % 16;
      piece p = {.a = a + from * t->a_step, .w = w + f, .y = y + at, .width = t->width};
      p.b = p.a;
      p.scale = t->scale != NULL ? t->scale + f : NULL;
      p.bias = bias != NULL ? bias + f : NULL;
      p.add = add != NULL ? add + at : NULL;
      p.gate = gate != NULL ? gate + at : NULL;
      pieces[to - from - 1](t, &p);
    }
  }
}

void XK_ISA(tile)(const xk_tile *t, int64_t positions, const float *a, const float *w, const float *bias,
                  const float *add, float *y) {
  bool in_a_row = t->a_half == XK_TILE_HALF * t->a_step && t->y_half == XK_TILE_HALF * t->y_step;
  int64_t first = in_a_row || positions <= XK_TILE_HALF ? positions : XK_TILE_HALF;
  sum_run(t, first, a, w, bias, add, t->gate, y);
  if (first < positions)
    sum_run(t, positions - first, a + t->a_half, w, bias, add != NULL ? add + t->y_half : NULL,
            t->gate != NULL ? t->gate + t->y_half : NULL, y + t->y_half);
}
#endif
