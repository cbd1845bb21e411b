/* t-SNE: a map in which neighbours stay neighbours (van der Maaten, Hinton 2008; van der Maaten 2014).
 *
 *   p_j|i ~ exp(-beta_i |x_i - x_j|^2), entropy ln(perplexity);   P = (p_j|i + p_i|j) / 2n
 *   q_ij = 1 / (1 + |y_i - y_j|^2),  Z = sum over pairs of q,  Q = q / Z
 *   KL(P || Q) = sum P ln(P / Q),  gradient / 4 = sum over j of (P_ij - Q_ij) q_ij (y_i - y_j) = pull_i - push_i / Z
 *
 * Descent with momentum and a gain per coordinate, +0.2 where gradient and velocity differ in sign, else x 0.8, at least
 * 0.01; P is exaggerated at first; the map is centred after each step. The gradient is used without its factor 4, so a rate
 * here is four times that of those who keep it. exact: P of all pairs; Barnes-Hut: P of 3 perplexity neighbours,
 * and the push of far points through tree.c. Only two dimensions. The distance of points is that of their first
 * principal components where they have more numbers than opts.pca. */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/status.h"
#include "embed/embed.h"
#include "kernels/isa.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

enum {
  EXACT = 500, /* points of an exact map, if it may choose: beyond, the tree is quicker */
  LANES = XAI_TREE_GROUP,
  CHUNK = 256,  /* sources whose forces are summed in float */
  ROWS = 64     /* points of a task that pulls */
};
static const double far_away = 1e15; /* no map is so wide, and squares of it are floats */

typedef struct table { /* P, where it is not zero */
  int64_t *row;        /* n + 1: where rows begin; rows are padded with zeros to a multiple of LANES */
  int32_t *at;
  float *p;
} table;

struct xai_tsne {
  xai_tsne_opts o;
  int64_t n, d, room; /* room: n, rounded up to LANES */
  bool exact, reduced;
  float *x;    /* n x d: the points, as components if 'reduced' */
  xai_pca pca; /* if 'reduced' */
  int64_t done;
  float *dense;       /* exact: P, see dense_at */
  table sparse;       /* else */
  double information; /* sum P ln P */
  float *y[2];        /* room; so are these: */
  float *velocity[2], *gain[2], *pull[2], *push[2];
  float *ones;
  float *pairs; /* the map again, x beside y: for what reads it here and there */
  xai_tree *tree;
  xai_tree_sources *sources; /* of each thread */
  int threads;
  double *parts; /* per group: its share in Z, or in the KL */
  double z;
};

xai_tsne_opts xai_tsne_defaults(void) {
  return (xai_tsne_opts){.pca = 50, .perplexity = 30, .theta = 0.5, .exaggeration = 12, .iterations = 1000, .early = 250,
                         .early_momentum = 0.5, .momentum = 0.8};
}

static int64_t groups_of(const xai_tsne *t) { return t->room / LANES; }
static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- P -------------------------------------------------------------------------------------------------------- */

/* Distances are counted from the least, which changes no p. */
double xai_tsne__conditional(int64_t k, const double *d2, double perplexity, double *p) {
  enum { HALVINGS = 200 };
  const double tolerance = 1e-5;
  double beta = 1, low = 0, high = INFINITY, nearest = d2[0], sum = 0;
  for (int64_t j = 1; j < k; j++) nearest = fmin(nearest, d2[j]);
  for (int step = 0; step < HALVINGS; step++) {
    double mean = 0;
    sum = 0;
    for (int64_t j = 0; j < k; j++) {
      p[j] = exp(-beta * (d2[j] - nearest));
      sum += p[j];
      mean += p[j] * (d2[j] - nearest);
    }
    double excess = log(sum) + beta * mean / sum - log(perplexity); /* of the entropy */
    if (fabs(excess) < tolerance) break;
    if (excess > 0) {
      low = beta;
      beta = high < INFINITY ? (beta + high) / 2 : beta * 2;
    } else {
      high = beta;
      beta = (beta + low) / 2;
    }
  }
  for (int64_t j = 0; j < k; j++) p[j] /= sum;
  return beta;
}

