/* bindings/l_tensor.c: tensors in Lua. A tensor never changes after it was made: every method gives a new value.
 * Positions are 1-based here and nowhere below. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "bindings/core.h"
#include "tensor/math.h"

static void destroy(void *object) { xai_tensor_free(object); }
const xl_type xl_tensor_type = {"tensor", "xai.tensor", destroy};

/* in xai_dtype's order */
static const char *const dtype_names[] = {"float32", "int64", "int32", "uint8", "bool", NULL};

static const xai_view *self_view(lua_State *L) { return xai_tensor_view(xl_check_tensor(L, 1, "self")); }

/* Raises on failure; otherwise charges and returns the box on top of the stack. */
static int finish(lua_State *L, xai_status st, const xai_err *err, const xl_box *box) {
  if (st != XAI_OK) return xl_raise(L, st, err);
  xl_charge_tensor(L, box->tensor);
  return 1;
}

static void new_tensor(lua_State *L, xai_dtype dtype, xai_shape shape) {
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new(dtype, shape, &box->tensor, &err));
  finish(L, st, &err, box);
}

void xl_push_tensor(lua_State *L, xai_tensor *t) {
  xl_box *box = xl_new_box(L, &xl_tensor_type); /* may raise: before the reference is taken */
  box->tensor = xai_tensor_retain(t);
  xl_charge_tensor(L, t);
}

void xl_push_copy(lua_State *L, const xai_view *view) {
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_copy(view, &box->tensor, &err));
  finish(L, st, &err, box);
}

