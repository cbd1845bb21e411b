/* Matrix products: a hand-worked one, all transpositions against three loops, strides, threads. */
#include "ktest.h"

#include "xai/status.h"

static void product_of_two_by_two_matches_hand_calculation(void **state) {
  (void)state;
  /* [1 2; 3 4] [5 6; 7 8] = [1*5+2*7 1*6+2*8; 3*5+4*7 3*6+4*8] = [19 22; 43 50] */
  const float a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 8}, want[] = {19, 22, 43, 50};
  float c[4];
  xk_gemm(false, false, 2, 2, 2, 1, a, 2, b, 2, 0, c, 2);
  assert_equal(4, c, want);
  /* beta: 2*[19 22; 43 50] - 1*[1 1; 1 1] */
  float d[] = {1, 1, 1, 1};
  const float want2[] = {37, 43, 85, 99};
  xk_gemm_parallel(false, false, 2, 2, 2, 2, a, 2, b, 2, -1, d, 2);
  assert_equal(4, d, want2);
}

typedef void (*gemm)(bool, bool, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *, int64_t,
                     float, float *, int64_t);

/* op(A) is m x k, op(B) is k x n; every matrix sits in a wider one whose other columns must not be touched. */
static void check_against_loops(gemm multiply, bool ta, bool tb, int64_t m, int64_t n, int64_t k) {
  int64_t lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 2, ldc = n + 1;
  float *a = integers((ta ? k : m) * lda, 1), *b = integers((tb ? n : k) * ldb, 2);
  float *got = integers(m * ldc, 3), *want = integers(m * ldc, 3);
  multiply(ta, tb, m, n, k, 2, a, lda, b, ldb, 3, got, ldc);
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      double sum = 0;
      for (int64_t l = 0; l < k; l++)
        sum += (double)(ta ? a[l * lda + i] : a[i * lda + l]) * (tb ? b[j * ldb + l] : b[l * ldb + j]);
      want[i * ldc + j] = (float)(2 * sum + 3 * want[i * ldc + j]);
    }
  assert_equal(m * ldc, got, want);
  free(a);
  free(b);
  free(got);
  free(want);
}

static void products_equal_three_loops(void **state) {
  (void)state;
  static const int64_t sizes[][3] = {{1, 1, 1},   {1, 70, 33},  {70, 1, 133},  {3, 5, 0},
                                     {17, 9, 40}, {2, 300, 65}, {300, 290, 7}, {1, 1000, 513}, {1, 9001, 131}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (int t = 0; t < 4; t++) {
      check_against_loops(xk_gemm, t & 1, t & 2, sizes[i][0], sizes[i][1], sizes[i][2]);
      check_against_loops(xk_gemm_parallel, t & 1, t & 2, sizes[i][0], sizes[i][1], sizes[i][2]);
    }
}

static void beta_zero_overwrites_nan(void **state) {
  (void)state;
  const float a[] = {1, 2}, b[] = {3, 4};
  float c[4];
  for (int t = 0; t < 2; t++) { /* m = 1 and m = 2 take different ways */
    int64_t m = t + 1, k = 2 - t;
    memset(c, 0xff, sizeof c);
    xk_gemm(false, true, m, 1, k, 1, a, k, b, k, 0, c, 1);
    assert_true(c[0] == (t == 0 ? 11.0f : 3.0f));
  }
}

static void nothing_to_do_touches_nothing(void **state) {
  (void)state;
  float c = 7;
  xk_gemm(false, false, 0, 1, 1, 1, &c, 1, &c, 1, 0, &c, 1);
  xk_gemm_parallel(false, false, 1, 0, 1, 1, &c, 1, &c, 1, 0, &c, 1);
  assert_true(c == 7);
}

typedef struct product {
  int64_t m, n, k;
  const float *a, *b;
} product;

static void multiply(const void *problem, float *out) {
  const product *p = problem;
  xk_gemm_parallel(false, true, p->m, p->n, p->k, 1, p->a, p->k, p->b, p->k, 0, out, p->n);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  static const int64_t sizes[][3] = {{1, 1000, 512}, {25, 1000, 300}, {300, 200, 400}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    int64_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];
    float *a = reals(m * k, 1), *b = reals(n * k, 2);
    product p = {m, n, k, a, b};
    assert_same_bits_for_any_threads(multiply, &p, m * n);
    free(a);
    free(b);
  }
}

static void a_stop_request_ends_the_product(void **state) {
  (void)state;
  float *a = integers(100 * 100, 1), *c = floats(100 * 100);
  xai_stop_request();
  xk_gemm_parallel(false, false, 100, 100, 100, 1, a, 100, a, 100, 0, c, 100);
  xai_stop_clear();
  assert_true(c[0] == 12345 && c[9999] == 12345);
  free(a);
  free(c);
}

static void thread_count_is_at_least_one(void **state) {
  (void)state;
  int before = xk_threads();
  assert_true(before >= 1);
  xk_threads_set(-3);
  assert_int_equal(xk_threads(), 1);
  xk_threads_set(3);
  assert_int_equal(xk_threads(), 3);
  xk_threads_set(before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(product_of_two_by_two_matches_hand_calculation),
      cmocka_unit_test(products_equal_three_loops),
      cmocka_unit_test(beta_zero_overwrites_nan),
      cmocka_unit_test(nothing_to_do_touches_nothing),
      cmocka_unit_test(bits_do_not_depend_on_threads),
      cmocka_unit_test(a_stop_request_ends_the_product),
      cmocka_unit_test(thread_count_is_at_least_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
