/* formats/inspect.c: the list that readers write what they meet into. */
#include "formats/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "formats/formats.h"
#include "formats/load.h"

static xai_op_use *find_op(const xai_inspection *i, const char *op) {
  for (int k = 0; k < i->n_ops; k++)
    if (strncmp(i->ops[k].name, op, sizeof i->ops[k].name - 1) == 0) return &i->ops[k];
  return NULL;
}

xai_status xai_inspection__op(xai_inspection *i, const char *op, xai_err *err) {
  if (i == NULL) return XAI_OK;
  xai_op_use *use = find_op(i, op);
  if (use == NULL) {
    XAI_TRY(xai_grow((void **)&i->ops, i->n_ops, &i->room_ops, sizeof *i->ops, err));
    use = &i->ops[i->n_ops++];
    *use = (xai_op_use){.count = 0};
    snprintf(use->name, sizeof use->name, "%s", op);
  }
  use->count++;
  return XAI_OK;
}

xai_status xai_inspection__problem(xai_inspection *i, const char *node, const char *op, xai_status st, xai_err *err) {
  if (i == NULL || st == XAI_OK || st == XAI_ENOMEM || st == XAI_ESTOP) return st;
  xai_op_use *use = find_op(i, op);
  if (use != NULL) use->problems++;
  if (i->n_problems == XAI_PROBLEMS) {
    i->more_problems++;
    return XAI_OK;
  }
  xai_err text = *err;
  XAI_TRY(xai_grow((void **)&i->problems, i->n_problems, &i->room_problems, sizeof *i->problems, err));
  xai_problem *p = &i->problems[i->n_problems++];
  snprintf(p->node, sizeof p->node, "%s", node);
  snprintf(p->op, sizeof p->op, "%s", op);
  snprintf(p->text, sizeof p->text, "%s", text.text);
  return XAI_OK;
}

xai_status xai_inspection__stand_in(xai_builder *b, const char *name, xai_err *err) {
  xai_tensor *t;
  if (name[0] == '\0' || xai_builder_find(b, name, NULL)) return XAI_OK;
  XAI_TRY(xai_tensor_new(XAI_F32, XAI_SHAPE(1), &t, err));
  xai_status st = xai_builder_constant(b, name, t, err);
  xai_tensor_free(t);
  return st;
}

/* Shapes, axes and scales are small and must be known; so are the few weights of a tiny network. */
bool xai_inspection__hollow(const xai_inspection *i, xai_dtype dtype, int64_t count) {
  return i != NULL && dtype == XAI_F32 && count >= 256;
}

void xai_inspection_free(xai_inspection *i) {
  xai_net_free(i->net);
  xai_free(i->ops);
  xai_free(i->problems);
  *i = (xai_inspection){0};
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const xai_op_use *)a)->name, ((const xai_op_use *)b)->name);
}

static xai_status inspect_caffe(xai_file *file, bool is_text, const char *weights, xai_inspection *out, xai_err *err) {
  xai_file *other = NULL;
  char *found = NULL;
  xai_status st;
  if (weights == NULL) {
    XAI_GOTO(xai_load__caffe_half(xai_file_path(file), is_text, &found, err));
    weights = found;
  }
  if (weights != NULL) XAI_GOTO(xai_file_map(weights, XAI_LARGEST_MODEL, &other, err));
  out->bytes += other != NULL ? xai_file_size(other) : 0;
  st = is_text ? xai_caffe__inspect(file, other, out, err) : xai_caffe__inspect(other, file, out, err);
done:
  xai_free(found);
  xai_file_release(other);
  return st;
}

xai_status xai_inspect(const char *path, const char *weights, xai_inspection *out, xai_err *err) {
  xai_file *file = NULL;
  xai_inspection i = {0};
  xai_status st;
  XAI_TRY(xai_file_map(path, XAI_LARGEST_MODEL, &file, err));
  i.bytes = xai_file_size(file);
  xai_format format = xai_format_sniff(xai_file_data(file), xai_file_size(file));
  if (format == XAI_FORMAT_SAFETENSORS || format == XAI_FORMAT_NPY || format == XAI_FORMAT_ZIP ||
      format == XAI_FORMAT_PICKLE)
    i.format = "tensors", st = XAI_OK;
  else if (format == XAI_FORMAT_TEXT || format == XAI_FORMAT_CAFFE)
    st = inspect_caffe(file, format == XAI_FORMAT_TEXT, weights, &i, err);
  else
    st = xai_onnx__inspect(file, &i, err);
  if (st == XAI_OK) {
    if (i.n_ops > 0) qsort(i.ops, (size_t)i.n_ops, sizeof *i.ops, by_name);
    *out = i;
  } else {
    xai_inspection_free(&i);
  }
  xai_file_release(file);
  return st;
}
