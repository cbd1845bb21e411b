/* GrabCut: which pixels belong to the object? From a rectangle, from a saliency map, or from what is known of each pixel.
 *
 *   E = sum over pixels of -ln p(colour | its side)
 *     + sum over neighbours p, q on different sides of  gamma exp(-beta |c_p - c_q|^2) / distance(p, q)
 *
 * Rother, Kolmogorov, Blake 2004, "GrabCut: interactive foreground extraction using iterated graph cuts", sections 3.1 to
 * 3.3: a mixture of Gaussians per side (kernels/gmm.c), a cut of least E (kernels/maxflow.c), and again. Neighbours are
 * eight; beta = 1 / (2 mean |c_p - c_q|^2). As in OpenCV, a pixel learns for the component under which it is most probable,
 * whatever that one's weight; a flat component gets 0.01 of variance; and the first components come from k-means with 10
 * rounds, which begins here with Orchard's and Bouman's splitting in place of random colours.
 * From a saliency map: Simonyan, Vedaldi, Zisserman 2014, section 3.2: the models learn from the tails of the map; the
 * mask is the largest connected part of the object. Nothing here is random. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include "xai/explain.h"

enum { MOST_PIXELS = 1 << 24, KMEANS_ROUNDS = 10 }; /* a pixel needs about 200 bytes */

typedef enum side { BACKGROUND, OBJECT, NEITHER } side;

typedef struct cutting {
  const xai_grabcut_opts *o;
  const uint8_t *rgb, *codes;
  int64_t h, w, n;
  uint8_t *side;       /* what a pixel is on now; it learns for that side */
  uint8_t *component;
  uint8_t *object;     /* of the last cut */
  double *cost[2];     /* of a pixel on that side */
  double *edge[4];     /* right, down, down right, down left */
  void *work;
  xk_gmm model[2];
} cutting;

static const int step_x[4] = {1, 0, 1, -1}, step_y[4] = {0, 1, 1, 1};

static xai_status make_room(cutting *c, xai_err *err) {
  size_t n = (size_t)c->n, bytes = n * (6 * sizeof(double) + 3) + xk_maxflow_workspace(c->h, c->w);
  c->cost[0] = xai_alloc(bytes);
  if (c->cost[0] == NULL) return xai_fail_memory(err, bytes);
  c->cost[1] = c->cost[0] + n;
  for (int d = 0; d < 4; d++) c->edge[d] = c->cost[1] + (size_t)(d + 1) * n;
  c->work = c->edge[3] + n;
  c->side = (uint8_t *)c->work + xk_maxflow_workspace(c->h, c->w);
  c->component = c->side + n;
  c->object = c->component + n;
  return XAI_OK;
}

/* -1 when there is no neighbour there */
static int64_t neighbour(const cutting *c, int64_t p, int d) {
  int64_t x = p % c->w + step_x[d], y = p / c->w + step_y[d];
  return x >= 0 && x < c->w && y < c->h ? y * c->w + x : -1;
}

static double colour_distance(const cutting *c, int64_t p, int64_t q) {
  double sum = 0;
  for (int k = 0; k < 3; k++) {
    double d = (double)c->rgb[3 * p + k] - c->rgb[3 * q + k];
    sum += d * d;
  }
  return sum;
}

static void set_edges(cutting *c) {
  double sum = 0;
  int64_t pairs = 0;
  for (int64_t p = 0; p < c->n; p++)
    for (int d = 0; d < 4; d++) {
      int64_t q = neighbour(c, p, d);
      if (q < 0) continue;
      c->edge[d][p] = colour_distance(c, p, q);
      sum += c->edge[d][p];
      pairs++;
    }
  double beta = sum > 0 ? (double)pairs / (2 * sum) : 0;
  for (int d = 0; d < 4; d++)
    for (int64_t p = 0; p < c->n; p++)
      if (neighbour(c, p, d) >= 0) c->edge[d][p] = c->o->gamma * exp(-beta * c->edge[d][p]) / (d < 2 ? 1 : sqrt(2));
}

