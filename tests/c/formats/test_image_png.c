/* PNG of every kind, built here chunk by chunk with stored (uncompressed) deflate blocks, and damaged ones. */
#include "picture.h"

/* ---- a PNG writer for tests, by the standard ------------------------------------------------------------------- */

typedef struct file {
  unsigned char bytes[6000];
  size_t n;
} file;

static void add(file *f, const void *bytes, size_t n) {
  assert_true(f->n + n <= sizeof f->bytes);
  if (n > 0) memcpy(f->bytes + f->n, bytes, n);
  f->n += n;
}

static void add_u32(file *f, uint32_t v) {
  unsigned char b[] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16), (unsigned char)(v >> 8), (unsigned char)v};
  add(f, b, 4);
}

/* CRC-32 bit by bit. */
static uint32_t crc(const unsigned char *p, size_t n) {
  uint32_t c = 0xFFFFFFFF;
  for (size_t i = 0; i < n; i++) {
    c ^= p[i];
    for (int k = 0; k < 8; k++) c = c & 1 ? c >> 1 ^ 0xEDB88320 : c >> 1;
  }
  return ~c;
}

static void chunk(file *f, const char *type, const void *data, size_t n) {
  add_u32(f, (uint32_t)n);
  size_t start = f->n;
  add(f, type, 4);
  add(f, data, n);
  add_u32(f, crc(f->bytes + start, f->n - start));
}

static void begin(file *f, uint32_t w, uint32_t h, int depth, int colour, int interlace) {
  unsigned char ihdr[13] = {0,
                            0,
                            (unsigned char)(w >> 8),
                            (unsigned char)w,
                            0,
                            0,
                            (unsigned char)(h >> 8),
                            (unsigned char)h,
                            (unsigned char)depth,
                            (unsigned char)colour,
                            0,
                            0,
                            (unsigned char)interlace};
  f->n = 0;
  add(f, "\x89PNG\r\n\x1a\n", 8);
  chunk(f, "IHDR", ihdr, sizeof ihdr);
}

/* One stored block: 01, length, its complement, the bytes; Adler-32 of them behind. */
static void deflate(file *f, const unsigned char *rows, size_t n) {
  uint32_t a = 1, b = 0;
  for (size_t i = 0; i < n; i++) a = (a + rows[i]) % 65521, b = (b + a) % 65521;
  unsigned char head[] = {
      0x78, 0x01, 0x01, (unsigned char)n, (unsigned char)(n >> 8), (unsigned char)~n, (unsigned char)(~n >> 8)};
  f->n = 0;
  add(f, head, sizeof head);
  add(f, rows, n);
  add_u32(f, b << 16 | a);
}

static void data(file *f, const unsigned char *rows, size_t n) {
  file z;
  deflate(&z, rows, n);
  chunk(f, "IDAT", z.bytes, z.n);
}

static void end(file *f) { chunk(f, "IEND", NULL, 0); }

/* A whole picture whose rows each start with the filter byte 0. */
static xai_image *read_png(file *f, xai_image_note *note) {
  put_file(scratch("x.png"), f->bytes, f->n);
  return read_image(scratch("x.png"), note);
}

static xai_image *simple(uint32_t w, uint32_t h, int depth, int colour, const unsigned char *rows, size_t n,
                         xai_image_note *note) {
  file f;
  begin(&f, w, h, depth, colour, 0);
  data(&f, rows, n);
  end(&f);
  return read_png(&f, note);
}

/* ---- kinds ---------------------------------------------------------------------------------------------------------
 */

static void grey_becomes_three_equal_channels(void **state) {
  (void)state;
  xai_image_note note = XAI_IMAGE_ALPHA;
  xai_image *img = simple(3, 2, 8, 0, (const unsigned char[]){0, 0, 100, 255, 0, 1, 2, 3}, 8, &note);
  assert_int_equal(note, XAI_IMAGE_PLAIN);
  assert_pixel(img, 0, 0, 0, 0, 0);
  assert_pixel(img, 1, 0, 100, 100, 100);
  assert_pixel(img, 2, 1, 3, 3, 3);
  xai_image_free(img);
  /* nine pixels of one bit: 10110010 1....... */
  img = simple(9, 1, 1, 0, (const unsigned char[]){0, 0xB2, 0x80}, 3, NULL);
  for (int x = 0; x < 9; x++) {
    int want = "101100101"[x] == '1' ? 255 : 0;
    assert_pixel(img, x, 0, want, want, want);
  }
  xai_image_free(img);
}

