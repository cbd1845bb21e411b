/* Pooling: hand-worked windows, ties, NaN, padding, the definition on random shapes, adjointness. */
#include <math.h>

#include "ktest.h"

static xk_pool2d shape(int64_t planes, int64_t h, int64_t w, int64_t k, int64_t stride) {
  xk_pool2d p = {.planes = planes, .h = h, .w = w, .kh = k, .kw = k, .sh = stride, .sw = stride, .dh = 1, .dw = 1};
  p.oh = (h - k) / stride + 1;
  p.ow = (w - k) / stride + 1;
  return p;
}

/* oh and ow from the paddings; ceil mode rounds up */
static void pad(xk_pool2d *p, int64_t top, int64_t left, int64_t bottom, int64_t right, bool ceil_mode) {
  p->pad_top = top;
  p->pad_left = left;
  p->pad_bottom = bottom;
  p->pad_right = right;
  p->oh = (p->h + top + bottom - (p->kh - 1) * p->dh - 1 + (ceil_mode ? p->sh - 1 : 0)) / p->sh + 1;
  p->ow = (p->w + left + right - (p->kw - 1) * p->dw - 1 + (ceil_mode ? p->sw - 1 : 0)) / p->sw + 1;
}

static void maximum_of_overlapping_windows_matches_hand_calculation(void **state) {
  (void)state;
  /* 2x2 windows, stride 1:   1 5 2      max 7 5     winners: 7 at (1,0) twice, 5 at (0,1), 6 at (2,2)
   *                          7 3 4          7 6
   *                          0 1 6   */
  const float x[] = {1, 5, 2, 7, 3, 4, 0, 1, 6}, dy[] = {1, 10, 100, 1000};
  const float want[] = {7, 5, 7, 6}, want_dx[] = {0, 10, 0, 101, 0, 0, 0, 0, 1000};
  xk_pool2d p = shape(1, 3, 3, 2, 1);
  float y[4], dx[9];
  xk_maxpool_forward(&p, x, y);
  xk_maxpool_backward(&p, x, dy, dx);
  assert_equal(4, y, want);
  assert_equal(9, dx, want_dx);
}

static void first_of_equal_maxima_gets_the_gradient(void **state) {
  (void)state;
  const float x[] = {2, 3, 3, 3}, dy[] = {5}, want[] = {0, 5, 0, 0};
  xk_pool2d p = shape(1, 2, 2, 2, 2);
  float dx[4];
  xk_maxpool_backward(&p, x, dy, dx);
  assert_equal(4, dx, want);
  const float zeros[4] = {0}, first[] = {5, 0, 0, 0}; /* after a ReLU, whole windows are 0 */
  xk_maxpool_backward(&p, zeros, dy, dx);
  assert_equal(4, dx, first);
  xk_global_max_backward(1, 4, x, dy, dx);
  assert_equal(4, dx, want);
}

static void padding_never_wins(void **state) {
  (void)state;
  /* all negative, 3x3 windows around each of two elements: a padding of 0 would win */
  const float x[] = {-3, -2}, dy[] = {1, 1}, want[] = {-2, -2}, want_dx[] = {0, 2};
  xk_pool2d p = shape(1, 1, 2, 3, 1);
  pad(&p, 1, 1, 1, 1, false);
  float y[2], dx[2];
  xk_maxpool_forward(&p, x, y);
  xk_maxpool_backward(&p, x, dy, dx);
  assert_equal(2, y, want);
  assert_equal(2, dx, want_dx);
}

static void nan_wins_over_numbers(void **state) {
  (void)state;
  const float x[] = {1, NAN, 9, NAN, 2, 3, 4, 5}, dy[] = {1, 1}, want_dx[] = {0, 1, 0, 0, 0, 0, 0, 1};
  xk_pool2d p = shape(2, 2, 2, 2, 2);
  float y[2], dx[8];
  xk_maxpool_forward(&p, x, y);
  xk_maxpool_backward(&p, x, dy, dx);
  assert_true(isnan(y[0]) && y[1] == 5);
  assert_equal(8, dx, want_dx);
  xk_global_max_forward(2, 4, x, y);
  xk_global_max_backward(2, 4, x, dy, dx);
  assert_true(isnan(y[0]) && y[1] == 5);
  assert_equal(8, dx, want_dx);
}

static void minus_infinity_can_win(void **state) {
  (void)state;
  const float x[] = {-INFINITY, -INFINITY}, dy[] = {4}, want[] = {4, 0};
  xk_pool2d p = {.planes = 1, .h = 1, .w = 2, .oh = 1, .ow = 1, .kh = 1, .kw = 2, .sh = 1, .sw = 1, .dh = 1, .dw = 1};
  float y, dx[2];
  xk_maxpool_forward(&p, x, &y);
  xk_maxpool_backward(&p, x, dy, dx);
  assert_true(y == -INFINITY);
  assert_equal(2, dx, want);
}

