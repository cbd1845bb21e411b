/* bindings/l_net.c: networks in Lua: loading, looking inside, inputs, whole forward passes. A box's user value is a
 * table that belongs to it: hooks (l_hook.c), and 'assumed' while nobody has said how pictures become inputs. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "bindings/core.h"
#include "formats/formats.h"
#include "graph/net.h"
#include "tensor/shape.h"
#include "tensor/tensor.h"

static void destroy(void *object) { xai_net_free(object); }
const xl_type xl_net_type = {"net", "xai.net", destroy};

/* ---- boxes ----------------------------------------------------------------------------------- */

xl_box *xl_new_net(lua_State *L) {
  xl_box *box = xl_new_box(L, &xl_net_type);
  lua_newtable(L);
  lua_setiuservalue(L, -2, 1);
  return box;
}

void xl_assume_preprocess(lua_State *L, int net_arg) {
  xl_push_net_table(L, net_arg);
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, "assumed");
  lua_pop(L, 1);
}

/* load_net(path [, weights]): weights, when they are in a file of their own */
static int load_net(lua_State *L) {
  const char *path = xl_check_string(L, 1, "path");
  const char *weights = lua_isnoneornil(L, 2) ? NULL : xl_check_string(L, 2, "weights");
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_net(L);
  if (weights != NULL)
    XL_WORK(L, st, xai_net_load_caffe(path, weights, &box->net, &err));
  else
    XL_WORK(L, st, xai_net_load(path, &box->net, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  if (strcmp(xai_net_preprocess(box->net)->name, "none") == 0) xl_assume_preprocess(L, -1);
  return 1;
}

/* ---- preprocessing and labels ---------------------------------------------------------------- */

static const char *const orders[] = {"rgb", "bgr", NULL};

/* t[key] is a number for all channels or a list of three */
static void check_channels(lua_State *L, int arg, const char *key, float out[3]) {
  int type = xl_get(L, arg, key);
  for (int c = 0; c < 3 && type != LUA_TNIL; c++) {
    if (type == LUA_TTABLE)
      lua_rawgeti(L, -1, c + 1);
    else
      lua_pushvalue(L, -1);
    out[c] = (float)xl_check_number(L, -1, key);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static int check_size(lua_State *L, int arg, const char *key) {
  int v = 0;
  if (xl_get(L, arg, key) != LUA_TNIL) v = (int)xl_check_int(L, -1, key, 1, 16384);
  lua_pop(L, 1);
  return v;
}

static void check_preprocess(lua_State *L, int arg, xai_preprocess *p) {
  static const char *const names[] = {"resize", "crop", "order", "scale", "mean", "std", NULL};
  if (lua_type(L, arg) == LUA_TSTRING) {
    xai_err err;
    xai_status st = xai_preprocess_preset(lua_tostring(L, arg), p, &err);
    if (st != XAI_OK) xl_raise(L, st, &err);
    return;
  }
  if (!lua_istable(L, arg)) xl_expected(L, arg, "preprocess", "a name or a table");
  xl_check_keys(L, arg, names);
  *p = (xai_preprocess){.name = "custom", .scale = 1, .std = {1, 1, 1}};
  p->resize = check_size(L, arg, "resize");
  p->crop = check_size(L, arg, "crop");
  if (xl_get(L, arg, "order") != LUA_TNIL) p->bgr = xl_check_choice(L, -1, "order", orders) == 1;
  if (xl_get(L, arg, "scale") != LUA_TNIL) p->scale = (float)xl_check_number(L, -1, "scale");
  lua_pop(L, 2);
  check_channels(L, arg, "mean", p->mean);
  check_channels(L, arg, "std", p->std);
}

/* Pushes a view of the net at 1 with this preprocessing; its hooks come along. */
static int push_with_preprocess(lua_State *L, const xai_preprocess *p) {
  xai_net *net = xl_check_net(L, 1);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_net_type);
  xl_push_net_table(L, 1);
  xl_get(L, -1, "hooks");
  lua_newtable(L);
  lua_insert(L, -2);
  lua_setfield(L, -2, "hooks");
  lua_setiuservalue(L, -3, 1);
  lua_pop(L, 1);
  XL_WORK(L, st, xai_net_set_preprocess(net, p, &box->net, &err));
  return st == XAI_OK ? 1 : xl_raise(L, st, &err);
}

/* set_preprocess(net, "imagenet" | {...}): the same net with other preprocessing */
static int set_preprocess(lua_State *L) {
  xl_check_net(L, 1);
  xai_preprocess p;
  check_preprocess(L, 2, &p);
  return push_with_preprocess(L, &p);
}

/* set_mean(net, {mean = file | number | {three}}): only the mean is another, in the order of the net's channels */
static int set_mean(lua_State *L) {
  xai_preprocess p = *xai_net_preprocess(xl_check_net(L, 1));
  if (!lua_istable(L, 2)) return xl_expected(L, 2, "mean", "a table");
  snprintf(p.name, sizeof p.name, "custom");
  if (xl_get(L, 2, "mean") == LUA_TSTRING) {
    xai_err err;
    xai_status st;
    XL_WORK(L, st, xai_caffe_mean_read(lua_tostring(L, -1), p.mean, &err));
    if (st != XAI_OK) return xl_raise(L, st, &err);
  } else {
    check_channels(L, 2, "mean", p.mean);
  }
  lua_settop(L, 2);
  return push_with_preprocess(L, &p);
}

/* set_labels(net, {"tench", ...}): the same net with names for its classes */
static int set_labels(lua_State *L) {
  xai_net *net = xl_check_net(L, 1);
  if (!lua_istable(L, 2)) xl_expected(L, 2, "labels", "a list of strings");
  lua_Unsigned n = lua_rawlen(L, 2);
  if (n < 1 || n > 1000000) xl_fail(L, "labels: expected 1 to 1000000 names, got %I", (LUAI_UACINT)n);
  const char **names = lua_newuserdatauv(L, (size_t)n * sizeof *names, 0);
  for (lua_Unsigned i = 0; i < n; i++) {
    lua_rawgeti(L, 2, (lua_Integer)i + 1);
    names[i] = xl_check_string(L, -1, "labels"); /* the table keeps it */
    lua_pop(L, 1);
  }
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_net_type);
  xl_push_net_table(L, 1);
  lua_setiuservalue(L, -2, 1);
  XL_WORK(L, st, xai_net_set_labels(net, names, (int)n, &box->net, &err));
  return st == XAI_OK ? 1 : xl_raise(L, st, &err);
}

/* A preset's name, or the table that would make it again. */
static void push_preprocess(lua_State *L, const xai_preprocess *p) {
  if (strcmp(p->name, "custom") != 0) {
    lua_pushstring(L, p->name);
    return;
  }
  lua_newtable(L);
  if (p->resize > 0) lua_pushinteger(L, p->resize), lua_setfield(L, -2, "resize");
  if (p->crop > 0) lua_pushinteger(L, p->crop), lua_setfield(L, -2, "crop");
  lua_pushstring(L, orders[p->bgr]);
  lua_setfield(L, -2, "order");
  lua_pushnumber(L, p->scale);
  lua_setfield(L, -2, "scale");
  for (int k = 0; k < 2; k++) {
    lua_createtable(L, 3, 0);
    for (int c = 0; c < 3; c++) {
      lua_pushnumber(L, k == 0 ? p->mean[c] : p->std[c]);
      lua_rawseti(L, -2, c + 1);
    }
    lua_setfield(L, -2, k == 0 ? "mean" : "std");
  }
}

/* Position in the list is id + 1: the list is a list, the id a name. */
static void push_labels(lua_State *L, const xai_net *net) {
  int n = xai_net_classes(net);
  if (xai_net_label(net, 0) == NULL) {
    lua_pushnil(L);
    return;
  }
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_pushstring(L, xai_net_label(net, i));
    lua_rawseti(L, -2, i + 1);
  }
}

static int net_index(lua_State *L) {
  static const char *const names[] = {"labels", "classes", "input", "preprocess", "path", "order", "crops", "multilabel", NULL};
  if (lua_type(L, 2) != LUA_TSTRING) return 0;
  int field = 0;
  while (names[field] != NULL && strcmp(names[field], lua_tostring(L, 2)) != 0) field++;
  if (names[field] == NULL) return 0;
  const xai_net *net = xl_check_net(L, 1);
  const xai_preprocess *p = xai_net_preprocess(net);
  xai_shape input = xai_net_input_shape(net);
  switch (field) {
    case 0: push_labels(L, net); break;
    case 1: lua_pushinteger(L, xai_net_classes(net)); break;
    case 2: xl_push_shape(L, &input); break;
    case 3: push_preprocess(L, p); break;
    case 4: lua_pushstring(L, xai_net_path(net)); break;
    case 5: lua_pushstring(L, orders[p->bgr]); break;
    case 6: /* the share of the shorter side that is kept */
      if (p->crop > 0 && p->resize > 0)
        lua_pushnumber(L, fmin(1, (double)p->crop / p->resize));
      else
        lua_pushboolean(L, 0);
      break;
    case 7: lua_pushboolean(L, xai_net_is_multilabel(net)); break;
  }
  return 1;
}

/* net:hash(): sixteen hexadecimal digits that tell structure and weights from others */
static int net_hash(lua_State *L) {
  char text[17];
  snprintf(text, sizeof text, "%016llx", (unsigned long long)xai_net_hash(xl_check_net(L, 1)));
  lua_pushstring(L, text);
  return 1;
}

/* net:label(id): nil when the net has no labels */
static int net_label(lua_State *L) {
  const xai_net *net = xl_check_net(L, 1);
  lua_pushstring(L, xai_net_label(net, (int)xl_check_int(L, 2, "class id", 0, INT32_MAX)));
  return 1;
}

/* net:class "tiger cat": the class id */
static int net_class(lua_State *L) {
  const xai_net *net = xl_check_net(L, 1);
  int id;
  xai_err err;
  xai_status st = xai_net_find_class(net, xl_check_string(L, 2, "label"), &id, &err);
  if (st != XAI_OK) return xl_raise(L, st, &err);
  lua_pushinteger(L, id);
  return 1;
}

static int is_net(lua_State *L) {
  lua_pushboolean(L, xl_is(L, 1, &xl_net_type));
  return 1;
}

/* ---- layers ---------------------------------------------------------------------------------- */

int xl_check_layer(lua_State *L, int arg, const xai_net *net, const char *what) {
  int layer;
  xai_err err;
  xai_status st = xai_net_find_layer(net, xl_check_string(L, arg, what), &layer, &err);
  if (st != XAI_OK) xl_raise(L, st, &err);
  return layer;
}

void xl_push_layer_name(lua_State *L, const xai_net *net, int layer) {
  layer = xai_net_resolve(net, layer);
  lua_pushstring(L, layer == XAI_LAYER_INPUT ? "input" : xai_net_layer(net, layer).name);
}

/* "C x H x W" of an activation: the dims behind the batch */
static void push_layer(lua_State *L, const xai_net *net, int i) {
  xai_layer layer = xai_net_layer(net, i);
  xai_shape shape = {.rank = layer.shape.rank > 0 ? layer.shape.rank - 1 : 0};
  for (int k = 0; k < shape.rank; k++) shape.dims[k] = layer.shape.dims[k + 1];
  lua_createtable(L, 0, 5);
  lua_pushstring(L, layer.name);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, layer.op);
  lua_setfield(L, -2, "op");
  if (layer.shape.rank >= 0) xl_push_shape(L, &shape), lua_setfield(L, -2, "shape");
  lua_pushinteger(L, layer.params);
  lua_setfield(L, -2, "params");
  if (layer.replaced) lua_pushboolean(L, 1), lua_setfield(L, -2, "replaced");
}

