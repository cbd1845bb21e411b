/* viz/sheet_layout.c: the geometry of a sheet.
 *
 *     title                                     every column: a picture's width, and room for colour bars
 *              column title    column title     where one of its cells has a bar, so that pictures line up
 *     row      +----------+    +----------+ #   every row: the height of its tallest picture, and room for
 *     title    | picture  |    | picture  | #   the longest of its captions
 *              +----------+    +----------+ #
 *                caption         caption
 *
 * Pictures of one row stand on one line, their captions right below. All lengths are parts of the picture's width, so a
 * sheet looks the same at any size. */
#include "viz/sheet_layout.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "viz/ticks.h"

enum { CELL_DEFAULT = 320, CELL_MIN = 8, CELL_MAX = 4096 };

static const double tallest = 1.5; /* picture's height in widths; a taller one is made narrower */
static const double shrink = 0.75; /* text that is too wide gets this much smaller before it is cut */
static const double line_pitch = 1.3;
static const double faint = 0.3; /* grey of second lines and numbers */

/* Lengths that follow from the width of a picture. */
typedef struct measures {
  int cell, gap, margin;
  double caption, second, number, heading;           /* font sizes */
  int bar_gap, bar_width, bar_least, tick, tick_gap; /* a bar's least height leaves its numbers apart */
} measures;

typedef struct grid {
  const xai_sheet_cell *cells;
  const xai_sheet_opts *opts;
  int n, columns, rows;
  measures m;
  xai_pen *pen;
  double fit;                  /* common factor of all captions' sizes */
  int64_t *left, *bar_room;    /* per column */
  int64_t *top, *tall, *lines; /* per row: picture's top and height, lines of caption */
} grid;

static int at_least(int least, double v) { return v > least ? (int)lround(v) : least; }

static measures measures_of(int cell) {
  measures m = {.cell = cell};
  m.gap = at_least(4, 0.06 * cell);
  m.margin = at_least(8, 0.07 * cell);
  m.caption = fmax(9, 0.06 * cell);
  m.second = fmax(8, 0.05 * cell);
  m.number = fmax(8, 0.048 * cell);
  m.heading = fmax(10, 0.065 * cell);
  m.bar_gap = at_least(3, 0.03 * cell);
  m.bar_width = at_least(4, 0.045 * cell);
  m.bar_least = at_least(1, 1.2 * XAI_TICKS * m.number);
  m.tick = at_least(2, 0.012 * cell);
  m.tick_gap = at_least(2, 0.012 * cell);
  return m;
}

/* ---- lists that grow -------------------------------------------------------------------------------------------- */
static bool grow(void **items, size_t *room, size_t used, size_t size) {
  if (used < *room) return true;
  size_t more = *room == 0 ? 16 : *room * 2;
  void *bigger = xai_realloc(*items, more * size);
  if (bigger == NULL) return false;
  *items = bigger;
  *room = more;
  return true;
}

static xai_status add_label(xai_sheet_layout *out, double x, double y, xai_text_style style, const char *text,
                            xai_err *err) {
  void *items = out->labels;
  if (!grow(&items, &out->room_labels, out->n_labels, sizeof(xai_label)))
    return xai_fail_memory(err, 2 * out->room_labels * sizeof(xai_label));
  out->labels = items;
  xai_label *label = &out->labels[out->n_labels++];
  label->x = x;
  label->y = y;
  label->style = style;
  memcpy(label->text, text, strlen(text) + 1);
  return XAI_OK;
}

static xai_status add_tick(xai_sheet_layout *out, double x, double y, double length, xai_err *err) {
  void *items = out->ticks;
  if (!grow(&items, &out->room_ticks, out->n_ticks, sizeof(xai_tick)))
    return xai_fail_memory(err, 2 * out->room_ticks * sizeof(xai_tick));
  out->ticks = items;
  out->ticks[out->n_ticks++] = (xai_tick){x, y, length};
  return XAI_OK;
}