static void push_element(lua_State *L, const xai_view *v, int64_t i) {
  if (v->dtype == XAI_F32)
    lua_pushnumber(L, ((const float *)v->data)[i]);
  else if (v->dtype == XAI_I64)
    lua_pushinteger(L, ((const int64_t *)v->data)[i]);
  else
    lua_pushinteger(L, (lua_Integer)xai_view_get(v, i));
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static xai_shape shape_of_table(lua_State *L, int arg) {
  xai_shape s = {.rank = 0};
  lua_Unsigned n = lua_rawlen(L, arg);
  if (n > XAI_MAX_RANK) xl_fail(L, "shape: at most %d dimensions, got %d", XAI_MAX_RANK, (int)n);
  for (s.rank = 0; s.rank < (int)n; s.rank++) {
    lua_rawgeti(L, arg, s.rank + 1);
    s.dims[s.rank] = xl_check_int(L, -1, "shape", -1, LUA_MAXINTEGER);
    lua_pop(L, 1);
  }
  return s;
}

static int shape_tostring(lua_State *L) {
  char text[XAI_SHAPE_TEXT];
  xai_shape s = shape_of_table(L, 1);
  lua_pushstring(L, xai_shape_text(&s, text));
  return 1;
}

/* Both are tables here, but one may be any table. */
static int shape_equal(lua_State *L) {
  lua_Unsigned n = lua_rawlen(L, 1);
  bool equal = n == lua_rawlen(L, 2);
  for (lua_Integer i = 1; equal && i <= (lua_Integer)n; i++) {
    lua_rawgeti(L, 1, i);
    lua_rawgeti(L, 2, i);
    equal = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
  }
  lua_pushboolean(L, equal);
  return 1;
}

static int shape_concat(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  luaL_tolstring(L, 2, NULL);
  lua_concat(L, 2);
  return 1;
}

void xl_push_shape(lua_State *L, const xai_shape *shape) {
  static const xl_reg meta[] = {
      {"__tostring", shape_tostring, "shape"},
      {"__eq", shape_equal, "shape"},
      {"__concat", shape_concat, "shape"},
      {NULL, NULL, NULL},
  };
  lua_createtable(L, shape->rank > 0 ? shape->rank : 0, 0);
  for (int i = 0; i < shape->rank; i++) {
    lua_pushinteger(L, shape->dims[i]);
    lua_rawseti(L, -2, i + 1);
  }
  if (luaL_newmetatable(L, "xai.shape")) {
    xl_register(L, "", meta);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
  }
  lua_setmetatable(L, -2);
}

/* Dims from argument 'first' to 'last', or one table of them. */
static xai_shape check_dims(lua_State *L, int first, int last, int64_t least) {
  xai_shape s = {.rank = 0};
  if (first == last && lua_istable(L, first)) {
    s = shape_of_table(L, first);
  } else {
    if (last - first + 1 > XAI_MAX_RANK)
      xl_fail(L, "shape: at most %d dimensions, got %d", XAI_MAX_RANK, last - first + 1);
    for (int i = first; i <= last; i++) s.dims[s.rank++] = xl_check_int(L, i, "shape", least, LUA_MAXINTEGER);
  }
  for (int i = 0; i < s.rank; i++)
    if (s.dims[i] < least) xl_fail(L, "shape: a dimension cannot be %d", (int)s.dims[i]);
  return s;
}

/* A trailing element type, which is cut off the arguments. */
static xai_dtype check_dtype(lua_State *L, int *top) {
  if (*top < 1 || lua_type(L, *top) != LUA_TSTRING) return XAI_F32;
  return (xai_dtype)xl_check_choice(L, (*top)--, "dtype", dtype_names);
}

/* ---- making tensors -------------------------------------------------------------------------- */

/* The shape of a nested table: its first elements tell. */
static xai_shape nested_shape(lua_State *L, int arg) {
  xai_shape s = {.rank = 0};
  lua_pushvalue(L, arg);
  while (lua_istable(L, -1)) {
    if (s.rank == XAI_MAX_RANK) xl_fail(L, "tables nested deeper than %d", XAI_MAX_RANK);
    s.dims[s.rank++] = (int64_t)lua_rawlen(L, -1);
    lua_rawgeti(L, -1, 1);
    lua_remove(L, -2);
  }
  lua_pop(L, 1);
  return s;
}

static void put_value(lua_State *L, const xai_view *to, int64_t at) {
  if (to->dtype == XAI_F32) {
    xai_math_put(to, at, xl_check_number(L, -1, "element"));
  } else if (to->dtype == XAI_I64) {
    ((int64_t *)to->data)[at] = xl_check_int(L, -1, "element", LUA_MININTEGER, LUA_MAXINTEGER);
  } else if (to->dtype == XAI_BOOL && lua_isboolean(L, -1)) {
    xai_math_put(to, at, lua_toboolean(L, -1));
  } else {
    lua_Integer lo = to->dtype == XAI_I32 ? INT32_MIN : 0;
    lua_Integer hi = to->dtype == XAI_I32 ? INT32_MAX : to->dtype == XAI_U8 ? UINT8_MAX : 1;
    xai_math_put(to, at, (double)xl_check_int(L, -1, "element", lo, hi));
  }
}

/* Fills dims [axis, rank) from the table on top of the stack, checking that it is as long as its first sisters. */
static int64_t fill_nested(lua_State *L, const xai_view *to, int axis, int64_t at) {
  int64_t extent = to->shape.dims[axis];
  if (!lua_istable(L, -1)) xl_expected(L, -1, "element", "a table, as beside it");
  if ((int64_t)lua_rawlen(L, -1) != extent)
    xl_fail(L, "ragged table: a list of %d where the first has %d", (int)lua_rawlen(L, -1), (int)extent);
  for (int64_t i = 1; i <= extent; i++) {
    lua_rawgeti(L, -1, i);
    if (axis + 1 < to->shape.rank)
      at = fill_nested(L, to, axis + 1, at);
    else
      put_value(L, to, at++);
    lua_pop(L, 1);
  }
  return at;
}

/* tensor(nested table | number | tensor [, dtype]) */
static int tensor_new(lua_State *L) {
  int top = lua_gettop(L);
  bool typed = top > 1 && !lua_isnil(L, 2);
  if (typed) xl_check_string(L, 2, "dtype");
  xai_dtype dtype = typed ? check_dtype(L, &top) : XAI_F32;
  if (xl_is(L, 1, &xl_tensor_type)) {
    const xai_view *from = self_view(L);
    xai_err err;
    xai_status st;
    xl_box *box = xl_new_box(L, &xl_tensor_type);
    XL_WORK(L, st, xai_math_convert(from, typed ? dtype : from->dtype, &box->tensor, &err));
    return finish(L, st, &err, box);
  }
  if (lua_isnumber(L, 1)) {
    new_tensor(L, dtype, (xai_shape){.rank = 0});
    lua_pushvalue(L, 1);
    put_value(L, xai_tensor_view(xl_check_tensor(L, -2, "self")), 0);
  } else {
    if (!lua_istable(L, 1)) xl_expected(L, 1, "values", "a table of numbers");
    luaL_checkstack(L, 3 * XAI_MAX_RANK + 20, NULL);
    new_tensor(L, dtype, nested_shape(L, 1));
    lua_pushvalue(L, 1);
    fill_nested(L, xai_tensor_view(xl_check_tensor(L, -2, "self")), 0, 0);
  }
  lua_pop(L, 1);
  return 1;
}

static int tensor_zeros(lua_State *L) {
  int top = lua_gettop(L);
  xai_dtype dtype = check_dtype(L, &top);
  new_tensor(L, dtype, check_dims(L, 1, top, 0));
  return 1;
}

/* N(0,1); every call continues the process's stream of the current seed. */
static int tensor_randn(lua_State *L) {
  static uint64_t seed, calls;
  if (seed != xai_seed()) calls = 0, seed = xai_seed();
  new_tensor(L, XAI_F32, check_dims(L, 1, lua_gettop(L), 0));
  xai_tensor *t = xl_check_tensor(L, -1, "self");
  uint64_t base = xai_rng_stream(seed, calls++);
  float *y = xai_tensor_floats(t);
  for (size_t i = 0, n = xai_tensor_count(t); i < n; i++) y[i] = (float)xai_rng_normal(base, i);
  return 1;
}

/* ---- looking --------------------------------------------------------------------------------- */

static int tensor_shape(lua_State *L) {
  xl_push_shape(L, &self_view(L)->shape);
  return 1;
}

static int tensor_dtype(lua_State *L) {
  lua_pushstring(L, xai_dtype_name(self_view(L)->dtype));
  return 1;
}

static int tensor_len(lua_State *L) {
  const xai_view *v = self_view(L);
  lua_pushinteger(L, v->shape.rank == 0 ? 1 : v->shape.dims[0]);
  return 1;
}

static int64_t push_nested(lua_State *L, const xai_view *v, int axis, int64_t at) {
  if (axis == v->shape.rank) {
    push_element(L, v, at);
    return at + 1;
  }
  int64_t extent = v->shape.dims[axis];
  lua_createtable(L, extent < INT32_MAX ? (int)extent : 0, 0);
  for (int64_t i = 1; i <= extent; i++) {
    at = push_nested(L, v, axis + 1, at);
    lua_rawseti(L, -2, i);
  }
  return at;
}

static int tensor_totable(lua_State *L) {
  const xai_view *v = self_view(L);
  luaL_checkstack(L, XAI_MAX_RANK + 10, NULL);
  push_nested(L, v, 0, 0);
  return 1;
}

/* Row-major offset of the positions at arguments 2 .. 1 + rank. */
static int64_t check_position(lua_State *L, const xai_view *v, int given) {
  int64_t at = 0;
  if (given != v->shape.rank) xl_fail(L, "expected %d positions, got %d", v->shape.rank, given);
  for (int i = 0; i < v->shape.rank; i++)
    at = at * v->shape.dims[i] + xl_check_int(L, 2 + i, "position", 1, v->shape.dims[i]) - 1;
  return at;
}

static int tensor_get(lua_State *L) {
  const xai_view *v = self_view(L);
  push_element(L, v, check_position(L, v, lua_gettop(L) - 1));
  return 1;
}

/* t:set(i, j, ..., value): a copy with one element changed */
static int tensor_set(lua_State *L) {
  const xai_view *v = self_view(L);
  int top = lua_gettop(L);
  if (top < 2) xl_expected(L, 2, "value", "a number");
  int64_t at = check_position(L, v, top - 2);
  xl_push_copy(L, v);
  lua_pushvalue(L, top);
  put_value(L, xai_tensor_view(xl_check_tensor(L, -2, "self")), at);
  lua_pop(L, 1);
  return 1;
}

/* Boxes part of the elements: 'outer' runs of 'inner' elements, 'stride' elements from run to run. */
static void push_part(lua_State *L, const xai_view *v, xai_shape shape, int64_t outer, int64_t inner, int64_t stride,
                      int64_t at) {
  new_tensor(L, v->dtype, shape);
  char *to = xai_tensor_view(xl_check_tensor(L, -1, "self"))->data;
  size_t size = xai_dtype_size(v->dtype), run = (size_t)inner * size;
  for (int64_t o = 0; o < outer; o++)
    memcpy(to + (size_t)o * run, (const char *)v->data + (size_t)(at + o * stride) * size, run);
}

/* t[i]: an element of a list, or the part of dimension 1 at that position; nil outside, so that ipairs works */
static int tensor_index(lua_State *L) {
  if (!lua_isinteger(L, 2)) return 0;
  const xai_view *v = self_view(L);
  lua_Integer i = lua_tointeger(L, 2);
  if (v->shape.rank == 0 || i < 1 || i > v->shape.dims[0]) {
    lua_pushnil(L);
  } else if (v->shape.rank == 1) {
    push_element(L, v, i - 1);
  } else {
    xai_shape part = xai_shape_of(v->shape.rank - 1, v->shape.dims + 1);
    int64_t inner = xai_shape_size(&part);
    push_part(L, v, part, 1, inner, inner, (i - 1) * inner);
  }
  return 1;
}

/* ---- reductions ------------------------------------------------------------------------------ */

static int sum_over(lua_State *L, bool mean) {
  const xai_view *v = self_view(L);
  if (lua_isnoneornil(L, 2)) {
    lua_pushnumber(L, xai_math_sum(v) / (mean ? (double)xai_shape_size(&v->shape) : 1));
    return 1;
  }
  int axis = (int)xl_check_int(L, 2, "dimension", 1, v->shape.rank) - 1;
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_math_sum_axis(v, axis, mean ? 1.0 / (double)v->shape.dims[axis] : 1, &box->tensor, &err));
  return finish(L, st, &err, box);
}
static int tensor_sum(lua_State *L) { return sum_over(L, false); }
static int tensor_mean(lua_State *L) { return sum_over(L, true); }

