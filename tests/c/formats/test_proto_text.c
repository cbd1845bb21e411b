/* Protobuf's text format: what it means, as the wire format, and what is refused, with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "formats/onnx_make.h"
#include "formats/proto_text.h"

/* Message 0 holds another one (1), any number of children (2), a number (3), a text (4), lists (5-7), a float (8). */
static const xai_proto_rule rules[] = {
    {1, XAI_PROTO_ONE, "head", 1},        {2, XAI_PROTO_MANY, "child", 0},   {3, XAI_PROTO_INT, "count", 0},
    {4, XAI_PROTO_BYTES, "text", 0},      {5, XAI_PROTO_INTS, "ints", 0},    {6, XAI_PROTO_FLOATS, "floats", 0},
    {7, XAI_PROTO_DOUBLES, "doubles", 0}, {8, XAI_PROTO_FLOAT, "weight", 0}, {0}};
static const xai_proto_rule head_rules[] = {{3, XAI_PROTO_INT, "count", 0}, {0}};
static const xai_proto_message messages[] = {{"thing", rules}, {"head", head_rules}};
static const char *const words[] = {"ZERO", "ONE", "", "THREE", NULL};
static const xai_proto_enum enums[] = {{0, 3, words}, {-1, 0, NULL}};

static xai_status convert(const char *text, size_t n, xai_buf *out, xai_err *err) {
  return xai_proto__from_text((xai_proto_span){(const unsigned char *)text, n}, messages, 0, enums, out, err);
}

/* The text means these bytes, which are used up. */
static void assert_means(const char *text, xai_buf want) {
  xai_buf got = {0};
  xai_err err = {""};
  if (convert(text, strlen(text), &got, &err) != XAI_OK) fail_msg("%s: %s", text, err.text);
  if (got.size != want.size || (got.size > 0 && memcmp(got.data, want.data, got.size) != 0)) fail_msg("%s", text);
  xai_buf_free(&got);
  xai_buf_free(&want);
}

static void assert_refused_text(const char *text, const char *message) {
  xai_buf got = {0};
  xai_err err = {""};
  size_t before = xai_mem_live();
  if (convert(text, strlen(text), &got, &err) != XAI_EFORMAT) fail_msg("accepted: %s", text);
  if (strstr(err.text, message) == NULL) fail_msg("%s: expected '...%s...', got '%s'", text, message, err.text);
  assert_int_equal(got.size, 0);
  assert_int_equal(xai_mem_live(), before);
}

static xai_buf ints(int n, const int64_t *v) {
  xai_buf b = {0};
  for (int i = 0; i < n; i++) pb_int(&b, 5, v[i]);
  return b;
}
#define INTS(...) ints((int)(sizeof((int64_t[]){__VA_ARGS__}) / 8), (const int64_t[]){__VA_ARGS__})

static xai_buf count_of(int64_t v) {
  xai_buf b = {0};
  pb_int(&b, 3, v);
  return b;
}
static xai_buf text_of(const char *v) {
  xai_buf b = {0};
  pb_text(&b, 4, v);
  return b;
}
static xai_buf weight_of(float v) {
  xai_buf b = {0};
  pb_float(&b, 8, v);
  return b;
}

static void nothing_means_an_empty_message(void **state) {
  (void)state;
  assert_means("", (xai_buf){0});
  assert_means(" \t\r\n # a comment at the end", (xai_buf){0});
}

static void whole_numbers_words_and_truth_are_integers(void **state) {
  (void)state;
  assert_means("count: 7", count_of(7));
  assert_means("count:-7", count_of(-7));
  assert_means("count: 0x1F # hexadecimal", count_of(31));
  assert_means("count: 017", count_of(15));
  assert_means("count: true", count_of(1));
  assert_means("count: false", count_of(0));
  assert_means("count: THREE", count_of(3));
  assert_means("count: 9223372036854775807", count_of(INT64_MAX));
  assert_means("count: 18446744073709551615", count_of(-1));
  assert_means("ints: 1 ints: 2, ints: 3;", INTS(1, 2, 3));
  assert_means("ints: [1, 2,3] ints: []", INTS(1, 2, 3));
}

static void numbers_are_floats(void **state) {
  (void)state;
  assert_means("weight: 0.75", weight_of(0.75f));
  assert_means("weight: -1e-3", weight_of(-1e-3f));
  assert_means("weight: .5f", weight_of(0.5f));
  assert_means("weight: 3", weight_of(3));
  xai_buf both = {0};
  pb_float(&both, 6, 1.5f);
  pb_double(&both, 7, 2.5);
  assert_means("floats: [1.5] doubles: 2.5", both);
}

static void strings_have_escapes_and_pieces(void **state) {
  (void)state;
  assert_means("text: \"a b\"", text_of("a b"));
  assert_means("text: 'it''s'", text_of("its"));
  assert_means("text: \"a\" # and\n 'b'", text_of("ab"));
  assert_means("text: \"\\\"\\\\\\n\\x41\\101\\'\"", text_of("\"\\\nAA'"));
  assert_means("text: '# no comment'", text_of("# no comment"));
}

