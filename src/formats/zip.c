/* formats/zip.c: zip archives, read from a mapped file and written with stored members.
 *
 *   for each member: local header 'PK\3\4' (30 bytes, name, extra field), its bytes, perhaps a data descriptor
 *   the directory:   for each member 'PK\1\2' (46 bytes, name, extra field, comment)
 *   with zip64:      'PK\6\6' (56 bytes or more) and its locator 'PK\6\7' (20 bytes)
 *   the end record:  'PK\5\6' (22 bytes and a comment), with which the file ends
 * All numbers are little-endian. A 32-bit field that is full (FFFFFFFF) has its value in the zip64 extra field 0001.
 *
 * Only the directory is believed, and only where it leaves a single reading of the file: it must lie directly before
 * the end records; no two members may share a name or a byte; a local header must say the same as the directory. Two
 * readers that disagree about a zip file are how a scanner is shown other weights than the program.
 *
 * Deflate grows up to 1032 times and a directory of a few kilobytes may claim any size, so claims are held against the
 * packed size and against one limit for the archive before anything is allocated. Members never reach the disk.
 * Not read: encryption, several disks, other methods, archives with something before their first byte. */
#include "formats/zip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/str.h"

enum { LOCAL = 30, CENTRAL = 46, END = 22, END64 = 56, LOCATOR = 20 };
enum { MAX_MEMBERS = 65536, MAX_COMMENT = 65535, MAX_NAME = 4096 };
enum { STORED = 0, DEFLATED = 8 };
enum { ENCRYPTED = 1, SIZES_FOLLOW = 8, STRONG = 1 << 6, UTF8 = 1 << 11, MASKED = 1 << 13 };
enum { FULL16 = 0xFFFF, CHUNK = 1 << 20, ALIGN = 64, PADDING_ID = 0xD935 };
#define FULL32 UINT32_C(0xFFFFFFFF)
#define GIB (UINT64_C(1) << 30)

static uint64_t number(const unsigned char *p, size_t n) {
  uint64_t v = 0;
  while (n-- > 0) v = v << 8 | p[n];
  return v;
}
static uint16_t u16(const unsigned char *p) { return (uint16_t)number(p, 2); }
static uint32_t u32(const unsigned char *p) { return (uint32_t)number(p, 4); }
static uint64_t u64(const unsigned char *p) { return number(p, 8); }

/* ---- the end records -------------------------------------------------------------------------------- */

typedef struct directory {
  uint64_t at, size, n;
} directory;

/* The last end record whose comment ends the file exactly, or NULL. */
static const unsigned char *find_end(const unsigned char *data, size_t size) {
  if (size < END) return NULL;
  size_t stop = size > END + MAX_COMMENT ? size - END - MAX_COMMENT : 0;
  for (size_t at = size - END + 1; at-- > stop;)
    if (memcmp(data + at, "PK\5\6", 4) == 0 && u16(data + at + 20) == size - END - at) return data + at;
  return NULL;
}

static xai_status several_disks(xai_err *err) {
  return xai_fail(err, XAI_EUNSUPPORTED, "a zip archive on several disks");
}

/* The zip64 record in front of its locator replaces the directory's place; what the old record says must not differ. */
static xai_status find_end64(const unsigned char *data, const unsigned char *locator, directory *d, size_t *end,
                             xai_err *err) {
  uint64_t at = u64(locator + 8), room = (uint64_t)(locator - data);
  if (u32(locator + 4) != 0 || u32(locator + 16) > 1) return several_disks(err);
  if (at > room || room - at < END64 || memcmp(data + at, "PK\6\6", 4) != 0 || u64(data + at + 4) != room - at - 12)
    return xai_fail(err, XAI_EFORMAT, "its zip64 end record is damaged");
  const unsigned char *r = data + at;
  if (u32(r + 16) != 0 || u32(r + 20) != 0 || u64(r + 24) != u64(r + 32)) return several_disks(err);
  directory wide = {u64(r + 48), u64(r + 40), u64(r + 32)};
  if ((d->n != FULL16 && d->n != wide.n) || (d->size != FULL32 && d->size != wide.size) ||
      (d->at != FULL32 && d->at != wide.at))
    return xai_fail(err, XAI_EFORMAT, "its two end records disagree");
  *d = wide;
  *end = (size_t)at;
  return XAI_OK;
}

