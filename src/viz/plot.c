/* viz/plot.c: curves, bars and clouds of points, laid out as ink and labels.
 *
 *   legend  legend          Curves and points: numbers left of and below the area, names of the axes outside of these.
 *   n |  area               Bars lie on their side, so that names can be read: names left, values at the bars' ends,
 *   n |________________     and no axis but the line of zero.
 *       n     n     n
 *          x label
 *
 * A scatter plot may be bare: a map whose coordinates say nothing but what is near to what has a frame, and the same unit
 * in both directions.
 *
 * What is not finite is left out; a curve is interrupted there. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "viz/sheet_layout.h"
#include "viz/ticks.h"

enum { SERIES_MAX = 64, LINE_POINTS = 512 };

static const double pitch = 1.45; /* of a bar's lines, in sizes of numbers */

static bool given(const char *text) { return text != NULL && text[0] != '\0'; }
static bool set(xai_scale s) { return s.lo < s.hi; }
static double largest(xai_scale s) { return fmax(fabs(s.lo), fabs(s.hi)); }

static int groups(const xai_plot *p) {
  int n = 0;
  for (int i = 0; i < p->n_series; i++)
    if (p->series[i].n > n) n = p->series[i].n;
  return n;
}

xai_status xai_plot_check(const xai_plot *p, xai_err *err) {
  if (p->n_series < 1 || p->n_series > SERIES_MAX)
    return xai_fail(err, XAI_EARG, "plot: expected 1 to %d series, got %d", SERIES_MAX, p->n_series);
  if (!(p->aspect >= 0 && p->aspect <= 10)) return xai_fail(err, XAI_EARG, "plot: aspect: expected 0 to 10, got %g", p->aspect);
  for (int k = 0; k < 2; k++) {
    xai_scale s = k == 0 ? p->x : p->y;
    if ((s.lo != 0 || s.hi != 0) && !(s.lo < s.hi && isfinite(s.hi - s.lo)))
      return xai_fail(err, XAI_EARG, "plot: axis is empty (expected low < high, got %g and %g)", s.lo, s.hi);
  }
  if (p->bare && p->kind != XAI_PLOT_SCATTER) return xai_fail(err, XAI_EARG, "plot: only a scatter plot can do without axes");
  if (groups(p) < 1) return xai_fail(err, XAI_EARG, "plot: nothing to draw (expected at least one value)");
  return XAI_OK;
}

int xai_plot_height(const xai_plot *p, const xai_type_sizes *type, int width) {
  if (p->aspect > 0) return (int)lround(p->aspect * width);
  if (p->kind != XAI_PLOT_BARS) return (int)lround(0.75 * width);
  double lines = groups(p) * (p->n_series + 0.35) + (given(p->x_label) ? 1 : 0) + (p->n_series > 1 ? 1.5 : 0);
  return (int)ceil(lines * pitch * type->number);
}

/* ---- ranges ------------------------------------------------------------------------------------------------------- */
static void widen(xai_scale *s, double v) {
  if (!isfinite(v)) return;
  if (!(v >= s->lo)) s->lo = v; /* also from the NaN that it starts with */
  if (!(v <= s->hi)) s->hi = v;
}

static xai_scale range_of(const xai_plot *p, bool of_x) {
  xai_scale s = {NAN, NAN};
  for (int k = 0; k < p->n_series; k++) {
    const xai_series *a = &p->series[k];
    for (int i = 0; i < a->n; i++) {
      double v = of_x ? a->x[i] : a->y[i], e = !of_x && a->error != NULL && isfinite(a->error[i]) ? a->error[i] : 0;
      widen(&s, v - e);
      widen(&s, v + e);
    }
  }
  if (isnan(s.lo)) return (xai_scale){0, 1};
  return s;
}

