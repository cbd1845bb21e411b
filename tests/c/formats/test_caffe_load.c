/* Caffe networks, written by hand and worked by hand: every kind of layer, both forms of the format, what is left out,
 * what is refused; files cut, damaged, and read with failing memory. */
#include "scratch.h"

#include "formats/caffe_make.h"
#include "formats/formats.h"
#include "graph/tiny.h"

/* ---- a network from two texts of bytes ------------------------------------------------------------- */
static xai_status try_load(const char *text, xai_buf *model, xai_net **out, xai_err *err) {
  put_text(scratch("a.prototxt"), text);
  put_file(scratch("a.caffemodel"), model->data, model->size);
  xai_status st = xai_net_load_caffe(scratch("a.prototxt"), scratch("a.caffemodel"), out, err);
  xai_buf_free(model);
  return st;
}

static xai_net *load(const char *text, xai_buf model) {
  xai_net *net = NULL;
  must(try_load(text, &model, &net, err));
  return net;
}

static void assert_refused_net(const char *text, xai_buf model, xai_status expected, const char *message) {
  xai_net *net = NULL;
  xai_err err = {""};
  xai_status st = try_load(text, &model, &net, &err);
  if (st != expected || strstr(err.text, message) == NULL)
    fail_msg("expected '...%s...' (%s), got '%s' (%s)", message, xai_status_text(expected), err.text,
             xai_status_text(st));
  assert_null(net);
}

/* The layer's activation for x has this shape and these elements. */
static void assert_layer(xai_net *net, const char *layer, xai_shape x_shape, const float *x, xai_shape y_shape,
                         const float *y) {
  xai_tensor *t = NULL;
  int number = XAI_LAYER_OUTPUT;
  float copy[64];
  char got[XAI_SHAPE_TEXT], want[XAI_SHAPE_TEXT];
  memcpy(copy, x, (size_t)xai_shape_size(&x_shape) * sizeof *x);
  if (layer != NULL) must(xai_net_find_layer(net, layer, &number, err));
  must(xai_net_forward(net, &(xai_view){XAI_F32, x_shape, copy}, number, &t, err));
  assert_string_equal(xai_shape_text(&xai_tensor_view(t)->shape, got), xai_shape_text(&y_shape, want));
  for (int64_t i = 0; i < xai_shape_size(&y_shape); i++) assert_float_equal(xai_tensor_floats(t)[i], y[i], 1e-6);
  xai_tensor_free(t);
}

/* Loads, runs to the output, compares. */
static void assert_net(const char *text, xai_buf model, xai_shape x_shape, const float *x, xai_shape y_shape,
                       const float *y) {
  xai_net *net = load(text, model);
  assert_layer(net, NULL, x_shape, x, y_shape, y);
  xai_net_free(net);
}
#define X(...) ((const float[]){__VA_ARGS__})

/* A network of one layer over an input of this shape. */
static const char *single(const char *dims, const char *layer) {
  static char text[2048];
  snprintf(text, sizeof text, "layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: [%s] } } }\n%s",
           dims, layer);
  return text;
}
#define ONE_LAYER(type, more) "layer { name: 'a' type: '" type "' bottom: 'x' top: 'y' " more " }"

/* ---- a whole network --------------------------------------------------------------------------------- */
/* x 1x1x3x3 -> conv 2 filters 2x2 -> relu, in place -> pool 2x2 -> fc 2x2 -> prob.
 *
 * for x = 1 2 3   conv w0 = 1 0   +0.5:  1.5 2.5   w1 = 0 -1  +3:  1  0    relu the same but 0 for negatives
 *         4 5 6             0 0          4.5 5.5        0  0      -2 -3
 *         7 8 9
 * max: 5.5 1    fc: z0 = 1*5.5 + 2*1 + 0 = 7.5   z1 = -1*5.5 + 3*1 + 1 = -1.5   p0 = 1 / (1 + e^-9) */
static const char whole[] = "name: 'tiny'\n"
                            "input: 'data' input_dim: 10 input_dim: 1 input_dim: 3 input_dim: 3\n"
                            "layer { name: 'conv1' type: 'Convolution' bottom: 'data' top: 'conv1'\n"
                            "  param { lr_mult: 1 } convolution_param { num_output: 2 kernel_size: 2\n"
                            "    weight_filler { type: 'gaussian' std: 0.01 } } }\n"
                            "layer { name: 'relu1' type: 'ReLU' bottom: 'conv1' top: 'conv1' }\n"
                            "layer { name: 'pool1' type: 'Pooling' bottom: 'conv1' top: 'pool1'\n"
                            "  pooling_param { pool: MAX kernel_size: 2 stride: 2 } }\n"
                            "layer { name: 'fc' type: 'InnerProduct' bottom: 'pool1' top: 'fc'\n"
                            "  inner_product_param { num_output: 2 } }\n"
                            "layer { name: 'prob' type: 'Softmax' bottom: 'fc' top: 'prob' }\n";
