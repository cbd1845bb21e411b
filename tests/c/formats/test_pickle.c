/* The pickle machine: every instruction, every limit, and that it never does what a pickle says. */
#include "scratch.h"

#include "formats/formats.h"
#include "formats/pickle.h"

static xai_status run(const void *bytes, size_t n, xai_pickle *p, xai_err *err) {
  xai_cursor c = {bytes, (const unsigned char *)bytes + n};
  xai_status st = xai_pickle_read(&c, p, err);
  if (st == XAI_OK) assert_ptr_equal(c.at, c.end);
  return st;
}

/* The pickle in a string literal, which may hold NUL; free with xai_pickle_free. */
static xai_pickle read_pickle(const char *bytes, size_t n) {
  xai_pickle p = {0};
  xai_err err;
  if (run(bytes, n, &p, &err) != XAI_OK) fail_msg("%s", err.text);
  return p;
}
#define READ(bytes) read_pickle(bytes, sizeof bytes - 1)

static void expect_refused(const void *bytes, size_t n, xai_status want, const char *message) {
  xai_pickle p = {0};
  xai_err err = {""};
  size_t before = xai_mem_live();
  xai_status st = run(bytes, n, &p, &err);
  if (st != want || strstr(err.text, message) == NULL)
    fail_msg("status %d, '%s', expected '%s'", (int)st, err.text, message);
  assert_null(p.values);
  assert_int_equal(xai_mem_live(), before);
}
#define REFUSED(bytes, st, message) expect_refused(bytes, sizeof bytes - 1, st, message)
#define DAMAGED(bytes, message) REFUSED(bytes, XAI_EFORMAT, "damaged pickle: " message)

static const xai_pickle_value *root(const xai_pickle *p) { return xai_pickle_get(p, p->root); }

static void expect_int(const char *bytes, size_t n, xai_pickle_kind kind, int64_t want) {
  xai_pickle p = read_pickle(bytes, n);
  assert_int_equal(root(&p)->kind, kind);
  assert_true(root(&p)->as.i == want);
  xai_pickle_free(&p);
}
#define INT(bytes, want) expect_int(bytes, sizeof bytes - 1, XAI_PICKLE_INT, want)

static void numbers_of_every_width(void **state) {
  (void)state;
  INT("\x80\2K\xff.", 255);
  INT("M\x34\x12.", 0x1234);
  INT("J\xfe\xff\xff\xff.", -2);
  INT("J\xff\xff\xff\x7f.", INT32_MAX);
  INT("\x8a\0.", 0);
  INT("\x8a\1\xff.", -1);
  INT("\x8a\2\xff\0.", 255);
  INT("\x8a\10\0\0\0\0\0\0\0\x80.", INT64_MIN);
  expect_int("\x88.", 2, XAI_PICKLE_BOOL, 1);
  expect_int("\x89.", 2, XAI_PICKLE_BOOL, 0);
  expect_int("N.", 2, XAI_PICKLE_NONE, 0);
  xai_pickle p = READ("\x8a\12\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
  assert_int_equal(root(&p)->kind, XAI_PICKLE_BIG);
  assert_int_equal(root(&p)->n, 10);
  assert_memory_equal(root(&p)->as.text, "\x6c\xfc", 2);
  xai_pickle_free(&p);
  p = READ("G\xbf\xf8\0\0\0\0\0\0."); /* sign, exponent 1023, fraction a half */
  assert_true(root(&p)->kind == XAI_PICKLE_FLOAT && root(&p)->as.f == -1.5);
  xai_pickle_free(&p);
}

static void strings_of_every_protocol(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t n;
  } cases[] = {
      {"U\2ab.", 5}, {"T\2\0\0\0ab.", 8}, {"X\2\0\0\0ab.", 8}, {"\x8c\2ab.", 5}, {"\x8d\2\0\0\0\0\0\0\0ab.", 12}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    xai_pickle p = read_pickle(cases[i].bytes, cases[i].n);
    assert_true(xai_pickle_is(root(&p), "ab"));
    assert_false(xai_pickle_is(root(&p), "a"));
    assert_false(xai_pickle_is(root(&p), "abc"));
    xai_pickle_free(&p);
  }
}

