/* DeepLIFT with the rescale rule: how much each input, being what it is and not what it is in a baseline x', adds to the
 * score.
 *
 *   R_i = m_i (x_i - x'_i),    sum of R = S(x) - S(x')
 *   m = multipliers: as gradients, by the chain rule, but with (f(z) - f(z')) / (z - z') in place of f'(z)
 *
 * Shrikumar, Greenside, Kundaje 2017, "Learning important features through propagating activation differences", rules
 * linear and rescale, eq. 3 and section 3.5.2. Where z and z' differ by rounding only the derivative stands in. The
 * difference of a maximum is the winner's in the picture if it rose, the winner's in the baseline if it fell; that of a product
 * a b is (b + b')/2 (a - a') + (a + a')/2 (b - b'); powers, quotients and LRN are made of these. Operators whose difference is not shared out by
 * one of these are refused: the sum would not be the score's difference. RevealCancel is not here.
 * Values: C x H x W, or the layer's, signed, in score points. extras: 'baseline'. numbers: 'difference' S(x) - S(x'), 'delta',
 * by how much the sum misses it: rounding at the input, and at a layer what goes past it. Cost: two forward passes and about
 * one backward pass. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/status.h"
#include "explain/baseline.h"
#include "explain/walk.h"
#include "tensor/tensor.h"

typedef struct lift {
  xai_run *baseline; /* the pass of x', everything kept */
} lift;

/* What input i of the node, and its result, were in the baseline. */
static const float *input_before(const lift *l, const xai_walk *w, int i) {
  return l->baseline->values[xai_walk_node(w)->in[i]].seen.data;
}
static const float *output_before(const lift *l, const xai_walk *w) {
  return l->baseline->values[xai_walk_node(w)->out[0]].own.data;
}

static xai_status refuse(const xai_walk *w, const char *why, xai_err *err) {
  return xai_fail(err, XAI_EUNSUPPORTED, "no rule for %s: %s", xai_op_get(xai_walk_node(w)->op)->name, why);
}

/* A difference that is rounding, compared with the numbers of which it is one. */
static bool is_nothing(float a, float b) { return fabsf(a - b) <= 1e-6f * (fabsf(a) + fabsf(b)); }

/* y_i = f(x_i):  m (y - y') / (x - x') */
static xai_status rescale(const lift *l, xai_walk *w, xai_err *err) {
  int only = xai_walk_only(w, w->node);
  if (only < 0) return refuse(w, "more than one of its inputs depends on the picture", err);
  if (xai_walk_size(&w->din[only]) != xai_walk_size(&w->dout[0])) return refuse(w, "it repeats its input", err);
  XAI_TRY(xai_walk_adjoint(w, err));
  const float *m = w->dout[0].data, *x = w->in[only].data, *x0 = input_before(l, w, only);
  const float *y = w->out[0].data, *y0 = output_before(l, w);
  float *out = w->din[only].data;
  for (int64_t i = 0; i < xai_walk_size(&w->din[only]); i++)
    if (!is_nothing(x[i], x0[i])) out[i] = (float)(m[i] * ((double)y[i] - y0[i]) / ((double)x[i] - x0[i]));
  return XAI_OK;
}

/* What the winners among 'x' get of shares: the row's gradient with these in place of signal and input. */
static void award(xai_walk *w, const float *x, float *share, float *to) {
  xai_view in = w->in[0], signal = w->dout[0], out = w->din[0];
  w->in[0].data = (void *)(uintptr_t)x;
  w->dout[0].data = share;
  w->din[0].data = to;
  xai_op_get(xai_walk_node(w)->op)->backward(&w->call);
  w->in[0] = in;
  w->dout[0] = signal;
  w->din[0] = out;
}

/* y = max over a window. With y > y' the winner of x rose by at least as much, with y < y' that of x' fell by it: the
 * multiplier is between 0 and 1. */
