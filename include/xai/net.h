/* xai/net.h: networks: loading, looking inside, running forward and backward.
 *
 * A network never changes once loaded. What other tools do by patching a model is a *view* here
 * (xai_net_with): it shares graph and weights and carries hooks, a ReLU rule, replaced weights.
 * A view is used like any network. Concurrent passes on one network are safe. */
#ifndef XAI_NET_H
#define XAI_NET_H

#include "xai/image.h"
#include "xai/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct xai_net xai_net;
typedef struct xai_run xai_run;

/* ---- loading -------------------------------------------------------------------------------------- */
/* Reads a network file; the format is told by content: ONNX, or one half of a Caffe network, whose other half is found
 * beside it (net.prototxt and net.caffemodel; deploy.prototxt will do). Weights stay in the mapped file. */
XAI_API xai_status xai_net_load(const char *path, xai_net **out, xai_err *err);
/* A Caffe network from its structure (.prototxt) and its weights (.caffemodel). */
XAI_API xai_status xai_net_load_caffe(const char *structure, const char *weights, xai_net **out, xai_err *err);
/* Writes the network with this view's weights, preprocessing and labels as .onnx, or all its weights by name as
 * .safetensors, by extension; atomically: the old file stays until the new one is complete. Hooks and backward rules are
 * left out. Fails with XAI_EARG for another extension, XAI_EUNSUPPORTED beyond the 2 GB of an ONNX file, or XAI_EIO. */
XAI_API xai_status xai_net_save(const xai_net *net, const char *path, xai_err *err);
/* The weights as .safetensors with every number rounded to float16. */
XAI_API xai_status xai_net_save_halves(const xai_net *net, const char *path, xai_err *err);
XAI_API xai_net *xai_net_retain(xai_net *net);
XAI_API void xai_net_free(xai_net *net);

/* ---- what a picture must become before it enters ---------------------------------------------------- */
typedef struct xai_preprocess {
  char name[32];     /* "imagenet", "caffe", "tf", "cifar10", "none" or "custom" */
  int resize;        /* shorter side is resized to this first; 0: straight to the input size */
  int crop;          /* centre crop to this; 0: no crop */
  bool bgr;          /* channel order of the input; RGB if false */
  float scale;       /* x = (byte * scale - mean) / std, per channel in the input's order */
  float mean[3], std[3];
} xai_preprocess;

/* Fails with XAI_ENOTFOUND, naming the presets. */
XAI_API xai_status xai_preprocess_preset(const char *name, xai_preprocess *out, xai_err *err);
/* A new view of the net with other preprocessing or labels (one per class; NULL keeps what is there). */
XAI_API xai_status xai_net_set_preprocess(xai_net *net, const xai_preprocess *p, xai_net **out, xai_err *err);
XAI_API xai_status xai_net_set_labels(xai_net *net, const char *const *labels, int n, xai_net **out, xai_err *err);
XAI_API const xai_preprocess *xai_net_preprocess(const xai_net *net);

/* Picture -> 1 x C x H x W. A picture that has the input's size already is neither resized nor cropped.
 * A one-channel net gets the luminance. */
XAI_API xai_status xai_net_prepare(const xai_net *net, const xai_image *img, xai_tensor **out, xai_err *err);
/* The picture that a prepared tensor (1 x C x H x W or C x H x W) shows, rounded and clipped to bytes. */
XAI_API xai_status xai_net_unprepare(const xai_net *net, const xai_view *x, xai_image **out, xai_err *err);

/* Tells networks apart: of operators, shapes and every weight of this view; the same after loading the same file again.
 * Hooks, backward rules, labels and preprocessing do not count. Not cryptographic. */
XAI_API uint64_t xai_net_hash(const xai_net *net);

/* ---- layers ------------------------------------------------------------------------------------------ */
/* Layers are numbered 0 .. count-1 in the order in which they run. A layer's activation is its node's
 * first output. The input is layer -1. */
