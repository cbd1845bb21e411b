/* tensor/math.h: elementwise arithmetic and reductions over whole tensors, for scripts and results.
 *
 * What the passes of a network compute is in kernels/. Here any element type is read; arithmetic gives float32.
 * Every element is computed in double and rounded once, which for + - * / is the float32 result itself;
 * sums run in double in row-major order, so they do not depend on threads. */
#ifndef TENSOR_MATH_H
#define TENSOR_MATH_H

#include "tensor/tensor.h"

typedef enum xai_binary { XAI_BINARY_ADD, XAI_BINARY_SUB, XAI_BINARY_MUL, XAI_BINARY_DIV } xai_binary;

/* One side of an operation: a tensor, or a number when view is NULL. */
typedef struct xai_operand {
  const xai_view *view;
  double number;
} xai_operand;

/* a op b; at least one side is a tensor, two tensors must have the same shape (XAI_ESHAPE). */
xai_status xai_math_binary(xai_binary op, xai_operand a, xai_operand b, xai_tensor **out, xai_err *err);
/* |t| */
xai_status xai_math_abs(const xai_view *t, xai_tensor **out, xai_err *err);
/* lo if t < lo, hi if t > hi; NaN stays */
xai_status xai_math_clamp(const xai_view *t, double lo, double hi, xai_tensor **out, xai_err *err);
/* A copy with other element type: to an integer type toward zero, clipped to its range, NaN to 0; to bool: not zero. */
xai_status xai_math_convert(const xai_view *t, xai_dtype dtype, xai_tensor **out, xai_err *err);
/* Sum over one axis, which disappears; times 'factor' (1 / extent gives the mean). */
xai_status xai_math_sum_axis(const xai_view *t, int axis, double factor, xai_tensor **out, xai_err *err);

double xai_math_sum(const xai_view *t);
double xai_math_norm(const xai_view *t); /* square root of the sum of squares */
/* Row-major position of the largest (sign 1) or smallest (-1) element, the first of equals; NaN is passed over.
 * -1 when there is none. */
int64_t xai_math_extreme(const xai_view *t, int sign);

/* Writes element i, converted like xai_math_convert. */
void xai_math_put(const xai_view *t, int64_t i, double value);

#endif
