/* Score-CAM: each map of a layer weighed by what the network says when it sees nothing but what the map shows.
 *
 *   H[k] = A[k] enlarged to the picture, from its smallest value to 0, from its largest to 1           eq. 4, 5
 *   s[k] = S(x * H[k]) - S(0)                                                                         eq. 6
 *   w    = softmax of s over k,        map = relu( sum over k of w[k] * A[k] )                        algorithm 1
 *
 * Wang, Wang, Du, Yang, Zhang, Ding, Mardziel, Hu 2020, "Score-CAM: Score-Weighted Visual Explanations for Convolutional
 * Neural Networks". No gradient is needed. S(0) cancels in the softmax and is left out; 'baseline' subtracts it, which counts
 * with softmax = false: then s is the weight. 'corners' enlarges the maps with their corners on those of the picture, as one
 * program does. 'top' takes the channels of largest deviation only (Faster Score-CAM). Constant maps show nothing: they are
 * left out.
 * Values: h x w. extras: 'raw' before the ReLU, 'weights' w (0 where left out), 'scores' S(x * H[k]) (NaN where left
 * out). numbers: 'passes', pictures shown. Cost: one forward pass per channel. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/status.h"
#include "explain/channels.h"
#include "explain/samples.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

typedef struct ranked {
  int64_t k;
  double deviation;
} ranked;

typedef struct maps {
  const xai_channels *c;
  const float *x;
  int64_t colours, height, width; /* of the picture */
  bool corners;
  ranked *use; /* channels that are asked about, in their order */
  int64_t n;
  float *mask;  /* height x width */
  float *scores; /* per channel of the layer */
} maps;

/* ---- which channels -------------------------------------------------------------------------------------------- */
static double deviation_of(const float *a, int64_t plane) {
  double mean = 0, spread = 0;
  for (int64_t i = 0; i < plane; i++) mean += a[i] / (double)plane;
  for (int64_t i = 0; i < plane; i++) spread += (a[i] - mean) * (a[i] - mean);
  return sqrt(spread / (double)plane);
}

static bool is_constant(const float *a, int64_t plane) {
  for (int64_t i = 1; i < plane; i++)
    if (a[i] != a[0]) return false;
  return true;
}

/* Larger deviations first, equal ones by their place. */
static int by_deviation(const void *a, const void *b) {
  const ranked *p = a, *q = b;
  if (p->deviation != q->deviation) return p->deviation > q->deviation ? -1 : 1;
  return p->k < q->k ? -1 : p->k > q->k;
}

static int by_place(const void *a, const void *b) {
  const ranked *p = a, *q = b;
  return p->k < q->k ? -1 : p->k > q->k;
}

static void choose(maps *m, int64_t top) {
  const xai_channels *c = m->c;
  for (int64_t k = 0; k < c->n; k++) {
    const float *a = c->a + k * c->plane;
    m->scores[k] = NAN;
    if (!is_constant(a, c->plane)) m->use[m->n++] = (ranked){k, deviation_of(a, c->plane)};
  }
  if (top == 0 || top >= m->n) return;
  qsort(m->use, (size_t)m->n, sizeof *m->use, by_deviation);
  m->n = top;
  qsort(m->use, (size_t)m->n, sizeof *m->use, by_place);
}

/* ---- what the network is shown ----------------------------------------------------------------------------------- */
/* Bilinear with the corners of both on one another: u = i (n_in - 1) / (n_out - 1). */
static void enlarge_by_corners(int64_t h, int64_t w, const float *a, int64_t oh, int64_t ow, float *out) {
  double down = oh > 1 ? (double)(h - 1) / (double)(oh - 1) : 0, across = ow > 1 ? (double)(w - 1) / (double)(ow - 1) : 0;
  for (int64_t i = 0; i < oh; i++)
    for (int64_t j = 0; j < ow; j++) {
      double u = (double)i * down, v = (double)j * across;
      int64_t r = (int64_t)u, c = (int64_t)v, r1 = r + 1 < h ? r + 1 : h - 1, c1 = c + 1 < w ? c + 1 : w - 1;
      double y = u - (double)r, z = v - (double)c;
      out[i * ow + j] = (float)((1 - y) * ((1 - z) * a[r * w + c] + z * a[r * w + c1]) +
                                y * ((1 - z) * a[r1 * w + c] + z * a[r1 * w + c1]));
    }
}

static void scale_to_unit(float *v, int64_t n) {
  float lo = v[0], hi = v[0];
  for (int64_t i = 1; i < n; i++) {
    if (v[i] < lo) lo = v[i];
    if (v[i] > hi) hi = v[i];
  }
  for (int64_t i = 0; i < n; i++) v[i] = hi > lo ? (v[i] - lo) / (hi - lo) : 0;
}

static void make(void *payload, int64_t i, float *x) {
  const maps *m = payload;
  const xai_channels *c = m->c;
  const float *a = c->a + m->use[i].k * c->plane;
  int64_t plane = m->height * m->width;
  if (m->corners) enlarge_by_corners(c->h, c->w, a, m->height, m->width, m->mask);
  else xk_bilinear(1, c->h, c->w, a, m->height, m->width, m->mask);
  scale_to_unit(m->mask, plane);
  for (int64_t p = 0; p < m->colours * plane; p++) x[p] = m->x[p] * m->mask[p % plane];
}

static void take(void *payload, int64_t i, double score) {
  const maps *m = payload;
  m->scores[m->use[i].k] = (float)score;
}

