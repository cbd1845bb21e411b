/* formats/span_map.c: see span_map.h. */
#include "formats/span_map.h"

#include <string.h>

#include "base/alloc.h"
#include "base/status.h"

static uint64_t hash(xai_proto_span s) { /* FNV-1a */
  uint64_t h = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < s.n; i++) h = (h ^ s.at[i]) * UINT64_C(0x100000001b3);
  return h;
}

static bool same(xai_proto_span a, xai_proto_span b) {
  return a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0);
}

/* Where the key is in the table, or the free place where it belongs. */
static size_t place(const xai_span_map *m, xai_proto_span key) {
  size_t i = (size_t)hash(key) & (m->size - 1);
  while (m->table[i] != 0 && !same(m->keys[m->table[i] - 1], key)) i = (i + 1) & (m->size - 1);
  return i;
}

int xai_span_map_find(const xai_span_map *m, xai_proto_span key) {
  return m->size == 0 ? -1 : m->table[place(m, key)] - 1;
}

static xai_status grow(xai_span_map *m, xai_err *err) {
  size_t size = m->size == 0 ? 64 : m->size * 2;
  int *table = xai_calloc(size, sizeof *table);
  if (table == NULL) return xai_fail_memory(err, size * sizeof *table);
  xai_proto_span *keys = xai_realloc(m->keys, size / 2 * sizeof *keys);
  if (keys == NULL) {
    xai_free(table);
    return xai_fail_memory(err, size / 2 * sizeof *keys);
  }
  xai_free(m->table);
  m->table = table;
  m->keys = keys;
  m->size = size;
  for (int i = 0; i < m->n; i++) m->table[place(m, m->keys[i])] = i + 1;
  return XAI_OK;
}

xai_status xai_span_map_add(xai_span_map *m, xai_proto_span key, int *number, xai_err *err) {
  if ((size_t)m->n + 1 >= m->size / 2) XAI_TRY(grow(m, err));
  size_t at = place(m, key);
  if (m->table[at] == 0) {
    m->keys[m->n++] = key;
    m->table[at] = m->n;
  }
  *number = m->table[at] - 1;
  return XAI_OK;
}

void xai_span_map_free(xai_span_map *m) {
  xai_free(m->keys);
  xai_free(m->table);
  *m = (xai_span_map){0};
}
