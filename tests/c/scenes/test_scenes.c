/* Scenes as a whole: reproducible, balanced, and what they say about themselves is so. */
#include "scratch.h"

#include <math.h>

#include "kernels/kernels.h"
#include "xai/scenes.h"

static xai_scenes *open_set(xai_scenes_opts opts) {
  xai_scenes *set = NULL;
  xai_err err = {""};
  if (xai_scenes_open(&opts, &set, &err) != XAI_OK) fail_msg("%s", err.text);
  return set;
}

static void draw(const xai_scenes *set, uint64_t i, xai_scene *scene, xai_image **image, xai_tensor **owners) {
  xai_err err = {""};
  if (xai_scene_draw(set, i, scene, image, owners, &err) != XAI_OK) fail_msg("%s", err.text);
}

static const uint8_t *bytes_of(const xai_tensor *owners) { return xai_tensor_view(owners)->data; }

/* Scene 7 first, or after scene 3, or from a set of its own. */
static void a_scene_depends_on_seed_and_number_only(void **state) {
  (void)state;
  xai_scenes_opts opts = xai_scenes_defaults();
  opts.seed = 5, opts.most = 3, opts.occluders = 0.5;
  xai_scenes *a = open_set(opts), *b = open_set(opts);
  opts.seed = 6;
  xai_scenes *other = open_set(opts);
  xai_scene scene;
  xai_image *img[4] = {NULL};
  xai_tensor *owners[4] = {NULL};
  draw(a, 7, &scene, &img[0], &owners[0]);
  draw(b, 3, &scene, &img[1], &owners[1]);
  draw(b, 7, &scene, &img[2], &owners[2]);
  draw(other, 7, &scene, &img[3], &owners[3]);
  assert_memory_equal(img[0]->rgb, img[2]->rgb, 96 * 96 * 3);
  assert_memory_equal(bytes_of(owners[0]), bytes_of(owners[2]), 96 * 96);
  assert_memory_not_equal(img[0]->rgb, img[1]->rgb, 96 * 96 * 3);
  assert_memory_not_equal(img[0]->rgb, img[3]->rgb, 96 * 96 * 3);
  for (int i = 0; i < 4; i++) xai_image_free(img[i]), xai_tensor_free(owners[i]);
  xai_scenes_close(a);
  xai_scenes_close(b);
  xai_scenes_close(other);
}

static const xai_preprocess usual = {.scale = 1, .mean = {127.5f, 127.5f, 127.5f}, .std = {64, 64, 64}};

/* A batch holds what the scenes hold one by one, for any number of threads; shares are the objects' parts of
 * what is visible of all. */
static void a_batch_is_its_scenes_for_any_number_of_threads(void **state) {
  (void)state;
  enum { N = 9, SIDE = 40, FIRST = 100 };
  xai_scenes_opts opts = xai_scenes_defaults();
  opts.width = opts.height = SIDE, opts.most = 3, opts.more = 0.6;
  xai_scenes *set = open_set(opts);
  static float x[N * 3 * SIDE * SIDE], shares[N * XAI_SCENE_CLASSES];
  int64_t labels[N];
  xai_err err = {""};
  for (int threads = 1; threads <= 4; threads *= 2) {
    xk_threads_set(threads);
    memset(x, 0, sizeof x);
    assert_int_equal(xai_scenes_batch(set, FIRST, N, &usual, 3, x, labels, shares, &err), XAI_OK);
    for (int i = 0; i < N; i++) {
      xai_scene scene;
      xai_image *img = NULL;
      xai_tensor *owners = NULL;
      draw(set, FIRST + i, &scene, &img, &owners);
      assert_int_equal(labels[i], scene.label);
      for (int k = 0; k < 3; k++)
        for (int p = 0; p < SIDE * SIDE; p++)
          assert_true(x[(i * 3 + k) * SIDE * SIDE + p] == (float)((img->rgb[3 * p + k] - 127.5) / 64));
      const uint8_t *owner = bytes_of(owners);
      double seen[XAI_SCENE_CLASSES] = {0}, all = 0;
      for (int p = 0; p < SIDE * SIDE; p++)
        if (owner[p]) seen[scene.objects[owner[p] - 1].label]++, all++;
      for (int c = 0; c < XAI_SCENE_CLASSES; c++)
        assert_true(fabs((double)shares[i * XAI_SCENE_CLASSES + c] - seen[c] / all) < 1e-6);
      xai_image_free(img);
      xai_tensor_free(owners);
    }
  }
  xk_threads_set(2);
  xai_scenes_close(set);
}

