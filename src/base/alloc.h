/* base/alloc.h: the one allocator. Counts live bytes, obeys a limit, and can be told to fail,
 * so that tests can walk through every allocation of a program. Thread-safe. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { XAI_ALIGN = 64 }; /* every block starts on a cache line: kernels load whole vectors */

void *xai_alloc(size_t bytes);                     /* uninitialised; NULL on failure; 0 bytes gives a valid pointer */
void *xai_calloc(size_t count, size_t size);       /* zeroed; NULL also when count*size overflows */
void *xai_realloc(void *p, size_t bytes);          /* on failure the old block stays */
void xai_free(void *p);                            /* NULL is fine */
char *xai_strdup(const char *text);
/* Makes room in a list of 'used' elements of 'size' bytes for one more, doubling it when it is full; new room is zeroed.
 * XAI_ENOMEM leaves the list as it was. */
xai_status xai_grow(void **list, int used, int *room, size_t size, xai_err *err);

/* a*b, false on overflow. */
bool xai_mul_size(size_t a, size_t b, size_t *out);

size_t xai_mem_live(void);                         /* bytes handed out and not yet freed */
size_t xai_mem_peak(void);                         /* largest xai_mem_live so far */
void xai_mem_limit(size_t bytes);                  /* further allocations fail above this; 0 = no limit */
size_t xai_mem_limit_now(void);                    /* that limit */

/* Tests: let the allocation after the next 'n' fail, once or from then on; n < 0 switches it off. */
void xai_mem_fail_after(int64_t n, bool sticky);

#endif
