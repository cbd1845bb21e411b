/* Networks with some channels of a layer only: what is computed, what is shared, and what is left alone. */
#include "graph/net.h"
#include "tiny.h"

/* NULL where the channels cannot be picked. */
static xai_net *picked_of(xai_net *net, int layer, const int64_t *channels, int n) {
  xai_net *picked = NULL;
  xai_view x = tiny_input();
  must(xai_net__pick(net, &x.shape, layer, channels, n, &picked, err));
  return picked;
}

static void assert_logits(xai_net *net, const float *want, int n) {
  xai_view x = tiny_input();
  xai_tensor *z = NULL;
  must(xai_net_logits(net, &x, &z, err));
  assert_floats(xai_tensor_view(z), want, n, 1e-6);
  xai_tensor_free(z);
}

static void classes_come_in_the_order_asked_for(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_net *picked = picked_of(net, XAI_LAYER_LOGITS, (const int64_t[]){1}, 1);
  assert_logits(picked, (const float[]){0.0625f}, 1);
  xai_net_free(picked);
  picked = picked_of(net, XAI_LAYER_LOGITS, (const int64_t[]){1, 0, 1}, 3);
  assert_logits(picked, (const float[]){0.0625f, 3.0625f, 0.0625f}, 3);
  xai_net_free(picked);
  assert_logits(net, (const float[]){3.0625f, 0.0625f}, 2); /* is as it was */
  xai_net_free(net);
}

/* x -> conv (3 maps: x, 1 - 2 x, x / 2) -> relu -> gap -> reshape to {0, 3} -> softmax, the last only if asked for
 * r2 = [0.5 0; 1 0.125], m2 = 1.625 / 4 = 0.40625; the others as in tiny.h. */
static xai_net *convolutional(bool softmax) {
  xai_builder *b = NULL;
  xai_net *net = NULL;
  xai_tensor *shape = NULL;
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "data", XAI_F32, XAI_SHAPE(-1, 1, 2, 2), err));
  tiny_constant(b, "w", XAI_SHAPE(3, 1, 1, 1), (const float[]){1, -2, 0.5f});
  tiny_constant(b, "b", XAI_SHAPE(3), (const float[]){0, 1, 0});
  must(xai_tensor_copy(&(xai_view){XAI_I64, XAI_SHAPE(2), (int64_t[]){0, 3}}, &shape, err));
  must(xai_builder_constant(b, "shape", shape, err));
  xai_tensor_free(shape);
  tiny_node(b, "conv", XAI_OP_CONV, "data", "w", "b", "maps");
  tiny_node(b, "relu", XAI_OP_RELU, "maps", NULL, NULL, "active");
  tiny_node(b, "gap", XAI_OP_GLOBAL_AVERAGE_POOL, "active", NULL, NULL, "means");
  tiny_node(b, "reshape", XAI_OP_RESHAPE, "means", "shape", NULL, "scores");
  if (softmax) tiny_node(b, "prob", XAI_OP_SOFTMAX, "scores", NULL, NULL, "y");
  must(xai_builder_output(b, softmax ? "y" : "scores", err));
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  return net;
}

static void maps_behind_which_nothing_mixes_are_left_out(void **state) {
  (void)state;
  for (int softmax = 0; softmax < 2; softmax++) {
    xai_net *net = convolutional(softmax), *picked = picked_of(net, XAI_LAYER_LOGITS, (const int64_t[]){2, 1}, 2);
    assert_logits(picked, (const float[]){0.40625f, 0.875f}, 2);
    const xai_graph *g = picked->graph;
    assert_int_equal(xai_tensor_view(g->values[g->nodes[0].in[1]].constant)->shape.dims[0], 2);
    assert_ptr_equal(g->packs, net->graph->packs);
    assert_ptr_not_equal(picked->packs, net->packs);
    xai_net_free(picked);
    xai_net_free(net);
  }
}

/* d z1 / d x = w1 times the share of each place where the rectifier is open: -2 (x < 1/2) / 4 */
static void gradients_are_those_of_the_class(void **state) {
  (void)state;
  int scores = XAI_LAYER_LOGITS, input = XAI_LAYER_INPUT;
  xai_net *net = convolutional(false), *picked = picked_of(net, scores, (const int64_t[]){1}, 1);
  xai_view x = tiny_input();
  xai_run *run = NULL;
  must(xai_run_open(picked, &x.shape, &(xai_request){.seeds = &scores, .n_seeds = 1, .wants = &input, .n_wants = 1}, &run, err));
  must(xai_run_forward(run, &x, err));
  ((float *)xai_run_seed(run, scores)->data)[0] = 1;
  must(xai_run_backward(run, err));
  assert_floats(xai_run_grad(run, input), (const float[]){0, -0.5f, 0, -0.5f}, 4, 1e-6);
  xai_run_close(run);
  xai_net_free(picked);
  xai_net_free(net);
}

static xai_status look_at(void *payload, int layer, xai_view *g, xai_view *a, xai_err *err) {
  (void)payload, (void)layer, (void)g, (void)a, (void)err;
  return XAI_OK;
}

static void what_mixes_channels_is_left_alone(void **state) {
  (void)state;
  const int64_t first[] = {0};
  xai_net *net = convolutional(true), *hooked = NULL;
  assert_null(picked_of(net, XAI_LAYER_OUTPUT, first, 1)); /* softmax */
  assert_null(picked_of(net, 1, first, 1));                /* maps are no list */
  assert_null(picked_of(net, XAI_LAYER_INPUT, first, 1));
  xai_hook hook = {.layer = 1, .fn = look_at};
  must(xai_net_with(net, &(xai_view_opts){.hooks = &hook, .n_hooks = 1}, &hooked, NULL, err));
  assert_null(picked_of(hooked, XAI_LAYER_LOGITS, first, 1));
  xai_net_free(hooked);
  must(xai_net_with(net, &(xai_view_opts){.grad_hooks = &hook, .n_grad_hooks = 1}, &hooked, NULL, err));
  assert_null(picked_of(hooked, XAI_LAYER_LOGITS, first, 1));
  xai_net_free(hooked);
  xai_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(classes_come_in_the_order_asked_for),
      cmocka_unit_test(maps_behind_which_nothing_mixes_are_left_out),
      cmocka_unit_test(gradients_are_those_of_the_class),
      cmocka_unit_test(what_mixes_channels_is_left_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
