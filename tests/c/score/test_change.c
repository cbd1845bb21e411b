/* Pictures of 2 channels and 3 pixels: 1 2 3 | 4 5 6. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "score/score.h"

static const float x[6] = {1, 2, 3, 4, 5, 6};
static const int64_t order[3] = {2, 0, 1};

static void equal(const float *got, const float *want) {
  for (int i = 0; i < 6; i++) assert_true(fabs(got[i] - want[i]) <= 1e-6);
}

static void pixels_are_exchanged_in_order_in_all_channels(void **state) {
  (void)state;
  const float other[6] = {10, 20, 30, 40, 50, 60};
  float out[6];
  xai_score_mix(x, other, 2, 3, order, 0, out);
  equal(out, x);
  xai_score_mix(x, other, 2, 3, order, 2, out);
  equal(out, (const float[]){10, 2, 30, 40, 5, 60});
  xai_score_mix(x, other, 2, 3, order, 3, out);
  equal(out, other);
}

/* the map 4 2 6, whose order that is, becomes 0.5 0 1 */
static void a_map_weighs_the_picture(void **state) {
  (void)state;
  const float map[3] = {4, 2, 6}, flat[3] = {7, 7, 7};
  float out[6];
  xai_score_weigh(x, map, 2, 3, order, 3, out);
  equal(out, (const float[]){.5f, 0, 3, 2, 0, 6});
  xai_score_weigh(x, map, 2, 3, order, 1, out);
  equal(out, (const float[]){0, 0, 3, 0, 0, 6});
  xai_score_weigh(x, flat, 2, 3, (const int64_t[]){0, 1, 2}, 2, out); /* says nothing, and hides nothing but by count */
  equal(out, (const float[]){1, 2, 0, 4, 5, 0});
}

/* x - moved = 1 0 0 | 0 0 -2 */
static void products_are_over_elements_or_over_pixels(void **state) {
  (void)state;
  const float moved[6] = {0, 2, 3, 4, 5, 8}, phi[6] = {3, 1, 1, 1, 1, 5};
  assert_true(xai_score_dot(x, moved, 2, 3, phi, 2) == 3 - 10);
  assert_true(xai_score_dot(x, moved, 2, 3, phi, 1) == 3 - 2);
}

/* of 20000: the mean is within 4 / sqrt(20000) = 0.03 deviations, the variance within 4 sqrt(2 / 20000) = 0.04 */
static void noise_has_its_moments_and_comes_from_its_stream(void **state) {
  (void)state;
  enum { N = 20000 };
  static float zeros[N], normal[N], uniform[N], again[N];
  xai_score_noise(zeros, N, xai_rng_stream(1, 2), true, 3, normal);
  xai_score_noise(zeros, N, xai_rng_stream(1, 3), false, 3, uniform);
  double sum = 0, square = 0, flat = 0;
  for (int i = 0; i < N; i++) {
    sum += normal[i], square += normal[i] * normal[i], flat += uniform[i] * uniform[i];
    assert_true(uniform[i] >= -3 && uniform[i] <= 3);
  }
  assert_true(fabs(sum / N) < 0.03 * 3);
  assert_true(fabs(square / N / 9 - 1) < 0.04);
  assert_true(fabs(flat / N / 3 - 1) < 0.04); /* uniform in -3 .. 3: 9 / 3 */
  xai_score_noise(zeros, N / 2, xai_rng_stream(1, 2), true, 3, again);
  for (int i = 0; i < N / 2; i++) assert_true(again[i] == normal[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pixels_are_exchanged_in_order_in_all_channels),
      cmocka_unit_test(a_map_weighs_the_picture),
      cmocka_unit_test(products_are_over_elements_or_over_pixels),
      cmocka_unit_test(noise_has_its_moments_and_comes_from_its_stream),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
