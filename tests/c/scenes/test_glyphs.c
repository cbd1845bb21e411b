/* Drawings: cropped, reduced by exact means, and the one line that a missing font gives. */
#include "scratch.h"

#include "scenes/glyphs.h"
#include "xai/scenes.h"

/* 5 x 3, of which columns 1..3 and rows 0..1 show something. */
static void a_sprite_is_cropped_to_what_shows(void **state) {
  (void)state;
  const uint32_t pixels[15] = {0, 0, 0xff102030, 0, 0, 0, 0x80000000, 0, 0x01000000, 0};
  xai_sprite s;
  xai_err err = {""};
  assert_int_equal(xai_sprite__make(pixels, 5, 3, &s, &err), XAI_OK);
  assert_int_equal(s.w, 3);
  assert_int_equal(s.h, 2);
  assert_int_equal(s.solid, 2); /* ff and 80, but not 01 */
  const uint32_t bordered[4][5] = {
      {0, 0, 0, 0, 0}, {0, 0, 0xff102030, 0, 0}, {0, 0x80000000, 0, 0x01000000, 0}, {0, 0, 0, 0, 0}};
  assert_memory_equal(s.level[0].pixels, bordered, sizeof bordered);
  xai_sprite__clear(&s);
}

/* 3 x 3 becomes 2 x 2, as if a fourth row and column were transparent:
 *   80 40 | 40        (80 + 40 + c0 + 40 + 2) / 4 = 70 (hexadecimal: 1c2 / 4)   (40 + 80 + 2) / 4 = 30
 *   c0 40 | 80        (20 + 60 + 2) / 4 = 20                                    ff / 4, rounded = 40
 *   20 60 | ff */
static void each_level_holds_the_rounded_means_of_the_one_before(void **state) {
  (void)state;
  uint32_t pixels[9] = {0x80, 0x40, 0x40, 0xc0, 0x40, 0x80, 0x20, 0x60, 0xff};
  for (int i = 0; i < 9; i++) pixels[i] *= 0x01010101u;
  xai_sprite s;
  xai_err err = {""};
  assert_int_equal(xai_sprite__make(pixels, 3, 3, &s, &err), XAI_OK);
  assert_int_equal(s.level[1].w, 2);
  assert_int_equal(s.level[1].h, 2);
  const uint32_t *p = s.level[1].pixels;
  assert_int_equal(p[5], 0x70707070);
  assert_int_equal(p[6], 0x30303030);
  assert_int_equal(p[9], 0x20202020);
  assert_int_equal(p[10], 0x40404040);
  /* (70 + 30 + 20 + 40 + 2) / 4 = 40 */
  assert_int_equal(s.level[2].pixels[4], 0x40404040);
  assert_int_equal(s.level[XAI_SPRITE_LEVELS - 1].w, 1);
  xai_sprite__clear(&s);
}

static void a_drawing_of_nothing_is_refused(void **state) {
  (void)state;
  const uint32_t pixels[4] = {0, 0x00ffffff, 0, 0};
  xai_sprite s;
  xai_err err = {""};
  assert_int_equal(xai_sprite__make(pixels, 2, 2, &s, &err), XAI_EFORMAT);
}

static void a_missing_font_is_one_line_that_names_the_package(void **state) {
  (void)state;
  const uint32_t code = 0x1F436;
  xai_sprite s;
  xai_err err = {""};
  assert_int_equal(xai_sprites__load(scratch("none.ttf"), &code, 1, &s, &err), XAI_ENOTFOUND);
  assert_non_null(strstr(err.text, scratch("none.ttf")));
  assert_non_null(strstr(err.text, "fonts-noto-color-emoji"));
  assert_null(strchr(err.text, '\n'));

  setenv("XAI_EMOJI_FONT", scratch("other.ttf"), 1);
  assert_int_equal(xai_sprites__load(NULL, &code, 1, &s, &err), XAI_ENOTFOUND);
  assert_non_null(strstr(err.text, scratch("other.ttf")));
  unsetenv("XAI_EMOJI_FONT");
}

static void a_file_that_is_no_font_is_refused(void **state) {
  (void)state;
  const uint32_t code = 0x1F436;
  xai_sprite s;
  xai_err err = {""};
  put_text(scratch("text.ttf"), "not a font");
  assert_int_equal(xai_sprites__load(scratch("text.ttf"), &code, 1, &s, &err), XAI_EFORMAT);
  assert_non_null(strstr(err.text, "not a colour bitmap font"));
}

/* A font of outlines has no bitmaps to choose from. */
static void a_font_without_colours_is_refused(void **state) {
  (void)state;
  const char *path = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
  const uint32_t code = 'A';
  xai_sprite s;
  xai_err err = {""};
  if (access(path, R_OK) != 0) skip();
  assert_int_equal(xai_sprites__load(path, &code, 1, &s, &err), XAI_EFORMAT);
}

/* Fronts and sides are different drawings, the same one under two classes would be a lie. */
static void a_code_point_belongs_to_one_class(void **state) {
  (void)state;
  for (int i = 0; i < XAI_SCENE_CLASSES; i++)
    for (int a = 0; a < xai_scene__rows[i].all; a++)
      for (int k = i; k < XAI_SCENE_CLASSES; k++)
        for (int b = k == i ? a + 1 : 0; b < xai_scene__rows[k].all; b++)
          assert_int_not_equal(xai_scene__rows[i].codes[a], xai_scene__rows[k].codes[b]);
}

/* One or two of three and more are held out, none of fewer. */
static void classes_with_three_drawings_hold_some_out(void **state) {
  (void)state;
  for (int i = 0; i < XAI_SCENE_CLASSES; i++) {
    int all = xai_scene_drawings(i, XAI_DRAWINGS_ALL), held = xai_scene_drawings(i, XAI_DRAWINGS_HELD_OUT);
    assert_int_equal(xai_scene_drawings(i, XAI_DRAWINGS_TRAIN), all - held);
    if (all >= 3)
      assert_in_range(held, 1, 2);
    else
      assert_int_equal(held, 0);
    assert_int_equal(xai_scene__rows[i].codes[all - 1] != 0, true);
  }
  assert_null(xai_scene_class(XAI_SCENE_CLASSES));
  assert_null(xai_scene_class(-1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_sprite_is_cropped_to_what_shows),
      cmocka_unit_test(each_level_holds_the_rounded_means_of_the_one_before),
      cmocka_unit_test(a_drawing_of_nothing_is_refused),
      cmocka_unit_test(a_missing_font_is_one_line_that_names_the_package),
      cmocka_unit_test(a_file_that_is_no_font_is_refused),
      cmocka_unit_test(a_font_without_colours_is_refused),
      cmocka_unit_test(a_code_point_belongs_to_one_class),
      cmocka_unit_test(classes_with_three_drawings_hold_some_out),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
