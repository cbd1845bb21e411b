/* kernels/threads.c: how many threads the kernels use.
 * The number never changes a result; see the contract in kernels.h. */
#include <cblas.h>
#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>

#include "kernels/private.h"

static atomic_int threads;
static _Thread_local int own; /* of this thread; 0: what all use */
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Kernels call OpenBLAS from inside parallel regions, so it must not start threads of its own. */
static void start(void) {
  openblas_set_num_threads(1);
  atomic_store(&threads, omp_get_max_threads());
}

int xk_threads(void) {
  if (own > 0) return own;
  pthread_once(&once, start);
  return atomic_load_explicit(&threads, memory_order_relaxed);
}

void xk_threads_set(int n) {
  pthread_once(&once, start);
  atomic_store(&threads, n < 1 ? 1 : n);
}

void xk_threads_own(int n) { own = n; }
