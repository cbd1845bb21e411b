/* tests/fuzz/replay.c: runs a fuzz target on files, without libFuzzer.
 *
 *   replay_<format> [-m N] PATH...     every file, also those in folders; then N damaged copies of each up to 256 KiB
 *
 * Damage is the same in every run. Exits with 77 when there was no file. */
#include "fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

#include "base/rng.h"

enum { SMALL = 256 << 10 };
static int files;
static long mutations;

static uint64_t stream, drawn;
static size_t draw(size_t below) { return (size_t)(xai_rng_u64(stream, drawn++) % below); }

/* Overwrites, swaps in special values, cuts or repeats: one to four times. Returns the new size, at most 'room'. */
static size_t damage(unsigned char *bytes, size_t size, size_t room) {
  static const unsigned char special[] = {0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF};
  for (size_t times = 1 + draw(4); times > 0 && size > 0; times--) {
    size_t at = draw(size), n = 1 + draw(16);
    switch (draw(5)) {
      case 0: bytes[at] = (unsigned char)draw(256); break;
      case 1: bytes[at] ^= (unsigned char)(1u << draw(8)); break;
      case 2: memset(bytes + at, special[draw(sizeof special)], n < size - at ? n : size - at); break;
      case 3: size = at; break;
      default:
        if (n > room - size) break;
        memmove(bytes + at + n, bytes + at, size - at);
        size += n;
    }
  }
  return size;
}

static void run_file(const char *path, size_t size) {
  unsigned char *bytes = malloc(size + 1), *copy = malloc(2 * size + 1);
  FILE *f = fopen(path, "rb");
  FUZZ_CHECK(bytes != NULL && copy != NULL && f != NULL, path);
  FUZZ_CHECK(fread(bytes, 1, size, f) == size, path);
  fclose(f);
  LLVMFuzzerTestOneInput(bytes, size);
  stream = xai_rng_stream(1, size);
  drawn = 0;
  for (long i = 0; i < mutations && size <= SMALL; i++) {
    memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, damage(copy, size, 2 * size));
  }
  free(bytes);
  free(copy);
  files++;
}

static void run(const char *path) {
  struct stat info;
  if (stat(path, &info) != 0) return;
  if (S_ISREG(info.st_mode)) run_file(path, (size_t)info.st_size);
  DIR *d = S_ISDIR(info.st_mode) ? opendir(path) : NULL;
  if (d == NULL) return;
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    char inner[4096];
    snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
    if (e->d_name[0] != '.') run(inner);
  }
  closedir(d);
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "-m") == 0 && i + 1 < argc)
      mutations = strtol(argv[++i], NULL, 10);
    else
      run(argv[i]);
  }
  printf("%d files, %ld damaged copies of each\n", files, mutations);
  return files > 0 ? 0 : 77;
}