/* The items of the root must be these small numbers. */
static void expect_items(xai_pickle p, xai_pickle_kind kind, size_t n, const int *want) {
  const xai_pickle_value *items[8];
  assert_int_equal(root(&p)->kind, kind);
  assert_int_equal(xai_pickle_items(&p, root(&p), items, 8), n);
  for (size_t i = 0; i < n; i++) assert_int_equal(items[i]->as.i, want[i]);
  xai_pickle_free(&p);
}

static void containers_keep_their_items_in_order(void **state) {
  (void)state;
  const int want[] = {1, 2, 3, 4};
  expect_items(READ(")."), XAI_PICKLE_TUPLE, 0, want);
  expect_items(READ("K\1\x85."), XAI_PICKLE_TUPLE, 1, want);
  expect_items(READ("K\1K\2\x86."), XAI_PICKLE_TUPLE, 2, want);
  expect_items(READ("K\1K\2K\3\x87."), XAI_PICKLE_TUPLE, 3, want);
  expect_items(READ("(K\1K\2K\3K\4t."), XAI_PICKLE_TUPLE, 4, want);
  expect_items(READ("(t."), XAI_PICKLE_TUPLE, 0, want);
  expect_items(READ("]K\1a(K\2K\3e(eK\4a."), XAI_PICKLE_LIST, 4, want);
  expect_items(READ("}K\1K\2s(K\3K\4u."), XAI_PICKLE_DICT, 4, want);
  expect_items(READ("\x8f(K\1K\2\x90."), XAI_PICKLE_SET, 2, want);
  expect_items(READ("ccollections\nOrderedDict\n)R(K\1K\2u."), XAI_PICKLE_DICT, 2, want);
  expect_items(READ("ccollections\nOrderedDict\n](K\1K\2\x86K\3K\4\x86"
                    "e\x85R."),
               XAI_PICKLE_DICT, 4, want);
  expect_items(READ("ccollections\nOrderedDict\n)\x81K\1K\2s}b."), XAI_PICKLE_DICT, 2,
               want); /* attributes are dropped */
  expect_items(READ("\x95\0\0\0\0\0\0\0\0\x8c\13collections\x8c\13OrderedDict\x93)RK\1K\2s."), XAI_PICKLE_DICT, 2,
               want);
}

static void the_memo_gives_back_the_same_value(void **state) {
  (void)state;
  const int want[] = {7, 7, 7, 7};
  expect_items(READ("(K\7q\0h\0r\xff\1\0\0j\xff\1\0\0h\0t."), XAI_PICKLE_TUPLE, 4, want);
  expect_items(READ("(K\7\x94h\0h\0\x94h\1t."), XAI_PICKLE_TUPLE, 4, want);
  /* a list that holds itself, and a dictionary under its own key */
  xai_pickle p = READ("]q\0h\0a.");
  const xai_pickle_value *item;
  assert_int_equal(xai_pickle_items(&p, root(&p), &item, 1), 1);
  assert_ptr_equal(item, root(&p));
  xai_pickle_free(&p);
  p = READ("}q\0U\1xh\0s.");
  assert_ptr_equal(xai_pickle_find(&p, root(&p), "x"), root(&p));
  assert_null(xai_pickle_find(&p, root(&p), "y"));
  xai_pickle_free(&p);
}

static void of_equal_keys_the_last_is_found(void **state) {
  (void)state;
  xai_pickle p = READ("}(U\1xK\1K\5K\6U\1xK\2u.");
  assert_int_equal(xai_pickle_find(&p, root(&p), "x")->as.i, 2);
  xai_pickle_free(&p);
}

static void a_call_is_noted_and_not_made(void **state) {
  (void)state;
  xai_pickle p = READ("ctorch._utils\n_rebuild_tensor_v2\nK\1K\2\x86R}b.");
  const xai_pickle_value *arguments[2];
  assert_int_equal(root(&p)->kind, XAI_PICKLE_CALL);
  assert_int_equal(root(&p)->global, XAI_GLOBAL_REBUILD_TENSOR_V2);
  assert_int_equal(xai_pickle_items(&p, xai_pickle_get(&p, root(&p)->as.inner), arguments, 2), 2);
  assert_int_equal(arguments[1]->as.i, 2);
  xai_pickle_free(&p);
  p = READ("ctorch\nBFloat16Storage\n.");
  assert_true(root(&p)->kind == XAI_PICKLE_GLOBAL && root(&p)->global == XAI_GLOBAL_STORAGE &&
              root(&p)->dtype == XAI_STORED_BF16);
  xai_pickle_free(&p);
  p = READ("U\1xQ.");
  assert_int_equal(root(&p)->kind, XAI_PICKLE_PERSISTENT);
  assert_true(xai_pickle_is(xai_pickle_get(&p, root(&p)->as.inner), "x"));
  xai_pickle_free(&p);
}

