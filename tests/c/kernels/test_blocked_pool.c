/* Pools of blocked arrays: by hand, and equal to the plain pools on random shapes. */
#include <math.h>

#include "blocked_arrays.h"

static void the_first_of_equal_maxima_gets_the_gradient(void **state) {
  (void)state;
  /* 2x2 windows, stride 1, of   1 5 2     winners: 7 at (1,0) twice, 5 at (0,1), 6 at (2,2); in lane 1 all are 0:
   * lane 0                      7 3 4     the first of each window; in lane 2 the NaN at (1,1) wins everywhere,
   *                             0 1 6     not the 9 at (0,0) before it. */
  const float plain[27] = {1, 5, 2, 7, 3, 4, 0, 1, 6, [18] = 9, [22] = NAN};
  const float dy[] = {1, 10, 100, 1000, 1, 10, 100, 1000, 1, 10, 100, 1000};
  const float max[] = {7, 5, 7, 6, 0, 0, 0, 0, NAN, NAN, NAN, NAN};
  const float want[27] = {[1] = 10, [3] = 101, [8] = 1000, [9] = 1, [10] = 10, [12] = 100, [13] = 1000, [22] = 1111};
  xk_pool2d p = {.planes = 1, .h = 3, .w = 3, .oh = 2, .ow = 2, .kh = 2, .kw = 2, .sh = 1, .sw = 1, .dh = 1, .dw = 1};
  float *x = to_blocks(1, 3, 9, plain), *g = to_blocks(1, 3, 4, dy), y[64], dx[144];
  xk_bmaxpool_forward(&p, x, y);
  assert_blocks(1, 3, 4, y, max);
  xk_bmaxpool_backward(&p, x, g, NULL, dx);
  assert_blocks(1, 3, 9, dx, want);
  free(x);
  free(g);
}

static void a_window_of_minus_infinity_gives_its_first_element_the_gradient(void **state) {
  (void)state;
  const float plain[] = {-INFINITY, -INFINITY, -INFINITY}, dy[] = {3, 4}, max[] = {-INFINITY, -INFINITY};
  const float want[] = {7, 0, 0}; /* windows (. 0 1) and (0 1 2): padding is not first */
  xk_pool2d p = {.planes = 1, .h = 1, .w = 3, .oh = 1, .ow = 2, .kh = 1, .kw = 3, .sh = 1, .sw = 1, .dh = 1, .dw = 1,
                 .pad_left = 1};
  float *x = to_blocks(1, 1, 3, plain), *g = to_blocks(1, 1, 2, dy), y[32], dx[48];
  xk_bmaxpool_forward(&p, x, y);
  assert_blocks(1, 1, 2, y, max);
  xk_bmaxpool_backward(&p, x, g, NULL, dx);
  assert_blocks(1, 1, 3, dx, want);
  free(x);
  free(g);
}

static void average_counts_padding_only_when_asked(void **state) {
  (void)state;
  /* as in test_pool: 2 4 6 8 in windows of 3, stride 2, one padding at either end, a third window in ceil mode */
  const float plain[] = {2, 4, 6, 8}, inside[] = {3, 6, 8}, padded[] = {2, 6, 4}, dy[] = {3, 6, 8},
              want[] = {1, 3, 2, 6}; /* shares 1 1 | 2 2 2 | 4 */
  xk_pool2d p = {.planes = 1, .h = 1, .w = 4, .oh = 1, .ow = 3, .kh = 1, .kw = 3, .sh = 1, .sw = 2, .dh = 1, .dw = 1,
                 .pad_left = 1, .pad_right = 1};
  float *x = to_blocks(1, 1, 4, plain), *g = to_blocks(1, 1, 3, dy), y[48], dx[64];
  xk_bavgpool_forward(&p, x, y);
  assert_blocks(1, 1, 3, y, inside);
  p.count_include_pad = true;
  xk_bavgpool_forward(&p, x, y);
  assert_blocks(1, 1, 3, y, padded);
  xk_bavgpool_backward(&p, g, NULL, dx);
  assert_blocks(1, 1, 4, dx, want);
  free(x);
  free(g);
}

static int64_t draw(uint64_t *i, int64_t lo, int64_t hi) {
  return lo + (int64_t)(xai_rng_u64(xai_rng_stream(6, 0), (*i)++) % (uint64_t)(hi - lo + 1));
}