/* What the object says, counted anew from the map of owners; and at least 60 % of each can be seen. */
static void boxes_are_tight_around_what_is_visible(void **state) {
  (void)state;
  const int sides[][2] = {{32, 32}, {96, 96}, {512, 512}, {200, 80}};
  for (int s = 0; s < 4; s++) {
    xai_scenes_opts opts = xai_scenes_defaults();
    opts.width = sides[s][0], opts.height = sides[s][1], opts.most = 4, opts.more = 0.8, opts.occluders = 0.5;
    xai_scenes *set = open_set(opts);
    for (uint64_t i = 0; i < (sides[s][0] > 200 ? 20 : 300); i++) {
      xai_scene scene;
      xai_image *img = NULL;
      xai_tensor *owners = NULL;
      draw(set, i, &scene, &img, &owners);
      assert_int_equal(img->width, sides[s][0]);
      assert_int_equal(img->height, sides[s][1]);
      int64_t most = 0;
      for (int k = 0; k < scene.n; k++) {
        const xai_scene_object *o = &scene.objects[k];
        int left = img->width, right = -1, top = img->height, bottom = -1;
        int64_t pixels = 0;
        for (int p = 0; p < img->width * img->height; p++) {
          if (bytes_of(owners)[p] != k + 1) continue;
          int x = p % img->width, y = p / img->width;
          pixels++;
          left = x < left ? x : left, right = x > right ? x : right, top = y < top ? y : top, bottom = y;
        }
        assert_int_equal(o->pixels, pixels);
        assert_int_equal(o->x, left);
        assert_int_equal(o->y, top);
        assert_int_equal(o->w, right - left + 1);
        assert_int_equal(o->h, bottom - top + 1);
        if (o->visible < 0.6)
          fail_msg("%dx%d, scene %d: object %d is %g visible", img->width, img->height, (int)i, k, o->visible);
        most = pixels > most ? pixels : most;
      }
      bool found = false;
      for (int k = 0; k < scene.n; k++)
        found |= scene.objects[k].label == scene.label && scene.objects[k].pixels == most;
      assert_true(found);
      xai_image_free(img);
      xai_tensor_free(owners);
    }
    xai_scenes_close(set);
  }
}

/* One object and nothing in front: where it lies within the picture, all of it is visible, at any size. */
static void alone_in_the_middle_an_object_is_visible_as_a_whole(void **state) {
  (void)state;
  xai_scenes_opts opts = xai_scenes_defaults();
  opts.width = opts.height = 200, opts.drawings = XAI_DRAWINGS_ALL;
  xai_scenes *set = open_set(opts);
  for (int label = 0; label < XAI_SCENE_CLASSES; label++)
    for (int drawing = 0; drawing < xai_scene_drawings(label, XAI_DRAWINGS_ALL); drawing++)
      for (int size = 60; size <= 140; size += 40) {
        xai_scene_item item = {.label = label, .drawing = drawing, .x = 100, .y = 100, .size = size, .rotation = size};
        xai_scene scene;
        xai_image *img = NULL;
        xai_tensor *owners = NULL;
        xai_err err = {""};
        assert_int_equal(xai_scene_compose(set, 0, &item, 1, NULL, &scene, &img, &owners, &err), XAI_OK);
        double visible = scene.objects[0].visible;
        if (!(visible > 0.9 && visible < 1.12))
          fail_msg("%s %d at %d: %g", xai_scene_class(label), drawing, size, visible);
        assert_int_equal(scene.label, label);
        xai_image_free(img);
        xai_tensor_free(owners);
      }
  xai_scenes_close(set);
}

/* The longer side of an upright drawing is as long as was asked, its middle where it was put. */
static void a_composed_object_stands_where_it_was_put(void **state) {
  (void)state;
  const char *const classes[] = {"clock"};
  xai_scenes_opts opts = xai_scenes_defaults();
  opts.width = opts.height = 224, opts.classes = classes, opts.n_classes = 1;
  xai_scenes *set = open_set(opts);
  xai_scene_item item = {.drawing = 0, .x = 90, .y = 120, .size = 100};
  xai_scene scene;
  xai_image *img = NULL;
  xai_tensor *owners = NULL;
  xai_err err = {""};
  assert_int_equal(xai_scene_compose(set, 0, &item, 1, NULL, &scene, &img, &owners, &err), XAI_OK);
  const xai_scene_object *o = &scene.objects[0];
  assert_in_range(o->w > o->h ? o->w : o->h, 98, 101);
  assert_in_range(o->x + o->w / 2, 89, 91);
  assert_in_range(o->y + o->h / 2, 119, 121);
  xai_image_free(img);
  xai_tensor_free(owners);

  item.drawing = 7; /* held out: not in this set */
  img = NULL;
  assert_int_equal(xai_scene_compose(set, 0, &item, 1, NULL, &scene, &img, &owners, &err), XAI_ENOTFOUND);
  item = (xai_scene_item){.x = NAN, .size = 20};
  assert_int_equal(xai_scene_compose(set, 0, &item, 1, NULL, &scene, &img, &owners, &err), XAI_EARG);
  item = (xai_scene_item){.size = 1e9};
  assert_int_equal(xai_scene_compose(set, 0, &item, 1, NULL, &scene, &img, &owners, &err), XAI_EARG);
  assert_null(img);
  xai_scenes_close(set);
}