static void names_outside_the_list_are_refused_with_advice(void **state) {
  (void)state;
  REFUSED("cos\nsystem\nU\2ls\x85R.", XAI_EUNSUPPORTED,
          "it needs 'os.system', which is not a plain tensor or container (and no code in a file is ever run)");
  REFUSED("cos\nsystem\nU\2ls\x85R.", XAI_EUNSUPPORTED, "in PyTorch, torch.save(model.state_dict(), 'x.pth')");
  REFUSED("\x8c\10"
          "builtins\x8c\4eval\x93.",
          XAI_EUNSUPPORTED, "it needs 'builtins.eval'");
  REFUSED("cargparse\nNamespace\n)\x81}b.", XAI_EUNSUPPORTED, "it needs 'argparse.Namespace'");
  REFUSED("ctorch\nComplexFloatStorage\n.", XAI_EUNSUPPORTED,
          "'torch.ComplexFloatStorage' is not supported (expected plain tensors of real numbers: not quantised, sparse "
          "or complex)");
  REFUSED("ctorch._utils\n_rebuild_qtensor\n.", XAI_EUNSUPPORTED, "'torch._utils._rebuild_qtensor' is not supported");
  REFUSED("ctorch.nn.modules.conv\nConv2d\n.", XAI_EUNSUPPORTED,
          "torch.nn.modules.conv.Conv2d is a whole module, not weights: in PyTorch, torch.save(model.state_dict(), "
          "'x.pth')");
  REFUSED("ctorchvision.models.resnet\nResNet\n.", XAI_EUNSUPPORTED,
          "torchvision.models.resnet.ResNet is a whole module");
  REFUSED("c__main__\nNet\n.", XAI_EUNSUPPORTED, "__main__.Net is a whole module");
  REFUSED("ccollections\x1b[31m\nOrderedDict\n.", XAI_EUNSUPPORTED, "'collections?[31m.OrderedDict'");
}

static void other_instructions_are_refused(void **state) {
  (void)state;
  /* DUP, POP, POP_MARK, FLOAT, INT, LONG, PERSID, STRING, UNICODE, DICT, LIST, INST, OBJ, PUT, GET, EXT1-4, LONG4,
   * BYTES, frozenset, NEWOBJ_EX, BYTEARRAY8, NEXT_BUFFER */
  static const unsigned char codes[] = {'2', '0',  '1',  'F',  'I',  'L',  'P',  'S',  'V',  'd',
                                        'l', 'i',  'o',  'p',  'g',  0x82, 0x83, 0x84, 0x8B, 'B',
                                        'C', 0x8E, 0x91, 0x92, 0x96, 0x97, 0x98, 0,    0xFF, '\n'};
  for (size_t i = 0; i < sizeof codes; i++) {
    unsigned char bytes[] = {'N', codes[i], 'N', '.'};
    char message[60];
    snprintf(message, sizeof message, "pickle instruction 0x%02X is not supported", codes[i]);
    expect_refused(bytes, sizeof bytes, XAI_EUNSUPPORTED, message);
  }
  REFUSED("\x80\6N.", XAI_EUNSUPPORTED, "pickle protocol 6 (expected 2 to 5)");
}

