/* explain/ascent.c: which picture excites a class or a unit the most?
 *
 *   z <- argmax of  S(z) - l2 sum z^2 - tv V(z) - bound sum |z|^alpha,     z in grey levels about the mean colour
 *
 * by gradient ascent. One step is
 *   1. bytes are clipped to 0..255                                              'clip'
 *   2. z <- z + rate g   (with momentum: the sum of steps, each older one times it)    g: the gradient of the above
 *   3. z <- (1 - decay) z
 *   4. every blur_every steps a Gaussian blur
 *   5. pixels whose norm over the channels lies below a percentile of all become 0
 *   6. the same with |sum over channels of - z dS/dz|, what a pixel contributes to the score
 * in the order of Yosinski et al. 2015, "Understanding neural networks through deep visualization", section 3, and their
 * published code, of which rows 1 to 4 of table 1 are here. Simonyan, Vedaldi, Zisserman 2014, section 2, have steps 2 and
 * the L2 penalty only.
 *
 * Feature visualization (Olah, Mordvintsev, Schubert 2017, "Feature visualization") climbs with other coordinates: z is made
 * of waves, of colours that natural pictures have, and of numbers that a sigmoid brings into range (paint.c); step 2 is
 * then one along these, and 1 and 3 to 6, which change pixels, fall away. The network sees the picture moved, turned,
 * enlarged at random by stream (seed, step), once or several times per step, and the gradient comes back the same way
 * (glimpse.c). In the first steps gradients may pass units that are silent: XAI_RELU_REDIRECTED.
 * The score is that of the logit or unit itself. Penalties are defined in prior.h, lengths of steps in step.c. */
#include "explain/ascent.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/status.h"
#include "explain/canvas.h"
#include "explain/glimpse.h"
#include "explain/paint.h"
#include "explain/prior.h"
#include "explain/step.h"
#include "graph/net.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

/* ---- regularisers that act on the picture -------------------------------------------------------------------- */
static int ascending(const void *pa, const void *pb) {
  float a = *(const float *)pa, b = *(const float *)pb;
  return (a > b) - (a < b);
}

/* The value below which so many per cent lie, between two by linear interpolation. Sorts v. */
static double percentile(int64_t n, float *v, double percent) {
  qsort(v, (size_t)n, sizeof *v, ascending);
  double at = percent / 100 * (double)(n - 1);
  int64_t below = (int64_t)at, above = below + 1 < n ? below + 1 : below;
  return v[below] + (at - (double)below) * ((double)v[above] - v[below]);
}

/* What a pixel is judged by: its norm, or without 'norms' its contribution, with dS/dz in g. */
static float worth(const xai_canvas *v, bool norms, const float *g, int64_t i) {
  double sum = 0;
  int64_t plane = v->h * v->w;
  for (int64_t k = 0; k < v->c; k++)
    sum += norms ? (double)v->z[k * plane + i] * v->z[k * plane + i] : -(double)v->z[k * plane + i] * g[k * plane + i];
  return (float)(norms ? sqrt(sum) : fabs(sum));
}

static void drop_pixels(xai_canvas *v, bool norms, const float *g, double percent) {
  int64_t plane = v->h * v->w;
  for (int64_t i = 0; i < plane; i++) v->spare[i] = worth(v, norms, g, i);
  double least = percentile(plane, v->spare, percent);
  for (int64_t i = 0; i < plane; i++)
    if (worth(v, norms, g, i) < least)
      for (int64_t k = 0; k < v->c; k++) v->z[k * plane + i] = 0;
}

/* ---- the ascent ---------------------------------------------------------------------------------------------- */
typedef struct ascent {
  const xai_ascent_opts *o;
  xai_probe probe;
  xai_canvas canvas;
  xai_paint paint;
  xai_stepper stepper;
  bool painted;  /* z is made of the paint's numbers; else it is what is changed */
  float *slope;  /* dS/dz, when contributions are looked at */
  float *sum;    /* of the gradients of several views */
  xai_tensor *floats; /* holds the two */
  xai_tensor *grain;
  xai_tensor *objective, *scores; /* before each step */
  double score, probability;      /* of the last pass; of the class, when there is one */
  int64_t done;
  bool class_score;
  bool silent; /* the score did not depend on the first picture */
} ascent;

