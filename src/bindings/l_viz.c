/* bindings/l_viz.c: maps to pictures, boxes, sheets. Defaults and composition are the Lua layer's. */
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

/* signed_picture(values, order, quantile): C x H x W, grey where zero */
static int signed_picture(lua_State *L) {
  static const char *const orders[] = {"rgb", "bgr", NULL};
  const xai_view *v = xai_tensor_view(xl_check_tensor(L, 1, "values"));
  int at = v->shape.rank - 3;
  bool good = v->dtype == XAI_F32 && (at == 0 || (at == 1 && v->shape.dims[0] == 1)) &&
              (v->shape.dims[at] == 1 || v->shape.dims[at] == 3) && v->shape.dims[at + 1] <= 16384 &&
              v->shape.dims[at + 2] <= 16384;
  if (!good) return xl_expected(L, 1, "values", "float32 C x H x W with 1 or 3 channels");
  bool bgr = xl_check_choice(L, 2, "order", orders) == 1;
  double quantile = check_share(L, 3, "quantile");
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_image_type);
  XL_WORK(L, st,
          xai_signed_picture(v->data, (int)v->shape.dims[at], (int)v->shape.dims[at + 1], (int)v->shape.dims[at + 2],
                             bgr, quantile, &box->image, &err));
  return finish(L, st, &err, box);
}

/* scale_of(values, diverging, quantile) -> lo, hi */
static int scale_of(lua_State *L) {
  const xai_view *v = xai_tensor_view(xl_check_tensor(L, 1, "values"));
  if (v->dtype != XAI_F32) return xl_expected(L, 1, "values", "a float32 tensor");
  xai_scale s = xai_scale_of(v->data, xai_shape_size(&v->shape), lua_toboolean(L, 2), check_share(L, 3, "quantile"));
  lua_pushnumber(L, s.lo);
  lua_pushnumber(L, s.hi);
  return 2;
}

/* cmap(name) -> true when it is for signed values */
static int cmap_diverging(lua_State *L) {
  lua_pushboolean(L, xai_cmap_diverging(check_cmap(L, 1)));
  return 1;
}

/* ---- boxes ----------------------------------------------------------------------------------- */

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

/* ---- sheets ---------------------------------------------------------------------------------- */

/* A string field of the table at 'arg', which keeps it alive; NULL when absent. */
static const char *text_field(lua_State *L, int arg, const char *key) {
  const char *text = xl_get(L, arg, key) != LUA_TNIL ? xl_check_string(L, -1, key) : NULL;
  lua_pop(L, 1);
  return text;
}

/* The cell on top of the stack: {image=, caption=, cmap=, lo=, hi=, unit=} */
static xai_sheet_cell check_cell(lua_State *L) {
  int at = lua_gettop(L);
  if (!lua_istable(L, at)) xl_expected(L, at, "cell", "a table");
  xai_sheet_cell cell = {.caption = text_field(L, at, "caption"), .unit = text_field(L, at, "unit")};
  if (xl_get(L, at, "image") != LUA_TNIL) cell.img = xl_check_image(L, -1, "image");
  if (xl_get(L, at, "cmap") != LUA_TNIL) {
    cell.cmap = check_cmap(L, lua_gettop(L));
    xl_get(L, at, "lo");
    xl_get(L, at, "hi");
    cell.scale = check_scale(L, lua_gettop(L) - 1);
  }
  lua_settop(L, at);
  return cell;
}

/* A list of strings in the options as an array, a userdata pushed on the stack (nil when absent). */
static const char *const *check_titles(lua_State *L, int arg, const char *key, int *n) {
  *n = 0;
  if (xl_get(L, arg, key) == LUA_TNIL) return NULL;
  int list = lua_gettop(L);
  if (!lua_istable(L, list)) xl_expected(L, list, key, "a list of strings");
  lua_Unsigned count = lua_rawlen(L, list);
  if (count > 10000) xl_fail(L, "%s: more than 10000 titles", key);
  const char **titles = lua_newuserdatauv(L, (size_t)(count + 1) * sizeof *titles, 0);
  for (; *n < (int)count; ++*n) {
    lua_rawgeti(L, list, *n + 1);
    titles[*n] = xl_check_string(L, -1, key);
    lua_pop(L, 1);
  }
  return titles;
}

static int small_field(lua_State *L, int arg, const char *key) {
  int v = xl_get(L, arg, key) != LUA_TNIL ? (int)xl_check_int(L, -1, key, 1, 16384) : 0;
  lua_pop(L, 1);
  return v;
}

/* sheet(cells, {title=, columns=, cell=, rows={...}, cols={...}}) -> picture */
static int sheet(lua_State *L) {
  lua_settop(L, 2);
  for (int i = 1; i <= 2; i++)
    if (!lua_istable(L, i)) return xl_expected(L, i, "sheet", "a table");
  lua_Unsigned n = lua_rawlen(L, 1);
  if (n < 1 || n > 10000) return xl_fail(L, "expected 1 to 10000 cells, got %I", (LUAI_UACINT)n);
  xai_sheet_cell *cells = lua_newuserdatauv(L, (size_t)n * sizeof *cells, 0);
  for (lua_Unsigned i = 0; i < n; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    cells[i] = check_cell(L);
    lua_pop(L, 1);
  }
  xai_sheet_opts opts = {
      .title = text_field(L, 2, "title"), .columns = small_field(L, 2, "columns"), .cell = small_field(L, 2, "cell")};
  opts.row_titles = check_titles(L, 2, "rows", &opts.n_row_titles);
  opts.col_titles = check_titles(L, 2, "cols", &opts.n_col_titles);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_image_type);
  XL_WORK(L, st, xai_sheet_draw(cells, (int)n, &opts, &box->image, &err));
  return finish(L, st, &err, box);
}

void xl_open_viz(lua_State *L) {
  static const xl_reg functions[] = {
      {"heat", heat, NULL},
      {"overlay", overlay, "over"},
      {"signed_picture", signed_picture, "picture"},
      {"scale_of", scale_of, NULL},
      {"cmap_diverging", cmap_diverging, "heat"},
      {"boxes", boxes, NULL},
      {"sheet", sheet, NULL},
      {NULL, NULL, NULL},
  };
  xl_register(L, "", functions);
}
