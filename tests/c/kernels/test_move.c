/* Moving elements: transposes, reversals and slices by hand, all element sizes, adjointness, sums. */
#include "ktest.h"

static void transpose_reversal_and_slice_match_hand_calculation(void **state) {
  (void)state;
  const float x[] = {1, 2, 3, 4, 5, 6}; /* 2 x 3 */
  float y[6];
  xk_gather_strided(sizeof(float), 2, (const int64_t[]){3, 2}, (const int64_t[]){1, 3}, 0, x, y);
  assert_equal(6, y, (const float[]){1, 4, 2, 5, 3, 6});
  xk_gather_strided(sizeof(float), 2, (const int64_t[]){2, 3}, (const int64_t[]){3, -1}, 2, x, y); /* rows reversed */
  assert_equal(6, y, (const float[]){3, 2, 1, 6, 5, 4});
  xk_gather_strided(sizeof(float), 2, (const int64_t[]){2, 2}, (const int64_t[]){3, 1}, 1, x, y); /* columns 1.. */
  assert_equal(4, y, (const float[]){2, 3, 5, 6});
  xk_gather_strided(sizeof(float), 2, (const int64_t[]){2, 2}, (const int64_t[]){0, 2}, 3, x,
                    y); /* repeated row, every 2nd */
  assert_equal(4, y, (const float[]){4, 6, 4, 6});
  y[0] = 0;
  xk_gather_strided(sizeof(float), 0, NULL, NULL, 4, x, y); /* a scalar */
  assert_true(y[0] == 5);
}

static void elements_of_one_and_eight_bytes_move_too(void **state) {
  (void)state;
  const uint8_t bytes[] = {1, 2, 3, 4, 5, 6};
  const int64_t longs[] = {1, 2, 3, 4, 5, 6};
  uint8_t y1[6];
  int64_t y8[6];
  xk_gather_strided(1, 2, (const int64_t[]){3, 2}, (const int64_t[]){1, 3}, 0, bytes, y1);
  xk_gather_strided(8, 2, (const int64_t[]){3, 2}, (const int64_t[]){1, 3}, 0, longs, y8);
  static const int want[] = {1, 4, 2, 5, 3, 6};
  for (int i = 0; i < 6; i++) assert_true(y1[i] == want[i] && y8[i] == want[i]);
}

static void an_empty_move_touches_nothing(void **state) {
  (void)state;
  float y = 7;
  xk_gather_strided(sizeof(float), 2, (const int64_t[]){3, 0}, (const int64_t[]){1, 3}, 0, &y, &y);
  xk_scatter_strided_accumulate(2, (const int64_t[]){0, 3}, (const int64_t[]){1, 3}, 0, &y, &y);
  assert_true(y == 7);
}

static void scatter_adds_where_gather_took(void **state) {
  (void)state;
  /* element 1 was taken twice (stride 0), element 3 twice */
  const float y[] = {10, 20, 30, 40};
  float x[] = {1, 1, 1, 1};
  xk_scatter_strided_accumulate(2, (const int64_t[]){2, 2}, (const int64_t[]){0, 2}, 1, y, x);
  assert_equal(4, x, (const float[]){1, 41, 1, 61});
}

static void scatter_is_the_adjoint_of_gather(void **state) {
  (void)state;
  static const struct {
    int64_t dims[4], stride[4], base;
  } cases[] = {{{2, 3, 4, 5}, {60, 20, 5, 1}, 0},
               {{5, 4, 3, 2}, {1, 5, 20, 60}, 0},
               {{2, 3, 4, 5}, {60, -20, 5, -1}, 44},
               {{7, 1, 2, 3}, {0, 9, 11, 4}, 5},
               {{1, 1, 1, 120}, {0, 0, 0, 1}, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const int64_t *d = cases[i].dims, n = d[0] * d[1] * d[2] * d[3];
    float *x = integers(120, 1), *y = floats(n), *dy = integers(n, 2), *dx = calloc(120, sizeof *dx);
    xk_gather_strided(sizeof(float), 4, d, cases[i].stride, cases[i].base, x, y);
    xk_scatter_strided_accumulate(4, d, cases[i].stride, cases[i].base, dy, dx);
    assert_true(inner_product(n, y, dy) == inner_product(120, x, dx));
    free(x);
    free(y);
    free(dy);
    free(dx);
  }
}

static void a_transpose_and_its_inverse_give_the_original(void **state) {
  (void)state;
  /* 40 x 50 x 60 -> 60 x 40 x 50 -> 40 x 50 x 60; large enough for several tasks */
  float *x = reals(120000, 1), *y = floats(120000), *back = floats(120000);
  xk_gather_strided(sizeof(float), 3, (const int64_t[]){60, 40, 50}, (const int64_t[]){1, 3000, 60}, 0, x, y);
  xk_gather_strided(sizeof(float), 3, (const int64_t[]){40, 50, 60}, (const int64_t[]){50, 1, 2000}, 0, y, back);
  assert_equal(120000, back, x);
  free(x);
  free(y);
  free(back);
}

static void sums_over_any_dims_match_hand_calculation(void **state) {
  (void)state;
  /* 2 x 3 x 2, 1..12 */
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const int64_t dims[] = {2, 3, 2};
  float y[6];
  xk_reduce_sum(3, dims, (const bool[]){true, false, true}, 1, x, y); /* 1+3+5, 2+4+6, 7+9+11, 8+10+12 */
  assert_equal(4, y, (const float[]){9, 12, 27, 30});
  xk_reduce_sum(3, dims, (const bool[]){false, true, false}, 0.25, x, y); /* (1+2+7+8)/4, (3+4+9+10)/4, (5+6+11+12)/4 */
  assert_equal(3, y, (const float[]){4.5f, 6.5f, 8.5f});
  xk_reduce_sum(3, dims, (const bool[]){false, false, false}, 1, x, y);
  assert_equal(1, y, (const float[]){78});
  xk_reduce_sum(2, (const int64_t[]){2, 3}, (const bool[]){true, true}, 2, x, y);
  assert_equal(6, y, (const float[]){2, 4, 6, 8, 10, 12});
  xk_reduce_sum(2, (const int64_t[]){2, 0}, (const bool[]){true, false}, 1, x, y);
  assert_equal(2, y, (const float[]){0, 0});
}

static void run_all(const void *x_, float *out) {
  const float *x = x_;
  const int64_t dims[] = {4, 100, 250};
  xk_reduce_sum(3, dims, (const bool[]){true, false, true}, 0.5, x, out);
  xk_reduce_sum(3, dims, (const bool[]){true, true, false}, 0.5, x, out + 1000);
  xk_gather_strided(sizeof(float), 3, (const int64_t[]){250, 100, 4}, (const int64_t[]){1, 250, 25000}, 0, x,
                    out + 1400);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  float *x = reals(100000, 1);
  assert_same_bits_for_any_threads(run_all, x, 101400);
  free(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(transpose_reversal_and_slice_match_hand_calculation),
      cmocka_unit_test(elements_of_one_and_eight_bytes_move_too),
      cmocka_unit_test(an_empty_move_touches_nothing),
      cmocka_unit_test(scatter_adds_where_gather_took),
      cmocka_unit_test(scatter_is_the_adjoint_of_gather),
      cmocka_unit_test(a_transpose_and_its_inverse_give_the_original),
      cmocka_unit_test(sums_over_any_dims_match_hand_calculation),
      cmocka_unit_test(bits_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
