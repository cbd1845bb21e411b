/* kernels/volume.c: windows over three spatial axes: convolution, maximum, average, p-norm; plain loops.
 *
 * For the few networks over volumes, and for what the kernels over pictures leave out: the places of maxima, and
 * integers. A picture
 * is a volume of depth 1. Nothing is blocked for caches. */
#include <math.h>
#include <string.h>

#include "kernels/private.h"

enum { Z, Y, X };

static int64_t inside(const xk_volume *v) { return v->in[Z] * v->in[Y] * v->in[X]; }
static int64_t outside(const xk_volume *v) { return v->out[Z] * v->out[Y] * v->out[X]; }
static int64_t taps(const xk_volume *v) { return v->kernel[Z] * v->kernel[Y] * v->kernel[X]; }

/* ---- convolution -------------------------------------------------------------------------------------------- */
/* Which outputs see the input through tap number t of the kernel. */
typedef struct tap_sight {
  xk__sight axis[3];
} tap_sight;

static tap_sight sight_of(const xk_volume *v, int64_t t) {
  tap_sight s;
  for (int d = X; d >= Z; d--) {
    s.axis[d] = xk__sight_of(v->in[d], v->out[d], v->stride[d], v->before[d], t % v->kernel[d] * v->dilation[d]);
    t /= v->kernel[d];
  }
  return s;
}

/* Elements at which row (z, y) of the tap's sight starts, outside and inside. */
static int64_t row_out(const xk_volume *v, const tap_sight *s, int64_t z, int64_t y) {
  return ((s->axis[Z].out + z) * v->out[Y] + s->axis[Y].out + y) * v->out[X] + s->axis[X].out;
}
static int64_t row_in(const xk_volume *v, const tap_sight *s, int64_t z, int64_t y) {
  int64_t at_z = s->axis[Z].in + z * v->stride[Z], at_y = s->axis[Y].in + y * v->stride[Y];
  return (at_z * v->in[Y] + at_y) * v->in[X] + s->axis[X].in;
}

/* One channel of x through one filter plane: y += f * x, tap by tap. */
static void add_filtered(const xk_volume *v, const float *w, const float *x, float *y) {
  for (int64_t t = 0; t < taps(v); t++) {
    tap_sight s = sight_of(v, t);
    for (int64_t z = 0; z < s.axis[Z].count; z++)
      for (int64_t r = 0; r < s.axis[Y].count; r++) {
        const float *from = x + row_in(v, &s, z, r);
        float *to = y + row_out(v, &s, z, r);
        for (int64_t i = 0; i < s.axis[X].count; i++) to[i] += w[t] * from[i * v->stride[X]];
      }
  }
}

/* The adjoint: dx += f * dy. */
static void add_spread(const xk_volume *v, const float *w, const float *dy, float *dx) {
  for (int64_t t = 0; t < taps(v); t++) {
    tap_sight s = sight_of(v, t);
    for (int64_t z = 0; z < s.axis[Z].count; z++)
      for (int64_t r = 0; r < s.axis[Y].count; r++) {
        const float *from = dy + row_out(v, &s, z, r);
        float *to = dx + row_in(v, &s, z, r);
        for (int64_t i = 0; i < s.axis[X].count; i++) to[i * v->stride[X]] += w[t] * from[i];
      }
  }
}

static double correlate(const xk_volume *v, int64_t t, const float *x, const float *dy) {
  tap_sight s = sight_of(v, t);
  double sum = 0;
  for (int64_t z = 0; z < s.axis[Z].count; z++)
    for (int64_t r = 0; r < s.axis[Y].count; r++) {
      const float *a = x + row_in(v, &s, z, r), *b = dy + row_out(v, &s, z, r);
      for (int64_t i = 0; i < s.axis[X].count; i++) sum += (double)a[i * v->stride[X]] * (double)b[i];
    }
  return sum;
}

void xk_conv3d_forward(const xk_conv3d *p, const float *x, const float *w, const float *b, float *y) {
  int64_t cg = p->c / p->groups, mg = p->m / p->groups, k = taps(&p->v), in = inside(&p->v), out = outside(&p->v);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->n * p->m * out * cg * k > XK__CHUNK)
  for (int64_t i = 0; i < p->n * p->m; i++) {
    int64_t image = i / p->m, m = i % p->m, first = image * p->c + m / mg * cg;
    for (int64_t e = 0; e < out; e++) y[i * out + e] = b != NULL ? b[m] : 0;
    for (int64_t c = 0; c < cg && !xai_stop_requested(); c++)
      add_filtered(&p->v, w + (m * cg + c) * k, x + (first + c) * in, y + i * out);
  }
}

