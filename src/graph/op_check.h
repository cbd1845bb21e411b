/* graph/op_check.h: what the rows of the operator table share. For ops_*.c and lower.c. */
#ifndef GRAPH_OP_CHECK_H
#define GRAPH_OP_CHECK_H

#include <inttypes.h>

#include "base/status.h"
#include "graph/op.h"
#include "tensor/tensor.h"

#define XAI_OP(id, name) extern const xai_op_def xai_op_def_##id;
#include "graph/ops.def"
#undef XAI_OP

/* One line of an attribute table: kind, ONNX name, field of xai_attrs, value when absent. */
#define XAI_ATTR(kind_, text, field, absent)                                                                           \
  {.name = text, .kind = XAI_ATTR_##kind_, .offset = offsetof(xai_attrs, field), .fallback = absent}
extern const char *const xai_op__auto_pads[]; /* the choices behind xai_auto_pad */

/* A shape as text inside a message; lives until the enclosing block ends. */
#define TEXT(shape) xai_shape_text(shape, (char[XAI_SHAPE_TEXT]){0})

/* ---- inputs ---------------------------------------------------------------------------------------- */
/* Input i is float32 and has elements: what everything but shape arithmetic works on. */
xai_status xai_op__need_float(const xai_call *c, int i, xai_err *err);
/* Input i is float32 with elements, int64, int32 or uint8. */
xai_status xai_op__need_number(const xai_call *c, int i, xai_err *err);
/* Inputs i and j have the same element type. */
xai_status xai_op__need_same(const xai_call *c, int i, int j, xai_err *err);
/* The integers of input i, which must be known: a scalar or a list of at most XAI_INTS_MAX. Messages call it 'what'. */
xai_status xai_op__ints(const xai_call *c, int i, const char *what, xai_ints *out, xai_err *err);
/* Axes, each at most once: set[d] is true for those in the list. */
xai_status xai_op__axis_set(const xai_ints *axes, int rank, bool set[XAI_MAX_RANK], xai_err *err);
/* Element i of an int64 or int32 array. */
int64_t xai_op__int(const xai_view *v, int64_t i);
/* Element 0 of input i, or 'absent' when it was left out. */
float xai_op__scalar(const xai_call *c, int i, float absent);

/* Row-major strides in elements. */
void xai_op__strides(const xai_shape *s, int64_t stride[XAI_MAX_RANK]);
/* An operand's strides along the axes of the result that it broadcasts to: 0 where it repeats. */
void xai_op__repeat_strides(const xai_shape *s, const xai_shape *out, int64_t stride[XAI_MAX_RANK]);
/* Both operands of a result, which has at least one axis here: a scalar becomes a list of one. */
xk_broadcast xai_op__broadcast(const xai_shape *a, const xai_shape *b, const xai_shape *out);
/* The gradient of an operand from 'dout', which has the result's shape: summed over the axes in which it was repeated,
 * times 'scale'. */
void xai_op__unrepeat(const xai_shape *s, const xai_shape *out, double scale, const float *dout, float *din);
/* An axis (known to exist; may count from the end) as the middle one of three. */
xk_axis xai_op__axis(const xai_shape *s, int64_t axis);

/* ---- whole rows ------------------------------------------------------------------------------------ */
/* Output 0 gets the type and shape of input 0. */
void xai_op__same(xai_call *c);
/* Output 0 gets the elements of input 0; its gradient goes back unchanged. */
void xai_op__copy_forward(const xai_call *c);
void xai_op__copy_backward(const xai_call *c);
/* true when backward has nothing to compute: no gradient of float32 elements is wanted, or none arrives.
 * What was wanted has then been zeroed. */
bool xai_op__idle(const xai_call *c);
/* Gradient buffer of input i, NULL when nobody wants it. */
static inline float *xai_op__din(const xai_call *c, int i) { return i < c->n_in ? c->din[i].data : NULL; }

/* ---- sliding windows: Conv, ConvTranspose, MaxPool, AveragePool ------------------------------------------------- */
/* Along one axis. */
typedef struct xai_window {
  int64_t kernel, stride, dilation, before, after, out;
} xai_window;

typedef struct xai_window_attrs {
  int64_t auto_pad, ceil_mode;
  const xai_ints *kernel, *strides, *pads, *dilations;
} xai_window_attrs;

/* Windows over a batch x channels x [[depth x] height x] width array, one per axis in this order. Missing axes in front
 * have the trivial window of a size of 1. */
enum { XAI_AXES = 3 };
xai_status xai_op__windows(const xai_window_attrs *a, const xai_shape *in, xai_window win[XAI_AXES], xai_err *err);
/* Depth, height and width of such an array, missing ones 1. */
void xai_op__extents(const xai_shape *s, int64_t extent[XAI_AXES]);
/* The same windows as the kernels over volumes take them. */
xk_volume xai_op__volume(const xai_shape *in, const xai_window win[XAI_AXES]);
/* true when some window has none of its taps on the input's n elements */
bool xai_op__window_misses(const xai_window *w, int64_t n);
/* batch x channels x the windows' output sizes, with as many axes as 'in' */
xai_shape xai_op__window_shape(const xai_shape *in, int64_t channels, const xai_window win[XAI_AXES]);
/* The problem of a Conv over pictures whose shapes are inferred; false when it is one over volumes. */
bool xai_op__conv2d(const xai_call *c, xk_conv2d *p);
/* Outputs 1 and 2 of a BatchNormalization that learns: inputs 3 and 4, the stored statistics, moved towards those of the
 * batch:  momentum * stored + (1 - momentum) * batch. */
void xai_op__move_statistics(const xai_call *c, float momentum, const float *mean, const float *var);
/* Of a ConvTranspose: the windows of the convolution that it is the adjoint of; 'out' is the input's size. */
void xai_op__transposed_windows(const xai_call *c, xai_window win[XAI_AXES]);
/* Entry 'at' of a list in an attribute, or 'absent' when there is none. A list of another length than 'expected' and
 * entries below 'lowest' or far beyond any network are refused. */
xai_status xai_op__entry(const xai_ints *list, const char *name, int at, int expected, int64_t lowest, int64_t absent,
                         int64_t *out, xai_err *err);

/* Into how many parts a rectifier's gradient falls that the rule treats each by itself: pictures, for one that looks at all
 * of a picture. */
static inline int64_t xai_op__parts(const xai_call *c, const xai_shape *s) {
  return c->rule == XK_RELU_REDIRECTED && s->rank > 0 && s->dims[0] > 0 ? s->dims[0] : 1;
}
/* ---- which elements of input 0 make which of the result, for calls that infer has seen succeed ------------------- */
/* Slice: element i along axis d comes from first[d] + i step[d]. */
void xai_op__slice_lines(const xai_call *c, int64_t first[XAI_MAX_RANK], int64_t step[XAI_MAX_RANK]);
void xai_op__pads(const xai_call *c, xk_pad *out);
/* Resize: elements [*first, *end) along an axis make element i, or if 'endless' would if the axis had no ends. Empty where
 * a crop looks beyond. Returns how many times as many elements the result has. */
double xai_op__resize_span(const xai_call *c, int axis, int64_t i, bool endless, int64_t *first, int64_t *end);

#endif
