/* kernels/sample.c: the values of an array at given places between its elements, as PyTorch's grid_sample finds them.
 *
 * Along each axis a place is a few taps, elements with weights: one for the nearest element, two for linear and four
 * for cubic interpolation (Keys 1981, a = -3/4). The value is the sum over all combinations of taps. Its derivative
 * along an axis is the same sum with the slopes of the weights in place of that axis' weights. */
#include <math.h>
#include <string.h>

#include "kernels/private.h"

enum { AXES = 3, MOST_TAPS = 4 };
static const double a = -0.75;

typedef struct taps {
  int n;
  int64_t at[MOST_TAPS]; /* -1: outside, where everything is 0 */
  double weight[MOST_TAPS], slope[MOST_TAPS]; /* slope: d weight / d grid coordinate */
} taps;

/* ---- where --------------------------------------------------------------------------------------------------- */
/* u brought into [0, n - 1]; *slope is multiplied by what that does to small steps. NaN becomes 0. */
static double clip(double u, int64_t n, double *slope) {
  if (u > 0 && u < (double)(n - 1)) return u;
  *slope = 0;
  return u > 0 ? (double)(n - 1) : 0;
}

static double fold(const xk_sample *p, double u, int64_t n, double *slope) {
  double low = p->align_corners ? 0 : -0.5, span = p->align_corners ? (double)(n - 1) : (double)n;
  if (p->padding == XK_SAMPLE_ZEROS) return u;
  if (p->padding == XK_SAMPLE_BORDER || span == 0) return clip(u, n, slope);
  double far = fabs(u - low), rest = fmod(far, span);
  bool back = fmod(floor(far / span), 2) != 0; /* after an odd number of reflections */
  if (back != (u < low)) *slope = -*slope;
  return clip(back ? low + span - rest : low + rest, n, slope);
}

/* ---- taps ---------------------------------------------------------------------------------------------------- */
/* Keys' function and its derivative at distance d < 2 from an element. */
static double keys(double d) {
  d = fabs(d);
  return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
}
static double keys_slope(double d) {
  double s = d < 0 ? -1 : 1;
  d = fabs(d);
  return s * (d <= 1 ? (3 * (a + 2) * d - 2 * (a + 3)) * d : (3 * a * d - 10 * a) * d + 8 * a);
}

/* Coordinate g on an axis of n elements. A cubic's taps are brought inside one by one, otherwise the place is. */
static taps find_taps(const xk_sample *p, double g, int64_t n) {
  double slope = (double)(p->align_corners ? n - 1 : n) / 2, u = (g + 1) * slope - (p->align_corners ? 0 : 0.5);
  taps t = {0};
  if (p->mode != XK_SAMPLE_CUBIC) u = fold(p, u, n, &slope);
  if (!(fabs(u) < 1e9)) u = -100; /* outside; it must fit an integer */
  double low = p->mode == XK_SAMPLE_NEAREST ? rint(u) : floor(u), part = u - low;
  int before = p->mode == XK_SAMPLE_CUBIC ? 1 : 0;
  t.n = p->mode == XK_SAMPLE_NEAREST ? 1 : p->mode == XK_SAMPLE_LINEAR ? 2 : 4;
  for (int i = 0; i < t.n; i++) {
    double at = low + i - before, d = part - (i - before), unused = 1;
    if (p->mode == XK_SAMPLE_CUBIC) at = fold(p, at, n, &unused);
    t.at[i] = at >= 0 && at < (double)n ? (int64_t)at : -1;
    t.weight[i] = p->mode == XK_SAMPLE_CUBIC ? keys(d) : p->mode == XK_SAMPLE_LINEAR ? 1 - fabs(d) : 1;
    t.slope[i] = slope * (p->mode == XK_SAMPLE_CUBIC ? keys_slope(d) : t.n == 1 ? 0 : i == 0 ? -1 : 1);
  }
  return t;
}

