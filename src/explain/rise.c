/* RISE: the mean of random masks, each weighed by the score of what it lets through.
 *
 *   M(i,j) = 1 / (n p) * sum over masks m of S(x * m) * m(i,j)                                        eq. 6
 *
 * Petsiuk, Das, Saenko 2018, "RISE: Randomized Input Sampling for Explanation of Black-box Models", section 3.2: s x s cells,
 * each seen with probability p, enlarged bilinearly to (s+1) * ceil(side / s) and cut out at a random offset below one
 * cell. S is the probability, as in the paper. normalise = "masks" divides by the sum of the masks at every pixel in place
 * of n p: then a constant score gives a constant map, without the noise of where masks happened to lie.
 * Mask i is drawn from (seed, i). Values: H x W. extras: 'density' H x W, the mean of the masks. Cost: n forward
 * passes. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/status.h"
#include "explain/samples.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

typedef struct masks {
  const float *x;
  int64_t colours, h, w;
  int64_t cells, cell_h, cell_w; /* cells along a side, pixels of each */
  double p;
  uint64_t seed;
  float *grid, *large, *mask; /* cells x cells; (cells+1) cells of pixels along both sides; h x w */
  double *sum, *density;      /* h x w: of S(x * m) m and of m */
} masks;

static void draw(const masks *m, int64_t i) {
  uint64_t stream = xai_rng_stream(m->seed, (uint64_t)i), n = (uint64_t)(m->cells * m->cells);
  int64_t height = (m->cells + 1) * m->cell_h, width = (m->cells + 1) * m->cell_w;
  for (uint64_t k = 0; k < n; k++) m->grid[k] = xai_rng_uniform(stream, k) < m->p;
  int64_t top = (int64_t)(xai_rng_uniform(stream, n) * (double)m->cell_h);
  int64_t left = (int64_t)(xai_rng_uniform(stream, n + 1) * (double)m->cell_w);
  xk_bilinear(1, m->cells, m->cells, m->grid, height, width, m->large);
  for (int64_t row = 0; row < m->h; row++)
    memcpy(m->mask + row * m->w, m->large + (top + row) * width + left, (size_t)m->w * sizeof *m->mask);
}

static void make(void *payload, int64_t i, float *x) {
  const masks *m = payload;
  int64_t plane = m->h * m->w;
  draw(m, i);
  for (int64_t k = 0; k < m->colours * plane; k++) x[k] = m->x[k] * m->mask[k % plane];
}

/* A mask is drawn again rather than kept: a batch of them would be as large as the pictures. */
static void take(void *payload, int64_t i, double score) {
  const masks *m = payload;
  draw(m, i);
  for (int64_t k = 0; k < m->h * m->w; k++) {
    m->sum[k] += score * m->mask[k];
    m->density[k] += m->mask[k];
  }
}

static xai_status make_room(masks *m, xai_err *err) {
  int64_t plane = m->h * m->w, large = (m->cells + 1) * (m->cells + 1) * m->cell_h * m->cell_w;
  size_t floats = (size_t)(m->cells * m->cells + large + plane);
  m->grid = xai_calloc(floats, sizeof *m->grid);
  m->sum = xai_calloc(2 * (size_t)plane, sizeof *m->sum);
  if (m->grid == NULL || m->sum == NULL) return xai_fail_memory(err, floats * sizeof *m->grid + 2 * (size_t)plane * sizeof *m->sum);
  m->large = m->grid + m->cells * m->cells;
  m->mask = m->large + large;
  m->density = m->sum + plane;
  return XAI_OK;
}

static void results(const masks *m, const xai_rise_opts *o, float *values, float *density) {
  for (int64_t k = 0; k < m->h * m->w; k++) {
    double below = o->normalise == XAI_NORM_MASKS ? m->density[k] : (double)o->masks * o->p;
    values[k] = below > 0 ? (float)(m->sum[k] / below) : 0;
    density[k] = (float)(m->density[k] / (double)o->masks);
  }
}

