/* viz/sheet_parts.c: the lists that a layout is made of, and legends. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "viz/sheet_layout.h"

static const double shrink = 0.75; /* text that is too wide gets this much smaller before it is cut */

/* Room for one item more (of 'extra' in all) in a list that doubles. */
static xai_status grow(void **items, size_t *room, size_t needed, size_t size, xai_err *err) {
  if (needed <= *room) return XAI_OK;
  size_t more = *room == 0 ? 16 : *room * 2;
  if (more < needed) more = needed;
  void *bigger = xai_realloc(*items, more * size);
  if (bigger == NULL) return xai_fail_memory(err, more * size);
  *items = bigger;
  *room = more;
  return XAI_OK;
}

void xai_label_box(const xai_label *l, double box[4]) {
  /* around the middle of the capitals: accents above, tails below */
  double before = l->style.align * l->width, after = l->width - before;
  double over = 0.52 * l->style.size, under = 0.6 * l->style.size;
  if (l->style.upwards) {
    box[0] = l->x - over, box[2] = l->x + under;
    box[1] = l->y - after, box[3] = l->y + before;
  } else {
    box[0] = l->x - before, box[2] = l->x + after;
    box[1] = l->y - over, box[3] = l->y + under;
  }
}

xai_status xai_sheet__label(xai_sheet_layout *out, xai_pen *pen, xai_label_kind kind, double x, double y,
                            xai_text_style style, const char *text, xai_err *err) {
  void *items = out->labels;
  XAI_TRY(grow(&items, &out->room_labels, out->n_labels + 1, sizeof(xai_label), err));
  out->labels = items;
  xai_label *l = &out->labels[out->n_labels++];
  *l = (xai_label){.kind = kind, .x = x, .y = y, .style = style};
  l->width = xai_text_width(pen, text, style.size, style.bold);
  memcpy(l->text, text, strlen(text) + 1);
  return XAI_OK;
}

xai_status xai_sheet__fitted(xai_sheet_layout *out, xai_pen *pen, xai_label_kind kind, double x, double y,
                             xai_text_style style, const char *raw, double width, xai_err *err) {
  char text[XAI_TEXT_MAX];
  xai_text_clean(raw, SIZE_MAX, text);
  double wanted = xai_text_width(pen, text, style.size, style.bold);
  if (wanted > width) style.size *= fmax(shrink, 0.998 * width / wanted);
  xai_text_cut(pen, text, style.size, style.bold, width);
  return xai_sheet__label(out, pen, kind, x, y, style, text, err);
}

xai_status xai_sheet__ink(xai_sheet_layout *out, xai_ink ink, const double *points, int n, xai_err *err) {
  void *items = out->inks;
  XAI_TRY(grow(&items, &out->room_inks, out->n_inks + 1, sizeof(xai_ink), err));
  out->inks = items;
  void *places = out->points;
  XAI_TRY(grow(&places, &out->room_points, out->n_points + (size_t)n, 2 * sizeof(double), err));
  out->points = places;
  ink.first = out->n_points;
  ink.n = n;
  memcpy(out->points + 2 * out->n_points, points, 2 * (size_t)n * sizeof *points);
  out->n_points += (size_t)n;
  out->inks[out->n_inks++] = ink;
  return XAI_OK;
}

xai_status xai_sheet__thumb(xai_sheet_layout *out, xai_thumb thumb, xai_err *err) {
  void *items = out->thumbs;
  XAI_TRY(grow(&items, &out->room_thumbs, out->n_thumbs + 1, sizeof(xai_thumb), err));
  out->thumbs = items;
  out->thumbs[out->n_thumbs++] = thumb;
  return XAI_OK;
}

/* The sample in front of a name: a piece of the line, or the point. */
static xai_status lay_sample(const xai_bench *b, const xai_legend *entry, bool line, double x, double y, double width,
                             xai_err *err) {
  xai_ink ink = {.kind = XAI_INK_DOT, .width = 0.36 * b->type.number, .look = entry->look, .clip = -1};
  memcpy(ink.rgb, entry->rgb, 3);
  if (!line) return xai_sheet__ink(b->out, ink, (const double[]){x + width / 2, y}, 1, err);
  ink.kind = XAI_INK_STROKE;
  ink.width = 2.5 * b->type.line;
  ink.dashed = entry->look % 2 == 1;
  return xai_sheet__ink(b->out, ink, (const double[]){x, y, x + width, y}, 2, err);
}

xai_status xai_sheet__legend(const xai_bench *b, const xai_legend *entries, int n, bool lines, double x, double y,
                             double width, double *height, xai_err *err) {
  double size = b->type.number, pitch = 1.35 * size, sample = (lines ? 1.8 : 0.8) * size, at = 0, down = 0;
  int placed = 0;
  for (int i = 0; i < n; i++) {
    char text[XAI_TEXT_MAX];
    xai_text_clean(entries[i].name, SIZE_MAX, text);
    double room = width - sample - 0.3 * size, wide = fmin(xai_text_width(b->pen, text, size, false), room);
    if (placed > 0 && at + sample + 0.3 * size + wide > width) {
      at = 0;
      down += pitch;
    }
    if (b->out != NULL) {
      double middle = y + down + pitch / 2;
      xai_text_cut(b->pen, text, size, false, room);
      XAI_TRY(lay_sample(b, &entries[i], lines, x + at, middle, sample, err));
      XAI_TRY(xai_sheet__label(b->out, b->pen, XAI_LABEL_LEGEND, x + at + sample + 0.3 * size, middle,
                               (xai_text_style){.size = size, .grey = 0.2}, text, err));
    }
    at += sample + 1.2 * size + wide;
    placed++;
  }
  *height = placed > 0 ? down + pitch : 0;
  return XAI_OK;
}

void xai_sheet_layout_clear(xai_sheet_layout *layout) {
  xai_free(layout->pictures);
  xai_free(layout->plots);
  xai_free(layout->bars);
  xai_free(layout->labels);
  xai_free(layout->inks);
  xai_free(layout->points);
  xai_free(layout->thumbs);
  *layout = (xai_sheet_layout){0};
}
