/* Windows of maps against whole passes, on networks with every operator that deals with windows and some that do not. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "graph/local.h"
#include "graph/local_form.h"
#include "tiny.h"

/* ---- networks -------------------------------------------------------------------------------------------------- */
static void constant(xai_builder *b, const char *name, xai_shape shape, double centre, double radius) {
  xai_tensor *t = NULL;
  must(xai_tensor_new(XAI_F32, shape, &t, err));
  for (size_t i = 0; i < xai_tensor_count(t); i++) {
    double u = xai_rng_uniform(xai_rng_stream(11, (uint64_t)(name[0] + 31 * name[1])), i);
    xai_tensor_floats(t)[i] = (float)(centre + radius * (2 * u - 1));
  }
  must(xai_builder_constant(b, name, t, err));
  xai_tensor_free(t);
}

static void integers(xai_builder *b, const char *name, int n, const int64_t *v) {
  xai_tensor *t = NULL;
  must(xai_tensor_copy(&(xai_view){XAI_I64, XAI_SHAPE(n), (void *)(uintptr_t)v}, &t, err));
  must(xai_builder_constant(b, name, t, err));
  xai_tensor_free(t);
}

/* A node called as its output. */
static void node(xai_builder *b, const char *name, xai_op op, const xai_attrs *attrs, int n, const char *const *in) {
  must(xai_builder_node(b, name, op, attrs, n, in, 1, &name, err));
}
#define IN(...) (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *[]){__VA_ARGS__}

typedef struct geometry {
  int64_t kh, kw, stride, dilation, top, left, bottom, right, group;
} geometry;

/* Weights are called w<name>. */
static void conv(xai_builder *b, const char *name, const char *x, int64_t c, int64_t m, geometry g) {
  char w[32], bias[32];
  xai_attrs a;
  xai_attrs_default(XAI_OP_CONV, &a);
  a.conv.pads = (xai_ints){4, {g.top, g.left, g.bottom, g.right}};
  a.conv.strides = (xai_ints){2, {g.stride, g.stride}};
  a.conv.dilations = (xai_ints){2, {g.dilation, g.dilation}};
  a.conv.group = g.group;
  snprintf(w, sizeof w, "w%s", name);
  snprintf(bias, sizeof bias, "b%s", name);
  constant(b, w, XAI_SHAPE(m, c / g.group, g.kh, g.kw), 0, sqrt(6.0 / (double)(c / g.group * g.kh * g.kw)));
  constant(b, bias, XAI_SHAPE(m), 0, 0.3);
  node(b, name, XAI_OP_CONV, &a, IN(x, w, bias));
}

static void pool(xai_builder *b, const char *name, xai_op op, const char *x, int64_t k, int64_t stride, int64_t pad,
                 bool ceil, bool count) {
  xai_attrs a;
  xai_attrs_default(op, &a);
  a.pool.kernel_shape = (xai_ints){2, {k, k}};
  a.pool.strides = (xai_ints){2, {stride, stride}};
  a.pool.pads = (xai_ints){4, {pad, pad, pad, pad}};
  a.pool.ceil_mode = ceil;
  a.pool.count_include_pad = count;
  node(b, name, op, &a, IN(x));
}

static xai_builder *begun(int64_t h, int64_t w) {
  xai_builder *b = NULL;
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "x", XAI_F32, XAI_SHAPE(-1, 3, h, w), err));
  return b;
}

static xai_net *ended(xai_builder *b, const char *output) {
  xai_net *net = NULL;
  must(xai_builder_output(b, output, err));
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  return net;
}

/* m x in class scores of a list */
static void linear(xai_builder *b, const char *name, const char *x, int64_t in, int64_t m, int64_t trans_b) {
  char w[32], bias[32];
  xai_attrs a;
  xai_attrs_default(XAI_OP_GEMM, &a);
  a.gemm.trans_b = trans_b;
  snprintf(w, sizeof w, "w%s", name);
  snprintf(bias, sizeof bias, "b%s", name);
  constant(b, w, trans_b ? XAI_SHAPE(m, in) : XAI_SHAPE(in, m), 0, sqrt(6.0 / (double)in));
  constant(b, bias, XAI_SHAPE(m), 0, 1);
  node(b, name, XAI_OP_GEMM, &a, IN(x, w, bias));
}

