/* bindings/config.h: process-wide settings. The host program writes them before scripts run, the Lua layer reads. */
#ifndef BINDINGS_CONFIG_H
#define BINDINGS_CONFIG_H

#include <stdbool.h>

struct xl_config {
  const char *out_dir; /* where pictures with a plain file name go; "out" */
  bool quiet;          /* no notes, no "wrote ..." */
  bool verbose;        /* tracebacks */
};
extern struct xl_config xl_config;

#endif
