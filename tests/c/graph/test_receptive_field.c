/* What units see: sizes worked by hand and published ones; and for every unit of graphs with every operator that has a
 * rule, the pixels that were found to reach it by changing one after the other. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "tiny.h"

/* ---- networks: weights are positive, so that nothing cancels ---------------------------------------------------------- */
static xai_tensor *numbers(xai_shape shape, uint64_t stream, double scale) {
  xai_tensor *t = NULL;
  must(xai_tensor_new(XAI_F32, shape, &t, err));
  for (size_t i = 0; i < xai_tensor_count(t); i++)
    xai_tensor_floats(t)[i] = (float)(scale * (0.5 + 0.5 * xai_rng_uniform(xai_rng_stream(3, stream), i)));
  return t;
}

static void constant(xai_builder *b, const char *name, xai_shape shape, double scale) {
  uint64_t stream = 0;
  for (const char *c = name; *c != '\0'; c++) stream = stream * 31 + (uint64_t)*c;
  xai_tensor *t = numbers(shape, stream, scale);
  must(xai_builder_constant(b, name, t, err));
  xai_tensor_free(t);
}

static void integers(xai_builder *b, const char *name, int n, const int64_t *v) {
  xai_tensor *t = NULL;
  must(xai_tensor_copy(&(xai_view){XAI_I64, XAI_SHAPE(n), (void *)(uintptr_t)v}, &t, err));
  must(xai_builder_constant(b, name, t, err));
  xai_tensor_free(t);
}
#define INTS(b, name, ...) integers(b, name, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__})

/* A node called as its output. */
static void node(xai_builder *b, const char *name, xai_op op, const xai_attrs *attrs, int n, const char *const *in) {
  must(xai_builder_node(b, name, op, attrs, n, in, 1, &name, err));
}
#define IN(...) (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *[]){__VA_ARGS__}

typedef struct geometry {
  int64_t k, stride, pad, dilation, group;
} geometry;

static void conv(xai_builder *b, const char *name, const char *x, int64_t c, int64_t m, geometry g) {
  char w[32];
  xai_attrs a;
  if (g.dilation == 0) g.dilation = 1;
  if (g.group == 0) g.group = 1;
  xai_attrs_default(XAI_OP_CONV, &a);
  a.conv.pads = (xai_ints){4, {g.pad, g.pad, g.pad, g.pad}};
  a.conv.strides = (xai_ints){2, {g.stride, g.stride}};
  a.conv.dilations = (xai_ints){2, {g.dilation, g.dilation}};
  a.conv.group = g.group;
  snprintf(w, sizeof w, "w%s", name);
  constant(b, w, XAI_SHAPE(m, c / g.group, g.k, g.k), 1 / (double)(c / g.group * g.k * g.k));
  node(b, name, XAI_OP_CONV, &a, IN(x, w));
}

static void pool(xai_builder *b, const char *name, xai_op op, const char *x, int64_t k, int64_t stride, int64_t pad, bool ceil) {
  xai_attrs a;
  xai_attrs_default(op, &a);
  a.pool.kernel_shape = (xai_ints){2, {k, k}};
  a.pool.strides = (xai_ints){2, {stride, stride}};
  a.pool.pads = (xai_ints){4, {pad, pad, pad, pad}};
  a.pool.ceil_mode = ceil;
  node(b, name, op, &a, IN(x));
}

static xai_builder *begun(int64_t c, int64_t h, int64_t w) {
  xai_builder *b = NULL;
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "x", XAI_F32, XAI_SHAPE(-1, c, h, w), err));
  return b;
}

static void outputs(xai_builder *b, int n, const char *const *names) {
  for (int i = 0; i < n; i++) must(xai_builder_output(b, names[i], err));
}

static xai_net *ended(xai_builder *b, const char *output) {
  xai_net *net = NULL;
  must(xai_builder_output(b, output, err));
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  return net;
}

