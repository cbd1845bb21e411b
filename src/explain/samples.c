/* explain/samples.c: see samples.h. */
#include "explain/samples.h"

#include <string.h>

#include "base/status.h"
#include "graph/net.h"
#include "tensor/tensor.h"

/* Of a batch that is chosen. Its pictures share the reading of the weights, but its activations have to fit into the caches,
 * or reading these again costs as much: as many pictures as have no more of them than there are weights, or cache. */
enum { MOST_PICTURES = 16, CACHE_BYTES = 24 << 20 };

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

/* Passes over batches of samples. */
typedef struct passes {
  const xai_probe *probe;
  xai_net *net;    /* the probe's, */
  bool behind;     /* or what lies behind a layer: that has two inputs */
  xai_target target; /* in this network */
  xai_view sample; /* type and shape of one */
  xai_score score;
  bool backward;
  xai_run *run;
  xai_tensor *many, *x; /* a batch of samples; behind a layer also as many copies of x */
} passes;

static void close_passes(passes *p) {
  xai_run_close(p->run);
  xai_tensor_free(p->many);
  xai_tensor_free(p->x);
  xai_net_free(p->net);
}

static xai_view batch_of(xai_view one, const xai_tensor *many, int64_t count) {
  one.shape.dims[0] = count;
  one.data = many != NULL ? xai_tensor_view(many)->data : NULL;
  return one;
}

/* The inputs of a pass over 'count' samples; how many there are. */
static int inputs_of(const passes *p, int64_t count, xai_view in[2]) {
  int n = 0;
  if (p->behind) in[n++] = batch_of(*p->probe->x, p->x, count);
  in[n++] = batch_of(p->sample, p->many, count);
  return n;
}

static xai_status open_run(passes *p, int64_t count, xai_err *err) {
  int layers[XAI_TARGET_TERMS + 1], input = XAI_LAYER_INPUT;
  int n = xai_target_layers(p->net, &p->target, layers);
  if (p->score == XAI_SCORE_PROB) layers[n++] = XAI_LAYER_LOGITS;
  xai_request request = {.keep = layers, .n_keep = n, .seeds = layers, .n_seeds = p->backward ? n : 0, .wants = &input,
                         .n_wants = p->backward ? 1 : 0};
  xai_view in[2];
  int n_in = inputs_of(p, count, in);
  xai_run_close(p->run);
  p->run = NULL;
  return xai_run_open_all(p->net, in, n_in, &request, &p->run, err);
}

static xai_status choose_batch(passes *p, const xai_samples *s, int64_t *batch, xai_err *err) {
  *batch = min64(s->batch, s->n);
  if (s->batch > 0) return XAI_OK;
  XAI_TRY(open_run(p, 1, err));
  int64_t weights = xai_net_param_count(p->net) * (int64_t)sizeof(float);
  int64_t fit = (weights > CACHE_BYTES ? weights : CACHE_BYTES) / (int64_t)(xai_run_bytes(p->run) + 1);
  *batch = min64(s->n, fit < 1 ? 1 : min64(fit, MOST_PICTURES));
  return XAI_OK;
}

static xai_status make_room(passes *p, int64_t batch, xai_err *err) {
  xai_shape shape = p->sample.shape;
  shape.dims[0] = batch;
  XAI_TRY(xai_tensor_new_raw(XAI_F32, shape, &p->many, err));
  if (!p->behind) return XAI_OK;
  shape = p->probe->x->shape;
  shape.dims[0] = batch;
  XAI_TRY(xai_tensor_new_raw(XAI_F32, shape, &p->x, err));
  size_t size = xai_view_bytes(p->probe->x);
  for (int64_t b = 0; b < batch; b++) memcpy((char *)xai_tensor_floats(p->x) + (size_t)b * size, p->probe->x->data, size);
  return XAI_OK;
}

static xai_status take_gradients(const passes *p, const xai_samples *s, int64_t count, xai_err *err) {
  int64_t size = xai_shape_size(&p->sample.shape);
  xai_target_seed(p->run, &p->target);
  XAI_TRY(xai_run_backward(p->run, err));
  const xai_view *g = xai_run_grad(p->run, XAI_LAYER_INPUT);
  for (int64_t b = 0; g != NULL && b < count; b++) s->take(s->payload, (const float *)g->data + b * size);
  if (g != NULL) return XAI_OK;
  char target[96];
  xai_target_text(p->probe->net, &p->probe->target, target, sizeof target);
  return xai_fail(err, XAI_EARG, "the input does not feed the target %s", target);
}