static void sixteen_bits_are_cut_to_the_upper_byte(void **state) {
  (void)state;
  xai_image *img = simple(1, 1, 16, 2, (const unsigned char[]){0, 0x12, 0xFF, 0x80, 0x00, 0xFE, 0x01}, 7, NULL);
  assert_pixel(img, 0, 0, 0x12, 0x80, 0xFE);
  xai_image_free(img);
  img = simple(2, 1, 16, 0, (const unsigned char[]){0, 0x12, 0xFF, 0x80, 0x00}, 5, NULL);
  assert_pixel(img, 0, 0, 0x12, 0x12, 0x12);
  assert_pixel(img, 1, 0, 0x80, 0x80, 0x80);
  xai_image_free(img);
  /* RGBA; alpha 0x80FF counts as 128: (16*128 + 255*127 + 127) / 255 = 34560/255 = 135.5 */
  xai_image_note note;
  img = simple(1, 1, 16, 6, (const unsigned char[]){0, 0x10, 0, 0x10, 0, 0x10, 0, 0x80, 0xFF}, 9, &note);
  assert_pixel(img, 0, 0, 135, 135, 135);
  assert_int_equal(note, XAI_IMAGE_ALPHA);
  xai_image_free(img);
}

static void transparent_pixels_lie_on_white(void **state) {
  (void)state;
  xai_image_note note = XAI_IMAGE_PLAIN;
  /* grey 100, alpha 128: (100*128 + 255*127)/255 = 45185/255 = 177.2;  RGBA with alpha 0, 255, 51 (one fifth):
   * 10/5 + 255*4/5 = 206;  0 + 204 = 204;  255 */
  xai_image *img = simple(2, 1, 8, 4, (const unsigned char[]){0, 100, 128, 7, 255}, 5, &note);
  assert_int_equal(note, XAI_IMAGE_ALPHA);
  assert_pixel(img, 0, 0, 177, 177, 177);
  assert_pixel(img, 1, 0, 7, 7, 7);
  xai_image_free(img);
  img = simple(3, 1, 8, 6, (const unsigned char[]){0, 1, 2, 3, 0, 4, 5, 6, 255, 10, 0, 255, 51}, 13, &note);
  assert_int_equal(note, XAI_IMAGE_ALPHA);
  assert_pixel(img, 0, 0, 255, 255, 255);
  assert_pixel(img, 1, 0, 4, 5, 6);
  assert_pixel(img, 2, 0, 206, 204, 255);
  xai_image_free(img);
}

static void an_opaque_alpha_channel_is_not_worth_a_note(void **state) {
  (void)state;
  xai_image_note note = XAI_IMAGE_ALPHA;
  xai_image *img = simple(1, 1, 8, 6, (const unsigned char[]){0, 1, 2, 3, 255}, 5, &note);
  assert_int_equal(note, XAI_IMAGE_PLAIN);
  assert_pixel(img, 0, 0, 1, 2, 3);
  xai_image_free(img);
}

static void a_palette_gives_colours_and_may_be_transparent(void **state) {
  (void)state;
  file f;
  xai_image_note note;
  /* four pixels of four bits: 0, 1, 2, and 9, which the palette does not have: black */
  const unsigned char colours[] = {10, 20, 30, 40, 50, 60, 70, 80, 90};
  begin(&f, 4, 1, 4, 3, 0);
  chunk(&f, "PLTE", colours, sizeof colours);
  chunk(&f, "tRNS", (const unsigned char[]){255, 0}, 2);
  data(&f, (const unsigned char[]){0, 0x01, 0x29}, 3);
  end(&f);
  xai_image *img = read_png(&f, &note);
  assert_int_equal(note, XAI_IMAGE_ALPHA);
  assert_pixel(img, 0, 0, 10, 20, 30);
  assert_pixel(img, 1, 0, 255, 255, 255);
  assert_pixel(img, 2, 0, 70, 80, 90);
  assert_pixel(img, 3, 0, 0, 0, 0);
  xai_image_free(img);
}

