/* formats/safetensors.c: named tensors in the safetensors format.
 *
 *   8 bytes   N, little-endian
 *   N bytes   JSON, UTF-8, starts with '{', may end in spaces:
 *             {"__metadata__": {string: string, ...},              optional
 *              name: {"dtype": "F32", "shape": [4, 3], "data_offsets": [begin, end]}, ...}
 *   the rest  the elements, little-endian, row-major; offsets count from here
 *
 * Sorted by offset the ranges must follow each other without a gap or an overlap and fill the rest exactly, and each
 * must be as long as its shape and dtype say. Names may not repeat. Unknown keys inside an entry are ignored.
 *
 * The header is cut into members here and cJSON sees one member's text at a time, so that its tree (over a hundred
 * bytes per number) stays small whatever the file. The dtypes of 8 bits and less that are no integers, the complex
 * ones and U64 are not supported. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "formats/formats.h"
#include "formats/json.h"

enum { MAX_HEADER = 16 << 20, MAX_TENSORS = 65536, MAX_ENTRY = 65536 };
static const char metadata_key[] = "__metadata__";

static const struct {
  const char *name;
  xai_stored stored;
} dtypes[] = {
    {"F32", XAI_STORED_F32}, {"F16", XAI_STORED_F16}, {"BF16", XAI_STORED_BF16}, {"F64", XAI_STORED_F64},
    {"I64", XAI_STORED_I64}, {"I32", XAI_STORED_I32}, {"I16", XAI_STORED_I16},   {"I8", XAI_STORED_I8},
    {"U32", XAI_STORED_U32}, {"U16", XAI_STORED_U16}, {"U8", XAI_STORED_U8},     {"BOOL", XAI_STORED_BOOL},
};
enum { N_DTYPES = sizeof dtypes / sizeof *dtypes };

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

static xai_status bad_json(xai_err *err) { return xai_fail(err, XAI_EFORMAT, "the header is not valid JSON"); }

static xai_status parse_json(xai_json text, cJSON **out, xai_err *err) {
  xai_status st = xai_json__parse(text, out, err);
  return st == XAI_EFORMAT ? bad_json(err) : st;
}

static xai_status parse_string(xai_json text, char **out, xai_err *err) {
  xai_status st = xai_json__string(text, out, err);
  return st == XAI_EFORMAT ? bad_json(err) : st;
}

/* A whole number below 2^53: cJSON keeps doubles, which are exact up to there. */
static bool whole(const cJSON *number, int64_t *out) {
  if (!cJSON_IsNumber(number) || !(number->valuedouble >= 0 && number->valuedouble < 0x1p53)) return false;
  *out = (int64_t)number->valuedouble;
  return (double)*out == number->valuedouble;
}

/* ---- reading -------------------------------------------------------------------------------------------------------
 */

typedef struct record {
  char *name;
  xai_stored stored;
  xai_shape shape;
  int64_t begin, end;
} record;

typedef struct reader {
  record *records;
  size_t n, room;
  bool has_metadata;
  xai_archive archive; /* what has been built of the result */
} reader;

typedef xai_status visitor(reader *r, char *key, xai_json value, xai_err *err);

/* Calls visit for every member of an object that fills the text. */
static xai_status each_member(reader *r, xai_json object, visitor *visit, xai_err *err) {
  if (!xai_json__take(&object, '{')) return bad_json(err);
  if (!xai_json__take(&object, '}')) {
    do {
      xai_json key_text, value;
      if (!xai_json__value(&object, &key_text) || !xai_json__take(&object, ':') || !xai_json__value(&object, &value))
        return bad_json(err);
      char *key = NULL;
      XAI_TRY(parse_string(key_text, &key, err));
      xai_status st = visit(r, key, value, err);
      xai_free(key);
      XAI_TRY(st);
    } while (xai_json__take(&object, ','));
    if (!xai_json__take(&object, '}')) return bad_json(err);
  }
  xai_json__space(&object);
  return object.at == object.end ? XAI_OK : bad_json(err);
}

