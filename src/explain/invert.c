/* Inversion: what does a layer still know of the picture? Looks for a picture with the same code.
 *
 *   E(z) = |F(z) - F0|^2 / |F0|^2 + ( tv/2 V(z) + bound/2 sum |z|^alpha ) / sigma^2       z: grey levels about the mean
 *
 * Mahendran, Vedaldi 2015, "Understanding deep image representations by inverting them", sections 2 and 3, with the
 * constants of their published code: V with exponent 2 (eq. 4 there has beta), alpha 6, bound 8e-10; sigma the mean
 * length of a training picture, 27098.1157 for 3 x 227 x 227, in proportion to the root of the size; tv 1, 10, 100 for
 * layers up to 6, 12, 20 of their 20, here by the same share of the layers up to the scores.
 * Descent is on sigma^2 E with momentum 0.9, which is forgotten when the rate changes, from noise of length sigma:
 *   m <- 0.9 m - rate * gradient,   z <- z + m;     schedule "paper": 100 x 0.004, 200 x 0.0004, 100 x 0.00004.
 * Rates that were chosen for one network may throw the picture out of all bounds in another, or for a picture whose code is
 * small; unless they are the caller's own, it then begins anew with a quarter of them.
 * F is a layer's activation, or the log-probabilities of the classes. The penalties are defined in prior.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/status.h"
#include "explain/canvas.h"
#include "explain/prior.h"
#include "explain/probe.h"
#include "explain/step.h"
#include "graph/net.h"
#include "tensor/math.h"
#include "tensor/tensor.h"

/* ---- schedules ----------------------------------------------------------------------------------------------- */
typedef struct part {
  double rate;
  int64_t steps;
} part;
enum { PARTS = 6, SMALLEST_SHARE = 4 * 4 * 4 * 4 * 4 };
static const part schedules[][PARTS] = {
    [XAI_INVERT_PAPER] = {{0.004, 100}, {0.0004, 200}, {0.00004, 100}},
    [XAI_INVERT_LIBRARY] = {{1e-3, 800}, {1e-4, 500}, {1e-5, 500}, {1e-6, 200}, {1e-7, 100}},
    [XAI_INVERT_CONSTANT] = {{1e-3, 400}},
};

static int64_t total_steps(const part *parts) {
  int64_t sum = 0;
  for (int i = 0; i < PARTS; i++) sum += parts[i].steps;
  return sum;
}

/* The rate of step i of n; what the options change of it is in proportion. */
static double scheduled_rate(const xai_invert_opts *o, int64_t i, int64_t n) {
  const part *parts = schedules[o->schedule];
  int64_t total = total_steps(parts), end = 0;
  int p = 0;
  for (end = parts[0].steps; p + 1 < PARTS && parts[p + 1].steps > 0 && i >= end * n / total; end += parts[p].steps) p++;
  return o->lr > 0 ? parts[p].rate * (o->lr / parts[0].rate) : parts[p].rate;
}

/* ---- codes --------------------------------------------------------------------------------------------------- */
typedef struct inversion {
  const xai_invert_opts *o;
  xai_net *net;
  xai_run *run;
  int layer;
  xai_canvas canvas;
  int64_t length;     /* of a code */
  double *code, *wanted, *slope; /* slope: of the data term by the code */
  double square;      /* |F0|^2 */
  float *speed;
  double tv, sigma;
  double error, objective; /* of the last pass */
  int share;          /* rates are divided by this */
  bool lost;          /* the objective is no number any more */
  int64_t steps, done;
  xai_tensor *errors, *objectives;
} inversion;

/* F from what the layer gave: as it is, or z - ln sum exp z. */
static void read_code(inversion *v, const float *a) {
  double top = a[0], sum = 0;
  for (int64_t i = 0; i < v->length; i++) v->code[i] = a[i];
  if (v->o->code == XAI_CODE_LAYER) return;
  for (int64_t i = 1; i < v->length; i++) top = a[i] > top ? a[i] : top;
  for (int64_t i = 0; i < v->length; i++) sum += exp(a[i] - top);
  for (int64_t i = 0; i < v->length; i++) v->code[i] -= top + log(sum);
}

