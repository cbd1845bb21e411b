/* bindings/core.h: what the files of this floor offer one another. Each xl_open_* adds its functions and types to
 * the table xai.core on top of the stack; types go into core.types.<name> as their table of methods. */
#ifndef BINDINGS_CORE_H
#define BINDINGS_CORE_H

#include "bindings/check.h"
#include "xai/explain.h"

void xl_open_tensor(lua_State *L);  /* l_tensor.c */
void xl_open_image(lua_State *L);   /* l_image.c */
void xl_open_net(lua_State *L);     /* l_net.c */
void xl_open_view(lua_State *L);    /* l_view.c: net:with */
void xl_open_run(lua_State *L);     /* l_run.c */
void xl_open_methods(lua_State *L); /* l_methods.c */
void xl_open_viz(lua_State *L);     /* l_viz.c */
void xl_open_sheet(lua_State *L);   /* l_sheet.c */
void xl_open_files(lua_State *L);   /* l_files.c */
void xl_open_inspect(lua_State *L); /* l_inspect.c */
void xl_open_build(lua_State *L);   /* l_build.c */
void xl_open_scenes(lua_State *L);  /* l_scenes.c */
void xl_open_images(lua_State *L);  /* l_images.c */
void xl_open_train(lua_State *L);   /* l_train.c */
void xl_open_score(lua_State *L);   /* l_score.c */
void xl_open_embed(lua_State *L);   /* l_embed.c */
void xl_open_grabcut(lua_State *L); /* l_grabcut.c */
void xl_open_cluster(lua_State *L); /* l_cluster.c */
void xl_open_patches(lua_State *L); /* l_patches.c */
void xl_open_system(lua_State *L);  /* l_system.c */

/* Moves the table of methods on top of the stack to core.types.<name>; core lies below it. */
void xl_add_type(lua_State *L, const xl_type *type);
/* Adds functions to the table core.types.<name> of a type that is there already; core is on top. */
void xl_extend_type(lua_State *L, const xl_type *type, const xl_reg *methods);

/* ---- tensors (l_tensor.c) -------------------------------------------------------------------- */
/* A list of dims that prints as "1x3x224x224"; a free dim is -1. */
void xl_push_shape(lua_State *L, const xai_shape *shape);
/* Boxes a reference of its own. */
void xl_push_tensor(lua_State *L, xai_tensor *t);
/* Boxes a copy of a borrowed view; raises when memory is short. */
void xl_push_copy(lua_State *L, const xai_view *view);

/* ---- pictures (l_image.c) ---------------------------------------------------------------------- */
/* xai_image_read of a file, or of one that is inside the binary. */
xai_status xl_read_picture(const char *path, xai_image **out, xai_image_note *note, xai_err *err);

/* ---- networks (l_net.c) ---------------------------------------------------------------------- */
/* Pushes an empty box with the table that belongs to a net. */
xl_box *xl_new_net(lua_State *L);
/* Nobody has said how pictures become inputs of the net there. */
void xl_assume_preprocess(lua_State *L, int net_arg);

/* ---- inputs (l_net.c) ------------------------------------------------------------------------ */
/* The tensor at 'arg'. A picture there is replaced by its prepared tensor, so that both are inputs everywhere. */
xl_box *xl_check_input(lua_State *L, int arg, int net_arg);
/* How pictures become inputs of the net at 'net_arg'; says once when nobody has said it. */
const xai_preprocess *xl_preprocess_of(lua_State *L, int net_arg);
/* The layer named at 'arg' ("logits" and "output" are names too). */
int xl_check_layer(lua_State *L, int arg, const xai_net *net, const char *what);
/* Pushes the layer's name; "input", "logits" for the special ones. */
void xl_push_layer_name(lua_State *L, const xai_net *net, int layer);

/* ---- runs (l_run.c) -------------------------------------------------------------------------- */
/* A pass of the net at 'net_arg' that kept everything stands at 'arg': its box, and its x is put in its place. NULL when
 * there is none. */
xl_box *xl_take_run(lua_State *L, int arg, int net_arg);

/* ---- targets (l_target.c) -------------------------------------------------------------------- */
/* Reads target (or seed) and at from the option table at 'arg' (nothing when it is no table). units: 'at' alone names
 * a unit. A tensor as target is borrowed: it stays at stack slot *seed_slot (0: none), pushed by this call. */
void xl_check_target(lua_State *L, int arg, const xai_net *net, bool units, xai_target *target, int *seed_slot);

/* ---- passes (l_hook.c) ----------------------------------------------------------------------- */
enum { XL_PASS_BOXES = 5 };
/* One stretch of C during which hooks may call back into Lua. */
typedef struct xl_pass {
  lua_State *L;
  int hooks;  /* stack slot of the net's table: payload address -> function */
  int failed; /* stack slot of a hook's error object; 0: none */
  xl_box *busy[XL_PASS_BOXES];
  int n_busy;
  struct xl_pass *outer; /* a hook may start passes of its own */
} xl_pass;
/* Reserves stack and pushes the hooks of the net at 'net_arg'; the box is busy until xl_pass_end. */
void xl_pass_begin(lua_State *L, int net_arg, xl_pass *pass);
void xl_pass_hold(xl_pass *pass, xl_box *box); /* keeps one more box busy; NULL is fine */
/* Ends the stretch; on failure raises: a hook's own error object, or the status. */
void xl_pass_end(xl_pass *pass, xai_status st, const xai_err *err);

/* The list of hooks for xai_net_with from the table { layer = function } at 'arg'. Functions and payloads go into
 * the table at 'anchor'; the array is a userdata pushed on the stack. */
const xai_hook *xl_check_hooks(lua_State *L, int arg, int anchor, const xai_net *net, const char *what, int *n);

/* Pushes the table that belongs to a net's box: hooks, and what the Lua layer knows of it. */
void xl_push_net_table(lua_State *L, int net_arg);

#endif
