/* formats/image_write.c: a picture into a file whose extension says the format. Encoded in memory first, so that the
 * old file stays until the new one is whole. */
#include <string.h>

#include "base/str.h"
#include "formats/image_parts.h"

static xai_status encode(const xai_image *img, xai_image_kind kind, const xai_pair *notes, size_t n, xai_buf *out,
                         xai_err *err) {
  if (n == 0 || kind != XAI_IMAGE_PNG) return xai_image__encode(img, kind, out, err);
  xai_buf plain = {0};
  xai_status st = xai_image__encode(img, kind, &plain, err);
  if (st == XAI_OK) st = xai_image__note_png(&plain, notes, n, out, err);
  xai_buf_free(&plain);
  return st;
}

xai_status xai_image_write_noted(const xai_image *img, const char *path, const xai_pair *notes, size_t n, xai_err *err) {
  static const struct {
    const char *extension;
    xai_image_kind kind;
  } kinds[] = {{".png", XAI_IMAGE_PNG}, {".jpg", XAI_IMAGE_JPEG}, {".jpeg", XAI_IMAGE_JPEG}, {".bmp", XAI_IMAGE_BMP}};
  const char *dot = strrchr(path, '.');
  for (size_t i = 0; dot != NULL && i < sizeof kinds / sizeof *kinds; i++) {
    if (!xai_str_equal_nocase(dot, kinds[i].extension)) continue;
    xai_buf bytes = {0};
    xai_status st = xai_err_prefix(err, encode(img, kinds[i].kind, notes, n, &bytes, err), "%s: ", path);
    if (st == XAI_OK) st = xai_file_write(path, bytes.data, bytes.size, err);
    xai_buf_free(&bytes);
    return st;
  }
  return xai_fail(err, XAI_EARG, "%s: unknown extension (expected .png, .jpg, .jpeg or .bmp)", path);
}

xai_status xai_image_write(const xai_image *img, const char *path, xai_err *err) {
  return xai_image_write_noted(img, path, NULL, 0, err);
}