/* ---- by hand ------------------------------------------------------------------------------------------------------------- */
static xai_field ask(xai_net *net, const char *layer, int64_t channel, int64_t row, int64_t column) {
  xai_field f;
  int id;
  xai_shape x = xai_net_input_shape(net);
  x.dims[0] = 1;
  must(xai_net_find_layer(net, layer, &id, err));
  must(xai_net_receptive_field(net, &x, id, (const int64_t[]){channel, row, column}, 3, &f, err));
  return f;
}

#define rows_are(f, first_, end_, begin_, size_, stride_)                                                              \
  do {                                                                                                                 \
    xai_field_span s = (f).rows;                                                                                       \
    assert_int_equal(s.first, first_), assert_int_equal(s.end, end_), assert_int_equal(s.begin, begin_);               \
    assert_int_equal(s.size, size_), assert_true(s.stride == (stride_)), assert_false(s.whole);                        \
  } while (0)

static void a_window_is_cut_at_the_border_but_its_size_is_not(void **state) {
  (void)state;
  xai_builder *b = begun(1, 8, 9);
  conv(b, "one", "x", 1, 1, (geometry){.k = 3, .stride = 1, .pad = 1});
  xai_net *net = ended(b, "one");
  xai_field corner = ask(net, "one", 0, 0, 8);
  rows_are(corner, 0, 2, -1, 3, 1);
  assert_int_equal(corner.columns.first, 7);
  assert_int_equal(corner.columns.end, 9);
  assert_int_equal(corner.columns.begin, 7);
  assert_int_equal(corner.columns.size, 3);
  xai_field picture;
  xai_shape x = XAI_SHAPE(1, 1, 8, 9);
  must(xai_net_receptive_field(net, &x, XAI_LAYER_INPUT, (const int64_t[]){0, 4, 5}, 3, &picture, err));
  rows_are(picture, 4, 5, 4, 1, 1);
  xai_net_free(net);
}

/* Windows of 2 every 3 pixels see 0 1 and 3 4 of six: pixel 5 reaches nothing, also not what looks at a third window
 * that would be there. */
static void pixels_that_no_window_sees_are_left_out(void **state) {
  (void)state;
  xai_builder *b = begun(1, 6, 6);
  conv(b, "one", "x", 1, 1, (geometry){.k = 2, .stride = 3});
  conv(b, "two", "one", 1, 1, (geometry){.k = 3, .stride = 1, .pad = 1});
  xai_net *net = ended(b, "two");
  rows_are(ask(net, "two", 0, 1, 0), 0, 5, 0, 8, 3);
  xai_net_free(net);
}

/* Pools of 3 every 2 pixels of 6, rounded up, begin at 0 2 4: the last ends at 7. Taps of a dilated window: 2 4 6. */
static void pools_that_stand_over_and_windows_with_holes(void **state) {
  (void)state;
  xai_builder *b = begun(1, 9, 9);
  conv(b, "holes", "x", 1, 1, (geometry){.k = 3, .stride = 1, .dilation = 2});
  xai_net *net = ended(b, "holes");
  rows_are(ask(net, "holes", 0, 2, 0), 2, 7, 2, 5, 1);
  xai_net_free(net);
  b = begun(1, 6, 6);
  pool(b, "up", XAI_OP_MAX_POOL, "x", 3, 2, 0, true);
  net = ended(b, "up");
  rows_are(ask(net, "up", 0, 2, 0), 4, 6, 4, 3, 2);
  xai_net_free(net);
}

/* Channel 0 of the stack looks at one pixel, channel 1 at three. */
static void a_channel_sees_what_its_branch_sees(void **state) {
  (void)state;
  xai_builder *b = begun(1, 8, 8);
  conv(b, "narrow", "x", 1, 1, (geometry){.k = 1, .stride = 1});
  conv(b, "wide", "x", 1, 1, (geometry){.k = 3, .stride = 1, .pad = 1});
  node(b, "both", XAI_OP_CONCAT, &(xai_attrs){.axis = {1}}, IN("narrow", "wide"));
  xai_net *net = ended(b, "both");
  rows_are(ask(net, "both", 0, 4, 4), 4, 5, 4, 1, 1);
  rows_are(ask(net, "both", 1, 4, 4), 3, 6, 3, 3, 1);
  rows_are(ask(net, "both", -1, 4, 4), 3, 6, 3, 3, 1);
  xai_net_free(net);
}

