/* tests/c/graph/double.h: force-included in front of the kernels and operators, it turns every float into a double.
 *
 * The same sources then compute with 53 bits, and central differences agree with a right gradient to nine digits or
 * so: a wrong term shows, where in float32 it would drown in rounding. System headers come first, untouched. */
#ifndef TESTS_GRAPH_DOUBLE_H
#define TESTS_GRAPH_DOUBLE_H

#include <assert.h>
#include <cblas.h>
#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define float double
#define XK_ONLY_PORTABLE /* the instruction sets' own vectors hold floats */
#define cblas_sgemm cblas_dgemm
#define cblas_sgemv cblas_dgemv
#define acosf acos
#define acoshf acosh
#define asinf asin
#define asinhf asinh
#define atanf atan
#define atanhf atanh
#define ceilf ceil
#define cosf cos
#define coshf cosh
#define erfcf erfc
#define erff erf
#define expf exp
#define expm1f expm1
#define fabsf fabs
#define floorf floor
#define fmaxf fmax
#define fminf fmin
#define fmodf fmod
#define log1pf log1p
#define logf log
#define powf pow
#define rintf rint
#define sinf sin
#define sinhf sinh
#define sqrtf sqrt
#define tanf tan
#define tanhf tanh
#undef FLT_MAX
#define FLT_MAX DBL_MAX
#undef FLT_MIN
#define FLT_MIN DBL_MIN
#undef FLT_EPSILON
#define FLT_EPSILON DBL_EPSILON

#endif
