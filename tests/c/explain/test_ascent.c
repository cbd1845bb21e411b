/* Gradient ascent on the network of graph/tiny.h. Around its x = (1, -1, 2, 0.25) the score z0 is linear,
 *   z0(x) = 3.0625,  d z0 / d x = g = (0.25, -1, 0.25, -0.75),  |g|^2 = 0.0625 + 1 + 0.0625 + 0.5625 = 1.6875,
 * as long as no rectifier turns: x0, x2, x3 stay above 0 and x3 below 0.5, x1 below 0. Its preprocessing leaves a grey
 * level as it is. */
#include <math.h>
#include <string.h>

#include "explain/method.h"
#include "graph/tiny.h"

static const float g[4] = {0.25f, -1, 0.25f, -0.75f};

/* A plain ascent from x: every regulariser off. */
static xai_ascent_opts plain(int64_t steps, double lr) {
  xai_ascent_opts o;
  xai_method_defaults(xai_method_find("class_image"), &o);
  o.steps = steps;
  o.lr = lr;
  o.rule = XAI_STEP_PLAIN;
  o.l2 = 0;
  o.init = XAI_START_PICTURE;
  return o;
}

static xai_explanation *climb(xai_net *net, const xai_ascent_opts *o) {
  xai_view x = tiny_input();
  xai_explanation *e = NULL;
  must(xai_class_image(net, &x, o, &e, err));
  return e;
}

static const float *curve(const xai_explanation *e, const char *name, int64_t n) {
  for (int i = 0; i < e->n_extras; i++)
    if (strcmp(e->extras[i].name, name) == 0) {
      assert_int_equal(xai_tensor_count(e->extras[i].tensor), n);
      return xai_tensor_floats(e->extras[i].tensor);
    }
  fail_msg("no %s", name);
  return NULL;
}

static void values_are(const xai_explanation *e, const float want[4]) {
  assert_floats(xai_tensor_view(e->values), want, 4, 1e-6);
}

/* z0 rises by 0.1 |g|^2 a step */
static void steps_go_up_the_gradient(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_ascent_opts o = plain(2, 0.1);
  xai_explanation *e = climb(net, &o);
  values_are(e, (const float[]){1.05f, -1.2f, 2.05f, 0.1f});
  const float *scores = curve(e, "scores", 2), *objective = curve(e, "objective", 2);
  assert_true(fabs(scores[0] - 3.0625) < 1e-6 && fabs(scores[1] - 3.23125) < 1e-6);
  assert_memory_equal(scores, objective, 2 * sizeof *scores);
  assert_string_equal(e->numbers[0].name, "score");
  assert_true(fabs(e->numbers[0].number - 3.4) < 1e-6);
  assert_true(e->is_input && !e->stopped && e->remark[0] == '\0');
  assert_int_equal(e->class_id, 0);
  xai_explanation_free(e);
  xai_net_free(net);
}

/* l2 = 0.5: the objective is 3.0625 - 0.5 * 6.0625, the gradient g - x; then half of all goes */
static void penalties_and_decay_pull_back(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_ascent_opts o = plain(1, 0.1);
  o.l2 = 0.5;
  xai_explanation *e = climb(net, &o);
  assert_true(fabs(curve(e, "objective", 1)[0] - (3.0625 - 3.03125)) < 1e-6);
  assert_true(fabs(curve(e, "scores", 1)[0] - 3.0625) < 1e-6);
  values_are(e, (const float[]){1 - 0.075f, -1, 2 - 0.175f, 0.25f - 0.1f});
  xai_explanation_free(e);
  o.l2 = 0;
  o.decay = 0.5;
  e = climb(net, &o);
  values_are(e, (const float[]){0.5125f, -0.55f, 1.0125f, 0.0875f});
  xai_explanation_free(e);
  /* tv: x = 1 -1 / 2 0.25 has differences across -2 -1.75, down 1 1.25: squares 4 + 1 + 1.25^2 + 1.75^2 = 9.625.
   * gradient: x0 -2(-2) - 2(1), x1 2(-2) - 2(1.25), x2 2(1) - 2(-1.75), x3 2(1.25) + 2(-1.75) */
  o.decay = 0;
  o.tv = 1;
  e = climb(net, &o);
  assert_true(fabs(curve(e, "objective", 1)[0] - (3.0625 - 9.625)) < 1e-6);
  values_are(e, (const float[]){1 + 0.1f * (g[0] - 2), -1 + 0.1f * (g[1] + 6.5f), 2 + 0.1f * (g[2] - 5.5f),
                                0.25f + 0.1f * (g[3] + 1)});
  xai_explanation_free(e);
  xai_net_free(net);
}

