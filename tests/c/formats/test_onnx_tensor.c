/* Tensors: every way in which a file may store elements, and every way to store them wrongly. The tensor goes through
 * a model as a constant that is added to the input, or is read straight from its message. */
#define _GNU_SOURCE /* symlink */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "formats/onnx_make.h"
#include "formats/onnx_model.h"

/* Reads a TensorProto, which is used up. */
static xai_status read_tensor(xai_buf message, xai_tensor **out, xai_err *err) {
  /* typed lists need no file behind them; raw_data is read through models below */
  xai_status st = xai_onnx__tensor(NULL, (xai_proto_span){message.data, message.size}, out, err);
  xai_buf_free(&message);
  return st;
}

static void assert_tensor(xai_buf message, xai_dtype dtype, int n, const double *expected) {
  xai_tensor *t = NULL;
  xai_err err = {""};
  if (read_tensor(message, &t, &err) != XAI_OK) fail_msg("%s", err.text);
  const xai_view *v = xai_tensor_view(t);
  assert_int_equal(v->dtype, dtype);
  assert_int_equal(xai_tensor_count(t), n);
  for (int i = 0; i < n; i++) assert_true(xai_view_get(v, i) == expected[i]);
  xai_tensor_free(t);
}
#define ASSERT_TENSOR(message, dtype, ...)                                                                             \
  assert_tensor(message, dtype, (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (const double[]){__VA_ARGS__})

static void assert_tensor_fails(xai_buf message, xai_status expected, const char *text) {
  xai_tensor *t = NULL;
  xai_err err = {""};
  xai_status st = read_tensor(message, &t, &err);
  if (st != expected || strstr(err.text, text) == NULL) fail_msg("expected '...%s...', got '%s'", text, err.text);
  assert_null(t);
}

static xai_buf packed_ints(int type, unsigned field, int n, const int64_t *v) {
  xai_buf t = tensor_head("t", type, XAI_SHAPE(n)), list = {0};
  for (int i = 0; i < n; i++) pb_varint(&list, (uint64_t)v[i]);
  pb_message(&t, field, list);
  return t;
}
static xai_buf single_ints(int type, unsigned field, int n, const int64_t *v) {
  xai_buf t = tensor_head("t", type, XAI_SHAPE(n));
  for (int i = 0; i < n; i++) pb_int(&t, field, v[i]);
  return t;
}
#define INTS(how, type, field, ...)                                                                                    \
  how(type, field, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__})

static void integers_come_from_their_typed_lists(void **state) {
  (void)state;
  ASSERT_TENSOR(INTS(packed_ints, T_I64, 7, 1, -2, INT64_C(1) << 40), XAI_I64, 1, -2, (double)(INT64_C(1) << 40));
  ASSERT_TENSOR(INTS(single_ints, T_I64, 7, 5, -6), XAI_I64, 5, -6);
  ASSERT_TENSOR(INTS(packed_ints, T_I32, 5, INT32_MIN, INT32_MAX), XAI_I32, INT32_MIN, INT32_MAX);
  ASSERT_TENSOR(INTS(single_ints, T_I16, 5, -32768, 32767), XAI_I32, -32768, 32767);
  ASSERT_TENSOR(INTS(packed_ints, T_U16, 5, 0, 65535), XAI_I32, 0, 65535);
  ASSERT_TENSOR(INTS(packed_ints, T_I8, 5, -128, 127), XAI_I32, -128, 127);
  ASSERT_TENSOR(INTS(packed_ints, T_U8, 5, 0, 255), XAI_U8, 0, 255);
  ASSERT_TENSOR(INTS(packed_ints, T_BOOL, 5, 0, 1), XAI_BOOL, 0, 1);
  ASSERT_TENSOR(INTS(packed_ints, T_U32, 11, 0, UINT32_MAX), XAI_I64, 0, UINT32_MAX);
  ASSERT_TENSOR(INTS(packed_ints, T_U64, 11, 7), XAI_I64, 7);
}

static void half_floats_are_bit_patterns_in_int32_data(void **state) {
  (void)state;
  ASSERT_TENSOR(INTS(packed_ints, T_F16, 5, 0x3c00, 0xc000, 0x3800), XAI_F32, 1, -2, 0.5); /* s eeeee mmmmmmmmmm */
  ASSERT_TENSOR(INTS(packed_ints, T_BF16, 5, 0x3f80, 0xc000), XAI_F32, 1, -2);             /* upper half of a float32 */
}

