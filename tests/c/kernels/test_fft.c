/* Fourier transforms against their sums, and what follows from these. */
#include <math.h>

#include "ktest.h"

static const double PI = 3.14159265358979323846;

/* Primes, powers of two, products; odd and even. */
static const int64_t sizes[][2] = {{1, 1}, {1, 2}, {2, 1}, {3, 5}, {4, 6}, {7, 8}, {12, 9}, {13, 11}, {10, 16}, {16, 15}};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void *room(int64_t planes, int64_t h, int64_t w) {
  void *work = malloc(xk_rfft2_workspace(planes, h, w));
  assert_non_null(work);
  return work;
}

static void forward(int64_t planes, int64_t h, int64_t w, const float *x, float *s) {
  void *work = room(planes, h, w);
  xk_rfft2_forward(planes, h, w, x, s, work);
  free(work);
}

static void inverse(int64_t planes, int64_t h, int64_t w, const float *s, float *x) {
  void *work = room(planes, h, w);
  xk_rfft2_inverse(planes, h, w, s, x, work);
  free(work);
}

/* (1, 2, 3, 4): sums 10, 1 - 3 + (2 - 4)(-i) = -2 + 2i, 1 - 2 + 3 - 4 = -2 */
static void a_row_of_four_by_hand(void **state) {
  (void)state;
  float s[6], x[4];
  forward(1, 1, 4, (const float[]){1, 2, 3, 4}, s);
  assert_close(6, s, (const float[]){10, 0, -2, 2, -2, 0}, 1e-6);
  inverse(1, 1, 4, s, x);
  assert_close(4, x, (const float[]){1, 2, 3, 4}, 1e-6);
  /* one coefficient: 2/4 Re((1 - i) i^j) = (1, 1, -1, -1)/2 */
  inverse(1, 1, 4, (const float[]){0, 0, 1, -1, 0, 0}, x);
  assert_close(4, x, (const float[]){.5f, .5f, -.5f, -.5f}, 1e-6);
}

static void forward_is_its_sum(void **state) {
  (void)state;
  for (int t = 0; t < SIZES; t++) {
    int64_t h = sizes[t][0], w = sizes[t][1], n = w / 2 + 1;
    float *x = reals(h * w, 1), *s = floats(h * n * 2), *want = floats(h * n * 2);
    for (int64_t k = 0; k < h; k++)
      for (int64_t l = 0; l < n; l++) {
        double re = 0, im = 0;
        for (int64_t i = 0; i < h; i++)
          for (int64_t j = 0; j < w; j++) {
            double angle = -2 * PI * ((double)(k * i) / (double)h + (double)(l * j) / (double)w);
            re += x[i * w + j] * cos(angle);
            im += x[i * w + j] * sin(angle);
          }
        want[2 * (k * n + l)] = (float)re;
        want[2 * (k * n + l) + 1] = (float)im;
      }
    forward(1, h, w, x, s);
    assert_close(h * n * 2, s, want, 2e-5);
    free(x), free(s), free(want);
  }
}

static void inverse_is_its_sum(void **state) {
  (void)state;
  for (int t = 0; t < SIZES; t++) {
    int64_t h = sizes[t][0], w = sizes[t][1], n = w / 2 + 1;
    float *s = reals(h * n * 2, 2), *x = floats(h * w), *want = floats(h * w);
    for (int64_t i = 0; i < h; i++)
      for (int64_t j = 0; j < w; j++) {
        double sum = 0;
        for (int64_t k = 0; k < h; k++)
          for (int64_t l = 0; l < n; l++) {
            double angle = 2 * PI * ((double)(k * i) / (double)h + (double)(l * j) / (double)w);
            double twice = l == 0 || 2 * l == w ? 1 : 2;
            sum += twice * (s[2 * (k * n + l)] * cos(angle) - s[2 * (k * n + l) + 1] * sin(angle));
          }
        want[i * w + j] = (float)(sum / (double)(h * w));
      }
    inverse(1, h, w, s, x);
    assert_close(h * w, x, want, 1e-6);
    free(s), free(x), free(want);
  }
}

/* There and back; energy: sum x^2 = 1/(hw) sum over the whole spectrum of |s|^2. Several planes do not mix. */
static void there_and_back_is_the_picture_and_energy_is_kept(void **state) {
  (void)state;
  int64_t h = 30, w = 28, n = w / 2 + 1, planes = 3;
  float *x = reals(planes * h * w, 3), *s = floats(planes * h * n * 2), *back = floats(planes * h * w);
  forward(planes, h, w, x, s);
  inverse(planes, h, w, s, back);
  assert_close(planes * h * w, back, x, 1e-5);
  double energy = 0;
  for (int64_t i = 0; i < h * n; i++)
    energy += xk_rfft2_share(i % n, w) * ((double)s[2 * i] * s[2 * i] + (double)s[2 * i + 1] * s[2 * i + 1]);
  assert_true(fabs(energy / (double)(h * w) - inner_product(h * w, x, x)) < 1e-3);
  forward(1, h, w, x + h * w, back);
  assert_memory_equal(back, s + h * n * 2, (size_t)(h * n) * sizeof(float));
  free(x), free(s), free(back);
}

/* <dx, inverse(s)> = <share/(hw) forward(dx), s> */
static void the_gradient_of_the_inverse_is_the_forward_transform_by_shares(void **state) {
  (void)state;
  for (int t = 0; t < SIZES; t++) {
    int64_t h = sizes[t][0], w = sizes[t][1], n = w / 2 + 1;
    float *s = reals(h * n * 2, 4), *dx = reals(h * w, 5), *x = floats(h * w), *ds = floats(h * n * 2);
    inverse(1, h, w, s, x);
    forward(1, h, w, dx, ds);
    for (int64_t i = 0; i < h * n * 2; i++) ds[i] *= (float)(xk_rfft2_share(i / 2 % n, w) / (double)(h * w));
    assert_true(fabs(inner_product(h * w, dx, x) - inner_product(h * n * 2, ds, s)) < 1e-5);
    free(s), free(dx), free(x), free(ds);
  }
}

typedef struct work {
  const float *in;
  void *room;
} work;
enum { PLANES = 3, SIDE = 96 };
static void both_ways(const void *problem, float *out) {
  const work *p = problem;
  xk_rfft2_forward(PLANES, SIDE, SIDE, p->in, out, p->room);
  xk_rfft2_inverse(PLANES, SIDE, SIDE, out, out + PLANES * SIDE * (SIDE + 2), p->room);
}
static void threads_change_no_bit(void **state) {
  (void)state;
  float *in = reals(PLANES * SIDE * SIDE, 6);
  work p = {in, room(PLANES, SIDE, SIDE)};
  assert_same_bits_for_any_threads(both_ways, &p, PLANES * SIDE * (2 * SIDE + 2));
  free(p.room);
  free(in);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_row_of_four_by_hand),
      cmocka_unit_test(forward_is_its_sum),
      cmocka_unit_test(inverse_is_its_sum),
      cmocka_unit_test(there_and_back_is_the_picture_and_energy_is_kept),
      cmocka_unit_test(the_gradient_of_the_inverse_is_the_forward_transform_by_shares),
      cmocka_unit_test(threads_change_no_bit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
