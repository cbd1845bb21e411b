/* tests/fuzz/fuzz.h: what the fuzz targets share: bytes as a file, and what every reader owes us.
 *
 * A target is LLVMFuzzerTestOneInput, as libFuzzer wants it; replay.c runs the same targets without libFuzzer. The
 * bytes are read where they lie, so that a sanitizer sees the first byte beyond them. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "formats/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No file that such a name in a model refers to can exist. */
#define FUZZ_NAME "/nowhere/fuzz"
#define FUZZ_MEMORY ((size_t)512 << 20)

#define FUZZ_CHECK(condition, text)                                                                                    \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, text);                                        \
      abort();                                                                                                         \
    }                                                                                                                  \
  } while (0)

static inline xai_file *fuzz_file(const char *name, const void *data, size_t size) {
  xai_file *file = NULL;
  xai_err err = {""};
  FUZZ_CHECK(xai_file_wrap(name, data, size, &file, &err) == XAI_OK, err.text);
  return file;
}

/* Every failure has a status of a reader's and a line that starts with the file's name. */
static inline void fuzz_check_failure(const char *name, xai_status st, const xai_err *err) {
  size_t n = strlen(name);
  FUZZ_CHECK(st == XAI_EFORMAT || st == XAI_EUNSUPPORTED || st == XAI_ENOMEM, err->text);
  FUZZ_CHECK(strncmp(err->text, name, n) == 0 && strncmp(err->text + n, ": ", 2) == 0, err->text);
  FUZZ_CHECK(err->text[n + 2] != '\0' && strchr(err->text, '\n') == NULL, err->text);
}

/* Looks at every byte, so that a sanitizer can object; the sum is there for the compiler to need it. */
static volatile unsigned fuzz_sum;
static inline void fuzz_touch(const void *data, size_t n) {
  unsigned sum = 0;
  for (size_t i = 0; i < n; i++) sum += ((const unsigned char *)data)[i];
  fuzz_sum = sum;
}

/* Reads the bytes with one of the parsers of named tensors. */
static inline void fuzz_archive(const uint8_t *data, size_t size,
                                xai_status (*parse)(xai_file *, xai_archive *, xai_err *)) {
  xai_mem_limit(FUZZ_MEMORY);
  size_t before = xai_mem_live();
  xai_archive a = {0};
  xai_err err = {""};
  xai_file *file = fuzz_file(FUZZ_NAME, data, size);
  xai_status st = parse(file, &a, &err);
  xai_file_release(file);
  if (st != XAI_OK) FUZZ_CHECK(a.entries == NULL && a.meta == NULL, "the result of a failure");
  if (st != XAI_OK) fuzz_check_failure(FUZZ_NAME, st, &err);
  for (size_t i = 0; i < a.n; i++) {
    fuzz_touch(a.entries[i].name, strlen(a.entries[i].name));
    fuzz_touch(xai_tensor_view(a.entries[i].tensor)->data, xai_tensor_bytes(a.entries[i].tensor));
  }
  for (size_t i = 0; i < a.n_meta; i++) fuzz_touch(a.meta[i].value, strlen(a.meta[i].value));
  xai_archive_free(&a);
  FUZZ_CHECK(xai_mem_live() == before, "memory is left over");
}

#endif