/* Steps g, then 1.5 g, of 0.1 */
static void momentum_adds_half_of_the_step_before(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_ascent_opts o = plain(2, 0.1);
  o.momentum = 0.5;
  xai_explanation *e = climb(net, &o);
  float want[4];
  for (int i = 0; i < 4; i++) want[i] = tiny_x[i] + 0.25f * g[i];
  values_are(e, want);
  xai_explanation_free(e);
  xai_net_free(net);
}

/* After the step x = (1.025, -1.1, 2.025, 0.175): norms in order 0.175 1.025 1.1 2.025. The 50th percentile lies between
 * the second and third, at 1.0625. Contributions |x g| = 0.25625 1.1 0.50625 0.13125: median 0.38125. */
static void pixels_below_a_percentile_become_zero(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_ascent_opts o = plain(1, 0.1);
  o.norm_percentile = 50;
  xai_explanation *e = climb(net, &o);
  values_are(e, (const float[]){0, -1.1f, 2.025f, 0});
  xai_explanation_free(e);
  o.norm_percentile = 0;
  o.contribution_percentile = 50;
  e = climb(net, &o);
  values_are(e, (const float[]){0, -1.1f, 2.025f, 0});
  xai_explanation_free(e);
  o.contribution_percentile = 70; /* the third of four, and a tenth of the way to the last */
  e = climb(net, &o);
  values_are(e, (const float[]){0, -1.1f, 0, 0});
  xai_explanation_free(e);
  xai_net_free(net);
}

/* Moved pictures have the same score here, and the gradient comes back to where it belongs: as without jitter. */
static void jitter_moves_picture_and_gradient_alike(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_ascent_opts o = plain(2, 0.1);
  o.jitter = 3;
  o.seed = 1;
  xai_explanation *e = climb(net, &o);
  values_are(e, (const float[]){1.05f, -1.2f, 2.05f, 0.1f});
  xai_explanation_free(e);
  xai_net_free(net);
}

/* Unit relu:1 at its centre, row and column 1 of 2 (x3): 1 - 2 x3, slope -2. The strongest place for x is x1, with 3. */
static void a_unit_stands_at_the_centre_or_where_it_is_strongest(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_view x = tiny_input();
  xai_explanation *e = NULL;
  xai_ascent_opts o = plain(1, 0.1);
  must(xai_target_add_unit(net, "conv_2:2", &o.common.target, err));
  must(xai_neuron_image(net, &x, &o, &e, err));
  assert_string_equal(e->target, "/block/block.0/Relu:2:2:2");
  assert_int_equal(e->class_id, -1);
  values_are(e, (const float[]){1, -1, 2, 0.05f});
  xai_explanation_free(e);
  o.centre = false;
  must(xai_neuron_image(net, &x, &o, &e, err));
  assert_string_equal(e->target, "/block/block.0/Relu:2:1:2");
  values_are(e, (const float[]){1, -1.2f, 2, 0.25f});
  xai_explanation_free(e);
  /* without a place in a target: the mean over the map, slope -2/4 where 1 - 2 x > 0 */
  o.common.target.n_terms = 0;
  must(xai_target_add(net, "conv_2:2", 1, &o.common.target, err));
  must(xai_neuron_image(net, &x, &o, &e, err));
  values_are(e, (const float[]){1, -1.05f, 2, 0.2f});
  xai_explanation_free(e);
  xai_net_free(net);
}

