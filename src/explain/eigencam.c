/* Eigen-CAM: the pattern that explains most of a layer, whatever the class.
 *
 *   X: the layer as a matrix of places x channels, each channel without its mean
 *   map = X v,   v: its first right singular vector
 *
 * Muhammad, Yeasin 2020, "Eigen-CAM: Class Activation Map using Principal Components". v is found by power iteration on
 * the smaller of X'X and XX'. The sign of a singular vector is arbitrary: here the map goes with the sum of the activations
 * (their correlation over the places is positive), or, where that is 0, its value of largest magnitude is positive. The
 * map is drawn rectified; centre = false leaves the means in. Values: h x w. extras: 'raw' before the ReLU, 'weights' v.
 * numbers: 'share', of the variance that the map explains. Cost: one forward pass. */
#include <math.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/status.h"
#include "explain/channels.h"
#include "tensor/tensor.h"

enum { MOST_STEPS = 5000 };

typedef struct matrix {
  int64_t n, places; /* rows: channels */
  double *x;         /* n x places */
  int64_t side;      /* the smaller of both */
  double *gram;      /* side x side */
  double *v, *next;  /* side; n of them for v */
} matrix;

static xai_status make_matrix(const xai_channels *c, bool centre, matrix *m, xai_err *err) {
  *m = (matrix){.n = c->n, .places = c->plane, .side = c->n < c->plane ? c->n : c->plane};
  size_t count = (size_t)(m->n * m->places + m->side * m->side + 2 * m->side);
  m->x = xai_calloc(count, sizeof *m->x);
  if (m->x == NULL) return xai_fail_memory(err, count * sizeof *m->x);
  m->gram = m->x + m->n * m->places;
  m->v = m->gram + m->side * m->side;
  m->next = m->v + m->side;
  for (int64_t k = 0; k < m->n; k++) {
    const float *a = c->a + k * m->places;
    double mean = 0;
    for (int64_t i = 0; centre && i < m->places; i++) mean += a[i];
    mean /= (double)m->places;
    for (int64_t i = 0; i < m->places; i++) m->x[k * m->places + i] = a[i] - mean;
  }
  return XAI_OK;
}

/* gram[i][j]: the product of two channels, or of two places when there are fewer of them. */
static xai_status multiply(matrix *m, xai_err *err) {
  bool channels = m->side == m->n;
  for (int64_t k = 0; k < m->n && !channels; k++) {
    const double *row = m->x + k * m->places;
    if (xai_stop_requested()) return xai_fail_stop(err);
    for (int64_t i = 0; i < m->side; i++)
      for (int64_t j = 0; row[i] != 0 && j < m->side; j++) m->gram[i * m->side + j] += row[i] * row[j];
  }
  for (int64_t i = 0; i < m->side && channels; i++) {
    if (xai_stop_requested()) return xai_fail_stop(err);
    for (int64_t j = 0; j <= i; j++) {
      double sum = 0;
      for (int64_t p = 0; p < m->places; p++) sum += m->x[i * m->places + p] * m->x[j * m->places + p];
      m->gram[i * m->side + j] = m->gram[j * m->side + i] = sum;
    }
  }
  return XAI_OK;
}

static double norm(const double *v, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += v[i] * v[i];
  return sqrt(sum);
}

/* One step v := G v / |G v|; how far v moved. *value: |G v|, the largest eigenvalue in the end; when it is 0 v stays. */
static double step(matrix *m, double *value) {
  double moved = 0;
  for (int64_t i = 0; i < m->side; i++) {
    double sum = 0;
    for (int64_t j = 0; j < m->side; j++) sum += m->gram[i * m->side + j] * m->v[j];
    m->next[i] = sum;
  }
  *value = norm(m->next, m->side);
  for (int64_t i = 0; *value > 0 && i < m->side; i++) {
    double v = m->next[i] / *value;
    moved += (v - m->v[i]) * (v - m->v[i]);
    m->v[i] = v;
  }
  return sqrt(moved);
}

static xai_status find_first(matrix *m, double *value, bool *settled, xai_err *err) {
  uint64_t stream = xai_rng_stream(0, 0);
  for (int64_t i = 0; i < m->side; i++) m->v[i] = xai_rng_uniform(stream, (uint64_t)i) - 0.5;
  double length = norm(m->v, m->side), moved = 1;
  for (int64_t i = 0; i < m->side; i++) m->v[i] /= length;
  for (int k = 0; k < MOST_STEPS && moved > 1e-12; k++) {
    if (xai_stop_requested()) return xai_fail_stop(err);
    moved = step(m, value);
  }
  *settled = moved <= 1e-6;
  return XAI_OK;
}

