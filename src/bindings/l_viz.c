/* bindings/l_viz.c: maps to pictures, boxes, contours, tiles. Defaults and composition are the Lua layer's. */
#include "base/alloc.h"
#include "base/status.h"
#include "bindings/core.h"
#include "tensor/tensor.h"
#include "viz/viz.h"

/* ---- arguments ------------------------------------------------------------------------------- */

/* H x W values; dims of 1 before those two are fine. */
typedef struct map {
  const float *v;
  int h, w;
} map;

static map check_map(lua_State *L, int arg) {
  enum { SIDE_MAX = 16384 };
  const xai_view *v = xai_tensor_view(xl_check_tensor(L, arg, "map"));
  int rank = v->shape.rank;
  bool good = v->dtype == XAI_F32 && rank >= 2 && xai_shape_span(&v->shape, 0, rank - 2) == 1;
  for (int i = rank - 2; good && i < rank; i++) good = v->shape.dims[i] >= 1 && v->shape.dims[i] <= SIDE_MAX;
  if (!good) xl_expected(L, arg, "map", "float32 H x W");
  return (map){v->data, (int)v->shape.dims[rank - 2], (int)v->shape.dims[rank - 1]};
}

static const xai_cmap *check_cmap(lua_State *L, int arg) {
  const xai_cmap *m;
  xai_err err;
  xai_status st = xai_cmap_find(xl_check_string(L, arg, "cmap"), &m, &err);
  if (st != XAI_OK) xl_raise(L, st, &err);
  return m;
}

static xai_scale check_scale(lua_State *L, int lo) {
  xai_scale s = {xl_check_number(L, lo, "scale"), xl_check_number(L, lo + 1, "scale")};
  if (!(s.lo < s.hi)) xl_fail(L, "scale: expected lo < hi, got %f and %f", s.lo, s.hi);
  return s;
}

static double check_share(lua_State *L, int arg, const char *what) {
  double v = xl_check_number(L, arg, what);
  if (!(v >= 0 && v <= 1)) xl_expected(L, arg, what, "a number from 0 to 1");
  return v;
}

static int finish(lua_State *L, xai_status st, const xai_err *err, const xl_box *box) {
  if (st != XAI_OK) return xl_raise(L, st, err);
  xl_charge(L, (size_t)box->image->width * (size_t)box->image->height * 3);
  return 1;
}

/* ---- pictures of maps ------------------------------------------------------------------------ */

/* heat(map, cmap, lo, hi) */
static int heat(lua_State *L) {
  map m = check_map(L, 1);
  const xai_cmap *cmap = check_cmap(L, 2);
  xai_scale scale = check_scale(L, 3);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_image_type);
  XL_WORK(L, st, xai_heat(m.v, m.h, m.w, cmap, scale, &box->image, &err));
  return finish(L, st, &err, box);
}

/* overlay(picture, map, cmap, lo, hi, share) */
static int overlay(lua_State *L) {
  const xai_image *img = xl_check_image(L, 1, "picture");
  map m = check_map(L, 2);
  const xai_cmap *cmap = check_cmap(L, 3);
  xai_scale scale = check_scale(L, 4);
  double share = check_share(L, 6, "share");
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_image_type);
  XL_WORK(L, st, xai_overlay(img, m.v, m.h, m.w, cmap, scale, share, &box->image, &err));
  return finish(L, st, &err, box);
}

/* signed_picture(values, order, most): C x H x W, grey where zero, black and white at -most and most */
static int signed_picture(lua_State *L) {
  static const char *const orders[] = {"rgb", "bgr", NULL};
  const xai_view *v = xai_tensor_view(xl_check_tensor(L, 1, "values"));
  int at = v->shape.rank - 3;
  bool good = v->dtype == XAI_F32 && (at == 0 || (at == 1 && v->shape.dims[0] == 1)) &&
              (v->shape.dims[at] == 1 || v->shape.dims[at] == 3) && v->shape.dims[at + 1] <= 16384 &&
              v->shape.dims[at + 2] <= 16384;
  if (!good) return xl_expected(L, 1, "values", "float32 C x H x W with 1 or 3 channels");
  bool bgr = xl_check_choice(L, 2, "order", orders) == 1;
  double most = xl_check_number(L, 3, "scale");
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_image_type);
  XL_WORK(L, st,
          xai_signed_picture(v->data, (int)v->shape.dims[at], (int)v->shape.dims[at + 1], (int)v->shape.dims[at + 2],
                             bgr, most, &box->image, &err));
  return finish(L, st, &err, box);
}

