/* bindings/check.c: see check.h. */
#include "bindings/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "bindings/config.h"
#include "tensor/shape.h"

enum { CHARGE_FROM = 64 * 1024, MESSAGE = 400 };

/* ---- raising --------------------------------------------------------------------------------- */

const char *xl_name(lua_State *L) {
  const char *name = lua_tostring(L, lua_upvalueindex(1));
  return name != NULL ? name : "xai";
}

/* Chunks of this library are called "=xai" or "=xai.<module>". */
static bool in_library(const lua_Debug *ar) {
  return strcmp(ar->source, "=xai") == 0 || strncmp(ar->source, "=xai.", 5) == 0;
}

void xl_where(lua_State *L) {
  lua_Debug ar;
  for (int level = 0; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline <= 0 || in_library(&ar)) continue;
    lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
    return;
  }
  lua_pushliteral(L, "");
}

int xl_fail(lua_State *L, const char *format, ...) {
  va_list args;
  xl_where(L);
  lua_pushfstring(L, "%s: ", xl_name(L));
  va_start(args, format);
  lua_pushvfstring(L, format, args);
  va_end(args);
  lua_concat(L, 3);
  return lua_error(L);
}

int xl_raise(lua_State *L, xai_status st, const xai_err *err) {
  return xl_fail(L, "%s", err->text[0] != '\0' ? err->text : xai_status_text(st));
}

const char *xl_describe(lua_State *L, int arg) {
  static const xl_type *const types[] = {&xl_image_type, &xl_net_type, &xl_run_type, &xl_scenes_type};
  char text[XAI_SHAPE_TEXT];
  switch (lua_type(L, arg)) {
    case LUA_TNONE: return lua_pushliteral(L, "nothing");
    case LUA_TNUMBER: lua_pushvalue(L, arg); return lua_tostring(L, -1);
    case LUA_TSTRING: {
      const char *s = lua_tostring(L, arg);
      if (strlen(s) <= 60) return lua_pushfstring(L, "'%s'", s);
      lua_pushlstring(L, s, 60);
      return lua_pushfstring(L, "'%s...'", lua_tostring(L, -1));
    }
    case LUA_TBOOLEAN: return lua_pushstring(L, lua_toboolean(L, arg) ? "true" : "false");
    case LUA_TUSERDATA: {
      const xl_box *box = luaL_testudata(L, arg, xl_tensor_type.key);
      if (box != NULL && box->object != NULL)
        return lua_pushfstring(L, "a tensor %s", xai_shape_text(&xai_tensor_view(box->tensor)->shape, text));
      for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (luaL_testudata(L, arg, types[i]->key)) return lua_pushfstring(L, "a value of type %s", types[i]->name);
      break;
    }
    case LUA_TNIL: return lua_pushliteral(L, "nil");
    default: break;
  }
  return lua_pushfstring(L, "a %s", luaL_typename(L, arg));
}

int xl_expected(lua_State *L, int arg, const char *what, const char *expected, ...) {
  const char *got = xl_describe(L, arg); /* first: pushing would bring a missing argument into being */
  va_list args;
  va_start(args, expected);
  const char *wanted = lua_pushvfstring(L, expected, args);
  va_end(args);
  return xl_fail(L, "%s: expected %s, got %s", what, wanted, got);
}

/* ---- types and boxes ------------------------------------------------------------------------- */

void xl_register(lua_State *L, const char *prefix, const xl_reg *regs) {
  for (; regs->key != NULL; regs++) {
    if (regs->name != NULL)
      lua_pushstring(L, regs->name);
    else
      lua_pushfstring(L, "%s%s", prefix, regs->key);
    lua_pushcclosure(L, regs->fn, 1);
    lua_setfield(L, -2, regs->key);
  }
}

/* The type is found in the metatable, which scripts cannot reach, so one function serves all. */
static const xl_type *type_of(lua_State *L, int arg) {
  const xl_type *type = NULL;
  if (lua_type(L, arg) == LUA_TUSERDATA && luaL_getmetafield(L, arg, "xai.type") != LUA_TNIL) {
    type = lua_touserdata(L, -1);
    lua_pop(L, 1);
  }
  return type;
}

/* __gc and __close; may run any number of times. A busy object stays: the pass that uses it is still running. */
static int box_collect(lua_State *L) {
  const xl_type *type = type_of(L, 1);
  xl_box *box = type != NULL ? luaL_testudata(L, 1, type->key) : NULL;
  if (box == NULL || box->busy > 0 || box->object == NULL) return 0;
  void *object = box->object;
  box->object = NULL;
  type->destroy(object);
  return 0;
}

