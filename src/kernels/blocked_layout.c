/* kernels/blocked_layout.c: from planes to blocks of sixteen channels, and back.
 * A transposition of 4 x 4 elements fits the smallest vector registers there are. */
#include "kernels/blocked.h"
#include "kernels/private.h"

enum { PIXELS = 1024, LINE = 16 }; /* per task; in a cache line of a plane */

typedef float four __attribute__((vector_size(4 * sizeof(float)), aligned(sizeof(float)), may_alias));
#define FOUR(address) (*(four *)(address))

/* Rows of x become columns of y. */
static inline void transpose(const float *x, int64_t x_row, float *y, int64_t y_row) {
  four a = FOUR(x), b = FOUR(x + x_row), c = FOUR(x + 2 * x_row), d = FOUR(x + 3 * x_row);
  four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  FOUR(y) = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
  FOUR(y + y_row) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
  ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  FOUR(y + 2 * y_row) = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
  FOUR(y + 3 * y_row) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

/* 'count' pixels of a block that has 'channels' <= 16 of them. */
static void block_pixels(int64_t channels, int64_t count, int64_t hw, const float *x, float *y) {
  for (int64_t lane = 0; lane < XK_LANES; lane += 4) {
    int64_t i = 0;
    if (lane + 4 <= channels)
      for (; i + 4 <= count; i += 4) transpose(x + lane * hw + i, hw, y + i * XK_LANES + lane, XK_LANES);
    for (; i < count; i++)
      for (int64_t j = lane; j < lane + 4; j++) y[i * XK_LANES + j] = j < channels ? x[j * hw + i] : 0;
  }
}

static void unblock_pixels(int64_t channels, int64_t count, int64_t hw, const float *x, float *y) {
  for (int64_t lane = 0; lane < channels; lane += 4) {
    int64_t i = 0;
    if (lane + 4 <= channels)
      for (; i + 4 <= count; i += 4) transpose(x + i * XK_LANES + lane, XK_LANES, y + lane * hw + i, hw);
    for (; i < count; i++)
      for (int64_t j = lane; j < xk__min(channels, lane + 4); j++) y[j * hw + i] = x[i * XK_LANES + j];
  }
}

/* Task t of a batch: a block's channels, PIXELS of its pixels, LINE by LINE lest sixteen planes that lie a power of two
 * apart drive one another out of the cache. */
typedef void (*mover)(int64_t channels, int64_t count, int64_t hw, const float *x, float *y);
static void move(mover pixels, bool to_blocks, int64_t n, int64_t c, int64_t hw, const float *x, float *y) {
  int64_t blocks = xk_blocks(c), pieces = xk__ceil_div(hw, PIXELS);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n * c * hw > XK__CHUNK)
  for (int64_t t = 0; t < n * blocks * pieces; t++) {
    if (xai_stop_requested()) continue;
    int64_t block = t / pieces, first = block % blocks * XK_LANES, plane = block / blocks * c + first;
    int64_t from = t % pieces * PIXELS, to = xk__min(hw, from + PIXELS);
    for (int64_t i = from; i < to; i += LINE) {
      int64_t plain = plane * hw + i, blocked = (block * hw + i) * XK_LANES;
      pixels(xk__min(XK_LANES, c - first), xk__min(LINE, to - i), hw, x + (to_blocks ? plain : blocked),
             y + (to_blocks ? blocked : plain));
    }
  }
}

void xk_block(int64_t n, int64_t c, int64_t hw, const float *x, float *y) { move(block_pixels, true, n, c, hw, x, y); }
void xk_unblock(int64_t n, int64_t c, int64_t hw, const float *x, float *y) {
  move(unblock_pixels, false, n, c, hw, x, y);
}
