/* The command line: which words are options, which is the script, and what is said about slips. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/args.h"
#include "base/alloc.h"

enum { MOST = 16 };
static char *words[MOST + 1];
static app_args args;
static xai_err err;

/* "xairun" and the given words up to NULL. */
static xai_status parse(const char *first, ...) {
  int count = 0;
  words[count++] = (char *)"xairun";
  va_list list;
  va_start(list, first);
  for (const char *w = first; w != NULL && count < MOST; w = va_arg(list, const char *)) words[count++] = (char *)w;
  va_end(list);
  return app_args_parse(count, words, &args, &err);
}

static void options_end_at_the_script(void **state) {
  (void)state;
  assert_int_equal(parse("-q", "a.lua", "-v", "--threads", NULL), XAI_OK);
  assert_true(args.quiet);
  assert_false(args.verbose);
  assert_int_equal(args.script, 2);
  app_args_free(&args);
}

static void a_double_dash_and_a_lone_dash_are_no_options(void **state) {
  (void)state;
  assert_int_equal(parse("--", "-odd.lua", NULL), XAI_OK);
  assert_int_equal(args.script, 2);
  app_args_free(&args);
  assert_int_equal(parse("-i", "-", "x", NULL), XAI_OK);
  assert_true(args.interactive);
  assert_int_equal(args.script, 2);
  app_args_free(&args);
}

static void without_a_script_the_index_is_the_number_of_words(void **state) {
  (void)state;
  assert_int_equal(parse("-v", NULL), XAI_OK);
  assert_int_equal(args.script, 2);
  app_args_free(&args);
}

static void values_stand_apart_joined_or_after_an_equals_sign(void **state) {
  (void)state;
  assert_int_equal(parse("-e", "one", "-etwo", "--threads=3", "--seed", "0x10", "-odir", NULL), XAI_OK);
  assert_int_equal(args.code_count, 2);
  assert_string_equal(args.code[0], "one");
  assert_string_equal(args.code[1], "two");
  assert_int_equal(args.threads, 3);
  assert_int_equal(args.seed, 16);
  assert_string_equal(args.out_dir, "dir");
  app_args_free(&args);
}

static void sizes_have_binary_units(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t bytes;
  } cases[] = {{"4096", 4096}, {"3k", 3072}, {"512M", 536870912}, {"2G", 2147483648u}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(parse("--mem", cases[i].text, NULL), XAI_OK);
    assert_int_equal(args.memory, cases[i].bytes);
    app_args_free(&args);
  }
}

static void nonsense_values_are_refused(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"--mem", "12X"},     {"--mem", "0"},     {"--mem", "-1"},   {"--mem", "99999999999G"}, {"--mem", "1MB"},
      {"--threads", "0"},   {"--threads", "x"}, {"--threads", ""}, {"--threads", "9999"},     {"--threads", "2.5"},
      {"--seed", "-1"},     {"--seed", "1x"},   {"--seed", "99999999999999999999"},           {"-o", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(parse(cases[i][0], cases[i][1], NULL), XAI_EARG);
    assert_non_null(strstr(err.text, "expected"));
    assert_non_null(strstr(err.text, cases[i][1]));
  }
}

static void a_missing_value_is_named(void **state) {
  (void)state;
  assert_int_equal(parse("-q", "--mem", NULL), XAI_EARG);
  assert_string_equal(err.text, "option '--mem' needs a value");
}

static void an_unknown_option_suggests_the_nearest(void **state) {
  (void)state;
  assert_int_equal(parse("--thread", "3", NULL), XAI_ENOTFOUND);
  assert_string_equal(err.text, "unknown option '--thread'; did you mean '--threads'?");
  assert_int_equal(parse("--gpu-device", NULL), XAI_ENOTFOUND);
  assert_string_equal(err.text, "unknown option '--gpu-device'");
  assert_int_equal(parse("--listing", NULL), XAI_ENOTFOUND); /* a flag takes no joined value */
}

static void failure_leaves_the_result_alone_and_leaks_nothing(void **state) {
  (void)state;
  memset(&args, 0x5a, sizeof args);
  app_args before;
  memcpy(&before, &args, sizeof before);
  size_t live = xai_mem_live();
  assert_int_equal(parse("-e", "x", "--nope", NULL), XAI_ENOTFOUND);
  xai_mem_fail_after(0, false);
  assert_int_equal(parse("-e", "x", NULL), XAI_ENOMEM);
  xai_mem_fail_after(-1, false);
  assert_memory_equal(&before, &args, sizeof args);
  assert_int_equal(xai_mem_live(), live);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(options_end_at_the_script),
      cmocka_unit_test(a_double_dash_and_a_lone_dash_are_no_options),
      cmocka_unit_test(without_a_script_the_index_is_the_number_of_words),
      cmocka_unit_test(values_stand_apart_joined_or_after_an_equals_sign),
      cmocka_unit_test(sizes_have_binary_units),
      cmocka_unit_test(nonsense_values_are_refused),
      cmocka_unit_test(a_missing_value_is_named),
      cmocka_unit_test(an_unknown_option_suggests_the_nearest),
      cmocka_unit_test(failure_leaves_the_result_alone_and_leaks_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