static xai_status visit_metadata(reader *r, char *key, xai_json value, xai_err *err) {
  char *text = NULL;
  if (r->archive.n_meta == MAX_TENSORS) return xai_fail(err, XAI_EFORMAT, "more than %d metadata strings", MAX_TENSORS);
  XAI_TRY(parse_string(value, &text, err));
  xai_status st = xai_archive_add_meta(&r->archive, key, text, err);
  xai_free(text);
  return st;
}

static xai_status read_dtype(const cJSON *value, xai_stored *out, xai_err *err) {
  if (!cJSON_IsString(value)) return xai_fail(err, XAI_EFORMAT, "its dtype is not a string");
  for (int i = 0; i < N_DTYPES; i++)
    if (strcmp(value->valuestring, dtypes[i].name) == 0) {
      *out = dtypes[i].stored;
      return XAI_OK;
    }
  char list[100] = "";
  size_t used = 0;
  for (int i = 0; i < N_DTYPES; i++) xai_str_append(list, sizeof list, &used, " %s", dtypes[i].name);
  return xai_fail(err, XAI_EUNSUPPORTED, "its dtype '%.20s' is not supported (expected one of%s)", value->valuestring,
                  list);
}

static xai_status read_shape(const cJSON *value, xai_shape *out, xai_err *err) {
  const cJSON *dim;
  xai_shape s = {0};
  int64_t count;
  if (!cJSON_IsArray(value)) return xai_fail(err, XAI_EFORMAT, "its shape is not a list");
  cJSON_ArrayForEach(dim, value) {
    if (s.rank == XAI_MAX_RANK) return xai_fail(err, XAI_EUNSUPPORTED, "it has more than %d dimensions", XAI_MAX_RANK);
    if (!whole(dim, &s.dims[s.rank]))
      return xai_fail(err, XAI_EFORMAT, "its shape holds something else than whole numbers");
    s.rank++;
  }
  if (!xai_shape_count(&s, &count)) {
    char text[XAI_SHAPE_TEXT];
    return xai_fail(err, XAI_EFORMAT, "its shape %s is too large", xai_shape_text(&s, text));
  }
  *out = s;
  return XAI_OK;
}

static xai_status read_offsets(const cJSON *value, record *e, xai_err *err) {
  if (!cJSON_IsArray(value) || cJSON_GetArraySize(value) != 2 || !whole(value->child, &e->begin) ||
      !whole(value->child->next, &e->end) || e->begin > e->end)
    return xai_fail(err, XAI_EFORMAT, "its data_offsets are not two whole numbers in order");
  return XAI_OK;
}

static xai_status read_record(const cJSON *entry, record *e, xai_err *err) {
  enum { DTYPE = 1, SHAPE = 2, OFFSETS = 4, ALL = 7 };
  int seen = 0;
  const cJSON *child;
  if (!cJSON_IsObject(entry)) return xai_fail(err, XAI_EFORMAT, "its description is not an object");
  cJSON_ArrayForEach(child, entry) {
    const char *key = child->string;
    int what = strcmp(key, "dtype") == 0          ? DTYPE
               : strcmp(key, "shape") == 0        ? SHAPE
               : strcmp(key, "data_offsets") == 0 ? OFFSETS
                                                  : 0;
    if (seen & what) return xai_fail(err, XAI_EFORMAT, "its %s is given twice", key);
    seen |= what;
    if (what == DTYPE) XAI_TRY(read_dtype(child, &e->stored, err));
    if (what == SHAPE) XAI_TRY(read_shape(child, &e->shape, err));
    if (what == OFFSETS) XAI_TRY(read_offsets(child, e, err));
  }
  if (seen != ALL)
    return xai_fail(err, XAI_EFORMAT, "its %s is missing",
                    !(seen & DTYPE)   ? "dtype"
                    : !(seen & SHAPE) ? "shape"
                                      : "data_offsets");
  /* cannot overflow: read_shape has bounded the count by 2^33 */
  int64_t bytes = xai_shape_size(&e->shape) * (int64_t)xai_stored_size(e->stored);
  if (e->end - e->begin != bytes)
    return xai_fail(err, XAI_EFORMAT, "it has %" PRId64 " bytes, but its shape and dtype need %" PRId64,
                    e->end - e->begin, bytes);
  return XAI_OK;
}

