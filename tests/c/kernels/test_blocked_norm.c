/* Batch normalization with the batch's statistics on blocked arrays: a case by hand, the same as on planes, and laws. */
#include <math.h>

#include "blocked_arrays.h"

typedef struct problem {
  int64_t n, c, hw;
  float eps, lo, hi;
  float *x, *dy, *scale, *bias; /* x and dy plain */
  float *bx, *bdy;
} problem;

static const int64_t shapes[][3] = {{1, 1, 3}, {2, 16, 5}, {3, 20, 12}, {7, 33, 30}, {5, 48, 1}, {9, 17, 260}, {40, 32, 49}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static problem make(const int64_t s[3]) {
  problem q = {.n = s[0], .c = s[1], .hw = s[2], .eps = 1e-3f, .lo = -INFINITY, .hi = INFINITY};
  q.x = reals(q.n * q.c * q.hw, 1);
  q.dy = reals(q.n * q.c * q.hw, 2);
  q.scale = reals(q.c, 3);
  q.bias = reals(q.c, 4);
  q.bx = to_blocks(q.n, q.c, q.hw, q.x);
  q.bdy = to_blocks(q.n, q.c, q.hw, q.dy);
  return q;
}

static void drop(problem *q) {
  float *all[] = {q->x, q->dy, q->scale, q->bias, q->bx, q->bdy};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void *workspace(const problem *q) {
  void *work = malloc(xk_bnorm_workspace(q->n, q->c) + xk_bchannel_sum_workspace(q->n, q->c) + 1);
  assert_non_null(work);
  return work;
}

/* y in blocks, then mean and variance; dx in blocks, then those of scale and bias */
static void forward(const void *q_, float *out) {
  const problem *q = q_;
  int64_t count = blocked_count(q->n, q->c, q->hw);
  void *work = workspace(q);
  xk_bnorm_learn_forward(q->n, q->c, q->hw, q->eps, q->bx, q->scale, q->bias, q->lo, q->hi, out + count, out + count + q->c,
                         out, work);
  free(work);
}

static void backward(const void *q_, float *out) {
  const problem *q = q_;
  int64_t count = blocked_count(q->n, q->c, q->hw);
  void *work = workspace(q);
  memcpy(out, q->bdy, (size_t)count * sizeof *out); /* in place */
  xk_bnorm_learn_backward(q->n, q->c, q->hw, q->eps, q->bx, q->scale, out, out, out + count, out + count + q->c, work);
  free(work);
}

static int64_t outputs(const problem *q) { return blocked_count(q->n, q->c, q->hw) + 2 * q->c; }

/* Channel 0 sees 1, 3 in the first picture and 5, 7 in the second: mean 4, variance (9 + 1 + 1 + 9) / 4 = 5; with
 * eps 4 the deviation is 3. scale 3, bias 1: y = x - 4 + 1 = -2, 0, 2, 4, and from 0 on up to 3: 0, 0, 2, 3.
 * dy = 1, 0, 0, 0: S = 1, P = -3, dscale = -3 / 3 = -1; dx = 1 (dy - 1/4 - (x - 4) (-3) / 4 / 9)
 *   = 3/4 - 1/4, -1/4 - 1/12, -1/4 + 1/12, -1/4 + 1/4 */
static void a_channel_by_hand(void **state) {
  (void)state;
  const int64_t s[3] = {2, 1, 2};
  problem q = make(s);
  float out[4 * XK_LANES + 2];
  for (int64_t i = 0; i < 4; i++) {
    q.bx[i * XK_LANES] = (float)(2 * i + 1);
    q.bdy[i * XK_LANES] = i == 0;
  }
  q.eps = 4;
  q.scale[0] = 3;
  q.bias[0] = 1;
  q.lo = 0;
  q.hi = 3;
  forward(&q, out);
  assert_blocks(2, 1, 2, out, (const float[]){0, 0, 2, 3});
  assert_equal(2, out + 4 * XK_LANES, (const float[]){4, 5});
  backward(&q, out);
  float dx[4] = {out[0], out[XK_LANES], out[2 * XK_LANES], out[3 * XK_LANES]};
  assert_close(4, dx, (const float[]){0.5f, -1.f / 3, -1.f / 6, 0}, 1e-7);
  assert_close(2, out + 4 * XK_LANES, (const float[]){-1, 1}, 1e-7);
  drop(&q);
}

static void it_is_that_of_planes(void **state) {
  (void)state;
  for (int i = 0; i < SHAPES; i++) {
    problem q = make(shapes[i]);
    int64_t count = q.n * q.c * q.hw, blocks = blocked_count(q.n, q.c, q.hw);
    float *got = floats(outputs(&q)), *plain = floats(blocks), *want = floats(count), *own = floats(2 * q.c);
    forward(&q, got);
    xk_batchnorm_learn_forward(q.n, q.c, q.hw, q.eps, q.x, q.scale, q.bias, own, own + q.c, want);
    xk_unblock(q.n, q.c, q.hw, got, plain);
    assert_close(count, plain, want, 2e-6);
    assert_close(2 * q.c, got + blocks, own, 1e-7);
    backward(&q, got);
    xk_batchnorm_learn_backward(q.n, q.c, q.hw, q.eps, q.x, q.scale, q.dy, want, own, own + q.c);
    xk_unblock(q.n, q.c, q.hw, got, plain);
    assert_close(count, plain, want, 2e-6 * sqrt(1 / (double)q.eps)); /* as large as 1 / deviation */
    assert_close(2 * q.c, got + blocks, own, 1e-4);
    free(got);
    free(plain);
    free(want);
    free(own);
    drop(&q);
  }
}

static void lanes_without_a_channel_stay_zero(void **state) {
  (void)state;
  problem q = make(shapes[3]);
  int64_t count = blocked_count(q.n, q.c, q.hw);
  float *out = floats(outputs(&q)), *plain = floats(q.n * q.c * q.hw);
  for (int way = 0; way < 2; way++) {
    (way == 0 ? forward : backward)(&q, out);
    xk_unblock(q.n, q.c, q.hw, out, plain);
    assert_blocks(q.n, q.c, q.hw, out, plain);
  }
  assert_true(count > q.n * q.c * q.hw);
  free(out);
  free(plain);
  drop(&q);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  for (int i = 0; i < SHAPES; i++) {
    problem q = make(shapes[i]);
    assert_same_bits_for_any_threads(forward, &q, outputs(&q));
    assert_same_bits_for_any_threads(backward, &q, outputs(&q));
    drop(&q);
  }
}

/* Integers: exact */
static void sums_per_channel_are_those_of_planes(void **state) {
  (void)state;
  for (int i = 0; i < SHAPES; i++) {
    problem q = make(shapes[i]);
    float *x = integers(q.n * q.c * q.hw, 5), *bx = to_blocks(q.n, q.c, q.hw, x), *sums = floats(2 * q.c);
    void *work = workspace(&q);
    xk_bchannel_sum(q.n, q.c, q.hw, bx, sums, work);
    xk_channel_sum(q.n, q.c, q.hw, x, sums + q.c);
    assert_equal(q.c, sums, sums + q.c);
    free(work);
    free(x);
    free(bx);
    free(sums);
    drop(&q);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_channel_by_hand),
      cmocka_unit_test(it_is_that_of_planes),
      cmocka_unit_test(lanes_without_a_channel_stay_zero),
      cmocka_unit_test(bits_do_not_depend_on_threads),
      cmocka_unit_test(sums_per_channel_are_those_of_planes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