/* 6000 scenes, 24 classes, 250 expected of each: chi square with 23 degrees of freedom exceeds 49.7 once in a thousand.
 * The same for the 7 training drawings of a clock, 6 degrees of freedom: 22.5. */
static void classes_and_drawings_come_equally_often(void **state) {
  (void)state;
  xai_scenes_opts opts = xai_scenes_defaults();
  opts.width = opts.height = 16;
  const char *const clock[] = {"clock"};
  for (int run = 0; run < 2; run++) {
    int cells = run == 0 ? XAI_SCENE_CLASSES : 7, counts[XAI_SCENE_CLASSES] = {0};
    if (run == 1) opts.classes = clock, opts.n_classes = 1;
    xai_scenes *set = open_set(opts);
    for (uint64_t i = 0; i < 6000; i++) {
      xai_scene scene;
      xai_image *img = NULL;
      xai_tensor *owners = NULL;
      draw(set, i, &scene, &img, &owners);
      counts[run == 0 ? scene.objects[0].label : scene.objects[0].drawing]++;
      xai_image_free(img);
      xai_tensor_free(owners);
    }
    double chi = 0, expected = 6000.0 / cells;
    for (int k = 0; k < cells; k++) chi += (counts[k] - expected) * (counts[k] - expected) / expected;
    if (chi > (run == 0 ? 49.7 : 22.5)) fail_msg("chi square %g", chi);
    xai_scenes_close(set);
  }
}

/* One more object with probability 1/2, up to 3: 1, 2, 3 objects in 1/2, 1/4, 1/4 of 2000 scenes, all of different
 * classes; 4.5 deviations of a count are 0.05 of 2000. */
static void several_objects_come_as_often_as_was_asked_and_differ(void **state) {
  (void)state;
  xai_scenes_opts opts = xai_scenes_defaults();
  opts.width = opts.height = 16, opts.most = 3, opts.more = 0.5;
  xai_scenes *set = open_set(opts);
  double share[4] = {0};
  for (uint64_t i = 0; i < 2000; i++) {
    xai_scene scene;
    xai_image *img = NULL;
    xai_tensor *owners = NULL;
    draw(set, i, &scene, &img, &owners);
    share[scene.n] += 1 / 2000.0;
    for (int a = 0; a < scene.n; a++)
      for (int b = 0; b < a; b++) assert_int_not_equal(scene.objects[a].label, scene.objects[b].label);
    xai_image_free(img);
    xai_tensor_free(owners);
  }
  assert_true(fabs(share[1] - 0.5) < 0.05 && fabs(share[2] - 0.25) < 0.05 && fabs(share[3] - 0.25) < 0.05);
  xai_scenes_close(set);
}

static void held_out_drawings_are_never_seen_in_training(void **state) {
  (void)state;
  for (int which = XAI_DRAWINGS_TRAIN; which <= XAI_DRAWINGS_HELD_OUT; which++) {
    xai_scenes_opts opts = xai_scenes_defaults();
    opts.width = opts.height = 16, opts.drawings = (xai_drawings)which;
    xai_scenes *set = open_set(opts);
    for (uint64_t i = 0; i < 1000; i++) {
      xai_scene scene;
      xai_image *img = NULL;
      xai_tensor *owners = NULL;
      draw(set, i, &scene, &img, &owners);
      int train = xai_scene_drawings(scene.label, XAI_DRAWINGS_TRAIN);
      assert_int_equal(scene.objects[0].drawing >= train, which == XAI_DRAWINGS_HELD_OUT);
      xai_image_free(img);
      xai_tensor_free(owners);
    }
    xai_scenes_close(set);
  }
}

static void expect_refusal(xai_scenes_opts opts, xai_status status, const char *text) {
  xai_scenes *set = NULL;
  xai_err err = {""};
  assert_int_equal(xai_scenes_open(&opts, &set, &err), status);
  if (strstr(err.text, text) == NULL) fail_msg("expected '%s', got '%s'", text, err.text);
  assert_null(set);
}

