/* A network with everything that trains in its own way, for the tests of this floor:
 *
 *   x N x 1 x 6 x 6 -> conv 4 maps 3x3 -> bn -> relu -> drop (1/4) -> pool 2x2 -> flat -> fc 3 classes -> prob */
#ifndef TESTS_STUDENT_H
#define TESTS_STUDENT_H

#include "base/rng.h"
#include "graph/net.h"
#include "graph/tiny.h"
#include "xai/train.h"

enum { CONV, BN, RELU, DROP, POOL, FLAT, FC, PROB, STUDENT_BATCH = 8 };

static inline void student_constant(xai_builder *b, const char *name, xai_shape shape, double centre, double radius) {
  xai_tensor *t = NULL;
  must(xai_tensor_new(XAI_F32, shape, &t, err));
  for (size_t i = 0; i < xai_tensor_count(t); i++)
    xai_tensor_floats(t)[i] = (float)(centre + radius * (2 * xai_rng_uniform(xai_rng_stream(3, (uint64_t)name[0]), i) - 1));
  must(xai_builder_constant(b, name, t, err));
  xai_tensor_free(t);
}

static inline void student_node(xai_builder *b, const char *name, xai_op op, const xai_attrs *attrs, int n,
                                const char *const *in) {
  must(xai_builder_node(b, name, op, attrs, n, in, 1, &name, err));
}

static inline xai_net *student(void) {
  xai_builder *b = NULL;
  xai_net *net = NULL;
  xai_attrs pool, gemm;
  xai_attrs_default(XAI_OP_MAX_POOL, &pool);
  pool.pool.kernel_shape = pool.pool.strides = (xai_ints){2, {2, 2}};
  xai_attrs_default(XAI_OP_GEMM, &gemm);
  gemm.gemm.trans_b = 1;
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "x", XAI_F32, XAI_SHAPE(-1, 1, 6, 6), err));
  student_constant(b, "conv.weight", XAI_SHAPE(4, 1, 3, 3), 0, 0.5);
  student_constant(b, "scale", XAI_SHAPE(4), 1, 0.2);
  student_constant(b, "bias", XAI_SHAPE(4), 0, 0.2);
  student_constant(b, "mean", XAI_SHAPE(4), 0, 0.1);
  student_constant(b, "variance", XAI_SHAPE(4), 1, 0.2);
  student_constant(b, "ratio", (xai_shape){.rank = 0}, 0.25, 0);
  student_constant(b, "fc.weight", XAI_SHAPE(3, 16), 0, 0.3);
  student_constant(b, "gc.bias", XAI_SHAPE(3), 0, 0.1);
  student_node(b, "conv", XAI_OP_CONV, NULL, 2, (const char *[]){"x", "conv.weight"});
  student_node(b, "bn", XAI_OP_BATCH_NORM, NULL, 5, (const char *[]){"conv", "scale", "bias", "mean", "variance"});
  student_node(b, "relu", XAI_OP_RELU, NULL, 1, (const char *[]){"bn"});
  student_node(b, "drop", XAI_OP_DROPOUT, NULL, 2, (const char *[]){"relu", "ratio"});
  student_node(b, "pool", XAI_OP_MAX_POOL, &pool, 1, (const char *[]){"drop"});
  student_node(b, "flat", XAI_OP_FLATTEN, NULL, 1, (const char *[]){"pool"});
  student_node(b, "fc", XAI_OP_GEMM, &gemm, 3, (const char *[]){"flat", "fc.weight", "gc.bias"});
  student_node(b, "prob", XAI_OP_SOFTMAX, NULL, 1, (const char *[]){"fc"});
  must(xai_builder_output(b, "prob", err));
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  return net;
}

/* Batch 'k': pictures of three kinds of stripes under noise, and which kind. */
typedef struct lesson {
  float x[STUDENT_BATCH * 36];
  int64_t ids[STUDENT_BATCH];
} lesson;

static inline lesson lesson_of(int k) {
  lesson l;
  for (int i = 0; i < STUDENT_BATCH; i++) {
    l.ids[i] = (k + i) % 3;
    for (int e = 0; e < 36; e++) {
      int r = e / 6, c = e % 6, at = l.ids[i] == 0 ? r : l.ids[i] == 1 ? c : r + c;
      double noise = xai_rng_uniform(xai_rng_stream(11, (uint64_t)k), (uint64_t)(i * 36 + e)) - 0.5;
      l.x[i * 36 + e] = (float)((at % 2 == 0 ? 1 : -1) + noise);
    }
  }
  return l;
}

static inline xai_view lesson_x(lesson *l) { return (xai_view){XAI_F32, XAI_SHAPE(STUDENT_BATCH, 1, 6, 6), l->x}; }
static inline xai_view lesson_y(lesson *l) { return (xai_view){XAI_I64, XAI_SHAPE(STUDENT_BATCH), l->ids}; }

/* n steps on the batches that follow from the trainer's own count. */
static inline double teach(xai_trainer *t, int n, double lr) {
  xai_step step = {0};
  while (n-- > 0) {
    lesson l = lesson_of((int)xai_trainer_steps(t));
    xai_view x = lesson_x(&l), y = lesson_y(&l);
    must(xai_trainer_step(t, &x, &y, lr, &step, err));
  }
  return step.loss;
}

static inline xai_trainer *trainer_of(xai_net *net, const xai_train_opts *opts) {
  xai_trainer *t = NULL;
  must(xai_trainer_new(net, opts, &t, err));
  return t;
}

static inline bool same_weight(const xai_net *a, const xai_net *b, int layer, int input) {
  xai_tensor *p = xai_net_weight(a, layer, input), *q = xai_net_weight(b, layer, input);
  return memcmp(xai_tensor_floats(p), xai_tensor_floats(q), xai_tensor_bytes(p)) == 0;
}

static const struct {
  int layer, input;
} student_arrays[] = {{CONV, 1}, {BN, 1}, {BN, 2}, {BN, 3}, {BN, 4}, {FC, 1}, {FC, 2}};

/* All parameters and statistics are the same bits. */
static inline bool same_student(const xai_trainer *a, const xai_trainer *b) {
  xai_net *p = NULL, *q = NULL;
  bool same = true;
  must(xai_trainer_net(a, &p, err));
  must(xai_trainer_net(b, &q, err));
  for (size_t i = 0; i < sizeof student_arrays / sizeof *student_arrays; i++)
    same = same && same_weight(p, q, student_arrays[i].layer, student_arrays[i].input);
  xai_net_free(p);
  xai_net_free(q);
  return same;
}

#endif
