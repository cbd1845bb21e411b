/* viz/sheet_layout.c: the geometry of a sheet.
 *
 *     title                                     every column: a picture's width, room on the left for what stands
 *              column title    column title     before its pictures, room on the right for colour bars; so pictures
 *     row      +----------+    +----------+ #   line up
 *     title    | picture  | +  | picture  | #   every row: the height of its tallest picture, and room for the longest
 *              +----------+    +----------+ #   of its captions and legends
 *                caption         caption
 *
 * Pictures of one row stand on one line, their captions right below. All lengths are parts of the picture's width, so a
 * sheet looks the same at any size; letters grow with the number of columns and rows, so that they can be read when the
 * whole sheet fills a wall. */
#include "viz/sheet_layout.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "viz/ticks.h"

enum { CELL_DEFAULT = 448, SHEET_DEFAULT = 4 * CELL_DEFAULT, CELL_LEAST = 64, CELL_MIN = 8, CELL_MAX = 4096 };

static const double tallest = 1.5; /* picture's height in widths; a taller one is made narrower */
static const double shrink = 0.75; /* text that is too wide gets this much smaller before it is cut, */
static const double squeeze = 0.9; /* or this much before it is broken */
static const double snug = 0.998;  /* a hair less than what fits, for widths do not grow quite in proportion to sizes */
static const double line_pitch = 1.3;
static const double faint = 0.25; /* grey of second lines and numbers */

/* Lengths that follow from the width of a picture and the number of them. */
typedef struct measures {
  int cell, gap, margin;
  double caption, second, number, heading, symbol;   /* font sizes */
  int bar_gap, bar_width, bar_least, tick, tick_gap; /* a bar's least height leaves its numbers apart */
  int line;
  double stroke; /* thickness of what is drawn over pictures */
} measures;

/* Where a cell is in the grid. */
typedef struct spot {
  int row, column, span;
} spot;

typedef struct lane {
  int64_t left, before, wide, bar; /* of the pictures; room on both sides */
} lane;

typedef struct band {
  int64_t top, tall, legend; /* pictures; room for legends */
  int lines;                 /* of captions */
} band;

typedef struct grid {
  const xai_sheet_cell *cells;
  const xai_sheet_opts *opts;
  int n, columns, rows;
  measures m;
  xai_pen *pen;
  double fit;       /* common factor of all captions' sizes */
  int heading_lines; /* of column titles */
  spot *spots;
  lane *lanes;
  band *bands;
} grid;

static int at_least(int least, double v) { return v > least ? (int)lround(v) : least; }

/* Letters are about a sixtieth of the sheet's width, so that they can be read from the last row of the hall, whether the
 * sheet has one column or six; beyond that there is no room for words below the pictures. */
static measures measures_of(int cell, int columns, int rows, double gap) {
  measures m = {.cell = cell};
  double share = fmin(0.095, fmax(0.045, 0.016 * fmax(columns, rows * 4.0 / 3)));
  m.gap = at_least(gap < 1 ? 1 : 4, 0.06 * cell * gap);
  m.margin = at_least(8, 0.07 * cell);
  m.caption = fmax(9, share * cell);
  m.second = fmax(8, 0.84 * m.caption);
  m.number = fmax(8, 0.8 * m.caption);
  m.heading = fmax(10, 1.08 * m.caption);
  m.symbol = 1.3 * m.caption;
  m.bar_gap = at_least(3, 0.03 * cell);
  m.bar_width = at_least(4, 0.045 * cell);
  m.bar_least = at_least(1, 1.2 * XAI_TICKS * m.number);
  m.tick = at_least(2, 0.012 * cell);
  m.tick_gap = at_least(2, 0.012 * cell);
  m.line = at_least(1, cell / 320.0);
  m.stroke = fmax(1.5, 0.0085 * cell);
  return m;
}

static xai_type_sizes type_of(const measures *m) {
  return (xai_type_sizes){.text = m->second, .number = m->number, .gap = 0.5 * m->number, .line = m->line};
}

bool xai_sheet_squares(const xai_sheet_cell *cell, int width) {
  const xai_image *img = cell->img;
  if (cell->smooth != XAI_SMOOTH_AUTO) return cell->smooth == XAI_SMOOTH_NO;
  double factor = (double)width / img->width;
  return factor >= 4 || (factor >= 2 && img->width <= 64 && img->height <= 64);
}

/* ---- text that has to fit ------------------------------------------------------------------------------------- */
static bool given(const char *text) { return text != NULL && text[0] != '\0'; }

