/* bindings/l_methods.c: every row of explain/methods.def as core.methods.<name>(net, x, options), through one function
 * that reads the row's descriptor. A new method needs no line here. A run of the network in place of x: its forward pass
 * serves, so that several questions about one picture cost one.
 *
 * The result is a table: method, target, label, layer ("" if none), class and p when the target is one class, unit,
 * values, one field per extra tensor and number, options (as used), signed, reduce, height, width, seconds, net, x. */
#include "bindings/config.h"
#include "bindings/core.h"
#include "explain/method.h"
#include "tensor/shape.h"

enum { OPTIONS_MAX = 64, TENSORS_MAX = 2 };

static void destroy(void *object) { xai_explanation_free(object); }
static const xl_type explanation_type = {"explanation", "xai.explanation.native", destroy};

static const char *const reductions[] = {"none", "max_abs", "sum"}; /* in xai_reduce's order */

/* ---- options --------------------------------------------------------------------------------- */

/* target, at, layer and the method's own, NULL-terminated */
static void option_names(const xai_method *m, const char *names[OPTIONS_MAX]) {
  int n = 0;
  names[n++] = "target";
  names[n++] = "at";
  if (m->uses_layer) names[n++] = "layer";
  for (const xai_opt_spec *o = m->opts; o->name != NULL && n < OPTIONS_MAX - 1; o++) names[n++] = o->name;
  names[n] = NULL;
}

enum { KEEPS_LAYERS = TENSORS_MAX + 1 }; /* user values of the options: tensors from 1, then the list of layers */

/* The table { layer = choice } on top of the stack. */
static void read_layers(lua_State *L, const xai_opt_spec *o, const xai_net *net, xai_layer_choices *to) {
  int table = lua_gettop(L), n = 0;
  if (lua_istable(L, table))
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) n++;
  if (n == 0) xl_expected(L, table, o->name, "{ layer = \"%s\", ... }", o->choices[0]);
  xai_layer_choice *list = lua_newuserdatauv(L, (size_t)n * sizeof *list, 0);
  to->list = list;
  to->n = 0;
  for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
    lua_pushvalue(L, -2); /* lua_next needs the key as it is */
    list[to->n].layer = xl_check_layer(L, -1, net, o->name);
    lua_pop(L, 1);
    list[to->n++].choice = xl_check_choice(L, -1, o->name, o->choices);
  }
  lua_setiuservalue(L, table - 1, KEEPS_LAYERS);
}

/* Tensors among the options; the options' userdata keeps them from the collector. */
typedef struct borrowed {
  xl_box *box[TENSORS_MAX];
  int n;
} borrowed;

/* The value on top of the stack into the options struct, a userdata below it. */
static void read_option(lua_State *L, const xai_opt_spec *o, const xai_net *net, void *opts, borrowed *tensors) {
  void *to = (char *)opts + o->offset;
  if (o->tensor != 0 && xl_is(L, -1, &xl_tensor_type)) {
    *(const xai_view **)(void *)((char *)opts + o->tensor) = xai_tensor_view(xl_check_tensor(L, -1, o->name));
    tensors->box[tensors->n++] = lua_touserdata(L, -1);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, -3, tensors->n);
    return;
  }
  switch (o->kind) {
    case XAI_OPT_BOOL:
      if (!lua_isboolean(L, -1)) xl_expected(L, -1, o->name, "true or false");
      *(bool *)to = lua_toboolean(L, -1);
      break;
    case XAI_OPT_INT: *(int64_t *)to = xl_check_int(L, -1, o->name, (lua_Integer)o->lo, (lua_Integer)o->hi); break;
    case XAI_OPT_NUMBER: {
      double v = xl_check_number(L, -1, o->name);
      if (!(v >= o->lo && v <= o->hi)) xl_expected(L, -1, o->name, "a number from %f to %f", o->lo, o->hi);
      *(double *)to = v;
      break;
    }
    case XAI_OPT_CHOICE: *(int *)to = xl_check_choice(L, -1, o->name, o->choices); break;
    case XAI_OPT_LAYERS: read_layers(L, o, net, to); break;
  }
}

/* { layer = choice }; nil when there is none */
static void push_layers(lua_State *L, const xai_opt_spec *o, const xai_net *net, const xai_layer_choices *from) {
  lua_newtable(L);
  for (int i = 0; i < from->n; i++) {
    int layer = from->list[i].layer;
    lua_pushstring(L, o->choices[from->list[i].choice]);
    lua_setfield(L, -2, layer < 0 ? "input" : xai_net_layer(net, layer).name);
  }
  if (from->n > 0) return;
  lua_pop(L, 1);
  lua_pushnil(L);
}

