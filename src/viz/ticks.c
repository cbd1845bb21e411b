/* viz/ticks.c: see ticks.h. */
#include "viz/ticks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Ends that miss a multiple by rounding alone count as multiples. */
static double first_multiple(double lo, double step) { return ceil(lo / step - 1e-9); }
static double last_multiple(double hi, double step) { return floor(hi / step + 1e-9); }

/* Why there are always three: suppose the smallest step s with at most five multiples had but two. Its half would have
 * three to five and come first. Only 2.5 has no half in the set; where it has two multiples, 1 or 2 has three to five.
 */
int xai_ticks(double lo, double hi, double ticks[XAI_TICKS]) {
  static const double round[] = {1, 2, 2.5, 5};
  double decade = pow(10, floor(log10((hi - lo) / XAI_TICKS)));
  double step = decade;
  for (int i = 0; last_multiple(hi, step) - first_multiple(lo, step) + 1 > XAI_TICKS; i++)
    step = round[(i + 1) % 4] * ((i + 1) / 4 > 0 ? 10 * decade : decade);
  int n = 0;
  double first = first_multiple(lo, step), last = last_multiple(hi, step);
  for (double k = first; k <= last && n < XAI_TICKS; k++) ticks[n++] = k == 0 ? 0 : k * step;
  return n;
}

/* Cuts the zeros off a mantissa with a point, and the padding off an exponent: 1.500e-04 becomes 1.5e-4. */
static void trim_exponent(char *text) {
  char *e = strchr(text, 'e'), *end = e;
  int exponent = 0;
  sscanf(e + 1, "%d", &exponent);
  while (end[-1] == '0') end--;
  if (end[-1] == '.') end--;
  snprintf(end, XAI_NUMBER_TEXT - (size_t)(end - text), "e%d", exponent);
}

void xai_number_text(double v, double largest, char text[XAI_NUMBER_TEXT]) {
  char plain[XAI_NUMBER_TEXT];
  if (v != 0 && (largest < 0.01 || largest >= 1e5)) {
    snprintf(plain, sizeof plain, "%.9e", v);
    if (isfinite(v)) trim_exponent(plain);
  } else {
    snprintf(plain, sizeof plain, "%.10g", v);
  }
  size_t used = 0;
  for (const char *p = plain; *p != '\0' && used + 4 < XAI_NUMBER_TEXT; p++) {
    const char *sign = *p == '-' ? "\xe2\x88\x92" : (const char[]){*p, '\0'};
    for (; *sign != '\0'; sign++) text[used++] = *sign;
  }
  text[used] = '\0';
}
