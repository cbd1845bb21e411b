/* train/schedule.c: learning rates over time. */
#include <math.h>

#include "xai/train.h"

/* Cosine runs over the steps after warming up, "done" being the share of them that is done; drops count from the beginning:
 *   step    factor^floor(step / (every * steps)),      cosine    last + (1 - last) (1 + cos(pi done)) / 2 */
double xai_schedule_factor(const xai_schedule *s, int64_t step, int64_t steps) {
  double total = steps > 0 ? (double)steps : 1, warm = s->warmup * total, at = (double)step;
  if (at < warm) return fmin(1, (at + 1) / warm);
  double done = total > warm ? fmin(1, (at - warm) / (total - warm)) : 1;
  switch (s->kind) {
    case XAI_SCHEDULE_CONSTANT: break;
    case XAI_SCHEDULE_STEP: return s->every > 0 ? pow(s->factor, floor(at / (s->every * total))) : 1;
    case XAI_SCHEDULE_COSINE: return s->last + (1 - s->last) * 0.5 * (1 + cos(3.141592653589793 * done));
  }
  return 1;
}
