/* formats/json.h: what the readers and writers of JSON here share. Trees are cJSON's; since such a tree takes over a
 * hundred bytes per number, untrusted texts are first cut into members or items, and cJSON sees one at a time. */
#ifndef FORMATS_JSON_H
#define FORMATS_JSON_H

#include <cJSON.h>

#include "base/buf.h"

/* cJSON's allocator is one for the process: between begin and end it is ours, and the standard one otherwise, for the
 * sake of a host program that uses cJSON too. Everything that parses or deletes a tree stands in between. */
void xai_json__begin(void);
void xai_json__end(void);

/* A stretch of text, consumed from the left. */
typedef struct xai_json {
  const char *at, *end;
} xai_json;

void xai_json__space(xai_json *s);
/* Takes this mark, after any space; false when something else stands there. */
bool xai_json__take(xai_json *s, char c);
/* The text of one key or value, found without understanding it: strings are stepped over and brackets counted, up to
 * the mark that ends it on its own level. False when no such mark follows. */
bool xai_json__value(xai_json *s, xai_json *value);

/* The tree of one value that fills the text, or XAI_EFORMAT; free with cJSON_Delete. */
xai_status xai_json__parse(xai_json text, cJSON **out, xai_err *err);
/* The string that the text holds, or XAI_EFORMAT; free with xai_free. */
xai_status xai_json__string(xai_json text, char **out, xai_err *err);

void xai_json__put(xai_buf *b, const char *text);        /* as it is */
void xai_json__put_string(xai_buf *b, const char *text); /* in quotes, with escapes */

#endif
