/* kernels/fft.c: Fourier transforms of real pictures, of any size: the prime factors of a length are taken out one after
 * the other, each by its sum (Cooley, Tukey 1965). In double; one thread per plane. Short enough to be carried out as a
 * whole also when somebody asks to stop. */
#include "kernels/private.h"

typedef struct number {
  double re, im;
} number;

static inline number times(number a, number b) { return (number){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
static inline number plus(number a, number b) { return (number){a.re + b.re, a.im + b.im}; }

static int64_t smallest_factor(int64_t n) {
  for (int64_t p = 2; p * p <= n; p++)
    if (n % p == 0) return p;
  return n;
}

/* The sums over p interleaved parts, each of which has been transformed: m numbers each, in 'out'. spare: p numbers. */
static void join(int64_t p, int64_t m, const number *roots, int64_t step, number *out, number *spare) {
  for (int64_t k = 0; k < m && p == 2; k++) {
    number even = out[k], odd = times(out[m + k], roots[k * step]);
    out[k] = plus(even, odd);
    out[m + k] = (number){even.re - odd.re, even.im - odd.im};
  }
  for (int64_t k = 0; k < m && p > 2; k++) {
    for (int64_t q = 0; q < p; q++) spare[q] = times(out[q * m + k], roots[q * k * step]);
    for (int64_t r = 0; r < p; r++) {
      number sum = spare[0];
      for (int64_t q = 1; q < p; q++) sum = plus(sum, times(spare[q], roots[q * r % p * m * step]));
      out[r * m + k] = sum;
    }
  }
}

/* out[k] = sum over j < n of in[j stride] w^(jk), w = roots[step] = e^(+-2 pi i/n). */
static void transform(int64_t n, const number *in, int64_t stride, const number *roots, int64_t step, number *out,
                      number *spare) {
  if (n == 1) {
    *out = *in;
    return;
  }
  int64_t p = smallest_factor(n), m = n / p;
  for (int64_t q = 0; q < p; q++) transform(m, in + q * stride, stride * p, roots, step * p, out + q * m, spare);
  join(p, m, roots, step, out, spare);
}

/* ---- pictures ------------------------------------------------------------------------------------------------ */
/* What one plane works in. */
typedef struct room {
  number *half;          /* h x (w/2 + 1) */
  number *down, *across; /* roots of h and of w */
  number *from, *to, *spare;
} room;

static int64_t room_size(int64_t h, int64_t w) { return h * (w / 2 + 1) + h + w + 3 * xk__max(h, w); }

size_t xk_rfft2_workspace(int64_t planes, int64_t h, int64_t w) {
  return (size_t)(planes * room_size(h, w)) * sizeof(number);
}

static void find_roots(int64_t n, double sign, number *roots) {
  const double turn = 2 * 3.14159265358979323846 / (double)n;
  for (int64_t k = 0; k < n; k++) roots[k] = (number){cos(turn * (double)k), sign * sin(turn * (double)k)};
}

static room enter(void *work, int64_t plane, int64_t h, int64_t w, double sign) {
  room r = {.half = (number *)work + plane * room_size(h, w)};
  r.down = r.half + h * (w / 2 + 1);
  r.across = r.down + h;
  r.from = r.across + w;
  r.to = r.from + xk__max(h, w);
  r.spare = r.to + xk__max(h, w);
  find_roots(h, sign, r.down);
  find_roots(w, sign, r.across);
  return r;
}

static void forward_plane(const room *r, int64_t h, int64_t w, const float *x, float *s) {
  int64_t n = w / 2 + 1;
  for (int64_t i = 0; i < h; i++) {
    for (int64_t j = 0; j < w; j++) r->from[j] = (number){x[i * w + j], 0};
    transform(w, r->from, 1, r->across, 1, r->to, r->spare);
    for (int64_t l = 0; l < n; l++) r->half[i * n + l] = r->to[l];
  }
  for (int64_t l = 0; l < n; l++) {
    transform(h, r->half + l, n, r->down, 1, r->to, r->spare);
    for (int64_t k = 0; k < h; k++) {
      s[2 * (k * n + l)] = (float)r->to[k].re;
      s[2 * (k * n + l) + 1] = (float)r->to[k].im;
    }
  }
}

static void inverse_plane(const room *r, int64_t h, int64_t w, const float *s, float *x) {
  int64_t n = w / 2 + 1;
  for (int64_t l = 0; l < n; l++) {
    double share = xk_rfft2_share(l, w) / (double)(h * w);
    for (int64_t k = 0; k < h; k++) r->from[k] = (number){share * s[2 * (k * n + l)], share * s[2 * (k * n + l) + 1]};
    transform(h, r->from, 1, r->down, 1, r->to, r->spare);
    for (int64_t i = 0; i < h; i++) r->half[i * n + l] = r->to[i];
  }
  for (int64_t i = 0; i < h; i++) {
    for (int64_t l = 0; l < w; l++) r->from[l] = l < n ? r->half[i * n + l] : (number){0, 0};
    transform(w, r->from, 1, r->across, 1, r->to, r->spare);
    for (int64_t j = 0; j < w; j++) x[i * w + j] = (float)r->to[j].re;
  }
}

void xk_rfft2_forward(int64_t planes, int64_t h, int64_t w, const float *x, float *s, void *work) {
  int64_t n = h * (w / 2 + 1) * 2;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (planes * h * w > XK__CHUNK)
  for (int64_t p = 0; p < planes; p++) {
    room r = enter(work, p, h, w, -1);
    forward_plane(&r, h, w, x + p * h * w, s + p * n);
  }
}

void xk_rfft2_inverse(int64_t planes, int64_t h, int64_t w, const float *s, float *x, void *work) {
  int64_t n = h * (w / 2 + 1) * 2;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (planes * h * w > XK__CHUNK)
  for (int64_t p = 0; p < planes; p++) {
    room r = enter(work, p, h, w, 1);
    inverse_plane(&r, h, w, s + p * n, x + p * h * w);
  }
}
