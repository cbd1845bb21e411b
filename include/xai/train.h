/* xai/train.h: training a network: a trainer owns the weights, gradients change them step by step.
 *
 * A step is one batch: forward with dropout and the batch's own statistics, loss, backward, update. The same network,
 * options, seed and batches give the same bits, with any number of threads, and also when training was interrupted
 * and taken up again from a checkpoint. */
#ifndef XAI_TRAIN_H
#define XAI_TRAIN_H

#include "xai/net.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct xai_trainer xai_trainer;

typedef enum xai_loss {
  XAI_LOSS_CROSS_ENTROPY, /* of the softmax of the class scores, mean over the batch */
  XAI_LOSS_MSE            /* mean over all elements of the squared difference to the output */
} xai_loss;
typedef enum xai_optimiser { XAI_OPTIMISER_SGD, XAI_OPTIMISER_ADAM, XAI_OPTIMISER_ADAMW } xai_optimiser;
/* How weights begin; biases then begin at 0, normalisations at scale 1, mean 0, variance 1. Variance 2 / fan-in (He et
 * al. 2015) or 2 / (fan-in + fan-out) (Glorot, Bengio 2010); normal or uniform. */
typedef enum xai_init {
  XAI_INIT_KEEP, XAI_INIT_HE, XAI_INIT_HE_UNIFORM, XAI_INIT_XAVIER, XAI_INIT_XAVIER_UNIFORM
} xai_init;

typedef struct xai_layer_scale {
  int layer;
  double scale; /* the weights begin so many times as large */
} xai_layer_scale;

typedef struct xai_train_opts {
  xai_optimiser optimiser;
  double lr;
  double momentum;             /* SGD; 0: none */
  bool nesterov;
  double beta1, beta2, epsilon; /* Adam, AdamW */
  double weight_decay;         /* of the weights of convolutions and products */
  bool decay_all;              /* of every parameter */
  double clip;                 /* the gradient as a whole is shortened to this length; 0: never */
  xai_loss loss;
  double smoothing;            /* of cross-entropy's targets: so much is shared out among all classes */
  xai_init init;
  const xai_layer_scale *init_scale;
  int n_init_scale;
  const int *freeze;           /* layers whose parameters and statistics stay, and which do not drop */
  int n_freeze;
  uint64_t seed;               /* of the beginning and of dropout */
} xai_train_opts;

/* SGD 0.01 with momentum 0.9, cross-entropy; Adam's constants 0.9, 0.999, 1e-8. */
XAI_API void xai_train_defaults(xai_train_opts *opts);

/* Copies the parameters of 'net', which stays as it is. Fails with XAI_EARG for options out of range, a network with
 * hooks or another rule for rectifiers, or one that has nothing to train. */
XAI_API xai_status xai_trainer_new(xai_net *net, const xai_train_opts *opts, xai_trainer **out, xai_err *err);
XAI_API void xai_trainer_free(xai_trainer *t); /* NULL is fine */

typedef struct xai_step {
  double loss;
  int64_t correct; /* pictures whose largest score is the target's */
  double norm;     /* length of the gradient, before it was clipped */
} xai_step;

/* One step at learning rate 'lr'. target: class ids, one per picture (whole numbers of any type), or an array like the
 * scores, whose rows are probabilities. Fails with XAI_ESHAPE or XAI_EARG for targets that do not fit, and with
 * XAI_EARG when loss or gradient are no longer finite, or when all weights are zero at the first step and would stay so;
 * the weights are then those before the step. */
XAI_API xai_status xai_trainer_step(xai_trainer *t, const xai_view *x, const xai_view *target, double lr, xai_step *out,
                                    xai_err *err);
/* Loss and hits of the network as it is now, as it will be used: no dropout, stored statistics. */
XAI_API xai_status xai_trainer_test(xai_trainer *t, const xai_view *x, const xai_view *target, xai_step *out,
                                    xai_err *err);
/* The network with a copy of the parameters as they are now. */
XAI_API xai_status xai_trainer_net(const xai_trainer *t, xai_net **out, xai_err *err);

XAI_API int64_t xai_trainer_steps(const xai_trainer *t); /* done so far */
XAI_API double xai_trainer_lr(const xai_trainer *t);     /* of the options */
XAI_API int64_t xai_trainer_param_count(const xai_trainer *t); /* numbers that are trained */

/* Writes all that training needs to go on as if nothing had happened, and 'note' (UTF-8, may be NULL), as a .safetensors
 * file whatever its name; atomically: the old file stays until the new one is complete. */
XAI_API xai_status xai_trainer_save(const xai_trainer *t, const char *path, const char *note, xai_err *err);
/* Takes up what xai_trainer_save has written for the same network and options. *note (may be NULL) is to be freed with
 * xai_trainer_free_note, NULL when there was none. Fails with XAI_EFORMAT for a file that is damaged or of another
 * network, and then changes nothing. */
XAI_API xai_status xai_trainer_load(xai_trainer *t, const char *path, char **note, xai_err *err);
XAI_API void xai_trainer_free_note(char *note);

/* ---- learning rates -------------------------------------------------------------------------------------- */
typedef enum xai_schedule_kind { XAI_SCHEDULE_CONSTANT, XAI_SCHEDULE_STEP, XAI_SCHEDULE_COSINE } xai_schedule_kind;
typedef struct xai_schedule {
  xai_schedule_kind kind;
  double warmup;  /* share of all steps in which the rate grows from 0 */
  double every;   /* STEP: share of all steps after which the rate is multiplied with 'factor', again and again */
  double factor;
  double last;    /* COSINE: share of the rate that is left at the end */
} xai_schedule;
/* What step 'step' of 'steps' (counted from 0) has to multiply the rate with. */
XAI_API double xai_schedule_factor(const xai_schedule *s, int64_t step, int64_t steps);

#ifdef __cplusplus
}
#endif
#endif
