/* formats/inspect.h: what a network file is made of, and what of it cannot be run: all of that, not only the first.
 *
 * The file is read by its ordinary reader, which here gets an xai_inspection: it counts operators, notes what it cannot
 * do and goes on behind it, and takes zeros for the weights, so that none of them is touched. */
#ifndef FORMATS_INSPECT_H
#define FORMATS_INSPECT_H

#include "base/file.h"
#include "graph/build.h"

/* An operator, or a type of Caffe's layers, and how many nodes have it. */
typedef struct xai_op_use {
  char name[64];
  long count, problems; /* problems: how many of them cannot be run */
} xai_op_use;

typedef struct xai_problem {
  char node[100], op[64]; /* "": of the file as a whole */
  char text[XAI_ERR_MAX];
} xai_problem;

typedef struct xai_inspection {
  const char *format; /* "ONNX", "Caffe"; "tensors": weights without a structure, about which the rest says nothing */
  char producer[80];  /* "pytorch 1.13.1", or "" */
  int64_t ir_version, opset; /* ONNX */
  size_t bytes;       /* of the file or files, without external data */
  xai_op_use *ops;    /* by name */
  int n_ops, room_ops;
  xai_problem *problems; /* in the order of the file; at most XAI_PROBLEMS of them are kept */
  int n_problems, room_problems;
  long more_problems;
  xai_net *net; /* the network with zeros for weights: its layers and shapes. NULL when there is a problem or no structure */
} xai_inspection;

enum { XAI_PROBLEMS = 100 };

/* weights: the .caffemodel of a Caffe network when it does not lie beside its .prototxt, else NULL. *out starts zeroed.
 * Fails with XAI_EFORMAT for a damaged file and one that holds no network; what is well-formed and cannot be run is
 * no failure. */
xai_status xai_inspect(const char *path, const char *weights, xai_inspection *out, xai_err *err);
void xai_inspection_free(xai_inspection *i); /* contents; the struct itself is the caller's */

/* ---- for the readers ----------------------------------------------------------------------------- */
/* A node with this operator was met. A NULL inspection is fine and does nothing. */
xai_status xai_inspection__op(xai_inspection *i, const char *op, xai_err *err);
/* Takes down what is wrong with a node and returns XAI_OK, so that the reader goes on. Failures that are not the file's
 * (memory, Ctrl-C), and any without an inspection, are returned as they are. */
xai_status xai_inspection__problem(xai_inspection *i, const char *node, const char *op, xai_status st, xai_err *err);
/* A single zero under this name, unless it is empty or taken: so that what follows something that could not be read is
 * read. */
xai_status xai_inspection__stand_in(xai_builder *b, const char *name, xai_err *err);
/* Zeros in place of weights: 'count' floats are worth it. */
bool xai_inspection__hollow(const xai_inspection *i, xai_dtype dtype, int64_t count);

/* The readers (onnx_load.c, caffe_load.c). A Caffe network may lack one of its halves: then only types are told. */
xai_status xai_onnx__inspect(xai_file *file, xai_inspection *out, xai_err *err);
xai_status xai_caffe__inspect(xai_file *structure, xai_file *weights, xai_inspection *out, xai_err *err);

#endif
