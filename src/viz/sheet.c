/* viz/sheet.c: a grid of captioned pictures and plots, painted by cairo where sheet_layout.c says.
 *
 * The painter knows only a pen, so that the same layout is painted as pixels, or as lines and letters on a page. Small
 * pictures are enlarged to visible squares: their pixels are the values. On a page a picture keeps its own pixels, but
 * squares are enlarged beforehand: what shows the page might smooth them. Saving is not done here. */
#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <cairo.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "viz/sheet_layout.h"
#include "viz/viz.h"

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

/* Every pixel as a square of k x k. */
static xai_status enlarge(const xai_image *img, int k, xai_image **out, xai_err *err) {
  XAI_TRY(xai_image_new(k * img->width, k * img->height, out, err));
  for (int y = 0; y < (*out)->height; y++)
    for (int x = 0; x < (*out)->width; x++)
      memcpy((*out)->rgb + 3 * ((size_t)y * (size_t)(*out)->width + (size_t)x),
             img->rgb + 3 * ((size_t)(y / k) * (size_t)img->width + (size_t)(x / k)), 3);
  return XAI_OK;
}

/* Squares that come out even where no whole number of pixels falls on each: a step larger, then resampled. */
static xai_status even_squares(const xai_image *img, int w, int h, xai_image **out, xai_err *err) {
  xai_image *large = NULL;
  XAI_TRY(enlarge(img, (w + img->width - 1) / img->width, &large, err));
  xai_status st = xai_image_resize(large, w, h, out, err);
  xai_image_free(large);
  return st;
}

/* The pixels that are given to cairo for a rectangle of w x h: NULL in *made when the picture's own will do. */
static xai_status pixels_for(const xai_image *img, double w, double h, bool squares, bool page, xai_image **made,
                             xai_err *err) {
  *made = NULL;
  int wide = w > 1 ? (int)(w + 0.5) : 1, high = h > 1 ? (int)(h + 0.5) : 1;
  bool larger = squares && wide >= 2 * img->width;
  if (page && larger) return enlarge(img, (wide + img->width - 1) / img->width, made, err);
  if (larger && wide % img->width != 0) return even_squares(img, wide, high, made, err);
  if (squares || (img->width == wide && img->height == high)) return XAI_OK;
  if (page && img->width <= 2 * wide) return XAI_OK;
  return xai_image_resize(img, page ? 2 * wide : wide, page ? 2 * high : high, made, err);
}

static xai_status paint_picture(cairo_t *cr, const xai_image *img, double x, double y, double w, double h, bool squares,
                                bool page, xai_err *err) {
  xai_status st = XAI_OK;
  xai_image *made = NULL;
  canvas c = {0};
  XAI_GOTO(pixels_for(img, w, h, squares, page, &made, err));
  XAI_GOTO(canvas_of_image(made != NULL ? made : img, &c, err));
  cairo_save(cr);
  cairo_rectangle(cr, x, y, w, h);
  cairo_clip(cr);
  cairo_translate(cr, x, y);
  cairo_scale(cr, w / c.width, h / c.height);
  cairo_set_source_surface(cr, c.surface, 0, 0);
  cairo_pattern_set_filter(cairo_get_source(cr), page && !squares ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST);
  if (!page) cairo_pattern_set_extend(cairo_get_source(cr), CAIRO_EXTEND_PAD);
  cairo_paint(cr);
  cairo_restore(cr);
  st = check_cairo(cairo_status(cr), err);

done:
  canvas_close(&c);
  xai_image_free(made);
  return st;
}

/* The highest value on top. Each colour goes down to the bar's foot, so that no seams show between them. */
static void paint_bar(cairo_t *cr, const xai_cmap *cmap, const xai_rect *r) {
  for (int y = 0; y < r->h; y++) {
    uint8_t rgb[3];
    xai_cmap_rgb(cmap, 1 - (y + 0.5) / r->h, rgb);
    cairo_set_source_rgb(cr, rgb[0] / 255.0, rgb[1] / 255.0, rgb[2] / 255.0);
    cairo_rectangle(cr, r->x, r->y + y, r->w, r->h - y);
    cairo_fill(cr);
  }
}

/* Disc, square, triangle, diamond of about the same area. */
static void trace_dot(cairo_t *cr, double x, double y, double r, int look) {
  static const struct {
    double size;
    int corners;
    double turn; /* of the first corner, from straight up, in parts of a circle */
  } looks[] = {{1, 0, 0}, {1.25, 4, 0.125}, {1.55, 3, 0}, {1.25, 4, 0}};
  int k = look >= 0 ? look % 4 : 0;
  if (k == 0) {
    cairo_new_sub_path(cr);
    cairo_arc(cr, x, y, r, 0, 2 * 3.14159265358979);
    return;
  }
  for (int i = 0; i < looks[k].corners; i++) {
    double angle = 2 * 3.14159265358979 * (looks[k].turn + (double)i / looks[k].corners);
    cairo_line_to(cr, x + looks[k].size * r * sin(angle), y - looks[k].size * r * cos(angle));
  }
  cairo_close_path(cr);
}