static const float nine[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

static xai_buf whole_model(void) {
  xai_buf b = caffe_model();
  LAYER(&b, "conv1", BLOB(XAI_SHAPE(2, 1, 2, 2), 1, 0, 0, 0, 0, -1, 0, 0), BLOB(XAI_SHAPE(2), 0.5f, 3));
  LAYER(&b, "fc", BLOB(XAI_SHAPE(2, 2), 1, 2, -1, 3), BLOB(XAI_SHAPE(2), 0, 1));
  return b;
}

static void assert_whole(xai_net *net) {
  xai_shape x = XAI_SHAPE(1, 1, 3, 3);
  assert_layer(net, "conv1", x, nine, XAI_SHAPE(1, 2, 2, 2), X(1.5f, 2.5f, 4.5f, 5.5f, 1, 0, -2, -3));
  assert_layer(net, "relu1", x, nine, XAI_SHAPE(1, 2, 2, 2), X(1.5f, 2.5f, 4.5f, 5.5f, 1, 0, 0, 0));
  assert_layer(net, "pool1", x, nine, XAI_SHAPE(1, 2, 1, 1), X(5.5f, 1));
  assert_layer(net, "fc", x, nine, XAI_SHAPE(1, 2), X(7.5f, -1.5f));
  assert_layer(net, NULL, x, nine, XAI_SHAPE(1, 2), X(0.99987662f, 0.00012338f));
}

static void a_network_computes_what_was_worked_by_hand(void **state) {
  (void)state;
  xai_net *net = load(whole, whole_model());
  assert_whole(net);
  xai_shape input = xai_net_input_shape(net);
  assert_int_equal(input.dims[0], -1); /* ten in the file: any number will do */
  assert_string_equal(xai_net_input_name(net), "data");
  assert_int_equal(xai_net_classes(net), 2);
  assert_int_equal(xai_net_resolve(net, XAI_LAYER_LOGITS), xai_net_layer_count(net) - 2);
  assert_string_equal(xai_net_preprocess(net)->name, "none"); /* one channel: no photograph */
  assert_string_equal(xai_net_path(net), scratch("a.prototxt"));
  xai_net_free(net);
}

/* The same in the former form, with layer types as words and blobs of four dims. */
static void the_former_form_is_the_same_network(void **state) {
  (void)state;
  static const char former[] =
      "input: \"data\" input_shape { dim: 1 dim: 1 dim: 3 dim: 3 }\n"
      "layers { name: 'conv1' type: CONVOLUTION bottom: 'data' top: 'conv1' blobs_lr: 1 blobs_lr: 2\n"
      "  convolution_param { num_output: 2 kernel_size: 2 } }\n"
      "layers { name: 'relu1' type: RELU bottom: 'conv1' top: 'conv1' }\n"
      "layers { name: 'pool1' type: POOLING bottom: 'conv1' top: 'pool1' pooling_param { kernel_size: 2 stride: 2 } }\n"
      "layers { name: 'fc' type: INNER_PRODUCT bottom: 'pool1' top: 'fc' inner_product_param { num_output: 2 } }\n"
      "layers { name: 'drop' type: DROPOUT bottom: 'fc' top: 'fc' dropout_param { dropout_ratio: 0.5 } }\n"
      "layers { name: 'prob' type: SOFTMAX bottom: 'fc' top: 'prob' }\n";
  xai_buf b = caffe_model();
  xai_buf conv[] = {FORMER_BLOB(XAI_SHAPE(2, 1, 2, 2), 1, 0, 0, 0, 0, -1, 0, 0),
                    FORMER_BLOB(XAI_SHAPE(1, 1, 1, 2), 0.5f, 3)};
  xai_buf fc[] = {FORMER_BLOB(XAI_SHAPE(1, 1, 2, 2), 1, 2, -1, 3), FORMER_BLOB(XAI_SHAPE(1, 1, 1, 2), 0, 1)};
  put_former_layer(&b, "conv1", 2, conv);
  put_former_layer(&b, "fc", 2, fc);
  xai_net *net = load(former, b);
  assert_whole(net);
  xai_net_free(net);
}

/* Blobs without a list of dims, with one number per field, as doubles: all the same elements. */
static void elements_are_read_in_all_their_forms(void **state) {
  (void)state;
  xai_buf pieces = {0}, doubles = {0}, dims = {0}, b = caffe_model();
  pb_int(&dims, 1, 1); /* the dims one by one, too */
  pb_int(&dims, 1, 2);
  pb_bytes(&pieces, 5, X(3), 4);
  pb_float(&pieces, 5, 4);
  pb_message(&pieces, 7, dims);
  dims = (xai_buf){0};
  pb_int(&dims, 1, 1);
  pb_double(&doubles, 8, 0.25);
  pb_message(&doubles, 7, dims);
  LAYER(&b, "a", pieces, doubles);
  /* 3*1 + 4*2 + 0.25 */
  assert_net(single("1,2", ONE_LAYER("InnerProduct", "inner_product_param { num_output: 1 }")), b, XAI_SHAPE(1, 2),
             X(1, 2), XAI_SHAPE(1, 1), X(11.25f));
}

/* ---- layers ---------------------------------------------------------------------------------------- */
/* Two groups of one channel, 1x2 kernels, strides 1 and 2, a column of padding on each side:
 *   1 2 3 -> 0 1 2 3 0 with (1 10): 10 32    4 5 6 -> 0 4 5 6 0 with (2 1): 4 16 */
static void convolution_with_groups_and_sizes_by_axis(void **state) {
  (void)state;
  xai_buf b = caffe_model();
  LAYER(&b, "a", BLOB(XAI_SHAPE(2, 1, 1, 2), 1, 10, 2, 1));
  assert_net(single("1,2,1,3", ONE_LAYER("Convolution", "convolution_param { num_output: 2 group: 2 bias_term: false "
                                                        "kernel_h: 1 kernel_w: 2 stride_w: 2 pad_w: 1 }")),
             b, XAI_SHAPE(1, 2, 1, 3), X(1, 2, 3, 4, 5, 6), XAI_SHAPE(1, 2, 1, 2), X(10, 32, 4, 16));
  b = caffe_model();
  LAYER(&b, "a", BLOB(XAI_SHAPE(1, 1, 1, 2), 1, 10)); /* taps two apart: 1 + 10*3 */
  assert_net(single("1,1,1,3", ONE_LAYER("Convolution", "convolution_param { num_output: 1 bias_term: false "
                                                        "kernel_size: 1 kernel_size: 2 dilation: 2 }")),
             b, XAI_SHAPE(1, 1, 1, 3), X(1, 2, 3), XAI_SHAPE(1, 1, 1, 1), X(31));
}

static void inner_products_flatten_and_may_be_transposed(void **state) {
  (void)state;
  xai_buf b = caffe_model();
  LAYER(&b, "a", BLOB(XAI_SHAPE(4, 1), 1, 10, 100, 1000));
  assert_net(single("1,2,1,2", ONE_LAYER("InnerProduct",
                                         "inner_product_param { num_output: 1 bias_term: false transpose: true }")),
             b, XAI_SHAPE(1, 2, 1, 2), X(1, 2, 3, 4), XAI_SHAPE(1, 1), X(4321));
}

/* 4x4 by 3, stride 2: ceil((4 - 3) / 2) + 1 = 2 windows per axis, the second cut off; 1 with round_mode FLOOR. */
static void pooling_rounds_up_unless_told_otherwise(void **state) {
  (void)state;
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  assert_net(single("1,1,4,4", ONE_LAYER("Pooling", "pooling_param { kernel_size: 3 stride: 2 }")), caffe_model(),
             XAI_SHAPE(1, 1, 4, 4), x, XAI_SHAPE(1, 1, 2, 2), X(11, 12, 15, 16));
  assert_net(single("1,1,4,4", ONE_LAYER("Pooling", "pooling_param { kernel_size: 3 stride: 2 round_mode: FLOOR }")),
             caffe_model(), XAI_SHAPE(1, 1, 4, 4), x, XAI_SHAPE(1, 1, 1, 1), X(11));
}

/* The same picture, 3, stride 2, pad 1: windows start at -1, 1 and 3; the last reaches over the padding's end at 5 and
 * counts 2 of its 3 positions. Sums over counted positions, rows by columns:
 *   14/9  30/9  12/6      1+2+5+6    2+3+4+6+7+8      4+8
 *   57/9  99/9  36/6
 *   27/6  45/6  16/4 */
static void averages_count_the_padding_but_not_what_is_beyond(void **state) {
  (void)state;
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  assert_net(single("1,1,4,4", ONE_LAYER("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }")),
             caffe_model(), XAI_SHAPE(1, 1, 4, 4), x, XAI_SHAPE(1, 1, 3, 3),
             X(14.f / 9, 30.f / 9, 2, 57.f / 9, 11, 6, 4.5f, 7.5f, 4));
}

/* 3 by 2, stride 2, pad 1: ceil((3 + 2 - 2) / 2) + 1 = 3, but the third would start at 3, in the padding: 2. */
static void a_window_that_starts_in_the_padding_is_dropped(void **state) {
  (void)state;
  assert_net(single("1,1,1,3", ONE_LAYER("Pooling", "pooling_param { kernel_h: 1 kernel_w: 2 stride: 2 pad_w: 1 }")),
             caffe_model(), XAI_SHAPE(1, 1, 1, 3), X(1, 2, 3), XAI_SHAPE(1, 1, 1, 2), X(1, 3));
}

static void global_pooling_takes_the_plane(void **state) {
  (void)state;
  assert_net(single("1,2,1,2", ONE_LAYER("Pooling", "pooling_param { pool: AVE global_pooling: true }")), caffe_model(),
             XAI_SHAPE(1, 2, 1, 2), X(1, 2, 3, 5), XAI_SHAPE(1, 2, 1, 1), X(1.5f, 4));
  assert_net(single("1,2,1,2", ONE_LAYER("Pooling", "pooling_param { global_pooling: true }")), caffe_model(),
             XAI_SHAPE(1, 2, 1, 2), X(1, 2, 3, 5), XAI_SHAPE(1, 2, 1, 1), X(2, 5));
}

/* size 3, alpha 3, beta 1, k 2: y = x / (2 + 3/3 * sum of squares of the neighbours):  1/(2+1+4), 2/(2+14), 3/(2+13) */
static void normalisation_across_channels(void **state) {
  (void)state;
  assert_net(single("1,3,1,1", ONE_LAYER("LRN", "lrn_param { local_size: 3 alpha: 3 beta: 1 k: 2 }")), caffe_model(),
             XAI_SHAPE(1, 3, 1, 1), X(1, 2, 3), XAI_SHAPE(1, 3, 1, 1), X(1.f / 7, 0.125f, 0.2f));
}

/* Sums over a weight of 2: means 1 and 2, variances 4 and 9 (less 1e-5); then times 3 and -1, plus 1 and 0. In place.
 *   3 -> (3 - 1) / 2 = 1 -> 4      5 -> (5 - 2) / 3 = 1 -> -1 */
static void batch_norm_and_scale(void **state) {
  (void)state;
  static const char layers[] =
      "layer { name: 'bn' type: 'BatchNorm' bottom: 'x' top: 'y' batch_norm_param { use_global_stats: true } }\n"
      "layer { name: 'sc' type: 'Scale' bottom: 'y' top: 'y' scale_param { bias_term: true } }\n";
  xai_buf b = caffe_model();
  LAYER(&b, "bn", BLOB(XAI_SHAPE(2), 2, 4), BLOB(XAI_SHAPE(2), 8 - 2e-5f, 18 - 2e-5f), BLOB(XAI_SHAPE(1), 2));
  LAYER(&b, "sc", BLOB(XAI_SHAPE(2), 3, -1), BLOB(XAI_SHAPE(2), 1, 0));
  xai_net *net = load(single("1,2,1,1", layers), b);
  assert_layer(net, "bn", XAI_SHAPE(1, 2, 1, 1), X(3, 5), XAI_SHAPE(1, 2, 1, 1), X(1, 1));
  assert_layer(net, "sc", XAI_SHAPE(1, 2, 1, 1), X(3, 5), XAI_SHAPE(1, 2, 1, 1), X(4, -1));
  xai_net_free(net);
  b = caffe_model(); /* a weight of 0: no image was ever seen, both are 0: x / sqrt(eps) */
  LAYER(&b, "a", BLOB(XAI_SHAPE(1), 2), BLOB(XAI_SHAPE(1), 4), BLOB(XAI_SHAPE(1), 0));
  assert_net(single("1,1,1,1", ONE_LAYER("BatchNorm", "batch_norm_param { eps: 0.25 }")), b, XAI_SHAPE(1, 1, 1, 1),
             X(3), XAI_SHAPE(1, 1, 1, 1), X(6));
}

static const char *eltwise(const char *more) {
  static char text[1024];
  snprintf(text, sizeof text,
           "input: 'x' input_shape { dim: [1,2] }\n"
           "layer { name: 's' type: 'Split' bottom: 'x' top: 'x1' top: 'x2' }\n"
           "layer { name: 'r' type: 'ReLU' bottom: 'x1' top: 'r' }\n"
           "layer { name: 'e' type: 'Eltwise' bottom: 'x2' bottom: 'r' bottom: 'x' top: 'e' %s }\n",
           more);
  return text;
}

/* of x, relu(x) and x for x = (-2, 3) */
static void eltwise_adds_with_coefficients_and_multiplies(void **state) {
  (void)state;
  static const struct {
    const char *param;
    float y[2];
  } cases[] = {
      {"", {-4, 9}},
      {"eltwise_param { operation: SUM coeff: [1, -1, 1] }", {-4, 3}},
      {"eltwise_param { coeff: 2 coeff: 10 coeff: -1 }", {-2, 33}},
      {"eltwise_param { coeff: [-1, 1, 0.5] }", {1, 1.5f}},
      {"eltwise_param { operation: PROD }", {0, 27}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_net(eltwise(cases[i].param), caffe_model(), XAI_SHAPE(1, 2), X(-2, 3), XAI_SHAPE(1, 2), cases[i].y);
  xai_op ignored;
  if (!xai_op_find("Max", &ignored))
    assert_refused_net(eltwise("eltwise_param { operation: MAX }"), caffe_model(), XAI_EUNSUPPORTED,
                       "layer 'e': this operation is not supported");
  else
    assert_net(eltwise("eltwise_param { operation: MAX }"), caffe_model(), XAI_SHAPE(1, 2), X(-2, 3), XAI_SHAPE(1, 2),
               X(0, 3));
}

static void simple_layers_are_their_operators(void **state) {
  (void)state;
  static const struct {
    const char *type, *more;
    float y[2];
  } cases[] = {
      {"ReLU", "", {0, 3}},
      {"ReLU", "relu_param { negative_slope: 0.5 }", {-1, 3}},
      {"Dropout", "dropout_param { dropout_ratio: 0.5 }", {-2, 3}},
      {"TanH", "", {-0.96402758f, 0.99505475f}},
      {"Sigmoid", "", {0.11920292f, 0.95257413f}},
      {"Softmax", "", {0.00669285f, 0.99330715f}}, /* 1 / (1 + e^5) */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char layer[200];
    snprintf(layer, sizeof layer, "layer { name: 'a' type: '%s' bottom: 'x' top: 'y' %s }", cases[i].type,
             cases[i].more);
    assert_net(single("1,2", layer), caffe_model(), XAI_SHAPE(1, 2), X(-2, 3), XAI_SHAPE(1, 2), cases[i].y);
  }
}

static void the_ratio_of_dropout_is_what_training_takes(void **state) {
  (void)state;
  static const struct {
    const char *layer;
    float ratio;
  } cases[] = {
      {ONE_LAYER("Dropout", "dropout_param { dropout_ratio: 0.25 }"), 0.25f},
      {ONE_LAYER("Dropout", ""), 0.5f},
      {"layers { name: 'a' type: DROPOUT bottom: 'x' top: 'y' dropout_param { dropout_ratio: 0.75 } }", 0.75f},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[300];
    snprintf(text, sizeof text, "input: 'x' input_dim: 1 input_dim: 2 input_dim: 1 input_dim: 1\n%s", cases[i].layer);
    xai_net *net = load(i < 2 ? single("1,2", cases[i].layer) : text, caffe_model());
    assert_true(xai_tensor_floats(xai_net_weight(net, 0, 1))[0] == cases[i].ratio);
    assert_int_equal(xai_net_param_count(net), 0);
    xai_net_free(net);
  }
}

static void concat_and_flatten(void **state) {
  (void)state;
  static const char layers[] = "layer { name: 'r' type: 'ReLU' bottom: 'x' top: 'r' }\n"
                               "layer { name: 'c' type: 'Concat' bottom: 'x' bottom: 'r' top: 'c' %s }\n"
                               "layer { name: 'f' type: 'Flatten' bottom: 'c' top: 'f' }\n";
  char text[600];
  snprintf(text, sizeof text, layers, "");
  assert_net(single("1,1,1,2", text), caffe_model(), XAI_SHAPE(1, 1, 1, 2), X(-1, 2), XAI_SHAPE(1, 4), X(-1, 2, 0, 2));
  snprintf(text, sizeof text, layers, "concat_param { axis: 3 }");
  assert_net(single("1,1,1,2", text), caffe_model(), XAI_SHAPE(1, 1, 1, 2), X(-1, 2), XAI_SHAPE(1, 4), X(-1, 2, 0, 2));
  snprintf(text, sizeof text, layers, "concat_param { concat_dim: 2 }");
  assert_net(single("1,1,1,2", text), caffe_model(), XAI_SHAPE(1, 1, 1, 2), X(-1, 2), XAI_SHAPE(1, 4), X(-1, 2, 0, 2));
}

/* ---- the graph ------------------------------------------------------------------------------------- */
static void layers_in_place_keep_their_names_and_their_activations(void **state) {
  (void)state;
  static const char layers[] =
      "layer { name: 'a' type: 'ReLU' bottom: 'x' top: 'y' }\n"
      "layer { name: 'x' type: 'TanH' bottom: 'y' top: 'y' }\n" /* its name is a value's already */
      "layer { name: 'b' type: 'ReLU' bottom: 'y' top: 'y' relu_param { negative_slope: 2 } }\n";
  xai_net *net = load(single("1,2", layers), caffe_model());
  assert_int_equal(xai_net_layer_count(net), 3);
  assert_string_equal(xai_net_layer(net, 0).name, "a");
  assert_string_equal(xai_net_layer(net, 1).name, "x");
  assert_string_equal(xai_net_layer(net, 2).name, "b");
  assert_layer(net, "a", XAI_SHAPE(1, 2), X(-1, 1), XAI_SHAPE(1, 2), X(0, 1));
  assert_layer(net, "b", XAI_SHAPE(1, 2), X(-1, 1), XAI_SHAPE(1, 2), X(0, 0.76159416f));
  xai_net_free(net);
}

/* Layers of training, and those that the rules keep out, are not there; the network ends in the classifier. */
static void only_what_is_asked_is_loaded(void **state) {
  (void)state;
  static const char text[] =
      "layer { name: 'data' type: 'Data' top: 'x' top: 'label' include { phase: TRAIN } data_param { source: 's' } }\n"
      "layer { name: 'data' type: 'Data' top: 'x' top: 'label' include { phase: TEST } transform_param { crop_size: 2 "
      "mean_value: 104 } }\n"
      "layer { name: 'noise' type: 'DummyData' top: 'n' exclude { phase: TEST } }\n"
      "layer { name: 'gone' type: 'Python' bottom: 'x' top: 'z' include { stage: 'fit' } }\n"
      "layer { name: 'r' type: 'ReLU' bottom: 'x' top: 'r' include { stage: 'deploy' not_stage: 'fit' min_level: 0 } "
      "}\n"
      "layer { name: 's' type: 'Sigmoid' bottom: 'r' top: 's' }\n"
      "layer { name: 'acc' type: 'Accuracy' bottom: 's' bottom: 'label' top: 'acc' }\n"
      "layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 's' bottom: 'label' top: 'loss' }\n";
  xai_net *net = load(text, caffe_model());
  assert_int_equal(xai_net_layer_count(net), 2);
  xai_shape x = xai_net_input_shape(net);
  assert_true(x.rank == 4 && x.dims[0] == -1 && x.dims[1] == 3 && x.dims[2] == 2 && x.dims[3] == 2);
  assert_string_equal(xai_net_preprocess(net)->name, "caffe");
  xai_net_free(net);
}

static void inputs_are_declared_in_many_ways(void **state) {
  (void)state;
  static const char *const heads[] = {
      "input: 'x' input_dim: [1, 1, 2, 2]", "input: 'x' input_shape { dim: 1 dim: 1 dim: 2 dim: 2 }",
      "layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 1, 2, 2] } } }",
      "layer { name: 'm' type: 'MemoryData' top: 'x' top: 'l' memory_data_param { batch_size: 1 channels: 1 height: 2 "
      "width: 2 } }",
      "layers { name: 'm' type: MEMORY_DATA top: 'x' memory_data_param { batch_size: 1 channels: 1 height: 2 width: 2 "
      "} }"};
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
    char text[400];
    snprintf(text, sizeof text, "%s %s { name: 'r' type: %s bottom: 'x' top: 'y' }", heads[i],
             i == 4 ? "layers" : "layer", i == 4 ? "RELU" : "'ReLU'");
    assert_net(text, caffe_model(), XAI_SHAPE(1, 1, 2, 2), X(-1, 1, 2, -3), XAI_SHAPE(1, 1, 2, 2), X(0, 1, 2, 0));
  }
}

static void the_last_blob_that_nobody_reads_is_the_main_output(void **state) {
  (void)state;
  static const char layers[] = "layer { name: 'side' type: 'ReLU' bottom: 'x' top: 'side' }\n"
                               "layer { name: 'main' type: 'Dropout' bottom: 'x' top: 'main' }\n";
  xai_net *net = load(single("1,2", layers), caffe_model());
  assert_int_equal(xai_net_layer_count(net), 2);
  assert_layer(net, NULL, XAI_SHAPE(1, 2), X(-1, 1), XAI_SHAPE(1, 2), X(-1, 1));
  xai_net_free(net);
}

/* ---- what is refused ------------------------------------------------------------------------------------ */
static xai_buf weights_a(xai_buf blob) {
  xai_buf b = caffe_model();
  LAYER(&b, "a", blob);
  return b;
}

static void what_makes_no_sense_is_refused_by_layer(void **state) {
  (void)state;
  static const struct {
    const char *layer, *message;
    xai_status status;
  } bad[] = {
      {ONE_LAYER("Convolution", "convolution_param { num_output: 1 }"), "kernel_size 0 is out of range", XAI_EFORMAT},
      {ONE_LAYER("Convolution", "convolution_param { num_output: 1 kernel_size: 1 kernel_size: 1 kernel_size: 1 }"),
       "kernel_size has more than two numbers", XAI_EFORMAT},
      {ONE_LAYER("Convolution", "convolution_param { num_output: 1 kernel_size: 1 stride: 0 }"),
       "stride 0 is out of range", XAI_EFORMAT},
      {ONE_LAYER("Convolution", "convolution_param { num_output: 1 kernel_size: 1 pad: -1 }"), "pad -1 is out of range",
       XAI_EFORMAT},
      {ONE_LAYER("Convolution", "convolution_param { num_output: 5 kernel_size: 1 }"),
       "weights 1x1x1x1 do not match num_output 5", XAI_ESHAPE},
      {ONE_LAYER("Convolution", "convolution_param { num_output: 1 kernel_size: 1 axis: 2 }"), "an axis other than 1",
       XAI_EUNSUPPORTED},
      {ONE_LAYER("Convolution", "convolution_param { num_output: 1 kernel_size: 1 }"), "it has 1 blobs there, no bias",
       XAI_EFORMAT},
      {ONE_LAYER("Convolution", "convolution_param { num_output: 1 kernel_size: 2 bias_term: false }"), "kernel_shape",
       XAI_ESHAPE},
      {ONE_LAYER("InnerProduct", "inner_product_param { num_output: 3 }"), "weights 1x1 do not match num_output 3",
       XAI_ESHAPE},
      {ONE_LAYER("InnerProduct", "inner_product_param { num_output: 1 axis: 2 }"), "an axis other than 1",
       XAI_EUNSUPPORTED},
      {ONE_LAYER("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 }"), "stochastic pooling",
       XAI_EUNSUPPORTED},
      {ONE_LAYER("Pooling", ""), "kernel_size 0 is out of range", XAI_EFORMAT},
      {ONE_LAYER("LRN", "lrn_param { norm_region: WITHIN_CHANNEL }"), "within channels", XAI_EUNSUPPORTED},
      {ONE_LAYER("BatchNorm", "batch_norm_param { use_global_stats: false }"), "use_global_stats", XAI_EUNSUPPORTED},
      {ONE_LAYER("BatchNorm", ""), "it has 1 blobs there, no weight of the averages", XAI_EFORMAT},
      {ONE_LAYER("Scale", "scale_param { axis: 0 }"), "an axis other than 1", XAI_EUNSUPPORTED},
      {ONE_LAYER("Scale", "bottom: 'x'"), "2 bottoms (expected 1)", XAI_EUNSUPPORTED},
      {ONE_LAYER("Eltwise", ""), "1 bottoms (expected 2 or more)", XAI_EUNSUPPORTED},
      {ONE_LAYER("Eltwise", "bottom: 'x' eltwise_param { coeff: 1 }"), "1 coefficients for 2 bottoms", XAI_EFORMAT},
      {ONE_LAYER("Flatten", "flatten_param { axis: 2 }"), "an axis other than 1", XAI_EUNSUPPORTED},
      {ONE_LAYER("ReLU", "top: 'z'"), "2 tops (expected 1)", XAI_EUNSUPPORTED},
      {"layer { name: 'a' type: 'ReLU' bottom: 'x' }", "0 tops (expected 1)", XAI_EUNSUPPORTED},
      {"layer { name: 'a' type: 'ReLU' top: 'y' }", "no bottom", XAI_EFORMAT},
      {"layer { name: 'a' type: 'ReLU' bottom: 'w' top: 'y' }", "blob 'w' is used before a layer makes it",
       XAI_EFORMAT},
      {ONE_LAYER("Deconvolution", ""),
       "type 'Deconvolution' is not supported; supported: BatchNorm, Concat, Convolution", XAI_EUNSUPPORTED},
      {"layer { name: 'a' type: 'Data' top: 'y' }", "use the network's deploy.prototxt", XAI_EUNSUPPORTED},
      {"layer { name: 'a' type: 'Input' top: 'y' }", "no shape is given for input 1", XAI_EFORMAT},
      {"layer { name: 'a' type: 'Input' top: 'y' input_param { shape { dim: 0 } } }", "a dim of size 0", XAI_EFORMAT},
      {"layer { name: 'a' type: 'Input' top: 'x' input_param { shape { dim: 1 } } }", "'x' is defined twice",
       XAI_EFORMAT},
      {"layers { name: 'a' type: DECONVOLUTION bottom: 'x' top: 'y' }", "type 'DECONVOLUTION' is not supported",
       XAI_EUNSUPPORTED},
      {"layers { name: 'a' layer { name: 'a' type: 'conv' } bottom: 'x' top: 'y' }", "oldest form (V0)",
       XAI_EUNSUPPORTED},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bool matrix = strstr(bad[i].layer, "InnerProduct") != NULL;
    xai_buf b = weights_a(matrix ? BLOB(XAI_SHAPE(1, 1), 1) : BLOB(XAI_SHAPE(1, 1, 1, 1), 1));
    assert_refused_net(single("1,1,4,4", bad[i].layer), b, bad[i].status, bad[i].message);
    b = weights_a(matrix ? BLOB(XAI_SHAPE(1, 1), 1) : BLOB(XAI_SHAPE(1, 1, 1, 1), 1));
    assert_refused_net(single("1,1,4,4", bad[i].layer), b, bad[i].status, "a.prototxt: layer 'a': ");
  }
}

static void weights_that_do_not_fit_are_refused(void **state) {
  (void)state;
  const char *conv = single("1,1,1,1", ONE_LAYER("Convolution", "convolution_param { num_output: 1 kernel_size: 1 }"));
  assert_refused_net(conv, caffe_model(), XAI_ENOTFOUND, "a.caffemodel has no weights for it");
  xai_buf few = {0};
  for (unsigned d = 1; d <= 4; d++) pb_int(&few, d, d == 1 ? 2 : 1);
  pb_float(&few, 5, 1);
  assert_refused_net(conv, weights_a(few), XAI_EFORMAT,
                     "a.caffemodel: weight: 1 elements do not make a blob of 2x1x1x1");
  assert_refused_net(conv, weights_a((xai_buf){0}), XAI_EFORMAT, "a blob with a dim of size 0");
  xai_buf none = caffe_model(), layer = {0};
  pb_message(&none, 100, layer);
  assert_refused_net(conv, none, XAI_EFORMAT, "a.caffemodel: a layer without a name");
  xai_buf junk = {0};
  xai_buf_add(&junk, "junk", 4);
  assert_refused_net(conv, junk, XAI_EFORMAT, "a.caffemodel: ");
}

static void a_network_needs_inputs_and_a_sound_text(void **state) {
  (void)state;
  assert_refused_net("", caffe_model(), XAI_EFORMAT, "a.prototxt: the graph has no output");
  assert_refused_net("input: 'x'", caffe_model(), XAI_EFORMAT, "expected four input_dim for each input");
  assert_refused_net("input: 'x' input_dim: [1,1,1]", caffe_model(), XAI_EFORMAT, "expected four input_dim");
  assert_refused_net("input: 'x' input_dim: [1,1,1,0]", caffe_model(), XAI_EFORMAT, "an input_dim of 0");
  assert_refused_net("input: 'x' input: 'y' input: 'z' input_shape { dim: 1 } input_shape { dim: 1 }", caffe_model(),
                     XAI_EFORMAT, "no shape is given for input 3");
  assert_refused_net("layer { name: 'a'\ntype: Convolution }", caffe_model(), XAI_EFORMAT,
                     "a.prototxt: line 2: type: expected a text in quotes, got 'Convolution'");
  assert_refused_net("layer { type: 'ReLU' }", caffe_model(), XAI_EFORMAT, "a layer without a name");
}

/* ---- files ----------------------------------------------------------------------------------------------- */
static void each_half_finds_the_other(void **state) {
  (void)state;
  xai_buf b = whole_model();
  xai_net *net = NULL;
  xai_err err;
  put_file(scratch("n.caffemodel"), b.data, b.size);
  xai_buf_free(&b);
  assert_int_equal(xai_net_load(scratch("n.caffemodel"), &net, &err), XAI_ENOTFOUND);
  assert_non_null(
      strstr(err.text, "n.caffemodel: weights of a Caffe network, but its structure does not lie beside it"));
  static const char *const texts[] = {"deploy.prototxt", "n_deploy.prototxt", "n.prototxt"};
  for (int i = 0; i < 3; i++) {
    put_text(scratch(texts[i]), whole);
    must(xai_net_load(scratch("n.caffemodel"), &net, err));
    assert_whole(net);
    assert_string_equal(xai_net_path(net), scratch(texts[i]));
    xai_net_free(net);
  }
  must(xai_net_load(scratch("n.prototxt"), &net, err));
  assert_whole(net);
  xai_net_free(net);
  net = NULL;
  assert_int_equal(xai_net_load(scratch("deploy.prototxt"), &net, &err), XAI_EFORMAT);
  assert_non_null(strstr(err.text, "deploy.prototxt: a text file, and not half of a Caffe network"));
  assert_int_equal(xai_net_load_caffe(scratch("n.prototxt"), scratch("m.caffemodel"), &net, &err), XAI_ENOTFOUND);
  assert_null(net);
  for (int i = 0; i < 3; i++) remove(scratch(texts[i]));
  remove(scratch("n.caffemodel"));
}

/* 2x2 positions: means (1+2+3+6)/4 = 3, 20, -1 */
static void a_mean_picture_becomes_a_number_per_channel(void **state) {
  (void)state;
  float mean[3];
  xai_err err;
  xai_buf b = FORMER_BLOB(XAI_SHAPE(1, 3, 2, 2), 1, 2, 3, 6, 20, 20, 20, 20, -1, -1, -3, 1);
  put_file(scratch("mean.binaryproto"), b.data, b.size);
  must(xai_caffe_mean_read(scratch("mean.binaryproto"), mean, err));
  for (int c = 0; c < 3; c++) assert_float_equal(mean[c], X(3, 20, -1)[c], 0);
  xai_buf_free(&b);
  b = BLOB(XAI_SHAPE(1, 1, 2), 4, 6);
  put_file(scratch("mean.binaryproto"), b.data, b.size);
  must(xai_caffe_mean_read(scratch("mean.binaryproto"), mean, err));
  for (int c = 0; c < 3; c++) assert_float_equal(mean[c], 5, 0);
  xai_buf_free(&b);
  b = BLOB(XAI_SHAPE(2, 1), 4, 6);
  put_file(scratch("mean.binaryproto"), b.data, b.size);
  assert_int_equal(xai_caffe_mean_read(scratch("mean.binaryproto"), mean, &err), XAI_ESHAPE);
  assert_non_null(strstr(err.text, "mean.binaryproto: 2x1 is not a picture"));
  xai_buf_free(&b);
  put_text(scratch("mean.binaryproto"), "no");
  assert_int_equal(xai_caffe_mean_read(scratch("mean.binaryproto"), mean, &err), XAI_EFORMAT);
  remove(scratch("mean.binaryproto"));
}

/* ---- hostile files ----------------------------------------------------------------------------------------- */
static const char *other_half;

static xai_status load_weights(const char *path, xai_err *err) {
  xai_net *net = NULL;
  xai_status st = xai_net_load_caffe(other_half, path, &net, err);
  if (st != XAI_OK) assert_null(net);
  xai_net_free(net);
  if (st == XAI_ESHAPE || st == XAI_ENOTFOUND || st == XAI_EARG) st = XAI_EFORMAT; /* a fault in the meaning */
  if (st == XAI_EFORMAT && strncmp(err->text, path, strlen(path)) != 0) {          /* told at the structure's layer */
    assert_non_null(strstr(err->text, "layer '"));
    snprintf(err->text, sizeof err->text, "%.200s", path);
  }
  return st;
}

static xai_status load_structure(const char *path, xai_err *err) {
  xai_net *net = NULL;
  xai_status st = xai_net_load_caffe(path, other_half, &net, err);
  if (st != XAI_OK) assert_null(net);
  xai_net_free(net);
  return st == XAI_ESHAPE || st == XAI_ENOTFOUND || st == XAI_EARG ? XAI_EFORMAT : st;
}

static void damaged_weights_are_survived(void **state) {
  (void)state;
  static char text_path[400];
  xai_buf b = whole_model();
  snprintf(text_path, sizeof text_path, "%s", scratch("h.prototxt"));
  other_half = text_path;
  put_text(text_path, whole);
  const char *path = scratch("h.caffemodel");
  each_cut_is_refused(load_weights, path, b.data, b.size, b.size);
  assert_true(each_byte_fault_is_survived(load_weights, path, b.data, b.size) > 50);
  put_file(path, b.data, b.size);
  each_allocation_fails(load_weights, path);
  xai_buf_free(&b);
  remove(path);
  remove(text_path);
}

static void damaged_structures_are_survived(void **state) {
  (void)state;
  static char model_path[400];
  xai_buf b = whole_model();
  snprintf(model_path, sizeof model_path, "%s", scratch("h.caffemodel"));
  other_half = model_path;
  put_file(model_path, b.data, b.size);
  xai_buf_free(&b);
  const char *path = scratch("h.prototxt");
  assert_true(each_byte_fault_is_survived(load_structure, path, (const unsigned char *)whole, sizeof whole - 1) > 50);
  put_text(path, whole);
  each_allocation_fails(load_structure, path);
  remove(path);
  remove(model_path);
}

/* Many layers, many names in one layer, deep messages: bounded, and not in quadratic time. */
static void large_structures_are_bounded(void **state) {
  (void)state;
  enum { LAYERS = 20000, BOTTOMS = 100000 };
  size_t room = 100 + 60 * (size_t)LAYERS + 16 * (size_t)BOTTOMS, used = 0;
  char *text = malloc(room);
  assert_non_null(text);
  used += (size_t)snprintf(text, room, "input: 'x' input_dim: [1,1,1,1] ");
  for (int i = 0; i < LAYERS; i++) /* each appends a line of less than 60 */
    used += (size_t)snprintf(text + used, room - used, "layer{name:'%d' type:'ReLU' bottom:'x' top:'%d'}", i, i);
  assert_refused_net(text, caffe_model(), XAI_EFORMAT, "more than 10000 layers");
  used = (size_t)snprintf(text, room, "input: 'x' input_dim: [1,1,1,1] layer { name: 'c' type: 'Concat' top: 'y' ");
  for (int i = 0; i < BOTTOMS; i++) used += (size_t)snprintf(text + used, room - used, "bottom:'x' ");
  snprintf(text + used, room - used, "}");
  assert_refused_net(text, caffe_model(), XAI_EFORMAT, "layer 'c': more than 4096 bottoms");
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_network_computes_what_was_worked_by_hand),
      cmocka_unit_test(the_former_form_is_the_same_network),
      cmocka_unit_test(elements_are_read_in_all_their_forms),
      cmocka_unit_test(convolution_with_groups_and_sizes_by_axis),
      cmocka_unit_test(inner_products_flatten_and_may_be_transposed),
      cmocka_unit_test(pooling_rounds_up_unless_told_otherwise),
      cmocka_unit_test(averages_count_the_padding_but_not_what_is_beyond),
      cmocka_unit_test(a_window_that_starts_in_the_padding_is_dropped),
      cmocka_unit_test(global_pooling_takes_the_plane),
      cmocka_unit_test(normalisation_across_channels),
      cmocka_unit_test(batch_norm_and_scale),
      cmocka_unit_test(eltwise_adds_with_coefficients_and_multiplies),
      cmocka_unit_test(simple_layers_are_their_operators),
      cmocka_unit_test(the_ratio_of_dropout_is_what_training_takes),
      cmocka_unit_test(concat_and_flatten),
      cmocka_unit_test(layers_in_place_keep_their_names_and_their_activations),
      cmocka_unit_test(only_what_is_asked_is_loaded),
      cmocka_unit_test(inputs_are_declared_in_many_ways),
      cmocka_unit_test(the_last_blob_that_nobody_reads_is_the_main_output),
      cmocka_unit_test(what_makes_no_sense_is_refused_by_layer),
      cmocka_unit_test(weights_that_do_not_fit_are_refused),
      cmocka_unit_test(a_network_needs_inputs_and_a_sound_text),
      cmocka_unit_test(each_half_finds_the_other),
      cmocka_unit_test(a_mean_picture_becomes_a_number_per_channel),
      cmocka_unit_test(damaged_weights_are_survived),
      cmocka_unit_test(damaged_structures_are_survived),
      cmocka_unit_test(large_structures_are_bounded),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
