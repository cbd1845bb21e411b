/* kernels/isa.c: which instruction set is used. */
#include "kernels/isa.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

extern const xk_isa xk__isa_portable;
#if defined(__x86_64__) && !defined(XK_ONLY_PORTABLE)
extern const xk_isa xk__isa_avx512, xk__isa_avx2;
#endif

static _Atomic(const xk_isa *) chosen;

/* NULL: no such name, or not on this processor. NULL as a name asks for the best. */
static const xk_isa *find(const char *name) {
#if defined(__x86_64__) && !defined(XK_ONLY_PORTABLE)
  __builtin_cpu_init();
  bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (avx512 && (name == NULL || strcmp(name, xk__isa_avx512.name) == 0)) return &xk__isa_avx512;
  if (avx2 && (name == NULL || strcmp(name, xk__isa_avx2.name) == 0)) return &xk__isa_avx2;
#endif
  return name == NULL || strcmp(name, xk__isa_portable.name) == 0 ? &xk__isa_portable : NULL;
}

/* Threads that come here at the same time find the same. */
const xk_isa *xk_isa_now(void) {
  const xk_isa *isa = atomic_load_explicit(&chosen, memory_order_acquire);
  if (isa != NULL) return isa;
  const char *name = getenv("XAI_ISA");
  if (name != NULL) isa = find(name);
  if (isa == NULL) isa = find(NULL);
  atomic_store_explicit(&chosen, isa, memory_order_release);
  return isa;
}

bool xk_isa_choose(const char *name) {
  const xk_isa *isa = find(name);
  if (isa != NULL) atomic_store_explicit(&chosen, isa, memory_order_release);
  return isa != NULL;
}