/* 3 x 30 x 27 -> 16 x 17 x 15 -> 16 x 10 x 9 and on, in maps of one extent; nothing asks for a whole map before the mean */
static xai_net *all_local(void) {
  xai_builder *b = begun(30, 27);
  xai_attrs join, lrn;
  xai_attrs_default(XAI_OP_CONCAT, &join);
  join.axis.axis = -3;
  xai_attrs_default(XAI_OP_LRN, &lrn);
  lrn.lrn.size = 3;
  conv(b, "conv1", "x", 3, 16, (geometry){5, 4, 2, 1, 3, 0, 4, 5, 1});
  node(b, "relu1", XAI_OP_RELU, NULL, IN("conv1"));
  pool(b, "pool1", XAI_OP_MAX_POOL, "relu1", 3, 2, 1, true, false);
  node(b, "lrn1", XAI_OP_LRN, &lrn, IN("pool1"));
  constant(b, "g", XAI_SHAPE(16), 1, 0.3);
  constant(b, "o", XAI_SHAPE(16), 0, 0.3);
  constant(b, "m", XAI_SHAPE(16), 0, 0.3);
  constant(b, "v", XAI_SHAPE(16), 1, 0.3);
  node(b, "norm", XAI_OP_BATCH_NORM, NULL, IN("lrn1", "g", "o", "m", "v"));
  conv(b, "one", "norm", 16, 16, (geometry){1, 1, 1, 1, 0, 0, 0, 0, 1});
  conv(b, "three", "norm", 16, 32, (geometry){3, 3, 1, 1, 1, 1, 1, 1, 2});
  conv(b, "wide", "norm", 16, 16, (geometry){3, 3, 1, 2, 2, 2, 2, 2, 16});
  pool(b, "mean", XAI_OP_AVERAGE_POOL, "norm", 3, 1, 1, false, true);
  node(b, "stack", XAI_OP_CONCAT, &join, IN("one", "three", "wide", "mean"));
  constant(b, "slope", XAI_SHAPE(80, 1, 1), 0, 0.5);
  node(b, "prelu", XAI_OP_PRELU, NULL, IN("stack", "slope"));
  conv(b, "back", "prelu", 80, 16, (geometry){1, 1, 1, 1, 0, 0, 0, 0, 1});
  node(b, "sum", XAI_OP_ADD, NULL, IN("norm", "back"));
  constant(b, "factor", XAI_SHAPE(1, 16, 1, 1), 1, 0.5);
  node(b, "scaled", XAI_OP_MUL, NULL, IN("factor", "sum"));
  integers(b, "from", 1, (const int64_t[]){4});
  integers(b, "to", 1, (const int64_t[]){16});
  integers(b, "axis", 1, (const int64_t[]){1});
  node(b, "some", XAI_OP_SLICE, NULL, IN("scaled", "from", "to", "axis"));
  conv(b, "last", "some", 12, 24, (geometry){1, 1, 1, 1, 0, 0, 0, 0, 1});
  node(b, "relu2", XAI_OP_RELU, NULL, IN("last"));
  node(b, "average", XAI_OP_GLOBAL_AVERAGE_POOL, NULL, IN("relu2"));
  integers(b, "list", 2, (const int64_t[]){0, 24});
  node(b, "scores", XAI_OP_RESHAPE, NULL, IN("average", "list"));
  node(b, "prob", XAI_OP_SOFTMAX, NULL, IN("scores"));
  return ended(b, "prob");
}

/* Windows end early: an average whose divisor differs at the border, a map of numbers, a softmax over places, a product
 * of two maps of which one is an average */
