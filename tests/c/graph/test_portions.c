/* Batches in portions: what may be taken apart, and that it comes to the same. A portion has at most 16 pictures. */
#include <math.h>

#include "graph/net.h"
#include "tiny.h"

enum { PICTURES = 20, SIZE = 4 };

/* Picture i is the one of tiny.h times i. */
static xai_view pictures(float v[PICTURES * SIZE]) {
  for (int i = 0; i < PICTURES * SIZE; i++) v[i] = tiny_x[i % SIZE] * (float)(i / SIZE);
  return (xai_view){XAI_F32, XAI_SHAPE(PICTURES, 1, 2, 2), v};
}

static int64_t portion(xai_net *net) {
  float v[PICTURES * SIZE];
  xai_view x = pictures(v);
  int64_t n = 0;
  must(xai_net__portion(net, &x, XAI_LAYER_OUTPUT, &n, err));
  return n;
}

static void each_picture_has_the_result_that_it_has_alone(void **state) {
  (void)state;
  float v[PICTURES * SIZE];
  xai_net *net = tiny_net();
  xai_view x = pictures(v);
  xai_tensor *z = NULL;
  assert_int_equal(portion(net), 16);
  must(xai_net_logits(net, &x, &z, err));
  assert_int_equal(xai_tensor_view(z)->shape.dims[0], PICTURES);
  const float *got = xai_tensor_floats(z);
  /* as in tiny.h, k times: r0 = k [1 0; 2 .25], r1 = max(1 - 2 k x, 0) = [|1 - 2k| for k = 0; 1 + 2k; 0; 1 - k / 2 up to 2] */
  for (int k = 0; k < PICTURES; k++) {
    double m0 = 3.25 * k / 4, m1 = ((k == 0 ? 1 : 0) + 1 + 2 * k + (k == 0 ? 1 : 0) + fmax(1 - 0.5 * k, 0)) / 4;
    assert_true(fabs(got[2 * k] - (m0 + 2 * m1 + 0.5)) < 1e-5);
    assert_true(fabs(got[2 * k + 1] - (m1 - m0)) < 1e-5);
  }
  xai_tensor_free(z);
  xai_net_free(net);
}

/* data -> one operator -> y */
static xai_net *net_of(xai_op op, const xai_attrs *attrs, const char *second) {
  xai_builder *b = NULL;
  xai_net *net = NULL;
  static const float rows[PICTURES * 2 * 2] = {1};
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "data", XAI_F32, XAI_SHAPE(-1, 1, 2, 2), err));
  tiny_constant(b, "one", XAI_SHAPE(1), (const float[]){2});
  tiny_constant(b, "rows", XAI_SHAPE(PICTURES, 1, 2, 2), rows);
  for (int k = 0; k < 2; k++) {
    static const int64_t shapes[][2] = {{0, -1}, {-1, 2}};
    static const char *const names[] = {"0 -1", "-1 2"};
    xai_tensor *t = NULL;
    must(xai_tensor_copy(&(xai_view){XAI_I64, XAI_SHAPE(2), (void *)(uintptr_t)shapes[k]}, &t, err));
    must(xai_builder_constant(b, names[k], t, err));
    xai_tensor_free(t);
  }
  must(xai_builder_node(b, "op", op, attrs, second != NULL ? 2 : 1, (const char *[]){"data", second}, 1, (const char *[]){"y"}, err));
  must(xai_builder_output(b, "y", err));
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  return net;
}

static void portion_is(int64_t want, xai_op op, const xai_attrs *attrs, const char *second) {
  xai_net *net = net_of(op, attrs, second);
  if (portion(net) != want) fail_msg("%s with %s: a portion of %lld", xai_op_get(op)->name, second != NULL ? second : "nothing", (long long)portion(net));
  xai_net_free(net);
}

static void pictures_that_meet_stay_together(void **state) {
  (void)state;
  xai_attrs a;
  xai_attrs_default(XAI_OP_SOFTMAX, &a);
  for (a.axis.axis = -3; a.axis.axis < 4; a.axis.axis++)
    portion_is(a.axis.axis == 0 ? PICTURES : 16, XAI_OP_SOFTMAX, &a, NULL);
  a.axis.axis = -4;
  portion_is(PICTURES, XAI_OP_SOFTMAX, &a, NULL);
  xai_attrs_default(XAI_OP_CONCAT, &a);
  a.axis.axis = 0;
  portion_is(PICTURES, XAI_OP_CONCAT, &a, "data");
  a.axis.axis = 2;
  portion_is(16, XAI_OP_CONCAT, &a, "data");
  a.transpose.perm = (xai_ints){4, {2, 1, 0, 3}};
  portion_is(PICTURES, XAI_OP_TRANSPOSE, &a, NULL);
  a.transpose.perm = (xai_ints){4, {0, 3, 2, 1}};
  portion_is(16, XAI_OP_TRANSPOSE, &a, NULL);
  portion_is(16, XAI_OP_ADD, NULL, "one");
  portion_is(PICTURES, XAI_OP_ADD, NULL, "rows"); /* a row for every picture */
  portion_is(16, XAI_OP_RESHAPE, NULL, "0 -1");
  portion_is(PICTURES, XAI_OP_RESHAPE, NULL, "-1 2"); /* rows are no pictures */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_picture_has_the_result_that_it_has_alone),
      cmocka_unit_test(pictures_that_meet_stay_together),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