enum { XAI_LAYER_INPUT = -1, XAI_LAYER_NONE = -2 };
typedef struct xai_layer {
  const char *name; /* the file's own: the node's name, or its first output's when the node has none */
  const char *op;   /* "Conv" */
  xai_shape shape;  /* of the activation at batch 1 and the net's own input size; rank -1 if unknown */
  int64_t params;   /* elements of the weights that it reads first */
  bool replaced;    /* by this view */
} xai_layer;

XAI_API int xai_net_layer_count(const xai_net *net);
XAI_API xai_layer xai_net_layer(const xai_net *net, int layer);
/* By node name, output name, or module path: "fire9/concat" finds "fire9/concat_1" (the first node of
 * that stem), "layer4" the last node inside the module; '.' and '/' are the same. "input" or the
 * graph input's name gives XAI_LAYER_INPUT. Fails with XAI_ENOTFOUND and the nearest name. */
XAI_API xai_status xai_net_find_layer(const xai_net *net, const char *name, int *layer, xai_err *err);
/* The last layer with spatial extent (height or width > 1 for inputs of shape x) before pooling or flattening:
 * where Grad-CAM looks.
 * Fails with XAI_ENOTFOUND when there is none. */
XAI_API xai_status xai_net_default_layer(const xai_net *net, const xai_shape *x, int *layer, xai_err *err);

/* The layer whose activation the classifier weighs: what goes into the last layer with weights before the scores (Gemm,
 * MatMul or Conv), without a Dropout in between. Fails with XAI_ENOTFOUND when that is the input, or the way back forks. */
XAI_API xai_status xai_net_feature_layer(const xai_net *net, int *layer, xai_err *err);

/* The shape of a layer's activation for inputs of shape x. Fails with XAI_EARG where it is not of float32: nothing is to be
 * explained by such a layer. */
XAI_API xai_status xai_net_layer_shape(const xai_net *net, int layer, const xai_shape *x, xai_shape *out, xai_err *err);

/* ---- receptive fields ---------------------------------------------------------------------------------- */
/* What a unit sees, along the rows or the columns of the input. */
typedef struct xai_field_span {
  int64_t first, end;  /* pixels [first, end): from the first to the last whose change can reach it; none: end = first */
  int64_t begin, size; /* the same if neither picture nor maps had borders; may stand over those of the picture */
  double stride;       /* pixels from one unit to the next; 0: there is no such number */
  bool whole;          /* some layer before it looks at whole maps */
} xai_field_span;
typedef struct xai_field {
  xai_field_span rows, columns;
  xai_shape shape; /* of the layer's activation */
} xai_field;
/* Of a unit of a layer, for inputs of shape x (1 x C x H x W): at[d] is its position along axis 1 + d of the activation,
 * counted from 0; -1, or an axis beyond n_at: what all units along that axis see together. Exact for any graph of
 * operators that say which elements they look at; of others, and of products, all elements count. Fails with XAI_EARG for
 * an input that is no picture, or a unit that does not exist. */
XAI_API xai_status xai_net_receptive_field(const xai_net *net, const xai_shape *x, int layer, const int64_t *at, int n_at,
                                           xai_field *out, xai_err *err);

/* Shape of the first input as the file says, free dims -1; its name. Rank -1 and "" when there is no input. */
XAI_API xai_shape xai_net_input_shape(const xai_net *net);
XAI_API const char *xai_net_input_name(const xai_net *net);

/* What goes in and what comes out, in the graph's order. An output's type and shape are known after a pass. */
typedef struct xai_input {
  const char *name;
  xai_dtype dtype;
  xai_shape shape; /* free dims -1 */
} xai_input;
XAI_API int xai_net_input_count(const xai_net *net);
XAI_API xai_input xai_net_input(const xai_net *net, int i);
XAI_API int xai_net_output_count(const xai_net *net);
XAI_API const char *xai_net_output_name(const xai_net *net, int i);

XAI_API int xai_net_classes(const xai_net *net); /* length of the logits; 0 if unknown */
/* The network ends in a Sigmoid: every class has a probability of its own, 1 / (1 + exp(-logit)). */
XAI_API bool xai_net_is_multilabel(const xai_net *net);
XAI_API const char *xai_net_label(const xai_net *net, int id); /* NULL if the net has no labels */
/* Exact label, else a label with 'name' as one of its comma-separated parts, else XAI_ENOTFOUND with suggestions. */
XAI_API xai_status xai_net_find_class(const xai_net *net, const char *name, int *id, xai_err *err);
XAI_API int64_t xai_net_param_count(const xai_net *net);
XAI_API const char *xai_net_path(const xai_net *net);

