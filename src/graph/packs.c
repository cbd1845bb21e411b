/* graph/packs.c: a table of packed constants with a lock; see packs.h. What is missing is made while the lock is held:
 * whoever else wants something of this network would have to wait for most of it anyway. */
#include "graph/packs.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"

enum { SOURCES = 6, CHAINS = 256 };

/* Tensors never change while a pass may read them, so the handles stand for the elements; the entry keeps them alive,
 * lest another one gets the same address. */
typedef struct entry {
  struct entry *next;
  xai_pack_kind kind;
  int form;
  double epsilon;
  xai_tensor *source[SOURCES];
  xai_tensor *made;
} entry;

struct xai_packs {
  atomic_int refs;
  pthread_mutex_t lock; /* guards chains */
  entry *chains[CHAINS];
};

xai_status xai_packs_new(xai_packs **out, xai_err *err) {
  xai_packs *p = xai_calloc(1, sizeof *p);
  if (p == NULL) return xai_fail_memory(err, sizeof *p);
  atomic_init(&p->refs, 1);
  pthread_mutex_init(&p->lock, NULL);
  *out = p;
  return XAI_OK;
}

xai_packs *xai_packs_retain(xai_packs *p) {
  atomic_fetch_add(&p->refs, 1);
  return p;
}

static void free_entry(entry *e) {
  for (int i = 0; i < SOURCES; i++) xai_tensor_free(e->source[i]);
  xai_tensor_free(e->made);
  xai_free(e);
}

void xai_packs_release(xai_packs *p) {
  if (p == NULL || atomic_fetch_sub(&p->refs, 1) > 1) return;
  for (int i = 0; i < CHAINS; i++)
    for (entry *e = p->chains[i], *next; e != NULL; e = next) {
      next = e->next;
      free_entry(e);
    }
  pthread_mutex_destroy(&p->lock);
  xai_free(p);
}

xai_status xai_packs_own(xai_packs **p, xai_err *err) {
  xai_packs *own = NULL;
  if (*p != NULL && atomic_load(&(*p)->refs) == 1) return XAI_OK;
  XAI_TRY(xai_packs_new(&own, err));
  xai_packs_release(*p);
  *p = own;
  return XAI_OK;
}

/* ---- making ---------------------------------------------------------------------------------------------------- */
static const float *elements(const xai_tensor *t) { return xai_tensor_view(t)->data; }

/* Rounded to float before anything is computed with it: filters and shift then use the same number, so that what
 * cancels in (x - mean) scale still does. */
static float scale_of(const xai_pack_source *s, int64_t k) {
  if (s->gain == NULL) return 1;
  return (float)(elements(s->gain)[k] / sqrt((double)elements(s->variance)[k] + s->epsilon));
}

static float shift_of(const xai_pack_source *s, int64_t k) {
  double bias = s->bias != NULL ? elements(s->bias)[k] : 0;
  if (s->gain == NULL) return (float)bias;
  return (float)((bias - elements(s->mean)[k]) * scale_of(s, k) + elements(s->offset)[k]);
}

static xai_status make_channels(xai_pack_kind kind, const xai_pack_source *s, xai_tensor **out, xai_err *err) {
  int64_t n = (int64_t)xai_tensor_count(s->gain != NULL ? s->gain : s->bias);
  XAI_TRY(xai_tensor_new(XAI_F32, XAI_SHAPE(xk_blocks(n) * XK_LANES), out, err));
  float *y = xai_tensor_floats(*out);
  for (int64_t k = 0; k < n; k++) y[k] = kind == XAI_PACK_SCALE ? scale_of(s, k) : shift_of(s, k);
  return XAI_OK;
}

static xai_status make_map(const xai_pack_source *s, xai_tensor **out, xai_err *err) {
  const int64_t *d = xai_tensor_view(s->weights)->shape.dims;
  XAI_TRY(xai_tensor_new_raw(XAI_F32, XAI_SHAPE(d[0], xk_blocks(d[1]), d[2], d[3], XK_LANES), out, err));
  xk_block(d[0], d[1], d[2] * d[3], elements(s->weights), xai_tensor_floats(*out));
  return XAI_OK;
}

