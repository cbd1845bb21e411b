/* xai/explain.h: explanations. One function per method; what they have in common is here.
 *
 * x is one prepared input, 1 x C x H x W (xai_net_prepare). Every method takes a view (hooks, other
 * weights) wherever it takes a network, and leaves it unchanged. Definitions, constants and the papers
 * stand at the head of each src/explain/<method>.c. */
#ifndef XAI_EXPLAIN_H
#define XAI_EXPLAIN_H

#include "xai/net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what is to be explained --------------------------------------------------------------------- */
/* A score: weighted sum of units, or of a whole tensor (sum of seed * activation). */
typedef struct xai_target_term {
  int layer;          /* XAI_LAYER_LOGITS for a class */
  int64_t channel;    /* 0-based; for logits the class id; XAI_STRONGEST: the channel with the largest activation */
  int64_t row, col;   /* 0-based; XAI_MEAN: mean over the channel's positions; XAI_STRONGEST: its largest activation */
  float weight;
} xai_target_term;

enum { XAI_TARGET_TERMS = 64, XAI_MEAN = -1, XAI_STRONGEST = -2 };
typedef struct xai_target {
  int n_terms;        /* 0 and no seed: the most probable class */
  xai_target_term terms[XAI_TARGET_TERMS];
  const xai_view *seed; /* used at seed_layer when not NULL */
  int seed_layer;
} xai_target;

/* Appends what 'text' names, times weight: a class id ("243"), a label ("tiger cat"), "layer:channel" (mean over
 * the map) or "layer:channel:row:col" (1-based, like all positions outside C). Fails with XAI_ENOTFOUND and suggestions. */
XAI_API xai_status xai_target_add(const xai_net *net, const char *text, float weight, xai_target *target, xai_err *err);
/* The unit that 'text' names, as Zeiler and Fergus pick one: "layer" its strongest unit, "layer:channel" that channel's
 * strongest position, "layer:channel:row:col" exactly that one. */
XAI_API xai_status xai_target_add_unit(const xai_net *net, const char *text, xai_target *target, xai_err *err);
XAI_API xai_status xai_target_add_class(const xai_net *net, int64_t id, float weight, xai_target *target, xai_err *err);

/* ---- what comes back -------------------------------------------------------------------------------- */
/* How a C x H x W attribution becomes one H x W map. */
typedef enum xai_reduce { XAI_REDUCE_NONE, XAI_REDUCE_MAX_ABS, XAI_REDUCE_SUM } xai_reduce;

typedef struct xai_named_tensor {
  char name[24];
  xai_tensor *tensor;
} xai_named_tensor;
enum { XAI_EXTRAS = 6 };
typedef struct xai_named_number {
  const char *name;
  double number;
} xai_named_number;

typedef struct xai_explanation {
  const char *method;      /* "gradcam" */
  char target[96];         /* "243", "fire9/concat:12" */
  int class_id;            /* -1 when the target is no single class */
  char label[96];          /* class label, or the target's text */
  float probability;       /* of class_id; -1 when there is none */
  char layer[160];         /* "" when the method has no layer */
  const char *unit;        /* of the values: "score points", "score per input unit" */
  xai_tensor *values;      /* native resolution: h x w or C x H x W */
  xai_named_tensor extras[XAI_EXTRAS];
  int n_extras;
  xai_named_number numbers[XAI_EXTRAS];
  int n_numbers;
  char remark[200];        /* what the user should be told about these values; "" mostly */
  xai_reduce reduce;       /* how values become a map */
  bool is_signed;          /* drawn with a diverging colour map */
  bool is_input;           /* the values are a picture that the network could be given */
  bool stopped;            /* by xai_stop_request, before the method's end: the best so far */
  int height, width;       /* of the input */
  double seconds;
} xai_explanation;

XAI_API void xai_explanation_free(xai_explanation *e);
/* H x W at input resolution: reduced over channels, then bilinear with half-pixel centres. */
XAI_API xai_status xai_explanation_map(const xai_explanation *e, xai_tensor **out, xai_err *err);

/* ---- methods -------------------------------------------------------------------------------------------- */
/* Options that all methods have; each method's struct begins with it. */
typedef struct xai_explain_opts {
  xai_target target;
  int layer;    /* XAI_LAYER_NONE: the method's default */
  xai_run *run; /* a forward pass of this network and x that kept all layers: used in place of a new one; NULL: none */
  void (*progress)(void *payload, int64_t done, int64_t total); /* told in long loops, first with 0; NULL: nobody */
  void *progress_payload;
} xai_explain_opts;

