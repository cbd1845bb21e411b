/* scenes/scenes.c: which objects are where: random scenes, composed ones, batches of them.
 *
 * A scene is thrown from its own stream of random numbers: its background from one, its objects from another. Objects
 * of which too much is hidden, by later ones, by the occluder or by the border, are placed anew and a little smaller.
 */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/str.h"
#include "graph/net.h"
#include "kernels/kernels.h"
#include "scenes/compose.h"

enum { SIDE_MIN = 16, TRIES = 120 };
static const double least_visible = 0.6;

struct xai_scenes {
  atomic_int refs;
  xai_scenes_opts opts; /* the pointers in it are the caller's: not used after opening */
  xai_backdrop backdrop;
  int n_labels;
  struct {
    int row, first, drawings; /* of xai_scene__rows; the number of the first drawing loaded, how many */
    const xai_sprite *sprites;
  } label[XAI_SCENE_CLASSES];
  int n_usable, usable[XAI_SCENE_CLASSES]; /* labels that have drawings */
  int n_sprites;
  xai_sprite *sprites;
};

/* ---- opening --------------------------------------------------------------------------------------------- */

xai_scenes_opts xai_scenes_defaults(void) {
  return (xai_scenes_opts){.width = 96, .height = 96, .least = 1, .most = 1, .more = 0.25};
}

static xai_status check_opts(const xai_scenes_opts *o, xai_err *err) {
  if (o->width < SIDE_MIN || o->width > XAI_SCENE_SIDE || o->height < SIDE_MIN || o->height > XAI_SCENE_SIDE)
    return xai_fail(err, XAI_EARG, "size: expected sides of %d to %d, got %dx%d", SIDE_MIN, XAI_SCENE_SIDE, o->width,
                    o->height);
  if (o->least < 1 || o->most < o->least || o->most > XAI_SCENE_RANDOM)
    return xai_fail(err, XAI_EARG, "objects: expected 1 to %d, got %d to %d", XAI_SCENE_RANDOM, o->least, o->most);
  if (!(o->occluders >= 0 && o->occluders <= 1 && o->more >= 0 && o->more <= 1))
    return xai_fail(err, XAI_EARG, "occluders and more: expected probabilities, got %g and %g", o->occluders, o->more);
  if (o->classes != NULL && (o->n_classes < 1 || o->n_classes > XAI_SCENE_CLASSES))
    return xai_fail(err, XAI_EARG, "classes: expected 1 to %d, got %d", XAI_SCENE_CLASSES, o->n_classes);
  return XAI_OK;
}

static const char *class_name(const void *context, size_t i) {
  (void)context;
  return xai_scene_class((int)i);
}

static xai_status find_class(const char *name, int *row, xai_err *err) {
  char hint[64];
  for (*row = 0; *row < XAI_SCENE_CLASSES; ++*row)
    if (strcmp(name, xai_scene__rows[*row].name) == 0) return XAI_OK;
  const char *near = xai_str_nearest(name, XAI_SCENE_CLASSES, class_name, NULL);
  return xai_fail(err, XAI_ENOTFOUND, "there is no class '%s'%s", name, xai_str_suggest(hint, sizeof hint, near));
}

static xai_status find_backdrop(const char *name, xai_backdrop *out, xai_err *err) {
  char hint[64];
  int i = 0;
  while (name != NULL && i < XAI_BACKDROPS && strcmp(name, xai_backdrop__names[i]) != 0) i++;
  *out = name != NULL ? (xai_backdrop)i : XAI_BACKDROPS;
  if (name == NULL || i < XAI_BACKDROPS) return XAI_OK;
  const char *near = xai_str_nearest(name, XAI_BACKDROPS, xai_str_in_array, xai_backdrop__names);
  return xai_fail(err, XAI_ENOTFOUND, "there is no background '%s'%s", name, xai_str_suggest(hint, sizeof hint, near));
}

