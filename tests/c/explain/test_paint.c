/* Pictures made of other numbers: by hand, and every gradient against central differences. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explain/paint.h"
#include "graph/tiny.h"
#include "kernels/kernels.h"

enum { H = 6, W = 5, PLANE = H * W, SIZE = 3 * PLANE };

/* A network with preprocessing of its own; what it computes does not matter. A byte's mean is mean / scale: 20, 40, 60. */
static xai_net *coloured_net(bool bgr) {
  xai_net *net = tiny_net(), *view = NULL;
  xai_preprocess p = {.name = "custom", .bgr = bgr, .scale = 0.5f, .mean = {10, 20, 30}, .std = {1, 2, 4}};
  must(xai_net_set_preprocess(net, &p, &view, err));
  xai_net_free(net);
  return view;
}

static xai_canvas canvas(xai_net *net, int64_t c, int64_t h, int64_t w) {
  static float zeros[SIZE];
  xai_canvas v;
  must(xai_canvas__open(net, &(xai_view){XAI_F32, XAI_SHAPE(1, c, h, w), zeros}, 0, &v, err));
  return v;
}

static xai_ascent_opts made_of(xai_medium medium) {
  xai_ascent_opts o;
  xai_method_defaults(xai_method_find("feature_image"), &o);
  o.medium = medium;
  o.colours = false;
  o.seed = 3;
  return o;
}

static double byte(const xai_canvas *v, int64_t k, int64_t i) {
  const double mean[3] = {20, 40, 60};
  return v->z[k * v->h * v->w + i] + mean[k];
}

static void near(double got, double want, double tolerance) {
  if (!(fabs(got - want) <= tolerance)) fail_msg("%.9g, expected %.9g", got, want);
}

/* sigmoid 0 = 1/2, sigmoid(ln 3) = 3/4, sigmoid(-ln 3) = 1/4; its tangent at 0: 1/2 + q/4 */
static void pixels_become_bytes_by_a_sigmoid_or_its_tangent(void **state) {
  (void)state;
  xai_net *net = coloured_net(false);
  xai_canvas v = canvas(net, 3, 1, 1);
  xai_ascent_opts o = made_of(XAI_MEDIUM_PIXELS);
  xai_paint p;
  must(xai_paint__open(&p, &o, &v, err));
  assert_int_equal(p.n, 3);
  p.p[0] = 0, p.p[1] = (float)log(3), p.p[2] = -(float)log(3);
  xai_paint__show(&p, &v);
  for (int k = 0; k < 3; k++) near(byte(&v, k, 0), 255 * (k == 0 ? 0.5 : k == 1 ? 0.75 : 0.25), 1e-4);
  p.sigmoid = false;
  p.p[1] = 1, p.p[2] = -2;
  xai_paint__show(&p, &v);
  for (int k = 0; k < 3; k++) near(byte(&v, k, 0), 255 * (k == 0 ? 0.5 : k == 1 ? 0.75 : 0), 1e-4);
  p.stretch = 0.5; /* 0 to 3/4, in the middle 2/3 of it: 1/4 to 3/4 */
  xai_paint__show(&p, &v);
  for (int k = 0; k < 3; k++) near(byte(&v, k, 0), 255 * (k == 0 ? 0.25 + 0.5 * 2 / 3 : k == 1 ? 0.75 : 0.25), 1e-4);
  xai_paint__close(&p);
  xai_canvas__close(&v);
  xai_net_free(net);
}

