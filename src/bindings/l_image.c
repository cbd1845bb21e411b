/* bindings/l_image.c: pictures in Lua: img.width, img.height, resize, crop, outline. A picture never changes after it
 * was made. Writing is image:write here; image:save, which knows the output folder, is the Lua layer's.
 *
 * img.bar tells what the colours of a heat map mean (a table {cmap=, lo=, hi=, unit=}), so that a sheet can draw
 * the colour bar; it is the one field that may be assigned. */
#include <stdio.h>
#include <string.h>

#include "bindings/core.h"
#include "bindings/embedded.h"
#include "formats/formats.h"
#include "viz/viz.h"

enum { SIDE_MAX = 16384 };

static void destroy(void *object) { xai_image_free(object); }
const xl_type xl_image_type = {"image", "xai.image", destroy};

static size_t image_bytes(const xai_image *img) { return (size_t)img->width * (size_t)img->height * 3; }

static int finish(lua_State *L, xai_status st, const xai_err *err, const xl_box *box) {
  if (st != XAI_OK) return xl_raise(L, st, err);
  xl_charge(L, image_bytes(box->image));
  return 1;
}

/* The picture on top of the stack was made from the one at 'from': its colours mean the same. */
static int same_bar(lua_State *L, int from) {
  lua_getiuservalue(L, from, 1);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

xai_status xl_read_picture(const char *path, xai_image **out, xai_image_note *note, xai_err *err) {
  xai_file *inside;
  XAI_TRY(xl_embedded_open(path, &inside, err));
  if (inside == NULL) return xai_image_read(path, out, note, err);
  xai_status st = xai_image_parse(inside, out, note, err);
  xai_file_release(inside);
  return st;
}

/* read_image(path) -> picture, true when transparency was composited on white */
static int read_image(lua_State *L) {
  const char *path = xl_check_string(L, 1, "path");
  xai_image_note note = XAI_IMAGE_PLAIN;
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_image_type);
  XL_WORK(L, st, xl_read_picture(path, &box->image, &note, &err));
  finish(L, st, &err, box);
  lua_pushboolean(L, note == XAI_IMAGE_ALPHA);
  return 2;
}

/* image_of(tensor): a picture of uint8 elements, H x W x 3 or H x W (grey) */
static int image_of(lua_State *L) {
  const xai_view *v = xai_tensor_view(xl_check_tensor(L, 1, "elements"));
  const xai_shape *s = &v->shape;
  bool colour = s->rank == 3 && s->dims[2] == 3;
  if (v->dtype != XAI_U8 || !(colour || s->rank == 2) || s->dims[0] < 1 || s->dims[0] > SIDE_MAX || s->dims[1] < 1 ||
      s->dims[1] > SIDE_MAX)
    return xl_expected(L, 1, "elements", "a path, or a uint8 tensor H x W x 3 or H x W");
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_image_type);
  XL_WORK(L, st, xai_image_new((int)s->dims[1], (int)s->dims[0], &box->image, &err));
  finish(L, st, &err, box);
  for (size_t i = 0, n = image_bytes(box->image); i < n; i++)
    box->image->rgb[i] = ((const uint8_t *)v->data)[colour ? i : i / 3];
  return 1;
}

/* img:tensor(): the elements, uint8 H x W x 3 */
static int image_tensor(lua_State *L) {
  xai_image *img = xl_check_image(L, 1, "self");
  xl_push_copy(L, &(xai_view){XAI_U8, {3, {img->height, img->width, 3}}, img->rgb});
  return 1;
}

/* img:write(path [, {{key, text}, ...}]): what is to be known of it goes into a PNG's text chunks */
static int image_write(lua_State *L) {
  const xai_image *img = xl_check_image(L, 1, "self");
  const char *path = xl_check_string(L, 2, "path");
  lua_settop(L, 3);
  lua_Unsigned n = xl_check_options(L, 3) ? lua_rawlen(L, 3) : 0;
  if (n > 1000) return xl_fail(L, "more than 1000 notes");
  xai_pair *notes = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *notes, 0);
  for (lua_Unsigned i = 0; i < n; i++) {
    if (lua_rawgeti(L, 3, (lua_Integer)i + 1) != LUA_TTABLE) return xl_expected(L, -1, "note", "a pair of texts");
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    notes[i].key = (char *)xl_check_string(L, -2, "note"); /* only read */
    notes[i].value = (char *)xl_check_string(L, -1, "note");
    lua_settop(L, 4);
  }
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_image_write_noted(img, path, notes, (size_t)n, &err));
  return st == XAI_OK ? 0 : xl_raise(L, st, &err);
}

static int image_size(lua_State *L) {
  const xai_image *img = xl_check_image(L, 1, "self");
  lua_pushinteger(L, img->width);
  lua_pushinteger(L, img->height);
  return 2;
}

static int image_resize(lua_State *L) {
  const xai_image *img = xl_check_image(L, 1, "self");
  int w = (int)xl_check_int(L, 2, "width", 1, SIDE_MAX), h = (int)xl_check_int(L, 3, "height", 1, SIDE_MAX);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_image_type);
  XL_WORK(L, st, xai_image_resize(img, w, h, &box->image, &err));
  finish(L, st, &err, box);
  return same_bar(L, 1);
}

/* img:crop(x, y, w, h): x, y is the first column and row, counted from 1 */
static int image_crop(lua_State *L) {
  const xai_image *img = xl_check_image(L, 1, "self");
  int x = (int)xl_check_int(L, 2, "x", 1, img->width), y = (int)xl_check_int(L, 3, "y", 1, img->height);
  int w = (int)xl_check_int(L, 4, "width", 1, img->width - x + 1),
      h = (int)xl_check_int(L, 5, "height", 1, img->height - y + 1);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_image_type);
  XL_WORK(L, st, xai_image_crop(img, x - 1, y - 1, w, h, &box->image, &err));
  finish(L, st, &err, box);
  return same_bar(L, 1);
}

