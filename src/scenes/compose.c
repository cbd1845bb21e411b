/* scenes/compose.c: see compose.h. Sprites are sampled in integers of 16 + 16 bits, two by two samples to a pixel, from
 * the reduced copy that is up to twice as fine as the canvas: edges are smooth, and small sprites lose no lines. */
#include "scenes/compose.h"

#include <math.h>
#include <string.h>

enum { ONE = 1 << 16, HALF = 128 };

static int clip(int v, int lo, int hi) { return v < lo ? lo : v > hi ? hi : v; }
static int nearest(double v) { return (int)floor(v + 0.5); }

/* v / 255 rounded, exact for 0 <= v <= 65535 */
static int by_255(int v) { return (v + 128 + ((v + 128) >> 8)) >> 8; }

/* ---- colours ------------------------------------------------------------------------------------------- */

/* The matrices of the SVG standard's hueRotate and saturate: they keep the luma of Rec. 709 and leave grey alone. */
xai_tint xai_tint__make(uint32_t hue, double saturation, double contrast, double light) {
  static const double luma[3] = {0.213, 0.715, 0.072};
  static const double across[3][3] = {{-0.213, -0.715, 0.928}, {0.143, 0.140, -0.283}, {-0.787, 0.715, 0.072}};
  double c = saturation * (double)turn_cos(hue), s = saturation * (double)turn_sin(hue);
  xai_tint t;
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++)
      t.m[i][j] = nearest(256 * contrast * (luma[j] + c * ((i == j) - luma[j]) + s * across[i][j]));
    t.add[i] = nearest(256 * (light + 128 * (1 - contrast)));
  }
  return t;
}

/* Colours that are multiplied by alpha stay so: the constant part counts alpha times. */
static void put_tint(const xai_tint *t, const int rgb[3], int alpha, int out[3]) {
  for (int i = 0; i < 3; i++) {
    int v = t->m[i][0] * rgb[0] + t->m[i][1] * rgb[1] + t->m[i][2] * rgb[2] + t->add[i] * alpha / 255;
    out[i] = clip(v, 0, 256 * alpha);
    out[i] = (out[i] + 128) / 256;
  }
}

/* Source over destination, the source multiplied by alpha. */
static void put_pixel(xai_canvas *c, int x, int y, const int rgb[3], int alpha, uint8_t owner) {
  size_t at = (size_t)y * (size_t)c->w + (size_t)x;
  uint8_t *p = c->rgb + 3 * at;
  for (int i = 0; i < 3; i++) p[i] = (uint8_t)clip(rgb[i] + by_255(p[i] * (255 - alpha)), 0, 255);
  if (alpha >= HALF) c->owner[at] = owner;
}

/* ---- sprites --------------------------------------------------------------------------------------------- */

/* The pixels from x0, y0 to before x1, y1 that a turned rectangle can touch, within the canvas. */
typedef struct region {
  int x0, y0, x1, y1;
} region;

static region touched(const xai_canvas *c, double x, double y, double half_w, double half_h) {
  region r = {(int)fmax(floor(x - half_w), 0), (int)fmax(floor(y - half_h), 0), (int)fmin(ceil(x + half_w), c->w),
              (int)fmin(ceil(y + half_h), c->h)};
  return r;
}

static void turned(uint32_t turn, double a, double b, double *half_w, double *half_h) {
  double c = fabs((double)turn_cos(turn)), s = fabs((double)turn_sin(turn));
  *half_w = c * a + s * b;
  *half_h = s * a + c * b;
}

void xai_pose__reach(const xai_pose *p, double *half_w, double *half_h) {
  turned(p->turn, p->w / 2, p->h / 2, half_w, half_h);
}

/* Where a sprite's level is sampled: (u, v) = (u0, v0) + x (ux, vx) + y (uy, vy), in 1/65536 pixels. */
typedef struct sampler {
  const uint32_t *pixels;
  int stride;
  int32_t end_u, end_v; /* first position without a pixel on its right, below it */
  int32_t u0, v0, ux, vx, uy, vy;
} sampler;

static int32_t fixed(double v) { return (int32_t)floor(v * ONE + 0.5); }

static sampler sampler_of(const xai_sprite *s, const xai_pose *p, int from_x, int from_y) {
  int l = 0;
  double ratio = fmin(s->w / p->w, s->h / p->h); /* sprite pixels to one of the canvas */
  while (l + 1 < XAI_SPRITE_LEVELS && ratio >= 2) l++, ratio /= 2;
  double c = (double)turn_cos(p->turn), sn = (double)turn_sin(p->turn), reduced = (double)(1 << l);
  double a = s->w / reduced / p->w * (p->mirror ? -1 : 1), b = s->h / reduced / p->h;
  double dx = from_x + 0.5 - p->x, dy = from_y + 0.5 - p->y;
  /* pixel i of a level reaches from i to i + 1; it is stored at i + 1, and its middle is a whole position */
  return (sampler){
      .pixels = s->level[l].pixels,
      .stride = s->level[l].w + 2,
      .end_u = (s->level[l].w + 1) * ONE,
      .end_v = (s->level[l].h + 1) * ONE,
      .u0 = fixed(s->w / reduced / 2 + 0.5 + a * (c * dx + sn * dy)),
      .v0 = fixed(s->h / reduced / 2 + 0.5 + b * (c * dy - sn * dx)),
      .ux = fixed(a * c),
      .vx = fixed(-b * sn),
      .uy = fixed(a * sn),
      .vy = fixed(b * c),
  };
}

/* aarrggbb as four lanes of 16 bits: a g r b */
static uint64_t spread(uint32_t p) { return (uint64_t)(p & 0xff00ff00u) << 24 | (p & 0x00ff00ffu); }

