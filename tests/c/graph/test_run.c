/* Passes on the network of tiny.h, every number worked by hand there or here. */
#include <math.h>
#include <string.h>

#include "tiny.h"

static void forward_gives_the_hand_worked_logits(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_view x = tiny_input();
  xai_tensor *z = NULL;
  must(xai_net_logits(net, &x, &z, err));
  assert_floats(xai_tensor_view(z), (const float[]){3.0625f, 0.0625f}, 2, 1e-6);
  xai_tensor_free(z);
  xai_net_free(net);
}

static void predict_ranks_by_probability(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_view x = tiny_input();
  xai_prediction top[5];
  int k = 5;
  must(xai_net_predict(net, &x, &k, top, err));
  assert_int_equal(k, 2);
  assert_int_equal(top[0].id, 0);
  /* softmax of a difference of 3: 1 / (1 + e^-3) */
  assert_true(fabs(top[0].p - 1 / (1 + exp(-3))) < 1e-6);
  assert_true(fabs(top[0].p + top[1].p - 1) < 1e-6);
  xai_net_free(net);
}

/* d z0 / d m = (1, 2); GAP divides by 4; relu passes where a > 0: a0 at 0,2,3, a1 at 1,3; conv weights 1 and -2.
 * dx0 = 1/4*1 = 0.25;  dx1 = 2/4*-2 = -1;  dx2 = 0.25;  dx3 = 0.25 - 1 = -0.75 */
static const float gradient_of_class_0[4] = {0.25f, -1, 0.25f, -0.75f};

static void run_class_0(xai_net *net, xai_relu rule, const int *wants, int n_wants, xai_run **run) {
  int logits = XAI_LAYER_LOGITS;
  xai_view x = tiny_input();
  xai_request request = {.seeds = &logits, .n_seeds = 1, .wants = wants, .n_wants = n_wants};
  must(xai_run_open(net, &x.shape, &request, run, err));
  xai_run_set_relu(*run, rule);
  must(xai_run_forward(*run, &x, err));
  ((float *)xai_run_seed(*run, XAI_LAYER_LOGITS)->data)[0] = 1;
  must(xai_run_backward(*run, err));
}

/* flat goes into fc, whose scores go through a softmax */
static void what_the_classifier_weighs_is_found(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  int layer = -9;
  must(xai_net_feature_layer(net, &layer, err));
  assert_string_equal(xai_net_layer(net, layer).op, "Flatten");
  xai_net_free(net);
}

static void backward_reaches_input_and_layer(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_run *run = NULL;
  run_class_0(net, XAI_RELU_PLAIN, (const int[]){XAI_LAYER_INPUT, 1}, 2, &run);
  assert_floats(xai_run_grad(run, XAI_LAYER_INPUT), gradient_of_class_0, 4, 1e-6);
  assert_floats(xai_run_grad(run, 1), (const float[]){.25f, .25f, .25f, .25f, .5f, .5f, .5f, .5f}, 8, 1e-6);
  xai_run_close(run);
  xai_net_free(net);
}

static void guided_and_deconv_follow_their_rules(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_run *run = NULL;
  int input = XAI_LAYER_INPUT;
  /* all signals into the relu are positive here, so guided equals plain */
  run_class_0(net, XAI_RELU_GUIDED, &input, 1, &run);
  assert_floats(xai_run_grad(run, input), gradient_of_class_0, 4, 1e-6);
  xai_run_close(run);
  /* deconv passes 0.25 and 0.5 everywhere: 0.25*1 + 0.5*-2 = -0.75 */
  run_class_0(net, XAI_RELU_DECONV, &input, 1, &run);
  assert_floats(xai_run_grad(run, input), (const float[]){-.75f, -.75f, -.75f, -.75f}, 4, 1e-6);
  xai_run_close(run);
  xai_net_free(net);
}

static void a_run_of_the_stock_gives_the_same_again(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  int input = XAI_LAYER_INPUT;
  for (int i = 0; i < 3; i++) {
    xai_run *run = NULL;
    run_class_0(net, XAI_RELU_PLAIN, &input, 1, &run);
    assert_floats(xai_run_grad(run, input), gradient_of_class_0, 4, 1e-6);
    xai_run_close(run);
  }
  xai_net_free(net);
}

