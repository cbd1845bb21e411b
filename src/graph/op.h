/* graph/op.h: THE table of operators.
 *
 * An operator is a row: its ONNX name, its attributes, which gradients exist and what they read,
 * and four functions. Everything that handles nodes (shape inference, planning, passes, the ONNX
 * reader, the gradient test) goes through the row. Weights are inputs like any other: the gradient
 * "to the weights" is the gradient to input 1.
 *
 * The semantics are those of the newest ONNX opset; readers translate older forms. Shapes,
 * axes and paddings that newer opsets pass as inputs are inputs here too: they must be known when a
 * plan is made (in[i].data set during infer), which constant folding takes care of. */
#ifndef GRAPH_OP_H
#define GRAPH_OP_H

#include "kernels/kernels.h"
#include "tensor/shape.h"

typedef enum xai_op {
#define XAI_OP(id, name) XAI_OP_##id,
#include "graph/ops.def"
#undef XAI_OP
  XAI_OP_COUNT
} xai_op;

/* ---- attributes -------------------------------------------------------------------------------- */
/* A list of integers in an attribute: kernel_shape, strides, pads, perm, ... n = 0: absent. */
enum { XAI_INTS_MAX = 16 };
typedef struct xai_ints {
  int n;
  int64_t v[XAI_INTS_MAX];
} xai_ints;

typedef enum xai_auto_pad { XAI_PAD_NOTSET = 0, XAI_PAD_SAME_UPPER, XAI_PAD_SAME_LOWER, XAI_PAD_VALID } xai_auto_pad;

enum { XAI_TEXT_MAX = 256 }; /* bytes of a text in an attribute, with the zero at its end */

/* One kind of attribute block per operator family; which one a row uses stands in its attrs list. */
typedef struct xai_attrs_conv {
  int64_t auto_pad, group;
  xai_ints kernel_shape, strides, pads, dilations;
  xai_ints output_padding, output_shape; /* ConvTranspose */
} xai_attrs_conv;
typedef struct xai_attrs_pool {
  int64_t auto_pad, ceil_mode, count_include_pad, storage_order, p;
  xai_ints kernel_shape, strides, pads, dilations;
} xai_attrs_pool;
typedef struct xai_attrs_gemm {
  double alpha, beta;
  int64_t trans_a, trans_b;
} xai_attrs_gemm;
typedef struct xai_attrs_lrn {
  double alpha, beta, bias;
  int64_t size;
} xai_attrs_lrn;
typedef struct xai_attrs_axis {
  int64_t axis;
} xai_attrs_axis;
typedef struct xai_attrs_number { /* alpha of LeakyRelu */
  double number;
} xai_attrs_number;
typedef struct xai_attrs_pair { /* parameters of an activation, in the order of kernels/unary.def */
  double a, b;
} xai_attrs_pair;
typedef struct xai_attrs_gelu {
  int64_t approximate; /* index into the choices "none", "tanh" */
} xai_attrs_gelu;
typedef struct xai_attrs_mod {
  int64_t fmod;
} xai_attrs_mod;
typedef struct xai_attrs_isinf {
  int64_t detect_negative, detect_positive;
} xai_attrs_isinf;
typedef struct xai_attrs_arg {
  int64_t axis, keepdims, select_last_index;
} xai_attrs_arg;
typedef struct xai_attrs_cumsum {
  int64_t exclusive, reverse;
} xai_attrs_cumsum;
typedef struct xai_attrs_lp {
  int64_t axis, p;
} xai_attrs_lp;
typedef struct xai_attrs_moments { /* Instance-, Layer-, Group- and MeanVarianceNormalization */
  double epsilon;
  int64_t axis, num_groups, stash_type;
  xai_ints axes;
} xai_attrs_moments;
typedef struct xai_attrs_norm {
  double epsilon, momentum; /* momentum: BATCH_NORM_TRAINING only */
  int64_t training_mode;
} xai_attrs_norm;
typedef struct xai_attrs_fill { /* ConstantOfShape: ONNX' one-element tensor "value", which the reader takes apart */
  double number;
  int64_t dtype; /* an xai_dtype */
} xai_attrs_fill;
typedef struct xai_attrs_range { /* of Shape: dims [start, end) */
  int64_t start, end;
} xai_attrs_range;
typedef struct xai_attrs_dropout {
  int64_t seed; /* DROPOUT_TRAINING only: tells one node's choices from another's */
} xai_attrs_dropout;
typedef struct xai_attrs_reshape {
  int64_t allowzero;
} xai_attrs_reshape;
typedef struct xai_attrs_transpose {
  xai_ints perm;
} xai_attrs_transpose;
typedef struct xai_attrs_pad {
  int64_t mode; /* an xk_pad_mode */
} xai_attrs_pad;
typedef struct xai_attrs_reduce {
  int64_t keepdims, noop_with_empty_axes;
} xai_attrs_reduce;
typedef struct xai_attrs_split {
  int64_t axis, num_outputs; /* num_outputs: counts also outputs that nobody reads; 0: as many as the node has */
} xai_attrs_split;
typedef struct xai_attrs_block { /* DepthToSpace, SpaceToDepth */
  int64_t blocksize, mode;
} xai_attrs_block;
typedef struct xai_attrs_index { /* GatherElements, GatherND, ScatterElements, ScatterND */
  int64_t axis, batch_dims, reduction;
} xai_attrs_index;
typedef struct xai_attrs_einsum {
  char equation[XAI_TEXT_MAX];
} xai_attrs_einsum;
typedef struct xai_attrs_sample { /* GridSample */
  int64_t align_corners, mode, padding_mode; /* indices into choices, see ops_sample.c */
} xai_attrs_sample;
typedef struct xai_attrs_region { /* RoiAlign, MaxRoiPool */
  double spatial_scale;
  int64_t transformation, mode, output_height, output_width, sampling_ratio;
  xai_ints pooled_shape;
} xai_attrs_region;
typedef struct xai_attrs_shift {
  int64_t direction; /* index into the choices "LEFT", "RIGHT"; -1: not given */
} xai_attrs_shift;
typedef struct xai_attrs_top {
  int64_t axis, largest, sorted;
} xai_attrs_top;
typedef struct xai_attrs_trilu {
  int64_t upper;
} xai_attrs_trilu;
typedef struct xai_attrs_reverse {
  int64_t batch_axis, time_axis;
} xai_attrs_reverse;
typedef struct xai_attrs_eye {
  int64_t dtype, k; /* dtype: an xai_dtype, -1: the input's; the reader translates ONNX' number */
} xai_attrs_eye;
typedef struct xai_attrs_resize {
  int64_t mode, transformation, rounding, policy; /* indices into choices, see ops_resize.c */
  int64_t antialias, exclude_outside;
  double cubic_coeff_a, extrapolation_value;
  xai_ints axes;
} xai_attrs_resize;
typedef struct xai_attrs_cast {
  int64_t to; /* an xai_dtype: the reader translates ONNX' number */
  int64_t saturate; /* concerns 8-bit floats only */
} xai_attrs_cast;

