/* Every method on the network of graph/tiny.h. With the numbers there:
 *   d z0 / d relu = (0.25, 0.5) at every pixel, d z1 / d relu = (-0.25, 0.25)
 *   d z0 / d x = (0.25, -1, 0.25, -0.75) */
#include <math.h>
#include <string.h>

#include "explain/method.h"
#include "graph/tiny.h"

typedef union any_opts {
  xai_explain_opts common;
  xai_gradcam_opts gradcam;
  xai_occlusion_opts occlusion;
  xai_smoothgrad_opts smoothgrad;
  xai_integrated_gradients_opts integrated;
  xai_gradcampp_opts gradcampp;
  xai_layercam_opts layercam;
  xai_xgradcam_opts xgradcam;
  xai_fem_opts fem;
  xai_scorecam_opts scorecam;
  xai_ablationcam_opts ablationcam;
  xai_rise_opts rise;
  xai_lrp_opts lrp;
  xai_deeplift_opts deeplift;
  xai_ascent_opts ascent;
  xai_invert_opts invert;
} any_opts;

/* Runs a method on class 0 (or as 'opts' says) and gives the explanation. */
static xai_explanation *explain(xai_net *net, const char *method, const any_opts *opts) {
  const xai_method *m = xai_method_find(method);
  assert_non_null(m);
  any_opts defaults;
  xai_method_defaults(m, &defaults);
  xai_view x = tiny_input();
  xai_explanation *e = NULL;
  must(m->run(net, &x, opts != NULL ? opts : &defaults, &e, err));
  return e;
}

static any_opts defaults_of(const char *method) {
  any_opts o;
  xai_method_defaults(xai_method_find(method), &o);
  return o;
}

static void values_are(xai_net *net, const char *method, const any_opts *opts, const float *want, int64_t n) {
  xai_explanation *e = explain(net, method, opts);
  assert_floats(xai_tensor_view(e->values), want, n, 1e-6);
  xai_explanation_free(e);
}

static void gradients_are_those_of_the_chain_rule(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  values_are(net, "saliency", NULL, (const float[]){.25f, 1, .25f, .75f}, 4);
  values_are(net, "input_x_gradient", NULL, (const float[]){.25f, 1, .5f, -.1875f}, 4);
  values_are(net, "guided_backprop", NULL, (const float[]){.25f, -1, .25f, -.75f}, 4);
  values_are(net, "deconvnet", NULL, (const float[]){-.75f, -.75f, -.75f, -.75f}, 4);
  xai_net_free(net);
}

/* class 1: signals into the relu are -0.25 (map 0: stopped) and +0.25 (map 1, open at pixels 1 and 3): * -2 */
static void guided_stops_negative_signals(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  any_opts o = defaults_of("guided_backprop");
  must(xai_target_add(net, "1", 1, &o.common.target, err));
  values_are(net, "guided_backprop", &o, (const float[]){0, -.5f, 0, -.5f}, 4);
  values_are(net, "deconvnet", &o, (const float[]){-.5f, -.5f, -.5f, -.5f}, 4);
  xai_net_free(net);
}

static void gradcam_weighs_maps_by_mean_gradients(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  any_opts o = defaults_of("gradcam");
  /* class 0: 0.25 * [1 0 2 .25] + 0.5 * [0 3 0 .5] */
  values_are(net, "gradcam", &o, (const float[]){.25f, 1.5f, .5f, .3125f}, 4);
  /* class 1: -0.25 * [1 0 2 .25] + 0.25 * [0 3 0 .5] = [-.25 .75 -.5 .0625] */
  must(xai_target_add_class(net, 1, 1, &o.common.target, err));
  values_are(net, "gradcam", &o, (const float[]){0, .75f, 0, .0625f}, 4);
  o.gradcam.relu = false;
  values_are(net, "gradcam", &o, (const float[]){-.25f, .75f, -.5f, .0625f}, 4);
  o.gradcam.relu = true;
  o.gradcam.counterfactual = true;
  values_are(net, "gradcam", &o, (const float[]){.25f, 0, .5f, 0}, 4);
  xai_net_free(net);
}