static xai_status first_sides(cutting *c, xai_err *err) {
  int64_t count[3] = {0};
  for (int64_t p = 0; p < c->n; p++) {
    uint8_t code = c->codes[p];
    if (code > XAI_CUT_UNKNOWN)
      return xai_fail(err, XAI_EARG, "mask: expected codes from 0 to %d, got %d", XAI_CUT_UNKNOWN, code);
    bool object = code == XAI_CUT_OBJECT || code == XAI_CUT_MAYBE_OBJECT;
    c->side[p] = (uint8_t)(code == XAI_CUT_UNKNOWN ? NEITHER : object ? OBJECT : BACKGROUND);
    count[c->side[p]]++;
  }
  if (count[BACKGROUND] == 0) return xai_fail(err, XAI_EARG, "no pixel of the background to learn from");
  if (count[OBJECT] == 0) return xai_fail(err, XAI_EARG, "no pixel of the object to learn from");
  for (uint8_t s = BACKGROUND; s <= OBJECT; s++)
    xk_gmm_split(c->n, c->rgb, c->side, s, (int)c->o->components, KMEANS_ROUNDS, c->component);
  return XAI_OK;
}

static void learn(cutting *c, bool first) {
  for (uint8_t s = BACKGROUND; s <= OBJECT; s++) {
    xk_gmm *m = &c->model[s];
    if (first) xk_gmm_learn(c->n, c->rgb, c->side, s, c->component, (int)c->o->components, 0.01, m);
    xk_gmm_assign(m, c->n, c->rgb, c->side, s, c->component);
    xk_gmm_learn(c->n, c->rgb, c->side, s, c->component, (int)c->o->components, 0.01, m);
    xk_gmm_cost(m, c->n, c->rgb, c->cost[s]);
  }
}

/* Sure pixels cost more on the wrong side than all their edges together, at most 6.9 gamma, could save. */
static double cut(cutting *c) {
  double sure = 9 * c->o->gamma + 1;
  for (int64_t p = 0; p < c->n; p++) {
    if (c->codes[p] > XAI_CUT_OBJECT) continue;
    c->cost[BACKGROUND][p] = c->codes[p] == XAI_CUT_BACKGROUND ? 0 : sure;
    c->cost[OBJECT][p] = c->codes[p] == XAI_CUT_OBJECT ? 0 : sure;
  }
  xk_cut grid = {.h = c->h, .w = c->w, .as_object = c->cost[OBJECT], .as_background = c->cost[BACKGROUND],
                 .right = c->edge[0], .down = c->edge[1], .down_right = c->edge[2], .down_left = c->edge[3]};
  return xk_maxflow(&grid, c->object, c->work);
}

/* A side that has lost all its pixels keeps its model: there is nothing to learn it from. */
static bool both_sides(const cutting *c) {
  return memchr(c->object, OBJECT, (size_t)c->n) != NULL && memchr(c->object, BACKGROUND, (size_t)c->n) != NULL;
}

static xai_status iterate(cutting *c, double *energy, xai_err *err) {
  for (int64_t i = 0; i < c->o->iterations; i++) {
    if (i == 0 || both_sides(c)) learn(c, i == 0);
    *energy = cut(c);
    if (xai_stop_requested()) return xai_fail_stop(err);
    memcpy(c->side, c->object, (size_t)c->n);
  }
  return XAI_OK;
}

/* Clears all but the largest region, the first of equals. */
static xai_status keep_largest(cutting *c, xai_err *err) {
  size_t room = (size_t)c->n * sizeof(int32_t) + xk_regions_workspace(c->h, c->w);
  void *work = xai_alloc(xk_regions_workspace(c->h, c->w));
  int32_t *label = xai_alloc((size_t)c->n * sizeof *label);
  int64_t *area = xai_calloc((size_t)c->n + 1, sizeof *area), best = 0;
  xai_status st = work == NULL || label == NULL || area == NULL ? xai_fail_memory(err, room) : XAI_OK;
  if (st == XAI_OK) {
    int64_t found = xk_regions(c->h, c->w, c->object, label, work);
    for (int64_t p = 0; p < c->n; p++) area[label[p]] += label[p] > 0;
    for (int64_t r = 1; r <= found; r++)
      if (area[r] > area[best]) best = r;
    for (int64_t p = 0; p < c->n; p++) c->object[p] = best > 0 && label[p] == best;
  }
  xai_free(work);
  xai_free(label);
  xai_free(area);
  return st;
}