static void keep_all_allows_several_backward_passes(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_run *run = NULL;
  xai_view x = tiny_input();
  int logits = XAI_LAYER_LOGITS, wants[] = {XAI_LAYER_INPUT, 0};
  must(xai_run_open(net, &x.shape, &(xai_request){.keep_all = true}, &run, err));
  must(xai_run_forward(run, &x, err));
  for (int i = 0; i < 2; i++) {
    must(xai_run_plan_backward(run, &logits, 1, wants, 2, err));
    ((float *)xai_run_seed(run, logits)->data)[0] = 1;
    must(xai_run_backward(run, err));
    assert_floats(xai_run_grad(run, XAI_LAYER_INPUT), gradient_of_class_0, 4, 1e-6);
    /* before the relu: zero where it was shut */
    assert_floats(xai_run_grad(run, 0), (const float[]){.25f, 0, .25f, .25f, 0, .5f, 0, .5f}, 8, 1e-6);
  }
  /* class 1: (-1, 1)/4 through the open gates, conv 1 and -2: dx0 = -.25, dx1 = -.5, dx2 = -.25, dx3 = -.75 */
  must(xai_run_plan_backward(run, &logits, 1, wants, 1, err));
  ((float *)xai_run_seed(run, logits)->data)[1] = 1;
  must(xai_run_backward(run, err));
  assert_floats(xai_run_grad(run, XAI_LAYER_INPUT), (const float[]){-.25f, -.5f, -.25f, -.75f}, 4, 1e-6);
  xai_run_close(run);
  xai_net_free(net);
}

static void seeds_at_two_layers_add_up(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_run *run = NULL;
  xai_view x = tiny_input();
  int seeds[] = {XAI_LAYER_LOGITS, 0}, input = XAI_LAYER_INPUT;
  must(xai_run_open(net, &x.shape, &(xai_request){.seeds = seeds, .n_seeds = 2, .wants = &input, .n_wants = 1}, &run, err));
  must(xai_run_forward(run, &x, err));
  ((float *)xai_run_seed(run, XAI_LAYER_LOGITS)->data)[0] = 1;
  ((float *)xai_run_seed(run, 0)->data)[7] = 1; /* a1 at the last pixel: adds -2 there */
  must(xai_run_backward(run, err));
  assert_floats(xai_run_grad(run, input), (const float[]){.25f, -1, .25f, -2.75f}, 4, 1e-6);
  xai_run_close(run);
  xai_net_free(net);
}

static void weight_gradients_are_those_of_the_chain_rule(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_run *run = NULL;
  xai_view x = tiny_input();
  int logits = XAI_LAYER_LOGITS;
  must(xai_run_open(net, &x.shape, &(xai_request){.seeds = &logits, .n_seeds = 1, .weights = true}, &run, err));
  must(xai_run_forward(run, &x, err));
  ((float *)xai_run_seed(run, logits)->data)[0] = 1;
  must(xai_run_backward(run, err));
  int fc;
  must(xai_net_find_layer(net, "fc", &fc, err));
  /* d z0 / d fc_w = [m0 m1; 0 0], d z0 / d fc_b = [1 0] */
  assert_floats(xai_run_weight_grad(run, fc, 1), (const float[]){.8125f, .875f, 0, 0}, 4, 1e-6);
  assert_floats(xai_run_weight_grad(run, fc, 2), (const float[]){1, 0}, 2, 1e-6);
  /* conv: dw0 = .25 * (1 + 2 + .25) = .8125; dw1 = .5 * (-1 + .25) = -.375; db0 = .75, db1 = 1 */
  assert_floats(xai_run_weight_grad(run, 0, 1), (const float[]){.8125f, -.375f}, 2, 1e-6);
  assert_floats(xai_run_weight_grad(run, 0, 2), (const float[]){.75f, 1}, 2, 1e-6);
  xai_run_close(run);
  xai_net_free(net);
}

