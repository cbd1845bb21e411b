/* formats/caffe_load.c: a Caffe network, from its structure (.prototxt, a text) and its weights (.caffemodel), which
 * are found by the layers' names.
 *
 *   Y. Jia et al., Caffe: Convolutional Architecture for Fast Feature Embedding, 2014; field numbers and defaults are
 *   those of its caffe.proto.
 *
 * Layers keep their names. A blob that several layers write in place (ReLU over its convolution) becomes one value per
 * layer: the first has the blob's name, the others their layer's. What each layer is made of stands in
 * caffe_layers.c.
 *
 * The network is the one that is asked (phase TEST, stage "deploy"): losses, accuracy and what belongs to training are
 * left out. The first dim of an input is free. Outputs are the blobs that no layer reads; the last is the main one. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/str.h"
#include "formats/caffe_layers.h"
#include "formats/formats.h"

enum { MAX_TEXT = 16 << 20, MAX_LAYERS = 10000, MAX_INPUTS = 64 };

/* ---- names --------------------------------------------------------------------------------------- */
static xai_status keep_text(xai_caffe_loader *ld, char *text, xai_err *err) {
  xai_status st = xai_grow((void **)&ld->texts, ld->n_texts, &ld->text_room, sizeof *ld->texts, err);
  if (st == XAI_OK) ld->texts[ld->n_texts++] = text;
  else xai_free(text);
  return st;
}

static xai_status span_text(xai_caffe_loader *ld, xai_proto_span s, const char **out, xai_err *err) {
  char *text;
  XAI_TRY(xai_proto__text(s, &text, err));
  *out = text;
  return keep_text(ld, text, err);
}

/* A name that no value has: "<name>/<what>", with a number if need be. */
xai_status xai_caffe__fresh_name(xai_caffe_loader *ld, const char *name, const char *what, const char **out,
                                 xai_err *err) {
  size_t room = strlen(name) + strlen(what) + 16;
  char *text = xai_alloc(room);
  if (text == NULL) return xai_fail_memory(err, room);
  snprintf(text, room, "%s/%s", name, what);
  while (xai_builder_find(ld->builder, text, NULL)) snprintf(text, room, "%s/%s_%u", name, what, ++ld->fresh);
  *out = text;
  return keep_text(ld, text, err);
}

/* ---- blobs --------------------------------------------------------------------------------------- */
static xai_status find_blob(xai_caffe_loader *ld, xai_proto_span name, xai_caffe_blob **out, xai_err *err) {
  int number = xai_span_map_find(&ld->blobs, name);
  if (number < 0) return xai_fail(err, XAI_EFORMAT, "blob '%.*s' is used before a layer makes it", XAI_SPAN(name));
  *out = &ld->blob_list[number];
  return XAI_OK;
}

static xai_status set_blob(xai_caffe_loader *ld, xai_proto_span name, xai_caffe_blob b, xai_err *err) {
  int number;
  XAI_TRY(xai_span_map_add(&ld->blobs, name, &number, err));
  XAI_TRY(xai_grow((void **)&ld->blob_list, number, &ld->blob_room, sizeof *ld->blob_list, err));
  ld->blob_list[number] = b;
  return XAI_OK;
}

/* ---- inputs -------------------------------------------------------------------------------------- */
static xai_status add_input(xai_caffe_loader *ld, xai_proto_span name, xai_shape shape, xai_err *err) {
  xai_caffe_blob b = {0};
  XAI_TRY(span_text(ld, name, &b.value, err));
  if (shape.rank > 0) shape.dims[0] = -1;
  XAI_TRY(xai_builder_input(ld->builder, b.value, XAI_F32, shape, err));
  return set_blob(ld, name, b, err);
}

/* The i-th shape message of a list, or its only one. */
static xai_status nth_shape(xai_proto_span message, uint32_t field, int i, xai_shape *out, xai_err *err) {
  xai_proto_field f, last = {0};
  int n = 0;
  while (n <= i && xai_proto__next_of(&message, field, &f)) {
    last = f;
    n++;
  }
  if (n == 0 || (n <= i && n > 1)) return xai_fail(err, XAI_EFORMAT, "no shape is given for input %d", i + 1);
  return xai_caffe__shape(last.bytes, out, err);
}

