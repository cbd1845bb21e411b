/* Zip archives: members of every kind, every contradiction, and what cannot be trusted. */
#include "scratch.h"

#include "formats/zip.h"
#include "zip_make.h"

static const zip_part two[] = {{"d/a", "first", 5, false, false, false}, {"d/b", "second", 6, false, false, false}};
static const zip_part squeezed[] = {{"a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 40, true, false, false}};

/* Opens the file and reads every member; *text gets their bytes in a row. */
static xai_status read_all(const char *path, char *text, xai_err *err) {
  xai_file *file;
  xai_zip z = {0};
  XAI_TRY(xai_file_map(path, SIZE_MAX / 4, &file, err));
  xai_status st = xai_zip_open(file, &z, err);
  for (size_t i = 0; i < z.n && st == XAI_OK; i++) {
    const unsigned char *bytes;
    unsigned char *block;
    st = xai_zip_read(&z.members[i], &bytes, &block, err);
    if (st != XAI_OK) break;
    if (text != NULL) {
      memcpy(text, bytes, (size_t)z.members[i].size);
      text += z.members[i].size;
      *text = '\0';
    }
    bool inside = bytes >= xai_file_data(file) && bytes < xai_file_data(file) + xai_file_size(file);
    assert_int_equal(inside, z.members[i].method == 0);
    assert_int_equal(block != NULL, z.members[i].method == 8);
    xai_free(block);
  }
  xai_zip_close(&z);
  xai_file_release(file);
  return xai_err_prefix(err, st, "%s: ", path);
}

static xai_status read_and_free(const char *path, xai_err *err) { return read_all(path, NULL, err); }

static void expect_text(zip_file z, const char *want) {
  char text[200] = "";
  xai_err err = {""};
  put_file(scratch("a.zip"), z.b.data, z.b.size);
  if (read_all(scratch("a.zip"), text, &err) != XAI_OK) fail_msg("%s", err.text);
  assert_string_equal(text, want);
  xai_buf_free(&z.b);
}

static void expect_refused(zip_file z, xai_status want, const char *message) {
  xai_err err = {""};
  put_file(scratch("a.zip"), z.b.data, z.b.size);
  xai_status st = read_and_free(scratch("a.zip"), &err);
  if (st != want || strstr(err.text, message) == NULL)
    fail_msg("status %d, '%s', expected '%s'", (int)st, err.text, message);
  xai_buf_free(&z.b);
}

static zip_file plain(void) { return zip_build(two, 2, false, ""); }

/* The archive of two members with some bytes overwritten. */
static zip_file spoiled(size_t at, uint64_t v, size_t n) {
  zip_file z = plain();
  zip_put(&z, at, v, n);
  return z;
}

static void members_of_every_kind_are_read(void **state) {
  (void)state;
  const char *a = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  expect_text(plain(), "firstsecond");
  expect_text(zip_build(squeezed, 1, false, ""), a);
  expect_text(zip_build(NULL, 0, false, ""), "");
  expect_text(zip_build(two, 2, true, "with a comment"), "firstsecond");
  for (int bits = 0; bits < 8; bits++) {
    zip_part parts[] = {{"x", a, 40, bits & 1, bits & 2, bits & 4},
                        {"y/", "", 0, bits & 1, false, false},
                        {"z", "end", 3, false, true, true}};
    char want[60];
    snprintf(want, sizeof want, "%send", a);
    expect_text(zip_build(parts, 3, bits & 4, ""), want);
  }
}

static void a_comment_may_look_like_an_end_record(void **state) {
  (void)state;
  expect_text(zip_build(two, 2, false, "PK\5\6 is how it starts, and more of it comes here"), "firstsecond");
}

static void members_are_found_by_name(void **state) {
  (void)state;
  xai_file *file;
  xai_zip zip;
  xai_err err;
  zip_part parts[] = {
      {"c", "3", 1, false, false, false}, {"a", "1", 1, false, false, false}, {"b", "2", 1, false, false, false}};
  zip_file z = zip_build(parts, 3, false, "");
  put_file(scratch("a.zip"), z.b.data, z.b.size);
  assert_int_equal(xai_file_map(scratch("a.zip"), 1000, &file, &err), XAI_OK);
  assert_int_equal(xai_zip_open(file, &zip, &err), XAI_OK);
  for (int i = 0; i < 3; i++) assert_ptr_equal(xai_zip_find(&zip, parts[i].name), &zip.members[i]);
  assert_null(xai_zip_find(&zip, "d"));
  assert_null(xai_zip_find(&zip, ""));
  xai_zip_close(&zip);
  assert_null(xai_zip_find(&zip, "a"));
  xai_file_release(file);
  xai_buf_free(&z.b);
}

static void an_end_record_that_is_wrong_is_refused(void **state) {
  (void)state;
  zip_file at = plain();
  expect_refused(spoiled(at.end, 0, 4), XAI_EFORMAT, "no end record of a zip archive (is the file cut off?)");
  expect_refused(spoiled(at.end + 20, 1, 2), XAI_EFORMAT, "no end record");
  expect_refused(spoiled(at.end + 4, 1, 2), XAI_EUNSUPPORTED, "a zip archive on several disks");
  expect_refused(spoiled(at.end + 8, 1, 2), XAI_EUNSUPPORTED, "several disks");
  expect_refused(spoiled(at.end + 12, 1, 4), XAI_EFORMAT, "its directory is not where the end record says");
  expect_refused(spoiled(at.end + 16, 0, 4), XAI_EFORMAT, "its directory is not where the end record says");
  expect_refused(spoiled(at.end + 12, 0xFFFFFFFF, 4), XAI_EFORMAT, "its directory is not where the end record says");
  expect_refused(spoiled(at.end + 8, 0x00010001, 4), XAI_EFORMAT,
                 "its directory holds more than the 1 members it should");
  expect_refused(spoiled(at.end + 8, 0xFFFFFFFF, 4), XAI_EFORMAT, "its directory is too short for 65535 members");
  expect_refused(spoiled(at.central[1], 0, 4), XAI_EFORMAT, "its directory is damaged");
  expect_refused(spoiled(at.central[1] + 30, 99, 2), XAI_EFORMAT, "its directory is damaged");
  expect_refused(spoiled(at.central[1] + 34, 1, 2), XAI_EUNSUPPORTED, "several disks");
  zip_file z = plain(), prefixed = {.b = {0}};
  xai_buf_add(&prefixed.b, "#!/bin/sh", 9);
  xai_buf_add(&prefixed.b, z.b.data, z.b.size);
  expect_refused(prefixed, XAI_EFORMAT, "is something missing or in front?");
  xai_buf_free(&z.b);
  xai_buf_free(&at.b);
}

static void zip64_records_that_are_wrong_are_refused(void **state) {
  (void)state;
  zip_file at = zip_build(two, 2, true, "");
  const struct {
    size_t at;
    uint64_t v;
    size_t n;
    xai_status st;
    const char *message;
  } cases[] = {{at.end64, 0, 4, XAI_EFORMAT, "its zip64 end record is damaged"},
               {at.end64 + 4, 45, 8, XAI_EFORMAT, "its zip64 end record is damaged"},
               {at.locator + 8, at.end64 + 1, 8, XAI_EFORMAT, "its zip64 end record is damaged"},
               {at.locator + 8, UINT64_MAX, 8, XAI_EFORMAT, "its zip64 end record is damaged"},
               {at.locator + 4, 1, 4, XAI_EUNSUPPORTED, "several disks"},
               {at.locator + 16, 2, 4, XAI_EUNSUPPORTED, "several disks"},
               {at.end64 + 16, 1, 4, XAI_EUNSUPPORTED, "several disks"},
               {at.end64 + 24, 3, 8, XAI_EUNSUPPORTED, "several disks"},
               {at.end64 + 40, UINT64_MAX, 8, XAI_EFORMAT, "its directory is not where"},
               {at.end64 + 48, UINT64_MAX, 8, XAI_EFORMAT, "its directory is not where"},
               {at.end + 16, 7, 4, XAI_EFORMAT, "its two end records disagree"},
               {at.end + 12, 7, 4, XAI_EFORMAT, "its two end records disagree"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    zip_file z = zip_build(two, 2, true, "");
    zip_put(&z, cases[i].at, cases[i].v, cases[i].n);
    expect_refused(z, cases[i].st, cases[i].message);
  }
  zip_file many = zip_build(two, 2, true, "");
  zip_put(&many, at.end64 + 24, 65537, 8);
  zip_put(&many, at.end64 + 32, 65537, 8);
  expect_refused(many, XAI_EFORMAT, "65537 members (at most 65536)");
  zip_part wide[] = {{"a", "x", 1, false, false, true}};
  for (int i = 0; i < 2; i++) { /* an extra field that ends early; one without its value */
    zip_file z = zip_build(wide, 1, false, "");
    zip_put(&z, z.central[0] + 46 + 1 + (i == 0 ? 2 : 0), i == 0 ? 200 : 9, 2);
    expect_refused(z, XAI_EFORMAT, "member 'a': its extra field is damaged");
  }
  xai_buf_free(&at.b);
}

static void names_that_could_mislead_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"/etc/passwd", "../a", "a/../../b", "a/..", "..",   "a/./b",
                                    ".",           "a//b", "a\\b",      "C:x",  "\xff", ""};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    expect_refused(zip_build(&(zip_part){bad[i], "x", 1, false, false, false}, 1, false, ""), XAI_EFORMAT,
                   ": a name that is empty, absolute, too long");
  zip_file z = zip_build(&(zip_part){"abc", "x", 1, false, false, false}, 1, false, "");
  zip_put(&z, z.central[0] + 47, 0, 1);
  zip_put(&z, z.local[0] + 31, 0, 1);
  expect_refused(z, XAI_EFORMAT, "or holds '..', '.', '//', '\\' or NUL");
  static char endless[5000];
  memset(endless, 'a', 4097);
  expect_refused(zip_build(&(zip_part){endless, "x", 1, false, false, false}, 1, false, ""), XAI_EFORMAT, "too long");
  expect_text(zip_build(&(zip_part){"a../..b/...", "x", 1, false, false, false}, 1, false, ""), "x");
  zip_part twice[] = {two[0], two[0]};
  expect_refused(zip_build(twice, 2, false, ""), XAI_EFORMAT, "member 'd/a' is given twice");
}

static void a_local_header_must_agree_with_the_directory(void **state) {
  (void)state;
  zip_file at = plain();
  const size_t l = at.local[1];
  const size_t offsets[] = {l + 6, l + 8, l + 14, l + 18, l + 22, l + 26, l + 32};
  for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
    zip_file z = plain();
    z.b.data[offsets[i]] ^= 2;
    expect_refused(z, XAI_EFORMAT, "member 'd/b': its local header and the directory disagree");
  }
  expect_refused(spoiled(l, 0, 4), XAI_EFORMAT, "member 'd/b': no local header where the directory says");
  expect_refused(spoiled(at.central[1] + 42, l + 1, 4), XAI_EFORMAT, "no local header");
  expect_refused(spoiled(at.central[1] + 42, at.end, 4), XAI_EFORMAT, "no local header");
  expect_refused(spoiled(l + 28, 0xFFFF, 2), XAI_EFORMAT, "its 6 bytes reach into the directory");
  zip_file z = plain();
  for (int i = 0; i < 2; i++) zip_put(&z, z.central[1] + 20 + 4 * (size_t)i, 7, 4);
  expect_refused(z, XAI_EFORMAT, "its 7 bytes reach into the directory");
  xai_buf_free(&at.b);
}

