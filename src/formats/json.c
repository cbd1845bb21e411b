/* formats/json.c: see json.h. */
#include "formats/json.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool starved; /* tells cJSON's two reasons for NULL apart; under the lock */

static void *json_alloc(size_t bytes) {
  void *p = xai_alloc(bytes);
  if (p == NULL) starved = true;
  return p;
}

void xai_json__begin(void) {
  pthread_mutex_lock(&lock);
  cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = json_alloc, .free_fn = xai_free});
  starved = false;
}

void xai_json__end(void) {
  cJSON_InitHooks(NULL);
  pthread_mutex_unlock(&lock);
}

/* ---- cutting ------------------------------------------------------------------------------------- */
void xai_json__space(xai_json *s) {
  while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r')) s->at++;
}

bool xai_json__take(xai_json *s, char c) {
  xai_json__space(s);
  if (s->at == s->end || *s->at != c) return false;
  s->at++;
  return true;
}

bool xai_json__value(xai_json *s, xai_json *value) {
  size_t depth = 0;
  xai_json__space(s);
  value->at = s->at;
  for (; s->at < s->end; s->at++) {
    char c = *s->at;
    if (c == '"') {
      for (s->at++; s->at < s->end && *s->at != '"'; s->at++)
        if (*s->at == '\\' && s->end - s->at > 1) s->at++;
      if (s->at == s->end) return false;
    } else if (c == '{' || c == '[') {
      depth++;
    } else if (c == '}' || c == ']') {
      if (depth == 0) break;
      depth--;
    } else if ((c == ',' || c == ':') && depth == 0) {
      break;
    }
  }
  value->end = s->at;
  return s->at < s->end && value->at < value->end;
}

/* ---- understanding ------------------------------------------------------------------------------- */
static xai_status bad_json(xai_err *err) { return xai_fail(err, XAI_EFORMAT, "not valid JSON"); }

xai_status xai_json__parse(xai_json text, cJSON **out, xai_err *err) {
  const char *stop = NULL;
  size_t n = (size_t)(text.end - text.at);
  cJSON *tree = cJSON_ParseWithLengthOpts(text.at, n, &stop, false);
  if (tree == NULL) return starved ? xai_fail_memory(err, n) : bad_json(err);
  xai_json rest = {stop, text.end};
  xai_json__space(&rest);
  if (rest.at != rest.end) {
    cJSON_Delete(tree);
    return bad_json(err);
  }
  *out = tree;
  return XAI_OK;
}

xai_status xai_json__string(xai_json text, char **out, xai_err *err) {
  cJSON *tree;
  XAI_TRY(xai_json__parse(text, &tree, err));
  xai_status st = XAI_OK;
  if (!cJSON_IsString(tree))
    st = bad_json(err);
  else if ((*out = xai_strdup(tree->valuestring)) == NULL)
    st = xai_fail_memory(err, strlen(tree->valuestring));
  cJSON_Delete(tree);
  return st;
}

/* ---- writing ------------------------------------------------------------------------------------- */
void xai_json__put(xai_buf *b, const char *text) { xai_buf_add(b, text, strlen(text)); }

void xai_json__put_string(xai_buf *b, const char *text) {
  xai_json__put(b, "\"");
  for (; *text != '\0'; text++) {
    char escape[8];
    if (*text == '"' || *text == '\\')
      snprintf(escape, sizeof escape, "\\%c", *text);
    else if ((unsigned char)*text < 0x20)
      snprintf(escape, sizeof escape, "\\u%04x", (unsigned)*text);
    else
      snprintf(escape, sizeof escape, "%c", *text);
    xai_json__put(b, escape);
  }
  xai_json__put(b, "\"");
}