/* What is asked of a changed input: the target's score, or the same of softmax probabilities. */
typedef enum xai_score { XAI_SCORE_LOGIT, XAI_SCORE_PROB } xai_score;

/* M = max over channels of |d score / d x|. Simonyan et al. 2014, section 3. extras: gradient C x H x W. */
typedef struct xai_saliency_opts { xai_explain_opts common; } xai_saliency_opts;
XAI_API xai_status xai_saliency(xai_net *net, const xai_view *x, const xai_saliency_opts *opts, xai_explanation **out, xai_err *err);

/* d score / d x with the guided (Springenberg et al. 2015) or deconvnet (Zeiler, Fergus 2014) rule at every rectifier. */
typedef struct xai_backprop_opts { xai_explain_opts common; } xai_backprop_opts;
XAI_API xai_status xai_guided_backprop(xai_net *net, const xai_view *x, const xai_backprop_opts *opts, xai_explanation **out, xai_err *err);
XAI_API xai_status xai_deconvnet(xai_net *net, const xai_view *x, const xai_backprop_opts *opts, xai_explanation **out, xai_err *err);
/* x * d score / d x. */
XAI_API xai_status xai_input_x_gradient(xai_net *net, const xai_view *x, const xai_backprop_opts *opts, xai_explanation **out, xai_err *err);

/* SmoothGrad. Smilkov et al. 2017: the mean of gradients at noisy copies of x; VARIANCE: VarGrad, Adebayo et al. 2018. */
typedef enum xai_statistic { XAI_STATISTIC_MEAN, XAI_STATISTIC_SQUARES, XAI_STATISTIC_VARIANCE } xai_statistic;
typedef struct xai_smoothgrad_opts {
  xai_explain_opts common;
  int64_t samples;         /* default 50 */
  double sigma;            /* of the noise, as a share of max x - min x; default 0.15 */
  bool absolute;           /* default false; true: sigma is in network units */
  xai_statistic statistic; /* of the gradients; default mean */
  int64_t seed;            /* of the noise; default -1: the process-wide one */
  int64_t batch;           /* samples per pass, 0: chosen; does not change the result */
} xai_smoothgrad_opts;
XAI_API xai_status xai_smoothgrad(xai_net *net, const xai_view *x, const xai_smoothgrad_opts *opts, xai_explanation **out, xai_err *err);

/* Integrated gradients. Sundararajan et al. 2017, eq. 1. extras: baseline. numbers: delta (sum of the values minus the
 * difference of the scores), difference (score of x minus score of the baseline). */
typedef enum xai_path_rule {
  XAI_RULE_GAUSS, XAI_RULE_MIDDLE, XAI_RULE_LEFT, XAI_RULE_RIGHT, XAI_RULE_TRAPEZOID
} xai_path_rule;
typedef enum xai_baseline {
  XAI_BASELINE_ZERO, XAI_BASELINE_BLACK, XAI_BASELINE_WHITE, XAI_BASELINE_MEAN, XAI_BASELINE_BLUR
} xai_baseline;
typedef struct xai_integrated_gradients_opts {
  xai_explain_opts common;
  int64_t steps;         /* places on the path; default 50 */
  xai_path_rule rule;    /* where they are and what they weigh; default Gauss-Legendre */
  xai_baseline baseline; /* where the path begins; default zero */
  const xai_view *own;   /* a baseline of x's shape in place of that; NULL: none */
  double blur;           /* sigma of the blurred baseline in pixels; 0: a twentieth of the shorter side */
  bool multiply;         /* default true; false: the mean gradient on the path, not times x - baseline */
  int64_t batch;         /* gradients per pass, 0: chosen; does not change the result */
} xai_integrated_gradients_opts;
XAI_API xai_status xai_integrated_gradients(xai_net *net, const xai_view *x, const xai_integrated_gradients_opts *opts, xai_explanation **out, xai_err *err);

/* CAM. Zhou et al. 2016, eq. 2, without a ReLU; for networks that end in a global average and a linear layer, or in the
 * average of class maps; XAI_EUNSUPPORTED for others. extras: weights K, maps K x h x w. */
