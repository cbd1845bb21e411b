/* explain/paint.c: see paint.h.
 *
 *   pixels   raw = p
 *   fourier  raw = F^-1( sqrt(hw) f^-fall p ) / 4,   f: cycles per pixel, at least 1/max(h, w)
 *   phases   raw = F^-1( a e^(i p~) )~,              a: f^-fall, or given magnitudes;  x~ = (x - mean) / deviation
 *   colours  q = M raw at each pixel,                M: 'mixing', the root of natural pictures' covariance of colours
 *   value = 1 / (1 + e^-q), or without sigmoid its tangent, 1/2 + q/4
 *   stretched: 1/2 + stretch ((value - min) / (max - min) - 1/2)
 *   z = 255 value - mean colour
 *
 * Fourier, colours and sigmoid: Olah, Mordvintsev, Schubert 2017, "Feature visualization", and their program Lucid, whose 4
 * this is. Phases: Fel et al. 2023, "Unlocking feature visualization for deep networks with magnitude constrained
 * optimization", who take the mean magnitudes of ImageNet; those of natural pictures fall about as 1/f.
 * F^-1 counts both halves of the spectrum (kernels.h, xk_rfft2_inverse). */
#include "explain/paint.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

/* Rows red, green, blue; columns brightness, warm against cold, green against both. Over the longest column's length. */
static const double mixing[3][3] = {{0.26, 0.09, 0.02}, {0.27, 0.00, -0.05}, {0.27, -0.09, 0.03}};
static double longest_column(void) { return sqrt(0.26 * 0.26 + 0.27 * 0.27 + 0.27 * 0.27); }

bool xai_paint__needed(const xai_ascent_opts *o) {
  return o->medium != XAI_MEDIUM_PIXELS || o->sigmoid || o->colours || o->stretch > 0;
}

/* ---- opening ------------------------------------------------------------------------------------------------- */
static xai_status check(const xai_ascent_opts *o, const xai_canvas *v, xai_err *err) {
  const char *pixels = o->decay > 0 ? "decay" : o->blur > 0 ? "blur" : o->norm_percentile > 0 ? "norm_percentile"
                     : o->contribution_percentile > 0 ? "contribution_percentile" : NULL;
  if (pixels != NULL)
    return xai_fail(err, XAI_EARG, "%s: changes pixels, but the picture is made of other numbers (expected 0, or medium pixels "
                                   "without sigmoid, colours and stretch)", pixels);
  if (o->own != NULL || o->init == XAI_START_PICTURE)
    return xai_fail(err, XAI_EARG, "init: a picture has no such numbers (expected zeros or noise, or medium pixels without "
                                   "sigmoid, colours and stretch)");
  const xai_view *s = o->spectrum;
  if (s == NULL) return XAI_OK;
  xai_shape want = XAI_SHAPE(v->c, v->h, v->w / 2 + 1);
  if (o->medium == XAI_MEDIUM_PHASES && s->dtype == XAI_F32 && xai_shape_equal(&s->shape, &want)) return XAI_OK;
  char expected[XAI_SHAPE_TEXT], got[XAI_SHAPE_TEXT];
  if (o->medium != XAI_MEDIUM_PHASES) return xai_fail(err, XAI_EARG, "spectrum: belongs to medium phases");
  return xai_fail(err, XAI_ESHAPE, "spectrum: expected float32 %s, got %s %s", xai_shape_text(&want, expected),
                  xai_dtype_name(s->dtype), xai_shape_text(&s->shape, got));
}

/* 1/f^fall for each wave. */
static void find_falls(xai_paint *p, const xai_ascent_opts *o) {
  int64_t n = p->w / 2 + 1, longer = p->h > p->w ? p->h : p->w;
  double unit = p->kind == XAI_MEDIUM_FOURIER ? sqrt((double)(p->h * p->w)) / 4 : 1;
  for (int64_t i = 0; i < p->waves; i++) {
    int64_t k = i / n;
    double down = (double)(2 * k < p->h ? k : k - p->h) / (double)p->h, across = (double)(i % n) / (double)p->w;
    double f = fmax(sqrt(down * down + across * across), 1 / (double)longer);
    for (int64_t c = 0; c < p->c; c++)
      p->falls[c * p->waves + i] = (float)(unit * pow(f, -o->fall));
  }
  if (o->spectrum != NULL) memcpy(p->falls, o->spectrum->data, xai_view_bytes(o->spectrum));
}

