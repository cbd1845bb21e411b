/* bindings/l_hook.c: C calls back into Lua, here and nowhere else.
 *
 * A network view carries hooks as a C function and a payload. The Lua function of a payload stands in the table of
 * the view's box, under the payload's address. Whoever starts a pass (xl_pass_begin) puts that table on his stack
 * and says in which lua_State he runs; the trampoline then only copies stack values, which cannot fail, and makes
 * one protected call. Everything that may raise, also making the tensors that a hook sees, happens inside it.
 * When a hook raises, its error object stays on the stack, C unwinds with XAI_ESTOP as from any failure,
 * and xl_pass_end raises that same object. */
#include <string.h>

#include "base/status.h"
#include "bindings/core.h"
#include "tensor/tensor.h"

enum { STACK_FOR_HOOK = 8 };

static _Thread_local xl_pass *current;

void xl_push_net_table(lua_State *L, int net_arg) { lua_getiuservalue(L, net_arg, 1); }

/* ---- stretches of C -------------------------------------------------------------------------- */

void xl_pass_hold(xl_pass *pass, xl_box *box) {
  if (box == NULL) return;
  box->busy++;
  pass->busy[pass->n_busy++] = box;
}

void xl_pass_begin(lua_State *L, int net_arg, xl_pass *pass) {
  xl_box *net = xl_check_box(L, net_arg, &xl_net_type, "net");
  luaL_checkstack(L, LUA_MINSTACK, "too many passes inside hooks");
  xl_push_net_table(L, net_arg);
  xl_get(L, -1, "hooks");
  lua_remove(L, -2);
  *pass = (xl_pass){.L = L, .hooks = lua_gettop(L), .outer = current};
  xl_pass_hold(pass, net);
  current = pass;
}

void xl_pass_end(xl_pass *pass, xai_status st, const xai_err *err) {
  for (int i = 0; i < pass->n_busy; i++) pass->busy[i]->busy--;
  current = pass->outer;
  if (st == XAI_OK) return;
  if (pass->failed != 0) {
    lua_settop(pass->L, pass->failed);
    lua_error(pass->L);
  }
  xl_raise(pass->L, st, err);
}

/* ---- the call -------------------------------------------------------------------------------- */

typedef struct hook_call {
  xai_view *subject;    /* what the hook may replace: gradient or activation */
  xai_view *activation; /* beside a gradient, when it is there */
} hook_call;

/* The hook's result on top of the stack is not what it should be. */
static int refuse(lua_State *L, const char *layer, const char *shape) {
  const char *got = xl_describe(L, -1);
  xl_where(L);
  lua_pushfstring(L, "hook of layer '%s': expected a float32 tensor %s or nil, got %s", layer, shape, got);
  lua_concat(L, 2);
  return lua_error(L);
}

/* The protected part. Arguments: the payload's table { function, name of the layer }, the hook_call. */
static int call_hook(lua_State *L) {
  const hook_call *call = lua_touserdata(L, 2);
  bool gradient = call->activation != call->subject;
  lua_rawgeti(L, 1, 2);
  const char *layer = lua_tostring(L, -1);
  lua_rawgeti(L, 1, 1);
  xl_push_copy(L, call->subject);
  if (gradient && call->activation != NULL)
    xl_push_copy(L, call->activation);
  else if (gradient)
    lua_pushnil(L);
  lua_pushvalue(L, 3);
  lua_call(L, gradient ? 3 : 2, 1);
  if (lua_isnil(L, -1)) return 0;
  char want[XAI_SHAPE_TEXT];
  const xl_box *box = luaL_testudata(L, -1, xl_tensor_type.key);
  const xai_view *given = box != NULL && box->object != NULL ? xai_tensor_view(box->tensor) : NULL;
  if (given == NULL || given->dtype != XAI_F32 || !xai_shape_equal(&given->shape, &call->subject->shape))
    return refuse(L, layer, xai_shape_text(&call->subject->shape, want));
  memcpy(call->subject->data, given->data, xai_view_bytes(given));
  return 0;
}

static xai_status trampoline(void *payload, int layer, xai_view *g, xai_view *a, xai_err *err) {
  (void)layer;
  xl_pass *pass = current;
  if (pass == NULL) return xai_fail(err, XAI_ESTOP, "a hook was called outside of a pass");
  lua_State *L = pass->L;
  hook_call call = {g != NULL ? g : a, g == NULL || (a != NULL && a->data != NULL) ? a : NULL};
  lua_pushcfunction(L, call_hook);
  lua_rawgetp(L, pass->hooks, payload);
  lua_pushlightuserdata(L, &call);
  if (lua_pcall(L, 2, 0, 0) == LUA_OK) return XAI_OK;
  pass->failed = lua_gettop(L);
  return xai_fail(err, XAI_ESTOP, "stopped by a hook");
}

/* ---- from a table of functions --------------------------------------------------------------- */

const xai_hook *xl_check_hooks(lua_State *L, int arg, int anchor, const xai_net *net, const char *what, int *n) {
  *n = 0;
  if (lua_isnil(L, arg)) {
    lua_pushnil(L);
    return NULL;
  }
  if (!lua_istable(L, arg)) xl_expected(L, arg, what, "a table { layer = function }");
  luaL_checkstack(L, STACK_FOR_HOOK, NULL);
  size_t room = 0;
  for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) room++;
  xai_hook *hooks = lua_newuserdatauv(L, (room + 1) * sizeof *hooks, 0);
  for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) xl_expected(L, -2, what, "names of layers");
    int fn = lua_gettop(L);
    if (!lua_isfunction(L, fn))
      xl_expected(L, fn, lua_pushfstring(L, "%s.%s", what, lua_tostring(L, -2)), "a function");
    int layer = xl_check_layer(L, -2, net, what);
    lua_createtable(L, 2, 0);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, -3);
    lua_rawseti(L, -2, 2);
    void *payload = (void *)lua_topointer(L, -1); /* an address of our own as long as the table lives */
    lua_rawsetp(L, anchor, payload);
    hooks[(*n)++] = (xai_hook){layer, trampoline, payload};
  }
  return hooks;
}
