/* kernels/binary.c: a op b with NumPy broadcasting. A repeated dim is one whose stride is 0; the gradient
 * to an operand is the sum over the dims in which it was repeated. */
#include <math.h>

#include "kernels/private.h"

/* ---- rows ------------------------------------------------------------------------------------------ */
/* The strides that occur in practice get loops that the compiler can vectorise. */
#define ROW(n, op, a, sa, b, sb, y)                                                                                    \
  do {                                                                                                                 \
    if (sa == 1 && sb == 1)                                                                                            \
      for (int64_t i = 0; i < n; i++) y[i] = op(a[i], b[i]);                                                           \
    else if (sa == 1 && sb == 0)                                                                                       \
      for (int64_t i = 0; i < n; i++) y[i] = op(a[i], *b);                                                             \
    else if (sa == 0 && sb == 1)                                                                                       \
      for (int64_t i = 0; i < n; i++) y[i] = op(*a, b[i]);                                                             \
    else                                                                                                               \
      for (int64_t i = 0; i < n; i++) y[i] = op(a[i * sa], b[i * sb]);                                                 \
  } while (0)

#define PLUS(a, b) ((a) + (b))
#define MINUS(a, b) ((a) - (b))
#define TIMES(a, b) ((a) * (b))
#define OVER(a, b) ((a) / (b))
#define LARGER(a, b) ((b) > (a) || (b) != (b) ? (b) : (a))
#define SMALLER(a, b) ((b) < (a) || (b) != (b) ? (b) : (a))
#define PRELU(a, b) ((a) < 0 ? (a) * (b) : (a))
#define EQUAL(a, b) ((a) == (b))
#define GREATER(a, b) ((a) > (b))
#define GREATER_EQUAL(a, b) ((a) >= (b))
#define LESS(a, b) ((a) < (b))
#define LESS_EQUAL(a, b) ((a) <= (b))

/* Squares are common and powf is slow. */
static inline float power(float a, float b) { return b == 2 ? a * a : powf(a, b); }

