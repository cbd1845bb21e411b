/* formats/span_map.h: names that stay where they are (in a mapped file) to the numbers 0, 1, 2, ... in the order in
 * which they were added. An open-addressing table: linear time however many names there are. */
#ifndef FORMATS_SPAN_MAP_H
#define FORMATS_SPAN_MAP_H

#include "formats/proto_wire.h"

typedef struct xai_span_map {
  xai_proto_span *keys;
  int n;
  int *table; /* number + 1 by hash, 0 = free; size is a power of two above 2 n */
  size_t size;
} xai_span_map;

int xai_span_map_find(const xai_span_map *m, xai_proto_span key); /* -1 when it is not there */
/* Adds the name, or finds it; *number is its number. Fails with XAI_ENOMEM only. */
xai_status xai_span_map_add(xai_span_map *m, xai_proto_span key, int *number, xai_err *err);
void xai_span_map_free(xai_span_map *m);

#endif