static void take_scores(const passes *p, const xai_samples *s, int64_t from, int64_t count) {
  const xai_target *t = &p->target;
  for (int64_t b = 0; b < count; b++)
    s->score(s->payload, from + b,
             p->score == XAI_SCORE_PROB ? xai_target_probability(p->net, p->run, t, b) : xai_target_score(p->run, t, b));
}

/* Samples [from, from + count), as many as the run takes. */
static xai_status pass(const passes *p, const xai_samples *s, int64_t from, int64_t count, xai_err *err) {
  int64_t size = xai_shape_size(&p->sample.shape);
  xai_view in[2];
  int n_in = inputs_of(p, count, in);
  for (int64_t b = 0; b < count; b++) s->make(s->payload, from + b, xai_tensor_floats(p->many) + b * size);
  XAI_TRY(xai_run_forward_all(p->run, in, n_in, err));
  if (p->backward) return take_gradients(p, s, count, err);
  take_scores(p, s, from, count);
  return XAI_OK;
}

/* Of the class scores the target's alone: a network's other classes may be a good part of its work. */
static xai_status leave_out_classes(passes *p, xai_err *err) {
  int64_t classes[XAI_TARGET_TERMS];
  xai_net *picked = NULL;
  p->target = p->probe->target;
  if (p->behind || p->score == XAI_SCORE_PROB || !xai_target_all_classes(&p->target)) return XAI_OK;
  for (int k = 0; k < p->target.n_terms; k++) classes[k] = p->target.terms[k].channel;
  XAI_TRY(xai_net__pick(p->net, &p->sample.shape, XAI_LAYER_LOGITS, classes, p->target.n_terms, &picked, err));
  if (picked == NULL) return XAI_OK;
  for (int k = 0; k < p->target.n_terms; k++) p->target.terms[k].channel = k;
  xai_net_free(p->net);
  p->net = picked;
  return XAI_OK;
}

static xai_status run_all(passes *p, const xai_samples *s, xai_err *err) {
  int64_t batch, opened = 0;
  XAI_TRY(leave_out_classes(p, err));
  XAI_TRY(choose_batch(p, s, &batch, err));
  XAI_TRY(make_room(p, batch, err));
  for (int64_t from = 0; from < s->n; from += batch) {
    int64_t count = min64(batch, s->n - from);
    if (count != opened) XAI_TRY(open_run(p, count, err)); /* the last pass may be smaller */
    opened = count;
    xai_probe_tell(p->probe, from, s->n);
    XAI_TRY(pass(p, s, from, count, err));
  }
  return XAI_OK;
}

xai_status xai_samples__run(const xai_probe *probe, const xai_samples *s, xai_err *err) {
  passes p = {.probe = probe, .net = xai_net_retain(probe->net), .sample = *probe->x, .backward = true};
  xai_status st = run_all(&p, s, err);
  close_passes(&p);
  return st;
}

xai_status xai_samples__score(const xai_probe *probe, int layer, xai_score score, const xai_samples *s, xai_err *err) {
  passes p = {.probe = probe, .sample = *probe->x, .score = score};
  xai_status st;
  if (layer == XAI_LAYER_INPUT) {
    p.net = xai_net_retain(probe->net);
  } else {
    p.sample = *xai_run_value(probe->run, layer);
    p.behind = true;
    XAI_GOTO(xai_net__tail(probe->net, layer, &p.net, err));
  }
  XAI_GOTO(run_all(&p, s, err));
done:
  close_passes(&p);
  return st;
}

xai_status xai_samples__clean(const xai_probe *p, xai_score score, double *out, xai_err *err) {
  *out = p->score;
  if (score == XAI_SCORE_LOGIT) return XAI_OK;
  if (!xai_target_all_classes(&p->target)) return xai_fail(err, XAI_EARG, "score 'prob' needs classes as target");
  *out = xai_target_probability(p->net, p->run, &p->target, 0);
  return XAI_OK;
}
