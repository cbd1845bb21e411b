/* bindings/l_score.c: the arithmetic of src/score as core.score.<name>, for lua/xai/score, which knows the
 * definitions and asks the networks. Messages begin with "score". */
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/status.h"
#include "bindings/core.h"
#include "kernels/kernels.h"
#include "score/score.h"
#include "tensor/tensor.h"

/* ---- arguments ------------------------------------------------------------------------------- */

/* h x w values or bytes */
typedef struct map {
  const void *v;
  int64_t h, w, n;
} map;

static map check_plane(lua_State *L, int arg, const char *what, bool bytes) {
  const xai_view *v = xai_tensor_view(xl_check_tensor(L, arg, what));
  bool good = v->shape.rank == 2 && xai_shape_size(&v->shape) > 0;
  good = good && (bytes ? v->dtype == XAI_U8 || v->dtype == XAI_BOOL : v->dtype == XAI_F32);
  if (!good) xl_expected(L, arg, what, bytes ? "uint8 H x W" : "float32 H x W");
  return (map){v->data, v->shape.dims[0], v->shape.dims[1], xai_shape_size(&v->shape)};
}

static map check_map(lua_State *L, int arg) { return check_plane(L, arg, "map", false); }

/* The region at 'arg', of the map's size. */
static const uint8_t *check_region(lua_State *L, int arg, const map *m) {
  map region = check_plane(L, arg, "region", true);
  if (region.h != m->h || region.w != m->w)
    xl_fail(L, "region: expected %dx%d like the map, got %dx%d", (int)m->h, (int)m->w, (int)region.h, (int)region.w);
  return region.v;
}

static const float *check_second_map(lua_State *L, int arg, const map *m) {
  map other = check_map(L, arg);
  if (other.h != m->h || other.w != m->w)
    xl_fail(L, "maps of different sizes: %dx%d and %dx%d", (int)m->h, (int)m->w, (int)other.h, (int)other.w);
  return other.v;
}

/* 1 x C x H x W */
static const xai_view *check_picture(lua_State *L, int arg) {
  const xai_view *v = xai_tensor_view(xl_check_tensor(L, arg, "x"));
  if (v->dtype != XAI_F32 || v->shape.rank != 4 || v->shape.dims[0] != 1 || xai_shape_size(&v->shape) == 0)
    xl_expected(L, arg, "x", "one prepared picture, float32 1xCxHxW");
  return v;
}

static int64_t plane_of(const xai_view *x) { return x->shape.dims[2] * x->shape.dims[3]; }

/* Positions of all pixels of x, as order() makes them. */
static const int64_t *check_order(lua_State *L, int arg, const xai_view *x) {
  const xai_view *v = xai_tensor_view(xl_check_tensor(L, arg, "order"));
  int64_t n = plane_of(x);
  bool good = v->dtype == XAI_I64 && v->shape.rank == 1 && v->shape.dims[0] == n;
  const int64_t *at = v->data;
  for (int64_t i = 0; good && i < n; i++) good = at[i] >= 0 && at[i] < n;
  if (!good) xl_expected(L, arg, "order", "positions of the pixels of x");
  return at;
}

/* A new tensor of n pictures like x, boxed on top of the stack. */
static float *push_pictures(lua_State *L, const xai_view *x, int64_t n) {
  xai_shape shape = x->shape;
  xai_err err;
  xai_status st;
  shape.dims[0] = n;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new_raw(XAI_F32, shape, &box->tensor, &err));
  if (st != XAI_OK) xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
  return xai_tensor_floats(box->tensor);
}

static int number(lua_State *L, xai_status st, const xai_err *err, double value) {
  if (st != XAI_OK) return xl_raise(L, st, err);
  lua_pushnumber(L, value);
  return 1;
}

/* ---- a map alone, and against a region ------------------------------------------------------- */

