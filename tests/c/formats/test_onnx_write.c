/* Networks written as ONNX files and read back: every operator in every form, names, weights, preprocessing, labels;
 * files that cannot be written; metadata that make no sense. What other programs say of the files is not tested here.
 */
#include "scratch.h"

#include <signal.h>
#include <sys/resource.h>

#include "formats/formats.h"
#include "formats/onnx_make.h"
#include "formats/onnx_model.h"
#include "graph/net.h"
#include "graph/op_cases.h"
#include "graph/tiny.h"

/* ---- going round --------------------------------------------------------------------------------- */
static xai_net *saved_and_loaded(const xai_net *net) {
  xai_net *back = NULL;
  must(xai_net_save(net, scratch("round.onnx"), err));
  must(xai_net_load(scratch("round.onnx"), &back, err));
  remove(scratch("round.onnx"));
  return back;
}

static int64_t opset_of_file(const char *path) {
  xai_file *file = NULL;
  xai_onnx_model m;
  must(xai_file_map(path, SIZE_MAX, &file, err));
  must(xai_onnx__model((xai_proto_span){xai_file_data(file), xai_file_size(file)}, &m, err));
  xai_file_release(file);
  return m.opset;
}

/* The same outputs for x, bit for bit. */
static void assert_same_output(xai_net *a, xai_net *b, const xai_view *x, const char *title) {
  xai_tensor *ya = NULL, *yb = NULL;
  must(xai_net_forward(a, x, XAI_LAYER_OUTPUT, &ya, err));
  must(xai_net_forward(b, x, XAI_LAYER_OUTPUT, &yb, err));
  const xai_view *va = xai_tensor_view(ya), *vb = xai_tensor_view(yb);
  if (va->dtype != vb->dtype || !xai_shape_equal(&va->shape, &vb->shape) ||
      memcmp(va->data, vb->data, xai_view_bytes(va)) != 0)
    fail_msg("%s: another result", title);
  xai_tensor_free(ya);
  xai_tensor_free(yb);
}

static void assert_same_names(const xai_net *a, const xai_net *b) {
  assert_int_equal(xai_net_layer_count(a), xai_net_layer_count(b));
  for (int n = 0; n < xai_net_layer_count(a); n++) {
    const xai_node *na = &a->graph->nodes[n], *nb = &b->graph->nodes[n];
    assert_string_equal(na->name, nb->name);
    assert_int_equal(na->op, nb->op);
    assert_string_equal(a->graph->values[na->out[0]].name, b->graph->values[nb->out[0]].name);
    for (int i = 0; i < na->n_in; i++) {
      if (na->in[i] < 0 || (strncmp(xai_op_get(na->op)->name, "Reduce", 6) == 0 && i == 1))
        continue; /* the axes went by way of an attribute */
      assert_string_equal(a->graph->values[na->in[i]].name, b->graph->values[nb->in[i]].name);
    }
  }
}

/* A network of one node: its first input is the network's, the others are constants. */
static xai_net *net_of_case(const op_case *k) {
  static const char *const inputs[] = {"x", "in1", "in2", "in3", "in4", "in5"};
  const char *in[CASE_INPUTS] = {"x"}, *out = "y";
  xai_builder *b = NULL;
  xai_net *net = NULL;
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "x", k->in[0].dtype, k->in[0].shape, err));
  for (int i = 1; i < k->n_in; i++) {
    xai_tensor *t = NULL;
    in[i] = k->in[i].shape.rank < 0 ? "" : inputs[i];
    if (k->in[i].shape.rank < 0) continue;
    must(xai_tensor_copy(&k->in[i], &t, err));
    must(xai_builder_constant(b, in[i], t, err));
    xai_tensor_free(t);
  }
  must(xai_builder_node(b, "the node", k->op, &k->attrs, k->n_in, in, 1, &out, err));
  must(xai_builder_output(b, "y", err));
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  return net;
}

