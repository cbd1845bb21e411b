/* Steps of the optimisers, by hand. */
#include <math.h>

#include "ktest.h"

/* g = 4, w = 1: decay 1/2 makes d = 4.5.  speed 2 -> 1/2 * 2 + 4.5 = 5.5;  plain w = 1 - 1/4 * 5.5 = -0.375,
 * nesterov w = 1 - 1/4 (4.5 + 1/2 * 5.5) = 1 - 1/4 * 7.25 = -0.8125. */
static void momentum_decay_and_nesterov_match_hand_calculation(void **state) {
  (void)state;
  float g = 4, speed = 2, w = 1;
  xk_sgd sgd = {.lr = 0.25f, .momentum = 0.5f, .decay = 0.5f, .factor = 1};
  xk_sgd_step(&sgd, 1, &g, &speed, &w);
  assert_equal(1, &speed, (const float[]){5.5f});
  assert_equal(1, &w, (const float[]){-0.375f});
  speed = 2, w = 1;
  sgd.nesterov = true;
  xk_sgd_step(&sgd, 1, &g, &speed, &w);
  assert_equal(1, &speed, (const float[]){5.5f});
  assert_equal(1, &w, (const float[]){-0.8125f});
}

/* A factor of 1/2 halves the gradient, not the decay: d = 2 + 0.5, w = 1 - 1/4 * 2.5 without momentum. */
static void a_clipped_gradient_decays_as_ever(void **state) {
  (void)state;
  float g = 4, speed = 7, w = 1;
  xk_sgd sgd = {.lr = 0.25f, .decay = 0.5f, .factor = 0.5f};
  xk_sgd_step(&sgd, 1, &g, &speed, &w);
  assert_equal(1, &w, (const float[]){0.375f});
}

/* First step: mean = 0.1 g, square = 0.001 g^2; both corrected are g and g^2, so w moves by lr g / |g| = 0.1.
 * Second step with g = -1 after g = 2:  mean = 0.9 * 0.2 - 0.1 = 0.08,  / (1 - 0.81) = 0.4210526;
 *   square = 0.999 * 0.004 + 0.001 = 0.004996,  / (1 - 0.998001) = 2.4992496;  w = 0.9 - 0.1 * 0.4210526 / 1.5809015 */
static void adam_matches_hand_calculation(void **state) {
  (void)state;
  float g = 2, mean = 0, square = 0, w = 1;
  xk_adam adam = {.lr = 0.1f, .epsilon = 1e-8f, .factor = 1, .beta1 = 0.9, .beta2 = 0.999, .step = 1};
  xk_adam_step(&adam, 1, &g, &mean, &square, &w);
  assert_close(1, &w, (const float[]){0.9f}, 1e-6);
  g = -1;
  adam.step = 2;
  xk_adam_step(&adam, 1, &g, &mean, &square, &w);
  assert_close(1, &mean, (const float[]){0.08f}, 1e-7);
  assert_close(1, &square, (const float[]){0.004996f}, 1e-8);
  assert_close(1, &w, (const float[]){(float)(0.9 - 0.1 * 0.42105263 / 1.5809015)}, 1e-6);
}

/* g = 0, w = 2, decay 1/2. AdamW shrinks: w = (1 - 0.1 * 0.5) 2 = 1.9 and mean stays 0. Adam takes d = 1 as a gradient:
 * w = 2 - 0.1. */
static void adamw_keeps_decay_apart_from_the_gradient(void **state) {
  (void)state;
  float g = 0, mean = 0, square = 0, w = 2;
  xk_adam adam = {.lr = 0.1f, .epsilon = 1e-8f, .factor = 1, .decoupled_decay = 0.5f, .beta1 = 0.9, .beta2 = 0.999, .step = 1};
  xk_adam_step(&adam, 1, &g, &mean, &square, &w);
  assert_close(1, &w, (const float[]){1.9f}, 1e-6);
  assert_equal(1, &mean, (const float[]){0});
  w = 2;
  adam.decoupled_decay = 0, adam.decay = 0.5f;
  xk_adam_step(&adam, 1, &g, &mean, &square, &w);
  assert_close(1, &w, (const float[]){1.9f}, 1e-6);
  assert_close(1, &mean, (const float[]){0.1f}, 1e-7);
}

enum { N = 50001 };
static void run_all(const void *g, float *out) {
  float *slot = reals(2 * N, 5);
  xk_sgd sgd = {.lr = 0.1f, .momentum = 0.9f, .decay = 0.01f, .factor = 1, .nesterov = true};
  xk_adam adam = {.lr = 0.1f, .epsilon = 1e-8f, .factor = 1, .beta1 = 0.9, .beta2 = 0.999, .step = 3};
  for (int64_t i = 0; i < N; i++) slot[N + i] = fabsf(slot[N + i]);
  for (int64_t i = 0; i < 2 * N; i++) out[i] = 1;
  xk_sgd_step(&sgd, N, g, slot, out);
  xk_adam_step(&adam, N, g, slot, slot + N, out + N);
  free(slot);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  float *g = reals(N, 1);
  assert_same_bits_for_any_threads(run_all, g, 2 * N);
  free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(momentum_decay_and_nesterov_match_hand_calculation),
      cmocka_unit_test(a_clipped_gradient_decays_as_ever),
      cmocka_unit_test(adam_matches_hand_calculation),
      cmocka_unit_test(adamw_keeps_decay_apart_from_the_gradient),
      cmocka_unit_test(bits_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
