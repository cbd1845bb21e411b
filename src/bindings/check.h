/* bindings/check.h: what every binding is made of.
 *
 * A binding goes through five steps, always in this order:
 *   1. check   arguments; may raise, owns nothing native
 *   2. box     an empty userdata with __gc for whatever will be made
 *   3. work    in C; cannot raise
 *   4. raise   if the status is not XAI_OK; everything native has a box by now
 *   5. charge  the collector, which cannot see native memory
 *
 * Every registered C function has its Lua-visible name ("gradcam", "tensor:clamp") as its first upvalue;
 * messages begin with it, and with the position in the user's script. */
#ifndef BINDINGS_CHECK_H
#define BINDINGS_CHECK_H

#include <lauxlib.h>
#include <lua.h>

#include "xai/image.h"
#include "xai/net.h"
#include "xai/tensor.h"

/* ---- types and boxes ------------------------------------------------------------------------- */
/* A kind of native object that Lua can hold. */
typedef struct xl_type {
  const char *name; /* "tensor": in messages, and the key of core.types */
  const char *key;  /* of the metatable in the registry */
  void (*destroy)(void *object);
} xl_type;
extern const xl_type xl_tensor_type, xl_image_type, xl_net_type, xl_run_type, xl_scenes_type;

/* What the userdata holds. busy > 0 while a pass works with the object: freeing it is then refused. */
typedef struct xl_box {
  union {
    void *object; /* NULL: not made yet, or freed */
    xai_tensor *tensor;
    xai_image *image;
    xai_net *net;
    xai_run *run;
  };
  int busy;
} xl_box;

/* A function with its key and, where it is not <prefix><key>, its name in messages. */
typedef struct xl_reg {
  const char *key;
  lua_CFunction fn;
  const char *name;
} xl_reg;

/* Adds functions to the table on top of the stack; each gets its name as upvalue. */
void xl_register(lua_State *L, const char *prefix, const xl_reg *regs);
/* Makes the type's metatable: __gc, __close, free(), protected __metatable; methods come from the table that is
 * pushed, to which the Lua layer may add. 'index' (may be NULL) is asked for fields first: it gets (object, key)
 * and returns 0 values for a key that it does not know. */
void xl_new_type(lua_State *L, const xl_type *type, lua_CFunction index, const xl_reg *methods, const xl_reg *meta);

/* Pushes an empty box with one user value. */
xl_box *xl_new_box(lua_State *L, const xl_type *type);
/* The box at 'arg', whose object is alive; raises otherwise. 'what' names the argument in the message. */
xl_box *xl_check_box(lua_State *L, int arg, const xl_type *type, const char *what);
bool xl_is(lua_State *L, int arg, const xl_type *type);

xai_tensor *xl_check_tensor(lua_State *L, int arg, const char *what);
xai_image *xl_check_image(lua_State *L, int arg, const char *what);
xai_net *xl_check_net(lua_State *L, int arg);

/* ---- arguments ------------------------------------------------------------------------------- */
lua_Integer xl_check_int(lua_State *L, int arg, const char *what, lua_Integer lo, lua_Integer hi);
lua_Number xl_check_number(lua_State *L, int arg, const char *what);
const char *xl_check_string(lua_State *L, int arg, const char *what);
/* Any bytes, zeros included. */
const char *xl_check_bytes(lua_State *L, int arg, const char *what, size_t *n);
/* Index of the string at 'arg' among choices (NULL-terminated); raises with the list and the nearest. */
int xl_check_choice(lua_State *L, int arg, const char *what, const char *const *choices);
/* A rule for rectifiers on the way back, by name. */
xai_relu xl_check_relu(lua_State *L, int arg);
/* The argument must be a table, nil or absent; true for a table. */
bool xl_check_options(lua_State *L, int arg);
/* Refuses keys of the table at 'arg' that are not in 'names' (NULL-terminated), with the list and the nearest. */
void xl_check_keys(lua_State *L, int arg, const char *const *names);
/* Pushes t[key] for the table at 'arg' without metamethods; its type. */
int xl_get(lua_State *L, int arg, const char *key);
/* Pushes a description of the value for messages: "nil", "3.5", "'dog'", "a tensor 1x3x8x8". */
const char *xl_describe(lua_State *L, int arg);

/* ---- raising --------------------------------------------------------------------------------- */
/* The Lua-visible name of the running function. */
const char *xl_name(lua_State *L);
/* Raises "script.lua:7: name: message". The format is lua_pushfstring's. */
int xl_fail(lua_State *L, const char *format, ...);
/* The same with a status and the message that came with it. */
int xl_raise(lua_State *L, xai_status st, const xai_err *err);
/* Raises that the argument, called 'what', was not what the format (lua_pushfstring's) says. */
int xl_expected(lua_State *L, int arg, const char *what, const char *expected, ...);
/* Pushes "script.lua:7: ": the innermost running line that is not of this library. */
void xl_where(lua_State *L);

/* Work with one retry: when memory is short, garbage may hold some. */
#define XL_WORK(L, st, call)                                                                                           \
  do {                                                                                                                 \
    (st) = (call);                                                                                                     \
    if ((st) == XAI_ENOMEM) {                                                                                          \
      lua_gc(L, LUA_GCCOLLECT, 0);                                                                                     \
      (st) = (call);                                                                                                   \
    }                                                                                                                  \
  } while (0)

/* Tells the collector that so much native memory now hangs on a userdata. */
void xl_charge(lua_State *L, size_t bytes);
void xl_charge_tensor(lua_State *L, const xai_tensor *t);

/* A line for the user through the Lua layer (stderr), unless quiet. May raise. */
void xl_note(lua_State *L, const char *format, ...);

#endif
