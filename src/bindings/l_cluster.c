/* bindings/l_cluster.c: the ranks of a run that mpirun started. lua/xai/cluster.lua makes values of the bytes. */
#include "base/alloc.h"
#include "base/status.h"
#include "bindings/core.h"
#include "cluster/cluster.h"

static void destroy(void *object) { xai_free(object); }
static const xl_type bytes_type = {"bytes", "xai.bytes", destroy};

/* gather(text) -> { what rank 0 gave, what rank 1 gave, ... } */
static int gather(lua_State *L) {
  size_t n;
  const char *mine = xl_check_bytes(L, 1, "text", &n);
  int size = xai_cluster_size();
  size_t *sizes = lua_newuserdatauv(L, (size_t)size * sizeof *sizes, 0);
  xl_box *box = xl_new_box(L, &bytes_type);
  void *all = NULL;
  xai_err err;
  xai_status st; /* no second try: the others would have to try again as well */
  st = xai_cluster_gather(mine, n, &all, sizes, &err);
  if (st != XAI_OK) return xl_raise(L, st, &err);
  box->object = all;
  lua_createtable(L, size, 0);
  const char *at = all;
  for (int r = 0; r < size; r++) {
    lua_pushlstring(L, at, sizes[r]);
    lua_rawseti(L, -2, r + 1);
    at += sizes[r];
  }
  xai_free(all); /* these may be large: now, not when the collector comes */
  box->object = NULL;
  return 1;
}

void xl_open_cluster(lua_State *L) {
  static const xl_reg functions[] = {{"gather", gather, "cluster"}, {NULL, NULL, NULL}};
  static const xl_reg none[] = {{NULL, NULL, NULL}};
  xai_err err;
  if (xai_cluster_start(&err) != XAI_OK) luaL_error(L, "xai: %s", err.text);
  xl_register(L, "", functions);
  lua_pushinteger(L, xai_cluster_rank());
  lua_setfield(L, -2, "rank");
  lua_pushinteger(L, xai_cluster_size());
  lua_setfield(L, -2, "size");
  xl_new_type(L, &bytes_type, NULL, none, NULL);
  lua_pop(L, 1);
}
