/* Rectangles that follow from windows: by hand, and against marking every element that a change reaches. */
#include <string.h>

#include "base/rng.h"
#include "graph/slots.h"
#include "tiny.h"

static int add(xai_slots *s, xai_slot slot) {
  int id = -1;
  must(xai_slots_add(s, &slot, &id, err));
  return id;
}

static int input(xai_slots *s, int64_t h, int64_t w) {
  return add(s, (xai_slot){.kind = XAI_SLOT_INPUT, .a = -1, .b = -1, .map = {h, w}});
}

static int slide(xai_slots *s, int from, xai_slide rows, xai_slide columns) {
  return add(s, (xai_slot){.kind = XAI_SLOT_SLIDE, .a = from, .b = -1, .along = {rows, columns}, .map = {rows.out, columns.out}});
}

static int reach(xai_slots *s, int of, int below) {
  xai_slot slot = s->v[of];
  return add(s, (xai_slot){.kind = XAI_SLOT_REACH, .a = of, .b = -1, .along = {slot.along[0], slot.along[1]},
                           .map = {s->v[below].map[0], s->v[below].map[1]}});
}

static int unite(xai_slots *s, int a, int b) {
  int id = -1;
  must(xai_slots_unite(s, a, b, &id, err));
  return id;
}

/* 3 taps with one element of padding on 10 elements, windows of 2 at 0, 4 and 8: they change the results 0-2, 3-6 and
 * 7-9, so 4 each, the outer ones moved inside: 0-3, 3-6, 6-9. To compute them takes the inputs -1 to 4, 2 to 7, 5 to 10.
 * With a stride of 2 from the beginning on (4 results), results 0, 1-2, 3 change: 2 each, 0-1, 1-2, 2-3, from 5 inputs. */
static void rectangles_by_hand(void **state) {
  (void)state;
  xai_slots s = {0};
  int x = input(&s, 10, 10), y = slide(&s, x, (xai_slide){3, 1, 1, 10}, (xai_slide){3, 2, 0, 4}), r = reach(&s, y, x);
  int all = add(&s, (xai_slot){.kind = XAI_SLOT_WHOLE, .a = -1, .b = -1, .map = {10, 4}});
  const xai_place windows[] = {{0, 0}, {4, 4}, {8, 8}};
  int64_t sizes[4 * 2], at[3 * 4 * 2];
  assert_int_equal(s.n, 4);
  must(xai_slots_lay(&s, windows, 3, 2, 2, sizes, at, err));
  const int64_t want_sizes[] = {2, 2, 4, 2, 6, 5, 10, 4};
  const int64_t want[3][8] = {{0, 0, 0, 0, -1, 0, 0, 0}, {4, 4, 3, 1, 2, 2, 0, 0}, {8, 8, 6, 2, 5, 4, 0, 0}};
  assert_memory_equal(sizes, want_sizes, sizeof sizes);
  assert_memory_equal(at, want, sizeof at);
  assert_int_equal(y, 1);
  assert_int_equal(r, 2);
  assert_int_equal(all, 3);
  xai_slots_free(&s);
}

static void windows_are_cut_at_the_border(void **state) {
  (void)state;
  xai_slots s = {0};
  (void)input(&s, 10, 10);
  int64_t sizes[2], at[2 * 2];
  must(xai_slots_lay(&s, (const xai_place[]){{8, 7}, {9, 9}}, 2, 4, 4, sizes, at, err));
  assert_memory_equal(sizes, ((const int64_t[]){2, 3}), sizeof sizes);
  assert_memory_equal(at, ((const int64_t[]){8, 7, 8, 7}), sizeof at); /* the second grows to its left and above */
  xai_slots_free(&s);
}

static void equal_slots_are_one_and_a_union_is_its_part_where_that_holds_the_other(void **state) {
  (void)state;
  const xai_slide three = {3, 1, 1, 20}, five = {5, 1, 2, 20}, two = {2, 2, 0, 10};
  xai_slots s = {0};
  int x = input(&s, 20, 20), a = slide(&s, x, three, three), b = slide(&s, x, five, five), c = slide(&s, a, three, three);
  assert_int_equal(slide(&s, x, three, three), a);
  assert_int_equal(unite(&s, x, a), a);
  assert_int_equal(unite(&s, c, x), c);
  assert_int_equal(unite(&s, a, b), b);
  assert_int_equal(unite(&s, b, a), b);
  int both = unite(&s, b, c); /* equal, but made in another way */
  assert_int_equal(s.v[both].kind, XAI_SLOT_UNION);
  assert_int_equal(unite(&s, c, b), both);
  int mixed = slide(&s, x, three, five), other = slide(&s, x, five, three); /* neither holds the other */
  assert_int_equal(s.v[unite(&s, mixed, other)].kind, XAI_SLOT_UNION);
  int d = slide(&s, c, two, two), e = slide(&s, b, two, two); /* with a stride rectangles shrink */
  assert_int_equal(s.v[unite(&s, d, e)].kind, XAI_SLOT_UNION);
  xai_slots_free(&s);
}