/* object:free(): at once instead of when the collector comes. */
static int box_free(lua_State *L) {
  const xl_type *type = type_of(L, 1);
  xl_box *box = type != NULL ? luaL_testudata(L, 1, type->key) : NULL;
  if (box == NULL) return xl_expected(L, 1, "self", "an object of xai");
  if (box->busy > 0) return xl_fail(L, "in use by a running pass");
  return box_collect(L);
}

/* upvalues: fields function or nil, methods table */
static int box_index(lua_State *L) {
  if (!lua_isnil(L, lua_upvalueindex(1))) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    int base = lua_gettop(L) - 3;
    lua_call(L, 2, LUA_MULTRET);
    if (lua_gettop(L) > base) return 1;
  }
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(2));
  return 1;
}

/* The Lua layer may give a type a better tostring than the native one. */
static int box_tostring(lua_State *L) {
  const xl_type *type = lua_touserdata(L, lua_upvalueindex(1));
  xl_box *box = luaL_testudata(L, 1, type->key);
  if (box == NULL || box->object == NULL) {
    lua_pushfstring(L, "%s (freed)", type->name);
    return 1;
  }
  lua_pushliteral(L, "tostring");
  lua_rawget(L, lua_upvalueindex(2));
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

void xl_new_type(lua_State *L, const xl_type *type, lua_CFunction index, const xl_reg *methods, const xl_reg *meta) {
  char prefix[40];
  const xl_reg common[] = {{"__gc", box_collect, NULL}, {"__close", box_collect, NULL}, {NULL, NULL, NULL}};
  const xl_reg freeing[] = {{"free", box_free, NULL}, {NULL, NULL, NULL}};
  snprintf(prefix, sizeof prefix, "%s:", type->name);

  lua_newtable(L); /* methods */
  xl_register(L, prefix, freeing);
  xl_register(L, prefix, methods);
  luaL_newmetatable(L, type->key);
  xl_register(L, prefix, common);
  if (meta != NULL) xl_register(L, prefix, meta);

  if (index != NULL) {
    lua_pushstring(L, type->name);
    lua_pushcclosure(L, index, 1);
  } else {
    lua_pushnil(L);
  }
  lua_pushvalue(L, -3);
  lua_pushcclosure(L, box_index, 2);
  lua_setfield(L, -2, "__index");

  lua_pushlightuserdata(L, (void *)type);
  lua_pushvalue(L, -3);
  lua_pushcclosure(L, box_tostring, 2);
  lua_setfield(L, -2, "__tostring");

  lua_pushlightuserdata(L, (void *)type);
  lua_setfield(L, -2, "xai.type");
  lua_pushstring(L, type->key);
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

xl_box *xl_new_box(lua_State *L, const xl_type *type) {
  xl_box *box = lua_newuserdatauv(L, sizeof *box, 1);
  box->object = NULL;
  box->busy = 0;
  luaL_setmetatable(L, type->key);
  return box;
}

bool xl_is(lua_State *L, int arg, const xl_type *type) { return luaL_testudata(L, arg, type->key) != NULL; }

xl_box *xl_check_box(lua_State *L, int arg, const xl_type *type, const char *what) {
  xl_box *box = luaL_testudata(L, arg, type->key);
  if (box == NULL) {
    const char *article = strchr("aeiou", type->name[0]) != NULL ? "an" : "a";
    xl_expected(L, arg, what, "%s %s", article, type->name);
  } else if (box->object == NULL) {
    xl_fail(L, "%s: this %s was freed", what, type->name);
  }
  return box;
}

xai_tensor *xl_check_tensor(lua_State *L, int arg, const char *what) {
  return xl_check_box(L, arg, &xl_tensor_type, what)->tensor;
}
xai_image *xl_check_image(lua_State *L, int arg, const char *what) {
  return xl_check_box(L, arg, &xl_image_type, what)->image;
}
xai_net *xl_check_net(lua_State *L, int arg) { return xl_check_box(L, arg, &xl_net_type, "net")->net; }

/* ---- arguments ------------------------------------------------------------------------------- */

lua_Integer xl_check_int(lua_State *L, int arg, const char *what, lua_Integer lo, lua_Integer hi) {
  int exact = 0;
  lua_Integer v = lua_type(L, arg) == LUA_TNUMBER ? lua_tointegerx(L, arg, &exact) : 0;
  if (exact && v >= lo && v <= hi) return v;
  if (hi == LUA_MAXINTEGER) return xl_expected(L, arg, what, "an integer of at least %I", (LUAI_UACINT)lo);
  return xl_expected(L, arg, what, "an integer from %I to %I", (LUAI_UACINT)lo, (LUAI_UACINT)hi);
}

lua_Number xl_check_number(lua_State *L, int arg, const char *what) {
  if (lua_type(L, arg) != LUA_TNUMBER) xl_expected(L, arg, what, "a number");
  return lua_tonumber(L, arg);
}

const char *xl_check_string(lua_State *L, int arg, const char *what) {
  if (lua_type(L, arg) != LUA_TSTRING) xl_expected(L, arg, what, "a string");
  const char *s = lua_tostring(L, arg);
  if (strlen(s) != lua_rawlen(L, arg)) xl_fail(L, "%s: a string with a zero byte in it", what);
  return s;
}

static size_t list_length(const char *const *names) {
  size_t n = 0;
  while (names[n] != NULL) n++;
  return n;
}

/* "a, b, c" of a NULL-terminated list, cut to the buffer */
static const char *join(char buf[MESSAGE], const char *const *names) {
  size_t used = 0;
  buf[0] = '\0';
  for (size_t i = 0; names[i] != NULL; i++) xai_str_append(buf, MESSAGE, &used, "%s%s", i > 0 ? ", " : "", names[i]);
  return buf;
}

static const char *suggest(char *buf, size_t size, const char *name, const char *const *names) {
  return xai_str_suggest(buf, size, xai_str_nearest(name, list_length(names), xai_str_in_array, names));
}

const char *xl_check_bytes(lua_State *L, int arg, const char *what, size_t *n) {
  if (lua_type(L, arg) != LUA_TSTRING) xl_expected(L, arg, what, "a string");
  return lua_tolstring(L, arg, n);
}

int xl_check_choice(lua_State *L, int arg, const char *what, const char *const *choices) {
  char list[MESSAGE], hint[128];
  const char *given = lua_type(L, arg) == LUA_TSTRING ? lua_tostring(L, arg) : NULL;
  for (int i = 0; given != NULL && choices[i] != NULL; i++)
    if (strcmp(given, choices[i]) == 0) return i;
  return xl_fail(L, "%s: expected one of %s, got %s%s", what, join(list, choices), xl_describe(L, arg),
                 given != NULL ? suggest(hint, sizeof hint, given, choices) : "");
}

xai_relu xl_check_relu(lua_State *L, int arg) {
  static const char *const rules[] = {"plain", "guided", "deconv", "redirected", NULL}; /* in xai_relu's order */
  return (xai_relu)xl_check_choice(L, arg, "relu", rules);
}

bool xl_check_options(lua_State *L, int arg) {
  if (lua_isnoneornil(L, arg)) return false;
  if (!lua_istable(L, arg)) xl_expected(L, arg, "options", "a table");
  return true;
}

void xl_check_keys(lua_State *L, int arg, const char *const *names) {
  char list[MESSAGE], hint[128];
  arg = lua_absindex(L, arg);
  for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) xl_fail(L, "options: expected names, got %s", xl_describe(L, -2));
    const char *key = lua_tostring(L, -2);
    size_t i = 0;
    while (names[i] != NULL && strcmp(names[i], key) != 0) i++;
    if (names[i] == NULL)
      xl_fail(L, "unknown option '%s' (options: %s)%s", key, join(list, names), suggest(hint, sizeof hint, key, names));
  }
}

int xl_get(lua_State *L, int arg, const char *key) {
  arg = lua_absindex(L, arg);
  lua_pushstring(L, key);
  return lua_rawget(L, arg);
}

/* ---- the collector, notes -------------------------------------------------------------------- */

void xl_charge(lua_State *L, size_t bytes) {
  if (bytes > CHARGE_FROM) lua_gc(L, LUA_GCSTEP, (int)(bytes / 1024 < 1 << 20 ? bytes / 1024 : 1 << 20));
}

void xl_charge_tensor(lua_State *L, const xai_tensor *t) { xl_charge(L, xai_tensor_bytes(t)); }

void xl_note(lua_State *L, const char *format, ...) {
  int top = lua_gettop(L);
  if (!xl_config.quiet && lua_getfield(L, LUA_REGISTRYINDEX, "xai.note") == LUA_TFUNCTION) {
    va_list args;
    va_start(args, format);
    lua_pushvfstring(L, format, args);
    va_end(args);
    lua_call(L, 1, 0);
  }
  lua_settop(L, top);
}
