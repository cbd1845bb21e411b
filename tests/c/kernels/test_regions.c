/* Connected regions of masks that are drawn out here. */
#include "ktest.h"

static int64_t label(int64_t h, int64_t w, const uint8_t *inside, int32_t *out) {
  void *work = malloc(xk_regions_workspace(h, w));
  assert_non_null(work);
  int64_t n = xk_regions(h, w, inside, out, work);
  free(work);
  return n;
}

static void corners_join_and_regions_are_counted_by_their_first_pixels(void **state) {
  (void)state;
  const uint8_t inside[4 * 5] = {
      1, 0, 0, 9, 9, /**/
      0, 1, 0, 0, 9, /**/
      0, 0, 0, 0, 0, /**/
      1, 0, 0, 0, 1,
  };
  const int32_t want[4 * 5] = {
      1, 0, 0, 2, 2, /**/
      0, 1, 0, 0, 2, /**/
      0, 0, 0, 0, 0, /**/
      3, 0, 0, 0, 4,
  };
  int32_t got[4 * 5];
  assert_int_equal(label(4, 5, inside, got), 4);
  assert_memory_equal(got, want, sizeof want);
}

static void lines_do_not_join_round_the_border(void **state) {
  (void)state;
  const uint8_t inside[2 * 3] = {0, 0, 1, 1, 0, 0};
  int32_t got[2 * 3];
  assert_int_equal(label(2, 3, inside, got), 2);
  assert_memory_equal(got, ((const int32_t[]){0, 0, 1, 2, 0, 0}), sizeof got);
}

static void a_full_and_an_empty_mask(void **state) {
  (void)state;
  uint8_t inside[64 * 64];
  int32_t got[64 * 64];
  memset(inside, 1, sizeof inside);
  assert_int_equal(label(64, 64, inside, got), 1);
  for (int i = 0; i < 64 * 64; i++) assert_int_equal(got[i], 1);
  memset(inside, 0, sizeof inside);
  assert_int_equal(label(64, 64, inside, got), 0);
  for (int i = 0; i < 64 * 64; i++) assert_int_equal(got[i], 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(corners_join_and_regions_are_counted_by_their_first_pixels),
      cmocka_unit_test(lines_do_not_join_round_the_border),
      cmocka_unit_test(a_full_and_an_empty_mask),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
