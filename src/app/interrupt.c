/* app/interrupt.c: see interrupt.h.
 *
 * A count hook costs Lua code a factor of two to three, even one that fires rarely, because the
 * interpreter then leaves its fast path at every instruction. So the main state runs without a hook and the
 * signal handler sets one: lua_sethook is made to be called from a handler. A handler cannot
 * know which coroutine is running, so coroutines carry a count hook from birth. */
#define _POSIX_C_SOURCE 200809L
#include "app/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "xai/status.h"

enum { INSTRUCTIONS = 1000 }; /* between two looks of a coroutine: a few microseconds */

static lua_State *main_state;
static bool installed;
static int wake[2] = {-1, -1}; /* a pipe that holds a byte while the request stands */

/* Raises while the request stands, and then again at every instruction; afterwards it puts itself to rest. */
static void stop_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (xai_stop_requested()) {
    lua_sethook(L, stop_hook, LUA_MASKCOUNT, 1);
    lua_pushliteral(L, "interrupted");
    lua_error(L);
  } else if (L == main_state) {
    lua_sethook(L, NULL, 0, 0);
  } else if (lua_gethookcount(L) != INSTRUCTIONS) {
    lua_sethook(L, stop_hook, LUA_MASKCOUNT, INSTRUCTIONS);
  }
}

/* Any thread may get the signal. SA_RESETHAND has already restored the default action, so that the next SIGINT
 * ends the process. */
static void on_sigint(int signal_number) {
  (void)signal_number;
  int error = errno;
  xai_stop_request();
  if (main_state != NULL) lua_sethook(main_state, stop_hook, LUA_MASKCOUNT, 1);
  if (write(wake[1], "", 1) < 0) {
    /* full: then it is readable already */
  }
  errno = error;
}

static void catch_sigint(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_sigint;
  action.sa_flags = (int)SA_RESETHAND; /* and no SA_RESTART: a blocked read has to return */
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
}

/* coroutine.create and coroutine.wrap; upvalue 1 is Lua's own. What wrap returns keeps its thread as upvalue 1. */
static int new_coroutine(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  if (!lua_isthread(L, -1) && lua_getupvalue(L, -1, 1) == NULL) lua_pushnil(L);
  lua_State *coroutine = lua_tothread(L, -1);
  if (coroutine != NULL) lua_sethook(coroutine, stop_hook, LUA_MASKCOUNT, INSTRUCTIONS);
  lua_settop(L, 1);
  return 1;
}

void app_interrupt_install(lua_State *L) {
  static const char *const makers[] = {"create", "wrap"};
  lua_getglobal(L, LUA_COLIBNAME);
  for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
    lua_getfield(L, -1, makers[i]);
    lua_pushcclosure(L, new_coroutine, 1);
    lua_setfield(L, -2, makers[i]);
  }
  lua_pop(L, 1);

  struct sigaction inherited;
  if (sigaction(SIGINT, NULL, &inherited) == 0 && inherited.sa_handler == SIG_IGN) return;
  if (pipe(wake) == 0)
    for (int i = 0; i < 2; i++) {
      fcntl(wake[i], F_SETFL, O_NONBLOCK);
      fcntl(wake[i], F_SETFD, FD_CLOEXEC);
    }
  main_state = L;
  installed = true;
  catch_sigint();
}

void app_interrupt_clear(void) {
  if (!installed) return;
  char bytes[8];
  while (read(wake[0], bytes, sizeof bytes) > 0) {}
  xai_stop_clear();
  catch_sigint();
}

int app_interrupt_fd(void) { return wake[0]; }

void app_interrupt_remove(void) {
  if (!installed) return;
  signal(SIGINT, SIG_DFL);
  main_state = NULL;
  installed = false;
  for (int i = 0; i < 2; i++) {
    close(wake[i]);
    wake[i] = -1;
  }
}
