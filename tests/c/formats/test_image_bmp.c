/* BMP of every depth and header, built here byte by byte, and damaged ones. */
#include "picture.h"

typedef struct file {
  unsigned char bytes[4000];
  size_t n;
} file;

static void put(file *f, uint32_t v, int bytes) {
  for (int i = 0; i < bytes; i++) f->bytes[f->n++] = (unsigned char)(v >> 8 * i);
}

static void put_bytes(file *f, const unsigned char *bytes, size_t n) {
  memcpy(f->bytes + f->n, bytes, n);
  f->n += n;
}

/* The two headers; 'between' bytes of masks and palette follow before the pixels. */
static void begin(file *f, uint32_t header, int w, int h, int bits, int compression, uint32_t colours,
                  uint32_t between) {
  memset(f, 0, sizeof *f);
  put(f, 'B' | 'M' << 8, 2);
  put(f, 0, 4);
  put(f, 0, 4);
  put(f, 14 + header + between, 4);
  put(f, header, 4);
  if (header == 12) {
    put(f, (uint32_t)w, 2);
    put(f, (uint32_t)h, 2);
    put(f, 1, 2);
    put(f, (uint32_t)bits, 2);
    return;
  }
  put(f, (uint32_t)w, 4);
  put(f, (uint32_t)h, 4);
  put(f, 1, 2);
  put(f, (uint32_t)bits, 2);
  put(f, (uint32_t)compression, 4);
  put(f, 0, 4);
  put(f, 0, 4);
  put(f, 0, 4);
  put(f, colours, 4);
  put(f, 0, 4);
  f->n = 14 + header;
}

static void masks(file *f, size_t at, uint32_t r, uint32_t g, uint32_t b, uint32_t a) {
  size_t end = f->n;
  f->n = at;
  put(f, r, 4), put(f, g, 4), put(f, b, 4);
  if (a != 0) put(f, a, 4);
  if (f->n < end) f->n = end;
}

static xai_image *read_bmp(const file *f, xai_image_note *note) {
  put_file(scratch("x.bmp"), f->bytes, f->n);
  return read_image(scratch("x.bmp"), note);
}

#define ROWS(f, ...) put_bytes(f, (const unsigned char[]){__VA_ARGS__}, sizeof((const unsigned char[]){__VA_ARGS__}))

static void rows_of_24_bits_go_upwards_or_downwards(void **state) {
  (void)state;
  for (int down = 0; down <= 1; down++) {
    file f;
    begin(&f, 40, 1, down ? -2 : 2, 24, 0, 0, 0);
    ROWS(&f, 3, 2, 1, 0, 6, 5, 4, 0); /* blue first, padded */
    xai_image *img = read_bmp(&f, NULL);
    assert_pixel(img, 0, down ? 0 : 1, 1, 2, 3);
    assert_pixel(img, 0, down ? 1 : 0, 4, 5, 6);
    xai_image_free(img);
  }
}

static void palettes_of_1_4_and_8_bits(void **state) {
  (void)state;
  static const unsigned char bits[] = {1, 4, 8}, row[][4] = {{0x40}, {0x01, 0x00}, {0, 1, 0}};
  for (int i = 0; i < 3; i++)
    for (int os2 = 0; os2 <= 1; os2++) { /* the old header has palette entries of three bytes */
      file f;
      begin(&f, os2 ? 12 : 40, 3, 1, bits[i], 0, os2 ? 0 : 2, os2 ? 6 : 8);
      put(&f, 0x102030, os2 ? 3 : 4);
      put(&f, 0x405060, os2 ? 3 : 4);
      put_bytes(&f, row[i], 4);
      xai_image *img = read_bmp(&f, NULL);
      assert_pixel(img, 0, 0, 0x10, 0x20, 0x30);
      assert_pixel(img, 1, 0, 0x40, 0x50, 0x60);
      assert_pixel(img, 2, 0, 0x10, 0x20, 0x30);
      xai_image_free(img);
    }
}

static void an_index_beyond_the_palette_is_black(void **state) {
  (void)state;
  file f;
  begin(&f, 40, 2, 1, 8, 0, 1, 4);
  put(&f, 0x112233, 4);
  ROWS(&f, 0, 200, 0, 0);
  xai_image *img = read_bmp(&f, NULL);
  assert_pixel(img, 0, 0, 0x11, 0x22, 0x33);
  assert_pixel(img, 1, 0, 0, 0, 0);
  xai_image_free(img);
}

/* 31 and 0 of five bits are 255 and 0; 16 is 10000 repeated: 10000100 = 132. */
static void sixteen_bits_have_five_each_or_masks(void **state) {
  (void)state;
  file f;
  begin(&f, 40, 2, 1, 16, 0, 0, 0);
  put(&f, 31 << 10 | 16 << 5, 2);
  put(&f, 31, 2);
  xai_image *img = read_bmp(&f, NULL);
  assert_pixel(img, 0, 0, 255, 132, 0);
  assert_pixel(img, 1, 0, 0, 0, 255);
  xai_image_free(img);
  begin(&f, 40, 2, 1, 16, 3, 0, 12); /* 5 6 5 */
  masks(&f, 54, 0xF800, 0x07E0, 0x001F, 0);
  put(&f, 63 << 5, 2);
  put(&f, 16 << 11 | 31, 2);
  img = read_bmp(&f, NULL);
  assert_pixel(img, 0, 0, 0, 255, 0);
  assert_pixel(img, 1, 0, 132, 0, 255);
  xai_image_free(img);
}