/* ---- against marks ------------------------------------------------------------------------------------------------ */
static uint64_t chance_at;
static int64_t below(int64_t n) { return (int64_t)(xai_rng_u64(9, chance_at++) % (uint64_t)n); }

static xai_slide random_slide(int64_t n) {
  xai_slide s = {.extent = 1 + below(5), .stride = 1 + below(3)};
  s.before = below(s.extent);
  int64_t padded = n + s.before + below(s.extent);
  if (s.extent > padded) s.extent = padded, s.before = 0;
  s.out = (padded - s.extent) / s.stride + 1;
  return s;
}

enum { MOST = 64 };

/* Which elements of slot k change along axis d when 'in' do; UNION is made of what its parts have. */
static void mark(const xai_slots *s, int k, int d, bool marks[][MOST]) {
  const xai_slot *slot = &s->v[k];
  for (int64_t o = 0; o < slot->map[d]; o++) {
    if (slot->kind == XAI_SLOT_UNION) marks[k][o] = marks[slot->a][o] || marks[slot->b][o];
    if (slot->kind != XAI_SLOT_SLIDE) continue;
    marks[k][o] = false;
    for (int64_t t = 0; t < slot->along[d].extent; t++) {
      int64_t i = o * slot->along[d].stride - slot->along[d].before + t;
      if (i >= 0 && i < s->v[slot->a].map[d] && marks[slot->a][i]) marks[k][o] = true;
    }
  }
}

static void holds_all_marks(const xai_slots *s, int d, int64_t first, int64_t extent, const int64_t *sizes,
                            const int64_t *at, int64_t *largest) {
  static bool marks[8][MOST];
  memset(marks, 0, sizeof marks);
  for (int64_t i = first; i < first + extent && i < s->v[0].map[d]; i++) marks[0][i] = true;
  for (int k = 0; k < s->n; k++) {
    const xai_slot *slot = &s->v[k];
    int64_t from = at[2 * k + d], to = from + sizes[2 * k + d], lo = MOST, hi = 0;
    if (slot->kind == XAI_SLOT_REACH) {
      int64_t a = slot->a, stride = slot->along[d].stride;
      assert_int_equal(from, at[2 * a + d] * stride - slot->along[d].before);
      assert_int_equal(to - from, (sizes[2 * a + d] - 1) * stride + slot->along[d].extent);
      continue;
    }
    mark(s, k, d, marks);
    assert_true(from >= 0 && to <= slot->map[d]);
    for (int64_t o = 0; o < slot->map[d]; o++) {
      if (!marks[k][o]) continue;
      assert_true(o >= from && o < to);
      lo = o < lo ? o : lo;
      hi = o + 1;
    }
    if (hi - lo > largest[k]) largest[k] = hi - lo;
  }
}

/* x -> a -> b, with b and a slide of x on b's map united where they have one size */
static void random_slots_hold_what_changes(void **state) {
  (void)state;
  for (int round = 0; round < 500; round++) {
    xai_slots s = {0};
    int64_t h = 1 + below(40), w = 1 + below(40), sizes[8 * 2], at[5 * 8 * 2], largest[2][8] = {{0}};
    int x = input(&s, h, w), a = slide(&s, x, random_slide(h), random_slide(w));
    int b = slide(&s, a, random_slide(s.v[a].map[0]), random_slide(s.v[a].map[1]));
    (void)reach(&s, a, x);
    (void)reach(&s, b, a);
    if (s.v[b].map[0] == s.v[x].map[0] && s.v[b].map[1] == s.v[x].map[1]) (void)unite(&s, b, x);
    else if (s.v[b].map[0] == s.v[a].map[0] && s.v[b].map[1] == s.v[a].map[1]) (void)unite(&s, a, b);
    int64_t height = 1 + below(h), width = 1 + below(w);
    xai_place windows[5];
    for (int i = 0; i < 5; i++) windows[i] = (xai_place){below(h), below(w)};
    must(xai_slots_lay(&s, windows, 5, height, width, sizes, at, err));
    for (int i = 0; i < 5; i++) {
      holds_all_marks(&s, 0, windows[i].top, height, sizes, at + i * s.n * 2, largest[0]);
      holds_all_marks(&s, 1, windows[i].left, width, sizes, at + i * s.n * 2, largest[1]);
    }
    for (int k = 0; k < s.n; k++) /* and are no larger than one of them needs */
      for (int d = 0; d < 2 && s.v[k].kind != XAI_SLOT_REACH; d++)
        assert_int_equal(sizes[2 * k + d], largest[d][k] > 0 ? largest[d][k] : 1);
    xai_slots_free(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rectangles_by_hand),
      cmocka_unit_test(windows_are_cut_at_the_border),
      cmocka_unit_test(equal_slots_are_one_and_a_union_is_its_part_where_that_holds_the_other),
      cmocka_unit_test(random_slots_hold_what_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
