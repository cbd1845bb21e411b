/* graph/local.c: see local.h. */
#include "graph/local.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "graph/local_form.h"

enum {
  GROUP = 32,            /* windows whose rectangles have one size: fewer are closer, more need fewer plans */
  MOST_TOGETHER = 32,    /* changes in one pass */
  ROOM = 64 << 20,       /* bytes that their arrays may take */
  TAIL = 128             /* changes that go through large fully connected layers together */
};

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

/* ---- inputs -------------------------------------------------------------------------------------------------- */
/* The h x w pixels of the clean input from 'at' on. */
static void cut_out(const xai_view *x, xai_place at, const xai_patch *p) {
  int64_t rows = x->shape.dims[2], columns = x->shape.dims[3];
  for (int64_t k = 0; k < p->c; k++)
    for (int64_t r = 0; r < p->h; r++)
      memcpy(p->v + (k * p->h + r) * p->w, (const float *)x->data + (k * rows + at.top + r) * columns + at.left,
             (size_t)p->w * sizeof(float));
}

static void put_change(const xai_local *l, int64_t i, xai_place at, int64_t h, int64_t w, float *v) {
  xai_patch p = {v, l->x->shape.dims[1], h, w, at.top, at.left};
  cut_out(l->x, at, &p);
  l->change(l->payload, i, &p);
}

/* ---- what comes of them -------------------------------------------------------------------------------------------- */
/* Observed arrays of one pass; seen: room for one view per layer; few: for the wanted channels. */
typedef struct sight {
  xai_view *seen;
  float *few;
} sight;

static xai_status make_sight(const xai_local *l, sight *s, xai_err *err) {
  s->seen = xai_calloc((size_t)l->n_layers + 1, sizeof *s->seen);
  s->few = xai_calloc((size_t)l->n_channels + 1, sizeof *s->few);
  return s->seen != NULL && s->few != NULL ? XAI_OK : xai_fail_memory(err, (size_t)l->n_channels * sizeof *s->few);
}

static void free_sight(sight *s) {
  xai_free(s->seen);
  xai_free(s->few);
}

/* Change i was element b of the batch. */
static void show(const xai_local *l, const sight *s, const xai_view *const *made, int64_t i, int64_t b) {
  for (int k = 0; k < l->n_layers; k++) {
    xai_view *v = &s->seen[k];
    *v = *made[k];
    v->shape.dims[0] = 1;
    v->data = (char *)made[k]->data + (size_t)b * (size_t)xai_shape_size(&v->shape) * xai_dtype_size(v->dtype);
  }
  if (l->channels != NULL) {
    for (int c = 0; c < l->n_channels; c++) s->few[c] = ((const float *)s->seen[0].data)[l->channels[c]];
    s->seen[0] = (xai_view){XAI_F32, XAI_SHAPE(1, l->n_channels), s->few};
  }
  l->observe(l->payload, i, s->seen);
}

/* ---- whole inputs --------------------------------------------------------------------------------------------------- */
static xai_status open_whole(xai_net *net, const xai_local *l, int64_t batch, xai_run **run, xai_err *err) {
  xai_shape shape = l->x->shape;
  shape.dims[0] = batch;
  return xai_run_open(net, &shape, &(xai_request){.keep = l->layers, .n_keep = l->n_layers}, run, err);
}

/* As many as fit a moderate arena, evenly filled. */
static xai_status choose_whole_batch(xai_net *net, const xai_local *l, int64_t *batch, xai_err *err) {
  xai_run *run = NULL;
  int64_t most = l->batch;
  if (most == 0) {
    XAI_TRY(open_whole(net, l, 1, &run, err));
    most = max64(1, min64(MOST_TOGETHER, ROOM / (int64_t)(xai_run_bytes(run) + 1)));
    xai_run_close(run);
  }
  int64_t passes = (l->n + most - 1) / most;
  *batch = (l->n + passes - 1) / passes;
  return XAI_OK;
}

