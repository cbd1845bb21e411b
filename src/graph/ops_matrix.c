/* graph/ops_matrix.c: Gemm (the fully connected layer), MatMul (stacks of matrices with broadcasting) and Det. */
#include <string.h>

#include "graph/op_check.h"

/* ---- Gemm: Y = alpha op(A) op(B) + beta C --------------------------------------------------------------- */

enum { A, B, C };

static const xai_attr_spec gemm_attrs[] = {
    XAI_ATTR(FLOAT, "alpha", gemm.alpha, 1),
    XAI_ATTR(FLOAT, "beta", gemm.beta, 1),
    XAI_ATTR(INT, "transA", gemm.trans_a, 0),
    XAI_ATTR(INT, "transB", gemm.trans_b, 0),
    {0},
};

typedef struct gemm_sizes {
  bool ta, tb;
  int64_t m, n, k, lda, ldb;
} gemm_sizes;

static gemm_sizes gemm_problem(const xai_call *c) {
  const int64_t *a = c->in[A].shape.dims, *b = c->in[B].shape.dims;
  bool ta = c->attrs->gemm.trans_a != 0, tb = c->attrs->gemm.trans_b != 0;
  return (gemm_sizes){ta, tb, .m = a[ta ? 1 : 0], .n = b[tb ? 0 : 1], .k = a[ta ? 0 : 1], .lda = a[1], .ldb = b[1]};
}

static xai_status gemm_infer(xai_call *c, xai_err *err) {
  for (int i = 0; i < c->n_in; i++)
    if (xai_call_has(c, i)) XAI_TRY(xai_op__need_float(c, i, err));
  const xai_shape *a = &c->in[A].shape, *b = &c->in[B].shape, *add = &c->in[C].shape;
  if (a->rank != 2 || b->rank != 2)
    return xai_fail(err, XAI_ESHAPE, "expected two matrices, got %s and %s", TEXT(a), TEXT(b));
  gemm_sizes s = gemm_problem(c);
  int64_t k_b = b->dims[s.tb ? 1 : 0];
  if (s.k != k_b)
    return xai_fail(err, XAI_ESHAPE, "inner sizes %" PRId64 " and %" PRId64 " differ (A %s%s, B %s%s)", s.k, k_b,
                    TEXT(a), s.ta ? " transposed" : "", TEXT(b), s.tb ? " transposed" : "");
  xai_shape y = XAI_SHAPE(s.m, s.n);
  if (xai_call_has(c, C)) { /* C repeats to fit Y, never the other way round */
    bool fits = add->rank <= 2;
    for (int d = 1; fits && d <= add->rank; d++)
      fits = add->dims[add->rank - d] == 1 || add->dims[add->rank - d] == y.dims[2 - d];
    if (!fits) return xai_fail(err, XAI_ESHAPE, "C %s does not broadcast to %s", TEXT(add), TEXT(&y));
  }
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = y;
  return XAI_OK;
}

/* true along the rows (d = 0) or columns (d = 1) of Y in which C has elements of its own */
static bool varies(const xai_shape *add, int d) {
  int at = d - (2 - add->rank);
  return at >= 0 && add->dims[at] != 1;
}

static void gemm_forward(const xai_call *c) {
  gemm_sizes s = gemm_problem(c);
  const xai_attrs_gemm *t = &c->attrs->gemm;
  float *y = c->out[0].data;
  float beta = 0;
  if (xai_call_has(c, C)) {
    const xai_shape *add = &c->in[C].shape;
    int64_t dims[] = {s.m, s.n}, stride[] = {varies(add, 0) ? add->dims[add->rank - 1] : 0, varies(add, 1)};
    xk_gather_strided(sizeof *y, 2, dims, stride, 0, c->in[C].data, y);
    beta = (float)t->beta;
  }
  xk_gemm_parallel(s.ta, s.tb, s.m, s.n, s.k, (float)t->alpha, c->in[A].data, s.lda, c->in[B].data, s.ldb, beta, y,
                   s.n);
}