static xai_status see(inversion *v, const float *x, xai_err *err) {
  XAI_TRY(xai_run_forward(v->run, &(xai_view){XAI_F32, v->canvas.shape, (void *)(uintptr_t)x}, err));
  read_code(v, xai_run_value(v->run, v->layer)->data);
  return XAI_OK;
}

/* |F - F0|^2; its gradient by F times 'weight' goes into the run's seed, through the log-softmax if there is one:
 * d/dz_j = s_j - p_j sum of s. */
static double data_term(inversion *v, double weight) {
  float *seed = xai_run_seed(v->run, v->layer)->data;
  double sum = 0, all = 0;
  for (int64_t i = 0; i < v->length; i++) {
    double d = v->code[i] - v->wanted[i];
    sum += d * d;
    v->slope[i] = 2 * weight * d;
    all += v->slope[i];
  }
  bool logs = v->o->code == XAI_CODE_LOG_PROBABILITIES;
  for (int64_t i = 0; i < v->length; i++) seed[i] = (float)(logs ? v->slope[i] - exp(v->code[i]) * all : v->slope[i]);
  return sum;
}

/* The code that is wanted: that of x, or the caller's own. */
static xai_status want(inversion *v, const xai_view *x, xai_err *err) {
  const xai_view *own = v->o->own_code;
  XAI_TRY(see(v, x->data, err));
  if (own != NULL && (own->dtype != XAI_F32 || xai_shape_size(&own->shape) != v->length)) {
    char expected[XAI_SHAPE_TEXT], got[XAI_SHAPE_TEXT];
    return xai_fail(err, XAI_ESHAPE, "code: expected float32 %s as layer '%s', got %s %s",
                    xai_shape_text(&xai_run_value(v->run, v->layer)->shape, expected),
                    xai_net_layer(v->net, v->layer).name, xai_dtype_name(own->dtype), xai_shape_text(&own->shape, got));
  }
  for (int64_t i = 0; i < v->length; i++) {
    v->wanted[i] = own != NULL ? ((const float *)own->data)[i] : v->code[i];
    v->square += v->wanted[i] * v->wanted[i];
  }
  if (v->square > 0 && isfinite(v->square)) return XAI_OK;
  return xai_fail(err, XAI_EARG, "the code at layer '%s' is zero everywhere or not finite: there is nothing to invert",
                  xai_net_layer(v->net, v->layer).name);
}

/* ---- the descent --------------------------------------------------------------------------------------------- */
static double rate_of(const inversion *v, int64_t i) { return scheduled_rate(v->o, i, v->steps) / v->share; }

/* E, and with 'slope' the gradient of sigma^2 E into the canvas. */
static xai_status look(inversion *v, bool slope, xai_err *err) {
  const xai_invert_opts *o = v->o;
  xai_canvas *c = &v->canvas;
  double sigma2 = v->sigma * v->sigma;
  xai_canvas__show(c, 0, 0);
  XAI_TRY(see(v, c->x, err));
  double data = data_term(v, sigma2 / v->square);
  if (slope) {
    XAI_TRY(xai_run_backward(v->run, err));
    const xai_view *g = xai_run_grad(v->run, XAI_LAYER_INPUT);
    if (g == NULL)
      return xai_fail(err, XAI_EARG, "the input does not feed layer '%s'", xai_net_layer(v->net, v->layer).name);
    xai_canvas__take(c, g->data, 0, 0);
  }
  float *into = slope ? c->g : NULL;
  double rough = v->tv > 0 ? xai_prior__variation(c->c, c->h, c->w, c->z, o->beta, o->tv_edges, v->tv / 2, into) : 0;
  double large = o->bound > 0 ? xai_prior__power(c->size, c->z, o->alpha, o->bound / 2, into) : 0;
  v->error = sqrt(data / v->square);
  v->objective = data / v->square + (v->tv / 2 * rough + o->bound / 2 * large) / sigma2;
  v->lost = !isfinite(v->objective);
  if (!v->lost) return XAI_OK;
  return xai_fail(err, XAI_EARG, "step %lld: the objective is not a number any more; take a smaller lr",
                  (long long)v->done + 1);
}

