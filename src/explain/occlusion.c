/* Occlusion: how much does the score drop when a window of the picture is hidden?
 *
 *   D(w) = S(x) - S(x with window w filled)
 *   M(p) = mean of D(w) over the windows w that cover pixel p
 *
 * Zeiler, Fergus 2014, section 4.2, with the mean rule for pixels under several windows. Windows start at 0, stride,
 * 2*stride, ...; the last one is cut at the border. 'fill' is in network units: 0 is the mean colour of the data set for
 * the usual preprocessing. score "prob" drops the softmax probability in place of the logit.
 * Values: H x W, signed. extras: 'grid', S(x with window filled) per window position. Cost: one forward pass per window,
 * in batches; batching does not change the numbers. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/status.h"
#include "explain/probe.h"
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

/* Picture n of the batch: x with window i filled. */
static void occlude(const windows *g, const float *x, int64_t i, float fill, float *out) {
  int64_t top = i / g->cols * g->step, left = i % g->cols * g->step;
  int64_t bottom = min64(top + g->size, g->h), right = min64(left + g->size, g->w);
  memcpy(out, x, (size_t)(g->c * g->h * g->w) * sizeof *out);
  for (int64_t k = 0; k < g->c; k++)
    for (int64_t row = top; row < bottom; row++)
      for (int64_t col = left; col < right; col++) out[(k * g->h + row) * g->w + col] = fill;
}

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

/* Pictures per pass: as many as fit a moderate arena, evenly filled. */
static int64_t choose_batch(int64_t wanted, int64_t n, size_t bytes_of_one) {
  int64_t most = wanted > 0 ? wanted : (int64_t)(((size_t)96 << 20) / (bytes_of_one + 1));
  most = most < 1 ? 1 : wanted > 0 ? most : min64(most, 32);
  int64_t passes = (n + most - 1) / most;
  return (n + passes - 1) / passes;
}

typedef double (*score_fn)(const xai_run *run, const xai_target *t, int64_t n);

/* The score under every window into grid[rows*cols]. */
static xai_status scan(xai_net *net, const xai_view *x, const windows *g, const xai_target *target, score_fn score,
                       const xai_occlusion_opts *o, size_t bytes_of_one, float *grid, xai_err *err) {
  int layers[XAI_TARGET_TERMS + 1];
  int n_layers = xai_target_layers(net, target, layers);
  layers[n_layers++] = XAI_LAYER_LOGITS;
  int64_t n = g->rows * g->cols, batch = choose_batch(o->batch, n, bytes_of_one), picture = g->c * g->h * g->w;
  xai_tensor *many = NULL;
  xai_run *run = NULL;
  xai_status st;
  XAI_GOTO(xai_tensor_new(XAI_F32, XAI_SHAPE(batch, g->c, g->h, g->w), &many, err));
  const xai_view *v = xai_tensor_view(many);
  XAI_GOTO(xai_run_open(net, &v->shape, &(xai_request){.keep = layers, .n_keep = n_layers}, &run, err));
  for (int64_t from = 0; from < n; from += batch) {
    int64_t here = min64(batch, n - from);
    for (int64_t b = 0; b < here; b++) occlude(g, x->data, from + b, (float)o->fill, xai_tensor_floats(many) + b * picture);
    XAI_GOTO(xai_run_forward(run, v, err));
    for (int64_t b = 0; b < here; b++) grid[from + b] = (float)score(run, target, b);
  }
done:
  xai_run_close(run);
  xai_tensor_free(many);
  return st;
}

static bool all_classes(const xai_target *t) {
  for (int i = 0; i < t->n_terms; i++)
    if (t->terms[i].layer != XAI_LAYER_LOGITS) return false;
  return t->seed == NULL;
}

xai_status xai_occlusion(xai_net *net, const xai_view *x, const xai_occlusion_opts *opts, xai_explanation **out, xai_err *err) {
  xai_probe p = {0};
  xai_explanation *e = NULL;
  xai_tensor *grid = NULL;
  windows g;
  xai_status st;
  XAI_GOTO(xai_probe_run(net, x, &opts->common, NULL, 0, NULL, 0, XAI_RELU_PLAIN, &p, err));
  XAI_GOTO(lay_windows(x, opts, &g, err));
  if (opts->score == XAI_SCORE_PROB && !all_classes(&p.target)) {
    st = xai_fail(err, XAI_EARG, "score 'prob' needs classes as target");
    goto done;
  }
  score_fn score = opts->score == XAI_SCORE_PROB ? xai_target_probability : xai_target_score;
  double clean = score(p.run, &p.target, 0);
  XAI_GOTO(xai_probe_explain(&p, "occlusion", XAI_LAYER_NONE, &e, err));
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(g.rows, g.cols), &grid, err));
  XAI_GOTO(scan(net, x, &g, &p.target, score, opts, xai_run_bytes(p.run), xai_tensor_floats(grid), err));
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

static const char *const scores[] = {"logit", "prob", NULL};
static const xai_opt_spec options[] = {
    {"window", XAI_OPT_INT, offsetof(xai_occlusion_opts, window), 0, 0, 16384, NULL,
     "side of the window in pixels; 0: a seventh of the picture's shorter side (32 at 224)"},
    {"stride", XAI_OPT_INT, offsetof(xai_occlusion_opts, stride), 0, 0, 16384, NULL,
     "pixels from one window to the next; 0: a quarter of the window"},
    {"fill", XAI_OPT_NUMBER, offsetof(xai_occlusion_opts, fill), 0, -1e30, 1e30, NULL, "value of hidden pixels, in network units"},
    {"score", XAI_OPT_CHOICE, offsetof(xai_occlusion_opts, score), XAI_SCORE_LOGIT, 0, 1, scores, "what drops: the logit or the probability"},
    {"batch", XAI_OPT_INT, offsetof(xai_occlusion_opts, batch), 0, 0, 4096, NULL, "pictures per pass, 0: chosen; does not change the result"},
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
