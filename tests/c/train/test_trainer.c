/* The trainer: one step by hand, gradients of the whole training form, and its laws. */
#include "scratch.h"

#include <math.h>

#include "graph/plan.h"
#include "kernels/kernels.h"
#include "student.h"

/* ---- one step by hand ------------------------------------------------------------------------------------ */
/* x 1x2 -> fc: both rows of W are 1 and b is (1, 1), so p = (1/2, 1/2). x = (1, 2), class 0:
 *   dz = (-1/2, 1/2), dW = (-1/2 -1; 1/2 1), db = (-1/2, 1/2), loss = ln 2, |g|^2 = 1/4 + 1 + 1/4 + 1 + 1/4 + 1/4 = 3 */
static xai_net *two_rows(void) {
  xai_builder *b = NULL;
  xai_net *net = NULL;
  xai_attrs gemm;
  xai_attrs_default(XAI_OP_GEMM, &gemm);
  gemm.gemm.trans_b = 1;
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "x", XAI_F32, XAI_SHAPE(-1, 2), err));
  tiny_constant(b, "w", XAI_SHAPE(2, 2), (const float[]){1, 1, 1, 1});
  tiny_constant(b, "b", XAI_SHAPE(2), (const float[]){1, 1});
  student_node(b, "fc", XAI_OP_GEMM, &gemm, 3, (const char *[]){"x", "w", "b"});
  must(xai_builder_output(b, "fc", err));
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  return net;
}

/* One step with these options; w and b afterwards. */
static void after_a_step(const xai_train_opts *opts, const float w[4], const float b[2]) {
  const float x[] = {1, 2};
  const int64_t id[] = {0};
  xai_view in = {XAI_F32, XAI_SHAPE(1, 2), (void *)(uintptr_t)x}, target = {XAI_I64, XAI_SHAPE(1), (void *)(uintptr_t)id};
  xai_net *net = two_rows(), *result = NULL;
  xai_trainer *t = trainer_of(net, opts);
  xai_step step;
  must(xai_trainer_step(t, &in, &target, opts->lr, &step, err));
  must(xai_trainer_net(t, &result, err));
  assert_true(fabs(step.loss - log(2)) < 1e-7);
  assert_true(fabs(step.norm - sqrt(3)) < 1e-6);
  assert_floats(xai_tensor_view(xai_net_weight(result, 0, 1)), w, 4, 1e-6);
  assert_floats(xai_tensor_view(xai_net_weight(result, 0, 2)), b, 2, 1e-6);
  assert_floats(xai_tensor_view(xai_net_weight(net, 0, 1)), (const float[]){1, 1, 1, 1}, 4, 0);
  xai_net_free(result);
  xai_net_free(net);
  xai_trainer_free(t);
}

static void one_step_of_each_optimiser_matches_hand_calculation(void **state) {
  (void)state;
  xai_train_opts o;
  xai_train_defaults(&o);
  o.lr = 0.1;
  after_a_step(&o, (const float[]){1.05f, 1.1f, 0.95f, 0.9f}, (const float[]){1.05f, 0.95f});
  o.nesterov = true; /* g + 0.9 g */
  after_a_step(&o, (const float[]){1.095f, 1.19f, 0.905f, 0.81f}, (const float[]){1.095f, 0.905f});
  o.nesterov = false;
  o.weight_decay = 0.1; /* the weights' gradient has 0.1 more, the bias' has not */
  after_a_step(&o, (const float[]){1.04f, 1.09f, 0.94f, 0.89f}, (const float[]){1.05f, 0.95f});
  o.decay_all = true;
  after_a_step(&o, (const float[]){1.04f, 1.09f, 0.94f, 0.89f}, (const float[]){1.04f, 0.94f});
  o.weight_decay = 0;
  o.clip = sqrt(3) / 2; /* half as long */
  after_a_step(&o, (const float[]){1.025f, 1.05f, 0.975f, 0.95f}, (const float[]){1.025f, 0.975f});
  o.clip = 0;
  o.optimiser = XAI_OPTIMISER_ADAM; /* the first step is the rate, whatever the gradient's size */
  after_a_step(&o, (const float[]){1.1f, 1.1f, 0.9f, 0.9f}, (const float[]){1.1f, 0.9f});
  o.optimiser = XAI_OPTIMISER_ADAMW;
  o.weight_decay = 0.5, o.decay_all = false; /* weights shrink to 0.95 first */
  after_a_step(&o, (const float[]){1.05f, 1.05f, 0.85f, 0.85f}, (const float[]){1.1f, 0.9f});
}