/* One more record, owned by the reader. */
static xai_status add_record(reader *r, const record *e, xai_err *err) {
  if (r->n == r->room) {
    size_t room = r->room == 0 ? 16 : 2 * r->room;
    record *more = xai_realloc(r->records, room * sizeof *more);
    if (more == NULL) return xai_fail_memory(err, room * sizeof *more);
    r->records = more;
    r->room = room;
  }
  r->records[r->n] = *e;
  r->records[r->n].name = xai_strdup(e->name);
  if (r->records[r->n].name == NULL) return xai_fail_memory(err, strlen(e->name));
  r->n++;
  return XAI_OK;
}

static xai_status visit_entry(reader *r, char *key, xai_json value, xai_err *err) {
  if (strcmp(key, metadata_key) == 0) {
    if (r->has_metadata) return xai_fail(err, XAI_EFORMAT, "%s is given twice", metadata_key);
    r->has_metadata = true;
    return xai_err_prefix(err, each_member(r, value, visit_metadata, err), "%s: ", metadata_key);
  }
  if (r->n == MAX_TENSORS) return xai_fail(err, XAI_EFORMAT, "more than %d tensors", MAX_TENSORS);
  if (value.end - value.at > MAX_ENTRY)
    return xai_fail(err, XAI_EFORMAT, "the description of tensor '%.100s' is too long", key);
  cJSON *tree;
  XAI_TRY(parse_json(value, &tree, err));
  record e = {.name = key};
  xai_status st = xai_err_prefix(err, read_record(tree, &e, err), "tensor '%.100s': ", key);
  cJSON_Delete(tree);
  return st == XAI_OK ? add_record(r, &e, err) : st;
}

static int by_name(const void *a, const void *b) {
  return strcmp((*(record *const *)a)->name, (*(record *const *)b)->name);
}

static int by_offset(const void *a, const void *b) {
  const record *x = *(record *const *)a, *y = *(record *const *)b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  return (x->end > y->end) - (x->end < y->end);
}

static int pair_by_key(const void *a, const void *b) {
  return strcmp((*(xai_pair *const *)a)->key, (*(xai_pair *const *)b)->key);
}

/* No name twice; the ranges fill [0, bytes) exactly. */
static xai_status check_records(const reader *r, int64_t bytes, xai_err *err) {
  xai_status st = XAI_OK;
  int64_t filled = 0;
  record **sorted = xai_alloc(r->n * sizeof *sorted);
  if (sorted == NULL) return xai_fail_memory(err, r->n * sizeof *sorted);
  for (size_t i = 0; i < r->n; i++) sorted[i] = &r->records[i];
  qsort(sorted, r->n, sizeof *sorted, by_name);
  for (size_t i = 1; i < r->n && st == XAI_OK; i++)
    if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
      st = xai_fail(err, XAI_EFORMAT, "tensor '%.100s' is given twice", sorted[i]->name);
  qsort(sorted, r->n, sizeof *sorted, by_offset);
  for (size_t i = 0; i < r->n && st == XAI_OK; filled = sorted[i++]->end)
    if (sorted[i]->begin != filled || sorted[i]->end > bytes)
      st = xai_fail(err, XAI_EFORMAT,
                    "tensor '%.100s' lies at %" PRId64 "..%" PRId64 ", expected a start at %" PRId64
                    " and an end by %" PRId64 "%s",
                    sorted[i]->name, sorted[i]->begin, sorted[i]->end, filled, bytes,
                    sorted[i]->end > bytes ? " (is the file cut off?)" : "");
  if (st == XAI_OK && filled != bytes)
    st = xai_fail(err, XAI_EFORMAT, "%" PRId64 " bytes of data belong to no tensor", bytes - filled);
  xai_free(sorted);
  return st;
}

