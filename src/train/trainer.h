/* train/trainer.h: what a trainer holds, for the files of this floor. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "graph/net.h"
#include "train/loss.h"

enum { XAI_SLOTS = 2 }; /* arrays of an optimiser beside each parameter: momentum, or Adam's mean and square */

/* A trained array. 'place' names one of the nodes that read it. */
typedef struct train_param {
  int value;
  xai_param place;
  bool weights; /* of a convolution or product: what is made random at the start and decays */
  xai_tensor *now, *slots[XAI_SLOTS];
} train_param;

/* A running mean or variance: after a step, output 'output' of the training form is its next value. */
typedef struct train_statistic {
  xai_param place;
  int output;
  xai_tensor *now, *next; /* next: until the step is known to be good */
} train_statistic;

struct xai_trainer {
  xai_net *source; /* as it was given */
  xai_net *form;   /* what is trained; its constants are the trainer's own arrays, written between passes */
  xai_net *plain;  /* the source with the same arrays */
  xai_train_opts opts; /* without its lists */
  train_param *params;
  train_statistic *statistics;
  xai_param *places; /* of params, for requests */
  int n_params, n_statistics;
  int64_t steps;
};

/* How many slots this optimiser uses. */
int xai_trainer__slots(const xai_trainer *t);

/* The start of the weights (init.c): fills params and statistics unless opts->init is KEEP, then applies init_scale.
 * frozen[layer] stays as it is. */
void xai_trainer__init(xai_trainer *t, const xai_train_opts *opts);

/* One update of all parameters from the gradients (optimiser.c): gradients[i] of params[i], times 'factor'. t->steps
 * counts the steps before this one. */
void xai_trainer__update(xai_trainer *t, float *const *gradients, double factor, double lr);

#endif
