/* Whole files: what a model must have; real ones; broken ones: cut at every length, bytes changed, memory refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "formats/onnx_make.h"

/* x (1 x 2 x 4 x 4) -> Conv 1x1 -> Clip (old form) -> GlobalAveragePool -> Softmax: initializers of two types, lists
 * of attributes, a Constant, an added constant. */
static model small_model(void) {
  const float w[] = {1, 0, 0, 1}, b[] = {0, 1};
  model m = model_of(9);
  add_initializer(&m, tensor_f32("w", XAI_SHAPE(2, 2, 1, 1), w));
  xai_buf bias = tensor_head("b", T_F64, XAI_SHAPE(2));
  for (int i = 0; i < 2; i++) pb_double(&bias, 10, b[i]);
  add_initializer(&m, bias);
  add_input(&m, "x", XAI_SHAPE(-1, 2, 4, 4));
  xai_buf conv = node("Conv", "conv", "x w b", "c"), clip = node("Clip", "clip", "c", "d"),
          two = node("Constant", "", "", "two");
  ATTR_INTS(&conv, "kernel_shape", 1, 1);
  attr_text(&conv, "auto_pad", "VALID");
  attr_float(&clip, "min", 0);
  attr_tensor(&two, "value", tensor_f32(NULL, XAI_SHAPE(1), (float[]){2}));
  add_node(&m, conv);
  add_node(&m, clip);
  add_node(&m, two);
  add_node(&m, node("Mul", "twice", "d two", "e"));
  add_node(&m, node("GlobalAveragePool", "pool", "e", "p"));
  add_node(&m, node("Softmax", "prob", "p", "y"));
  add_output(&m, "y");
  return m;
}

static model plain_model(void) {
  model m = model_of(13);
  add_input(&m, "x", XAI_SHAPE(2));
  add_node(&m, node("Relu", "r", "x", "y"));
  add_output(&m, "y");
  return m;
}

/* ---- the file ------------------------------------------------------------------------------------ */
static void messages_start_with_the_name_of_the_file(void **state) {
  (void)state;
  xai_err err = {""};
  xai_net *net = NULL;
  assert_int_equal(load_bytes("", 0, &net, &err), XAI_EFORMAT);
  char expected[128];
  snprintf(expected, sizeof expected, "/tmp/xai-%ld.onnx: an empty file, expected an ONNX model", (long)getpid());
  assert_string_equal(err.text, expected);
}

static xai_buf some(const void *bytes, size_t n) {
  xai_buf b = {0};
  xai_buf_add(&b, bytes, n);
  return b;
}

