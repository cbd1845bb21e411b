/* formats/pickle.c: a closed pickle machine.
 *
 * A pickle is a program for a stack machine with a memo, and in Python some instructions look up a function by name and
 * call it. This machine cannot call anything. A name must be in a list of harmless ones and becomes a number; where
 * Python would call, the machine notes the name and its arguments as a value (XAI_PICKLE_CALL) for the reader of
 * the checkpoint to interpret. Only OrderedDict is special, as instructions after its call still add to it. Attributes
 * set on an object (BUILD) are dropped: they are no weights.
 *
 * Values and the items of containers lie in two arrays and refer to each other by index, so nothing here or in freeing
 * recurses, however deep or cyclic the data are. Limits: 4 million instructions, 1 million memo entries, 4096 open
 * marks, 64 KiB per string, 16 bytes per whole number. Of protocols 2 to 5, what torch.save has written; not protocols
 * 0 and 1, bytes objects, extension codes, out-of-band buffers and classes of other making. */
#include "formats/pickle.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "formats/formats.h"

enum { MAX_STEPS = 4000000, MAX_MEMO = 1000000, MAX_MARKS = 4096, MAX_STRING = 65536, MAX_LONG = 16 };
enum { NO_DTYPE = 255 };
#define NOTHING UINT32_MAX /* an empty memo entry */
#define ADVICE "in PyTorch, torch.save(model.state_dict(), 'x.pth')"

/* ---- names ------------------------------------------------------------------------------------------ */

static const struct {
  const char *module, *name;
  xai_global global;
  unsigned char dtype;
} globals[] = {
    {"collections", "OrderedDict", XAI_GLOBAL_ORDERED_DICT, NO_DTYPE},
    {"torch._utils", "_rebuild_tensor", XAI_GLOBAL_REBUILD_TENSOR, NO_DTYPE},
    {"torch._utils", "_rebuild_tensor_v2", XAI_GLOBAL_REBUILD_TENSOR_V2, NO_DTYPE},
    {"torch._utils", "_rebuild_tensor_v3", XAI_GLOBAL_REBUILD_TENSOR_V3, NO_DTYPE},
    {"torch._utils", "_rebuild_parameter", XAI_GLOBAL_REBUILD_PARAMETER, NO_DTYPE},
    {"torch._utils", "_rebuild_parameter_with_state", XAI_GLOBAL_REBUILD_PARAMETER, NO_DTYPE},
    {"torch.nn.parameter", "Parameter", XAI_GLOBAL_PARAMETER, NO_DTYPE},
    {"torch", "Size", XAI_GLOBAL_SIZE, NO_DTYPE},
    {"torch", "device", XAI_GLOBAL_OTHER, NO_DTYPE},
    {"__builtin__", "set", XAI_GLOBAL_OTHER, NO_DTYPE},
    {"builtins", "set", XAI_GLOBAL_OTHER, NO_DTYPE},
    {"torch", "UntypedStorage", XAI_GLOBAL_UNTYPED_STORAGE, NO_DTYPE},
    {"torch.storage", "UntypedStorage", XAI_GLOBAL_UNTYPED_STORAGE, NO_DTYPE},
    {"torch", "FloatStorage", XAI_GLOBAL_STORAGE, XAI_STORED_F32},
    {"torch", "DoubleStorage", XAI_GLOBAL_STORAGE, XAI_STORED_F64},
    {"torch", "HalfStorage", XAI_GLOBAL_STORAGE, XAI_STORED_F16},
    {"torch", "BFloat16Storage", XAI_GLOBAL_STORAGE, XAI_STORED_BF16},
    {"torch", "LongStorage", XAI_GLOBAL_STORAGE, XAI_STORED_I64},
    {"torch", "IntStorage", XAI_GLOBAL_STORAGE, XAI_STORED_I32},
    {"torch", "ShortStorage", XAI_GLOBAL_STORAGE, XAI_STORED_I16},
    {"torch", "CharStorage", XAI_GLOBAL_STORAGE, XAI_STORED_I8},
    {"torch", "ByteStorage", XAI_GLOBAL_STORAGE, XAI_STORED_U8},
    {"torch", "BoolStorage", XAI_GLOBAL_STORAGE, XAI_STORED_BOOL},
    {"torch", "float32", XAI_GLOBAL_DTYPE, XAI_STORED_F32},
    {"torch", "float64", XAI_GLOBAL_DTYPE, XAI_STORED_F64},
    {"torch", "float16", XAI_GLOBAL_DTYPE, XAI_STORED_F16},
    {"torch", "bfloat16", XAI_GLOBAL_DTYPE, XAI_STORED_BF16},
    {"torch", "int64", XAI_GLOBAL_DTYPE, XAI_STORED_I64},
    {"torch", "int32", XAI_GLOBAL_DTYPE, XAI_STORED_I32},
    {"torch", "int16", XAI_GLOBAL_DTYPE, XAI_STORED_I16},
    {"torch", "int8", XAI_GLOBAL_DTYPE, XAI_STORED_I8},
    {"torch", "uint8", XAI_GLOBAL_DTYPE, XAI_STORED_U8},
    {"torch", "uint16", XAI_GLOBAL_DTYPE, XAI_STORED_U16},
    {"torch", "uint32", XAI_GLOBAL_DTYPE, XAI_STORED_U32},
    {"torch", "uint64", XAI_GLOBAL_DTYPE, XAI_STORED_U64},
    {"torch", "bool", XAI_GLOBAL_DTYPE, XAI_STORED_BOOL},
};

