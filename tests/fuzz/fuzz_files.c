/* tests/fuzz/fuzz_files.c: pictures, archives and labels from any bytes, for libFuzzer.
 *
 * Build with clang -g -O1 -std=c11 -fsanitize=fuzzer,address,undefined
 * -fno-sanitize=pointer-overflow,nonnull-attribute,shift, with all of base, tensor and formats (but ONNX) and the
 * kernels image, move, resize, loop and threads; run with -max_len=4096 -rss_limit_mb=3000 on a folder of small files.
 *
 * Checks that nothing leaks and that a failure has a message. The checksums of PNG chunks are put right first: no
 * mutation would get past them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "formats/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend_checksums(unsigned char *p, size_t n) {
  for (size_t at = 8; at + 12 <= n;) {
    size_t length = (size_t)p[at] << 24 | (size_t)p[at + 1] << 16 | (size_t)p[at + 2] << 8 | p[at + 3];
    if (length > n - at - 12) return;
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = at + 4; i < at + 8 + length; i++) {
      crc ^= p[i];
      for (int k = 0; k < 8; k++) crc = crc & 1 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
    }
    for (int i = 0; i < 4; i++) p[at + 8 + length + (size_t)i] = (unsigned char)(~crc >> (24 - 8 * i));
    at += 12 + length;
  }
}

static void expect(bool condition) {
  if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char path[64];
  static const xai_err nothing;
  if (path[0] == '\0') snprintf(path, sizeof path, "/dev/shm/fuzz-%ld", (long)getpid());
  unsigned char *copy = malloc(size + 1);
  memcpy(copy, data, size);
  if (xai_format_sniff(copy, size) == XAI_FORMAT_PNG) mend_checksums(copy, size);
  FILE *f = fopen(path, "wb");
  expect(f != NULL && fwrite(copy, 1, size, f) == size && fclose(f) == 0);
  free(copy);

  xai_err err = nothing;
  xai_image *img = NULL;
  xai_archive archive = {0};
  char **labels = NULL;
  int n;
  expect(xai_image_read(path, &img, NULL, &err) == XAI_OK ||
         (img == NULL && strncmp(err.text, path, strlen(path)) == 0));
  expect(xai_archive_read(path, &archive, &err) == XAI_OK ||
         (archive.n == 0 && strncmp(err.text, path, strlen(path)) == 0));
  expect(xai_labels_read(path, &labels, &n, &err) == XAI_OK ||
         (labels == NULL && strncmp(err.text, path, strlen(path)) == 0));
  xai_image_free(img);
  xai_archive_free(&archive);
  xai_free(labels);
  expect(xai_mem_live() == 0);
  unlink(path);
  return 0;
}