/* ---- text that has to fit ------------------------------------------------------------------------------------- */
static bool given(const char *text) { return text != NULL && text[0] != '\0'; }

/* One line: smaller by up to 'shrink', then cut. */
static xai_status add_fitted(const grid *g, xai_sheet_layout *out, double x, double y, xai_text_style style,
                             const char *raw, double width, xai_err *err) {
  char text[XAI_TEXT_MAX];
  xai_text_clean(raw, SIZE_MAX, text);
  double wanted = xai_text_width(g->pen, text, style.size, style.bold);
  if (wanted > width) style.size *= fmax(shrink, width / wanted);
  xai_text_cut(g->pen, text, style.size, style.bold, width);
  return add_label(out, x, y, style, text, err);
}

/* A caption or title of at most two lines. */
typedef struct paragraph {
  int n;
  char text[2][XAI_TEXT_MAX];
  xai_text_style style[2];
  double fit; /* factor that the sizes need for the lines to be narrow enough; not below 'shrink' */
} paragraph;

/* Two lines where raw has a newline, the second in its own style; or where it is best broken when even made smaller it
 * is too wide for one. NULL or "": no lines. */
static void split(const grid *g, const char *raw, xai_text_style first, xai_text_style second, double width,
                  paragraph *out) {
  out->n = 0;
  out->fit = 1;
  if (!given(raw)) return;
  const char *newline = strchr(raw, '\n');
  xai_text_clean(raw, newline != NULL ? (size_t)(newline - raw) : SIZE_MAX, out->text[0]);
  out->style[0] = first;
  out->n = 1;
  if (newline != NULL) {
    xai_text_clean(newline + 1, SIZE_MAX, out->text[1]);
    out->style[1] = second;
    out->n = 2;
  } else if (xai_text_width(g->pen, out->text[0], first.size, first.bold) * shrink > width &&
             xai_text_break(g->pen, out->text[0], first.bold, out->text[1])) {
    out->style[1] = first;
    out->n = 2;
  }
  for (int i = 0; i < out->n; i++) {
    double wanted = xai_text_width(g->pen, out->text[i], out->style[i].size, out->style[i].bold);
    if (wanted > width) out->fit = fmin(out->fit, fmax(shrink, width / wanted));
  }
}

static void split_caption(const grid *g, int i, paragraph *out) {
  xai_text_style first = {.size = g->m.caption, .align = 0.5},
                 second = {.size = g->m.second, .align = 0.5, .grey = faint};
  split(g, g->cells[i].caption, first, second, g->m.cell, out);
}

/* The lines under each other, 'pitch' apart, the first one's middle at y. */
static xai_status add_paragraph(const grid *g, xai_sheet_layout *out, paragraph *p, double fit, double x, double y,
                                double pitch, double width, xai_err *err) {
  for (int i = 0; i < p->n; i++) {
    xai_text_style style = p->style[i];
    style.size *= fit;
    xai_text_cut(g->pen, p->text[i], style.size, style.bold, width);
    XAI_TRY(add_label(out, x, y + i * pitch, style, p->text[i], err));
  }
  return XAI_OK;
}

/* ---- the grid -------------------------------------------------------------------------------------------------- */
static bool has_bar(const xai_sheet_cell *cell) { return cell->img != NULL && cell->cmap != NULL; }

static double largest(xai_scale s) { return fmax(fabs(s.lo), fabs(s.hi)); }

/* The picture's place within its cell: as wide as the cell unless it is very tall. */
static void picture_size(const xai_image *img, int cell, int *w, int *h) {
  double aspect = (double)img->height / img->width;
  *w = aspect > tallest ? at_least(1, tallest * cell / aspect) : cell;
  *h = aspect > tallest ? at_least(1, tallest * cell) : at_least(1, aspect * cell);
}

