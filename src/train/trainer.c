/* train/trainer.c: one step of training.
 *
 * The trainer's arrays stand in for the constants of two networks: the training form, on which steps are made, and the
 * source, as which the result will be used. They are written in place, only between passes, and only when loss and
 * gradient have been found to be finite. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/status.h"
#include "train/trainer.h"

void xai_train_defaults(xai_train_opts *o) {
  *o = (xai_train_opts){.optimiser = XAI_OPTIMISER_SGD, .lr = 0.01, .momentum = 0.9, .beta1 = 0.9, .beta2 = 0.999,
                        .epsilon = 1e-8, .loss = XAI_LOSS_CROSS_ENTROPY, .init = XAI_INIT_KEEP};
}

/* ---- what is trained ------------------------------------------------------------------------------------- */
static bool is_product(xai_op op) {
  return op == XAI_OP_CONV || op == XAI_OP_CONV_TRANSPOSE || op == XAI_OP_GEMM || op == XAI_OP_MATMUL;
}

/* Single numbers in arithmetic are part of a formula, such as x / 6; what else has a gradient is a parameter. */
static bool is_param(const xai_net *net, int n, int i) {
  const xai_node *node = &net->graph->nodes[n];
  xai_tensor *t = node->in[i] >= 0 ? xai_net__constant(net, node->in[i]) : NULL;
  if (t == NULL || xai_tensor_view(t)->dtype != XAI_F32 || xai_tensor_count(t) == 0) return false;
  if (xai_op_grad(xai_op_get(node->op), i) == XAI_NO_GRAD) return false;
  if (node->op == XAI_OP_BATCH_NORM && i > 2) return false;
  bool learns = is_product(node->op) || node->op == XAI_OP_BATCH_NORM_TRAINING || node->op == XAI_OP_BATCH_NORM;
  return learns || xai_tensor_count(t) > 1;
}

static xai_status own_copy(xai_trainer *t, int value, xai_tensor **out, xai_err *err) {
  XAI_TRY(xai_tensor_copy(xai_tensor_view(xai_net__constant(t->form, value)), out, err));
  XAI_TRY(xai_net__replace(t->form, value, *out, err));
  return xai_net__replace(t->plain, value, *out, err);
}

static xai_status add_param(xai_trainer *t, int n, int i, xai_err *err) {
  const xai_node *node = &t->form->graph->nodes[n];
  for (int k = 0; k < t->n_params; k++)
    if (t->params[k].value == node->in[i]) return XAI_OK; /* one array for several layers */
  train_param *p = &t->params[t->n_params];
  *p = (train_param){.value = node->in[i], .place = {n, i}, .weights = is_product(node->op) && i < 2};
  t->places[t->n_params++] = p->place;
  XAI_TRY(own_copy(t, p->value, &p->now, err));
  for (int s = 0; s < xai_trainer__slots(t); s++)
    XAI_TRY(xai_tensor_new(XAI_F32, xai_tensor_view(p->now)->shape, &p->slots[s], err));
  return XAI_OK;
}

static xai_status add_statistics(xai_trainer *t, int n, int *output, xai_err *err) {
  const xai_node *node = &t->form->graph->nodes[n];
  for (int i = 3; i <= 4; i++) {
    train_statistic *s = &t->statistics[t->n_statistics++];
    *s = (train_statistic){.place = {n, i}, .output = (*output)++};
    XAI_TRY(own_copy(t, node->in[i], &s->now, err));
    XAI_TRY(xai_tensor_new(XAI_F32, xai_tensor_view(s->now)->shape, &s->next, err));
  }
  return XAI_OK;
}

static xai_status find_arrays(xai_trainer *t, const bool *frozen, xai_err *err) {
  const xai_graph *g = t->form->graph;
  size_t most = 0;
  int output = t->source->graph->n_outputs;
  for (int n = 0; n < g->n_nodes; n++) most += (size_t)g->nodes[n].n_in;
  t->params = xai_calloc(most + 1, sizeof *t->params);
  t->places = xai_calloc(most + 1, sizeof *t->places);
  t->statistics = xai_calloc(most + 1, sizeof *t->statistics);
  if (t->params == NULL || t->places == NULL || t->statistics == NULL)
    return xai_fail_memory(err, most * sizeof *t->params);
  for (int n = 0; n < g->n_nodes; n++) {
    if (frozen[n]) continue;
    for (int i = 0; i < g->nodes[n].n_in; i++)
      if (is_param(t->form, n, i)) XAI_TRY(add_param(t, n, i, err));
    if (g->nodes[n].op == XAI_OP_BATCH_NORM_TRAINING && g->nodes[n].n_out == 3)
      XAI_TRY(add_statistics(t, n, &output, err));
  }
  return XAI_OK;
}

