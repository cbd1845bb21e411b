/* Parameters made from their names: the published rule worked with 64-bit arithmetic, and its laws. */
#include <math.h>
#include <string.h>

#include "graph/fill.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"
#include "tiny.h"

static xai_tensor *fill(const char *name, xai_shape shape) {
  xai_tensor *t = NULL;
  must(xai_fill(name, shape, &t, err));
  return t;
}

static void first_elements_are(const char *name, xai_shape shape, const float want[4]) {
  xai_tensor *t = fill(name, shape);
  for (int i = 0; i < 4; i++) assert_float_equal(xai_tensor_floats(t)[i], want[i], 0);
  xai_tensor_free(t);
}

static void names_give_the_reference_numbers(void **state) {
  (void)state; /* made by another program (NumPy) */
  first_elements_are("features.0.weight", XAI_SHAPE(64, 3, 11, 11),
                     (const float[]){0.09147582203149796f, 0.006798638962209225f, 0.03584296628832817f, -0.10477001219987869f});
  first_elements_are("features.0.bias", XAI_SHAPE(64),
                     (const float[]){-0.03640270233154297f, 0.013720810413360596f, 0.07270311564207077f, -0.0947451964020729f});
  first_elements_are("layer1.0.bn1.running_var", XAI_SHAPE(64),
                     (const float[]){1.058496356010437f, 1.135312557220459f, 1.1124976873397827f, 0.8618599772453308f});
}

static void the_last_part_of_the_name_and_the_shape_choose_the_range(void **state) {
  (void)state;
  const struct {
    const char *name;
    xai_shape shape;
    double centre, radius;
  } cases[] = {
      {"bn.running_mean", XAI_SHAPE(5000), 0, 0.1}, {"bias", XAI_SHAPE(5000), 0, 0.1}, {"bn.running_var", XAI_SHAPE(5000), 1, 0.2},
      {"bn.weight", XAI_SHAPE(5000), 1, 0.2},       {"fc.weight", XAI_SHAPE(10, 600), 0, 0.1 /* sqrt(6 / 600) */},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    xai_tensor *t = fill(cases[k].name, cases[k].shape);
    size_t n = xai_tensor_count(t);
    double lo = HUGE_VAL, hi = -HUGE_VAL, sum = 0;
    for (size_t i = 0; i < n; i++) {
      double v = xai_tensor_floats(t)[i];
      lo = fmin(lo, v), hi = fmax(hi, v), sum += v;
    }
    double c = cases[k].centre, r = cases[k].radius;
    assert_true(lo >= c - r - 1e-7 && lo < c - 0.99 * r && hi <= c + r + 1e-7 && hi > c + 0.99 * r);
    assert_float_equal(sum / (double)n, c, 0.05 * r); /* 5000 uniform numbers: 0.008 r is one standard deviation */
    xai_tensor_free(t);
  }
}

static void any_number_of_threads_gives_the_same_numbers(void **state) {
  (void)state;
  int threads = xk_threads();
  xk_threads_set(1);
  xai_tensor *a = fill("x.weight", XAI_SHAPE(100, 1001));
  xk_threads_set(3);
  xai_tensor *b = fill("x.weight", XAI_SHAPE(100, 1001));
  xk_threads_set(threads);
  assert_memory_equal(xai_tensor_floats(a), xai_tensor_floats(b), xai_tensor_bytes(a));
  xai_tensor_free(a);
  xai_tensor_free(b);
}

static void an_impossible_shape_is_refused(void **state) {
  (void)state;
  xai_tensor *t = NULL;
  xai_err err = {""};
  assert_int_equal(xai_fill("x", XAI_SHAPE(-1, 2), &t, &err), XAI_ESHAPE);
  assert_null(t);
  t = fill("empty.weight", XAI_SHAPE(0, 3));
  xai_tensor_free(t);
}

/* 100000 numbers: mean 0 and mean square 1 within 4 deviations of theirs (1 and sqrt 2 over 316), 68.27 % within 1 of 0; the
 * pairs of one Box-Muller step are not correlated. */
static void noise_is_normal_and_depends_on_its_place_only(void **state) {
  (void)state;
  enum { N = 100000 };
  static float zeros[N], y[N], part[7];
  double sum = 0, squares = 0, products = 0;
  int near = 0;
  xk_add_noise(77, 2, N, zeros, y);
  for (int i = 0; i < N; i++) {
    double z = y[i] / 2;
    sum += z;
    squares += z * z;
    near += fabs(z) < 1;
    if (i % 2 == 0) products += z * y[i + 1] / 2;
  }
  assert_true(fabs(sum / N) < 0.0127 && fabs(squares / N - 1) < 0.018 && fabs(products / (N / 2)) < 0.018);
  assert_true(fabs((double)near / N - 0.6827) < 0.006);
  xk_add_noise(77, 2, 7, zeros, part); /* an odd number of the same stream */
  assert_memory_equal(part, y, sizeof part);
  xk_add_noise(77, 0, 7, y + 100, part);
  assert_memory_equal(part, y + 100, sizeof part);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(noise_is_normal_and_depends_on_its_place_only),
      cmocka_unit_test(names_give_the_reference_numbers),
      cmocka_unit_test(the_last_part_of_the_name_and_the_shape_choose_the_range),
      cmocka_unit_test(any_number_of_threads_gives_the_same_numbers),
      cmocka_unit_test(an_impossible_shape_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