/* The map X v (v of the channels), or what is the same, u times the singular value (u of the places). */
static void project(const matrix *m, double value, double *map) {
  for (int64_t i = 0; i < m->places; i++) {
    double sum = 0;
    for (int64_t k = 0; m->side == m->n && k < m->n; k++) sum += m->v[k] * m->x[k * m->places + i];
    map[i] = m->side == m->n ? sum : m->v[i] * sqrt(value);
  }
}

/* 1 or -1, see above. */
static double sign_of(const xai_channels *c, const double *map) {
  double mean = 0, with = 0, largest = 0;
  for (int64_t i = 0; i < c->plane; i++) mean += map[i] / (double)c->plane;
  for (int64_t i = 0; i < c->plane; i++) {
    double sum = 0;
    for (int64_t k = 0; k < c->n; k++) sum += c->a[k * c->plane + i];
    with += (map[i] - mean) * sum;
    if (fabs(map[i]) > fabs(largest)) largest = map[i];
  }
  return with < 0 || (with == 0 && largest < 0) ? -1 : 1;
}

/* Map and weights with their sign; weights: the map's correlation with each channel, of length 1. */
static void results(const xai_channels *c, const matrix *m, double value, double *map, float *raw, float *weights) {
  project(m, value, map);
  double sign = sign_of(c, map);
  for (int64_t i = 0; i < m->places; i++) raw[i] = (float)(sign * map[i]);
  for (int64_t k = 0; k < m->n; k++) {
    double sum = 0;
    for (int64_t i = 0; i < m->places; i++) sum += m->x[k * m->places + i] * map[i];
    weights[k] = value > 0 ? (float)(sign * sum / value) : 0;
  }
}

xai_status xai_eigencam(xai_net *net, const xai_view *x, const xai_eigencam_opts *opts, xai_explanation **out,
                        xai_err *err) {
  xai_channels c = {0};
  matrix m = {0};
  xai_explanation *e = NULL;
  xai_tensor *raw = NULL, *weights = NULL;
  double *map = NULL, value = 0, total = 0;
  bool settled = true;
  xai_status st;
  XAI_GOTO(xai_channels_open(net, x, &opts->common, false, &c, err));
  XAI_GOTO(make_matrix(&c, opts->centre, &m, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.n), &weights, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.h, c.w), &raw, err));
  map = xai_calloc((size_t)c.plane, sizeof *map);
  if (map == NULL) {
    st = xai_fail_memory(err, (size_t)c.plane * sizeof *map);
    goto done;
  }
  XAI_GOTO(multiply(&m, err));
  XAI_GOTO(find_first(&m, &value, &settled, err));
  results(&c, &m, value, map, xai_tensor_floats(raw), xai_tensor_floats(weights));
  XAI_GOTO(xai_channels_explain(&c, "eigencam", "activation", opts->relu, &raw, &weights, &e, err));
  for (int64_t i = 0; i < m.side; i++) total += m.gram[i * m.side + i];
  XAI_GOTO(xai_explanation_number(e, "share", total > 0 ? value / total : 0, err));
  if (!settled)
    snprintf(e->remark, sizeof e->remark,
             "the two strongest patterns of the layer are nearly equal: the map is a mixture of them");
  *out = e;
  e = NULL;
done:
  xai_free(m.x);
  xai_free(map);
  xai_tensor_free(raw);
  xai_tensor_free(weights);
  xai_explanation_free(e);
  xai_channels_close(&c);
  return st;
}

static const xai_opt_spec options[] = {
    {"relu", XAI_OPT_BOOL, offsetof(xai_eigencam_opts, relu), 1, 0, 1, NULL, "no negative values", 0},
    {"centre", XAI_OPT_BOOL, offsetof(xai_eigencam_opts, centre), 1, 0, 1, NULL, "channels without their means", 0},
    {.name = NULL},
};

XAI_METHOD_RUN(eigencam)
const xai_method xai_method_eigencam = {
    .name = "eigencam",
    .summary = "the pattern that explains most of a layer's activation; of no class",
    .paper = "Muhammad, Yeasin 2020",
    .uses_layer = true,
    .opts_size = sizeof(xai_eigencam_opts),
    .opts = options,
    .run = run,
};