typedef struct xai_cam_opts { xai_explain_opts common; } xai_cam_opts;
XAI_API xai_status xai_cam(xai_net *net, const xai_view *x, const xai_cam_opts *opts, xai_explanation **out, xai_err *err);

/* Grad-CAM. Selvaraju et al. 2017, eq. 1-2 and section 3.3 (counterfactual). extras: raw h x w, weights K. */
typedef struct xai_gradcam_opts {
  xai_explain_opts common;
  bool relu;           /* default true */
  bool counterfactual; /* default false: negated gradients */
  bool guided;         /* default false; true: means of g where g > 0 and A > 0, else 0 */
} xai_gradcam_opts;
XAI_API xai_status xai_gradcam(xai_net *net, const xai_view *x, const xai_gradcam_opts *opts, xai_explanation **out, xai_err *err);

/* Grad-CAM times guided backpropagation. Selvaraju et al. 2017, section 3.2. extras: cam h x w, guided C x H x W. */
typedef enum xai_enlarge { XAI_ENLARGE_BILINEAR, XAI_ENLARGE_NEAREST } xai_enlarge;
typedef struct xai_guided_gradcam_opts {
  xai_explain_opts common;
  xai_enlarge enlarge; /* of the map; default bilinear with half-pixel centres */
} xai_guided_gradcam_opts;
XAI_API xai_status xai_guided_gradcam(xai_net *net, const xai_view *x, const xai_guided_gradcam_opts *opts, xai_explanation **out, xai_err *err);

/* Grad-CAM++. Chattopadhay et al. 2018, eq. 19. extras: raw h x w, weights K, alpha K x h x w. */
typedef struct xai_gradcampp_opts {
  xai_explain_opts common;
  bool relu;            /* default true */
  double eps;           /* added to 2 g^2 + g^3 sum of A; default 0 */
  bool normalise_alpha; /* default false; true: the alpha of a map sum to 1 */
} xai_gradcampp_opts;
XAI_API xai_status xai_gradcampp(xai_net *net, const xai_view *x, const xai_gradcampp_opts *opts, xai_explanation **out, xai_err *err);

/* LayerCAM. Jiang et al. 2021, eq. 6-9. extras: raw h x w. */
typedef struct xai_layercam_opts {
  xai_explain_opts common;
  bool relu;    /* default true */
  double gamma; /* values become tanh(gamma * map / maximum), 2 in the paper; default 0: they do not */
} xai_layercam_opts;
XAI_API xai_status xai_layercam(xai_net *net, const xai_view *x, const xai_layercam_opts *opts, xai_explanation **out, xai_err *err);

/* HiResCAM. Draelos, Carin 2020. extras: raw h x w. */
typedef struct xai_hirescam_opts {
  xai_explain_opts common;
  bool relu; /* default true */
} xai_hirescam_opts;
XAI_API xai_status xai_hirescam(xai_net *net, const xai_view *x, const xai_hirescam_opts *opts, xai_explanation **out, xai_err *err);

/* XGrad-CAM. Fu et al. 2020, eq. 8. extras: raw h x w, weights K. */
typedef struct xai_xgradcam_opts {
  xai_explain_opts common;
  bool relu;  /* default true */
  double eps; /* added to the sum of A; default 0 */
} xai_xgradcam_opts;
XAI_API xai_status xai_xgradcam(xai_net *net, const xai_view *x, const xai_xgradcam_opts *opts, xai_explanation **out, xai_err *err);

/* Eigen-CAM. Muhammad, Yeasin 2020; does not depend on the target. extras: raw h x w, weights K. numbers: share. */
typedef struct xai_eigencam_opts {
  xai_explain_opts common;
  bool relu;   /* default true */
  bool centre; /* default true: maps without their means */
} xai_eigencam_opts;
XAI_API xai_status xai_eigencam(xai_net *net, const xai_view *x, const xai_eigencam_opts *opts, xai_explanation **out, xai_err *err);

/* FEM. Fuad et al. 2020; does not depend on the target. extras: weights K. */
typedef struct xai_fem_opts {
  xai_explain_opts common;
  double sigmas; /* default 2 */
  bool binary;   /* default false; true: 1 in place of the values that are kept */
} xai_fem_opts;
XAI_API xai_status xai_fem(xai_net *net, const xai_view *x, const xai_fem_opts *opts, xai_explanation **out, xai_err *err);