xai_status xai_local_run_whole(xai_net *net, const xai_local *l, xai_err *err) {
  int64_t batch, h = l->x->shape.dims[2], w = l->x->shape.dims[3], picture = xai_shape_size(&l->x->shape);
  xai_tensor *many = NULL;
  xai_run *run = NULL;
  sight s = {0};
  xai_status st = XAI_OK;
  const xai_view **made = xai_calloc((size_t)l->n_layers + 1, sizeof *made);
  if (l->n == 0) goto done;
  if (made == NULL) {
    st = xai_fail_memory(err, sizeof *made);
    goto done;
  }
  XAI_GOTO(make_sight(l, &s, err));
  XAI_GOTO(choose_whole_batch(net, l, &batch, err));
  XAI_GOTO(xai_tensor_new(XAI_F32, XAI_SHAPE(batch, l->x->shape.dims[1], h, w), &many, err));
  XAI_GOTO(open_whole(net, l, batch, &run, err));
  for (int64_t from = 0; from < l->n; from += batch) {
    int64_t here = min64(batch, l->n - from);
    for (int64_t b = 0; b < here; b++)
      put_change(l, from + b, (xai_place){0}, h, w, xai_tensor_floats(many) + b * picture);
    XAI_GOTO(xai_run_forward(run, xai_tensor_view(many), err));
    for (int k = 0; k < l->n_layers; k++) made[k] = xai_run_value(run, l->layers[k]);
    for (int64_t b = 0; b < here; b++) show(l, &s, made, from + b, b);
  }
done:
  xai_run_close(run);
  xai_tensor_free(many);
  free_sight(&s);
  xai_free(made);
  return st;
}

/* ---- groups ------------------------------------------------------------------------------------------------------------ */
/* A window and its number in the caller's list. */
typedef struct numbered {
  xai_place at;
  int64_t i;
} numbered;

static int compare(int64_t a, int64_t b) { return a < b ? -1 : a > b; }

static int by_row(const void *p, const void *q) {
  const numbered *a = p, *b = q;
  int order = compare(a->at.top, b->at.top);
  return order != 0 ? order : compare(a->i, b->i);
}

static int by_column(const void *p, const void *q) {
  const numbered *a = p, *b = q;
  int order = compare(a->at.left, b->at.left);
  return order != 0 ? order : compare(a->i, b->i);
}

/* The windows of one group, and where their rectangles lie. */
typedef struct group {
  const numbered *windows;
  int64_t n;
  int64_t *sizes, *at; /* slots x 2; n x slots x 2 */
} group;

static xai_status lay_group(const xai_local *l, const xai_slots *slots, group *g, xai_err *err) {
  xai_place places[GROUP];
  for (int64_t i = 0; i < g->n; i++) places[i] = g->windows[i].at;
  g->sizes = xai_alloc((size_t)(g->n + 1) * (size_t)slots->n * 2 * sizeof *g->sizes);
  if (g->sizes == NULL) return xai_fail_memory(err, (size_t)g->n * (size_t)slots->n * 2 * sizeof *g->sizes);
  g->at = g->sizes + 2 * slots->n;
  return xai_slots_lay(slots, places, g->n, l->height, l->width, g->sizes, g->at, err);
}

/* Changes per pass, so that its arrays stay within the room: twice the largest, and of all a part, since they share
 * memory. */
static int64_t choose_batch(const xai_local *l, const xai_local_form *f, const group *g) {
  int64_t largest = 1;
  for (int k = 0; k < f->n_arrays; k++) {
    const struct xai_local_array *a = &f->arrays[k];
    int64_t places = a->slot < 0 ? 1 : g->sizes[2 * a->slot] * g->sizes[2 * a->slot + 1];
    largest = max64(largest, a->elements * places);
  }
  int64_t most = l->batch > 0 ? l->batch : max64(1, min64(MOST_TOGETHER, ROOM / (4 * largest * (int64_t)sizeof(float))));
  int64_t passes = (g->n + most - 1) / most;
  return (g->n + passes - 1) / passes;
}

