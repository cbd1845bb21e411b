/* kernels/moments.c: subtracting the mean and dividing by the deviation, over any set of axes: what instance, group and
 * layer normalisation have in common; RMS normalisation leaves the mean out. Scale and bias are ordinary arithmetic
 * afterwards. */
#include <math.h>

#include "kernels/groups.h"

typedef struct moments {
  double mean, rate; /* rate = 1 / sqrt(var + eps) */
} moments;

/* x points at the group's first element. The variance is summed in a second walk: no large numbers are subtracted.
 * Without any deviation there is nothing to divide, even if eps is 0. */
static moments moments_of(const xk__groups *g, bool centred, float eps, const float *x) {
  double sum = 0, square = 0;
  if (centred) XK__EACH_MEMBER(g, e, sum += x[e]);
  double mean = sum / (double)g->size;
  XK__EACH_MEMBER(g, e, double d = x[e] - mean; square += d * d);
  double deviation = sqrt(square / (double)g->size + (double)eps);
  return (moments){mean, deviation > 0 ? 1 / deviation : 0};
}

static void normalize(const xk__groups *g, moments m, const float *x, float *y) {
  XK__EACH_MEMBER(g, e, y[e] = (float)((x[e] - m.mean) * m.rate));
}

/* With z = (x - mean) rate and n elements, dmean/dx = 1/n and drate/dx = -rate^2 z/n:
 * dx = rate (dy - mean of dy - z * mean of z dy) + (dmean - rate^2 z drate)/n; uncentred, without the mean of dy. */
static void normalize_backward(const xk__groups *g, moments m, bool centred, double dmean, double drate, const float *x,
                               const float *dy, float *dx) {
  double sum = 0, product = 0, n = (double)g->size;
  XK__EACH_MEMBER(g, e, sum += dy[e]; product += (x[e] - m.mean) * m.rate * dy[e]);
  double shift = (dmean / n) - (centred ? m.rate * sum / n : 0), pull = (product + m.rate * drate) / n;
  XK__EACH_MEMBER(g, e, dx[e] = (float)(m.rate * (dy[e] - (x[e] - m.mean) * m.rate * pull) + shift));
}

void xk_moments_forward(int rank, const int64_t *dims, const bool *keep, bool centred, float eps, const float *x,
                        float *y, float *mean, float *rate) {
  xk__groups g = xk__find_groups(rank, dims, keep);
  XK__EACH_GROUP(&g, i, begin, {
    moments m = moments_of(&g, centred, eps, x + begin);
    normalize(&g, m, x + begin, y + begin);
    if (mean != NULL) mean[i] = (float)m.mean;
    if (rate != NULL) rate[i] = (float)m.rate;
  });
}

void xk_moments_backward(int rank, const int64_t *dims, const bool *keep, bool centred, float eps, const float *x,
                         const float *dy, const float *dmean, const float *drate, float *dx) {
  xk__groups g = xk__find_groups(rank, dims, keep);
  XK__EACH_GROUP(&g, i, begin,
                 normalize_backward(&g, moments_of(&g, centred, eps, x + begin), centred, dmean != NULL ? dmean[i] : 0,
                                    drate != NULL ? drate[i] : 0, x + begin, dy + begin, dx + begin));
}
