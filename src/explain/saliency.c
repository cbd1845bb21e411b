/* Saliency: which pixels need to be changed the least to change the score the most?
 *
 *   M(i,j) = max over channels c of | d S / d x(c,i,j) |
 *
 * Simonyan, Vedaldi, Zisserman 2014, "Deep Inside Convolutional Networks", section 3.1. S is the logit, not
 * the softmax probability. extras: 'gradient', C x H x W, with its sign. */
#include <math.h>

#include "base/status.h"
#include "explain/backprop.h"
#include "tensor/tensor.h"

xai_status xai_saliency(xai_net *net, const xai_view *x, const xai_saliency_opts *opts, xai_explanation **out, xai_err *err) {
  xai_explanation *e = NULL;
  xai_tensor *map = NULL;
  xai_status st;
  XAI_GOTO(xai_backprop__explain("saliency", net, x, &opts->common, XAI_RELU_PLAIN, &e, err));
  XAI_GOTO(xai_tensor_new(XAI_F32, XAI_SHAPE(e->height, e->width), &map, err));
  const xai_view *g = xai_tensor_view(e->values);
  int64_t plane = (int64_t)e->height * e->width;
  float *m = xai_tensor_floats(map);
  for (int64_t from = 0, all = xai_shape_size(&g->shape); from < all; from += plane)
    for (int64_t i = 0; i < plane; i++) {
      float size = fabsf(((const float *)g->data)[from + i]);
      m[i] = size > m[i] ? size : m[i];
    }
  XAI_GOTO(xai_explanation_extra(e, "gradient", &e->values, err));
  e->values = map;
  map = NULL;
  e->reduce = XAI_REDUCE_NONE;
  *out = e;
  e = NULL;
done:
  xai_tensor_free(map);
  xai_explanation_free(e);
  return st;
}

XAI_METHOD_RUN(saliency)
const xai_method xai_method_saliency = {
    .name = "saliency",
    .summary = "largest absolute gradient of the score over the colour channels, per pixel",
    .paper = "Simonyan, Vedaldi, Zisserman 2014",
    .opts_size = sizeof(xai_saliency_opts),
    .opts = xai_no_options,
    .run = run,
};