/* Score-CAM. Wang et al. 2020, algorithm 1. extras: raw h x w, weights K, scores K (NaN where a map was left out). */
typedef struct xai_scorecam_opts {
  xai_explain_opts common;
  bool relu;       /* default true */
  xai_score score; /* default logit */
  bool softmax;    /* default true: over the channels; false: the scores themselves are the weights */
  bool baseline;   /* default false; true: the score of an input of zeros is subtracted from the scores */
  bool corners;    /* default false; true: maps are enlarged with their corners on those of the picture */
  int64_t top;     /* only so many channels, those of largest deviation; default 0: all */
  int64_t batch;   /* pictures per pass, 0: chosen; does not change the result */
} xai_scorecam_opts;
XAI_API xai_status xai_scorecam(xai_net *net, const xai_view *x, const xai_scorecam_opts *opts, xai_explanation **out, xai_err *err);

/* Ablation-CAM. Desai, Ramaswamy 2020, eq. 3. extras: raw h x w, weights K, scores K. */
typedef struct xai_ablationcam_opts {
  xai_explain_opts common;
  bool relu;       /* default true */
  xai_score score; /* default logit */
  double fill;     /* what a channel is replaced by; default 0 */
  int64_t batch;   /* channels per pass, 0: chosen; does not change the result */
} xai_ablationcam_opts;
XAI_API xai_status xai_ablationcam(xai_net *net, const xai_view *x, const xai_ablationcam_opts *opts, xai_explanation **out, xai_err *err);

/* FullGrad. Srinivas, Fleuret 2019, eq. 4. extras: input H x W, biases H x W. numbers: layers, delta. */
typedef struct xai_fullgrad_opts { xai_explain_opts common; } xai_fullgrad_opts;
XAI_API xai_status xai_fullgrad(xai_net *net, const xai_view *x, const xai_fullgrad_opts *opts, xai_explanation **out, xai_err *err);

/* RISE. Petsiuk et al. 2018, eq. 6. extras: density H x W (mean of the masks). */
typedef enum xai_mask_norm { XAI_NORM_EXPECTED, XAI_NORM_MASKS } xai_mask_norm;
typedef struct xai_rise_opts {
  xai_explain_opts common;
  int64_t masks;           /* n; default 4000 */
  int64_t cells;           /* s: a mask is drawn on s x s; default 7 */
  double p;                /* probability that a cell is seen; default 0.5 */
  xai_score score;         /* default probability */
  xai_mask_norm normalise; /* by n p, or per pixel by the sum of the masks; default n p */
  int64_t seed;            /* of the masks; default -1: the process-wide one */
  int64_t batch;           /* masks per pass, 0: chosen; does not change the result */
} xai_rise_opts;
XAI_API xai_status xai_rise(xai_net *net, const xai_view *x, const xai_rise_opts *opts, xai_explanation **out, xai_err *err);

/* An option for single layers: which of the option's choices holds there. */
typedef struct xai_layer_choice {
  int layer, choice;
} xai_layer_choice;
typedef struct xai_layer_choices {
  const xai_layer_choice *list; /* borrowed */
  int n;
} xai_layer_choices;

/* LRP. Bach et al. 2015; Montavon et al. 2019. Relevance of the input, or of a layer. extras: sums (per layer, of the
 * relevance that arrives at it; NaN where none does). numbers: start (what is shared out), sum (of the values), biases and
 * epsilon (what they keep on the way). */