/* A caption or title. */
enum { PARAGRAPH_LINES = 6, FIRST_LINES = 3, SECOND_LINES = 2 };
typedef struct paragraph {
  int n;
  char text[PARAGRAPH_LINES][XAI_TEXT_MAX];
  xai_text_style style[PARAGRAPH_LINES];
  double fit; /* factor that the sizes need for the lines to be narrow enough; not below 'shrink' */
} paragraph;

/* Lines where raw has a newline, those after the first in a style of their own; each broken into more where it is too
 * wide. NULL or "": no lines. */
static void split(const grid *g, const char *raw, xai_text_style first, xai_text_style second, double width,
                  paragraph *out) {
  out->n = 0;
  out->fit = 1;
  for (bool head = true; given(raw) && out->n < PARAGRAPH_LINES; head = false) {
    const char *newline = strchr(raw, '\n');
    size_t length = newline != NULL ? (size_t)(newline - raw) : strlen(raw);
    char line[XAI_TEXT_MAX];
    xai_text_clean(raw, length, line);
    const xai_text_style *style = head ? &first : &second;
    int most = head ? FIRST_LINES : SECOND_LINES, from = out->n;
    if (most > PARAGRAPH_LINES - from) most = PARAGRAPH_LINES - from;
    out->n += xai_text_wrap(g->pen, line, style->size, style->bold, width / squeeze, most, out->text + from);
    for (int i = from; i < out->n; i++) {
      out->style[i] = *style;
      double wanted = xai_text_width(g->pen, out->text[i], style->size, style->bold);
      if (wanted > width) out->fit = fmin(out->fit, fmax(shrink, snug * width / wanted));
    }
    raw = newline != NULL ? newline + 1 : NULL;
  }
}

/* The lines under each other, 'pitch' apart, the first one's middle at y; upwards: beside each other, from x on. */
static xai_status add_paragraph(const grid *g, xai_sheet_layout *out, xai_label_kind kind, paragraph *p, double fit,
                                double x, double y, double pitch, double width, xai_err *err) {
  for (int i = 0; i < p->n; i++) {
    xai_text_style style = p->style[i];
    style.size *= fit;
    xai_text_cut(g->pen, p->text[i], style.size, style.bold, width);
    double right = style.upwards ? i * pitch : 0, down = style.upwards ? 0 : i * pitch;
    XAI_TRY(xai_sheet__label(out, g->pen, kind, x + right, y + down, style, p->text[i], err));
  }
  return XAI_OK;
}

/* ---- the grid -------------------------------------------------------------------------------------------------- */
static bool has_bar(const xai_sheet_cell *cell) { return cell->img != NULL && cell->cmap != NULL; }
static bool has_body(const xai_sheet_cell *cell) { return cell->img != NULL || cell->plot != NULL || given(cell->caption); }

static double largest(xai_scale s) { return fmax(fabs(s.lo), fabs(s.hi)); }

/* The picture's place within its cell: as wide as the cell unless it is very tall. */
static void picture_size(const xai_image *img, int width, int *w, int *h) {
  double aspect = (double)img->height / img->width;
  *w = aspect > tallest ? at_least(1, tallest * width / aspect) : width;
  *h = aspect > tallest ? at_least(1, tallest * width) : at_least(1, aspect * width);
}

static int span_of(const xai_sheet_cell *cell) { return cell->span > 1 ? cell->span : 1; }

/* Nearest to 4:3 while few places stay empty. */
static int choose_columns(const grid *g) {
  double height = 1;
  int places_wanted = 0, widest = 1;
  for (int i = 0; i < g->n; i++) {
    places_wanted += span_of(&g->cells[i]);
    if (span_of(&g->cells[i]) > widest) widest = span_of(&g->cells[i]);
  }
  for (int i = 0; i < g->n; i++) {
    if (g->cells[i].img == NULL) continue;
    int pw, ph;
    picture_size(g->cells[i].img, 1000, &pw, &ph);
    height = ph / 1000.0 + (given(g->cells[i].caption) ? 0.08 : 0);
    break;
  }
  const double gap = 0.06;
  int best = widest;
  double least = INFINITY;
  for (int columns = widest; columns <= places_wanted && columns <= XAI_IMAGE_MAX_SIDE / CELL_MIN; columns++) {
    int rows = (places_wanted - 1) / columns + 1;
    double places = (double)rows * columns;
    double cost = fabs(log(columns * (1 + gap) / (rows * (height + gap)) * 3 / 4)) + 3 * (places - places_wanted) / places;
    if (cost < least) least = cost, best = columns;
  }
  return best;
}

