/* Barnes and Hut's quadtree over a map (van der Maaten 2014, section 4.2): far away points act like one.
 *
 * Points are sorted along Morton's curve, on which every cell of every quadtree is one stretch. A node is the smallest cell
 * around its stretch, so each inner node has two children at least, and nodes lie in the order in which a walk meets them:
 * the first child comes next, 'next' is where the walk goes on without the children.
 * Sixteen points that follow one another on the curve walk together and see the same: a node counts as one source when its
 * width is less than theta times its distance from the rectangle around the sixteen, so from each of them. */
#include <math.h>

#include "base/alloc.h"
#include "base/status.h"
#include "embed/embed.h"

enum { LEAF = 16, BITS = 16 }; /* points of a leaf; a coordinate is so many bits of the code */

typedef struct node {
  float x, y, w; /* centre of mass, points */
  float width;
  int32_t from, to, next; /* points [from, to) on the curve */
  bool leaf;
} node;

struct xai_tree {
  int64_t n, nodes;
  uint64_t *key, *spare; /* code << 32 | position */
  float *x, *y;          /* on the curve */
  node *node;            /* room for 2 n */
  float side;            /* of the square around all points */
};

void xai_tree_free(xai_tree *t) {
  if (t == NULL) return;
  xai_free(t->key);
  xai_free(t->spare);
  xai_free(t->x);
  xai_free(t->y);
  xai_free(t->node);
  xai_free(t);
}

xai_status xai_tree_new(int64_t n, xai_tree **out, xai_err *err) {
  xai_tree *t = xai_calloc(1, sizeof *t);
  size_t count = (size_t)n;
  if (t == NULL) return xai_fail_memory(err, sizeof *t);
  t->n = n;
  t->key = xai_alloc(count * sizeof *t->key);
  t->spare = xai_alloc(count * sizeof *t->spare);
  t->x = xai_alloc(count * sizeof *t->x);
  t->y = xai_alloc(count * sizeof *t->y);
  t->node = xai_alloc(2 * count * sizeof *t->node);
  if (!t->key || !t->spare || !t->x || !t->y || !t->node) {
    xai_tree_free(t);
    return xai_fail_memory(err, 2 * count * sizeof *t->node);
  }
  *out = t;
  return XAI_OK;
}

/* fminf and fmaxf are calls */
static float smaller(float a, float b) { return a < b ? a : b; }
static float larger(float a, float b) { return a > b ? a : b; }

/* The bits of v at the even places. */
static uint32_t spread(uint32_t v) {
  v = (v | v << 8) & 0x00FF00FF;
  v = (v | v << 4) & 0x0F0F0F0F;
  v = (v | v << 2) & 0x33333333;
  return (v | v << 1) & 0x55555555;
}

static uint32_t code_at(const xai_tree *t, int64_t i) { return (uint32_t)(t->key[i] >> 32); }

/* By code, then by position: a stable sort, byte by byte. */
static void sort(xai_tree *t) {
  for (int shift = 32; shift < 64; shift += 8) {
    int64_t at[257] = {0};
    for (int64_t i = 0; i < t->n; i++) at[(t->key[i] >> shift & 255) + 1]++;
    for (int b = 0; b < 256; b++) at[b + 1] += at[b];
    for (int64_t i = 0; i < t->n; i++) t->spare[at[t->key[i] >> shift & 255]++] = t->key[i];
    uint64_t *held = t->key;
    t->key = t->spare;
    t->spare = held;
  }
}

