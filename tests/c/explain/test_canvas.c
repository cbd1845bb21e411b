/* The picture in the making: units, movements, blur, lengths of steps. */
#include <math.h>
#include <string.h>

#include "explain/canvas.h"
#include "graph/tiny.h"

/* A network of three channels that were scaled: x = (byte/2 - mean) / std, so a grey level is 1/2/std in x. */
static xai_net *scaled_net(void) {
  xai_net *net = tiny_net(), *view = NULL;
  xai_preprocess p = {.name = "custom", .scale = 0.5f, .mean = {10, 20, 30}, .std = {1, 2, 4}};
  must(xai_net_set_preprocess(net, &p, &view, err));
  xai_net_free(net);
  return view;
}

static const float numbers[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static xai_view three_planes(void) { return (xai_view){XAI_F32, XAI_SHAPE(1, 3, 2, 2), (void *)(uintptr_t)numbers}; }

static void values_are_units_times_grey_levels(void **state) {
  (void)state;
  xai_net *net = scaled_net();
  xai_view x = three_planes();
  xai_canvas v;
  xai_tensor *t = NULL;
  must(xai_canvas__open(net, &x, 0, &v, err));
  must(xai_canvas__start(&v, XAI_START_PICTURE, &x, 0, 0, err));
  for (int i = 0; i < 12; i++) assert_true(v.z[i] == numbers[i] * (float)(2 << i / 4)); /* 2 std */
  must(xai_canvas__values(&v, &t, err));
  assert_floats(xai_tensor_view(t), numbers, 12, 0);
  xai_canvas__take(&v, numbers, 0, 0);
  for (int i = 0; i < 12; i++) assert_true(v.g[i] == numbers[i] / (float)(2 << i / 4));
  /* byte = z + mean/scale: 20, 40, 60 are the mean colour */
  v.z[0] = -21, v.z[1] = 236, v.z[4] = -39, v.z[8] = 196;
  xai_canvas__clip(&v);
  assert_true(v.z[0] == -20 && v.z[1] == 235 && v.z[4] == -39 && v.z[8] == 195);
  xai_tensor_free(t);
  xai_canvas__close(&v);
  xai_net_free(net);
}

/* 1 2 3 / 4 5 6 moved one down and one to the right is 6 4 5 / 3 1 2; gradients go the way back. */
static void what_is_moved_comes_back(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_view x = {XAI_F32, XAI_SHAPE(1, 1, 2, 3), (void *)(uintptr_t)numbers};
  xai_canvas v;
  must(xai_canvas__open(net, &x, 0, &v, err));
  must(xai_canvas__start(&v, XAI_START_PICTURE, &x, 0, 0, err));
  xai_canvas__show(&v, 1, 1);
  assert_memory_equal(v.x, ((const float[]){6, 4, 5, 3, 1, 2}), 6 * sizeof(float));
  float moved[6];
  memcpy(moved, v.x, sizeof moved);
  xai_canvas__take(&v, moved, 1, 1);
  assert_memory_equal(v.g, numbers, 6 * sizeof(float));
  for (int64_t down = -5; down <= 5; down++) {
    xai_canvas__show(&v, down, -2 * down);
    memcpy(moved, v.x, sizeof moved);
    xai_canvas__take(&v, moved, down, -2 * down);
    assert_memory_equal(v.g, numbers, 6 * sizeof(float));
  }
  xai_canvas__close(&v);
  xai_net_free(net);
}

static void starts(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  static float zeros[64 * 64];
  xai_view x = {XAI_F32, XAI_SHAPE(1, 1, 64, 64), zeros}, other = tiny_input();
  xai_canvas v, w;
  xai_err err;
  must(xai_canvas__open(net, &x, 0, &v, err));
  must(xai_canvas__open(net, &x, 0, &w, err));
  must(xai_canvas__start(&v, XAI_START_NOISE, NULL, 10, 4, err));
  must(xai_canvas__start(&w, XAI_START_NOISE, NULL, 10, 4, err));
  assert_memory_equal(v.z, w.z, sizeof zeros);
  double mean = 0, square = 0;
  for (int i = 0; i < 64 * 64; i++) mean += v.z[i] / 4096, square += v.z[i] * v.z[i] / 4096;
  assert_true(fabs(mean) < 5 * 10 / 64.0 && fabs(square - 100) < 5 * 100 * sqrt(2 / 4096.0)); /* five deviations */
  must(xai_canvas__start(&w, XAI_START_NOISE, NULL, 10, 5, err));
  assert_memory_not_equal(v.z, w.z, sizeof zeros);
  must(xai_canvas__start(&w, XAI_START_ZEROS, NULL, 10, 5, err));
  assert_memory_equal(w.z, zeros, sizeof zeros);
  assert_int_equal(xai_canvas__start(&w, XAI_START_PICTURE, &other, 0, 0, &err), XAI_ESHAPE);
  assert_string_equal(err.text, "init: expected float32 1x1x64x64, got float32 1x1x2x2");
  xai_canvas__close(&v);
  xai_canvas__close(&w);
  xai_net_free(net);
}

/* Nothing beyond the border: a flat picture stays flat, up to the corners; a point keeps its mass within. */
static void a_blur_leaves_a_flat_picture_flat(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  float ones[20 * 15];
  for (int i = 0; i < 300; i++) ones[i] = 3;
  xai_view x = {XAI_F32, XAI_SHAPE(1, 1, 20, 15), ones};
  xai_canvas v;
  must(xai_canvas__open(net, &x, 0, &v, err));
  must(xai_canvas__start(&v, XAI_START_PICTURE, &x, 0, 0, err));
  must(xai_canvas__blur(&v, 1.5, err));
  for (int i = 0; i < 300; i++) assert_true(fabs(v.z[i] - 3) < 1e-5);
  memset(v.z, 0, sizeof ones);
  v.z[10 * 15 + 7] = 1;
  must(xai_canvas__blur(&v, 1, err));
  double across = v.z[10 * 15 + 8] / v.z[10 * 15 + 7], corner = v.z[11 * 15 + 8] / v.z[10 * 15 + 7];
  assert_true(fabs(across - exp(-0.5)) < 1e-6 && fabs(corner - exp(-1)) < 1e-6);
  xai_stop_request();
  xai_err err;
  float before[300];
  memcpy(before, v.z, sizeof before);
  assert_int_equal(xai_canvas__blur(&v, 1, &err), XAI_ESTOP);
  xai_stop_clear();
  assert_memory_equal(before, v.z, sizeof before);
  xai_canvas__close(&v);
  xai_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_units_times_grey_levels),
      cmocka_unit_test(what_is_moved_comes_back),
      cmocka_unit_test(starts),
      cmocka_unit_test(a_blur_leaves_a_flat_picture_flat),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
