/* formats/proto_text.h: protobuf's text format (.prototxt) to its wire format, so that one reader serves both.
 *
 *   field: 3   field: 0.5   field: "text" 'in pieces'   field: true   field: WORD   field: [1, 2]
 *   field { ... }   field: < ... >        separated by blanks, commas or semicolons; # begins a comment */
#ifndef FORMATS_PROTO_TEXT_H
#define FORMATS_PROTO_TEXT_H

#include "base/buf.h"
#include "formats/proto_wire.h"

/* The words of an enumeration, for a field that the table of messages has as XAI_PROTO_INT. */
typedef struct xai_proto_enum {
  int message;              /* that the field is in; -1 ends the list */
  uint32_t number;          /* of the field */
  const char *const *words; /* by value; "" for a value without a name, NULL at the end */
} xai_proto_enum;

/* Appends the message messages[root] that the text describes. Fields without a rule are skipped with all they hold.
 * Fails with XAI_EFORMAT, naming the line, for what is no such text, a value of another kind than the field's, an
 * unknown word, a ONE that recurs, or nesting beyond XAI_PROTO_DEPTH. Iterative; memory is a few times the text's. */
xai_status xai_proto__from_text(xai_proto_span text, const xai_proto_message *messages, int root,
                                const xai_proto_enum *enums, xai_buf *out, xai_err *err);

#endif
