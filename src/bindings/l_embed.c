/* bindings/l_embed.c: the arithmetic of src/embed as core.embed.<name>, for lua/xai/embed.lua, which holds the options that
 * people see. Messages begin with the name of the function there. */
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "bindings/core.h"
#include "embed/embed.h"
#include "kernels/kernels.h"
#include "tensor/shape.h"
#include "tensor/tensor.h"

static void destroy(void *object) { xai_tsne_free(object); }
static const xl_type map_type = {"tsne_map", "xai.tsne_map", destroy};

/* ---- arguments ------------------------------------------------------------------------------- */

/* Points at 'arg': float32 N x D; width > 0: D has to be that. */
static const xai_view *check_points(lua_State *L, int arg, const char *what, int64_t width) {
  const xai_view *v = xai_tensor_view(xl_check_tensor(L, arg, what));
  if (v->dtype != XAI_F32 || v->shape.rank != 2 || xai_shape_size(&v->shape) == 0)
    xl_expected(L, arg, what, "points, float32 N x D");
  if (width > 0 && v->shape.dims[1] != width) xl_expected(L, arg, what, "points of %d numbers", (int)width);
  return v;
}

static float *push_floats(lua_State *L, int64_t n, int64_t d) {
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new_raw(XAI_F32, XAI_SHAPE(n, d), &box->tensor, &err));
  if (st != XAI_OK) xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
  return xai_tensor_floats(box->tensor);
}

static int64_t *push_integers(lua_State *L, xai_shape shape) {
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new_raw(XAI_I64, shape, &box->tensor, &err));
  if (st != XAI_OK) xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
  return xai_tensor_view(box->tensor)->data;
}

static void count_from_one(int64_t n, int64_t *index) {
  for (int64_t i = 0; i < n; i++) index[i]++;
}

/* ---- principal components ---------------------------------------------------------------------- */

/* pca(x, dims, solver, seed) -> values, components, mean, variance, ratio, name of the solver */
static int pca(lua_State *L) {
  static const char *const solvers[] = {"auto", "exact", "randomised", NULL}; /* in xai_pca_solver's order */
  const xai_view *x = check_points(L, 1, "x", 0);
  xai_pca_opts opts = {.dims = xl_check_int(L, 2, "dims", 1, LUA_MAXINTEGER)};
  opts.solver = (xai_pca_solver)xl_check_choice(L, 3, "solver", solvers);
  opts.seed = (uint64_t)xl_check_int(L, 4, "seed", 0, LUA_MAXINTEGER);
  xl_box *boxes[5];
  for (int i = 0; i < 5; i++) boxes[i] = xl_new_box(L, &xl_tensor_type);
  xai_pca p;
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_pca_fit(x->shape.dims[0], x->shape.dims[1], x->data, &opts, &p, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xai_tensor *made[5] = {p.values, p.components, p.mean, p.variance, p.ratio};
  for (int i = 0; i < 5; i++) boxes[i]->tensor = made[i];
  for (int i = 0; i < 5; i++) xl_charge_tensor(L, made[i]);
  lua_pushstring(L, solvers[p.solver]);
  return 6;
}

/* project(components, mean, x): points of as many numbers as the components have */
static int project(lua_State *L) {
  const xai_view *v = check_points(L, 1, "components", 0);
  xai_pca p = {.components = xl_check_tensor(L, 1, "components"), .mean = xl_check_tensor(L, 2, "mean")};
  const xai_view *x = check_points(L, 3, "x", v->shape.dims[1]);
  if (xai_tensor_view(p.mean)->dtype != XAI_F32 || (int64_t)xai_tensor_count(p.mean) != v->shape.dims[1])
    return xl_expected(L, 2, "mean", "a number for each of the components' %d", (int)v->shape.dims[1]);
  float *y = push_floats(L, x->shape.dims[0], v->shape.dims[0]);
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_pca_project(&p, x->shape.dims[0], x->data, y, &err));
  return st != XAI_OK ? xl_raise(L, st, &err) : 1;
}

/* ---- neighbours --------------------------------------------------------------------------------- */

