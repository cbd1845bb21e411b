/* viz/tiles.c: filters and activations, each a small picture, side by side in one.
 *
 * Values are not smoothed and not enlarged: one pixel per number. A sheet enlarges them to squares. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "viz/viz.h"

/* Three channels are no heat: what is drawn is the filter itself, from its least value to its largest. */
static xai_scale stretch(const float *v, int64_t n) {
  double lo = INFINITY, hi = -INFINITY;
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(v[i])) continue;
    lo = fmin(lo, v[i]);
    hi = fmax(hi, v[i]);
  }
  return lo < hi ? (xai_scale){lo, hi} : (xai_scale){isfinite(lo) ? lo - 1 : -1, isfinite(lo) ? lo + 1 : 1};
}

static xai_scale scale_of(const float *v, int64_t n, int c, const xai_cmap *m) {
  return c == 3 ? stretch(v, n) : xai_scale_of(v, n, xai_cmap_diverging(m), 1);
}

static void paint(const float *v, int c, int h, int w, const xai_tiles_opts *o, xai_scale s,
                  uint8_t table[XAI_CMAP_COLOURS + 1][3], uint8_t *to, size_t stride) {
  size_t plane = (size_t)h * (size_t)w;
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++) {
      size_t i = (size_t)y * (size_t)w + (size_t)x;
      uint8_t *p = to + (size_t)y * stride + 3 * (size_t)x;
      if (c == 1) memcpy(p, table[xai_cmap_index((v[i] - s.lo) / (s.hi - s.lo))], 3);
      for (size_t k = 0; c == 3 && k < 3; k++) {
        double part = (v[(o->bgr ? 2 - k : k) * plane + i] - s.lo) / (s.hi - s.lo);
        p[k] = isnan(part) ? 128 : (uint8_t)lround(255 * fmin(1, fmax(0, part)));
      }
    }
}

/* As near to a square as can be, or up to half as many again when no place stays empty then. */
static int choose_columns(int n, double aspect) {
  int least = (int)ceil(sqrt(n * aspect));
  for (int columns = least; columns <= 1.5 * least; columns++)
    if (n % columns == 0) return columns;
  return least;
}

static bool is_flat(const float *v, int64_t n) {
  for (int64_t i = 1; i < n; i++)
    if (v[i] != v[0]) return false;
  return true;
}

/* Both diagonals, in a colour that no grey is. */
static void cross_out(int h, int w, uint8_t *to, size_t stride) {
  static const uint8_t orange[] = {230, 159, 0};
  int longer = h > w ? h : w;
  for (int i = 0; i < longer; i++) {
    int y = i * h / longer, x = i * w / longer;
    memcpy(to + (size_t)y * stride + 3 * (size_t)x, orange, 3);
    memcpy(to + (size_t)y * stride + 3 * (size_t)(w - 1 - x), orange, 3);
  }
}

xai_status xai_tiles(const float *v, int n, int c, int h, int w, const xai_tiles_opts *opts, xai_image **out,
                     xai_scale *scale, xai_err *err) {
  if (n < 1 || h < 1 || w < 1 || (c != 1 && c != 3))
    return xai_fail(err, XAI_ESHAPE, "tiles: expected N maps of 1 or 3 channels, got %dx%dx%dx%d", n, c, h, w);
  xai_tiles_opts o = *opts;
  if (o.gap < 0 || o.columns < 0 || o.alike < 0)
    return xai_fail(err, XAI_EARG, "tiles: columns, gap and alike must not be negative");
  if (o.cmap == NULL) XAI_TRY(xai_cmap_find("grey", &o.cmap, err));
  if (o.columns == 0) o.columns = choose_columns(n, (double)(h + o.gap) / (w + o.gap));
  if (o.columns > n) o.columns = n;
  if (o.alike == 0) o.alike = 1;
  int64_t rows = (n - 1) / o.columns + 1, width = (int64_t)o.columns * (w + o.gap) - o.gap, height = rows * (h + o.gap) - o.gap;
  if (width > XAI_IMAGE_MAX_SIDE || height > XAI_IMAGE_MAX_SIDE)
    return xai_fail(err, XAI_EARG, "tiles: %lldx%lld pixels are too many (expected at most %d a side)", (long long)width,
                    (long long)height, XAI_IMAGE_MAX_SIDE);
  xai_image *sheet;
  XAI_TRY(xai_image_new((int)width, (int)height, &sheet, err));
  memset(sheet->rgb, 255, (size_t)width * (size_t)height * 3);
  for (int64_t i = 0; o.between != NULL && i < width * height; i++) memcpy(sheet->rgb + 3 * i, o.between, 3);
  uint8_t table[XAI_CMAP_COLOURS + 1][3];
  xai_cmap_table(o.cmap, table);
  int64_t size = (int64_t)c * h * w;
  xai_scale all = scale_of(v, size * n, c, o.cmap), own = all;
  for (int i = 0; i < n; i++) {
    const float *tile = v + i * size;
    size_t x = (size_t)(i % o.columns) * (size_t)(w + o.gap), y = (size_t)(i / o.columns) * (size_t)(h + o.gap);
    uint8_t *to = sheet->rgb + (y * (size_t)width + x) * 3;
    if (i % o.alike == 0) own = scale_of(tile, size * (n - i < o.alike ? n - i : o.alike), c, o.cmap);
    paint(tile, c, h, w, &o, own, table, to, (size_t)width * 3);
    if (o.cross && is_flat(tile, size)) cross_out(h, w, to, (size_t)width * 3);
  }
  *scale = all;
  *out = sheet;
  return XAI_OK;
}