static void push_option(lua_State *L, const xai_opt_spec *o, const xai_net *net, const void *opts) {
  const void *from = (const char *)opts + o->offset;
  if (o->tensor != 0 && *(const xai_view *const *)(const void *)((const char *)opts + o->tensor) != NULL) {
    lua_pushliteral(L, "own");
    return;
  }
  switch (o->kind) {
    case XAI_OPT_BOOL: lua_pushboolean(L, *(const bool *)from); break;
    case XAI_OPT_INT: lua_pushinteger(L, *(const int64_t *)from); break;
    case XAI_OPT_NUMBER: lua_pushnumber(L, *(const double *)from); break;
    case XAI_OPT_CHOICE: lua_pushstring(L, o->choices[*(const int *)from]); break;
    case XAI_OPT_LAYERS: push_layers(L, o, net, from); break;
  }
}

/* The options at slot 3 into a new struct, a userdata pushed on the stack. */
static xai_explain_opts *check_method_options(lua_State *L, const xai_method *m, const xai_net *net, int *seed_slot,
                                              borrowed *tensors) {
  const char *names[OPTIONS_MAX];
  xai_explain_opts *opts = lua_newuserdatauv(L, m->opts_size, KEEPS_LAYERS);
  xai_method_defaults(m, opts);
  *seed_slot = 0;
  *tensors = (borrowed){.n = 0};
  if (!xl_check_options(L, 3)) return opts;
  option_names(m, names);
  xl_check_keys(L, 3, names);
  for (const xai_opt_spec *o = m->opts; o->name != NULL; o++) {
    bool given = xl_get(L, 3, o->name) != LUA_TNIL;
    if (given) read_option(L, o, net, opts, tensors);
    if (given && o == m->opts && m->preset != NULL) m->preset(opts);
    lua_pop(L, 1);
  }
  if (m->uses_layer && xl_get(L, 3, "layer") != LUA_TNIL) opts->layer = xl_check_layer(L, -1, net, "layer");
  xl_check_target(L, 3, net, m->uses_at, &opts->target, seed_slot);
  return opts;
}

/* ---- results --------------------------------------------------------------------------------- */

static void set_string(lua_State *L, const char *key, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, key);
}

static void set_integer(lua_State *L, const char *key, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, key);
}

static void set_tensor(lua_State *L, const char *key, xai_tensor *t) {
  xl_push_tensor(L, t);
  lua_setfield(L, -2, key);
}

static void push_result(lua_State *L, const xai_method *m, const xai_net *net, const xai_explanation *e,
                        const xai_explain_opts *opts) {
  lua_createtable(L, 0, 28);
  set_string(L, "method", e->method);
  set_string(L, "target", e->target);
  set_string(L, "label", e->label);
  set_string(L, "layer", e->layer);
  set_string(L, "unit", e->unit);
  set_string(L, "reduce", reductions[e->reduce]);
  set_integer(L, "height", e->height);
  set_integer(L, "width", e->width);
  if (e->class_id >= 0) {
    set_integer(L, "class", e->class_id);
    lua_pushnumber(L, e->probability);
    lua_setfield(L, -2, "p");
  }
  lua_pushboolean(L, e->is_signed);
  lua_setfield(L, -2, "signed");
  lua_pushboolean(L, e->is_input);
  lua_setfield(L, -2, "is_input");
  lua_pushboolean(L, e->stopped);
  lua_setfield(L, -2, "stopped");
  lua_pushnumber(L, e->seconds);
  lua_setfield(L, -2, "seconds");
  set_tensor(L, "values", e->values);
  for (int i = 0; i < e->n_extras; i++) set_tensor(L, e->extras[i].name, e->extras[i].tensor);
  for (int i = 0; i < e->n_numbers; i++) {
    lua_pushnumber(L, e->numbers[i].number);
    lua_setfield(L, -2, e->numbers[i].name);
  }
  lua_newtable(L);
  for (const xai_opt_spec *o = m->opts; o->name != NULL; o++) {
    push_option(L, o, net, opts);
    lua_setfield(L, -2, o->name);
  }
  lua_setfield(L, -2, "options");
}

/* "gradcam: layer 'fire9/concat_2' (512x13x13)" when the user did not choose one; sizes as in this pass */
static void tell_layer(lua_State *L, const xai_method *m, const xai_net *net, const xai_view *x, const char *name) {
  char text[XAI_SHAPE_TEXT];
  int layer;
  xai_shape shape;
  if (xai_net_find_layer(net, name, &layer, NULL) != XAI_OK || layer < 0) return;
  if (xai_net_layer_shape(net, layer, &x->shape, &shape, NULL) != XAI_OK || shape.rank < 2) return;
  shape = xai_shape_of(shape.rank - 1, shape.dims + 1);
  xl_note(L, "%s: layer '%s' (%s)", m->name, name, xai_shape_text(&shape, text));
}