/* Operators without a gradient have no case among those of the gradient test. */
static const case_text without_gradient[] = {
    {XAI_OP_AND, "b2x2=1,0,1,0 b2=1,0", ""},
    {XAI_OP_ARG_MAX, "2x3x4", "axis=1 keepdims=0 select_last_index=1"},
    {XAI_OP_ARG_MIN, "2x3x4", "axis=-1"},
    {XAI_OP_BITWISE_AND, "i3=12,10,-1 i3=10,6,5", ""},
    {XAI_OP_BITWISE_NOT, "i3=12,10,-1", ""},
    {XAI_OP_BITWISE_OR, "i3=12,10,-1 i3=10,6,5", ""},
    {XAI_OP_BITWISE_XOR, "j3=12,10,-1 j3=10,6,5", ""},
    {XAI_OP_BIT_SHIFT, "u3=16,4,255 u3=1,2,3", "direction=LEFT"},
    {XAI_OP_BIT_SHIFT, "i3=16,4,255 i1=1", "direction=RIGHT"},
    {XAI_OP_CEIL, "5x7", ""},
    {XAI_OP_EQUAL, "i4=1,2,3,4 i4=1,0,3,0", ""},
    {XAI_OP_EYE_LIKE, "3x4", "k=1"},
    {XAI_OP_EYE_LIKE, "3x4", "k=-1 dtype=1"}, /* int64 */
    {XAI_OP_FLOOR, "5x7", ""},
    {XAI_OP_GREATER, "2x3 3", ""},
    {XAI_OP_GREATER_EQUAL, "2x3 3", ""},
    {XAI_OP_GRID_SAMPLE, "1x1x4x5 1x2x3x2", "mode=nearest padding_mode=border"},
    {XAI_OP_HARDMAX, "2x3x4", "axis=1"},
    {XAI_OP_IS_INF, "2x3", "detect_negative=0"},
    {XAI_OP_IS_NAN, "2x3", ""},
    {XAI_OP_LESS, "2x3 2x1", ""},
    {XAI_OP_LESS_EQUAL, "2x3 2x1", ""},
    {XAI_OP_NON_ZERO, "i2x3=0,2,0,1,0,5", ""},
    {XAI_OP_NOT, "b3=1,0,1", ""},
    {XAI_OP_ONE_HOT, "i3=0,2,1 is=4 2=0,1", ""},
    {XAI_OP_OR, "b2x2=1,0,1,0 b2=1,0", ""},
    {XAI_OP_PATCH, "1x2x5x6 2x2x3x2 i2x2x2=1,2,0,1,2,4,3,-1 i2x2=3,2,3,4", "to=1 outside=0.5"},
    {XAI_OP_RANGE, "is=1 is=7 is=2", ""},
    {XAI_OP_ROUND, "5x7", ""},
    {XAI_OP_SIGN, "5x7", ""},
    {XAI_OP_SIZE, "2x3", ""},
    {XAI_OP_XOR, "b2x2=1,0,1,0 b2=1,0", ""},
};
enum { WITHOUT_GRADIENT = sizeof without_gradient / sizeof *without_gradient };

static void goes_round(const case_text *text) {
  op_case k;
  char title[200];
  snprintf(title, sizeof title, "%s (%s) %s", xai_op_get(text->op)->name, text->inputs, text->attrs);
  case_open(&k, text->op, text->inputs, text->attrs);
  xai_net *net = net_of_case(&k), *back = saved_and_loaded(net);
  assert_same_output(net, back, &k.in[0], title);
  assert_same_names(net, back);
  xai_net_free(net);
  xai_net_free(back);
  case_close(&k);
}

/* Such rows never stand in a network. */
static bool is_inner(xai_op op) { return (xai_op_get(op)->flags & XAI_OP_INNER) != 0; }

static void every_operator_in_every_form_goes_round(void **state) {
  (void)state;
  bool covered[XAI_OP_COUNT] = {[XAI_OP_CONSTANT_OF_SHAPE] = true, [XAI_OP_SHAPE] = true}; /* see below */
  for (int at = 0; at < CASES + WITHOUT_GRADIENT; at++) {
    const case_text *text = at < CASES ? &cases[at] : &without_gradient[at - CASES];
    covered[text->op] = true;
    if (text->op != XAI_OP_DROPOUT_TRAINING && !is_inner(text->op)) goes_round(text); /* a file's dropout never drops */
  }
  for (int op = 0; op < XAI_OP_COUNT; op++)
    if (!covered[op] && !is_inner((xai_op)op)) fail_msg("%s: no case", xai_op_get((xai_op)op)->name);
}

/* x 2x3x4 -> Shape of the last two axes [3 4] -> ConstantOfShape 7 of each type -> Cast to float -> y: no input of
 * these is a constant, and no gradient exists. */
