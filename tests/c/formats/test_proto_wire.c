/* The wire format: what is refused before anything is read, and that both kinds of lists are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "formats/onnx_make.h"
#include "formats/proto_wire.h"

/* A small world: message 0 holds one head (1), any number of children (2), a number (3), a text (4), lists (5-7). */
static const xai_proto_rule rules[] = {
    {1, XAI_PROTO_ONE, "head", 0},        {2, XAI_PROTO_MANY, "child", 0},   {3, XAI_PROTO_INT, "count", 0},
    {4, XAI_PROTO_BYTES, "text", 0},      {5, XAI_PROTO_INTS, "ints", 0},    {6, XAI_PROTO_FLOATS, "floats", 0},
    {7, XAI_PROTO_DOUBLES, "doubles", 0}, {8, XAI_PROTO_FLOAT, "weight", 0}, {0}};
static const xai_proto_message messages[] = {{"thing", rules}};

static xai_status check(const void *bytes, size_t n, xai_err *err) {
  return xai_proto__check((xai_proto_span){bytes, n}, messages, 0, err);
}

static void assert_check_fails(const void *bytes, size_t n, const char *text) {
  xai_err err = {""};
  assert_int_equal(check(bytes, n, &err), XAI_EFORMAT);
  if (strstr(err.text, text) == NULL) fail_msg("expected '...%s...', got '%s'", text, err.text);
}
#define ASSERT_CHECK_FAILS(text, ...)                                                                                  \
  assert_check_fails((const unsigned char[]){__VA_ARGS__}, sizeof((const unsigned char[]){__VA_ARGS__}), text)

static void an_empty_message_is_sound(void **state) {
  (void)state;
  assert_int_equal(check("", 0, NULL), XAI_OK);
}

static void unknown_fields_of_every_wire_type_are_skipped(void **state) {
  (void)state;
  const unsigned char bytes[] = {15 << 3 | 0, 1,           15 << 3 | 1, 1,    2,    3,           4, 5, 6, 7,
                                 8,           15 << 3 | 2, 2,           0xff, 0xff, 15 << 3 | 5, 1, 2, 3, 4};
  assert_int_equal(check(bytes, sizeof bytes, NULL), XAI_OK);
}

static void group_and_unknown_wire_types_are_refused(void **state) {
  (void)state;
  ASSERT_CHECK_FAILS("wire type 3", 15 << 3 | 3);
  ASSERT_CHECK_FAILS("wire type 4", 15 << 3 | 4);
  ASSERT_CHECK_FAILS("wire type 6", 15 << 3 | 6);
  ASSERT_CHECK_FAILS("wire type 7", 15 << 3 | 7);
}

static void field_number_0_and_numbers_beyond_29_bits_are_refused(void **state) {
  (void)state;
  ASSERT_CHECK_FAILS("no valid number", 0, 1);
  ASSERT_CHECK_FAILS("no valid number", 0x80, 0x80, 0x80, 0x80, 0x10, 1); /* tag 2^32 */
}

