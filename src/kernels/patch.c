/* kernels/patch.c: rectangles of maps that differ from a common one in a window. */
#include <string.h>

#include "kernels/private.h"

/* Places [from, to) of a row of the patch: copies of src, whose first element belongs to place 'at'. */
static void copy_places(const xk_patches *p, int64_t from, int64_t to, int64_t at, const float *src, float *y) {
  if (from < to) memcpy(y + from * p->inner, src + (from - at) * p->inner, (size_t)((to - from) * p->inner) * sizeof *y);
}

static void fill_places(const xk_patches *p, int64_t from, int64_t to, float *y) {
  for (int64_t i = from * p->inner; i < to * p->inner; i++) y[i] = p->outside;
}

/* A row of the patch that begins 'left' columns into the map; the window's row, if it has one here, begins at 'wleft'. */
static void patch_row(const xk_patches *p, int64_t left, int64_t wleft, const float *clean, const float *window, float *y) {
  int64_t lo = xk__min(p->pw, xk__max(0, -left)), hi = xk__max(lo, xk__min(p->pw, p->w - left));
  int64_t from = window == NULL ? hi : xk__max(lo, xk__min(hi, wleft - left));
  int64_t to = window == NULL ? hi : xk__max(from, xk__min(hi, wleft - left + p->ww));
  fill_places(p, 0, lo, y);
  copy_places(p, lo, from, -left, clean, y);
  if (window != NULL) copy_places(p, from, to, wleft - left, window, y);
  copy_places(p, to, hi, -left, clean, y);
  fill_places(p, hi, p->pw, y);
}

static void patch_plane(const xk_patches *p, const int64_t *window_at, const int64_t *patch_at, const float *clean,
                        const float *window, float *y) {
  for (int64_t r = 0; r < p->ph; r++, y += p->pw * p->inner) {
    int64_t row = patch_at[0] + r, in_window = row - window_at[0];
    if (row < 0 || row >= p->h) {
      fill_places(p, 0, p->pw, y);
      continue;
    }
    bool changed = in_window >= 0 && in_window < p->wh;
    patch_row(p, patch_at[1], window_at[1], clean + row * p->w * p->inner,
              changed ? window + in_window * p->ww * p->inner : NULL, y);
  }
}

void xk_patch(const xk_patches *p, const float *clean, const float *window, const int64_t *window_at,
              const int64_t *patch_at, float *y) {
  int64_t each = p->ph * p->pw * p->inner, planes = p->n * p->planes;
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (planes * each > XK__CHUNK)
  for (int64_t i = 0; i < planes; i++) {
    int64_t n = i / p->planes, k = i % p->planes;
    if (xai_stop_requested()) continue;
    patch_plane(p, window_at + n * p->step, patch_at + n * p->step, clean + k * p->h * p->w * p->inner,
                window + i * p->wh * p->ww * p->inner, y + i * each);
  }
}
