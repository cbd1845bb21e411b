/* bindings/l_images.c: many pictures: sources and readers (sets/), folders, and rows of features. What a script sees of
 * them, xai.images and xai.features, is put together in lua/xai/images.lua and features.lua. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/folder.h"
#include "base/status.h"
#include "base/str.h"
#include "bindings/core.h"
#include "formats/formats.h"
#include "graph/net.h"
#include "sets/rows.h"
#include "tensor/tensor.h"
#include "xai/images.h"

/* ---- folders ------------------------------------------------------------------------------------------- */

static void destroy_folder(void *object) {
  xai_folder_free(object);
  xai_free(object);
}
static const xl_type folder_type = {"folder", "xai.folder", destroy_folder};

static xai_status read_folder(const char *path, xl_box *box, xai_err *err) {
  if (box->object == NULL) box->object = xai_calloc(1, sizeof(xai_folder));
  return box->object != NULL ? xai_folder_read(path, box->object, err) : xai_fail_memory(err, sizeof(xai_folder));
}

/* folder(path) -> { {name =, folder = true or size = bytes}, ... }, sorted by name; without hidden ones */
static int folder(lua_State *L) {
  const char *path = xl_check_string(L, 1, "path");
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &folder_type);
  XL_WORK(L, st, read_folder(path, box, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  const xai_folder *f = box->object;
  lua_createtable(L, f->n, 0);
  for (int i = 0; i < f->n; i++) {
    lua_createtable(L, 0, 2);
    lua_pushstring(L, f->entries[i].name);
    lua_setfield(L, -2, "name");
    if (f->entries[i].folder)
      lua_pushboolean(L, 1);
    else
      lua_pushinteger(L, f->entries[i].size);
    lua_setfield(L, -2, f->entries[i].folder ? "folder" : "size");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* file_size(path) -> bytes of a file; true: it is a folder; nil: nothing of the kind */
static int file_size(lua_State *L) {
  struct stat info;
  if (stat(xl_check_string(L, 1, "path"), &info) != 0) return 0;
  if (S_ISDIR(info.st_mode))
    lua_pushboolean(L, 1);
  else if (S_ISREG(info.st_mode))
    lua_pushinteger(L, (lua_Integer)info.st_size);
  else
    lua_pushnil(L);
  return 1;
}

/* remove(path): a file; without complaint when it is not there */
static int remove_file(lua_State *L) {
  const char *path = xl_check_string(L, 1, "path");
  if (unlink(path) != 0 && errno != ENOENT) return xl_fail(L, "%s: %s", path, strerror(errno));
  return 0;
}

/* hash(text [, hash of what comes before]) -> an integer */
static int hash(lua_State *L) {
  size_t n;
  const char *text = xl_check_bytes(L, 1, "text", &n);
  uint64_t before = xai_str_hash("");
  if (!lua_isnoneornil(L, 2)) before = (uint64_t)xl_check_int(L, 2, "hash", LUA_MININTEGER, LUA_MAXINTEGER);
  lua_pushinteger(L, (lua_Integer)xai_str_hash_more(before, text, n));
  return 1;
}

/* ---- sources ------------------------------------------------------------------------------------------- */

static void destroy_source(void *object) { xai_source_free(object); }
static const xl_type source_type = {"source", "xai.source", destroy_source};

static xai_source *check_source(lua_State *L, int arg) { return xl_check_box(L, arg, &source_type, "source")->object; }

/* A userdata of n ids at the top of the stack from the list at 'arg', absent ones -1; NULL when there is no list. */
static const int64_t *check_labels(lua_State *L, int arg, lua_Integer n) {
  if (lua_isnil(L, arg)) return NULL;
  if (!lua_istable(L, arg)) xl_expected(L, arg, "labels", "a list of class ids");
  int64_t *labels = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *labels, 0);
  for (lua_Integer i = 0; i < n; i++) {
    labels[i] = lua_rawgeti(L, arg, i + 1) == LUA_TBOOLEAN ? -1 : xl_check_int(L, -1, "label", -1, INT32_MAX);
    lua_pop(L, 1);
  }
  return labels;
}

static lua_Integer check_length(lua_State *L, int arg, const char *what) {
  if (!lua_istable(L, arg)) xl_expected(L, arg, what, "a list");
  lua_Unsigned n = lua_rawlen(L, arg);
  if (n > INT32_MAX) xl_fail(L, "%s: a list of %I entries is too long", what, (LUAI_UACINT)n);
  return (lua_Integer)n;
}

static int finish_source(lua_State *L, xai_status st, const xai_err *err, xl_box *box, xai_source *made) {
  if (st != XAI_OK) return xl_raise(L, st, err);
  box->object = made;
  return 1;
}

/* source_files({path, ...}, {label or false, ...} or nil) */
static int source_files(lua_State *L) {
  lua_settop(L, 2);
  lua_Integer n = check_length(L, 1, "paths");
  const int64_t *labels = check_labels(L, 2, n);
  const char **paths = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *paths, 0);
  for (lua_Integer i = 0; i < n; i++) {
    lua_rawgeti(L, 1, i + 1);
    paths[i] = xl_check_string(L, -1, "path"); /* the table keeps it */
    lua_pop(L, 1);
  }
  xai_err err;
  xai_status st;
  xai_source *made = NULL;
  xl_box *box = xl_new_box(L, &source_type);
  XL_WORK(L, st, xai_source_files(paths, labels, n, xl_read_picture, &made, &err));
  return finish_source(L, st, &err, box, made);
}

/* source_pictures({picture, ...}, {label or false, ...} or nil) */
static int source_pictures(lua_State *L) {
  lua_settop(L, 2);
  lua_Integer n = check_length(L, 1, "pictures");
  const int64_t *labels = check_labels(L, 2, n);
  const xai_image **pictures = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *pictures, 0);
  for (lua_Integer i = 0; i < n; i++) {
    lua_rawgeti(L, 1, i + 1);
    pictures[i] = xl_check_image(L, -1, "picture");
    lua_pop(L, 1);
  }
  xai_err err;
  xai_status st;
  xai_source *made = NULL;
  xl_box *box = xl_new_box(L, &source_type);
  XL_WORK(L, st, xai_source_pictures(pictures, labels, n, &made, &err));
  return finish_source(L, st, &err, box, made);
}

