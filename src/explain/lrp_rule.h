/* explain/lrp_rule.h: what the rules of LRP do in one linear layer. */
#ifndef EXPLAIN_LRP_RULE_H
#define EXPLAIN_LRP_RULE_H

#include "explain/walk.h"

typedef struct xai_lrp_numbers {
  double epsilon; /* of rule epsilon */
  bool rms;       /* a share of the root mean square of what it is added to */
  double gamma, alpha;
  bool bias;
  const float *low, *high; /* range of the input, per channel */
  int64_t channels;
} xai_lrp_numbers;

/* A sum of inputs times constants: Conv, ConvTranspose, Gemm or MatMul whose second input does not depend on the network's. */
bool xai_lrp__is_linear(const xai_walk *w, int node);

/* into[n] of every node: the linear layer that node n, which multiplies its channels by constants or adds some to them
 * (BatchNormalization, Mul, Add, ...), can become part of: what stands between the two is read by nobody else; -1: none. */
void xai_lrp__fold(const xai_walk *w, int *into);

/* At a linear layer: makes din of its input from the signal behind it. *biases: so much of it is the biases'. */
xai_status xai_lrp__apply(xai_walk *w, const int *into, xai_lrp_rule rule, const xai_lrp_numbers *numbers, double *biases,
                          xai_err *err);

#endif
