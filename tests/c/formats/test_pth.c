/* PyTorch checkpoints: what is found in them, what is gathered and widened, and every refusal. */
#include "scratch.h"

#include "formats/formats.h"
#include "pth_make.h"

static const float numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static const zip_part floats = {"x/data/0", numbers, sizeof numbers, false, true, false};
/* All twelve as 3 x 4. */
static const pk_tensor matrix = {"FloatStorage", "0", 12, 0, 2, {3, 4}, {4, 1}};

static xai_status read_and_free(const char *path, xai_err *err) {
  xai_archive a = {0};
  xai_status st = xai_archive_read(path, &a, err);
  if (st != XAI_OK) assert_true(a.n == 0 && a.entries == NULL && a.meta == NULL);
  xai_archive_free(&a);
  return st;
}

/* Puts the file down and frees it. */
static const char *put(xai_buf b) {
  const char *path = scratch("w.pth");
  put_file(path, b.data, b.size);
  xai_buf_free(&b);
  return path;
}

static xai_archive read_good(xai_buf b) {
  xai_archive a = {0};
  xai_err err;
  if (xai_archive_read(put(b), &a, &err) != XAI_OK) fail_msg("%s", err.text);
  return a;
}

static void refuse(xai_buf b, xai_status want, const char *message) {
  xai_err err = {""};
  const char *path = put(b);
  size_t before = xai_mem_live();
  xai_status st = read_and_free(path, &err);
  if (st != want || strstr(err.text, message) == NULL || strncmp(err.text, path, strlen(path)) != 0)
    fail_msg("status %d, '%s', expected '%s'", (int)st, err.text, message);
  assert_int_equal(xai_mem_live(), before);
}

/* A dictionary with one tensor "t". */
static xai_buf one(const pk_tensor *t) {
  xai_buf b = {0};
  PK(&b, "\x80\2}");
  pk_entry(&b, "t", t, false);
  PK(&b, ".");
  return b;
}
static xai_buf one_in_zip(const pk_tensor *t) { return pth_zip(one(t), &floats, 1).b; }

static void expect_floats(const xai_archive *a, size_t i, const char *name, int n, const float *want) {
  assert_true(i < a->n);
  assert_string_equal(a->entries[i].name, name);
  assert_int_equal(xai_tensor_view(a->entries[i].tensor)->dtype, XAI_F32);
  assert_int_equal(xai_tensor_count(a->entries[i].tensor), n);
  assert_memory_equal(xai_tensor_view(a->entries[i].tensor)->data, want, (size_t)n * sizeof *want);
}

static void expect_one(xai_buf b, const char *name, int n, const float *want) {
  xai_archive a = read_good(b);
  assert_int_equal(a.n, 1);
  expect_floats(&a, 0, name, n, want);
  xai_archive_free(&a);
}

/* ---- what is found ---------------------------------------------------------------------------------- */

static void a_plain_state_dict_is_read_in_its_order(void **state) {
  (void)state;
  const pk_tensor scalar = {"FloatStorage", "0", 12, 5, 0, {0}, {0}},
                  empty = {"FloatStorage", "0", 12, 0, 2, {0, 3}, {3, 1}};
  xai_buf b = {0};
  PK(&b, "ccollections\nOrderedDict\n)R");
  pk_entry(&b, "z.weight", &matrix, false);
  pk_entry(&b, "a", &scalar, false);
  pk_entry(&b, "none", &empty, false);
  PK(&b, "}X\11\0\0\0_metadata}sb."); /* the attribute that a module's state_dict carries */
  xai_archive a = read_good(pth_zip(b, &floats, 1).b);
  assert_int_equal(a.n, 3);
  assert_int_equal(a.n_meta, 0);
  expect_floats(&a, 0, "z.weight", 12, numbers);
  expect_floats(&a, 1, "a", 1, numbers + 5);
  expect_floats(&a, 2, "none", 0, numbers);
  assert_int_equal(xai_tensor_view(a.entries[1].tensor)->shape.rank, 0);
  const xai_shape want = XAI_SHAPE(3, 4);
  assert_true(xai_shape_equal(&xai_tensor_view(a.entries[0].tensor)->shape, &want));
  xai_archive_free(&a);
}

