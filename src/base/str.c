/* base/str.c: see str.h. */
#include "base/str.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 128 };

static int lower(int c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; }

bool xai_str_equal_nocase(const char *a, const char *b) {
  for (; *a != '\0' && *b != '\0'; a++, b++)
    if (lower(*a) != lower(*b)) return false;
  return *a == *b;
}

bool xai_str_starts(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

/* The Unicode standard's table of well-formed byte sequences: only the second byte's range depends on the first. */
bool xai_str_utf8(const char *text, size_t n) {
  const unsigned char *p = (const unsigned char *)text, *end = p + n;
  while (p < end) {
    unsigned char c = *p++;
    if (c < 0x80) continue;
    if (c < 0xC2 || c > 0xF4) return false;
    ptrdiff_t more = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    unsigned char lo = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80, hi = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    if (end - p < more || *p < lo || *p > hi) return false;
    for (p++; --more > 0; p++)
      if (*p < 0x80 || *p > 0xBF) return false;
  }
  return true;
}

int xai_str_distance(const char *a, const char *b) {
  size_t na = strlen(a), nb = strlen(b);
  if (na > LONGEST || nb > LONGEST) return INT_MAX;
  int row[LONGEST + 1];
  for (size_t j = 0; j <= nb; j++) row[j] = (int)j;
  for (size_t i = 1; i <= na; i++) {
    int diagonal = row[0];
    row[0] = (int)i;
    for (size_t j = 1; j <= nb; j++) {
      int above = row[j];
      int change = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
      int best = above < row[j - 1] ? above + 1 : row[j - 1] + 1;
      row[j] = change < best ? change : best;
      diagonal = above;
    }
  }
  return row[nb];
}

static bool contains_nocase(const char *text, const char *part) {
  size_t n = strlen(part);
  for (; *text != '\0'; text++) {
    size_t i = 0;
    while (i < n && text[i] != '\0' && lower(text[i]) == lower(part[i])) i++;
    if (i == n) return true;
  }
  return false;
}

const char *xai_str_nearest(const char *name, size_t n, const char *(*get)(const void *, size_t), const void *ctx) {
  size_t length = strlen(name);
  int allowed = (int)(length / 3 > 2 ? length / 3 : 2);
  if (length <= 2) allowed = length == 2; /* "ab" is no slip of "xy" */
  int best = INT_MAX;
  const char *winner = NULL, *holder = NULL;
  for (size_t i = 0; i < n; i++) {
    const char *candidate = get(ctx, i);
    if (candidate == NULL) continue;
    int d = xai_str_distance(name, candidate);
    if (d < best) best = d, winner = candidate;
    if (holder == NULL && length >= 3 && contains_nocase(candidate, name)) holder = candidate;
  }
  return best <= allowed ? winner : holder;
}

const char *xai_str_in_array(const void *array, size_t i) { return ((const char *const *)array)[i]; }

const char *xai_str_suggest(char *buf, size_t size, const char *nearest) {
  if (nearest == NULL) buf[0] = '\0';
  else snprintf(buf, size, "; did you mean '%s'?", nearest);
  return buf;
}

void xai_str_append(char *buf, size_t size, size_t *used, const char *format, ...) {
  if (*used + 1 >= size) return;
  va_list args;
  va_start(args, format);
  int n = vsnprintf(buf + *used, size - *used, format, args);
  va_end(args);
  if (n > 0) *used += (size_t)n < size - *used ? (size_t)n : size - *used - 1;
}

uint64_t xai_str_hash_more(uint64_t h, const void *bytes, size_t n) {
  const unsigned char *p = bytes;
  for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * UINT64_C(0x100000001b3);
  return h;
}

uint64_t xai_str_hash(const char *text) { return xai_str_hash_more(UINT64_C(0xcbf29ce484222325), text, strlen(text)); }
