/* Feature images: what a unit, a channel or a class looks for, as a picture with some likeness to photographs.
 *
 * Olah, Mordvintsev, Schubert 2017, "Feature visualization", with the constants of their program Lucid: Adam climbs in the
 * space of decorrelated waves, and the network sees the picture moved, turned and enlarged at random (ascent.c, paint.c,
 * glimpse.c). Presets "xplique", "maco" (Fel et al. 2023), "omnixai", "tf_keras_vis" and "keras_vis" are other libraries' ways.
 * "layer:channel" as a target is the mean over its map, with 'at' its central unit. Values: C x H x W, network units. */
#include "explain/ascent.h"

xai_status xai_feature_image(xai_net *net, const xai_view *x, const xai_ascent_opts *opts, xai_explanation **out, xai_err *err) {
  return xai_ascent__explain("feature_image", net, x, opts, out, err);
}

static void defaults(void *opts) {
  xai_ascent_opts *o = opts;
  o->seed = -1;
  o->centre = true;
  xai_ascent_set_preset(o, XAI_ASCENT_LUCID);
}

XAI_METHOD_RUN(feature_image)
const xai_method xai_method_feature_image = {
    .name = "feature_image",
    .summary = "what a unit, a channel or a class looks for, as a picture made of waves and seen from many sides",
    .paper = "Olah, Mordvintsev, Schubert 2017",
    .uses_at = true,
    .makes_picture = true,
    .opts_size = sizeof(xai_ascent_opts),
    .opts = xai_ascent__options,
    .defaults = defaults,
    .preset = xai_ascent__preset,
    .run = run,
};
