/* Lowered graphs: what becomes part of what, what stands for itself because somebody looks at it, whose packed weights
 * are shared, and that results are those of the plain way. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "graph/plan.h"
#include "kernels/kernels.h"
#include "tiny.h"

/* ---- networks -------------------------------------------------------------------------------------------------- */
static void constant(xai_builder *b, const char *name, xai_shape shape, double centre, double radius) {
  xai_tensor *t = NULL;
  must(xai_tensor_new(XAI_F32, shape, &t, err));
  for (size_t i = 0; i < xai_tensor_count(t); i++) {
    double u = xai_rng_uniform(xai_rng_stream(11, (uint64_t)(name[0] + 31 * name[1] + 997 * name[2])), i);
    xai_tensor_floats(t)[i] = (float)(centre + radius * (2 * u - 1));
  }
  must(xai_builder_constant(b, name, t, err));
  xai_tensor_free(t);
}

/* A node called as its output. */
static void node(xai_builder *b, const char *name, xai_op op, const xai_attrs *attrs, int n, const char *const *in) {
  must(xai_builder_node(b, name, op, attrs, n, in, 1, &name, err));
}
#define IN(...) (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *[]){__VA_ARGS__}

/* k x k with padding, so that the size stays; weights are called w<name>. */
static void conv(xai_builder *b, const char *name, const char *x, int64_t c, int64_t m, int64_t k) {
  char w[32];
  xai_attrs a;
  xai_attrs_default(XAI_OP_CONV, &a);
  a.conv.pads = (xai_ints){4, {k / 2, k / 2, k / 2, k / 2}};
  snprintf(w, sizeof w, "w%s", name);
  constant(b, w, XAI_SHAPE(m, c, k, k), 0, sqrt(3.0 / (double)(c * k * k)));
  node(b, name, XAI_OP_CONV, &a, IN(x, w));
}

static void norm(xai_builder *b, const char *name, const char *x, int64_t c) {
  static const char *const part[] = {"g", "o", "m", "v"};
  char names[4][32];
  for (int i = 0; i < 4; i++) {
    snprintf(names[i], sizeof names[i], "%s%s", part[i], name);
    constant(b, names[i], XAI_SHAPE(c), i % 3 == 0 ? 1 : 0, 0.3);
  }
  node(b, name, XAI_OP_BATCH_NORM, NULL, IN(x, names[0], names[1], names[2], names[3]));
}

static xai_builder *begun(int64_t c) {
  xai_builder *b = NULL;
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "x", XAI_F32, XAI_SHAPE(-1, c, 6, 6), err));
  return b;
}

static xai_net *ended(xai_builder *b, const char *output) {
  xai_net *net = NULL;
  must(xai_builder_output(b, output, err));
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  return net;
}

enum { CONV1, NORM1, RELU1, CONV2, NORM2, SUM, RELU2, POOL, CONV3, BOTH, MEAN, FLAT, FC };

static xai_net *everything(void) {
  xai_builder *b = begun(16);
  xai_attrs pool, join, gemm;
  xai_attrs_default(XAI_OP_MAX_POOL, &pool);
  pool.pool.kernel_shape = pool.pool.strides = (xai_ints){2, {2, 2}};
  xai_attrs_default(XAI_OP_CONCAT, &join);
  join.axis.axis = -3;
  xai_attrs_default(XAI_OP_GEMM, &gemm);
  gemm.gemm.trans_b = 1;
  conv(b, "conv1", "x", 16, 32, 3);
  norm(b, "norm1", "conv1", 32);
  node(b, "relu1", XAI_OP_RELU, NULL, IN("norm1"));
  conv(b, "2conv", "relu1", 32, 16, 1);
  norm(b, "2norm", "2conv", 16);
  node(b, "sum", XAI_OP_ADD, NULL, IN("2norm", "x"));
  node(b, "relu2", XAI_OP_RELU, NULL, IN("sum"));
  node(b, "pool", XAI_OP_MAX_POOL, &pool, IN("relu2"));
  conv(b, "3conv", "pool", 16, 16, 3);
  node(b, "both", XAI_OP_CONCAT, &join, IN("pool", "3conv"));
  node(b, "mean", XAI_OP_GLOBAL_AVERAGE_POOL, NULL, IN("both"));
  node(b, "flat", XAI_OP_FLATTEN, NULL, IN("mean"));
  constant(b, "fc.w", XAI_SHAPE(5, 32), 0, 0.3);
  node(b, "fc", XAI_OP_GEMM, &gemm, IN("flat", "fc.w"));
  return ended(b, "fc");
}

