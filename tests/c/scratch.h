/* tests/c/scratch.h: a folder of one's own, faults, and damaged files.
 *
 * A test program gives scratch_open and scratch_close to cmocka_run_group_tests. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#define _GNU_SOURCE /* so this header comes first */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "xai/status.h"

#define SCRATCH __attribute__((unused)) static

static char scratch_folder[] = "/tmp/xai-test-XXXXXX";

SCRATCH int scratch_open(void **state) {
  (void)state;
  return mkdtemp(scratch_folder) == NULL;
}

/* How many files there are: a writer that fails must not leave one. */
SCRATCH int scratch_count(void) {
  int n = 0;
  DIR *d = opendir(scratch_folder);
  assert_non_null(d);
  for (struct dirent *e; (e = readdir(d)) != NULL;) n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
  closedir(d);
  return n;
}

/* The path of a file in the folder; good until eight more are asked for. */
SCRATCH const char *scratch(const char *name) {
  static char paths[8][320]; /* a folder of ours and the longest name there can be */
  static int next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", scratch_folder, name);
  return path;
}

SCRATCH int scratch_close(void **state) {
  (void)state;
  DIR *d = opendir(scratch_folder);
  if (d == NULL) return 1;
  for (struct dirent *e; (e = readdir(d)) != NULL;)
    if (e->d_name[0] != '.') remove(scratch(e->d_name));
  closedir(d);
  return rmdir(scratch_folder);
}

SCRATCH void put_file(const char *path, const void *bytes, size_t n) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, n, f), n);
  assert_int_equal(fclose(f), 0);
}

SCRATCH void put_text(const char *path, const char *text) { put_file(path, text, strlen(text)); }

/* free() the result. */
SCRATCH unsigned char *get_file(const char *path, size_t *n) {
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  assert_int_equal(fseek(f, 0, SEEK_END), 0);
  *n = (size_t)ftell(f);
  rewind(f);
  unsigned char *bytes = malloc(*n + 1);
  assert_non_null(bytes);
  assert_int_equal(fread(bytes, 1, *n, f), *n);
  fclose(f);
  return bytes;
}

/* A file of the shared reference folder; where that is absent the test is skipped, and says so. */
SCRATCH const char *shared_file(const char *name) {
  static char path[600];
  const char *folder = getenv("XAI_SHARED");
  snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : "../shared", name);
  if (access(path, R_OK) != 0) {
    print_message("no reference file %s: set XAI_SHARED\n", path);
    skip();
  }
  return path;
}

/* Something that may fail. On success it has freed what it made; on failure it has checked that its outputs are
 * as they were. */
typedef xai_status attempt(const char *path, xai_err *err);

/* Fails every allocation in turn, once and from then on, until the attempt succeeds several times in a row (one
 * success may be a failure that did not matter, as that of a mere hint). */
SCRATCH void each_allocation_fails(attempt *try, const char *path) {
  for (int sticky = 0; sticky <= 1; sticky++) {
    int successes = 0;
    for (int64_t k = 0; successes < 4; k++) {
      size_t before = xai_mem_live();
      xai_err err = {"?"};
      xai_mem_fail_after(k, sticky);
      xai_status st = try(path, &err);
      xai_mem_fail_after(-1, false);
      if (st != XAI_OK) {
        assert_int_equal(st, XAI_ENOMEM);
        assert_non_null(strstr(err.text, "out of memory"));
        successes = 0;
      } else {
        successes++;
      }
      assert_int_equal(xai_mem_live(), before);
    }
  }
}

SCRATCH void expect_clean_failure(attempt *try, const char *path, size_t at) {
  size_t before = xai_mem_live();
  xai_err err = {""};
  xai_status st = try(path, &err);
  if (st != XAI_EFORMAT && st != XAI_EUNSUPPORTED) fail_msg("cut after %zu bytes: status %d", at, (int)st);
  if (strncmp(err.text, path, strlen(path)) != 0) fail_msg("cut after %zu bytes: '%s'", at, err.text);
  assert_int_equal(xai_mem_live(), before);
}

/* Every proper prefix is refused, except those of 'complete' bytes and more. */
SCRATCH void each_cut_is_refused(attempt *try, const char *path, const unsigned char *bytes, size_t n,
                                 size_t complete) {
  xai_err err;
  for (size_t length = 0; length < n; length++) {
    put_file(path, bytes, length);
    if (length < complete)
      expect_clean_failure(try, path, length);
    else if (try(path, &err) != XAI_OK)
      fail_msg("%zu bytes should do: %s", length, err.text);
  }
  put_file(path, bytes, n);
  if (try(path, &err) != XAI_OK) fail_msg("the whole file: %s", err.text);
}

/* Each byte becomes 00, 7F, 80, FF and its neighbour: an error with a message or a result, and nothing leaks. Returns
 * how many of the files were refused. */
SCRATCH int each_byte_fault_is_survived(attempt *try, const char *path, const unsigned char *bytes, size_t n) {
  unsigned char *copy = malloc(n);
  int refused = 0;
  assert_non_null(copy);
  memcpy(copy, bytes, n);
  for (size_t i = 0; i < n; i++) {
    const unsigned char values[] = {0x00, 0x7F, 0x80, 0xFF, bytes[i] ^ 1};
    for (size_t v = 0; v < sizeof values; v++) {
      size_t before = xai_mem_live();
      xai_err err = {""};
      copy[i] = values[v];
      put_file(path, copy, n);
      xai_status st = try(path, &err);
      if (st != XAI_OK && strncmp(err.text, path, strlen(path)) != 0)
        fail_msg("byte %zu = %02x: '%s'", i, values[v], err.text);
      refused += st != XAI_OK;
      assert_int_equal(xai_mem_live(), before);
    }
    copy[i] = bytes[i];
  }
  free(copy);
  return refused;
}

#endif