/* Of a place in the grid, whose coordinates begin with the last axis. */
static void find_place(const xk_sample *p, const float *coordinates, taps t[AXES]) {
  for (int d = 0; d < AXES; d++) {
    int from_end = AXES - 1 - d;
    if (from_end < p->axes) t[d] = find_taps(p, coordinates[from_end], p->in[d]);
    else t[d] = (taps){.n = 1, .weight = {1}};
  }
}

/* Runs the statement for each combination of taps that lies inside, with its element 'at' and the weight 'w', which has
 * the slope instead of the weight along axis 'along'; -1: along none. */
#define EACH_TAP(p, t, along, at, w, ...)                                                                              \
  for (int tz = 0; tz < (t)[0].n; tz++)                                                                                \
    for (int ty = 0; ty < (t)[1].n; ty++)                                                                              \
      for (int tx = 0; tx < (t)[2].n; tx++) {                                                                          \
        if ((t)[0].at[tz] < 0 || (t)[1].at[ty] < 0 || (t)[2].at[tx] < 0) continue;                                     \
        int64_t at = ((t)[0].at[tz] * (p)->in[1] + (t)[1].at[ty]) * (p)->in[2] + (t)[2].at[tx];                        \
        double w = ((along) == 0 ? (t)[0].slope[tz] : (t)[0].weight[tz]) *                                             \
                   ((along) == 1 ? (t)[1].slope[ty] : (t)[1].weight[ty]) *                                             \
                   ((along) == 2 ? (t)[2].slope[tx] : (t)[2].weight[tx]);                                              \
        __VA_ARGS__;                                                                                                   \
      }

static int64_t plane(const xk_sample *p) { return p->in[0] * p->in[1] * p->in[2]; }

/* ---- all places ---------------------------------------------------------------------------------------------- */
void xk_sample_forward(const xk_sample *p, const float *x, const float *grid, float *y) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->n * p->points * p->c > XK__CHUNK / 16)
  for (int64_t i = 0; i < p->n * p->points; i++) {
    if (xai_stop_requested()) continue;
    int64_t first = i / p->points * p->c;
    taps t[AXES];
    find_place(p, grid + i * p->axes, t);
    for (int64_t c = first; c < first + p->c; c++) {
      double sum = 0;
      EACH_TAP(p, t, -1, at, w, sum += w * x[c * plane(p) + at])
      y[c * p->points + i % p->points] = (float)sum;
    }
  }
}

void xk_sample_backward_x(const xk_sample *p, const float *grid, const float *dy, float *dx) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->n * p->points * p->c > XK__CHUNK / 16)
  for (int64_t i = 0; i < p->n * p->c; i++) {
    const float *places = grid + i / p->c * p->points * p->axes;
    memset(dx + i * plane(p), 0, (size_t)plane(p) * sizeof *dx);
    for (int64_t k = 0; k < p->points && !xai_stop_requested(); k++) {
      taps t[AXES];
      find_place(p, places + k * p->axes, t);
      EACH_TAP(p, t, -1, at, w, dx[i * plane(p) + at] += (float)(w * dy[i * p->points + k]))
    }
  }
}

void xk_sample_backward_grid(const xk_sample *p, const float *x, const float *grid, const float *dy, float *dgrid) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->n * p->points * p->c > XK__CHUNK / 16)
  for (int64_t i = 0; i < p->n * p->points; i++) {
    if (xai_stop_requested()) continue;
    int64_t first = i / p->points * p->c;
    taps t[AXES];
    find_place(p, grid + i * p->axes, t);
    for (int k = 0; k < p->axes; k++) {
      double sum = 0;
      for (int64_t c = first; c < first + p->c; c++) {
        double g = dy[c * p->points + i % p->points];
        EACH_TAP(p, t, AXES - 1 - k, at, w, sum += g * w * x[c * plane(p) + at])
      }
      dgrid[i * p->axes + k] = (float)sum;
    }
  }
}
