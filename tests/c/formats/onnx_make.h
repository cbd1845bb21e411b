/* tests/c/formats/onnx_make.h: a tiny writer of ONNX files, for tests. It writes what it is told, sound or not. */
#ifndef TESTS_ONNX_MAKE_H
#define TESTS_ONNX_MAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/status.h"
#include "formats/formats.h"

/* ---- protobuf ------------------------------------------------------------------------------------ */
static inline void pb_varint(xai_buf *b, uint64_t v) {
  unsigned char bytes[10];
  size_t n = 0;
  do {
    bytes[n] = (unsigned char)(v & 0x7f);
    v >>= 7;
    if (v != 0) bytes[n] |= 0x80;
    n++;
  } while (v != 0);
  xai_buf_add(b, bytes, n);
}
static inline void pb_tag(xai_buf *b, unsigned field, unsigned wire) { pb_varint(b, (uint64_t)field << 3 | wire); }
static inline void pb_int(xai_buf *b, unsigned field, int64_t v) {
  pb_tag(b, field, 0);
  pb_varint(b, (uint64_t)v);
}
static inline void pb_float(xai_buf *b, unsigned field, float v) {
  pb_tag(b, field, 5);
  xai_buf_add(b, &v, 4);
}
static inline void pb_double(xai_buf *b, unsigned field, double v) {
  pb_tag(b, field, 1);
  xai_buf_add(b, &v, 8);
}
static inline void pb_bytes(xai_buf *b, unsigned field, const void *bytes, size_t n) {
  pb_tag(b, field, 2);
  pb_varint(b, n);
  xai_buf_add(b, bytes, n);
}
static inline void pb_text(xai_buf *b, unsigned field, const char *text) { pb_bytes(b, field, text, strlen(text)); }
/* Appends the message 'child' and frees it. */
static inline void pb_message(xai_buf *b, unsigned field, xai_buf child) {
  pb_bytes(b, field, child.data, child.size);
  xai_buf_free(&child);
}

/* ---- parts of a model ---------------------------------------------------------------------------- */
/* data_type */
enum { T_F32 = 1, T_U8, T_I8, T_U16, T_I16, T_I32, T_I64, T_STRING, T_BOOL, T_F16, T_F64, T_U32, T_U64 };
enum { T_C64 = 14, T_C128, T_BF16 };

/* A TensorProto without elements: dims, data_type, name. */
static inline xai_buf tensor_head(const char *name, int type, xai_shape shape) {
  xai_buf t = {0};
  for (int i = 0; i < shape.rank; i++) pb_int(&t, 1, shape.dims[i]);
  pb_int(&t, 2, type);
  if (name != NULL) pb_text(&t, 8, name);
  return t;
}
static inline xai_buf tensor_raw(const char *name, int type, xai_shape shape, const void *bytes, size_t n) {
  xai_buf t = tensor_head(name, type, shape);
  pb_bytes(&t, 9, bytes, n);
  return t;
}
static inline xai_buf tensor_f32(const char *name, xai_shape shape, const float *v) {
  return tensor_raw(name, T_F32, shape, v, (size_t)xai_shape_size(&shape) * 4);
}
static inline xai_buf tensor_i64(const char *name, xai_shape shape, const int64_t *v) {
  return tensor_raw(name, T_I64, shape, v, (size_t)xai_shape_size(&shape) * 8);
}

/* A ValueInfoProto; a dim of -1 becomes dim_param "N", a rank of -1 leaves the shape out. */
static inline xai_buf value_info(const char *name, int type, xai_shape shape) {
  xai_buf dims = {0}, tensor = {0}, t = {0}, v = {0};
  for (int i = 0; i < shape.rank; i++) {
    xai_buf dim = {0};
    if (shape.dims[i] == -1) pb_text(&dim, 2, "N");
    else pb_int(&dim, 1, shape.dims[i]);
    pb_message(&dims, 1, dim);
  }
  pb_int(&tensor, 1, type);
  if (shape.rank >= 0) pb_message(&tensor, 2, dims);
  pb_message(&t, 1, tensor);
  pb_text(&v, 1, name);
  pb_message(&v, 2, t);
  return v;
}

/* A NodeProto; names of inputs and outputs separated by blanks, "-" for one that is left out. */
static inline void put_names(xai_buf *b, unsigned field, const char *names) {
  while (*names != '\0') {
    size_t n = strcspn(names, " ");
    pb_bytes(b, field, names, n == 1 && names[0] == '-' ? 0 : n);
    names += n + strspn(names + n, " ");
  }
}
static inline xai_buf node(const char *op, const char *name, const char *inputs, const char *outputs) {
  xai_buf n = {0};
  put_names(&n, 1, inputs);
  put_names(&n, 2, outputs);
  if (name != NULL) pb_text(&n, 3, name);
  pb_text(&n, 4, op);
  return n;
}