static bool random_shape(uint64_t *i, xk_pool2d *p) {
  *p = (xk_pool2d){.h = draw(i, 1, 11), .w = draw(i, 1, 11), .kh = draw(i, 1, 4), .kw = draw(i, 1, 4),
                   .sh = draw(i, 1, 3), .sw = draw(i, 1, 3), .dh = draw(i, 1, 3), .dw = draw(i, 1, 2),
                   .pad_top = draw(i, 0, 3), .pad_left = draw(i, 0, 3), .pad_bottom = draw(i, 0, 3),
                   .pad_right = draw(i, 0, 3), .count_include_pad = draw(i, 0, 1)};
  int64_t down = p->h + p->pad_top + p->pad_bottom - (p->kh - 1) * p->dh - 1;
  int64_t right = p->w + p->pad_left + p->pad_right - (p->kw - 1) * p->dw - 1;
  if (down < 0 || right < 0) return false;
  int64_t up = draw(i, 0, 1); /* ceil mode */
  p->oh = (down + up * (p->sh - 1)) / p->sh + 1;
  p->ow = (right + up * (p->sw - 1)) / p->sw + 1;
  return true;
}

static bool any_infinite(int64_t n, const float *x) {
  bool any = false;
  for (int64_t i = 0; i < n; i++) any |= isinf(x[i]);
  return any;
}

/* n x c planes by the plain kernels and by blocks: both add in one order, so all is equal, not only close. */
static void assert_pools_agree(xk_pool2d p, int64_t n, int64_t c, uint64_t stream) {
  int64_t in = p.h * p.w, out = p.oh * p.ow, many = n * c;
  float *x = stream % 2 ? reals(many * in, stream) : integers(many * in, stream), *dy = reals(many * out, stream + 1);
  float *bx = to_blocks(n, c, in, x), *bdy = to_blocks(n, c, out, dy), *y = floats(many * out), *dx = floats(many * in);
  float *by = floats(blocked_count(n, c, out)), *bdx = floats(blocked_count(n, c, in));
  p.planes = many;
  xk_pool2d b = p;
  b.planes = n * xk_blocks(c);
  xk_maxpool_forward(&p, x, y);
  if (!any_infinite(many * out, y)) { /* no window of padding only */
    xk_bmaxpool_forward(&b, bx, by);
    assert_blocks(n, c, out, by, y);
    xk_maxpool_backward(&p, x, dy, dx);
    xk_bmaxpool_backward(&b, bx, bdy, NULL, bdx);
    assert_blocks(n, c, in, bdx, dx);
  }
  xk_avgpool_forward(&p, x, y);
  xk_bavgpool_forward(&b, bx, by);
  assert_blocks(n, c, out, by, y);
  xk_avgpool_backward(&p, dy, dx);
  xk_bavgpool_backward(&b, bdy, NULL, bdx);
  assert_blocks(n, c, in, bdx, dx);
  free(x);
  free(dy);
  free(bx);
  free(bdy);
  free(y);
  free(dx);
  free(by);
  free(bdx);
}

static void pools_equal_the_plain_ones_on_random_shapes(void **state) {
  (void)state;
  uint64_t i = 0;
  for (uint64_t trial = 0; trial < 300; trial++) {
    xk_pool2d p;
    int64_t n = draw(&i, 1, 2), c = draw(&i, 1, 20);
    if (random_shape(&i, &p)) assert_pools_agree(p, n, c, trial);
  }
}

static void pools_of_real_networks_equal_the_plain_ones(void **state) {
  (void)state;
  xk_pool2d p = {.h = 55, .w = 57, .oh = 27, .ow = 28, .kh = 3, .kw = 3, .sh = 2, .sw = 2, .dh = 1, .dw = 1};
  assert_pools_agree(p, 1, 37, 0);
  p = (xk_pool2d){.h = 56, .w = 56, .oh = 28, .ow = 28, .kh = 2, .kw = 2, .sh = 2, .sw = 2, .dh = 1, .dw = 1};
  assert_pools_agree(p, 2, 48, 1);
  p = (xk_pool2d){.h = 28, .w = 28, .oh = 28, .ow = 28, .kh = 3, .kw = 3, .sh = 1, .sw = 1, .dh = 1, .dw = 1,
                  .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1};
  assert_pools_agree(p, 1, 32, 3);
}