typedef enum xai_lrp_rule {
  XAI_LRP_ZERO, XAI_LRP_EPSILON, XAI_LRP_GAMMA, XAI_LRP_ZPLUS, XAI_LRP_ALPHABETA, XAI_LRP_ZB, XAI_LRP_FLAT, XAI_LRP_W2
} xai_lrp_rule;
typedef enum xai_lrp_composite {
  XAI_LRP_EPSILON_PLUS, XAI_LRP_EPSILON_PLUS_FLAT, XAI_LRP_EPSILON_GAMMA_BOX, XAI_LRP_EPSILON_ALPHA2_BETA1,
  XAI_LRP_EPSILON_ALPHA2_BETA1_FLAT, XAI_LRP_PRESET_A, XAI_LRP_PRESET_B,
  XAI_LRP_ALL_ZERO, XAI_LRP_ALL_EPSILON, XAI_LRP_ALL_GAMMA, XAI_LRP_ALL_ZPLUS, XAI_LRP_ALL_ALPHABETA, XAI_LRP_ALL_FLAT,
  XAI_LRP_ALL_W2
} xai_lrp_composite;
typedef enum xai_lrp_start { XAI_LRP_SCORE, XAI_LRP_ONE } xai_lrp_start;
typedef struct xai_lrp_opts {
  xai_explain_opts common;
  xai_lrp_composite composite; /* which rule holds in which kind of layer; default epsilon_plus */
  xai_layer_choices rules;     /* xai_lrp_rule of single layers, in place of that */
  double epsilon;              /* default 0: 1e-6, 0.1 in the presets */
  bool rms;                    /* default false; true: epsilon is a share of the root mean square of what it is added to */
  double gamma;                /* default 0.25 */
  double alpha;                /* default 2; beta = alpha - 1 */
  bool bias;                   /* default true; false: biases take no part */
  bool fold;                   /* default true: constants behind a linear layer (batch normalization) become part of it */
  xai_lrp_start start;         /* default the score; 1 in its place */
  double low, high;            /* of zb: range of the input; default 0 and 0: that of bytes after preprocessing */
} xai_lrp_opts;
XAI_API xai_status xai_lrp(xai_net *net, const xai_view *x, const xai_lrp_opts *opts, xai_explanation **out, xai_err *err);

/* DeepLIFT, rescale rule. Shrikumar, Greenside, Kundaje 2017. Contributions of the input, or of a layer, to the difference
 * from a baseline. extras: baseline. numbers: difference, delta (as of integrated gradients). */
typedef struct xai_deeplift_opts {
  xai_explain_opts common;
  xai_baseline baseline; /* default zero */
  const xai_view *own;   /* a baseline of x's shape in place of that; NULL: none */
  double blur;           /* sigma of the blurred baseline in pixels; 0: a twentieth of the shorter side */
  bool multiply;         /* default true; false: the multipliers, not times x - baseline */
} xai_deeplift_opts;
XAI_API xai_status xai_deeplift(xai_net *net, const xai_view *x, const xai_deeplift_opts *opts, xai_explanation **out, xai_err *err);

/* Occlusion: mean drop of the score over the windows that cover a pixel. extras: grid (score at each window). */
typedef struct xai_occlusion_opts {
  xai_explain_opts common;
  int64_t window, stride; /* pixels; 0: a seventh of the shorter side (32 at 224), a quarter of the window (8) */
  double fill;            /* in network units; default 0 */
  xai_score score;        /* default logit */
  int64_t batch;          /* images per pass, 0: chosen from memory; does not change the result */
} xai_occlusion_opts;
XAI_API xai_status xai_occlusion(xai_net *net, const xai_view *x, const xai_occlusion_opts *opts, xai_explanation **out, xai_err *err);

/* ---- pictures that are made ------------------------------------------------------------------------------- */
/* These methods look for a picture, step by step. x says its size; values are in network units. All constants are in grey
 * levels about the data set's mean colour, whatever the network's units. When a stop is requested after the first step,
 * they succeed with what they have. */
typedef enum xai_start { XAI_START_ZEROS, XAI_START_NOISE, XAI_START_PICTURE } xai_start; /* PICTURE: x itself */
/* What a step multiplies the gradient g with: lr; lr / mean |g|; lr / max |g|; lr / |g|; min(lr, progress / |g|^2). ADAM,
 * NADAM and RMSPROP have a rate for each number (explain/step.c). */
typedef enum xai_step_rule {
  XAI_STEP_PLAIN, XAI_STEP_MEAN, XAI_STEP_MAX, XAI_STEP_NORM, XAI_STEP_PROGRESS, XAI_STEP_ADAM, XAI_STEP_NADAM, XAI_STEP_RMSPROP
} xai_step_rule;
/* The numbers that a picture is made of: pixels, waves, or the phases of waves whose magnitudes are given. */
typedef enum xai_medium { XAI_MEDIUM_PIXELS, XAI_MEDIUM_FOURIER, XAI_MEDIUM_PHASES } xai_medium;

