/* Losses by hand, and their gradients by central differences. */
#include <math.h>
#include <string.h>

#include "graph/tiny.h"
#include "train/loss.h"

static xai_view floats_view(xai_shape s, const float *v) { return (xai_view){XAI_F32, s, (void *)(uintptr_t)v}; }
static xai_view ids_view(int64_t n, const int64_t *v) { return (xai_view){XAI_I64, XAI_SHAPE(n), (void *)(uintptr_t)v}; }

/* Scores ln 1, ln 3 make p = 1/4, 3/4; the second row is 1/2, 1/2. Targets 1 and 0: loss = -(ln 3/4 + ln 1/2) / 2,
 * dy = (p - t) / 2. The first row is a hit, the second too: of equals the first counts. */
static void cross_entropy_matches_hand_calculation(void **state) {
  (void)state;
  const float z[] = {0, (float)log(3), 5, 5}, want[] = {0.125f, -0.125f, -0.25f, 0.25f};
  const int64_t ids[] = {1, 0};
  float dy[4];
  xai_view y = floats_view(XAI_SHAPE(2, 2), z), t = ids_view(2, ids), g = floats_view(XAI_SHAPE(4), dy);
  xai_step step;
  must(xai_loss__compute(XAI_LOSS_CROSS_ENTROPY, 0, &y, &t, dy, &step, err));
  assert_true(fabs(step.loss + (log(0.75) + log(0.5)) / 2) < 1e-7);
  assert_int_equal(step.correct, 2);
  assert_floats(&g, want, 4, 1e-7);
}

/* Smoothing 0.2 over two classes: t = 0.8 * (0, 1) + 0.1 = (0.1, 0.9); loss = -(0.1 ln 1/4 + 0.9 ln 3/4). The same
 * targets written out as probabilities give the same. */
static void smoothing_shares_out_the_target(void **state) {
  (void)state;
  const float z[] = {0, (float)log(3)}, soft[] = {0.1f, 0.9f}, want[] = {0.15f, -0.15f};
  const int64_t ids[] = {1};
  float dy[2];
  xai_view y = floats_view(XAI_SHAPE(1, 2), z), t = ids_view(1, ids), s = floats_view(XAI_SHAPE(1, 2), soft);
  xai_view g = floats_view(XAI_SHAPE(2), dy);
  xai_step a, b;
  must(xai_loss__compute(XAI_LOSS_CROSS_ENTROPY, 0.2, &y, &t, dy, &a, err));
  assert_true(fabs(a.loss + 0.1 * log(0.25) + 0.9 * log(0.75)) < 1e-7);
  assert_floats(&g, want, 2, 1e-7);
  must(xai_loss__compute(XAI_LOSS_CROSS_ENTROPY, 0, &y, &s, dy, &b, err));
  assert_true(fabs(a.loss - b.loss) < 1e-7);
  assert_int_equal(b.correct, 1);
  assert_floats(&g, want, 2, 1e-7);
}

/* ((1 - 0)^2 + (2 - 4)^2) / 2 = 2.5, dy = 2 (1, -2) / 2 */
static void squared_error_matches_hand_calculation(void **state) {
  (void)state;
  const float a[] = {1, 2}, b[] = {0, 4};
  float dy[2];
  xai_view y = floats_view(XAI_SHAPE(2, 1), a), t = floats_view(XAI_SHAPE(2, 1), b), g = floats_view(XAI_SHAPE(2), dy);
  xai_step step;
  must(xai_loss__compute(XAI_LOSS_MSE, 0, &y, &t, dy, &step, err));
  assert_true(step.loss == 2.5);
  assert_floats(&g, (const float[]){1, -2}, 2, 0);
}

static void gradients_agree_with_central_differences(void **state) {
  (void)state;
  enum { ROWS = 3, CLASSES = 5, N = ROWS * CLASSES };
  float z[N], soft[N], dy[N];
  for (int i = 0; i < N; i++) z[i] = (float)sin(3 * i), soft[i] = (float)((i * 7 % 5) / 10.0);
  const int64_t ids[ROWS] = {4, 0, 2};
  xai_view y = floats_view(XAI_SHAPE(ROWS, CLASSES), z), hard = ids_view(ROWS, ids), s = floats_view(y.shape, soft);
  const struct {
    xai_loss loss;
    double smoothing;
    const xai_view *target;
  } cases[] = {{XAI_LOSS_CROSS_ENTROPY, 0, &hard}, {XAI_LOSS_CROSS_ENTROPY, 0.1, &hard}, {XAI_LOSS_CROSS_ENTROPY, 0, &s},
               {XAI_LOSS_CROSS_ENTROPY, 0.3, &s},  {XAI_LOSS_MSE, 0, &s}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    xai_step up, down;
    must(xai_loss__compute(cases[k].loss, cases[k].smoothing, &y, cases[k].target, dy, &up, err));
    for (int i = 0; i < N; i++) {
      float x = z[i], high = x + 0.01f, low = x - 0.01f;
      z[i] = high;
      must(xai_loss__compute(cases[k].loss, cases[k].smoothing, &y, cases[k].target, NULL, &up, err));
      z[i] = low;
      must(xai_loss__compute(cases[k].loss, cases[k].smoothing, &y, cases[k].target, NULL, &down, err));
      z[i] = x;
      assert_true(fabs((up.loss - down.loss) / ((double)high - low) - dy[i]) < 2e-5);
    }
  }
}

