/* kernels/blocked_stubs.c: stands in for blocked_winograd.c and blocked_depthwise.c until they are there. */
#include "kernels/blocked_private.h"

#define NOTHING(name)                                                                                                  \
  bool xk__##name##_fits(const xk_conv2d *p, bool backward) { return (void)p, (void)backward, false; }                 \
  int xk__##name##_form(const xk_conv2d *p, bool backward) { return (void)p, (void)backward, 0; }                      \
  size_t xk__##name##_packed(const xk_conv2d *p, bool backward) { return (void)p, (void)backward, 0; }                 \
  void xk__##name##_pack(const xk_conv2d *p, bool backward, const float *w, const float *scale, float *packed) {       \
    (void)p, (void)backward, (void)w, (void)scale, (void)packed;                                                       \
  }                                                                                                                    \
  size_t xk__##name##_workspace(const xk_conv2d *p, bool backward) { return (void)p, (void)backward, 0; }              \
  void xk__##name##_forward(const xk_conv2d *p, const float *x, const float *packed, const xk_finish *finish,          \
                            float *y, void *work) {                                                                    \
    (void)p, (void)x, (void)packed, (void)finish, (void)y, (void)work;                                                 \
  }                                                                                                                    \
  void xk__##name##_backward_input(const xk_conv2d *p, const float *packed, const float *dy, float *dx, void *work) {  \
    (void)p, (void)packed, (void)dy, (void)dx, (void)work;                                                             \
  }
NOTHING(bwino)
NOTHING(bdepth)
