/* explain/probe.c: see probe.h. */
#include "explain/probe.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/str.h"
#include "graph/net.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

static xai_status check_input(const xai_view *x, xai_err *err) {
  if (x->dtype == XAI_F32 && x->shape.rank == 4 && x->shape.dims[0] == 1) return XAI_OK;
  char text[XAI_SHAPE_TEXT];
  return xai_fail(err, XAI_ESHAPE, "expected one prepared picture, float32 1xCxHxW, got %s %s", xai_dtype_name(x->dtype),
                  xai_shape_text(&x->shape, text));
}

/* A pass of one's own. */
static xai_status open_run(xai_probe *p, const int *keep, int n_keep, const int *wants, int n_wants, xai_err *err) {
  int seeds[XAI_TARGET_TERMS], kept[XAI_TARGET_TERMS + 16];
  int n_seeds = xai_target_layers(p->net, &p->target, seeds), n = 0;
  XAI_ASSERT(n_keep < 15, err);
  for (int i = 0; i < n_keep; i++) kept[n++] = keep[i];
  for (int i = 0; i < n_seeds; i++) kept[n++] = seeds[i];
  kept[n++] = XAI_LAYER_LOGITS;
  xai_request request = {.keep = kept, .n_keep = n, .seeds = seeds, .n_seeds = n_wants > 0 ? n_seeds : 0,
                         .wants = wants, .n_wants = n_wants};
  XAI_TRY(xai_run_open(p->net, &p->x->shape, &request, &p->run, err));
  return xai_run_forward(p->run, p->x, err);
}

/* The caller's pass, with another way back. */
static xai_status borrow_run(xai_probe *p, xai_run *run, const int *wants, int n_wants, xai_err *err) {
  int seeds[XAI_TARGET_TERMS];
  p->run = run;
  p->borrowed = true;
  if (n_wants == 0) return XAI_OK;
  return xai_run_plan_backward(run, seeds, xai_target_layers(p->net, &p->target, seeds), wants, n_wants, err);
}

xai_status xai_probe_run(xai_net *net, const xai_view *x, const xai_explain_opts *opts, const int *keep, int n_keep,
                         const int *wants, int n_wants, xai_relu rule, xai_probe *p, xai_err *err) {
  *p = (xai_probe){.net = net, .x = x, .opts = opts, .target = opts->target, .started = xai_clock()};
  XAI_TRY(check_input(x, err));
  if (opts->run != NULL) XAI_TRY(borrow_run(p, opts->run, wants, n_wants, err));
  else XAI_TRY(open_run(p, keep, n_keep, wants, n_wants, err));
  XAI_TRY(xai_target_resolve(p->run, net, &p->target, err));
  p->score = xai_target_score(p->run, &p->target, 0);
  if (n_wants == 0) return XAI_OK;
  xai_run_set_relu(p->run, rule != XAI_RELU_PLAIN ? rule : net->relu);
  xai_target_seed(p->run, &p->target);
  return xai_run_backward(p->run, err);
}

xai_status xai_probe_keep(xai_net *net, const xai_view *x, const xai_explain_opts *opts, xai_probe *p, xai_err *err) {
  xai_request everything = {.keep_all = true};
  *p = (xai_probe){.net = net, .x = x, .opts = opts, .target = opts->target, .run = opts->run, .borrowed = opts->run != NULL,
                   .started = xai_clock()};
  XAI_TRY(check_input(x, err));
  if (!p->borrowed) {
    XAI_TRY(xai_run_open(net, &x->shape, &everything, &p->run, err));
    XAI_TRY(xai_run_forward(p->run, x, err));
  }
  XAI_TRY(xai_target_resolve(p->run, net, &p->target, err));
  p->score = xai_target_score(p->run, &p->target, 0);
  return XAI_OK;
}

void xai_probe_close(xai_probe *p) {
  if (!p->borrowed) xai_run_close(p->run);
  p->run = NULL;
}

xai_status xai_probe_score_at(const xai_probe *p, const xai_view *x, xai_score score, double *out, xai_err *err) {
  int layers[XAI_TARGET_TERMS + 1];
  int n = xai_target_layers(p->net, &p->target, layers);
  layers[n++] = XAI_LAYER_LOGITS;
  xai_request request = {.keep = layers, .n_keep = n};
  xai_run *run = NULL;
  XAI_TRY(xai_run_open(p->net, &x->shape, &request, &run, err));
  xai_status st = xai_run_forward(run, x, err);
  if (st == XAI_OK)
    *out = score == XAI_SCORE_PROB ? xai_target_probability(p->net, run, &p->target, 0) : xai_target_score(run, &p->target, 0);
  xai_run_close(run);
  return st;
}

xai_status xai_probe_grad(const xai_probe *p, int layer, const xai_view **out, xai_err *err) {
  *out = xai_run_grad(p->run, layer);
  if (*out != NULL) return XAI_OK;
  char target[96];
  xai_target_text(p->net, &p->target, target, sizeof target);
  return xai_fail(err, XAI_EARG, "layer '%s' does not feed the target %s", xai_net_layer(p->net, layer).name, target);
}