/* Sets of constants: Simonyan, Vedaldi, Zisserman 2014, section 2; Yosinski et al. 2015, table 1, rows 1 to 4, whose steps
 * fit the gradients of their network; CHOSEN: row 3 with steps that do not depend on them, less blur, and jitter. LUCID:
 * Olah, Mordvintsev, Schubert 2017; MACO: Fel et al. 2023; the others are the defaults of the libraries of that name. */
typedef enum xai_ascent_preset {
  XAI_ASCENT_SIMONYAN, XAI_ASCENT_YOSINSKI_1, XAI_ASCENT_YOSINSKI_2, XAI_ASCENT_YOSINSKI_3, XAI_ASCENT_YOSINSKI_4,
  XAI_ASCENT_CHOSEN, XAI_ASCENT_LUCID, XAI_ASCENT_XPLIQUE, XAI_ASCENT_MACO, XAI_ASCENT_TF_KERAS_VIS, XAI_ASCENT_KERAS_VIS,
  XAI_ASCENT_OMNIXAI
} xai_ascent_preset;

typedef struct xai_ascent_opts {
  xai_explain_opts common;
  int preset;            /* which one the fields below come from; says nothing by itself */
  int64_t steps;
  double lr;
  xai_step_rule rule;
  double progress;       /* of the score, wanted from one step: for XAI_STEP_PROGRESS */
  double momentum;
  double keep;           /* share of the mean square that is kept: for XAI_STEP_ADAM, NADAM and RMSPROP */
  double l2;             /* weight of sum z^2 */
  double tv, beta;       /* weight and exponent of the total variation */
  double bound, alpha;   /* weight of sum |z|^alpha, and alpha */
  bool mean;             /* these three are means over the picture's numbers, not sums */
  double decay;          /* z is multiplied with 1 - decay after each step */
  double blur;           /* deviation in pixels; 0: none */
  int64_t blur_every;    /* steps */
  double norm_percentile, contribution_percentile; /* pixels below become 0 */
  bool clip;             /* bytes stay within 0 and 255 */
  xai_medium medium;      /* what the picture is made of (explain/paint.c) */
  double fall;           /* waves of frequency f begin with, or have, a magnitude of f^-fall */
  int magnitudes;        /* 0: those; says nothing by itself */
  const xai_view *spectrum; /* of PHASES: magnitudes of one's own, C x H x (W/2 + 1); NULL: none */
  bool colours, sigmoid; /* colours as they go together in natural pictures; bytes within 0 and 255, smoothly */
  double stretch;        /* share of the range of bytes that the picture is stretched to; 0: it is not */
  int64_t size;          /* pixels of the picture's shorter side; 0: that of x */
  int64_t jitter;        /* pixels by which the picture is moved at most, at random, before each pass */
  int64_t pad;           /* grey pixels around it (explain/glimpse.c) */
  double scale, rotate;  /* by how much it is enlarged, and degrees by which it is turned at most */
  bool mirror;           /* half the time it is mirrored */
  double crop, crop_end; /* share of it that is shown, in the first and in the last step; 0: all */
  int64_t views;         /* so many times per step */
  double grain;          /* deviation of noise on what is shown, in grey levels */
  int64_t redirect;      /* so many steps with XAI_RELU_REDIRECTED */
  xai_start init;
  const xai_view *own;   /* a first picture in place of that */
  double noise;          /* deviation of XAI_START_NOISE: of pixels in grey levels, else of the numbers of the medium */
  int64_t seed;          /* -1: the process-wide one */
  bool centre;           /* a channel without a place is taken at its map's centre, else at its strongest place for x */
} xai_ascent_opts;
/* Puts a preset's constants into the fields between 'preset' and 'seed'. */
XAI_API void xai_ascent_set_preset(xai_ascent_opts *opts, xai_ascent_preset preset);
/* Gradient ascent on a class score or on any unit of any layer. extras: objective and scores, before each step. numbers:
 * score, of the picture returned. The three differ in their defaults. */
XAI_API xai_status xai_class_image(xai_net *net, const xai_view *x, const xai_ascent_opts *opts, xai_explanation **out, xai_err *err);
XAI_API xai_status xai_neuron_image(xai_net *net, const xai_view *x, const xai_ascent_opts *opts, xai_explanation **out, xai_err *err);
XAI_API xai_status xai_feature_image(xai_net *net, const xai_view *x, const xai_ascent_opts *opts, xai_explanation **out, xai_err *err);

