/* kernels/region.c: regions of interest of a map, each brought to a grid of oh x ow cells: by samples between elements
 * (RoiAlign, He et al. 2017) or by the largest element (MaxRoiPool, Girshick 2015).
 * The maximum of RoiAlign is the standard's own: of the four weighted elements around each sample, not of their sum. */
#include <math.h>
#include <string.h>

#include "kernels/private.h"

/* ---- RoiAlign ------------------------------------------------------------------------------------------------- */
/* Regions far larger than any map are sampled no finer than this. */
enum { MOST_SAMPLES = 4096, CORNERS = 4 };

typedef struct box {
  double top, left, bin_h, bin_w; /* of cell 0, 0 */
  int64_t samples_h, samples_w;   /* per cell */
} box;

static int64_t samples_of(const xk_region *p, double bin) {
  if (p->sampling > 0) return p->sampling;
  return bin > 0 ? (int64_t)fmin(ceil(bin), MOST_SAMPLES) : 0;
}

static box box_of(const xk_region *p, const float *roi) {
  double shift = p->half_pixel ? 0.5 : 0;
  box b = {.left = roi[0] * p->scale - shift, .top = roi[1] * p->scale - shift};
  double w = roi[2] * p->scale - shift - b.left, h = roi[3] * p->scale - shift - b.top;
  if (!p->half_pixel) w = fmax(w, 1), h = fmax(h, 1); /* as it once was */
  b.bin_h = h / (double)p->oh;
  b.bin_w = w / (double)p->ow;
  b.samples_h = samples_of(p, b.bin_h);
  b.samples_w = samples_of(p, b.bin_w);
  return b;
}

/* The elements on both sides of u; 'part' is the weight of the second. Beyond one element outside nothing is there. */
static bool neighbours(double u, int64_t n, int64_t *low, int64_t *high, double *part) {
  if (!(u >= -1 && u <= (double)n)) return false;
  u = fmax(u, 0);
  *low = xk__min((int64_t)u, n - 1);
  *high = xk__min(*low + 1, n - 1);
  *part = *low == n - 1 ? 0 : u - (double)*low;
  return true;
}

/* The elements around sample 'i' of a cell and their weights; false outside of the map. */
static bool find_corners(const xk_region *p, const box *b, int64_t cell, int64_t i, int64_t at[CORNERS],
                         double weight[CORNERS]) {
  double y = b->top + b->bin_h * ((double)(cell / p->ow) + ((double)(i / b->samples_w) + 0.5) / (double)b->samples_h);
  double x = b->left + b->bin_w * ((double)(cell % p->ow) + ((double)(i % b->samples_w) + 0.5) / (double)b->samples_w);
  int64_t top, bottom, left, right;
  double down, across;
  if (!neighbours(y, p->h, &top, &bottom, &down) || !neighbours(x, p->w, &left, &right, &across)) return false;
  at[0] = top * p->w + left, weight[0] = (1 - down) * (1 - across);
  at[1] = top * p->w + right, weight[1] = (1 - down) * across;
  at[2] = bottom * p->w + left, weight[2] = down * (1 - across);
  at[3] = bottom * p->w + right, weight[3] = down * across;
  return true;
}

static double mean_of_cell(const xk_region *p, const box *b, int64_t cell, const float *x) {
  int64_t n = b->samples_h * b->samples_w, at[CORNERS];
  double sum = 0, weight[CORNERS];
  for (int64_t i = 0; i < n; i++) {
    bool inside = find_corners(p, b, cell, i, at, weight);
    for (int k = 0; inside && k < CORNERS; k++) sum += weight[k] * x[at[k]];
  }
  return n > 0 ? sum / (double)n : 0;
}

/* The first largest weighted element; *win is where it is and *factor its weight, 0 where samples lie outside. */
static double largest_of_cell(const xk_region *p, const box *b, int64_t cell, const float *x, int64_t *win,
                              double *factor) {
  int64_t n = b->samples_h * b->samples_w, at[CORNERS];
  double best = 0, weight[CORNERS];
  *win = 0, *factor = 0;
  for (int64_t i = 0; i < n; i++) {
    bool inside = find_corners(p, b, cell, i, at, weight);
    for (int k = 0; k < (inside ? CORNERS : 1); k++) {
      double v = inside ? weight[k] * x[at[k]] : 0;
      if (!(v > best) && (i > 0 || k > 0)) continue;
      best = v, *win = inside ? at[k] : 0, *factor = inside ? weight[k] : 0;
    }
  }
  return best;
}

void xk_roi_align_forward(const xk_region *p, const float *x, const float *rois, const int64_t *image, float *y) {
  int64_t cells = p->oh * p->ow;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->count * p->c * cells > XK__CHUNK / 16)
  for (int64_t i = 0; i < p->count * p->c; i++) {
    int64_t region = i / p->c, win;
    const float *plane = x + (image[region] * p->c + i % p->c) * p->h * p->w;
    box b = box_of(p, rois + region * 4);
    double factor;
    for (int64_t cell = 0; cell < cells && !xai_stop_requested(); cell++)
      y[i * cells + cell] = (float)(p->maximum ? largest_of_cell(p, &b, cell, plane, &win, &factor)
                                               : mean_of_cell(p, &b, cell, plane));
  }
}

