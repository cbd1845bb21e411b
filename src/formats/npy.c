/* formats/npy.c: one NumPy array.
 *
 *   93 'NUMPY'   major, minor version
 *   header length: 2 bytes (1.0) or 4 (2.0, 3.0), little-endian
 *   header: the text of a Python dictionary with exactly these keys, in any order, spaces and a newline after it:
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
 *   elements: product of the shape; column by column when fortran_order is True
 *
 * The text is read by a parser for just this: no nesting, no expressions. Structured arrays, strings, times, complex
 * numbers and objects (which are pickles, that is programs) are refused. Bytes after the elements are ignored: an
 * array may be the first of several in a stream. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "formats/formats.h"
#include "kernels/kernels.h"

enum { MAX_HEADER = 10000 }; /* NumPy's own cap */

typedef struct header {
  xai_stored stored;
  bool swapped, fortran;
  xai_shape shape;
} header;

/* ---- the dictionary ------------------------------------------------------------------------------------------------
 */

typedef struct text {
  const char *at, *end;
} text;

static void skip_space(text *t) {
  while (t->at < t->end && (*t->at == ' ' || *t->at == '\t' || *t->at == '\n' || *t->at == '\r')) t->at++;
}

static bool take_char(text *t, char c) {
  skip_space(t);
  if (t->at == t->end || *t->at != c) return false;
  t->at++;
  return true;
}

static bool take_word(text *t, const char *word) {
  size_t n = strlen(word);
  skip_space(t);
  if ((size_t)(t->end - t->at) < n || memcmp(t->at, word, n) != 0) return false;
  t->at += n;
  return true;
}

/* A quoted string of fewer than 'room' bytes, without escapes. */
static bool take_string(text *t, char *out, size_t room) {
  skip_space(t);
  if (t->at == t->end || (*t->at != '\'' && *t->at != '"')) return false;
  char quote = *t->at++;
  const char *stop = memchr(t->at, quote, (size_t)(t->end - t->at));
  if (stop == NULL || (size_t)(stop - t->at) >= room || memchr(t->at, '\\', (size_t)(stop - t->at)) != NULL)
    return false;
  memcpy(out, t->at, (size_t)(stop - t->at));
  out[stop - t->at] = '\0';
  t->at = stop + 1;
  return true;
}

/* Digits, with the L that Python 2 wrote after long ones. */
static bool take_number(text *t, int64_t *out) {
  int64_t v = 0;
  const char *start;
  skip_space(t);
  for (start = t->at; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++)
    if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *t->at - '0', &v)) return false;
  if (t->at == start) return false;
  if (t->at < t->end && *t->at == 'L') t->at++;
  *out = v;
  return true;
}

/* (), (3,), (3, 4), (3, 4,) */
static xai_status take_shape(text *t, xai_shape *out, xai_err *err) {
  xai_shape s = {0};
  int64_t count;
  if (!take_char(t, '(')) return xai_fail(err, XAI_EFORMAT, "its shape is not a tuple");
  while (!take_char(t, ')')) {
    if (s.rank == XAI_MAX_RANK) return xai_fail(err, XAI_EUNSUPPORTED, "more than %d dimensions", XAI_MAX_RANK);
    if (!take_number(t, &s.dims[s.rank]))
      return xai_fail(err, XAI_EFORMAT, "its shape holds something else than whole numbers");
    s.rank++;
    if (!take_char(t, ',')) {
      if (take_char(t, ')')) break;
      return xai_fail(err, XAI_EFORMAT, "its shape is not a tuple");
    }
  }
  if (!xai_shape_count(&s, &count)) {
    char name[XAI_SHAPE_TEXT];
    return xai_fail(err, XAI_EFORMAT, "its shape %s is too large", xai_shape_text(&s, name));
  }
  *out = s;
  return XAI_OK;
}