/* Four numbers for each input, one after another. */
static xai_status nth_dims(xai_proto_span net, int i, xai_shape *out, xai_err *err) {
  xai_proto_numbers dims = xai_proto__numbers(net, XAI_CAFFE_INPUT_DIM, 0);
  xai_shape s = {.rank = 0};
  uint64_t bits;
  for (int k = 0; k < 4 * (i + 1) && xai_proto__number(&dims, &bits); k++) {
    if (k < 4 * i) continue;
    if ((int64_t)bits < 1 || (int64_t)bits > INT32_MAX)
      return xai_fail(err, XAI_EFORMAT, "an input_dim of %lld", (long long)bits);
    s.dims[s.rank++] = (int64_t)bits;
  }
  if (s.rank != 4) return xai_fail(err, XAI_EFORMAT, "expected four input_dim for each input, or an input_shape");
  *out = s;
  return XAI_OK;
}

/* The inputs that the network itself declares, in the former way. */
static xai_status add_declared_inputs(xai_caffe_loader *ld, xai_proto_span net, xai_err *err) {
  xai_proto_span rest = net;
  xai_proto_field f;
  xai_shape shape;
  bool shapes = xai_caffe__has(net, XAI_CAFFE_INPUT_SHAPE);
  for (int i = 0; xai_proto__next_of(&rest, XAI_CAFFE_INPUT, &f); i++) {
    if (i == MAX_INPUTS) return xai_fail(err, XAI_EFORMAT, "more than %d inputs", MAX_INPUTS);
    XAI_TRY(shapes ? nth_shape(net, XAI_CAFFE_INPUT_SHAPE, i, &shape, err) : nth_dims(net, i, &shape, err));
    XAI_TRY(add_input(ld, f.bytes, shape, err));
  }
  return XAI_OK;
}

/* Layers that make inputs. Of Data only the first top is one (the second has the labels), and its size is that of the
 * crops, of three channels. */
static xai_status add_input_layer(xai_caffe_loader *ld, const xai_caffe_layer *l, xai_err *err) {
  xai_proto_span rest = l->message, top;
  const xai_proto_span *memory = &l->param[XAI_CAFFE_P_MEMORY_DATA];
  int64_t crop = xai_caffe__int(l->param[XAI_CAFFE_P_TRANSFORM], 3, 0);
  xai_shape shape = XAI_SHAPE(1, 3, crop, crop);
  for (int i = 0; xai_caffe__next_top(l, &rest, &top) && (i == 0 || l->kind == XAI_CAFFE_INPUT_LAYER); i++) {
    if (i == MAX_INPUTS) return xai_fail(err, XAI_EFORMAT, "more than %d tops", MAX_INPUTS);
    if (l->kind == XAI_CAFFE_INPUT_LAYER) XAI_TRY(nth_shape(l->param[XAI_CAFFE_P_INPUT], 1, i, &shape, err));
    if (l->kind == XAI_CAFFE_MEMORY_DATA)
      for (int d = 1; d < 4; d++) shape.dims[d] = xai_caffe__int(*memory, (uint32_t)d + 1, 0);
    for (int d = 1; d < shape.rank; d++)
      if (shape.dims[d] < 1 || shape.dims[d] > INT32_MAX)
        return xai_fail(err, XAI_EUNSUPPORTED, "the size of the input is not given; use the network's deploy.prototxt");
    XAI_TRY(add_input(ld, top, shape, err));
  }
  return XAI_OK;
}

/* ---- weights ------------------------------------------------------------------------------------- */
static xai_status index_weights(xai_caffe_loader *ld, xai_err *err) {
  xai_proto_span rest = {xai_file_data(ld->weights), xai_file_size(ld->weights)};
  xai_caffe_layer l;
  int room = 0;
  XAI_TRY(xai_caffe__check(rest, err));
  for (int n = 0; xai_caffe__next_layer(&rest, &l); n++) {
    int number;
    XAI_TRY(xai_caffe__check_layer(&l, err));
    if (n == MAX_LAYERS) return xai_fail(err, XAI_EFORMAT, "more than %d layers", MAX_LAYERS);
    if (l.n_blobs == 0) continue;
    XAI_TRY(xai_span_map_add(&ld->weight_layers, l.name, &number, err));
    XAI_TRY(xai_grow((void **)&ld->weight_list, number, &room, sizeof *ld->weight_list, err));
    ld->weight_list[number] = l;
  }
  return XAI_OK;
}

