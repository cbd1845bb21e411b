/* formats/image_parts.h: the stages of reading and writing a picture.
 *
 *   file --image_png.c, image_jpeg.c, image_bmp.c--> clean copy --image_stb.c--> pixels --image_read.c--> xai_image
 *
 * The decoder (stb_image, Debian's 2.27 without later fixes) makes no promise for hostile bytes. So it never sees the
 * user's file: each format has a small reader that walks the file's structure, refuses what is damaged, cut off or
 * not supported, and copies only the parts that the pixels need, in their plainest form. */
#ifndef FORMATS_IMAGE_PARTS_H
#define FORMATS_IMAGE_PARTS_H

#include "base/buf.h"
#include "formats/formats.h"

typedef struct xai_image_facts {
  int width, height;
  int pixel_bytes; /* of one pixel before decoding, at least 1 */
  int orientation; /* EXIF's 1 to 8; 1 is upright */
} xai_image_facts;

/* Fill facts and append the clean copy. The caller frees 'clean' in any case and looks at clean->failed. */
xai_status xai_image__clean_png(xai_cursor file, xai_buf *clean, xai_image_facts *facts, xai_err *err);
xai_status xai_image__clean_jpeg(xai_cursor file, xai_buf *clean, xai_image_facts *facts, xai_err *err);
xai_status xai_image__clean_bmp(xai_cursor file, xai_buf *clean, xai_image_facts *facts, xai_err *err);

/* Checks the sides a file claims against the limits of xai/image.h, then notes them. */
xai_status xai_image__set_size(int64_t width, int64_t height, xai_image_facts *facts, xai_err *err);

/* What the decoder made: height x width x channels (grey, grey + alpha, RGB, RGBA). */
typedef struct xai_pixels {
  unsigned char *data;
  int channels;
  void *block; /* whose memory it is */
} xai_pixels;
xai_status xai_image__decode(const xai_buf *clean, const xai_image_facts *facts, xai_pixels *out, xai_err *err);
void xai_image__free_pixels(xai_pixels *p);

typedef enum xai_image_kind { XAI_IMAGE_PNG, XAI_IMAGE_JPEG, XAI_IMAGE_BMP } xai_image_kind;
/* Appends the encoded file; XAI_ENOMEM is the one way to fail. The caller frees 'out' in any case. */
xai_status xai_image__encode(const xai_image *img, xai_image_kind kind, xai_buf *out, xai_err *err);
/* Appends the PNG file with text chunks; fails with XAI_EARG for a key that PNG does not take. */
xai_status xai_image__note_png(const xai_buf *file, const xai_pair *notes, size_t n, xai_buf *out, xai_err *err);

#endif