static xai_status largest(const lift *l, xai_walk *w, xai_err *err) {
  XAI_TRY(xai_walk_adjoint(w, err)); /* where nothing changed */
  int64_t n = xai_walk_size(&w->in[0]), outputs = xai_walk_size(&w->dout[0]);
  const float *m = w->dout[0].data, *x = w->in[0].data, *x0 = input_before(l, w, 0);
  const float *y = w->out[0].data, *y0 = output_before(l, w);
  size_t bytes = (size_t)(2 * outputs + 2 * n) * sizeof(float);
  float *rise = xai_alloc(bytes), *out = w->din[0].data;
  if (rise == NULL) return xai_fail_memory(err, bytes);
  float *fall = rise + outputs, *risen = fall + outputs, *fallen = risen + n;
  for (int64_t i = 0; i < outputs; i++) {
    rise[i] = y[i] > y0[i] ? m[i] * (y[i] - y0[i]) : 0;
    fall[i] = y[i] < y0[i] ? m[i] * (y[i] - y0[i]) : 0;
  }
  award(w, x, rise, risen);
  award(w, x0, fall, fallen);
  for (int64_t i = 0; i < n; i++)
    if (x[i] != x0[i]) out[i] = (float)(((double)risen[i] + fallen[i]) / ((double)x[i] - x0[i]));
  xai_free(rise);
  return XAI_OK;
}

/* A product of two factors: the gradient at the middle of each. */
static xai_status product(const lift *l, xai_walk *w, xai_err *err) {
  xai_view in[2] = {w->in[0], w->in[1]};
  xai_status st = XAI_OK;
  for (int i = 0; i < 2; i++) w->in[i].data = NULL;
  for (int i = 0; i < 2; i++) {
    const float *a = in[i].data, *a0 = input_before(l, w, i);
    float *middle = xai_alloc(xai_view_bytes(&in[i]));
    if (middle == NULL) XAI_GOTO(xai_fail_memory(err, xai_view_bytes(&in[i])));
    w->in[i].data = middle;
    for (int64_t k = 0; k < xai_walk_size(&in[i]); k++) middle[k] = a[k] + 0.5f * (a0[k] - a[k]);
  }
  XAI_GOTO(xai_walk_adjoint(w, err));
done:
  for (int i = 0; i < 2; i++) {
    xai_free(w->in[i].data);
    w->in[i] = in[i];
  }
  return st;
}

static int64_t first_of(const xai_attrs_lrn *a, int64_t c) { return c > (a->size - 1) / 2 ? c - (a->size - 1) / 2 : 0; }
static int64_t last_of(const xai_attrs_lrn *a, int64_t c, int64_t channels) {
  return c + a->size / 2 < channels ? c + a->size / 2 : channels - 1;
}

/* y_c = x_c d(u_c),  d(u) = u^-beta,  u_c = bias + alpha/size * sum over the window of x_j^2: a product, a function of one
 * number, and squares, which are products. One pixel; 'u' has room for 3 numbers per channel. */
static void normalize_pixel(const xai_attrs_lrn *a, int64_t channels, int64_t plane, const float *m, const float *x,
                            const float *x0, double *u, float *out) {
  double *u0 = u + channels, *sum = u0 + channels, share = a->alpha / (double)a->size;
  for (int64_t c = 0; c < channels; c++) u[c] = u0[c] = a->bias;
  for (int64_t c = 0; c < channels; c++) {
    int64_t first = first_of(a, c), last = last_of(a, c, channels);
    for (int64_t j = first; j <= last; j++) {
      u[c] += share * x[j * plane] * x[j * plane];
      u0[c] += share * x0[j * plane] * x0[j * plane];
    }
    sum[c] = 0;
  }
  for (int64_t c = 0; c < channels; c++) {
    int64_t first = first_of(a, c), last = last_of(a, c, channels);
    double d = pow(u[c], -a->beta), d0 = pow(u0[c], -a->beta), change = u[c] - u0[c];
    double slope = fabs(change) > 1e-9 * (fabs(u[c]) + fabs(u0[c])) ? (d - d0) / change : -a->beta * d / u[c];
    double to_u = m[c * plane] * 0.5 * ((double)x[c * plane] + x0[c * plane]) * slope;
    sum[c] += m[c * plane] * 0.5 * (d + d0);
    for (int64_t j = first; j <= last; j++) sum[j] += to_u * share * ((double)x[j * plane] + x0[j * plane]);
  }
  for (int64_t c = 0; c < channels; c++) out[c * plane] = (float)sum[c];
}