typedef struct span {
  const char *at;
  size_t n;
} span;

static bool span_is(span s, const char *text) { return s.n == strlen(text) && memcmp(s.at, text, s.n) == 0; }
static bool span_starts(span s, const char *text) {
  return s.n >= strlen(text) && memcmp(s.at, text, strlen(text)) == 0;
}

static xai_status refuse_global(span module, span name, xai_err *err) {
  int m = module.n > 100 ? 100 : (int)module.n, n = name.n > 100 ? 100 : (int)name.n;
  if (span_starts(module, "torch.nn.") || span_starts(module, "torchvision.") || span_is(module, "__main__"))
    return xai_fail(err, XAI_EUNSUPPORTED, "%.*s.%.*s is a whole module, not weights: " ADVICE, m, module.at, n,
                    name.at);
  if (span_is(module, "torch") || span_is(module, "torch._utils"))
    return xai_fail(
        err, XAI_EUNSUPPORTED,
        "'%.*s.%.*s' is not supported (expected plain tensors of real numbers: not quantised, sparse or complex)", m,
        module.at, n, name.at);
  return xai_fail(err, XAI_EUNSUPPORTED,
                  "it needs '%.*s.%.*s', which is not a plain tensor or container (and no code in a file is ever run); "
                  "save the weights alone: " ADVICE,
                  m, module.at, n, name.at);
}

/* ---- the machine ------------------------------------------------------------------------------------ */

typedef struct machine {
  xai_cursor in;
  xai_pickle p;
  xai_pickle_id *stack;
  size_t top, stack_room;
  xai_pickle_id *memo;
  size_t n_memo, memo_room; /* entries in use: one more than the largest number */
  size_t marks[MAX_MARKS];  /* heights of the stack */
  size_t n_marks;
  size_t steps;
  xai_err *err;
} machine;

static xai_status damaged(machine *m, const char *what) {
  return xai_fail(m->err, XAI_EFORMAT, "damaged pickle: %s", what);
}
static xai_status cut(machine *m) { return damaged(m, "it ends in the middle"); }

/* Room for one more of n things of 'size' bytes. */
static xai_status grow(void **array, size_t n, size_t *room, size_t size, xai_err *err) {
  if (n < *room) return XAI_OK;
  size_t wanted = *room == 0 ? 64 : 2 * *room; /* at most 2^24: there are no more instructions */
  void *more = xai_realloc(*array, wanted * size);
  if (more == NULL) return xai_fail_memory(err, wanted * size);
  *array = more;
  *room = wanted;
  return XAI_OK;
}

static xai_status push_id(machine *m, xai_pickle_id id) {
  void *stack = m->stack;
  xai_status st = grow(&stack, m->top, &m->stack_room, sizeof *m->stack, m->err);
  m->stack = stack;
  if (st == XAI_OK) m->stack[m->top++] = id;
  return st;
}

static xai_status push(machine *m, xai_pickle_value v) {
  void *values = m->p.values;
  xai_status st = grow(&values, m->p.n, &m->p.room, sizeof *m->p.values, m->err);
  m->p.values = values;
  if (st != XAI_OK) return st;
  m->p.values[m->p.n] = v;
  return push_id(m, (xai_pickle_id)m->p.n++);
}

static xai_status push_int(machine *m, xai_pickle_kind kind, int64_t i) {
  return push(m, (xai_pickle_value){.kind = (unsigned char)kind, .as.i = i});
}

