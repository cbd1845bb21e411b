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

/* Expands one byte to n of them. */
static void add_expanded(xai_builder *b, const char *shape, int64_t n, const char *out) {
  xai_tensor *t = NULL;
  must(xai_tensor_copy(&(xai_view){XAI_I64, XAI_SHAPE(1), &n}, &t, err));
  must(xai_builder_constant(b, shape, t, err));
  xai_tensor_free(t);
  must(xai_builder_node(b, out, XAI_OP_EXPAND, NULL, 2, (const char *[]){"byte", shape}, 1, &out, err));
  must(xai_builder_output(b, out, err));
}

static xai_builder *with_byte(void) {
  xai_builder *b = with_input();
  uint8_t one = 1;
  xai_tensor *t = NULL;
  must(xai_tensor_copy(&(xai_view){XAI_U8, XAI_SHAPE(1), &one}, &t, err));
  must(xai_builder_constant(b, "byte", t, err));
  xai_tensor_free(t);
  return b;
}

/* The three numbers of the file give 2^26 + 3 * 8 elements of room; both nodes want 2 * (2^25 + 13) = 2^26 + 26. */
static void a_few_numbers_do_not_become_gigabytes(void **state) {
  (void)state;
  xai_builder *b = with_byte();
  add_expanded(b, "s1", (1 << 25) + 13, "y1");
  add_expanded(b, "s2", (1 << 25) + 13, "y2");
  freeze_fails(b, "layer 'y2': constants would grow out of proportion (another 33554445 elements)");
  b = with_byte();
  add_expanded(b, "s1", INT64_C(1) << 32, "y1");
  freeze_fails(b, "layer 'y1': constants would grow out of proportion (another 4294967296 elements)");
}

/* 2^25 elements turned three times: more than the 2^26 that any file may make, less than eight times its own. */
static void large_weights_are_computed_with(void **state) {
  (void)state;
  xai_builder *b = with_input();
  xai_net *net = NULL;
  xai_tensor *t = NULL;
  must(xai_tensor_new(XAI_U8, XAI_SHAPE(1 << 12, 1 << 13), &t, err));
  must(xai_builder_constant(b, "w", t, err));
  xai_tensor_free(t);
  static const char *const names[] = {"w", "t1", "t2", "t3"};
  for (int i = 0; i < 3; i++)
    must(xai_builder_node(b, names[i + 1], XAI_OP_TRANSPOSE, NULL, 1, &names[i], 1, &names[i + 1], err));
  must(xai_builder_output(b, "t3", err));
  must(xai_builder_freeze(b, &net, err));
  assert_int_equal(xai_net_layer_count(net), 0);
  xai_net_free(net);
  xai_builder_free(b);
}

/* Shape(x) * (1, 2^22, 1, 1) = 1 x 2^22 x 2 x 2 zeros, four times: 64 MB each, of which planning makes one at most. */
static void planning_does_not_compute_what_the_run_will(void **state) {
  (void)state;
  xai_builder *b = with_input();
  xai_net *net = NULL;
  xai_tensor *t = NULL;
  int64_t factors[] = {1, 1 << 22, 1, 1};
  must(xai_tensor_copy(&(xai_view){XAI_I64, XAI_SHAPE(4), factors}, &t, err));
  must(xai_builder_constant(b, "k", t, err));
  xai_tensor_free(t);
  must(xai_builder_node(b, "s", XAI_OP_SHAPE, NULL, 1, (const char *[]){"x"}, 1, (const char *[]){"s"}, err));
  must(xai_builder_node(b, "m", XAI_OP_MUL, NULL, 2, (const char *[]){"s", "k"}, 1, (const char *[]){"m"}, err));
  static const char *const names[] = {"z1", "z2", "z3", "z4"}, *const from = "m";
  for (int i = 0; i < 4; i++) {
    must(xai_builder_node(b, names[i], XAI_OP_CONSTANT_OF_SHAPE, NULL, 1, &from, 1, &names[i], err));
    must(xai_builder_output(b, names[i], err));
  }
  xai_mem_limit(xai_mem_live() + ((size_t)100 << 20));
  must(xai_builder_freeze(b, &net, err));
  xai_mem_limit(0);
  int last;
  must(xai_net_find_layer(net, "z4", &last, err));
  xai_shape expected = XAI_SHAPE(1, 1 << 22, 2, 2), found = xai_net_layer(net, last).shape;
  assert_true(xai_shape_equal(&found, &expected));
  xai_net_free(net);
  xai_builder_free(b);
}

/* Ones, n x 16 times 16 x n: 32 n numbers read and n^2 written, for n = 4096 2^17 * 2^24 > 2^36; every element is 16. */
static void long_work_on_constants_is_left_to_the_run(void **state) {
  (void)state;
  static const int64_t sizes[] = {4, 4096};
  for (int k = 0; k < 2; k++) {
    int64_t n = sizes[k];
    xai_builder *b = with_input();
    xai_net *net = NULL;
    xai_tensor *w = NULL, *y = NULL;
    must(xai_tensor_new(XAI_F32, XAI_SHAPE(16 * n), &w, err));
    for (int64_t i = 0; i < 16 * n; i++) xai_tensor_floats(w)[i] = 1;
    for (int side = 0; side < 2; side++) {
      xai_tensor *t = NULL;
      must(xai_tensor_reshape(w, side == 0 ? XAI_SHAPE(n, 16) : XAI_SHAPE(16, n), &t, err));
      must(xai_builder_constant(b, side == 0 ? "a" : "b", t, err));
      xai_tensor_free(t);
    }
    must(xai_builder_node(b, "y", XAI_OP_MATMUL, NULL, 2, (const char *[]){"a", "b"}, 1, (const char *[]){"y"}, err));
    must(xai_builder_output(b, "y", err));
    must(xai_builder_freeze(b, &net, err));
    assert_int_equal(xai_net_layer_count(net), k);
    must(xai_net_eval(net, &(xai_view){XAI_F32, XAI_SHAPE(1, 1, 2, 2), (void *)(uintptr_t)tiny_x}, 1, &y, err));
    assert_int_equal(xai_tensor_count(y), n * n);
    for (int64_t i = 0; i < n * n; i++)
      if (xai_tensor_floats(y)[i] != 16) fail_msg("element %lld", (long long)i);
    xai_tensor_free(y);
    xai_tensor_free(w);
    xai_net_free(net);
    xai_builder_free(b);
  }
}

static void an_interrupted_load_fails(void **state) {
  (void)state;
  xai_builder *b = with_input();
  xai_net *net = NULL;
  xai_err err = {""};
  tiny_constant(b, "c", XAI_SHAPE(1), (const float[]){1});
  must(xai_builder_node(b, "r", XAI_OP_RELU, NULL, 1, (const char *[]){"c"}, 1, (const char *[]){"r"}, err));
  must(xai_builder_output(b, "r", err));
  xai_stop_request();
  xai_status st = xai_builder_freeze(b, &net, &err);
  xai_stop_clear();
  assert_int_equal(st, XAI_ESTOP);
  assert_null(net);
  xai_builder_free(b);
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
      cmocka_unit_test(a_few_numbers_do_not_become_gigabytes),
      cmocka_unit_test(large_weights_are_computed_with),
      cmocka_unit_test(long_work_on_constants_is_left_to_the_run),
      cmocka_unit_test(an_interrupted_load_fails),
      cmocka_unit_test(planning_does_not_compute_what_the_run_will),
      cmocka_unit_test(shape_arithmetic_costs_no_layer_at_run_time),
      cmocka_unit_test(nodes_of_one_name_are_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
