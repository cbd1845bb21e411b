/* Augmentation: each change alone, where it is known what must come out. */
#include <math.h>

#include "ktest.h"

enum { H = 6, W = 8, C = 3, N = 40, PLANE = H * W, SIZE = C * PLANE };

static xk_augment nothing(void) { return (xk_augment){.n = N, .c = C, .h = H, .w = W}; }

static void nothing_asked_for_changes_nothing(void **state) {
  (void)state;
  xk_augment a = nothing();
  float *x = reals(N * SIZE, 1), *y = floats(N * SIZE);
  xk_augment_forward(&a, 7, x, y);
  assert_equal(N * SIZE, y, x);
  free(x);
  free(y);
}

static void mirroring_turns_rows_around(void **state) {
  (void)state;
  xk_augment a = nothing();
  a.mirror = 1;
  float *x = reals(N * SIZE, 1), *y = floats(N * SIZE);
  xk_augment_forward(&a, 7, x, y);
  for (int64_t i = 0; i < N * SIZE; i++) assert_true(y[i] == x[i / W * W + W - 1 - i % W]);
  a.mirror = 0.5; /* some are, some are not, and each wholly */
  int turned = 0;
  xk_augment_forward(&a, 7, x, y);
  for (int64_t i = 0; i < N; i++) turned += y[i * SIZE] != x[i * SIZE];
  assert_in_range(turned, N / 5, N - N / 5);
  free(x);
  free(y);
}

/* Pixel (r, q) of channel 0 holds 100 r + q + 1000: what is there tells where it came from. */
static void moving_shifts_all_channels_alike_and_fills(void **state) {
  (void)state;
  xk_augment a = nothing();
  a.move = 2;
  a.fill = -5;
  float *x = floats(N * SIZE), *y = floats(N * SIZE);
  bool seen[5][5] = {{false}};
  for (int64_t i = 0; i < N * SIZE; i++) x[i] = (float)(1000 + 100 * (i % PLANE / W) + i % W);
  xk_augment_forward(&a, 7, x, y);
  for (int64_t i = 0; i < N; i++) {
    const float *p = y + i * SIZE;
    int from = (int)p[3 * W + 3] - 1000, down = 3 - from / 100, right = 3 - from % 100; /* the middle is never filled */
    assert_true(down >= -2 && down <= 2 && right >= -2 && right <= 2);
    seen[down + 2][right + 2] = true;
    for (int64_t e = 0; e < SIZE; e++) {
      int64_t r = e % PLANE / W - down, q = e % W - right;
      bool there = r >= 0 && r < H && q >= 0 && q < W;
      assert_true(p[e] == (there ? (float)(1000 + 100 * r + q) : -5));
    }
  }
  int kinds = 0;
  for (int i = 0; i < 25; i++) kinds += seen[i / 5][i % 5];
  assert_true(kinds > 12);
  free(x);
  free(y);
}

/* Brightness adds one number; contrast keeps the mean and scales the rest; colour keeps the grey of each pixel. */
static void colours_change_as_they_are_named(void **state) {
  (void)state;
  float *x = reals(N * SIZE, 1), *y = floats(N * SIZE);
  xk_augment bright = nothing(), contrast = nothing(), colour = nothing();
  bright.brightness = 0.5, contrast.contrast = 0.5, colour.colour = 0.5;
  xk_augment_forward(&bright, 7, x, y);
  for (int64_t i = 0; i < N * SIZE; i++) {
    double shift = y[i] - x[i], first = y[i / SIZE * SIZE] - x[i / SIZE * SIZE];
    assert_true(fabs(shift) <= 0.5 && fabs(shift - first) < 1e-6);
  }
  xk_augment_forward(&contrast, 7, x, y);
  for (int64_t i = 0; i < N; i++) {
    double before = 0, after = 0;
    for (int64_t e = i * SIZE; e < (i + 1) * SIZE; e++) before += x[e], after += y[e];
    before /= SIZE, after /= SIZE;
    assert_true(fabs(before - after) < 1e-5);
    double factor = (y[i * SIZE] - before) / (x[i * SIZE] - before);
    assert_true(factor >= 0.5 && factor <= 1.5);
    for (int64_t e = i * SIZE; e < (i + 1) * SIZE; e++) assert_true(fabs(y[e] - before - factor * (x[e] - before)) < 1e-3);
  }
  xk_augment_forward(&colour, 7, x, y);
  for (int64_t i = 0; i < N; i++)
    for (int64_t e = i * SIZE; e < i * SIZE + PLANE; e++)
      assert_true(fabs(y[e] + y[e + PLANE] + y[e + 2 * PLANE] - (x[e] + x[e + PLANE] + x[e + 2 * PLANE])) < 1e-5);
  free(x);
  free(y);
}

static void a_hole_is_a_rectangle_in_all_channels(void **state) {
  (void)state;
  xk_augment a = nothing();
  a.hole = 1;
  a.fill = 9;
  float *x = reals(N * SIZE, 1), *y = floats(N * SIZE);
  xk_augment_forward(&a, 7, x, y);
  for (int64_t i = 0; i < N; i++) {
    int64_t top = H, end = -1, left = W, right = -1, count = 0;
    for (int64_t e = 0; e < PLANE; e++) {
      bool hole = y[i * SIZE + e] == 9;
      assert_true(hole == (y[i * SIZE + PLANE + e] == 9) && (hole || y[i * SIZE + e] == x[i * SIZE + e]));
      if (!hole) continue;
      int64_t r = e / W, q = e % W;
      count++;
      top = r < top ? r : top, end = r > end ? r : end, left = q < left ? q : left, right = q > right ? q : right;
    }
    assert_true(count > 0 && count == (end - top + 1) * (right - left + 1) && count <= PLANE / 2);
  }
  free(x);
  free(y);
}

static xk_augment everything(void) {
  return (xk_augment){N, C, H, W, .mirror = 0.5, .move = 2, .brightness = 0.2, .contrast = 0.2, .colour = 0.2, .hole = 0.5};
}

static void a_pictures_fate_follows_from_its_place_in_the_stream(void **state) {
  (void)state;
  xk_augment a = everything();
  float *x = reals(N * SIZE, 1), *y = floats(N * SIZE), *again = floats(N * SIZE);
  xk_augment_forward(&a, 7, x, y);
  a.n = 3;
  xk_augment_forward(&a, 7, x, again);
  assert_equal(3 * SIZE, again, y);
  xk_augment_forward(&a, 8, x, again);
  assert_true(memcmp(again, y, 3 * SIZE * sizeof(float)) != 0);
  free(x);
  free(y);
  free(again);
}

static void run(const void *x, float *y) {
  xk_augment a = everything();
  xk_augment_forward(&a, 7, x, y);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  float *x = reals(N * SIZE, 1);
  assert_same_bits_for_any_threads(run, x, N * SIZE);
  free(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_asked_for_changes_nothing),
      cmocka_unit_test(mirroring_turns_rows_around),
      cmocka_unit_test(moving_shifts_all_channels_alike_and_fills),
      cmocka_unit_test(colours_change_as_they_are_named),
      cmocka_unit_test(a_hole_is_a_rectangle_in_all_channels),
      cmocka_unit_test(a_pictures_fate_follows_from_its_place_in_the_stream),
      cmocka_unit_test(bits_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
