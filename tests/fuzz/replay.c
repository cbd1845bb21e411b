/* tests/fuzz/replay.c: runs a fuzz target on files, without libFuzzer.
 *
 *   replay_<format> [-c] [-m N] [-s BYTES] PATH...
 *
 * Runs every file of at most BYTES (65536), also those in folders; with -c cut off at every length, too; then N damaged
 * copies, the same number of each.
 *
 * A target that has a mutator of its own makes half of the copies with it. Damage is the same in every run. Exits with
 * 77 when there was no file. */
#include "fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

#include "base/rng.h"

/* As libFuzzer names them. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) __attribute__((weak));

static char **paths;
static size_t n_paths;
static size_t largest = 1 << 16;
static long cuts = -1; /* how many were made, when they are wanted */

static uint64_t stream, drawn;
static size_t draw(size_t below) { return (size_t)(xai_rng_u64(stream, drawn++) % below); }

/* Overwrites, swaps in special values, cuts, repeats, copies or changes a number in digits: one to four times. */
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t room) {
  static const unsigned char special[] = {0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF};
  for (size_t times = 1 + draw(4); times > 0 && size > 0; times--) {
    size_t at = draw(size), n = 1 + draw(16), from = draw(size);
    if (n > size - at) n = size - at;
    switch (draw(7)) {
      case 0: bytes[at] = (unsigned char)draw(256); break;
      case 1: bytes[at] ^= (unsigned char)(1u << draw(8)); break;
      case 2: memset(bytes + at, special[draw(sizeof special)], n); break;
      case 3: size = draw(4) == 0 ? at : size; break;
      case 4: memmove(bytes + at, bytes + from, n < size - from ? n : size - from); break;
      case 5:
        for (size_t i = 0; i < n; i++)
          if (bytes[at + i] >= '0' && bytes[at + i] <= '9') bytes[at + i] = (unsigned char)('0' + draw(10));
        break;
      default:
        if (n > room - size) break;
        memmove(bytes + at + n, bytes + at, size - at);
        size += n;
    }
  }
  return size;
}

/* In a block of exactly its size. */
static void run_bytes(const unsigned char *bytes, size_t size) {
  unsigned char *exact = malloc(size);
  FUZZ_CHECK(exact != NULL || size == 0, "out of memory");
  if (size > 0) memcpy(exact, bytes, size);
  LLVMFuzzerTestOneInput(exact, size);
  free(exact);
}

static void run_file(const char *path, long copies) {
  unsigned char *bytes = malloc(largest), *copy = malloc(2 * largest);
  FILE *f = fopen(path, "rb");
  FUZZ_CHECK(bytes != NULL && copy != NULL && f != NULL, path);
  size_t size = fread(bytes, 1, largest, f);
  fclose(f);
  run_bytes(bytes, size);
  for (size_t n = 0; cuts >= 0 && n < size; n++, cuts++) run_bytes(bytes, n);
  stream = xai_rng_stream(1, size);
  drawn = 0;
  for (long i = 0; i < copies; i++) {
    memcpy(copy, bytes, size);
    bool own = LLVMFuzzerCustomMutator != NULL && i % 2 == 1;
    run_bytes(copy, own ? LLVMFuzzerCustomMutator(copy, size, 2 * size, (unsigned)i)
                        : LLVMFuzzerMutate(copy, size, 2 * size));
  }
  free(bytes);
  free(copy);
}

static void find(const char *path) {
  struct stat info;
  if (stat(path, &info) != 0) return;
  if (S_ISREG(info.st_mode) && (uintmax_t)info.st_size <= largest) {
    paths = realloc(paths, (n_paths + 1) * sizeof *paths);
    FUZZ_CHECK(paths != NULL, "out of memory");
    paths[n_paths++] = strcpy(malloc(strlen(path) + 1), path);
  }
  DIR *d = S_ISDIR(info.st_mode) ? opendir(path) : NULL;
  if (d == NULL) return;
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    char inner[4096];
    snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
    if (e->d_name[0] != '.') find(inner);
  }
  closedir(d);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

int main(int argc, char **argv) {
  long copies = 0;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "-c") == 0) cuts = 0;
    else if (strcmp(argv[i], "-m") == 0 && i + 1 < argc) copies = strtol(argv[++i], NULL, 10);
    else if (strcmp(argv[i], "-s") == 0 && i + 1 < argc) largest = strtoul(argv[++i], NULL, 10);
    else find(argv[i]);
  }
  qsort(paths, n_paths, sizeof *paths, by_name); /* a folder's order is the file system's */
  long each = n_paths > 0 ? (copies + (long)n_paths - 1) / (long)n_paths : 0;
  for (size_t i = 0; i < n_paths; i++) run_file(paths[i], each);
  printf("%zu files, %ld cut off, %ld damaged copies\n", n_paths, cuts > 0 ? cuts : 0, each * (long)n_paths);
  for (size_t i = 0; i < n_paths; i++) free(paths[i]);
  free(paths);
  return n_paths > 0 ? 0 : 77;
}
