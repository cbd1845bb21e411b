/* viz/sheet.c: a grid of captioned pictures, painted by cairo where sheet_layout.c says.
 *
 * The painter knows only a pen, so that the same layout can be painted on a page of another kind. Small pictures are
 * enlarged to visible squares: their pixels are the values. Saving the picture is not done here. */
#include <cairo.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "viz/sheet_layout.h"
#include "viz/viz.h"

/* Is the picture to be shown as squares, one per pixel? Maps and patches are, photographs that are merely small for the
 * sheet are not: they are resampled smoothly. */
static bool as_squares(const xai_image *img, const xai_rect *r) {
  double factor = (double)r->w / img->width;
  return factor >= 4 || (factor >= 2 && img->width <= 64 && img->height <= 64);
}

static xai_status check_cairo(cairo_status_t status, xai_err *err) {
  if (status == CAIRO_STATUS_SUCCESS) return XAI_OK;
  if (status == CAIRO_STATUS_NO_MEMORY) return xai_fail(err, XAI_ENOMEM, "sheet: out of memory while drawing");
  return xai_fail(err, XAI_EUNSUPPORTED, "sheet: cairo cannot draw it: %s", cairo_status_to_string(status));
}

/* ---- pixels: cairo has one 32-bit word 00rrggbb per pixel -------------------------------------------------- */
typedef struct canvas {
  uint32_t *pixels; /* rows of 'width' words */
  int width, height;
  cairo_surface_t *surface;
} canvas;

static void canvas_close(canvas *c) {
  if (c->surface != NULL) {
    cairo_surface_finish(c->surface);
    cairo_surface_destroy(c->surface);
  }
  xai_free(c->pixels);
  *c = (canvas){0};
}

static xai_status canvas_open(int width, int height, canvas *out, xai_err *err) {
  canvas c = {.width = width, .height = height};
  size_t bytes = (size_t)width * (size_t)height * sizeof *c.pixels;
  c.pixels = xai_alloc(bytes);
  if (c.pixels == NULL) return xai_fail_memory(err, bytes);
  memset(c.pixels, 0xff, bytes);
  c.surface = cairo_image_surface_create_for_data((unsigned char *)c.pixels, CAIRO_FORMAT_RGB24, width, height,
                                                  width * (int)sizeof *c.pixels);
  xai_status st = check_cairo(cairo_surface_status(c.surface), err);
  if (st == XAI_OK)
    *out = c;
  else
    canvas_close(&c);
  return st;
}

static xai_status canvas_of_image(const xai_image *img, canvas *out, xai_err *err) {
  XAI_TRY(canvas_open(img->width, img->height, out, err));
  size_t n = (size_t)img->width * (size_t)img->height;
  for (size_t i = 0; i < n; i++) {
    const uint8_t *p = img->rgb + 3 * i;
    out->pixels[i] = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
  }
  cairo_surface_mark_dirty(out->surface);
  return XAI_OK;
}

static xai_status image_of_canvas(const canvas *c, xai_image **out, xai_err *err) {
  cairo_surface_flush(c->surface);
  XAI_TRY(xai_image_new(c->width, c->height, out, err));
  size_t n = (size_t)c->width * (size_t)c->height;
  for (size_t i = 0; i < n; i++)
    for (int k = 0; k < 3; k++) (*out)->rgb[3 * i + (size_t)k] = (uint8_t)(c->pixels[i] >> (16 - 8 * k));
  return XAI_OK;
}

/* ---- painting ------------------------------------------------------------------------------------------------ */
/* A frame outside the rectangle, so that white pictures end somewhere and no pixel is hidden. */
static void paint_frame(cairo_t *cr, const xai_rect *r, int line) {
  cairo_set_source_rgb(cr, 0.45, 0.45, 0.45);
  cairo_rectangle(cr, r->x - line, r->y - line, r->w + 2 * line, r->h + 2 * line);
  cairo_fill(cr);
}

