#include "scratch.h"

#include <math.h>

#include "score/score.h"

static void order_is(const float *v, const int64_t *want, int n) {
  int64_t order[8];
  assert_int_equal(xai_score_order(v, n, order, NULL), XAI_OK);
  for (int i = 0; i < n; i++) assert_int_equal(order[i], want[i]);
}

static void the_largest_comes_first_and_equals_in_the_order_of_positions(void **state) {
  (void)state;
  order_is((const float[]){1, 3, -2, 3, 2}, (const int64_t[]){1, 3, 4, 0, 2}, 5);
  order_is((const float[]){7, 7, 7, 7}, (const int64_t[]){0, 1, 2, 3}, 4);
  order_is((const float[]){0.0f, -0.0f, 0.0f}, (const int64_t[]){0, 1, 2}, 3);
}

static void what_is_no_number_comes_last(void **state) {
  (void)state;
  order_is((const float[]){NAN, 1, NAN, -INFINITY, INFINITY}, (const int64_t[]){4, 1, 3, 0, 2}, 5);
}

static xai_status try(const char *path, xai_err *err) {
  (void)path;
  int64_t order[3];
  return xai_score_order((const float[]){1, 2, 3}, 3, order, err);
}

static void memory_that_is_short_is_an_error(void **state) {
  (void)state;
  each_allocation_fails(try, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_largest_comes_first_and_equals_in_the_order_of_positions),
      cmocka_unit_test(what_is_no_number_comes_last),
      cmocka_unit_test(memory_that_is_short_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
