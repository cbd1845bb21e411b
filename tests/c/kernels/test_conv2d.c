/* Convolution and its two gradients, depthwise included: by hand, against seven loops, by adjointness, for any
 * number of threads and in any batch. */
#include "ktest.h"

#include <math.h>

#include "kernels/private.h"
#include "xai/status.h"

/* ---- a problem with its arrays ---------------------------------------------------------------------- */
typedef struct problem {
  xk_conv2d p;
  int64_t nx, ny, nw; /* elements of x, y, w */
  float *x, *w, *b, *dy;
  void *work;
} problem;

static xk_conv2d shape(int64_t n, int64_t c, int64_t h, int64_t w, int64_t m, int64_t groups, int64_t kh, int64_t kw) {
  return (xk_conv2d){
      .n = n, .c = c, .h = h, .w = w, .m = m, .groups = groups, .kh = kh, .kw = kw, .sh = 1, .sw = 1, .dh = 1, .dw = 1};
}

/* oh and ow from the paddings at all four sides */
static void pad(xk_conv2d *p, int64_t top, int64_t left, int64_t bottom, int64_t right) {
  p->pad_top = top;
  p->pad_left = left;
  p->oh = (p->h + top + bottom - (p->kh - 1) * p->dh - 1) / p->sh + 1;
  p->ow = (p->w + left + right - (p->kw - 1) * p->dw - 1) / p->sw + 1;
}

static problem make(const xk_conv2d *p, float *(*fill)(int64_t, uint64_t)) {
  problem q = {.p = *p,
               .nx = p->n * p->c * p->h * p->w,
               .ny = p->n * p->m * p->oh * p->ow,
               .nw = p->m * (p->c / p->groups) * p->kh * p->kw};
  q.x = fill(q.nx, 1);
  q.w = fill(q.nw, 2);
  q.b = fill(p->m, 3);
  q.dy = fill(q.ny, 4);
  q.work = malloc(xk_conv2d_workspace(p) + 1);
  assert_non_null(q.work);
  return q;
}

static void drop(problem *q) {
  free(q->x);
  free(q->w);
  free(q->b);
  free(q->dy);
  free(q->work);
}

/* ---- the definition ------------------------------------------------------------------------------------ */
/* Goes through all (x, w, y) triples that meet: y[iy] += x[ix] * w[iw]. Each of the three results is optional. */
static void seven_loops(const problem *q, double *y, double *dx, double *dw) {
  const xk_conv2d *p = &q->p;
  int64_t cg = p->c / p->groups, mg = p->m / p->groups;
  for (int64_t n = 0; n < p->n; n++)
    for (int64_t m = 0; m < p->m; m++)
      for (int64_t oy = 0; oy < p->oh; oy++)
        for (int64_t ox = 0; ox < p->ow; ox++)
          for (int64_t c = 0; c < cg; c++)
            for (int64_t ky = 0; ky < p->kh; ky++)
              for (int64_t kx = 0; kx < p->kw; kx++) {
                int64_t r = oy * p->sh - p->pad_top + ky * p->dh, s = ox * p->sw - p->pad_left + kx * p->dw;
                if (r < 0 || r >= p->h || s < 0 || s >= p->w) continue;
                int64_t at_x = ((n * p->c + m / mg * cg + c) * p->h + r) * p->w + s;
                int64_t at_w = ((m * cg + c) * p->kh + ky) * p->kw + kx;
                int64_t at_y = ((n * p->m + m) * p->oh + oy) * p->ow + ox;
                y[at_y] += (double)q->x[at_x] * q->w[at_w];
                dx[at_x] += (double)q->dy[at_y] * q->w[at_w];
                dw[at_w] += (double)q->dy[at_y] * q->x[at_x];
              }
}

