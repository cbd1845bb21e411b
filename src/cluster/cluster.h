/* cluster/cluster.h: several processes that mpirun started work as one. Alone, a process is rank 0 of 1 and nothing here costs
 * anything: MPI is a module of its own (mpi.c) that is loaded only when mpirun is there. */
#ifndef CLUSTER_CLUSTER_H
#define CLUSTER_CLUSTER_H

#include <stddef.h>

#include "base/status.h"

/* Joins the others when mpirun started this process, once; else does nothing. Fails with XAI_EUNSUPPORTED when mpirun did
 * and there is no module for it: every process would take itself for the only one. */
xai_status xai_cluster_start(xai_err *err);
int xai_cluster_rank(void); /* from 0 */
int xai_cluster_size(void);

/* What every rank has to say, to every rank: *all are the bytes of rank 0, 1, ..., one after the other (xai_free), and
 * sizes[rank] how many are whose; sizes has room for xai_cluster_size numbers. All ranks must call it, as often and in the same
 * order. Memory that is short on one rank fails the call on all. */
xai_status xai_cluster_gather(const void *mine, size_t n, void **all, size_t *sizes, xai_err *err);

/* ---- what the module offers ----------------------------------------------------------------------------- */
enum { XAI_CLUSTER_VERSION = 1 };
typedef struct xai_cluster_ops {
  int version;
  int (*start)(int *rank, int *size);                    /* 0: done */
  void (*broadcast)(void *bytes, size_t n, int from);    /* of one rank to all */
  int (*all_agree)(int yes);                             /* whether all say yes */
} xai_cluster_ops;
/* The name of the one symbol that it has, of type const xai_cluster_ops. */
#define XAI_CLUSTER_SYMBOL "xai_cluster_mpi"

#endif
