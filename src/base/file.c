/* base/file.c: see file.h. */
#define _GNU_SOURCE
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"

struct xai_file {
  atomic_int refs;
  bool wrapped; /* the bytes are not ours */
  unsigned char *data;
  size_t size;
  char path[];
};

/* The entry of the path's directory most like its last part, or NULL; the caller frees. */
static char *neighbour(const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash != NULL ? slash + 1 : path;
  char *dir = slash != NULL ? xai_strdup(path) : xai_strdup(".");
  if (dir == NULL) return NULL;
  if (slash != NULL) dir[slash - path + 1] = '\0';
  DIR *d = opendir(dir);
  xai_free(dir);
  if (d == NULL) return NULL;
  char *best = NULL;
  int distance = 3 < (int)strlen(name) / 3 ? (int)strlen(name) / 3 : 3;
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    int here = xai_str_distance(name, e->d_name);
    if (e->d_name[0] == '.' || here >= distance) continue;
    xai_free(best);
    best = xai_strdup(e->d_name);
    distance = here;
  }
  closedir(d);
  return best;
}

static xai_status fail_open(const char *path, int error, xai_err *err) {
  if (error != ENOENT && error != ENOTDIR) return xai_fail(err, XAI_EIO, "%s: %s", path, strerror(error));
  char *near = neighbour(path), hint[300];
  xai_status st = xai_fail(err, XAI_ENOTFOUND, "%s: no such file%s", path, xai_str_suggest(hint, sizeof hint, near));
  xai_free(near);
  return st;
}

/* Takes the descriptor over. 'alone': a file with several names is refused. */
static xai_status map_opened(int fd, const char *path, size_t max_bytes, bool alone, xai_file **out, xai_err *err) {
  xai_status st = XAI_OK;
  xai_file *f = NULL;
  struct stat info;
  if (fstat(fd, &info) != 0) {
    st = xai_fail(err, XAI_EIO, "%s: %s", path, strerror(errno));
    goto done;
  }
  if (!S_ISREG(info.st_mode)) {
    st = xai_fail(err, XAI_EARG, "%s: %s, expected a file", path,
                  S_ISDIR(info.st_mode) ? "a directory" : "not a regular file");
    goto done;
  }
  if (alone && info.st_nlink != 1) {
    st = xai_fail(err, XAI_EFORMAT, "%s: has %ld names (expected a file of its own)", path, (long)info.st_nlink);
    goto done;
  }
  if ((uintmax_t)info.st_size > max_bytes) {
    st = xai_fail(err, XAI_EFORMAT, "%s: file of %.1f MB is over the limit of %.1f MB", path,
                  (double)info.st_size / 1e6, (double)max_bytes / 1e6);
    goto done;
  }
  f = xai_calloc(1, sizeof *f + strlen(path) + 1);
  if (f == NULL) {
    st = xai_fail_memory(err, sizeof *f);
    goto done;
  }
  atomic_init(&f->refs, 1);
  strcpy(f->path, path);
  f->size = (size_t)info.st_size;
  if (f->size > 0) {
    void *p = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
      st = xai_fail(err, XAI_EIO, "%s: %s", path, strerror(errno));
      goto done;
    }
    f->data = p;
  }
  *out = f;
  f = NULL;
done:
  xai_free(f);
  close(fd);
  return st;
}

xai_status xai_file_map(const char *path, size_t max_bytes, xai_file **out, xai_err *err) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */
  return fd < 0 ? fail_open(path, errno, err) : map_opened(fd, path, max_bytes, false, out, err);
}

xai_status xai_file_wrap(const char *path, const void *bytes, size_t n, xai_file **out, xai_err *err) {
  xai_file *f = xai_calloc(1, sizeof *f + strlen(path) + 1);
  if (f == NULL) return xai_fail_memory(err, sizeof *f + strlen(path) + 1);
  atomic_init(&f->refs, 1);
  strcpy(f->path, path);
  f->wrapped = true;
  f->data = n > 0 ? (unsigned char *)(uintptr_t)bytes : NULL; /* only ever read */
  f->size = n;
  *out = f;
  return XAI_OK;
}