static void nonsense_is_refused(void **state) {
  (void)state;
  DAMAGED("", "it ends in the middle");
  DAMAGED("N", "it ends in the middle");
  DAMAGED(".", "it does not end with one value");
  DAMAGED("NN.", "it does not end with one value");
  DAMAGED("N(.", "it does not end with one value");
  DAMAGED("K", "it ends in the middle");
  DAMAGED("U\5abc.", "it ends in the middle");
  DAMAGED("\x8a\5abc.", "it ends in the middle");
  DAMAGED("G1234567", "it ends in the middle");
  DAMAGED("ccollections", "it ends in the middle");
  DAMAGED("ccollections\nOrdered", "it ends in the middle");
  DAMAGED("\x95\0\0", "it ends in the middle");
  DAMAGED("\x85.", "an instruction finds too little on the stack");
  DAMAGED("N(\x85.", "an instruction finds too little on the stack"); /* a mark cannot be looked behind */
  DAMAGED("N(Ns.", "an instruction finds too little on the stack");
  DAMAGED("q\0.", "an instruction finds too little on the stack");
  DAMAGED("N(q\0.", "an instruction finds too little on the stack");
  DAMAGED("\x94.", "an instruction finds too little on the stack");
  DAMAGED("Q.", "an instruction finds too little on the stack");
  DAMAGED("Nt.", "an instruction finds no mark");
  DAMAGED("]Ne.", "an instruction finds no mark");
  DAMAGED("h\0.", "a memo entry that was never made");
  DAMAGED("Nr\5\0\0\0h\4.", "a memo entry that was never made");
  DAMAGED("Na.", "items for something that is not their kind of container");
  DAMAGED("NNa.", "items for something that is not their kind of container");
  DAMAGED(")Na.", "items for something that is not their kind of container");
  DAMAGED("]NNs.", "items for something that is not their kind of container");
  DAMAGED("](N\x90.", "items for something that is not their kind of container");
  DAMAGED("}(Nu.", "a key without a value");
  DAMAGED("K\1K\2\x93.", "a name that is no string");
  DAMAGED("N)R.", "a call of something that cannot be called");
  DAMAGED("ccollections\nOrderedDict\nNR.", "a call of something that cannot be called");
  DAMAGED("ctorch\nFloatStorage\n)R.", "a call of something that cannot be called");
  DAMAGED("ctorch\nfloat32\n)R.", "a call of something that cannot be called");
  DAMAGED("ccollections\nOrderedDict\nN\x85R.", "an OrderedDict of something else than pairs");
  DAMAGED("ccollections\nOrderedDict\n]]\x86R.", "an OrderedDict of something else than pairs");
  DAMAGED("ccollections\nOrderedDict\n]Na\x85R.", "an OrderedDict of something else than pairs");
  DAMAGED("ccollections\nOrderedDict\n]N\x85"
          "a\x85R.",
          "an OrderedDict of something else than pairs");
  DAMAGED("N}b.", "attributes for something that has none");
}

static xai_buf repeated(const char *front, const char *body, size_t times, const char *back) {
  xai_buf b = {0};
  xai_buf_add(&b, front, strlen(front));
  for (size_t i = 0; i < times; i++) xai_buf_add(&b, body, strlen(body));
  xai_buf_add(&b, back, strlen(back));
  assert_false(b.failed);
  return b;
}

static void refuse_and_free(xai_buf b, const char *message) {
  size_t before = xai_mem_live();
  xai_pickle p = {0};
  xai_err err = {""};
  assert_int_equal(run(b.data, b.size, &p, &err), XAI_EFORMAT);
  assert_string_equal(err.text, message);
  assert_int_equal(xai_mem_live(), before);
  xai_buf_free(&b);
}

static void limits_are_kept_and_named(void **state) {
  (void)state;
  refuse_and_free(repeated("", "(", 4097, ""), "a pickle with more than 4096 open marks");
  refuse_and_free(repeated("(", "N", 4000000, "t."), "a pickle of more than 4000000 instructions");
  REFUSED("Nr\x40\x42\x0f\0.", XAI_EFORMAT, "memo entry 1000000 of a pickle (at most 1000000)");
  REFUSED("Nr\xff\xff\xff\xff.", XAI_EFORMAT, "memo entry 4294967295");
  REFUSED("X\1\0\1\0.", XAI_EFORMAT, "a pickled string of 65537 bytes (at most 65536)");
  REFUSED("\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", XAI_EFORMAT, "a pickled string of 18446744073709551615 bytes");
  REFUSED("\x8a\21aaaaaaaaaaaaaaaaa.", XAI_EFORMAT, "a pickled number of 17 bytes (at most 16)");
  xai_buf line = repeated("c", "a", 70000, "\nb\n.");
  expect_refused(line.data, line.size, XAI_EFORMAT, "it ends in the middle");
  xai_buf_free(&line);
}

