/* graph/ops_einsum.c: Einsum: sums of products whose indices an equation names, "bij,bjk->bik".
 *
 * Every letter is an index; "..." stands for as many indices as the operand has axes left, counted from the last one.
 * A letter that occurs twice in one operand takes its diagonal; what is missing on the right is summed over. Without
 * "->" the right side is the dots and then the letters that occur once, in the order of the alphabet. Axes of size 1
 * repeat.
 *
 * The gradient to an operand is a sum of products, too, of the other operands and the result's gradient: all of them
 * are sides of one equation, and 'contraction' writes down the sum that makes one of them from the others. */
#include <string.h>

#include "graph/op_check.h"

static const xai_attr_spec attrs[] = {XAI_ATTR(TEXT, "equation", einsum.equation, 0), {0}};

enum { MOST_OPERANDS = XK_EINSUM_FACTORS - 1, MOST_INDICES = XK_EINSUM_DIMS, DOTS = 128, NAMES = DOTS + XAI_MAX_RANK };

/* An index is named by its letter, or DOTS + its distance from the last one under the dots. */
typedef struct side {
  int rank, name[XAI_MAX_RANK];
} side;

typedef struct equation {
  int operands; /* side[operands] is the result */
  side side[MOST_OPERANDS + 1];
  int indices, dots; /* dots: indices under the longest "..." */
  int name[MOST_INDICES], uses[MOST_INDICES];
  int64_t dims[MOST_INDICES], stride[MOST_OPERANDS + 1][MOST_INDICES];
} equation;

/* ---- reading ------------------------------------------------------------------------------------------------- */
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* Position of an index among those of the equation, -1: it has none of that name. */
static int find_index(const equation *e, int name) {
  for (int i = 0; i < e->indices; i++)
    if (e->name[i] == name) return i;
  return -1;
}

static xai_status push(side *s, int name, xai_err *err) {
  if (s->rank == XAI_MAX_RANK) return xai_fail(err, XAI_EUNSUPPORTED, "equation: more than %d indices", XAI_MAX_RANK);
  s->name[s->rank++] = name;
  return XAI_OK;
}

/* One side, up to a comma, an arrow or the end, where *text is left; 'dots' indices stand for "...". */
static xai_status read_side(const char **text, int dots, side *out, xai_err *err) {
  bool dotted = false;
  *out = (side){0};
  for (;; (*text)++) {
    if (**text == ' ') continue;
    if (**text == '.' && !dotted && strncmp(*text, "...", 3) == 0) {
      for (int i = dots - 1; i >= 0; i--) XAI_TRY(push(out, DOTS + i, err));
      dotted = true;
      *text += 2;
    } else if (is_letter(**text)) {
      XAI_TRY(push(out, **text, err));
    } else {
      return XAI_OK;
    }
  }
}

/* How many axes the dots of the side that begins at 'text' stand for. */
static int count_dots(const char *text, int rank) {
  bool dotted = false;
  for (; *text != '\0' && *text != ',' && *text != '-'; text++) {
    rank -= is_letter(*text);
    dotted = dotted || *text == '.';
  }
  return dotted && rank > 0 ? rank : 0;
}

static xai_status fail_text(const xai_call *c, const char *at, xai_err *err) {
  return xai_fail(err, XAI_EARG, "equation: cannot be read from character %d on (expected like 'ij,jk->ik')",
                  (int)(at - c->attrs->einsum.equation) + 1);
}

/* The sizes of an operand's indices. */
static xai_status note_sizes(equation *e, int k, const xai_shape *shape, xai_err *err) {
  const side *s = &e->side[k];
  if (s->rank != shape->rank)
    return xai_fail(err, XAI_ESHAPE, "equation: %d indices for input %d, which is %s", s->rank, k, TEXT(shape));
  for (int d = 0; d < s->rank; d++) {
    int i = find_index(e, s->name[d]);
    if (i < 0) {
      if (e->indices == MOST_INDICES)
        return xai_fail(err, XAI_EUNSUPPORTED, "equation: more than %d indices", MOST_INDICES);
      i = e->indices++;
      e->name[i] = s->name[d];
      e->uses[i] = 0;
      e->dims[i] = 1;
    }
    if (e->dims[i] == 1) e->dims[i] = shape->dims[d];
    else if (shape->dims[d] != 1 && shape->dims[d] != e->dims[i])
      return xai_fail(err, XAI_ESHAPE, "an index has %" PRId64 " values, and %" PRId64 " in input %d", e->dims[i],
                      shape->dims[d], k);
    e->uses[i]++;
  }
  return XAI_OK;
}

static xai_status name_result(equation *e, side *s, xai_err *err) {
  *s = (side){0};
  for (int i = e->dots - 1; i >= 0; i--) XAI_TRY(push(s, DOTS + i, err));
  for (int letter = 0; letter < DOTS; letter++) {
    int i = find_index(e, letter);
    if (i >= 0 && e->uses[i] == 1) XAI_TRY(push(s, letter, err));
  }
  return XAI_OK;
}