xai_status xai_rise(xai_net *net, const xai_view *x, const xai_rise_opts *opts, xai_explanation **out, xai_err *err) {
  xai_probe p = {0};
  xai_explanation *e = NULL;
  xai_tensor *density = NULL;
  masks m = {.x = x->data, .cells = opts->cells, .p = opts->p, .seed = opts->seed < 0 ? xai_seed() : (uint64_t)opts->seed};
  double clean;
  xai_status st;
  XAI_GOTO(xai_probe_run(net, x, &opts->common, NULL, 0, NULL, 0, XAI_RELU_PLAIN, &p, err));
  XAI_GOTO(xai_samples__clean(&p, opts->score, &clean, err));
  XAI_GOTO(xai_probe_explain(&p, "rise", XAI_LAYER_NONE, &e, err));
  m.colours = x->shape.dims[1];
  m.h = x->shape.dims[2];
  m.w = x->shape.dims[3];
  m.cell_h = (m.h + m.cells - 1) / m.cells;
  m.cell_w = (m.w + m.cells - 1) / m.cells;
  XAI_GOTO(make_room(&m, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(m.h, m.w), &e->values, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(m.h, m.w), &density, err));
  xai_samples samples = {.n = opts->masks, .batch = opts->batch, .make = make, .score = take, .payload = &m};
  XAI_GOTO(xai_samples__score(&p, XAI_LAYER_INPUT, opts->score, &samples, err));
  results(&m, opts, xai_tensor_floats(e->values), xai_tensor_floats(density));
  XAI_GOTO(xai_explanation_extra(e, "density", &density, err));
  e->is_signed = opts->score == XAI_SCORE_LOGIT;
  e->unit = opts->score == XAI_SCORE_PROB ? "mean probability" : "mean score";
  e->seconds = xai_clock() - p.started;
  *out = e;
  e = NULL;
done:
  xai_free(m.grid);
  xai_free(m.sum);
  xai_tensor_free(density);
  xai_explanation_free(e);
  xai_probe_close(&p);
  return st;
}

static const char *const norms[] = {"expected", "masks", NULL};
static const xai_opt_spec options[] = {
    {"masks", XAI_OPT_INT, offsetof(xai_rise_opts, masks), 4000, 1, 1e7, NULL, "random masks, n of the paper", 0},
    {"cells", XAI_OPT_INT, offsetof(xai_rise_opts, cells), 7, 1, 256, NULL, "cells of a mask along each side, s of the paper", 0},
    {"p", XAI_OPT_NUMBER, offsetof(xai_rise_opts, p), 0.5, 1e-6, 1, NULL, "probability that a cell is seen", 0},
    {"score", XAI_OPT_CHOICE, offsetof(xai_rise_opts, score), XAI_SCORE_PROB, 0, 1, xai_score_kinds,
     "what is asked of the network: the logit or the probability", 0},
    {"normalise", XAI_OPT_CHOICE, offsetof(xai_rise_opts, normalise), XAI_NORM_EXPECTED, 0, 1, norms,
     "by n p, or at every pixel by the sum of the masks", 0},
    {"seed", XAI_OPT_INT, offsetof(xai_rise_opts, seed), -1, -1, 0x1p53, NULL, "of the masks; -1: xai.seed()", 0},
    {"batch", XAI_OPT_INT, offsetof(xai_rise_opts, batch), 0, 0, 4096, NULL,
     "masks per pass, 0: chosen; does not change the result", 0},
    {.name = NULL},
};

XAI_METHOD_RUN(rise)
const xai_method xai_method_rise = {
    .name = "rise",
    .summary = "mean of random masks, each weighed by the probability of what it lets through; no gradients",
    .paper = "Petsiuk, Das, Saenko 2018",
    .opts_size = sizeof(xai_rise_opts),
    .opts = options,
    .run = run,
};
