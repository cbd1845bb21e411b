/* score/place.c: does a map lie where the object is? And how concentrated is it? */
#include <math.h>

#include "base/alloc.h"
#include "base/status.h"
#include "score/score.h"

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

void xai_score_fill(uint8_t *region, int64_t h, int64_t w, const xai_score_box *box) {
  int64_t right = min64(w, box->x + box->w), bottom = min64(h, box->y + box->h);
  for (int64_t y = max64(0, box->y); y < bottom; y++)
    for (int64_t x = max64(0, box->x); x < right; x++) region[y * w + x] = 1;
}

/* The first largest value that is a number; -1: none. */
static int64_t peak(const float *v, int64_t n) {
  int64_t best = -1;
  for (int64_t i = 0; i < n; i++)
    if (!isnan(v[i]) && (best < 0 || v[i] > v[best])) best = i;
  return best;
}

bool xai_score_hits(const float *v, const uint8_t *region, int64_t h, int64_t w, double tolerance) {
  int64_t at = peak(v, h * w);
  if (at < 0 || region[at]) return at >= 0;
  int64_t reach = (int64_t)fmin(ceil(tolerance), (double)(h + w)), py = at / w, px = at % w;
  for (int64_t y = max64(0, py - reach); y <= min64(h - 1, py + reach); y++)
    for (int64_t x = max64(0, px - reach); x <= min64(w - 1, px + reach); x++)
      if (region[y * w + x] && hypot((double)(y - py), (double)(x - px)) < tolerance) return true;
  return false;
}

double xai_score_mass(const float *v, const uint8_t *region, int64_t n) {
  double inside = 0, all = 0;
  for (int64_t i = 0; i < n; i++) {
    if (!(v[i] > 0)) continue;
    all += v[i];
    if (region[i]) inside += v[i];
  }
  return all > 0 ? inside / all : 0;
}

xai_status xai_score_rank(const float *v, const uint8_t *region, int64_t n, double *out, xai_err *err) {
  int64_t size = 0, inside = 0;
  for (int64_t i = 0; i < n; i++) size += region[i] != 0;
  if (size == 0) return xai_fail(err, XAI_EARG, "the region is empty");
  int64_t *order = xai_alloc((size_t)n * sizeof *order);
  if (order == NULL) return xai_fail_memory(err, (size_t)n * sizeof *order);
  xai_status st = xai_score_order(v, n, order, err);
  for (int64_t i = 0; st == XAI_OK && i < size; i++) inside += region[order[i]] != 0;
  xai_free(order);
  if (st == XAI_OK) *out = (double)inside / (double)size;
  return st;
}

/* G = 1 - 2/n sum over k of s(k) / S * (n - k + 1/2), s sorted rising, k from 1. Sorted falling,
 * the i-th from 0 has n - k = i. */
xai_status xai_score_gini(const float *v, int64_t n, double *out, xai_err *err) {
  int64_t *order = xai_alloc((size_t)n * sizeof *order);
  float *size = xai_alloc((size_t)n * sizeof *size);
  double sum = 0, weighted = 0;
  xai_status st = XAI_OK;
  if (order == NULL || size == NULL) {
    st = xai_fail_memory(err, (size_t)n * (sizeof *order + sizeof *size));
    goto done;
  }
  for (int64_t i = 0; i < n; i++) size[i] = isnan(v[i]) ? 0 : fabsf(v[i]);
  XAI_GOTO(xai_score_order(size, n, order, err));
  for (int64_t i = 0; i < n; i++) {
    sum += size[order[i]];
    weighted += size[order[i]] * ((double)i + 0.5);
  }
  *out = sum > 0 ? 1 - 2 * weighted / (sum * (double)n) : 0;
done:
  xai_free(order);
  xai_free(size);
  return st;
}