/* A transposed window of 3 by 2, one cut off: result o is made of (o + 1 - t) / 2, so 2 of element 1 alone, 3 of 1 and 2.
 * Twice as large by the nearest element: result 5 is element 2. */
static void what_is_enlarged_moves_by_less_than_a_pixel(void **state) {
  (void)state;
  xai_builder *b = begun(1, 4, 4);
  xai_attrs a;
  xai_attrs_default(XAI_OP_CONV_TRANSPOSE, &a);
  a.conv.strides = (xai_ints){2, {2, 2}};
  a.conv.pads = (xai_ints){4, {1, 1, 1, 1}};
  constant(b, "w", XAI_SHAPE(1, 1, 3, 3), 1);
  node(b, "up", XAI_OP_CONV_TRANSPOSE, &a, IN("x", "w"));
  xai_net *net = ended(b, "up");
  rows_are(ask(net, "up", 0, 2, 0), 1, 2, 1, 1, 0.5);
  rows_are(ask(net, "up", 0, 3, 0), 1, 3, 1, 2, 0.5);
  xai_net_free(net);
  b = begun(1, 4, 4);
  INTS(b, "sizes", 1, 1, 8, 8);
  xai_attrs_default(XAI_OP_RESIZE, &a);
  node(b, "twice", XAI_OP_RESIZE, &a, IN("x", "", "", "sizes"));
  net = ended(b, "twice");
  rows_are(ask(net, "twice", 0, 5, 0), 2, 3, 2, 1, 0.5);
  xai_net_free(net);
}

static void a_gate_that_looks_at_a_mean_makes_units_see_everything(void **state) {
  (void)state;
  xai_builder *b = begun(2, 8, 8);
  conv(b, "one", "x", 2, 2, (geometry){.k = 3, .stride = 1, .pad = 1});
  node(b, "mean", XAI_OP_GLOBAL_AVERAGE_POOL, NULL, IN("one"));
  node(b, "gated", XAI_OP_MUL, NULL, IN("one", "mean"));
  xai_net *net = ended(b, "gated");
  xai_field f = ask(net, "gated", 0, 4, 4);
  assert_true(f.rows.whole && f.columns.whole);
  assert_int_equal(f.rows.first, 0);
  assert_int_equal(f.rows.end, 8);
  assert_int_equal(f.rows.size, 8);
  assert_true(f.rows.stride == 0);
  xai_net_free(net);
}

/* The layers of AlexNet: 11, 19, 51, 67, 99, 131, 163, 195 pixels and strides of 4, 8, 8, 16, 16, 16, 16, 32 (the numbers that
 * Girshick et al. 2014 give for its fifth pooling layer are 195 and 32). */
static void the_layers_of_alexnet_see_what_is_known(void **state) {
  (void)state;
  static const struct { const char *name, *from; int64_t k, stride, pad, size, pace; } layers[] = {
      {"conv1", "x", 11, 4, 0, 11, 4},      {"pool1", "conv1", 3, 2, 0, 19, 8},   {"conv2", "pool1", 5, 1, 2, 51, 8},
      {"pool2", "conv2", 3, 2, 0, 67, 16},  {"conv3", "pool2", 3, 1, 1, 99, 16},  {"conv4", "conv3", 3, 1, 1, 131, 16},
      {"conv5", "conv4", 3, 1, 1, 163, 16}, {"pool5", "conv5", 3, 2, 0, 195, 32},
  };
  xai_builder *b = begun(1, 227, 227);
  for (int i = 0; i < 8; i++) {
    if (layers[i].name[0] == 'p') pool(b, layers[i].name, XAI_OP_MAX_POOL, layers[i].from, layers[i].k, layers[i].stride, 0, false);
    else conv(b, layers[i].name, layers[i].from, 1, 1, (geometry){.k = layers[i].k, .stride = layers[i].stride, .pad = layers[i].pad});
  }
  xai_net *net = ended(b, "pool5");
  for (int i = 0; i < 8; i++) {
    xai_field f = ask(net, layers[i].name, 0, 3, 3);
    assert_int_equal(f.rows.size, layers[i].size);
    assert_int_equal(f.columns.size, layers[i].size);
    assert_true(f.rows.stride == (double)layers[i].pace);
  }
  xai_net_free(net);
}

