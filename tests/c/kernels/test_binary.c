/* Broadcasting arithmetic and its gradients: by hand, and against one loop over the output with coordinates. */
#include <math.h>

#include "ktest.h"

/* Strides of two operands given by their dims, each 1 or the output's. */
static xk_broadcast broadcast(int rank, const int64_t *a, const int64_t *b, int64_t *na, int64_t *nb, int64_t *ny) {
  xk_broadcast s = {.rank = rank};
  *na = *nb = *ny = 1;
  for (int d = rank - 1; d >= 0; d--) {
    s.dims[d] = a[d] == 1 ? b[d] : a[d];
    s.stride_a[d] = a[d] == 1 ? 0 : *na;
    s.stride_b[d] = b[d] == 1 ? 0 : *nb;
    *na *= a[d];
    *nb *= b[d];
    *ny *= s.dims[d];
  }
  return s;
}

static void bias_per_column_matches_hand_calculation(void **state) {
  (void)state;
  /* [1 2; 3 4] op [10 20]; gradients with dy = [1 2; 3 4]:
   *   mul: da = dy*b = [10 40; 30 80], db = sum over rows of dy*a = [1+9, 4+16]
   *   div: da = dy/b = [.1 .1; .3 .2], db = -sum dy*a/b^2 = -[10/100, 20/400] */
  const int64_t da_[] = {2, 2}, db_[] = {1, 2};
  int64_t na, nb, ny;
  xk_broadcast s = broadcast(2, da_, db_, &na, &nb, &ny);
  const float a[] = {1, 2, 3, 4}, b[] = {10, 20};
  float y[4], da[4], db[2];
  xk_binary_forward(XK_ADD, &s, a, b, y);
  assert_equal(4, y, (const float[]){11, 22, 13, 24});
  xk_binary_forward(XK_SUB, &s, a, b, y);
  assert_equal(4, y, (const float[]){-9, -18, -7, -16});
  xk_binary_forward(XK_MUL, &s, a, b, y);
  assert_equal(4, y, (const float[]){10, 40, 30, 80});
  xk_binary_forward(XK_DIV, &s, a, b, y);
  assert_equal(4, y, (const float[]){0.1f, 0.1f, 0.3f, 0.2f});
  xk_binary_backward_b(XK_ADD, &s, a, b, a, 2, db);
  assert_equal(2, db, (const float[]){4, 6});
  xk_binary_backward_b(XK_SUB, &s, a, b, a, 2, db);
  assert_equal(2, db, (const float[]){-4, -6});
  xk_binary_backward_a(XK_MUL, &s, a, b, a, 4, da);
  assert_equal(4, da, (const float[]){10, 40, 30, 80});
  xk_binary_backward_b(XK_MUL, &s, a, b, a, 2, db);
  assert_equal(2, db, (const float[]){10, 20});
  xk_binary_backward_a(XK_DIV, &s, a, b, a, 4, da);
  assert_close(4, da, (const float[]){0.1f, 0.1f, 0.3f, 0.2f}, 1e-7);
  xk_binary_backward_b(XK_DIV, &s, a, b, a, 2, db);
  assert_close(2, db, (const float[]){-0.1f, -0.05f}, 1e-7);
}

/* What one output element is, and what it sends back to either side. */
static double value(xk_binary op, double a, double b) {
  return op == XK_ADD ? a + b : op == XK_SUB ? a - b : op == XK_MUL ? a * b : a / b;
}
static double to_a(xk_binary op, double b, double dy) { return op == XK_MUL ? dy * b : op == XK_DIV ? dy / b : dy; }
static double to_b(xk_binary op, double a, double b, double dy) {
  return op == XK_ADD ? dy : op == XK_SUB ? -dy : op == XK_MUL ? dy * a : -dy * a / (b * b);
}