/* ---- files that another file names ----------------------------------------------------------------------- */
/* Parts joined by single slashes, none of which leads elsewhere. */
static bool stays_below(const char *name) {
  if (name[0] == '\0' || strchr(name, '\\') != NULL) return false;
  for (;;) {
    size_t n = strcspn(name, "/");
    if (n == 0 || (n == 1 && name[0] == '.') || (n == 2 && name[0] == '.' && name[1] == '.')) return false;
    if (name[n] == '\0') return true;
    name += n + 1;
  }
}

int xai_file__walk(int folder, const char *name) {
  char part[NAME_MAX + 1];
  int at = dup(folder);
  while (at >= 0) {
    size_t n = strcspn(name, "/");
    bool last = name[n] == '\0';
    int flags = O_NOFOLLOW | O_CLOEXEC | (last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY), next = -1;
    snprintf(part, sizeof part, "%.*s", (int)(n < sizeof part ? n : sizeof part - 1), name);
    if (n < sizeof part) next = openat(at, part, flags);
    else errno = ENAMETOOLONG;
    int error = errno;
    close(at);
    errno = error;
    if (last) return next;
    at = next;
    name += n + 1;
  }
  return -1;
}

static int open_below(int folder, const char *name) {
#ifdef SYS_openat2
  /* struct open_how and the RESOLVE_ flags NO_MAGICLINKS, NO_SYMLINKS, BENEATH of linux/openat2.h */
  const struct {
    uint64_t flags, mode, resolve;
  } how = {O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, 0x02 | 0x04 | 0x08};
  int fd = (int)syscall(SYS_openat2, folder, name, &how, sizeof how);
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return fd;
#endif
  return xai_file__walk(folder, name);
}