static uint64_t seed_of(const xai_ascent_opts *o) { return o->seed < 0 ? xai_seed() : (uint64_t)o->seed; }

/* Noise on what is seen, from a stream of its own. */
static void add_grain(ascent *a, int64_t view) {
  xai_canvas *v = &a->canvas;
  int64_t plane = v->shape.dims[2] * v->shape.dims[3];
  uint64_t dice = xai_rng_stream(seed_of(a->o) ^ UINT64_C(0x6772616E), (uint64_t)(a->done * a->o->views + view));
  float *noise = xai_tensor_floats(a->grain);
  memset(noise, 0, (size_t)(v->c * plane) * sizeof *noise);
  xk_add_noise(dice, a->o->grain, v->c * plane, noise, noise);
  xai_canvas__scale(v, plane, noise, noise);
  xk_accumulate(v->c * plane, noise, v->x);
}

/* Runs what is seen; view -1: without grain. */
static xai_status forward(ascent *a, const xai_glimpse *seen, int64_t view, xai_err *err) {
  xai_glimpse__show(seen, &a->canvas);
  if (a->grain != NULL && view >= 0) add_grain(a, view);
  XAI_TRY(xai_run_forward(a->probe.run, &(xai_view){XAI_F32, a->canvas.shape, a->canvas.x}, err));
  a->score = xai_target_score(a->probe.run, &a->probe.target, 0);
  if (a->class_score) a->probability = xai_target_probability(a->probe.net, a->probe.run, &a->probe.target, 0);
  return XAI_OK;
}

/* Score of one view, and its gradient by z into the canvas. */
static xai_status look_once(ascent *a, int64_t view, xai_err *err) {
  xai_glimpse seen = xai_glimpse__draw(a->o, &a->canvas, a->done, view);
  const xai_view *g;
  XAI_TRY(forward(a, &seen, view, err));
  xai_target_seed(a->probe.run, &a->probe.target);
  XAI_TRY(xai_run_backward(a->probe.run, err));
  XAI_TRY(xai_probe_grad(&a->probe, XAI_LAYER_INPUT, &g, err));
  xai_glimpse__take(&seen, &a->canvas, g->data);
  return XAI_OK;
}

/* Not a kernel, which may stop half-way: what is kept after a stop must be whole. */
static void add(int64_t n, const float *x, float *sum) {
  for (int64_t i = 0; i < n; i++) sum[i] += x[i];
}

/* The mean over the views. */
static xai_status look_around(ascent *a, xai_err *err) {
  xai_canvas *v = &a->canvas;
  double score = 0, share = 1 / (double)a->o->views;
  memset(a->sum, 0, (size_t)v->size * sizeof *a->sum);
  for (int64_t view = 0; view < a->o->views; view++) {
    XAI_TRY(look_once(a, view, err));
    score += share * a->score;
    add(v->size, v->g, a->sum);
  }
  a->score = score;
  for (int64_t i = 0; i < v->size; i++) v->g[i] = (float)(share * a->sum[i]);
  return XAI_OK;
}

