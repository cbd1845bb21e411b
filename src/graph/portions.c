/* graph/portions.c: how many pictures of a batch pass together.
 *
 * A picture's activations, written by one layer and read by the next, should still be in the caches when they are read:
 * of a large batch they are not, and a picture takes up to half as long again. So a batch goes through in portions, as
 * long as a picture's result cannot depend on the others'. Whether it can is asked of every node, for the sizes of the
 * batch and of the portion: elements of a batch must stay elements of a batch, in their order. */
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "graph/plan.h"

/* Pictures share the reading of the weights and the beginning of every layer, but their activations have to fit into
 * the caches. Measured: best is what fits into so much, or more where weights are many. */
enum { MOST_PICTURES = 16, CACHE_BYTES = 12 << 20, WEIGHTS_PER_ACTIVATION = 4 };

/* From a pass of one picture. */
static int64_t portion_of(const xai_run *one) {
  int64_t weights = xai_net_param_count(one->net) * (int64_t)sizeof(float) / WEIGHTS_PER_ACTIVATION;
  int64_t fit = (weights > CACHE_BYTES ? weights : CACHE_BYTES) / (int64_t)(one->arena_bytes + 1);
  return fit < 1 ? 1 : fit < MOST_PICTURES ? fit : MOST_PICTURES;
}

/* ---- does a picture's result depend on the others? ------------------------------------------------------------ */
typedef struct asking {
  const xai_graph *g;
  xai_facts facts;
  bool *set;     /* per node: it is passed */
  bool *batched; /* per value: an element along its first axis for every picture */
} asking;

static const xai_shape *shape(const asking *a, int v) { return &a->facts.views[v].shape; }

static bool is_batched(const asking *a, const xai_node *node, int i) {
  return xai_node__has_input(node, i) && a->batched[node->in[i]];
}

static bool only_first(const asking *a, const xai_node *node) {
  for (int i = 1; i < node->n_in; i++)
    if (is_batched(a, node, i)) return false;
  return is_batched(a, node, 0);
}

/* Every operand has the elements of the batch along the first axis of the result, or the same ones for all. */
static bool is_arithmetic(const asking *a, const xai_node *node) {
  int rank = shape(a, node->out[0])->rank;
  for (int i = 0; i < node->n_in; i++) {
    const xai_shape *s = shape(a, node->in[i]);
    if (is_batched(a, node, i) ? s->rank != rank : s->rank == rank && s->dims[0] != 1) return false;
  }
  return true;
}

/* Input i, if it is there, is the same for all rows of a matrix. */
static bool is_row(const asking *a, const xai_node *node, int i) {
  if (!xai_node__has_input(node, i)) return true;
  return shape(a, node->in[i])->rank < 2 || shape(a, node->in[i])->dims[0] == 1;
}

static bool is_other_axis(const asking *a, const xai_node *node, int64_t axis) {
  return axis > 0 || (axis < 0 && axis + shape(a, node->in[0])->rank > 0);
}

static bool keeps_apart(const asking *a, const xai_node *node) {
  switch (node->op) {
    case XAI_OP_ADD:
    case XAI_OP_DIV:
    case XAI_OP_MAX:
    case XAI_OP_MEAN:
    case XAI_OP_MIN:
    case XAI_OP_MUL:
    case XAI_OP_POW:
    case XAI_OP_PRELU:
    case XAI_OP_SUB:
    case XAI_OP_SUM: return is_arithmetic(a, node);
    case XAI_OP_CONCAT:
      for (int i = 0; i < node->n_in; i++)
        if (!is_batched(a, node, i)) return false;
      return is_other_axis(a, node, node->attrs.axis.axis);
    case XAI_OP_LOG_SOFTMAX:
    case XAI_OP_SOFTMAX: return is_other_axis(a, node, node->attrs.axis.axis);
    case XAI_OP_SPLIT: return only_first(a, node) && is_other_axis(a, node, node->attrs.split.axis);
    case XAI_OP_TRANSPOSE: return node->attrs.transpose.perm.n > 0 && node->attrs.transpose.perm.v[0] == 0;
    case XAI_OP_GEMM: return only_first(a, node) && node->attrs.gemm.trans_a == 0 && is_row(a, node, 2);
    case XAI_OP_MATMUL: return only_first(a, node) && shape(a, node->in[1])->rank == 2;
    case XAI_OP_BATCH_NORM: return only_first(a, node) && node->attrs.norm.training_mode == 0;
    case XAI_OP_AVERAGE_POOL:
    case XAI_OP_CONV:
    case XAI_OP_CONV_TRANSPOSE:
    case XAI_OP_FLATTEN:
    case XAI_OP_GLOBAL_AVERAGE_POOL:
    case XAI_OP_GLOBAL_MAX_POOL:
    case XAI_OP_INSTANCE_NORMALIZATION:
    case XAI_OP_LP_POOL:
    case XAI_OP_LRN:
    case XAI_OP_MAX_POOL:
    case XAI_OP_REDUCE_MEAN:
    case XAI_OP_RESHAPE:
    case XAI_OP_SQUEEZE:
    case XAI_OP_UNSQUEEZE: return only_first(a, node);
    default: return (xai_op_get(node->op)->flags & XAI_OP_ELEMENTWISE) != 0 && only_first(a, node);
  }
}