static void fill_input(float *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] = (float)(2 * xai_rng_uniform(3, (uint64_t)i) - 1);
}

/* ---- forms ------------------------------------------------------------------------------------------------------- */
static xai_run *opened(xai_net *net, const xai_request *request) {
  xai_run *run = NULL;
  xai_shape x = xai_net_input_shape(net);
  x.dims[0] = 1;
  must(xai_run_open(net, &x, request, &run, err));
  return run;
}

static void rows_are(xai_net *net, const xai_request *request, const char *want) {
  char got[1024] = "";
  xai_run *run = opened(net, request);
  for (int n = 0; n < run->graph->n_nodes; n++) {
    size_t used = strlen(got);
    snprintf(got + used, sizeof got - used, "%s%s", n > 0 ? " " : "", xai_op_get(run->graph->nodes[n].op)->name);
  }
  xai_run_close(run);
  assert_string_equal(got, want);
}

#define HEAD "BlockedMaxPool BlockedConv Concat BlockedGlobalAveragePool Unblock Flatten Gemm"
#define PLAIN "Conv BatchNormalization Relu Conv BatchNormalization Add Relu MaxPool Conv Concat GlobalAveragePool Flatten Gemm"

static const int last = XAI_LAYER_OUTPUT, first = XAI_LAYER_INPUT;

static void normalization_addition_and_rectifier_become_part_of_the_convolution(void **state) {
  (void)state;
  xai_net *net = everything();
  rows_are(net, &(xai_request){.keep = &last, .n_keep = 1}, "Block BlockedConvClip BlockedConvClip " HEAD);
  int relu1 = RELU1;
  rows_are(net, &(xai_request){.keep = &relu1, .n_keep = 1}, "Block BlockedConvClip Unblock");
  xai_net_free(net);
}

static void what_is_kept_is_a_copy_beside_the_path(void **state) {
  (void)state;
  xai_net *net = everything();
  int keep[] = {XAI_LAYER_OUTPUT, CONV1};
  xai_request request = {.keep = keep, .n_keep = 2};
  rows_are(net, &request, "Block BlockedConv Unblock BlockedScaleClip BlockedConvClip " HEAD);
  keep[1] = NORM1;
  rows_are(net, &request, "Block BlockedConv Unblock Relu BlockedConvClip " HEAD);
  keep[1] = RELU2;
  rows_are(net, &request, "Block BlockedConvClip BlockedConvClip Unblock " HEAD);
  xai_net_free(net);
}

static xai_status look_on(void *payload, int layer, xai_view *g, xai_view *a, xai_err *err) {
  (void)payload, (void)layer, (void)g, (void)a, (void)err;
  return XAI_OK;
}

static void what_may_change_or_is_wanted_lies_on_the_path(void **state) {
  (void)state;
  xai_net *net = everything(), *view = NULL;
  const char *hooked = "Block BlockedConvClip Unblock Block BlockedConvClip " HEAD;
  xai_hook hook = {.layer = RELU1, .fn = look_on};
  int relu1 = RELU1;
  must(xai_net_with(net, &(xai_view_opts){.hooks = &hook, .n_hooks = 1}, &view, NULL, err));
  rows_are(view, &(xai_request){.keep = &last, .n_keep = 1}, hooked);
  xai_net_free(view);
  must(xai_net_with(net, &(xai_view_opts){.grad_hooks = &hook, .n_grad_hooks = 1}, &view, NULL, err));
  rows_are(view, &(xai_request){.keep = &last, .n_keep = 1}, hooked);
  xai_net_free(view);
  rows_are(net, &(xai_request){.seeds = &last, .n_seeds = 1, .wants = &relu1, .n_wants = 1}, hooked);
  rows_are(net, &(xai_request){.seeds = &relu1, .n_seeds = 1, .wants = &first, .n_wants = 1}, "Block BlockedConvClip Unblock");
  xai_net_free(net);
}

static void what_is_kept_whole_or_compared_with_stays_as_it_is(void **state) {
  (void)state;
  xai_net *net = everything();
  rows_are(net, &(xai_request){.keep_all = true}, PLAIN);
  rows_are(net, &(xai_request){.seeds = &last, .n_seeds = 1, .weights = true}, PLAIN);
  xai_engine_reference(true);
  rows_are(net, &(xai_request){.keep = &last, .n_keep = 1}, PLAIN);
  xai_engine_reference(false);
  xai_net_free(net);
}

