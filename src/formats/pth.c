/* formats/pth.c: the tensors of a PyTorch checkpoint.
 *
 * torch.save pickles an object in which each tensor is a call _rebuild_tensor_v2(storage, offset, size, stride, ...)
 * and each storage a reference ("storage", its class, key, where it lived, number of elements). The elements lie
 * elsewhere:
 *
 *   since 1.6   a zip archive with one folder: data.pkl, data/<key> for each storage, version, perhaps byteorder
 *   before      five pickles in a row: a magic number, 1001, facts about the machine, the object, the list of keys;
 *               then for each key, in that order, the number of elements (8 bytes) and the elements
 *
 * The pickle is read by a machine that runs nothing (pickle.h). Of the object we want a dictionary of tensors: the
 * object itself, or what it has under state_dict, model, model_state_dict or net, however often wrapped. Entries that
 * are no tensors are skipped. When every name starts with "module." (DataParallel), that is cut off, and the metadata
 * say so: prefix = "module.". A tensor saved alone is called "data".
 *
 * float32 storages that lie aligned in the file are used where they are; everything else is copied, at most 64 MiB and
 * four times the file's size in all, so that a small file with many views of one storage stays small. Not read:
 * modules and TorchScript (they are programs), quantised, sparse and complex tensors, big-endian files. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "formats/formats.h"
#include "formats/pickle.h"
#include "kernels/kernels.h"

enum { MAX_TENSORS = 65536, MAX_WRAPPERS = 8, MAX_PARAMETERS = 8, MAX_KEY = 128 };
static const char data_parallel[] = "module.";
static const char *const wrappers[] = {"state_dict", "model", "model_state_dict", "net"};

typedef xai_pickle_value value;

/* A storage of the file, by its key. */
typedef struct storage {
  const value *key; /* legacy files */
  size_t element;   /* legacy files: bytes per element */
  int64_t count;    /* legacy files: elements */
  bool listed;      /* legacy files: its bytes have been found */
  const unsigned char *bytes;
  unsigned char *block; /* what it was inflated into */
} storage;

typedef struct reader {
  xai_file *file;
  xai_pickle object;
  const xai_zip *zip; /* NULL for a legacy file */
  char *folder;       /* with its slash */
  storage *storages;  /* one per member of the zip archive; sorted by key in a legacy file */
  size_t n;
  uint64_t copied;
  xai_archive archive;
} reader;

/* What a persistent id says. */
typedef struct reference {
  const value *key;
  bool untyped; /* count is in bytes */
  xai_stored stored;
  int64_t count, first; /* elements; of a view: of its own, from 'first' */
  int64_t whole;        /* elements of the storage itself */
} reference;

/* ---- pickled values --------------------------------------------------------------------------------- */

static const value *at(const reader *r, xai_pickle_id id) { return xai_pickle_get(&r->object, id); }

static bool whole_number(const value *v, int64_t *out) {
  if (v->kind != XAI_PICKLE_INT || v->as.i < 0) return false;
  *out = v->as.i;
  return true;
}

static xai_status bad_reference(xai_err *err) {
  return xai_fail(err, XAI_EFORMAT, "damaged pickle: a reference to a storage is malformed");
}

/* ("storage", class, key, location, elements[, view]); view: None or (key, first, elements) */
static xai_status read_reference(const reader *r, const value *pid, reference *out, xai_err *err) {
  const value *part[6], *view[3], *tuple = at(r, pid->as.inner);
  reference ref = {0};
  size_t n = tuple->kind == XAI_PICKLE_TUPLE ? xai_pickle_items(&r->object, tuple, part, 6) : 0;
  if (n > 0 && xai_pickle_is(part[0], "module"))
    return xai_fail(err, XAI_EUNSUPPORTED,
                    "this is a whole module, not weights: in PyTorch, torch.save(model.state_dict(), 'x.pth')");
  if ((n != 5 && n != 6) || !xai_pickle_is(part[0], "storage") || part[1]->kind != XAI_PICKLE_GLOBAL ||
      part[2]->kind != XAI_PICKLE_STRING || part[2]->n > MAX_KEY || !whole_number(part[4], &ref.whole))
    return bad_reference(err);
  ref.untyped = part[1]->global == XAI_GLOBAL_UNTYPED_STORAGE;
  if (!ref.untyped && part[1]->global != XAI_GLOBAL_STORAGE) return bad_reference(err);
  ref.stored = ref.untyped ? XAI_STORED_U8 : (xai_stored)part[1]->dtype;
  ref.key = part[2];
  ref.count = ref.whole;
  if (n == 6 && part[5]->kind != XAI_PICKLE_NONE) {
    if (part[5]->kind != XAI_PICKLE_TUPLE || xai_pickle_items(&r->object, part[5], view, 3) != 3 ||
        !whole_number(view[1], &ref.first) || !whole_number(view[2], &ref.count) || ref.first > ref.whole ||
        ref.count > ref.whole - ref.first)
      return bad_reference(err);
  }
  *out = ref;
  return XAI_OK;
}

