/* Nodes: attributes, what is refused, and every older form of an operator, checked by what it computes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/onnx_make.h"

/* A model x -> y of one node. */
static model one_node(int64_t opset, xai_shape x, xai_buf n) {
  model m = model_of(opset);
  add_input(&m, "x", x);
  add_node(&m, n);
  add_output(&m, "y");
  return m;
}
static void constant(model *m, const char *name, xai_shape shape, const float *v) {
  add_initializer(m, tensor_f32(name, shape, v));
}
static void indices(model *m, const char *name, xai_shape shape, const int64_t *v) {
  add_initializer(m, tensor_i64(name, shape, v));
}

/* ---- operators ----------------------------------------------------------------------------------- */
static void an_unknown_operator_is_named_with_node_and_opset(void **state) {
  (void)state;
  model m = one_node(16, XAI_SHAPE(1), node("TfIdfVectorizer", "n17", "x", "y"));
  assert_refused(&m, XAI_EUNSUPPORTED,
                 "node 'n17': operator 'TfIdfVectorizer' (opset 16) is not supported");
  m = one_node(16, XAI_SHAPE(1), node("relu", "", "x", "y"));
  assert_refused(&m, XAI_EUNSUPPORTED, "node 'y': operator 'relu' (opset 16) is not supported; did you mean 'Relu'?");
}

static void an_operator_of_another_domain_is_refused_even_if_its_name_is_known(void **state) {
  (void)state;
  xai_buf n = node("Relu", "r", "x", "y");
  pb_text(&n, 7, "com.example");
  model m = one_node(13, XAI_SHAPE(1), n);
  assert_refused(&m, XAI_EUNSUPPORTED, "node 'r': operator 'Relu' is from domain 'com.example'");
}

static void the_domain_may_be_spelled_out(void **state) {
  (void)state;
  xai_buf n = node("Relu", "r", "x", "y");
  pb_text(&n, 7, "ai.onnx");
  model m = one_node(13, XAI_SHAPE(2), n);
  assert_computes(&m, XAI_SHAPE(2), (float[]){-1, 2}, XAI_SHAPE(2), (float[]){0, 2});
}

static void loops_are_refused(void **state) {
  (void)state;
  xai_buf n = node("Loop", "round", "x", "y"), a = {0}, g = {0};
  pb_text(&a, 1, "body");
  pb_message(&a, 6, g);
  pb_message(&n, 5, a);
  model m = one_node(13, XAI_SHAPE(1), n);
  assert_refused(&m, XAI_EUNSUPPORTED, "node 'round': loops (operator Loop) are not supported");
}

static void functions_of_the_file_are_refused_as_such(void **state) {
  (void)state;
  xai_buf n = node("Twice", "r", "x", "y");
  pb_text(&n, 7, "com.example");
  model m = one_node(13, XAI_SHAPE(1), n);
  xai_buf file = model_bytes(&m), function = {0};
  pb_text(&function, 1, "Twice");
  pb_message(&file, 25, function);
  assert_refused_bytes(file, XAI_EUNSUPPORTED,
                       "node 'r': operator 'Twice' of domain 'com.example' is a function of the file's own");
}

static void a_name_with_a_zero_byte_is_refused(void **state) {
  (void)state;
  xai_buf n = {0};
  pb_bytes(&n, 1, "x\0y", 3);
  pb_text(&n, 2, "y");
  pb_text(&n, 4, "Relu");
  model m = one_node(13, XAI_SHAPE(1), n);
  assert_refused(&m, XAI_EFORMAT, "has a zero byte inside");
  n = node("Relu", NULL, "x", "y");
  pb_bytes(&n, 3, "a\0", 2);
  m = one_node(13, XAI_SHAPE(1), n);
  assert_refused(&m, XAI_EFORMAT, "has a zero byte inside");
  n = node("", NULL, "x", "y");
  pb_bytes(&n, 4, "Relu\0", 5);
  m = one_node(13, XAI_SHAPE(1), n);
  assert_refused(&m, XAI_EFORMAT, "has a zero byte inside");
}

static void control_characters_in_names_do_not_reach_the_message(void **state) {
  (void)state;
  model m = one_node(13, XAI_SHAPE(1), node("Foo", "a\x1b[2Jb\n", "x", "y"));
  assert_refused(&m, XAI_EUNSUPPORTED, "node 'a?[2Jb?'");
}

static void a_node_without_output_is_refused(void **state) {
  (void)state;
  model m = one_node(13, XAI_SHAPE(1), node("Relu", "r", "x", ""));
  assert_refused(&m, XAI_EFORMAT, "node 'r': operator 'Relu' has no output");
  m = one_node(13, XAI_SHAPE(1), node("Relu", "r", "x", "-"));
  assert_refused(&m, XAI_EFORMAT, "node 'r': operator 'Relu' has no output");
}

static void a_missing_input_is_named(void **state) {
  (void)state;
  model m = one_node(13, XAI_SHAPE(1), node("Relu", "r", "xx", "y"));
  assert_refused(&m, XAI_ENOTFOUND, "node 'r': value 'xx' is used before it is defined");
}

/* ---- attributes ---------------------------------------------------------------------------------- */
static void an_unknown_attribute_is_named_with_the_nearest_one(void **state) {
  (void)state;
  xai_buf n = node("LeakyRelu", "r", "x", "y");
  attr_float(&n, "alpa", 0.5f);
  model m = one_node(13, XAI_SHAPE(1), n);
  assert_refused(&m, XAI_EUNSUPPORTED,
                 "node 'r': attribute 'alpa' of operator LeakyRelu (opset 13) is not supported; did you mean 'alpha'?");
}

static void an_attribute_of_the_wrong_type_is_refused(void **state) {
  (void)state;
  xai_buf n = node("LeakyRelu", "r", "x", "y");
  attr_int(&n, "alpha", 1);
  model m = one_node(13, XAI_SHAPE(1), n);
  assert_refused(&m, XAI_EFORMAT, "node 'r': attribute 'alpha': expected a float, got an int");
  n = node("Transpose", "t", "x", "y");
  attr_text(&n, "perm", "10");
  m = one_node(13, XAI_SHAPE(1), n);
  assert_refused(&m, XAI_EFORMAT, "attribute 'perm': expected a list of ints, got a string");
}

static void an_attribute_that_occurs_twice_is_refused(void **state) {
  (void)state;
  xai_buf n = node("LeakyRelu", "r", "x", "y");
  attr_float(&n, "alpha", 1);
  attr_float(&n, "alpha", 2);
  model m = one_node(13, XAI_SHAPE(1), n);
  assert_refused(&m, XAI_EFORMAT, "node 'r': attribute 'alpha' occurs twice");
}

static void too_many_attributes_or_numbers_in_one_are_refused(void **state) {
  (void)state;
  xai_buf n = node("Relu", "r", "x", "y");
  char name[16];
  for (int i = 0; i < 33; i++) {
    snprintf(name, sizeof name, "a%d", i);
    attr_int(&n, name, i);
  }
  model m = one_node(13, XAI_SHAPE(1), n);
  assert_refused(&m, XAI_EFORMAT, "node 'r': more than 32 attributes");
  const int64_t many[17] = {0};
  n = node("Transpose", "t", "x", "y");
  attr_ints(&n, "perm", 17, many);
  m = one_node(13, XAI_SHAPE(1), n);
  assert_refused(&m, XAI_EFORMAT, "attribute 'perm': more than 16 numbers");
}