static void trace(cairo_t *cr, const xai_sheet_layout *layout, const xai_ink *ink) {
  cairo_new_path(cr);
  for (int i = 0; i < ink->n; i++) {
    const double *p = layout->points + 2 * (ink->first + (size_t)i);
    if (ink->kind == XAI_INK_DOT)
      trace_dot(cr, p[0], p[1], ink->width, ink->look);
    else
      cairo_line_to(cr, p[0], p[1]);
  }
  if (ink->kind == XAI_INK_FILL || ink->closed) cairo_close_path(cr);
}

static void paint_ink(cairo_t *cr, const xai_sheet_layout *layout, const xai_ink *ink) {
  cairo_save(cr);
  if (ink->clip >= 0) {
    const xai_rect *r = &layout->pictures[ink->clip];
    if (r->w == 0) r = &layout->plots[ink->clip];
    /* points and curves on the axes are seen whole */
    int more = layout->pictures[ink->clip].w == 0 ? (int)ceil(2 * ink->width) + 1 : 0;
    cairo_rectangle(cr, r->x - more, r->y - more, r->w + 2 * more, r->h + 2 * more);
    if (r->w > 0) cairo_clip(cr);
  }
  trace(cr, layout, ink);
  cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
  double rgb[3] = {ink->rgb[0] / 255.0, ink->rgb[1] / 255.0, ink->rgb[2] / 255.0};
  if (ink->kind == XAI_INK_STROKE) {
    if (ink->cased) {
      cairo_set_source_rgb(cr, 1, 1, 1);
      cairo_set_line_width(cr, 2 * ink->width);
      cairo_stroke_preserve(cr);
    }
    cairo_set_source_rgb(cr, rgb[0], rgb[1], rgb[2]);
    cairo_set_line_width(cr, ink->width);
    const double dashes[] = {3 * ink->width, 2 * ink->width};
    if (ink->dashed) cairo_set_dash(cr, dashes, 2, 0);
    cairo_stroke(cr);
  } else {
    cairo_set_source_rgb(cr, rgb[0], rgb[1], rgb[2]);
    cairo_fill_preserve(cr);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_set_line_width(cr, 0.5 * layout->line);
    if (ink->cased) cairo_stroke(cr);
  }
  cairo_restore(cr);
}

