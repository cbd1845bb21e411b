/* kernels/resize.c: pictures with 8-bit channels, reduced or enlarged with a triangle filter; and float maps
 * enlarged bilinearly.
 *
 * The picture filter is Pillow's BILINEAR to the bit: the triangle is widened by the reduction factor, so that
 * every input pixel counts (antialiasing); weights are normalised and rounded to 22 fractional bits; columns
 * come first, are rounded to 8 bits, then rows. The map filter has no antialiasing. */
#include <math.h>

#include "kernels/private.h"

/* ---- weights of one axis ----------------------------------------------------------------------------- */
enum { FRACTION_BITS = 22, ACCUMULATORS = 256 };

/* Output position i is the sum over j < taps[i] of weight[i*width + j] * input[first[i] + j]. */
typedef struct axis {
  int64_t n, width;
  int64_t *first, *taps; /* n each */
  int32_t *weight;       /* n x width */
} axis;

static double reduction(int64_t in, int64_t out) { return in > out ? (double)in / (double)out : 1; }

static int64_t axis_width(int64_t in, int64_t out) { return 2 * (int64_t)ceil(reduction(in, out)) + 1; }

static int64_t axis_bytes(int64_t in, int64_t out) {
  int64_t weights = xk__round_up(out * axis_width(in, out) * (int64_t)sizeof(int32_t), 8);
  return 2 * out * (int64_t)sizeof(int64_t) + weights;
}

static axis axis_make(int64_t in, int64_t out, void *memory) {
  axis a = {.n = out, .width = axis_width(in, out), .first = memory};
  a.taps = a.first + out;
  a.weight = (int32_t *)(a.taps + out);
  double scale = (double)in / (double)out, radius = reduction(in, out), narrow = 1 / radius;
  for (int64_t i = 0; i < out; i++) {
    double centre = ((double)i + 0.5) * scale, total = 0;
    int64_t from = xk__max(0, (int64_t)(centre - radius + 0.5)), to = xk__min(in, (int64_t)(centre + radius + 0.5));
    a.first[i] = from;
    a.taps[i] = to - from;
    for (int pass = 0; pass < 2; pass++) /* the sum of the weights first */
      for (int64_t j = 0; j < a.taps[i]; j++) {
        double w = fmax(0, 1 - fabs(((double)(j + from) - centre + 0.5) * narrow));
        if (pass == 0)
          total += w;
        else
          a.weight[i * a.width + j] = (int32_t)(0.5 + w / total * (1 << FRACTION_BITS));
      }
  }
  return a;
}

static uint8_t to_byte(int32_t sum) {
  int32_t v = sum >> FRACTION_BITS;
  return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* ---- the two passes -------------------------------------------------------------------------------------- */
static inline void columns_of_row(const axis *a, int64_t channels, const uint8_t *x, uint8_t *y) {
  for (int64_t i = 0; i < a->n; i++)
    for (int64_t ch = 0; ch < channels; ch++) {
      const int32_t *w = a->weight + i * a->width;
      const uint8_t *from = x + a->first[i] * channels + ch;
      int32_t sum = 1 << (FRACTION_BITS - 1);
      for (int64_t j = 0; j < a->taps[i]; j++) sum += w[j] * from[j * channels];
      y[i * channels + ch] = to_byte(sum);
    }
}

/* Colour pictures get a loop of their own, in which the compiler knows the step. */
static void combine_columns(const axis *a, int64_t channels, const uint8_t *x, uint8_t *y) {
  if (channels == 3)
    columns_of_row(a, 3, x, y);
  else
    columns_of_row(a, channels, x, y);
}

/* y = sum over j of w[j] * row j of x, 'count' bytes of each row */
XK_CLONES static void combine_rows(int64_t taps, const int32_t *w, int64_t count, const uint8_t *x, int64_t row,
                                   uint8_t *y) {
  int32_t sum[ACCUMULATORS];
  for (int64_t i = 0; i < count; i++) sum[i] = 1 << (FRACTION_BITS - 1);
  for (int64_t j = 0; j < taps; j++)
    for (int64_t i = 0; i < count; i++) sum[i] += w[j] * x[j * row + i];
  for (int64_t i = 0; i < count; i++) y[i] = to_byte(sum[i]);
}

size_t xk_resize_u8_workspace(int64_t channels, int64_t w, int64_t h, int64_t ow, int64_t oh) {
  return (size_t)(axis_bytes(w, ow) + axis_bytes(h, oh) + h * ow * channels);
}

void xk_resize_u8(int64_t channels, int64_t w, int64_t h, const uint8_t *x, int64_t ow, int64_t oh, uint8_t *y,
                  void *work) {
  char *memory = work;
  axis columns = axis_make(w, ow, memory), rows = axis_make(h, oh, memory + axis_bytes(w, ow));
  uint8_t *narrow = (uint8_t *)memory + axis_bytes(w, ow) + axis_bytes(h, oh); /* h x ow */
  int64_t row = ow * channels;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (w * h * channels > XK__CHUNK)
  for (int64_t i = 0; i < h; i++)
    if (!xai_stop_requested()) combine_columns(&columns, channels, x + i * w * channels, narrow + i * row);
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (h * row > XK__CHUNK)
  for (int64_t i = 0; i < oh; i++)
    for (int64_t at = 0; at < row && !xai_stop_requested(); at += ACCUMULATORS)
      combine_rows(rows.taps[i], rows.weight + i * rows.width, xk__min(ACCUMULATORS, row - at),
                   narrow + rows.first[i] * row + at, row, y + i * row + at);
}

/* ---- maps ------------------------------------------------------------------------------------------------------ */
/* Between which two inputs output position i lies, and how far from the first. */
typedef struct between {
  int64_t a, b;
  double t;
} between;

static between place(int64_t i, int64_t in, int64_t out) {
  double u = fmax(0, ((double)i + 0.5) * (double)in / (double)out - 0.5);
  between p = {.a = xk__min((int64_t)u, in - 1)};
  p.b = xk__min(p.a + 1, in - 1);
  p.t = u - (double)p.a;
  return p;
}

static double mix(double a, double b, double t) { return a + t * (b - a); }

void xk_bilinear(int64_t planes, int64_t h, int64_t w, const float *x, int64_t oh, int64_t ow, float *y) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (planes * oh * ow > XK__CHUNK)
  for (int64_t t = 0; t < planes * oh; t++) {
    if (xai_stop_requested()) continue;
    between row = place(t % oh, h, oh);
    const float *upper = x + (t / oh * h + row.a) * w, *lower = x + (t / oh * h + row.b) * w;
    for (int64_t i = 0; i < ow; i++) {
      between p = place(i, w, ow);
      y[t * ow + i] = (float)mix(mix(upper[p.a], upper[p.b], p.t), mix(lower[p.a], lower[p.b], p.t), row.t);
    }
  }
}
