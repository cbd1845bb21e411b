/* base/str.h: text for messages: nearest names, safe copies. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Levenshtein distance, ASCII case ignored; strings beyond 128 bytes count as infinitely far. */
int xai_str_distance(const char *a, const char *b);

/* The candidate closest to 'name', or NULL when none is close enough to be a plausible slip
 * (more than a third of the letters would have to change; 2 changes are always allowed in a name of three
 * letters or more, 1 in a name of two). A candidate of which
 * 'name' is a part always counts. get(ctx, i) gives candidate i. */
const char *xai_str_nearest(const char *name, size_t n, const char *(*get)(const void *ctx, size_t i), const void *ctx);

/* get() for a plain array of strings. */
const char *xai_str_in_array(const void *array_of_strings, size_t i);

/* "; did you mean 'x'?" or "" into buf; returns buf. */
const char *xai_str_suggest(char *buf, size_t size, const char *nearest);

bool xai_str_starts(const char *text, const char *prefix);
bool xai_str_equal_nocase(const char *a, const char *b); /* ASCII */
bool xai_str_utf8(const char *text, size_t n);            /* well-formed UTF-8: no overlong forms, no surrogates */

uint64_t xai_str_hash(const char *text);                  /* FNV-1a, 64 bits */
/* The hash of what gave h followed by these bytes; h of nothing is xai_str_hash(""). */
uint64_t xai_str_hash_more(uint64_t h, const void *bytes, size_t n);

/* Appends formatted text at *used (kept <= size-1); silently cuts. For lists in messages. */
void xai_str_append(char *buf, size_t size, size_t *used, const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