void xk_conv3d_backward_input(const xk_conv3d *p, const float *w, const float *dy, float *dx) {
  int64_t cg = p->c / p->groups, mg = p->m / p->groups, k = taps(&p->v), in = inside(&p->v), out = outside(&p->v);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->n * p->c * out * mg * k > XK__CHUNK)
  for (int64_t i = 0; i < p->n * p->c; i++) {
    int64_t image = i / p->c, c = i % p->c, first = c / cg * mg;
    memset(dx + i * in, 0, (size_t)in * sizeof *dx);
    for (int64_t m = first; m < first + mg && !xai_stop_requested(); m++)
      add_spread(&p->v, w + (m * cg + c % cg) * k, dy + (image * p->m + m) * out, dx + i * in);
  }
}

void xk_conv3d_backward_weight(const xk_conv3d *p, const float *x, const float *dy, float *dw) {
  int64_t cg = p->c / p->groups, mg = p->m / p->groups, k = taps(&p->v), in = inside(&p->v), out = outside(&p->v);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->n * p->m * out * cg * k > XK__CHUNK)
  for (int64_t i = 0; i < p->m * cg * k; i++) {
    int64_t t = i % k, c = i / k % cg, m = i / k / cg;
    double sum = 0;
    for (int64_t image = 0; image < p->n && !xai_stop_requested(); image++)
      sum += correlate(&p->v, t, x + (image * p->c + m / mg * cg + c) * in, dy + (image * p->m + m) * out);
    dw[i] = (float)sum;
  }
}

/* ---- pooling ------------------------------------------------------------------------------------------------- */
/* The window of one output position: along each axis, where tap 0 lies and which taps are inside. */
typedef struct box {
  int64_t start[3], first[3], end[3];
} box;

static box box_of(const xk_volume *v, int64_t o) {
  box b;
  for (int d = X; d >= Z; d--) {
    int64_t start = o % v->out[d] * v->stride[d] - v->before[d];
    b.start[d] = start;
    b.first[d] = start < 0 ? xk__min(v->kernel[d], xk__ceil_div(-start, v->dilation[d])) : 0;
    b.end[d] = start >= v->in[d] ? 0 : xk__min(v->kernel[d], xk__ceil_div(v->in[d] - start, v->dilation[d]));
    b.end[d] = xk__max(b.end[d], b.first[d]);
    o /= v->out[d];
  }
  return b;
}

/* Walks the elements of a box in row-major order; the statement sees 'at'. */
#define EACH_IN_BOX(v, b, ...)                                                                                         \
  for (int64_t kz = (b).first[Z]; kz < (b).end[Z]; kz++)                                                               \
    for (int64_t ky = (b).first[Y]; ky < (b).end[Y]; ky++)                                                             \
      for (int64_t kx = (b).first[X]; kx < (b).end[X]; kx++) {                                                         \
        int64_t at = ((b).start[Z] + kz * (v)->dilation[Z]) * (v)->in[Y] + (b).start[Y] + ky * (v)->dilation[Y];       \
        at = at * (v)->in[X] + (b).start[X] + kx * (v)->dilation[X];                                                   \
        __VA_ARGS__;                                                                                                   \
      }

/* Place of the first maximum, NaN above numbers; -1 when the box holds nothing but padding. */
static int64_t winner(const xk_volume *v, const float *x, int64_t o) {
  box b = box_of(v, o);
  int64_t win = -1;
  EACH_IN_BOX(v, b, if (win < 0 || x[at] > x[win] || (isnan(x[at]) && !isnan(x[win]))) win = at)
  return win;
}

void xk_maxpool3d_forward(const xk_pool3d *p, const float *x, float *y, int64_t *where) {
  int64_t in = inside(&p->v), out = outside(&p->v);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->planes * in > XK__CHUNK)
  for (int64_t i = 0; i < p->planes; i++)
    for (int64_t o = 0; o < out && !xai_stop_requested(); o++) {
      int64_t win = winner(&p->v, x + i * in, o);
      y[i * out + o] = win < 0 ? -INFINITY : x[i * in + win];
      if (where != NULL) where[i * out + o] = i * in + xk__max(win, 0);
    }
}