static void an_unknown_choice_is_named_with_the_choices(void **state) {
  (void)state;
  xai_buf n = node("MaxPool", "p", "x", "y");
  ATTR_INTS(&n, "kernel_shape", 2, 2);
  attr_text(&n, "auto_pad", "SAME");
  model m = one_node(13, XAI_SHAPE(1, 1, 2, 2), n);
  assert_refused(&m, XAI_EUNSUPPORTED, "attribute 'auto_pad': 'SAME' is not supported (expected one of NOTSET, ");
}

static void an_attribute_without_a_type_is_what_its_value_is(void **state) {
  (void)state;
  xai_buf n = node("LeakyRelu", "r", "x", "y"), a = attr_head("alpha", 0);
  pb_float(&a, 2, 0.5f);
  pb_message(&n, 5, a);
  model m = one_node(1, XAI_SHAPE(2), n);
  assert_computes(&m, XAI_SHAPE(2), (float[]){-4, 4}, XAI_SHAPE(2), (float[]){-2, 4});
}

static void attributes_of_training_and_of_old_forms_are_ignored(void **state) {
  (void)state;
  xai_buf n = node("Relu", "r", "x", "y");
  ATTR_INTS(&n, "consumed_inputs", 0);
  model m = one_node(1, XAI_SHAPE(2), n);
  assert_computes(&m, XAI_SHAPE(2), (float[]){-1, 2}, XAI_SHAPE(2), (float[]){0, 2});
}

/* ---- Constant, Cast, ConstantOfShape ------------------------------------------------------------- */
/* y = x + c, where c is a Constant with this attribute; x = {10, 20} */
static void assert_constant(xai_buf attribute, const float *expected) {
  xai_buf c = node("Constant", "", "", "c"), cast = node("Cast", "", "c", "f");
  pb_message(&c, 5, attribute);
  attr_int(&cast, "to", T_F32);
  model m = model_of(13);
  add_input(&m, "x", XAI_SHAPE(2));
  add_node(&m, c);
  add_node(&m, cast);
  add_node(&m, node("Add", "", "x f", "y"));
  add_output(&m, "y");
  assert_computes(&m, XAI_SHAPE(2), (float[]){10, 20}, XAI_SHAPE(2), expected);
}

static void constants_come_in_five_forms(void **state) {
  (void)state;
  const int64_t v[] = {1, 2};
  xai_buf a = attr_head("value", 4);
  pb_message(&a, 5, tensor_i64(NULL, XAI_SHAPE(2), v));
  assert_constant(a, (float[]){11, 22});
  a = attr_head("value_ints", 7);
  pb_int(&a, 8, 1);
  pb_int(&a, 8, 2);
  assert_constant(a, (float[]){11, 22});
  a = attr_head("value_floats", 6);
  pb_float(&a, 7, 0.5f);
  pb_float(&a, 7, 1.5f);
  assert_constant(a, (float[]){10.5f, 21.5f});
  a = attr_head("value_int", 2);
  pb_int(&a, 3, 7);
  assert_constant(a, (float[]){17, 27});
  a = attr_head("value_float", 1);
  pb_float(&a, 2, 0.25f);
  assert_constant(a, (float[]){10.25f, 20.25f});
}

static void other_constants_are_refused(void **state) {
  (void)state;
  xai_buf n = node("Constant", "c", "", "y");
  attr_text(&n, "value_string", "a");
  model m = one_node(13, XAI_SHAPE(1), n);
  assert_refused(&m, XAI_EUNSUPPORTED, "node 'c': a Constant with 'value_string' is not supported");
  m = one_node(13, XAI_SHAPE(1), node("Constant", "c", "", "y"));
  assert_refused(&m, XAI_EFORMAT, "node 'c': a Constant has one attribute, this has 0");
  n = node("Constant", "c", "", "y z");
  attr_int(&n, "value_int", 1);
  m = one_node(13, XAI_SHAPE(1), n);
  assert_refused(&m, XAI_EFORMAT, "a Constant has one output, this has 2");
  n = node("Constant", "c", "", "y");
  attr_text(&n, "value", "a");
  m = one_node(13, XAI_SHAPE(1), n);
  assert_refused(&m, XAI_EUNSUPPORTED, "a string cannot become a tensor");
}

/* Cast truncates towards zero: 2.7 -> 2, -2.7 -> -2. */
static void cast_knows_element_types_by_number_and_before_opset_6_by_name(void **state) {
  (void)state;
  for (int old = 0; old < 2; old++) {
    xai_buf to = node("Cast", "", "x", "i"), from = node("Cast", "", "i", "y");
    if (old) attr_text(&to, "to", "INT64");
    else attr_int(&to, "to", T_I64);
    if (old) attr_text(&from, "to", "FLOAT");
    else attr_int(&from, "to", T_F32);
    model m = model_of(old ? 5 : 13);
    add_input(&m, "x", XAI_SHAPE(2));
    add_node(&m, to);
    add_node(&m, from);
    add_output(&m, "y");
    assert_computes(&m, XAI_SHAPE(2), (float[]){2.7f, -2.7f}, XAI_SHAPE(2), (float[]){2, -2});
  }
  xai_buf n = node("Cast", "c", "x", "y");
  attr_int(&n, "to", T_STRING);
  model m = one_node(13, XAI_SHAPE(1), n);
  assert_refused(&m, XAI_EUNSUPPORTED, "node 'c': elements of type string are not supported");
  n = node("Cast", "c", "x", "y");
  attr_text(&n, "to", "COMPLEX");
  m = one_node(5, XAI_SHAPE(1), n);
  assert_refused(&m, XAI_EUNSUPPORTED, "node 'c': elements of type");
  m = one_node(13, XAI_SHAPE(1), node("Cast", "c", "x", "y"));
  assert_refused(&m, XAI_EFORMAT, "attribute 'to' is missing");
}

static void constant_of_shape_takes_value_and_type_from_its_tensor(void **state) {
  (void)state;
  const int64_t shape[] = {2}, zero[] = {0};
  const float v[] = {2.5f, 0};
  /* y = x + 2.5 * ones(2); then an int64 fill used as a Reshape target: reshape to {1, 2} = {1} ++ Shape(x) */
  xai_buf fill = node("ConstantOfShape", "f", "s", "c");
  attr_tensor(&fill, "value", tensor_f32(NULL, XAI_SHAPE(1), v));
  model m = model_of(13);
  add_input(&m, "x", XAI_SHAPE(2));
  indices(&m, "s", XAI_SHAPE(1), shape);
  add_node(&m, fill);
  add_node(&m, node("Add", "", "x c", "y"));
  add_output(&m, "y");
  assert_computes(&m, XAI_SHAPE(2), (float[]){1, 2}, XAI_SHAPE(2), (float[]){3.5f, 4.5f});

  const int64_t one[] = {1};
  fill = node("ConstantOfShape", "f", "s", "c");
  attr_tensor(&fill, "value", tensor_i64(NULL, XAI_SHAPE(1), one));
  m = model_of(13);
  add_input(&m, "x", XAI_SHAPE(1, 1));
  indices(&m, "s", XAI_SHAPE(1), shape);
  add_node(&m, fill);
  add_node(&m, node("Reshape", "", "x c", "y")); /* to 1 x 1 */
  add_output(&m, "y");
  assert_computes(&m, XAI_SHAPE(1, 1), (float[]){3}, XAI_SHAPE(1, 1), (float[]){3});

  fill = node("ConstantOfShape", "f", "s", "c");
  attr_tensor(&fill, "value", tensor_f32(NULL, XAI_SHAPE(2), v));
  m = model_of(13);
  add_input(&m, "x", XAI_SHAPE(2));
  indices(&m, "s", XAI_SHAPE(1), zero);
  add_node(&m, fill);
  assert_refused(&m, XAI_EFORMAT, "node 'f': attribute 'value' must have exactly one element");
}