static xai_net *shape_net(xai_dtype dtype, int64_t start) {
  xai_builder *b = NULL;
  xai_net *net = NULL;
  xai_attrs attrs;
  const char *x = "x", *dims = "dims", *seven = "seven", *y = "y";
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "x", XAI_F32, XAI_SHAPE(2, 3, 4), err));
  xai_attrs_default(XAI_OP_SHAPE, &attrs);
  attrs.range.start = start;
  must(xai_builder_node(b, "", XAI_OP_SHAPE, &attrs, 1, &x, 1, &dims, err));
  xai_attrs_default(XAI_OP_CONSTANT_OF_SHAPE, &attrs);
  attrs.fill.dtype = dtype;
  attrs.fill.number = dtype == XAI_BOOL ? 1 : 7;
  must(xai_builder_node(b, "", XAI_OP_CONSTANT_OF_SHAPE, &attrs, 1, &dims, 1, &seven, err));
  xai_attrs_default(XAI_OP_CAST, &attrs);
  must(xai_builder_node(b, "", XAI_OP_CAST, &attrs, 1, &seven, 1, &y, err));
  must(xai_builder_output(b, "y", err));
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  return net;
}

static void arithmetic_on_shapes_goes_round_in_every_type(void **state) {
  (void)state;
  float x[24] = {0};
  for (int dtype = XAI_F32; dtype <= XAI_BOOL; dtype++) {
    xai_net *net = shape_net((xai_dtype)dtype, 1), *back = saved_and_loaded(net);
    xai_tensor *y = NULL;
    must(xai_net_forward(back, &(xai_view){XAI_F32, XAI_SHAPE(2, 3, 4), x}, XAI_LAYER_OUTPUT, &y, err));
    assert_int_equal(xai_tensor_count(y), 12);
    for (int i = 0; i < 12; i++) assert_float_equal(xai_tensor_floats(y)[i], dtype == XAI_BOOL ? 1 : 7, 0);
    xai_tensor_free(y);
    xai_net_free(net);
    xai_net_free(back);
  }
}

/* Operator sets in which what these forms need came: Shape's start 15, Pad's axes 18, dilations of AveragePool 19, the
 * axes of reductions as an input 18, as an attribute from the first on; Mish 18, Gelu 20, GroupNormalization with a scale for
 * each channel 21; equal parts of Split by their number 18. */
static void the_operator_set_is_as_old_as_the_forms_allow(void **state) {
  (void)state;
  static const struct {
    xai_op op;
    const char *inputs, *attrs;
    int64_t opset;
  } forms[] = {
      {XAI_OP_RELU, "2", "", 13},
      {XAI_OP_AVERAGE_POOL, "1x1x7x7", "kernel_shape=2,2 dilations=1,1", 13},
      {XAI_OP_AVERAGE_POOL, "1x1x7x7", "kernel_shape=2,2 dilations=1,2", 19},
      {XAI_OP_PAD, "4x5x2 i6=0,1,2,0,0,0", "", 13},
      {XAI_OP_PAD, "4x5x2 i2=0,1 - i1=1", "", 18},
      {XAI_OP_RESHAPE, "2x3 i2=3,2", "allowzero=1", 14},
      {XAI_OP_REDUCE_MEAN, "2x3", "", 13},
      {XAI_OP_REDUCE_MEAN, "2x3 i1=1", "", 13},
      {XAI_OP_REDUCE_MEAN, "2x3 i0", "noop_with_empty_axes=1", 18},
      {XAI_OP_REDUCE_L2, "2x3 i1=1", "", 13},
      {XAI_OP_MISH, "2", "", 18},
      {XAI_OP_GELU, "2", "", 20},
      {XAI_OP_HARD_SWISH, "2", "", 14},
      {XAI_OP_GROUP_NORMALIZATION, "1x4x2 4=1,2,3,4 4=1,2,3,4", "num_groups=2", 21},
      {XAI_OP_SPLIT, "3x4 i1=3", "", 13},
      {XAI_OP_SPLIT, "3x4", "num_outputs=1", 18},
      {XAI_OP_RESIZE, "1x1x2x2 - 4=1,1,2,2", "mode=linear", 13},
      {XAI_OP_RESIZE, "1x1x2x2 - 4=1,1,2,2", "mode=linear coordinate_transformation_mode=half_pixel_symmetric", 19},
      {XAI_OP_SCATTER_ELEMENTS, "3 i1=1 1=5", "", 13},
      {XAI_OP_SCATTER_ELEMENTS, "3 i1=1 1=5", "reduction=add", 16},
  };
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    op_case k;
    case_open(&k, forms[i].op, forms[i].inputs, forms[i].attrs);
    xai_net *net = net_of_case(&k);
    must(xai_net_save(net, scratch("set.onnx"), err));
    if (opset_of_file(scratch("set.onnx")) != forms[i].opset)
      fail_msg("%s %s: opset %d", xai_op_get(k.op)->name, forms[i].attrs, (int)opset_of_file(scratch("set.onnx")));
    xai_net_free(net);
    case_close(&k);
  }
  xai_net *net = shape_net(XAI_F32, 1), *all = shape_net(XAI_F32, 0);
  must(xai_net_save(net, scratch("set.onnx"), err));
  assert_int_equal(opset_of_file(scratch("set.onnx")), 15);
  must(xai_net_save(all, scratch("set.onnx"), err));
  assert_int_equal(opset_of_file(scratch("set.onnx")), 13);
  xai_net_free(net);
  xai_net_free(all);
  remove(scratch("set.onnx"));
}