static void one_colour_may_mean_transparent(void **state) {
  (void)state;
  file f;
  xai_image_note note;
  begin(&f, 2, 1, 8, 2, 0);
  chunk(&f, "tRNS", (const unsigned char[]){0, 1, 0, 2, 0, 3}, 6);
  data(&f, (const unsigned char[]){0, 1, 2, 3, 1, 2, 4}, 7);
  end(&f);
  xai_image *img = read_png(&f, &note);
  assert_int_equal(note, XAI_IMAGE_ALPHA);
  assert_pixel(img, 0, 0, 255, 255, 255);
  assert_pixel(img, 1, 0, 1, 2, 4);
  xai_image_free(img);
  begin(&f, 2, 1, 16, 2, 0); /* all sixteen bits count */
  chunk(&f, "tRNS", (const unsigned char[]){1, 1, 2, 2, 3, 3}, 6);
  data(&f, (const unsigned char[]){0, 1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 4}, 13);
  end(&f);
  img = read_png(&f, &note);
  assert_pixel(img, 0, 0, 255, 255, 255);
  assert_pixel(img, 1, 0, 1, 2, 3);
  xai_image_free(img);
}

static void all_five_row_filters_are_undone(void **state) {
  (void)state;
  /* grey, three wide; each row is 10 20 30 again:
   * none; sub: 10 10 10; up: 0 0 0; average: 10-5, 20-(10+20)/2, 30-(20+30)/2; Paeth: up 10 fits: 0, then up again */
  const unsigned char rows[] = {0, 10, 20, 30, 1, 10, 10, 10, 2, 0, 0, 0, 3, 5, 5, 5, 4, 0, 0, 0};
  xai_image *img = simple(3, 5, 8, 0, rows, sizeof rows, NULL);
  for (int y = 0; y < 5; y++)
    for (int x = 0; x < 3; x++) assert_pixel(img, x, y, 10 * (x + 1), 10 * (x + 1), 10 * (x + 1));
  xai_image_free(img);
}

static void interlaced_rows_find_their_places(void **state) {
  (void)state;
  file f;
  /* 2x2: pass 1 has (0,0), pass 6 (1,0), pass 7 the second row */
  begin(&f, 2, 2, 8, 0, 1);
  data(&f, (const unsigned char[]){0, 10, 0, 20, 0, 30, 40}, 7);
  end(&f);
  xai_image *img = read_png(&f, NULL);
  assert_pixel(img, 0, 0, 10, 10, 10);
  assert_pixel(img, 1, 0, 20, 20, 20);
  assert_pixel(img, 0, 1, 30, 30, 30);
  assert_pixel(img, 1, 1, 40, 40, 40);
  xai_image_free(img);
}

static void the_data_may_come_in_several_chunks(void **state) {
  (void)state;
  file f, z;
  deflate(&z, (const unsigned char[]){0, 10, 20}, 3);
  begin(&f, 2, 1, 8, 0, 0);
  for (size_t i = 0; i < z.n; i++) chunk(&f, "IDAT", z.bytes + i, 1);
  end(&f);
  xai_image *img = read_png(&f, NULL);
  assert_pixel(img, 1, 0, 20, 20, 20);
  xai_image_free(img);
}

static void other_chunks_do_not_matter_even_damaged(void **state) {
  (void)state;
  file f;
  begin(&f, 1, 1, 8, 0, 0);
  chunk(&f, "tEXt", "Comment\0hello", 13);
  f.bytes[f.n - 1] ^= 1; /* its checksum */
  data(&f, (const unsigned char[]){0, 99}, 2);
  end(&f);
  add(&f, "trailing bytes", 14);
  xai_image *img = read_png(&f, NULL);
  assert_pixel(img, 0, 0, 99, 99, 99);
  xai_image_free(img);
}

/* ---- damage
 * ---------------------------------------------------------------------------------------------------------- */

static void a_wrong_checksum_names_the_chunk(void **state) {
  (void)state;
  file f;
  begin(&f, 1, 1, 8, 0, 0);
  data(&f, (const unsigned char[]){0, 99}, 2);
  f.bytes[f.n - 1] ^= 1;
  end(&f);
  expect_refusal(f.bytes, f.n, "x.png", XAI_EFORMAT, "x.png: damaged: the checksum of the chunk IDAT is wrong");
}