/* ---- the call -------------------------------------------------------------------------------- */

typedef struct listener {
  lua_State *L;
  const char *method;
} listener;

/* The protected part; arguments: the method's name, how much is done, of how much. */
static int tell_lua(lua_State *L) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, "xai.progress") != LUA_TFUNCTION) return 0;
  lua_pushstring(L, lua_touserdata(L, 1));
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  lua_call(L, 3, 0);
  return 0;
}

/* Whatever goes wrong in showing progress is no reason to stop; an interrupt is seen by the pass itself. */
static void tell_progress(void *payload, int64_t done, int64_t total) {
  const listener *to = payload;
  if (xl_config.quiet) return;
  lua_pushcfunction(to->L, tell_lua);
  lua_pushlightuserdata(to->L, (void *)(uintptr_t)to->method);
  lua_pushinteger(to->L, done);
  lua_pushinteger(to->L, total);
  if (lua_pcall(to->L, 3, 0, 0) != LUA_OK) lua_pop(to->L, 1);
}

/* One retry when memory is short; a run that failed on the way back is not relied on. */
static xai_status work(lua_State *L, const xai_method *m, xai_net *net, const xai_view *x, xai_explain_opts *opts,
                       xai_explanation **e, xai_err *err) {
  xai_status st = m->run(net, x, opts, e, err);
  if (st != XAI_ENOMEM) return st;
  opts->run = NULL;
  lua_gc(L, LUA_GCCOLLECT, 0);
  return m->run(net, x, opts, e, err);
}

/* Puts an input of zeros at slot 2, when the method makes a picture and was called without one: method(net, options). */
static bool start_from_nothing(lua_State *L, const xai_method *m, const xai_net *net) {
  bool only_options = lua_istable(L, 2) && lua_isnil(L, 3);
  if (!m->makes_picture || m->needs_input || !(lua_isnil(L, 2) || only_options)) return false;
  if (only_options) lua_insert(L, 2); /* the nil */
  xai_shape s = xai_net_input_shape(net);
  for (int i = 1; i < 4; i++) {
    char text[XAI_SHAPE_TEXT];
    if (s.rank == 4 && s.dims[i] > 0) continue;
    xl_fail(L, "the network's input is %s: give a picture of the size that you want, or a tensor 1 x C x H x W",
            xai_shape_text(&s, text));
  }
  s.dims[0] = 1;
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_tensor_new(XAI_F32, s, &box->tensor, &err));
  if (st != XAI_OK) xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
  lua_replace(L, 2);
  return true;
}

/* upvalues: name, descriptor */
static int call_method(lua_State *L) {
  const xai_method *m = lua_touserdata(L, lua_upvalueindex(2));
  xai_net *net = xl_check_net(L, 1);
  lua_settop(L, 3);
  bool nothing = start_from_nothing(L, m, net);
  lua_pushvalue(L, 2); /* keeps the run, if it is one */
  xl_box *run = xl_take_run(L, 2, 1);
  xl_box *x = xl_check_input(L, 2, 1);
  int seed_slot;
  borrowed tensors;
  xai_explain_opts *opts = check_method_options(L, m, net, &seed_slot, &tensors);
  if (nothing && opts->target.n_terms == 0 && opts->target.seed == NULL)
    return xl_fail(L, "target: say which class or unit; there is no picture whose most probable class it could be");
  xl_box *box = xl_new_box(L, &explanation_type);
  xl_pass pass;
  xl_pass_begin(L, 1, &pass);
  xl_pass_hold(&pass, x);
  xl_pass_hold(&pass, seed_slot != 0 ? lua_touserdata(L, seed_slot) : NULL);
  for (int i = 0; i < tensors.n; i++) xl_pass_hold(&pass, tensors.box[i]);
  xl_pass_hold(&pass, run);
  listener here = {L, m->name};
  opts->run = run != NULL ? run->run : NULL;
  opts->progress = tell_progress;
  opts->progress_payload = &here;
  xai_explanation *e = NULL;
  xai_err err;
  xai_status st = work(L, m, net, xai_tensor_view(x->tensor), opts, &e, &err);
  box->object = e;
  xl_pass_end(&pass, st, &err);
  if (e->stopped) xai_stop_clear(); /* it has been acted on: the script goes on with what there is */
  if (m->uses_layer && opts->layer == XAI_LAYER_NONE) tell_layer(L, m, net, xai_tensor_view(x->tensor), e->layer);
  if (e->remark[0] != '\0') xl_note(L, "%s: %s", m->name, e->remark);
  push_result(L, m, net, e, opts);
  lua_pushvalue(L, 1);
  lua_setfield(L, -2, "net");
  lua_pushvalue(L, 2);
  lua_setfield(L, -2, "x");
  return 1;
}