/* ---- views -------------------------------------------------------------------------------------------- */
/* REDIRECTED: plain, but where a layer would let nothing through it lets pass what pushes its inputs into their range. */
typedef enum xai_relu { XAI_RELU_PLAIN, XAI_RELU_GUIDED, XAI_RELU_DECONV, XAI_RELU_REDIRECTED } xai_relu;

/* A hook sees an activation (a; g NULL) or a gradient (g, with the activation a or a->data NULL) and may
 * write new elements into the one it is about. The gradient passes through a forward hook unchanged.
 * Anything but XAI_OK ends the pass with that status. */
typedef xai_status (*xai_hook_fn)(void *payload, int layer, xai_view *g, xai_view *a, xai_err *err);
typedef struct xai_hook {
  int layer;
  xai_hook_fn fn;
  void *payload;
} xai_hook;

typedef struct xai_weight {
  int layer;           /* whose weights ... */
  int input;           /* ... which input of the node: 1 for weights, 2 for bias */
  xai_tensor *tensor;  /* same shape as the one that it replaces */
} xai_weight;

typedef struct xai_view_opts {
  const xai_hook *hooks;
  int n_hooks;
  const xai_hook *grad_hooks;
  int n_grad_hooks;
  const xai_weight *weights;
  int n_weights;
  xai_relu relu; /* PLAIN keeps what the net has */
} xai_view_opts;

/* Adds to what 'net' already carries. GUIDED or DECONV on a net without a rectifier fails with XAI_EARG.
 * *rectifiers (may be NULL) = how many nodes the rule applies to. */
XAI_API xai_status xai_net_with(xai_net *net, const xai_view_opts *opts, xai_net **out, int *rectifiers, xai_err *err);
/* The present elements of an input of a layer's node (weights: 1, bias: 2), or NULL if it is not a constant. */
XAI_API xai_tensor *xai_net_weight(const xai_net *net, int layer, int input);

/* ---- passes --------------------------------------------------------------------------------------------- */
/* An input of a layer's node that is a constant: 1 for weights, 2 for bias. */
typedef struct xai_param {
  int layer, input;
} xai_param;

/* What a pass must deliver. Nothing is computed or kept beyond that. */
typedef struct xai_request {
  const int *keep; /* layers whose activations can be read after the forward pass; XAI_LAYER_LOGITS too */
  int n_keep;
  bool keep_all;    /* all layers, and any later xai_run_backward */
  bool keep_outputs; /* every output of the graph, for xai_run_output */
  const int *seeds; /* layers at which a gradient will be put in */
  int n_seeds;
  const int *wants; /* layers whose gradient is to be computed; XAI_LAYER_INPUT for the data gradient */
  int n_wants;
  bool weights;     /* gradients of every constant float input as well */
  const xai_param *params; /* or of these alone (training) */
  int n_params;
} xai_request;
/* Stands for "the layer that gives the class scores before a final softmax" wherever a layer is expected here. */
enum { XAI_LAYER_LOGITS = -3, XAI_LAYER_OUTPUT = -4 };
/* The layer itself, XAI_LAYER_LOGITS and XAI_LAYER_OUTPUT resolved to a number (or XAI_LAYER_INPUT). */
XAI_API int xai_net_resolve(const xai_net *net, int layer);

/* Plans a pass for an input of the shape of x (or takes a plan and its memory from the net's stock). Fails with
 * XAI_EARG when the network has another number of inputs than one. */
XAI_API xai_status xai_run_open(xai_net *net, const xai_shape *x, const xai_request *request, xai_run **out, xai_err *err);
/* The same for a network with any number of inputs: inputs[i] has type and shape of input i. Where shapes depend on the
 * elements of an input (the target of a Reshape), the plan is made for the elements at inputs[i].data and serves only
 * passes with the same; elsewhere the data is not looked at and may be NULL. */
