/* formats/image_jpeg.c: the structure of a JPEG file, and a clean copy of it.
 *
 *   FF D8, then segments: FF, marker, length (2 bytes, big-endian, itself included), payload
 *   C0 C1 C2 frame (baseline, extended, progressive), C4 Huffman tables, DB quantisation tables, DD restart interval,
 *   E0 JFIF, E1 EXIF, EE Adobe's colour transform, DA scan, D9 end
 *   after a scan's payload come its coded bits; in them FF is followed by 00, or by D0..D7, the restart marks, so any
 *   other FF xx ends them
 *
 * The copy has the frame, the tables, E0, EE, the scans and the end, each where the decoder finds it at once. So no
 * FF C4 exists in it that is not the start of a table that was checked (the decoder writes beyond its array when a
 * table's counts sum to more than 256), while pictures embedded in comments, and bytes behind the end, which phones
 * like to fill with films, cannot harm and are not looked at. Of EXIF only the orientation is read. */
#include <string.h>

#include "formats/image_parts.h"

enum {
  FRAME_BASELINE = 0xC0,
  FRAME_EXTENDED = 0xC1,
  FRAME_PROGRESSIVE = 0xC2,
  FRAME_LAST = 0xCF,
  HUFFMAN = 0xC4,
  RESERVED = 0xC8,
  ARITHMETIC = 0xCC,
  RESTART_0 = 0xD0,
  RESTART_7 = 0xD7,
  START = 0xD8,
  END = 0xD9,
  SCAN = 0xDA,
  QUANTISATION = 0xDB,
  INTERVAL = 0xDD,
  APP_JFIF = 0xE0,
  APP_EXIF = 0xE1,
  APP_ADOBE = 0xEE,
  TEMPORARY = 0x01
};
/* Each scan costs a pass over the whole picture, however few its bytes. Encoders make about ten. */
enum { MAX_SCANS = 100 };

/* ---- EXIF -------------------------------------------------------------------------------------------------------- */

/* "Exif\0\0", then a TIFF header: II or MM for the byte order, 42, the offset of a directory: a count and entries of
 * 12 bytes: tag, type, count, value. Orientation is tag 0x0112, one 16-bit number (type 3). Anything odd: upright. */
static int exif_orientation(const unsigned char *p, size_t n) {
  if (n < 6 + 8 || memcmp(p, "Exif\0", 6) != 0) return 1;
  p += 6;
  n -= 6;
  bool big = p[0] == 'M';
  if (memcmp(p, big ? "MM" : "II", 2) != 0) return 1;
#define U16(at) ((size_t)(big ? p[at] << 8 | p[(at) + 1] : p[(at) + 1] << 8 | p[at]))
  size_t at = big ? U16(4) << 16 | U16(6) : U16(6) << 16 | U16(4);
  if (U16(2) != 42 || at > n - 2) return 1;
  size_t entries = U16(at);
  for (at += 2; entries-- > 0 && at <= n && n - at >= 12; at += 12)
    if (U16(at) == 0x0112) {
      size_t value = U16(at + 8);
      return U16(at + 2) == 3 && value >= 1 && value <= 8 ? (int)value : 1;
    }
#undef U16
  return 1;
}

/* ---- segments ------------------------------------------------------------------------------------------------------
 */

static xai_status cut_off(xai_err *err) { return xai_fail(err, XAI_EFORMAT, "the file is cut off: no end marker"); }

/* The next marker, over padding and whatever stands between segments. */
static bool next_marker(xai_cursor *file, int *marker) {
  for (;;) {
    const unsigned char *ff = memchr(file->at, 0xFF, xai_cursor_left(file));
    if (ff == NULL) return false;
    for (file->at = ff; file->at < file->end && *file->at == 0xFF;) file->at++;
    if (file->at == file->end) return false;
    *marker = *file->at++;
    if (*marker != 0) return true;
  }
}

static bool take_payload(xai_cursor *file, xai_cursor *payload) {
  const unsigned char *p;
  if (!xai_cursor_take(file, 2, &p)) return false;
  size_t n = (size_t)p[0] << 8 | p[1];
  if (n < 2 || !xai_cursor_take(file, n - 2, &p)) return false;
  *payload = (xai_cursor){p, p + n - 2};
  return true;
}

static void put_segment(xai_buf *b, int marker, xai_cursor payload) {
  size_t n = xai_cursor_left(&payload);
  xai_buf_add(b, (unsigned char[]){0xFF, (unsigned char)marker, (unsigned char)((n + 2) >> 8), (unsigned char)(n + 2)},
              4);
  xai_buf_add(b, payload.at, n);
}

/* The coded bits up to the marker that ends them, which stays. */
static bool take_scan(xai_cursor *file, xai_cursor *bits) {
  bits->at = file->at;
  for (;;) {
    const unsigned char *ff = memchr(file->at, 0xFF, xai_cursor_left(file)), *next = ff;
    if (ff == NULL) return false;
    while (next < file->end && *next == 0xFF) next++;
    if (next == file->end) return false;
    if (*next != 0 && (*next < RESTART_0 || *next > RESTART_7)) {
      bits->end = file->at = ff;
      return true;
    }
    file->at = next + 1;
  }
}