/* ---- attributes that have become inputs ---------------------------------------------------------- */
static void reshape_1_has_its_shape_as_an_attribute(void **state) {
  (void)state;
  xai_buf n = node("Reshape", "r", "x", "y");
  ATTR_INTS(&n, "shape", 0, -1);
  model m = one_node(1, XAI_SHAPE(1, 2, 2), n);
  assert_computes(&m, XAI_SHAPE(1, 2, 2), (float[]){1, 2, 3, 4}, XAI_SHAPE(1, 4), (float[]){1, 2, 3, 4});
}

static void clip_6_has_its_bounds_as_attributes_both_optional(void **state) {
  (void)state;
  const float x[] = {-1, 3, 9};
  xai_buf n = node("Clip", "c", "x", "y");
  attr_float(&n, "min", 0);
  attr_float(&n, "max", 6);
  model m = one_node(6, XAI_SHAPE(3), n);
  assert_computes(&m, XAI_SHAPE(3), x, XAI_SHAPE(3), (float[]){0, 3, 6});
  n = node("Clip", "c", "x", "y");
  attr_float(&n, "max", 6);
  m = one_node(10, XAI_SHAPE(3), n);
  assert_computes(&m, XAI_SHAPE(3), x, XAI_SHAPE(3), (float[]){-1, 3, 6});
  m = one_node(6, XAI_SHAPE(3), node("Clip", "c", "x", "y"));
  assert_computes(&m, XAI_SHAPE(3), x, XAI_SHAPE(3), x);
}

static void pad_1_and_pad_2_have_attributes(void **state) {
  (void)state;
  xai_buf n = node("Pad", "p", "x", "y");
  ATTR_INTS(&n, "paddings", 0, 1, 0, 1); /* one in front and one behind, along the last dim */
  model m = one_node(1, XAI_SHAPE(1, 2), n);
  assert_computes(&m, XAI_SHAPE(1, 2), (float[]){1, 2}, XAI_SHAPE(1, 4), (float[]){0, 1, 2, 0});
  n = node("Pad", "p", "x", "y");
  ATTR_INTS(&n, "pads", 0, 1, 0, 0);
  attr_float(&n, "value", 5);
  m = one_node(2, XAI_SHAPE(1, 2), n);
  assert_computes(&m, XAI_SHAPE(1, 2), (float[]){1, 2}, XAI_SHAPE(1, 3), (float[]){5, 1, 2});
  n = node("Pad", "p", "x", "y");
  ATTR_INTS(&n, "pads", 0, 2, 0, 0);
  attr_text(&n, "mode", "reflect");
  m = one_node(2, XAI_SHAPE(1, 3), n);
  assert_computes(&m, XAI_SHAPE(1, 3), (float[]){1, 2, 3}, XAI_SHAPE(1, 5), (float[]){3, 2, 1, 2, 3});
}

static void slice_1_has_attributes_and_may_end_at_infinity(void **state) {
  (void)state;
  const float x[] = {1, 2, 3, 4, 5, 6};
  xai_buf n = node("Slice", "s", "x", "y");
  ATTR_INTS(&n, "starts", 1);
  ATTR_INTS(&n, "ends", INT64_MAX);
  ATTR_INTS(&n, "axes", 1);
  model m = one_node(1, XAI_SHAPE(2, 3), n);
  assert_computes(&m, XAI_SHAPE(2, 3), x, XAI_SHAPE(2, 2), (float[]){2, 3, 5, 6});
  n = node("Slice", "s", "x", "y"); /* without axes: from the first dim on */
  ATTR_INTS(&n, "starts", 0, -1);
  ATTR_INTS(&n, "ends", 1, 3);
  m = one_node(9, XAI_SHAPE(2, 3), n);
  assert_computes(&m, XAI_SHAPE(2, 3), x, XAI_SHAPE(1, 1), (float[]){3});
}

static void squeeze_unsqueeze_and_reduce_mean_had_axes_as_an_attribute(void **state) {
  (void)state;
  const float x[] = {1, 3};
  xai_buf n = node("Squeeze", "s", "x", "y");
  ATTR_INTS(&n, "axes", 0);
  model m = one_node(11, XAI_SHAPE(1, 2, 1), n);
  assert_computes(&m, XAI_SHAPE(1, 2, 1), x, XAI_SHAPE(2, 1), x);
  n = node("Unsqueeze", "u", "x", "y");
  ATTR_INTS(&n, "axes", 0, 2);
  m = one_node(11, XAI_SHAPE(2), n);
  assert_computes(&m, XAI_SHAPE(2), x, XAI_SHAPE(1, 2, 1), x);
  n = node("ReduceMean", "m", "x", "y");
  ATTR_INTS(&n, "axes", 1);
  attr_int(&n, "keepdims", 0);
  m = one_node(17, XAI_SHAPE(1, 2), n);
  assert_computes(&m, XAI_SHAPE(1, 2), x, XAI_SHAPE(1), (float[]){2});
}

static void all_reductions_had_axes_as_an_attribute(void **state) {
  (void)state;
  const float x[] = {3, 4};
  static const struct {
    const char *op;
    int last; /* opset with the attribute */
    float y;
  } reductions[] = {{"ReduceL1", 17, 7},      {"ReduceL2", 17, 5},
                    {"ReduceLogSum", 17, 1.9459101f}, /* ln 7 */
                    {"ReduceLogSumExp", 17, 4.3132617f}, /* 4 + ln(1 + 1/e) */
                    {"ReduceMax", 17, 4},     {"ReduceMin", 17, 3},
                    {"ReduceProd", 17, 12},   {"ReduceSum", 12, 7},
                    {"ReduceSumSquare", 17, 25}};
  for (size_t i = 0; i < sizeof reductions / sizeof *reductions; i++) {
    xai_buf n = node(reductions[i].op, "r", "x", "y");
    ATTR_INTS(&n, "axes", 1);
    model m = one_node(reductions[i].last, XAI_SHAPE(1, 2), n);
    assert_computes(&m, XAI_SHAPE(1, 2), x, XAI_SHAPE(1, 1), &reductions[i].y);
    n = node(reductions[i].op, "r", "x", "y");
    ATTR_INTS(&n, "axes", 1);
    m = one_node(reductions[i].last + 1, XAI_SHAPE(1, 2), n);
    assert_refused(&m, XAI_EUNSUPPORTED, "node 'r': attribute 'axes' of operator Reduce");
  }
}

