/* Class images: the picture that a network finds most typical of a class.
 *
 *   z = argmax of S(z) - l2 sum z^2       z: grey levels about the data set's mean colour, zeros at first
 *
 * Simonyan, Vedaldi, Zisserman 2014, "Deep Inside Convolutional Networks", section 2. S is the logit: a probability could
 * rise by other classes' falling. The paper prints neither its l2 nor its step; here a step moves a pixel by 'lr' grey
 * levels in the mean. Everything that ascent.c can do is an option. Values: C x H x W, network units. */
#include "explain/ascent.h"

XAI_ASCENT_METHOD(class_image, XAI_ASCENT_SIMONYAN, "the picture that a network finds most typical of a class",
                  "Simonyan, Vedaldi, Zisserman 2014")
