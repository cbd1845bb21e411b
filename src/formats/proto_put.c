/* formats/proto_put.c: see proto_put.h. */
#include "formats/proto_put.h"

#include <string.h>

enum { VARINT = 0, FIXED_64 = 1, BYTES = 2, FIXED_32 = 5 }; /* wire types */

static void put_varint(xai_buf *b, uint64_t v) {
  unsigned char bytes[10];
  size_t n = 0;
  for (; v >= 0x80; v >>= 7) bytes[n++] = (unsigned char)(v | 0x80);
  bytes[n++] = (unsigned char)v;
  xai_buf_add(b, bytes, n);
}

static void put_tag(xai_buf *b, unsigned field, unsigned wire) { put_varint(b, (uint64_t)field << 3 | wire); }

void xai_proto__put_int(xai_buf *b, unsigned field, int64_t v) {
  put_tag(b, field, VARINT);
  put_varint(b, (uint64_t)v);
}

static void put_fixed(xai_buf *b, uint64_t bits, int n) {
  unsigned char bytes[8];
  for (int i = 0; i < n; i++) bytes[i] = (unsigned char)(bits >> 8 * i);
  xai_buf_add(b, bytes, (size_t)n);
}

void xai_proto__put_float(xai_buf *b, unsigned field, float v) {
  uint32_t bits;
  memcpy(&bits, &v, sizeof bits);
  put_tag(b, field, FIXED_32);
  put_fixed(b, bits, 4);
}

void xai_proto__put_double(xai_buf *b, unsigned field, double v) {
  uint64_t bits;
  memcpy(&bits, &v, sizeof bits);
  put_tag(b, field, FIXED_64);
  put_fixed(b, bits, 8);
}

void xai_proto__put_head(xai_buf *b, unsigned field, size_t n) {
  put_tag(b, field, BYTES);
  put_varint(b, n);
}

void xai_proto__put_bytes(xai_buf *b, unsigned field, const void *bytes, size_t n) {
  xai_proto__put_head(b, field, n);
  xai_buf_add(b, bytes, n);
}

void xai_proto__put_text(xai_buf *b, unsigned field, const char *text) {
  xai_proto__put_bytes(b, field, text, strlen(text));
}

void xai_proto__put_message(xai_buf *b, unsigned field, xai_buf *child) {
  xai_proto__put_bytes(b, field, child->data, child->size);
  if (child->failed) b->failed = true;
  xai_buf_free(child);
}
