/* tensor/tensor.h: what the lower floors may do with tensors beyond the public calls. */
#ifndef TENSOR_TENSOR_H
#define TENSOR_TENSOR_H

#include "base/file.h"
#include "tensor/shape.h"
#include "xai/tensor.h"

/* A tensor of uninitialised elements, for writers that fill all of it. */
xai_status xai_tensor_new_raw(xai_dtype dtype, xai_shape shape, xai_tensor **out, xai_err *err);

/* A tensor over bytes of a mapped file, which it keeps alive. Nothing is copied when 'at' is
 * aligned for the type; otherwise the bytes are copied once. The range must have been checked. */
xai_status xai_tensor_map(xai_dtype dtype, xai_shape shape, xai_file *file, const unsigned char *at, xai_tensor **out,
                          xai_err *err);

/* Elements as a writable pointer; only for tensors that the caller made and has not shared. */
static inline float *xai_tensor_floats(xai_tensor *t) { return (float *)xai_tensor_view(t)->data; }

/* true when the elements lie in a read-only mapping or are shared with another handle */
bool xai_tensor_shared(const xai_tensor *t);

static inline size_t xai_view_bytes(const xai_view *v) {
  return (size_t)xai_shape_size(&v->shape) * xai_dtype_size(v->dtype);
}

/* Element i as a number, whatever the type. */
double xai_view_get(const xai_view *v, int64_t i);

#endif