/* Score and gradient of the picture as it is; *value: with the penalties. */
static xai_status look(ascent *a, double *value, xai_err *err) {
  const xai_ascent_opts *o = a->o;
  xai_canvas *v = &a->canvas;
  double share = o->mean ? 1 / (double)v->size : 1, l2 = share * o->l2, bound = share * o->bound, tv = share * o->tv;
  xai_run_set_relu(a->probe.run, a->done < o->redirect ? XAI_RELU_REDIRECTED : a->probe.net->relu);
  XAI_TRY(o->views > 1 ? look_around(a, err) : look_once(a, 0, err));
  if (a->done == 0) a->silent = xai_prior__power(v->size, v->g, 1, 0, NULL) == 0;
  if (o->contribution_percentile > 0) memcpy(a->slope, v->g, (size_t)v->size * sizeof *v->g);
  *value = a->score;
  if (l2 > 0) *value -= l2 * xai_prior__power(v->size, v->z, 2, -l2, v->g);
  if (bound > 0) *value -= bound * xai_prior__power(v->size, v->z, o->alpha, -bound, v->g);
  if (tv > 0) *value -= tv * xai_prior__variation(v->c, v->h, v->w, v->z, o->beta, true, -tv, v->g);
  return XAI_OK;
}

static void move(ascent *a) {
  xai_canvas *v = &a->canvas;
  double keep = 1 - a->o->decay;
  if (a->painted) {
    xai_paint__take(&a->paint, v);
    xai_stepper__next(&a->stepper, a->paint.g);
    add(a->paint.n, a->stepper.by, a->paint.p);
    xai_paint__show(&a->paint, v);
    return;
  }
  xai_stepper__next(&a->stepper, v->g);
  for (int64_t i = 0; i < v->size; i++) v->z[i] = (float)(keep * ((double)v->z[i] + a->stepper.by[i]));
}

static xai_status step(ascent *a, xai_err *err) {
  const xai_ascent_opts *o = a->o;
  double value;
  if (o->clip && !a->painted) xai_canvas__clip(&a->canvas);
  XAI_TRY(look(a, &value, err));
  if (!isfinite(value))
    return xai_fail(err, XAI_EARG, "step %lld: the objective is not a number any more; take a smaller lr",
                    (long long)a->done + 1);
  xai_tensor_floats(a->objective)[a->done] = (float)value;
  xai_tensor_floats(a->scores)[a->done] = (float)a->score;
  move(a);
  a->done++;
  if (o->blur > 0 && a->done % o->blur_every == 0) XAI_TRY(xai_canvas__blur(&a->canvas, o->blur, err));
  if (o->norm_percentile > 0) drop_pixels(&a->canvas, true, NULL, o->norm_percentile);
  if (o->contribution_percentile > 0) drop_pixels(&a->canvas, false, a->slope, o->contribution_percentile);
  return XAI_OK;
}

/* All steps, and the score of what came out; or those until a stop was requested, if there was one at least. */
static xai_status climb(ascent *a, xai_err *err) {
  xai_status st = XAI_OK;
  xai_probe listener = {.opts = &a->o->common};
  xai_probe_tell(&listener, 0, a->o->steps);
  while (st == XAI_OK && a->done < a->o->steps) {
    st = step(a, err);
    if (st == XAI_OK) xai_probe_tell(&listener, a->done, a->o->steps);
  }
  xai_glimpse plain = xai_glimpse__plain(&a->canvas);
  return st == XAI_OK ? forward(a, &plain, -1, err) : st;
}

/* ---- before and after ---------------------------------------------------------------------------------------- */
/* A channel without a place: its map's centre. */
static xai_status centre(const xai_net *net, const xai_view *x, xai_target *t, xai_err *err) {
  for (int i = 0; i < t->n_terms; i++) {
    xai_target_term *term = &t->terms[i];
    xai_shape s;
    if (term->row != XAI_STRONGEST || term->channel == XAI_STRONGEST) continue;
    XAI_TRY(xai_net_layer_shape(net, xai_net_resolve(net, term->layer), &x->shape, &s, err));
    term->row = s.rank >= 3 ? s.dims[2] / 2 : 0;
    term->col = s.rank >= 4 ? s.dims[3] / 2 : 0;
  }
  return XAI_OK;
}