static void a_batch_gives_each_image_its_own_result(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  const float two[8] = {0, 0, 0, 0, 1, -1, 2, .25f};
  xai_view x = {XAI_F32, XAI_SHAPE(2, 1, 2, 2), (void *)(uintptr_t)two};
  xai_tensor *z = NULL;
  must(xai_net_logits(net, &x, &z, err));
  /* zeros: r0 = 0, r1 = 1: z0 = 2.5, z1 = 1 */
  assert_floats(xai_tensor_view(z), (const float[]){2.5f, 1, 3.0625f, .0625f}, 4, 1e-6);
  xai_tensor_free(z);
  xai_net_free(net);
}

static void partial_forward_does_not_run_what_follows(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_run *run = NULL, *whole = NULL;
  xai_view x = tiny_input();
  int relu = 1, logits = XAI_LAYER_LOGITS;
  must(xai_run_open(net, &x.shape, &(xai_request){.keep = &relu, .n_keep = 1}, &run, err));
  must(xai_run_open(net, &x.shape, &(xai_request){.keep = &logits, .n_keep = 1}, &whole, err));
  must(xai_run_forward(run, &x, err));
  assert_floats(xai_run_value(run, relu), (const float[]){1, 0, 2, .25f, 0, 3, 0, .5f}, 8, 0);
  assert_null(xai_run_value(run, 0));
  assert_null(xai_run_value(run, logits));
  assert_true(xai_run_bytes(run) <= xai_run_bytes(whole));
  xai_run_close(run);
  xai_run_close(whole);
  xai_net_free(net);
}

static void wrong_input_is_refused_with_both_shapes(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_run *run = NULL;
  xai_err err;
  xai_shape x = XAI_SHAPE(1, 3, 2, 2);
  assert_int_equal(xai_run_open(net, &x, &(xai_request){.keep_all = true}, &run, &err), XAI_ESHAPE);
  assert_string_equal(err.text, "input 'data': wrong shape (expected ?x1x2x2, got 1x3x2x2)");
  assert_null(run);
  xai_net_free(net);
}

/* r = Reshape(a, s), t = r + r; outputs t, r, a, c: two of nodes, an input, a constant */
static xai_net *several(void) {
  xai_builder *b = NULL;
  xai_net *net = NULL;
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "a", XAI_F32, XAI_SHAPE(-1, 3), err));
  must(xai_builder_input(b, "s", XAI_I64, XAI_SHAPE(-1), err));
  tiny_constant(b, "c", XAI_SHAPE(2), (const float[]){7, 8});
  tiny_node(b, "", XAI_OP_RESHAPE, "a", "s", NULL, "r");
  tiny_node(b, "", XAI_OP_ADD, "r", "r", NULL, "t");
  must(xai_builder_output(b, "t", err));
  must(xai_builder_output(b, "r", err));
  must(xai_builder_output(b, "a", err));
  must(xai_builder_output(b, "c", err));
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  return net;
}

static void all_inputs_go_in_and_all_outputs_come_out(void **state) {
  (void)state;
  xai_net *net = several();
  float a[6] = {1, 2, 3, 4, 5, 6};
  int64_t s[2] = {3, 2};
  xai_view in[2] = {{XAI_F32, XAI_SHAPE(2, 3), a}, {XAI_I64, XAI_SHAPE(2), s}};
  for (int round = 0; round < 4; round++) { /* two plans, then both again from the stock */
    xai_tensor *out[4];
    s[0] = round % 2 == 0 ? 3 : 6;
    s[1] = 6 / s[0];
    must(xai_net_eval(net, in, 2, out, err));
    assert_floats(xai_tensor_view(out[0]), (const float[]){2, 4, 6, 8, 10, 12}, 6, 0);
    assert_floats(xai_tensor_view(out[1]), a, 6, 0);
    assert_floats(xai_tensor_view(out[2]), a, 6, 0);
    assert_floats(xai_tensor_view(out[3]), (const float[]){7, 8}, 2, 0);
    assert_int_equal(xai_tensor_view(out[0])->shape.dims[0], s[0]);
    for (int i = 0; i < 4; i++) xai_tensor_free(out[i]);
  }
  xai_net_free(net);
}

