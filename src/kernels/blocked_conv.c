/* kernels/blocked_conv.c: which algorithm convolves a blocked array. Winograd knows when it wins and is asked first;
 * groups of one channel have no sum over channels and are convolved plane by plane; the rest is direct. */
#include <string.h>

#include "kernels/blocked_private.h"

/* So few channels that most lanes of a block would be empty. */
enum { PLAIN_MAX = 8 };

typedef enum algorithm { WINOGRAD, DEPTHWISE, DIRECT, ALGORITHMS } algorithm;

static algorithm algorithm_of(const xk_conv2d *p, bool backward) {
  if (xk_bconv_plain_input(p)) return DIRECT;
  if (xk__bwino_fits(p, backward)) return WINOGRAD;
  return xk__bdepth_fits(p, backward) ? DEPTHWISE : DIRECT;
}

bool xk_bconv_fits(const xk_conv2d *p) {
  int64_t cg = p->c / p->groups, mg = p->m / p->groups;
  return p->groups == 1 || (cg == 1 && mg == 1) || (cg % XK_LANES == 0 && mg % XK_LANES == 0);
}

bool xk_bconv_plain_input(const xk_conv2d *p) { return p->groups == 1 && p->c <= PLAIN_MAX; }

int xk_bconv_form(const xk_conv2d *p, bool backward) {
  switch (algorithm_of(p, backward)) {
    case WINOGRAD: return xk__bwino_form(p, backward) * ALGORITHMS + WINOGRAD;
    case DEPTHWISE: return xk__bdepth_form(p, backward) * ALGORITHMS + DEPTHWISE;
    default: return xk__bdirect_form(p, backward) * ALGORITHMS + DIRECT;
  }
}

size_t xk_bconv_packed(const xk_conv2d *p, bool backward) {
  switch (algorithm_of(p, backward)) {
    case WINOGRAD: return xk__bwino_packed(p, backward);
    case DEPTHWISE: return xk__bdepth_packed(p, backward);
    default: return xk__bdirect_packed(p, backward);
  }
}

void xk_bconv_pack(const xk_conv2d *p, bool backward, const float *w, const float *scale, float *packed) {
  switch (algorithm_of(p, backward)) {
    case WINOGRAD: xk__bwino_pack(p, backward, w, scale, packed); break;
    case DEPTHWISE: xk__bdepth_pack(p, backward, w, scale, packed); break;
    default: xk__bdirect_pack(p, backward, w, scale, packed);
  }
}

size_t xk_bconv_workspace(const xk_conv2d *p, bool backward) {
  switch (algorithm_of(p, backward)) {
    case WINOGRAD: return xk__bwino_workspace(p, backward);
    case DEPTHWISE: return xk__bdepth_workspace(p, backward);
    default: return xk__bdirect_workspace(p, backward);
  }
}

void xk_bconv_forward(const xk_conv2d *p, const float *x, const float *packed, const xk_finish *finish, float *y,
                      void *work) {
  if (p->n == 0 || p->m == 0 || p->oh == 0 || p->ow == 0) return;
  switch (algorithm_of(p, false)) {
    case WINOGRAD: xk__bwino_forward(p, x, packed, finish, y, work); break;
    case DEPTHWISE: xk__bdepth_forward(p, x, packed, finish, y, work); break;
    default: xk__bdirect_forward(p, x, packed, finish, y, work);
  }
}

void xk_bconv_backward_input(const xk_conv2d *p, const float *packed, const float *dy, const xk_finish *finish, float *dx,
                             void *work) {
  const xk_finish none = {.lo = -INFINITY, .hi = INFINITY};
  if (p->n == 0 || p->c == 0 || p->h == 0 || p->w == 0) return;
  if (finish == NULL) finish = &none;
  switch (algorithm_of(p, true)) {
    case WINOGRAD: xk__bwino_backward_input(p, packed, dy, finish, dx, work); break;
    case DEPTHWISE: xk__bdepth_backward_input(p, packed, dy, finish, dx, work); break;
    default: xk__bdirect_backward_input(p, packed, dy, finish, dx, work);
  }
}

/* ---- gradient to the weights ------------------------------------------------------------------------------------ */
static algorithm weight_algorithm_of(const xk_conv2d *p) {
  if (p->groups > 1 && p->groups == p->c && p->groups == p->m) return DEPTHWISE;
  return !xk_bconv_plain_input(p) && xk__bwino_weight_fits(p) ? WINOGRAD : DIRECT;
}

static bool has_no_sums(const xk_conv2d *p) { return p->n == 0 || p->oh == 0 || p->ow == 0; }

size_t xk_bconv_weight_workspace(const xk_conv2d *p) {
  if (has_no_sums(p)) return 0;
  switch (weight_algorithm_of(p)) {
    case WINOGRAD: return xk__bwino_weight_workspace(p);
    case DEPTHWISE: return xk__bdepth_weight_workspace(p);
    default: return xk__bdirect_weight_workspace(p);
  }
}

void xk_bconv_backward_weight(const xk_conv2d *p, const float *x, const float *dy, float *dw, void *work) {
  if (has_no_sums(p)) {
    memset(dw, 0, (size_t)(p->m * (p->c / p->groups) * p->kh * p->kw) * sizeof *dw);
    return;
  }
  switch (weight_algorithm_of(p)) {
    case WINOGRAD: xk__bwino_backward_weight(p, x, dy, dw, work); break;
    case DEPTHWISE: xk__bdepth_backward_weight(p, x, dy, dw, work); break;
    default: xk__bdirect_backward_weight(p, x, dy, dw, work);
  }
}