/* ---- what belongs to a network ------------------------------------------------------------------- */
static void names_and_free_dims_stay(void **state) {
  (void)state;
  float x[4];
  memcpy(x, tiny_x, sizeof x);
  xai_net *net = tiny_net(), *back = saved_and_loaded(net);
  assert_same_names(net, back);
  xai_shape shape = xai_net_input_shape(back);
  assert_int_equal(shape.dims[0], -1);
  assert_string_equal(xai_net_input_name(back), "data");
  assert_string_equal(xai_net_preprocess(back)->name, "none");
  assert_null(xai_net_label(back, 0));
  assert_same_output(net, back, &(xai_view){XAI_F32, XAI_SHAPE(1, 1, 2, 2), x}, "tiny");
  xai_net_free(net);
  xai_net_free(back);
}

static void preprocessing_and_labels_go_round(void **state) {
  (void)state;
  const char *labels[] = {"tabby, \"cat\"\\", "\xC3\x84hre\n"};
  xai_net *net = tiny_net(), *view = NULL, *back;
  xai_preprocess p = {"custom", 8, 6, true, 1.0f / 255, {0.485f, -3e-20f, 1e30f}, {0.1f, 1, 3}};
  must(xai_net_set_preprocess(net, &p, &view, err));
  xai_net_free(net);
  must(xai_net_set_labels(view, labels, 2, &net, err));
  xai_net_free(view);
  back = saved_and_loaded(net);
  const xai_preprocess *q = xai_net_preprocess(back);
  assert_string_equal(q->name, "custom");
  assert_int_equal(q->resize, 8);
  assert_int_equal(q->crop, 6);
  assert_true(q->bgr);
  assert_true(q->scale == p.scale);
  assert_memory_equal(q->mean, p.mean, sizeof p.mean);
  assert_memory_equal(q->std, p.std, sizeof p.std);
  assert_string_equal(xai_net_label(back, 0), labels[0]);
  assert_string_equal(xai_net_label(back, 1), "\xC3\x84hre "); /* a line's end is no part of a name */
  xai_net_free(back);
  must(xai_preprocess_preset("imagenet", &p, err));
  must(xai_net_set_preprocess(net, &p, &view, err));
  back = saved_and_loaded(view);
  assert_string_equal(xai_net_preprocess(back)->name, "imagenet");
  xai_net_free(net);
  xai_net_free(view);
  xai_net_free(back);
}

/* fc weights 1 2 -1 1 become 5 6 7 8:  z0 = 5*0.8125 + 6*0.875 + 0.5 = 9.8125,  z1 = 7*0.8125 + 8*0.875 = 12.6875 */
static xai_net *replaced_net(xai_net *net) {
  xai_tensor *t = NULL;
  xai_net *view = NULL;
  xai_weight w = {.input = 1};
  float five[] = {5, 6, 7, 8};
  must(xai_tensor_copy(&(xai_view){XAI_F32, XAI_SHAPE(2, 2), five}, &t, err));
  w.tensor = t;
  must(xai_net_find_layer(net, "fc", &w.layer, err));
  must(xai_net_with(net, &(xai_view_opts){.weights = &w, .n_weights = 1}, &view, NULL, err));
  xai_tensor_free(t);
  return view;
}

