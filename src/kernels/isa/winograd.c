/* kernels/isa/winograd.c: the transforms of blocked_winograd.c.
 *
 * F(m, 3), m outputs of three taps: y = A' [(G w) * (B' x)], with m + 2 products. The points at which polynomials are
 * multiplied are 0, 5/8, -5/8, 3/2, -3/2, infinity for m = 4 and 0, 1, -1, infinity for m = 2; for p and -p even and odd
 * terms are summed once. Row i of B' has the coefficients of the product of (x - q) over the other finite points q, for
 * infinity over all of them; A has the rows 1, p, p^2, ..; what Lagrange divides by is in G, where it costs nothing. All
 * constants are exact. A tile is transformed along its columns, then along its rows. */
#include "kernels/isa/lanes.h"

#define P 0.625f
#define Q 1.5f

enum { LANES = 16, SIDE = 6, OUT = 4 /* at most */ };

/* B' v */
XK_INLINE void spread_six(const vf v[SIDE], vf to[SIDE]) {
  vf even = v[4] - Q * Q * v[2], odd = v[3] - Q * Q * v[1], even2 = v[4] - P * P * v[2], odd2 = v[3] - P * P * v[1];
  to[0] = (v[4] - (P * P + Q * Q) * v[2]) + P * P * Q * Q * v[0];
  to[1] = even + P * odd;
  to[2] = even - P * odd;
  to[3] = even2 + Q * odd2;
  to[4] = even2 - Q * odd2;
  to[5] = (v[5] - (P * P + Q * Q) * v[3]) + P * P * Q * Q * v[1];
}

XK_INLINE void spread_four(const vf v[SIDE], vf to[SIDE]) {
  to[0] = v[0] - v[2];
  to[1] = v[2] + v[1];
  to[2] = v[2] - v[1];
  to[3] = v[3] - v[1];
}

/* A' v */
XK_INLINE void collect_six(const vf v[SIDE], vf to[OUT]) {
  vf sum = v[1] + v[2], odd = v[1] - v[2], sum2 = v[3] + v[4], odd2 = v[3] - v[4];
  to[0] = v[0] + sum + sum2;
  to[1] = P * odd + Q * odd2;
  to[2] = P * P * sum + Q * Q * sum2;
  to[3] = P * P * P * odd + (Q * Q * Q * odd2 + v[5]);
}

XK_INLINE void collect_four(const vf v[SIDE], vf to[OUT]) {
  to[0] = v[0] + (v[1] + v[2]);
  to[1] = v[3] + (v[1] - v[2]);
}

/* A v */
XK_INLINE void raise_six(const vf v[SIDE], vf to[SIDE]) {
  vf even = v[0] + P * P * v[2], odd = P * v[1] + P * P * P * v[3];
  vf even2 = v[0] + Q * Q * v[2], odd2 = Q * v[1] + Q * Q * Q * v[3];
  to[0] = v[0];
  to[1] = even + odd;
  to[2] = even - odd;
  to[3] = even2 + odd2;
  to[4] = even2 - odd2;
  to[5] = v[3];
}

XK_INLINE void raise_four(const vf v[SIDE], vf to[SIDE]) {
  to[0] = v[0];
  to[1] = v[0] + v[1];
  to[2] = v[0] - v[1];
  to[3] = v[1];
}

/* m is a constant where these are expanded. */
XK_INLINE void spread_line(const int m, const vf v[SIDE], vf to[SIDE]) {
  if (m == 4) spread_six(v, to);
  else spread_four(v, to);
}

XK_INLINE void collect_line(const int m, const vf v[SIDE], vf to[OUT]) {
  if (m == 4) collect_six(v, to);
  else collect_four(v, to);
}

XK_INLINE void raise_line(const int m, const vf v[SIDE], vf to[SIDE]) {
  if (m == 4) raise_six(v, to);
  else raise_four(v, to);
}

/* VF of the 16 channels of pixel x of a row, or zeros. */
XK_INLINE vf pixel(const xk_strip *s, const float *row, int64_t x, int64_t part) {
  static const float nothing[LANES];
  return vf_load((row != NULL && x >= 0 && x < s->columns ? row + x * LANES : nothing) + part);
}

