/* base/file.h: whole files in, whole files out. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

#include "base/status.h"

/* A read-only private mapping of a regular file, shared by reference count: tensors made from it
 * keep it alive. The path is kept for messages. An empty file maps to size 0 and a valid pointer.
 * What another program does to the file's bytes in place shows in the mapping, and cutting it short makes reading
 * fatal (SIGBUS): files are to be replaced by renaming, as xai_file_write does. */
typedef struct xai_file xai_file;

/* Fails with XAI_ENOTFOUND (no such file; names a near neighbour in the directory if there is one),
 * XAI_EARG (a directory, a device), XAI_EFORMAT (larger than max_bytes) or XAI_EIO. */
xai_status xai_file_map(const char *path, size_t max_bytes, xai_file **out, xai_err *err);
/* Maps the file 'name' in the folder of 'path', or in a folder inside it, for a name that comes from an untrusted file:
 * it must be relative without empty, '.' or '..' parts and without a backslash, no part may be a symbolic link, and the
 * file must have no other name (hard link). Fails with XAI_EFORMAT for such a name, else as xai_file_map. */
xai_status xai_file_map_beside(const char *path, const char *name, xai_file **out, xai_err *err);
/* Opens 'name', part by part, below the folder that is open as 'folder'; -1 and errno. For kernels without openat2. */
int xai_file__walk(int folder, const char *name);
/* The caller's bytes, which must stay until the last release, as if they had come from a file of that name. */
xai_status xai_file_wrap(const char *path, const void *bytes, size_t n, xai_file **out, xai_err *err);
const unsigned char *xai_file_data(const xai_file *f);
size_t xai_file_size(const xai_file *f);
const char *xai_file_path(const xai_file *f);
/* Copies n bytes of the file, piece by piece, and lets go of the mapping's pages that it has read: what has been copied
 * does not stay in memory twice. 'at' lies in the file. */
void xai_file_copy(const xai_file *f, const unsigned char *at, size_t n, void *to);
xai_file *xai_file_retain(xai_file *f);
void xai_file_release(xai_file *f);

/* Puts the bytes into a temporary beside 'path', syncs it, then renames: afterwards 'path' holds
 * the old bytes or all the new ones. Missing parent directories are an error, not created. A symbolic
 * link is followed. Fails with XAI_EARG when 'path' is a directory or a device, else with XAI_EIO. */
xai_status xai_file_write(const char *path, const void *bytes, size_t n, xai_err *err);

/* The same in pieces, for what should not stand in memory as a whole. Every writer is committed or discarded. */
typedef struct xai_writer xai_writer;
xai_status xai_writer_open(const char *path, xai_writer **out, xai_err *err);
/* After a failure further pieces are ignored; the commit reports it. */
void xai_writer_add(xai_writer *w, const void *bytes, size_t n);
/* Syncs and renames; on failure the old file stays and no temporary is left. The writer is gone afterwards. */
xai_status xai_writer_commit(xai_writer *w, xai_err *err);
void xai_writer_discard(xai_writer *w); /* NULL is fine */

#endif
