/* base/buf.c: see buf.h. */
#include "base/buf.h"

#include <string.h>

#include "base/alloc.h"

void xai_buf_add(xai_buf *b, const void *bytes, size_t n) {
  if (b->failed || n == 0) return;
  if (n > b->room - b->size) {
    size_t room = b->room < 256 ? 256 : b->room;
    while (room - b->size < n) {
      if (room > SIZE_MAX / 4) {
        b->failed = true;
        return;
      }
      room *= 2;
    }
    unsigned char *data = xai_realloc(b->data, room);
    if (data == NULL) {
      b->failed = true;
      return;
    }
    b->data = data;
    b->room = room;
  }
  memcpy(b->data + b->size, bytes, n);
  b->size += n;
}

void xai_buf_free(xai_buf *b) {
  xai_free(b->data);
  *b = (xai_buf){0};
}

bool xai_cursor_take(xai_cursor *c, size_t n, const unsigned char **bytes) {
  if (n > xai_cursor_left(c)) return false;
  *bytes = c->at;
  c->at += n;
  return true;
}

/* Bytes are put together one by one: the data may lie at any address, on any host. */
static bool take_little_endian(xai_cursor *c, size_t n, uint64_t *value) {
  const unsigned char *p;
  if (!xai_cursor_take(c, n, &p)) return false;
  *value = 0;
  for (size_t i = n; i-- > 0;) *value = *value << 8 | p[i];
  return true;
}

bool xai_cursor_u16(xai_cursor *c, uint16_t *value) {
  uint64_t v;
  if (!take_little_endian(c, 2, &v)) return false;
  *value = (uint16_t)v;
  return true;
}

bool xai_cursor_u32(xai_cursor *c, uint32_t *value) {
  uint64_t v;
  if (!take_little_endian(c, 4, &v)) return false;
  *value = (uint32_t)v;
  return true;
}

bool xai_cursor_u64(xai_cursor *c, uint64_t *value) { return take_little_endian(c, 8, value); }