static xai_status step(inversion *v, xai_err *err) {
  const xai_invert_opts *o = v->o;
  xai_canvas *c = &v->canvas;
  double lr = rate_of(v, v->done);
  XAI_TRY(look(v, true, err));
  xai_tensor_floats(v->errors)[v->done] = (float)v->error;
  xai_tensor_floats(v->objectives)[v->done] = (float)v->objective;
  if (v->done > 0 && lr != rate_of(v, v->done - 1)) memset(v->speed, 0, (size_t)c->size * sizeof *v->speed);
  double rate = xai_step__rate(o->rule, lr, 0, c->size, c->g);
  for (int64_t i = 0; i < c->size; i++) {
    v->speed[i] = (float)(o->momentum * v->speed[i] - rate * c->g[i]);
    c->z[i] += v->speed[i];
  }
  v->done++;
  return XAI_OK;
}

static xai_status descend(inversion *v, xai_err *err) {
  xai_status st = XAI_OK;
  xai_probe listener = {.opts = &v->o->common};
  xai_probe_tell(&listener, 0, v->steps);
  while (st == XAI_OK && v->done < v->steps) {
    st = step(v, err);
    if (st == XAI_OK) xai_probe_tell(&listener, v->done, v->steps);
  }
  return st == XAI_OK ? look(v, false, err) : st;
}

/* ---- before and after ---------------------------------------------------------------------------------------- */
static xai_status choose_layer(inversion *v, const xai_view *x, xai_err *err) {
  const xai_explain_opts *common = &v->o->common;
  int logits = xai_net_resolve(v->net, XAI_LAYER_LOGITS);
  if (common->target.n_terms > 0 || common->target.seed != NULL)
    return xai_fail(err, XAI_EARG, "target: a code is inverted, not a score (expected the option layer or code)");
  if (x->dtype != XAI_F32 || x->shape.rank != 4 || x->shape.dims[0] != 1) {
    char text[XAI_SHAPE_TEXT];
    return xai_fail(err, XAI_ESHAPE, "expected one prepared picture, float32 1xCxHxW, got %s %s",
                    xai_dtype_name(x->dtype), xai_shape_text(&x->shape, text));
  }
  v->layer = logits;
  if (v->o->code == XAI_CODE_LOG_PROBABILITIES) {
    if (xai_net_is_multilabel(v->net))
      return xai_fail(err, XAI_EUNSUPPORTED, "code: the network ends in a Sigmoid: its classes share no probability (expected layer)");
    if (common->layer == XAI_LAYER_NONE || xai_net_resolve(v->net, common->layer) == logits) return XAI_OK;
    return xai_fail(err, XAI_EARG, "layer: log-probabilities are those of the class scores, layer '%s'",
                    xai_net_layer(v->net, logits).name);
  }
  if (common->layer == XAI_LAYER_NONE) return xai_net_default_layer(v->net, &x->shape, &v->layer, err);
  v->layer = xai_net_resolve(v->net, common->layer);
  if (v->layer >= 0) return XAI_OK;
  return xai_fail(err, XAI_EARG, "layer: the input is no code (layers: '%s' to '%s')", xai_net_layer(v->net, 0).name,
                  xai_net_layer(v->net, xai_net_layer_count(v->net) - 1).name);
}

/* tv by depth: their network had 20 layers up to the scores. */
static double depth_weight(const inversion *v) {
  int logits = xai_net_resolve(v->net, XAI_LAYER_LOGITS);
  double share = (v->layer + 1.0) / (logits + 1.0);
  return share <= 6.0 / 20 ? 1 : share <= 12.0 / 20 ? 10 : 100;
}

static xai_status make_room(inversion *v, xai_err *err) {
  XAI_TRY(xai_net__check_floats(v->net, v->layer, xai_run_value(v->run, v->layer), err));
  v->length = xai_shape_size(&xai_run_value(v->run, v->layer)->shape);
  v->code = xai_calloc((size_t)v->length * 3, sizeof *v->code);
  v->speed = xai_calloc((size_t)v->canvas.size, sizeof *v->speed);
  if (v->code == NULL || v->speed == NULL)
    return xai_fail_memory(err, (size_t)v->length * 3 * sizeof *v->code + (size_t)v->canvas.size * sizeof *v->speed);
  v->wanted = v->code + v->length;
  v->slope = v->wanted + v->length;
  XAI_TRY(xai_tensor_new(XAI_F32, XAI_SHAPE(v->steps), &v->errors, err));
  return xai_tensor_new(XAI_F32, XAI_SHAPE(v->steps), &v->objectives, err);
}

