/* Occlusion: how much does the score drop when a window of the picture is hidden?
 *
 *   D(w) = S(x) - S(x with window w filled)
 *   M(p) = mean of D(w) over the windows w that cover pixel p
 *
 * Zeiler, Fergus 2014, section 4.2, with the mean rule for pixels under several windows. Windows start at 0, stride,
 * 2*stride, ...; the last one is cut at the border. 'fill' is in network units: 0 is the mean colour of the data set for
 * the usual preprocessing. score "prob" drops the softmax probability in place of the logit.
 * Values: H x W, signed. extras: 'grid', S(x with window filled) per window position. Cost: less than one forward pass
 * per window, since only what a window changes is computed (graph/local.h); batching does not change the numbers. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/status.h"
#include "explain/samples.h"
#include "graph/local.h"
#include "tensor/tensor.h"

typedef struct windows {
  int64_t c, h, w;    /* the picture */
  int64_t size, step; /* side and stride of a window */
  int64_t rows, cols; /* how many */
} windows;

static xai_status lay_windows(const xai_view *x, const xai_occlusion_opts *o, windows *g, xai_err *err) {
  *g = (windows){.c = x->shape.dims[1], .h = x->shape.dims[2], .w = x->shape.dims[3], .size = o->window, .step = o->stride};
  int64_t shorter = g->h < g->w ? g->h : g->w;
  if (g->size == 0) g->size = shorter < 7 ? 1 : (shorter + 3) / 7;
  if (g->step == 0) g->step = g->size < 4 ? 1 : g->size / 4;
  if (g->size > shorter)
    return xai_fail(err, XAI_EARG, "window of %lld does not fit a picture of %lldx%lld", (long long)g->size, (long long)g->w,
                    (long long)g->h);
  if (g->step > g->size)
    return xai_fail(err, XAI_EARG, "stride %lld leaves gaps between windows of %lld (expected at most the window)",
                    (long long)g->step, (long long)g->size);
  g->rows = (g->h - g->size + g->step - 1) / g->step + 1;
  g->cols = (g->w - g->size + g->step - 1) / g->step + 1;
  return XAI_OK;
}

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

/* Spreads each window's drop over its pixels. */
static xai_status spread(const windows *g, const float *score, double clean, float *map, xai_err *err) {
  int64_t plane = g->h * g->w;
  double *sum = xai_calloc((size_t)plane, sizeof *sum);
  int *count = xai_calloc((size_t)plane, sizeof *count);
  if (sum == NULL || count == NULL) {
    xai_free(sum);
    xai_free(count);
    return xai_fail_memory(err, (size_t)plane * sizeof *sum);
  }
  for (int64_t i = 0; i < g->rows * g->cols; i++) {
    int64_t top = i / g->cols * g->step, left = i % g->cols * g->step;
    for (int64_t row = top; row < min64(top + g->size, g->h); row++)
      for (int64_t col = left; col < min64(left + g->size, g->w); col++) {
        sum[row * g->w + col] += clean - score[i];
        count[row * g->w + col]++;
      }
  }
  for (int64_t i = 0; i < plane; i++) map[i] = (float)(sum[i] / count[i]);
  xai_free(sum);
  xai_free(count);
  return XAI_OK;
}

/* ---- the score under every window --------------------------------------------------------------------------- */
typedef struct scan {
  const xai_net *net;
  const xai_target *target;
  const windows *g;
  const xai_place *places;
  float fill;
  const int *layers;
  float *grid; /* rows x cols */
  const xai_probe *probe;
  int64_t done;
} scan;

/* The score under window i is known. */
static void note_score(scan *s, int64_t i, double score) {
  s->grid[i] = (float)score;
  xai_probe_tell(s->probe, ++s->done, s->g->rows * s->g->cols);
}

static void hide(void *payload, int64_t i, const xai_patch *p) {
  const scan *s = payload;
  xai_place at = s->places[i];
  int64_t bottom = min64(at.top + s->g->size, s->g->h) - p->top, right = min64(at.left + s->g->size, s->g->w) - p->left;
  for (int64_t k = 0; k < p->c; k++)
    for (int64_t row = at.top - p->top; row < bottom; row++)
      for (int64_t col = at.left - p->left; col < right; col++) p->v[(k * p->h + row) * p->w + col] = s->fill;
}

static void take_score(void *payload, int64_t i, const xai_view *seen) {
  scan *s = payload;
  note_score(s, i, xai_target_score_seen(s->net, s->target, s->layers, seen));
}

static void take_probability(void *payload, int64_t i, const xai_view *seen) {
  scan *s = payload;
  note_score(s, i, xai_target_probability_seen(s->net, s->target, seen));
}

