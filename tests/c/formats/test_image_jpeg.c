/* JPEG: baseline files of our own writer, foreign ones from tests/fixtures, EXIF, and damage. */
#include "picture.h"

static unsigned char *fixture(const char *name, size_t *n) {
  char path[600];
  const char *source = getenv("XAI_SOURCE");
  snprintf(path, sizeof path, "%s/tests/fixtures/%s", source != NULL ? source : ".", name);
  return get_file(path, n);
}

/* A small picture as our writer encodes it; free() the result. */
static unsigned char *encoded(xai_image *img, size_t *n) {
  xai_err err;
  assert_int_equal(xai_image_write(img, scratch("made.jpg"), &err), XAI_OK);
  return get_file(scratch("made.jpg"), n);
}

static unsigned char *small_jpeg(size_t *n) {
  xai_image *img = gradient(9, 5);
  unsigned char *bytes = encoded(img, n);
  xai_image_free(img);
  return bytes;
}

/* 'extra' put in after the first 'at' bytes; free() the result. */
static unsigned char *inserted(const unsigned char *bytes, size_t n, size_t at, const void *extra, size_t m) {
  unsigned char *all = malloc(n + m);
  assert_non_null(all);
  memcpy(all, bytes, at);
  memcpy(all + at, extra, m);
  memcpy(all + at + m, bytes + at, n - at);
  return all;
}

/* Where the first FF 'marker' is. */
static size_t find(const unsigned char *bytes, size_t n, int marker) {
  for (size_t i = 0; i + 1 < n; i++)
    if (bytes[i] == 0xFF && bytes[i + 1] == marker) return i;
  fail_msg("no marker %02x", marker);
  return 0;
}

static xai_image *read_bytes(const unsigned char *bytes, size_t n) {
  put_file(scratch("x.jpg"), bytes, n);
  return read_image(scratch("x.jpg"), NULL);
}

static void a_smooth_picture_survives_quality_95(void **state) {
  (void)state;
  xai_image *img = gradient(64, 40);
  size_t n;
  unsigned char *bytes = encoded(img, &n);
  xai_image *back = read_bytes(bytes, n);
  assert_true(largest_difference(img, back) <= 4);
  xai_image_free(back);
  xai_image_free(img);
  free(bytes);
}

static void a_progressive_picture_with_halved_chroma_is_read(void **state) {
  (void)state;
  size_t n;
  unsigned char *bytes = fixture("progressive.jpg", &n);
  xai_image *img = read_bytes(bytes, n);
  assert_int_equal(img->width, 21);
  assert_int_equal(img->height, 13);
  for (int y = 0; y < 13; y++)
    for (int x = 0; x < 21; x++) {
      const uint8_t *p = pixel(img, x, y);
      /* Pillow's own reading is within 7 */
      assert_true(abs(p[0] - (40 + 8 * x)) <= 9 && abs(p[1] - (220 - 12 * y)) <= 9 &&
                  abs(p[2] - (60 + 5 * x + 4 * y)) <= 9);
    }
  xai_image_free(img);
  free(bytes);
}

static void four_inks_become_rgb(void **state) {
  (void)state;
  size_t n;
  unsigned char *bytes = fixture("cmyk.jpg", &n);
  xai_image *img = read_bytes(bytes, n);
  for (int x = 0; x < 9; x++) {
    const uint8_t *p = pixel(img, x, 6);
    assert_true(p[0] >= 252 && p[1] <= 3 && p[2] >= 252);
  }
  xai_image_free(img);
  free(bytes);
}

/* An EXIF segment with another tag before the orientation. */
static size_t exif(unsigned char out[80], bool big, int orientation) {
  static const unsigned char little_endian[] = {'I', 'I', 42, 0, 8, 0, 0, 0,    2, 0, 0x0F, 1, 2, 0, 1,
                                                0,   0,   0,  0, 0, 0, 0, 0x12, 1, 3, 0,    1, 0, 0, 0};
  static const unsigned char big_endian[] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0,    2, 1, 0x0F, 0, 2, 0,
                                             0,   0,   1, 0,  0, 0, 0, 1, 0x12, 0, 3, 0,    0, 0, 1};
  size_t n = sizeof big_endian;
  memcpy(out, "\xFF\xE1\0\0Exif\0\0", 10);
  memcpy(out + 10, big ? big_endian : little_endian, n);
  memset(out + 10 + n, 0, 4);
  out[10 + n + big] = (unsigned char)orientation;
  out[3] = (unsigned char)(n + 4 + 8);
  return 10 + n + 4;
}

/* The picture is 32x16: left half red over green, right half blue over white. Where do the corners go? EXIF's
 * definition: row 0 and column 0 of the file are these sides of the scene. */
