/* viz/text.c: see text.h. One typeface, whatever the system calls "sans".
 *
 * No shaping and no right-to-left scripts: captions are labels and numbers. */
#include "viz/text.h"

#include <cairo.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

static const char ellipsis[] = "\xe2\x80\xa6", replacement[] = "\xef\xbf\xbd";

static bool continues(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

/* Bytes of the UTF-8 character at p, or 0 when it is malformed, overlong, a surrogate, a noncharacter or beyond
 * U+10FFFF. Reads no further than 'left' bytes. */
static size_t character(const char *p, size_t left) {
  static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  unsigned char c = (unsigned char)*p;
  if (c < 0x80) return 1;
  size_t n = c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xc0 && c < 0xe0 ? 2 : 0;
  if (n == 0 || n > left) return 0;
  uint32_t code = c & (0x7fu >> n);
  for (size_t i = 1; i < n; i++) {
    if (!continues(p[i])) return 0;
    code = code << 6 | ((unsigned char)p[i] & 0x3f);
  }
  if (code < smallest[n] || code > 0x10ffff || (code & 0xfffff800) == 0xd800) return 0;
  if ((code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) == 0xfffe) return 0;
  return n;
}

void xai_text_clean(const char *raw, size_t length, char text[XAI_TEXT_MAX]) {
  size_t used = 0;
  for (size_t i = 0; i < length && raw[i] != '\0';) {
    const char *from = raw + i;
    size_t n = character(from, length - i);
    i += n > 0 ? n : 1;
    if (n == 0) from = replacement, n = sizeof replacement - 1;
    if (n == 1 && ((unsigned char)*from < 0x20 || *from == 0x7f)) from = " ";
    if (used + n >= XAI_TEXT_MAX) break;
    memcpy(text + used, from, n);
    used += n;
  }
  text[used] = '\0';
}

static void choose_font(cairo_t *cr, double size, bool bold) {
  cairo_select_font_face(cr, "sans", CAIRO_FONT_SLANT_NORMAL, bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cr, size);
}

double xai_text_width(xai_pen *pen, const char *text, double size, bool bold) {
  cairo_text_extents_t extents;
  choose_font(pen, size, bold);
  cairo_text_extents(pen, text, &extents);
  return extents.x_advance;
}

void xai_text_cut(xai_pen *pen, char text[XAI_TEXT_MAX], double size, bool bold, double width) {
  if (xai_text_width(pen, text, size, bold) <= width) return;
  size_t length = strlen(text);
  do {
    while (length > 0 && continues(text[length - 1])) length--;
    if (length > 0) length--;
    while (length > 0 && text[length - 1] == ' ') length--;
    if (length + sizeof ellipsis > XAI_TEXT_MAX) continue;
    memcpy(text + length, ellipsis, sizeof ellipsis);
  } while (length > 0 && xai_text_width(pen, text, size, bold) > width);
}

/* Where the first line of a text ends: behind the last break that lies within the width, else at the first one. *next
 * is where the text goes on. */
static size_t first_line(xai_pen *pen, const char *text, double size, bool bold, double width, size_t *next) {
  size_t length = strlen(text), end = 0;
  *next = length;
  if (xai_text_width(pen, text, size, bold) <= width) return length;
  for (size_t i = 1; i + 1 < length; i++) {
    bool space = text[i] == ' ';
    if (!space && strchr("/_:", text[i]) == NULL) continue;
    char head[XAI_TEXT_MAX];
    size_t stop = space ? i : i + 1;
    memcpy(head, text, stop);
    head[stop] = '\0';
    if (end > 0 && xai_text_width(pen, head, size, bold) > width) break;
    end = stop;
    *next = i + 1;
  }
  return end > 0 ? end : length;
}

/* How many lines the text takes; counting ends beyond 'most'. */
static int count_lines(xai_pen *pen, const char *text, double size, bool bold, double width, int most) {
  int n = 0;
  for (size_t next; *text != '\0' && n <= most; n++) {
    first_line(pen, text, size, bold, width, &next);
    text += next;
  }
  return n;
}

int xai_text_wrap(xai_pen *pen, const char *text, double size, bool bold, double width, int most,
                  char lines[][XAI_TEXT_MAX]) {
  int n = count_lines(pen, text, size, bold, width, most);
  double least = 0;
  for (int i = 0; n > 1 && n <= most && i < 10; i++) { /* lines of even length: the least width that takes no more */
    double middle = (least + width) / 2;
    if (count_lines(pen, text, size, bold, middle, n) <= n)
      width = middle;
    else
      least = middle;
  }
  if (n > most) n = most;
  for (int i = 0; i < n; i++) {
    size_t next, end = first_line(pen, text, size, bold, width, &next);
    if (i + 1 == n) end = strlen(text);
    memcpy(lines[i], text, end);
    lines[i][end] = '\0';
    text += i + 1 == n ? end : next;
  }
  return n;
}

void xai_text_draw(xai_pen *pen, const char *text, double x, double y, const xai_text_style *style) {
  const double capital = 0.73; /* height of capitals and digits in a sans typeface, in font sizes */
  double width = xai_text_width(pen, text, style->size, style->bold);
  cairo_save(pen);
  cairo_translate(pen, x, y);
  if (style->upwards) cairo_rotate(pen, -1.5707963267948966);
  cairo_set_source_rgb(pen, style->grey, style->grey, style->grey);
  cairo_move_to(pen, -style->align * width, capital / 2 * style->size);
  cairo_show_text(pen, text);
  cairo_restore(pen);
}