/* No key twice; 'fault' is what it is called when one is. */
static xai_status check_metadata(const xai_archive *a, xai_status fault, xai_err *err) {
  xai_status st = XAI_OK;
  xai_pair **sorted = xai_alloc(a->n_meta * sizeof *sorted);
  if (sorted == NULL) return xai_fail_memory(err, a->n_meta * sizeof *sorted);
  for (size_t i = 0; i < a->n_meta; i++) sorted[i] = &a->meta[i];
  qsort(sorted, a->n_meta, sizeof *sorted, pair_by_key);
  for (size_t i = 1; i < a->n_meta && st == XAI_OK; i++)
    if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
      st = xai_fail(err, fault, "%s: '%.100s' is given twice", metadata_key, sorted[i]->key);
  xai_free(sorted);
  return st;
}

static xai_status find_header(xai_file *file, xai_json *header, xai_cursor *data, xai_err *err) {
  uint64_t n;
  *data = (xai_cursor){xai_file_data(file), xai_file_data(file) + xai_file_size(file)};
  if (!xai_cursor_u64(data, &n)) return xai_fail(err, XAI_EFORMAT, "too short for a safetensors file");
  if (n > MAX_HEADER) return xai_fail(err, XAI_EFORMAT, "a header of %" PRIu64 " bytes (at most %d)", n, MAX_HEADER);
  const unsigned char *text;
  if (!xai_cursor_take(data, (size_t)n, &text))
    return xai_fail(err, XAI_EFORMAT, "the file ends inside its header of %" PRIu64 " bytes", n);
  *header = (xai_json){(const char *)text, (const char *)text + n};
  if (n == 0 || *header->at != '{' || !xai_str_utf8(header->at, (size_t)n)) return bad_json(err);
  return XAI_OK;
}

xai_status xai_safetensors_parse(xai_file *file, xai_archive *out, xai_err *err) {
  reader r = {0};
  xai_json header;
  xai_cursor data;
  xai_status st;
  XAI_GOTO(find_header(file, &header, &data, err));
  xai_json__begin();
  st = each_member(&r, header, visit_entry, err);
  xai_json__end();
  if (st != XAI_OK) goto done;
  XAI_GOTO(check_metadata(&r.archive, XAI_EFORMAT, err));
  XAI_GOTO(check_records(&r, (int64_t)xai_cursor_left(&data), err));
  for (size_t i = 0; i < r.n; i++) {
    const record *e = &r.records[i];
    xai_tensor *t;
    XAI_GOTO(xai_stored_tensor(e->stored, e->shape, file, data.at + e->begin, &t, err));
    st = xai_archive_add(&r.archive, e->name, t, err);
    xai_tensor_free(t);
    if (st != XAI_OK) goto done;
  }
  *out = r.archive;
  r.archive = (xai_archive){0};
done:
  xai_err_prefix(err, st, "%s: ", xai_file_path(file));
  for (size_t i = 0; i < r.n; i++) xai_free(r.records[i].name);
  xai_free(r.records);
  xai_archive_free(&r.archive);
  return st;
}

/* ---- writing ------------------------------------------------------------------------------------ */

/* How an element is stored, and its size in bytes. */
static const char *dtype_text(xai_dtype dtype, bool halves) {
  static const char *const text[] = {
      [XAI_F32] = "F32", [XAI_I64] = "I64", [XAI_I32] = "I32", [XAI_U8] = "U8", [XAI_BOOL] = "BOOL"};
  return halves && dtype == XAI_F32 ? "F16" : text[dtype];
}

static size_t stored_size(xai_dtype dtype, bool halves) {
  return halves && dtype == XAI_F32 ? 2 : xai_dtype_size(dtype);
}

