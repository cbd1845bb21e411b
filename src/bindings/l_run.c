/* bindings/l_run.c: one pass through a network: net:run(x, {keep=}), run:get(layer), run:backward{...}.
 *
 * Without 'keep' every activation stays and any number of backward passes may follow. With a list, only those layers
 * are computed for and kept; run:backward then repeats the forward pass for what its question needs.
 * The box's user value is { net box, x box }: what the pass borrows lives as long as it does. */
#include <string.h>

#include "base/status.h"
#include "bindings/core.h"
#include "explain/probe.h"
#include "graph/plan.h"

enum { LAYERS_MAX = 256 };

static void destroy(void *object) { xai_run_close(object); }
const xl_type xl_run_type = {"run", "xai.run", destroy};

/* ---- forward --------------------------------------------------------------------------------- */

/* Layers named by the list at 'arg' (or a single name) as an array, a userdata pushed on the stack. */
static const int *check_layers(lua_State *L, int arg, const xai_net *net, const char *what, int *n) {
  bool single = lua_type(L, arg) == LUA_TSTRING;
  if (!single && !lua_istable(L, arg)) xl_expected(L, arg, what, "a list of layers");
  lua_Unsigned count = single ? 1 : lua_rawlen(L, arg);
  if (count > LAYERS_MAX) xl_fail(L, "%s: at most %d layers", what, LAYERS_MAX);
  int *layers = lua_newuserdatauv(L, (size_t)(count + 1) * sizeof *layers, 0);
  for (*n = 0; *n < (int)count; ++*n) {
    if (single)
      lua_pushvalue(L, arg);
    else
      lua_rawgeti(L, arg, *n + 1);
    layers[*n] = xl_check_layer(L, -1, net, what);
    lua_pop(L, 1);
  }
  return layers;
}

/* Opens a pass and runs it forward; on failure *out is untouched. */
static xai_status open_and_forward(xai_net *net, const xai_view *x, const xai_request *request, xai_run **out,
                                   xai_err *err) {
  xai_run *run = NULL;
  xai_status st = xai_run_open(net, &x->shape, request, &run, err);
  if (st == XAI_OK) st = xai_run_forward(run, x, err);
  if (st == XAI_OK)
    *out = run;
  else
    xai_run_close(run);
  return st;
}

/* net:run(x, {keep = {"conv5"}}) */
static int net_run(lua_State *L) {
  static const char *const names[] = {"keep", NULL};
  xai_net *net = xl_check_net(L, 1);
  lua_settop(L, 3);
  xl_box *x = xl_check_input(L, 2, 1);
  xai_request request = {.keep_all = true};
  if (xl_check_options(L, 3)) {
    xl_check_keys(L, 3, names);
    if (xl_get(L, 3, "keep") != LUA_TNIL) {
      request.keep = check_layers(L, 4, net, "keep", &request.n_keep);
      request.keep_all = false;
    }
  }
  int keep = lua_gettop(L); /* the array, or not */
  xl_box *box = xl_new_box(L, &xl_run_type);
  int result = lua_gettop(L);
  lua_createtable(L, 3, 1);
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, 1);
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, 2);
  if (!request.keep_all) {
    lua_pushvalue(L, keep);
    lua_rawseti(L, -2, 3);
    lua_pushinteger(L, request.n_keep);
    lua_rawseti(L, -2, 4);
  }
  lua_setiuservalue(L, result, 1);
  xl_pass pass;
  xl_pass_begin(L, 1, &pass);
  xl_pass_hold(&pass, x);
  xai_err err;
  xai_status st;
  XL_WORK(L, st, open_and_forward(net, xai_tensor_view(x->tensor), &request, &box->run, &err));
  xl_pass_end(&pass, st, &err);
  xl_charge(L, xai_run_bytes(box->run));
  lua_settop(L, result);
  return 1;
}

/* ---- looking --------------------------------------------------------------------------------- */

/* The run at slot 1, not in the middle of a pass; pushes its net and x, which are slots *net_slot and the next. */
static xl_box *check_run(lua_State *L, int *net_slot) {
  xl_box *box = xl_check_box(L, 1, &xl_run_type, "self");
  if (box->busy > 0) xl_fail(L, "this run is in the middle of a pass");
  lua_getiuservalue(L, 1, 1);
  int table = lua_gettop(L);
  lua_rawgeti(L, table, 1);
  lua_rawgeti(L, table, 2);
  *net_slot = table + 1;
  return box;
}

