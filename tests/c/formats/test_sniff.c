/* Formats by their first bytes. */
#include "scratch.h"

#include "formats/formats.h"

#define SNIFF(text) xai_format_sniff((const unsigned char *)(text), sizeof(text) - 1)

static void magic_numbers_are_recognised(void **state) {
  (void)state;
  assert_int_equal(SNIFF("\x89PNG\r\n\x1a\n...."), XAI_FORMAT_PNG);
  assert_int_equal(SNIFF("\xff\xd8\xff\xe0"), XAI_FORMAT_JPEG);
  assert_int_equal(SNIFF("GIF87a"), XAI_FORMAT_GIF);
  assert_int_equal(SNIFF("GIF89a"), XAI_FORMAT_GIF);
  assert_int_equal(SNIFF("RIFF....WEBPVP8X"), XAI_FORMAT_WEBP);
  assert_int_equal(SNIFF("II*\0...."), XAI_FORMAT_TIFF);
  assert_int_equal(SNIFF("MM\0*...."), XAI_FORMAT_TIFF);
  assert_int_equal(SNIFF("\0\0\0\x20"
                         "ftypavif"),
                   XAI_FORMAT_HEIF);
  assert_int_equal(SNIFF("\0\0\0\x20"
                         "ftypisom"),
                   XAI_FORMAT_UNKNOWN); /* a film */
  assert_int_equal(SNIFF("%PDF-1.4"), XAI_FORMAT_PDF);
  unsigned char tar[512] = "sys_info"; /* its magic number stands at 257 */
  memcpy(tar + 257, "ustar", 5);
  assert_int_equal(xai_format_sniff(tar, sizeof tar), XAI_FORMAT_TAR);
  assert_int_equal(SNIFF("\x93NUMPY\1\0"), XAI_FORMAT_NPY);
  assert_int_equal(SNIFF("PK\3\4...."), XAI_FORMAT_ZIP);
  assert_int_equal(SNIFF("PK\5\6...."), XAI_FORMAT_ZIP);
  assert_int_equal(SNIFF("\x89HDF\r\n\x1a\n"), XAI_FORMAT_HDF5);
  assert_int_equal(SNIFF("\x80\2\x8a\x0al\xfc"), XAI_FORMAT_PICKLE);
  assert_int_equal(SNIFF("\x80\4\x95"), XAI_FORMAT_PICKLE);
}

static void a_bitmap_needs_more_than_its_two_letters(void **state) {
  (void)state;
  assert_int_equal(SNIFF("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"), XAI_FORMAT_BMP);
  assert_int_equal(SNIFF("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x29\0\0\0"), XAI_FORMAT_UNKNOWN);
  assert_int_equal(SNIFF("BM"), XAI_FORMAT_TEXT);
  assert_int_equal(SNIFF("BMX, a sport on bicycles"), XAI_FORMAT_TEXT);
}

static void formats_without_magic_are_told_by_their_structure(void **state) {
  (void)state;
  assert_int_equal(SNIFF("\2\0\0\0\0\0\0\0{}"), XAI_FORMAT_SAFETENSORS);
  assert_int_equal(SNIFF("\x80\5\0\0\0\0\0\0{"), XAI_FORMAT_SAFETENSORS);   /* 1408 bytes: not a pickle */
  assert_int_equal(SNIFF("\xff\xd8\0\0\0\0\0\0{"), XAI_FORMAT_SAFETENSORS); /* nor a JPEG */
  assert_int_equal(SNIFF("\2\0\0\0\0\0\0\0[]"), XAI_FORMAT_UNKNOWN);
  assert_int_equal(SNIFF("\2\0\0\0\0\0\0\1{}"), XAI_FORMAT_UNKNOWN); /* a header of 2^56 bytes */
  assert_int_equal(SNIFF("\x08\x03\x12\x06"
                         "CNTK"),
                   XAI_FORMAT_ONNX);
  assert_int_equal(SNIFF("\x08\x08\x3a\x10"), XAI_FORMAT_ONNX);
  assert_int_equal(SNIFF("\x08\x08\x0a\x10"), XAI_FORMAT_UNKNOWN); /* field 1 twice */
  assert_int_equal(SNIFF("\x0a\3net\xa2\x06\x10"), XAI_FORMAT_CAFFE);
  assert_int_equal(SNIFF("\x0a\3net\x12\x10"), XAI_FORMAT_CAFFE);
  assert_int_equal(SNIFF("\xa2\x06\x10"), XAI_FORMAT_CAFFE);
  assert_int_equal(SNIFF("\x0a\x20net"), XAI_FORMAT_TEXT); /* ends inside what would be the name */
  assert_int_equal(SNIFF("\n# a text that begins with a line's end"), XAI_FORMAT_TEXT);
}

static void text_is_utf8_without_control_characters(void **state) {
  (void)state;
  assert_int_equal(SNIFF(""), XAI_FORMAT_EMPTY);
  assert_int_equal(SNIFF("tench\r\ngoldfish\n"), XAI_FORMAT_TEXT);
  assert_int_equal(SNIFF("K\xC3\xA4tzchen\n"), XAI_FORMAT_TEXT);
  assert_int_equal(SNIFF("K\xE4tzchen\n"), XAI_FORMAT_UNKNOWN); /* Latin-1 */
  assert_int_equal(SNIFF("tench\0"), XAI_FORMAT_UNKNOWN);
  /* a character across the 512 bytes that are looked at */
  for (int shift = 0; shift < 4; shift++) {
    char long_text[600];
    memset(long_text, 'x', sizeof long_text);
    memcpy(long_text + 508 + shift, "\xF0\x9F\x90\x88", 4);
    assert_int_equal(xai_format_sniff((const unsigned char *)long_text, sizeof long_text), XAI_FORMAT_TEXT);
  }
}

static void every_prefix_gets_some_answer(void **state) {
  (void)state;
  static const char *const starts[] = {"\x89PNG\r\n\x1a\n",
                                       "RIFF....WEBP",
                                       "\2\0\0\0\0\0\0\0{}",
                                       "\x08\x03\x12\x06",
                                       "BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
                                       "\0\0\0\040ftypavif"};
  static const size_t sizes[] = {8, 12, 10, 4, 18, 12};
  for (int i = 0; i < 6; i++)
    for (size_t n = 0; n <= sizes[i]; n++) {
      unsigned char *exact = malloc(n + 1); /* so that a sanitizer sees a byte too far */
      memcpy(exact + 1, starts[i], n);
      assert_non_null(xai_format_name(xai_format_sniff(exact + 1, n)));
      free(exact);
    }
}

static void every_format_has_a_name_of_its_own(void **state) {
  (void)state;
  for (int a = 0; a <= XAI_FORMAT_EMPTY; a++)
    for (int b = 0; b < a; b++) assert_string_not_equal(xai_format_name((xai_format)a), xai_format_name((xai_format)b));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(magic_numbers_are_recognised),
      cmocka_unit_test(a_bitmap_needs_more_than_its_two_letters),
      cmocka_unit_test(formats_without_magic_are_told_by_their_structure),
      cmocka_unit_test(text_is_utf8_without_control_characters),
      cmocka_unit_test(every_prefix_gets_some_answer),
      cmocka_unit_test(every_format_has_a_name_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