static size_t stored_bytes(const xai_archive *a, const xai_entry *e) {
  return xai_tensor_count(e->tensor) * stored_size(xai_tensor_view(e->tensor)->dtype, a->halves);
}

static void add_number(xai_buf *b, int64_t v) {
  char text[24];
  snprintf(text, sizeof text, "%" PRId64, v);
  xai_json__put(b, text);
}

static int entry_by_name(const void *a, const void *b) {
  return strcmp((*(const xai_entry *const *)a)->name, (*(const xai_entry *const *)b)->name);
}

/* The order in the file: falling element size, so that everything lies aligned, then name. */
static int by_size(const void *a, const void *b, bool halves) {
  size_t x = stored_size(xai_tensor_view((*(const xai_entry *const *)a)->tensor)->dtype, halves);
  size_t y = stored_size(xai_tensor_view((*(const xai_entry *const *)b)->tensor)->dtype, halves);
  return x != y ? (x < y) - (x > y) : entry_by_name(a, b);
}
static int entry_by_size(const void *a, const void *b) { return by_size(a, b, false); }
static int entry_by_half_size(const void *a, const void *b) { return by_size(a, b, true); }

static xai_status check_writable(const xai_archive *a, const xai_entry **sorted, xai_err *err) {
  if (a->n > MAX_TENSORS || a->n_meta > MAX_TENSORS)
    return xai_fail(err, XAI_EARG, "more than %d tensors or metadata strings", MAX_TENSORS);
  XAI_TRY(check_metadata(a, XAI_EARG, err));
  for (size_t i = 0; i < a->n_meta; i++)
    if (!xai_str_utf8(a->meta[i].key, strlen(a->meta[i].key)) ||
        !xai_str_utf8(a->meta[i].value, strlen(a->meta[i].value)))
      return xai_fail(err, XAI_EARG, "metadata '%.100s' is not valid UTF-8", a->meta[i].key);
  for (size_t i = 0; i < a->n; i++) {
    const char *name = sorted[i]->name;
    if (!xai_str_utf8(name, strlen(name))) return xai_fail(err, XAI_EARG, "the name '%.100s' is not valid UTF-8", name);
    if (strcmp(name, metadata_key) == 0) return xai_fail(err, XAI_EARG, "no tensor can be called '%s'", name);
    if (i > 0 && strcmp(name, sorted[i - 1]->name) == 0)
      return xai_fail(err, XAI_EARG, "tensor '%.100s' is given twice", name);
  }
  return XAI_OK;
}

static void add_metadata(xai_buf *b, const xai_archive *a) {
  xai_json__put_string(b, metadata_key);
  xai_json__put(b, ":{");
  for (size_t i = 0; i < a->n_meta; i++) {
    if (i > 0) xai_json__put(b, ",");
    xai_json__put_string(b, a->meta[i].key);
    xai_json__put(b, ":");
    xai_json__put_string(b, a->meta[i].value);
  }
  xai_json__put(b, "}");
}

static void add_entry(xai_buf *b, const char *name, const char *dtype, const xai_shape *shape, int64_t begin, int64_t bytes) {
  xai_json__put_string(b, name);
  xai_json__put(b, ":{\"dtype\":\"");
  xai_json__put(b, dtype);
  xai_json__put(b, "\",\"shape\":[");
  for (int d = 0; d < shape->rank; d++) {
    if (d > 0) xai_json__put(b, ",");
    add_number(b, shape->dims[d]);
  }
  xai_json__put(b, "],\"data_offsets\":[");
  add_number(b, begin);
  xai_json__put(b, ",");
  add_number(b, begin + bytes);
  xai_json__put(b, "]}");
}

/* Eight bytes for the header's length, and its beginning. */
static void begin_header(xai_buf *b) { xai_buf_add(b, "\0\0\0\0\0\0\0\0{", 9); }