/* source_scenes(set) */
static int source_scenes(lua_State *L) {
  xai_scenes *set = xl_check_box(L, 1, &xl_scenes_type, "set")->object;
  lua_getiuservalue(L, 1, 1);
  lua_Integer n = lua_tointeger(L, -1);
  xai_err err;
  xai_status st;
  xai_source *made = NULL;
  xl_box *box = xl_new_box(L, &source_type);
  XL_WORK(L, st, xai_source_scenes(set, n, &made, &err));
  return finish_source(L, st, &err, box, made);
}

static int source_hash(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)xai_source_hash(check_source(L, 1)));
  return 1;
}

static int source_len(lua_State *L) {
  lua_pushinteger(L, xai_source_count(check_source(L, 1)));
  return 1;
}

/* ---- readers ------------------------------------------------------------------------------------------- */

static void destroy_reader(void *object) { xai_reader_close(object); }
static const xl_type reader_type = {"reader", "xai.reader", destroy_reader};

static xai_reader *check_reader(lua_State *L) { return xl_check_box(L, 1, &reader_type, "reader")->object; }

/* The ranges { first, last, first, last, ... } at 'arg', counted from 1, as a list of pictures: a userdata on the stack. */
static const int64_t *check_order(lua_State *L, int arg, lua_Integer count, int64_t *n) {
  lua_Integer pairs = check_length(L, arg, "ranges") / 2;
  *n = 0;
  for (int pass = 0;; pass++) {
    int64_t *order = pass == 1 ? lua_newuserdatauv(L, (size_t)(*n + 1) * sizeof *order, 0) : NULL, at = 0;
    for (lua_Integer p = 0; p < pairs; p++) {
      lua_rawgeti(L, arg, 2 * p + 1);
      lua_rawgeti(L, arg, 2 * p + 2);
      lua_Integer first = xl_check_int(L, -2, "first", 1, count + 1);
      lua_Integer last = xl_check_int(L, -1, "last", first - 1, count);
      lua_pop(L, 2);
      for (lua_Integer i = first; order != NULL && i <= last; i++) order[at++] = i - 1;
      if (order == NULL) *n += last - first + 1;
    }
    if (order != NULL) return order;
  }
}