static void a_varint_may_have_10_bytes_and_no_more(void **state) {
  (void)state;
  const unsigned char ten[] = {3 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
  assert_int_equal(check(ten, sizeof ten, NULL), XAI_OK);
  ASSERT_CHECK_FAILS("more than 10 bytes", 3 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
}

static void a_length_past_the_end_of_the_file_is_called_truncation(void **state) {
  (void)state;
  ASSERT_CHECK_FAILS("truncated: text field of 5 bytes runs past the end", 4 << 3 | 2, 5, 'a', 'b');
  ASSERT_CHECK_FAILS("truncated: the file ends in the middle of a field", 3 << 3);
  ASSERT_CHECK_FAILS("truncated: the file ends in the middle of a field", 8 << 3 | 5, 1, 2, 3);
  /* 2^64 - 1 bytes: no arithmetic on it may wrap */
  ASSERT_CHECK_FAILS("runs past the end", 4 << 3 | 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
}

static void a_length_past_the_end_of_its_parent_is_called_damage(void **state) {
  (void)state;
  /* the child has 2 bytes, the text in it says 3; the file goes on behind it */
  ASSERT_CHECK_FAILS("damaged at byte 2: text field of 3 bytes runs past the end of the thing", 2 << 3 | 2, 2,
                     4 << 3 | 2, 3, 'a', 'b', 'c');
}

static void a_known_field_of_another_wire_type_is_refused(void **state) {
  (void)state;
  ASSERT_CHECK_FAILS("text field of the thing has wire type 0", 4 << 3, 1);
  ASSERT_CHECK_FAILS("child field of the thing has wire type 0", 2 << 3, 1);
  ASSERT_CHECK_FAILS("count field of the thing has wire type 2", 3 << 3 | 2, 0);
  ASSERT_CHECK_FAILS("ints field of the thing has wire type 5", 5 << 3 | 5, 0, 0, 0, 0);
  ASSERT_CHECK_FAILS("weight field of the thing has wire type 1", 8 << 3 | 1, 0, 0, 0, 0, 0, 0, 0, 0);
}

static void a_singular_message_may_not_recur(void **state) {
  (void)state;
  const unsigned char many[] = {2 << 3 | 2, 0, 2 << 3 | 2, 0};
  assert_int_equal(check(many, sizeof many, NULL), XAI_OK);
  ASSERT_CHECK_FAILS("a second head field", 1 << 3 | 2, 0, 1 << 3 | 2, 0);
}

static void packed_lists_must_end_with_a_number(void **state) {
  (void)state;
  ASSERT_CHECK_FAILS("the list ints of the thing ends inside a number", 5 << 3 | 2, 1, 0x80);
  ASSERT_CHECK_FAILS("the list floats of the thing ends inside a number", 6 << 3 | 2, 3, 0, 0, 0);
  ASSERT_CHECK_FAILS("the list doubles of the thing ends inside a number", 7 << 3 | 2, 4, 0, 0, 0, 0);
}

/* depth messages inside one another, the innermost empty */
static xai_buf nest(int depth) {
  xai_buf b = {0};
  for (int i = 1; i < depth; i++) {
    xai_buf outer = {0};
    pb_message(&outer, 2, b);
    b = outer;
  }
  return b;
}

static void nesting_stops_at_64(void **state) {
  (void)state;
  xai_buf good = nest(64), bad = nest(65), bomb = nest(3000);
  assert_int_equal(check(good.data, good.size, NULL), XAI_OK);
  assert_check_fails(bad.data, bad.size, "nested more than 64 deep");
  assert_check_fails(bomb.data, bomb.size, "nested more than 64 deep");
  xai_buf_free(&good);
  xai_buf_free(&bad);
  xai_buf_free(&bomb);
}

static void a_million_messages_are_the_limit(void **state) {
  (void)state;
  xai_buf b = {0};
  for (int i = 1; i < XAI_PROTO_MESSAGES; i++) xai_buf_add(&b, (const unsigned char[]){2 << 3 | 2, 0}, 2);
  assert_int_equal(check(b.data, b.size, NULL), XAI_OK); /* with the outermost one: a million */
  xai_buf_add(&b, (const unsigned char[]){2 << 3 | 2, 0}, 2);
  assert_check_fails(b.data, b.size, "more than 1000000 messages");
  xai_buf_free(&b);
}

static void numbers_are_read_packed_single_and_mixed(void **state) {
  (void)state;
  /* 1, then packed 300 (ac 02) and -1 (ten bytes), another field, an empty packed list, then 7 */
  const unsigned char bytes[] = {5 << 3, 1,    5 << 3 | 2, 12,   0xac, 0x02,   0xff, 0xff,       0xff, 0xff,   0xff,
                                 0xff,   0xff, 0xff,       0xff, 0x01, 3 << 3, 9,    5 << 3 | 2, 0,    5 << 3, 7};
  const int64_t expected[] = {1, 300, -1, 7};
  assert_int_equal(check(bytes, sizeof bytes, NULL), XAI_OK);
  xai_proto_numbers list = xai_proto__numbers((xai_proto_span){bytes, sizeof bytes}, 5, 0);
  uint64_t bits;
  for (int i = 0; i < 4; i++) {
    assert_true(xai_proto__number(&list, &bits));
    assert_int_equal((int64_t)bits, expected[i]);
  }
  assert_false(xai_proto__number(&list, &bits));
}

static void floats_are_read_packed_and_single(void **state) {
  (void)state;
  const unsigned char bytes[] = {6 << 3 | 5, 0, 0,    0x80, 0x3f, 6 << 3 | 2, 8,   0,
                                 0,          0, 0xc0, 0,    0,    0,          0x3f}; /* 1, -2, 0.5 */
  const float expected[] = {1, -2, 0.5f};
  xai_proto_numbers list = xai_proto__numbers((xai_proto_span){bytes, sizeof bytes}, 6, 4);
  uint64_t bits;
  for (int i = 0; i < 3; i++) {
    assert_true(xai_proto__number(&list, &bits));
    assert_true(xai_proto__float(bits) == expected[i]);
  }
  assert_false(xai_proto__number(&list, &bits));
}

static void names_are_compared_by_length(void **state) {
  (void)state;
  assert_true(xai_proto__equal((xai_proto_span){(const unsigned char *)"Conv", 4}, "Conv"));
  assert_false(xai_proto__equal((xai_proto_span){(const unsigned char *)"Conv\0x", 6}, "Conv"));
  assert_false(xai_proto__equal((xai_proto_span){(const unsigned char *)"Conv", 3}, "Conv"));
  assert_true(xai_proto__equal((xai_proto_span){NULL, 0}, ""));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_message_is_sound),
      cmocka_unit_test(unknown_fields_of_every_wire_type_are_skipped),
      cmocka_unit_test(group_and_unknown_wire_types_are_refused),
      cmocka_unit_test(field_number_0_and_numbers_beyond_29_bits_are_refused),
      cmocka_unit_test(a_varint_may_have_10_bytes_and_no_more),
      cmocka_unit_test(a_length_past_the_end_of_the_file_is_called_truncation),
      cmocka_unit_test(a_length_past_the_end_of_its_parent_is_called_damage),
      cmocka_unit_test(a_known_field_of_another_wire_type_is_refused),
      cmocka_unit_test(a_singular_message_may_not_recur),
      cmocka_unit_test(packed_lists_must_end_with_a_number),
      cmocka_unit_test(nesting_stops_at_64),
      cmocka_unit_test(a_million_messages_are_the_limit),
      cmocka_unit_test(numbers_are_read_packed_single_and_mixed),
      cmocka_unit_test(floats_are_read_packed_and_single),
      cmocka_unit_test(names_are_compared_by_length),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
