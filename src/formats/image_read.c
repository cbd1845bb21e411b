/* formats/image_read.c: a picture file to upright 8-bit RGB on white. See image_parts.h for the stages.
 *
 * Colour profiles and gamma are not applied: networks were trained on pictures read the same way. */
#include <inttypes.h>

#include "formats/image_parts.h"

enum { MAX_FILE = 512 << 20 };

xai_status xai_image__set_size(int64_t width, int64_t height, xai_image_facts *facts, xai_err *err) {
  if (width < 1 || height < 1)
    return xai_fail(err, XAI_EFORMAT, "damaged: %" PRId64 "x%" PRId64 " pixels", width, height);
  if (width > XAI_IMAGE_MAX_SIDE || height > XAI_IMAGE_MAX_SIDE || width * height > XAI_IMAGE_MAX_PIXELS)
    return xai_fail(err, XAI_EFORMAT, "%" PRId64 "x%" PRId64 " pixels are too many (at most %d a side and %d million)",
                    width, height, XAI_IMAGE_MAX_SIDE, XAI_IMAGE_MAX_PIXELS / 1000000);
  facts->width = (int)width;
  facts->height = (int)height;
  return XAI_OK;
}

/* One pixel of any kind to RGB; a transparent one over white. false when it is not opaque. */
static bool compose(const unsigned char *p, int channels, uint8_t *rgb) {
  bool grey = channels < 3;
  unsigned alpha = channels % 2 == 0 ? p[channels - 1] : 255;
  for (int k = 0; k < 3; k++) rgb[k] = (uint8_t)((p[grey ? 0 : k] * alpha + 255 * (255 - alpha) + 127) / 255);
  return alpha == 255;
}

/* The decoder's w x h pixels into the picture, turned. EXIF's eight cases are: rows and columns change places, and
 * the decoder's columns or rows count from the other end. */
static bool place(const xai_pixels *from, int w, int h, int orientation, xai_image *img) {
  static const struct {
    bool swap, from_right, from_below;
  } turns[] = {{0, 0, 0}, {0, 0, 0}, {0, 1, 0}, {0, 1, 1}, {0, 0, 1}, {1, 0, 0}, {1, 0, 1}, {1, 1, 1}, {1, 1, 0}};
  bool opaque = true;
  uint8_t *to = img->rgb;
  for (int y = 0; y < img->height; y++)
    for (int x = 0; x < img->width; x++, to += 3) {
      int column = turns[orientation].swap ? y : x, row = turns[orientation].swap ? x : y;
      if (turns[orientation].from_right) column = w - 1 - column;
      if (turns[orientation].from_below) row = h - 1 - row;
      opaque &=
          compose(from->data + ((size_t)row * (size_t)w + (size_t)column) * (size_t)from->channels, from->channels, to);
    }
  return opaque;
}

static xai_status clean(const xai_file *file, xai_buf *out, xai_image_facts *facts, xai_err *err) {
  xai_cursor c = {xai_file_data(file), xai_file_data(file) + xai_file_size(file)};
  xai_format format = xai_format_sniff(c.at, xai_cursor_left(&c));
  xai_status st;
  switch (format) {
    case XAI_FORMAT_PNG: st = xai_image__clean_png(c, out, facts, err); break;
    case XAI_FORMAT_JPEG: st = xai_image__clean_jpeg(c, out, facts, err); break;
    case XAI_FORMAT_BMP: st = xai_image__clean_bmp(c, out, facts, err); break;
    default: return xai_fail(err, XAI_EUNSUPPORTED, "%s, expected PNG, JPEG or BMP", xai_format_name(format));
  }
  return st == XAI_OK && out->failed ? xai_fail_memory(err, xai_file_size(file)) : st;
}

xai_status xai_image_parse(const xai_file *file, xai_image **out, xai_image_note *note, xai_err *err) {
  xai_buf copy = {0};
  xai_image_facts facts = {.orientation = 1};
  xai_pixels pixels = {0};
  xai_image *img = NULL;
  xai_status st;
  XAI_GOTO(clean(file, &copy, &facts, err));
  XAI_GOTO(xai_image__decode(&copy, &facts, &pixels, err));
  bool turned = facts.orientation >= 5;
  XAI_GOTO(xai_image_new(turned ? facts.height : facts.width, turned ? facts.width : facts.height, &img, err));
  bool opaque = place(&pixels, facts.width, facts.height, facts.orientation, img);
  if (note != NULL) *note = opaque ? XAI_IMAGE_PLAIN : XAI_IMAGE_ALPHA;
  *out = img;
done:
  xai_image__free_pixels(&pixels);
  xai_buf_free(&copy);
  return xai_err_prefix(err, st, "%s: ", xai_file_path(file));
}

xai_status xai_image_read(const char *path, xai_image **out, xai_image_note *note, xai_err *err) {
  xai_file *file;
  XAI_TRY(xai_file_map(path, MAX_FILE, &file, err));
  xai_status st = xai_image_parse(file, out, note, err);
  xai_file_release(file);
  return st;
}