/* P_ij: the sixteen i that are pulled together lie together. */
static float *dense_at(const xai_tsne *t, int64_t i, int64_t j) {
  return t->dense + (i / LANES * t->n + j) * LANES + i % LANES;
}

/* Row i of the conditional p, with p_i|i = 0. d2, p: n each. */
static void dense_row(const xai_tsne *t, int64_t i, double *d2, double *p) {
  const float *x = t->x + i * t->d;
  for (int64_t j = 0, at = 0; j < t->n; j++) {
    if (j == i) continue;
    double sum = 0;
    for (int64_t c = 0; c < t->d; c++) sum += ((double)x[c] - t->x[j * t->d + c]) * ((double)x[c] - t->x[j * t->d + c]);
    d2[at++] = sum;
  }
  xai_tsne__conditional(t->n - 1, d2, t->o.perplexity, p);
  for (int64_t j = 0, at = 0; j < t->n; j++) *dense_at(t, i, j) = j == i ? 0 : (float)p[at++];
}

static xai_status make_dense(xai_tsne *t, xai_err *err) {
  size_t bytes = (size_t)t->n * sizeof(double), threads = (size_t)t->threads;
  double *scratch = xai_alloc(2 * bytes * threads);
  t->dense = xai_calloc((size_t)(t->n * t->room), sizeof *t->dense);
  if (scratch == NULL || t->dense == NULL) {
    xai_free(scratch);
    return xai_fail_memory(err, (size_t)(t->n * t->room) * sizeof *t->dense);
  }
#pragma omp parallel for schedule(static) num_threads(t->threads)
  for (int64_t part = 0; part < t->threads; part++)
    for (int64_t from = part * LANES; from < t->n; from += t->threads * LANES)
      for (int64_t i = from; i < least(t->n, from + LANES) && !xai_stop_requested(); i++)
        dense_row(t, i, scratch + 2 * part * t->n, scratch + (2 * part + 1) * t->n);
  xai_free(scratch);
  if (xai_stop_requested()) return xai_fail_stop(err);
  double information = 0;
  for (int64_t i = 0; i < t->n; i++)
    for (int64_t j = 0; j < i; j++) {
      float *a = dense_at(t, i, j), *b = dense_at(t, j, i);
      double p = ((double)*a + *b) / (2 * (double)t->n);
      *a = *b = (float)p;
      if (p > 0) information += 2 * p * log(p);
    }
  t->information = information;
  return XAI_OK;
}

typedef struct entry {
  int32_t at;
  float p;
} entry;

/* What row i says of others (given) and others of it (got), both by position, as one list: their sums / 2n. Returns how
 * many; to may be NULL. */
static int64_t merge(const entry *given, int64_t k, const entry *got, int64_t m, double share, int32_t *at, float *p) {
  int64_t n = 0;
  for (int64_t a = 0, b = 0; a < k || b < m; n++) {
    int32_t next = b == m || (a < k && given[a].at <= got[b].at) ? given[a].at : got[b].at;
    double sum = 0;
    if (a < k && given[a].at == next) sum += given[a++].p;
    if (b < m && got[b].at == next) sum += got[b++].p;
    if (at == NULL) continue;
    at[n] = next;
    p[n] = (float)(sum * share);
  }
  return n;
}

/* P in rows, from the conditional p of k neighbours each, sorted by position; got: the same from the other side, rows from
 * first[i] on. */
static xai_status lay_rows(xai_tsne *t, int64_t k, const entry *given, const entry *got, const int64_t *first, xai_err *err) {
  table *s = &t->sparse;
  s->row = xai_alloc((size_t)(t->n + 1) * sizeof *s->row);
  if (s->row == NULL) return xai_fail_memory(err, (size_t)(t->n + 1) * sizeof *s->row);
  s->row[0] = 0;
  for (int64_t i = 0; i < t->n; i++) {
    int64_t count = merge(given + i * k, k, got + first[i], first[i + 1] - first[i], 0, NULL, NULL);
    s->row[i + 1] = s->row[i] + (count + LANES - 1) / LANES * LANES;
  }
  s->at = xai_calloc((size_t)s->row[t->n], sizeof *s->at);
  s->p = xai_calloc((size_t)s->row[t->n], sizeof *s->p);
  if (s->at == NULL || s->p == NULL) return xai_fail_memory(err, (size_t)s->row[t->n] * sizeof *s->p);
  double information = 0;
  for (int64_t i = 0; i < t->n; i++) {
    float *p = s->p + s->row[i];
    int64_t count = merge(given + i * k, k, got + first[i], first[i + 1] - first[i], 0.5 / (double)t->n,
                          s->at + s->row[i], p);
    for (int64_t j = 0; j < count; j++) information += p[j] > 0 ? p[j] * log(p[j]) : 0;
  }
  t->information = information;
  return XAI_OK;
}

