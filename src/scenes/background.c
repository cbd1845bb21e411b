/* scenes/background.c: what stands behind the objects: patterns of the kinds that first layers answer to, and that must
 * not decide the class: shading, 1/f noise, gratings of all orientations and widths, checkers, soft shapes.
 *
 * Everything is computed from +, -, *, / and square roots in single precision and rounded to bytes. */
#include "scenes/compose.h"

#include <math.h>
#include <string.h>

const char *const xai_backdrop__names[XAI_BACKDROPS] = {"plain", "ramp",    "noise",     "grating", "stripes",
                                                        "plaid", "checker", "landscape", "clutter"};

typedef struct colour {
  float v[3];
} colour;

static float within(float v, float lo, float hi) { return v < lo ? lo : v > hi ? hi : v; }
static uint8_t byte_of(float v) { return (uint8_t)(within(v, 0, 255) + 0.5f); }

static colour any_colour(xai_dice *d) {
  colour c;
  for (int i = 0; i < 3; i++) c.v[i] = (float)dice_between(d, 0, 255);
  return c;
}

/* Each channel at most 'off' from one grey. */
static colour near_grey(xai_dice *d, double lo, double hi, double off) {
  float grey = (float)dice_between(d, lo, hi);
  colour c;
  for (int i = 0; i < 3; i++) c.v[i] = grey + (float)dice_between(d, -off, off);
  return c;
}

/* ---- 1/f noise --------------------------------------------------------------------------------------------- */

/* A side of the next coarser level: element k is interpolated between elements k/2 and k/2 + 1 of that. */
static int coarser(int n) { return (n - 1) / 2 + 2; }

/* Twice as fine by the quadratic B-spline: weights 3/4 and 1/4, the nearer one first. from has coarser(h) rows of
 * coarser(w), row is scratch for one. */
static void finer(const float *from, int w, int h, float *to, float *row) {
  int n = coarser(w);
  for (int y = 0; y < h; y++) {
    const float *p = from + (size_t)(y / 2) * (size_t)n, *q = p + n;
    float near = y % 2 == 0 ? 0.75f : 0.25f, far = 1 - near;
    for (int k = 0; k < n; k++) row[k] = near * p[k] + far * q[k];
    float *out = to + (size_t)y * (size_t)w;
    for (int x = 0; x + 1 < w; x += 2) {
      out[x] = 0.75f * row[x / 2] + 0.25f * row[x / 2 + 1];
      out[x + 1] = 0.25f * row[x / 2] + 0.75f * row[x / 2 + 1];
    }
    if (w % 2 != 0) out[w - 1] = 0.75f * row[w / 2] + 0.25f * row[w / 2 + 1];
  }
}

/* Adds white noise, uniform within +-amplitude, four values from each number. */
static void add_white(float *v, size_t n, float amplitude, xai_dice *d) {
  float unit = amplitude / 32768;
  for (size_t i = 0; i < n; i += 4) {
    uint64_t bits = dice_bits(d);
    for (size_t k = i; k < i + 4 && k < n; k++, bits >>= 16) v[k] += unit * (float)(int16_t)(bits & 0xffff);
  }
}

size_t xai_backdrop__scratch(int w, int h) {
  size_t level = (size_t)(w + 2) * (size_t)(h + 2);
  return 3 * level + (size_t)w + 2;
}

/* Noise from -1 to 1 in 'field': from coarse to fine, each level adds as much as the one before (amplitude 1/f), times
 * 'rough'. Two levels take turns in field and spare. */
static void pink(float *field, float *spare, float *row, int w, int h, float rough, xai_dice *d) {
  int ws[16], hs[16], levels = 1;
  ws[0] = w, hs[0] = h;
  while (levels < 16 && (ws[levels - 1] > 4 || hs[levels - 1] > 4)) {
    ws[levels] = coarser(ws[levels - 1]);
    hs[levels] = coarser(hs[levels - 1]);
    levels++;
  }
  float amplitude = 1, *from = levels % 2 != 0 ? field : spare, *to = levels % 2 != 0 ? spare : field;
  memset(from, 0, (size_t)ws[levels - 1] * (size_t)hs[levels - 1] * sizeof *from);
  add_white(from, (size_t)ws[levels - 1] * (size_t)hs[levels - 1], amplitude, d);
  for (int l = levels - 2; l >= 0; l--) {
    size_t n = (size_t)ws[l] * (size_t)hs[l];
    amplitude *= rough;
    finer(from, ws[l], hs[l], to, row);
    add_white(to, n, amplitude, d);
    float *done = to;
    to = from;
    from = done;
  }
  float largest = 1e-6f;
  size_t n = (size_t)w * (size_t)h;
  for (size_t i = 0; i < n; i++) largest = fabsf(field[i]) > largest ? fabsf(field[i]) : largest;
  for (size_t i = 0; i < n; i++) field[i] /= largest;
}

/* ---- fields: one number per pixel, -1 to 1 ----------------------------------------------------------------------- */