static xai_status check_result(const equation *e, xai_err *err) {
  const side *s = &e->side[e->operands];
  for (int d = 0; d < s->rank; d++) {
    bool twice = false;
    for (int other = 0; other < d; other++) twice = twice || s->name[other] == s->name[d];
    if (twice || find_index(e, s->name[d]) < 0)
      return xai_fail(err, XAI_EARG, "equation: the result's index '%c' %s", s->name[d],
                      twice ? "occurs twice" : "occurs in no input");
  }
  return XAI_OK;
}

/* An index that a side does not have, or repeats along an axis of size 1, has the stride 0 there. */
static void note_strides(equation *e, int k, const xai_shape *shape) {
  int64_t stride[XAI_MAX_RANK];
  xai_op__strides(shape, stride);
  for (int d = 0; d < shape->rank; d++)
    if (shape->dims[d] > 1) e->stride[k][find_index(e, e->side[k].name[d])] += stride[d];
}

static xai_status read_equation(const xai_call *c, equation *e, xai_shape *result, xai_err *err) {
  const char *text = c->attrs->einsum.equation;
  *e = (equation){.operands = c->n_in};
  for (int k = 0; k < c->n_in; k++) {
    int dots = count_dots(text, c->in[k].shape.rank);
    if (dots > e->dots) e->dots = dots;
    XAI_TRY(read_side(&text, dots, &e->side[k], err));
    XAI_TRY(note_sizes(e, k, &c->in[k].shape, err));
    if (k + 1 < c->n_in && *text++ != ',')
      return xai_fail(err, XAI_EARG, "equation: %d inputs (expected %d)", k + 1, c->n_in);
  }
  side *out = &e->side[e->operands];
  if (strncmp(text, "->", 2) == 0) {
    text += 2;
    XAI_TRY(read_side(&text, e->dots, out, err));
  } else {
    XAI_TRY(name_result(e, out, err));
  }
  if (*text != '\0') return fail_text(c, text, err);
  XAI_TRY(check_result(e, err));
  *result = (xai_shape){.rank = out->rank};
  for (int d = 0; d < out->rank; d++) result->dims[d] = e->dims[find_index(e, out->name[d])];
  for (int k = 0; k <= e->operands; k++) note_strides(e, k, k < e->operands ? &c->in[k].shape : result);
  return XAI_OK;
}

/* ---- computing ----------------------------------------------------------------------------------------------- */
/* The sum that makes side 'target' of all the others: over the indices that it does not have. */
static xk_einsum contraction(const equation *e, int target) {
  xk_einsum p = {.factors = 0};
  for (int summed = 0; summed <= 1; summed++) {
    for (int i = 0; i < e->indices; i++) {
      if (e->dims[i] == 1 || (e->stride[target][i] == 0) != summed) continue;
      int factor = 0;
      for (int k = 0; k <= e->operands; k++)
        p.stride[k == target ? e->operands : factor++][p.rank] = e->stride[k][i];
      p.dims[p.rank++] = e->dims[i];
    }
    if (summed == 0) p.kept = p.rank;
  }
  p.factors = e->operands;
  return p;
}

static xai_status infer(xai_call *c, xai_err *err) {
  equation e;
  if (c->n_in > MOST_OPERANDS)
    return xai_fail(err, XAI_EUNSUPPORTED, "%d inputs are not supported (at most %d)", c->n_in, MOST_OPERANDS);
  for (int i = 0; i < c->n_in; i++) XAI_TRY(xai_op__need_float(c, i, err));
  XAI_TRY(read_equation(c, &e, &c->out[0].shape, err));
  c->out[0].dtype = XAI_F32;
  return XAI_OK;
}

static void forward(const xai_call *c) {
  equation e;
  xai_shape result;
  const float *x[MOST_OPERANDS];
  read_equation(c, &e, &result, NULL); /* infer has seen it succeed */
  for (int k = 0; k < c->n_in; k++) x[k] = c->in[k].data;
  xk_einsum p = contraction(&e, e.operands);
  xk_einsum_sum(&p, x, c->out[0].data);
}

static void backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  equation e;
  xai_shape result;
  read_equation(c, &e, &result, NULL);
  for (int target = 0; target < c->n_in; target++) {
    const float *x[MOST_OPERANDS];
    int factor = 0;
    if (c->din[target].data == NULL) continue;
    for (int k = 0; k < c->n_in; k++)
      if (k != target) x[factor++] = c->in[k].data;
    x[factor] = c->dout[0].data;
    memset(c->din[target].data, 0, xai_view_bytes(&c->in[target])); /* beside a diagonal */
    xk_einsum p = contraction(&e, target);
    xk_einsum_sum(&p, x, c->din[target].data);
  }
}

#define OPERANDS (~(XAI_NO_GRAD | XAI_READS_OUT))
const xai_op_def xai_op_def_EINSUM = {
    .name = "Einsum", .min_in = 1, .max_in = -1, .max_out = 1,
    .grad = {OPERANDS, OPERANDS, OPERANDS, OPERANDS, OPERANDS}, .attrs = attrs,
    .infer = infer, .forward = forward, .backward = backward,
};
