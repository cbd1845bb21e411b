/* scenes/glyphs.c: see glyphs.h. The drawings are bitmaps in the font, 136x128 pixels; FreeType unpacks them. What it
 * needs for itself does not come from base/alloc.h and is returned before the loader is.
 *
 * Only single code points: sequences (flags, families, a cat that is black) would need shaping. */
#include "scenes/glyphs.h"

#include <ft2build.h>
#include FT_FREETYPE_H
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

static const char debian_font[] = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf";

enum { HALF = 128 }; /* alpha from which a pixel counts as covered */

/* ---- sprites --------------------------------------------------------------------------------------------- */

typedef struct part {
  int x, y, w, h;
} part;

/* The smallest rectangle with all that shows; w is 0 when nothing does. */
static part visible_part(const uint32_t *pixels, int w, int h) {
  int left = w, right = -1, top = h, bottom = -1;
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++) {
      if (pixels[y * w + x] >> 24 == 0) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      bottom = y;
    }
  return right < 0 ? (part){0, 0, 0, 0} : (part){left, top, right - left + 1, bottom - top + 1};
}

/* Means of 2x2 pixels, rounded. A side that is odd ends on the transparent border. */
static void reduce(const uint32_t *from, int w, uint32_t *to, int half_w, int half_h) {
  for (int y = 0; y < half_h; y++)
    for (int x = 0; x < half_w; x++) {
      const uint32_t *p = from + (2 * y + 1) * (w + 2) + 2 * x + 1, *q = p + w + 2;
      uint32_t mean = 0;
      for (int shift = 0; shift < 32; shift += 8) {
        uint32_t sum =
            (p[0] >> shift & 0xff) + (p[1] >> shift & 0xff) + (q[0] >> shift & 0xff) + (q[1] >> shift & 0xff);
        mean |= (sum + 2) / 4 << shift;
      }
      to[(y + 1) * (half_w + 2) + x + 1] = mean;
    }
}

xai_status xai_sprite__make(const uint32_t *pixels, int w, int h, xai_sprite *out, xai_err *err) {
  part p = visible_part(pixels, w, h);
  if (p.w == 0) return xai_fail(err, XAI_EFORMAT, "an empty drawing");
  xai_sprite s = {.w = p.w, .h = p.h};
  size_t total = 0;
  for (int l = 0; l < XAI_SPRITE_LEVELS; l++) {
    s.level[l].w = l == 0 ? p.w : (s.level[l - 1].w + 1) / 2;
    s.level[l].h = l == 0 ? p.h : (s.level[l - 1].h + 1) / 2;
    total += (size_t)(s.level[l].w + 2) * (size_t)(s.level[l].h + 2);
  }
  s.memory = xai_calloc(total, sizeof *s.memory);
  if (s.memory == NULL) return xai_fail_memory(err, total * sizeof *s.memory);

  uint32_t *at = s.memory;
  for (int l = 0; l < XAI_SPRITE_LEVELS; l++) {
    s.level[l].pixels = at;
    at += (size_t)(s.level[l].w + 2) * (size_t)(s.level[l].h + 2);
  }
  uint32_t *full = s.memory;
  for (int y = 0; y < p.h; y++)
    memcpy(full + (y + 1) * (p.w + 2) + 1, pixels + (p.y + y) * w + p.x, (size_t)p.w * sizeof *pixels);
  for (int l = 1; l < XAI_SPRITE_LEVELS; l++)
    reduce(s.level[l - 1].pixels, s.level[l - 1].w, (uint32_t *)s.level[l].pixels, s.level[l].w, s.level[l].h);
  for (int i = 0; i < w * h; i++) s.solid += pixels[i] >> 24 >= HALF;
  *out = s;
  return XAI_OK;
}

void xai_sprite__clear(xai_sprite *s) {
  xai_free(s->memory);
  *s = (xai_sprite){0};
}

/* ---- the font -------------------------------------------------------------------------------------------- */

static xai_status check_freetype(FT_Error code, const char *path, xai_err *err) {
  if (code == 0) return XAI_OK;
  if (code == FT_Err_Out_Of_Memory) return xai_fail(err, XAI_ENOMEM, "out of memory while reading %s", path);
  if (code == FT_Err_Unimplemented_Feature)
    return xai_fail(err, XAI_EUNSUPPORTED, "%s: this FreeType was built without PNG, which colour fonts need", path);
  return xai_fail(err, XAI_EFORMAT, "%s: not a colour bitmap font (FreeType error %d)", path, (int)code);
}

/* The glyph's bitmap as pixels of a sprite: bytes b g r a, already multiplied by alpha. */
static xai_status sprite_of_bitmap(const FT_Bitmap *map, xai_sprite *out, xai_err *err) {
  int w = (int)map->width, h = (int)map->rows;
  if (map->pixel_mode != FT_PIXEL_MODE_BGRA || w < 1 || h < 1 || w > 1024 || h > 1024)
    return xai_fail(err, XAI_EUNSUPPORTED, "not a colour bitmap");
  size_t bytes = (size_t)w * (size_t)h * sizeof(uint32_t);
  uint32_t *pixels = xai_alloc(bytes);
  if (pixels == NULL) return xai_fail_memory(err, bytes);
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++) {
      const unsigned char *p = map->buffer + y * map->pitch + 4 * x;
      pixels[y * w + x] = (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
    }
  xai_status st = xai_sprite__make(pixels, w, h, out, err);
  xai_free(pixels);
  return st;
}

static xai_status load_glyph(FT_Face face, const char *path, uint32_t code, xai_sprite *out, xai_err *err) {
  if (FT_Get_Char_Index(face, code) == 0)
    return xai_fail(err, XAI_EUNSUPPORTED, "%s: no drawing U+%04X; Debian's fonts-noto-color-emoji has it", path, code);
  XAI_TRY(check_freetype(FT_Load_Char(face, code, FT_LOAD_COLOR), path, err));
  return xai_err_prefix(err, sprite_of_bitmap(&face->glyph->bitmap, out, err), "%s: U+%04X: ", path, code);
}

static const char *font_path(const char *font) {
  if (font == NULL) font = getenv("XAI_EMOJI_FONT");
  return font != NULL && font[0] != '\0' ? font : debian_font;
}

xai_status xai_sprites__load(const char *font, const uint32_t *codes, int n, xai_sprite *out, xai_err *err) {
  const char *path = font_path(font);
  if (access(path, R_OK) != 0)
    return xai_fail(err, XAI_ENOTFOUND, "no colour emoji font %s; please install the package fonts-noto-color-emoji",
                    path);
  xai_status st;
  FT_Library library = NULL;
  FT_Face face = NULL;
  int made = 0;
  XAI_GOTO(check_freetype(FT_Init_FreeType(&library), path, err));
  XAI_GOTO(check_freetype(FT_New_Face(library, path, 0, &face), path, err));
  XAI_GOTO(check_freetype(FT_Select_Size(face, 0), path, err));
  for (; made < n; made++) XAI_GOTO(load_glyph(face, path, codes[made], &out[made], err));

done:
  if (st != XAI_OK)
    while (made > 0) xai_sprite__clear(&out[--made]);
  if (face != NULL) FT_Done_Face(face);
  if (library != NULL) FT_Done_FreeType(library);
  return st;
}
