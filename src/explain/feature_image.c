/* Feature images: what a unit, a channel or a class looks for, as a picture with some likeness to photographs.
 *
 * Olah, Mordvintsev, Schubert 2017, "Feature visualization", with the constants of their program Lucid: Adam climbs in the
 * space of decorrelated waves, and the network sees the picture moved, turned and enlarged at random (ascent.c, paint.c,
 * glimpse.c). Presets "xplique", "maco" (Fel et al. 2023), "omnixai", "tf_keras_vis" and "keras_vis" are other libraries' ways.
 * "layer:channel" as a target is the mean over its map, with 'at' its central unit. Values: C x H x W, network units. */
#include "explain/ascent.h"

XAI_ASCENT_METHOD(feature_image, XAI_ASCENT_LUCID,
                  "what a unit, a channel or a class looks for, as a picture made of waves and seen from many sides",
                  "Olah, Mordvintsev, Schubert 2017")
