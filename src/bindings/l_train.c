/* bindings/l_train.c: trainers in Lua, and what feeds them. What people use is lua/xai/train.lua; this is the native side. */
#include <string.h>

#include "base/rng.h"
#include "base/status.h"
#include "bindings/core.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"
#include "xai/train.h"

static void destroy(void *object) { xai_trainer_free(object); }
static const xl_type trainer_type = {"trainer", "xai.trainer", destroy};

static xai_trainer *check_trainer(lua_State *L) { return xl_check_box(L, 1, &trainer_type, "self")->object; }

/* ---- options ------------------------------------------------------------------------------------------- */
static const char *const optimisers[] = {"sgd", "adam", "adamw", NULL};                     /* in xai_optimiser's order */
static const char *const losses[] = {"cross_entropy", "mse", NULL};                         /* in xai_loss' order */
static const char *const inits[] = {"keep", "he", "he_uniform", "xavier", "xavier_uniform", NULL}; /* in xai_init's */

static int choice_of(lua_State *L, int arg, const char *key, const char *const *choices, int absent) {
  int found = xl_get(L, arg, key) != LUA_TNIL ? xl_check_choice(L, -1, key, choices) : absent;
  lua_pop(L, 1);
  return found;
}

static double number_of(lua_State *L, int arg, const char *key, double absent) {
  double v = xl_get(L, arg, key) != LUA_TNIL ? xl_check_number(L, -1, key) : absent;
  lua_pop(L, 1);
  return v;
}

static bool flag_of(lua_State *L, int arg, const char *key) {
  int type = xl_get(L, arg, key);
  if (type != LUA_TNIL && type != LUA_TBOOLEAN) xl_expected(L, -1, key, "true or false");
  bool v = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return v;
}

/* t.freeze, a list of names of layers, as an array that is pushed on the stack. */
static void check_freeze(lua_State *L, int arg, const xai_net *net, xai_train_opts *o) {
  int type = xl_get(L, arg, "freeze"), list = lua_gettop(L);
  if (type == LUA_TNIL) return;
  if (type != LUA_TTABLE) xl_expected(L, list, "freeze", "a list of layers");
  int n = (int)lua_rawlen(L, list), *layers = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *layers, 0);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, list, i + 1);
    layers[i] = xl_check_layer(L, -1, net, "freeze");
    if (layers[i] < 0) xl_fail(L, "freeze: the input is not a layer");
    lua_pop(L, 1);
  }
  o->freeze = layers;
  o->n_freeze = n;
}

/* t.init_scale, a table { layer = factor }, likewise. */
static void check_scales(lua_State *L, int arg, const xai_net *net, xai_train_opts *o) {
  int type = xl_get(L, arg, "init_scale"), table = lua_gettop(L), n = 0;
  if (type == LUA_TNIL) return;
  if (type != LUA_TTABLE) xl_expected(L, table, "init_scale", "a table { layer = factor }");
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) n++;
  xai_layer_scale *scales = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *scales, 0);
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    int layer = xl_check_layer(L, -2, net, "init_scale");
    scales[o->n_init_scale++] = (xai_layer_scale){layer, xl_check_number(L, -1, lua_tostring(L, -2))};
  }
  o->init_scale = scales;
}

static void check_train_options(lua_State *L, int arg, const xai_net *net, xai_train_opts *o) {
  static const char *const names[] = {"optimiser", "lr",        "momentum", "nesterov", "beta1",      "beta2",
                                      "epsilon",   "weight_decay", "decay_all", "clip", "loss",       "smoothing",
                                      "init",      "init_scale",   "freeze",    "seed", NULL};
  xai_train_defaults(o);
  o->seed = xai_seed();
  if (!xl_check_options(L, arg)) return;
  xl_check_keys(L, arg, names);
  o->optimiser = (xai_optimiser)choice_of(L, arg, "optimiser", optimisers, XAI_OPTIMISER_SGD);
  if (o->optimiser != XAI_OPTIMISER_SGD) o->lr = 0.001;
  o->loss = (xai_loss)choice_of(L, arg, "loss", losses, XAI_LOSS_CROSS_ENTROPY);
  o->init = (xai_init)choice_of(L, arg, "init", inits, XAI_INIT_KEEP);
  o->lr = number_of(L, arg, "lr", o->lr);
  o->momentum = number_of(L, arg, "momentum", o->momentum);
  o->nesterov = flag_of(L, arg, "nesterov");
  o->beta1 = number_of(L, arg, "beta1", o->beta1);
  o->beta2 = number_of(L, arg, "beta2", o->beta2);
  o->epsilon = number_of(L, arg, "epsilon", o->epsilon);
  o->weight_decay = number_of(L, arg, "weight_decay", 0);
  o->decay_all = flag_of(L, arg, "decay_all");
  o->clip = number_of(L, arg, "clip", 0);
  o->smoothing = number_of(L, arg, "smoothing", 0);
  if (xl_get(L, arg, "seed") != LUA_TNIL) o->seed = (uint64_t)xl_check_int(L, -1, "seed", 0, LUA_MAXINTEGER);
  lua_pop(L, 1);
  check_freeze(L, arg, net, o);
  check_scales(L, arg, net, o);
}