static void floats_come_single_or_in_several_packs(void **state) {
  (void)state;
  const float pack[] = {2, 3};
  xai_buf t = tensor_head("t", T_F32, XAI_SHAPE(2, 2));
  pb_float(&t, 4, 1);
  pb_bytes(&t, 4, pack, sizeof pack);
  pb_float(&t, 4, 4);
  ASSERT_TENSOR(t, XAI_F32, 1, 2, 3, 4);
  xai_buf d = tensor_head("t", T_F64, XAI_SHAPE(2));
  pb_double(&d, 10, 0.25);
  pb_double(&d, 10, -8);
  ASSERT_TENSOR(d, XAI_F32, 0.25, -8);
}

static void an_integer_that_its_type_cannot_hold_is_refused(void **state) {
  (void)state;
  assert_tensor_fails(INTS(packed_ints, T_U8, 5, 1, 256), XAI_EFORMAT, "element 1 is out of range for uint8");
  assert_tensor_fails(INTS(packed_ints, T_I8, 5, -129), XAI_EFORMAT, "element 0 is out of range for int8");
  assert_tensor_fails(INTS(packed_ints, T_F16, 5, 65536), XAI_EFORMAT, "out of range for float16");
  assert_tensor_fails(INTS(packed_ints, T_U32, 11, -1), XAI_EFORMAT, "out of range for uint32");
  assert_tensor_fails(INTS(packed_ints, T_U64, 11, -1), XAI_EUNSUPPORTED, "beyond the range of int64");
}

static void a_tensor_of_no_elements_and_a_scalar_are_fine(void **state) {
  (void)state;
  xai_tensor *t = NULL;
  assert_int_equal(read_tensor(tensor_head("t", T_I64, XAI_SHAPE(2, 0)), &t, NULL), XAI_OK);
  assert_int_equal(xai_tensor_count(t), 0);
  xai_tensor_free(t);
  xai_buf s = tensor_head("t", T_I64, (xai_shape){.rank = 0});
  pb_int(&s, 7, 42);
  ASSERT_TENSOR(s, XAI_I64, 42);
}

static void the_payload_must_be_exactly_what_dims_promise(void **state) {
  (void)state;
  const float v[4] = {0};
  xai_buf none = tensor_head("t", T_F32, XAI_SHAPE(2));
  assert_tensor_fails(none, XAI_EFORMAT, "0 bytes do not make a 2 of float32 (expected 8)");
  assert_tensor_fails(tensor_raw("t", T_F32, XAI_SHAPE(2, 2), v, 15), XAI_EFORMAT,
                      "15 bytes do not make a 2x2 of float32 (expected 16)");
  assert_tensor_fails(tensor_raw("t", T_F32, XAI_SHAPE(3), v, 16), XAI_EFORMAT, "expected 12");
  assert_tensor_fails(tensor_raw("t", T_F32, XAI_SHAPE(0), v, 4), XAI_EFORMAT, "expected 0");
  xai_buf few = tensor_head("t", T_I64, XAI_SHAPE(3));
  pb_int(&few, 7, 1);
  assert_tensor_fails(few, XAI_EFORMAT, "1 elements do not make a 3 of int64 (expected 3)");
}

static void a_shape_that_overflows_is_refused_before_memory_is_asked_for(void **state) {
  (void)state;
  size_t before = xai_mem_peak();
  assert_tensor_fails(tensor_head("t", T_F32, XAI_SHAPE(1 << 30, 1 << 30, 1 << 30)), XAI_EFORMAT,
                      "no tensor can have the shape");
  assert_tensor_fails(tensor_head("t", T_F32, XAI_SHAPE(INT64_MAX, 2)), XAI_EFORMAT, "no tensor can have the shape");
  assert_tensor_fails(tensor_head("t", T_F32, XAI_SHAPE(-1)), XAI_EFORMAT, "no tensor can have the shape ?");
  assert_tensor_fails(tensor_head("t", T_F32, XAI_SHAPE(1, 1, 1, 1, 1, 1, 1, 1)), XAI_EFORMAT, "expected 4");
  xai_shape nine = XAI_SHAPE(1, 1, 1, 1, 1, 1, 1, 1);
  xai_buf t = tensor_head("t", T_F32, nine);
  pb_int(&t, 1, 1);
  assert_tensor_fails(t, XAI_EUNSUPPORTED, "more than 8 dims");
  assert_true(xai_mem_peak() - before < 4096);
}

