/* bindings/l_target.c: what a script says is to be explained, as an xai_target.
 *
 * A target is a class id, a label, "layer:channel", "layer:channel:row:col", a list of those (their sum),
 * { plus = a, minus = b }, each of both with a 'weight', or a tensor: the gradient to start with, at the layer 'at'
 * (default: the logits). */
#include <string.h>

#include "bindings/core.h"

static void add_terms(lua_State *L, int arg, const xai_net *net, float weight, int depth, xai_target *target);

/* t[key], if it is there */
static void add_field(lua_State *L, int arg, const char *key, const xai_net *net, float weight, int depth,
                      xai_target *target) {
  if (xl_get(L, arg, key) != LUA_TNIL) add_terms(L, lua_gettop(L), net, weight, depth, target);
  lua_pop(L, 1);
}

/* Refuses what is neither an element of the list nor a name. */
static void check_table(lua_State *L, int arg, lua_Integer n) {
  static const char *const names[] = {"plus", "minus", "weight", NULL};
  int mark = lua_gettop(L);
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) {
    if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 && lua_tointeger(L, -2) <= n) continue;
    lua_pushvalue(L, -2);
    lua_pushboolean(L, 1);
    lua_rawset(L, mark + 1);
  }
  xl_check_keys(L, mark + 1, names);
  lua_settop(L, mark);
}

static void add_table(lua_State *L, int arg, const xai_net *net, float weight, int depth, xai_target *target) {
  lua_Unsigned n = lua_rawlen(L, arg);
  int before = target->n_terms;
  if (depth > 4) xl_fail(L, "target: lists nested too deep");
  luaL_checkstack(L, 10, NULL);
  check_table(L, arg, (lua_Integer)n);
  if (xl_get(L, arg, "weight") != LUA_TNIL) weight *= (float)xl_check_number(L, -1, "target: weight");
  lua_pop(L, 1);
  for (lua_Unsigned i = 1; i <= n; i++) {
    lua_rawgeti(L, arg, (lua_Integer)i);
    add_terms(L, lua_gettop(L), net, weight, depth + 1, target);
    lua_pop(L, 1);
  }
  add_field(L, arg, "plus", net, weight, depth + 1, target);
  add_field(L, arg, "minus", net, -weight, depth + 1, target);
  if (target->n_terms == before) xl_fail(L, "target: an empty table");
}

static void add_terms(lua_State *L, int arg, const xai_net *net, float weight, int depth, xai_target *target) {
  xai_err err;
  xai_status st = XAI_OK;
  switch (lua_type(L, arg)) {
    case LUA_TNUMBER:
      st = xai_target_add_class(net, xl_check_int(L, arg, "target", 0, INT32_MAX), weight, target, &err);
      break;
    case LUA_TSTRING: st = xai_target_add(net, xl_check_string(L, arg, "target"), weight, target, &err); break;
    case LUA_TTABLE: add_table(L, arg, net, weight, depth, target); break;
    default: xl_expected(L, arg, "target", "a class id, a label, 'layer:channel', a list of those or a tensor");
  }
  if (st != XAI_OK) xl_raise(L, st, &err);
}

void xl_check_target(lua_State *L, int arg, const xai_net *net, bool units, xai_target *target, int *seed_slot) {
  *seed_slot = 0;
  if (!lua_istable(L, arg)) return;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  xl_get(L, arg, "at");
  int at = lua_gettop(L);
  int seed = xl_get(L, arg, "seed");
  if (seed == LUA_TNIL || seed == LUA_TNUMBER) { /* a number is that of a method's noise */
    lua_pop(L, 1);
    xl_get(L, arg, "target");
  }
  int value = lua_gettop(L);
  if (xl_is(L, value, &xl_tensor_type)) {
    target->seed = xai_tensor_view(xl_check_tensor(L, value, "target"));
    target->seed_layer = lua_isnil(L, at) ? XAI_LAYER_LOGITS : xl_check_layer(L, at, net, "at");
    *seed_slot = value;
    return;
  }
  if (!lua_isnil(L, at)) {
    if (!units || !lua_isnil(L, value))
      xl_fail(L, "at: goes with a tensor as target%s", units ? ", or alone: a unit in place of a target" : "");
    xai_err err;
    xai_status st = xai_target_add_unit(net, xl_check_string(L, at, "at"), target, &err);
    if (st != XAI_OK) xl_raise(L, st, &err);
  } else if (!lua_isnil(L, value)) {
    add_terms(L, value, net, 1, 0, target);
  }
  lua_settop(L, at - 1);
}