/* ---- trainers -------------------------------------------------------------------------------------------- */

/* trainer(net, {lr =, ...}) */
static int trainer_new(lua_State *L) {
  lua_settop(L, 2);
  xai_net *net = xl_check_net(L, 1);
  xai_train_opts opts;
  check_train_options(L, 2, net, &opts);
  xai_err err;
  xai_status st;
  xai_trainer *t = NULL;
  xl_box *box = xl_new_box(L, &trainer_type);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1); /* its result inherits what belongs to the network */
  XL_WORK(L, st, xai_trainer_new(net, &opts, &t, &err));
  box->object = t;
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge(L, 12 * (size_t)xai_trainer_param_count(t)); /* weights, momentum and more */
  return 1;
}

/* Class ids in a list become a tensor at the same place. */
static xai_tensor *check_targets(lua_State *L, int arg) {
  if (!lua_istable(L, arg)) return xl_check_tensor(L, arg, "targets");
  int64_t n = (int64_t)lua_rawlen(L, arg);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new(XAI_I64, XAI_SHAPE(n), &box->tensor, &err));
  if (st != XAI_OK) xl_raise(L, st, &err);
  int64_t *ids = xai_tensor_view(box->tensor)->data;
  for (int64_t i = 0; i < n; i++) {
    lua_rawgeti(L, arg, i + 1);
    ids[i] = xl_check_int(L, -1, "targets", 0, INT32_MAX);
    lua_pop(L, 1);
  }
  lua_replace(L, arg);
  return xl_check_tensor(L, arg, "targets");
}

static int push_step(lua_State *L, const xai_step *step) {
  lua_pushnumber(L, step->loss);
  lua_pushinteger(L, step->correct);
  return 2;
}