/* ---- the training form -------------------------------------------------------------------------------------- */
/* Sum of r * logits of the training form, in the stream 5. */
static double form_loss(xai_net *form, const xai_view *x) {
  int logits = XAI_LAYER_LOGITS;
  xai_request request = {.keep = &logits, .n_keep = 1};
  xai_run *run = NULL;
  must(xai_run_open(form, &x->shape, &request, &run, err));
  xai_run__set_stream(run, 5);
  must(xai_run_forward(run, x, err));
  const xai_view *z = xai_run_value(run, XAI_LAYER_LOGITS);
  double sum = 0;
  for (int64_t i = 0; i < xai_shape_size(&z->shape); i++) sum += sin((double)i) * xai_view_get(z, i);
  xai_run_close(run);
  return sum;
}

static void gradients_of_all_parameters_agree_with_central_differences(void **state) {
  (void)state;
  const xai_param params[] = {{CONV, 1}, {BN, 1}, {BN, 2}, {FC, 1}, {FC, 2}};
  enum { PARAMS = sizeof params / sizeof *params };
  const bool frozen[PROB + 1] = {false};
  xai_net *net = student(), *form = NULL;
  lesson l = lesson_of(0);
  xai_view x = lesson_x(&l);
  must(xai_net__training(net, frozen, &form, err));
  int logits = XAI_LAYER_LOGITS;
  xai_request request = {.seeds = &logits, .n_seeds = 1, .params = params, .n_params = PARAMS};
  xai_run *run = NULL;
  xai_tensor *own[PARAMS] = {NULL};
  for (int k = 0; k < PARAMS; k++) { /* arrays that may be written */
    must(xai_tensor_copy(xai_tensor_view(xai_net_weight(form, params[k].layer, params[k].input)), &own[k], err));
    must(xai_net__replace(form, form->graph->nodes[params[k].layer].in[params[k].input], own[k], err));
  }
  must(xai_run_open(form, &x.shape, &request, &run, err));
  xai_run__set_stream(run, 5);
  must(xai_run_forward(run, &x, err));
  float *seed = xai_run_seed(run, XAI_LAYER_LOGITS)->data;
  for (int i = 0; i < STUDENT_BATCH * 3; i++) seed[i] = (float)sin((double)i);
  must(xai_run_backward(run, err));
  assert_null(xai_run_grad(run, XAI_LAYER_INPUT));
  for (int k = 0; k < PARAMS; k++) {
    const xai_view *g = xai_run_weight_grad(run, params[k].layer, params[k].input);
    for (size_t i = 0; i < xai_tensor_count(own[k]); i++) {
      float *w = &xai_tensor_floats(own[k])[i], was = *w, h = 1e-3f;
      *w = was + h;
      double up = form_loss(form, &x), high = *w;
      *w = was - h;
      double down = form_loss(form, &x), low = *w, want = (up - down) / (high - low), got = xai_view_get(g, (int64_t)i);
      *w = was;
      if (!(fabs(got - want) < 0.02 * (1 + fabs(want)))) /* a rectifier or a maximum may bend in between */
        fail_msg("layer %d input %d element %d: %g, differences give %g", params[k].layer, params[k].input, (int)i, got, want);
    }
    xai_tensor_free(own[k]);
  }
  xai_run_close(run);
  xai_net_free(form);
  xai_net_free(net);
}