/* class 0: w = (1, 2), class 1: w = (-1, 1), on the maps [1 0 2 .25] and [0 3 0 .5]; Z = 4 times Grad-CAM before its ReLU */
static void cam_weighs_maps_by_the_linear_layer(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  values_are(net, "cam", NULL, (const float[]){1, 6, 2, 1.25f}, 4);
  any_opts o = defaults_of("cam");
  must(xai_target_add_class(net, 1, 1, &o.common.target, err));
  values_are(net, "cam", &o, (const float[]){-1, 3, -2, .25f}, 4);
  xai_explanation *e = explain(net, "cam", &o);
  assert_string_equal(e->layer, "/block/block.0/Relu");
  assert_floats(xai_tensor_view(e->extras[0].tensor), (const float[]){-1, 1}, 2, 0);
  assert_floats(xai_tensor_view(e->extras[1].tensor), (const float[]){1, 0, 2, .25f, 0, 3, 0, .5f}, 8, 0);
  xai_explanation_free(e);
  xai_net_free(net);
}

static void gradcam_names_its_layer_and_keeps_raw_and_weights(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_explanation *e = explain(net, "gradcam", NULL);
  assert_string_equal(e->layer, "/block/block.0/Relu");
  assert_string_equal(e->label, "class 0");
  assert_int_equal(e->class_id, 0);
  assert_true(fabs(e->probability - 1 / (1 + exp(-3))) < 1e-6);
  assert_int_equal(e->n_extras, 2);
  assert_string_equal(e->extras[1].name, "weights");
  assert_floats(xai_tensor_view(e->extras[1].tensor), (const float[]){.25f, .5f}, 2, 1e-6);
  xai_explanation_free(e);
  xai_net_free(net);
}

static void gradcam_refuses_a_layer_without_extent(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  any_opts o = defaults_of("gradcam");
  xai_view x = tiny_input();
  xai_explanation *e = NULL;
  xai_err err;
  must(xai_net_find_layer(net, "pool", &o.common.layer, err));
  assert_int_equal(xai_gradcam(net, &x, &o.gradcam, &e, &err), XAI_ESHAPE);
  assert_string_equal(err.text, "layer 'pool_1' has no height or width (1x2x1x1); layers before it that have: "
                                "'/block/block.0/Relu', '/block/block.0/conv/Conv'");
  assert_null(e);
  xai_net_free(net);
}

static void a_target_below_the_layer_is_refused(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  any_opts o = defaults_of("gradcam");
  xai_view x = tiny_input();
  xai_explanation *e = NULL;
  xai_err err;
  must(xai_target_add(net, "conv_1:1", 1, &o.common.target, err));
  o.common.layer = 1;
  assert_int_equal(xai_gradcam(net, &x, &o.gradcam, &e, &err), XAI_EARG);
  assert_string_equal(err.text, "layer '/block/block.0/Relu' does not feed the target /block/block.0/conv/Conv:1");
  xai_net_free(net);
}

/* Class 0 has the same gradient at every place of a map, g = (0.25, 0.5), and the maps sum to 3.25 and 3.5:
 * w = 4 g / (2 + g sum) = 1 / 2.8125 and 2 / 3.75. Class 1 has g = (-0.25, 0.25): w = 0 and 1 / 2.875. */
static void gradcampp_has_a_closed_form(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  any_opts o = defaults_of("gradcampp");
  const float w0 = 1 / 2.8125f, w1 = 2 / 3.75f;
  values_are(net, "gradcampp", &o, (const float[]){w0, 3 * w1, 2 * w0, .25f * w0 + .5f * w1}, 4);
  must(xai_target_add_class(net, 1, 1, &o.common.target, err));
  values_are(net, "gradcampp", &o, (const float[]){0, 3 / 2.875f, 0, .5f / 2.875f}, 4);
  xai_net_free(net);
}

/* Class 1: -0.25 * [1 0 2 .25] + 0.25 * [0 3 0 .5], of which LayerCAM takes the second summand alone; the gradient is the
 * same at every place, so that XGrad-CAM's mean of it is, too. */