/* Which rows and which of their drawings; their code points into 'codes'. */
static xai_status choose(xai_scenes *s, const xai_scenes_opts *o, uint32_t *codes, xai_err *err) {
  s->n_labels = o->classes != NULL ? o->n_classes : XAI_SCENE_CLASSES;
  for (int i = 0; i < s->n_labels; i++) {
    int row = i;
    if (o->classes != NULL) XAI_TRY(find_class(o->classes[i], &row, err));
    for (int k = 0; k < i; k++)
      if (s->label[k].row == row) return xai_fail(err, XAI_EARG, "the class '%s' is named twice", o->classes[i]);
    const xai_scene_row *r = &xai_scene__rows[row];
    s->label[i].row = row;
    s->label[i].first = o->drawings == XAI_DRAWINGS_HELD_OUT ? r->train : 0;
    s->label[i].drawings = xai_scene_drawings(row, o->drawings);
    if (s->label[i].drawings == 0) continue;
    s->usable[s->n_usable++] = i;
    for (int k = 0; k < s->label[i].drawings; k++) codes[s->n_sprites++] = r->codes[s->label[i].first + k];
  }
  if (s->n_usable == 0) return xai_fail(err, XAI_ENOTFOUND, "none of these classes has held-out drawings");
  return XAI_OK;
}

xai_status xai_scenes_open(const xai_scenes_opts *opts, xai_scenes **out, xai_err *err) {
  uint32_t codes[XAI_SCENE_CLASSES * XAI_CLASS_DRAWINGS];
  xai_backdrop backdrop;
  XAI_TRY(check_opts(opts, err));
  XAI_TRY(find_backdrop(opts->background, &backdrop, err));
  xai_scenes *s = xai_calloc(1, sizeof *s);
  if (s == NULL) return xai_fail_memory(err, sizeof *s);
  xai_status st;
  atomic_init(&s->refs, 1);
  s->opts = *opts;
  s->backdrop = backdrop;
  XAI_GOTO(choose(s, opts, codes, err));
  size_t bytes = (size_t)s->n_sprites * sizeof *s->sprites;
  s->sprites = xai_calloc(1, bytes);
  if (s->sprites == NULL) {
    st = xai_fail_memory(err, bytes);
    goto done;
  }
  XAI_GOTO(xai_sprites__load(opts->font, codes, s->n_sprites, s->sprites, err));
  const xai_sprite *next = s->sprites;
  for (int i = 0; i < s->n_labels; i++) {
    s->label[i].sprites = next;
    next += s->label[i].drawings;
  }
  *out = s;
  s = NULL;

done:
  xai_scenes_close(s);
  return st;
}

xai_scenes *xai_scenes_retain(xai_scenes *s) {
  atomic_fetch_add(&s->refs, 1);
  return s;
}

void xai_scenes_close(xai_scenes *s) {
  if (s == NULL || atomic_fetch_sub(&s->refs, 1) > 1) return;
  for (int i = 0; s->sprites != NULL && i < s->n_sprites; i++) xai_sprite__clear(&s->sprites[i]);
  xai_free(s->sprites);
  xai_free(s);
}

void xai_scenes_size(const xai_scenes *s, int *width, int *height) {
  *width = s->opts.width;
  *height = s->opts.height;
}

int xai_scenes_classes(const xai_scenes *s) { return s->n_labels; }

const char *xai_scenes_class(const xai_scenes *s, int label) {
  return label >= 0 && label < s->n_labels ? xai_scene__rows[s->label[label].row].name : NULL;
}