/* Inversion. Mahendran, Vedaldi 2015: the picture whose code at common.layer is that of x, or 'own'. extras: objective
 * and error (distance of the codes over the length of the one wanted), before each step. numbers: code_error, of the
 * picture returned; weights tv and sigma as used. */
typedef enum xai_code { XAI_CODE_LAYER, XAI_CODE_LOG_PROBABILITIES } xai_code;
typedef enum xai_invert_schedule { XAI_INVERT_PAPER, XAI_INVERT_LIBRARY, XAI_INVERT_CONSTANT } xai_invert_schedule;
typedef struct xai_invert_opts {
  xai_explain_opts common;
  xai_code code;
  const xai_view *own_code; /* of the layer's shape, in place of x's; NULL: none */
  xai_invert_schedule schedule;
  int64_t steps;            /* 0: the schedule's own number, else it is stretched or cut to so many */
  double lr;                /* of the first part; 0: the schedule's own, else its rates are in proportion */
  xai_step_rule rule;
  double momentum;
  double tv, beta;          /* tv < 0: by depth */
  bool tv_edges;            /* last row and column count */
  double bound, alpha;
  double sigma;             /* typical length of a picture; 0: the paper's, for x's size */
  xai_start init;
  const xai_view *own;
  int64_t seed;
} xai_invert_opts;
XAI_API xai_status xai_invert(xai_net *net, const xai_view *x, const xai_invert_opts *opts, xai_explanation **out, xai_err *err);

/* ---- what units look for in many pictures ------------------------------------------------------------------- */
/* For each unit the k pictures with the largest values, best first. The caller owns the lists: units x k each. */
typedef struct xai_patches {
  int64_t units, k;
  const int64_t *channels; /* of the units; NULL: unit u is channel u */
  float *values;
  int64_t *pictures;       /* -1: free */
  int64_t *places;         /* in the map, row by row */
} xai_patches;
XAI_API void xai_patches_clear(const xai_patches *p);
/* Of an activation N x C x ... of pictures number 'picture', 'picture' + 1, ...: what belongs into the lists; at most one place
 * per picture. Girshick et al. 2014, section 3.1. Fails with XAI_ESHAPE or XAI_EARG, and then changes nothing. */
XAI_API xai_status xai_patches_add(const xai_patches *p, const xai_view *activation, int64_t picture, xai_err *err);

/* ---- segmentation ----------------------------------------------------------------------------------------- */
/* What is known of a pixel before it is cut. */
enum {
  XAI_CUT_BACKGROUND, XAI_CUT_OBJECT,              /* sure */
  XAI_CUT_MAYBE_BACKGROUND, XAI_CUT_MAYBE_OBJECT,  /* the colour models begin with it */
  XAI_CUT_UNKNOWN                                  /* they begin without it */
};
typedef struct xai_grabcut_opts {
  int64_t iterations; /* of learning and cutting; default 5 */
  int64_t components; /* Gaussians per side, at most 16; default 5 */
  double gamma;       /* what neighbours of one colour cost when they differ; default 50 */
  bool largest;       /* keep the largest connected region only; default false */
} xai_grabcut_opts;
typedef struct xai_cut_box {
  int x, y, w, h; /* pixels, 0-based top left; w = 0: the object is empty */
} xai_cut_box;
XAI_API void xai_grabcut_defaults(xai_grabcut_opts *opts);
/* GrabCut. Rother, Kolmogorov, Blake 2004. codes and object: a byte per pixel; object becomes 1 or 0, *box the tight box
 * around it, *energy the sum that was minimised. Fails with XAI_EARG when there is no pixel to learn a side from. */
XAI_API xai_status xai_grabcut(const xai_image *img, const uint8_t *codes, const xai_grabcut_opts *opts, uint8_t *object,
                               xai_cut_box *box, double *energy, xai_err *err);
/* Codes from a map of h x w values: above the quantile 'object' the object, up to the quantile 'background' the background,
 * unknown between; sure, or 'hard' false: maybe. NaN is unknown. XAI_EARG for quantiles outside of 0 to 1. Simonyan, Vedaldi,
 * Zisserman 2014, section 3.2. */
XAI_API xai_status xai_grabcut_seeds(const float *map, int64_t n, double object, double background, bool hard, uint8_t *codes,
                                     xai_err *err);

#ifdef __cplusplus
}
#endif
#endif