static void replaced_weights_are_the_ones_that_are_written(void **state) {
  (void)state;
  float x[4];
  memcpy(x, tiny_x, sizeof x);
  xai_net *net = tiny_net(), *view = replaced_net(net), *back = saved_and_loaded(view);
  xai_tensor *z = NULL;
  must(xai_net_logits(back, &(xai_view){XAI_F32, XAI_SHAPE(1, 1, 2, 2), x}, &z, err));
  assert_float_equal(xai_tensor_floats(z)[0], 9.8125, 0);
  assert_float_equal(xai_tensor_floats(z)[1], 12.6875, 0);
  xai_tensor_free(z);
  must(xai_net_save(view, scratch("w.safetensors"), err));
  xai_archive a = {0};
  must(xai_archive_read(scratch("w.safetensors"), &a, err));
  assert_int_equal(a.n, 4);
  for (size_t i = 0; i < a.n; i++)
    if (strcmp(a.entries[i].name, "fc_w") == 0) assert_float_equal(xai_tensor_floats(a.entries[i].tensor)[0], 5, 0);
  xai_archive_free(&a);
  remove(scratch("w.safetensors"));
  xai_net_free(back);
  xai_net_free(view);
  xai_net_free(net);
}

/* The weights that are written are those of the mapping of the file that is replaced. */
static void a_network_can_be_saved_over_its_own_file(void **state) {
  (void)state;
  float x[4];
  memcpy(x, tiny_x, sizeof x);
  const char *path = scratch("own.onnx");
  xai_net *net = tiny_net(), *first = NULL, *second = NULL;
  must(xai_net_save(net, path, err));
  must(xai_net_load(path, &first, err));
  must(xai_net_save(first, path, err));
  must(xai_net_load(path, &second, err));
  assert_same_output(first, second, &(xai_view){XAI_F32, XAI_SHAPE(1, 1, 2, 2), x}, "own file");
  xai_net_free(net);
  xai_net_free(first);
  xai_net_free(second);
  remove(path);
}

/* ---- what cannot be written ---------------------------------------------------------------------- */
static void refusals_leave_the_old_file(void **state) {
  (void)state;
  xai_err err;
  xai_net *net = tiny_net(), *view = NULL;
  assert_int_equal(xai_net_save(net, scratch("x.pth"), &err), XAI_EARG);
  assert_non_null(strstr(err.text, "x.pth: unknown extension (expected .onnx or .safetensors)"));
  assert_int_equal(xai_net_save(net, scratch("none/x.onnx"), &err), XAI_EIO);
  const char *path = scratch("x.onnx");
  put_text(path, "old");
  const char *latin[] = {"fine", "\xC4hre"};
  must(xai_net_set_labels(net, latin, 2, &view, err));
  assert_int_equal(xai_net_save(view, path, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "x.onnx: label 1 is not UTF-8"));
  xai_net_free(view);
  xai_stop_request();
  assert_int_equal(xai_net_save(net, path, &err), XAI_ESTOP);
  xai_stop_clear();
  struct rlimit before, small; /* a limit on file sizes stands in for a full disk */
  getrlimit(RLIMIT_FSIZE, &before);
  small = before;
  small.rlim_cur = 100;
  void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  assert_int_equal(xai_net_save(net, path, &err), XAI_EIO);
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  size_t n;
  unsigned char *bytes = get_file(path, &n);
  assert_int_equal(n, 3);
  free(bytes);
  assert_int_equal(scratch_count(), 1);
  remove(path);
  xai_net_free(net);
}

static void names_that_are_no_text_are_refused(void **state) {
  (void)state;
  model m = model_of(13);
  xai_net *net = NULL;
  xai_err err;
  add_input(&m, "x", XAI_SHAPE(2));
  add_node(&m, node("Relu", "\xff", "x", "y"));
  add_output(&m, "y");
  assert_int_equal(load_model(&m, &net, &err), XAI_OK);
  assert_int_equal(xai_net_save(net, scratch("x.onnx"), &err), XAI_EARG);
  assert_non_null(strstr(err.text, "is not valid UTF-8"));
  xai_net_free(net);
}