/* A plane wave: phases that wrap by themselves. */
typedef struct wave {
  uint32_t start, x, y;
  float period; /* pixels */
} wave;

static wave any_wave(xai_dice *d, int side, double least, double most) {
  double cycles = dice_between(d, least, most);
  if (dice_chance(d, 0.5)) cycles = least * most / cycles; /* wide ones as often as narrow ones */
  double step = 0x1p32 * cycles / side;
  uint32_t turn = dice_turn(d);
  wave w = {dice_turn(d), (uint32_t)(int64_t)(step * (double)turn_cos(turn)),
            (uint32_t)(int64_t)(step * (double)turn_sin(turn)), (float)(side / cycles)};
  return w;
}

/* sharp: a square wave whose edges are a pixel wide */
static void put_wave(float *field, int w, int h, const wave *g, bool sharp) {
  float slope = g->period / 3.1415927f;
  for (int y = 0; y < h; y++) {
    float *row = field + (size_t)y * (size_t)w;
    uint32_t turn = g->start + (uint32_t)y * g->y;
    for (int x = 0; x < w; x++) row[x] = turn_sin(turn + (uint32_t)x * g->x);
    for (int x = 0; sharp && x < w; x++) row[x] = within(row[x] * slope, -1, 1);
  }
}

/* From -1 at one side of the picture to 1 at the other. */
static void put_ramp(float *field, int w, int h, uint32_t turn) {
  float c = turn_cos(turn) / (float)w, s = turn_sin(turn) / (float)h;
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++)
      field[(size_t)y * (size_t)w + (size_t)x] = c * (2 * (float)x + 1 - (float)w) + s * (2 * (float)y + 1 - (float)h);
}

/* ---- pictures -------------------------------------------------------------------------------------------- */

/* a where the field is -1, b where it is 1 */
static void mix(xai_canvas *c, const float *field, colour a, colour b) {
  size_t n = (size_t)c->w * (size_t)c->h;
  float middle[3], half[3];
  for (int k = 0; k < 3; k++) middle[k] = (a.v[k] + b.v[k]) / 2, half[k] = (b.v[k] - a.v[k]) / 2;
  for (size_t i = 0; i < n; i++)
    for (int k = 0; k < 3; k++) c->rgb[3 * i + (size_t)k] = byte_of(middle[k] + half[k] * field[i]);
}

/* Adds the field times a colour. */
static void add(xai_canvas *c, const float *field, colour by) {
  size_t n = (size_t)c->w * (size_t)c->h;
  for (size_t i = 0; i < n; i++)
    for (int k = 0; k < 3; k++)
      c->rgb[3 * i + (size_t)k] = byte_of((float)c->rgb[3 * i + (size_t)k] + by.v[k] * field[i]);
}

/* Sky that brightens towards the horizon; ground whose noise grows towards the foot. The first row of 'hills' is the
 * line between them. */
static void landscape(xai_canvas *c, const float *field, const float *hills, colour sky, colour ground, xai_dice *d) {
  float horizon = (float)dice_between(d, 0.35, 0.7) * (float)c->h, slope = (float)dice_between(d, -0.12, 0.12);
  float height = (float)dice_between(d, 0, 0.12) * (float)c->h, rough = (float)dice_between(d, 0.1, 0.3);
  for (int y = 0; y < c->h; y++) {
    float down = ((float)y + 0.5f) / (float)c->h, up = within(((float)y + 0.5f) / horizon, 0, 1);
    for (int x = 0; x < c->w; x++) {
      size_t i = (size_t)y * (size_t)c->w + (size_t)x;
      float edge = horizon + slope * ((float)x - (float)c->w / 2) + height * hills[x];
      float below = within((float)y + 0.5f - edge, -0.5f, 0.5f) + 0.5f;
      for (int k = 0; k < 3; k++) {
        float high = sky.v[k] + (255 - sky.v[k]) * (0.55f * up * up + 0.06f * field[i]);
        float low = ground.v[k] * (1 + rough * down * field[i]) * (1.1f - 0.25f * down);
        c->rgb[3 * i + (size_t)k] = byte_of(high + below * (low - high));
      }
    }
  }
}

static colour between(colour a, colour b) {
  for (int k = 0; k < 3; k++) a.v[k] = (a.v[k] + b.v[k]) / 2;
  return a;
}

/* n shapes with soft edges, of any colours or (near is not NULL) of colours half-way to that; size 1: up to 0.6 of the
 * shorter side wide. */
static void soft_shapes(xai_canvas *c, int n, double size, const colour *near, xai_dice *d) {
  size *= c->w < c->h ? c->w : c->h;
  for (int i = 0; i < n; i++) {
    xai_patch p;
    p.form = (xai_form)dice_int(d, XAI_FORMS);
    p.turn = dice_turn(d);
    p.x = (float)dice_between(d, 0, c->w);
    p.y = (float)dice_between(d, 0, c->h);
    p.a = (float)(dice_between(d, 0.05, 0.3) * size);
    p.b = (float)(dice_between(d, 0.05, 0.3) * size);
    p.soft = fmaxf((float)(dice_between(d, 0.02, 0.15) * size), 1);
    colour from = any_colour(d), to = between(from, any_colour(d));
    if (near != NULL) from = between(from, *near), to = between(to, *near);
    for (int k = 0; k < 3; k++) p.from[k] = byte_of(from.v[k]), p.to[k] = byte_of(to.v[k]);
    xai_canvas__patch(c, &p);
  }
}