/* ---- a trainer's life --------------------------------------------------------------------------------------- */
static xai_status check_options(const xai_net *net, const xai_train_opts *o, xai_err *err) {
  const struct {
    const char *name;
    double value, lo, hi;
  } ranges[] = {{"lr", o->lr, 0, 1e6},          {"momentum", o->momentum, 0, 1},   {"beta1", o->beta1, 0, 1},
                {"beta2", o->beta2, 0, 1},      {"epsilon", o->epsilon, 0, 1e6},   {"weight_decay", o->weight_decay, 0, 1e6},
                {"smoothing", o->smoothing, 0, 1}, {"clip", o->clip, 0, INFINITY}};
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    bool below_one = ranges[i].hi == 1 && ranges[i].value >= 1;
    if (ranges[i].value >= ranges[i].lo && ranges[i].value <= ranges[i].hi && !below_one) continue;
    return xai_fail(err, XAI_EARG, "%s: expected %g %s %g, got %g", ranges[i].name, ranges[i].lo,
                    ranges[i].hi == 1 ? "or more and less than" : "to", ranges[i].hi, ranges[i].value);
  }
  if (net->n_hooks > 0 || net->n_grad_hooks > 0 || net->relu != XAI_RELU_PLAIN)
    return xai_fail(err, XAI_EARG, "a network with hooks or another rule for rectifiers is not trained; train the one "
                                   "without and put them on the result");
  for (int i = 0; i < o->n_freeze + o->n_init_scale; i++) {
    int layer = i < o->n_freeze ? o->freeze[i] : o->init_scale[i - o->n_freeze].layer;
    if (layer < 0 || layer >= net->graph->n_nodes)
      return xai_fail(err, XAI_EARG, "no layer number %d (the network has %d)", layer, net->graph->n_nodes);
  }
  return XAI_OK;
}

static xai_status prepare(xai_trainer *t, const xai_train_opts *opts, xai_err *err) {
  xai_status st = XAI_OK;
  bool *frozen = xai_calloc((size_t)t->source->graph->n_nodes + 1, sizeof *frozen);
  if (frozen == NULL) return xai_fail_memory(err, (size_t)t->source->graph->n_nodes);
  for (int i = 0; i < opts->n_freeze; i++) frozen[opts->freeze[i]] = true;
  XAI_GOTO(xai_net__training(t->source, frozen, &t->form, err));
  XAI_GOTO(xai_net__copy(t->source, &t->plain, err));
  t->plain->trains = true;
  XAI_GOTO(find_arrays(t, frozen, err));
  if (t->n_params == 0) {
    st = xai_fail(err, XAI_EARG, "there is nothing to train: %s", opts->n_freeze > 0 ? "all layers that have parameters are frozen"
                                                                                    : "no layer has parameters");
    goto done;
  }
  xai_trainer__init(t, opts);
done:
  xai_free(frozen);
  return st;
}

xai_status xai_trainer_new(xai_net *net, const xai_train_opts *opts, xai_trainer **out, xai_err *err) {
  XAI_TRY(check_options(net, opts, err));
  xai_trainer *t = xai_calloc(1, sizeof *t);
  if (t == NULL) return xai_fail_memory(err, sizeof *t);
  t->source = xai_net_retain(net);
  t->opts = *opts;
  t->opts.freeze = NULL;
  t->opts.init_scale = NULL;
  t->opts.n_freeze = t->opts.n_init_scale = 0;
  xai_status st = prepare(t, opts, err);
  if (st == XAI_OK) *out = t;
  else xai_trainer_free(t);
  return st;
}

void xai_trainer_free(xai_trainer *t) {
  if (t == NULL) return;
  xai_net_free(t->form);
  xai_net_free(t->plain);
  xai_net_free(t->source);
  for (int i = 0; i < t->n_params; i++) {
    xai_tensor_free(t->params[i].now);
    for (int s = 0; s < XAI_SLOTS; s++) xai_tensor_free(t->params[i].slots[s]);
  }
  for (int i = 0; i < t->n_statistics; i++) {
    xai_tensor_free(t->statistics[i].now);
    xai_tensor_free(t->statistics[i].next);
  }
  xai_free(t->params);
  xai_free(t->statistics);
  xai_free(t->places);
  xai_free(t);
}

