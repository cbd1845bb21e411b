/* explain/patches.c: for every unit of a layer the k pictures of a stream that excite it most, and where.
 *
 * A unit is a channel: of each picture only the place counts where its map is largest, so that the k patches come from k
 * pictures. Girshick et al. 2014, section 3.1; Zeiler, Fergus 2014, section 4.1 (k = 9). What a patch is, and its picture,
 * is the caller's business (graph/receptive_field.c): here are numbers and places alone, so memory does not grow with the
 * stream. Equal values go by the picture's number and the place, so the lists do not depend on the order of the pictures. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "tensor/tensor.h"
#include "xai/explain.h"

void xai_patches_clear(const xai_patches *p) {
  for (int64_t i = 0; i < p->units * p->k; i++) {
    p->values[i] = 0;
    p->pictures[i] = -1;
    p->places[i] = 0;
  }
}

/* Place of the largest value, the first of several; -1: there is none but NaN and -infinity. */
static int64_t largest(const float *map, int64_t n) {
  int64_t best = -1;
  float most = -INFINITY;
  for (int64_t i = 0; i < n; i++)
    if (map[i] > most) most = map[i], best = i;
  return best;
}

/* Into a list of k, best first, unless the picture is there already. */
static void enter(float *values, int64_t *pictures, int64_t *places, int64_t k, float value, int64_t picture, int64_t place) {
  int64_t at = k;
  for (int64_t i = 0; i < k; i++)
    if (pictures[i] == picture) return;
  for (; at > 0; at--) {
    bool before = value > values[at - 1] || (value == values[at - 1] && picture < pictures[at - 1]);
    if (pictures[at - 1] >= 0 && !before) break;
  }
  if (at == k) return;
  size_t after = (size_t)(k - at - 1);
  memmove(values + at + 1, values + at, after * sizeof *values);
  memmove(pictures + at + 1, pictures + at, after * sizeof *pictures);
  memmove(places + at + 1, places + at, after * sizeof *places);
  values[at] = value;
  pictures[at] = picture;
  places[at] = place;
}

xai_status xai_patches_add(const xai_patches *p, const xai_view *activation, int64_t picture, xai_err *err) {
  const xai_shape *s = &activation->shape;
  char text[XAI_SHAPE_TEXT];
  if (activation->dtype != XAI_F32 || s->rank < 2)
    return xai_fail(err, XAI_ESHAPE, "an activation of %s %s has no channels (expected float32 N x C ...)",
                    xai_dtype_name(activation->dtype), xai_shape_text(s, text));
  int64_t plane = xai_shape_span(s, 2, s->rank);
  for (int64_t u = 0; u < p->units; u++) {
    int64_t channel = p->channels != NULL ? p->channels[u] : u;
    if (channel < 0 || channel >= s->dims[1])
      return xai_fail(err, XAI_EARG, "there is no channel %lld in an activation of %s", (long long)channel + 1,
                      xai_shape_text(s, text));
  }
  for (int64_t n = 0; n < s->dims[0]; n++)
    for (int64_t u = 0; u < p->units; u++) {
      int64_t channel = p->channels != NULL ? p->channels[u] : u;
      const float *map = (const float *)activation->data + (n * s->dims[1] + channel) * plane;
      int64_t place = largest(map, plane);
      if (place >= 0)
        enter(p->values + u * p->k, p->pictures + u * p->k, p->places + u * p->k, p->k, map[place], picture + n, place);
    }
  return XAI_OK;
}