/* run:get "conv5" */
static int run_get(lua_State *L) {
  int net_slot;
  lua_settop(L, 2);
  xl_box *box = check_run(L, &net_slot);
  int layer = xl_check_layer(L, 2, xl_check_net(L, net_slot), "layer");
  const xai_view *value = xai_run_value(box->run, layer);
  if (value == NULL) return xl_fail(L, "layer '%s' was not kept (keep = { ... } of net:run)", lua_tostring(L, 2));
  xl_push_copy(L, value);
  return 1;
}

/* ---- backward -------------------------------------------------------------------------------- */

/* What a backward pass needs. */
typedef struct question {
  xai_net *net;
  const xai_view *x;
  xai_target target;
  int want;
  int relu; /* an xai_relu, or -1: the view's own rule */
  const int *keep;
  int n_keep;
  bool keep_all;
} question;

/* A pass in which the seeds of the target can be set and the gradient read. */
static xai_status ready(const question *q, const int *seeds, int n_seeds, bool afresh, xai_run **run, xai_err *err) {
  if (q->keep_all && !afresh) return xai_run_plan_backward(*run, seeds, n_seeds, &q->want, 1, err);
  int keep[LAYERS_MAX + XAI_TARGET_TERMS + 1] = {XAI_LAYER_LOGITS};
  memcpy(keep + 1, seeds, (size_t)n_seeds * sizeof *keep);
  if (q->n_keep > 0) memcpy(keep + 1 + n_seeds, q->keep, (size_t)q->n_keep * sizeof *keep);
  xai_request request = {.keep = keep,
                         .n_keep = 1 + n_seeds + q->n_keep,
                         .keep_all = q->keep_all,
                         .seeds = seeds,
                         .n_seeds = n_seeds,
                         .wants = &q->want,
                         .n_wants = 1};
  xai_run *again = NULL;
  XAI_TRY(open_and_forward(q->net, q->x, &request, &again, err));
  xai_run_close(*run);
  *run = again;
  return XAI_OK;
}

static xai_status backward(const question *q, bool afresh, xai_run **run, xai_err *err) {
  int seeds[XAI_TARGET_TERMS];
  int n = xai_target_layers(q->net, &q->target, seeds);
  xai_target target = q->target;
  XAI_TRY(ready(q, seeds, n, afresh, run, err));
  XAI_TRY(xai_target_resolve(*run, q->net, &target, err));
  xai_run_set_relu(*run, q->relu >= 0 ? (xai_relu)q->relu : q->net->relu);
  xai_target_seed(*run, &target);
  return xai_run_backward(*run, err);
}

/* One retry when memory is short; what the failed attempt left of the pass is not relied on. */
static xai_status backward_or_again(lua_State *L, const question *q, xai_run **run, xai_err *err) {
  xai_status st = backward(q, false, run, err);
  if (st != XAI_ENOMEM) return st;
  lua_gc(L, LUA_GCCOLLECT, 0);
  return backward(q, true, run, err);
}

/* run:backward{target=, to=, seed=, at=, relu=} -> gradient of the score at 'to' (default: the input) */
static int run_backward(lua_State *L) {
  static const char *const names[] = {"target", "to", "seed", "at", "relu", NULL};
  int net_slot, seed_slot;
  lua_settop(L, 2);
  xl_box *box = check_run(L, &net_slot);
  question q = {.net = xl_check_net(L, net_slot), .want = XAI_LAYER_INPUT, .relu = -1};
  xl_box *x = xl_check_box(L, net_slot + 1, &xl_tensor_type, "x");
  q.x = xai_tensor_view(x->tensor);
  lua_rawgeti(L, net_slot - 1, 3);
  q.keep = lua_touserdata(L, -1);
  q.keep_all = q.keep == NULL;
  lua_rawgeti(L, net_slot - 1, 4);
  q.n_keep = (int)lua_tointeger(L, -1);
  if (xl_check_options(L, 2)) {
    xl_check_keys(L, 2, names);
    if (xl_get(L, 2, "to") != LUA_TNIL) q.want = xl_check_layer(L, -1, q.net, "to");
    if (xl_get(L, 2, "relu") != LUA_TNIL) q.relu = xl_check_relu(L, -1);
  }
  xl_check_target(L, 2, q.net, true, &q.target, &seed_slot);
  if (q.target.n_terms == 0 && seed_slot == 0 && q.x->shape.rank > 0 && q.x->shape.dims[0] > 1)
    return xl_fail(L, "target: %d pictures, whose most probable classes may differ; name one", (int)q.x->shape.dims[0]);
  xl_pass pass;
  xl_pass_begin(L, net_slot, &pass);
  xl_pass_hold(&pass, box);
  xl_pass_hold(&pass, x);
  xl_pass_hold(&pass, seed_slot != 0 ? lua_touserdata(L, seed_slot) : NULL);
  xai_err err;
  xai_status st = backward_or_again(L, &q, &box->run, &err);
  xl_pass_end(&pass, st, &err);
  const xai_view *g = xai_run_grad(box->run, q.want);
  if (g == NULL) {
    xl_push_layer_name(L, q.net, q.want);
    return xl_fail(L, "the target does not depend on layer '%s'", lua_tostring(L, -1));
  }
  xl_push_copy(L, g);
  return 1;
}