static void messages_nest_in_both_kinds_of_brackets(void **state) {
  (void)state;
  xai_buf head = {0}, whole = {0}, inner = {0}, outer = {0};
  pb_int(&head, 3, 1);
  pb_message(&whole, 1, head);
  assert_means("head { count: 1 }", whole);
  pb_text(&inner, 4, "x");
  pb_message(&outer, 2, inner);
  pb_int(&outer, 3, 2);
  xai_buf all = {0};
  pb_message(&all, 2, outer);
  pb_message(&all, 2, (xai_buf){0});
  assert_means("child: < child { text: 'x' } count: 2 > child {}", all);
}

static void fields_without_a_rule_are_skipped_with_all_they_hold(void **state) {
  (void)state;
  assert_means("other: 1 other: 'x' 'y' other { count: 3 head { text: 4 } } other: [ 'a', b ] count: 7", count_of(7));
}

static void faults_are_told_with_their_line(void **state) {
  (void)state;
  assert_refused_text("count: 1\n\ncount 2", "line 3: expected ':' or '{' after 'count'");
  assert_refused_text("count: TWO", "line 1: 'TWO' is no value of count");
  assert_refused_text("count: 1.5", "'1.5' is no value of count");
  assert_refused_text("count: 99999999999999999999", "is no value of count");
  assert_refused_text("weight: heavy", "'heavy' is no value of weight");
  assert_refused_text("count: 'one'", "count: expected a value without quotes, got 'one'");
  assert_refused_text("text: one", "text: expected a text in quotes, got 'one'");
  assert_refused_text("text: 'one", "a string without an end");
  assert_refused_text("text: 'one\n'", "a string without an end");
  assert_refused_text("count { }", "count: expected a value, got '{'");
  assert_refused_text("head: 1", "head: expected '{', got '1'");
  assert_refused_text("head { }\nhead { }", "line 2: a second head in the thing");
  assert_refused_text("head {", "the text ends inside a message (head)");
  assert_refused_text("other {", "the text ends inside a message (unknown)");
  assert_refused_text("head { >", "nothing is open that ends with '>'");
  assert_refused_text("}", "nothing is open that ends with '}'");
  assert_refused_text("ints: [1 2]", "expected ',' or ']', got '2'");
  assert_refused_text("ints: [1", "expected ',' or ']'");
  assert_refused_text("child: [{}]", "expected a value, got '{'");
  assert_refused_text("count:", "expected a value");
  assert_refused_text("\"name\": 1", "expected the name of a field, got 'name'");
  assert_refused_text("count: 1 @", "not a protobuf text at '@'");
  assert_refused_text("<html>", "expected the name of a field, got '<'");
}

static void nesting_has_a_limit_and_takes_no_stack(void **state) {
  (void)state;
  enum { DEEP = 100000 };
  char *text = malloc(6 * DEEP + 1);
  assert_non_null(text);
  for (int i = 0; i < DEEP; i++) memcpy(text + 6 * i, i % 2 ? "child{" : "other{", 6);
  text[6 * DEEP] = '\0';
  assert_refused_text(text, "nested more than 64 deep");
  free(text);
}

/* Cut anywhere and with every byte damaged: a message or a result, and nothing is left. */
static void any_bytes_are_survived(void **state) {
  (void)state;
  static const char whole[] =
      "head { count: ONE } child < text: 'a\\x41' \"b\" ints: [1, -2] > weight: 1e3 other { x: y }";
  for (size_t n = 0; n < sizeof whole; n++) {
    char copy[sizeof whole];
    for (int c = 0; c < 256; c++) {
      memcpy(copy, whole, sizeof whole);
      copy[n] = (char)c;
      size_t before = xai_mem_live(), length = c == 0 ? n : sizeof whole - 1;
      xai_buf got = {0};
      xai_err err = {""};
      xai_status st = convert(copy, length, &got, &err);
      if (st != XAI_OK) assert_int_equal(st, XAI_EFORMAT);
      if (st != XAI_OK && strncmp(err.text, "line ", 5) != 0) fail_msg("%s", err.text);
      xai_buf_free(&got);
      assert_int_equal(xai_mem_live(), before);
    }
  }
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  static const char text[] = "child { child { text: 'abc' } text: 'd' } count: 1";
  for (int64_t k = 0;; k++) {
    xai_buf got = {0};
    xai_err err = {""};
    size_t before = xai_mem_live();
    xai_mem_fail_after(k, true);
    xai_status st = convert(text, sizeof text - 1, &got, &err);
    xai_mem_fail_after(-1, false);
    xai_buf_free(&got);
    assert_int_equal(xai_mem_live(), before);
    if (st == XAI_OK) break;
    assert_int_equal(st, XAI_ENOMEM);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_means_an_empty_message),
      cmocka_unit_test(whole_numbers_words_and_truth_are_integers),
      cmocka_unit_test(numbers_are_floats),
      cmocka_unit_test(strings_have_escapes_and_pieces),
      cmocka_unit_test(messages_nest_in_both_kinds_of_brackets),
      cmocka_unit_test(fields_without_a_rule_are_skipped_with_all_they_hold),
      cmocka_unit_test(faults_are_told_with_their_line),
      cmocka_unit_test(nesting_has_a_limit_and_takes_no_stack),
      cmocka_unit_test(any_bytes_are_survived),
      cmocka_unit_test(every_failing_allocation_is_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
