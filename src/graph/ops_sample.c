/* graph/ops_sample.c: values of a map at places and in regions that other inputs name: GridSample, RoiAlign and
 * MaxRoiPool. Gradients go to the map, and GridSample's also to the grid; none to the borders of regions. */
#include <string.h>

#include "graph/op_check.h"

/* ---- GridSample ------------------------------------------------------------------------------------------------ */

enum { X, GRID };

/* The last two are what opset 16 called the first and the third. */
static const char *const modes[] = {"linear", "nearest", "cubic", "bilinear", "bicubic", NULL};
static const char *const paddings[] = {"zeros", "border", "reflection", NULL};
static const xai_attr_spec grid_attrs[] = {
    XAI_ATTR(INT, "align_corners", sample.align_corners, 0),
    {.name = "mode", .kind = XAI_ATTR_CHOICE, .offset = offsetof(xai_attrs, sample.mode), .choices = modes},
    {.name = "padding_mode", .kind = XAI_ATTR_CHOICE, .offset = offsetof(xai_attrs, sample.padding_mode),
     .choices = paddings},
    {0},
};

static xai_status grid_infer(xai_call *c, xai_err *err) {
  const xai_shape *x = &c->in[X].shape, *grid = &c->in[GRID].shape;
  const xai_attrs_sample *a = &c->attrs->sample;
  for (int i = X; i <= GRID; i++) XAI_TRY(xai_op__need_float(c, i, err));
  if (x->rank < 3 || x->rank > 5)
    return xai_fail(err, XAI_EUNSUPPORTED, "input %s has %d axes (expected 3 to 5)", TEXT(x), x->rank);
  if (grid->rank != x->rank || grid->dims[0] != x->dims[0] || grid->dims[grid->rank - 1] != x->rank - 2)
    return xai_fail(err, XAI_ESHAPE, "grid %s does not match %s: expected %" PRId64 " x ... x %d", TEXT(grid), TEXT(x),
                    x->dims[0], x->rank - 2);
  if (a->mode < 0 || a->mode > 4 || a->padding_mode < 0 || a->padding_mode > 2)
    return xai_fail(err, XAI_EARG, "mode %" PRId64 " or padding_mode %" PRId64 " is no choice", a->mode,
                    a->padding_mode);
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = *x;
  for (int d = 2; d < x->rank; d++) c->out[0].shape.dims[d] = grid->dims[d - 1];
  return XAI_OK;
}

static xk_sample grid_problem(const xai_call *c) {
  static const xk_sample_mode kinds[] = {XK_SAMPLE_LINEAR, XK_SAMPLE_NEAREST, XK_SAMPLE_CUBIC, XK_SAMPLE_LINEAR,
                                         XK_SAMPLE_CUBIC};
  const xai_shape *x = &c->in[X].shape;
  xk_sample p = {.mode = kinds[c->attrs->sample.mode], .padding = (xk_sample_padding)c->attrs->sample.padding_mode,
                 .align_corners = c->attrs->sample.align_corners != 0, .axes = x->rank - 2, .n = x->dims[0],
                 .c = x->dims[1], .points = xai_shape_span(&c->out[0].shape, 2, x->rank)};
  xai_op__extents(x, p.in);
  return p;
}

static void grid_forward(const xai_call *c) {
  xk_sample p = grid_problem(c);
  xk_sample_forward(&p, c->in[X].data, c->in[GRID].data, c->out[0].data);
}

static void grid_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_sample p = grid_problem(c);
  const float *x = c->in[X].data, *grid = c->in[GRID].data, *dy = c->dout[0].data;
  if (c->din[X].data != NULL) xk_sample_backward_x(&p, grid, dy, c->din[X].data);
  if (c->din[GRID].data != NULL) xk_sample_backward_grid(&p, x, grid, dy, c->din[GRID].data);
}

const xai_op_def xai_op_def_GRID_SAMPLE = {
    .name = "GridSample", .min_in = 2, .max_in = 2, .max_out = 1,
    .grad = {XAI_READS(GRID), XAI_READS(X) | XAI_READS(GRID)}, .attrs = grid_attrs,
    .infer = grid_infer, .forward = grid_forward, .backward = grid_backward,
};

/* ---- regions ----------------------------------------------------------------------------------------------------- */

enum { REGIONS = 1, IMAGE };
enum { MOST_SAMPLES = 4096 };

static xai_status region_infer(xai_call *c, int64_t numbers, int64_t height, int64_t width, xai_err *err) {
  const xai_shape *x = &c->in[X].shape, *rois = &c->in[REGIONS].shape;
  XAI_TRY(xai_op__need_float(c, X, err));
  if (x->rank != 4) return xai_fail(err, XAI_ESHAPE, "input %s has %d axes (expected 4)", TEXT(x), x->rank);
  if (c->in[REGIONS].dtype != XAI_F32 || rois->rank != 2 || rois->dims[1] != numbers)
    return xai_fail(err, XAI_ESHAPE, "rois: expected float32 of %" PRId64 " columns, got %s %s", numbers,
                    xai_dtype_name(c->in[REGIONS].dtype), TEXT(rois));
  if (height < 1 || width < 1 || height > XAI_MAX_ELEMENTS || width > XAI_MAX_ELEMENTS)
    return xai_fail(err, XAI_EARG, "%" PRId64 " x %" PRId64 " cells per region (expected at least 1 x 1)", height,
                    width);
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = XAI_SHAPE(rois->dims[0], x->dims[1], height, width);
  return XAI_OK;
}

