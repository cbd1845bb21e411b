/* explain/channels.c: see channels.h. */
#include "explain/channels.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

xai_status xai_channels_open(xai_net *net, const xai_view *x, const xai_explain_opts *opts, bool gradients, xai_channels *c,
                             xai_err *err) {
  XAI_TRY(xai_probe_layer(net, x, opts, &c->layer, err));
  XAI_TRY(xai_probe_run(net, x, opts, &c->layer, 1, &c->layer, gradients ? 1 : 0, XAI_RELU_PLAIN, &c->probe, err));
  const xai_view *a = xai_run_value(c->probe.run, c->layer), *g = NULL;
  if (gradients) XAI_TRY(xai_probe_grad(&c->probe, c->layer, &g, err));
  c->n = a->shape.dims[1];
  c->h = a->shape.dims[2];
  c->w = a->shape.dims[3];
  c->plane = c->h * c->w;
  c->a = a->data;
  c->g = g != NULL ? g->data : NULL;
  return XAI_OK;
}

void xai_channels_close(xai_channels *c) { xai_probe_close(&c->probe); }

void xai_channels_weigh(int64_t channels, int64_t plane, const float *w, const float *a, float *map) {
  for (int64_t i = 0; i < plane; i++) {
    double sum = 0;
    for (int64_t k = 0; k < channels; k++) sum += (double)w[k] * a[k * plane + i];
    map[i] = (float)sum;
  }
}

xai_status xai_channels_explain(const xai_channels *c, const char *method, const char *unit, bool relu, xai_tensor **raw,
                                xai_tensor **weights, xai_explanation **out, xai_err *err) {
  xai_explanation *e = NULL;
  xai_status st;
  XAI_GOTO(xai_probe_explain(&c->probe, method, c->layer, &e, err));
  XAI_GOTO(xai_tensor_copy(xai_tensor_view(*raw), &e->values, err));
  if (relu) xk_relu_forward((int64_t)xai_tensor_count(*raw), xai_tensor_floats(*raw), xai_tensor_floats(e->values));
  if (relu && xk_sum_square((int64_t)xai_tensor_count(e->values), xai_tensor_floats(e->values)) == 0)
    snprintf(e->remark, sizeof e->remark, "the map is zero: no weighted sum at layer '%.80s' is positive; another may tell more",
             e->layer);
  e->is_signed = !relu;
  e->unit = unit;
  XAI_GOTO(xai_explanation_extra(e, "raw", raw, err));
  if (*weights != NULL) XAI_GOTO(xai_explanation_extra(e, "weights", weights, err));
  e->seconds = xai_clock() - c->probe.started;
  *out = e;
  e = NULL;
done:
  xai_tensor_free(*raw);
  xai_tensor_free(*weights);
  *raw = *weights = NULL;
  xai_explanation_free(e);
  return st;
}