/* The axis of values: as given, or all there is; from zero where zero is near. */
static xai_scale axis_of(const xai_plot *p, bool of_x) {
  xai_scale wanted = of_x ? p->x : p->y;
  if (set(wanted)) return wanted;
  xai_scale s = range_of(p, of_x);
  double span = s.hi - s.lo;
  bool exact = of_x && p->kind == XAI_PLOT_CURVES; /* steps: from the first to the last */
  if (!(span > 0)) {
    double around = s.lo != 0 ? 0.1 * fabs(s.lo) : 1;
    return (xai_scale){s.lo - around, s.hi + around};
  }
  if (exact) return s;
  double lo = s.lo - 0.05 * span, hi = s.hi + 0.05 * span;
  if (p->kind == XAI_PLOT_CURVES && s.lo >= 0 && s.lo < 0.5 * s.hi) lo = 0;
  return (xai_scale){lo, hi};
}

/* ---- axes --------------------------------------------------------------------------------------------------------- */
static const uint8_t axis_rgb[3] = {115, 115, 115}, grid_rgb[3] = {222, 222, 222};

static xai_status lay_line(const xai_bench *b, double x0, double y0, double x1, double y1, double width,
                           const uint8_t rgb[3], xai_err *err) {
  xai_ink ink = {.kind = XAI_INK_STROKE, .width = width, .clip = -1};
  memcpy(ink.rgb, rgb, 3);
  return xai_sheet__ink(b->out, ink, (const double[]){x0, y0, x1, y1}, 2, err);
}

static double widest_number(const xai_bench *b, xai_scale s) {
  double ticks[XAI_TICKS], widest = 0;
  int n = xai_ticks(s.lo, s.hi, ticks);
  for (int i = 0; i < n; i++) {
    char text[XAI_NUMBER_TEXT];
    xai_number_text(ticks[i], largest(s), text);
    widest = fmax(widest, xai_text_width(b->pen, text, b->type.number, false));
  }
  return widest;
}

static xai_status lay_y_axis(const xai_bench *b, const xai_rect *r, xai_scale s, xai_err *err) {
  double ticks[XAI_TICKS];
  int n = xai_ticks(s.lo, s.hi, ticks);
  int every = n * 1.2 * b->type.number > r->h ? 2 : 1;
  for (int i = 0; i < n; i++) {
    double y = r->y + (s.hi - ticks[i]) / (s.hi - s.lo) * r->h;
    char text[XAI_NUMBER_TEXT];
    XAI_TRY(lay_line(b, r->x, y, r->x + r->w, y, b->type.line, grid_rgb, err));
    if (i % every != 0) continue;
    xai_number_text(ticks[i], largest(s), text);
    XAI_TRY(xai_sheet__label(b->out, b->pen, XAI_LABEL_TICK, r->x - b->type.gap, y,
                             (xai_text_style){.size = b->type.number, .align = 1, .grey = 0.3}, text, err));
  }
  return XAI_OK;
}

static xai_status lay_x_axis(const xai_bench *b, const xai_rect *r, xai_scale s, xai_err *err) {
  double ticks[XAI_TICKS];
  int n = xai_ticks(s.lo, s.hi, ticks), every = 1;
  while (every < n && (n / every) * (widest_number(b, s) + b->type.number) > r->w) every++;
  for (int i = 0; i < n; i++) {
    double x = r->x + (ticks[i] - s.lo) / (s.hi - s.lo) * r->w;
    char text[XAI_NUMBER_TEXT];
    XAI_TRY(lay_line(b, x, r->y, x, r->y + r->h, b->type.line, grid_rgb, err));
    if (i % every != 0) continue;
    xai_number_text(ticks[i], largest(s), text);
    XAI_TRY(xai_sheet__label(b->out, b->pen, XAI_LABEL_TICK, x, r->y + r->h + b->type.gap + 0.5 * b->type.number,
                             (xai_text_style){.size = b->type.number, .align = 0.5, .grey = 0.3}, text, err));
  }
  return XAI_OK;
}

/* ---- curves and points ---------------------------------------------------------------------------------------------- */
typedef struct frame {
  xai_rect r;
  xai_scale x, y;
} frame;