/* Closes it, padded with spaces so that the data start at a multiple of 8. */
static void end_header(xai_buf *b) {
  xai_json__put(b, "}");
  while (!b->failed && b->size % 8 != 0) xai_json__put(b, " ");
  if (b->failed) return;
  for (int i = 0; i < 8; i++) b->data[i] = (unsigned char)((b->size - 8) >> 8 * i);
}

static void add_header(xai_buf *b, const xai_archive *a, const xai_entry *const *sorted) {
  int64_t at = 0;
  begin_header(b);
  if (a->n_meta > 0) add_metadata(b, a);
  for (size_t i = 0; i < a->n; i++) {
    if (i > 0 || a->n_meta > 0) xai_json__put(b, ",");
    const xai_view *v = xai_tensor_view(sorted[i]->tensor);
    int64_t bytes = (int64_t)stored_bytes(a, sorted[i]);
    add_entry(b, sorted[i]->name, dtype_text(v->dtype, a->halves), &v->shape, at, bytes);
    at += bytes;
  }
  end_header(b);
}

static void add_elements(xai_writer *w, const xai_archive *a, const xai_entry *e) {
  enum { PIECE = 2048 };
  unsigned char halves[2 * PIECE];
  const xai_view *v = xai_tensor_view(e->tensor);
  size_t count = xai_tensor_count(e->tensor);
  if (!a->halves || v->dtype != XAI_F32) {
    xai_writer_add(w, v->data, xai_tensor_bytes(e->tensor));
    return;
  }
  for (size_t at = 0; at < count; at += PIECE) {
    size_t n = count - at < PIECE ? count - at : PIECE;
    xai_narrow_f16((const float *)v->data + at, n, halves);
    xai_writer_add(w, halves, 2 * n);
  }
}

xai_status xai_safetensors_write(const char *path, const xai_archive *a, xai_err *err) {
  xai_status st;
  xai_buf b = {0};
  xai_writer *w = NULL;
  const xai_entry **sorted = xai_alloc(a->n * sizeof *sorted);
  if (sorted == NULL) return xai_fail_memory(err, a->n * sizeof *sorted);
  for (size_t i = 0; i < a->n; i++) sorted[i] = &a->entries[i];
  if (a->n > 0) qsort(sorted, a->n, sizeof *sorted, entry_by_name);
  st = xai_err_prefix(err, check_writable(a, sorted, err), "%s: ", path);
  if (st != XAI_OK) goto done;
  if (a->n > 0) qsort(sorted, a->n, sizeof *sorted, a->halves ? entry_by_half_size : entry_by_size);
  add_header(&b, a, sorted);
  if (!b.failed && b.size > MAX_HEADER) {
    st = xai_fail(err, XAI_EARG, "%s: the names and metadata need %zu bytes (at most %d)", path, b.size, MAX_HEADER);
    goto done;
  }
  if (b.failed) {
    st = xai_fail_memory(err, b.size);
    goto done;
  }
  XAI_GOTO(xai_writer_open(path, &w, err));
  xai_writer_add(w, b.data, b.size);
  for (size_t i = 0; i < a->n; i++) add_elements(w, a, sorted[i]);
  st = xai_writer_commit(w, err);
done:
  xai_free(sorted);
  xai_buf_free(&b);
  return st;
}

/* ---- joining ------------------------------------------------------------------------------------ */

/* A tensor of the whole: its rows are those of the parts' tensors of this name. */
typedef struct column {
  const char *name;
  xai_dtype dtype;
  xai_shape shape;
} column;

static const xai_view *find_tensor(const xai_archive *a, const char *name) {
  for (size_t i = 0; i < a->n; i++)
    if (strcmp(a->entries[i].name, name) == 0) return xai_tensor_view(a->entries[i].tensor);
  return NULL;
}

static bool same_rows(const xai_shape *a, const xai_shape *b) {
  return a->rank == b->rank && memcmp(a->dims + 1, b->dims + 1, (size_t)(a->rank - 1) * sizeof *a->dims) == 0;
}

