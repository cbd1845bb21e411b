/* kernels/regions.c: connected regions of a mask. */
#include "kernels/private.h"

size_t xk_regions_workspace(int64_t h, int64_t w) { return (size_t)(h * w) * sizeof(int64_t); }

/* Labels the region of 'seed'. Each pixel enters the stack once, as it has a label then. */
static void flood(int64_t h, int64_t w, const uint8_t *inside, int64_t seed, int32_t name, int32_t *label, int64_t *stack) {
  int64_t depth = 0;
  stack[depth++] = seed;
  label[seed] = name;
  while (depth > 0) {
    int64_t at = stack[--depth], x = at % w, y = at / w;
    for (int64_t ny = xk__max(0, y - 1); ny < xk__min(h, y + 2); ny++)
      for (int64_t nx = xk__max(0, x - 1); nx < xk__min(w, x + 2); nx++) {
        int64_t neighbour = ny * w + nx;
        if (inside[neighbour] == 0 || label[neighbour] != 0) continue;
        label[neighbour] = name;
        stack[depth++] = neighbour;
      }
  }
}

int64_t xk_regions(int64_t h, int64_t w, const uint8_t *inside, int32_t *label, void *work) {
  int32_t found = 0;
  for (int64_t i = 0; i < h * w; i++) label[i] = 0;
  for (int64_t i = 0; i < h * w; i++)
    if (inside[i] != 0 && label[i] == 0) flood(h, w, inside, i, ++found, label, work);
  return found;
}