static void global_averages_match_hand_calculation(void **state) {
  (void)state;
  /* 17 channels of 3 pixels, channel k: k, k + 1, k + 5: mean k + 2; gradients of 3 (k + 1): k + 1 to each */
  enum { C = 17 };
  float plain[C * 3], mean[C], dy[C], want[C * 3], y[32], dx[96];
  for (int k = 0; k < C; k++) {
    plain[3 * k] = (float)k, plain[3 * k + 1] = (float)k + 1, plain[3 * k + 2] = (float)k + 5;
    mean[k] = (float)k + 2;
    dy[k] = 3 * ((float)k + 1);
    for (int i = 0; i < 3; i++) want[3 * k + i] = (float)k + 1;
  }
  float *x = to_blocks(1, C, 3, plain), *g = to_blocks(1, C, 1, dy);
  xk_bglobal_avg_forward(2, 3, x, y);
  assert_blocks(1, C, 1, y, mean);
  xk_bglobal_avg_backward(2, 3, g, NULL, dx);
  assert_blocks(1, C, 3, dx, want);
  free(x);
  free(g);
}

/* Gradients that are added to others and pass the rectifier that made x are those sums behind xk_gate. */
static void gradients_are_finished_as_asked(void **state) {
  (void)state;
  xk_pool2d p = {.planes = 3, .h = 9, .w = 8, .oh = 5, .ow = 4, .kh = 3, .kw = 3, .sh = 2, .sw = 2, .dh = 1, .dw = 1,
                 .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1};
  int64_t hw = p.h * p.w, nx = p.planes * hw * XK_LANES, ny = p.planes * p.oh * p.ow * XK_LANES;
  float *x = integers(nx, 1), *dy = integers(ny, 2), *before = integers(nx, 3), *want = floats(nx), *got = floats(nx);
  for (int i = 0; i < 3 * 3 * 2; i++) {
    xk_finish finish = {.add = i % 2 ? got : NULL, .lo = -1, .hi = 3, .gate = x, .rule = (xk_relu_rule)(i / 2 % 3)};
    memcpy(got, before, (size_t)nx * sizeof *got);
    if (i / 6 == 0) xk_bmaxpool_backward(&p, x, dy, NULL, want), xk_bmaxpool_backward(&p, x, dy, &finish, got);
    if (i / 6 == 1) xk_bavgpool_backward(&p, dy, NULL, want), xk_bavgpool_backward(&p, dy, &finish, got);
    if (i / 6 == 2)
      xk_bglobal_avg_backward(p.planes, hw, dy, NULL, want), xk_bglobal_avg_backward(p.planes, hw, dy, &finish, got);
    for (int64_t e = 0; i % 2 && e < nx; e++) want[e] += before[e];
    xk_gate(nx, finish.rule, finish.lo, finish.hi, x, want, want);
    for (int64_t e = 0; e < nx; e++) assert_true(fabs((double)got[e] - want[e]) <= 1e-5);
  }
  free(x), free(dy), free(before), free(want), free(got);
}

typedef struct problem {
  xk_pool2d p;
  float *x, *dy;
} problem;

/* All six results one after the other. */
static void run_all(const void *problem_, float *out) {
  const problem *q = problem_;
  int64_t hw = q->p.h * q->p.w, nx = q->p.planes * hw * XK_LANES, ny = q->p.planes * q->p.oh * q->p.ow * XK_LANES;
  xk_bmaxpool_forward(&q->p, q->x, out);
  xk_bavgpool_forward(&q->p, q->x, out += ny);
  xk_bglobal_avg_forward(q->p.planes, hw, q->x, out += ny);
  xk_bmaxpool_backward(&q->p, q->x, q->dy, NULL, out += q->p.planes * XK_LANES);
  xk_bavgpool_backward(&q->p, q->dy, NULL, out += nx);
  xk_bglobal_avg_backward(q->p.planes, hw, q->dy, NULL, out += nx);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  problem q = {.p = {.planes = 7, .h = 31, .w = 29, .oh = 16, .ow = 15, .kh = 3, .kw = 3, .sh = 2, .sw = 2, .dh = 1,
                     .dw = 1, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1}};
  int64_t nx = q.p.planes * q.p.h * q.p.w * XK_LANES, ny = q.p.planes * q.p.oh * q.p.ow * XK_LANES;
  q.x = reals(nx, 1);
  q.dy = reals(ny, 2);
  assert_same_bits_for_any_threads(run_all, &q, 3 * nx + 2 * ny + q.p.planes * XK_LANES);
  free(q.x);
  free(q.dy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_of_equal_maxima_gets_the_gradient),
      cmocka_unit_test(a_window_of_minus_infinity_gives_its_first_element_the_gradient),
      cmocka_unit_test(average_counts_padding_only_when_asked),
      cmocka_unit_test(pools_equal_the_plain_ones_on_random_shapes),
      cmocka_unit_test(pools_of_real_networks_equal_the_plain_ones),
      cmocka_unit_test(global_averages_match_hand_calculation),
      cmocka_unit_test(gradients_are_finished_as_asked),
      cmocka_unit_test(bits_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
