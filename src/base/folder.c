/* base/folder.c: see folder.h. */
#define _GNU_SOURCE
#include "base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"

static int by_name(const void *a, const void *b) {
  return strcmp(((const xai_folder_entry *)a)->name, ((const xai_folder_entry *)b)->name);
}

static xai_status add(xai_folder *f, int *room, const char *name, const struct stat *info, xai_err *err) {
  XAI_TRY(xai_grow((void **)&f->entries, f->n, room, sizeof *f->entries, err));
  char *copy = xai_strdup(name);
  if (copy == NULL) return xai_fail_memory(err, strlen(name) + 1);
  f->entries[f->n++] = (xai_folder_entry){copy, S_ISDIR(info->st_mode), S_ISDIR(info->st_mode) ? 0 : info->st_size};
  return XAI_OK;
}

xai_status xai_folder_read(const char *path, xai_folder *out, xai_err *err) {
  xai_folder f = {0};
  int room = 0;
  xai_status st = XAI_OK;
  DIR *d = opendir(path);
  if (d == NULL)
    return xai_fail(err, errno == ENOENT || errno == ENOTDIR ? XAI_ENOTFOUND : XAI_EIO, "%s: %s", path,
                    errno == ENOENT ? "no such folder" : strerror(errno));
  for (;;) {
    struct stat info;
    errno = 0;
    struct dirent *e = readdir(d);
    if (e == NULL) break;
    if (e->d_name[0] == '.' || fstatat(dirfd(d), e->d_name, &info, 0) != 0) continue;
    if (S_ISDIR(info.st_mode) || S_ISREG(info.st_mode)) XAI_GOTO(add(&f, &room, e->d_name, &info, err));
  }
  if (errno != 0) {
    st = xai_fail(err, XAI_EIO, "%s: %s", path, strerror(errno));
    goto done;
  }
  if (f.n > 0) qsort(f.entries, (size_t)f.n, sizeof *f.entries, by_name);
  *out = f;
  f = (xai_folder){0};
done:
  closedir(d);
  xai_folder_free(&f);
  return st;
}

void xai_folder_free(xai_folder *f) {
  for (int i = 0; i < f->n; i++) xai_free(f->entries[i].name);
  xai_free(f->entries);
  *f = (xai_folder){0};
}