uint64_t xai_scenes_hash(const xai_scenes *s) {
  const xai_scenes_opts *o = &s->opts;
  int64_t numbers[] = {(int64_t)o->seed, o->width, o->height, o->least, o->most, (int64_t)s->backdrop, s->n_labels};
  uint64_t h = xai_str_hash_more(xai_str_hash("scenes"), numbers, sizeof numbers);
  h = xai_str_hash_more(h, &o->more, sizeof o->more);
  h = xai_str_hash_more(h, &o->occluders, sizeof o->occluders);
  for (int i = 0; i < s->n_labels; i++) {
    int rows[] = {s->label[i].row, s->label[i].first, s->label[i].drawings};
    h = xai_str_hash_more(h, rows, sizeof rows);
  }
  for (int i = 0; i < s->n_sprites; i++) {
    const xai_sprite *sprite = &s->sprites[i];
    int sides[] = {sprite->level[0].w + 2, sprite->level[0].h + 2};
    h = xai_str_hash_more(h, sides, sizeof sides);
    h = xai_str_hash_more(h, sprite->level[0].pixels, (size_t)sides[0] * (size_t)sides[1] * sizeof *sprite->level[0].pixels);
  }
  return h;
}

/* ---- throwing a scene -------------------------------------------------------------------------------------- */

/* What is to be drawn, from back to front; an occluder last. */
typedef struct plan {
  int n;
  struct {
    int label, drawing; /* the drawing's number among those of its class */
    const xai_sprite *sprite;
    xai_pose pose;
  } item[XAI_SCENE_OBJECTS];
  bool occluded;
  xai_patch occluder;
} plan;

/* Half of the objects keep nearly their own hue, the others have any: colour alone must not tell what they are. */
static xai_tint any_tint(xai_dice *d) {
  uint32_t hue = dice_turn(d);
  if (dice_chance(d, 0.5)) hue = turn_of_degrees(dice_between(d, -25, 25));
  double saturation = dice_chance(d, 0.1) ? 0 : dice_between(d, 0.5, 1.4);
  double contrast = dice_between(d, 0.7, 1.2), light = dice_between(d, -35, 35);
  return xai_tint__make(hue, saturation, contrast, light);
}

/* Classes without repetition while there are enough; drawings, angles, stretches and colours, but no sizes yet. */
static void throw_objects(const xai_scenes *s, xai_dice *d, plan *p) {
  int left = 0, pool[XAI_SCENE_CLASSES];
  for (p->n = s->opts.least; p->n < s->opts.most && dice_chance(d, s->opts.more);) p->n++;
  for (int k = 0; k < p->n; k++) {
    if (left == 0) memcpy(pool, s->usable, sizeof pool), left = s->n_usable;
    int at = dice_int(d, left), label = pool[at];
    pool[at] = pool[--left];
    int drawing = dice_int(d, s->label[label].drawings);
    p->item[k].label = label;
    p->item[k].drawing = s->label[label].first + drawing;
    p->item[k].sprite = &s->label[label].sprites[drawing];
    xai_pose *pose = &p->item[k].pose;
    pose->turn = turn_of_degrees(dice_between(d, -30, 30));
    pose->mirror = dice_chance(d, 0.5);
    pose->tint = any_tint(d);
  }
}

static void size_pose(xai_pose *pose, const xai_sprite *sprite, double longer, double stretch) {
  double side = sprite->w > sprite->h ? sprite->w : sprite->h;
  pose->w = fmax(longer * sprite->w / side * stretch, 1);
  pose->h = fmax(longer * sprite->h / side / stretch, 1);
}

/* The largest share that the boxes of item k and an earlier one have of the smaller of the two. */
static double crowding(const plan *p, int k) {
  double worst = 0, aw, ah, bw, bh;
  const xai_pose *a = &p->item[k].pose;
  xai_pose__reach(a, &aw, &ah);
  for (int i = 0; i < k; i++) {
    const xai_pose *b = &p->item[i].pose;
    xai_pose__reach(b, &bw, &bh);
    double w = fmin(a->x + aw, b->x + bw) - fmax(a->x - aw, b->x - bw);
    double h = fmin(a->y + ah, b->y + bh) - fmax(a->y - ah, b->y - bh);
    if (w > 0 && h > 0) worst = fmax(worst, w * h / (4 * fmin(aw * ah, bw * bh)));
  }
  return worst;
}

