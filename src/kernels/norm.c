/* kernels/norm.c: batch normalisation with stored statistics (inference) and with those of the batch (training), and
 * ONNX's local response normalisation across channels (Krizhevsky 2012). */
#include <math.h>
#include <omp.h>

#include "kernels/private.h"

/* ---- batch normalisation ------------------------------------------------------------------------ */
static double per_deviation(const float *var, int64_t ch, float eps) { return 1 / sqrt((double)var[ch] + (double)eps); }

void xk_batchnorm_forward(int64_t n, int64_t c, int64_t hw, float eps, const float *x, const float *scale,
                          const float *bias, const float *mean, const float *var, float *y) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n * c * hw > XK__CHUNK)
  for (int64_t plane = 0; plane < n * c; plane++) {
    if (xai_stop_requested()) continue;
    int64_t ch = plane % c;
    float a = (float)(scale[ch] * per_deviation(var, ch, eps)), m = mean[ch], b = bias[ch];
    const float *from = x + plane * hw;
    float *to = y + plane * hw;
    for (int64_t i = 0; i < hw; i++) to[i] = a * (from[i] - m) + b;
  }
}

void xk_batchnorm_backward_input(int64_t n, int64_t c, int64_t hw, float eps, const float *scale, const float *var,
                                 const float *dy, float *dx) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n * c * hw > XK__CHUNK)
  for (int64_t plane = 0; plane < n * c; plane++) {
    if (xai_stop_requested()) continue;
    int64_t ch = plane % c;
    float a = (float)(scale[ch] * per_deviation(var, ch, eps));
    for (int64_t i = plane * hw; i < (plane + 1) * hw; i++) dx[i] = a * dy[i];
  }
}

void xk_batchnorm_backward_scale(int64_t n, int64_t c, int64_t hw, float eps, const float *x, const float *mean,
                                 const float *var, const float *dy, float *dscale) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n * c * hw > XK__CHUNK)
  for (int64_t ch = 0; ch < c; ch++) {
    double sum = 0;
    for (int64_t image = 0; image < n && !xai_stop_requested(); image++) {
      int64_t at = (image * c + ch) * hw;
      for (int64_t i = at; i < at + hw; i++) sum += (double)dy[i] * ((double)x[i] - (double)mean[ch]);
    }
    dscale[ch] = (float)(sum * per_deviation(var, ch, eps));
  }
}

/* ---- batch normalisation with the batch's statistics ------------------------------------------------------- */
/* A task is a channel, all of whose planes stay in the cache between its walks: statistics first, then the result. The
 * variance is summed in a second walk: no large numbers are subtracted. */
enum { SUMS = 16 }; /* interleaved: additions of one sum would wait for each other */

static double total(const double lane[SUMS]) {
  double sum = 0;
  for (int j = 0; j < SUMS; j++) sum += lane[j];
  return sum;
}

/* adds (x - mean)^2 */
XK_CLONES static void add_squares(int64_t n, const float *x, double mean, double lane[SUMS]) {
  int64_t i = 0;
  for (; i + SUMS <= n; i += SUMS)
    for (int j = 0; j < SUMS; j++) lane[j] += (x[i + j] - mean) * (x[i + j] - mean);
  for (; i < n; i++) lane[i % SUMS] += (x[i] - mean) * (x[i] - mean);
}

/* adds dy and dy (x - mean) */
XK_CLONES static void add_products(int64_t n, const float *x, double mean, const float *dy, double signal[SUMS],
                                   double product[SUMS]) {
  int64_t i = 0;
  for (; i + SUMS <= n; i += SUMS)
    for (int j = 0; j < SUMS; j++) {
      signal[j] += dy[i + j];
      product[j] += dy[i + j] * (x[i + j] - mean);
    }
  for (; i < n; i++) {
    signal[i % SUMS] += dy[i];
    product[i % SUMS] += dy[i] * (x[i] - mean);
  }
}

XK_CLONES static void scale_and_shift(int64_t n, float a, float m, float b, const float *x, float *y) {
  for (int64_t i = 0; i < n; i++) y[i] = a * (x[i] - m) + b;
}

/* dx = a dy + b (x - m) + k */
XK_CLONES static void combine(int64_t n, float a, const float *dy, float b, float m, float k, const float *x,
                              float *dx) {
  for (int64_t i = 0; i < n; i++) dx[i] = a * dy[i] + (b * (x[i] - m) + k);
}

