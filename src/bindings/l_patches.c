/* bindings/l_patches.c: lists of the pictures that excite units most. The pass over the pictures, the state on disk and
 * the patches themselves are the Lua layer's (lua/xai/patches.lua). */
#include "base/alloc.h"
#include "bindings/core.h"
#include "tensor/tensor.h"
#include "viz/viz.h"

enum { SIDE_MAX = 16384 };

/* The three lists at 'arg' and the two behind it; the channels, or nil, at 'channels'. */
static xai_patches check_lists(lua_State *L, int arg, int channels) {
  static const char *const names[] = {"values", "pictures", "places"};
  const xai_view *v[3];
  for (int i = 0; i < 3; i++) {
    v[i] = xai_tensor_view(xl_check_tensor(L, arg + i, names[i]));
    bool fits = v[i]->dtype == (i == 0 ? XAI_F32 : XAI_I64) && v[i]->shape.rank == 2 &&
                v[i]->shape.dims[0] == v[0]->shape.dims[0] && v[i]->shape.dims[1] == v[0]->shape.dims[1];
    if (!fits) xl_expected(L, arg + i, names[i], i == 0 ? "float32 units x k" : "int64 units x k");
  }
  xai_patches p = {.units = v[0]->shape.dims[0], .k = v[0]->shape.dims[1], .values = v[0]->data, .pictures = v[1]->data,
                   .places = v[2]->data};
  if (lua_isnoneornil(L, channels)) return p;
  const xai_view *c = xai_tensor_view(xl_check_tensor(L, channels, "channels"));
  if (c->dtype != XAI_I64 || c->shape.rank != 1 || c->shape.dims[0] != p.units)
    xl_expected(L, channels, "channels", "an int64 number per unit");
  p.channels = c->data;
  return p;
}

/* patches_new(units, k) -> values, pictures, places: lists with nothing in them */
static int patches_new(lua_State *L) {
  xai_shape s = XAI_SHAPE(xl_check_int(L, 1, "units", 1, 1 << 24), xl_check_int(L, 2, "k", 1, 10000));
  xai_err err;
  xai_status st;
  lua_settop(L, 0);
  for (int i = 0; i < 3; i++) {
    xl_box *box = xl_new_box(L, &xl_tensor_type);
    XL_WORK(L, st, xai_tensor_new(i == 0 ? XAI_F32 : XAI_I64, s, &box->tensor, &err));
    if (st != XAI_OK) return xl_raise(L, st, &err);
    xl_charge_tensor(L, box->tensor);
  }
  xai_patches p = check_lists(L, 1, 4);
  xai_patches_clear(&p);
  return 3;
}

/* patches_add(values, pictures, places, channels or nil, activation, picture): writes into the lists; pictures count from 1
 * and so do they */
static int patches_add(lua_State *L) {
  xai_patches p = check_lists(L, 1, 4);
  const xai_tensor *a = xl_check_tensor(L, 5, "activation");
  int64_t picture = xl_check_int(L, 6, "picture", 1, INT64_MAX / 2);
  xai_err err;
  xai_status st = xai_patches_add(&p, xai_tensor_view(a), picture, &err);
  return st == XAI_OK ? 0 : xl_raise(L, st, &err);
}

/* cut(img, x, y, w, h): may stand over the border; positions count from 1 */
static int cut(lua_State *L) {
  const xai_image *img = xl_check_image(L, 1, "image");
  int x = (int)xl_check_int(L, 2, "x", -SIDE_MAX, SIDE_MAX), y = (int)xl_check_int(L, 3, "y", -SIDE_MAX, SIDE_MAX);
  int w = (int)xl_check_int(L, 4, "w", 1, SIDE_MAX), h = (int)xl_check_int(L, 5, "h", 1, SIDE_MAX);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_image_type);
  XL_WORK(L, st, xai_cut(img, x - 1, y - 1, w, h, &box->image, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge(L, (size_t)w * (size_t)h * 3);
  return 1;
}

void xl_open_patches(lua_State *L) {
  static const xl_reg functions[] = {
      {"patches_new", patches_new, "patches"},
      {"patches_add", patches_add, "patches"},
      {"cut", cut, "patches"},
      {NULL, NULL, NULL},
  };
  xl_register(L, "", functions);
}
