/* viz/colormap.c: numbers between 0 and 1 to colours.
 *
 * The perceptual maps are paths through CIE L*a*b* (D65): lightness L* runs along a straight line, so that equal steps
 * of the value look like equal steps and survive grey print; a* and b* follow a smooth curve through nine points
 * (Catmull-Rom). The points are our own choice, in the manner of the well-known maps of the same names. The diverging
 * map goes down from white on both sides by the same lightness. jet is the usual three ramps in RGB and has neither
 * property.
 *
 * A map has 257 colours, an odd number, so that the middle of a diverging map is exactly white.
 * Scaling of values is not done here (normalize.c). */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "viz/viz.h"

enum { POINTS = 9 };

typedef enum path { PATH_LAB, PATH_GREY, PATH_JET } path;

struct xai_cmap {
  const char *name;
  bool diverging;
  path path;
  double from, to;       /* L* at 0 and at 1; diverging: in the middle and at both ends */
  signed char a[POINTS]; /* at 0, 1/8, ... 1 */
  signed char b[POINTS];
};

static const xai_cmap maps[] = {
    {.name = "inferno",
     .path = PATH_LAB,
     .from = 1,
     .to = 98,
     .a = {1, 22, 40, 56, 60, 51, 30, 8, -14},
     .b = {-2, -31, -33, -15, 16, 46, 68, 76, 46}},
    {.name = "viridis",
     .path = PATH_LAB,
     .from = 15,
     .to = 91,
     .a = {30, 24, 10, -4, -21, -35, -44, -40, -19},
     .b = {-30, -37, -35, -31, -21, -3, 20, 53, 84}},
    {.name = "grey", .path = PATH_GREY},
    {.name = "jet", .path = PATH_JET},
    {.name = "diverging",
     .diverging = true,
     .path = PATH_LAB,
     .from = 100,
     .to = 26,
     .a = {16, 10, 1, -3, 0, 19, 40, 56, 45},
     .b = {-43, -49, -40, -21, 0, 10, 21, 31, 27}},
};
enum { MAPS = sizeof maps / sizeof maps[0] };

static const char *map_name(const void *unused, size_t i) {
  (void)unused;
  return maps[i].name;
}

xai_status xai_cmap_find(const char *name, const xai_cmap **out, xai_err *err) {
  for (size_t i = 0; i < MAPS; i++)
    if (strcmp(maps[i].name, name) == 0) {
      *out = &maps[i];
      return XAI_OK;
    }
  char names[128], hint[64];
  size_t used = 0;
  for (size_t i = 0; i < MAPS; i++) xai_str_append(names, sizeof names, &used, "%s%s", i > 0 ? ", " : "", maps[i].name);
  xai_str_suggest(hint, sizeof hint, xai_str_nearest(name, MAPS, map_name, NULL));
  return xai_fail(err, XAI_ENOTFOUND, "no colour map '%.80s' (colour maps: %s)%s", name, names, hint);
}

const char *xai_cmap_name(const xai_cmap *m) { return m->name; }
bool xai_cmap_diverging(const xai_cmap *m) { return m->diverging; }

static double clip(double v, double lo, double hi) { return v < lo ? lo : v > hi ? hi : v; }

/* The curve through the points at t; beyond the ends it goes on straight. */
static double along(const signed char p[POINTS], double t) {
  double u = t * (POINTS - 1);
  int i = u < POINTS - 2 ? (int)u : POINTS - 2;
  double f = u - i;
  double p1 = p[i], p2 = p[i + 1];
  double p0 = i > 0 ? p[i - 1] : 2 * p1 - p2;
  double p3 = i < POINTS - 2 ? p[i + 2] : 2 * p2 - p1;
  return 0.5 *
         (2 * p1 + (p2 - p0) * f + (2 * p0 - 5 * p1 + 4 * p2 - p3) * f * f + (3 * p1 - p0 - 3 * p2 + p3) * f * f * f);
}

/* Inverse of the CIE function f: cube root with a straight piece near black. */
static double lab_inverse(double f) { return f > 6.0 / 29 ? f * f * f : 108.0 / 841 * (f - 4.0 / 29); }

/* IEC 61966-2-1, linear light to the coded value. */
static double srgb_code(double linear) {
  return linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055;
}

static void lab_to_srgb(double lightness, double a, double b, double rgb[3]) {
  double fy = (lightness + 16) / 116;
  double x = 0.95047 * lab_inverse(fy + a / 500), y = lab_inverse(fy), z = 1.08883 * lab_inverse(fy - b / 200);
  rgb[0] = srgb_code(3.2404542 * x - 1.5371385 * y - 0.4985314 * z);
  rgb[1] = srgb_code(-0.9692660 * x + 1.8760108 * y + 0.0415560 * z);
  rgb[2] = srgb_code(0.0556434 * x - 0.2040259 * y + 1.0572252 * z);
}

static void colour_at(const xai_cmap *m, double t, uint8_t out[3]) {
  double rgb[3] = {t, t, t};
  if (m->path == PATH_LAB) {
    double way = m->diverging ? fabs(2 * t - 1) : t;
    lab_to_srgb(m->from + way * (m->to - m->from), along(m->a, t), along(m->b, t), rgb);
  } else if (m->path == PATH_JET) {
    for (int k = 0; k < 3; k++) rgb[k] = 1.5 - fabs(4 * t - (3 - k));
  }
  for (int k = 0; k < 3; k++) out[k] = (uint8_t)lround(255 * clip(rgb[k], 0, 1));
}

int xai_cmap_index(double t) {
  return isnan(t) ? XAI_CMAP_COLOURS : (int)lround(clip(t, 0, 1) * (XAI_CMAP_COLOURS - 1));
}

static void colour_of_index(const xai_cmap *m, int index, uint8_t rgb[3]) {
  if (index == XAI_CMAP_COLOURS)
    rgb[0] = rgb[1] = rgb[2] = 128;
  else
    colour_at(m, index / (double)(XAI_CMAP_COLOURS - 1), rgb);
}

void xai_cmap_rgb(const xai_cmap *m, double t, uint8_t rgb[3]) { colour_of_index(m, xai_cmap_index(t), rgb); }

void xai_cmap_table(const xai_cmap *m, uint8_t rgb[XAI_CMAP_COLOURS + 1][3]) {
  for (int i = 0; i <= XAI_CMAP_COLOURS; i++) colour_of_index(m, i, rgb[i]);
}

void xai_class_colour(int i, uint8_t rgb[3]) {
  static const uint8_t colours[XAI_CLASS_COLOURS][3] = {{0, 114, 178}, {213, 94, 0},   {0, 158, 115},  {204, 121, 167},
                                                        {230, 159, 0}, {86, 180, 233}, {110, 70, 40}, {90, 90, 90}};
  memcpy(rgb, colours[i % XAI_CLASS_COLOURS], 3);
}