/* momentum 0.9: next = 0.9 stored + 0.1 batch, so 10 (next - 0.9 stored) is the mean of what the layer saw. */
static void running_statistics_move_towards_those_of_the_batch(void **state) {
  (void)state;
  xai_net *net = student(), *result = NULL;
  xai_train_opts o;
  xai_train_defaults(&o);
  xai_trainer *t = trainer_of(net, &o);
  lesson l = lesson_of(0);
  xai_view x = lesson_x(&l);
  xai_tensor *conv = NULL;
  must(xai_net_forward(net, &x, CONV, &conv, err));
  teach(t, 1, 0);
  must(xai_trainer_net(t, &result, err));
  for (int c = 0; c < 4; c++) {
    double mean = 0, square = 0, n = STUDENT_BATCH * 16;
    for (int i = 0; i < STUDENT_BATCH * 16; i++) {
      double v = xai_view_get(xai_tensor_view(conv), (i / 16 * 4 + c) * 16 + i % 16);
      mean += v / n;
      square += v * v / n;
    }
    double was[2], now[2];
    for (int k = 0; k < 2; k++) {
      was[k] = xai_tensor_floats(xai_net_weight(net, BN, 3 + k))[c];
      now[k] = xai_tensor_floats(xai_net_weight(result, BN, 3 + k))[c];
    }
    assert_true(fabs(now[0] - (0.9 * was[0] + 0.1 * mean)) < 1e-5);
    assert_true(fabs(now[1] - (0.9 * was[1] + 0.1 * (square - mean * mean))) < 1e-5);
  }
  assert_true(same_weight(net, result, CONV, 1)); /* the rate was 0 */
  xai_tensor_free(conv);
  xai_net_free(result);
  xai_net_free(net);
  xai_trainer_free(t);
}

static void each_step_drops_other_elements_and_the_same_step_the_same(void **state) {
  (void)state;
  const bool frozen[PROB + 1] = {false}, all[PROB + 1] = {true, true, true, true, true, true, true, true};
  xai_net *net = student(), *form = NULL, *still = NULL;
  lesson l = lesson_of(0);
  xai_view x = lesson_x(&l);
  must(xai_net__training(net, frozen, &form, err));
  must(xai_net__training(net, all, &still, err));
  xai_request request = {.keep_all = true};
  xai_run *run = NULL;
  must(xai_run_open(form, &x.shape, &request, &run, err));
  int64_t n = STUDENT_BATCH * 4 * 16, dropped = 0, differ = 0;
  float first[STUDENT_BATCH * 4 * 16], second[STUDENT_BATCH * 4 * 16];
  for (int k = 0; k < 3; k++) {
    xai_run__set_stream(run, k == 1 ? 8 : 7);
    must(xai_run_forward(run, &x, err));
    const float *r = xai_run_value(run, RELU)->data, *d = xai_run_value(run, DROP)->data;
    for (int64_t i = 0; i < n; i++) assert_true(d[i] == 0 || fabs(d[i] - r[i] / 0.75) < 1e-5);
    for (int64_t i = 0; k == 0 && i < n; i++) dropped += r[i] != 0 && d[i] == 0;
    if (k == 0) memcpy(first, d, sizeof first);
    if (k == 1) memcpy(second, d, sizeof second);
    if (k == 2) assert_memory_equal(first, d, sizeof first);
  }
  for (int64_t i = 0; i < n; i++) differ += first[i] != second[i];
  assert_in_range(dropped, n / 16, n / 4); /* of the half that is not zero, a quarter */
  assert_true(differ > n / 16);
  xai_run_close(run);
  xai_engine_reference(true); /* all frozen: the network as it is used */
  assert_true(form_loss(still, &x) == form_loss(net, &x));
  xai_engine_reference(false);
  xai_net_free(form);
  xai_net_free(still);
  xai_net_free(net);
}

/* ---- laws --------------------------------------------------------------------------------------------------------- */
static xai_train_opts usual(void) {
  xai_train_opts o;
  xai_train_defaults(&o);
  o.nesterov = true;
  o.weight_decay = 1e-3;
  o.smoothing = 0.05;
  o.init = XAI_INIT_HE;
  o.seed = 4;
  return o;
}

static void a_student_learns(void **state) {
  (void)state;
  xai_net *net = student();
  xai_train_opts o = usual();
  o.smoothing = 0;
  xai_trainer *t = trainer_of(net, &o);
  double before = teach(t, 1, 0.05), after = teach(t, 150, 0.05);
  assert_true(after < before / 4);
  int64_t correct = 0;
  for (int k = 1000; k < 1010; k++) { /* never seen */
    lesson l = lesson_of(k);
    xai_view x = lesson_x(&l), y = lesson_y(&l);
    xai_step step;
    must(xai_trainer_test(t, &x, &y, &step, err));
    correct += step.correct;
  }
  assert_true(correct >= 77); /* of 80 */
  xai_trainer_free(t);
  xai_net_free(net);
}

