/* Patches: worked by hand on one row and one column more than a window, and against the definition, place by place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "kernels/kernels.h"

/* The map is 1 2 3 / 4 5 6, the window 7 8 lies over 5 6; the patch begins one row above and one column to the left. */
static void a_patch_shows_window_map_and_border(void **state) {
  (void)state;
  xk_patches p = {.n = 1, .planes = 1, .h = 2, .w = 3, .inner = 1, .wh = 1, .ww = 2, .ph = 4, .pw = 5, .outside = -1};
  const float clean[] = {1, 2, 3, 4, 5, 6}, window[] = {7, 8};
  const float want[] = {-1, -1, -1, -1, -1, -1, 1, 2, 3, -1, -1, 4, 7, 8, -1, -1, -1, -1, -1, -1};
  float y[20];
  xk_patch(&p, clean, window, (const int64_t[]){1, 1}, (const int64_t[]){-1, -1}, y);
  for (int i = 0; i < 20; i++) assert_true(y[i] == want[i]);
}

static int64_t below(uint64_t i, int64_t n) { return (int64_t)(xai_rng_u64(5, i) % (uint64_t)n); }

/* What is at a row and column of plane k of the map of patch i. */
static float element(const xk_patches *p, int64_t i, int64_t k, int64_t row, int64_t col, int64_t e, const int64_t *at,
                     const float *clean, const float *window) {
  if (row < 0 || row >= p->h || col < 0 || col >= p->w) return p->outside;
  int64_t r = row - at[i * p->step], c = col - at[i * p->step + 1];
  if (r >= 0 && r < p->wh && c >= 0 && c < p->ww)
    return window[(((i * p->planes + k) * p->wh + r) * p->ww + c) * p->inner + e];
  return clean[((k * p->h + row) * p->w + col) * p->inner + e];
}

static void patch_is_its_definition(uint64_t seed) {
  enum { MOST = 20000 };
  static float clean[MOST], window[MOST], y[MOST];
  int64_t at[3 * 4];
  uint64_t s = seed * 100;
  xk_patches p = {.n = 3, .planes = 2, .h = 1 + below(s, 9), .w = 1 + below(s + 1, 9), .inner = below(s + 2, 2) ? 16 : 1,
                  .ph = 1 + below(s + 3, 11), .pw = 1 + below(s + 4, 11), .step = 4, .outside = 0.5f};
  p.wh = 1 + below(s + 5, p.h);
  p.ww = 1 + below(s + 6, p.w);
  for (int64_t i = 0; i < p.n; i++) { /* windows inside of the map, patches anywhere, also far from the window */
    at[4 * i] = below(s + 10 + (uint64_t)i, p.h - p.wh + 1);
    at[4 * i + 1] = below(s + 20 + (uint64_t)i, p.w - p.ww + 1);
    at[4 * i + 2] = below(s + 30 + (uint64_t)i, p.h + p.ph) - p.ph;
    at[4 * i + 3] = below(s + 40 + (uint64_t)i, p.w + p.pw) - p.pw;
  }
  for (int i = 0; i < MOST; i++) {
    clean[i] = (float)i;
    window[i] = (float)-i - 1;
  }
  xk_patch(&p, clean, window, at, at + 2, y);
  const float *got = y;
  for (int64_t i = 0; i < p.n; i++)
    for (int64_t k = 0; k < p.planes; k++)
      for (int64_t r = 0; r < p.ph; r++)
        for (int64_t c = 0; c < p.pw; c++)
          for (int64_t e = 0; e < p.inner; e++)
            assert_true(*got++ == element(&p, i, k, at[4 * i + 2] + r, at[4 * i + 3] + c, e, at, clean, window));
}

static void patches_anywhere_are_their_definition(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 300; seed++) patch_is_its_definition(seed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_patch_shows_window_map_and_border),
      cmocka_unit_test(patches_anywhere_are_their_definition),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
