/* Channel-blocked arrays: two pixels by hand, the definition for odd and even sizes, there and back. */
#include "blocked_arrays.h"

static void channels_of_a_pixel_stand_together(void **state) {
  (void)state;
  /* two channels (1 2) and (3 4) of two pixels: pixel 0 is 1 3 0 .., pixel 1 is 2 4 0 .. */
  const float x[] = {1, 2, 3, 4}, want[32] = {[0] = 1, [1] = 3, [16] = 2, [17] = 4};
  float y[32], back[4];
  xk_block(1, 2, 2, x, y);
  assert_equal(32, y, want);
  xk_unblock(1, 2, 2, y, back);
  assert_equal(4, back, x);
}

static const int64_t sizes[][3] = {/* n, c, hw */ {1, 16, 16}, {1, 16, 49},  {2, 32, 36},  {3, 17, 5},    {1, 3, 50},
                                   {2, 30, 1}, {1, 47, 33},  {1, 64, 1024}, {1, 6, 2500}, {2, 20, 1025}, {1, 5, 0},
                                   {0, 5, 7}};

static void blocks_equal_the_definition_and_lead_back(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    int64_t n = sizes[i][0], c = sizes[i][1], hw = sizes[i][2], count = n * c * hw;
    float *x = reals(count, i), *y = floats(blocked_count(n, c, hw)), *back = floats(count);
    xk_block(n, c, hw, x, y);
    assert_blocks(n, c, hw, y, x);
    xk_unblock(n, c, hw, y, back);
    assert_equal(count, back, x);
    free(x);
    free(y);
    free(back);
  }
}

static void unblocking_does_not_read_beyond_the_channels(void **state) {
  (void)state;
  float x[32], y[6];
  for (int i = 0; i < 32; i++) x[i] = (float)i;
  const float want[] = {0, 16, 1, 17, 2, 18};
  xk_unblock(1, 3, 2, x, y);
  assert_equal(6, y, want);
}

enum { N = 2, C = 40, HW = 3000 };
static void there(const void *x, float *out) { xk_block(N, C, HW, x, out); }
static void back(const void *x, float *out) { xk_unblock(N, C, HW, x, out); }

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  float *x = reals(blocked_count(N, C, HW), 1);
  assert_same_bits_for_any_threads(there, x, blocked_count(N, C, HW));
  assert_same_bits_for_any_threads(back, x, N * C * HW);
  free(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(channels_of_a_pixel_stand_together),
      cmocka_unit_test(blocks_equal_the_definition_and_lead_back),
      cmocka_unit_test(unblocking_does_not_read_beyond_the_channels),
      cmocka_unit_test(bits_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
