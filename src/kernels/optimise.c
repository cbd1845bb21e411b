/* kernels/optimise.c: one step of an optimiser on one array of weights. A step is short and is carried out as a whole,
 * also when somebody asks to stop: half a step would be neither the old weights nor the new ones. */
#include <math.h>

#include "kernels/private.h"

XK_CLONES static void sgd_part(const xk_sgd *o, int64_t n, const float *g, float *restrict speed, float *restrict w) {
  float lr = o->lr, momentum = o->momentum, decay = o->decay, factor = o->factor;
  float ahead = o->nesterov ? momentum : 1, direct = o->nesterov ? 1 : 0;
  for (int64_t i = 0; i < n; i++) {
    float d = factor * g[i] + decay * w[i], v = momentum * speed[i] + d;
    speed[i] = v;
    w[i] -= lr * (ahead * v + direct * d);
  }
}

void xk_sgd_step(const xk_sgd *o, int64_t n, const float *g, float *speed, float *w) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n > XK__CHUNK)
  for (int64_t at = 0; at < n; at += XK__CHUNK) sgd_part(o, xk__min(XK__CHUNK, n - at), g + at, speed + at, w + at);
}

XK_CLONES static void adam_part(const xk_adam *o, int64_t n, const float *g, float *restrict mean,
                                float *restrict square, float *restrict w) {
  float b1 = (float)o->beta1, b2 = (float)o->beta2, c1 = (float)(1 - o->beta1), c2 = (float)(1 - o->beta2);
  float shrink = 1 - o->lr * o->decoupled_decay, rate = (float)(o->lr / (1 - pow(o->beta1, (double)o->step)));
  float undo = (float)(1 / sqrt(1 - pow(o->beta2, (double)o->step)));
  for (int64_t i = 0; i < n; i++) {
    float d = o->factor * g[i] + o->decay * w[i];
    float m = b1 * mean[i] + c1 * d, s = b2 * square[i] + c2 * d * d;
    mean[i] = m;
    square[i] = s;
    w[i] = shrink * w[i] - rate * m / (sqrtf(s) * undo + o->epsilon);
  }
}

void xk_adam_step(const xk_adam *o, int64_t n, const float *g, float *mean, float *square, float *w) {
#pragma omp parallel for schedule(static) num_threads(xk_threads()) if (n > XK__CHUNK)
  for (int64_t at = 0; at < n; at += XK__CHUNK)
    adam_part(o, xk__min(XK__CHUNK, n - at), g + at, mean + at, square + at, w + at);
}
