/* app/args.h: the command line. Options stand before the script; what follows belongs to the script. */
#ifndef APP_ARGS_H
#define APP_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xai/status.h"

typedef struct app_args {
  bool help, version, list; /* say something and end */
  bool verbose, quiet;
  bool interactive;         /* -i: the REPL after the script */
  bool reference;           /* plain kernels only */
  const char **code;        /* the values of -e in order; the array is owned, the strings are argv's */
  int code_count;
  const char *out_dir;      /* NULL: not given */
  int threads;              /* 0: not given */
  uint64_t seed;
  size_t memory;            /* bytes; 0: no limit */
  int script;               /* index into argv of the script, "-" for stdin; argc when there is none */
} app_args;

/* Reads argv. Fails with XAI_EARG (a value that makes no sense), XAI_ENOTFOUND (no such option; names
 * the nearest) or XAI_ENOMEM. The strings in 'out' live as long as argv. */
xai_status app_args_parse(int argc, char *const *argv, app_args *out, xai_err *err);
void app_args_free(app_args *args);

#endif