static xai_status choose_cell(const xai_sheet_opts *o, int columns, int *cell, xai_err *err) {
  *cell = o->cell;
  if (o->cell == 0) {
    *cell = SHEET_DEFAULT / columns;
    if (*cell > CELL_DEFAULT) *cell = CELL_DEFAULT;
    if (*cell < CELL_LEAST) *cell = CELL_LEAST;
  }
  if (*cell < CELL_MIN || *cell > CELL_MAX)
    return xai_fail(err, XAI_EARG, "sheet: cell is a picture's width in pixels (expected %d to %d, got %d)", CELL_MIN,
                    CELL_MAX, *cell);
  return XAI_OK;
}

/* Fills the places row by row; a cell that does not fit into the rest of a row goes into the next. */
static xai_status place_spots(grid *g, xai_err *err) {
  int row = 0, column = 0;
  for (int i = 0; i < g->n; i++) {
    int span = span_of(&g->cells[i]);
    if (span > g->columns)
      return xai_fail(err, XAI_EARG, "sheet: cell %d takes %d of %d columns", i + 1, span, g->columns);
    if (column + span > g->columns) row++, column = 0;
    g->spots[i] = (spot){row, column, span};
    column += span;
  }
  g->rows = row + 1;
  return XAI_OK;
}

static xai_status make_grid(grid *g, xai_err *err) {
  const xai_sheet_opts *o = g->opts;
  if (g->n < 1) return xai_fail(err, XAI_EARG, "sheet: no cells (expected at least 1, got %d)", g->n);
  if (o->columns < 0) return xai_fail(err, XAI_EARG, "sheet: columns must be positive (got %d)", o->columns);
  bool named_columns = o->col_titles != NULL, named_rows = o->row_titles != NULL;
  if (o->columns > 0)
    g->columns = o->columns;
  else if (named_columns)
    g->columns = o->n_col_titles;
  else if (named_rows && o->n_row_titles > 0)
    g->columns = (g->n - 1) / o->n_row_titles + 1;
  else
    g->columns = choose_columns(g);
  if (named_columns && o->n_col_titles != g->columns)
    return xai_fail(err, XAI_EARG, "sheet: one title per column is needed (expected %d, got %d)", g->columns,
                    o->n_col_titles);
  if (g->columns < 1) return xai_fail(err, XAI_EARG, "sheet: columns must be positive (got %d)", g->columns);
  if (!(o->gap >= 0 && o->gap <= 10)) return xai_fail(err, XAI_EARG, "sheet: gap: expected 0 to 10, got %g", o->gap);
  int cell;
  XAI_TRY(choose_cell(o, g->columns, &cell, err));
  XAI_TRY(place_spots(g, err));
  if (named_rows && o->n_row_titles != g->rows)
    return xai_fail(err, XAI_EARG, "sheet: one title per row is needed (expected %d, got %d)", g->rows,
                    o->n_row_titles);
  if ((int64_t)g->columns * cell > XAI_IMAGE_MAX_SIDE || g->rows > XAI_IMAGE_MAX_SIDE)
    return xai_fail(err, XAI_EARG,
                    "sheet: %d columns of %d pixels and %d rows are too many (expected at most %d pixels a side)",
                    g->columns, cell, g->rows, XAI_IMAGE_MAX_SIDE);
  int across = 0; /* columns that hold pictures: those of plus signs are narrow */
  for (int c = 0; c < g->columns; c++) {
    bool body = false;
    for (int i = 0; i < g->n && !body; i++)
      body = has_body(&g->cells[i]) && g->spots[i].column <= c && c < g->spots[i].column + g->spots[i].span;
    across += body;
  }
  g->m = measures_of(cell, across, g->rows, o->gap == 0 ? 1 : o->gap);
  return XAI_OK;
}

/* ---- measuring ------------------------------------------------------------------------------------------------- */
/* Width of bar, ticks, numbers and unit beside a picture. */
static int bar_room(const grid *g, const xai_sheet_cell *cell) {
  const measures *m = &g->m;
  double ticks[XAI_TICKS], widest = 0;
  int n = xai_ticks(cell->scale.lo, cell->scale.hi, ticks);
  for (int i = 0; i < n; i++) {
    char text[XAI_NUMBER_TEXT];
    xai_number_text(ticks[i], largest(cell->scale), text);
    widest = fmax(widest, xai_text_width(g->pen, text, m->number, false));
  }
  double unit = given(cell->unit) ? line_pitch * m->number : 0;
  return m->bar_gap + m->bar_width + m->tick + m->tick_gap + (int)ceil(widest + unit);
}

static int before_room(const grid *g, const xai_sheet_cell *cell) {
  char text[XAI_TEXT_MAX];
  xai_text_clean(cell->before, SIZE_MAX, text);
  return (int)ceil(xai_text_width(g->pen, text, g->m.symbol, false) + 0.8 * g->m.symbol);
}

