/* formats/caffe_model.h: the messages of a Caffe network (caffe.proto) as views into it: NetParameter with layers of
 * the present form (LayerParameter, field 100) or the former one (V1LayerParameter, field 2), and blobs. */
#ifndef FORMATS_CAFFE_MODEL_H
#define FORMATS_CAFFE_MODEL_H

#include "base/file.h"
#include "formats/inspect.h"
#include "formats/proto_text.h"
#include "formats/proto_wire.h"
#include "tensor/tensor.h"

/* ---- networks ------------------------------------------------------------------------------------ */
/* Field numbers of a NetParameter that the loader walks along. */
enum { XAI_CAFFE_INPUT = 3, XAI_CAFFE_INPUT_DIM = 4, XAI_CAFFE_INPUT_SHAPE = 8 };

/* The NetParameter that a .prototxt describes, appended to *out; checked. */
xai_status xai_caffe__from_text(xai_proto_span text, xai_buf *out, xai_err *err);
/* Is 'file' a sound NetParameter? */
xai_status xai_caffe__check(xai_proto_span file, xai_err *err);

/* ---- layers -------------------------------------------------------------------------------------- */
typedef enum xai_caffe_kind {
  XAI_CAFFE_BATCH_NORM, XAI_CAFFE_CONCAT, XAI_CAFFE_CONVOLUTION, XAI_CAFFE_DATA, XAI_CAFFE_DROPOUT, XAI_CAFFE_ELTWISE,
  XAI_CAFFE_FLATTEN, XAI_CAFFE_INNER_PRODUCT, XAI_CAFFE_INPUT_LAYER, XAI_CAFFE_LRN, XAI_CAFFE_MEMORY_DATA,
  XAI_CAFFE_POOLING, XAI_CAFFE_RELU, XAI_CAFFE_SCALE, XAI_CAFFE_SIGMOID, XAI_CAFFE_SOFTMAX, XAI_CAFFE_SPLIT,
  XAI_CAFFE_TANH,
  XAI_CAFFE_TRAINING, /* losses, accuracy, ...: no part of a network that is only asked */
  XAI_CAFFE_UNKNOWN
} xai_caffe_kind;

/* Which of a layer's parameter messages; field numbers inside them are those of caffe.proto. */
typedef enum xai_caffe_param {
  XAI_CAFFE_P_BATCH_NORM, XAI_CAFFE_P_CONCAT, XAI_CAFFE_P_CONVOLUTION, XAI_CAFFE_P_DROPOUT, XAI_CAFFE_P_ELTWISE,
  XAI_CAFFE_P_FLATTEN, XAI_CAFFE_P_INNER_PRODUCT, XAI_CAFFE_P_INPUT, XAI_CAFFE_P_LRN, XAI_CAFFE_P_MEMORY_DATA,
  XAI_CAFFE_P_POOLING, XAI_CAFFE_P_RELU, XAI_CAFFE_P_SCALE, XAI_CAFFE_P_SOFTMAX, XAI_CAFFE_P_TRANSFORM, XAI_CAFFE_PARAMS
} xai_caffe_param;

enum { XAI_CAFFE_BLOBS = 4 };

typedef struct xai_caffe_layer {
  xai_proto_span message, name, type;
  bool former;    /* a V1LayerParameter */
  bool is_tested; /* its include and exclude rules let it stand at inference */
  xai_caffe_kind kind;
  xai_proto_span param[XAI_CAFFE_PARAMS]; /* empty: all defaults */
  xai_proto_span blobs[XAI_CAFFE_BLOBS];  /* the first of n_blobs */
  int n_bottoms, n_tops, n_blobs;
} xai_caffe_layer;

/* Takes the next layer off the front of *rest, which starts as a whole NetParameter; false at the end. */
bool xai_caffe__next_layer(xai_proto_span *rest, xai_caffe_layer *out);
/* Fails with XAI_EUNSUPPORTED for a layer of the oldest form (V0), with XAI_EFORMAT for one without a name. */
xai_status xai_caffe__check_layer(const xai_caffe_layer *l, xai_err *err);
/* The next name of a bottom or a top, taken off the front of *rest, which starts as the layer's message. */
bool xai_caffe__next_bottom(const xai_caffe_layer *l, xai_proto_span *rest, xai_proto_span *name);
bool xai_caffe__next_top(const xai_caffe_layer *l, xai_proto_span *rest, xai_proto_span *name);
/* "BatchNorm, Concat, ...": what can be loaded, for messages. */
void xai_caffe__kinds(char *text, size_t size);

/* ---- parameters ---------------------------------------------------------------------------------- */
/* The last value of the field, or 'absent'. */
int64_t xai_caffe__int(xai_proto_span param, uint32_t field, int64_t absent);
float xai_caffe__float(xai_proto_span param, uint32_t field, float absent);
bool xai_caffe__has(xai_proto_span param, uint32_t field);
/* A size for each of two axes: from the fields of height and width if one is there, else from a list of none
 * ('absent'), one or two numbers. Fails with XAI_EFORMAT for other counts, and numbers outside 'least' to 2^31 - 1. */
typedef struct xai_caffe_pair {
  const char *name;
  uint32_t list, height, width; /* fields; height 0: only the list */
  int64_t absent, least;
} xai_caffe_pair;
xai_status xai_caffe__pair(xai_proto_span param, const xai_caffe_pair *p, int64_t out[2], xai_err *err);

/* ---- blobs --------------------------------------------------------------------------------------- */
/* The dims of a BlobShape, each 1 to 2^31 - 1. */
xai_status xai_caffe__shape(xai_proto_span message, xai_shape *out, xai_err *err);
/* Elements of a BlobProto; they stay in the file where they can. Fails with XAI_EFORMAT when they are not as many as
 * the shape says. seen: weights are zeros; NULL: they are read. */
xai_status xai_caffe__blob(xai_file *file, const xai_inspection *seen, xai_proto_span message, xai_tensor **out,
                           xai_err *err);
/* The same for a file that holds nothing else (.binaryproto). */
xai_status xai_caffe__blob_file(xai_file *file, xai_tensor **out, xai_err *err);

#endif
