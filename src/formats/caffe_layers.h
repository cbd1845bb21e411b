/* formats/caffe_layers.h: what the two halves of the Caffe loader share: caffe_load.c goes through the layers,
 * caffe_layers.c makes nodes of each. */
#ifndef FORMATS_CAFFE_LAYERS_H
#define FORMATS_CAFFE_LAYERS_H

#include "formats/caffe_model.h"
#include "formats/inspect.h"
#include "formats/span_map.h"
#include "graph/build.h"

enum { XAI_CAFFE_BOTTOMS = 4096 }; /* of one layer */

/* A Caffe blob, as its last writer has left it. */
typedef struct xai_caffe_blob {
  const char *value; /* the network's name for it; NULL: a top that nobody has written yet */
  bool matrix;       /* known to have two dims */
  bool made;         /* by a node */
  bool read;         /* by a later layer */
} xai_caffe_blob;

typedef struct xai_caffe_loader {
  xai_builder *builder;
  xai_file *weights;
  xai_inspection *seen; /* NULL: the network is loaded */
  xai_span_map blobs, weight_layers;
  xai_caffe_blob *blob_list; /* by number in 'blobs' */
  int blob_room;
  xai_caffe_layer *weight_list; /* by number in 'weight_layers' */
  char **texts;                 /* all names that were made, owned */
  int n_texts, text_room;
  unsigned fresh; /* makes names distinct */
  int layers;
} xai_caffe_loader;

/* One layer at work. */
typedef struct xai_caffe_job {
  xai_caffe_loader *ld;
  const xai_caffe_layer *l;
  const char *name;
  int n_in;
  const char **in; /* values of its bottoms */
  bool matrix;     /* the first of them has two dims */
  bool makes_matrix;
  const char *out; /* value of its top */
} xai_caffe_job;

/* A name that no value has: "<name>/<what>", with a number if need be; lives as long as the loader. */
xai_status xai_caffe__fresh_name(xai_caffe_loader *ld, const char *name, const char *what, const char **out,
                                 xai_err *err);

/* Adds the nodes of a layer: the one that makes its top, j->out, has the layer's name. Fails with XAI_EUNSUPPORTED for
 * what we have no operator for, XAI_EFORMAT and XAI_ESHAPE for parameters and weights that make no sense. */
xai_status xai_caffe__translate(xai_caffe_job *j, xai_err *err);
xai_status xai_caffe__fail_kind(const xai_caffe_layer *l, xai_err *err);

#endif