static double place_along(xai_dice *d, double half, int side) {
  double margin = 0.85 * half; /* an object may lose a little at the border */
  return dice_between(d, 0, 1) * fmax(side - 2 * margin, 0) + fmin(margin, side / 2.0);
}

/* Sizes from 35 to 75 % of the shorter side, less for several, times 'smaller'; places where they do not hide one
 * another much. */
static void place_objects(const xai_scenes *s, xai_dice *d, double smaller, plan *p) {
  int side = s->opts.width < s->opts.height ? s->opts.width : s->opts.height;
  double scale = smaller * side / (1 + 0.25 * (p->n - 1));
  for (int k = 0; k < p->n; k++) {
    xai_pose *pose = &p->item[k].pose;
    double longer = scale * dice_between(d, 0.35, 0.75), stretch = dice_between(d, 0.86, 1.16), half_w, half_h;
    size_pose(pose, p->item[k].sprite, longer, stretch);
    xai_pose__reach(pose, &half_w, &half_h);
    for (int try = 0; try < 10; try++) {
      pose->x = place_along(d, half_w, s->opts.width);
      pose->y = place_along(d, half_h, s->opts.height);
      if (crowding(p, k) < 0.3) break;
    }
  }
}

/* A shape whose edge runs through one of the objects. */
static void throw_occluder(xai_dice *d, plan *p) {
  const xai_pose *pose = &p->item[dice_int(d, p->n)].pose;
  double reach = fmax(pose->w, pose->h) / 2;
  uint32_t side = dice_turn(d);
  xai_patch *o = &p->occluder;
  o->form = (xai_form)dice_int(d, XAI_FORMS);
  o->turn = dice_turn(d);
  o->a = (float)(reach * dice_between(d, 0.35, 0.8));
  o->b = (float)(reach * dice_between(d, 0.35, 0.8));
  double away = reach * dice_between(d, 0.4, 1);
  o->x = (float)(pose->x + away * (double)turn_cos(side));
  o->y = (float)(pose->y + away * (double)turn_sin(side));
  o->soft = 1;
  for (int k = 0; k < 3; k++) o->from[k] = (uint8_t)dice_int(d, 256);
  for (int k = 0; k < 3; k++) o->to[k] = (uint8_t)((o->from[k] + dice_int(d, 256)) / 2);
}

/* ---- drawing it ------------------------------------------------------------------------------------------------ */

/* Room for one scene in the making. */
typedef struct desk {
  xai_canvas canvas;
  float *scratch;
} desk;

static size_t desk_bytes(const xai_scenes *s) {
  size_t pixels = (size_t)s->opts.width * (size_t)s->opts.height;
  size_t bytes = xai_backdrop__scratch(s->opts.width, s->opts.height) * sizeof(float) + 4 * pixels;
  return (bytes + XAI_ALIGN - 1) / XAI_ALIGN * XAI_ALIGN;
}

/* Room for n scenes at once, in one block. */
static xai_status open_desks(const xai_scenes *s, int n, void **block, xai_err *err) {
  size_t bytes = desk_bytes(s) * (size_t)n;
  *block = xai_alloc(bytes);
  return *block != NULL ? XAI_OK : xai_fail_memory(err, bytes);
}

static desk desk_in(const xai_scenes *s, void *block, int i) {
  int w = s->opts.width, h = s->opts.height;
  float *scratch = (float *)((char *)block + desk_bytes(s) * (size_t)i);
  uint8_t *bytes = (uint8_t *)(scratch + xai_backdrop__scratch(w, h));
  return (desk){{w, h, bytes, bytes + 3 * (size_t)w * (size_t)h}, scratch};
}