/* ---- layers -------------------------------------------------------------------------------------- */
/* The values of the bottoms, which are read from now on. */
static xai_status read_bottoms(xai_caffe_job *j, xai_err *err) {
  xai_proto_span rest = j->l->message, name;
  xai_caffe_blob *b;
  if (j->l->n_bottoms > XAI_CAFFE_BOTTOMS) return xai_fail(err, XAI_EFORMAT, "more than %d bottoms", XAI_CAFFE_BOTTOMS);
  j->in = xai_alloc((size_t)j->l->n_bottoms * sizeof *j->in);
  if (j->in == NULL) return xai_fail_memory(err, (size_t)j->l->n_bottoms * sizeof *j->in);
  while (xai_caffe__next_bottom(j->l, &rest, &name)) {
    XAI_TRY(find_blob(j->ld, name, &b, err));
    b->read = true;
    if (j->n_in == 0) j->matrix = b->matrix;
    j->in[j->n_in++] = b->value;
  }
  return XAI_OK;
}

/* A value's name for the top: the blob's own for its first writer, the layer's for those in place. */
static xai_status name_top(xai_caffe_job *j, xai_proto_span top, xai_err *err) {
  const char *name;
  XAI_TRY(span_text(j->ld, top, &name, err));
  j->out = name;
  if (!xai_builder_find(j->ld->builder, name, NULL)) return XAI_OK;
  j->out = j->name;
  if (!xai_builder_find(j->ld->builder, j->name, NULL)) return XAI_OK;
  return xai_caffe__fresh_name(j->ld, name, j->name, &j->out, err);
}

static xai_status add_split(xai_caffe_job *j, xai_err *err) {
  xai_proto_span rest = j->l->message, name;
  if (j->n_in != 1) return xai_fail(err, XAI_EFORMAT, "%d bottoms (expected 1)", j->n_in);
  while (xai_caffe__next_top(j->l, &rest, &name))
    XAI_TRY(set_blob(j->ld, name, (xai_caffe_blob){.value = j->in[0], .matrix = j->matrix}, err));
  return XAI_OK;
}

static xai_status add_worker(xai_caffe_job *j, xai_err *err) {
  xai_proto_span rest = j->l->message, top;
  XAI_TRY(read_bottoms(j, err));
  if (j->l->kind == XAI_CAFFE_SPLIT) return add_split(j, err);
  if (j->l->kind == XAI_CAFFE_UNKNOWN) return xai_caffe__fail_kind(j->l, err);
  if (j->l->n_tops != 1) return xai_fail(err, XAI_EUNSUPPORTED, "%d tops (expected 1)", j->l->n_tops);
  if (j->n_in == 0) return xai_fail(err, XAI_EFORMAT, "no bottom");
  xai_caffe__next_top(j->l, &rest, &top);
  XAI_TRY(name_top(j, top, err));
  XAI_TRY(xai_caffe__translate(j, err));
  return set_blob(j->ld, top, (xai_caffe_blob){.value = j->out, .matrix = j->makes_matrix, .made = true}, err);
}

static xai_status count_type(xai_inspection *seen, const xai_caffe_layer *l, xai_err *err) {
  char type[64];
  snprintf(type, sizeof type, "%.*s", XAI_SPAN(l->type));
  return xai_inspection__op(seen, type, err);
}

/* An inspection goes on behind a layer that cannot be added: a single zero stands in for each of its tops. */
static xai_status pass_over(xai_caffe_job *j, xai_status st, xai_err *err) {
  xai_proto_span rest = j->l->message, top;
  char type[64];
  snprintf(type, sizeof type, "%.*s", XAI_SPAN(j->l->type));
  XAI_TRY(xai_inspection__problem(j->ld->seen, j->name, type, st, err));
  while (xai_caffe__next_top(j->l, &rest, &top)) {
    xai_caffe_blob b = {.matrix = j->matrix};
    XAI_TRY(xai_caffe__fresh_name(j->ld, j->name, "nothing", &b.value, err));
    XAI_TRY(xai_inspection__stand_in(j->ld->builder, b.value, err));
    st = set_blob(j->ld, top, b, err);
    if (st != XAI_OK) return st;
  }
  return XAI_OK;
}

