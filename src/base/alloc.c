/* base/alloc.c: aligned blocks with their size kept in front. */
#define _POSIX_C_SOURCE 200112L
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The user's block starts XAI_ALIGN bytes or a little more into the system's block; the header sits just before it. */
typedef struct header {
  void *raw; /* the system's block */
  size_t bytes;
} header;

static atomic_size_t live, peak, limit;
static atomic_llong fail_countdown = -1;
static atomic_bool fail_sticky;

bool xai_mul_size(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }

static header *header_of(void *p) { return (header *)((char *)p - sizeof(header)); }

static bool told_to_fail(void) {
  if (atomic_load(&fail_countdown) < 0) return false;
  if (atomic_fetch_sub(&fail_countdown, 1) > 0) return false;
  atomic_store(&fail_countdown, atomic_load(&fail_sticky) ? 0 : -1);
  return true;
}

static void count_in(size_t bytes) {
  size_t now = atomic_fetch_add(&live, bytes) + bytes;
  size_t top = atomic_load(&peak);
  while (now > top && !atomic_compare_exchange_weak(&peak, &top, now)) {
  }
}

static bool allowed(size_t bytes) {
  size_t cap = atomic_load(&limit), used = atomic_load(&live);
  return bytes <= SIZE_MAX / 2 && !told_to_fail() && (cap == 0 || (used <= cap && bytes <= cap - used));
}

static void *hand_out(void *p, void *raw, size_t bytes) {
  *header_of(p) = (header){raw, bytes};
  count_in(bytes);
  return p;
}

void *xai_alloc(size_t bytes) {
  void *raw; /* the exact size, so that a sanitizer sees the first byte beyond it */
  if (!allowed(bytes) || posix_memalign(&raw, XAI_ALIGN, XAI_ALIGN + bytes) != 0) return NULL;
  return hand_out((char *)raw + XAI_ALIGN, raw, bytes);
}

/* From here on zeros come from the system, whose fresh pages are zero and take no memory until they are written. */
enum { SYSTEM_ZEROS = 1 << 20 };

void *xai_calloc(size_t count, size_t size) {
  size_t bytes;
  if (!xai_mul_size(count, size, &bytes)) return NULL;
  if (bytes < SYSTEM_ZEROS) {
    void *p = xai_alloc(bytes);
    if (p != NULL) memset(p, 0, bytes);
    return p;
  }
  char *raw = allowed(bytes) ? calloc(1, bytes + 2 * XAI_ALIGN) : NULL;
  if (raw == NULL) return NULL;
  size_t past = (uintptr_t)raw % XAI_ALIGN;
  return hand_out(raw + 2 * XAI_ALIGN - past, raw, bytes);
}

void *xai_realloc(void *p, size_t bytes) {
  if (p == NULL) return xai_alloc(bytes);
  void *q = xai_alloc(bytes);
  if (q == NULL) return NULL;
  size_t old = header_of(p)->bytes;
  memcpy(q, p, old < bytes ? old : bytes);
  xai_free(p);
  return q;
}

void xai_free(void *p) {
  if (p == NULL) return;
  atomic_fetch_sub(&live, header_of(p)->bytes);
  free(header_of(p)->raw);
}

char *xai_strdup(const char *text) {
  size_t n = strlen(text) + 1;
  char *copy = xai_alloc(n);
  if (copy != NULL) memcpy(copy, text, n);
  return copy;
}

size_t xai_mem_live(void) { return atomic_load(&live); }
size_t xai_mem_peak(void) { return atomic_load(&peak); }
void xai_mem_limit(size_t bytes) { atomic_store(&limit, bytes); }
size_t xai_mem_limit_now(void) { return atomic_load(&limit); }

void xai_mem_fail_after(int64_t n, bool sticky) {
  atomic_store(&fail_sticky, sticky);
  atomic_store(&fail_countdown, n);
}

xai_status xai_grow(void **list, int used, int *room, size_t size, xai_err *err) {
  if (used < *room) return XAI_OK;
  int more = *room == 0 ? 32 : *room * 2;
  char *p = xai_realloc(*list, (size_t)more * size);
  if (p == NULL) return xai_fail_memory(err, (size_t)more * size);
  memset(p + (size_t)*room * size, 0, (size_t)(more - *room) * size);
  *list = p;
  *room = more;
  return XAI_OK;
}