/* scale_of(values, diverging, quantile [, mass]) -> lo, hi */
static int scale_of(lua_State *L) {
  const xai_view *v = xai_tensor_view(xl_check_tensor(L, 1, "values"));
  if (v->dtype != XAI_F32) return xl_expected(L, 1, "values", "a float32 tensor");
  int64_t n = xai_shape_size(&v->shape);
  bool diverging = lua_toboolean(L, 2);
  xai_scale s = lua_isnoneornil(L, 4) ? xai_scale_of(v->data, n, diverging, check_share(L, 3, "quantile"))
                                      : xai_scale_of_mass(v->data, n, diverging, check_share(L, 4, "mass"));
  lua_pushnumber(L, s.lo);
  lua_pushnumber(L, s.hi);
  return 2;
}

/* cmap(name) -> true when it is for signed values */
static int cmap_diverging(lua_State *L) {
  lua_pushboolean(L, xai_cmap_diverging(check_cmap(L, 1)));
  return 1;
}

/* A colour as { red, green, blue }. */
static void check_rgb(lua_State *L, int arg, uint8_t rgb[3]) {
  if (!lua_istable(L, arg)) xl_expected(L, arg, "colour", "{ red, green, blue }");
  for (int k = 0; k < 3; k++) {
    lua_rawgeti(L, arg, k + 1);
    rgb[k] = (uint8_t)xl_check_int(L, -1, "colour", 0, 255);
    lua_pop(L, 1);
  }
}

/* tint(picture, mask, inside, rgb, share): where the mask is not 0, or the rest, mixed with a colour */
static int tint(lua_State *L) {
  const xai_image *img = xl_check_image(L, 1, "picture");
  map m = check_map(L, 2);
  bool inside = lua_toboolean(L, 3);
  uint8_t rgb[3];
  check_rgb(L, 4, rgb);
  double share = check_share(L, 5, "share");
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_image_type);
  XL_WORK(L, st, xai_tint(img, m.v, m.h, m.w, inside, rgb, share, &box->image, &err));
  return finish(L, st, &err, box);
}

/* tiles(values N x C x H x W, columns, gap, cmap, alike, order, cross, between) -> picture, lo, hi; alike: see viz.h */
static int tiles(lua_State *L) {
  static const char *const orders[] = {"rgb", "bgr", NULL};
  enum { SIDE_MAX = 16384 };
  const xai_view *v = xai_tensor_view(xl_check_tensor(L, 1, "values"));
  const int64_t *d = v->shape.dims;
  bool good = v->dtype == XAI_F32 && v->shape.rank == 4 && (d[1] == 1 || d[1] == 3);
  for (int k = 0; good && k < 4; k++) good = d[k] >= 1 && d[k] <= SIDE_MAX;
  if (!good) return xl_expected(L, 1, "values", "float32 N x C x H x W with 1 or 3 channels");
  xai_tiles_opts o = {.columns = (int)xl_check_int(L, 2, "cols", 0, SIDE_MAX),
                      .gap = (int)xl_check_int(L, 3, "gap", 0, 1000),
                      .cmap = check_cmap(L, 4),
                      .alike = (int)xl_check_int(L, 5, "alike", 0, INT32_MAX),
                      .bgr = xl_check_choice(L, 6, "order", orders) == 1,
                      .cross = lua_toboolean(L, 7)};
  uint8_t between[3];
  if (!lua_isnoneornil(L, 8)) {
    check_rgb(L, 8, between);
    o.between = between;
  }
  xai_scale scale = {0, 0};
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_image_type);
  XL_WORK(L, st, xai_tiles(v->data, (int)d[0], (int)d[1], (int)d[2], (int)d[3], &o, &box->image, &scale, &err));
  finish(L, st, &err, box);
  lua_pushnumber(L, scale.lo);
  lua_pushnumber(L, scale.hi);
  return 3;
}

