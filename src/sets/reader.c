/* sets/reader.c: threads that make pictures ahead of their reader.
 *
 * A ring of 'ahead' slots lies over the order: picture k of it belongs to slot k mod ahead. Threads take the next k that
 * nobody has, as long as it is less than 'ahead' beyond the one that the reader waits for, so a slot is free when its turn
 * comes again, and what is handed over follows the order alone. One lock guards the counters and the slots' flags; pictures
 * are made outside of it. Where no thread can be started the reader makes each picture itself when it is asked for.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include "sets/source.h"
#include "tensor/tensor.h"

enum { MOST_THREADS = 256, MOST_AHEAD = 1 << 16, PATIENCE = 50 /* ms between two looks for a stop request */ };

typedef struct slot {
  bool made;
  xai_picture picture; /* its st may also say that memory was short */
} slot;

struct xai_reader {
  xai_source *source;
  xai_net *net;
  int64_t *order;     /* NULL: as they are numbered */
  int64_t n, taken, given; /* of the order: how many there are, have been begun, have been handed over */
  int ahead, n_threads;
  bool closing;
  pthread_mutex_t lock;
  pthread_cond_t made, room; /* a picture is finished; there is something to do */
  bool waiting;       /* a picture that was taken for a batch, but has another shape, stands in 'kept' */
  xai_picture kept;
  xai_batch half;     /* of a call that ended for want of memory: the next one goes on with it */
  int64_t half_room;
  int failed_room;
  pthread_t *threads;
  slot slots[];
};

void xai_picture_clear(xai_picture *p) {
  xai_image_free(p->image);
  xai_tensor_free(p->input);
  p->image = NULL;
  p->input = NULL;
}

/* ---- making one --------------------------------------------------------------------------------------- */

static void make(const xai_reader *r, int64_t k, xai_picture *out) {
  xai_picture p = {.index = r->order != NULL ? r->order[k] : k, .label = -1};
  p.st = xai_source__make(r->source, p.index, &p, &p.err);
  if (p.st == XAI_OK && r->net != NULL) {
    p.st = xai_net_prepare(r->net, p.image, &p.input, &p.err);
    xai_image_free(p.image);
    p.image = NULL;
  }
  *out = p;
}

static void *work(void *payload) {
  xai_reader *r = payload;
  xk_threads_own(1); /* there are several of us */
  pthread_mutex_lock(&r->lock);
  while (!r->closing && r->taken < r->n) {
    if (r->taken - r->given >= r->ahead) {
      pthread_cond_wait(&r->room, &r->lock);
      continue;
    }
    int64_t k = r->taken++;
    slot *s = &r->slots[k % r->ahead];
    pthread_mutex_unlock(&r->lock);
    make(r, k, &s->picture);
    pthread_mutex_lock(&r->lock);
    s->made = true;
    if (k == r->given) pthread_cond_signal(&r->made);
  }
  pthread_mutex_unlock(&r->lock);
  return NULL;
}

/* ---- opening and closing -------------------------------------------------------------------------------- */

static xai_status check(const xai_reader_opts *o, xai_err *err) {
  int64_t count = xai_source_count(o->source);
  if (o->threads < 0 || o->threads > MOST_THREADS)
    return xai_fail(err, XAI_EARG, "threads: expected 1 to %d, got %d", MOST_THREADS, o->threads);
  if (o->ahead < 0 || o->ahead > MOST_AHEAD)
    return xai_fail(err, XAI_EARG, "ahead: expected 1 to %d, got %d", MOST_AHEAD, o->ahead);
  for (int64_t k = 0; o->order != NULL && k < o->n; k++)
    if (o->order[k] < 0 || o->order[k] >= count)
      return xai_fail(err, XAI_EARG, "picture %" PRId64 " of a set of %" PRId64, o->order[k] + 1, count);
  return XAI_OK;
}

/* As many threads as can be started; they leave signals to the others. */
static void start(xai_reader *r, int n) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (r->n_threads < n && pthread_create(&r->threads[r->n_threads], NULL, work, r) == 0) r->n_threads++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