/* The first picture, and what it takes to change it. */
static xai_status begin(ascent *a, const xai_view *x, xai_err *err) {
  const xai_ascent_opts *o = a->o;
  xai_canvas *v = &a->canvas;
  a->painted = xai_paint__needed(o);
  if (a->painted) {
    XAI_TRY(xai_paint__open(&a->paint, o, v, err));
    xai_paint__show(&a->paint, v);
  } else {
    XAI_TRY(xai_canvas__start(v, o->own != NULL ? XAI_START_PICTURE : o->init, o->own != NULL ? o->own : x, o->noise,
                              o->seed, err));
  }
  return xai_stepper__open(&a->stepper, a->painted ? a->paint.n : v->size, o, err);
}

static xai_status open_ascent(ascent *a, xai_net *net, const xai_view *x, xai_err *err) {
  const xai_ascent_opts *o = a->o;
  xai_explain_opts common = o->common;
  int input = XAI_LAYER_INPUT;
  if (o->centre) XAI_TRY(centre(net, x, &common.target, err));
  XAI_TRY(xai_probe_run(net, x, &common, NULL, 0, &input, 1, XAI_RELU_PLAIN, &a->probe, err));
  XAI_TRY(xai_canvas__open(net, x, o->size, &a->canvas, err));
  XAI_TRY(xai_glimpse__check(o, &a->canvas, err));
  XAI_TRY(begin(a, x, err));
  XAI_TRY(xai_tensor_new(XAI_F32, XAI_SHAPE(2, a->canvas.size), &a->floats, err));
  a->sum = xai_tensor_floats(a->floats);
  a->slope = a->sum + a->canvas.size;
  if (o->grain > 0) XAI_TRY(xai_tensor_new(XAI_F32, x->shape, &a->grain, err));
  XAI_TRY(xai_tensor_new(XAI_F32, XAI_SHAPE(o->steps), &a->objective, err));
  return xai_tensor_new(XAI_F32, XAI_SHAPE(o->steps), &a->scores, err);
}

xai_status xai_ascent__explain(const char *method, xai_net *net, const xai_view *x, const xai_ascent_opts *opts,
                               xai_explanation **out, xai_err *err) {
  ascent a = {.o = opts};
  xai_explanation *e = NULL;
  xai_status st;
  XAI_GOTO(open_ascent(&a, net, x, err));
  XAI_GOTO(xai_probe_explain(&a.probe, method, XAI_LAYER_NONE, &e, err));
  a.class_score = e->class_id >= 0;
  st = climb(&a, err);
  e->stopped = st == XAI_ESTOP && xai_stop_requested() && a.done > 0;
  if (st != XAI_OK && !e->stopped) goto done;
  if (a.silent)
    snprintf(e->remark, sizeof e->remark,
             "nothing in the first picture moved the score, so there was no way up: take another init or seed, "
             "or the layer before the rectifier");
  if (e->stopped)
    snprintf(e->remark, sizeof e->remark, "stopped after %lld of %lld steps: the picture so far", (long long)a.done,
             (long long)opts->steps);
  if (a.class_score) e->probability = (float)a.probability;
  XAI_GOTO(xai_canvas__values(&a.canvas, &e->values, err));
  XAI_GOTO(xai_explanation_curve(e, "objective", a.objective, a.done, err));
  XAI_GOTO(xai_explanation_curve(e, "scores", a.scores, a.done, err));
  XAI_GOTO(xai_explanation_number(e, "score", a.score, err));
  e->height = (int)a.canvas.h;
  e->width = (int)a.canvas.w;
  e->is_input = true;
  e->reduce = XAI_REDUCE_MAX_ABS;
  e->unit = "network input";
  e->seconds = xai_clock() - a.probe.started;
  *out = e;
  e = NULL;
done:
  if (a.probe.run != NULL) xai_run_set_relu(a.probe.run, net->relu);
  xai_tensor_free(a.floats);
  xai_tensor_free(a.grain);
  xai_stepper__close(&a.stepper);
  xai_paint__close(&a.paint);
  xai_tensor_free(a.objective);
  xai_tensor_free(a.scores);
  xai_canvas__close(&a.canvas);
  xai_explanation_free(e);
  xai_probe_close(&a.probe);
  return st;
}