static void sort_entries(int64_t k, entry *e) {
  for (int64_t i = 1; i < k; i++) {
    entry held = e[i];
    int64_t j = i;
    for (; j > 0 && e[j - 1].at > held.at; j--) e[j] = e[j - 1];
    e[j] = held;
  }
}

/* The conditional p of each query's neighbours; squares, p: k each. */
static void weigh(int64_t k, double perplexity, const int64_t *index, const float *distance, double *squares, double *p,
                  entry *to) {
  for (int64_t j = 0; j < k; j++) squares[j] = (double)distance[j] * distance[j];
  xai_tsne__conditional(k, squares, perplexity, p);
  for (int64_t j = 0; j < k; j++) to[j] = (entry){(int32_t)index[j], (float)p[j]};
}

static xai_status make_sparse(xai_tsne *t, xai_err *err) {
  int64_t k = least(t->n - 1, (int64_t)(3 * t->o.perplexity)), n = t->n;
  size_t all = (size_t)(n * k);
  int64_t *index = xai_alloc(all * sizeof *index), *first = xai_calloc((size_t)n + 2, sizeof *first);
  float *distance = xai_alloc(all * sizeof *distance);
  entry *given = xai_alloc(all * sizeof *given), *got = xai_alloc(all * sizeof *got);
  double *scratch = xai_alloc(2 * (size_t)(k * t->threads) * sizeof *scratch);
  xai_status st = XAI_OK;
  if (!index || !first || !distance || !given || !got || !scratch) {
    st = xai_fail_memory(err, all * sizeof *index);
    goto done;
  }
  XAI_GOTO(xai_neighbours(n, t->d, t->x, &(xai_queries){0}, k, XAI_METRIC_EUCLIDEAN, index, distance, err));
#pragma omp parallel for schedule(static) num_threads(t->threads)
  for (int64_t part = 0; part < t->threads; part++)
    for (int64_t i = part; i < n; i += t->threads) {
      weigh(k, t->o.perplexity, index + i * k, distance + i * k, scratch + 2 * part * k, scratch + (2 * part + 1) * k,
            given + i * k);
      sort_entries(k, given + i * k);
    }
  for (size_t e = 0; e < all; e++) first[given[e].at + 2]++;
  for (int64_t i = 0; i < n; i++) first[i + 2] += first[i + 1];
  for (size_t e = 0; e < all; e++) got[first[given[e].at + 1]++] = (entry){(int32_t)(e / (size_t)k), given[e].p};
  XAI_GOTO(lay_rows(t, k, given, got, first, err));
done:
  xai_free(index);
  xai_free(first);
  xai_free(distance);
  xai_free(given);
  xai_free(got);
  xai_free(scratch);
  return st;
}

/* ---- forces ---------------------------------------------------------------------------------------------------- */

/* What the sixteen at (x, y) feel of n sources, added up in double in pieces: push and Z, and pull where p is not NULL. */
static void feel(int64_t n, const float *sx, const float *sy, const float *w, const float *p, const float *x,
                 const float *y, double total[5][LANES]) {
  const xk_isa *isa = xk_isa_now();
  float sums[5][LANES];
  memset(total, 0, 5 * sizeof *total);
  for (int64_t j = 0; j < n; j += CHUNK) {
    int64_t count = least(CHUNK, n - j);
    if (p != NULL) isa->tsne_both(count, sx + j, sy + j, p + j * LANES, x, y, sums);
    else isa->tsne_push(count, sx + j, sy + j, w + j, x, y, sums);
    for (int s = 0; s < (p != NULL ? 5 : 3); s++)
      for (int l = 0; l < LANES; l++) total[s][l] += sums[s][l];
  }
}