static void the_same_bits_for_any_number_of_threads(void **state) {
  (void)state;
  int before = xk_threads();
  xai_net *net = student();
  xai_train_opts o = usual();
  xai_trainer *one = trainer_of(net, &o);
  xk_threads_set(1);
  teach(one, 5, 0.05);
  for (int threads = 2; threads <= 4; threads += 2) {
    xk_threads_set(threads);
    xai_trainer *more = trainer_of(net, &o);
    teach(more, 5, 0.05);
    assert_true(same_student(one, more));
    xai_trainer_free(more);
  }
  xk_threads_set(before);
  xai_trainer_free(one);
  xai_net_free(net);
}

static void another_seed_gives_another_training(void **state) {
  (void)state;
  xai_net *net = student();
  xai_train_opts o = usual();
  o.init = XAI_INIT_KEEP;
  xai_trainer *a = trainer_of(net, &o);
  o.seed = 5; /* dropout */
  xai_trainer *b = trainer_of(net, &o);
  assert_true(same_student(a, b));
  teach(a, 1, 0.05);
  teach(b, 1, 0.05);
  assert_false(same_student(a, b));
  xai_trainer_free(a);
  xai_trainer_free(b);
  xai_net_free(net);
}

static void frozen_layers_stay_as_they_are(void **state) {
  (void)state;
  const int freeze[] = {CONV, BN};
  xai_net *net = student(), *result = NULL;
  xai_train_opts o = usual();
  o.init = XAI_INIT_KEEP;
  o.freeze = freeze;
  o.n_freeze = 2;
  xai_trainer *t = trainer_of(net, &o);
  assert_int_equal(xai_trainer_param_count(t), 3 * 16 + 3);
  teach(t, 3, 0.05);
  must(xai_trainer_net(t, &result, err));
  for (size_t i = 0; i < sizeof student_arrays / sizeof *student_arrays; i++)
    assert_int_equal(same_weight(net, result, student_arrays[i].layer, student_arrays[i].input), student_arrays[i].layer != FC);
  xai_net_free(result);
  xai_trainer_free(t);
  xai_net_free(net);
}

/* Square sums: 36 weights with 9 going into each sum, 48 with 16; biases 0, scale 1, mean 0, variance 1. */
static void weights_begin_with_the_variance_asked_for(void **state) {
  (void)state;
  const xai_layer_scale tenth = {CONV, 0.1};
  const struct {
    xai_init init;
    double conv, fc; /* variances: 2 / 9 and 2 / 16, 2 / (9 + 36) and 2 / (16 + 3) */
  } cases[] = {{XAI_INIT_HE, 2.0 / 9, 2.0 / 16}, {XAI_INIT_HE_UNIFORM, 2.0 / 9, 2.0 / 16},
               {XAI_INIT_XAVIER, 2.0 / 45, 2.0 / 19}, {XAI_INIT_XAVIER_UNIFORM, 2.0 / 45, 2.0 / 19}};
  xai_net *net = student();
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    double conv = 0, fc = 0, scaled = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
      xai_net *plain = NULL, *small = NULL;
      xai_train_opts o = usual();
      o.init = cases[k].init;
      o.seed = seed;
      xai_trainer *t = trainer_of(net, &o);
      o.init_scale = &tenth;
      o.n_init_scale = 1;
      xai_trainer *s = trainer_of(net, &o);
      must(xai_trainer_net(t, &plain, err));
      must(xai_trainer_net(s, &small, err));
      conv += xk_sum_square(36, xai_tensor_floats(xai_net_weight(plain, CONV, 1))) / 36 / 200;
      scaled += xk_sum_square(36, xai_tensor_floats(xai_net_weight(small, CONV, 1))) / 36 / 200;
      fc += xk_sum_square(48, xai_tensor_floats(xai_net_weight(plain, FC, 1))) / 48 / 200;
      assert_true(same_weight(plain, small, FC, 1));
      assert_floats(xai_tensor_view(xai_net_weight(plain, FC, 2)), (const float[]){0, 0, 0}, 3, 0);
      for (int input = 1; input <= 4; input++) {
        float want = input == 1 || input == 4;
        assert_floats(xai_tensor_view(xai_net_weight(plain, BN, input)), (const float[]){want, want, want, want}, 4, 0);
      }
      xai_net_free(plain);
      xai_net_free(small);
      xai_trainer_free(t);
      xai_trainer_free(s);
    }
    assert_true(fabs(conv / cases[k].conv - 1) < 0.1); /* 7200 numbers: a hundredth or two */
    assert_true(fabs(fc / cases[k].fc - 1) < 0.1);
    assert_true(fabs(scaled / conv - 0.01) < 1e-5);
  }
  xai_net_free(net);
}

