/* bindings/l_scenes.c: generators of labelled pictures. set[i] is scene i as a table; #set is how many there are, which
 * is only a bound for loops: it is the user value of the box. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "bindings/core.h"
#include "tensor/shape.h"
#include "xai/scenes.h"

static void destroy(void *object) { xai_scenes_close(object); }
const xl_type xl_scenes_type = {"scenes", "xai.scenes", destroy};

static const xai_scenes *check_set(lua_State *L, int arg) {
  return xl_check_box(L, arg, &xl_scenes_type, "set")->object;
}

/* ---- options ------------------------------------------------------------------------------------------- */

/* A number or a list of two at t[key]. */
static void check_pair(lua_State *L, const char *key, int lo, int hi, int *first, int *second) {
  if (xl_get(L, 1, key) == LUA_TTABLE) {
    int pair = lua_gettop(L);
    if (lua_rawlen(L, pair) != 2) xl_expected(L, pair, key, "a number or a list of two");
    lua_rawgeti(L, pair, 1);
    lua_rawgeti(L, pair, 2);
    *first = (int)xl_check_int(L, pair + 1, key, lo, hi);
    *second = (int)xl_check_int(L, pair + 2, key, lo, hi);
  } else if (!lua_isnil(L, -1)) {
    *first = *second = (int)xl_check_int(L, -1, key, lo, hi);
  }
  lua_settop(L, 1);
}

static double check_share(lua_State *L, const char *key, double otherwise) {
  double v = xl_get(L, 1, key) != LUA_TNIL ? xl_check_number(L, -1, key) : otherwise;
  if (!(v >= 0 && v <= 1)) xl_expected(L, -1, key, "a number from 0 to 1");
  lua_pop(L, 1);
  return v;
}

/* The table keeps the text alive. */
static const char *check_text(lua_State *L, const char *key) {
  const char *text = xl_get(L, 1, key) != LUA_TNIL ? xl_check_string(L, -1, key) : NULL;
  lua_pop(L, 1);
  return text;
}

static lua_Integer check_count(lua_State *L, const char *key, lua_Integer lo, lua_Integer otherwise) {
  lua_Integer v = xl_get(L, 1, key) != LUA_TNIL ? xl_check_int(L, -1, key, lo, LUA_MAXINTEGER) : otherwise;
  lua_pop(L, 1);
  return v;
}

static void check_classes(lua_State *L, const char *names[XAI_SCENE_CLASSES], xai_scenes_opts *opts) {
  if (xl_get(L, 1, "classes") != LUA_TNIL) {
    int list = lua_gettop(L);
    if (!lua_istable(L, list)) xl_expected(L, list, "classes", "a list of names");
    lua_Unsigned n = lua_rawlen(L, list);
    if (n < 1 || n > XAI_SCENE_CLASSES)
      xl_fail(L, "classes: expected 1 to %d names, got %I", XAI_SCENE_CLASSES, (LUAI_UACINT)n);
    for (opts->n_classes = 0; opts->n_classes < (int)n; opts->n_classes++) {
      lua_rawgeti(L, list, opts->n_classes + 1);
      names[opts->n_classes] = xl_check_string(L, -1, "classes");
      lua_pop(L, 1);
    }
    opts->classes = names;
  }
  lua_settop(L, 1);
}