/* ---- storages --------------------------------------------------------------------------------------- */

static xai_status wrong_size(const reference *ref, uint64_t got, xai_err *err) {
  return xai_fail(err, XAI_EFORMAT, "storage '%.*s' has %" PRIu64 " bytes, expected %" PRId64 " elements of %zu",
                  (int)ref->key->n, ref->key->as.text, got, ref->whole, xai_stored_size(ref->stored));
}

/* Reads and checks a member the first time that it is asked for. */
static xai_status find_member(reader *r, const reference *ref, storage **out, xai_err *err) {
  char key[MAX_KEY + 1], *name;
  memcpy(key, ref->key->as.text, ref->key->n);
  key[ref->key->n] = '\0';
  size_t room = strlen(r->folder) + sizeof "data/" + sizeof key;
  if ((name = xai_alloc(room)) == NULL) return xai_fail_memory(err, room);
  snprintf(name, room, "%sdata/%s", r->folder, key);
  const xai_zip_member *m = xai_zip_find(r->zip, name);
  xai_free(name);
  if (m == NULL || strlen(key) != ref->key->n)
    return xai_fail(err, XAI_EFORMAT, "storage '%s' is missing (no member '%.100sdata/%s')", key, r->folder, key);
  uint64_t size = xai_stored_size(ref->stored);
  if (m->size % size != 0 || m->size / size != (uint64_t)ref->whole) return wrong_size(ref, m->size, err);
  storage *s = &r->storages[m - r->zip->members];
  if (s->bytes == NULL) XAI_TRY(xai_zip_read(m, &s->bytes, &s->block, err));
  *out = s;
  return XAI_OK;
}

static int compare_keys(const value *a, const value *b) {
  if (a->n != b->n) return a->n < b->n ? -1 : 1;
  return memcmp(a->as.text, b->as.text, a->n);
}

static int by_key(const void *a, const void *b) {
  return compare_keys(((const storage *)a)->key, ((const storage *)b)->key);
}

static storage *find_listed(const reader *r, const value *key) {
  return r->n == 0 ? NULL : bsearch(&(storage){.key = key}, r->storages, r->n, sizeof *r->storages, by_key);
}

static xai_status find_storage(reader *r, const reference *ref, storage **out, xai_err *err) {
  if (r->zip != NULL) return find_member(r, ref, out, err);
  *out = find_listed(r, ref->key); /* collect_storages has seen every reference */
  return XAI_OK;
}

/* ---- tensors ---------------------------------------------------------------------------------------- */

typedef struct layout {
  xai_stored stored;
  xai_shape shape;
  int64_t stride[XAI_MAX_RANK], offset, count;
} layout;

static bool is_tensor(const value *v) {
  return v->kind == XAI_PICKLE_CALL && v->global >= XAI_GLOBAL_REBUILD_TENSOR && v->global <= XAI_GLOBAL_PARAMETER;
}

/* A tuple of whole numbers, bare or as torch.Size(tuple); at most XAI_MAX_RANK of them. */
static xai_status read_numbers(const reader *r, const value *v, int64_t *out, int *n, xai_err *err) {
  const value *part[XAI_MAX_RANK];
  if (v->kind == XAI_PICKLE_CALL && v->global == XAI_GLOBAL_SIZE && at(r, v->as.inner)->n == 1)
    xai_pickle_items(&r->object, at(r, v->as.inner), &v, 1);
  if (v->kind != XAI_PICKLE_TUPLE)
    return xai_fail(err, XAI_EFORMAT, "its size and stride are not tuples of whole numbers");
  size_t all = xai_pickle_items(&r->object, v, part, XAI_MAX_RANK);
  if (all > XAI_MAX_RANK)
    return xai_fail(err, XAI_EUNSUPPORTED, "it has %zu dimensions (at most %d)", all, XAI_MAX_RANK);
  for (size_t i = 0; i < all; i++)
    if (!whole_number(part[i], &out[i]))
      return xai_fail(err, XAI_EFORMAT, "its size and stride are not tuples of whole numbers");
  *n = (int)all;
  return XAI_OK;
}

