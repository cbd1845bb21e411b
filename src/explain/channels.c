/* explain/channels.c: see channels.h. */
#include "explain/channels.h"

void xai_channels_weigh(int64_t channels, int64_t plane, const float *w, const float *a, float *map) {
  for (int64_t i = 0; i < plane; i++) {
    double sum = 0;
    for (int64_t k = 0; k < channels; k++) sum += (double)w[k] * a[k * plane + i];
    map[i] = (float)sum;
  }
}
