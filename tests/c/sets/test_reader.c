/* Readers: the order is that of the request, whatever threads do and whatever cannot be read. */
#include "scratch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/status.h"
#include "graph/build.h"
#include "xai/images.h"

enum { N = 60 };

static void must(xai_status st, const xai_err *err) {
  if (st != XAI_OK) fail_msg("%s", err->text);
}

/* "12" is a picture of one pixel with that value; every seventh file cannot be read; some take longer than others. */
static atomic_int made, in_the_works, most_in_the_works;
static xai_status read_number(const char *path, xai_image **out, xai_image_note *note, xai_err *err) {
  int k = atoi(path), now = atomic_fetch_add(&in_the_works, 1) + 1, most = atomic_load(&most_in_the_works);
  while (now > most && !atomic_compare_exchange_weak(&most_in_the_works, &most, now)) {
  }
  nanosleep(&(struct timespec){.tv_nsec = k % 5 == 0 ? 400000 : 10000}, NULL);
  atomic_fetch_add(&made, 1);
  atomic_fetch_sub(&in_the_works, 1);
  if (k % 7 == 3) return xai_fail(err, XAI_EFORMAT, "%s: damaged", path);
  XAI_TRY(xai_image_new(1 + k % 2, 1, out, err));
  memset((*out)->rgb, k, 3);
  *note = k == 4 ? XAI_IMAGE_ALPHA : XAI_IMAGE_PLAIN;
  return XAI_OK;
}

static xai_source *numbers(void) {
  static char text[N][4];
  const char *paths[N];
  int64_t labels[N];
  xai_source *s = NULL;
  xai_err err = {""};
  for (int i = 0; i < N; i++) {
    snprintf(text[i], sizeof text[i], "%d", i);
    paths[i] = text[i];
    labels[i] = 100 + i;
  }
  must(xai_source_files(paths, labels, N, read_number, &s, &err), &err);
  return s;
}

static xai_reader *open_reader(xai_reader_opts opts) {
  xai_reader *r = NULL;
  xai_err err = {""};
  must(xai_reader_open(&opts, &r, &err), &err);
  return r;
}

static void check_picture(const xai_picture *p, int64_t index) {
  assert_int_equal(p->index, index);
  if (index % 7 == 3) {
    assert_int_equal(p->st, XAI_EFORMAT);
    assert_null(p->image);
    char want[32];
    snprintf(want, sizeof want, "%d: damaged", (int)index);
    assert_string_equal(p->err.text, want);
    return;
  }
  assert_int_equal(p->st, XAI_OK);
  assert_int_equal(p->label, 100 + index);
  assert_int_equal(p->image->rgb[0], index);
  assert_int_equal(p->note, index == 4 ? XAI_IMAGE_ALPHA : XAI_IMAGE_PLAIN);
}

static void the_order_is_the_same_for_any_number_of_threads(void **state) {
  (void)state;
  xai_source *s = numbers();
  const int threads[] = {1, 2, 3, 8}, ahead[] = {1, 2, 5, 0};
  for (int t = 0; t < 4; t++)
    for (int a = 0; a < 4; a++) {
      xai_reader *r = open_reader((xai_reader_opts){.source = s, .threads = threads[t], .ahead = ahead[a]});
      xai_err err = {""};
      xai_picture p;
      bool more = true;
      for (int64_t i = 0; i < N; i++) {
        must(xai_reader_next(r, &p, &more, &err), &err);
        assert_true(more);
        check_picture(&p, i);
        xai_picture_clear(&p);
      }
      must(xai_reader_next(r, &p, &more, &err), &err);
      assert_false(more);
      xai_reader_close(r);
    }
  xai_source_free(s);
}