static void the_fourth_byte_is_alpha_only_with_a_mask(void **state) {
  (void)state;
  file f;
  xai_image_note note;
  begin(&f, 40, 1, 1, 32, 0, 0, 0);
  ROWS(&f, 3, 2, 1, 77);
  xai_image *img = read_bmp(&f, &note);
  assert_pixel(img, 0, 0, 1, 2, 3);
  assert_int_equal(note, XAI_IMAGE_PLAIN);
  xai_image_free(img);
  static const uint32_t headers[] = {56, 108, 124};
  for (int i = 0; i < 3; i++) {
    begin(&f, headers[i], 1, 1, 32, 3, 0, 0);
    masks(&f, 54, 0xFF, 0xFF00, 0xFF0000, 0xFF000000); /* red first */
    ROWS(&f, 10, 0, 255, 51);                          /* one fifth of it, the rest white: as in the PNG test */
    img = read_bmp(&f, &note);
    assert_pixel(img, 0, 0, 206, 204, 255);
    assert_int_equal(note, XAI_IMAGE_ALPHA);
    xai_image_free(img);
  }
}

static void pixel_data_may_hold_any_bytes(void **state) {
  (void)state;
  file f;
  begin(&f, 40, 2, 1, 24, 0, 0, 0);
  ROWS(&f, 0xFF, 0xC4, 0xFF, 0xC4, 0xFF, 0xC4, 0, 0); /* a false JPEG table */
  xai_image *img = read_bmp(&f, NULL);
  assert_pixel(img, 0, 0, 0xFF, 0xC4, 0xFF);
  assert_pixel(img, 1, 0, 0xC4, 0xFF, 0xC4);
  xai_image_free(img);
}

static void what_is_not_supported_or_damaged_is_named(void **state) {
  (void)state;
  file f;
  begin(&f, 40, 4, 4, 8, 1, 0, 1024);
  f.n += 2000;
  expect_refusal(f.bytes, f.n, "x.bmp", XAI_EUNSUPPORTED,
                 "x.bmp: a BMP with compression 1, expected an uncompressed one");
  begin(&f, 40, 4, 4, 2, 0, 0, 16);
  f.n += 2000;
  expect_refusal(f.bytes, f.n, "x.bmp", XAI_EUNSUPPORTED, "a BMP of 2 bits per pixel");
  begin(&f, 40, 20000, 4, 24, 0, 0, 0);
  expect_refusal(f.bytes, f.n, "x.bmp", XAI_EFORMAT, "20000x4 pixels are too many");
  begin(&f, 40, -3, 4, 24, 0, 0, 0);
  expect_refusal(f.bytes, f.n, "x.bmp", XAI_EFORMAT, "damaged: -3x4 pixels");
  begin(&f, 40, 3, INT32_MIN, 24, 0, 0, 0);
  expect_refusal(f.bytes, f.n, "x.bmp", XAI_EFORMAT, "pixels are too many");
  begin(&f, 40, 3, 3, 8, 0, 0, 0);
  f.n += 100;
  expect_refusal(f.bytes, f.n, "x.bmp", XAI_EFORMAT, "damaged: no palette");
  begin(&f, 40, 3, 3, 24, 3, 0, 12);
  f.n += 100;
  expect_refusal(f.bytes, f.n, "x.bmp", XAI_EFORMAT, "colour masks with 24 bits per pixel");
  begin(&f, 40, 1, 1, 32, 3, 0, 12);
  masks(&f, 54, 0, 0xFF00, 0xFF, 0);
  f.n += 100;
  expect_refusal(f.bytes, f.n, "x.bmp", XAI_EFORMAT, "damaged: bad masks");
  begin(&f, 40, 3, 3, 24, 0, 0, 0);
  f.n += 20;
  expect_refusal(f.bytes, f.n, "x.bmp", XAI_EFORMAT, "the file is cut off: 3x3 pixels of 24 bits need 33 bytes");
}

static size_t small_files(file files[3]) {
  begin(&files[0], 40, 3, 2, 24, 0, 0, 0);
  ROWS(&files[0], 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0);
  begin(&files[1], 40, 5, 2, 4, 0, 3, 12);
  ROWS(&files[1], 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0x01, 0x20, 0x10, 0, 0x22, 0x10, 0x00, 0);
  begin(&files[2], 108, 2, 1, 32, 3, 0, 0);
  masks(&files[2], 54, 0xFF0000, 0xFF00, 0xFF, 0xFF000000);
  ROWS(&files[2], 1, 2, 3, 4, 5, 6, 7, 8);
  return 3;
}

static void every_cut_and_every_wrong_byte_is_survived(void **state) {
  (void)state;
  static const size_t padding[] = {3, 1, 0}; /* of the last row, which may be missing */
  file files[3];
  for (size_t i = 0; i < small_files(files); i++) {
    each_cut_is_refused(read_and_free, scratch("cut.bmp"), files[i].bytes, files[i].n, files[i].n - padding[i]);
    each_byte_fault_is_survived(read_and_free, scratch("fault.bmp"), files[i].bytes, files[i].n);
  }
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  file files[3];
  for (size_t i = 0; i < small_files(files); i++) {
    put_file(scratch("memory.bmp"), files[i].bytes, files[i].n);
    each_allocation_fails(read_and_free, scratch("memory.bmp"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_of_24_bits_go_upwards_or_downwards),
      cmocka_unit_test(palettes_of_1_4_and_8_bits),
      cmocka_unit_test(an_index_beyond_the_palette_is_black),
      cmocka_unit_test(sixteen_bits_have_five_each_or_masks),
      cmocka_unit_test(the_fourth_byte_is_alpha_only_with_a_mask),
      cmocka_unit_test(pixel_data_may_hold_any_bytes),
      cmocka_unit_test(what_is_not_supported_or_damaged_is_named),
      cmocka_unit_test(every_cut_and_every_wrong_byte_is_survived),
      cmocka_unit_test(every_failing_allocation_is_survived),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