static xai_status add_layer(xai_caffe_loader *ld, const xai_caffe_layer *l, xai_err *err) {
  xai_caffe_job j = {.ld = ld, .l = l};
  xai_status st;
  XAI_GOTO(xai_caffe__check_layer(l, err));
  if (!l->is_tested || l->kind == XAI_CAFFE_TRAINING) return XAI_OK;
  if (++ld->layers > MAX_LAYERS) return xai_fail(err, XAI_EFORMAT, "more than %d layers", MAX_LAYERS);
  XAI_GOTO(span_text(ld, l->name, &j.name, err));
  XAI_GOTO(count_type(ld->seen, l, err));
  bool input = l->kind == XAI_CAFFE_INPUT_LAYER || l->kind == XAI_CAFFE_DATA || l->kind == XAI_CAFFE_MEMORY_DATA;
  st = input ? add_input_layer(ld, l, err) : add_worker(&j, err);
  if (st != XAI_OK) st = pass_over(&j, st, err);
done:
  xai_free(j.in);
  return xai_err_prefix(err, st, "layer '%.*s': ", XAI_SPAN(l->name));
}

/* ---- the network --------------------------------------------------------------------------------- */
/* What no layer reads, the last first. */
static xai_status add_outputs(xai_caffe_loader *ld, xai_err *err) {
  for (int i = ld->blobs.n; i-- > 0;) {
    const xai_caffe_blob *b = &ld->blob_list[i];
    if (b->made && !b->read) XAI_TRY(xai_builder_output(ld->builder, b->value, err));
  }
  return XAI_OK;
}

static xai_status add_all(xai_caffe_loader *ld, xai_proto_span net, xai_err *err) {
  xai_caffe_layer l;
  XAI_TRY(add_declared_inputs(ld, net, err));
  while (xai_caffe__next_layer(&net, &l)) {
    if (xai_stop_requested()) return xai_fail_stop(err);
    XAI_TRY(add_layer(ld, &l, err));
  }
  return add_outputs(ld, err);
}

/* Caffe's networks for photographs want what its own scripts give them. */
static xai_status add_preprocess(xai_net **net, xai_err *err) {
  xai_preprocess p;
  xai_net *view;
  xai_shape x = xai_net_input_shape(*net);
  if (x.rank != 4 || x.dims[1] != 3) return XAI_OK;
  XAI_TRY(xai_preprocess_preset("caffe", &p, err));
  XAI_TRY(xai_net_set_preprocess(*net, &p, &view, err));
  xai_net_free(*net);
  *net = view;
  return XAI_OK;
}

static void free_loader(xai_caffe_loader *ld) {
  xai_builder_free(ld->builder);
  xai_span_map_free(&ld->blobs);
  xai_span_map_free(&ld->weight_layers);
  xai_free(ld->blob_list);
  xai_free(ld->weight_list);
  while (ld->n_texts > 0) xai_free(ld->texts[--ld->n_texts]);
  xai_free(ld->texts);
}

static xai_status read_text(xai_file *file, xai_buf *out, xai_err *err) {
  xai_proto_span text = {xai_file_data(file), xai_file_size(file)};
  if (text.n > MAX_TEXT) return xai_fail(err, XAI_EFORMAT, "a text of more than %d bytes", MAX_TEXT);
  return xai_caffe__from_text(text, out, err);
}

