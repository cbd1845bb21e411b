/* The gate behind a clamped sum, scale and shift per channel: by hand, and against the plain kernels. */
#include <math.h>

#include "blocked_arrays.h"

static void a_gate_opens_strictly_between_its_bounds(void **state) {
  (void)state;
  const float y[] = {0, 1, 6, 3, NAN, 2, -1, 7}, dy[] = {1, 2, 3, -4, 5, NAN, 7, 8};
  const float plain[] = {0, 2, 0, -4, 0, NAN, 0, 0}, guided[] = {0, 2, 0, 0, 0, 0, 0, 0};
  const float deconv[] = {1, 2, 3, 0, 5, 0, 7, 8};
  float dx[8];
  xk_gate(8, XK_RELU_PLAIN, 0, 6, y, dy, dx);
  assert_true(isnan(dx[5]));
  dx[5] = 0;
  assert_equal(5, dx, plain);
  assert_equal(2, dx + 6, plain + 6);
  xk_gate(8, XK_RELU_GUIDED, 0, 6, y, dy, dx);
  assert_equal(8, dx, guided);
  xk_gate(8, XK_RELU_DECONV, 0, 6, y, dy, dx);
  assert_equal(8, dx, deconv);
}

static void an_infinite_bound_bounds_nothing(void **state) {
  (void)state;
  const float y[] = {INFINITY, 1, 0, -2}, dy[] = {1, 2, 3, 4}, want[] = {1, 2, 0, 0};
  float dx[4];
  xk_gate(4, XK_RELU_PLAIN, 0, INFINITY, y, dy, dx);
  assert_equal(4, dx, want);
}

static void a_gate_equals_the_plain_rectifiers(void **state) {
  (void)state;
  enum { N = 40007 };
  float *x = reals(N, 1), *y = floats(N), *dy = reals(N, 2), *want = floats(N), *dx = floats(N);
  for (xk_relu_rule rule = XK_RELU_PLAIN; rule <= XK_RELU_REDIRECTED; rule++) {
    xk_relu_forward(N, x, y);
    xk_relu_backward(rule, N, y, dy, want);
    xk_gate(N, rule, 0, INFINITY, y, dy, dx);
    assert_equal(N, dx, want);
    xk_clip_forward(-0.25F, 0.5F, N, x, y);
    xk_clip_backward(rule, -0.25F, 0.5F, N, x, dy, want);
    memcpy(dx, dy, N * sizeof *dx);
    xk_gate(N, rule, -0.25F, 0.5F, y, dx, dx); /* in place */
    assert_equal(N, dx, want);
    for (int i = 0; i < N; i++) dx[i] = x[i] > -0.25F && x[i] < 0.5F ? 0 : dy[i]; /* nothing passes plainly */
    xk_clip_backward(rule, -0.25F, 0.5F, N, x, dx, want);
    xk_gate(N, rule, -0.25F, 0.5F, y, dx, dx);
    assert_equal(N, dx, want);
  }
  free(x);
  free(y);
  free(dy);
  free(want);
  free(dx);
}

static void scale_and_shift_match_hand_calculation(void **state) {
  (void)state;
  /* 18 channels of 2 pixels, all x = 3: channel 0: 3 * 2 + 1 = 7, cut at 6; channel 17: 3 * -1 + 0.5 = -2.5, raised
   * to -2; the others 3 * 1 + 0 */
  enum { C = 18, HW = 2, COUNT = 2 * HW * XK_LANES };
  float x[C * HW], want[C * HW], scale[32] = {0}, shift[32] = {0}, y[COUNT];
  for (int i = 0; i < C * HW; i++) x[i] = want[i] = 3;
  for (int i = 0; i < C; i++) scale[i] = 1;
  scale[0] = 2, shift[0] = 1, scale[17] = -1, shift[17] = 0.5F;
  want[0] = want[1] = 6;
  want[17 * HW] = want[17 * HW + 1] = -2;
  float *blocked = to_blocks(1, C, HW, x);
  xk_bscale(1, 2, HW, blocked, scale, shift, -2, 6, y);
  assert_blocks(1, C, HW, y, want);
  free(blocked);
}

static void scale_keeps_nan(void **state) {
  (void)state;
  float x[16] = {NAN, 1}, scale[16] = {1, 1}, shift[16] = {0}, y[16];
  xk_bscale(1, 1, 1, x, scale, shift, 0, INFINITY, y);
  assert_true(isnan(y[0]) && y[1] == 1 && y[2] == 0);
}

/* Integers: products and sums are exact, so there is one right answer. */
static void scale_equals_the_definition(void **state) {
  (void)state;
  enum { N = 2, C = 23, HW = 1500 };
  float *x = integers(N * C * HW, 1), *want = floats(N * C * HW), *a = integers(32, 2), *b = integers(32, 3);
  for (int i = C; i < 32; i++) a[i] = b[i] = 0;
  for (int64_t i = 0; i < N * C * HW; i++) want[i] = fminf(fmaxf(x[i] * a[i / HW % C] + b[i / HW % C], -5), 7);
  float *blocked = to_blocks(N, C, HW, x), *y = floats(blocked_count(N, C, HW));
  xk_bscale(N, 2, HW, blocked, a, b, -5, 7, y);
  assert_blocks(N, C, HW, y, want);
  free(x);
  free(want);
  free(a);
  free(b);
  free(blocked);
  free(y);
}

enum { PLANES = 6, PIXELS = 3001, ALL = PLANES * PIXELS * XK_LANES };
static void both(const void *x_, float *out) {
  const float *x = x_;
  xk_gate(ALL, XK_RELU_GUIDED, 0, 0.5F, x, x + ALL, out);
  xk_bscale(2, 3, PIXELS, x, x + 100, x + 200, -1, 1, out + ALL);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  float *x = reals(2 * ALL, 1);
  assert_same_bits_for_any_threads(both, x, 2 * ALL);
  free(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_gate_opens_strictly_between_its_bounds),
      cmocka_unit_test(an_infinite_bound_bounds_nothing),
      cmocka_unit_test(a_gate_equals_the_plain_rectifiers),
      cmocka_unit_test(scale_and_shift_match_hand_calculation),
      cmocka_unit_test(scale_keeps_nan),
      cmocka_unit_test(scale_equals_the_definition),
      cmocka_unit_test(bits_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
