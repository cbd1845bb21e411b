/* kernels/binary.c: a op b with NumPy broadcasting. A repeated dim is one whose stride is 0; the gradient
 * to an operand is the sum over the dims in which it was repeated. */
#include "kernels/private.h"

/* ---- forward ------------------------------------------------------------------------------------- */
/* One row; the strides that occur in practice get loops that the compiler can vectorise. */
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

static void row_f32(xk_binary op, int64_t n, const float *a, int64_t sa, const float *b, int64_t sb, float *y) {
  switch (op) {
    case XK_ADD: ROW(n, PLUS, a, sa, b, sb, y); break;
    case XK_SUB: ROW(n, MINUS, a, sa, b, sb, y); break;
    case XK_MUL: ROW(n, TIMES, a, sa, b, sb, y); break;
    case XK_DIV: ROW(n, OVER, a, sa, b, sb, y); break;
  }
}

/* Shape arithmetic from files: overflow wraps around and a division by zero gives zero. */
static int64_t apply_i64(xk_binary op, int64_t a, int64_t b) {
  switch (op) {
    case XK_ADD: return (int64_t)((uint64_t)a + (uint64_t)b);
    case XK_SUB: return (int64_t)((uint64_t)a - (uint64_t)b);
    case XK_MUL: return (int64_t)((uint64_t)a * (uint64_t)b);
    case XK_DIV: return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
  }
  return 0;
}

static xk__loop output_loop(const xk_broadcast *s) {
  xk__loop l = {0};
  for (int d = 0; d < s->rank; d++) xk__loop_push(&l, s->dims[d], s->stride_a[d], s->stride_b[d], 0);
  return l;
}

void xk_binary_forward(xk_binary op, const xk_broadcast *s, const float *a, const float *b, float *y) {
  xk__loop outer = output_loop(s), inner = xk__loop_pop(&outer);
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
    for (int64_t row = first; row < last; row++, xk__loop_next(&outer, &p))
      row_f32(op, xk__min(n - i, XK__CHUNK), a + p.at[0] + i * sa, sa, b + p.at[1] + i * sb, sb, y + row * n + i);
  }
}

void xk_binary_forward_i64(xk_binary op, const xk_broadcast *s, const int64_t *a, const int64_t *b, int64_t *y) {
  xk__loop l = output_loop(s);
  int64_t n = xk__loop_count(&l);
  if (n == 0) return;
  xk__place p = xk__loop_seek(&l, 0);
  for (int64_t i = 0; i < n && !xai_stop_requested(); i++, xk__loop_next(&l, &p))
    y[i] = apply_i64(op, a[p.at[0]], b[p.at[1]]);
}

/* ---- backward ---------------------------------------------------------------------------------------- */
/* d(a op b) / d(own operand), times dy */
typedef enum rule { SAME, NEGATED, TIMES_OTHER, OVER_OTHER, DIVISOR } rule;

static inline double term(rule r, float own, float other, float dy) {
  switch (r) {
    case SAME: return dy;
    case NEGATED: return -(double)dy;
    case TIMES_OTHER: return (double)dy * other;
    case OVER_OTHER: return (double)dy / other;
    case DIVISOR: return -(double)dy * other / ((double)own * own);
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

void xk_binary_backward_a(xk_binary op, const xk_broadcast *s, const float *a, const float *b, const float *dy,
                          int64_t count_a, float *da) {
  static const rule rules[] = {[XK_ADD] = SAME, [XK_SUB] = SAME, [XK_MUL] = TIMES_OTHER, [XK_DIV] = OVER_OTHER};
  backward(rules[op], s, s->stride_a, s->stride_b, (operands){a, b, dy}, count_a, da);
}

void xk_binary_backward_b(xk_binary op, const xk_broadcast *s, const float *a, const float *b, const float *dy,
                          int64_t count_b, float *db) {
  static const rule rules[] = {[XK_ADD] = SAME, [XK_SUB] = NEGATED, [XK_MUL] = TIMES_OTHER, [XK_DIV] = DIVISOR};
  backward(rules[op], s, s->stride_b, s->stride_a, (operands){b, a, dy}, count_b, db);
}
