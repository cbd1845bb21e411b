/* Which files are pictures, and the reference pictures. The kinds are tested in test_image_png.c and its neighbours. */
#include "picture.h"

#include "formats/formats.h"

static void what_is_no_picture_is_named(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t n;
    const char *text;
  } cases[] = {
      {"GIF89a\1\0\1\0", 10, "a GIF picture, expected PNG, JPEG or BMP"},
      {"RIFF\x10\0\0\0WEBPVP8 ", 16, "a WebP picture, expected"},
      {"II*\0\x08\0\0\0", 8, "a TIFF picture, expected"},
      {"\0\0\0\x18"
       "ftypheic",
       12, "a HEIF or AVIF picture, expected"},
      {"%PDF-1.7\n", 9, "a PDF document, expected"},
      {"\x08\x07\x12\x07pytorch", 11, "an ONNX model, expected"},
      {"hello\n", 6, "a text file, expected"},
      {"BMW is no bitmap, whatever it starts with\n", 42, "a text file, expected"},
      {"", 0, "an empty file, expected"},
      {"\1\2\3\4", 4, "a file of unknown format, expected"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    expect_refusal(cases[i].bytes, cases[i].n, "cat.gif", XAI_EUNSUPPORTED, cases[i].text);
}

static void a_missing_picture_is_not_found(void **state) {
  (void)state;
  xai_err err;
  assert_int_equal(read_and_free(scratch("missing.png"), &err), XAI_ENOTFOUND);
  assert_int_equal(read_and_free(scratch_folder, &err), XAI_EARG);
}

static void the_extension_does_not_matter(void **state) {
  (void)state;
  xai_image *img = gradient(5, 4), *back;
  xai_err err;
  assert_int_equal(xai_image_write(img, scratch("x.png"), &err), XAI_OK);
  assert_int_equal(rename(scratch("x.png"), scratch("x.jpg")), 0);
  back = read_image(scratch("x.jpg"), NULL);
  assert_int_equal(largest_difference(img, back), 0);
  xai_image_free(img);
  xai_image_free(back);
}

static void threads_do_not_disturb_each_other(void **state) {
  (void)state;
  xai_image *img = gradient(50, 40);
  xai_err err;
  int wrong = 0;
  assert_int_equal(xai_image_write(img, scratch("t.png"), &err), XAI_OK);
  const char *path = scratch("t.png");
  size_t before = xai_mem_live();
#pragma omp parallel for num_threads(4) reduction(+ : wrong)
  for (int i = 0; i < 40; i++) {
    xai_image *back = NULL;
    xai_err own;
    if (xai_image_read(path, &back, NULL, &own) != XAI_OK || memcmp(back->rgb, img->rgb, 50 * 40 * 3) != 0) wrong++;
    xai_image_free(back);
  }
  assert_int_equal(wrong, 0);
  assert_int_equal(xai_mem_live(), before);
  xai_image_free(img);
}

/* ---- reference files
 * ------------------------------------------------------------------------------------------------- */

/* The kitten has an alpha channel, all opaque. The sums are those of Pillow's reading. */
static void the_kitten_with_alpha_is_read_as_pillow_does(void **state) {
  (void)state;
  xai_image_note note;
  long sum[3] = {0};
  xai_image *img = read_image(shared_file("images/kitten_rgba.png"), &note);
  assert_int_equal(note, XAI_IMAGE_PLAIN);
  assert_int_equal(img->width * 1000 + img->height, 224224);
  for (int i = 0; i < 3 * 224 * 224; i++) sum[i % 3] += img->rgb[i];
  assert_int_equal(sum[0], 10170362);
  assert_int_equal(sum[1], 9867663);
  assert_int_equal(sum[2], 9837282);
  assert_pixel(img, 111, 100, 34, 23, 30);
  xai_image_free(img);
}

/* A tensor height x width x 3 of a reference archive against a picture: one grey level of rounding is allowed. */
static void assert_near_reference(const xai_image *img, const xai_archive *reference, const char *name) {
  for (size_t i = 0; i < reference->n; i++)
    if (strcmp(reference->entries[i].name, name) == 0) {
      const xai_view *v = xai_tensor_view(reference->entries[i].tensor);
      const uint8_t *want = v->data;
      assert_int_equal(v->dtype, XAI_U8);
      assert_int_equal(v->shape.dims[0], img->height);
      assert_int_equal(v->shape.dims[1], img->width);
      for (int k = 0; k < 3 * img->width * img->height; k++)
        if (abs(want[k] - img->rgb[k]) > 1) fail_msg("%s: byte %d is %d, expected %d", name, k, img->rgb[k], want[k]);
      return;
    }
  fail_msg("no '%s'", name);
}

static void resizing_agrees_with_pillow(void **state) {
  (void)state;
  xai_archive reference = {0};
  xai_err err;
  xai_image *dogs, *small, *part;
  assert_int_equal(xai_archive_read(shared_file("golden/formats/resize_dogs.safetensors"), &reference, &err), XAI_OK);
  dogs = read_image(shared_file("images/dogs.png"), NULL);
  assert_int_equal(xai_image_resize(dogs, 100, 60, &small, &err), XAI_OK);
  assert_near_reference(small, &reference, "to_100x60");
  xai_image_free(small);
  /* the shorter side to 256, then the middle 224x224; the file's metadata: 260x256 */
  assert_int_equal(xai_image_resize(dogs, 260, 256, &small, &err), XAI_OK);
  assert_int_equal(xai_image_crop(small, 18, 16, 224, 224, &part, &err), XAI_OK);
  assert_near_reference(part, &reference, "shorter256_crop224");
  xai_image_free(small);
  xai_image_free(part);
  xai_image_free(dogs);
  xai_archive_free(&reference);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_no_picture_is_named),
      cmocka_unit_test(a_missing_picture_is_not_found),
      cmocka_unit_test(the_extension_does_not_matter),
      cmocka_unit_test(threads_do_not_disturb_each_other),
      cmocka_unit_test(the_kitten_with_alpha_is_read_as_pillow_does),
      cmocka_unit_test(resizing_agrees_with_pillow),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
