/* Ctrl-C: what it ends, and that nothing can hold it off. Each test runs the program in a terminal. */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "child.h"

static child c;

static void start(const char *code, bool ignore_sigint) {
  char *argv[] = {NULL, (char *)"-e", (char *)"io.write('ready\\n') io.flush()", (char *)"-e", (char *)code, NULL};
  child_start(&c, argv, "/nonexistent", ignore_sigint);
  child_expect(&c, "ready");
}

/* A signal during 'code' must end it with status 1 and the one-line message. */
static void interrupted_by_one_signal(const char *code) {
  start(code, false);
  usleep(50000); /* let it get into the loop; too early is right, too */
  kill(c.pid, SIGINT);
  child_expect(&c, "xairun: interrupted\r\n");
  int status = child_end(&c);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 1);
}

static void ctrl_c_ends_a_loop(void **state) {
  (void)state;
  interrupted_by_one_signal("while true do end");
}

static void ctrl_c_is_not_swallowed_by_pcall(void **state) {
  (void)state;
  interrupted_by_one_signal("while true do pcall(function() while true do end end) end");
  interrupted_by_one_signal("while true do xpcall(function() while true do end end, function(m) return m .. m end) end");
}

static void ctrl_c_reaches_coroutines(void **state) {
  (void)state;
  interrupted_by_one_signal("coroutine.wrap(function() while true do end end)()");
  interrupted_by_one_signal("local c = coroutine.create(function() coroutine.wrap(function() while true do end end)() end)"
                            " while true do coroutine.resume(c) end");
  interrupted_by_one_signal("local c = coroutine.wrap(function() while true do coroutine.yield() end end) while true do c() end");
}

static void ctrl_c_works_under_a_script_s_own_hook(void **state) {
  (void)state;
  interrupted_by_one_signal("debug.sethook(function() end, '', 100) while true do end");
}

static void ctrl_c_ends_a_blocked_read(void **state) {
  (void)state;
  interrupted_by_one_signal("io.read() while true do end");
}

static void ctrl_c_ends_a_method_at_work(void **state) {
  (void)state;
  const char *source = getenv("XAI_SOURCE");
  char code[4096];
  snprintf(code, sizeof code,
           "package.path = '%s/tests/tools/?.lua' local path = os.tmpname() require('samples').onnx(path) "
           "local net = xai.load(path, {preprocess = 'none'}) os.remove(path) "
           "io.write('loaded\\n') io.flush() xai.occlusion(net, xai.zeros(1, 3, 224, 224), {window = 8, stride = 1})",
           source != NULL ? source : ".");
  start(code, false);
  child_expect(&c, "loaded");
  usleep(50000);
  kill(c.pid, SIGINT);
  child_expect(&c, "xairun: interrupted\r\n");
  int status = child_end(&c);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 1);
}

/* A loop of improvement keeps what it has reached, and the script goes on with it. */
static void ctrl_c_keeps_a_picture_in_the_making(void **state) {
  (void)state;
  const char *source = getenv("XAI_SOURCE");
  char code[4096];
  snprintf(code, sizeof code,
           "package.path = '%s/tests/tools/?.lua' local path = os.tmpname() require('samples').onnx(path) "
           "local net = xai.load(path, {preprocess = 'none'}) os.remove(path) "
           "local x = xai.randn(1, 3, 224, 224) io.write('loaded\\n') io.flush() "
           "local e = xai.class_image(net, x, {steps = 1000000}) "
           "print(tostring(e.stopped) .. ' ' .. tostring(#e.scores > 0 and #e.scores < 1000000) .. ' and on')",
           source != NULL ? source : ".");
  start(code, false);
  child_expect(&c, "loaded");
  usleep(500000);
  kill(c.pid, SIGINT);
  child_expect(&c, "the picture so far");
  child_expect(&c, "true true and on");
  int status = child_end(&c);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void ctrl_c_runs_the_state_s_end(void **state) {
  (void)state;
  start("closing = setmetatable({}, {__gc = function() io.write('closed\\n') end}) while true do end", false);
  usleep(50000);
  kill(c.pid, SIGINT);
  child_expect(&c, "interrupted");
  child_expect(&c, "closed");
  child_end(&c);
}

static void a_second_ctrl_c_ends_what_looks_at_no_flag(void **state) {
  (void)state;
  start("(('a'):rep(60)):find(('a?'):rep(60) .. ('a'):rep(60))", false); /* exponential, inside one C call */
  usleep(50000);
  kill(c.pid, SIGINT);
  usleep(50000);
  kill(c.pid, SIGINT);
  int status = child_end(&c);
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGINT);
}

static void an_inherited_ignore_is_respected(void **state) {
  (void)state;
  start("io.read() print('survived')", true);
  kill(c.pid, SIGINT);
  child_type(&c, "\n");
  child_expect(&c, "survived");
  assert_int_equal(child_end(&c), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ctrl_c_ends_a_loop),
      cmocka_unit_test(ctrl_c_is_not_swallowed_by_pcall),
      cmocka_unit_test(ctrl_c_reaches_coroutines),
      cmocka_unit_test(ctrl_c_works_under_a_script_s_own_hook),
      cmocka_unit_test(ctrl_c_ends_a_blocked_read),
      cmocka_unit_test(ctrl_c_ends_a_method_at_work),
      cmocka_unit_test(ctrl_c_keeps_a_picture_in_the_making),
      cmocka_unit_test(ctrl_c_runs_the_state_s_end),
      cmocka_unit_test(a_second_ctrl_c_ends_what_looks_at_no_flag),
      cmocka_unit_test(an_inherited_ignore_is_respected),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
