/* Batch normalisation and local response normalisation: by hand, against the definition and differences. */
#include <math.h>

#include "ktest.h"

static void batch_norm_matches_hand_calculation(void **state) {
  (void)state;
  /* channel 0: var + eps = 3.5 + .5 = 4, scale 6, mean 1, bias 10: y = 3(x-1) + 10
   * channel 1: var + eps = .25, scale -1, mean 0, bias 0: y = -2x */
  const float x[] = {1, 2, 3, 4}, scale[] = {6, -1}, bias[] = {10, 0}, mean[] = {1, 0}, var[] = {3.5f, -0.25f},
              dy[] = {1, 2, 3, 4};
  float y[4], dx[4], ds[2];
  xk_batchnorm_forward(1, 2, 2, 0.5f, x, scale, bias, mean, var, y);
  assert_equal(4, y, (const float[]){10, 13, -6, -8});
  xk_batchnorm_backward_input(1, 2, 2, 0.5f, scale, var, dy, dx);
  assert_equal(4, dx, (const float[]){3, 6, -6, -8});
  /* dscale: (1*0 + 2*1)/2 = 1 and (3*3 + 4*4)*2 = 50; as a batch of two: channel 0 sees x = 1 3, channel 1 sees 2 4 */
  xk_batchnorm_backward_scale(1, 2, 2, 0.5f, x, mean, var, dy, ds);
  assert_equal(2, ds, (const float[]){1, 50});
  xk_batchnorm_backward_scale(2, 2, 1, 0.5f, x, mean, var, dy, ds); /* (1*0 + 3*2)/2, (2*2 + 4*4)*2 */
  assert_equal(2, ds, (const float[]){3, 40});
}

/* One channel, x = 1 3 | 5 7 in two images: mean 4, variance (9 + 1 + 1 + 9) / 4 = 5, with eps 4 the deviation is 3.
 * scale 6, bias 10: y = 2 (x - 4) + 10. dy = 1 0 | 0 3: S = 4, P = -3 + 9 = 6; dscale = 6/3 = 2, dbias = 4,
 * dx = 2 (dy - 4/4 - (x - 4) / 9 * 6/4) = 2 (dy - 1 - (x - 4) / 6) = 2 (0 + 1/2), 2 (-1 + 1/6), 2 (-1 - 1/6), 2 (2 - 1/2) */
static void statistics_of_the_batch_match_hand_calculation(void **state) {
  (void)state;
  const float x[] = {1, 3, 5, 7}, scale[] = {6}, bias[] = {10}, dy[] = {1, 0, 0, 3};
  float y[4], dx[4], mean, var, dscale, dbias;
  xk_batchnorm_learn_forward(2, 1, 2, 4, x, scale, bias, &mean, &var, y);
  assert_equal(1, &mean, (const float[]){4});
  assert_equal(1, &var, (const float[]){5});
  assert_close(4, y, (const float[]){4, 8, 12, 16}, 1e-6);
  xk_batchnorm_learn_backward(2, 1, 2, 4, x, scale, dy, dx, &dscale, &dbias);
  assert_close(1, &dscale, (const float[]){2}, 1e-6);
  assert_equal(1, &dbias, (const float[]){4});
  assert_close(4, dx, (const float[]){1, -5.0f / 3, -7.0f / 3, 3}, 1e-6);
}

/* A mean of 10000 beside a deviation of 1: a sum of squares in float32 would have lost the variance. */
static void a_large_mean_costs_no_accuracy(void **state) {
  (void)state;
  enum { COUNT = 4000 };
  float *x = floats(COUNT), *y = floats(COUNT), one = 1, zero = 0, mean, var;
  for (int64_t i = 0; i < COUNT; i++) x[i] = i % 2 == 0 ? 9999 : 10001;
  xk_batchnorm_learn_forward(4, 1, COUNT / 4, 0, x, &one, &zero, &mean, &var, y);
  assert_equal(1, &mean, (const float[]){10000});
  assert_equal(1, &var, (const float[]){1});
  for (int64_t i = 0; i < COUNT; i++) assert_true(y[i] == (i % 2 == 0 ? -1 : 1));
  free(x);
  free(y);
}

static void lrn_matches_hand_calculation(void **state) {
  (void)state;
  /* size 3, alpha 3, beta 1, bias 1, one pixel, x = 1 2 3: s = 1 + squares of neighbours = 6 15 14 */
  const float x[] = {1, 2, 3}, want[] = {1.0f / 6, 2.0f / 15, 3.0f / 14};
  float y[3];
  xk_lrn_forward(1, 3, 1, 3, 3, 1, 1, x, y);
  assert_close(3, y, want, 1e-7);
  /* size 2 sees the channel itself and the next: alpha 2, s = 1 + 5, 1 + 13, 1 + 9 */
  const float even[] = {1.0f / 6, 2.0f / 14, 3.0f / 10};
  xk_lrn_forward(1, 3, 1, 2, 2, 1, 1, x, y);
  assert_close(3, y, even, 1e-7);
}

