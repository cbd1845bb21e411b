/* kernels/isa.h: the inner loops that are compiled once per instruction set.
 *
 * The sources in kernels/isa/ are compiled several times with different flags; each time gives one table of functions.
 * The best that the processor has is chosen once, when first asked for; the environment variable XAI_ISA names another:
 * avx512, avx2 or portable (ignored when it is none of these, or when the processor cannot).
 * Different instruction sets may round differently; one of them always gives the same bits.
 * A new inner loop is a line in isa.def and a function in kernels/isa/. */
#ifndef KERNELS_ISA_H
#define KERNELS_ISA_H

#include "kernels/kernels.h"

#define XK_INLINE static inline __attribute__((always_inline))

/* In front of a loop whose length is a constant, so that arrays of vectors become registers. */
#if defined(__clang__)
#define XK_UNROLL _Pragma("clang loop unroll(full)")
#else
#define XK_UNROLL _Pragma("GCC unroll 16")
#endif

/* ---- the register tile: sums for a few positions x 32 filters, kept in registers until they are finished ----------- */
enum {
  XK_TILE = 14,     /* positions of a tile, at most */
  XK_TILE_HALF = 7, /* positions 7 to 13 may stand elsewhere than those before: two rows of a small plane */
  XK_TILE_FILTERS = 32,
  XK_DOTS = 8 /* positions of one call of 'dots', at most */
};

/* y[i][f] = clamp(scale[f] * sum over segments s and lanes l of a[i, s, l] * w[s, l, f] + bias[f] + add[i][f])
 *
 * for positions i and filters f < width. A segment is 'lanes' neighbours in memory, of one position, under one tap: the
 * 16 channels of a block, or a row of taps over a plain plane. Segments are counted by three nested loops, outermost
 * first; unused ones count 1. Distances are in floats:
 *   a[i, s, l] is at  a + (i / 7) * a_half + i % 7 * a_step + sum over loops of index * a_next + l
 *   w[s, l, f] is at  w + sum over loops of index * w_next + l * width + f
 *   y[i][f]    is at  y + (i / 7) * y_half + i % 7 * y_step + f / 16 * y_block + f % 16, and so is add[i][f].
 * Neighbours in a row have a_half = 7 a_step, y_half = 7 y_step. No address needs to be aligned.
 * bias may be NULL, and so may add; add may be y, whose contents are then added to. Summed in the order of segments, one
 * by one: the bits do not depend on how many positions a tile has. A count of 0 leaves an empty sum. Where there is a gate
 * (gate[i][f] stands as y[i][f] does), the result is not clamped but passes it, as in xk_finish.
 *
 * With every segment, 'lines' cache lines more are fetched into the second cache, one after the other from 'ahead' on:
 * weights that the next tiles will want. */
typedef struct xk_tile {
  int64_t count[3], a_next[3], w_next[3];
  int64_t lanes, width; /* width: 16 or 32 */
  int64_t a_step, a_half, y_step, y_half, y_block;
  const float *scale; /* NULL: 1 */
  float lo, hi;       /* -INFINITY and INFINITY: no clamp. NaN stays NaN. */
  const float *gate;  /* NULL: none */
  xk_relu_rule rule;
  const float *ahead;
  int64_t lines; /* 0: nothing is fetched */
} xk_tile;

/* ---- strips of Winograd's tiles ------------------------------------------------------------------------------------- */
enum { XK_STRIP = 8 }; /* tiles of a strip, at most */

/* Tiles of out x out outputs, side by side, 16 channels of them. */
typedef struct xk_strip {
  int64_t out, tiles;            /* out: 4 or 2 */
  int64_t column, columns, rows; /* where the strip begins, in an array of so many columns; rows of y that there are */
  int64_t apart, step;           /* floats from one point to the next, from one tile to the next */
  float lo, hi;
  const float *gate; /* as y; NULL: none */
  xk_relu_rule rule;
} xk_strip;

/* ---- taps of a depthwise convolution ------------------------------------------------------------------------------------ */
enum { XK_TAPS = 128 };

/* y[r][i][l] = clamp(bias[l] + sum over taps t of x[t][r][i][l] * w[t][l] + add[r][i][l]), 16 lanes l, added in the order
 * of taps; lines r are x_line and y_line floats apart, positions i x_step and y_step. bias and add may be NULL; a gate is as
 * in xk_tile. */
typedef struct xk_taps {
  int64_t count, x_line, y_line, x_step, y_step;
  const float *x[XK_TAPS], *w[XK_TAPS];
  float lo, hi;
  const float *gate;
  xk_relu_rule rule;
} xk_taps;

/* ---- the table ------------------------------------------------------------------------------------------------------- */
typedef struct xk_isa {
  const char *name;
#define XK_ISA_FUNCTION(function, ...) void(*function) __VA_ARGS__;
#include "kernels/isa.def"
#undef XK_ISA_FUNCTION
} xk_isa;

/* The one in use. */
const xk_isa *xk_isa_now(void);
/* Another one from now on, NULL: the best; false, and nothing changes, if there is no such name or the processor cannot.
 * For tests: no kernel may be running. */
bool xk_isa_choose(const char *name);

#endif
