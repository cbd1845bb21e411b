/* What the builder accepts, folds, drops and refuses. */
#include <string.h>

#include "tiny.h"

static xai_builder *with_input(void) {
  xai_builder *b = NULL;
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "x", XAI_F32, XAI_SHAPE(-1, 1, 2, 2), err));
  return b;
}

static void node_fails(xai_builder *b, xai_op op, int n_in, const char *const *in, const char *out, xai_status want, const char *text) {
  xai_err err = {""};
  assert_int_equal(xai_builder_node(b, "n", op, NULL, n_in, in, 1, &out, &err), want);
  assert_string_equal(err.text, text);
  xai_builder_free(b);
}

static void a_value_must_exist_before_it_is_used(void **state) {
  (void)state;
  node_fails(with_input(), XAI_OP_RELU, 1, (const char *[]){"xx"}, "y", XAI_ENOTFOUND,
             "value 'xx' is used before it is defined; did you mean 'x'?");
}

static void a_value_is_defined_once(void **state) {
  (void)state;
  node_fails(with_input(), XAI_OP_RELU, 1, (const char *[]){"x"}, "x", XAI_EFORMAT, "value 'x' is defined twice");
}

static void the_number_of_inputs_is_checked(void **state) {
  (void)state;
  node_fails(with_input(), XAI_OP_RELU, 2, (const char *[]){"x", "x"}, "y", XAI_EFORMAT,
             "wrong number of inputs for Relu (expected 1, got 2)");
  node_fails(with_input(), XAI_OP_CONV, 1, (const char *[]){"x"}, "y", XAI_EFORMAT,
             "wrong number of inputs for Conv (expected 2 to 3, got 1)");
}

static void shapes_are_known_as_nodes_are_added(void **state) {
  (void)state;
  xai_builder *b = with_input();
  xai_shape shape;
  xai_err fault = {""};
  assert_int_equal(xai_builder_infer(b, &shape, &fault), XAI_EARG); /* no node yet */
  must(xai_builder_node(b, "r", XAI_OP_RELU, NULL, 1, (const char *[]){"x"}, 1, (const char *[]){"r"}, err));
  must(xai_builder_infer(b, &shape, err));
  assert_true(xai_shape_equal(&shape, &(xai_shape){4, {1, 1, 2, 2}}));
  must(xai_builder_node(b, "f", XAI_OP_FLATTEN, NULL, 1, (const char *[]){"r"}, 1, (const char *[]){"f"}, err));
  must(xai_builder_infer(b, &shape, err));
  assert_true(xai_shape_equal(&shape, &(xai_shape){2, {1, 4}}));
  must(xai_builder_node(b, "g", XAI_OP_GLOBAL_AVERAGE_POOL, NULL, 1, (const char *[]){"f"}, 1, (const char *[]){"g"}, err));
  assert_int_equal(xai_builder_infer(b, &shape, &fault), XAI_ESHAPE);
  assert_string_equal(fault.text, "GlobalAveragePool: input 1x4 has no spatial axes");
  xai_builder_free(b);
}

static void freeze_fails(xai_builder *b, const char *text) {
  xai_net *net = NULL;
  xai_err err = {""};
  assert_int_not_equal(xai_builder_freeze(b, &net, &err), XAI_OK);
  assert_string_equal(err.text, text);
  assert_null(net);
  xai_builder_free(b);
}

static void a_graph_needs_an_output(void **state) {
  (void)state;
  freeze_fails(with_input(), "the graph has no output");
}

/* y = relu(c) is a constant: there is no layer left, and evaluating gives it all the same */
static void an_output_may_be_a_constant(void **state) {
  (void)state;
  xai_builder *b = with_input();
  tiny_constant(b, "c", XAI_SHAPE(1), (const float[]){1});
  must(xai_builder_node(b, "r", XAI_OP_RELU, NULL, 1, (const char *[]){"c"}, 1, (const char *[]){"y"}, err));
  must(xai_builder_output(b, "y", err));
  xai_net *net = NULL;
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  assert_int_equal(xai_net_layer_count(net), 0);
  assert_int_equal(xai_net_resolve(net, XAI_LAYER_OUTPUT), XAI_LAYER_NONE);
  assert_int_equal(xai_net_classes(net), 0);
  float x[4] = {0};
  xai_view in = {XAI_F32, XAI_SHAPE(1, 1, 2, 2), x};
  xai_tensor *y = NULL;
  must(xai_net_eval(net, &in, 1, &y, err));
  assert_floats(xai_tensor_view(y), (const float[]){1}, 1, 0);
  xai_tensor_free(y);
  xai_net_free(net);
}

static void a_misfit_is_found_at_load_with_the_layers_name(void **state) {
  (void)state;
  xai_builder *b = with_input();
  tiny_constant(b, "w", XAI_SHAPE(2, 3, 1, 1), (const float[]){1, 1, 1, 1, 1, 1});
  must(xai_builder_node(b, "first", XAI_OP_CONV, NULL, 2, (const char *[]){"x", "w"}, 1, (const char *[]){"y"}, err));
  must(xai_builder_output(b, "y", err));
  xai_net *net = NULL;
  xai_err err = {""};
  assert_int_equal(xai_builder_freeze(b, &net, &err), XAI_ESHAPE);
  assert_non_null(strstr(err.text, "layer 'first': Conv: "));
  assert_non_null(strstr(err.text, "2x3x1x1"));
  xai_builder_free(b);
}

