/* kernels/blocked_norm.c: batch normalization with the batch's statistics on blocked arrays: the definitions of norm.c,
 * sixteen channels at a time. A plane's sums are taken by themselves, in double, and put together in the order of images:
 * planes are few enough for that, and large enough to be tasks. */
#include <math.h>

#include "kernels/blocked.h"
#include "kernels/private.h"

/* Two numbers for each lane of a plane: mean and sum of squared deviations; or the sums of dy and of dy (x - mean). */
typedef struct pair {
  double a[XK_LANES], b[XK_LANES];
} pair;

typedef struct array {
  int64_t n, c, blocks, hw;
} array;

static array array_of(int64_t n, int64_t c, int64_t hw) { return (array){n, c, xk_blocks(c), hw}; }

size_t xk_bnorm_workspace(int64_t n, int64_t c) { return (size_t)(n + 2) * (size_t)xk_blocks(c) * sizeof(pair); }

/* ---- moments -------------------------------------------------------------------------------------------------------- */
XK_CLONES static void plane_moments(int64_t hw, const float *x, pair *out) {
  double sum[XK_LANES] = {0}, mean[XK_LANES], square[XK_LANES] = {0};
  for (int64_t i = 0; i < hw; i++) XK__EACH_LANE(l) sum[l] += x[i * XK_LANES + l];
  XK__EACH_LANE(l) mean[l] = sum[l] / (double)hw;
  for (int64_t i = 0; i < hw; i++)
    XK__EACH_LANE(l) square[l] += (x[i * XK_LANES + l] - mean[l]) * (x[i * XK_LANES + l] - mean[l]);
  XK__EACH_LANE(l) out->a[l] = mean[l], out->b[l] = square[l];
}

/* Of planes of one size: the mean of means, and what they deviate from it as well (Chan, Golub, LeVeque 1979). The result
 * is mean and variance. */
static pair join_moments(const array *s, int64_t block, const pair *planes) {
  pair all = {{0}, {0}};
  for (int64_t i = 0; i < s->n; i++)
    XK__EACH_LANE(l) all.a[l] += planes[i * s->blocks + block].a[l] / (double)s->n;
  for (int64_t i = 0; i < s->n; i++) {
    const pair *p = &planes[i * s->blocks + block];
    XK__EACH_LANE(l) all.b[l] += p->b[l] + (double)s->hw * (p->a[l] - all.a[l]) * (p->a[l] - all.a[l]);
  }
  XK__EACH_LANE(l) all.b[l] /= (double)(s->n * s->hw);
  return all;
}

/* moments: one pair per block; planes: room for one per plane */
static void find_moments(const array *s, const float *x, pair *planes, pair *moments) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (s->n * s->c * s->hw > XK__CHUNK)
  for (int64_t i = 0; i < s->n * s->blocks; i++)
    if (!xai_stop_requested()) plane_moments(s->hw, x + i * s->hw * XK_LANES, &planes[i]);
  for (int64_t block = 0; block < s->blocks && !xai_stop_requested(); block++)
    moments[block] = join_moments(s, block, planes);
}

/* ---- y = scale (x - mean) / sqrt(var + eps) + bias ---------------------------------------------------------------------- */
/* A number for each lane; zeros beyond c. */
typedef struct lanes {
  float v[XK_LANES];
} lanes;

static lanes lanes_of(const array *s, int64_t block, const float *x) {
  lanes r = {{0}};
  for (int64_t l = 0; l < xk__min(XK_LANES, s->c - block * XK_LANES); l++) r.v[l] = x[block * XK_LANES + l];
  return r;
}

XK_CLONES static void normalize(int64_t hw, const pair *m, double eps, const lanes *scale, const lanes *bias, float lo,
                                float hi, const float *x, float *y) {
  float a[XK_LANES], mean[XK_LANES], b[XK_LANES];
  XK__EACH_LANE(l) {
    a[l] = (float)(scale->v[l] / sqrt(m->b[l] + eps));
    mean[l] = (float)m->a[l];
    b[l] = bias->v[l];
    if (scale->v[l] == 0) a[l] = 0; /* a lane without channel has no variance */
  }
  for (int64_t i = 0; i < hw * XK_LANES; i += XK_LANES)
    XK__EACH_LANE(l) {
      float v = a[l] * (x[i + l] - mean[l]) + b[l];
      v = v < lo ? lo : v;
      y[i + l] = v > hi ? hi : v;
    }
}

void xk_bnorm_learn_forward(int64_t n, int64_t c, int64_t hw, float eps, const float *x, const float *scale,
                            const float *bias, float lo, float hi, float *mean, float *var, float *y, void *work) {
  array s = array_of(n, c, hw);
  pair *moments = work, *planes = moments + s.blocks;
  find_moments(&s, x, planes, moments);
  for (int64_t ch = 0; ch < c; ch++) {
    mean[ch] = (float)moments[ch / XK_LANES].a[ch % XK_LANES];
    var[ch] = (float)moments[ch / XK_LANES].b[ch % XK_LANES];
  }
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n * c * hw > XK__CHUNK)
  for (int64_t i = 0; i < n * s.blocks; i++) {
    if (xai_stop_requested()) continue;
    int64_t block = i % s.blocks, at = i * hw * XK_LANES;
    lanes a = lanes_of(&s, block, scale), b = lanes_of(&s, block, bias);
    normalize(hw, &moments[block], eps, &a, &b, lo, hi, x + at, y + at);
  }
}