/* order(map): positions from 0, most relevant first */
static int order(lua_State *L) {
  map m = check_map(L, 1);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new_raw(XAI_I64, XAI_SHAPE(m.n), &box->tensor, &err));
  if (st == XAI_OK) XL_WORK(L, st, xai_score_order(m.v, m.n, xai_tensor_view(box->tensor)->data, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
  return 1;
}

static int64_t check_side(lua_State *L, int box, const char *key) {
  xl_get(L, box, key);
  int64_t v = xl_check_int(L, -1, key, -65536, 65536);
  lua_pop(L, 1);
  return v;
}

/* The box or mask on top of the stack is added to the region. */
static void add_item(lua_State *L, uint8_t *region, int64_t h, int64_t w) {
  int item = lua_gettop(L);
  if (xl_is(L, item, &xl_tensor_type)) {
    map size = {.h = h, .w = w};
    const uint8_t *mask = check_region(L, item, &size);
    for (int64_t i = 0; i < h * w; i++) region[i] = region[i] || mask[i];
    return;
  }
  if (!lua_istable(L, item)) xl_expected(L, item, "region", "a box {x=, y=, w=, h=} or a mask");
  xai_score_box box = {check_side(L, item, "x") - 1, check_side(L, item, "y") - 1, check_side(L, item, "w"),
                       check_side(L, item, "h")};
  xai_score_fill(region, h, w, &box);
}

/* region(height, width, list of boxes and masks): uint8, 1 where any of them is */
static int region(lua_State *L) {
  int64_t h = xl_check_int(L, 1, "height", 1, 65536), w = xl_check_int(L, 2, "width", 1, 65536);
  if (!lua_istable(L, 3)) return xl_expected(L, 3, "region", "a list");
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new(XAI_U8, XAI_SHAPE(h, w), &box->tensor, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, 3); i <= n; i++) {
    lua_rawgeti(L, 3, i);
    add_item(L, xai_tensor_view(box->tensor)->data, h, w);
    lua_pop(L, 1);
  }
  xl_charge_tensor(L, box->tensor);
  return 1;
}

/* hits(map, region, tolerance) */
static int hits(lua_State *L) {
  map m = check_map(L, 1);
  const uint8_t *inside = check_region(L, 2, &m);
  lua_pushboolean(L, xai_score_hits(m.v, inside, m.h, m.w, xl_check_number(L, 3, "tolerance")));
  return 1;
}

/* mass(map, region) */
static int mass(lua_State *L) {
  map m = check_map(L, 1);
  lua_pushnumber(L, xai_score_mass(m.v, check_region(L, 2, &m), m.n));
  return 1;
}

/* rank(map, region) */
static int rank(lua_State *L) {
  map m = check_map(L, 1);
  const uint8_t *inside = check_region(L, 2, &m);
  double value = 0;
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_score_rank(m.v, inside, m.n, &value, &err));
  return number(L, st, &err, value);
}

/* gini(map) */
static int gini(lua_State *L) {
  map m = check_map(L, 1);
  double value = 0;
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_score_gini(m.v, m.n, &value, &err));
  return number(L, st, &err, value);
}

/* spearman(a, b) */
static int spearman(lua_State *L) {
  map m = check_map(L, 1);
  const float *other = check_second_map(L, 2, &m);
  double value = 0;
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_score_spearman(m.v, other, m.n, &value, &err));
  return number(L, st, &err, value);
}

/* ssim(a, b) */
static int ssim(lua_State *L) {
  map m = check_map(L, 1);
  const float *other = check_second_map(L, 2, &m);
  double value = 0;
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_score_ssim(m.v, other, m.h, m.w, &value, &err));
  return number(L, st, &err, value);
}

/* ---- changed pictures ------------------------------------------------------------------------ */

enum { BATCH_MAX = 4096 };

/* mix(x, other, order, step, first, n): n pictures; the i-th of them has (first + i - 1) * step pixels of 'other' */
static int mix(lua_State *L) {
  const xai_view *x = check_picture(L, 1), *other = check_picture(L, 2);
  if (!xai_shape_equal(&x->shape, &other->shape)) return xl_expected(L, 2, "x", "two pictures of one shape");
  const int64_t *at = check_order(L, 3, x);
  int64_t plane = plane_of(x), size = xai_shape_size(&x->shape), step = xl_check_int(L, 4, "step", 1, INT32_MAX);
  int64_t first = xl_check_int(L, 5, "first", 0, INT32_MAX), n = xl_check_int(L, 6, "n", 1, BATCH_MAX);
  float *out = push_pictures(L, x, n);
  for (int64_t i = 0; i < n; i++) {
    int64_t count = (first + i) * step;
    xai_score_mix(x->data, other->data, x->shape.dims[1], plane, at, count < plane ? count : plane, out + i * size);
  }
  return 1;
}

/* noise(x, seed, first, n, kind, scale): n pictures, the i-th of them x with the noise of stream first + i - 1 */
static int noise(lua_State *L) {
  static const char *const kinds[] = {"normal", "uniform", NULL};
  const xai_view *x = check_picture(L, 1);
  uint64_t seed = (uint64_t)xl_check_int(L, 2, "seed", 0, LUA_MAXINTEGER);
  int64_t first = xl_check_int(L, 3, "first", 0, INT32_MAX), n = xl_check_int(L, 4, "n", 1, BATCH_MAX);
  bool normal = xl_check_choice(L, 5, "kind", kinds) == 0;
  double scale = xl_check_number(L, 6, "scale");
  int64_t size = xai_shape_size(&x->shape);
  float *out = push_pictures(L, x, n);
  for (int64_t i = 0; i < n; i++)
    xai_score_noise(x->data, size, xai_rng_stream(seed, (uint64_t)(first + i)), normal, scale, out + i * size);
  return 1;
}

