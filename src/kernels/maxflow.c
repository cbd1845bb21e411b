/* kernels/maxflow.c: the cheapest cut of a grid of pixels in two, after Boykov and Kolmogorov 2004, "An experimental
 * comparison of min-cut/max-flow algorithms for energy minimization in vision", section 3.
 *
 * Two trees grow from the terminals over edges with room left; where they meet, flow is pushed along the path; nodes
 * that a full edge has cut off look for a new parent or become free. Age and distance of a node's way to its terminal are
 * remembered, so that a way is followed only once per path. Edges are not stored as a graph: a node has its eight
 * neighbours, and room is kept per node and direction. Everything is in double: a path's narrowest edge is full exactly. */
#include "kernels/private.h"

enum { DIRECTIONS = 8, TERMINAL = 8, ORPHAN = 9, NO_PARENT = 10 };
/* A direction and its opposite differ in the last bit. */
static const int step_x[DIRECTIONS] = {1, -1, 0, 0, 1, -1, -1, 1};
static const int step_y[DIRECTIONS] = {0, 0, 1, -1, 1, -1, 1, -1};

enum { FREE, SOURCE, SINK }; /* trees */

typedef struct flow {
  int64_t h, w, n;
  int64_t step[DIRECTIONS]; /* to a neighbour */
  double (*room)[DIRECTIONS];
  double *terminal; /* > 0: room from the source, < 0: room to the sink */
  int64_t *next;    /* of the queue of active nodes; itself: the last one, -1: not in the queue */
  int64_t *orphans; /* a queue in a ring: a node is in it once at most */
  int64_t *age, *distance;
  uint8_t *tree, *parent; /* parent: a direction, or one of the above */
  int64_t first, last;    /* active; -1: none */
  int64_t orphan_first, orphan_count;
  int64_t now;
  double pushed;
} flow;

size_t xk_maxflow_workspace(int64_t h, int64_t w) {
  return (size_t)(h * w) * ((DIRECTIONS + 1) * sizeof(double) + 4 * sizeof(int64_t) + 2);
}

static bool has_neighbour(const flow *f, int64_t p, int d) {
  int64_t x = p % f->w + step_x[d], y = p / f->w + step_y[d];
  return x >= 0 && x < f->w && y >= 0 && y < f->h;
}

static void set_room(flow *f, int64_t p, int d, double weight) {
  if (!has_neighbour(f, p, d)) return;
  f->room[p][d] = f->room[p + f->step[d]][d ^ 1] = weight;
}

static void activate(flow *f, int64_t p) {
  if (f->next[p] >= 0) return;
  if (f->last >= 0) f->next[f->last] = p;
  else f->first = p;
  f->last = f->next[p] = p;
}

static int64_t take_active(flow *f) {
  while (f->first >= 0) {
    int64_t p = f->first;
    f->first = f->next[p] == p ? -1 : f->next[p];
    if (f->first < 0) f->last = -1;
    f->next[p] = -1;
    if (f->tree[p] != FREE) return p;
  }
  return -1;
}

static void orphan(flow *f, int64_t p) {
  f->parent[p] = ORPHAN;
  f->orphans[(f->orphan_first + f->orphan_count++) % f->n] = p;
}

static void setup(flow *f, const xk_cut *cut, uint8_t *tree, void *work) {
  int64_t n = cut->h * cut->w;
  *f = (flow){.h = cut->h, .w = cut->w, .n = n, .room = work, .first = -1, .last = -1, .tree = tree};
  f->terminal = (double *)(f->room + n);
  f->next = (int64_t *)(f->terminal + n);
  f->orphans = f->next + n;
  f->age = f->orphans + n;
  f->distance = f->age + n;
  f->parent = (uint8_t *)(f->distance + n);
  for (int d = 0; d < DIRECTIONS; d++) f->step[d] = step_y[d] * f->w + step_x[d];
  for (int64_t p = 0; p < n; p++) {
    for (int d = 0; d < DIRECTIONS; d++) f->room[p][d] = 0;
    f->next[p] = -1;
    f->age[p] = 0;
  }
  for (int64_t p = 0; p < n; p++) {
    set_room(f, p, 0, cut->right[p]);
    set_room(f, p, 2, cut->down[p]);
    set_room(f, p, 4, cut->down_right[p]);
    set_room(f, p, 6, cut->down_left[p]);
    double from = cut->as_background[p], to = cut->as_object[p]; /* a pixel on the sink's side pays the source's edge */
    f->pushed += from < to ? from : to;
    f->terminal[p] = from - to;
    f->tree[p] = from > to ? SOURCE : from < to ? SINK : FREE;
    f->parent[p] = from == to ? NO_PARENT : TERMINAL;
    f->distance[p] = 1;
    if (from != to) activate(f, p);
  }
}

/* Room of the edge from p in direction d, or towards p, as p's tree sends flow. */
static double room_away(const flow *f, int64_t p, int d) {
  return f->tree[p] == SOURCE ? f->room[p][d] : f->room[p + f->step[d]][d ^ 1];
}