static void wrappers_are_opened_and_the_rest_is_skipped(void **state) {
  (void)state;
  static const char *const names[] = {"state_dict", "model", "model_state_dict", "net"};
  for (int i = 0; i < 4; i++) {
    xai_buf b = {0};
    PK(&b, "}");
    pk_text(&b, "epoch");
    PK(&b, "K\5s");
    pk_text(&b, "optimizer");
    PK(&b, "}");
    pk_entry(&b, "momentum", &matrix, false);
    PK(&b, "s");
    pk_text(&b, names[i]);
    PK(&b, "}");
    pk_entry(&b, "w", &matrix, false);
    pk_text(&b, "version");
    PK(&b, "Nss.");
    expect_one(pth_zip(b, &floats, 1).b, "w", 12, numbers);
  }
  xai_buf deep = {0}; /* {model: {state_dict: {w}, net: 3}} */
  PK(&deep, "}");
  pk_text(&deep, "model");
  PK(&deep, "}");
  pk_text(&deep, "net");
  PK(&deep, "K\3s");
  pk_text(&deep, "state_dict");
  PK(&deep, "}");
  pk_entry(&deep, "w", &matrix, false);
  PK(&deep, "ss.");
  expect_one(pth_zip(deep, &floats, 1).b, "w", 12, numbers);
}

static void a_tensor_alone_is_called_data(void **state) {
  (void)state;
  xai_buf b = {0};
  pk_put(&b, &matrix, false);
  PK(&b, ".");
  expect_one(pth_zip(b, &floats, 1).b, "data", 12, numbers);
}

static void a_common_module_prefix_is_cut_off_and_told(void **state) {
  (void)state;
  for (int all = 0; all <= 1; all++) {
    xai_buf b = {0};
    PK(&b, "}");
    pk_entry(&b, "module.w", &matrix, false);
    pk_entry(&b, all ? "module.module.b" : "module.", &matrix, false);
    PK(&b, ".");
    xai_archive a = read_good(pth_zip(b, &floats, 1).b);
    assert_int_equal(a.n, 2);
    assert_string_equal(a.entries[0].name, all ? "w" : "module.w");
    assert_string_equal(a.entries[1].name, all ? "module.b" : "module.");
    assert_int_equal(a.n_meta, all);
    if (all) assert_string_equal(a.meta[0].key, "prefix");
    if (all) assert_string_equal(a.meta[0].value, "module.");
    xai_archive_free(&a);
  }
}

/* Call and arguments in other forms: _rebuild_tensor, parameters around it, torch.Size, _rebuild_tensor_v3. */
static void every_way_to_rebuild_a_tensor(void **state) {
  (void)state;
  for (int way = 0; way < 6; way++) {
    xai_buf b = {0};
    PK(&b, "}");
    pk_text(&b, "t");
    if (way == 1) PK(&b, "ctorch._utils\n_rebuild_parameter\n(");
    if (way == 2) PK(&b, "ctorch._utils\n_rebuild_parameter_with_state\n(");
    if (way == 3) PK(&b, "ctorch.nn.parameter\nParameter\n(");
    if (way <= 3) {
      PK(&b, "ctorch._utils\n_rebuild_tensor\n(");
      pk_storage(&b, &matrix, false);
      pk_layout(&b, &matrix);
      PK(&b, "tR");
    }
    if (way >= 1 && way <= 3) PK(&b, "\x88)t");
    if (way == 1 || way == 2) PK(&b, "R");
    if (way == 3)
      PK(&b, "\x81\x88\x89}\x87"
             "b");
    if (way == 4) {
      PK(&b, "ctorch._utils\n_rebuild_tensor_v2\n(");
      pk_storage(&b, &matrix, false);
      PK(&b, "K\0ctorch\nSize\nK\3K\4\x86\x85RK\4K\1\x86\x89)}tR");
    }
    if (way == 5) { /* 48 bytes without a type, of which the last eleven floats from the second on */
      const pk_tensor bytes = {"UntypedStorage", "0", 48, 1, 1, {11}, {1}};
      PK(&b, "ctorch._utils\n_rebuild_tensor_v3\n(");
      pk_storage(&b, &bytes, false);
      pk_layout(&b, &bytes);
      PK(&b, "\x89)ctorch\nfloat32\ntR");
    }
    PK(&b, "s.");
    expect_one(pth_zip(b, &floats, 1).b, "t", way == 5 ? 11 : 12, way == 5 ? numbers + 1 : numbers);
  }
}