static void presets_are_those_of_the_papers(void **state) {
  (void)state;
  xai_ascent_opts o = plain(1, 1);
  xai_ascent_set_preset(&o, XAI_ASCENT_YOSINSKI_1);
  assert_true(o.steps == 500 && o.lr == 100 && o.rule == XAI_STEP_PROGRESS && o.progress == 2 && o.decay == 0 &&
              o.blur == 0.5 && o.blur_every == 4 && o.norm_percentile == 50 && o.contribution_percentile == 0);
  xai_ascent_set_preset(&o, XAI_ASCENT_YOSINSKI_2);
  assert_true(o.steps == 750 && o.lr == 100 && o.rule == XAI_STEP_PLAIN && o.decay == 0.3 && o.blur == 0 &&
              o.norm_percentile == 20);
  xai_ascent_set_preset(&o, XAI_ASCENT_YOSINSKI_3);
  assert_true(o.steps == 1000 && o.lr == 100 && o.decay == 1e-4 && o.blur == 1 && o.blur_every == 4 &&
              o.norm_percentile == 0);
  xai_ascent_set_preset(&o, XAI_ASCENT_YOSINSKI_4);
  assert_true(o.steps == 1000 && o.lr == 1e8 && o.rule == XAI_STEP_PROGRESS && o.contribution_percentile == 90 &&
              o.blur == 0.5);
  assert_true(o.init == XAI_START_NOISE && o.noise == 10 && o.clip);
  xai_ascent_set_preset(&o, XAI_ASCENT_LUCID);
  assert_true(o.steps == 512 && o.lr == 0.05 && o.rule == XAI_STEP_ADAM && o.keep == 0.999 && o.medium == XAI_MEDIUM_FOURIER &&
              o.fall == 1 && o.colours && o.sigmoid && o.noise == 0.01 && o.pad == 12 && o.jitter == 6 && o.scale == 0.1 &&
              o.rotate == 10 && o.redirect == 16 && o.views == 1 && !o.clip && o.size == 0);
  xai_ascent_set_preset(&o, XAI_ASCENT_MACO);
  assert_true(o.steps == 256 && o.lr == 1 && o.rule == XAI_STEP_NADAM && o.medium == XAI_MEDIUM_PHASES && o.views == 32 &&
              o.crop == 0.5 && o.crop_end == 0.05 && o.size == 512 && o.noise == 1);
  xai_ascent_set_preset(&o, XAI_ASCENT_TF_KERAS_VIS);
  assert_true(o.steps == 200 && o.rule == XAI_STEP_RMSPROP && o.tv == 1 && o.bound == 0.3 && o.alpha == 1 && o.mean && o.clip);
  xai_ascent_set_preset(&o, XAI_ASCENT_SIMONYAN);
  assert_true(o.init == XAI_START_ZEROS && !o.clip && o.l2 > 0 && o.decay == 0 && o.blur == 0 && o.jitter == 0);
}

/* Channel 1 of the rectifier is silent for a picture below 0: x0 = -1 everywhere. */
static void a_silent_unit_is_told(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  static const float below[4] = {-1, -1, -1, -1};
  xai_view x = {XAI_F32, XAI_SHAPE(1, 1, 2, 2), (void *)(uintptr_t)below};
  xai_explanation *e = NULL;
  xai_ascent_opts o = plain(1, 0.1);
  must(xai_target_add(net, "conv_2:1", 1, &o.common.target, err));
  must(xai_neuron_image(net, &x, &o, &e, err));
  values_are(e, below);
  assert_non_null(strstr(e->remark, "nothing in the first picture moved the score"));
  xai_explanation_free(e);
  xai_net_free(net);
}

/* Once redirected, its gradient by the input is 1, a quarter for the mean over the map; then it is silent again at -0.9. */
static void a_redirected_gradient_gets_it_going(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  static const float below[4] = {-1, -1, -1, -1};
  xai_view x = {XAI_F32, XAI_SHAPE(1, 1, 2, 2), (void *)(uintptr_t)below};
  xai_explanation *e = NULL;
  xai_ascent_opts o = plain(2, 0.4);
  o.redirect = 1;
  must(xai_target_add(net, "conv_2:1", 1, &o.common.target, err));
  must(xai_neuron_image(net, &x, &o, &e, err));
  values_are(e, (const float[]){-0.9f, -0.9f, -0.9f, -0.9f});
  assert_string_equal(e->remark, "");
  xai_explanation_free(e);
  xai_net_free(net);
}

/* Moved pictures have the same score and the same gradient: the mean of three views is one of them. */
static void views_are_averaged(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_ascent_opts o = plain(2, 0.1);
  o.jitter = 3;
  o.views = 3;
  xai_explanation *e = climb(net, &o);
  values_are(e, (const float[]){1.05f, -1.2f, 2.05f, 0.1f});
  assert_true(fabs(curve(e, "scores", 2)[1] - 3.23125) < 1e-6);
  xai_explanation_free(e);
  xai_net_free(net);
}

