/* cluster/cluster.c: see cluster.h. */
#define _GNU_SOURCE
#include "cluster/cluster.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#ifndef XAI_LIBDIR
#define XAI_LIBDIR "lib"
#endif

static const xai_cluster_ops *ops; /* NULL: alone */
static int rank, size = 1;

int xai_cluster_rank(void) { return rank; }
int xai_cluster_size(void) { return size; }

/* How many processes the launchers of Open MPI and of MPICH say that they have started; 1 without one. */
static long launched(void) {
  static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *text = getenv(names[i]);
    if (text != NULL && text[0] != '\0') return strtol(text, NULL, 10);
  }
  return 1;
}

/* The module lies beside what this code is part of: the program or the Lua module where they are built, or as they are
 * installed. */
static const xai_cluster_ops *load_module(void) {
  static const char *const places[] = {"", "../", "../" XAI_LIBDIR "/xai/", "xai/", "../../xai/"};
  Dl_info own;
  char path[PATH_MAX], self[PATH_MAX];
  if (dladdr((void *)&ops, &own) == 0 || own.dli_fname == NULL || realpath(own.dli_fname, self) == NULL) return NULL;
  char *slash = strrchr(self, '/');
  if (slash == NULL) return NULL;
  slash[1] = '\0';
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    int n = snprintf(path, sizeof path, "%s%sxai-mpi.so", self, places[i]);
    void *module = n > 0 && (size_t)n < sizeof path ? dlopen(path, RTLD_NOW | RTLD_GLOBAL) : NULL;
    const xai_cluster_ops *found = module != NULL ? dlsym(module, XAI_CLUSTER_SYMBOL) : NULL;
    if (found != NULL && found->version == XAI_CLUSTER_VERSION) return found; /* and stays loaded */
    if (module != NULL) dlclose(module);
  }
  return NULL;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static xai_status started = XAI_OK;

static void start(void) {
  if (launched() <= 1) return;
  const xai_cluster_ops *found = load_module();
  if (found != NULL && found->start(&rank, &size) == 0)
    ops = found;
  else
    started = XAI_EUNSUPPORTED;
}

xai_status xai_cluster_start(xai_err *err) {
  pthread_once(&once, start);
  if (started == XAI_OK) return XAI_OK;
  return xai_fail(err, started, "mpirun started %ld processes, but this build has no MPI (libopenmpi-dev was not there)",
                  launched());
}

xai_status xai_cluster_gather(const void *mine, size_t n, void **all, size_t *sizes, xai_err *err) {
  size_t total = 0;
  for (int r = 0; r < size; r++) {
    sizes[r] = n;
    if (ops != NULL) ops->broadcast(&sizes[r], sizeof *sizes, r);
    total += sizes[r];
  }
  unsigned char *bytes = xai_alloc(total), *at = bytes;
  bool enough = bytes != NULL;
  if (ops != NULL) enough = ops->all_agree(enough) != 0; /* or some would wait for ever for what others do not send */
  if (!enough) {
    xai_free(bytes);
    return xai_fail_memory(err, total);
  }
  for (int r = 0; r < size; r++) {
    if (r == rank && n > 0) memcpy(at, mine, n);
    if (ops != NULL) ops->broadcast(at, sizes[r], r);
    at += sizes[r];
  }
  *all = bytes;
  return XAI_OK;
}