xl_box *xl_take_run(lua_State *L, int arg, int net_arg) {
  if (!xl_is(L, arg, &xl_run_type)) return NULL;
  xl_box *box = xl_check_box(L, arg, &xl_run_type, "run");
  if (box->busy > 0) xl_fail(L, "this run is in the middle of a pass");
  lua_getiuservalue(L, arg, 1);
  lua_rawgeti(L, -1, 1);
  if (!lua_rawequal(L, -1, net_arg)) xl_fail(L, "this run is of another network, or of another view of it");
  lua_rawgeti(L, -2, 3);
  if (!lua_isnil(L, -1)) xl_fail(L, "this run kept only some layers (expected net:run(x) without keep)");
  lua_rawgeti(L, -3, 2);
  lua_replace(L, arg);
  lua_pop(L, 3);
  return box;
}

/* activation(net, x [, layer]) -> the activation, the layer's name, x; without a layer where Grad-CAM would look. x may be
 * a picture or a run of the net, whose pass then serves. */
static int activation(lua_State *L) {
  xai_net *net = xl_check_net(L, 1);
  lua_settop(L, 3);
  lua_pushvalue(L, 2); /* keeps the run, if it is one */
  xl_box *run = xl_take_run(L, 2, 1);
  xl_box *x = xl_check_input(L, 2, 1);
  const xai_view *view = xai_tensor_view(x->tensor);
  int layer = XAI_LAYER_NONE;
  xai_err err;
  xai_status st = XAI_OK;
  if (lua_isnil(L, 3))
    XL_WORK(L, st, xai_net_default_layer(net, &view->shape, &layer, &err));
  else
    layer = xl_check_layer(L, 3, net, "layer");
  if (st != XAI_OK) return xl_raise(L, st, &err);
  const xai_view *value = run != NULL ? xai_run_value(run->run, layer) : NULL;
  if (value != NULL) {
    xl_push_copy(L, value);
  } else {
    xl_box *box = xl_new_box(L, &xl_tensor_type);
    int result = lua_gettop(L);
    xl_pass pass;
    xl_pass_begin(L, 1, &pass);
    xl_pass_hold(&pass, x);
    XL_WORK(L, st, xai_net_forward(net, view, layer, &box->tensor, &err));
    xl_pass_end(&pass, st, &err);
    xl_charge_tensor(L, box->tensor);
    lua_settop(L, result);
  }
  xl_push_layer_name(L, net, layer);
  lua_pushvalue(L, 2);
  return 3;
}

static int run_tostring(lua_State *L) {
  xl_box *box = xl_check_box(L, 1, &xl_run_type, "self");
  lua_pushfstring(L, "run (%d KB of activations)", (int)(xai_run_bytes(box->run) / 1024));
  return 1;
}

/* arena(run) -> bytes of all that lives in it, and how many of them are alive at one time; for tests */
static int arena(lua_State *L) {
  const xai_run *run = xl_check_box(L, 1, &xl_run_type, "run")->run;
  lua_pushinteger(L, (lua_Integer)(run->arena_bytes + run->late_bytes));
  lua_pushinteger(L, (lua_Integer)xai_arena__most_alive(run));
  return 2;
}

void xl_open_run(lua_State *L) {
  static const xl_reg methods[] = {
      {"get", run_get, NULL},
      {"backward", run_backward, NULL},
      {"tostring", run_tostring, NULL},
      {NULL, NULL, NULL},
  };
  static const xl_reg of_net[] = {{"run", net_run, NULL}, {NULL, NULL, NULL}};
  static const xl_reg functions[] = {{"activation", activation, "activations"}, {"arena", arena, NULL}, {NULL, NULL, NULL}};
  xl_register(L, "", functions);
  xl_new_type(L, &xl_run_type, NULL, methods, NULL);
  xl_add_type(L, &xl_run_type);
  xl_extend_type(L, &xl_net_type, of_net);
}
