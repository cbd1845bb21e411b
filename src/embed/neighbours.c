/* Nearest neighbours, exactly. Euclidean: |a - b|; cosine: 1 - cos(a, b).
 *
 * Two rounds. First all pairs in blocks of products, |a|^2 + |b|^2 - 2 ab in float, of which each query keeps the best few
 * and some to spare. Then those are measured anew in double. The products' error is bounded, so it is known whether a
 * point that was not kept might have been nearer; a query for which it might is measured against all points.
 * When every point is a query, each block serves the queries on both of its sides. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "embed/embed.h"
#include "kernels/kernels.h"

enum { BLOCK = 1024, SPARE = 32, LANES = 16 };

/* Points as the products see them: moved to the mean or made of length 1, which changes no order. */
typedef struct points {
  int64_t n;
  const float *x; /* as given */
  float *a;       /* n x d */
  float *square;  /* |a|^2; 1 for cosine; LANES more, which are infinite */
  float longest;  /* of the lengths of a */
} points;

typedef struct near {
  double distance; /* squared, or 2 (1 - cos) */
  int64_t index;
} near;

typedef struct search {
  int64_t d, k, keep; /* keep: candidates of a query */
  xai_metric metric;
  bool both;          /* every point is a query */
  const int64_t *own; /* else: of each query, or NULL */
  points set, queries;
  float *block;      /* BLOCK x BLOCK products, and LANES more to look at */
  float *best;       /* queries x keep, ascending: estimates of what is kept */
  int32_t *which;    /* queries x keep */
  int64_t *kept;     /* queries: how many */
  float *limit;      /* queries: what is below that is kept; LANES more, below which nothing is */
} search;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- points -------------------------------------------------------------------------------------------------- */

static double dot(int64_t d, const float *a, const float *b) {
  double lane[8] = {0}, sum = 0;
  int64_t j = 0;
  for (; j + 8 <= d; j += 8)
    for (int l = 0; l < 8; l++) lane[l] += (double)a[j + l] * b[j + l];
  for (; j < d; j++) sum += (double)a[j] * b[j];
  for (int l = 0; l < 8; l++) sum += lane[l];
  return sum;
}

static double apart(int64_t d, const float *a, const float *b) {
  double lane[8] = {0}, sum = 0;
  int64_t j = 0;
  for (; j + 8 <= d; j += 8)
    for (int l = 0; l < 8; l++) {
      double by = (double)a[j + l] - b[j + l];
      lane[l] += by * by;
    }
  for (; j < d; j++) sum += ((double)a[j] - b[j]) * ((double)a[j] - b[j]);
  for (int l = 0; l < 8; l++) sum += lane[l];
  return sum;
}

static double measure(const search *s, const float *a, const float *b) {
  if (s->metric == XAI_METRIC_EUCLIDEAN) return apart(s->d, a, b);
  double lengths = sqrt(dot(s->d, a, a) * dot(s->d, b, b));
  return lengths > 0 ? 2 - 2 * fmax(-1, fmin(1, dot(s->d, a, b) / lengths)) : 2;
}

static xai_status mean_of(int64_t n, int64_t d, const float *x, float *mean, xai_err *err) {
  double *sum = xai_calloc((size_t)d, sizeof *sum);
  if (sum == NULL) return xai_fail_memory(err, (size_t)d * sizeof *sum);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < d; j++) sum[j] += x[i * d + j];
  for (int64_t j = 0; j < d; j++) mean[j] = (float)(sum[j] / (double)n);
  xai_free(sum);
  return XAI_OK;
}

/* mean (d): what is subtracted; NULL: they get length 1 */
static xai_status prepare(int64_t n, int64_t d, const float *x, const float *mean, points *p, xai_err *err) {
  p->n = n;
  p->x = x;
  p->a = xai_alloc((size_t)(n * d) * sizeof *p->a);
  p->square = xai_alloc((size_t)(n + LANES) * sizeof *p->square);
  if (p->a == NULL || p->square == NULL) return xai_fail_memory(err, (size_t)(n * d) * sizeof *p->a);
  for (int64_t i = n; i < n + LANES; i++) p->square[i] = INFINITY;
#pragma omp parallel for schedule(static) num_threads(xk_threads())
  for (int64_t i = 0; i < n; i++) {
    const float *from = x + i * d;
    float *to = p->a + i * d;
    double length = mean == NULL ? sqrt(dot(d, from, from)) : 0;
    for (int64_t j = 0; j < d; j++)
      to[j] = mean != NULL ? from[j] - mean[j] : length > 0 ? (float)(from[j] / length) : 0;
    p->square[i] = mean != NULL ? (float)dot(d, to, to) : 1;
  }
  p->longest = 0;
  for (int64_t i = 0; i < n; i++) p->longest = fmaxf(p->longest, sqrtf(p->square[i]));
  return XAI_OK;
}

static void points_free(points *p) {
  xai_free(p->a);
  xai_free(p->square);
}

