/* tensor/shape.c: see shape.h. */
#include "tensor/shape.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/status.h"
#include "base/str.h"

xai_shape xai_shape_of(int rank, const int64_t *dims) {
  xai_shape s = {.rank = rank};
  for (int i = 0; i < rank; i++) s.dims[i] = dims[i];
  return s;
}

bool xai_shape_equal(const xai_shape *a, const xai_shape *b) {
  if (a->rank != b->rank) return false;
  for (int i = 0; i < a->rank; i++)
    if (a->dims[i] != b->dims[i]) return false;
  return true;
}

bool xai_shape_count(const xai_shape *s, int64_t *count) {
  int64_t n = 1;
  bool zero = false;
  if (s->rank < 0 || s->rank > XAI_MAX_RANK) return false;
  for (int i = 0; i < s->rank; i++) {
    if (s->dims[i] < 0) return false;
    if (s->dims[i] == 0) zero = true;
    else if (__builtin_mul_overflow(n, s->dims[i], &n) || n > XAI_MAX_ELEMENTS) return false;
  }
  *count = zero ? 0 : n;
  return true;
}

int64_t xai_shape_span(const xai_shape *s, int from, int to) {
  int64_t n = 1;
  for (int i = from; i < to; i++) n *= s->dims[i];
  return n;
}

int64_t xai_shape_size(const xai_shape *s) { return xai_shape_span(s, 0, s->rank); }

const char *xai_shape_text(const xai_shape *s, char buf[XAI_SHAPE_TEXT]) {
  size_t used = 0;
  buf[0] = '\0';
  if (s->rank < 0 || s->rank > XAI_MAX_RANK) xai_str_append(buf, XAI_SHAPE_TEXT, &used, "rank %d", s->rank);
  else if (s->rank == 0) xai_str_append(buf, XAI_SHAPE_TEXT, &used, "scalar");
  else
    for (int i = 0; i < s->rank; i++) {
      if (i > 0) xai_str_append(buf, XAI_SHAPE_TEXT, &used, "x");
      if (s->dims[i] < 0) xai_str_append(buf, XAI_SHAPE_TEXT, &used, "?");
      else xai_str_append(buf, XAI_SHAPE_TEXT, &used, "%" PRId64, s->dims[i]);
    }
  return buf;
}

xai_status xai_shape_broadcast(const xai_shape *a, const xai_shape *b, xai_shape *out, xai_err *err) {
  int rank = a->rank > b->rank ? a->rank : b->rank;
  xai_shape s = {.rank = rank};
  for (int i = 0; i < rank; i++) {
    int64_t da = i < rank - a->rank ? 1 : a->dims[i - (rank - a->rank)];
    int64_t db = i < rank - b->rank ? 1 : b->dims[i - (rank - b->rank)];
    if (da != db && da != 1 && db != 1) {
      char ta[XAI_SHAPE_TEXT], tb[XAI_SHAPE_TEXT];
      return xai_fail(err, XAI_ESHAPE, "shapes %s and %s do not broadcast", xai_shape_text(a, ta), xai_shape_text(b, tb));
    }
    s.dims[i] = da == 1 ? db : da;
  }
  *out = s;
  return XAI_OK;
}

xai_status xai_shape_axis(int64_t axis, int rank, int *out, xai_err *err) {
  if (axis < -rank || axis >= rank)
    return xai_fail(err, XAI_ESHAPE, "axis %" PRId64 " out of range for rank %d", axis, rank);
  *out = (int)(axis < 0 ? axis + rank : axis);
  return XAI_OK;
}