void xk_maxpool3d_backward(const xk_pool3d *p, const float *x, const float *dy, float *dx) {
  int64_t in = inside(&p->v), out = outside(&p->v);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->planes * in > XK__CHUNK)
  for (int64_t i = 0; i < p->planes; i++) {
    memset(dx + i * in, 0, (size_t)in * sizeof *dx);
    for (int64_t o = 0; o < out && !xai_stop_requested(); o++) {
      int64_t win = winner(&p->v, x + i * in, o);
      if (win >= 0) dx[i * in + win] += dy[i * out + o];
    }
  }
}

void xk_maxpool3d_forward_int(const xk_pool3d *p, size_t size, const void *x, void *y, int64_t *where) {
  int64_t in = inside(&p->v), out = outside(&p->v);
  for (int64_t i = 0; i < p->planes * out && !xai_stop_requested(); i++) {
    box b = box_of(&p->v, i % out);
    int64_t plane = i / out * in, win = -1;
    EACH_IN_BOX(&p->v, b, if (win < 0 || xk__load(size, x, plane + at) > xk__load(size, x, plane + win)) win = at)
    xk__store(size, y, i, win < 0 ? 0 : xk__load(size, x, plane + win));
    if (where != NULL) where[i] = plane + xk__max(win, 0);
  }
}

/* 1 / number of taps that count: those inside the input, or inside the padded input; 0 when there are none. */
static double share(const xk_pool3d *p, const box *b) {
  int64_t n = 1;
  for (int d = Z; d <= X; d++) {
    int64_t padded = xk__max(0, p->v.in[d] + p->v.after[d] - b->start[d]);
    if (p->count_include_pad) n *= xk__min(p->v.kernel[d], xk__ceil_div(padded, p->v.dilation[d]));
    else n *= b->end[d] - b->first[d];
  }
  return n > 0 ? 1.0 / (double)n : 0;
}

void xk_avgpool3d_forward(const xk_pool3d *p, const float *x, float *y) {
  int64_t in = inside(&p->v), out = outside(&p->v);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->planes * in > XK__CHUNK)
  for (int64_t i = 0; i < p->planes; i++)
    for (int64_t o = 0; o < out && !xai_stop_requested(); o++) {
      box b = box_of(&p->v, o);
      double sum = 0;
      EACH_IN_BOX(&p->v, b, sum += (double)x[i * in + at])
      y[i * out + o] = (float)(sum * share(p, &b));
    }
}

void xk_avgpool3d_backward(const xk_pool3d *p, const float *dy, float *dx) {
  int64_t in = inside(&p->v), out = outside(&p->v);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (p->planes * in > XK__CHUNK)
  for (int64_t i = 0; i < p->planes; i++) {
    memset(dx + i * in, 0, (size_t)in * sizeof *dx);
    for (int64_t o = 0; o < out && !xai_stop_requested(); o++) {
      box b = box_of(&p->v, o);
      float g = (float)((double)dy[i * out + o] * share(p, &b));
      EACH_IN_BOX(&p->v, b, dx[i * in + at] += g)
    }
  }
}

void xk_lppool3d_forward(const xk_pool3d *s, int64_t p, const float *x, float *y) {
  int64_t in = inside(&s->v), out = outside(&s->v);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (s->planes * in > XK__CHUNK)
  for (int64_t i = 0; i < s->planes; i++)
    for (int64_t o = 0; o < out && !xai_stop_requested(); o++) {
      box b = box_of(&s->v, o);
      double sum = 0;
      EACH_IN_BOX(&s->v, b, sum += xk__power(fabs((double)x[i * in + at]), p))
      y[i * out + o] = (float)xk__root(sum, p);
    }
}

/* dy/dx = sign x (|x| / y)^(p-1), and 0 in a window of zeros */
void xk_lppool3d_backward(const xk_pool3d *s, int64_t p, const float *x, const float *y, const float *dy, float *dx) {
  int64_t in = inside(&s->v), out = outside(&s->v);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (s->planes * in > XK__CHUNK)
  for (int64_t i = 0; i < s->planes; i++) {
    memset(dx + i * in, 0, (size_t)in * sizeof *dx);
    for (int64_t o = 0; o < out && !xai_stop_requested(); o++) {
      box b = box_of(&s->v, o);
      double norm = y[i * out + o], g = dy[i * out + o];
      if (norm == 0) continue;
      EACH_IN_BOX(&s->v, b, double v = x[i * in + at]; double slope = g * xk__power(fabs(v) / norm, p - 1);
                  dx[i * in + at] += (float)(v > 0 ? slope : v < 0 ? -slope : 0))
    }
  }
}