/* t:step(x, targets, {lr =}) -> loss, correct, length of the gradient */
static int trainer_step(lua_State *L) {
  static const char *const names[] = {"lr", NULL};
  lua_settop(L, 4);
  xai_trainer *t = check_trainer(L);
  const xai_view *x = xai_tensor_view(xl_check_tensor(L, 2, "x"));
  const xai_view *target = xai_tensor_view(check_targets(L, 3));
  double lr = xai_trainer_lr(t);
  if (xl_check_options(L, 4)) {
    xl_check_keys(L, 4, names);
    lr = number_of(L, 4, "lr", lr);
  }
  xai_step step;
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_trainer_step(t, x, target, lr, &step, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  push_step(L, &step);
  lua_pushnumber(L, step.norm);
  return 3;
}

/* t:test(x, targets) -> loss, correct */
static int trainer_test(lua_State *L) {
  lua_settop(L, 3);
  xai_trainer *t = check_trainer(L);
  const xai_view *x = xai_tensor_view(xl_check_tensor(L, 2, "x"));
  const xai_view *target = xai_tensor_view(check_targets(L, 3));
  xai_step step;
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_trainer_test(t, x, target, &step, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  return push_step(L, &step);
}

/* t:net(): the network as it is now */
static int trainer_net(lua_State *L) {
  const xai_trainer *t = check_trainer(L);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_net(L);
  XL_WORK(L, st, xai_trainer_net(t, &box->net, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge(L, 4 * (size_t)xai_trainer_param_count(t));
  lua_getiuservalue(L, 1, 1);
  xl_push_net_table(L, -1);
  lua_getfield(L, -1, "assumed");
  xl_push_net_table(L, -4);
  lua_insert(L, -2);
  lua_setfield(L, -2, "assumed");
  lua_pop(L, 3);
  return 1;
}

/* t:save(path [, note]) */
static int trainer_save(lua_State *L) {
  const xai_trainer *t = check_trainer(L);
  const char *path = xl_check_string(L, 2, "path"), *note = lua_isnoneornil(L, 3) ? NULL : xl_check_string(L, 3, "note");
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_trainer_save(t, path, note, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  lua_settop(L, 1);
  return 1;
}

static void free_note(void *note) { xai_trainer_free_note(note); }
static const xl_type note_type = {"note", "xai.note_box", free_note};

/* t:load(path) -> the note that was saved with it, or nil */
static int trainer_load(lua_State *L) {
  xai_trainer *t = check_trainer(L);
  const char *path = xl_check_string(L, 2, "path");
  xl_box *box = xl_new_box(L, &note_type);
  char *note = NULL;
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_trainer_load(t, path, &note, &err));
  box->object = note;
  if (st != XAI_OK) return xl_raise(L, st, &err);
  lua_pushstring(L, note);
  return 1;
}

static int trainer_index(lua_State *L) {
  if (lua_type(L, 2) != LUA_TSTRING) return 0;
  const char *key = lua_tostring(L, 2);
  if (strcmp(key, "steps") == 0) lua_pushinteger(L, xai_trainer_steps(check_trainer(L)));
  else if (strcmp(key, "lr") == 0) lua_pushnumber(L, xai_trainer_lr(check_trainer(L)));
  else if (strcmp(key, "params") == 0) lua_pushinteger(L, xai_trainer_param_count(check_trainer(L)));
  else return 0;
  return 1;
}

static int trainer_tostring(lua_State *L) {
  const xai_trainer *t = check_trainer(L);
  lua_pushfstring(L, "trainer of %I parameters after %I steps", (LUAI_UACINT)xai_trainer_param_count(t),
                  (LUAI_UACINT)xai_trainer_steps(t));
  return 1;
}

/* ---- feeding ------------------------------------------------------------------------------------------------ */

/* schedule_factor({kind =, warmup =, every =, factor =, last =}, step, steps): what to multiply the rate with */
static int schedule_factor(lua_State *L) {
  static const char *const kinds[] = {"constant", "step", "cosine", NULL}; /* in xai_schedule_kind's order */
  if (!lua_istable(L, 1)) return xl_expected(L, 1, "schedule", "a table");
  xai_schedule s = {.kind = (xai_schedule_kind)choice_of(L, 1, "kind", kinds, XAI_SCHEDULE_CONSTANT)};
  s.warmup = number_of(L, 1, "warmup", 0);
  s.every = number_of(L, 1, "every", 1.0 / 3);
  s.factor = number_of(L, 1, "factor", 0.1);
  s.last = number_of(L, 1, "last", 0);
  int64_t step = xl_check_int(L, 2, "step", 0, LUA_MAXINTEGER), steps = xl_check_int(L, 3, "steps", 0, LUA_MAXINTEGER);
  lua_pushnumber(L, xai_schedule_factor(&s, step, steps));
  return 1;
}

/* permuted(n, seed, number): 1 .. n in an order that follows from seed and number (Fisher and Yates); seed nil: as they are */
static int permuted(lua_State *L) {
  lua_Integer n = xl_check_int(L, 1, "n", 0, LUA_MAXINTEGER);
  bool shuffled = !lua_isnil(L, 2);
  uint64_t seed = shuffled ? (uint64_t)xl_check_int(L, 2, "seed", 0, LUA_MAXINTEGER) : 0;
  uint64_t base = xai_rng_stream(seed, (uint64_t)xl_check_int(L, 3, "number", 0, LUA_MAXINTEGER));
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new(XAI_I64, XAI_SHAPE(n), &box->tensor, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
  int64_t *order = xai_tensor_view(box->tensor)->data;
  for (int64_t i = 0; i < n; i++) order[i] = i + 1;
  for (int64_t i = n - 1; shuffled && i > 0; i--) {
    int64_t k = (int64_t)(xai_rng_u64(base, (uint64_t)i) % (uint64_t)(i + 1)), held = order[i];
    order[i] = order[k];
    order[k] = held;
  }
  return 1;
}

/* rows(t, order, first, n): the rows of t that order[first .. first+n-1] name, counted from 1 */
static int rows(lua_State *L) {
  const xai_view *t = xai_tensor_view(xl_check_tensor(L, 1, "tensor"));
  const xai_view *order = xai_tensor_view(xl_check_tensor(L, 2, "order"));
  int64_t most = xai_shape_size(&order->shape);
  lua_Integer first = xl_check_int(L, 3, "first", 1, most + 1), n = xl_check_int(L, 4, "n", 0, most - first + 1);
  if (t->shape.rank < 1 || order->dtype != XAI_I64) return xl_expected(L, 1, "tensor", "rows and a list of their numbers");
  xai_shape shape = t->shape;
  shape.dims[0] = n;
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new(t->dtype, shape, &box->tensor, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
  size_t bytes = (size_t)xai_shape_span(&shape, 1, shape.rank) * xai_dtype_size(t->dtype);
  for (int64_t i = 0; i < n; i++) {
    int64_t row = ((const int64_t *)order->data)[first - 1 + i] - 1;
    if (row < 0 || row >= t->shape.dims[0]) return xl_fail(L, "there is no row %I", (LUAI_UACINT)(row + 1));
    memcpy((char *)xai_tensor_view(box->tensor)->data + (size_t)i * bytes, (const char *)t->data + (size_t)row * bytes, bytes);
  }
  return 1;
}

static double share_of(lua_State *L, int arg, const char *key, double absent) {
  int type = xl_get(L, arg, key);
  double v = type == LUA_TBOOLEAN ? (lua_toboolean(L, -1) ? absent : 0) : type == LUA_TNIL ? 0 : xl_check_number(L, -1, key);
  lua_pop(L, 1);
  if (!(v >= 0 && v <= 1e6)) xl_fail(L, "%s: expected 0 or more, got %f", key, v);
  return v;
}

/* augment(x, {flip =, crop =, brightness =, contrast =, colour =, erase =, fill =}, seed, number) */
static int augment(lua_State *L) {
  static const char *const names[] = {"flip", "crop", "brightness", "contrast", "colour", "erase", "fill", NULL};
  const xai_view *x = xai_tensor_view(xl_check_tensor(L, 1, "x"));
  if (!lua_istable(L, 2)) return xl_expected(L, 2, "augment", "a table");
  xl_check_keys(L, 2, names);
  if (x->dtype != XAI_F32 || x->shape.rank != 4) return xl_expected(L, 1, "x", "pictures N x C x H x W");
  uint64_t seed = (uint64_t)xl_check_int(L, 3, "seed", LUA_MININTEGER, LUA_MAXINTEGER);
  uint64_t number = (uint64_t)xl_check_int(L, 4, "number", 0, LUA_MAXINTEGER);
  const int64_t *d = x->shape.dims;
  xk_augment a = {d[0], d[1], d[2], d[3], .fill = (float)number_of(L, 2, "fill", 0)};
  a.mirror = share_of(L, 2, "flip", 0.5);
  a.move = (int64_t)share_of(L, 2, "crop", 4);
  a.brightness = share_of(L, 2, "brightness", 0.2);
  a.contrast = share_of(L, 2, "contrast", 0.2);
  a.colour = share_of(L, 2, "colour", 0.2);
  a.hole = share_of(L, 2, "erase", 0.5);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new_raw(XAI_F32, x->shape, &box->tensor, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
  xk_augment_forward(&a, xai_rng_stream(seed, number), x->data, xai_tensor_floats(box->tensor));
  if (xai_stop_requested()) return xl_raise(L, xai_fail_stop(&err), &err);
  return 1;
}

void xl_open_train(lua_State *L) {
  static const xl_reg methods[] = {
      {"step", trainer_step, NULL}, {"test", trainer_test, NULL},         {"net", trainer_net, NULL},
      {"save", trainer_save, NULL}, {"load", trainer_load, NULL},         {"tostring", trainer_tostring, NULL},
      {NULL, NULL, NULL},
  };
  static const xl_reg functions[] = {
      {"trainer", trainer_new, NULL},    {"schedule_factor", schedule_factor, "schedule"},
      {"permuted", permuted, "train"},   {"rows", rows, "train"},
      {"augment", augment, NULL},        {NULL, NULL, NULL},
  };
  static const xl_reg none[] = {{NULL, NULL, NULL}};
  xl_register(L, "", functions);
  xl_new_type(L, &trainer_type, trainer_index, methods, NULL);
  xl_add_type(L, &trainer_type);
  xl_new_type(L, &note_type, NULL, none, NULL);
  lua_pop(L, 1); /* scripts never hold one */
}