/* Everything that the passes of one call share. */
typedef struct doing {
  const xai_local *l;
  xai_local_form f;
  sight s;
  const xai_view **made; /* per observed layer */
  xai_tensor *waiting;   /* what goes into the tail, TAIL x ...; NULL: not made yet, or there is no tail */
  int64_t numbers[TAIL]; /* whose it is */
  int64_t n_waiting;
} doing;

static void show_outputs(doing *d, const xai_run *run, int64_t here, const int64_t *numbers) {
  for (int k = 0; k < d->l->n_layers; k++) d->made[k] = xai_run_output(run, k);
  for (int64_t b = 0; b < here; b++) show(d->l, &d->s, d->made, numbers[b], b);
}

static xai_status run_tail(doing *d, xai_err *err) {
  xai_run *run = NULL;
  xai_status st = XAI_OK;
  if (d->n_waiting == 0) return XAI_OK;
  xai_view x = *xai_tensor_view(d->waiting);
  x.shape.dims[0] = d->n_waiting;
  XAI_GOTO(xai_run_open(d->f.tail, &x.shape, &(xai_request){.keep_outputs = true}, &run, err));
  XAI_GOTO(xai_run_forward(run, &x, err));
  show_outputs(d, run, d->n_waiting, d->numbers);
  d->n_waiting = 0;
done:
  xai_run_close(run);
  return st;
}

static xai_status wait_for_tail(doing *d, const xai_view *v, int64_t here, const int64_t *numbers, xai_err *err) {
  xai_shape s = v->shape;
  s.dims[0] = TAIL;
  if (d->waiting == NULL) XAI_TRY(xai_tensor_new_raw(XAI_F32, s, &d->waiting, err));
  int64_t each = xai_shape_size(&s) / TAIL;
  for (int64_t b = 0; b < here; b++) {
    memcpy(xai_tensor_floats(d->waiting) + d->n_waiting * each, (const float *)v->data + b * each, (size_t)each * sizeof(float));
    d->numbers[d->n_waiting++] = numbers[b];
    if (d->n_waiting == TAIL) XAI_TRY(run_tail(d, err));
  }
  return XAI_OK;
}

/* One pass: windows [from, from + here) of the group. */
static xai_status pass(doing *d, const group *g, int64_t from, int64_t here, xai_run *run, const xai_view in[3], xai_err *err) {
  int64_t h = g->sizes[0], w = g->sizes[1], patch = d->l->x->shape.dims[1] * h * w, places = 2 * d->f.slots.n;
  int64_t numbers[GROUP];
  memcpy(in[1].data, g->at + from * places, (size_t)(here * places) * sizeof(int64_t));
  for (int64_t b = 0; b < here; b++) {
    const int64_t *at = g->at + (from + b) * places;
    numbers[b] = g->windows[from + b].i;
    put_change(d->l, numbers[b], (xai_place){at[0], at[1]}, h, w, (float *)in[0].data + b * patch);
  }
  XAI_TRY(xai_run_forward_all(run, in, 3, err));
  if (d->f.tail != NULL) return wait_for_tail(d, xai_run_output(run, 0), here, numbers, err);
  show_outputs(d, run, here, numbers);
  return XAI_OK;
}

