/* Principal components: the directions in which points vary most.
 *
 *   C = (x - mean)^T (x - mean) / (n - 1),   C v_k = variance_k v_k
 *
 * exact: from the eigenvectors of the smaller of the two matrices of inner products, in double precision; directions
 * in which nothing varies are zero where there are fewer points than dims. randomised, for large sets: subspace iteration
 * from random directions q with some to spare (Halko, Martinsson, Tropp 2011, algorithm 4.4), accelerated by Chebyshev's
 * recurrence, which lets eigenvalues of C grow by how far they lie above 'edge', the least that q finds:
 *   q <- (C - edge/2) q - edge^2/16 p,   p <- q of the round before           Saad 1984; Zhou, Saad 2007, section 3
 * until the variances stand still or seven times; each round costs two products with x. On normal numbers, the worst case,
 * that errs by a third of what the same number of products without the recurrence does.
 * The sign of a component is chosen so that its loading of largest magnitude (the first of equals) is positive. */
#include <float.h>
#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/status.h"
#include "embed/embed.h"
#include "kernels/kernels.h"
#include "tensor/shape.h"
#include "tensor/tensor.h"

enum {
  EXACT = 1000, /* the smaller side, at most: one thread finds the eigenvectors of that in half a second */
  SPARE = 10,
  ROUNDS = 7
};
static const double still = 3e-5; /* relative change of every variance in a round */

xai_status xai_embed__finite(const char *what, int64_t n, int64_t d, const float *x, xai_err *err) {
  for (int64_t i = 0; i < n; i++) {
    int bad = 0;
    for (int64_t j = 0; j < d; j++) bad |= !(fabsf(x[i * d + j]) <= FLT_MAX);
    if (bad)
      return xai_fail(err, XAI_EARG, "%s: row %lld holds a number that is not finite", what, (long long)i + 1);
  }
  return XAI_OK;
}

/* The means of the columns and c = x - mean; returns the sum of its squares. Columns are dealt out in fixed stripes. */
enum { STRIPE = 64 };
static double centre(int64_t n, int64_t d, const float *x, float *mean, float *c, double *squares) {
  int64_t stripes = (d + STRIPE - 1) / STRIPE;
#pragma omp parallel for schedule(static) num_threads(xk_threads())
  for (int64_t s = 0; s < stripes; s++) {
    int64_t from = s * STRIPE, width = d - from < STRIPE ? d - from : STRIPE;
    double sum[STRIPE] = {0};
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = 0; j < width; j++) sum[j] += x[i * d + from + j];
    for (int64_t j = 0; j < width; j++) mean[from + j] = (float)(sum[j] / (double)n);
    squares[s] = 0;
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = 0; j < width; j++) {
        float v = x[i * d + from + j] - mean[from + j];
        c[i * d + from + j] = v;
        squares[s] += (double)v * v;
      }
  }
  double sum = 0;
  for (int64_t s = 0; s < stripes; s++) sum += squares[s];
  return sum;
}

static void widen(int64_t n, const float *from, double *to) {
  for (int64_t i = 0; i < n; i++) to[i] = from[i];
}

/* ---- exact ------------------------------------------------------------------------------------------------ */

