/* Growing buffers and bounded cursors. */
#include "scratch.h"

#include "base/buf.h"

static void a_buffer_holds_what_was_added_in_order(void **state) {
  (void)state;
  xai_buf b = {0};
  for (int i = 0; i < 5000; i++) {
    unsigned char v[3] = {(unsigned char)i, (unsigned char)(i >> 8), 7};
    xai_buf_add(&b, v, sizeof v);
  }
  xai_buf_add(&b, NULL, 0);
  assert_false(b.failed);
  assert_int_equal(b.size, 15000);
  for (int i = 0; i < 5000; i++) assert_int_equal(b.data[3 * i] | b.data[3 * i + 1] << 8, i);
  xai_buf_free(&b);
  assert_null(b.data);
  assert_int_equal(b.size, 0);
}

static void a_buffer_that_ran_out_of_memory_stays_as_it_was(void **state) {
  (void)state;
  xai_buf b = {0};
  char bytes[300] = "abc";
  size_t before = xai_mem_live();
  xai_buf_add(&b, bytes, 200);
  xai_mem_fail_after(0, false);
  xai_buf_add(&b, bytes, 200); /* needs a larger block */
  xai_mem_fail_after(-1, false);
  assert_true(b.failed);
  xai_buf_add(&b, bytes, 1);
  assert_int_equal(b.size, 200);
  xai_buf_free(&b);
  assert_false(b.failed);
  assert_int_equal(xai_mem_live(), before);
}

static void a_size_that_overflows_is_a_failure(void **state) {
  (void)state;
  xai_buf b = {0};
  xai_buf_add(&b, "x", 1);
  xai_buf_add(&b, "x", SIZE_MAX - 2);
  assert_true(b.failed);
  xai_buf_free(&b);
}

static void a_cursor_reads_little_endian_numbers_at_any_address(void **state) {
  (void)state;
  /* 0x0201; 0x06050403; 0x0E0D0C0B0A090807 */
  const unsigned char bytes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
  xai_cursor c = {bytes + 1, bytes + sizeof bytes};
  uint16_t a = 0;
  uint32_t b = 0;
  uint64_t d = 0;
  assert_true(xai_cursor_u16(&c, &a) && xai_cursor_u32(&c, &b) && xai_cursor_u64(&c, &d));
  assert_int_equal(a, 0x0201);
  assert_int_equal(b, 0x06050403);
  assert_true(d == UINT64_C(0x0E0D0C0B0A090807));
  assert_int_equal(xai_cursor_left(&c), 0);
}

static void a_short_range_gives_nothing_and_leaves_the_cursor(void **state) {
  (void)state;
  const unsigned char bytes[7] = {0};
  for (size_t n = 0; n < 8; n++) {
    xai_cursor c = {bytes, bytes + (n < 7 ? n : 7)};
    const unsigned char *p;
    uint16_t a = 9;
    uint32_t b = 9;
    uint64_t d = 9;
    assert_false(xai_cursor_u64(&c, &d));
    if (n < 4) assert_false(xai_cursor_u32(&c, &b));
    if (n < 2) assert_false(xai_cursor_u16(&c, &a));
    assert_false(xai_cursor_take(&c, n + 1 > 7 ? 8 : n + 1, &p));
    assert_false(xai_cursor_take(&c, SIZE_MAX, &p));
    assert_ptr_equal(c.at, bytes);
    assert_int_equal(d, 9);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_buffer_holds_what_was_added_in_order),
      cmocka_unit_test(a_buffer_that_ran_out_of_memory_stays_as_it_was),
      cmocka_unit_test(a_size_that_overflows_is_a_failure),
      cmocka_unit_test(a_cursor_reads_little_endian_numbers_at_any_address),
      cmocka_unit_test(a_short_range_gives_nothing_and_leaves_the_cursor),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