static void check(xk_binary op, int rank, const int64_t *dims_a, const int64_t *dims_b) {
  int64_t na, nb, ny;
  xk_broadcast s = broadcast(rank, dims_a, dims_b, &na, &nb, &ny);
  float *a = integers(na, 1), *b = integers(nb, 2), *dy = integers(ny, 3), *y = floats(ny), *da = floats(na),
        *db = floats(nb);
  for (int64_t i = 0; i < nb; i++)
    if (b[i] == 0) b[i] = 2;
  double *want_da = calloc((size_t)na + 1, sizeof *want_da), *want_db = calloc((size_t)nb + 1, sizeof *want_db);
  xk_binary_forward(op, &s, a, b, y);
  for (int64_t i = 0; i < ny; i++) {
    int64_t at_a = 0, at_b = 0, rest = i;
    for (int d = rank - 1; d >= 0; d--) {
      at_a += rest % s.dims[d] * s.stride_a[d];
      at_b += rest % s.dims[d] * s.stride_b[d];
      rest /= s.dims[d];
    }
    assert_true(y[i] == (float)value(op, a[at_a], b[at_b]));
    want_da[at_a] += to_a(op, b[at_b], dy[i]);
    want_db[at_b] += to_b(op, a[at_a], b[at_b], dy[i]);
  }
  xk_binary_backward_a(op, &s, a, b, dy, na, da);
  xk_binary_backward_b(op, &s, a, b, dy, nb, db);
  for (int64_t i = 0; i < na; i++) assert_true(fabs(da[i] - want_da[i]) <= 1e-6 * (1 + fabs(want_da[i])));
  for (int64_t i = 0; i < nb; i++) assert_true(fabs(db[i] - want_db[i]) <= 1e-6 * (1 + fabs(want_db[i])));
  free(a);
  free(b);
  free(dy);
  free(y);
  free(da);
  free(db);
  free(want_da);
  free(want_db);
}

static void every_operation_equals_the_definition_when_broadcast(void **state) {
  (void)state;
  static const struct {
    int rank;
    int64_t a[5], b[5];
  } cases[] = {{1, {7}, {7}},
               {1, {1}, {6}},
               {1, {1}, {1}},
               {2, {3, 1}, {1, 4}},
               {3, {2, 3, 4}, {1, 1, 1}},
               {3, {2, 3, 4}, {2, 1, 4}},
               {4, {2, 3, 4, 5}, {1, 3, 1, 1}},
               {4, {1, 3, 1, 5}, {2, 3, 4, 1}},
               {4, {5, 7, 40, 50}, {1, 7, 1, 1}},
               {4, {5, 7, 40, 50}, {5, 7, 40, 50}},
               {2, {1, 40000}, {1, 1}},
               {2, {40000, 1}, {1, 3}},
               {5, {2, 1, 3, 1, 2}, {1, 4, 1, 5, 2}},
               {2, {0, 3}, {1, 3}},
               {2, {2, 0}, {2, 1}}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int op = XK_ADD; op <= XK_DIV; op++) {
      check((xk_binary)op, cases[i].rank, cases[i].a, cases[i].b);
      if (op != XK_DIV || i < 13) check((xk_binary)op, cases[i].rank, cases[i].b, cases[i].a);
    }
}

static void integer_arithmetic_never_traps(void **state) {
  (void)state;
  const int64_t dims[] = {4}, a[] = {7, 5, INT64_MIN, INT64_MAX}, b[] = {-2, 0, -1, 1};
  int64_t na, nb, ny, y[4];
  xk_broadcast s = broadcast(1, dims, dims, &na, &nb, &ny);
  xk_binary_forward_int(XK_DIV, 8, &s, a, b, y);
  assert_true(y[0] == -3 && y[1] == 0 && y[2] == INT64_MIN && y[3] == INT64_MAX);
  xk_binary_forward_int(XK_ADD, 8, &s, a, b, y);
  assert_true(y[0] == 5 && y[1] == 5 && y[2] == INT64_MAX && y[3] == INT64_MIN);
  xk_binary_forward_int(XK_SUB, 8, &s, a, b, y);
  assert_true(y[0] == 9 && y[1] == 5);
  xk_binary_forward_int(XK_MUL, 8, &s, a, b, y);
  assert_true(y[0] == -14 && y[1] == 0 && y[2] == INT64_MIN && y[3] == INT64_MAX);
}

