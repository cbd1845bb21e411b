/* Layers and classes are found by what people call them. */
#include <string.h>

#include "tiny.h"

static void found(const xai_net *net, const char *name, int want) {
  int layer = -9;
  xai_err err = {""};
  if (xai_net_find_layer(net, name, &layer, &err) != XAI_OK) fail_msg("'%s': %s", name, err.text);
  if (layer != want) fail_msg("'%s': expected layer %d, got %d", name, want, layer);
}

static void layers_answer_to_file_names_outputs_and_module_paths(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  found(net, "/block/block.0/conv/Conv", 0);
  found(net, "conv_1", 0);
  found(net, "conv_2", 1);
  found(net, "conv", 0);           /* the first node of the stem conv_1, conv_2 */
  found(net, "block.0.conv", 0);   /* PyTorch's module path */
  found(net, "block/0/conv", 0);
  found(net, "block.0", 1);        /* the last node inside the module */
  found(net, "block", 1);
  found(net, "pool", 2);
  found(net, "fc", 4);
  found(net, "scores", 4);
  found(net, "logits", 4);
  found(net, "output", 5);
  found(net, "input", XAI_LAYER_INPUT);
  found(net, "data", XAI_LAYER_INPUT);
  xai_net_free(net);
}

static void a_near_miss_is_answered_with_the_right_name(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  int layer;
  xai_err err;
  assert_int_equal(xai_net_find_layer(net, "pol_1", &layer, &err), XAI_ENOTFOUND);
  assert_string_equal(err.text, "no layer 'pol_1'; did you mean 'pool_1'?");
  assert_int_equal(xai_net_find_layer(net, "", &layer, &err), XAI_ENOTFOUND);
  xai_net_free(net);
}

static void classes_are_found_by_label_and_part_of_it(void **state) {
  (void)state;
  xai_net *bare = tiny_net(), *net = NULL;
  const char *labels[] = {"tabby, tabby cat", "Boxer"};
  int id;
  xai_err err;
  assert_int_equal(xai_net_find_class(bare, "boxer", &id, &err), XAI_ENOTFOUND);
  assert_non_null(strstr(err.text, "no labels"));
  must(xai_net_set_labels(bare, labels, 2, &net, err));
  must(xai_net_find_class(net, "tabby cat", &id, err));
  assert_int_equal(id, 0);
  must(xai_net_find_class(net, "boxer", &id, err));
  assert_int_equal(id, 1);
  assert_int_equal(xai_net_find_class(net, "boxr", &id, &err), XAI_ENOTFOUND);
  assert_string_equal(err.text, "no class 'boxr'; did you mean 'Boxer'?");
  assert_string_equal(xai_net_label(net, 1), "Boxer");
  assert_null(xai_net_label(net, 2));
  assert_int_equal(xai_net_set_labels(bare, labels, 1, &net, &err), XAI_ESHAPE);
  xai_net_free(net);
  xai_net_free(bare);
}

static void the_default_layer_is_the_last_map_before_pooling(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_view x = tiny_input();
  int layer;
  must(xai_net_default_layer(net, &x.shape, &layer, err));
  assert_int_equal(layer, 1);
  xai_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(layers_answer_to_file_names_outputs_and_module_paths),
      cmocka_unit_test(a_near_miss_is_answered_with_the_right_name),
      cmocka_unit_test(classes_are_found_by_label_and_part_of_it),
      cmocka_unit_test(the_default_layer_is_the_last_map_before_pooling),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