/* The first picture; noise is as long as a typical picture. */
static xai_status start(inversion *v, const xai_view *x, xai_err *err) {
  const xai_invert_opts *o = v->o;
  xai_canvas *c = &v->canvas;
  XAI_TRY(xai_canvas__start(c, o->own != NULL ? XAI_START_PICTURE : o->init, o->own != NULL ? o->own : x, 1, o->seed,
                            err));
  if (o->own != NULL || o->init != XAI_START_NOISE) return XAI_OK;
  double longer = v->sigma / sqrt(xai_prior__power(c->size, c->z, 2, 0, NULL));
  for (int64_t i = 0; i < c->size; i++) c->z[i] = (float)(longer * c->z[i]);
  return XAI_OK;
}

static xai_status open_inversion(inversion *v, const xai_view *x, xai_err *err) {
  const xai_invert_opts *o = v->o;
  int input = XAI_LAYER_INPUT;
  XAI_TRY(choose_layer(v, x, err));
  xai_request request = {.keep = &v->layer, .n_keep = 1, .seeds = &v->layer, .n_seeds = 1, .wants = &input, .n_wants = 1};
  XAI_TRY(xai_run_open(v->net, &x->shape, &request, &v->run, err));
  XAI_TRY(xai_canvas__open(v->net, x, 0, &v->canvas, err));
  v->steps = o->steps > 0 ? o->steps : total_steps(schedules[o->schedule]);
  v->tv = o->tv < 0 ? depth_weight(v) : o->tv;
  v->sigma = o->sigma > 0 ? o->sigma : 27098.1157 * sqrt((double)v->canvas.size / (3.0 * 227 * 227));
  XAI_TRY(make_room(v, err));
  return want(v, x, err);
}

/* From the first picture to the last. */
static xai_status invert(inversion *v, const xai_view *x, xai_err *err) {
  for (v->share = 1;; v->share *= 4) {
    xai_err lost = {""};
    XAI_TRY(start(v, x, err));
    v->done = 0;
    memset(v->speed, 0, (size_t)v->canvas.size * sizeof *v->speed);
    xai_status st = descend(v, &lost);
    if (st != XAI_OK && v->lost && v->o->lr == 0 && v->share < SMALLEST_SHARE) continue;
    if (st != XAI_OK && err != NULL) *err = lost;
    return st;
  }
}

static xai_status results(inversion *v, xai_explanation *e, xai_err *err) {
  const char *name = xai_net_layer(v->net, v->layer).name;
  snprintf(e->target, sizeof e->target, "%s", v->o->code == XAI_CODE_LAYER ? name : "log-probabilities");
  snprintf(e->label, sizeof e->label, "%s", e->target);
  if (v->share > 1)
    snprintf(e->remark, sizeof e->remark, "the schedule's rates threw the picture out of all bounds: begun anew with 1/%d of them",
             v->share);
  if (e->stopped)
    snprintf(e->remark, sizeof e->remark, "stopped after %lld of %lld steps: the picture so far", (long long)v->done,
             (long long)v->steps);
  e->is_input = true;
  e->reduce = XAI_REDUCE_MAX_ABS;
  e->unit = "network input";
  XAI_TRY(xai_canvas__values(&v->canvas, &e->values, err));
  XAI_TRY(xai_explanation_curve(e, "objective", v->objectives, v->done, err));
  XAI_TRY(xai_explanation_curve(e, "error", v->errors, v->done, err));
  XAI_TRY(xai_explanation_number(e, "code_error", v->error, err));
  XAI_TRY(xai_explanation_number(e, "tv", v->tv, err));
  return xai_explanation_number(e, "sigma", v->sigma, err);
}

