/* score/order.c: pixels from the most to the least relevant. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/status.h"
#include "score/score.h"

typedef struct entry {
  float v;
  int64_t at;
} entry;

/* A total order, so the result does not depend on how qsort goes about it. */
static int by_value(const void *pa, const void *pb) {
  const entry *a = pa, *b = pb;
  if (isnan(a->v) != isnan(b->v)) return isnan(a->v) ? 1 : -1;
  if (a->v > b->v) return -1;
  if (a->v < b->v) return 1;
  return (a->at > b->at) - (a->at < b->at);
}

xai_status xai_score_order(const float *v, int64_t n, int64_t *order, xai_err *err) {
  entry *entries = xai_alloc((size_t)n * sizeof *entries);
  if (entries == NULL) return xai_fail_memory(err, (size_t)n * sizeof *entries);
  for (int64_t i = 0; i < n; i++) entries[i] = (entry){v[i], i};
  qsort(entries, (size_t)n, sizeof *entries, by_value);
  for (int64_t i = 0; i < n; i++) order[i] = entries[i].at;
  xai_free(entries);
  return XAI_OK;
}