/* dop(A) = alpha dY op(B)', dop(B) = alpha op(A)' dY; a transposed operand takes the transpose of that. */
static void gemm_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  gemm_sizes s = gemm_problem(c);
  const xai_attrs_gemm *t = &c->attrs->gemm;
  const float *a = c->in[A].data, *b = c->in[B].data, *dy = c->dout[0].data;
  float *da = xai_op__din(c, A), *db = xai_op__din(c, B), *dc = xai_op__din(c, C);
  float alpha = (float)t->alpha;
  if (da != NULL && !s.ta) xk_gemm_parallel(false, !s.tb, s.m, s.k, s.n, alpha, dy, s.n, b, s.ldb, 0, da, s.lda);
  if (da != NULL && s.ta) xk_gemm_parallel(s.tb, true, s.k, s.m, s.n, alpha, b, s.ldb, dy, s.n, 0, da, s.lda);
  if (db != NULL && !s.tb) xk_gemm_parallel(!s.ta, false, s.k, s.n, s.m, alpha, a, s.lda, dy, s.n, 0, db, s.ldb);
  if (db != NULL && s.tb) xk_gemm_parallel(true, s.ta, s.n, s.k, s.m, alpha, dy, s.n, a, s.lda, 0, db, s.ldb);
  if (dc != NULL) {
    int64_t dims[] = {s.m, s.n};
    bool keep[] = {varies(&c->in[C].shape, 0), varies(&c->in[C].shape, 1)};
    xk_reduce_sum(2, dims, keep, t->beta, dy, dc);
  }
}

const xai_op_def xai_op_def_GEMM = {
    .name = "Gemm", .min_in = 2, .max_in = 3, .max_out = 1, .flags = XAI_OP_MIXES, .grad = {XAI_READS(B), XAI_READS(A), 0},
    .attrs = gemm_attrs, .infer = gemm_infer, .forward = gemm_forward, .backward = gemm_backward,
};

/* ---- MatMul ----------------------------------------------------------------------------------------------- */

/* Both operands as stacks of matrices; a vector is a row on the left and a column on the right. Matrix number i of
 * the result comes from the matrices at which() of i. */
typedef struct stacks {
  int64_t m, n, k, count;
  int rank; /* of the stack */
  int64_t dims[XAI_MAX_RANK], stride_a[XAI_MAX_RANK], stride_b[XAI_MAX_RANK]; /* in matrices, 0: repeats */
} stacks;

static xai_shape stack_of(const xai_shape *s) {
  return s->rank <= 2 ? (xai_shape){.rank = 0} : xai_shape_of(s->rank - 2, s->dims);
}

static void stack_strides(const xai_shape *s, const xai_shape *out, int64_t *stride) {
  int64_t step = 1;
  for (int d = out->rank - 1; d >= 0; d--) {
    int at = d - (out->rank - s->rank);
    stride[d] = at < 0 || s->dims[at] == 1 ? 0 : step;
    if (at >= 0) step *= s->dims[at];
  }
}

static xai_status find_stacks(const xai_call *c, stacks *out, xai_err *err) {
  const xai_shape *a = &c->in[A].shape, *b = &c->in[B].shape;
  if (a->rank < 1 || b->rank < 1)
    return xai_fail(err, XAI_ESHAPE, "expected vectors or matrices, got %s and %s", TEXT(a), TEXT(b));
  stacks s = {.m = a->rank == 1 ? 1 : a->dims[a->rank - 2],
              .n = b->rank == 1 ? 1 : b->dims[b->rank - 1],
              .k = a->dims[a->rank - 1]};
  int64_t k_b = b->dims[b->rank == 1 ? 0 : b->rank - 2];
  if (s.k != k_b)
    return xai_fail(err, XAI_ESHAPE, "inner sizes %" PRId64 " and %" PRId64 " differ (%s by %s)", s.k, k_b, TEXT(a),
                    TEXT(b));
  xai_shape stack, stack_a = stack_of(a), stack_b = stack_of(b);
  XAI_TRY(xai_shape_broadcast(&stack_a, &stack_b, &stack, err));
  s.rank = stack.rank;
  memcpy(s.dims, stack.dims, sizeof s.dims);
  stack_strides(&stack_a, &stack, s.stride_a);
  stack_strides(&stack_b, &stack, s.stride_b);
  if (!xai_shape_count(&stack, &s.count))
    return xai_fail(err, XAI_ESHAPE, "%s matrices are too many", TEXT(&stack));
  *out = s;
  return XAI_OK;
}

static xai_status matmul_infer(xai_call *c, xai_err *err) {
  for (int i = A; i <= B; i++) XAI_TRY(xai_op__need_float(c, i, err));
  stacks s;
  XAI_TRY(find_stacks(c, &s, err));
  xai_shape y = xai_shape_of(s.rank, s.dims);
  if (c->in[A].shape.rank > 1) y.dims[y.rank++] = s.m;
  if (c->in[B].shape.rank > 1) y.dims[y.rank++] = s.n;
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = y;
  return XAI_OK;
}