static xai_status find_directory(const unsigned char *data, size_t size, directory *d, xai_err *err) {
  const unsigned char *end = find_end(data, size);
  if (end == NULL) return xai_fail(err, XAI_EFORMAT, "no end record of a zip archive (is the file cut off?)");
  size_t stop = (size_t)(end - data);
  *d = (directory){u32(end + 16), u32(end + 12), u16(end + 10)};
  if (stop >= LOCATOR && memcmp(end - LOCATOR, "PK\6\7", 4) == 0)
    XAI_TRY(find_end64(data, end - LOCATOR, d, &stop, err));
  if (u16(end + 4) != 0 || u16(end + 6) != 0 || u16(end + 8) != u16(end + 10)) return several_disks(err);
  if (d->n > MAX_MEMBERS) return xai_fail(err, XAI_EFORMAT, "%" PRIu64 " members (at most %d)", d->n, MAX_MEMBERS);
  if (d->size > stop || d->at != stop - d->size)
    return xai_fail(err, XAI_EFORMAT,
                    "its directory is not where the end record says (is something missing or in front?)");
  return XAI_OK;
}

/* ---- members ---------------------------------------------------------------------------------------- */

/* Relative, inside, and one spelling only; a name that ends in '/' is a folder. */
static bool is_sane_name(const char *name, size_t n) {
  if (n == 0 || n > MAX_NAME || name[0] == '/' || memchr(name, '\0', n) != NULL || memchr(name, '\\', n) != NULL)
    return false;
  if (n >= 2 && name[1] == ':') return false;
  for (const char *part = name, *end = name + n; part < end;) {
    const char *slash = memchr(part, '/', (size_t)(end - part));
    size_t length = (size_t)((slash != NULL ? slash : end) - part);
    if (length == 0 || (length <= 2 && memcmp(part, "..", length) == 0)) return false;
    part += length + 1;
  }
  return xai_str_utf8(name, n);
}

/* The zip64 extra field holds, in this order, those of the three values whose 32-bit field is full. */
static bool widen_sizes(const unsigned char *extra, size_t n, uint64_t *size, uint64_t *packed, uint64_t *header) {
  uint64_t *values[] = {size, packed, header};
  bool wanted = *size == FULL32 || *packed == FULL32 || *header == FULL32;
  xai_cursor c = {extra, extra + n};
  uint16_t id, length;
  while (xai_cursor_u16(&c, &id) && xai_cursor_u16(&c, &length)) {
    const unsigned char *body;
    if (!xai_cursor_take(&c, length, &body)) return false;
    if (id != 1) continue;
    xai_cursor field = {body, body + length};
    for (int i = 0; i < 3; i++)
      if (*values[i] == FULL32 && !xai_cursor_u64(&field, values[i])) return false;
    return true;
  }
  return !wanted;
}

/* One record of the directory; the name is the caller's to keep. */
static xai_status take_record(xai_cursor *c, xai_zip_member *m, xai_err *err) {
  const unsigned char *r, *name, *extra, *comment;
  if (!xai_cursor_take(c, CENTRAL, &r) || memcmp(r, "PK\1\2", 4) != 0 || !xai_cursor_take(c, u16(r + 28), &name) ||
      !xai_cursor_take(c, u16(r + 30), &extra) || !xai_cursor_take(c, u16(r + 32), &comment))
    return xai_fail(err, XAI_EFORMAT, "its directory is damaged");
  size_t n = u16(r + 28);
  if (u16(r + 34) != 0) return several_disks(err);
  if (!is_sane_name((const char *)name, n))
    return xai_fail(
        err, XAI_EFORMAT,
        "member '%.*s': a name that is empty, absolute, too long or no UTF-8, or holds '..', '.', '//', '\\' or NUL",
        n > 100 ? 100 : (int)n, (const char *)name);
  m->name = xai_alloc(n + 1);
  if (m->name == NULL) return xai_fail_memory(err, n + 1);
  memcpy(m->name, name, n);
  m->name[n] = '\0';
  m->flags = u16(r + 8);
  m->method = u16(r + 10);
  m->crc = u32(r + 16);
  m->packed_size = u32(r + 20);
  m->size = u32(r + 24);
  m->header = u32(r + 42);
  if (!widen_sizes(extra, u16(r + 30), &m->size, &m->packed_size, &m->header))
    return xai_fail(err, XAI_EFORMAT, "member '%.100s': its extra field is damaged", m->name);
  return XAI_OK;
}

