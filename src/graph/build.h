/* graph/build.h: putting a network together. Used by the ONNX reader and the architecture zoo.
 *
 * Values are named; a node consumes values that already exist and creates new ones, so a graph is
 * acyclic and in order by construction. A failed call leaves the builder usable only for freeing. */
#ifndef GRAPH_BUILD_H
#define GRAPH_BUILD_H

#include "graph/op.h"
#include "xai/net.h"

typedef struct xai_builder xai_builder;

xai_status xai_builder_new(xai_builder **out, xai_err *err);
void xai_builder_free(xai_builder *b);

/* A dim of -1 is free (batch, image size). */
xai_status xai_builder_input(xai_builder *b, const char *name, xai_dtype dtype, xai_shape shape, xai_err *err);
/* Takes its own reference on 't'. */
xai_status xai_builder_constant(xai_builder *b, const char *name, xai_tensor *t, xai_err *err);
/* inputs[i] NULL or "": optional input left out. outputs[i] NULL or "": output not used.
 * 'name' may be NULL or "": the node is then called after its first output.
 * Fails with XAI_ENOTFOUND for an input that does not exist, XAI_EARG for a value defined twice or a
 * wrong number of inputs. attrs NULL: the operator's defaults. Does not look at shapes. */
xai_status xai_builder_node(xai_builder *b, const char *name, xai_op op, const xai_attrs *attrs, int n_in,
                            const char *const *inputs, int n_out, const char *const *outputs, xai_err *err);
/* Shape of the first output of the node added last, for a batch of 1. Only for graphs of which every node is asked
 * about as it is added, so that a misfit is found at its layer. Fails as xai_op_infer does. */
xai_status xai_builder_infer(xai_builder *b, xai_shape *shape, xai_err *err);
int xai_builder_size(const xai_builder *b); /* nodes so far */
xai_status xai_builder_output(xai_builder *b, const char *name, xai_err *err);
/* true when a value of this name exists; *constant its tensor if it is one (borrowed), else NULL */
bool xai_builder_find(const xai_builder *b, const char *name, xai_tensor **constant);

/* Before outputs are named: where the one input is a picture whose channels stand last, N x H x W x C as TensorFlow's do,
 * it becomes N x C x H x W. What read it reads a transposed copy; what transposed it itself hands it on. */
xai_status xai_builder_channels_first(xai_builder *b, xai_err *err);

/* The elements of a value that can be computed from constants and from the shapes that the inputs are declared to have:
 * a new tensor. Fails with XAI_EUNSUPPORTED when it depends on an input's elements, on a size that the file leaves
 * open, or on the batch (which is tried at a few sizes); infers every node before it. */
xai_status xai_builder_compute(const xai_builder *b, const char *name, xai_tensor **out, xai_err *err);

/* Checks the whole, computes every node that depends on constants only, drops nodes that reach no
 * output, and hands out the immutable network. Shapes are checked with free dims other than the batch left open
 * (a graph whose sizes are all known is inferred completely, so a misfit is found at load). */
xai_status xai_builder_freeze(xai_builder *b, xai_net **out, xai_err *err);

#endif