static void every_storage_class_is_widened(void **state) {
  (void)state;
  static const struct {
    const char *class;
    unsigned char bytes[16];
    size_t size;
    xai_dtype becomes;
    double want[2];
  } cases[] = {
      {"FloatStorage", {0, 0, 0xC0, 0x3F, 0, 0, 0, 0xC0}, 4, XAI_F32, {1.5, -2}},
      {"DoubleStorage", {0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0xC0}, 8, XAI_F32, {1.5, -2}},
      {"HalfStorage", {0, 0x3E, 1, 0x80}, 2, XAI_F32, {1.5, -0x1p-24}},
      {"BFloat16Storage", {0xC0, 0x3F, 0, 0xC0}, 2, XAI_F32, {1.5, -2}},
      {"LongStorage",
       {1, 0, 0, 0, 1, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
       8,
       XAI_I64,
       {4294967297.0, -2}},
      {"IntStorage", {1, 2, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF}, 4, XAI_I32, {513, -2}},
      {"ShortStorage", {1, 2, 0xFE, 0xFF}, 2, XAI_I32, {513, -2}},
      {"CharStorage", {127, 0xFE}, 1, XAI_I32, {127, -2}},
      {"ByteStorage", {127, 0xFE}, 1, XAI_U8, {127, 254}},
      {"BoolStorage", {0, 7}, 1, XAI_BOOL, {0, 1}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int turned = 0; turned <= 1; turned++) { /* a stride of 2 over both elements, twice, makes a gather */
      const pk_tensor t = {cases[i].class, "0", 2, 0, 1 + turned, {2, 1 + turned}, {1, 0}};
      const zip_part part = {"x/data/0", cases[i].bytes, 2 * cases[i].size, false, true, false};
      xai_archive a = read_good(pth_zip(one(&t), &part, 1).b);
      const xai_view *v = xai_tensor_view(a.entries[0].tensor);
      assert_int_equal(v->dtype, cases[i].becomes);
      for (int k = 0; k < 2 * (1 + turned); k++)
        if (xai_view_get(v, k) != cases[i].want[k / (1 + turned)])
          fail_msg("%s: element %d is %g", cases[i].class, k, xai_view_get(v, k));
      xai_archive_free(&a);
    }
}

static void strides_are_gathered(void **state) {
  (void)state;
  const pk_tensor turned = {"FloatStorage", "0", 12, 0, 2, {4, 3}, {1, 4}},
                  middle = {"FloatStorage", "0", 12, 5, 2, {2, 2}, {4, 1}};
  const pk_tensor row = {"FloatStorage", "0", 12, 4, 3, {1, 4, 1}, {99, 1, 77}},
                  spread = {"FloatStorage", "0", 12, 2, 1, {4}, {0}};
  expect_one(one_in_zip(&turned), "t", 12, (const float[]){0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11});
  expect_one(one_in_zip(&middle), "t", 4, (const float[]){5, 6, 9, 10});
  expect_one(one_in_zip(&row), "t", 4, numbers + 4); /* strides of single steps mean nothing */
  expect_one(one_in_zip(&spread), "t", 4, (const float[]){2, 2, 2, 2});
}

static void aligned_floats_are_not_copied(void **state) {
  (void)state;
  int mapped = 0;
  for (size_t pad = 0; pad < 4; pad++) { /* a member in front moves the floats byte by byte */
    const zip_part parts[] = {{"x/pad", "xxx", pad, false, false, false}, floats};
    zip_file z = pth_zip(one(&matrix), parts, 2);
    size_t offset = z.data[2];
    xai_archive a = read_good(z.b);
    uintptr_t start = (uintptr_t)xai_tensor_view(a.entries[0].tensor)->data;
    expect_floats(&a, 0, "t", 12, numbers);
    assert_int_equal(start % 4, 0);
    if (offset % 4 == 0) assert_int_equal(start % 4096, offset % 4096); /* a mapping starts at a page */
    mapped += offset % 4 == 0;
    xai_archive_free(&a);
  }
  assert_int_equal(mapped, 1);
}

static void one_storage_may_have_many_tensors(void **state) {
  (void)state;
  for (int deflated = 0; deflated <= 1; deflated++) {
    zip_part part = floats;
    part.deflated = deflated;
    xai_buf b = {0};
    PK(&b, "}");
    pk_entry(&b, "all", &matrix, false);
    const pk_tensor tail = {"FloatStorage", "0", 12, 6, 1, {6}, {1}};
    pk_entry(&b, "tail", &tail, false);
    PK(&b, ".");
    xai_archive a = read_good(pth_zip(b, &part, 1).b);
    expect_floats(&a, 0, "all", 12, numbers);
    expect_floats(&a, 1, "tail", 6, numbers + 6);
    xai_archive_free(&a);
  }
}

/* ---- what is refused -------------------------------------------------------------------------------- */

static void tensors_that_leave_their_storage_are_refused(void **state) {
  (void)state;
  const pk_tensor bad[] = {{"FloatStorage", "0", 12, 1, 2, {3, 4}, {4, 1}},
                           {"FloatStorage", "0", 12, 12, 0, {0}, {0}},
                           {"FloatStorage", "0", 12, INT64_MAX, 1, {2}, {1}},
                           {"FloatStorage", "0", 12, 0, 1, {2}, {12}},
                           {"FloatStorage", "0", 12, 0, 1, {3}, {INT64_MAX}},
                           {"FloatStorage", "0", 12, 0, 2, {2, 2}, {INT64_MAX, INT64_MAX}}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    refuse(one_in_zip(&bad[i]), XAI_EFORMAT, "tensor 't': it reaches beyond the 12 elements of its storage");
  const pk_tensor negative[] = {{"FloatStorage", "0", 12, 4, 1, {2}, {-1}}, {"FloatStorage", "0", 12, 0, 1, {-2}, {1}}};
  for (int i = 0; i < 2; i++)
    refuse(one_in_zip(&negative[i]), XAI_EFORMAT, "its size and stride are not tuples of whole numbers");
  const pk_tensor before = {"FloatStorage", "0", 12, -1, 1, {2}, {1}},
                  huge = {"FloatStorage", "0", 12, 0, 2, {1 << 20, 1 << 20}, {0, 0}};
  refuse(one_in_zip(&before), XAI_EFORMAT, "the arguments of a tensor are malformed");
  refuse(one_in_zip(&huge), XAI_EFORMAT, "its shape 1048576x1048576 is too large");
  const pk_tensor nine = {"FloatStorage", "0", 12, 0, 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}};
  refuse(one_in_zip(&nine), XAI_EUNSUPPORTED, "it has 9 dimensions (at most 8)");
}

/* 2^24 floats out of one, and many smaller ones: 64 MiB and four times the file are the most. */
static void copies_are_charged_to_a_budget(void **state) {
  (void)state;
  const pk_tensor bomb = {"FloatStorage", "0", 12, 0, 2, {1 << 13, 1 << 12}, {0, 0}};
  refuse(one_in_zip(&bomb), XAI_EFORMAT,
         "tensor 't': copies of tensors exceed 67 MB (64 MiB and four times the file's size)");
  const pk_tensor part = {"FloatStorage", "0", 12, 0, 2, {1 << 11, 1 << 9}, {0, 1}};
  xai_buf b = {0};
  PK(&b, "}");
  for (int i = 0; i < 20; i++) {
    char name[10];
    snprintf(name, sizeof name, "t%d", i);
    pk_tensor t = part;
    t.numel = 512;
    pk_entry(&b, name, &t, false);
  }
  PK(&b, ".");
  static const float row[512];
  refuse(pth_zip(b, &(zip_part){"x/data/0", row, sizeof row, false, true, false}, 1).b, XAI_EFORMAT,
         "tensor 't16': copies of tensors exceed 67 MB");
}

static void storages_must_be_there_and_of_the_right_size(void **state) {
  (void)state;
  const pk_tensor missing = {"FloatStorage", "1", 12, 0, 1, {1}, {1}},
                  larger = {"FloatStorage", "0", 13, 0, 1, {1}, {1}};
  const pk_tensor smaller = {"FloatStorage", "0", 11, 0, 1, {1}, {1}},
                  wider = {"DoubleStorage", "0", 12, 0, 1, {1}, {1}};
  const pk_tensor overflow = {"DoubleStorage", "0", INT64_MAX, 0, 1, {1}, {1}},
                  outside = {"FloatStorage", "../data.pkl", 12, 0, 1, {1}, {1}};
  refuse(one_in_zip(&missing), XAI_EFORMAT, "tensor 't': storage '1' is missing (no member 'x/data/1')");
  refuse(one_in_zip(&larger), XAI_EFORMAT, "storage '0' has 48 bytes, expected 13 elements of 4");
  refuse(one_in_zip(&smaller), XAI_EFORMAT, "storage '0' has 48 bytes, expected 11 elements of 4");
  refuse(one_in_zip(&wider), XAI_EFORMAT, "storage '0' has 48 bytes, expected 12 elements of 8");
  refuse(one_in_zip(&overflow), XAI_EFORMAT, "expected 9223372036854775807 elements of 8");
  refuse(one_in_zip(&outside), XAI_EFORMAT, "storage '../data.pkl' is missing");
  zip_file z = pth_zip(one(&matrix), &floats, 1);
  z.b.data[z.data[1]] ^= 1;
  refuse(z.b, XAI_EFORMAT, "member 'x/data/0': its CRC-32 is ");
}

static xai_buf object(const char *bytes, size_t n) {
  xai_buf b = {0};
  xai_buf_add(&b, bytes, n);
  return pth_zip(b, &floats, 1).b;
}
#define OBJECT(bytes) object(bytes, sizeof bytes - 1)

static void calls_with_other_arguments_are_refused(void **state) {
  (void)state;
#define TENSOR(arguments) OBJECT("ctorch._utils\n_rebuild_tensor_v2\n(" arguments "tR.")
#define STORAGE "(U\7storagectorch\nFloatStorage\nU\0010U\3cpuK\14tQ"
  refuse(TENSOR(""), XAI_EFORMAT, "tensor 'data': damaged pickle: the arguments of a tensor are malformed");
  refuse(TENSOR("NK\0))\x89N"), XAI_EFORMAT, "the arguments of a tensor are malformed");
  refuse(TENSOR(STORAGE "N))\x89N"), XAI_EFORMAT, "the arguments of a tensor are malformed");
  refuse(TENSOR(STORAGE "K\0N)\x89N"), XAI_EFORMAT, "its size and stride are not tuples of whole numbers");
  refuse(TENSOR(STORAGE "K\0N\x85)\x89N"), XAI_EFORMAT, "its size and stride are not tuples of whole numbers");
  refuse(TENSOR(STORAGE "K\0K\1\x85)\x89N"), XAI_EFORMAT, "it has 1 sizes but 0 strides");
  refuse(TENSOR("NQK\0))\x89N"), XAI_EFORMAT, "a reference to a storage is malformed");
  refuse(TENSOR("(U\7storageNU\0010U\3cpuK\14tQK\0))\x89N"), XAI_EFORMAT, "a reference to a storage is malformed");
  refuse(TENSOR("(U\7storagectorch\nfloat32\nU\0010U\3cpuK\14tQK\0))\x89N"), XAI_EFORMAT,
         "a reference to a storage is malformed");
  refuse(TENSOR("(U\7storagectorch\nFloatStorage\nU\0010U\3cpuNtQK\0))\x89N"), XAI_EFORMAT,
         "a reference to a storage is malformed");
  refuse(TENSOR("(U\6moduleNNNNtQK\0))\x89N"), XAI_EUNSUPPORTED,
         "this is a whole module, not weights: in PyTorch, torch.save(model.state_dict(), 'x.pth')");
  refuse(OBJECT("ctorch._utils\n_rebuild_tensor_v3\n(" STORAGE "K\0))\x89NNtR."), XAI_EFORMAT,
         "it has no element type");
  refuse(OBJECT("ctorch.nn.parameter\nParameter\nN\x85R."), XAI_EFORMAT, "the arguments of a tensor are malformed");
  xai_buf b = {0}; /* parameters in parameters */
  for (int i = 0; i < 20; i++) PK(&b, "ctorch.nn.parameter\nParameter\n");
  pk_put(&b, &matrix, false);
  for (int i = 0; i < 20; i++) PK(&b, "\x85R");
  PK(&b, ".");
  refuse(pth_zip(b, &floats, 1).b, XAI_EFORMAT, "the arguments of a tensor are malformed");
}

static void objects_without_tensors_are_refused_with_what_they_have(void **state) {
  (void)state;
  refuse(OBJECT("N."), XAI_EUNSUPPORTED,
         "neither a tensor nor a dictionary of tensors: in PyTorch, torch.save(model.state_dict(), 'x.pth')");
  refuse(OBJECT("]."), XAI_EUNSUPPORTED, "neither a tensor nor a dictionary of tensors");
  refuse(OBJECT("}."), XAI_EUNSUPPORTED,
         "no tensors in it (expected a state_dict, or one under state_dict, model, model_state_dict or net)");
  refuse(OBJECT("}(U\1G}U\1D}K\1Nu."), XAI_EUNSUPPORTED, "; it has 'G' 'D'");
  refuse(OBJECT("}q\0U\5modelh\0s."), XAI_EFORMAT, "dictionaries nested deeper than 8");
  refuse(OBJECT("N.N."), XAI_EFORMAT, "2 bytes after the pickle in 'x/data.pkl'");
  refuse(OBJECT("c__main__\nNet\n."), XAI_EUNSUPPORTED, "__main__.Net is a whole module, not weights");
}

static void names_must_be_text_and_differ(void **state) {
  (void)state;
  static const struct {
    const char *key;
    size_t n;
    const char *message;
  } cases[] = {{"K\1", 2, "a tensor whose name is not a string"},
               {"U\3a\0b", 5, "a tensor whose name holds NUL or is no UTF-8"},
               {"U\1\xff", 3, "a tensor whose name holds NUL or is no UTF-8"},
               {"U\1t", 3, "tensor 't' is given twice"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    xai_buf b = {0};
    PK(&b, "}");
    pk_entry(&b, "t", &matrix, false);
    xai_buf_add(&b, cases[i].key, cases[i].n);
    pk_put(&b, &matrix, false);
    PK(&b, "s.");
    refuse(pth_zip(b, &floats, 1).b, i == 0 ? XAI_EUNSUPPORTED : XAI_EFORMAT, cases[i].message);
  }
}

static void too_many_tensors_are_refused(void **state) {
  (void)state;
  xai_buf b = {0}, key = {0};
  PK(&b, "}");
  pk_text(&b, "t0");
  pk_put(&b, &matrix, false);
  PK(&b, "q\0s");
  for (int i = 1; i <= 65536; i++) {
    char name[10];
    snprintf(name, sizeof name, "t%d", i);
    pk_text(&b, name);
    PK(&b, "h\0s");
  }
  PK(&b, ".");
  xai_buf_free(&key);
  refuse(pth_zip(b, &floats, 1).b, XAI_EFORMAT, "more than 65536 tensors");
}

static void archives_of_other_kinds_are_refused(void **state) {
  (void)state;
  const struct {
    zip_part more;
    xai_status st;
    const char *message;
  } cases[] = {
      {{"x/constants.pkl", "N.", 2, false, false, false},
       XAI_EUNSUPPORTED,
       "a TorchScript archive, not weights: in PyTorch, torch.save(torch.jit.load('x.pt').state_dict(), 'x.pth')"},
      {{"x/code/__torch__.py", "", 0, false, false, false}, XAI_EUNSUPPORTED, "a TorchScript archive"},
      {{"y/data.pkl", "N.", 2, false, false, false}, XAI_EFORMAT, "two objects: 'x/data.pkl' and 'y/data.pkl'"},
      {{"x/byteorder", "big", 3, false, false, false},
       XAI_EUNSUPPORTED,
       "its bytes are in big-endian order (expected little)"},
      {{"x/byteorder", "odd", 3, false, false, false}, XAI_EFORMAT, "its byteorder is 'odd' (expected little)"},
      {{"x/byteorder", "123456789012345678901234", 24, false, false, false},
       XAI_EFORMAT,
       "its byteorder is 24 bytes long"},
      {{"x/version", "11\n", 3, false, false, false},
       XAI_EUNSUPPORTED,
       "version '11' of the .pth format (expected 1 to 10)"},
      {{"x/version", "three", 5, false, false, false}, XAI_EUNSUPPORTED, "version 'three'"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    zip_part parts[] = {floats, cases[i].more};
    refuse(pth_zip(one(&matrix), parts, 2).b, cases[i].st, cases[i].message);
  }
  zip_part good[] = {floats,
                     {"x/byteorder", "little", 6, true, false, false},
                     {"x/version", "3\n", 2, false, false, false},
                     {"elsewhere/constants.pkl", "", 0, false, false, false}};
  expect_one(pth_zip(one(&matrix), good, 4).b, "t", 12, numbers);
  refuse(zip_build(&(zip_part){"readme.txt", "x", 1, false, false, false}, 1, false, "").b, XAI_EUNSUPPORTED,
         "a zip archive without weights: no member '.../data.pkl' as in .pth and no '.npy' as in .npz");
  static unsigned char tar[1024] = "sys_info";
  memcpy(tar + 257, "ustar", 5);
  put_file(scratch("old.pth"), tar, sizeof tar);
  xai_err err;
  assert_int_equal(read_and_free(scratch("old.pth"), &err), XAI_EUNSUPPORTED);
  assert_non_null(strstr(err.text, "a tar archive; if it is a checkpoint of PyTorch 0.1, load it there and "
                                   "torch.save(model.state_dict(), 'x.pth')"));
}

/* ---- before 1.6 ------------------------------------------------------------------------------------- */

/* The list of keys and both storages: "b" of two int64 first, then "a" of twelve floats. */
static xai_buf tail(const char *first, const char *second, int64_t count) {
  static const int64_t longs[] = {7, -8};
  xai_buf b = {0};
  PK(&b, "\x80\2](");
  pk_text(&b, first);
  pk_text(&b, second);
  PK(&b, "e.");
  zip_number(&b, 2, 8);
  xai_buf_add(&b, longs, sizeof longs);
  zip_number(&b, (uint64_t)count, 8);
  xai_buf_add(&b, numbers, sizeof numbers);
  return b;
}

static xai_buf legacy_object(const char *class, int64_t numel) {
  const pk_tensor t = {class, "a", numel, 0, 2, {3, 4}, {4, 1}}, counts = {"LongStorage", "b", 2, 1, 0, {0}, {0}};
  xai_buf b = {0};
  PK(&b, "\x80\2}");
  pk_entry(&b, "w", &t, true);
  pk_entry(&b, "n", &counts, true);
  pk_entry(&b, "again", &t, true);
  PK(&b, ".");
  return b;
}

static void files_before_1_6_are_read(void **state) {
  (void)state;
  xai_archive a = read_good(pth_legacy(legacy_object("FloatStorage", 12), tail("b", "a", 12)));
  assert_int_equal(a.n, 3);
  expect_floats(&a, 0, "w", 12, numbers);
  expect_floats(&a, 2, "again", 12, numbers);
  assert_int_equal(xai_tensor_view(a.entries[1].tensor)->dtype, XAI_I64);
  assert_true(xai_view_get(xai_tensor_view(a.entries[1].tensor), 0) == -8);
  xai_archive_free(&a);
}

/* The sixth item of a reference: (key, first element, elements). */
static xai_buf with_view(const char *view, size_t n, int64_t offset) {
  const pk_tensor t = {"FloatStorage", "a", 12, offset, 1, {4}, {1}};
  xai_buf b = {0}, keys = {0};
  PK(&b, "\x80\2ctorch._utils\n_rebuild_tensor\n((U\7storagectorch\nFloatStorage\nU\1aU\3cpuK\14");
  xai_buf_add(&b, view, n);
  PK(&b, "tQ");
  pk_layout(&b, &t);
  PK(&b, "tR.");
  PK(&keys, "]U\1aa.");
  zip_number(&keys, 12, 8);
  xai_buf_add(&keys, numbers, sizeof numbers);
  return pth_legacy(b, keys);
}

static void views_of_storages_are_read(void **state) {
  (void)state;
  expect_one(with_view("U\1vK\4K\5\x87", 8, 1), "data", 4, numbers + 5);
  refuse(with_view("U\1vK\4K\5\x87", 8, 2), XAI_EFORMAT, "it reaches beyond the 5 elements of its storage");
  refuse(with_view("U\1vK\10K\5\x87", 8, 0), XAI_EFORMAT, "a reference to a storage is malformed");
  refuse(with_view("U\1vK\15K\0\x87", 8, 0), XAI_EFORMAT, "a reference to a storage is malformed");
  refuse(with_view("K\4K\5\x86", 5, 0), XAI_EFORMAT, "a reference to a storage is malformed");
}

static void other_pickles_are_refused(void **state) {
  (void)state;
  const struct {
    const char *bytes;
    size_t n;
    xai_status st;
    const char *message;
  } cases[] = {
#define CASE(bytes) bytes, sizeof bytes - 1
      {CASE("\x80\2N."), XAI_EUNSUPPORTED,
       "a Python pickle, but not a checkpoint of PyTorch (it does not start with its magic number)"},
      {CASE("\x80\2\x8a\12\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x18."), XAI_EUNSUPPORTED,
       "a Python pickle, but not a checkpoint of PyTorch"},
      {CASE("\x80\2cnumpy.core.multiarray\n_reconstruct\n."), XAI_EUNSUPPORTED,
       "it needs 'numpy.core.multiarray._reconstruct'"},
#define MAGIC "\x80\2\x8a\12\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
      {CASE(MAGIC "M\xea\3."), XAI_EUNSUPPORTED, "another version of PyTorch's format than 1001"},
      {CASE(MAGIC "M\xe9\3.}U\15little_endian\x89s."), XAI_EUNSUPPORTED,
       "its bytes are in big-endian order (expected little)"},
      {CASE(MAGIC "M\xe9\3.}.ctorch.nn.modules.container\nSequential\n."), XAI_EUNSUPPORTED,
       "torch.nn.modules.container.Sequential is a whole module, not weights"},
      {CASE(MAGIC "M\xe9\3.}.(U\6moduleNNNtQ."), XAI_EUNSUPPORTED,
       "this is a whole module, not weights: in PyTorch, torch.save(model.state_dict(), 'x.pth')"},
      {CASE(MAGIC "M\xe9\3.}.NNN."), XAI_EFORMAT, "damaged pickle"},
      {CASE(MAGIC "M\xe9\3.}.}."), XAI_EFORMAT, "damaged pickle: it ends in the middle"},
      {CASE(MAGIC "M\xe9\3.}.}.N."), XAI_EFORMAT, "damaged pickle: expected a list of the 0 storages"},
      {CASE(MAGIC "M\xe9\3.}.}.]."), XAI_EUNSUPPORTED, "no tensors in it"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    xai_buf b = {0};
    xai_buf_add(&b, cases[i].bytes, cases[i].n);
    refuse(b, cases[i].st, cases[i].message);
  }
}

static void storages_must_follow_as_listed(void **state) {
  (void)state;
  refuse(pth_legacy(legacy_object("FloatStorage", 12), tail("b", "b", 12)), XAI_EFORMAT,
         "its list of storages names one that no tensor has, or one twice");
  refuse(pth_legacy(legacy_object("FloatStorage", 12), tail("b", "c", 12)), XAI_EFORMAT,
         "its list of storages names one that no tensor has, or one twice");
  refuse(pth_legacy(legacy_object("FloatStorage", 12), tail("b", "a", 13)), XAI_EFORMAT,
         "storage 'a' has 13 elements, expected 12");
  refuse(pth_legacy(legacy_object("DoubleStorage", 12), tail("b", "a", 12)), XAI_EFORMAT,
         "the file ends inside storage 'a' (is it cut off?)");
  refuse(pth_legacy(legacy_object("FloatStorage", INT64_MAX), tail("b", "a", INT64_MAX)), XAI_EFORMAT,
         "the file ends inside storage 'a'");
  xai_buf longer = tail("b", "a", 12);
  PK(&longer, "xyz");
  refuse(pth_legacy(legacy_object("FloatStorage", 12), longer), XAI_EFORMAT, "3 bytes after the last storage");
  const pk_tensor t = {"FloatStorage", "b", 2, 0, 1, {1}, {1}}, counts = {"LongStorage", "b", 2, 1, 0, {0}, {0}};
  xai_buf two = {0};
  PK(&two, "}");
  pk_entry(&two, "w", &t, true);
  pk_entry(&two, "n", &counts, true);
  PK(&two, ".");
  refuse(pth_legacy(two, tail("b", "a", 12)), XAI_EFORMAT, "storage 'b' is mentioned with two sizes");
}

/* ---- damage and faults ------------------------------------------------------------------------------ */

static xai_buf zip_sample(void) {
  const pk_tensor turned = {"HalfStorage", "0", 24, 1, 2, {4, 3}, {1, 4}};
  xai_buf b = {0};
  PK(&b, "}");
  pk_text(&b, "net");
  PK(&b, "}");
  pk_entry(&b, "module.t", &turned, false);
  PK(&b, "s.");
  zip_part parts[] = {floats, {"x/version", "3\n", 2, true, false, false}};
  parts[0].deflated = true;
  return pth_zip(b, parts, 2).b;
}

static void every_cut_and_every_wrong_byte_is_survived(void **state) {
  (void)state;
  for (int legacy = 0; legacy <= 1; legacy++) {
    xai_buf b = legacy ? pth_legacy(legacy_object("FloatStorage", 12), tail("b", "a", 12)) : zip_sample();
    each_cut_is_refused(read_and_free, scratch("cut.pth"), b.data, b.size, b.size);
    each_byte_fault_is_survived(read_and_free, scratch("fault.pth"), b.data, b.size);
    xai_buf_free(&b);
  }
}

/* Damage inside the pickle behind a checksum that fits: the machine and the reader have to see it themselves. */
static void wrong_bytes_behind_a_right_checksum_are_survived(void **state) {
  (void)state;
  xai_buf sound = one(&matrix);
  for (size_t i = 0; i < sound.size; i++) {
    const unsigned char values[] = {0x00, 0x7F, 0x80, 0xFF, sound.data[i] ^ 1};
    for (size_t v = 0; v < sizeof values; v++) {
      xai_buf b = {0};
      xai_err err = {""};
      xai_buf_add(&b, sound.data, sound.size);
      b.data[i] = values[v];
      const char *path = put(pth_zip(b, &floats, 1).b);
      size_t before = xai_mem_live();
      if (read_and_free(path, &err) != XAI_OK) assert_int_equal(strncmp(err.text, path, strlen(path)), 0);
      assert_int_equal(xai_mem_live(), before);
    }
  }
  xai_buf_free(&sound);
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  each_allocation_fails(read_and_free, put(zip_sample()));
  each_allocation_fails(read_and_free, put(pth_legacy(legacy_object("FloatStorage", 12), tail("b", "a", 12))));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_plain_state_dict_is_read_in_its_order),
      cmocka_unit_test(wrappers_are_opened_and_the_rest_is_skipped),
      cmocka_unit_test(a_tensor_alone_is_called_data),
      cmocka_unit_test(a_common_module_prefix_is_cut_off_and_told),
      cmocka_unit_test(every_way_to_rebuild_a_tensor),
      cmocka_unit_test(every_storage_class_is_widened),
      cmocka_unit_test(strides_are_gathered),
      cmocka_unit_test(aligned_floats_are_not_copied),
      cmocka_unit_test(one_storage_may_have_many_tensors),
      cmocka_unit_test(tensors_that_leave_their_storage_are_refused),
      cmocka_unit_test(copies_are_charged_to_a_budget),
      cmocka_unit_test(storages_must_be_there_and_of_the_right_size),
      cmocka_unit_test(calls_with_other_arguments_are_refused),
      cmocka_unit_test(objects_without_tensors_are_refused_with_what_they_have),
      cmocka_unit_test(names_must_be_text_and_differ),
      cmocka_unit_test(too_many_tensors_are_refused),
      cmocka_unit_test(archives_of_other_kinds_are_refused),
      cmocka_unit_test(files_before_1_6_are_read),
      cmocka_unit_test(views_of_storages_are_read),
      cmocka_unit_test(other_pickles_are_refused),
      cmocka_unit_test(storages_must_follow_as_listed),
      cmocka_unit_test(every_cut_and_every_wrong_byte_is_survived),
      cmocka_unit_test(wrong_bytes_behind_a_right_checksum_are_survived),
      cmocka_unit_test(every_failing_allocation_is_survived),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