static void a_convolution_whose_weights_gradient_is_wanted_takes_in_a_rectifier_only(void **state) {
  (void)state;
  xai_net *net = everything();
  xai_param weights = {CONV2, 1}, others = {CONV3, 1};
  rows_are(net, &(xai_request){.seeds = &last, .n_seeds = 1, .params = &weights, .n_params = 1},
           "Block BlockedConvClip BlockedConvTraining BlockedScale Add Relu " HEAD);
  rows_are(net, &(xai_request){.seeds = &last, .n_seeds = 1, .params = &others, .n_params = 1},
           "Block BlockedConvClip BlockedConvClip BlockedMaxPool BlockedConvTraining Concat BlockedGlobalAveragePool Unblock "
           "Flatten Gemm");
  xai_net_free(net);
}

static void batch_normalization_that_learns_takes_in_a_rectifier(void **state) {
  (void)state;
  xai_net *net = everything(), *form = NULL;
  const bool frozen[FC + 1] = {[NORM2] = true};
  must(xai_net__training(net, frozen, &form, err));
  rows_are(form, &(xai_request){.keep = &last, .n_keep = 1},
           "Block BlockedConv BlockedNormTrainingClip BlockedConvClip " HEAD);
  xai_net_free(form);
  xai_net_free(net);
}

/* ---- results -------------------------------------------------------------------------------------------------------- */
enum { MOST = 4096 };
static int pictures;

/* Output and gradient to the input of the sum of r * output. */
static int64_t answers(xai_net *net, xai_relu rule, float *y, float *dx) {
  float x[MOST];
  xai_run *run = NULL;
  xai_view in = {XAI_F32, xai_net_input_shape(net), x};
  in.shape.dims[0] = pictures;
  fill_input(x, xai_shape_size(&in.shape));
  xai_request request = {.keep = &last, .n_keep = 1, .seeds = &last, .n_seeds = 1, .wants = &first, .n_wants = 1};
  must(xai_run_open(net, &in.shape, &request, &run, err));
  xai_run_set_relu(run, rule);
  must(xai_run_forward(run, &in, err));
  const xai_view *out = xai_run_value(run, last);
  int64_t n = xai_shape_size(&out->shape);
  assert_true(n <= MOST);
  memcpy(y, out->data, xai_view_bytes(out));
  float *seed = xai_run_seed(run, last)->data;
  for (int64_t i = 0; i < n; i++) seed[i] = (float)(2 * xai_rng_uniform(5, (uint64_t)i) - 1);
  must(xai_run_backward(run, err));
  memcpy(dx, xai_run_grad(run, first)->data, xai_view_bytes(&in));
  xai_run_close(run);
  return n;
}

static double distance(const float *a, const float *b, int64_t n) {
  double apart = 0, length = 0;
  for (int64_t i = 0; i < n; i++) {
    apart += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    length += (double)b[i] * b[i];
  }
  assert_true(length > 0);
  return sqrt(apart / length);
}

static void same_either_way(xai_net *net) {
  static float y[2][MOST], dx[2][MOST];
  xai_shape x = xai_net_input_shape(net);
  for (int i = 0; i < 6; i++) {
    xai_relu rule = (xai_relu)(XAI_RELU_PLAIN + i % 3);
    x.dims[0] = pictures = 1 + i / 3;
    int64_t n = answers(net, rule, y[0], dx[0]);
    xai_engine_reference(true);
    answers(net, rule, y[1], dx[1]);
    xai_engine_reference(false);
    assert_true(distance(y[0], y[1], n) < 1e-5);
    assert_true(distance(dx[0], dx[1], xai_shape_size(&x)) < 1e-5);
  }
  xai_net_free(net);
}

static void everything_gives_the_same_either_way(void **state) {
  (void)state;
  same_either_way(everything());
}

static void additions_of_two_convolutions_of_one_twice_and_of_numbers(void **state) {
  (void)state;
  xai_builder *b = begun(3);
  conv(b, "conv1", "x", 3, 20, 3);
  conv(b, "2conv", "x", 3, 20, 1);
  node(b, "sum", XAI_OP_ADD, NULL, IN("2conv", "conv1"));
  node(b, "twice", XAI_OP_ADD, NULL, IN("sum", "sum"));
  conv(b, "3conv", "twice", 20, 20, 1);
  constant(b, "map", XAI_SHAPE(1, 20, 6, 6), 0, 1);
  node(b, "learnt", XAI_OP_ADD, NULL, IN("3conv", "map"));
  constant(b, "one", XAI_SHAPE(1), 1, 0);
  node(b, "more", XAI_OP_SUB, NULL, IN("one", "learnt"));
  conv(b, "4conv", "more", 20, 6, 3);
  same_either_way(ended(b, "4conv"));
}