/* Nearest to 4:3 while few places stay empty. */
static int choose_columns(const grid *g) {
  double w = g->m.cell + g->m.gap, h = w;
  for (int i = 0; i < g->n; i++) {
    if (g->cells[i].img == NULL) continue;
    int pw, ph;
    picture_size(g->cells[i].img, g->m.cell, &pw, &ph);
    h = ph + g->m.gap + (given(g->cells[i].caption) ? line_pitch * g->m.caption : 0);
    break;
  }
  int best = 1;
  double least = INFINITY;
  for (int columns = 1; columns <= g->n && columns <= XAI_IMAGE_MAX_SIDE / g->m.cell; columns++) {
    int rows = (g->n - 1) / columns + 1;
    double places = (double)rows * columns;
    double cost = fabs(log(columns * w / (rows * h) * 3 / 4)) + 3 * (places - g->n) / places;
    if (cost < least) least = cost, best = columns;
  }
  return best;
}

static xai_status make_grid(grid *g, xai_err *err) {
  const xai_sheet_opts *o = g->opts;
  if (g->n < 1) return xai_fail(err, XAI_EARG, "sheet: no cells (expected at least 1, got %d)", g->n);
  if (o->columns < 0) return xai_fail(err, XAI_EARG, "sheet: columns must be positive (got %d)", o->columns);
  int cell = o->cell == 0 ? CELL_DEFAULT : o->cell;
  if (cell < CELL_MIN || cell > CELL_MAX)
    return xai_fail(err, XAI_EARG, "sheet: cell is a picture's width in pixels (expected %d to %d, got %d)", CELL_MIN,
                    CELL_MAX, cell);
  g->m = measures_of(cell);
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
  g->rows = (g->n - 1) / g->columns + 1;
  if (named_rows && o->n_row_titles != g->rows)
    return xai_fail(err, XAI_EARG, "sheet: one title per row is needed (expected %d, got %d)", g->rows,
                    o->n_row_titles);
  if ((int64_t)g->columns * cell > XAI_IMAGE_MAX_SIDE || g->rows > XAI_IMAGE_MAX_SIDE)
    return xai_fail(err, XAI_EARG,
                    "sheet: %d columns of %d pixels and %d rows are too many (expected at most %d pixels a side)",
                    g->columns, cell, g->rows, XAI_IMAGE_MAX_SIDE);
  return XAI_OK;
}

/* Width of bar, ticks, numbers and unit beside the picture of cell i. */
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

static xai_status measure_cells(grid *g, xai_err *err) {
  g->fit = 1;
  for (int i = 0; i < g->n; i++) {
    const xai_sheet_cell *cell = &g->cells[i];
    int row = i / g->columns, column = i % g->columns;
    paragraph caption;
    split_caption(g, i, &caption);
    g->fit = fmin(g->fit, caption.fit);
    if (caption.n > g->lines[row]) g->lines[row] = caption.n;
    if (cell->img == NULL) continue;
    int w, h;
    picture_size(cell->img, g->m.cell, &w, &h);
    if (h > g->tall[row]) g->tall[row] = h;
    if (!has_bar(cell)) continue;
    if (!(cell->scale.lo < cell->scale.hi) || !isfinite(cell->scale.hi - cell->scale.lo))
      return xai_fail(err, XAI_EARG, "sheet: cell %d: scale is empty (expected low < high, got %g and %g)", i + 1,
                      cell->scale.lo, cell->scale.hi);
    if (g->m.bar_least > g->tall[row]) g->tall[row] = g->m.bar_least;
    int room = bar_room(g, cell);
    if (room > g->bar_room[column]) g->bar_room[column] = room;
  }
  return XAI_OK;
}

/* ---- placing --------------------------------------------------------------------------------------------------- */
static int64_t place_columns(grid *g) {
  int64_t x = g->m.margin + (g->opts->row_titles != NULL ? (int64_t)ceil(1.6 * g->m.heading) : 0);
  for (int c = 0; c < g->columns; c++) {
    if (c > 0) x += g->m.gap;
    g->left[c] = x;
    x += g->m.cell + g->bar_room[c];
  }
  return x + g->m.margin;
}