/* The arguments of a call that makes a tensor; a Parameter's first argument is its tensor. */
static xai_status read_call(const reader *r, const value *call, layout *l, reference *ref, xai_err *err) {
  const value *arg[8];
  int rank;
  for (int i = 0;
       i < MAX_PARAMETERS && (call->global == XAI_GLOBAL_REBUILD_PARAMETER || call->global == XAI_GLOBAL_PARAMETER);
       i++) {
    if (xai_pickle_items(&r->object, at(r, call->as.inner), arg, 1) == 0 || !is_tensor(arg[0])) break;
    call = arg[0];
  }
  size_t n = xai_pickle_items(&r->object, at(r, call->as.inner), arg, 8);
  bool v1 = call->global == XAI_GLOBAL_REBUILD_TENSOR && n == 4,
       v2 = call->global == XAI_GLOBAL_REBUILD_TENSOR_V2 && (n == 6 || n == 7);
  bool v3 = call->global == XAI_GLOBAL_REBUILD_TENSOR_V3 && (n == 7 || n == 8);
  if (!(v1 || v2 || v3) || arg[0]->kind != XAI_PICKLE_PERSISTENT || !whole_number(arg[1], &l->offset))
    return xai_fail(err, XAI_EFORMAT, "damaged pickle: the arguments of a tensor are malformed");
  XAI_TRY(read_reference(r, arg[0], ref, err));
  XAI_TRY(read_numbers(r, arg[2], l->shape.dims, &l->shape.rank, err));
  XAI_TRY(read_numbers(r, arg[3], l->stride, &rank, err));
  l->stored = ref->stored;
  if (v3 && (arg[6]->kind != XAI_PICKLE_GLOBAL || arg[6]->global != XAI_GLOBAL_DTYPE))
    return xai_fail(err, XAI_EFORMAT, "it has no element type");
  if (v3) l->stored = (xai_stored)arg[6]->dtype;
  if (rank != l->shape.rank) return xai_fail(err, XAI_EFORMAT, "it has %d sizes but %d strides", l->shape.rank, rank);
  if (!xai_shape_count(&l->shape, &l->count)) {
    char text[XAI_SHAPE_TEXT];
    return xai_fail(err, XAI_EFORMAT, "its shape %s is too large", xai_shape_text(&l->shape, text));
  }
  return XAI_OK;
}

/* offset + sum of (size - 1) * stride, the last element, must lie in the storage. */
static xai_status check_bounds(const layout *l, int64_t elements, xai_err *err) {
  int64_t last = l->offset, step;
  bool inside = true;
  for (int d = 0; d < l->shape.rank && inside; d++)
    inside = !__builtin_mul_overflow(l->shape.dims[d] - 1, l->stride[d], &step) &&
             !__builtin_add_overflow(last, step, &last);
  if (inside && last < elements) return XAI_OK;
  return xai_fail(err, XAI_EFORMAT, "it reaches beyond the %" PRId64 " elements of its storage", elements);
}

static bool is_contiguous(const layout *l) {
  int64_t step = 1;
  for (int d = l->shape.rank; d-- > 0; step *= l->shape.dims[d])
    if (l->shape.dims[d] != 1 && l->stride[d] != step) return false;
  return true;
}

/* Every byte that is not used where it lies in the file. */
static xai_status charge(reader *r, uint64_t bytes, xai_err *err) {
  uint64_t limit = (UINT64_C(64) << 20) + 4 * (uint64_t)xai_file_size(r->file);
  if (bytes > limit - r->copied)
    return xai_fail(err, XAI_EFORMAT, "copies of tensors exceed %.0f MB (64 MiB and four times the file's size)",
                    (double)limit / 1e6);
  r->copied += bytes;
  return XAI_OK;
}

