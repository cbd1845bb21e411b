/* graph/names.c: finding layers and classes by what people call them.
 *
 * Files name the same layer differently: Caffe2 calls the output of fire9/concat "fire9/concat_1",
 * PyTorch's exporter calls a node "/layer4/layer4.1/conv2/Conv". People write "fire9/concat" and
 * "layer4.1.conv2". Both sides are brought to one form, a path of parts joined by dots. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/str.h"
#include "graph/net.h"

enum { PATH_MAX_LENGTH = 512 };

/* "/layer4/layer4.1/conv2/Conv" -> "layer4.1.conv2.Conv": a part that repeats the part before it and goes on
 * with a dot replaces it. Too long names are cut. */
static void canonical(const char *name, char out[PATH_MAX_LENGTH]) {
  size_t used = 0, part_start = 0; /* where the last part begins in 'out' */
  while (*name != '\0') {
    while (*name == '/') name++;
    size_t n = strcspn(name, "/");
    if (n == 0) break;
    size_t last = used - part_start;
    bool repeats = used > 0 && n > last && strncmp(out + part_start, name, last) == 0 && name[last] == '.';
    if (repeats) used = part_start;
    else if (used > 0 && used + 1 < PATH_MAX_LENGTH) out[used++] = '.';
    part_start = used;
    for (size_t i = 0; i < n && used + 1 < PATH_MAX_LENGTH; i++) out[used++] = name[i];
    name += n;
  }
  out[used] = '\0';
}

/* Query with '/' for '.', without a leading separator. */
static void as_query(const char *name, char out[PATH_MAX_LENGTH]) {
  while (*name == '/' || *name == '.') name++;
  size_t i = 0;
  for (; name[i] != '\0' && i + 1 < PATH_MAX_LENGTH; i++) out[i] = name[i] == '/' ? '.' : name[i];
  out[i] = '\0';
}

static bool is_number_suffix(const char *rest) {
  if (*rest++ != '_' || *rest == '\0') return false;
  for (; *rest != '\0'; rest++)
    if (!isdigit((unsigned char)*rest)) return false;
  return true;
}

/* How well node or output 'name' answers the query: 0 not, 1 lies inside the module, 2 same stem, 3 same path. */
static int match(const char *name, const char *query) {
  char path[PATH_MAX_LENGTH], dotted[PATH_MAX_LENGTH];
  canonical(name, path);
  as_query(path, dotted);
  size_t n = strlen(query);
  if (strncmp(dotted, query, n) != 0) return 0;
  if (dotted[n] == '\0') return 3;
  if (is_number_suffix(dotted + n)) return 2;
  return dotted[n] == '.' ? 1 : 0;
}

/* Candidates for "did you mean": nodes, then their outputs. */
static const char *layer_name(const void *ctx, size_t i) {
  const xai_graph *g = ctx;
  size_t n = (size_t)g->n_nodes;
  return i < n ? g->nodes[i].name : g->values[g->nodes[i - n].out[0]].name;
}

static int find_exact(const xai_graph *g, const char *name) {
  for (int n = 0; n < g->n_nodes; n++)
    if (strcmp(g->nodes[n].name, name) == 0) return n;
  for (int v = 0; v < g->n_values; v++)
    if (strcmp(g->values[v].name, name) == 0) {
      if (g->n_inputs > 0 && v == g->inputs[0]) return XAI_LAYER_INPUT;
      if (g->values[v].node >= 0) return g->values[v].node;
    }
  return XAI_LAYER_NONE;
}

xai_status xai_net_find_layer(const xai_net *net, const char *name, int *layer, xai_err *err) {
  const xai_graph *g = net->graph;
  int found = find_exact(g, name), best = 0;
  char query[PATH_MAX_LENGTH];
  as_query(name, query);
  for (int n = 0; found == XAI_LAYER_NONE && query[0] != '\0' && n < g->n_nodes; n++) {
    int by_node = match(g->nodes[n].name, query), by_value = match(g->values[g->nodes[n].out[0]].name, query);
    int quality = by_node > by_value ? by_node : by_value;
    /* the first node of a stem, the last node inside a module */
    if (quality > best || (quality == 1 && best == 1)) *layer = n, best = quality;
  }
  if (best > 0) return XAI_OK;
  if (found == XAI_LAYER_NONE && strcmp(name, "input") == 0) found = XAI_LAYER_INPUT;
  if (found == XAI_LAYER_NONE && strcmp(name, "logits") == 0) found = xai_net_resolve(net, XAI_LAYER_LOGITS);
  if (found == XAI_LAYER_NONE && strcmp(name, "output") == 0) found = xai_net_resolve(net, XAI_LAYER_OUTPUT);
  if (found != XAI_LAYER_NONE) {
    *layer = found;
    return XAI_OK;
  }
  char hint[XAI_ERR_MAX];
  const char *near = xai_str_nearest(name, (size_t)g->n_nodes * 2, layer_name, g);
  xai_str_suggest(hint, sizeof hint, near);
  if (near == NULL && g->n_nodes > 0)
    snprintf(hint, sizeof hint, "; the last ones are '%.100s' and '%.100s'", g->nodes[g->n_nodes > 1 ? g->n_nodes - 2 : 0].name,
             g->nodes[g->n_nodes - 1].name);
  return xai_fail(err, XAI_ENOTFOUND, "no layer '%s'%s", name, hint);
}

/* ---- classes ------------------------------------------------------------------------------------------- */
/* true when 'name' is one of the comma-separated parts of 'label' ("tabby" of "tabby, tabby cat"). */
static bool is_part(const char *label, const char *name) {
  size_t n = strlen(name);
  while (*label != '\0') {
    while (*label == ' ' || *label == ',') label++;
    size_t length = strcspn(label, ",");
    size_t trimmed = length;
    while (trimmed > 0 && label[trimmed - 1] == ' ') trimmed--;
    if (trimmed == n && strncmp(label, name, n) == 0) return true;
    label += length;
  }
  return false;
}

xai_status xai_net_find_class(const xai_net *net, const char *name, int *id, xai_err *err) {
  const xai_labels *labels = net->labels;
  if (labels == NULL)
    return xai_fail(err, XAI_ENOTFOUND, "no class '%s': this network has no labels; give the class id (0 to %d) or load it with labels",
                    name, xai_net_classes(net) - 1);
  for (int i = 0; i < labels->n; i++)
    if (strcmp(labels->names[i], name) == 0) return *id = i, XAI_OK;
  for (int i = 0; i < labels->n; i++)
    if (is_part(labels->names[i], name)) return *id = i, XAI_OK;
  for (int i = 0; i < labels->n; i++)
    if (xai_str_equal_nocase(labels->names[i], name)) return *id = i, XAI_OK;
  char hint[XAI_ERR_MAX];
  xai_str_suggest(hint, sizeof hint, xai_str_nearest(name, (size_t)labels->n, xai_str_in_array, labels->names));
  return xai_fail(err, XAI_ENOTFOUND, "no class '%s'%s", name, hint);
}