static void any_order_may_be_asked_for(void **state) {
  (void)state;
  xai_source *s = numbers();
  const int64_t order[] = {59, 0, 10, 10, 31};
  xai_reader *r = open_reader((xai_reader_opts){.source = s, .order = order, .n = 5, .threads = 2});
  xai_err err = {""};
  xai_picture p;
  bool more;
  for (int i = 0; i < 5; i++) {
    must(xai_reader_next(r, &p, &more, &err), &err);
    check_picture(&p, order[i]);
    xai_picture_clear(&p);
  }
  xai_reader_close(r);
  xai_reader *none = NULL;
  assert_int_equal(xai_reader_open(&(xai_reader_opts){.source = s, .order = (int64_t[]){N}, .n = 1}, &none, &err), XAI_EARG);
  assert_string_equal(err.text, "picture 61 of a set of 60");
  assert_null(none);
  xai_source_free(s);
}

/* A reader that is asked for three pictures has begun at most as many more as may wait. */
static void what_is_made_ahead_is_bounded(void **state) {
  (void)state;
  xai_source *s = numbers();
  atomic_store(&made, 0);
  xai_reader *r = open_reader((xai_reader_opts){.source = s, .threads = 4, .ahead = 6});
  xai_err err = {""};
  xai_picture p;
  bool more;
  for (int i = 0; i < 3; i++) {
    must(xai_reader_next(r, &p, &more, &err), &err);
    xai_picture_clear(&p);
  }
  nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); /* time enough to make all sixty */
  assert_true(atomic_load(&made) <= 3 + 6);
  xai_reader_close(r); /* with pictures that nobody has taken */
  xai_source_free(s);
}

static void a_stop_request_ends_the_wait(void **state) {
  (void)state;
  xai_source *s = numbers();
  xai_reader *r = open_reader((xai_reader_opts){.source = s, .threads = 2});
  xai_err err;
  xai_picture p = {0};
  bool more;
  xai_stop_request();
  assert_int_equal(xai_reader_next(r, &p, &more, &err), XAI_ESTOP);
  xai_stop_clear();
  must(xai_reader_next(r, &p, &more, &err), &err); /* and it can go on */
  check_picture(&p, 0);
  xai_picture_clear(&p);
  xai_reader_close(r);
  xai_source_free(s);
}

/* ---- batches ------------------------------------------------------------------------------------------------- */

/* data N x 3 x H x W -> relu */
static xai_net *make_net(int64_t side) {
  xai_builder *b = NULL;
  xai_net *net = NULL;
  xai_err err = {""};
  const char *data = "data", *relu = "relu";
  must(xai_builder_new(&b, &err), &err);
  must(xai_builder_input(b, data, XAI_F32, (xai_shape){4, {-1, 3, side, side}}, &err), &err);
  must(xai_builder_node(b, relu, XAI_OP_RELU, NULL, 1, &data, 1, &relu, &err), &err);
  must(xai_builder_output(b, relu, &err), &err);
  must(xai_builder_freeze(b, &net, &err), &err);
  xai_builder_free(b);
  return net;
}

/* The files' pictures are 1 x 1 and 2 x 1 in turn; a network that wants 2 x 2 makes all alike. */
static void batches_hold_what_the_pictures_become(void **state) {
  (void)state;
  xai_source *s = numbers();
  xai_net *net = make_net(2);
  xai_reader *r = open_reader((xai_reader_opts){.source = s, .net = net, .threads = 3});
  xai_err err = {""};
  int64_t at = 0;
  for (;;) {
    xai_batch b = {0};
    must(xai_reader_batch(r, 8, &b, &err), &err);
    if (b.n + b.n_failed == 0) break;
    assert_int_equal(b.n + b.n_failed, at + 8 <= N ? 8 : N - at);
    int64_t good = 0, bad = 0;
    for (int64_t i = at; i < at + b.n + b.n_failed; i++) {
      if (i % 7 == 3) {
        assert_int_equal(b.failed[bad++].index, i);
        continue;
      }
      assert_int_equal(b.pictures[good].index, i);
      assert_int_equal(b.pictures[good].label, 100 + i);
      const float *x = (const float *)xai_tensor_view(b.x)->data + good++ * 12;
      assert_true(x[0] == (float)i);
    }
    at += b.n + b.n_failed;
    xai_batch_clear(&b);
  }
  assert_int_equal(at, N);
  xai_reader_close(r);
  xai_net_free(net);
  xai_source_free(s);
}