/* class_colour(i) -> {r, g, b}; i counts from 1 */
static int class_colour(lua_State *L) {
  uint8_t rgb[3];
  xai_class_colour((int)xl_check_int(L, 1, "class", 1, INT32_MAX) - 1, rgb);
  lua_createtable(L, 3, 0);
  for (int k = 0; k < 3; k++) {
    lua_pushinteger(L, rgb[k]);
    lua_rawseti(L, -2, k + 1);
  }
  return 1;
}

/* ---- boxes and contours ---------------------------------------------------------------------- */

/* boxes(map, threshold) -> { {x=, y=, w=, h=, score=}, ... }, largest region first, positions from 1 */
static int boxes(lua_State *L) {
  enum { ROOM = 256 };
  map m = check_map(L, 1);
  double threshold = check_share(L, 2, "threshold");
  xai_box *found = lua_newuserdatauv(L, ROOM * sizeof *found, 0);
  int n = 0;
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_boxes(m.v, m.h, m.w, threshold, ROOM, found, &n, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  lua_newtable(L);
  for (int i = 0; i < n && i < ROOM; i++) {
    const lua_Integer side[] = {found[i].x + 1, found[i].y + 1, found[i].w, found[i].h};
    static const char *const keys[] = {"x", "y", "w", "h"};
    lua_createtable(L, 0, 5);
    for (int k = 0; k < 4; k++) {
      lua_pushinteger(L, side[k]);
      lua_setfield(L, -2, keys[k]);
    }
    lua_pushnumber(L, found[i].score);
    lua_setfield(L, -2, "score");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static void destroy_contour(void *object) {
  xai_contour_clear(object);
  xai_free(object);
}
static const xl_type contour_type = {"contour", "xai.contour", destroy_contour};

static xai_status make_contour(map m, double level, xl_box *box, xai_err *err) {
  if (box->object == NULL) box->object = xai_calloc(1, sizeof(xai_contour));
  if (box->object == NULL) return xai_fail_memory(err, sizeof(xai_contour));
  return xai_contour_make(m.v, m.h, m.w, level, box->object, err);
}

/* contour(map, level) -> { {x, y, x, y, ...}, ... }: closed lines in pixels, 0 at the upper left corner */
static int contour(lua_State *L) {
  map m = check_map(L, 1);
  double level = xl_check_number(L, 2, "level");
  xl_box *box = xl_new_box(L, &contour_type);
  xai_err err;
  xai_status st;
  XL_WORK(L, st, make_contour(m, level, box, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  const xai_contour *c = box->object;
  lua_createtable(L, c->n, 0);
  for (int i = 0, from = 0; i < c->n; from = c->ends[i++]) {
    lua_createtable(L, 2 * (c->ends[i] - from), 0);
    for (int k = 2 * from; k < 2 * c->ends[i]; k++) {
      lua_pushnumber(L, c->points[k]);
      lua_rawseti(L, -2, k - 2 * from + 1);
    }
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

void xl_open_viz(lua_State *L) {
  static const xl_reg functions[] = {
      {"heat", heat, NULL},
      {"overlay", overlay, "over"},
      {"signed_picture", signed_picture, "picture"},
      {"scale_of", scale_of, NULL},
      {"cmap_diverging", cmap_diverging, "heat"},
      {"boxes", boxes, NULL},
      {"tint", tint, "image:mask"},
      {"tiles", tiles, NULL},
      {"contour", contour, "contour"},
      {"class_colour", class_colour, "sheet"},
      {NULL, NULL, NULL},
  };
  xl_register(L, "", functions);
  static const xl_reg none[] = {{NULL, NULL, NULL}};
  xl_new_type(L, &contour_type, NULL, none, NULL);
  lua_pop(L, 1);
}
