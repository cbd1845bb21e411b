/* Points on a grid: each gets a cell of its own, and the sum of squared ways is least.
 *
 * A linear assignment by shortest augmenting paths with prices (Jonker, Volgenant 1987; in the form for n <= m): point
 * after point enters, and a Dijkstra search over reduced costs finds the cheapest chain of moves that frees a cell for it.
 * The map is stretched to the grid's sides, so that both axes count in cells. */
#include <math.h>

#include "base/alloc.h"
#include "base/status.h"
#include "embed/embed.h"

typedef struct prices {
  double *row, *column; /* of both sides: cost - row - column >= 0, and 0 where assigned */
  double *way;          /* m: shortest way to a column so far */
  int64_t *from;        /* m: the row before it */
  int64_t *owner;       /* m: the row that has it, or -1 */
  bool *closed;         /* m */
} prices;

/* The cheapest chain from row 'start' to a free column; rows on it get new prices. */
static int64_t search(const double *cost, int64_t m, int64_t start, prices *p) {
  int64_t row = start, last = -1;
  double length = 0;
  for (int64_t j = 0; j < m; j++) {
    p->way[j] = INFINITY;
    p->closed[j] = false;
  }
  while (last < 0 || p->owner[last] >= 0) {
    double shortest = INFINITY, base = length - p->row[row];
    int64_t next = -1;
    for (int64_t j = 0; j < m; j++) {
      if (p->closed[j]) continue;
      double way = base + cost[row * m + j] - p->column[j];
      if (way < p->way[j]) {
        p->way[j] = way;
        p->from[j] = row;
      }
      if (p->way[j] < shortest) {
        shortest = p->way[j];
        next = j;
      }
    }
    p->closed[next] = true;
    length = shortest;
    last = next;
    if (p->owner[last] >= 0) row = p->owner[last];
  }
  for (int64_t j = 0; j < m; j++) {
    if (!p->closed[j] || j == last) continue;
    p->row[p->owner[j]] += length - p->way[j];
    p->column[j] -= length - p->way[j];
  }
  p->row[start] += length;
  return last;
}

xai_status xai_assign(int64_t n, int64_t m, const double *cost, int64_t *to, xai_err *err) {
  XAI_ASSERT(n <= m, err);
  size_t columns = (size_t)m;
  prices p = {.row = xai_calloc((size_t)n, sizeof *p.row), .column = xai_calloc(columns, sizeof *p.column)};
  xai_status st = XAI_OK;
  p.way = xai_alloc(columns * sizeof *p.way);
  p.from = xai_alloc(columns * sizeof *p.from);
  p.owner = xai_alloc(columns * sizeof *p.owner);
  p.closed = xai_alloc(columns * sizeof *p.closed);
  if (!p.row || !p.column || !p.way || !p.from || !p.owner || !p.closed) {
    st = xai_fail_memory(err, columns * sizeof *p.way);
    goto done;
  }
  for (int64_t j = 0; j < m; j++) p.owner[j] = -1;
  for (int64_t i = 0; i < n; i++) {
    if (xai_stop_requested()) {
      st = xai_fail_stop(err);
      goto done;
    }
    for (int64_t j = search(cost, m, i, &p), left; j >= 0; j = left) { /* along the chain everyone moves one on */
      int64_t row = p.from[j];
      left = row == i ? -1 : to[row];
      p.owner[j] = row;
      to[row] = j;
    }
  }
done:
  xai_free(p.row);
  xai_free(p.column);
  xai_free(p.way);
  xai_free(p.from);
  xai_free(p.owner);
  xai_free(p.closed);
  return st;
}

/* Where v (every second number, from 'lo' on) lies among 'count' cells is (v - lo) * factor + shift: 0 to count. */
typedef struct stretch {
  double lo, factor, shift;
} stretch;

static stretch stretch_of(int64_t n, const float *v, int64_t count) {
  double lo = INFINITY, hi = -INFINITY;
  for (int64_t i = 0; i < n; i++) {
    lo = fmin(lo, v[2 * i]);
    hi = fmax(hi, v[2 * i]);
  }
  return hi > lo ? (stretch){lo, (double)count / (hi - lo), 0} : (stretch){lo, 0, 0.5 * (double)count};
}

xai_status xai_grid(int64_t n, const float *y, int64_t rows, int64_t cols, int64_t *cell, xai_err *err) {
  if (rows < 1 || cols < 1 || rows > XAI_GRID_CELLS / cols)
    return xai_fail(err, XAI_EARG, "expected at most %d cells, got %lld x %lld", XAI_GRID_CELLS, (long long)rows,
                    (long long)cols);
  if (n < 1 || n > rows * cols)
    return xai_fail(err, XAI_EARG, "%lld x %lld cells do not hold %lld points", (long long)rows, (long long)cols,
                    (long long)n);
  XAI_TRY(xai_embed__finite("points", n, 2, y, err));
  int64_t m = rows * cols;
  double *cost = xai_alloc((size_t)(n * m) * sizeof *cost);
  if (cost == NULL) return xai_fail_memory(err, (size_t)(n * m) * sizeof *cost);
  stretch across = stretch_of(n, y, cols), up = stretch_of(n, y + 1, rows);
  for (int64_t i = 0; i < n; i++) {
    double u = (y[2 * i] - across.lo) * across.factor + across.shift;
    double v = (double)rows - ((y[2 * i + 1] - up.lo) * up.factor + up.shift);
    for (int64_t j = 0; j < m; j++) {
      double dx = u - ((double)(j % cols) + 0.5), dy = v - ((double)(j / cols) + 0.5);
      cost[i * m + j] = dx * dx + dy * dy;
    }
  }
  xai_status st = xai_assign(n, m, cost, cell, err);
  xai_free(cost);
  return st;
}