/* Weights of 2.4 GB are a hole in a file. */
static void a_file_of_more_than_2_gb_is_refused(void **state) {
  (void)state;
  xai_builder *b = NULL;
  xai_tensor *t = NULL;
  xai_file *file = NULL;
  xai_net *net = NULL;
  xai_err err;
  const char *in[] = {"x", "w"}, *out = "y";
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "x", XAI_F32, XAI_SHAPE(1, 600000000), err));
  put_text(scratch("hole"), "");
  if (truncate(scratch("hole"), 2400000000) != 0) {
    xai_builder_free(b);
    print_message("skipped: no sparse files here\n");
    skip();
  }
  must(xai_file_map(scratch("hole"), SIZE_MAX, &file, err));
  remove(scratch("hole"));
  must(xai_tensor_map(XAI_F32, XAI_SHAPE(600000000, 1), file, xai_file_data(file), &t, err));
  xai_file_release(file);
  must(xai_builder_constant(b, "w", t, err));
  must(xai_builder_node(b, "", XAI_OP_MATMUL, NULL, 2, in, 1, &out, err));
  must(xai_builder_output(b, "y", err));
  must(xai_builder_freeze(b, &net, err));
  assert_int_equal(xai_net_save(net, scratch("x.onnx"), &err), XAI_EUNSUPPORTED);
  assert_non_null(strstr(err.text, "2400 MB are more than an ONNX file holds (2147 MB)"));
  assert_int_equal(scratch_count(), 0);
  xai_net_free(net);
  xai_tensor_free(t);
  xai_builder_free(b);
}

static xai_net *dressed; /* tiny, with preprocessing and labels */

static xai_status save_dressed(const char *path, xai_err *err) {
  xai_status st = xai_net_save(dressed, path, err);
  size_t n;
  unsigned char *bytes = get_file(path, &n);
  assert_true(st == XAI_OK ? n > 100 : n == 3);
  free(bytes);
  put_text(path, "old");
  assert_int_equal(scratch_count(), 1);
  return st;
}

static xai_status load_and_free(const char *path, xai_err *err) {
  xai_net *net = NULL;
  xai_status st = xai_net_load(path, &net, err);
  if (st != XAI_OK) assert_null(net);
  xai_net_free(net);
  return st;
}

static void make_dressed(void) {
  const char *labels[] = {"cat", "dog"};
  xai_preprocess p;
  xai_net *net = tiny_net(), *view = NULL;
  must(xai_preprocess_preset("caffe", &p, err));
  must(xai_net_set_preprocess(net, &p, &view, err));
  must(xai_net_set_labels(view, labels, 2, &dressed, err));
  xai_net_free(net);
  xai_net_free(view);
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  make_dressed();
  put_text(scratch("a.onnx"), "old");
  each_allocation_fails(save_dressed, scratch("a.onnx"));
  remove(scratch("a.onnx"));
  put_text(scratch("a.safetensors"), "old");
  each_allocation_fails(save_dressed, scratch("a.safetensors"));
  remove(scratch("a.safetensors"));
  must(xai_net_save(dressed, scratch("b.onnx"), err));
  each_allocation_fails(load_and_free, scratch("b.onnx"));
  remove(scratch("b.onnx"));
  xai_net_free(dressed);
}

/* ---- metadata of untrusted files ----------------------------------------------------------------- */
static xai_status load_with_meta(const char *key, const char *value, xai_net **net, xai_err *err) {
  model m = model_of(13);
  xai_buf pair = {0};
  add_input(&m, "x", XAI_SHAPE(1, 2));
  add_node(&m, node("Relu", "r", "x", "y"));
  add_output(&m, "y");
  xai_buf b = model_bytes(&m);
  pb_text(&pair, 1, key);
  pb_text(&pair, 2, value);
  pb_message(&b, 14, pair);
  xai_status st = load_bytes(b.data, b.size, net, err);
  xai_buf_free(&b);
  return st;
}

#define NUMBERS(scale) "\"resize\":8,\"crop\":6,\"order\":\"rgb\",\"scale\":" scale ",\"mean\":[1,2,3],\"std\":[1,1,1]"

