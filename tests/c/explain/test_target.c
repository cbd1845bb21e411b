/* What a target's text means, and what it does in a pass. */
#include <string.h>

#include "explain/probe.h"
#include "graph/tiny.h"

static xai_net *labelled(void) {
  xai_net *bare = tiny_net(), *net = NULL;
  must(xai_net_set_labels(bare, (const char *[]){"tiger cat", "boxer"}, 2, &net, err));
  xai_net_free(bare);
  return net;
}

static void means(const xai_net *net, const char *text, const char *want) {
  xai_target t = {0};
  char got[96];
  must(xai_target_add(net, text, 1, &t, err));
  xai_target_text(net, &t, got, sizeof got);
  assert_string_equal(got, want);
}

static void text_names_classes_and_units(void **state) {
  (void)state;
  xai_net *net = labelled();
  means(net, "1", "1");
  means(net, "boxer", "1");
  means(net, "conv_2:2", "/block/block.0/Relu:2");
  means(net, "block.0:2:1:2", "/block/block.0/Relu:2:1:2");
  xai_net_free(net);
}

static void refused(const xai_net *net, const char *text, const char *want) {
  xai_target t = {0};
  xai_err err = {""};
  assert_int_not_equal(xai_target_add(net, text, 1, &t, &err), XAI_OK);
  assert_string_equal(err.text, want);
}

static void what_does_not_exist_is_refused_with_a_hint(void **state) {
  (void)state;
  xai_net *net = labelled();
  refused(net, "2", "no class 2 (the network's classes are 0 to 1)");
  refused(net, "tiger", "no class 'tiger'; did you mean 'tiger cat'?");
  refused(net, "conv_2:0", "target 'conv_2:0': positions count from 1");
  refused(net, "conv_2:1:1", "target 'conv_2:1:1': expected layer:channel or layer:channel:row:col");
  refused(net, "cnv_2:1", "no layer 'cnv_2'; did you mean 'conv_2'?");
  xai_net_free(net);
}

/* relu maps: r0 = [1 0; 2 .25], r1 = [0 3; 0 .5] */
static void units_resolve_to_the_strongest(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_view x = tiny_input();
  const char *text[] = {"conv_2", "conv_2:1", "conv_2:1:2:2"};
  const double score[] = {3, 2, .25};
  const char *name[] = {"/block/block.0/Relu:2:1:2", "/block/block.0/Relu:1:2:1", "/block/block.0/Relu:1:2:2"};
  for (int i = 0; i < 3; i++) {
    xai_explain_opts opts = {.layer = XAI_LAYER_NONE};
    must(xai_target_add_unit(net, text[i], &opts.target, err));
    xai_probe p;
    char got[96];
    must(xai_probe_run(net, &x, &opts, NULL, 0, NULL, 0, XAI_RELU_PLAIN, &p, err));
    assert_true(p.score == score[i]);
    xai_target_text(net, &p.target, got, sizeof got);
    assert_string_equal(got, name[i]);
    xai_probe_close(&p);
  }
  xai_net_free(net);
}

/* the score's seed must be its derivative: mean of r1 (0.875) plus 2 * z1 (0.0625) */
static void score_and_seed_agree(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_view x = tiny_input();
  xai_explain_opts opts = {.layer = XAI_LAYER_NONE};
  int relu = 1;
  must(xai_target_add(net, "conv_2:2", 1, &opts.target, err));
  must(xai_target_add(net, "1", 2, &opts.target, err));
  xai_probe p;
  const xai_view *g;
  must(xai_probe_run(net, &x, &opts, NULL, 0, &relu, 1, XAI_RELU_PLAIN, &p, err));
  assert_true(p.score > 0.9999 && p.score < 1.0001);
  must(xai_probe_grad(&p, relu, &g, err));
  /* map 0: 2 * -0.25; map 1: 0.25 + 2 * 0.25 */
  assert_floats(g, (const float[]){-.5f, -.5f, -.5f, -.5f, .75f, .75f, .75f, .75f}, 8, 1e-6);
  xai_probe_close(&p);
  xai_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_names_classes_and_units),
      cmocka_unit_test(what_does_not_exist_is_refused_with_a_hint),
      cmocka_unit_test(units_resolve_to_the_strongest),
      cmocka_unit_test(score_and_seed_agree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