/* ... with n pictures. */
static bool takes_apart(asking *a, int64_t n) {
  memset(a->batched, 0, (size_t)a->g->n_values * sizeof *a->batched);
  a->batched[a->g->inputs[0]] = true;
  for (int k = 0; k < a->g->n_nodes; k++) {
    const xai_node *node = &a->g->nodes[k];
    bool any = false;
    for (int i = 0; i < node->n_in; i++) any = any || is_batched(a, node, i);
    if (!a->set[k] || !any || a->facts.views[node->out[0]].data != NULL) continue;
    if (!keeps_apart(a, node)) return false;
    for (int i = 0; i < node->n_out; i++) {
      int v = node->out[i];
      if (v < 0) continue;
      if (shape(a, v)->rank < 1 || shape(a, v)->dims[0] != n) return false;
      a->batched[v] = true;
    }
  }
  return true;
}

static void find_set(asking *a, int value) {
  if (a->g->values[value].node >= 0) a->set[a->g->values[value].node] = true;
  for (int n = a->g->n_nodes; n-- > 0;)
    for (int i = 0; a->set[n] && i < a->g->nodes[n].n_in; i++) {
      int v = a->g->nodes[n].in[i];
      if (v >= 0 && a->g->values[v].node >= 0) a->set[a->g->values[v].node] = true;
    }
}

/* *out: pictures pass one by one as well, be it n or 'portion' at a time. */
static xai_status are_apart(const xai_net *net, xai_view x, int64_t portion, int layer, bool *out, xai_err *err) {
  asking a = {.g = net->graph, .set = xai_calloc((size_t)net->graph->n_nodes + 1, sizeof *a.set),
              .batched = xai_calloc((size_t)net->graph->n_values + 1, sizeof *a.batched)};
  xai_status st = XAI_OK;
  int value = xai_net__layer_value(net, layer);
  int64_t sizes[] = {x.shape.dims[0], portion};
  if (a.set == NULL || a.batched == NULL) {
    st = xai_fail_memory(err, (size_t)net->graph->n_values);
    goto done;
  }
  find_set(&a, value);
  *out = true;
  for (int k = 0; k < 2 && *out; k++) {
    x.shape.dims[0] = sizes[k];
    x.data = NULL;
    xai_facts_free(&a.facts);
    a.facts = (xai_facts){0};
    *out = xai_facts_make(net, &x, a.set, &a.facts, NULL) == XAI_OK && takes_apart(&a, sizes[k]) && a.batched[value];
  }
done:
  xai_facts_free(&a.facts);
  xai_free(a.set);
  xai_free(a.batched);
  return st;
}

xai_status xai_net__portion(xai_net *net, const xai_view *x, int layer, int64_t *out, xai_err *err) {
  const xai_graph *g = net->graph;
  xai_run *one = NULL;
  *out = x->shape.rank > 0 ? x->shape.dims[0] : 1;
  bool simple = g->n_inputs == 1 && net->n_hooks == 0 && !net->trains && xai_net__layer_value(net, layer) >= 0 &&
                !g->values[g->inputs[0]].decides && !xai_engine_is_reference();
  if (*out < 2 || !simple) return XAI_OK;
  xai_view first = *x;
  first.shape.dims[0] = 1;
  if (xai_run_open_all(net, &first, 1, &(xai_request){.keep = &layer, .n_keep = 1}, &one, NULL) != XAI_OK) return XAI_OK;
  int64_t portion = portion_of(one);
  bool apart = false;
  xai_run_close(one);
  if (portion < *out) XAI_TRY(are_apart(net, *x, portion, layer, &apart, err));
  if (apart) *out = portion;
  return XAI_OK;
}