static void feel_all(xai_tsne *t, int64_t g) {
  double total[5][LANES];
  int64_t from = g * LANES;
  feel(t->n, t->y[0], t->y[1], t->ones, t->exact ? dense_at(t, from, 0) : NULL, t->y[0] + from, t->y[1] + from, total);
  t->parts[g] = 0;
  for (int64_t l = 0; l < least(LANES, t->n - from); l++) {
    t->push[0][from + l] = (float)total[0][l];
    t->push[1][from + l] = (float)total[1][l];
    t->parts[g] += total[2][l] - 1; /* without the point itself */
    if (!t->exact) continue;
    t->pull[0][from + l] = (float)total[3][l];
    t->pull[1][from + l] = (float)total[4][l];
  }
}

static void feel_tree(xai_tsne *t, int64_t g, xai_tree_sources *s) {
  double total[5][LANES];
  int64_t at[LANES];
  float x[LANES], y[LANES];
  int64_t n = xai_tree_look(t->tree, g, t->o.theta, s, at, x, y);
  feel(n, s->x, s->y, s->w, NULL, x, y, total);
  t->parts[g] = 0;
  for (int l = 0; l < LANES; l++) {
    if (at[l] < 0) continue;
    t->push[0][at[l]] = (float)total[0][l];
    t->push[1][at[l]] = (float)total[1][l];
    t->parts[g] += total[2][l] - 1;
  }
}

static void pull_rows(xai_tsne *t, int64_t from, int64_t to) {
  const xk_isa *isa = xk_isa_now();
  const table *s = &t->sparse;
  for (int64_t i = from; i < to; i++) {
    float sums[2];
    isa->tsne_pull(s->row[i + 1] - s->row[i], s->at + s->row[i], s->p + s->row[i], t->pairs, t->y[0][i], t->y[1][i],
                   sums);
    t->pull[0][i] = sums[0];
    t->pull[1][i] = sums[1];
  }
}

static void sum_z(xai_tsne *t) {
  t->z = 0;
  for (int64_t g = 0; g < groups_of(t); g++) t->z += t->parts[g];
}

/* pull, push and Z of the map as it is */
static void find_forces(xai_tsne *t) {
  int64_t groups = groups_of(t), rows = t->exact ? 0 : (t->n + ROWS - 1) / ROWS;
  if (!t->exact) {
    xai_tree_build(t->tree, t->y[0], t->y[1]);
    xai_tsne_map(t, t->pairs);
  }
#pragma omp parallel for schedule(dynamic, 2) num_threads(t->threads)
  for (int64_t task = 0; task < groups + rows; task++) {
    if (xai_stop_requested()) continue;
    if (task >= groups) pull_rows(t, (task - groups) * ROWS, least(t->n, (task - groups + 1) * ROWS));
    else if (t->exact) feel_all(t, task);
    else feel_tree(t, task, &t->sources[omp_get_thread_num()]);
  }
  sum_z(t);
}

/* ---- descent ------------------------------------------------------------------------------------------------------- */

static void recentre(xai_tsne *t) {
  for (int c = 0; c < 2; c++) {
    double sum = 0;
    for (int64_t i = 0; i < t->n; i++) sum += t->y[c][i];
    float mean = (float)(sum / (double)t->n);
    for (int64_t i = 0; i < t->n; i++) t->y[c][i] -= mean;
  }
}

static void move(xai_tsne *t) {
  bool early = t->done < t->o.early;
  float momentum = (float)(early ? t->o.early_momentum : t->o.momentum), rate = (float)t->o.rate;
  float exaggeration = (float)(early ? t->o.exaggeration : 1), share = (float)(1 / t->z);
  for (int c = 0; c < 2; c++) {
    float *v = t->velocity[c], *gain = t->gain[c];
    const float *pull = t->pull[c], *push = t->push[c];
    for (int64_t i = 0; i < t->n; i++) {
      float g = exaggeration * pull[i] - share * push[i];
      int differ = ((g > 0) ^ (v[i] > 0)) | ((g < 0) ^ (v[i] < 0));
      gain[i] = differ ? gain[i] + 0.2f : gain[i] * 0.8f;
      gain[i] = gain[i] < 0.01f ? 0.01f : gain[i];
      v[i] = momentum * v[i] - rate * gain[i] * g;
    }
  }
  for (int64_t i = 0; t->o.max_step > 0 && i < t->n; i++) {
    double way = hypot(t->velocity[0][i], t->velocity[1][i]), factor = way > t->o.max_step ? t->o.max_step / way : 1;
    t->velocity[0][i] *= (float)factor;
    t->velocity[1][i] *= (float)factor;
  }
  for (int c = 0; c < 2; c++)
    for (int64_t i = 0; i < t->n; i++) t->y[c][i] += t->velocity[c][i];
  recentre(t);
}