static int net_layers(lua_State *L) {
  const xai_net *net = xl_check_net(L, 1);
  int n = xai_net_layer_count(net);
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    push_layer(L, net, i);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* net:layer "conv5": one entry of layers(), found by any of its names */
static int net_layer(lua_State *L) {
  const xai_net *net = xl_check_net(L, 1);
  int layer = xl_check_layer(L, 2, net, "layer");
  if (layer < 0) return xl_fail(L, "the input is not a layer");
  push_layer(L, net, layer);
  return 1;
}

static void push_span(lua_State *L, const xai_field_span *s) {
  lua_createtable(L, 0, 6);
  lua_pushinteger(L, s->first), lua_setfield(L, -2, "first");
  lua_pushinteger(L, s->end), lua_setfield(L, -2, "stop");
  lua_pushinteger(L, s->begin), lua_setfield(L, -2, "begin");
  lua_pushinteger(L, s->size), lua_setfield(L, -2, "size");
  lua_pushnumber(L, s->stride), lua_setfield(L, -2, "stride");
  lua_pushboolean(L, s->whole), lua_setfield(L, -2, "whole");
}

/* net:field(layer, { positions behind the batch, false: any }, height, width) -> rows, columns, shape of the activation:
 * spans as in xai_field_span; the Lua layer makes net:receptive_field of it */
static int net_field(lua_State *L) {
  const xai_net *net = xl_check_net(L, 1);
  int layer = xl_check_layer(L, 2, net, "layer");
  if (!lua_istable(L, 3)) xl_expected(L, 3, "position", "a list");
  xai_shape x = xai_net_input_shape(net);
  if (x.rank == 4)
    x = XAI_SHAPE(1, x.dims[1], xl_check_int(L, 4, "height", 1, 1 << 20), xl_check_int(L, 5, "width", 1, 1 << 20));
  int64_t at[XAI_MAX_RANK];
  lua_Unsigned n = lua_rawlen(L, 3);
  if (n > XAI_MAX_RANK - 1) return xl_fail(L, "%I positions are too many", (LUAI_UACINT)n);
  for (lua_Unsigned i = 0; i < n; i++) {
    at[i] = lua_rawgeti(L, 3, (lua_Integer)i + 1) == LUA_TBOOLEAN ? -1 : xl_check_int(L, -1, "position", 1, INT64_MAX) - 1;
    lua_pop(L, 1);
  }
  xai_field field;
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_net_receptive_field(net, &x, layer, at, (int)n, &field, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  push_span(L, &field.rows);
  push_span(L, &field.columns);
  xl_push_shape(L, &field.shape);
  return 3;
}

static int net_params(lua_State *L) {
  lua_pushinteger(L, xai_net_param_count(xl_check_net(L, 1)));
  return 1;
}

/* net:weight("conv1" [, "bias"]): nil when the layer has none */
static int net_weight(lua_State *L) {
  static const char *const which[] = {"weight", "bias", NULL};
  const xai_net *net = xl_check_net(L, 1);
  int layer = xl_check_layer(L, 2, net, "layer");
  int input = lua_isnoneornil(L, 3) ? 1 : 1 + xl_check_choice(L, 3, "which", which);
  xai_tensor *t = xai_net_weight(net, layer, input);
  if (t == NULL) return 0;
  xl_push_tensor(L, t);
  return 1;
}

/* net:weights(): all by name, statistics of normalisations as well: what net:save writes as .safetensors */
static int net_weights(lua_State *L) {
  const xai_net *net = xl_check_net(L, 1);
  lua_newtable(L);
  for (int v = 0; v < net->graph->n_values; v++) {
    xai_tensor *t = xai_net__weight(net, v);
    if (t == NULL) continue;
    xl_push_tensor(L, t);
    lua_setfield(L, -2, net->graph->values[v].name);
  }
  return 1;
}

/* ---- inputs ---------------------------------------------------------------------------------- */

/* Wrong preprocessing gives plausible nonsense, hence the note. */
const xai_preprocess *xl_preprocess_of(lua_State *L, int net_arg) {
  const xai_net *net = xl_check_net(L, net_arg);
  xl_push_net_table(L, net_arg);
  if (xl_get(L, -1, "assumed") != LUA_TNIL) {
    lua_pushnil(L);
    lua_setfield(L, -3, "assumed");
    xl_note(L, "preprocess: none is known for this network, its input gets bytes from 0 to 255 in RGB order; "
               "if that is wrong, name another where it is loaded or built: preprocess = \"imagenet\"");
  }
  lua_pop(L, 2);
  return xai_net_preprocess(net);
}

static void prepare(lua_State *L, int net_arg, int image_arg) {
  const xai_net *net = xl_check_net(L, net_arg);
  const xai_image *img = xl_check_image(L, image_arg, "image");
  xl_preprocess_of(L, net_arg);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_net_prepare(net, img, &box->tensor, &err));
  if (st != XAI_OK) xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
}

static int net_prepare(lua_State *L) {
  xl_check_net(L, 1);
  prepare(L, 1, 2);
  return 1;
}

static int net_unprepare(lua_State *L) {
  const xai_net *net = xl_check_net(L, 1);
  const xai_tensor *x = xl_check_tensor(L, 2, "x");
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_image_type);
  XL_WORK(L, st, xai_net_unprepare(net, xai_tensor_view(x), &box->image, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge(L, (size_t)box->image->width * (size_t)box->image->height * 3);
  return 1;
}

xl_box *xl_check_input(lua_State *L, int arg, int net_arg) {
  if (xl_is(L, arg, &xl_image_type)) {
    prepare(L, net_arg, arg);
    lua_replace(L, arg);
  } else if (!xl_is(L, arg, &xl_tensor_type)) {
    xl_expected(L, arg, "x", "a tensor or an image");
  }
  return xl_check_box(L, arg, &xl_tensor_type, "x");
}

/* ---- whole passes ---------------------------------------------------------------------------- */

/* One forward pass to 'layer'; logits are N x classes. */
static int forward_to(lua_State *L, int layer, bool logits) {
  xai_net *net = xl_check_net(L, 1);
  xl_box *x = xl_check_input(L, 2, 1);
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  int result = lua_gettop(L);
  xl_pass pass;
  xl_pass_begin(L, 1, &pass);
  xl_pass_hold(&pass, x);
  xai_err err;
  xai_status st;
  const xai_view *view = xai_tensor_view(x->tensor);
  if (logits)
    XL_WORK(L, st, xai_net_logits(net, view, &box->tensor, &err));
  else
    XL_WORK(L, st, xai_net_forward(net, view, layer, &box->tensor, &err));
  xl_pass_end(&pass, st, &err);
  xl_charge_tensor(L, box->tensor);
  lua_settop(L, result);
  return 1;
}

static int net_forward(lua_State *L) {
  const xai_net *net = xl_check_net(L, 1);
  lua_settop(L, 3);
  return forward_to(L, lua_isnil(L, 3) ? XAI_LAYER_OUTPUT : xl_check_layer(L, 3, net, "layer"), false);
}

static int net_logits(lua_State *L) {
  lua_settop(L, 2);
  return forward_to(L, XAI_LAYER_LOGITS, true);
}

/* list of { name=, dtype=, shape= }, in the file's order */
static int net_inputs(lua_State *L) {
  const xai_net *net = xl_check_net(L, 1);
  int n = xai_net_input_count(net);
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    xai_input input = xai_net_input(net, i);
    lua_createtable(L, 0, 3);
    lua_pushstring(L, input.name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, xai_dtype_name(input.dtype));
    lua_setfield(L, -2, "dtype");
    xl_push_shape(L, &input.shape);
    lua_setfield(L, -2, "shape");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* list of names, in the file's order */
static int net_outputs(lua_State *L) {
  const xai_net *net = xl_check_net(L, 1);
  int n = xai_net_output_count(net);
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_pushstring(L, xai_net_output_name(net, i));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static const char *input_name(const void *net, size_t i) { return xai_net_input(net, (int)i).name; }

/* Every key of the table at 'arg' is the name of an input. */
static void check_input_names(lua_State *L, int arg, const xai_net *net) {
  size_t n = (size_t)xai_net_input_count(net);
  char hint[160];
  for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) xl_expected(L, -2, "inputs", "names");
    const char *name = lua_tostring(L, -2);
    size_t i = 0;
    while (i < n && strcmp(input_name(net, i), name) != 0) i++;
    if (i == n)
      xl_fail(L, "no input '%s'%s", name,
              xai_str_suggest(hint, sizeof hint, xai_str_nearest(name, n, input_name, net)));
  }
}

/* The boxes of all inputs, in the graph's order, from the table at 'arg'; a userdata pushed on the stack. The tensors
 * made from pictures are kept by the table on top of it, which is pushed too. */
static xl_box **check_inputs(lua_State *L, int arg, int net_arg, const xai_net *net) {
  int n = xai_net_input_count(net);
  char text[XAI_SHAPE_TEXT];
  check_input_names(L, arg, net);
  xl_box **boxes = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *boxes, 0);
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    xai_input input = xai_net_input(net, i);
    if (xl_get(L, arg, input.name) == LUA_TNIL)
      xl_fail(L, "input '%s' is missing (%s of shape %s)", input.name, xai_dtype_name(input.dtype),
              xai_shape_text(&input.shape, text));
    boxes[i] = xl_check_input(L, lua_gettop(L), net_arg);
    lua_rawseti(L, -2, i + 1);
  }
  return boxes;
}