static void scores_of_any_size_are_fine_and_what_is_not_finite_shows(void **state) {
  (void)state;
  float z[] = {1e30f, -1e30f};
  const int64_t first[] = {0}, second[] = {1};
  xai_view y = floats_view(XAI_SHAPE(1, 2), z), right = ids_view(1, first), wrong = ids_view(1, second);
  xai_step step;
  must(xai_loss__compute(XAI_LOSS_CROSS_ENTROPY, 0, &y, &right, NULL, &step, err));
  assert_true(step.loss == 0);
  must(xai_loss__compute(XAI_LOSS_CROSS_ENTROPY, 0, &y, &wrong, NULL, &step, err));
  assert_true(step.loss > 1e30 && isfinite(step.loss));
  z[1] = NAN;
  must(xai_loss__compute(XAI_LOSS_CROSS_ENTROPY, 0, &y, &right, NULL, &step, err));
  assert_false(isfinite(step.loss));
  z[1] = INFINITY;
  must(xai_loss__compute(XAI_LOSS_CROSS_ENTROPY, 0, &y, &wrong, NULL, &step, err));
  assert_false(isfinite(step.loss));
}

static void targets_that_do_not_fit_are_refused(void **state) {
  (void)state;
  const float z[4] = {0}, half[] = {0.5f, 1};
  const int64_t beyond[] = {0, 2}, negative[] = {-1, 0};
  xai_view y = floats_view(XAI_SHAPE(2, 2), z), flat = floats_view(XAI_SHAPE(4), z), maps = floats_view(XAI_SHAPE(1, 2, 2, 1), z);
  const struct {
    xai_loss loss;
    xai_view y, target;
    const char *message;
  } cases[] = {
      {XAI_LOSS_CROSS_ENTROPY, y, ids_view(2, beyond), "target 2: there is no class 2 (the network has 2, from 0 on)"},
      {XAI_LOSS_CROSS_ENTROPY, y, ids_view(2, negative), "target 1: there is no class -1"},
      {XAI_LOSS_CROSS_ENTROPY, y, floats_view(XAI_SHAPE(2), half), "target 1: there is no class 0.5"},
      {XAI_LOSS_CROSS_ENTROPY, y, ids_view(1, beyond), "expected 2 class ids, got 1"},
      {XAI_LOSS_CROSS_ENTROPY, y, floats_view(XAI_SHAPE(1, 2), half), "targets: expected float32 2x2, got float32 1x2"},
      {XAI_LOSS_CROSS_ENTROPY, flat, ids_view(2, beyond), "expected one score per class, the network gives 4"},
      {XAI_LOSS_CROSS_ENTROPY, maps, ids_view(1, beyond), "expected one score per class, the network gives 1x2x2x1"},
      {XAI_LOSS_MSE, y, floats_view(XAI_SHAPE(2), half), "targets: expected float32 2x2"},
      {XAI_LOSS_MSE, y, ids_view(2, beyond), "got int64 2"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    xai_step step;
    xai_err err = {""};
    assert_true(xai_loss__compute(cases[i].loss, 0, &cases[i].y, &cases[i].target, NULL, &step, &err) != XAI_OK);
    if (strstr(err.text, cases[i].message) == NULL) fail_msg("'%s', expected '%s'", err.text, cases[i].message);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cross_entropy_matches_hand_calculation),
      cmocka_unit_test(smoothing_shares_out_the_target),
      cmocka_unit_test(squared_error_matches_hand_calculation),
      cmocka_unit_test(gradients_agree_with_central_differences),
      cmocka_unit_test(scores_of_any_size_are_fine_and_what_is_not_finite_shows),
      cmocka_unit_test(targets_that_do_not_fit_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