/* The nodes of points [from, to). */
static void grow(xai_tree *t, int64_t from, int64_t to) {
  node *v = &t->node[t->nodes++];
  uint32_t differ = code_at(t, from) ^ code_at(t, to - 1);
  int shift = 0; /* of the two bits that tell the children apart */
  while (differ >> shift > 3) shift += 2;
  *v = (node){.from = (int32_t)from, .to = (int32_t)to, .w = (float)(to - from), .leaf = to - from <= LEAF || differ == 0};
  v->width = ldexpf(t->side, (differ == 0 ? 0 : shift / 2 + 1) - BITS);
  double x = 0, y = 0;
  if (v->leaf) {
    for (int64_t i = from; i < to; i++) {
      x += t->x[i];
      y += t->y[i];
    }
  } else {
    for (int64_t lo = from, hi; lo < to; lo = hi) {
      uint32_t quarter = code_at(t, lo) >> shift;
      for (hi = lo + 1; hi < to && code_at(t, hi) >> shift == quarter;) hi++;
      const node *child = &t->node[t->nodes];
      grow(t, lo, hi);
      x += (double)child->x * child->w;
      y += (double)child->y * child->w;
    }
  }
  v->x = (float)(x / v->w);
  v->y = (float)(y / v->w);
  v->next = (int32_t)t->nodes;
}

void xai_tree_build(xai_tree *t, const float *x, const float *y) {
  float x_low = INFINITY, x_high = -INFINITY, y_low = INFINITY, y_high = -INFINITY;
  for (int64_t i = 0; i < t->n; i++) {
    x_low = smaller(x_low, x[i]);
    x_high = larger(x_high, x[i]);
    y_low = smaller(y_low, y[i]);
    y_high = larger(y_high, y[i]);
  }
  t->side = larger(x_high - x_low, y_high - y_low);
  const uint32_t most = (1u << BITS) - 1;
  const float scale = t->side > 0 ? (float)most / t->side : 0;
  for (int64_t i = 0; i < t->n; i++) {
    uint32_t column = (uint32_t)((x[i] - x_low) * scale), row = (uint32_t)((y[i] - y_low) * scale);
    column = column < most ? column : most;
    row = row < most ? row : most;
    t->key[i] = (uint64_t)(spread(column) | spread(row) << 1) << 32 | (uint64_t)i;
  }
  sort(t);
  for (int64_t i = 0; i < t->n; i++) {
    t->x[i] = x[(uint32_t)t->key[i]];
    t->y[i] = y[(uint32_t)t->key[i]];
  }
  t->nodes = 0;
  grow(t, 0, t->n);
}

int64_t xai_tree_groups(const xai_tree *t) { return (t->n + XAI_TREE_GROUP - 1) / XAI_TREE_GROUP; }

int64_t xai_tree_look(const xai_tree *t, int64_t g, double theta, xai_tree_sources *s, int64_t at[XAI_TREE_GROUP],
                      float tx[XAI_TREE_GROUP], float ty[XAI_TREE_GROUP]) {
  int64_t from = g * XAI_TREE_GROUP, count = t->n - from < XAI_TREE_GROUP ? t->n - from : XAI_TREE_GROUP, n = 0;
  float x_low = t->x[from], x_high = x_low, y_low = t->y[from], y_high = y_low, theta2 = (float)(theta * theta);
  for (int64_t l = 0; l < XAI_TREE_GROUP; l++) {
    int64_t i = l < count ? from + l : from;
    at[l] = l < count ? (int64_t)(uint32_t)t->key[i] : -1;
    tx[l] = t->x[i];
    ty[l] = t->y[i];
    x_low = smaller(x_low, tx[l]);
    x_high = larger(x_high, tx[l]);
    y_low = smaller(y_low, ty[l]);
    y_high = larger(y_high, ty[l]);
  }
  for (int64_t k = 0; k < t->nodes;) {
    const node *v = &t->node[k];
    float dx = larger(0, larger(x_low - v->x, v->x - x_high)), dy = larger(0, larger(y_low - v->y, v->y - y_high));
    if (v->width * v->width < theta2 * (dx * dx + dy * dy)) {
      s->x[n] = v->x;
      s->y[n] = v->y;
      s->w[n++] = v->w;
      k = v->next;
    } else if (v->leaf) {
      for (int64_t i = v->from; i < v->to; i++) {
        s->x[n] = t->x[i];
        s->y[n] = t->y[i];
        s->w[n++] = 1;
      }
      k = v->next;
    } else {
      k++;
    }
  }
  return n;
}