static void p_of_pooling_1_is_a_float(void **state) {
  (void)state;
  const float x[] = {3, -4};
  xai_buf n = node("LpPool", "p", "x", "y");
  attr_float(&n, "p", 1);
  ATTR_INTS(&n, "kernel_shape", 2);
  model m = one_node(1, XAI_SHAPE(1, 1, 2), n);
  assert_computes(&m, XAI_SHAPE(1, 1, 2), x, XAI_SHAPE(1, 1, 1), (float[]){7});
  m = one_node(1, XAI_SHAPE(1, 1, 2), node("GlobalLpPool", "p", "x", "y")); /* 2 by default */
  assert_computes(&m, XAI_SHAPE(1, 1, 2), x, XAI_SHAPE(1, 1, 1), (float[]){5});
  n = node("GlobalLpPool", "p", "x", "y");
  attr_float(&n, "p", 1.5f);
  m = one_node(1, XAI_SHAPE(1, 1, 2), n);
  assert_refused(&m, XAI_EUNSUPPORTED, "node 'p': p = 1.5 is not supported (expected a whole number)");
  n = node("GlobalLpPool", "p", "x", "y");
  attr_int(&n, "p", 1);
  m = one_node(2, XAI_SHAPE(1, 1, 2), n);
  assert_computes(&m, XAI_SHAPE(1, 1, 2), x, XAI_SHAPE(1, 1, 1), (float[]){7});
}

static void from_the_opset_on_that_made_it_an_input_the_attribute_is_an_error(void **state) {
  (void)state;
  xai_buf n = node("Squeeze", "s", "x", "y");
  ATTR_INTS(&n, "axes", 0);
  model m = one_node(13, XAI_SHAPE(1, 2), n);
  assert_refused(&m, XAI_EUNSUPPORTED, "node 's': attribute 'axes' of operator Squeeze (opset 13) is not supported");
  const int64_t axes[] = {0};
  n = node("Squeeze", "s", "x a", "y");
  ATTR_INTS(&n, "axes", 0);
  m = one_node(11, XAI_SHAPE(1, 2), n);
  indices(&m, "a", XAI_SHAPE(1), axes);
  assert_refused(&m, XAI_EFORMAT, "node 's': 'axes' is given as an attribute and as an input");
  n = node("Squeeze", "s", "x", "y");
  attr_int(&n, "axes", 0);
  m = one_node(11, XAI_SHAPE(1, 2), n);
  assert_refused(&m, XAI_EFORMAT, "attribute 'axes': expected a list of ints, got an int");
}

/* The constant made of the attribute would be called s/axes, and so would the next node's: neither is free. */
static void names_of_added_constants_give_way_to_those_of_the_file(void **state) {
  (void)state;
  const float x[] = {1, 2};
  model m = model_of(11);
  xai_buf first = node("Squeeze", "s", "x", "a"), second = node("Squeeze", "s", "a", "b");
  ATTR_INTS(&first, "axes", 0);
  ATTR_INTS(&second, "axes", 1);
  add_input(&m, "x", XAI_SHAPE(1, 2, 1));
  constant(&m, "s/axes", XAI_SHAPE(2), (float[]){10, 20});
  add_node(&m, first);
  add_node(&m, second);
  add_node(&m, node("Add", "", "b s/axes", "y"));
  add_output(&m, "y");
  assert_computes(&m, XAI_SHAPE(1, 2, 1), x, XAI_SHAPE(2), (float[]){11, 22});
}

/* ---- forms that changed their meaning ------------------------------------------------------------ */
/* exp(ln 1, ln 2, ln 3, ln 4) = 1, 2, 3, 4 */
static const float logs[] = {0, 0.69314718f, 1.0986123f, 1.3862944f};

static void softmax_before_13_is_over_all_dims_from_its_axis_on(void **state) {
  (void)state;
  xai_shape s = XAI_SHAPE(1, 2, 1, 2);
  model m = one_node(7, s, node("Softmax", "prob", "x", "y")); /* axis 1 is the default; the sum is 10 */
  assert_computes(&m, s, logs, s, (float[]){.1f, .2f, .3f, .4f});
  xai_buf n = node("Softmax", "prob", "x", "y");
  attr_int(&n, "axis", 2);
  m = one_node(11, s, n); /* 1 x 2 positions of 2 elements: sums 3 and 7 */
  assert_computes(&m, s, logs, s, (float[]){1 / 3.f, 2 / 3.f, 3 / 7.f, 4 / 7.f});
  n = node("Softmax", "prob", "x", "y");
  attr_int(&n, "axis", 0);
  m = one_node(1, XAI_SHAPE(2, 2), n);
  assert_computes(&m, XAI_SHAPE(2, 2), logs, XAI_SHAPE(2, 2), (float[]){.1f, .2f, .3f, .4f});
  n = node("Softmax", "prob", "x", "y");
  attr_int(&n, "axis", -1);
  m = one_node(11, s, n);
  assert_computes(&m, s, logs, s, (float[]){1 / 3.f, 2 / 3.f, 3 / 7.f, 4 / 7.f});
}

static void its_kin_before_13_are_so_too(void **state) {
  (void)state;
  xai_shape s = XAI_SHAPE(1, 2, 1, 2);
  model m = one_node(12, s, node("LogSoftmax", "l", "x", "y")); /* ln 1/10 ... ln 4/10 */
  assert_computes(&m, s, logs, s, (float[]){-2.3025851f, -1.6094379f, -1.2039728f, -0.91629073f});
  m = one_node(11, s, node("Hardmax", "h", "x", "y"));
  assert_computes(&m, s, logs, s, (float[]){0, 0, 0, 1});
  m = one_node(13, s, node("Hardmax", "h", "x", "y"));
  assert_computes(&m, s, logs, s, (float[]){0, 1, 0, 1});
}

static void a_final_log_softmax_leaves_its_input_as_the_logits(void **state) {
  (void)state;
  model m = model_of(13);
  add_input(&m, "x", XAI_SHAPE(1, 2));
  add_node(&m, node("Relu", "r", "x", "a"));
  add_node(&m, node("LogSoftmax", "l", "a", "y"));
  add_output(&m, "y");
  xai_net *net = NULL;
  xai_err err = {""};
  if (load_model(&m, &net, &err) != XAI_OK) fail_msg("%s", err.text);
  assert_int_equal(xai_net_resolve(net, XAI_LAYER_LOGITS), 0);
  xai_net_free(net);
}

static void softmax_from_13_on_is_along_its_axis(void **state) {
  (void)state;
  xai_shape s = XAI_SHAPE(1, 2, 1, 2);
  xai_buf n = node("Softmax", "prob", "x", "y");
  attr_int(&n, "axis", 1);
  model m = one_node(13, s, n); /* columns 1,3 and 2,4 */
  assert_computes(&m, s, logs, s, (float[]){1 / 4.f, 2 / 6.f, 3 / 4.f, 4 / 6.f});
  m = one_node(13, s, node("Softmax", "prob", "x", "y")); /* the default is the last */
  assert_computes(&m, s, logs, s, (float[]){1 / 3.f, 2 / 3.f, 3 / 7.f, 4 / 7.f});
}

