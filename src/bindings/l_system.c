/* bindings/l_system.c: the process: settings, seed, threads, memory counters, files inside the binary, notes. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/str.h"
#include "bindings/config.h"
#include "bindings/core.h"
#include "bindings/embedded.h"
#include "kernels/kernels.h"

struct xl_config xl_config = {.out_dir = "out"};

/* ---- settings -------------------------------------------------------------------------------- */

static int out_dir(lua_State *L) {
  lua_pushstring(L, xl_config.out_dir);
  return 1;
}

/* quiet([new]) -> old */
static int quiet(lua_State *L) {
  lua_pushboolean(L, xl_config.quiet);
  if (lua_isboolean(L, 1)) xl_config.quiet = lua_toboolean(L, 1);
  return 1;
}

/* seed([new]) -> the seed of everything random */
static int seed(lua_State *L) {
  if (!lua_isnoneornil(L, 1)) xai_seed_set((uint64_t)xl_check_int(L, 1, "seed", 0, LUA_MAXINTEGER));
  lua_pushinteger(L, (lua_Integer)xai_seed());
  return 1;
}

/* threads([new]) -> how many kernels use */
static int threads(lua_State *L) {
  if (!lua_isnoneornil(L, 1)) xk_threads_set((int)xl_check_int(L, 1, "threads", 1, 1024));
  lua_pushinteger(L, xk_threads());
  return 1;
}

/* reference([new]) -> whether passes use plain kernels only */
static int reference(lua_State *L) {
  lua_pushboolean(L, xai_engine_is_reference());
  if (lua_isboolean(L, 1)) xai_engine_reference(lua_toboolean(L, 1));
  return 1;
}

/* clock() -> seconds of a clock that never goes backwards (os.clock counts processor time of all threads) */
static int clock_seconds(lua_State *L) {
  lua_pushnumber(L, xai_clock());
  return 1;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static int live_bytes(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)xai_mem_live());
  lua_pushinteger(L, (lua_Integer)xai_mem_peak());
  return 2;
}

/* fail_after(n, sticky): for tests; the native allocation after the next n fails, n < 0: none */
static int fail_after(lua_State *L) {
  xai_mem_fail_after(xl_check_int(L, 1, "n", -1, LUA_MAXINTEGER), lua_toboolean(L, 2));
  return 0;
}

/* ---- stopping -------------------------------------------------------------------------------- */

/* until_stopped(fn): true when fn has ended, false when Ctrl-C ended it, so that what it has done so far can be used.
 * Other errors go on their way. The next Ctrl-C ends the process. */
static int until_stopped(lua_State *L) {
  lua_settop(L, 1);
  bool ended = lua_pcall(L, 0, 0, 0) == LUA_OK;
  if (!ended && !xai_stop_requested()) return lua_error(L);
  if (!ended) xai_stop_clear();
  lua_pushboolean(L, ended);
  return 1;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* fail("sheet: ..."): raises with the position in the user's script */
static int fail(lua_State *L) {
  xl_check_string(L, 1, "message");
  xl_where(L);
  lua_pushvalue(L, 1);
  lua_concat(L, 2);
  return lua_error(L);
}

/* nearest(name, list) -> the entry that was probably meant, or nil */
static int nearest(lua_State *L) {
  const char *name = xl_check_string(L, 1, "name");
  if (!lua_istable(L, 2)) return xl_expected(L, 2, "list", "a table");
  lua_Unsigned n = lua_rawlen(L, 2);
  if (n > 100000) n = 100000;
  const char **list = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *list, 0);
  for (lua_Unsigned i = 0; i < n; i++) {
    lua_rawgeti(L, 2, (lua_Integer)i + 1);
    list[i] = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    lua_pop(L, 1);
  }
  lua_pushstring(L, xai_str_nearest(name, (size_t)n, xai_str_in_array, list));
  return 1;
}

/* on_note(function(text)): who shows notes */
static int on_note(lua_State *L) {
  lua_settop(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, "xai.note");
  return 0;
}

/* on_progress(function(what, done, total)): who shows how far a long method is; done is 0 at its start */
static int on_progress(lua_State *L) {
  lua_settop(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, "xai.progress");
  return 0;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* on_terminal([stream]): stream is "stdout" or "stderr" */
static int on_terminal(lua_State *L) {
  static const char *const streams[] = {"stdout", "stderr", NULL};
  bool errors = !lua_isnoneornil(L, 1) && xl_check_choice(L, 1, "stream", streams) == 1;
  lua_pushboolean(L, isatty(errors ? STDERR_FILENO : STDOUT_FILENO));
  return 1;
}

/* exists(path): a file that is not a directory */
static int exists(lua_State *L) {
  struct stat info;
  lua_pushboolean(L, stat(xl_check_string(L, 1, "path"), &info) == 0 && !S_ISDIR(info.st_mode));
  return 1;
}

/* make_dir(path): with its parents; it may be there already */
static int make_dir(lua_State *L) {
  size_t n;
  xl_check_string(L, 1, "path");
  const char *given = lua_tolstring(L, 1, &n);
  char *path = lua_newuserdatauv(L, n + 1, 0);
  memcpy(path, given, n + 1);
  for (size_t i = 1; i <= n; i++) {
    if (path[i] != '/' && path[i] != '\0') continue;
    path[i] = '\0';
    struct stat info;
    bool there = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    if (!there && mkdir(path, 0777) != 0 && errno != EEXIST) return xl_fail(L, "%s: %s", path, strerror(errno));
    path[i] = given[i];
  }
  return 0;
}

/* embedded(path) -> text of a file inside the binary, or nil; embedded() -> their paths */
static int embedded(lua_State *L) {
  if (!lua_isnoneornil(L, 1)) {
    const xl_embedded_file *f = xl_embedded_find(xl_check_string(L, 1, "path"));
    if (f == NULL) return 0;
    lua_pushlstring(L, f->bytes, f->size);
    return 1;
  }
  int n = 0;
  lua_newtable(L);
  for (const xl_embedded_file *f = xl_embedded_files; f->path != NULL; f++) {
    lua_pushstring(L, f->path);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

void xl_open_system(lua_State *L) {
  static const xl_reg functions[] = {
      {"out_dir", out_dir, NULL},
      {"quiet", quiet, NULL},
      {"seed", seed, NULL},
      {"threads", threads, NULL},
      {"reference", reference, NULL},
      {"clock", clock_seconds, NULL},
      {"live_bytes", live_bytes, NULL},
      {"fail_after", fail_after, NULL},
      {"until_stopped", until_stopped, NULL},
      {"fail", fail, NULL},
      {"nearest", nearest, NULL},
      {"on_note", on_note, NULL},
      {"on_progress", on_progress, NULL},
      {"on_terminal", on_terminal, NULL},
      {"exists", exists, NULL},
      {"make_dir", make_dir, "save"},
      {"embedded", embedded, NULL},
      {NULL, NULL, NULL},
  };
  xl_register(L, "", functions);
}