static bool runs_away(const xai_tsne *t) {
  int far = 0;
  for (int c = 0; c < 2; c++)
    for (int64_t i = 0; i < t->n; i++) far |= !(fabsf(t->y[c][i]) < (float)far_away);
  return far;
}

xai_status xai_tsne_advance(xai_tsne *t, int64_t iterations, xai_err *err) {
  for (int64_t i = 0; i < iterations && t->done < t->o.iterations; i++) {
    find_forces(t);
    if (xai_stop_requested()) return xai_fail_stop(err);
    move(t);
    t->done++;
    if (runs_away(t))
      return xai_fail(err, XAI_EARG, "the map runs away in iteration %lld: a smaller rate than %g is needed",
                      (long long)t->done, t->o.rate);
  }
  return XAI_OK;
}

int64_t xai_tsne_width(const xai_tsne *t) {
  return t->reduced ? xai_tensor_view(t->pca.components)->shape.dims[1] : t->d;
}
int64_t xai_tsne_done(const xai_tsne *t) { return t->done; }
bool xai_tsne_is_exact(const xai_tsne *t) { return t->exact; }

void xai_tsne_map(const xai_tsne *t, float *y) {
  for (int64_t i = 0; i < t->n; i++)
    for (int c = 0; c < 2; c++) y[2 * i + c] = t->y[c][i];
}

void xai_tsne_set(xai_tsne *t, const float *y) {
  for (int64_t i = 0; i < t->n; i++)
    for (int c = 0; c < 2; c++) t->y[c][i] = y[2 * i + c];
}

xai_status xai_tsne_gradient(xai_tsne *t, float *g, xai_err *err) {
  find_forces(t);
  if (xai_stop_requested()) return xai_fail_stop(err);
  for (int64_t i = 0; i < t->n; i++)
    for (int c = 0; c < 2; c++) g[2 * i + c] = (float)(t->pull[c][i] - t->push[c][i] / t->z);
  return XAI_OK;
}

/* sum over j of P_ij ln(1 + |y_i - y_j|^2) */
static double strain(const xai_tsne *t, int64_t i) {
  int64_t n = t->exact ? t->n : t->sparse.row[i + 1] - t->sparse.row[i];
  double sum = 0;
  for (int64_t k = 0; k < n; k++) {
    int64_t j = t->exact ? k : t->sparse.at[t->sparse.row[i] + k];
    double dx = (double)t->y[0][i] - t->y[0][j], dy = (double)t->y[1][i] - t->y[1][j];
    float p = t->exact ? *dense_at(t, i, j) : t->sparse.p[t->sparse.row[i] + k];
    if (p > 0) sum += p * log1p(dx * dx + dy * dy);
  }
  return sum;
}

xai_status xai_tsne_kl(xai_tsne *t, double *kl, xai_err *err) {
  int64_t groups = groups_of(t);
  double sum = t->information;
#pragma omp parallel for schedule(dynamic, 2) num_threads(t->threads)
  for (int64_t g = 0; g < groups; g++)
    if (!xai_stop_requested()) feel_all(t, g);
  sum_z(t);
#pragma omp parallel for schedule(dynamic, 2) num_threads(t->threads)
  for (int64_t g = 0; g < groups; g++) {
    t->parts[g] = 0;
    for (int64_t i = g * LANES; i < least(t->n, (g + 1) * LANES) && !xai_stop_requested(); i++) t->parts[g] += strain(t, i);
  }
  if (xai_stop_requested()) return xai_fail_stop(err);
  for (int64_t g = 0; g < groups; g++) sum += t->parts[g];
  *kl = sum + log(t->z);
  return XAI_OK;
}