static void exif_turns_the_picture_upright(void **state) {
  (void)state;
  enum { R, G, B, W };
  static const int rgb[4][3] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}};
  static const struct {
    int top_left, top_right, bottom_left, bottom_right;
  } want[9] = {{0, 0, 0, 0},
               {R, B, G, W} /* top, left */,
               {B, R, W, G} /* top, right */,
               {W, G, B, R} /* bottom, right */,
               {G, W, R, B} /* bottom, left */,
               {R, G, B, W} /* left, top */,
               {G, R, W, B} /* right, top */,
               {W, B, G, R} /* right, bottom */,
               {B, W, R, G} /* left, bottom */};
  xai_image *img;
  xai_err err;
  assert_int_equal(xai_image_new(32, 16, &img, &err), XAI_OK);
  for (int y = 0; y < 16; y++)
    for (int x = 0; x < 32; x++)
      for (int k = 0; k < 3; k++)
        img->rgb[3 * (32 * y + x) + k] = (uint8_t)rgb[x < 16 ? (y < 8 ? R : G) : (y < 8 ? B : W)][k];
  size_t n;
  unsigned char *bytes = encoded(img, &n);
  xai_image_free(img);
  for (int orientation = 0; orientation <= 9; orientation++)
    for (int big = 0; big <= 1; big++) {
      unsigned char segment[80];
      size_t m = exif(segment, big, orientation);
      unsigned char *all = inserted(bytes, n, 2, segment, m);
      int o = orientation >= 1 && orientation <= 8 ? orientation : 1;
      img = read_bytes(all, n + m);
      assert_int_equal(img->width, o >= 5 ? 16 : 32);
      int corners[4] = {want[o].top_left, want[o].top_right, want[o].bottom_left, want[o].bottom_right};
      for (int c = 0; c < 4; c++) {
        const uint8_t *p = pixel(img, c % 2 ? img->width - 2 : 1, c / 2 ? img->height - 2 : 1);
        for (int k = 0; k < 3; k++)
          if (abs(p[k] - rgb[corners[c]][k]) > 12)
            fail_msg("orientation %d, corner %d: %d %d %d", orientation, c, p[0], p[1], p[2]);
      }
      xai_image_free(img);
      free(all);
    }
  free(bytes);
}

static void broken_exif_means_upright(void **state) {
  (void)state;
  size_t n;
  unsigned char *bytes = small_jpeg(&n), segment[80];
  for (int big = 0; big <= 1; big++) {
    size_t m = exif(segment, big, 6);
    for (size_t cut = 4; cut < m; cut++) { /* every shorter segment */
      segment[3] = (unsigned char)(cut - 2);
      unsigned char *all = inserted(bytes, n, 2, segment, cut);
      xai_image *img = read_bytes(all, n + cut);
      /* once the value is there (its upper bytes do not matter) the picture is turned */
      if (img->width != 9) assert_true(cut + 4 >= m);
      xai_image_free(img);
      free(all);
    }
    exif(segment, big, 6);
    for (size_t i = 4; i < m; i++) /* and every wrong byte */
      for (int v = 0; v < 256; v += 17) {
        unsigned char old = segment[i];
        segment[i] = (unsigned char)v;
        unsigned char *all = inserted(bytes, n, 2, segment, m);
        xai_image_free(read_bytes(all, n + m));
        free(all);
        segment[i] = old;
      }
  }
  free(bytes);
}

static void what_the_decoder_does_not_need_cannot_hurt_it(void **state) {
  (void)state;
  size_t n;
  unsigned char *bytes = small_jpeg(&n);
  xai_image *plain = read_bytes(bytes, n);
  /* a comment, an application segment with a false Huffman table, padding and stray bytes between segments */
  static const unsigned char noise[] = {0xFF, 0xFE, 0, 6,    0xFF, 0xD9, 0xFF, 0xD8, 0xFF, 0xED, 0,    8,   0xFF,
                                        0xC4, 0x40, 0, 0xFF, 0xC4, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0x01, 0x77};
  unsigned char *all = inserted(bytes, n, 2, noise, sizeof noise);
  xai_image *img = read_bytes(all, n + sizeof noise);
  assert_int_equal(largest_difference(plain, img), 0);
  xai_image_free(img);
  free(all);
  all = inserted(bytes, n, n, noise, sizeof noise); /* behind the end, where phones put films */
  img = read_bytes(all, n + sizeof noise);
  assert_int_equal(largest_difference(plain, img), 0);
  xai_image_free(img);
  free(all);
  xai_image_free(plain);
  free(bytes);
}

