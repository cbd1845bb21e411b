/* base/buf.h: growable bytes for writers, a bounded cursor for readers of untrusted bytes. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct xai_buf {
  unsigned char *data;
  size_t size, room;
  bool failed; /* an append ran out of memory; further appends do nothing */
} xai_buf;

void xai_buf_add(xai_buf *b, const void *bytes, size_t n);
void xai_buf_free(xai_buf *b);

/* What is left of a byte range. Every take checks first; on a short range it returns false and
 * leaves the cursor where it was. */
typedef struct xai_cursor {
  const unsigned char *at, *end;
} xai_cursor;

static inline size_t xai_cursor_left(const xai_cursor *c) { return (size_t)(c->end - c->at); }
bool xai_cursor_take(xai_cursor *c, size_t n, const unsigned char **bytes);
bool xai_cursor_u16(xai_cursor *c, uint16_t *value); /* little-endian */
bool xai_cursor_u32(xai_cursor *c, uint32_t *value);
bool xai_cursor_u64(xai_cursor *c, uint64_t *value);

#endif