/* Objects and occluder over the background; the account of what is visible. */
static void draw_plan(const plan *p, xai_canvas *c, xai_scene *scene) {
  for (int k = 0; k < p->n; k++) xai_canvas__sprite(c, p->item[k].sprite, &p->item[k].pose, (uint8_t)(k + 1));
  if (p->occluded) xai_canvas__patch(c, &p->occluder);
  *scene = (xai_scene){.n = p->n};
  xai_canvas__measure(c, p->n, scene->objects);
  int64_t most = -1;
  for (int k = 0; k < p->n; k++) {
    xai_scene_object *o = &scene->objects[k];
    const xai_sprite *sprite = p->item[k].sprite;
    o->label = p->item[k].label;
    o->drawing = p->item[k].drawing;
    o->visible =
        (double)o->pixels * sprite->w * sprite->h / ((double)sprite->solid * p->item[k].pose.w * p->item[k].pose.h);
    if (o->pixels > most) most = o->pixels, scene->label = o->label;
  }
}

static bool all_visible(const xai_scene *scene) {
  for (int k = 0; k < scene->n; k++)
    if (scene->objects[k].visible < least_visible) return false;
  return true;
}

enum { BACKGROUND, OBJECTS }; /* streams of a scene */

static void draw_scene(const xai_scenes *s, uint64_t index, desk *at, xai_scene *scene) {
  plan p;
  uint64_t own = xai_rng_stream(s->opts.seed, index);
  xai_dice d = dice_of(own, OBJECTS);
  throw_objects(s, &d, &p);
  p.occluded = dice_chance(&d, s->opts.occluders);
  double smaller = 1;
  for (int try = 0; try < TRIES; try++, smaller = fmax(0.4, 0.95 * smaller)) {
    xai_dice behind = dice_of(own, BACKGROUND);
    xai_backdrop__paint(&at->canvas, s->backdrop, NULL, &behind, at->scratch);
    place_objects(s, &d, smaller, &p);
    if (p.occluded) throw_occluder(&d, &p);
    draw_plan(&p, &at->canvas, scene);
    if (all_visible(scene)) return;
    if (try == TRIES / 3) p.occluded = false;
  }
}

/* ---- one scene --------------------------------------------------------------------------------------------------- */

static xai_status copy_out(const xai_canvas *c, xai_image **image, xai_tensor **owners, xai_err *err) {
  size_t pixels = (size_t)c->w * (size_t)c->h;
  xai_image *img = NULL;
  XAI_TRY(xai_image_new(c->w, c->h, &img, err));
  xai_status st = xai_tensor_copy(&(xai_view){XAI_U8, {2, {c->h, c->w}}, c->owner}, owners, err);
  if (st != XAI_OK) {
    xai_image_free(img);
    return st;
  }
  memcpy(img->rgb, c->rgb, 3 * pixels);
  *image = img;
  return XAI_OK;
}

xai_status xai_scene_draw(const xai_scenes *s, uint64_t index, xai_scene *scene, xai_image **image, xai_tensor **owners,
                          xai_err *err) {
  void *block;
  XAI_TRY(open_desks(s, 1, &block, err));
  desk at = desk_in(s, block, 0);
  xai_scene made;
  draw_scene(s, index, &at, &made);
  xai_status st = copy_out(&at.canvas, image, owners, err);
  if (st == XAI_OK) *scene = made;
  xai_free(block);
  return st;
}

