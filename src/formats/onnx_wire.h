/* formats/onnx_wire.h: protobuf's wire format over bytes that stay where they are.
 *
 * A message is a run of fields. A field is a varint tag (number << 3 | wire type) and a payload: a varint
 * (wire type 0), eight bytes (1), a length and so many bytes (2), or four bytes (5). A nested message, a
 * string and a packed list of numbers are all wire type 2.
 *
 * Reading has two phases. xai_onnx__check walks a whole file once, along a table of the messages that will
 * be read, and refuses whatever is malformed. After that the iterators cannot meet a fault that was not
 * reported; they stay inside their span all the same. Nothing is copied and nothing is allocated. */
#ifndef FORMATS_ONNX_WIRE_H
#define FORMATS_ONNX_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "xai/status.h"

/* Bytes of the file: a message, a string, a payload. Not NUL-terminated; a NUL may lie inside. */
typedef struct xai_onnx_span {
  const unsigned char *at;
  size_t n;
} xai_onnx_span;

typedef enum xai_onnx_wire { XAI_WIRE_VARINT = 0, XAI_WIRE_64 = 1, XAI_WIRE_BYTES = 2, XAI_WIRE_32 = 5 } xai_onnx_wire;

typedef struct xai_onnx_field {
  uint32_t number;
  xai_onnx_wire wire;
  uint64_t bits;       /* VARINT, 64, 32 */
  xai_onnx_span bytes; /* BYTES */
} xai_onnx_field;

/* ---- what a well-formed file looks like ---------------------------------------------------------- */
typedef enum xai_onnx_kind {
  XAI_ONNX_INT, XAI_ONNX_FLOAT, XAI_ONNX_BYTES,      /* may recur: the last one counts */
  XAI_ONNX_INTS, XAI_ONNX_FLOATS, XAI_ONNX_DOUBLES,  /* lists, packed or one by one */
  XAI_ONNX_ONE, XAI_ONNX_MANY                        /* a message, at most once or any number of times */
} xai_onnx_kind;

typedef struct xai_onnx_rule {
  uint32_t number; /* below 64; 0 ends a message's rules. A field without a rule is skipped */
  xai_onnx_kind kind;
  const char *name;
  int message; /* ONE, MANY: index of the nested message */
} xai_onnx_rule;

typedef struct xai_onnx_message {
  const char *name;
  const xai_onnx_rule *rules;
} xai_onnx_message;

enum { XAI_ONNX_DEPTH = 64, XAI_ONNX_MESSAGES = 1000000 };

/* Is 'file' a well-formed message messages[0]? Fails with XAI_EFORMAT for a length past the parent's end, a
 * varint of more than 10 bytes, field number 0, a group or unknown wire type, a known field of the wrong
 * type, a ONE that recurs, nesting beyond XAI_ONNX_DEPTH or more than XAI_ONNX_MESSAGES messages.
 * Iterative; linear in the number of fields and of varints in lists. */
xai_status xai_onnx__check(xai_onnx_span file, const xai_onnx_message *messages, xai_err *err);

/* ---- reading ------------------------------------------------------------------------------------- */
/* The next field, taken off the front of *rest; false at the end. */
bool xai_onnx__next(xai_onnx_span *rest, xai_onnx_field *f);
/* The next field with this number. */
bool xai_onnx__next_of(xai_onnx_span *rest, uint32_t number, xai_onnx_field *f);

/* The numbers of a list field, packed or not. width: bytes per number, 0 for varints. */
typedef struct xai_onnx_numbers {
  xai_onnx_span rest, packed;
  uint32_t number;
  int width;
} xai_onnx_numbers;
xai_onnx_numbers xai_onnx__numbers(xai_onnx_span message, uint32_t number, int width);
bool xai_onnx__number(xai_onnx_numbers *list, uint64_t *bits);

float xai_onnx__float(uint64_t bits);                    /* of the low 32 bits */
bool xai_onnx__equal(xai_onnx_span s, const char *text); /* by length: "a\0b" is not "a" */
#define XAI_ONNX_TEXT 80
/* At most XAI_ONNX_TEXT bytes of a span as printf arguments: "%.*s", XAI_SPAN(s). For messages. */
#define XAI_SPAN(s)                                                                                                    \
  (int)((s).n < XAI_ONNX_TEXT ? (s).n : XAI_ONNX_TEXT), (const char *)((s).n > 0 ? (s).at : (const unsigned char *)"")

#endif