xai_status xai_reader_open(const xai_reader_opts *o, xai_reader **out, xai_err *err) {
  XAI_TRY(check(o, err));
  int64_t n = o->order != NULL ? o->n : xai_source_count(o->source);
  int threads = o->threads > 0 ? o->threads : xk_threads() < MOST_THREADS ? xk_threads() : MOST_THREADS;
  if (threads > n) threads = (int)n;
  int ahead = o->ahead > 0 ? o->ahead : threads > 0 ? 8 * threads : 1;
  size_t bytes = sizeof(xai_reader) + (size_t)ahead * sizeof(slot), of_order = (size_t)n * sizeof *o->order;
  xai_reader *r = xai_calloc(1, bytes);
  pthread_t *ids = xai_calloc((size_t)threads + 1, sizeof *ids);
  int64_t *order = o->order != NULL ? xai_alloc(of_order) : NULL;
  if (r == NULL || ids == NULL || (o->order != NULL && order == NULL)) {
    xai_free(r);
    xai_free(ids);
    xai_free(order);
    return xai_fail_memory(err, bytes + of_order);
  }
  if (order != NULL && n > 0) memcpy(order, o->order, of_order);
  r->source = xai_source_retain(o->source);
  r->net = o->net != NULL ? xai_net_retain(o->net) : NULL;
  r->order = order;
  r->n = n;
  r->ahead = ahead;
  r->threads = ids;
  pthread_condattr_t clock;
  pthread_condattr_init(&clock);
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_mutex_init(&r->lock, NULL);
  pthread_cond_init(&r->made, &clock);
  pthread_cond_init(&r->room, NULL);
  pthread_condattr_destroy(&clock);
  start(r, threads);
  *out = r;
  return XAI_OK;
}

void xai_reader_close(xai_reader *r) {
  if (r == NULL) return;
  pthread_mutex_lock(&r->lock);
  r->closing = true;
  pthread_cond_broadcast(&r->room);
  pthread_mutex_unlock(&r->lock);
  for (int i = 0; i < r->n_threads; i++) pthread_join(r->threads[i], NULL);
  for (int i = 0; i < r->ahead; i++)
    if (r->slots[i].made) xai_picture_clear(&r->slots[i].picture);
  if (r->waiting) xai_picture_clear(&r->kept);
  xai_batch_clear(&r->half);
  pthread_mutex_destroy(&r->lock);
  pthread_cond_destroy(&r->made);
  pthread_cond_destroy(&r->room);
  xai_source_free(r->source);
  xai_net_free(r->net);
  xai_free(r->order);
  xai_free(r->threads);
  xai_free(r);
}

/* ---- handing over ------------------------------------------------------------------------------------------ */

static struct timespec soon(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_nsec += PATIENCE * 1000000L;
  if (t.tv_nsec >= 1000000000L) t.tv_sec++, t.tv_nsec -= 1000000000L;
  return t;
}

/* Until the slot of the next picture is full; false when a stop request comes first. */
static bool wait_for(xai_reader *r, slot *s) {
  pthread_mutex_lock(&r->lock);
  while (!s->made && !xai_stop_requested()) {
    struct timespec until = soon();
    pthread_cond_timedwait(&r->made, &r->lock, &until);
  }
  bool made = s->made;
  pthread_mutex_unlock(&r->lock);
  return made;
}

/* Is it the file that is at fault, so that the next one may do? */
static bool skippable(xai_status st) {
  return st == XAI_EIO || st == XAI_ENOTFOUND || st == XAI_EFORMAT || st == XAI_EUNSUPPORTED || st == XAI_EARG;
}

static xai_status next(xai_reader *r, xai_picture *out, bool *more, xai_err *err) {
  if (r->given == r->n) {
    *more = false;
    return XAI_OK;
  }
  slot *s = &r->slots[r->given % r->ahead];
  if (r->n_threads == 0 && !s->made) {
    make(r, r->taken++, &s->picture);
    s->made = true;
  }
  if (!wait_for(r, s) || xai_stop_requested()) return xai_fail_stop(err);
  if (s->picture.st == XAI_ENOMEM || s->picture.st == XAI_ESTOP) make(r, r->given, &s->picture); /* it may do by now */
  if (s->picture.st != XAI_OK && !skippable(s->picture.st)) return xai_fail(err, s->picture.st, "%s", s->picture.err.text);
  *out = s->picture;
  *more = true;
  pthread_mutex_lock(&r->lock);
  s->made = false;
  r->given++;
  pthread_cond_signal(&r->room);
  pthread_mutex_unlock(&r->lock);
  return XAI_OK;
}

