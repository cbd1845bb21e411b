/* formats/labels.c: class names, one per line. Lines are taken as they are: numbering or other columns, as some lists
 * have them, belong to the label. An empty line inside is an empty label, for the line's number is the class. */
#include <string.h>

#include "base/alloc.h"
#include "formats/formats.h"

enum { MAX_LINES = 1000000, MAX_LINE = 1000 };

/* The line from 'at': its length without the line's end; *next is where the following one starts. */
static size_t line_length(const char *at, const char *end, const char **next) {
  const char *stop = memchr(at, '\n', (size_t)(end - at));
  *next = stop != NULL ? stop + 1 : end;
  if (stop == NULL) stop = end;
  while (stop > at && stop[-1] == '\r') stop--;
  return (size_t)(stop - at);
}

/* Counts lines up to the last one that is not blank, and refuses what is no list of labels. */
static xai_status measure(const char *at, const char *end, size_t *lines, xai_err *err) {
  size_t n = 0;
  *lines = 0;
  for (const char *next; at < end; at = next) {
    size_t length = line_length(at, end, &next);
    if (++n > MAX_LINES) return xai_fail(err, XAI_EFORMAT, "more than %d lines", MAX_LINES);
    if (length > MAX_LINE)
      return xai_fail(err, XAI_EFORMAT, "line %zu has %zu bytes (at most %d)", n, length, MAX_LINE);
    for (size_t i = 0; i < length; i++)
      if ((unsigned char)at[i] < 0x20 && at[i] != '\t') return xai_fail(err, XAI_EFORMAT, "line %zu is not text", n);
    if (length > 0) *lines = n;
  }
  return *lines > 0 ? XAI_OK : xai_fail(err, XAI_EFORMAT, "no labels in it");
}

/* The pointers first, then the strings. */
static xai_status copy(const char *at, const char *end, size_t lines, char ***labels, xai_err *err) {
  size_t bytes = lines * sizeof(char *) + (size_t)(end - at) + lines; /* small: measure() has bounded both */
  char **table = xai_alloc(bytes);
  if (table == NULL) return xai_fail_memory(err, bytes);
  char *to = (char *)(table + lines);
  for (size_t i = 0; i < lines; i++) {
    const char *next;
    size_t length = line_length(at, end, &next);
    table[i] = to;
    memcpy(to, at, length);
    to[length] = '\0';
    to += length + 1;
    at = next;
  }
  *labels = table;
  return XAI_OK;
}

xai_status xai_labels_parse(xai_file *file, char ***labels, int *n, xai_err *err) {
  static const char mark[] = "\xEF\xBB\xBF"; /* the byte order mark that some editors put before UTF-8 */
  xai_status st;
  const char *at = (const char *)xai_file_data(file), *end = at + xai_file_size(file);
  xai_format format = xai_format_sniff(xai_file_data(file), xai_file_size(file));
  if (format != XAI_FORMAT_TEXT && format != XAI_FORMAT_UNKNOWN) { /* unknown: perhaps text, but not UTF-8 */
    st = xai_fail(err, XAI_EFORMAT, "%s, expected a text file with one label per line", xai_format_name(format));
    goto done;
  }
  if (end - at >= 3 && memcmp(at, mark, 3) == 0) at += 3;
  size_t lines;
  XAI_GOTO(measure(at, end, &lines, err));
  XAI_GOTO(copy(at, end, lines, labels, err));
  *n = (int)lines;
done:
  return xai_err_prefix(err, st, "%s: ", xai_file_path(file));
}

xai_status xai_labels_read(const char *path, char ***labels, int *n, xai_err *err) {
  xai_file *file;
  XAI_TRY(xai_file_map(path, (size_t)MAX_LINES * (MAX_LINE + 2), &file, err));
  xai_status st = xai_labels_parse(file, labels, n, err);
  xai_file_release(file);
  return st;
}