static xai_net *partly_local(void) {
  xai_builder *b = begun(24, 24);
  conv(b, "conv1", "x", 3, 8, (geometry){3, 3, 2, 1, 1, 1, 1, 1, 1});
  pool(b, "border", XAI_OP_AVERAGE_POOL, "conv1", 3, 1, 1, false, false);
  conv(b, "conv2", "conv1", 8, 8, (geometry){3, 3, 1, 1, 1, 1, 1, 1, 1});
  constant(b, "map", XAI_SHAPE(1, 1, 12, 12), 1, 0.5);
  node(b, "shaded", XAI_OP_MUL, NULL, IN("conv2", "map"));
  node(b, "light", XAI_OP_GLOBAL_AVERAGE_POOL, NULL, IN("conv2"));
  node(b, "gated", XAI_OP_MUL, NULL, IN("conv2", "light"));
  xai_attrs soft;
  xai_attrs_default(XAI_OP_SOFTMAX, &soft);
  node(b, "soft", XAI_OP_SOFTMAX, &soft, IN("conv2"));
  node(b, "sum1", XAI_OP_ADD, NULL, IN("shaded", "gated"));
  node(b, "sum2", XAI_OP_ADD, NULL, IN("soft", "border"));
  node(b, "sum3", XAI_OP_ADD, NULL, IN("sum1", "sum2"));
  conv(b, "conv3", "sum3", 8, 4, (geometry){3, 3, 2, 1, 0, 0, 0, 0, 1});
  node(b, "flat", XAI_OP_FLATTEN, NULL, IN("conv3"));
  linear(b, "fc", "flat", 100, 5, 0);
  return ended(b, "fc");
}

/* 16 x 16 x 16 = 4096 numbers, two layers, of which the first has 2^22 weights */
static xai_net *heavy(void) {
  xai_builder *b = begun(16, 16);
  conv(b, "conv1", "x", 3, 16, (geometry){3, 3, 1, 1, 1, 1, 1, 1, 1});
  node(b, "flat", XAI_OP_FLATTEN, NULL, IN("conv1"));
  linear(b, "fc1", "flat", 4096, 1024, 1);
  node(b, "relu", XAI_OP_RELU, NULL, IN("fc1"));
  linear(b, "fc2", "relu", 1024, 9, 1);
  return ended(b, "fc2");
}

/* ---- questions --------------------------------------------------------------------------------------------------- */
enum { MOST = 400 };

typedef struct question {
  xai_local l;
  xai_place places[MOST];
  float *x, *results[2]; /* of windows, of whole inputs: n x size */
  float *to;
  int64_t size;          /* numbers per change, of all layers */
  int seen[MOST];
} question;

/* A pattern inside of the window that depends on its number: every third pixel stays. */
static void change(void *payload, int64_t i, const xai_patch *p) {
  const question *q = payload;
  xai_place at = q->places[i];
  for (int64_t k = 0; k < p->c; k++)
    for (int64_t r = 0; r < p->h; r++)
      for (int64_t c = 0; c < p->w; c++) {
        int64_t row = p->top + r, col = p->left + c;
        bool inside = row >= at.top && row < at.top + q->l.height && col >= at.left && col < at.left + q->l.width;
        assert_true(p->v[(k * p->h + r) * p->w + c] ==
                    q->x[(k * q->l.x->shape.dims[2] + row) * q->l.x->shape.dims[3] + col]); /* it shows the clean input */
        if (inside && (row + 2 * col + i) % 3 != 0) p->v[(k * p->h + r) * p->w + c] = (float)(k - 1) * 2 + 0.5f;
      }
}

static void observe(void *payload, int64_t i, const xai_view *seen) {
  question *q = payload;
  float *to = q->to + i * q->size, *end = to + q->size;
  q->seen[i]++;
  for (int k = 0; k < q->l.n_layers; k++) {
    int64_t n = xai_shape_size(&seen[k].shape);
    assert_int_equal(seen[k].shape.dims[0], 1);
    assert_true(n <= end - to);
    memcpy(to, seen[k].data, (size_t)n * sizeof *to);
    to += n;
  }
  assert_ptr_equal(to, end);
}

static void fill_input(float *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] = (float)(2 * xai_rng_uniform(3, (uint64_t)i) - 1);
}

static int64_t below(uint64_t i, int64_t n) { return (int64_t)(xai_rng_u64(21, i) % (uint64_t)n); }

static xai_tensor *clean_input(xai_net *net) {
  xai_shape s = xai_net_input_shape(net);
  xai_tensor *t = NULL;
  s.dims[0] = 1;
  must(xai_tensor_new(XAI_F32, s, &t, err));
  fill_input(xai_tensor_floats(t), xai_shape_size(&s));
  return t;
}

/* Asks for n windows at random places, the first four at the corners; the largest difference as a share of the largest
 * result. */
