/* formats/pickle.h: what a Python pickle describes, without doing any of it. */
#ifndef FORMATS_PICKLE_H
#define FORMATS_PICKLE_H

#include "base/buf.h"

/* The only names a pickle may mention. */
typedef enum xai_global {
  XAI_GLOBAL_ORDERED_DICT,
  XAI_GLOBAL_REBUILD_TENSOR,
  XAI_GLOBAL_REBUILD_TENSOR_V2,
  XAI_GLOBAL_REBUILD_TENSOR_V3,
  XAI_GLOBAL_REBUILD_PARAMETER,
  XAI_GLOBAL_PARAMETER,
  XAI_GLOBAL_SIZE,
  XAI_GLOBAL_OTHER, /* set, torch.device: of no use to us */
  XAI_GLOBAL_STORAGE,
  XAI_GLOBAL_UNTYPED_STORAGE,
  XAI_GLOBAL_DTYPE
} xai_global;

typedef enum xai_pickle_kind {
  XAI_PICKLE_NONE,
  XAI_PICKLE_BOOL,
  XAI_PICKLE_INT,
  XAI_PICKLE_FLOAT,
  XAI_PICKLE_STRING, /* text or, for whole numbers beyond 64 bits, their little-endian bytes (XAI_PICKLE_BIG) */
  XAI_PICKLE_BIG,
  XAI_PICKLE_TUPLE,
  XAI_PICKLE_LIST,
  XAI_PICKLE_DICT,
  XAI_PICKLE_SET,
  XAI_PICKLE_GLOBAL,
  XAI_PICKLE_CALL,       /* what 'global' was to be applied to: a tuple. Nothing is applied. */
  XAI_PICKLE_PERSISTENT, /* a thing outside of the pickle: a tuple or whatever its writer chose */
} xai_pickle_kind;

typedef uint32_t xai_pickle_id; /* a value of the pickle */

typedef struct xai_pickle_value {
  unsigned char kind;
  unsigned char global; /* GLOBAL, CALL */
  unsigned char dtype;  /* an xai_stored, for GLOBAL_STORAGE and GLOBAL_DTYPE */
  uint32_t n;           /* bytes of a string; items of a container, twice the pairs of a dictionary */
  union {
    int64_t i; /* BOOL, INT */
    double f;
    const char *text; /* STRING, BIG: in the bytes that were read, not NUL-terminated */
    struct {
      uint32_t first, last;
    } items;             /* containers; a dictionary's keys and values take turns */
    xai_pickle_id inner; /* CALL: the tuple; PERSISTENT: what stands for the thing */
  } as;
} xai_pickle_value;

typedef struct xai_pickle_item {
  xai_pickle_id value;
  uint32_t next; /* of the same container; only for its n items */
} xai_pickle_item;

typedef struct xai_pickle {
  xai_pickle_value *values;
  size_t n, room;
  xai_pickle_item *items;
  size_t n_items, items_room;
  xai_pickle_id root;
} xai_pickle;

/* Reads one pickle; the cursor moves behind its end. Values point into the bytes, which must outlive *out.
 * A container may hold itself: whoever walks must count. XAI_EFORMAT for damage and broken limits, XAI_EUNSUPPORTED for
 * names and instructions outside the list. */
xai_status xai_pickle_read(xai_cursor *c, xai_pickle *out, xai_err *err);
void xai_pickle_free(xai_pickle *p); /* a zeroed one is fine */

static inline const xai_pickle_value *xai_pickle_get(const xai_pickle *p, xai_pickle_id id) { return &p->values[id]; }

/* The first 'room' items of a container into out; returns how many it has. */
size_t xai_pickle_items(const xai_pickle *p, const xai_pickle_value *container, const xai_pickle_value **out,
                        size_t room);

/* What the dictionary has under a string, the last if there are several; NULL if there is none. */
const xai_pickle_value *xai_pickle_find(const xai_pickle *p, const xai_pickle_value *dict, const char *key);

/* Whether the value is this string. */
bool xai_pickle_is(const xai_pickle_value *v, const char *text);

#endif