typedef struct xai_attrs_patch { /* inner row, ops_patch.c */
  int64_t from, to; /* slots: of the window, and of the patch */
  double outside;
} xai_attrs_patch;

typedef struct xai_attrs_blocked { /* inner rows, ops_blocked.c */
  xk_conv2d conv;   /* n is the input's */
  int64_t channels; /* of Unblock's result */
  double lo, hi;
  double epsilon, momentum; /* as of xai_attrs_norm */
} xai_attrs_blocked;

typedef union xai_attrs {
  xai_attrs_conv conv;
  xai_attrs_pool pool;
  xai_attrs_gemm gemm;
  xai_attrs_lrn lrn;
  xai_attrs_axis axis;
  xai_attrs_number number;
  xai_attrs_pair pair;
  xai_attrs_gelu gelu;
  xai_attrs_mod mod;
  xai_attrs_isinf isinf;
  xai_attrs_arg arg;
  xai_attrs_cumsum cumsum;
  xai_attrs_lp lp;
  xai_attrs_moments moments;
  xai_attrs_norm norm;
  xai_attrs_fill fill;
  xai_attrs_range range;
  xai_attrs_dropout dropout;
  xai_attrs_reshape reshape;
  xai_attrs_transpose transpose;
  xai_attrs_pad pad;
  xai_attrs_reduce reduce;
  xai_attrs_split split;
  xai_attrs_block block;
  xai_attrs_index index;
  xai_attrs_einsum einsum;
  xai_attrs_sample sample;
  xai_attrs_region region;
  xai_attrs_shift shift;
  xai_attrs_top top;
  xai_attrs_trilu trilu;
  xai_attrs_reverse reverse;
  xai_attrs_eye eye;
  xai_attrs_resize resize;
  xai_attrs_cast cast;
  xai_attrs_blocked blocked;
  xai_attrs_patch patch;
} xai_attrs;

typedef enum xai_attr_kind {
  XAI_ATTR_INT,    /* int64_t */
  XAI_ATTR_FLOAT,  /* double */
  XAI_ATTR_INTS,   /* xai_ints; absent when n = 0 */
  XAI_ATTR_CHOICE, /* int64_t: index of the string among 'choices' */
  XAI_ATTR_TEXT    /* char[XAI_TEXT_MAX]; "" when absent */
} xai_attr_kind;

typedef struct xai_attr_spec {
  const char *name; /* as in ONNX */
  xai_attr_kind kind;
  size_t offset; /* in xai_attrs */
  double fallback; /* value when absent (INT, FLOAT, CHOICE) */
  const char *const *choices; /* CHOICE: NULL-terminated */
} xai_attr_spec;

/* ---- one node in one pass ------------------------------------------------------------------------ */
enum { XAI_MAX_OUTPUTS = 32 };

/* A rectifier min(max(x, lo), hi) that a gradient passes. */
typedef struct xai_gate {
  bool there;
  float lo, hi;
} xai_gate;

