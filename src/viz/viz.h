/* viz/viz.h: numbers to pictures. Knows nothing of networks. cairo is used in text.c and sheet.c only. */
#ifndef VIZ_VIZ_H
#define VIZ_VIZ_H

#include "base/buf.h"
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
/* Colours for classes and curves, after eight the same again (Okabe and Ito's, which colour-blind people can tell
 * apart, without their yellow). */
enum { XAI_CLASS_COLOURS = 8 };
void xai_class_colour(int i, uint8_t rgb[3]);

/* ---- scales (normalize.c) ------------------------------------------------------------------------------ */
typedef struct xai_scale {
  double lo, hi;
} xai_scale;
/* For a sequential map 0..max (min..max when values go below 0), for a diverging one -m..m with m = max |v|.
 * quantile < 1 uses that quantile of |v| in place of the maximum (0.99: one per cent is clipped). All-zero
 * values give 0..1 and -1..1. NaN and infinities are left out. lo < hi always. */
xai_scale xai_scale_of(const float *v, int64_t n, bool diverging, double quantile);
/* The same with m the least magnitude such that the values up to it make up this share of the sum of all |v| (captum's
 * rule, which has 0.98). */
xai_scale xai_scale_of_mass(const float *v, int64_t n, bool diverging, double mass);

/* ---- pictures of maps (overlay.c) -------------------------------------------------------------------------- */
/* h x w values as a picture of the same size. */
xai_status xai_heat(const float *v, int h, int w, const xai_cmap *m, xai_scale s, xai_image **out, xai_err *err);
/* (1 - share) * picture + share * heat, resized to the picture's size (bilinear on the values before colouring). */
xai_status xai_overlay(const xai_image *img, const float *v, int h, int w, const xai_cmap *m, xai_scale s, double share,
                       xai_image **out, xai_err *err);
/* C x H x W (C = 1 or 3) signed values as a colour picture, grey where zero: 128 + 127 * v / s.hi.
 * bgr: the channels are in that order. Guided backpropagation is shown like this. */
xai_status xai_signed_picture(const float *v, int c, int h, int w, bool bgr, double most, xai_image **out,
                              xai_err *err);
/* The part of a picture where mask (h x w, resized to its size without smoothing) is not 0; the rest, or that part
 * itself when 'inside', mixed with the colour by 'share'. */
xai_status xai_tint(const xai_image *img, const float *mask, int h, int w, bool inside, const uint8_t rgb[3], double share,
                    xai_image **out, xai_err *err);

/* The rectangle at column x, row y (may be negative) of a picture; what stands over its border is striped in grey. */
xai_status xai_cut(const xai_image *img, int x, int y, int w, int h, xai_image **out, xai_err *err);

/* ---- many small maps or filters as one picture (tiles.c) ------------------------------------------------------ */
typedef struct xai_tiles_opts {
  int columns;          /* 0: about a square, if possible without places that stay empty */
  int gap;              /* pixels between tiles */
  const uint8_t *between; /* their colour; NULL: white */
  const xai_cmap *cmap; /* for c = 1; NULL: grey */
  int alike;            /* so many tiles after one another share a scale; 0: each has its own */
  bool bgr;             /* for c = 3: order of the channels */
  bool cross;           /* out: tiles that have the same value everywhere */
} xai_tiles_opts;
/* n tiles of c x h x w (c = 1 or 3), row by row. One channel is coloured by xai_scale_of; three are stretched so that the
 * least value is black and the largest white, over the tiles that share a scale. *scale is that of all tiles together. */
xai_status xai_tiles(const float *v, int n, int c, int h, int w, const xai_tiles_opts *opts, xai_image **out,
                     xai_scale *scale, xai_err *err);

/* ---- contours (contour.c) --------------------------------------------------------------------------------------- */
/* The lines on which a map (values at the middles of its pixels, linear in between) has the value 'level'. */
typedef struct xai_contour {
  double *points; /* x, y, x, y, ...: line after line; x = 0.5 is the middle of the first column */
  int *ends;      /* per line: where it ends, in points (pairs); a line that is closed has its first point twice */
  int n;
} xai_contour;
xai_status xai_contour_make(const float *v, int h, int w, double level, xai_contour *out, xai_err *err);
void xai_contour_clear(xai_contour *c);

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

/* ---- drawn over a picture ---------------------------------------------------------------------------------------- */
typedef enum xai_mark_kind { XAI_MARK_BOX, XAI_MARK_PATH, XAI_MARK_DOT } xai_mark_kind;
typedef struct xai_mark {
  xai_mark_kind kind;
  const double *points; /* n times x, y in the picture's pixels, 0 at its left and upper edge; a box: two corners */
  int n;
  bool closed, dashed;
  uint8_t rgb[3];
  const char *label; /* of a box, inside its upper edge; NULL: none */
} xai_mark;

