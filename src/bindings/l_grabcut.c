/* bindings/l_grabcut.c: cutting objects out. Defaults and what belongs to which picture are the Lua layer's. */
#include <string.h>

#include "base/alloc.h"
#include "bindings/core.h"
#include "tensor/tensor.h"

/* Pushes an empty box; codes of the picture at 'img' go into it. */
static xl_box *new_codes(lua_State *L, const xai_image *img) {
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new(XAI_U8, XAI_SHAPE(img->height, img->width), &box->tensor, &err));
  if (st != XAI_OK) xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
  return box;
}

/* grabcut_rect(picture, x, y, w, h) -> codes: background outside, probably the object inside; positions from 1 */
static int rect_codes(lua_State *L) {
  const xai_image *img = xl_check_image(L, 1, "picture");
  int64_t v[4];
  static const char *const names[] = {"rect: x", "rect: y", "rect: w", "rect: h"};
  for (int i = 0; i < 4; i++) v[i] = xl_check_int(L, 2 + i, names[i], 1, XAI_IMAGE_MAX_SIDE);
  if (v[0] + v[2] - 1 > img->width || v[1] + v[3] - 1 > img->height)
    return xl_fail(L, "rect: %dx%d at %d, %d does not lie in the picture of %dx%d", (int)v[2], (int)v[3], (int)v[0], (int)v[1],
                   img->width, img->height);
  uint8_t *codes = xai_tensor_view(new_codes(L, img)->tensor)->data;
  for (int64_t y = v[1] - 1; y < v[1] - 1 + v[3]; y++)
    memset(codes + y * img->width + v[0] - 1, XAI_CUT_MAYBE_OBJECT, (size_t)v[2]);
  return 1;
}

/* grabcut_seeds(map, object, background, hard) -> codes; the shares are quantiles */
static int seeds(lua_State *L) {
  const xai_view *map = xai_tensor_view(xl_check_tensor(L, 1, "saliency"));
  double object = xl_check_number(L, 2, "object"), background = xl_check_number(L, 3, "background");
  bool hard = lua_toboolean(L, 4);
  if (map->dtype != XAI_F32 || xai_shape_size(&map->shape) == 0) return xl_expected(L, 1, "saliency", "float32 H x W");
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new(XAI_U8, map->shape, &box->tensor, &err));
  if (st == XAI_OK)
    XL_WORK(L, st, xai_grabcut_seeds(map->data, xai_shape_size(&map->shape), object, background, hard,
                                     xai_tensor_view(box->tensor)->data, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
  return 1;
}

/* ---- the cut --------------------------------------------------------------------------------- */

static void read_options(lua_State *L, int arg, xai_grabcut_opts *o) {
  xai_grabcut_defaults(o);
  xl_get(L, arg, "iterations");
  o->iterations = xl_check_int(L, -1, "iterations", 1, 1000);
  xl_get(L, arg, "components");
  o->components = xl_check_int(L, -1, "components", 1, 16);
  xl_get(L, arg, "gamma");
  o->gamma = xl_check_number(L, -1, "gamma");
  if (!(o->gamma >= 0 && o->gamma <= 1e9)) xl_expected(L, -1, "gamma", "a number from 0");
  if (xl_get(L, arg, "largest") != LUA_TBOOLEAN) xl_expected(L, -1, "largest", "true or false");
  o->largest = lua_toboolean(L, -1);
  lua_pop(L, 4);
}

/* The mask as floats, and the picture with white outside of it. */
static xai_status results(const xai_image *img, const uint8_t *object, xl_box *values, xl_box *cutout, xai_err *err) {
  int64_t n = (int64_t)img->width * img->height;
  XAI_TRY(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(img->height, img->width), &values->tensor, err));
  XAI_TRY(xai_image_new(img->width, img->height, &cutout->image, err));
  for (int64_t i = 0; i < n; i++) {
    xai_tensor_floats(values->tensor)[i] = object[i];
    for (int k = 0; k < 3; k++) cutout->image->rgb[3 * i + k] = object[i] != 0 ? img->rgb[3 * i + k] : 255;
  }
  return XAI_OK;
}

static xai_status work(const xai_image *img, const uint8_t *codes, const xai_grabcut_opts *o, xl_box *values, xl_box *cutout,
                       xai_cut_box *box, double *energy, xai_err *err) {
  size_t n = (size_t)img->width * (size_t)img->height;
  uint8_t *object = xai_alloc(n);
  if (object == NULL) return xai_fail_memory(err, n);
  xai_status st = xai_grabcut(img, codes, o, object, box, energy, err);
  if (st == XAI_OK) st = results(img, object, values, cutout, err);
  xai_free(object);
  if (st == XAI_OK) return st;
  xai_tensor_free(values->tensor); /* a second attempt begins with empty boxes */
  xai_image_free(cutout->image);
  values->tensor = NULL;
  cutout->image = NULL;
  return st;
}

static void push_box(lua_State *L, const xai_cut_box *box) {
  static const char *const keys[] = {"x", "y", "w", "h"};
  const lua_Integer side[] = {box->x + 1, box->y + 1, box->w, box->h};
  lua_createtable(L, 0, 4);
  for (int i = 0; i < 4; i++) {
    lua_pushinteger(L, side[i]);
    lua_setfield(L, -2, keys[i]);
  }
}

/* grabcut(picture, codes, options) -> {values=, cutout=, energy=, box=}; no box when there is no object */
static int grabcut(lua_State *L) {
  const xai_image *img = xl_check_image(L, 1, "picture");
  const xai_view *codes = xai_tensor_view(xl_check_tensor(L, 2, "mask"));
  xai_grabcut_opts o;
  xai_cut_box box;
  double energy;
  xai_err err;
  xai_status st;
  if (codes->dtype != XAI_U8 || xai_shape_size(&codes->shape) != (int64_t)img->width * img->height)
    return xl_expected(L, 2, "mask", "codes 0 to 3, %dx%d as the picture", img->height, img->width);
  read_options(L, 3, &o);
  lua_createtable(L, 0, 16);
  xl_box *values = xl_new_box(L, &xl_tensor_type), *cutout = xl_new_box(L, &xl_image_type);
  XL_WORK(L, st, work(img, codes->data, &o, values, cutout, &box, &energy, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge_tensor(L, values->tensor);
  xl_charge(L, (size_t)img->width * (size_t)img->height * 3);
  lua_setfield(L, -3, "cutout");
  lua_setfield(L, -2, "values");
  lua_pushnumber(L, energy);
  lua_setfield(L, -2, "energy");
  if (box.w == 0) return 1;
  push_box(L, &box);
  lua_setfield(L, -2, "box");
  return 1;
}

void xl_open_grabcut(lua_State *L) {
  static const xl_reg functions[] = {
      {"grabcut", grabcut, NULL},
      {"grabcut_rect", rect_codes, "grabcut"},
      {"grabcut_seeds", seeds, "grabcut"},
      {NULL, NULL, NULL},
  };
  xl_register(L, "", functions);
}
