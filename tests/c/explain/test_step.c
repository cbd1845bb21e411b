/* Lengths of steps, by hand. */
#include <math.h>
#include <string.h>

#include "explain/step.h"
#include "graph/tiny.h"

static xai_stepper open_stepper(xai_step_rule rule, double lr, double keep, int64_t n) {
  xai_ascent_opts o = {.rule = rule, .lr = lr, .keep = keep};
  xai_stepper s;
  must(xai_stepper__open(&s, n, &o, err));
  return s;
}

static void steps_are(xai_stepper *s, float g, double want) {
  xai_stepper__next(s, &g);
  if (!(fabs(s->by[0] - want) <= 1e-6 * fabs(want))) fail_msg("step %d: %.9g, expected %.9g", (int)s->done, (double)s->by[0], want);
}

/* |g|: 3 and 4: mean 3.5, max 4, length 5, square 25 */
static void steps_have_the_rule_s_length(void **state) {
  (void)state;
  const float g[2] = {3, -4}, none[2] = {0, 0};
  assert_true(xai_step__rate(XAI_STEP_PLAIN, 7, 0, 2, g) == 7);
  assert_true(xai_step__rate(XAI_STEP_MEAN, 7, 0, 2, g) == 2);
  assert_true(xai_step__rate(XAI_STEP_MAX, 7, 0, 2, g) == 7 / 4.0);
  assert_true(xai_step__rate(XAI_STEP_NORM, 7, 0, 2, g) == 7 / 5.0);
  assert_true(xai_step__rate(XAI_STEP_PROGRESS, 7, 50, 2, g) == 2);
  assert_true(xai_step__rate(XAI_STEP_PROGRESS, 1, 50, 2, g) == 1);
  assert_true(xai_step__rate(XAI_STEP_PROGRESS, 7, 50, 2, none) == 7);
  assert_true(xai_step__rate(XAI_STEP_MEAN, 7, 0, 2, none) == 0);
}

/* t = 1: m^ = g, v^ = g^2: lr. t = 2 with g = 3, then -1: m = .27 - .1 = .17 over .19, v = .9 .1 9 + .1 = .91 over .19 */
static void adam_by_hand(void **state) {
  (void)state;
  xai_stepper s = open_stepper(XAI_STEP_ADAM, 0.5, 0.9, 1);
  steps_are(&s, 3, 0.5);
  steps_are(&s, -1, 0.5 * (0.17 / 0.19) / sqrt(0.91 / 0.19));
  xai_stepper__close(&s);
}

/* u1 = .9 (1 - .48) = .468, u2 = .9 (1 - .4608) = .48528, u3 = .9 (1 - .442368) = .5018688; g = 2, m = .2, then g = 1, m = .28;
 * v = .4 over .1, then .36 + .1 = .46 over .19 */
static void nadam_by_hand(void **state) {
  (void)state;
  double u1 = 0.468, u2 = 0.48528, u3 = 0.5018688;
  xai_stepper s = open_stepper(XAI_STEP_NADAM, 1, 0.9, 1);
  steps_are(&s, 2, (u2 * 0.2 / (1 - u1 * u2) + (1 - u1) * 2 / (1 - u1)) / 2);
  steps_are(&s, 1, (u3 * 0.28 / (1 - u1 * u2 * u3) + (1 - u2) / (1 - u1 * u2)) / sqrt(0.46 / 0.19));
  xai_stepper__close(&s);
}

/* v = .1 g^2: a first step of lr / sqrt .1; then v = .9 .4 + .1 1 */
static void rmsprop_by_hand(void **state) {
  (void)state;
  xai_stepper s = open_stepper(XAI_STEP_RMSPROP, 1, 0.9, 1);
  steps_are(&s, -2, -1 / sqrt(0.1));
  steps_are(&s, 1, 1 / sqrt(0.46));
  xai_stepper__close(&s);
}

static void no_gradient_is_no_step(void **state) {
  (void)state;
  for (xai_step_rule rule = XAI_STEP_PLAIN; rule <= XAI_STEP_RMSPROP; rule++) {
    xai_stepper s = open_stepper(rule, 1, 0.999, 2);
    xai_stepper__next(&s, (const float[]){0, 0});
    assert_true(s.by[0] == 0 && s.by[1] == 0);
    xai_stepper__close(&s);
  }
}

static void rules_with_momentum_of_their_own_take_no_other(void **state) {
  (void)state;
  xai_ascent_opts o = {.rule = XAI_STEP_ADAM, .lr = 1, .keep = 0.9, .momentum = 0.5};
  xai_stepper s;
  xai_err err;
  assert_int_equal(xai_stepper__open(&s, 2, &o, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "momentum: this rule has its own"));
  xai_stepper__close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(steps_have_the_rule_s_length),
      cmocka_unit_test(adam_by_hand),
      cmocka_unit_test(nadam_by_hand),
      cmocka_unit_test(rmsprop_by_hand),
      cmocka_unit_test(no_gradient_is_no_step),
      cmocka_unit_test(rules_with_momentum_of_their_own_take_no_other),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
