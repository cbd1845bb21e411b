/* Guided Grad-CAM: the fine detail of guided backpropagation where Grad-CAM says that the class is.
 *
 *   R(c,i,j) = guided(c,i,j) * map(i,j),   map = Grad-CAM with its ReLU, enlarged to the picture
 *
 * Selvaraju et al. 2017, "Grad-CAM", section 3.2 (bilinear; nearest, as some programs have it, by the option 'enlarge').
 * Values: C x H x W, signed. extras: 'cam' h x w, 'guided' C x H x W. Cost: two forward and two backward passes. */
#include "base/clock.h"
#include "base/status.h"
#include "explain/probe.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

static void nearest(const xai_view *map, int64_t height, int64_t width, float *out) {
  int64_t h = map->shape.dims[0], w = map->shape.dims[1];
  for (int64_t i = 0; i < height * width; i++)
    out[i] = ((const float *)map->data)[i / width * h / height * w + i % width * w / width];
}

static xai_status enlarge(const xai_explanation *cam, xai_enlarge how, xai_tensor **out, xai_err *err) {
  if (how == XAI_ENLARGE_BILINEAR) return xai_explanation_map(cam, out, err);
  XAI_TRY(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(cam->height, cam->width), out, err));
  nearest(xai_tensor_view(cam->values), cam->height, cam->width, xai_tensor_floats(*out));
  return XAI_OK;
}

/* Grad-CAM's explanation becomes that of the product. */
static xai_status multiply(xai_explanation *e, xai_explanation *guided, const xai_tensor *map, xai_err *err) {
  int64_t plane = (int64_t)xai_tensor_count(map), n = (int64_t)xai_tensor_count(guided->values);
  for (int i = 0; i < e->n_extras; i++) xai_tensor_free(e->extras[i].tensor);
  e->n_extras = 0;
  XAI_TRY(xai_explanation_extra(e, "cam", &e->values, err));
  XAI_TRY(xai_tensor_copy(xai_tensor_view(guided->values), &e->values, err));
  XAI_TRY(xai_explanation_extra(e, "guided", &guided->values, err));
  const float *weight = xai_tensor_view(map)->data;
  for (int64_t i = 0; i < n; i++) xai_tensor_floats(e->values)[i] *= weight[i % plane];
  e->method = "guided_gradcam";
  e->unit = "";
  e->reduce = XAI_REDUCE_MAX_ABS;
  e->is_signed = false;
  return XAI_OK;
}

xai_status xai_guided_gradcam(xai_net *net, const xai_view *x, const xai_guided_gradcam_opts *opts, xai_explanation **out,
                              xai_err *err) {
  xai_gradcam_opts where = {.common = opts->common, .relu = true};
  xai_backprop_opts what = {.common = opts->common};
  xai_explanation *e = NULL, *guided = NULL;
  xai_tensor *map = NULL;
  xai_status st;
  double started = xai_clock();
  XAI_GOTO(xai_gradcam(net, x, &where, &e, err));
  XAI_GOTO(xai_guided_backprop(net, x, &what, &guided, err));
  XAI_GOTO(enlarge(e, opts->enlarge, &map, err));
  XAI_GOTO(multiply(e, guided, map, err));
  e->seconds = xai_clock() - started;
  *out = e;
  e = NULL;
done:
  xai_tensor_free(map);
  xai_explanation_free(guided);
  xai_explanation_free(e);
  return st;
}

static const char *const ways[] = {"bilinear", "nearest", NULL};
static const xai_opt_spec options[] = {
    {"enlarge", XAI_OPT_CHOICE, offsetof(xai_guided_gradcam_opts, enlarge), XAI_ENLARGE_BILINEAR, 0, 1, ways,
     "how Grad-CAM's map gets the picture's size", 0},
    {.name = NULL},
};

XAI_METHOD_RUN(guided_gradcam)
const xai_method xai_method_guided_gradcam = {
    .name = "guided_gradcam",
    .summary = "guided backpropagation where Grad-CAM says that the class is",
    .paper = "Selvaraju et al. 2017",
    .uses_layer = true,
    .opts_size = sizeof(xai_guided_gradcam_opts),
    .opts = options,
    .run = run,
};