/* The lanes of channels 5 to 15 must stay zero, or the last convolution would see them. */
static void bounds_that_exclude_zero_do_not_reach_empty_lanes(void **state) {
  (void)state;
  xai_builder *b = begun(9);
  constant(b, "low", (xai_shape){.rank = 0}, 0.125, 0);
  constant(b, "upp", (xai_shape){.rank = 0}, 0.75, 0);
  conv(b, "conv1", "x", 9, 21, 3);
  node(b, "clip", XAI_OP_CLIP, NULL, IN("conv1", "low", "upp"));
  conv(b, "2conv", "clip", 21, 21, 3);
  node(b, "sig", XAI_OP_SIGMOID, NULL, IN("2conv"));
  node(b, "swish", XAI_OP_MUL, NULL, IN("2conv", "sig"));
  conv(b, "3conv", "swish", 21, 32, 3);
  node(b, "clip2", XAI_OP_CLIP, NULL, IN("3conv", "low", "upp"));
  conv(b, "4conv", "clip2", 32, 3, 3);
  same_either_way(ended(b, "4conv"));
}

/* Squeeze and excitation; stacks of whole blocks and others. */
static void gates_and_stacks(void **state) {
  (void)state;
  xai_builder *b = begun(3);
  xai_attrs join;
  xai_attrs_default(XAI_OP_CONCAT, &join);
  join.axis.axis = 1;
  conv(b, "conv1", "x", 3, 32, 3);
  node(b, "relu1", XAI_OP_RELU, NULL, IN("conv1"));
  node(b, "mean", XAI_OP_GLOBAL_AVERAGE_POOL, NULL, IN("relu1"));
  conv(b, "2conv", "mean", 32, 32, 1);
  node(b, "gate", XAI_OP_SIGMOID, NULL, IN("2conv"));
  node(b, "some", XAI_OP_MUL, NULL, IN("gate", "relu1"));
  conv(b, "3conv", "some", 32, 7, 3);
  node(b, "odd", XAI_OP_CONCAT, &join, IN("3conv", "some"));
  node(b, "even", XAI_OP_CONCAT, &join, IN("some", "relu1", "3conv"));
  conv(b, "4conv", "odd", 39, 7, 1);
  conv(b, "5conv", "even", 71, 7, 1);
  node(b, "sum", XAI_OP_ADD, NULL, IN("5conv", "4conv"));
  same_either_way(ended(b, "sum"));
}

/* ---- rectifiers on the way back --------------------------------------------------------------------------------------- */
/* A conv with its rectifier. */
static void unit(xai_builder *b, const char *name, const char *x, int64_t c, int64_t m, int64_t k) {
  char sum[32];
  snprintf(sum, sizeof sum, "%sc", name);
  conv(b, sum, x, c, m, k);
  node(b, name, XAI_OP_RELU, NULL, IN(sum));
}

/* Rows that take a rectifier's gradient as it is, and those that would have to send it through the rectifier. */
static void gates_are(xai_net *net, int passed, int left) {
  xai_run *run = opened(net, &(xai_request){.seeds = &last, .n_seeds = 1, .wants = &first, .n_wants = 1});
  for (int n = 0; n < run->graph->n_nodes; n++) {
    if ((xai_op_get(run->graph->nodes[n].op)->flags & XAI_OP_GATED) == 0) continue;
    if (run->values[run->graph->nodes[n].out[0]].is_gated) passed--;
    else left--;
  }
  xai_run_close(run);
  assert_int_equal(passed, 0);
  assert_int_equal(left, 0);
}

/* Two squeezes and expansions: what is squeezed is read by two convolutions, what is expanded stands in a Concat, of
 * which the second is read by a pool. */
