/* scenes/glyphs.h: the drawings: which class has which, and their pixels. */
#ifndef SCENES_GLYPHS_H
#define SCENES_GLYPHS_H

#include <stdint.h>

#include "base/status.h"

/* ---- classes (classes.c) ------------------------------------------------------------------------------ */
enum { XAI_CLASS_DRAWINGS = 12 };
typedef struct xai_scene_row {
  const char *name;
  uint32_t codes[XAI_CLASS_DRAWINGS]; /* code points; those for training first */
  int train, all;
} xai_scene_row;
extern const xai_scene_row xai_scene__rows[];

/* ---- sprites (glyphs.c) ------------------------------------------------------------------------------- */
/* A drawing, cropped to what is not transparent, at full size and reduced by 2, 4, ...: level l + 1 holds the means of
 * 2x2 pixels of level l. A pixel is aarrggbb, the colours multiplied by alpha. Around each level stands one transparent
 * pixel, so that interpolation needs no case at the edge. */
enum { XAI_SPRITE_LEVELS = 6 };
typedef struct xai_sprite {
  int w, h;
  int64_t solid; /* pixels of the full size whose alpha is at least 1/2 */
  struct {
    int w, h;               /* without the border */
    const uint32_t *pixels; /* (h + 2) rows of w + 2 */
  } level[XAI_SPRITE_LEVELS];
  uint32_t *memory;
} xai_sprite;

/* A sprite of h rows of w such pixels. Fails with XAI_EFORMAT when all are transparent, or XAI_ENOMEM. */
xai_status xai_sprite__make(const uint32_t *pixels, int w, int h, xai_sprite *out, xai_err *err);
void xai_sprite__clear(xai_sprite *s);

/* The font's drawings of the code points, n sprites. On failure none is left. The path is NULL for the usual place. */
xai_status xai_sprites__load(const char *font, const uint32_t *codes, int n, xai_sprite *out, xai_err *err);

#endif