static inline float floored_remainder(float a, float b) {
  float r = fmodf(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

/* A row of either kind of operator, from operands of either kind; 'size' is for integers. */
typedef void row_function(int op, size_t size, int64_t n, const void *a, int64_t sa, const void *b, int64_t sb,
                          void *y);

static void arithmetic_row(int op, size_t size, int64_t n, const void *a_, int64_t sa, const void *b_, int64_t sb,
                           void *y_) {
  const float *a = a_, *b = b_;
  float *y = y_;
  (void)size;
  switch ((xk_binary)op) {
    case XK_ADD: ROW(n, PLUS, a, sa, b, sb, y); break;
    case XK_SUB: ROW(n, MINUS, a, sa, b, sb, y); break;
    case XK_MUL: ROW(n, TIMES, a, sa, b, sb, y); break;
    case XK_DIV: ROW(n, OVER, a, sa, b, sb, y); break;
    case XK_POW: ROW(n, power, a, sa, b, sb, y); break;
    case XK_MOD: ROW(n, floored_remainder, a, sa, b, sb, y); break;
    case XK_FMOD: ROW(n, fmodf, a, sa, b, sb, y); break;
    case XK_MAX: ROW(n, LARGER, a, sa, b, sb, y); break;
    case XK_MIN: ROW(n, SMALLER, a, sa, b, sb, y); break;
    case XK_PRELU: ROW(n, PRELU, a, sa, b, sb, y); break;
    case XK_BIT_AND:
    case XK_BIT_OR:
    case XK_BIT_XOR:
    case XK_SHIFT_LEFT:
    case XK_SHIFT_RIGHT: break; /* of integers only */
  }
}

static void comparison_row(int op, size_t size, int64_t n, const void *a_, int64_t sa, const void *b_, int64_t sb,
                           void *y_) {
  const float *a = a_, *b = b_;
  uint8_t *y = y_;
  (void)size;
  switch ((xk_comparison)op) {
    case XK_EQUAL: ROW(n, EQUAL, a, sa, b, sb, y); break;
    case XK_GREATER: ROW(n, GREATER, a, sa, b, sb, y); break;
    case XK_GREATER_EQUAL: ROW(n, GREATER_EQUAL, a, sa, b, sb, y); break;
    case XK_LESS: ROW(n, LESS, a, sa, b, sb, y); break;
    case XK_LESS_EQUAL: ROW(n, LESS_EQUAL, a, sa, b, sb, y); break;
    case XK_AND:
    case XK_OR:
    case XK_XOR: break; /* of integers only */
  }
}

/* Shape arithmetic from files: nothing may trap. */
static int64_t apply_int(xk_binary op, int64_t a, int64_t b) {
  switch (op) {
    case XK_ADD: return xk__wrap((uint64_t)a + (uint64_t)b);
    case XK_SUB: return xk__wrap((uint64_t)a - (uint64_t)b);
    case XK_MUL: return xk__wrap((uint64_t)a * (uint64_t)b);
    case XK_DIV: return b == 0 ? 0 : b == -1 ? xk__wrap(0 - (uint64_t)a) : a / b;
    case XK_FMOD: return b == 0 || b == -1 ? 0 : a % b;
    case XK_MOD: {
      int64_t r = b == 0 || b == -1 ? 0 : a % b;
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    }
    case XK_MAX: return a > b ? a : b;
    case XK_MIN: return a < b ? a : b;
    case XK_BIT_AND: return a & b;
    case XK_BIT_OR: return a | b;
    case XK_BIT_XOR: return a ^ b;
    case XK_SHIFT_LEFT: return b < 0 || b > 63 ? 0 : xk__wrap((uint64_t)a << b);
    case XK_SHIFT_RIGHT: return b < 0 || b > 63 ? 0 : xk__wrap((uint64_t)a >> b);
    case XK_POW:
    case XK_PRELU: break; /* of float32 only */
  }
  return 0;
}

static bool compare_int(xk_comparison op, int64_t a, int64_t b) {
  switch (op) {
    case XK_EQUAL: return a == b;
    case XK_GREATER: return a > b;
    case XK_GREATER_EQUAL: return a >= b;
    case XK_LESS: return a < b;
    case XK_LESS_EQUAL: return a <= b;
    case XK_AND: return a != 0 && b != 0;
    case XK_OR: return a != 0 || b != 0;
    case XK_XOR: return (a != 0) != (b != 0);
  }
  return false;
}

static void arithmetic_row_int(int op, size_t size, int64_t n, const void *a, int64_t sa, const void *b, int64_t sb,
                               void *y) {
  for (int64_t i = 0; i < n; i++)
    xk__store(size, y, i, apply_int((xk_binary)op, xk__load(size, a, i * sa), xk__load(size, b, i * sb)));
}

static void comparison_row_int(int op, size_t size, int64_t n, const void *a, int64_t sa, const void *b, int64_t sb,
                               void *y) {
  uint8_t *to = y;
  for (int64_t i = 0; i < n; i++)
    to[i] = compare_int((xk_comparison)op, xk__load(size, a, i * sa), xk__load(size, b, i * sb));
}

/* ---- forward --------------------------------------------------------------------------------------- */
static const void *moved(const void *p, int64_t elements, size_t size) {
  return (const char *)p + elements * (int64_t)size;
}

/* size: bytes per element of a and b; size_y: of y */
static void forward(row_function *row, int op, size_t size, size_t size_y, const xk_broadcast *s, const void *a,
                    const void *b, void *y) {
  xk__loop outer = {0};
  for (int d = 0; d < s->rank; d++) xk__loop_push(&outer, s->dims[d], s->stride_a[d], s->stride_b[d], 0);
  xk__loop inner = xk__loop_pop(&outer);
  int64_t rows = xk__loop_count(&outer), n = inner.dims[0], sa = inner.stride[0][0], sb = inner.stride[1][0];
  if (rows * n == 0) return;
  /* a task is several short rows or a piece of a long one */
  int64_t height = xk__rows_per_task(n), pieces = xk__ceil_div(n, XK__CHUNK),
          tasks = xk__ceil_div(rows, height) * pieces;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (tasks > 1)
  for (int64_t t = 0; t < tasks; t++) {
    if (xai_stop_requested()) continue;
    int64_t first = t / pieces * height, last = xk__min(rows, first + height), i = t % pieces * XK__CHUNK;
    xk__place p = xk__loop_seek(&outer, first);
    for (int64_t r = first; r < last; r++, xk__loop_next(&outer, &p))
      row(op, size, xk__min(n - i, XK__CHUNK), moved(a, p.at[0] + i * sa, size), sa, moved(b, p.at[1] + i * sb, size),
          sb, (char *)y + (r * n + i) * (int64_t)size_y);
  }
}

void xk_binary_forward(xk_binary op, const xk_broadcast *s, const float *a, const float *b, float *y) {
  forward(arithmetic_row, (int)op, sizeof *a, sizeof *y, s, a, b, y);
}

void xk_binary_forward_int(xk_binary op, size_t size, const xk_broadcast *s, const void *a, const void *b, void *y) {
  forward(arithmetic_row_int, (int)op, size, size, s, a, b, y);
}

void xk_compare_forward(xk_comparison op, const xk_broadcast *s, const float *a, const float *b, uint8_t *y) {
  forward(comparison_row, (int)op, sizeof *a, sizeof *y, s, a, b, y);
}

void xk_compare_forward_int(xk_comparison op, size_t size, const xk_broadcast *s, const void *a, const void *b,
                            uint8_t *y) {
  forward(comparison_row_int, (int)op, size, sizeof *y, s, a, b, y);
}

/* ---- backward ---------------------------------------------------------------------------------------- */
/* d(a op b) / d(own operand), times dy */
typedef enum rule {
  SAME, NEGATED, TIMES_OTHER, OVER_OTHER, DIVISOR, BASE, EXPONENT, MINUS_FLOOR, MINUS_TRUNC, PRELU_X, PRELU_SLOPE, NONE
} rule;

static inline double term(rule r, float own, float other, float dy) {
  switch (r) {
    case SAME: return dy;
    case NEGATED: return -(double)dy;
    case TIMES_OTHER: return (double)dy * other;
    case OVER_OTHER: return (double)dy / other;
    case DIVISOR: return -(double)dy * other / ((double)own * own);
    case BASE: return other == 0 ? 0 : (double)dy * other * (other == 2 ? (double)own : pow(own, (double)other - 1));
    case EXPONENT: return other > 0 ? (double)dy * pow(other, own) * log(other) : 0; /* of the rest there is none */
    case MINUS_FLOOR: return -(double)dy * floor((double)other / own);
    case MINUS_TRUNC: return -(double)dy * trunc((double)other / own);
    case PRELU_X: return own > 0 ? dy : (double)dy * other;
    case PRELU_SLOPE: return other < 0 ? (double)dy * other : 0;
    case NONE: return 0;
  }
  return 0;
}

/* The three arrays of a loop here: the operand whose gradient is wanted, the other one, dy. */
typedef struct operands {
  const float *own, *other, *dy;
} operands;

/* d own[e] = sum of the terms over the dims in which element e was repeated */
static double gradient_of(rule r, const operands *o, const xk__loop *repeated, const xk__place *e) {
  xk__loop outer = *repeated, inner = xk__loop_pop(&outer);
  int64_t rows = xk__loop_count(&outer), n = inner.dims[0], st = inner.stride[1][0], sd = inner.stride[2][0];
  if (rows * n == 0) return 0;
  float own = o->own[e->at[0]];
  double sum = 0;
  xk__place p = xk__loop_seek(&outer, 0);
  for (int64_t row = 0; row < rows; row++, xk__loop_next(&outer, &p)) {
    const float *other = o->other + e->at[1] + p.at[1], *dy = o->dy + e->at[2] + p.at[2];
    for (int64_t i = 0; i < n; i++) sum += term(r, own, other[i * st], dy[i * sd]);
  }
  return sum;
}

static void backward(rule r, const xk_broadcast *s, const int64_t *stride_own, const int64_t *stride_other, operands o,
                     int64_t count, float *d_own) {
  if (count == 0) return;
  int64_t dense[XK__RANK], total = 1;
  for (int d = s->rank - 1; d >= 0; d--) {
    dense[d] = total;
    total *= s->dims[d];
  }
  xk__loop kept = {0}, repeated = {0};
  for (int d = 0; d < s->rank; d++)
    xk__loop_push(stride_own[d] != 0 ? &kept : &repeated, s->dims[d], stride_own[d], stride_other[d], dense[d]);

  int64_t n = xk__loop_count(&kept), each = xk__rows_per_task(xk__loop_count(&repeated)), tasks = xk__ceil_div(n, each);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (total > XK__CHUNK)
  for (int64_t t = 0; t < tasks; t++) {
    if (xai_stop_requested()) continue;
    xk__place p = xk__loop_seek(&kept, t * each);
    for (int64_t i = t * each; i < xk__min(n, (t + 1) * each); i++, xk__loop_next(&kept, &p))
      d_own[p.at[0]] = (float)(repeated.rank == 0 ? term(r, o.own[p.at[0]], o.other[p.at[1]], o.dy[p.at[2]])
                                                  : gradient_of(r, &o, &repeated, &p));
  }
}

static const struct {
  rule a, b;
} rules[] = {
    [XK_ADD] = {SAME, SAME},
    [XK_SUB] = {SAME, NEGATED},
    [XK_MUL] = {TIMES_OTHER, TIMES_OTHER},
    [XK_DIV] = {OVER_OTHER, DIVISOR},
    [XK_POW] = {BASE, EXPONENT},
    [XK_MOD] = {SAME, MINUS_FLOOR},
    [XK_FMOD] = {SAME, MINUS_TRUNC},
    [XK_MAX] = {NONE, NONE},
    [XK_MIN] = {NONE, NONE},
    [XK_BIT_AND] = {NONE, NONE},
    [XK_BIT_OR] = {NONE, NONE},
    [XK_BIT_XOR] = {NONE, NONE},
    [XK_SHIFT_LEFT] = {NONE, NONE},
    [XK_SHIFT_RIGHT] = {NONE, NONE},
    [XK_PRELU] = {PRELU_X, PRELU_SLOPE},
};

void xk_binary_backward_a(xk_binary op, const xk_broadcast *s, const float *a, const float *b, const float *dy,
                          int64_t count_a, float *da) {
  backward(rules[op].a, s, s->stride_a, s->stride_b, (operands){a, b, dy}, count_a, da);
}

void xk_binary_backward_b(xk_binary op, const xk_broadcast *s, const float *a, const float *b, const float *dy,
                          int64_t count_b, float *db) {
  backward(rules[op].b, s, s->stride_b, s->stride_a, (operands){b, a, dy}, count_b, db);
}