/* The second record of the directory points at the first member's bytes, as in archives that grow by overlapping. */
static void members_may_not_share_bytes(void **state) {
  (void)state;
  zip_part twins[] = {{"a", "same", 4, false, false, false}, {"b", "same", 4, false, false, false}};
  zip_file z = zip_build(twins, 2, false, "");
  zip_put(&z, z.central[1] + 42, z.local[0], 4);
  z.b.data[z.central[1] + 46] = 'a';
  expect_refused(z, XAI_EFORMAT, "shares bytes with another one");
  /* the first member's bytes reach into the second's local header */
  zip_file over = zip_build(twins, 2, false, "");
  for (size_t i = 0; i < 2; i++) {
    zip_put(&over, over.central[0] + 20 + 4 * i, 5, 4);
    zip_put(&over, over.local[0] + 18 + 4 * i, 5, 4);
  }
  expect_refused(over, XAI_EFORMAT, "member 'b' shares bytes with another one");
}

static void encryption_and_other_methods_are_refused(void **state) {
  (void)state;
  zip_file at = plain();
  const uint16_t flags[] = {1, 1 << 6, 1 << 13};
  for (int i = 0; i < 3; i++)
    expect_refused(spoiled(at.central[0] + 8, flags[i], 2), XAI_EUNSUPPORTED, "member 'd/a': it is encrypted");
  expect_refused(spoiled(at.central[0] + 10, 12, 2), XAI_EUNSUPPORTED,
                 "member 'd/a': compression method 12 (expected stored or deflated)");
  expect_refused(spoiled(at.central[0] + 24, 6, 4), XAI_EFORMAT,
                 "member 'd/a': it is stored, but 5 bytes should become 6");
  xai_buf_free(&at.b);
}

