/* tests/c/formats/pth_make.h: a tiny writer of PyTorch checkpoints, for tests. It writes what it is told, sound or not.
 */
#ifndef TESTS_PTH_MAKE_H
#define TESTS_PTH_MAKE_H

#include <string.h>

#include "base/buf.h"
#include "zip_make.h"

/* ---- pickles ---------------------------------------------------------------------------------------- */
#define PK(b, bytes) xai_buf_add(b, bytes, sizeof bytes - 1)
static inline void pk_text(xai_buf *b, const char *text) {
  PK(b, "X");
  zip_number(b, strlen(text), 4);
  xai_buf_add(b, text, strlen(text));
}
static inline void pk_int(xai_buf *b, int64_t v) {
  PK(b, "\x8a\10");
  zip_number(b, (uint64_t)v, 8);
}
static inline void pk_ints(xai_buf *b, int n, const int64_t *v) {
  PK(b, "(");
  for (int i = 0; i < n; i++) pk_int(b, v[i]);
  PK(b, "t");
}

/* A tensor as _rebuild_tensor_v2 has it. */
typedef struct pk_tensor {
  const char *class, *key; /* "FloatStorage", "0" */
  int64_t numel, offset;
  int rank;
  int64_t size[9], stride[9];
} pk_tensor;

static inline void pk_storage(xai_buf *b, const pk_tensor *t, bool legacy) {
  PK(b, "(");
  pk_text(b, "storage");
  PK(b, "ctorch\n");
  xai_buf_add(b, t->class, strlen(t->class));
  PK(b, "\n");
  pk_text(b, t->key);
  pk_text(b, "cuda:0");
  pk_int(b, t->numel);
  if (legacy) PK(b, "N");
  PK(b, "tQ");
}
static inline void pk_layout(xai_buf *b, const pk_tensor *t) {
  pk_int(b, t->offset);
  pk_ints(b, t->rank, t->size);
  pk_ints(b, t->rank, t->stride);
}
static inline void pk_put(xai_buf *b, const pk_tensor *t, bool legacy) {
  PK(b, "ctorch._utils\n_rebuild_tensor_v2\n(");
  pk_storage(b, t, legacy);
  pk_layout(b, t);
  PK(b, "\x89"
        "ccollections\nOrderedDict\n)RtR");
}
static inline void pk_entry(xai_buf *b, const char *name, const pk_tensor *t, bool legacy) {
  pk_text(b, name);
  pk_put(b, t, legacy);
  PK(b, "s");
}

/* ---- files ------------------------------------------------------------------------------------------ */
/* "x/data.pkl" and up to six more members as they stand; frees the pickle. */
static inline zip_file pth_zip(xai_buf pickle, const zip_part *more, size_t n) {
  zip_part parts[ZIP_MOST] = {{"x/data.pkl", pickle.data, pickle.size, false, true, false}};
  memcpy(parts + 1, more, n * sizeof *more);
  zip_file z = zip_build(parts, n + 1, false, "");
  xai_buf_free(&pickle);
  return z;
}

/* Magic number, version, facts, the object, then 'tail' as it stands; frees both. */
static inline xai_buf pth_legacy(xai_buf object, xai_buf tail) {
  xai_buf b = {0};
  PK(&b, "\x80\2\x8a\12\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\2M\xe9\3.\x80\2}X\15\0\0\0little_endian\x88s.");
  xai_buf_add(&b, object.data, object.size);
  xai_buf_add(&b, tail.data, tail.size);
  xai_buf_free(&object);
  xai_buf_free(&tail);
  return b;
}

#endif
