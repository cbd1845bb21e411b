/* formats/onnx_ops.c: one node of the file to nodes of the network.
 *
 * The operator table knows the newest form of each operator. Older forms differ in five ways, and each way is a
 * table or a function here:
 *   - what is an input now was an attribute: a constant is made of it (the table 'moved');
 *   - attributes that mattered once or only in training are dropped (onnx_attr.c) or refused (check_batch_norm);
 *   - Softmax and its kin flattened their input to two dims before opset 13 (add_flat_softmax);
 *   - arithmetic, comparisons and PRelu aligned their second input with an axis before opset 7 (add_aligned);
 *   - a default or the word for it was another (choose).
 * Upsample is what Resize was once (read_resize), Scatter what ScatterElements was.
 * Operator sets newer than those this was written for (24) are read as long as their operators are known. */
#include "formats/onnx_ops.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/str.h"

/* ---- one node at work ---------------------------------------------------------------------------- */
enum { MOST_HELPERS = 8 };

typedef struct job {
  xai_onnx_reader *r;
  xai_onnx_node *n;
  xai_op op;
  xai_attrs attrs;
  bool flat;    /* old Softmax or kin: over all dims from its axis on */
  bool aligned; /* old arithmetic: in[1] starts at dim 'axis' of in[0] */
  int64_t axis;
  char *names[MOST_HELPERS]; /* of added values, owned */
  int n_names;
} job;

/* A name for an added value: "<node>/<what>", with a number when the file has that name already. */
static xai_status fresh_name(job *j, const char *what, const char **out, xai_err *err) {
  size_t room = strlen(j->n->label) + strlen(what) + 16;
  XAI_ASSERT(j->n_names < MOST_HELPERS, err);
  char *name = xai_alloc(room);
  if (name == NULL) return xai_fail_memory(err, room);
  snprintf(name, room, "%s/%s", j->n->label, what);
  while (xai_builder_find(j->r->builder, name, NULL))
    snprintf(name, room, "%s/%s_%u", j->n->label, what, ++j->r->fresh);
  j->names[j->n_names++] = name;
  *out = name;
  return XAI_OK;
}

static xai_status add_constant(job *j, const char *what, xai_tensor *t, const char **name, xai_err *err) {
  XAI_TRY(fresh_name(j, what, name, err));
  return xai_builder_constant(j->r->builder, *name, t, err);
}

/* A node of one output beside the one that the file speaks of; second NULL: it has one input. attrs NULL: defaults. */
static xai_status add_helper(job *j, const char *what, xai_op op, const xai_attrs *attrs, const char *first,
                             const char *second, const char **name, xai_err *err) {
  XAI_TRY(fresh_name(j, what, name, err));
  const char *in[] = {first, second};
  return xai_builder_node(j->r->builder, *name, op, attrs, second != NULL ? 2 : 1, in, 1, name, err);
}

/* The node that makes the file's value. */
static xai_status add_last(job *j, xai_op op, const xai_attrs *attrs, int n_in, const char *const *in, xai_err *err) {
  const xai_onnx_node *n = j->n;
  return xai_builder_node(j->r->builder, n->name, op, attrs, n_in, in, n->n_out, n->out, err);
}

static xai_attrs axis_attrs(xai_op op, int64_t axis) {
  xai_attrs attrs;
  xai_attrs_default(op, &attrs);
  attrs.axis.axis = axis;
  return attrs;
}

