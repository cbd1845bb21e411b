/* Neuron images: the picture that excites a unit of any layer the most.
 *
 * Yosinski et al. 2015, "Understanding neural networks through deep visualization": gradient ascent from noise, held
 * together by decay, blur and the removal of small pixels (ascent.c); by default with steps that fit any network, and
 * jitter. A unit is "layer:channel:row:col"; "layer:channel" is its map's central unit with 'at', the mean over its map
 * with 'target'. Values: C x H x W, network units. */
#include "explain/ascent.h"

XAI_ASCENT_METHOD(neuron_image, XAI_ASCENT_CHOSEN, "the picture that excites a unit of any layer the most",
                  "Yosinski et al. 2015")
