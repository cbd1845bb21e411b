/* An If becomes the branch that the shapes choose; what cannot be decided at load is refused with the reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "formats/onnx_make.h"

/* A branch "y = op(x)", its inner value and output called 'name'. */
static xai_buf branch(const char *op, const char *name) {
  model m = model_of(13);
  add_node(&m, node(op, "", "x", name));
  add_output(&m, name);
  return m.graph;
}

static void attr_graph(xai_buf *n, const char *name, xai_buf graph) {
  xai_buf a = attr_head(name, 5);
  pb_message(&a, 6, graph);
  pb_message(n, 5, a);
}

static xai_buf if_node(const char *condition, xai_buf then, xai_buf otherwise) {
  xai_buf n = node("If", "choose", condition, "y");
  attr_graph(&n, "then_branch", then);
  attr_graph(&n, "else_branch", otherwise);
  return n;
}

/* x 'shape'; c = (size of axis 'axis' of x) == 2; y = if c then Neg(x) else Abs(x) */
static model choosing(xai_shape shape, int64_t axis, xai_buf then, xai_buf otherwise) {
  model m = model_of(13);
  add_input(&m, "x", shape);
  add_initializer(&m, tensor_raw("axis", T_I64, XAI_SHAPE(1), &axis, sizeof axis));
  add_initializer(&m, tensor_raw("two", T_I64, XAI_SHAPE(1), (int64_t[]){2}, sizeof(int64_t)));
  add_node(&m, node("Shape", "", "x", "shape"));
  add_node(&m, node("Gather", "", "shape axis", "size"));
  add_node(&m, node("Equal", "", "size two", "c"));
  add_node(&m, if_node("c", then, otherwise));
  add_output(&m, "y");
  return m;
}

static void the_shape_chooses_the_branch(void **state) {
  (void)state;
  model m = choosing(XAI_SHAPE(-1, 2), 1, branch("Neg", "a"), branch("Abs", "b"));
  assert_computes(&m, XAI_SHAPE(1, 2), (float[]){1, -2}, XAI_SHAPE(1, 2), (float[]){-1, 2});
  m = choosing(XAI_SHAPE(-1, 3), 1, branch("Neg", "a"), branch("Abs", "b"));
  assert_computes(&m, XAI_SHAPE(1, 3), (float[]){1, -2, 3}, XAI_SHAPE(1, 3), (float[]){1, 2, 3});
}

static void the_branch_not_taken_is_not_looked_at(void **state) {
  (void)state;
  model m = choosing(XAI_SHAPE(1, 2), 1, branch("Neg", "a"), branch("NoSuchOperator", "b"));
  assert_computes(&m, XAI_SHAPE(1, 2), (float[]){1, -2}, XAI_SHAPE(1, 2), (float[]){-1, 2});
}

/* 'depth' Ifs, one in the then-branch of the other, around a Neg. The names of an inner one follow its depth. */
static xai_buf nested(int depth) {
  char name[16];
  snprintf(name, sizeof name, "n%d", depth);
  if (depth == 0) return branch("Neg", name);
  model m = model_of(13);
  xai_buf n = node("If", "", "c", name);
  attr_graph(&n, "then_branch", nested(depth - 1));
  attr_graph(&n, "else_branch", branch("Abs", "other"));
  add_node(&m, n);
  add_output(&m, name);
  return m.graph;
}

static void branches_nest_up_to_a_limit(void **state) {
  (void)state;
  model m = choosing(XAI_SHAPE(1, 2), 1, nested(3), branch("Abs", "b"));
  assert_computes(&m, XAI_SHAPE(1, 2), (float[]){1, -2}, XAI_SHAPE(1, 2), (float[]){-1, 2});
  m = choosing(XAI_SHAPE(1, 2), 1, nested(16), branch("Abs", "b"));
  assert_refused(&m, XAI_EUNSUPPORTED, "nested more than 16 deep");
}

static void a_condition_must_be_known(void **state) {
  (void)state;
  model m = choosing(XAI_SHAPE(-1, 2), 0, branch("Neg", "a"), branch("Abs", "b"));
  assert_refused(&m, XAI_EUNSUPPORTED,
                 "must be known when the network is loaded: 'c' depends on the size of the batch");
  m = choosing(XAI_SHAPE(1, -1), 1, branch("Neg", "a"), branch("Abs", "b"));
  assert_refused(&m, XAI_EUNSUPPORTED, "'c' depends on a size that the file leaves open");
  m = model_of(13);
  add_input(&m, "x", XAI_SHAPE(1));
  add_node(&m, node("Greater", "", "x x", "c"));
  add_node(&m, if_node("c", branch("Neg", "a"), branch("Abs", "b")));
  add_output(&m, "y");
  assert_refused(&m, XAI_EUNSUPPORTED, "'c' depends on the input's elements");
}

static void what_is_no_if_is_refused(void **state) {
  (void)state;
  model m = choosing(XAI_SHAPE(1, 2), 1, branch("Neg", "a"), branch("Abs", "b"));
  add_node(&m, node("If", "other", "c", "z"));
  assert_refused(&m, XAI_EFORMAT, "an If has a condition and two branches");
  model empty = model_of(13);
  add_node(&empty, node("Neg", "", "x", "a"));
  m = choosing(XAI_SHAPE(1, 2), 1, empty.graph, branch("Abs", "b"));
  assert_refused(&m, XAI_EFORMAT, "a branch with 0 outputs (expected 1)");
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  xai_status st = XAI_ENOMEM;
  model m = choosing(XAI_SHAPE(-1, 2), 1, branch("Neg", "a"), branch("Abs", "b"));
  xai_buf bytes = model_bytes(&m);
  size_t before = xai_mem_live();
  for (int k = 0; st != XAI_OK; k++) {
    xai_net *net = NULL;
    xai_err err;
    assert_true(k < 2000);
    xai_mem_fail_after(k, false);
    st = load_bytes(bytes.data, bytes.size, &net, &err);
    xai_mem_fail_after(-1, false);
    if (st != XAI_OK) assert_int_equal(st, XAI_ENOMEM);
    xai_net_free(net);
    assert_int_equal(xai_mem_live(), before);
  }
  xai_buf_free(&bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_shape_chooses_the_branch),
      cmocka_unit_test(the_branch_not_taken_is_not_looked_at),
      cmocka_unit_test(branches_nest_up_to_a_limit),
      cmocka_unit_test(a_condition_must_be_known),
      cmocka_unit_test(what_is_no_if_is_refused),
      cmocka_unit_test(every_failing_allocation_is_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