static void weights_of_places_and_of_maps_agree_where_gradients_are_constant(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  any_opts o = defaults_of("layercam");
  must(xai_target_add_class(net, 1, 1, &o.common.target, err));
  values_are(net, "layercam", &o, (const float[]){0, .75f, 0, .125f}, 4);
  o = defaults_of("hirescam");
  must(xai_target_add_class(net, 1, 1, &o.common.target, err));
  values_are(net, "hirescam", &o, (const float[]){0, .75f, 0, .0625f}, 4);
  o = defaults_of("xgradcam");
  must(xai_target_add_class(net, 1, 1, &o.common.target, err));
  o.xgradcam.relu = false;
  values_are(net, "xgradcam", &o, (const float[]){-.25f, .75f, -.5f, .0625f}, 4);
  xai_net_free(net);
}

/* z0 = 3.0625 = 0.8125 + 1.75 + 0.5: without map 0 it is 2.25, without map 1 1.3125 */
static void ablationcam_weighs_maps_by_what_is_lost(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  const float w0 = .8125f / 3.0625f, w1 = 1.75f / 3.0625f;
  values_are(net, "ablationcam", NULL, (const float[]){w0, 3 * w1, 2 * w0, .25f * w0 + .5f * w1}, 4);
  xai_net_free(net);
}

/* Without noise every sample's gradient is the same one: (0.25, -1, 0.25, -0.75) */
static void smoothgrad_without_noise_is_the_gradient(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  any_opts o = defaults_of("smoothgrad");
  o.smoothgrad.sigma = 0;
  values_are(net, "smoothgrad", &o, (const float[]){.25f, -1, .25f, -.75f}, 4);
  o.smoothgrad.statistic = XAI_STATISTIC_SQUARES;
  values_are(net, "smoothgrad", &o, (const float[]){.0625f, 1, .0625f, .5625f}, 4);
  o.smoothgrad.statistic = XAI_STATISTIC_VARIANCE;
  values_are(net, "smoothgrad", &o, (const float[]){0, 0, 0, 0}, 4);
  xai_net_free(net);
}

/* Per pixel z0 is 0.25 max(x, 0) + 0.5 max(1 - 2x, 0) + ..., so its slope at x + e is 0.25 [e > -x] - [e < 0.5 - x]. With
 * the deviation 0.15 * 3 = 0.45 of the noise and Phi the normal distribution, a = Phi(x / 0.45), b = Phi((0.5 - x) / 0.45):
 * mean 0.25 a - b; mean square 0.0625 a + b - 0.5 (a + b - 1), because one of both holds always. In numbers:
 *   x       a        b        mean      variance
 *   1       0.98687  0.13326  0.11346   0.12200
 *   -1      0.01313  0.99957  -0.99629  0.00145
 *   2       1.00000  0.00043  0.24957   0.00043
 *   0.25    0.71074  0.71074  -0.53306  0.26027
 * 20000 samples: the mean is good to 0.51 / 141 = 0.0036, the variance to less. */
static void smoothgrad_averages_over_normal_noise(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  any_opts o = defaults_of("smoothgrad");
  o.smoothgrad.samples = 20000;
  o.smoothgrad.batch = 100;
  xai_explanation *e = explain(net, "smoothgrad", &o);
  assert_floats(xai_tensor_view(e->values), (const float[]){.11346f, -.99629f, .24957f, -.53306f}, 4, .012);
  xai_explanation_free(e);
  o.smoothgrad.statistic = XAI_STATISTIC_VARIANCE;
  e = explain(net, "smoothgrad", &o);
  assert_floats(xai_tensor_view(e->values), (const float[]){.12200f, .00145f, .00043f, .26027f}, 4, .012);
  xai_explanation_free(e);
  xai_net_free(net);
}

static void smoothgrad_is_the_same_for_every_batch_and_another_for_another_seed(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  any_opts o = defaults_of("smoothgrad");
  o.smoothgrad.samples = 71;
  o.smoothgrad.seed = 3;
  xai_explanation *first = explain(net, "smoothgrad", &o);
  for (o.smoothgrad.batch = 1; o.smoothgrad.batch <= 8; o.smoothgrad.batch++)
    values_are(net, "smoothgrad", &o, xai_tensor_floats(first->values), 4);
  o.smoothgrad.seed = 4;
  xai_explanation *other = explain(net, "smoothgrad", &o);
  assert_memory_not_equal(xai_tensor_floats(first->values), xai_tensor_floats(other->values), 4 * sizeof(float));
  xai_explanation_free(first);
  xai_explanation_free(other);
  xai_net_free(net);
}