static xai_status measure_lanes(grid *g, xai_err *err) {
  for (int i = 0; i < g->n; i++) {
    const xai_sheet_cell *cell = &g->cells[i];
    spot s = g->spots[i];
    for (int c = s.column; has_body(cell) && c < s.column + s.span; c++) g->lanes[c].wide = g->m.cell;
    if (given(cell->before)) {
      int room = before_room(g, cell);
      if (room > g->lanes[s.column].before) g->lanes[s.column].before = room;
    }
    if (!has_bar(cell)) continue;
    if (!(cell->scale.lo < cell->scale.hi) || !isfinite(cell->scale.hi - cell->scale.lo))
      return xai_fail(err, XAI_EARG, "sheet: cell %d: scale is empty (expected low < high, got %g and %g)", i + 1,
                      cell->scale.lo, cell->scale.hi);
    lane *last = &g->lanes[s.column + s.span - 1];
    int room = bar_room(g, cell);
    if (room > last->bar) last->bar = room;
  }
  for (int c = 0; c < g->columns; c++) /* nothing in it: a place for a picture stays free */
    if (g->lanes[c].before == 0) g->lanes[c].wide = g->m.cell;
  return XAI_OK;
}

/* From the left edge of the first column's pictures to the right edge of the last one's. */
static int width_of(const grid *g, int i) {
  const lane *first = &g->lanes[g->spots[i].column], *last = first + g->spots[i].span - 1;
  return (int)(last->left + last->wide - first->left);
}

static double middle_of(const grid *g, int i) {
  return (double)g->lanes[g->spots[i].column].left + width_of(g, i) / 2.0;
}

static void split_caption(const grid *g, int i, paragraph *out) {
  xai_text_style first = {.size = g->m.caption, .align = 0.5},
                 second = {.size = g->m.second, .align = 0.5, .grey = faint};
  split(g, g->cells[i].caption, first, second, width_of(g, i), out);
}

/* A plot is laid out as high as its row; a cell's legend stands below its caption. */
static int body_height(const grid *g, int i) {
  const xai_sheet_cell *cell = &g->cells[i];
  xai_type_sizes type = type_of(&g->m);
  int w, h = 0;
  if (cell->img != NULL)
    picture_size(cell->img, width_of(g, i), &w, &h);
  else if (cell->plot != NULL)
    h = xai_plot_height(cell->plot, &type, width_of(g, i));
  return has_bar(cell) && g->m.bar_least > h ? g->m.bar_least : h;
}

static xai_status measure_bands(grid *g, xai_err *err) {
  g->fit = 1;
  for (int i = 0; i < g->n; i++) {
    const xai_sheet_cell *cell = &g->cells[i];
    band *b = &g->bands[g->spots[i].row];
    if (cell->plot != NULL) XAI_TRY(xai_err_prefix(err, xai_plot_check(cell->plot, err), "sheet: cell %d: ", i + 1));
    int height = body_height(g, i);
    if (height > b->tall) b->tall = height;
    if (given(cell->before) && b->tall < (int)(1.2 * g->m.symbol)) b->tall = (int)(1.2 * g->m.symbol);
    paragraph caption;
    split_caption(g, i, &caption);
    g->fit = fmin(g->fit, caption.fit);
    if (caption.n > b->lines) b->lines = caption.n;
    if (cell->n_legend == 0) continue;
    xai_bench bench = {.pen = g->pen, .type = type_of(&g->m)};
    double room;
    XAI_TRY(xai_sheet__legend(&bench, cell->legend, cell->n_legend, false, 0, 0, width_of(g, i), &room, err));
    if ((int64_t)ceil(room) > b->legend) b->legend = (int64_t)ceil(room);
  }
  return XAI_OK;
}

/* ---- placing --------------------------------------------------------------------------------------------------- */
static void split_heading(const grid *g, const char *raw, double room, bool upwards, paragraph *out) {
  xai_text_style first = {.size = g->m.heading, .align = 0.5, .bold = true, .upwards = upwards};
  xai_text_style second = {.size = g->m.second, .align = 0.5, .grey = faint, .upwards = upwards};
  split(g, raw, first, second, room, out);
}

/* Row titles are as many lines as the longest has when it must be no longer than a usual picture is high. */
static int64_t row_title_room(const grid *g) {
  int lines = 0;
  for (int r = 0; g->opts->row_titles != NULL && r < g->rows; r++) {
    paragraph p;
    split_heading(g, g->opts->row_titles[r], (double)g->bands[r].tall, true, &p);
    if (p.n > lines) lines = p.n;
  }
  return g->opts->row_titles != NULL ? (int64_t)ceil((line_pitch * lines + 0.3) * g->m.heading) : 0;
}

