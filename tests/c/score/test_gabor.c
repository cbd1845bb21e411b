/* Gabor fits: filters that were made from known numbers give them back; what is no Gabor function leaves much over. */
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

enum { SIDE = 11, TAPS = SIDE * SIDE };
#define PI 3.14159265358979323846

static xai_score_gabor_fit fit(const float *w, int64_t c, int64_t h, int64_t width, float *model) {
  xai_score_gabor_fit f;
  xai_err err = {""};
  assert_int_equal(xai_score_gabor(w, c, h, width, &f, model, &err), XAI_OK);
  return f;
}

static void assert_near(double got, double want, double tolerance) {
  if (!(fabs(got - want) <= tolerance)) fail_msg("expected %.9g, got %.9g", want, got);
}

/* amplitude g(x, y) + offset, by the formula of score.h. */
static void make(const xai_score_gabor_fit *f, double amplitude, double offset, float w[TAPS]) {
  for (int i = 0; i < TAPS; i++) {
    double dx = i % SIDE - f->x, dy = i / SIDE - f->y;
    double a = dx * cos(f->theta) - dy * sin(f->theta), b = dx * sin(f->theta) + dy * cos(f->theta);
    double g = exp(-a * a / (2 * f->along * f->along) - b * b / (2 * f->across * f->across)) *
               cos(2 * PI * f->frequency * a + f->phase);
    w[i] = (float)(offset + amplitude * g);
  }
}

static void assert_same(const xai_score_gabor_fit *got, const xai_score_gabor_fit *want) {
  assert_near(got->x, want->x, 1e-3);
  assert_near(got->y, want->y, 1e-3);
  assert_near(got->theta, want->theta, 1e-3);
  assert_near(got->frequency, want->frequency, 1e-4);
  assert_near(got->phase, want->phase, 1e-3);
  assert_near(got->along, want->along, 1e-3);
  assert_near(got->across, want->across, 1e-3);
  assert_near(got->residual, 0, 1e-8);
}

static void a_gabor_function_gives_its_numbers_back(void **state) {
  (void)state;
  static const xai_score_gabor_fit cases[] = {
      {.x = 5, .y = 5, .theta = 0, .frequency = 0.2, .phase = 0, .along = 2, .across = 2},
      {.x = 5, .y = 5, .theta = PI / 4, .frequency = 0.15, .phase = PI / 2, .along = 2, .across = 3},
      {.x = 4.3, .y = 5.6, .theta = 2.2, .frequency = 0.25, .phase = -1, .along = 1.7, .across = 2.4},
      {.x = 6, .y = 4, .theta = 1.5, .frequency = 0.35, .phase = 2.5, .along = 1.5, .across = 1.2},
      {.x = 5.2, .y = 4.9, .theta = 3, .frequency = 0.12, .phase = 1.2, .along = 2.5, .across = 4},
  };
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    float w[TAPS], model[TAPS];
    make(&cases[k], 0.3, 0.05, w);
    xai_score_gabor_fit f = fit(w, 1, SIDE, SIDE, model);
    assert_same(&f, &cases[k]);
    for (int i = 0; i < TAPS; i++) assert_near(model[i], w[i], 1e-4);
  }
}

/* Channels 0.1, -0.4 and 0.2 times the same function: the second has the largest amplitude, so that its phase is told, turned
 * by pi because it is negative: 0.5 - pi. */
static void colours_share_a_shape_and_the_strongest_tells_the_phase(void **state) {
  (void)state;
  xai_score_gabor_fit want = {.x = 5, .y = 4.5, .theta = 0.8, .frequency = 0.18, .phase = 0.5, .along = 2, .across = 2.6};
  float w[3 * TAPS], model[3 * TAPS];
  make(&want, 0.1, 0.3, w);
  make(&want, -0.4, 0, w + TAPS);
  make(&want, 0.2, -0.2, w + 2 * TAPS);
  xai_score_gabor_fit f = fit(w, 3, SIDE, SIDE, model);
  want.phase -= PI;
  assert_same(&f, &want);
  for (int i = 0; i < 3 * TAPS; i++) assert_near(model[i], w[i], 1e-4);
}

/* The amplitude of a Gaussian of deviation s is one half at 1/s sqrt(ln 2 / 2) / pi from its middle: 0.0937 for s = 2. Around
 * 0.2 these are 0.1063 and 0.2937, log2 of 2.763 apart: 1.466. Around 0.05 they reach beyond 0. */