/* How far the estimate of a distance to this query may be off: sums of d products, and what prepare() rounded. */
static double error_of(const search *s, int64_t q) {
  double a = sqrt(s->queries.square[q]), b = s->set.longest;
  return ldexp((double)s->d + 32, -23) * (a * b + ldexp(a * a + b * b, -3));
}

/* The query's own position in the set, or -1. */
static int64_t own_of(const search *s, int64_t q) { return s->both ? q : s->own != NULL ? s->own[q] : -1; }

/* ---- first round: estimates ------------------------------------------------------------------------------------ */

/* Point j at distance v, if it is nearer than what is kept for query q; of equals the one that came first stays. */
static void keep(search *s, int64_t q, float v, int64_t j) {
  float *best = s->best + q * s->keep;
  int32_t *which = s->which + q * s->keep;
  int64_t n = s->kept[q];
  if (n == s->keep && !(v < best[n - 1])) return;
  if (j == own_of(s, q)) return;
  if (n < s->keep) s->kept[q] = n + 1;
  else n--;
  int64_t at = 0; /* behind all that are not farther */
  for (int64_t end = n; at < end;) {
    int64_t middle = at + (end - at) / 2;
    if (v < best[middle]) end = middle;
    else at = middle + 1;
  }
  memmove(best + at + 1, best + at, (size_t)(n - at) * sizeof *best);
  memmove(which + at + 1, which + at, (size_t)(n - at) * sizeof *which);
  best[at] = v;
  which[at] = (int32_t)j;
  if (s->kept[q] == s->keep) s->limit[q] = best[s->keep - 1];
}

/* The products of queries [i, i + m) with points [j, j + w) are in s->block. Hardly a distance is below its limit, so sixteen
 * are asked at once, without branches; beyond the last point they are infinite. */
static void offer(search *s, int64_t i, int64_t m, int64_t j, int64_t w) {
#pragma omp parallel for schedule(static) num_threads(xk_threads())
  for (int64_t q = i; q < i + m; q++) {
    const float *row = s->block + (q - i) * w, *square = s->set.square + j, own = s->queries.square[q];
    for (int64_t c = 0; c < w; c += LANES) {
      float v[LANES], limit = s->limit[q];
      int any = 0;
      for (int l = 0; l < LANES; l++) {
        v[l] = own + square[c + l] - 2 * row[c + l];
        any |= v[l] < limit;
      }
      for (int l = 0; any && l < LANES; l++)
        if (v[l] < s->limit[q]) keep(s, q, v[l], j + c + l);
    }
  }
}

/* The same for queries [j, j + w) and points [i, i + m): the block from its other side. */
static void offer_back(search *s, int64_t i, int64_t m, int64_t j, int64_t w) {
#pragma omp parallel for schedule(static) num_threads(xk_threads())
  for (int64_t c = 0; c < w; c += LANES) {
    const float *own = s->queries.square + j + c, *limit = s->limit + j + c;
    for (int64_t r = 0; r < m; r++) {
      const float *row = s->block + r * w + c, square = s->set.square[i + r];
      float v[LANES];
      int any = 0;
      for (int l = 0; l < LANES; l++) {
        v[l] = own[l] + square - 2 * row[l];
        any |= v[l] < limit[l];
      }
      for (int l = 0; any && l < LANES; l++)
        if (v[l] < limit[l]) keep(s, j + c + l, v[l], i + r);
    }
  }
}

static xai_status estimate(search *s, xai_err *err) {
  for (int64_t i = 0; i < s->queries.n; i += BLOCK)
    for (int64_t j = s->both ? i : 0; j < s->set.n; j += BLOCK) {
      int64_t m = least(BLOCK, s->queries.n - i), w = least(BLOCK, s->set.n - j);
      xk_gemm_parallel(false, true, m, w, s->d, 1, s->queries.a + i * s->d, s->d, s->set.a + j * s->d, s->d, 0, s->block,
                       w);
      if (xai_stop_requested()) return xai_fail_stop(err);
      offer(s, i, m, j, w);
      if (s->both && j > i) offer_back(s, i, m, j, w);
    }
  return XAI_OK;
}

/* ---- second round: distances ------------------------------------------------------------------------------------- */

static bool nearer(near a, near b) { return a.distance < b.distance || (a.distance == b.distance && a.index < b.index); }

/* Puts v among the first n of 'sorted', which has room for 'most'; the number that there are then. */
static int64_t insert(near *sorted, int64_t n, int64_t most, near v) {
  if (n == most && !nearer(v, sorted[n - 1])) return n;
  int64_t at = n < most ? n : n - 1;
  for (; at > 0 && nearer(v, sorted[at - 1]); at--) sorted[at] = sorted[at - 1];
  sorted[at] = v;
  return n < most ? n + 1 : n;
}

/* The k nearest of query q. sorted: room for k. What is kept is in the order of its estimates: as soon as one of them, with all
 * its error, is beyond the k-th distance, so are the others. */