static void nan_wins_the_maximum_and_the_minimum(void **state) {
  (void)state;
  const int64_t dims[] = {3};
  int64_t na, nb, ny;
  xk_broadcast s = broadcast(1, dims, dims, &na, &nb, &ny);
  const float a[] = {1, NAN, 3}, b[] = {NAN, 2, 4};
  float y[3];
  xk_binary_forward(XK_MAX, &s, a, b, y);
  assert_true(isnan(y[0]) && isnan(y[1]) && y[2] == 4);
  xk_binary_forward(XK_MIN, &s, a, b, y);
  assert_true(isnan(y[0]) && isnan(y[1]) && y[2] == 3);
}

static void powers_have_gradients_where_they_have_derivatives(void **state) {
  (void)state;
  /* d a^b / da = b a^(b-1) and d/db = a^b ln a, which a negative base or 0 does not have */
  const int64_t dims[] = {4};
  int64_t na, nb, ny;
  xk_broadcast s = broadcast(1, dims, dims, &na, &nb, &ny);
  const float a[] = {2, -3, 0, 0}, b[] = {3, 2, 2, 0}, one[] = {1, 1, 1, 1};
  float y[4];
  xk_binary_forward(XK_POW, &s, a, b, y);
  assert_equal(4, y, (const float[]){8, 9, 0, 1});
  xk_binary_backward_a(XK_POW, &s, a, b, one, 4, y);
  assert_equal(4, y, (const float[]){12, -6, 0, 0});
  xk_binary_backward_b(XK_POW, &s, a, b, one, 4, y);
  assert_close(4, y, (const float[]){5.5451774f, 0, 0, 0}, 1e-6); /* 8 ln 2 */
}

static void comparisons_broadcast_and_know_no_order_with_nan(void **state) {
  (void)state;
  const int64_t dims_a[] = {2, 1}, dims_b[] = {1, 3};
  int64_t na, nb, ny;
  xk_broadcast s = broadcast(2, dims_a, dims_b, &na, &nb, &ny);
  const float a[] = {1, NAN}, b[] = {0, 1, 2};
  static const uint8_t want[][6] = {[XK_EQUAL] = {0, 1, 0},          [XK_GREATER] = {1, 0, 0},
                                    [XK_GREATER_EQUAL] = {1, 1, 0}, [XK_LESS] = {0, 0, 1},
                                    [XK_LESS_EQUAL] = {0, 1, 1}};
  for (int op = XK_EQUAL; op <= XK_LESS_EQUAL; op++) {
    uint8_t y[6];
    xk_compare_forward((xk_comparison)op, &s, a, b, y);
    assert_memory_equal(y, want[op], sizeof y);
  }
}

typedef struct problem {
  xk_broadcast s;
  int64_t na, nb, ny;
  float *a, *b, *dy;
} problem;

static void run_all(const void *problem_, float *out) {
  const problem *q = problem_;
  xk_binary_forward(XK_MUL, &q->s, q->a, q->b, out);
  xk_binary_backward_a(XK_MUL, &q->s, q->a, q->b, q->dy, q->na, out + q->ny);
  xk_binary_backward_b(XK_MUL, &q->s, q->a, q->b, q->dy, q->nb, out + q->ny + q->na);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  const int64_t a[] = {3, 11, 40, 41}, b[] = {1, 11, 1, 1};
  problem q;
  q.s = broadcast(4, a, b, &q.na, &q.nb, &q.ny);
  q.a = reals(q.na, 1);
  q.b = reals(q.nb, 2);
  q.dy = reals(q.ny, 3);
  assert_same_bits_for_any_threads(run_all, &q, q.ny + q.na + q.nb);
  free(q.a);
  free(q.b);
  free(q.dy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bias_per_column_matches_hand_calculation),
      cmocka_unit_test(every_operation_equals_the_definition_when_broadcast),
      cmocka_unit_test(integer_arithmetic_never_traps),
      cmocka_unit_test(nan_wins_the_maximum_and_the_minimum),
      cmocka_unit_test(powers_have_gradients_where_they_have_derivatives),
      cmocka_unit_test(comparisons_broadcast_and_know_no_order_with_nan),
      cmocka_unit_test(bits_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