static void an_old_softmax_behind_global_pooling_stays_one_layer_and_its_input_the_logits(void **state) {
  (void)state;
  model m = model_of(7);
  add_input(&m, "x", XAI_SHAPE(1, 2, 1, 2));
  add_node(&m, node("GlobalAveragePool", "pool", "x", "p"));
  add_node(&m, node("Softmax", "prob", "p", "y"));
  add_output(&m, "y");
  xai_net *net = NULL;
  xai_err err = {""};
  if (load_model(&m, &net, &err) != XAI_OK) fail_msg("%s", err.text);
  assert_int_equal(xai_net_layer_count(net), 2);
  assert_string_equal(xai_net_layer(net, 1).name, "prob");
  assert_string_equal(xai_net_layer(net, 1).op, "Softmax");
  assert_int_equal(xai_net_resolve(net, XAI_LAYER_LOGITS), 0);
  /* means ln 1, ln 3 of each channel's two equal elements: 1/4, 3/4 */
  float x[] = {0, 0, 1.0986123f, 1.0986123f};
  xai_view view = {XAI_F32, XAI_SHAPE(1, 2, 1, 2), x};
  xai_tensor *t = NULL;
  if (xai_net_forward(net, &view, XAI_LAYER_OUTPUT, &t, &err) != XAI_OK) fail_msg("%s", err.text);
  const xai_view *y = xai_tensor_view(t);
  assert_int_equal(y->shape.rank, 4);
  assert_float_equal(((float *)y->data)[0], 0.25, 1e-6);
  assert_float_equal(((float *)y->data)[1], 0.75, 1e-6);
  xai_tensor_free(t);
  xai_net_free(net);
}

static void an_old_softmax_of_several_layers_keeps_its_name_and_the_logits(void **state) {
  (void)state;
  model m = model_of(7);
  add_input(&m, "x", XAI_SHAPE(1, 2, 1, 2));
  add_node(&m, node("Relu", "r", "x", "p"));
  add_node(&m, node("Softmax", "prob", "p", "y"));
  add_output(&m, "y");
  xai_net *net = NULL;
  xai_err err = {""};
  int layer = -9;
  if (load_model(&m, &net, &err) != XAI_OK) fail_msg("%s", err.text);
  assert_int_equal(xai_net_find_layer(net, "prob", &layer, &err), XAI_OK);
  assert_int_equal(xai_net_layer(net, layer).shape.rank, 4); /* the layer of that name has the file's shape */
  assert_int_equal(xai_net_classes(net), 4);                 /* and the logits are what the softmax sees: 1 x 4 */
  xai_net_free(net);
}

/* x = 1 2 / 3 4 as 1 x 2 x 1 x 2, two channels of two elements */
static void old_arithmetic_aligns_its_second_input_with_an_axis(void **state) {
  (void)state;
  const float x[] = {1, 2, 3, 4}, b[] = {10, 20};
  xai_shape s = XAI_SHAPE(1, 2, 1, 2);
  static const struct {
    const char *op;
    float y[4];
  } along[] = {{"Add", {11, 12, 23, 24}},
               {"Sub", {-9, -8, -17, -16}},
               {"Mul", {10, 20, 60, 80}},
               {"Div", {.1f, .2f, .15f, .2f}},
               {"Pow", {1, 1024, 3486784401.f, 1099511627776.f}}};
  for (int i = 0; i < 5; i++) {
    xai_buf n = node(along[i].op, "n", "x b", "y");
    attr_int(&n, "broadcast", 1);
    attr_int(&n, "axis", 1);
    model m = one_node(6, s, n);
    constant(&m, "b", XAI_SHAPE(2), b);
    assert_computes(&m, s, x, s, along[i].y);
  }
  xai_buf n = node("Add", "n", "x b", "y"); /* no axis: the ends are aligned */
  attr_int(&n, "broadcast", 1);
  model m = one_node(6, s, n);
  constant(&m, "b", XAI_SHAPE(2), b);
  assert_computes(&m, s, x, s, (float[]){11, 22, 13, 24});
  n = node("Add", "n", "x b", "y"); /* b reaches the end of x: nothing is merged */
  attr_int(&n, "broadcast", 1);
  attr_int(&n, "axis", 1);
  m = one_node(6, XAI_SHAPE(2, 2), n);
  constant(&m, "b", XAI_SHAPE(2), b);
  assert_computes(&m, XAI_SHAPE(2, 2), x, XAI_SHAPE(2, 2), (float[]){11, 22, 13, 24});
  n = node("Add", "n", "x b", "y"); /* b of two dims, 2 x 1, at axis 1 */
  attr_int(&n, "broadcast", 1);
  attr_int(&n, "axis", 1);
  m = one_node(6, s, n);
  constant(&m, "b", XAI_SHAPE(2, 1), b);
  assert_computes(&m, s, x, s, (float[]){11, 12, 23, 24});
  n = node("Mul", "n", "x b", "y"); /* one number fits everywhere */
  attr_int(&n, "broadcast", 1);
  attr_int(&n, "axis", 0);
  m = one_node(6, s, n);
  constant(&m, "b", XAI_SHAPE(1), b);
  assert_computes(&m, s, x, s, (float[]){10, 20, 30, 40});
}

static void slopes_before_7_belong_to_channels(void **state) {
  (void)state;
  const float x[] = {-1, 2, -3, -4}, slopes[] = {10, 100};
  xai_shape s = XAI_SHAPE(1, 2, 1, 2);
  model m = one_node(6, s, node("PRelu", "p", "x b", "y"));
  constant(&m, "b", XAI_SHAPE(2), slopes);
  assert_computes(&m, s, x, s, (float[]){-10, 2, -300, -400});
  m = one_node(1, s, node("PRelu", "p", "x b", "y")); /* one for all */
  constant(&m, "b", XAI_SHAPE(1), slopes);
  assert_computes(&m, s, x, s, (float[]){-10, 2, -30, -40});
  xai_buf largest = node("ReduceMax", "m", "x", "b"); /* 2 and -3, which are no constants */
  ATTR_INTS(&largest, "axes", 0, 2, 3);
  attr_int(&largest, "keepdims", 0);
  m = one_node(6, s, largest);
  add_node(&m, node("PRelu", "p", "x b", "y"));
  assert_computes(&m, s, x, s, (float[]){-2, 2, 9, 12});
  m = one_node(7, s, node("PRelu", "p", "x b", "y")); /* the ends are aligned */
  constant(&m, "b", XAI_SHAPE(2), slopes);
  assert_computes(&m, s, x, s, (float[]){-10, 2, -30, -400});
}

static void selu_1_has_rounded_constants(void **state) {
  (void)state;
  const float x[] = {-30};
  model m = one_node(1, XAI_SHAPE(1), node("Selu", "s", "x", "y"));
  assert_computes(&m, XAI_SHAPE(1), x, XAI_SHAPE(1), (float[]){-1.75803124f}); /* 1.6732 * 1.0507 */
  m = one_node(6, XAI_SHAPE(1), node("Selu", "s", "x", "y"));
  assert_computes(&m, XAI_SHAPE(1), x, XAI_SHAPE(1), (float[]){-1.75809934f});
}