static void what_is_no_unit_is_refused(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_field f;
  xai_err err;
  xai_shape x = XAI_SHAPE(1, 1, 2, 2), list = XAI_SHAPE(1, 4), two = XAI_SHAPE(2, 1, 2, 2);
  assert_int_equal(xai_net_receptive_field(net, &x, 0, (const int64_t[]){0, 2, 0}, 3, &f, &err), XAI_EARG);
  assert_string_equal(err.text, "there is no such unit in an activation of 1x2x2x2");
  assert_int_equal(xai_net_receptive_field(net, &x, 0, (const int64_t[]){0, 0, 0, 0}, 4, &f, &err), XAI_EARG);
  assert_int_equal(xai_net_receptive_field(net, &list, 0, NULL, 0, &f, &err), XAI_EARG);
  assert_int_equal(xai_net_receptive_field(net, &two, 0, NULL, 0, &f, &err), XAI_EARG);
  for (int k = 0; k < 200; k++) { /* until no allocation is left to fail */
    xai_mem_fail_after(k, false);
    xai_status st = xai_net_receptive_field(net, &x, XAI_LAYER_LOGITS, NULL, 0, &f, &err);
    xai_mem_fail_after(-1, false);
    if (st == XAI_OK) break;
    assert_int_equal(st, XAI_ENOMEM);
    assert_true(k < 199);
  }
  xai_net_free(net);
}

/* ---- by touching ------------------------------------------------------------------------------------------------------- */
enum { H = 9, WIDTH = 8, C = 2 };

/* rows[u], columns[u] of every unit of a layer: from the first to the last that changed it */
typedef struct seen {
  int64_t n;
  int64_t (*span)[4];
} seen;

static void touch(xai_run *run, xai_net *net, const xai_tensor *x, double by, seen *all) {
  int layers = xai_net_layer_count(net);
  xai_tensor *touched = NULL, **clean = xai_calloc((size_t)layers, sizeof *clean);
  must(xai_run_forward(run, xai_tensor_view(x), err));
  for (int l = 0; l < layers; l++) {
    must(xai_tensor_copy(xai_run_value(run, l), &clean[l], err));
    all[l].n = (int64_t)xai_tensor_count(clean[l]);
    all[l].span = xai_calloc((size_t)all[l].n, sizeof *all[l].span);
  }
  for (int64_t p = 0; p < H * WIDTH; p++) {
    must(xai_tensor_copy(xai_tensor_view(x), &touched, err));
    for (int c = 0; c < C; c++) xai_tensor_floats(touched)[c * H * WIDTH + p] += (float)by;
    must(xai_run_forward(run, xai_tensor_view(touched), err));
    int64_t at[2] = {p / WIDTH, p % WIDTH};
    for (int l = 0; l < layers; l++) {
      const float *now = xai_run_value(run, l)->data, *then = xai_tensor_floats(clean[l]);
      for (int64_t u = 0; u < all[l].n; u++)
        for (int d = 0; d < 2 && now[u] != then[u]; d++) {
          int64_t *s = &all[l].span[u][2 * d];
          if (s[1] == 0 || at[d] < s[0]) s[0] = at[d];
          if (at[d] + 1 > s[1]) s[1] = at[d] + 1;
        }
    }
    xai_tensor_free(touched);
  }
  for (int l = 0; l < layers; l++) xai_tensor_free(clean[l]);
  xai_free(clean);
}