static int64_t check_extreme(lua_State *L, const xai_view *v, int sign) {
  int64_t at = xai_math_extreme(v, sign);
  if (at < 0) xl_fail(L, "no elements that are numbers");
  return at;
}
static int tensor_max(lua_State *L) {
  const xai_view *v = self_view(L);
  push_element(L, v, check_extreme(L, v, 1));
  return 1;
}
static int tensor_min(lua_State *L) {
  const xai_view *v = self_view(L);
  push_element(L, v, check_extreme(L, v, -1));
  return 1;
}

/* position of the largest element, one number per dimension */
static int tensor_argmax(lua_State *L) {
  const xai_view *v = self_view(L);
  int64_t at = check_extreme(L, v, 1);
  for (int i = 0; i < v->shape.rank; i++) {
    int64_t inner = xai_shape_span(&v->shape, i + 1, v->shape.rank);
    lua_pushinteger(L, at / inner % v->shape.dims[i] + 1);
  }
  return v->shape.rank;
}

static int tensor_norm(lua_State *L) {
  lua_pushnumber(L, xai_math_norm(self_view(L)));
  return 1;
}

/* ---- new values ------------------------------------------------------------------------------ */

static xai_operand check_operand(lua_State *L, int arg) {
  if (lua_type(L, arg) == LUA_TNUMBER) return (xai_operand){NULL, lua_tonumber(L, arg)};
  if (!xl_is(L, arg, &xl_tensor_type))
    xl_expected(L, arg, arg == 1 ? "left side" : "right side", "a tensor or a number");
  return (xai_operand){xai_tensor_view(xl_check_tensor(L, arg, "tensor")), 0};
}

