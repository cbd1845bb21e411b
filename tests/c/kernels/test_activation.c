/* Functions of one element: values by hand, the gradient rules, extreme arguments. */
#include <math.h>

#include "ktest.h"

static void relu_and_its_rules_match_the_papers(void **state) {
  (void)state;
  const float x[] = {-2, 0, 3, 4}, dy[] = {5, 6, -7, 8}, want[] = {0, 0, 3, 4};
  const float plain[] = {0, 0, -7, 8}, guided[] = {0, 0, 0, 8}, deconv[] = {5, 6, 0, 8};
  float y[4], dx[4];
  xk_relu_forward(4, x, y);
  assert_equal(4, y, want);
  xk_relu_backward(XK_RELU_PLAIN, 4, y, dy, dx);
  assert_equal(4, dx, plain);
  xk_relu_backward(XK_RELU_GUIDED, 4, y, dy, dx);
  assert_equal(4, dx, guided);
  xk_relu_backward(XK_RELU_DECONV, 4, y, dy, dx);
  assert_equal(4, dx, deconv);
  xk_relu_backward(XK_RELU_REDIRECTED, 4, y, dy, dx); /* something passes */
  assert_equal(4, dx, plain);
}

/* Nothing passes where 3 and 4 have no signal: then what raises -2 and 0 does; in Clip also what lowers 7. */
static void a_redirected_gradient_wakes_what_is_silent(void **state) {
  (void)state;
  const float y[] = {0, 0, 3, 4}, dy[] = {5, -6, 0, 0}, want[] = {5, 0, 0, 0};
  const float x[] = {-1, -1, 6, 7, 3}, signal[] = {2, -2, 4, -4, 0}, kept[] = {2, 0, 0, -4, 0};
  float dx[5];
  xk_relu_backward(XK_RELU_REDIRECTED, 4, y, dy, dx);
  assert_equal(4, dx, want);
  xk_clip_backward(XK_RELU_REDIRECTED, 0, 6, 5, x, signal, dx);
  assert_equal(5, dx, kept);
  xk_leaky_relu_backward(XK_RELU_REDIRECTED, 0.25f, 4, (const float[]){-2, 0, 3, 4}, dy, dx); /* never silent */
  assert_equal(4, dx, (const float[]){1.25f, -1.5f, 0, 0});
}

static void leaky_relu_matches_hand_calculation(void **state) {
  (void)state;
  const float x[] = {-2, 0, 3, 4}, dy[] = {4, 8, -7, 8}, want[] = {-0.5f, 0, 3, 4};
  const float plain[] = {1, 2, -7, 8}, guided[] = {0, 0, 0, 8}, deconv[] = {4, 8, 0, 8}; /* slope 1/4 */
  float y[4], dx[4];
  xk_leaky_relu_forward(0.25f, 4, x, y);
  assert_equal(4, y, want);
  xk_leaky_relu_backward(XK_RELU_PLAIN, 0.25f, 4, x, dy, dx);
  assert_equal(4, dx, plain);
  xk_leaky_relu_backward(XK_RELU_GUIDED, 0.25f, 4, x, dy, dx);
  assert_equal(4, dx, guided);
  xk_leaky_relu_backward(XK_RELU_DECONV, 0.25f, 4, x, dy, dx);
  assert_equal(4, dx, deconv);
}

static void clip_passes_gradients_strictly_inside_only(void **state) {
  (void)state;
  const float x[] = {-1, 0, 3, 6, 7, 5}, dy[] = {1, 2, 3, 4, 5, -6}, want[] = {0, 0, 3, 6, 6, 5};
  const float plain[] = {0, 0, 3, 0, 0, -6}, guided[] = {0, 0, 3, 0, 0, 0}, deconv[] = {1, 2, 3, 4, 5, 0};
  float y[6], dx[6];
  xk_clip_forward(0, 6, 6, x, y);
  assert_equal(6, y, want);
  xk_clip_backward(XK_RELU_PLAIN, 0, 6, 6, x, dy, dx);
  assert_equal(6, dx, plain);
  xk_clip_backward(XK_RELU_GUIDED, 0, 6, 6, x, dy, dx);
  assert_equal(6, dx, guided);
  xk_clip_backward(XK_RELU_DECONV, 0, 6, 6, x, dy, dx);
  assert_equal(6, dx, deconv);
}

