/* formats/proto_put.h: writing protobuf's wire format (see proto_wire.h) into growing buffers.
 *
 * A message stands behind its length, so it is made in a buffer of its own and then moved into its parent. */
#ifndef FORMATS_PROTO_PUT_H
#define FORMATS_PROTO_PUT_H

#include "base/buf.h"

void xai_proto__put_int(xai_buf *b, unsigned field, int64_t v);
void xai_proto__put_float(xai_buf *b, unsigned field, float v);
void xai_proto__put_double(xai_buf *b, unsigned field, double v);
void xai_proto__put_bytes(xai_buf *b, unsigned field, const void *bytes, size_t n);
void xai_proto__put_text(xai_buf *b, unsigned field, const char *text);
/* What stands before n bytes that somebody else writes. */
void xai_proto__put_head(xai_buf *b, unsigned field, size_t n);
/* Appends the message 'child' and empties it; a failure of the child's becomes the parent's. */
void xai_proto__put_message(xai_buf *b, unsigned field, xai_buf *child);

#endif
