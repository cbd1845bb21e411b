/* What a file is made of: everything that cannot be run is named, the rest is told as the loaded network would tell it. */
#include "scratch.h"

#include "formats/caffe_make.h"
#include "formats/inspect.h"

static void put(const char *path, xai_buf b) {
  put_file(path, b.data, b.size);
  xai_buf_free(&b);
}

static void inspect(const char *path, xai_inspection *i) {
  xai_err err = {""};
  *i = (xai_inspection){0};
  if (xai_inspect(path, NULL, i, &err) != XAI_OK) fail_msg("%s", err.text);
}

static const xai_op_use *use_of(const xai_inspection *i, const char *op) {
  for (int k = 0; k < i->n_ops; k++)
    if (strcmp(i->ops[k].name, op) == 0) return &i->ops[k];
  fail_msg("%s is not listed", op);
  return NULL;
}

/* x (2 x 8) -> MatMul with 8 x 32 weights -> Relu -> y */
static model sound_model(void) {
  static float w[8 * 32];
  for (int i = 0; i < 8 * 32; i++) w[i] = 1;
  model m = model_of(13);
  add_initializer(&m, tensor_f32("w", XAI_SHAPE(8, 32), w));
  add_input(&m, "x", XAI_SHAPE(2, 8));
  add_node(&m, node("MatMul", "product", "x w", "p"));
  add_node(&m, node("Relu", "relu", "p", "y"));
  add_output(&m, "y");
  return m;
}

/* Three nodes that cannot be run, each reached only by going on behind the one before: an operator that nobody knows,
 * an attribute that Relu does not have, a loop. An If on what one of them makes is no problem of its own. */
static model faulty_model(void) {
  model m = model_of(13);
  add_input(&m, "x", XAI_SHAPE(2, 8));
  xai_buf relu = node("Relu", "relu", "a", "b");
  attr_float(&relu, "slope", 1);
  add_node(&m, node("Bogus", "first", "x", "a"));
  add_node(&m, relu);
  add_node(&m, node("Loop", "third", "b", "c"));
  add_node(&m, node("If", "branch", "c", "d"));
  add_node(&m, node("Abs", "abs", "d", "y"));
  add_output(&m, "y");
  return m;
}

static void a_sound_network_is_told_with_zeros_for_its_weights(void **state) {
  (void)state;
  model m = sound_model();
  xai_inspection i = {0};
  char text[XAI_SHAPE_TEXT];
  put(scratch("a.onnx"), model_bytes(&m));
  inspect(scratch("a.onnx"), &i);
  assert_string_equal(i.format, "ONNX");
  assert_int_equal(i.opset, 13);
  assert_int_equal(i.n_problems, 0);
  assert_int_equal(i.n_ops, 2);
  assert_int_equal(use_of(&i, "MatMul")->count, 1);
  assert_non_null(i.net);
  assert_int_equal(xai_net_layer_count(i.net), 2);
  assert_int_equal(xai_net_param_count(i.net), 8 * 32);
  xai_layer product = xai_net_layer(i.net, 0);
  assert_string_equal(product.name, "product");
  assert_string_equal(xai_shape_text(&product.shape, text), "2x32");
  xai_tensor *w = xai_net_weight(i.net, 0, 1);
  for (int k = 0; k < 8 * 32; k++) assert_true(xai_tensor_floats(w)[k] == 0);
  xai_inspection_free(&i);
}

static void all_that_cannot_be_run_is_named(void **state) {
  (void)state;
  static const struct {
    const char *node, *op, *text;
  } want[] = {{"first", "Bogus", "operator 'Bogus' (opset 13) is not supported"},
              {"relu", "Relu", "attribute 'slope' of operator Relu (opset 13) is not supported"},
              {"third", "Loop", "loops (operator Loop) are not supported"}};
  model m = faulty_model();
  xai_inspection i = {0};
  put(scratch("b.onnx"), model_bytes(&m));
  inspect(scratch("b.onnx"), &i);
  assert_null(i.net);
  assert_int_equal(i.n_problems, 3);
  for (int k = 0; k < 3; k++) {
    assert_string_equal(i.problems[k].node, want[k].node);
    assert_string_equal(i.problems[k].op, want[k].op);
    assert_non_null(strstr(i.problems[k].text, want[k].text));
  }
  assert_int_equal(i.n_ops, 5);
  assert_int_equal(use_of(&i, "Relu")->problems, 1);
  assert_int_equal(use_of(&i, "Abs")->problems, 0);
  xai_inspection_free(&i);
}

