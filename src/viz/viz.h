/* viz/viz.h: numbers to pictures. Knows nothing of networks. cairo is used in text.c and sheet.c only. */
#ifndef VIZ_VIZ_H
#define VIZ_VIZ_H

#include "tensor/tensor.h"
#include "xai/image.h"

/* ---- colour maps (colormap.c) ------------------------------------------------------------------------ */
typedef struct xai_cmap xai_cmap;
/* Sequential: "inferno" (default for values >= 0), "viridis", "grey", "jet" (the slides have it).
 * Diverging, white at zero: "diverging" (default for signed values: blue - white - red), both ends equally dark.
 * Fails with XAI_ENOTFOUND, listing the names. */
xai_status xai_cmap_find(const char *name, const xai_cmap **out, xai_err *err);
const char *xai_cmap_name(const xai_cmap *m);
bool xai_cmap_diverging(const xai_cmap *m);
void xai_cmap_rgb(const xai_cmap *m, double t /* 0..1, clipped; NaN: mid grey */, uint8_t rgb[3]);
/* A map has 257 colours, the middle one at exactly 0.5. For whole pictures: all of them, and the grey for NaN as the
 * last; the row of t is xai_cmap_index(t). */
enum { XAI_CMAP_COLOURS = 257 };
int xai_cmap_index(double t);
void xai_cmap_table(const xai_cmap *m, uint8_t rgb[XAI_CMAP_COLOURS + 1][3]);

/* ---- scales (normalize.c) ------------------------------------------------------------------------------ */
typedef struct xai_scale {
  double lo, hi;
} xai_scale;
/* For a sequential map 0..max (min..max when values go below 0), for a diverging one -m..m with m = max |v|.
 * quantile < 1 uses that quantile of |v| in place of the maximum (0.99: one per cent is clipped). All-zero
 * values give 0..1 and -1..1. NaN and infinities are left out. lo < hi always. */
xai_scale xai_scale_of(const float *v, int64_t n, bool diverging, double quantile);

/* ---- pictures of maps (overlay.c) -------------------------------------------------------------------------- */
/* h x w values as a picture of the same size. */
xai_status xai_heat(const float *v, int h, int w, const xai_cmap *m, xai_scale s, xai_image **out, xai_err *err);
/* (1 - share) * picture + share * heat, resized to the picture's size (bilinear on the values before colouring). */
xai_status xai_overlay(const xai_image *img, const float *v, int h, int w, const xai_cmap *m, xai_scale s, double share,
                       xai_image **out, xai_err *err);
/* C x H x W (C = 1 or 3) signed values as a colour picture, grey where zero: 128 + 127 * v / s, s from quantile of |v|.
 * bgr: the channels are in that order. Guided backpropagation is shown like this. */
xai_status xai_signed_picture(const float *v, int c, int h, int w, bool bgr, double quantile, xai_image **out,
                              xai_err *err);

/* ---- boxes (boxes.c) ------------------------------------------------------------------------------------------ */
typedef struct xai_box {
  int x, y, w, h;    /* pixels; 0-based top left */
  double score;      /* largest value inside the region */
} xai_box;
/* Connected regions (8 neighbours) of v > threshold * max(v), threshold 0 to 1, largest area first; at most 'room' are
 * written. *n is how many there are; none when max(v) <= 0. NaN and infinities belong to none. Zhou et al. 2016,
 * section 3.2. */
xai_status xai_boxes(const float *v, int h, int w, double threshold, int room, xai_box *out, int *n, xai_err *err);
/* Rectangle outline of 'thick' pixels, clipped to the picture. */
void xai_draw_box(xai_image *img, const xai_box *box, int thick, const uint8_t rgb[3]);

/* ---- sheets (sheet.c) ------------------------------------------------------------------------------------------- */
/* A grid of captioned pictures on white, row by row. A picture is 'cell' wide unless it is taller than 1.5 times that.
 * Captions that are too long are broken, made smaller, cut. Bytes that are not UTF-8 show as replacement characters. */
typedef struct xai_sheet_cell {
  const xai_image *img;  /* borrowed; NULL: empty cell */
  const char *caption;   /* UTF-8, may hold one newline; NULL: none */
  const xai_cmap *cmap;  /* not NULL: a colour bar with numbers beside the picture */
  xai_scale scale;
  const char *unit;      /* below the bar; NULL: none */
} xai_sheet_cell;

typedef struct xai_sheet_opts {
  const char *title;     /* NULL: none */
  int columns;           /* 0: chosen so that the sheet is about 4:3 */
  int cell;              /* width of a picture in pixels; 0: 320. Pixels become squares when enlarged 4 times or more,
                            in pictures up to 64x64 from 2 times on; otherwise they are resampled smoothly */
  const char *const *row_titles, *const *col_titles; /* NULL or as many as rows, columns */
  int n_row_titles, n_col_titles;
} xai_sheet_opts;
/* Fails with XAI_EARG when counts do not fit, a scale is empty or the sheet is beyond the limits of xai/image.h. */
xai_status xai_sheet_draw(const xai_sheet_cell *cells, int n, const xai_sheet_opts *opts, xai_image **out,
                          xai_err *err);

#endif