static void assert_equals_double(int64_t n, const float *got, const double *want, const char *what,
                                 const xk_conv2d *p) {
  for (int64_t i = 0; i < n; i++)
    if ((double)got[i] != want[i])
      fail_msg(
          "%s, element %d: %.9g, expected %.9g (c %d m %d groups %d kernel %dx%d stride %dx%d pad %d,%d input %dx%d)",
          what, (int)i, (double)got[i], want[i], (int)p->c, (int)p->m, (int)p->groups, (int)p->kh, (int)p->kw,
          (int)p->sh, (int)p->sw, (int)p->pad_top, (int)p->pad_left, (int)p->h, (int)p->w);
}

/* All three kernels on integers, where every sum is exact; and the law <conv(x), dy> = <x, dx> = <w, dw>. */
static void check(const xk_conv2d *p) {
  problem q = make(p, integers);
  double *y = calloc((size_t)q.ny + 1, sizeof *y), *dx = calloc((size_t)q.nx + 1, sizeof *dx),
         *dw = calloc((size_t)q.nw + 1, sizeof *dw);
  float *got_y = floats(q.ny), *got_dx = floats(q.nx), *got_dw = floats(q.nw);
  seven_loops(&q, y, dx, dw);
  xk_conv2d_forward(p, q.x, q.w, NULL, got_y, q.work);
  xk_conv2d_backward_input(p, q.w, q.dy, got_dx, q.work);
  xk_conv2d_backward_weight(p, q.x, q.dy, got_dw, q.work);
  assert_equals_double(q.ny, got_y, y, "y", p);
  assert_equals_double(q.nx, got_dx, dx, "dx", p);
  assert_equals_double(q.nw, got_dw, dw, "dw", p);
  double score = inner_product(q.ny, got_y, q.dy);
  assert_true(score == inner_product(q.nx, q.x, got_dx));
  assert_true(score == inner_product(q.nw, q.w, got_dw));

  xk_conv2d_forward(p, q.x, q.w, q.b, got_y, q.work);
  for (int64_t i = 0; i < q.ny; i++) y[i] += q.b[i / (p->oh * p->ow) % p->m];
  assert_equals_double(q.ny, got_y, y, "y with bias", p);
  free(y);
  free(dx);
  free(dw);
  free(got_y);
  free(got_dx);
  free(got_dw);
  drop(&q);
}

/* ---- tests -------------------------------------------------------------------------------------------------- */
static void three_by_three_input_matches_hand_calculation(void **state) {
  (void)state;
  /* x = 1 2 3   w = 1  2   y = 1-5*... with w = [1 2; 3 -1], b = 10:
   *     4 5 6       3 -1   y00 = 1*1+2*2+3*4-1*5 + 10 = 22    y01 = 2+6+15-6 + 10 = 27
   *     7 8 9              y10 = 4+10+21-8 + 10 = 37          y11 = 5+12+24-9 + 10 = 42 */
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, w[] = {1, 2, 3, -1}, b[] = {10}, want[] = {22, 27, 37, 42};
  xk_conv2d p = shape(1, 1, 3, 3, 1, 1, 2, 2);
  pad(&p, 0, 0, 0, 0);
  float y[4], dx[9], dw[4];
  void *work = malloc(xk_conv2d_workspace(&p));
  xk_conv2d_forward(&p, x, w, b, y, work);
  assert_equal(4, y, want);

  /* dy = 1 0; 0 2: dx is w at the upper left plus 2w at the lower right:
   *   1  2  0
   *   3 -1+2  4
   *   0  6 -2 */
  const float dy[] = {1, 0, 0, 2}, want_dx[] = {1, 2, 0, 3, 1, 4, 0, 6, -2};
  xk_conv2d_backward_input(&p, w, dy, dx, work);
  assert_equal(9, dx, want_dx);

  /* dw = x's upper left 2x2 + 2 * x's lower right 2x2 = [1+10 2+12; 4+16 5+18] */
  const float want_dw[] = {11, 14, 20, 23};
  xk_conv2d_backward_weight(&p, x, dy, dw, work);
  assert_equal(4, dw, want_dw);
  free(work);
}

