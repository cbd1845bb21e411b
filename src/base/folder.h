/* base/folder.h: what is in a folder. */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include "base/status.h"

#include <stdint.h>

typedef struct xai_folder_entry {
  char *name;
  bool folder;  /* else a regular file; symbolic links count as what they lead to */
  int64_t size; /* of a file, in bytes */
} xai_folder_entry;

typedef struct xai_folder {
  xai_folder_entry *entries;
  int n;
} xai_folder;

/* Files and folders in the folder, in the order of their names' bytes, whatever order the disk has; without hidden ones
 * (".x"), links that lead nowhere, and what is neither file nor folder. *out starts zeroed, untouched on failure. Fails
 * with XAI_ENOTFOUND, XAI_EIO or XAI_ENOMEM. */
xai_status xai_folder_read(const char *path, xai_folder *out, xai_err *err);
void xai_folder_free(xai_folder *f); /* contents; the struct is the caller's */

#endif
