/* Sources: files, scenes and pictures in memory, each numbered from 0. */
#include "scratch.h"

#include "sets/source.h"

static xai_image *grey(int side, int value) {
  xai_image *img = NULL;
  xai_err err = {""};
  if (xai_image_new(side, side, &img, &err) != XAI_OK) fail_msg("%s", err.text);
  memset(img->rgb, value, (size_t)side * (size_t)side * 3);
  return img;
}

static void must(xai_status st, const xai_err *err) {
  if (st != XAI_OK) fail_msg("%s", err->text);
}

static void files_are_opened_when_their_turn_comes(void **state) {
  (void)state;
  char first[64], second[64];
  snprintf(first, sizeof first, "%s", scratch("first.png"));
  snprintf(second, sizeof second, "%s", scratch("second.png"));
  const char *paths[] = {first, second};
  const int64_t labels[] = {7, -1};
  xai_source *s = NULL;
  xai_err err = {""};
  must(xai_source_files(paths, labels, 2, NULL, &s, &err), &err);
  assert_int_equal(xai_source_count(s), 2);
  assert_string_equal(xai_source_path(s, 1), second);
  assert_null(xai_source_path(s, 2));
  assert_int_equal(xai_source_hash(s), 0);

  xai_picture p = {0};
  assert_int_equal(xai_source__make(s, 0, &p, &err), XAI_ENOTFOUND);
  assert_null(p.image);
  xai_image *img = grey(5, 99);
  must(xai_image_write(img, first, &err), &err);
  must(xai_source__make(s, 0, &p, &err), &err);
  assert_int_equal(p.label, 7);
  assert_int_equal(p.image->width, 5);
  assert_memory_equal(p.image->rgb, img->rgb, 75);
  xai_picture_clear(&p);
  xai_image_free(img);
  xai_source_free(s);
}

static void pictures_are_copies_with_an_identity(void **state) {
  (void)state;
  xai_image *a = grey(4, 1), *b = grey(4, 2);
  const xai_image *both[] = {a, b}, *turned[] = {b, a};
  const int64_t labels[] = {0, 1}, others[] = {0, 2};
  xai_source *s[4];
  xai_err err = {""};
  must(xai_source_pictures(both, labels, 2, &s[0], &err), &err);
  must(xai_source_pictures(both, labels, 2, &s[1], &err), &err);
  must(xai_source_pictures(turned, labels, 2, &s[2], &err), &err);
  must(xai_source_pictures(both, others, 2, &s[3], &err), &err);
  assert_true(xai_source_hash(s[0]) == xai_source_hash(s[1]));
  assert_true(xai_source_hash(s[0]) != xai_source_hash(s[2]));
  assert_true(xai_source_hash(s[0]) != xai_source_hash(s[3]));
  memset(b->rgb, 77, 48); /* ours, not the source's */
  xai_picture p = {0};
  must(xai_source__make(s[0], 1, &p, &err), &err);
  assert_int_equal(p.image->rgb[0], 2);
  assert_int_equal(p.label, 1);
  xai_picture_clear(&p);
  for (int i = 0; i < 4; i++) xai_source_free(s[i]);
  xai_image_free(a);
  xai_image_free(b);
}

static xai_source *scenes(xai_scenes_opts opts, int64_t n) {
  xai_scenes *set = NULL;
  xai_source *s = NULL;
  xai_err err = {""};
  if (xai_scenes_open(&opts, &set, &err) == XAI_ENOTFOUND) {
    print_message("%s\n", err.text);
    skip();
  }
  must(xai_source_scenes(set, n, &s, &err), &err);
  xai_scenes_close(set); /* the source has its own reference */
  return s;
}

/* Everything that makes a scene another one is in the hash, even where the first scenes happen to be the same. */
static void scenes_are_drawn_and_told_apart_by_their_options(void **state) {
  (void)state;
  const char *two[] = {"dog", "cat"}, *turned[] = {"cat", "dog"};
  xai_scenes_opts opts = xai_scenes_defaults();
  opts.classes = two, opts.n_classes = 2, opts.width = opts.height = 32;
  xai_source *s = scenes(opts, 5), *same = scenes(opts, 5), *longer = scenes(opts, 6);
  assert_true(xai_source_hash(s) == xai_source_hash(same));
  assert_true(xai_source_hash(s) != xai_source_hash(longer));
  xai_scenes_opts other[6];
  for (int i = 0; i < 6; i++) other[i] = opts;
  other[0].seed = 1, other[1].occluders = 1e-9, other[2].more = 0.3, other[3].classes = turned, other[4].background = "plain",
  other[5].drawings = XAI_DRAWINGS_ALL;
  for (int i = 0; i < 6; i++) {
    xai_source *o = scenes(other[i], 5);
    if (xai_source_hash(s) == xai_source_hash(o)) fail_msg("option %d is not in the hash", i);
    xai_source_free(o);
  }
  xai_picture p = {0}, q = {0};
  xai_err err = {""};
  must(xai_source__make(s, 3, &p, &err), &err);
  must(xai_source__make(same, 3, &q, &err), &err);
  assert_true(p.label >= 0 && p.label < 2 && p.label == q.label);
  assert_memory_equal(p.image->rgb, q.image->rgb, 32 * 32 * 3);
  xai_picture_clear(&p);
  xai_picture_clear(&q);
  xai_source_free(s);
  xai_source_free(same);
  xai_source_free(longer);
}

static xai_status attempt_all(const char *path, xai_err *err) {
  xai_image img = {2, 1, (uint8_t[]){1, 2, 3, 4, 5, 6}};
  const xai_image *pictures[] = {&img, &img};
  const char *paths[] = {path, path};
  const int64_t labels[] = {1, 2};
  xai_source *files = NULL, *memory = NULL;
  xai_picture p = {0};
  xai_status st = xai_source_files(paths, labels, 2, NULL, &files, err);
  if (st == XAI_OK) st = xai_source_pictures(pictures, labels, 2, &memory, err);
  if (st == XAI_OK) st = xai_source__make(files, 0, &p, err);
  xai_picture_clear(&p);
  if (st == XAI_OK) st = xai_source__make(memory, 1, &p, err);
  xai_picture_clear(&p);
  xai_source_free(files);
  xai_source_free(memory);
  return st;
}

static void memory_may_fail_anywhere(void **state) {
  (void)state;
  xai_image *img = grey(3, 9);
  xai_err err = {""};
  char path[64];
  snprintf(path, sizeof path, "%s", scratch("small.png"));
  must(xai_image_write(img, path, &err), &err);
  xai_image_free(img);
  each_allocation_fails(attempt_all, path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_are_opened_when_their_turn_comes),
      cmocka_unit_test(pictures_are_copies_with_an_identity),
      cmocka_unit_test(scenes_are_drawn_and_told_apart_by_their_options),
      cmocka_unit_test(memory_may_fail_anywhere),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