static void depthwise_with_stride_and_padding_matches_hand_calculation(void **state) {
  (void)state;
  /* two channels, a 1x3 kernel each, stride 2, one zero at the left, none at the right:
   * x0 = 1 2 3 4, w0 = 1 1 1: windows (0 1 2) (2 3 4) -> 3 9
   * x1 = 5 6 7 8, w1 = 1 0 -1: windows (0 5 6) (6 7 8) -> -6 -2 */
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8}, w[] = {1, 1, 1, 1, 0, -1}, want[] = {3, 9, -6, -2};
  xk_conv2d p = shape(1, 2, 1, 4, 2, 2, 1, 3);
  p.sw = 2;
  pad(&p, 0, 1, 0, 0);
  float y[4];
  xk_conv2d_forward(&p, x, w, NULL, y, NULL);
  assert_equal(4, y, want);
}

static void kernels_equal_seven_loops_on_layers_of_known_networks(void **state) {
  (void)state;
  /* n c h w m groups k stride pad: layers of AlexNet, SqueezeNet, ResNet, MobileNet with fewer channels */
  static const int64_t layers[][9] = {
      {1, 3, 67, 67, 16, 1, 11, 4, 2},  {1, 3, 35, 35, 64, 1, 3, 2, 0}, {2, 16, 13, 13, 64, 1, 1, 1, 0},
      {1, 32, 13, 13, 128, 1, 3, 1, 1}, {2, 24, 7, 7, 24, 24, 3, 1, 1}, {1, 24, 14, 14, 48, 24, 5, 2, 2},
      {1, 64, 14, 14, 32, 1, 1, 2, 0},  {3, 48, 9, 9, 32, 2, 5, 1, 2},  {1, 3, 32, 32, 16, 1, 7, 2, 3},
      {1, 512, 4, 4, 64, 1, 3, 1, 1},   {1, 1, 28, 28, 6, 1, 5, 1, 0},  {2, 64, 6, 6, 100, 1, 6, 1, 0},
      {2, 64, 1, 1, 1100, 1, 1, 1, 0}};
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
    const int64_t *l = layers[i];
    xk_conv2d p = shape(l[0], l[1], l[2], l[3], l[4], l[5], l[6], l[6]);
    p.sh = p.sw = l[7];
    pad(&p, l[8], l[8], l[8], l[8]);
    check(&p);
  }
}

/* A number in lo..hi from the i-th draw. */
static int64_t draw(uint64_t *i, int64_t lo, int64_t hi) {
  return lo + (int64_t)(xai_rng_u64(xai_rng_stream(3, 0), (*i)++) % (uint64_t)(hi - lo + 1));
}

static void kernels_equal_seven_loops_on_random_shapes(void **state) {
  (void)state;
  uint64_t i = 0;
  for (int trial = 0; trial < 150; trial++) {
    int64_t groups = draw(&i, 1, 3), cg = draw(&i, 1, 4), mg = draw(&i, 1, 5);
    xk_conv2d p = shape(draw(&i, 1, 3), groups * cg, draw(&i, 1, 12), draw(&i, 1, 12), groups * mg, groups,
                        draw(&i, 1, 4), draw(&i, 1, 4));
    p.sh = draw(&i, 1, 3);
    p.sw = draw(&i, 1, 3);
    p.dh = draw(&i, 1, 2);
    p.dw = draw(&i, 1, 3);
    int64_t top = draw(&i, 0, 4), left = draw(&i, 0, 4), bottom = draw(&i, 0, 4), right = draw(&i, 0, 4);
    if (p.h + top + bottom < (p.kh - 1) * p.dh + 1 || p.w + left + right < (p.kw - 1) * p.dw + 1) continue;
    pad(&p, top, left, bottom, right);
    check(&p);
  }
}

static void kernels_equal_seven_loops_when_many_tiles_are_needed(void **state) {
  (void)state;
  xk_conv2d p = shape(1, 2, 90, 110, 3, 1, 3, 3); /* 9900 columns: several tiles, cut within output rows */
  pad(&p, 1, 1, 1, 1);
  check(&p);
  p = shape(1, 1, 5, 9000, 2, 1, 2, 3); /* one output row is longer than a tile */
  p.dw = 2;
  pad(&p, 0, 2, 1, 2);
  check(&p);
  p = shape(1, 2, 80, 100, 3, 1, 1, 1); /* no patch matrix at all */
  pad(&p, 0, 0, 0, 0);
  check(&p);
}