xai_status xai_probe_explain(const xai_probe *p, const char *method, int layer, xai_explanation **out, xai_err *err) {
  xai_explanation *e = xai_calloc(1, sizeof *e);
  if (e == NULL) return xai_fail_memory(err, sizeof *e);
  e->method = method;
  e->class_id = -1;
  e->probability = -1;
  xai_target_text(p->net, &p->target, e->target, sizeof e->target);
  snprintf(e->label, sizeof e->label, "%s", e->target);
  const xai_target_term *term = &p->target.terms[0];
  if (p->target.n_terms == 1 && p->target.seed == NULL && term->layer == XAI_LAYER_LOGITS && term->weight == 1) {
    e->class_id = (int)term->channel;
    const char *label = xai_net_label(p->net, e->class_id);
    if (label != NULL) snprintf(e->label, sizeof e->label, "%s", label);
    else snprintf(e->label, sizeof e->label, "class %d", e->class_id);
    if (xai_run_value(p->run, XAI_LAYER_LOGITS) != NULL)
      e->probability = (float)xai_target_probability(p->net, p->run, &p->target, 0);
  }
  if (layer != XAI_LAYER_NONE) snprintf(e->layer, sizeof e->layer, "%s", xai_net_layer(p->net, layer).name);
  e->height = (int)p->x->shape.dims[2];
  e->width = (int)p->x->shape.dims[3];
  e->unit = "";
  e->seconds = xai_clock() - p->started;
  *out = e;
  return XAI_OK;
}

static bool has_extent(const xai_shape *s) { return s->rank == 4 && (s->dims[2] > 1 || s->dims[3] > 1); }

xai_status xai_probe_layer(const xai_net *net, const xai_view *x, const xai_explain_opts *opts, int *layer, xai_err *err) {
  XAI_TRY(check_input(x, err));
  if (opts->layer == XAI_LAYER_NONE) return xai_net_default_layer(net, &x->shape, layer, err);
  xai_shape shape;
  *layer = xai_net_resolve(net, opts->layer);
  XAI_TRY(xai_net_layer_shape(net, *layer, &x->shape, &shape, err));
  if (has_extent(&shape)) return XAI_OK;
  char text[XAI_SHAPE_TEXT], list[300] = "";
  size_t used = 0;
  int found = 0;
  for (int n = *layer; n-- > 0 && found < 3;) {
    xai_shape s;
    if (xai_net_layer_shape(net, n, &x->shape, &s, NULL) != XAI_OK || !has_extent(&s)) continue;
    xai_str_append(list, sizeof list, &used, "%s'%s'", found++ == 0 ? "" : ", ", xai_net_layer(net, n).name);
  }
  return xai_fail(err, XAI_ESHAPE, "layer '%s' has no height or width (%s); layers before it that have: %s",
                  xai_net_layer(net, *layer).name, xai_shape_text(&shape, text), list);
}

/* ---- explanations ------------------------------------------------------------------------------------------ */
void xai_explanation_free(xai_explanation *e) {
  if (e == NULL) return;
  xai_tensor_free(e->values);
  for (int i = 0; i < e->n_extras; i++) xai_tensor_free(e->extras[i].tensor);
  xai_free(e);
}

xai_status xai_explanation_extra(xai_explanation *e, const char *name, xai_tensor **t, xai_err *err) {
  xai_tensor *taken = *t;
  *t = NULL;
  if (e->n_extras == XAI_EXTRAS) {
    xai_tensor_free(taken);
    return xai_fail(err, XAI_EARG, "internal: more than %d extra results", XAI_EXTRAS);
  }
  snprintf(e->extras[e->n_extras].name, sizeof e->extras[0].name, "%s", name);
  e->extras[e->n_extras++].tensor = taken;
  return XAI_OK;
}

xai_status xai_explanation_curve(xai_explanation *e, const char *name, const xai_tensor *all, int64_t n, xai_err *err) {
  xai_tensor *t = NULL;
  XAI_TRY(xai_tensor_copy(&(xai_view){XAI_F32, XAI_SHAPE(n), xai_tensor_view(all)->data}, &t, err));
  return xai_explanation_extra(e, name, &t, err);
}

xai_status xai_explanation_number(xai_explanation *e, const char *name, double number, xai_err *err) {
  XAI_ASSERT(e->n_numbers < XAI_EXTRAS, err);
  e->numbers[e->n_numbers++] = (xai_named_number){name, number};
  return XAI_OK;
}

/* C x H x W to H x W by the method's rule. */
static void reduce_channels(xai_reduce how, int64_t c, int64_t plane, const float *v, float *out) {
  for (int64_t i = 0; i < plane; i++) {
    double sum = 0, largest = 0;
    for (int64_t k = 0; k < c; k++) {
      double value = v[k * plane + i], size = value < 0 ? -value : value;
      sum += value;
      if (size > largest) largest = size;
    }
    out[i] = (float)(how == XAI_REDUCE_SUM ? sum : largest);
  }
}

xai_status xai_explanation_map(const xai_explanation *e, xai_tensor **out, xai_err *err) {
  const xai_view *v = xai_tensor_view(e->values);
  xai_tensor *flat = NULL, *map = NULL;
  xai_status st = XAI_OK;
  int64_t h = v->shape.dims[v->shape.rank - 2], w = v->shape.dims[v->shape.rank - 1];
  const float *from = v->data;
  if (v->shape.rank == 3) {
    XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(h, w), &flat, err));
    reduce_channels(e->reduce, v->shape.dims[0], h * w, from, xai_tensor_floats(flat));
    from = xai_tensor_floats(flat);
  }
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(e->height, e->width), &map, err));
  xk_bilinear(1, h, w, from, e->height, e->width, xai_tensor_floats(map));
  *out = map;
done:
  xai_tensor_free(flat);
  return st;
}