xai_status xai_file_map_beside(const char *path, const char *name, xai_file **out, xai_err *err) {
  const char *slash = strrchr(path, '/');
  size_t length = slash != NULL ? (size_t)(slash - path) + 1 : 0;
  if (!stays_below(name))
    return xai_fail(err, XAI_EFORMAT, "'%s' is no file beside this one (expected a relative path without '..')", name);
  char *full = xai_alloc(length + strlen(name) + 2);
  if (full == NULL) return xai_fail_memory(err, length + strlen(name) + 2);
  memcpy(full, path, length);
  strcpy(full + length, length == 0 ? "." : "");
  int folder = open(full, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = folder < 0 ? -1 : open_below(folder, name),
      error = errno;
  strcpy(full + length, name);
  if (folder >= 0) close(folder);
  xai_status st;
  if (fd >= 0)
    st = map_opened(fd, full, SIZE_MAX, true, out, err);
  else if (error == ELOOP || error == EXDEV)
    st = xai_fail(err, XAI_EFORMAT, "%s: a symbolic link, which is not followed", full);
  else
    st = fail_open(full, error, err);
  xai_free(full);
  return st;
}

const unsigned char *xai_file_data(const xai_file *f) {
  static const unsigned char nothing[1];
  return f->data != NULL ? f->data : nothing;
}
size_t xai_file_size(const xai_file *f) { return f->size; }
const char *xai_file_path(const xai_file *f) { return f->path; }

void xai_file_copy(const xai_file *f, const unsigned char *at, size_t n, void *to) {
  enum { PIECE = 4 << 20 };
  if (f->wrapped) {
    if (n > 0) memcpy(to, at, n);
    return;
  }
  size_t page = (size_t)sysconf(_SC_PAGESIZE), from = (size_t)(at - f->data), end = from + n;
  while (from < end) {
    size_t piece = end - from < PIECE ? end - from : PIECE, first = (from + page - 1) / page * page;
    memcpy((unsigned char *)to + (from - (end - n)), f->data + from, piece);
    from += piece;
    if (from / page * page > first) madvise(f->data + first, from / page * page - first, MADV_DONTNEED);
  }
}

xai_file *xai_file_retain(xai_file *f) {
  atomic_fetch_add(&f->refs, 1);
  return f;
}

void xai_file_release(xai_file *f) {
  if (f == NULL || atomic_fetch_sub(&f->refs, 1) > 1) return;
  if (f->data != NULL && !f->wrapped) munmap(f->data, f->size);
  xai_free(f);
}

static bool write_all(int fd, const unsigned char *p, size_t n) {
  while (n > 0) {
    ssize_t w = write(fd, p, n);
    if (w < 0 && errno == EINTR) continue;
    if (w == 0) errno = EIO;
    if (w <= 0) return false;
    p += w;
    n -= (size_t)w;
  }
  return true;
}

/* A new file beside 'path', with the mode that the user's umask gives; its name into 'temporary'. */
static int open_temporary(const char *path, char *temporary, size_t room) {
  static atomic_uint serial;
  for (;;) {
    snprintf(temporary, room, "%s.%ld-%u~", path, (long)getpid(), atomic_fetch_add(&serial, 1));
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return fd; /* EEXIST: left behind by a killed process with our number */
  }
}

struct xai_writer {
  int fd, error; /* errno of the first failure, 0: none */
  char *path, *target, *temporary; /* as given; behind symbolic links: the file is replaced, not the link; beside it */
};

xai_status xai_writer_open(const char *path, xai_writer **out, xai_err *err) {
  char target[PATH_MAX];
  struct stat info;
  if (realpath(path, target) == NULL) snprintf(target, sizeof target, "%s", path);
  if (strlen(path) >= sizeof target) return xai_fail(err, XAI_EIO, "%.200s...: %s", path, strerror(ENAMETOOLONG));
  if (stat(target, &info) == 0 && !S_ISREG(info.st_mode)) /* renaming over /dev/null would take it away */
    return xai_fail(err, XAI_EARG, "%s: %s, expected a file", path,
                    S_ISDIR(info.st_mode) ? "a directory" : "not a regular file");
  size_t room = strlen(target) + 40, bytes = sizeof(xai_writer) + strlen(path) + 1 + strlen(target) + 1 + room;
  xai_writer *w = xai_alloc(bytes);
  if (w == NULL) return xai_fail_memory(err, bytes);
  w->error = 0;
  w->path = strcpy((char *)(w + 1), path);
  w->target = strcpy(w->path + strlen(path) + 1, target);
  w->temporary = w->target + strlen(target) + 1;
  w->fd = open_temporary(target, w->temporary, room);
  if (w->fd < 0) {
    xai_status st = xai_fail(err, XAI_EIO, "%s: cannot write here: %s", path, strerror(errno));
    xai_free(w);
    return st;
  }
  *out = w;
  return XAI_OK;
}

void xai_writer_add(xai_writer *w, const void *bytes, size_t n) {
  if (w->error == 0 && !write_all(w->fd, bytes, n)) w->error = errno;
}

xai_status xai_writer_commit(xai_writer *w, xai_err *err) {
  xai_status st = XAI_OK;
  if (w->error == 0 && fsync(w->fd) != 0) w->error = errno;
  if (close(w->fd) != 0 && w->error == 0) w->error = errno;
  if (w->error == 0 && rename(w->temporary, w->target) != 0) w->error = errno;
  if (w->error != 0) {
    unlink(w->temporary);
    st = xai_fail(err, XAI_EIO, "%s: %s", w->path, strerror(w->error));
  }
  xai_free(w);
  return st;
}

void xai_writer_discard(xai_writer *w) {
  if (w == NULL) return;
  close(w->fd);
  unlink(w->temporary);
  xai_free(w);
}

xai_status xai_file_write(const char *path, const void *bytes, size_t n, xai_err *err) {
  xai_writer *w;
  XAI_TRY(xai_writer_open(path, &w, err));
  xai_writer_add(w, bytes, n);
  return xai_writer_commit(w, err);
}