/* The first 'dims' rows of v (dims x d) and the eigenvalues w of C (n - 1). */
static xai_status solve_exactly(int64_t n, int64_t d, const float *c, int64_t dims, float *v, double *w, xai_err *err) {
  bool few = n < d;
  int64_t side = few ? n : d;
  xai_status st = XAI_OK;
  double *wide = xai_alloc((size_t)(n * d) * sizeof *wide), *g = xai_alloc((size_t)(side * side) * sizeof *g);
  double *all = xai_alloc((size_t)side * sizeof *all);
  void *work = xai_alloc(xk_eigen_workspace(side));
  if (wide == NULL || g == NULL || all == NULL || work == NULL) {
    st = xai_fail_memory(err, (size_t)(n * d + side * side) * sizeof *wide);
    goto done;
  }
  widen(n * d, c, wide);
  xk_gram(few, side, few ? d : n, wide, g);
  if (xai_stop_requested()) {
    st = xai_fail_stop(err);
    goto done;
  }
  if (!xk_eigen(side, g, all, work)) {
    st = xai_fail(err, XAI_EARG, "pca: the eigenvectors do not converge");
    goto done;
  }
  double least = all[0] * 1e-14 * (double)side;
  for (int64_t k = 0; k < dims; k++) w[k] = all[k] > 0 ? all[k] : 0;
#pragma omp parallel for schedule(static) num_threads(xk_threads())
  for (int64_t k = 0; k < dims; k++) {
    const double *u = g + k * side;
    float *to = v + k * d;
    if (!few) {
      for (int64_t j = 0; j < d; j++) to[j] = (float)u[j];
      continue;
    }
    /* v = c^T u / sqrt(w) */
    for (int64_t from = 0; from < d; from += STRIPE) {
      double sum[STRIPE] = {0};
      int64_t width = d - from < STRIPE ? d - from : STRIPE;
      for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < width; j++) sum[j] += u[i] * wide[i * d + from + j];
      for (int64_t j = 0; j < width; j++) to[from + j] = w[k] > least ? (float)(sum[j] / sqrt(w[k])) : 0;
    }
  }
done:
  xai_free(wide);
  xai_free(g);
  xai_free(all);
  xai_free(work);
  return st;
}

/* ---- randomised ---------------------------------------------------------------------------------------------- */

typedef struct block {
  int64_t l;                    /* directions */
  float *q, *p, *z, *s, *y, *a; /* d x l: the directions, those of the round before, what becomes of them; n x l */
  double *wide, *g, *w;         /* max(n, d) x l, l x l, l */
  float *t1, *t2;               /* l x l */
  void *work;
} block;

static void block_free(block *b) {
  void *all[] = {b->q, b->p, b->z, b->s, b->y, b->a, b->wide, b->g, b->w, b->t1, b->t2, b->work};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) xai_free(all[i]);
}

static xai_status block_new(int64_t n, int64_t d, int64_t l, block *b, xai_err *err) {
  size_t longer = (size_t)(n > d ? n : d), width = (size_t)l;
  *b = (block){.l = l};
  b->q = xai_alloc((size_t)d * width * sizeof(float));
  b->p = xai_calloc((size_t)d * width, sizeof(float));
  b->z = xai_alloc((size_t)d * width * sizeof(float));
  b->s = xai_alloc((size_t)d * width * sizeof(float));
  b->y = xai_alloc((size_t)n * width * sizeof(float));
  b->a = xai_alloc((size_t)n * width * sizeof(float));
  b->wide = xai_alloc(longer * width * sizeof(double));
  b->g = xai_alloc(width * width * sizeof(double));
  b->w = xai_alloc(width * sizeof(double));
  b->t1 = xai_alloc(width * width * sizeof(float));
  b->t2 = xai_alloc(width * width * sizeof(float));
  b->work = xai_alloc(xk_eigen_workspace(l));
  if (b->q && b->p && b->z && b->s && b->y && b->a && b->wide && b->g && b->w && b->t1 && b->t2 && b->work) return XAI_OK;
  return xai_fail_memory(err, longer * width * sizeof(double));
}

/* to (rows x l) = from t, whose columns are orthonormal and in the order of the eigenvalues b->w of from^T from;
 * directions that have no length become zero. */
static xai_status orthonormalise(block *b, int64_t rows, const float *from, float *t, float *to, xai_err *err) {
  int64_t l = b->l;
  widen(rows * l, from, b->wide);
  xk_gram(false, l, rows, b->wide, b->g);
  if (xai_stop_requested()) return xai_fail_stop(err);
  if (!xk_eigen(l, b->g, b->w, b->work)) return xai_fail(err, XAI_EARG, "pca: the eigenvectors do not converge");
  for (int64_t k = 0; k < l; k++) {
    double length = b->w[k] > b->w[0] * 1e-14 ? sqrt(b->w[k]) : 0;
    for (int64_t i = 0; i < l; i++) t[i * l + k] = length > 0 ? (float)(b->g[k * l + i] / length) : 0;
  }
  xk_gemm_parallel(false, false, rows, l, l, 1, from, l, t, l, 0, to, l);
  return XAI_OK;
}

