/* Penalties: values by hand, gradients against central differences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "explain/prior.h"

static void near(double got, double want, double tolerance) {
  if (!(fabs(got - want) <= tolerance)) fail_msg("expected %.12g, got %.12g", want, got);
}

/*   1 3   across 2, down -1: 5    (right column) down 4: 16
 *   0 7   (last row) across 7: 49                                */
static void variation_counts_squares_of_differences(void **state) {
  (void)state;
  const float z[4] = {1, 3, 0, 7};
  near(xai_prior__variation(1, 2, 2, z, 2, true, 0, NULL), 5 + 16 + 49, 0);
  near(xai_prior__variation(1, 2, 2, z, 2, false, 0, NULL), 5, 0);
  near(xai_prior__variation(1, 2, 2, z, 1, true, 0, NULL), sqrt(5) + 4 + 7, 1e-12);
  float g[4] = {10, 10, 10, 10};
  (void)xai_prior__variation(1, 2, 2, z, 2, false, 0.5, g); /* 2 (x2 - x1) = 4, 2 (x3 - x1) = -2, and minus both */
  const float want[4] = {10 - 0.5f * 2, 10 + 0.5f * 4, 10 - 0.5f * 2, 10};
  assert_memory_equal(g, want, sizeof want);
}

static void planes_do_not_touch(void **state) {
  (void)state;
  const float z[4] = {0, 0, 100, 100};
  near(xai_prior__variation(2, 1, 2, z, 2, true, 0, NULL), 0, 0);
}

static void powers_sum(void **state) {
  (void)state;
  const float z[3] = {-2, 0, 1};
  float g[3] = {0};
  near(xai_prior__power(3, z, 2, 1, g), 5, 0);
  assert_memory_equal(g, ((const float[]){-4, 0, 2}), sizeof g);
  memset(g, 0, sizeof g);
  near(xai_prior__power(3, z, 6, 0.5, g), 65, 0); /* 6/2 z^5 */
  assert_memory_equal(g, ((const float[]){-96, 0, 3}), sizeof g);
  memset(g, 0, sizeof g);
  near(xai_prior__power(3, z, 1, 1, g), 3, 0);
  assert_memory_equal(g, ((const float[]){-1, 0, 1}), sizeof g);
}

enum { C = 2, H = 5, W = 4, N = C * H * W };

typedef double penalty(const float *z, double exponent, float *g);
static double variation(const float *z, double exponent, float *g) {
  return xai_prior__variation(C, H, W, z, exponent, true, 0.7, g);
}
static double inner(const float *z, double exponent, float *g) {
  return xai_prior__variation(C, H, W, z, exponent, false, 0.7, g);
}
static double power(const float *z, double exponent, float *g) { return xai_prior__power(N, z, exponent, 0.7, g); }

/* Steps of 2^-10 are exact in the float32 elements, so that the difference is the quotient's own error. */
static void gradients_are_those_of_central_differences(void **state) {
  (void)state;
  static const double exponents[] = {1, 1.5, 2, 3, 6};
  penalty *const penalties[] = {variation, inner, power};
  float z[N], g[N];
  uint64_t base = xai_rng_stream(3, 3);
  const float step = 0x1p-10f;
  for (int i = 0; i < N; i++) z[i] = roundf(64 * (float)xai_rng_normal(base, (uint64_t)i)) / 16 + 1 / 32.0f;
  for (size_t p = 0; p < 3; p++)
    for (size_t k = 0; k < sizeof exponents / sizeof exponents[0]; k++) {
      memset(g, 0, sizeof g);
      (void)penalties[p](z, exponents[k], g);
      double scale = 0;
      for (int i = 0; i < N; i++) scale = fmax(scale, fabs((double)g[i]));
      for (int i = 0; i < N; i++) {
        float saved = z[i];
        z[i] = saved + step;
        double above = penalties[p](z, exponents[k], NULL);
        z[i] = saved - step;
        double below = penalties[p](z, exponents[k], NULL);
        z[i] = saved;
        near(g[i], 0.7 * (above - below) / (2 * (double)step), 1e-4 * (scale + 1));
      }
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(variation_counts_squares_of_differences),
      cmocka_unit_test(planes_do_not_touch),
      cmocka_unit_test(powers_sum),
      cmocka_unit_test(gradients_are_those_of_central_differences),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
