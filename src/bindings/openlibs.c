/* bindings/openlibs.c: makes require "xai" work. The native core is the module xai.core; every embedded
 * lua/xai/<name>.lua is the module xai.<name>, lua/xai/init.lua is xai itself. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "bindings/core.h"
#include "bindings/embedded.h"
#include "xai.h"
#include "xai/lua.h"

enum { NAME_MAX_BYTES = 200 };

/* Only declared where this library is loaded as a module: require finds it by its name. */
XAI_API int luaopen_xai(lua_State *L);
XAI_API int luaopen_xai_core(lua_State *L);

void xl_add_type(lua_State *L, const xl_type *type) {
  lua_getfield(L, -2, "types");
  lua_insert(L, -2);
  lua_setfield(L, -2, type->name);
  lua_pop(L, 1);
}

void xl_extend_type(lua_State *L, const xl_type *type, const xl_reg *methods) {
  char prefix[40];
  snprintf(prefix, sizeof prefix, "%s:", type->name);
  lua_getfield(L, -1, "types");
  lua_getfield(L, -1, type->name);
  xl_register(L, prefix, methods);
  lua_pop(L, 2);
}

/* require "xai.core" */
static int open_core(lua_State *L) {
  static void (*const parts[])(lua_State *) = {xl_open_tensor, xl_open_image, xl_open_net,
                                               xl_open_view,   xl_open_run,   xl_open_methods,
                                               xl_open_viz,    xl_open_sheet, xl_open_files, xl_open_inspect, xl_open_build,
                                               xl_open_scenes, xl_open_images, xl_open_score, xl_open_embed, xl_open_grabcut, xl_open_patches,
                                               xl_open_train,  xl_open_cluster, xl_open_system};
  lua_newtable(L);
  lua_newtable(L);
  lua_setfield(L, -2, "types");
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) parts[i](L);
  lua_pushliteral(L, XAI_VERSION);
  lua_setfield(L, -2, "version");
  return 1;
}

/* "lua/xai/zoo/vgg.lua" -> "xai.zoo.vgg", "lua/xai/init.lua" -> "xai"; false for other files */
static bool module_name(const char *path, char name[NAME_MAX_BYTES]) {
  if (!xai_str_starts(path, "lua/") || strlen(path) >= NAME_MAX_BYTES) return false;
  snprintf(name, NAME_MAX_BYTES, "%s", path + strlen("lua/"));
  char *end = strstr(name, ".lua");
  if (end == NULL || end[4] != '\0') return false;
  *end = '\0';
  if (end - name >= 5 && strcmp(end - 5, "/init") == 0) end[-5] = '\0';
  for (char *c = name; *c != '\0'; c++)
    if (*c == '/') *c = '.';
  return true;
}

/* Pushes the compiled file; its chunk is called "=xai.<name>", by which messages leave it out (xl_where). */
static void push_chunk(lua_State *L, const xl_embedded_file *file, const char *name) {
  const char *chunk = lua_pushfstring(L, "=%s", name);
  if (luaL_loadbufferx(L, file->bytes, file->size, chunk, "t") != LUA_OK) lua_error(L);
  lua_remove(L, -2);
}

/* Searcher of one embedded module: compiled when it is asked for. Upvalue: its row. */
static int open_embedded(lua_State *L) {
  const xl_embedded_file *file = lua_touserdata(L, lua_upvalueindex(1));
  char name[NAME_MAX_BYTES];
  module_name(file->path, name);
  push_chunk(L, file, name);
  lua_pushstring(L, name);
  lua_call(L, 1, 1);
  return 1;
}

void xai_openlibs(lua_State *L) {
  char name[NAME_MAX_BYTES];
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open_core);
  lua_setfield(L, -2, "xai.core");
  for (const xl_embedded_file *f = xl_embedded_files; f->path != NULL; f++) {
    if (!module_name(f->path, name)) continue;
    lua_pushlightuserdata(L, (void *)f);
    lua_pushcclosure(L, open_embedded, 1);
    lua_setfield(L, -2, name);
  }
  lua_pop(L, 1);
}

int luaopen_xai(lua_State *L) {
  xai_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  if (lua_getfield(L, -1, "xai") != LUA_TFUNCTION) return luaL_error(L, "xai: lua/xai/init.lua is not in this build");
  lua_call(L, 0, 1);
  return 1;
}

int luaopen_xai_core(lua_State *L) {
  xai_openlibs(L);
  return open_core(L);
}
