/* kernels/gmm.c: mixtures of Gaussians over colours, as GrabCut learns them (Rother, Kolmogorov, Blake 2004, section 3.2):
 * every pixel belongs to one component. A colour is three bytes; sums are in double and in the order of the pixels. */
#include <string.h>

#include "kernels/private.h"

typedef struct sums {
  double count, x[3], xx[6]; /* xx xy xz yy yz zz */
} sums;

static void add(sums *s, const uint8_t *c) {
  double r = c[0], g = c[1], b = c[2];
  s->count++;
  s->x[0] += r, s->x[1] += g, s->x[2] += b;
  s->xx[0] += r * r, s->xx[1] += r * g, s->xx[2] += r * b, s->xx[3] += g * g, s->xx[4] += g * b, s->xx[5] += b * b;
}

/* Mean and covariance of what was added; count > 0. */
static void moments(const sums *s, double mean[3], double cov[6]) {
  static const int row[6] = {0, 0, 0, 1, 1, 2}, col[6] = {0, 1, 2, 1, 2, 2};
  for (int i = 0; i < 3; i++) mean[i] = s->x[i] / s->count;
  for (int i = 0; i < 6; i++) cov[i] = s->xx[i] / s->count - mean[row[i]] * mean[col[i]];
}

static double determinant(const double c[6]) {
  return c[0] * (c[3] * c[5] - c[4] * c[4]) - c[1] * (c[1] * c[5] - c[4] * c[2]) + c[2] * (c[1] * c[4] - c[3] * c[2]);
}

static void set_component(xk_gmm *m, int k, const sums *s, double total, double floor) {
  double c[6];
  m->weight[k] = s->count / total;
  moments(s, m->mean[k], c);
  double det = determinant(c);
  if (!(det > 1e-6)) {
    c[0] += floor, c[3] += floor, c[5] += floor;
    det = determinant(c);
  }
  const double adjugate[6] = {c[3] * c[5] - c[4] * c[4], c[2] * c[4] - c[1] * c[5], c[1] * c[4] - c[2] * c[3],
                              c[0] * c[5] - c[2] * c[2], c[1] * c[2] - c[0] * c[4], c[0] * c[3] - c[1] * c[1]};
  for (int i = 0; i < 6; i++) m->inverse[k][i] = adjugate[i] / det;
  m->log_det[k] = log(det);
}

void xk_gmm_learn(int64_t n, const uint8_t *rgb, const uint8_t *side, uint8_t which, const uint8_t *component, int components,
                  double floor, xk_gmm *m) {
  sums s[XK_GMM_MOST];
  double total = 0;
  memset(s, 0, sizeof s);
  memset(m, 0, sizeof *m);
  for (int64_t i = 0; i < n; i++)
    if (side[i] == which) add(&s[component[i]], rgb + 3 * i), total++;
  m->n = components;
  for (int k = 0; k < components; k++)
    if (s[k].count > 0) set_component(m, k, &s[k], total, floor);
}

/* (c - mean)' inverse (c - mean) */
static double distance(const xk_gmm *m, int k, const uint8_t *c) {
  const double *v = m->inverse[k];
  double r = c[0] - m->mean[k][0], g = c[1] - m->mean[k][1], b = c[2] - m->mean[k][2];
  return r * (v[0] * r + 2 * (v[1] * g + v[2] * b)) + g * (v[3] * g + 2 * v[4] * b) + v[5] * b * b;
}

/* ln of component k's density, up to -3/2 ln(2 pi) */
static double log_density(const xk_gmm *m, int k, const uint8_t *c) { return -0.5 * (m->log_det[k] + distance(m, k, c)); }

void xk_gmm_assign(const xk_gmm *m, int64_t n, const uint8_t *rgb, const uint8_t *side, uint8_t which, uint8_t *component) {
  for (int64_t i = 0; i < n; i++) {
    if (side[i] != which) continue;
    double best = -INFINITY;
    for (int k = 0; k < m->n; k++) {
      double p = m->weight[k] > 0 ? log_density(m, k, rgb + 3 * i) : -INFINITY;
      if (p > best) best = p, component[i] = (uint8_t)k;
    }
  }
}

/* The largest term is taken out of the sum: a colour far from every component has a cost, not infinity. */
void xk_gmm_cost(const xk_gmm *m, int64_t n, const uint8_t *rgb, double *cost) {
  for (int64_t i = 0; i < n; i++) {
    double term[XK_GMM_MOST], top = -INFINITY, sum = 0;
    for (int k = 0; k < m->n; k++) {
      term[k] = m->weight[k] > 0 ? log(m->weight[k]) + log_density(m, k, rgb + 3 * i) : -INFINITY;
      if (term[k] > top) top = term[k];
    }
    for (int k = 0; k < m->n; k++) sum += exp(term[k] - top);
    cost[i] = -(top + log(sum));
  }
}