static xai_status normalize(const lift *l, xai_walk *w, xai_err *err) {
  const xai_shape *s = &w->in[0].shape;
  int64_t channels = s->dims[1], plane = xai_shape_span(s, 2, s->rank);
  XAI_TRY(xai_walk_make(w, 0, err));
  double *room = xai_alloc(3 * (size_t)channels * sizeof *room);
  if (room == NULL) return xai_fail_memory(err, 3 * (size_t)channels * sizeof *room);
  const float *m = w->dout[0].data, *x = w->in[0].data, *x0 = input_before(l, w, 0);
  for (int64_t i = 0; i < plane; i++)
    normalize_pixel(&w->call.attrs->lrn, channels, plane, m + i, x + i, x0 + i, room, (float *)w->din[0].data + i);
  xai_free(room);
  return XAI_OK;
}

/* An operator that is linear in all inputs that carry: its gradient is the multiplier. */
static xai_status visit(void *payload, xai_walk *w, xai_err *err) {
  const lift *l = payload;
  const xai_node *node = xai_walk_node(w);
  int only = xai_walk_only(w, w->node);
  switch (node->op) {
    case XAI_OP_ADD: case XAI_OP_SUB: case XAI_OP_SUM: case XAI_OP_MEAN: case XAI_OP_NEG: case XAI_OP_CONCAT:
    case XAI_OP_AVERAGE_POOL: case XAI_OP_GLOBAL_AVERAGE_POOL: case XAI_OP_REDUCE_MEAN: case XAI_OP_REDUCE_SUM:
    case XAI_OP_DROPOUT: case XAI_OP_IDENTITY: case XAI_OP_RESHAPE: case XAI_OP_FLATTEN: case XAI_OP_SQUEEZE:
    case XAI_OP_UNSQUEEZE: case XAI_OP_TRANSPOSE: case XAI_OP_SLICE: case XAI_OP_SPLIT: case XAI_OP_GATHER:
    case XAI_OP_PAD: case XAI_OP_EXPAND: case XAI_OP_TILE: case XAI_OP_RESIZE: case XAI_OP_DEPTH_TO_SPACE:
    case XAI_OP_SPACE_TO_DEPTH: return xai_walk_adjoint(w, err);
    case XAI_OP_CONV: case XAI_OP_CONV_TRANSPOSE: case XAI_OP_GEMM: case XAI_OP_BATCH_NORM:
      return only >= 0 ? xai_walk_adjoint(w, err) : refuse(w, "its weights depend on the picture", err);
    case XAI_OP_MUL: case XAI_OP_MATMUL: return only >= 0 ? xai_walk_adjoint(w, err) : product(l, w, err);
    case XAI_OP_DIV: return only == 0 ? xai_walk_adjoint(w, err) : rescale(l, w, err);
    case XAI_OP_MAX_POOL: case XAI_OP_GLOBAL_MAX_POOL: return largest(l, w, err);
    case XAI_OP_LRN: return normalize(l, w, err);
    case XAI_OP_PRELU: case XAI_OP_POW: return rescale(l, w, err);
    case XAI_OP_SOFTMAX: case XAI_OP_LOG_SOFTMAX: return refuse(w, "explain the scores before it, not the probabilities", err);
    default: break;
  }
  if ((xai_op_get(node->op)->flags & XAI_OP_ELEMENTWISE) != 0) return rescale(l, w, err);
  return refuse(w, "it is neither linear nor a function of single numbers; integrated_gradients takes any network", err);
}

static xai_status run_baseline(const xai_probe *p, const xai_tensor *baseline, lift *l, xai_err *err) {
  xai_request everything = {.keep_all = true};
  XAI_TRY(xai_run_open(p->net, &p->x->shape, &everything, &l->baseline, err));
  return xai_run_forward(l->baseline, &(xai_view){XAI_F32, p->x->shape, xai_tensor_floats((xai_tensor *)(uintptr_t)baseline)}, err);
}

