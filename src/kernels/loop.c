/* kernels/loop.c: nested loops of any depth over strided arrays. */
#include "kernels/private.h"

int64_t xk__loop_count(const xk__loop *l) {
  int64_t n = 1;
  for (int d = 0; d < l->rank; d++) n *= l->dims[d];
  return n;
}

void xk__loop_push(xk__loop *l, int64_t dim, int64_t stride0, int64_t stride1, int64_t stride2) {
  const int64_t stride[XK__ARRAYS] = {stride0, stride1, stride2};
  int d = l->rank - 1;
  bool continues = d >= 0;
  if (dim == 1) return;
  for (int k = 0; k < XK__ARRAYS && continues; k++) continues = l->stride[k][d] == stride[k] * dim;
  if (continues) {
    l->dims[d] *= dim;
  } else {
    d = l->rank++;
    l->dims[d] = dim;
  }
  for (int k = 0; k < XK__ARRAYS; k++) l->stride[k][d] = stride[k];
}

xk__loop xk__loop_pop(xk__loop *l) {
  xk__loop inner = {.rank = 1, .dims = {1}};
  if (l->rank == 0) return inner;
  int d = --l->rank;
  inner.dims[0] = l->dims[d];
  for (int k = 0; k < XK__ARRAYS; k++) inner.stride[k][0] = l->stride[k][d];
  return inner;
}

xk__place xk__loop_seek(const xk__loop *l, int64_t i) {
  xk__place p = {.at = {0}};
  for (int d = l->rank - 1; d >= 0; d--) {
    p.index[d] = i % l->dims[d];
    i /= l->dims[d];
    for (int k = 0; k < XK__ARRAYS; k++) p.at[k] += p.index[d] * l->stride[k][d];
  }
  return p;
}

void xk__loop_next(const xk__loop *l, xk__place *p) {
  for (int d = l->rank - 1; d >= 0; d--) {
    for (int k = 0; k < XK__ARRAYS; k++) p->at[k] += l->stride[k][d];
    if (++p->index[d] < l->dims[d]) return;
    for (int k = 0; k < XK__ARRAYS; k++) p->at[k] -= l->dims[d] * l->stride[k][d];
    p->index[d] = 0;
  }
}