static xai_net *fires(void) {
  xai_builder *b = begun(3);
  xai_attrs join, pool;
  xai_attrs_default(XAI_OP_CONCAT, &join);
  join.axis.axis = 1;
  xai_attrs_default(XAI_OP_MAX_POOL, &pool);
  pool.pool.kernel_shape = pool.pool.strides = (xai_ints){2, {2, 2}};
  unit(b, "1s", "x", 3, 16, 3);
  unit(b, "1e", "1s", 16, 32, 1);
  unit(b, "1f", "1s", 16, 16, 3);
  node(b, "1j", XAI_OP_CONCAT, &join, IN("1e", "1f"));
  unit(b, "2s", "1j", 48, 20, 1);
  unit(b, "2e", "2s", 20, 16, 1);
  unit(b, "2f", "2s", 20, 32, 3);
  node(b, "2j", XAI_OP_CONCAT, &join, IN("2e", "2f"));
  node(b, "p", XAI_OP_MAX_POOL, &pool, IN("2j"));
  unit(b, "3s", "p", 48, 7, 1);
  node(b, "mean", XAI_OP_GLOBAL_AVERAGE_POOL, NULL, IN("3s"));
  conv(b, "4c", "mean", 7, 5, 1);
  return ended(b, "4c");
}

/* A shortcut past two convolutions; what comes after it is read by a row that knows of no rectifiers. */
static xai_net *shortcuts(void) {
  xai_builder *b = begun(3);
  unit(b, "a", "x", 3, 32, 3);
  unit(b, "b", "a", 32, 16, 1);
  conv(b, "c", "b", 16, 32, 3);
  node(b, "sum", XAI_OP_ADD, NULL, IN("c", "a"));
  node(b, "d", XAI_OP_RELU, NULL, IN("sum"));
  node(b, "sig", XAI_OP_SIGMOID, NULL, IN("d"));
  conv(b, "e", "sig", 32, 5, 3);
  return ended(b, "e");
}

static void gradients_pass_rectifiers_where_they_are_completed(void **state) {
  (void)state;
  xai_net *fire = fires(), *shortcut = shortcuts();
  gates_are(fire, 7, 0);
  gates_are(shortcut, 2, 1);
  same_either_way(fire);
  same_either_way(shortcut);
}

/* ---- training ------------------------------------------------------------------------------------------------------- */
enum { T_CONV1, T_NORM1, T_RELU1, T_CONV2, T_RELU2, T_POOL, T_DEEP, T_CONV3, T_NORM3, T_RELU3, T_NODES };
enum { PARAMS = 9, NUMBERS = 1 << 15 };
static const xai_param trained[PARAMS] = {{T_CONV1, 1}, {T_NORM1, 1}, {T_NORM1, 2}, {T_CONV2, 1}, {T_CONV2, 2},
                                          {T_DEEP, 1},  {T_CONV3, 1}, {T_NORM3, 1}, {T_NORM3, 2}};

/* Every kind of a trained convolution: of few channels, fast, of groups of one, strided. */
static xai_net *school(void) {
  xai_builder *b = begun(3);
  xai_attrs pool, deep, wide;
  xai_attrs_default(XAI_OP_MAX_POOL, &pool);
  pool.pool.kernel_shape = (xai_ints){2, {2, 2}};
  xai_attrs_default(XAI_OP_CONV, &deep);
  deep.conv.group = 20;
  deep.conv.pads = (xai_ints){4, {1, 1, 1, 1}};
  xai_attrs_default(XAI_OP_CONV, &wide);
  wide.conv.strides = (xai_ints){2, {2, 2}};
  conv(b, "conv1", "x", 3, 18, 3);
  norm(b, "norm1", "conv1", 18);
  node(b, "relu1", XAI_OP_RELU, NULL, IN("norm1"));
  constant(b, "2w", XAI_SHAPE(20, 18, 3, 3), 0, 0.1);
  constant(b, "2b", XAI_SHAPE(20), 0, 0.1);
  xai_attrs same = deep;
  same.conv.group = 1;
  node(b, "2conv", XAI_OP_CONV, &same, IN("relu1", "2w", "2b"));
  node(b, "relu2", XAI_OP_RELU, NULL, IN("2conv"));
  node(b, "pool", XAI_OP_MAX_POOL, &pool, IN("relu2"));
  constant(b, "4w", XAI_SHAPE(20, 1, 3, 3), 0, 0.4);
  node(b, "deep", XAI_OP_CONV, &deep, IN("pool", "4w"));
  constant(b, "3w", XAI_SHAPE(8, 20, 2, 2), 0, 0.2);
  node(b, "3conv", XAI_OP_CONV, &wide, IN("deep", "3w"));
  norm(b, "3norm", "3conv", 8);
  node(b, "relu3", XAI_OP_RELU, NULL, IN("3norm"));
  return ended(b, "relu3");
}

