/* graph/receptive_field.c: which pixels a unit sees: its region, traced back from layer to layer.
 *
 * A region of a value is a set of positions along each of its axes, and all their combinations. Going back through an
 * operator, the regions of its results say which elements of its inputs they are made of; where a value is read more than
 * once, the union counts. For a single unit the regions are exact: windows with holes, padding, strides that leave a border
 * unseen, groups and branches that only some channels come from.
 *
 * Along with every set goes an interval that does not end at borders: where it would lie in maps without end. It is what
 * "the receptive field is 163 pixels wide" means. An operator that looks at a whole axis ends that: the axis is 'whole'.
 *
 * What this does not see: weights that are zero, and products that cancel. */
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "graph/net.h"
#include "graph/op_check.h"

/* ---- regions ------------------------------------------------------------------------------------------------- */
typedef struct axis {
  int64_t n;
  bool *has;      /* n of them */
  int64_t lo, hi; /* without borders; lo = hi: from the first to the last that it has */
  double step;    /* by how many elements it moves from one unit to the next; 0: not regular */
  bool whole;
} axis;

typedef struct region {
  int rank;
  axis d[XAI_MAX_RANK];
  bool *has; /* those of all axes; NULL: the value does not reach the unit, as far as is known */
} region;

static xai_status region_new(const xai_shape *s, region *out, xai_err *err) {
  size_t total = 1;
  for (int d = 0; d < s->rank; d++) total += (size_t)s->dims[d];
  region r = {.rank = s->rank, .has = xai_calloc(total, sizeof *r.has)};
  if (r.has == NULL) return xai_fail_memory(err, total);
  bool *has = r.has;
  for (int d = 0; d < s->rank; d++) {
    r.d[d] = (axis){.n = s->dims[d], .has = has};
    has += s->dims[d];
  }
  *out = r;
  return XAI_OK;
}

static void region_free(region *r) {
  xai_free(r->has);
  *r = (region){0};
}

/* First and last + 1 of the positions that an axis has; equal: it has none. */
static void extremes(const axis *a, int64_t *first, int64_t *end) {
  *first = *end = 0;
  for (int64_t i = 0; i < a->n; i++) {
    if (!a->has[i]) continue;
    if (*end == 0) *first = i;
    *end = i + 1;
  }
}

/* Intervals reach no further than this, so that they can be multiplied with any stride. */
enum { FAR = 1 << 29 };

static int64_t within_reach(int64_t i) { return i < -FAR ? -FAR : i > FAR ? FAR : i; }

/* Intervals where a rule has set none; false when the region is empty. */
static bool settle(region *r) {
  for (int d = 0; d < r->rank; d++) {
    axis *a = &r->d[d];
    int64_t first, end;
    extremes(a, &first, &end);
    if (first == end) return false;
    if (a->lo == a->hi) a->lo = first, a->hi = end;
    a->lo = within_reach(a->lo);
    a->hi = within_reach(a->hi);
  }
  return true;
}

static void unite(region *r, const region *more) {
  for (int d = 0; d < r->rank; d++) {
    axis *a = &r->d[d];
    const axis *b = &more->d[d];
    for (int64_t i = 0; i < a->n; i++) a->has[i] = a->has[i] || b->has[i];
    if (b->lo < a->lo) a->lo = b->lo;
    if (b->hi > a->hi) a->hi = b->hi;
    if (b->step != a->step) a->step = 0;
    a->whole = a->whole || b->whole;
  }
}

/* ---- along one axis: from y, of a result, to x, of an input ------------------------------------------------------ */
static void mark(axis *x, int64_t i) {
  if (i >= 0 && i < x->n) x->has[i] = true;
}

static void take_all(axis *x) {
  memset(x->has, true, (size_t)x->n);
  x->lo = 0;
  x->hi = x->n;
  x->step = 0;
  x->whole = true;
}

/* The same positions. */
static void take_same(const axis *y, axis *x) {
  memcpy(x->has, y->has, (size_t)x->n);
  x->lo = y->lo;
  x->hi = y->hi;
  x->step = y->step;
  x->whole = y->whole;
}

/* Position i of y is position base + i step of x. */
static void take_line(const axis *y, axis *x, int64_t base, int64_t step) {
  for (int64_t i = 0; i < y->n; i++)
    if (y->has[i]) mark(x, base + i * step);
  int64_t a = base + y->lo * step, b = base + (y->hi - 1) * step;
  x->lo = a < b ? a : b;
  x->hi = (a < b ? b : a) + 1;
  x->step = y->step * (double)(step < 0 ? -step : step);
  x->whole = y->whole;
}