/* ---- beginning ----------------------------------------------------------------------------------------------------- */

void xai_tsne_free(xai_tsne *t) {
  if (t == NULL) return;
  xai_free(t->x);
  xai_pca_clear(&t->pca);
  xai_free(t->dense);
  xai_free(t->sparse.row);
  xai_free(t->sparse.at);
  xai_free(t->sparse.p);
  for (int c = 0; c < 2; c++) {
    xai_free(t->y[c]);
    xai_free(t->velocity[c]);
    xai_free(t->gain[c]);
    xai_free(t->pull[c]);
    xai_free(t->push[c]);
  }
  xai_free(t->ones);
  xai_free(t->pairs);
  xai_tree_free(t->tree);
  for (int i = 0; t->sources != NULL && i < t->threads; i++) {
    xai_free(t->sources[i].x);
    xai_free(t->sources[i].y);
    xai_free(t->sources[i].w);
  }
  xai_free(t->sources);
  xai_free(t->parts);
  xai_free(t);
}

static xai_status make_room(xai_tsne *t, xai_err *err) {
  size_t room = (size_t)t->room, bytes = room * sizeof(float);
  bool good = true;
  for (int c = 0; c < 2; c++) {
    float **arrays[] = {&t->y[c], &t->velocity[c], &t->gain[c], &t->pull[c], &t->push[c]};
    for (int a = 0; a < 5; a++) good = (*arrays[a] = xai_calloc(room, sizeof(float))) != NULL && good;
  }
  good = (t->ones = xai_calloc(room, sizeof(float))) != NULL && good;
  good = (t->parts = xai_calloc((size_t)groups_of(t), sizeof(double))) != NULL && good;
  if (!good) return xai_fail_memory(err, bytes);
  for (int64_t i = 0; i < t->n; i++) t->gain[0][i] = t->gain[1][i] = t->ones[i] = 1;
  if (t->exact) return XAI_OK;
  t->pairs = xai_calloc(2 * room, sizeof *t->pairs);
  if (t->pairs == NULL) return xai_fail_memory(err, 2 * bytes);
  t->sources = xai_calloc((size_t)t->threads, sizeof *t->sources);
  if (t->sources == NULL) return xai_fail_memory(err, sizeof *t->sources);
  for (int i = 0; i < t->threads; i++) {
    xai_tree_sources *s = &t->sources[i];
    s->x = xai_alloc(bytes);
    s->y = xai_alloc(bytes);
    s->w = xai_alloc(bytes);
    if (s->x == NULL || s->y == NULL || s->w == NULL) return xai_fail_memory(err, bytes);
  }
  return xai_tree_new(t->n, &t->tree, err);
}

/* The points, brought down to opts.pca components. */
static xai_status take_points(xai_tsne *t, int64_t d, const float *x, xai_err *err) {
  int64_t most = least(t->n - 1, t->o.pca);
  t->reduced = t->o.pca > 0 && d > t->o.pca;
  t->d = t->reduced ? most : d;
  t->x = xai_alloc((size_t)(t->n * t->d) * sizeof *t->x);
  if (t->x == NULL) return xai_fail_memory(err, (size_t)(t->n * t->d) * sizeof *t->x);
  if (t->reduced) {
    XAI_TRY(xai_pca_fit(t->n, d, x, &(xai_pca_opts){.dims = most, .seed = t->o.seed}, &t->pca, err));
    x = xai_tensor_floats(t->pca.values);
  } else {
    XAI_TRY(xai_embed__finite("x", t->n, d, x, err));
  }
  memcpy(t->x, x, (size_t)(t->n * t->d) * sizeof *t->x);
  return XAI_OK;
}