/* Every pixel is a function of its own, f(x) = 0.25 max(x, 0) + 0.5 max(1 - 2x, 0), so its share is f(x) - f(0) =
 * (0.25, 1.5, 0.5, 0.3125) - 0.5. Its slope is 0.25 [x > 0] - [x < 0.5]. Of the middle rule's 4 places (1, 3, 5, 7) / 8
 * those below 0.5 / x count, which is the right share for every pixel here. Gauss' 2 places are 0.211 and 0.789: for
 * x = 2 the first is taken for half of the way, so the slope is 0.25 - 0.5 and the share -0.5: 0.5 too little. */
static void integrated_gradients_share_out_the_difference(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  any_opts o = defaults_of("integrated_gradients");
  o.integrated.steps = 4;
  o.integrated.rule = XAI_RULE_MIDDLE;
  values_are(net, "integrated_gradients", &o, (const float[]){-.25f, 1, 0, -.1875f}, 4);
  o.integrated.steps = 2;
  o.integrated.rule = XAI_RULE_GAUSS;
  xai_explanation *e = explain(net, "integrated_gradients", &o);
  assert_floats(xai_tensor_view(e->values), (const float[]){-.25f, 1, -.5f, -.1875f}, 4, 1e-6);
  assert_string_equal(e->numbers[0].name, "difference");
  assert_true(fabs(e->numbers[0].number - .5625) < 1e-6); /* z0(x) - z0(0) = 3.0625 - 2.5 */
  assert_string_equal(e->numbers[1].name, "delta");
  assert_true(fabs(e->numbers[1].number + .5) < 1e-6);
  assert_non_null(strstr(e->remark, "sum to 0.0625, the score rises by 0.5625"));
  xai_explanation_free(e);
  xai_net_free(net);
}

/* The convolution alone is linear: for the mean of its map 2, 1 - 2x, every rule with any number of places gives the gradient -2/4 times x - x'. */
static void integrated_gradients_of_a_linear_score_are_exact(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  any_opts o = defaults_of("integrated_gradients");
  const float baseline[4] = {2, 1, 0, -1}; /* x - x' = (-1, -2, 2, 1.25) */
  xai_view own = {XAI_F32, XAI_SHAPE(1, 1, 2, 2), (void *)(uintptr_t)baseline};
  must(xai_target_add(net, "conv_1:2", 1, &o.common.target, err));
  o.integrated.own = &own;
  for (int rule = XAI_RULE_GAUSS; rule <= XAI_RULE_TRAPEZOID; rule++)
    for (int64_t steps = 1; steps <= 65; steps *= 4) {
      o.integrated.rule = (xai_path_rule)rule;
      o.integrated.steps = steps;
      values_are(net, "integrated_gradients", &o, (const float[]){.5f, 1, -1, -.625f}, 4);
    }
  o.integrated.multiply = false;
  values_are(net, "integrated_gradients", &o, (const float[]){-.5f, -.5f, -.5f, -.5f}, 4);
  own.shape = XAI_SHAPE(1, 1, 1, 2);
  xai_view x = tiny_input();
  xai_explanation *e = NULL;
  xai_err err;
  assert_int_equal(xai_integrated_gradients(net, &x, &o.integrated, &e, &err), XAI_ESHAPE);
  assert_string_equal(err.text, "baseline: expected float32 1x1x2x2 as the picture, got float32 1x1x1x2");
  xai_net_free(net);
}

/* As above: every pixel's own function, f(x) - f(0), map by map. Rule zero is input times gradient, with biases 1 and 0.5 as
 * they are; of 3.0625 the values keep 1.5625. */
static void deeplift_and_lrp_share_out_what_they_should(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  values_are(net, "deeplift", NULL, (const float[]){-.25f, 1, 0, -.1875f}, 4);
  any_opts o = defaults_of("lrp");
  o.lrp.composite = XAI_LRP_ALL_ZERO;
  values_are(net, "lrp", &o, (const float[]){.25f, 1, .5f, -.1875f}, 4);
  xai_explanation *e = explain(net, "lrp", &o);
  const double want[4] = {3.0625, 1.5625, 1.5, 0}; /* start, sum, biases, epsilon */
  assert_int_equal(e->n_numbers, 4);
  for (int i = 0; i < 4; i++) assert_true(fabs(e->numbers[i].number - want[i]) < 1e-6);
  xai_explanation_free(e);
  xai_net_free(net);
}