/* ---- attributes that have become inputs ---------------------------------------------------------- */
static const struct {
  xai_op op;
  int below; /* opset from which it is an input */
  const char *name;
  xai_onnx_type type;
  int input;
} moved[] = {
    {XAI_OP_RESHAPE, 5, "shape", XAI_ONNX_T_INTS, 1},   {XAI_OP_CLIP, 11, "min", XAI_ONNX_T_FLOAT, 1},
    {XAI_OP_CLIP, 11, "max", XAI_ONNX_T_FLOAT, 2},      {XAI_OP_PAD, 2, "paddings", XAI_ONNX_T_INTS, 1},
    {XAI_OP_PAD, 11, "pads", XAI_ONNX_T_INTS, 1},       {XAI_OP_PAD, 11, "value", XAI_ONNX_T_FLOAT, 2},
    {XAI_OP_SLICE, 10, "starts", XAI_ONNX_T_INTS, 1},   {XAI_OP_SLICE, 10, "ends", XAI_ONNX_T_INTS, 2},
    {XAI_OP_SLICE, 10, "axes", XAI_ONNX_T_INTS, 3},     {XAI_OP_SQUEEZE, 13, "axes", XAI_ONNX_T_INTS, 1},
    {XAI_OP_RESIZE, 9, "scales", XAI_ONNX_T_FLOATS, 2}, {XAI_OP_SPLIT, 13, "split", XAI_ONNX_T_INTS, 1},
    {XAI_OP_TOP_K, 10, "k", XAI_ONNX_T_INT, 1},         {XAI_OP_DROPOUT, 12, "ratio", XAI_ONNX_T_FLOAT, 1},
    {XAI_OP_UNSQUEEZE, 13, "axes", XAI_ONNX_T_INTS, 1},
#define AXES(id, opset) {XAI_OP_REDUCE_##id, opset, "axes", XAI_ONNX_T_INTS, 1}
    AXES(L1, 18), AXES(L2, 18), AXES(LOG_SUM, 18), AXES(LOG_SUM_EXP, 18), AXES(MAX, 18), AXES(MEAN, 18), AXES(MIN, 18),
    AXES(PROD, 18), AXES(SUM, 13), AXES(SUM_SQUARE, 18),
#undef AXES
};

static xai_status move_attributes(job *j, xai_err *err) {
  xai_onnx_node *n = j->n;
  for (size_t i = 0; i < sizeof moved / sizeof *moved; i++) {
    const xai_onnx_attr *a;
    xai_tensor *t;
    if (moved[i].op != j->op || j->r->opset >= moved[i].below) continue;
    XAI_TRY(xai_onnx__take(n, moved[i].name, moved[i].type, &a, err));
    if (a == NULL) continue;
    if (n->in[moved[i].input][0] != '\0')
      return xai_fail(err, XAI_EFORMAT, "'%s' is given as an attribute and as an input", moved[i].name);
    XAI_TRY(xai_onnx__attr_tensor(j->r, a, &t, err));
    xai_status st = add_constant(j, moved[i].name, t, &n->in[moved[i].input], err);
    xai_tensor_free(t);
    if (st != XAI_OK) return st;
    if (n->n_in <= moved[i].input) n->n_in = moved[i].input + 1;
  }
  return XAI_OK;
}

/* ---- attributes that mean something else than the operator table's ------------------------------- */
/* Before opset 9 'spatial' told whether the statistics are per channel or per element, which their shape tells too;
 * before opset 14 a node with more than one output was one that is being trained, with other outputs than since. */
static xai_status check_batch_norm(job *j, xai_err *err) {
  const xai_onnx_attr *spatial;
  XAI_TRY(xai_onnx__take(j->n, "spatial", XAI_ONNX_T_INT, &spatial, err));
  const xai_onnx_attr *training = xai_onnx__attr(j->n, "training_mode");
  if (j->r->opset >= 14 && training != NULL && training->i != 0) {
    j->op = XAI_OP_BATCH_NORM_TRAINING;
    return XAI_OK;
  }
  for (int i = 1; i < j->n->n_out; i++)
    if (j->n->out[i][0] != '\0')
      return xai_fail(err, XAI_EUNSUPPORTED,
                      "this is the form for training, with %d outputs; export the network for inference", j->n->n_out);
  return XAI_OK;
}

/* ONNX' number (before opset 6: word) for an element type, to ours. Narrow types are widened as everywhere: a cast to
 * float16 or int8 does not round or wrap. */
