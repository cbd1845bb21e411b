/* Blending, colours and the account of what is visible, on sprites of a few pixels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "scenes/compose.h"

enum { W = 8, H = 8 };
static uint8_t rgb[3 * W * H], owner[W * H];
static xai_canvas canvas = {W, H, rgb, owner};

static int clear_canvas(void **state) {
  (void)state;
  memset(rgb, 100, sizeof rgb);
  memset(owner, 0, sizeof owner);
  return 0;
}

static xai_sprite sprite(const uint32_t *pixels, int w, int h) {
  xai_sprite s;
  xai_err err = {""};
  if (xai_sprite__make(pixels, w, h, &s, &err) != XAI_OK) fail_msg("%s", err.text);
  return s;
}

static xai_tint as_it_is(void) { return xai_tint__make(0, 1, 1, 0); }

static void expect(int x, int y, int r, int g, int b, int who) {
  const uint8_t *p = rgb + 3 * (y * W + x);
  if (p[0] != r || p[1] != g || p[2] != b || owner[y * W + x] != who)
    fail_msg("(%d, %d): expected %d %d %d of %d, got %d %d %d of %d", x, y, r, g, b, who, p[0], p[1], p[2],
             owner[y * W + x]);
}

/* 2 x 2 pixels at their own size, one pixel to one pixel. The four samples of a pixel lie a quarter from its middle, so
 * each is 9/16 of its own sprite pixel, 3/16 of each of two neighbours, 1/16 of the third; together a pixel keeps
 * 9/16 = 0.5625 of itself, gets 3/32 of each of its four neighbours, 1/64 of the diagonal ones. Colours a = (200, 0, 0)
 * at full alpha everywhere: inside the square the corner pixel has alpha 0.5625 + 2 * 3/32 + 1/64 = 49/64 of 255 = 195,
 * red 49/64 of 200 = 153, over 100: 153 + 100 * 60 / 255 = 176.5, others 23.5. Outside, at the side: 3/32 + 1/64 = 7/64
 * of 255 = 28, red 22: 22 + 100 * 227 / 255 = 111; at the corner 1/64: alpha 4, red 3: 3 + 98. */
static void a_sprite_of_one_colour_blends_by_its_cover(void **state) {
  (void)state;
  const uint32_t red = 0xffc80000, pixels[4] = {red, red, red, red};
  xai_sprite s = sprite(pixels, 2, 2);
  xai_pose pose = {.x = 4, .y = 4, .w = 2, .h = 2, .tint = as_it_is()};
  xai_canvas__sprite(&canvas, &s, &pose, 7);
  for (int y = 3; y <= 4; y++)
    for (int x = 3; x <= 4; x++) {
      const uint8_t *p = rgb + 3 * (y * W + x);
      assert_in_range(p[0], 176, 178);
      assert_in_range(p[1], 22, 25);
      assert_int_equal(p[1], p[2]);
      assert_int_equal(owner[y * W + x], 7);
    }
  for (int i = 3; i <= 4; i++) {
    assert_in_range(rgb[3 * (i * W + 2)], 110, 112);
    assert_in_range(rgb[3 * (2 * W + i)], 110, 112);
    assert_int_equal(owner[i * W + 2] + owner[2 * W + i], 0);
  }
  assert_in_range(rgb[3 * (2 * W + 2)], 100, 102);
  expect(1, 1, 100, 100, 100, 0);
  expect(6, 4, 100, 100, 100, 0);
  xai_sprite__clear(&s);
}

/* 16 x 16 pixels: a quarter opaque red, one half transparent green (alpha 128, green 100), one opaque blue, one
 * nothing. On 8 x 8 pixels each quarter has 4 x 4, in the middle of which all samples are inside. Over 100 green then
 * gives 100 + 100 * 127 / 255 = 149.8 -> 150, red and blue 49.8 -> 50. */
static xai_sprite quarters(void) {
  uint32_t pixels[256];
  for (int y = 0; y < 16; y++)
    for (int x = 0; x < 16; x++)
      pixels[y * 16 + x] = y < 8 ? (x < 8 ? 0xffff0000 : 0x80006400) : (x < 8 ? 0xff0000ff : 0);
  pixels[255] = 0x01000000; /* so that nothing is cropped */
  return sprite(pixels, 16, 16);
}

