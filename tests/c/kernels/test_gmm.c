/* Mixtures over colours, with moments worked by hand. */
#include "ktest.h"

#include <math.h>

static void near(double got, double want) {
  if (!(fabs(got - want) <= 1e-9 * (1 + fabs(want)))) fail_msg("expected %.12g, got %.12g", want, got);
}

/* Red 0 and 4, green 0 and 2, blue 0 and 6, all combinations: means 2 1 3, variances 4 1 9, no covariance. */
static const uint8_t box[8 * 3] = {0, 0, 0, 4, 0, 0, 0, 2, 0, 4, 2, 0, 0, 0, 6, 4, 0, 6, 0, 2, 6, 4, 2, 6};

static void means_and_covariances(void **state) {
  (void)state;
  const uint8_t side[8] = {1, 1, 1, 1, 1, 1, 1, 1}, component[8] = {0};
  xk_gmm m;
  xk_gmm_learn(8, box, side, 1, component, 2, 0.01, &m);
  near(m.weight[0], 1);
  near(m.weight[1], 0);
  const double mean[3] = {2, 1, 3}, inverse[6] = {0.25, 0, 0, 1, 0, 1.0 / 9};
  for (int i = 0; i < 3; i++) near(m.mean[0][i], mean[i]);
  for (int i = 0; i < 6; i++) near(m.inverse[0][i], inverse[i]);
  near(m.log_det[0], log(36));
  /* at 0 0 0 the exponent is -1/2 (4/4 + 1/1 + 9/9) */
  double cost[8];
  xk_gmm_cost(&m, 8, box, cost);
  for (int i = 0; i < 8; i++) near(cost[i], 0.5 * log(36) + 1.5);
}

/* Along (1, 1, 0) only: (0 0 0), (2 2 0): covariance 1 1 0 / 1 1 0 / 0 0 0, singular; with 0.01 on the diagonal its
 * determinant is 0.01 (1.01^2 - 1). */
static void a_flat_component_gets_some_thickness(void **state) {
  (void)state;
  const uint8_t rgb[6] = {0, 0, 0, 2, 2, 0}, side[2] = {0, 0}, component[2] = {0, 0};
  xk_gmm m;
  xk_gmm_learn(2, rgb, side, 0, component, 1, 0.01, &m);
  near(m.log_det[0], log(0.01 * (1.01 * 1.01 - 1)));
  near(m.inverse[0][0], 1.01 * 0.01 / (0.01 * (1.01 * 1.01 - 1)));
  near(m.inverse[0][1], -0.01 / (0.01 * (1.01 * 1.01 - 1)));
  near(m.inverse[0][5], 100);
}

static void only_the_pixels_of_a_side_teach(void **state) {
  (void)state;
  const uint8_t rgb[9] = {10, 10, 10, 200, 0, 0, 20, 10, 10}, side[3] = {1, 0, 1}, component[3] = {0, 0, 1};
  xk_gmm m;
  xk_gmm_learn(3, rgb, side, 1, component, 2, 0.01, &m);
  near(m.weight[0], 0.5);
  near(m.mean[0][0], 10);
  near(m.mean[1][0], 20);
  uint8_t to[3] = {7, 7, 7};
  xk_gmm_assign(&m, 3, rgb, side, 1, to);
  assert_memory_equal(to, ((const uint8_t[]){0, 7, 1}), 3);
}

/* -ln sum: two components of one pixel each, covariance 0.01 I, at distance 0 and 100: the second adds exp(-5e5) */
static void a_colour_far_from_everything_has_a_cost(void **state) {
  (void)state;
  const uint8_t rgb[6] = {0, 0, 0, 255, 255, 255}, side[2] = {1, 0}, component[2] = {0, 0};
  xk_gmm m;
  double cost[2];
  xk_gmm_learn(2, rgb, side, 1, component, 1, 0.01, &m);
  xk_gmm_cost(&m, 2, rgb, cost);
  near(cost[0], 0.5 * log(1e-6));
  near(cost[1], 0.5 * log(1e-6) + 0.5 * 3 * 255 * 255 / 0.01);
}

/* Three heaps of colours, far from each other, two of them nearer: the splitting finds them whatever their order. */
static void splitting_finds_heaps_of_colours(void **state) {
  (void)state;
  enum { N = 90 };
  uint8_t rgb[3 * N], side[N], component[N];
  static const int heap[3][3] = {{20, 30, 40}, {60, 40, 45}, {210, 120, 200}};
  for (int i = 0; i < N; i++) {
    side[i] = 1;
    for (int k = 0; k < 3; k++) rgb[3 * i + k] = (uint8_t)(heap[i % 3][k] + i * (7 + k) % 11 - 5);
  }
  for (int rounds = 0; rounds < 3; rounds++) {
    memset(component, 9, sizeof component);
    xk_gmm_split(N, rgb, side, 1, 3, rounds, component);
    for (int i = 3; i < N; i++) assert_int_equal(component[i], component[i % 3]);
    assert_true(component[0] != component[1] && component[1] != component[2] && component[0] != component[2]);
  }
}

static void one_colour_is_not_split(void **state) {
  (void)state;
  uint8_t rgb[12], side[4] = {1, 1, 1, 0}, component[4] = {5, 5, 5, 5};
  memset(rgb, 77, sizeof rgb);
  xk_gmm_split(4, rgb, side, 1, 5, 10, component);
  assert_memory_equal(component, ((const uint8_t[]){0, 0, 0, 5}), 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(means_and_covariances),
      cmocka_unit_test(a_flat_component_gets_some_thickness),
      cmocka_unit_test(only_the_pixels_of_a_side_teach),
      cmocka_unit_test(a_colour_far_from_everything_has_a_cost),
      cmocka_unit_test(splitting_finds_heaps_of_colours),
      cmocka_unit_test(one_colour_is_not_split),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
