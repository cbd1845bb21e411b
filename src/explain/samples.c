/* explain/samples.c: see samples.h. */
#include "explain/samples.h"

#include "base/status.h"
#include "tensor/tensor.h"

/* Of a batch that is chosen. Its pictures share the reading of the weights, but its activations have to fit into the caches,
 * or reading these again costs as much: as many pictures as have no more of them than there are weights, or cache. */
enum { MOST_PICTURES = 16, CACHE_BYTES = 24 << 20 };

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

static xai_status open_run(const xai_probe *p, int64_t batch, xai_run **run, xai_err *err) {
  int seeds[XAI_TARGET_TERMS], input = XAI_LAYER_INPUT;
  int n = xai_target_layers(p->net, &p->target, seeds);
  xai_shape shape = p->x->shape;
  shape.dims[0] = batch;
  xai_request request = {.keep = seeds, .n_keep = n, .seeds = seeds, .n_seeds = n, .wants = &input, .n_wants = 1};
  return xai_run_open(p->net, &shape, &request, run, err);
}

static xai_status choose_batch(const xai_probe *p, const xai_samples *s, int64_t *batch, xai_err *err) {
  xai_run *run = NULL;
  *batch = min64(s->batch, s->n);
  if (s->batch > 0) return XAI_OK;
  XAI_TRY(open_run(p, 1, &run, err));
  int64_t weights = xai_net_param_count(p->net) * (int64_t)sizeof(float);
  int64_t fit = (weights > CACHE_BYTES ? weights : CACHE_BYTES) / (int64_t)(xai_run_bytes(run) + 1);
  xai_run_close(run);
  *batch = min64(s->n, fit < 1 ? 1 : min64(fit, MOST_PICTURES));
  return XAI_OK;
}

/* Samples [from, from + count), as many as the run takes. */
static xai_status pass(const xai_probe *p, const xai_samples *s, xai_run *run, xai_tensor *many, int64_t from,
                       int64_t count, xai_err *err) {
  int64_t size = xai_shape_size(&p->x->shape);
  xai_view v = *xai_tensor_view(many);
  v.shape.dims[0] = count;
  for (int64_t b = 0; b < count; b++) s->make(s->payload, from + b, xai_tensor_floats(many) + b * size);
  XAI_TRY(xai_run_forward(run, &v, err));
  xai_target_seed(run, &p->target);
  XAI_TRY(xai_run_backward(run, err));
  const xai_view *g = xai_run_grad(run, XAI_LAYER_INPUT);
  for (int64_t b = 0; g != NULL && b < count; b++) s->take(s->payload, (const float *)g->data + b * size);
  if (g != NULL) return XAI_OK;
  char target[96];
  xai_target_text(p->net, &p->target, target, sizeof target);
  return xai_fail(err, XAI_EARG, "the input does not feed the target %s", target);
}

xai_status xai_samples__run(const xai_probe *p, const xai_samples *s, xai_err *err) {
  xai_tensor *many = NULL;
  xai_run *run = NULL;
  xai_status st;
  int64_t batch, opened = 0;
  XAI_GOTO(choose_batch(p, s, &batch, err));
  xai_shape shape = p->x->shape;
  shape.dims[0] = batch;
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, shape, &many, err));
  for (int64_t from = 0; from < s->n; from += batch) {
    int64_t count = min64(batch, s->n - from);
    if (count != opened) { /* the last pass may be smaller */
      xai_run_close(run);
      run = NULL;
      XAI_GOTO(open_run(p, count, &run, err));
      opened = count;
    }
    XAI_GOTO(pass(p, s, run, many, from, count, err));
  }
done:
  xai_run_close(run);
  xai_tensor_free(many);
  return st;
}