/* A deflated member whose directory says another size, in both headers. */
static zip_file claiming(uint32_t size, uint32_t packed) {
  zip_file z = zip_build(squeezed, 1, false, "");
  zip_put(&z, z.central[0] + 24, size, 4);
  zip_put(&z, z.local[0] + 22, size, 4);
  if (packed > 0) {
    zip_put(&z, z.central[0] + 20, packed, 4);
    zip_put(&z, z.local[0] + 18, packed, 4);
  }
  return z;
}

static void sizes_are_exact_and_growth_is_bounded(void **state) {
  (void)state;
  expect_refused(claiming(39, 0), XAI_EFORMAT,
                 "member 'a': its compressed bytes are damaged or do not become 39 bytes");
  expect_refused(claiming(41, 0), XAI_EFORMAT, "do not become 41 bytes");
  expect_refused(claiming(40, 1), XAI_EFORMAT, "do not become 40 bytes");
  expect_refused(claiming(0, 0), XAI_EFORMAT, "do not become 0 bytes");
  expect_refused(claiming(1u << 30, 0), XAI_EFORMAT, "bytes cannot inflate to 1073741824");
  /* 1 200 000 bytes that claim to be 1032 times as many: possible for deflate, but over 1 GiB + 4 * 1.2 MB */
  static unsigned char zeros[1200000];
  zip_file z = zip_build(&(zip_part){"bomb", zeros, sizeof zeros, false, false, false}, 1, false, "");
  zip_put(&z, z.central[0] + 10, 8, 2);
  zip_put(&z, z.local[0] + 8, 8, 2);
  zip_put(&z, z.central[0] + 24, UINT32_C(1200000) * 1032, 4);
  zip_put(&z, z.local[0] + 22, UINT32_C(1200000) * 1032, 4);
  expect_refused(z, XAI_EFORMAT, "its members inflate to more than 1079 MB (1 GiB and four times the file's size)");
}

