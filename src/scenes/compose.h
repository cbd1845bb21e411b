/* scenes/compose.h: putting things on a picture, and keeping account of what hides what. */
#ifndef SCENES_COMPOSE_H
#define SCENES_COMPOSE_H

#include "scenes/dice.h"
#include "scenes/glyphs.h"
#include "xai/scenes.h"

/* A picture in the making. owner tells for every pixel which object is seen there; 0: none. */
typedef struct xai_canvas {
  int w, h;
  uint8_t *rgb, *owner;
} xai_canvas;

/* ---- colours ------------------------------------------------------------------------------------------- */
/* new = (m * old + add) / 256, per channel of r g b, cut to 0..255. */
typedef struct xai_tint {
  int m[3][3], add[3];
} xai_tint;

/* Turns the hue, then scales saturation and contrast (1: as they are) and adds light (in grey levels). */
xai_tint xai_tint__make(uint32_t hue, double saturation, double contrast, double light);

/* ---- sprites --------------------------------------------------------------------------------------------- */
typedef struct xai_pose {
  double x, y;   /* of the middle, in pixels: the first one reaches from 0 to 1 */
  double w, h;   /* of the upright sprite on the canvas */
  uint32_t turn; /* clockwise, after mirroring */
  bool mirror;
  xai_tint tint;
} xai_pose;

/* Half the width and height of the turned rectangle. */
void xai_pose__reach(const xai_pose *p, double *half_w, double *half_h);

/* Draws the sprite over what is there, each pixel the mean of four samples; what it covers by half or more is then
 * owned by 'owner'. */
void xai_canvas__sprite(xai_canvas *c, const xai_sprite *s, const xai_pose *pose, uint8_t owner);

/* ---- shapes ------------------------------------------------------------------------------------------------ */
typedef enum xai_form { XAI_FORM_ELLIPSE, XAI_FORM_BOX, XAI_FORM_TRIANGLE, XAI_FORMS } xai_form;
typedef struct xai_patch {
  xai_form form;
  float x, y, a, b; /* middle, half axes */
  uint32_t turn;
  float soft;             /* width of the edge, at least 1 */
  uint8_t from[3], to[3]; /* colours at its two ends */
} xai_patch;

/* Draws the shape over what is there; nobody owns what it covers by half or more. */
void xai_canvas__patch(xai_canvas *c, const xai_patch *p);

/* ---- the account --------------------------------------------------------------------------------------------- */
/* Box and number of the visible pixels of owners 1..n. */
void xai_canvas__measure(const xai_canvas *c, int n, xai_scene_object *objects);

/* ---- backgrounds (background.c) --------------------------------------------------------------------------------- */
typedef enum xai_backdrop {
  XAI_BACKDROP_PLAIN,   /* one colour shading into another */
  XAI_BACKDROP_RAMP,    /* the same, nearly grey */
  XAI_BACKDROP_NOISE,   /* 1/f noise */
  XAI_BACKDROP_GRATING, /* a sinusoidal grating */
  XAI_BACKDROP_STRIPES, /* a square one */
  XAI_BACKDROP_PLAID,   /* a sum of sinusoidal ones */
  XAI_BACKDROP_CHECKER,
  XAI_BACKDROP_LANDSCAPE, /* sky over rough ground */
  XAI_BACKDROP_CLUTTER,   /* noise with soft shapes */
  XAI_BACKDROPS           /* any of them, some with soft shapes, some with white noise */
} xai_backdrop;
extern const char *const xai_backdrop__names[XAI_BACKDROPS];

/* Floats that painting a background needs as scratch. */
size_t xai_backdrop__scratch(int w, int h);
/* Fills the canvas; nobody owns it. The two main colours are given, or any (NULL). */
void xai_backdrop__paint(xai_canvas *c, xai_backdrop kind, const uint8_t colours[2][3], xai_dice *d, float *scratch);

#endif
