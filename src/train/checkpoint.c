/* train/checkpoint.c: a trainer's state in a file and back.
 *
 * The file is a .safetensors archive: every trained array under "weights/<name>", what the optimiser keeps beside it
 * under "first/<name>" and "second/<name>", running statistics under "statistics/<name>". Its metadata hold the number of
 * steps, the seed, the optimiser, the caller's note, and a checksum over all of these, so that a byte that has changed
 * on the disk is noticed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "formats/formats.h"
#include "train/trainer.h"

static const char *const slot_names[XAI_SLOTS] = {"first", "second"};
static const char *const optimisers[] = {"sgd", "adam", "adamw"}; /* in xai_optimiser's order */

/* ---- the arrays ------------------------------------------------------------------------------------------ */
static int count_arrays(const xai_trainer *t) {
  return t->n_params * (1 + xai_trainer__slots(t)) + t->n_statistics;
}

/* Array i of all, in the order of the checksum. */
typedef struct array {
  const char *folder;
  int value;
  xai_tensor *tensor;
} array;

static array array_at(const xai_trainer *t, int i) {
  int per_param = 1 + xai_trainer__slots(t), at = i - t->n_params * per_param, slot = i % per_param - 1;
  if (at >= 0) {
    const train_statistic *s = &t->statistics[at];
    return (array){"statistics", t->form->graph->nodes[s->place.layer].in[s->place.input], s->now};
  }
  const train_param *p = &t->params[i / per_param];
  return slot < 0 ? (array){"weights", p->value, p->now} : (array){slot_names[slot], p->value, p->slots[slot]};
}

/* "weights/conv1.weight": xai_free it. */
static xai_status name_of(const xai_trainer *t, const array *a, char **out, xai_err *err) {
  const char *own = t->form->graph->values[a->value].name;
  size_t room = strlen(a->folder) + strlen(own) + 2;
  *out = xai_alloc(room);
  if (*out == NULL) return xai_fail_memory(err, room);
  snprintf(*out, room, "%s/%s", a->folder, own);
  return XAI_OK;
}

/* ---- the checksum ------------------------------------------------------------------------------------------- */
/* FNV-1a over words of 8 bytes: each step is a bijection, so a change in one word always shows. */
static uint64_t digest(uint64_t sum, const void *bytes, size_t n) {
  const unsigned char *at = bytes;
  uint64_t word;
  for (; n >= sizeof word; at += sizeof word, n -= sizeof word) {
    memcpy(&word, at, sizeof word);
    sum = (sum ^ word) * UINT64_C(0x100000001B3);
    sum ^= sum >> 32;
  }
  for (; n > 0; at++, n--) sum = (sum ^ *at) * UINT64_C(0x100000001B3);
  return sum;
}

static uint64_t digest_number(uint64_t sum, uint64_t number) { return digest(sum, &number, sizeof number); }
static uint64_t digest_text(uint64_t sum, const char *text) {
  return text != NULL ? digest(digest_number(sum, strlen(text) + 1), text, strlen(text)) : digest_number(sum, 0);
}

static uint64_t digest_head(const xai_trainer *t, int64_t steps, const char *note) {
  uint64_t sum = digest_number(UINT64_C(0xCBF29CE484222325), (uint64_t)steps);
  sum = digest_number(sum, t->opts.seed);
  return digest_text(digest_number(sum, t->opts.optimiser), note);
}

static uint64_t digest_tensor(uint64_t sum, const xai_tensor *t) {
  return digest(sum, xai_tensor_view(t)->data, xai_tensor_bytes(t));
}

/* ---- writing -------------------------------------------------------------------------------------------------- */
static xai_status add_number(xai_archive *a, const char *key, uint64_t number, xai_err *err) {
  char text[24];
  snprintf(text, sizeof text, "%" PRIu64, number);
  return xai_archive_add_meta(a, key, text, err);
}

