/* bindings/embedded.c: see embedded.h. */
#include "bindings/embedded.h"

#include <string.h>
#include <unistd.h>

const xl_embedded_file *xl_embedded_find(const char *path) {
  for (const xl_embedded_file *f = xl_embedded_files; f->path != NULL; f++)
    if (strcmp(f->path, path) == 0) return f;
  return NULL;
}

xai_status xl_embedded_open(const char *path, xai_file **out, xai_err *err) {
  const xl_embedded_file *f = access(path, F_OK) == 0 ? NULL : xl_embedded_find(path);
  *out = NULL;
  return f == NULL ? XAI_OK : xai_file_wrap(path, f->bytes, f->size, out, err);
}