static xai_status read_cast(job *j, xai_err *err) {
  static const char *const words[] = {"FLOAT",  "UINT8", "INT8",    "UINT16", "INT16",  "INT32", "INT64",
                                      "STRING", "BOOL",  "FLOAT16", "DOUBLE", "UINT32", "UINT64"};
  const xai_onnx_attr *to;
  xai_dtype dtype = XAI_F32;
  int64_t number = 0;
  XAI_TRY(xai_onnx__take(j->n, "to", j->r->opset < 6 ? XAI_ONNX_T_STRING : XAI_ONNX_T_INT, &to, err));
  if (to == NULL) return xai_fail(err, XAI_EFORMAT, "attribute 'to' is missing");
  number = to->i;
  for (size_t i = 0; j->r->opset < 6 && i < sizeof words / sizeof *words; i++)
    if (xai_proto__equal(to->s, words[i])) number = (int64_t)i + 1;
  XAI_TRY(xai_onnx__dtype(number, &dtype, err));
  j->attrs.cast.to = dtype;
  return XAI_OK;
}

static xai_status read_fill(job *j, xai_err *err) {
  const xai_onnx_attr *value;
  xai_tensor *t;
  XAI_TRY(xai_onnx__take(j->n, "value", XAI_ONNX_T_TENSOR, &value, err));
  if (value == NULL) return XAI_OK;
  XAI_TRY(xai_onnx__attr_tensor(j->r, value, &t, err));
  const xai_view *v = xai_tensor_view(t);
  bool one = xai_tensor_count(t) == 1;
  if (one) {
    j->attrs.fill.number = xai_view_get(v, 0);
    j->attrs.fill.dtype = v->dtype;
  }
  xai_tensor_free(t);
  return one ? XAI_OK : xai_fail(err, XAI_EFORMAT, "attribute 'value' must have exactly one element");
}

/* Before opset 7 shapes had to be equal unless 'broadcast' was set; in[1] then started at dim 'axis' of in[0], or
 * ended where in[0] ends, which is today's rule. */
static xai_status read_broadcast(job *j, xai_err *err) {
  const xai_onnx_attr *broadcast, *axis;
  if (j->r->opset >= 7) return XAI_OK;
  XAI_TRY(xai_onnx__take(j->n, "broadcast", XAI_ONNX_T_INT, &broadcast, err));
  XAI_TRY(xai_onnx__take(j->n, "axis", XAI_ONNX_T_INT, &axis, err));
  if (broadcast == NULL || broadcast->i == 0 || axis == NULL || axis->i == -1) return XAI_OK;
  if (axis->i < 0 || axis->i >= XAI_MAX_RANK)
    return xai_fail(err, XAI_EUNSUPPORTED, "axis %" PRId64 " is not supported (expected 0 to %d)", axis->i,
                    XAI_MAX_RANK - 1);
  j->aligned = true;
  j->axis = axis->i;
  return XAI_OK;
}

/* What an attribute is when the node does not say it. */
static void choose(job *j, const char *name, const char *value) {
  const xai_attr_spec *spec = xai_attr_find(j->op, name);
  int64_t choice = 0;
  while (strcmp(spec->choices[choice], value) != 0) choice++;
  *(int64_t *)(void *)((char *)&j->attrs + spec->offset) = choice;
}

/* Before opset 11 coordinates began at the corner of the first element and nearest meant the one before; the inputs
 * were x and scales. That also is Upsample; before opset 7 it had two attributes for them. */
