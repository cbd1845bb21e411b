/* tests/c/formats/picture.h: pictures to test with. */
#ifndef TESTS_PICTURE_H
#define TESTS_PICTURE_H

#include "scratch.h"

#include "xai/image.h"

/* A smooth picture in which every pixel is different. */
SCRATCH xai_image *gradient(int width, int height) {
  xai_image *img;
  xai_err err;
  assert_int_equal(xai_image_new(width, height, &img, &err), XAI_OK);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      uint8_t *p = img->rgb + 3 * (y * width + x);
      p[0] = (uint8_t)(40 + 160 * x / width);
      p[1] = (uint8_t)(220 - 150 * y / height);
      p[2] = (uint8_t)(60 + 50 * x / width + 60 * y / height);
    }
  return img;
}

SCRATCH const uint8_t *pixel(const xai_image *img, int x, int y) { return img->rgb + 3 * (y * img->width + x); }

SCRATCH void assert_pixel(const xai_image *img, int x, int y, int r, int g, int b) {
  const uint8_t *p = pixel(img, x, y);
  if (p[0] != r || p[1] != g || p[2] != b)
    fail_msg("pixel (%d,%d) is %d %d %d, expected %d %d %d", x, y, p[0], p[1], p[2], r, g, b);
}

SCRATCH int largest_difference(const xai_image *a, const xai_image *b) {
  int worst = 0;
  assert_int_equal(a->width, b->width);
  assert_int_equal(a->height, b->height);
  for (int i = 0; i < 3 * a->width * a->height; i++)
    if (abs(a->rgb[i] - b->rgb[i]) > worst) worst = abs(a->rgb[i] - b->rgb[i]);
  return worst;
}

/* Reading as an attempt. */
SCRATCH xai_status read_and_free(const char *path, xai_err *err) {
  xai_image *img = NULL;
  xai_image_note note = (xai_image_note)77;
  xai_status st = xai_image_read(path, &img, &note, err);
  if (st != XAI_OK) {
    assert_null(img);
    assert_int_equal(note, 77);
  }
  xai_image_free(img);
  return st;
}

SCRATCH xai_image *read_image(const char *path, xai_image_note *note) {
  xai_image *img = NULL;
  xai_err err;
  if (xai_image_read(path, &img, note, &err) != XAI_OK) fail_msg("%s", err.text);
  return img;
}

/* The bytes are no picture; the message holds 'text'. */
SCRATCH void expect_refusal(const void *bytes, size_t n, const char *name, xai_status want, const char *text) {
  xai_err err = {""};
  put_file(scratch(name), bytes, n);
  xai_status st = read_and_free(scratch(name), &err);
  if (st != want || strstr(err.text, text) == NULL) fail_msg("status %d, '%s', expected '%s'", (int)st, err.text, text);
}

#endif