/* img:get(x, y) -> r, g, b */
static int image_get(lua_State *L) {
  const xai_image *img = xl_check_image(L, 1, "self");
  lua_Integer x = xl_check_int(L, 2, "x", 1, img->width), y = xl_check_int(L, 3, "y", 1, img->height);
  for (int c = 0; c < 3; c++)
    lua_pushinteger(L, img->rgb[((size_t)(y - 1) * (size_t)img->width + (size_t)(x - 1)) * 3 + (size_t)c]);
  return 3;
}

static int check_field(lua_State *L, int arg, const char *key, int lo, int hi) {
  xl_get(L, arg, key);
  int v = (int)xl_check_int(L, -1, key, lo, hi);
  lua_pop(L, 1);
  return v;
}

/* img:outline({x=, y=, w=, h=}, {r, g, b}, thickness): a copy with the box drawn */
static int image_outline(lua_State *L) {
  const xai_image *img = xl_check_image(L, 1, "self");
  lua_settop(L, 4); /* what is pushed on the way is no thickness */
  if (!lua_istable(L, 2)) xl_expected(L, 2, "box", "a table {x=, y=, w=, h=}");
  xai_box at = {check_field(L, 2, "x", -SIDE_MAX, SIDE_MAX) - 1, check_field(L, 2, "y", -SIDE_MAX, SIDE_MAX) - 1,
                check_field(L, 2, "w", 1, SIDE_MAX), check_field(L, 2, "h", 1, SIDE_MAX), 0};
  uint8_t rgb[3] = {255, 0, 0};
  if (xl_check_options(L, 3))
    for (int c = 0; c < 3; c++) {
      lua_rawgeti(L, 3, c + 1);
      rgb[c] = (uint8_t)xl_check_int(L, -1, "colour", 0, 255);
    }
  int thick = lua_isnoneornil(L, 4) ? 2 : (int)xl_check_int(L, 4, "thickness", 1, 1000);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_image_type);
  XL_WORK(L, st, xai_image_new(img->width, img->height, &box->image, &err));
  finish(L, st, &err, box);
  memcpy(box->image->rgb, img->rgb, image_bytes(img));
  xai_draw_box(box->image, &at, thick, rgb);
  return same_bar(L, 1);
}

/* img:blocks(): text that shows the picture in a terminal that is wide enough, two pixels to a character */
static int image_blocks(lua_State *L) {
  enum { CELL = 64 };
  const xai_image *img = xl_check_image(L, 1, "self");
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (int y = 0; y < img->height; y += 2) {
    const uint8_t *top = img->rgb + (size_t)y * (size_t)img->width * 3;
    const uint8_t *low = y + 1 < img->height ? top + (size_t)img->width * 3 : top;
    for (int x = 0; x < img->width; x++) {
      const uint8_t *p = top + 3 * x, *q = low + 3 * x;
      char *cell = luaL_prepbuffsize(&b, CELL);
      luaL_addsize(&b, (size_t)snprintf(cell, CELL, "\033[38;2;%d;%d;%dm\033[48;2;%d;%d;%dm\xe2\x96\x80", p[0], p[1],
                                        p[2], q[0], q[1], q[2]));
    }
    luaL_addstring(&b, "\033[0m\n");
  }
  luaL_pushresult(&b);
  return 1;
}

static int image_tostring(lua_State *L) {
  const xai_image *img = xl_check_image(L, 1, "self");
  lua_pushfstring(L, "image %dx%d", img->width, img->height);
  return 1;
}

static int image_index(lua_State *L) {
  if (lua_type(L, 2) != LUA_TSTRING) return 0;
  const char *key = lua_tostring(L, 2);
  bool width = strcmp(key, "width") == 0;
  if (width || strcmp(key, "height") == 0) {
    const xai_image *img = xl_check_image(L, 1, "self");
    lua_pushinteger(L, width ? img->width : img->height);
    return 1;
  }
  if (strcmp(key, "bar") == 0) {
    lua_getiuservalue(L, 1, 1);
    return 1;
  }
  return 0;
}

static int image_newindex(lua_State *L) {
  xl_check_box(L, 1, &xl_image_type, "self");
  if (lua_type(L, 2) != LUA_TSTRING || strcmp(lua_tostring(L, 2), "bar") != 0)
    return xl_fail(L, "a picture cannot be changed; only 'bar' can be set, got %s", xl_describe(L, 2));
  lua_settop(L, 3);
  lua_setiuservalue(L, 1, 1);
  return 0;
}

static int is_image(lua_State *L) {
  lua_pushboolean(L, xl_is(L, 1, &xl_image_type));
  return 1;
}

void xl_open_image(lua_State *L) {
  static const xl_reg methods[] = {
      {"write", image_write, "image:save"},
      {"size", image_size, NULL},
      {"resize", image_resize, NULL},
      {"crop", image_crop, NULL},
      {"get", image_get, NULL},
      {"tensor", image_tensor, NULL},
      {"outline", image_outline, NULL},
      {"blocks", image_blocks, NULL},
      {"tostring", image_tostring, NULL},
      {NULL, NULL, NULL},
  };
  static const xl_reg meta[] = {{"__newindex", image_newindex, "image"}, {NULL, NULL, NULL}};
  static const xl_reg functions[] = {
      {"read_image", read_image, "image"},
      {"image_of", image_of, "image"},
      {"is_image", is_image, NULL},
      {NULL, NULL, NULL},
  };
  xl_register(L, "", functions);
  xl_new_type(L, &xl_image_type, image_index, methods, meta);
  xl_add_type(L, &xl_image_type);
}
