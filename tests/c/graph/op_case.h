/* tests/c/graph/op_case.h: one call of one operator, written as text.
 *
 * Inputs are words separated by blanks:  [type][fill]shape[=numbers][?]
 *   type    i int64, j int32, b bool, u uint8; else float32
 *   fill    + positive random numbers, ~ a shuffled sequence of distinct numbers; else random in (-1, 1)
 *   shape   2x3x4, or s for a scalar
 *   =       the elements themselves, separated by commas; ? not known when shapes are inferred
 * A single '-' is an optional input left out; those of a blocked convolution's packed weights are made of random ones.
 *
 * Attributes are words name=value, lists separated by commas: "strides=2,1 auto_pad=SAME_UPPER". The word outputs=3
 * asks for so many outputs instead of one. */
#ifndef TESTS_GRAPH_OP_CASE_H
#define TESTS_GRAPH_OP_CASE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "graph/op.h"
#include "kernels/blocked.h"
#include "tensor/tensor.h"

enum { CASE_INPUTS = 6 };

typedef struct op_case {
  xai_op op;
  xai_attrs attrs;
  int n_in, n_out;
  xai_view in[CASE_INPUTS];
  bool unknown[CASE_INPUTS];
  xai_view out[XAI_MAX_OUTPUTS], dout[XAI_MAX_OUTPUTS], din[CASE_INPUTS];
  void *work;
  xai_call call;
} op_case;

/* ---- text to arrays ------------------------------------------------------------------------------------- */

/* Activations and clipping bend here; differences across a bend are meaningless. */
static inline bool near_kink(double x) { return fabs(x) < 0.02 || fabs(x + 0.4) < 0.02 || fabs(x - 0.5) < 0.02; }

static inline double random_number(uint64_t stream, uint64_t i) {
  double x;
  for (uint64_t k = 0; near_kink(x = 2 * xai_rng_uniform(xai_rng_stream(7, stream), 1000 * i + k) - 1); k++) continue;
  return x;
}

static inline void view_set(const xai_view *v, int64_t i, double x) {
  if (v->dtype == XAI_F32) ((float *)v->data)[i] = (float)x;
  else if (v->dtype == XAI_I64) ((int64_t *)v->data)[i] = (int64_t)x;
  else if (v->dtype == XAI_I32) ((int32_t *)v->data)[i] = (int32_t)x;
  else ((uint8_t *)v->data)[i] = (uint8_t)x;
}

static inline void *bytes_for(const xai_view *v) {
  void *p = malloc(xai_view_bytes(v) + 1); /* an empty array too has an address */
  assert_non_null(p);
  return p;
}

static inline void fill_view(const xai_view *v, char fill, uint64_t stream) {
  int64_t n = xai_shape_size(&v->shape);
  for (int64_t i = 0; i < n; i++) {
    double x = random_number(stream, (uint64_t)i);
    view_set(v, i, fill == '+' ? fabs(x) + 0.3 : fill == '~' ? (double)(i * 37 % n) / 8 + 0.01 * x - 1 : x);
  }
}

static inline const char *read_shape(const char *text, xai_shape *s) {
  *s = (xai_shape){0};
  if (*text == 's') return text + 1;
  for (;; text++) {
    char *end;
    s->dims[s->rank++] = strtoll(text, &end, 10);
    text = end;
    if (*text != 'x') return text;
  }
}

/* One word; 'stream' makes random inputs differ from one another. */
static inline void read_view(const char *text, uint64_t stream, xai_view *v, bool *unknown) {
  *v = (xai_view){.dtype = XAI_F32, .shape = {.rank = -1}};
  *unknown = false;
  if (text[0] == '-' && text[1] <= ' ') return;
  char fill = ' ';
  if (*text == 'i') v->dtype = XAI_I64, text++;
  else if (*text == 'j') v->dtype = XAI_I32, text++;
  else if (*text == 'b') v->dtype = XAI_BOOL, text++;
  else if (*text == 'u') v->dtype = XAI_U8, text++;
  if (*text == '+' || *text == '~') fill = *text++;
  text = read_shape(text, &v->shape);
  v->data = bytes_for(v);
  if (*text != '=') fill_view(v, fill, stream);
  for (int64_t i = 0; *text == '=' || *text == ','; i++) {
    char *end;
    assert_true(i < xai_shape_size(&v->shape));
    if (v->dtype == XAI_I64) ((int64_t *)v->data)[i] = strtoll(text + 1, &end, 10);
    else view_set(v, i, strtod(text + 1, &end));
    text = end;
  }
  *unknown = *text == '?';
}

static inline void read_attr(op_case *k, const char *word) {
  char name[32];
  size_t length = strcspn(word, "=");
  assert_true(length < sizeof name);
  memcpy(name, word, length);
  name[length] = '\0';
  if (strcmp(name, "outputs") == 0) {
    k->n_out = atoi(word + length + 1);
    return;
  }
  const xai_attr_spec *spec = xai_attr_find(k->op, name);
  if (spec == NULL) fail_msg("%s has no attribute %s", xai_op_get(k->op)->name, name);
  const char *value = word + length + 1;
  void *field = (char *)&k->attrs + spec->offset;
  if (spec->kind == XAI_ATTR_FLOAT) *(double *)field = strtod(value, NULL);
  if (spec->kind == XAI_ATTR_INT) *(int64_t *)field = strtoll(value, NULL, 10);
  if (spec->kind == XAI_ATTR_CHOICE) {
    int i = 0;
    while (spec->choices[i] != NULL && strcmp(spec->choices[i], value) != 0) i++;
    *(int64_t *)field = i;
  }
  if (spec->kind == XAI_ATTR_TEXT) {
    assert_true(strlen(value) < XAI_TEXT_MAX);
    strcpy(field, value);
  }
  if (spec->kind == XAI_ATTR_INTS) {
    xai_ints *list = field;
    for (char *end; *value != '\0'; value = *end == ',' ? end + 1 : end) list->v[list->n++] = strtoll(value, &end, 10);
  }
}

