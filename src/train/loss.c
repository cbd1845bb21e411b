/* train/loss.c: see loss.h. */
#include "train/loss.h"

#include <inttypes.h>
#include <math.h>

#include "base/status.h"
#include "tensor/tensor.h"

#define TEXT(shape) xai_shape_text(shape, (char[XAI_SHAPE_TEXT]){0})

/* ---- targets ----------------------------------------------------------------------------------------- */
/* One row per picture; a network without a batch axis has one. */
static int64_t rows_of(const xai_view *y) { return y->shape.rank > 0 ? y->shape.dims[0] : 1; }

static xai_status check_ids(const xai_view *target, int64_t rows, int64_t classes, xai_err *err) {
  if (xai_shape_size(&target->shape) != rows)
    return xai_fail(err, XAI_ESHAPE, "targets: expected %" PRId64 " class ids, got %s", rows, TEXT(&target->shape));
  for (int64_t i = 0; i < rows; i++) {
    double id = xai_view_get(target, i);
    if (id >= 0 && id < (double)classes && id == floor(id)) continue;
    return xai_fail(err, XAI_EARG, "target %" PRId64 ": there is no class %g (the network has %" PRId64 ", from 0 on)",
                    i + 1, id, classes);
  }
  return XAI_OK;
}

/* Targets like y: rows of it when y has classes, any numbers otherwise. */
static xai_status check_alike(const xai_view *y, const xai_view *target, xai_err *err) {
  if (target->dtype == XAI_F32 && xai_shape_size(&target->shape) == xai_shape_size(&y->shape) &&
      rows_of(target) == rows_of(y))
    return XAI_OK;
  return xai_fail(err, XAI_ESHAPE, "targets: expected float32 %s, got %s %s", TEXT(&y->shape),
                  xai_dtype_name(target->dtype), TEXT(&target->shape));
}

static int64_t largest(int64_t n, const float *x) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; i++)
    if (x[i] > x[best]) best = i;
  return best;
}

/* ---- cross-entropy -------------------------------------------------------------------------------------- */
/* One row's share; t: its targets before smoothing, or NULL for class 'id'. */
static double row_entropy(int64_t classes, const float *z, const float *t, int64_t id, double smoothing, double scale,
                          float *dz) {
  double top = z[largest(classes, z)], sum = 0, weight = t == NULL, loss = 0;
  for (int64_t k = 0; k < classes; k++) sum += exp(z[k] - top);
  for (int64_t k = 0; t != NULL && k < classes; k++) weight += t[k];
  for (int64_t k = 0; k < classes; k++) {
    double log_p = z[k] - top - log(sum), want = t != NULL ? t[k] : k == id;
    want = (1 - smoothing) * want + smoothing * weight / (double)classes;
    if (want != 0) loss -= want * log_p; /* 0 log 0 is 0 */
    if (dz != NULL) dz[k] = (float)(scale * (weight * exp(log_p) - want));
  }
  return loss + 0 * sum; /* not finite when a score was not */
}

static xai_status cross_entropy(double smoothing, const xai_view *y, const xai_view *target, float *dy, xai_step *out,
                                xai_err *err) {
  int64_t rows = rows_of(y), classes = y->shape.rank > 0 ? xai_shape_span(&y->shape, 1, y->shape.rank) : 1;
  if (y->shape.rank < 2 || y->shape.dims[1] != classes)
    return xai_fail(err, XAI_ESHAPE, "cross-entropy: expected one score per class, the network gives %s",
                    TEXT(&y->shape));
  bool soft = target->shape.rank > 1;
  if (soft) XAI_TRY(check_alike(y, target, err));
  else XAI_TRY(check_ids(target, rows, classes, err));
  double loss = 0, scale = 1 / (double)rows;
  int64_t correct = 0;
  for (int64_t i = 0; i < rows; i++) {
    const float *z = (const float *)y->data + i * classes, *t = soft ? (const float *)target->data + i * classes : NULL;
    int64_t id = soft ? largest(classes, t) : (int64_t)xai_view_get(target, i);
    loss += row_entropy(classes, z, t, id, smoothing, scale, dy != NULL ? dy + i * classes : NULL);
    correct += largest(classes, z) == id;
  }
  *out = (xai_step){.loss = loss * scale, .correct = correct};
  return XAI_OK;
}

/* ---- mean squared error ------------------------------------------------------------------------------------ */
static xai_status squared_error(const xai_view *y, const xai_view *target, float *dy, xai_step *out, xai_err *err) {
  XAI_TRY(check_alike(y, target, err));
  int64_t n = xai_shape_size(&y->shape), rows = rows_of(y), width = rows > 0 ? n / rows : 0, correct = 0;
  const float *a = y->data, *t = target->data;
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    double d = (double)a[i] - t[i];
    sum += d * d;
    if (dy != NULL) dy[i] = (float)(2 * d / (double)n);
  }
  for (int64_t i = 0; i < rows && width > 1; i++) correct += largest(width, a + i * width) == largest(width, t + i * width);
  *out = (xai_step){.loss = sum / (double)n, .correct = correct};
  return XAI_OK;
}

xai_status xai_loss__compute(xai_loss kind, double smoothing, const xai_view *y, const xai_view *target, float *dy,
                             xai_step *out, xai_err *err) {
  if (y->dtype != XAI_F32 || xai_shape_size(&y->shape) == 0)
    return xai_fail(err, XAI_ESHAPE, "there is nothing to train on: the network gives %s %s", xai_dtype_name(y->dtype),
                    TEXT(&y->shape));
  if (kind == XAI_LOSS_MSE) return squared_error(y, target, dy, out, err);
  return cross_entropy(smoothing, y, target, dy, out, err);
}