/* Two components, of which the first varies with a deviation of 1e-4; what has no second one gets noise there. */
static xai_status start_with_components(xai_tsne *t, xai_err *err) {
  int64_t dims = least(2, t->d);
  xai_pca p;
  XAI_TRY(xai_pca_fit(t->n, t->d, t->x, &(xai_pca_opts){.dims = dims, .seed = t->o.seed}, &p, err));
  const float *values = xai_tensor_floats(p.values);
  double variance = xai_tensor_floats(p.variance)[0] * (double)(t->n - 1) / (double)t->n;
  double factor = variance > 0 ? 1e-4 / sqrt(variance) : 0;
  for (int64_t c = 0; c < dims; c++)
    for (int64_t i = 0; i < t->n; i++) t->y[c][i] = (float)(values[i * dims + c] * factor);
  xai_pca_clear(&p);
  return XAI_OK;
}

static xai_status start(xai_tsne *t, xai_err *err) {
  if (t->o.start != NULL) {
    XAI_TRY(xai_embed__finite("init", t->n, 2, t->o.start, err));
    xai_tsne_set(t, t->o.start);
    if (runs_away(t)) return xai_fail(err, XAI_EARG, "init: expected numbers below %g", far_away);
    return XAI_OK;
  }
  if (t->o.init == XAI_TSNE_PCA) XAI_TRY(start_with_components(t, err));
  for (int c = 0; c < 2; c++) {
    bool flat = true; /* points on a line would stay on it */
    for (int64_t i = 0; i < t->n; i++) flat = flat && t->y[c][i] == 0;
    uint64_t base = xai_rng_stream(t->o.seed, (uint64_t)c + 1);
    for (int64_t i = 0; flat && i < t->n; i++) t->y[c][i] = (float)(1e-4 * xai_rng_normal(base, (uint64_t)i));
  }
  return XAI_OK;
}

static xai_status check(int64_t n, const xai_tsne_opts *o, xai_err *err) {
  if (!(o->perplexity >= 1) || (double)(n - 1) < 3 * o->perplexity)
    return xai_fail(err, XAI_EARG, "perplexity: expected 1 to %.4g, a third of the other points, for %lld points; got %g",
                    (double)(n - 1) / 3, (long long)n, o->perplexity);
  if (!(o->theta >= 0 && o->theta <= 1)) return xai_fail(err, XAI_EARG, "theta: expected 0 to 1, got %g", o->theta);
  if (!(o->exaggeration >= 1)) return xai_fail(err, XAI_EARG, "exaggeration: expected 1 or more, got %g", o->exaggeration);
  if (!(o->rate >= 0)) return xai_fail(err, XAI_EARG, "rate: expected a number above 0, got %g", o->rate);
  if (n > INT32_MAX / 4) return xai_fail(err, XAI_EARG, "x: expected at most 2^29 points, got %lld", (long long)n);
  return XAI_OK;
}

xai_status xai_tsne_new(int64_t n, int64_t d, const float *x, const xai_tsne_opts *opts, xai_tsne **out, xai_err *err) {
  XAI_TRY(check(n, opts, err));
  xai_tsne *t = xai_calloc(1, sizeof *t);
  xai_status st = XAI_OK;
  if (t == NULL) return xai_fail_memory(err, sizeof *t);
  t->o = *opts;
  t->n = n;
  t->room = (n + LANES - 1) / LANES * LANES;
  t->threads = xk_threads();
  t->exact = opts->method == XAI_TSNE_EXACT || (opts->method == XAI_TSNE_AUTO && n <= EXACT);
  if (t->o.rate == 0) t->o.rate = fmin((double)n, fmax(200, (double)n / 12));
  XAI_GOTO(make_room(t, err));
  XAI_GOTO(take_points(t, d, x, err));
  XAI_GOTO(t->exact ? make_dense(t, err) : make_sparse(t, err));
  XAI_GOTO(start(t, err));
  recentre(t);
done:
  t->o.start = NULL;
  if (st == XAI_OK) *out = t;
  else xai_tsne_free(t);
  return st;
}

/* ---- new points in a finished map ------------------------------------------------------------------------------------- */

