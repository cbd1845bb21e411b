/* kernels/augment.c: pictures of a batch made a little different each time: mirrored, moved, recoloured, with a hole.
 *
 * What happens to picture i is drawn from element i of a stream and from nothing else. Pixels are those of a prepared
 * input, so that 0 is the mean: what comes in from outside and holes are 'fill'. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/private.h"

/* One picture's fate. */
typedef struct fate {
  bool mirrored;
  int64_t down, right;             /* how far it is moved */
  float shift, contrast, colour;   /* y = grey + colour (x' - grey), x' = mean + contrast (x - mean) + shift */
  int64_t top, left, height, width; /* of the hole */
} fate;

enum { MIRROR, DOWN, RIGHT, SHIFT, CONTRAST, COLOUR, HOLE, AREA, ASPECT, TOP, LEFT };

/* an integer from lo to hi */
static int64_t between(double u, int64_t lo, int64_t hi) { return lo + (int64_t)(u * (double)(hi - lo + 1)); }
/* a number from -r to r */
static double around(double u, double r) { return r * (2 * u - 1); }

static fate draw(const xk_augment *a, uint64_t base) {
  fate f = {.mirrored = xai_rng_uniform(base, MIRROR) < a->mirror};
  f.down = between(xai_rng_uniform(base, DOWN), -a->move, a->move);
  f.right = between(xai_rng_uniform(base, RIGHT), -a->move, a->move);
  f.shift = (float)around(xai_rng_uniform(base, SHIFT), a->brightness);
  f.contrast = (float)(1 + around(xai_rng_uniform(base, CONTRAST), a->contrast));
  f.colour = (float)(1 + around(xai_rng_uniform(base, COLOUR), a->colour));
  if (xai_rng_uniform(base, HOLE) >= a->hole) return f;
  /* a fiftieth to a fifth of the picture, up to twice as wide as high and the reverse */
  double area = (0.02 + 0.18 * xai_rng_uniform(base, AREA)) * (double)(a->h * a->w);
  double aspect = exp2(around(xai_rng_uniform(base, ASPECT), 1));
  f.height = xk__min(a->h, xk__max(1, (int64_t)(sqrt(area * aspect) + 0.5)));
  f.width = xk__min(a->w, xk__max(1, (int64_t)(sqrt(area / aspect) + 0.5)));
  f.top = between(xai_rng_uniform(base, TOP), 0, a->h - f.height);
  f.left = between(xai_rng_uniform(base, LEFT), 0, a->w - f.width);
  return f;
}

static void move_row(const xk_augment *a, const fate *f, const float *x, float *y) {
  for (int64_t i = 0; i < a->w; i++) {
    int64_t from = i - f->right;
    if (f->mirrored) from = a->w - 1 - from;
    y[i] = from >= 0 && from < a->w ? x[from] : a->fill;
  }
}

static void move(const xk_augment *a, const fate *f, const float *x, float *y) {
  for (int64_t c = 0; c < a->c; c++)
    for (int64_t i = 0; i < a->h; i++) {
      int64_t from = i - f->down;
      float *row = y + (c * a->h + i) * a->w;
      if (from >= 0 && from < a->h) move_row(a, f, x + (c * a->h + from) * a->w, row);
      else
        for (int64_t k = 0; k < a->w; k++) row[k] = a->fill;
    }
}

static void recolour(const xk_augment *a, const fate *f, float *y) {
  int64_t plane = a->h * a->w;
  float mean = (float)(xk__sum(a->c * plane, y) / (double)(a->c * plane)), shift = mean * (1 - f->contrast) + f->shift;
  for (int64_t i = 0; i < a->c * plane; i++) y[i] = f->contrast * y[i] + shift;
  if (f->colour == 1) return;
  for (int64_t i = 0; i < plane; i++) {
    float grey = 0;
    for (int64_t c = 0; c < a->c; c++) grey += y[c * plane + i];
    grey /= (float)a->c;
    for (int64_t c = 0; c < a->c; c++) y[c * plane + i] = grey + f->colour * (y[c * plane + i] - grey);
  }
}

static void pierce(const xk_augment *a, const fate *f, float *y) {
  for (int64_t c = 0; c < a->c; c++)
    for (int64_t i = f->top; i < f->top + f->height; i++)
      for (int64_t k = f->left; k < f->left + f->width; k++) y[(c * a->h + i) * a->w + k] = a->fill;
}

void xk_augment_forward(const xk_augment *a, uint64_t base, const float *x, float *y) {
  int64_t size = a->c * a->h * a->w;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (a->n * size > XK__CHUNK)
  for (int64_t i = 0; i < a->n; i++) {
    if (xai_stop_requested() || size == 0) continue;
    fate f = draw(a, xai_rng_u64(base, (uint64_t)i));
    move(a, &f, x + i * size, y + i * size);
    if (f.shift != 0 || f.contrast != 1 || f.colour != 1) recolour(a, &f, y + i * size);
    pierce(a, &f, y + i * size);
  }
}