/* ---- options --------------------------------------------------------------------------------------------------- */
/* The libraries' constants are those of their sources; in pixels for their own pictures, 512 of Xplique, 224 of OmniXAI.
 * Not taken over: blurs among their random changes; that tf-keras-vis keeps what these have done to the picture, and its
 * variation without squares; a norm of keras-vis that is too small to be seen; MaCo's magnitudes, which are ImageNet's. */
void xai_ascent_set_preset(xai_ascent_opts *opts, xai_ascent_preset preset) {
  static const xai_ascent_opts sets[] = {
      [XAI_ASCENT_SIMONYAN] = {.steps = 200, .lr = 1, .rule = XAI_STEP_MEAN, .l2 = 1e-5},
      [XAI_ASCENT_YOSINSKI_1] = {.steps = 500, .lr = 100, .rule = XAI_STEP_PROGRESS, .blur = 0.5, .norm_percentile = 50},
      [XAI_ASCENT_YOSINSKI_2] = {.steps = 750, .lr = 100, .decay = 0.3, .norm_percentile = 20},
      [XAI_ASCENT_YOSINSKI_3] = {.steps = 1000, .lr = 100, .decay = 1e-4, .blur = 1},
      [XAI_ASCENT_YOSINSKI_4] = {.steps = 1000, .lr = 1e8, .rule = XAI_STEP_PROGRESS, .blur = 0.5,
                                 .contribution_percentile = 90},
      [XAI_ASCENT_CHOSEN] = {.steps = 200, .lr = 0.25, .rule = XAI_STEP_MEAN, .decay = 1e-4, .blur = 0.5, .jitter = 4},
      [XAI_ASCENT_LUCID] = {.steps = 512, .lr = 0.05, .rule = XAI_STEP_ADAM, .medium = XAI_MEDIUM_FOURIER, .noise = 0.01,
                            .colours = true, .sigmoid = true, .pad = 12, .jitter = 6, .scale = 0.1, .rotate = 10,
                            .redirect = 16},
      [XAI_ASCENT_XPLIQUE] = {.steps = 256, .lr = 0.05, .rule = XAI_STEP_ADAM, .medium = XAI_MEDIUM_FOURIER, .noise = 0.01,
                              .fall = 0.85, .colours = true, .sigmoid = true, .stretch = 1, .size = 512, .pad = 128,
                              .jitter = 288, .scale = 0.02, .mirror = true},
      [XAI_ASCENT_MACO] = {.steps = 256, .lr = 1, .rule = XAI_STEP_NADAM, .medium = XAI_MEDIUM_PHASES, .noise = 1,
                           .colours = true, .sigmoid = true, .size = 512, .crop = 0.5, .crop_end = 0.05, .views = 32,
                           .grain = 10.2},
      [XAI_ASCENT_TF_KERAS_VIS] = {.steps = 200, .lr = 1, .rule = XAI_STEP_RMSPROP, .noise = 73.6, .tv = 1, .beta = 1,
                                   .bound = 0.3, .alpha = 1, .mean = true, .clip = true, .jitter = 4, .rotate = 1},
      [XAI_ASCENT_KERAS_VIS] = {.steps = 200, .lr = 1, .rule = XAI_STEP_RMSPROP, .noise = 12.75, .keep = 0.95, .tv = 10,
                                .mean = true},
      [XAI_ASCENT_OMNIXAI] = {.steps = 300, .lr = 0.05, .rule = XAI_STEP_ADAM, .noise = 0.01, .sigmoid = true,
                              .stretch = 0.9, .pad = 28, .jitter = 28, .scale = 0.2, .mirror = true},
  };
  xai_ascent_opts set = sets[preset];
  set.common = opts->common;
  set.preset = (int)preset;
  set.clip = set.clip || (preset > XAI_ASCENT_SIMONYAN && preset <= XAI_ASCENT_CHOSEN);
  set.init = preset != XAI_ASCENT_SIMONYAN ? XAI_START_NOISE : XAI_START_ZEROS;
  set.blur_every = 4;
  set.progress = 2;
  if (set.noise == 0) set.noise = 10;
  if (set.keep == 0) set.keep = 0.999;
  if (set.beta == 0) set.beta = 2;
  if (set.alpha == 0) set.alpha = 6;
  if (set.fall == 0) set.fall = 1;
  if (set.views == 0) set.views = 1;
  set.spectrum = opts->spectrum;
  set.own = opts->own;
  set.seed = opts->seed;
  set.centre = opts->centre;
  *opts = set;
}

