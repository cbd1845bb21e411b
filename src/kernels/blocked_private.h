/* kernels/blocked_private.h: the algorithms behind xk_bconv_*; blocked_conv.c asks Winograd first, then depthwise, then
 * takes the direct one. Each has the functions of blocked.h, and tells when it should be taken. Forms are small
 * non-negative numbers, made different between algorithms by blocked_conv.c. */
#ifndef KERNELS_BLOCKED_PRIVATE_H
#define KERNELS_BLOCKED_PRIVATE_H

#include "kernels/blocked.h"
#include "kernels/isa.h"
#include "kernels/private.h"

/* What finishes the sums of filters 'filter' and further, whose first is y[place]. */
static inline xk_finish xk__finish_at(const xk_finish *all, int64_t filter, int64_t place) {
  xk_finish f = *all;
  if (f.scale != NULL) f.scale += filter;
  if (f.bias != NULL) f.bias += filter;
  if (f.add != NULL) f.add += place;
  if (f.gate != NULL) f.gate += place;
  return f;
}

/* xk_gate by one thread. */
void xk__gate(int64_t n, xk_relu_rule rule, float lo, float hi, const float *y, const float *dy, float *dx);

#define XK__BLOCKED_ALGORITHM(name)                                                                                    \
  bool xk__##name##_fits(const xk_conv2d *p, bool backward);                                                           \
  int xk__##name##_form(const xk_conv2d *p, bool backward);                                                            \
  size_t xk__##name##_packed(const xk_conv2d *p, bool backward);                                                       \
  void xk__##name##_pack(const xk_conv2d *p, bool backward, const float *w, const float *scale, float *packed);        \
  size_t xk__##name##_workspace(const xk_conv2d *p, bool backward);                                                    \
  void xk__##name##_forward(const xk_conv2d *p, const float *x, const float *packed, const xk_finish *finish,          \
                            float *y, void *work);                                                                     \
  void xk__##name##_backward_input(const xk_conv2d *p, const float *packed, const float *dy, const xk_finish *finish,   \
                                   float *dx, void *work);

XK__BLOCKED_ALGORITHM(bwino)   /* blocked_winograd.c */
XK__BLOCKED_ALGORITHM(bdepth)  /* blocked_depthwise.c */
XK__BLOCKED_ALGORITHM(bdirect) /* blocked_direct.c */

/* The gradient to the weights, n > 0. blocked_winograd.c: 3x3, whatever xk__bwino_fits says; blocked_weight.c: what is
 * blocked or plain as it is defined; blocked_depthwise.c: one channel and one filter per group */
#define XK__BLOCKED_WEIGHT(name)                                                                                       \
  size_t xk__##name##_weight_workspace(const xk_conv2d *p);                                                            \
  void xk__##name##_backward_weight(const xk_conv2d *p, const float *x, const float *dy, float *dw, void *work);

bool xk__bwino_weight_fits(const xk_conv2d *p);
XK__BLOCKED_WEIGHT(bwino)
XK__BLOCKED_WEIGHT(bdepth)
XK__BLOCKED_WEIGHT(bdirect)

#endif
