/* explain/method.h: the table of methods. A method is one file, one row in methods.def, one recipe, one test.
 *
 * The row's descriptor xai_method_<name> says how Lua (or anyone who has text) calls the method:
 * option names, their place in the method's options struct, defaults. */
#ifndef EXPLAIN_METHOD_H
#define EXPLAIN_METHOD_H

#include "xai/explain.h"

typedef enum xai_opt_kind {
  XAI_OPT_BOOL,   /* bool */
  XAI_OPT_INT,    /* int64_t, within [lo, hi] */
  XAI_OPT_NUMBER, /* double, within [lo, hi] */
  XAI_OPT_CHOICE, /* int, index into choices; or a tensor, where 'tensor' says its place */
  XAI_OPT_LAYERS  /* xai_layer_choices: an index into choices for each of some layers; none by default */
} xai_opt_kind;

typedef struct xai_opt_spec {
  const char *name;
  xai_opt_kind kind;
  size_t offset; /* in the method's options struct */
  double fallback, lo, hi;
  const char *const *choices; /* NULL-terminated */
  const char *help;           /* one phrase with the unit */
  size_t tensor;              /* offset of a const xai_view *, borrowed, NULL by default; 0: there is none */
} xai_opt_spec;

typedef xai_status (*xai_method_fn)(xai_net *net, const xai_view *x, const void *opts, xai_explanation **out, xai_err *err);

typedef struct xai_method {
  const char *name;    /* "gradcam": xai.gradcam, scripts/gradcam.lua */
  const char *summary; /* one line */
  const char *paper;
  bool uses_layer;     /* takes the option "layer" */
  bool uses_at;        /* takes the option "at": a unit in place of a target (xai_target_add_unit) */
  bool makes_picture;  /* the result is a picture, no map of x */
  bool needs_input;    /* of one that makes a picture: x says more than its size; else it may be left out */
  size_t opts_size;    /* struct starts with xai_explain_opts */
  const xai_opt_spec *opts; /* ends with name NULL; 'target' and 'layer' are implied */
  void (*defaults)(void *opts); /* in place of the options' own fallbacks; NULL: those */
  void (*preset)(void *opts);   /* NULL, or the first option stands for others: sets those as it says */
  xai_method_fn run;
} xai_method;

/* Stands before the row: run(), the method with untyped options, and the row's declaration. */
#define XAI_METHOD_RUN(method)                                                                                         \
  static xai_status run(xai_net *net, const xai_view *x, const void *opts, xai_explanation **out, xai_err *err) {      \
    return xai_##method(net, x, opts, out, err);                                                                       \
  }                                                                                                                    \
  extern const xai_method xai_method_##method;

/* The choices of an option that is an xai_score. */
extern const char *const xai_score_kinds[];

/* For methods without options of their own. */
extern const xai_opt_spec xai_no_options[];

/* All rows in the order of methods.def; NULL-terminated. */
const xai_method *const *xai_methods(void);
const xai_method *xai_method_find(const char *name); /* NULL if none */
/* Defaults of every option, target = most probable class, layer = NONE. */
void xai_method_defaults(const xai_method *m, void *opts);

#endif