/* ---- what goes wrong ---------------------------------------------------------------------------------------------- */
static void what_is_not_finite_is_named_and_changes_nothing(void **state) {
  (void)state;
  xai_net *net = student(), *broken = NULL;
  xai_train_opts o = usual();
  xai_trainer *t = trainer_of(net, &o), *same = trainer_of(net, &o);
  teach(t, 2, 0.05);
  teach(same, 2, 0.05);
  lesson l = lesson_of(0);
  xai_view x = lesson_x(&l), y = lesson_y(&l);
  xai_step step;
  xai_err err = {""};
  l.x[7] = NAN;
  assert_int_equal(xai_trainer_step(t, &x, &y, 0.05, &step, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "step 3: the loss is"));
  assert_non_null(strstr(err.text, "the input holds numbers that are not finite"));
  assert_int_equal(xai_trainer_steps(t), 2);
  assert_true(same_student(t, same));
  xai_trainer_free(t);

  float huge[48];
  for (int i = 0; i < 48; i++) huge[i] = 3e38f;
  xai_tensor *w = NULL;
  must(xai_tensor_copy(&(xai_view){XAI_F32, XAI_SHAPE(3, 16), huge}, &w, err));
  xai_weight weight = {FC, 1, w};
  must(xai_net_with(net, &(xai_view_opts){.weights = &weight, .n_weights = 1}, &broken, NULL, err));
  o.init = XAI_INIT_KEEP;
  t = trainer_of(broken, &o);
  l = lesson_of(0);
  assert_int_equal(xai_trainer_step(t, &x, &y, 0.05, &step, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "step 1: the loss is"));
  assert_non_null(strstr(err.text, "the first layer with numbers that are not finite is 'fc' (Gemm)"));
  xai_tensor_free(w);
  xai_trainer_free(t);
  xai_trainer_free(same);
  xai_net_free(broken);
  xai_net_free(net);
}

/* With conv, the shift after it and fc at zero no weight gets a gradient; with fc alone at zero it gets one. */
static void weights_that_are_all_zero_are_refused_before_anything_changes(void **state) {
  (void)state;
  static const xai_shape shapes[] = {{4, {4, 1, 3, 3}}, {1, {4}}, {2, {3, 16}}};
  xai_weight zero[3] = {{CONV, 1, NULL}, {BN, 2, NULL}, {FC, 1, NULL}};
  for (int i = 0; i < 3; i++) must(xai_tensor_new(XAI_F32, shapes[i], &zero[i].tensor, err));
  xai_net *net = student(), *empty = NULL;
  xai_train_opts o;
  xai_train_defaults(&o);
  lesson l = lesson_of(0);
  xai_view x = lesson_x(&l), y = lesson_y(&l);
  xai_step step;
  xai_err err = {""};
  must(xai_net_with(net, &(xai_view_opts){.weights = zero, .n_weights = 3}, &empty, NULL, err));
  xai_trainer *t = trainer_of(empty, &o), *same = trainer_of(empty, &o);
  assert_int_equal(xai_trainer_step(t, &x, &y, 0.1, &step, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "all weights are zero, and no gradient reaches them; let them begin at random: init = \"he\""));
  assert_int_equal(xai_trainer_steps(t), 0);
  assert_true(same_student(t, same));
  xai_trainer_free(t);
  xai_trainer_free(same);
  xai_net_free(empty);
  must(xai_net_with(net, &(xai_view_opts){.weights = &zero[2], .n_weights = 1}, &empty, NULL, err));
  t = trainer_of(empty, &o);
  must(xai_trainer_step(t, &x, &y, 0.1, &step, err));
  xai_trainer_free(t);
  xai_net_free(empty);
  xai_net_free(net);
  for (int i = 0; i < 3; i++) xai_tensor_free(zero[i].tensor);
}

