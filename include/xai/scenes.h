/* xai/scenes.h: labelled pictures whose objects we placed ourselves, so that an explanation can be scored against the
 * truth: where every object is, to the pixel, and what hides it.
 *
 * Objects are drawings of 24 classes from Debian's colour emoji font (fonts-noto-color-emoji), at random places, sizes
 * and angles, with their colours shifted, on random backgrounds. Scene i of a seed is a pure function of the options
 * and i: it does not depend on which scenes were made before, or on the number of threads, and it has the same bytes on
 * every machine that has the same font. */
#ifndef XAI_SCENES_H
#define XAI_SCENES_H

#include "xai/net.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  XAI_SCENE_CLASSES = 24,
  XAI_SCENE_OBJECTS = 16, /* at most, in one scene */
  XAI_SCENE_RANDOM = 4,   /* at most, in one that is not composed */
  XAI_SCENE_SIDE = 2048   /* longest side of a scene; the shortest is 16 */
};

/* Which drawings of a class are used. Of a class with three drawings or more one or two are held out, for the question
 * of what a network trained on the others makes of a drawing that it has never seen. */
typedef enum xai_drawings { XAI_DRAWINGS_TRAIN, XAI_DRAWINGS_HELD_OUT, XAI_DRAWINGS_ALL } xai_drawings;

/* The name of class 0 .. XAI_SCENE_CLASSES - 1, "dog"; NULL beyond. */
XAI_API const char *xai_scene_class(int i);
/* How many drawings that class has. Numbered from 0, those for training come first. */
XAI_API int xai_scene_drawings(int i, xai_drawings which);

typedef struct xai_scenes_opts {
  uint64_t seed;
  int width, height;
  int least, most;       /* objects in a scene, 1 .. XAI_SCENE_RANDOM, of different classes while there are enough */
  double more;           /* with this probability one more object comes after each, until there are 'most' */
  const char *const *classes; /* names; NULL: all. A label is a position in this list. */
  int n_classes;
  xai_drawings drawings;
  double occluders;      /* share of the scenes in which a shape hides a part of an object */
  const char *background; /* plain, ramp, noise, grating, stripes, plaid, checker, landscape, clutter; NULL: any */
  const char *font;      /* a file; NULL: the environment's XAI_EMOJI_FONT, or where Debian puts it */
} xai_scenes_opts;
/* 96x96, one object, more 0.25, all classes, drawings for training, no occluders. */
XAI_API xai_scenes_opts xai_scenes_defaults(void);

/* A generator with its drawings in memory (some 0.1 MB each). It never changes: any number of threads may draw.
 * Fails with XAI_ENOTFOUND (no font, no such class or background, no held-out drawing among the classes), XAI_EFORMAT
 * or XAI_EUNSUPPORTED (the font is another one), XAI_EARG or XAI_ENOMEM. */
typedef struct xai_scenes xai_scenes;
XAI_API xai_status xai_scenes_open(const xai_scenes_opts *opts, xai_scenes **out, xai_err *err);
XAI_API xai_scenes *xai_scenes_retain(xai_scenes *s);
XAI_API void xai_scenes_close(xai_scenes *s); /* NULL is fine; frees at the last reference */
/* Of all that makes its scenes: options, and the drawings themselves. */
XAI_API uint64_t xai_scenes_hash(const xai_scenes *s);
XAI_API void xai_scenes_size(const xai_scenes *s, int *width, int *height);
XAI_API int xai_scenes_classes(const xai_scenes *s);
XAI_API const char *xai_scenes_class(const xai_scenes *s, int label);

/* An object as it can be seen: a pixel belongs to the last object that covers at least half of it. */
typedef struct xai_scene_object {
  int label, drawing;
  int x, y, w, h;  /* of its visible pixels, 0-based; w and h are 0 when there are none */
  int64_t pixels;  /* visible ones */
  double visible;  /* their share of what there would be with nothing in front and nothing cut off by the border */
} xai_scene_object;

typedef struct xai_scene {
  int label;       /* of the object with the most visible pixels */
  int n;
  xai_scene_object objects[XAI_SCENE_OBJECTS]; /* from back to front */
} xai_scene;

/* Scene 'index'. owners becomes uint8 height x width: k where object k (counted from 1) is seen, 0 elsewhere.
 * Every object of it is at least 60 % visible. */
XAI_API xai_status xai_scene_draw(const xai_scenes *s, uint64_t index, xai_scene *scene, xai_image **image,
                                  xai_tensor **owners, xai_err *err);

/* An object of a composed scene. */
typedef struct xai_scene_item {
  int label, drawing;
  double x, y;     /* of its middle, in pixels: the first pixel reaches from 0 to 1 */
  double size;     /* of its longer side, in pixels */
  double rotation; /* degrees, clockwise; after mirroring */
  double hue;      /* degrees by which its colours are turned */
  bool mirror;
} xai_scene_item;
/* A scene of the objects given, from back to front, in their own colours; 'index' chooses the background, whose two
 * main colours may be given as well (NULL: any), and only that is random. Fails with XAI_EARG for an item that makes no
 * sense, with XAI_ENOTFOUND for a drawing that this generator does not have. */
XAI_API xai_status xai_scene_compose(const xai_scenes *s, uint64_t index, const xai_scene_item *items, int n,
                                     const uint8_t colours[2][3], xai_scene *scene, xai_image **image,
                                     xai_tensor **owners, xai_err *err);

/* Scenes first .. first + n - 1 as inputs of a network: x is n x channels x height x width, with 3 channels or 1 (of the
 * luminance), its bytes as 'how' says, without resizing or cropping; labels has n elements; shares, when not NULL,
 * n x classes: of each class the part that its objects have of all visible pixels of objects. As many threads draw as the
 * kernels use. Fails with XAI_ENOMEM, XAI_EARG (another number of channels) or XAI_ESTOP. */
XAI_API xai_status xai_scenes_batch(const xai_scenes *s, uint64_t first, int64_t n, const xai_preprocess *how,
                                    int channels, float *x, int64_t *labels, float *shares, xai_err *err);

#ifdef __cplusplus
}
#endif
#endif
