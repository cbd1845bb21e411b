/* Learning rates over a hundred steps, by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "xai/train.h"

static void is(const xai_schedule *s, int64_t step, double want) {
  double got = xai_schedule_factor(s, step, 100);
  if (!(fabs(got - want) < 1e-12)) fail_msg("step %d: %.15g, expected %.15g", (int)step, got, want);
}

static void a_constant_rate_stays(void **state) {
  (void)state;
  xai_schedule s = {.kind = XAI_SCHEDULE_CONSTANT};
  is(&s, 0, 1);
  is(&s, 99, 1);
}

/* A tenth of the steps: 1/10 at the first, 10/10 at the tenth. */
static void warming_up_is_linear(void **state) {
  (void)state;
  xai_schedule s = {.kind = XAI_SCHEDULE_CONSTANT, .warmup = 0.1};
  is(&s, 0, 0.1);
  is(&s, 4, 0.5);
  is(&s, 9, 1);
  is(&s, 10, 1);
}

/* cos(0) = 1, cos(pi/2) = 0: a half in the middle; from 1 to 0.2 that is 0.6 */
static void cosine_falls_to_its_end(void **state) {
  (void)state;
  xai_schedule s = {.kind = XAI_SCHEDULE_COSINE};
  is(&s, 0, 1);
  is(&s, 50, 0.5);
  is(&s, 100, 0);
  s.last = 0.2;
  is(&s, 50, 0.6);
  is(&s, 100, 0.2);
  s.last = 0, s.warmup = 0.2; /* 80 steps are left: the middle is 60 */
  is(&s, 9, 0.5);
  is(&s, 20, 1);
  is(&s, 60, 0.5);
}

static void steps_multiply_again_and_again(void **state) {
  (void)state;
  xai_schedule s = {.kind = XAI_SCHEDULE_STEP, .every = 0.25, .factor = 0.1};
  is(&s, 24, 1);
  is(&s, 25, 0.1);
  is(&s, 74, 0.01);
  is(&s, 75, 0.001);
  s.warmup = 0.1;
  is(&s, 4, 0.5);
  is(&s, 30, 0.1);
}

static void a_training_without_steps_is_no_problem(void **state) {
  (void)state;
  xai_schedule s = {.kind = XAI_SCHEDULE_COSINE, .warmup = 1};
  assert_true(isfinite(xai_schedule_factor(&s, 0, 0)));
  assert_true(xai_schedule_factor(&s, 0, 0) <= 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_constant_rate_stays),
      cmocka_unit_test(warming_up_is_linear),
      cmocka_unit_test(cosine_falls_to_its_end),
      cmocka_unit_test(steps_multiply_again_and_again),
      cmocka_unit_test(a_training_without_steps_is_no_problem),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