/* One step of the recurrence over z = C q t1 (C without its n - 1): z - (edge/2 q + edge^2/16 p) t1 is made orthonormal
 * and becomes q, and q becomes p. p is kept times 'top', the largest eigenvalue, so that any unit will do. */
static xai_status filter(block *b, int64_t d, double top, double edge, xai_err *err) {
  int64_t l = b->l;
  const float middle = (float)(edge / 2), last = top > 0 ? (float)(edge / top * edge / 16) : 0;
  for (int64_t i = 0; i < d * l; i++) b->s[i] = middle * b->q[i] + last * b->p[i];
  xk_gemm_parallel(false, false, d, l, l, -1, b->s, l, b->t1, l, 1, b->z, l);
  XAI_TRY(orthonormalise(b, d, b->z, b->t2, b->s, err));
  for (int64_t i = 0; i < l * l; i++) {
    double sum = 0;
    for (int64_t k = 0; k < l; k++) sum += (double)b->t1[i / l * l + k] * b->t2[k * l + i % l];
    b->g[i] = top * sum;
  }
  for (int64_t i = 0; i < l * l; i++) b->t2[i] = (float)b->g[i];
  xk_gemm_parallel(false, false, d, l, l, 1, b->q, l, b->t2, l, 0, b->p, l);
  float *made = b->s;
  b->s = b->q;
  b->q = made;
  return XAI_OK;
}

static xai_status solve_randomly(int64_t n, int64_t d, const float *c, const xai_pca_opts *o, float *v, double *w,
                                 xai_err *err) {
  int64_t side = n < d ? n : d, l = o->dims + SPARE < side ? o->dims + SPARE : side;
  block b;
  xai_status st = block_new(n, d, l, &b, err);
  if (st != XAI_OK) goto done;
  for (int64_t i = 0; i < d * l; i++) b.s[i] = (float)xai_rng_normal(xai_rng_stream(o->seed, 0), (uint64_t)i);
  XAI_GOTO(orthonormalise(&b, d, b.s, b.t2, b.q, err));
  for (int64_t k = 0; k < o->dims; k++) w[k] = 0;
  for (int round = 0;; round++) {
    xk_gemm_parallel(false, false, n, l, d, 1, c, d, b.q, l, 0, b.y, l);
    XAI_GOTO(orthonormalise(&b, n, b.y, b.t1, b.a, err));
    bool moves = false;
    for (int64_t k = 0; k < o->dims; k++) {
      moves = moves || fabs(b.w[k] - w[k]) > still * b.w[k];
      w[k] = b.w[k] > 0 ? b.w[k] : 0;
    }
    if (!moves || round == ROUNDS) break;
    xk_gemm_parallel(true, false, d, l, n, 1, c, d, b.a, l, 0, b.z, l);
    XAI_GOTO(filter(&b, d, b.w[0], b.w[l - 1] > 0 ? b.w[l - 1] : 0, err));
  }
  xk_gemm_parallel(false, false, d, l, l, 1, b.q, l, b.t1, l, 0, b.z, l);
  for (int64_t k = 0; k < o->dims; k++)
    for (int64_t j = 0; j < d; j++) v[k * d + j] = (float)(b.z[j * l + k] * sqrt(w[k]));
done:
  block_free(&b);
  return st;
}

/* ---- both ------------------------------------------------------------------------------------------------------ */

static void turn(int64_t dims, int64_t d, float *v) {
  for (int64_t k = 0; k < dims; k++) {
    float *row = v + k * d, largest = 0;
    for (int64_t j = 0; j < d; j++)
      if (fabsf(row[j]) > fabsf(largest)) largest = row[j];
    for (int64_t j = 0; largest < 0 && j < d; j++) row[j] = -row[j];
  }
}

