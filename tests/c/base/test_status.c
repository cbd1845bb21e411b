/* Messages: one line, bounded, harmless to a terminal. */
#include "scratch.h"

#include "base/status.h"
#include "base/str.h"

static void a_failure_gives_its_status_and_its_text(void **state) {
  (void)state;
  xai_err err;
  assert_int_equal(xai_fail(&err, XAI_ESHAPE, "shape %d", 3), XAI_ESHAPE);
  assert_string_equal(err.text, "shape 3");
  assert_int_equal(xai_fail(NULL, XAI_EARG, "x"), XAI_EARG);
  assert_int_equal(xai_fail_memory(&err, 2500000), XAI_ENOMEM);
  assert_string_equal(err.text, "out of memory (2.5 MB wanted)");
  assert_int_equal(xai_fail_stop(&err), XAI_ESTOP);
  assert_string_equal(err.text, "interrupted");
}

static void context_goes_in_front_and_success_is_left_alone(void **state) {
  (void)state;
  xai_err err;
  xai_fail(&err, XAI_EARG, "100%% bad");
  assert_int_equal(xai_err_prefix(&err, XAI_EARG, "layer '%s': ", "c1"), XAI_EARG);
  assert_string_equal(err.text, "layer 'c1': 100% bad");
  assert_int_equal(xai_err_prefix(&err, XAI_OK, "x"), XAI_OK);
  assert_string_equal(err.text, "layer 'c1': 100% bad");
  assert_int_equal(xai_err_prefix(NULL, XAI_EARG, "x"), XAI_EARG);
}

static void long_messages_are_cut_and_terminated(void **state) {
  (void)state;
  xai_err err;
  char name[2 * XAI_ERR_MAX];
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  xai_fail(&err, XAI_EARG, "'%s'", name);
  assert_int_equal(strlen(err.text), XAI_ERR_MAX - 1);
  xai_err_prefix(&err, XAI_EARG, "%s", name);
  assert_int_equal(strlen(err.text), XAI_ERR_MAX - 1);
}

static void a_cut_never_splits_a_character(void **state) {
  (void)state;
  xai_err err;
  char cats[2 * XAI_ERR_MAX] = "";
  for (int shift = 0; shift < 4; shift++) {
    cats[0] = '\0';
    for (int i = 0; i < shift; i++) strcat(cats, "x");
    while (strlen(cats) < XAI_ERR_MAX + 8) strcat(cats, shift % 2 ? "\xF0\x9F\x90\x88" : "\xE2\x82\xAC");
    xai_fail(&err, XAI_EARG, "%s", cats);
    assert_true(xai_str_utf8(err.text, strlen(err.text)));
    assert_true(strlen(err.text) > XAI_ERR_MAX - 5);
  }
}

static void control_characters_cannot_reach_the_terminal(void **state) {
  (void)state;
  xai_err err;
  xai_fail(&err, XAI_EARG, "%s", "a\x1B[2Jb\nc\x7F");
  assert_string_equal(err.text, "a?[2Jb?c?");
  xai_fail(&err, XAI_EARG, "%s",
           "\xC2\x9B"
           "2J \xC2\xA9 \xC3\x9B"); /* CSI as one character; (c) and U+00DB are letters */
  assert_string_equal(err.text, "??2J \xC2\xA9 \xC3\x9B");
  xai_fail(&err, XAI_EARG, "x");
  xai_err_prefix(&err, XAI_EARG, "%s", "\x1B[m");
  assert_string_equal(err.text, "?[mx");
}

static void every_status_has_its_words(void **state) {
  (void)state;
  for (int a = XAI_OK; a <= XAI_ESTOP; a++)
    for (int b = XAI_OK; b < a; b++)
      assert_string_not_equal(xai_status_text((xai_status)a), xai_status_text((xai_status)b));
  assert_string_equal(xai_status_text((xai_status)99), "unknown status");
}

static void a_stop_request_stands_until_cleared(void **state) {
  (void)state;
  assert_false(xai_stop_requested());
  xai_stop_request();
  assert_true(xai_stop_requested() && xai_stop_requested());
  xai_stop_clear();
  assert_false(xai_stop_requested());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_failure_gives_its_status_and_its_text),
      cmocka_unit_test(context_goes_in_front_and_success_is_left_alone),
      cmocka_unit_test(long_messages_are_cut_and_terminated),
      cmocka_unit_test(a_cut_never_splits_a_character),
      cmocka_unit_test(control_characters_cannot_reach_the_terminal),
      cmocka_unit_test(every_status_has_its_words),
      cmocka_unit_test(a_stop_request_stands_until_cleared),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