static void shapes_that_do_not_fit_are_a_problem_of_the_whole(void **state) {
  (void)state;
  model m = sound_model();
  xai_inspection i = {0};
  add_node(&m, node("MatMul", "again", "p w", "z")); /* 2 x 32 times 8 x 32 */
  add_output(&m, "z");
  put(scratch("c.onnx"), model_bytes(&m));
  inspect(scratch("c.onnx"), &i);
  assert_null(i.net);
  assert_int_equal(i.n_problems, 1);
  assert_string_equal(i.problems[0].node, "");
  assert_non_null(strstr(i.problems[0].text, "again"));
  xai_inspection_free(&i);
}

/* More problems than are kept are counted. */
static void problems_without_end_are_counted(void **state) {
  (void)state;
  model m = model_of(13);
  xai_inspection i = {0};
  char from[16], to[16];
  add_input(&m, "v0", XAI_SHAPE(1));
  for (int k = 0; k < XAI_PROBLEMS + 7; k++) {
    snprintf(from, sizeof from, "v%d", k);
    snprintf(to, sizeof to, "v%d", k + 1);
    add_node(&m, node("Bogus", "", from, to));
  }
  add_output(&m, to);
  put(scratch("d.onnx"), model_bytes(&m));
  inspect(scratch("d.onnx"), &i);
  assert_int_equal(i.n_problems, XAI_PROBLEMS);
  assert_int_equal(i.more_problems, 7);
  assert_int_equal(use_of(&i, "Bogus")->problems, XAI_PROBLEMS + 7);
  xai_inspection_free(&i);
}

static const char *const structure = "name: 'net' input: 'x' input_shape { dim: 1 dim: 2 dim: 4 dim: 4 }\n"
                                     "layer { name: 'c' type: 'Convolution' bottom: 'x' top: 'c'\n"
                                     "        convolution_param { num_output: 1 kernel_size: 1 bias_term: false } }\n"
                                     "layer { name: 's' type: 'Spooling' bottom: 'c' top: 's' }\n"
                                     "layer { name: 'r' type: 'ReLU' bottom: 's' top: 's' }\n";

static void a_caffe_network_is_told_by_its_layers_types(void **state) {
  (void)state;
  xai_inspection i = {0};
  xai_buf weights = caffe_model();
  LAYER(&weights, "c", BLOB(XAI_SHAPE(1, 2, 1, 1), 1, 2));
  put_text(scratch("n.prototxt"), structure);
  for (int both = 0; both < 2; both++) {
    if (both) put(scratch("n.caffemodel"), weights);
    inspect(scratch("n.prototxt"), &i);
    assert_string_equal(i.format, "Caffe");
    assert_int_equal(i.n_ops, 3);
    assert_int_equal(i.n_problems, 1);
    assert_string_equal(i.problems[0].node, "s");
    assert_string_equal(i.problems[0].op, "Spooling");
    assert_int_equal(use_of(&i, "ReLU")->problems, 0);
    xai_inspection_free(&i);
  }
}

static void other_files_are_refused_or_said_to_be_weights(void **state) {
  (void)state;
  xai_inspection i = {0};
  xai_err err = {""};
  xai_buf b = {0};
  xai_buf_add(&b, "\x89PNG\r\n\x1a\n", 8);
  put(scratch("p.onnx"), b);
  assert_int_equal(xai_inspect(scratch("p.onnx"), NULL, &i, &err), XAI_EFORMAT);
  assert_non_null(strstr(err.text, "a PNG picture, expected an ONNX model"));
  b = (xai_buf){0};
  xai_buf_add(&b, "\2\0\0\0\0\0\0\0{}", 10);
  put(scratch("w.safetensors"), b);
  inspect(scratch("w.safetensors"), &i);
  assert_string_equal(i.format, "tensors");
  xai_inspection_free(&i);
}

static xai_status attempt_inspection(const char *path, xai_err *err) {
  xai_inspection i = {0};
  xai_status st = xai_inspect(path, NULL, &i, err);
  if (st != XAI_OK) assert_null(i.ops);
  xai_inspection_free(&i);
  return st;
}

static void damage_and_want_of_memory_are_survived(void **state) {
  (void)state;
  for (int faulty = 0; faulty < 2; faulty++) {
    model m = faulty ? faulty_model() : sound_model();
    xai_buf b = model_bytes(&m);
    put_file(scratch("e.onnx"), b.data, b.size);
    each_allocation_fails(attempt_inspection, scratch("e.onnx"));
    each_cut_is_refused(attempt_inspection, scratch("e.onnx"), b.data, b.size, b.size);
    xai_buf_free(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_sound_network_is_told_with_zeros_for_its_weights),
      cmocka_unit_test(all_that_cannot_be_run_is_named),
      cmocka_unit_test(shapes_that_do_not_fit_are_a_problem_of_the_whole),
      cmocka_unit_test(problems_without_end_are_counted),
      cmocka_unit_test(a_caffe_network_is_told_by_its_layers_types),
      cmocka_unit_test(other_files_are_refused_or_said_to_be_weights),
      cmocka_unit_test(damage_and_want_of_memory_are_survived),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
