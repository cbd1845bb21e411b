/* Class images: the picture that a network finds most typical of a class.
 *
 *   z = argmax of S(z) - l2 sum z^2       z: grey levels about the data set's mean colour, zeros at first
 *
 * Simonyan, Vedaldi, Zisserman 2014, "Deep Inside Convolutional Networks", section 2. S is the logit: a probability could
 * rise by other classes' falling. The paper prints neither its l2 nor its step; here a step moves a pixel by 'lr' grey
 * levels in the mean. Everything that ascent.c can do is an option. Values: C x H x W, network units. */
#include "explain/ascent.h"

xai_status xai_class_image(xai_net *net, const xai_view *x, const xai_ascent_opts *opts, xai_explanation **out, xai_err *err) {
  return xai_ascent__explain("class_image", net, x, opts, out, err);
}

static void defaults(void *opts) {
  xai_ascent_opts *o = opts;
  o->seed = -1;
  o->centre = true;
  xai_ascent_set_preset(o, XAI_ASCENT_SIMONYAN);
}

XAI_METHOD_RUN(class_image)
const xai_method xai_method_class_image = {
    .name = "class_image",
    .summary = "the picture that a network finds most typical of a class",
    .paper = "Simonyan, Vedaldi, Zisserman 2014",
    .uses_at = true,
    .makes_picture = true,
    .opts_size = sizeof(xai_ascent_opts),
    .opts = xai_ascent__options,
    .defaults = defaults,
    .preset = xai_ascent__preset,
    .run = run,
};