static void spread_cell(const xk_region *p, const box *b, int64_t cell, const float *x, double dy, float *dx) {
  int64_t n = b->samples_h * b->samples_w, at[CORNERS], win;
  double weight[CORNERS], factor;
  if (p->maximum) {
    largest_of_cell(p, b, cell, x, &win, &factor);
    dx[win] += (float)(dy * factor);
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    bool inside = find_corners(p, b, cell, i, at, weight);
    for (int k = 0; inside && k < CORNERS; k++) dx[at[k]] += (float)(dy * weight[k] / (double)n);
  }
}

void xk_roi_align_backward(const xk_region *p, const float *x, const float *rois, const int64_t *image, const float *dy,
                           float *dx) {
  int64_t cells = p->oh * p->ow, hw = p->h * p->w;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->count * p->c * cells > XK__CHUNK / 16)
  for (int64_t i = 0; i < p->n * p->c; i++) {
    memset(dx + i * hw, 0, (size_t)hw * sizeof *dx);
    for (int64_t region = 0; region < p->count && !xai_stop_requested(); region++) {
      if (image[region] != i / p->c) continue;
      box b = box_of(p, rois + region * 4);
      const float *from = dy + (region * p->c + i % p->c) * cells;
      for (int64_t cell = 0; cell < cells; cell++) spread_cell(p, &b, cell, x + i * hw, from[cell], dx + i * hw);
    }
  }
}

/* ---- MaxRoiPool ----------------------------------------------------------------------------------------------- */
/* Numbers from a network may be anything; an element of the map, or not far from it. */
static double whole(double v) { return fmin(fmax(round(v), -1e9), 1e9); }
static int64_t image_of(const xk_region *p, const float *roi) {
  return (int64_t)fmin(fmax(roi[0], 0), (double)(p->n - 1));
}

/* Along one axis of n elements, cell k of 'cells' of the region that begins at low and ends with high. */
static void cell_range(const xk_region *p, double low, double high, int64_t k, int64_t cells, int64_t n, int64_t *first,
                       int64_t *end) {
  double start = whole(low * p->scale), bin = fmax(whole(high * p->scale) - start + 1, 1) / (double)cells;
  *first = (int64_t)fmin(fmax(start + floor((double)k * bin), 0), (double)n);
  *end = (int64_t)fmin(fmax(start + ceil((double)(k + 1) * bin), 0), (double)n);
}

/* Where the first largest element of a cell is, NaN being larger than numbers; -1 in an empty cell. */
static int64_t winner(const xk_region *p, const float *roi, int64_t cell, const float *x) {
  int64_t top, bottom, left, right, win = -1;
  cell_range(p, roi[2], roi[4], cell / p->ow, p->oh, p->h, &top, &bottom);
  cell_range(p, roi[1], roi[3], cell % p->ow, p->ow, p->w, &left, &right);
  for (int64_t i = top; i < bottom; i++)
    for (int64_t j = left; j < right; j++)
      if (win < 0 || xk__displaces(x[i * p->w + j], x[win])) win = i * p->w + j;
  return win;
}

void xk_roi_max_forward(const xk_region *p, const float *x, const float *rois, float *y) {
  int64_t cells = p->oh * p->ow;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->count * p->c * cells > XK__CHUNK / 16)
  for (int64_t i = 0; i < p->count * p->c; i++) {
    const float *roi = rois + i / p->c * 5, *plane = x + (image_of(p, roi) * p->c + i % p->c) * p->h * p->w;
    for (int64_t cell = 0; cell < cells && !xai_stop_requested(); cell++) {
      int64_t win = winner(p, roi, cell, plane);
      y[i * cells + cell] = win < 0 ? 0 : plane[win];
    }
  }
}

void xk_roi_max_backward(const xk_region *p, const float *x, const float *rois, const float *dy, float *dx) {
  int64_t cells = p->oh * p->ow, hw = p->h * p->w;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->count * p->c * cells > XK__CHUNK / 16)
  for (int64_t i = 0; i < p->n * p->c; i++) {
    memset(dx + i * hw, 0, (size_t)hw * sizeof *dx);
    for (int64_t region = 0; region < p->count && !xai_stop_requested(); region++) {
      const float *roi = rois + region * 5, *from = dy + (region * p->c + i % p->c) * cells;
      for (int64_t cell = 0; cell < cells && image_of(p, roi) == i / p->c; cell++) {
        int64_t win = winner(p, roi, cell, x + i * hw);
        if (win >= 0) dx[i * hw + win] += from[cell];
      }
    }
  }
}