/* The classes of the target alone have been computed, in the order of its terms. */
static void take_classes(void *payload, int64_t i, const xai_view *seen) {
  scan *s = payload;
  double score = 0;
  for (int k = 0; k < s->target->n_terms; k++) score += s->target->terms[k].weight * ((const float *)seen->data)[k];
  note_score(s, i, score);
}

static xai_status run_scan(const xai_probe *p, const windows *g, const xai_occlusion_opts *o, float *grid, xai_err *err) {
  const xai_target *target = &p->target;
  int layers[XAI_TARGET_TERMS];
  int64_t classes[XAI_TARGET_TERMS], n = g->rows * g->cols;
  xai_place *places = xai_alloc((size_t)n * sizeof *places);
  if (places == NULL) return xai_fail_memory(err, (size_t)n * sizeof *places);
  for (int64_t i = 0; i < n; i++) places[i] = (xai_place){i / g->cols * g->step, i % g->cols * g->step};
  scan s = {p->net, target, g, places, (float)o->fill, layers, grid, p, 0};
  xai_local l = {.x = p->x, .places = places, .n = n, .height = g->size, .width = g->size, .layers = layers, .batch = o->batch,
                 .change = hide, .observe = take_score, .payload = &s};
  l.n_layers = xai_target_layers(p->net, target, layers);
  if (o->score == XAI_SCORE_PROB) {
    l.observe = take_probability;
  } else if (xai_target_all_classes(target)) {
    for (int k = 0; k < target->n_terms; k++) classes[k] = target->terms[k].channel;
    l.observe = take_classes;
    l.channels = classes;
    l.n_channels = target->n_terms;
  }
  xai_probe_tell(p, 0, n);
  xai_status st = xai_local_run(p->net, &l, err);
  xai_free(places);
  return st;
}

xai_status xai_occlusion(xai_net *net, const xai_view *x, const xai_occlusion_opts *opts, xai_explanation **out, xai_err *err) {
  xai_probe p = {0};
  xai_explanation *e = NULL;
  xai_tensor *grid = NULL;
  windows g;
  double clean;
  xai_status st;
  XAI_GOTO(xai_probe_run(net, x, &opts->common, NULL, 0, NULL, 0, XAI_RELU_PLAIN, &p, err));
  XAI_GOTO(lay_windows(x, opts, &g, err));
  XAI_GOTO(xai_samples__clean(&p, opts->score, &clean, err));
  XAI_GOTO(xai_probe_explain(&p, "occlusion", XAI_LAYER_NONE, &e, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(g.rows, g.cols), &grid, err));
  XAI_GOTO(run_scan(&p, &g, opts, xai_tensor_floats(grid), err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(g.h, g.w), &e->values, err));
  XAI_GOTO(spread(&g, xai_tensor_floats(grid), clean, xai_tensor_floats(e->values), err));
  XAI_GOTO(xai_explanation_extra(e, "grid", &grid, err));
  e->is_signed = true;
  e->unit = opts->score == XAI_SCORE_PROB ? "drop in probability" : "drop in score";
  e->seconds = xai_clock() - p.started;
  *out = e;
  e = NULL;
done:
  xai_tensor_free(grid);
  xai_explanation_free(e);
  xai_probe_close(&p);
  return st;
}

static const xai_opt_spec options[] = {
    {"window", XAI_OPT_INT, offsetof(xai_occlusion_opts, window), 0, 0, 16384, NULL,
     "side of the window in pixels; 0: a seventh of the picture's shorter side (32 at 224)", 0},
    {"stride", XAI_OPT_INT, offsetof(xai_occlusion_opts, stride), 0, 0, 16384, NULL,
     "pixels from one window to the next; 0: a quarter of the window", 0},
    {"fill", XAI_OPT_NUMBER, offsetof(xai_occlusion_opts, fill), 0, -1e30, 1e30, NULL, "value of hidden pixels, in network units", 0},
    {"score", XAI_OPT_CHOICE, offsetof(xai_occlusion_opts, score), XAI_SCORE_LOGIT, 0, 1, xai_score_kinds,
     "what drops: the logit or the probability", 0},
    {"batch", XAI_OPT_INT, offsetof(xai_occlusion_opts, batch), 0, 0, 4096, NULL, "pictures per pass, 0: chosen; does not change the result", 0},
    {.name = NULL},
};

XAI_METHOD_RUN(occlusion)
const xai_method xai_method_occlusion = {
    .name = "occlusion",
    .summary = "how much the score drops when a window of the picture is hidden",
    .paper = "Zeiler, Fergus 2014",
    .opts_size = sizeof(xai_occlusion_opts),
    .opts = options,
    .run = run,
};