xai_status xai_paint__open(xai_paint *p, const xai_ascent_opts *o, const xai_canvas *v, xai_err *err) {
  *p = (xai_paint){.kind = o->medium, .colours = o->colours && v->c == 3, .sigmoid = o->sigmoid, .stretch = o->stretch,
                   .c = v->c, .h = v->h, .w = v->w, .size = v->size, .waves = v->h * (v->w / 2 + 1)};
  XAI_TRY(check(o, v, err));
  bool waves = p->kind != XAI_MEDIUM_PIXELS;
  int64_t of_waves = waves ? p->c * p->waves : 0;
  p->n = p->kind == XAI_MEDIUM_PIXELS ? p->size : p->kind == XAI_MEDIUM_FOURIER ? 2 * of_waves : of_waves;
  XAI_TRY(xai_tensor_new(XAI_F32, XAI_SHAPE(2 * p->n + 3 * of_waves + 2 * p->size), &p->floats, err));
  p->p = xai_tensor_floats(p->floats);
  p->g = p->p + p->n;
  p->spectrum = p->g + p->n;
  p->falls = p->spectrum + 2 * of_waves;
  p->raw = p->falls + of_waves;
  p->value = p->raw + p->size;
  if (o->init == XAI_START_NOISE)
    xk_add_noise(xai_rng_stream(o->seed < 0 ? xai_seed() : (uint64_t)o->seed, 0), o->noise, p->n, p->p, p->p);
  if (!waves) return XAI_OK;
  find_falls(p, o);
  p->work_bytes = xk_rfft2_workspace(p->c, p->h, p->w);
  p->work = xai_alloc(p->work_bytes);
  return p->work != NULL ? XAI_OK : xai_fail_memory(err, p->work_bytes);
}

void xai_paint__close(xai_paint *p) {
  xai_tensor_free(p->floats);
  xai_free(p->work);
  p->floats = NULL;
  p->work = NULL;
}

/* ---- mean 0, deviation 1 ------------------------------------------------------------------------------------- */
static double mean_of(int64_t n, const float *x) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += x[i];
  return sum / (double)n;
}

/* y = (x - mean) / deviation; 0 where all are the same. Gives the deviation. */
static double standardize(int64_t n, const float *x, float *y) {
  double mean = mean_of(n, x), square = 0;
  for (int64_t i = 0; i < n; i++) square += (x[i] - mean) * (x[i] - mean);
  double deviation = sqrt(square / (double)n);
  for (int64_t i = 0; i < n; i++) y[i] = deviation > 0 ? (float)((x[i] - mean) / deviation) : 0;
  return deviation;
}

/* dx = (dy - mean dy - y mean (y dy)) / deviation, in place of dy. */
static void standardize_back(int64_t n, const float *y, double deviation, float *g) {
  double mean = mean_of(n, g), along = 0;
  for (int64_t i = 0; i < n; i++) along += (double)y[i] * g[i];
  along /= (double)n;
  for (int64_t i = 0; i < n; i++) g[i] = deviation > 0 ? (float)((g[i] - mean - y[i] * along) / deviation) : 0;
}

/* ---- raw ------------------------------------------------------------------------------------------------------- */
/* With PHASES p->g is room for the phases p~ until the gradient takes their place. */
static void make_raw(xai_paint *p) {
  int64_t n = p->c * p->waves;
  if (p->kind == XAI_MEDIUM_PIXELS) {
    memcpy(p->raw, p->p, (size_t)p->size * sizeof *p->raw);
    return;
  }
  if (p->kind == XAI_MEDIUM_PHASES) p->phase_deviation = standardize(n, p->p, p->g);
  for (int64_t i = 0; i < n; i++) {
    bool phases = p->kind == XAI_MEDIUM_PHASES;
    p->spectrum[2 * i] = p->falls[i] * (phases ? cosf(p->g[i]) : p->p[2 * i]);
    p->spectrum[2 * i + 1] = p->falls[i] * (phases ? sinf(p->g[i]) : p->p[2 * i + 1]);
  }
  xk_rfft2_inverse(p->c, p->h, p->w, p->spectrum, p->raw, p->work);
  if (p->kind == XAI_MEDIUM_PHASES) p->raw_deviation = standardize(p->size, p->raw, p->raw);
}