static xai_status eval(xai_net *net, xl_box *const *in, xai_view *views, xai_tensor **out, xai_err *err) {
  int n = xai_net_input_count(net);
  for (int i = 0; i < n; i++) views[i] = *xai_tensor_view(in[i]->tensor);
  return xai_net_eval(net, views, n, out, err);
}

/* net:eval {data = x, shape = s}: every input by name -> table of every output by name */
static int net_eval(lua_State *L) {
  xai_net *net = xl_check_net(L, 1);
  lua_settop(L, 2);
  if (!lua_istable(L, 2)) xl_expected(L, 2, "inputs", "a table { name = tensor }");
  int n_in = xai_net_input_count(net), n_out = xai_net_output_count(net);
  xl_box **in = check_inputs(L, 2, 1, net);
  xai_view *views = lua_newuserdatauv(L, ((size_t)n_in + 1) * sizeof *views, 0);
  xai_tensor **made = lua_newuserdatauv(L, ((size_t)n_out + 1) * sizeof *made, 0);
  xl_box **out = lua_newuserdatauv(L, ((size_t)n_out + 1) * sizeof *out, 0);
  lua_createtable(L, n_out, 0); /* keeps every box, also when two outputs have one name */
  lua_createtable(L, 0, n_out);
  int result = lua_gettop(L);
  for (int i = 0; i < n_out; i++) {
    out[i] = xl_new_box(L, &xl_tensor_type);
    lua_pushvalue(L, -1);
    lua_rawseti(L, result - 1, i + 1);
    lua_setfield(L, result, xai_net_output_name(net, i));
  }
  xl_pass pass;
  xl_pass_begin(L, 1, &pass);
  for (int i = 0; i < n_in; i++) in[i]->busy++;
  xai_err err;
  xai_status st;
  XL_WORK(L, st, eval(net, in, views, made, &err));
  for (int i = 0; i < n_in; i++) in[i]->busy--;
  for (int i = 0; i < n_out && st == XAI_OK; i++) out[i]->tensor = made[i];
  xl_pass_end(&pass, st, &err);
  for (int i = 0; i < n_out; i++) xl_charge_tensor(L, out[i]->tensor);
  lua_settop(L, result);
  return 1;
}