static void a_window_of_padding_only_is_harmless(void **state) {
  (void)state;
  /* one element, kernel 1, one padding at each side: three windows, the outer two see nothing */
  const float x[] = {3}, dy[] = {1, 10, 100}, want[] = {-INFINITY, 3, -INFINITY}, want_avg[] = {0, 3, 0},
              want_dx[] = {10};
  xk_pool2d p = {.planes = 1,
                 .h = 1,
                 .w = 1,
                 .oh = 1,
                 .ow = 3,
                 .kh = 1,
                 .kw = 1,
                 .sh = 1,
                 .sw = 1,
                 .dh = 1,
                 .dw = 1,
                 .pad_left = 1,
                 .pad_right = 1};
  float y[3], dx[1];
  xk_maxpool_forward(&p, x, y);
  assert_equal(3, y, want);
  xk_maxpool_backward(&p, x, dy, dx);
  assert_equal(1, dx, want_dx);
  for (int include = 0; include < 2; include++) {
    p.count_include_pad = include;
    xk_avgpool_forward(&p, x, y);
    assert_equal(3, y, want_avg);
    xk_avgpool_backward(&p, dy, dx);
    assert_equal(1, dx, want_dx);
  }
}

static void average_counts_padding_only_when_asked(void **state) {
  (void)state;
  /* x = 2 4 6 8 in a row, windows of 3, stride 2, one padding at either end: (. 2 4) (4 6 8), and in ceil mode a
   * third that covers 8, the padding, and one position beyond it: (8 . |). */
  const float x[] = {2, 4, 6, 8};
  xk_pool2d p = {.planes = 1,
                 .h = 1,
                 .w = 4,
                 .oh = 1,
                 .ow = 3,
                 .kh = 1,
                 .kw = 3,
                 .sh = 1,
                 .sw = 2,
                 .dh = 1,
                 .dw = 1,
                 .pad_left = 1,
                 .pad_right = 1};
  float y[3], dx[4];
  const float inside[] = {3, 6, 8}; /* 6/2, 18/3, 8/1 */
  const float padded[] = {2, 6, 4}; /* 6/3, 18/3, 8/2: what lies beyond the padding does not count */
  xk_avgpool_forward(&p, x, y);
  assert_equal(3, y, inside);
  p.count_include_pad = true;
  xk_avgpool_forward(&p, x, y);
  assert_equal(3, y, padded);
  const float dy[] = {3, 6, 8}, want_dx[] = {1, 1 + 2, 2, 2 + 4}; /* shares 1 1 | 2 2 2 | 4 */
  xk_avgpool_backward(&p, dy, dx);
  assert_equal(4, dx, want_dx);
}

static int64_t draw(uint64_t *i, int64_t lo, int64_t hi) {
  return lo + (int64_t)(xai_rng_u64(xai_rng_stream(4, 0), (*i)++) % (uint64_t)(hi - lo + 1));
}

static bool random_shape(uint64_t *i, xk_pool2d *p) {
  *p = (xk_pool2d){.planes = draw(i, 1, 3),
                   .h = draw(i, 1, 11),
                   .w = draw(i, 1, 11),
                   .kh = draw(i, 1, 4),
                   .kw = draw(i, 1, 4),
                   .sh = draw(i, 1, 3),
                   .sw = draw(i, 1, 3),
                   .dh = draw(i, 1, 3),
                   .dw = draw(i, 1, 2),
                   .count_include_pad = draw(i, 0, 1)};
  int64_t top = draw(i, 0, 3), left = draw(i, 0, 3), bottom = draw(i, 0, 3), right = draw(i, 0, 3);
  if (p->h + top + bottom < (p->kh - 1) * p->dh + 1 || p->w + left + right < (p->kw - 1) * p->dw + 1) return false;
  pad(p, top, left, bottom, right, draw(i, 0, 1));
  return true;
}

/* The definition, with every tap tested against every bound. */
static void naive(const xk_pool2d *p, const float *x, const float *dy, float *max, float *dmax, double *avg,
                  double *davg) {
  for (int64_t t = 0; t < p->planes * p->oh * p->ow; t++) {
    int64_t plane = t / (p->oh * p->ow) * p->h * p->w, oy = t / p->ow % p->oh, ox = t % p->ow, win = -1, n = 0;
    double sum = 0;
    for (int pass = 0; pass < 2; pass++)
      for (int64_t ky = 0; ky < p->kh; ky++)
        for (int64_t kx = 0; kx < p->kw; kx++) {
          int64_t r = oy * p->sh - p->pad_top + ky * p->dh, s = ox * p->sw - p->pad_left + kx * p->dw;
          bool inside = r >= 0 && r < p->h && s >= 0 && s < p->w,
               padded = r < p->h + p->pad_bottom && s < p->w + p->pad_right;
          int64_t at = plane + r * p->w + s;
          if (pass == 0 && (inside || (p->count_include_pad && padded))) n++;
          if (!inside) continue;
          if (pass == 0 && (win < 0 || x[at] > x[win])) win = at;
          if (pass == 0)
            sum += x[at];
          else
            davg[at] += dy[t] / (double)n;
        }
    max[t] = win < 0 ? -INFINITY : x[win];
    if (win >= 0) dmax[win] += dy[t];
    avg[t] = n > 0 ? sum / (double)n : 0;
  }
}