/* What cannot be right, or not read, whatever the bytes are. */
static xai_status check_claims(const xai_zip_member *m, xai_err *err) {
  if (m->flags & (ENCRYPTED | STRONG | MASKED)) return xai_fail(err, XAI_EUNSUPPORTED, "it is encrypted");
  if (m->method != STORED && m->method != DEFLATED)
    return xai_fail(err, XAI_EUNSUPPORTED, "compression method %d (expected stored or deflated)", m->method);
  if (m->method == STORED && m->size != m->packed_size)
    return xai_fail(err, XAI_EFORMAT, "it is stored, but %" PRIu64 " bytes should become %" PRIu64, m->packed_size,
                    m->size);
  if (m->method == DEFLATED && m->size / 1032 > m->packed_size)
    return xai_fail(err, XAI_EFORMAT, "%" PRIu64 " bytes cannot inflate to %" PRIu64, m->packed_size, m->size);
  return XAI_OK;
}

/* Finds the bytes behind the local header, which must repeat what the directory says. */
static xai_status check_local(const unsigned char *data, uint64_t end, xai_zip_member *m, xai_err *err) {
  size_t n = strlen(m->name);
  if (m->header > end || end - m->header < LOCAL || memcmp(data + m->header, "PK\3\4", 4) != 0)
    return xai_fail(err, XAI_EFORMAT, "no local header where the directory says");
  const unsigned char *h = data + m->header;
  uint64_t start = m->header + LOCAL + u16(h + 26) + u16(h + 28);
  if (start > end || m->packed_size > end - start)
    return xai_fail(err, XAI_EFORMAT, "its %" PRIu64 " bytes reach into the directory", m->packed_size);
  bool same =
      u16(h + 6) == m->flags && u16(h + 8) == m->method && u16(h + 26) == n && memcmp(h + LOCAL, m->name, n) == 0;
  if (!(m->flags & SIZES_FOLLOW)) {
    uint64_t size = u32(h + 22), packed = u32(h + 18), none = 0;
    same = same && u32(h + 14) == m->crc && widen_sizes(h + LOCAL + n, u16(h + 28), &size, &packed, &none) &&
           size == m->size && packed == m->packed_size;
  }
  if (!same) return xai_fail(err, XAI_EFORMAT, "its local header and the directory disagree");
  m->packed = data + start;
  return XAI_OK;
}

static int by_name(const void *a, const void *b) {
  return strcmp((*(xai_zip_member *const *)a)->name, (*(xai_zip_member *const *)b)->name);
}

static int by_place(const void *a, const void *b) {
  uint64_t x = (*(xai_zip_member *const *)a)->header, y = (*(xai_zip_member *const *)b)->header;
  return (x > y) - (x < y);
}

/* No byte and no name twice, and the whole small enough. Leaves by_name sorted. */
static xai_status check_together(const xai_zip *z, xai_err *err) {
  const unsigned char *data = xai_file_data(z->file);
  uint64_t limit = GIB + 4 * (uint64_t)xai_file_size(z->file), inflated = 0, taken = 0;
  qsort(z->by_name, z->n, sizeof *z->by_name, by_place);
  for (size_t i = 0; i < z->n; i++) {
    const xai_zip_member *m = z->by_name[i];
    if (m->header < taken) return xai_fail(err, XAI_EFORMAT, "member '%.100s' shares bytes with another one", m->name);
    taken = (uint64_t)(m->packed - data) + m->packed_size;
    if (m->method == DEFLATED && __builtin_add_overflow(inflated, m->size, &inflated)) inflated = UINT64_MAX;
    if (inflated > limit)
      return xai_fail(err, XAI_EFORMAT,
                      "its members inflate to more than %.0f MB (1 GiB and four times the file's size)",
                      (double)limit / 1e6);
  }
  qsort(z->by_name, z->n, sizeof *z->by_name, by_name);
  for (size_t i = 1; i < z->n; i++)
    if (strcmp(z->by_name[i - 1]->name, z->by_name[i]->name) == 0)
      return xai_fail(err, XAI_EFORMAT, "member '%.100s' is given twice", z->by_name[i]->name);
  return XAI_OK;
}