/* neighbours(x, k, metric, query, positions) -> index, distance. query: other points, or nil; positions: of points of x, or nil;
 * without both, every point is a query. */
static int neighbours(lua_State *L) {
  static const char *const metrics[] = {"euclidean", "cosine", NULL}; /* in xai_metric's order */
  lua_settop(L, 5);
  const xai_view *x = check_points(L, 1, "x", 0);
  int64_t n = x->shape.dims[0], d = x->shape.dims[1], k = xl_check_int(L, 2, "k", 1, LUA_MAXINTEGER);
  xai_metric metric = (xai_metric)xl_check_choice(L, 3, "metric", metrics);
  xai_queries queries = {0};
  int64_t count = n;
  if (!lua_isnil(L, 4)) {
    const xai_view *q = check_points(L, 4, "query", d);
    queries = (xai_queries){.n = count = q->shape.dims[0], .x = q->data};
  } else if (!lua_isnil(L, 5)) {
    count = (int64_t)lua_rawlen(L, 5);
    if (count < 1) return xl_expected(L, 5, "query", "at least one position");
    int64_t *own = push_integers(L, XAI_SHAPE(count));
    float *rows = push_floats(L, count, d);
    for (int64_t i = 0; i < count; i++) {
      lua_rawgeti(L, 5, (lua_Integer)i + 1);
      own[i] = xl_check_int(L, -1, "query", 1, n) - 1;
      memcpy(rows + i * d, (const float *)x->data + own[i] * d, (size_t)d * sizeof *rows);
      lua_pop(L, 1);
    }
    queries = (xai_queries){.n = count, .x = rows, .own = own};
  }
  /* k is checked below, but what it asks for is allocated here */
  if (k > n) return xl_fail(L, "k: expected at most %d, got %d", (int)n, (int)k);
  int64_t *index = push_integers(L, XAI_SHAPE(count, k));
  float *distance = push_floats(L, count, k);
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_neighbours(n, d, x->data, &queries, k, metric, index, distance, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  count_from_one(count * k, index);
  return 2;
}

/* ---- t-SNE ---------------------------------------------------------------------------------------- */

static double number_of(lua_State *L, const char *key) {
  xl_get(L, 2, key);
  double v = xl_check_number(L, -1, key);
  lua_pop(L, 1);
  return v;
}

static int64_t count_of(lua_State *L, const char *key) {
  xl_get(L, 2, key);
  int64_t v = xl_check_int(L, -1, key, 0, INT32_MAX);
  lua_pop(L, 1);
  return v;
}

static int choice_of(lua_State *L, const char *key, const char *const *choices) {
  xl_get(L, 2, key);
  int found = xl_check_choice(L, -1, key, choices);
  lua_pop(L, 1);
  return found;
}

/* tsne(x, options, every one of them) -> a map in the making */
static int tsne(lua_State *L) {
  static const char *const methods[] = {"auto", "exact", "barnes-hut", NULL}; /* in xai_tsne_method's order */
  static const char *const inits[] = {"pca", "random", NULL};                 /* in xai_tsne_init's order */
  lua_settop(L, 2);
  const xai_view *x = check_points(L, 1, "x", 0);
  xai_tsne_opts o = xai_tsne_defaults();
  int64_t n = x->shape.dims[0];
  o.method = (xai_tsne_method)choice_of(L, "method", methods);
  o.pca = count_of(L, "pca");
  o.perplexity = number_of(L, "perplexity");
  o.theta = number_of(L, "theta");
  o.exaggeration = number_of(L, "exaggeration");
  o.iterations = count_of(L, "iterations");
  o.early = count_of(L, "early");
  o.rate = number_of(L, "rate");
  o.early_momentum = number_of(L, "early_momentum");
  o.momentum = number_of(L, "momentum");
  o.max_step = number_of(L, "max_step");
  xl_get(L, 2, "seed");
  o.seed = (uint64_t)xl_check_int(L, -1, "seed", 0, LUA_MAXINTEGER);
  lua_pop(L, 1);
  xl_get(L, 2, "init"); /* stays on the stack, and so alive */
  if (xl_is(L, -1, &xl_tensor_type)) {
    const xai_view *start = check_points(L, lua_gettop(L), "init", 2);
    if (start->shape.dims[0] != n) return xl_expected(L, lua_gettop(L), "init", "a place for each of %d points", (int)n);
    o.start = start->data;
  } else {
    o.init = (xai_tsne_init)xl_check_choice(L, lua_gettop(L), "init", inits);
  }
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &map_type);
  xai_tsne *made = NULL;
  size_t before = xai_mem_live();
  XL_WORK(L, st, xai_tsne_new(n, x->shape.dims[1], x->data, &o, &made, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  box->object = made;
  if (xai_mem_live() > before) xl_charge(L, xai_mem_live() - before);
  lua_pushinteger(L, (lua_Integer)n);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

static xai_tsne *check_map(lua_State *L) { return xl_check_box(L, 1, &map_type, "self")->object; }

/* m:advance(n) -> iterations done so far */
static int map_advance(lua_State *L) {
  xai_tsne *t = check_map(L);
  xai_err err;
  xai_status st = xai_tsne_advance(t, xl_check_int(L, 2, "iterations", 0, INT32_MAX), &err);
  if (st != XAI_OK) return xl_raise(L, st, &err);
  lua_pushinteger(L, (lua_Integer)xai_tsne_done(t));
  return 1;
}

static int map_done(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)xai_tsne_done(check_map(L)));
  return 1;
}

static int map_kl(lua_State *L) {
  double kl = 0;
  xai_err err;
  xai_status st = xai_tsne_kl(check_map(L), &kl, &err);
  if (st != XAI_OK) return xl_raise(L, st, &err);
  lua_pushnumber(L, kl);
  return 1;
}

/* m:values(): the map so far, N x 2 */
static int map_values(lua_State *L) {
  const xai_tsne *t = check_map(L);
  lua_getiuservalue(L, 1, 1);
  int64_t n = lua_tointeger(L, -1);
  xai_tsne_map(t, push_floats(L, n, 2));
  return 1;
}

static int map_method(lua_State *L) {
  lua_pushstring(L, xai_tsne_is_exact(check_map(L)) ? "exact" : "barnes-hut");
  return 1;
}

/* m:place(z): places of new points, M x 2 */
static int map_place(lua_State *L) {
  xai_tsne *t = check_map(L);
  const xai_view *z = check_points(L, 2, "z", xai_tsne_width(t));
  float *y = push_floats(L, z->shape.dims[0], 2);
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_tsne_place(t, z->shape.dims[0], z->data, y, &err));
  return st != XAI_OK ? xl_raise(L, st, &err) : 1;
}