/* The elements in row-major order, in a block of their own. */
static xai_status gather(const layout *l, const unsigned char *from, xai_tensor **out, xai_err *err) {
  size_t size = xai_stored_size(l->stored), bytes = (size_t)l->count * size;
  unsigned char *rows = xai_alloc(bytes);
  if (rows == NULL) return xai_fail_memory(err, bytes);
  xk_gather_strided(size, l->shape.rank, l->shape.dims, l->stride, 0, from, rows);
  xai_status st = xai_stored_tensor(l->stored, l->shape, NULL, rows, out, err);
  xai_free(rows);
  return st;
}

static xai_status read_tensor(reader *r, const value *call, xai_tensor **out, xai_err *err) {
  layout l = {0};
  reference ref;
  storage *s;
  XAI_TRY(read_call(r, call, &l, &ref, err));
  XAI_TRY(find_storage(r, &ref, &s, err));
  if (l.count == 0) return xai_tensor_new(xai_stored_dtype(l.stored), l.shape, out, err);
  size_t size = xai_stored_size(l.stored), unit = xai_stored_size(ref.stored);
  XAI_TRY(check_bounds(&l, ref.count / (int64_t)(size / unit > 0 ? size / unit : 1), err));
  const unsigned char *from = s->bytes + (size_t)ref.first * unit + (size_t)l.offset * size;
  bool contiguous = is_contiguous(&l), mapped = s->block == NULL && contiguous;
  if (!mapped || !xai_stored_same(l.stored) || (uintptr_t)from % size != 0)
    XAI_TRY(charge(r, (uint64_t)l.count * xai_dtype_size(xai_stored_dtype(l.stored)), err));
  if (!contiguous) return gather(&l, from, out, err);
  return xai_stored_tensor(l.stored, l.shape, mapped ? r->file : NULL, from, out, err);
}

/* ---- the dictionary --------------------------------------------------------------------------------- */

static xai_status no_tensors(const reader *r, const value *dict, xai_err *err) {
  char list[200] = "";
  size_t used = 0;
  uint32_t item = dict->as.items.first;
  for (size_t i = 0; i < dict->n && i < 10; i++, item = r->object.items[item].next) {
    const value *key = at(r, r->object.items[item].value);
    if (i % 2 == 0 && key->kind == XAI_PICKLE_STRING)
      xai_str_append(list, sizeof list, &used, " '%.*s'", key->n < 30 ? (int)key->n : 30, key->as.text);
  }
  return xai_fail(
      err, XAI_EUNSUPPORTED,
      "no tensors in it (expected a state_dict, or one under state_dict, model, model_state_dict or net)%s%s",
      used > 0 ? "; it has" : "", list);
}

/* Follows the wrappers down to the innermost dictionary. One that holds itself has no innermost. */
static xai_status unwrap(const reader *r, const value **dict, xai_err *err) {
  for (int depth = 0; depth < MAX_WRAPPERS; depth++) {
    const value *inner = NULL;
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers && inner == NULL; i++) {
      inner = xai_pickle_find(&r->object, *dict, wrappers[i]);
      if (inner != NULL && inner->kind != XAI_PICKLE_DICT) inner = NULL;
    }
    if (inner == NULL) return XAI_OK;
    *dict = inner;
  }
  return xai_fail(err, XAI_EFORMAT, "dictionaries nested deeper than %d", MAX_WRAPPERS);
}

static xai_status check_key(const value *key, xai_err *err) {
  if (key->kind != XAI_PICKLE_STRING) return xai_fail(err, XAI_EUNSUPPORTED, "a tensor whose name is not a string");
  if (memchr(key->as.text, '\0', key->n) != NULL || !xai_str_utf8(key->as.text, key->n))
    return xai_fail(err, XAI_EFORMAT, "a tensor whose name holds NUL or is no UTF-8");
  return XAI_OK;
}

static xai_status add_tensor(reader *r, const value *key, size_t skip, const value *call, xai_err *err) {
  xai_tensor *t = NULL;
  size_t n = key->n - skip;
  char *name = xai_alloc(n + 1);
  if (name == NULL) return xai_fail_memory(err, n + 1);
  memcpy(name, key->as.text + skip, n);
  name[n] = '\0';
  xai_status st = xai_err_prefix(err, read_tensor(r, call, &t, err), "tensor '%.100s': ", name);
  if (st == XAI_OK) st = xai_archive_add(&r->archive, name, t, err);
  xai_tensor_free(t);
  xai_free(name);
  return st;
}

