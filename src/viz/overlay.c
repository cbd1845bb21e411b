/* viz/overlay.c: maps as pictures, alone or over the picture that they explain.
 *
 * Brightness is never rescaled: the same value under the same scale has the same colour in every picture. */
#include <math.h>

#include "base/alloc.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include "viz/viz.h"

static xai_status check_map(int h, int w, xai_scale s, xai_err *err) {
  if (h < 1 || w < 1) return xai_fail(err, XAI_ESHAPE, "heat: no map (expected at least 1x1, got %dx%d)", h, w);
  if (!(s.lo < s.hi) || !isfinite(s.hi - s.lo))
    return xai_fail(err, XAI_EARG, "heat: scale is empty (expected low < high, got %g and %g)", s.lo, s.hi);
  return XAI_OK;
}

static const uint8_t *colour_of(float v, xai_scale s, uint8_t table[XAI_CMAP_COLOURS + 1][3]) {
  return table[xai_cmap_index((v - s.lo) / (s.hi - s.lo))];
}

xai_status xai_heat(const float *v, int h, int w, const xai_cmap *m, xai_scale s, xai_image **out, xai_err *err) {
  XAI_TRY(check_map(h, w, s, err));
  xai_image *heat;
  XAI_TRY(xai_image_new(w, h, &heat, err));
  uint8_t table[XAI_CMAP_COLOURS + 1][3];
  xai_cmap_table(m, table);
  size_t n = (size_t)h * (size_t)w;
  for (size_t i = 0; i < n; i++) {
    const uint8_t *colour = colour_of(v[i], s, table);
    for (int k = 0; k < 3; k++) heat->rgb[3 * i + k] = colour[k];
  }
  *out = heat;
  return XAI_OK;
}

xai_status xai_overlay(const xai_image *img, const float *v, int h, int w, const xai_cmap *m, xai_scale s, double share,
                       xai_image **out, xai_err *err) {
  XAI_TRY(check_map(h, w, s, err));
  if (!(share >= 0 && share <= 1))
    return xai_fail(err, XAI_EARG, "overlay: share of the map is out of range (expected 0 to 1, got %g)", share);
  xai_status st = XAI_OK;
  xai_image *mixed = NULL;
  size_t n = (size_t)img->width * (size_t)img->height;
  float *fine = xai_alloc(n * sizeof *fine);
  if (fine == NULL) {
    st = xai_fail_memory(err, n * sizeof *fine);
    goto done;
  }
  XAI_GOTO(xai_image_new(img->width, img->height, &mixed, err));
  xk_bilinear(1, h, w, v, img->height, img->width, fine);
  if (xai_stop_requested()) { /* the kernel may have left early */
    st = xai_fail_stop(err);
    goto done;
  }
  uint8_t table[XAI_CMAP_COLOURS + 1][3];
  xai_cmap_table(m, table);
  for (size_t i = 0; i < n; i++) {
    const uint8_t *colour = colour_of(fine[i], s, table);
    for (int k = 0; k < 3; k++)
      mixed->rgb[3 * i + k] = (uint8_t)((1 - share) * img->rgb[3 * i + k] + share * colour[k] + 0.5);
  }
  *out = mixed;
  mixed = NULL;

done:
  xai_image_free(mixed);
  xai_free(fine);
  return st;
}

static uint8_t grey_level(float v, double scale) {
  if (isnan(v)) return 128;
  double part = v / scale;
  return (uint8_t)lround(128 + 127 * (part < -1 ? -1 : part > 1 ? 1 : part));
}

xai_status xai_signed_picture(const float *v, int c, int h, int w, bool bgr, double most, xai_image **out,
                              xai_err *err) {
  if ((c != 1 && c != 3) || h < 1 || w < 1)
    return xai_fail(err, XAI_ESHAPE, "picture of signed values: expected 1 or 3 channels, got %dx%dx%d", c, h, w);
  if (!(most > 0 && isfinite(most)))
    return xai_fail(err, XAI_EARG, "picture of signed values: scale is empty (expected more than 0, got %g)", most);
  xai_image *picture;
  XAI_TRY(xai_image_new(w, h, &picture, err));
  size_t plane = (size_t)h * (size_t)w;
  for (int k = 0; k < 3; k++) {
    const float *channel = v + (c == 1 ? 0 : (size_t)(bgr ? 2 - k : k)) * plane;
    for (size_t i = 0; i < plane; i++) picture->rgb[3 * i + (size_t)k] = grey_level(channel[i], most);
  }
  *out = picture;
  return XAI_OK;
}

xai_status xai_tint(const xai_image *img, const float *mask, int h, int w, bool inside, const uint8_t rgb[3], double share,
                    xai_image **out, xai_err *err) {
  if (h < 1 || w < 1) return xai_fail(err, XAI_ESHAPE, "mask: expected at least 1x1, got %dx%d", h, w);
  if (!(share >= 0 && share <= 1))
    return xai_fail(err, XAI_EARG, "mask: share of the colour is out of range (expected 0 to 1, got %g)", share);
  XAI_TRY(xai_image_new(img->width, img->height, out, err));
  for (int y = 0; y < img->height; y++)
    for (int x = 0; x < img->width; x++) {
      int64_t my = (int64_t)y * h / img->height, mx = (int64_t)x * w / img->width;
      double part = (mask[my * w + mx] != 0) == inside ? share : 0;
      size_t at = ((size_t)y * (size_t)img->width + (size_t)x) * 3;
      for (size_t k = 0; k < 3; k++)
        (*out)->rgb[at + k] = (uint8_t)((1 - part) * img->rgb[at + k] + part * rgb[k] + 0.5);
    }
  return XAI_OK;
}
