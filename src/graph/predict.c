/* graph/predict.c: whole forward passes with a tensor or a ranking as the result. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "graph/net.h"

static xai_status forward(xai_net *net, const xai_view *x, int layer, xai_run **run, const xai_view **y, xai_err *err) {
  XAI_TRY(xai_run_open_all(net, x, 1, &(xai_request){.keep = &layer, .n_keep = 1}, run, err));
  XAI_TRY(xai_run_forward(*run, x, err));
  *y = xai_run_value(*run, layer);
  return XAI_OK;
}

/* A batch, 'portion' pictures at a time. */
static xai_status forward_portions(xai_net *net, const xai_view *x, int64_t portion, int layer, xai_tensor **out, xai_err *err) {
  xai_run *run = NULL;
  xai_tensor *all = NULL;
  const xai_view *y;
  xai_status st = XAI_OK;
  int64_t n = x->shape.dims[0];
  size_t picture = xai_view_bytes(x) / (size_t)n;
  for (int64_t from = 0; from < n; from += portion) {
    xai_view some = *x;
    some.shape.dims[0] = portion < n - from ? portion : n - from;
    some.data = (char *)x->data + (size_t)from * picture;
    XAI_GOTO(forward(net, &some, layer, &run, &y, err));
    xai_shape shape = y->shape;
    shape.dims[0] = n;
    if (all == NULL) XAI_GOTO(xai_tensor_new_raw(y->dtype, shape, &all, err));
    size_t each = xai_view_bytes(y) / (size_t)some.shape.dims[0];
    memcpy((char *)xai_tensor_view(all)->data + (size_t)from * each, y->data, xai_view_bytes(y));
    xai_run_close(run);
    run = NULL;
  }
  *out = all;
  all = NULL;
done:
  xai_run_close(run);
  xai_tensor_free(all);
  return st;
}

xai_status xai_net_forward(xai_net *net, const xai_view *x, int layer, xai_tensor **out, xai_err *err) {
  xai_run *run = NULL;
  xai_status st = XAI_OK;
  const xai_view *y;
  xai_view input;
  int64_t portion;
  XAI_TRY(xai_net__one_input(net, &x->shape, &input, err));
  XAI_TRY(xai_net__portion(net, x, layer, &portion, err));
  if (x->shape.rank > 0 && portion < x->shape.dims[0]) return forward_portions(net, x, portion, layer, out, err);
  XAI_GOTO(forward(net, x, layer, &run, &y, err));
  XAI_GOTO(xai_tensor_copy(y, out, err));
done:
  xai_run_close(run);
  return st;
}

xai_status xai_net_eval(xai_net *net, const xai_view *inputs, int n_inputs, xai_tensor **out, xai_err *err) {
  xai_run *run = NULL;
  xai_status st = XAI_OK;
  int n = net->graph->n_outputs, made = 0;
  xai_tensor **copies = xai_calloc((size_t)n, sizeof *copies);
  if (copies == NULL) return xai_fail_memory(err, (size_t)n * sizeof *copies);
  XAI_GOTO(xai_run_open_all(net, inputs, n_inputs, &(xai_request){.keep_outputs = true}, &run, err));
  XAI_GOTO(xai_run_forward_all(run, inputs, n_inputs, err));
  for (; made < n; made++) XAI_GOTO(xai_tensor_copy(xai_run_output(run, made), &copies[made], err));
  memcpy(out, copies, (size_t)n * sizeof *copies);
  made = 0;
done:
  while (made > 0) xai_tensor_free(copies[--made]);
  xai_free(copies);
  xai_run_close(run);
  return st;
}

xai_status xai_net_logits(xai_net *net, const xai_view *x, xai_tensor **out, xai_err *err) {
  xai_tensor *t = NULL;
  XAI_TRY(xai_net_forward(net, x, XAI_LAYER_LOGITS, &t, err));
  const xai_shape *s = &xai_tensor_view(t)->shape;
  int64_t n = s->rank > 0 ? s->dims[0] : 1;
  xai_status st = xai_tensor_reshape(t, XAI_SHAPE(n, n > 0 ? xai_shape_size(s) / n : 0), out, err);
  xai_tensor_free(t);
  return st;
}

xai_odds xai_net_odds(const xai_net *net, const float *logits, int64_t classes) {
  xai_odds odds = {.multilabel = net->graph->multilabel, .top = classes > 0 ? logits[0] : 0};
  for (int64_t c = 1; c < classes; c++) odds.top = logits[c] > odds.top ? logits[c] : odds.top;
  for (int64_t c = 0; c < classes; c++) odds.sum += exp(logits[c] - odds.top);
  return odds;
}

double xai_odds_probability(const xai_odds *odds, double score) {
  return odds->multilabel ? 1 / (1 + exp(-score)) : exp(score - odds->top) / odds->sum;
}

void xai_net_rank(const xai_net *net, const xai_view *logits, int *k, xai_prediction *out) {
  const float *z = logits->data;
  int n = (int)xai_shape_span(&logits->shape, 1, logits->shape.rank);
  if (*k > n) *k = n;
  int found = 0;
  for (int c = 0; c < n; c++) { /* insertion keeps the best k; equal logits stay in order of id */
    int at = found < *k ? found++ : *k;
    while (at > 0 && z[c] > out[at - 1].logit) at--;
    for (int j = found - 1; j > at; j--) out[j] = out[j - 1];
    if (at < *k) out[at] = (xai_prediction){.id = c, .logit = z[c]};
  }
  xai_odds odds = xai_net_odds(net, z, n);
  for (int j = 0; j < *k; j++) out[j].p = (float)xai_odds_probability(&odds, out[j].logit);
}

xai_status xai_net_predict(xai_net *net, const xai_view *x, int *k, xai_prediction *out, xai_err *err) {
  xai_tensor *logits = NULL;
  XAI_TRY(xai_net_logits(net, x, &logits, err));
  xai_status st = xai_net__check_floats(net, XAI_LAYER_LOGITS, xai_tensor_view(logits), err);
  if (st == XAI_OK) xai_net_rank(net, xai_tensor_view(logits), k, out);
  xai_tensor_free(logits);
  return st;
}
