/* The allocator counts, obeys its limit, and fails when told to. */
#include "scratch.h"

static void blocks_are_aligned_and_counted(void **state) {
  (void)state;
  size_t before = xai_mem_live();
  for (size_t n = 0; n < 300; n++) {
    unsigned char *p = xai_alloc(n);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % XAI_ALIGN, 0);
    assert_int_equal(xai_mem_live(), before + n);
    memset(p, 0xA5, n);
    xai_free(p);
    assert_int_equal(xai_mem_live(), before);
  }
  xai_free(NULL);
}

static void calloc_gives_zeros_and_refuses_overflow(void **state) {
  (void)state;
  unsigned char *p = xai_calloc(7, 11);
  for (int i = 0; i < 77; i++) assert_int_equal(p[i], 0);
  xai_free(p);
  assert_null(xai_calloc(SIZE_MAX / 2, 3));
  assert_null(xai_alloc(SIZE_MAX));
  size_t product;
  assert_true(xai_mul_size(SIZE_MAX / 3, 3, &product));
  assert_false(xai_mul_size(SIZE_MAX / 3 + 1, 3, &product));
}

static void realloc_keeps_the_bytes_and_the_old_block_on_failure(void **state) {
  (void)state;
  size_t before = xai_mem_live();
  char *p = xai_realloc(NULL, 4);
  memcpy(p, "abc", 4);
  p = xai_realloc(p, 1000);
  assert_string_equal(p, "abc");
  xai_mem_fail_after(0, false);
  assert_null(xai_realloc(p, 2000));
  assert_string_equal(p, "abc");
  p = xai_realloc(p, 2);
  assert_memory_equal(p, "ab", 2);
  assert_int_equal(xai_mem_live(), before + 2);
  xai_free(p);
}

static void the_peak_is_the_largest_sum(void **state) {
  (void)state;
  size_t base = xai_mem_peak() - xai_mem_live() + 1000; /* more than ever before */
  void *p = xai_alloc(base), *q = xai_alloc(500);
  size_t top = xai_mem_live();
  assert_int_equal(xai_mem_peak(), top);
  xai_free(p);
  xai_free(q);
  assert_int_equal(xai_mem_peak(), top);
}

static void the_limit_holds_to_the_byte(void **state) {
  (void)state;
  xai_mem_limit(xai_mem_live() + 1000);
  void *p = xai_alloc(600);
  assert_non_null(p);
  assert_null(xai_alloc(401));
  void *q = xai_alloc(400);
  assert_non_null(q);
  assert_null(xai_alloc(1));
  xai_mem_limit(10); /* below what is in use already */
  assert_null(xai_alloc(1));
  xai_mem_limit(0);
  xai_free(p);
  xai_free(q);
}

static void one_allocation_fails_once_or_all_from_then_on(void **state) {
  (void)state;
  for (int sticky = 0; sticky <= 1; sticky++) {
    void *p[5];
    xai_mem_fail_after(2, sticky);
    for (int i = 0; i < 5; i++) p[i] = xai_alloc(8);
    xai_mem_fail_after(-1, false);
    for (int i = 0; i < 5; i++) {
      bool fails = sticky ? i >= 2 : i == 2;
      assert_int_equal(p[i] == NULL, fails);
      xai_free(p[i]);
    }
  }
}

static void large_zeros_are_zero_aligned_counted_and_limited(void **state) {
  (void)state;
  enum { LARGE = 3 << 20 };
  size_t before = xai_mem_live();
  for (int round = 0; round < 3; round++) { /* memory that was used before comes back clean */
    unsigned char *p = xai_calloc(LARGE + (size_t)round, 1);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % XAI_ALIGN, 0);
    assert_int_equal(xai_mem_live() - before, LARGE + round);
    for (int i = 0; i < LARGE + round; i++)
      if (p[i] != 0) fail_msg("byte %d is not zero", i);
    memset(p, 0xff, LARGE + (size_t)round);
    unsigned char *more = xai_realloc(p, LARGE + 100);
    assert_non_null(more);
    assert_int_equal(more[LARGE - 1], 0xff);
    xai_free(more);
  }
  assert_int_equal(xai_mem_live(), before);
  xai_mem_limit(before + LARGE);
  assert_null(xai_calloc(LARGE + 1, 1));
  xai_mem_limit(0);
  xai_mem_fail_after(0, false);
  assert_null(xai_calloc(LARGE, 1));
  xai_mem_fail_after(-1, false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(large_zeros_are_zero_aligned_counted_and_limited),
      cmocka_unit_test(blocks_are_aligned_and_counted),
      cmocka_unit_test(calloc_gives_zeros_and_refuses_overflow),
      cmocka_unit_test(realloc_keeps_the_bytes_and_the_old_block_on_failure),
      cmocka_unit_test(the_peak_is_the_largest_sum),
      cmocka_unit_test(the_limit_holds_to_the_byte),
      cmocka_unit_test(one_allocation_fails_once_or_all_from_then_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
