/* bindings/l_build.c: networks put together in Lua, node by node, and parameters made from their names.
 * What people use is lua/xai/build.lua; this is the native side of it. */
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "bindings/core.h"
#include "graph/build.h"
#include "graph/fill.h"
#include "graph/net.h"

static void destroy(void *object) { xai_builder_free(object); }
static const xl_type builder_type = {"builder", "xai.builder", destroy};

static xai_builder *check_builder(lua_State *L) { return xl_check_box(L, 1, &builder_type, "self")->object; }

/* Raises "script.lua:7: resnet18: layer 'fc': message". After a failure a builder is good for nothing. */
static int give_up(lua_State *L, const char *layer, xai_status st, xai_err *err) {
  xl_box *box = xl_check_box(L, 1, &builder_type, "self");
  if (layer != NULL) xai_err_prefix(err, st, "layer '%s': ", layer);
  destroy(box->object);
  box->object = NULL;
  xl_where(L);
  lua_getiuservalue(L, 1, 1);
  lua_pushfstring(L, ": %s", err->text[0] != '\0' ? err->text : xai_status_text(st));
  lua_concat(L, 3);
  return lua_error(L);
}

/* builder(name): an empty network; messages begin with the name */
static int builder_new(lua_State *L) {
  xl_check_string(L, 1, "name");
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &builder_type);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  xai_builder *b = NULL;
  XL_WORK(L, st, xai_builder_new(&b, &err));
  box->object = b;
  return st == XAI_OK ? 1 : xl_raise(L, st, &err);
}

static xai_shape check_shape(lua_State *L, int arg) {
  if (!lua_istable(L, arg)) xl_expected(L, arg, "shape", "a list of dimensions");
  xai_shape s = {.rank = 0};
  lua_Unsigned n = lua_rawlen(L, arg);
  if (n > XAI_MAX_RANK) xl_fail(L, "shape: at most %d dimensions, got %d", XAI_MAX_RANK, (int)n);
  for (; s.rank < (int)n; s.rank++) {
    lua_rawgeti(L, arg, s.rank + 1);
    s.dims[s.rank] = xl_check_int(L, -1, "shape", -1, LUA_MAXINTEGER);
    lua_pop(L, 1);
  }
  return s;
}

/* builder:input(name, {-1, 3, 224, 224}) */
static int builder_input(lua_State *L) {
  xai_builder *b = check_builder(L);
  const char *name = xl_check_string(L, 2, "name");
  xai_shape shape = check_shape(L, 3);
  xai_err err;
  xai_status st = xai_builder_input(b, name, XAI_F32, shape, &err);
  return st == XAI_OK ? 0 : give_up(L, NULL, st, &err);
}

/* builder:constant(name, tensor) */
static int builder_constant(lua_State *L) {
  xai_builder *b = check_builder(L);
  const char *name = xl_check_string(L, 2, "name");
  xai_tensor *t = xl_check_tensor(L, 3, name);
  xai_err err;
  xai_status st = xai_builder_constant(b, name, t, &err);
  return st == XAI_OK ? 0 : give_up(L, NULL, st, &err);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static xai_op check_op(lua_State *L, int arg) {
  const char *name = xl_check_string(L, arg, "operator");
  char hint[128];
  xai_op op;
  if (!xai_op_find(name, &op))
    xl_fail(L, "no operator '%s'%s", name, xai_str_suggest(hint, sizeof hint, xai_op_nearest(name)));
  return op;
}

static void check_ints(lua_State *L, int arg, const char *name, xai_ints *out) {
  if (!lua_istable(L, arg)) xl_expected(L, arg, name, "a list of integers");
  lua_Unsigned n = lua_rawlen(L, arg);
  if (n > XAI_INTS_MAX) xl_fail(L, "%s: at most %d integers, got %d", name, XAI_INTS_MAX, (int)n);
  for (out->n = 0; out->n < (int)n; out->n++) {
    lua_rawgeti(L, arg, out->n + 1);
    out->v[out->n] = xl_check_int(L, -1, name, LUA_MININTEGER, LUA_MAXINTEGER);
    lua_pop(L, 1);
  }
}

static void check_text(lua_State *L, int arg, const char *name, char out[XAI_TEXT_MAX]) {
  const char *text = xl_check_string(L, arg, name);
  size_t n = strlen(text);
  if (n >= XAI_TEXT_MAX) xl_fail(L, "%s: at most %d bytes, got %d", name, XAI_TEXT_MAX - 1, (int)n);
  memcpy(out, text, n + 1);
}

/* The value on top of the stack becomes the attribute. */
static void check_attribute(lua_State *L, const char *name, const xai_attr_spec *spec, xai_attrs *attrs) {
  void *field = (char *)attrs + spec->offset;
  int value = lua_gettop(L);
  switch (spec->kind) {
    case XAI_ATTR_INT:
      *(int64_t *)field = lua_isboolean(L, value) ? lua_toboolean(L, value)
                                                  : xl_check_int(L, value, name, LUA_MININTEGER, LUA_MAXINTEGER);
      break;
    case XAI_ATTR_FLOAT: *(double *)field = xl_check_number(L, value, name); break;
    case XAI_ATTR_INTS: check_ints(L, value, name, field); break;
    case XAI_ATTR_CHOICE: *(int64_t *)field = xl_check_choice(L, value, name, spec->choices); break;
    case XAI_ATTR_TEXT: check_text(L, value, name, field); break;
  }
}

static void check_attributes(lua_State *L, int arg, xai_op op, xai_attrs *attrs) {
  xai_attrs_default(op, attrs);
  if (!xl_check_options(L, arg)) return;
  for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) xl_fail(L, "attributes: expected names, got %s", xl_describe(L, -2));
    const char *name = lua_tostring(L, -2);
    const xai_attr_spec *spec = xai_attr_find(op, name);
    if (spec == NULL) xl_fail(L, "%s has no attribute '%s'", xai_op_get(op)->name, name);
    check_attribute(L, name, spec, attrs);
  }
}