static int64_t place_rows(grid *g, int64_t y) {
  double pitch = line_pitch * g->m.caption * g->fit;
  for (int r = 0; r < g->rows; r++) {
    if (r > 0) y += g->m.gap;
    g->top[r] = y;
    y += g->tall[r];
    if (g->lines[r] > 0) y += (int64_t)ceil(0.3 * g->m.caption + pitch * (double)g->lines[r]);
  }
  return y + g->m.margin;
}

static xai_status place_title(const grid *g, xai_sheet_layout *out, int64_t width, int64_t *y, xai_err *err) {
  double size = fmax(1.4 * g->m.caption, 0.02 * (double)width), room = (double)(width - 2 * g->m.margin);
  xai_text_style style = {.size = size, .align = 0.5, .bold = true};
  paragraph title;
  split(g, g->opts->title, style, style, room, &title);
  if (title.n == 0) return XAI_OK;
  size *= title.fit;
  double top = (double)*y + 0.5 * size;
  *y += (int64_t)ceil((line_pitch * title.n + 0.2) * size);
  return add_paragraph(g, out, &title, title.fit, (double)width / 2, top, line_pitch * size, room, err);
}

static xai_status place_headings(const grid *g, xai_sheet_layout *out, int64_t heading_y, xai_err *err) {
  const xai_sheet_opts *o = g->opts;
  xai_text_style style = {.size = g->m.heading, .align = 0.5, .bold = true};
  for (int c = 0; o->col_titles != NULL && c < g->columns; c++)
    if (o->col_titles[c] != NULL)
      XAI_TRY(add_fitted(g, out, (double)g->left[c] + g->m.cell / 2.0, (double)heading_y + style.size / 2, style,
                         o->col_titles[c], g->m.cell, err));
  style.upwards = true;
  for (int r = 0; o->row_titles != NULL && r < g->rows; r++)
    if (o->row_titles[r] != NULL)
      XAI_TRY(add_fitted(g, out, g->m.margin + style.size / 2, (double)g->top[r] + (double)g->tall[r] / 2, style,
                         o->row_titles[r], (double)g->tall[r], err));
  return XAI_OK;
}

static xai_status place_caption(const grid *g, int i, xai_sheet_layout *out, xai_err *err) {
  int row = i / g->columns;
  double x = (double)g->left[i % g->columns] + g->m.cell / 2.0;
  double y = (double)(g->top[row] + g->tall[row]) + (0.3 + 0.65 * g->fit) * g->m.caption;
  paragraph caption;
  split_caption(g, i, &caption);
  return add_paragraph(g, out, &caption, g->fit, x, y, line_pitch * g->m.caption * g->fit, g->m.cell, err);
}

static xai_status place_bar(const grid *g, int i, xai_sheet_layout *out, xai_err *err) {
  const xai_sheet_cell *cell = &g->cells[i];
  const measures *m = &g->m;
  int column = i % g->columns;
  const xai_rect *picture = &out->pictures[i];
  int tall = picture->h > m->bar_least ? picture->h : m->bar_least;
  xai_rect bar = {(int)g->left[column] + m->cell + m->bar_gap, picture->y + picture->h - tall, m->bar_width, tall};
  out->bars[i] = bar;
  double ticks[XAI_TICKS];
  int n = xai_ticks(cell->scale.lo, cell->scale.hi, ticks);
  xai_text_style style = {.size = m->number, .grey = faint};
  for (int k = 0; k < n; k++) {
    double x = bar.x + bar.w, y = bar.y + (cell->scale.hi - ticks[k]) / (cell->scale.hi - cell->scale.lo) * bar.h;
    char text[XAI_NUMBER_TEXT];
    xai_number_text(ticks[k], largest(cell->scale), text);
    XAI_TRY(add_tick(out, x, y, m->tick, err));
    XAI_TRY(add_label(out, x + m->tick + m->tick_gap, y, style, text, err));
  }
  if (!given(cell->unit)) return XAI_OK;
  style.align = 0.5;
  style.upwards = true;
  double x = (double)(g->left[column] + m->cell + g->bar_room[column]) - 0.5 * m->number;
  return add_fitted(g, out, x, bar.y + bar.h / 2.0, style, cell->unit, bar.h, err);
}