static void speckle(xai_canvas *c, int amplitude, xai_dice *d) {
  size_t n = (size_t)c->w * (size_t)c->h * 3;
  for (size_t i = 0; i < n; i += 8) {
    uint64_t bits = dice_bits(d);
    for (size_t k = i; k < i + 8 && k < n; k++, bits >>= 8) {
      int v = c->rgb[k] + ((int)(bits & 0xff) - 128) * amplitude / 128;
      c->rgb[k] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
  }
}

static void paint_plaid(xai_canvas *c, float *field, int side, xai_dice *d) {
  colour flat = near_grey(d, 90, 165, 50);
  memset(field, 0, (size_t)c->w * (size_t)c->h * sizeof *field);
  mix(c, field, flat, flat);
  for (int i = 2 + dice_int(d, 3); i > 0; i--) {
    wave g = any_wave(d, side, 2, 24);
    colour by;
    for (int k = 0; k < 3; k++) by.v[k] = (float)dice_between(d, -70, 70);
    put_wave(field, c->w, c->h, &g, false);
    add(c, field, by);
  }
}

void xai_backdrop__paint(xai_canvas *c, xai_backdrop kind, const uint8_t colours[2][3], xai_dice *d, float *scratch) {
  /* as often as each comes */
  static const xai_backdrop any[] = {
      XAI_BACKDROP_PLAIN, XAI_BACKDROP_PLAIN,   XAI_BACKDROP_RAMP,    XAI_BACKDROP_NOISE,    XAI_BACKDROP_NOISE,
      XAI_BACKDROP_NOISE, XAI_BACKDROP_GRATING, XAI_BACKDROP_GRATING, XAI_BACKDROP_STRIPES,  XAI_BACKDROP_STRIPES,
      XAI_BACKDROP_PLAID, XAI_BACKDROP_PLAID,   XAI_BACKDROP_CHECKER, XAI_BACKDROP_LANDSCAPE};
  bool mixed = kind == XAI_BACKDROPS;
  if (mixed) kind = any[dice_int(d, sizeof any / sizeof any[0])];
  int w = c->w, h = c->h, side = w > h ? w : h;
  size_t level = (size_t)(w + 2) * (size_t)(h + 2), n = (size_t)w * (size_t)h;
  float *field = scratch, *second = scratch + level, *spare = second + level, *row = spare + level;
  colour a = any_colour(d), b = any_colour(d);
  if (kind == XAI_BACKDROP_RAMP) a = near_grey(d, 0, 255, 8), b = near_grey(d, 0, 255, 8);
  for (int k = 0; colours != NULL && k < 3; k++) a.v[k] = colours[0][k], b.v[k] = colours[1][k];
  memset(c->owner, 0, n);

  wave g = any_wave(d, side, 2, 24), across = g;
  switch (kind) {
    case XAI_BACKDROP_NOISE:
    case XAI_BACKDROP_CLUTTER:
      pink(field, spare, row, w, h, (float)dice_between(d, 0.6, 1), d);
      mix(c, field, a, b);
      pink(second, spare, row, w, h, (float)dice_between(d, 0.6, 1), d);
      add(c, second, near_grey(d, -40, 40, colours == NULL ? 40 : 0));
      break;
    case XAI_BACKDROP_GRATING:
    case XAI_BACKDROP_STRIPES:
      put_wave(field, w, h, &g, kind == XAI_BACKDROP_STRIPES);
      mix(c, field, a, b);
      break;
    case XAI_BACKDROP_CHECKER:
      across.x = (uint32_t)-g.y, across.y = g.x;
      put_wave(field, w, h, &g, true);
      put_wave(second, w, h, &across, true);
      for (size_t i = 0; i < n; i++) field[i] *= second[i];
      mix(c, field, a, b);
      break;
    case XAI_BACKDROP_PLAID: paint_plaid(c, field, side, d); break;
    case XAI_BACKDROP_LANDSCAPE:
      pink(second, spare, row, w, h, (float)dice_between(d, 0.3, 0.8), d);
      pink(field, spare, row, w, h, 0.8f, d);
      landscape(c, field, second, a, b, d);
      break;
    default: put_ramp(field, w, h, dice_turn(d)); mix(c, field, a, b);
  }
  if (kind == XAI_BACKDROP_CLUTTER) soft_shapes(c, 40 + dice_int(d, 20), 0.45, &b, d);
  if (mixed && dice_chance(d, 0.35)) soft_shapes(c, 2 + dice_int(d, 6), 1, NULL, d);
  if (mixed && dice_chance(d, 0.3)) speckle(c, 4 + dice_int(d, 44), d);
}