xai_status xai_zip_open(xai_file *file, xai_zip *out, xai_err *err) {
  const unsigned char *data = xai_file_data(file);
  xai_zip z = {.file = file};
  directory d;
  xai_status st;
  XAI_TRY(find_directory(data, xai_file_size(file), &d, err));
  if (d.size / CENTRAL < d.n)
    return xai_fail(err, XAI_EFORMAT, "its directory is too short for %" PRIu64 " members", d.n);
  z.members = xai_calloc((size_t)d.n, sizeof *z.members);
  z.by_name = xai_calloc((size_t)d.n, sizeof *z.by_name);
  if (z.members == NULL || z.by_name == NULL) {
    st = xai_fail_memory(err, (size_t)d.n * sizeof *z.members);
    goto done;
  }
  xai_cursor c = {data + d.at, data + d.at + d.size};
  while (z.n < d.n) {
    xai_zip_member *m = &z.members[z.n];
    z.by_name[z.n++] = m;
    XAI_GOTO(take_record(&c, m, err));
    st = check_claims(m, err);
    if (st == XAI_OK) st = check_local(data, d.at, m, err);
    xai_err_prefix(err, st, "member '%.100s': ", m->name);
    if (st != XAI_OK) goto done;
  }
  if (xai_cursor_left(&c) != 0) {
    st = xai_fail(err, XAI_EFORMAT, "its directory holds more than the %" PRIu64 " members it should", d.n);
    goto done;
  }
  XAI_GOTO(check_together(&z, err));
  *out = z;
  return XAI_OK;
done:
  xai_zip_close(&z);
  return st;
}

void xai_zip_close(xai_zip *z) {
  for (size_t i = 0; i < z->n; i++) xai_free(z->members[i].name);
  xai_free(z->members);
  xai_free(z->by_name);
  *z = (xai_zip){0};
}

static int name_to_member(const void *name, const void *member) {
  return strcmp(name, (*(xai_zip_member *const *)member)->name);
}

xai_zip_member *xai_zip_find(const xai_zip *z, const char *name) {
  if (z->n == 0) return NULL;
  xai_zip_member **found = bsearch(name, z->by_name, z->n, sizeof *z->by_name, name_to_member);
  return found != NULL ? *found : NULL;
}

/* ---- their bytes ------------------------------------------------------------------------------------ */

static voidpf zip_alloc(voidpf opaque, uInt count, uInt size) {
  (void)opaque;
  return xai_calloc(count, size);
}

static void zip_free(voidpf opaque, voidpf p) {
  (void)opaque;
  xai_free(p);
}

/* Exactly m->size bytes from exactly m->packed_size. zlib counts in 32 bits, so both sides go in chunks. */
static xai_status inflate_member(const xai_zip_member *m, unsigned char *to, xai_err *err) {
  z_stream s = {.zalloc = zip_alloc, .zfree = zip_free};
  uint64_t fed = 0, made = 0;
  int code = inflateInit2(&s, -MAX_WBITS);
  if (code != Z_OK) return xai_fail_memory(err, (size_t)1 << MAX_WBITS);
  s.next_in = (z_const Bytef *)m->packed;
  s.next_out = to;
  while (code == Z_OK && !xai_stop_requested()) {
    uInt in = (uInt)(m->packed_size - fed < CHUNK ? m->packed_size - fed : CHUNK);
    uInt room = (uInt)(m->size - made < CHUNK ? m->size - made : CHUNK);
    s.avail_in = in;
    s.avail_out = room;
    code = inflate(&s, Z_NO_FLUSH);
    fed += in - s.avail_in;
    made += room - s.avail_out;
  }
  inflateEnd(&s);
  if (code == Z_OK) return xai_fail_stop(err);
  if (code == Z_MEM_ERROR) return xai_fail_memory(err, (size_t)1 << MAX_WBITS);
  if (code != Z_STREAM_END || made != m->size || fed != m->packed_size)
    return xai_fail(err, XAI_EFORMAT, "its compressed bytes are damaged or do not become %" PRIu64 " bytes", m->size);
  return XAI_OK;
}

static xai_status check_crc(const xai_zip_member *m, const unsigned char *bytes, xai_err *err) {
  uLong crc = crc32(0, NULL, 0);
  for (uint64_t at = 0; at < m->size; at += CHUNK) {
    if (xai_stop_requested()) return xai_fail_stop(err);
    crc = crc32(crc, bytes + at, (uInt)(m->size - at < CHUNK ? m->size - at : CHUNK));
  }
  if (crc == m->crc) return XAI_OK;
  return xai_fail(err, XAI_EFORMAT,
                  "its CRC-32 is %08lx, expected %08" PRIx32 " (damaged, or written without checksums)", crc, m->crc);
}