static void options_that_make_no_sense_are_refused(void **state) {
  (void)state;
  const char *const wrong[] = {"dig"}, *const twice[] = {"dog", "cat", "dog"}, *const lonely[] = {"fox", "lion"};
  xai_scenes_opts opts = xai_scenes_defaults();
  opts.width = 15;
  expect_refusal(opts, XAI_EARG, "expected sides of 16 to 2048, got 15x96");
  opts = xai_scenes_defaults();
  opts.most = 5;
  expect_refusal(opts, XAI_EARG, "expected 1 to 4");
  opts = xai_scenes_defaults();
  opts.occluders = NAN;
  expect_refusal(opts, XAI_EARG, "probabilities");
  opts = xai_scenes_defaults();
  opts.background = "strips";
  expect_refusal(opts, XAI_ENOTFOUND, "did you mean 'stripes'?");
  opts = xai_scenes_defaults();
  opts.classes = wrong, opts.n_classes = 1;
  expect_refusal(opts, XAI_ENOTFOUND, "no class 'dig'; did you mean 'dog'?");
  opts.classes = twice, opts.n_classes = 3;
  expect_refusal(opts, XAI_EARG, "'dog' is named twice");
  opts.classes = lonely, opts.n_classes = 2, opts.drawings = XAI_DRAWINGS_HELD_OUT;
  expect_refusal(opts, XAI_ENOTFOUND, "held-out");
}

static xai_status attempt_scene(const char *path, xai_err *err) {
  (void)path;
  const char *const classes[] = {"dog", "cat"};
  xai_scenes_opts opts = xai_scenes_defaults();
  opts.classes = classes, opts.n_classes = 2;
  xai_scenes *set = NULL;
  xai_scene scene;
  xai_image *img = NULL;
  xai_tensor *owners = NULL;
  static float x[2 * 3 * 96 * 96];
  int64_t labels[2];
  xai_scene_item item = {.x = 48, .y = 48, .size = 50};
  xai_status st = xai_scenes_open(&opts, &set, err);
  if (st == XAI_OK) st = xai_scene_draw(set, 1, &scene, &img, &owners, err);
  if (st != XAI_OK) assert_true(img == NULL && owners == NULL);
  xai_image_free(img);
  xai_tensor_free(owners);
  img = NULL, owners = NULL;
  if (st == XAI_OK) st = xai_scene_compose(set, 1, &item, 1, NULL, &scene, &img, &owners, err);
  if (st != XAI_OK) assert_true(img == NULL && owners == NULL);
  if (st == XAI_OK) st = xai_scenes_batch(set, 0, 2, &usual, 3, x, labels, NULL, err);
  xai_image_free(img);
  xai_tensor_free(owners);
  xai_scenes_close(set);
  return st;
}

static void short_memory_is_an_error_and_leaks_nothing(void **state) {
  (void)state;
  each_allocation_fails(attempt_scene, NULL);
}

static void a_request_to_stop_ends_a_batch(void **state) {
  (void)state;
  xai_scenes *set = open_set(xai_scenes_defaults());
  static float x[3 * 96 * 96];
  int64_t label;
  xai_err err = {""};
  xai_stop_request();
  xai_status st = xai_scenes_batch(set, 0, 1, &usual, 3, x, &label, NULL, &err);
  xai_stop_clear();
  assert_int_equal(st, XAI_ESTOP);
  assert_int_equal(xai_scenes_batch(set, 0, 1, &usual, 2, x, &label, NULL, &err), XAI_EARG);
  xai_scenes_close(set);
}

static int find_font(void) {
  xai_scenes_opts opts = xai_scenes_defaults();
  xai_scenes *set = NULL;
  xai_err err = {""};
  bool no_font = xai_scenes_open(&opts, &set, &err) == XAI_ENOTFOUND;
  xai_scenes_close(set);
  if (no_font) print_message("skipped: %s\n", err.text);
  return no_font;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_scene_depends_on_seed_and_number_only),
      cmocka_unit_test(a_batch_is_its_scenes_for_any_number_of_threads),
      cmocka_unit_test(boxes_are_tight_around_what_is_visible),
      cmocka_unit_test(alone_in_the_middle_an_object_is_visible_as_a_whole),
      cmocka_unit_test(a_composed_object_stands_where_it_was_put),
      cmocka_unit_test(classes_and_drawings_come_equally_often),
      cmocka_unit_test(several_objects_come_as_often_as_was_asked_and_differ),
      cmocka_unit_test(held_out_drawings_are_never_seen_in_training),
      cmocka_unit_test(options_that_make_no_sense_are_refused),
      cmocka_unit_test(short_memory_is_an_error_and_leaks_nothing),
      cmocka_unit_test(a_request_to_stop_ends_a_batch),
  };
  if (find_font()) return 77;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