/* Every unit of every layer. */
static void agrees(xai_net *net, double by) {
  xai_shape s = XAI_SHAPE(1, C, H, WIDTH);
  xai_tensor *x = numbers(s, 77, 1);
  seen all[40] = {{0}};
  xai_run *run = NULL;
  int layers = xai_net_layer_count(net);
  assert_true(layers <= 40);
  xai_engine_reference(true);
  must(xai_run_open(net, &s, &(xai_request){.keep_all = true}, &run, err));
  touch(run, net, x, by, all);
  for (int l = 0; l < layers; l++) {
    xai_shape y = xai_run_value(run, l)->shape;
    for (int64_t u = 0; u < all[l].n; u++) {
      int64_t at[XAI_MAX_RANK], rest = u;
      for (int d = y.rank - 1; d > 0; rest /= y.dims[d--]) at[d - 1] = rest % y.dims[d];
      xai_field f;
      must(xai_net_receptive_field(net, &s, l, at, y.rank - 1, &f, err));
      int64_t got[4] = {f.rows.first, f.rows.end, f.columns.first, f.columns.end};
      for (int k = 0; k < 4; k++)
        if (got[k] != all[l].span[u][k])
          fail_msg("%s, unit %d: number %d is %d, measured %d", xai_net_layer(net, l).name, (int)u, k, (int)got[k],
                   (int)all[l].span[u][k]);
    }
    xai_free(all[l].span);
  }
  xai_run_close(run);
  xai_engine_reference(false);
  xai_tensor_free(x);
  xai_net_free(net);
}

static void windows_agree_with_touching_every_pixel(void **state) {
  (void)state;
  xai_attrs a;
  xai_builder *b = begun(C, H, WIDTH);
  conv(b, "conv1", "x", C, 4, (geometry){.k = 3, .stride = 2, .pad = 1});
  node(b, "relu1", XAI_OP_RELU, NULL, IN("conv1"));
  pool(b, "pool1", XAI_OP_MAX_POOL, "relu1", 2, 1, 0, false);
  conv(b, "deep", "pool1", 4, 4, (geometry){.k = 3, .stride = 1, .pad = 2, .dilation = 2, .group = 4});
  conv(b, "pairs", "deep", 4, 4, (geometry){.k = 1, .stride = 1, .group = 2});
  pool(b, "mean", XAI_OP_AVERAGE_POOL, "pairs", 3, 2, 1, true);
  node(b, "stack", XAI_OP_CONCAT, &(xai_attrs){.axis = {1}}, IN("pool1", "pairs"));
  xai_attrs_default(XAI_OP_LRN, &a);
  a.lrn.size = 3;
  node(b, "lrn", XAI_OP_LRN, &a, IN("stack"));
  xai_attrs_default(XAI_OP_CONV_TRANSPOSE, &a);
  a.conv.strides = (xai_ints){2, {2, 2}};
  a.conv.pads = (xai_ints){4, {1, 0, 0, 1}};
  a.conv.output_padding = (xai_ints){2, {1, 1}};
  a.conv.group = 2;
  constant(b, "wt", XAI_SHAPE(4, 1, 3, 3), 0.3);
  node(b, "up", XAI_OP_CONV_TRANSPOSE, &a, IN("mean", "wt"));
  node(b, "flat", XAI_OP_FLATTEN, NULL, IN("up"));
  node(b, "flat2", XAI_OP_FLATTEN, NULL, IN("lrn"));
  node(b, "end", XAI_OP_CONCAT, &(xai_attrs){.axis = {1}}, IN("flat", "flat2"));
  agrees(ended(b, "end"), 100);
}