static void other_formats_are_named(void **state) {
  (void)state;
  assert_refused_bytes(some("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16), XAI_EFORMAT,
                       ": a PNG picture, expected an ONNX model");
  assert_refused_bytes(some("version https://git-lfs", 23), XAI_EFORMAT, ": a text file, expected an ONNX model");
  assert_refused_bytes(some("\xff\xfe\xfd\xfc", 4), XAI_EFORMAT, ": not an ONNX model, or damaged: ");
}

static void a_file_of_2_gib_is_refused_unread(void **state) {
  (void)state;
  char path[64];
  snprintf(path, sizeof path, "/tmp/xai-%ld-huge.onnx", (long)getpid());
  FILE *f = fopen(path, "wb"); /* one byte behind a hole: takes no space */
  assert_non_null(f);
  if (fseek(f, INT32_MAX, SEEK_SET) != 0 || fputc(0, f) != 0 || fclose(f) != 0) {
    unlink(path);
    print_message("skipped: no sparse files here\n");
    skip();
  }
  xai_file *file = NULL;
  xai_net *net = NULL;
  xai_err err = {""};
  assert_int_equal(xai_file_map(path, SIZE_MAX, &file, &err), XAI_OK);
  unlink(path);
  assert_int_equal(xai_onnx_load(file, &net, &err), XAI_EFORMAT);
  assert_non_null(strstr(err.text, "over the limit of 2147.5 MB"));
  xai_file_release(file);
}

static void a_model_needs_a_graph(void **state) {
  (void)state;
  xai_buf b = {0};
  pb_int(&b, 1, 8);
  pb_text(&b, 2, "producer");
  assert_refused_bytes(b, XAI_EFORMAT, "it has no graph");
}

static void a_second_graph_is_refused(void **state) {
  (void)state;
  model m = plain_model();
  xai_buf b = model_bytes(&m), again = {0};
  pb_message(&b, 7, again);
  assert_refused_bytes(b, XAI_EFORMAT, "a second graph field");
}

static void a_graph_needs_an_output_but_no_input(void **state) {
  (void)state;
  model m = model_of(13);
  add_input(&m, "x", XAI_SHAPE(2));
  add_node(&m, node("Relu", "r", "x", "y"));
  assert_refused(&m, XAI_EFORMAT, "no output");
  m = model_of(13);
  add_initializer(&m, tensor_f32("x", XAI_SHAPE(1), (float[]){1}));
  add_node(&m, node("Relu", "r", "x", "y"));
  add_output(&m, "y");
  xai_net *net = NULL;
  xai_tensor *y = NULL;
  xai_err err = {""};
  if (load_model(&m, &net, &err) != XAI_OK || xai_net_eval(net, NULL, 0, &y, &err) != XAI_OK) fail_msg("%s", err.text);
  assert_float_equal(xai_tensor_floats(y)[0], 1, 0);
  assert_int_equal(xai_net_forward(net, xai_tensor_view(y), XAI_LAYER_OUTPUT, &y, &err), XAI_EARG);
  assert_string_equal(err.text, "the network has no input");
  xai_tensor_free(y);
  xai_net_free(net);
  m = plain_model();
  add_output(&m, "z");
  assert_refused(&m, XAI_ENOTFOUND, "output: value 'z'");
}

static xai_buf opset_import(const char *domain, int64_t version) {
  xai_buf o = {0};
  pb_text(&o, 1, domain);
  pb_int(&o, 2, version);
  return o;
}

static void the_operator_set_is_that_of_onnx_own_domain(void **state) {
  (void)state;
  model m = model_of(0); /* Clip with attributes: fine before 11 only */
  m.ir = 8;
  xai_buf clip = node("Clip", "c", "x", "y");
  attr_float(&clip, "min", 0);
  add_input(&m, "x", XAI_SHAPE(1));
  add_node(&m, clip);
  add_output(&m, "y");
  xai_buf b = model_bytes(&m);
  pb_message(&b, 8, opset_import("ai.onnx.ml", 1));
  pb_message(&b, 8, opset_import("ai.onnx", 13));
  assert_refused_bytes(b, XAI_EUNSUPPORTED, "attribute 'min' of operator Clip (opset 13)");
}

static void an_operator_set_may_be_missing_only_before_ir_3(void **state) {
  (void)state;
  model m = plain_model();
  m.ir = 8, m.opset = 0;
  assert_refused(&m, XAI_EFORMAT, "truncated: no operator set is imported");
  m = plain_model();
  m.ir = 2, m.opset = 0;
  assert_computes(&m, XAI_SHAPE(2), (float[]){-1, 1}, XAI_SHAPE(2), (float[]){0, 1});
  m = plain_model();
  m.opset = -1;
  assert_refused(&m, XAI_EFORMAT, "operator set version -1 makes no sense");
  m = plain_model();
  xai_buf b = model_bytes(&m);
  pb_message(&b, 8, opset_import("", 9));
  assert_refused_bytes(b, XAI_EFORMAT, "two operator set versions, 13 and 9");
}

static void an_operator_set_of_the_future_is_read_if_its_operators_are_known(void **state) {
  (void)state;
  model m = plain_model();
  m.opset = 99;
  assert_computes(&m, XAI_SHAPE(2), (float[]){-1, 1}, XAI_SHAPE(2), (float[]){0, 1});
}

/* ---- inputs and initializers --------------------------------------------------------------------- */
static void initializers_listed_as_inputs_are_constants(void **state) {
  (void)state;
  model m = model_of(7);
  add_input(&m, "w", XAI_SHAPE(2)); /* first in the list, as old exporters have it */
  add_input(&m, "x", XAI_SHAPE(2));
  add_initializer(&m, tensor_f32("w", XAI_SHAPE(2), (float[]){10, 20}));
  add_node(&m, node("Add", "", "x w", "y"));
  add_output(&m, "y");
  assert_computes(&m, XAI_SHAPE(2), (float[]){1, 2}, XAI_SHAPE(2), (float[]){11, 22});
}

static void free_dims_are_minus_one_however_they_are_written(void **state) {
  (void)state;
  model m = model_of(13);
  xai_buf dims = {0}, dim = {0}, tensor = {0}, type = {0}, v = {0};
  const int64_t sizes[] = {0, 3, -1}; /* then one with a name, one with nothing */
  for (int i = 0; i < 3; i++) {
    xai_buf d = {0};
    pb_int(&d, 1, sizes[i]);
    pb_message(&dims, 1, d);
  }
  pb_text(&dim, 2, "width");
  pb_message(&dims, 1, dim);
  pb_message(&dims, 1, (xai_buf){0});
  pb_int(&tensor, 1, T_F32);
  pb_message(&tensor, 2, dims);
  pb_message(&type, 1, tensor);
  pb_text(&v, 1, "x");
  pb_message(&v, 2, type);
  pb_message(&m.graph, 11, v);
  add_node(&m, node("Relu", "r", "x", "y"));
  add_output(&m, "y");
  xai_net *net = NULL;
  xai_err err = {""};
  if (load_model(&m, &net, &err) != XAI_OK) fail_msg("%s", err.text);
  xai_shape s = xai_net_input_shape(net), expected = XAI_SHAPE(-1, 3, -1, -1, -1);
  assert_true(xai_shape_equal(&s, &expected));
  assert_string_equal(xai_net_input_name(net), "x");
  assert_string_equal(xai_net_layer(net, 0).name, "r");
  xai_net_free(net);
}

/* An input with this TypeProto. */
static model typed_input(xai_buf type) {
  model m = model_of(13);
  xai_buf v = {0};
  pb_text(&v, 1, "x");
  pb_message(&v, 2, type);
  pb_message(&m.graph, 11, v);
  return m;
}

static void an_input_must_be_a_tensor_of_numbers_with_a_shape(void **state) {
  (void)state;
  xai_buf type = {0}, tensor = {0}, v = {0};
  pb_message(&type, 4, (xai_buf){0}); /* sequence_type */
  model m = typed_input(type);
  assert_refused(&m, XAI_EUNSUPPORTED, "input 'x': not a tensor");
  type = (xai_buf){0};
  pb_int(&tensor, 1, T_F32);
  pb_message(&type, 1, tensor);
  m = typed_input(type);
  assert_refused(&m, XAI_EUNSUPPORTED, "input 'x': its shape is not given");
  m = model_of(13);
  pb_message(&m.graph, 11, value_info("x", T_STRING, XAI_SHAPE(1)));
  assert_refused(&m, XAI_EUNSUPPORTED, "input 'x': elements of type string");
  m = model_of(13);
  add_input(&m, "x", XAI_SHAPE(-2));
  assert_refused(&m, XAI_EFORMAT, "input 'x': a dim of size -2");
  m = model_of(13);
  pb_text(&v, 1, "x");
  pb_message(&m.graph, 11, v);
  assert_refused(&m, XAI_EFORMAT, "input 'x': its type is not given");
  m = model_of(13);
  add_input(&m, "x", XAI_SHAPE(1));
  add_input(&m, "x", XAI_SHAPE(1));
  assert_refused(&m, XAI_EFORMAT, "input 'x': value 'x' is defined twice");
  m = model_of(13);
  add_input(&m, "", XAI_SHAPE(1));
  assert_refused(&m, XAI_EFORMAT, "an input without a name");
}

static void an_input_of_more_than_8_dims_is_refused(void **state) {
  (void)state;
  xai_buf type = {0}, tensor = {0}, dims = {0};
  for (int i = 0; i < 9; i++) pb_message(&dims, 1, (xai_buf){0});
  pb_int(&tensor, 1, T_F32);
  pb_message(&tensor, 2, dims);
  pb_message(&type, 1, tensor);
  model m = typed_input(type);
  assert_refused(&m, XAI_EUNSUPPORTED, "input 'x': more than 8 dims");
}

static void initializers_need_names_of_their_own(void **state) {
  (void)state;
  model m = plain_model();
  add_initializer(&m, tensor_f32(NULL, XAI_SHAPE(1), (float[]){1}));
  assert_refused(&m, XAI_EFORMAT, "an initializer without a name");
  m = plain_model();
  add_initializer(&m, tensor_f32("w", XAI_SHAPE(1), (float[]){1}));
  add_initializer(&m, tensor_f32("w", XAI_SHAPE(1), (float[]){1}));
  assert_refused(&m, XAI_EFORMAT, "initializer 'w': value 'w' is defined twice");
  m = plain_model();
  add_initializer(&m, tensor_raw("w", T_F32, XAI_SHAPE(2), "1234", 4));
  assert_refused(&m, XAI_EFORMAT, "initializer 'w': 4 bytes do not make a 2 of float32 (expected 8)");
}

static void sparse_initializers_are_refused(void **state) {
  (void)state;
  model m = plain_model();
  pb_text(&m.graph, 15, "");
  assert_refused(&m, XAI_EUNSUPPORTED, "sparse initializers are not supported");
}

/* ---- hostile sizes ------------------------------------------------------------------------------- */
static void two_megabytes_of_empty_nodes_fail_without_memory(void **state) {
  (void)state;
  static const int counts[] = {100001, 999000, 1048576}; /* the last by the number of messages */
  for (int k = 0; k < 3; k++) {
    model m = plain_model();
    for (int i = 0; i < counts[k]; i++) xai_buf_add(&m.graph, (const unsigned char[]){1 << 3 | 2, 0}, 2);
    xai_buf b = model_bytes(&m);
    xai_net *net = NULL;
    xai_err err = {""};
    xai_mem_limit(xai_mem_live() + 4096);
    xai_status st = load_bytes(b.data, b.size, &net, &err);
    xai_mem_limit(0);
    xai_buf_free(&b);
    assert_int_equal(st, XAI_EFORMAT);
    assert_non_null(strstr(err.text, k < 2 ? "are more than the limit of 100000" : "more than 1000000 messages"));
  }
}

static void too_many_initializers_fail_without_memory(void **state) {
  (void)state;
  model m = plain_model();
  for (int i = 0; i < 100001; i++) xai_buf_add(&m.graph, (const unsigned char[]){5 << 3 | 2, 0}, 2);
  assert_refused(&m, XAI_EFORMAT, "100001 initializers are more than the limit of 100000");
}

/* If in If in If ...: node { attribute { g { node ... */
static void a_depth_bomb_is_refused(void **state) {
  (void)state;
  xai_buf graph = {0};
  for (int i = 0; i < 3000; i++) {
    xai_buf attribute = {0}, n = {0}, outer = {0};
    pb_message(&attribute, 6, graph);
    pb_message(&n, 5, attribute);
    pb_message(&outer, 1, n);
    graph = outer;
  }
  model m = plain_model();
  xai_buf_add(&m.graph, graph.data, graph.size);
  xai_buf_free(&graph);
  assert_refused(&m, XAI_EFORMAT, "nested more than 64 deep");
}

/* ---- faults -------------------------------------------------------------------------------------- */
static void the_small_model_is_right(void **state) {
  (void)state;
  /* channels 1 and 2, everywhere: conv gives 1 and 2+1 = 3, clip leaves them, times 2: 2 and 6, softmax of the means:
   * 1 / (1 + e^4) = 0.01798621 and 0.98201379 */
  float x[32];
  for (int i = 0; i < 32; i++) x[i] = i < 16 ? 1 : 2;
  model m = small_model();
  assert_computes(&m, XAI_SHAPE(1, 2, 4, 4), x, XAI_SHAPE(1, 2, 1, 1), (float[]){0.01798621f, 0.98201379f});
}

static void every_shorter_file_is_refused(void **state) {
  (void)state;
  model m = small_model();
  xai_buf b = model_bytes(&m);
  for (size_t n = 0; n < b.size; n++) {
    xai_net *net = NULL;
    xai_err err = {""};
    size_t live = xai_mem_live();
    if (load_bytes(b.data, n, &net, &err) == XAI_OK) fail_msg("%zu of %zu bytes are taken for a model", n, b.size);
    assert_non_null(strstr(err.text, ".onnx: "));
    assert_null(net);
    assert_int_equal(xai_mem_live(), live);
  }
  xai_buf_free(&b);
}

/* Each byte in turn: an error, or a network that can be run or says why not. Nothing is lost either way. */
static void no_changed_byte_does_harm(void **state) {
  (void)state;
  static const int values[] = {0x00, 0x7f, 0x80, 0xff, -1};
  model m = small_model();
  xai_buf b = model_bytes(&m);
  long loaded = 0, refused = 0;
  float x[32] = {1};
  for (size_t i = 0; i < b.size; i++)
    for (int k = 0; k < 5; k++) {
      unsigned char old = b.data[i];
      size_t live = xai_mem_live();
      xai_net *net = NULL;
      xai_tensor *t = NULL;
      xai_err err = {""};
      b.data[i] = (unsigned char)(values[k] < 0 ? old ^ 1 : values[k]);
      xai_view view = {XAI_F32, XAI_SHAPE(1, 2, 4, 4), x};
      xai_mem_limit(live + (16 << 20)); /* a dim may have become huge */
      if (load_bytes(b.data, b.size, &net, &err) == XAI_OK) {
        loaded++;
        xai_net_forward(net, &view, XAI_LAYER_OUTPUT, &t, &err);
      } else {
        refused++;
        assert_null(net);
        assert_true(err.text[0] != '\0');
      }
      xai_mem_limit(0);
      xai_tensor_free(t);
      xai_net_free(net);
      b.data[i] = old;
      assert_int_equal(xai_mem_live(), live);
    }
  print_message("%ld mutants loaded, %ld refused\n", loaded, refused);
  xai_buf_free(&b);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  for (int sticky = 0; sticky < 2; sticky++) {
    model m = small_model();
    xai_buf b = model_bytes(&m);
    xai_status st = XAI_ENOMEM;
    int64_t k = 0;
    for (; st == XAI_ENOMEM && k < 10000; k++) {
      xai_net *net = NULL;
      xai_err err = {""};
      size_t live = xai_mem_live();
      xai_mem_fail_after(k, sticky);
      st = load_bytes(b.data, b.size, &net, &err);
      xai_mem_fail_after(-1, false);
      if (st != XAI_OK) {
        assert_int_equal(st, XAI_ENOMEM);
        assert_non_null(strstr(err.text, "memory"));
        assert_null(net);
      }
      xai_net_free(net);
      assert_int_equal(xai_mem_live(), live);
    }
    assert_int_equal(st, XAI_OK);
    assert_true(k > 50);
    xai_buf_free(&b);
  }
}

static void a_stop_request_ends_loading(void **state) {
  (void)state;
  model m = small_model();
  xai_stop_request();
  assert_refused(&m, XAI_ESTOP, "interrupted");
  xai_stop_clear();
}

/* ---- real files ---------------------------------------------------------------------------------- */
static xai_status load_path(const char *path, xai_net **out, xai_err *err) {
  xai_file *file = NULL;
  XAI_TRY(xai_file_map(path, SIZE_MAX, &file, err));
  xai_status st = xai_onnx_load(file, out, err);
  xai_file_release(file);
  return st;
}

static void squeezenet_is_read_with_its_own_layer_names(void **state) {
  (void)state;
  static const char *const files[] = {"models/squeezenet1.1.onnx", "models/squeezenet1.1-fp16.onnx"};
  for (int i = 0; i < 2; i++) {
    char path[512];
    xai_net *net = NULL;
    xai_err err = {""};
    int layer;
    if (no_shared_file(files[i], path, sizeof path)) skip();
    if (load_path(path, &net, &err) != XAI_OK) fail_msg("%s", err.text);
    xai_shape s = xai_net_input_shape(net), expected = XAI_SHAPE(1, 3, 224, 224);
    assert_true(xai_shape_equal(&s, &expected));
    assert_string_equal(xai_net_input_name(net), "data_0");
    assert_int_equal(xai_net_layer_count(net), 66); /* one for each node of the file */
    assert_int_equal(xai_net_classes(net), 1000);
    assert_true(xai_net_param_count(net) == 1235496);
    assert_int_equal(xai_net_find_layer(net, "fire9/concat_1", &layer, &err), XAI_OK);
    s = xai_net_layer(net, layer).shape;
    expected = XAI_SHAPE(1, 512, 13, 13);
    assert_true(xai_shape_equal(&s, &expected));
    xai_net_free(net);
  }
}

/* The file's own weights are used where they lie: loading takes little memory beside them. */
static void aligned_float32_weights_are_not_copied(void **state) {
  (void)state;
  char path[512];
  xai_net *net = NULL;
  if (no_shared_file("models/squeezenet1.1.onnx", path, sizeof path)) skip();
  size_t live = xai_mem_live();
  assert_int_equal(load_path(path, &net, NULL), XAI_OK);
  int layer;
  assert_int_equal(xai_net_find_layer(net, "conv1_1", &layer, NULL), XAI_OK);
  xai_tensor *w = xai_net_weight(net, layer, 1);
  assert_non_null(w);
  assert_int_equal(xai_tensor_count(w), 64 * 3 * 3 * 3);
  size_t copied = 0; /* tensors that lie at odd addresses must be copied */
  for (int l = 0; l < xai_net_layer_count(net); l++)
    for (int i = 1; i < 3; i++)
      if ((w = xai_net_weight(net, l, i)) != NULL && !xai_tensor_shared(w)) copied += xai_tensor_bytes(w);
  print_message("%zu bytes of weights copied for alignment\n", copied);
  assert_true(xai_mem_live() - live < copied + 200000);
  xai_net_free(net);
}

/* Written by an exporter; its results by the same framework: see golden/README.md. */
static void exported_networks_compute_what_their_exporter_computed(void **state) {
  (void)state;
  static const char *const names[] = {"resnet_basic", "densenet", "mobilenet_v2"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    char model_path[512], golden_path[512], name[64];
    xai_net *net = NULL;
    xai_archive golden = {0};
    xai_tensor *x = NULL, *y = NULL, *got = NULL;
    xai_err err = {""};
    snprintf(name, sizeof name, "golden/onnx/%s.onnx", names[k]);
    if (no_shared_file(name, model_path, sizeof model_path)) skip();
    snprintf(name, sizeof name, "golden/onnx/%s.safetensors", names[k]);
    if (no_shared_file(name, golden_path, sizeof golden_path)) skip();
    if (load_path(model_path, &net, &err) != XAI_OK) fail_msg("%s", err.text);
    if (xai_archive_read(golden_path, &golden, &err) != XAI_OK) fail_msg("%s", err.text);
    for (size_t i = 0; i < golden.n; i++) {
      if (strcmp(golden.entries[i].name, "input") == 0) x = golden.entries[i].tensor;
      if (strcmp(golden.entries[i].name, "output") == 0) y = golden.entries[i].tensor;
    }
    assert_true(x != NULL && y != NULL);
    if (xai_net_forward(net, xai_tensor_view(x), XAI_LAYER_OUTPUT, &got, &err) != XAI_OK) fail_msg("%s", err.text);
    assert_int_equal(xai_tensor_count(got), xai_tensor_count(y));
    double difference = 0, norm = 0;
    for (size_t i = 0; i < xai_tensor_count(y); i++) {
      double a = xai_view_get(xai_tensor_view(got), (int64_t)i), b = xai_view_get(xai_tensor_view(y), (int64_t)i);
      difference += (a - b) * (a - b);
      norm += b * b;
    }
    print_message("%s: relative error squared %.3g\n", names[k], difference / norm);
    assert_true(difference <= 2e-5 * 2e-5 * norm);
    xai_tensor_free(got);
    xai_archive_free(&golden);
    xai_net_free(net);
  }
}

static void squeezenet_cut_at_200_lengths_is_refused(void **state) {
  (void)state;
  char path[512];
  xai_file *file = NULL;
  if (no_shared_file("models/squeezenet1.1.onnx", path, sizeof path)) skip();
  assert_int_equal(xai_file_map(path, SIZE_MAX, &file, NULL), XAI_OK);
  size_t size = xai_file_size(file);
  for (size_t k = 1; k <= 200; k++) {
    xai_net *net = NULL;
    xai_err err = {""};
    size_t n = k <= 100 ? size - k : (size - 100) / 100 * (k - 101); /* every length near the end, 100 spread out */
    assert_int_equal(load_bytes(xai_file_data(file), n, &net, &err), XAI_EFORMAT);
    assert_null(net);
    if (n > 100 && strstr(err.text, ".onnx: truncated: ") == NULL) fail_msg("%zu bytes: %s", n, err.text);
  }
  xai_file_release(file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(messages_start_with_the_name_of_the_file),
      cmocka_unit_test(other_formats_are_named),
      cmocka_unit_test(a_file_of_2_gib_is_refused_unread),
      cmocka_unit_test(a_model_needs_a_graph),
      cmocka_unit_test(a_second_graph_is_refused),
      cmocka_unit_test(a_graph_needs_an_output_but_no_input),
      cmocka_unit_test(the_operator_set_is_that_of_onnx_own_domain),
      cmocka_unit_test(an_operator_set_may_be_missing_only_before_ir_3),
      cmocka_unit_test(an_operator_set_of_the_future_is_read_if_its_operators_are_known),
      cmocka_unit_test(initializers_listed_as_inputs_are_constants),
      cmocka_unit_test(free_dims_are_minus_one_however_they_are_written),
      cmocka_unit_test(an_input_must_be_a_tensor_of_numbers_with_a_shape),
      cmocka_unit_test(an_input_of_more_than_8_dims_is_refused),
      cmocka_unit_test(initializers_need_names_of_their_own),
      cmocka_unit_test(sparse_initializers_are_refused),
      cmocka_unit_test(two_megabytes_of_empty_nodes_fail_without_memory),
      cmocka_unit_test(too_many_initializers_fail_without_memory),
      cmocka_unit_test(a_depth_bomb_is_refused),
      cmocka_unit_test(the_small_model_is_right),
      cmocka_unit_test(every_shorter_file_is_refused),
      cmocka_unit_test(no_changed_byte_does_harm),
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(a_stop_request_ends_loading),
      cmocka_unit_test(squeezenet_is_read_with_its_own_layer_names),
      cmocka_unit_test(aligned_float32_weights_are_not_copied),
      cmocka_unit_test(exported_networks_compute_what_their_exporter_computed),
      cmocka_unit_test(squeezenet_cut_at_200_lengths_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