static void nan_stays_nan(void **state) {
  (void)state;
  const float x[] = {NAN};
  float y[1];
  xk_relu_forward(1, x, y);
  assert_true(isnan(y[0]));
  xk_leaky_relu_forward(0.1f, 1, x, y);
  assert_true(isnan(y[0]));
  xk_clip_forward(0, 6, 1, x, y);
  assert_true(isnan(y[0]));
  xk_sigmoid_forward(1, x, y);
  assert_true(isnan(y[0]));
}

static void sigmoid_and_tanh_do_not_overflow(void **state) {
  (void)state;
  /* sigmoid(ln 3) = 1 / (1 + 1/3) = 3/4, sigmoid(-ln 3) = 1/4; tanh(ln 2) = (2 - 1/2) / (2 + 1/2) = 3/5 */
  const float x[] = {0, 1.09861229f, -1.09861229f, 1000, -1000, INFINITY, -INFINITY},
              want[] = {0.5f, 0.75f, 0.25f, 1, 0, 1, 0};
  const float u[] = {0, 0.693147181f, -0.693147181f, 1000, -1000}, want_tanh[] = {0, 0.6f, -0.6f, 1, -1};
  float y[7];
  xk_sigmoid_forward(7, x, y);
  assert_close(7, y, want, 1e-7);
  const float tail[] = {-80}; /* e^-80 = 1.8048514e-35: no cancellation in the tail */
  xk_sigmoid_forward(1, tail, y);
  assert_true(fabs(y[0] / 1.8048513878454153e-35 - 1) < 1e-5);
  xk_tanh_forward(5, u, y);
  assert_close(5, y, want_tanh, 1e-7);
}

static void sigmoid_and_tanh_derivatives_match_hand_calculation(void **state) {
  (void)state;
  /* dy y (1-y): 2*.75*.25 = .375; dy (1-y^2): 2*(1-.36) = 1.28 */
  const float y[] = {0.75f}, t[] = {0.6f}, dy[] = {2};
  float dx[1];
  xk_sigmoid_backward(1, y, dy, dx);
  assert_true(dx[0] == 0.375f);
  xk_tanh_backward(1, t, dy, dx);
  assert_true(fabs(dx[0] - 1.28) < 1e-6);
}

static void accumulate_and_scale_work_in_place(void **state) {
  (void)state;
  float sum[] = {1, 2}, x[] = {10, 20};
  const float want[] = {11, 22}, scaled[] = {-5, -10};
  xk_accumulate(2, x, sum);
  assert_equal(2, sum, want);
  xk_scale(2, -0.5f, x, x);
  assert_equal(2, x, scaled);
}

enum { MANY = 100001 };

static void run_all(const void *x_, float *out) {
  const float *x = x_, *dy = x + MANY;
  xk_relu_forward(MANY, x, out);
  xk_relu_backward(XK_RELU_GUIDED, MANY, x, dy, out + MANY);
  xk_leaky_relu_forward(0.1f, MANY, x, out + 2 * MANY);
  xk_clip_backward(XK_RELU_PLAIN, -0.5f, 0.5f, MANY, x, dy, out + 3 * MANY);
  xk_sigmoid_forward(MANY, x, out + 4 * MANY);
  xk_tanh_backward(MANY, x, dy, out + 5 * MANY);
  xk_scale(MANY, 3, x, out + 6 * MANY);
  xk_accumulate(MANY, dy, out + 6 * MANY);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  float *x = reals(2 * MANY, 1);
  assert_same_bits_for_any_threads(run_all, x, 7 * MANY);
  free(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(relu_and_its_rules_match_the_papers),
      cmocka_unit_test(a_redirected_gradient_wakes_what_is_silent),
      cmocka_unit_test(leaky_relu_matches_hand_calculation),
      cmocka_unit_test(clip_passes_gradients_strictly_inside_only),
      cmocka_unit_test(nan_stays_nan),
      cmocka_unit_test(sigmoid_and_tanh_do_not_overflow),
      cmocka_unit_test(sigmoid_and_tanh_derivatives_match_hand_calculation),
      cmocka_unit_test(accumulate_and_scale_work_in_place),
      cmocka_unit_test(bits_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