int64_t xai_trainer_steps(const xai_trainer *t) { return t->steps; }
double xai_trainer_lr(const xai_trainer *t) { return t->opts.lr; }

int64_t xai_trainer_param_count(const xai_trainer *t) {
  int64_t sum = 0;
  for (int i = 0; i < t->n_params; i++) sum += (int64_t)xai_tensor_count(t->params[i].now);
  return sum;
}

/* ---- what is not finite ------------------------------------------------------------------------------------ */
static bool all_finite(const xai_view *v) {
  const float *x = v->data;
  double sum = 0;
  if (v->dtype != XAI_F32) return true;
  for (int64_t i = 0; i < xai_shape_size(&v->shape); i++) sum += 0 * (double)x[i];
  return sum == 0;
}

/* The loss is not finite: the same pass once more, with everything kept, tells where that began. */
static xai_status fail_loss(xai_trainer *t, const xai_view *x, uint64_t stream, double loss, xai_err *err) {
  const xai_graph *g = t->form->graph;
  xai_request request = {.keep_all = true};
  xai_run *run = NULL;
  if (!all_finite(x))
    return xai_fail(err, XAI_EARG, "step %" PRId64 ": the loss is %g: the input holds numbers that are not finite",
                    t->steps + 1, loss);
  XAI_TRY(xai_run_open(t->form, &x->shape, &request, &run, err));
  xai_run__set_stream(run, stream);
  xai_status st = xai_run_forward(run, x, err);
  int first = 0;
  while (st == XAI_OK && first < g->n_nodes) {
    const xai_view *value = xai_run_value(run, first);
    if (value != NULL && !all_finite(value)) break;
    first++;
  }
  if (st == XAI_OK && first < g->n_nodes)
    st = xai_fail(err, XAI_EARG,
                  "step %" PRId64 ": the loss is %g: the first layer with numbers that are not finite is '%s' (%s); a "
                  "lower learning rate may help",
                  t->steps + 1, loss, g->nodes[first].name, xai_op_get(g->nodes[first].op)->name);
  else if (st == XAI_OK)
    st = xai_fail(err, XAI_EARG, "step %" PRId64 ": the loss is %g, though every layer is finite", t->steps + 1, loss);
  xai_run_close(run);
  return st;
}

/* ---- a step --------------------------------------------------------------------------------------------------- */
static int scores_layer(const xai_trainer *t) {
  return t->opts.loss == XAI_LOSS_MSE ? XAI_LAYER_OUTPUT : XAI_LAYER_LOGITS;
}

/* Weights that are all zero, in more than one layer, get no gradient from one another: nothing but biases would learn. */
static xai_status check_start(const xai_trainer *t, float *const *gradients, const xai_step *step, xai_err *err) {
  int arrays = 0;
  if (t->steps > 0 || step->loss == 0) return XAI_OK;
  for (int i = 0; i < t->n_params; i++) {
    const train_param *p = &t->params[i];
    int64_t n = (int64_t)xai_tensor_count(p->now);
    if (!p->weights) continue;
    if (xk_sum_square(n, gradients[i]) > 0 || xk_sum_square(n, xai_tensor_floats(p->now)) > 0) return XAI_OK;
    arrays++;
  }
  if (arrays == 0) return XAI_OK;
  return xai_fail(err, XAI_EARG, "all weights are zero, and no gradient reaches them; let them begin at random: init = \"he\"");
}

/* Length of the whole gradient; not finite names the parameter's layer. */
static xai_status measure(const xai_trainer *t, float *const *gradients, double *norm, xai_err *err) {
  double sum = 0;
  for (int i = 0; i < t->n_params; i++) {
    double part = xk_sum_square((int64_t)xai_tensor_count(t->params[i].now), gradients[i]);
    if (!isfinite(part))
      return xai_fail(err, XAI_EARG, "step %" PRId64 ": the gradient of layer '%s' is not finite", t->steps + 1,
                      t->form->graph->nodes[t->params[i].place.layer].name);
    sum += part;
  }
  *norm = sqrt(sum);
  return XAI_OK;
}

