/* safetensors: what is read, what is refused and why, what is written. */
#include "scratch.h"

#include <math.h>

#include "formats/formats.h"

/* A file of the header and n data bytes 0, 1, 2, ... */
static size_t build(unsigned char *out, const char *header, size_t n) {
  size_t length = strlen(header);
  for (int i = 0; i < 8; i++) out[i] = (unsigned char)(length >> 8 * i);
  memcpy(out + 8, header, length);
  for (size_t i = 0; i < n; i++) out[8 + length + i] = (unsigned char)i;
  return 8 + length + n;
}

static const char *put_model(const char *header, size_t n) {
  static unsigned char bytes[70000];
  const char *path = scratch("m.safetensors");
  put_file(path, bytes, build(bytes, header, n));
  return path;
}

static void expect_refused(const char *header, size_t n, xai_status want, const char *text) {
  xai_archive a = {0};
  xai_err err = {""};
  const char *path = put_model(header, n);
  size_t before = xai_mem_live();
  xai_status st = xai_archive_read(path, &a, &err);
  if (st != want || strstr(err.text, text) == NULL || strncmp(err.text, path, strlen(path)) != 0)
    fail_msg("%s: status %d, '%s', expected '%s'", header, (int)st, err.text, text);
  assert_int_equal(a.n + a.n_meta, 0);
  assert_null(a.entries);
  assert_int_equal(xai_mem_live(), before);
}

static void read_model(const char *path, xai_archive *a) {
  xai_err err;
  *a = (xai_archive){0};
  if (xai_archive_read(path, a, &err) != XAI_OK) fail_msg("%s", err.text);
}

static const xai_view *find(const xai_archive *a, const char *name) {
  for (size_t i = 0; i < a->n; i++)
    if (strcmp(a->entries[i].name, name) == 0) return xai_tensor_view(a->entries[i].tensor);
  fail_msg("no tensor '%s'", name);
  return NULL;
}

/* ---- reading
 * --------------------------------------------------------------------------------------------------------- */

static void names_shapes_and_metadata_are_read_in_the_headers_order(void **state) {
  (void)state;
  xai_archive a;
  read_model(put_model("{\"b\":{\"dtype\":\"U8\",\"shape\":[2,3],\"data_offsets\":[1,7]} ,\n"
                       "\"__metadata__\":{\"format\":\"pt\",\"\\u00e4\\n\":\"\"},"
                       "\"a\\\"{\":{\"shape\":[],\"extra\":[{\"x\":null}],\"data_offsets\":[0,1],\"dtype\":\"U8\"}}   ",
                       7),
             &a);
  assert_int_equal(a.n, 2);
  assert_string_equal(a.entries[0].name, "b");
  assert_string_equal(a.entries[1].name, "a\"{");
  const xai_view *b = find(&a, "b"), *scalar = find(&a, "a\"{");
  assert_int_equal(b->shape.rank, 2);
  assert_int_equal(b->shape.dims[1], 3);
  for (int i = 0; i < 6; i++) assert_int_equal(((const uint8_t *)b->data)[i], i + 1);
  assert_int_equal(scalar->shape.rank, 0);
  assert_int_equal(*(const uint8_t *)scalar->data, 0);
  assert_int_equal(a.n_meta, 2);
  assert_string_equal(a.meta[0].key, "format");
  assert_string_equal(a.meta[0].value, "pt");
  assert_string_equal(a.meta[1].key, "\xC3\xA4\n");
  xai_archive_free(&a);
}

static void empty_archives_and_empty_tensors_are_read(void **state) {
  (void)state;
  xai_archive a;
  read_model(put_model("{}", 0), &a);
  assert_int_equal(a.n, 0);
  xai_archive_free(&a);
  read_model(
      put_model(
          "{\"x\":{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[0,0]},\"y\":{\"dtype\":\"U8\",\"shape\":[1],"
          "\"data_offsets\":[0,1]},\"z\":{\"dtype\":\"I64\",\"shape\":[0],\"data_offsets\":[1,1]}}",
          1),
      &a);
  assert_int_equal(a.n, 3);
  xai_archive_free(&a);
}