/* VF of the 16 channels of a strip. Tiles overlap by two columns, which are transformed once. */
XK_INLINE void spread(const int m, const xk_strip *s, const float *const *rows, int64_t part, float *to) {
  const int side = m + 2;
  vf mid[XK_STRIP * OUT + 2][SIDE], v[SIDE], t[SIDE];
  for (int64_t x = 0; x < s->tiles * m + 2; x++) {
    XK_UNROLL for (int i = 0; i < side; i++) v[i] = pixel(s, rows[i], s->column + x, part);
    spread_line(m, v, t);
    XK_UNROLL for (int i = 0; i < side; i++) mid[x][i] = t[i];
  }
  for (int64_t tile = 0; tile < s->tiles; tile++) {
    float *place = to + tile * s->step + part;
    XK_UNROLL for (int i = 0; i < side; i++) {
      XK_UNROLL for (int j = 0; j < side; j++) v[j] = mid[tile * m + j][i];
      spread_line(m, v, t);
      XK_UNROLL for (int j = 0; j < side; j++) vf_store(place + (i * side + j) * s->apart, t[j]);
    }
  }
}

void XK_ISA(winograd_spread)(const xk_strip *s, const float *const *rows, float *to) {
  for (int64_t part = 0; part < LANES; part += VF) {
    if (s->out == 4) spread(4, s, rows, part, to);
    else spread(2, s, rows, part, to);
  }
}

/* A Y A' for the gradients Y of the outputs of each tile. */
XK_INLINE void spread_gradient(const int m, const xk_strip *s, const float *const *rows, int64_t part, float *to) {
  const int side = m + 2;
  vf mid[SIDE][OUT], v[SIDE], t[SIDE];
  for (int64_t tile = 0; tile < s->tiles; tile++) {
    float *place = to + tile * s->step + part;
    XK_UNROLL for (int j = 0; j < m; j++) {
      XK_UNROLL for (int i = 0; i < m; i++) v[i] = pixel(s, rows[i], s->column + tile * m + j, part);
      raise_line(m, v, t);
      XK_UNROLL for (int i = 0; i < side; i++) mid[i][j] = t[i];
    }
    XK_UNROLL for (int i = 0; i < side; i++) {
      raise_line(m, mid[i], t);
      XK_UNROLL for (int j = 0; j < side; j++) vf_store(place + (i * side + j) * s->apart, t[j]);
    }
  }
}

void XK_ISA(winograd_spread_gradient)(const xk_strip *s, const float *const *rows, float *to) {
  for (int64_t part = 0; part < LANES; part += VF) {
    if (s->out == 4) spread_gradient(4, s, rows, part, to);
    else spread_gradient(2, s, rows, part, to);
  }
}

/* VF of the 16 filters of one tile, of which the output has 'columns' columns. */
XK_INLINE void collect(const int m, const xk_strip *s, const float *from, int64_t columns, vf bias, const float *add,
                       const float *gate, float *y) {
  const int side = m + 2;
  const xk_relu_rule rule = s->rule;
  const float lo = s->lo, hi = s->hi, most = vf_most(hi);
  vf mid[OUT][SIDE], v[SIDE], t[OUT];
  XK_UNROLL for (int j = 0; j < side; j++) {
    XK_UNROLL for (int i = 0; i < side; i++) v[i] = vf_load(from + (i * side + j) * s->apart);
    collect_line(m, v, t);
    XK_UNROLL for (int i = 0; i < m; i++) mid[i][j] = t[i];
  }
  XK_UNROLL for (int i = 0; i < m; i++) {
    if (i == s->rows) break;
    int64_t row = i * s->columns * LANES;
    collect_line(m, mid[i], t);
    XK_UNROLL for (int j = 0; j < m; j++) {
      if (j == columns) break;
      vf sum = t[j] + bias;
      if (add != NULL) sum += vf_load(add + row + j * LANES);
      if (gate == NULL) sum = vf_clamp(sum, lo, hi);
      else if (rule == XK_RELU_PLAIN) sum = vf_gate(sum, vf_load(gate + row + j * LANES), XK_RELU_PLAIN, lo, most);
      else sum = vf_gate(sum, vf_load(gate + row + j * LANES), rule, lo, most);
      vf_store(y + row + j * LANES, sum);
    }
  }
}

void XK_ISA(winograd_collect)(const xk_strip *s, const float *from, const float *bias, const float *add, float *y) {
  for (int64_t tile = 0; tile < s->tiles; tile++)
    for (int64_t part = 0; part < LANES; part += VF) {
      int64_t column = s->column + tile * s->out, place = column * LANES + part, left = s->columns - column;
      vf b = bias != NULL ? vf_load(bias + part) : (vf){0};
      const float *products = from + tile * s->step + part, *other = add != NULL ? add + place : NULL;
      const float *gate = s->gate != NULL ? s->gate + place : NULL;
      if (s->out == 4) collect(4, s, products, left, b, other, gate, y + place);
      else collect(2, s, products, left, b, other, gate, y + place);
    }
}