/* One list of 100 000 pairs made into 100 dictionaries: 10 million items out of a file of 200 000 bytes. */
static void a_small_pickle_cannot_make_much(void **state) {
  (void)state;
  xai_buf b = {0}, list = repeated("](", "h\1", 100000, "eq\2");
  const char head[] = "NN\x86q\1q\3ccollections\nOrderedDict\nq\4";
  xai_buf_add(&b, "(", 1);
  xai_buf_add(&b, head, sizeof head - 1);
  xai_buf_add(&b, list.data, list.size);
  for (int i = 0; i < 100; i++) xai_buf_add(&b, "h\4h\2\x85R", 6);
  xai_buf_add(&b, "t.", 2);
  xai_buf_free(&list);
  refuse_and_free(b, "a pickle of more than 4000000 instructions");
}

static void deep_nesting_needs_no_stack(void **state) {
  (void)state;
  xai_buf b = repeated("N", "\x85", 1000000, ".");
  xai_pickle p = read_pickle((const char *)b.data, b.size);
  assert_int_equal(root(&p)->kind, XAI_PICKLE_TUPLE);
  xai_pickle_free(&p);
  xai_buf_free(&b);
}

static void several_pickles_may_follow_each_other(void **state) {
  (void)state;
  const char bytes[] = "K\1.K\2.";
  xai_cursor c = {(const unsigned char *)bytes, (const unsigned char *)bytes + 6};
  for (int i = 1; i <= 2; i++) {
    xai_pickle p;
    xai_err err;
    assert_int_equal(xai_pickle_read(&c, &p, &err), XAI_OK);
    assert_int_equal(root(&p)->as.i, i);
    xai_pickle_free(&p);
  }
  assert_int_equal(xai_cursor_left(&c), 0);
}

static const char sample[] =
    "\x80\2}q\0(U\1xccollections\nOrderedDict\n)Rq\1X\1\0\0\0yctorch._utils\n_rebuild_tensor_v2\nq\2"
    "(U\7storageQK\0K\1\x86K\2\x85\x89](K\1J\1\0\0\0e\x8a\1\1G\0\0\0\0\0\0\0\0tRu}b.";

static xai_status read_file(const char *path, xai_err *err) {
  size_t n;
  unsigned char *bytes = get_file(path, &n);
  xai_pickle p = {0};
  xai_status st = xai_err_prefix(err, run(bytes, n, &p, err), "%s: ", path);
  xai_pickle_free(&p);
  free(bytes);
  return st;
}

static xai_status read_front(const char *path, xai_err *err) { /* damage may end it early */
  size_t n;
  unsigned char *bytes = get_file(path, &n);
  xai_pickle p = {0};
  xai_cursor c = {bytes, bytes + n};
  xai_status st = xai_err_prefix(err, xai_pickle_read(&c, &p, err), "%s: ", path);
  xai_pickle_free(&p);
  free(bytes);
  return st;
}

static void every_cut_every_wrong_byte_and_every_failing_allocation(void **state) {
  (void)state;
  const unsigned char *bytes = (const unsigned char *)sample;
  each_cut_is_refused(read_file, scratch("p"), bytes, sizeof sample - 1, sizeof sample - 1);
  each_byte_fault_is_survived(read_front, scratch("p"), bytes, sizeof sample - 1);
  put_file(scratch("p"), bytes, sizeof sample - 1);
  each_allocation_fails(read_file, scratch("p"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_of_every_width),
      cmocka_unit_test(strings_of_every_protocol),
      cmocka_unit_test(containers_keep_their_items_in_order),
      cmocka_unit_test(the_memo_gives_back_the_same_value),
      cmocka_unit_test(of_equal_keys_the_last_is_found),
      cmocka_unit_test(a_call_is_noted_and_not_made),
      cmocka_unit_test(names_outside_the_list_are_refused_with_advice),
      cmocka_unit_test(other_instructions_are_refused),
      cmocka_unit_test(nonsense_is_refused),
      cmocka_unit_test(limits_are_kept_and_named),
      cmocka_unit_test(a_small_pickle_cannot_make_much),
      cmocka_unit_test(deep_nesting_needs_no_stack),
      cmocka_unit_test(several_pickles_may_follow_each_other),
      cmocka_unit_test(every_cut_every_wrong_byte_and_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