/* How many values lie above the last mark, or on the whole stack. */
static size_t available(const machine *m) { return m->top - (m->n_marks > 0 ? m->marks[m->n_marks - 1] : 0); }

/* Takes n values off the stack; they stay readable at the pointer until the next push. */
static xai_status pop(machine *m, size_t n, const xai_pickle_id **taken) {
  if (available(m) < n) return damaged(m, "an instruction finds too little on the stack");
  m->top -= n;
  *taken = m->stack + m->top;
  return XAI_OK;
}

/* Takes all above the last mark, and the mark. */
static xai_status pop_mark(machine *m, const xai_pickle_id **taken, size_t *n) {
  if (m->n_marks == 0) return damaged(m, "an instruction finds no mark");
  *n = available(m);
  m->top = m->marks[--m->n_marks];
  *taken = *n > 0 ? m->stack + m->top : NULL;
  return XAI_OK;
}

static xai_pickle_value *at_top(machine *m) { return available(m) > 0 ? &m->p.values[m->stack[m->top - 1]] : NULL; }

/* Work is bounded, whatever it is for. */
static xai_status count_steps(machine *m, size_t n) {
  m->steps += n;
  return m->steps <= MAX_STEPS ? XAI_OK
                               : xai_fail(m->err, XAI_EFORMAT, "a pickle of more than %d instructions", MAX_STEPS);
}

/* Appends to a container. The ids may lie on the stack, which does not move here. */
static xai_status add_items(machine *m, xai_pickle_value *container, const xai_pickle_id *ids, size_t n) {
  for (size_t i = 0; i < n; i++) {
    void *items = m->p.items;
    xai_status st = grow(&items, m->p.n_items, &m->p.items_room, sizeof *m->p.items, m->err);
    m->p.items = items;
    if (st != XAI_OK) return st;
    uint32_t here = (uint32_t)m->p.n_items++;
    m->p.items[here] = (xai_pickle_item){ids[i], 0};
    if (container->n == 0)
      container->as.items.first = here;
    else
      m->p.items[container->as.items.last].next = here;
    container->as.items.last = here;
    container->n++;
  }
  return XAI_OK;
}

static xai_status push_container(machine *m, xai_pickle_kind kind, const xai_pickle_id *ids, size_t n) {
  xai_pickle_value v = {.kind = (unsigned char)kind};
  xai_status st = add_items(m, &v, ids, n);
  return st == XAI_OK ? push(m, v) : st;
}

/* Adds what was taken to the container that now lies on top of the stack. */
static xai_status extend(machine *m, xai_pickle_kind kind, const xai_pickle_id *ids, size_t n) {
  xai_pickle_value *container = at_top(m);
  if (container == NULL || container->kind != kind)
    return damaged(m, "items for something that is not their kind of container");
  if (kind == XAI_PICKLE_DICT && n % 2 != 0) return damaged(m, "a key without a value");
  return add_items(m, container, ids, n);
}

/* ---- instructions ----------------------------------------------------------------------------------- */

static xai_status take_number(machine *m, size_t bytes, uint64_t *out) {
  const unsigned char *p;
  if (!xai_cursor_take(&m->in, bytes, &p)) return cut(m);
  *out = 0;
  for (size_t i = bytes; i-- > 0;) *out = *out << 8 | p[i];
  return XAI_OK;
}

/* A length of 'width' bytes, then the text. */
static xai_status push_string(machine *m, size_t width) {
  uint64_t n;
  const unsigned char *text;
  XAI_TRY(take_number(m, width, &n));
  if (n > MAX_STRING)
    return xai_fail(m->err, XAI_EFORMAT, "a pickled string of %" PRIu64 " bytes (at most %d)", n, MAX_STRING);
  if (!xai_cursor_take(&m->in, (size_t)n, &text)) return cut(m);
  return push(m, (xai_pickle_value){.kind = XAI_PICKLE_STRING, .n = (uint32_t)n, .as.text = (const char *)text});
}