static void settle(const search *s, int64_t q, near *sorted) {
  const float *x = s->queries.x + q * s->d;
  const int32_t *which = s->which + q * s->keep;
  const float *best = s->best + q * s->keep;
  double error = error_of(s, q);
  int64_t n = 0, own = own_of(s, q);
  for (int64_t c = 0; c < s->kept[q]; c++) {
    if (n == s->k && sorted[n - 1].distance < best[c] - error) return;
    n = insert(sorted, n, s->k, (near){measure(s, x, s->set.x + which[c] * s->d), which[c]});
  }
  bool full = s->kept[q] == s->keep, all = s->keep == s->set.n - (own >= 0); /* not full: squares are beyond the floats */
  if (full && (all || sorted[s->k - 1].distance < best[s->keep - 1] - error)) return;
  n = 0;
  for (int64_t j = 0; j < s->set.n; j++)
    if (j != own && !xai_stop_requested()) n = insert(sorted, n, s->k, (near){measure(s, x, s->set.x + j * s->d), j});
}

static xai_status measure_all(const search *s, int64_t *index, float *distance, xai_err *err) {
  near *sorted = xai_alloc((size_t)(s->queries.n * s->k) * sizeof *sorted);
  if (sorted == NULL) return xai_fail_memory(err, (size_t)(s->queries.n * s->k) * sizeof *sorted);
#pragma omp parallel for schedule(dynamic, 16) num_threads(xk_threads())
  for (int64_t q = 0; q < s->queries.n; q++)
    if (!xai_stop_requested()) settle(s, q, sorted + q * s->k);
  bool stopped = xai_stop_requested();
  for (int64_t i = 0; i < s->queries.n * s->k && !stopped; i++) {
    index[i] = sorted[i].index;
    distance[i] = (float)(s->metric == XAI_METRIC_COSINE ? sorted[i].distance / 2 : sqrt(sorted[i].distance));
  }
  xai_free(sorted);
  return stopped ? xai_fail_stop(err) : XAI_OK;
}

/* ---- both ---------------------------------------------------------------------------------------------------------- */

static xai_status make_room(search *s, xai_err *err) {
  size_t rows = (size_t)s->queries.n, all = rows * (size_t)s->keep;
  s->block = xai_calloc(BLOCK * BLOCK + LANES, sizeof *s->block);
  s->best = xai_alloc(all * sizeof *s->best);
  s->which = xai_alloc(all * sizeof *s->which);
  s->kept = xai_calloc(rows, sizeof *s->kept);
  s->limit = xai_alloc((rows + LANES) * sizeof *s->limit);
  for (size_t q = 0; s->limit != NULL && q < rows + LANES; q++) s->limit[q] = q < rows ? INFINITY : -INFINITY;
  return s->block && s->best && s->which && s->kept && s->limit ? XAI_OK : xai_fail_memory(err, all * sizeof *s->best);
}

xai_status xai_neighbours(int64_t n, int64_t d, const float *x, const xai_queries *queries, int64_t k, xai_metric metric,
                          int64_t *index, float *distance, xai_err *err) {
  const bool both = queries->x == NULL;
  int64_t most = both || queries->own != NULL ? n - 1 : n;
  search s = {.d = d, .k = k, .metric = metric, .both = both, .own = both ? NULL : queries->own};
  float *mean = NULL;
  xai_status st = XAI_OK;
  if (k < 1 || k > most)
    return xai_fail(err, XAI_EARG, "k: expected 1 to %lld for %lld points, got %lld", (long long)most, (long long)n,
                    (long long)k);
  if (n > INT32_MAX) return xai_fail(err, XAI_EARG, "x: expected at most 2^31 points, got %lld", (long long)n);
  s.keep = least(most, k + SPARE);
  XAI_GOTO(xai_embed__finite("x", n, d, x, err));
  if (!both) XAI_GOTO(xai_embed__finite("query", queries->n, d, queries->x, err));
  if (metric == XAI_METRIC_EUCLIDEAN) {
    mean = xai_alloc((size_t)d * sizeof *mean);
    if (mean == NULL) {
      st = xai_fail_memory(err, (size_t)d * sizeof *mean);
      goto done;
    }
    XAI_GOTO(mean_of(n, d, x, mean, err));
  }
  XAI_GOTO(prepare(n, d, x, mean, &s.set, err));
  if (both) s.queries = s.set;
  else XAI_GOTO(prepare(queries->n, d, queries->x, mean, &s.queries, err));
  XAI_GOTO(make_room(&s, err));
  XAI_GOTO(estimate(&s, err));
  XAI_GOTO(measure_all(&s, index, distance, err));
done:
  if (!both) points_free(&s.queries);
  points_free(&s.set);
  xai_free(mean);
  xai_free(s.block);
  xai_free(s.best);
  xai_free(s.which);
  xai_free(s.kept);
  xai_free(s.limit);
  return st;
}
