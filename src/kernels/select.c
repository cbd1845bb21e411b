/* kernels/select.c: one of two elements, by a condition. Booleans are bytes, 0 or not. */
#include <string.h>

#include "kernels/private.h"

void xk_where_forward(size_t size, const xk_broadcast *s, const int64_t *stride_cond, const uint8_t *cond,
                      const void *a, const void *b, void *y) {
  xk__loop l = {0};
  for (int d = 0; d < s->rank; d++) xk__loop_push(&l, s->dims[d], stride_cond[d], s->stride_a[d], s->stride_b[d]);
  int64_t n = xk__loop_count(&l);
  if (n == 0) return;
  xk__place p = xk__loop_seek(&l, 0);
  for (int64_t i = 0; i < n && !xai_stop_requested(); i++, xk__loop_next(&l, &p)) {
    bool first = cond[p.at[0]] != 0;
    const char *from = (const char *)(first ? a : b) + (first ? p.at[1] : p.at[2]) * (int64_t)size;
    memcpy((char *)y + i * (int64_t)size, from, size);
  }
}

void xk_mask(int64_t n, const uint8_t *cond, bool keep, const float *x, float *y) {
  XK__EACH(i, y[i] = (cond[i] != 0) == keep ? x[i] : 0)
}