/* Two's complement, little-endian, 0 to 16 bytes. */
static xai_status push_long(machine *m) {
  uint64_t n, v = 0;
  const unsigned char *p;
  XAI_TRY(take_number(m, 1, &n));
  if (n > MAX_LONG)
    return xai_fail(m->err, XAI_EFORMAT, "a pickled number of %" PRIu64 " bytes (at most %d)", n, MAX_LONG);
  if (!xai_cursor_take(&m->in, (size_t)n, &p)) return cut(m);
  if (n > 8) return push(m, (xai_pickle_value){.kind = XAI_PICKLE_BIG, .n = (uint32_t)n, .as.text = (const char *)p});
  if (n > 0 && p[n - 1] >= 0x80) v = UINT64_MAX;
  for (size_t i = (size_t)n; i-- > 0;) v = v << 8 | p[i];
  int64_t value;
  memcpy(&value, &v, sizeof value);
  return push_int(m, XAI_PICKLE_INT, value);
}

/* BINFLOAT is the one number with its upper byte first. */
static xai_status push_float(machine *m) {
  const unsigned char *p;
  uint64_t bits = 0;
  xai_pickle_value v = {.kind = XAI_PICKLE_FLOAT};
  if (!xai_cursor_take(&m->in, 8, &p)) return cut(m);
  for (int i = 0; i < 8; i++) bits = bits << 8 | p[i];
  memcpy(&v.as.f, &bits, sizeof bits);
  return push(m, v);
}

static xai_status push_global(machine *m, span module, span name) {
  for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
    if (span_is(module, globals[i].module) && span_is(name, globals[i].name))
      return push(m, (xai_pickle_value){.kind = XAI_PICKLE_GLOBAL,
                                        .global = (unsigned char)globals[i].global,
                                        .dtype = globals[i].dtype});
  return refuse_global(module, name, m->err);
}

static xai_status take_line(machine *m, span *out) {
  size_t left = xai_cursor_left(&m->in);
  const unsigned char *end = memchr(m->in.at, '\n', left < MAX_STRING ? left : MAX_STRING);
  if (end == NULL) return cut(m);
  *out = (span){(const char *)m->in.at, (size_t)(end - m->in.at)};
  m->in.at = end + 1;
  return XAI_OK;
}

static xai_status global_from_lines(machine *m) {
  span module, name;
  XAI_TRY(take_line(m, &module));
  XAI_TRY(take_line(m, &name));
  return push_global(m, module, name);
}

static xai_status global_from_stack(machine *m) {
  const xai_pickle_id *ids;
  XAI_TRY(pop(m, 2, &ids));
  const xai_pickle_value *module = &m->p.values[ids[0]], *name = &m->p.values[ids[1]];
  if (module->kind != XAI_PICKLE_STRING || name->kind != XAI_PICKLE_STRING)
    return damaged(m, "a name that is no string");
  return push_global(m, (span){module->as.text, module->n}, (span){name->as.text, name->n});
}

/* OrderedDict() or OrderedDict([(key, value), ...]) */
static xai_status push_ordered_dict(machine *m, const xai_pickle_value *arguments) {
  xai_pickle_value dict = {.kind = XAI_PICKLE_DICT};
  const xai_pickle_value *list, *pair;
  size_t n = xai_pickle_items(&m->p, arguments, &list, 1);
  if (n > 1 || (n == 1 && list->kind != XAI_PICKLE_LIST))
    return damaged(m, "an OrderedDict of something else than pairs");
  if (n == 1) {
    uint32_t at = list->as.items.first;
    XAI_TRY(count_steps(m, list->n)); /* the same list may be turned again and again */
    for (size_t i = 0; i < list->n; i++, at = m->p.items[at].next) {
      pair = &m->p.values[m->p.items[at].value];
      if ((pair->kind != XAI_PICKLE_TUPLE && pair->kind != XAI_PICKLE_LIST) || pair->n != 2)
        return damaged(m, "an OrderedDict of something else than pairs");
      const xai_pickle_item *key = &m->p.items[pair->as.items.first];
      xai_pickle_id ids[2] = {key->value, m->p.items[key->next].value};
      XAI_TRY(add_items(m, &dict, ids, 2));
    }
  }
  return push(m, dict);
}

/* REDUCE and NEWOBJ: a name and a tuple of arguments. */
static xai_status apply(machine *m) {
  const xai_pickle_id *ids;
  XAI_TRY(pop(m, 2, &ids));
  const xai_pickle_value *f = &m->p.values[ids[0]], *arguments = &m->p.values[ids[1]];
  if (f->kind != XAI_PICKLE_GLOBAL || f->global >= XAI_GLOBAL_STORAGE || arguments->kind != XAI_PICKLE_TUPLE)
    return damaged(m, "a call of something that cannot be called");
  if (f->global == XAI_GLOBAL_ORDERED_DICT) return push_ordered_dict(m, arguments);
  return push(m, (xai_pickle_value){.kind = XAI_PICKLE_CALL, .global = f->global, .as.inner = ids[1]});
}

