/* NumPy arrays: the dictionary, byte orders, memory orders, and what is refused. */
#include "scratch.h"

#include "formats/formats.h"

/* A file of version 1.0 with the dictionary as it stands and the bytes behind it. */
static size_t build(unsigned char *out, const char *dictionary, const void *data, size_t n) {
  size_t length = strlen(dictionary);
  memcpy(out, "\x93NUMPY\1\0", 8);
  out[8] = (unsigned char)length;
  out[9] = (unsigned char)(length >> 8);
  memcpy(out + 10, dictionary, length);
  memcpy(out + 10 + length, data, n);
  return 10 + length + n;
}

static const char *put_array(const char *dictionary, const void *data, size_t n) {
  static unsigned char bytes[20000];
  const char *path = scratch("a.npy");
  put_file(path, bytes, build(bytes, dictionary, data, n));
  return path;
}

static void read_array(const char *path, xai_archive *a) {
  xai_err err;
  *a = (xai_archive){0};
  if (xai_archive_read(path, a, &err) != XAI_OK) fail_msg("%s", err.text);
  assert_int_equal(a->n, 1);
  assert_string_equal(a->entries[0].name, "data");
}

static xai_status read_and_free(const char *path, xai_err *err) {
  xai_archive a = {0};
  xai_status st = xai_archive_read(path, &a, err);
  if (st != XAI_OK) assert_true(a.n == 0 && a.entries == NULL);
  xai_archive_free(&a);
  return st;
}

static void expect_values(const char *dictionary, const void *data, size_t n, xai_dtype dtype, int count,
                          const double *want) {
  xai_archive a;
  read_array(put_array(dictionary, data, n), &a);
  const xai_view *v = xai_tensor_view(a.entries[0].tensor);
  assert_int_equal(v->dtype, dtype);
  assert_int_equal(xai_shape_size(&v->shape), count);
  for (int i = 0; i < count; i++)
    if (xai_view_get(v, i) != want[i])
      fail_msg("%s: element %d is %g, expected %g", dictionary, i, xai_view_get(v, i), want[i]);
  xai_archive_free(&a);
}

static void expect_refused(const char *dictionary, size_t n, xai_status want, const char *text) {
  static const unsigned char zeros[64];
  xai_err err = {""};
  const char *path = put_array(dictionary, zeros, n);
  xai_status st = read_and_free(path, &err);
  if (st != want || strstr(err.text, text) == NULL || strncmp(err.text, path, strlen(path)) != 0)
    fail_msg("%s: status %d, '%s', expected '%s'", dictionary, (int)st, err.text, text);
}

