/* bindings/l_files.c: named tensors and labels from files and back. */
#include "base/alloc.h"
#include "base/status.h"
#include "bindings/core.h"
#include "bindings/embedded.h"
#include "formats/formats.h"

static void destroy_archive(void *object) {
  xai_archive_free(object);
  xai_free(object);
}
static const xl_type archive_type = {"archive", "xai.archive", destroy_archive};

static void destroy_block(void *object) { xai_free(object); }
static const xl_type block_type = {"block", "xai.block", destroy_block};

static xai_status new_archive(xl_box *box, xai_err *err) {
  box->object = xai_calloc(1, sizeof(xai_archive));
  return box->object != NULL ? XAI_OK : xai_fail_memory(err, sizeof(xai_archive));
}

/* An empty archive, boxed on the stack. */
static xai_archive *push_archive(lua_State *L) {
  xl_box *box = xl_new_box(L, &archive_type);
  xai_err err;
  xai_status st;
  XL_WORK(L, st, new_archive(box, &err));
  if (st != XAI_OK) xl_raise(L, st, &err);
  return box->object;
}

static xai_status read_tensors(const char *path, xai_archive *out, xai_err *err) {
  xai_file *inside;
  XAI_TRY(xl_embedded_open(path, &inside, err));
  if (inside == NULL) return xai_archive_read(path, out, err);
  xai_status st = xai_archive_parse(inside, out, err);
  xai_file_release(inside);
  return st;
}

/* read(path) -> { name = tensor }, { key = text }; path may be one inside the binary */
static int read_archive(lua_State *L) {
  const char *path = xl_check_string(L, 1, "path");
  xai_archive *a = push_archive(L);
  xai_err err;
  xai_status st;
  XL_WORK(L, st, read_tensors(path, a, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  lua_createtable(L, 0, a->n < 65536 ? (int)a->n : 0);
  for (size_t i = 0; i < a->n; i++) {
    xl_push_tensor(L, a->entries[i].tensor);
    lua_setfield(L, -2, a->entries[i].name);
  }
  lua_newtable(L);
  for (size_t i = 0; i < a->n_meta; i++) {
    lua_pushstring(L, a->meta[i].value);
    lua_setfield(L, -2, a->meta[i].key);
  }
  return 2;
}

/* write(path, { {name, tensor}, ... }, { {key, text}, ... } [, halves]) */
static int write_archive(lua_State *L) {
  const char *path = xl_check_string(L, 1, "path");
  bool halves = lua_toboolean(L, 4);
  lua_settop(L, 3);
  for (int list = 2; list <= 3; list++)
    if (!lua_istable(L, list)) return xl_expected(L, list, list == 2 ? "tensors" : "metadata", "a list of pairs");
  xai_archive *a = push_archive(L);
  a->halves = halves;
  xai_err err;
  xai_status st = XAI_OK;
  for (int list = 2; list <= 3; list++)
    for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, list); i <= n && st == XAI_OK; i++) {
      if (lua_rawgeti(L, list, i) != LUA_TTABLE) return xl_expected(L, -1, "list", "pairs of name and value");
      lua_rawgeti(L, -1, 1);
      lua_rawgeti(L, -2, 2);
      const char *name = xl_check_string(L, -2, list == 2 ? "name of a tensor" : "metadata");
      if (list == 2) {
        xai_tensor *t = xl_check_tensor(L, -1, name);
        XL_WORK(L, st, xai_archive_add(a, name, t, &err));
      } else {
        const char *text = xl_check_string(L, -1, name);
        XL_WORK(L, st, xai_archive_add_meta(a, name, text, &err));
      }
      lua_pop(L, 3);
    }
  if (st == XAI_OK) XL_WORK(L, st, xai_archive_write(path, a, &err));
  return st == XAI_OK ? 0 : xl_raise(L, st, &err);
}

/* labels(path) -> list */
static int read_labels(lua_State *L) {
  const char *path = xl_check_string(L, 1, "path");
  xl_box *box = xl_new_box(L, &block_type);
  char **labels = NULL;
  int n = 0;
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_labels_read(path, &labels, &n, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  box->object = labels;
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_pushstring(L, labels[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* write_text(path, text) */
static int write_text(lua_State *L) {
  const char *path = xl_check_string(L, 1, "path");
  size_t n;
  xl_check_string(L, 2, "text");
  const char *text = lua_tolstring(L, 2, &n);
  xai_err err;
  xai_status st;
  XL_WORK(L, st, xai_file_write(path, text, n, &err));
  return st == XAI_OK ? 0 : xl_raise(L, st, &err);
}

void xl_open_files(lua_State *L) {
  static const xl_reg functions[] = {
      {"read", read_archive, NULL},
      {"write", write_archive, NULL},
      {"read_labels", read_labels, "labels"},
      {"write_text", write_text, "save"},
      {NULL, NULL, NULL},
  };
  static const xl_reg none[] = {{NULL, NULL, NULL}};
  xl_register(L, "", functions);
  xl_new_type(L, &archive_type, NULL, none, NULL);
  xl_new_type(L, &block_type, NULL, none, NULL);
  lua_pop(L, 2); /* scripts never hold one */
}
