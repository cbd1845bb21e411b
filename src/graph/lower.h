/* graph/lower.h: the graph of one request as fast kernels want it.
 *
 * A lowered graph is made of a network's graph for given shapes and a given request. In it a batch normalization is part
 * of the convolution before it, the addition of a shortcut and a rectifier are part of the convolution (or scale) that
 * they follow, and values between such rows are blocked (ops_blocked.c). Everything that somebody looks at is a value of
 * its own in the usual form: what is only kept is a copy beside the path; what a hook may change, and where a gradient is
 * put in or taken out, lies on the path. So nobody above a plan notices but by the rounding.
 *
 * What is trained is lowered, too: where the gradient of a weight is wanted, or somebody writes into it between passes,
 * stands a row that reads the weight itself (ops_blocked_training.c). */
#ifndef GRAPH_LOWER_H
#define GRAPH_LOWER_H

#include "graph/plan.h"

/* set[n]: node n of the network runs. *out stays NULL when there is nothing to gain. (*place)[v] is the lowered value
 * that is value v of the network, or -1. What is known without running (facts) are constants of the lowered graph.
 * Packed weights come from the network's stock and are made if they are not there. */
xai_status xai_lower(const xai_net *net, const xai_facts *facts, const plan_request *request, const bool *set,
                     xai_graph **out, int **place, xai_err *err);

#endif
