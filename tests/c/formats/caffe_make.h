/* tests/c/formats/caffe_make.h: a tiny writer of .caffemodel files. */
#ifndef TESTS_CAFFE_MAKE_H
#define TESTS_CAFFE_MAKE_H

#include "formats/onnx_make.h"

/* A BlobProto of the present form. */
static inline xai_buf blob_of(xai_shape shape, const float *v) {
  xai_buf b = {0}, dims = {0}, packed = {0};
  for (int d = 0; d < shape.rank; d++) pb_varint(&packed, (uint64_t)shape.dims[d]);
  pb_message(&dims, 1, packed);
  pb_bytes(&b, 5, v, (size_t)xai_shape_size(&shape) * sizeof *v);
  pb_message(&b, 7, dims);
  return b;
}

/* One of the former: four dims, floats one by one. */
static inline xai_buf former_blob_of(xai_shape shape, const float *v) {
  xai_buf b = {0};
  for (int d = 0; d < 4; d++) pb_int(&b, (unsigned)d + 1, shape.dims[d]);
  for (int64_t i = 0; i < xai_shape_size(&shape); i++) pb_float(&b, 5, v[i]);
  return b;
}

/* Appends a layer with n blobs, which are used up. */
static inline void put_layer(xai_buf *model, const char *name, int n, xai_buf *blobs) {
  xai_buf layer = {0};
  pb_text(&layer, 1, name);
  for (int i = 0; i < n; i++) pb_message(&layer, 7, blobs[i]);
  pb_message(model, 100, layer);
}
static inline void put_former_layer(xai_buf *model, const char *name, int n, xai_buf *blobs) {
  xai_buf layer = {0};
  pb_text(&layer, 4, name);
  for (int i = 0; i < n; i++) pb_message(&layer, 6, blobs[i]);
  pb_message(model, 2, layer);
}
#define BLOB(shape, ...) blob_of(shape, (const float[]){__VA_ARGS__})
#define FORMER_BLOB(shape, ...) former_blob_of(shape, (const float[]){__VA_ARGS__})
#define LAYER(model, name, ...)                                                                                        \
  put_layer(model, name, (int)(sizeof((xai_buf[]){__VA_ARGS__}) / sizeof(xai_buf)), (xai_buf[]){__VA_ARGS__})

/* A model starts with the network's name, as Caffe writes it. */
static inline xai_buf caffe_model(void) {
  xai_buf b = {0};
  pb_text(&b, 1, "net");
  return b;
}

#endif