/* Channels are split, shuffled as in ShuffleNet, moved behind rows and columns and back, sliced and reversed. */
static void moves_agree_with_touching_every_pixel(void **state) {
  (void)state;
  xai_attrs a;
  xai_builder *b = begun(C, H, WIDTH);
  conv(b, "conv1", "x", C, 6, (geometry){.k = 2, .stride = 2});
  const char *parts[2] = {"left", "right"};
  xai_attrs_default(XAI_OP_SPLIT, &a);
  a.split.axis = 1;
  INTS(b, "sizes", 2, 4);
  must(xai_builder_node(b, "split", XAI_OP_SPLIT, &a, IN("conv1", "sizes"), 2, parts, err));
  conv(b, "wide", "right", 4, 4, (geometry){.k = 3, .stride = 1, .pad = 1});
  node(b, "stack", XAI_OP_CONCAT, &(xai_attrs){.axis = {1}}, IN("left", "wide"));
  INTS(b, "groups", 0, 3, 2, 4, 4);
  INTS(b, "joined", 0, 6, 4, 4);
  node(b, "apart", XAI_OP_RESHAPE, NULL, IN("stack", "groups"));
  node(b, "turned", XAI_OP_TRANSPOSE, &(xai_attrs){.transpose = {{5, {0, 2, 1, 3, 4}}}}, IN("apart"));
  node(b, "shuffled", XAI_OP_RESHAPE, NULL, IN("turned", "joined"));
  node(b, "last", XAI_OP_TRANSPOSE, &(xai_attrs){.transpose = {{4, {0, 2, 3, 1}}}}, IN("shuffled"));
  constant(b, "mix", XAI_SHAPE(6, 5), 0.2);
  node(b, "product", XAI_OP_MATMUL, NULL, IN("last", "mix"));
  node(b, "first", XAI_OP_TRANSPOSE, &(xai_attrs){.transpose = {{4, {0, 3, 1, 2}}}}, IN("product"));
  INTS(b, "from", 3, 1);
  INTS(b, "to", -9, 4);
  INTS(b, "axes", 2, -1);
  INTS(b, "steps", -2, 1);
  node(b, "some", XAI_OP_SLICE, NULL, IN("shuffled", "from", "to", "axes", "steps"));
  INTS(b, "pads", 0, 0, 1, 0, 0, 0, 0, 2);
  node(b, "padded", XAI_OP_PAD, &(xai_attrs){.pad = {XK_PAD_REFLECT}}, IN("some", "pads"));
  node(b, "zeros", XAI_OP_PAD, NULL, IN("some", "pads"));
  INTS(b, "picked", 2, 0);
  node(b, "gathered", XAI_OP_GATHER, &(xai_attrs){.axis = {3}}, IN("padded", "picked"));
  INTS(b, "row", 1, 8, -1);
  node(b, "list", XAI_OP_RESHAPE, NULL, IN("first", "row"));
  outputs(b, IN("list", "zeros"));
  agrees(ended(b, "gathered"), 100);
}

static void sizes_agree_with_touching_every_pixel(void **state) {
  (void)state;
  static const struct { int64_t mode, transformation, antialias; } ways[] = {{0, 0, 0}, {0, 3, 0}, {1, 0, 0}, {1, 2, 0}, {2, 1, 0}, {1, 0, 1}};
  for (int w = 0; w < 6; w++)
    for (int larger = 0; larger < 2; larger++) {
      xai_attrs a;
      xai_builder *b = begun(C, H, WIDTH);
      xai_attrs_default(XAI_OP_RESIZE, &a);
      a.resize.mode = ways[w].mode;
      a.resize.transformation = ways[w].transformation;
      a.resize.antialias = ways[w].antialias;
      if (larger) INTS(b, "sizes", 1, 2, 18, 13);
      else INTS(b, "sizes", 1, 2, 4, 5);
      conv(b, "conv1", "x", C, 2, (geometry){.k = 2, .stride = 1});
      node(b, "resized", XAI_OP_RESIZE, &a, IN("conv1", "", "", "sizes"));
      agrees(ended(b, "resized"), 100);
    }
  for (int mode = 0; mode < 2; mode++) {
    xai_builder *b = begun(C, H, WIDTH);
    conv(b, "conv1", "x", C, 8, (geometry){.k = 3, .stride = 3, .pad = 1, .group = 2});
    node(b, "blocks", XAI_OP_DEPTH_TO_SPACE, &(xai_attrs){.block = {2, mode}}, IN("conv1"));
    conv(b, "more", "blocks", 2, 2, (geometry){.k = 2, .stride = 1, .pad = 1, .group = 2});
    pool(b, "even", XAI_OP_AVERAGE_POOL, "more", 2, 1, 0, false);
    node(b, "deep", XAI_OP_SPACE_TO_DEPTH, &(xai_attrs){.block = {2, 0}}, IN("even"));
    agrees(ended(b, "deep"), 100);
  }
}