static inline xai_buf attr_head(const char *name, int type) {
  xai_buf a = {0};
  pb_text(&a, 1, name);
  if (type != 0) pb_int(&a, 20, type);
  return a;
}
static inline void attr_float(xai_buf *n, const char *name, float v) {
  xai_buf a = attr_head(name, 1);
  pb_float(&a, 2, v);
  pb_message(n, 5, a);
}
static inline void attr_int(xai_buf *n, const char *name, int64_t v) {
  xai_buf a = attr_head(name, 2);
  pb_int(&a, 3, v);
  pb_message(n, 5, a);
}
static inline void attr_text(xai_buf *n, const char *name, const char *v) {
  xai_buf a = attr_head(name, 3);
  pb_text(&a, 4, v);
  pb_message(n, 5, a);
}
static inline void attr_tensor(xai_buf *n, const char *name, xai_buf tensor) {
  xai_buf a = attr_head(name, 4);
  pb_message(&a, 5, tensor);
  pb_message(n, 5, a);
}
static inline void attr_ints(xai_buf *n, const char *name, int count, const int64_t *v) {
  xai_buf a = attr_head(name, 7);
  for (int i = 0; i < count; i++) pb_int(&a, 8, v[i]);
  pb_message(n, 5, a);
}
#define ATTR_INTS(n, name, ...)                                                                                        \
  attr_ints(n, name, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__})

/* ---- a model ------------------------------------------------------------------------------------- */
typedef struct model {
  xai_buf graph;
  int64_t ir, opset; /* 0: left out */
} model;

static inline model model_of(int64_t opset) { return (model){.ir = opset < 9 ? 3 : 8, .opset = opset}; }
static inline void add_initializer(model *m, xai_buf tensor) { pb_message(&m->graph, 5, tensor); }
static inline void add_node(model *m, xai_buf n) { pb_message(&m->graph, 1, n); }
static inline void add_input(model *m, const char *name, xai_shape shape) {
  pb_message(&m->graph, 11, value_info(name, T_F32, shape));
}
static inline void add_output(model *m, const char *name) {
  pb_message(&m->graph, 12, value_info(name, T_F32, XAI_SHAPE(-1)));
}
/* The file; the model is used up. */
static inline xai_buf model_bytes(model *m) {
  xai_buf b = {0}, opset = {0};
  if (m->ir != 0) pb_int(&b, 1, m->ir);
  pb_message(&b, 7, m->graph);
  if (m->opset != 0) {
    pb_text(&opset, 1, "");
    pb_int(&opset, 2, m->opset);
    pb_message(&b, 8, opset);
  }
  *m = (model){0};
  return b;
}

/* ---- loading ------------------------------------------------------------------------------------- */
/* Loads bytes by way of a file that is gone afterwards. */
static inline xai_status load_bytes(const void *bytes, size_t n, xai_net **out, xai_err *err) {
  char path[64];
  snprintf(path, sizeof path, "/tmp/xai-%ld.onnx", (long)getpid());
  FILE *f = fopen(path, "wb");
  if (f == NULL || fwrite(bytes, 1, n, f) != n || fclose(f) != 0) abort();
  xai_file *file = NULL;
  xai_status st = xai_file_map(path, SIZE_MAX, &file, err);
  unlink(path);
  if (st == XAI_OK) st = xai_onnx_load(file, out, err);
  xai_file_release(file);
  return st;
}

/* Writes the model, loads it; the model is used up. */
static inline xai_status load_model(model *m, xai_net **out, xai_err *err) {
  xai_buf b = model_bytes(m);
  xai_status st = load_bytes(b.data, b.size, out, err);
  xai_buf_free(&b);
  return st;
}

/* The model must fail to load, with this status and this text in the message. */
static inline void assert_refused_bytes(xai_buf b, xai_status expected, const char *text) {
  xai_net *net = NULL;
  xai_err err = {""};
  xai_status st = load_bytes(b.data, b.size, &net, &err);
  xai_buf_free(&b);
  if (st != expected || strstr(err.text, text) == NULL)
    fail_msg("expected '...%s...' (%s), got '%s' (%s)", text, xai_status_text(expected), err.text, xai_status_text(st));
  assert_null(net);
}
static inline void assert_refused(model *m, xai_status expected, const char *text) {
  assert_refused_bytes(model_bytes(m), expected, text);
}

/* Loads the model and runs it on x; the output must have this shape and these elements (within 1e-6). */
static inline void assert_computes(model *m, xai_shape x_shape, const float *x, xai_shape y_shape, const float *y) {
  xai_net *net = NULL;
  xai_tensor *t = NULL;
  xai_err err = {""};
  float copy[64];
  if (load_model(m, &net, &err) != XAI_OK) fail_msg("load: %s", err.text);
  memcpy(copy, x, (size_t)xai_shape_size(&x_shape) * sizeof *x);
  xai_view view = {XAI_F32, x_shape, copy};
  if (xai_net_forward(net, &view, XAI_LAYER_OUTPUT, &t, &err) != XAI_OK) fail_msg("forward: %s", err.text);
  char got[XAI_SHAPE_TEXT], want[XAI_SHAPE_TEXT];
  const xai_view *out = xai_tensor_view(t);
  assert_string_equal(xai_shape_text(&out->shape, got), xai_shape_text(&y_shape, want));
  for (int64_t i = 0; i < xai_shape_size(&y_shape); i++) assert_float_equal(((const float *)out->data)[i], y[i], 1e-6);
  xai_tensor_free(t);
  xai_net_free(net);
}

/* true, and says so, when the folder with downloaded models is absent */
static inline bool no_shared_file(const char *name, char *path, size_t size) {
  const char *folder = getenv("XAI_SHARED");
  snprintf(path, size, "%s/%s", folder != NULL ? folder : "../shared", name);
  if (access(path, R_OK) == 0) return false;
  print_message("skipped: no %s\n", path);
  return true;
}

#endif