static xai_status paint(cairo_t *cr, const xai_sheet_cell *cells, int n, const xai_sheet_layout *layout, bool page,
                        xai_err *err) {
  for (int i = 0; i < n; i++) {
    const xai_rect *r = &layout->pictures[i];
    if (r->w > 0) {
      paint_frame(cr, r, layout->line);
      XAI_TRY(paint_picture(cr, cells[i].img, r->x, r->y, r->w, r->h, xai_sheet_squares(&cells[i], r->w), page, err));
    }
    if (layout->bars[i].w > 0) {
      paint_frame(cr, &layout->bars[i], layout->line);
      paint_bar(cr, cells[i].cmap, &layout->bars[i]);
    }
  }
  for (size_t i = 0; i < layout->n_inks; i++) paint_ink(cr, layout, &layout->inks[i]);
  for (size_t i = 0; i < layout->n_thumbs; i++) {
    const xai_thumb *t = &layout->thumbs[i];
    cairo_set_source_rgb(cr, t->rgb[0] / 255.0, t->rgb[1] / 255.0, t->rgb[2] / 255.0);
    cairo_rectangle(cr, t->x - t->edge, t->y - t->edge, t->w + 2 * t->edge, t->h + 2 * t->edge);
    cairo_fill(cr);
    XAI_TRY(paint_picture(cr, t->img, t->x, t->y, t->w, t->h, t->w >= 2 * t->img->width, page, err));
  }
  for (size_t i = 0; i < layout->n_labels; i++) {
    const xai_label *l = &layout->labels[i];
    xai_text_draw(cr, l->text, l->x, l->y, &l->style);
  }
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

xai_status xai_sheet_lay(const xai_sheet_cell *cells, int n, const xai_sheet_opts *opts, xai_sheet_layout *out,
                         xai_err *err) {
  canvas ruler = {0};
  *out = (xai_sheet_layout){0};
  XAI_TRY(canvas_open(1, 1, &ruler, err));
  cairo_t *pen = new_pen(ruler.surface);
  xai_status st = xai_sheet_layout_make(cells, n, opts, pen, out, err);
  if (st == XAI_OK) st = check_cairo(cairo_status(pen), err);
  cairo_destroy(pen);
  canvas_close(&ruler);
  return st;
}

xai_status xai_sheet_draw(const xai_sheet_cell *cells, int n, const xai_sheet_opts *opts, xai_image **out,
                          xai_err *err) {
  xai_status st = XAI_OK;
  xai_sheet_layout layout = {0};
  canvas page = {0};
  cairo_t *cr = NULL;
  XAI_GOTO(xai_sheet_lay(cells, n, opts, &layout, err));
  XAI_GOTO(canvas_open(layout.width, layout.height, &page, err));
  cr = new_pen(page.surface);
  XAI_GOTO(paint(cr, cells, n, &layout, false, err));
  st = image_of_canvas(&page, out, err);

done:
  if (cr != NULL) cairo_destroy(cr);
  canvas_close(&page);
  xai_sheet_layout_clear(&layout);
  return st;
}

/* ---- pages --------------------------------------------------------------------------------------------------------- */
static cairo_status_t append(void *out, const unsigned char *bytes, unsigned int n) {
  xai_buf_add(out, bytes, n);
  return ((xai_buf *)out)->failed ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

static void add_text(xai_buf *b, const char *text) { xai_buf_add(b, text, strlen(text)); }

static void add_element(xai_buf *b, const char *name, const char *content) {
  static const char *const escapes[] = {"&amp;", "&lt;", "&gt;"};
  if (content == NULL) return;
  add_text(b, "<");
  add_text(b, name);
  add_text(b, ">");
  for (const char *p = content; *p != '\0'; p++) {
    const char *special = strchr("&<>", *p);
    if (special != NULL)
      add_text(b, escapes[special - "&<>"]);
    else
      xai_buf_add(b, (unsigned char)*p < 0x20 ? " " : p, 1); /* most control characters are no XML */
  }
  add_text(b, "</");
  add_text(b, name);
  add_text(b, ">\n");
}

/* cairo has no words of its own for what an SVG says about itself: they go behind the first tag. */
static xai_status describe_svg(const xai_buf *drawn, const xai_page_info *info, xai_buf *out, xai_err *err) {
  static const char root[] = "<svg ";
  size_t at = 0;
  while (at + sizeof root < drawn->size && memcmp(drawn->data + at, root, sizeof root - 1) != 0) at++;
  while (at < drawn->size && drawn->data[at] != '>') at++;
  if (at >= drawn->size) return xai_fail(err, XAI_EUNSUPPORTED, "sheet: cairo wrote no SVG");
  xai_buf_add(out, drawn->data, at + 1);
  add_text(out, "\n");
  add_element(out, "title", info->title);
  add_element(out, "desc", info->creator);
  add_element(out, "metadata", info->facts);
  xai_buf_add(out, drawn->data + at + 1, drawn->size - at - 1);
  return out->failed ? xai_fail_memory(err, drawn->size) : XAI_OK;
}

static void describe_pdf(cairo_surface_t *surface, const xai_page_info *info) {
  if (info->title != NULL) cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, info->title);
  if (info->creator != NULL) cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, info->creator);
  if (info->facts != NULL) cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_SUBJECT, info->facts);
}

static xai_status open_page(xai_page page, const xai_sheet_layout *layout, double scale, const xai_page_info *info,
                            xai_buf *bytes, cairo_surface_t **out, xai_err *err) {
  double w = scale * layout->width, h = scale * layout->height;
  *out = page == XAI_PAGE_SVG ? cairo_svg_surface_create_for_stream(append, bytes, w, h)
                              : cairo_pdf_surface_create_for_stream(append, bytes, w, h);
  XAI_TRY(check_cairo(cairo_surface_status(*out), err));
  if (page == XAI_PAGE_SVG)
    cairo_svg_surface_set_document_unit(*out, CAIRO_SVG_UNIT_PX);
  else
    describe_pdf(*out, info);
  return XAI_OK;
}

xai_status xai_sheet_page(const xai_sheet_cell *cells, int n, const xai_sheet_opts *opts, xai_page page,
                          const xai_page_info *info, xai_buf *out, xai_err *err) {
  xai_status st = XAI_OK;
  xai_sheet_layout layout = {0};
  xai_buf drawn = {0};
  cairo_surface_t *surface = NULL;
  cairo_t *cr = NULL;
  double scale = page == XAI_PAGE_PDF ? 0.5 : 1; /* points: two pixels to one, so that a page is not a poster */
  XAI_GOTO(xai_sheet_lay(cells, n, opts, &layout, err));
  XAI_GOTO(open_page(page, &layout, scale, info, page == XAI_PAGE_SVG ? &drawn : out, &surface, err));
  cr = new_pen(surface);
  cairo_scale(cr, scale, scale);
  cairo_set_source_rgb(cr, 1, 1, 1);
  cairo_paint(cr);
  XAI_GOTO(paint(cr, cells, n, &layout, true, err));
  cairo_surface_finish(surface);
  XAI_GOTO(check_cairo(cairo_surface_status(surface), err));
  if (page == XAI_PAGE_SVG) st = describe_svg(&drawn, info, out, err);

done:
  if (cr != NULL) cairo_destroy(cr);
  if (surface != NULL) {
    cairo_surface_finish(surface);
    cairo_surface_destroy(surface);
  }
  xai_sheet_layout_clear(&layout);
  xai_buf_free(&drawn);
  return st;
}
