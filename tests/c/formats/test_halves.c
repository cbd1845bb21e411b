/* Every one of the 65536 halves against the definition of its format, and what rounds to it. */
#include "scratch.h"

#include <math.h>

#include "formats/formats.h"

/* sign * 2^(exponent - bias) * 1.fraction; 2^(1 - bias) * 0.fraction for subnormals; all ones: infinity or NaN */
static double by_definition(int bits, int exponent_bits, int fraction_bits) {
  int bias = (1 << (exponent_bits - 1)) - 1, exponent = bits >> fraction_bits & ((1 << exponent_bits) - 1);
  double fraction = ldexp(bits & ((1 << fraction_bits) - 1), -fraction_bits), sign = bits & 0x8000 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) return fraction == 0 ? sign * INFINITY : NAN;
  return exponent == 0 ? sign * ldexp(fraction, 1 - bias) : sign * ldexp(1 + fraction, exponent - bias);
}

static void check(void (*widen)(const unsigned char *, size_t, float *), int exponent_bits, int fraction_bits) {
  static unsigned char halves[2 * 65536 + 1];
  static float wide[65536];
  unsigned char *odd = halves + 1; /* any address will do */
  for (int i = 0; i < 65536; i++) odd[2 * i] = (unsigned char)i, odd[2 * i + 1] = (unsigned char)(i >> 8);
  widen(odd, 65536, wide);
  for (int i = 0; i < 65536; i++) {
    double want = by_definition(i, exponent_bits, fraction_bits), got = (double)wide[i];
    if (isnan(want) ? !isnan(got) : got != want || signbit(got) != signbit(want))
      fail_msg("%04x is %g, expected %g", i, got, want);
  }
}

static void every_float16_is_exact(void **state) {
  (void)state;
  check(xai_widen_f16, 5, 10);
}

static void every_bfloat16_is_exact(void **state) {
  (void)state;
  check(xai_widen_bf16, 8, 7);
}

static void nothing_may_be_widened(void **state) {
  (void)state;
  float untouched = 7;
  xai_widen_f16(NULL, 0, &untouched);
  xai_widen_bf16(NULL, 0, &untouched);
  assert_true(untouched == 7);
}

static uint16_t narrowed(float value) {
  unsigned char bytes[2];
  xai_narrow_f16(&value, 1, bytes);
  return (uint16_t)(bytes[0] | bytes[1] << 8);
}

/* Every half comes back as itself; halfway to the next one goes to the even of the two, and anything off the middle to
 * the nearer one. */
static void rounding_is_to_the_nearest_and_ties_to_even(void **state) {
  (void)state;
  for (int i = 0; i < 0x7C00; i++) {
    double here = by_definition(i, 5, 10), next = i == 0x7BFF ? 65536 : by_definition(i + 1, 5, 10);
    float middle = (float)((here + next) / 2); /* 12 bits: a float32 */
    for (int sign = 0; sign <= 0x8000; sign += 0x8000) {
      float s = sign != 0 ? -1 : 1;
      assert_int_equal(narrowed(s * (float)here), i | sign);
      assert_int_equal(narrowed(s * middle), (i + (i & 1)) | sign);
      assert_int_equal(narrowed(s * nextafterf(middle, 0)), i | sign);
      assert_int_equal(narrowed(s * nextafterf(middle, INFINITY)), (i + 1) | sign);
    }
  }
  assert_int_equal(narrowed(1e30F), 0x7C00);
  assert_int_equal(narrowed(-INFINITY), 0xFC00);
  assert_int_equal(narrowed(NAN) & 0x7E00, 0x7E00);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_float16_is_exact),
      cmocka_unit_test(every_bfloat16_is_exact),
      cmocka_unit_test(nothing_may_be_widened),
      cmocka_unit_test(rounding_is_to_the_nearest_and_ties_to_even),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