typedef struct moments {
  double mean, var;
} moments;

/* x points at the channel's plane in the first image. */
static moments channel_moments(int64_t n, int64_t stride, int64_t hw, const float *x) {
  double sum = 0, square[SUMS] = {0};
  for (int64_t i = 0; i < n; i++) sum += xk__sum(hw, x + i * stride);
  double mean = sum / (double)(n * hw);
  for (int64_t i = 0; i < n; i++) add_squares(hw, x + i * stride, mean, square);
  return (moments){mean, total(square) / (double)(n * hw)};
}

void xk_batchnorm_learn_forward(int64_t n, int64_t c, int64_t hw, float eps, const float *x, const float *scale,
                                const float *bias, float *mean, float *var, float *y) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n * c * hw > XK__CHUNK)
  for (int64_t ch = 0; ch < c; ch++) {
    if (xai_stop_requested()) continue;
    moments m = channel_moments(n, c * hw, hw, x + ch * hw);
    mean[ch] = (float)m.mean;
    var[ch] = (float)m.var;
    float a = (float)(scale[ch] / sqrt(m.var + (double)eps));
    for (int64_t at = ch * hw; at < n * c * hw; at += c * hw)
      scale_and_shift(hw, a, (float)m.mean, bias[ch], x + at, y + at);
  }
}

/* With N = n hw, r = 1/sqrt(var + eps), S = sum of dy, P = sum of dy (x - mean):
 *   dbias = S,  dscale = r P,  dx = scale r (dy - S/N - (x - mean) r^2 P/N) */
void xk_batchnorm_learn_backward(int64_t n, int64_t c, int64_t hw, float eps, const float *x, const float *scale,
                                 const float *dy, float *dx, float *dscale, float *dbias) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n * c * hw > XK__CHUNK)
  for (int64_t ch = 0; ch < c; ch++) {
    if (xai_stop_requested()) continue;
    moments m = channel_moments(n, c * hw, hw, x + ch * hw);
    double signal[SUMS] = {0}, product[SUMS] = {0}, r = 1 / sqrt(m.var + (double)eps);
    for (int64_t at = ch * hw; at < n * c * hw; at += c * hw) add_products(hw, x + at, m.mean, dy + at, signal, product);
    double s = total(signal), p = total(product), count = (double)(n * hw);
    if (dbias != NULL) dbias[ch] = (float)s;
    if (dscale != NULL) dscale[ch] = (float)(r * p);
    if (dx == NULL) continue;
    double a = scale[ch] * r;
    for (int64_t at = ch * hw; at < n * c * hw; at += c * hw)
      combine(hw, (float)a, dy + at, (float)(-a * r * r * p / count), (float)m.mean, (float)(-a * s / count), x + at,
              dx + at);
  }
}

/* ---- local response normalisation ------------------------------------------------------------------ */
/*   s[c] = bias + alpha/size * sum over j in window(c) of x[j]^2,    y[c] = x[c] * s[c]^-beta
 * window(c) = c - (size-1)/2 .. c + size/2, clipped. A task handles BLOCK neighbouring pixels in all channels. */
enum { BLOCK = 64 };

typedef struct lrn {
  int64_t c, hw, before, after; /* how far a window reaches to lower and higher channels */
  double alpha, beta, bias;     /* alpha already over size */
} lrn;

static lrn lrn_of(int64_t c, int64_t hw, int64_t size, float alpha, float beta, float bias) {
  return (lrn){.c = c,
               .hw = hw,
               .before = xk__min(c, (size - 1) / 2),
               .after = xk__min(c, size / 2),
               .alpha = (double)alpha / (double)size,
               .beta = beta,
               .bias = bias};
}

/* s of channel ch for 'count' pixels from x on (x points at channel 0) */
XK_CLONES static void lrn_sums(const lrn *l, int64_t ch, const float *x, int64_t count, double s[BLOCK]) {
  for (int64_t i = 0; i < count; i++) s[i] = 0;
  for (int64_t j = xk__max(0, ch - l->before); j <= xk__min(l->c - 1, ch + l->after); j++)
    for (int64_t i = 0; i < count; i++) s[i] += (double)x[j * l->hw + i] * x[j * l->hw + i];
  for (int64_t i = 0; i < count; i++) s[i] = l->bias + l->alpha * s[i];
}