/* One wave, down once and not across, h = 4, w = 2: f = max(1/4, 1/4), raw = sqrt 8 4 p cos(2 pi i/4) / 4 times 1/8 */
static void a_coefficient_is_a_wave(void **state) {
  (void)state;
  xai_net *net = coloured_net(false);
  xai_canvas v = canvas(net, 1, 4, 2);
  xai_ascent_opts o = made_of(XAI_MEDIUM_FOURIER);
  xai_paint p;
  o.init = XAI_START_ZEROS;
  must(xai_paint__open(&p, &o, &v, err));
  assert_int_equal(p.n, 4 * 2 * 2);
  p.sigmoid = false;
  p.p[2 * (1 * 2 + 0)] = 1;
  xai_paint__show(&p, &v);
  double top = sqrt(8) / 8;
  for (int i = 0; i < 8; i++) near(p.raw[i], top * (i / 2 == 0 ? 1 : i / 2 == 2 ? -1 : 0), 1e-6);
  for (int i = 0; i < 8; i++) near(byte(&v, 0, i), 255 * (0.5 + p.raw[i] / 4), 1e-4);
  xai_paint__close(&p);
  o.fall = 2;
  must(xai_paint__open(&p, &o, &v, err));
  p.p[2 * (1 * 2 + 0)] = 1;
  xai_paint__show(&p, &v);
  near(p.raw[0], 4 * top, 1e-5);
  xai_paint__close(&p);
  xai_canvas__close(&v);
  xai_net_free(net);
}

/* Whatever the phases: the magnitudes' proportions are those asked for, mean 0 and deviation 1. */
static void phases_leave_magnitudes_as_they_are(void **state) {
  (void)state;
  enum { N = 16, WAVES = N * (N / 2 + 1) };
  static float own[WAVES], spectrum[2 * WAVES];
  xai_net *net = coloured_net(false);
  static float zeros[N * N];
  xai_canvas v;
  must(xai_canvas__open(net, &(xai_view){XAI_F32, XAI_SHAPE(1, 1, N, N), zeros}, 0, &v, err));
  xai_ascent_opts o = made_of(XAI_MEDIUM_PHASES);
  o.noise = 1;
  for (int i = 0; i < WAVES; i++) own[i] = (float)(1 + i % 7);
  xai_view magnitudes = {XAI_F32, XAI_SHAPE(1, N, N / 2 + 1), own};
  o.spectrum = &magnitudes;
  xai_paint p;
  must(xai_paint__open(&p, &o, &v, err));
  assert_int_equal(p.n, WAVES);
  xai_paint__show(&p, &v);
  double mean = 0, square = 0, ratio = 0;
  for (int i = 0; i < N * N; i++) mean += p.raw[i] / (N * N), square += p.raw[i] * p.raw[i] / (N * N);
  near(mean, 0, 1e-5);
  near(square, 1, 1e-4);
  void *work = malloc(xk_rfft2_workspace(1, N, N));
  xk_rfft2_forward(1, N, N, p.raw, spectrum, work);
  free(work);
  for (int k = 0; k < N; k++)
    for (int l = 1; l < N / 2; l++) { /* those at the sides are their own or each other's conjugates */
      int i = k * (N / 2 + 1) + l;
      double now = hypot(spectrum[2 * i], spectrum[2 * i + 1]) / own[i];
      if (ratio == 0) ratio = now;
      near(now, ratio, 1e-4 * ratio);
    }
  xai_paint__close(&p);
  xai_canvas__close(&v);
  xai_net_free(net);
}

/* The first of the three is brightness, in .26 .27 .27 over sqrt(.26^2 + 2 .27^2); the second .09, 0, -.09 to red and blue. */
static void colours_are_mixed_and_know_the_order(void **state) {
  (void)state;
  double unit = sqrt(0.26 * 0.26 + 2 * 0.27 * 0.27);
  for (int bgr = 0; bgr < 2; bgr++) {
    xai_net *net = coloured_net(bgr != 0);
    xai_canvas v = canvas(net, 3, 1, 2);
    xai_ascent_opts o = made_of(XAI_MEDIUM_PIXELS);
    o.init = XAI_START_ZEROS;
    o.colours = true;
    o.sigmoid = false;
    xai_paint p;
    must(xai_paint__open(&p, &o, &v, err));
    p.p[0] = 1;                 /* first pixel, brightness */
    p.p[1 * 2 + 1] = 1;         /* second pixel, red against blue */
    xai_paint__show(&p, &v);
    const double first[3] = {0.26, 0.27, 0.27}, second[3] = {0.09, 0, -0.09};
    for (int k = 0; k < 3; k++) {
      int at = bgr ? 2 - k : k;
      near(byte(&v, at, 0), 255 * (0.5 + first[k] / unit / 4), 1e-3);
      near(byte(&v, at, 1), 255 * (0.5 + second[k] / unit / 4), 1e-3);
    }
    xai_paint__close(&p);
    xai_canvas__close(&v);
    xai_net_free(net);
  }
}