static void preprocessing_that_makes_no_sense_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "null",
      "[]",
      "{",
      "{}",
      "{" NUMBERS("1") "} 2",
      "{" NUMBERS("\"1\"") "}",
      "{" NUMBERS("1e39") "}",
      "{" NUMBERS("0") "}",
      "{" NUMBERS("-1") "}",
      "{\"resize\":8.5,\"crop\":6,\"order\":\"rgb\",\"scale\":1,\"mean\":[1,2,3],\"std\":[1,1,1]}",
      "{\"resize\":8,\"crop\":99999,\"order\":\"rgb\",\"scale\":1,\"mean\":[1,2,3],\"std\":[1,1,1]}",
      "{\"resize\":8,\"crop\":9,\"order\":\"rgb\",\"scale\":1,\"mean\":[1,2,3],\"std\":[1,1,1]}",
      "{\"resize\":8,\"crop\":6,\"order\":\"grb\",\"scale\":1,\"mean\":[1,2,3],\"std\":[1,1,1]}",
      "{\"resize\":8,\"crop\":6,\"order\":\"rgb\",\"scale\":1,\"mean\":[1,2],\"std\":[1,1,1]}",
      "{\"resize\":8,\"crop\":6,\"order\":\"rgb\",\"scale\":1,\"mean\":[1,2,3,4],\"std\":[1,1,1]}",
      "{\"resize\":8,\"crop\":6,\"order\":\"rgb\",\"scale\":1,\"mean\":[1,2,3],\"std\":[1,0,1]}",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    xai_net *net = NULL;
    xai_err err = {""};
    if (load_with_meta("xai.preprocess", bad[i], &net, &err) != XAI_EFORMAT) fail_msg("accepted: %s", bad[i]);
    if (strstr(err.text, ".onnx: metadata 'xai.preprocess': ") == NULL) fail_msg("%s: %s", bad[i], err.text);
    assert_null(net);
  }
}

static void a_preset_is_believed_by_its_numbers(void **state) {
  (void)state;
  xai_net *net = NULL;
  must(load_with_meta("xai.preprocess", "{\"name\":\"imagenet\"," NUMBERS("1") ",\"more\":1}", &net, err));
  assert_string_equal(xai_net_preprocess(net)->name, "custom");
  assert_int_equal(xai_net_preprocess(net)->resize, 8);
  xai_net_free(net);
}

static void labels_that_are_no_list_of_names_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "", "{}", "[", "[1,2]", "[\"a\",]", "[\"a\" \"b\"]", "[\"a\",\"b\"", "[\"a\",[\"b\"]]", "[\"\\x\",\"b\"]"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    xai_net *net = NULL;
    xai_err err = {""};
    if (load_with_meta("xai.labels", bad[i], &net, &err) != XAI_EFORMAT) fail_msg("accepted: %s", bad[i]);
    if (strstr(err.text, ".onnx: metadata 'xai.labels': ") == NULL) fail_msg("%s: %s", bad[i], err.text);
    assert_null(net);
  }
}

static void labels_are_used_when_there_is_one_per_class(void **state) {
  (void)state;
  xai_net *net = NULL;
  must(load_with_meta("xai.labels", " [ \"a\\u001b[0m\" , \"b\" ] ", &net, err));
  assert_string_equal(xai_net_label(net, 0), "a [0m"); /* no control characters reach a terminal */
  assert_string_equal(xai_net_label(net, 1), "b");
  xai_net_free(net);
  static const char *const others[] = {"[]", "[\"a\"]", "[\"a\",\"b\",\"c\"]"};
  for (int i = 0; i < 3; i++) {
    must(load_with_meta("xai.labels", others[i], &net, err));
    assert_null(xai_net_label(net, 0));
    xai_net_free(net);
  }
  must(load_with_meta("labels", "nonsense", &net, err)); /* the keys of others mean nothing to us */
  xai_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_operator_in_every_form_goes_round),
      cmocka_unit_test(arithmetic_on_shapes_goes_round_in_every_type),
      cmocka_unit_test(the_operator_set_is_as_old_as_the_forms_allow),
      cmocka_unit_test(names_and_free_dims_stay),
      cmocka_unit_test(preprocessing_and_labels_go_round),
      cmocka_unit_test(replaced_weights_are_the_ones_that_are_written),
      cmocka_unit_test(a_network_can_be_saved_over_its_own_file),
      cmocka_unit_test(refusals_leave_the_old_file),
      cmocka_unit_test(names_that_are_no_text_are_refused),
      cmocka_unit_test(a_file_of_more_than_2_gb_is_refused),
      cmocka_unit_test(every_failing_allocation_is_survived),
      cmocka_unit_test(preprocessing_that_makes_no_sense_is_refused),
      cmocka_unit_test(a_preset_is_believed_by_its_numbers),
      cmocka_unit_test(labels_that_are_no_list_of_names_are_refused),
      cmocka_unit_test(labels_are_used_when_there_is_one_per_class),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