static void bytes_must_match_their_checksum(void **state) {
  (void)state;
  zip_file at = plain();
  expect_refused(spoiled(at.data[0], 'F', 1), XAI_EFORMAT, "member 'd/a': its CRC-32 is ");
  zip_file z = zip_build(squeezed, 1, false, "");
  zip_put(&z, z.central[0] + 16, 1, 4);
  zip_put(&z, z.local[0] + 14, 1, 4);
  expect_refused(z, XAI_EFORMAT, "expected 00000001 (damaged, or written without checksums)");
  xai_buf_free(&at.b);
}

static void reading_can_be_interrupted(void **state) {
  (void)state;
  zip_part parts[] = {two[0], squeezed[0]};
  for (int i = 0; i < 2; i++) {
    xai_err err;
    zip_file z = zip_build(parts + i, 1, false, "");
    put_file(scratch("a.zip"), z.b.data, z.b.size);
    xai_stop_request();
    assert_int_equal(read_and_free(scratch("a.zip"), &err), XAI_ESTOP);
    xai_stop_clear();
    xai_buf_free(&z.b);
  }
}

/* ---- writing ---------------------------------------------------------------------------------------- */

static void what_is_written_is_read_and_lies_aligned(void **state) {
  (void)state;
  xai_zip_writer w = {0};
  xai_err err;
  xai_zip zip;
  xai_file *file;
  xai_buf front = {0};
  xai_buf_add(&front, "front ", 6);
  assert_int_equal(xai_zip_add(&w, "a", &front, "and back", 8, &err), XAI_OK);
  assert_int_equal(xai_zip_add(&w, "folder/\xc3\xa4", &front, "", 0, &err), XAI_OK);
  assert_int_equal(xai_zip_finish(&w, &err), XAI_OK);
  put_file(scratch("w.zip"), w.bytes.data, w.bytes.size);
  assert_int_equal(xai_file_map(scratch("w.zip"), 10000, &file, &err), XAI_OK);
  assert_int_equal(xai_zip_open(file, &zip, &err), XAI_OK);
  assert_int_equal(zip.n, 2);
  for (size_t i = 0; i < 2; i++) {
    const unsigned char *bytes;
    unsigned char *block;
    assert_int_equal(xai_zip_read(&zip.members[i], &bytes, &block, &err), XAI_OK);
    assert_int_equal((bytes - xai_file_data(file)) % 64, 0);
    assert_int_equal(zip.members[i].size, i == 0 ? 14 : 6);
    assert_memory_equal(bytes, "front and back", zip.members[i].size);
  }
  assert_string_equal(zip.members[1].name, "folder/\xc3\xa4");
  xai_zip_close(&zip);
  xai_file_release(file);
  xai_zip_writer_free(&w);
  xai_buf_free(&front);
}

