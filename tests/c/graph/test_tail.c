/* What lies behind a layer, as a network: see xai_net__tail. */
#include <string.h>

#include "graph/net.h"
#include "graph/tiny.h"

enum { CONV = 0, RELU = 1, POOL = 2 };

/* The logits of a network with two inputs, x and the activation of a layer. */
static void logits_are(xai_net *tail, xai_shape shape, const float *given, float z0, float z1) {
  const int keep = XAI_LAYER_LOGITS;
  xai_request request = {.keep = &keep, .n_keep = 1};
  xai_view in[2] = {tiny_input(), {XAI_F32, shape, (void *)(uintptr_t)given}};
  xai_run *run = NULL;
  must(xai_run_open_all(tail, in, 2, &request, &run, err));
  must(xai_run_forward_all(run, in, 2, err));
  assert_floats(xai_run_value(run, XAI_LAYER_LOGITS), (const float[]){z0, z1}, 2, 1e-6);
  xai_run_close(run);
}

/* Maps of all 1 and of all 2 have the means 1 and 2: z0 = 1 + 4 + 0.5, z1 = -1 + 2. Before the ReLU, -1 counts as 0. */
static void what_is_given_takes_the_place_of_what_was_computed(void **state) {
  (void)state;
  xai_net *net = tiny_net(), *tail = NULL;
  must(xai_net__tail(net, RELU, &tail, err));
  assert_int_equal(xai_net_layer_count(tail), xai_net_layer_count(net));
  logits_are(tail, XAI_SHAPE(1, 2, 2, 2), (const float[]){1, 1, 1, 1, 2, 2, 2, 2}, 5.5f, 1);
  xai_net_free(tail);
  must(xai_net__tail(net, CONV, &tail, err));
  logits_are(tail, XAI_SHAPE(1, 2, 2, 2), (const float[]){-1, -1, -1, -1, 2, 2, 2, 2}, 4.5f, 2);
  xai_net_free(tail);
  must(xai_net__tail(net, POOL, &tail, err));
  logits_are(tail, XAI_SHAPE(1, 2, 1, 1), (const float[]){0, 1}, 2.5f, 1);
  xai_net_free(tail);
  xai_net_free(net);
}

/* Replaces an activation by its double. */
static xai_status twice(void *payload, int layer, xai_view *g, xai_view *a, xai_err *err) {
  (void)g, (void)err, (void)layer;
  ++*(int *)payload;
  for (int64_t i = 0; i < xai_shape_size(&a->shape); i++) ((float *)a->data)[i] *= 2;
  return XAI_OK;
}

/* What is given at the ReLU is what its hook has made of it; the pool's hook doubles the means: z0 = 2 + 8 + 0.5. */
static void hooks_behind_the_layer_stay(void **state) {
  (void)state;
  xai_net *net = tiny_net(), *view = NULL, *tail = NULL;
  int calls[3] = {0};
  xai_hook hooks[3] = {{CONV, twice, &calls[0]}, {RELU, twice, &calls[1]}, {POOL, twice, &calls[2]}};
  xai_view_opts opts = {.hooks = hooks, .n_hooks = 3};
  must(xai_net_with(net, &opts, &view, NULL, err));
  must(xai_net__tail(view, RELU, &tail, err));
  logits_are(tail, XAI_SHAPE(1, 2, 2, 2), (const float[]){1, 1, 1, 1, 2, 2, 2, 2}, 10.5f, 2);
  assert_int_equal(calls[0], 0);
  assert_int_equal(calls[1], 0);
  assert_int_equal(calls[2], 1);
  xai_net_free(tail);
  xai_net_free(view);
  xai_net_free(net);
}

/* data -> twice = data + data -> relu;  scores = flatten(relu + data): the last sum is reached around 'twice'. */
static void a_way_around_the_layer_is_computed_from_the_first_input(void **state) {
  (void)state;
  xai_builder *b = NULL;
  xai_net *net = NULL, *tail = NULL;
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "data", XAI_F32, XAI_SHAPE(-1, 1, 1, 2), err));
  tiny_node(b, "twice", XAI_OP_ADD, "data", "data", NULL, "t");
  tiny_node(b, "relu", XAI_OP_RELU, "t", NULL, NULL, "r");
  tiny_node(b, "sum", XAI_OP_ADD, "r", "data", NULL, "s");
  tiny_node(b, "flat", XAI_OP_FLATTEN, "s", NULL, NULL, "scores");
  must(xai_builder_output(b, "scores", err));
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  must(xai_net__tail(net, 0, &tail, err));
  const float x[2] = {10, 20}, given[2] = {-1, 3};
  xai_view in[2] = {{XAI_F32, XAI_SHAPE(1, 1, 1, 2), (void *)(uintptr_t)x}, {XAI_F32, XAI_SHAPE(1, 1, 1, 2), (void *)(uintptr_t)given}};
  xai_tensor *out = NULL;
  must(xai_net_eval(tail, in, 2, &out, err));
  assert_floats(xai_tensor_view(out), (const float[]){10, 23}, 2, 0);
  xai_tensor_free(out);
  xai_net_free(tail);
  xai_net_free(net);
}

static void a_layer_with_several_results_is_refused(void **state) {
  (void)state;
  xai_builder *b = NULL;
  xai_net *net = NULL, *tail = NULL;
  xai_err err;
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "data", XAI_F32, XAI_SHAPE(1, 2), err));
  const char *in[] = {"data"}, *out[] = {"a", "b"};
  xai_attrs attrs;
  xai_attrs_default(XAI_OP_SPLIT, &attrs);
  attrs.split.axis = 1;
  must(xai_builder_node(b, "halves", XAI_OP_SPLIT, &attrs, 1, in, 2, out, err));
  tiny_node(b, "difference", XAI_OP_SUB, "a", "b", NULL, "d");
  must(xai_builder_output(b, "d", err));
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  assert_int_equal(xai_net__tail(net, 0, &tail, &err), XAI_EUNSUPPORTED);
  assert_string_equal(err.text, "layer 'halves' (Split) has several results, and only the first could be given");
  assert_null(tail);
  xai_net_free(net);
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_status st = XAI_ENOMEM;
  for (int k = 0; st != XAI_OK; k++) {
    size_t before = xai_mem_live();
    xai_net *tail = NULL;
    xai_err err;
    assert_true(k < 1000);
    xai_mem_fail_after(k, false);
    st = xai_net__tail(net, RELU, &tail, &err);
    xai_mem_fail_after(-1, false);
    assert_true(st == XAI_OK || (st == XAI_ENOMEM && tail == NULL));
    xai_net_free(tail);
    assert_int_equal(xai_mem_live(), before);
  }
  xai_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_given_takes_the_place_of_what_was_computed),
      cmocka_unit_test(hooks_behind_the_layer_stay),
      cmocka_unit_test(a_way_around_the_layer_is_computed_from_the_first_input),
      cmocka_unit_test(a_layer_with_several_results_is_refused),
      cmocka_unit_test(every_failing_allocation_is_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