static int binary(lua_State *L, xai_binary op) {
  xai_operand a = check_operand(L, 1), b = check_operand(L, 2);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_math_binary(op, a, b, &box->tensor, &err));
  return finish(L, st, &err, box);
}
static int tensor_add(lua_State *L) { return binary(L, XAI_BINARY_ADD); }
static int tensor_sub(lua_State *L) { return binary(L, XAI_BINARY_SUB); }
static int tensor_mul(lua_State *L) { return binary(L, XAI_BINARY_MUL); }
static int tensor_div(lua_State *L) { return binary(L, XAI_BINARY_DIV); }
static int tensor_unm(lua_State *L) {
  lua_settop(L, 1);
  lua_pushinteger(L, -1);
  return binary(L, XAI_BINARY_MUL);
}

static int tensor_abs(lua_State *L) {
  const xai_view *v = self_view(L);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_math_abs(v, &box->tensor, &err));
  return finish(L, st, &err, box);
}

static int tensor_clamp(lua_State *L) {
  const xai_view *v = self_view(L);
  double lo = lua_isnoneornil(L, 2) ? -HUGE_VAL : xl_check_number(L, 2, "lo");
  double hi = lua_isnoneornil(L, 3) ? HUGE_VAL : xl_check_number(L, 3, "hi");
  if (!(lo <= hi)) xl_fail(L, "expected lo <= hi, got %f and %f", lo, hi);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_math_clamp(v, lo, hi, &box->tensor, &err));
  return finish(L, st, &err, box);
}