static xai_status place_cells(const grid *g, xai_sheet_layout *out, xai_err *err) {
  for (int i = 0; i < g->n; i++) {
    int row = i / g->columns, w, h;
    if (g->cells[i].img != NULL) {
      picture_size(g->cells[i].img, g->m.cell, &w, &h);
      out->pictures[i] =
          (xai_rect){(int)g->left[i % g->columns] + (g->m.cell - w) / 2, (int)(g->top[row] + g->tall[row] - h), w, h};
      if (has_bar(&g->cells[i])) XAI_TRY(place_bar(g, i, out, err));
    }
    XAI_TRY(place_caption(g, i, out, err));
  }
  return XAI_OK;
}

static xai_status place_all(grid *g, xai_sheet_layout *out, xai_err *err) {
  int64_t width = place_columns(g), y = g->m.margin;
  XAI_TRY(place_title(g, out, width, &y, err));
  int64_t heading_y = y;
  if (g->opts->col_titles != NULL) y += (int64_t)ceil(1.4 * g->m.heading);
  int64_t height = place_rows(g, y);
  if (width > XAI_IMAGE_MAX_SIDE || height > XAI_IMAGE_MAX_SIDE || width * height > XAI_IMAGE_MAX_PIXELS)
    return xai_fail(err, XAI_EARG,
                    "sheet: %lldx%lld pixels are too many (expected at most %d a side, %d million in all)",
                    (long long)width, (long long)height, XAI_IMAGE_MAX_SIDE, XAI_IMAGE_MAX_PIXELS / 1000000);
  out->width = (int)width;
  out->height = (int)height;
  out->line = at_least(1, g->m.cell / 320.0);
  XAI_TRY(place_headings(g, out, heading_y, err));
  return place_cells(g, out, err);
}

xai_status xai_sheet_layout_make(const xai_sheet_cell *cells, int n, const xai_sheet_opts *opts, xai_pen *pen,
                                 xai_sheet_layout *out, xai_err *err) {
  *out = (xai_sheet_layout){0};
  grid g = {.cells = cells, .n = n, .opts = opts, .pen = pen};
  XAI_TRY(make_grid(&g, err));

  xai_status st = XAI_OK;
  size_t columns = (size_t)g.columns, rows = (size_t)g.rows, places = 2 * columns + 3 * rows;
  int64_t *lengths = xai_calloc(places, sizeof *lengths);
  out->pictures = xai_calloc((size_t)n, sizeof *out->pictures);
  out->bars = xai_calloc((size_t)n, sizeof *out->bars);
  if (lengths == NULL || out->pictures == NULL || out->bars == NULL) {
    st = xai_fail_memory(err, places * sizeof *lengths + 2 * (size_t)n * sizeof(xai_rect));
    goto done;
  }
  g.left = lengths;
  g.bar_room = g.left + columns;
  g.top = g.bar_room + columns;
  g.tall = g.top + rows;
  g.lines = g.tall + rows;
  XAI_GOTO(measure_cells(&g, err));
  XAI_GOTO(place_all(&g, out, err));

done:
  xai_free(lengths);
  return st;
}

void xai_sheet_layout_clear(xai_sheet_layout *layout) {
  xai_free(layout->pictures);
  xai_free(layout->bars);
  xai_free(layout->labels);
  xai_free(layout->ticks);
  *layout = (xai_sheet_layout){0};
}