/* Without a size of its own the network takes the pictures' sizes: a batch ends where they change. */
static void a_batch_ends_where_the_shape_changes(void **state) {
  (void)state;
  xai_source *s = numbers();
  xai_net *net = make_net(-1);
  const int64_t order[] = {0, 2, 3, 5, 7, 8};
  xai_reader *r = open_reader((xai_reader_opts){.source = s, .order = order, .n = 6, .net = net, .threads = 2});
  static const int want[][2] = {{2, 1}, {2, 0}, {1, 0}, {0, 0}};
  xai_err err = {""};
  for (int i = 0; i < 4; i++) {
    xai_batch b = {0};
    must(xai_reader_batch(r, 10, &b, &err), &err);
    assert_int_equal(b.n, want[i][0]);
    assert_int_equal(b.n_failed, want[i][1]);
    assert_true((b.x == NULL) == (b.n == 0));
    xai_batch_clear(&b);
  }
  xai_reader_close(r);
  xai_net_free(net);
  xai_source_free(s);
}

/* Every allocation fails once, of whichever thread; trying again loses no picture. */
static void a_batch_can_be_asked_for_again_when_memory_was_short(void **state) {
  (void)state;
  xai_source *s = numbers();
  xai_net *net = make_net(2);
  size_t before = xai_mem_live();
  for (int64_t k = 0; k < 60; k++) {
    xai_reader *r = NULL;
    xai_batch b = {0};
    xai_err err = {""};
    const int64_t order[] = {0, 1, 3, 4, 5};
    xai_reader_opts opts = {.source = s, .order = order, .n = 5, .net = net, .threads = 2};
    xai_mem_fail_after(k, false);
    xai_status st = xai_reader_open(&opts, &r, &err);
    if (st != XAI_OK) st = xai_reader_open(&opts, &r, &err);
    must(st, &err);
    st = xai_reader_batch(r, 5, &b, &err);
    if (st != XAI_OK) {
      assert_int_equal(st, XAI_ENOMEM);
      st = xai_reader_batch(r, 5, &b, &err);
    }
    xai_mem_fail_after(-1, false);
    must(st, &err);
    assert_int_equal(b.n, 4);
    assert_int_equal(b.n_failed, 1);
    for (int i = 0; i < 4; i++) assert_int_equal(b.pictures[i].index, order[i < 2 ? i : i + 1]);
    xai_batch_clear(&b);
    xai_reader_close(r);
    assert_int_equal(xai_mem_live(), before);
  }
  xai_net_free(net);
  xai_source_free(s);
}

static void memory_that_stays_short_is_an_error(void **state) {
  (void)state;
  xai_source *s = numbers();
  size_t before = xai_mem_live();
  xai_reader *r = open_reader((xai_reader_opts){.source = s, .threads = 2});
  xai_picture p = {0};
  xai_err err = {""};
  bool more;
  xai_mem_fail_after(0, true);
  xai_status st = XAI_OK;
  for (int i = 0; i < N && st == XAI_OK; i++) { /* some were made before */
    st = xai_reader_next(r, &p, &more, &err);
    if (st == XAI_OK) xai_picture_clear(&p);
  }
  xai_mem_fail_after(-1, false);
  assert_int_equal(st, XAI_ENOMEM);
  xai_reader_close(r);
  assert_int_equal(xai_mem_live(), before);
  xai_source_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_order_is_the_same_for_any_number_of_threads),
      cmocka_unit_test(any_order_may_be_asked_for),
      cmocka_unit_test(what_is_made_ahead_is_bounded),
      cmocka_unit_test(a_stop_request_ends_the_wait),
      cmocka_unit_test(batches_hold_what_the_pictures_become),
      cmocka_unit_test(a_batch_ends_where_the_shape_changes),
      cmocka_unit_test(a_batch_can_be_asked_for_again_when_memory_was_short),
      cmocka_unit_test(memory_that_stays_short_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