/* The penalties above over the four numbers of the picture. */
static void penalties_may_be_means(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_ascent_opts o = plain(1, 0.1);
  o.l2 = 2;
  o.mean = true;
  xai_explanation *e = climb(net, &o);
  assert_true(fabs(curve(e, "objective", 1)[0] - (3.0625 - 3.03125)) < 1e-6);
  values_are(e, (const float[]){1 - 0.075f, -1, 2 - 0.175f, 0.25f - 0.1f});
  xai_explanation_free(e);
  xai_net_free(net);
}

/* Pictures of waves, of phases and of a sigmoid's pixels: they climb, are the same for the same seed and others for another. */
static void pictures_of_other_numbers_climb(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  static const float zeros[64];
  xai_view x = {XAI_F32, XAI_SHAPE(1, 1, 8, 8), (void *)(uintptr_t)zeros};
  for (xai_ascent_preset preset = XAI_ASCENT_LUCID; preset <= XAI_ASCENT_OMNIXAI; preset++) {
    xai_explanation *e[3] = {NULL};
    for (int i = 0; i < 3; i++) {
      xai_ascent_opts o;
      xai_method_defaults(xai_method_find("feature_image"), &o);
      xai_ascent_set_preset(&o, preset);
      o.seed = i / 2;
      o.steps = 40;
      o.size = 0;
      if (o.views > 1) o.views = 2;
      if (o.pad > 0) o.pad = o.jitter = 2;
      must(xai_target_add(net, "0", 1, &o.common.target, err));
      must(xai_feature_image(net, &x, &o, &e[i], err));
      const float *objective = curve(e[i], "objective", 40);
      assert_true(objective[39] > objective[0]);
    }
    assert_memory_equal(xai_tensor_floats(e[0]->values), xai_tensor_floats(e[1]->values), sizeof zeros);
    assert_memory_not_equal(xai_tensor_floats(e[0]->values), xai_tensor_floats(e[2]->values), sizeof zeros);
    for (int i = 0; i < 3; i++) xai_explanation_free(e[i]);
  }
  xai_net_free(net);
}

static void a_larger_picture_is_made_for_the_same_network(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_view x = tiny_input();
  xai_explanation *e = NULL;
  xai_ascent_opts o;
  xai_method_defaults(xai_method_find("feature_image"), &o);
  o.size = 6;
  o.steps = 3;
  o.pad = o.jitter = 1;
  must(xai_feature_image(net, &x, &o, &e, err));
  const xai_view *v = xai_tensor_view(e->values);
  assert_true(v->shape.rank == 3 && v->shape.dims[1] == 6 && v->shape.dims[2] == 6 && e->height == 6 && e->width == 6);
  for (int i = 0; i < 36; i++) assert_true(((const float *)v->data)[i] > 0 && ((const float *)v->data)[i] < 255);
  xai_explanation_free(e);
  xai_net_free(net);
}

/* ---- stopping -------------------------------------------------------------------------------------------------- */
static int64_t told;
static void stop_at_three(void *payload, int64_t done, int64_t total) {
  assert_int_equal(total, 50);
  assert_int_equal(done, told++);
  if (done == *(const int64_t *)payload) xai_stop_request();
}

/* z0 is linear for fifty steps of 0.001: after three the picture is x + 0.003 g. */
static void a_stop_keeps_the_picture_so_far(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_ascent_opts o = plain(50, 0.001);
  int64_t when = 3;
  o.common.progress = stop_at_three;
  o.common.progress_payload = &when;
  told = 0;
  xai_explanation *e = climb(net, &o);
  xai_stop_clear();
  assert_true(e->stopped);
  assert_string_equal(e->remark, "stopped after 3 of 50 steps: the picture so far");
  (void)curve(e, "objective", 3);
  float want[4];
  for (int i = 0; i < 4; i++) want[i] = tiny_x[i] + 0.003f * g[i];
  values_are(e, want);
  xai_explanation_free(e);
  xai_net_free(net);
}

static void a_stop_before_the_first_step_is_one(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_view x = tiny_input();
  xai_explanation *e = NULL;
  xai_ascent_opts o = plain(5, 0.1);
  xai_err err;
  xai_stop_request();
  assert_int_equal(xai_class_image(net, &x, &o, &e, &err), XAI_ESTOP);
  xai_stop_clear();
  assert_null(e);
  xai_net_free(net);
}