static xai_status run_group(doing *d, const numbered *windows, int64_t n, xai_err *err) {
  group g = {.windows = windows, .n = n};
  xai_tensor *x = NULL, *places = NULL;
  xai_run *run = NULL;
  xai_status st;
  XAI_GOTO(lay_group(d->l, &d->f.slots, &g, err));
  int64_t batch = choose_batch(d->l, &d->f, &g), slots = d->f.slots.n;
  XAI_GOTO(xai_tensor_new(XAI_F32, XAI_SHAPE(batch, d->l->x->shape.dims[1], g.sizes[0], g.sizes[1]), &x, err));
  XAI_GOTO(xai_tensor_new(XAI_I64, XAI_SHAPE(batch, slots, 2), &places, err));
  const xai_view in[] = {*xai_tensor_view(x), *xai_tensor_view(places), {XAI_I64, XAI_SHAPE(slots, 2), g.sizes}};
  XAI_GOTO(xai_run_open_all(d->f.net, in, 3, &(xai_request){.keep_outputs = true}, &run, err));
  for (int64_t from = 0; from < n; from += batch) XAI_GOTO(pass(d, &g, from, min64(batch, n - from), run, in, err));
done:
  xai_run_close(run);
  xai_tensor_free(x);
  xai_tensor_free(places);
  xai_free(g.sizes);
  return st;
}

/* Halves the list along the axis on which it is longer until it is a group. */
static xai_status run_groups(doing *d, numbered *windows, int64_t n, xai_err *err) {
  if (n <= GROUP) return run_group(d, windows, n, err);
  xai_place low = windows[0].at, high = low;
  for (int64_t i = 1; i < n; i++) {
    low = (xai_place){min64(low.top, windows[i].at.top), min64(low.left, windows[i].at.left)};
    high = (xai_place){max64(high.top, windows[i].at.top), max64(high.left, windows[i].at.left)};
  }
  qsort(windows, (size_t)n, sizeof *windows, high.top - low.top > high.left - low.left ? by_row : by_column);
  XAI_TRY(run_groups(d, windows, n / 2, err));
  return run_groups(d, windows + n / 2, n - n / 2, err);
}

static xai_status run_windows(doing *d, xai_err *err) {
  const xai_local *l = d->l;
  xai_status st = XAI_OK;
  numbered *windows = xai_alloc((size_t)(l->n + 1) * sizeof *windows);
  d->made = xai_calloc((size_t)l->n_layers + 1, sizeof *d->made);
  if (windows == NULL || d->made == NULL) {
    st = xai_fail_memory(err, (size_t)l->n * sizeof *windows);
    goto done;
  }
  XAI_GOTO(make_sight(l, &d->s, err));
  for (int64_t i = 0; i < l->n; i++) windows[i] = (numbered){l->places[i], i};
  XAI_GOTO(run_groups(d, windows, l->n, err));
  XAI_GOTO(run_tail(d, err));
done:
  free_sight(&d->s);
  xai_tensor_free(d->waiting);
  xai_free(windows);
  xai_free(d->made);
  return st;
}

/* A network whose maps can be taken apart: one picture in, and nobody who looks at whole maps or changes them. */
static bool can_be_local(const xai_net *net, const xai_local *l) {
  const xai_shape *x = &l->x->shape;
  if (net->n_hooks > 0 || net->graph->n_inputs != 1 || x->rank != 4 || x->dims[0] != 1 || l->n == 0) return false;
  for (int k = 0; k < l->n_layers; k++)
    if (xai_net__layer_value(net, l->layers[k]) < 0) return false;
  return l->height < x->dims[2] || l->width < x->dims[3];
}

static xai_status run(xai_net *net, const xai_local *l, xai_err *err) {
  doing d = {.l = l};
  if (can_be_local(net, l)) XAI_TRY(xai_local_form_make(net, l, &d.f, err));
  xai_status st = d.f.net != NULL ? run_windows(&d, err) : xai_local_run_whole(net, l, err);
  xai_local_form_free(&d.f);
  return st;
}

xai_status xai_local_run(xai_net *net, const xai_local *l, xai_err *err) {
  xai_net *picked = NULL;
  xai_local all = *l;
  all.channels = NULL;
  all.n_channels = 0;
  if (l->channels != NULL) XAI_TRY(xai_net__pick(net, &l->x->shape, l->layers[0], l->channels, l->n_channels, &picked, err));
  xai_status st = picked != NULL ? run(picked, &all, err) : run(net, l, err);
  xai_net_free(picked);
  return st;
}
