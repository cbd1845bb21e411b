/* bindings/l_sheet.c: sheets from tables of cells. Defaults and composition are the Lua layer's, which hands over:
 *
 *   cell   {image=, plot=, before=, caption=, cmap=, lo=, hi=, unit=, numbers=, marks=, legend=, span=, smooth=}
 *   mark   {kind = "box" | "path" | "dot", points = {x, y, ...}, rgb=, label=, closed=, dashed=}
 *   plot   {kind = "curves" | "bars" | "scatter", series=, names=, x_label=, y_label=, x={lo, hi}, y=, aspect=, thumb=}
 *   series {name=, x=, y=, error=, thumbs=, texts=, rgb=, look=}
 *
 * Arrays for C are userdata; a table of them (slot ANCHORS) keeps them until the work is done. Strings, pictures and
 * tensors are kept by the tables they stand in. */
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/status.h"
#include "bindings/core.h"
#include "formats/formats.h"
#include "tensor/tensor.h"
#include "viz/sheet_layout.h"
#include "viz/viz.h"

enum { CELLS = 1, OPTIONS = 2, ARGUMENTS = 7, ANCHORS = 8, ITEMS_MAX = 1000000, SIDE_MAX = 16384 };

/* ---- fields --------------------------------------------------------------------------------------------------------- */
/* An array that lives as long as the call. */
static void *new_array(lua_State *L, size_t n, size_t size) {
  void *array = lua_newuserdatauv(L, n > 0 ? n * size : 1, 0);
  memset(array, 0, n > 0 ? n * size : 1);
  lua_rawseti(L, ANCHORS, (lua_Integer)lua_rawlen(L, ANCHORS) + 1);
  return array;
}

/* A string field of the table at 'arg', which keeps it alive; NULL when absent. */
static const char *text_field(lua_State *L, int arg, const char *key) {
  const char *text = xl_get(L, arg, key) != LUA_TNIL ? xl_check_string(L, -1, key) : NULL;
  lua_pop(L, 1);
  return text;
}

static int int_field(lua_State *L, int arg, const char *key, int lo, int hi) {
  int v = xl_get(L, arg, key) != LUA_TNIL ? (int)xl_check_int(L, -1, key, lo, hi) : 0;
  lua_pop(L, 1);
  return v;
}

static double number_field(lua_State *L, int arg, const char *key) {
  double v = xl_get(L, arg, key) != LUA_TNIL ? xl_check_number(L, -1, key) : 0;
  lua_pop(L, 1);
  return v;
}

static bool flag_field(lua_State *L, int arg, const char *key) {
  xl_get(L, arg, key);
  bool on = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return on;
}