static void push_prediction(lua_State *L, const xai_net *net, const xai_prediction *p) {
  lua_createtable(L, 0, 4);
  lua_pushinteger(L, p->id);
  lua_setfield(L, -2, "id");
  const char *label = xai_net_label(net, p->id);
  if (label != NULL)
    lua_pushstring(L, label);
  else
    lua_pushfstring(L, "class %d", p->id);
  lua_setfield(L, -2, "label");
  lua_pushnumber(L, p->p);
  lua_setfield(L, -2, "p");
  lua_pushnumber(L, p->logit);
  lua_setfield(L, -2, "logit");
}

/* net:predict(x or run, k) -> { {id=, label=, p=, logit=}, ... }, best first; k = 5 */
static int net_predict(lua_State *L) {
  xai_net *net = xl_check_net(L, 1);
  lua_settop(L, 3);
  lua_pushvalue(L, 2); /* keeps the run, if it is one */
  xl_box *run = xl_take_run(L, 2, 1);
  xl_box *x = xl_check_input(L, 2, 1);
  int k = lua_isnil(L, 3) ? 5 : (int)xl_check_int(L, 3, "k", 1, 1000000);
  int classes = xai_net_classes(net);
  if (classes > 0 && k > classes) k = classes;
  xai_prediction *top = lua_newuserdatauv(L, (size_t)k * sizeof *top, 0);
  xl_pass pass;
  xl_pass_begin(L, 1, &pass);
  xl_pass_hold(&pass, x);
  xai_err err;
  xai_status st;
  int found = k;
  const xai_view *logits = run != NULL ? xai_run_value(run->run, XAI_LAYER_LOGITS) : NULL;
  if (logits != NULL && logits->dtype == XAI_F32)
    xai_net_rank(net, logits, &found, top), st = XAI_OK;
  else
    XL_WORK(L, st, (found = k, xai_net_predict(net, xai_tensor_view(x->tensor), &found, top, &err)));
  xl_pass_end(&pass, st, &err);
  lua_createtable(L, found, 0);
  for (int i = 0; i < found; i++) {
    push_prediction(L, net, &top[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* net:write(path [, halves]): .onnx or .safetensors */
static int net_write(lua_State *L) {
  const xai_net *net = xl_check_net(L, 1);
  const char *path = xl_check_string(L, 2, "path");
  xai_err err;
  xai_status st;
  if (lua_toboolean(L, 3))
    XL_WORK(L, st, xai_net_save_halves(net, path, &err));
  else
    XL_WORK(L, st, xai_net_save(net, path, &err));
  return st == XAI_OK ? 0 : xl_raise(L, st, &err);
}

static int net_tostring(lua_State *L) {
  const xai_net *net = xl_check_net(L, 1);
  lua_pushfstring(L, "net with %d layers", xai_net_layer_count(net));
  return 1;
}

void xl_open_net(lua_State *L) {
  static const xl_reg methods[] = {
      {"hash", net_hash, NULL},
      {"label", net_label, NULL},
      {"class", net_class, NULL},
      {"layers", net_layers, NULL},
      {"layer", net_layer, NULL},
      {"field", net_field, "net:receptive_field"},
      {"params", net_params, NULL},
      {"weight", net_weight, NULL},
      {"weights", net_weights, NULL},
      {"prepare", net_prepare, NULL},
      {"unprepare", net_unprepare, NULL},
      {"inputs", net_inputs, NULL},
      {"outputs", net_outputs, NULL},
      {"eval", net_eval, NULL},
      {"forward", net_forward, NULL},
      {"logits", net_logits, NULL},
      {"predict", net_predict, NULL},
      {"write", net_write, "net:save"},
      {"tostring", net_tostring, NULL},
      {NULL, NULL, NULL},
  };
  static const xl_reg functions[] = {
      {"load_net", load_net, "load"},
      {"set_preprocess", set_preprocess, "load"},
      {"set_mean", set_mean, "load"},
      {"set_labels", set_labels, "load"},
      {"is_net", is_net, NULL},
      {NULL, NULL, NULL},
  };
  xl_register(L, "", functions);
  xl_new_type(L, &xl_net_type, net_index, methods, NULL);
  xl_add_type(L, &xl_net_type);
}
