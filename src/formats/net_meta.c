/* formats/net_meta.c: see net_meta.h. */
#include "formats/net_meta.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/str.h"
#include "graph/net.h"

enum { MAX_PREPROCESS = 4096, MAX_SIDE = 16384, MAX_LABELS = 1000000, MAX_LABEL = 1000 };

/* ---- writing ------------------------------------------------------------------------------------- */
/* Nine digits give the same float back; the decimal mark is a point whatever the host's locale. */
static void put_float(xai_buf *b, double v) {
  char text[40];
  snprintf(text, sizeof text, "%.9g", v);
  for (char *c = text; *c != '\0'; c++)
    if (*c == ',') *c = '.';
  xai_json__put(b, text);
}

static void put_channels(xai_buf *b, const char *key, const float v[3]) {
  xai_json__put(b, key);
  for (int c = 0; c < 3; c++) {
    xai_json__put(b, c == 0 ? "[" : ",");
    put_float(b, v[c]);
  }
  xai_json__put(b, "]");
}

void xai_meta__put_preprocess(xai_buf *b, const xai_preprocess *p) {
  char sizes[100];
  xai_json__put(b, "{\"name\":");
  xai_json__put_string(b, p->name);
  snprintf(sizes, sizeof sizes, ",\"resize\":%d,\"crop\":%d,\"order\":\"%s\",\"scale\":", p->resize, p->crop,
           p->bgr ? "bgr" : "rgb");
  xai_json__put(b, sizes);
  put_float(b, p->scale);
  put_channels(b, ",\"mean\":", p->mean);
  put_channels(b, ",\"std\":", p->std);
  xai_json__put(b, "}");
}

xai_status xai_meta__put_labels(xai_buf *b, const xai_net *net, xai_err *err) {
  for (int i = 0; i < net->labels->n; i++) {
    const char *label = net->labels->names[i];
    if (strlen(label) > MAX_LABEL || !xai_str_utf8(label, strlen(label)))
      return xai_fail(err, XAI_EARG, "label %d is not UTF-8 of at most %d bytes", i, MAX_LABEL);
    xai_json__put(b, i == 0 ? "[" : ",");
    xai_json__put_string(b, label);
  }
  xai_json__put(b, net->labels->n == 0 ? "[]" : "]");
  return XAI_OK;
}

/* ---- preprocessing ------------------------------------------------------------------------------- */
static xai_status bad(const char *key, xai_err *err) { return xai_fail(err, XAI_EFORMAT, "'%s' makes no sense", key); }

static xai_status read_size(const cJSON *tree, const char *key, int *out, xai_err *err) {
  const cJSON *v = cJSON_GetObjectItemCaseSensitive(tree, key);
  bool good = cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble <= MAX_SIDE;
  if (good) *out = (int)v->valuedouble;
  return good && *out == v->valuedouble ? XAI_OK : bad(key, err);
}

static bool is_float(const cJSON *v) { return cJSON_IsNumber(v) && fabs(v->valuedouble) <= FLT_MAX; }

static xai_status read_channels(const cJSON *tree, const char *key, float out[3], xai_err *err) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(tree, key), *v;
  int n = 0;
  if (!cJSON_IsArray(list)) return bad(key, err);
  cJSON_ArrayForEach(v, list) {
    if (n == 3 || !is_float(v)) return bad(key, err);
    out[n++] = (float)v->valuedouble;
  }
  return n == 3 ? XAI_OK : bad(key, err);
}

static xai_status read_order(const cJSON *tree, bool *bgr, xai_err *err) {
  const cJSON *v = cJSON_GetObjectItemCaseSensitive(tree, "order");
  if (!cJSON_IsString(v)) return bad("order", err);
  *bgr = strcmp(v->valuestring, "bgr") == 0;
  return *bgr || strcmp(v->valuestring, "rgb") == 0 ? XAI_OK : bad("order", err);
}

static bool same_numbers(const xai_preprocess *a, const xai_preprocess *b) {
  return a->resize == b->resize && a->crop == b->crop && a->bgr == b->bgr && a->scale == b->scale &&
         memcmp(a->mean, b->mean, sizeof a->mean) == 0 && memcmp(a->std, b->std, sizeof a->std) == 0;
}