static xai_status build(machine *m) {
  const xai_pickle_id *state;
  XAI_TRY(pop(m, 1, &state));
  const xai_pickle_value *object = at_top(m);
  if (object == NULL || (object->kind != XAI_PICKLE_DICT && object->kind != XAI_PICKLE_CALL))
    return damaged(m, "attributes for something that has none");
  return XAI_OK;
}

static xai_status put_memo(machine *m, uint64_t slot) {
  if (at_top(m) == NULL) return damaged(m, "an instruction finds too little on the stack");
  if (slot >= MAX_MEMO)
    return xai_fail(m->err, XAI_EFORMAT, "memo entry %" PRIu64 " of a pickle (at most %d)", slot, MAX_MEMO);
  while (m->n_memo <= slot) {
    void *memo = m->memo;
    xai_status st = grow(&memo, m->n_memo, &m->memo_room, sizeof *m->memo, m->err);
    m->memo = memo;
    if (st != XAI_OK) return st;
    m->memo[m->n_memo++] = NOTHING;
  }
  m->memo[slot] = m->stack[m->top - 1];
  return XAI_OK;
}

static xai_status get_memo(machine *m, uint64_t slot) {
  if (slot >= m->n_memo || m->memo[slot] == NOTHING) return damaged(m, "a memo entry that was never made");
  return push_id(m, m->memo[slot]);
}

static xai_status add_mark(machine *m) {
  if (m->n_marks == MAX_MARKS) return xai_fail(m->err, XAI_EFORMAT, "a pickle with more than %d open marks", MAX_MARKS);
  m->marks[m->n_marks++] = m->top;
  return XAI_OK;
}

static xai_status persistent(machine *m) {
  const xai_pickle_id *id;
  XAI_TRY(pop(m, 1, &id));
  return push(m, (xai_pickle_value){.kind = XAI_PICKLE_PERSISTENT, .as.inner = *id});
}

static xai_status check_protocol(machine *m) {
  uint64_t v;
  XAI_TRY(take_number(m, 1, &v));
  return v <= 5 ? XAI_OK : xai_fail(m->err, XAI_EUNSUPPORTED, "pickle protocol %d (expected 2 to 5)", (int)v);
}