static double ask_at(xai_net *net, int64_t height, int64_t width, int64_t n, const int *layers, int n_layers, int64_t size,
                     const int64_t *channels, int n_channels, int64_t batch) {
  static question q;
  xai_tensor *clean = clean_input(net);
  xai_view x = *xai_tensor_view(clean);
  int64_t h = x.shape.dims[2], w = x.shape.dims[3];
  memset(&q, 0, sizeof q);
  q.x = x.data;
  q.size = size;
  q.l = (xai_local){.x = &x, .places = q.places, .n = n, .height = height, .width = width, .layers = layers, .n_layers = n_layers,
                    .channels = channels, .n_channels = n_channels, .batch = batch, .change = change, .observe = observe, .payload = &q};
  for (int64_t i = 0; i < n; i++)
    q.places[i] = i < 4 ? (xai_place){i / 2 * (h - height), i % 2 * (w - width)}
                        : (xai_place){below(2 * (uint64_t)i, h), below(2 * (uint64_t)i + 1, w)};
  double largest = 0, apart = 0;
  for (int way = 0; way < 2; way++) {
    q.to = q.results[way] = calloc((size_t)(n * size), sizeof(float));
    must(way == 0 ? xai_local_run(net, &q.l, err) : xai_local_run_whole(net, &q.l, err));
    for (int64_t i = 0; i < n; i++) assert_int_equal(q.seen[i], way + 1);
  }
  for (int64_t i = 0; i < n * size; i++) {
    largest = fmax(largest, fabs(q.results[1][i]));
    apart = fmax(apart, fabs((double)q.results[0][i] - q.results[1][i]));
  }
  free(q.results[0]);
  free(q.results[1]);
  xai_tensor_free(clean);
  return apart / largest;
}

static const int scores = XAI_LAYER_LOGITS;

static void every_window(xai_net *net, int64_t side, int64_t classes) {
  for (int64_t height = 1; height <= side; height += height < 4 ? 1 : 5)
    for (int64_t width = 1; width <= side; width += 6) {
      double e = ask_at(net, height, width, 40, &scores, 1, classes, NULL, 0, 0);
      if (!(e <= 2e-5)) fail_msg("windows of %dx%d: %.3g apart", (int)height, (int)width, e);
    }
}

static void windows_of_every_size_give_what_whole_passes_give(void **state) {
  (void)state;
  xai_net *net = all_local();
  every_window(net, 27, 24);
  xai_net_free(net);
  net = partly_local();
  every_window(net, 24, 5);
  xai_net_free(net);
}

static int layer_of(const xai_net *net, const char *name) {
  int layer = -1;
  must(xai_net_find_layer(net, name, &layer, err));
  return layer;
}

static void layers_between_are_seen_whole(void **state) {
  (void)state;
  xai_net *net = all_local();
  const int layers[] = {layer_of(net, "stack"), XAI_LAYER_LOGITS, layer_of(net, "pool1")};
  xai_shape stack, pooled, x = xai_net_input_shape(net);
  x.dims[0] = 1;
  must(xai_net_layer_shape(net, layers[0], &x, &stack, err));
  must(xai_net_layer_shape(net, layers[2], &x, &pooled, err));
  int64_t size = xai_shape_size(&stack) + 24 + xai_shape_size(&pooled);
  assert_true(ask_at(net, 5, 7, 30, layers, 3, size, NULL, 0, 0) <= 2e-5);
  xai_net_free(net);
}

static void wanted_channels_come_in_the_order_asked_for(void **state) {
  (void)state;
  const int64_t channels[] = {17, 3, 3, 23};
  xai_net *net = all_local();
  assert_true(ask_at(net, 6, 6, 30, &scores, 1, 4, channels, 4, 0) <= 2e-5);
  const int stack = layer_of(net, "stack"); /* not made by rows of one layer's weights */
  assert_true(ask_at(net, 6, 6, 30, &stack, 1, 4, channels, 4, 0) <= 2e-5);
  xai_net_free(net);
  net = partly_local();
  assert_true(ask_at(net, 6, 6, 30, &scores, 1, 2, (const int64_t[]){4, 1}, 2, 0) <= 2e-5);
  xai_net_free(net);
  net = heavy();
  assert_true(ask_at(net, 6, 6, 300, &scores, 1, 3, (const int64_t[]){8, 0, 4}, 3, 0) <= 2e-5); /* more than one batch of the tail */
  assert_true(ask_at(net, 6, 6, 20, &scores, 1, 9, NULL, 0, 0) <= 2e-5);
  xai_net_free(net);
}

/* ---- bits --------------------------------------------------------------------------------------------------------- */
static void collect(void *payload, int64_t i, const xai_view *seen) {
  memcpy((float *)payload + 24 * i, seen->data, 24 * sizeof(float));
}

