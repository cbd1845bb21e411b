/* viz/cut.c: a rectangle of a picture that may stand over its border. Beyond it there is nothing to see, and that must not
 * look like a part of the picture: it is striped. */
#include <string.h>

#include "base/status.h"
#include "viz/viz.h"

/* Slanting stripes of two pixels, light and dark grey. */
static void stripe(uint8_t *rgb, int x, int y) { memset(rgb, (x + y) % 4 < 2 ? 214 : 168, 3); }

xai_status xai_cut(const xai_image *img, int x, int y, int w, int h, xai_image **out, xai_err *err) {
  xai_image *cut = NULL;
  XAI_TRY(xai_image_new(w, h, &cut, err));
  for (int r = 0; r < h; r++)
    for (int c = 0; c < w; c++) {
      int64_t from_x = (int64_t)x + c, from_y = (int64_t)y + r;
      uint8_t *to = cut->rgb + ((size_t)r * (size_t)w + (size_t)c) * 3;
      if (from_x < 0 || from_y < 0 || from_x >= img->width || from_y >= img->height) stripe(to, c, r);
      else memcpy(to, img->rgb + ((size_t)from_y * (size_t)img->width + (size_t)from_x) * 3, 3);
    }
  *out = cut;
  return XAI_OK;
}