/* Position i of y looks at taps i stride - before + t dilation. */
static void take_window(const axis *y, axis *x, const xai_window *w) {
  for (int64_t i = 0; i < y->n; i++) {
    int64_t at = i * w->stride - w->before, t = at < 0 ? (w->dilation - 1 - at) / w->dilation : 0;
    for (; y->has[i] && t < w->kernel && at + t * w->dilation < x->n; t++) x->has[at + t * w->dilation] = true;
  }
  x->lo = y->lo * w->stride - w->before;
  x->hi = (y->hi - 1) * w->stride - w->before + (w->kernel - 1) * w->dilation + 1;
  x->step = y->step * (double)w->stride;
  x->whole = y->whole;
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* The reverse: position i of x is seen from i stride - before + t dilation of y. */
static void take_scattered(const axis *y, axis *x, const xai_window *w) {
  for (int64_t i = 0; i < x->n; i++)
    for (int64_t t = 0; t < w->kernel && !x->has[i]; t++) {
      int64_t o = i * w->stride - w->before + t * w->dilation;
      x->has[i] = o >= 0 && o < y->n && y->has[o];
    }
  x->lo = -floor_div(-(y->lo + w->before - (w->kernel - 1) * w->dilation), w->stride);
  x->hi = floor_div(y->hi - 1 + w->before, w->stride) + 1;
  x->step = y->step / (double)w->stride;
  x->whole = y->whole;
}

/* Channels that work in groups: of each group that y has a channel of, x gets all. */
static void take_groups(const axis *y, axis *x, int64_t groups) {
  int64_t from = y->n / groups, to = x->n / groups;
  for (int64_t i = 0; i < y->n; i++)
    if (y->has[i]) memset(x->has + i / from * to, true, (size_t)to);
}

/* ---- operators: false where all of the input must be taken --------------------------------------------------------- */
/* Axes are told apart anew, elements keep their order. A run of axes of y has as many elements as one of x: element j of
 * the one is element j of the other. */
static void take_run(const axis *y, int n_y, axis *x, int n_x, int64_t count) {
  int only_y = 0, only_x = 0;
  for (int d = 0; d < n_x; d++)
    if (x[d].n == count) only_x = d;
  for (int d = 0; d < n_y; d++)
    if (y[d].n == count) only_y = d;
  if (n_x > 0 && n_y > 0 && x[only_x].n == count && y[only_y].n == count) {
    for (int d = 0; d < n_x; d++) x[d].has[0] = true;
    x[only_x].has[0] = false;
    take_same(&y[only_y], &x[only_x]);
    return;
  }
  for (int64_t j = 0; j < count; j++) {
    bool has = true;
    int64_t rest = j;
    for (int d = n_y; d-- > 0; rest /= y[d].n) has = has && y[d].has[rest % y[d].n];
    rest = j;
    for (int d = n_x; has && d-- > 0; rest /= x[d].n) x[d].has[rest % x[d].n] = true;
  }
  for (int d = 0; d < n_x; d++)
    for (int k = 0; k < n_y; k++) x[d].whole = x[d].whole || y[k].whole;
}

static void take_reshaped(const region *y, region *x) {
  int a = 0, b = 0;
  while (a < y->rank || b < x->rank) {
    int from_a = a, from_b = b;
    int64_t p = a < y->rank ? y->d[a++].n : 1, q = b < x->rank ? x->d[b++].n : 1;
    while (p != q) {
      if (p < q) p *= y->d[a++].n;
      else q *= x->d[b++].n;
    }
    take_run(y->d + from_a, a - from_a, x->d + from_b, b - from_b, p);
  }
}

/* Operands of one result: axes meet at their ends, and one of size 1 is repeated. */
static void take_broadcast(const region *y, region *x, int last) {
  for (int d = 0; d < x->rank - last; d++) {
    axis *to = &x->d[d];
    const axis *from = &y->d[d + y->rank - x->rank];
    if (to->n == from->n) take_same(from, to);
    else to->has[0] = true;
  }
}

static void take_axes(const region *y, region *x) {
  for (int d = 0; d < x->rank; d++) take_same(&y->d[d], &x->d[d]);
}

/* The same places, but all along axes [from, to). */
static bool take_mixed(const region *y, region *x, int64_t from, int64_t to) {
  if (from < 0) from += x->rank;
  if (to <= 0) to += x->rank;
  for (int d = 0; d < x->rank; d++) {
    if (d >= from && d < to) take_all(&x->d[d]);
    else take_same(&y->d[d], &x->d[d]);
  }
  return true;
}

static bool windows_of(const xai_call *c, xai_op op, xai_window win[XAI_AXES]) {
  const xai_attrs_conv *k = &c->attrs->conv;
  const xai_attrs_pool *p = &c->attrs->pool;
  const xai_shape *x = &c->in[0].shape;
  xai_ints kernel = {.n = x->rank - 2};
  xai_window_attrs attrs = {p->auto_pad, p->ceil_mode, &p->kernel_shape, &p->strides, &p->pads, &p->dilations};
  if (op == XAI_OP_CONV) {
    for (int d = 0; d < kernel.n; d++) kernel.v[d] = c->in[1].shape.dims[2 + d];
    attrs = (xai_window_attrs){k->auto_pad, 0, &kernel, &k->strides, &k->pads, &k->dilations};
  }
  return xai_op__windows(&attrs, x, win, NULL) == XAI_OK;
}

static bool take_windows(const xai_call *c, xai_op op, const region *y, region *x) {
  xai_window win[XAI_AXES];
  if (op == XAI_OP_CONV_TRANSPOSE) xai_op__transposed_windows(c, win);
  else if (!windows_of(c, op, win)) return false;
  take_same(&y->d[0], &x->d[0]);
  if (op == XAI_OP_CONV || op == XAI_OP_CONV_TRANSPOSE) take_groups(&y->d[1], &x->d[1], c->attrs->conv.group);
  else take_same(&y->d[1], &x->d[1]);
  for (int d = 2; d < x->rank; d++)
    (op == XAI_OP_CONV_TRANSPOSE ? take_scattered : take_window)(&y->d[d], &x->d[d], &win[XAI_AXES - x->rank + d]);
  return true;
}

/* LRN: of the channels around. */
static bool take_neighbours(const xai_call *c, const region *y, region *x) {
  int64_t size = c->attrs->lrn.size;
  xai_window channels = {.kernel = size, .stride = 1, .dilation = 1, .before = (size - 1) / 2};
  for (int d = 0; d < x->rank; d++) {
    if (d == 1) take_window(&y->d[d], &x->d[d], &channels);
    else take_same(&y->d[d], &x->d[d]);
  }
  return true;
}

/* Reductions: axes that are dropped, or kept with one position. */
static bool take_reduced(const region *y, region *x, const bool drop[XAI_MAX_RANK], bool keep) {
  for (int d = 0, k = 0; d < x->rank; d++) {
    if (drop[d]) take_all(&x->d[d]);
    else take_same(&y->d[k], &x->d[d]);
    k += !drop[d] || keep;
  }
  return true;
}

static bool take_reduction(const xai_call *c, const region *y, region *x) {
  enum { AXES = 1 };
  xai_ints axes = {0};
  bool drop[XAI_MAX_RANK];
  if (xai_call_has(c, AXES) && xai_op__ints(c, AXES, "axes", &axes, NULL) != XAI_OK) return false;
  if (xai_op__axis_set(&axes, x->rank, drop, NULL) != XAI_OK) return false;
  for (int d = 0; axes.n == 0 && c->attrs->reduce.noop_with_empty_axes == 0 && d < x->rank; d++) drop[d] = true;
  return take_reduced(y, x, drop, c->attrs->reduce.keepdims != 0);
}

static bool take_extreme(const xai_call *c, const region *y, region *x) {
  bool drop[XAI_MAX_RANK] = {false};
  int64_t d = c->attrs->arg.axis;
  drop[d < 0 ? d + x->rank : d] = true;
  return take_reduced(y, x, drop, c->attrs->arg.keepdims != 0);
}

/* Positions of output k of a Split, or of input i of a Concat, begin behind those before it. */
static bool take_part(const xai_view *parts, int which, int64_t along, int64_t sign, const region *y, region *x) {
  int64_t before = 0;
  if (along < 0) along += x->rank;
  for (int p = 0; p < which; p++) before += parts[p].shape.dims[along];
  for (int d = 0; d < x->rank; d++) {
    if (d == along) take_line(&y->d[d], &x->d[d], sign * before, 1);
    else take_same(&y->d[d], &x->d[d]);
  }
  return true;
}

static bool take_slice(const xai_call *c, const region *y, region *x) {
  int64_t first[XAI_MAX_RANK], step[XAI_MAX_RANK];
  xai_op__slice_lines(c, first, step);
  for (int d = 0; d < x->rank; d++) take_line(&y->d[d], &x->d[d], first[d], step[d]);
  return true;
}

/* Place i of an axis that padding continues: what stands there is the element at ... */
static int64_t padded_from(xk_pad_mode mode, int64_t i, int64_t n) {
  switch (mode) {
    case XK_PAD_REFLECT: return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
    case XK_PAD_EDGE: return i < 0 ? 0 : i >= n ? n - 1 : i;
    case XK_PAD_WRAP: return n > 0 ? (i % n + n) % n : i;
    default: return i;
  }
}

static bool take_padded(const xai_call *c, const region *y, region *x) {
  xk_pad p;
  xai_op__pads(c, &p);
  for (int d = 0; d < x->rank; d++) {
    int64_t cut = p.before[d] < 0 ? -p.before[d] : 0, kept = x->d[d].n - cut + (p.after[d] < 0 ? p.after[d] : 0);
    axis *to = &x->d[d];
    for (int64_t i = 0; i < y->d[d].n; i++) {
      int64_t from = padded_from(p.mode, i - p.before[d] - cut, kept);
      if (y->d[d].has[i] && from >= 0 && from < kept) mark(to, cut + from);
    }
    to->lo = y->d[d].lo - p.before[d];
    to->hi = y->d[d].hi - p.before[d];
    to->step = y->d[d].step;
    to->whole = y->d[d].whole;
  }
  return true;
}

static bool take_resized(const xai_call *c, const region *y, region *x) {
  for (int d = 0; d < x->rank; d++) {
    const axis *from = &y->d[d];
    axis *to = &x->d[d];
    int64_t first, end;
    for (int64_t i = 0; i < from->n; i++) {
      if (!from->has[i]) continue;
      xai_op__resize_span(c, d, i, false, &first, &end);
      memset(to->has + first, true, (size_t)(end - first));
    }
    double scale = xai_op__resize_span(c, d, from->lo, true, &to->lo, &end);
    xai_op__resize_span(c, d, from->hi - 1, true, &first, &to->hi);
    to->step = from->step / scale;
    to->whole = from->whole;
  }
  return true;
}

static bool take_transposed(const xai_call *c, const region *y, region *x) {
  const xai_ints *perm = &c->attrs->transpose.perm;
  for (int d = 0; d < x->rank; d++) take_same(&y->d[d], &x->d[perm->n == 0 ? x->rank - 1 - d : perm->v[d]]);
  return true;
}

/* Has it a position with this remainder? */
static bool has_every(const axis *a, int64_t b, int64_t i) {
  for (; i < a->n; i += b)
    if (a->has[i]) return true;
  return false;
}

/* Rows and columns of blocks, and channels in which the blocks' elements lie behind one another: element i, j of channel k
 * is channel (i b + j) C + k, or k b b + i b + j. */
static bool take_blocks(const xai_call *c, bool from_depth, const region *y, region *x) {
  int64_t b = c->attrs->block.blocksize, channels = (from_depth ? y : x)->d[1].n;
  bool by_channel = from_depth && c->attrs->block.mode != 0;
  take_same(&y->d[0], &x->d[0]);
  for (int64_t i = 0; i < b; i++)
    for (int64_t j = 0; j < b; j++) {
      if (from_depth && !(has_every(&y->d[2], b, i) && has_every(&y->d[3], b, j))) continue;
      for (int64_t k = 0; k < channels; k++) {
        int64_t deep = by_channel ? (k * b + i) * b + j : (i * b + j) * channels + k;
        if (!y->d[1].has[from_depth ? k : deep]) continue;
        x->d[1].has[from_depth ? deep : k] = true;
        for (int64_t r = 0; !from_depth && r < y->d[2].n; r++)
          if (y->d[2].has[r]) x->d[2].has[r * b + i] = true;
        for (int64_t r = 0; !from_depth && r < y->d[3].n; r++)
          if (y->d[3].has[r]) x->d[3].has[r * b + j] = true;
      }
    }
  for (int d = 2; d < 4; d++) {
    const axis *from = &y->d[d];
    axis *to = &x->d[d];
    for (int64_t r = 0; from_depth && r < from->n; r++)
      if (from->has[r]) to->has[r / b] = true;
    to->lo = from_depth ? floor_div(from->lo, b) : from->lo * b;
    to->hi = from_depth ? floor_div(from->hi - 1, b) + 1 : from->hi * b;
    to->step = from_depth ? from->step / (double)b : from->step * (double)b;
    to->whole = from->whole;
  }
  return true;
}

static bool take_gathered(const xai_call *c, const region *y, region *x) {
  const xai_view *index = &c->in[1];
  int64_t at = c->attrs->axis.axis, n = xai_shape_size(&index->shape);
  if (at < 0) at += x->rank;
  if (index->data == NULL || index->shape.rank > 1) return false;
  for (int d = 0; d < x->rank; d++)
    if (d != at) take_same(&y->d[d < at ? d : d - 1 + index->shape.rank], &x->d[d]);
  for (int64_t k = 0; k < n; k++) {
    int64_t i = xai_op__int(index, k);
    if (index->shape.rank == 0 || y->d[at].has[k]) mark(&x->d[at], i < 0 ? i + x->d[at].n : i);
  }
  return true;
}

static bool take_product(const xai_call *c, xai_op op, int i, const region *y, region *x) {
  bool flipped = i == 1; /* rows of the result are those of input 0, columns those of input 1 */
  if (op == XAI_OP_GEMM) {
    if (i == 2) return take_broadcast(y, x, 0), true;
    bool turned = (i == 0 ? c->attrs->gemm.trans_a : c->attrs->gemm.trans_b) != 0;
    take_same(&y->d[i], &x->d[flipped != turned]);
    take_all(&x->d[flipped == turned]);
    return true;
  }
  if (c->in[0].shape.rank < 2 || c->in[1].shape.rank < 2) return false;
  take_broadcast(y, x, 2);
  take_same(&y->d[y->rank - (flipped ? 1 : 2)], &x->d[x->rank - (flipped ? 1 : 2)]);
  take_all(&x->d[x->rank - (flipped ? 2 : 1)]);
  return true;
}

static bool take_moments(const xai_call *c, xai_op op, const region *y, region *x) {
  const xai_attrs_moments *a = &c->attrs->moments;
  bool set[XAI_MAX_RANK];
  switch (op) {
    case XAI_OP_INSTANCE_NORMALIZATION: return take_mixed(y, x, 2, 0);
    case XAI_OP_GROUP_NORMALIZATION: return take_mixed(y, x, 1, 0);
    case XAI_OP_LAYER_NORMALIZATION:
    case XAI_OP_RMS_NORMALIZATION: return take_mixed(y, x, a->axis, 0);
    default: break;
  }
  xai_ints axes = a->axes.n > 0 ? a->axes : (xai_ints){3, {0, 2, 3}};
  if (xai_op__axis_set(&axes, x->rank, set, NULL) != XAI_OK) return false;
  return take_reduced(y, x, set, true);
}

/* What output k of a call, as far as its region says, takes of input i. */
static bool take(const xai_call *c, xai_op op, int k, int i, const region *y, region *x) {
  const xai_op_def *def = xai_op_get(op);
  switch (op) {
    case XAI_OP_SPLIT: return i == 0 && take_part(c->out, k, c->attrs->split.axis, 1, y, x);
    case XAI_OP_CONCAT: return take_part(c->in, i, c->attrs->axis.axis, -1, y, x);
    case XAI_OP_ADD: case XAI_OP_AND: case XAI_OP_BIT_SHIFT: case XAI_OP_BITWISE_AND: case XAI_OP_BITWISE_OR:
    case XAI_OP_BITWISE_XOR: case XAI_OP_DIV: case XAI_OP_EQUAL: case XAI_OP_EXPAND: case XAI_OP_GREATER:
    case XAI_OP_GREATER_EQUAL: case XAI_OP_LESS: case XAI_OP_LESS_EQUAL: case XAI_OP_MAX: case XAI_OP_MEAN: case XAI_OP_MIN:
    case XAI_OP_MOD: case XAI_OP_MUL: case XAI_OP_OR: case XAI_OP_POW: case XAI_OP_PRELU: case XAI_OP_SUB: case XAI_OP_SUM:
    case XAI_OP_WHERE: case XAI_OP_XOR: return take_broadcast(y, x, 0), true;
    case XAI_OP_GEMM: case XAI_OP_MATMUL: return take_product(c, op, i, y, x);
    default: break;
  }
  if (i > 0) return false; /* weights and the like that depend on the picture */
  switch (op) {
    case XAI_OP_CONV: case XAI_OP_CONV_TRANSPOSE: case XAI_OP_AVERAGE_POOL: case XAI_OP_LP_POOL:
    case XAI_OP_MAX_POOL: return take_windows(c, op, y, x);
    case XAI_OP_BATCH_NORM: return take_axes(y, x), true;
    case XAI_OP_LRN: return take_neighbours(c, y, x);
    case XAI_OP_GLOBAL_AVERAGE_POOL: case XAI_OP_GLOBAL_LP_POOL:
    case XAI_OP_GLOBAL_MAX_POOL: return take_mixed(y, x, 2, 0);
    case XAI_OP_SOFTMAX: case XAI_OP_LOG_SOFTMAX:
    case XAI_OP_HARDMAX: return take_mixed(y, x, c->attrs->axis.axis, c->attrs->axis.axis + 1);
    case XAI_OP_LP_NORMALIZATION: return take_mixed(y, x, c->attrs->lp.axis, c->attrs->lp.axis + 1);
    case XAI_OP_GROUP_NORMALIZATION: case XAI_OP_INSTANCE_NORMALIZATION: case XAI_OP_LAYER_NORMALIZATION:
    case XAI_OP_MEAN_VARIANCE_NORMALIZATION:
    case XAI_OP_RMS_NORMALIZATION: return k == 0 && take_moments(c, op, y, x);
    case XAI_OP_REDUCE_L1: case XAI_OP_REDUCE_L2: case XAI_OP_REDUCE_LOG_SUM: case XAI_OP_REDUCE_LOG_SUM_EXP:
    case XAI_OP_REDUCE_MAX: case XAI_OP_REDUCE_MEAN: case XAI_OP_REDUCE_MIN: case XAI_OP_REDUCE_PROD: case XAI_OP_REDUCE_SUM:
    case XAI_OP_REDUCE_SUM_SQUARE: return take_reduction(c, y, x);
    case XAI_OP_ARG_MAX: case XAI_OP_ARG_MIN: return take_extreme(c, y, x);
    case XAI_OP_SLICE: return take_slice(c, y, x);
    case XAI_OP_PAD: return take_padded(c, y, x);
    case XAI_OP_RESIZE: return take_resized(c, y, x);
    case XAI_OP_TRANSPOSE: return take_transposed(c, y, x);
    case XAI_OP_DEPTH_TO_SPACE: return take_blocks(c, true, y, x);
    case XAI_OP_SPACE_TO_DEPTH: return take_blocks(c, false, y, x);
    case XAI_OP_GATHER: return take_gathered(c, y, x);
    default: break;
  }
  if ((def->flags & XAI_OP_ALIAS) != 0) return take_reshaped(y, x), true;
  if ((def->flags & XAI_OP_ELEMENTWISE) != 0) return take_axes(y, x), true;
  return false;
}

/* ---- the trace ------------------------------------------------------------------------------------------------------ */
typedef struct trace {
  const xai_graph *g;
  xai_facts facts;
  region *regions; /* per value */
} trace;

/* Adds what output k of a node takes of its input i. */
static xai_status follow(trace *t, const xai_node *node, const xai_call *call, int k, int i, xai_err *err) {
  int v = node->in[i];
  region x = {0}, *known = &t->regions[v];
  XAI_TRY(region_new(&call->in[i].shape, &x, err));
  if (!take(call, node->op, k, i, &t->regions[node->out[k]], &x))
    for (int d = 0; d < x.rank; d++) take_all(&x.d[d]);
  bool there = settle(&x);
  if (there && known->has == NULL) {
    *known = x;
    return XAI_OK;
  }
  if (there) unite(known, &x);
  region_free(&x);
  return XAI_OK;
}

static xai_status step_back(trace *t, int n, xai_err *err) {
  const xai_node *node = &t->g->nodes[n];
  xai_status st = XAI_OK;
  xai_view out[XAI_MAX_OUTPUTS] = {{0}};
  xai_view *in = xai_calloc((size_t)node->n_in + 1, sizeof *in);
  if (in == NULL) return xai_fail_memory(err, (size_t)node->n_in * sizeof *in);
  for (int i = 0; i < node->n_in; i++) {
    if (node->in[i] >= 0) in[i] = t->facts.views[node->in[i]];
    else in[i].shape.rank = -1;
  }
  for (int k = 0; k < node->n_out; k++)
    if (node->out[k] >= 0) out[k] = t->facts.views[node->out[k]];
  xai_call call = {.attrs = &node->attrs, .n_in = node->n_in, .n_out = node->n_out, .in = in, .out = out};
  for (int k = 0; k < node->n_out; k++)
    for (int i = 0; node->out[k] >= 0 && t->regions[node->out[k]].has != NULL && i < node->n_in; i++)
      if (xai_call_has(&call, i) && in[i].data == NULL) XAI_GOTO(follow(t, node, &call, k, i, err));
done:
  xai_free(in);
  return st;
}

/* The unit itself. */
static xai_status begin(trace *t, int v, const int64_t *at, int n_at, xai_err *err) {
  const xai_shape *s = &t->facts.views[v].shape;
  char text[XAI_SHAPE_TEXT];
  region *r = &t->regions[v];
  for (int d = 0; d < n_at; d++)
    if (d + 1 >= s->rank || at[d] < -1 || at[d] >= s->dims[d + 1])
      return xai_fail(err, XAI_EARG, "there is no such unit in an activation of %s", xai_shape_text(s, text));
  if (xai_shape_size(s) == 0) return xai_fail(err, XAI_EARG, "an activation of %s has no units", xai_shape_text(s, text));
  XAI_TRY(region_new(s, r, err));
  for (int d = 0; d < s->rank; d++) {
    int64_t p = d == 0 ? 0 : d <= n_at ? at[d - 1] : -1;
    if (p < 0) memset(r->d[d].has, true, (size_t)r->d[d].n);
    else r->d[d].has[p] = true;
    r->d[d].step = 1;
  }
  settle(r);
  return XAI_OK;
}

static xai_field_span span_of(const axis *a) {
  xai_field_span s = {.begin = a->lo, .size = a->hi - a->lo, .stride = a->step, .whole = a->whole};
  extremes(a, &s.first, &s.end);
  if (a->whole) s.begin = 0, s.size = a->n, s.stride = 0;
  return s;
}

/* Shapes of what the value is made of. */
static xai_status find_shapes(trace *t, const xai_net *net, const xai_view *x, int v, xai_err *err) {
  const xai_graph *g = t->g;
  bool *needed = xai_calloc((size_t)g->n_nodes + 1, sizeof *needed);
  if (needed == NULL) return xai_fail_memory(err, (size_t)g->n_nodes);
  xai_graph__mark_needed(g, v, needed);
  xai_status st = xai_facts_make(net, x, needed, &t->facts, err);
  xai_free(needed);
  return st;
}

xai_status xai_net_receptive_field(const xai_net *net, const xai_shape *x, int layer, const int64_t *at, int n_at,
                                   xai_field *out, xai_err *err) {
  trace t = {.g = net->graph};
  xai_view input;
  char text[XAI_SHAPE_TEXT];
  int v = xai_net__layer_value(net, layer);
  xai_status st;
  if (x->rank != 4 || x->dims[0] != 1)
    return xai_fail(err, XAI_EARG, "an input of %s is no picture (expected 1 x channels x height x width)",
                    xai_shape_text(x, text));
  XAI_GOTO(xai_net__one_input(net, x, &input, err));
  t.regions = xai_calloc((size_t)t.g->n_values + 1, sizeof *t.regions);
  if (t.regions == NULL) {
    st = xai_fail_memory(err, (size_t)t.g->n_values * sizeof *t.regions);
    goto done;
  }
  XAI_GOTO(find_shapes(&t, net, &input, v, err));
  XAI_GOTO(begin(&t, v, at, n_at, err));
  for (int n = t.g->values[v].node; n >= 0; n--) XAI_GOTO(step_back(&t, n, err));
  const region *seen = &t.regions[t.g->inputs[0]];
  *out = (xai_field){.shape = t.facts.views[v].shape};
  if (seen->has != NULL) out->rows = span_of(&seen->d[2]), out->columns = span_of(&seen->d[3]);
done:
  for (int u = 0; t.regions != NULL && u < t.g->n_values; u++) region_free(&t.regions[u]);
  xai_free(t.regions);
  xai_facts_free(&t.facts);
  return st;
}
