/* xai/tensor.h: dense row-major arrays. float32 for everything that is computed with;
 * the integer types serve indices, masks and shape arithmetic.
 *
 * A tensor is a handle with a reference count. Its elements may be shared by several handles
 * (a reshape, a file mapping), so treat them as read-only unless you created them. */
#ifndef XAI_TENSOR_H
#define XAI_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "xai/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { XAI_MAX_RANK = 8 };

typedef enum xai_dtype { XAI_F32 = 0, XAI_I64, XAI_I32, XAI_U8, XAI_BOOL } xai_dtype;

/* rank 0 is a scalar with one element. Only the first 'rank' dims mean anything. */
typedef struct xai_shape {
  int rank;
  int64_t dims[XAI_MAX_RANK];
} xai_shape;

/* A borrowed array: element type, shape and where the elements are. */
typedef struct xai_view {
  xai_dtype dtype;
  xai_shape shape;
  void *data;
} xai_view;

typedef struct xai_tensor xai_tensor;

/* Bytes per element: 4 8 4 1 1.   "float32" "int64" "int32" "uint8" "bool". */
XAI_API size_t xai_dtype_size(xai_dtype dtype);
XAI_API const char *xai_dtype_name(xai_dtype dtype);

/* A new tensor of zeros. Fails with XAI_ENOMEM, or XAI_ESHAPE for a negative or overflowing shape. */
XAI_API xai_status xai_tensor_new(xai_dtype dtype, xai_shape shape, xai_tensor **out, xai_err *err);
/* A new tensor with a copy of the view's elements. */
XAI_API xai_status xai_tensor_copy(const xai_view *from, xai_tensor **out, xai_err *err);
/* The same elements under another shape with the same count; shares the memory. */
XAI_API xai_status xai_tensor_reshape(xai_tensor *t, xai_shape shape, xai_tensor **out, xai_err *err);

XAI_API xai_tensor *xai_tensor_retain(xai_tensor *t);
XAI_API void xai_tensor_free(xai_tensor *t); /* NULL is fine; frees at the last reference */

/* The tensor's elements as a view, valid while the tensor lives. */
XAI_API const xai_view *xai_tensor_view(const xai_tensor *t);
XAI_API size_t xai_tensor_count(const xai_tensor *t);
XAI_API size_t xai_tensor_bytes(const xai_tensor *t);

#ifdef __cplusplus
}
#endif
#endif