/* Adds the rows of one more part; one without rows may have any. */
static xai_status add_rows(column *c, const xai_archive *part, size_t number, xai_err *err) {
  const xai_view *v = find_tensor(part, c->name);
  if (v == NULL) return xai_fail(err, XAI_EFORMAT, "part %zu has no tensor '%.100s'", number, c->name);
  if (v->dtype != c->dtype || v->shape.rank < 1)
    return xai_fail(err, XAI_EFORMAT, "tensor '%.100s' of part %zu has another type", c->name, number);
  if (v->shape.dims[0] == 0) return XAI_OK;
  int64_t rows = c->shape.dims[0];
  if (rows > 0 && !same_rows(&c->shape, &v->shape))
    return xai_fail(err, XAI_EFORMAT, "the rows of tensor '%.100s' of part %zu have another shape", c->name, number);
  c->shape = v->shape;
  c->shape.dims[0] += rows;
  return XAI_OK;
}

static int column_by_size(const void *a, const void *b) {
  const column *x = a, *y = b;
  size_t p = xai_dtype_size(x->dtype), q = xai_dtype_size(y->dtype);
  return p != q ? (p < q) - (p > q) : strcmp(x->name, y->name);
}

static int64_t column_bytes(const column *c) { return xai_shape_size(&c->shape) * (int64_t)xai_dtype_size(c->dtype); }

static xai_status measure_columns(const xai_archive *parts, size_t n, column *columns, xai_err *err) {
  for (size_t i = 0; i < parts[0].n; i++) {
    const xai_view *v = xai_tensor_view(parts[0].entries[i].tensor);
    columns[i] = (column){parts[0].entries[i].name, v->dtype, v->shape};
    columns[i].shape.dims[0] = 0;
    for (size_t k = 0; k < n; k++) XAI_TRY(add_rows(&columns[i], &parts[k], k + 1, err));
  }
  qsort(columns, parts[0].n, sizeof *columns, column_by_size);
  return XAI_OK;
}

xai_status xai_safetensors_join(const char *path, const xai_archive *parts, size_t n, const xai_archive *meta, xai_err *err) {
  xai_status st;
  xai_buf b = {0};
  xai_writer *w = NULL;
  if (n == 0 || parts[0].n == 0) return xai_fail(err, XAI_EARG, "%s: nothing to join", path);
  column *columns = xai_alloc(parts[0].n * sizeof *columns);
  if (columns == NULL) return xai_fail_memory(err, parts[0].n * sizeof *columns);
  st = measure_columns(parts, n, columns, err);
  if (st == XAI_OK) st = check_metadata(meta, XAI_EARG, err);
  if (st != XAI_OK) {
    xai_err_prefix(err, st, "%s: ", path);
    goto done;
  }
  begin_header(&b);
  if (meta->n_meta > 0) add_metadata(&b, meta);
  int64_t at = 0;
  for (size_t i = 0; i < parts[0].n; i++) {
    const column *c = &columns[i];
    if (i > 0 || meta->n_meta > 0) xai_json__put(&b, ",");
    add_entry(&b, c->name, dtype_text(c->dtype, false), &c->shape, at, column_bytes(c));
    at += column_bytes(c);
  }
  end_header(&b);
  if (b.failed) {
    st = xai_fail_memory(err, b.size);
    goto done;
  }
  XAI_GOTO(xai_writer_open(path, &w, err));
  xai_writer_add(w, b.data, b.size);
  for (size_t i = 0; i < parts[0].n; i++)
    for (size_t k = 0; k < n; k++) {
      const xai_view *v = find_tensor(&parts[k], columns[i].name);
      xai_writer_add(w, v->data, (size_t)xai_shape_size(&v->shape) * xai_dtype_size(v->dtype));
    }
  st = xai_writer_commit(w, err);
done:
  xai_free(columns);
  xai_buf_free(&b);
  return st;
}
