/* The interactive prompt, driven through a pseudo-terminal. */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "child.h"

static child c;
static char home[] = "/tmp/xairun-test-XXXXXX";

static void prompt(const char *text) {
  child_expect(&c, text);
  child_edits(&c);
}

static void start(void) {
  char *argv[] = {NULL, NULL};
  child_start(&c, argv, home, false);
  child_expect(&c, "help() for help");
  prompt("> ");
}

/* Types the line and waits for the answer on a line of its own, then for the next prompt. */
static void ask(const char *line, const char *answer) {
  char expected[256];
  child_type(&c, line);
  child_type(&c, "\n");
  snprintf(expected, sizeof expected, "\n%s\r\n", answer);
  child_expect(&c, expected);
  prompt("> ");
}

static void leave(void) {
  child_type(&c, "\004");
  int status = child_end(&c);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void values_are_shown(void **state) {
  (void)state;
  start();
  ask("6 * 7", "42");
  ask("_ + 1", "43");
  ask("{1, {}, b = {2}, a = 'x'}", "{1, {}, a=\"x\", b={...}}");
  ask("nil", "nil");
  ask("x = 5 return x, x + 1", "5\t6");
  leave();
}

static void a_command_may_take_several_lines(void **state) {
  (void)state;
  start();
  child_type(&c, "for i = 1, 2 do\n");
  prompt(">> ");
  child_type(&c, "print('line ' .. i)\n");
  prompt(">> ");
  ask("end", "line 1\r\nline 2");
  leave();
}

static void errors_are_one_line_and_end_nothing(void **state) {
  (void)state;
  start();
  ask("x = = 2", "stdin:1: unexpected symbol near '='");
  ask("error('broken')", "stdin:1: broken");
  ask("1 +* 2", "stdin:1: unexpected symbol near '*'");
  ask("'alive'", "alive");
  leave();
}

static void ctrl_c_interrupts_a_command_and_keeps_the_variables(void **state) {
  (void)state;
  start();
  ask("kept = 17 return 'set'", "set");
  for (int round = 0; round < 3; round++) {
    child_type(&c, "io.write('go\\n') io.flush() while true do pcall(function() while true do end end) end\n");
    child_expect(&c, "\ngo\r\n");
    kill(c.pid, SIGINT);
    child_expect(&c, "interrupted\r\n");
    prompt("> ");
    ask("kept", "17");
  }
  ask("select(2, coroutine.resume(coroutine.create(function() for i = 1, 1e5 do end return 'runs on' end)))", "runs on");
  leave();
}

static void ctrl_c_at_the_prompt_drops_the_line(void **state) {
  (void)state;
  start();
  for (int round = 0; round < 3; round++) {
    child_type(&c, "error('must not run'");
    child_expect(&c, "must not run'");
    child_type(&c, "\003"); /* through the terminal, as a person would */
    prompt("> ");
    ask("'clean'", "clean");
  }
  child_type(&c, "if true then\n");
  prompt(">> ");
  child_type(&c, "\003");
  prompt("> ");
  ask("'fresh'", "fresh");
  leave();
}

static void tab_completes_globals_fields_and_methods(void **state) {
  (void)state;
  start();
  ask("coro\t.isy\t()", "false");
  ask("t = {alpha_one = 1, alpha_two = 2} return 0", "0");
  child_type(&c, "t.al\t");
  child_expect(&c, "pha_"); /* only what is new is drawn */
  child_type(&c, "\t");
  child_expect(&c, "alpha_one  alpha_two");
  ask("two", "2");
  ask("s = 'abc' return 0", "0");
  ask("s:upp\t()", "ABC");
  leave();
}

static void history_is_kept_between_sessions(void **state) {
  (void)state;
  start();
  ask("'remember ' .. 'me'", "remember me");
  leave();
  start();
  child_type(&c, "\020"); /* Ctrl-P: the line before */
  child_expect(&c, "'remember ' .. 'me'");
  ask("", "remember me"); /* Enter */
  leave();
}

static void quit_ends(void **state) {
  (void)state;
  start();
  child_type(&c, "quit\n");
  assert_int_equal(child_end(&c), 0);
}

static void after_a_script_the_prompt_has_its_globals(void **state) {
  (void)state;
  char *argv[] = {NULL, (char *)"-e", (char *)"inherited = 8", (char *)"-e", (char *)"error 'late'", (char *)"-i", NULL};
  child_start(&c, argv, home, false);
  child_expect(&c, "xairun: (command line):1: late");
  prompt("> ");
  ask("inherited", "8");
  leave();
}

static int make_home(void **state) {
  (void)state;
  return mkdtemp(home) == NULL;
}

static int remove_home(void **state) {
  (void)state;
  static const char *const below[] = {"/.local/state/xairun/history", "/.local/state/xairun", "/.local/state", "/.local", ""};
  for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
    char path[256];
    snprintf(path, sizeof path, "%s%s", home, below[i]);
    remove(path);
  }
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_shown),
      cmocka_unit_test(a_command_may_take_several_lines),
      cmocka_unit_test(errors_are_one_line_and_end_nothing),
      cmocka_unit_test(ctrl_c_interrupts_a_command_and_keeps_the_variables),
      cmocka_unit_test(ctrl_c_at_the_prompt_drops_the_line),
      cmocka_unit_test(tab_completes_globals_fields_and_methods),
      cmocka_unit_test(history_is_kept_between_sessions),
      cmocka_unit_test(quit_ends),
      cmocka_unit_test(after_a_script_the_prompt_has_its_globals),
  };
  return cmocka_run_group_tests(tests, make_home, remove_home);
}
