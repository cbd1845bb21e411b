/* app/args.c: see args.h. One table row per option; no getopt, because unknown options are to be
 * answered with the nearest one, and because parsing must stop at the script. */
#include "app/args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/str.h"

enum { MOST_THREADS = 1024 };

typedef enum option_id {
  EXECUTE, HELP, INTERACTIVE, LIST, MEMORY, OUT_DIR, QUIET, REFERENCE, SEED, THREADS, VERBOSE, VERSION
} option_id;

static const struct option {
  const char *name;
  option_id id;
  bool takes_value;
} options[] = {
    {"-e", EXECUTE, true},      {"-h", HELP, false},        {"--help", HELP, false},
    {"-i", INTERACTIVE, false}, {"--list", LIST, false},    {"--mem", MEMORY, true},
    {"-o", OUT_DIR, true},      {"-q", QUIET, false},       {"--quiet", QUIET, false},
    {"--reference", REFERENCE, false}, {"--seed", SEED, true}, {"--threads", THREADS, true},
    {"-v", VERBOSE, false},     {"--verbose", VERBOSE, false}, {"--version", VERSION, false},
};
enum { OPTION_COUNT = sizeof options / sizeof options[0] };

static const char *option_name(const void *ctx, size_t i) { return ((const struct option *)ctx)[i].name; }

/* The option that 'text' spells: exactly, as --name=value, or as -xvalue. *value is then what follows, else NULL. */
static const struct option *find_option(const char *text, const char **value) {
  *value = NULL;
  for (size_t i = 0; i < OPTION_COUNT; i++) {
    size_t n = strlen(options[i].name);
    if (strncmp(text, options[i].name, n) != 0) continue;
    if (text[n] == '\0') return &options[i];
    bool is_long = text[1] == '-';
    if (!options[i].takes_value || (is_long && text[n] != '=')) continue;
    *value = text + n + (is_long ? 1 : 0);
    return &options[i];
  }
  return NULL;
}

static xai_status unknown_option(const char *text, xai_err *err) {
  char hint[80];
  return xai_fail(err, XAI_ENOTFOUND, "unknown option '%s'%s", text,
                  xai_str_suggest(hint, sizeof hint, xai_str_nearest(text, OPTION_COUNT, option_name, options)));
}

/* A whole number without sign in all of 'text', or as far as *end when end is given. */
static bool read_number(const char *text, uint64_t *value, const char **end) {
  if (text[0] < '0' || text[0] > '9') return false;
  char *stop = NULL;
  errno = 0;
  unsigned long long n = strtoull(text, &stop, 0);
  if (errno != 0 || (end == NULL && *stop != '\0')) return false;
  if (end != NULL) *end = stop;
  *value = n;
  return true;
}

/* 4096, 512K, 512M, 2G: bytes. */
static bool read_size(const char *text, size_t *bytes) {
  uint64_t n = 0;
  const char *unit = NULL;
  if (!read_number(text, &n, &unit) || n > SIZE_MAX) return false;
  size_t factor = 1;
  if (*unit != '\0') {
    static const char letters[] = "KMG";
    const char *letter = strchr(letters, *unit >= 'a' ? *unit - 'a' + 'A' : *unit);
    if (letter == NULL || unit[1] != '\0') return false;
    factor = (size_t)1024 << 10 * (letter - letters);
  }
  return xai_mul_size((size_t)n, factor, bytes) && *bytes > 0;
}

static xai_status apply(const struct option *option, const char *value, app_args *a, xai_err *err) {
  uint64_t n = 0;
  switch (option->id) {
    case EXECUTE: a->code[a->code_count++] = value; break;
    case HELP: a->help = true; break;
    case INTERACTIVE: a->interactive = true; break;
    case LIST: a->list = true; break;
    case MEMORY:
      if (!read_size(value, &a->memory))
        return xai_fail(err, XAI_EARG, "--mem: expected a size like 512M or 2G, got '%s'", value);
      break;
    case OUT_DIR:
      if (value[0] == '\0') return xai_fail(err, XAI_EARG, "-o: expected a directory, got an empty name");
      a->out_dir = value;
      break;
    case QUIET: a->quiet = true; break;
    case REFERENCE: a->reference = true; break;
    case SEED:
      if (!read_number(value, &a->seed, NULL))
        return xai_fail(err, XAI_EARG, "--seed: expected a whole number from 0 up, got '%s'", value);
      break;
    case THREADS:
      if (!read_number(value, &n, NULL) || n < 1 || n > MOST_THREADS)
        return xai_fail(err, XAI_EARG, "--threads: expected 1 to %d, got '%s'", MOST_THREADS, value);
      a->threads = (int)n;
      break;
    case VERBOSE: a->verbose = true; break;
    case VERSION: a->version = true; break;
  }
  return XAI_OK;
}

xai_status app_args_parse(int argc, char *const *argv, app_args *out, xai_err *err) {
  xai_status st = XAI_OK;
  app_args a = {.script = argc};
  a.code = xai_calloc((size_t)argc + 1, sizeof *a.code);
  if (a.code == NULL) {
    st = xai_fail_memory(err, (size_t)argc * sizeof *a.code);
    goto done;
  }
  int i = 1;
  for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
    if (strcmp(argv[i], "--") == 0) {
      i++;
      break;
    }
    const char *value = NULL;
    const struct option *option = find_option(argv[i], &value);
    if (option == NULL) {
      st = unknown_option(argv[i], err);
      goto done;
    }
    if (option->takes_value && value == NULL) {
      if (i + 1 == argc) {
        st = xai_fail(err, XAI_EARG, "option '%s' needs a value", option->name);
        goto done;
      }
      value = argv[++i];
    }
    XAI_GOTO(apply(option, value, &a, err));
  }
  a.script = i;
  *out = a;
  a.code = NULL;
done:
  xai_free(a.code);
  return st;
}

void app_args_free(app_args *args) {
  xai_free(args->code);
  args->code = NULL;
}