static void pools_equal_the_definition_on_random_shapes(void **state) {
  (void)state;
  uint64_t i = 0;
  for (int trial = 0; trial < 300; trial++) {
    xk_pool2d p;
    if (!random_shape(&i, &p)) continue;
    int64_t nx = p.planes * p.h * p.w, ny = p.planes * p.oh * p.ow;
    float *x = integers(nx, 1), *dy = integers(ny, 2), *max = floats(ny), *dmax = calloc((size_t)nx, sizeof *dmax);
    double *avg = calloc((size_t)ny, sizeof *avg), *davg = calloc((size_t)nx, sizeof *davg);
    float *y = floats(ny), *dx = floats(nx);
    naive(&p, x, dy, max, dmax, avg, davg);
    xk_maxpool_forward(&p, x, y);
    assert_equal(ny, y, max);
    xk_maxpool_backward(&p, x, dy, dx);
    assert_equal(nx, dx, dmax);
    xk_avgpool_forward(&p, x, y);
    for (int64_t j = 0; j < ny; j++) assert_true(fabs(y[j] - avg[j]) < 1e-6);
    xk_avgpool_backward(&p, dy, dx);
    for (int64_t j = 0; j < nx; j++) assert_true(fabs(dx[j] - davg[j]) < 1e-5);
    free(x);
    free(dy);
    free(max);
    free(dmax);
    free(avg);
    free(davg);
    free(y);
    free(dx);
  }
}

static void global_pools_match_hand_calculation(void **state) {
  (void)state;
  const float x[] = {1, 2, 6, -1, -5, -3}, avg[] = {3, -3}, max[] = {6, -1}, dy[] = {3, 6};
  const float davg[] = {1, 1, 1, 2, 2, 2}, dmax[] = {0, 0, 3, 6, 0, 0};
  float y[2], dx[6];
  xk_global_avg_forward(2, 3, x, y);
  assert_equal(2, y, avg);
  xk_global_avg_backward(2, 3, dy, dx);
  assert_equal(6, dx, davg);
  xk_global_max_forward(2, 3, x, y);
  assert_equal(2, y, max);
  xk_global_max_backward(2, 3, x, dy, dx);
  assert_equal(6, dx, dmax);
}

typedef struct problem {
  xk_pool2d p;
  float *x, *dy;
} problem;

/* All eight results one after the other. */
static void run_all(const void *problem_, float *out) {
  const problem *q = problem_;
  int64_t hw = q->p.h * q->p.w, nx = q->p.planes * hw, ny = q->p.planes * q->p.oh * q->p.ow;
  xk_maxpool_forward(&q->p, q->x, out);
  xk_avgpool_forward(&q->p, q->x, out += ny);
  xk_global_avg_forward(q->p.planes, hw, q->x, out += ny);
  xk_global_max_forward(q->p.planes, hw, q->x, out += q->p.planes);
  xk_maxpool_backward(&q->p, q->x, q->dy, out += q->p.planes);
  xk_avgpool_backward(&q->p, q->dy, out += nx);
  xk_global_avg_backward(q->p.planes, hw, q->dy, out += nx);
  xk_global_max_backward(q->p.planes, hw, q->x, q->dy, out += nx);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  problem q = {.p = shape(37, 31, 29, 3, 2)};
  pad(&q.p, 1, 1, 1, 1, false);
  int64_t nx = q.p.planes * q.p.h * q.p.w, ny = q.p.planes * q.p.oh * q.p.ow;
  q.x = reals(nx, 1);
  q.dy = reals(ny, 2);
  assert_same_bits_for_any_threads(run_all, &q, 4 * nx + 2 * ny + 2 * q.p.planes);
  free(q.x);
  free(q.dy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(maximum_of_overlapping_windows_matches_hand_calculation),
      cmocka_unit_test(first_of_equal_maxima_gets_the_gradient),
      cmocka_unit_test(padding_never_wins),
      cmocka_unit_test(nan_wins_over_numbers),
      cmocka_unit_test(minus_infinity_can_win),
      cmocka_unit_test(a_window_of_padding_only_is_harmless),
      cmocka_unit_test(average_counts_padding_only_when_asked),
      cmocka_unit_test(pools_equal_the_definition_on_random_shapes),
      cmocka_unit_test(global_pools_match_hand_calculation),
      cmocka_unit_test(bits_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