/* '<f4': byte order ('=' is the machine's, '|' none), kind, bytes. */
static xai_status take_descr(text *t, header *h, xai_err *err) {
  static const struct {
    char name[3];
    xai_stored stored;
  } kinds[] = {{"f2", XAI_STORED_F16}, {"f4", XAI_STORED_F32}, {"f8", XAI_STORED_F64}, {"i1", XAI_STORED_I8},
               {"i2", XAI_STORED_I16}, {"i4", XAI_STORED_I32}, {"i8", XAI_STORED_I64}, {"u1", XAI_STORED_U8},
               {"u2", XAI_STORED_U16}, {"u4", XAI_STORED_U32}, {"u8", XAI_STORED_U64}, {"b1", XAI_STORED_BOOL}};
  char descr[32];
  skip_space(t);
  if (t->at < t->end && *t->at == '[')
    return xai_fail(err, XAI_EUNSUPPORTED, "an array of structures is not supported");
  if (!take_string(t, descr, sizeof descr)) return xai_fail(err, XAI_EFORMAT, "its descr is not a string");
  if (descr[0] != '\0' && strchr("<>|=", descr[0]) != NULL)
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
      if (strcmp(descr + 1, kinds[i].name) == 0) {
        h->stored = kinds[i].stored;
        h->swapped = descr[0] == '>';
        return XAI_OK;
      }
  return xai_fail(err, XAI_EUNSUPPORTED,
                  "elements of type '%s' are not supported (expected f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1)", descr);
}

static xai_status parse_dictionary(text t, header *h, xai_err *err) {
  enum { DESCR = 1, ORDER = 2, SHAPE = 4, ALL = 7 };
  int seen = 0;
  char key[16];
  if (!take_char(&t, '{')) goto bad;
  while (!take_char(&t, '}')) {
    if (!take_string(&t, key, sizeof key) || !take_char(&t, ':')) goto bad;
    int what = strcmp(key, "descr") == 0           ? DESCR
               : strcmp(key, "fortran_order") == 0 ? ORDER
               : strcmp(key, "shape") == 0         ? SHAPE
                                                   : 0;
    if (what == 0 || (seen & what)) goto bad;
    seen |= what;
    if (what == DESCR) XAI_TRY(take_descr(&t, h, err));
    if (what == SHAPE) XAI_TRY(take_shape(&t, &h->shape, err));
    if (what == ORDER && !(h->fortran = take_word(&t, "True")) && !take_word(&t, "False")) goto bad;
    if (!take_char(&t, ',')) {
      if (!take_char(&t, '}')) goto bad;
      break;
    }
  }
  skip_space(&t);
  if (seen == ALL && t.at == t.end) return XAI_OK;
bad:
  return xai_fail(err, XAI_EFORMAT, "its header is not the dictionary with descr, fortran_order and shape");
}

/* ---- reading
 * ----------------------------------------------------------------------------------------------------------- */

static xai_status read_header(xai_cursor *c, header *h, xai_err *err) {
  const unsigned char *magic, *words;
  uint16_t short_length;
  uint32_t length = 0;
  if (!xai_cursor_take(c, 8, &magic) || memcmp(magic, "\x93NUMPY", 6) != 0)
    return xai_fail(err, XAI_EFORMAT, "not a NumPy array");
  if (magic[6] < 1 || magic[6] > 3 || magic[7] != 0)
    return xai_fail(err, XAI_EUNSUPPORTED, "version %d.%d of the .npy format (expected 1.0, 2.0 or 3.0)", magic[6],
                    magic[7]);
  bool whole = magic[6] == 1 ? xai_cursor_u16(c, &short_length) : xai_cursor_u32(c, &length);
  if (whole && magic[6] == 1) length = short_length;
  if (length > MAX_HEADER)
    return xai_fail(err, XAI_EFORMAT, "a header of %" PRIu32 " bytes (at most %d)", length, MAX_HEADER);
  if (!whole || !xai_cursor_take(c, length, &words))
    return xai_fail(err, XAI_EFORMAT, "the file ends inside its header");
  return parse_dictionary((text){(const char *)words, (const char *)words + length}, h, err);
}

/* Every element's bytes the other way round. */
static unsigned char *swap_bytes(const unsigned char *from, size_t bytes, size_t size) {
  unsigned char *to = xai_alloc(bytes);
  if (to == NULL) return NULL;
  for (size_t i = 0; i < bytes; i += size)
    for (size_t k = 0; k < size; k++) to[i + k] = from[i + size - 1 - k];
  return to;
}

