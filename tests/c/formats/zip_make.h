/* tests/c/formats/zip_make.h: a tiny writer of zip files, for tests. It remembers where everything is, so that a test
 * can spoil it. */
#ifndef TESTS_ZIP_MAKE_H
#define TESTS_ZIP_MAKE_H

#include <string.h>
#include <zlib.h>

#include "base/buf.h"

enum { ZIP_MOST = 8 };

typedef struct zip_part {
  const char *name;
  const void *bytes;
  size_t n;
  bool deflated;
  bool follows; /* flag 8: the local header has no sizes, a descriptor comes behind */
  bool wide;    /* sizes and place in zip64 extra fields */
} zip_part;

typedef struct zip_file {
  xai_buf b;
  size_t local[ZIP_MOST], data[ZIP_MOST], central[ZIP_MOST], end64, locator, end;
} zip_file;

static inline void zip_number(xai_buf *b, uint64_t v, size_t n) {
  for (size_t i = 0; i < n; i++) xai_buf_add(b, &(unsigned char){(unsigned char)(v >> 8 * i)}, 1);
}

/* Overwrites n bytes. */
static inline void zip_put(zip_file *z, size_t at, uint64_t v, size_t n) {
  for (size_t i = 0; i < n; i++) z->b.data[at + i] = (unsigned char)(v >> 8 * i);
}

static inline void zip_sizes(xai_buf *b, const zip_part *p, uint32_t crc, size_t packed, bool known) {
  zip_number(b, known ? crc : 0, 4);
  zip_number(b, !known ? 0 : p->wide ? UINT32_MAX : packed, 4);
  zip_number(b, !known ? 0 : p->wide ? UINT32_MAX : p->n, 4);
}

/* free the result's b with xai_buf_free */
static inline zip_file zip_build(const zip_part *parts, size_t n, bool end64, const char *comment) {
  zip_file z = {.b = {0}};
  uint32_t crcs[ZIP_MOST];
  size_t packed[ZIP_MOST];
  for (size_t i = 0; i < n; i++) {
    const zip_part *p = &parts[i];
    static unsigned char squeezed[1 << 16];
    const void *bytes = p->bytes;
    packed[i] = p->n;
    if (p->deflated) {
      z_stream s = {0};
      deflateInit2(&s, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
      s.next_in = (z_const Bytef *)p->bytes;
      s.avail_in = (uInt)p->n;
      s.next_out = squeezed;
      s.avail_out = sizeof squeezed;
      deflate(&s, Z_FINISH);
      packed[i] = s.total_out;
      deflateEnd(&s);
      bytes = squeezed;
    }
    crcs[i] = (uint32_t)crc32(0, p->bytes, (uInt)p->n);
    z.local[i] = z.b.size;
    xai_buf_add(&z.b, "PK\3\4\x14\0", 6);
    zip_number(&z.b, p->follows ? 8 : 0, 2);
    zip_number(&z.b, p->deflated ? 8 : 0, 2);
    zip_number(&z.b, 0, 4);
    zip_sizes(&z.b, p, crcs[i], packed[i], !p->follows);
    zip_number(&z.b, strlen(p->name), 2);
    zip_number(&z.b, p->wide ? 20 : 0, 2);
    xai_buf_add(&z.b, p->name, strlen(p->name));
    if (p->wide) {
      zip_number(&z.b, 1 | 16 << 16, 4);
      zip_number(&z.b, p->n, 8);
      zip_number(&z.b, packed[i], 8);
    }
    z.data[i] = z.b.size;
    xai_buf_add(&z.b, bytes, packed[i]);
    if (p->follows) {
      xai_buf_add(&z.b, "PK\7\10", 4);
      zip_sizes(&z.b, p, crcs[i], packed[i], true);
    }
  }
  size_t directory = z.b.size;
  for (size_t i = 0; i < n; i++) {
    const zip_part *p = &parts[i];
    z.central[i] = z.b.size;
    xai_buf_add(&z.b, "PK\1\2\x14\0\x14\0", 8);
    zip_number(&z.b, p->follows ? 8 : 0, 2);
    zip_number(&z.b, p->deflated ? 8 : 0, 2);
    zip_number(&z.b, 0, 4);
    zip_sizes(&z.b, p, crcs[i], packed[i], true);
    zip_number(&z.b, strlen(p->name), 2);
    zip_number(&z.b, p->wide ? 28 : 0, 2);
    xai_buf_add(&z.b, "\0\0\0\0\0\0\0\0\0", 10); /* comment, disk, attributes */
    zip_number(&z.b, p->wide ? UINT32_MAX : z.local[i], 4);
    xai_buf_add(&z.b, p->name, strlen(p->name));
    if (p->wide) {
      zip_number(&z.b, 1 | 24 << 16, 4);
      zip_number(&z.b, p->n, 8);
      zip_number(&z.b, packed[i], 8);
      zip_number(&z.b, z.local[i], 8);
    }
  }
  size_t size = z.b.size - directory;
  if (end64) {
    z.end64 = z.b.size;
    xai_buf_add(&z.b, "PK\6\6", 4);
    zip_number(&z.b, 44, 8);
    zip_number(&z.b, 45 | 45 << 16, 4);
    zip_number(&z.b, 0, 8);
    zip_number(&z.b, n, 8);
    zip_number(&z.b, n, 8);
    zip_number(&z.b, size, 8);
    zip_number(&z.b, directory, 8);
    z.locator = z.b.size;
    xai_buf_add(&z.b, "PK\6\7", 4);
    zip_number(&z.b, 0, 4);
    zip_number(&z.b, z.end64, 8);
    zip_number(&z.b, 1, 4);
  }
  z.end = z.b.size;
  xai_buf_add(&z.b, "PK\5\6\0\0\0\0", 8);
  zip_number(&z.b, end64 ? 0xFFFF : n, 2);
  zip_number(&z.b, end64 ? 0xFFFF : n, 2);
  zip_number(&z.b, end64 ? UINT32_MAX : size, 4);
  zip_number(&z.b, end64 ? UINT32_MAX : directory, 4);
  zip_number(&z.b, strlen(comment), 2);
  xai_buf_add(&z.b, comment, strlen(comment));
  return z;
}

#endif
