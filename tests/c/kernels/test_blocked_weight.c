/* Gradients of blocked convolutions to their weights, as xk_bconv_backward_weight chooses the way: against their
 * definition, and the laws of every kernel. */
#include "blocked_case.h"

static const int64_t shapes[][14] = {
    /* n, c, h, w, m, groups, kh, kw, sh, sw, dh, dw, pad top, pad left */
    {2, 3, 19, 17, 32, 1, 7, 7, 2, 2, 1, 1, 3, 3},    {9, 1, 6, 5, 20, 1, 3, 3, 1, 1, 1, 1, 1, 1},
    {1, 8, 20, 9, 7, 1, 15, 2, 1, 1, 1, 1, 7, 0},     {3, 2, 9, 30, 16, 1, 1, 17, 1, 3, 1, 1, 0, 8},
    {17, 3, 8, 8, 48, 1, 6, 7, 1, 1, 1, 1, 0, 2},     {1, 4, 11, 12, 5, 1, 3, 7, 2, 1, 2, 2, 1, 5},
    {2, 3, 6, 6, 16, 1, 2, 2, 4, 4, 1, 1, 0, 0},      {2, 64, 7, 7, 48, 1, 1, 1, 1, 1, 1, 1, 0, 0},
    {9, 20, 9, 8, 33, 1, 3, 3, 2, 2, 1, 1, 1, 1},     {1, 32, 3, 3, 16, 1, 3, 3, 1, 1, 1, 1, 1, 1},
    {3, 16, 6, 9, 16, 1, 2, 5, 1, 2, 3, 1, 3, 2},     {1, 40, 1, 1, 30, 1, 5, 5, 1, 1, 1, 1, 2, 2},
    {2, 64, 6, 5, 32, 2, 3, 3, 1, 1, 1, 1, 1, 1},     {8, 48, 8, 8, 96, 3, 1, 1, 2, 2, 1, 1, 0, 0},
    {9, 33, 9, 10, 33, 33, 3, 3, 1, 1, 1, 1, 1, 1},   {2, 16, 12, 11, 16, 16, 5, 3, 2, 1, 1, 2, 2, 0},
    {3, 20, 8, 7, 40, 1, 3, 3, 1, 1, 1, 1, 1, 1},     {2, 400, 2, 2, 700, 1, 1, 1, 1, 1, 1, 1, 0, 0},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static blocked_case make(const int64_t s[14]) {
  xk_conv2d p = {.n = s[0], .c = s[1], .h = s[2], .w = s[3], .m = s[4], .groups = s[5], .kh = s[6], .kw = s[7], .sh = s[8],
                 .sw = s[9], .dh = s[10], .dw = s[11], .pad_top = s[12], .pad_left = s[13]};
  p.oh = (p.h + 2 * p.pad_top - (p.kh - 1) * p.dh - 1) / p.sh + 1;
  p.ow = (p.w + 2 * p.pad_left - (p.kw - 1) * p.dw - 1) / p.sw + 1;
  assert_true(xk_bconv_fits(&p));
  return make_case((algorithm){0}, p);
}

static void run_weights(const void *q_, float *dw) {
  const blocked_case *q = q_;
  char *work = malloc(xk_bconv_weight_workspace(&q->p) + 1);
  assert_non_null(work);
  xk_bconv_backward_weight(&q->p, xk_bconv_plain_input(&q->p) ? q->x : q->bx, q->bdy, dw, work);
  free(work);
}

/* Sums of up to some thousand products in float32; fast ones round most */
static void the_gradient_is_its_definition(void **state) {
  (void)state;
  for (int i = 0; i < SHAPES; i++) {
    blocked_case q = make(shapes[i]);
    double *want = definition_of_weights(&q);
    float *dw = floats(q.nw);
    FOR_EACH_ISA({
      run_weights(&q, dw);
      if (!(relative_error(q.nw, dw, want) < 2e-6)) fail_msg("shape %d: %g", i, relative_error(q.nw, dw, want));
      assert_same_bits_for_any_threads(run_weights, &q, q.nw);
    });
    free(dw);
    free(want);
    drop_case(&q);
  }
}

static void of_no_pictures_it_is_zero(void **state) {
  (void)state;
  const int64_t empty[14] = {0, 20, 9, 8, 33, 1, 3, 3, 2, 2, 1, 1, 1, 1};
  blocked_case q = make(empty);
  float *dw = floats(q.nw);
  run_weights(&q, dw);
  for (int64_t i = 0; i < q.nw; i++) assert_true(dw[i] == 0);
  free(dw);
  drop_case(&q);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_gradient_is_its_definition),
      cmocka_unit_test(of_no_pictures_it_is_zero),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
