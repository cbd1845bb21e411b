/* kernels/reduce.c: sums, products, extremes and norms over any set of axes, and their gradients. */
#include <math.h>

#include "kernels/groups.h"

/* ---- float32 ---------------------------------------------------------------------------------------- */
static float extreme(const xk__groups *g, bool largest, const float *x) {
  float best = x[0];
  XK__EACH_MEMBER(g, e, if (largest ? xk__displaces(x[e], best) : xk__displaces(-x[e], -best)) best = x[e]);
  return best;
}

/* x points at the group's first element */
static double reduce_group(xk_reduction op, const xk__groups *g, const float *x) {
  double sum = 0;
  switch (op) {
    case XK_SUM:
    case XK_MEAN:
    case XK_LOG_SUM:
      XK__EACH_MEMBER(g, e, sum += x[e]);
      return op == XK_SUM ? sum : op == XK_MEAN ? sum / (double)g->size : log(sum);
    case XK_PRODUCT:
      sum = 1;
      XK__EACH_MEMBER(g, e, sum *= x[e]);
      return sum;
    case XK_L1: XK__EACH_MEMBER(g, e, sum += fabs((double)x[e])); return sum;
    case XK_L2:
    case XK_SUM_SQUARE:
      XK__EACH_MEMBER(g, e, sum += (double)x[e] * x[e]);
      return op == XK_L2 ? sqrt(sum) : sum;
    case XK_LARGEST:
    case XK_SMALLEST: return extreme(g, op == XK_LARGEST, x);
    case XK_LOG_SUM_EXP: {
      double top = extreme(g, true, x);
      if (isinf(top)) return top; /* all zero, or one is infinite */
      XK__EACH_MEMBER(g, e, sum += exp(x[e] - top));
      return top + log(sum);
    }
  }
  return 0;
}

void xk_reduce_forward(xk_reduction op, int rank, const int64_t *dims, const bool *keep, const float *x, float *y) {
  xk__groups g = xk__find_groups(rank, dims, keep);
  if (op == XK_SUM || op == XK_MEAN) /* the common ones have a faster loop */
    xk_reduce_sum(rank, dims, keep, op == XK_MEAN ? 1 / (double)g.size : 1, x, y);
  else
    XK__EACH_GROUP(&g, i, begin, y[i] = (float)reduce_group(op, &g, x + begin));
}

/* The first element equal to y gets everything. */
static void extreme_backward(const xk__groups *g, const float *x, float y, float dy, float *dx) {
  bool found = false;
  XK__EACH_MEMBER(g, e, bool wins = !found && (x[e] == y || x[e] != x[e]); dx[e] = wins ? dy : 0;
                  found = found || wins);
}

/* d(product)/dx[e] is the product of the others. */
static void product_backward(const xk__groups *g, const float *x, float dy, float *dx) {
  double rest = dy;
  int64_t zeros = 0;
  XK__EACH_MEMBER(g, e, if (x[e] == 0) zeros++; else rest *= x[e]);
  XK__EACH_MEMBER(g, e, dx[e] = (float)(zeros == 0 ? rest / x[e] : zeros == 1 && x[e] == 0 ? rest : 0));
}

static void reduce_group_backward(xk_reduction op, const xk__groups *g, const float *x, float y, float dy, float *dx) {
  switch (op) {
    case XK_SUM: XK__EACH_MEMBER(g, e, dx[e] = dy); break;
    case XK_MEAN: XK__EACH_MEMBER(g, e, dx[e] = (float)((double)dy / (double)g->size)); break;
    case XK_PRODUCT: product_backward(g, x, dy, dx); break;
    case XK_LARGEST:
    case XK_SMALLEST: extreme_backward(g, x, y, dy, dx); break;
    case XK_L1: XK__EACH_MEMBER(g, e, dx[e] = x[e] > 0 ? dy : x[e] < 0 ? -dy : 0); break;
    case XK_L2: XK__EACH_MEMBER(g, e, dx[e] = y == 0 ? 0 : dy * (x[e] / y)); break;
    case XK_SUM_SQUARE: XK__EACH_MEMBER(g, e, dx[e] = 2 * dy * x[e]); break;
    case XK_LOG_SUM: XK__EACH_MEMBER(g, e, dx[e] = dy * expf(-y)); break;
    case XK_LOG_SUM_EXP: XK__EACH_MEMBER(g, e, dx[e] = dy * expf(x[e] - y)); break;
  }
}

void xk_reduce_backward(xk_reduction op, int rank, const int64_t *dims, const bool *keep, const float *x,
                        const float *y, const float *dy, float *dx) {
  xk__groups g = xk__find_groups(rank, dims, keep);
  XK__EACH_GROUP(&g, i, begin, reduce_group_backward(op, &g, x + begin, y[i], dy[i], dx + begin));
}

/* ---- integers ---------------------------------------------------------------------------------------- */
static int64_t reduce_group_int(xk_reduction op, const xk__groups *g, size_t size, const void *x, int64_t begin) {
  uint64_t sum = op == XK_PRODUCT ? 1 : 0;
  int64_t best = op == XK_LARGEST || op == XK_SMALLEST ? xk__load(size, x, begin) : 0;
  XK__EACH_MEMBER(g, e, int64_t v = xk__load(size, x, begin + e); uint64_t u = (uint64_t)v; switch (op) {
    case XK_SUM: sum += u; break;
    case XK_PRODUCT: sum *= u; break;
    case XK_L1: sum += v < 0 ? 0 - u : u; break;
    case XK_SUM_SQUARE: sum += u * u; break;
    case XK_LARGEST: best = xk__max(best, v); break;
    case XK_SMALLEST: best = xk__min(best, v); break;
    default: break;
  });
  return op == XK_LARGEST || op == XK_SMALLEST ? best : xk__wrap(sum);
}

void xk_reduce_forward_int(xk_reduction op, size_t size, int rank, const int64_t *dims, const bool *keep, const void *x,
                           void *y) {
  xk__groups g = xk__find_groups(rank, dims, keep);
  XK__EACH_GROUP(&g, i, begin, xk__store(size, y, i, reduce_group_int(op, &g, size, x, begin)));
}
