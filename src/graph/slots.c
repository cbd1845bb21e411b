/* graph/slots.c: see slots.h. */
#include "graph/slots.h"

#include "base/alloc.h"
#include "base/status.h"

/* ---- making them --------------------------------------------------------------------------------------------- */
static bool same_slide(const xai_slide *p, const xai_slide *q) {
  return p->extent == q->extent && p->stride == q->stride && p->before == q->before && p->out == q->out;
}

static bool same(const xai_slot *p, const xai_slot *q) {
  bool equal = p->kind == q->kind && p->a == q->a && p->b == q->b;
  for (int d = 0; d < 2; d++) equal = equal && p->map[d] == q->map[d] && same_slide(&p->along[d], &q->along[d]);
  return equal;
}

xai_status xai_slots_add(xai_slots *s, const xai_slot *slot, int *id, xai_err *err) {
  for (*id = 0; *id < s->n; (*id)++)
    if (same(&s->v[*id], slot)) return XAI_OK;
  XAI_TRY(xai_grow((void **)&s->v, s->n, &s->room, sizeof *s->v, err));
  s->v[s->n++] = *slot;
  return XAI_OK;
}

void xai_slots_free(xai_slots *s) {
  xai_free(s->v);
  *s = (xai_slots){0};
}

/* By how much the changed outputs extend before and after the changed inputs, when there is no stride. */
static int64_t more_before(const xai_slide *p) { return p->extent - 1 - p->before; }

/* Certain to hold every rectangle of b, though not the other way round: without a stride a window only grows, and of
 * two that grow from the same one the one that does so on all sides is the larger. Looks so many slots back. */
static bool holds(const xai_slots *s, int a, int b, int depth) {
  const xai_slot *p = &s->v[a], *q = &s->v[b];
  if (a == b) return true;
  if (depth == 0) return false;
  if (p->kind == XAI_SLOT_UNION) return holds(s, p->a, b, depth - 1) || holds(s, p->b, b, depth - 1);
  if (p->kind != XAI_SLOT_SLIDE) return false;
  bool grows = true, further = q->kind == XAI_SLOT_SLIDE;
  for (int d = 0; d < 2; d++) {
    const xai_slide *i = &p->along[d], *k = &q->along[d];
    grows = grows && i->stride == 1 && i->before >= 0 && more_before(i) >= 0 && s->v[p->a].map[d] == p->map[d];
    further = further && i->stride == k->stride && i->before >= k->before && more_before(i) >= more_before(k);
  }
  return (grows && holds(s, p->a, b, depth - 1)) || (further && holds(s, p->a, q->a, depth - 1));
}

enum { FAR_ENOUGH = 8 }; /* longer than a branch of the usual blocks, and so short that looking costs nothing */

xai_status xai_slots_unite(xai_slots *s, int a, int b, int *id, xai_err *err) {
  int low = a < b ? a : b, high = a < b ? b : a;
  *id = high;
  if (holds(s, high, low, FAR_ENOUGH)) return XAI_OK;
  *id = low;
  if (holds(s, low, high, FAR_ENOUGH)) return XAI_OK;
  const int64_t *map = s->v[low].map;
  return xai_slots_add(s, &(xai_slot){.kind = XAI_SLOT_UNION, .a = low, .b = high, .map = {map[0], map[1]}}, id, err);
}

/* ---- laying them --------------------------------------------------------------------------------------------- */
/* Elements [first, end) along an axis; end <= first: none. */
typedef struct span {
  int64_t first, end;
} span;

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

/* Output o looks at [o stride - before, o stride - before + extent): it sees an element of [first, end) when
 * o stride > first + before - extent  and  o stride < end + before. */
static span slide_span(const xai_slide *p, span in) {
  int64_t above = in.first + p->before - p->extent, below = in.end + p->before;
  int64_t first = above < 0 ? 0 : above / p->stride + 1, end = below <= 0 ? 0 : (below - 1) / p->stride + 1;
  first = min64(first, p->out - 1);
  end = min64(end, p->out);
  return in.end <= in.first ? (span){first, first} : (span){first, end};
}

static span unite_spans(span p, span q) {
  if (p.end <= p.first) return q;
  if (q.end <= q.first) return p;
  return (span){min64(p.first, q.first), max64(p.end, q.end)};
}

static bool is_placed(const xai_slot *slot) { return slot->kind == XAI_SLOT_REACH || slot->kind == XAI_SLOT_WHOLE; }

/* What changes in every slot along axis d when the input's [first, end) does. */
static void change_spans(const xai_slots *s, int d, int64_t first, int64_t end, span *spans) {
  for (int k = 0; k < s->n; k++) {
    const xai_slot *slot = &s->v[k];
    if (slot->kind == XAI_SLOT_INPUT) spans[k] = (span){first, min64(end, slot->map[d])};
    if (slot->kind == XAI_SLOT_SLIDE) spans[k] = slide_span(&slot->along[d], spans[slot->a]);
    if (slot->kind == XAI_SLOT_UNION) spans[k] = unite_spans(spans[slot->a], spans[slot->b]);
  }
}

/* The rectangles of the changed slots are there as they are; now they get their size and their place inside. */
static void settle(const xai_slots *s, int d, const int64_t *sizes, int64_t *at) {
  for (int k = 0; k < s->n; k++) {
    const xai_slot *slot = &s->v[k];
    int64_t *place = &at[2 * k + d];
    if (slot->kind == XAI_SLOT_REACH) *place = at[2 * slot->a + d] * slot->along[d].stride - slot->along[d].before;
    else if (slot->kind == XAI_SLOT_WHOLE) *place = 0;
    else *place = min64(*place, slot->map[d] - sizes[2 * k + d]);
  }
}

static void lay_axis(const xai_slots *s, int d, const xai_place *windows, int64_t n, int64_t extent, int64_t *sizes,
                     int64_t *at, span *spans) {
  for (int k = 0; k < s->n; k++) sizes[2 * k + d] = s->v[k].kind == XAI_SLOT_WHOLE ? s->v[k].map[d] : 1;
  for (int64_t i = 0; i < n; i++) {
    int64_t first = d == 0 ? windows[i].top : windows[i].left;
    change_spans(s, d, first, first + extent, spans);
    for (int k = 0; k < s->n; k++) {
      if (is_placed(&s->v[k])) continue;
      at[(i * s->n + k) * 2 + d] = spans[k].first;
      sizes[2 * k + d] = max64(sizes[2 * k + d], spans[k].end - spans[k].first);
    }
  }
  for (int k = 0; k < s->n; k++) {
    const xai_slot *slot = &s->v[k];
    if (slot->kind == XAI_SLOT_REACH)
      sizes[2 * k + d] = (sizes[2 * slot->a + d] - 1) * slot->along[d].stride + slot->along[d].extent;
  }
  for (int64_t i = 0; i < n; i++) settle(s, d, sizes, at + i * s->n * 2);
}

xai_status xai_slots_lay(const xai_slots *s, const xai_place *windows, int64_t n, int64_t height, int64_t width,
                         int64_t *sizes, int64_t *at, xai_err *err) {
  span *spans = xai_alloc((size_t)(s->n + 1) * sizeof *spans);
  if (spans == NULL) return xai_fail_memory(err, (size_t)s->n * sizeof *spans);
  lay_axis(s, 0, windows, n, height, sizes, at, spans);
  lay_axis(s, 1, windows, n, width, sizes, at, spans);
  xai_free(spans);
  return XAI_OK;
}