/* A name and its colour, below a picture or above a plot. */
typedef struct xai_legend {
  const char *name;
  uint8_t rgb[3];
  int look; /* of a plot's series: shape of the points, dashes of the line */
} xai_legend;

/* ---- plots (plot.c) ------------------------------------------------------------------------------------------------ */
typedef enum xai_plot_kind { XAI_PLOT_CURVES, XAI_PLOT_BARS, XAI_PLOT_SCATTER } xai_plot_kind;
typedef struct xai_series {
  const char *name;    /* in the legend; NULL: not there */
  const double *x, *y; /* n each; bars: y alone */
  const double *error; /* bars: half of the whisker; NULL: none */
  const xai_image *const *thumbs; /* scatter: a picture in place of each point, NULL where it is a point; NULL: none. What
                                     would lie under a later one is a point */
  const char *const *texts;       /* bars: what stands at their ends; NULL: the value */
  int n;
  uint8_t rgb[3];
  int look; /* scatter: disc, square, triangle, diamond; curves: solid, dashed */
} xai_series;
typedef struct xai_plot {
  xai_plot_kind kind;
  const xai_series *series;
  int n_series;
  const char *x_label, *y_label; /* NULL: none */
  const char *const *names;      /* bars: one per group */
  xai_scale x, y;                /* lo < hi: the axis; else from the values */
  double aspect;                 /* height in widths; 0: three quarters, bars as many lines as they have */
  int thumb;                     /* side of the pictures in pixels; 0: a sixteenth of the width */
  bool bare;                     /* scatter: no numbers, a frame in place of axes, and one unit for both directions */
} xai_plot;

/* ---- sheets (sheet.c) ------------------------------------------------------------------------------------------- */
/* A grid of captioned pictures and plots on white, row by row. A picture is as wide as its cell unless it is taller than
 * 1.5 times that. Captions that are too long are broken, made smaller, cut. Bytes that are not UTF-8 show as replacement
 * characters. A column of cells that have 'before' alone is as narrow as that: what stands between the terms of a sum. */
typedef enum xai_smooth { XAI_SMOOTH_AUTO, XAI_SMOOTH_YES, XAI_SMOOTH_NO } xai_smooth;
typedef struct xai_sheet_cell {
  const xai_image *img;  /* borrowed, as all here; NULL: none */
  const xai_plot *plot;  /* in place of a picture */
  const char *before;    /* left of the picture, at half its height: "+ 0.42 x"; NULL: none */
  const char *caption;   /* UTF-8; lines after the first are a size smaller; NULL: none */
  const xai_cmap *cmap;  /* not NULL: a colour bar with numbers beside the picture */
  xai_scale scale;
  const char *unit;      /* beside the bar; NULL: none */
  const float *numbers;  /* one per pixel of the picture, written into its squares; NULL: none */
  const xai_mark *marks;
  int n_marks;
  const xai_legend *legend;
  int n_legend;
  int span;              /* columns that it takes; 0: 1 */
  xai_smooth smooth;     /* pixels as squares or smoothed; AUTO: squares when enlarged 4 times or more, in pictures up to
                            64x64 from 2 times on */
} xai_sheet_cell;

typedef struct xai_sheet_opts {
  const char *title;     /* NULL: none */
  int columns;           /* 0: chosen so that the sheet is about 4:3 */
  int cell;              /* width of a picture in pixels; 0: 448, less when there are more than four columns */
  double gap;            /* between cells, in parts of the default; 0: 1 */
  const char *const *row_titles, *const *col_titles; /* NULL or as many as rows, columns */
  int n_row_titles, n_col_titles;
} xai_sheet_opts;
/* Fails with XAI_EARG when counts do not fit, a scale is empty or the sheet is beyond the limits of xai/image.h. */
xai_status xai_sheet_draw(const xai_sheet_cell *cells, int n, const xai_sheet_opts *opts, xai_image **out,
                          xai_err *err);

/* The same as a page of lines, letters and pictures. */
typedef enum xai_page { XAI_PAGE_SVG, XAI_PAGE_PDF } xai_page;
typedef struct xai_page_info {
  const char *title, *creator, *facts; /* UTF-8; facts: how it was made; NULL: none */
} xai_page_info;
/* Appends the file's bytes; the caller frees 'out' in any case. */
xai_status xai_sheet_page(const xai_sheet_cell *cells, int n, const xai_sheet_opts *opts, xai_page page,
                          const xai_page_info *info, xai_buf *out, xai_err *err);

#endif
