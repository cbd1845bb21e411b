/* viz/contour.c: level lines of a map, by marching squares.
 *
 * A square has the middles of four neighbouring pixels as corners. The line crosses those of its sides whose ends lie on
 * different sides of the level, at the place that linear interpolation gives. Where all four are crossed, the square's
 * mean says which corners belong together (the usual way out of the ambiguity). Outside of the map everything counts as
 * below the level, a border of half a pixel wide, so that every line is closed. */
#include <math.h>

#include "base/alloc.h"
#include "base/status.h"
#include "viz/viz.h"

enum { UP, RIGHT, DOWN, LEFT, SIDES };

typedef struct field {
  const float *v;
  int h, w;
  double level;
} field;

/* Corner (x, y) of the squares, 0 and w + 1 (h + 1) being the border. NaN counts as outside. */
static double at(const field *f, int x, int y) {
  if (x < 1 || y < 1 || x > f->w || y > f->h) return -INFINITY;
  double v = f->v[(size_t)(y - 1) * (size_t)f->w + (size_t)(x - 1)] - f->level;
  return isnan(v) ? -INFINITY : v;
}
static bool above(const field *f, int x, int y) { return at(f, x, y) > 0; }

/* In pixels; the border stands half a pixel from the first middle. */
static double place(int corner, int last) { return corner == 0 ? 0 : corner > last ? last : corner - 0.5; }

/* Where the line crosses the side between two corners. */
static void cross(const field *f, int x0, int y0, int x1, int y1, double p[2]) {
  double a = at(f, x0, y0), b = at(f, x1, y1);
  double t = isinf(a) ? 0 : isinf(b) ? 1 : a / (a - b);
  p[0] = place(x0, f->w) + t * (place(x1, f->w) - place(x0, f->w));
  p[1] = place(y0, f->h) + t * (place(y1, f->h) - place(y0, f->h));
}

static void cross_side(const field *f, int x, int y, int side, double p[2]) {
  switch (side) {
    case UP: cross(f, x, y, x + 1, y, p); break;
    case RIGHT: cross(f, x + 1, y, x + 1, y + 1, p); break;
    case DOWN: cross(f, x, y + 1, x + 1, y + 1, p); break;
    default: cross(f, x, y, x, y + 1, p); break;
  }
}

/* The side at which a line that came in by 'side' leaves the square whose upper left corner is (x, y). */
static int leave_by(const field *f, int x, int y, int side) {
  const bool corner[SIDES] = {above(f, x, y), above(f, x + 1, y), above(f, x + 1, y + 1), above(f, x, y + 1)};
  bool crossed[SIDES];
  int n = 0;
  for (int k = 0; k < SIDES; k++) n += crossed[k] = corner[k] != corner[(k + 1) % SIDES];
  if (n == 2) {
    for (int k = 0; k < SIDES; k++)
      if (crossed[k] && k != side) return k;
  }
  /* All four: the two corners on one side of the level are joined through the middle, and each of the others has a line
   * of its own around it: around the upper right and lower left ones, UP goes with RIGHT; else UP goes with LEFT. */
  double sum = at(f, x, y) + at(f, x + 1, y) + at(f, x + 1, y + 1) + at(f, x, y + 1);
  int turn = (sum > 0) == corner[0] ? 1 : SIDES - 1;
  return side % 2 == 0 ? (side + turn) % SIDES : (side + SIDES - turn) % SIDES;
}

typedef struct sink {
  xai_contour c;
  size_t points, room_points, room_ends;
  bool failed;
} sink;

static void add(sink *s, const double p[2]) {
  if (s->failed) return;
  if (s->points == s->room_points) {
    size_t room = s->room_points == 0 ? 64 : 2 * s->room_points;
    double *more = xai_realloc(s->c.points, 2 * room * sizeof *more);
    if (more == NULL) {
      s->failed = true;
      return;
    }
    s->c.points = more;
    s->room_points = room;
  }
  s->c.points[2 * s->points] = p[0];
  s->c.points[2 * s->points + 1] = p[1];
  s->points++;
}

static void end_line(sink *s) {
  if (s->failed) return;
  if ((size_t)s->c.n == s->room_ends) {
    size_t room = s->room_ends == 0 ? 16 : 2 * s->room_ends;
    int *more = xai_realloc(s->c.ends, room * sizeof *more);
    if (more == NULL) {
      s->failed = true;
      return;
    }
    s->c.ends = more;
    s->room_ends = room;
  }
  s->c.ends[s->c.n++] = (int)s->points;
}

/* Follows the line through the upper side of square (x, y) once around; 'seen' has a mark for every upper side. */
static void follow(const field *f, int x, int y, bool *seen, sink *s) {
  int x0 = x, y0 = y, side = UP;
  do {
    double p[2];
    cross_side(f, x, y, side, p);
    add(s, p);
    side = leave_by(f, x, y, side);
    if (side == UP || side == DOWN) seen[((size_t)y + (side == DOWN)) * ((size_t)f->w + 1) + (size_t)x] = true;
    x += side == RIGHT ? 1 : side == LEFT ? -1 : 0;
    y += side == DOWN ? 1 : side == UP ? -1 : 0;
    side = (side + 2) % SIDES; /* out by the right is in by the left */
  } while ((x != x0 || y != y0 || side != UP) && !s->failed);
  double p[2];
  cross_side(f, x0, y0, UP, p);
  add(s, p);
  end_line(s);
}

void xai_contour_clear(xai_contour *c) {
  xai_free(c->points);
  xai_free(c->ends);
  *c = (xai_contour){0};
}

xai_status xai_contour_make(const float *v, int h, int w, double level, xai_contour *out, xai_err *err) {
  if (h < 1 || w < 1) return xai_fail(err, XAI_ESHAPE, "contour: no map (expected at least 1x1, got %dx%d)", h, w);
  if (!isfinite(level)) return xai_fail(err, XAI_EARG, "contour: level is no number (got %g)", level);
  field f = {v, h, w, level};
  sink s = {0};
  size_t sides = ((size_t)h + 2) * ((size_t)w + 1);
  bool *seen = xai_calloc(sides, sizeof *seen);
  if (seen == NULL) return xai_fail_memory(err, sides * sizeof *seen);
  /* every closed line crosses some upper side: it cannot turn back within one row of squares without one */
  for (int y = 1; y <= h; y++)
    for (int x = 0; x <= w; x++)
      if (above(&f, x, y) != above(&f, x + 1, y) && !seen[(size_t)y * ((size_t)w + 1) + (size_t)x]) follow(&f, x, y, seen, &s);
  xai_free(seen);
  if (s.failed) {
    xai_contour_clear(&s.c);
    return xai_fail_memory(err, 4 * s.room_points * sizeof(double));
  }
  *out = s.c;
  return XAI_OK;
}
