/* Windows over volumes: a hand-worked sum, and the law that a volume of depth 1 is a picture. */
#include <math.h>

#include "ktest.h"

/* The same windows as a picture's and as a volume's. */
static xk_conv2d flat = {.n = 2, .c = 4, .h = 6, .w = 7, .m = 6, .oh = 4, .ow = 3, .groups = 2, .kh = 3, .kw = 2,
                         .sh = 2, .sw = 3, .dh = 1, .dw = 2, .pad_top = 2, .pad_left = 1};
static xk_conv3d deep = {.v = {.in = {1, 6, 7}, .out = {1, 4, 3}, .kernel = {1, 3, 2}, .stride = {1, 2, 3},
                               .dilation = {1, 1, 2}, .before = {0, 2, 1}, .after = {0, 1, 1}},
                         .n = 2, .c = 4, .m = 6, .groups = 2};
enum { NX = 2 * 4 * 42, NY = 2 * 6 * 12, NW = 6 * 2 * 6 };

static void a_cube_is_summed_by_hand(void **state) {
  (void)state;
  /* 2x2x2 ones with the filter 1 .. 8: 36; one more position to the right sees the right half of the taps' left column:
   * taps 0 2 4 6, filter values 1 3 5 7, together 16 */
  const float x[8] = {1, 1, 1, 1, 1, 1, 1, 1}, w[8] = {1, 2, 3, 4, 5, 6, 7, 8}, b[1] = {100}, want[2] = {136, 116};
  xk_conv3d p = {.v = {.in = {2, 2, 2},
                       .out = {1, 1, 2},
                       .kernel = {2, 2, 2},
                       .stride = {1, 1, 1},
                       .dilation = {1, 1, 1},
                       .after = {0, 0, 1}},
                 .n = 1,
                 .c = 1,
                 .m = 1,
                 .groups = 1};
  float y[2];
  xk_conv3d_forward(&p, x, w, b, y);
  assert_equal(2, y, want);
}

static void convolution_at_depth_1_is_that_of_pictures(void **state) {
  (void)state;
  float *x = integers(NX, 1), *w = integers(NW, 2), *b = integers(6, 3), *dy = integers(NY, 4);
  float *flat_out = floats(NX), *deep_out = floats(NX);
  void *work = malloc(xk_conv2d_workspace(&flat) + 1);
  xk_conv2d_forward(&flat, x, w, b, flat_out, work);
  xk_conv3d_forward(&deep, x, w, b, deep_out);
  assert_equal(NY, deep_out, flat_out);
  xk_conv2d_backward_input(&flat, w, dy, flat_out, work);
  xk_conv3d_backward_input(&deep, w, dy, deep_out);
  assert_equal(NX, deep_out, flat_out);
  xk_conv2d_backward_weight(&flat, x, dy, flat_out, work);
  xk_conv3d_backward_weight(&deep, x, dy, deep_out);
  assert_equal(NW, deep_out, flat_out);
  free(x), free(w), free(b), free(dy), free(flat_out), free(deep_out), free(work);
}

static void pooling_at_depth_1_is_that_of_pictures(void **state) {
  (void)state;
  for (int include = 0; include <= 1; include++) {
    xk_pool2d p = {.planes = 3,
                   .h = 6,
                   .w = 7,
                   .oh = 4,
                   .ow = 4,
                   .kh = 3,
                   .kw = 2,
                   .sh = 2,
                   .sw = 2,
                   .dh = 1,
                   .dw = 1,
                   .pad_top = 2,
                   .pad_left = 1,
                   .pad_bottom = 1,
                   .pad_right = 0,
                   .count_include_pad = include};
    xk_pool3d q = {.v = {.in = {1, 6, 7},
                         .out = {1, 4, 4},
                         .kernel = {1, 3, 2},
                         .stride = {1, 2, 2},
                         .dilation = {1, 1, 1},
                         .before = {0, 2, 1},
                         .after = {0, 1, 0}},
                   .planes = 3,
                   .count_include_pad = include};
    float *x = integers(3 * 42, 5), *dy = integers(3 * 16, 6), *a = floats(3 * 42), *b = floats(3 * 42);
    int64_t where[48];
    x[20] = NAN;
    xk_maxpool_forward(&p, x, a);
    xk_maxpool3d_forward(&q, x, b, where);
    for (int i = 0; i < 48; i++) assert_true(a[i] == b[i] || (isnan(a[i]) && isnan(b[i])));
    for (int i = 0; i < 48; i++) assert_memory_equal(&x[where[i]], &b[i], sizeof(float)); /* that is where it was */
    xk_maxpool_backward(&p, x, dy, a);
    xk_maxpool3d_backward(&q, x, dy, b);
    assert_equal(3 * 42, b, a);
    x[20] = 1;
    xk_avgpool_forward(&p, x, a);
    xk_avgpool3d_forward(&q, x, b);
    assert_close(48, b, a, 1e-6);
    xk_avgpool_backward(&p, dy, a);
    xk_avgpool3d_backward(&q, dy, b);
    assert_close(3 * 42, b, a, 1e-6);
    free(x), free(dy), free(a), free(b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_cube_is_summed_by_hand),
      cmocka_unit_test(convolution_at_depth_1_is_that_of_pictures),
      cmocka_unit_test(pooling_at_depth_1_is_that_of_pictures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