/* What looks along an axis: normalizations, a softmax, sums; and what looks everywhere. */
static void whole_axes_agree_with_touching_every_pixel(void **state) {
  (void)state;
  xai_attrs a;
  xai_builder *b = begun(C, H, WIDTH);
  conv(b, "conv1", "x", C, 4, (geometry){.k = 3, .stride = 2, .pad = 1});
  constant(b, "four", XAI_SHAPE(4), 1);
  constant(b, "var", XAI_SHAPE(4), 1);
  node(b, "norm", XAI_OP_BATCH_NORM, NULL, IN("conv1", "four", "four", "four", "var"));
  node(b, "likely", XAI_OP_SOFTMAX, &(xai_attrs){.axis = {1}}, IN("norm"));
  node(b, "rows", XAI_OP_SOFTMAX, &(xai_attrs){.axis = {-1}}, IN("norm"));
  node(b, "last", XAI_OP_TRANSPOSE, &(xai_attrs){.transpose = {{4, {0, 2, 3, 1}}}}, IN("norm"));
  xai_attrs_default(XAI_OP_LAYER_NORMALIZATION, &a);
  node(b, "places", XAI_OP_LAYER_NORMALIZATION, &a, IN("last", "four", "four"));
  xai_attrs_default(XAI_OP_REDUCE_MEAN, &a);
  a.reduce.keepdims = 0;
  INTS(b, "third", 3);
  node(b, "sums", XAI_OP_REDUCE_MEAN, &a, IN("norm", "third"));
  xai_attrs_default(XAI_OP_INSTANCE_NORMALIZATION, &a);
  node(b, "maps", XAI_OP_INSTANCE_NORMALIZATION, &a, IN("norm", "four", "four"));
  node(b, "mean", XAI_OP_GLOBAL_AVERAGE_POOL, NULL, IN("conv1"));
  node(b, "gate", XAI_OP_SIGMOID, NULL, IN("mean"));
  node(b, "gated", XAI_OP_MUL, NULL, IN("conv1", "gate"));
  node(b, "most", XAI_OP_REDUCE_MAX, NULL, IN("gated"));
  outputs(b, IN("likely", "rows", "places", "sums", "maps"));
  agrees(ended(b, "most"), 0.5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_window_is_cut_at_the_border_but_its_size_is_not),
      cmocka_unit_test(pixels_that_no_window_sees_are_left_out),
      cmocka_unit_test(pools_that_stand_over_and_windows_with_holes),
      cmocka_unit_test(a_channel_sees_what_its_branch_sees),
      cmocka_unit_test(what_is_enlarged_moves_by_less_than_a_pixel),
      cmocka_unit_test(a_gate_that_looks_at_a_mean_makes_units_see_everything),
      cmocka_unit_test(the_layers_of_alexnet_see_what_is_known),
      cmocka_unit_test(what_is_no_unit_is_refused),
      cmocka_unit_test(windows_agree_with_touching_every_pixel),
      cmocka_unit_test(moves_agree_with_touching_every_pixel),
      cmocka_unit_test(sizes_agree_with_touching_every_pixel),
      cmocka_unit_test(whole_axes_agree_with_touching_every_pixel),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