static xk_region region_problem(const xai_call *c) {
  const int64_t *x = c->in[X].shape.dims, *y = c->out[0].shape.dims;
  const xai_attrs_region *a = &c->attrs->region;
  return (xk_region){.n = x[0], .c = x[1], .h = x[2], .w = x[3], .count = y[0], .oh = y[2], .ow = y[3],
                     .scale = a->spatial_scale, .half_pixel = a->transformation == 0, .maximum = a->mode != 0,
                     .sampling = a->sampling_ratio};
}

/* ---- RoiAlign */
static const char *const transformations[] = {"half_pixel", "output_half_pixel", NULL};
static const char *const align_modes[] = {"avg", "max", NULL};
static const xai_attr_spec align_attrs[] = {
    {.name = "coordinate_transformation_mode", .kind = XAI_ATTR_CHOICE,
     .offset = offsetof(xai_attrs, region.transformation), .choices = transformations},
    {.name = "mode", .kind = XAI_ATTR_CHOICE, .offset = offsetof(xai_attrs, region.mode), .choices = align_modes},
    XAI_ATTR(INT, "output_height", region.output_height, 1),
    XAI_ATTR(INT, "output_width", region.output_width, 1),
    XAI_ATTR(INT, "sampling_ratio", region.sampling_ratio, 0),
    XAI_ATTR(FLOAT, "spatial_scale", region.spatial_scale, 1),
    {0},
};

static xai_status align_infer(xai_call *c, xai_err *err) {
  const xai_attrs_region *a = &c->attrs->region;
  const xai_view *image = &c->in[IMAGE];
  XAI_TRY(region_infer(c, 4, a->output_height, a->output_width, err));
  int64_t count = c->out[0].shape.dims[0];
  if (a->sampling_ratio < 0 || a->sampling_ratio > MOST_SAMPLES)
    return xai_fail(err, XAI_EARG, "sampling_ratio %" PRId64 " is out of range (expected 0 to %d)", a->sampling_ratio,
                    MOST_SAMPLES);
  if (image->dtype != XAI_I64 || image->shape.rank != 1 || image->shape.dims[0] != count)
    return xai_fail(err, XAI_ESHAPE, "batch_indices: expected %" PRId64 " int64, got %s %s", count,
                    xai_dtype_name(image->dtype), TEXT(&image->shape));
  for (int64_t i = 0; image->data != NULL && i < count; i++) {
    int64_t at = xai_op__int(image, i);
    if (at < 0 || at >= c->in[X].shape.dims[0])
      return xai_fail(err, XAI_ESHAPE, "batch_indices: %" PRId64 " is out of range for %" PRId64 " images", at,
                      c->in[X].shape.dims[0]);
  }
  return XAI_OK;
}

static size_t align_workspace(const xai_call *c) { return (size_t)c->out[0].shape.dims[0] * sizeof(int64_t); }

/* Numbers that were not known in time are brought into range. */
static const int64_t *images(const xai_call *c) {
  int64_t *image = c->work, last = c->in[X].shape.dims[0] - 1;
  for (int64_t i = 0; i < c->out[0].shape.dims[0]; i++) {
    int64_t at = xai_op__int(&c->in[IMAGE], i);
    image[i] = at < 0 ? 0 : at > last ? last : at;
  }
  return image;
}

static void align_forward(const xai_call *c) {
  xk_region p = region_problem(c);
  xk_roi_align_forward(&p, c->in[X].data, c->in[REGIONS].data, images(c), c->out[0].data);
}

static void align_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_region p = region_problem(c);
  xk_roi_align_backward(&p, c->in[X].data, c->in[REGIONS].data, images(c), c->dout[0].data, c->din[X].data);
}

const xai_op_def xai_op_def_ROI_ALIGN = {
    .name = "RoiAlign", .min_in = 3, .max_in = 3, .max_out = 1,
    .grad = {XAI_READS(X) | XAI_READS(REGIONS) | XAI_READS(IMAGE), XAI_NO_GRAD, XAI_NO_GRAD}, .attrs = align_attrs,
    .infer = align_infer, .workspace = align_workspace, .forward = align_forward, .backward = align_backward,
};

/* ---- MaxRoiPool */
static const xai_attr_spec roi_pool_attrs[] = {
    XAI_ATTR(INTS, "pooled_shape", region.pooled_shape, 0),
    XAI_ATTR(FLOAT, "spatial_scale", region.spatial_scale, 1),
    {0},
};

static xai_status roi_pool_infer(xai_call *c, xai_err *err) {
  const xai_ints *cells = &c->attrs->region.pooled_shape;
  if (cells->n != 2) return xai_fail(err, XAI_EARG, "pooled_shape has %d entries (expected 2)", cells->n);
  return region_infer(c, 5, cells->v[0], cells->v[1], err);
}

static void roi_pool_forward(const xai_call *c) {
  xk_region p = region_problem(c);
  xk_roi_max_forward(&p, c->in[X].data, c->in[REGIONS].data, c->out[0].data);
}

static void roi_pool_backward(const xai_call *c) {
  if (xai_op__idle(c)) return;
  xk_region p = region_problem(c);
  xk_roi_max_backward(&p, c->in[X].data, c->in[REGIONS].data, c->dout[0].data, c->din[X].data);
}

const xai_op_def xai_op_def_MAX_ROI_POOL = {
    .name = "MaxRoiPool", .min_in = 2, .max_in = 2, .max_out = 1,
    .grad = {XAI_READS(X) | XAI_READS(REGIONS), XAI_NO_GRAD}, .attrs = roi_pool_attrs,
    .infer = roi_pool_infer, .forward = roi_pool_forward, .backward = roi_pool_backward,
};