/* Heights are not known yet: 'titles' is the room for row titles. */
static int64_t place_lanes(grid *g, int64_t titles) {
  int64_t x = g->m.margin + titles;
  for (int c = 0; c < g->columns; c++) {
    lane *l = &g->lanes[c];
    if (c > 0 && (l->wide > 0 || l->before == 0) && g->lanes[c - 1].wide > 0) x += g->m.gap;
    l->left = x + l->before;
    x += l->before + l->wide + l->bar;
  }
  return x + g->m.margin;
}

static double caption_pitch(const grid *g) { return line_pitch * g->m.caption * g->fit; }

static int64_t caption_room(const grid *g, const band *b) {
  return b->lines > 0 ? (int64_t)ceil(0.35 * g->m.caption + caption_pitch(g) * b->lines) : 0;
}

static int64_t place_bands(grid *g, int64_t y) {
  for (int r = 0; r < g->rows; r++) {
    band *b = &g->bands[r];
    if (r > 0) y += g->m.gap;
    b->top = y;
    y += b->tall + caption_room(g, b);
    if (b->legend > 0) y += b->legend + (int64_t)ceil(0.3 * g->m.caption);
  }
  return y + g->m.margin;
}

static xai_status place_title(const grid *g, xai_sheet_layout *out, int64_t width, int64_t *y, xai_err *err) {
  double size = fmin(1.8 * g->m.caption, fmax(1.4 * g->m.caption, 0.02 * (double)width));
  double room = (double)(width - 2 * g->m.margin);
  xai_text_style style = {.size = size, .align = 0.5, .bold = true}, second = {.size = 0.7 * size, .align = 0.5, .grey = faint};
  paragraph title;
  split(g, g->opts->title, style, second, room, &title);
  if (title.n == 0) return XAI_OK;
  size *= title.fit;
  double top = (double)*y + 0.5 * size;
  *y += (int64_t)ceil((line_pitch * title.n + 0.3) * size);
  return add_paragraph(g, out, XAI_LABEL_TITLE, &title, title.fit, (double)width / 2, top, line_pitch * size, room, err);
}

static double heading_width(const grid *g, int c) { return (double)(g->lanes[c].wide > 0 ? g->lanes[c].wide : g->lanes[c].before); }

static int64_t measure_headings(grid *g) {
  g->heading_lines = 0;
  for (int c = 0; g->opts->col_titles != NULL && c < g->columns; c++) {
    paragraph p;
    split_heading(g, g->opts->col_titles[c], heading_width(g, c), false, &p);
    if (p.n > g->heading_lines) g->heading_lines = p.n;
  }
  return g->heading_lines > 0 ? (int64_t)ceil((line_pitch * g->heading_lines + 0.2) * g->m.heading) : 0;
}

static xai_status place_headings(const grid *g, xai_sheet_layout *out, int64_t heading_y, xai_err *err) {
  const xai_sheet_opts *o = g->opts;
  double pitch = line_pitch * g->m.heading;
  paragraph p;
  for (int c = 0; o->col_titles != NULL && c < g->columns; c++) {
    double width = heading_width(g, c), x = (double)g->lanes[c].left + (g->lanes[c].wide > 0 ? width : -width) / 2;
    split_heading(g, o->col_titles[c], width, false, &p);
    double y = (double)heading_y + pitch * (g->heading_lines - p.n + 0.5); /* they stand on one line */
    XAI_TRY(add_paragraph(g, out, XAI_LABEL_COLUMN, &p, p.fit, x, y, pitch, width, err));
  }
  for (int r = 0; o->row_titles != NULL && r < g->rows; r++) {
    double room = (double)g->bands[r].tall;
    split_heading(g, o->row_titles[r], room, true, &p);
    XAI_TRY(add_paragraph(g, out, XAI_LABEL_ROW, &p, p.fit, g->m.margin + 0.5 * pitch, (double)g->bands[r].top + room / 2, pitch,
                          room, err));
  }
  return XAI_OK;
}

