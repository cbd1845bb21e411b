/* bindings/l_inspect.c: what a network file is made of, as a table. */
#include "base/alloc.h"
#include "base/status.h"
#include "bindings/core.h"
#include "formats/inspect.h"

static void destroy_inspection(void *object) {
  xai_inspection_free(object);
  xai_free(object);
}
static const xl_type inspection_type = {"inspection", "xai.inspection", destroy_inspection};

static xai_status inspect(xl_box *box, const char *path, const char *weights, xai_err *err) {
  box->object = xai_calloc(1, sizeof(xai_inspection));
  if (box->object == NULL) return xai_fail_memory(err, sizeof(xai_inspection));
  return xai_inspect(path, weights, box->object, err);
}

static void set_text(lua_State *L, const char *key, const char *text) {
  if (text[0] == '\0') return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

static void set_count(lua_State *L, const char *key, lua_Integer n) {
  lua_pushinteger(L, n);
  lua_setfield(L, -2, key);
}

/* inspect(path [, weights]) -> {format=, producer=, ir=, opset=, bytes=, operators = {{name=, count=, problems=}, ...},
 * problems = {{layer=, op=, text=}, ...}, more_problems=}, network with zeros for weights or nil */
static int inspect_file(lua_State *L) {
  const char *path = xl_check_string(L, 1, "path");
  const char *weights = lua_isnoneornil(L, 2) ? NULL : xl_check_string(L, 2, "weights");
  xl_box *box = xl_new_box(L, &inspection_type), *net = xl_new_net(L);
  xai_err err;
  xai_status st;
  XL_WORK(L, st, inspect(box, path, weights, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  const xai_inspection *i = box->object;
  lua_newtable(L);
  set_text(L, "format", i->format);
  set_text(L, "producer", i->producer);
  if (i->opset > 0) {
    set_count(L, "ir", i->ir_version);
    set_count(L, "opset", i->opset);
  }
  set_count(L, "bytes", (lua_Integer)i->bytes);
  set_count(L, "more_problems", i->more_problems);
  lua_createtable(L, i->n_ops, 0);
  for (int k = 0; k < i->n_ops; k++) {
    lua_newtable(L);
    set_text(L, "name", i->ops[k].name);
    set_count(L, "count", i->ops[k].count);
    set_count(L, "problems", i->ops[k].problems);
    lua_rawseti(L, -2, k + 1);
  }
  lua_setfield(L, -2, "operators");
  lua_createtable(L, i->n_problems, 0);
  for (int k = 0; k < i->n_problems; k++) {
    lua_newtable(L);
    set_text(L, "layer", i->problems[k].node);
    set_text(L, "op", i->problems[k].op);
    set_text(L, "text", i->problems[k].text);
    lua_rawseti(L, -2, k + 1);
  }
  lua_setfield(L, -2, "problems");
  if (i->net == NULL) return 1;
  net->net = xai_net_retain(i->net);
  lua_pushvalue(L, -2);
  return 2;
}

void xl_open_inspect(lua_State *L) {
  static const xl_reg functions[] = {{"inspect", inspect_file, NULL}, {NULL, NULL, NULL}};
  static const xl_reg none[] = {{NULL, NULL, NULL}};
  xl_register(L, "", functions);
  xl_new_type(L, &inspection_type, NULL, none, NULL);
  lua_pop(L, 1); /* scripts never hold one */
}
