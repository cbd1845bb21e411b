/* See tiers.h. */
#include "tiers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "formats/onnx_model.h"
#include "graph/op.h"

/* ---- tiers.txt ------------------------------------------------------------------------------------------------- */
static void read_word(tiers *t, const char *kind, const char *word) {
  if (strcmp(kind, "type") == 0 && t->n_types < MOST_NAMES) {
    t->types[t->n_types++] = atoi(word);
  } else if (strcmp(kind, "case") == 0 && t->n_cases < MOST_NAMES) {
    snprintf(t->cases[t->n_cases++], sizeof t->cases[0], "%s", word);
  } else if (t->n_operators < MOST_NAMES) {
    snprintf(t->operators[t->n_operators].name, sizeof t->operators[0].name, "%s", word);
    t->operators[t->n_operators++].tier = *kind == '0' ? OUTSIDE : *kind - '0';
  }
}

bool read_tiers(const char *path, tiers *t) {
  char text[400];
  FILE *f = fopen(path, "r");
  if (f == NULL) return false;
  while (fgets(text, sizeof text, f) != NULL) {
    char *kind = strtok(text, " \n");
    if (kind == NULL || *kind == '#') continue;
    for (char *word; (word = strtok(NULL, " \n")) != NULL;) read_word(t, kind, word);
  }
  return fclose(f) == 0;
}

/* ---- a model ------------------------------------------------------------------------------------------------------ */
enum { MODEL_GRAPH = 7, NODE_OP = 4, VALUE_TYPE = 2, TYPE_TENSOR = 1, TENSOR_ELEMENT = 1 }; /* field numbers */

/* The field with this number as bytes, or nothing. */
static xai_proto_span part(xai_proto_span message, uint32_t number) {
  xai_proto_field f;
  return xai_proto__next_of(&message, number, &f) ? f.bytes : (xai_proto_span){NULL, 0};
}

static xai_status operator_tier(const tiers *t, xai_proto_span op, int *tier, xai_err *err) {
  char name[64];
  xai_op found;
  snprintf(name, sizeof name, "%.*s", XAI_SPAN(op));
  for (int i = 0; i < t->n_operators; i++)
    if (strcmp(t->operators[i].name, name) == 0) {
      *tier = t->operators[i].tier;
      return XAI_OK;
    }
  *tier = TIER_2;
  return xai_op_find(name, &found) ? XAI_OK : xai_fail(err, XAI_ENOTFOUND, "operator %s has no tier", name);
}

/* Is a graph's input or output something that we have no element type for? */
static bool foreign(const tiers *t, xai_proto_span value) {
  xai_proto_span tensor = part(part(value, VALUE_TYPE), TYPE_TENSOR);
  xai_proto_field element;
  if (!xai_proto__next_of(&tensor, TENSOR_ELEMENT, &element)) return true;
  for (int i = 0; i < t->n_types; i++)
    if (element.bits == (uint64_t)t->types[i]) return true;
  return false;
}

static xai_status graph_tier(const tiers *t, xai_proto_span graph, int *tier, xai_err *err) {
  static const uint32_t ends[] = {XAI_GRAPH_INPUT, XAI_GRAPH_OUTPUT};
  xai_proto_field f;
  *tier = TIER_1;
  for (int i = 0; i < 2; i++)
    for (xai_proto_span rest = graph; xai_proto__next_of(&rest, ends[i], &f);)
      if (foreign(t, f.bytes)) *tier = OUTSIDE;
  for (xai_proto_span rest = graph; xai_proto__next_of(&rest, XAI_GRAPH_NODE, &f);) {
    int own;
    XAI_TRY(operator_tier(t, part(f.bytes, NODE_OP), &own, err));
    if (own > *tier) *tier = own;
  }
  return XAI_OK;
}

xai_status tier_of(const tiers *t, const char *name, const char *model, int *tier, xai_err *err) {
  xai_file *file = NULL;
  *tier = OUTSIDE;
  for (int i = 0; i < t->n_cases; i++)
    if (strcmp(t->cases[i], name) == 0) return XAI_OK;
  XAI_TRY(xai_file_map(model, SIZE_MAX, &file, err));
  xai_proto_span all = {xai_file_data(file), xai_file_size(file)};
  xai_status st = graph_tier(t, part(all, MODEL_GRAPH), tier, err);
  xai_file_release(file);
  return st;
}