XAI_API xai_status xai_run_open_all(xai_net *net, const xai_view *inputs, int n_inputs, const xai_request *request,
                                    xai_run **out, xai_err *err);
/* Gives memory and plan back to the net. NULL is fine. */
XAI_API void xai_run_close(xai_run *run);
/* One forward pass; may be repeated without any allocation. */
XAI_API xai_status xai_run_forward(xai_run *run, const xai_view *x, xai_err *err);
XAI_API xai_status xai_run_forward_all(xai_run *run, const xai_view *inputs, int n_inputs, xai_err *err);
/* The activation of a kept layer, valid until the next forward or close; NULL if it was not kept. */
XAI_API const xai_view *xai_run_value(const xai_run *run, int layer);
/* Output i of the graph, valid like a kept layer; NULL if it was not kept. */
XAI_API const xai_view *xai_run_output(const xai_run *run, int i);
/* The writable seed of a seed layer, all zeros after each forward; same shape as its activation. */
XAI_API xai_view *xai_run_seed(xai_run *run, int layer);
/* One backward pass from the seeds. Once per forward pass, unless everything is kept. */
XAI_API xai_status xai_run_backward(xai_run *run, xai_err *err);
/* For a pass opened with keep_all: plans a backward pass from other seeds to other layers over the activations
 * that are there; seeds are zero afterwards. */
XAI_API xai_status xai_run_plan_backward(xai_run *run, const int *seeds, int n_seeds, const int *wants, int n_wants, xai_err *err);
/* Gradient of a wanted layer after backward; NULL if it was not asked for or no seed reaches it. */
XAI_API const xai_view *xai_run_grad(const xai_run *run, int layer);
/* Gradient of input 'input' (1 weights, 2 bias) of a layer, when the request was for it; summed over the batch. */
XAI_API const xai_view *xai_run_weight_grad(const xai_run *run, int layer, int input);
/* The gradient rule of this run's backward passes, in place of the view's. */
XAI_API void xai_run_set_relu(xai_run *run, xai_relu relu);
/* Bytes of the arena: everything that the passes of this run need beside weights. */
XAI_API size_t xai_run_bytes(const xai_run *run);

/* true: passes opened from now on, of any network, use plain kernels only: nothing is fused, nothing rounded more. To
 * compare with; false when the program starts. */
XAI_API void xai_engine_reference(bool on);
XAI_API bool xai_engine_is_reference(void);

/* Whole output, logits (N x classes) or one layer's activation as a new tensor. */
XAI_API xai_status xai_net_forward(xai_net *net, const xai_view *x, int layer, xai_tensor **out, xai_err *err);
XAI_API xai_status xai_net_logits(xai_net *net, const xai_view *x, xai_tensor **out, xai_err *err);

/* One pass from all inputs to all outputs: out[i] becomes a copy of output i (xai_net_output_count of them). On failure
 * *out is as it was. */
XAI_API xai_status xai_net_eval(xai_net *net, const xai_view *inputs, int n_inputs, xai_tensor **out, xai_err *err);

/* What the scores of one picture say of its classes: made once of all, asked for each. */
typedef struct xai_odds {
  bool multilabel;
  double top, sum; /* the largest score; exp(score - top), summed */
} xai_odds;
XAI_API xai_odds xai_net_odds(const xai_net *net, const float *logits, int64_t classes);
/* The probability of a class with this score: softmax, or sigmoid where the network is multilabel. */
XAI_API double xai_odds_probability(const xai_odds *odds, double score);

typedef struct xai_prediction {
  int id;
  float p;     /* probability, as xai_odds_probability gives it */
  float logit;
} xai_prediction;
/* The k most probable classes of the first picture, best first; ties by id. Logits are float32, N x classes or N x classes
 * x 1 x 1; *k is cut to the number of classes. */
XAI_API void xai_net_rank(const xai_net *net, const xai_view *logits, int *k, xai_prediction *out);
/* The same of what the network gives for x; XAI_EARG where that is not of float32. */
XAI_API xai_status xai_net_predict(xai_net *net, const xai_view *x, int *k, xai_prediction *out, xai_err *err);

#ifdef __cplusplus
}
#endif
#endif