/* The training form with arrays of its own, as a trainer has it. */
static xai_net *schooled(xai_tensor *own[PARAMS]) {
  const bool frozen[T_NODES] = {false};
  xai_net *net = school(), *form = NULL;
  must(xai_net__training(net, frozen, &form, err));
  for (int k = 0; k < PARAMS; k++) {
    must(xai_tensor_copy(xai_tensor_view(xai_net_weight(form, trained[k].layer, trained[k].input)), &own[k], err));
    must(xai_net__replace(form, form->graph->nodes[trained[k].layer].in[trained[k].input], own[k], err));
  }
  xai_net_free(net);
  return form;
}

static float *append(float *to, const xai_view *v) {
  memcpy(to, v->data, xai_view_bytes(v));
  return to + xai_shape_size(&v->shape);
}

/* Outputs, statistics among them, and then the gradients of all parameters; how many numbers. */
static int64_t lesson(xai_net *form, float *out) {
  float x[4 * 3 * 36], *at = out;
  xai_view in = {XAI_F32, XAI_SHAPE(4, 3, 6, 6), x};
  xai_run *run = NULL;
  fill_input(x, 4 * 3 * 36);
  xai_request request = {.keep_outputs = true, .seeds = &last, .n_seeds = 1, .params = trained, .n_params = PARAMS};
  must(xai_run_open(form, &in.shape, &request, &run, err));
  must(xai_run_forward(run, &in, err));
  for (int i = 0; i < form->graph->n_outputs; i++) at = append(at, xai_run_output(run, i));
  const xai_view *seed = xai_run_seed(run, last);
  for (int64_t i = 0; i < xai_shape_size(&seed->shape); i++) ((float *)seed->data)[i] = (float)sin((double)i);
  must(xai_run_backward(run, err));
  for (int k = 0; k < PARAMS; k++) at = append(at, xai_run_weight_grad(run, trained[k].layer, trained[k].input));
  xai_run_close(run);
  assert_true(at - out <= NUMBERS);
  return at - out;
}

/* Weights are written between two lessons: nothing may be left of the old ones. */
static void a_training_pass_gives_the_same_either_way(void **state) {
  (void)state;
  static float got[NUMBERS], want[NUMBERS];
  xai_tensor *own[PARAMS] = {NULL};
  xai_net *form = schooled(own);
  for (int round = 0; round < 2; round++) {
    int64_t n = lesson(form, got);
    xai_engine_reference(true);
    lesson(form, want);
    xai_engine_reference(false);
    assert_true(distance(got, want, n) < 1e-5);
    for (int64_t i = 0; i < n; i++) assert_true(fabs((double)got[i] - want[i]) < 1e-4 * (1 + fabs((double)want[i])));
    for (int k = 0; k < PARAMS; k++)
      for (size_t i = 0; i < xai_tensor_count(own[k]); i++) xai_tensor_floats(own[k])[i] *= i % 2 == 0 ? 1.25f : 0.5f;
  }
  for (int k = 0; k < PARAMS; k++) xai_tensor_free(own[k]);
  xai_net_free(form);
}

static void a_training_pass_gives_the_same_bits_for_any_number_of_threads(void **state) {
  (void)state;
  static float alone[NUMBERS], other[NUMBERS];
  xai_tensor *own[PARAMS] = {NULL};
  xai_net *form = schooled(own);
  int before = xk_threads();
  xk_threads_set(1);
  int64_t n = lesson(form, alone);
  for (int threads = 2; threads <= 4; threads += 2) {
    xk_threads_set(threads);
    lesson(form, other);
    assert_memory_equal(alone, other, (size_t)n * sizeof *alone);
  }
  xk_threads_set(before);
  for (int k = 0; k < PARAMS; k++) xai_tensor_free(own[k]);
  xai_net_free(form);
}

static void rows_of_a_training_pass_are_blocked(void **state) {
  (void)state;
  xai_tensor *own[PARAMS] = {NULL};
  xai_net *form = schooled(own);
  xai_request request = {.keep_outputs = true, .seeds = &last, .n_seeds = 1, .params = trained, .n_params = PARAMS};
  rows_are(form, &request,
           "BlockedConvTraining BlockedNormTrainingClip BlockedConvTrainingClip BlockedMaxPool BlockedConvTraining "
           "BlockedConvTraining BlockedNormTrainingClip Unblock");
  for (int k = 0; k < PARAMS; k++) xai_tensor_free(own[k]);
  xai_net_free(form);
}

/* Between two passes all parameters are written, statistics among them, as a trainer does before it looks at other
 * pictures. */
