/* graph/fill.h: parameters that anyone can make again from their names. */
#ifndef GRAPH_FILL_H
#define GRAPH_FILL_H

#include "xai/tensor.h"

/* A new float32 tensor for the parameter of this name ("layer1.0.bn1.running_var"). The seed is the FNV-1a hash of
 * the name; s in [-1, 1) is uniform, and an element is
 *   0.1 s                  when the name's last part is "bias" or "running_mean"
 *   1 + 0.2 s              when it is "running_var", or when there is one dim or none
 *   sqrt(6 / fan_in) s     otherwise; fan_in: elements behind one position of the first dim
 * so that activations keep their size through a network of rectifiers. Fails as xai_tensor_new does. */
xai_status xai_fill(const char *name, xai_shape shape, xai_tensor **out, xai_err *err);

#endif
