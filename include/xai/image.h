/* xai/image.h: pictures: 8-bit RGB, row by row, top left first.
 *
 * One limit holds for pictures that are read, made and written: sides of 1 to 16384 and at most 64 million pixels. */
#ifndef XAI_IMAGE_H
#define XAI_IMAGE_H

#include "xai/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { XAI_IMAGE_MAX_SIDE = 16384, XAI_IMAGE_MAX_PIXELS = 64000000 };

typedef struct xai_image {
  int width, height;
  uint8_t *rgb; /* height x width x 3 */
} xai_image;

/* What reading had to decide; to be told to the user once. */
typedef enum xai_image_note { XAI_IMAGE_PLAIN = 0, XAI_IMAGE_ALPHA = 1 /* composited on white */ } xai_image_note;

/* A black picture. Fails with XAI_EARG beyond the limits, or XAI_ENOMEM. */
XAI_API xai_status xai_image_new(int width, int height, xai_image **out, xai_err *err);
XAI_API void xai_image_free(xai_image *img);

/* PNG, JPEG or BMP, told apart by content; grey, palette, RGB or CMYK, with or without alpha (composited on white),
 * 16-bit PNG by its upper byte, a JPEG turned upright as its EXIF orientation says. note may be NULL.
 * Fails with XAI_EFORMAT on damaged or cut files and on pictures beyond the limits, with XAI_EUNSUPPORTED on other
 * formats, which it names. Files of up to 512 MiB; beside a copy of the file and the result, decoding takes at most
 * 6 + 5p bytes a pixel and 8 MiB, where a pixel has p bytes in the format: 21 for RGB, 46 for RGBA of 16 bits. */
XAI_API xai_status xai_image_read(const char *path, xai_image **out, xai_image_note *note, xai_err *err);

/* .png, .jpg or .jpeg (quality 95), .bmp by extension; atomic: the old file stays until the new one is complete. */
XAI_API xai_status xai_image_write(const xai_image *img, const char *path, xai_err *err);

/* Antialiased triangle filter ("bilinear" of Pillow), within one grey level of it. */
XAI_API xai_status xai_image_resize(const xai_image *img, int width, int height, xai_image **out, xai_err *err);

/* The part that starts at column x, row y (0-based); must lie inside the picture. */
XAI_API xai_status xai_image_crop(const xai_image *img, int x, int y, int width, int height, xai_image **out, xai_err *err);

#ifdef __cplusplus
}
#endif
#endif
