/* Pictures to inputs and back. */
#include <string.h>

#include "graph/net.h"
#include "tiny.h"

/* relu on 1 x c x h x w */
static xai_net *identity_net(int64_t c, int64_t h, int64_t w, const char *preset) {
  xai_builder *b = NULL;
  xai_net *bare = NULL, *net = NULL;
  must(xai_builder_new(&b, err));
  must(xai_builder_input(b, "x", XAI_F32, XAI_SHAPE(1, c, h, w), err));
  must(xai_builder_node(b, "r", XAI_OP_RELU, NULL, 1, (const char *[]){"x"}, 1, (const char *[]){"y"}, err));
  must(xai_builder_output(b, "y", err));
  must(xai_builder_freeze(b, &bare, err));
  xai_builder_free(b);
  xai_preprocess p;
  must(xai_preprocess_preset(preset, &p, err));
  must(xai_net_set_preprocess(bare, &p, &net, err));
  xai_net_free(bare);
  return net;
}

static xai_image *picture(int w, int h) {
  xai_image *img = NULL;
  must(xai_image_new(w, h, &img, err));
  for (int i = 0; i < w * h * 3; i++) img->rgb[i] = (uint8_t)(37 * i % 251);
  return img;
}

static void caffe_swaps_channels_and_subtracts_means(void **state) {
  (void)state;
  xai_net *net = identity_net(3, 1, 2, "caffe");
  xai_image *img = NULL;
  xai_tensor *x = NULL;
  must(xai_image_new(2, 1, &img, err));
  memcpy(img->rgb, (uint8_t[]){10, 20, 30, 200, 100, 50}, 6);
  must(xai_net_prepare(net, img, &x, err));
  assert_floats(xai_tensor_view(x), (const float[]){30 - 104, 50 - 104, 20 - 117, 100 - 117, 10 - 123, 200 - 123}, 6, 0);
  xai_tensor_free(x);
  xai_image_free(img);
  xai_net_free(net);
}

/* What one pixel becomes for a network of 'channels'. */
static void pixel_becomes(const char *preset, int channels, const uint8_t rgb[3], const float *want, double tolerance) {
  xai_net *net = identity_net(channels, 1, 1, preset);
  xai_image *img = NULL;
  xai_tensor *x = NULL;
  must(xai_image_new(1, 1, &img, err));
  memcpy(img->rgb, rgb, 3);
  must(xai_net_prepare(net, img, &x, err));
  assert_floats(xai_tensor_view(x), want, channels, tolerance);
  xai_tensor_free(x);
  xai_image_free(img);
  xai_net_free(net);
}

static void imagenet_scales_by_mean_and_deviation(void **state) {
  (void)state;
  /* (1 - .485)/.229, -.456/.224, (.2 - .406)/.225 */
  pixel_becomes("imagenet", 3, (uint8_t[]){255, 0, 51}, (float[]){2.2489083f, -2.0357143f, -0.9155556f}, 1e-5);
}

static void a_one_channel_net_gets_the_luminance(void **state) {
  (void)state;
  pixel_becomes("none", 1, (uint8_t[]){100, 200, 50}, (float[]){29.9f + 117.4f + 5.7f}, 1e-4);
}

static void tf_is_from_minus_one_to_one(void **state) {
  (void)state;
  pixel_becomes("tf", 3, (uint8_t[]){0, 255, 51}, (float[]){-1, 1, -0.6f}, 1e-6);
}

static void unprepare_gives_the_picture_back(void **state) {
  (void)state;
  const char *presets[] = {"imagenet", "caffe", "tf", "cifar10", "none"};
  for (int i = 0; i < 5; i++) {
    xai_net *net = identity_net(3, 5, 7, presets[i]);
    xai_image *img = picture(7, 5), *back = NULL;
    xai_tensor *x = NULL;
    must(xai_net_prepare(net, img, &x, err));
    must(xai_net_unprepare(net, xai_tensor_view(x), &back, err));
    assert_int_equal(back->width, 7);
    assert_int_equal(back->height, 5);
    assert_memory_equal(back->rgb, img->rgb, 7 * 5 * 3);
    xai_image_free(back);
    xai_image_free(img);
    xai_tensor_free(x);
    xai_net_free(net);
  }
}

/* 320 x 160 for a net of 28 x 28: shorter side to 32, then the middle 28 x 28: a constant picture stays constant */
static void other_sizes_are_resized_and_cropped(void **state) {
  (void)state;
  xai_net *net = identity_net(3, 28, 28, "imagenet");
  xai_image *img = NULL;
  xai_tensor *x = NULL;
  must(xai_image_new(320, 160, &img, err));
  for (int i = 0; i < 320 * 160; i++) /* left half black, right half white: the edge ends up in the middle */
    memset(img->rgb + 3 * i, i % 320 < 160 ? 0 : 255, 3);
  must(xai_net_prepare(net, img, &x, err));
  const float *v = xai_tensor_floats(x), black = -0.485f / 0.229f, white = 0.515f / 0.229f;
  for (int row = 0; row < 28; row++) {
    assert_true(v[row * 28 + 3] > black - 1e-5f && v[row * 28 + 3] < black + 1e-5f);
    assert_true(v[row * 28 + 24] > white - 1e-5f && v[row * 28 + 24] < white + 1e-5f);
    assert_true(v[row * 28 + 13] < v[row * 28 + 14]);
  }
  xai_tensor_free(x);
  xai_image_free(img);
  xai_net_free(net);
}

static void nonsense_is_refused(void **state) {
  (void)state;
  xai_preprocess p;
  xai_err err;
  assert_int_equal(xai_preprocess_preset("imagnet", &p, &err), XAI_ENOTFOUND);
  assert_string_equal(err.text, "no preprocessing 'imagnet' (imagenet, caffe, tf, cifar10, none); did you mean 'imagenet'?");
  xai_net *net = identity_net(3, 2, 2, "none"), *view = NULL;
  must(xai_preprocess_preset("none", &p, err));
  p.std[1] = 0;
  assert_int_equal(xai_net_set_preprocess(net, &p, &view, &err), XAI_EARG);
  assert_string_equal(err.text, "preprocess: std must be above 0 and mean finite in channel 2");
  xai_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(caffe_swaps_channels_and_subtracts_means),
      cmocka_unit_test(imagenet_scales_by_mean_and_deviation),
      cmocka_unit_test(a_one_channel_net_gets_the_luminance),
      cmocka_unit_test(tf_is_from_minus_one_to_one),
      cmocka_unit_test(unprepare_gives_the_picture_back),
      cmocka_unit_test(other_sizes_are_resized_and_cropped),
      cmocka_unit_test(nonsense_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