/* Lets the tree of p grow; when it touches the other one, says by which edge, directed from source to sink. */
static bool grow(flow *f, int64_t p, int64_t *from, int *along) {
  for (int d = 0; d < DIRECTIONS; d++) {
    if (!has_neighbour(f, p, d) || room_away(f, p, d) <= 0) continue;
    int64_t q = p + f->step[d];
    if (f->tree[q] == FREE) {
      f->tree[q] = f->tree[p];
      f->parent[q] = (uint8_t)(d ^ 1);
      f->age[q] = f->age[p];
      f->distance[q] = f->distance[p] + 1;
      activate(f, q);
    } else if (f->tree[q] != f->tree[p]) {
      *from = f->tree[p] == SOURCE ? p : q;
      *along = f->tree[p] == SOURCE ? d : d ^ 1;
      return true;
    } else if (f->age[q] <= f->age[p] && f->distance[q] > f->distance[p] + 1) {
      f->parent[q] = (uint8_t)(d ^ 1); /* a shorter way */
      f->age[q] = f->age[p];
      f->distance[q] = f->distance[p] + 1;
    }
  }
  return false;
}

static double *edge_to_parent(flow *f, int64_t p, int64_t *above) {
  int d = f->parent[p];
  *above = p + f->step[d];
  return f->tree[p] == SOURCE ? &f->room[*above][d ^ 1] : &f->room[p][d];
}

static double narrowest(flow *f, int64_t p, double most) {
  while (f->parent[p] != TERMINAL) {
    double room = *edge_to_parent(f, p, &p);
    if (room < most) most = room;
  }
  double end = fabs(f->terminal[p]);
  return end < most ? end : most;
}

/* Pushes along the way from p to its terminal; nodes behind full edges become orphans. */
static void push(flow *f, int64_t p, double amount) {
  while (f->parent[p] != TERMINAL) {
    int64_t at = p;
    int d = f->parent[at];
    double *room = edge_to_parent(f, at, &p);
    *room -= amount;
    if (f->tree[at] == SOURCE) f->room[at][d] += amount;
    else f->room[p][d ^ 1] += amount;
    if (*room <= 0) orphan(f, at);
  }
  f->terminal[p] += f->tree[p] == SOURCE ? -amount : amount;
  if (f->terminal[p] == 0) orphan(f, p);
}

static void augment(flow *f, int64_t from, int along) {
  int64_t to = from + f->step[along];
  double amount = narrowest(f, to, narrowest(f, from, f->room[from][along]));
  f->room[from][along] -= amount;
  f->room[to][along ^ 1] += amount;
  push(f, from, amount);
  push(f, to, amount);
  f->pushed += amount;
}

/* How far p is from its terminal, 0 when its way ends at an orphan. A way that was followed since the last path is
 * known: it ends where an age is that of now. */
static int64_t way(flow *f, int64_t p) {
  int64_t length = 0, at = p;
  for (;; length++) {
    if (f->age[at] == f->now) {
      length += f->distance[at];
      break;
    }
    if (f->parent[at] == TERMINAL) {
      f->age[at] = f->now;
      f->distance[at] = 1;
      length++;
      break;
    }
    if (f->parent[at] >= ORPHAN) return 0;
    at += f->step[f->parent[at]];
  }
  int64_t distance = length;
  for (at = p; f->age[at] != f->now; at += f->step[f->parent[at]]) {
    f->age[at] = f->now;
    f->distance[at] = distance--;
  }
  return length;
}

/* Room of the edge between p and its neighbour towards p's terminal, if the neighbour were its parent. */
static double room_from(const flow *f, int64_t p, int d) {
  return f->tree[p] == SOURCE ? f->room[p + f->step[d]][d ^ 1] : f->room[p][d];
}

/* The neighbour nearest to the terminal becomes the parent; without one the node is free and its children are orphans. */
static void adopt(flow *f, int64_t p) {
  int64_t best = 0;
  for (int d = 0; d < DIRECTIONS; d++) {
    if (!has_neighbour(f, p, d)) continue;
    int64_t q = p + f->step[d];
    if (f->tree[q] != f->tree[p] || room_from(f, p, d) <= 0) continue;
    int64_t length = way(f, q);
    if (length == 0 || (best > 0 && length >= best)) continue;
    best = length;
    f->parent[p] = (uint8_t)d;
  }
  if (best > 0) {
    f->age[p] = f->now;
    f->distance[p] = best + 1;
    return;
  }
  for (int d = 0; d < DIRECTIONS; d++) {
    if (!has_neighbour(f, p, d)) continue;
    int64_t q = p + f->step[d];
    if (f->tree[q] != f->tree[p]) continue;
    if (room_from(f, p, d) > 0) activate(f, q);
    if (f->parent[q] == (d ^ 1)) orphan(f, q);
  }
  f->tree[p] = FREE;
  f->parent[p] = NO_PARENT;
}

double xk_maxflow(const xk_cut *cut, uint8_t *object, void *work) {
  flow f;
  setup(&f, cut, object, work);
  for (int64_t p; (p = take_active(&f)) >= 0 && !xai_stop_requested();) {
    int64_t from;
    int along;
    while (f.tree[p] != FREE && grow(&f, p, &from, &along)) {
      f.now++;
      augment(&f, from, along);
      while (f.orphan_count > 0) {
        int64_t q = f.orphans[f.orphan_first];
        f.orphan_first = (f.orphan_first + 1) % f.n;
        f.orphan_count--;
        adopt(&f, q);
      }
    }
  }
  for (int64_t p = 0; p < f.n; p++) object[p] = object[p] == SOURCE;
  return f.pushed;
}