static void blacken(void *payload, int64_t i, const xai_patch *p) { /* all of the patch is window here */
  (void)payload;
  (void)i;
  memset(p->v, 0, (size_t)(p->c * p->h * p->w) * sizeof(float));
}

static void the_batch_does_not_change_a_bit(void **state) {
  (void)state;
  static float first[100 * 24], other[100 * 24];
  xai_net *net = all_local();
  xai_tensor *clean = clean_input(net);
  xai_view x = *xai_tensor_view(clean);
  xai_place places[100];
  for (int i = 0; i < 100; i++) places[i] = (xai_place){i / 10 * 2, i % 10 * 2};
  xai_local l = {.x = &x, .places = places, .n = 100, .height = 8, .width = 8, .layers = &scores, .n_layers = 1,
                 .change = blacken, .observe = collect, .payload = first};
  must(xai_local_run(net, &l, err));
  l.payload = other;
  for (l.batch = 1; l.batch <= 33; l.batch += 8) {
    memset(other, 0, sizeof other);
    must(xai_local_run(net, &l, err));
    assert_memory_equal(first, other, sizeof first);
  }
  xai_tensor_free(clean);
  xai_net_free(net);
}

/* ---- forms ----------------------------------------------------------------------------------------------------------- */
static int count_rows(const xai_net *net, xai_op op) {
  int n = 0;
  for (int i = 0; i < net->graph->n_nodes; i++) n += net->graph->nodes[i].op == op;
  return n;
}

static xai_local_form form_of(xai_net *net) {
  xai_tensor *clean = clean_input(net);
  xai_view x = *xai_tensor_view(clean);
  xai_local l = {.x = &x, .height = 4, .width = 4, .layers = &scores, .n_layers = 1};
  xai_local_form f = {0};
  must(xai_local_form_make(net, &l, &f, err));
  xai_tensor_free(clean);
  return f;
}

/* Patches: in front of conv1, pool1, wide, and one for three and mean, which look at the same; of the operands of the
 * stack, which is as large as 'wide', the three others; of the sum 'norm', which is smaller; for the average the whole
 * map. */
static void patches_stand_where_windows_differ(void **state) {
  (void)state;
  xai_net *net = all_local();
  xai_local_form f = form_of(net);
  assert_null(f.tail);
  assert_int_equal(count_rows(f.net, XAI_OP_PATCH), 4 + 3 + 1 + 1);
  xai_local_form_free(&f);
  xai_net_free(net);
}

/* Windows reach conv1 and conv2 and no further: the whole maps of both are asked for once. */
static void what_cannot_do_with_windows_gets_whole_maps(void **state) {
  (void)state;
  xai_net *net = partly_local();
  xai_local_form f = form_of(net);
  assert_int_equal(count_rows(f.net, XAI_OP_PATCH), 4);
  xai_local_form_free(&f);
  xai_net_free(net);
}

static void large_products_are_a_network_of_their_own(void **state) {
  (void)state;
  xai_net *net = heavy();
  xai_local_form f = form_of(net);
  assert_non_null(f.tail);
  assert_int_equal(count_rows(f.tail, XAI_OP_GEMM), 2);
  assert_int_equal(count_rows(f.net, XAI_OP_GEMM), 0);
  xai_local_form_free(&f);
  xai_net_free(net);
}

/* ---- what else may happen ---------------------------------------------------------------------------------------------- */
typedef struct watch {
  int64_t n, smallest; /* passes; elements of the smallest map seen, per picture */
} watch;

static xai_status look(void *payload, int layer, xai_view *g, xai_view *a, xai_err *err) {
  watch *w = payload;
  int64_t size = xai_shape_size(&a->shape) / a->shape.dims[0];
  (void)layer;
  (void)g;
  (void)err;
  w->n++;
  if (w->smallest == 0 || size < w->smallest) w->smallest = size;
  return XAI_OK;
}

