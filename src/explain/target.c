/* explain/target.c: what is to be explained: classes, units, sums of them, or a whole seed tensor. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "explain/probe.h"
#include "graph/net.h"
#include "tensor/tensor.h"

/* ---- from text ----------------------------------------------------------------------------------------- */
static xai_status add_term(xai_target *t, xai_target_term term, xai_err *err) {
  if (t->n_terms == XAI_TARGET_TERMS) return xai_fail(err, XAI_EARG, "target: more than %d terms", XAI_TARGET_TERMS);
  t->terms[t->n_terms++] = term;
  return XAI_OK;
}

xai_status xai_target_add_class(const xai_net *net, int64_t id, float weight, xai_target *target, xai_err *err) {
  int classes = xai_net_classes(net);
  if (id < 0 || (classes > 0 && id >= classes))
    return xai_fail(err, XAI_ENOTFOUND, "no class %lld (the network's classes are 0 to %d)", (long long)id, classes - 1);
  return add_term(target, (xai_target_term){XAI_LAYER_LOGITS, id, XAI_MEAN, XAI_MEAN, weight}, err);
}

static bool all_digits(const char *s) {
  if (*s == '\0') return false;
  while (isdigit((unsigned char)*s)) s++;
  return *s == '\0';
}

/* "layer:channel[:row:col]": cuts up to 'most' trailing ":number" groups off 'text' (a layer's own name may hold
 * colons); returns how many were found, in order. */
static int cut_numbers(char *text, int64_t number[3]) {
  int64_t back[3];
  int n = 0;
  while (n < 3) {
    char *colon = strrchr(text, ':');
    if (colon == NULL || !all_digits(colon + 1) || strlen(colon + 1) > 9) break;
    back[n++] = strtol(colon + 1, NULL, 10);
    *colon = '\0';
  }
  for (int i = 0; i < n; i++) number[i] = back[n - 1 - i];
  return n;
}

/* Positions are 1-based outside C. */
static xai_status add_unit(const xai_net *net, const char *text, float weight, int64_t missing, xai_target *t, xai_err *err) {
  char name[512];
  int64_t number[3];
  xai_target_term term = {.channel = missing, .row = missing, .col = missing, .weight = weight};
  if (strlen(text) >= sizeof name) return xai_fail(err, XAI_EARG, "target: a name of %zu bytes", strlen(text));
  strcpy(name, text);
  int layer;
  int n = xai_net_find_layer(net, text, &layer, NULL) == XAI_OK ? 0 : cut_numbers(name, number);
  if (n == 2) return xai_fail(err, XAI_EARG, "target '%s': expected layer:channel or layer:channel:row:col", text);
  XAI_TRY(xai_net_find_layer(net, name, &term.layer, err));
  for (int i = 0; i < n; i++)
    if (number[i] < 1) return xai_fail(err, XAI_EARG, "target '%s': positions count from 1", text);
  if (n >= 1) term.channel = number[0] - 1;
  if (n == 3) term.row = number[1] - 1, term.col = number[2] - 1;
  return add_term(t, term, err);
}

xai_status xai_target_add_unit(const xai_net *net, const char *text, xai_target *target, xai_err *err) {
  return add_unit(net, text, 1, XAI_STRONGEST, target, err);
}

xai_status xai_target_add(const xai_net *net, const char *text, float weight, xai_target *target, xai_err *err) {
  int id;
  if (all_digits(text) && strlen(text) <= 9) return xai_target_add_class(net, strtol(text, NULL, 10), weight, target, err);
  xai_err class_err;
  if (xai_net_find_class(net, text, &id, &class_err) == XAI_OK) return xai_target_add_class(net, id, weight, target, err);
  char name[512];
  int64_t number[3];
  xai_str_suggest(name, sizeof name, NULL);
  snprintf(name, sizeof name, "%s", text);
  if (cut_numbers(name, number) == 0) return xai_fail(err, XAI_ENOTFOUND, "%s", class_err.text);
  return add_unit(net, text, weight, XAI_MEAN, target, err);
}

/* ---- in a pass ------------------------------------------------------------------------------------------- */
int xai_target_layers(const xai_net *net, const xai_target *t, int layers[XAI_TARGET_TERMS]) {
  if (t->seed != NULL) return layers[0] = xai_net_resolve(net, t->seed_layer), 1;
  if (t->n_terms == 0) return layers[0] = xai_net_resolve(net, XAI_LAYER_LOGITS), 1;
  int n = 0;
  for (int i = 0; i < t->n_terms; i++) {
    int layer = xai_net_resolve(net, t->terms[i].layer), j = 0;
    while (j < n && layers[j] != layer) j++;
    if (j == n) layers[n++] = layer;
  }
  return n;
}