static xai_status paint_picture(cairo_t *cr, const xai_image *img, const xai_rect *r, xai_err *err) {
  xai_status st = XAI_OK;
  xai_image *resized = NULL;
  canvas c = {0};
  if (!as_squares(img, r) && (img->width != r->w || img->height != r->h))
    XAI_GOTO(xai_image_resize(img, r->w, r->h, &resized, err));
  XAI_GOTO(canvas_of_image(resized != NULL ? resized : img, &c, err));
  cairo_save(cr);
  cairo_rectangle(cr, r->x, r->y, r->w, r->h);
  cairo_clip(cr);
  cairo_translate(cr, r->x, r->y);
  cairo_scale(cr, (double)r->w / c.width, (double)r->h / c.height);
  cairo_set_source_surface(cr, c.surface, 0, 0);
  cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_NEAREST);
  cairo_pattern_set_extend(cairo_get_source(cr), CAIRO_EXTEND_PAD);
  cairo_paint(cr);
  cairo_restore(cr);
  st = check_cairo(cairo_status(cr), err);

done:
  canvas_close(&c);
  xai_image_free(resized);
  return st;
}

/* The highest value on top. */
static void paint_bar(cairo_t *cr, const xai_cmap *cmap, const xai_rect *r) {
  for (int y = 0; y < r->h; y++) {
    uint8_t rgb[3];
    xai_cmap_rgb(cmap, 1 - (y + 0.5) / r->h, rgb);
    cairo_set_source_rgb(cr, rgb[0] / 255.0, rgb[1] / 255.0, rgb[2] / 255.0);
    cairo_rectangle(cr, r->x, r->y + y, r->w, 1);
    cairo_fill(cr);
  }
}

static void paint_text(cairo_t *cr, const xai_sheet_layout *layout) {
  cairo_set_source_rgb(cr, 0.3, 0.3, 0.3);
  for (size_t i = 0; i < layout->n_ticks; i++) {
    const xai_tick *t = &layout->ticks[i];
    cairo_rectangle(cr, t->x, (int)(t->y - layout->line / 2.0 + 0.5), t->length, layout->line);
  }
  cairo_fill(cr);
  for (size_t i = 0; i < layout->n_labels; i++) {
    const xai_label *l = &layout->labels[i];
    xai_text_draw(cr, l->text, l->x, l->y, &l->style);
  }
}

static xai_status paint(cairo_t *cr, const xai_sheet_cell *cells, int n, const xai_sheet_layout *layout, xai_err *err) {
  for (int i = 0; i < n; i++) {
    if (layout->pictures[i].w > 0) {
      paint_frame(cr, &layout->pictures[i], layout->line);
      XAI_TRY(paint_picture(cr, cells[i].img, &layout->pictures[i], err));
    }
    if (layout->bars[i].w > 0) {
      paint_frame(cr, &layout->bars[i], layout->line);
      paint_bar(cr, cells[i].cmap, &layout->bars[i]);
    }
  }
  paint_text(cr, layout);
  return check_cairo(cairo_status(cr), err);
}

/* Letters as in print: no snapping to the pixel grid, so that widths grow in proportion to sizes and turned text looks
 * the same; grey edges, as colour fringes are made for one kind of screen. */
static cairo_t *new_pen(cairo_surface_t *surface) {
  cairo_t *cr = cairo_create(surface);
  cairo_font_options_t *options = cairo_font_options_create();
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_set_font_options(cr, options);
  cairo_font_options_destroy(options);
  return cr;
}

xai_status xai_sheet_draw(const xai_sheet_cell *cells, int n, const xai_sheet_opts *opts, xai_image **out,
                          xai_err *err) {
  xai_status st = XAI_OK;
  xai_sheet_layout layout = {0};
  canvas ruler = {0}, page = {0};
  cairo_t *measuring = NULL, *cr = NULL;
  XAI_GOTO(canvas_open(1, 1, &ruler, err));
  measuring = new_pen(ruler.surface);
  XAI_GOTO(xai_sheet_layout_make(cells, n, opts, measuring, &layout, err));
  XAI_GOTO(check_cairo(cairo_status(measuring), err));
  XAI_GOTO(canvas_open(layout.width, layout.height, &page, err));
  cr = new_pen(page.surface);
  XAI_GOTO(paint(cr, cells, n, &layout, err));
  st = image_of_canvas(&page, out, err);

done:
  if (cr != NULL) cairo_destroy(cr);
  if (measuring != NULL) cairo_destroy(measuring);
  canvas_close(&page);
  canvas_close(&ruler);
  xai_sheet_layout_clear(&layout);
  return st;
}