static void elements_given_twice_are_refused(void **state) {
  (void)state;
  const float v[2] = {1, 2};
  xai_buf both = tensor_raw("t", T_F32, XAI_SHAPE(2), v, 8);
  pb_bytes(&both, 4, v, 8);
  assert_tensor_fails(both, XAI_EFORMAT, "given twice");
  xai_buf raws = tensor_raw("t", T_F32, XAI_SHAPE(2), v, 8);
  pb_bytes(&raws, 9, v, 8);
  assert_tensor_fails(raws, XAI_EFORMAT, "given twice");
  xai_buf lists = INTS(packed_ints, T_I64, 7, 1);
  pb_int(&lists, 5, 1);
  assert_tensor_fails(lists, XAI_EFORMAT, "given twice");
}

static void elements_in_the_field_of_another_type_are_refused(void **state) {
  (void)state;
  assert_tensor_fails(INTS(packed_ints, T_I64, 5, 1), XAI_EFORMAT, "elements of type int64 in the wrong field");
  assert_tensor_fails(INTS(packed_ints, T_F32, 7, 1), XAI_EFORMAT, "elements of type float32 in the wrong field");
}

static void types_that_are_not_real_numbers_are_refused_by_name(void **state) {
  (void)state;
  assert_tensor_fails(tensor_head("t", T_STRING, XAI_SHAPE(1)), XAI_EUNSUPPORTED,
                      "elements of type string are not supported");
  assert_tensor_fails(tensor_head("t", T_C64, XAI_SHAPE(1)), XAI_EUNSUPPORTED, "complex64");
  assert_tensor_fails(tensor_head("t", 17, XAI_SHAPE(1)), XAI_EUNSUPPORTED, "elements of type number 17");
  assert_tensor_fails(tensor_head("t", 0, XAI_SHAPE(1)), XAI_EUNSUPPORTED, "elements of type number 0");
  assert_tensor_fails(tensor_head("t", -1, XAI_SHAPE(1)), XAI_EUNSUPPORTED, "elements of type number -1");
}

static void segments_are_refused(void **state) {
  (void)state;
  xai_buf s = tensor_head("t", T_F32, XAI_SHAPE(1));
  pb_text(&s, 3, "");
  assert_tensor_fails(s, XAI_EUNSUPPORTED, "segments");
}

/* ---- elements in another file -------------------------------------------------------------------- */
static void add_pair(xai_buf *t, const char *key, const char *value) {
  xai_buf pair = {0};
  pb_text(&pair, 1, key);
  pb_text(&pair, 2, value);
  pb_message(t, 13, pair);
}

/* A tensor of 'shape' whose pairs are "key=value" words; %d in a value becomes the number of this process. */
static xai_buf external(int type, xai_shape shape, const char *pairs) {
  xai_buf t = tensor_head("t", type, shape);
  char words[200], *save = NULL;
  snprintf(words, sizeof words, pairs, (int)getpid());
  for (char *word = strtok_r(words, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
    char *equals = strchr(word, '=');
    *equals = '\0';
    add_pair(&t, word, equals + 1);
  }
  pb_int(&t, 14, 1);
  return t;
}

static model adds(xai_buf tensor) {
  model m = model_of(13);
  add_initializer(&m, tensor);
  add_input(&m, "x", XAI_SHAPE(2));
  add_node(&m, node("Add", "", "x t", "y"));
  add_output(&m, "y");
  return m;
}

/* load_bytes puts the model at /tmp/xai-<process>.onnx; this lies beside it: 0 1 2 3 as float32 */
static void weights_path(char path[64]) { snprintf(path, 64, "/tmp/xai-%d.bin", (int)getpid()); }

static void put_weights(void) {
  char path[64];
  const float numbers[4] = {0, 1, 2, 3};
  weights_path(path);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(numbers, sizeof *numbers, 4, f), 4);
  assert_int_equal(fclose(f), 0);
}

static void external_data_lie_beside_the_model(void **state) {
  (void)state;
  const float x[2] = {10, 20}, first[2] = {10, 21}, third[2] = {12, 23}, odd[2] = {10, 20};
  char path[64];
  put_weights();
  weights_path(path);
  model m = adds(external(T_F32, XAI_SHAPE(2), "location=xai-%d.bin"));
  assert_computes(&m, XAI_SHAPE(2), x, XAI_SHAPE(2), first);
  m = adds(external(T_F32, XAI_SHAPE(2), "offset=8 length=8 location=xai-%d.bin checksum=abc"));
  assert_computes(&m, XAI_SHAPE(2), x, XAI_SHAPE(2), third);
  m = adds(external(T_F32, XAI_SHAPE(2), "location=xai-%d.bin offset=0 length=8"));
  xai_buf again = external(T_F32, XAI_SHAPE(0), "location=xai-%d.bin offset=16"); /* nothing, at the very end */
  add_initializer(&m, (pb_text(&again, 8, "empty"), again));
  assert_computes(&m, XAI_SHAPE(2), x, XAI_SHAPE(2), first);
  m = adds(
      external(T_F16, XAI_SHAPE(2), "location=xai-%d.bin offset=1")); /* two halves of zero bytes, at an odd place */
  assert_computes(&m, XAI_SHAPE(2), x, XAI_SHAPE(2), odd);
  unlink(path);
}