static void a_plan_serves_only_the_elements_that_decided_about_its_shapes(void **state) {
  (void)state;
  xai_net *net = several();
  xai_run *run = NULL;
  xai_err err;
  float a[6] = {0};
  int64_t s[2] = {3, 2}, other[2] = {2, 3};
  xai_view in[2] = {{XAI_F32, XAI_SHAPE(2, 3), a}, {XAI_I64, XAI_SHAPE(2), s}};
  must(xai_run_open_all(net, in, 2, &(xai_request){.keep_outputs = true}, &run, err));
  must(xai_run_forward_all(run, in, 2, err));
  assert_null(xai_run_output(run, 4));
  in[1].data = other;
  assert_int_equal(xai_run_forward_all(run, in, 2, &err), XAI_EARG);
  assert_string_equal(err.text, "input 's': shapes depend on its elements, and the pass was planned for others");
  assert_int_equal(xai_run_forward_all(run, in, 1, &err), XAI_EARG);
  xai_run_close(run);
  in[1].data = NULL;
  assert_int_equal(xai_run_open_all(net, in, 2, &(xai_request){.keep_outputs = true}, &run, &err), XAI_EUNSUPPORTED);
  assert_string_equal(err.text, "layer 'r': Reshape: shape: depends on the input's elements (expected known numbers)");
  xai_net_free(net);
}

/* d (sum of t) / d a = 2 everywhere, although a plan for one 's' is one for a constant */
static void gradients_reach_the_first_of_several_inputs(void **state) {
  (void)state;
  xai_net *net = several();
  xai_run *run = NULL;
  float a[6] = {1, 2, 3, 4, 5, 6};
  int64_t s[1] = {6};
  int input = XAI_LAYER_INPUT, output = XAI_LAYER_OUTPUT;
  xai_view in[2] = {{XAI_F32, XAI_SHAPE(2, 3), a}, {XAI_I64, XAI_SHAPE(1), s}};
  must(xai_run_open_all(net, in, 2, &(xai_request){.seeds = &output, .n_seeds = 1, .wants = &input, .n_wants = 1}, &run,
                        err));
  must(xai_run_forward_all(run, in, 2, err));
  for (int i = 0; i < 6; i++) ((float *)xai_run_seed(run, output)->data)[i] = 1;
  must(xai_run_backward(run, err));
  assert_floats(xai_run_grad(run, input), (const float[]){2, 2, 2, 2, 2, 2}, 6, 0);
  xai_run_close(run);
  xai_net_free(net);
}

/* a, b = Split(x), c = a * b: dc/dx = (b, a). A third, unread part has the gradient zero. */
static void gradients_come_back_from_several_outputs_of_one_node(void **state) {
  (void)state;
  xai_builder *b = NULL;
  xai_net *net = NULL;
  xai_run *run = NULL;
  xai_attrs three;
  float x[6] = {1, 2, 3, 4, 5, 6};
  xai_view in = {XAI_F32, XAI_SHAPE(1, 6), x};
  int input = XAI_LAYER_INPUT, output = XAI_LAYER_OUTPUT;
  xai_attrs_default(XAI_OP_SPLIT, &three);
  three.split.axis = 1;
  three.split.num_outputs = 3;
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "x", XAI_F32, XAI_SHAPE(1, 6), err));
  must(xai_builder_node(b, "split", XAI_OP_SPLIT, &three, 1, (const char *[]){"x"}, 3,
                        (const char *[]){"a", "b", "rest"}, err));
  tiny_node(b, "", XAI_OP_MUL, "a", "b", NULL, "c");
  must(xai_builder_output(b, "c", err));
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  must(xai_run_open(
      net, &in.shape,
      &(xai_request){.keep = &output, .n_keep = 1, .seeds = &output, .n_seeds = 1, .wants = &input, .n_wants = 1}, &run,
      err));
  must(xai_run_forward(run, &in, err));
  assert_floats(xai_run_value(run, output), (const float[]){3, 8}, 2, 0);
  ((float *)xai_run_seed(run, output)->data)[0] = ((float *)xai_run_seed(run, output)->data)[1] = 1;
  must(xai_run_backward(run, err));
  assert_floats(xai_run_grad(run, input), (const float[]){3, 4, 1, 2, 0, 0}, 6, 0);
  xai_run_close(run);
  xai_net_free(net);
}

