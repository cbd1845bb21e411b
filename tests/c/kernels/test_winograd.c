/* The fast 3x3 convolutions against the plain ones, and their laws. The algebra is checked to eight digits by the test
 * of gradients in double precision; here it is the rounding of float32. */
#include <math.h>

#include "ktest.h"

typedef struct problem {
  xk_conv2d p;
  int64_t nx, ny, nw;
  float *x, *w, *b, *dy;
} problem;

static const int64_t shapes[][7] = {
    /* n, c, h, w, m, pad top, pad left */
    {2, 8, 4, 4, 8, 1, 1},   {3, 9, 5, 7, 11, 1, 1},    {2, 16, 6, 6, 8, 0, 0},   {1, 8, 13, 9, 70, 2, 2},
    {5, 12, 12, 12, 10, 1, 0}, {1, 8, 70, 75, 8, 1, 1}, {70, 8, 5, 6, 9, 1, 1}, {9, 130, 24, 24, 140, 1, 1},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static problem make(const int64_t s[7], bool fast) {
  xk_conv2d p = {.n = s[0], .c = s[1], .h = s[2], .w = s[3], .m = s[4], .groups = 1, .kh = 3, .kw = 3, .sh = 1, .sw = 1,
                 .dh = 1, .dw = 1, .pad_top = s[5], .pad_left = s[6], .fast = fast};
  p.oh = p.h + 2 * p.pad_top - 2;
  p.ow = p.w + 2 * p.pad_left - 2;
  problem q = {.p = p, .nx = p.n * p.c * p.h * p.w, .ny = p.n * p.m * p.oh * p.ow, .nw = p.m * p.c * 9};
  q.x = reals(q.nx, 1);
  q.w = reals(q.nw, 2);
  q.b = reals(p.m, 3);
  q.dy = reals(q.ny, 4);
  return q;
}

static void drop(problem *q) {
  free(q->x);
  free(q->w);
  free(q->b);
  free(q->dy);
}

/* For as many threads as there are now */
static void *workspace(const problem *q) {
  void *work = malloc(xk_conv2d_workspace(&q->p) + 1);
  assert_non_null(work);
  return work;
}

static void forward(const void *q_, float *y) {
  const problem *q = q_;
  void *work = workspace(q);
  xk_conv2d_forward(&q->p, q->x, q->w, q->b, y, work);
  free(work);
}

static void backward_input(const void *q_, float *dx) {
  const problem *q = q_;
  void *work = workspace(q);
  xk_conv2d_backward_input(&q->p, q->w, q->dy, dx, work);
  free(work);
}

static void backward_weight(const void *q_, float *dw) {
  const problem *q = q_;
  void *work = workspace(q);
  xk_conv2d_backward_weight(&q->p, q->x, q->dy, dw, work);
  free(work);
}

/* Sums of k products of numbers below 1 are of the size sqrt(k) / 3. The transforms enlarge numbers by about a hundred
 * before they cancel, so the error may be some hundred times 2^-24 of that. */
static void compare(threaded_work work, const problem *fast, const problem *plain, int64_t n, double k) {
  float *a = floats(n), *b = floats(n);
  work(fast, a);
  work(plain, b);
  assert_close(n, a, b, 3e-5 * sqrt(k));
  free(a);
  free(b);
}

static void all_three_agree_with_the_plain_convolution(void **state) {
  (void)state;
  for (int i = 0; i < SHAPES; i++) {
    problem fast = make(shapes[i], true), plain = make(shapes[i], false);
    compare(forward, &fast, &plain, fast.ny, (double)fast.p.c * 9);
    compare(backward_input, &fast, &plain, fast.nx, (double)fast.p.m * 9);
    compare(backward_weight, &fast, &plain, fast.nw, (double)(fast.p.n * fast.p.oh * fast.p.ow));
    drop(&fast);
    drop(&plain);
  }
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  for (int i = 0; i < SHAPES; i++) {
    problem q = make(shapes[i], true);
    assert_same_bits_for_any_threads(forward, &q, q.ny);
    assert_same_bits_for_any_threads(backward_input, &q, q.nx);
    assert_same_bits_for_any_threads(backward_weight, &q, q.nw);
    drop(&q);
  }
}

/* A kernel that is 1 in its middle and 0 elsewhere copies; small integers come through the transforms exactly. */
static void the_middle_of_a_kernel_copies_the_picture(void **state) {
  (void)state;
  const int64_t s[7] = {1, 8, 9, 6, 8, 1, 1};
  problem q = make(s, true);
  float *y = floats(q.ny), *x = integers(q.nx, 5);
  void *work = workspace(&q);
  for (int64_t i = 0; i < q.nw; i++) q.w[i] = i % 9 == 4 && i / 9 / 8 == i / 9 % 8;
  xk_conv2d_forward(&q.p, x, q.w, NULL, y, work);
  assert_close(q.ny, y, x, 1e-5);
  free(work);
  free(y);
  free(x);
  drop(&q);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_three_agree_with_the_plain_convolution),
      cmocka_unit_test(bits_do_not_depend_on_threads),
      cmocka_unit_test(the_middle_of_a_kernel_copies_the_picture),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