static xai_status load(xai_file *structure, xai_file *weights, xai_inspection *seen, xai_net **out, xai_err *err) {
  xai_caffe_loader ld = {.weights = weights, .seen = seen};
  xai_buf text = {0};
  xai_net *net = NULL;
  xai_status st = index_weights(&ld, err);
  if (st != XAI_OK) {
    xai_err_prefix(err, st, "%s: ", xai_file_path(weights));
    free_loader(&ld);
    return st;
  }
  XAI_GOTO(read_text(structure, &text, err));
  XAI_GOTO(xai_builder_new(&ld.builder, err));
  XAI_GOTO(add_all(&ld, (xai_proto_span){text.data, text.size}, err));
  if (seen != NULL && seen->n_problems > 0) goto done;
  st = xai_builder_freeze(ld.builder, &net, err);
  if (st == XAI_OK) st = add_preprocess(&net, err);
  XAI_GOTO(xai_inspection__problem(seen, "", "", st, err));
  if (seen == NULL || seen->n_problems == 0) {
    *out = net;
    net = NULL;
  }
done:
  xai_net_free(net);
  free_loader(&ld);
  xai_buf_free(&text);
  return xai_err_prefix(err, st, "%s: ", xai_file_path(structure));
}

xai_status xai_caffe_load(xai_file *structure, xai_file *weights, xai_net **out, xai_err *err) {
  return load(structure, weights, NULL, out, err);
}

/* ---- a look at it -------------------------------------------------------------------------------- */
/* The types of the layers that one half alone names. */
static xai_status inspect_half(xai_proto_span net, xai_inspection *out, xai_err *err) {
  xai_caffe_layer l;
  char name[100], type[64];
  while (xai_caffe__next_layer(&net, &l)) {
    XAI_TRY(xai_caffe__check_layer(&l, err));
    if (!l.is_tested || l.kind == XAI_CAFFE_TRAINING) continue;
    XAI_TRY(count_type(out, &l, err));
    if (l.kind != XAI_CAFFE_UNKNOWN) continue;
    snprintf(name, sizeof name, "%.*s", XAI_SPAN(l.name));
    snprintf(type, sizeof type, "%.*s", XAI_SPAN(l.type));
    XAI_TRY(xai_inspection__problem(out, name, type, xai_caffe__fail_kind(&l, err), err));
  }
  return XAI_OK;
}

xai_status xai_caffe__inspect(xai_file *structure, xai_file *weights, xai_inspection *out, xai_err *err) {
  xai_buf text = {0};
  xai_status st;
  xai_file *half = structure != NULL ? structure : weights;
  out->format = "Caffe";
  if (structure != NULL && weights != NULL) return load(structure, weights, out, &out->net, err);
  if (structure != NULL) XAI_GOTO(read_text(structure, &text, err));
  xai_proto_span net = {text.data, text.size};
  if (structure == NULL) {
    net = (xai_proto_span){xai_file_data(weights), xai_file_size(weights)};
    XAI_GOTO(xai_caffe__check(net, err));
  }
  st = inspect_half(net, out, err);
done:
  xai_buf_free(&text);
  return xai_err_prefix(err, st, "%s: ", xai_file_path(half));
}

/* ---- means --------------------------------------------------------------------------------------- */
xai_status xai_caffe_mean_parse(xai_file *file, float mean[3], xai_err *err) {
  xai_tensor *t = NULL;
  xai_status st;
  XAI_GOTO(xai_caffe__blob_file(file, &t, err));
  xai_shape s = xai_tensor_view(t)->shape;
  int at = s.rank - 3; /* where the channels stand */
  if (at < 0 || (s.dims[at] != 3 && s.dims[at] != 1) || xai_shape_span(&s, 0, at) != 1) {
    char text[XAI_SHAPE_TEXT];
    st = xai_fail(err, XAI_ESHAPE, "%s is not a picture of 1 or 3 channels", xai_shape_text(&s, text));
    goto done;
  }
  int64_t plane = s.dims[at + 1] * s.dims[at + 2];
  for (int c = 0; c < 3; c++) {
    const float *v = xai_tensor_floats(t) + (s.dims[at] == 3 ? c * plane : 0);
    double sum = 0;
    for (int64_t i = 0; i < plane; i++) sum += v[i];
    mean[c] = (float)(sum / (double)plane);
  }
done:
  xai_tensor_free(t);
  return xai_err_prefix(err, st, "%s: ", xai_file_path(file));
}

xai_status xai_caffe_mean_read(const char *path, float mean[3], xai_err *err) {
  xai_file *file;
  XAI_TRY(xai_file_map(path, (size_t)1 << 30, &file, err));
  xai_status st = xai_caffe_mean_parse(file, mean, err);
  xai_file_release(file);
  return st;
}