/* KL of one new point at u, but for what does not depend on u; its gradient / 2, and the weight of its pull. */
static double judge(const xai_tsne *t, int64_t k, const entry *p, const double u[2], double gradient[2], double *weight) {
  double sum = 0, z = 0, pull[2] = {0}, push[2] = {0};
  *weight = 0;
  for (int64_t j = 0; j < k; j++) {
    double dx = u[0] - t->y[0][p[j].at], dy = u[1] - t->y[1][p[j].at], d2 = dx * dx + dy * dy, pq = p[j].p / (1 + d2);
    sum += p[j].p * log1p(d2);
    *weight += pq;
    pull[0] += pq * dx;
    pull[1] += pq * dy;
  }
  for (int64_t j = 0; j < t->n; j++) {
    double dx = u[0] - t->y[0][j], dy = u[1] - t->y[1][j], q = 1 / (1 + dx * dx + dy * dy);
    z += q;
    push[0] += q * q * dx;
    push[1] += q * q * dy;
  }
  for (int c = 0; c < 2; c++) gradient[c] = pull[c] - push[c] / z;
  return sum + log(z);
}

/* Descent from u whose first step is the pull's own fixed point; steps that do not descend are halved. */
static double settle(const xai_tsne *t, int64_t k, const entry *p, double u[2]) {
  enum { STEPS = 100 };
  double gradient[2], weight, step = 1, value = judge(t, k, p, u, gradient, &weight);
  for (int i = 0; i < STEPS && step > 1e-6 && !xai_stop_requested(); i++) {
    double next[2], next_gradient[2], next_weight;
    for (int c = 0; c < 2; c++) next[c] = u[c] - step * gradient[c] / weight;
    double next_value = judge(t, k, p, next, next_gradient, &next_weight);
    if (!(next_value < value)) {
      step /= 2;
      continue;
    }
    memcpy(u, next, sizeof next);
    memcpy(gradient, next_gradient, sizeof gradient);
    value = next_value;
    weight = next_weight;
    step = fmin(2, step * 1.5);
  }
  return value;
}

/* From the middle of its neighbours and from the nearest of them: the better of the two. */
static void place(const xai_tsne *t, int64_t k, const entry *p, float *y) {
  double middle[2] = {0}, beside[2];
  int64_t nearest = 0;
  for (int64_t j = 0; j < k; j++) {
    for (int c = 0; c < 2; c++) middle[c] += (double)p[j].p * t->y[c][p[j].at];
    if (p[j].p > p[nearest].p) nearest = j;
  }
  for (int c = 0; c < 2; c++) beside[c] = t->y[c][p[nearest].at];
  double a = settle(t, k, p, middle), b = settle(t, k, p, beside);
  for (int c = 0; c < 2; c++) y[c] = (float)(a <= b ? middle[c] : beside[c]);
}

xai_status xai_tsne_place(xai_tsne *t, int64_t m, const float *z, float *y, xai_err *err) {
  int64_t k = least(t->n, (int64_t)(3 * t->o.perplexity));
  size_t all = (size_t)(m * k);
  float *reduced = t->reduced ? xai_alloc((size_t)(m * t->d) * sizeof *reduced) : NULL;
  int64_t *index = xai_alloc(all * sizeof *index);
  float *distance = xai_alloc(all * sizeof *distance);
  entry *p = xai_alloc(all * sizeof *p);
  double *scratch = xai_alloc(2 * (size_t)k * sizeof *scratch);
  xai_status st = XAI_OK;
  if ((t->reduced && reduced == NULL) || !index || !distance || !p || !scratch) {
    st = xai_fail_memory(err, all * sizeof *index);
    goto done;
  }
  if (t->reduced) {
    XAI_GOTO(xai_pca_project(&t->pca, m, z, reduced, err));
    z = reduced;
  }
  XAI_GOTO(xai_neighbours(t->n, t->d, t->x, &(xai_queries){.n = m, .x = z}, k, XAI_METRIC_EUCLIDEAN, index, distance, err));
  for (int64_t i = 0; i < m; i++)
    weigh(k, t->o.perplexity, index + i * k, distance + i * k, scratch, scratch + k, p + i * k);
#pragma omp parallel for schedule(dynamic) num_threads(t->threads)
  for (int64_t i = 0; i < m; i++)
    if (!xai_stop_requested()) place(t, k, p + i * k, y + 2 * i);
  if (xai_stop_requested()) st = xai_fail_stop(err);
done:
  xai_free(reduced);
  xai_free(index);
  xai_free(distance);
  xai_free(p);
  xai_free(scratch);
  return st;
}