/* ---- descriptions ---------------------------------------------------------------------------- */

static void push_spec(lua_State *L, const xai_opt_spec *o, const void *defaults) {
  static const char *const kinds[] = {"boolean", "integer", "number", "choice", "layers"}; /* in xai_opt_kind's order */
  lua_createtable(L, 0, 5);
  set_string(L, "name", o->name);
  set_string(L, "kind", kinds[o->kind]);
  set_string(L, "help", o->help);
  if (o->kind == XAI_OPT_LAYERS) lua_pushliteral(L, "none");
  else push_option(L, o, NULL, defaults);
  lua_setfield(L, -2, "default");
  if (o->choices == NULL) return;
  lua_newtable(L);
  for (int i = 0; o->choices[i] != NULL; i++) {
    lua_pushstring(L, o->choices[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "choices");
}

/* method_table() -> list of {name=, summary=, paper=, layer=, at=, makes_picture=, needs_input=, options={...}} in the order of
 * methods.def */
static int method_table(lua_State *L) {
  int n = 0;
  lua_newtable(L);
  for (const xai_method *const *row = xai_methods(); *row != NULL; row++) {
    const xai_method *m = *row;
    int options = 0;
    void *defaults = lua_newuserdatauv(L, m->opts_size, 0);
    xai_method_defaults(m, defaults);
    lua_createtable(L, 0, 8);
    set_string(L, "name", m->name);
    set_string(L, "summary", m->summary);
    set_string(L, "paper", m->paper);
    lua_pushboolean(L, m->uses_layer);
    lua_setfield(L, -2, "layer");
    lua_pushboolean(L, m->uses_at);
    lua_setfield(L, -2, "at");
    lua_pushboolean(L, m->makes_picture);
    lua_setfield(L, -2, "makes_picture");
    lua_pushboolean(L, m->needs_input || !m->makes_picture);
    lua_setfield(L, -2, "needs_input");
    lua_newtable(L);
    for (const xai_opt_spec *o = m->opts; o->name != NULL; o++) {
      push_spec(L, o, defaults);
      lua_rawseti(L, -2, ++options);
    }
    lua_setfield(L, -2, "options");
    lua_remove(L, -2);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* map(values, reduce, height, width): H x W at input resolution, what xai_explanation_map makes */
static int explanation_map(lua_State *L) {
  static const char *const names[] = {"none", "max_abs", "sum", NULL};
  xai_explanation e = {.values = xl_check_tensor(L, 1, "values")};
  e.reduce = (xai_reduce)xl_check_choice(L, 2, "reduce", names);
  e.height = (int)xl_check_int(L, 3, "height", 1, 65536);
  e.width = (int)xl_check_int(L, 4, "width", 1, 65536);
  const xai_view *v = xai_tensor_view(e.values);
  if (v->dtype != XAI_F32 || v->shape.rank < 2 || v->shape.rank > 3 || xai_shape_size(&v->shape) == 0)
    return xl_expected(L, 1, "values", "float32 H x W or C x H x W");
  xai_err err;
  xai_status st;
  xl_box *box = xl_new_box(L, &xl_tensor_type);
  XL_WORK(L, st, xai_explanation_map(&e, &box->tensor, &err));
  if (st != XAI_OK) return xl_raise(L, st, &err);
  xl_charge_tensor(L, box->tensor);
  return 1;
}

void xl_open_methods(lua_State *L) {
  static const xl_reg functions[] = {
      {"method_table", method_table, NULL},
      {"map", explanation_map, NULL},
      {NULL, NULL, NULL},
  };
  static const xl_reg none[] = {{NULL, NULL, NULL}};
  xl_register(L, "", functions);
  xl_new_type(L, &explanation_type, NULL, none, NULL);
  lua_pop(L, 1); /* scripts never hold one */
  lua_newtable(L);
  for (const xai_method *const *row = xai_methods(); *row != NULL; row++) {
    lua_pushstring(L, (*row)->name);
    lua_pushlightuserdata(L, (void *)*row);
    lua_pushcclosure(L, call_method, 2);
    lua_setfield(L, -2, (*row)->name);
  }
  lua_setfield(L, -2, "methods");
}
