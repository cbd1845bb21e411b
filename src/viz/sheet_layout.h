/* viz/sheet_layout.h: where everything on a sheet goes, in pixels; painting it is sheet.c's. */
#ifndef VIZ_SHEET_LAYOUT_H
#define VIZ_SHEET_LAYOUT_H

#include "viz/text.h"
#include "viz/viz.h"

typedef struct xai_rect {
  int x, y, w, h;
} xai_rect;

typedef struct xai_label {
  double x, y; /* as for xai_text_draw */
  xai_text_style style;
  char text[XAI_TEXT_MAX];
} xai_label;

typedef struct xai_tick {
  double x, y, length; /* a horizontal line from (x, y) to the right */
} xai_tick;

typedef struct xai_sheet_layout {
  int width, height;
  int line;           /* thickness of frames and ticks */
  xai_rect *pictures; /* one per cell; w = 0: nothing there */
  xai_rect *bars;     /* one per cell; w = 0: none */
  xai_label *labels;
  size_t n_labels, room_labels;
  xai_tick *ticks;
  size_t n_ticks, room_ticks;
} xai_sheet_layout;

/* The pen only measures. *out is to be emptied by xai_sheet_layout_clear, whatever the result. Fails with XAI_EARG on
 * counts and sizes that make no sense or a sheet beyond 16384 pixels a side or 64 million in all, and XAI_ENOMEM. */
xai_status xai_sheet_layout_make(const xai_sheet_cell *cells, int n, const xai_sheet_opts *opts, xai_pen *pen,
                                 xai_sheet_layout *out, xai_err *err);
void xai_sheet_layout_clear(xai_sheet_layout *layout);

#endif
