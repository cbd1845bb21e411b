/* viz/text.h: lines of text, measured and drawn by cairo. */
#ifndef VIZ_TEXT_H
#define VIZ_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* cairo's drawing context, under a name of our own so that cairo.h is included by text.c and sheet.c alone. */
typedef struct _cairo xai_pen;

enum { XAI_TEXT_MAX = 256 }; /* bytes of one line, NUL included; what is longer is cut between characters */

/* raw, up to its end or to 'length' bytes, as text that cairo accepts: whatever is not valid UTF-8 becomes U+FFFD,
 * control characters become spaces. cairo refuses to draw anything more after one bad byte. */
void xai_text_clean(const char *raw, size_t length, char text[XAI_TEXT_MAX]);

/* Pixels from the pen's place before the text to its place after it. */
double xai_text_width(xai_pen *pen, const char *text, double size, bool bold);

/* Shortens the text until it fits, with an ellipsis at its end. */
void xai_text_cut(xai_pen *pen, char text[XAI_TEXT_MAX], double size, bool bold, double width);

/* The text in at most 'most' lines, broken at spaces or after a '/', '_' or ':', as many as the width asks for and as even
 * as they can be. What cannot be broken is wider, and the last of too many lines has all the rest. Returns how many. */
int xai_text_wrap(xai_pen *pen, const char *text, double size, bool bold, double width, int most,
                  char lines[][XAI_TEXT_MAX]);

/* Draws around (x, y): y is the middle of the capital letters; align 0, 0.5, 1 puts x at the text's left end, middle,
 * right end; upwards turns it to be read from bottom to top. grey 0 is black. */
typedef struct xai_text_style {
  double size, align, grey;
  bool bold, upwards;
} xai_text_style;
void xai_text_draw(xai_pen *pen, const char *text, double x, double y, const xai_text_style *style);

#endif
