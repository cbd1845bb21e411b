/* Hooks, rules and replaced weights on the network of tiny.h. */
#include <string.h>

#include "tiny.h"

static xai_status double_it(void *payload, int layer, xai_view *g, xai_view *a, xai_err *err) {
  (void)layer, (void)err;
  xai_view *v = g != NULL ? g : a;
  for (int64_t i = 0; i < xai_shape_size(&v->shape); i++) ((float *)v->data)[i] *= 2;
  ++*(int *)payload;
  return XAI_OK;
}

static xai_status refuse(void *payload, int layer, xai_view *g, xai_view *a, xai_err *err) {
  (void)payload, (void)layer, (void)g, (void)a, (void)err;
  return XAI_ESTOP;
}

static void logits_are(xai_net *net, float z0, float z1) {
  xai_view x = tiny_input();
  xai_tensor *z = NULL;
  must(xai_net_logits(net, &x, &z, err));
  assert_floats(xai_tensor_view(z), (const float[]){z0, z1}, 2, 1e-6);
  xai_tensor_free(z);
}

static void a_forward_hook_changes_the_view_and_not_the_net(void **state) {
  (void)state;
  xai_net *net = tiny_net(), *view = NULL;
  int calls = 0;
  xai_hook hook = {.layer = 1, .fn = double_it, .payload = &calls};
  must(xai_net_with(net, &(xai_view_opts){.hooks = &hook, .n_hooks = 1}, &view, NULL, err));
  logits_are(view, 5.625f, 0.125f); /* twice the means: 1.625 + 3.5 + 0.5, -1.625 + 1.75 */
  assert_int_equal(calls, 1);
  logits_are(net, 3.0625f, 0.0625f);
  assert_int_equal(calls, 1);
  xai_net_free(view);
  xai_net_free(net);
}

static void hooks_of_a_view_of_a_view_run_in_order(void **state) {
  (void)state;
  xai_net *net = tiny_net(), *one = NULL, *two = NULL;
  int calls = 0;
  xai_hook hook = {.layer = 1, .fn = double_it, .payload = &calls};
  must(xai_net_with(net, &(xai_view_opts){.hooks = &hook, .n_hooks = 1}, &one, NULL, err));
  must(xai_net_with(one, &(xai_view_opts){.hooks = &hook, .n_hooks = 1}, &two, NULL, err));
  logits_are(two, 10.75f, 0.25f); /* four times the means */
  assert_int_equal(calls, 2);
  xai_net_free(two);
  xai_net_free(one);
  xai_net_free(net);
}

static void a_gradient_hook_changes_what_flows_on(void **state) {
  (void)state;
  xai_net *net = tiny_net(), *view = NULL;
  int calls = 0, logits = XAI_LAYER_LOGITS, input = XAI_LAYER_INPUT;
  xai_hook hook = {.layer = 1, .fn = double_it, .payload = &calls};
  must(xai_net_with(net, &(xai_view_opts){.grad_hooks = &hook, .n_grad_hooks = 1}, &view, NULL, err));
  xai_run *run = NULL;
  xai_view x = tiny_input();
  must(xai_run_open(view, &x.shape, &(xai_request){.seeds = &logits, .n_seeds = 1, .wants = &input, .n_wants = 1}, &run, err));
  must(xai_run_forward(run, &x, err));
  ((float *)xai_run_seed(run, logits)->data)[0] = 1;
  must(xai_run_backward(run, err));
  assert_int_equal(calls, 1);
  assert_floats(xai_run_grad(run, input), (const float[]){.5f, -2, .5f, -1.5f}, 4, 1e-6); /* twice the gradient */
  xai_run_close(run);
  xai_net_free(view);
  xai_net_free(net);
}

static void a_refusing_hook_ends_the_pass_with_its_status(void **state) {
  (void)state;
  xai_net *net = tiny_net(), *view = NULL;
  xai_hook hook = {.layer = 0, .fn = refuse};
  must(xai_net_with(net, &(xai_view_opts){.hooks = &hook, .n_hooks = 1}, &view, NULL, err));
  xai_view x = tiny_input();
  xai_tensor *z = NULL;
  assert_int_equal(xai_net_logits(view, &x, &z, NULL), XAI_ESTOP);
  assert_null(z);
  xai_net_free(view);
  logits_are(net, 3.0625f, 0.0625f);
  xai_net_free(net);
}

static void replaced_weights_belong_to_the_view(void **state) {
  (void)state;
  xai_net *net = tiny_net(), *view = NULL;
  xai_tensor *w = NULL;
  int fc;
  must(xai_net_find_layer(net, "fc", &fc, err));
  must(xai_tensor_copy(&(xai_view){XAI_F32, XAI_SHAPE(2, 2), (float[]){0, 1, 1, 0}}, &w, err));
  must(xai_net_with(net, &(xai_view_opts){.weights = &(xai_weight){fc, 1, w}, .n_weights = 1}, &view, NULL, err));
  xai_tensor_free(w);
  logits_are(view, 1.375f, 0.8125f); /* m1 + 0.5, m0 */
  logits_are(net, 3.0625f, 0.0625f);
  assert_true(xai_net_layer(view, fc).replaced);
  assert_false(xai_net_layer(net, fc).replaced);
  xai_net_free(view);
  xai_net_free(net);
}

static void misshapen_weights_are_refused(void **state) {
  (void)state;
  xai_net *net = tiny_net(), *view = NULL;
  xai_tensor *w = NULL;
  xai_err err;
  must(xai_tensor_new(XAI_F32, XAI_SHAPE(3, 2), &w, err));
  int fc;
  must(xai_net_find_layer(net, "fc", &fc, err));
  assert_int_equal(xai_net_with(net, &(xai_view_opts){.weights = &(xai_weight){fc, 1, w}, .n_weights = 1}, &view, NULL, &err), XAI_ESHAPE);
  assert_string_equal(err.text, "weights of layer 'fc': wrong shape (expected float32 2x2, got float32 3x2)");
  assert_int_equal(xai_net_with(net, &(xai_view_opts){.weights = &(xai_weight){1, 1, w}, .n_weights = 1}, &view, NULL, &err), XAI_ENOTFOUND);
  xai_tensor_free(w);
  xai_net_free(net);
}

static void a_rule_counts_its_rectifiers(void **state) {
  (void)state;
  xai_net *net = tiny_net(), *view = NULL;
  int n = 0;
  must(xai_net_with(net, &(xai_view_opts){.relu = XAI_RELU_GUIDED}, &view, &n, err));
  assert_int_equal(n, 1);
  xai_net_free(view);
  xai_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_forward_hook_changes_the_view_and_not_the_net),
      cmocka_unit_test(hooks_of_a_view_of_a_view_run_in_order),
      cmocka_unit_test(a_gradient_hook_changes_what_flows_on),
      cmocka_unit_test(a_refusing_hook_ends_the_pass_with_its_status),
      cmocka_unit_test(replaced_weights_belong_to_the_view),
      cmocka_unit_test(misshapen_weights_are_refused),
      cmocka_unit_test(a_rule_counts_its_rectifiers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