/* S = sum of w z. Steps of 0.01 along each number. */
static void gradients_agree_with_central_differences(void **state) {
  (void)state;
  for (int which = 0; which < 18; which++) {
    xai_net *net = coloured_net(which % 2 != 0);
    xai_canvas v = canvas(net, 3, H, W);
    xai_ascent_opts o = made_of((xai_medium)(which % 3));
    o.colours = which / 3 % 2 != 0;
    o.sigmoid = which % 4 != 0;
    o.stretch = which >= 12 ? 0.9 : 0;
    o.noise = 0.5;
    xai_paint p;
    must(xai_paint__open(&p, &o, &v, err));
    float w[SIZE], *g = malloc((size_t)p.n * sizeof *g);
    double largest = 0;
    for (int i = 0; i < SIZE; i++) w[i] = (float)(i * 29 % 13 - 6) / 6;
    xai_paint__show(&p, &v);
    memcpy(v.g, w, sizeof w);
    xai_paint__take(&p, &v);
    memcpy(g, p.g, (size_t)p.n * sizeof *g);
    for (int64_t i = 0; i < p.n; i++) largest = fmax(largest, fabs(g[i]));
    for (int64_t i = 0; i < p.n; i++) {
      double s[2];
      float before = p.p[i];
      for (int side = 0; side < 2; side++) {
        p.p[i] = before + (side == 0 ? -0.01f : 0.01f);
        xai_paint__show(&p, &v);
        s[side] = 0;
        for (int k = 0; k < SIZE; k++) s[side] += (double)w[k] * v.z[k];
      }
      p.p[i] = before;
      double slope = (s[1] - s[0]) / 0.02;
      if (!(fabs(slope - g[i]) <= 2e-3 * largest)) fail_msg("%d, number %d: %g, gradient %g of %g", which, (int)i, slope, (double)g[i], largest);
    }
    free(g);
    xai_paint__close(&p);
    xai_canvas__close(&v);
    xai_net_free(net);
  }
}

static void what_changes_pixels_is_refused(void **state) {
  (void)state;
  xai_net *net = coloured_net(false);
  xai_canvas v = canvas(net, 3, H, W);
  xai_ascent_opts o = made_of(XAI_MEDIUM_FOURIER);
  xai_paint p;
  xai_err err;
  o.blur = 1;
  assert_int_equal(xai_paint__open(&p, &o, &v, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "blur: changes pixels, but the picture is made of other numbers"));
  xai_paint__close(&p);
  o.blur = 0;
  o.init = XAI_START_PICTURE;
  assert_int_equal(xai_paint__open(&p, &o, &v, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "init: a picture has no such numbers"));
  xai_paint__close(&p);
  o.init = XAI_START_NOISE;
  xai_view wrong = {XAI_F32, XAI_SHAPE(3, H, W), v.z};
  o.spectrum = &wrong;
  assert_int_equal(xai_paint__open(&p, &o, &v, &err), XAI_EARG);
  assert_string_equal(err.text, "spectrum: belongs to medium phases");
  xai_paint__close(&p);
  o.medium = XAI_MEDIUM_PHASES;
  assert_int_equal(xai_paint__open(&p, &o, &v, &err), XAI_ESHAPE);
  assert_string_equal(err.text, "spectrum: expected float32 3x6x3, got float32 3x6x5");
  xai_paint__close(&p);
  xai_canvas__close(&v);
  xai_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pixels_become_bytes_by_a_sigmoid_or_its_tangent),
      cmocka_unit_test(a_coefficient_is_a_wave),
      cmocka_unit_test(phases_leave_magnitudes_as_they_are),
      cmocka_unit_test(colours_are_mixed_and_know_the_order),
      cmocka_unit_test(gradients_agree_with_central_differences),
      cmocka_unit_test(what_changes_pixels_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