/* When one matrix on the right serves a whole stack on the left, the stack is one tall matrix. */
static stacks matmul_problem(const xai_call *c) {
  stacks s;
  find_stacks(c, &s, NULL); /* infer has seen it succeed */
  bool shared = xai_shape_size(&c->in[B].shape) == s.k * s.n && xai_shape_size(&c->in[A].shape) == s.count * s.m * s.k;
  if (shared) {
    s.m *= s.count;
    s.count = 1;
    s.rank = 0;
  }
  return s;
}

static int64_t which(const stacks *s, const int64_t *stride, int64_t i) {
  int64_t at = 0;
  for (int d = s->rank - 1; d >= 0; d--) {
    at += i % s->dims[d] * stride[d];
    i /= s->dims[d];
  }
  return at;
}

static void matmul_forward(const xai_call *c) {
  stacks s = matmul_problem(c);
  const float *a = c->in[A].data, *b = c->in[B].data;
  float *y = c->out[0].data;
  for (int64_t i = 0; i < s.count && !xai_stop_requested(); i++)
    xk_gemm_parallel(false, false, s.m, s.n, s.k, 1, a + which(&s, s.stride_a, i) * s.m * s.k, s.k,
                     b + which(&s, s.stride_b, i) * s.k * s.n, s.n, 0, y + i * s.m * s.n, s.n);
}

/* dA = dY B', dB = A' dY, added up over the repetitions. */
static void matmul_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  stacks s = matmul_problem(c);
  float *da = xai_op__din(c, A), *db = xai_op__din(c, B);
  if (da != NULL) memset(da, 0, xai_view_bytes(&c->in[A]));
  if (db != NULL) memset(db, 0, xai_view_bytes(&c->in[B]));
  for (int64_t i = 0; i < s.count && !xai_stop_requested(); i++) {
    int64_t at_a = which(&s, s.stride_a, i) * s.m * s.k, at_b = which(&s, s.stride_b, i) * s.k * s.n;
    const float *dy = (const float *)c->dout[0].data + i * s.m * s.n;
    if (da != NULL)
      xk_gemm_parallel(false, true, s.m, s.k, s.n, 1, dy, s.n, (const float *)c->in[B].data + at_b, s.n, 1, da + at_a,
                       s.k);
    if (db != NULL)
      xk_gemm_parallel(true, false, s.k, s.n, s.m, 1, (const float *)c->in[A].data + at_a, s.k, dy, s.n, 1, db + at_b,
                       s.n);
  }
}

const xai_op_def xai_op_def_MATMUL = {
    .name = "MatMul", .min_in = 2, .max_in = 2, .max_out = 1, .flags = XAI_OP_MIXES, .grad = {XAI_READS(B), XAI_READS(A)},
    .infer = matmul_infer, .forward = matmul_forward, .backward = matmul_backward,
};

/* ---- Det: of each matrix of a stack ---------------------------------------------------------------------------- */

static xai_status det_infer(xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[0].shape;
  XAI_TRY(xai_op__need_float(c, 0, err));
  if (x->rank < 2 || x->dims[x->rank - 1] != x->dims[x->rank - 2])
    return xai_fail(err, XAI_ESHAPE, "expected square matrices, got %s", TEXT(x));
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = stack_of(x);
  return XAI_OK;
}

static int64_t det_rows(const xai_call *c) { return c->in[0].shape.dims[c->in[0].shape.rank - 1]; }
static size_t det_workspace(const xai_call *c) { return xk_det_workspace(det_rows(c)); }

static void det_forward(const xai_call *c) {
  xk_det_forward(xai_shape_size(&c->out[0].shape), det_rows(c), c->in[0].data, c->out[0].data, c->work);
}

static void det_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_det_backward(xai_shape_size(&c->out[0].shape), det_rows(c), c->in[0].data, c->dout[0].data, c->din[0].data,
                  c->work);
}

const xai_op_def xai_op_def_DET = {
    .name = "Det", .min_in = 1, .max_in = 1, .max_out = 1, .grad = {XAI_READS(0)},
    .infer = det_infer, .workspace = det_workspace, .forward = det_forward, .backward = det_backward,
};
