/* tensor/shape.h: arithmetic on shapes, checked against overflow. */
#ifndef TENSOR_SHAPE_H
#define TENSOR_SHAPE_H

#include "xai/tensor.h"

/* Largest element count of one tensor: shapes from files beyond this are refused before anything is allocated. */
#define XAI_MAX_ELEMENTS (INT64_C(1) << 33)

xai_shape xai_shape_of(int rank, const int64_t *dims);
#define XAI_SHAPE(...)                                                                                                 \
  xai_shape_of((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__})

bool xai_shape_equal(const xai_shape *a, const xai_shape *b);

/* Product of the dims into *count; false for a negative dim, more than XAI_MAX_ELEMENTS (zeros apart) or a rank
 * outside 0..XAI_MAX_RANK. */
bool xai_shape_count(const xai_shape *s, int64_t *count);
/* The same for a shape already known to be good. */
int64_t xai_shape_size(const xai_shape *s);
/* Product of dims [from, to). */
int64_t xai_shape_span(const xai_shape *s, int from, int to);

/* NumPy broadcasting of two shapes; XAI_ESHAPE names both. */
xai_status xai_shape_broadcast(const xai_shape *a, const xai_shape *b, xai_shape *out, xai_err *err);

/* -1 counts from the end: an axis in [-rank, rank) becomes one in [0, rank). */
xai_status xai_shape_axis(int64_t axis, int rank, int *out, xai_err *err);

enum { XAI_SHAPE_TEXT = XAI_MAX_RANK * 21 + 1 };
/* "1x3x224x224", "scalar"; a negative dim prints as '?', an impossible rank as "rank 9". Returns buf. */
const char *xai_shape_text(const xai_shape *s, char buf[XAI_SHAPE_TEXT]);

#endif