/* Two walks: what the names have in common, then the tensors. */
static xai_status read_dictionary(reader *r, const value *dict, xai_err *err) {
  size_t n = 0, prefix = sizeof data_parallel - 1;
  for (int walk = 0; walk < 2; walk++) {
    uint32_t item = dict->as.items.first;
    for (size_t i = 0; i < dict->n; i += 2) {
      const xai_pickle_item *k = &r->object.items[item], *v = &r->object.items[k->next];
      const value *key = at(r, k->value), *call = at(r, v->value);
      item = v->next;
      if (!is_tensor(call)) continue;
      if (walk == 1) {
        XAI_TRY(add_tensor(r, key, prefix, call, err));
        continue;
      }
      XAI_TRY(check_key(key, err));
      if (n++ == MAX_TENSORS) return xai_fail(err, XAI_EFORMAT, "more than %d tensors", MAX_TENSORS);
      if (key->n <= prefix || memcmp(key->as.text, data_parallel, prefix) != 0) prefix = 0;
    }
    if (n == 0) return no_tensors(r, dict, err);
  }
  if (prefix > 0) XAI_TRY(xai_archive_add_meta(&r->archive, "prefix", data_parallel, err));
  return xai_archive_check_names(&r->archive, XAI_EFORMAT, err);
}

static xai_status read_object(reader *r, xai_err *err) {
  static const char alone[] = "data";
  const value *root = at(r, r->object.root);
  if (is_tensor(root))
    return add_tensor(r, &(value){.kind = XAI_PICKLE_STRING, .n = sizeof alone - 1, .as.text = alone}, 0, root, err);
  if (root->kind != XAI_PICKLE_DICT)
    return xai_fail(
        err, XAI_EUNSUPPORTED,
        "neither a tensor nor a dictionary of tensors: in PyTorch, torch.save(model.state_dict(), 'x.pth')");
  XAI_TRY(unwrap(r, &root, err));
  return read_dictionary(r, root, err);
}

static xai_status finish(reader *r, xai_status st, xai_archive *out) {
  if (st == XAI_OK)
    *out = r->archive;
  else
    xai_archive_free(&r->archive);
  for (size_t i = 0; i < r->n; i++) xai_free(r->storages[i].block);
  xai_free(r->storages);
  xai_free(r->folder);
  xai_pickle_free(&r->object);
  return st;
}

/* ---- zip archives ----------------------------------------------------------------------------------- */

/* The one folder: where the member ".../data.pkl" is. */
static xai_status find_folder(reader *r, const xai_zip_member **pickle, xai_err *err) {
  static const char name[] = "/data.pkl";
  *pickle = NULL;
  for (size_t i = 0; i < r->zip->n; i++) {
    const xai_zip_member *m = &r->zip->members[i];
    size_t n = strlen(m->name);
    if (n < sizeof name || strcmp(m->name + n - (sizeof name - 1), name) != 0) continue;
    if (*pickle != NULL)
      return xai_fail(err, XAI_EFORMAT, "two objects: '%.100s' and '%.100s'", (*pickle)->name, m->name);
    *pickle = m;
  }
  if (*pickle == NULL) return xai_fail(err, XAI_EFORMAT, "no member '.../data.pkl'");
  r->folder = xai_strdup((*pickle)->name);
  if (r->folder == NULL) return xai_fail_memory(err, strlen((*pickle)->name));
  r->folder[strlen(r->folder) - (sizeof name - 1) + 1] = '\0';
  return XAI_OK;
}

/* TorchScript saves a program in the same kind of archive. */
static xai_status refuse_script(const reader *r, xai_err *err) {
  size_t n = strlen(r->folder);
  for (size_t i = 0; i < r->zip->n; i++) {
    const char *name = r->zip->members[i].name;
    if (strncmp(name, r->folder, n) == 0 &&
        (strcmp(name + n, "constants.pkl") == 0 || xai_str_starts(name + n, "code/")))
      return xai_fail(
          err, XAI_EUNSUPPORTED,
          "a TorchScript archive, not weights: in PyTorch, torch.save(torch.jit.load('x.pt').state_dict(), 'x.pth')");
  }
  return XAI_OK;
}

