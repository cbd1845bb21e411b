/* tests/fuzz/fuzz_caffe.h: one half of a Caffe network from any bytes, the other sound: a network with a layer of every
 * kind that has weights, and their weights. */
#ifndef TESTS_FUZZ_CAFFE_H
#define TESTS_FUZZ_CAFFE_H

#include "formats/caffe_model.h"
#include "fuzz_net.h"

#define FUZZ_STRUCTURE "/nowhere/fuzz.prototxt"
#define FUZZ_WEIGHTS "/nowhere/fuzz.caffemodel"

static const char fuzz_structure[] =
    "input: 'data' input_shape { dim: 1 dim: 2 dim: 4 dim: 4 }\n"
    "layer { name: 'conv' type: 'Convolution' bottom: 'data' top: 'conv'\n"
    "  convolution_param { num_output: 2 kernel_size: 2 } }\n"
    "layer { name: 'bn' type: 'BatchNorm' bottom: 'conv' top: 'conv' }\n"
    "layer { name: 'scale' type: 'Scale' bottom: 'conv' top: 'conv' scale_param { bias_term: true } }\n"
    "layer { name: 'relu' type: 'ReLU' bottom: 'conv' top: 'conv' }\n"
    "layer { name: 'pool' type: 'Pooling' bottom: 'conv' top: 'pool' pooling_param { kernel_size: 2 stride: 2 } }\n"
    "layer { name: 'fc' type: 'InnerProduct' bottom: 'pool' top: 'fc' inner_product_param { num_output: 2 } }\n"
    "layer { name: 'prob' type: 'Softmax' bottom: 'fc' top: 'prob' }\n";

/* A network's weights as a text: the binary file says the same. */
static const char fuzz_weights[] =
    "layer { name: 'conv'\n"
    "  blobs { shape { dim: [2, 2, 2, 2] } data: [1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 1] }\n"
    "  blobs { shape { dim: 2 } data: [0.5, -1] } }\n"
    "layer { name: 'bn' blobs { shape { dim: 2 } data: [1, 2] } blobs { shape { dim: 2 } data: [1, 4] }\n"
    "  blobs { shape { dim: 1 } data: 1 } }\n"
    "layer { name: 'scale' blobs { shape { dim: 2 } data: [1, -2] } blobs { shape { dim: 2 } data: [0, 1] } }\n"
    "layer { name: 'fc' blobs { shape { dim: [2, 8] } data: [1, 2, 3, 4, 5, 6, 7, 8, 8, 7, 6, 5, 4, 3, 2, 1] }\n"
    "  blobs { shape { dim: 2 } data: [0, 1] } }\n";

/* Loads and runs; a failure is the fault of one of the halves. */
static inline void fuzz_caffe(const void *structure, size_t n, const void *weights, size_t m) {
  size_t before = xai_mem_live();
  xai_net *net = NULL;
  xai_err err = {""};
  xai_file *text = fuzz_file(FUZZ_STRUCTURE, structure, n), *binary = fuzz_file(FUZZ_WEIGHTS, weights, m);
  xai_status st = xai_caffe_load(text, binary, &net, &err);
  FUZZ_CHECK((st == XAI_OK) == (net != NULL), "the result of a failure");
  if (st != XAI_OK) {
    bool second = strncmp(err.text, FUZZ_WEIGHTS, strlen(FUZZ_WEIGHTS)) == 0;
    bool together = st == XAI_ESHAPE || st == XAI_EARG || st == XAI_ENOTFOUND;
    fuzz_check_failure(second ? FUZZ_WEIGHTS : FUZZ_STRUCTURE, together ? XAI_EFORMAT : st, &err);
  }
  if (net != NULL) fuzz_net(net);
  xai_net_free(net);
  xai_file_release(text);
  xai_file_release(binary);
  FUZZ_CHECK(xai_mem_live() == before, "memory is left over");
}

/* The bytes of the sound half's weights, made once. */
static inline const xai_buf *fuzz_sound_weights(void) {
  static xai_buf bytes;
  xai_err err = {""};
  const xai_proto_span text = {(const unsigned char *)fuzz_weights, sizeof fuzz_weights - 1};
  if (bytes.size == 0) FUZZ_CHECK(xai_caffe__from_text(text, &bytes, &err) == XAI_OK && bytes.size > 0, err.text);
  return &bytes;
}

#endif
