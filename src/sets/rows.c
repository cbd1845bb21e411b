/* sets/rows.c: see rows.h. */
#include "sets/rows.h"

#include <string.h>

#include "base/status.h"
#include "tensor/tensor.h"

static float reduce(const float *v, int64_t n, xai_pooling how) {
  double sum = 0;
  float most = v[0];
  for (int64_t i = 0; i < n; i++) {
    sum += (double)v[i];
    if (v[i] > most) most = v[i];
  }
  return how == XAI_POOLING_MAX ? most : (float)(sum / (double)n);
}

xai_status xai_rows_of(const xai_view *a, xai_pooling how, xai_tensor **out, xai_err *err) {
  char text[XAI_SHAPE_TEXT];
  if (a->dtype != XAI_F32 || a->shape.rank < 2)
    return xai_fail(err, XAI_ESHAPE, "expected an activation N x C ... of float32, got %s of %s",
                    xai_shape_text(&a->shape, text), xai_dtype_name(a->dtype));
  int64_t n = a->shape.dims[0], all = xai_shape_span(&a->shape, 1, a->shape.rank);
  int64_t places = how == XAI_POOLING_NONE ? 1 : xai_shape_span(&a->shape, 2, a->shape.rank);
  int64_t width = places > 0 ? all / places : 0;
  xai_tensor *t;
  XAI_TRY(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(n, width), &t, err));
  const float *from = a->data;
  float *to = xai_tensor_floats(t);
  if (places == 1 && n * width > 0) memcpy(to, from, (size_t)(n * width) * sizeof *to);
  for (int64_t i = 0; places > 1 && i < n * width; i++) to[i] = reduce(from + i * places, places, how);
  *out = t;
  return XAI_OK;
}

xai_status xai_rows_join(xai_tensor *const *parts, int n, xai_tensor **out, xai_err *err) {
  const xai_view *model = NULL; /* the first that has rows */
  int64_t rows = 0;
  for (int i = 0; i < n; i++) {
    const xai_view *v = xai_tensor_view(parts[i]);
    if (v->shape.rank < 1) return xai_fail(err, XAI_ESHAPE, "a number has no rows");
    if (model == NULL || xai_shape_size(&model->shape) == 0) model = v;
    if (xai_shape_size(&v->shape) == 0) continue;
    bool same = v->dtype == model->dtype && v->shape.rank == model->shape.rank;
    for (int d = 1; d < v->shape.rank && same; d++) same = v->shape.dims[d] == model->shape.dims[d];
    char a[XAI_SHAPE_TEXT], b[XAI_SHAPE_TEXT];
    if (!same)
      return xai_fail(err, XAI_ESHAPE, "rows of %s do not go below those of %s", xai_shape_text(&v->shape, a),
                      xai_shape_text(&model->shape, b));
    rows += v->shape.dims[0];
  }
  if (model == NULL) return xai_fail(err, XAI_EARG, "no rows");
  xai_shape shape = model->shape;
  shape.dims[0] = rows;
  xai_tensor *t;
  XAI_TRY(xai_tensor_new_raw(model->dtype, shape, &t, err));
  char *to = xai_tensor_view(t)->data;
  for (int i = 0; i < n; i++) {
    size_t bytes = xai_tensor_bytes(parts[i]);
    if (bytes > 0) memcpy(to, xai_tensor_view(parts[i])->data, bytes);
    to += bytes;
  }
  *out = t;
  return XAI_OK;
}
