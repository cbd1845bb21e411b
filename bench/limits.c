/* bench/limits.c: what this machine could do at most: multiply-adds that touch no memory, and reading memory in order.
 * Prints GFLOP/s and GB/s of all threads together, the best of several tries; scripts/bench.sh measures against them. */
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { TRIES = 100, CHAINS = 10 };
static volatile float sink, factor = 0.999F, summand = 0.002F; /* unknown to the compiler, which else computes itself */

/* CHAINS sums that do not wait for one another, each in a register of 'width' bytes. */
#define SUMS(name, attributes, width)                                                                                  \
  attributes static double name(int64_t rounds) {                                                                     \
    typedef float lanes __attribute__((vector_size(width)));                                                           \
    lanes sum[CHAINS], a = (lanes){0} + factor, b = (lanes){0} + summand;                                              \
    for (int i = 0; i < CHAINS; i++) sum[i] = (lanes){0} + (float)i;                                                   \
    for (int64_t r = 0; r < rounds; r++)                                                                               \
      for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * a + b;                                                        \
    for (int i = 1; i < CHAINS; i++) sum[0] += sum[i];                                                                 \
    sink = sum[0][0];                                                                                                  \
    return 2.0 * (double)rounds * CHAINS * (width / sizeof(float));                                                    \
  }

SUMS(portable_sums, , 16)
#ifdef __x86_64__
SUMS(avx2_sums, __attribute__((target("avx2,fma"))), 32)
SUMS(avx512_sums, __attribute__((target("avx512f"))), 64)
#endif

static double operations(int64_t rounds) {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f")) return avx512_sums(rounds);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2_sums(rounds);
#endif
  return portable_sums(rounds);
}

static double arithmetic(void) {
  double best = 0;
  for (int i = 0; i < TRIES; i++) {
    double done = 0, start = omp_get_wtime();
#pragma omp parallel reduction(+ : done)
    done += operations(500000);
    double rate = done / (omp_get_wtime() - start);
    if (rate > best) best = rate;
  }
  return best;
}

/* Much more than any cache holds. */
static double reading(void) {
  const int64_t count = (int64_t)1 << 25; /* of 8 bytes */
  uint64_t *words = malloc((size_t)count * sizeof *words);
  if (words == NULL) return 0;
  double best = 0;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < count; i++) words[i] = (uint64_t)i;
  for (int i = 0; i < TRIES; i++) {
    double start = omp_get_wtime();
    uint64_t sum = 0;
#pragma omp parallel for schedule(static) reduction(+ : sum)
    for (int64_t j = 0; j < count; j++) sum += words[j];
    double rate = (double)count * sizeof *words / (omp_get_wtime() - start);
    sink = (float)sum;
    if (rate > best) best = rate;
  }
  free(words);
  return best;
}

int main(void) {
  double operations_per_second = arithmetic(), bytes_per_second = reading();
  printf("%.1f %.1f\n", operations_per_second / 1e9, bytes_per_second / 1e9);
  return 0;
}