static int tensor_copy(lua_State *L) {
  xl_push_copy(L, self_view(L));
  return 1;
}

/* t:reshape(2, -1): one -1 stands for what is left */
static int tensor_reshape(lua_State *L) {
  xai_tensor *t = xl_check_tensor(L, 1, "self");
  xai_shape s = check_dims(L, 2, lua_gettop(L), -1);
  int open = -1;
  int64_t known = 1, count = (int64_t)xai_tensor_count(t);
  for (int i = 0; i < s.rank; i++) {
    if (s.dims[i] == -1 && open >= 0) xl_fail(L, "only one dimension can be -1");
    if (s.dims[i] == -1)
      open = i;
    else if (__builtin_mul_overflow(known, s.dims[i], &known))
      xl_fail(L, "shape: too large");
  }
  if (open >= 0) s.dims[open] = known > 0 ? count / known : 0;
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_reshape(t, s, &box->tensor, &err));
  return st == XAI_OK ? 1 : xl_raise(L, st, &err);
}

/* Which dimension counts channels: the first of C and C x H x W, otherwise the second, after the batch. */
static int channel_axis(const xai_view *v) { return v->shape.rank == 1 || v->shape.rank == 3 ? 0 : 1; }

static int64_t check_channel(lua_State *L, const xai_view *v) {
  if (v->shape.rank == 0) xl_fail(L, "a scalar has no channels");
  return xl_check_int(L, 2, "channel", 1, v->shape.dims[channel_axis(v)]) - 1;
}

/* t:channel(k): H x W of C x H x W and of 1 x C x H x W, N x H x W of a larger batch */
static int tensor_channel(lua_State *L) {
  const xai_view *v = self_view(L);
  int64_t k = check_channel(L, v);
  int axis = channel_axis(v);
  int64_t outer = xai_shape_span(&v->shape, 0, axis), inner = xai_shape_span(&v->shape, axis + 1, v->shape.rank);
  xai_shape part = {.rank = 0};
  if (axis == 1 && outer != 1) part.dims[part.rank++] = outer;
  for (int i = axis + 1; i < v->shape.rank; i++) part.dims[part.rank++] = v->shape.dims[i];
  push_part(L, v, part, outer, inner, v->shape.dims[axis] * inner, k * inner);
  return 1;
}

/* t:channels(from, to): the same tensor with those channels only */
static int tensor_channels(lua_State *L) {
  const xai_view *v = self_view(L);
  int64_t from = check_channel(L, v);
  int axis = channel_axis(v);
  int64_t n = xl_check_int(L, 3, "last channel", from + 1, v->shape.dims[axis]) - from;
  int64_t outer = xai_shape_span(&v->shape, 0, axis), inner = xai_shape_span(&v->shape, axis + 1, v->shape.rank);
  xai_shape part = v->shape;
  part.dims[axis] = n;
  push_part(L, v, part, outer, n * inner, v->shape.dims[axis] * inner, from * inner);
  return 1;
}