typedef struct xai_call {
  const xai_attrs *attrs;
  int n_in, n_out;      /* n_out counts up to the last output that anyone uses */
  const xai_view *in;   /* n_in; an omitted optional input has rank -1. During infer 'data' is NULL unless known */
  xai_view *out;        /* n_out; infer writes dtype and shape; forward writes the elements */
  /* backward only */
  const xai_view *dout; /* gradient at each output; data NULL = zero (output not used by the score) */
  xai_view *din;        /* shape as in[i]; data NULL = not wanted. Written, not added to, but ... */
  const bool *adds;     /* ... by rows with XAI_OP_ADDS or 'finishes', per input: to be added to; NULL: none */
  const xai_gate *gates; /* by rows with 'finishes', per input: what made in[i], which the gradient passes when it is complete;
                            NULL: none */
  bool gated;           /* for rows with XAI_OP_GATED: dout[0] has passed the rectifier of this row already */
  xk_relu_rule rule;    /* for rows with XAI_OP_RECTIFIER; LRN passes the gradient unchanged under DECONV */
  uint64_t stream;      /* what is random in this pass is drawn from it */
  void *work;           /* 'workspace' bytes, contents arbitrary */
} xai_call;

static inline bool xai_call_has(const xai_call *c, int i) { return i < c->n_in && c->in[i].shape.rank >= 0; }

/* ---- rows ------------------------------------------------------------------------------------------ */
enum {
  XAI_OP_ALIAS = 1,      /* output 0 has the elements of input 0 in the same order: no copy is needed */
  XAI_OP_RECTIFIER = 2,  /* a ReLU-like activation, to which the backward rules guided and deconv apply */
  XAI_OP_SHAPE_ONLY = 4, /* the result depends on the input's shape, not on its elements */
  XAI_OP_ELEMENTWISE = 8, /* output element i depends on input element i only; same shape */
  XAI_OP_MIXES = 16,     /* windows and products: an output element may be made of very many input elements */
  XAI_OP_INNER = 32,     /* not in ONNX: of graphs that are derived from networks, see lower.h and local.h */
  XAI_OP_ADDS = 64,      /* backward looks at xai_call.adds */
  XAI_OP_GATED = 128     /* a blocked row that ends with a rectifier (attrs.blocked.lo, hi), for whose gradient alone it reads
                            its output; backward looks at xai_call.gated. hands_on: if it is */
};

enum { XAI_GRAD_INPUTS = 5 };
/* What the gradient to input i reads: XAI_READS(j) the elements of input j (if the node has it), XAI_READS_OUT of
 * output 0. Shapes may be read always. */
#define XAI_READS(j) (1u << (j))
#define XAI_READS_OUT (1u << 30)
#define XAI_NO_GRAD (1u << 31)

typedef struct xai_op_def {
  const char *name; /* ONNX operator */
  int min_in, max_in, max_out; /* max_in < 0: any number */
  unsigned flags;
  unsigned grad[XAI_GRAD_INPUTS]; /* per input; inputs beyond the last use the last entry. XAI_NO_GRAD: none */
  unsigned hands_on; /* XAI_READS(j) for each input j whose gradient is that of output 0, if they have one size: backward
                        does nothing where both are one array */
  unsigned finishes; /* XAI_READS(j) for each input j for whose gradient backward looks at xai_call.adds and .gates */
  unsigned decides; /* XAI_READS(j) for each input j whose elements infer must see, because shapes depend on them */
  const xai_attr_spec *attrs; /* ends with name NULL; NULL: no attributes */

  /* Checks everything that can be wrong with inputs and attributes; writes out[i].dtype and .shape.
   * To be called through xai_op_infer, which has checked what is the same for all rows. */
  xai_status (*infer)(xai_call *call, xai_err *err);
  /* Scratch bytes for forward and backward with these shapes (inputs and outputs); NULL: none. */
  size_t (*workspace)(const xai_call *call);
  void (*forward)(const xai_call *call);
  void (*backward)(const xai_call *call); /* NULL when every grad entry is XAI_NO_GRAD */
} xai_op_def;

const xai_op_def *xai_op_get(xai_op op);
/* false when no row has this ONNX name; inner rows are not found */
bool xai_op_find(const char *name, xai_op *op);
/* the nearest operator name, for messages; NULL when none is near; not to be freed */
const char *xai_op_nearest(const char *name);
/* gradient entry of input i of a row, honouring "the last entry repeats" */
unsigned xai_op_grad(const xai_op_def *def, int input);
/* Checks the number of inputs and outputs and that required ones are there, runs the row's infer and checks the size
 * of what comes out. Input shapes must be complete (no dim -1). Messages start with the operator: "Conv: ...".
 * Fails with XAI_EARG (inputs, attributes), XAI_ESHAPE, or XAI_EUNSUPPORTED (type, rank, a shape not known in time). */
xai_status xai_op_infer(xai_op op, xai_call *call, xai_err *err);
void xai_attrs_default(xai_op op, xai_attrs *attrs);
const xai_attr_spec *xai_attr_find(xai_op op, const char *name);

#endif