static void external_data_are_refused(const char *pairs, xai_status status, const char *text) {
  model m = adds(external(T_F32, XAI_SHAPE(2), pairs));
  assert_refused(&m, status, text);
}

static void external_data_stay_inside_their_file_and_folder(void **state) {
  (void)state;
  char path[64], link_path[64];
  put_weights();
  weights_path(path);
  external_data_are_refused("offset=0", XAI_EFORMAT, "external data without a location");
  external_data_are_refused("location=xai-%d.bin location=b", XAI_EFORMAT, "give 'location' twice");
  external_data_are_refused("location=xai-%d.bin offset=0 offset=0", XAI_EFORMAT, "give 'offset' twice");
  external_data_are_refused("location=xai-%d.bin evil=1", XAI_EUNSUPPORTED,
                            "external data with 'evil' are not supported");
  external_data_are_refused("location=xai-%d.bin offset=-8", XAI_EFORMAT, "offset '-8' is no number");
  external_data_are_refused("location=xai-%d.bin offset=0x8", XAI_EFORMAT, "is no number");
  external_data_are_refused("location=xai-%d.bin offset=", XAI_EFORMAT, "is no number");
  external_data_are_refused("location=xai-%d.bin offset=99999999999999999999", XAI_EFORMAT, "is no number");
  external_data_are_refused("location=xai-%d.bin offset=18446744073709551614", XAI_EFORMAT,
                            "do not lie in the 16 bytes");
  external_data_are_refused("location=xai-%d.bin offset=9", XAI_EFORMAT,
                            "8 bytes from 9 on do not lie in the 16 bytes");
  external_data_are_refused("location=xai-%d.bin length=4", XAI_EFORMAT, "external data of 4 bytes (expected 8)");
  external_data_are_refused("location=../tmp/xai-%d.bin", XAI_EFORMAT, "is no file beside this one");
  external_data_are_refused("location=a/../xai-%d.bin", XAI_EFORMAT, "is no file beside this one");
  external_data_are_refused("location=/tmp/xai-%d.bin", XAI_EFORMAT, "is no file beside this one");
  external_data_are_refused("location=xai-%d.bim", XAI_ENOTFOUND, "no such file; did you mean 'xai-");
  snprintf(link_path, sizeof link_path, "/tmp/xai-%d.link", (int)getpid());
  assert_int_equal(symlink(path, link_path), 0);
  external_data_are_refused("location=xai-%d.link", XAI_EFORMAT, "a symbolic link, which is not followed");
  unlink(link_path);
  assert_int_equal(link(path, link_path), 0);
  external_data_are_refused("location=xai-%d.link", XAI_EFORMAT, "has 2 names (expected a file of its own)");
  unlink(link_path);
  xai_buf both = external(T_F32, XAI_SHAPE(2), "location=xai-%d.bin");
  pb_bytes(&both, 9, (const unsigned char[8]){0}, 8);
  model m = adds(both);
  assert_refused(&m, XAI_EFORMAT, "given twice, here and in another file");
  unlink(path);
}

static void without_a_model_file_there_is_nothing_beside_it(void **state) {
  (void)state;
  assert_tensor_fails(external(T_F32, XAI_SHAPE(1), "location=xai-%d.bin"), XAI_EUNSUPPORTED,
                      "cannot be reached from here");
}

/* ---- raw_data, by way of a file ------------------------------------------------------------------ */
/* y = x + Cast(t) to float, x = 0: y shows the elements of t as they arrived. */
static void assert_raw(int type, int n, const void *bytes, size_t size, const float *expected) {
  model m = model_of(13);
  add_initializer(&m, tensor_raw("t", type, XAI_SHAPE(n), bytes, size));
  add_input(&m, "x", XAI_SHAPE(n));
  xai_buf cast = node("Cast", "", "t", "f");
  attr_int(&cast, "to", T_F32);
  add_node(&m, cast);
  add_node(&m, node("Add", "", "x f", "y"));
  add_output(&m, "y");
  const float zeros[8] = {0};
  assert_computes(&m, XAI_SHAPE(n), zeros, XAI_SHAPE(n), expected);
}
#define ASSERT_RAW(type, ctype, n, ...)                                                                                \
  assert_raw(type, n, (const ctype[]){__VA_ARGS__}, sizeof((const ctype[]){__VA_ARGS__}), expected)