/* y = x + (2 * 3) with 2 * 3 in the graph, and a branch that no output needs */
static void constants_are_folded_and_dead_branches_dropped(void **state) {
  (void)state;
  xai_builder *b = with_input();
  tiny_constant(b, "two", XAI_SHAPE(1), (const float[]){2});
  tiny_constant(b, "three", XAI_SHAPE(1), (const float[]){3});
  must(xai_builder_node(b, "", XAI_OP_MUL, NULL, 2, (const char *[]){"two", "three"}, 1, (const char *[]){"six"}, err));
  must(xai_builder_node(b, "", XAI_OP_SUB, NULL, 2, (const char *[]){"x", "two"}, 1, (const char *[]){"unused"}, err));
  must(xai_builder_node(b, "", XAI_OP_ADD, NULL, 2, (const char *[]){"x", "six"}, 1, (const char *[]){"y"}, err));
  must(xai_builder_output(b, "y", err));
  xai_net *net = NULL;
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  assert_int_equal(xai_net_layer_count(net), 1);
  assert_string_equal(xai_net_layer(net, 0).op, "Add");
  assert_int_equal(xai_net_param_count(net), 1);
  xai_view x = tiny_input();
  xai_tensor *y = NULL;
  must(xai_net_forward(net, &x, XAI_LAYER_OUTPUT, &y, err));
  assert_floats(xai_tensor_view(y), (const float[]){7, 5, 8, 6.25f}, 4, 0);
  xai_tensor_free(y);
  xai_net_free(net);
}

/* y = reshape(x, shape computed from Shape(x)): known once x's shape is, for any batch */
static void shape_arithmetic_costs_no_layer_at_run_time(void **state) {
  (void)state;
  xai_builder *b = with_input();
  xai_tensor *t = NULL;
  must(xai_tensor_copy(&(xai_view){XAI_I64, XAI_SHAPE(1), (int64_t[]){0}}, &t, err));
  must(xai_builder_constant(b, "zero", t, err));
  xai_tensor_free(t);
  must(xai_tensor_copy(&(xai_view){XAI_I64, XAI_SHAPE(1), (int64_t[]){-1}}, &t, err));
  must(xai_builder_constant(b, "rest", t, err));
  xai_tensor_free(t);
  must(xai_builder_node(b, "", XAI_OP_SHAPE, NULL, 1, (const char *[]){"x"}, 1, (const char *[]){"s"}, err));
  must(xai_builder_node(b, "", XAI_OP_GATHER, NULL, 2, (const char *[]){"s", "zero"}, 1, (const char *[]){"n"}, err));
  xai_attrs axis = {.axis.axis = 0};
  must(xai_builder_node(b, "", XAI_OP_CONCAT, &axis, 2, (const char *[]){"n", "rest"}, 1, (const char *[]){"shape"}, err));
  must(xai_builder_node(b, "", XAI_OP_RESHAPE, NULL, 2, (const char *[]){"x", "shape"}, 1, (const char *[]){"flat"}, err));
  must(xai_builder_node(b, "", XAI_OP_RELU, NULL, 1, (const char *[]){"flat"}, 1, (const char *[]){"y"}, err));
  must(xai_builder_output(b, "y", err));
  xai_net *net = NULL;
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  const float two[8] = {1, -1, 2, -2, 3, -3, 4, -4};
  xai_view x = {XAI_F32, XAI_SHAPE(2, 1, 2, 2), (void *)(uintptr_t)two};
  xai_tensor *y = NULL;
  must(xai_net_forward(net, &x, XAI_LAYER_OUTPUT, &y, err));
  xai_shape want = XAI_SHAPE(2, 4);
  assert_true(xai_shape_equal(&xai_tensor_view(y)->shape, &want));
  assert_floats(xai_tensor_view(y), (const float[]){1, 0, 2, 0, 3, 0, 4, 0}, 8, 0);
  xai_tensor_free(y);
  xai_net_free(net);
}

static void nodes_of_one_name_are_told_apart(void **state) {
  (void)state;
  xai_builder *b = with_input();
  must(xai_builder_node(b, "same", XAI_OP_RELU, NULL, 1, (const char *[]){"x"}, 1, (const char *[]){"y1"}, err));
  must(xai_builder_node(b, "same", XAI_OP_TANH, NULL, 1, (const char *[]){"y1"}, 1, (const char *[]){"y2"}, err));
  must(xai_builder_output(b, "y2", err));
  xai_net *net = NULL;
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  assert_string_equal(xai_net_layer(net, 0).name, "same");
  assert_string_equal(xai_net_layer(net, 1).name, "y2");
  xai_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shapes_are_known_as_nodes_are_added),
      cmocka_unit_test(a_value_must_exist_before_it_is_used),
      cmocka_unit_test(a_value_is_defined_once),
      cmocka_unit_test(the_number_of_inputs_is_checked),
      cmocka_unit_test(a_graph_needs_an_output),
      cmocka_unit_test(an_output_may_be_a_constant),
      cmocka_unit_test(a_misfit_is_found_at_load_with_the_layers_name),
      cmocka_unit_test(constants_are_folded_and_dead_branches_dropped),
      cmocka_unit_test(shape_arithmetic_costs_no_layer_at_run_time),
      cmocka_unit_test(nodes_of_one_name_are_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
