/* Neuron images: the picture that excites a unit of any layer the most.
 *
 * Yosinski et al. 2015, "Understanding neural networks through deep visualization": gradient ascent from noise, held
 * together by decay, blur and the removal of small pixels (ascent.c); by default with steps that fit any network, and
 * jitter. A unit is "layer:channel:row:col"; "layer:channel" is its map's central unit with 'at', the mean over its map
 * with 'target'. Values: C x H x W, network units. */
#include "explain/ascent.h"

xai_status xai_neuron_image(xai_net *net, const xai_view *x, const xai_ascent_opts *opts, xai_explanation **out, xai_err *err) {
  return xai_ascent__explain("neuron_image", net, x, opts, out, err);
}

static void defaults(void *opts) {
  xai_ascent_opts *o = opts;
  o->seed = -1;
  o->centre = true;
  xai_ascent_set_preset(o, XAI_ASCENT_CHOSEN);
}

XAI_METHOD_RUN(neuron_image)
const xai_method xai_method_neuron_image = {
    .name = "neuron_image",
    .summary = "the picture that excites a unit of any layer the most",
    .paper = "Yosinski et al. 2015",
    .uses_at = true,
    .makes_picture = true,
    .opts_size = sizeof(xai_ascent_opts),
    .opts = xai_ascent__options,
    .defaults = defaults,
    .preset = xai_ascent__preset,
    .run = run,
};