/* ---- grids ------------------------------------------------------------------------------------------ */

/* grid(y, rows, cols) -> cell of each point, counted from 1 row by row */
static int grid(lua_State *L) {
  const xai_view *y = check_points(L, 1, "points", 2);
  int64_t rows = xl_check_int(L, 2, "rows", 1, XAI_GRID_CELLS), cols = xl_check_int(L, 3, "cols", 1, XAI_GRID_CELLS);
  int64_t n = y->shape.dims[0], *cell = push_integers(L, XAI_SHAPE(n));
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_grid(n, y->data, rows, cols, cell, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  count_from_one(n, cell);
  return 1;
}

void xl_open_embed(lua_State *L) {
  static const xl_reg methods[] = {
      {"advance", map_advance, "tsne"}, {"done", map_done, "tsne"},     {"kl", map_kl, "tsne"},
      {"values", map_values, "tsne"},   {"method", map_method, "tsne"}, {"place", map_place, "tsne: place"},
      {NULL, NULL, NULL},
  };
  static const xl_reg functions[] = {
      {"pca", pca, NULL},   {"project", project, "pca: project"}, {"neighbours", neighbours, NULL},
      {"tsne", tsne, NULL}, {"grid", grid, NULL},                 {NULL, NULL, NULL},
  };
  lua_newtable(L);
  xl_register(L, "", functions);
  lua_setfield(L, -2, "embed");
  xl_new_type(L, &map_type, NULL, methods, NULL);
  xl_add_type(L, &map_type);
}