static xai_status read_preprocess(const cJSON *tree, xai_preprocess *out, xai_err *err) {
  xai_preprocess p = {.name = "custom"}, preset;
  const cJSON *name = cJSON_GetObjectItemCaseSensitive(tree, "name"),
              *scale = cJSON_GetObjectItemCaseSensitive(tree, "scale");
  if (!cJSON_IsObject(tree)) return xai_fail(err, XAI_EFORMAT, "not an object");
  XAI_TRY(read_size(tree, "resize", &p.resize, err));
  XAI_TRY(read_size(tree, "crop", &p.crop, err));
  XAI_TRY(read_order(tree, &p.bgr, err));
  XAI_TRY(read_channels(tree, "mean", p.mean, err));
  XAI_TRY(read_channels(tree, "std", p.std, err));
  if (!is_float(scale)) return bad("scale", err);
  p.scale = (float)scale->valuedouble;
  bool known = cJSON_IsString(name) && xai_preprocess_preset(name->valuestring, &preset, NULL) == XAI_OK;
  *out = known && same_numbers(&p, &preset) ? preset : p;
  return XAI_OK;
}

xai_status xai_meta__set_preprocess(xai_net **net, xai_json text, xai_err *err) {
  xai_preprocess p = {0};
  cJSON *tree = NULL;
  xai_net *view = NULL;
  xai_status st;
  if (text.end - text.at > MAX_PREPROCESS) {
    st = xai_fail(err, XAI_EFORMAT, "more than %d bytes", MAX_PREPROCESS);
    goto done;
  }
  xai_json__begin();
  st = xai_json__parse(text, &tree, err);
  if (st == XAI_OK) st = read_preprocess(tree, &p, err);
  cJSON_Delete(tree);
  xai_json__end();
  if (st == XAI_OK) st = xai_net_set_preprocess(*net, &p, &view, err);
  if (st == XAI_EARG) st = XAI_EFORMAT; /* numbers that mean nothing: here it is the file's fault */
  if (st != XAI_OK) goto done;
  xai_net_free(*net);
  *net = view;
done:
  return xai_err_prefix(err, st, "metadata '%s': ", XAI_META_PREPROCESS);
}

/* ---- labels -------------------------------------------------------------------------------------- */
static xai_status add_label(xai_buf *names, xai_json item, xai_err *err) {
  char *label;
  XAI_TRY(xai_json__string(item, &label, err));
  size_t n = strlen(label);
  xai_status st =
      n <= MAX_LABEL ? XAI_OK : xai_fail(err, XAI_EFORMAT, "a label of %zu bytes (at most %d)", n, MAX_LABEL);
  for (char *c = label; *c != '\0'; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = ' ';
  if (st == XAI_OK) xai_buf_add(names, label, n + 1);
  xai_free(label);
  return st;
}

/* The list's strings, one after another, each with its NUL. */
static xai_status read_labels(xai_json text, xai_buf *names, int *count, xai_err *err) {
  xai_json item;
  *count = 0;
  if (!xai_json__take(&text, '[')) return xai_fail(err, XAI_EFORMAT, "not a list");
  if (xai_json__take(&text, ']')) return XAI_OK;
  do {
    if (!xai_json__value(&text, &item)) return xai_fail(err, XAI_EFORMAT, "not valid JSON");
    if (++*count > MAX_LABELS) return xai_fail(err, XAI_EFORMAT, "more than %d labels", MAX_LABELS);
    XAI_TRY(add_label(names, item, err));
  } while (xai_json__take(&text, ','));
  return xai_json__take(&text, ']') ? XAI_OK : xai_fail(err, XAI_EFORMAT, "not valid JSON");
}

static xai_status use_labels(xai_net **net, const xai_buf *names, int n, xai_err *err) {
  xai_net *view = NULL;
  const char **list = xai_alloc((size_t)n * sizeof *list);
  if (list == NULL) return xai_fail_memory(err, (size_t)n * sizeof *list);
  const char *at = (const char *)names->data;
  for (int i = 0; i < n; at += strlen(at) + 1) list[i++] = at;
  xai_status st = xai_net_set_labels(*net, list, n, &view, err);
  xai_free(list);
  if (st != XAI_OK) return st;
  xai_net_free(*net);
  *net = view;
  return XAI_OK;
}

xai_status xai_meta__set_labels(xai_net **net, xai_json text, xai_err *err) {
  xai_buf names = {0};
  int n, classes = xai_net_classes(*net);
  xai_json__begin();
  xai_status st = read_labels(text, &names, &n, err);
  xai_json__end();
  if (st == XAI_OK && names.failed) st = xai_fail_memory(err, names.size);
  if (st == XAI_OK && n > 0 && (classes == 0 || classes == n)) st = use_labels(net, &names, n, err);
  xai_buf_free(&names);
  return xai_err_prefix(err, st, "metadata '%s': ", XAI_META_LABELS);
}