/* t:fill_channel(k, value): a copy in which channel k is constant */
static int tensor_fill_channel(lua_State *L) {
  const xai_view *v = self_view(L);
  int64_t k = check_channel(L, v);
  double value = xl_check_number(L, 3, "value");
  int axis = channel_axis(v);
  int64_t outer = xai_shape_span(&v->shape, 0, axis), inner = xai_shape_span(&v->shape, axis + 1, v->shape.rank);
  xl_push_copy(L, v);
  const xai_view *to = xai_tensor_view(xl_check_tensor(L, -1, "self"));
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < inner; i++) xai_math_put(to, (o * v->shape.dims[axis] + k) * inner + i, value);
  return 1;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* "float32 tensor 2x2, from 1 to 4", and the rows when there are few elements */
static int tensor_tostring(lua_State *L) {
  enum { SHOWN = 64, NUMBER = 32 };
  char text[XAI_SHAPE_TEXT];
  const xai_view *v = self_view(L);
  int64_t n = xai_shape_size(&v->shape), lo = xai_math_extreme(v, -1), hi = xai_math_extreme(v, 1);
  int64_t row = v->shape.rank > 0 ? v->shape.dims[v->shape.rank - 1] : 1;
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  luaL_addstring(&b, xai_dtype_name(v->dtype));
  luaL_addstring(&b, " tensor ");
  luaL_addstring(&b, xai_shape_text(&v->shape, text));
  if (hi >= 0) {
    char *range = luaL_prepbuffsize(&b, 3 * NUMBER);
    luaL_addsize(&b,
                 (size_t)snprintf(range, 3 * NUMBER, ", from %.5g to %.5g", xai_view_get(v, lo), xai_view_get(v, hi)));
  }
  for (int64_t i = 0; i < n && n <= SHOWN; i++) {
    char *number = luaL_prepbuffsize(&b, NUMBER);
    luaL_addsize(&b, (size_t)snprintf(number, NUMBER, "%s%.5g", i % row == 0 ? "\n  " : "  ", xai_view_get(v, i)));
  }
  luaL_pushresult(&b);
  return 1;
}

static int is_tensor(lua_State *L) {
  lua_pushboolean(L, xl_is(L, 1, &xl_tensor_type));
  return 1;
}

void xl_open_tensor(lua_State *L) {
  static const xl_reg methods[] = {
      {"shape", tensor_shape, NULL},       {"dtype", tensor_dtype, NULL},
      {"totable", tensor_totable, NULL},   {"get", tensor_get, NULL},
      {"set", tensor_set, NULL},           {"sum", tensor_sum, NULL},
      {"mean", tensor_mean, NULL},         {"max", tensor_max, NULL},
      {"min", tensor_min, NULL},           {"argmax", tensor_argmax, NULL},
      {"norm", tensor_norm, NULL},         {"abs", tensor_abs, NULL},
      {"clamp", tensor_clamp, NULL},       {"copy", tensor_copy, NULL},
      {"reshape", tensor_reshape, NULL},   {"channel", tensor_channel, NULL},
      {"channels", tensor_channels, NULL}, {"fill_channel", tensor_fill_channel, NULL},
      {"tostring", tensor_tostring, NULL}, {NULL, NULL, NULL},
  };
  static const xl_reg meta[] = {
      {"__add", tensor_add, "tensor + tensor"},
      {"__sub", tensor_sub, "tensor - tensor"},
      {"__mul", tensor_mul, "tensor * tensor"},
      {"__div", tensor_div, "tensor / tensor"},
      {"__unm", tensor_unm, "-tensor"},
      {"__len", tensor_len, "#tensor"},
      {NULL, NULL, NULL},
  };
  static const xl_reg functions[] = {
      {"tensor", tensor_new, NULL},
      {"zeros", tensor_zeros, NULL},
      {"randn", tensor_randn, NULL},
      {"is_tensor", is_tensor, NULL},
      {NULL, NULL, NULL},
  };
  xl_register(L, "", functions);
  xl_new_type(L, &xl_tensor_type, tensor_index, methods, meta);
  xl_add_type(L, &xl_tensor_type);
}