static void lrn_with_exponent_three_quarters_equals_pow(void **state) {
  (void)state;
  float *x = reals(2 * 7 * 100, 1), *y = floats(2 * 7 * 100);
  xk_lrn_forward(2, 7, 100, 5, 2, 0.75f, 1.5f, x, y);
  for (int64_t i = 0; i < 1400; i++) {
    int64_t c = i / 100 % 7, plane = i - c * 100;
    double s = 0;
    for (int64_t j = c - 2; j <= c + 2; j++)
      if (j >= 0 && j < 7) s += (double)x[plane + j * 100] * x[plane + j * 100];
    assert_true(fabs(y[i] - x[i] * pow(1.5 + 2.0 / 5 * s, -0.75)) < 1e-6);
  }
  free(x);
  free(y);
}

static void lrn_backward(int64_t n, int64_t c, int64_t hw, int64_t size, float alpha, float beta, const float *x,
                         const float *dy, float *dx) {
  void *work = malloc(xk_lrn_backward_workspace(c, size));
  assert_non_null(work);
  xk_lrn_backward(n, c, hw, size, alpha, beta, 1, x, dy, dx, work);
  free(work);
}

static void lrn_gradient_matches_hand_calculation(void **state) {
  (void)state;
  /* size 3, alpha 3, beta 1, bias 1, x = 1 2 3: s = 6 15 14 as above, and y[c] = x[c] / s[c] has the derivatives
   * 1 / s[c] (j = c) - 2 x[c] x[j] / s[c]^2 (j a neighbour of c or c). With dy = s^2 the sums are over x[c]:
   *   dx[0] = 6 - 2*1*(1 + 2),  dx[1] = 15 - 2*2*(1 + 2 + 3),  dx[2] = 14 - 2*3*(2 + 3) */
  const float x[] = {1, 2, 3}, dy[] = {36, 225, 196}, want[] = {0, -9, -16};
  float dx[3];
  lrn_backward(1, 3, 1, 3, 3, 1, x, dy, dx);
  assert_close(3, dx, want, 1e-5);
}

/* d <y, dy> / dx by central differences, accurate to about 1e-3 in float */
static void lrn_gradient_matches_differences(void **state) {
  (void)state;
  enum { C = 6, HW = 3, N = 2 * C * HW };
  static const struct {
    int64_t size;
    float beta;
  } cases[] = {{5, 0.75f}, {3, 1.3f}, {2, 0.75f}, {1, 0.5f}, {99, 0.75f}};
  for (size_t t = 0; t < sizeof cases / sizeof *cases; t++) {
    float *x = reals(N, 1), *dy = reals(N, 2), dx[N], y[N];
    lrn_backward(2, C, HW, cases[t].size, 2, cases[t].beta, x, dy, dx);
    for (int i = 0; i < N; i++) {
      float old = x[i], h = 1.0f / 128;
      x[i] = old + h;
      xk_lrn_forward(2, C, HW, cases[t].size, 2, cases[t].beta, 1, x, y);
      double up = inner_product(N, y, dy);
      x[i] = old - h;
      xk_lrn_forward(2, C, HW, cases[t].size, 2, cases[t].beta, 1, x, y);
      double slope = (up - inner_product(N, y, dy)) / (2 * (double)h);
      x[i] = old;
      assert_true(fabs(slope - dx[i]) < 1e-3);
    }
    free(x);
    free(dy);
  }
}

static void run_all(const void *x_, float *out) {
  enum { PLANES = 3 * 8, HW = 1000, N = PLANES * HW };
  const float *x = x_, *dy = x + N, *channel = dy + N;
  float var[8];
  for (int i = 0; i < 8; i++) var[i] = 1 + channel[i];
  xk_batchnorm_forward(3, 8, HW, 1e-3f, x, channel, channel, channel, var, out);
  xk_batchnorm_backward_input(3, 8, HW, 1e-3f, channel, var, dy, out + N);
  xk_lrn_forward(3, 8, HW, 5, 1, 0.75f, 1, x, out + 2 * N);
  lrn_backward(3, 8, HW, 5, 1, 0.75f, x, dy, out + 3 * N);
  xk_batchnorm_backward_scale(3, 8, HW, 1e-3f, x, channel, var, dy, out + 4 * N);
  xk_batchnorm_learn_forward(3, 8, HW, 1e-3f, x, channel, channel, out + 4 * N + 8, out + 4 * N + 16, out + 4 * N + 24);
  xk_batchnorm_learn_backward(3, 8, HW, 1e-3f, x, channel, dy, out + 5 * N + 24, out + 6 * N + 24, out + 6 * N + 32);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  float *x = reals(2 * 24000 + 8, 1);
  assert_same_bits_for_any_threads(run_all, x, 6 * 24000 + 40);
  free(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(batch_norm_matches_hand_calculation),
      cmocka_unit_test(statistics_of_the_batch_match_hand_calculation),
      cmocka_unit_test(a_large_mean_costs_no_accuracy),
      cmocka_unit_test(lrn_matches_hand_calculation),
      cmocka_unit_test(lrn_with_exponent_three_quarters_equals_pow),
      cmocka_unit_test(lrn_gradient_matches_hand_calculation),
      cmocka_unit_test(lrn_gradient_matches_differences),
      cmocka_unit_test(bits_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
