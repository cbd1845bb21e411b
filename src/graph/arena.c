/* graph/arena.c: which memory the arrays of a pass share: buffers with their lives, laid into one arena; see plan.h. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/status.h"
#include "graph/plan.h"

static size_t whole_lines(size_t bytes) { return (bytes + XAI_ALIGN - 1) / XAI_ALIGN * XAI_ALIGN; }

static xai_status add(xai_run *run, const plan_buffer *b, int *id, xai_err *err) {
  if (run->n_buffers == run->room_buffers) {
    int room = run->room_buffers == 0 ? 64 : run->room_buffers * 2;
    plan_buffer *p = xai_realloc(run->buffers, (size_t)room * sizeof *p);
    if (p == NULL) return xai_fail_memory(err, (size_t)room * sizeof *p);
    run->buffers = p;
    run->room_buffers = room;
  }
  run->buffers[run->n_buffers] = *b;
  *id = run->n_buffers++;
  return XAI_OK;
}

xai_status xai_arena__add(xai_run *run, const xai_view *v, int first, int *id, xai_err *err) {
  return add(run, &(plan_buffer){.bytes = whole_lines(xai_view_bytes(v)), .first = first, .last = first, .whole = -1}, id,
             err);
}

plan_place xai_arena__at(const xai_run *run, int buffer) {
  const plan_buffer *b = &run->buffers[buffer];
  return b->whole < 0 ? (plan_place){buffer, 0} : (plan_place){b->whole, b->shift};
}

xai_status xai_arena__part(xai_run *run, const xai_view *v, plan_place at, int first, int *id, xai_err *err) {
  plan_place in = xai_arena__at(run, at.buffer);
  XAI_TRY(add(run, &(plan_buffer){.bytes = xai_view_bytes(v), .first = first, .last = first, .whole = in.buffer,
                                  .shift = in.shift + at.shift}, id, err));
  xai_arena__live(run, *id, first);
  return XAI_OK;
}

void xai_arena__live(xai_run *run, int buffer, int step) {
  for (int b = buffer; b >= 0; b = run->buffers[b].whole)
    if (run->buffers[b].last < step) run->buffers[b].last = step;
}

/* Most are alive when one of them begins to be. */
size_t xai_arena__most_alive(const xai_run *run) {
  size_t most = 0;
  for (int i = 0; i < run->n_buffers; i++) {
    size_t sum = 0;
    int step = run->buffers[i].first;
    for (int k = 0; k < run->n_buffers; k++) {
      const plan_buffer *b = &run->buffers[k];
      if (b->whole < 0 && b->first <= step && step <= b->last) sum += b->bytes;
    }
    if (sum > most) most = sum;
  }
  return most;
}

typedef struct by_size {
  size_t bytes;
  int id;
} by_size;

static int larger_first(const void *a, const void *b) {
  const by_size *p = a, *q = b;
  if (p->bytes != q->bytes) return p->bytes < q->bytes ? 1 : -1;
  return p->id - q->id;
}

static int lower_first(const void *a, const void *b) {
  const plan_buffer *p = *(plan_buffer *const *)a, *q = *(plan_buffer *const *)b;
  return p->offset < q->offset ? -1 : p->offset > q->offset;
}

xai_status xai_arena__place(xai_run *run, int from, size_t *total, xai_err *err) {
  int n = 0;
  xai_status st = XAI_OK;
  size_t most = (size_t)(run->n_buffers - from) + 1;
  by_size *order = xai_alloc(most * sizeof *order);
  plan_buffer **rivals = xai_alloc(most * sizeof(plan_buffer *));
  *total = 0;
  if (order == NULL || rivals == NULL) {
    st = xai_fail_memory(err, most * sizeof *order);
    goto done;
  }
  for (int b = from; b < run->n_buffers; b++)
    if (run->buffers[b].whole < 0) order[n++] = (by_size){run->buffers[b].bytes, b};
  qsort(order, (size_t)n, sizeof *order, larger_first);
  for (int i = 0; i < n; i++) {
    plan_buffer *b = &run->buffers[order[i].id];
    int m = 0;
    for (int j = 0; j < i; j++) {
      plan_buffer *other = &run->buffers[order[j].id];
      if (other->first <= b->last && b->first <= other->last) rivals[m++] = other;
    }
    qsort(rivals, (size_t)m, sizeof(plan_buffer *), lower_first);
    size_t at = 0;
    for (int j = 0; j < m && at + b->bytes > rivals[j]->offset; j++) {
      size_t end = rivals[j]->offset + rivals[j]->bytes;
      if (end > at) at = end;
    }
    b->offset = at;
    if (at + b->bytes > *total) *total = at + b->bytes;
  }
  for (int b = from; b < run->n_buffers; b++)
    if (run->buffers[b].whole >= 0) run->buffers[b].offset = run->buffers[run->buffers[b].whole].offset + run->buffers[b].shift;
done:
  xai_free(order);
  xai_free(rivals);
  return st;
}