void xai_pca_clear(xai_pca *p) {
  xai_tensor_free(p->values);
  xai_tensor_free(p->components);
  xai_tensor_free(p->mean);
  xai_tensor_free(p->variance);
  xai_tensor_free(p->ratio);
  *p = (xai_pca){0};
}

static xai_status make_tensors(int64_t n, int64_t d, int64_t dims, xai_pca *p, xai_err *err) {
  XAI_TRY(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(n, dims), &p->values, err));
  XAI_TRY(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(dims, d), &p->components, err));
  XAI_TRY(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(d), &p->mean, err));
  XAI_TRY(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(dims), &p->variance, err));
  return xai_tensor_new_raw(XAI_F32, XAI_SHAPE(dims), &p->ratio, err);
}

xai_status xai_pca_fit(int64_t n, int64_t d, const float *x, const xai_pca_opts *o, xai_pca *out, xai_err *err) {
  int64_t side = n < d ? n : d, most = n - 1 < d ? n - 1 : d, dims = o->dims;
  xai_pca p = {.solver = o->solver};
  float *c = NULL;
  double *w = NULL;
  xai_status st = XAI_OK;
  if (dims < 1 || dims > most)
    return xai_fail(err, XAI_EARG, "dims: expected 1 to %lld for %lld points of %lld numbers, got %lld", (long long)most,
                    (long long)n, (long long)d, (long long)dims);
  XAI_TRY(xai_embed__finite("x", n, d, x, err));
  if (p.solver == XAI_PCA_AUTO) p.solver = side <= EXACT || 5 * dims > side ? XAI_PCA_EXACT : XAI_PCA_RANDOMISED;
  XAI_GOTO(make_tensors(n, d, dims, &p, err));
  c = xai_alloc((size_t)(n * d) * sizeof *c);
  w = xai_alloc((size_t)(dims + d) * sizeof *w); /* the sums of squares of the stripes first */
  if (c == NULL || w == NULL) {
    st = xai_fail_memory(err, (size_t)(n * d) * sizeof *c);
    goto done;
  }
  double total = centre(n, d, x, xai_tensor_floats(p.mean), c, w);
  float *v = xai_tensor_floats(p.components), *variance = xai_tensor_floats(p.variance);
  XAI_GOTO(p.solver == XAI_PCA_EXACT ? solve_exactly(n, d, c, dims, v, w, err) : solve_randomly(n, d, c, o, v, w, err));
  turn(dims, d, v);
  for (int64_t k = 0; k < dims; k++) {
    variance[k] = (float)(w[k] / (double)(n - 1));
    xai_tensor_floats(p.ratio)[k] = total > 0 ? (float)(w[k] / total) : 0;
  }
  xk_gemm_parallel(false, true, n, dims, d, 1, c, d, v, d, 0, xai_tensor_floats(p.values), dims);
  st = xai_stop_requested() ? xai_fail_stop(err) : XAI_OK;
done:
  xai_free(c);
  xai_free(w);
  if (st == XAI_OK) *out = p;
  else xai_pca_clear(&p);
  return st;
}

/* Row by row, so that a point's place does not depend on the others. */
xai_status xai_pca_project(const xai_pca *p, int64_t n, const float *x, float *y, xai_err *err) {
  const xai_view *v = xai_tensor_view(p->components);
  int64_t dims = v->shape.dims[0], d = v->shape.dims[1];
  const float *components = v->data, *mean = xai_tensor_view(p->mean)->data;
  XAI_TRY(xai_embed__finite("x", n, d, x, err));
#pragma omp parallel for schedule(static) num_threads(xk_threads())
  for (int64_t i = 0; i < n * dims; i++) {
    const float *from = x + i / dims * d, *along = components + i % dims * d;
    double sum = 0;
    for (int64_t j = 0; j < d; j++) sum += ((double)from[j] - mean[j]) * along[j];
    y[i] = (float)sum;
  }
  return xai_stop_requested() ? xai_fail_stop(err) : XAI_OK;
}