static xai_status place_caption(const grid *g, int i, xai_sheet_layout *out, xai_err *err) {
  const xai_sheet_cell *cell = &g->cells[i];
  const band *b = &g->bands[g->spots[i].row];
  double y = (double)(b->top + b->tall) + (0.35 + 0.62 * g->fit) * g->m.caption;
  paragraph caption;
  split_caption(g, i, &caption);
  XAI_TRY(add_paragraph(g, out, XAI_LABEL_CAPTION, &caption, g->fit, middle_of(g, i), y, caption_pitch(g), width_of(g, i), err));
  if (cell->n_legend == 0) return XAI_OK;
  xai_bench bench = {.out = out, .pen = g->pen, .type = type_of(&g->m), .cell = i};
  double below = caption.n > 0 ? (double)caption_room(g, b) : 0; /* else right below the picture */
  double from = (double)(b->top + b->tall) + below + 0.3 * g->m.caption, height;
  return xai_sheet__legend(&bench, cell->legend, cell->n_legend, false, (double)g->lanes[g->spots[i].column].left, from,
                           width_of(g, i), &height, err);
}

static xai_status place_bar(const grid *g, int i, xai_sheet_layout *out, xai_err *err) {
  const xai_sheet_cell *cell = &g->cells[i];
  const measures *m = &g->m;
  const xai_rect *picture = &out->pictures[i];
  const lane *last = &g->lanes[g->spots[i].column + g->spots[i].span - 1];
  int tall = picture->h > m->bar_least ? picture->h : m->bar_least;
  xai_rect bar = {(int)(last->left + last->wide) + m->bar_gap, picture->y + picture->h - tall, m->bar_width, tall};
  out->bars[i] = bar;
  double ticks[XAI_TICKS];
  int n = xai_ticks(cell->scale.lo, cell->scale.hi, ticks);
  xai_text_style style = {.size = m->number, .grey = faint};
  xai_ink ink = {.kind = XAI_INK_STROKE, .width = m->line, .rgb = {77, 77, 77}, .clip = -1};
  for (int k = 0; k < n; k++) {
    double x = bar.x + bar.w, y = bar.y + (cell->scale.hi - ticks[k]) / (cell->scale.hi - cell->scale.lo) * bar.h;
    char text[XAI_NUMBER_TEXT];
    xai_number_text(ticks[k], largest(cell->scale), text);
    XAI_TRY(xai_sheet__ink(out, ink, (const double[]){x, y, x + m->tick, y}, 2, err));
    XAI_TRY(xai_sheet__label(out, g->pen, XAI_LABEL_TICK, x + m->tick + m->tick_gap, y, style, text, err));
  }
  if (!given(cell->unit)) return XAI_OK;
  style.align = 0.5;
  style.upwards = true;
  double x = (double)(last->left + last->wide + last->bar) - 0.62 * m->number;
  return xai_sheet__fitted(out, g->pen, XAI_LABEL_UNIT, x, bar.y + bar.h / 2.0, style, cell->unit, bar.h, err);
}

/* ---- over a picture ---------------------------------------------------------------------------------------------- */
/* The name of a box on a ground of the box's colour, in the box's upper left corner, or in the picture's when the box
 * begins further out. */
static xai_status place_mark_label(const grid *g, const xai_mark *mark, const xai_rect *r, double x, double y,
                                   xai_sheet_layout *out, xai_err *err) {
  char text[XAI_TEXT_MAX];
  xai_text_style style = {.size = 0.85 * g->m.number, .grey = 1};
  double pad = 0.3 * style.size, high = 1.5 * style.size;
  xai_text_clean(mark->label, SIZE_MAX, text);
  xai_text_cut(g->pen, text, style.size, false, r->w - 2 * pad);
  double wide = xai_text_width(g->pen, text, style.size, false) + 2 * pad;
  x = fmax(r->x, fmin(x, r->x + r->w - wide));
  y = fmax(r->y, fmin(y, r->y + r->h - high));
  xai_ink ink = {.kind = XAI_INK_FILL, .clip = -1};
  memcpy(ink.rgb, mark->rgb, 3);
  const double corners[] = {x, y, x + wide, y, x + wide, y + high, x, y + high};
  XAI_TRY(xai_sheet__ink(out, ink, corners, 4, err));
  if (0.3 * mark->rgb[0] + 0.59 * mark->rgb[1] + 0.11 * mark->rgb[2] > 150) style.grey = 0;
  return xai_sheet__label(out, g->pen, XAI_LABEL_INSIDE, x + pad, y + high / 2, style, text, err);
}

/* Long lines go in pieces that share a point. */
static xai_status place_path(const xai_mark *mark, xai_ink ink, const xai_rect *r, double kx, double ky,
                             xai_sheet_layout *out, xai_err *err) {
  enum { PIECE = 256 };
  double points[2 * PIECE];
  for (int from = 0; from < mark->n; from += PIECE - 1) {
    int n = mark->n - from < PIECE ? mark->n - from : PIECE;
    for (int k = 0; k < n; k++) {
      points[2 * k] = r->x + kx * mark->points[2 * (from + k)];
      points[2 * k + 1] = r->y + ky * mark->points[2 * (from + k) + 1];
    }
    ink.closed = mark->closed && n == mark->n;
    if (n > 1 || mark->kind == XAI_MARK_DOT) XAI_TRY(xai_sheet__ink(out, ink, points, n, err));
    if (n < PIECE) break;
  }
  return XAI_OK;
}

