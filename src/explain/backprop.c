/* explain/backprop.c: see backprop.h. */
#include "explain/backprop.h"

#include "base/clock.h"
#include "base/status.h"
#include "tensor/tensor.h"

/* 1 x C x H x W without its first dim. */
static xai_status without_batch(const xai_view *v, xai_tensor **out, xai_err *err) {
  xai_view one = {v->dtype, xai_shape_of(v->shape.rank - 1, v->shape.dims + 1), v->data};
  return xai_tensor_copy(&one, out, err);
}

xai_status xai_backprop__explain(const char *method, xai_net *net, const xai_view *x, const xai_explain_opts *opts,
                                 xai_relu rule, xai_explanation **out, xai_err *err) {
  int input = XAI_LAYER_INPUT;
  xai_probe p;
  xai_explanation *e = NULL;
  const xai_view *g;
  xai_status st;
  XAI_GOTO(xai_probe_run(net, x, opts, NULL, 0, &input, 1, rule, &p, err));
  XAI_GOTO(xai_probe_grad(&p, input, &g, err));
  XAI_GOTO(xai_probe_explain(&p, method, XAI_LAYER_NONE, &e, err));
  XAI_GOTO(without_batch(g, &e->values, err));
  e->reduce = XAI_REDUCE_MAX_ABS;
  e->unit = "score per unit of input";
  e->seconds = xai_clock() - p.started;
  *out = e;
  e = NULL;
done:
  xai_explanation_free(e);
  xai_probe_close(&p);
  return st;
}