static void every_type_in_both_byte_orders(void **state) {
  (void)state;
  static const struct {
    const char *kind;
    size_t size;
    unsigned char big[16]; /* two elements, most significant byte first */
    xai_dtype becomes;
    double want[2];
  } cases[] = {
      {"f2", 2, {0x3E, 0x00, 0x80, 0x01}, XAI_F32, {1.5, -0x1p-24}},
      {"f4", 4, {0x3F, 0xC0, 0, 0, 0xC0, 0, 0, 0}, XAI_F32, {1.5, -2}},
      {"f8", 8, {0x3F, 0xF8, 0, 0, 0, 0, 0, 0, 0xC0, 0}, XAI_F32, {1.5, -2}},
      {"i1", 1, {127, 0xFE}, XAI_I32, {127, -2}},
      {"i2", 2, {2, 1, 0xFF, 0xFE}, XAI_I32, {513, -2}},
      {"i4", 4, {0, 0, 2, 1, 0xFF, 0xFF, 0xFF, 0xFE}, XAI_I32, {513, -2}},
      {"i8", 8, {0, 0, 0, 1, 0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE}, XAI_I64, {4294967297.0, -2}},
      {"u1", 1, {255, 1}, XAI_U8, {255, 1}},
      {"u2", 2, {0xFF, 0xFE, 0, 1}, XAI_I32, {65534, 1}},
      {"u4", 4, {0xFF, 0xFF, 0xFF, 0xFE, 0, 0, 0, 1}, XAI_I64, {4294967294.0, 1}},
      {"u8", 8, {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, XAI_I64, {4294967297.0, 1}},
      {"b1", 1, {0, 9}, XAI_BOOL, {0, 1}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (const char *order = "<>=|"; *order != '\0'; order++) {
      unsigned char data[16];
      char dictionary[100];
      size_t size = cases[i].size;
      for (size_t k = 0; k < 2 * size; k++)
        data[k] = cases[i].big[*order == '>' ? k : k / size * size + size - 1 - k % size];
      snprintf(dictionary, sizeof dictionary, "{'descr': '%c%s', 'fortran_order': False, 'shape': (2,), }\n", *order,
               cases[i].kind);
      expect_values(dictionary, data, 2 * size, cases[i].becomes, 2, cases[i].want);
    }
}

static void the_dictionary_may_be_written_in_many_ways(void **state) {
  (void)state;
  static const char *const good[] = {"{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }   \n",
                                     "{\"shape\":(3L,),\"descr\":\"|u1\",\"fortran_order\":False}",
                                     "{ 'fortran_order' : True , 'shape' : ( 3 , ) , 'descr' : '|u1' , }",
                                     "{'descr':'|u1','fortran_order':False,'shape':(1,3)}",
                                     "{'descr':'|u1','fortran_order':False,'shape':(3)}"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    expect_values(good[i], "\1\2\3", 3, XAI_U8, 3, (const double[]){1, 2, 3});
  expect_values("{'descr':'|u1','fortran_order':False,'shape':()}", "\7", 1, XAI_U8, 1, (const double[]){7});
  expect_values("{'descr':'<f4','fortran_order':True,'shape':(0,3)}", "", 0, XAI_F32, 0, NULL);
}

static void later_versions_have_a_longer_length(void **state) {
  (void)state;
  const char *dictionary = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n";
  for (unsigned char version = 2; version <= 3; version++) {
    unsigned char bytes[200] = "\x93NUMPY";
    size_t n = strlen(dictionary);
    xai_archive a;
    bytes[6] = version;
    bytes[8] = (unsigned char)n;
    memcpy(bytes + 12, dictionary, n);
    bytes[12 + n] = 5;
    bytes[13 + n] = 6;
    put_file(scratch("a.npy"), bytes, 14 + n);
    read_array(scratch("a.npy"), &a);
    assert_true(xai_view_get(xai_tensor_view(a.entries[0].tensor), 1) == 6);
    xai_archive_free(&a);
    bytes[6] = 4;
    put_file(scratch("a.npy"), bytes, 14 + n);
    xai_err err;
    assert_int_equal(read_and_free(scratch("a.npy"), &err), XAI_EUNSUPPORTED);
    assert_non_null(strstr(err.text, "version 4.0 of the .npy format"));
  }
}

static void column_major_arrays_are_turned(void **state) {
  (void)state;
  /* shape 2x3, columns (1,4) (2,5) (3,6) */
  expect_values("{'descr':'|u1','fortran_order':True,'shape':(2,3)}", "\1\4\2\5\3\6", 6, XAI_U8, 6,
                (const double[]){1, 2, 3, 4, 5, 6});
  /* 2x2x2, element (i,j,k) = 4i+2j+k, the first index fastest; 16 bits with the upper byte first */
  const unsigned char data[] = {0, 0, 0, 4, 0, 2, 0, 6, 0, 1, 0, 5, 0, 3, 0, 7};
  expect_values("{'descr':'>i2','fortran_order':True,'shape':(2,2,2)}", data, 16, XAI_I32, 8,
                (const double[]){0, 1, 2, 3, 4, 5, 6, 7});
}

static void trailing_bytes_are_allowed(void **state) {
  (void)state;
  expect_values("{'descr':'|u1','fortran_order':False,'shape':(2,)}", "\1\2more", 6, XAI_U8, 2, (const double[]){1, 2});
}

static void types_that_are_no_numbers_are_refused(void **state) {
  (void)state;
  static const char *const types[] = {"|O",   "<U5", "|S3", "|V8", "<c8", "<M8[s]",
                                      "<f16", "f4",  "",    "<x4", "<f",  "\\x3cf4"};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    char dictionary[100];
    snprintf(dictionary, sizeof dictionary, "{'descr':'%s','fortran_order':False,'shape':(2,)}", types[i]);
    bool escaped = types[i][0] == '\\';
    expect_refused(dictionary, 32, escaped ? XAI_EFORMAT : XAI_EUNSUPPORTED,
                   escaped ? "its descr is not a string" : "are not supported (expected f2 f4 f8");
  }
  expect_refused("{'descr':[('a','<f4')],'fortran_order':False,'shape':(2,)}", 32, XAI_EUNSUPPORTED,
                 "an array of structures is not supported");
  const unsigned char large[8] = {0, 0, 0, 0, 0, 0, 0, 0x80};
  xai_err err;
  assert_int_equal(read_and_free(put_array("{'descr':'<u8','fortran_order':False,'shape':(1,)}", large, 8), &err),
                   XAI_EUNSUPPORTED);
  assert_non_null(strstr(err.text, "a uint64 element is beyond the range of int64"));
}

static void other_dictionaries_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "{",
                                    "{}",
                                    "[]",
                                    "{'descr':'<f4','fortran_order':False}",
                                    "{'descr':'<f4','fortran_order':False,'shape':(1,),'more':1}",
                                    "{'descr':'<f4','descr':'<f4','fortran_order':False,'shape':(1,)}",
                                    "{'descr':'<f4','fortran_order':0,'shape':(1,)}",
                                    "{'descr':'<f4','fortran_order':False,'shape':(1,)",
                                    "{'descr':'<f4','fortran_order':False,'shape':(1,)} x",
                                    "{'descr':'<f4' 'fortran_order':False,'shape':(1,)}",
                                    "{descr:'<f4','fortran_order':False,'shape':(1,)}",
                                    "{'descr'='<f4','fortran_order':False,'shape':(1,)}",
                                    "{'a very long key indeed, too long':'<f4'}",
                                    "{'descr"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    expect_refused(bad[i], 32, XAI_EFORMAT, "its header is not the dictionary");
  expect_refused("{'descr':4,'fortran_order':False,'shape':(1,)}", 32, XAI_EFORMAT, "its descr is not a string");
}

static void impossible_shapes_are_refused(void **state) {
  (void)state;
#define SHAPED(shape) "{'descr':'<f4','fortran_order':False,'shape':" shape "}"
  expect_refused(SHAPED("[1]"), 32, XAI_EFORMAT, "its shape is not a tuple");
  expect_refused(SHAPED("(1 2)"), 32, XAI_EFORMAT, "its shape is not a tuple");
  expect_refused(SHAPED("(1"), 32, XAI_EFORMAT, "its shape");
  expect_refused(SHAPED("(-1,)"), 32, XAI_EFORMAT, "its shape holds something else than whole numbers");
  expect_refused(SHAPED("(1.0,)"), 32, XAI_EFORMAT, "its shape is not a tuple");
  expect_refused(SHAPED("(99999999999999999999,)"), 32, XAI_EFORMAT, "something else than whole numbers");
  expect_refused(SHAPED("(4294967296,4294967296)"), 32, XAI_EFORMAT, "its shape 4294967296x4294967296 is too large");
  expect_refused(SHAPED("(1,1,1,1,1,1,1,1,1)"), 32, XAI_EUNSUPPORTED, "more than 8 dimensions");
  expect_refused(SHAPED("(9,)"), 32, XAI_EFORMAT,
                 "32 bytes of elements, but its shape and type need 36 (is the file cut off?)");
}

static void an_endless_header_is_refused(void **state) {
  (void)state;
  static char spaces[10002];
  memset(spaces, ' ', 10001);
  expect_refused(spaces, 0, XAI_EFORMAT, "a header of 10001 bytes (at most 10000)");
}

/* ---- writing
 * ----------------------------------------------------------------------------------------------------------- */

static xai_tensor *numbers(xai_dtype dtype, xai_shape shape) {
  xai_tensor *t;
  xai_err err;
  assert_int_equal(xai_tensor_new(dtype, shape, &t, &err), XAI_OK);
  unsigned char *p = xai_tensor_view(t)->data;
  for (size_t i = 0; i < xai_tensor_bytes(t); i++) p[i] = (unsigned char)(dtype == XAI_BOOL ? i % 2 : i % 100);
  return t;
}

static void what_is_written_comes_back(void **state) {
  (void)state;
  xai_err err;
  xai_shape shapes[] = {{0}, XAI_SHAPE(5), XAI_SHAPE(2, 3), XAI_SHAPE(0), XAI_SHAPE(2, 1, 1, 3, 1, 1, 1, 2)};
  for (int dtype = XAI_F32; dtype <= XAI_BOOL; dtype++)
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
      xai_tensor *t = numbers((xai_dtype)dtype, shapes[i]);
      xai_archive a;
      assert_int_equal(xai_npy_write(scratch("w.npy"), t, &err), XAI_OK);
      read_array(scratch("w.npy"), &a);
      const xai_view *v = xai_tensor_view(t), *w = xai_tensor_view(a.entries[0].tensor);
      assert_int_equal(v->dtype, w->dtype);
      assert_true(xai_shape_equal(&v->shape, &w->shape));
      assert_memory_equal(v->data, w->data, xai_view_bytes(v));
      xai_archive_free(&a);
      xai_tensor_free(t);
    }
}

static void the_header_is_numpys_to_the_byte(void **state) {
  (void)state;
  /* as numpy.save writes zeros((2, 3), float32) and zeros(5, uint8): 128 bytes before the elements */
  static const char *const want[] = {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
                                     "{'descr': '|u1', 'fortran_order': False, 'shape': (5,), }"};
  for (int i = 0; i < 2; i++) {
    xai_err err;
    size_t n;
    xai_tensor *t = i == 0 ? numbers(XAI_F32, XAI_SHAPE(2, 3)) : numbers(XAI_U8, XAI_SHAPE(5));
    assert_int_equal(xai_npy_write(scratch("w.npy"), t, &err), XAI_OK);
    unsigned char *bytes = get_file(scratch("w.npy"), &n);
    assert_int_equal(n, 128 + xai_tensor_bytes(t));
    assert_memory_equal(bytes, "\x93NUMPY\1\0\x76\0", 10);
    assert_memory_equal(bytes + 10, want[i], strlen(want[i]));
    for (size_t k = 10 + strlen(want[i]); k < 127; k++) assert_int_equal(bytes[k], ' ');
    assert_int_equal(bytes[127], '\n');
    free(bytes);
    xai_tensor_free(t);
  }
}

/* ---- damage and faults
 * --------------------------------------------------------------------------------------------------- */

static void every_cut_and_every_wrong_byte_is_survived(void **state) {
  (void)state;
  static const char *const dictionaries[] = {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n",
                                             "{'descr': '>i2', 'fortran_order': True, 'shape': (3, 4), }\n"};
  static const unsigned char data[24] = {1, 2, 3, 4, 5};
  for (int i = 0; i < 2; i++) {
    unsigned char bytes[200];
    size_t n = build(bytes, dictionaries[i], data, 24);
    each_cut_is_refused(read_and_free, scratch("cut.npy"), bytes, n, n);
    each_byte_fault_is_survived(read_and_free, scratch("fault.npy"), bytes, n);
  }
}

static xai_tensor *to_write;

static xai_status overwrite(const char *path, xai_err *err) {
  int files = scratch_count();
  put_text(path, "old");
  xai_status st = xai_npy_write(path, to_write, err);
  size_t n;
  unsigned char *bytes = get_file(path, &n);
  assert_int_equal(n == 3, st != XAI_OK);
  free(bytes);
  assert_true(scratch_count() <= files + 1);
  return st;
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  const unsigned char data[24] = {0};
  each_allocation_fails(read_and_free,
                        put_array("{'descr': '>i2', 'fortran_order': True, 'shape': (3, 4), }\n", data, 24));
  to_write = numbers(XAI_F32, XAI_SHAPE(3, 4));
  each_allocation_fails(overwrite, scratch("w.npy"));
  xai_tensor_free(to_write);
}

/* ---- reference files
 * -------------------------------------------------------------------------------------------------------- */

static void a_column_major_float64_array_of_numpy_is_read(void **state) {
  (void)state;
  xai_archive a;
  read_array(shared_file("golden/formats/fortran_order_f64.npy"), &a);
  const xai_view *v = xai_tensor_view(a.entries[0].tensor);
  xai_shape want = XAI_SHAPE(3, 4); /* arange(12) */
  assert_int_equal(v->dtype, XAI_F32);
  assert_true(xai_shape_equal(&v->shape, &want));
  for (int i = 0; i < 12; i++) assert_true(xai_view_get(v, i) == i);
  xai_archive_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_type_in_both_byte_orders),
      cmocka_unit_test(the_dictionary_may_be_written_in_many_ways),
      cmocka_unit_test(later_versions_have_a_longer_length),
      cmocka_unit_test(column_major_arrays_are_turned),
      cmocka_unit_test(trailing_bytes_are_allowed),
      cmocka_unit_test(types_that_are_no_numbers_are_refused),
      cmocka_unit_test(other_dictionaries_are_refused),
      cmocka_unit_test(impossible_shapes_are_refused),
      cmocka_unit_test(an_endless_header_is_refused),
      cmocka_unit_test(what_is_written_comes_back),
      cmocka_unit_test(the_header_is_numpys_to_the_byte),
      cmocka_unit_test(every_cut_and_every_wrong_byte_is_survived),
      cmocka_unit_test(every_failing_allocation_is_survived),
      cmocka_unit_test(a_column_major_float64_array_of_numpy_is_read),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
