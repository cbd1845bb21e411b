/* viz/sheet_layout.h: where everything on a sheet goes, in pixels; painting it is sheet.c's.
 *
 * sheet_layout.c lays out the grid, plot.c the plots, with the lists of sheet_parts.c. */
#ifndef VIZ_SHEET_LAYOUT_H
#define VIZ_SHEET_LAYOUT_H

#include "viz/text.h"
#include "viz/viz.h"

typedef struct xai_rect {
  int x, y, w, h;
} xai_rect;

typedef enum xai_label_kind {
  XAI_LABEL_TITLE, XAI_LABEL_COLUMN, XAI_LABEL_ROW, XAI_LABEL_CAPTION, XAI_LABEL_BEFORE, XAI_LABEL_TICK, XAI_LABEL_UNIT,
  XAI_LABEL_AXIS, XAI_LABEL_LEGEND, XAI_LABEL_BAR, XAI_LABEL_INSIDE /* of a picture */
} xai_label_kind;

typedef struct xai_label {
  xai_label_kind kind;
  double x, y; /* as for xai_text_draw */
  double width;
  xai_text_style style;
  char text[XAI_TEXT_MAX];
} xai_label;

/* The rectangle that a label may leave ink in: left, top, right, bottom. */
void xai_label_box(const xai_label *l, double box[4]);

typedef enum xai_ink_kind { XAI_INK_STROKE, XAI_INK_FILL, XAI_INK_DOT } xai_ink_kind;
/* A line, an area or a point, through n places of the layout's 'points' from 'first' on. */
typedef struct xai_ink {
  xai_ink_kind kind;
  size_t first;
  int n;
  double width; /* of the line; radius of the point */
  uint8_t rgb[3];
  bool closed, dashed;
  bool cased;    /* with a white edge: to be seen on any picture */
  int look;      /* of a point: disc, square, triangle, diamond */
  int clip;      /* the cell whose picture or plot it stays within; -1: none */
} xai_ink;

typedef struct xai_thumb {
  double x, y, w, h;
  double edge; /* of a frame around it */
  uint8_t rgb[3];
  const xai_image *img;
} xai_thumb;

typedef struct xai_sheet_layout {
  int width, height;
  int line;           /* thickness of frames */
  xai_rect *pictures; /* one per cell; w = 0: nothing there */
  xai_rect *plots;    /* one per cell: the area within the axes; w = 0: none */
  xai_rect *bars;     /* one per cell; w = 0: none */
  xai_label *labels;
  size_t n_labels, room_labels;
  xai_ink *inks; /* in the order of painting, after the pictures */
  size_t n_inks, room_inks;
  double *points; /* x, y, ... */
  size_t n_points, room_points;
  xai_thumb *thumbs; /* after the inks */
  size_t n_thumbs, room_thumbs;
} xai_sheet_layout;

/* The pen only measures. *out is to be emptied by xai_sheet_layout_clear, whatever the result. Fails with XAI_EARG on
 * counts and sizes that make no sense or a sheet beyond 16384 pixels a side or 64 million in all, and XAI_ENOMEM. */
xai_status xai_sheet_layout_make(const xai_sheet_cell *cells, int n, const xai_sheet_opts *opts, xai_pen *pen,
                                 xai_sheet_layout *out, xai_err *err);
void xai_sheet_layout_clear(xai_sheet_layout *layout);
/* The same with the pen that xai_sheet_draw measures with (sheet.c). */
xai_status xai_sheet_lay(const xai_sheet_cell *cells, int n, const xai_sheet_opts *opts, xai_sheet_layout *out,
                         xai_err *err);

/* Pixels as squares? Maps and patches are, photographs that are merely small for the sheet are not. */
bool xai_sheet_squares(const xai_sheet_cell *cell, int width);

/* ---- for the files that lay out ------------------------------------------------------------------------------------ */
typedef struct xai_type_sizes {
  double text, number; /* font sizes of names and of numbers */
  double gap;          /* between things that belong together */
  double line;         /* thickness of axes; curves are thicker */
} xai_type_sizes;

typedef struct xai_bench {
  xai_sheet_layout *out; /* NULL: only to measure */
  xai_pen *pen;
  xai_type_sizes type;
  int cell;
} xai_bench;

/* Places a label that is measured here. */
xai_status xai_sheet__label(xai_sheet_layout *out, xai_pen *pen, xai_label_kind kind, double x, double y,
                            xai_text_style style, const char *text, xai_err *err);
/* One line: smaller by up to a quarter, then cut. */
xai_status xai_sheet__fitted(xai_sheet_layout *out, xai_pen *pen, xai_label_kind kind, double x, double y,
                             xai_text_style style, const char *raw, double width, xai_err *err);
/* Adds the ink, whose 'first' and 'n' are set here, through these n places. */
xai_status xai_sheet__ink(xai_sheet_layout *out, xai_ink ink, const double *points, int n, xai_err *err);
xai_status xai_sheet__thumb(xai_sheet_layout *out, xai_thumb thumb, xai_err *err);
/* Names with their colours, from left to right and in lines; *height is what they take. */
xai_status xai_sheet__legend(const xai_bench *b, const xai_legend *entries, int n, bool lines, double x, double y,
                             double width, double *height, xai_err *err);

/* plot.c. What a plot takes at that width; and the plot into the rectangle, its inner area into *area. */
int xai_plot_height(const xai_plot *plot, const xai_type_sizes *type, int width);
xai_status xai_plot_check(const xai_plot *plot, xai_err *err);
xai_status xai_plot_lay(const xai_plot *plot, const xai_bench *b, xai_rect room, xai_rect *area, xai_err *err);

#endif