/* An activation as N x channels x positions; logits of any rank count as N x classes. */
typedef struct grid {
  int64_t channels, rows, cols;
  const float *v; /* of image 0 */
} grid;

static grid grid_in(const xai_view *a, int layer) {
  const xai_shape *s = &a->shape;
  grid g = {.channels = s->rank >= 2 ? s->dims[1] : 1, .rows = 1, .cols = 1, .v = a->data};
  if (s->rank >= 3) g.rows = s->dims[2];
  if (s->rank >= 4) g.cols = xai_shape_span(s, 3, s->rank);
  if (layer == XAI_LAYER_LOGITS) g = (grid){xai_shape_span(s, 1, s->rank), 1, 1, a->data};
  return g;
}

static grid grid_of(const xai_run *run, int layer) { return grid_in(xai_run_value(run, layer), layer); }

static void most_probable(const xai_run *run, xai_target *t) {
  grid g = grid_of(run, XAI_LAYER_LOGITS);
  int64_t best = 0;
  for (int64_t c = 1; c < g.channels; c++)
    if (g.v[c] > g.v[best]) best = c;
  t->terms[0] = (xai_target_term){XAI_LAYER_LOGITS, best, XAI_MEAN, XAI_MEAN, 1};
  t->n_terms = 1;
}

static void strongest_unit(const grid *g, xai_target_term *term) {
  int64_t plane = g->rows * g->cols;
  int64_t from = term->channel == XAI_STRONGEST ? 0 : term->channel * plane;
  int64_t to = term->channel == XAI_STRONGEST ? g->channels * plane : from + plane;
  int64_t best = from;
  for (int64_t i = from; i < to; i++)
    if (g->v[i] > g->v[best]) best = i;
  term->channel = best / plane;
  term->row = best % plane / g->cols;
  term->col = best % g->cols;
}

static xai_status fail_index(const xai_net *net, const xai_target_term *term, const grid *g, xai_err *err) {
  xai_layer l = xai_net_layer(net, xai_net_resolve(net, term->layer));
  if (term->layer == XAI_LAYER_LOGITS)
    return xai_fail(err, XAI_ENOTFOUND, "no class %lld (the network's classes are 0 to %lld)", (long long)term->channel,
                    (long long)g->channels - 1);
  return xai_fail(err, XAI_ENOTFOUND, "layer '%s' has no unit %lld:%lld:%lld (it has %lld channels of %lldx%lld)", l.name,
                  (long long)term->channel + 1, (long long)(term->row < 0 ? 0 : term->row) + 1,
                  (long long)(term->col < 0 ? 0 : term->col) + 1, (long long)g->channels, (long long)g->rows, (long long)g->cols);
}

xai_status xai_target_resolve(const xai_run *run, const xai_net *net, xai_target *t, xai_err *err) {
  int layers[XAI_TARGET_TERMS], n = xai_target_layers(net, t, layers);
  for (int i = 0; i < n; i++) XAI_TRY(xai_net__check_floats(net, layers[i], xai_run_value(run, layers[i]), err));
  if (t->seed != NULL) {
    const xai_view *a = xai_run_value(run, t->seed_layer);
    if (t->seed->dtype == XAI_F32 && xai_shape_size(&t->seed->shape) == xai_shape_size(&a->shape)) return XAI_OK;
    char want[XAI_SHAPE_TEXT], got[XAI_SHAPE_TEXT];
    return xai_fail(err, XAI_ESHAPE, "target: the seed does not fit the layer (expected float32 %s, got %s %s)",
                    xai_shape_text(&a->shape, want), xai_dtype_name(t->seed->dtype), xai_shape_text(&t->seed->shape, got));
  }
  if (t->n_terms == 0) most_probable(run, t);
  for (int i = 0; i < t->n_terms; i++) {
    xai_target_term *term = &t->terms[i];
    grid g = grid_of(run, term->layer);
    if (term->channel >= g.channels || term->row >= g.rows || term->col >= g.cols) return fail_index(net, term, &g, err);
    if (term->channel == XAI_STRONGEST || term->row == XAI_STRONGEST) strongest_unit(&g, term);
  }
  return XAI_OK;
}

bool xai_target_all_classes(const xai_target *t) {
  for (int i = 0; i < t->n_terms; i++)
    if (t->terms[i].layer != XAI_LAYER_LOGITS) return false;
  return t->seed == NULL;
}