static void group_normalization_needs_its_groups(void **state) {
  (void)state;
  model m = one_node(21, XAI_SHAPE(1, 2, 1), node("GroupNormalization", "g", "x s s", "y"));
  constant(&m, "s", XAI_SHAPE(2), (float[]){1, 1});
  assert_refused(&m, XAI_EFORMAT, "node 'g': attribute 'num_groups' is missing");
}

static void old_arithmetic_with_an_axis_needs_to_know_the_shape_of_its_second_input(void **state) {
  (void)state;
  xai_buf n = node("Add", "n", "x b", "y"), first = node("Squeeze", "s", "x", "b");
  attr_int(&n, "broadcast", 1);
  attr_int(&n, "axis", 0);
  ATTR_INTS(&first, "axes", 1, 2);
  model m = one_node(6, XAI_SHAPE(2, 1, 1), first); /* [[[1]] [[2]]] + [1 2] from the first axis on */
  add_node(&m, n);
  assert_computes(&m, XAI_SHAPE(2, 1, 1), (float[]){1, 2}, XAI_SHAPE(2, 1, 1), (float[]){2, 4});
  n = node("Add", "n", "x b", "y"), first = node("NonZero", "z", "x", "p");
  xai_buf cast = node("Cast", "c", "p", "b");
  attr_text(&cast, "to", "FLOAT");
  attr_int(&n, "broadcast", 1);
  attr_int(&n, "axis", 1);
  m = one_node(5, XAI_SHAPE(1, 2), first);
  add_node(&m, cast);
  add_node(&m, n);
  assert_refused(&m, XAI_EUNSUPPORTED, "node 'n': axis = 1 with a second input of unknown shape is not supported");
  n = node("Add", "n", "x b", "y");
  attr_int(&n, "broadcast", 1);
  attr_int(&n, "axis", -2);
  m = one_node(6, XAI_SHAPE(1, 2), n);
  constant(&m, "b", XAI_SHAPE(2), (float[]){1, 2});
  assert_refused(&m, XAI_EUNSUPPORTED, "axis -2 is not supported");
  n = node("Add", "n", "x b", "y");
  attr_int(&n, "broadcast", 1);
  attr_int(&n, "axis", 7);
  m = one_node(6, XAI_SHAPE(1, 2), n);
  constant(&m, "b", XAI_SHAPE(2), (float[]){1, 2});
  assert_refused(&m, XAI_EUNSUPPORTED, "axis 7 needs more than 8 dims");
  n = node("Add", "n", "x b", "y");
  attr_int(&n, "broadcast", 1);
  m = one_node(7, XAI_SHAPE(1, 2), n);
  constant(&m, "b", XAI_SHAPE(2), (float[]){1, 2});
  assert_refused(&m, XAI_EUNSUPPORTED, "attribute 'broadcast' of operator Add (opset 7) is not supported");
}

static void concat_before_4_has_axis_1_by_default_and_later_none(void **state) {
  (void)state;
  const float x[] = {1, 2, 3, 4};
  model m = one_node(1, XAI_SHAPE(2, 2), node("Concat", "c", "x x", "y"));
  assert_computes(&m, XAI_SHAPE(2, 2), x, XAI_SHAPE(2, 4), (float[]){1, 2, 1, 2, 3, 4, 3, 4});
  m = one_node(4, XAI_SHAPE(2, 2), node("Concat", "c", "x x", "y"));
  assert_refused(&m, XAI_EFORMAT, "node 'c': attribute 'axis' is missing");
}

static void lrn_needs_its_size(void **state) {
  (void)state;
  model m = one_node(13, XAI_SHAPE(1, 2, 1, 1), node("LRN", "l", "x", "y"));
  assert_refused(&m, XAI_EFORMAT, "node 'l': attribute 'size' is missing");
}

static void gemm_6_may_say_that_it_broadcasts(void **state) {
  (void)state;
  xai_buf n = node("Gemm", "g", "x w b", "y");
  attr_int(&n, "broadcast", 1);
  attr_int(&n, "transB", 1);
  model m = one_node(6, XAI_SHAPE(1, 2), n);
  constant(&m, "w", XAI_SHAPE(2, 2), (float[]){1, 2, 3, 4});
  constant(&m, "b", XAI_SHAPE(2), (float[]){100, 200});
  /* 1*1 + 2*10 + 100 = 121; 3*1 + 4*10 + 200 = 243 */
  assert_computes(&m, XAI_SHAPE(1, 2), (float[]){1, 10}, XAI_SHAPE(1, 2), (float[]){121, 243});
}

static model batch_norm(int64_t opset, const char *outputs, const char *attribute, int64_t value) {
  xai_buf n = node("BatchNormalization", "bn", "x s b m v", outputs);
  attr_float(&n, "epsilon", 0);
  attr_float(&n, "momentum", 0.9f);
  if (attribute != NULL) attr_int(&n, attribute, value);
  model m = one_node(opset, XAI_SHAPE(1, 2, 1, 1), n);
  constant(&m, "s", XAI_SHAPE(2), (float[]){1, 2});
  constant(&m, "b", XAI_SHAPE(2), (float[]){0, 1});
  constant(&m, "m", XAI_SHAPE(2), (float[]){1, 1});
  constant(&m, "v", XAI_SHAPE(2), (float[]){4, 4});
  return m;
}

static void batch_normalization_is_read_as_inference_and_since_opset_14_as_training(void **state) {
  (void)state;
  const float x[] = {5, 5}, y[] = {2, 5}; /* (5-1)/2 * 1 + 0,  (5-1)/2 * 2 + 1 */
  xai_shape s = XAI_SHAPE(1, 2, 1, 1);
  model m = batch_norm(6, "y", "is_test", 1);
  assert_computes(&m, s, x, s, y);
  m = batch_norm(7, "y", "spatial", 1);
  assert_computes(&m, s, x, s, y);
  m = batch_norm(9, "y", NULL, 0);
  assert_computes(&m, s, x, s, y);
  m = batch_norm(7, "y", "spatial", 0); /* one element per channel: there is no difference */
  assert_computes(&m, s, x, s, y);
  m = batch_norm(9, "y mean var", NULL, 0);
  assert_refused(&m, XAI_EUNSUPPORTED, "node 'bn': this is the form for training, with 3 outputs");
  m = batch_norm(14, "y", "training_mode", 1); /* the batch's own statistics: one element is its own mean */
  assert_computes(&m, s, x, s, (float[]){0, 1});
}

static void dropout_is_the_identity_in_all_forms(void **state) {
  (void)state;
  const float x[] = {1, 2};
  xai_buf n = node("Dropout", "d", "x", "y mask");
  attr_float(&n, "ratio", 0.5f);
  attr_int(&n, "is_test", 0);
  model m = one_node(6, XAI_SHAPE(2), n);
  assert_computes(&m, XAI_SHAPE(2), x, XAI_SHAPE(2), x);
  n = node("Dropout", "d", "x ratio", "y");
  attr_int(&n, "seed", 7);
  m = one_node(12, XAI_SHAPE(2), n);
  constant(&m, "ratio", (xai_shape){.rank = 0}, (float[]){0.5f});
  assert_computes(&m, XAI_SHAPE(2), x, XAI_SHAPE(2), x);
}