static void options_that_make_no_sense_are_refused(void **state) {
  (void)state;
  const int all[] = {CONV, BN, FC}, beyond[] = {99};
  xai_net *net = student(), *guided = NULL;
  xai_train_opts o[7];
  for (int i = 0; i < 7; i++) o[i] = usual();
  o[0].lr = -1;
  o[1].momentum = 1;
  o[2].smoothing = NAN;
  o[3].freeze = all, o[3].n_freeze = 3;
  o[4].freeze = beyond, o[4].n_freeze = 1;
  o[5].beta2 = 1;
  o[6].clip = -1;
  const char *const messages[] = {"lr: expected 0 to 1e+06, got -1", "momentum: expected 0 or more and less than 1, got 1",
                                  "smoothing: expected", "all layers that have parameters are frozen",
                                  "no layer number 99 (the network has 8)", "beta2", "clip"};
  for (int i = 0; i < 7; i++) {
    xai_trainer *t = NULL;
    xai_err err = {""};
    assert_int_equal(xai_trainer_new(net, &o[i], &t, &err), XAI_EARG);
    if (strstr(err.text, messages[i]) == NULL) fail_msg("'%s', expected '%s'", err.text, messages[i]);
  }
  xai_train_opts good = usual();
  xai_trainer *t = NULL;
  xai_err err = {""};
  must(xai_net_with(net, &(xai_view_opts){.relu = XAI_RELU_GUIDED}, &guided, NULL, err));
  assert_int_equal(xai_trainer_new(guided, &good, &t, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "hooks or another rule"));
  xai_net_free(guided);
  xai_net_free(net);
}

static xai_status a_short_training(const char *path, xai_err *err) {
  (void)path;
  static xai_net *net; /* made once: only the trainer's allocations are to fail */
  if (net == NULL) net = student();
  xai_train_opts o = usual();
  xai_trainer *t = NULL;
  xai_net *result = NULL;
  lesson l = lesson_of(0);
  xai_view x = lesson_x(&l), y = lesson_y(&l);
  xai_step step;
  xai_status st = xai_trainer_new(net, &o, &t, err);
  if (st == XAI_OK) st = xai_trainer_step(t, &x, &y, 0.05, &step, err);
  if (st == XAI_OK) st = xai_trainer_test(t, &x, &y, &step, err);
  if (st == XAI_OK) st = xai_trainer_net(t, &result, err);
  xai_net_free(result);
  xai_trainer_free(t);
  return st;
}

static void short_memory_is_an_error_and_no_more(void **state) {
  (void)state;
  xai_err err;
  assert_int_equal(a_short_training("", &err), XAI_OK);
  each_allocation_fails(a_short_training, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_step_of_each_optimiser_matches_hand_calculation),
      cmocka_unit_test(gradients_of_all_parameters_agree_with_central_differences),
      cmocka_unit_test(running_statistics_move_towards_those_of_the_batch),
      cmocka_unit_test(each_step_drops_other_elements_and_the_same_step_the_same),
      cmocka_unit_test(a_student_learns),
      cmocka_unit_test(the_same_bits_for_any_number_of_threads),
      cmocka_unit_test(another_seed_gives_another_training),
      cmocka_unit_test(frozen_layers_stay_as_they_are),
      cmocka_unit_test(weights_begin_with_the_variance_asked_for),
      cmocka_unit_test(what_is_not_finite_is_named_and_changes_nothing),
      cmocka_unit_test(weights_that_are_all_zero_are_refused_before_anything_changes),
      cmocka_unit_test(options_that_make_no_sense_are_refused),
      cmocka_unit_test(short_memory_is_an_error_and_no_more),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
