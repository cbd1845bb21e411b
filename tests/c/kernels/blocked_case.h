/* blocked_case.h: what the tests of convolutions on blocked arrays share: a problem with plain arrays, the same blocked,
 * and the sums of its definition in double. */
#ifndef BLOCKED_CASE_H
#define BLOCKED_CASE_H

#include <math.h>

#include "kernels/blocked_private.h"
#include "ktest.h"

/* The functions under test: an algorithm of blocked_private.h. */
typedef struct algorithm {
  size_t (*packed)(const xk_conv2d *, bool);
  void (*pack)(const xk_conv2d *, bool, const float *, const float *, float *);
  size_t (*workspace)(const xk_conv2d *, bool);
  void (*forward)(const xk_conv2d *, const float *, const float *, const xk_finish *, float *, void *);
  void (*backward_input)(const xk_conv2d *, const float *, const float *, const xk_finish *, float *, void *);
} algorithm;
#define ALGORITHM(name)                                                                                                \
  { xk__##name##_packed, xk__##name##_pack, xk__##name##_workspace, xk__##name##_forward, xk__##name##_backward_input }

/* Arrays with a b are blocked. 'add' is of y's form. */
typedef struct blocked_case {
  algorithm a;
  xk_conv2d p;
  int64_t nx, ny, nw, nbx, nby; /* elements */
  float *x, *w, *scale, *bias, *add, *dy, *bx, *badd, *bdy, *bbias;
  xk_finish finish, back; /* of y, of dx */
} blocked_case;

static inline float *to_blocked(int64_t n, int64_t c, int64_t hw, const float *x) {
  float *b = calloc((size_t)(n * xk_blocks(c) * XK_LANES * hw + 1), sizeof *b);
  assert_non_null(b);
  for (int64_t i = 0; i < n; i++)
    for (int64_t ch = 0; ch < c; ch++)
      for (int64_t e = 0; e < hw; e++)
        b[((i * xk_blocks(c) + ch / XK_LANES) * hw + e) * XK_LANES + ch % XK_LANES] = x[(i * c + ch) * hw + e];
  return b;
}

/* Back; lanes that are no channel must be zero. */
static inline float *from_blocked(int64_t n, int64_t c, int64_t hw, const float *b) {
  float *x = floats(n * c * hw);
  for (int64_t i = 0; i < n; i++)
    for (int64_t ch = 0; ch < xk_blocks(c) * XK_LANES; ch++)
      for (int64_t e = 0; e < hw; e++) {
        float v = b[((i * xk_blocks(c) + ch / XK_LANES) * hw + e) * XK_LANES + ch % XK_LANES];
        if (ch < c) x[(i * c + ch) * hw + e] = v;
        else assert_true(v == 0);
      }
  return x;
}

/* x is rectified, as in the middle of a network. */
static inline blocked_case make_case(algorithm a, xk_conv2d p) {
  blocked_case q = {.a = a, .p = p, .nx = p.n * p.c * p.h * p.w, .ny = p.n * p.m * p.oh * p.ow,
                    .nw = p.m * p.c / p.groups * p.kh * p.kw};
  q.nbx = p.n * xk_blocks(p.c) * XK_LANES * p.h * p.w;
  q.nby = p.n * xk_blocks(p.m) * XK_LANES * p.oh * p.ow;
  q.x = reals(q.nx, 1);
  q.w = reals(q.nw, 2);
  q.scale = reals(p.m, 3);
  q.bias = reals(p.m, 4);
  q.add = reals(q.ny, 5);
  q.dy = reals(q.ny, 6);
  for (int64_t i = 0; i < q.nx; i++) q.x[i] = q.x[i] < 0 ? 0 : q.x[i];
  q.bx = to_blocked(p.n, p.c, p.h * p.w, q.x);
  q.badd = to_blocked(p.n, p.m, p.oh * p.ow, q.add);
  q.bdy = to_blocked(p.n, p.m, p.oh * p.ow, q.dy);
  q.bbias = to_blocked(1, p.m, 1, q.bias);
  q.finish = (xk_finish){.bias = q.bbias, .add = q.badd, .lo = 0, .hi = INFINITY};
  q.back = (xk_finish){.lo = -INFINITY, .hi = INFINITY};
  return q;
}

static inline void drop_case(blocked_case *q) {
  float *all[] = {q->x, q->w, q->scale, q->bias, q->add, q->dy, q->bx, q->badd, q->bdy, q->bbias};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* Packs, runs and leaves a blocked y, or dx. */
static inline void run_case(const blocked_case *q, bool backward, float *out) {
  float *packed = floats((int64_t)q->a.packed(&q->p, backward));
  char *work = malloc(q->a.workspace(&q->p, backward) + 1);
  assert_non_null(work);
  q->a.pack(&q->p, backward, q->w, q->scale, packed);
  if (backward) q->a.backward_input(&q->p, packed, q->bdy, &q->back, out, work);
  else q->a.forward(&q->p, q->bx, packed, &q->finish, out, work);
  free(packed);
  free(work);
}

static inline void run_forward(const void *q, float *y) { run_case(q, false, y); }
static inline void run_backward(const void *q, float *dx) { run_case(q, true, dx); }

static inline double *doubles(int64_t n) {
  double *x = calloc((size_t)(n > 0 ? n : 1), sizeof *x);
  assert_non_null(x);
  return x;
}

/* The definition: every product of the convolution, of x[at] and the filter's weight, for y[to]. Forward, y += x * w;
 * back, dx += dy * w. */
static inline double *sums_of_definition(const blocked_case *q, bool backward) {
  const xk_conv2d *p = &q->p;
  int64_t cg = p->c / p->groups, mg = p->m / p->groups;
  double *sum = doubles(backward ? q->nx : q->ny);
  for (int64_t nm = 0; nm < p->n * p->m; nm++)
    for (int64_t k = 0; k < cg * p->kh * p->kw; k++) {
      int64_t m = nm % p->m, c = k / (p->kh * p->kw), ky = k / p->kw % p->kh, kx = k % p->kw;
      double w = (double)q->w[m * cg * p->kh * p->kw + k] * q->scale[m];
      int64_t plane = nm / p->m * p->c + m / mg * cg + c;
      for (int64_t oy = 0; oy < p->oh; oy++) {
        int64_t y = oy * p->sh - p->pad_top + ky * p->dh;
        for (int64_t ox = 0; y >= 0 && y < p->h && ox < p->ow; ox++) {
          int64_t x = ox * p->sw - p->pad_left + kx * p->dw;
          if (x < 0 || x >= p->w) continue;
          int64_t at = (plane * p->h + y) * p->w + x, to = (nm * p->oh + oy) * p->ow + ox;
          if (backward) sum[at] += q->dy[to] * w;
          else sum[to] += q->x[at] * w;
        }
      }
    }
  return sum;
}

/* dw[m][c][ky][kx] = sum over images and outputs of dy x */
static inline double *definition_of_weights(const blocked_case *q) {
  const xk_conv2d *p = &q->p;
  int64_t cg = p->c / p->groups, mg = p->m / p->groups, taps = p->kh * p->kw;
  double *sum = doubles(q->nw);
  for (int64_t i = 0; i < p->n * q->nw; i++) {
    int64_t tap = i % taps, m = i / taps / cg % p->m, c = m / mg * cg + i / taps % cg, image = i / q->nw;
    const float *x = q->x + (image * p->c + c) * p->h * p->w, *dy = q->dy + (image * p->m + m) * p->oh * p->ow;
    for (int64_t at = 0; at < p->oh * p->ow; at++) {
      int64_t y = at / p->ow * p->sh - p->pad_top + tap / p->kw * p->dh;
      int64_t column = at % p->ow * p->sw - p->pad_left + tap % p->kw * p->dw;
      if (y >= 0 && y < p->h && column >= 0 && column < p->w) sum[i % q->nw] += (double)x[y * p->w + column] * dy[at];
    }
  }
  return sum;
}

/* y or dx in double, with what finishes y: bias, add, clamp. */
static inline double *definition(const blocked_case *q, bool backward) {
  double *sum = sums_of_definition(q, backward);
  int64_t plane = q->p.oh * q->p.ow;
  for (int64_t i = 0; !backward && i < q->ny; i++) {
    double v = sum[i] + (q->finish.bias != NULL ? q->bias[i / plane % q->p.m] : 0.) +
               (q->finish.add != NULL ? q->add[i] : 0.);
    sum[i] = v < q->finish.lo ? q->finish.lo : v > q->finish.hi ? q->finish.hi : v;
  }
  return sum;
}

/* |got - want| / |want|, both plain */
static inline double relative_error(int64_t n, const float *got, const double *want) {
  double error = 0, size = 0;
  for (int64_t i = 0; i < n; i++) {
    error += (got[i] - want[i]) * (got[i] - want[i]);
    size += want[i] * want[i];
  }
  return sqrt(error / (size > 0 ? size : 1));
}

/* The relative error of y or dx. */
static inline double error_of(const blocked_case *q, bool backward) {
  float *b = floats(backward ? q->nbx : q->nby);
  double *want = definition(q, backward);
  run_case(q, backward, b);
  float *got = backward ? from_blocked(q->p.n, q->p.c, q->p.h * q->p.w, b)
                        : from_blocked(q->p.n, q->p.m, q->p.oh * q->p.ow, b);
  double error = relative_error(backward ? q->nx : q->ny, got, want);
  free(b);
  free(want);
  free(got);
  return error;
}

/* <y, dy> = <x, dx> for the linear map without finish, within 'tolerance' of the sum of the terms' sizes. */
static inline void assert_adjoint(blocked_case *q, double tolerance) {
  float *y = floats(q->nby), *dx = floats(q->nbx);
  double size = 0;
  q->finish = (xk_finish){.lo = -INFINITY, .hi = INFINITY};
  run_case(q, false, y);
  run_case(q, true, dx);
  double there = inner_product(q->nby, y, q->bdy), back = inner_product(q->nbx, q->bx, dx);
  for (int64_t i = 0; i < q->nby; i++) size += fabs((double)y[i] * q->bdy[i]);
  assert_true(fabs(there - back) <= tolerance * size);
  free(y);
  free(dx);
}

/* A gradient that is added to another one and passes the rectifier that made x is their sum behind xk_gate; near zero,
 * where rounding decides what is positive, either is right. */
static inline void assert_gradient_is_finished(blocked_case *q) {
  float *sum = floats(q->nbx), *want = floats(q->nbx), *got = floats(q->nbx);
  float *x = reals(q->p.n * q->p.c * q->p.h * q->p.w, 7), *before = to_blocked(q->p.n, q->p.c, q->p.h * q->p.w, x);
  run_case(q, true, sum);
  for (int64_t i = 0; i < q->nbx; i++) sum[i] += before[i];
  for (int rule = XK_RELU_PLAIN; rule <= XK_RELU_DECONV; rule++) {
    q->back = (xk_finish){.add = got, .lo = 0, .hi = rule == XK_RELU_PLAIN ? INFINITY : 0.5f, .gate = q->bx,
                          .rule = (xk_relu_rule)rule};
    memcpy(got, before, (size_t)q->nbx * sizeof *got);
    run_case(q, true, got);
    xk_gate(q->nbx, q->back.rule, q->back.lo, q->back.hi, q->bx, sum, want);
    for (int64_t i = 0; i < q->nbx; i++)
      assert_true(fabs((double)got[i] - want[i]) <= 1e-4 || (fabs(sum[i]) <= 1e-4 && got[i] == 0));
  }
  q->back = (xk_finish){.lo = -INFINITY, .hi = INFINITY};
  free(sum);
  free(want);
  free(got);
  free(x);
  free(before);
}

/* The last image of the batch has the same bits when it is computed alone. */
static inline void assert_same_bits_alone(const blocked_case *q) {
  blocked_case one = *q;
  int64_t before = q->p.n - 1, nby = q->nby / q->p.n, nbx = q->nbx / q->p.n;
  float *all = floats(q->nby), *alone = floats(nby), *dall = floats(q->nbx), *dalone = floats(nbx);
  one.p.n = 1;
  one.bx += before * nbx;
  one.bdy += before * nby;
  if (one.finish.add != NULL) one.finish.add += before * nby;
  run_case(q, false, all);
  run_case(&one, false, alone);
  assert_memory_equal(all + before * nby, alone, (size_t)nby * sizeof(float));
  run_case(q, true, dall);
  run_case(&one, true, dalone);
  assert_memory_equal(dall + before * nbx, dalone, (size_t)nbx * sizeof(float));
  free(all);
  free(alone);
  free(dall);
  free(dalone);
}

/* Runs the statement with each instruction set that the processor has, and then takes the best again. */
#define FOR_EACH_ISA(...)                                                                                              \
  do {                                                                                                                 \
    static const char *const sets[] = {"portable", "avx2", "avx512"};                                                  \
    for (size_t set = 0; set < sizeof sets / sizeof *sets; set++)                                                      \
      if (xk_isa_choose(sets[set])) { __VA_ARGS__; }                                                                   \
    xk_isa_choose(NULL);                                                                                               \
  } while (0)

#endif
