/* score/gabor.c: which Gabor function is a filter most like?
 *
 * The colours (an amplitude and an offset per channel) enter linearly and are found exactly for every shape, so that only
 * the seven numbers of the shape are searched for: variable projection (Golub, Pereyra 1973) in Kaufman's approximation
 * (1975). With v the filter without the channels' means, g the shape without its mean and D the shape's derivatives,
 *
 *   a_k = v_k g / g^2      what is left = sum of v_k^2 - g^2 sum of a_k^2
 *
 * and a step of Gauss and Newton is that of fitting g to s = sum of a_k v_k / sum of a_k^2, the filter seen through its
 * own colours, with derivatives from which g is projected out. Levenberg's and Marquardt's damping makes it safe. There
 * are many local minima: the search starts at the spectrum's highest peaks with several phases and widths. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "score/filter.h"

enum { X, Y, THETA, FREQUENCY, PHASE, LOG_ALONG, LOG_ACROSS, SHAPE, G = SHAPE, COLUMNS };
enum { PEAKS = 4, STEPS = 60, GRID_MIN = 32 };

#define PI 3.14159265358979323846

typedef struct task {
  const double *v; /* c x h x w */
  int64_t c, h, w;
  double square;   /* of v */
  double lo[SHAPE], hi[SHAPE];
} task;

/* A shape with all that a step needs. */
typedef struct state {
  double p[SHAPE];
  double normal[COLUMNS][COLUMNS]; /* products of derivatives and of g, each without its mean */
  double *with;                    /* c x COLUMNS: products with the channels */
  double left;                     /* sum of squares */
} state;

/* The derivatives of g at (x, y), then g itself. */
static void columns_at(const double p[SHAPE], double x, double y, double out[COLUMNS]) {
  double cosine = cos(p[THETA]), sine = sin(p[THETA]), dx = x - p[X], dy = y - p[Y];
  double a = dx * cosine - dy * sine, b = dx * sine + dy * cosine;
  double per_along = exp(-2 * p[LOG_ALONG]), per_across = exp(-2 * p[LOG_ACROSS]);
  double turn = 2 * PI * p[FREQUENCY], angle = turn * a + p[PHASE];
  double envelope = exp(-0.5 * (a * a * per_along + b * b * per_across));
  double even = envelope * cos(angle), odd = envelope * sin(angle);
  double by_a = -a * per_along * even - turn * odd, by_b = -b * per_across * even;
  out[X] = -cosine * by_a - sine * by_b;
  out[Y] = sine * by_a - cosine * by_b;
  out[THETA] = -b * by_a + a * by_b;
  out[FREQUENCY] = -2 * PI * a * odd;
  out[PHASE] = -odd;
  out[LOG_ALONG] = a * a * per_along * even;
  out[LOG_ACROSS] = b * b * per_across * even;
  out[G] = even;
}

static void swap(state *a, state *b) {
  state old = *a;
  *a = *b;
  *b = old;
}

static double g_square(const state *s) { return s->normal[G][G]; }
static double amplitude(const state *s, int64_t k) {
  return g_square(s) > 0 ? s->with[k * COLUMNS + G] / g_square(s) : 0;
}

static void evaluate(const task *t, state *s) {
  double sum[COLUMNS] = {0}, column[COLUMNS];
  int64_t plane = t->h * t->w;
  memset(s->normal, 0, sizeof s->normal);
  memset(s->with, 0, (size_t)t->c * COLUMNS * sizeof *s->with);
  for (int64_t i = 0; i < plane; i++) {
    columns_at(s->p, (double)(i % t->w), (double)(i / t->w), column);
    for (int m = 0; m < COLUMNS; m++) {
      sum[m] += column[m];
      for (int n = 0; n <= m; n++) s->normal[m][n] += column[m] * column[n];
      for (int64_t k = 0; k < t->c; k++) s->with[k * COLUMNS + m] += column[m] * t->v[k * plane + i];
    }
  }
  for (int m = 0; m < COLUMNS; m++)
    for (int n = 0; n <= m; n++) s->normal[n][m] = s->normal[m][n] -= sum[m] * sum[n] / (double)plane;
  s->left = t->square;
  for (int64_t k = 0; k < t->c; k++) s->left -= amplitude(s, k) * s->with[k * COLUMNS + G];
}

/* Solves a step's equations in place by elimination; they are symmetric and, damped, positive definite. */
static void solve(double m[SHAPE][SHAPE], double b[SHAPE]) {
  for (int i = 0; i < SHAPE; i++)
    for (int j = i + 1; j < SHAPE; j++) {
      double part = m[j][i] / m[i][i];
      for (int k = i; k < SHAPE; k++) m[j][k] -= part * m[i][k];
      b[j] -= part * b[i];
    }
  for (int i = SHAPE - 1; i >= 0; i--) {
    for (int k = i + 1; k < SHAPE; k++) b[i] -= m[i][k] * b[k];
    b[i] /= m[i][i];
  }
}