xai_status xai_zip_read(const xai_zip_member *m, const unsigned char **bytes, unsigned char **block, xai_err *err) {
  xai_status st = XAI_OK;
  unsigned char *inflated = NULL;
  if (m->method == DEFLATED) {
    inflated = xai_alloc((size_t)m->size);
    st = inflated == NULL ? xai_fail_memory(err, (size_t)m->size) : inflate_member(m, inflated, err);
  }
  if (st == XAI_OK) st = check_crc(m, inflated != NULL ? inflated : m->packed, err);
  if (st != XAI_OK) {
    xai_free(inflated);
    return xai_err_prefix(err, st, "member '%.100s': ", m->name);
  }
  *bytes = inflated != NULL ? inflated : m->packed;
  *block = inflated;
  return XAI_OK;
}

/* ---- writing ---------------------------------------------------------------------------------------- */

static void add_number(xai_buf *b, uint64_t v, size_t n) {
  unsigned char bytes[8];
  for (size_t i = 0; i < n; i++) bytes[i] = (unsigned char)(v >> 8 * i);
  xai_buf_add(b, bytes, n);
}

/* From version needed to name length: the part that both headers have. The time is the earliest that zip can say. */
static void add_common(xai_buf *b, uint32_t crc, size_t size, size_t name) {
  enum { VERSION = 20, JANUARY_1_1980 = 1 << 5 | 1 };
  add_number(b, VERSION, 2);
  add_number(b, UTF8, 2);
  add_number(b, STORED, 2);
  add_number(b, (uint64_t)JANUARY_1_1980 << 16, 4);
  add_number(b, crc, 4);
  add_number(b, size, 4);
  add_number(b, size, 4);
  add_number(b, name, 2);
}

static uint32_t crc_of(uint32_t crc, const unsigned char *bytes, size_t n) {
  for (size_t at = 0; at < n; at += CHUNK)
    crc = (uint32_t)crc32(crc, bytes + at, (uInt)(n - at < CHUNK ? n - at : CHUNK));
  return crc;
}

xai_status xai_zip_add(xai_zip_writer *w, const char *name, const xai_buf *front, const void *data, size_t n,
                       xai_err *err) {
  static const unsigned char zeros[ALIGN];
  size_t length = strlen(name), at = w->bytes.size, size;
  if (!is_sane_name(name, length)) return xai_fail(err, XAI_EARG, "'%.100s' cannot be the name of a member", name);
  if (w->n == MAX_MEMBERS - 1) return xai_fail(err, XAI_EARG, "more than %d members", MAX_MEMBERS - 1);
  if (__builtin_add_overflow(front->size, n, &size) || size > FULL32 / 2 || at + w->directory.size > FULL32 / 2)
    return xai_fail(err, XAI_EARG, "more than 2 GiB");
  /* an extra field of 4 bytes and as many zeros as bring the member to its place */
  size_t padding = (ALIGN - (at + LOCAL + length + 4) % ALIGN) % ALIGN;
  uint32_t crc = crc_of(crc_of(0, front->data, front->size), data, n);
  xai_buf_add(&w->bytes, "PK\3\4", 4);
  add_common(&w->bytes, crc, size, length);
  add_number(&w->bytes, 4 + padding, 2);
  xai_buf_add(&w->bytes, name, length);
  add_number(&w->bytes, PADDING_ID, 2);
  add_number(&w->bytes, padding, 2);
  xai_buf_add(&w->bytes, zeros, padding);
  xai_buf_add(&w->bytes, front->data, front->size);
  xai_buf_add(&w->bytes, data, n);
  xai_buf_add(&w->directory, "PK\1\2\x14\0", 6);
  add_common(&w->directory, crc, size, length);
  xai_buf_add(&w->directory, zeros, 12); /* extra field, comment, disk, attributes */
  add_number(&w->directory, at, 4);
  xai_buf_add(&w->directory, name, length);
  w->n++;
  return w->bytes.failed || w->directory.failed ? xai_fail_memory(err, w->bytes.size + size) : XAI_OK;
}

xai_status xai_zip_finish(xai_zip_writer *w, xai_err *err) {
  size_t at = w->bytes.size, size = w->directory.size;
  xai_buf_add(&w->bytes, w->directory.data, size);
  xai_buf_add(&w->bytes, "PK\5\6\0\0\0\0", 8);
  add_number(&w->bytes, w->n, 2);
  add_number(&w->bytes, w->n, 2);
  add_number(&w->bytes, size, 4);
  add_number(&w->bytes, at, 4);
  add_number(&w->bytes, 0, 2);
  return w->bytes.failed ? xai_fail_memory(err, at + size) : XAI_OK;
}

void xai_zip_writer_free(xai_zip_writer *w) {
  xai_buf_free(&w->bytes);
  xai_buf_free(&w->directory);
  *w = (xai_zip_writer){0};
}