/* The text of a small member, without the white space at its end; "" when there is none. */
static xai_status read_note(const reader *r, const char *note, char *out, size_t room, xai_err *err) {
  char name[4200];
  const unsigned char *bytes;
  unsigned char *block = NULL;
  snprintf(name, sizeof name, "%s%s", r->folder, note);
  const xai_zip_member *m = xai_zip_find(r->zip, name);
  out[0] = '\0';
  if (m == NULL) return XAI_OK;
  if (m->size >= room) return xai_fail(err, XAI_EFORMAT, "its %s is %" PRIu64 " bytes long", note, m->size);
  XAI_TRY(xai_zip_read(m, &bytes, &block, err));
  size_t n = (size_t)m->size;
  while (n > 0 && bytes[n - 1] <= ' ') n--;
  memcpy(out, bytes, n);
  out[n] = '\0';
  xai_free(block);
  return XAI_OK;
}

static xai_status check_notes(const reader *r, xai_err *err) {
  enum { NEWEST = 10 };
  char text[24];
  XAI_TRY(read_note(r, "byteorder", text, sizeof text, err));
  if (strcmp(text, "big") == 0)
    return xai_fail(err, XAI_EUNSUPPORTED, "its bytes are in big-endian order (expected little)");
  if (text[0] != '\0' && strcmp(text, "little") != 0)
    return xai_fail(err, XAI_EFORMAT, "its byteorder is '%s' (expected little)", text);
  XAI_TRY(read_note(r, "version", text, sizeof text, err));
  long version = text[0] == '\0' ? 1 : strtol(text, NULL, 10);
  if (version < 1 || version > NEWEST)
    return xai_fail(err, XAI_EUNSUPPORTED, "version '%s' of the .pth format (expected 1 to %d)", text, NEWEST);
  return XAI_OK;
}

xai_status xai_pth_parse_zip(const xai_zip *zip, xai_archive *out, xai_err *err) {
  reader r = {.file = zip->file, .zip = zip};
  const xai_zip_member *pickle;
  const unsigned char *bytes;
  unsigned char *block = NULL;
  xai_status st;
  XAI_GOTO(find_folder(&r, &pickle, err));
  XAI_GOTO(refuse_script(&r, err));
  XAI_GOTO(check_notes(&r, err));
  XAI_GOTO(xai_zip_read(pickle, &bytes, &block, err));
  xai_cursor c = {bytes, bytes + pickle->size};
  XAI_GOTO(xai_pickle_read(&c, &r.object, err));
  if (xai_cursor_left(&c) > 0) {
    st = xai_fail(err, XAI_EFORMAT, "%zu bytes after the pickle in '%.100s'", xai_cursor_left(&c), pickle->name);
    goto done;
  }
  r.storages = xai_calloc(zip->n, sizeof *r.storages);
  if (r.storages == NULL) {
    st = xai_fail_memory(err, zip->n * sizeof *r.storages);
    goto done;
  }
  r.n = zip->n;
  st = read_object(&r, err);
done:
  st = finish(&r, st, out);
  xai_free(block);
  return st;
}

/* ---- files before 1.6 ------------------------------------------------------------------------------- */

/* The magic number and the two pickles after it. */
static xai_status check_front(xai_cursor *c, xai_err *err) {
  static const char magic[] = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  for (int i = 0; i < 3; i++) {
    xai_pickle p = {0};
    xai_status st = xai_pickle_read(c, &p, err);
    const value *root = st == XAI_OK ? xai_pickle_get(&p, p.root) : NULL;
    if (st != XAI_OK) { /* in the first pickle anything may be wrong: it is somebody else's */
    } else if (i == 0 && (root->kind != XAI_PICKLE_BIG || root->n != sizeof magic - 1 ||
                          memcmp(root->as.text, magic, root->n) != 0)) {
      st = xai_fail(err, XAI_EUNSUPPORTED,
                    "a Python pickle, but not a checkpoint of PyTorch (it does not start with its magic number)");
    } else if (i == 1 && (root->kind != XAI_PICKLE_INT || root->as.i != 1001)) {
      st = xai_fail(err, XAI_EUNSUPPORTED, "another version of PyTorch's format than 1001");
    } else if (i == 2 && root->kind == XAI_PICKLE_DICT) {
      const value *little = xai_pickle_find(&p, root, "little_endian");
      if (little != NULL && little->kind == XAI_PICKLE_BOOL && little->as.i == 0)
        st = xai_fail(err, XAI_EUNSUPPORTED, "its bytes are in big-endian order (expected little)");
    }
    xai_pickle_free(&p);
    if (st != XAI_OK) return st;
  }
  return XAI_OK;
}

