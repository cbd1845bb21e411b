/* The clock goes forwards, in seconds. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

static void it_never_goes_backwards(void **state) {
  (void)state;
  double last = xai_clock();
  for (int i = 0; i < 10000; i++) {
    double now = xai_clock();
    assert_true(now >= last);
    last = now;
  }
}

/* A sleep lasts at least as long as asked for, so this bound holds on any machine. */
static void it_counts_seconds(void **state) {
  (void)state;
  double start = xai_clock();
  struct timespec left = {.tv_nsec = 20000000};
  while (nanosleep(&left, &left) != 0) {}
  double passed = xai_clock() - start;
  assert_true(passed >= 0.0199);
  assert_true(passed < 60);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(it_never_goes_backwards), cmocka_unit_test(it_counts_seconds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
