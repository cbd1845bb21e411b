/* With deviation 1 / sqrt(2 ln 2) the neighbours have half the middle's weight: a window of 3 is (1/4, 1/2, 1/4). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "kernels/kernels.h"

static void blur(int64_t planes, int64_t h, int64_t w, const float *x, int64_t size, double sigma, float *y) {
  void *work = xai_alloc(xk_blur_workspace(h, w, size));
  assert_non_null(work);
  xk_blur(planes, h, w, x, size, sigma, y, work);
  xai_free(work);
}

static void equal(const float *got, const float *want, int n) {
  for (int i = 0; i < n; i++) assert_true(fabs(got[i] - want[i]) <= 1e-6);
}

static void a_point_becomes_the_window(void **state) {
  (void)state;
  float y[9];
  blur(1, 3, 3, (const float[]){0, 0, 0, 0, 16, 0, 0, 0, 0}, 3, 1 / sqrt(2 * log(2)), y);
  equal(y, (const float[]){1, 2, 1, 2, 4, 2, 1, 2, 1}, 9);
}

/* corner: (1/2 + 1/4)^2, edge: (1/2 + 1/4) * 1 */
static void beyond_the_border_there_is_nothing(void **state) {
  (void)state;
  float y[12];
  blur(1, 3, 4, (const float[]){16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16}, 3, 1 / sqrt(2 * log(2)), y);
  equal(y, (const float[]){9, 12, 12, 9, 12, 16, 16, 12, 9, 12, 12, 9}, 12);
}

static void planes_do_not_mix_and_a_window_of_one_changes_nothing(void **state) {
  (void)state;
  float y[8], x[8] = {4, 0, 0, 0, 0, 0, 0, 8};
  blur(2, 2, 2, x, 3, 1 / sqrt(2 * log(2)), y);
  equal(y, (const float[]){1, .5f, .5f, .25f, .5f, 1, 1, 2}, 8);
  blur(2, 2, 2, x, 1, 3, y);
  equal(y, x, 8);
}

/* a window much larger than the picture: all that is left is cut */
static void a_window_may_exceed_the_picture(void **state) {
  (void)state;
  float y[2], x[2] = {1, 0};
  double g = exp(-0.5), sum = 1 + 2 * g;
  for (int k = 2; k <= 10; k++) sum += 2 * exp(-0.5 * k * k);
  blur(1, 1, 2, x, 21, 1, y);
  equal(y, (const float[]){(float)(1 / sum / sum), (float)(g / sum / sum)}, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_point_becomes_the_window),
      cmocka_unit_test(beyond_the_border_there_is_nothing),
      cmocka_unit_test(planes_do_not_mix_and_a_window_of_one_changes_nothing),
      cmocka_unit_test(a_window_may_exceed_the_picture),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
