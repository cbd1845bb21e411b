/* formats/proto_wire.h: protobuf's wire format over bytes that stay where they are.
 *
 * A message is a run of fields. A field is a varint tag (number << 3 | wire type) and a payload: a varint
 * (wire type 0), eight bytes (1), a length and so many bytes (2), or four bytes (5). A nested message, a
 * string and a packed list of numbers are all wire type 2.
 *
 * Reading has two phases. xai_proto__check walks a whole file once, along a table of the messages that will
 * be read, and refuses whatever is malformed. After that the iterators cannot meet a fault that was not
 * reported; they stay inside their span all the same. Nothing is copied and, but for xai_proto__text, nothing is
 * allocated. The same tables describe protobuf's text format (proto_text.h). */
#ifndef FORMATS_PROTO_WIRE_H
#define FORMATS_PROTO_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "xai/status.h"

/* Bytes of the file: a message, a string, a payload. Not NUL-terminated; a NUL may lie inside. */
typedef struct xai_proto_span {
  const unsigned char *at;
  size_t n;
} xai_proto_span;

typedef enum xai_proto_wire {
  XAI_WIRE_VARINT = 0,
  XAI_WIRE_64 = 1,
  XAI_WIRE_BYTES = 2,
  XAI_WIRE_32 = 5
} xai_proto_wire;

typedef struct xai_proto_field {
  uint32_t number;
  xai_proto_wire wire;
  uint64_t bits;        /* VARINT, 64, 32 */
  xai_proto_span bytes; /* BYTES */
} xai_proto_field;

/* ---- what a well-formed file looks like ---------------------------------------------------------- */
typedef enum xai_proto_kind {
  XAI_PROTO_INT,
  XAI_PROTO_FLOAT,
  XAI_PROTO_BYTES, /* may recur: the last one counts */
  XAI_PROTO_INTS,
  XAI_PROTO_FLOATS,
  XAI_PROTO_DOUBLES, /* lists, packed or one by one */
  XAI_PROTO_ONE,
  XAI_PROTO_MANY /* a message, at most once or any number of times */
} xai_proto_kind;

typedef struct xai_proto_rule {
  uint32_t number; /* 0 ends a message's rules, of which there are at most 64. A field without a rule is skipped */
  xai_proto_kind kind;
  const char *name;
  int message; /* ONE, MANY: index of the nested message */
} xai_proto_rule;

typedef struct xai_proto_message {
  const char *name;
  const xai_proto_rule *rules;
} xai_proto_message;

enum { XAI_PROTO_DEPTH = 64, XAI_PROTO_MESSAGES = 1000000 };

/* Is 'file' a well-formed message messages[root]? Fails with XAI_EFORMAT for a length past the parent's end, a
 * varint of more than 10 bytes, field number 0, a group or unknown wire type, a known field of the wrong
 * type, a ONE that recurs, nesting beyond XAI_PROTO_DEPTH or more than XAI_PROTO_MESSAGES messages.
 * Iterative; linear in the number of fields and of varints in lists. */
xai_status xai_proto__check(xai_proto_span file, const xai_proto_message *messages, int root, xai_err *err);

/* ---- reading ------------------------------------------------------------------------------------- */
/* The next field, taken off the front of *rest; false at the end. */
bool xai_proto__next(xai_proto_span *rest, xai_proto_field *f);
/* The next field with this number. */
bool xai_proto__next_of(xai_proto_span *rest, uint32_t number, xai_proto_field *f);

/* The numbers of a list field, packed or not. width: bytes per number, 0 for varints. */
typedef struct xai_proto_numbers {
  xai_proto_span rest, packed;
  uint32_t number;
  int width;
} xai_proto_numbers;
xai_proto_numbers xai_proto__numbers(xai_proto_span message, uint32_t number, int width);
bool xai_proto__number(xai_proto_numbers *list, uint64_t *bits);

float xai_proto__float(uint64_t bits);                     /* of the low 32 bits */
bool xai_proto__equal(xai_proto_span s, const char *text); /* by length: "a\0b" is not "a" */
/* A new C string; XAI_EFORMAT when the span has a NUL inside. */
xai_status xai_proto__text(xai_proto_span s, char **out, xai_err *err);
xai_status xai_proto__no_nul(xai_proto_span s, xai_err *err);
#define XAI_PROTO_TEXT 80
/* At most XAI_PROTO_TEXT bytes of a span as printf arguments: "%.*s", XAI_SPAN(s). For messages. */
#define XAI_SPAN(s)                                                                                                    \
  (int)((s).n < XAI_PROTO_TEXT ? (s).n : XAI_PROTO_TEXT), (const char *)((s).n > 0 ? (s).at : (const unsigned char *)"")

#endif
