/* graph/ops_patch.c: Patch, the inner row of local passes (local.h): rectangles of maps that differ from a common one in a
 * window.
 *
 *   y[b] = the rectangle at places[b][to] of size sizes[to], of the map that is 'clean' with window[b] laid over it at
 *          places[b][from]; 'outside' where it reaches over the map
 *
 * clean 1 x c x h x w [x i], window b x c x wh x ww [x i], places b x slots x 2 and sizes slots x 2 in int64, rows before
 * columns; sizes must be known when a plan is made. No gradient. */
#include "graph/op_check.h"

enum { CLEAN, WINDOW, PLACES, SIZES };

static const xai_attr_spec patch_attrs[] = {
    XAI_ATTR(INT, "from", patch.from, 0),
    XAI_ATTR(FLOAT, "outside", patch.outside, 0),
    XAI_ATTR(INT, "to", patch.to, 0),
    {0},
};

static xai_status check(const xai_call *c, xai_err *err) {
  const xai_shape *clean = &c->in[CLEAN].shape, *window = &c->in[WINDOW].shape, *places = &c->in[PLACES].shape;
  const xai_shape *sizes = &c->in[SIZES].shape;
  const xai_attrs_patch *a = &c->attrs->patch;
  XAI_TRY(xai_op__need_float(c, CLEAN, err));
  XAI_TRY(xai_op__need_float(c, WINDOW, err));
  bool fits = clean->rank >= 4 && window->rank == clean->rank && clean->dims[0] == 1;
  for (int d = 1; fits && d < clean->rank; d++) fits = d == 2 || d == 3 || clean->dims[d] == window->dims[d];
  if (!fits) return xai_fail(err, XAI_ESHAPE, "windows %s do not fit maps %s", TEXT(window), TEXT(clean));
  fits = c->in[PLACES].dtype == XAI_I64 && c->in[SIZES].dtype == XAI_I64 && places->rank == 3 && sizes->rank == 2;
  fits = fits && places->dims[0] == window->dims[0] && places->dims[1] == sizes->dims[0];
  fits = fits && places->dims[2] == 2 && sizes->dims[1] == 2;
  if (!fits) return xai_fail(err, XAI_ESHAPE, "places %s and sizes %s do not fit", TEXT(places), TEXT(sizes));
  if (c->in[SIZES].data == NULL) return xai_fail(err, XAI_EUNSUPPORTED, "sizes: expected known numbers");
  if (a->from < 0 || a->from >= sizes->dims[0] || a->to < 0 || a->to >= sizes->dims[0])
    return xai_fail(err, XAI_EARG, "no slot %" PRId64 " or %" PRId64, a->from, a->to);
  return XAI_OK;
}

static xai_status infer(xai_call *c, xai_err *err) {
  XAI_TRY(check(c, err));
  const int64_t *size = (const int64_t *)c->in[SIZES].data + 2 * c->attrs->patch.to;
  c->out[0].dtype = XAI_F32;
  c->out[0].shape = c->in[WINDOW].shape;
  c->out[0].shape.dims[2] = size[0];
  c->out[0].shape.dims[3] = size[1];
  return XAI_OK;
}

static void forward(const xai_call *c) {
  const xai_shape *clean = &c->in[CLEAN].shape, *window = &c->in[WINDOW].shape, *y = &c->out[0].shape;
  const xai_attrs_patch *a = &c->attrs->patch;
  const int64_t *places = c->in[PLACES].data;
  xk_patches p = {.n = window->dims[0], .planes = clean->dims[1], .h = clean->dims[2], .w = clean->dims[3],
                  .inner = xai_shape_span(clean, 4, clean->rank), .wh = window->dims[2], .ww = window->dims[3],
                  .ph = y->dims[2], .pw = y->dims[3], .step = 2 * c->in[PLACES].shape.dims[1],
                  .outside = (float)a->outside};
  xk_patch(&p, c->in[CLEAN].data, c->in[WINDOW].data, places + 2 * a->from, places + 2 * a->to, c->out[0].data);
}

const xai_op_def xai_op_def_PATCH = {
    .name = "Patch", .min_in = 4, .max_in = 4, .max_out = 1, .flags = XAI_OP_INNER,
    .grad = {XAI_NO_GRAD, XAI_NO_GRAD, XAI_NO_GRAD, XAI_NO_GRAD, XAI_NO_GRAD}, .decides = XAI_READS(SIZES),
    .attrs = patch_attrs, .infer = infer, .forward = forward,
};