static xai_status step(machine *m, unsigned char code) {
  uint64_t v = 0;
  const xai_pickle_id *ids;
  size_t n;
  switch (code) {
    case 0x80: /* PROTO */ return check_protocol(m);
    case 0x95: /* FRAME: how much to read at once; nothing to us */ return take_number(m, 8, &v);
    case '(': return add_mark(m);
    case 'N': return push_int(m, XAI_PICKLE_NONE, 0);
    case 0x88: /* NEWTRUE */ return push_int(m, XAI_PICKLE_BOOL, 1);
    case 0x89: /* NEWFALSE */ return push_int(m, XAI_PICKLE_BOOL, 0);
    case 'K': /* BININT1 */ XAI_TRY(take_number(m, 1, &v)); return push_int(m, XAI_PICKLE_INT, (int64_t)v);
    case 'M': /* BININT2 */ XAI_TRY(take_number(m, 2, &v)); return push_int(m, XAI_PICKLE_INT, (int64_t)v);
    case 'J': /* BININT, signed */
      XAI_TRY(take_number(m, 4, &v));
      return push_int(m, XAI_PICKLE_INT, (int64_t)v - (v > INT32_MAX ? INT64_C(1) << 32 : 0));
    case 0x8A: /* LONG1 */ return push_long(m);
    case 'G': /* BINFLOAT */ return push_float(m);
    case 'U': /* SHORT_BINSTRING */
    case 0x8C: /* SHORT_BINUNICODE */ return push_string(m, 1);
    case 'T': /* BINSTRING */
    case 'X': /* BINUNICODE */ return push_string(m, 4);
    case 0x8D: /* BINUNICODE8 */ return push_string(m, 8);
    case ')': return push_container(m, XAI_PICKLE_TUPLE, NULL, 0);
    case ']': return push_container(m, XAI_PICKLE_LIST, NULL, 0);
    case '}': return push_container(m, XAI_PICKLE_DICT, NULL, 0);
    case 0x8F: /* EMPTY_SET */ return push_container(m, XAI_PICKLE_SET, NULL, 0);
    case 0x85:
    case 0x86:
    case 0x87: /* TUPLE1, 2, 3 */
      XAI_TRY(pop(m, code - 0x84u, &ids));
      return push_container(m, XAI_PICKLE_TUPLE, ids, code - 0x84u);
    case 't': /* TUPLE */ XAI_TRY(pop_mark(m, &ids, &n)); return push_container(m, XAI_PICKLE_TUPLE, ids, n);
    case 'a': /* APPEND */ XAI_TRY(pop(m, 1, &ids)); return extend(m, XAI_PICKLE_LIST, ids, 1);
    case 'e': /* APPENDS */ XAI_TRY(pop_mark(m, &ids, &n)); return extend(m, XAI_PICKLE_LIST, ids, n);
    case 's': /* SETITEM */ XAI_TRY(pop(m, 2, &ids)); return extend(m, XAI_PICKLE_DICT, ids, 2);
    case 'u': /* SETITEMS */ XAI_TRY(pop_mark(m, &ids, &n)); return extend(m, XAI_PICKLE_DICT, ids, n);
    case 0x90: /* ADDITEMS */ XAI_TRY(pop_mark(m, &ids, &n)); return extend(m, XAI_PICKLE_SET, ids, n);
    case 'c': return global_from_lines(m);
    case 0x93: /* STACK_GLOBAL */ return global_from_stack(m);
    case 'R': /* REDUCE */
    case 0x81: /* NEWOBJ */ return apply(m);
    case 'b': return build(m);
    case 'Q': /* BINPERSID */ return persistent(m);
    case 'q': /* BINPUT */ XAI_TRY(take_number(m, 1, &v)); return put_memo(m, v);
    case 'r': /* LONG_BINPUT */ XAI_TRY(take_number(m, 4, &v)); return put_memo(m, v);
    case 0x94: /* MEMOIZE */ return put_memo(m, m->n_memo);
    case 'h': /* BINGET */ XAI_TRY(take_number(m, 1, &v)); return get_memo(m, v);
    case 'j': /* LONG_BINGET */ XAI_TRY(take_number(m, 4, &v)); return get_memo(m, v);
    default:
      return xai_fail(m->err, XAI_EUNSUPPORTED,
                      "pickle instruction 0x%02X is not supported; save the weights alone: " ADVICE, code);
  }
}

xai_status xai_pickle_read(xai_cursor *c, xai_pickle *out, xai_err *err) {
  xai_status st;
  const unsigned char *code;
  machine *m = xai_calloc(1, sizeof *m);
  if (m == NULL) return xai_fail_memory(err, sizeof *m);
  m->in = *c;
  m->err = err;
  for (;;) {
    if (!xai_cursor_take(&m->in, 1, &code)) {
      st = cut(m);
      goto done;
    }
    if (*code == '.') break;
    XAI_GOTO(count_steps(m, 1));
    XAI_GOTO(step(m, *code));
  }
  if (m->n_marks != 0 || m->top != 1) {
    st = damaged(m, "it does not end with one value");
    goto done;
  }
  m->p.root = m->stack[0];
  *c = m->in;
  *out = m->p;
  m->p = (xai_pickle){0};
  st = XAI_OK;
done:
  xai_pickle_free(&m->p);
  xai_free(m->stack);
  xai_free(m->memo);
  xai_free(m);
  return st;
}

void xai_pickle_free(xai_pickle *p) {
  xai_free(p->values);
  xai_free(p->items);
  *p = (xai_pickle){0};
}

/* ---- looking at the result -------------------------------------------------------------------------- */

size_t xai_pickle_items(const xai_pickle *p, const xai_pickle_value *container, const xai_pickle_value **out,
                        size_t room) {
  uint32_t at = container->as.items.first;
  for (size_t i = 0; i < container->n && i < room; i++, at = p->items[at].next) out[i] = &p->values[p->items[at].value];
  return container->n;
}

bool xai_pickle_is(const xai_pickle_value *v, const char *text) {
  return v->kind == XAI_PICKLE_STRING && span_is((span){v->as.text, v->n}, text);
}

const xai_pickle_value *xai_pickle_find(const xai_pickle *p, const xai_pickle_value *dict, const char *key) {
  const xai_pickle_value *found = NULL;
  uint32_t at = dict->as.items.first;
  for (size_t i = 0; i < dict->n; i += 2) {
    const xai_pickle_item *k = &p->items[at], *v = &p->items[k->next];
    if (xai_pickle_is(&p->values[k->value], key)) found = &p->values[v->value];
    at = v->next;
  }
  return found;
}