/* From the gradient by raw, in 'd', which is used up. */
static void raw_back(xai_paint *p, float *d) {
  int64_t n = p->w / 2 + 1, pixels = p->h * p->w;
  if (p->kind == XAI_MEDIUM_PIXELS) {
    memcpy(p->g, d, (size_t)p->size * sizeof *d);
    return;
  }
  bool phases = p->kind == XAI_MEDIUM_PHASES;
  if (phases) standardize_back(p->size, p->raw, p->raw_deviation, d);
  xk_rfft2_forward(p->c, p->h, p->w, d, p->spectrum, p->work);
  for (int64_t i = 0; i < p->c * p->waves; i++) {
    float share = (float)(xk_rfft2_share(i % p->waves % n, p->w) / (double)pixels) * p->falls[i];
    float re = share * p->spectrum[2 * i], im = share * p->spectrum[2 * i + 1];
    if (phases) {
      p->spectrum[i] = cosf(p->g[i]) * im - sinf(p->g[i]) * re; /* reads at 2i what it writes at i <= 2i */
    } else {
      p->g[2 * i] = re;
      p->g[2 * i + 1] = im;
    }
  }
  if (!phases) return;
  standardize_back(p->c * p->waves, p->g, p->phase_deviation, p->spectrum);
  memcpy(p->g, p->spectrum, (size_t)p->n * sizeof *p->g);
}

/* ---- colours and range --------------------------------------------------------------------------------------- */
/* out = M in, or its transpose, at each pixel; the network may want blue first. */
static void mix(const xai_canvas *v, bool transposed, const float *in, float *out) {
  int64_t plane = v->h * v->w;
  bool bgr = v->preprocess->bgr;
  double unit = longest_column();
  for (int64_t i = 0; i < plane; i++) {
    double from[3], to[3];
    for (int c = 0; c < 3; c++) from[c] = in[(bgr && transposed ? 2 - c : c) * plane + i];
    for (int c = 0; c < 3; c++) {
      to[c] = 0;
      for (int k = 0; k < 3; k++) to[c] += (transposed ? mixing[k][c] : mixing[c][k]) / unit * from[k];
    }
    for (int c = 0; c < 3; c++) out[(bgr && !transposed ? 2 - c : c) * plane + i] = (float)to[c];
  }
}

void xai_paint__show(xai_paint *p, xai_canvas *v) {
  int64_t plane = v->h * v->w;
  make_raw(p);
  if (p->colours) mix(v, false, p->raw, p->value);
  else memcpy(p->value, p->raw, (size_t)p->size * sizeof *p->value);
  for (int64_t i = 0; i < p->size; i++) {
    double q = p->value[i], value = p->sigmoid ? 1 / (1 + exp(-q)) : 0.5 + q / 4;
    p->value[i] = (float)value;
    p->lo = i == 0 || p->value[i] < p->lo ? p->value[i] : p->lo;
    p->hi = i == 0 || p->value[i] > p->hi ? p->value[i] : p->hi;
  }
  double range = p->stretch > 0 && p->hi > p->lo ? p->stretch / (p->hi - p->lo) : 0;
  for (int64_t i = 0; i < p->size; i++) {
    double value = range > 0 ? 0.5 + range * (p->value[i] - p->lo) - p->stretch / 2 : p->value[i];
    v->z[i] = (float)(255 * (value - 0.5)) + v->grey[i / plane];
  }
}

/* Through 1/2 + s ((value - lo)/(hi - lo) - 1/2): lo and hi are themselves values, the first smallest and largest. */
static void stretch_back(const xai_paint *p, float *d) {
  double sum = 0, along = 0, range = p->hi - p->lo;
  int64_t lo = -1, hi = -1;
  if (!(range > 0)) return;
  for (int64_t i = 0; i < p->size; i++) {
    double place = (p->value[i] - p->lo) / range;
    if (lo < 0 && p->value[i] == p->lo) lo = i;
    if (hi < 0 && p->value[i] == p->hi) hi = i;
    sum += d[i];
    along += place * d[i];
    d[i] = (float)(p->stretch / range * d[i]);
  }
  d[lo] -= (float)(p->stretch / range * (sum - along));
  d[hi] -= (float)(p->stretch / range * along);
}

void xai_paint__take(xai_paint *p, const xai_canvas *v) {
  float *d = v->spare;
  for (int64_t i = 0; i < p->size; i++) d[i] = 255 * v->g[i];
  if (p->stretch > 0) stretch_back(p, d);
  for (int64_t i = 0; i < p->size; i++) d[i] *= p->sigmoid ? p->value[i] * (1 - p->value[i]) : 0.25f;
  if (p->colours) {
    mix(v, true, d, p->value); /* which is made anew for the next picture */
    d = p->value;
  }
  raw_back(p, d);
}