static void rgb_field(lua_State *L, int arg, uint8_t rgb[3]) {
  if (xl_get(L, arg, "rgb") != LUA_TNIL) {
    if (!lua_istable(L, -1)) xl_expected(L, -1, "colour", "{ red, green, blue }");
    for (int k = 0; k < 3; k++) {
      lua_rawgeti(L, -1, k + 1);
      rgb[k] = (uint8_t)xl_check_int(L, -1, "colour", 0, 255);
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
}

/* Pushes the list t[key]; its length, or -1 when it is absent. */
static int push_list(lua_State *L, int arg, const char *key) {
  if (xl_get(L, arg, key) == LUA_TNIL) return -1;
  if (!lua_istable(L, -1)) xl_expected(L, -1, key, "a list");
  lua_Unsigned n = lua_rawlen(L, -1);
  if (n > ITEMS_MAX) xl_fail(L, "%s: more than %d entries", key, ITEMS_MAX);
  return (int)n;
}

static const double *numbers_field(lua_State *L, int arg, const char *key, int *n) {
  double *numbers = NULL;
  *n = push_list(L, arg, key);
  if (*n >= 0) {
    numbers = new_array(L, (size_t)*n, sizeof *numbers);
    for (int i = 0; i < *n; i++) {
      lua_rawgeti(L, -1, i + 1);
      numbers[i] = xl_check_number(L, -1, key);
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  return numbers;
}

/* A list of strings; false in it is no string. */
static const char *const *texts_field(lua_State *L, int arg, const char *key, int *n) {
  const char **texts = NULL;
  *n = push_list(L, arg, key);
  if (*n >= 0) {
    texts = new_array(L, (size_t)*n, sizeof *texts);
    for (int i = 0; i < *n; i++) {
      lua_rawgeti(L, -1, i + 1);
      texts[i] = lua_toboolean(L, -1) ? xl_check_string(L, -1, key) : NULL;
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  return texts;
}

static const xai_image *const *images_field(lua_State *L, int arg, const char *key, int *n) {
  const xai_image **images = NULL;
  *n = push_list(L, arg, key);
  if (*n >= 0) {
    images = new_array(L, (size_t)*n, sizeof *images);
    for (int i = 0; i < *n; i++) {
      lua_rawgeti(L, -1, i + 1);
      images[i] = lua_toboolean(L, -1) ? xl_check_image(L, -1, key) : NULL;
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  return images;
}

/* {lo, hi} */
static xai_scale range_field(lua_State *L, int arg, const char *key) {
  int n;
  const double *v = numbers_field(L, arg, key, &n);
  if (v == NULL) return (xai_scale){0, 0};
  if (n != 2 || !(v[0] < v[1])) xl_fail(L, "%s: expected { low, high }", key);
  return (xai_scale){v[0], v[1]};
}

/* ---- cells ---------------------------------------------------------------------------------------------------------- */
static void check_marks(lua_State *L, int at, xai_sheet_cell *cell) {
  static const char *const kinds[] = {"box", "path", "dot", NULL}; /* in xai_mark_kind's order */
  int n = push_list(L, at, "marks");
  if (n > 0) {
    int list = lua_gettop(L);
    xai_mark *marks = new_array(L, (size_t)n, sizeof *marks);
    for (int i = 0; i < n; i++) {
      if (lua_rawgeti(L, list, i + 1) != LUA_TTABLE) xl_expected(L, -1, "mark", "a table");
      int mark = lua_gettop(L), count;
      xl_get(L, mark, "kind");
      marks[i].kind = (xai_mark_kind)xl_check_choice(L, lua_gettop(L), "mark", kinds);
      marks[i].points = numbers_field(L, mark, "points", &count);
      if (count < 2 || count % 2 != 0 || (marks[i].kind == XAI_MARK_BOX && count != 4))
        xl_fail(L, "mark: points: expected x and y of each, got %d numbers", count);
      marks[i].n = count / 2;
      marks[i].label = text_field(L, mark, "label");
      marks[i].closed = flag_field(L, mark, "closed");
      marks[i].dashed = flag_field(L, mark, "dashed");
      rgb_field(L, mark, marks[i].rgb);
      lua_settop(L, list);
    }
    cell->marks = marks;
    cell->n_marks = n;
  }
  lua_pop(L, 1);
}

static void check_legend(lua_State *L, int at, xai_sheet_cell *cell) {
  int n = push_list(L, at, "legend");
  if (n > 0) {
    int list = lua_gettop(L);
    xai_legend *legend = new_array(L, (size_t)n, sizeof *legend);
    for (int i = 0; i < n; i++) {
      if (lua_rawgeti(L, list, i + 1) != LUA_TTABLE) xl_expected(L, -1, "legend", "a table");
      int entry = lua_gettop(L);
      legend[i].name = text_field(L, entry, "name");
      if (legend[i].name == NULL) xl_fail(L, "legend: a name is missing");
      legend[i].look = 1;
      rgb_field(L, entry, legend[i].rgb);
      lua_settop(L, list);
    }
    cell->legend = legend;
    cell->n_legend = n;
  }
  lua_pop(L, 1);
}

/* The series on top of the stack */
static xai_series check_series(lua_State *L, xai_plot_kind kind) {
  int at = lua_gettop(L), n;
  if (!lua_istable(L, at)) xl_expected(L, at, "series", "a table");
  xai_series s = {.name = text_field(L, at, "name"), .look = int_field(L, at, "look", 0, 1000)};
  s.y = numbers_field(L, at, "y", &s.n);
  if (s.y == NULL) xl_fail(L, "series: y is missing");
  s.x = numbers_field(L, at, "x", &n);
  if (kind != XAI_PLOT_BARS && n != s.n) xl_fail(L, "series: expected as many x as y (%d), got %d", s.n, n > 0 ? n : 0);
  s.error = numbers_field(L, at, "error", &n);
  if (s.error != NULL && n != s.n) xl_fail(L, "series: expected as many errors as values (%d), got %d", s.n, n);
  s.thumbs = images_field(L, at, "thumbs", &n);
  if (s.thumbs != NULL && n != s.n) xl_fail(L, "series: expected as many pictures as points (%d), got %d", s.n, n);
  s.texts = texts_field(L, at, "texts", &n);
  if (s.texts != NULL && n != s.n) xl_fail(L, "series: expected as many texts as values (%d), got %d", s.n, n);
  rgb_field(L, at, s.rgb);
  return s;
}

static const xai_plot *check_plot(lua_State *L, int at) {
  static const char *const kinds[] = {"curves", "bars", "scatter", NULL}; /* in xai_plot_kind's order */
  xai_plot *plot = new_array(L, 1, sizeof *plot);
  xl_get(L, at, "kind");
  plot->kind = (xai_plot_kind)xl_check_choice(L, lua_gettop(L), "plot", kinds);
  lua_pop(L, 1);
  plot->x_label = text_field(L, at, "x_label");
  plot->y_label = text_field(L, at, "y_label");
  plot->x = range_field(L, at, "x");
  plot->y = range_field(L, at, "y");
  plot->aspect = number_field(L, at, "aspect");
  plot->thumb = int_field(L, at, "thumb", 1, 4096);
  int n = push_list(L, at, "series"), list = lua_gettop(L), most = 0;
  xai_series *series = new_array(L, n > 0 ? (size_t)n : 0, sizeof *series);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, list, i + 1);
    series[i] = check_series(L, plot->kind);
    if (series[i].n > most) most = series[i].n;
    lua_settop(L, list);
  }
  lua_pop(L, 1);
  plot->series = series;
  plot->n_series = n > 0 ? n : 0;
  plot->names = texts_field(L, at, "names", &n);
  for (int i = 0; plot->names != NULL && i < n; i++)
    if (plot->names[i] == NULL) xl_fail(L, "plot: names: a name is missing");
  if (plot->names != NULL && n < most) xl_fail(L, "plot: names: expected one for each of %d bars, got %d", most, n);
  return plot;
}

static const xai_cmap *check_cmap(lua_State *L, int arg) {
  const xai_cmap *m;
  xai_err err;
  xai_status st = xai_cmap_find(xl_check_string(L, arg, "cmap"), &m, &err);
  if (st != XAI_OK) xl_raise(L, st, &err);
  return m;
}

static void check_numbers(lua_State *L, int at, xai_sheet_cell *cell) {
  if (xl_get(L, at, "numbers") != LUA_TNIL) {
    const xai_view *v = xai_tensor_view(xl_check_tensor(L, -1, "numbers"));
    int64_t pixels = cell->img != NULL ? (int64_t)cell->img->width * cell->img->height : 0;
    if (v->dtype != XAI_F32 || xai_shape_size(&v->shape) != pixels || pixels > 4096)
      xl_fail(L, "numbers: expected one for each of at most 4096 pixels");
    cell->numbers = v->data;
  }
  lua_pop(L, 1);
}

/* The cell on top of the stack */
static xai_sheet_cell check_cell(lua_State *L) {
  static const char *const choices[] = {"auto", "yes", "no", NULL}; /* in xai_smooth's order */
  int at = lua_gettop(L);
  if (!lua_istable(L, at)) xl_expected(L, at, "cell", "a table");
  xai_sheet_cell cell = {.caption = text_field(L, at, "caption"),
                         .before = text_field(L, at, "before"),
                         .unit = text_field(L, at, "unit"),
                         .span = int_field(L, at, "span", 1, 1000)};
  if (xl_get(L, at, "image") != LUA_TNIL) cell.img = xl_check_image(L, -1, "image");
  if (xl_get(L, at, "smooth") != LUA_TNIL)
    cell.smooth = (xai_smooth)xl_check_choice(L, lua_gettop(L), "smooth", choices);
  if (xl_get(L, at, "plot") != LUA_TNIL) cell.plot = check_plot(L, lua_gettop(L));
  if (xl_get(L, at, "cmap") != LUA_TNIL) {
    cell.cmap = check_cmap(L, lua_gettop(L));
    cell.scale = (xai_scale){number_field(L, at, "lo"), number_field(L, at, "hi")};
  }
  check_marks(L, at, &cell);
  check_legend(L, at, &cell);
  check_numbers(L, at, &cell);
  lua_settop(L, at);
  return cell;
}

typedef struct sheet {
  xai_sheet_cell *cells;
  int n;
  xai_sheet_opts opts;
} sheet;

/* From the tables at CELLS and OPTIONS; other arguments stay where they are. */
static sheet check_sheet(lua_State *L) {
  sheet s = {0};
  lua_settop(L, ARGUMENTS);
  lua_newtable(L);
  for (int i = CELLS; i <= OPTIONS; i++)
    if (!lua_istable(L, i)) xl_expected(L, i, "sheet", "a table");
  lua_Unsigned n = lua_rawlen(L, CELLS);
  if (n < 1 || n > 10000) xl_fail(L, "expected 1 to 10000 cells, got %I", (LUAI_UACINT)n);
  s.n = (int)n;
  s.cells = new_array(L, (size_t)n, sizeof *s.cells);
  for (int i = 0; i < s.n; i++) {
    lua_rawgeti(L, CELLS, i + 1);
    s.cells[i] = check_cell(L);
    lua_pop(L, 1);
  }
  s.opts = (xai_sheet_opts){.title = text_field(L, OPTIONS, "title"),
                            .columns = int_field(L, OPTIONS, "columns", 1, SIDE_MAX),
                            .cell = int_field(L, OPTIONS, "cell", 1, SIDE_MAX),
                            .gap = number_field(L, OPTIONS, "gap")};
  s.opts.row_titles = texts_field(L, OPTIONS, "rows", &s.opts.n_row_titles);
  s.opts.col_titles = texts_field(L, OPTIONS, "cols", &s.opts.n_col_titles);
  return s;
}

/* ---- what can be made of them ----------------------------------------------------------------------------------------- */
/* sheet(cells, {title=, columns=, cell=, gap=, rows={...}, cols={...}}) -> picture */
static int draw(lua_State *L) {
  sheet s = check_sheet(L);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_image_type);
  XL_WORK(L, st, xai_sheet_draw(s.cells, s.n, &s.opts, &box->image, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge(L, (size_t)box->image->width * (size_t)box->image->height * 3);
  return 1;
}

static xai_status write_page(const sheet *s, xai_page page, const xai_page_info *info, const char *path, xai_err *err) {
  xai_buf bytes = {0};
  xai_status st = xai_sheet_page(s->cells, s->n, &s->opts, page, info, &bytes, err);
  if (st == XAI_OK) st = xai_file_write(path, bytes.data, bytes.size, err);
  xai_buf_free(&bytes);
  return st;
}

/* sheet_page(cells, options, path, "svg" | "pdf", title, creator, facts); the last three may be nil */
static int page(lua_State *L) {
  static const char *const pages[] = {"svg", "pdf", NULL}; /* in xai_page's order */
  sheet s = check_sheet(L);
  const char *path = xl_check_string(L, 3, "path");
  xai_page kind = (xai_page)xl_check_choice(L, 4, "page", pages);
  xai_page_info info = {lua_tostring(L, 5), lua_tostring(L, 6), lua_tostring(L, 7)};
  xai_err err;
  xai_status st;
  XL_WORK(L, st, write_page(&s, kind, &info, path, &err));
  return st == XAI_OK ? 0 : xl_raise(L, st, &err);
}

static void destroy_layout(void *object) {
  xai_sheet_layout_clear(object);
  xai_free(object);
}
static const xl_type layout_type = {"layout", "xai.layout", destroy_layout};

static xai_status make_layout(const sheet *s, xl_box *box, xai_err *err) {
  if (box->object == NULL) box->object = xai_calloc(1, sizeof(xai_sheet_layout));
  if (box->object == NULL) return xai_fail_memory(err, sizeof(xai_sheet_layout));
  xai_sheet_layout_clear(box->object);
  return xai_sheet_lay(s->cells, s->n, &s->opts, box->object, err);
}

static void push_rect(lua_State *L, const char *kind, int cell, const double box[4], const char *text) {
  static const char *const keys[] = {"x", "y", "w", "h"};
  const double sides[] = {box[0], box[1], box[2] - box[0], box[3] - box[1]};
  lua_createtable(L, 0, 7);
  for (int k = 0; k < 4; k++) {
    lua_pushnumber(L, sides[k]);
    lua_setfield(L, -2, keys[k]);
  }
  lua_pushstring(L, kind);
  lua_setfield(L, -2, "kind");
  if (text != NULL) lua_pushstring(L, text), lua_setfield(L, -2, "text");
  if (cell > 0) lua_pushinteger(L, cell), lua_setfield(L, -2, "cell");
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

static void push_rects(lua_State *L, const char *kind, const xai_rect *r, int n) {
  for (int i = 0; i < n; i++) {
    const double box[] = {r[i].x, r[i].y, r[i].x + r[i].w, r[i].y + r[i].h};
    if (r[i].w > 0) push_rect(L, kind, i + 1, box, NULL);
  }
}

/* sheet_layout(cells, options) -> {width=, height=, {kind=, x=, y=, w=, h=, cell= or text=}, ...} */
static int lay(lua_State *L) {
  static const char *const kinds[] = {"title", "column", "row", "caption", "before", "tick", "unit",
                                      "axis", "legend", "value", "inside"}; /* in xai_label_kind's order */
  sheet s = check_sheet(L);
  xl_box *box = xl_new_box(L, &layout_type);
  xai_err err;
  xai_status st;
  XL_WORK(L, st, make_layout(&s, box, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  const xai_sheet_layout *layout = box->object;
  lua_newtable(L);
  lua_pushinteger(L, layout->width);
  lua_setfield(L, -2, "width");
  lua_pushinteger(L, layout->height);
  lua_setfield(L, -2, "height");
  push_rects(L, "picture", layout->pictures, s.n);
  push_rects(L, "plot", layout->plots, s.n);
  push_rects(L, "bar", layout->bars, s.n);
  for (size_t i = 0; i < layout->n_labels; i++) {
    double around[4];
    xai_label_box(&layout->labels[i], around);
    push_rect(L, kinds[layout->labels[i].kind], 0, around, layout->labels[i].text);
  }
  return 1;
}

void xl_open_sheet(lua_State *L) {
  static const xl_reg functions[] = {
      {"sheet", draw, NULL}, {"sheet_page", page, "sheet:save"}, {"sheet_layout", lay, "sheet:layout"}, {NULL, NULL, NULL}};
  xl_register(L, "", functions);
  static const xl_reg none[] = {{NULL, NULL, NULL}};
  xl_new_type(L, &layout_type, NULL, none, NULL);
  lua_pop(L, 1);
}
