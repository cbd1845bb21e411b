/* tests/fuzz/mend.h: puts the checksums of a damaged file right: else no damage gets past them. */
#ifndef TESTS_FUZZ_MEND_H
#define TESTS_FUZZ_MEND_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static inline uint32_t mend_little(const uint8_t *p, int n) {
  uint32_t v = 0;
  while (n-- > 0) v = v << 8 | p[n];
  return v;
}

/* The checksum of what deflated bytes expand to, of at most 1 MiB. */
static inline uint32_t mend_inflated_crc(const uint8_t *packed, uint32_t n) {
  static uint8_t out[1 << 20];
  z_stream z = {.next_in = (uint8_t *)(uintptr_t)packed, .avail_in = n, .next_out = out, .avail_out = sizeof out};
  if (inflateInit2(&z, -15) != Z_OK) abort();
  inflate(&z, Z_FINISH);
  inflateEnd(&z);
  return (uint32_t)crc32(0, out, (uInt)(sizeof out - z.avail_out));
}

/* Every record of a zip archive's directory whose member can be found: the checksum goes there and into its header. */
static inline void mend_zip(uint8_t *p, size_t size) {
  for (size_t at = 0; at + 46 <= size; at++) {
    if (memcmp(p + at, "PK\1\2", 4) != 0) continue;
    uint64_t n = mend_little(p + at + 20, 4), header = mend_little(p + at + 42, 4);
    if (header + 30 > size) continue;
    uint64_t start = header + 30 + mend_little(p + header + 26, 2) + mend_little(p + header + 28, 2);
    if (start > size || n > size - start) continue;
    bool deflated = mend_little(p + at + 10, 2) == 8;
    uint32_t crc = deflated ? mend_inflated_crc(p + start, (uint32_t)n) : (uint32_t)crc32(0, p + start, (uInt)n);
    for (int i = 0; i < 4; i++) p[at + 16 + (size_t)i] = p[header + 14 + (size_t)i] = (uint8_t)(crc >> 8 * i);
  }
}

static inline uint32_t mend_big(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Every chunk of a PNG file up to one that is cut off. */
static inline void mend_png(uint8_t *p, size_t size) {
  if (size < 8 || memcmp(p, "\x89PNG", 4) != 0) return;
  for (size_t at = 8; at + 12 <= size;) {
    size_t n = mend_big(p + at);
    if (n > size - at - 12) return;
    uint32_t crc = (uint32_t)crc32(0, p + at + 4, (uInt)n + 4);
    for (int i = 0; i < 4; i++) p[at + 8 + n + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
    at += 12 + n;
  }
}

/* A mended copy of exactly this size; the caller frees. */
static inline uint8_t *mended(const uint8_t *data, size_t size, void (*mend)(uint8_t *, size_t)) {
  uint8_t *copy = malloc(size);
  if (copy == NULL && size > 0) abort();
  if (size > 0) memcpy(copy, data, size);
  mend(copy, size);
  return copy;
}

#endif
