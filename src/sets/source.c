/* sets/source.c: where pictures come from: files, scenes, memory. */
#include "sets/source.h"

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/str.h"

struct xai_source {
  atomic_int refs;
  int64_t n;
  int64_t *labels;         /* NULL: none, or the scenes' own */
  xai_scenes *scenes;      /* one of these three */
  xai_image **pictures;
  const char **paths;      /* into 'text' */
  char *text;
  xai_picture_reader read; /* of the paths */
};

static xai_status open_source(int64_t n, const int64_t *labels, xai_source **out, xai_err *err) {
  if (n < 0) return xai_fail(err, XAI_EARG, "a set of %lld pictures", (long long)n);
  xai_source *s = xai_calloc(1, sizeof *s);
  if (s == NULL) return xai_fail_memory(err, sizeof *s);
  atomic_init(&s->refs, 1);
  s->n = n;
  if (labels != NULL) {
    size_t bytes = (size_t)n * sizeof *labels;
    s->labels = xai_alloc(bytes);
    if (s->labels == NULL) {
      xai_source_free(s);
      return xai_fail_memory(err, bytes);
    }
    if (n > 0) memcpy(s->labels, labels, bytes);
  }
  *out = s;
  return XAI_OK;
}

xai_status xai_source_files(const char *const *paths, const int64_t *labels, int64_t n, xai_picture_reader read,
                            xai_source **out, xai_err *err) {
  xai_source *s;
  size_t bytes = 0;
  XAI_TRY(open_source(n, labels, &s, err));
  s->read = read != NULL ? read : xai_image_read;
  for (int64_t i = 0; i < n; i++) bytes += strlen(paths[i]) + 1;
  s->paths = xai_calloc((size_t)n, sizeof *s->paths);
  s->text = xai_alloc(bytes);
  if (s->paths == NULL || s->text == NULL) {
    xai_source_free(s);
    return xai_fail_memory(err, bytes);
  }
  char *to = s->text;
  for (int64_t i = 0; i < n; i++) {
    s->paths[i] = strcpy(to, paths[i]);
    to += strlen(paths[i]) + 1;
  }
  *out = s;
  return XAI_OK;
}

xai_status xai_source_scenes(xai_scenes *set, int64_t n, xai_source **out, xai_err *err) {
  XAI_TRY(open_source(n, NULL, out, err));
  (*out)->scenes = xai_scenes_retain(set);
  return XAI_OK;
}

static xai_status copy_of(const xai_image *img, xai_image **out, xai_err *err) {
  XAI_TRY(xai_image_new(img->width, img->height, out, err));
  memcpy((*out)->rgb, img->rgb, (size_t)img->width * (size_t)img->height * 3);
  return XAI_OK;
}

xai_status xai_source_pictures(const xai_image *const *pictures, const int64_t *labels, int64_t n, xai_source **out,
                               xai_err *err) {
  xai_source *s;
  xai_status st = XAI_OK;
  XAI_TRY(open_source(n, labels, &s, err));
  s->pictures = xai_calloc((size_t)n, sizeof *s->pictures);
  if (s->pictures == NULL) st = xai_fail_memory(err, (size_t)n * sizeof *s->pictures);
  for (int64_t i = 0; i < n && st == XAI_OK; i++) st = copy_of(pictures[i], &s->pictures[i], err);
  if (st == XAI_OK)
    *out = s;
  else
    xai_source_free(s);
  return st;
}

xai_source *xai_source_retain(xai_source *s) {
  atomic_fetch_add(&s->refs, 1);
  return s;
}

void xai_source_free(xai_source *s) {
  if (s == NULL || atomic_fetch_sub(&s->refs, 1) > 1) return;
  for (int64_t i = 0; s->pictures != NULL && i < s->n; i++) xai_image_free(s->pictures[i]);
  xai_free(s->pictures);
  xai_scenes_close(s->scenes);
  xai_free(s->paths);
  xai_free(s->text);
  xai_free(s->labels);
  xai_free(s);
}

int64_t xai_source_count(const xai_source *s) { return s->n; }

const char *xai_source_path(const xai_source *s, int64_t i) {
  return s->paths != NULL && i >= 0 && i < s->n ? s->paths[i] : NULL;
}

uint64_t xai_source_hash(const xai_source *s) {
  if (s->paths != NULL) return 0;
  uint64_t h = xai_str_hash_more(s->scenes != NULL ? xai_scenes_hash(s->scenes) : xai_str_hash("pictures"), &s->n, sizeof s->n);
  for (int64_t i = 0; s->pictures != NULL && i < s->n; i++) {
    const xai_image *img = s->pictures[i];
    int sides[] = {img->width, img->height};
    h = xai_str_hash_more(h, sides, sizeof sides);
    h = xai_str_hash_more(h, img->rgb, (size_t)img->width * (size_t)img->height * 3);
  }
  return s->labels != NULL ? xai_str_hash_more(h, s->labels, (size_t)s->n * sizeof *s->labels) : h;
}

static xai_status draw(const xai_scenes *set, int64_t i, xai_image **out, int64_t *label, xai_err *err) {
  xai_scene scene;
  xai_tensor *owners;
  XAI_TRY(xai_scene_draw(set, (uint64_t)i, &scene, out, &owners, err));
  xai_tensor_free(owners);
  *label = scene.label;
  return XAI_OK;
}

xai_status xai_source__make(const xai_source *s, int64_t i, xai_picture *out, xai_err *err) {
  int64_t label = s->labels != NULL ? s->labels[i] : -1;
  xai_image_note note = XAI_IMAGE_PLAIN;
  xai_image *img;
  if (s->scenes != NULL)
    XAI_TRY(draw(s->scenes, i, &img, &label, err));
  else if (s->pictures != NULL)
    XAI_TRY(copy_of(s->pictures[i], &img, err));
  else
    XAI_TRY(s->read(s->paths[i], &img, &note, err));
  out->image = img;
  out->label = label;
  out->note = note;
  return XAI_OK;
}
