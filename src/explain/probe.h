/* explain/probe.h: "run, keep these layers, give me the gradient of the score at those": what most methods share. */
#ifndef EXPLAIN_PROBE_H
#define EXPLAIN_PROBE_H

#include "explain/method.h"

typedef struct xai_probe {
  xai_net *net;
  xai_run *run;
  bool borrowed; /* run is the caller's, a pass that kept everything */
  const xai_view *x;
  const xai_explain_opts *opts;
  xai_target target; /* resolved: never empty, no STRONGEST left */
  double score;      /* of the target */
  double started;    /* clock */
} xai_probe;

/* Forward (unless opts has a run already) and, when n_wants > 0, backward from the target with the given rule (the net's own rule when PLAIN).
 * 'keep' and 'wants' are layers. The probe is closed by xai_probe_close, also after a failure. */
xai_status xai_probe_run(xai_net *net, const xai_view *x, const xai_explain_opts *opts, const int *keep, int n_keep,
                         const int *wants, int n_wants, xai_relu rule, xai_probe *p, xai_err *err);
/* Forward only, with every layer kept. */
xai_status xai_probe_keep(xai_net *net, const xai_view *x, const xai_explain_opts *opts, xai_probe *p, xai_err *err);
void xai_probe_close(xai_probe *p);

/* The target's score at another input; the run stays as it is. */
xai_status xai_probe_score_at(const xai_probe *p, const xai_view *x, xai_score score, double *out, xai_err *err);

/* Tells the caller how far a long loop is. */
static inline void xai_probe_tell(const xai_probe *p, int64_t done, int64_t total) {
  if (p->opts->progress != NULL) p->opts->progress(p->opts->progress_payload, done, total);
}

/* Gradient at a wanted layer; XAI_EARG when the target does not depend on it. */
xai_status xai_probe_grad(const xai_probe *p, int layer, const xai_view **out, xai_err *err);

/* A new explanation with target, label, probability, input size and time filled in; 'layer' NONE: no layer. */
xai_status xai_probe_explain(const xai_probe *p, const char *method, int layer, xai_explanation **out, xai_err *err);

/* The layer that a class activation map is made from: opts->layer or the default; refuses one without extent. */
xai_status xai_probe_layer(const xai_net *net, const xai_view *x, const xai_explain_opts *opts, int *layer, xai_err *err);

/* Adds a named tensor. The explanation takes the caller's reference over, and *t becomes NULL, also on failure. */
xai_status xai_explanation_extra(xai_explanation *e, const char *name, xai_tensor **t, xai_err *err);

/* Adds a copy of the first n elements of a list of float32. */
xai_status xai_explanation_curve(xai_explanation *e, const char *name, const xai_tensor *all, int64_t n, xai_err *err);

/* Adds a number; the name is a literal. */
xai_status xai_explanation_number(xai_explanation *e, const char *name, double number, xai_err *err);

/* ---- target.c ------------------------------------------------------------------------------------------- */
/* Layers of the target's terms, LOGITS for an empty one; returns how many (no doubles). */
int xai_target_layers(const xai_net *net, const xai_target *t, int layers[XAI_TARGET_TERMS]);
/* Replaces "most probable class" and "strongest unit" by what they are in this pass and checks every index. */
xai_status xai_target_resolve(const xai_run *run, const xai_net *net, xai_target *t, xai_err *err);
/* Is it a sum of classes, and nothing else? */
bool xai_target_all_classes(const xai_target *t);
/* The score of image 'n' of the batch from the kept activations. */
double xai_target_score(const xai_run *run, const xai_target *t, int64_t n);
/* The same with the probability in place of a logit, softmax or sigmoid: every term must be a class. */
double xai_target_probability(const xai_net *net, const xai_run *run, const xai_target *t, int64_t n);
/* The score from activations that come from elsewhere: seen[k], of one image, is that of layers[k], which are
 * those that xai_target_layers lists. */
double xai_target_score_seen(const xai_net *net, const xai_target *t, const int *layers, const xai_view *seen);
double xai_target_probability_seen(const xai_net *net, const xai_target *t, const xai_view *logits);
/* Puts d score / d activation into the run's seeds, for every image of the batch. */
void xai_target_seed(xai_run *run, const xai_target *t);
/* "243", "fire9/concat_2:12:7:5", "243 + 282", at most size-1 bytes. */
void xai_target_text(const xai_net *net, const xai_target *t, char *buf, size_t size);

#endif