/* Two elements of each type by hand, little-endian. */
static void every_dtype_becomes_what_was_promised(void **state) {
  (void)state;
  static const struct {
    const char *dtype;
    size_t size;
    unsigned char bytes[16];
    xai_dtype becomes;
    double first, second;
  } cases[] = {
      {"F32", 4, {0, 0, 0xC0, 0x3F, 0, 0, 0, 0xC0}, XAI_F32, 1.5, -2},
      {"F16", 2, {0x00, 0x3E, 0x01, 0x80}, XAI_F32, 1.5, -0x1p-24},
      {"BF16", 2, {0xC0, 0x3F, 0x00, 0xC0}, XAI_F32, 1.5, -2},
      {"F64", 8, {0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0xC0}, XAI_F32, 1.5, -2},
      {"I64", 8, {1, 0, 0, 0, 1, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, XAI_I64, 4294967297.0, -2},
      {"I32", 4, {1, 2, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF}, XAI_I32, 513, -2},
      {"I16", 2, {1, 2, 0xFE, 0xFF}, XAI_I32, 513, -2},
      {"I8", 1, {127, 0xFE}, XAI_I32, 127, -2},
      {"U32", 4, {0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0}, XAI_I64, 4294967295.0, 1},
      {"U16", 2, {0xFF, 0xFF, 1, 0}, XAI_I32, 65535, 1},
      {"U8", 1, {255, 1}, XAI_U8, 255, 1},
      {"BOOL", 1, {0, 7}, XAI_BOOL, 0, 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int pad = 0; pad < 8; pad++) { /* the header's length decides where the elements lie: any address will do */
      unsigned char bytes[300];
      char header[200];
      size_t size = cases[i].size;
      snprintf(header, sizeof header, "{\"x\":{\"dtype\":\"%s\",\"shape\":[2],\"data_offsets\":[0,%zu]}}%.*s",
               cases[i].dtype, 2 * size, pad, "        ");
      size_t n = build(bytes, header, 2 * size);
      memcpy(bytes + n - 2 * size, cases[i].bytes, 2 * size);
      put_file(scratch("m.safetensors"), bytes, n);
      xai_archive a;
      read_model(scratch("m.safetensors"), &a);
      const xai_view *v = find(&a, "x");
      assert_int_equal(v->dtype, cases[i].becomes);
      assert_true(xai_view_get(v, 0) == cases[i].first && xai_view_get(v, 1) == cases[i].second);
      xai_archive_free(&a);
    }
}

static void aligned_floats_are_not_copied(void **state) {
  (void)state;
  xai_archive a;
  /* 8 + 56 bytes before the elements */
  const char *header = "{\"x\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}} ";
  assert_int_equal(strlen(header) % 4, 0);
  size_t before = xai_mem_live();
  read_model(put_model(header, 12), &a);
  assert_true(xai_tensor_shared(a.entries[0].tensor));
  uint32_t bits;
  memcpy(&bits, xai_tensor_view(a.entries[0].tensor)->data, 4);
  assert_int_equal(bits, 0x03020100);
  xai_archive_free(&a);
  assert_int_equal(xai_mem_live(), before);
}

/* ---- refusing
 * ---------------------------------------------------------------------------------------------------------- */

#define ENTRY(dtype, shape, offsets) "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void ranges_must_fill_the_data_exactly(void **state) {
  (void)state;
  expect_refused("{\"x\":" ENTRY("U8", "[2]", "[1,3]") "}", 3, XAI_EFORMAT,
                 "tensor 'x' lies at 1..3, expected a start at 0");
  expect_refused("{\"x\":" ENTRY("U8", "[2]", "[0,2]") ",\"y\":" ENTRY("U8", "[2]", "[1,3]") "}", 3, XAI_EFORMAT,
                 "tensor 'y' lies at 1..3");
  expect_refused("{\"x\":" ENTRY("U8", "[2]", "[0,2]") ",\"y\":" ENTRY("U8", "[2]", "[0,2]") "}", 2, XAI_EFORMAT,
                 "tensor 'y' lies at 0..2");
  expect_refused("{\"x\":" ENTRY("U8", "[2]", "[0,2]") "}", 3, XAI_EFORMAT, "1 bytes of data belong to no tensor");
  expect_refused("{}", 3, XAI_EFORMAT, "3 bytes of data belong to no tensor");
  expect_refused("{\"x\":" ENTRY("U8", "[2]", "[0,2]") "}", 1, XAI_EFORMAT, "(is the file cut off?)");
  expect_refused("{\"x\":" ENTRY("U8", "[2]", "[0,3]") "}", 3, XAI_EFORMAT,
                 "tensor 'x': it has 3 bytes, but its shape and dtype need 2");
}

static void names_may_not_repeat(void **state) {
  (void)state;
  expect_refused("{\"x\":" ENTRY("U8", "[1]", "[0,1]") ",\"y\":" ENTRY("U8", "[1]", "[1,2]") ",\"x\":" ENTRY(
                     "U8", "[1]", "[2,3]") "}",
                 3, XAI_EFORMAT, "tensor 'x' is given twice");
  expect_refused("{\"x\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, XAI_EFORMAT,
                 "tensor 'x': its dtype is given twice");
  expect_refused("{\"__metadata__\":{\"a\":\"1\",\"b\":\"\",\"a\":\"2\"}}", 0, XAI_EFORMAT,
                 "__metadata__: 'a' is given twice");
  expect_refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, XAI_EFORMAT, "__metadata__ is given twice");
}

