/* Convolutions of blocked arrays against their definition, with every instruction set that the processor has. Arrays of
 * small integers make the direct sums exact, whatever their order: these are compared for equality. */
#include "blocked_case.h"

static const xk_conv2d shapes[] = {
#define SHAPE(n_, c_, h_, w_, m_, groups_, kh_, kw_, sh_, sw_, dh_, dw_, top, bottom, left, right)                     \
  {.n = n_, .c = c_, .h = h_, .w = w_, .m = m_, .groups = groups_, .kh = kh_, .kw = kw_, .sh = sh_, .sw = sw_,         \
   .dh = dh_, .dw = dw_, .pad_top = top, .pad_left = left,                                                             \
   .oh = (h_ + top + bottom - (kh_ - 1) * dh_ - 1) / sh_ + 1, .ow = (w_ + left + right - (kw_ - 1) * dw_ - 1) / sw_ + 1}
    /* 1x1 */
    SHAPE(1, 16, 1, 1, 16, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0), SHAPE(2, 32, 7, 7, 48, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0),
    SHAPE(3, 40, 5, 9, 70, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0), SHAPE(1, 64, 14, 14, 64, 1, 1, 1, 2, 2, 1, 1, 0, 0, 0, 0),
    SHAPE(2, 17, 9, 8, 33, 1, 1, 1, 2, 3, 1, 1, 0, 0, 0, 0), SHAPE(1, 16, 5, 5, 16, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 0),
    SHAPE(1, 4200, 2, 3, 40, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0),
    /* kernels, odd sizes, pads that are not alike */
    SHAPE(1, 16, 7, 7, 32, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1), SHAPE(2, 32, 14, 15, 24, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1),
    SHAPE(1, 20, 29, 31, 20, 1, 5, 3, 1, 1, 1, 1, 2, 1, 0, 1), SHAPE(1, 16, 6, 5, 16, 1, 7, 7, 1, 1, 1, 1, 3, 3, 3, 3),
    SHAPE(3, 48, 3, 3, 16, 1, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0), SHAPE(1, 288, 7, 7, 32, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1),
    SHAPE(1, 16, 20, 7, 16, 1, 3, 1, 1, 1, 1, 1, 1, 1, 0, 0), SHAPE(1, 9, 1, 40, 12, 1, 1, 7, 1, 1, 1, 1, 0, 0, 3, 3),
    SHAPE(2, 16, 2, 2, 16, 1, 3, 3, 1, 1, 1, 1, 4, 4, 4, 4),
    /* strides and dilations, of which some leave elements that nothing sees */
    SHAPE(1, 32, 14, 14, 32, 1, 3, 3, 2, 2, 1, 1, 1, 0, 1, 0), SHAPE(2, 16, 15, 13, 40, 1, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1),
    SHAPE(1, 16, 17, 19, 16, 1, 5, 4, 3, 2, 1, 1, 2, 2, 1, 1), SHAPE(1, 16, 12, 12, 16, 1, 2, 2, 3, 3, 1, 1, 0, 0, 0, 0),
    SHAPE(1, 16, 13, 14, 16, 1, 3, 3, 1, 1, 2, 3, 2, 2, 3, 3), SHAPE(1, 16, 16, 17, 16, 1, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2),
    SHAPE(1, 16, 16, 16, 16, 1, 3, 3, 4, 4, 2, 6, 1, 1, 5, 0), SHAPE(1, 16, 9, 9, 16, 1, 3, 3, 3, 2, 2, 3, 0, 0, 0, 0),
    SHAPE(1, 16, 4, 4, 16, 1, 3, 3, 7, 7, 1, 1, 0, 0, 0, 0),
    /* groups */
    SHAPE(2, 32, 7, 7, 32, 2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1), SHAPE(1, 64, 8, 8, 96, 2, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0),
    SHAPE(1, 48, 9, 9, 144, 3, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1),
    /* few channels, which stand in plain planes */
    SHAPE(2, 3, 20, 23, 40, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1), SHAPE(1, 3, 30, 30, 16, 1, 7, 7, 2, 2, 1, 1, 3, 3, 3, 3),
    SHAPE(1, 3, 35, 33, 32, 1, 11, 11, 4, 4, 1, 1, 2, 2, 2, 2), SHAPE(2, 1, 9, 9, 5, 1, 3, 3, 2, 1, 1, 1, 0, 0, 0, 0),
    SHAPE(1, 8, 10, 12, 24, 1, 3, 3, 1, 2, 2, 2, 1, 1, 1, 2), SHAPE(2, 4, 6, 6, 30, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0),
    SHAPE(1, 2, 8, 8, 16, 1, 4, 4, 4, 4, 1, 1, 0, 0, 0, 0), SHAPE(1, 3, 3, 3, 16, 1, 3, 3, 5, 5, 1, 1, 1, 1, 1, 1),
    SHAPE(1, 5, 12, 30, 17, 1, 3, 5, 2, 3, 3, 1, 2, 1, 0, 2),
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* One convolution: plain arrays, and the same blocked. */
typedef struct problem {
  xk_conv2d p;
  int64_t nx, ny, nw, bx, by; /* elements, plain and blocked */
  float *x, *w, *bias, *add, *dy, *packed[2];
  float *x_blocked, *add_blocked, *dy_blocked;
  xk_finish finish, back; /* of y, of dx */
} problem;

static int64_t x_elements(const xk_conv2d *p) {
  return p->n * (xk_bconv_plain_input(p) ? p->c : XK_LANES * xk_blocks(p->c)) * p->h * p->w;
}

static problem make(const xk_conv2d *p, float *(*fill)(int64_t, uint64_t)) {
  problem q = {.p = *p, .nx = p->n * p->c * p->h * p->w, .ny = p->n * p->m * p->oh * p->ow};
  q.nw = p->m * p->c / p->groups * p->kh * p->kw;
  q.bx = x_elements(p);
  q.by = p->n * XK_LANES * xk_blocks(p->m) * p->oh * p->ow;
  q.x = fill(q.nx, 1);
  q.w = fill(q.nw, 2);
  q.add = fill(q.ny, 4);
  q.dy = fill(q.ny, 5);
  float *bias = fill(p->m, 3);
  q.bias = to_blocked(1, p->m, 1, bias);
  free(bias);
  q.x_blocked = xk_bconv_plain_input(p) ? to_blocked(0, 1, 1, q.x) : to_blocked(p->n, p->c, p->h * p->w, q.x);
  q.add_blocked = to_blocked(p->n, p->m, p->oh * p->ow, q.add);
  q.dy_blocked = to_blocked(p->n, p->m, p->oh * p->ow, q.dy);
  q.finish = (xk_finish){.bias = q.bias, .add = q.add_blocked, .lo = -20, .hi = 30};
  q.back = (xk_finish){.lo = -INFINITY, .hi = INFINITY};
  return q;
}

static const float *input(const problem *q) { return xk_bconv_plain_input(&q->p) ? q->x : q->x_blocked; }

static void drop(problem *q) {
  float *all[] = {q->x, q->w, q->bias, q->add, q->dy, q->packed[0], q->packed[1], q->x_blocked, q->add_blocked,
                  q->dy_blocked};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* ---- the definition, in double ----------------------------------------------------------------------------------- */
/* Calls visit for every product of one convolution: element of x, of w, of y. */
typedef void visit(const problem *q, double *sums, int64_t x, int64_t w, int64_t y);

static void each_product(const problem *q, visit *call, double *sums) {
  const xk_conv2d *p = &q->p;
  int64_t cg = p->c / p->groups, mg = p->m / p->groups, taps = p->kh * p->kw;
  for (int64_t y = 0; y < q->ny; y++) {
    int64_t image = y / (p->m * p->oh * p->ow), m = y / (p->oh * p->ow) % p->m, oy = y / p->ow % p->oh, ox = y % p->ow;
    for (int64_t c = 0; c < cg; c++)
      for (int64_t t = 0; t < taps; t++) {
        int64_t iy = oy * p->sh - p->pad_top + t / p->kw * p->dh, ix = ox * p->sw - p->pad_left + t % p->kw * p->dw;
        if (iy < 0 || iy >= p->h || ix < 0 || ix >= p->w) continue;
        int64_t plane = image * p->c + m / mg * cg + c;
        call(q, sums, (plane * p->h + iy) * p->w + ix, (m * cg + c) * taps + t, y);
      }
  }
}

static void add_forward(const problem *q, double *sums, int64_t x, int64_t w, int64_t y) {
  sums[y] += (double)q->x[x] * q->w[w];
}

static void add_backward(const problem *q, double *sums, int64_t x, int64_t w, int64_t y) {
  sums[x] += (double)q->dy[y] * q->w[w];
}

/* As the kernels should give it: y finished and blocked, or dx. */
static float *want_forward(const problem *q) {
  const xk_conv2d *p = &q->p;
  double *sums = calloc((size_t)q->ny, sizeof *sums);
  float *plain = floats(q->ny);
  each_product(q, add_forward, sums);
  for (int64_t i = 0; i < q->ny; i++)
    plain[i] = (float)fmin(fmax(sums[i] + q->bias[i / (p->oh * p->ow) % p->m] + q->add[i], -20), 30);
  float *want = to_blocked(p->n, p->m, p->oh * p->ow, plain);
  free(plain);
  free(sums);
  return want;
}

static float *want_backward(const problem *q) {
  const xk_conv2d *p = &q->p;
  double *sums = calloc((size_t)q->nx, sizeof *sums);
  float *plain = floats(q->nx);
  each_product(q, add_backward, sums);
  for (int64_t i = 0; i < q->nx; i++) plain[i] = (float)sums[i];
  free(sums);
  if (xk_bconv_plain_input(p)) return plain;
  float *want = to_blocked(p->n, p->c, p->h * p->w, plain);
  free(plain);
  return want;
}

/* ---- the kernels ----------------------------------------------------------------------------------------------------- */
/* Packs for the direct algorithm, or for whichever is chosen. */
static void pack(problem *q, bool direct) {
  for (int back = 0; back < 2; back++) {
    free(q->packed[back]);
    q->packed[back] = floats((int64_t)(direct ? xk__bdirect_packed : xk_bconv_packed)(&q->p, back));
    (direct ? xk__bdirect_pack : xk_bconv_pack)(&q->p, back, q->w, NULL, q->packed[back]);
  }
}

static void *workspace(size_t bytes) { return floats((int64_t)(bytes / sizeof(float)) + 1); }

static void direct_forward(const void *q_, float *y) {
  const problem *q = q_;
  void *work = workspace(xk__bdirect_workspace(&q->p, false));
  xk__bdirect_forward(&q->p, input(q), q->packed[0], &q->finish, y, work);
  free(work);
}

static void direct_backward(const void *q_, float *dx) {
  const problem *q = q_;
  void *work = workspace(xk__bdirect_workspace(&q->p, true));
  xk__bdirect_backward_input(&q->p, q->packed[1], q->dy_blocked, &q->back, dx, work);
  free(work);
}

static void chosen_forward(const void *q_, float *y) {
  const problem *q = q_;
  void *work = workspace(xk_bconv_workspace(&q->p, false));
  xk_bconv_forward(&q->p, input(q), q->packed[0], &q->finish, y, work);
  free(work);
}

static void chosen_backward(const void *q_, float *dx) {
  const problem *q = q_;
  void *work = workspace(xk_bconv_workspace(&q->p, true));
  xk_bconv_backward_input(&q->p, q->packed[1], q->dy_blocked, &q->back, dx, work);
  free(work);
}

/* Runs the test with every shape and instruction set. */
static void each_case(void (*test)(const xk_conv2d *p)) {
  FOR_EACH_ISA(for (int i = 0; i < SHAPES; i++) test(&shapes[i]));
}

static void compare_with_definition(const xk_conv2d *p) {
  problem q = make(p, integers);
  pack(&q, true);
  float *y = floats(q.by), *dx = floats(q.bx), *want_y = want_forward(&q), *want_dx = want_backward(&q);
  direct_forward(&q, y);
  assert_equal(q.by, y, want_y);
  direct_backward(&q, dx);
  assert_equal(q.bx, dx, want_dx);
  float *all[] = {y, dx, want_y, want_dx};
  for (size_t i = 0; i < 4; i++) free(all[i]);
  drop(&q);
}

static void direct_sums_are_those_of_the_definition(void **state) {
  (void)state;
  each_case(compare_with_definition);
}

/* Sums of k products of numbers below 1 are of the size sqrt(k) / 3. Plain sums are off by some 2^-24 of that, Winograd's
 * by some twenty. */
static void compare_chosen(const xk_conv2d *p) {
  problem q = make(p, reals);
  pack(&q, false);
  float *y = floats(q.by), *dx = floats(q.bx), *want_y = want_forward(&q), *want_dx = want_backward(&q);
  double taps = (double)(p->kh * p->kw);
  chosen_forward(&q, y);
  assert_close(q.by, y, want_y, 5e-6 * sqrt((double)(p->c / p->groups) * taps));
  chosen_backward(&q, dx);
  assert_close(q.bx, dx, want_dx, 5e-6 * sqrt((double)(p->m / p->groups) * taps));
  float *all[] = {y, dx, want_y, want_dx};
  for (size_t i = 0; i < 4; i++) free(all[i]);
  drop(&q);
}

static void whatever_is_chosen_comes_close_to_the_definition(void **state) {
  (void)state;
  each_case(compare_chosen);
}

/* <dy, conv x> = <conv' dy, x> */
/* Integers: sums are exact in any order. */
static void compare_finished(const xk_conv2d *p) {
  problem q = make(p, integers);
  float *sum = floats(q.bx), *before = integers(q.bx, 8), *got = floats(q.bx), *want = floats(q.bx);
  pack(&q, true);
  if (!xk_bconv_plain_input(p)) {
    direct_backward(&q, sum);
    for (int64_t i = 0; i < q.bx; i++) sum[i] += before[i];
    for (int rule = XK_RELU_PLAIN; rule <= XK_RELU_DECONV; rule++) {
      q.back = (xk_finish){.add = got, .lo = -1, .hi = 3, .gate = q.x_blocked, .rule = (xk_relu_rule)rule};
      memcpy(got, before, (size_t)q.bx * sizeof *got);
      direct_backward(&q, got);
      xk_gate(q.bx, q.back.rule, q.back.lo, q.back.hi, q.x_blocked, sum, want);
      assert_memory_equal(got, want, (size_t)q.bx * sizeof *got);
    }
  }
  free(sum);
  free(before);
  free(got);
  free(want);
  drop(&q);
}

static void gradients_are_finished_as_asked(void **state) {
  (void)state;
  each_case(compare_finished);
}

static void compare_products(const xk_conv2d *p) {
  problem q = make(p, reals);
  pack(&q, false);
  q.finish = (xk_finish){.lo = -INFINITY, .hi = INFINITY};
  float *y = floats(q.by), *dx = floats(q.bx);
  chosen_forward(&q, y);
  chosen_backward(&q, dx);
  double there = inner_product(q.by, q.dy_blocked, y), back = inner_product(q.bx, dx, input(&q));
  assert_true(fabs(there - back) <= 1e-5 * sqrt((double)(q.ny * q.nw / p->m)));
  free(y);
  free(dx);
  drop(&q);
}

static void the_way_back_is_the_adjoint(void **state) {
  (void)state;
  each_case(compare_products);
}

static void compare_threads(const xk_conv2d *p) {
  problem q = make(p, reals);
  pack(&q, true);
  assert_same_bits_for_any_threads(direct_forward, &q, q.by);
  assert_same_bits_for_any_threads(direct_backward, &q, q.bx);
  pack(&q, false);
  assert_same_bits_for_any_threads(chosen_forward, &q, q.by);
  assert_same_bits_for_any_threads(chosen_backward, &q, q.bx);
  drop(&q);
}

static void the_bits_do_not_depend_on_threads(void **state) {
  (void)state;
  each_case(compare_threads);
}

/* The images of a batch one by one */
static void compare_alone(const xk_conv2d *p) {
  problem q = make(p, reals), one = q;
  pack(&q, false);
  float *y = floats(q.by), *dx = floats(q.bx), *alone = floats(xk__max(q.by, q.bx));
  chosen_forward(&q, y);
  chosen_backward(&q, dx);
  one.p.n = 1;
  one.packed[0] = q.packed[0];
  one.packed[1] = q.packed[1];
  for (int64_t i = 0; i < p->n; i++) {
    int64_t nx = q.bx / p->n, ny = q.by / p->n;
    one.x = q.x + i * (q.nx / p->n);
    one.x_blocked = xk_bconv_plain_input(p) ? q.x_blocked : q.x_blocked + i * nx;
    one.finish.add = q.add_blocked + i * ny;
    one.dy_blocked = q.dy_blocked + i * ny;
    chosen_forward(&one, alone);
    assert_memory_equal(alone, y + i * ny, (size_t)ny * sizeof(float));
    chosen_backward(&one, alone);
    assert_memory_equal(alone, dx + i * nx, (size_t)nx * sizeof(float));
  }
  float *all[] = {y, dx, alone};
  for (size_t i = 0; i < 3; i++) free(all[i]);
  drop(&q);
}

static void the_bits_of_an_image_do_not_depend_on_its_batch(void **state) {
  (void)state;
  each_case(compare_alone);
}

static void a_scale_multiplies_filters_once_rounded(void **state) {
  (void)state;
  for (int i = 0; i < SHAPES; i++)
    for (int back = 0; back < 2; back++) {
      problem q = make(&shapes[i], reals);
      const xk_conv2d *p = &q.p;
      int64_t count = (int64_t)xk__bdirect_packed(p, back);
      float *scale = reals(p->m, 9), *a = floats(count), *b = floats(count);
      xk__bdirect_pack(p, back, q.w, scale, a);
      for (int64_t k = 0; k < q.nw; k++) q.w[k] *= scale[k / (q.nw / p->m)];
      xk__bdirect_pack(p, back, q.w, NULL, b);
      assert_memory_equal(a, b, (size_t)count * sizeof(float));
      float *all[] = {scale, a, b};
      for (size_t k = 0; k < 3; k++) free(all[k]);
      drop(&q);
    }
}

/* The first layer's filters may stay as they are: their sums are scaled. */
static void sums_over_plain_planes_can_be_scaled(void **state) {
  (void)state;
  for (int i = 0; i < SHAPES; i++) {
    if (!xk_bconv_plain_input(&shapes[i])) continue;
    problem q = make(&shapes[i], reals);
    const xk_conv2d *p = &q.p;
    float *scale = reals(p->m, 9), *lanes = to_blocked(1, p->m, 1, scale), *a = floats(q.by), *b = floats(q.by);
    double apart = 0, length = 0;
    pack(&q, true);
    q.finish.scale = lanes;
    direct_forward(&q, a);
    xk__bdirect_pack(p, false, q.w, scale, q.packed[0]);
    q.finish.scale = NULL;
    direct_forward(&q, b);
    for (int64_t k = 0; k < q.by; k++) {
      apart += ((double)a[k] - b[k]) * ((double)a[k] - b[k]);
      length += (double)b[k] * b[k];
    }
    assert_true(apart <= 1e-12 * length);
    float *all[] = {scale, lanes, a, b};
    for (size_t k = 0; k < 4; k++) free(all[k]);
    drop(&q);
  }
}

/* Other pads, strides and sizes of the same weights, as far as the form says that it does not matter. */
static void equal_forms_make_equal_packings(void **state) {
  (void)state;
  for (int back = 0; back < 2; back++)
    for (int64_t stride = 1; stride <= 4; stride++)
      for (int64_t dilation = 1; dilation <= 2; dilation++) {
        xk_conv2d p = {.n = 1, .c = 20, .h = 16, .w = 16, .m = 36, .groups = 1, .kh = 3, .kw = 3, .sh = stride,
                       .sw = stride, .dh = dilation, .dw = dilation};
        p.oh = p.ow = (16 - 2 * dilation - 1) / stride + 1;
        xk_conv2d other = p;
        other.h = other.w = 19;
        other.pad_top = other.pad_left = 1;
        other.oh = other.ow = (21 - 2 * dilation - 1) / stride + 1;
        problem q = make(&p, reals);
        int64_t count = (int64_t)xk__bdirect_packed(&p, back);
        assert_int_equal(xk__bdirect_form(&p, back), xk__bdirect_form(&other, back));
        assert_int_equal(count, xk__bdirect_packed(&other, back));
        float *a = floats(count), *b = floats(count);
        xk__bdirect_pack(&p, back, q.w, NULL, a);
        xk__bdirect_pack(&other, back, q.w, NULL, b);
        assert_memory_equal(a, b, (size_t)count * sizeof(float));
        free(a);
        free(b);
        drop(&q);
      }
}

/* max(NaN, 0) would be 0 in many a processor; a fault in a network must not look like silence. */
static void pass_nan(void) {
  problem q = make(&shapes[1], integers);
  pack(&q, true);
  q.finish.lo = 0;
  q.x_blocked[3] = NAN; /* pixel 0 of the first image */
  float *y = floats(q.by);
  direct_forward(&q, y);
  for (int64_t i = 0; i < q.by; i++)
    assert_int_equal(isnan(y[i]) != 0, i < q.by / q.p.n && i / XK_LANES % (q.p.oh * q.p.ow) == 0);
  free(y);
  drop(&q);
}

static void nan_passes_a_rectifier(void **state) {
  (void)state;
  FOR_EACH_ISA(pass_nan());
}

static void only_instruction_sets_that_exist_can_be_chosen(void **state) {
  (void)state;
  const char *before = xk_isa_now()->name;
  assert_false(xk_isa_choose("mmx"));
  assert_string_equal(xk_isa_now()->name, before);
  assert_true(xk_isa_choose("portable"));
  assert_string_equal(xk_isa_now()->name, "portable");
  assert_true(xk_isa_choose(NULL));
}

/* Groups must fill whole blocks, or have one channel and one filter. */
static void what_fits_is_known(void **state) {
  (void)state;
  xk_conv2d p = {.n = 1, .c = 64, .m = 64, .groups = 1};
  assert_true(xk_bconv_fits(&p));
  p.groups = 4; /* 16 channels each */
  assert_true(xk_bconv_fits(&p));
  p.groups = 8;
  assert_false(xk_bconv_fits(&p));
  p.groups = 64;
  assert_true(xk_bconv_fits(&p));
  p.m = 128;
  assert_false(xk_bconv_fits(&p));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(direct_sums_are_those_of_the_definition),
      cmocka_unit_test(whatever_is_chosen_comes_close_to_the_definition),
      cmocka_unit_test(gradients_are_finished_as_asked),
      cmocka_unit_test(the_way_back_is_the_adjoint),
      cmocka_unit_test(the_bits_do_not_depend_on_threads),
      cmocka_unit_test(the_bits_of_an_image_do_not_depend_on_its_batch),
      cmocka_unit_test(a_scale_multiplies_filters_once_rounded),
      cmocka_unit_test(sums_over_plain_planes_can_be_scaled),
      cmocka_unit_test(equal_forms_make_equal_packings),
      cmocka_unit_test(nan_passes_a_rectifier),
      cmocka_unit_test(only_instruction_sets_that_exist_can_be_chosen),
      cmocka_unit_test(what_fits_is_known),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
