/* kernels/lanes.h: sixteen floats as one value. The compiler puts it into as many registers as the processor needs.
 * Functions take and return it by address only: how it is passed by value differs between instruction sets. */
#ifndef KERNELS_LANES_H
#define KERNELS_LANES_H

#include "kernels/blocked.h"
#include "kernels/private.h"

typedef float xk__lanes __attribute__((vector_size(XK_LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef double xk__wide __attribute__((vector_size(XK_LANES * sizeof(double)), aligned(sizeof(double)), may_alias));
/* What comparing gives: all bits of a lane, or none. (A test compiles the kernels with float as another name of double.) */
typedef __typeof__(__builtin_choose_expr(sizeof(float) == 4, (int32_t)0, (int64_t)0)) xk__word;
typedef xk__word xk__mask __attribute__((vector_size(XK_LANES * sizeof(float)), aligned(sizeof(float))));

/* The sixteen floats at an address, to be read or written. */
#define XK__LANES(address) (*(xk__lanes *)(address))
#define XK__PICK(mask, yes, no) ((xk__lanes)(((mask) & (xk__mask)(yes)) | (~(mask) & (xk__mask)(no))))

#endif