/* Every storage that the object mentions, once, sorted. */
static xai_status collect_storages(reader *r, xai_err *err) {
  size_t mentioned = 0, n = 0;
  for (size_t i = 0; i < r->object.n; i++) mentioned += r->object.values[i].kind == XAI_PICKLE_PERSISTENT;
  r->storages = xai_calloc(mentioned, sizeof *r->storages);
  if (r->storages == NULL) return xai_fail_memory(err, mentioned * sizeof *r->storages);
  for (size_t i = 0; i < r->object.n; i++) {
    reference ref;
    if (r->object.values[i].kind != XAI_PICKLE_PERSISTENT) continue;
    XAI_TRY(read_reference(r, &r->object.values[i], &ref, err));
    r->storages[n++] = (storage){.key = ref.key, .element = xai_stored_size(ref.stored), .count = ref.whole};
  }
  if (n > 0) qsort(r->storages, n, sizeof *r->storages, by_key);
  for (size_t i = 0; i < n; i++) {
    storage *s = &r->storages[i], *last = r->n > 0 ? &r->storages[r->n - 1] : NULL;
    if (last == NULL || by_key(last, s) != 0)
      r->storages[r->n++] = *s;
    else if (last->element != s->element || last->count != s->count)
      return xai_fail(err, XAI_EFORMAT, "storage '%.*s' is mentioned with two sizes", (int)s->key->n, s->key->as.text);
  }
  return XAI_OK;
}

/* One storage: how many elements, then they. */
static xai_status take_storage(const reader *r, const value *key, xai_cursor *c, xai_err *err) {
  uint64_t count;
  storage *s = key->kind == XAI_PICKLE_STRING ? find_listed(r, key) : NULL;
  if (s == NULL || s->listed)
    return xai_fail(err, XAI_EFORMAT, "its list of storages names one that no tensor has, or one twice");
  s->listed = true;
  if (!xai_cursor_u64(c, &count))
    return xai_fail(err, XAI_EFORMAT, "the file ends before storage '%.*s'", (int)key->n, key->as.text);
  if (count != (uint64_t)s->count)
    return xai_fail(err, XAI_EFORMAT, "storage '%.*s' has %" PRIu64 " elements, expected %" PRId64, (int)key->n,
                    key->as.text, count, s->count);
  if (count > xai_cursor_left(c) / s->element || !xai_cursor_take(c, (size_t)count * s->element, &s->bytes))
    return xai_fail(err, XAI_EFORMAT, "the file ends inside storage '%.*s' (is it cut off?)", (int)key->n,
                    key->as.text);
  return XAI_OK;
}

static xai_status take_storages(reader *r, xai_cursor *c, xai_err *err) {
  xai_pickle keys = {0};
  XAI_TRY(xai_pickle_read(c, &keys, err));
  const value *list = xai_pickle_get(&keys, keys.root);
  xai_status st = XAI_OK;
  if (list->kind != XAI_PICKLE_LIST || list->n != r->n)
    st = xai_fail(err, XAI_EFORMAT, "damaged pickle: expected a list of the %zu storages", r->n);
  uint32_t item = list->as.items.first;
  for (size_t i = 0; st == XAI_OK && i < list->n; i++, item = keys.items[item].next)
    st = take_storage(r, xai_pickle_get(&keys, keys.items[item].value), c, err);
  if (st == XAI_OK && xai_cursor_left(c) > 0)
    st = xai_fail(err, XAI_EFORMAT, "%zu bytes after the last storage", xai_cursor_left(c));
  xai_pickle_free(&keys);
  return st;
}

xai_status xai_pth_parse_legacy(xai_file *file, xai_archive *out, xai_err *err) {
  reader r = {.file = file};
  xai_cursor c = {xai_file_data(file), xai_file_data(file) + xai_file_size(file)};
  xai_status st;
  XAI_GOTO(check_front(&c, err));
  XAI_GOTO(xai_pickle_read(&c, &r.object, err));
  XAI_GOTO(collect_storages(&r, err));
  XAI_GOTO(take_storages(&r, &c, err));
  st = read_object(&r, err);
done:
  return xai_err_prefix(err, finish(&r, st, out), "%s: ", xai_file_path(file));
}