static void an_exploding_picture_is_told(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_view x = tiny_input();
  xai_explanation *e = NULL;
  xai_ascent_opts o = plain(5, 1e30);
  o.l2 = 1;
  xai_err err;
  assert_int_equal(xai_class_image(net, &x, &o, &e, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "the objective is not a number any more; take a smaller lr"));
  xai_net_free(net);
}

/* The code of the convolution (x, 1 - 2 x) is linear: E = 5 |z - x|^2 / |F0|^2, |F0|^2 = 6.0625 + 19.25, and a rate r moves z by
 * 2 r sigma^2 5 / |F0|^2 = 7496 r of what is missing. With momentum 0.9 that has to be below 3.8: 0.004 and a quarter of it are
 * too much, a sixteenth is not. */
static void an_inversion_that_explodes_begins_anew(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_view x = tiny_input();
  xai_explanation *e = NULL;
  xai_invert_opts o;
  xai_method_defaults(xai_method_find("invert"), &o);
  o.common.layer = 0;
  o.tv = o.bound = 0;
  must(xai_invert(net, &x, &o, &e, err));
  assert_string_equal(e->remark, "the schedule's rates threw the picture out of all bounds: begun anew with 1/16 of them");
  (void)curve(e, "objective", 400);
  for (int i = 0; i < 4; i++) assert_true(fabs(xai_tensor_floats(e->values)[i] - tiny_x[i]) < 1e-3);
  xai_explanation_free(e);
  o.lr = 0.004;
  xai_err err;
  assert_int_equal(xai_invert(net, &x, &o, &e, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "the objective is not a number any more; take a smaller lr"));
  xai_net_free(net);
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */
static void any_allocation_may_fail(void **state) {
  (void)state;
  xai_ascent_opts up = plain(2, 0.1);
  up.blur = 1;
  up.blur_every = 1;
  up.momentum = 0.5;
  up.contribution_percentile = 10;
  xai_invert_opts down;
  xai_method_defaults(xai_method_find("invert"), &down);
  down.steps = 2;
  xai_ascent_opts waves;
  xai_method_defaults(xai_method_find("feature_image"), &waves);
  waves.steps = waves.views = 2;
  waves.grain = 1;
  waves.pad = waves.jitter = 1;
  for (int which = 0; which < 3; which++)
    for (int64_t k = 0;; k++) {
      size_t before = xai_mem_live();
      xai_net *net = tiny_net();
      xai_view x = tiny_input();
      xai_explanation *e = NULL;
      xai_err err;
      xai_mem_fail_after(k, true);
      xai_status st = which == 0   ? xai_class_image(net, &x, &up, &e, &err)
                      : which == 1 ? xai_invert(net, &x, &down, &e, &err)
                                   : xai_feature_image(net, &x, &waves, &e, &err);
      xai_mem_fail_after(-1, false);
      if (st != XAI_OK) assert_int_equal(st, XAI_ENOMEM);
      if (st != XAI_OK) assert_null(e);
      xai_explanation_free(e);
      xai_net_free(net);
      assert_int_equal(xai_mem_live(), before);
      if (st == XAI_OK) break;
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(steps_go_up_the_gradient),
      cmocka_unit_test(penalties_and_decay_pull_back),
      cmocka_unit_test(momentum_adds_half_of_the_step_before),
      cmocka_unit_test(pixels_below_a_percentile_become_zero),
      cmocka_unit_test(jitter_moves_picture_and_gradient_alike),
      cmocka_unit_test(a_unit_stands_at_the_centre_or_where_it_is_strongest),
      cmocka_unit_test(a_silent_unit_is_told),
      cmocka_unit_test(a_redirected_gradient_gets_it_going),
      cmocka_unit_test(views_are_averaged),
      cmocka_unit_test(penalties_may_be_means),
      cmocka_unit_test(pictures_of_other_numbers_climb),
      cmocka_unit_test(a_larger_picture_is_made_for_the_same_network),
      cmocka_unit_test(presets_are_those_of_the_papers),
      cmocka_unit_test(a_stop_keeps_the_picture_so_far),
      cmocka_unit_test(a_stop_before_the_first_step_is_one),
      cmocka_unit_test(an_exploding_picture_is_told),
      cmocka_unit_test(an_inversion_that_explodes_begins_anew),
      cmocka_unit_test(any_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
