/* Checkpoints: training that was interrupted gives the same bits; what is damaged or of something else is refused. */
#include "scratch.h"

#include "student.h"

static xai_train_opts with(xai_optimiser optimiser) {
  xai_train_opts o;
  xai_train_defaults(&o);
  o.optimiser = optimiser;
  o.init = XAI_INIT_XAVIER;
  o.seed = 9;
  return o;
}

static void a_resumed_training_equals_one_that_was_never_interrupted(void **state) {
  (void)state;
  xai_net *net = student();
  const char *path = scratch("resumed");
  for (int k = XAI_OPTIMISER_SGD; k <= XAI_OPTIMISER_ADAMW; k++) {
    xai_train_opts o = with((xai_optimiser)k);
    xai_trainer *whole = trainer_of(net, &o), *first = trainer_of(net, &o), *second = trainer_of(net, &o);
    char *note = NULL;
    teach(whole, 12, 0.02);
    teach(first, 5, 0.02);
    must(xai_trainer_save(first, path, "five steps", err));
    must(xai_trainer_load(second, path, &note, err));
    assert_string_equal(note, "five steps");
    assert_int_equal(xai_trainer_steps(second), 5);
    assert_true(same_student(first, second));
    assert_true(teach(second, 7, 0.02) == teach(first, 7, 0.02));
    assert_true(same_student(whole, second));
    must(xai_trainer_save(second, path, NULL, err)); /* over the old one */
    xai_trainer_free_note(note);
    must(xai_trainer_load(first, path, &note, err));
    assert_null(note);
    xai_trainer_free(whole);
    xai_trainer_free(first);
    xai_trainer_free(second);
  }
  remove(path);
  assert_int_equal(scratch_count(), 0);
  xai_net_free(net);
}

static xai_net *the_net;
static xai_trainer *the_trainer, *untouched;
static const char *start;

static xai_status load(const char *path, xai_err *err) {
  char *note = NULL;
  xai_status st = xai_trainer_load(the_trainer, path, &note, err);
  static int refusals;
  if (st != XAI_OK) {
    assert_null(note);
    if (refusals++ % 16 == 0) assert_true(same_student(the_trainer, untouched)); /* a change would stay */
    assert_int_equal(xai_trainer_steps(the_trainer), 1);
  } else { /* back to where the failures are to leave it */
    xai_err ignored;
    assert_int_equal(xai_trainer_load(the_trainer, start, NULL, &ignored), XAI_OK);
  }
  xai_trainer_free_note(note);
  return st;
}

static xai_status load_under_short_memory(const char *path, xai_err *err) {
  char *note = NULL;
  xai_status st = xai_trainer_load(the_trainer, path, &note, err);
  xai_trainer_free_note(note);
  return st;
}

static xai_status save(const char *path, xai_err *err) {
  xai_status st = xai_trainer_save(the_trainer, path, "note", err);
  remove(path);
  return st;
}

static void damaged_checkpoints_are_refused_and_change_nothing(void **state) {
  (void)state;
  xai_train_opts o = with(XAI_OPTIMISER_SGD);
  size_t n;
  const char *path = scratch("damaged");
  start = scratch("start");
  the_net = student();
  the_trainer = trainer_of(the_net, &o);
  untouched = trainer_of(the_net, &o);
  teach(the_trainer, 1, 0.02);
  teach(untouched, 1, 0.02);
  must(xai_trainer_save(untouched, start, NULL, err));
  xai_trainer *later = trainer_of(the_net, &o);
  teach(later, 3, 0.02);
  must(xai_trainer_save(later, path, "x", err));
  unsigned char *bytes = get_file(path, &n);
  each_cut_is_refused(load, path, bytes, n, n);
  int refused = each_byte_fault_is_survived(load, path, bytes, n);
  assert_true(refused > (int)(4 * n)); /* of five values; the byte's own is among them now and then, or a blank's place */
  put_file(path, bytes, n);
  each_allocation_fails(load_under_short_memory, path);
  each_allocation_fails(save, scratch("saved"));
  free(bytes);
  remove(path);
  remove(start);
  xai_trainer_free(later);
  xai_trainer_free(the_trainer);
  xai_trainer_free(untouched);
  xai_net_free(the_net);
}

static void refused(xai_trainer *t, const char *path, const char *text) {
  xai_err err = {""};
  assert_int_equal(xai_trainer_load(t, path, NULL, &err), XAI_EFORMAT);
  if (strstr(err.text, text) == NULL) fail_msg("'%s', expected '%s'", err.text, text);
}

static void checkpoints_of_something_else_are_refused(void **state) {
  (void)state;
  const int freeze[] = {CONV};
  const char *path = scratch("other");
  xai_net *net = student(), *tiny = tiny_net();
  xai_train_opts sgd = with(XAI_OPTIMISER_SGD), adam = with(XAI_OPTIMISER_ADAM), seed = sgd, less = sgd;
  seed.seed = 10;
  less.freeze = freeze, less.n_freeze = 1;
  xai_trainer *t = trainer_of(net, &sgd), *a = trainer_of(net, &adam), *s = trainer_of(net, &seed), *f = trainer_of(net, &less),
              *o = trainer_of(tiny, &sgd);
  must(xai_trainer_save(t, path, NULL, err));
  refused(a, path, "its optimiser is 'sgd' (expected 'adam')");
  refused(s, path, "its seed is 9 (expected 10)");
  refused(o, path, "is of another network or training: it has no 'weights/conv_w'");
  must(xai_trainer_save(f, path, NULL, err));
  refused(t, path, "it has no 'weights/conv.weight'");
  put_text(path, "nonsense");
  xai_err err = {""};
  assert_true(xai_trainer_load(t, path, NULL, &err) != XAI_OK);
  assert_int_equal(xai_trainer_load(t, scratch("missing"), NULL, &err), XAI_ENOTFOUND);
  assert_int_equal(xai_trainer_save(t, scratch("no/such/folder"), NULL, &err), XAI_EIO);
  remove(path);
  xai_trainer_free(t);
  xai_trainer_free(a);
  xai_trainer_free(s);
  xai_trainer_free(f);
  xai_trainer_free(o);
  xai_net_free(net);
  xai_net_free(tiny);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_resumed_training_equals_one_that_was_never_interrupted),
      cmocka_unit_test(damaged_checkpoints_are_refused_and_change_nothing),
      cmocka_unit_test(checkpoints_of_something_else_are_refused),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