/* ---- weights ------------------------------------------------------------------------------------------------------ */
static void weigh(const maps *m, bool softmax, double baseline, float *w) {
  double top = -INFINITY, sum = 0;
  for (int64_t k = 0; k < m->c->n; k++) w[k] = 0;
  for (int64_t i = 0; i < m->n; i++) top = fmax(top, m->scores[m->use[i].k]);
  for (int64_t i = 0; i < m->n; i++) sum += exp(m->scores[m->use[i].k] - top);
  for (int64_t i = 0; i < m->n; i++) {
    double s = m->scores[m->use[i].k];
    w[m->use[i].k] = (float)(softmax ? exp(s - top) / sum : s - baseline);
  }
}

/* The score of an input of zeros. */
static xai_status score_of_nothing(const xai_probe *p, xai_score score, double *out, xai_err *err) {
  xai_tensor *zeros = NULL;
  XAI_TRY(xai_tensor_new(XAI_F32, p->x->shape, &zeros, err));
  xai_status st = xai_probe_score_at(p, xai_tensor_view(zeros), score, out, err);
  xai_tensor_free(zeros);
  return st;
}

static xai_status make_room(maps *m, xai_err *err) {
  m->use = xai_calloc((size_t)m->c->n, sizeof *m->use);
  m->mask = xai_calloc((size_t)(m->height * m->width), sizeof *m->mask);
  if (m->use != NULL && m->mask != NULL) return XAI_OK;
  return xai_fail_memory(err, (size_t)m->c->n * sizeof *m->use + (size_t)(m->height * m->width) * sizeof *m->mask);
}

xai_status xai_scorecam(xai_net *net, const xai_view *x, const xai_scorecam_opts *opts, xai_explanation **out, xai_err *err) {
  xai_channels c = {0};
  maps m = {.c = &c, .x = x->data, .corners = opts->corners};
  xai_explanation *e = NULL;
  xai_tensor *raw = NULL, *weights = NULL, *scores = NULL;
  double clean, baseline = 0;
  xai_status st;
  XAI_GOTO(xai_channels_open(net, x, &opts->common, false, &c, err));
  XAI_GOTO(xai_samples__clean(&c.probe, opts->score, &clean, err));
  m.colours = x->shape.dims[1];
  m.height = x->shape.dims[2];
  m.width = x->shape.dims[3];
  XAI_GOTO(make_room(&m, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.n), &scores, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.n), &weights, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(c.h, c.w), &raw, err));
  m.scores = xai_tensor_floats(scores);
  choose(&m, opts->top);
  xai_samples samples = {.n = m.n, .batch = opts->batch, .make = make, .score = take, .payload = &m};
  if (m.n > 0) XAI_GOTO(xai_samples__score(&c.probe, XAI_LAYER_INPUT, opts->score, &samples, err));
  if (opts->baseline) XAI_GOTO(score_of_nothing(&c.probe, opts->score, &baseline, err));
  weigh(&m, opts->softmax, baseline, xai_tensor_floats(weights));
  xai_channels_weigh(c.n, c.plane, xai_tensor_floats(weights), c.a, xai_tensor_floats(raw));
  XAI_GOTO(xai_channels_explain(&c, "scorecam", "activation", opts->relu, &raw, &weights, &e, err));
  XAI_GOTO(xai_explanation_extra(e, "scores", &scores, err));
  XAI_GOTO(xai_explanation_number(e, "passes", (double)m.n, err));
  *out = e;
  e = NULL;
done:
  xai_free(m.use);
  xai_free(m.mask);
  xai_tensor_free(raw);
  xai_tensor_free(weights);
  xai_tensor_free(scores);
  xai_explanation_free(e);
  xai_channels_close(&c);
  return st;
}

static const xai_opt_spec options[] = {
    {"relu", XAI_OPT_BOOL, offsetof(xai_scorecam_opts, relu), 1, 0, 1, NULL, "no negative values", 0},
    {"score", XAI_OPT_CHOICE, offsetof(xai_scorecam_opts, score), XAI_SCORE_LOGIT, 0, 1, xai_score_kinds,
     "what is asked of the network: the logit or the probability", 0},
    {"softmax", XAI_OPT_BOOL, offsetof(xai_scorecam_opts, softmax), 1, 0, 1, NULL,
     "weights are the softmax of the scores over the channels; else the scores themselves", 0},
    {"baseline", XAI_OPT_BOOL, offsetof(xai_scorecam_opts, baseline), 0, 0, 1, NULL,
     "the score of an input of zeros is subtracted from the scores (the softmax cancels it)", 0},
    {"corners", XAI_OPT_BOOL, offsetof(xai_scorecam_opts, corners), 0, 0, 1, NULL,
     "maps are enlarged with their corners on those of the picture; else half-pixel bilinear", 0},
    {"top", XAI_OPT_INT, offsetof(xai_scorecam_opts, top), 0, 0, 1 << 30, NULL,
     "only so many channels, those of largest deviation; 0: all", 0},
    {"batch", XAI_OPT_INT, offsetof(xai_scorecam_opts, batch), 0, 0, 4096, NULL,
     "pictures per pass, 0: chosen; does not change the result", 0},
    {.name = NULL},
};

XAI_METHOD_RUN(scorecam)
const xai_method xai_method_scorecam = {
    .name = "scorecam",
    .summary = "maps of a layer weighed by the score of what each of them shows; no gradients",
    .paper = "Wang et al. 2020",
    .uses_layer = true,
    .opts_size = sizeof(xai_scorecam_opts),
    .opts = options,
    .run = run,
};