static void empty_batches_and_outputs_are_fine(void **state) {
  (void)state;
  xk_conv2d p = shape(0, 2, 4, 4, 3, 1, 3, 3);
  pad(&p, 0, 0, 0, 0);
  check(&p);
  p.n = 1;
  p.oh = 0;
  check(&p);
}

static void run_forward(const void *problem_, float *out) {
  const problem *q = problem_;
  void *work = malloc(xk_conv2d_workspace(&q->p) + 1);
  xk_conv2d_forward(&q->p, q->x, q->w, q->b, out, work);
  free(work);
}

static void run_backward_input(const void *problem_, float *out) {
  const problem *q = problem_;
  void *work = malloc(xk_conv2d_workspace(&q->p) + 1);
  xk_conv2d_backward_input(&q->p, q->w, q->dy, out, work);
  free(work);
}

static void run_backward_weight(const void *problem_, float *out) {
  const problem *q = problem_;
  void *work = malloc(xk_conv2d_workspace(&q->p) + 1);
  xk_conv2d_backward_weight(&q->p, q->x, q->dy, out, work);
  free(work);
}

static void run_channel_sum(const void *problem_, float *out) {
  const problem *q = problem_;
  xk_channel_sum(q->p.n, q->p.m, q->p.oh * q->p.ow, q->dy, out);
}

/* n c h w m groups k stride pad */
static const int64_t real_layers[][9] = {{2, 3, 63, 63, 64, 1, 3, 2, 0},
                                         {1, 64, 27, 27, 64, 1, 3, 1, 1},
                                         {2, 64, 13, 13, 128, 1, 1, 1, 0},
                                         {2, 32, 28, 28, 32, 32, 3, 1, 1}};
enum { REAL_LAYERS = sizeof real_layers / sizeof *real_layers };

static xk_conv2d real_layer(int i) {
  const int64_t *l = real_layers[i];
  xk_conv2d p = shape(l[0], l[1], l[2], l[3], l[4], l[5], l[6], l[6]);
  p.sh = p.sw = l[7];
  pad(&p, l[8], l[8], l[8], l[8]);
  return p;
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  for (int i = 0; i < REAL_LAYERS; i++) {
    xk_conv2d p = real_layer(i);
    problem q = make(&p, reals);
    assert_same_bits_for_any_threads(run_forward, &q, q.ny);
    assert_same_bits_for_any_threads(run_backward_input, &q, q.nx);
    assert_same_bits_for_any_threads(run_backward_weight, &q, q.nw);
    assert_same_bits_for_any_threads(run_channel_sum, &q, p.m);
    drop(&q);
  }
}

static void an_image_gives_the_same_bits_in_any_batch(void **state) {
  (void)state;
  for (int i = 0; i < REAL_LAYERS; i++) {
    xk_conv2d p = real_layer(i);
    p.n = 3;
    problem q = make(&p, reals);
    float *y = floats(q.ny), *dx = floats(q.nx), *y1 = floats(q.ny / 3), *dx1 = floats(q.nx / 3);
    xk_conv2d_forward(&p, q.x, q.w, q.b, y, q.work);
    xk_conv2d_backward_input(&p, q.w, q.dy, dx, q.work);
    p.n = 1;
    for (int64_t image = 0; image < 3; image++) {
      xk_conv2d_forward(&p, q.x + image * q.nx / 3, q.w, q.b, y1, q.work);
      xk_conv2d_backward_input(&p, q.w, q.dy + image * q.ny / 3, dx1, q.work);
      assert_memory_equal(y1, y + image * q.ny / 3, (size_t)(q.ny / 3) * sizeof(float));
      assert_memory_equal(dx1, dx + image * q.nx / 3, (size_t)(q.nx / 3) * sizeof(float));
    }
    free(y);
    free(dx);
    free(y1);
    free(dx1);
    drop(&q);
  }
}