/* scenes {seed=, size=, objects=, more=, classes=, drawings=, occluders=, background=, count=, font=} -> set */
static int scenes(lua_State *L) {
  static const char *const keys[] = {"seed",      "size",       "objects", "more", "classes", "drawings",
                                     "occluders", "background", "count",   "font", NULL};
  static const char *const drawings[] = {"train", "held-out", "all", NULL};
  const char *names[XAI_SCENE_CLASSES];
  xai_scenes_opts opts = xai_scenes_defaults();
  lua_settop(L, 1);
  if (!xl_check_options(L, 1)) {
    lua_newtable(L);
    lua_replace(L, 1);
  }
  xl_check_keys(L, 1, keys);
  opts.seed = (uint64_t)check_count(L, "seed", 0, (lua_Integer)xai_seed());
  check_pair(L, "size", 1, XAI_SCENE_SIDE, &opts.width, &opts.height);
  check_pair(L, "objects", 1, XAI_SCENE_RANDOM, &opts.least, &opts.most);
  opts.more = check_share(L, "more", opts.more);
  opts.occluders = check_share(L, "occluders", opts.occluders);
  check_classes(L, names, &opts);
  if (xl_get(L, 1, "drawings") != LUA_TNIL) opts.drawings = (xai_drawings)xl_check_choice(L, 2, "drawings", drawings);
  lua_settop(L, 1);
  opts.background = check_text(L, "background");
  opts.font = check_text(L, "font");
  lua_Integer count = check_count(L, "count", 1, 1000);

  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_scenes_type);
  lua_pushinteger(L, count);
  lua_setiuservalue(L, -2, 1);
  xai_scenes *made = NULL;
  XL_WORK(L, st, xai_scenes_open(&opts, &made, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  box->object = made;
  return 1;
}

/* ---- scenes as tables ------------------------------------------------------------------------------------ */

static void put_integer(lua_State *L, const char *key, lua_Integer v) {
  lua_pushinteger(L, v);
  lua_setfield(L, -2, key);
}

static void put_label(lua_State *L, const xai_scenes *set, int label) {
  lua_pushstring(L, xai_scenes_class(set, label));
  lua_setfield(L, -2, "class");
  put_integer(L, "label", label);
}

/* Pushes H x W of uint8: 1 where owners is k. */
static void push_mask(lua_State *L, const xai_view *owners, int k) {
  xl_push_copy(L, owners);
  uint8_t *v = xai_tensor_view(xl_check_tensor(L, -1, "mask"))->data;
  for (int64_t i = 0, n = owners->shape.dims[0] * owners->shape.dims[1]; i < n; i++) v[i] = v[i] == k;
}

static void push_object(lua_State *L, const xai_scenes *set, const xai_scene_object *o, const xai_view *owners, int k) {
  lua_createtable(L, 0, 6);
  put_label(L, set, o->label);
  put_integer(L, "drawing", o->drawing + 1);
  lua_pushnumber(L, o->visible);
  lua_setfield(L, -2, "visible");
  push_mask(L, owners, k);
  lua_setfield(L, -2, "mask");
  if (o->pixels == 0) return; /* nothing of it can be seen: no box */
  lua_createtable(L, 0, 4);
  put_integer(L, "x", o->x + 1);
  put_integer(L, "y", o->y + 1);
  put_integer(L, "w", o->w);
  put_integer(L, "h", o->h);
  lua_setfield(L, -2, "box");
}

/* The scene whose picture and owners are in the boxes at 'image' and the slot after it. */
static int finish_scene(lua_State *L, const xai_scenes *set, const xai_scene *scene, int image) {
  const xai_view *owners = xai_tensor_view(xl_check_tensor(L, image + 1, "owners"));
  lua_createtable(L, 0, 4);
  lua_pushvalue(L, image);
  lua_setfield(L, -2, "image");
  if (scene->n > 0) put_label(L, set, scene->label);
  lua_createtable(L, scene->n, 0);
  for (int k = 0; k < scene->n; k++) {
    push_object(L, set, &scene->objects[k], owners, k + 1);
    lua_rawseti(L, -2, k + 1);
  }
  lua_setfield(L, -2, "objects");
  return 1;
}

static int draw(lua_State *L, const xai_scenes *set, uint64_t index) {
  xai_scene scene;
  xai_err err;
  xai_status st;
  xl_box *image = xl_new_box(L, &xl_image_type), *owners = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_scene_draw(set, index, &scene, &image->image, &owners->tensor, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge(L, xai_tensor_bytes(owners->tensor) * (size_t)(4 + scene.n));
  return finish_scene(L, set, &scene, lua_gettop(L) - 1);
}

static lua_Integer count_of(lua_State *L) {
  lua_getiuservalue(L, 1, 1);
  lua_Integer n = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return n;
}

/* set[i]: scene i, nil beyond #set; set.classes: the names, label 0 first */
static int scenes_index(lua_State *L) {
  const xai_scenes *set = check_set(L, 1);
  if (lua_isinteger(L, 2)) {
    lua_Integer i = lua_tointeger(L, 2);
    if (i >= 1 && i <= count_of(L)) return draw(L, set, (uint64_t)i - 1);
    lua_pushnil(L);
    return 1;
  }
  lua_pushliteral(L, "classes");
  if (!lua_rawequal(L, 2, -1)) return 0;
  int n = xai_scenes_classes(set);
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_pushstring(L, xai_scenes_class(set, i));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int scenes_len(lua_State *L) {
  check_set(L, 1);
  lua_pushinteger(L, count_of(L));
  return 1;
}

/* ---- batches -------------------------------------------------------------------------------------------------- */

static xl_box *new_tensor(lua_State *L, xai_dtype dtype, xai_shape shape) {
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new(dtype, shape, &box->tensor, &err));
  if (st != XAI_OK) xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
  return box;
}

static void *elements(const xl_box *box) { return xai_tensor_view(box->tensor)->data; }

static float check_option(lua_State *L, const char *key, double otherwise) {
  double v = lua_istable(L, 4) && xl_get(L, 4, key) != LUA_TNIL ? xl_check_number(L, -1, key) : otherwise;
  if (!isfinite((float)v)) xl_expected(L, -1, key, "a finite number");
  lua_settop(L, 4);
  return (float)v;
}

/* The channels of the net at 4, whose input the scenes have to fit. */
static int check_channels(lua_State *L, const xai_scenes *set) {
  xai_shape want = xai_net_input_shape(xl_check_net(L, 4));
  char text[XAI_SHAPE_TEXT];
  int w, h;
  xai_scenes_size(set, &w, &h);
  bool good = want.rank == 4 && (want.dims[1] <= 0 || want.dims[1] == 1 || want.dims[1] == 3);
  good = good && (want.dims[2] <= 0 || want.dims[2] == h) && (want.dims[3] <= 0 || want.dims[3] == w);
  if (!good) xl_fail(L, "scenes of %dx%d do not fit the network's input %s", w, h, xai_shape_text(&want, text));
  return want.dims[1] == 1 ? 1 : 3;
}

/* How bytes become inputs: as the network at 4 has it, or (byte - mean) / scale from the table there. */
static xai_preprocess check_input(lua_State *L) {
  static const char *const keys[] = {"mean", "scale", NULL};
  if (xl_is(L, 4, &xl_net_type)) return *xl_preprocess_of(L, 4);
  if (xl_check_options(L, 4)) xl_check_keys(L, 4, keys);
  float mean = check_option(L, "mean", 127.5), scale = check_option(L, "scale", 64);
  if (scale == 0) xl_fail(L, "scale: expected a number other than 0");
  return (xai_preprocess){.scale = 1, .mean = {mean, mean, mean}, .std = {scale, scale, scale}};
}

/* set:batch(first, n, net or {mean =, scale =}) -> n x C x H x W, labels, shares of the classes n x K */
static int scenes_batch(lua_State *L) {
  enum { BATCH_MAX = 1 << 20 };
  lua_settop(L, 4);
  const xai_scenes *set = check_set(L, 1);
  lua_Integer last = count_of(L), first = xl_check_int(L, 2, "first", 1, last);
  lua_Integer n = xl_check_int(L, 3, "n", 1, last - first + 1 < BATCH_MAX ? last - first + 1 : BATCH_MAX);
  int w, h, channels = xl_is(L, 4, &xl_net_type) ? check_channels(L, set) : 3;
  xai_preprocess how = check_input(L);
  xai_scenes_size(set, &w, &h);
  const xl_box *x = new_tensor(L, XAI_F32, (xai_shape){4, {n, channels, h, w}});
  const xl_box *labels = new_tensor(L, XAI_I64, (xai_shape){1, {n}});
  const xl_box *shares = new_tensor(L, XAI_F32, (xai_shape){2, {n, xai_scenes_classes(set)}});
  xai_err err;
  xai_status st;
  XL_WORK(L, st,
          xai_scenes_batch(set, (uint64_t)first - 1, n, &how, channels, elements(x), elements(labels),
                           elements(shares), &err));
  return st == XAI_OK ? 3 : xl_raise(L, st, &err);
}

/* ---- composing --------------------------------------------------------------------------------------------------- */

static double number_of(lua_State *L, int item, const char *key, double otherwise) {
  double v = xl_get(L, item, key) != LUA_TNIL ? xl_check_number(L, -1, key) : otherwise;
  lua_pop(L, 1);
  return v;
}

/* The item on top of the stack; its label is its position, for set has a class for each. */
static xai_scene_item check_item(lua_State *L, const xai_scenes *set) {
  static const char *const keys[] = {"class", "drawing", "x", "y", "size", "rotation", "hue", "mirror", NULL};
  int at = lua_gettop(L), w, h;
  xai_scenes_size(set, &w, &h);
  if (!lua_istable(L, at)) xl_expected(L, at, "object", "a table {class =, x =, y =, size =}");
  xl_check_keys(L, at, keys);
  xai_scene_item item = {.x = number_of(L, at, "x", w / 2 + 0.5) - 0.5, .y = number_of(L, at, "y", h / 2 + 0.5) - 0.5};
  item.size = number_of(L, at, "size", (w < h ? w : h) / 2.0);
  item.rotation = number_of(L, at, "rotation", 0);
  item.hue = number_of(L, at, "hue", 0);
  xl_get(L, at, "mirror");
  item.mirror = lua_toboolean(L, -1);
  xl_get(L, at, "class");
  const char *name = xl_check_string(L, -1, "class");
  for (item.label = 0; item.label < xai_scenes_classes(set); item.label++)
    if (strcmp(name, xai_scenes_class(set, item.label)) == 0) break;
  if (xl_get(L, at, "drawing") != LUA_TNIL) item.drawing = (int)xl_check_int(L, -1, "drawing", 1, 100) - 1;
  lua_settop(L, at);
  return item;
}

static bool check_colours(lua_State *L, int arg, uint8_t colours[2][3]) {
  if (lua_isnoneornil(L, arg)) return false;
  for (int i = 0; i < 2; i++) {
    if (!lua_istable(L, arg) || lua_rawgeti(L, arg, i + 1) != LUA_TTABLE)
      xl_expected(L, arg, "colours", "a list of two, each {r, g, b}");
    for (int k = 0; k < 3; k++) {
      lua_rawgeti(L, -1, k + 1);
      colours[i][k] = (uint8_t)xl_check_int(L, -1, "colours", 0, 255);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  return true;
}

/* compose_scene(set, objects, colours): the set has the classes and the background; scene 1 of its seed */
static int compose(lua_State *L) {
  lua_settop(L, 3);
  const xai_scenes *set = check_set(L, 1);
  if (!lua_istable(L, 2)) return xl_expected(L, 2, "objects", "a list");
  lua_Unsigned n = lua_rawlen(L, 2);
  if (n > XAI_SCENE_OBJECTS)
    return xl_fail(L, "objects: expected at most %d, got %I", XAI_SCENE_OBJECTS, (LUAI_UACINT)n);
  xai_scene_item items[XAI_SCENE_OBJECTS];
  for (lua_Unsigned i = 0; i < n; i++) {
    lua_rawgeti(L, 2, (lua_Integer)i + 1);
    items[i] = check_item(L, set);
    lua_pop(L, 1);
  }
  uint8_t colours[2][3];
  bool coloured = check_colours(L, 3, colours);
  xai_scene scene;
  xai_err err;
  xai_status st;
  xl_box *image = xl_new_box(L, &xl_image_type), *owners = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st,
          xai_scene_compose(set, 0, items, (int)n, coloured ? (const uint8_t(*)[3])colours : NULL, &scene,
                            &image->image, &owners->tensor, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  return finish_scene(L, set, &scene, 4);
}

/* scene_classes() -> the names of all classes, in order */
static int scene_classes(lua_State *L) {
  lua_createtable(L, XAI_SCENE_CLASSES, 0);
  for (int i = 0; i < XAI_SCENE_CLASSES; i++) {
    lua_pushstring(L, xai_scene_class(i));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* scene_drawings(class, which) -> how many */
static int scene_drawings(lua_State *L) {
  static const char *const which[] = {"train", "held-out", "all", NULL};
  const char *names[XAI_SCENE_CLASSES + 1];
  for (int i = 0; i <= XAI_SCENE_CLASSES; i++) names[i] = xai_scene_class(i);
  int i = xl_check_choice(L, 1, "class", names);
  lua_pushinteger(L, xai_scene_drawings(i, lua_isnoneornil(L, 2)
                                               ? XAI_DRAWINGS_ALL
                                               : (xai_drawings)xl_check_choice(L, 2, "drawings", which)));
  return 1;
}

void xl_open_scenes(lua_State *L) {
  static const xl_reg functions[] = {
      {"scenes", scenes, NULL},
      {"compose_scene", compose, "scenes.compose"},
      {"scene_classes", scene_classes, "scenes.classes"},
      {"scene_drawings", scene_drawings, "scenes.drawings"},
      {NULL, NULL, NULL},
  };
  static const xl_reg methods[] = {{"batch", scenes_batch, NULL}, {NULL, NULL, NULL}};
  static const xl_reg meta[] = {{"__len", scenes_len, "scenes"}, {NULL, NULL, NULL}};
  xl_register(L, "", functions);
  xl_new_type(L, &xl_scenes_type, scenes_index, methods, meta);
  xl_add_type(L, &xl_scenes_type);
}
