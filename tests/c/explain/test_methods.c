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

static void every_method_survives_every_failing_allocation(void **state) {
  (void)state;
  xai_view x = tiny_input();
  for (const xai_method *const *m = xai_methods(); *m != NULL; m++) {
    any_opts o = defaults_of((*m)->name);
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
      cmocka_unit_test(occlusion_measures_the_drop),
      cmocka_unit_test(occlusion_of_the_probability_uses_softmax),
      cmocka_unit_test(impossible_windows_are_refused),
      cmocka_unit_test(a_map_is_resized_to_the_input),
      cmocka_unit_test(every_method_survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