/* The strings of the list at 'arg', in an array on the stack; the list keeps them. */
static const char **check_names(lua_State *L, int arg, int *n) {
  if (!lua_istable(L, arg)) xl_expected(L, arg, "inputs", "a list of names");
  lua_Unsigned length = lua_rawlen(L, arg);
  if (length > 10000) xl_fail(L, "inputs: at most 10000, got %I", (LUAI_UACINT)length);
  const char **names = lua_newuserdatauv(L, (size_t)(length + 1) * sizeof *names, 0);
  for (*n = 0; *n < (int)length; (*n)++) {
    lua_rawgeti(L, arg, *n + 1);
    names[*n] = xl_check_string(L, -1, "inputs");
    lua_pop(L, 1);
  }
  return names;
}

/* builder:node(op, name, inputs, attributes) -> shape of its output, which has the node's name */
static int builder_node(lua_State *L) {
  xai_builder *b = check_builder(L);
  xai_op op = check_op(L, 2);
  const char *name = xl_check_string(L, 3, "name");
  int n;
  xai_attrs attrs;
  xai_shape shape;
  lua_settop(L, 5);
  check_attributes(L, 5, op, &attrs);
  const char **inputs = check_names(L, 4, &n);
  xai_err err;
  xai_status st = xai_builder_node(b, name, op, &attrs, n, inputs, 1, &name, &err);
  if (st == XAI_OK) st = xai_builder_infer(b, &shape, &err);
  if (st != XAI_OK) return give_up(L, name, st, &err);
  xl_push_shape(L, &shape);
  return 1;
}

static xai_status freeze(xai_builder *b, const char *output, const char *name, xl_box *box, xai_err *err) {
  XAI_TRY(xai_builder_output(b, output, err));
  XAI_TRY(xai_builder_freeze(b, &box->net, err));
  return xai_net__set_path(box->net, name, err);
}

/* builder:freeze(output) -> net; the builder is used up */
static int builder_freeze(lua_State *L) {
  xai_builder *b = check_builder(L);
  const char *output = xl_check_string(L, 2, "output");
  lua_getiuservalue(L, 1, 1);
  const char *name = lua_tostring(L, -1);
  xl_box *box = xl_new_net(L);
  xai_err err;
  xai_status st = freeze(b, output, name, box, &err);
  if (st != XAI_OK) return give_up(L, NULL, st, &err);
  xl_box *self = xl_check_box(L, 1, &builder_type, "self");
  destroy(self->object);
  self->object = NULL;
  xl_assume_preprocess(L, -1);
  return 1;
}

/* ---- parameters ------------------------------------------------------------------------------ */

/* fill("conv1.weight", {64, 3, 7, 7}) */
static int fill(lua_State *L) {
  const char *name = xl_check_string(L, 1, "name");
  xai_shape shape = check_shape(L, 2);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_fill(name, shape, &box->tensor, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
  return 1;
}

void xl_open_build(lua_State *L) {
  static const xl_reg methods[] = {{"input", builder_input, NULL}, {"constant", builder_constant, NULL},
                                   {"node", builder_node, NULL}, {"freeze", builder_freeze, NULL}, {NULL, NULL, NULL}};
  static const xl_reg functions[] = {{"builder", builder_new, NULL}, {"fill", fill, NULL}, {NULL, NULL, NULL}};
  xl_register(L, "", functions);
  xl_new_type(L, &builder_type, NULL, methods, NULL);
  lua_pop(L, 1); /* only lua/xai/build.lua holds one */
}