static void what_a_trainer_writes_is_read_by_every_pass(void **state) {
  (void)state;
  enum { WRITTEN = PARAMS + 4 };
  static const xai_param more[4] = {{T_NORM1, 3}, {T_NORM1, 4}, {T_NORM3, 3}, {T_NORM3, 4}};
  xai_net *net = school(), *plain = NULL;
  xai_tensor *own[WRITTEN] = {NULL};
  must(xai_net__copy(net, &plain, err));
  plain->trains = true;
  for (int k = 0; k < WRITTEN; k++) {
    xai_param p = k < PARAMS ? trained[k] : more[k - PARAMS];
    must(xai_tensor_copy(xai_tensor_view(xai_net_weight(plain, p.layer, p.input)), &own[k], err));
    must(xai_net__replace(plain, plain->graph->nodes[p.layer].in[p.input], own[k], err));
  }
  rows_are(plain, &(xai_request){.keep = &last, .n_keep = 1},
           "BlockedConvTraining BlockedNormClip BlockedConvTrainingClip BlockedMaxPool BlockedConvTraining "
           "BlockedConvTraining BlockedNormClip Unblock");
  for (int round = 0; round < 2; round++) {
    same_either_way(xai_net_retain(plain));
    for (int k = 0; k < WRITTEN; k++)
      for (size_t i = 0; i < xai_tensor_count(own[k]); i++) xai_tensor_floats(own[k])[i] *= i % 2 == 0 ? 1.25f : 0.5f;
  }
  for (int k = 0; k < WRITTEN; k++) xai_tensor_free(own[k]);
  xai_net_free(plain);
  xai_net_free(net);
}

/* ---- packed weights --------------------------------------------------------------------------------------------------- */
/* The packed weights of the k-th convolution on blocks. */
static const xai_tensor *packed(const xai_run *run, int k) {
  const xai_graph *g = run->graph;
  for (int n = 0; n < g->n_nodes; n++)
    if ((g->nodes[n].op == XAI_OP_BLOCKED_CONV || g->nodes[n].op == XAI_OP_BLOCKED_CONV_CLIP) && k-- == 0)
      return g->values[g->nodes[n].in[2]].constant;
  fail();
  return NULL;
}

static void packed_weights_are_shared_but_for_those_that_a_view_replaced(void **state) {
  (void)state;
  xai_net *net = everything(), *other = NULL, *view = NULL, *copy = NULL;
  xai_request request = {.keep = &last, .n_keep = 1};
  xai_hook hook = {.layer = RELU2, .fn = look_on};
  must(xai_net_with(net, &(xai_view_opts){.hooks = &hook, .n_hooks = 1}, &other, NULL, err));
  xai_run *a = opened(net, &request), *b = opened(other, &request);
  for (int k = 0; k < 3; k++) assert_ptr_equal(packed(a, k), packed(b, k));
  xai_run_close(b);
  xai_net_free(other);

  size_t before = xai_mem_live();
  xai_tensor *w = NULL;
  must(xai_tensor_copy(xai_tensor_view(xai_net_weight(net, CONV2, 1)), &w, err));
  must(xai_net_with(net, &(xai_view_opts){.weights = &(xai_weight){CONV2, 1, w}, .n_weights = 1}, &view, NULL, err));
  must(xai_net_with(view, &(xai_view_opts){.hooks = &hook, .n_hooks = 1}, &copy, NULL, err));
  xai_run *c = opened(view, &request), *d = opened(copy, &request);
  for (int k = 0; k < 3; k++) {
    assert_ptr_equal(packed(c, k), packed(d, k));
    assert_int_equal(packed(a, k) == packed(c, k), k != 1);
  }
  xai_run_close(c);
  xai_run_close(d);
  xai_net_free(copy);
  xai_net_free(view);
  xai_tensor_free(w);
  assert_int_equal(xai_mem_live(), before);
  xai_run_close(a);
  xai_net_free(net);
}

static void weights_for_the_way_back_are_packed_where_gradients_go(void **state) {
  (void)state;
  xai_net *net = everything();
  int pool = POOL;
  xai_run *run = opened(net, &(xai_request){.seeds = &last, .n_seeds = 1, .wants = &pool, .n_wants = 1});
  for (int n = 0, k = 0; n < run->graph->n_nodes; n++) {
    const xai_node *at = &run->graph->nodes[n];
    if (at->op == XAI_OP_BLOCKED_CONV || at->op == XAI_OP_BLOCKED_CONV_CLIP) assert_int_equal(at->in[3] >= 0, k++ == 2);
  }
  xai_run_close(run);
  xai_net_free(net);
}