static void every_failing_allocation_of_an_evaluation_is_survived(void **state) {
  (void)state;
  xai_net *net = several();
  float a[6] = {0};
  int64_t s[2] = {3, 2};
  xai_view in[2] = {{XAI_F32, XAI_SHAPE(2, 3), a}, {XAI_I64, XAI_SHAPE(2), s}};
  xai_status st = XAI_ENOMEM;
  for (int k = 0; st != XAI_OK; k++) {
    xai_err err;
    xai_tensor *out[4] = {NULL};
    assert_true(k < 1000);
    xai_mem_fail_after(k, false);
    st = xai_net_eval(net, in, 2, out, &err);
    xai_mem_fail_after(-1, false);
    if (st != XAI_OK) {
      assert_int_equal(st, XAI_ENOMEM);
      assert_null(out[0]);
    }
    for (int i = 0; i < 4; i++) xai_tensor_free(out[i]);
  }
  xai_net_free(net); /* finished runs wait in the net's stock until here */
  assert_int_equal(xai_mem_live(), 0);
}

static void a_stop_request_ends_the_pass(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_view x = tiny_input();
  xai_tensor *z = NULL;
  xai_err err;
  xai_stop_request();
  xai_status st = xai_net_logits(net, &x, &z, &err);
  xai_stop_clear();
  assert_int_equal(st, XAI_ESTOP);
  assert_null(z);
  must(xai_net_logits(net, &x, &z, err));
  xai_tensor_free(z);
  xai_net_free(net);
}

static void every_failing_allocation_leaves_nothing_behind(void **state) {
  (void)state;
  xai_view x = tiny_input();
  int logits = XAI_LAYER_LOGITS, input = XAI_LAYER_INPUT;
  xai_request request = {.seeds = &logits, .n_seeds = 1, .wants = &input, .n_wants = 1};
  xai_status st = XAI_ENOMEM;
  for (int k = 0; st != XAI_OK; k++) {
    xai_err err;
    xai_run *run = NULL;
    size_t before = xai_mem_live();
    xai_net *net = tiny_net(); /* a new one: what an attempt has packed stays with the network */
    assert_true(k < 1000);
    xai_mem_fail_after(k, false);
    st = xai_run_open(net, &x.shape, &request, &run, &err);
    xai_mem_fail_after(-1, false);
    if (st == XAI_OK) xai_run_close(run);
    else {
      assert_int_equal(st, XAI_ENOMEM);
      assert_null(run);
    }
    xai_net_free(net);
    assert_int_equal(xai_mem_live(), before);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_the_classifier_weighs_is_found),
      cmocka_unit_test(forward_gives_the_hand_worked_logits),
      cmocka_unit_test(predict_ranks_by_probability),
      cmocka_unit_test(backward_reaches_input_and_layer),
      cmocka_unit_test(guided_and_deconv_follow_their_rules),
      cmocka_unit_test(a_run_of_the_stock_gives_the_same_again),
      cmocka_unit_test(keep_all_allows_several_backward_passes),
      cmocka_unit_test(seeds_at_two_layers_add_up),
      cmocka_unit_test(weight_gradients_are_those_of_the_chain_rule),
      cmocka_unit_test(a_batch_gives_each_image_its_own_result),
      cmocka_unit_test(partial_forward_does_not_run_what_follows),
      cmocka_unit_test(wrong_input_is_refused_with_both_shapes),
      cmocka_unit_test(all_inputs_go_in_and_all_outputs_come_out),
      cmocka_unit_test(a_plan_serves_only_the_elements_that_decided_about_its_shapes),
      cmocka_unit_test(gradients_reach_the_first_of_several_inputs),
      cmocka_unit_test(gradients_come_back_from_several_outputs_of_one_node),
      cmocka_unit_test(every_failing_allocation_of_an_evaluation_is_survived),
      cmocka_unit_test(a_stop_request_ends_the_pass),
      cmocka_unit_test(every_failing_allocation_leaves_nothing_behind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