static xai_status make_packed(bool back, const xai_pack_source *s, const xk_conv2d *conv, xai_tensor **out, xai_err *err) {
  xai_tensor *made = NULL;
  float *scale = NULL;
  xai_status st = XAI_OK;
  if (s->gain != NULL) {
    scale = xai_alloc((size_t)conv->m * sizeof *scale);
    if (scale == NULL) return xai_fail_memory(err, (size_t)conv->m * sizeof *scale);
    for (int64_t k = 0; k < conv->m; k++) scale[k] = scale_of(s, k);
  }
  XAI_GOTO(xai_tensor_new_raw(XAI_F32, XAI_SHAPE((int64_t)xk_bconv_packed(conv, back)), &made, err));
  xk_bconv_pack(conv, back, elements(s->weights), scale, xai_tensor_floats(made));
  if (xai_stop_requested()) { /* the kernel may have left early */
    st = xai_fail_stop(err);
    goto done;
  }
  *out = made;
  made = NULL;
done:
  xai_tensor_free(made);
  xai_free(scale);
  return st;
}

/* ---- looking up ------------------------------------------------------------------------------------------------ */
static entry key_of(xai_pack_kind kind, const xai_pack_source *s, const xk_conv2d *conv) {
  entry key = {.kind = kind, .source = {s->weights, s->bias, s->gain, s->offset, s->mean, s->variance}};
  if (conv != NULL) { /* what the filters do not depend on is left out: equal weights are packed once */
    key.form = xk_bconv_form(conv, kind == XAI_PACK_BACK);
    key.source[1] = key.source[3] = key.source[4] = NULL;
  }
  if (s->gain != NULL) key.epsilon = s->epsilon;
  return key;
}

static size_t chain_of(const entry *key) {
  uint64_t h = (uint64_t)key->kind;
  for (int i = 0; i < SOURCES; i++) h = (h ^ (uintptr_t)key->source[i]) * UINT64_C(0x9e3779b97f4a7c15);
  return (size_t)(h >> 32) % CHAINS;
}

static bool same_key(const entry *a, const entry *b) {
  return a->kind == b->kind && a->form == b->form && a->epsilon == b->epsilon &&
         memcmp(a->source, b->source, sizeof a->source) == 0;
}

static xai_status add_entry(xai_packs *p, const entry *key, const xai_pack_source *s, const xk_conv2d *conv, entry **out,
                            xai_err *err) {
  entry *e = xai_alloc(sizeof *e);
  if (e == NULL) return xai_fail_memory(err, sizeof *e);
  *e = *key;
  xai_status st = conv != NULL              ? make_packed(key->kind == XAI_PACK_BACK, s, conv, &e->made, err)
                  : key->kind == XAI_PACK_MAP ? make_map(s, &e->made, err)
                                              : make_channels(key->kind, s, &e->made, err);
  if (st != XAI_OK) {
    xai_free(e);
    return st;
  }
  for (int i = 0; i < SOURCES; i++)
    if (e->source[i] != NULL) xai_tensor_retain(e->source[i]);
  entry **chain = &p->chains[chain_of(key)];
  e->next = *chain;
  *chain = e;
  *out = e;
  return XAI_OK;
}

xai_status xai_packs_get(xai_packs *p, xai_pack_kind kind, const xai_pack_source *source, const xk_conv2d *conv,
                         xai_tensor **out, xai_err *err) {
  entry key = key_of(kind, source, conv);
  xai_status st = XAI_OK;
  pthread_mutex_lock(&p->lock);
  entry *e = p->chains[chain_of(&key)];
  while (e != NULL && !same_key(e, &key)) e = e->next;
  if (e == NULL) st = add_entry(p, &key, source, conv, &e, err);
  if (st == XAI_OK) *out = xai_tensor_retain(e->made);
  pthread_mutex_unlock(&p->lock);
  return st;
}