/* The shape after one damped step, within its bounds: a number at one that wants to go beyond stays where it is. */
static void step_from(const task *t, const state *s, double damping, double p[SHAPE]) {
  double square = g_square(s), colours = 0, m[SHAPE][SHAPE], b[SHAPE];
  for (int64_t k = 0; k < t->c; k++) colours += amplitude(s, k) * amplitude(s, k);
  for (int i = 0; i < SHAPE; i++) {
    b[i] = -s->normal[i][G];
    for (int64_t k = 0; k < t->c; k++) b[i] += amplitude(s, k) * s->with[k * COLUMNS + i] / colours;
    for (int j = 0; j < SHAPE; j++) m[i][j] = s->normal[i][j] - s->normal[i][G] * s->normal[j][G] / square;
  }
  for (int i = 0; i < SHAPE; i++) {
    bool held = (b[i] < 0 && s->p[i] <= t->lo[i]) || (b[i] > 0 && s->p[i] >= t->hi[i]);
    for (int j = 0; held && j < SHAPE; j++) m[i][j] = m[j][i] = 0;
    if (held) b[i] = 0;
    m[i][i] = held ? 1 : m[i][i] * (1 + damping) + 1e-12 * square;
  }
  solve(m, b);
  for (int i = 0; i < SHAPE; i++) p[i] = fmin(t->hi[i], fmax(t->lo[i], s->p[i] + b[i]));
}

/* Goes down from s; 'spare' is room for what is tried. */
static void descend(const task *t, state *s, state *spare) {
  double damping = 1e-2;
  evaluate(t, s);
  for (int i = 0; i < STEPS && damping < 1e8 && s->left > 0 && s->left < t->square; i++) {
    step_from(t, s, damping, spare->p);
    evaluate(t, spare);
    if (!(spare->left < s->left)) {
      damping *= 10;
      continue;
    }
    bool still = s->left - spare->left < 1e-10 * t->square;
    swap(s, spare);
    if (still) break;
    damping = fmax(1e-9, damping / 10);
  }
}

typedef struct peak {
  double power, u, v; /* cycles per weight, to the right and down */
} peak;

static double power_at(const double *power, int64_t n, int64_t u, int64_t v) {
  return power[(v + n) % n * n + (u + n) % n];
}

/* The highest places of the half plane that are not below their neighbours; how many there are. */
static int find_peaks(const double *power, int64_t n, double least, peak out[PEAKS]) {
  int count = 0;
  for (int64_t u = 0; u <= n / 2; u++)
    for (int64_t v = u == 0 ? 1 : -n / 2; v <= n / 2; v++) {
      double p = power_at(power, n, u, v);
      bool top = hypot((double)u, (double)v) >= least * (double)n;
      for (int k = 0; top && k < 9; k++) top = !(power_at(power, n, u + k % 3 - 1, v + k / 3 - 1) > p);
      int at = count;
      while (top && at > 0 && out[at - 1].power < p) at--;
      if (!top || at == PEAKS) continue;
      if (count < PEAKS) count++;
      memmove(out + at + 1, out + at, (size_t)(count - 1 - at) * sizeof *out);
      out[at] = (peak){p, (double)u / (double)n, (double)v / (double)n};
    }
  return count;
}

/* Where the filter's squares have their middle. */
static void find_middle(const task *t, double *x, double *y) {
  *x = *y = 0;
  for (int64_t i = 0; i < t->c * t->h * t->w; i++) {
    double share = t->v[i] * t->v[i] / t->square;
    *x += share * (double)(i % t->w);
    *y += share * (double)(i / t->w % t->h);
  }
}

/* The best of the descents from all starts, into *best; there is one at least. */
static void search(const task *t, const peak *peaks, int n_peaks, state *best, state *s, state *spare) {
  static const double phases[] = {0, PI / 2}, widths[] = {0.12, 0.25};
  double longer = (double)(t->w > t->h ? t->w : t->h), x, y;
  find_middle(t, &x, &y);
  best->left = INFINITY;
  for (int k = 0; k < n_peaks * 4 && !xai_stop_requested(); k++) {
    const peak *at = &peaks[k / 4];
    double width = log(widths[k % 2] * longer);
    const double start[SHAPE] = {[X] = x, [Y] = y, [THETA] = atan2(-at->v, at->u), [FREQUENCY] = hypot(at->u, at->v),
                                 [PHASE] = phases[k / 2 % 2], [LOG_ALONG] = width, [LOG_ACROSS] = width};
    for (int i = 0; i < SHAPE; i++) s->p[i] = fmin(t->hi[i], fmax(t->lo[i], start[i]));
    descend(t, s, spare);
    if (s->left < best->left) swap(s, best);
  }
}