xai_status xai_reader_next(xai_reader *r, xai_picture *out, bool *more, xai_err *err) {
  if (!r->waiting) return next(r, out, more, err);
  *out = r->kept;
  *more = true;
  r->waiting = false;
  return XAI_OK;
}

/* ---- batches ------------------------------------------------------------------------------------------------- */

void xai_batch_clear(xai_batch *b) {
  xai_tensor_free(b->x);
  for (int64_t i = 0; b->pictures != NULL && i < b->n; i++) xai_picture_clear(&b->pictures[i]);
  xai_free(b->pictures);
  xai_free(b->failed);
  *b = (xai_batch){0};
}

static bool same_shape(const xai_picture *a, const xai_picture *b) {
  const xai_shape *p = &xai_tensor_view(a->input)->shape, *q = &xai_tensor_view(b->input)->shape;
  return p->rank == q->rank && memcmp(p->dims, q->dims, (size_t)p->rank * sizeof *p->dims) == 0;
}

/* Puts the inputs of the batch's pictures into one tensor. */
static xai_status put_together(xai_batch *b, xai_err *err) {
  if (b->n == 0) return XAI_OK;
  xai_shape shape = xai_tensor_view(b->pictures[0].input)->shape;
  size_t bytes = xai_tensor_bytes(b->pictures[0].input);
  shape.dims[0] = b->n;
  XAI_TRY(xai_tensor_new_raw(XAI_F32, shape, &b->x, err));
  for (int64_t i = 0; i < b->n; i++) {
    memcpy((char *)xai_tensor_floats(b->x) + (size_t)i * bytes, xai_tensor_floats(b->pictures[i].input), bytes);
    xai_picture_clear(&b->pictures[i]);
  }
  return XAI_OK;
}

/* Takes n pictures, fewer when another shape comes or there are no more. */
static xai_status collect(xai_reader *r, int64_t n, xai_err *err) {
  xai_batch *b = &r->half;
  bool more = true;
  while (b->n + b->n_failed < n) {
    xai_picture p;
    /* room comes first, so that no picture is lost when there is none */
    XAI_TRY(xai_grow((void **)&b->failed, (int)b->n_failed, &r->failed_room, sizeof *b->failed, err));
    XAI_TRY(xai_reader_next(r, &p, &more, err));
    if (!more) break;
    if (p.st != XAI_OK) {
      b->failed[b->n_failed++] = p;
    } else if (b->n > 0 && !same_shape(&p, &b->pictures[0])) {
      r->kept = p;
      r->waiting = true;
      break;
    } else {
      b->pictures[b->n++] = p;
    }
  }
  return XAI_OK;
}

xai_status xai_reader_batch(xai_reader *r, int64_t n, xai_batch *out, xai_err *err) {
  if (r->net == NULL) return xai_fail(err, XAI_EARG, "batches are for a reader that has a network");
  if (n < 1 || n > MOST_AHEAD) return xai_fail(err, XAI_EARG, "batch: expected 1 to %d, got %" PRId64, MOST_AHEAD, n);
  if (n > r->half_room) {
    xai_picture *more = xai_realloc(r->half.pictures, (size_t)n * sizeof *more);
    if (more == NULL) return xai_fail_memory(err, (size_t)n * sizeof *more);
    r->half.pictures = more;
    r->half_room = n;
  }
  XAI_TRY(collect(r, n, err));
  XAI_TRY(put_together(&r->half, err));
  if (r->half.n + r->half.n_failed == 0) xai_batch_clear(&r->half); /* after the last there is nothing to clear */
  *out = r->half;
  r->half = (xai_batch){0};
  r->half_room = r->failed_room = 0;
  return XAI_OK;
}