static void too_many_pixels_are_refused_by_their_number(void **state) {
  (void)state;
  file f;
  begin(&f, 16385, 1, 8, 0, 0);
  expect_refusal(f.bytes, f.n, "x.png", XAI_EFORMAT,
                 "16385x1 pixels are too many (at most 16384 a side and 64 million)");
  begin(&f, 8001, 8001, 8, 0, 0);
  expect_refusal(f.bytes, f.n, "x.png", XAI_EFORMAT, "8001x8001 pixels are too many");
  begin(&f, 0, 5, 8, 0, 0);
  expect_refusal(f.bytes, f.n, "x.png", XAI_EFORMAT, "damaged: 0x5 pixels");
}

static void a_tiny_file_cannot_claim_a_huge_picture(void **state) {
  (void)state;
  file f;
  size_t before = xai_mem_peak();
  begin(&f, 8000, 8000, 8, 6, 0);
  data(&f, (const unsigned char[]){0, 99}, 2);
  end(&f);
  expect_refusal(f.bytes, f.n, "x.png", XAI_EFORMAT, "cannot hold 8000x8000 pixels");
  assert_true(xai_mem_peak() < before + 1000000);
}

/* Interlaced, 16 bits, RGBA, not compressed: what takes the most memory. Zeros, except for the last pixel. */
static void the_most_expensive_kind_stays_within_the_budget(void **state) {
  (void)state;
  enum { SIDE = 1500, BLOCK = 65535 };
  static const int steps[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                  {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
  size_t n = 0;
  for (int i = 0; i < 7; i++) {
    size_t columns = (size_t)((SIDE - steps[i][0] + steps[i][2] - 1) / steps[i][2]),
           rows = (size_t)((SIDE - steps[i][1] + steps[i][3] - 1) / steps[i][3]);
    n += rows * (1 + 8 * columns);
  }
  unsigned char *idat = calloc(1, 4 + 2 + n + 5 * (n / BLOCK + 1) + 4), *p = idat;
  assert_non_null(idat);
  memcpy(p, "IDAT\x78\x01", 6);
  p += 6;
  for (size_t left = n; left > 0;) {
    size_t length = left < BLOCK ? left : BLOCK;
    const unsigned char head[] = {left == length, (unsigned char)length, (unsigned char)(length >> 8),
                                  (unsigned char)~length, (unsigned char)(~length >> 8)};
    memcpy(p, head, 5);
    p += 5 + length;
    left -= length;
  }
  memset(p - 8, 0xFF, 8);
  p += 4; /* the decoder does not look at the checksum of the rows */
  file f;
  begin(&f, SIDE, SIDE, 16, 6, 1);
  put_file(scratch("big.png"), f.bytes, f.n);
  FILE *out = fopen(scratch("big.png"), "ab");
  f.n = 0;
  add_u32(&f, (uint32_t)(p - idat - 4));
  fwrite(f.bytes, 1, f.n, out);
  fwrite(idat, 1, (size_t)(p - idat), out);
  f.n = 0;
  add_u32(&f, crc(idat, (size_t)(p - idat)));
  end(&f);
  fwrite(f.bytes, 1, f.n, out);
  assert_int_equal(fclose(out), 0);
  free(idat);
  xai_image *img = read_image(scratch("big.png"), NULL);
  assert_pixel(img, SIDE - 1, SIDE - 1, 255, 255, 255);
  assert_pixel(img, 0, 0, 255, 255, 255); /* transparent */
  xai_image_free(img);
}

static void too_few_rows_are_refused(void **state) {
  (void)state;
  file f;
  begin(&f, 2, 2, 8, 0, 0);
  data(&f, (const unsigned char[]){0, 1, 2}, 3);
  end(&f);
  expect_refusal(f.bytes, f.n, "x.png", XAI_EFORMAT, "damaged: ");
}

static void chunks_out_of_place_are_refused(void **state) {
  (void)state;
  file f;
  const unsigned char row[] = {0, 99}, colours[3] = {0};
  begin(&f, 1, 1, 8, 0, 0);
  data(&f, row, 2);
  chunk(&f, "PLTE", colours, 3);
  end(&f);
  expect_refusal(f.bytes, f.n, "x.png", XAI_EFORMAT, "a chunk PLTE where none may be");
  begin(&f, 1, 1, 8, 0, 0);
  chunk(&f, "NEWS", colours, 3); /* a capital letter: must be understood */
  data(&f, row, 2);
  end(&f);
  expect_refusal(f.bytes, f.n, "x.png", XAI_EFORMAT, "a chunk NEWS where none may be");
  begin(&f, 1, 1, 8, 3, 0);
  data(&f, row, 2);
  end(&f);
  expect_refusal(f.bytes, f.n, "x.png", XAI_EFORMAT, "damaged: no PLTE");
  begin(&f, 1, 1, 8, 3, 0);
  chunk(&f, "PLTE", colours, 2);
  expect_refusal(f.bytes, f.n, "x.png", XAI_EFORMAT, "a palette of 2 bytes");
  begin(&f, 1, 1, 8, 0, 0);
  end(&f);
  expect_refusal(f.bytes, f.n, "x.png", XAI_EFORMAT, "no IDAT chunk");
  begin(&f, 1, 1, 8, 5, 0);
  expect_refusal(f.bytes, f.n, "x.png", XAI_EFORMAT, "colour type 5");
  f.n = 8;
  chunk(&f, "CgBI", colours, 3);
  expect_refusal(f.bytes, f.n, "x.png", XAI_EUNSUPPORTED, "an Apple variant of PNG");
}

static void bad_deflate_data_is_refused(void **state) {
  (void)state;
  file f, z;
  for (size_t i = 0; i < 12; i++)
    for (int v = 0; v < 256; v += 5) {
      deflate(&z, (const unsigned char[]){0, 10, 20, 0, 30, 40}, 6);
      z.bytes[i] = (unsigned char)v;
      begin(&f, 2, 2, 8, 0, 0);
      chunk(&f, "IDAT", z.bytes, z.n);
      end(&f);
      put_file(scratch("x.png"), f.bytes, f.n);
      xai_err err;
      size_t before = xai_mem_live();
      read_and_free(scratch("x.png"), &err); /* either way, cleanly */
      assert_int_equal(xai_mem_live(), before);
    }
}

static void small_files(file *rgb, file *palette) {
  begin(rgb, 3, 2, 8, 2, 0);
  data(rgb, (const unsigned char[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 20);
  end(rgb);
  begin(palette, 4, 1, 2, 3, 0);
  chunk(palette, "PLTE", (const unsigned char[]){1, 2, 3, 4, 5, 6}, 6);
  chunk(palette, "tRNS", (const unsigned char[]){9}, 1);
  data(palette, (const unsigned char[]){0, 0x11}, 2);
  end(palette);
}

static void every_cut_and_every_wrong_byte_is_survived(void **state) {
  (void)state;
  file files[2];
  small_files(&files[0], &files[1]);
  for (int i = 0; i < 2; i++) {
    each_cut_is_refused(read_and_free, scratch("cut.png"), files[i].bytes, files[i].n, files[i].n);
    int refused = each_byte_fault_is_survived(read_and_free, scratch("fault.png"), files[i].bytes, files[i].n);
    assert_true(refused > 4 * (int)files[i].n); /* checksums see nearly all (a byte may already have the value) */
  }
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  file files[2];
  small_files(&files[0], &files[1]);
  for (int i = 0; i < 2; i++) {
    put_file(scratch("memory.png"), files[i].bytes, files[i].n);
    each_allocation_fails(read_and_free, scratch("memory.png"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(grey_becomes_three_equal_channels),
      cmocka_unit_test(sixteen_bits_are_cut_to_the_upper_byte),
      cmocka_unit_test(transparent_pixels_lie_on_white),
      cmocka_unit_test(an_opaque_alpha_channel_is_not_worth_a_note),
      cmocka_unit_test(a_palette_gives_colours_and_may_be_transparent),
      cmocka_unit_test(one_colour_may_mean_transparent),
      cmocka_unit_test(all_five_row_filters_are_undone),
      cmocka_unit_test(interlaced_rows_find_their_places),
      cmocka_unit_test(the_data_may_come_in_several_chunks),
      cmocka_unit_test(other_chunks_do_not_matter_even_damaged),
      cmocka_unit_test(a_wrong_checksum_names_the_chunk),
      cmocka_unit_test(too_many_pixels_are_refused_by_their_number),
      cmocka_unit_test(a_tiny_file_cannot_claim_a_huge_picture),
      cmocka_unit_test(the_most_expensive_kind_stays_within_the_budget),
      cmocka_unit_test(too_few_rows_are_refused),
      cmocka_unit_test(chunks_out_of_place_are_refused),
      cmocka_unit_test(bad_deflate_data_is_refused),
      cmocka_unit_test(every_cut_and_every_wrong_byte_is_survived),
      cmocka_unit_test(every_failing_allocation_is_survived),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