/* An angle between -pi and pi; -pi becomes pi. */
static double wrapped(double angle) {
  double rest = remainder(angle, 2 * PI);
  return rest <= -PI ? PI : rest;
}

/* One of the four ways to write the same function: theta below pi, the largest amplitude positive. Rounding does not make
 * upright stripes of 0 such of pi. */
static xai_score_gabor_fit report(const task *t, const state *s) {
  static const double hair = 1e-6;
  xai_score_gabor_fit f = {.x = s->p[X], .y = s->p[Y], .frequency = s->p[FREQUENCY], .along = exp(s->p[LOG_ALONG]),
                           .across = exp(s->p[LOG_ACROSS]), .residual = fmax(0, s->left / t->square)};
  double phase = s->p[PHASE], largest = 0, edge = sqrt(log(2) / 2) / (PI * f.along);
  for (int64_t k = 0; k < t->c; k++)
    if (fabs(amplitude(s, k)) > fabs(largest)) largest = amplitude(s, k);
  if (largest < 0) phase += PI;
  f.theta = wrapped(s->p[THETA]);
  if (f.theta < -hair || f.theta >= PI - hair) {
    f.theta += f.theta < 0 ? PI : -PI;
    phase = -phase;
  }
  f.theta = fmax(0, f.theta);
  f.phase = wrapped(phase);
  f.bandwidth = f.frequency > edge ? log2((f.frequency + edge) / (f.frequency - edge)) : INFINITY;
  return f;
}

/* model = channel's mean + amplitude (g - mean of g) */
static void draw(const task *t, const state *s, const float *w, float *model) {
  int64_t plane = t->h * t->w;
  double column[COLUMNS], mean = 0;
  for (int64_t i = 0; i < plane; i++) {
    columns_at(s->p, (double)(i % t->w), (double)(i / t->w), column);
    mean += column[G] / (double)plane;
  }
  for (int64_t i = 0; i < plane; i++) {
    columns_at(s->p, (double)(i % t->w), (double)(i / t->w), column);
    for (int64_t k = 0; k < t->c; k++) {
      double offset = w[k * plane + i] - t->v[k * plane + i];
      model[k * plane + i] = (float)(offset + amplitude(s, k) * (column[G] - mean));
    }
  }
}

/* A centre within the filter; waves of a quarter of a period or more across it, and no shorter than two weights; envelopes
 * from a single weight to twice the filter. */
static void set_bounds(task *t) {
  double longer = (double)(t->w > t->h ? t->w : t->h);
  const double lo[] = {0, 0, -4 * PI, 0.25 / longer, -4 * PI, log(0.4), log(0.4)};
  const double hi[] = {(double)t->w - 1, (double)t->h - 1, 4 * PI, 0.5, 4 * PI, log(2 * longer), log(2 * longer)};
  memcpy(t->lo, lo, sizeof lo);
  memcpy(t->hi, hi, sizeof hi);
}

xai_status xai_score_gabor(const float *w, int64_t c, int64_t kh, int64_t kw, xai_score_gabor_fit *out, float *model,
                           xai_err *err) {
  int64_t taps = c * kh * kw, longer = kw > kh ? kw : kh, n = 2 * longer > GRID_MIN ? 2 * longer : GRID_MIN;
  size_t bytes = (size_t)(taps + n * n + 3 * c * COLUMNS) * sizeof(double);
  double *v = xai_alloc(bytes);
  if (v == NULL) return xai_fail_memory(err, bytes);
  double *power = v + taps, *with = power + n * n;
  task t = {.v = v, .c = c, .h = kh, .w = kw, .square = xai_score__centre(w, c, kh * kw, v)};
  state best = {.with = with}, s = {.with = with + c * COLUMNS}, spare = {.with = with + 2 * c * COLUMNS};
  peak peaks[PEAKS] = {{.u = 0.5 / (double)longer}}; /* stands when all power is below the lowest frequency */
  xai_status st = XAI_OK;
  set_bounds(&t);
  if (!(t.square > 0)) {
    *out = (xai_score_gabor_fit){.residual = 1};
    if (model != NULL) memcpy(model, w, (size_t)taps * sizeof *model);
    goto done;
  }
  XAI_GOTO(xai_score__power(v, c, kh, kw, n, power, err));
  int n_peaks = find_peaks(power, n, t.lo[FREQUENCY], peaks);
  search(&t, peaks, n_peaks > 0 ? n_peaks : 1, &best, &s, &spare);
  if (xai_stop_requested()) {
    st = xai_fail_stop(err);
    goto done;
  }
  *out = report(&t, &best);
  if (model != NULL) draw(&t, &best, w, model);
done:
  xai_free(v);
  return st;
}