/* ---- trouble ------------------------------------------------------------------------------------------------------------ */
static void every_failing_allocation_leaves_nothing_behind(void **state) {
  (void)state;
  float x[16 * 36];
  xai_view in = {XAI_F32, XAI_SHAPE(1, 16, 6, 6), x};
  int keep[] = {NORM1, XAI_LAYER_OUTPUT}, want[] = {XAI_LAYER_INPUT, POOL};
  xai_request request = {.keep = keep, .n_keep = 2, .seeds = &last, .n_seeds = 1, .wants = want, .n_wants = 2};
  xai_status st = XAI_ENOMEM;
  fill_input(x, 16 * 36);
  for (int k = 0; st != XAI_OK; k++) {
    size_t before = xai_mem_live();
    xai_net *net = everything();
    xai_run *run = NULL;
    xai_err err;
    assert_true(k < 2000);
    xai_mem_fail_after(k, false);
    st = xai_run_open(net, &in.shape, &request, &run, &err);
    if (st == XAI_OK) st = xai_run_forward(run, &in, &err);
    if (st == XAI_OK) st = xai_run_backward(run, &err);
    xai_mem_fail_after(-1, false);
    if (st != XAI_OK) assert_int_equal(st, XAI_ENOMEM);
    xai_run_close(run);
    xai_net_free(net);
    assert_int_equal(xai_mem_live(), before);
  }
}

typedef struct asker {
  pthread_t thread;
  xai_net *net;
  float y[MOST], dx[MOST];
} asker;

static void *ask(void *payload) {
  asker *a = payload;
  for (int i = 0; i < 3; i++) answers(a->net, XAI_RELU_PLAIN, a->y, a->dx);
  return NULL;
}

static void passes_at_the_same_time_give_the_same_bits(void **state) {
  (void)state;
  static asker askers[3];
  xai_net *net = everything(); /* nothing is packed yet */
  for (int i = 0; i < 3; i++) {
    askers[i].net = net;
    assert_int_equal(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
  }
  for (int i = 0; i < 3; i++) pthread_join(askers[i].thread, NULL);
  for (int i = 1; i < 3; i++) {
    assert_memory_equal(askers[i].y, askers[0].y, sizeof askers[0].y);
    assert_memory_equal(askers[i].dx, askers[0].dx, sizeof askers[0].dx);
  }
  xai_net_free(net);
}

static void a_stop_request_while_packing_leaves_nothing_half_packed(void **state) {
  (void)state;
  xai_net *net = everything();
  xai_run *run = NULL;
  xai_shape x = XAI_SHAPE(1, 16, 6, 6);
  xai_stop_request();
  assert_int_equal(xai_run_open(net, &x, &(xai_request){.keep = &last, .n_keep = 1}, &run, NULL), XAI_ESTOP);
  xai_stop_clear();
  same_either_way(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(normalization_addition_and_rectifier_become_part_of_the_convolution),
      cmocka_unit_test(what_is_kept_is_a_copy_beside_the_path),
      cmocka_unit_test(what_may_change_or_is_wanted_lies_on_the_path),
      cmocka_unit_test(what_is_kept_whole_or_compared_with_stays_as_it_is),
      cmocka_unit_test(a_convolution_whose_weights_gradient_is_wanted_takes_in_a_rectifier_only),
      cmocka_unit_test(batch_normalization_that_learns_takes_in_a_rectifier),
      cmocka_unit_test(rows_of_a_training_pass_are_blocked),
      cmocka_unit_test(what_a_trainer_writes_is_read_by_every_pass),
      cmocka_unit_test(a_training_pass_gives_the_same_either_way),
      cmocka_unit_test(a_training_pass_gives_the_same_bits_for_any_number_of_threads),
      cmocka_unit_test(everything_gives_the_same_either_way),
      cmocka_unit_test(additions_of_two_convolutions_of_one_twice_and_of_numbers),
      cmocka_unit_test(bounds_that_exclude_zero_do_not_reach_empty_lanes),
      cmocka_unit_test(gates_and_stacks),
      cmocka_unit_test(gradients_pass_rectifiers_where_they_are_completed),
      cmocka_unit_test(packed_weights_are_shared_but_for_those_that_a_view_replaced),
      cmocka_unit_test(weights_for_the_way_back_are_packed_where_gradients_go),
      cmocka_unit_test(every_failing_allocation_leaves_nothing_behind),
      cmocka_unit_test(passes_at_the_same_time_give_the_same_bits),
      cmocka_unit_test(a_stop_request_while_packing_leaves_nothing_half_packed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
