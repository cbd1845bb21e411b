/* bindings/l_view.c: net:with{...}, a view of a network that shares its weights and carries hooks, a backward rule or
 * other weights for some layers. */
#include <math.h>

#include "base/rng.h"
#include "bindings/core.h"
#include "tensor/tensor.h"

/* New weights for a layer, N(0, 2 / fan-in) as He et al. 2015 start a rectifier network, from the seed and the
 * layer's number; 'like' has the shape. Boxed on the stack. */
static xai_tensor *push_random(lua_State *L, const xai_net *net, int layer, const xai_tensor *like) {
  xai_layer info = xai_net_layer(net, layer);
  const xai_shape *shape = &xai_tensor_view(like)->shape;
  int64_t outputs = info.shape.rank > 1 && info.shape.dims[1] > 0 ? info.shape.dims[1] : shape->dims[0];
  size_t n = xai_tensor_count(like);
  double deviation = sqrt(2.0 * (double)outputs / (double)(n > 0 ? n : 1));
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new(XAI_F32, *shape, &box->tensor, &err));
  if (st != XAI_OK) xl_raise(L, st, &err);
  float *w = xai_tensor_floats(box->tensor);
  uint64_t base = xai_rng_stream(xai_seed(), (uint64_t)layer);
  for (size_t i = 0; i < n; i++) w[i] = (float)(deviation * xai_rng_normal(base, i));
  return box->tensor;
}

/* A tensor of zeros like the layer's bias, boxed on the stack; NULL and nil when there is none. */
static xai_tensor *push_no_bias(lua_State *L, const xai_net *net, int layer) {
  const xai_tensor *bias = xai_net_weight(net, layer, 2);
  if (bias == NULL) {
    lua_pushnil(L);
    return NULL;
  }
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new(XAI_F32, xai_tensor_view(bias)->shape, &box->tensor, &err));
  if (st != XAI_OK) xl_raise(L, st, &err);
  return box->tensor;
}

/* The replacement for one layer: "random" (weights, and a bias of zero), a tensor (weights), or {weight=, bias=}.
 * Its tensors are kept alive in the table at 'keep'. Writes up to two entries; how many. */
static int check_weight(lua_State *L, int value, int keep, const xai_net *net, int layer, const char *name,
                        xai_weight out[2]) {
  static const char *const parts[] = {"weight", "bias", NULL};
  int n = 0, base = lua_gettop(L);
  xai_tensor *now = xai_net_weight(net, layer, 1);
  if (now == NULL || xai_tensor_view(now)->shape.rank < 1) xl_fail(L, "weights: layer '%s' has none", name);
  if (xl_is(L, value, &xl_tensor_type)) {
    out[n++] = (xai_weight){layer, 1, xl_check_tensor(L, value, name)};
    lua_pushvalue(L, value);
  } else if (lua_istable(L, value)) {
    xl_check_keys(L, value, parts);
    for (int i = 0; i < 2; i++)
      if (xl_get(L, value, parts[i]) != LUA_TNIL)
        out[n++] = (xai_weight){layer, i + 1, xl_check_tensor(L, -1, parts[i])};
  } else if (lua_type(L, value) == LUA_TSTRING && lua_tostring(L, value)[0] == 'r') {
    static const char *const random[] = {"random", NULL};
    xl_check_choice(L, value, name, random);
    if (xai_tensor_view(now)->shape.rank < 2)
      xl_fail(L, "weights: layer '%s' has no weight matrix to make random", name);
    out[n++] = (xai_weight){layer, 1, push_random(L, net, layer, now)};
    xai_tensor *bias = push_no_bias(L, net, layer);
    if (bias != NULL) out[n++] = (xai_weight){layer, 2, bias};
  } else {
    xl_expected(L, value, lua_pushfstring(L, "weights.%s", name), "\"random\", a tensor or {weight=, bias=}");
  }
  while (lua_gettop(L) > base) luaL_ref(L, keep);
  return n;
}

/* The array for xai_net_with, a userdata pushed on the stack with its tensors in its user value. */
static const xai_weight *check_weights(lua_State *L, int arg, const xai_net *net, int *n) {
  *n = 0;
  if (lua_isnil(L, arg)) {
    lua_pushnil(L);
    return NULL;
  }
  if (!lua_istable(L, arg)) xl_expected(L, arg, "weights", "a table { layer = \"random\" or tensor }");
  size_t room = 0;
  for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) room += 2;
  xai_weight *weights = lua_newuserdatauv(L, (room + 1) * sizeof *weights, 1);
  int array = lua_gettop(L);
  lua_newtable(L);
  int keep = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) {
    int layer = xl_check_layer(L, -2, net, "weights");
    *n += check_weight(L, lua_gettop(L), keep, net, layer, lua_tostring(L, -2), weights + *n);
  }
  lua_setiuservalue(L, array, 1);
  return weights;
}

/* The table of the new view, on top of the stack: hooks of the old one, to which its own will be added. */
static void push_view_table(lua_State *L, int net_arg) {
  lua_newtable(L);
  xl_push_net_table(L, net_arg);
  xl_get(L, -1, "assumed");
  lua_setfield(L, -3, "assumed");
  lua_newtable(L);
  if (xl_get(L, -2, "hooks") == LUA_TTABLE)
    for (lua_pushnil(L); lua_next(L, -2);) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, -5);
    }
  lua_pop(L, 1);
  lua_setfield(L, -3, "hooks");
  lua_pop(L, 1);
}

/* net:with{hooks=, grad_hooks=, relu=, weights=} */
static int net_with(lua_State *L) {
  static const char *const names[] = {"hooks", "grad_hooks", "relu", "weights", NULL};
  xai_net *net = xl_check_net(L, 1);
  if (!lua_istable(L, 2)) xl_expected(L, 2, "options", "a table");
  xl_check_keys(L, 2, names);
  lua_settop(L, 2);
  xai_view_opts opts = {.relu = XAI_RELU_PLAIN};
  for (int i = 0; names[i] != NULL; i++) xl_get(L, 2, names[i]); /* slots 3 to 6 */
  if (!lua_isnil(L, 5)) opts.relu = xl_check_relu(L, 5);
  xl_box *box = xl_new_box(L, &xl_net_type);
  int result = lua_gettop(L);
  push_view_table(L, 1);
  xl_get(L, -1, "hooks");
  int anchor = lua_gettop(L);
  opts.hooks = xl_check_hooks(L, 3, anchor, net, "hooks", &opts.n_hooks);
  opts.grad_hooks = xl_check_hooks(L, 4, anchor, net, "grad_hooks", &opts.n_grad_hooks);
  opts.weights = check_weights(L, 6, net, &opts.n_weights);
  lua_pushvalue(L, anchor - 1);
  lua_setiuservalue(L, result, 1);
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_net_with(net, &opts, &box->net, NULL, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  lua_settop(L, result);
  return 1;
}

void xl_open_view(lua_State *L) {
  static const xl_reg methods[] = {{"with", net_with, NULL}, {NULL, NULL, NULL}};
  xl_extend_type(L, &xl_net_type, methods);
}