static void place(const frame *f, double x, double y, double at[2]) {
  at[0] = f->r.x + (x - f->x.lo) / (f->x.hi - f->x.lo) * f->r.w;
  at[1] = f->r.y + (f->y.hi - y) / (f->y.hi - f->y.lo) * f->r.h;
  /* far outside is as good as outside, and keeps cairo's numbers small */
  for (int k = 0; k < 2; k++) at[k] = fmin(1e5, fmax(-1e5, at[k]));
}

/* In pieces of at most LINE_POINTS, each beginning where the last one ended. */
static xai_status lay_curve(const xai_bench *b, const frame *f, const xai_series *a, xai_err *err) {
  xai_ink ink = {.kind = XAI_INK_STROKE, .width = 2.5 * b->type.line, .dashed = a->look % 2 == 1, .clip = b->cell};
  memcpy(ink.rgb, a->rgb, 3);
  double points[2 * LINE_POINTS];
  int n = 0;
  for (int i = 0; i <= a->n; i++) {
    bool good = i < a->n && isfinite(a->x[i]) && isfinite(a->y[i]);
    if (good) place(f, a->x[i], a->y[i], points + 2 * n++);
    if (good && n < LINE_POINTS) continue;
    if (n > 1) XAI_TRY(xai_sheet__ink(b->out, ink, points, n, err));
    if (good) memcpy(points, points + 2 * (n - 1), 2 * sizeof *points);
    n = good ? 1 : 0;
  }
  return XAI_OK;
}

static xai_thumb thumb_at(const xai_bench *b, const xai_series *a, int i, double side, const double at[2]) {
  const xai_image *img = a->thumbs[i];
  double k = side / (img->width > img->height ? img->width : img->height), w = k * img->width, h = k * img->height;
  xai_thumb thumb = {.x = at[0] - w / 2, .y = at[1] - h / 2, .w = w, .h = h, .img = img};
  thumb.edge = fmin(2.5 * b->type.line, side / 12);
  memcpy(thumb.rgb, a->rgb, 3);
  return thumb;
}

/* Whether two of them, with their frames, lie over one another. */
static bool overlap(const xai_thumb *a, const xai_thumb *b) {
  double edges = a->edge + b->edge;
  return a->x < b->x + b->w + edges && b->x < a->x + a->w + edges && a->y < b->y + b->h + edges &&
         b->y < a->y + a->h + edges;
}

static bool is_free(const xai_sheet_layout *out, size_t first, const xai_thumb *thumb) {
  for (size_t i = first; i < out->n_thumbs; i++)
    if (overlap(&out->thumbs[i], thumb)) return false;
  return true;
}

/* first: of the plot's thumbnails on the sheet. */
static xai_status lay_points(const xai_bench *b, const frame *f, const xai_plot *p, const xai_series *a, int all,
                             size_t first, xai_err *err) {
  double radius = fmax(1.5 * b->type.line, fmin(0.4 * b->type.number, 0.35 * sqrt((double)f->r.w * f->r.h / all)));
  xai_ink ink = {.kind = XAI_INK_DOT, .width = radius, .look = a->look, .cased = true, .clip = b->cell};
  memcpy(ink.rgb, a->rgb, 3);
  for (int i = a->n - 1; i >= 0; i--) {
    if (!isfinite(a->x[i]) || !isfinite(a->y[i])) continue;
    double at[2];
    place(f, a->x[i], a->y[i], at);
    if (a->thumbs != NULL && a->thumbs[i] != NULL) {
      xai_thumb thumb = thumb_at(b, a, i, p->thumb > 0 ? p->thumb : f->r.w / 16.0, at);
      if (is_free(b->out, first, &thumb)) {
        XAI_TRY(xai_sheet__thumb(b->out, thumb, err));
        continue;
      }
    }
    XAI_TRY(xai_sheet__ink(b->out, ink, at, 1, err));
  }
  return XAI_OK;
}

