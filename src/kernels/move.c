/* kernels/move.c: copying, spreading and summing along strides: transpose, slice, concat, pad, reduce. */
#include <string.h>

#include "kernels/private.h"

/* ---- gather ---------------------------------------------------------------------------------------- */
/* memcpy of a constant size is one load and one store, for any element type. */
static void gather_row(size_t size, int64_t n, const char *x, int64_t stride, char *y) {
  ptrdiff_t step = (ptrdiff_t)stride * (ptrdiff_t)size;
  if (stride == 1)
    memcpy(y, x, (size_t)n * size);
  else if (size == 1)
    for (int64_t i = 0; i < n; i++) y[i] = x[i * step];
  else if (size == 2)
    for (int64_t i = 0; i < n; i++) memcpy(y + i * 2, x + i * step, 2);
  else if (size == 4)
    for (int64_t i = 0; i < n; i++) memcpy(y + i * 4, x + i * step, 4);
  else
    for (int64_t i = 0; i < n; i++) memcpy(y + i * 8, x + i * step, 8);
}

static xk__loop strided_loop(int rank, const int64_t *dims, const int64_t *stride) {
  xk__loop l = {0};
  for (int d = 0; d < rank; d++) xk__loop_push(&l, dims[d], stride[d], 0, 0);
  return l;
}

void xk_gather_strided(size_t size, int rank, const int64_t *dims, const int64_t *stride, int64_t base, const void *x,
                       void *y) {
  xk__loop outer = strided_loop(rank, dims, stride), inner = xk__loop_pop(&outer);
  int64_t rows = xk__loop_count(&outer), n = inner.dims[0], each = xk__rows_per_task(n);
  if (rows * n == 0) return;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (rows * n > XK__CHUNK)
  for (int64_t first = 0; first < rows; first += each) {
    if (xai_stop_requested()) continue;
    xk__place p = xk__loop_seek(&outer, first);
    for (int64_t row = first; row < xk__min(rows, first + each); row++, xk__loop_next(&outer, &p))
      gather_row(size, n, (const char *)x + (base + p.at[0]) * (int64_t)size, inner.stride[0][0],
                 (char *)y + row * n * (int64_t)size);
  }
}

/* One thread: several elements of y may go to the same x, and their order must not vary. */
void xk_scatter_strided_accumulate(int rank, const int64_t *dims, const int64_t *stride, int64_t base, const float *y,
                                   float *x) {
  xk__loop outer = strided_loop(rank, dims, stride), inner = xk__loop_pop(&outer);
  int64_t rows = xk__loop_count(&outer), n = inner.dims[0], step = inner.stride[0][0];
  if (rows * n == 0) return;
  xk__place p = xk__loop_seek(&outer, 0);
  for (int64_t row = 0; row < rows && !xai_stop_requested(); row++, xk__loop_next(&outer, &p)) {
    float *to = x + base + p.at[0];
    const float *from = y + row * n;
    for (int64_t i = 0; i < n; i++) to[i * step] += from[i];
  }
}

/* ---- sums ------------------------------------------------------------------------------------------------ */
enum { LANES = 16 }; /* interleaved sums: additions of one sum would wait for each other */
XK_CLONES double xk__sum(int64_t n, const float *x) {
  double lane[LANES] = {0}, sum = 0;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int j = 0; j < LANES; j++) lane[j] += x[i + j];
  for (int j = 0; j < LANES; j++) sum += lane[j];
  for (; i < n; i++) sum += x[i];
  return sum;
}

XK_CLONES double xk_sum_square(int64_t n, const float *x) {
  double lane[LANES] = {0}, sum = 0;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int j = 0; j < LANES; j++) lane[j] += (double)x[i + j] * x[i + j];
  for (int j = 0; j < LANES; j++) sum += lane[j];
  for (; i < n; i++) sum += (double)x[i] * x[i];
  return sum;
}

static double sum_over(const xk__loop *l, const float *x) {
  xk__loop outer = *l, inner = xk__loop_pop(&outer);
  int64_t rows = xk__loop_count(&outer), n = inner.dims[0], step = inner.stride[0][0];
  double sum = 0;
  if (rows * n == 0) return 0;
  xk__place p = xk__loop_seek(&outer, 0);
  for (int64_t row = 0; row < rows; row++, xk__loop_next(&outer, &p)) {
    if (step == 1)
      sum += xk__sum(n, x + p.at[0]);
    else
      for (int64_t i = 0; i < n; i++) sum += x[p.at[0] + i * step];
  }
  return sum;
}

void xk_reduce_sum(int rank, const int64_t *dims, const bool *keep, double scale, const float *x, float *y) {
  int64_t dense[XK__RANK], total = 1;
  for (int d = rank - 1; d >= 0; d--) {
    dense[d] = total;
    total *= dims[d];
  }
  xk__loop kept = {0}, summed = {0};
  for (int d = 0; d < rank; d++) xk__loop_push(keep[d] ? &kept : &summed, dims[d], dense[d], 0, 0);
  int64_t n = xk__loop_count(&kept), each = xk__rows_per_task(xk__loop_count(&summed));
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (total > XK__CHUNK)
  for (int64_t first = 0; first < n; first += each) {
    if (xai_stop_requested()) continue;
    xk__place p = xk__loop_seek(&kept, first);
    for (int64_t i = first; i < xk__min(n, first + each); i++, xk__loop_next(&kept, &p))
      y[i] = (float)(scale * sum_over(&summed, x + p.at[0]));
  }
}
