/* A network small enough to work out by hand, for the tests of graph and explain.
 *
 *   x 1x1x2x2 -> conv (1x1 kernels, 2 maps) -> relu -> gap -> fc (2 classes) -> prob
 *
 *   conv: a0 = 1*x + 0,  a1 = -2*x + 1                      fc: z0 = 1*m0 + 2*m1 + 0.5,  z1 = -1*m0 + 1*m1
 *
 * for x = [1 -1; 2 0.25]:  a0 = [1 -1; 2 0.25]  a1 = [-1 3; -3 0.5]
 *                          r0 = [1 0; 2 0.25]   r1 = [0 3; 0 0.5]   m0 = 3.25/4 = 0.8125   m1 = 3.5/4 = 0.875
 *                          z0 = 0.8125 + 1.75 + 0.5 = 3.0625        z1 = -0.8125 + 0.875 = 0.0625 */
#ifndef TESTS_TINY_H
#define TESTS_TINY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "graph/build.h"
#include "tensor/tensor.h"

static const float tiny_x[4] = {1, -1, 2, 0.25f};

#define must(call)                                                                                                     \
  do {                                                                                                                 \
    xai_err must_err = {""};                                                                                           \
    xai_err *err = &must_err;                                                                                          \
    xai_status must_status = (call);                                                                                   \
    if (must_status != XAI_OK) fail_msg("%s: %s", #call, must_err.text);                                               \
    (void)err;                                                                                                         \
  } while (0)

static inline void tiny_constant(xai_builder *b, const char *name, xai_shape shape, const float *v) {
  xai_tensor *t = NULL;
  must(xai_tensor_copy(&(xai_view){XAI_F32, shape, (void *)(uintptr_t)v}, &t, err));
  must(xai_builder_constant(b, name, t, err));
  xai_tensor_free(t);
}

static inline void tiny_node(xai_builder *b, const char *name, xai_op op, const char *a, const char *w, const char *c, const char *out) {
  const char *in[3] = {a, w, c};
  must(xai_builder_node(b, name, op, NULL, 3, in, 1, &out, err));
}

/* names as the exporters make them, so that lookups have something to find */
static inline xai_net *tiny_net(void) {
  xai_builder *b = NULL;
  xai_net *net = NULL;
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "data", XAI_F32, XAI_SHAPE(-1, 1, 2, 2), err));
  tiny_constant(b, "conv_w", XAI_SHAPE(2, 1, 1, 1), (const float[]){1, -2});
  tiny_constant(b, "conv_b", XAI_SHAPE(2), (const float[]){0, 1});
  tiny_constant(b, "fc_w", XAI_SHAPE(2, 2), (const float[]){1, 2, -1, 1});
  tiny_constant(b, "fc_b", XAI_SHAPE(2), (const float[]){0.5f, 0});
  tiny_node(b, "/block/block.0/conv/Conv", XAI_OP_CONV, "data", "conv_w", "conv_b", "conv_1");
  tiny_node(b, "/block/block.0/Relu", XAI_OP_RELU, "conv_1", NULL, NULL, "conv_2");
  tiny_node(b, "", XAI_OP_GLOBAL_AVERAGE_POOL, "conv_2", NULL, NULL, "pool_1");
  tiny_node(b, "", XAI_OP_FLATTEN, "pool_1", NULL, NULL, "flat");
  xai_attrs gemm;
  xai_attrs_default(XAI_OP_GEMM, &gemm);
  gemm.gemm.trans_b = 1;
  must(xai_builder_node(b, "fc", XAI_OP_GEMM, &gemm, 3, (const char *[]){"flat", "fc_w", "fc_b"}, 1, (const char *[]){"scores"}, err));
  tiny_node(b, "", XAI_OP_SOFTMAX, "scores", NULL, NULL, "prob");
  must(xai_builder_output(b, "prob", err));
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  return net;
}

static inline xai_view tiny_input(void) {
  return (xai_view){XAI_F32, XAI_SHAPE(1, 1, 2, 2), (void *)(uintptr_t)tiny_x};
}

static inline void assert_floats(const xai_view *v, const float *want, int64_t n, double tolerance) {
  assert_non_null(v);
  assert_int_equal(xai_shape_size(&v->shape), n);
  for (int64_t i = 0; i < n; i++) {
    double got = ((const float *)v->data)[i];
    if (!(got - want[i] <= tolerance && want[i] - got <= tolerance))
      fail_msg("element %lld: expected %.9g, got %.9g", (long long)i, want[i], got);
  }
}

#endif