void xai_ascent__preset(void *opts) {
  xai_ascent_opts *o = opts;
  xai_ascent_set_preset(o, (xai_ascent_preset)o->preset);
}

void xai_ascent__defaults(xai_ascent_opts *o, xai_ascent_preset first) {
  o->seed = -1;
  o->centre = true;
  xai_ascent_set_preset(o, first);
}

static const char *const presets[] = {"simonyan", "yosinski1", "yosinski2", "yosinski3", "yosinski4", "chosen",
                                      "lucid", "xplique", "maco", "tf_keras_vis", "keras_vis", "omnixai", NULL};
static const char *const rules[] = {"plain", "mean", "max", "norm", "progress", "adam", "nadam", "rmsprop", NULL};
static const char *const starts[] = {"zeros", "noise", "picture", NULL};
static const char *const media[] = {"pixels", "fourier", "phases", NULL};
static const char *const spectra[] = {"falling", NULL};
#define OPTION(field, type) .name = #field, .kind = XAI_OPT_##type, .offset = offsetof(xai_ascent_opts, field)
const xai_opt_spec xai_ascent__options[] = {
    {OPTION(preset, CHOICE), .choices = presets,
     .help = "a paper's constants, or ours that do for any network, for the options below; those given besides win"},
    {OPTION(steps, INT), .lo = 1, .hi = 1e6, .help = "how many"},
    {OPTION(lr, NUMBER), .lo = 0, .hi = 1e30,
     .help = "length of a step, in the rule's sense; pictures are in grey levels about the mean"},
    {OPTION(rule, CHOICE), .choices = rules,
     .help = "a step is lr times the gradient g (plain), over mean |g|, max |g| or |g|, or min(lr, progress / |g|^2) "
             "times g; adam, nadam and rmsprop have a rate for each number"},
    {OPTION(progress, NUMBER), .lo = 0, .hi = 1e30,
     .help = "by how much one step is to raise the score, for the rule of that name"},
    {OPTION(momentum, NUMBER), .lo = 0, .hi = 0.9999, .help = "share of a step that goes into the next"},
    {OPTION(keep, NUMBER), .lo = 0, .hi = 0.999999,
     .help = "share of the mean square that is kept, of rules adam, nadam and rmsprop"},
    {OPTION(l2, NUMBER), .lo = 0, .hi = 1e30, .help = "weight of the sum of squares"},
    {OPTION(tv, NUMBER), .lo = 0, .hi = 1e30, .help = "weight of the total variation"},
    {OPTION(beta, NUMBER), .lo = 1, .hi = 8, .help = "exponent of the total variation"},
    {OPTION(bound, NUMBER), .lo = 0, .hi = 1e30, .help = "weight of the sum of powers alpha"},
    {OPTION(alpha, NUMBER), .lo = 1, .hi = 20, .help = "that power"},
    {OPTION(mean, BOOL), .help = "penalties are means over the picture's values, not sums"},
    {OPTION(decay, NUMBER), .lo = 0, .hi = 1, .help = "share of the picture that each step takes away"},
    {OPTION(blur, NUMBER), .lo = 0, .hi = 100, .help = "deviation of a blur in pixels; 0: none"},
    {OPTION(blur_every, INT), .lo = 1, .hi = 1e6, .help = "steps from one blur to the next"},
    {OPTION(norm_percentile, NUMBER), .lo = 0, .hi = 100,
     .help = "after each step so many per cent of the pixels become 0: those of the smallest norm"},
    {OPTION(contribution_percentile, NUMBER), .lo = 0, .hi = 100,
     .help = "the same for those that contribute the least"},
    {OPTION(clip, BOOL), .help = "bytes stay within 0 and 255"},
    {OPTION(medium, CHOICE), .choices = media,
     .help = "what the picture is made of and changed by: pixels, waves, or the phases of waves of given magnitudes"},
    {OPTION(fall, NUMBER), .lo = 0, .hi = 10, .help = "waves of frequency f weigh f^-fall"},
    {.name = "spectrum", .kind = XAI_OPT_CHOICE, .offset = offsetof(xai_ascent_opts, magnitudes), .choices = spectra,
     .tensor = offsetof(xai_ascent_opts, spectrum),
     .help = "magnitudes of medium phases: f^-fall, or a tensor C x H x (W/2 + 1)"},
    {OPTION(colours, BOOL),
     .help = "numbers are mixed to colours as they go together in natural pictures; of three channels"},
    {OPTION(sigmoid, BOOL), .help = "bytes stay within 0 and 255 by a sigmoid"},
    {OPTION(stretch, NUMBER), .lo = 0, .hi = 1,
     .help = "share of the range of bytes that the picture is stretched to; 0: it is not"},
    {OPTION(size, INT), .lo = 0, .hi = 4096, .help = "pixels of the picture's shorter side; 0: what the network takes"},
    {OPTION(jitter, INT), .lo = 0, .hi = 4096,
     .help = "pixels by which the picture is moved at most, at random, before each pass; with pad a window is cut that is "
             "smaller by so much at each side"},
    {OPTION(pad, INT), .lo = 0, .hi = 4096,
     .help = "grey pixels around the picture; 0: what leaves at one side comes back at the other"},
    {OPTION(scale, NUMBER), .lo = 0, .hi = 0.9, .help = "it is enlarged by 1 - scale to 1 + scale, at random"},
    {OPTION(rotate, NUMBER), .lo = 0, .hi = 180, .help = "degrees by which it is turned at most, at random"},
    {OPTION(mirror, BOOL), .help = "it is mirrored half the time"},
    {OPTION(crop, NUMBER), .lo = 0, .hi = 1,
     .help = "share of it that is shown in the first step, somewhere about its middle; 0: all"},
    {OPTION(crop_end, NUMBER), .lo = 0, .hi = 1, .help = "the same for the last step; in between along a line"},
    {OPTION(views, INT), .lo = 1, .hi = 4096,
     .help = "passes per step, of which the mean counts, each with changes of its own"},
    {OPTION(grain, NUMBER), .lo = 0, .hi = 1e6, .help = "deviation of noise on what is shown, in grey levels"},
    {OPTION(redirect, INT), .lo = 0, .hi = 1e6,
     .help = "for so many steps a rectifier that is silent everywhere lets gradients pass that would wake it"},
    {OPTION(init, CHOICE), .choices = starts, .tensor = offsetof(xai_ascent_opts, own),
     .help = "the first picture: the mean colour, noise about it, x itself, or a tensor"},
    {OPTION(noise, NUMBER), .lo = 0, .hi = 1e6,
     .help = "deviation of that noise: of pixels in grey levels, else of the numbers that they are made of"},
    {OPTION(seed, INT), .lo = -1, .hi = 0x1p53, .help = "of all that is random; -1: xai.seed()"},
    {OPTION(centre, BOOL),
     .help = "a unit without a place stands at its map's centre; else at its strongest place for x"},
    {.name = NULL},
};