static xai_status place_marks(const grid *g, int i, xai_sheet_layout *out, xai_err *err) {
  const xai_sheet_cell *cell = &g->cells[i];
  const xai_rect *r = &out->pictures[i];
  double kx = (double)r->w / cell->img->width, ky = (double)r->h / cell->img->height;
  for (int k = 0; k < cell->n_marks; k++) {
    const xai_mark *mark = &cell->marks[k];
    xai_ink ink = {.width = g->m.stroke, .dashed = mark->dashed, .cased = true, .clip = i};
    memcpy(ink.rgb, mark->rgb, 3);
    if (mark->kind == XAI_MARK_DOT) ink.kind = XAI_INK_DOT, ink.width = 2 * g->m.stroke;
    if (mark->kind != XAI_MARK_BOX) {
      XAI_TRY(place_path(mark, ink, r, kx, ky, out, err));
      continue;
    }
    double x0 = r->x + kx * mark->points[0], y0 = r->y + ky * mark->points[1], x1 = r->x + kx * mark->points[2],
           y1 = r->y + ky * mark->points[3];
    ink.closed = true;
    XAI_TRY(xai_sheet__ink(out, ink, (const double[]){x0, y0, x1, y0, x1, y1, x0, y1}, 4, err));
    if (given(mark->label)) XAI_TRY(place_mark_label(g, mark, r, x0, y0, out, err));
  }
  return XAI_OK;
}

/* Lines between the squares, most of which may be white. */
static xai_status place_squares(const grid *g, const xai_image *img, const xai_rect *r, xai_sheet_layout *out, xai_err *err) {
  xai_ink ink = {.kind = XAI_INK_STROKE, .width = g->m.line, .rgb = {150, 150, 150}, .clip = -1};
  for (int k = 1; k < img->width; k++) {
    double x = r->x + (double)r->w * k / img->width;
    XAI_TRY(xai_sheet__ink(out, ink, (const double[]){x, r->y, x, r->y + r->h}, 2, err));
  }
  for (int k = 1; k < img->height; k++) {
    double y = r->y + (double)r->h * k / img->height;
    XAI_TRY(xai_sheet__ink(out, ink, (const double[]){r->x, y, r->x + r->w, y}, 2, err));
  }
  return XAI_OK;
}

/* A number in every square, all of one size, black on light colours and white on dark ones. */
static xai_status place_numbers(const grid *g, int i, xai_sheet_layout *out, xai_err *err) {
  const xai_sheet_cell *cell = &g->cells[i];
  const xai_image *img = cell->img;
  const xai_rect *r = &out->pictures[i];
  double w = (double)r->w / img->width, h = (double)r->h / img->height, size = 0.4 * h, most = 0;
  int n = img->width * img->height;
  XAI_TRY(place_squares(g, img, r, out, err));
  for (int k = 0; k < n; k++) most = fmax(most, isfinite(cell->numbers[k]) ? fabsf(cell->numbers[k]) : 0);
  for (int pass = 0; pass < 2; pass++) /* the size that the widest leaves, then the labels */
    for (int k = 0; k < n; k++) {
      char number[32], text[XAI_NUMBER_TEXT];
      double rounded = 0;
      snprintf(number, sizeof number, "%.3g", (double)cell->numbers[k]);
      sscanf(number, "%lf", &rounded);
      xai_number_text(rounded, most, text);
      if (pass == 0) {
        size = fmin(size, 0.84 * w / xai_text_width(g->pen, text, 1, false));
        continue;
      }
      const uint8_t *p = img->rgb + 3 * k;
      bool dark = 0.3 * p[0] + 0.59 * p[1] + 0.11 * p[2] < 128;
      xai_text_style style = {.size = size, .align = 0.5, .grey = dark ? 1 : 0};
      XAI_TRY(xai_sheet__label(out, g->pen, XAI_LABEL_INSIDE, r->x + (k % img->width + 0.5) * w,
                               r->y + (k / img->width + 0.5) * h, style, text, err));
    }
  return XAI_OK;
}