/* Half of a thumbnail would hang over the edge: the axes are made longer. */
static void make_room(const xai_plot *p, frame *f) {
  bool any = false;
  for (int k = 0; k < p->n_series; k++) any = any || p->series[k].thumbs != NULL;
  if (p->kind != XAI_PLOT_SCATTER || !any) return;
  double side = p->thumb > 0 ? p->thumb : f->r.w / 16.0;
  double more_x = 0.5 * side / f->r.w * (f->x.hi - f->x.lo), more_y = 0.5 * side / f->r.h * (f->y.hi - f->y.lo);
  if (!set(p->x)) f->x.lo -= more_x, f->x.hi += more_x;
  if (!set(p->y)) f->y.lo -= more_y, f->y.hi += more_y;
}

/* The axis along which a pixel is worth less gets longer, about its middle. */
static void share_unit(frame *f) {
  double x = (f->x.hi - f->x.lo) / f->r.w, y = (f->y.hi - f->y.lo) / f->r.h;
  xai_scale *s = x < y ? &f->x : &f->y;
  double middle = s->lo + 0.5 * (s->hi - s->lo), half = 0.5 * (x < y ? y * f->r.w : x * f->r.h);
  *s = (xai_scale){middle - half, middle + half};
}

static xai_status lay_frame(const xai_bench *b, const xai_rect *r, xai_err *err) {
  int right = r->x + r->w, low = r->y + r->h;
  XAI_TRY(lay_line(b, r->x, r->y, right, r->y, b->type.line, axis_rgb, err));
  XAI_TRY(lay_line(b, right, r->y, right, low, b->type.line, axis_rgb, err));
  XAI_TRY(lay_line(b, right, low, r->x, low, b->type.line, axis_rgb, err));
  return lay_line(b, r->x, low, r->x, r->y, b->type.line, axis_rgb, err);
}

/* What numbers take beside the area: left, right, below. */
static void margins(const xai_bench *b, const xai_plot *p, const frame *f, double *left, double *right, double *bottom) {
  double name = 1.4 * b->type.text, gap = b->type.gap;
  *left = (p->bare ? gap : widest_number(b, f->y) + gap) + (given(p->y_label) ? name : 0);
  *right = p->bare ? gap : fmax(gap, 0.5 * widest_number(b, f->x));
  *bottom = gap + (p->bare ? 0 : 1.2 * b->type.number) + (given(p->x_label) ? name : 0);
}

static xai_status lay_axes(const xai_bench *b, const xai_plot *p, xai_rect room, frame *f, xai_err *err) {
  double left, right, bottom;
  f->x = axis_of(p, true);
  f->y = axis_of(p, false);
  margins(b, p, f, &left, &right, &bottom);
  f->r = (xai_rect){room.x + (int)ceil(left), room.y + (int)ceil(0.6 * b->type.number), 0, 0};
  f->r.w = room.x + room.w - (int)ceil(right) - f->r.x;
  f->r.h = room.y + room.h - (int)ceil(bottom) - f->r.y;
  if (f->r.w < 8 || f->r.h < 8)
    return xai_fail(err, XAI_EARG, "plot: its cell is too small for axes (expected more than %dx%d pixels)", room.w, room.h);
  make_room(p, f);
  if (p->bare) {
    share_unit(f);
    XAI_TRY(lay_frame(b, &f->r, err));
  } else {
    XAI_TRY(lay_x_axis(b, &f->r, f->x, err));
    XAI_TRY(lay_y_axis(b, &f->r, f->y, err));
    XAI_TRY(lay_line(b, f->r.x, f->r.y, f->r.x, f->r.y + f->r.h, b->type.line, axis_rgb, err));
    XAI_TRY(lay_line(b, f->r.x, f->r.y + f->r.h, f->r.x + f->r.w, f->r.y + f->r.h, b->type.line, axis_rgb, err));
  }
  xai_text_style style = {.size = b->type.text, .align = 0.5, .grey = 0.15};
  if (given(p->x_label))
    XAI_TRY(xai_sheet__fitted(b->out, b->pen, XAI_LABEL_AXIS, f->r.x + f->r.w / 2.0, room.y + room.h - 0.6 * b->type.text,
                              style, p->x_label, f->r.w, err));
  style.upwards = true;
  if (given(p->y_label))
    XAI_TRY(xai_sheet__fitted(b->out, b->pen, XAI_LABEL_AXIS, room.x + 0.55 * b->type.text, f->r.y + f->r.h / 2.0, style,
                              p->y_label, f->r.h, err));
  return XAI_OK;
}

