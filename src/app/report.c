/* app/report.c: see report.h. */
#include "app/report.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "bindings/config.h"
#include "xai/status.h"

/* As in lua: an error object that is not a string counts when it can turn itself into one. */
static int handler(lua_State *L) {
  if (lua_tostring(L, 1) == NULL && !(luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING))
    lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  if (xl_config.verbose) luaL_traceback(L, L, lua_tostring(L, -1), 1);
  return 1;
}

bool app_call(lua_State *L, int arguments, int results) {
  int function = lua_gettop(L) - arguments;
  lua_pushcfunction(L, handler);
  lua_insert(L, function);
  int status = lua_pcall(L, arguments, results, function);
  lua_remove(L, function);
  return status == LUA_OK;
}

void app_complain(const char *prefix, const char *text) {
  fflush(stdout);
  size_t line = strcspn(text, "\n");
  size_t length = xl_config.verbose ? strlen(text) : line;
  bool more = text[length] != '\0';
  while (more && length > 0 && text[length - 1] == ':') length--;
  fputs(prefix, stderr);
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)text[i];
    bool layout = i >= line && (c == '\n' || c == '\t');
    putc((c < 0x20 && !layout) || c == 0x7f ? '?' : c, stderr);
  }
  fputs(more ? " (more with -v)\n" : "\n", stderr);
}

void app_report(lua_State *L, const char *prefix) {
  const char *text = lua_tostring(L, -1);
  app_complain(prefix, xai_stop_requested() ? "interrupted" : text != NULL ? text : "unknown error");
  lua_pop(L, 1);
}