static xai_status place_body(const grid *g, int i, xai_sheet_layout *out, xai_err *err) {
  const xai_sheet_cell *cell = &g->cells[i];
  const band *b = &g->bands[g->spots[i].row];
  int left = (int)g->lanes[g->spots[i].column].left, width = width_of(g, i), w, h;
  if (cell->plot != NULL && cell->img == NULL) {
    xai_bench bench = {.out = out, .pen = g->pen, .type = type_of(&g->m), .cell = i};
    xai_rect room = {left, (int)b->top, width, (int)b->tall};
    return xai_err_prefix(err, xai_plot_lay(cell->plot, &bench, room, &out->plots[i], err), "sheet: cell %d: ", i + 1);
  }
  if (cell->img == NULL) return XAI_OK;
  picture_size(cell->img, width, &w, &h);
  out->pictures[i] = (xai_rect){left + (width - w) / 2, (int)(b->top + b->tall - h), w, h};
  if (has_bar(cell)) XAI_TRY(place_bar(g, i, out, err));
  if (cell->numbers != NULL) XAI_TRY(place_numbers(g, i, out, err));
  return place_marks(g, i, out, err);
}

static xai_status place_before(const grid *g, int i, xai_sheet_layout *out, xai_err *err) {
  const lane *l = &g->lanes[g->spots[i].column];
  const band *b = &g->bands[g->spots[i].row];
  char text[XAI_TEXT_MAX];
  if (!given(g->cells[i].before)) return XAI_OK;
  xai_text_clean(g->cells[i].before, SIZE_MAX, text);
  double x = (double)l->left - (double)l->before / 2;
  return xai_sheet__label(out, g->pen, XAI_LABEL_BEFORE, x, (double)b->top + (double)b->tall / 2,
                          (xai_text_style){.size = g->m.symbol, .align = 0.5}, text, err);
}

/* Heights follow from widths, and row titles, which stand left of everything, from heights: columns are placed twice. */
static xai_status place_all(grid *g, xai_sheet_layout *out, xai_err *err) {
  place_lanes(g, 0);
  XAI_TRY(measure_bands(g, err));
  int64_t width = place_lanes(g, row_title_room(g)), y = g->m.margin;
  XAI_TRY(place_title(g, out, width, &y, err));
  int64_t heading_y = y;
  y += measure_headings(g);
  int64_t height = place_bands(g, y);
  if (width > XAI_IMAGE_MAX_SIDE || height > XAI_IMAGE_MAX_SIDE || width * height > XAI_IMAGE_MAX_PIXELS)
    return xai_fail(err, XAI_EARG,
                    "sheet: %lldx%lld pixels are too many (expected at most %d a side, %d million in all)",
                    (long long)width, (long long)height, XAI_IMAGE_MAX_SIDE, XAI_IMAGE_MAX_PIXELS / 1000000);
  out->width = (int)width;
  out->height = (int)height;
  out->line = g->m.line;
  XAI_TRY(place_headings(g, out, heading_y, err));
  for (int i = 0; i < g->n; i++) {
    XAI_TRY(place_body(g, i, out, err));
    XAI_TRY(place_before(g, i, out, err));
    XAI_TRY(place_caption(g, i, out, err));
  }
  return XAI_OK;
}

xai_status xai_sheet_layout_make(const xai_sheet_cell *cells, int n, const xai_sheet_opts *opts, xai_pen *pen,
                                 xai_sheet_layout *out, xai_err *err) {
  *out = (xai_sheet_layout){0};
  grid g = {.cells = cells, .n = n, .opts = opts, .pen = pen};
  size_t places = n > 0 ? (size_t)n : 1;
  xai_status st = XAI_OK;
  g.spots = xai_calloc(places, sizeof *g.spots);
  out->pictures = xai_calloc(places, sizeof *out->pictures);
  out->plots = xai_calloc(places, sizeof *out->plots);
  out->bars = xai_calloc(places, sizeof *out->bars);
  if (g.spots == NULL || out->pictures == NULL || out->plots == NULL || out->bars == NULL) {
    st = xai_fail_memory(err, places * (sizeof *g.spots + 3 * sizeof(xai_rect)));
    goto done;
  }
  XAI_GOTO(make_grid(&g, err));
  g.lanes = xai_calloc((size_t)g.columns, sizeof *g.lanes);
  g.bands = xai_calloc((size_t)g.rows, sizeof *g.bands);
  if (g.lanes == NULL || g.bands == NULL) {
    st = xai_fail_memory(err, (size_t)g.columns * sizeof *g.lanes + (size_t)g.rows * sizeof *g.bands);
    goto done;
  }
  XAI_GOTO(measure_lanes(&g, err));
  XAI_GOTO(place_all(&g, out, err));

done:
  xai_free(g.spots);
  xai_free(g.lanes);
  xai_free(g.bands);
  return st;
}