/* Forward, loss, backward in an open run. */
static xai_status pass(xai_trainer *t, xai_run *run, uint64_t stream, const xai_view *x, const xai_view *target,
                       float **gradients, xai_step *out, xai_err *err) {
  int scores = scores_layer(t);
  xai_run__set_stream(run, stream);
  XAI_TRY(xai_run_forward(run, x, err));
  XAI_TRY(xai_loss__compute(t->opts.loss, t->opts.smoothing, xai_run_value(run, scores), target,
                            xai_run_seed(run, scores)->data, out, err));
  if (!isfinite(out->loss)) return XAI_OK;
  for (int i = 0; i < t->n_statistics; i++) {
    const xai_view *next = xai_run_output(run, t->statistics[i].output);
    memcpy(xai_tensor_floats(t->statistics[i].next), next->data, xai_view_bytes(next));
  }
  XAI_TRY(xai_run_backward(run, err));
  for (int i = 0; i < t->n_params; i++) {
    const xai_view *g = xai_run_weight_grad(run, t->params[i].place.layer, t->params[i].place.input);
    if (g == NULL)
      return xai_fail(err, XAI_EARG, "the scores do not depend on the parameters of layer '%s'; freeze it",
                      t->form->graph->nodes[t->params[i].place.layer].name);
    gradients[i] = g->data;
  }
  return measure(t, gradients, &out->norm, err);
}

static void accept(xai_trainer *t, float *const *gradients, double norm, double lr) {
  double clip = t->opts.clip;
  xai_trainer__update(t, gradients, clip > 0 && norm > clip ? clip / norm : 1, lr);
  for (int i = 0; i < t->n_statistics; i++)
    memcpy(xai_tensor_floats(t->statistics[i].now), xai_tensor_floats(t->statistics[i].next),
           xai_tensor_bytes(t->statistics[i].now));
  t->steps++;
}

xai_status xai_trainer_step(xai_trainer *t, const xai_view *x, const xai_view *target, double lr, xai_step *out,
                            xai_err *err) {
  if (!(lr >= 0 && lr <= 1e6)) return xai_fail(err, XAI_EARG, "lr: expected 0 to 1e6, got %g", lr);
  int scores = scores_layer(t);
  uint64_t stream = xai_rng_stream(t->opts.seed, (uint64_t)t->steps);
  xai_request request = {.keep = &scores, .n_keep = 1, .keep_outputs = t->n_statistics > 0, .seeds = &scores,
                         .n_seeds = 1, .params = t->places, .n_params = t->n_params};
  xai_status st = XAI_OK;
  xai_step step = {0};
  xai_run *run = NULL;
  float **gradients = xai_calloc((size_t)t->n_params, sizeof *gradients);
  if (gradients == NULL) return xai_fail_memory(err, (size_t)t->n_params * sizeof *gradients);
  XAI_GOTO(xai_run_open(t->form, &x->shape, &request, &run, err));
  XAI_GOTO(pass(t, run, stream, x, target, gradients, &step, err));
  if (!isfinite(step.loss)) {
    st = fail_loss(t, x, stream, step.loss, err);
    goto done;
  }
  XAI_GOTO(check_start(t, gradients, &step, err));
  accept(t, gradients, step.norm, lr);
  *out = step;
done:
  xai_run_close(run);
  xai_free(gradients);
  return st;
}

xai_status xai_trainer_test(xai_trainer *t, const xai_view *x, const xai_view *target, xai_step *out, xai_err *err) {
  int scores = scores_layer(t);
  xai_request request = {.keep = &scores, .n_keep = 1};
  xai_run *run = NULL;
  XAI_TRY(xai_run_open(t->plain, &x->shape, &request, &run, err));
  xai_status st = xai_run_forward(run, x, err);
  if (st == XAI_OK)
    st = xai_loss__compute(t->opts.loss, t->opts.smoothing, xai_run_value(run, scores), target, NULL, out, err);
  xai_run_close(run);
  return st;
}

/* ---- the result ---------------------------------------------------------------------------------------------- */
xai_status xai_trainer_net(const xai_trainer *t, xai_net **out, xai_err *err) {
  xai_net *view = NULL;
  xai_status st = XAI_OK;
  xai_tensor *copy = NULL;
  XAI_TRY(xai_net__copy(t->source, &view, err));
  for (int i = 0; i < t->n_params + t->n_statistics; i++) {
    const xai_tensor *now = i < t->n_params ? t->params[i].now : t->statistics[i - t->n_params].now;
    const xai_param *place = i < t->n_params ? &t->places[i] : &t->statistics[i - t->n_params].place;
    XAI_GOTO(xai_tensor_copy(xai_tensor_view(now), &copy, err));
    XAI_GOTO(xai_net__replace(view, view->graph->nodes[place->layer].in[place->input], copy, err));
    xai_tensor_free(copy);
    copy = NULL;
  }
  XAI_GOTO(xai_net__settle(view, out, err));
done:
  xai_tensor_free(copy);
  xai_net_free(view);
  return st;
}
