/* Pictures through a window: by hand, and laws. */
#include <math.h>

#include "ktest.h"

static const float three[6] = {1, 2, 3, 4, 5, 6}; /* 2 x 3 */

static void an_unmoved_window_shows_the_picture(void **state) {
  (void)state;
  xk_affine p = {.c = 1, .h = 2, .w = 3, .oh = 2, .ow = 3, .row = {1, 0, 0}, .col = {0, 1, 0}};
  float y[6];
  xk_affine_forward(&p, three, NULL, y);
  assert_equal(6, y, three);
  p.row[2] = 1, p.col[2] = -1, p.wrap = true; /* y[i,j] = x[i+1, j-1] */
  xk_affine_forward(&p, three, NULL, y);
  assert_equal(6, y, (const float[]){6, 4, 5, 3, 1, 2});
  p.wrap = false;
  xk_affine_forward(&p, three, (const float[]){9}, y);
  assert_equal(6, y, (const float[]){9, 4, 5, 9, 9, 9});
}

/* Half a pixel down and a quarter to the right: 3/8 1 + 1/8 2 + 3/8 4 + 1/8 5; at the right half of the taps is outside. */
static void between_pixels_it_is_bilinear(void **state) {
  (void)state;
  xk_affine p = {.c = 1, .h = 2, .w = 3, .oh = 1, .ow = 3, .row = {1, 0, .5}, .col = {0, 1, .25}};
  float y[3], dx[6];
  xk_affine_forward(&p, three, (const float[]){8}, y);
  assert_close(3, y, (const float[]){2.75f, 3.75f, .75f * 4.5f + 2}, 1e-6);
  xk_affine_backward(&p, (const float[]){8, 0, 0}, dx);
  assert_close(6, dx, (const float[]){3, 1, 0, 3, 1, 0}, 1e-6);
  xk_affine_backward(&p, (const float[]){0, 0, 8}, dx);
  assert_close(6, dx, (const float[]){0, 0, 3, 0, 0, 3}, 1e-6);
}

/* A quarter turn: y[i,j] = x[j, 2 - i] for 3 x 3 */
static void a_quarter_turn_moves_pixels_whole(void **state) {
  (void)state;
  xk_affine p = {.c = 1, .h = 3, .w = 3, .oh = 3, .ow = 3, .row = {0, 1, 0}, .col = {-1, 0, 2}};
  float y[9], back[9];
  xk_affine_forward(&p, (const float[]){1, 2, 3, 4, 5, 6, 7, 8, 9}, (const float[]){0}, y);
  assert_equal(9, y, (const float[]){3, 6, 9, 2, 5, 8, 1, 4, 7});
  xk_affine_backward(&p, y, back);
  assert_equal(9, back, (const float[]){1, 2, 3, 4, 5, 6, 7, 8, 9});
}

/* <dy, A x> = <A' dy, x>, with nothing outside; per channel its own number there */
static void backward_is_the_adjoint(void **state) {
  (void)state;
  for (int wrap = 0; wrap < 2; wrap++) {
    xk_affine p = {.c = 2, .h = 9, .w = 7, .oh = 8, .ow = 11, .row = {.8, .3, -1.7}, .col = {-.31, .9, 1.2}, .wrap = wrap != 0};
    float *x = reals(2 * 63, 1), *dy = reals(2 * 88, 2), *y = floats(2 * 88), *dx = floats(2 * 63);
    xk_affine_forward(&p, x, (const float[]){0, 0}, y);
    xk_affine_backward(&p, dy, dx);
    assert_true(fabs(inner_product(2 * 88, dy, y) - inner_product(2 * 63, dx, x)) < 1e-4);
    for (int i = 0; i < 63; i++) x[i] = x[63 + i] = 0;
    xk_affine_forward(&p, x, (const float[]){1, 2}, y);
    for (int i = 0; i < 88; i++) assert_true(fabs(y[88 + i] - 2 * y[i]) < 1e-6 && (wrap == 0 || y[i] == 0));
    free(x), free(dy), free(y), free(dx);
  }
}

static void both_ways(const void *problem, float *out) {
  xk_affine p = {.c = 3, .h = 150, .w = 140, .oh = 160, .ow = 150, .row = {.9, .2, 3}, .col = {-.2, .9, 5}};
  xk_affine_forward(&p, problem, (const float[]){1, 2, 3}, out);
  xk_affine_backward(&p, out, out + 3 * 160 * 150);
}
static void threads_change_no_bit(void **state) {
  (void)state;
  float *x = reals(3 * 150 * 140, 3);
  assert_same_bits_for_any_threads(both_ways, x, 3 * 160 * 150 + 3 * 150 * 140);
  free(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_unmoved_window_shows_the_picture),
      cmocka_unit_test(between_pixels_it_is_bilinear),
      cmocka_unit_test(a_quarter_turn_moves_pixels_whole),
      cmocka_unit_test(backward_is_the_adjoint),
      cmocka_unit_test(threads_change_no_bit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
