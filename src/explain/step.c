/* explain/step.c: steps up a gradient g. Besides those that are a number times g, with momentum or without:
 *
 *   m <- 0.9 m + 0.1 g,   v <- keep v + (1 - keep) g^2
 *   adam     lr m^ / (sqrt v^ + 1e-8),  m^ = m / (1 - 0.9^t),  v^ = v / (1 - keep^t)           Kingma, Ba 2015
 *   nadam    lr m~ / (sqrt v^ + 1e-7),  m~ = u' m / (1 - U u') + (1 - u) g / (1 - U)           Dozat 2016, as Keras has it:
 *            u = 0.9 (1 - 0.96^t / 2),  u' the next one,  U the product of all u so far
 *   rmsprop  lr g / (sqrt v + 1e-7)                                                            Tieleman, Hinton 2012
 */
#include "explain/step.h"

#include <math.h>

#include "base/status.h"
#include "tensor/tensor.h"

double xai_step__rate(xai_step_rule rule, double lr, double progress, int64_t n, const float *g) {
  double sum = 0, largest = 0, squares = 0;
  for (int64_t i = 0; i < n; i++) {
    double size = fabs((double)g[i]);
    sum += size;
    squares += size * size;
    if (size > largest) largest = size;
  }
  double by = rule == XAI_STEP_MEAN ? sum / (double)n : rule == XAI_STEP_MAX ? largest : sqrt(squares);
  if (rule == XAI_STEP_PLAIN) return lr;
  if (rule == XAI_STEP_PROGRESS) return squares * lr > progress ? progress / squares : lr;
  return by > 0 ? lr / by : 0;
}

xai_status xai_stepper__open(xai_stepper *s, int64_t n, const xai_ascent_opts *o, xai_err *err) {
  *s = (xai_stepper){.rule = o->rule, .lr = o->lr, .progress = o->progress, .momentum = o->momentum, .keep = o->keep, .n = n,
                     .product = 1};
  if (o->rule > XAI_STEP_PROGRESS && o->momentum > 0)
    return xai_fail(err, XAI_EARG, "momentum: this rule has its own (expected 0, or rule plain, mean, max, norm or progress)");
  XAI_TRY(xai_tensor_new(XAI_F32, XAI_SHAPE(3, n), &s->floats, err));
  s->by = xai_tensor_floats(s->floats);
  s->mean = s->by + n;
  s->square = s->mean + n;
  return XAI_OK;
}

void xai_stepper__close(xai_stepper *s) {
  xai_tensor_free(s->floats);
  s->floats = NULL;
}

/* In proportion to g, and to the steps before it. */
static void straight(xai_stepper *s, const float *g) {
  double rate = xai_step__rate(s->rule, s->lr, s->progress, s->n, g);
  for (int64_t i = 0; i < s->n; i++) s->by[i] = (float)(rate * g[i] + s->momentum * s->by[i]);
}

/* Each number at its own rate: the step is of about the same size whatever its gradients' size. */
static void adaptive(xai_stepper *s, const float *g) {
  bool nesterov = s->rule == XAI_STEP_NADAM, plain = s->rule == XAI_STEP_RMSPROP;
  double t = (double)s->done, of_mean = 1 / (1 - pow(0.9, t)), of_now = 0, epsilon = nesterov || plain ? 1e-7 : 1e-8;
  double of_square = plain ? 1 : 1 / (1 - pow(s->keep, t));
  if (nesterov) {
    double share = 0.9 * (1 - 0.5 * pow(0.96, t)), next = 0.9 * (1 - 0.5 * pow(0.96, t + 1));
    s->product *= share;
    of_mean = next / (1 - s->product * next);
    of_now = (1 - share) / (1 - s->product);
  }
  if (plain) of_mean = 0, of_now = 1;
  for (int64_t i = 0; i < s->n; i++) {
    s->mean[i] = (float)(0.9 * s->mean[i] + 0.1 * g[i]);
    s->square[i] = (float)(s->keep * s->square[i] + (1 - s->keep) * g[i] * g[i]);
    s->by[i] = (float)(s->lr * (of_mean * s->mean[i] + of_now * g[i]) / (sqrt(of_square * s->square[i]) + epsilon));
  }
}

void xai_stepper__next(xai_stepper *s, const float *g) {
  s->done++;
  if (s->rule > XAI_STEP_PROGRESS) adaptive(s, g);
  else straight(s, g);
}