/* The ratio is what a network is trained with: an attribute before opset 12, an input since, 0.5 without either. */
static void assert_ratio(model *m, const float *ratio) {
  xai_net *net = NULL;
  xai_err err = {""};
  if (load_model(m, &net, &err) != XAI_OK) fail_msg("load: %s", err.text);
  const xai_tensor *t = xai_net_weight(net, 0, 1);
  assert_true((t != NULL) == (ratio != NULL));
  if (t != NULL) assert_true(*(const float *)xai_tensor_view(t)->data == *ratio);
  assert_int_equal(xai_net_param_count(net), 0); /* it is no parameter */
  xai_net_free(net);
}

static void the_ratio_of_dropout_is_taken_over_from_every_form(void **state) {
  (void)state;
  const float ratio = 0.25f;
  for (int64_t opset = 1; opset <= 13; opset += 6) {
    xai_buf n = node("Dropout", "d", opset < 12 ? "x" : "x ratio", "y");
    if (opset < 12) attr_float(&n, "ratio", ratio);
    model m = one_node(opset, XAI_SHAPE(2), n);
    if (opset >= 12) constant(&m, "ratio", (xai_shape){.rank = 0}, &ratio);
    assert_ratio(&m, &ratio);
  }
  model m = one_node(7, XAI_SHAPE(2), node("Dropout", "d", "x", "y"));
  assert_ratio(&m, NULL);
}

static void shape_15_may_be_a_part_of_the_shape(void **state) {
  (void)state;
  /* y = Reshape(x, Shape(x)[1:]) */
  xai_buf n = node("Shape", "s", "x", "s");
  attr_int(&n, "start", 1);
  model m = model_of(15);
  add_input(&m, "x", XAI_SHAPE(1, 2, 2));
  add_node(&m, n);
  add_node(&m, node("Reshape", "r", "x s", "y"));
  add_output(&m, "y");
  assert_computes(&m, XAI_SHAPE(1, 2, 2), (float[]){1, 2, 3, 4}, XAI_SHAPE(2, 2), (float[]){1, 2, 3, 4});
}

/* ---- structure --------------------------------------------------------------------------------------- */
static void attr_floats(xai_buf *n, const char *name, int count, const float *v) {
  xai_buf a = attr_head(name, 6);
  for (int i = 0; i < count; i++) pb_float(&a, 7, v[i]);
  pb_message(n, 5, a);
}

/* Twice as wide: nearest repeats, linear reads u = 0, 1/2, 1, 3/2 -> the end repeats. */
static void upsample_is_an_old_resize(void **state) {
  (void)state;
  const float x[2] = {0, 8}, scales[4] = {1, 1, 1, 2}, nearest[4] = {0, 0, 8, 8}, linear[4] = {0, 4, 8, 8};
  xai_buf n = node("Upsample", "", "x s", "y");
  model m = one_node(9, XAI_SHAPE(1, 1, 1, 2), n);
  constant(&m, "s", XAI_SHAPE(4), scales);
  assert_computes(&m, XAI_SHAPE(1, 1, 1, 2), x, XAI_SHAPE(1, 1, 1, 4), nearest);
  n = node("Upsample", "", "x", "y");
  attr_floats(&n, "scales", 4, scales);
  attr_text(&n, "mode", "linear");
  m = one_node(7, XAI_SHAPE(1, 1, 1, 2), n);
  assert_computes(&m, XAI_SHAPE(1, 1, 1, 2), x, XAI_SHAPE(1, 1, 1, 4), linear);
  n = node("Upsample", "", "x", "y");
  attr_float(&n, "height_scale", 1);
  attr_float(&n, "width_scale", 2);
  attr_text(&n, "mode", "bilinear");
  m = one_node(1, XAI_SHAPE(1, 1, 1, 2), n);
  assert_computes(&m, XAI_SHAPE(1, 1, 1, 2), x, XAI_SHAPE(1, 1, 1, 4), linear);
  m = one_node(1, XAI_SHAPE(1, 1, 1, 2), node("Upsample", "", "x", "y"));
  assert_refused(&m, XAI_EFORMAT, "height_scale or width_scale is missing");
}

static void resize_of_opset_10_begins_at_the_corner(void **state) {
  (void)state;
  const float x[2] = {0, 8}, scale[1] = {2};
  xai_buf n = node("Resize", "", "x s", "y");
  attr_text(&n, "mode", "linear");
  model m = one_node(10, XAI_SHAPE(2), n);
  constant(&m, "s", XAI_SHAPE(1), scale);
  assert_computes(&m, XAI_SHAPE(2), x, XAI_SHAPE(4), (float[]){0, 4, 8, 8});
  n = node("Resize", "", "x roi s", "y");
  attr_text(&n, "mode", "linear");
  m = one_node(11, XAI_SHAPE(2), n);
  constant(&m, "roi", XAI_SHAPE(0), scale);
  constant(&m, "s", XAI_SHAPE(1), scale);
  assert_computes(&m, XAI_SHAPE(2), x, XAI_SHAPE(4), (float[]){0, 2, 6, 8});
}

static void split_counts_outputs_that_nobody_reads(void **state) {
  (void)state;
  model m = one_node(13, XAI_SHAPE(6), node("Split", "", "x", "y b c"));
  assert_computes(&m, XAI_SHAPE(6), (float[]){1, 2, 3, 4, 5, 6}, XAI_SHAPE(2), (float[]){1, 2});
}

static void attributes_of_old_forms_of_split_and_top_k_become_inputs(void **state) {
  (void)state;
  xai_buf n = node("Split", "", "x", "a y");
  ATTR_INTS(&n, "split", 1, 3);
  model m = one_node(11, XAI_SHAPE(4), n);
  assert_computes(&m, XAI_SHAPE(4), (float[]){1, 2, 3, 4}, XAI_SHAPE(3), (float[]){2, 3, 4});
  n = node("TopK", "", "x", "y i");
  attr_int(&n, "k", 2);
  m = one_node(9, XAI_SHAPE(4), n);
  assert_computes(&m, XAI_SHAPE(4), (float[]){1, 4, 3, 2}, XAI_SHAPE(2), (float[]){4, 3});
}

static void the_mask_of_dropout_is_all_ones(void **state) {
  (void)state;
  model m = one_node(7, XAI_SHAPE(2), node("Dropout", "", "x", "d y"));
  assert_computes(&m, XAI_SHAPE(2), (float[]){0, 5}, XAI_SHAPE(2), (float[]){1, 1});
}

static void eye_like_knows_element_types_by_number(void **state) {
  (void)state;
  xai_buf n = node("EyeLike", "", "x", "e"), cast = node("Cast", "", "e", "y");
  attr_int(&n, "dtype", T_I64);
  attr_int(&cast, "to", T_F32);
  model m = one_node(13, XAI_SHAPE(2, 2), n);
  add_node(&m, cast);
  assert_computes(&m, XAI_SHAPE(2, 2), (float[]){7, 7, 7, 7}, XAI_SHAPE(2, 2), (float[]){1, 0, 0, 1});
}