/* s = s^-beta; 3/4 is the exponent of every published network, and square roots are much faster */
XK_CLONES static void lrn_powers(const lrn *l, int64_t count, double s[BLOCK]) {
  if (l->beta == 0.75)
    for (int64_t i = 0; i < count; i++) s[i] = 1 / (sqrt(s[i]) * sqrt(sqrt(s[i])));
  else
    for (int64_t i = 0; i < count; i++) s[i] = pow(s[i], -l->beta);
}

void xk_lrn_forward(int64_t n, int64_t c, int64_t hw, int64_t size, float alpha, float beta, float bias, const float *x,
                    float *y) {
  lrn l = lrn_of(c, hw, size, alpha, beta, bias);
  int64_t blocks = xk__ceil_div(hw, BLOCK);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n * c * hw > XK__CHUNK)
  for (int64_t t = 0; t < n * blocks; t++) {
    int64_t first = t % blocks * BLOCK, count = xk__min(BLOCK, hw - first), at = t / blocks * c * hw + first;
    for (int64_t ch = 0; ch < c && !xai_stop_requested(); ch++) {
      double s[BLOCK];
      lrn_sums(&l, ch, x + at, count, s);
      lrn_powers(&l, count, s);
      for (int64_t i = 0; i < count; i++) y[at + ch * hw + i] = (float)(x[at + ch * hw + i] * s[i]);
    }
  }
}

/* dx[j] = dy[j] s[j]^-beta - 2 alpha/size beta x[j] * sum over c with j in window(c) of term[c]
 * term[c] = dy[c] x[c] s[c]^(-beta-1)
 * What belongs to a channel is computed once, and stands in a ring of as many channels as a sum needs. */
typedef struct lrn_share {
  double own[BLOCK], term[BLOCK]; /* dy s^-beta, and the summand */
} lrn_share;

static int64_t lrn_reach(const lrn *l) { return l->before + l->after + 1; }

XK_CLONES static void lrn_shares(const lrn *l, int64_t ch, const float *x, const float *dy, int64_t count,
                                 lrn_share *out) {
  double s[BLOCK], power[BLOCK];
  lrn_sums(l, ch, x, count, s);
  for (int64_t i = 0; i < count; i++) power[i] = s[i];
  lrn_powers(l, count, power);
  for (int64_t i = 0; i < count; i++) {
    out->own[i] = dy[ch * l->hw + i] * power[i];
    out->term[i] = out->own[i] * x[ch * l->hw + i] / s[i];
  }
}

XK_CLONES static void lrn_gather(const lrn *l, int64_t j, const float *x, const lrn_share *ring, int64_t count,
                                 float *dx) {
  double sum[BLOCK];
  for (int64_t i = 0; i < count; i++) sum[i] = 0;
  for (int64_t ch = xk__max(0, j - l->after); ch <= xk__min(l->c - 1, j + l->before); ch++)
    for (int64_t i = 0; i < count; i++) sum[i] += ring[ch % lrn_reach(l)].term[i];
  const double *own = ring[j % lrn_reach(l)].own;
  for (int64_t i = 0; i < count; i++)
    dx[j * l->hw + i] = (float)(own[i] - 2 * l->alpha * l->beta * x[j * l->hw + i] * sum[i]);
}

size_t xk_lrn_backward_workspace(int64_t c, int64_t size) {
  lrn l = lrn_of(c, 0, size, 0, 0, 0);
  return (size_t)xk_threads() * (size_t)lrn_reach(&l) * sizeof(lrn_share);
}

void xk_lrn_backward(int64_t n, int64_t c, int64_t hw, int64_t size, float alpha, float beta, float bias,
                     const float *x, const float *dy, float *dx, void *work) {
  lrn l = lrn_of(c, hw, size, alpha, beta, bias);
  int64_t blocks = xk__ceil_div(hw, BLOCK);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n * c * hw > XK__CHUNK)
  for (int64_t t = 0; t < n * blocks; t++) {
    lrn_share *ring = (lrn_share *)work + omp_get_thread_num() * lrn_reach(&l);
    int64_t first = t % blocks * BLOCK, count = xk__min(BLOCK, hw - first), at = t / blocks * c * hw + first;
    for (int64_t ch = 0; ch < c + l.before && !xai_stop_requested(); ch++) {
      if (ch < c) lrn_shares(&l, ch, x + at, dy + at, count, &ring[ch % lrn_reach(&l)]);
      if (ch >= l.before) lrn_gather(&l, ch - l.before, x + at, ring, count, dx + at);
    }
  }
}
