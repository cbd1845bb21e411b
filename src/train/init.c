/* train/init.c: how weights begin. Each array is a function of the seed and its own name. */
#include <math.h>

#include "base/rng.h"
#include "base/str.h"
#include "train/trainer.h"

/* Numbers that go into one sum, and sums that one number goes into. */
typedef struct fans {
  double in, out;
} fans;

static fans fans_of(const xai_node *node, int input, const xai_shape *w) {
  double first = (double)w->dims[0], second = w->rank > 1 ? (double)w->dims[1] : 1;
  double taps = w->rank > 2 ? (double)xai_shape_span(w, 2, w->rank) : 1;
  switch (node->op) {
    case XAI_OP_CONV: return (fans){second * taps, first / (double)node->attrs.conv.group * taps};
    case XAI_OP_CONV_TRANSPOSE: return (fans){first / (double)node->attrs.conv.group * taps, second * taps};
    case XAI_OP_GEMM:
      if ((input == 1) == (node->attrs.gemm.trans_b != 0)) return (fans){second, first};
      return (fans){first, second};
    default: return (fans){first, second};
  }
}

static void fill(uint64_t base, bool uniform, double deviation, int64_t n, float *w) {
  for (int64_t i = 0; i < n; i++) {
    double drawn = uniform ? sqrt(3.0) * (2 * xai_rng_uniform(base, (uint64_t)i) - 1) : xai_rng_normal(base, (uint64_t)i);
    w[i] = (float)(deviation * drawn);
  }
}

static void set(xai_tensor *t, float number) {
  float *x = xai_tensor_floats(t);
  for (size_t i = 0; i < xai_tensor_count(t); i++) x[i] = number;
}

static bool normalizes(xai_op op) {
  return op == XAI_OP_BATCH_NORM_TRAINING || op == XAI_OP_BATCH_NORM || op == XAI_OP_LAYER_NORMALIZATION ||
         op == XAI_OP_INSTANCE_NORMALIZATION || op == XAI_OP_GROUP_NORMALIZATION;
}

static void begin(const xai_trainer *t, const train_param *p, xai_init init) {
  const xai_node *node = &t->form->graph->nodes[p->place.layer];
  const char *name = t->form->graph->values[p->value].name;
  if (p->weights) {
    const xai_view *w = xai_tensor_view(p->now);
    fans f = fans_of(node, p->place.input, &w->shape);
    bool he = init == XAI_INIT_HE || init == XAI_INIT_HE_UNIFORM;
    double deviation = sqrt(2 / fmax(1, he ? f.in : f.in + f.out));
    fill(xai_rng_stream(t->opts.seed, xai_str_hash(name)), init == XAI_INIT_HE_UNIFORM || init == XAI_INIT_XAVIER_UNIFORM,
         deviation, (int64_t)xai_tensor_count(p->now), w->data);
  } else if (normalizes(node->op)) {
    set(p->now, p->place.input == 1 ? 1 : 0);
  } else if (node->op == XAI_OP_CONV || node->op == XAI_OP_CONV_TRANSPOSE || node->op == XAI_OP_GEMM) {
    set(p->now, 0);
  } /* what other operators read has no customary start */
}

void xai_trainer__init(xai_trainer *t, const xai_train_opts *opts) {
  if (opts->init != XAI_INIT_KEEP) {
    for (int i = 0; i < t->n_params; i++) begin(t, &t->params[i], opts->init);
    for (int i = 0; i < t->n_statistics; i++) set(t->statistics[i].now, t->statistics[i].place.input == 3 ? 0 : 1);
  }
  for (int i = 0; i < t->n_params; i++)
    for (int k = 0; k < opts->n_init_scale; k++) {
      train_param *p = &t->params[i];
      if (!p->weights || p->place.layer != opts->init_scale[k].layer) continue;
      float *w = xai_tensor_floats(p->now);
      xk_scale((int64_t)xai_tensor_count(p->now), (float)opts->init_scale[k].scale, w, w);
    }
}