/* The colour between four pixels, with 8 bits of position; the weights add up to 256. */
static uint64_t sample(const sampler *s, int32_t u, int32_t v) {
  if ((uint32_t)u >= (uint32_t)s->end_u || (uint32_t)v >= (uint32_t)s->end_v) return 0;
  const uint32_t *p = s->pixels + (v >> 16) * s->stride + (u >> 16);
  uint32_t fu = (uint32_t)u >> 8 & 0xff, fv = (uint32_t)v >> 8 & 0xff, both = (fu * fv + 128) >> 8;
  uint64_t sum = spread(p[0]) * (256 - fu - fv + both) + spread(p[1]) * (fu - both) +
                 spread(p[s->stride]) * (fv - both) + spread(p[s->stride + 1]) * both;
  return (sum + UINT64_C(0x0080008000800080)) >> 8 & UINT64_C(0x00ff00ff00ff00ff);
}

void xai_canvas__sprite(xai_canvas *c, const xai_sprite *s, const xai_pose *pose, uint8_t owner) {
  double half_w, half_h;
  xai_pose__reach(pose, &half_w, &half_h);
  region r = touched(c, pose->x, pose->y, half_w + 1, half_h + 1); /* the border fades within a pixel */
  sampler at = sampler_of(s, pose, r.x0, r.y0);
  int32_t du = (at.ux + at.uy) / 4, dv = (at.vx + at.vy) / 4; /* to the samples at a quarter, three quarters */
  int32_t eu = (at.ux - at.uy) / 4, ev = (at.vx - at.vy) / 4;
  for (int y = r.y0; y < r.y1; y++) {
    int32_t u = at.u0 + (y - r.y0) * at.uy, v = at.v0 + (y - r.y0) * at.vy;
    for (int x = r.x0; x < r.x1; x++, u += at.ux, v += at.vx) {
      uint64_t sum = sample(&at, u - du, v - dv) + sample(&at, u + du, v + dv) + sample(&at, u - eu, v - ev) +
                     sample(&at, u + eu, v + ev);
      if (sum == 0) continue;
      sum = (sum + UINT64_C(0x0002000200020002)) >> 2 & UINT64_C(0x00ff00ff00ff00ff);
      int rgb[3] = {(int)(sum >> 16 & 0xff), (int)(sum >> 32 & 0xff), (int)(sum & 0xff)}, alpha = (int)(sum >> 48);
      put_tint(&pose->tint, rgb, alpha, rgb);
      put_pixel(c, x, y, rgb, alpha, owner);
    }
  }
}

/* ---- shapes ------------------------------------------------------------------------------------------------ */

/* How far (x, y) lies outside the shape, about: negative inside. */
static float outside(const xai_patch *p, float x, float y) {
  float ax = fabsf(x), ay = fabsf(y), a = p->a, b = p->b;
  switch (p->form) {
    case XAI_FORM_ELLIPSE: return (sqrtf(x * x / (a * a) + y * y / (b * b)) - 1) * fminf(a, b);
    case XAI_FORM_TRIANGLE: /* base below, tip above */
      return fmaxf(y - b, (ax * 2 * b - (y + b) * a) / sqrtf(4 * b * b + a * a));
    default: return fmaxf(ax - a, ay - b);
  }
}

void xai_canvas__patch(xai_canvas *c, const xai_patch *p) {
  double half_w, half_h;
  turned(p->turn, (double)p->a, (double)p->b, &half_w, &half_h);
  region r = touched(c, (double)p->x, (double)p->y, half_w + (double)p->soft, half_h + (double)p->soft);
  float cs = turn_cos(p->turn), sn = turn_sin(p->turn);
  for (int y = r.y0; y < r.y1; y++)
    for (int x = r.x0; x < r.x1; x++) {
      float dx = (float)x + 0.5f - p->x, dy = (float)y + 0.5f - p->y;
      float u = cs * dx + sn * dy, v = cs * dy - sn * dx, cover = 0.5f - outside(p, u, v) / p->soft;
      if (!(cover > 0)) continue;
      int alpha = clip((int)(cover * 255 + 0.5f), 0, 255);
      int shade = clip((int)((u / p->a + 1) * 128), 0, 256), rgb[3];
      for (int i = 0; i < 3; i++) rgb[i] = by_255(((256 - shade) * p->from[i] + shade * p->to[i]) / 256 * alpha);
      put_pixel(c, x, y, rgb, alpha, 0);
    }
}

/* ---- the account --------------------------------------------------------------------------------------------- */

void xai_canvas__measure(const xai_canvas *c, int n, xai_scene_object *objects) {
  int left[XAI_SCENE_OBJECTS], top[XAI_SCENE_OBJECTS], right[XAI_SCENE_OBJECTS], bottom[XAI_SCENE_OBJECTS];
  for (int k = 0; k < n; k++) left[k] = c->w, top[k] = c->h, right[k] = bottom[k] = -1, objects[k].pixels = 0;
  for (int y = 0; y < c->h; y++)
    for (int x = 0; x < c->w; x++) {
      int k = c->owner[(size_t)y * (size_t)c->w + (size_t)x] - 1;
      if (k < 0) continue;
      objects[k].pixels++;
      if (x < left[k]) left[k] = x;
      if (x > right[k]) right[k] = x;
      if (y < top[k]) top[k] = y;
      bottom[k] = y;
    }
  for (int k = 0; k < n; k++) {
    bool seen = right[k] >= 0;
    objects[k].x = seen ? left[k] : 0;
    objects[k].y = seen ? top[k] : 0;
    objects[k].w = seen ? right[k] - left[k] + 1 : 0;
    objects[k].h = seen ? bottom[k] - top[k] + 1 : 0;
  }
}
