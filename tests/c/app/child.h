/* tests/c/app/child.h: xairun in a pseudo-terminal, driven like a person would: type, wait for text, signal.
 * Needs _DEFAULT_SOURCE before the first include. */
#ifndef TESTS_APP_CHILD_H
#define TESTS_APP_CHILD_H

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { CHILD_OUTPUT = 65536, CHILD_PATIENCE_MS = 20000 }; /* only a hang takes that long */

typedef struct child {
  pid_t pid;
  int terminal;
  char output[CHILD_OUTPUT]; /* all it has printed */
  size_t size, seen;         /* child_expect searches from 'seen' on */
  bool finished;
} child;

static inline double child_clock(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* argv[0] is replaced by the program under test; home becomes $HOME. */
static inline void child_start(child *c, char **argv, const char *home, bool ignore_sigint) {
  memset(c, 0, sizeof *c);
  char program[4096];
  const char *build = getenv("XAI_BUILD");
  snprintf(program, sizeof program, "%s/xairun", build != NULL ? build : "build");
  argv[0] = program;
  struct winsize size = {.ws_row = 24, .ws_col = 80};
  c->pid = forkpty(&c->terminal, NULL, NULL, &size);
  if (c->pid < 0 && access("/dev/pts/ptmx", F_OK) != 0) { /* a bare chroot or container */
    print_message("SKIP: no pseudo-terminals: /dev/pts is not mounted\n");
    skip();
  }
  assert_true(c->pid >= 0);
  if (c->pid == 0) {
    signal(SIGINT, ignore_sigint ? SIG_IGN : SIG_DFL);
    setenv("TERM", "xterm", 1);
    setenv("HOME", home, 1);
    unsetenv("XDG_STATE_HOME");
    execv(program, argv);
    _exit(127);
  }
}

/* Waits for more output; false at the end of it or when patience is over. */
static inline bool child_read(child *c, double deadline) {
  int left = (int)((deadline - child_clock()) * 1000);
  struct pollfd ready = {.fd = c->terminal, .events = POLLIN};
  if (c->finished || left <= 0 || c->size + 1 >= sizeof c->output || poll(&ready, 1, left) <= 0) return false;
  ssize_t n = read(c->terminal, c->output + c->size, sizeof c->output - 1 - c->size);
  if (n <= 0) {
    c->finished = true; /* Linux answers EIO when the other side has closed */
    return false;
  }
  c->size += (size_t)n;
  c->output[c->size] = '\0';
  return true;
}

/* Reads until 'text' comes; later calls look behind it. */
static inline void child_expect(child *c, const char *text) {
  double deadline = child_clock() + CHILD_PATIENCE_MS / 1000.0;
  for (;;) {
    char *at = strstr(c->output + c->seen, text);
    if (at != NULL) {
      c->seen = (size_t)(at - c->output) + strlen(text);
      return;
    }
    if (!child_read(c, deadline)) break;
  }
  kill(c->pid, SIGKILL);
  fail_msg("expected \"%s\" after: %s", text, c->output + c->seen);
}

/* Waits until line editing has taken over the terminal: before that, control keys are the system's. */
static inline void child_edits(child *c) {
  struct termios t;
  for (int ms = 0; ms < CHILD_PATIENCE_MS; ms++) {
    if (tcgetattr(c->terminal, &t) == 0 && (t.c_lflag & ICANON) == 0) return;
    usleep(1000);
  }
  kill(c->pid, SIGKILL);
  fail_msg("no line editing after: %s", c->output);
}

static inline void child_type(child *c, const char *text) {
  size_t n = strlen(text);
  assert_int_equal(write(c->terminal, text, n), (ssize_t)n);
}

/* Reads to the end and returns the wait status. */
static inline int child_end(child *c) {
  double deadline = child_clock() + CHILD_PATIENCE_MS / 1000.0;
  while (child_read(c, deadline)) {}
  if (!c->finished) kill(c->pid, SIGKILL);
  int status = 0;
  assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
  close(c->terminal);
  if (!c->finished) fail_msg("did not end; output: %s", c->output);
  return status;
}

#endif