/* The elements of 't' lie in column-major order; *out has them row by row. */
static xai_status transpose(const xai_tensor *t, xai_tensor **out, xai_err *err) {
  const xai_view *v = xai_tensor_view(t);
  int64_t stride[XAI_MAX_RANK], step = 1;
  xai_tensor *rows;
  XAI_TRY(xai_tensor_new_raw(v->dtype, v->shape, &rows, err));
  for (int d = 0; d < v->shape.rank; step *= v->shape.dims[d++]) stride[d] = step;
  xk_gather_strided(xai_dtype_size(v->dtype), v->shape.rank, v->shape.dims, stride, 0, v->data,
                    xai_tensor_view(rows)->data);
  *out = rows;
  return XAI_OK;
}

xai_status xai_npy_parse(xai_file *file, xai_archive *out, xai_err *err) {
  xai_cursor c = {xai_file_data(file), xai_file_data(file) + xai_file_size(file)};
  header h = {0};
  unsigned char *swapped = NULL;
  const unsigned char *data;
  xai_tensor *t = NULL;
  xai_archive a = {0};
  xai_status st;
  XAI_GOTO(read_header(&c, &h, err));
  size_t size = xai_stored_size(h.stored), bytes = (size_t)xai_shape_size(&h.shape) * size;
  if (!xai_cursor_take(&c, bytes, &data)) {
    st = xai_fail(err, XAI_EFORMAT, "%zu bytes of elements, but its shape and type need %zu (is the file cut off?)",
                  xai_cursor_left(&c), bytes);
    goto done;
  }
  if (h.swapped && size > 1) {
    data = swapped = swap_bytes(data, bytes, size);
    if (swapped == NULL) {
      st = xai_fail_memory(err, bytes);
      goto done;
    }
  }
  XAI_GOTO(xai_stored_tensor(h.stored, h.shape, swapped == NULL ? file : NULL, data, &t, err));
  if (h.fortran && h.shape.rank > 1) {
    xai_tensor *rows;
    XAI_GOTO(transpose(t, &rows, err));
    xai_tensor_free(t);
    t = rows;
  }
  XAI_GOTO(xai_archive_add(&a, "data", t, err));
  *out = a;
done:
  xai_err_prefix(err, st, "%s: ", xai_file_path(file));
  xai_free(swapped);
  xai_tensor_free(t);
  return st;
}

/* ---- writing
 * ------------------------------------------------------------------------------------------------------------ */

xai_status xai_npy_write(const char *path, const xai_tensor *t, xai_err *err) {
  static const char *const descr[] = {
      [XAI_F32] = "<f4", [XAI_I64] = "<i8", [XAI_I32] = "<i4", [XAI_U8] = "|u1", [XAI_BOOL] = "|b1"};
  enum { FRONT = 10, ROOM = 64 * 6 }; /* magic, version, length; the dictionary takes 56 + 8 * 21 bytes at most */
  const xai_view *v = xai_tensor_view(t);
  char dims[XAI_MAX_RANK * 21 + 1] = "", front[ROOM + 1];
  size_t used = 0;
  for (int d = 0; d < v->shape.rank; d++)
    xai_str_append(dims, sizeof dims, &used, d == 0 ? "%" PRId64 "," : " %" PRId64 ",", v->shape.dims[d]);
  if (v->shape.rank > 1) dims[used - 1] = '\0'; /* NumPy writes (3,) but (3, 4) */
  int n = snprintf(front + FRONT, sizeof front - FRONT, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }",
                   descr[v->dtype], dims);
  size_t total = (FRONT + (size_t)n + 1 + 63) / 64 * 64;
  memset(front + FRONT + n, ' ', total - FRONT - (size_t)n);
  front[total - 1] = '\n';
  memcpy(front, "\x93NUMPY\1\0", 8);
  front[8] = (char)((total - FRONT) & 0xFF);
  front[9] = (char)((total - FRONT) >> 8);

  xai_buf b = {0};
  xai_buf_add(&b, front, total);
  xai_buf_add(&b, v->data, xai_tensor_bytes(t));
  xai_status st =
      b.failed ? xai_fail_memory(err, total + xai_tensor_bytes(t)) : xai_file_write(path, b.data, b.size, err);
  xai_buf_free(&b);
  return st;
}
