/* Lists of the largest activations: by hand, and against sorting everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "tensor/tensor.h"
#include "xai/explain.h"

enum { UNITS = 2, K = 3 };

typedef struct lists {
  float values[UNITS * K];
  int64_t pictures[UNITS * K], places[UNITS * K];
  xai_patches p;
} lists;

static void begin(lists *l, const int64_t *channels) {
  l->p = (xai_patches){UNITS, K, channels, l->values, l->pictures, l->places};
  xai_patches_clear(&l->p);
}

static xai_status add(lists *l, int64_t n, int64_t c, int64_t h, int64_t w, const float *v, int64_t picture, xai_err *err) {
  return xai_patches_add(&l->p, &(xai_view){XAI_F32, XAI_SHAPE(n, c, h, w), (void *)(uintptr_t)v}, picture, err);
}

static void entry_is(const lists *l, int unit, int i, float value, int64_t picture, int64_t place) {
  assert_true(l->values[unit * K + i] == value);
  assert_int_equal(l->pictures[unit * K + i], picture);
  assert_int_equal(l->places[unit * K + i], place);
}

/* One place of each picture, the first of its largest; equal values by the picture's number, in whatever order they come. */
static void the_best_places_are_kept_one_per_picture(void **state) {
  (void)state;
  lists l;
  xai_err err;
  begin(&l, NULL);
  const float first[] = {1, 5, 5, 0, /* unit 1 */ -1, -2, -3, -4};
  assert_int_equal(add(&l, 1, 2, 2, 2, first, 7, &err), XAI_OK);
  entry_is(&l, 0, 0, 5, 7, 1);
  entry_is(&l, 1, 0, -1, 7, 0);
  assert_int_equal(l.pictures[1], -1);
  const float two[] = {0, 0, 0, 5, 2, 2, 2, 2, /* the next picture */ 6, 9, 0, 0, NAN, -9, NAN, -8};
  assert_int_equal(add(&l, 2, 2, 2, 2, two, 3, &err), XAI_OK);
  entry_is(&l, 0, 0, 9, 4, 1);
  entry_is(&l, 0, 1, 5, 3, 3);
  entry_is(&l, 0, 2, 5, 7, 1);
  entry_is(&l, 1, 0, 2, 3, 0);
  entry_is(&l, 1, 1, -1, 7, 0);
  entry_is(&l, 1, 2, -8, 4, 3);
  assert_int_equal(add(&l, 2, 2, 2, 2, two, 3, &err), XAI_OK); /* seen already */
  entry_is(&l, 0, 2, 5, 7, 1);
  const float nothing[] = {NAN, -INFINITY, NAN, NAN, 0, 0, 0, 0};
  assert_int_equal(add(&l, 1, 2, 2, 2, nothing, 1, &err), XAI_OK);
  entry_is(&l, 0, 2, 5, 7, 1);
  entry_is(&l, 1, 1, 0, 1, 0);
}

static void channels_are_chosen_and_must_exist(void **state) {
  (void)state;
  lists l;
  xai_err err;
  const float v[] = {1, 2, 3, 4};
  begin(&l, (const int64_t[]){3, 1});
  assert_int_equal(add(&l, 1, 4, 1, 1, v, 1, &err), XAI_OK);
  entry_is(&l, 0, 0, 4, 1, 0);
  entry_is(&l, 1, 0, 2, 1, 0);
  assert_int_equal(add(&l, 1, 2, 1, 2, v, 2, &err), XAI_EARG);
  assert_string_equal(err.text, "there is no channel 4 in an activation of 1x2x1x2");
  assert_int_equal(xai_patches_add(&l.p, &(xai_view){XAI_F32, XAI_SHAPE(4), (void *)(uintptr_t)v}, 2, &err), XAI_ESHAPE);
  assert_int_equal(l.pictures[1], -1);
}

/* 50 pictures of numbers from 0 to 9, so that there are ties, in two orders. */
static void a_stream_gives_what_sorting_everything_gives(void **state) {
  (void)state;
  enum { N = 50, PLANE = 6 };
  float v[N][UNITS * PLANE];
  lists forth, back;
  xai_err err;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < UNITS * PLANE; j++)
      v[i][j] = floorf(10 * (float)xai_rng_uniform(xai_rng_stream(5, (uint64_t)i), (uint64_t)j));
  begin(&forth, NULL);
  begin(&back, NULL);
  for (int i = 0; i < N; i++) {
    assert_int_equal(add(&forth, 1, UNITS, 2, 3, v[i], i, &err), XAI_OK);
    assert_int_equal(add(&back, 1, UNITS, 2, 3, v[N - 1 - i], N - 1 - i, &err), XAI_OK);
  }
  for (int u = 0; u < UNITS; u++) {
    bool taken[N] = {false};
    for (int i = 0; i < K; i++) {
      int best = -1, place = 0;
      for (int n = 0; n < N; n++)
        for (int j = 0; j < PLANE && !taken[n]; j++)
          if (best < 0 || v[n][u * PLANE + j] > v[best][u * PLANE + place]) best = n, place = j;
      taken[best] = true;
      entry_is(&forth, u, i, v[best][u * PLANE + place], best, place);
      entry_is(&back, u, i, v[best][u * PLANE + place], best, place);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_best_places_are_kept_one_per_picture),
      cmocka_unit_test(channels_are_chosen_and_must_exist),
      cmocka_unit_test(a_stream_gives_what_sorting_everything_gives),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