static xai_status lay_xy(const xai_bench *b, const xai_plot *p, xai_rect room, xai_rect *area, xai_err *err) {
  frame f;
  XAI_TRY(lay_axes(b, p, room, &f, err));
  int all = 0;
  size_t first = b->out->n_thumbs;
  for (int k = 0; k < p->n_series; k++) all += p->series[k].n;
  for (int k = 0; k < p->n_series && p->kind == XAI_PLOT_CURVES; k++) XAI_TRY(lay_curve(b, &f, &p->series[k], err));
  for (int k = p->n_series - 1; k >= 0 && p->kind == XAI_PLOT_SCATTER; k--) /* the last ones lie on top */
    XAI_TRY(lay_points(b, &f, p, &p->series[k], all, first, err));
  *area = f.r;
  return XAI_OK;
}

/* ---- bars --------------------------------------------------------------------------------------------------------- */
static void value_text(const xai_series *a, int i, double most, char text[XAI_TEXT_MAX]) {
  char number[32], shown[XAI_NUMBER_TEXT];
  if (a->texts != NULL && a->texts[i] != NULL) {
    xai_text_clean(a->texts[i], SIZE_MAX, text);
    return;
  }
  snprintf(number, sizeof number, "%.3g", a->y[i]);
  double rounded = 0;
  sscanf(number, "%lf", &rounded); /* three digits are enough to compare */
  xai_number_text(rounded, most, shown);
  memcpy(text, shown, strlen(shown) + 1);
}

typedef struct bars {
  xai_rect r;      /* from the least value to the largest */
  xai_scale x;
  double height;   /* of a line */
} bars;

static double along(const bars *g, double v) { return g->r.x + (v - g->x.lo) / (g->x.hi - g->x.lo) * g->r.w; }

static xai_status lay_bar(const xai_bench *b, const bars *g, const xai_series *a, int i, double y, double most, xai_err *err) {
  if (!isfinite(a->y[i])) return XAI_OK;
  double v = fmin(g->x.hi, fmax(g->x.lo, a->y[i])), x0 = along(g, 0), x1 = along(g, v), half = 0.38 * g->height;
  xai_ink ink = {.kind = XAI_INK_FILL, .clip = -1};
  memcpy(ink.rgb, a->rgb, 3);
  XAI_TRY(xai_sheet__ink(b->out, ink, (const double[]){x0, y - half, x1, y - half, x1, y + half, x0, y + half}, 4, err));
  double end = x1;
  if (a->error != NULL && isfinite(a->error[i]) && a->error[i] > 0) {
    static const uint8_t dark[3] = {40, 40, 40};
    double lo = along(g, fmax(g->x.lo, v - a->error[i])), hi = along(g, fmin(g->x.hi, v + a->error[i]));
    XAI_TRY(lay_line(b, lo, y, hi, y, 1.5 * b->type.line, dark, err));
    end = v < 0 ? lo : hi;
  }
  char text[XAI_TEXT_MAX];
  value_text(a, i, most, text);
  xai_text_style style = {.size = fmin(b->type.number, 0.9 * g->height), .align = v < 0 ? 1 : 0, .grey = 0.15};
  return xai_sheet__label(b->out, b->pen, XAI_LABEL_BAR, end + (v < 0 ? -b->type.gap : b->type.gap), y, style, text, err);
}