static double unit_value(const grid *g, const xai_target_term *term, int64_t n) {
  int64_t plane = g->rows * g->cols;
  const float *map = g->v + (n * g->channels + term->channel) * plane;
  if (term->row != XAI_MEAN) return map[term->row * g->cols + term->col];
  double sum = 0;
  for (int64_t i = 0; i < plane; i++) sum += map[i];
  return sum / (double)plane;
}

static double seed_score(const xai_view *seed, const xai_view *a, int64_t n) {
  double score = 0;
  int64_t size = xai_shape_size(&seed->shape);
  for (int64_t i = 0; i < size; i++)
    score += (double)((const float *)seed->data)[i] * ((const float *)a->data)[n * size + i];
  return score;
}

double xai_target_score(const xai_run *run, const xai_target *t, int64_t n) {
  if (t->seed != NULL) return seed_score(t->seed, xai_run_value(run, t->seed_layer), n);
  double score = 0;
  for (int i = 0; i < t->n_terms; i++) {
    grid g = grid_of(run, t->terms[i].layer);
    score += t->terms[i].weight * unit_value(&g, &t->terms[i], n);
  }
  return score;
}

double xai_target_score_seen(const xai_net *net, const xai_target *t, const int *layers, const xai_view *seen) {
  if (t->seed != NULL) return seed_score(t->seed, &seen[0], 0);
  double score = 0;
  for (int i = 0; i < t->n_terms; i++) {
    int layer = xai_net_resolve(net, t->terms[i].layer), k = 0;
    while (layers[k] != layer) k++;
    grid g = grid_in(&seen[k], t->terms[i].layer);
    score += t->terms[i].weight * unit_value(&g, &t->terms[i], 0);
  }
  return score;
}

static double probability(const xai_net *net, const grid *g, const xai_target *t, int64_t n) {
  const float *z = g->v + n * g->channels;
  xai_odds odds = xai_net_odds(net, z, g->channels);
  double p = 0;
  for (int i = 0; i < t->n_terms; i++) p += t->terms[i].weight * xai_odds_probability(&odds, z[t->terms[i].channel]);
  return p;
}

double xai_target_probability(const xai_net *net, const xai_run *run, const xai_target *t, int64_t n) {
  grid g = grid_of(run, XAI_LAYER_LOGITS);
  return probability(net, &g, t, n);
}

double xai_target_probability_seen(const xai_net *net, const xai_target *t, const xai_view *logits) {
  grid g = grid_in(logits, XAI_LAYER_LOGITS);
  return probability(net, &g, t, 0);
}

void xai_target_seed(xai_run *run, const xai_target *t) {
  if (t->seed != NULL) {
    xai_view *seed = xai_run_seed(run, t->seed_layer);
    int64_t size = xai_shape_size(&t->seed->shape), batch = xai_shape_size(&seed->shape) / size;
    for (int64_t n = 0; n < batch; n++)
      memcpy((float *)seed->data + n * size, t->seed->data, (size_t)size * sizeof(float));
    return;
  }
  for (int i = 0; i < t->n_terms; i++) {
    const xai_target_term *term = &t->terms[i];
    grid g = grid_of(run, term->layer);
    xai_view *seed = xai_run_seed(run, term->layer);
    int64_t plane = g.rows * g.cols, batch = xai_shape_size(&seed->shape) / (g.channels * plane);
    for (int64_t n = 0; n < batch; n++) {
      float *map = (float *)seed->data + (n * g.channels + term->channel) * plane;
      if (term->row != XAI_MEAN) map[term->row * g.cols + term->col] += term->weight;
      else
        for (int64_t j = 0; j < plane; j++) map[j] += term->weight / (float)plane;
    }
  }
}

void xai_target_text(const xai_net *net, const xai_target *t, char *buf, size_t size) {
  size_t used = 0;
  buf[0] = '\0';
  if (t->seed != NULL) xai_str_append(buf, size, &used, "seed");
  for (int i = 0; t->seed == NULL && i < t->n_terms; i++) {
    const xai_target_term *term = &t->terms[i];
    float weight = term->weight;
    if (i > 0 || weight < 0) xai_str_append(buf, size, &used, i > 0 ? (weight < 0 ? " - " : " + ") : "-");
    if (fabsf(weight) != 1) xai_str_append(buf, size, &used, "%g*", fabsf(weight));
    if (term->layer == XAI_LAYER_LOGITS) xai_str_append(buf, size, &used, "%lld", (long long)term->channel);
    else {
      xai_str_append(buf, size, &used, "%s:%lld", xai_net_layer(net, term->layer).name, (long long)term->channel + 1);
      if (term->row != XAI_MEAN) xai_str_append(buf, size, &used, ":%lld:%lld", (long long)term->row + 1, (long long)term->col + 1);
    }
  }
}