static void entries_must_be_complete_and_sane(void **state) {
  (void)state;
  expect_refused("{\"x\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, XAI_EFORMAT, "tensor 'x': its dtype is missing");
  expect_refused("{\"x\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, XAI_EFORMAT, "its shape is missing");
  expect_refused("{\"x\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, XAI_EFORMAT, "its data_offsets is missing");
  expect_refused("{\"x\":5}", 1, XAI_EFORMAT, "tensor 'x': its description is not an object");
  expect_refused("{\"x\":" ENTRY("F8_E4M3", "[1]", "[0,1]") "}", 1, XAI_EUNSUPPORTED,
                 "tensor 'x': its dtype 'F8_E4M3' is not supported (expected one of F32 F16");
  expect_refused("{\"x\":" ENTRY("U64", "[1]", "[0,8]") "}", 8, XAI_EUNSUPPORTED, "its dtype 'U64' is not supported");
  expect_refused("{\"x\":{\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, XAI_EFORMAT,
                 "its dtype is not a string");
  expect_refused("{\"x\":" ENTRY("U8", "3", "[0,3]") "}", 3, XAI_EFORMAT, "its shape is not a list");
  expect_refused("{\"x\":" ENTRY("U8", "[-1]", "[0,1]") "}", 1, XAI_EFORMAT,
                 "its shape holds something else than whole numbers");
  expect_refused("{\"x\":" ENTRY("U8", "[1.5]", "[0,1]") "}", 1, XAI_EFORMAT, "its shape holds something else");
  expect_refused("{\"x\":" ENTRY("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1, XAI_EUNSUPPORTED,
                 "it has more than 8 dimensions");
  expect_refused("{\"x\":" ENTRY("U8", "[4294967296,4294967296]", "[0,0]") "}", 0, XAI_EFORMAT,
                 "its shape 4294967296x4294967296 is too large");
  expect_refused("{\"x\":" ENTRY("U8", "[1]", "[0]") "}", 1, XAI_EFORMAT,
                 "its data_offsets are not two whole numbers in order");
  expect_refused("{\"x\":" ENTRY("U8", "[1]", "[1,0]") "}", 1, XAI_EFORMAT, "its data_offsets are not");
  expect_refused("{\"x\":" ENTRY("U8", "[1]", "[0,1e400]") "}", 1, XAI_EFORMAT, "its data_offsets are not");
  /* 2^53 + 1 would be rounded */
  expect_refused("{\"x\":" ENTRY("U8", "[1]", "[9007199254740992,9007199254740993]") "}", 1, XAI_EFORMAT,
                 "its data_offsets are not");
  expect_refused("{\"__metadata__\":{\"a\":1}}", 0, XAI_EFORMAT, "__metadata__: the header is not valid JSON");
}

static void a_header_that_is_no_json_object_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"{\"x\"}",
                                    "{\"x\":}",
                                    "{\"__metadata__\":{},}",
                                    "{,}",
                                    "{\"x\" 1}",
                                    "{}x",
                                    "{}{}",
                                    "{\"x\":{}",
                                    "{\"x",
                                    "{\"x\\",
                                    "{x:{}}",
                                    "{\"x\":[}]}",
                                    "{\"\xFF\":{}}",
                                    "{\"x\":1 2}",
                                    "{1:{}}",
                                    "{\"a\"\"b\":{}}",
                                    "{\"x\":{\"dtype\":\"U8\"]}}",
                                    "{\"\\q\":{}}"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    expect_refused(bad[i], 0, XAI_EFORMAT, "the header is not valid JSON");
}

static void deep_and_endless_headers_are_refused(void **state) {
  (void)state;
  static char header[66000];
  strcpy(header, "{\"x\":");
  memset(header + 5, '[', 60000);
  strcpy(header + 60005, "}");
  expect_refused(header, 0, XAI_EFORMAT, "not valid JSON");
  memset(header + 5, '[', 30000);
  memset(header + 30005, ']', 30000);
  expect_refused(header, 0, XAI_EFORMAT, "not valid JSON");
  memset(header + 5, ' ', 65900);
  header[5] = '{';
  strcpy(header + 65905, "}}");
  expect_refused(header, 0, XAI_EFORMAT, "the description of tensor 'x' is too long");
}

static void a_false_length_is_refused(void **state) {
  (void)state;
  xai_archive a = {0};
  xai_err err;
  unsigned char bytes[] = {200, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
  put_file(scratch("m.safetensors"), bytes, sizeof bytes);
  assert_int_equal(xai_archive_read(scratch("m.safetensors"), &a, &err), XAI_EFORMAT);
  assert_non_null(strstr(err.text, "the file ends inside its header of 200 bytes"));
  bytes[3] = 2; /* 32 MiB */
  put_file(scratch("m.safetensors"), bytes, sizeof bytes);
  assert_int_equal(xai_archive_read(scratch("m.safetensors"), &a, &err), XAI_EFORMAT);
  assert_non_null(strstr(err.text, "a header of 33554632 bytes (at most 16777216)"));
}

/* ---- writing
 * ------------------------------------------------------------------------------------------------------------- */

static void add(xai_archive *a, const char *name, xai_dtype dtype, xai_shape shape, const void *data) {
  xai_view v = {dtype, shape, NULL};
  xai_tensor *t;
  xai_err err;
  memcpy(&v.data, &data, sizeof data); /* borrowed, only read */
  assert_int_equal(xai_tensor_copy(&v, &t, &err), XAI_OK);
  assert_int_equal(xai_archive_add(a, name, t, &err), XAI_OK);
  xai_tensor_free(t);
}

static xai_archive sample(void) {
  xai_archive a = {0};
  xai_err err;
  add(&a, "mask", XAI_BOOL, XAI_SHAPE(3), (const uint8_t[]){1, 0, 1});
  add(&a, "b.weight", XAI_F32, XAI_SHAPE(2, 2), (const float[]){1, -2, 3.5F, 0});
  add(&a, "a.weight", XAI_F32, XAI_SHAPE(1), (const float[]){9});
  add(&a, "step", XAI_I64, (xai_shape){0}, (const int64_t[]){INT64_C(1) << 40});
  add(&a, "bytes", XAI_U8, XAI_SHAPE(2), (const uint8_t[]){255, 3});
  add(&a, "ints", XAI_I32, XAI_SHAPE(0, 2), NULL);
  add(&a, "odd \"\\\n\x01 \xC3\xA4", XAI_I32, XAI_SHAPE(1), (const int32_t[]){-5});
  assert_int_equal(xai_archive_add_meta(&a, "made \"by\"", "us\n", &err), XAI_OK);
  return a;
}

static void what_is_written_comes_back(void **state) {
  (void)state;
  xai_err err;
  xai_archive a = sample(), b;
  assert_int_equal(xai_archive_write(scratch("w.safetensors"), &a, &err), XAI_OK);
  read_model(scratch("w.safetensors"), &b);
  assert_int_equal(b.n, a.n);
  for (size_t i = 0; i < a.n; i++) {
    const xai_view *v = xai_tensor_view(a.entries[i].tensor), *w = find(&b, a.entries[i].name);
    assert_int_equal(v->dtype, w->dtype);
    assert_true(xai_shape_equal(&v->shape, &w->shape));
    assert_memory_equal(v->data, w->data, xai_view_bytes(v));
  }
  assert_int_equal(b.n_meta, 1);
  assert_string_equal(b.meta[0].key, "made \"by\"");
  assert_string_equal(b.meta[0].value, "us\n");
  xai_archive_free(&a);
  xai_archive_free(&b);
}

static void the_file_is_laid_out_as_the_reference_does(void **state) {
  (void)state;
  xai_err err;
  xai_archive a = sample(), b;
  size_t n;
  assert_int_equal(xai_archive_write(scratch("w.safetensors"), &a, &err), XAI_OK);
  unsigned char *bytes = get_file(scratch("w.safetensors"), &n);
  size_t header = bytes[0] + 256U * bytes[1];
  assert_int_equal(header % 8, 0);
  assert_int_equal(n, 8 + header + 8 + 16 + 4 + 4 + 2 + 3); /* no gap */
  free(bytes);
  read_model(scratch("w.safetensors"), &b);
  static const char *const order[] = {"step",  "a.weight", "b.weight", "ints", "odd \"\\\n\x01 \xC3\xA4",
                                      "bytes", "mask"};
  for (int i = 0; i < 7; i++) assert_string_equal(b.entries[i].name, order[i]);
  for (int i = 1; i < 5; i++) assert_true(xai_tensor_shared(b.entries[i].tensor)); /* all aligned */
  xai_archive_free(&a);
  xai_archive_free(&b);
}

/* Half the bytes: 6 numbers of 2, and integers as they are. 2049 lies between the halves 2048 and 2050. */
static void float32_may_be_written_as_float16(void **state) {
  (void)state;
  const float v[] = {1, -0.5F, 2049, 65504, 0x1p-24F, 0};
  const float want[] = {1, -0.5F, 2048, 65504, 0x1p-24F, 0};
  const int64_t n[] = {7};
  xai_archive a = {.halves = true}, back = {0};
  xai_tensor *t = NULL, *i = NULL;
  xai_err err = {""};
  assert_int_equal(xai_tensor_copy(&(xai_view){XAI_F32, XAI_SHAPE(2, 3), (void *)v}, &t, &err), XAI_OK);
  assert_int_equal(xai_tensor_copy(&(xai_view){XAI_I64, XAI_SHAPE(1), (void *)n}, &i, &err), XAI_OK);
  assert_int_equal(xai_archive_add(&a, "w", t, &err), XAI_OK);
  assert_int_equal(xai_archive_add(&a, "n", i, &err), XAI_OK);
  assert_int_equal(xai_archive_write(scratch("half.safetensors"), &a, &err), XAI_OK);
  assert_int_equal(xai_archive_write(scratch("half.npz"), &a, &err), XAI_EARG);
  assert_int_equal(xai_archive_read(scratch("half.safetensors"), &back, &err), XAI_OK);
  assert_int_equal(back.n, 2);
  for (size_t e = 0; e < 2; e++) {
    bool weights = strcmp(back.entries[e].name, "w") == 0;
    if (weights) assert_memory_equal(xai_tensor_floats(back.entries[e].tensor), want, sizeof want);
    else assert_int_equal(xai_view_get(xai_tensor_view(back.entries[e].tensor), 0), 7);
  }
  size_t size;
  uint64_t header = 0;
  unsigned char *bytes = get_file(scratch("half.safetensors"), &size);
  memcpy(&header, bytes, 8);
  assert_int_equal(size, 8 + header + 8 + 6 * 2);
  free(bytes);
  xai_archive_free(&a);
  xai_archive_free(&back);
  xai_tensor_free(t);
  xai_tensor_free(i);
}

static void what_no_reader_would_take_is_not_written(void **state) {
  (void)state;
  static const char *const bad[] = {"__metadata__", "\xFF", "x"};
  static const char *const text[] = {"no tensor can be called '__metadata__'", "is not valid UTF-8",
                                     "tensor 'x' is given twice"};
  xai_err err;
  remove(scratch("n.safetensors"));
  for (int i = 0; i < 3; i++) {
    xai_archive a = {0};
    add(&a, "x", XAI_U8, XAI_SHAPE(1), "1");
    add(&a, bad[i], XAI_F32, (xai_shape){0}, (const float[]){1});
    assert_int_equal(xai_archive_write(scratch("n.safetensors"), &a, &err), XAI_EARG);
    assert_non_null(strstr(err.text, text[i]));
    xai_archive_free(&a);
  }
  xai_archive a = {0};
  assert_int_equal(xai_archive_add_meta(&a, "k", "1", &err), XAI_OK);
  assert_int_equal(xai_archive_add_meta(&a, "k", "2", &err), XAI_OK);
  assert_int_equal(xai_archive_write(scratch("n.safetensors"), &a, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "'k' is given twice"));
  xai_archive_free(&a);
  assert_int_not_equal(access(scratch("n.safetensors"), F_OK), 0);
}

/* ---- damage and faults
 * ------------------------------------------------------------------------------------------------------ */

static xai_status read_and_free_archive(const char *path, xai_err *err) {
  xai_archive a = {0};
  xai_status st = xai_archive_read(path, &a, err);
  if (st != XAI_OK) assert_true(a.n == 0 && a.entries == NULL && a.meta == NULL);
  xai_archive_free(&a);
  return st;
}

static void every_cut_and_every_wrong_byte_is_survived(void **state) {
  (void)state;
  xai_err err;
  xai_archive a = sample();
  size_t n;
  assert_int_equal(xai_archive_write(scratch("w.safetensors"), &a, &err), XAI_OK);
  unsigned char *bytes = get_file(scratch("w.safetensors"), &n);
  each_cut_is_refused(read_and_free_archive, scratch("cut.safetensors"), bytes, n, n);
  each_byte_fault_is_survived(read_and_free_archive, scratch("fault.safetensors"), bytes, n);
  free(bytes);
  xai_archive_free(&a);
}

static const xai_archive *to_write;

static xai_status overwrite(const char *path, xai_err *err) {
  int files = scratch_count();
  put_text(path, "old");
  xai_status st = xai_archive_write(path, to_write, err);
  size_t n;
  unsigned char *bytes = get_file(path, &n);
  assert_int_equal(n == 3, st != XAI_OK);
  free(bytes);
  assert_true(scratch_count() <= files + 1);
  return st;
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  xai_archive a = sample();
  to_write = &a;
  each_allocation_fails(overwrite, scratch("w.safetensors"));
  each_allocation_fails(read_and_free_archive, scratch("w.safetensors"));
  xai_archive_free(&a);
}

/* ---- reference files
 * ----------------------------------------------------------------------------------------------------------- */

static void a_file_of_pytorch_is_read(void **state) {
  (void)state;
  xai_archive a;
  read_model(shared_file("golden/formats/small.safetensors"), &a);
  assert_int_equal(a.n, 9);
  assert_string_equal(a.meta[0].value, "pt");
  const xai_view *w = find(&a, "0.weight"), *steps = find(&a, "1.num_batches_tracked"),
                 *var = find(&a, "1.running_var");
  xai_shape want = XAI_SHAPE(4, 3, 3, 3);
  assert_true(xai_shape_equal(&w->shape, &want));
  /* NumPy's reading of the same tensors */
  static const float first[] = {0.20350651F, 0.25930983F, 0.20021394F, -0.03237783F, -0.00334219F, -0.341998F};
  static const float variance[] = {1.1310079F, 0.88775766F, 1.0272577F, 1.1776698F};
  for (int i = 0; i < 6; i++) assert_true(fabs(xai_view_get(w, i) - (double)first[i]) < 1e-8);
  for (int i = 0; i < 4; i++) assert_true(fabs(xai_view_get(var, i) - (double)variance[i]) < 1e-7);
  assert_int_equal(steps->dtype, XAI_I64);
  assert_true(xai_view_get(steps, 0) == 7);
  xai_archive_free(&a);
}

/* Two columns of two parts, and a third part that has no rows. */
static void add_tensor(xai_archive *a, const char *name, xai_dtype dtype, xai_shape shape, void *elements) {
  xai_tensor *t = NULL;
  xai_err err = {""};
  if (xai_tensor_copy(&(xai_view){dtype, shape, elements}, &t, &err) != XAI_OK) fail_msg("%s", err.text);
  if (xai_archive_add(a, name, t, &err) != XAI_OK) fail_msg("%s", err.text);
  xai_tensor_free(t);
}

static void make_parts(xai_archive parts[3]) {
  static float rows[] = {1, 2, 3, 4, 5, 6};
  static int64_t numbers[] = {7, 8, 9};
  memset(parts, 0, 3 * sizeof *parts);
  add_tensor(&parts[0], "rows", XAI_F32, (xai_shape){2, {1, 2}}, rows);
  add_tensor(&parts[0], "numbers", XAI_I64, (xai_shape){1, {1}}, numbers);
  add_tensor(&parts[1], "numbers", XAI_I64, (xai_shape){1, {0}}, numbers);
  add_tensor(&parts[1], "rows", XAI_F32, (xai_shape){2, {0, 0}}, rows);
  add_tensor(&parts[2], "numbers", XAI_I64, (xai_shape){1, {2}}, numbers + 1);
  add_tensor(&parts[2], "rows", XAI_F32, (xai_shape){2, {2, 2}}, rows + 2);
}

static xai_archive ready_parts[3];
static xai_status attempt_to_join(const char *path, xai_err *err) {
  xai_archive meta = {0};
  return xai_safetensors_join(path, ready_parts, 3, &meta, err);
}

static void joining_survives_every_failing_allocation(void **state) {
  (void)state;
  make_parts(ready_parts);
  each_allocation_fails(attempt_to_join, scratch("joined"));
  for (int i = 0; i < 3; i++) xai_archive_free(&ready_parts[i]);
}

/* The joined file is what writing the whole at once would have written. */
static void parts_are_joined_row_by_row(void **state) {
  (void)state;
  xai_archive parts[3], meta = {0}, whole = {0};
  xai_err err = {""};
  make_parts(parts);
  assert_int_equal(xai_archive_add_meta(&meta, "key", "text", &err), XAI_OK);
  assert_int_equal(xai_archive_add_meta(&whole, "key", "text", &err), XAI_OK);
  add_tensor(&whole, "rows", XAI_F32, (xai_shape){2, {3, 2}}, (float[]){1, 2, 3, 4, 5, 6});
  add_tensor(&whole, "numbers", XAI_I64, (xai_shape){1, {3}}, (int64_t[]){7, 8, 9});
  if (xai_safetensors_join(scratch("joined"), parts, 3, &meta, &err) != XAI_OK) fail_msg("%s", err.text);
  assert_int_equal(xai_safetensors_write(scratch("whole"), &whole, &err), XAI_OK);
  size_t n, m;
  unsigned char *joined = get_file(scratch("joined"), &n), *written = get_file(scratch("whole"), &m);
  assert_int_equal(n, m);
  assert_memory_equal(joined, written, n);
  free(joined);
  free(written);
  for (int i = 0; i < 3; i++) xai_archive_free(&parts[i]);
  xai_archive_free(&meta);
  xai_archive_free(&whole);
}

/* Takes a tensor out of an archive. */
static void free_tensors_named(xai_archive *a, const char *name) {
  for (size_t i = 0; i < a->n; i++) {
    if (strcmp(a->entries[i].name, name) != 0) continue;
    xai_free(a->entries[i].name);
    xai_tensor_free(a->entries[i].tensor);
    a->entries[i] = a->entries[--a->n];
    return;
  }
}

static void expect_no_join(const xai_archive *parts, size_t n, const char *message) {
  xai_archive meta = {0};
  xai_err err = {""};
  assert_true(xai_safetensors_join("out", parts, n, &meta, &err) != XAI_OK);
  assert_string_equal(err.text, message);
  assert_int_not_equal(access("out", F_OK), 0);
}

static void parts_that_do_not_fit_are_refused(void **state) {
  (void)state;
  xai_archive parts[3];
  make_parts(parts);
  expect_no_join(parts, 0, "out: nothing to join");
  free_tensors_named(&parts[2], "rows");
  expect_no_join(parts, 3, "out: part 3 has no tensor 'rows'");
  add_tensor(&parts[2], "rows", XAI_F32, (xai_shape){2, {1, 3}}, (float[]){1, 2, 3});
  expect_no_join(parts, 3, "out: the rows of tensor 'rows' of part 3 have another shape");
  free_tensors_named(&parts[2], "rows");
  add_tensor(&parts[2], "rows", XAI_I32, (xai_shape){2, {1, 2}}, (int32_t[]){1, 2});
  expect_no_join(parts, 3, "out: tensor 'rows' of part 3 has another type");
  for (int i = 0; i < 3; i++) xai_archive_free(&parts[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_shapes_and_metadata_are_read_in_the_headers_order),
      cmocka_unit_test(empty_archives_and_empty_tensors_are_read),
      cmocka_unit_test(every_dtype_becomes_what_was_promised),
      cmocka_unit_test(aligned_floats_are_not_copied),
      cmocka_unit_test(ranges_must_fill_the_data_exactly),
      cmocka_unit_test(names_may_not_repeat),
      cmocka_unit_test(entries_must_be_complete_and_sane),
      cmocka_unit_test(a_header_that_is_no_json_object_is_refused),
      cmocka_unit_test(deep_and_endless_headers_are_refused),
      cmocka_unit_test(a_false_length_is_refused),
      cmocka_unit_test(what_is_written_comes_back),
      cmocka_unit_test(the_file_is_laid_out_as_the_reference_does),
      cmocka_unit_test(float32_may_be_written_as_float16),
      cmocka_unit_test(what_no_reader_would_take_is_not_written),
      cmocka_unit_test(every_cut_and_every_wrong_byte_is_survived),
      cmocka_unit_test(every_failing_allocation_is_survived),
      cmocka_unit_test(a_file_of_pytorch_is_read),
      cmocka_unit_test(parts_are_joined_row_by_row),
      cmocka_unit_test(parts_that_do_not_fit_are_refused),
      cmocka_unit_test(joining_survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
