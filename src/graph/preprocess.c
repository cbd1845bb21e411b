/* graph/preprocess.c: pictures to network inputs and back.
 *
 *   x[c] = (byte * scale - mean[c]) / std[c]      c in the order that the network expects
 *
 * "imagenet": torchvision's numbers. "caffe": BGR bytes minus (104, 117, 123). "tf": -1 to 1, as Keras names it. "tf",
 * "cifar10" and "none": no cropping; the picture is resized to the network's input. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "graph/net.h"

static const xai_preprocess presets[] = {
    {"imagenet", 256, 224, false, 1.0f / 255, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}},
    {"caffe", 256, 224, true, 1, {104, 117, 123}, {1, 1, 1}},
    {"tf", 0, 0, false, 1 / 127.5f, {1, 1, 1}, {1, 1, 1}},
    {"cifar10", 0, 0, false, 1.0f / 255, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}},
    {"none", 0, 0, false, 1, {0, 0, 0}, {1, 1, 1}},
};
enum { N_PRESETS = sizeof presets / sizeof presets[0] };

static const char *preset_name(const void *ctx, size_t i) { return ((const xai_preprocess *)ctx)[i].name; }

xai_status xai_preprocess_preset(const char *name, xai_preprocess *out, xai_err *err) {
  for (int i = 0; i < N_PRESETS; i++)
    if (strcmp(presets[i].name, name) == 0) return *out = presets[i], XAI_OK;
  char hint[128];
  return xai_fail(err, XAI_ENOTFOUND, "no preprocessing '%s' (imagenet, caffe, tf, cifar10, none)%s", name,
                  xai_str_suggest(hint, sizeof hint, xai_str_nearest(name, N_PRESETS, preset_name, presets)));
}

xai_status xai_net_set_preprocess(xai_net *net, const xai_preprocess *p, xai_net **out, xai_err *err) {
  if (!(p->scale > 0) || !isfinite(p->scale)) return xai_fail(err, XAI_EARG, "preprocess: scale must be above 0");
  for (int c = 0; c < 3; c++)
    if (!(p->std[c] > 0) || !isfinite(p->std[c]) || !isfinite(p->mean[c]))
      return xai_fail(err, XAI_EARG, "preprocess: std must be above 0 and mean finite in channel %d", c + 1);
  if (p->resize < 0 || p->crop < 0 || (p->resize > 0 && p->crop > p->resize))
    return xai_fail(err, XAI_EARG, "preprocess: cannot crop %d from a shorter side of %d", p->crop, p->resize);
  XAI_TRY(xai_net__copy(net, out, err));
  (*out)->preprocess = *p;
  return XAI_OK;
}

/* Height, width and channels that the input wants; 0: free. */
static xai_status input_size(const xai_net *net, int *c, int *h, int *w, xai_err *err) {
  xai_shape s = xai_net_input_shape(net);
  if (s.rank != 4 || (s.dims[1] > 0 && s.dims[1] != 1 && s.dims[1] != 3)) {
    char text[XAI_SHAPE_TEXT];
    return xai_fail(err, XAI_ESHAPE, "prepare: the network's input is %s, not a picture of 1 or 3 channels", xai_shape_text(&s, text));
  }
  *c = s.dims[1] == 1 ? 1 : 3;
  *h = s.dims[2] > 0 ? (int)s.dims[2] : 0;
  *w = s.dims[3] > 0 ? (int)s.dims[3] : 0;
  return XAI_OK;
}

static xai_status fit(const xai_image *img, const xai_preprocess *p, int h, int w, xai_image **out, xai_err *err) {
  xai_status st;
  xai_image *resized = NULL;
  int ch = h > 0 ? h : p->crop, cw = w > 0 ? w : p->crop; /* the file's size wins over the preset's crop */
  if (p->resize == 0 || p->crop == 0) return xai_image_resize(img, w > 0 ? w : img->width, h > 0 ? h : img->height, out, err);
  /* Keep the preset's margin for other input sizes: shorter side = size * resize / crop. */
  double shorter = (double)p->resize * (ch < cw ? ch : cw) / p->crop;
  double factor = shorter / (img->width < img->height ? img->width : img->height);
  int rw = (int)(img->width * factor + 1e-6), rh = (int)(img->height * factor + 1e-6);
  if (rw < cw) rw = cw;
  if (rh < ch) rh = ch;
  XAI_TRY(xai_image_resize(img, rw, rh, &resized, err));
  st = xai_image_crop(resized, (int)lround((rw - cw) / 2.0), (int)lround((rh - ch) / 2.0), cw, ch, out, err);
  xai_image_free(resized);
  return st;
}

void xai_preprocess__apply(const xai_preprocess *p, int channels, int64_t plane, const uint8_t *rgb, float *x) {
  for (int k = 0; k < channels; k++)
    for (int64_t i = 0; i < plane; i++) {
      const uint8_t *at = &rgb[3 * i];
      float byte = channels == 1 ? 0.299f * at[0] + 0.587f * at[1] + 0.114f * at[2] : at[p->bgr ? 2 - k : k];
      x[k * plane + i] = (byte * p->scale - p->mean[k]) / p->std[k];
    }
}

xai_status xai_net_prepare(const xai_net *net, const xai_image *img, xai_tensor **out, xai_err *err) {
  const xai_preprocess *p = &net->preprocess;
  int c, h, w;
  xai_image *fitted = NULL;
  XAI_TRY(input_size(net, &c, &h, &w, err));
  if (img->width != w || img->height != h) XAI_TRY(fit(img, p, h, w, &fitted, err));
  const xai_image *src = fitted != NULL ? fitted : img;
  xai_tensor *t = NULL;
  xai_status st = xai_tensor_new_raw(XAI_F32, XAI_SHAPE(1, c, src->height, src->width), &t, err);
  if (st == XAI_OK) {
    xai_preprocess__apply(p, c, (int64_t)src->width * src->height, src->rgb, xai_tensor_floats(t));
    *out = t;
  }
  xai_image_free(fitted);
  return st;
}

xai_status xai_net_unprepare(const xai_net *net, const xai_view *x, xai_image **out, xai_err *err) {
  const xai_preprocess *p = &net->preprocess;
  const xai_shape *s = &x->shape;
  int at = s->rank - 3; /* where C stands */
  bool good = x->dtype == XAI_F32 && ((s->rank == 4 && s->dims[0] == 1) || s->rank == 3) &&
              (s->dims[at] == 1 || s->dims[at] == 3) && s->dims[at + 1] <= 16384 && s->dims[at + 2] <= 16384;
  if (!good) {
    char text[XAI_SHAPE_TEXT];
    return xai_fail(err, XAI_ESHAPE, "unprepare: expected 1xCxHxW or CxHxW with 1 or 3 channels, got %s", xai_shape_text(s, text));
  }
  int c = (int)s->dims[at], h = (int)s->dims[at + 1], w = (int)s->dims[at + 2];
  xai_image *img = NULL;
  XAI_TRY(xai_image_new(w, h, &img, err));
  int64_t plane = (int64_t)h * w;
  for (int k = 0; k < 3; k++) {
    int from = c == 1 ? 0 : p->bgr ? 2 - k : k; /* channel of the tensor that holds colour k */
    const float *v = (const float *)x->data + from * plane;
    for (int64_t i = 0; i < plane; i++) {
      float byte = roundf((v[i] * p->std[from] + p->mean[from]) / p->scale);
      img->rgb[3 * i + k] = (uint8_t)(byte > 255 ? 255 : byte > 0 ? byte : 0);
    }
  }
  *out = img;
  return XAI_OK;
}
