/* formats/image_bmp.c: the structure of a BMP file, and a clean copy of it. Little-endian.
 *
 *   0   'BM', file size, 0, 0, 10: offset of the pixels
 *   14  length of the info header: 12 (16-bit sides), 40, 52, 56, 64, 108 or 124; 18: width, height (negative: top row
 *       first), 1, bits per pixel; 30: compression (0 none, 3 colour masks), 46: colours in the palette (0: all)
 *   54  masks of red, green, blue, alpha: in the header from length 52 on, else behind it
 *   then the palette (blue, green, red, and a zero unless the header has 12 bytes), and rows padded to 4 bytes
 *
 * The copy has a header of 108 bytes, a palette of every colour that the bits can number, and exactly the rows. Where
 * no alpha mask is given, the fourth byte of a pixel means nothing. Run-length coding is not supported. */
#include <stdlib.h>

#include "formats/image_parts.h"

enum { FILE_HEADER = 14, SMALL_HEADER = 12, CLEAN_HEADER = 108, MASKS = 54, NONE = 0, BITFIELDS = 3 };

typedef struct layout {
  uint32_t pixels, header, compression, colours, mask[4];
  int32_t width, height;
  uint16_t bits;
} layout;

/* Field at a fixed place of the file; 0 beyond its end. */
static uint32_t field(const xai_cursor *file, size_t at, size_t bytes) {
  uint32_t v = 0;
  if (xai_cursor_left(file) < at + bytes) return 0;
  for (size_t i = bytes; i-- > 0;) v = v << 8 | file->at[at + i];
  return v;
}

static xai_status read_layout(const xai_cursor *file, layout *l, xai_err *err) {
  *l = (layout){.pixels = field(file, 10, 4), .header = field(file, 14, 4)};
  bool small = l->header == SMALL_HEADER;
  size_t masks = l->header >= 56 ? 4 : 3;
  if (xai_cursor_left(file) < FILE_HEADER + (size_t)l->header)
    return xai_fail(err, XAI_EFORMAT, "the file is cut off inside its header");
  l->width = (int32_t)(small ? field(file, 18, 2) : field(file, 18, 4));
  l->height = (int32_t)(small ? field(file, 20, 2) : field(file, 22, 4));
  l->bits = (uint16_t)field(file, small ? 24 : 28, 2);
  if (!small) l->compression = field(file, 30, 4), l->colours = field(file, 46, 4);
  if (l->compression != NONE && (l->compression != BITFIELDS || l->header == 64))
    return xai_fail(err, XAI_EUNSUPPORTED, "a BMP with compression %u, expected an uncompressed one",
                    (unsigned)l->compression);
  if (l->compression == BITFIELDS)
    for (size_t i = 0; i < masks; i++) l->mask[i] = field(file, MASKS + 4 * i, 4);
  switch (l->bits) {
    case 1:
    case 4:
    case 8:
    case 24:
      if (l->compression != NONE)
        return xai_fail(err, XAI_EFORMAT, "damaged: colour masks with %d bits per pixel", l->bits);
      return XAI_OK;
    case 16:
    case 32: return XAI_OK;
    default:
      return xai_fail(err, XAI_EUNSUPPORTED, "a BMP of %d bits per pixel, expected 1, 4, 8, 16, 24 or 32", l->bits);
  }
}

static void put(xai_buf *b, uint32_t v, size_t bytes) {
  unsigned char p[4];
  for (size_t i = 0; i < bytes; i++) p[i] = (unsigned char)(v >> 8 * i);
  xai_buf_add(b, p, bytes);
}

static void put_zeros(xai_buf *b, size_t n) {
  static const unsigned char zeros[64];
  for (; n > sizeof zeros; n -= sizeof zeros) xai_buf_add(b, zeros, sizeof zeros);
  xai_buf_add(b, zeros, n);
}

static void put_header(xai_buf *b, const layout *l) {
  bool masked = l->compression == BITFIELDS || l->bits == 32;
  static const uint32_t plain[4] = {0xFF0000, 0xFF00, 0xFF, 0};
  uint32_t palette = l->bits <= 8 ? 4U << l->bits : 0;
  put(b, 'B' | 'M' << 8, 2);
  put_zeros(b, 8);
  put(b, FILE_HEADER + CLEAN_HEADER + palette, 4);
  put(b, CLEAN_HEADER, 4);
  put(b, (uint32_t)l->width, 4);
  put(b, (uint32_t)l->height, 4);
  put(b, 1, 2);
  put(b, l->bits, 2);
  put(b, masked ? BITFIELDS : NONE, 4);
  put_zeros(b, 20);
  for (int i = 0; i < 4; i++) put(b, l->compression == BITFIELDS ? l->mask[i] : masked ? plain[i] : 0, 4);
  put_zeros(b, 52);
}

/* The file's palette, black after its end. */
static xai_status put_palette(xai_buf *b, const layout *l, const xai_cursor *file, xai_err *err) {
  if (l->bits > 8) return XAI_OK;
  size_t all = (size_t)1 << l->bits, size = l->header == SMALL_HEADER ? 3 : 4;
  size_t start = FILE_HEADER + l->header, room = l->pixels > start ? (l->pixels - start) / size : 0;
  size_t n = l->colours == 0 || l->colours > all ? all : l->colours;
  if (n > room) n = room;
  if (n == 0) return xai_fail(err, XAI_EFORMAT, "damaged: no palette");
  for (size_t i = 0; i < all; i++) put(b, i < n ? field(file, start + size * i, 3) : 0, 4);
  return XAI_OK;
}

xai_status xai_image__clean_bmp(xai_cursor file, xai_buf *clean, xai_image_facts *facts, xai_err *err) {
  layout l;
  XAI_TRY(read_layout(&file, &l, err));
  XAI_TRY(xai_image__set_size(l.width, llabs(l.height), facts, err));
  facts->pixel_bytes = (l.bits + 7) / 8;
  size_t used = ((size_t)l.width * l.bits + 7) / 8, stride = (used + 3) / 4 * 4;
  size_t rows = stride * (size_t)(facts->height - 1) + used; /* some writers leave out the last row's padding */
  const unsigned char *skipped, *pixels;
  put_header(clean, &l);
  XAI_TRY(put_palette(clean, &l, &file, err));
  if (!xai_cursor_take(&file, l.pixels, &skipped) || !xai_cursor_take(&file, rows, &pixels))
    return xai_fail(err, XAI_EFORMAT, "the file is cut off: %dx%d pixels of %d bits need %zu bytes", facts->width,
                    facts->height, l.bits, rows);
  xai_buf_add(clean, pixels, rows);
  put_zeros(clean, stride - used);
  return XAI_OK;
}