/* Tables one after another: class and number, 16 counts, as many values as the counts sum to. */
static bool huffman_good(xai_cursor c) {
  const unsigned char *head, *values;
  while (xai_cursor_left(&c) > 0) {
    size_t sum = 0;
    if (!xai_cursor_take(&c, 17, &head)) return false;
    for (int i = 1; i <= 16; i++) sum += head[i];
    if (sum > 256 || !xai_cursor_take(&c, sum, &values)) return false;
  }
  return true;
}

/* Precision, height, width, components, three bytes for each. */
static xai_status read_frame(int marker, xai_cursor c, xai_image_facts *facts, xai_err *err) {
  const unsigned char *p = c.at;
  if (marker > FRAME_PROGRESSIVE)
    return xai_fail(err, XAI_EUNSUPPORTED,
                    "a lossless, hierarchical or arithmetic-coded JPEG, expected a baseline or progressive one");
  if (xai_cursor_left(&c) < 6)
    return xai_fail(err, XAI_EFORMAT, "damaged: a frame header of %zu bytes", xai_cursor_left(&c));
  if (p[0] != 8) return xai_fail(err, XAI_EUNSUPPORTED, "a JPEG of %d bits per sample, expected 8", p[0]);
  if (p[5] != 1 && p[5] != 3 && p[5] != 4)
    return xai_fail(err, XAI_EUNSUPPORTED, "a JPEG of %d components, expected 1, 3 or 4", p[5]);
  facts->pixel_bytes = p[5];
  return xai_image__set_size(p[3] << 8 | p[4], p[1] << 8 | p[2], facts, err);
}

typedef struct progress {
  bool frame;
  int scans;
} progress;

/* One segment into the copy, or not, as its kind wants. */
static xai_status handle(int marker, xai_cursor payload, xai_cursor *file, progress *p, xai_buf *clean,
                         xai_image_facts *facts, xai_err *err) {
  xai_cursor bits;
  if (marker >= FRAME_BASELINE && marker <= FRAME_LAST && marker != HUFFMAN && marker != RESERVED &&
      marker != ARITHMETIC) {
    if (p->frame) return xai_fail(err, XAI_EFORMAT, "damaged: a second frame");
    XAI_TRY(read_frame(marker, payload, facts, err));
    p->frame = true;
  }
  switch (marker) {
    case APP_EXIF:
      if (facts->orientation == 1) facts->orientation = exif_orientation(payload.at, xai_cursor_left(&payload));
      return XAI_OK;
    case ARITHMETIC:
      return xai_fail(err, XAI_EUNSUPPORTED, "an arithmetic-coded JPEG, expected a baseline or progressive one");
    case HUFFMAN:
      if (!huffman_good(payload))
        return xai_fail(err, XAI_EFORMAT, "damaged: a Huffman table is not as long as it says");
      break;
    case SCAN:
      if (!p->frame) return xai_fail(err, XAI_EFORMAT, "damaged: a scan before the frame header");
      if (++p->scans > MAX_SCANS) return xai_fail(err, XAI_EFORMAT, "more than %d scans", MAX_SCANS);
      if (!take_scan(file, &bits)) return cut_off(err);
      put_segment(clean, marker, payload);
      xai_buf_add(clean, bits.at, xai_cursor_left(&bits));
      return XAI_OK;
    case FRAME_BASELINE:
    case FRAME_EXTENDED:
    case FRAME_PROGRESSIVE:
    case QUANTISATION:
    case INTERVAL:
    case APP_JFIF:
    case APP_ADOBE: break;
    default: return XAI_OK;
  }
  put_segment(clean, marker, payload);
  return XAI_OK;
}

xai_status xai_image__clean_jpeg(xai_cursor file, xai_buf *clean, xai_image_facts *facts, xai_err *err) {
  const unsigned char *start;
  progress p = {0};
  int marker;
  if (!xai_cursor_take(&file, 2, &start)) return cut_off(err);
  xai_buf_add(clean, start, 2);
  for (;;) {
    xai_cursor payload;
    if (!next_marker(&file, &marker)) return cut_off(err);
    if (marker == END) break;
    if (marker == START) return xai_fail(err, XAI_EFORMAT, "damaged: a second start marker");
    if (marker == TEMPORARY || (marker >= RESTART_0 && marker <= RESTART_7)) continue; /* these have no payload */
    if (!take_payload(&file, &payload)) return cut_off(err);
    XAI_TRY(handle(marker, payload, &file, &p, clean, facts, err));
  }
  xai_buf_add(clean, (unsigned char[]){0xFF, END}, 2);
  return p.scans > 0 ? XAI_OK : xai_fail(err, XAI_EFORMAT, "damaged: no picture in it");
}
