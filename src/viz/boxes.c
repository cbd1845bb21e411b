/* viz/boxes.c: boxes around the bright regions of a map, and drawing them.
 *
 * Zhou et al. 2016, section 3.2: keep what is above 20 % of the maximum, take the box around the largest connected
 * region. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include "viz/viz.h"

typedef struct region {
  int left, top, right, bottom; /* inclusive */
  int64_t area, first;          /* pixels; the first of them in row-major order */
  float best;
} region;

/* Adds a pixel to its region. */
static void extend(region *r, float value, int x, int y) {
  r->area++;
  if (value > r->best) r->best = value;
  if (x < r->left) r->left = x;
  if (x > r->right) r->right = x;
  if (y > r->bottom) r->bottom = y; /* rows come in order */
}

static int by_area(const void *pa, const void *pb) {
  const region *a = pa, *b = pb;
  if (a->area != b->area) return a->area > b->area ? -1 : 1;
  return (a->first > b->first) - (a->first < b->first);
}

xai_status xai_boxes(const float *v, int h, int w, double threshold, int room, xai_box *out, int *n, xai_err *err) {
  if (h < 1 || w < 1) return xai_fail(err, XAI_ESHAPE, "boxes: no map (expected at least 1x1, got %dx%d)", h, w);
  if (!(threshold >= 0 && threshold <= 1))
    return xai_fail(err, XAI_EARG, "boxes: threshold is a part of the maximum (expected 0 to 1, got %g)", threshold);
  int64_t size = (int64_t)h * w;
  float max = 0;
  for (int64_t i = 0; i < size; i++)
    if (isfinite(v[i]) && v[i] > max) max = v[i];

  xai_status st = XAI_OK;
  /* Regions do not touch, so no 2 x 2 block has pixels of two of them. */
  size_t most = ((size_t)h + 1) / 2 * (((size_t)w + 1) / 2);
  size_t pixels = (size_t)size;
  uint8_t *marked = xai_alloc(pixels * sizeof *marked);
  int32_t *label = xai_alloc(pixels * sizeof *label);
  void *work = xai_alloc(xk_regions_workspace(h, w));
  region *regions = xai_alloc(most * sizeof *regions);
  if (marked == NULL || label == NULL || work == NULL || regions == NULL) {
    st = xai_fail_memory(err, pixels * (sizeof *marked + sizeof *label) + xk_regions_workspace(h, w) + most * sizeof *regions);
    goto done;
  }
  for (int64_t i = 0; i < size; i++) marked[i] = max > 0 && isfinite(v[i]) && v[i] > threshold * max;
  int found = (int)xk_regions(h, w, marked, label, work), seen = 0;
  for (int64_t i = 0; i < size; i++) {
    int x = (int)(i % w), y = (int)(i / w);
    if (label[i] > seen) regions[seen++] = (region){.left = x, .top = y, .right = x, .bottom = y, .first = i, .best = v[i]};
    if (label[i] > 0) extend(&regions[label[i] - 1], v[i], x, y);
  }
  qsort(regions, (size_t)found, sizeof *regions, by_area);
  for (int i = 0; i < found && i < room; i++) {
    const region *r = &regions[i];
    out[i] = (xai_box){r->left, r->top, r->right - r->left + 1, r->bottom - r->top + 1, r->best};
  }
  *n = found;

done:
  xai_free(marked);
  xai_free(label);
  xai_free(work);
  xai_free(regions);
  return st;
}

/* Fills the part of columns x0..x1-1, rows y0..y1-1 that lies inside the picture. */
static void fill(xai_image *img, int64_t x0, int64_t y0, int64_t x1, int64_t y1, const uint8_t rgb[3]) {
  if (x0 < 0) x0 = 0;
  if (y0 < 0) y0 = 0;
  if (x1 > img->width) x1 = img->width;
  if (y1 > img->height) y1 = img->height;
  for (int64_t y = y0; y < y1; y++)
    for (int64_t x = x0; x < x1; x++) memcpy(img->rgb + (y * img->width + x) * 3, rgb, 3);
}

void xai_draw_box(xai_image *img, const xai_box *box, int thick, const uint8_t rgb[3]) {
  if (thick < 1 || box->w < 1 || box->h < 1) return;
  int64_t x0 = box->x, y0 = box->y, x1 = x0 + box->w, y1 = y0 + box->h;
  int64_t tx = thick < box->w ? thick : box->w, ty = thick < box->h ? thick : box->h;
  fill(img, x0, y0, x1, y0 + ty, rgb);
  fill(img, x0, y1 - ty, x1, y1, rgb);
  fill(img, x0, y0, x0 + tx, y1, rgb);
  fill(img, x1 - tx, y0, x1, y1, rgb);
}
