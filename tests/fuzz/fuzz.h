/* tests/fuzz/fuzz.h: what the fuzz targets share: bytes as a file, and what every reader owes us.
 *
 * A target is LLVMFuzzerTestOneInput, as libFuzzer wants it; replay.c runs the same targets without libFuzzer. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#define _GNU_SOURCE /* memfd_create; so this header comes first */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "formats/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_PATH = 40 };
#define FUZZ_MEMORY ((size_t)512 << 20)

#define FUZZ_CHECK(condition, text)                                                                                    \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, text);                                        \
      abort();                                                                                                         \
    }                                                                                                                  \
  } while (0)

/* A file in memory with these bytes; its name into 'path', good until the descriptor is closed. */
static inline int fuzz_file(const uint8_t *data, size_t size, char path[FUZZ_PATH]) {
  int fd = memfd_create("fuzz", MFD_CLOEXEC);
  FUZZ_CHECK(fd >= 0, "memfd_create");
  for (size_t at = 0; at < size;) {
    ssize_t n = write(fd, data + at, size - at);
    FUZZ_CHECK(n > 0, "write");
    at += (size_t)n;
  }
  snprintf(path, FUZZ_PATH, "/proc/self/fd/%d", fd);
  return fd;
}

/* Every failure has a message that starts with the file's name. */
static inline void fuzz_check_failure(const char *path, xai_status st, const xai_err *err) {
  FUZZ_CHECK(strncmp(err->text, path, strlen(path)) == 0, err->text);
  FUZZ_CHECK(strlen(err->text) > strlen(path), err->text);
  FUZZ_CHECK(st == XAI_EFORMAT || st == XAI_EUNSUPPORTED || st == XAI_ENOMEM, err->text);
}

/* Looks at every byte, so that a sanitizer or the mapping's end can object. */
static inline unsigned fuzz_touch(const xai_archive *a) {
  unsigned sum = 0;
  for (size_t i = 0; i < a->n; i++) {
    const unsigned char *p = xai_tensor_view(a->entries[i].tensor)->data;
    size_t bytes = xai_tensor_bytes(a->entries[i].tensor);
    sum += (unsigned)strlen(a->entries[i].name);
    for (size_t k = 0; k < bytes; k++) sum += p[k];
  }
  for (size_t i = 0; i < a->n_meta; i++) sum += (unsigned)(strlen(a->meta[i].key) + strlen(a->meta[i].value));
  return sum;
}

/* Reads the bytes as a file of named tensors: by their content, or with the one parser given. */
static inline void fuzz_archive(const uint8_t *data, size_t size,
                                xai_status (*parse)(xai_file *, xai_archive *, xai_err *)) {
  char path[FUZZ_PATH];
  int fd = fuzz_file(data, size, path);
  xai_archive a = {0};
  xai_err err = {""};
  xai_file *file;
  xai_status st;
  xai_mem_limit(FUZZ_MEMORY);
  size_t before = xai_mem_live();
  if (parse == NULL) {
    st = xai_archive_read(path, &a, &err);
  } else {
    st = xai_file_map(path, SIZE_MAX / 4, &file, &err);
    FUZZ_CHECK(st == XAI_OK, err.text);
    st = parse(file, &a, &err);
    xai_file_release(file);
  }
  unsigned sum = fuzz_touch(&a);
  FUZZ_CHECK(write(fd, &sum, sizeof sum) == sizeof sum, "write"); /* so that the sum is needed */
  if (st != XAI_OK) FUZZ_CHECK(a.entries == NULL && a.meta == NULL, "the result of a failure");
  if (st != XAI_OK && st != XAI_ENOMEM) fuzz_check_failure(path, st, &err);
  xai_archive_free(&a);
  FUZZ_CHECK(xai_mem_live() == before, "memory is left over");
  close(fd);
}

#endif
