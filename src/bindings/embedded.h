/* bindings/embedded.h: files inside the binary: Lua, the shipped networks, the example pictures. The table is generated
 * by cmake/embed.cmake. */
#ifndef BINDINGS_EMBEDDED_H
#define BINDINGS_EMBEDDED_H

#include <stddef.h>

#include "base/file.h"

typedef struct xl_embedded_file {
  const char *path;  /* from the source root: "lua/xai/init.lua", "models/scenes.safetensors" */
  const char *bytes; /* ends with a NUL that 'size' does not count */
  size_t size;
} xl_embedded_file;

extern const xl_embedded_file xl_embedded_files[]; /* ended by path NULL */

/* The file inside the binary of this path, or NULL. */
const xl_embedded_file *xl_embedded_find(const char *path);
/* The bytes inside the binary when there is no file of this path and they have one; *out NULL when they have none. A file
 * comes first, so that what ships can be replaced. */
xai_status xl_embedded_open(const char *path, xai_file **out, xai_err *err);

#endif