static xai_status results(const lift *l, const xai_probe *p, int layer, const float *m, bool multiply, xai_explanation *e,
                          xai_err *err) {
  const xai_view *a = xai_run_value(p->run, layer);
  const float *x = a->data, *x0 = xai_run_value(l->baseline, layer)->data;
  double sum = 0, difference = p->score - xai_target_score(l->baseline, &p->target, 0);
  XAI_TRY(xai_tensor_new_raw(XAI_F32, xai_walk_shape(a), &e->values, err));
  float *values = xai_tensor_floats(e->values);
  for (size_t i = 0; i < xai_tensor_count(e->values); i++) {
    double value = multiply ? m[i] * ((double)x[i] - x0[i]) : m[i];
    values[i] = (float)value;
    sum += value;
  }
  bool has_channels = xai_tensor_view(e->values)->shape.rank == 3;
  e->is_signed = multiply;
  e->reduce = !has_channels ? XAI_REDUCE_NONE : multiply ? XAI_REDUCE_SUM : XAI_REDUCE_MAX_ABS;
  e->unit = multiply ? "score points" : "score per unit of input";
  XAI_TRY(xai_explanation_number(e, "difference", difference, err));
  return multiply ? xai_explanation_number(e, "delta", sum - difference, err) : XAI_OK;
}

xai_status xai_deeplift(xai_net *net, const xai_view *x, const xai_deeplift_opts *opts, xai_explanation **out, xai_err *err) {
  xai_probe p = {0};
  xai_walk w = {0};
  lift l = {0};
  xai_explanation *e = NULL;
  xai_tensor *baseline = NULL;
  xai_baseline_source from = {opts->baseline, opts->own, opts->blur};
  const float *m;
  int layer = opts->common.layer == XAI_LAYER_NONE ? XAI_LAYER_INPUT : xai_net_resolve(net, opts->common.layer);
  xai_status st;
  XAI_GOTO(xai_probe_keep(net, x, &opts->common, &p, err));
  XAI_GOTO(xai_probe_explain(&p, "deeplift", layer == XAI_LAYER_INPUT ? XAI_LAYER_NONE : layer, &e, err));
  XAI_GOTO(xai_baseline__make(net, x, &from, &baseline, err));
  XAI_GOTO(run_baseline(&p, baseline, &l, err));
  XAI_GOTO(xai_walk_open(&p, &w, err));
  XAI_GOTO(xai_walk_back(&w, &p, layer, visit, &l, &m, err));
  XAI_GOTO(results(&l, &p, layer, m, opts->multiply, e, err));
  XAI_GOTO(xai_explanation_extra(e, "baseline", &baseline, err));
  e->seconds = xai_clock() - p.started;
  *out = e;
  e = NULL;
done:
  xai_walk_close(&w);
  xai_run_close(l.baseline);
  xai_tensor_free(baseline);
  xai_explanation_free(e);
  xai_probe_close(&p);
  return st;
}

static const xai_opt_spec options[] = {
    {.name = "baseline", .kind = XAI_OPT_CHOICE, .offset = offsetof(xai_deeplift_opts, baseline), .choices = xai_baseline__names,
     .tensor = offsetof(xai_deeplift_opts, own), .help = "what the picture is compared with: " XAI_BASELINE_HELP},
    {.name = "blur", .kind = XAI_OPT_NUMBER, .offset = offsetof(xai_deeplift_opts, blur), .lo = 0, .hi = 1000,
     .help = "deviation of the blur in pixels; 0: a twentieth of the picture's shorter side"},
    {.name = "multiply", .kind = XAI_OPT_BOOL, .offset = offsetof(xai_deeplift_opts, multiply), .fallback = 1,
     .help = "times picture minus baseline; else the multipliers alone"},
    {.name = NULL},
};

XAI_METHOD_RUN(deeplift)
const xai_method xai_method_deeplift = {
    .name = "deeplift",
    .summary = "each pixel's share in the score's difference from a baseline, by finite differences in place of derivatives",
    .paper = "Shrikumar, Greenside, Kundaje 2017",
    .uses_layer = true,
    .uses_at = true,
    .opts_size = sizeof(xai_deeplift_opts),
    .opts = options,
    .run = run,
};