/* ---- the first assignment ---------------------------------------------------------------------------------- */
/* Largest eigenvalue of a covariance and its direction, by repeated squaring: its powers' columns turn that way. */
static double principal(const double c[6], double axis[3]) {
  double a[6];
  memcpy(a, c, sizeof a);
  for (int round = 0; round < 12; round++) {
    double size = a[0] + a[3] + a[5]; /* the trace: all eigenvalues are >= 0 */
    if (!(size > 0)) break;
    for (int i = 0; i < 6; i++) a[i] /= size;
    const double s[6] = {a[0] * a[0] + a[1] * a[1] + a[2] * a[2], a[0] * a[1] + a[1] * a[3] + a[2] * a[4],
                         a[0] * a[2] + a[1] * a[4] + a[2] * a[5], a[1] * a[1] + a[3] * a[3] + a[4] * a[4],
                         a[1] * a[2] + a[3] * a[4] + a[4] * a[5], a[2] * a[2] + a[4] * a[4] + a[5] * a[5]};
    memcpy(a, s, sizeof a);
  }
  const double columns[3][3] = {{a[0], a[1], a[2]}, {a[1], a[3], a[4]}, {a[2], a[4], a[5]}};
  double largest = -1;
  for (int k = 0; k < 3; k++) {
    double size = columns[k][0] * columns[k][0] + columns[k][1] * columns[k][1] + columns[k][2] * columns[k][2];
    if (size > largest) largest = size, memcpy(axis, columns[k], 3 * sizeof *axis);
  }
  double length = sqrt(largest);
  if (!(length > 0)) return 0;
  for (int i = 0; i < 3; i++) axis[i] /= length;
  double x = axis[0], y = axis[1], z = axis[2];
  return c[0] * x * x + c[3] * y * y + c[5] * z * z + 2 * (c[1] * x * y + c[2] * x * z + c[4] * y * z);
}

typedef struct parts {
  sums s[XK_GMM_MOST];
  double mean[XK_GMM_MOST][3];
} parts;

static void measure(int64_t n, const uint8_t *rgb, const uint8_t *side, uint8_t which, int count, const uint8_t *component,
                    parts *p) {
  memset(p, 0, sizeof *p);
  for (int64_t i = 0; i < n; i++)
    if (side[i] == which) add(&p->s[component[i]], rgb + 3 * i);
  for (int k = 0; k < count; k++)
    for (int c = 0; c < 3 && p->s[k].count > 0; c++) p->mean[k][c] = p->s[k].x[c] / p->s[k].count;
}

/* Part 'fresh' gets what lies beyond the mean of the most spread part, along its longest axis. */
static void split_one(int64_t n, const uint8_t *rgb, const uint8_t *side, uint8_t which, int fresh, const parts *p,
                      uint8_t *component) {
  double widest = 0, direction[3] = {0};
  int chosen = -1;
  for (int k = 0; k < fresh; k++) {
    double mean[3], cov[6], axis[3] = {0};
    if (p->s[k].count == 0) continue;
    moments(&p->s[k], mean, cov);
    double spread = principal(cov, axis) * p->s[k].count;
    if (spread > widest) widest = spread, chosen = k, memcpy(direction, axis, sizeof direction);
  }
  if (chosen < 0) return; /* fewer colours than parts */
  for (int64_t i = 0; i < n; i++) {
    if (side[i] != which || component[i] != chosen) continue;
    double along = 0;
    for (int c = 0; c < 3; c++) along += direction[c] * (rgb[3 * i + c] - p->mean[chosen][c]);
    if (along > 0) component[i] = (uint8_t)fresh;
  }
}

static void to_nearest(int64_t n, const uint8_t *rgb, const uint8_t *side, uint8_t which, int count, const parts *p,
                       uint8_t *component) {
  for (int64_t i = 0; i < n; i++) {
    if (side[i] != which) continue;
    double best = INFINITY;
    for (int k = 0; k < count; k++) {
      double r = rgb[3 * i] - p->mean[k][0], g = rgb[3 * i + 1] - p->mean[k][1], b = rgb[3 * i + 2] - p->mean[k][2];
      double d = r * r + g * g + b * b;
      if (p->s[k].count > 0 && d < best) best = d, component[i] = (uint8_t)k;
    }
  }
}

void xk_gmm_split(int64_t n, const uint8_t *rgb, const uint8_t *side, uint8_t which, int components, int rounds,
                  uint8_t *component) {
  parts p;
  for (int64_t i = 0; i < n; i++)
    if (side[i] == which) component[i] = 0;
  for (int k = 1; k < components; k++) {
    measure(n, rgb, side, which, k, component, &p);
    split_one(n, rgb, side, which, k, &p, component);
  }
  for (int r = 0; r < rounds; r++) {
    measure(n, rgb, side, which, components, component, &p);
    to_nearest(n, rgb, side, which, components, &p, component);
  }
}
