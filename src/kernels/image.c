/* kernels/image.c: the picture as a container: make, free, cut, resize.
 *
 * Here and not among the formats because the network floor and the drawing floor need pictures too.
 * Files are read and written in formats/image_read.c and formats/image_write.c. */
#include <string.h>

#include "base/alloc.h"
#include "kernels/kernels.h"
#include "xai/image.h"

static size_t row_bytes(int width) { return (size_t)width * 3; }

/* A picture whose pixels are uninitialised. */
static xai_status image_raw(int width, int height, xai_image **out, xai_err *err) {
  if (width < 1 || height < 1 || width > XAI_IMAGE_MAX_SIDE || height > XAI_IMAGE_MAX_SIDE ||
      (int64_t)width * height > XAI_IMAGE_MAX_PIXELS)
    return xai_fail(err, XAI_EARG, "no picture can be %dx%d (expected sides of 1 to %d and at most %d million pixels)",
                    width, height, XAI_IMAGE_MAX_SIDE, XAI_IMAGE_MAX_PIXELS / 1000000);
  size_t bytes = row_bytes(width) * (size_t)height;
  xai_image *img = xai_alloc(sizeof *img);
  uint8_t *rgb = xai_alloc(bytes);
  if (img == NULL || rgb == NULL) {
    xai_free(img);
    xai_free(rgb);
    return xai_fail_memory(err, bytes);
  }
  *img = (xai_image){.width = width, .height = height, .rgb = rgb};
  *out = img;
  return XAI_OK;
}

xai_status xai_image_new(int width, int height, xai_image **out, xai_err *err) {
  XAI_TRY(image_raw(width, height, out, err));
  memset((*out)->rgb, 0, row_bytes(width) * (size_t)height);
  return XAI_OK;
}

void xai_image_free(xai_image *img) {
  if (img == NULL) return;
  xai_free(img->rgb);
  xai_free(img);
}

xai_status xai_image_resize(const xai_image *img, int width, int height, xai_image **out, xai_err *err) {
  xai_image *small = NULL;
  XAI_TRY(image_raw(width, height, &small, err));
  size_t bytes = xk_resize_u8_workspace(3, img->width, img->height, width, height);
  void *work = xai_alloc(bytes);
  if (work == NULL) {
    xai_image_free(small);
    return xai_fail_memory(err, bytes);
  }
  xk_resize_u8(3, img->width, img->height, img->rgb, width, height, small->rgb, work);
  xai_free(work);
  if (xai_stop_requested()) { /* the kernel may have left early */
    xai_image_free(small);
    return xai_fail_stop(err);
  }
  *out = small;
  return XAI_OK;
}

xai_status xai_image_crop(const xai_image *img, int x, int y, int width, int height, xai_image **out, xai_err *err) {
  /* compared by subtraction: x + width may overflow */
  if (x < 0 || y < 0 || width < 1 || height < 1 || x > img->width - width || y > img->height - height)
    return xai_fail(err, XAI_EARG, "the part of %dx%d pixels at (%d,%d) does not lie inside the %dx%d picture", width,
                    height, x, y, img->width, img->height);
  xai_image *part;
  XAI_TRY(image_raw(width, height, &part, err));
  for (int row = 0; row < height; row++)
    memcpy(part->rgb + row_bytes(width) * (size_t)row,
           img->rgb + row_bytes(img->width) * (size_t)(y + row) + row_bytes(x), row_bytes(width));
  *out = part;
  return XAI_OK;
}