static xai_status read_resize(job *j, xai_err *err) {
  static const struct {
    const char *name, *value;
  } old[] = {{"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}, {"mode", "linear"}};
  xai_onnx_node *n = j->n;
  if (j->r->opset >= 11 && strcmp(n->op, "Upsample") != 0) return XAI_OK;
  xai_onnx_attr *mode = xai_onnx__attr(n, "mode");
  bool bilinear = mode != NULL && xai_proto__equal(mode->s, "bilinear"); /* linear's first name */
  if (bilinear) mode->used = true;
  for (size_t i = 0; i < sizeof old / sizeof *old - !bilinear; i++) choose(j, old[i].name, old[i].value);
  if (n->in[2][0] != '\0') return XAI_OK; /* the scales were an attribute */
  n->in[2] = n->in[1];
  n->in[1] = "";
  n->n_in = 3;
  if (j->r->opset >= 7) return XAI_OK;
  const xai_onnx_attr *height, *width;
  xai_tensor *t;
  XAI_TRY(xai_onnx__take(n, "height_scale", XAI_ONNX_T_FLOAT, &height, err));
  XAI_TRY(xai_onnx__take(n, "width_scale", XAI_ONNX_T_FLOAT, &width, err));
  if (height == NULL || width == NULL) return xai_fail(err, XAI_EFORMAT, "height_scale or width_scale is missing");
  float scales[] = {1, 1, height->f, width->f};
  XAI_TRY(xai_tensor_copy(&(xai_view){XAI_F32, XAI_SHAPE(4), scales}, &t, err));
  xai_status st = add_constant(j, "scales", t, &n->in[2], err);
  xai_tensor_free(t);
  return st;
}

/* ONNX' number for an element type to ours. */
static xai_status read_eye(job *j, xai_err *err) {
  const xai_onnx_attr *dtype;
  xai_dtype ours = XAI_F32;
  XAI_TRY(xai_onnx__take(j->n, "dtype", XAI_ONNX_T_INT, &dtype, err));
  if (dtype == NULL) return XAI_OK;
  XAI_TRY(xai_onnx__dtype(dtype->i, &ours, err));
  j->attrs.eye.dtype = ours;
  return XAI_OK;
}

/* Nothing is dropped, so the mask is an array of ones: of bool, before opset 10 of the input's own type. */
static xai_status add_mask(job *j, xai_err *err) {
  const char *shape, *mask = j->n->n_out > 1 ? j->n->out[1] : "";
  j->n->n_out = 1;
  if (mask[0] == '\0') return XAI_OK;
  xai_attrs ones;
  xai_attrs_default(XAI_OP_CONSTANT_OF_SHAPE, &ones);
  ones.fill.number = 1;
  ones.fill.dtype = j->r->opset < 10 ? XAI_F32 : XAI_BOOL;
  XAI_TRY(add_helper(j, "shape", XAI_OP_SHAPE, NULL, j->n->in[0], NULL, &shape, err));
  return xai_builder_node(j->r->builder, mask, XAI_OP_CONSTANT_OF_SHAPE, &ones, 1, &shape, 1, &mask, err);
}

/* The rank of the second input, of which the file must tell the shape. */
static xai_status second_rank(job *j, int *rank, xai_err *err) {
  const char *shape;
  xai_tensor *b = NULL, *t;
  if (xai_builder_find(j->r->builder, j->n->in[1], &b) && b != NULL) {
    *rank = xai_tensor_view(b)->shape.rank;
    return XAI_OK;
  }
  XAI_TRY(add_helper(j, "second/shape", XAI_OP_SHAPE, NULL, j->n->in[1], NULL, &shape, err));
  xai_status st = xai_onnx__compute(j->r, shape, &t, err);
  if (st == XAI_EUNSUPPORTED)
    return xai_fail(err, st, "axis = %" PRId64 " with a second input of unknown shape is not supported", j->axis);
  if (st != XAI_OK) return st;
  *rank = (int)xai_tensor_count(t);
  xai_tensor_free(t);
  return XAI_OK;
}

/* Before opset 7 a list of slopes belonged to the channels. */
static xai_status align_slopes(job *j, xai_err *err) {
  int rank = 0;
  j->axis = 1;
  if (j->r->opset >= 7) return XAI_OK;
  xai_status st = second_rank(j, &rank, err);
  j->aligned = rank == 1;
  return st;
}

/* Before opset 2 the exponent was a float. */
static xai_status read_p(job *j, int64_t *p, xai_err *err) {
  const xai_onnx_attr *a;
  if (j->r->opset >= 2) return XAI_OK;
  XAI_TRY(xai_onnx__take(j->n, "p", XAI_ONNX_T_FLOAT, &a, err));
  if (a == NULL) return XAI_OK;
  if (!(a->f >= 1 && a->f <= 1000) || a->f != (float)(int)a->f)
    return xai_fail(err, XAI_EUNSUPPORTED, "p = %g is not supported (expected a whole number)", (double)a->f);
  *p = (int64_t)a->f;
  return XAI_OK;
}

static xai_status need(job *j, const char *name, xai_err *err) {
  if (xai_onnx__attr(j->n, name) != NULL) return XAI_OK;
  return xai_fail(err, XAI_EFORMAT, "attribute '%s' is missing", name);
}

/* Defaults that depend on the opset, and attributes that the operator table cannot read. */
static xai_status prepare(job *j, xai_err *err) {
  switch (j->op) {
    case XAI_OP_ADD:
    case XAI_OP_AND:
    case XAI_OP_DIV:
    case XAI_OP_EQUAL:
    case XAI_OP_GREATER:
    case XAI_OP_LESS:
    case XAI_OP_MUL:
    case XAI_OP_OR:
    case XAI_OP_POW:
    case XAI_OP_SUB:
    case XAI_OP_XOR: return read_broadcast(j, err);
    case XAI_OP_PRELU: return align_slopes(j, err);
    case XAI_OP_GLOBAL_LP_POOL:
    case XAI_OP_LP_POOL: return read_p(j, &j->attrs.pool.p, err);
    case XAI_OP_GROUP_NORMALIZATION: return need(j, "num_groups", err);
    case XAI_OP_BIT_SHIFT: return need(j, "direction", err);
    case XAI_OP_EINSUM: return need(j, "equation", err);
    case XAI_OP_MAX_ROI_POOL: return need(j, "pooled_shape", err);
    case XAI_OP_GRID_SAMPLE:
      if (j->r->opset < 20) choose(j, "mode", "bilinear");
      break;
    case XAI_OP_ROI_ALIGN:
      if (j->r->opset < 16) choose(j, "coordinate_transformation_mode", "output_half_pixel");
      break;
    case XAI_OP_SELU: /* its constants were rounded */
      if (j->r->opset < 6) j->attrs.pair.a = 1.6732, j->attrs.pair.b = 1.0507;
      break;
    case XAI_OP_BATCH_NORM: return check_batch_norm(j, err);
    case XAI_OP_CAST: return read_cast(j, err);
    case XAI_OP_CONSTANT_OF_SHAPE: return read_fill(j, err);
    case XAI_OP_DEPTH_TO_SPACE:
    case XAI_OP_SPACE_TO_DEPTH: return need(j, "blocksize", err);
    case XAI_OP_DROPOUT: return add_mask(j, err);
    case XAI_OP_EYE_LIKE: return read_eye(j, err);
    case XAI_OP_RESIZE: return read_resize(j, err);
    case XAI_OP_SPLIT: j->attrs.split.num_outputs = j->n->n_out; break; /* also of outputs that nobody will read */
    case XAI_OP_LRN: return need(j, "size", err);
    case XAI_OP_CONCAT:
      if (j->r->opset >= 4) return need(j, "axis", err);
      j->attrs.axis.axis = 1;
      break;
    case XAI_OP_HARDMAX:
    case XAI_OP_LOG_SOFTMAX:
    case XAI_OP_SOFTMAX:
      j->flat = j->r->opset < 13;
      if (j->flat) j->attrs.axis.axis = 1;
      break;
    default: break;
  }
  return XAI_OK;
}

/* ---- older forms that need more than one node ---------------------------------------------------- */
/* true when the softmax's input is known to have two dims, or one element per channel */
static bool comes_from(const job *j, xai_op op) {
  return j->r->last_op == op && xai_proto__equal(j->r->last_output, j->n->in[0]);
}

/* Softmax over all dims from 'axis' on together:  y = Reshape(Softmax(Flatten(x, axis), -1), Shape(x)).
 * Where the input is seen to have nothing behind that axis, this is an ordinary Softmax. */
static xai_status add_flat_softmax(job *j, xai_err *err) {
  int64_t axis = j->attrs.axis.axis;
  bool matrix = comes_from(j, XAI_OP_GEMM) || comes_from(j, XAI_OP_FLATTEN);
  bool pooled = comes_from(j, XAI_OP_GLOBAL_AVERAGE_POOL) || comes_from(j, XAI_OP_GLOBAL_MAX_POOL);
  if (axis == -1 || (axis == 1 && (matrix || pooled))) return add_last(j, j->op, &j->attrs, j->n->n_in, j->n->in, err);
  xai_attrs flat_axis = axis_attrs(XAI_OP_FLATTEN, axis), last_axis = axis_attrs(j->op, -1);
  const char *x = j->n->in[0], *flat, *in[2];
  XAI_TRY(add_helper(j, "flatten", XAI_OP_FLATTEN, &flat_axis, x, NULL, &flat, err));
  XAI_TRY(add_helper(j, "softmax", j->op, &last_axis, flat, NULL, &in[0], err));
  XAI_TRY(add_helper(j, "shape", XAI_OP_SHAPE, NULL, x, NULL, &in[1], err));
  return add_last(j, XAI_OP_RESHAPE, NULL, 2, in, err);
}

static xai_status add_ints(job *j, const char *what, int n, const int64_t *v, const char **name, xai_err *err) {
  int64_t copy[XAI_MAX_RANK];
  xai_tensor *t;
  memcpy(copy, v, (size_t)n * sizeof *v);
  XAI_TRY(xai_tensor_copy(&(xai_view){XAI_I64, XAI_SHAPE(n), copy}, &t, err));
  xai_status st = add_constant(j, what, t, name, err);
  xai_tensor_free(t);
  return st;
}

/* x op b, where b's dims stand below those of x from 'axis' on. The rank of x is not known here, so everything behind
 * b becomes one dim for the moment:  y = Reshape(op(Reshape(x, [0 ... 0, -1]), b x 1), Shape(x)). */
static xai_status add_aligned(job *j, xai_err *err) {
  const char *x = j->n->in[0], *merged, *layout, *in[2], *last, *wide;
  xai_tensor *b = NULL;
  if (xai_builder_find(j->r->builder, j->n->in[1], &b) && b != NULL && xai_tensor_count(b) == 1)
    return add_last(j, j->op, &j->attrs, j->n->n_in, j->n->in, err);
  int rank;
  XAI_TRY(second_rank(j, &rank, err));
  int kept = (int)j->axis + rank;
  if (kept >= XAI_MAX_RANK)
    return xai_fail(err, XAI_EUNSUPPORTED, "axis %" PRId64 " needs more than %d dims", j->axis, XAI_MAX_RANK);
  int64_t dims[XAI_MAX_RANK] = {0}, end = -1;
  dims[kept] = -1;
  XAI_TRY(add_ints(j, "layout", kept + 1, dims, &layout, err));
  XAI_TRY(add_ints(j, "last", 1, &end, &last, err));
  XAI_TRY(add_helper(j, "second", XAI_OP_UNSQUEEZE, NULL, j->n->in[1], last, &wide, err));
  XAI_TRY(add_helper(j, "merged", XAI_OP_RESHAPE, NULL, x, layout, &merged, err));
  XAI_TRY(add_helper(j, "aligned", j->op, &j->attrs, merged, wide, &in[0], err));
  XAI_TRY(add_helper(j, "shape", XAI_OP_SHAPE, NULL, x, NULL, &in[1], err));
  return add_last(j, XAI_OP_RESHAPE, NULL, 2, in, err);
}

/* ---- operators under older names ----------------------------------------------------------------- */
static bool find_operator(const char *name, xai_op *op) {
  static const struct {
    const char *name;
    xai_op now;
  } old[] = {{"Upsample", XAI_OP_RESIZE}, {"Scatter", XAI_OP_SCATTER_ELEMENTS}};
  for (size_t i = 0; i < sizeof old / sizeof *old; i++)
    if (strcmp(name, old[i].name) == 0) {
      *op = old[i].now;
      return true;
    }
  return xai_op_find(name, op);
}

/* ---- a node -------------------------------------------------------------------------------------- */
static xai_status fail_operator(const xai_onnx_reader *r, const char *op, xai_err *err) {
  char hint[XAI_PROTO_TEXT] = "";
  if (strcmp(op, "Loop") == 0 || strcmp(op, "Scan") == 0)
    return xai_fail(err, XAI_EUNSUPPORTED, "loops (operator %s) are not supported", op);
  const char *near = xai_op_nearest(op);
  /* a program wrote the file, so another spelling is all that a hint could mend */
  if (near != NULL && xai_str_equal_nocase(near, op)) xai_str_suggest(hint, sizeof hint, near);
  return xai_fail(err, XAI_EUNSUPPORTED, "operator '%.40s' (opset %" PRId64 ") is not supported%s", op, r->opset, hint);
}

/* Constant: the one attribute is the value, whichever form it takes. */
static xai_status add_constant_node(xai_onnx_reader *r, const xai_onnx_node *n, xai_err *err) {
  static const char *const forms[] = {"value", "value_float", "value_floats", "value_int", "value_ints"};
  if (n->n_attrs != 1) return xai_fail(err, XAI_EFORMAT, "a Constant has one attribute, this has %d", n->n_attrs);
  if (n->n_out != 1) return xai_fail(err, XAI_EFORMAT, "a Constant has one output, this has %d", n->n_out);
  const xai_onnx_attr *a = &n->attrs[0];
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    if (!xai_proto__equal(a->name, forms[i])) continue;
    xai_tensor *t;
    XAI_TRY(xai_onnx__attr_tensor(r, a, &t, err));
    xai_status st = xai_builder_constant(r->builder, n->out[0], t, err);
    xai_tensor_free(t);
    return st;
  }
  return xai_fail(err, XAI_EUNSUPPORTED, "a Constant with '%.*s' is not supported", XAI_SPAN(a->name));
}

static xai_status add_operator(job *j, xai_err *err) {
  xai_attrs_default(j->op, &j->attrs);
  XAI_TRY(move_attributes(j, err));
  XAI_TRY(prepare(j, err));
  XAI_TRY(xai_onnx__attrs(j->n, j->op, &j->attrs, err));
  XAI_TRY(xai_onnx__attrs_all_used(j->n, j->op, j->r->opset, err));
  if (j->aligned) return add_aligned(j, err);
  if (j->flat) return add_flat_softmax(j, err);
  return add_last(j, j->op, &j->attrs, j->n->n_in, j->n->in, err);
}

xai_status xai_onnx__add(xai_onnx_reader *r, xai_onnx_node *n, xai_err *err) {
  job j = {.r = r, .n = n};
  bool foreign = n->domain.n > 0 && !xai_proto__equal(n->domain, "ai.onnx");
  if (foreign && r->has_functions)
    return xai_fail(err, XAI_EUNSUPPORTED,
                    "operator '%.40s' of domain '%.*s' is a function of the file's own, which is not "
                    "supported (expected them inlined)",
                    n->op, XAI_SPAN(n->domain));
  if (foreign)
    return xai_fail(err, XAI_EUNSUPPORTED, "operator '%.40s' is from domain '%.*s' (expected only ONNX' own)", n->op,
                    XAI_SPAN(n->domain));
  bool constant = strcmp(n->op, "Constant") == 0, branches = strcmp(n->op, "If") == 0;
  if (!constant && !branches && !find_operator(n->op, &j.op)) return fail_operator(r, n->op, err);
  if (n->n_out == 0 || n->out[0][0] == '\0') return xai_fail(err, XAI_EFORMAT, "operator '%.40s' has no output", n->op);
  if (constant) return add_constant_node(r, n, err);
  if (branches) return xai_onnx__add_if(r, n, err);
  xai_status st = add_operator(&j, err);
  while (j.n_names > 0) xai_free(j.names[--j.n_names]);
  r->last_op = j.op;
  r->last_output = n->first_output;
  return st;
}
