/* tensor/tensor.c: handles over reference-counted storage. */
#include "tensor/tensor.h"

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"

/* The bytes behind one or several tensors: a block of our allocator or a mapped file. */
typedef struct storage {
  atomic_int refs;
  void *block;
  xai_file *file;
} storage;

struct xai_tensor {
  atomic_int refs;
  xai_view view;
  storage *store;
};

size_t xai_dtype_size(xai_dtype dtype) {
  static const unsigned char size[] = {[XAI_F32] = sizeof(float), [XAI_I64] = 8, [XAI_I32] = 4, [XAI_U8] = 1, [XAI_BOOL] = 1};
  return size[dtype];
}

const char *xai_dtype_name(xai_dtype dtype) {
  static const char *const name[] = {
      [XAI_F32] = "float32", [XAI_I64] = "int64", [XAI_I32] = "int32", [XAI_U8] = "uint8", [XAI_BOOL] = "bool"};
  return name[dtype];
}

static void storage_release(storage *s) {
  if (s == NULL || atomic_fetch_sub(&s->refs, 1) > 1) return;
  xai_free(s->block);
  xai_file_release(s->file);
  xai_free(s);
}

/* A handle on 's', whose reference it takes over, also on failure. */
static xai_status handle(xai_view view, storage *s, xai_tensor **out, xai_err *err) {
  xai_tensor *t = xai_calloc(1, sizeof *t);
  if (t == NULL) {
    storage_release(s);
    return xai_fail_memory(err, sizeof *t);
  }
  atomic_init(&t->refs, 1);
  t->view = view;
  t->store = s;
  *out = t;
  return XAI_OK;
}

static xai_status make(xai_dtype dtype, xai_shape shape, bool zeros, xai_tensor **out, xai_err *err) {
  int64_t count;
  if (!xai_shape_count(&shape, &count)) {
    char text[XAI_SHAPE_TEXT];
    return xai_fail(err, XAI_ESHAPE, "no tensor can have the shape %s", xai_shape_text(&shape, text));
  }
  size_t bytes = (size_t)count * xai_dtype_size(dtype);
  storage *s = xai_calloc(1, sizeof *s);
  if (s != NULL) s->block = zeros ? xai_calloc(1, bytes) : xai_alloc(bytes);
  if (s == NULL || s->block == NULL) {
    xai_free(s);
    return xai_fail_memory(err, bytes);
  }
  atomic_init(&s->refs, 1);
  return handle((xai_view){dtype, shape, s->block}, s, out, err);
}

xai_status xai_tensor_new_raw(xai_dtype dtype, xai_shape shape, xai_tensor **out, xai_err *err) {
  return make(dtype, shape, false, out, err);
}

xai_status xai_tensor_new(xai_dtype dtype, xai_shape shape, xai_tensor **out, xai_err *err) {
  return make(dtype, shape, true, out, err);
}

xai_status xai_tensor_copy(const xai_view *from, xai_tensor **out, xai_err *err) {
  XAI_TRY(xai_tensor_new_raw(from->dtype, from->shape, out, err));
  if (xai_view_bytes(from) > 0) memcpy((*out)->view.data, from->data, xai_view_bytes(from)); /* nothing may lie at NULL */
  return XAI_OK;
}

xai_status xai_tensor_map(xai_dtype dtype, xai_shape shape, xai_file *file, const unsigned char *at, xai_tensor **out,
                          xai_err *err) {
  if ((uintptr_t)at % xai_dtype_size(dtype) != 0) {
    XAI_TRY(xai_tensor_new_raw(dtype, shape, out, err));
    xai_file_copy(file, at, xai_view_bytes(&(*out)->view), (*out)->view.data);
    return XAI_OK;
  }
  storage *s = xai_calloc(1, sizeof *s);
  if (s == NULL) return xai_fail_memory(err, sizeof *s);
  atomic_init(&s->refs, 1);
  s->file = xai_file_retain(file);
  union {
    const unsigned char *in;
    void *out;
  } where = {.in = at}; /* read-only memory; xai_tensor_shared says so */
  return handle((xai_view){dtype, shape, where.out}, s, out, err);
}

xai_status xai_tensor_reshape(xai_tensor *t, xai_shape shape, xai_tensor **out, xai_err *err) {
  int64_t count;
  if (!xai_shape_count(&shape, &count) || (size_t)count != xai_tensor_count(t)) {
    char from[XAI_SHAPE_TEXT], to[XAI_SHAPE_TEXT];
    return xai_fail(err, XAI_ESHAPE, "cannot reshape %s to %s", xai_shape_text(&t->view.shape, from),
                    xai_shape_text(&shape, to));
  }
  atomic_fetch_add(&t->store->refs, 1);
  return handle((xai_view){t->view.dtype, shape, t->view.data}, t->store, out, err);
}

xai_tensor *xai_tensor_retain(xai_tensor *t) {
  atomic_fetch_add(&t->refs, 1);
  return t;
}

void xai_tensor_free(xai_tensor *t) {
  if (t == NULL || atomic_fetch_sub(&t->refs, 1) > 1) return;
  storage_release(t->store);
  xai_free(t);
}

const xai_view *xai_tensor_view(const xai_tensor *t) { return &t->view; }
size_t xai_tensor_count(const xai_tensor *t) { return (size_t)xai_shape_size(&t->view.shape); }
size_t xai_tensor_bytes(const xai_tensor *t) { return xai_view_bytes(&t->view); }

bool xai_tensor_shared(const xai_tensor *t) {
  return t->store->file != NULL || atomic_load(&t->store->refs) > 1 || atomic_load(&t->refs) > 1;
}

double xai_view_get(const xai_view *v, int64_t i) {
  switch (v->dtype) {
    case XAI_F32: return ((const float *)v->data)[i];
    case XAI_I64: return (double)((const int64_t *)v->data)[i];
    case XAI_I32: return ((const int32_t *)v->data)[i];
    case XAI_U8:
    case XAI_BOOL: return ((const uint8_t *)v->data)[i];
  }
  return 0;
}