static void names_that_no_reader_takes_are_not_written(void **state) {
  (void)state;
  static const char *const bad[] = {"", "/a", "../a", "a\\b", "\xff"};
  xai_zip_writer w = {0};
  xai_err err;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(xai_zip_add(&w, bad[i], &(xai_buf){0}, "", 0, &err), XAI_EARG);
    assert_non_null(strstr(err.text, "cannot be the name of a member"));
  }
  assert_int_equal(w.n, 0);
  xai_zip_writer_free(&w);
}

/* ---- damage and faults ------------------------------------------------------------------------------ */

static zip_file mixed(void) {
  zip_part parts[] = {
      two[0], {"deflated", "abcabcabcabcabcabcabc", 21, true, true, false}, {"wide", "w", 1, false, false, true}};
  return zip_build(parts, 3, true, "");
}

static void every_cut_and_every_wrong_byte_is_survived(void **state) {
  (void)state;
  zip_file z = mixed();
  each_cut_is_refused(read_and_free, scratch("cut.zip"), z.b.data, z.b.size, z.b.size);
  each_byte_fault_is_survived(read_and_free, scratch("fault.zip"), z.b.data, z.b.size);
  xai_buf_free(&z.b);
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  zip_file z = mixed();
  put_file(scratch("m.zip"), z.b.data, z.b.size);
  each_allocation_fails(read_and_free, scratch("m.zip"));
  xai_buf_free(&z.b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(members_of_every_kind_are_read),
      cmocka_unit_test(a_comment_may_look_like_an_end_record),
      cmocka_unit_test(members_are_found_by_name),
      cmocka_unit_test(an_end_record_that_is_wrong_is_refused),
      cmocka_unit_test(zip64_records_that_are_wrong_are_refused),
      cmocka_unit_test(names_that_could_mislead_are_refused),
      cmocka_unit_test(a_local_header_must_agree_with_the_directory),
      cmocka_unit_test(members_may_not_share_bytes),
      cmocka_unit_test(encryption_and_other_methods_are_refused),
      cmocka_unit_test(sizes_are_exact_and_growth_is_bounded),
      cmocka_unit_test(bytes_must_match_their_checksum),
      cmocka_unit_test(reading_can_be_interrupted),
      cmocka_unit_test(what_is_written_is_read_and_lies_aligned),
      cmocka_unit_test(names_that_no_reader_takes_are_not_written),
      cmocka_unit_test(every_cut_and_every_wrong_byte_is_survived),
      cmocka_unit_test(every_failing_allocation_is_survived),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
