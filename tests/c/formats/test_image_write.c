/* Pictures out and in again; a writer that fails leaves the old file and nothing else. */
#include "picture.h"

#include "formats/formats.h"

static void png_and_bmp_come_back_exactly(void **state) {
  (void)state;
  static const char *const names[] = {"a.png", "b.bmp", "c.PNG", "d.tar.bmp"};
  static const int sides[][2] = {{1, 1}, {1, 7}, {5, 1}, {31, 17}, {100, 64}};
  xai_err err;
  for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
    xai_image *img = gradient(sides[i][0], sides[i][1]);
    for (int k = 0; k < 3 * img->width * img->height; k += 7) img->rgb[k] = (uint8_t)(k * 37); /* not only smooth */
    for (size_t j = 0; j < sizeof names / sizeof *names; j++) {
      xai_image_note note = XAI_IMAGE_ALPHA;
      assert_int_equal(xai_image_write(img, scratch(names[j]), &err), XAI_OK);
      xai_image *back = read_image(scratch(names[j]), &note);
      assert_int_equal(largest_difference(img, back), 0);
      assert_int_equal(note, XAI_IMAGE_PLAIN);
      xai_image_free(back);
    }
    xai_image_free(img);
  }
  for (size_t j = 0; j < sizeof names / sizeof *names; j++) remove(scratch(names[j]));
}

static void both_jpeg_extensions_are_known(void **state) {
  (void)state;
  static const char *const names[] = {"a.jpg", "a.jpeg", "a.JPG"};
  xai_err err;
  xai_image *img = gradient(40, 30);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(xai_image_write(img, scratch(names[i]), &err), XAI_OK);
    xai_image *back = read_image(scratch(names[i]), NULL);
    assert_true(largest_difference(img, back) <= 5);
    xai_image_free(back);
    remove(scratch(names[i]));
  }
  xai_image_free(img);
}

static void other_extensions_are_refused_with_the_list(void **state) {
  (void)state;
  static const char *const names[] = {"a.gif", "a", "png", "a.png.txt"};
  xai_err err;
  xai_image *img = gradient(2, 2);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(xai_image_write(img, scratch(names[i]), &err), XAI_EARG);
    assert_non_null(strstr(err.text, "unknown extension (expected .png, .jpg, .jpeg or .bmp)"));
  }
  assert_int_equal(scratch_count(), 0);
  xai_image_free(img);
}

/* PNG, third edition, 11.3.3.4: length, "iTXt", keyword, 0, 0, 0, 0, 0, text, CRC; here behind IHDR, which ends at byte 33.
 * CRC of "iTXtSeed" and five zeros and "7": 0x5517c34c (worked out with zlib's crc32). */
static void notes_go_into_text_chunks_and_do_no_harm_to_the_pixels(void **state) {
  (void)state;
  static const unsigned char chunk[] = {0,   0,   0,   10,  'i', 'T', 'X', 't', 'S', 'e', 'e',
                                        'd', 0,   0,   0,   0,   0,   '7', 0x55, 0x17, 0xc3, 0x4c};
  xai_pair notes[] = {{"Seed", "7"}, {"Title", "gr\xc3\xbc\xc3\x9f"}};
  xai_err err;
  xai_image *img = gradient(31, 17);
  xai_file *file = NULL;
  assert_int_equal(xai_image_write_noted(img, scratch("a.png"), notes, 2, &err), XAI_OK);
  assert_int_equal(xai_file_map(scratch("a.png"), 1 << 20, &file, &err), XAI_OK);
  assert_memory_equal(xai_file_data(file) + 33, chunk, sizeof chunk);
  assert_memory_equal(xai_file_data(file) + 33 + sizeof chunk + 4, "iTXtTitle\0\0\0\0\0gr\xc3\xbc\xc3\x9f", 20);
  xai_file_release(file);
  xai_image *back = read_image(scratch("a.png"), NULL);
  assert_int_equal(largest_difference(img, back), 0);
  xai_image_free(back);
  assert_int_equal(xai_image_write_noted(img, scratch("a.bmp"), notes, 2, &err), XAI_OK); /* no place for them */
  back = read_image(scratch("a.bmp"), NULL);
  assert_int_equal(largest_difference(img, back), 0);
  xai_image_free(back);
  xai_image_free(img);
  remove(scratch("a.png"));
  remove(scratch("a.bmp"));
}

static void notes_without_a_proper_name_are_refused(void **state) {
  (void)state;
  char longest[81];
  memset(longest, 'k', 80);
  longest[80] = '\0';
  char *const names[] = {"", longest, "two\nlines", "gr\xc3\xbc\xc3\x9f"};
  xai_err err;
  xai_image *img = gradient(2, 2);
  for (int i = 0; i < 4; i++) {
    xai_pair note = {names[i], "x"};
    assert_int_equal(xai_image_write_noted(img, scratch("a.png"), &note, 1, &err), XAI_EARG);
  }
  assert_int_equal(scratch_count(), 0);
  xai_image_free(img);
}

static void a_missing_folder_is_an_error(void **state) {
  (void)state;
  xai_err err;
  xai_image *img = gradient(2, 2);
  assert_int_equal(xai_image_write(img, scratch("none/a.png"), &err), XAI_EIO);
  xai_image_free(img);
}

/* Writing over an old file, as an attempt: after a failure the old bytes are there, and no second file. */
static xai_image *picture;

static xai_status overwrite(const char *path, xai_err *err) {
  put_text(path, "old");
  xai_status st = xai_image_write(picture, path, err);
  assert_int_equal(scratch_count(), 1);
  size_t n;
  unsigned char *bytes = get_file(path, &n);
  assert_int_equal(n == 3 && memcmp(bytes, "old", 3) == 0, st != XAI_OK);
  free(bytes);
  return st;
}

static void every_failing_allocation_leaves_the_old_file(void **state) {
  (void)state;
  static const char *const names[] = {"a.png", "a.jpg", "a.bmp"};
  picture = gradient(12, 6);
  for (int i = 0; i < 3; i++) {
    each_allocation_fails(overwrite, scratch(names[i]));
    remove(scratch(names[i]));
  }
  xai_image_free(picture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(png_and_bmp_come_back_exactly),
      cmocka_unit_test(both_jpeg_extensions_are_known),
      cmocka_unit_test(other_extensions_are_refused_with_the_list),
      cmocka_unit_test(notes_go_into_text_chunks_and_do_no_harm_to_the_pixels),
      cmocka_unit_test(notes_without_a_proper_name_are_refused),
      cmocka_unit_test(a_missing_folder_is_an_error),
      cmocka_unit_test(every_failing_allocation_leaves_the_old_file),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
