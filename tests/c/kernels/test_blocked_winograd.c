/* Convolutions 3x3 by Winograd's transforms on blocked arrays: the algebra, the rounding, and the laws of every kernel. */
#include "blocked_case.h"

static const int64_t shapes[][7] = {
    /* n, c, h, w, m, pad top, pad left */
    {1, 16, 4, 4, 16, 1, 1},   {2, 16, 6, 6, 32, 0, 0},  {3, 20, 5, 7, 50, 1, 1},  {1, 33, 13, 9, 70, 2, 2}, {2, 16, 3, 3, 16, 0, 0},
    {5, 32, 12, 12, 40, 1, 0}, {1, 16, 70, 75, 17, 1, 1}, {70, 16, 5, 6, 9, 1, 1}, {2, 64, 57, 56, 64, 1, 1},
    {3, 130, 14, 14, 140, 1, 1}, {2, 48, 7, 7, 160, 1, 1}, {1, 256, 28, 3, 33, 0, 2}, {1, 16, 1, 1, 16, 1, 1},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static blocked_case make(const int64_t s[7]) {
  xk_conv2d p = {.n = s[0], .c = s[1], .h = s[2], .w = s[3], .m = s[4], .groups = 1, .kh = 3, .kw = 3, .sh = 1, .sw = 1,
                 .dh = 1, .dw = 1, .pad_top = s[5], .pad_left = s[6]};
  p.oh = p.h + 2 * p.pad_top - 2;
  p.ow = p.w + 2 * p.pad_left - 2;
  return make_case((algorithm)ALGORITHM(bwino), p);
}

static void both_directions_are_their_definition(void **state) {
  (void)state;
  FOR_EACH_ISA(for (int i = 0; i < SHAPES; i++) {
    blocked_case q = make(shapes[i]);
    assert_true(error_of(&q, false) < 2e-6);
    assert_true(error_of(&q, true) < 2e-6);
    drop_case(&q);
  });
}

/* y is bilinear in x and w, so that it is right for all if it is right for every pair of units: image i has 1 at its
 * pixel i, filter f at its tap f, and y is 1 where tap f lies on pixel i. */
static void units_of_image_and_filter_meet_where_they_should(void **state) {
  (void)state;
  const int64_t sides[] = {18, 6}, forms[] = {1, 0}; /* 4x4 and 2x2 outputs in a tile */
  for (int s = 0; s < 2; s++) {
    int64_t side = sides[s], out = side - 2;
    const int64_t shape[7] = {side * side, 16, side, side, 9, 0, 0};
    blocked_case q = make(shape);
    float *y = floats(q.nby);
    assert_int_equal(xk__bwino_form(&q.p, false), forms[s]);
    for (int64_t i = 0; i < q.nw; i++) q.w[i] = i / 9 % 16 == 5 && i % 9 == i / 9 / 16;
    for (int64_t i = 0; i < q.p.m; i++) q.scale[i] = 1;
    for (int64_t i = 0; i < q.nbx; i++) q.bx[i] = i % 16 == 5 && i / 16 % (side * side) == i / 16 / (side * side);
    q.finish = (xk_finish){.lo = -INFINITY, .hi = INFINITY};
    run_case(&q, false, y);
    for (int64_t i = 0; i < q.nby; i++) {
      int64_t f = i % 16, at = i / 16 % (out * out), pixel = i / 16 / (out * out);
      bool meet = f < 9 && at / out + f / 3 == pixel / side && at % out + f % 3 == pixel % side;
      assert_true(fabs(y[i] - (meet ? 1. : 0.)) < 4e-6); /* what cancels is up to ten times as large */
    }
    free(y);
    drop_case(&q);
  }
}

/* Rectified inputs, 64 to 512 channels: 6e-7 to 1.7e-6 and, at 512, 6e-7 were measured. */
static void the_error_of_a_layer_is_that_of_its_transform(void **state) {
  (void)state;
  const int64_t layers[][7] = {{1, 64, 56, 56, 64, 1, 1}, {1, 128, 28, 28, 128, 1, 1}, {1, 256, 14, 14, 256, 1, 1},
                               {1, 512, 14, 14, 64, 1, 1}, {1, 512, 7, 7, 128, 1, 1}};
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
    blocked_case q = make(layers[i]);
    q.finish = (xk_finish){.lo = -INFINITY, .hi = INFINITY};
    double bound = xk__bwino_form(&q.p, false) == 1 ? 2e-6 : 8e-7;
    assert_true(error_of(&q, false) < bound);
    assert_true(error_of(&q, true) < bound);
    drop_case(&q);
  }
}

static void a_result_is_finished_as_asked(void **state) {
  (void)state;
  blocked_case q = make(shapes[2]);
  const xk_finish finishes[] = {{.lo = -INFINITY, .hi = INFINITY},
                                {.bias = q.bbias, .lo = 0, .hi = 1},
                                {.add = q.badd, .lo = -0.5f, .hi = INFINITY}};
  for (size_t i = 0; i < sizeof finishes / sizeof *finishes; i++) {
    q.finish = finishes[i];
    assert_true(error_of(&q, false) < 2e-6);
  }
  drop_case(&q);
}

static void run_weights(const void *q_, float *dw) {
  const blocked_case *q = q_;
  char *work = malloc(xk__bwino_weight_workspace(&q->p) + 1);
  assert_non_null(work);
  xk__bwino_backward_weight(&q->p, q->bx, q->bdy, dw, work);
  free(work);
}

static void the_gradient_to_the_weights_is_its_definition(void **state) {
  (void)state;
  for (int i = 0; i < SHAPES; i++) {
    blocked_case q = make(shapes[i]);
    double *want = definition_of_weights(&q);
    float *dw = floats(q.nw);
    FOR_EACH_ISA({
      run_weights(&q, dw);
      assert_true(relative_error(q.nw, dw, want) < 2e-6);
      assert_same_bits_for_any_threads(run_weights, &q, q.nw);
    });
    free(dw);
    free(want);
    drop_case(&q);
  }
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
  for (int i = 0; i < SHAPES; i++) {
    blocked_case q = make(shapes[i]);
    assert_adjoint(&q, 2e-6);
    drop_case(&q);
  }
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_directions_are_their_definition),
      cmocka_unit_test(units_of_image_and_filter_meet_where_they_should),
      cmocka_unit_test(the_error_of_a_layer_is_that_of_its_transform),
      cmocka_unit_test(a_result_is_finished_as_asked),
      cmocka_unit_test(the_gradient_to_the_weights_is_its_definition),
      cmocka_unit_test(gradients_are_finished_as_asked),
      cmocka_unit_test(the_way_back_is_the_adjoint),
      cmocka_unit_test(bits_depend_neither_on_threads_nor_on_the_batch),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