/* The mean of the pixels is (1 - 1 + 2 + .25) / 4 = 0.5625. */
static void baselines_are_what_they_are_called(void **state) {
  (void)state;
  xai_net *bare = tiny_net(), *net = NULL;
  xai_preprocess bytes = {.name = "custom", .scale = 0.5f, .mean = {3, 3, 3}, .std = {2, 2, 2}};
  must(xai_net_set_preprocess(bare, &bytes, &net, err));
  any_opts o = defaults_of("integrated_gradients");
  const float want[] = {0, -1.5f, 62.25f, .5625f}; /* (0 - 3) / 2, (127.5 - 3) / 2 */
  for (int b = XAI_BASELINE_ZERO; b <= XAI_BASELINE_MEAN; b++) {
    o.integrated.baseline = (xai_baseline)b;
    xai_explanation *e = explain(net, "integrated_gradients", &o);
    const float four[] = {want[b], want[b], want[b], want[b]};
    assert_string_equal(e->extras[0].name, "baseline");
    assert_floats(xai_tensor_view(e->extras[0].tensor), four, 4, 1e-6);
    xai_explanation_free(e);
  }
  o.integrated.baseline = XAI_BASELINE_BLUR;
  o.integrated.blur = 0.01; /* one pixel wide: the picture itself, and nothing to share out */
  values_are(net, "integrated_gradients", &o, (const float[]){0, 0, 0, 0}, 4);
  xai_net_free(net);
  xai_net_free(bare);
}

/* Hiding pixel i with 0 turns its share c_i = .25 r0 + .5 r1 into 0.5 (r0 = 0, r1 = 1):
 * c = [.25 1.5 .5 .3125], so the drops are c - 0.5. The whole picture: z0(x) - z0(0) = 3.0625 - 2.5. */
static void occlusion_measures_the_drop(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  any_opts o = defaults_of("occlusion");
  o.occlusion.window = o.occlusion.stride = 1;
  values_are(net, "occlusion", &o, (const float[]){-.25f, 1, 0, -.1875f}, 4);
  for (o.occlusion.batch = 1; o.occlusion.batch <= 4; o.occlusion.batch++) /* batching changes nothing */
    values_are(net, "occlusion", &o, (const float[]){-.25f, 1, 0, -.1875f}, 4);
  o.occlusion.window = 2;
  values_are(net, "occlusion", &o, (const float[]){.5625f, .5625f, .5625f, .5625f}, 4);
  xai_net_free(net);
}

/* z0 - z1 under the four windows: 3.0625 - drop0 - (0.0625 - drop1), drop1 = c1 - .25 with c1 = [-.25 .75 -.5 .0625] */
static void occlusion_of_the_probability_uses_softmax(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  any_opts o = defaults_of("occlusion");
  o.occlusion.window = o.occlusion.stride = 1;
  o.occlusion.score = XAI_SCORE_PROB;
  const double drop0[4] = {-.25, 1, 0, -.1875}, drop1[4] = {-.5, .5, -.75, -.1875};
  float want[4];
  for (int i = 0; i < 4; i++) want[i] = (float)(1 / (1 + exp(-3)) - 1 / (1 + exp(-(3 - drop0[i] + drop1[i]))));
  values_are(net, "occlusion", &o, want, 4);
  xai_net_free(net);
}

static void impossible_windows_are_refused(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  any_opts o = defaults_of("occlusion");
  xai_view x = tiny_input();
  xai_explanation *e = NULL;
  xai_err err;
  o.occlusion.window = 3;
  assert_int_equal(xai_occlusion(net, &x, &o.occlusion, &e, &err), XAI_EARG);
  assert_string_equal(err.text, "window of 3 does not fit a picture of 2x2");
  o.occlusion.window = 1;
  o.occlusion.stride = 2;
  assert_int_equal(xai_occlusion(net, &x, &o.occlusion, &e, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "leaves gaps"));
  xai_net_free(net);
}

