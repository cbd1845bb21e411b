/* train/optimiser.c: gradients to weights. The arithmetic is in kernels/optimise.c. */
#include "train/trainer.h"

int xai_trainer__slots(const xai_trainer *t) { return t->opts.optimiser == XAI_OPTIMISER_SGD ? 1 : 2; }

void xai_trainer__update(xai_trainer *t, float *const *gradients, double factor, double lr) {
  const xai_train_opts *o = &t->opts;
  for (int i = 0; i < t->n_params; i++) {
    train_param *p = &t->params[i];
    int64_t n = (int64_t)xai_tensor_count(p->now);
    float *w = xai_tensor_floats(p->now), *first = xai_tensor_floats(p->slots[0]);
    float decay = p->weights || o->decay_all ? (float)o->weight_decay : 0;
    if (o->optimiser == XAI_OPTIMISER_SGD) {
      xk_sgd sgd = {(float)lr, (float)o->momentum, decay, (float)factor, o->nesterov};
      xk_sgd_step(&sgd, n, gradients[i], first, w);
    } else {
      bool decoupled = o->optimiser == XAI_OPTIMISER_ADAMW;
      xk_adam adam = {.lr = (float)lr, .epsilon = (float)o->epsilon, .factor = (float)factor,
                      .decay = decoupled ? 0 : decay, .decoupled_decay = decoupled ? decay : 0,
                      .beta1 = o->beta1, .beta2 = o->beta2, .step = t->steps + 1};
      xk_adam_step(&adam, n, gradients[i], first, xai_tensor_floats(p->slots[1]), w);
    }
  }
}
