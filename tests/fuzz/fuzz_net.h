/* tests/fuzz/fuzz_net.h: what is done with a network that came out of any bytes: everything that can be asked is asked,
 * and a small one runs forward and backward. */
#ifndef TESTS_FUZZ_NET_H
#define TESTS_FUZZ_NET_H

#include "fuzz.h"

/* Loading computes what depends on constants only; a file of a few bytes must not make that take long. */
#define FUZZ_NET_MEMORY ((size_t)32 << 20)
enum { FUZZ_LAYERS = 64, FUZZ_INPUTS = 4, FUZZ_ELEMENTS = 4096, FUZZ_ARENA = 256 << 10 };

static inline void fuzz_ask(xai_net *net) {
  xai_shape x = xai_net_input_shape(net);
  xai_err err = {""};
  int found;
  for (int i = XAI_LAYER_INPUT; i < xai_net_layer_count(net); i++) {
    xai_layer layer = xai_net_layer(net, i);
    fuzz_touch(layer.name, strlen(layer.name));
    fuzz_touch(layer.op, strlen(layer.op));
    FUZZ_CHECK(layer.name[0] == '\0' || xai_net_find_layer(net, layer.name, &found, &err) == XAI_OK, err.text);
  }
  (void)xai_net_default_layer(net, &x, &found, &err);
  for (int i = 0; i < xai_net_classes(net) && xai_net_label(net, i) != NULL; i++)
    fuzz_touch(xai_net_label(net, i), strlen(xai_net_label(net, i)));
  for (int i = 0; i < xai_net_output_count(net); i++) fuzz_touch(xai_net_output_name(net, i), 1);
}

/* An input of batch 1 with small numbers of its type; false when it is too large to be tried. */
static inline bool fuzz_input(const xai_input *declared, xai_tensor **out) {
  xai_shape s = declared->shape;
  xai_err err;
  int64_t elements = 1;
  if (s.rank < 0) s = XAI_SHAPE(1, 3, 8, 8);
  for (int d = 0; d < s.rank; d++) {
    if (s.dims[d] < 0) s.dims[d] = d == 0 ? 1 : 8;
    if (s.dims[d] > FUZZ_ELEMENTS || (elements *= s.dims[d]) > FUZZ_ELEMENTS) return false;
  }
  if (xai_tensor_new(declared->dtype, s, out, &err) != XAI_OK) return false;
  void *data = xai_tensor_view(*out)->data;
  for (int64_t i = 0; i < elements; i++) switch (declared->dtype) {
      case XAI_F32: ((float *)data)[i] = (float)(i * 37 % 64) / 16 - 2; break;
      case XAI_I64: ((int64_t *)data)[i] = i % 4; break;
      case XAI_I32: ((int32_t *)data)[i] = (int32_t)(i % 4); break;
      default: ((uint8_t *)data)[i] = (uint8_t)(i % 2);
    }
  return true;
}

/* Forward; backward from the last layer to the first input and all weights where there is such a gradient. */
static inline void fuzz_pass(xai_net *net, const xai_view *inputs, int n) {
  const int last = xai_net_resolve(net, XAI_LAYER_OUTPUT), input = XAI_LAYER_INPUT;
  const xai_request forward = {.keep_outputs = true};
  const xai_request both = {
      .keep_outputs = true, .seeds = &last, .n_seeds = 1, .wants = &input, .n_wants = n > 0, .weights = true};
  xai_run *run = NULL;
  xai_err err = {""};
  bool trains = last >= 0 && xai_run_open_all(net, inputs, n, &both, &run, &err) == XAI_OK;
  if (!trains && xai_run_open_all(net, inputs, n, &forward, &run, &err) != XAI_OK) {
    FUZZ_CHECK(run == NULL && err.text[0] != '\0', "the result of a failure");
    return;
  }
  if (xai_run_bytes(run) > FUZZ_ARENA) goto done;
  if (xai_run_forward_all(run, inputs, n, &err) != XAI_OK) {
    FUZZ_CHECK(err.text[0] != '\0', "a failure without a message");
    goto done;
  }
  for (int i = 0; i < xai_net_output_count(net); i++) {
    const xai_view *y = xai_run_output(run, i);
    if (y != NULL) fuzz_touch(y->data, (size_t)xai_shape_size(&y->shape) * xai_dtype_size(y->dtype));
  }
  xai_view *seed = trains ? xai_run_seed(run, last) : NULL;
  if (seed == NULL || seed->dtype != XAI_F32) goto done;
  for (int64_t i = 0; i < xai_shape_size(&seed->shape); i++) ((float *)seed->data)[i] = 1;
  if (xai_run_backward(run, &err) != XAI_OK) FUZZ_CHECK(err.text[0] != '\0', "a failure without a message");
  const xai_view *dx = xai_run_grad(run, input);
  if (dx != NULL) fuzz_touch(dx->data, (size_t)xai_shape_size(&dx->shape) * sizeof(float));
done:
  xai_run_close(run);
}

static inline void fuzz_net(xai_net *net) {
  xai_tensor *made[FUZZ_INPUTS] = {NULL};
  xai_view inputs[FUZZ_INPUTS];
  int n = xai_net_input_count(net);
  fuzz_ask(net);
  bool small = n <= FUZZ_INPUTS && xai_net_layer_count(net) <= FUZZ_LAYERS;
  for (int i = 0; small && i < n; i++) {
    xai_input declared = xai_net_input(net, i);
    small = fuzz_input(&declared, &made[i]);
    if (small) inputs[i] = *xai_tensor_view(made[i]);
  }
  if (small) fuzz_pass(net, inputs, n);
  for (int i = 0; i < FUZZ_INPUTS; i++) xai_tensor_free(made[i]);
}

#endif
