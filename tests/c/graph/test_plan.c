/* Arrays that share memory are never alive together; everything asked for survives. */
#include <stdio.h>
#include <string.h>

#include "graph/plan.h"
#include "tiny.h"

/* A chain of 'n' tanh layers on 1 x 1 x 2 x 2. */
static xai_net *chain(int n) {
  xai_builder *b = NULL;
  xai_net *net = NULL;
  char from[16] = "x", to[16];
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "x", XAI_F32, XAI_SHAPE(-1, 1, 2, 2), err));
  for (int i = 0; i < n; i++) {
    snprintf(to, sizeof to, "t%d", i);
    must(xai_builder_node(b, "", XAI_OP_TANH, NULL, 1, (const char *[]){from}, 1, (const char *[]){to}, err));
    strcpy(from, to);
  }
  must(xai_builder_output(b, to, err));
  must(xai_builder_freeze(b, &net, err));
  xai_builder_free(b);
  return net;
}

static xai_run *opened(xai_net *net, const xai_request *request) {
  xai_run *run = NULL;
  xai_shape x = XAI_SHAPE(1, 1, 2, 2);
  must(xai_run_open(net, &x, request, &run, err));
  return run;
}

static void no_two_living_buffers_overlap(void **state) {
  (void)state;
  xai_net *nets[] = {tiny_net(), chain(12)};
  for (int k = 0; k < 2; k++) {
    int out = XAI_LAYER_OUTPUT, input = XAI_LAYER_INPUT;
    xai_run *run = opened(nets[k], &(xai_request){.keep = &out, .n_keep = 1, .seeds = &out, .n_seeds = 1, .wants = &input, .n_wants = 1, .weights = true});
    for (int i = 0; i < run->n_buffers; i++)
      for (int j = 0; j < i; j++) {
        const plan_buffer *a = &run->buffers[i], *b = &run->buffers[j];
        if (a->whole >= 0 || b->whole >= 0) continue; /* parts of others */
        bool together = a->first <= b->last && b->first <= a->last;
        bool overlap = a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
        assert_false(together && overlap);
        assert_true(a->offset + a->bytes <= run->arena_bytes);
      }
    xai_run_close(run);
    xai_net_free(nets[k]);
  }
}

/* A forward chain needs two arrays at a time, whatever its length; each takes one cache line here. */
static void a_chain_runs_in_two_arrays(void **state) {
  (void)state;
  xai_net *net = chain(20);
  int out = XAI_LAYER_OUTPUT;
  xai_run *run = opened(net, &(xai_request){.keep = &out, .n_keep = 1});
  assert_int_equal(run->arena_bytes, 2 * XAI_ALIGN);
  assert_int_equal(xai_arena__most_alive(run), 2 * XAI_ALIGN);
  xai_run_close(run);
  /* tanh's derivative reads its output: with a backward pass all 20 live, and two gradients */
  int input = XAI_LAYER_INPUT;
  run = opened(net, &(xai_request){.seeds = &out, .n_seeds = 1, .wants = &input, .n_wants = 1});
  assert_true(run->arena_bytes >= 20 * XAI_ALIGN && run->arena_bytes <= 23 * XAI_ALIGN);
  xai_run_close(run);
  xai_net_free(net);
}

static void nothing_beyond_the_question_is_planned(void **state) {
  (void)state;
  xai_net *net = chain(20);
  int fifth = 4, tenth = 9;
  xai_run *run = opened(net, &(xai_request){.keep = &fifth, .n_keep = 1});
  assert_int_equal(run->n_forward, 5);
  assert_int_equal(run->n_backward, 0);
  xai_run_close(run);
  run = opened(net, &(xai_request){.seeds = &tenth, .n_seeds = 1, .wants = &fifth, .n_wants = 1});
  assert_int_equal(run->n_forward, 10);
  assert_int_equal(run->n_backward, 5); /* layers 10 to 6: from the seed down to the gradient of layer 5 */
  xai_run_close(run);
  xai_net_free(net);
}

static void an_unreached_want_has_no_gradient(void **state) {
  (void)state;
  xai_net *net = chain(4);
  int second = 1, fourth = 3;
  xai_run *run = opened(net, &(xai_request){.seeds = &second, .n_seeds = 1, .wants = &fourth, .n_wants = 1});
  assert_null(xai_run_grad(run, fourth));
  xai_run_close(run);
  xai_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_two_living_buffers_overlap),
      cmocka_unit_test(a_chain_runs_in_two_arrays),
      cmocka_unit_test(nothing_beyond_the_question_is_planned),
      cmocka_unit_test(an_unreached_want_has_no_gradient),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
