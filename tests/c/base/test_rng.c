/* The generator: known values, open interval, moments, independence of order. */
#include "scratch.h"

#include <math.h>

#include "base/rng.h"

/* splitmix64 with the seed 1234567, as its author published it: the first five outputs. */
static void the_stream_is_splitmix64(void **state) {
  (void)state;
  static const uint64_t known[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                   UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                   UINT64_C(16408922859458223821)};
  for (int i = 0; i < 5; i++) assert_true(xai_rng_u64(1234567, (uint64_t)i) == known[i]);
}

static uint64_t unshift(uint64_t y, int s) { /* solves x ^ x >> s = y */
  uint64_t x = y;
  for (int i = 0; i < 64; i += s) x = y ^ x >> s;
  return x;
}

static uint64_t inverse(uint64_t a) { /* a * inverse(a) = 1 mod 2^64: Newton doubles the right bits */
  uint64_t x = a;
  for (int i = 0; i < 6; i++) x *= 2 - a * x;
  return x;
}

/* The base whose element 0 is the given 64 bits. */
static uint64_t base_for(uint64_t bits) {
  uint64_t z = unshift(bits, 31) * inverse(UINT64_C(0x94D049BB133111EB));
  z = unshift(z, 27) * inverse(UINT64_C(0xBF58476D1CE4E5B9));
  return unshift(z, 30) - UINT64_C(0x9E3779B97F4A7C15);
}

static void uniform_numbers_are_strictly_between_0_and_1(void **state) {
  (void)state;
  uint64_t highest = base_for(UINT64_MAX), lowest = base_for(0);
  assert_true(xai_rng_u64(highest, 0) == UINT64_MAX && xai_rng_u64(lowest, 0) == 0);
  assert_true(xai_rng_uniform(highest, 0) < 1);
  assert_true(xai_rng_uniform(lowest, 0) > 0);
  assert_true(isfinite(xai_rng_normal(lowest, 0)));
}

/* n = 100 000: the standard error of the mean is 1/sqrt(n) = 0.0032 for the normal, 0.0009 for the uniform numbers, of
 * the variance sqrt(2/n) = 0.0045 and 0.0002. Five of them are allowed. */
static void moments_are_those_of_the_distributions(void **state) {
  (void)state;
  enum { N = 100000 };
  uint64_t base = xai_rng_stream(7, 3);
  double u1 = 0, u2 = 0, n1 = 0, n2 = 0;
  for (uint64_t i = 0; i < N; i++) {
    double u = xai_rng_uniform(base, i), v = xai_rng_normal(base, i);
    u1 += u, u2 += u * u, n1 += v, n2 += v * v;
  }
  assert_true(fabs(u1 / N - 0.5) < 0.0046 && fabs(u2 / N - u1 / N * u1 / N - 1.0 / 12) < 0.0012);
  assert_true(fabs(n1 / N) < 0.016 && fabs(n2 / N - 1) < 0.023);
}

static void streams_and_seeds_differ(void **state) {
  (void)state;
  for (uint64_t a = 0; a < 30; a++)
    for (uint64_t b = 0; b < 30; b++)
      for (uint64_t c = 0; c < 30; c++)
        if (b != c) {
          assert_true(xai_rng_stream(a, b) != xai_rng_stream(a, c));
          assert_true(xai_rng_stream(b, a) != xai_rng_stream(c, a));
        }
}

static void the_seed_of_the_process_is_kept(void **state) {
  (void)state;
  assert_true(xai_seed() == 0);
  xai_seed_set(42);
  assert_true(xai_seed() == 42);
  xai_seed_set(0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_stream_is_splitmix64),
      cmocka_unit_test(uniform_numbers_are_strictly_between_0_and_1),
      cmocka_unit_test(moments_are_those_of_the_distributions),
      cmocka_unit_test(streams_and_seeds_differ),
      cmocka_unit_test(the_seed_of_the_process_is_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