static void a_map_is_resized_to_the_input(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_explanation *e = explain(net, "input_x_gradient", NULL);
  xai_tensor *map = NULL;
  must(xai_explanation_map(e, &map, err)); /* one channel, same size: the values */
  assert_floats(xai_tensor_view(map), (const float[]){.25f, 1, .5f, -.1875f}, 4, 1e-6);
  xai_tensor_free(map);
  xai_explanation_free(e);
  xai_net_free(net);
}

static void ask_to_stop(void *payload, int64_t done, int64_t total) {
  (void)payload;
  if (2 * done >= total) xai_stop_request();
}

static void long_methods_stop_when_asked(void **state) {
  (void)state;
  const char *methods[] = {"smoothgrad", "integrated_gradients", "scorecam", "ablationcam", "rise"};
  xai_net *net = tiny_net();
  xai_view x = tiny_input();
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    any_opts o = defaults_of(methods[i]);
    if (i == 2) o.scorecam.batch = 1;
    if (i == 3) o.ablationcam.batch = 1;
    o.common.progress = ask_to_stop;
    xai_explanation *e = NULL;
    xai_err err;
    assert_int_equal(xai_method_find(methods[i])->run(net, &x, &o, &e, &err), XAI_ESTOP);
    xai_stop_clear();
    assert_null(e);
  }
  xai_net_free(net);
}

static void every_method_survives_every_failing_allocation(void **state) {
  (void)state;
  xai_view x = tiny_input();
  for (const xai_method *const *m = xai_methods(); *m != NULL; m++) {
    any_opts o = defaults_of((*m)->name);
    if ((*m)->run == xai_method_find("invert")->run) /* whose constants are not made for four pixels */
      o.invert.init = XAI_START_PICTURE, o.invert.tv = o.invert.bound = 0;
    xai_status st = XAI_ENOMEM;
    for (int k = 0; st != XAI_OK; k++) {
      size_t before = xai_mem_live();
      xai_net *fresh = tiny_net(); /* without stocked runs and packed weights, so that each attempt plans again */
      xai_explanation *e = NULL;
      xai_err err;
      assert_true(k < 2000);
      xai_mem_fail_after(k, false);
      st = (*m)->run(fresh, &x, &o, &e, &err);
      xai_mem_fail_after(-1, false);
      if (st != XAI_OK) {
        assert_int_equal(st, XAI_ENOMEM);
        assert_null(e);
      }
      xai_explanation_free(e);
      xai_net_free(fresh);
      assert_int_equal(xai_mem_live(), before);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients_are_those_of_the_chain_rule),
      cmocka_unit_test(guided_stops_negative_signals),
      cmocka_unit_test(gradcam_weighs_maps_by_mean_gradients),
      cmocka_unit_test(cam_weighs_maps_by_the_linear_layer),
      cmocka_unit_test(gradcam_names_its_layer_and_keeps_raw_and_weights),
      cmocka_unit_test(gradcam_refuses_a_layer_without_extent),
      cmocka_unit_test(a_target_below_the_layer_is_refused),
      cmocka_unit_test(gradcampp_has_a_closed_form),
      cmocka_unit_test(weights_of_places_and_of_maps_agree_where_gradients_are_constant),
      cmocka_unit_test(ablationcam_weighs_maps_by_what_is_lost),
      cmocka_unit_test(smoothgrad_without_noise_is_the_gradient),
      cmocka_unit_test(smoothgrad_averages_over_normal_noise),
      cmocka_unit_test(smoothgrad_is_the_same_for_every_batch_and_another_for_another_seed),
      cmocka_unit_test(integrated_gradients_share_out_the_difference),
      cmocka_unit_test(integrated_gradients_of_a_linear_score_are_exact),
      cmocka_unit_test(deeplift_and_lrp_share_out_what_they_should),
      cmocka_unit_test(baselines_are_what_they_are_called),
      cmocka_unit_test(occlusion_measures_the_drop),
      cmocka_unit_test(occlusion_of_the_probability_uses_softmax),
      cmocka_unit_test(impossible_windows_are_refused),
      cmocka_unit_test(a_map_is_resized_to_the_input),
      cmocka_unit_test(long_methods_stop_when_asked),
      cmocka_unit_test(every_method_survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