static void overlong_huffman_tables_are_refused(void **state) {
  (void)state;
  size_t n;
  unsigned char *bytes = small_jpeg(&n);
  size_t at = find(bytes, n, 0xC4);
  unsigned char old = bytes[at + 5 + 15];
  bytes[at + 5 + 15] = 255; /* 255 codes of 16 bits */
  expect_refusal(bytes, n, "x.jpg", XAI_EFORMAT, "x.jpg: damaged: a Huffman table is not as long as it says");
  bytes[at + 5 + 15] = old;
  /* 16 x 17 = 272 > 256 values, all of them there */
  unsigned char segment[4 + 17 + 272] = {0xFF, 0xC4, (2 + 17 + 272) >> 8, (2 + 17 + 272) & 0xFF, 0};
  memset(segment + 5, 17, 16);
  unsigned char *all = inserted(bytes, n, at, segment, sizeof segment);
  expect_refusal(all, n + sizeof segment, "x.jpg", XAI_EFORMAT, "a Huffman table is not as long as it says");
  free(all);
  free(bytes);
}

static void kinds_that_are_not_supported_are_named(void **state) {
  (void)state;
  size_t n;
  unsigned char *bytes = small_jpeg(&n);
  size_t frame = find(bytes, n, 0xC0);
  bytes[frame + 1] = 0xC9;
  expect_refusal(bytes, n, "x.jpg", XAI_EUNSUPPORTED, "arithmetic-coded JPEG, expected a baseline or progressive one");
  bytes[frame + 1] = 0xC0;
  bytes[frame + 4] = 12;
  expect_refusal(bytes, n, "x.jpg", XAI_EUNSUPPORTED, "a JPEG of 12 bits per sample, expected 8");
  bytes[frame + 4] = 8;
  bytes[frame + 9] = 2;
  expect_refusal(bytes, n, "x.jpg", XAI_EUNSUPPORTED, "a JPEG of 2 components");
  bytes[frame + 9] = 3;
  bytes[frame + 5] = 0x40;
  bytes[frame + 7] = 0x40;
  expect_refusal(bytes, n, "x.jpg", XAI_EFORMAT, "x16389 pixels are too many");
  free(bytes);
  const unsigned char filled[] = {0xFF, 0xFF, 0xD8, 0xFF, 0xD9};
  expect_refusal(filled, sizeof filled, "x.jpg", XAI_EUNSUPPORTED,
                 "a file of unknown format, expected PNG, JPEG or BMP");
  const unsigned char nothing[] = {0xFF, 0xD8, 0xFF, 0xD9};
  expect_refusal(nothing, sizeof nothing, "x.jpg", XAI_EFORMAT, "damaged: no picture in it");
}

static void endless_scans_are_refused(void **state) {
  (void)state;
  size_t n;
  unsigned char *bytes = small_jpeg(&n);
  size_t scan = find(bytes, n, 0xDA), length = n - 2 - scan;
  unsigned char *many = malloc(n + 100 * length);
  memcpy(many, bytes, n - 2);
  for (int i = 0; i < 99; i++) memcpy(many + n - 2 + (size_t)i * length, bytes + scan, length);
  memcpy(many + n - 2 + 99 * length, "\xFF\xD9", 2);
  xai_image_free(read_bytes(many, n + 99 * length));
  memcpy(many + n - 2 + 99 * length, bytes + scan, length);
  memcpy(many + n - 2 + 100 * length, "\xFF\xD9", 2);
  expect_refusal(many, n + 100 * length, "x.jpg", XAI_EFORMAT, "more than 100 scans");
  free(many);
  free(bytes);
}

static void every_cut_and_every_wrong_byte_is_survived(void **state) {
  (void)state;
  size_t n;
  unsigned char *bytes = small_jpeg(&n);
  each_cut_is_refused(read_and_free, scratch("cut.jpg"), bytes, n, n);
  each_byte_fault_is_survived(read_and_free, scratch("fault.jpg"), bytes, n);
  free(bytes);
  bytes = fixture("progressive.jpg", &n);
  each_cut_is_refused(read_and_free, scratch("cut.jpg"), bytes, n, n);
  each_byte_fault_is_survived(read_and_free, scratch("fault.jpg"), bytes, n);
  free(bytes);
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  size_t n;
  unsigned char *bytes = fixture("progressive.jpg", &n);
  put_file(scratch("memory.jpg"), bytes, n);
  each_allocation_fails(read_and_free, scratch("memory.jpg"));
  free(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_smooth_picture_survives_quality_95),
      cmocka_unit_test(a_progressive_picture_with_halved_chroma_is_read),
      cmocka_unit_test(four_inks_become_rgb),
      cmocka_unit_test(exif_turns_the_picture_upright),
      cmocka_unit_test(broken_exif_means_upright),
      cmocka_unit_test(what_the_decoder_does_not_need_cannot_hurt_it),
      cmocka_unit_test(overlong_huffman_tables_are_refused),
      cmocka_unit_test(kinds_that_are_not_supported_are_named),
      cmocka_unit_test(endless_scans_are_refused),
      cmocka_unit_test(every_cut_and_every_wrong_byte_is_survived),
      cmocka_unit_test(every_failing_allocation_is_survived),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