static xai_cut_box tight_box(const cutting *c) {
  int left = (int)c->w, top = (int)c->h, right = -1, bottom = -1;
  for (int64_t p = 0; p < c->n; p++) {
    int x = (int)(p % c->w), y = (int)(p / c->w);
    if (c->object[p] == 0) continue;
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
  }
  return right < 0 ? (xai_cut_box){0} : (xai_cut_box){left, top, right - left + 1, bottom - top + 1};
}

void xai_grabcut_defaults(xai_grabcut_opts *opts) {
  *opts = (xai_grabcut_opts){.iterations = 5, .components = 5, .gamma = 50};
}

xai_status xai_grabcut(const xai_image *img, const uint8_t *codes, const xai_grabcut_opts *opts, uint8_t *object,
                       xai_cut_box *box, double *energy, xai_err *err) {
  cutting c = {.o = opts, .rgb = img->rgb, .codes = codes, .h = img->height, .w = img->width};
  double sum = 0;
  xai_status st;
  c.n = c.h * c.w;
  if (c.n > MOST_PIXELS)
    return xai_fail(err, XAI_EARG, "a picture of %dx%d is too large to cut (expected at most %d pixels): resize it first",
                    img->width, img->height, MOST_PIXELS);
  if (opts->components < 1 || opts->components > XK_GMM_MOST || opts->iterations < 1 || !(opts->gamma >= 0))
    return xai_fail(err, XAI_EARG, "expected 1 to %d components, iterations from 1 and gamma from 0", XK_GMM_MOST);
  XAI_GOTO(make_room(&c, err));
  set_edges(&c);
  XAI_GOTO(first_sides(&c, err));
  XAI_GOTO(iterate(&c, &sum, err));
  if (opts->largest) XAI_GOTO(keep_largest(&c, err));
  memcpy(object, c.object, (size_t)c.n);
  *box = tight_box(&c);
  *energy = sum;
done:
  xai_free(c.cost[0]);
  return st;
}

/* ---- from a map ------------------------------------------------------------------------------------------------ */
static int ascending(const void *pa, const void *pb) {
  float a = *(const float *)pa, b = *(const float *)pb;
  return (a > b) - (a < b);
}

xai_status xai_grabcut_seeds(const float *map, int64_t n, double object, double background, bool hard, uint8_t *codes,
                             xai_err *err) {
  if (!(object >= 0 && object <= 1 && background >= 0 && background <= 1))
    return xai_fail(err, XAI_EARG, "saliency: quantiles lie between 0 and 1 (object %g, background %g)", object, background);
  float *sorted = xai_alloc((size_t)n * sizeof *sorted);
  int64_t known = 0, objects = 0, backgrounds = 0;
  if (sorted == NULL) return xai_fail_memory(err, (size_t)n * sizeof *sorted);
  for (int64_t i = 0; i < n; i++)
    if (!isnan(map[i])) sorted[known++] = map[i];
  qsort(sorted, (size_t)known, sizeof *sorted, ascending);
  float high = known > 0 ? sorted[(int64_t)(object * (double)(known - 1))] : 0;
  float low = known > 0 ? sorted[(int64_t)(background * (double)(known - 1))] : 0;
  xai_free(sorted);
  for (int64_t i = 0; i < n; i++) {
    bool above = map[i] > high, below = !above && map[i] <= low;
    objects += above;
    backgrounds += below;
    codes[i] = (uint8_t)(above ? (hard ? XAI_CUT_OBJECT : XAI_CUT_MAYBE_OBJECT)
                               : below ? (hard ? XAI_CUT_BACKGROUND : XAI_CUT_MAYBE_BACKGROUND) : XAI_CUT_UNKNOWN);
  }
  if (objects > 0 && backgrounds > 0) return XAI_OK;
  return xai_fail(err, XAI_EARG, "saliency: nothing lies above the quantile %g of the map (is it the same everywhere?)",
                  object);
}