xai_status xai_invert(xai_net *net, const xai_view *x, const xai_invert_opts *opts, xai_explanation **out, xai_err *err) {
  inversion v = {.o = opts, .net = net};
  xai_explanation *e = NULL;
  double started = xai_clock();
  xai_status st;
  XAI_GOTO(open_inversion(&v, x, err));
  XAI_GOTO(xai_probe_explain(&(xai_probe){.net = net, .run = v.run, .x = x, .target = {.seed = x}, .started = started},
                             "invert", v.layer, &e, err));
  st = invert(&v, x, err);
  e->stopped = st == XAI_ESTOP && xai_stop_requested() && v.done > 0;
  if (st != XAI_OK && !e->stopped) goto done;
  XAI_GOTO(results(&v, e, err));
  e->seconds = xai_clock() - started;
  *out = e;
  e = NULL;
done:
  xai_free(v.code);
  xai_free(v.speed);
  xai_tensor_free(v.errors);
  xai_tensor_free(v.objectives);
  xai_canvas__close(&v.canvas);
  xai_explanation_free(e);
  xai_run_close(v.run);
  return st;
}

/* ---- options --------------------------------------------------------------------------------------------------- */
static const char *const codes[] = {"layer", "log_probabilities", NULL};
static const char *const names[] = {"paper", "library", "constant", NULL};
static const char *const rules[] = {"plain", "mean", "max", "norm", NULL};
static const char *const starts[] = {"zeros", "noise", "picture", NULL};
#define OPTION(field, type) .name = #field, .kind = XAI_OPT_##type, .offset = offsetof(xai_invert_opts, field)
static const xai_opt_spec options[] = {
    {OPTION(code, CHOICE), .choices = codes, .tensor = offsetof(xai_invert_opts, own_code),
     .help = "what is to be had again: the layer's activation for x, the log-probabilities, or a tensor of the layer's "
             "shape"},
    {OPTION(schedule, CHOICE), .choices = names,
     .help =
         "rates: 0.004 x 100, 0.0004 x 200, 0.00004 x 100; the published library's 0.001 x 800 and on; or one rate"},
    {OPTION(steps, INT), .lo = 0, .hi = 1e6, .help = "how many, the schedule stretched to them; 0: its own"},
    {OPTION(lr, NUMBER), .lo = 0, .hi = 1e30, .help = "the first rate, the others in proportion; 0: the schedule's, or a quarter of them, a sixteenth "
             "and so on where the objective overflows"},
    {OPTION(rule, CHOICE), .choices = rules,
     .help = "a step is the rate times the gradient g (plain), over mean |g|, max |g| or |g|"},
    {OPTION(momentum, NUMBER), .fallback = 0.9, .lo = 0, .hi = 0.9999,
     .help = "share of a step that goes into the next"},
    {OPTION(tv, NUMBER), .fallback = -1, .lo = -1, .hi = 1e30,
     .help = "weight of the total variation, half of which acts; -1: 1, 10 or 100 by the layer's depth"},
    {OPTION(beta, NUMBER), .fallback = 2, .lo = 1, .hi = 8, .help = "exponent of the total variation"},
    {OPTION(tv_edges, BOOL), .fallback = 1, .help = "the last row and column count in it, one neighbour missing"},
    {OPTION(bound, NUMBER), .fallback = 8e-10, .lo = 0, .hi = 1e30,
     .help = "weight of the sum of powers alpha, half of which acts"},
    {OPTION(alpha, NUMBER), .fallback = 6, .lo = 1, .hi = 20, .help = "that power"},
    {OPTION(sigma, NUMBER), .lo = 0, .hi = 1e30,
     .help = "length of a typical picture in grey levels; 0: the paper's, for x's size"},
    {OPTION(init, CHOICE), .fallback = XAI_START_NOISE, .choices = starts, .tensor = offsetof(xai_invert_opts, own),
     .help = "the first picture: the mean colour, noise of length sigma, x itself, or a tensor"},
    {OPTION(seed, INT), .fallback = -1, .lo = -1, .hi = 0x1p53, .help = "of that noise; -1: xai.seed()"},
    {.name = NULL},
};

XAI_METHOD_RUN(invert)
const xai_method xai_method_invert = {
    .name = "invert",
    .summary = "a picture with the same code at a layer: what the layer still knows",
    .paper = "Mahendran, Vedaldi 2015",
    .uses_layer = true,
    .makes_picture = true,
    .needs_input = true,
    .opts_size = sizeof(xai_invert_opts),
    .opts = options,
    .run = run,
};
