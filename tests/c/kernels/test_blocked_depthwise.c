/* Depthwise convolutions on blocked arrays: both directions against their definition, and the laws of every kernel. */
#include "blocked_case.h"

static const int64_t shapes[][12] = {
    /* n, c, h, w, kh, kw, sh, sw, dh, dw, pad top, pad left */
    {1, 32, 7, 7, 3, 3, 1, 1, 1, 1, 1, 1},  {2, 16, 14, 14, 3, 3, 2, 2, 1, 1, 1, 1}, {1, 48, 56, 57, 3, 3, 1, 1, 1, 1, 1, 1},
    {3, 24, 9, 13, 5, 5, 1, 1, 1, 1, 2, 2}, {2, 17, 12, 11, 5, 3, 2, 1, 1, 1, 2, 0}, {1, 5, 8, 8, 3, 3, 1, 2, 2, 2, 2, 1},
    {1, 16, 20, 20, 7, 7, 1, 1, 1, 1, 3, 3}, {2, 33, 3, 2, 3, 3, 1, 1, 1, 1, 2, 2}, {1, 16, 10, 10, 2, 2, 3, 3, 1, 1, 0, 0},
    {1, 16, 1, 40, 1, 11, 1, 1, 1, 1, 0, 5}, {1, 70, 112, 112, 3, 3, 2, 2, 1, 1, 0, 0},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static blocked_case make(const int64_t s[12]) {
  xk_conv2d p = {.n = s[0], .c = s[1], .h = s[2], .w = s[3], .m = s[1], .groups = s[1], .kh = s[4], .kw = s[5], .sh = s[6],
                 .sw = s[7], .dh = s[8], .dw = s[9], .pad_top = s[10], .pad_left = s[11]};
  p.oh = (p.h + 2 * p.pad_top - (p.kh - 1) * p.dh - 1) / p.sh + 1;
  p.ow = (p.w + 2 * p.pad_left - (p.kw - 1) * p.dw - 1) / p.sw + 1;
  assert_true(xk__bdepth_fits(&p, false));
  return make_case((algorithm)ALGORITHM(bdepth), p);
}

/* Sums of at most 49 products in float32 */
static void both_directions_are_their_definition(void **state) {
  (void)state;
  FOR_EACH_ISA(for (int i = 0; i < SHAPES; i++) {
    blocked_case q = make(shapes[i]);
    assert_true(error_of(&q, false) < 3e-7);
    assert_true(error_of(&q, true) < 3e-7);
    drop_case(&q);
  });
}

static void a_result_is_finished_as_asked(void **state) {
  (void)state;
  blocked_case q = make(shapes[3]);
  const xk_finish finishes[] = {{.lo = -INFINITY, .hi = INFINITY},
                                {.bias = q.bbias, .lo = 0, .hi = 1},
                                {.add = q.badd, .lo = -0.5f, .hi = INFINITY}};
  for (size_t i = 0; i < sizeof finishes / sizeof *finishes; i++) {
    q.finish = finishes[i];
    assert_true(error_of(&q, false) < 3e-7);
  }
  drop_case(&q);
}

static void gradients_are_finished_as_asked(void **state) {
  (void)state;
  FOR_EACH_ISA(for (int i = 0; i < SHAPES; i++) {
    blocked_case q = make(shapes[i]);
    assert_gradient_is_finished(&q);
    drop_case(&q);
  });
}

static void the_way_back_is_the_adjoint(void **state) {
  (void)state;
  FOR_EACH_ISA(for (int i = 0; i < SHAPES; i++) {
    blocked_case q = make(shapes[i]);
    assert_adjoint(&q, 1e-6);
    drop_case(&q);
  });
}

static void bits_depend_neither_on_threads_nor_on_the_batch(void **state) {
  (void)state;
  FOR_EACH_ISA(for (int i = 0; i < SHAPES; i++) {
    blocked_case q = make(shapes[i]);
    assert_same_bits_for_any_threads(run_forward, &q, q.nby);
    assert_same_bits_for_any_threads(run_backward, &q, q.nbx);
    assert_same_bits_alone(&q);
    drop_case(&q);
  });
}

/* x = 1 2 3 / 4 5 6 / 7 8 9, w = 1 0 -1 / 2 0 -2 / 1 0 -1, stride 2, padding 1: the corner sees 1 2 / 4 5 with 0 -2 / 0 -1,
 * -2*2 - 5 = -9; to its right 2 3 / 5 6 with 2 0 / 1 0, 9; below 4 5 / 7 8 with 0 -1 / 0 -2, -5 - 16 = -21, and 21.
 * Back, dy = 1 0 / 0 0 arrives where it was seen: dx = 0 -2 0 / 0 -1 0 / 0 0 0. */
static void a_small_case_by_hand(void **state) {
  (void)state;
  enum { C = 3 };
  const float w[9] = {1, 0, -1, 2, 0, -2, 1, 0, -1}, want[4] = {-9, 9, -21, 21}, back[9] = {0, -2, 0, 0, -1, 0, 0, 0, 0};
  const xk_finish plain = {.lo = -INFINITY, .hi = INFINITY};
  xk_conv2d p = {.n = 1, .c = C, .h = 3, .w = 3, .m = C, .oh = 2, .ow = 2, .groups = C, .kh = 3, .kw = 3, .sh = 2, .sw = 2,
                 .dh = 1, .dw = 1, .pad_top = 1, .pad_left = 1};
  float x[9 * XK_LANES] = {0}, y[4 * XK_LANES], dy[4 * XK_LANES] = {0}, dx[9 * XK_LANES], kernels[C * 9];
  float packed[9 * XK_LANES];
  for (int i = 0; i < C * 9; i++) kernels[i] = w[i % 9];
  for (int i = 0; i < 9 * XK_LANES; i++) x[i] = i % XK_LANES < C ? (float)(i / XK_LANES + 1) : 0;
  dy[1] = 1;
  assert_int_equal(xk__bdepth_packed(&p, false), 9 * XK_LANES);
  xk__bdepth_pack(&p, false, kernels, NULL, packed);
  xk__bdepth_forward(&p, x, packed, &plain, y, NULL);
  xk__bdepth_backward_input(&p, packed, dy, &plain, dx, NULL);
  for (int i = 0; i < 4 * XK_LANES; i++) assert_true(y[i] == (i % XK_LANES < C ? want[i / XK_LANES] : 0));
  for (int i = 0; i < 9 * XK_LANES; i++) assert_true(dx[i] == (i % XK_LANES == 1 ? back[i / XK_LANES] : 0));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_directions_are_their_definition),
      cmocka_unit_test(a_result_is_finished_as_asked),
      cmocka_unit_test(gradients_are_finished_as_asked),
      cmocka_unit_test(the_way_back_is_the_adjoint),
      cmocka_unit_test(bits_depend_neither_on_threads_nor_on_the_batch),
      cmocka_unit_test(a_small_case_by_hand),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
