/* graph/fill.c: see fill.h. */
#include "graph/fill.h"

#include <math.h>
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

xai_status xai_fill(const char *name, xai_shape shape, xai_tensor **out, xai_err *err) {
  xai_tensor *t = NULL;
  XAI_TRY(xai_tensor_new_raw(XAI_F32, shape, &t, err));
  const char *dot = strrchr(name, '.'), *last = dot != NULL ? dot + 1 : name;
  float centre = 0, radius;
  if (strcmp(last, "bias") == 0 || strcmp(last, "running_mean") == 0) {
    radius = 0.1f;
  } else if (strcmp(last, "running_var") == 0 || shape.rank < 2) {
    centre = 1;
    radius = 0.2f;
  } else {
    radius = (float)sqrt(6.0 / (double)xai_shape_span(&shape, 1, shape.rank));
  }
  xk_fill_uniform(xai_str_hash(name), (int64_t)xai_tensor_count(t), centre, radius, xai_tensor_floats(t));
  *out = t;
  return XAI_OK;
}