/* weigh(x, map, order, count) */
static int weigh(lua_State *L) {
  const xai_view *x = check_picture(L, 1);
  map m = check_map(L, 2);
  if (m.h != x->shape.dims[2] || m.w != x->shape.dims[3]) return xl_expected(L, 2, "map", "the size of x");
  const int64_t *at = check_order(L, 3, x);
  int64_t count = xl_check_int(L, 4, "count", 0, m.n);
  xai_score_weigh(x->data, m.v, x->shape.dims[1], m.n, at, count, push_pictures(L, x, 1));
  return 1;
}

/* dots(x, moved, phi): list of the sums of (x - picture) * phi for the pictures of 'moved'; phi is C x H x W or H x W */
static int dots(lua_State *L) {
  const xai_view *x = check_picture(L, 1), *moved = xai_tensor_view(xl_check_tensor(L, 2, "moved"));
  const xai_view *phi = xai_tensor_view(xl_check_tensor(L, 3, "phi"));
  int64_t size = xai_shape_size(&x->shape), plane = plane_of(x), n = xai_shape_size(&phi->shape);
  if (moved->dtype != XAI_F32 || xai_shape_size(&moved->shape) % size != 0)
    return xl_expected(L, 2, "moved", "pictures like x");
  if (phi->dtype != XAI_F32 || (n != size && n != plane))
    return xl_expected(L, 3, "phi", "a value per element or pixel of x");
  int64_t channels = x->shape.dims[1], phi_channels = n == size ? channels : 1;
  lua_newtable(L);
  for (int64_t i = 0; i < xai_shape_size(&moved->shape) / size; i++) {
    const float *picture = (const float *)moved->data + i * size;
    lua_pushnumber(L, xai_score_dot(x->data, picture, channels, plane, phi->data, phi_channels));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* Blurs every plane of x into 'out', which is like it. */
static xai_status blur_planes(const xai_view *x, int64_t size, double sigma, float *out, xai_err *err) {
  int rank = x->shape.rank;
  int64_t h = x->shape.dims[rank - 2], w = x->shape.dims[rank - 1];
  void *work = xai_alloc(xk_blur_workspace(h, w, size));
  if (work == NULL) return xai_fail_memory(err, xk_blur_workspace(h, w, size));
  xk_blur(xai_shape_span(&x->shape, 0, rank - 2), h, w, x->data, size, sigma, out, work);
  xai_free(work);
  return xai_stop_requested() ? xai_fail_stop(err) : XAI_OK;
}

/* blur(x, size, sigma): any float32 tensor of planes; zeros beyond the border */
static int blur(lua_State *L) {
  const xai_view *x = xai_tensor_view(xl_check_tensor(L, 1, "x"));
  if (x->dtype != XAI_F32 || x->shape.rank < 2 || xai_shape_size(&x->shape) == 0)
    return xl_expected(L, 1, "x", "float32 H x W");
  int64_t size = xl_check_int(L, 2, "size", 1, 4095);
  double sigma = xl_check_number(L, 3, "sigma");
  if (size % 2 == 0) return xl_expected(L, 2, "size", "an odd number of pixels");
  if (!(sigma > 0)) return xl_expected(L, 3, "sigma", "a number above 0");
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new_raw(XAI_F32, x->shape, &box->tensor, &err));
  if (st == XAI_OK) XL_WORK(L, st, blur_planes(x, size, sigma, xai_tensor_floats(box->tensor), &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
  return 1;
}

/* ---- classes --------------------------------------------------------------------------------- */

/* answers(net, logits, class, probable) -> list: the class's score for each picture, or its probability */
static int answers(lua_State *L) {
  const xai_net *net = xl_check_net(L, 1);
  const xai_view *v = xai_tensor_view(xl_check_tensor(L, 2, "logits"));
  if (v->dtype != XAI_F32 || v->shape.rank != 2) return xl_expected(L, 2, "logits", "float32 N x classes");
  int64_t n = v->shape.dims[0], classes = v->shape.dims[1];
  int64_t class = xl_check_int(L, 3, "class", 0, classes - 1);
  bool probable = lua_toboolean(L, 4);
  lua_createtable(L, (int)n, 0);
  for (int64_t i = 0; i < n; i++) {
    const float *z = (const float *)v->data + i * classes;
    double answer = z[class];
    if (probable) {
      xai_odds odds = xai_net_odds(net, z, classes);
      answer = xai_odds_probability(&odds, answer);
    }
    lua_pushnumber(L, answer);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* ---- filters --------------------------------------------------------------------------------- */

/* N x C x KH x KW */
static const xai_view *check_filters(lua_State *L, int arg) {
  const xai_view *w = xai_tensor_view(xl_check_tensor(L, arg, "weights"));
  if (w->dtype != XAI_F32 || w->shape.rank != 4 || xai_shape_size(&w->shape) == 0)
    xl_expected(L, arg, "weights", "filters, float32 N x C x KH x KW");
  return w;
}

/* The filter with the number at 'arg', counted from 1. */
static const float *check_filter(lua_State *L, int arg, const xai_view *w) {
  int64_t i = xl_check_int(L, arg, "filter", 1, w->shape.dims[0]);
  return (const float *)w->data + (i - 1) * xai_shape_span(&w->shape, 1, 4);
}

static void set_number(lua_State *L, const char *key, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, key);
}

/* filters(weights): list of { smooth =, oriented =, colour =, even = } */
static int filters(lua_State *L) {
  const xai_view *w = check_filters(L, 1);
  const int64_t *d = w->shape.dims;
  lua_createtable(L, (int)d[0], 0);
  for (int64_t i = 0; i < d[0]; i++) {
    xai_score_looks looks = {0};
    xai_err err;
    xai_status st;
    const float *filter = (const float *)w->data + i * d[1] * d[2] * d[3];
    XL_WORK(L, st, xai_score_filter(filter, d[1], d[2], d[3], &looks, &err));
    if (st != XAI_OK) return xl_raise(L, st, &err);
    lua_createtable(L, 0, 5);
    set_number(L, "smooth", looks.smooth);
    set_number(L, "oriented", looks.oriented);
    set_number(L, "colour", looks.colour);
    set_number(L, "even", looks.even);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* spectrum(weights, filter, n): n x n amplitudes, frequency 0 in the middle */
static int spectrum(lua_State *L) {
  const xai_view *w = check_filters(L, 1);
  const int64_t *d = w->shape.dims;
  const float *filter = check_filter(L, 2, w);
  int64_t n = xl_check_int(L, 3, "size", d[2] > d[3] ? d[2] : d[3], 4096);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new_raw(XAI_F32, XAI_SHAPE(n, n), &box->tensor, &err));
  if (st == XAI_OK) XL_WORK(L, st, xai_score_spectrum(filter, d[1], d[2], d[3], n, xai_tensor_floats(box->tensor), &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
  return 1;
}

/* gabor(weights, filter): the numbers of the nearest Gabor function, angles in degrees, and the filter that it makes */
static int gabor(lua_State *L) {
  static const double degrees = 180 / 3.14159265358979323846;
  const xai_view *w = check_filters(L, 1);
  const int64_t *d = w->shape.dims;
  const float *filter = check_filter(L, 2, w);
  if (d[2] < 2 || d[3] < 2) return xl_fail(L, "weights: expected filters of 2x2 or more, got %dx%d", (int)d[2], (int)d[3]);
  xai_score_gabor_fit fit = {0};
  xai_err err;
  xai_status st;
  lua_createtable(L, 0, 10);
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new_raw(XAI_F32, XAI_SHAPE(d[1], d[2], d[3]), &box->tensor, &err));
  if (st == XAI_OK) XL_WORK(L, st, xai_score_gabor(filter, d[1], d[2], d[3], &fit, xai_tensor_floats(box->tensor), &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  lua_insert(L, -2);
  set_number(L, "x", fit.x + 1);
  set_number(L, "y", fit.y + 1);
  set_number(L, "orientation", degrees * fit.theta);
  set_number(L, "frequency", fit.frequency);
  set_number(L, "phase", degrees * fit.phase);
  set_number(L, "along", fit.along);
  set_number(L, "across", fit.across);
  set_number(L, "bandwidth", fit.bandwidth);
  set_number(L, "residual", fit.residual);
  lua_insert(L, -2);
  return 2;
}

void xl_open_score(lua_State *L) {
  static const xl_reg functions[] = {
      {"order", order, "score"},       {"region", region, "score"}, {"hits", hits, "score"},
      {"mass", mass, "score"},         {"rank", rank, "score"},     {"gini", gini, "score"},
      {"spearman", spearman, "score"}, {"ssim", ssim, "score"},     {"mix", mix, "score"},
      {"noise", noise, "score"},       {"weigh", weigh, "score"},   {"dots", dots, "score"},
      {"blur", blur, "score"},         {"filters", filters, "score.filters"},
      {"spectrum", spectrum, "filters"}, {"gabor", gabor, "filters"}, {"answers", answers, "score"}, {NULL, NULL, NULL},
  };
  lua_newtable(L);
  xl_register(L, "", functions);
  lua_setfield(L, -2, "score");
}