static void bandwidth_is_in_octaves_at_half_the_amplitude(void **state) {
  (void)state;
  xai_score_gabor_fit want = {.x = 5, .y = 5, .theta = 1, .frequency = 0.2, .phase = 1, .along = 2, .across = 2};
  float w[TAPS];
  make(&want, 1, 0, w);
  assert_near(fit(w, 1, SIDE, SIDE, NULL).bandwidth, 1.466, 2e-3);
  want.frequency = 0.05;
  make(&want, 1, 0, w);
  assert_true(isinf(fit(w, 1, SIDE, SIDE, NULL).bandwidth));
}

/* With independent noise of a tenth of the filter's energy the best fit leaves about that, less what its nine numbers of
 * 121 fit of it: between 0.07 and 0.1 of the whole. */
static void noise_on_top_is_left_over(void **state) {
  (void)state;
  const xai_score_gabor_fit want = {.x = 5, .y = 5, .theta = 1, .frequency = 0.2, .phase = 1, .along = 2, .across = 2.5};
  float w[TAPS];
  double square = 0, noise = 0, e[TAPS];
  make(&want, 1, 0, w);
  for (uint64_t i = 0; i < TAPS; i++) {
    e[i] = xai_rng_normal(9, i);
    square += w[i] * w[i];
    noise += e[i] * e[i];
  }
  for (int i = 0; i < TAPS; i++) w[i] += (float)(e[i] * sqrt(0.1 * square / noise));
  xai_score_gabor_fit f = fit(w, 1, SIDE, SIDE, NULL);
  assert_true(f.residual > 0.07 && f.residual < 0.1);
  assert_near(f.theta, want.theta, 0.1);
  assert_near(f.frequency, want.frequency, 0.01);
}

/* Of 363 independent numbers one shape with three colours takes a small part. */
static void noise_alone_is_no_gabor_function(void **state) {
  (void)state;
  float w[3 * TAPS];
  for (uint64_t k = 0; k < 10; k++) {
    for (uint64_t i = 0; i < 3 * TAPS; i++) w[i] = (float)xai_rng_normal(xai_rng_stream(2, k), i);
    assert_true(fit(w, 3, SIDE, SIDE, NULL).residual > 0.7);
  }
}

static void flat_small_and_wild_filters_do_no_harm(void **state) {
  (void)state;
  float w[TAPS], model[TAPS];
  for (int i = 0; i < TAPS; i++) w[i] = 0.1f;
  xai_score_gabor_fit f = fit(w, 1, SIDE, SIDE, model);
  assert_true(f.residual == 1 && f.frequency == 0);
  assert_memory_equal(model, w, sizeof w);
  f = fit((const float[]){1, 2, 3, 5}, 1, 2, 2, model);
  assert_true(f.residual >= 0 && f.residual <= 1);
  const float step[] = {1, 1, 1, 1, -1, -1, -1, -1};
  f = fit(step, 1, 2, 4, model);
  assert_near(fabs(f.theta - PI / 2), 0, 1e-6); /* lying stripes */
  w[3] = NAN;
  assert_true(fit(w, 1, SIDE, SIDE, NULL).residual == 1);
  w[3] = 1e30f;
  assert_true(fit(w, 1, SIDE, SIDE, NULL).residual <= 1);
}

static void short_memory_and_a_request_to_stop_are_errors(void **state) {
  (void)state;
  float w[TAPS];
  xai_score_gabor_fit f = {.residual = -1};
  xai_err err = {""};
  for (int i = 0; i < TAPS; i++) w[i] = (float)(i % 7);
  size_t live = xai_mem_live();
  for (int k = 0; k < 2; k++) {
    xai_mem_fail_after(k, false);
    assert_int_equal(xai_score_gabor(w, 1, SIDE, SIDE, &f, NULL, &err), XAI_ENOMEM);
    xai_mem_fail_after(-1, false);
  }
  xai_stop_request();
  assert_int_equal(xai_score_gabor(w, 1, SIDE, SIDE, &f, NULL, &err), XAI_ESTOP);
  xai_stop_clear();
  assert_true(f.residual == -1 && xai_mem_live() == live);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_gabor_function_gives_its_numbers_back),
      cmocka_unit_test(colours_share_a_shape_and_the_strongest_tells_the_phase),
      cmocka_unit_test(bandwidth_is_in_octaves_at_half_the_amplitude),
      cmocka_unit_test(noise_on_top_is_left_over),
      cmocka_unit_test(noise_alone_is_no_gabor_function),
      cmocka_unit_test(flat_small_and_wild_filters_do_no_harm),
      cmocka_unit_test(short_memory_and_a_request_to_stop_are_errors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