static xai_status lay_bars(const xai_bench *b, const xai_plot *p, xai_rect room, xai_rect *area, xai_err *err) {
  int n = groups(p);
  double foot = given(p->x_label) ? 1.4 * b->type.text : 0, group = (room.h - foot) / n;
  bars g = {.x = set(p->x) ? p->x : range_of(p, false), .height = group / (p->n_series + 0.35)};
  double size = fmin(b->type.number, 0.9 * g.height);
  widen(&g.x, 0);
  if (!(g.x.hi > g.x.lo)) g.x.hi = 1;
  double names = 0, after = 0, in_front = 0, most = largest(g.x);
  for (int i = 0; p->names != NULL && i < n; i++) {
    char text[XAI_TEXT_MAX];
    xai_text_clean(p->names[i], SIZE_MAX, text);
    names = fmax(names, xai_text_width(b->pen, text, size, false));
  }
  for (int k = 0; k < p->n_series; k++)
    for (int i = 0; i < p->series[k].n; i++) {
      char text[XAI_TEXT_MAX];
      value_text(&p->series[k], i, most, text);
      double wide = xai_text_width(b->pen, text, size, false) + b->type.gap;
      if (p->series[k].y[i] < 0)
        in_front = fmax(in_front, wide);
      else
        after = fmax(after, wide);
    }
  /* names may take what leaves a quarter of the width to the bars */
  names = fmin(names, fmax(0.15 * room.w, 0.75 * room.w - 2 * b->type.gap - in_front - after));
  double left = names + 2 * b->type.gap + in_front;
  g.r = (xai_rect){room.x + (int)ceil(left), room.y, room.w - (int)ceil(left + after), (int)(room.h - foot)};
  if (g.r.w < 8 || g.height < 4)
    return xai_fail(err, XAI_EARG, "plot: its cell is too small for %d bars (%dx%d pixels)", n * p->n_series, room.w, room.h);
  for (int i = 0; i < n; i++) {
    double top = room.y + i * group + 0.175 * g.height;
    if (p->names != NULL)
      XAI_TRY(xai_sheet__fitted(b->out, b->pen, XAI_LABEL_AXIS, room.x + names, top + (group - 0.35 * g.height) / 2,
                                (xai_text_style){.size = size, .align = 1}, p->names[i], names, err));
    for (int k = 0; k < p->n_series; k++)
      if (i < p->series[k].n)
        XAI_TRY(lay_bar(b, &g, &p->series[k], i, top + (k + 0.5) * g.height, most, err));
  }
  double zero = along(&g, 0);
  XAI_TRY(lay_line(b, zero, g.r.y, zero, g.r.y + g.r.h, b->type.line, axis_rgb, err));
  if (foot > 0)
    XAI_TRY(xai_sheet__fitted(b->out, b->pen, XAI_LABEL_AXIS, g.r.x + g.r.w / 2.0, room.y + room.h - 0.6 * b->type.text,
                              (xai_text_style){.size = b->type.text, .align = 0.5, .grey = 0.15}, p->x_label, g.r.w, err));
  *area = g.r;
  return XAI_OK;
}

/* ---- whole plots --------------------------------------------------------------------------------------------------- */
xai_status xai_plot_lay(const xai_plot *p, const xai_bench *b, xai_rect room, xai_rect *area, xai_err *err) {
  xai_legend entries[SERIES_MAX];
  int n = 0;
  for (int k = 0; k < p->n_series; k++) {
    if (!given(p->series[k].name)) continue;
    entries[n] = (xai_legend){.name = p->series[k].name, .look = p->kind == XAI_PLOT_BARS ? 1 : p->series[k].look};
    memcpy(entries[n++].rgb, p->series[k].rgb, 3);
  }
  double height;
  XAI_TRY(xai_sheet__legend(b, entries, n, p->kind == XAI_PLOT_CURVES, room.x, room.y, room.w, &height, err));
  room.y += (int)ceil(height);
  room.h -= (int)ceil(height);
  return p->kind == XAI_PLOT_BARS ? lay_bars(b, p, room, area, err) : lay_xy(b, p, room, area, err);
}