static void raw_data_of_every_type_is_read(void **state) {
  (void)state;
  const float expected[] = {0, 1, 3};
  ASSERT_RAW(T_F32, float, 3, 0, 1, 3);
  ASSERT_RAW(T_F64, double, 3, 0, 1, 3);
  ASSERT_RAW(T_F16, uint16_t, 3, 0, 0x3c00, 0x4200);
  ASSERT_RAW(T_BF16, uint16_t, 3, 0, 0x3f80, 0x4040);
  ASSERT_RAW(T_I64, int64_t, 3, 0, 1, 3);
  ASSERT_RAW(T_I32, int32_t, 3, 0, 1, 3);
  ASSERT_RAW(T_I16, int16_t, 3, 0, 1, 3);
  ASSERT_RAW(T_I8, int8_t, 3, 0, 1, 3);
  ASSERT_RAW(T_U8, uint8_t, 3, 0, 1, 3);
  ASSERT_RAW(T_U16, uint16_t, 3, 0, 1, 3);
  ASSERT_RAW(T_U32, uint32_t, 3, 0, 1, 3);
  ASSERT_RAW(T_U64, uint64_t, 3, 0, 1, 3);
  const float truth[] = {0, 1, 1}; /* any byte but 0 is true */
  assert_raw(T_BOOL, 3, (const unsigned char[]){0, 1, 2}, 3, truth);
}

static void negative_raw_integers_keep_their_sign(void **state) {
  (void)state;
  const float expected[] = {-1, -128};
  ASSERT_RAW(T_I8, int8_t, 2, -1, -128);
  ASSERT_RAW(T_I16, int16_t, 2, -1, -128);
  ASSERT_RAW(T_I32, int32_t, 2, -1, -128);
  ASSERT_RAW(T_I64, int64_t, 2, -1, -128);
}

/* The same weights at four neighbouring addresses of the file: one is aligned, and nothing changes. */
static void raw_floats_are_right_at_every_alignment(void **state) {
  (void)state;
  for (int shift = 0; shift < 4; shift++) {
    char pad[8] = "dddd";
    const float w[] = {1, 2}, x[] = {10, 20}, y[] = {11, 22};
    model m = model_of(13);
    pad[shift] = '\0';
    pb_text(&m.graph, 10, pad); /* doc_string */
    add_initializer(&m, tensor_f32("w", XAI_SHAPE(2), w));
    add_input(&m, "x", XAI_SHAPE(2));
    add_node(&m, node("Add", "", "x w", "y"));
    add_output(&m, "y");
    assert_computes(&m, XAI_SHAPE(2), x, XAI_SHAPE(2), y);
  }
}

static void a_packed_float_list_is_used_like_raw_data(void **state) {
  (void)state;
  const float w[] = {1, 2}, x[] = {10, 20}, y[] = {11, 22};
  model m = model_of(13);
  xai_buf t = tensor_head("w", T_F32, XAI_SHAPE(2));
  pb_bytes(&t, 4, w, sizeof w);
  add_initializer(&m, t);
  add_input(&m, "x", XAI_SHAPE(2));
  add_node(&m, node("Add", "", "x w", "y"));
  add_output(&m, "y");
  assert_computes(&m, XAI_SHAPE(2), x, XAI_SHAPE(2), y);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(integers_come_from_their_typed_lists),
      cmocka_unit_test(half_floats_are_bit_patterns_in_int32_data),
      cmocka_unit_test(floats_come_single_or_in_several_packs),
      cmocka_unit_test(an_integer_that_its_type_cannot_hold_is_refused),
      cmocka_unit_test(a_tensor_of_no_elements_and_a_scalar_are_fine),
      cmocka_unit_test(the_payload_must_be_exactly_what_dims_promise),
      cmocka_unit_test(a_shape_that_overflows_is_refused_before_memory_is_asked_for),
      cmocka_unit_test(elements_given_twice_are_refused),
      cmocka_unit_test(elements_in_the_field_of_another_type_are_refused),
      cmocka_unit_test(types_that_are_not_real_numbers_are_refused_by_name),
      cmocka_unit_test(segments_are_refused),
      cmocka_unit_test(external_data_lie_beside_the_model),
      cmocka_unit_test(external_data_stay_inside_their_file_and_folder),
      cmocka_unit_test(without_a_model_file_there_is_nothing_beside_it),
      cmocka_unit_test(raw_data_of_every_type_is_read),
      cmocka_unit_test(negative_raw_integers_keep_their_sign),
      cmocka_unit_test(raw_floats_are_right_at_every_alignment),
      cmocka_unit_test(a_packed_float_list_is_used_like_raw_data),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