/* reader(source, ranges, net or nil, threads or nil, ahead or nil) */
static int reader(lua_State *L) {
  lua_settop(L, 5);
  xai_reader_opts o = {.source = check_source(L, 1)};
  if (!lua_isnil(L, 3)) {
    o.net = xl_check_net(L, 3);
    xl_preprocess_of(L, 3);
  }
  if (!lua_isnil(L, 4)) o.threads = (int)xl_check_int(L, 4, "threads", 1, 256);
  if (!lua_isnil(L, 5)) o.ahead = (int)xl_check_int(L, 5, "ahead", 1, 65536);
  o.order = check_order(L, 2, xai_source_count(o.source), &o.n);
  xai_err err;
  xai_status st;
  xai_reader *made = NULL;
  xl_box *box = xl_new_box(L, &reader_type);
  XL_WORK(L, st, xai_reader_open(&o, &made, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  box->object = made;
  return 1;
}

/* A picture in Lua: nothing for no label. */
static void push_label(lua_State *L, const xai_picture *p) {
  if (p->label >= 0)
    lua_pushinteger(L, p->label);
  else
    lua_pushnil(L);
}

/* reader:next() -> position, picture or nil, label, why there is none, true when it had transparent pixels; nothing at the
 * end */
static int reader_next(lua_State *L) {
  xai_reader *r = check_reader(L);
  xai_picture p;
  bool more;
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_image_type);
  XL_WORK(L, st, xai_reader_next(r, &p, &more, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  if (!more) return 0;
  box->image = p.image;
  if (p.image != NULL) xl_charge(L, (size_t)p.image->width * (size_t)p.image->height * 3);
  lua_pushinteger(L, p.index + 1);
  if (p.image != NULL)
    lua_pushvalue(L, -2);
  else
    lua_pushnil(L);
  push_label(L, &p);
  if (p.st != XAI_OK)
    lua_pushstring(L, p.err.text);
  else
    lua_pushnil(L);
  lua_pushboolean(L, p.note == XAI_IMAGE_ALPHA);
  return 5;
}

static void destroy_batch(void *object) {
  xai_batch_clear(object);
  xai_free(object);
}
static const xl_type batch_type = {"batch", "xai.batch", destroy_batch};

static xai_status take_batch(xai_reader *r, lua_Integer n, xl_box *box, xai_err *err) {
  if (box->object == NULL) box->object = xai_calloc(1, sizeof(xai_batch));
  return box->object != NULL ? xai_reader_batch(r, n, box->object, err) : xai_fail_memory(err, sizeof(xai_batch));
}

/* reader:batch(n) -> inputs or nil at the end, {position, ...}, {label or false, ...}, {{position, why}, ...} that cannot be
 * read, whether one had transparent pixels */
static int reader_batch(lua_State *L) {
  xai_reader *r = check_reader(L);
  lua_Integer n = xl_check_int(L, 2, "n", 1, 65536);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &batch_type), *x = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, take_batch(r, n, box, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xai_batch *b = box->object;
  x->tensor = b->x;
  b->x = NULL;
  if (x->tensor != NULL)
    xl_charge_tensor(L, x->tensor);
  else
    lua_pushnil(L);
  lua_createtable(L, (int)b->n, 0);
  lua_createtable(L, (int)b->n, 0);
  bool alpha = false;
  for (int64_t i = 0; i < b->n; i++) {
    const xai_picture *p = &b->pictures[i];
    lua_pushinteger(L, p->index + 1);
    lua_rawseti(L, -3, i + 1);
    if (p->label >= 0)
      lua_pushinteger(L, p->label);
    else
      lua_pushboolean(L, 0);
    lua_rawseti(L, -2, i + 1);
    alpha = alpha || p->note == XAI_IMAGE_ALPHA;
  }
  lua_createtable(L, (int)b->n_failed, 0);
  for (int64_t i = 0; i < b->n_failed; i++) {
    lua_createtable(L, 2, 0);
    lua_pushinteger(L, b->failed[i].index + 1);
    lua_rawseti(L, -2, 1);
    lua_pushstring(L, b->failed[i].err.text);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushboolean(L, alpha);
  return 5;
}

/* ---- features ------------------------------------------------------------------------------------------ */

/* feature_layer(net) -> name of the layer before the classifier */
static int feature_layer(lua_State *L) {
  const xai_net *net = xl_check_net(L, 1);
  int layer;
  xai_err err;
  xai_status st = xai_net_feature_layer(net, &layer, &err);
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_push_layer_name(L, net, layer);
  return 1;
}

/* has_hooks(net): its passes depend on functions that nobody can compare */
static int has_hooks(lua_State *L) {
  lua_pushboolean(L, xl_check_net(L, 1)->n_hooks > 0);
  return 1;
}

/* pool_rows(activation, "mean" | "max" | "none") -> N x features */
static int pool_rows(lua_State *L) {
  static const char *const names[] = {"mean", "max", "none", NULL}; /* in xai_pooling's order */
  const xai_tensor *a = xl_check_tensor(L, 1, "activation");
  xai_pooling how = (xai_pooling)xl_check_choice(L, 2, "pool", names);
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_rows_of(xai_tensor_view(a), how, &box->tensor, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
  return 1;
}

/* join_rows({tensor, ...}) -> one below the other */
static int join_rows(lua_State *L) {
  lua_settop(L, 1);
  lua_Integer n = check_length(L, 1, "tensors");
  xai_tensor **parts = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *parts, 0);
  for (lua_Integer i = 0; i < n; i++) {
    lua_rawgeti(L, 1, i + 1);
    parts[i] = xl_check_tensor(L, -1, "tensor");
    lua_pop(L, 1);
  }
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_rows_join(parts, (int)n, &box->tensor, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
  return 1;
}

/* bytes_of(tensor) -> its elements as a string */
static int bytes_of(lua_State *L) {
  const xai_tensor *t = xl_check_tensor(L, 1, "tensor");
  lua_pushlstring(L, xai_tensor_view(t)->data, xai_tensor_bytes(t));
  return 1;
}

/* tensor_of(string, dtype, {dims}) -> the tensor with these elements */
static int tensor_of(lua_State *L) {
  static const char *const dtypes[] = {"float32", "int64", "int32", "uint8", "bool", NULL}; /* in xai_dtype's order */
  size_t n;
  const char *bytes = xl_check_bytes(L, 1, "bytes", &n);
  xai_dtype dtype = (xai_dtype)xl_check_choice(L, 2, "dtype", dtypes);
  xai_shape shape = {.rank = (int)check_length(L, 3, "shape")};
  if (shape.rank > XAI_MAX_RANK) return xl_fail(L, "shape: at most %d dims", XAI_MAX_RANK);
  for (int d = 0; d < shape.rank; d++) {
    lua_rawgeti(L, 3, d + 1);
    shape.dims[d] = xl_check_int(L, -1, "dim", 0, LUA_MAXINTEGER);
    lua_pop(L, 1);
  }
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new(dtype, shape, &box->tensor, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  if (xai_tensor_bytes(box->tensor) != n) return xl_fail(L, "bytes: %I do not fill the shape", (LUAI_UACINT)n);
  if (n > 0) memcpy(xai_tensor_view(box->tensor)->data, bytes, n);
  xl_charge_tensor(L, box->tensor);
  return 1;
}

/* ---- joining parts of a store ----------------------------------------------------------------------------- */

typedef struct parts {
  int n;
  xai_archive meta, archives[];
} parts;

static void destroy_parts(void *object) {
  parts *p = object;
  for (int i = 0; i < p->n; i++) xai_archive_free(&p->archives[i]);
  xai_archive_free(&p->meta);
  xai_free(p);
}
static const xl_type parts_type = {"parts", "xai.parts", destroy_parts};

static xai_status join(const char *path, const char *const *paths, int n, const char *const *meta, int n_meta, xl_box *box,
                       xai_err *err) {
  if (box->object != NULL) destroy_parts(box->object);
  size_t bytes = sizeof(parts) + (size_t)n * sizeof(xai_archive);
  parts *p = box->object = xai_calloc(1, bytes);
  if (p == NULL) return xai_fail_memory(err, bytes);
  for (int i = 0; i < n_meta; i++) XAI_TRY(xai_archive_add_meta(&p->meta, meta[2 * i], meta[2 * i + 1], err));
  for (; p->n < n; p->n++) XAI_TRY(xai_archive_read(paths[p->n], &p->archives[p->n], err));
  return xai_safetensors_join(path, p->archives, (size_t)n, &p->meta, err);
}

/* A userdata of the texts in the list at 'arg', which keeps them. */
static const char **check_texts(lua_State *L, int arg, const char *what, int *n) {
  *n = (int)check_length(L, arg, what);
  const char **texts = lua_newuserdatauv(L, (size_t)(*n + 1) * sizeof *texts, 0);
  for (int i = 0; i < *n; i++) {
    lua_rawgeti(L, arg, i + 1);
    texts[i] = xl_check_string(L, -1, what);
    lua_pop(L, 1);
  }
  return texts;
}

/* join_files(path, {part, ...}, {key, text, key, text, ...}): .safetensors of .safetensors, their tensors one below the other */
static int join_files(lua_State *L) {
  const char *path = xl_check_string(L, 1, "path");
  lua_settop(L, 3);
  int n, n_meta;
  const char **paths = check_texts(L, 2, "parts", &n), **meta = check_texts(L, 3, "metadata", &n_meta);
  xl_box *box = xl_new_box(L, &parts_type);
  xai_err err;
  xai_status st;
  XL_WORK(L, st, join(path, paths, n, meta, n_meta / 2, box, &err));
  return st == XAI_OK ? 0 : xl_raise(L, st, &err);
}

void xl_open_images(lua_State *L) {
  static const xl_reg functions[] = {
      {"folder", folder, "images"},
      {"file_size", file_size, "images"},
      {"remove", remove_file, "features"},
      {"hash", hash, NULL},
      {"source_files", source_files, "images"},
      {"source_pictures", source_pictures, "images"},
      {"source_scenes", source_scenes, "images"},
      {"reader", reader, "images"},
      {"feature_layer", feature_layer, "features"},
      {"has_hooks", has_hooks, NULL},
      {"pool_rows", pool_rows, "features"},
      {"join_rows", join_rows, "features"},
      {"join_files", join_files, "features"},
      {"bytes_of", bytes_of, NULL},
      {"tensor_of", tensor_of, NULL},
      {NULL, NULL, NULL},
  };
  static const xl_reg of_source[] = {{"hash", source_hash, NULL}, {NULL, NULL, NULL}};
  static const xl_reg source_meta[] = {{"__len", source_len, "images"}, {NULL, NULL, NULL}};
  static const xl_reg of_reader[] = {{"next", reader_next, "images"}, {"batch", reader_batch, "images"}, {NULL, NULL, NULL}};
  static const xl_reg none[] = {{NULL, NULL, NULL}};
  xl_register(L, "", functions);
  xl_new_type(L, &source_type, NULL, of_source, source_meta);
  xl_add_type(L, &source_type);
  xl_new_type(L, &reader_type, NULL, of_reader, NULL);
  xl_add_type(L, &reader_type);
  xl_new_type(L, &folder_type, NULL, none, NULL);
  xl_new_type(L, &batch_type, NULL, none, NULL);
  xl_new_type(L, &parts_type, NULL, none, NULL);
  lua_pop(L, 3); /* scripts never hold one of these */
}