static void hooks_see_whole_maps(void **state) {
  (void)state;
  xai_net *net = all_local(), *view = NULL;
  watch w = {0};
  xai_hook hook = {layer_of(net, "pool1"), look, &w};
  must(xai_net_with(net, &(xai_view_opts){.hooks = &hook, .n_hooks = 1}, &view, NULL, err));
  assert_true(ask_at(view, 5, 5, 9, &scores, 1, 24, NULL, 0, 0) == 0); /* both ways are one then */
  xai_shape pooled, x = xai_net_input_shape(net);
  x.dims[0] = 1;
  must(xai_net_layer_shape(net, hook.layer, &x, &pooled, err));
  assert_true(w.n > 0);
  assert_int_equal(w.smallest, xai_shape_size(&pooled));
  xai_net_free(view);
  xai_net_free(net);
}

/* The weights of conv1 doubled: its bias is not, so nothing but a pass with these weights gives the same. */
static void replaced_weights_count(void **state) {
  (void)state;
  xai_net *net = all_local(), *view = NULL;
  int conv1 = layer_of(net, "conv1");
  xai_tensor *t = NULL;
  must(xai_tensor_copy(xai_tensor_view(xai_net_weight(net, conv1, 1)), &t, err));
  for (size_t i = 0; i < xai_tensor_count(t); i++) xai_tensor_floats(t)[i] *= 2;
  must(xai_net_with(net, &(xai_view_opts){.weights = &(xai_weight){conv1, 1, t}, .n_weights = 1}, &view, NULL, err));
  assert_true(ask_at(view, 5, 5, 20, &scores, 1, 24, NULL, 0, 0) <= 2e-5);
  xai_tensor_free(t);
  xai_net_free(view);
  xai_net_free(net);
}

static void impossible_questions_are_refused(void **state) {
  (void)state;
  xai_net *net = all_local();
  xai_tensor *clean = clean_input(net);
  xai_view x = *xai_tensor_view(clean);
  const int layer = 99;
  xai_err err;
  xai_local l = {.x = &x, .places = &(xai_place){1, 1}, .n = 1, .height = 4, .width = 4, .layers = &layer, .n_layers = 1,
                 .change = blacken, .observe = collect};
  assert_int_equal(xai_local_run(net, &l, &err), XAI_EARG);
  assert_string_equal(err.text, "no layer number 99 (the network has 20)");
  l.layers = &scores;
  l.n = 0; /* nothing to do */
  assert_int_equal(xai_local_run(net, &l, &err), XAI_OK);
  l.n = 1;
  xai_stop_request();
  assert_int_equal(xai_local_run(net, &l, &err), XAI_ESTOP);
  xai_stop_clear();
  xai_tensor_free(clean);
  xai_net_free(net);
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  static float to[6 * 24];
  xai_net *net = all_local();
  xai_tensor *clean = clean_input(net);
  xai_view x = *xai_tensor_view(clean);
  const int64_t channels[24] = {5};
  xai_place places[6] = {{0, 0}, {3, 3}, {20, 20}, {9, 4}, {4, 9}, {8, 8}};
  xai_local l = {.x = &x, .places = places, .n = 6, .height = 4, .width = 4, .layers = &scores, .n_layers = 1, .channels = channels,
                 .n_channels = 24, .change = blacken, .observe = collect, .payload = to};
  xai_status st = XAI_ENOMEM;
  for (int k = 0; st != XAI_OK; k++) {
    xai_net *fresh = NULL;
    must(xai_net_with(net, &(xai_view_opts){0}, &fresh, NULL, err));
    xai_err err;
    assert_true(k < 20000);
    xai_mem_fail_after(k, false);
    st = xai_local_run(fresh, &l, &err);
    xai_mem_fail_after(-1, false);
    if (st != XAI_OK) assert_int_equal(st, XAI_ENOMEM);
    xai_net_free(fresh);
  }
  xai_tensor_free(clean);
  xai_net_free(net);
  assert_int_equal(xai_mem_live(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(windows_of_every_size_give_what_whole_passes_give),
      cmocka_unit_test(layers_between_are_seen_whole),
      cmocka_unit_test(wanted_channels_come_in_the_order_asked_for),
      cmocka_unit_test(the_batch_does_not_change_a_bit),
      cmocka_unit_test(patches_stand_where_windows_differ),
      cmocka_unit_test(what_cannot_do_with_windows_gets_whole_maps),
      cmocka_unit_test(large_products_are_a_network_of_their_own),
      cmocka_unit_test(hooks_see_whole_maps),
      cmocka_unit_test(replaced_weights_count),
      cmocka_unit_test(impossible_questions_are_refused),
      cmocka_unit_test(every_failing_allocation_is_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