static void expect_quarters(int a_x, int a_y, int b_x, int b_y, int c_x, int c_y, int d_x, int d_y) {
  expect(a_x, a_y, 255, 0, 0, 1);
  expect(b_x, b_y, 50, 150, 50, 1);
  expect(c_x, c_y, 0, 0, 255, 1);
  expect(d_x, d_y, 100, 100, 100, 0);
}

static void colours_and_alpha_arrive_where_they_belong(void **state) {
  (void)state;
  xai_sprite s = quarters();
  xai_pose pose = {.x = 4, .y = 4, .w = 8, .h = 8, .tint = as_it_is()};
  xai_canvas__sprite(&canvas, &s, &pose, 1);
  expect_quarters(1, 1, 6, 1, 1, 6, 5, 5);
  xai_sprite__clear(&s);
}

static void a_mirrored_sprite_has_left_and_right_exchanged(void **state) {
  (void)state;
  xai_sprite s = quarters();
  xai_pose pose = {.x = 4, .y = 4, .w = 8, .h = 8, .mirror = true, .tint = as_it_is()};
  xai_canvas__sprite(&canvas, &s, &pose, 1);
  expect_quarters(6, 1, 1, 1, 6, 6, 2, 5);
  xai_sprite__clear(&s);
}

/* Clockwise: what was top left is top right. */
static void a_quarter_turn_is_clockwise(void **state) {
  (void)state;
  xai_sprite s = quarters();
  xai_pose pose = {.x = 4, .y = 4, .w = 8, .h = 8, .turn = turn_of_degrees(90), .tint = as_it_is()};
  xai_canvas__sprite(&canvas, &s, &pose, 1);
  expect_quarters(6, 1, 6, 6, 1, 1, 2, 5);
  xai_sprite__clear(&s);
}

/* Only its right half is on the canvas, nothing is written elsewhere (the sanitizers watch). */
static void a_sprite_may_reach_beyond_every_border(void **state) {
  (void)state;
  xai_sprite s = quarters();
  for (int k = 0; k < 4; k++) {
    xai_pose pose = {.x = k % 2 * W, .y = k / 2 * H, .w = 8, .h = 8, .tint = as_it_is()};
    clear_canvas(NULL);
    xai_canvas__sprite(&canvas, &s, &pose, 1);
  }
  expect(5, 5, 255, 0, 0, 1); /* the last: its top left quarter at the bottom right */
  xai_pose far = {.x = -100, .y = 1000, .w = 8, .h = 8, .tint = as_it_is()};
  clear_canvas(NULL);
  xai_canvas__sprite(&canvas, &s, &far, 1);
  for (int i = 0; i < W * H; i++) assert_int_equal(owner[i], 0);
  xai_sprite__clear(&s);
}

/* A pixel is seen of the last that covers half of it; shapes belong to nobody. Two squares of 4 x 4 that overlap in
 * 2 x 2: the first keeps 16 - 4, the second has 16; a shape then takes the right half of the second, 8. */
static void what_is_hidden_does_not_count(void **state) {
  (void)state;
  uint32_t pixels[16];
  for (int i = 0; i < 16; i++) pixels[i] = 0xff000000;
  xai_sprite s = sprite(pixels, 4, 4);
  xai_scene_object seen[2];
  xai_pose pose = {.x = 3, .y = 3, .w = 4, .h = 4, .tint = as_it_is()};
  xai_canvas__sprite(&canvas, &s, &pose, 1);
  pose.x = pose.y = 5;
  xai_canvas__sprite(&canvas, &s, &pose, 2);
  xai_canvas__measure(&canvas, 2, seen);
  assert_int_equal(seen[0].pixels, 12);
  assert_int_equal(seen[1].pixels, 16);
  xai_patch half = {
      .form = XAI_FORM_BOX, .x = 7, .y = 4, .a = 2, .b = 8, .soft = 1, .from = {9, 9, 9}, .to = {9, 9, 9}};
  xai_canvas__patch(&canvas, &half);
  xai_canvas__measure(&canvas, 2, seen);
  assert_int_equal(seen[0].pixels, 12);
  assert_int_equal(seen[1].pixels, 8);
  assert_int_equal(seen[1].x, 3);
  assert_int_equal(seen[1].y, 3);
  assert_int_equal(seen[1].w, 2);
  assert_int_equal(seen[1].h, 4);
  expect(6, 4, 9, 9, 9, 0);
  xai_sprite__clear(&s);
}