static void grid_sample_16_has_other_words(void **state) {
  (void)state;
  static const struct {
    int opset;
    const char *mode; /* NULL: not said */
  } forms[] = {{16, "bilinear"}, {16, NULL}, {20, "linear"}, {20, NULL}};
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) { /* in the middle between 1 and 4 */
    xai_buf n = node("GridSample", "", "x b", "y");
    if (forms[i].mode != NULL) attr_text(&n, "mode", forms[i].mode);
    model m = one_node(forms[i].opset, XAI_SHAPE(1, 1, 1, 2), n);
    constant(&m, "b", XAI_SHAPE(1, 1, 1, 2), (float[]){0, 0});
    assert_computes(&m, XAI_SHAPE(1, 1, 1, 2), (float[]){1, 4}, XAI_SHAPE(1, 1, 1, 1), (float[]){2.5f});
  }
}

static void roi_align_before_16_has_pixel_centres_at_whole_numbers(void **state) {
  (void)state;
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  for (int opset = 10; opset <= 16; opset += 6) { /* the middle of the region is 1, 1 or 0.5, 0.5 */
    xai_buf n = node("RoiAlign", "", "x b i", "y");
    attr_int(&n, "sampling_ratio", 1);
    model m = one_node(opset, XAI_SHAPE(1, 1, 3, 3), n);
    constant(&m, "b", XAI_SHAPE(1, 4), (float[]){0, 0, 2, 2});
    indices(&m, "i", XAI_SHAPE(1), (int64_t[]){0});
    assert_computes(&m, XAI_SHAPE(1, 1, 3, 3), x, XAI_SHAPE(1, 1, 1, 1), (float[]){opset < 16 ? 5 : 3});
  }
}

static void an_equation_is_needed_and_not_endless(void **state) {
  (void)state;
  char text[301] = "";
  model m = one_node(12, XAI_SHAPE(2, 2), node("Einsum", "e", "x", "y"));
  assert_refused(&m, XAI_EFORMAT, "node 'e': attribute 'equation' is missing");
  xai_buf n = node("Einsum", "e", "x", "y");
  memset(text, 'i', sizeof text - 1);
  attr_text(&n, "equation", text);
  m = one_node(12, XAI_SHAPE(2, 2), n);
  assert_refused(&m, XAI_EUNSUPPORTED, "node 'e': attribute 'equation' has 300 bytes (at most 255)");
  n = node("Einsum", "e", "x", "y");
  attr_text(&n, "equation", " i j -> j ");
  m = one_node(12, XAI_SHAPE(2, 2), n);
  assert_computes(&m, XAI_SHAPE(2, 2), (float[]){1, 2, 3, 4}, XAI_SHAPE(2), (float[]){4, 6});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_unknown_operator_is_named_with_node_and_opset),
      cmocka_unit_test(an_operator_of_another_domain_is_refused_even_if_its_name_is_known),
      cmocka_unit_test(the_domain_may_be_spelled_out),
      cmocka_unit_test(loops_are_refused),
      cmocka_unit_test(functions_of_the_file_are_refused_as_such),
      cmocka_unit_test(upsample_is_an_old_resize),
      cmocka_unit_test(resize_of_opset_10_begins_at_the_corner),
      cmocka_unit_test(split_counts_outputs_that_nobody_reads),
      cmocka_unit_test(attributes_of_old_forms_of_split_and_top_k_become_inputs),
      cmocka_unit_test(the_mask_of_dropout_is_all_ones),
      cmocka_unit_test(eye_like_knows_element_types_by_number),
      cmocka_unit_test(a_name_with_a_zero_byte_is_refused),
      cmocka_unit_test(control_characters_in_names_do_not_reach_the_message),
      cmocka_unit_test(a_node_without_output_is_refused),
      cmocka_unit_test(a_missing_input_is_named),
      cmocka_unit_test(an_unknown_attribute_is_named_with_the_nearest_one),
      cmocka_unit_test(an_attribute_of_the_wrong_type_is_refused),
      cmocka_unit_test(an_attribute_that_occurs_twice_is_refused),
      cmocka_unit_test(too_many_attributes_or_numbers_in_one_are_refused),
      cmocka_unit_test(an_unknown_choice_is_named_with_the_choices),
      cmocka_unit_test(an_attribute_without_a_type_is_what_its_value_is),
      cmocka_unit_test(attributes_of_training_and_of_old_forms_are_ignored),
      cmocka_unit_test(constants_come_in_five_forms),
      cmocka_unit_test(other_constants_are_refused),
      cmocka_unit_test(cast_knows_element_types_by_number_and_before_opset_6_by_name),
      cmocka_unit_test(constant_of_shape_takes_value_and_type_from_its_tensor),
      cmocka_unit_test(reshape_1_has_its_shape_as_an_attribute),
      cmocka_unit_test(clip_6_has_its_bounds_as_attributes_both_optional),
      cmocka_unit_test(pad_1_and_pad_2_have_attributes),
      cmocka_unit_test(slice_1_has_attributes_and_may_end_at_infinity),
      cmocka_unit_test(squeeze_unsqueeze_and_reduce_mean_had_axes_as_an_attribute),
      cmocka_unit_test(all_reductions_had_axes_as_an_attribute),
      cmocka_unit_test(p_of_pooling_1_is_a_float),
      cmocka_unit_test(from_the_opset_on_that_made_it_an_input_the_attribute_is_an_error),
      cmocka_unit_test(names_of_added_constants_give_way_to_those_of_the_file),
      cmocka_unit_test(softmax_before_13_is_over_all_dims_from_its_axis_on),
      cmocka_unit_test(its_kin_before_13_are_so_too),
      cmocka_unit_test(a_final_log_softmax_leaves_its_input_as_the_logits),
      cmocka_unit_test(softmax_from_13_on_is_along_its_axis),
      cmocka_unit_test(an_old_softmax_behind_global_pooling_stays_one_layer_and_its_input_the_logits),
      cmocka_unit_test(an_old_softmax_of_several_layers_keeps_its_name_and_the_logits),
      cmocka_unit_test(old_arithmetic_aligns_its_second_input_with_an_axis),
      cmocka_unit_test(slopes_before_7_belong_to_channels),
      cmocka_unit_test(selu_1_has_rounded_constants),
      cmocka_unit_test(group_normalization_needs_its_groups),
      cmocka_unit_test(old_arithmetic_with_an_axis_needs_to_know_the_shape_of_its_second_input),
      cmocka_unit_test(concat_before_4_has_axis_1_by_default_and_later_none),
      cmocka_unit_test(lrn_needs_its_size),
      cmocka_unit_test(gemm_6_may_say_that_it_broadcasts),
      cmocka_unit_test(batch_normalization_is_read_as_inference_and_since_opset_14_as_training),
      cmocka_unit_test(dropout_is_the_identity_in_all_forms),
      cmocka_unit_test(the_ratio_of_dropout_is_taken_over_from_every_form),
      cmocka_unit_test(shape_15_may_be_a_part_of_the_shape),
      cmocka_unit_test(grid_sample_16_has_other_words),
      cmocka_unit_test(roi_align_before_16_has_pixel_centres_at_whole_numbers),
      cmocka_unit_test(an_equation_is_needed_and_not_endless),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