static void a_stop_request_ends_all_three(void **state) {
  (void)state;
  xk_conv2d p = shape(4, 8, 10, 10, 8, 1, 3, 3);
  pad(&p, 1, 1, 1, 1);
  problem q = make(&p, integers);
  float *y = floats(q.ny), *dx = floats(q.nx), *dw = floats(q.nw);
  xai_stop_request();
  xk_conv2d_forward(&p, q.x, q.w, q.b, y, q.work);
  xk_conv2d_backward_input(&p, q.w, q.dy, dx, q.work);
  xk_conv2d_backward_weight(&p, q.x, q.dy, dw, q.work);
  xai_stop_clear();
  assert_true(y[0] == 12345 && dw[0] == 12345);
  free(y);
  free(dx);
  free(dw);
  drop(&q);
}

static void channel_sum_matches_hand_calculation(void **state) {
  (void)state;
  /* two images, two channels, two elements: channel 0 has 1 2 | 5 6, channel 1 has 3 4 | 7 8 */
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8}, want[] = {14, 22};
  float sum[2];
  xk_channel_sum(2, 2, 2, x, sum);
  assert_equal(2, sum, want);
}

static void channel_sum_keeps_small_terms_beside_large_ones(void **state) {
  (void)state;
  /* 2^26 + 64 ones: float additions one by one would stay at 2^26; the sum 67108928 is a float */
  float x[65], sum;
  x[0] = 67108864;
  for (int i = 1; i < 65; i++) x[i] = 1;
  xk_channel_sum(1, 1, 65, x, &sum);
  assert_true(sum == 67108928);
}

/* Bands of one gradient are summed by different threads: each may touch its own rows only, not even to add a zero. A zero
 * added to -0 makes it +0, so that shows. 5 x 4 pixels, one of the kernels even, bands of two rows. */
static void a_band_of_the_input_gradient_is_all_that_is_touched(void **state) {
  (void)state;
  for (int side = 2; side <= 3; side++) {
    xk_conv2d p = {.n = 1, .c = 1, .h = 5, .w = 4, .m = 1, .kh = side, .kw = side, .oh = 5, .ow = 4, .sh = 1, .sw = 1,
                   .dh = 1, .dw = 1, .pad_top = side / 2, .pad_left = side / 2, .groups = 1};
    float col[9 * 20], x[20];
    for (int y0 = 0; y0 < 5; y0 += 2) {
      int y1 = y0 + 2 < 5 ? y0 + 2 : 5;
      for (int i = 0; i < 9 * 20; i++) col[i] = 1;
      for (int i = 0; i < 20; i++) x[i] = i / 4 >= y0 && i / 4 < y1 ? 0.0F : -0.0F;
      xk__col2im_accumulate(&p, 1, col, 0, 20, y0, y1, x);
      for (int i = 0; i < 20; i++) {
        bool inside = i / 4 >= y0 && i / 4 < y1;
        if (inside ? !(x[i] > 0) : !signbit(x[i]) || x[i] != 0) fail_msg("side %d, rows %d to %d, element %d", side, y0, y1, i);
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(three_by_three_input_matches_hand_calculation),
      cmocka_unit_test(depthwise_with_stride_and_padding_matches_hand_calculation),
      cmocka_unit_test(kernels_equal_seven_loops_on_layers_of_known_networks),
      cmocka_unit_test(kernels_equal_seven_loops_on_random_shapes),
      cmocka_unit_test(kernels_equal_seven_loops_when_many_tiles_are_needed),
      cmocka_unit_test(empty_batches_and_outputs_are_fine),
      cmocka_unit_test(bits_do_not_depend_on_threads),
      cmocka_unit_test(an_image_gives_the_same_bits_in_any_batch),
      cmocka_unit_test(a_stop_request_ends_all_three),
      cmocka_unit_test(channel_sum_matches_hand_calculation),
      cmocka_unit_test(channel_sum_keeps_small_terms_beside_large_ones),
      cmocka_unit_test(a_band_of_the_input_gradient_is_all_that_is_touched),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
