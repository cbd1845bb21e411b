/* Spectra: gratings whose peaks are known, and Parseval's law. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "score/score.h"

enum { SIDE = 16, N = 16 };
#define PI 3.14159265358979323846

static void spectrum(const float *w, int64_t c, int64_t h, int64_t width, int64_t n, float *out) {
  xai_err err = {""};
  assert_int_equal(xai_score_spectrum(w, c, h, width, n, out, &err), XAI_OK);
}

static void assert_near(double got, double want) {
  if (!(fabs(got - want) < 1e-5)) fail_msg("expected %.9g, got %.9g", want, got);
}

/* cos of 3 cycles to the right and 2 down: half of each of the 256 weights' amplitude at (3, 2 down) and at the opposite
 * place, 128 each; the middle is row 8, column 8. A constant of 5 is 5 * 256 there. */
static void a_grating_has_its_two_points_where_it_runs_to(void **state) {
  (void)state;
  float w[SIDE * SIDE], out[N * N];
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++) w[y * SIDE + x] = (float)(5 + cos(2 * PI * (3 * x + 2 * y) / SIDE));
  spectrum(w, 1, SIDE, SIDE, N, out);
  for (int y = 0; y < N; y++)
    for (int x = 0; x < N; x++) {
      bool peak = (x == 8 + 3 && y == 8 + 2) || (x == 8 - 3 && y == 8 - 2);
      assert_near(out[y * N + x] / 128, x == 8 && y == 8 ? 10 : peak ? 1 : 0);
    }
}

/* The filter 1 -1: at u of 4 the amplitude is |1 - e^(-2 pi i u / 4)| = 0, sqrt(2), 2, sqrt(2), whatever v; columns 0 to 3
 * are u = -2 to 1. Two such channels have sqrt(2) times as much. */
static void a_small_filter_is_laid_into_a_larger_square(void **state) {
  (void)state;
  const float w[] = {1, -1, -1, 1};
  const double want[] = {2, sqrt(2), 0, sqrt(2)};
  float out[16];
  spectrum(w, 1, 1, 2, 4, out);
  for (int i = 0; i < 16; i++) assert_near(out[i], want[i % 4]);
  spectrum(w, 2, 1, 2, 4, out);
  for (int i = 0; i < 16; i++) assert_near(out[i], sqrt(2) * want[i % 4]);
}

/* Parseval: the mean of the power is the sum of the squares, however large the square. */
static void the_mean_of_the_power_is_the_sum_of_squares(void **state) {
  (void)state;
  float w[3 * 5 * 7], out[20 * 20];
  double square = 0;
  for (uint64_t i = 0; i < 3 * 5 * 7; i++) {
    w[i] = (float)xai_rng_normal(4, i);
    square += (double)w[i] * w[i];
  }
  for (int n = 7; n <= 20; n += 13) {
    double sum = 0;
    spectrum(w, 3, 5, 7, n, out);
    for (int i = 0; i < n * n; i++) sum += (double)out[i] * out[i] / (n * n);
    assert_near(sum / square, 1);
  }
}

static void short_memory_and_a_request_to_stop_are_errors(void **state) {
  (void)state;
  const float w[4] = {1, 2, 3, 5};
  float out[4];
  xai_err err = {""};
  for (int k = 0; k < 2; k++) {
    xai_mem_fail_after(k, false);
    assert_int_equal(xai_score_spectrum(w, 1, 2, 2, 2, out, &err), XAI_ENOMEM);
    xai_mem_fail_after(-1, false);
  }
  xai_stop_request();
  assert_int_equal(xai_score_spectrum(w, 1, 2, 2, 2, out, &err), XAI_ESTOP);
  xai_stop_clear();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_grating_has_its_two_points_where_it_runs_to),
      cmocka_unit_test(a_small_filter_is_laid_into_a_larger_square),
      cmocka_unit_test(the_mean_of_the_power_is_the_sum_of_squares),
      cmocka_unit_test(short_memory_and_a_request_to_stop_are_errors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