static xai_status plan_item(const xai_scenes *s, const xai_scene_item *item, int k, plan *p, xai_err *err) {
  bool finite = isfinite(item->x) && isfinite(item->y) && isfinite(item->hue) && fabs(item->hue) <= 3600;
  if (item->label < 0 || item->label >= s->n_labels)
    return xai_fail(err, XAI_EARG, "object %d: expected a label from 0 to %d, got %d", k + 1, s->n_labels - 1,
                    item->label);
  if (!finite || fabs(item->x) > XAI_SCENE_SIDE * 2 || fabs(item->y) > XAI_SCENE_SIDE * 2)
    return xai_fail(err, XAI_EARG, "object %d: its place is far outside the picture", k + 1);
  if (!(item->size >= 4 && item->size <= XAI_SCENE_SIDE) || !(fabs(item->rotation) <= 3600))
    return xai_fail(err, XAI_EARG, "object %d: expected a size from 4 to %d and a rotation in degrees, got %g and %g",
                    k + 1, XAI_SCENE_SIDE, item->size, item->rotation);
  int drawing = item->drawing - s->label[item->label].first;
  if (drawing < 0 || drawing >= s->label[item->label].drawings)
    return xai_fail(err, XAI_ENOTFOUND, "object %d: there are %d drawings of '%s'", k + 1,
                    s->label[item->label].drawings, xai_scenes_class(s, item->label));
  xai_pose *pose = &p->item[k].pose;
  p->item[k].label = item->label;
  p->item[k].drawing = item->drawing;
  p->item[k].sprite = &s->label[item->label].sprites[drawing];
  pose->x = item->x;
  pose->y = item->y;
  size_pose(pose, p->item[k].sprite, item->size, 1);
  pose->turn = turn_of_degrees(item->rotation);
  pose->mirror = item->mirror;
  pose->tint = xai_tint__make(turn_of_degrees(item->hue), 1, 1, 0);
  return XAI_OK;
}

xai_status xai_scene_compose(const xai_scenes *s, uint64_t index, const xai_scene_item *items, int n,
                             const uint8_t colours[2][3], xai_scene *scene, xai_image **image, xai_tensor **owners,
                             xai_err *err) {
  plan p = {.n = n};
  if (n < 0 || n > XAI_SCENE_OBJECTS)
    return xai_fail(err, XAI_EARG, "objects: expected at most %d, got %d", XAI_SCENE_OBJECTS, n);
  for (int k = 0; k < n; k++) XAI_TRY(plan_item(s, &items[k], k, &p, err));
  void *block;
  XAI_TRY(open_desks(s, 1, &block, err));
  desk at = desk_in(s, block, 0);
  xai_dice behind = dice_of(xai_rng_stream(s->opts.seed, index), BACKGROUND);
  xai_backdrop__paint(&at.canvas, s->backdrop, colours, &behind, at.scratch);
  xai_scene made;
  draw_plan(&p, &at.canvas, &made);
  xai_status st = copy_out(&at.canvas, image, owners, err);
  if (st == XAI_OK) *scene = made;
  xai_free(block);
  return st;
}

/* ---- batches ---------------------------------------------------------------------------------------------------- */

static void put_shares(const xai_scene *scene, int n_labels, float *shares) {
  int64_t all = 0;
  memset(shares, 0, (size_t)n_labels * sizeof *shares);
  for (int k = 0; k < scene->n; k++) all += scene->objects[k].pixels;
  for (int k = 0; k < scene->n && all > 0; k++)
    shares[scene->objects[k].label] += (float)((double)scene->objects[k].pixels / (double)all);
}

xai_status xai_scenes_batch(const xai_scenes *s, uint64_t first, int64_t n, const xai_preprocess *how, int channels,
                            float *x, int64_t *labels, float *shares, xai_err *err) {
  if (channels != 1 && channels != 3) return xai_fail(err, XAI_EARG, "channels: expected 1 or 3, got %d", channels);
  int64_t plane = (int64_t)s->opts.width * s->opts.height;
  int threads = xk_threads();
  if (threads > n) threads = n > 1 ? (int)n : 1;
  void *block;
  XAI_TRY(open_desks(s, threads, &block, err));

#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
  for (int t = 0; t < threads; t++) {
    desk at = desk_in(s, block, t);
    for (int64_t i = t; i < n && !xai_stop_requested(); i += threads) {
      xai_scene scene;
      draw_scene(s, first + (uint64_t)i, &at, &scene);
      xai_preprocess__apply(how, channels, plane, at.canvas.rgb, x + i * channels * plane);
      labels[i] = scene.label;
      if (shares != NULL) put_shares(&scene, s->n_labels, shares + (size_t)i * (size_t)s->n_labels);
    }
  }
  xai_free(block);
  return xai_stop_requested() ? xai_fail_stop(err) : XAI_OK;
}