xai_status xai_trainer_save(const xai_trainer *t, const char *path, const char *note, xai_err *err) {
  xai_archive a = {0};
  xai_status st = XAI_OK;
  uint64_t sum = digest_head(t, t->steps, note);
  for (int i = 0; i < count_arrays(t); i++) {
    array own = array_at(t, i);
    char *name = NULL;
    XAI_GOTO(name_of(t, &own, &name, err));
    st = xai_archive_add(&a, name, own.tensor, err);
    xai_free(name);
    if (st != XAI_OK) goto done;
    sum = digest_tensor(sum, own.tensor);
  }
  XAI_GOTO(add_number(&a, "xai.trainer.steps", (uint64_t)t->steps, err));
  XAI_GOTO(add_number(&a, "xai.trainer.seed", t->opts.seed, err));
  XAI_GOTO(add_number(&a, "xai.trainer.checksum", sum, err));
  XAI_GOTO(xai_archive_add_meta(&a, "xai.trainer.optimiser", optimisers[t->opts.optimiser], err));
  if (note != NULL) XAI_GOTO(xai_archive_add_meta(&a, "xai.trainer.note", note, err));
  XAI_GOTO(xai_safetensors_write(path, &a, err));
done:
  xai_archive_free(&a);
  return st;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */
static const char *find_meta(const xai_archive *a, const char *key) {
  for (size_t i = 0; i < a->n_meta; i++)
    if (strcmp(a->meta[i].key, key) == 0) return a->meta[i].value;
  return NULL;
}

/* Digits and nothing else. */
static bool read_number(const xai_archive *a, const char *key, uint64_t *out) {
  const char *text = find_meta(a, key);
  uint64_t number = 0;
  if (text == NULL || text[0] == '\0') return false;
  for (; *text >= '0' && *text <= '9'; text++)
    if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
      return false;
  *out = number;
  return *text == '\0';
}

static xai_tensor *find_tensor(const xai_archive *a, const char *name) {
  for (size_t i = 0; i < a->n; i++)
    if (strcmp(a->entries[i].name, name) == 0) return a->entries[i].tensor;
  return NULL;
}

/* The archive's array for array i of the trainer. */
static xai_status match(const xai_trainer *t, const xai_archive *a, int i, const xai_tensor **out, xai_err *err) {
  array own = array_at(t, i);
  const xai_shape *shape = &xai_tensor_view(own.tensor)->shape;
  char *name = NULL, want[XAI_SHAPE_TEXT], got[XAI_SHAPE_TEXT];
  xai_status st = XAI_OK;
  XAI_TRY(name_of(t, &own, &name, err));
  const xai_tensor *found = find_tensor(a, name);
  if (found == NULL)
    st = xai_fail(err, XAI_EFORMAT, "is of another network or training: it has no '%s'", name);
  else if (xai_tensor_view(found)->dtype != XAI_F32 ||
           !xai_shape_equal(&xai_tensor_view(found)->shape, shape))
    st = xai_fail(err, XAI_EFORMAT, "is of another network: '%s' has the shape %s (expected %s)", name,
                  xai_shape_text(&xai_tensor_view(found)->shape, got), xai_shape_text(shape, want));
  else
    *out = found;
  xai_free(name);
  return st;
}

static xai_status check_head(const xai_trainer *t, const xai_archive *a, int64_t *steps, uint64_t *sum, xai_err *err) {
  const char *optimiser = find_meta(a, "xai.trainer.optimiser"), *own = optimisers[t->opts.optimiser];
  uint64_t done, seed;
  if (!read_number(a, "xai.trainer.steps", &done) || !read_number(a, "xai.trainer.seed", &seed) ||
      !read_number(a, "xai.trainer.checksum", sum) || optimiser == NULL || done > INT64_MAX)
    return xai_fail(err, XAI_EFORMAT, "is no checkpoint of a training, or its metadata are damaged");
  if (strcmp(optimiser, own) != 0)
    return xai_fail(err, XAI_EFORMAT, "is a checkpoint of another training: its optimiser is '%s' (expected '%s')",
                    optimiser, own);
  if (seed != t->opts.seed)
    return xai_fail(err, XAI_EFORMAT, "is a checkpoint of another training: its seed is %" PRIu64 " (expected %" PRIu64 ")",
                    seed, t->opts.seed);
  *steps = (int64_t)done;
  return XAI_OK;
}

static xai_status check_all(const xai_trainer *t, const xai_archive *a, const xai_tensor **found, int64_t *steps,
                            xai_err *err) {
  uint64_t stored, sum;
  XAI_TRY(check_head(t, a, steps, &stored, err));
  sum = digest_head(t, *steps, find_meta(a, "xai.trainer.note"));
  for (int i = 0; i < count_arrays(t); i++) {
    XAI_TRY(match(t, a, i, &found[i], err));
    sum = digest_tensor(sum, found[i]);
  }
  return sum == stored ? XAI_OK : xai_fail(err, XAI_EFORMAT, "is damaged: its checksum does not fit its contents");
}

/* Nothing here can fail. */
static void take_over(xai_trainer *t, const xai_tensor *const *found, int64_t steps) {
  for (int i = 0; i < count_arrays(t); i++) {
    array own = array_at(t, i);
    memcpy(xai_tensor_floats(own.tensor), xai_tensor_view(found[i])->data, xai_tensor_bytes(own.tensor));
  }
  t->steps = steps;
}

xai_status xai_trainer_load(xai_trainer *t, const char *path, char **note, xai_err *err) {
  xai_archive a = {0};
  xai_status st = XAI_OK;
  int64_t steps = 0;
  char *copy = NULL;
  const xai_tensor **found = xai_calloc((size_t)count_arrays(t), sizeof *found);
  if (found == NULL) return xai_fail_memory(err, (size_t)count_arrays(t) * sizeof *found);
  XAI_GOTO(xai_archive_read(path, &a, err));
  st = xai_err_prefix(err, check_all(t, &a, found, &steps, err), "%s ", path);
  if (st != XAI_OK) goto done;
  const char *stored = find_meta(&a, "xai.trainer.note");
  if (note != NULL && stored != NULL && (copy = xai_strdup(stored)) == NULL) {
    st = xai_fail_memory(err, strlen(stored));
    goto done;
  }
  take_over(t, found, steps);
  if (note != NULL) *note = copy;
done:
  xai_archive_free(&a);
  xai_free(found);
  return st;
}

void xai_trainer_free_note(char *note) { xai_free(note); }
