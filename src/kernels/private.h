/* kernels/private.h: what the kernel files share among themselves; nothing above includes it. */
#ifndef KERNELS_PRIVATE_H
#define KERNELS_PRIVATE_H

#include <math.h>

#include "kernels/kernels.h"
#include "xai/status.h"

/* A hot plain loop is compiled for several instruction sets; the loader picks one. Such functions are
 * small, static and free of OpenMP constructs, since a parallel body would not be cloned with them.
 * (clang 14 gives the resolvers of two static functions of one name the same global name.) */
#if defined(__x86_64__) && defined(__linux__) && !defined(__clang__) && !defined(XK_NO_CLONES)
#define XK_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define XK_CLONES
#endif

static inline int64_t xk__min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t xk__max(int64_t a, int64_t b) { return a > b ? a : b; }
/* For a >= 0, b > 0. */
static inline int64_t xk__ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t xk__round_up(int64_t a, int64_t b) { return xk__ceil_div(a, b) * b; }

/* ---- integers ------------------------------------------------------------------------------------ */
/* Element i of an array with 'size' bytes per element: 8 int64, 4 int32, 1 uint8 or bool. Arithmetic is done in 64
 * bits; what does not fit wraps around. */
static inline int64_t xk__wrap(uint64_t v) { return (int64_t)v; }
static inline int64_t xk__load(size_t size, const void *p, int64_t i) {
  return size == 8 ? ((const int64_t *)p)[i] : size == 4 ? ((const int32_t *)p)[i] : ((const uint8_t *)p)[i];
}
static inline void xk__store(size_t size, void *p, int64_t i, int64_t v) {
  if (size == 8) ((int64_t *)p)[i] = v;
  else if (size == 4) ((int32_t *)p)[i] = (int32_t)v;
  else ((uint8_t *)p)[i] = (uint8_t)v;
}

/* ---- elementwise work ------------------------------------------------------------------------ */
/* Elements per task. Arrays of one task are not worth waking a second thread. */
enum { XK__CHUNK = 16384 };

/* Runs the statement for i = 0 .. n-1 in chunks on all threads; a parameter 'n' must be in scope. */
#define XK__EACH(i, ...)                                                                                               \
  _Pragma("omp parallel for schedule(static) num_threads(xk_threads()) if (n > XK__CHUNK)")                            \
  for (int64_t chunk_at = 0; chunk_at < n; chunk_at += XK__CHUNK) {                                                    \
    if (xai_stop_requested()) continue;                                                                                \
    for (int64_t i = chunk_at, chunk_end = xk__min(n, chunk_at + XK__CHUNK); i < chunk_end; i++) { __VA_ARGS__; }      \
  }

/* 1 / (1 + e^-x), written with e^-|x| so that nothing overflows */
static inline float xk__sigmoid(float x) {
  float z = expf(-fabsf(x)), numerator = x < 0 ? z : 1;
  return numerator / (1 + z);
}

/* XK_RELU_REDIRECTED for what is clamped to [lo, hi]: y as given or clamped; dx may be dy (activation.c). */
void xk__redirect(int64_t n, float lo, float hi, const float *y, const float *dy, float *dx);

/* Does v displace the largest so far? NaN displaces numbers; the first of equals stays. */
static inline bool xk__displaces(float v, float best) { return (v > best) | ((v != v) & (best == best)); }

/* a^p and the p-th root, a >= 0 */
static inline double xk__power(double a, int64_t p) {
  return p == 0 ? 1 : p == 1 ? a : p == 2 ? a * a : pow(a, (double)p);
}
static inline double xk__root(double a, int64_t p) { return p == 1 ? a : p == 2 ? sqrt(a) : pow(a, 1 / (double)p); }

/* Planes (or rows) per task so that a task has about XK__CHUNK elements. */
static inline int64_t xk__rows_per_task(int64_t elements_per_row) {
  return xk__max(1, XK__CHUNK / xk__max(1, elements_per_row));
}

/* A statement for each of the sixteen channels of a block. Arrays of sixteen that are local stay in registers. */
#define XK__EACH_LANE(l) _Pragma("omp simd") for (int l = 0; l < 16; l++)

/* ---- sliding windows ---------------------------------------------------------------------------- */
/* Along one axis: which output positions see the input, and not padding, through one tap of a kernel?
 * 'count' positions from 'out' on do; the first sees input element 'in', the next ones 'stride' further each. */
typedef struct xk__sight {
  int64_t count, out, in;
} xk__sight;

/* shift = tap * dilation; position o sees o*stride - pad + shift. */
static inline xk__sight xk__sight_of(int64_t in, int64_t out, int64_t stride, int64_t pad, int64_t shift) {
  int64_t before = pad - shift, last = in - 1 + before; /* 0 <= o*stride - before < in */
  int64_t lo = before <= 0 ? 0 : xk__ceil_div(before, stride), hi = last < 0 ? 0 : xk__min(out, last / stride + 1);
  return hi > lo ? (xk__sight){.count = hi - lo, .out = lo, .in = lo * stride - before} : (xk__sight){0};
}

/* ---- im2col.c ------------------------------------------------------------------------------------- */
/* Patch matrix of 'channels' planes x (each h x w) for output positions [first, first + count), counted
 * row-major over oh x ow: col is (channels*kh*kw) x count, zero where a tap falls on padding. */
void xk__im2col(const xk_conv2d *p, int64_t channels, const float *x, int64_t first, int64_t count, float *col);
/* Its adjoint, x += ..., for input rows [y0, y1) only; what col holds for padding is overwritten. */
void xk__col2im_accumulate(const xk_conv2d *p, int64_t channels, float *col, int64_t first, int64_t count,
                           int64_t y0, int64_t y1, float *x);

/* ---- depthwise.c: groups that have one input channel each, any number of filters per group ---------- */
void xk__depthwise_forward(const xk_conv2d *p, const float *x, const float *w, const float *b, float *y);
void xk__depthwise_backward_input(const xk_conv2d *p, const float *w, const float *dy, float *dx);
void xk__depthwise_backward_weight(const xk_conv2d *p, const float *x, const float *dy, float *dw);

/* ---- loop.c: counting over several dims ------------------------------------------------------------- */
enum { XK__RANK = 8, XK__ARRAYS = 3 };

/* A nested loop over dims[0] (outermost) .. dims[rank-1] that keeps an element offset into each of up to three
 * arrays. A rank of 0 is one iteration. Start from zeros: xk__loop l = {0}. */
typedef struct xk__loop {
  int rank;
  int64_t dims[XK__RANK], stride[XK__ARRAYS][XK__RANK];
} xk__loop;

typedef struct xk__place {
  int64_t at[XK__ARRAYS], index[XK__RANK];
} xk__place;

int64_t xk__loop_count(const xk__loop *l);
/* Appends an inner dim; dims of size 1 are dropped, and a dim that continues the one before is merged with it. */
void xk__loop_push(xk__loop *l, int64_t dim, int64_t stride0, int64_t stride1, int64_t stride2);
/* Splits off the innermost dim, to be run as a plain loop; one iteration when there is none. */
xk__loop xk__loop_pop(xk__loop *l);
/* The place of iteration i, then from place to place; after the last comes the first again. */
xk__place xk__loop_seek(const xk__loop *l, int64_t i);
void xk__loop_next(const xk__loop *l, xk__place *p);

/* Sum in double (move.c). */
double xk__sum(int64_t n, const float *x);

#endif