/* ---- gradients ---------------------------------------------------------------------------------------------------------- */
XK_CLONES static void plane_products(int64_t hw, const float *x, const pair *m, const float *dy, pair *out) {
  double signal[XK_LANES] = {0}, product[XK_LANES] = {0}, mean[XK_LANES];
  XK__EACH_LANE(l) mean[l] = m->a[l];
  for (int64_t i = 0; i < hw * XK_LANES; i += XK_LANES)
    XK__EACH_LANE(l) {
      signal[l] += dy[i + l];
      product[l] += dy[i + l] * (x[i + l] - mean[l]);
    }
  XK__EACH_LANE(l) out->a[l] = signal[l], out->b[l] = product[l];
}

/* dx = a dy + b (x - m) + k */
XK_CLONES static void combine(int64_t hw, const lanes *a_, const lanes *b_, const lanes *m_, const lanes *k_,
                              const float *x, const float *dy, float *dx) {
  float a[XK_LANES], b[XK_LANES], m[XK_LANES], k[XK_LANES];
  XK__EACH_LANE(l) a[l] = a_->v[l], b[l] = b_->v[l], m[l] = m_->v[l], k[l] = k_->v[l];
  for (int64_t i = 0; i < hw * XK_LANES; i += XK_LANES)
    XK__EACH_LANE(l) dx[i + l] = a[l] * dy[i + l] + (b[l] * (x[i + l] - m[l]) + k[l]);
}

/* As at xk_batchnorm_learn_backward: sums are those of a block over the batch. */
static void combine_plane(const array *s, int64_t block, double eps, const pair *m, const pair *sums, const float *scale,
                          const float *x, const float *dy, float *dx) {
  lanes a = {{0}}, b = {{0}}, mean = {{0}}, k = {{0}};
  double count = (double)(s->n * s->hw);
  for (int64_t l = 0; l < xk__min(XK_LANES, s->c - block * XK_LANES); l++) {
    double r = 1 / sqrt(m->b[l] + eps), each = scale[block * XK_LANES + l] * r;
    a.v[l] = (float)each;
    b.v[l] = (float)(-each * r * r * sums->b[l] / count);
    mean.v[l] = (float)m->a[l];
    k.v[l] = (float)(-each * sums->a[l] / count);
  }
  combine(s->hw, &a, &b, &mean, &k, x, dy, dx);
}

static void join_sums(const array *s, const pair *planes, pair *sums) {
  for (int64_t block = 0; block < s->blocks; block++) {
    sums[block] = (pair){{0}, {0}};
    for (int64_t i = 0; i < s->n; i++)
      XK__EACH_LANE(l) {
        sums[block].a[l] += planes[i * s->blocks + block].a[l];
        sums[block].b[l] += planes[i * s->blocks + block].b[l];
      }
  }
}

void xk_bnorm_learn_backward(int64_t n, int64_t c, int64_t hw, float eps, const float *x, const float *scale,
                             const float *dy, float *dx, float *dscale, float *dbias, void *work) {
  array s = array_of(n, c, hw);
  pair *moments = work, *sums = moments + s.blocks, *planes = sums + s.blocks;
  find_moments(&s, x, planes, moments);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n * c * hw > XK__CHUNK)
  for (int64_t i = 0; i < n * s.blocks; i++)
    if (!xai_stop_requested())
      plane_products(hw, x + i * hw * XK_LANES, &moments[i % s.blocks], dy + i * hw * XK_LANES, &planes[i]);
  if (xai_stop_requested()) return;
  join_sums(&s, planes, sums);
  for (int64_t ch = 0; ch < c; ch++) {
    const pair *m = &moments[ch / XK_LANES], *sum = &sums[ch / XK_LANES];
    if (dbias != NULL) dbias[ch] = (float)sum->a[ch % XK_LANES];
    if (dscale != NULL) dscale[ch] = (float)(sum->b[ch % XK_LANES] / sqrt(m->b[ch % XK_LANES] + (double)eps));
  }
  if (dx == NULL) return;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n * c * hw > XK__CHUNK)
  for (int64_t i = 0; i < n * s.blocks; i++) {
    int64_t block = i % s.blocks, at = i * hw * XK_LANES;
    if (!xai_stop_requested())
      combine_plane(&s, block, eps, &moments[block], &sums[block], scale, x + at, dy + at, dx + at);
  }
}

/* ---- sums per channel -------------------------------------------------------------------------------------------------- */
XK_CLONES static void plane_sum(int64_t hw, const float *x, double *out) {
  double sum[XK_LANES] = {0};
  for (int64_t i = 0; i < hw * XK_LANES; i += XK_LANES) XK__EACH_LANE(l) sum[l] += x[i + l];
  XK__EACH_LANE(l) out[l] = sum[l];
}

size_t xk_bchannel_sum_workspace(int64_t n, int64_t c) {
  return (size_t)n * (size_t)xk_blocks(c) * XK_LANES * sizeof(double);
}

void xk_bchannel_sum(int64_t n, int64_t c, int64_t hw, const float *x, float *sum, void *work) {
  double *planes = work;
  int64_t blocks = xk_blocks(c);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n * c * hw > XK__CHUNK)
  for (int64_t i = 0; i < n * blocks; i++)
    if (!xai_stop_requested()) plane_sum(hw, x + i * hw * XK_LANES, planes + i * XK_LANES);
  for (int64_t ch = 0; ch < c && !xai_stop_requested(); ch++) {
    double total = 0;
    for (int64_t i = 0; i < n; i++) total += planes[i * blocks * XK_LANES + ch];
    sum[ch] = (float)total;
  }
}