/* ---- a case's life ------------------------------------------------------------------------------------------ */

enum { CASE_WORD = 256 };

/* The next word of *rest, which moves on; false at the end. */
static inline bool next_word(const char **rest, char word[CASE_WORD]) {
  const char *start = *rest + strspn(*rest, " ");
  size_t length = strcspn(start, " ");
  assert_true(length < CASE_WORD);
  memcpy(word, start, length);
  word[length] = '\0';
  *rest = start + length;
  return length > 0;
}

/* Inputs 2 and 3 of a blocked convolution: the same weights for both ways. */
static inline void case_pack(op_case *k) {
  xk_conv2d p = k->attrs.blocked.conv;
  p.n = k->in[0].shape.dims[0];
  xai_view w = {.dtype = XAI_F32, .shape = XAI_SHAPE(p.m, p.c / p.groups, p.kh, p.kw)};
  w.data = bytes_for(&w);
  fill_view(&w, ' ', 50);
  for (int back = 0; back <= 1; back++) {
    xai_view *v = &k->in[2 + back];
    *v = (xai_view){.dtype = XAI_F32, .shape = XAI_SHAPE((int64_t)xk_bconv_packed(&p, back != 0))};
    v->data = bytes_for(v);
    xk_bconv_pack(&p, back != 0, w.data, NULL, v->data);
  }
  free(w.data);
}

static inline void case_open(op_case *k, xai_op op, const char *inputs, const char *attrs) {
  char word[CASE_WORD];
  *k = (op_case){.op = op, .n_out = 1};
  xai_attrs_default(op, &k->attrs);
  while (next_word(&attrs, word)) read_attr(k, word);
  for (; next_word(&inputs, word); k->n_in++) {
    assert_true(k->n_in < CASE_INPUTS);
    read_view(word, (uint64_t)k->n_in, &k->in[k->n_in], &k->unknown[k->n_in]);
  }
  if (op == XAI_OP_BLOCKED_CONV || op == XAI_OP_BLOCKED_CONV_CLIP) case_pack(k);
  k->call = (xai_call){.attrs = &k->attrs, .n_in = k->n_in, .n_out = k->n_out, .in = k->in, .out = k->out};
}

static inline xai_status case_infer(op_case *k, xai_err *err) {
  xai_view seen[CASE_INPUTS];
  memcpy(seen, k->in, sizeof seen);
  for (int i = 0; i < k->n_in; i++)
    if (k->unknown[i]) seen[i].data = NULL;
  k->call.in = seen;
  xai_status st = xai_op_infer(k->op, &k->call, err);
  k->call.in = k->in;
  return st;
}

/* Shapes and memory for a forward pass; the test fails if the operator refuses. */
static inline void case_prepare(op_case *k) {
  xai_err err;
  if (case_infer(k, &err) != XAI_OK) fail_msg("%s", err.text);
  for (int i = 0; i < k->n_out; i++) {
    k->out[i].data = bytes_for(&k->out[i]);
    memset(k->out[i].data, 0xff, xai_view_bytes(&k->out[i]));
  }
  const xai_op_def *def = xai_op_get(k->op);
  k->work = malloc(1 + (def->workspace != NULL ? def->workspace(&k->call) : 0));
  assert_non_null(k->work);
  k->call.work = k->work;
}

static inline void case_forward(op_case *k) { xai_op_get(k->op)->forward(&k->call); }

/* A gradient for each output and room for the gradient of each input in 'wanted' (a bit set); NaN stands there. */
static inline void case_prepare_backward(op_case *k, unsigned wanted) {
  for (int i = 0; i < k->n_out; i++) {
    k->dout[i] = k->out[i];
    k->dout[i].data = bytes_for(&k->out[i]);
    fill_view(&k->dout[i], ' ', (uint64_t)(99 + i));
  }
  for (int i = 0; i < k->n_in; i++) {
    k->din[i] = k->in[i];
    k->din[i].data = wanted & 1u << i ? bytes_for(&k->in[i]) : NULL;
    if (k->din[i].data != NULL) memset(k->din[i].data, 0xff, xai_view_bytes(&k->in[i]));
  }
  k->call.dout = k->dout;
  k->call.din = k->din;
}

static inline void case_close_backward(op_case *k) {
  for (int i = 0; i < k->n_in; i++) free(k->din[i].data);
  for (int i = 0; i < k->n_out; i++) free(k->dout[i].data);
  memset(k->dout, 0, sizeof k->dout);
  memset(k->din, 0, sizeof k->din);
}

static inline void case_close(op_case *k) {
  case_close_backward(k);
  for (int i = 0; i < k->n_in; i++) free(k->in[i].data);
  for (int i = 0; i < k->n_out; i++) free(k->out[i].data);
  free(k->work);
}

#endif