static void nothing_visible_has_an_empty_box(void **state) {
  (void)state;
  xai_scene_object seen;
  xai_canvas__measure(&canvas, 1, &seen);
  assert_int_equal(seen.pixels, 0);
  assert_int_equal(seen.w, 0);
  assert_int_equal(seen.h, 0);
}

/* Area of an ellipse of half axes a, b: pi a b; of a triangle: 2 a b (base 2 a, height 2 b). Counted in pixels on a
 * large canvas, within the length of the border. */
static void shapes_cover_their_area_at_every_angle(void **state) {
  (void)state;
  enum { SIDE = 128 };
  static uint8_t big[3 * SIDE * SIDE], owners[SIDE * SIDE];
  const double area[XAI_FORMS] = {
      [XAI_FORM_ELLIPSE] = 3.141593 * 30 * 20, [XAI_FORM_BOX] = 60 * 40, [XAI_FORM_TRIANGLE] = 2 * 30 * 20};
  xai_canvas c = {SIDE, SIDE, big, owners};
  for (int form = 0; form < XAI_FORMS; form++)
    for (int degrees = 0; degrees < 360; degrees += 25) {
      memset(owners, 1, sizeof owners);
      xai_patch p = {.form = (xai_form)form, .x = 64.3f, .y = 63.8f, .a = 30, .b = 20, .soft = 1};
      p.turn = turn_of_degrees(degrees);
      xai_canvas__patch(&c, &p);
      int covered = 0;
      for (int i = 0; i < SIDE * SIDE; i++) covered += owners[i] == 0;
      if (fabs(covered - area[form]) > 20) fail_msg("form %d at %d: %d of %g", form, degrees, covered, area[form]);
    }
}

/* Luma (0.213, 0.715, 0.072) stays under every turn of the hue, and grey stays grey; without saturation it is all that
 * is left. Alpha 255, each entry rounded to 1/256. */
static void a_turned_hue_keeps_luma_and_grey(void **state) {
  (void)state;
  for (int degrees = 0; degrees < 360; degrees += 15) {
    xai_tint t = xai_tint__make(turn_of_degrees(degrees), 1, 1, 0);
    for (int i = 0; i < 3; i++) assert_in_range(t.m[i][0] + t.m[i][1] + t.m[i][2], 254, 258);
    const double luma[3] = {0.213, 0.715, 0.072};
    for (int j = 0; j < 3; j++) {
      double kept = luma[0] * t.m[0][j] + luma[1] * t.m[1][j] + luma[2] * t.m[2][j];
      assert_true(fabs(kept - 256 * luma[j]) < 0.7);
    }
  }
  xai_tint none = xai_tint__make(0, 1, 1, 0), grey = xai_tint__make(0x12345678, 0, 1, 0);
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      assert_int_equal(none.m[i][j], i == j ? 256 : 0);
      assert_int_equal(grey.m[i][j], grey.m[0][j]);
    }
}

static void sine_is_a_sine(void **state) {
  (void)state;
  for (int i = 0; i < 1000; i++) {
    uint32_t turn = (uint32_t)i * 4294967u;
    double angle = turn * 0x1p-32 * 6.283185307179586;
    assert_true(fabs((double)turn_sin(turn) - sin(angle)) < 5e-6);
    assert_true(fabs((double)turn_cos(turn) - cos(angle)) < 5e-6);
  }
  assert_int_equal(turn_of_degrees(-90), 0xc0000000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_sprite_of_one_colour_blends_by_its_cover, clear_canvas),
      cmocka_unit_test_setup(colours_and_alpha_arrive_where_they_belong, clear_canvas),
      cmocka_unit_test_setup(a_mirrored_sprite_has_left_and_right_exchanged, clear_canvas),
      cmocka_unit_test_setup(a_quarter_turn_is_clockwise, clear_canvas),
      cmocka_unit_test_setup(a_sprite_may_reach_beyond_every_border, clear_canvas),
      cmocka_unit_test_setup(what_is_hidden_does_not_count, clear_canvas),
      cmocka_unit_test_setup(nothing_visible_has_an_empty_box, clear_canvas),
      cmocka_unit_test(shapes_cover_their_area_at_every_angle),
      cmocka_unit_test(a_turned_hue_keeps_luma_and_grey),
      cmocka_unit_test(sine_is_a_sine),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
